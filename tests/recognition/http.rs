//! The whole flow over HTTP, by the running gateway: FHIR operations, CDS Hooks, the page. What FHIR is answered is judged by
//! `hutong validate`, what CDS Hooks is answered by the hook's published form.

use std::path::Path;

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::http::{self, Answer, get};
use serde_json::{Value, json};

use super::{CARD, CONFIG, County, time};

const K: &str = "2823-3^血清钾^LN";
const GLU: &str = "2345-7^葡萄糖^LN";
const H2: &str = super::TOKEN_H2;
const H3: &str = super::TOKEN_H3;
const FHIR: &str = "application/fhir+json";

fn post(county: &County, token: &str, path: &str, kind: &str, body: &str) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    http::request(county.gateway.http, &head, body.as_bytes())
}

/// A county with a result of K and one of GLU (whose mark nothing bears out), the patient known to H2 and H3.
fn county() -> (tempfile::TempDir, County, Value) {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    county.report("LAB-1", K, "4.1", &time("1 hour ago"), "全国HR");
    county.report("LAB-2", GLU, "6.8", &time("2 hours ago"), "全国HR");
    let mut of = json!({});
    for hospital in ["H2", "H3"] {
        let message = county.message(hospital, "ADT^A08", CARD, "EVN|A08|20260101\r");
        county.send(&message);
        let found = get(county.gateway.http, &format!("/fhir/Patient?identifier={hospital}004")).json();
        of[hospital] = found["entry"][0]["resource"]["id"].clone();
    }
    (dir, county, of)
}

fn draft(id: &str, loinc: &str, patient: &Value) -> Value {
    json!({ "resourceType": "ServiceRequest", "id": id, "status": "draft", "intent": "order",
        "subject": { "reference": format!("Patient/{}", patient.as_str().unwrap()) },
        "code": { "coding": [{ "system": "http://loinc.org", "code": loinc }] } })
}

fn valid(dir: &Path, what: &Value) {
    let file = dir.join("answer.json");
    std::fs::write(&file, what.to_string()).unwrap();
    let out = hutong().arg("validate").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && !said.contains("fhir.code.extensible"), "{said}\n{what:#}");
}

/// Part of that name of a Parameters resource, or of a part.
fn part<'v>(of: &'v Value, name: &str) -> &'v Value {
    let list = of["parameter"].as_array().or_else(|| of["part"].as_array()).unwrap();
    list.iter().find(|p| p["name"] == name).unwrap_or(&Value::Null)
}

fn reply(parameters: &[(&str, &str)]) -> String {
    let all: Vec<Value> = parameters.iter().map(|(name, text)| json!({ "name": name, "valueString": text })).collect();
    json!({ "resourceType": "Parameters", "parameter": all }).to_string()
}

