//! `$validate`, questions about codes, and the loaded conformance resources.

use super::*;

const JSON: (&str, &str) = ("content-type", "application/fhir+json");

/// Severity, code and expression of each issue.
fn issues(outcome: &Value) -> Vec<String> {
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let all = outcome["issue"].as_array().unwrap().iter();
    all.map(|i| format!("{} {} {}", text(&i["severity"]), text(&i["code"]), text(&i["expression"][0]))).collect()
}

#[tokio::test]
async fn what_is_sent_is_judged_and_the_answer_is_200() {
    let api = api();
    let parameters = |inner: &str, more: &str| {
        format!(r#"{{"resourceType":"Parameters","parameter":[{more}{{"name":"resource","resource":{inner}}}]}}"#)
    };
    let good = r#"{"resourceType":"Patient","id":"x","gender":"male"}"#;
    let bad = r#"{"resourceType":"Patient","id":"x","gender":"M"}"#;
    let update = r#"{"name":"mode","valueCode":"update"},"#;
    for (line, body, expected) in [
        ("POST /fhir/Patient/$validate", good, "information informational "),
        ("POST /fhir/Resource/$validate", good, "information informational "),
        ("POST /fhir/Patient/$validate", bad, "error code-invalid Patient.gender"),
        ("POST /fhir/Patient/$validate", &parameters(bad, ""), "error code-invalid Patient.gender"),
        ("POST /fhir/Patient/$validate?mode=profile", &parameters(good, ""), "information informational "),
        ("POST /fhir/Patient/p1/$validate?mode=update", good, "error invalid Patient.id"),
        ("POST /fhir/Patient/x/$validate", &parameters(good, update), "information not-supported "),
        ("POST /fhir/Patient/$validate?mode=create", good, "information informational Patient.id"),
        ("POST /fhir/Patient/p1/$validate?mode=delete", "", "error not-supported "),
        ("GET /fhir/Patient/p1/$validate", "", "information informational "),
        ("POST /fhir/Patient/p1/$validate", "", "information informational "),
        ("POST /fhir/Bundle/$validate", r#"{"resourceType":"Bundle","type":"kollection"}"#, "error code-invalid Bundle.type"),
    ] {
        let response = send(&api, line, &[JSON], body).await;
        assert_eq!(response.status(), 200, "{line} {body}");
        let outcome = json(response).await;
        assert_eq!(issues(&outcome)[0], expected, "{line} {body}: {outcome}");
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_is_refused_with_the_reason() {
    let api = api();
    let deep = format!("{{\"resourceType\":\"Patient\",\"extension\":{}", "[".repeat(10_000));
    let long = " ".repeat(17 << 20);
    let observation = r#"{"resourceType":"Observation"}"#;
    let patient = r#"{"resourceType":"Patient"}"#;
    let no_resource = r#"{"resourceType":"Parameters","parameter":[]}"#;
    for (line, kind, body, status, issue, rule) in [
        ("POST /fhir/Patient/$validate", "application/fhir+json", observation, 400, "invalid", "fhir.operation.type"),
        ("POST /fhir/Patient/$validate", "application/fhir+json", no_resource, 400, "required", "fhir.operation.resource"),
        ("POST /fhir/Patient/$validate", "application/fhir+json", "", 400, "required", "fhir.operation.resource"),
        ("POST /fhir/Patient/$validate", "application/fhir+json", "{", 400, "structure", "json.syntax"),
        ("POST /fhir/Patient/$validate", "application/fhir+json", &deep, 400, "structure", "json.depth"),
        ("POST /fhir/Patient/$validate", "application/fhir+json", &long, 413, "too-long", "http.body"),
        ("POST /fhir/Patient/$validate", "text/plain", patient, 415, "not-supported", "http.content_type"),
        ("POST /fhir/Patient/$validate?mode=x", "application/fhir+json", patient, 400, "not-supported", "search.value"),
        (
            "POST /fhir/Patient/$validate?profile=http://x/none",
            "application/fhir+json",
            patient,
            400,
            "not-found",
            "fhir.operation.profile",
        ),
        ("POST /fhir/Patient/$validate?profil=x", "application/fhir+json", patient, 400, "not-supported", "search.parameter"),
        ("POST /fhir/Pateint/$validate", "application/fhir+json", patient, 404, "not-supported", "fhir.type.unknown"),
        ("GET /fhir/Patient/nobody/$validate", "application/fhir+json", "", 404, "not-found", "fhir.not_found"),
        ("GET /fhir/Patient/gone/$validate", "application/fhir+json", "", 410, "deleted", "fhir.deleted"),
        ("GET /fhir/ValueSet/nothing/$validate", "application/fhir+json", "", 404, "not-found", "fhir.not_found"),
    ] {
        let response = send(&api, line, &[("content-type", kind)], body).await;
        assert_eq!(response.status(), status, "{line} {body:.40}");
        let outcome = json(response).await;
        assert_eq!((&outcome["issue"][0]["code"], &outcome["issue"][0]["diagnostics"]), (&issue.into(), &rule.into()), "{line}");
    }
}

#[tokio::test]
async fn places_are_those_of_the_body() {
    let api = api();
    let body = "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"resource\",\"resource\":{\"resourceType\":\"Patient\",\n  \"gender\":\"M\"}}]}";
    let outcome = json(send(&api, "POST /fhir/Patient/$validate", &[JSON], body).await).await;
    let place = outcome["issue"][0]["diagnostics"].as_str().unwrap();
    assert!(place.ends_with("line 2 column 12"), "{place}");
}

#[tokio::test]
async fn what_is_loaded_is_read_and_found() {
    let api = api();
    let found = json(send(&api, "GET /fhir/ValueSet?url=http://example.org/vs", &[], "").await).await;
    assert_eq!((&found["total"], &found["entry"][0]["resource"]["id"]), (&1.into(), &"colours".into()), "{found}");
    assert_eq!(send(&api, "GET /fhir/ValueSet/colours", &[], "").await.status(), 200);
    let colour_and_shape = "GET /fhir/CodeSystem?_count=1&_id=colour,shape";
    let first = json(send(&api, colour_and_shape, &[], "").await).await;
    assert_eq!((&first["total"], first["entry"].as_array().unwrap().len()), (&2.into(), 1));
    let ours = json(send(&api, "GET /fhir/StructureDefinition?name=CNPatient", &[], "").await).await;
    assert_eq!(ours["entry"][0]["resource"]["type"], "Patient", "{ours}");
    let next = first["link"][1]["url"].as_str().unwrap().strip_prefix("http://gw:8080").unwrap();
    let second = json(send(&api, &format!("GET {next}"), &[], "").await).await;
    assert_ne!(first["entry"][0]["fullUrl"], second["entry"][0]["fullUrl"]);
    assert_eq!(second["link"].as_array().unwrap().len(), 1, "{second}");
    for (line, status) in [
        ("GET /fhir/ValueSet?url=http://example.org/other", 200),
        ("GET /fhir/ValueSet/other", 404),
        ("GET /fhir/ValueSet?code=x", 400),
        ("GET /fhir/CodeSystem?_cursor=x", 400),
        ("GET /fhir/ValueSet/colours/_history", 404),
    ] {
        assert_eq!(send(&api, line, &[], "").await.status(), status, "{line}");
    }
}

#[tokio::test]
async fn xml_is_read_and_written() {
    let api = api();
    let xml = ("content-type", "application/fhir+xml; charset=utf-8");
    let bad = "<Patient xmlns=\"http://hl7.org/fhir\">\n<gender value=\"M\"/></Patient>";
    let outcome = json(send(&api, "POST /fhir/Patient/$validate", &[xml], bad).await).await;
    assert_eq!(issues(&outcome)[0], "error code-invalid Patient.gender");
    assert!(outcome["issue"][0]["diagnostics"].as_str().unwrap().ends_with("line 2 column 1"), "{outcome}");
    let parameters = format!(
        "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"resource\"/><resource>{bad}</resource></parameter></Parameters>"
    );
    let response = send(&api, "POST /fhir/Patient/$validate?_format=xml", &[xml], &parameters).await;
    assert_eq!(header(&response, "content-type"), "application/fhir+xml; charset=utf-8");
    let answer = text(response).await;
    assert!(
        answer.contains("<OperationOutcome xmlns=\"http://hl7.org/fhir\">") && answer.contains("<code value=\"code-invalid\"/>"),
        "{answer}"
    );
    for (line, begins) in [
        ("GET /fhir/Observation/o1?_format=xml", "<Observation xmlns=\"http://hl7.org/fhir\"><id value=\"o1\"/>"),
        ("GET /fhir/Patient?_id=p1&_format=xml", "<Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"searchset\"/>"),
        ("GET /fhir/metadata?_format=xml", "<CapabilityStatement xmlns=\"http://hl7.org/fhir\">"),
        ("GET /fhir/Patient/nobody?_format=xml", "<OperationOutcome xmlns=\"http://hl7.org/fhir\">"),
    ] {
        let answer = text(send(&api, line, &[], "").await).await;
        let answer = answer.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
        assert!(answer.starts_with(begins), "{line}: {answer:.200}");
        let read = hutong_fhir::xml::parse(answer.as_bytes(), &hutong_fhir::xml::XmlLimits::default());
        assert!(read.is_ok_and(|(_, issues)| issues.is_empty()), "{line}: {answer:.200}");
    }
    let doctype = "<!DOCTYPE x [<!ENTITY a \"b\">]><Patient xmlns=\"http://hl7.org/fhir\"/>";
    assert_eq!(send(&api, "POST /fhir/Patient/$validate", &[xml], doctype).await.status(), 400);
}

/// The value of a parameter of the answer, as text.
fn parameter(parameters: &Value, name: &str) -> String {
    assert_eq!(parameters["resourceType"], "Parameters", "{parameters}");
    let found = parameters["parameter"].as_array().unwrap().iter().find(|p| p["name"] == name);
    let value = found.and_then(|p| p.as_object().unwrap().iter().find(|(k, _)| k.starts_with("value")).map(|(_, v)| v.clone()));
    value.map_or(String::new(), |v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
}

#[tokio::test]
async fn questions_about_codes() {
    let api = api();
    let by_body =
        r#"{"resourceType":"Parameters","parameter":[{"name":"coding","valueCoding":{"system":"http://example.org/cs","code":"pink"}}]}"#;
    for (line, body, name, expected) in [
        ("GET /fhir/CodeSystem/$lookup?system=http://example.org/cs&code=red", "", "display", "Red"),
        ("GET /fhir/CodeSystem/$lookup?coding=http://example.org/cs|blue", "", "display", "Blue"),
        ("POST /fhir/CodeSystem/$lookup", by_body, "display", "Pink"),
        ("GET /fhir/CodeSystem/$validate-code?url=http://example.org/cs&code=red", "", "result", "true"),
        ("GET /fhir/CodeSystem/colour/$validate-code?code=green", "", "result", "false"),
        ("GET /fhir/CodeSystem/$subsumes?system=http://example.org/cs&codeA=red&codeB=pink", "", "outcome", "subsumes"),
        ("GET /fhir/CodeSystem/colour/$subsumes?codeA=pink&codeB=red", "", "outcome", "subsumed-by"),
        ("GET /fhir/ValueSet/$validate-code?url=http://example.org/vs&system=http://example.org/cs&code=pink", "", "result", "true"),
        ("GET /fhir/ValueSet/colours/$validate-code?system=http://example.org/shape&code=round", "", "result", "false"),
    ] {
        let response = send(&api, line, &[JSON], body).await;
        assert_eq!(response.status(), 200, "{line}");
        let answer = json(response).await;
        assert_eq!(parameter(&answer, name), expected, "{line}: {answer}");
    }
    for line in ["GET /fhir/ValueSet/$expand?url=http://example.org/vs&filter=pi", "GET /fhir/ValueSet/colours/$expand?filter=pi&count=5"] {
        let expansion = json(send(&api, line, &[], "").await).await;
        assert_eq!(
            (&expansion["resourceType"], &expansion["expansion"]["contains"][0]["code"]),
            (&"ValueSet".into(), &"pink".into()),
            "{expansion}"
        );
    }
    let gender = "GET /fhir/ConceptMap/$translate?url=http://fhir.med-community.cn/gw/ConceptMap/gender&system=urn:oid:2.16.156.10011.2.3.3.4&code=1";
    let translated = json(send(&api, gender, &[], "").await).await;
    assert_eq!(parameter(&translated, "result"), "true", "{translated}");
    for (line, status) in [
        ("GET /fhir/CodeSystem/$lookup?system=http://nobody&code=red", 404),
        ("GET /fhir/CodeSystem/$lookup?system=http://example.org/cs&code=green", 404),
        ("GET /fhir/CodeSystem/$lookup?system=http://example.org/cs&kode=green", 400),
        ("GET /fhir/ValueSet/nobody/$expand", 404),
        ("GET /fhir/ValueSet/colours/$expand?url=http://example.org/vs", 400),
        ("GET /fhir/ValueSet/$expand", 400),
    ] {
        let response = send(&api, line, &[], "").await;
        assert_eq!(response.status(), status, "{line}");
        assert_eq!(json(response).await["resourceType"], "OperationOutcome");
    }
    assert_eq!(send(&api, "POST /fhir/CodeSystem/$lookup", &[JSON], r#"{"resourceType":"Patient"}"#).await.status(), 400);
}

#[tokio::test]
async fn the_statement_about_terminology_names_what_is_loaded() {
    let api = api();
    let said = json(send(&api, "GET /fhir/metadata?mode=terminology", &[], "").await).await;
    assert_eq!(said["resourceType"], "TerminologyCapabilities");
    let own = said["codeSystem"].as_array().unwrap().iter().find(|s| s["uri"] == "http://example.org/cs").unwrap();
    assert_eq!(own["version"][0]["code"], "1");
    assert_eq!(send(&api, "GET /fhir/metadata?mode=other", &[], "").await.status(), 400);
    assert_eq!(json(send(&api, "GET /fhir/metadata?mode=full", &[], "").await).await["resourceType"], "CapabilityStatement");
}
