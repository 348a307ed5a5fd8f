#![allow(clippy::print_stdout, clippy::unwrap_used)]
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::xml::{self, XmlLimits};
use hutong_validate::{Knowledge, Validator};
use std::sync::Arc;
fn main() {
    let v = Validator::with(Arc::new(Knowledge::r4()));
    for file in std::env::args().skip(1) {
        let Ok(text) = std::fs::read(&file) else { continue };
        let t0 = std::time::Instant::now();
        let tree = if file.ends_with(".xml") {
            xml::parse(&text, &XmlLimits::default()).ok().map(|x| x.0)
        } else {
            json::parse(&text, &JsonLimits::default()).ok().map(|x| x.0)
        };
        let Some(tree) = tree else {
            println!("{file} unreadable");
            continue;
        };
        let t1 = std::time::Instant::now();
        let found = v.validate(&tree);
        let errs = found.iter().filter(|f| f.severity == hutong_fhir::Severity::Error).count();
        println!("{file}\t{errs} errors\t{} findings\t{:?} parse {:?}", found.len(), t1.elapsed(), t1 - t0);
        for f in found {
            println!("   {}\t{}\t{}\t{}\t{:?}", f.severity.as_str(), f.rule, f.location, f.en, f.value);
        }
    }
}