#[test]
fn in_fhir() {
    let (dir, mut county, patient) = county();
    // placed in HL7 v2, asked about in FHIR: one order, one reminder
    let order = format!("ORC|NW|R1^HIS||||||||||7002^李医生|||||03\rOBR|1|R1^HIS||{K}\r");
    let message = county.message("H2", "ORM^O01", CARD, &format!("PV1|1|O|^^^内科|||||||||||||||||V1\r{order}"));
    let guid = super::field(&county.send(&message), "ZRR", 13);
    let placed = get(county.gateway.http, "/fhir/ServiceRequest?identifier=R1").json()["entry"][0]["resource"]["id"].clone();
    let ask = |token: &str, orders: &[Value]| {
        let mut all: Vec<Value> = orders.iter().map(|o| json!({ "name": "order", "resource": o })).collect();
        all.push(json!({ "name": "doctor", "valueString": "D7" }));
        let body = json!({ "resourceType": "Parameters", "parameter": all });
        post(&county, token, "/fhir/ServiceRequest/$recognition-check", FHIR, &body.to_string())
    };
    let said = ask(H2, &[draft(placed.as_str().unwrap(), "2823-3", &patient["H2"]), draft("g", "2345-7", &patient["H2"])]);
    assert_eq!(said.status, 200, "{}", String::from_utf8_lossy(&said.body));
    let said = said.json();
    valid(dir.path(), &said);
    let items: Vec<&Value> = said["parameter"].as_array().unwrap().iter().filter(|p| p["name"] == "item").collect();
    assert_eq!(part(items[0], "verdict")["valueCode"], "recognise", "{said}");
    let reminder = part(items[0], "reminder");
    assert_eq!(part(reminder, "id")["valueId"], guid.as_str(), "asked twice, reminded once: {said}");
    assert_eq!(part(reminder, "certificate")["valueString"], "QC-2026-K");
    assert_eq!(part(part(reminder, "rule"), "line")["valueInteger"].to_string(), "10");
    let (verdict, fell) = (part(items[1], "verdict"), part(part(items[1], "candidate"), "fell"));
    assert_eq!((&verdict["valueCode"], &fell["valueCode"]), (&json!("may-repeat"), &json!("mark-unverified")));
    // a site that holds, by the institution of the token; and a patient of others
    let held = ask(H3, &[draft("a", "2823-3", &patient["H3"])]).json();
    assert_eq!(part(part(&held, "item"), "mode")["valueCode"], "hold");
    let foreign = get(county.gateway.http, "/fhir/Patient?identifier=H1004").json()["entry"][0]["resource"]["id"].clone();
    let of_others = ask(H3, &[draft("a", "2823-3", &foreign)]);
    assert!(matches!(of_others.status, 200 | 422), "by the person's own record there, or not at all: {}", of_others.status);

    let answer = |token: &str, parameters: &[(&str, &str)]| {
        post(&county, token, "/fhir/Task/$recognition-answer", FHIR, &reply(&[&[("reminder", guid.as_str())], parameters].concat()))
    };
    for (token, parameters, status) in [
        (H3, vec![("decision", "view")], 404),
        (H2, vec![("decision", "view"), ("practitioner", "D7")], 200),
        (H2, vec![("decision", "refuse"), ("reason", "99")], 422),
        (H2, vec![("decision", "refuse"), ("reason", "77")], 422),
        (H2, vec![("decision", "revoke")], 404),
        (H2, vec![("decision", "refuse"), ("reason", "99"), ("diagnosis", "高血压"), ("practitioner", "D7")], 200),
        (H2, vec![("decision", "recognise")], 409),
        (H2, vec![("decision", "revoke"), ("practitioner", "D7")], 200),
        (H2, vec![("decision", "recognise"), ("practitioner", "D7")], 200),
        (H2, vec![("decision", "perhaps")], 400),
    ] {
        let said = answer(token, &parameters);
        assert_eq!(said.status, status, "{parameters:?}: {}", String::from_utf8_lossy(&said.body));
        valid(dir.path(), &said.json());
    }
    assert_eq!(county.status("R1"), "revoked", "the order goes with the result that is recognised");
    let stored = get(county.gateway.http, &format!("/fhir/ServiceRequest/{}", placed.as_str().unwrap())).json();
    assert_eq!(
        (&stored["intent"], stored["identifier"][0]["value"].as_str()),
        (&json!("order"), Some("R1")),
        "the rest of it stays: {stored}"
    );
    let task = get(county.gateway.http, &format!("/fhir/Task/{guid}")).json();
    assert_eq!(task["output"][0]["valueMoney"]["value"].to_string(), "4.50", "{task}");
    let on_record = get(county.gateway.http, &format!("/fhir/Provenance?target=Task/{guid}")).json();
    assert_eq!(on_record["total"].to_string(), "4", "viewed, refused, revoked, recognised: {on_record}");
    valid(dir.path(), &on_record);

    // taken back: the order went with the answer and is no repetition
    assert_eq!(answer(H2, &[("decision", "revoke"), ("practitioner", "D7")]).status, 200);
    let path = format!("/admin/report/recognition?period={}&institution=H2", &time("now")[..4]);
    let report = get(county.gateway.http, &path).json();
    let counts = &report["rows"][0]["counts"];
    assert_eq!((counts["eligible"].to_string(), counts["excused"].to_string()), ("1".into(), "1".into()), "{report}");
    recounted(&county);
}

fn recounted(county: &County) {
    let year = &time("now")[..4];
    let to = format!("http://{}", county.gateway.http);
    let out = hutong().args(["report", "recognition", "--period", year, "--recount", "--to", &to]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && said.contains("equal to the unit"), "{said}{}", String::from_utf8_lossy(&out.stderr));
}

