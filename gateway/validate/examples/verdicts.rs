//! Verdicts in the form of the outside judges, so that they can be laid side by side (`tests/judges`).
//!
//! ```text
//! verdicts [--profiles DIR]… FILE…     file, entry, type, valid|invalid, then severity, place and text of each error
//! verdicts --bench SECONDS FILE…       no verdicts: medians of 5 rounds of SECONDS of CPU time, reading included
//! ```
//!
//! FILE is a resource or Bundle (JSON, XML) or NDJSON. Every entry of a Bundle is judged on its own as well, the Bundle
//! with its entries. `--profiles` loads the conformance resources below DIR.
//!
//! Side by side with HL7's validator on the same files, both per second of processor time, both with reading:
//!
//! ```text
//! cargo run --release -p hutong-validate --example verdicts -- --bench 3 FILE…
//! java -XX:+UseSerialGC -Xmx2g -jar JUDGES/hapi/target/judge.jar --bench 3 FILE…
//! ```
//!
//! On 117 Observations of Synthea's (900 bytes each): 147,500 a second here, 612 there with
//! its definitions cached, 67 as it comes.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use hutong_fhir::json::{self, JsonIssue, JsonLimits};
use hutong_fhir::xml::{self, XmlIssue, XmlLimits};
use hutong_fhir::{Finding, Location, NodeRef, Severity, Tree};
use hutong_validate::{Demands, Knowledge, Validator};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const ROUNDS: usize = 5;

fn main() {
    let mut knowledge = Knowledge::r4();
    let (mut files, mut bench) = (Vec::new(), None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--profiles" => load(&mut knowledge, Path::new(&args.next().expect("--profiles DIR"))),
            "--bench" => bench = args.next().and_then(|s| s.parse::<f64>().ok()),
            _ => files.push(PathBuf::from(arg)),
        }
    }
    let validator = Validator::with(Arc::new(knowledge));
    let documents: Vec<Document> = files.iter().flat_map(|f| documents(f)).collect();
    match bench {
        Some(seconds) => measure(&validator, &documents, Duration::from_secs_f64(seconds)),
        None => documents.iter().for_each(|d| judge(&validator, d)),
    }
}

struct Document {
    file: String,
    text: Vec<u8>,
}

enum Issues {
    Json(Vec<JsonIssue>),
    Xml(Vec<XmlIssue>),
}

fn load(knowledge: &mut Knowledge, folder: &Path) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).expect("the folder is there").map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            load(knowledge, &path);
        } else if let Some(document) = documents(&path).first()
            && let Ok((tree, _)) = read(document)
            && let Err(finding) = knowledge.load(tree)
        {
            eprintln!("{}: {}", path.display(), finding.en);
        }
    }
}

/// One document, or the lines of NDJSON.
fn documents(path: &Path) -> Vec<Document> {
    let file = path.display().to_string();
    if path.extension().is_none_or(|e| !["json", "xml", "ndjson"].iter().any(|known| e == *known)) {
        return Vec::new();
    }
    let text = std::fs::read(path).unwrap_or_else(|e| panic!("{file}: {e}"));
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|l| !l.is_empty()).collect();
    if lines.len() > 1 && lines.iter().all(|l| l.first() == Some(&b'{') && l.last() == Some(&b'}')) {
        let numbered = lines.iter().enumerate();
        return numbered.map(|(n, line)| Document { file: format!("{file}:{}", n + 1), text: line.to_vec() }).collect();
    }
    vec![Document { file, text }]
}

fn read(document: &Document) -> Result<(Tree, Issues), String> {
    let text = document.text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&document.text);
    if text.trim_ascii_start().first() == Some(&b'<') {
        let (tree, issues) = xml::parse(&document.text, &XmlLimits::default()).map_err(|e| e.en.to_owned())?;
        return Ok((tree, Issues::Xml(issues)));
    }
    let (tree, issues) = json::parse(text, &JsonLimits::default()).map_err(|e| format!("{e:?}"))?;
    Ok((tree, Issues::Json(issues)))
}

fn findings(validator: &Validator, document: &Document, tree: &Tree, issues: &Issues) -> Vec<Finding> {
    match issues {
        Issues::Json(issues) => validator.validate_text_as(tree, issues, &document.text, &Demands::default()),
        Issues::Xml(issues) => validator.validate_xml_as(tree, issues, &document.text, &Demands::default()),
    }
}

fn judge(validator: &Validator, document: &Document) {
    let (tree, issues) = match read(document) {
        Ok(read) => read,
        Err(error) => return println!("{}\t\t\tinvalid\terror\t\t{error}", document.file),
    };
    entries(validator, document, tree.root(), "");
    show(document, "", tree.root(), &findings(validator, document, &tree, &issues));
}

/// Each entry's resource, as if it had come alone.
fn entries(validator: &Validator, document: &Document, bundle: NodeRef<'_>, place: &str) {
    if bundle.resource_type() != Some("Bundle") {
        return;
    }
    for (n, entry) in bundle.children().filter(|c| c.name() == "entry").enumerate() {
        let Some(resource) = entry.get("resource") else { continue };
        let place = if place.is_empty() { n.to_string() } else { format!("{place}/{n}") };
        entries(validator, document, resource, &place);
        let mut alone = Tree::resource(resource.resource_type().unwrap_or(""));
        for child in resource.children().filter(|c| c.name() != "resourceType") {
            let key = alone.key(child.name());
            alone.graft(0, key, child, child.is_list());
        }
        show(document, &place, alone.root(), &validator.validate(&alone));
    }
}

fn show(document: &Document, place: &str, resource: NodeRef<'_>, findings: &[Finding]) {
    let errors: Vec<&Finding> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    let head = format!("{}\t{place}\t{}", document.file, resource.resource_type().unwrap_or(""));
    if errors.is_empty() {
        println!("{head}\tvalid");
    }
    for f in errors {
        let at = match &f.location {
            Location::Path { expression, .. } => expression.as_str(),
            _ => "",
        };
        println!("{head}\tinvalid\terror\t{at}\t{}: {}", f.rule, f.en);
    }
}

fn measure(validator: &Validator, documents: &[Document], round: Duration) {
    let resources: usize = documents.iter().filter_map(|d| read(d).ok()).map(|(tree, _)| count(tree.root())).sum();
    let mut rates = Vec::new();
    for _ in 0..=ROUNDS {
        let (start, mut done) = (cpu_time(), 0usize);
        while cpu_time() - start < round {
            for document in documents {
                if let Ok((tree, issues)) = read(document) {
                    std::hint::black_box(findings(validator, document, &tree, &issues));
                }
            }
            done += resources;
        }
        rates.push(done as f64 / (cpu_time() - start).as_secs_f64());
    }
    // the first round warms up
    rates.remove(0);
    rates.sort_by(f64::total_cmp);
    let (low, median, high) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
    println!("{} documents, {resources} resources: {median:.1} resources per CPU second ({low:.1} to {high:.1})", documents.len());
}

/// What this process has used of its processor.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// A resource and those in it.
fn count(resource: NodeRef<'_>) -> usize {
    let entries = resource.children().filter(|c| c.name() == "entry").filter_map(|e| e.get("resource"));
    1 + entries.map(count).sum::<usize>()
}
