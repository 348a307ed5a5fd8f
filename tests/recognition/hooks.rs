//! The flow in CDS Hooks: a card at signing, feedback that recognises or refuses; answers judged by the published form.

use hutong_tests::http::get;
use serde_json::{Value, json};

use super::fhir::{call, draft, register};
use super::{County, TOKEN_H2, TOKEN_H3, time};

const K: &str = "2823-3^血清钾^LN";
const SIGN: &str = "/cds-services/hutong-order-sign";

fn sign(patient: &str) -> Value {
    json!({"hook": "order-sign", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/7002", "patientId": patient,
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft(patient)}]}},
        "prefetch": {"user": {"resourceType": "Practitioner", "identifier": [{"value": "7002"}]}}})
}

fn judged(value: &Value, kind: &str) {
    let path = format!("{}/../conformance/schemas/cds-hooks-{kind}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
    assert!(faults.is_empty(), "{kind}: {faults:#?}\n{value:#}");
}

#[test]
fn a_card_at_signing_and_feedback_over_cds_hooks() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    county.report("LAB-1", K, "4.1", &time("1 hour ago"), "全国HR");
    let patient = register(&mut county, "H2");
    let third = register(&mut county, "H3");
    judged(&get(county.gateway.http, "/cds-services").json(), "discovery");

    let answer = call(&county, TOKEN_H2, SIGN, &sign(&patient));
    assert_eq!(answer.status, 200, "{}", answer.json());
    let answer = answer.json();
    judged(&answer, "response");
    let card = &answer["cards"][0];
    assert_eq!(card["indicator"], "warning", "{answer}");
    assert!(card["detail"].as_str().unwrap().contains("4.1 mmol/L"), "{answer}");
    let (guid, suggestion) = (card["uuid"].as_str().unwrap(), card["suggestions"][0]["uuid"].as_str().unwrap());
    // the county hospital's mode for H3 is to hold
    let held = call(&county, TOKEN_H3, SIGN, &sign(&third)).json();
    judged(&held, "response");
    assert_eq!(held["cards"][0]["indicator"], "critical", "{held}");

    let feedback = |outcome: Value| {
        let mut entry = json!({"card": guid, "outcomeTimestamp": "2026-11-22T00:00:00Z"});
        entry.as_object_mut().unwrap().extend(outcome.as_object().unwrap().clone());
        json!({"feedback": [entry]})
    };
    let refused = |code: &str, comment: &str| {
        feedback(json!({"outcome": "overridden", "overrideReason": {"reason": {"system": "urn:x", "code": code}, "userComment": comment}}))
    };
    let accepted = feedback(json!({"outcome": "accepted", "acceptedSuggestions": [{"id": suggestion}]}));
    for (body, token, status) in [
        (accepted.clone(), TOKEN_H3, 404),
        (refused("99", ""), TOKEN_H2, 422),
        (refused("99", "低钾血症"), TOKEN_H2, 200),
        (refused("99", "低钾血症"), TOKEN_H2, 200),
        (accepted, TOKEN_H2, 409),
    ] {
        let said = call(&county, token, &format!("{SIGN}/feedback"), &body);
        assert_eq!(said.status, status, "{body} {}", said.json());
    }
    let task = get(county.gateway.http, &format!("/fhir/Task/{guid}")).json();
    assert_eq!(task["businessStatus"]["coding"][0]["code"], "not-recognised", "{task}");
    assert!(task.to_string().contains("低钾血症"), "{task}");
    // what was decided is not reminded of again
    let again = call(&county, TOKEN_H2, SIGN, &sign(&patient)).json();
    assert_eq!(again["cards"].as_array().map(Vec::len), Some(0), "{again}");
}
