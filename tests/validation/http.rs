//! `$validate` and the terminology operations of the real binary.

use hutong_tests::gateway::Gateway;
use hutong_tests::hl7;
use hutong_tests::http::{get, post};
use hutong_tests::mllp::Sender;

const JSON: &str = "application/fhir+json";

fn first(outcome: &serde_json::Value) -> (&str, &str) {
    let issue = &outcome["issue"][0];
    (issue["severity"].as_str().unwrap_or_default(), issue["code"].as_str().unwrap_or_default())
}

#[test]
fn a_resource_is_judged_sent_or_stored_in_json_and_xml() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&dir.path().join("data"));
    let good = br#"{"resourceType":"Patient","gender":"male"}"#;
    let bad = br#"{"resourceType":"Patient","gender":"M"}"#;
    let answer = post(gateway.http, "/fhir/Patient/$validate", JSON, good);
    assert_eq!((answer.status, first(&answer.json())), (200, ("information", "informational")));
    let answer = post(gateway.http, "/fhir/Patient/$validate", JSON, bad);
    assert_eq!((answer.status, first(&answer.json())), (200, ("error", "code-invalid")));
    let xml = br#"<Patient xmlns="http://hl7.org/fhir"><gender value="M"/></Patient>"#;
    let answer = post(gateway.http, "/fhir/Patient/$validate?_format=xml", "application/fhir+xml", xml);
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/fhir+xml; charset=utf-8")));
    assert!(text.contains("<code value=\"code-invalid\"/>"), "{text}");

    // a community profile, asked for by name
    let profile = "http://fhir.med-community.cn/gw/StructureDefinition/CNPatient";
    let parameters = format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"profile","valueUri":"{profile}"}},{{"name":"resource","resource":{{"resourceType":"Patient","gender":"male"}}}}]}}"#
    );
    let answer = post(gateway.http, "/fhir/Patient/$validate", JSON, parameters.as_bytes()).json();
    assert!(answer.to_string().contains(profile), "{answer}");
    assert_eq!(first(&answer).0, "error", "{answer}");

    // what a message brought, judged where it is stored
    let mut sender = Sender::connect(gateway.mllp);
    assert_eq!(hl7::code(&sender.send(&hl7::adt("C1", "700", "Wang^Wu")).unwrap()), "AA");
    let found = get(gateway.http, "/fhir/Patient?identifier=700").json();
    let id = found["entry"][0]["resource"]["id"].as_str().unwrap();
    let stored = get(gateway.http, &format!("/fhir/Patient/{id}/$validate")).json();
    assert!(stored["issue"].as_array().unwrap().iter().all(|i| i["severity"] != "error"), "{stored}");
}

#[test]
fn questions_about_codes_are_answered_without_another_server() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&dir.path().join("data"));
    let value = |path: &str, name: &str| -> serde_json::Value {
        let answer = get(gateway.http, path).json();
        let parameters = answer["parameter"].as_array().unwrap_or_else(|| panic!("{path}: {answer}"));
        let found = parameters.iter().find(|p| p["name"] == name).unwrap_or_else(|| panic!("{path}: {answer}"));
        found.as_object().unwrap().iter().find(|(k, _)| k.starts_with("value")).unwrap().1.clone()
    };
    let gender = "http://hl7.org/fhir/administrative-gender";
    assert_eq!(value(&format!("/fhir/CodeSystem/$lookup?system={gender}&code=male"), "display"), "Male");
    assert_eq!(value(&format!("/fhir/CodeSystem/$validate-code?url={gender}&code=M"), "result"), false);
    // a national code system, and our map from it
    let national = "urn:oid:2.16.156.10011.2.3.3.4";
    assert_eq!(value(&format!("/fhir/CodeSystem/$lookup?system={national}&code=1"), "display"), "男性");
    let map = "http://fhir.med-community.cn/gw/ConceptMap/gender";
    assert_eq!(value(&format!("/fhir/ConceptMap/$translate?url={map}&system={national}&code=2"), "result"), true);
    let set = get(gateway.http, "/fhir/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&count=2").json();
    assert_eq!((&set["expansion"]["total"], set["expansion"]["contains"].as_array().unwrap().len()), (&4.into(), 2), "{set}");
    let ours = get(gateway.http, "/fhir/StructureDefinition?url=http://fhir.med-community.cn/gw/StructureDefinition/CNPatient").json();
    assert_eq!(ours["total"], 1);
    let said = get(gateway.http, "/fhir/metadata?mode=terminology").json();
    assert_eq!(said["resourceType"], "TerminologyCapabilities");
}
