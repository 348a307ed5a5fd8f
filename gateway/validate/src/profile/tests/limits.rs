//! What profiles may cost: circles, long lists, deep trees and hostile expressions end in a finding, in bounded time.

use super::*;
use hutong_fhir::{Key, Kind};
use std::time::{Duration, Instant};

/// Generous: a debug build on a loaded machine.
const TIME_MAX: Duration = Duration::from_secs(20);

fn timed(knowledge: Knowledge, tree: &Tree, demands: &Demands<'_>) -> Vec<Located> {
    let validator = Validator::with(Arc::new(knowledge));
    let start = Instant::now();
    let found = validator.validate_as(tree, demands);
    assert!(start.elapsed() < TIME_MAX, "{:?}", start.elapsed());
    found
}

#[test]
fn profiles_that_lead_back_to_themselves_end() {
    // A's links are A's, and each of a ring of patients points to the next
    let circle = profile(
        "Circle",
        "Patient",
        json!([
            { "id": "Patient.gender", "path": "Patient.gender", "min": 1 },
            { "id": "Patient.link.other", "path": "Patient.link.other", "type": [{ "code": "Reference", "targetProfile": [format!("{BASE}/Circle")] }] },
        ]),
    );
    let ring = |count: usize, without: Option<usize>| {
        let entry = |i: usize| {
            let mut patient = json!({ "resourceType": "Patient", "id": format!("p{i}"), "gender": "male",
                "meta": { "profile": [format!("{BASE}/Circle")] },
                "link": [{ "type": "seealso", "other": { "reference": format!("Patient/p{}", (i + 1) % count) } }] });
            if without == Some(i) {
                patient.as_object_mut().unwrap().remove("gender");
            }
            json!({ "fullUrl": format!("http://x.test/Patient/p{i}"), "resource": patient })
        };
        tree(&json!({ "resourceType": "Bundle", "type": "collection", "entry": (0..count).map(entry).collect::<Vec<_>>() }))
    };
    let found = timed(knowing(std::slice::from_ref(&circle)), &ring(12, None), &Demands::default());
    assert!(found.is_empty(), "{}", found[0].finding.en);
    let found = timed(knowing(std::slice::from_ref(&circle)), &ring(12, Some(5)), &Demands::default());
    assert!(found.iter().any(|l| shown(l) == ("fhir.profile.min".into(), "Bundle.entry[5].resource".into())));
    // far longer than profiles may nest
    let found = timed(knowing(std::slice::from_ref(&circle)), &ring(400, None), &Demands::default());
    assert!(found.is_empty(), "{}", found[0].finding.en);
}

#[test]
fn structures_derived_in_a_circle_are_unknown() {
    let mut a = profile("A", "Patient", json!([]));
    let mut b = profile("B", "Patient", json!([]));
    a["baseDefinition"] = b["url"].clone();
    b["baseDefinition"] = a["url"].clone();
    let mut knowledge = Knowledge::r4();
    for resource in [&a, &b] {
        knowledge.load(tree(resource)).unwrap();
    }
    let resource = tree(&patient(json!({ "active": true, "meta": { "profile": [a["url"]] } })));
    let found = timed(knowledge, &resource, &Demands::default());
    assert_eq!(found.iter().map(|l| &*l.finding.rule).collect::<Vec<_>>(), ["fhir.profile.unknown"]);
}

#[test]
fn a_large_bundle_passes_and_its_faults_are_counted() {
    let p = profile(
        "Many",
        "Observation",
        json!([
            { "id": "Observation.subject", "path": "Observation.subject", "min": 1,
              "type": [{ "code": "Reference", "targetProfile": [format!("{BASE}/Named")] }] },
            { "id": "Observation.category", "path": "Observation.category",
              "slicing": { "discriminator": [{ "type": "pattern", "path": "$this" }], "rules": "closed" } },
            { "id": "Observation.category:lab", "path": "Observation.category", "sliceName": "lab", "min": 1,
              "patternCodeableConcept": { "coding": [{ "code": "laboratory" }] } },
        ]),
    );
    let named = profile("Named", "Patient", json!([{ "id": "Patient.name", "path": "Patient.name", "min": 1 }]));
    let bundle = |category: &str| {
        let mut entries = vec![json!({ "fullUrl": "http://x.test/Patient/p",
            "resource": { "resourceType": "Patient", "id": "p", "name": [{ "text": "x" }] } })];
        for i in 0..5_000 {
            entries.push(json!({ "fullUrl": format!("http://x.test/Observation/o{i}"), "resource": {
                "resourceType": "Observation", "id": format!("o{i}"), "meta": { "profile": [format!("{BASE}/Many")] }, "status": "final",
                "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category }] }],
                "code": { "text": "x" }, "subject": { "reference": "Patient/p" } } }));
        }
        tree(&json!({ "resourceType": "Bundle", "type": "collection", "entry": entries }))
    };
    let found = timed(knowing(&[p.clone(), named.clone()]), &bundle("laboratory"), &Demands::default());
    assert!(found.is_empty(), "{}", found[0].finding.en);
    let found = timed(knowing(&[p, named]), &bundle("exam"), &Demands::default());
    assert!(found.len() <= 501 && found.last().unwrap().finding.rule == "fhir.more");
}

