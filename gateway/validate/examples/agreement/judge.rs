//! Our errors on one case.

use crate::Case;
use hutong_fhir::json::{self, JsonIssue, JsonLimits};
use hutong_fhir::xml::{self, XmlIssue, XmlLimits};
use hutong_fhir::{Finding, Location, Severity, Tree};
use hutong_validate::{Demands, Knowledge, Validator};
use std::path::Path;
use std::sync::Arc;

/// The errors as `expression rule: text`; `Err` says why the case was not judged.
pub(crate) fn errors(folder: &Path, case: &Case) -> Result<Vec<String>, String> {
    let mut knowledge = Knowledge::r4();
    let mut profiles = Vec::new();
    for name in case.supporting.iter().chain(&case.profile) {
        let Ok(document) = read(folder, name)? else { continue };
        if case.profile.as_ref() == Some(name)
            && let Some(url) = document.tree.root().at("url")
        {
            profiles.push(url.to_owned());
        }
        // the validator of the test cases passes over what it can not load, too
        let _ = knowledge.load(document.tree);
    }
    if case.profile.is_some() && profiles.is_empty() {
        return Err("the profile has no url".into());
    }
    let document = match read(folder, &case.file)? {
        Ok(document) => document,
        Err(error) => return Ok(vec![error]),
    };
    let known_domains = known_domains(case);
    let demands = Demands { profiles: &profiles, ..demands(case, &known_domains) };
    let validator = Validator::with(Arc::new(knowledge));
    let (tree, text) = (&document.tree, &document.text);
    let findings = match &document.issues {
        Issues::Json(issues) => validator.validate_text_as(tree, issues, text, &demands),
        Issues::Xml(issues) => validator.validate_xml_as(tree, issues, text, &demands),
    };
    Ok(findings.iter().filter(|f| f.severity == Severity::Error).map(shown).collect())
}

/// What the Java validator is set to for these cases: strict on extensions, save those of examples and test domains.
fn demands<'a>(case: &Case, known_domains: &'a [String]) -> Demands<'a> {
    let checks_security = case.manifest["security-checks"] == true;
    Demands {
        unknown_extensions: Some(Severity::Error),
        unknown_modifiers: Severity::Error,
        known_domains,
        markup_in_text: if checks_security { Severity::Error } else { Severity::Information },
        example_addresses: (!allows_examples(case)).then_some(Severity::Error),
        best_practice: false,
        ..Demands::default()
    }
}

fn allows_examples(case: &Case) -> bool {
    case.manifest["examples"] != false
}

fn known_domains(case: &Case) -> Vec<String> {
    let examples = ["example.org", "acme.com", "nema.org", "http://hl7.org/fhir/tools/StructureDefinition/"];
    let mut known: Vec<String> = examples.iter().filter(|_| allows_examples(case)).map(|d| (*d).to_owned()).collect();
    known.extend(case.manifest["allowed-extension-domain"].as_str().map(str::to_owned));
    known
}

enum Issues {
    Json(Vec<JsonIssue>),
    Xml(Vec<XmlIssue>),
}

struct Document {
    tree: Tree,
    issues: Issues,
    text: Vec<u8>,
}

/// A document, or the error of its syntax; the outer `Err` says why it was not looked at.
fn read(folder: &Path, name: &str) -> Result<Result<Document, String>, String> {
    let text = std::fs::read(folder.join(name)).map_err(|e| format!("{name}: {e}"))?;
    if name.ends_with(".xml") {
        return Ok(match xml::parse(&text, &XmlLimits::default()) {
            Ok((tree, issues)) => Ok(Document { tree, issues: Issues::Xml(issues), text }),
            Err(e) => Err(format!("not FHIR XML: {} ({}:{})", e.en, e.line, e.column)),
        });
    }
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text).to_vec();
    Ok(match json::parse(&text, &JsonLimits::default()) {
        Ok((tree, issues)) => Ok(Document { tree, issues: Issues::Json(issues), text }),
        Err(e) => Err(format!("not JSON: {e:?}")),
    })
}

fn shown(finding: &Finding) -> String {
    let at = match &finding.location {
        Location::Path { expression, .. } => expression.as_str(),
        _ => "",
    };
    format!("{at} {}: {}", finding.rule, finding.en)
}
