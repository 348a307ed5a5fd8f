//! Judges FHIR JSON files on the command line, for development: one line a file, then its findings.
//!
//! ```text
//! cargo run --release -p hutong-validate --example judge -- FILE…
//! ```
#![allow(clippy::print_stdout)]

use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Definitions, Severity};
use hutong_validate::Validator;

fn main() {
    let validator = Validator::new(Definitions::r4());
    let (mut valid, mut invalid) = (0, 0);
    for file in std::env::args().skip(1) {
        let Ok(text) = std::fs::read(&file) else {
            println!("{file}\tunreadable");
            continue;
        };
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let (tree, issues) = match json::parse(text, &JsonLimits::default()) {
            Ok(parsed) => parsed,
            Err(error) => {
                println!("{file}\tinvalid\t{:?} at {:?}", error.kind, json::line_column(text, error.offset));
                invalid += 1;
                continue;
            }
        };
        let findings = validator.validate_with_issues(&tree, &issues, text);
        let good = findings.iter().all(|f| f.severity != Severity::Error);
        if good {
            valid += 1
        } else {
            invalid += 1
        }
        println!("{file}\t{}", if good { "valid" } else { "invalid" });
        for f in findings {
            println!("  {}\t{}\t{}\t{} | {}\t{}", f.severity.as_str(), f.rule, f.location, f.zh, f.en, f.value.unwrap_or_default());
        }
    }
    println!("{valid} valid, {invalid} invalid");
}
