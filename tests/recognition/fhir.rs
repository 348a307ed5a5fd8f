//! The flow in FHIR: asked before the order is placed, answered by the doctor, with what it leaves behind.

use hutong_tests::http::{Answer, request};
use serde_json::{Value, json};

use super::{CARD, County, TOKEN_H2, TOKEN_H3, time};

const K: &str = "2823-3^血清钾^LN";

pub fn call(county: &County, token: &str, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    request(county.gateway.http, &head, body.as_bytes())
}

/// Registers the patient at an institution; the id of its Patient.
pub fn register(county: &mut County, at: &str) -> String {
    let message = county.message(at, "ADT^A04", CARD, "EVN|A04|20260101\r");
    let said = county.send(&message);
    assert!(said.contains("\nMSA|AA|"), "{said}");
    let number = format!("{at}004");
    let found = hutong_tests::http::get(county.gateway.http, &format!("/fhir/Patient?identifier={number}")).json();
    found["entry"][0]["resource"]["id"].as_str().unwrap_or_else(|| panic!("{found}")).to_owned()
}

pub fn draft(patient: &str) -> Value {
    json!({"resourceType": "ServiceRequest", "id": "draft-1", "status": "draft", "intent": "order",
        "subject": {"reference": format!("Patient/{patient}")},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "血清钾"}]}})
}

fn check(patient: &str) -> Value {
    json!({"resourceType": "Parameters", "parameter": [
        {"name": "order", "resource": draft(patient)},
        {"name": "setting", "valueCode": "outpatient"},
        {"name": "doctor", "valueString": "7002"}]})
}

fn parts<'v>(of: &'v Value, name: &str) -> Vec<&'v Value> {
    let list = of["parameter"].as_array().or_else(|| of["part"].as_array()).unwrap();
    list.iter().filter(|p| p["name"] == name).collect()
}

fn reply(guid: &str, decision: &str, reason: &str) -> Value {
    let mut list = vec![json!({"name": "reminder", "valueId": guid}), json!({"name": "decision", "valueCode": decision})];
    if !reason.is_empty() {
        list.push(json!({"name": "reason", "valueCode": reason}));
    }
    json!({"resourceType": "Parameters", "parameter": list})
}

const CHECK: &str = "/fhir/ServiceRequest/$recognition-check";
const ANSWER: &str = "/fhir/Task/$recognition-answer";

#[test]
fn asked_answered_taken_back_over_fhir() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    county.report("LAB-1", K, "4.1", &time("1 hour ago"), "全国HR");
    let patient = register(&mut county, "H2");

    let told = call(&county, TOKEN_H2, CHECK, &check(&patient));
    assert_eq!(told.status, 200, "{}", told.json());
    let told = told.json();
    assert_eq!(parts(&told, "degraded")[0]["valueBoolean"], false, "{told}");
    let item = parts(&told, "item")[0];
    assert_eq!(parts(item, "verdict")[0]["valueCode"], "recognise", "{told}");
    let reminder = parts(item, "reminder")[0];
    let guid = parts(reminder, "id")[0]["valueId"].as_str().unwrap();
    assert_eq!(parts(parts(reminder, "rule")[0], "set")[0]["valueString"], "demo", "{told}");
    assert_eq!(parts(item, "candidate").len(), 1, "{told}");

    // another institution: neither the patient nor the reminder is there
    assert_eq!(call(&county, TOKEN_H3, CHECK, &check(&patient)).status, 422);
    assert_eq!(call(&county, TOKEN_H3, ANSWER, &reply(guid, "view", "")).status, 404);
    for (decision, reason, status) in [
        ("revoke", "", 404),
        ("refuse", "", 422),
        ("refuse", "ZZ", 422),
        ("refuse", "99", 422),
        ("view", "", 200),
        ("refuse", "04", 200),
        ("recognise", "", 409),
        ("revoke", "", 200),
        ("recognise", "", 200),
    ] {
        let said = call(&county, TOKEN_H2, ANSWER, &reply(guid, decision, reason));
        assert_eq!(said.status, status, "{decision} {reason}: {}", said.json());
        if status == 200 {
            let bundle = said.json();
            let kinds: Vec<&str> =
                bundle["entry"].as_array().unwrap().iter().filter_map(|e| e["resource"]["resourceType"].as_str()).collect();
            assert!(kinds.contains(&"Task") && kinds.contains(&"Provenance"), "{bundle}");
        }
    }
    let task = hutong_tests::http::get(county.gateway.http, &format!("/fhir/Task/{guid}")).json();
    assert_eq!(task["businessStatus"]["coding"][0]["code"], "recognised", "{task}");
    assert!(task.to_string().contains("4.5"), "{task}");

    // the page: the same answer stands there; a link that was altered opens nothing
    let link = parts(reminder, "link")[0]["valueUrl"].as_str().unwrap();
    let path = link.strip_prefix("http://test").unwrap();
    let page = hutong_tests::http::get(county.gateway.http, path);
    let text = String::from_utf8(page.body).unwrap();
    assert!(page.status == 200 && text.contains("已互认") && text.contains("4.1 mmol/L") && text.contains("县人民医院"), "{text}");
    assert!(!text.contains(CARD) && !text.contains("<script"), "{text}");
    assert_eq!(hutong_tests::http::get(county.gateway.http, &format!("{path}0")).status, 404);
}
