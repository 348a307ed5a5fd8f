//! Measures the projection at a million resources: CPU of applying a ten-resource laboratory result, latency and CPU of
//! a search by patient, code and date with bodies, opening time and memory. Every figure is printed with its unit.
//!
//! `cargo run --release -p hutong-commit --example projection_bench -- [messages, default 100000] [directory to keep]`,
//! then `… -- idle DIRECTORY` for what a process costs that only opened it.

// a benchmark: it prints, and what goes wrong in it is to stop it
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hutong_commit::entry::{Draft, Entry, EntryKind, Final, ResourceDraft, Update};
use hutong_commit::projection::{self, Reader, SqliteProjection};
use hutong_commit::search::Query;
use hutong_commit::store::{JournalOptions, Projection, ProjectionError, Store};
use rustix::time::{ClockId, clock_gettime};

const PATIENTS: u64 = 20_000;
const CODES: u64 = 300;
/// 2026-01-01T00:00Z.
const START_US: i64 = 1_767_225_600_000_000;

fn cpu(clock: ClockId) -> Duration {
    let t = clock_gettime(clock);
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}

/// A small generator of numbers that are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn id(kind: &str, parts: &[u64]) -> String {
    let parts: Vec<String> = parts.iter().map(u64::to_string).collect();
    hutong_fhir::id::from_identity("bench", kind, parts.iter().map(String::as_str))
}

fn time(n: u64) -> String {
    hutong_commit::search::date::instant(START_US + n as i64 * 3_000_000).replace(".000Z", "Z")
}

