//! Codes against value sets, by strength; displays; national numbers.

use super::*;
use crate::IdentifierPolicy;
use hutong_fhir::identifier::Kind;

const SET: &str = "http://example.test/ValueSet/set";

fn set() -> [Value; 2] {
    [
        json!({ "resourceType": "CodeSystem", "url": "http://example.test/codes", "status": "active", "content": "complete",
            "concept": [{ "code": "a", "display": "Alpha" }, { "code": "b" }, { "code": "z" }] }),
        json!({ "resourceType": "ValueSet", "url": SET, "status": "active",
            "compose": { "include": [{ "system": "http://example.test/codes", "concept": [{ "code": "a" }, { "code": "b" }] }] } }),
    ]
}

fn severities(strength: &str, element: &str, resource: Value) -> Vec<(Severity, String)> {
    let path = format!("Observation.{element}");
    let p = profile("Bound", "Observation", json!([{ "id": path, "path": path, "binding": { "strength": strength, "valueSet": SET } }]));
    let mut resource = observation(resource);
    resource["meta"] = json!({ "profile": [p["url"]] });
    let [system, set] = set();
    inspect(knowing(&[p, system, set]), &resource, &Demands::default())
        .iter()
        .map(|l| (l.finding.severity, l.finding.rule.to_string()))
        .collect()
}

fn concept(codes: &[(&str, &str)]) -> Value {
    json!({ "code": { "coding": codes.iter().map(|(s, c)| json!({ "system": s, "code": c })).collect::<Vec<_>>() } })
}

#[test]
fn strength_is_severity() {
    let own = "http://example.test/codes";
    let required = (Severity::Error, "fhir.profile.code.required".to_owned());
    let extensible = (Severity::Warning, "fhir.code.extensible".to_owned());
    let preferred = (Severity::Information, "fhir.code.preferred".to_owned());
    for (strength, codes, expected) in [
        ("required", &[(own, "a")][..], &[][..]),
        ("required", &[("http://local.test", "1"), (own, "b")], &[]),
        ("required", &[(own, "z")], std::slice::from_ref(&required)),
        ("required", &[("http://local.test", "1")], std::slice::from_ref(&required)),
        ("extensible", &[(own, "a")], &[]),
        ("extensible", &[(own, "z")], std::slice::from_ref(&extensible)),
        ("preferred", &[(own, "z")], std::slice::from_ref(&preferred)),
        ("example", &[(own, "z")], &[]),
    ] {
        assert_eq!(severities(strength, "code", concept(codes)), expected, "{strength} {codes:?}");
    }
    assert_eq!(severities("required", "code", json!({ "code": { "text": "x" } })), std::slice::from_ref(&required));
    assert_eq!(severities("extensible", "code", json!({ "code": { "text": "x" } })), []);
    let quantity = |code: &str| json!({ "valueQuantity": { "value": 1, "unit": code, "system": own, "code": code } });
    assert_eq!(severities("required", "value[x]", quantity("a")), []);
    assert_eq!(severities("required", "value[x]", quantity("z")), [required]);
}

#[test]
fn what_is_not_here_is_not_judged() {
    let p = profile(
        "Unknown",
        "Observation",
        json!([{ "id": "Observation.code", "path": "Observation.code", "binding": { "strength": "required", "valueSet": "http://nowhere.test/set" } }]),
    );
    let mut resource = observation(concept(&[("http://local.test", "1")]));
    resource["meta"] = json!({ "profile": [p["url"]] });
    let found = inspect(knowing(&[p]), &resource, &Demands::default());
    assert_eq!(
        found.iter().map(|l| (l.finding.severity, &*l.finding.rule)).collect::<Vec<_>>(),
        [(Severity::Warning, "fhir.code.not_checked")]
    );
}

#[test]
fn displays_are_those_of_the_system_unless_translated() {
    let of = |display: &str| {
        observation(json!({ "code": { "coding": [{ "system": "http://example.test/codes", "code": "a", "display": display }] } }))
    };
    for (display, count) in [("Alpha", 0), ("alpha ", 0), ("甲", 0), ("Beta", 1)] {
        let found = inspect(knowing(&set()), &of(display), &Demands::default());
        assert_eq!(found.iter().filter(|l| l.finding.rule == "fhir.code.display").count(), count, "{display}");
    }
}

#[test]
fn national_numbers_are_as_strict_as_the_policy() {
    let of = |number: &str| patient(json!({ "identifier": [{ "system": "urn:oid:2.16.156.10011.1.3", "value": number }] }));
    let rules = |number: &str, policy: &IdentifierPolicy| -> Vec<(Severity, String)> {
        let demands = Demands { identifiers: policy, ..Demands::default() };
        inspect(Knowledge::r4(), &of(number), &demands).iter().map(|l| (l.finding.severity, l.finding.rule.to_string())).collect()
    };
    let rule = "fhir.identifier.identity-card".to_owned();
    assert_eq!(rules("11010519491231002X", &IdentifierPolicy::default()), []);
    assert_eq!(rules("110105194912310021", &IdentifierPolicy::default()), [(Severity::Warning, rule.clone())]);
    let strict = IdentifierPolicy { default: None, by_kind: vec![(Kind::IdentityCard, Some(Severity::Error))] };
    assert_eq!(rules("110105194912310021", &strict), [(Severity::Error, rule)]);
    assert_eq!(rules("110105194912310021", &IdentifierPolicy { default: None, by_kind: Vec::new() }), []);
}

#[test]
fn what_is_less_than_asked_for_is_not_made() {
    let told = |strength: &str, least: Severity| {
        let p = profile(
            "Soft",
            "Observation",
            json!([{ "id": "Observation.code", "path": "Observation.code",
                "binding": { "strength": strength, "valueSet": SET } }]),
        );
        let mut resource = observation(concept(&[("http://local.test", "1")]));
        resource["meta"] = json!({ "profile": [p["url"]] });
        let [codes, values] = set();
        inspect(knowing(&[codes, values, p]), &resource, &Demands { least, ..Demands::default() })
            .iter()
            .map(|l| l.finding.severity)
            .collect::<Vec<_>>()
    };
    assert_eq!(told("preferred", Severity::Information), [Severity::Information]);
    assert_eq!(told("preferred", Severity::Warning), []);
    assert_eq!(told("extensible", Severity::Warning), [Severity::Warning]);
    assert_eq!(told("extensible", Severity::Error), []);
}
