//! What validation costs on one core, and what the tables cost to load.
//!
//! ```text
//! cargo run --release -p hutong-validate --example bench [FILE…]
//! ```
//!
//! With `--community FOLDER` (`profiles/community/examples`) it measures the first example of each of our profiles, with
//! the profile: invariants, bindings and slices.
//!
//! Prints CPU time of this thread: µs to parse and to validate each resource (median of 9 rounds), ms and KiB to load
//! the tables. Besides the files it takes three resources of its own.
#![allow(clippy::print_stdout)]

use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Definitions, Severity};
use hutong_validate::{Knowledge, Validator};
use std::sync::Arc;
use std::time::Instant;

const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"4f1c2d3e-0000-8000-8000-000000000001","meta":{"versionId":"1","lastUpdated":"2026-03-01T09:00:01.123+08:00"},"identifier":[{"system":"urn:oid:2.16.156.10011.1.26","value":"20260301000123-K"}],"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"2823-3","display":"Potassium [Moles/volume] in Serum or Plasma"}],"text":"钾"},"subject":{"reference":"Patient/4f1c2d3e-0000-8000-8000-000000000002"},"effectiveDateTime":"2026-03-01T08:30:00+08:00","issued":"2026-03-01T09:00:00+08:00","performer":[{"reference":"Organization/o1"}],"valueQuantity":{"value":4.10,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"N"}]}],"referenceRange":[{"low":{"value":3.5,"unit":"mmol/L"},"high":{"value":5.5,"unit":"mmol/L"},"text":"3.5-5.5"}]}"#;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"4f1c2d3e-0000-8000-8000-000000000002","identifier":[{"use":"official","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"NI"}]},"system":"urn:oid:2.16.156.10011.1.3","value":"11010519491231002X"},{"system":"urn:oid:2.16.156.10011.1.2","value":"00012345"}],"active":true,"name":[{"use":"official","text":"张三"}],"telecom":[{"system":"phone","value":"13800000000","use":"mobile"}],"gender":"male","birthDate":"1949-12-31","address":[{"use":"home","text":"重庆市秀山县中和街道1号"}],"maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M"}]},"managingOrganization":{"reference":"Organization/o1"}}"#;

const REPORT: &str = r#"{"resourceType":"DiagnosticReport","id":"4f1c2d3e-0000-8000-8000-000000000003","identifier":[{"system":"urn:oid:2.16.156.10011.1.27","value":"R1"}],"basedOn":[{"reference":"ServiceRequest/s1"}],"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}]}],"code":{"text":"血常规"},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-03-01T08:30:00+08:00","issued":"2026-03-01T09:00:00+08:00","performer":[{"reference":"Organization/o1"}],"specimen":[{"reference":"Specimen/s1"}],"result":[{"reference":"Observation/o1"},{"reference":"Observation/o2"},{"reference":"Observation/o3"}]}"#;

/// Resident memory in KiB, where the system tells it.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Seconds that this thread has run; wall time where the system does not tell.
fn cpu_seconds(since: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|n| n.parse::<f64>().ok()).map_or(since.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

/// Median µs of one call.
fn time(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0u32;
    while start.elapsed().as_millis() < 50 {
        call();
        count += 1;
    }
    let mut rounds: Vec<f64> = (0..9)
        .map(|_| {
            let from = cpu_seconds(start);
            (0..count).for_each(|_| call());
            (cpu_seconds(start) - from) * 1e6 / f64::from(count)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[4]
}

fn main() {
    let before = resident_kib();
    let start = Instant::now();
    let from = cpu_seconds(start);
    let definitions = Definitions::r4();
    let loaded = cpu_seconds(start) - from;
    let kib = resident_kib();
    let start = Instant::now();
    let validator = Validator::new(definitions);
    println!("tables       {:8.2} ms {:6} KiB", loaded * 1e3, kib.saturating_sub(before));
    println!("validator    {:8.2} ms {:6} KiB", start.elapsed().as_secs_f64() * 1e3, resident_kib().saturating_sub(kib));
    let (kib, start) = (resident_kib(), Instant::now());
    let count = definitions.code_systems().all().len();
    println!("code systems {:8.2} ms {:6} KiB ({count})", start.elapsed().as_secs_f64() * 1e3, resident_kib().saturating_sub(kib));
    let (kib, start) = (resident_kib(), Instant::now());
    let count = definitions.search_parameters().all().len();
    println!("search       {:8.2} ms {:6} KiB ({count})", start.elapsed().as_secs_f64() * 1e3, resident_kib().saturating_sub(kib));
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, folder] = args.as_slice()
        && flag == "--community"
    {
        return community(std::path::Path::new(folder));
    }
    let own = [OBSERVATION, PATIENT, REPORT].map(|t| (String::new(), t.as_bytes().to_vec()));
    let files: Vec<(String, Vec<u8>)> = args.into_iter().filter_map(|f| std::fs::read(&f).ok().map(|t| (f, t))).collect();
    for (name, text) in own.into_iter().chain(files) {
        one(&validator, &name, &text);
    }
}

fn one(validator: &Validator, name: &str, text: &[u8]) {
    let Ok((tree, _)) = json::parse(text, &JsonLimits::default()) else { return };
    let findings = validator.validate(&tree);
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    let parse = time(|| drop(std::hint::black_box(json::parse(text, &JsonLimits::default()))));
    let validate = time(|| drop(std::hint::black_box(validator.validate(&tree))));
    let name = if name.is_empty() { tree.root().resource_type().unwrap_or("") } else { name };
    println!(
        "{name}\t{} bytes\t{} nodes\t{errors} errors\t{} findings\tparse {parse:.2} µs\tvalidate {validate:.2} µs",
        text.len(),
        tree.len(),
        findings.len()
    );
}

fn community(folder: &std::path::Path) {
    let (kib, start) = (resident_kib(), Instant::now());
    let (knowledge, refused) = Knowledge::community();
    let validator = Validator::with(Arc::new(knowledge));
    let (ms, kib) = (start.elapsed().as_secs_f64() * 1e3, resident_kib().saturating_sub(kib));
    println!("community    {ms:8.2} ms {kib:6} KiB ({} refused)", refused.len());
    let mut files: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|f| f.path()).collect();
    files.sort();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let Ok(list) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
        let text = list["examples"][0]["resource"].to_string();
        one(&validator, &file.file_stem().unwrap_or_default().to_string_lossy(), text.as_bytes());
    }
}
