//! Compares our verdict (valid or not) with the one that HL7's Java validator gave on HL7's own test cases.
//!
//! ```text
//! cargo run -p hutong-validate --example agreement -- CORPORA/fhir-r4/validator [--case NAME]
//! ```
//!
//! The folder holds `manifest.subset.json`, the resources and `outcomes/` with what the Java validator said. A case is
//! judged with the conformance resources that the manifest gives it (`profiles`, `supporting`), and, where it has a
//! `profile`, once more against that. Writes `conformance/validator-agreement.md`; every disagreement has its reason in
//! `conformance/validator-reasons.tsv`, and one without ends the program with status 1, as does a reason for a case
//! that agrees. `--case` instead prints both sides' errors of one case.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "agreement/judge.rs"]
mod judge;
#[path = "agreement/report.rs"]
mod report;

use serde_json::Value;
use std::path::{Path, PathBuf};

/// One verdict of the Java validator with what it was given.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) module: String,
    /// `base`, or `profile` where a profile is imposed.
    pub(crate) part: &'static str,
    pub(crate) file: String,
    /// Conformance resources that stand by.
    pub(crate) supporting: Vec<String>,
    /// File of the imposed profile.
    pub(crate) profile: Option<String>,
    /// Judged with FHIR R5's definitions there.
    pub(crate) is_r5: bool,
    pub(crate) manifest: Value,
    /// Texts of what the Java validator calls an error.
    pub(crate) errors: Vec<String>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = args.first().map(PathBuf::from) else {
        eprintln!("agreement CORPORA/fhir-r4/validator [--case NAME]");
        std::process::exit(2);
    };
    let cases = read_cases(&folder);
    if let [_, flag, name] = args.as_slice()
        && flag == "--case"
    {
        cases.iter().filter(|c| c.name == *name).for_each(|case| explain(&folder, case));
        return;
    }
    let rows: Vec<report::Row> = cases
        .into_iter()
        .map(|case| {
            let ours = judge::errors(&folder, &case);
            report::Row { case, ours }
        })
        .collect();
    let conformance = Path::new("conformance");
    let reasons = report::read_reasons(&std::fs::read_to_string(conformance.join("validator-reasons.tsv")).unwrap_or_default());
    let (text, open) = report::write(&rows, &reasons);
    std::fs::write(conformance.join("validator-agreement.md"), text).expect("conformance/ can be written");
    for line in &open {
        eprintln!("{line}");
    }
    std::process::exit(i32::from(!open.is_empty()));
}

fn explain(folder: &Path, case: &Case) {
    println!("{} {} ({}): {} errors there", case.name, case.part, case.file, case.errors.len());
    case.errors.iter().for_each(|e| println!("    theirs  {e}"));
    match judge::errors(folder, case) {
        Ok(ours) => ours.iter().for_each(|e| println!("    ours    {e}")),
        Err(why) => println!("    not judged: {why}"),
    }
}

fn read_cases(folder: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(folder.join("manifest.subset.json")).expect("manifest.subset.json is there");
    let manifest: Value = serde_json::from_str(&text).expect("the manifest is JSON");
    let mut cases = Vec::new();
    for test in manifest["test-cases"].as_array().expect("the manifest lists cases") {
        let mut supporting = texts(&test["profiles"]);
        supporting.extend(texts(&test["supporting"]));
        let java = text_of(&test["java"]);
        let case = Case {
            name: text_of(&test["name"]),
            module: text_of(&test["module"]),
            part: "base",
            file: text_of(&test["file"]),
            supporting: supporting.clone(),
            profile: None,
            is_r5: java.contains("/R5."),
            manifest: test.clone(),
            errors: errors_of(folder, &java),
        };
        cases.push(case);
        let profile = &test["profile"];
        if profile.is_object() {
            supporting.extend(texts(&profile["supporting"]));
            let java = text_of(&profile["java"]);
            cases.push(Case {
                name: text_of(&test["name"]),
                module: text_of(&test["module"]),
                part: "profile",
                file: text_of(&test["file"]),
                supporting,
                profile: Some(text_of(&profile["source"])),
                is_r5: java.contains("/R5."),
                manifest: test.clone(),
                errors: errors_of(folder, &java),
            });
        }
    }
    cases
}

fn errors_of(folder: &Path, outcome: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("outcomes").join(outcome.replace(' ', "_"))).expect("the outcome is there");
    let outcome: Value = serde_json::from_str(&text).expect("the outcome is JSON");
    let issues = outcome["issue"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors = issues.iter().filter(|i| matches!(i["severity"].as_str(), Some("error" | "fatal")));
    errors.map(|i| format!("{} {}", text_of(&i["expression"][0]), text_of(&i["details"]["text"]))).collect()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(|a| a.iter().map(text_of).collect()).unwrap_or_default()
}
