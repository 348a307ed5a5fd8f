//! Profiles of our own making, each for one rule, and resources that keep and break it.

mod bindings;
mod elements;
mod extensions;
mod limits;
mod references;
mod slices;

use crate::{Demands, Knowledge, Located, Validator};
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Location, Severity, Tree};
use serde_json::{Value, json};
use std::sync::Arc;

const BASE: &str = "http://example.test/StructureDefinition";

pub(super) fn tree(value: &Value) -> Tree {
    json::parse(value.to_string().as_bytes(), &JsonLimits::default()).unwrap_or_else(|e| panic!("{e:?}")).0
}

/// A profile `NAME` on a type.
pub(super) fn profile(name: &str, of: &str, elements: Value) -> Value {
    json!({
        "resourceType": "StructureDefinition", "url": format!("{BASE}/{name}"), "version": "1", "name": name, "status": "active",
        "kind": if of.starts_with(char::is_lowercase) { "primitive-type" } else { "resource" }, "abstract": false, "type": of,
        "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{of}"), "derivation": "constraint",
        "differential": { "element": elements },
    })
}

/// An extension `NAME` that may stand on `context`.
pub(super) fn extension(name: &str, context: Value, elements: Value) -> Value {
    let mut out = profile(name, "Extension", elements);
    out["kind"] = json!("complex-type");
    out["context"] = context;
    out
}

pub(super) fn knowing(resources: &[Value]) -> Knowledge {
    let mut knowledge = Knowledge::r4();
    for resource in resources {
        knowledge.load(tree(resource)).unwrap_or_else(|f| panic!("{}: {}", f.rule, f.en));
    }
    for resource in resources.iter().filter(|r| r["resourceType"] == "StructureDefinition") {
        let findings = knowledge.structures.findings(resource["url"].as_str().unwrap());
        assert!(findings.is_empty(), "{}: {}", resource["url"], findings[0].en);
    }
    knowledge
}

pub(super) fn inspect(knowledge: Knowledge, resource: &Value, demands: &Demands<'_>) -> Vec<Located> {
    let found = Validator::with(Arc::new(knowledge)).validate_as(&tree(resource), demands);
    for l in &found {
        assert!(!l.finding.zh.is_empty() && !l.finding.en.is_empty(), "{} speaks both languages", l.finding.rule);
    }
    found
}

/// What is found of a resource that declares the first of the profiles: rule and expression, worst first in document
/// order; information left out.
pub(super) fn judge(profiles: &[Value], resource: &Value) -> Vec<(String, String)> {
    let mut resource = resource.clone();
    let url = profiles[0]["url"].clone();
    if profiles[0]["type"] == resource["resourceType"] {
        resource["meta"] = json!({ "profile": [url] });
    }
    let found = inspect(knowing(profiles), &resource, &Demands::default());
    let mut out: Vec<(String, String)> = found.iter().filter(|l| l.finding.severity > Severity::Information).map(shown).collect();
    out.sort();
    out
}

pub(super) fn shown(located: &Located) -> (String, String) {
    let at = match &located.finding.location {
        Location::Path { expression, .. } => expression.clone(),
        _ => String::new(),
    };
    (located.finding.rule.to_string(), at)
}

/// Judges each resource; the expectation is `rule@expression`, sorted, without `fhir.`.
pub(super) fn table(profiles: &[Value], cases: &[(&str, Value, &[&str])]) {
    let mut wrong = Vec::new();
    for (name, resource, expected) in cases {
        let found: Vec<String> =
            judge(profiles, resource).into_iter().map(|(rule, at)| format!("{}@{at}", rule.trim_start_matches("fhir."))).collect();
        if found != *expected {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An Observation with what is given besides status and code.
pub(super) fn observation(more: Value) -> Value {
    let mut out = json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } });
    for (key, value) in more.as_object().unwrap() {
        out[key] = value.clone();
    }
    out
}

pub(super) fn patient(more: Value) -> Value {
    let mut out = json!({ "resourceType": "Patient" });
    for (key, value) in more.as_object().unwrap() {
        out[key] = value.clone();
    }
    out
}