#[test]
fn a_deep_tree_under_a_profile_ends() {
    let p = profile("Deep", "Patient", json!([{ "id": "Patient.extension", "path": "Patient.extension", "min": 1 }]));
    let mut deep = tree(&patient(json!({ "meta": { "profile": [p["url"]] } })));
    let mut at = 0;
    for _ in 0..10_000 {
        at = deep.add(at, Key::of("extension"), Kind::Object, true);
        deep.add_value(at, Key::of("url"), Kind::String, "http://x", false);
    }
    let found = timed(knowing(&[p]), &deep, &Demands::default());
    assert_eq!(found.iter().filter(|l| l.finding.rule == "fhir.depth").count(), 1);
}

#[test]
fn a_hostile_expression_and_a_hostile_string_end() {
    let constraint = |key: &str, expression: &str| json!({ "key": key, "severity": "error", "human": "x", "expression": expression });
    let p = profile(
        "Hostile",
        "Patient",
        json!([{ "id": "Patient", "path": "Patient", "constraint": [
            constraint("h-1", "Patient.descendants().all($this in %resource.descendants())"),
            constraint("h-2", "name.text.all(matches('^(a+)+$'))"),
            constraint("h-3", "this is (not FHIRPath"),
        ] }]),
    );
    let names: Vec<Value> = (0..3_000).map(|i| json!({ "text": format!("n{i}") })).collect();
    let many = tree(&patient(json!({ "meta": { "profile": [p["url"]] }, "name": names })));
    let found = timed(knowing(std::slice::from_ref(&p)), &many, &Demands::default());
    assert!(found.iter().any(|l| l.finding.rule == "fhir.invariant.not_evaluated"), "the first took all its steps");
    let text = format!("{}!", "a".repeat(500_000));
    let long = tree(&patient(json!({ "meta": { "profile": [p["url"]] }, "name": [{ "text": text }] })));
    let found = timed(knowing(&[p]), &long, &Demands::default());
    let rules: Vec<&str> = found.iter().map(|l| &*l.finding.rule).collect();
    assert_eq!(rules, ["fhir.invariant.h-2", "fhir.invariant.not_evaluated"]);
}

#[test]
fn many_profiles_of_a_target_do_not_multiply() {
    let names = ["A", "B", "C", "D"];
    let targets: Vec<String> = names.iter().map(|n| format!("{BASE}/{n}")).collect();
    let of = |name: &&str| {
        profile(
            name,
            "Patient",
            json!([{ "id": "Patient.link.other", "path": "Patient.link.other", "type": [{ "code": "Reference", "targetProfile": targets }] }]),
        )
    };
    let mut profiles: Vec<Value> = names.iter().map(of).collect();
    // nobody meets any of them
    for p in &mut profiles {
        let elements = p["differential"]["element"].as_array_mut().unwrap();
        elements.insert(0, json!({ "id": "Patient.deceased[x]", "path": "Patient.deceased[x]", "min": 1 }));
    }
    let entry = |i: usize| {
        json!({ "fullUrl": format!("http://x.test/Patient/p{i}"), "resource": { "resourceType": "Patient", "id": format!("p{i}"),
            "meta": { "profile": [targets[0]] }, "link": [{ "type": "seealso", "other": { "reference": format!("Patient/p{}", i + 1) } }] } })
    };
    let mut entries: Vec<Value> = (0..40).map(entry).collect();
    entries.push(json!({ "fullUrl": "http://x.test/Patient/p40", "resource": { "resourceType": "Patient", "id": "p40", "active": true } }));
    let bundle = tree(&json!({ "resourceType": "Bundle", "type": "collection", "entry": entries }));
    let found = timed(knowing(&profiles), &bundle, &Demands::default());
    assert!(found.iter().any(|l| l.finding.rule == "fhir.profile.reference.target"));
}