fn padded(mut body: String) -> Vec<u8> {
    let missing = 900usize.saturating_sub(body.len() + 60);
    body.truncate(body.len() - 1);
    body += &format!(r#","extension":[{{"url":"urn:bench:raw","valueString":"{}"}}]}}"#, "x".repeat(missing));
    body.into_bytes()
}

fn resource(kind: &str, id: String, update: Update, event_us: i64, rest: &str) -> ResourceDraft {
    let body = padded(format!(r#"{{"resourceType":"{kind}","id":"{id}",{rest}}}"#));
    ResourceDraft { resource_type: kind.into(), id, body, update, clear: Vec::new(), event_us }
}

fn patient_of(n: u64) -> u64 {
    Random(n).below(PATIENTS)
}

fn code_of(n: u64, k: u64) -> u64 {
    (n * 7 + k * 41) % CODES
}

/// A laboratory result: patient (known after the first time), report, order, specimen, seven observations.
fn message(n: u64) -> Draft {
    let patient_n = patient_of(n);
    let patient = id("Patient", &[patient_n]);
    let event_us = START_US + n as i64 * 3_000_000;
    let (order, specimen, encounter) = (id("ServiceRequest", &[n]), id("Specimen", &[n]), id("Encounter", &[patient_n]));
    let subject = format!(r#""subject":{{"reference":"Patient/{patient}"}},"encounter":{{"reference":"Encounter/{encounter}"}}"#);
    let at = time(n);
    let mut resources = vec![resource(
        "Patient",
        patient.clone(),
        Update::Merge,
        event_us,
        &format!(
            r#""identifier":[{{"system":"urn:bench:mrn","value":"{patient_n:08}"}}],"name":[{{"text":"张{patient_n}"}}],"gender":"male","birthDate":"1970-01-01""#
        ),
    )];
    resources.push(resource("ServiceRequest", order.clone(), Update::Merge, event_us, &format!(
        r#""identifier":[{{"system":"urn:bench:placer","value":"P{n:010}"}}],"status":"completed","intent":"order","code":{{"coding":[{{"system":"urn:bench:panels","code":"PAN{}"}}]}},{subject},"authoredOn":"{at}""#,
        n % 40
    )));
    resources.push(resource("Specimen", specimen.clone(), Update::Merge, event_us, &format!(
        r#""identifier":[{{"system":"urn:bench:barcode","value":"B{n:010}"}}],"type":{{"coding":[{{"system":"http://snomed.info/sct","code":"119297000"}}]}},"subject":{{"reference":"Patient/{patient}"}},"collection":{{"collectedDateTime":"{at}"}}"#
    )));
    let mut results = Vec::new();
    for k in 0..7 {
        let code = code_of(n, k);
        let observation = id("Observation", &[n, k]);
        results.push(format!(r#"{{"reference":"Observation/{observation}"}}"#));
        resources.push(resource("Observation", observation, Update::Replace, event_us, &format!(
            r#""basedOn":[{{"reference":"ServiceRequest/{order}"}}],"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}-7"}}],"text":"血红蛋白"}},{subject},"effectiveDateTime":"{at}","performer":[{{"reference":"Organization/lab"}}],"valueQuantity":{{"value":{}.{},"unit":"g/L","system":"http://unitsofmeasure.org","code":"g/L"}},"specimen":{{"reference":"Specimen/{specimen}"}}"#,
            100 + n % 50, k
        )));
    }
    let report = id("DiagnosticReport", &[n]);
    resources.push(resource("DiagnosticReport", report, Update::Replace, event_us, &format!(
        r#""identifier":[{{"system":"urn:bench:filler","value":"F{n:010}"}}],"basedOn":[{{"reference":"ServiceRequest/{order}"}}],"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}}]}}],"code":{{"coding":[{{"system":"urn:bench:panels","code":"PAN{}"}}]}},{subject},"effectiveDateTime":"{at}","issued":"{at}","specimen":[{{"reference":"Specimen/{specimen}"}}],"result":[{}]"#,
        n % 40, results.join(",")
    )));
    let mut content_hash = [0u8; 32];
    content_hash[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Draft {
        kind: EntryKind::Message,
        receipt: format!("{:012x}{:04x}", event_us / 1000, n % 65_536),
        received_us: event_us,
        source: "lis".into(),
        protocol: "mllp",
        control_id: format!("LIS{n:012}"),
        content_hash,
        message_type: "ORU^R01^ORU_R01".into(),
        outcome: Final::Stored,
        answer: vec![b'a'; 120],
        findings: b"[]".to_vec(),
        raw: vec![b'r'; 1500],
        resources,
        events: Vec::new(),
        plan_hash: [0; 32],
        conflict: None,
    }
}

/// The projection with the CPU time of each `apply`.
struct Timed {
    inner: SqliteProjection,
    spent_ns: Arc<AtomicU64>,
    entries: Arc<AtomicU64>,
    batches: Arc<AtomicU64>,
}

impl Projection for Timed {
    fn applied(&self) -> u64 {
        self.inner.applied()
    }

    fn apply(&mut self, batch: &[Arc<Entry>]) -> Result<(), ProjectionError> {
        let before = cpu(ClockId::ThreadCPUTime);
        let done = self.inner.apply(batch);
        self.spent_ns.fetch_add((cpu(ClockId::ThreadCPUTime) - before).as_nanos() as u64, Ordering::Relaxed);
        self.entries.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        done
    }

    fn reset(&mut self) -> Result<(), ProjectionError> {
        self.inner.reset()
    }
}

fn rss_mb() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default().to_owned();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

type Meters = (Arc<AtomicU64>, Arc<AtomicU64>, Arc<AtomicU64>);

fn open(dir: &std::path::Path, meters: &Meters) -> (Store, Reader) {
    let mut reader = None;
    let options = JournalOptions { lag_max: 20_000, ..JournalOptions::default() };
    let store = Store::open_with(dir, options, |journal| {
        let (inner, r) = projection::open(&dir.join("projection"), Arc::new(journal.clone()))
            .map_err(|e| hutong_commit::error::StoreError::Projection(e.0))?;
        reader = Some(r);
        Ok(Timed { inner, spent_ns: meters.0.clone(), entries: meters.1.clone(), batches: meters.2.clone() })
    })
    .expect("open the store");
    (store, reader.expect("a reader"))
}

fn load(store: &Store, from: u64, to: u64, meters: &Meters) -> (f64, f64) {
    let (spent, entries, batches) = (meters.0.load(Ordering::Relaxed), meters.1.load(Ordering::Relaxed), meters.2.load(Ordering::Relaxed));
    let (tx, rx) = mpsc::channel();
    let mut flying = 0;
    for n in from..to {
        let tx = tx.clone();
        store.submit(message(n), move |r| {
            let _ = tx.send(r.map(|c| c.seq).map_err(|e| e.to_string()));
        });
        flying += 1;
        while flying > 512 {
            rx.recv().expect("an answer").expect("stored");
            flying -= 1;
        }
    }
    for _ in 0..flying {
        rx.recv().expect("an answer").expect("stored");
    }
    assert!(store.wait_applied(store.durable(), Duration::from_secs(600)), "the projection lags");
    let done = (meters.1.load(Ordering::Relaxed) - entries) as f64;
    let us = (meters.0.load(Ordering::Relaxed) - spent) as f64 / 1000.0 / done;
    (us, done / (meters.2.load(Ordering::Relaxed) - batches) as f64)
}

fn searches(reader: &Reader, messages: u64, rounds: usize) {
    let mut random = Random(99);
    let (mut walls, mut found) = (Vec::new(), 0usize);
    let before = cpu(ClockId::ThreadCPUTime);
    for _ in 0..rounds {
        let n = random.below(messages);
        let patient = id("Patient", &[patient_of(n)]);
        let from = time(n);
        let pairs = [
            ("patient", patient),
            ("code", format!("http://loinc.org|{}-7", code_of(n, random.below(7)))),
            ("date", format!("ge{}", &from[..10])),
        ];
        let pairs: Vec<(String, String)> = pairs.into_iter().map(|(a, b)| (a.to_owned(), b)).collect();
        let began = Instant::now();
        let (query, _) = Query::read("Observation", &pairs, 0).map_err(|e| e.en).expect("a query");
        found += reader.search(&query).expect("a page").matches.len();
        walls.push(began.elapsed());
    }
    let spent = cpu(ClockId::ThreadCPUTime) - before;
    walls.sort();
    let at = |p: f64| walls[((walls.len() - 1) as f64 * p) as usize].as_secs_f64() * 1e3;
    println!(
        "search.patient_code_date p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms, {:.1} µs CPU each, {:.2} matches each, {rounds} rounds",
        at(0.5),
        at(0.99),
        at(1.0),
        spent.as_secs_f64() * 1e6 / rounds as f64,
        found as f64 / rounds as f64
    );
    // a patient's 20 newest observations: bodies dominate
    let before = cpu(ClockId::ThreadCPUTime);
    let (mut walls, mut found) = (Vec::new(), 0usize);
    for _ in 0..rounds / 10 {
        let pairs = [("patient", id("Patient", &[random.below(PATIENTS)])), ("_sort", "-date".to_owned()), ("_count", "20".to_owned())];
        let pairs: Vec<(String, String)> = pairs.into_iter().map(|(a, b)| (a.to_owned(), b)).collect();
        let began = Instant::now();
        let (query, _) = Query::read("Observation", &pairs, 0).map_err(|e| e.en).expect("a query");
        found += reader.search(&query).expect("a page").matches.len();
        walls.push(began.elapsed());
    }
    let spent = cpu(ClockId::ThreadCPUTime) - before;
    walls.sort();
    println!(
        "search.patient_newest p50 {:.3} ms, p99 {:.3} ms, {:.1} µs CPU each, {:.1} matches each",
        walls[walls.len() / 2].as_secs_f64() * 1e3,
        walls[walls.len() * 99 / 100].as_secs_f64() * 1e3,
        spent.as_secs_f64() * 1e6 / walls.len() as f64,
        found as f64 / walls.len() as f64
    );
}

/// `idle DIR`: opens what a run with a directory left, and says what a process costs that does nothing.
fn idle(dir: &std::path::Path) {
    let meters: Meters = Default::default();
    for _ in 0..5 {
        let began = Instant::now();
        let (store, reader) = open(dir, &meters);
        let all = began.elapsed();
        let rss = rss_mb();
        let read = reader.read("Patient", "none").expect("an answer").is_none();
        println!("open {:.1} ms, applied {}, idle.rss_mb {rss:.0}, first read {read}", all.as_secs_f64() * 1e3, store.applied());
        drop(reader);
        drop(store);
    }
    let (store, reader) = open(dir, &meters);
    searches(&reader, store.applied().min(100_000), 20_000);
    println!("rss after searches {:.0} MB", rss_mb());
}

fn main() {
    let mut args = std::env::args().skip(1);
    let first = args.next();
    if first.as_deref() == Some("idle") {
        return idle(&PathBuf::from(args.next().expect("a directory")));
    }
    let messages: u64 = first.map_or(100_000, |a| a.parse().expect("a number of messages"));
    let kept = args.next();
    let keep = kept.is_some();
    let dir = kept.map_or_else(|| std::env::temp_dir().join(format!("projection-bench-{}", std::process::id())), PathBuf::from);
    std::fs::create_dir_all(&dir).expect("a directory");
    let meters: Meters = Default::default();
    let (store, reader) = open(&dir, &meters);
    let step = (messages / 5).max(1);
    for part in 0..5 {
        let (us, batch) = load(&store, part * step, (part + 1) * step, &meters);
        println!(
            "project.oru10.cpu_us {us:.1} at {} resources, {batch:.0} messages a batch, rss {:.0} MB",
            (part + 1) * step * 10,
            rss_mb()
        );
    }
    searches(&reader, messages, 20_000);
    println!("rss after load and searches {:.0} MB", rss_mb());
    drop(reader);
    drop(store);
    let began = Instant::now();
    let (store, reader) = open(&dir, &meters);
    println!("open {:.1} ms, rss {:.0} MB, applied {}", began.elapsed().as_secs_f64() * 1e3, rss_mb(), store.applied());
    let file = std::fs::read_dir(dir.join("projection"))
        .expect("a directory")
        .flatten()
        .filter_map(|f| f.metadata().ok())
        .map(|m| m.len())
        .sum::<u64>();
    println!("projection on disk {:.0} MB, {:.0} bytes a resource", file as f64 / 1e6, file as f64 / (messages * 10) as f64);
    for batch in [1u64, 8, 64] {
        let from = 10_000_000 + batch * 100_000;
        let mut us = 0.0;
        let rounds = 200;
        for r in 0..rounds {
            us += load(&store, from + r * batch, from + (r + 1) * batch, &meters).0;
        }
        println!("project.oru10.cpu_us {:.1} with {batch} messages in flight", us / rounds as f64);
    }
    drop(reader);
    drop(store);
    if !keep {
        let _ = std::fs::remove_dir_all(&dir);
    }
}