/// Judges by the published form.
fn judged(kind: &str, value: &Value) {
    let path = format!("{}/../conformance/schemas/cds-hooks-{kind}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let faults: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(value).map(|e| format!("{} {e}", e.instance_path())).collect();
    assert!(faults.is_empty(), "{kind}: {faults:#?}\n{value:#}");
}

/// Calls a hook; the cards.
fn hook(county: &County, token: &str, name: &str, patient: &Value, orders: &[Value], selected: &[&str]) -> Vec<Value> {
    let mut context = json!({ "userId": "Practitioner/D7", "patientId": patient });
    if name != "patient-view" {
        let entries: Vec<Value> = orders.iter().map(|o| json!({ "resource": o })).collect();
        context["draftOrders"] = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    }
    if name == "order-select" {
        context["selections"] = json!(selected);
    }
    let call = json!({ "hook": name, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context });
    judged("request", &call);
    let said = post(county, token, &format!("/cds-services/hutong-{name}"), "application/json", &call.to_string());
    assert_eq!(said.status, 200, "{}", String::from_utf8_lossy(&said.body));
    let said = said.json();
    judged("response", &said);
    said["cards"].as_array().unwrap().clone()
}

fn feedback(county: &County, token: &str, entry: &Value) -> u16 {
    let mut entry = entry.clone();
    entry["outcomeTimestamp"] = json!("2026-11-23T00:00:00Z");
    let body = json!({ "feedback": [entry] });
    judged("feedback", &body);
    post(county, token, "/cds-services/hutong-order-sign/feedback", "application/json", &body.to_string()).status
}

fn business_status(county: &County, task: &Value) -> Value {
    let task = get(county.gateway.http, &format!("/fhir/Task/{}", task.as_str().unwrap())).json();
    task["businessStatus"]["coding"][0]["code"].clone()
}

#[test]
fn in_cds_hooks_and_on_the_page() {
    let (dir, mut county, patient) = county();
    let discovery = get(county.gateway.http, "/cds-services").json();
    judged("discovery", &discovery);
    assert_eq!(discovery["services"].as_array().map(Vec::len), Some(3));

    let h2 = &patient["H2"];
    let (k, glu) = (draft("k", "2823-3", h2), draft("g", "2345-7", h2));
    let visit = hook(&county, H2, "patient-view", h2, &[], &[]);
    assert_eq!((visit.len(), &visit[0]["indicator"]), (1, &json!("info")), "{visit:?}");
    assert!(hook(&county, H2, "order-select", h2, &[k.clone(), glu.clone()], &["ServiceRequest/g"]).is_empty());
    let selected = hook(&county, H2, "order-select", h2, &[k.clone(), glu.clone()], &["ServiceRequest/k"]);
    let signed = hook(&county, H2, "order-sign", h2, &[k.clone(), glu], &[]);
    assert_eq!((signed.len(), &signed[0]["uuid"]), (1, &selected[0]["uuid"]), "the same reminder: {signed:?}");
    let card = &signed[0];
    assert_eq!(card["suggestions"][0]["actions"][0]["resourceId"], "ServiceRequest/k");
    assert_eq!(hook(&county, H3, "order-sign", &patient["H3"], &[draft("k", "2823-3", &patient["H3"])], &[])[0]["indicator"], "critical");

    // overridden with a reason, told twice: one answer; then it is not reminded of again for the order
    let refused = json!({ "card": card["uuid"], "outcome": "overridden", "overrideReason": { "reason":
        { "code": "04", "system": card["overrideReasons"][0]["system"] } } });
    assert_eq!([feedback(&county, H3, &refused), feedback(&county, H2, &refused), feedback(&county, H2, &refused)], [404, 200, 200]);
    assert_eq!(business_status(&county, &card["uuid"]), "not-recognised");
    assert!(hook(&county, H2, "order-sign", h2, &[k], &[]).is_empty());
    // accepted
    let other = hook(&county, H2, "order-sign", h2, &[draft("k2", "2823-3", h2)], &[]).remove(0);
    let accepted =
        json!({ "card": other["uuid"], "outcome": "accepted", "acceptedSuggestions": [{ "id": other["suggestions"][0]["uuid"] }] });
    assert_eq!(feedback(&county, H2, &accepted), 200);
    assert_eq!(business_status(&county, &other["uuid"]), "recognised");

    // the page of a third, before and after a restart of the gateway
    let third = hook(&county, H2, "order-sign", h2, &[draft("k3", "2823-3", h2)], &[]).remove(0);
    let url = third["links"][0]["url"].as_str().unwrap();
    let path = &url[url.find("/recognition/").unwrap()..];
    let page = get(county.gateway.http, path);
    let text = String::from_utf8(page.body).unwrap();
    assert!(page.status == 200 && text.contains("4.1") && text.contains("县人民医院") && text.contains("<dd>k3</dd>"), "{text}");
    assert_eq!(business_status(&county, &third["uuid"]), "viewed", "looking is on record");
    county.gateway.kill();
    county.gateway = Gateway::start_with(&dir.path().join("data"), Some(CONFIG), &[]);
    assert_eq!(get(county.gateway.http, path).status, 200, "a restart ends no link");
    assert_eq!(get(county.gateway.http, &path.replace("sig=", "sig=0")).status, 404);
    let form = |body: &str| post(&county, H2, path, "application/x-www-form-urlencoded", body);
    assert_eq!(form("decision=refuse&reason=99").status, 422, "without the diagnosis");
    assert_eq!(form("decision=recognise").status, 303);
    assert_eq!(business_status(&county, &third["uuid"]), "recognised");
    assert_eq!(form("decision=revoke").status, 303);
    assert_eq!(business_status(&county, &third["uuid"]), "revoked");
    recounted(&county);
}
