//! Responses against a form of our own (a follow-up of hypertension), and forms against their own rules.

use super::*;

const FORM: &str = r##"{
  "resourceType": "Questionnaire", "url": "http://example.org/form", "version": "2", "status": "active",
  "effectivePeriod": {"start": "2024-01-01", "end": "2026-12-31"},
  "contained": [{"resourceType": "ValueSet", "id": "v", "status": "active",
    "compose": {"include": [{"system": "http://example.org/c", "concept": [{"code": "a"}, {"code": "b"}]}]}}],
  "item": [
    {"linkId": "smokes", "type": "boolean", "required": true},
    {"linkId": "daily", "type": "integer", "required": true,
      "enableWhen": [{"question": "smokes", "operator": "=", "answerBoolean": true}],
      "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueInteger": 1},
                    {"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "valueInteger": 100}]},
    {"linkId": "visit", "type": "group", "repeats": true, "item": [
      {"linkId": "when", "type": "date", "required": true},
      {"linkId": "why", "type": "string", "maxLength": 4,
        "enableWhen": [{"question": "when", "operator": ">=", "answerDate": "2025-01-01"}],
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/regex", "valueString": "[a-z]+"}]}]},
    {"linkId": "drug", "type": "choice", "repeats": true, "answerOption": [
      {"valueCoding": {"system": "http://example.org/d", "code": "x"}}, {"valueCoding": {"system": "http://example.org/d", "code": "y"}},
      {"valueCoding": {"system": "http://example.org/d", "code": "none"},
       "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive", "valueBoolean": true}]}],
      "item": [{"linkId": "dose", "type": "decimal",
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/maxDecimalPlaces", "valueInteger": 1}]}]},
    {"linkId": "risk", "type": "open-choice", "answerValueSet": "#v"},
    {"linkId": "weight", "type": "quantity",
      "extension": [{"url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-maxQuantity",
                     "valueQuantity": {"value": 300, "system": "http://unitsofmeasure.org", "code": "kg"}},
                    {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption",
                     "valueCoding": {"system": "http://unitsofmeasure.org", "code": "kg"}}]},
    {"linkId": "mass", "type": "quantity",
      "extension": [{"url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-maxQuantity",
                     "valueQuantity": {"value": 300, "system": "http://unitsofmeasure.org", "code": "kg"}}]},
    {"linkId": "photo", "type": "attachment",
      "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/mimeType", "valueCode": "image/"}]},
    {"linkId": "doctor", "type": "reference",
      "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-referenceResource", "valueCode": "Practitioner"}]},
    {"linkId": "note", "type": "display", "text": "谢谢"},
    {"linkId": "twice", "type": "string", "repeats": true,
      "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs", "valueInteger": 2},
                    {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs", "valueInteger": 3}]}
  ]
}"##;

const NO: &str = r#"{"linkId":"smokes","answer":[{"valueBoolean":false}]}"#;

fn with_form() -> Validator {
    let mut knowledge = Knowledge::r4();
    knowledge.load(parse(FORM).0).unwrap();
    Validator::with(Arc::new(knowledge))
}

fn response(status: &str, items: &str) -> String {
    format!(r#"{{"resourceType":"QuestionnaireResponse","questionnaire":"http://example.org/form","status":"{status}","item":[{items}]}}"#)
}

/// (rule, expression) of what is found, without the common beginnings.
fn found(validator: &Validator, text: &str, severity: Severity) -> Vec<(String, String)> {
    let (tree, _) = parse(text);
    let findings = validator.validate(&tree);
    let errors = findings.iter().filter(|f| f.severity == severity && f.rule.starts_with("fhir.questionnaire."));
    errors
        .map(|f| {
            let place = expression(f);
            let place = place.strip_prefix("QuestionnaireResponse.").unwrap_or(place);
            (f.rule.trim_start_matches("fhir.questionnaire.").to_owned(), place.to_owned())
        })
        .collect()
}

#[test]
fn good_responses_pass() {
    let validator = with_form();
    for items in [
        NO.to_owned(),
        r#"{"linkId":"smokes","answer":[{"valueBoolean":true}]},{"linkId":"daily","answer":[{"valueInteger":20}]}"#.to_owned(),
        format!(
            r#"{NO},{{"linkId":"visit","item":[{{"linkId":"when","answer":[{{"valueDate":"2024-05-01"}}]}}]}},
               {{"linkId":"visit","item":[{{"linkId":"when","answer":[{{"valueDate":"2025-05-01"}}]}},{{"linkId":"why","answer":[{{"valueString":"flu"}}]}}]}}"#
        ),
        format!(
            r#"{NO},{{"linkId":"drug","answer":[{{"valueCoding":{{"system":"http://example.org/d","code":"x"}},"item":[{{"linkId":"dose","answer":[{{"valueDecimal":2.5}}]}}]}},{{"valueCoding":{{"system":"http://example.org/d","code":"y"}}}}]}}"#
        ),
        format!(r#"{NO},{{"linkId":"drug","answer":[{{"valueCoding":{{"system":"http://example.org/d","code":"none"}}}}]}}"#),
        format!(r#"{NO},{{"linkId":"risk","answer":[{{"valueString":"其他"}}]}}"#),
        format!(
            r#"{NO},{{"linkId":"weight","answer":[{{"valueQuantity":{{"value":70,"system":"http://unitsofmeasure.org","code":"kg"}}}}]}}"#
        ),
        format!(
            r#"{NO},{{"linkId":"photo","answer":[{{"valueAttachment":{{"contentType":"image/png","url":"http://example.org/p"}}}}]}},{{"linkId":"doctor","answer":[{{"valueReference":{{"reference":"Practitioner/1"}}}}]}},{{"linkId":"note"}}"#
        ),
        format!(r#"{NO},{{"linkId":"twice","answer":[{{"valueString":"a"}},{{"valueString":"b"}},{{"valueString":"c"}}]}}"#),
    ] {
        assert_eq!(found(&validator, &response("completed", &items), Severity::Error), [], "{items}");
    }
}

#[test]
fn each_departure_from_the_form_is_found_once() {
    let validator = with_form();
    for (items, expected) in [
        ("", [("required", "QuestionnaireResponse")].as_slice()),
        (r#"{"linkId":"smokes"}"#, &[("required", "item[0]")]),
        (r#"{"linkId":"smokes","answer":[{"valueBoolean":true}]}"#, &[("required", "QuestionnaireResponse")]),
        (r#"NO,{"linkId":"daily","answer":[{"valueInteger":20}]}"#, &[("not_enabled", "item[1]")]),
        (
            r#"{"linkId":"smokes","answer":[{"valueBoolean":true}]},{"linkId":"daily","answer":[{"valueInteger":0}]}"#,
            &[("range", "item[1].answer[0].value.ofType(integer)")],
        ),
        (r#"{"linkId":"smokes","answer":[{"valueString":"no"}]}"#, &[("answer_type", "item[0].answer[0].value.ofType(string)")]),
        (r#"{"linkId":"smokes","answer":[{"valueBoolean":false},{"valueBoolean":false}]}"#, &[("repeats", "item[0]")]),
        (r#"NO,NO"#, &[("repeats", "item[1]")]),
        (r#"NO,{"linkId":"else","answer":[{"valueString":"x"}]}"#, &[("item", "item[1]")]),
        (r#"NO,{"linkId":"when","answer":[{"valueDate":"2024-01-01"}]}"#, &[("item", "item[1]")]),
        (r#"{"linkId":"visit","item":[{"linkId":"when","answer":[{"valueDate":"2024-05-01"}]}]},NO"#, &[("item", "item[1]")]),
        (
            r#"NO,{"linkId":"visit","item":[{"linkId":"when","answer":[{"valueDate":"2024-05-01"}]},{"linkId":"why","answer":[{"valueString":"flu"}]}]}"#,
            &[("not_enabled", "item[1].item[1]")],
        ),
        (
            r#"NO,{"linkId":"visit","item":[{"linkId":"when","answer":[{"valueDate":"2025-05-01"}]},{"linkId":"why","answer":[{"valueString":"a cold"}]}]}"#,
            &[("form", "item[1].item[1].answer[0].value.ofType(string)"), ("form", "item[1].item[1].answer[0].value.ofType(string)")],
        ),
        (r#"NO,{"linkId":"visit","answer":[{"valueString":"x"}]}"#, &[("nesting", "item[1].answer[0]"), ("required", "item[1]")]),
        (
            r#"NO,{"linkId":"drug","answer":[{"valueCoding":{"system":"http://example.org/d","code":"z"}}]}"#,
            &[("option", "item[1].answer[0].value.ofType(Coding)")],
        ),
        (
            r#"NO,{"linkId":"drug","answer":[{"valueCoding":{"system":"http://example.org/d","code":"x"}},{"valueCoding":{"system":"http://example.org/d","code":"none"}}]}"#,
            &[("option", "item[1].answer[1].value.ofType(Coding)")],
        ),
        (r#"NO,{"linkId":"drug","answer":[{"valueString":"x"}]}"#, &[("option", "item[1].answer[0].value.ofType(string)")]),
        (
            r#"NO,{"linkId":"drug","answer":[{"valueCoding":{"system":"http://example.org/d","code":"x"},"item":[{"linkId":"dose","answer":[{"valueDecimal":2.55}]}]}]}"#,
            &[("form", "item[1].answer[0].item[0].answer[0].value.ofType(decimal)")],
        ),
        (
            r#"NO,{"linkId":"risk","answer":[{"valueCoding":{"system":"http://example.org/c","code":"q"}}]}"#,
            &[("option", "item[1].answer[0].value.ofType(Coding)")],
        ),
        (
            r#"NO,{"linkId":"weight","answer":[{"valueQuantity":{"value":400,"system":"http://unitsofmeasure.org","code":"kg"}}]}"#,
            &[("range", "item[1].answer[0].value.ofType(Quantity)")],
        ),
        (
            r#"NO,{"linkId":"weight","answer":[{"valueQuantity":{"value":70,"unit":"公斤"}}]}"#,
            &[("range", "item[1].answer[0].value.ofType(Quantity)"), ("option", "item[1].answer[0].value.ofType(Quantity)")],
        ),
        (
            r#"NO,{"linkId":"photo","answer":[{"valueAttachment":{"contentType":"text/html","url":"http://example.org/p"}}]}"#,
            &[("form", "item[1].answer[0].value.ofType(Attachment)")],
        ),
        (
            r#"NO,{"linkId":"doctor","answer":[{"valueReference":{"reference":"Patient/1"}}]}"#,
            &[("option", "item[1].answer[0].value.ofType(Reference)")],
        ),
        (r#"NO,{"linkId":"note","text":"再见"}"#, &[("text", "item[1]")]),
        (r#"NO,{"linkId":"note","answer":[{"valueString":"x"}]}"#, &[("nesting", "item[1].answer[0]")]),
        (r#"NO,{"linkId":"twice","answer":[{"valueString":"a"}]}"#, &[("required", "item[1]")]),
        (
            r#"NO,{"linkId":"twice","answer":[{"valueString":"a"},{"valueString":"b"},{"valueString":"c"},{"valueString":"d"}]}"#,
            &[("repeats", "item[1]")],
        ),
        (r#"{"linkId":"smokes","answer":[{"valueBoolean":false}],"item":[{"linkId":"daily"}]}"#, &[("nesting", "item[0]")]),
    ] {
        let items = items.replace("NO", NO);
        let expected: Vec<(String, String)> = expected.iter().map(|(r, e)| ((*r).to_owned(), (*e).to_owned())).collect();
        assert_eq!(found(&validator, &response("completed", &items), Severity::Error), expected, "{items}");
    }
}

#[test]
fn a_response_in_progress_may_lack_answers() {
    let validator = with_form();
    let text = response("in-progress", "");
    assert_eq!(found(&validator, &text, Severity::Error), []);
    assert_eq!(found(&validator, &text, Severity::Warning).len(), 1);
}

#[test]
fn the_form_is_found_contained_beside_and_by_version() {
    let none = validator();
    let wrong = r#"{"linkId":"else"}"#;
    let alone = response("completed", wrong);
    assert_eq!(found(&none, &alone, Severity::Error), []);
    assert_eq!(found(&none, &alone, Severity::Warning)[0].0, "unresolved");
    let form = r#"{"resourceType":"Questionnaire","id":"f","url":"http://example.org/form","status":"active","item":[{"linkId":"a","type":"string"}]}"#;
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{form}}},{{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239521","resource":{alone}}}]}}"#
    );
    assert_eq!(found(&none, &bundle, Severity::Error), [("item".into(), "Bundle.entry[1].resource.item[0]".into())]);
    let contained = alone
        .replacen("\"status\"", &format!("\"contained\":[{form}],\"status\""), 1)
        .replace("http://example.org/form\",\"con", "#f\",\"con");
    assert_eq!(found(&none, &contained, Severity::Error), [("item".into(), "item[0]".into())]);
    for (version, errors) in [("|2", 2), ("|1", 0)] {
        let text = alone.replace("example.org/form", &format!("example.org/form{version}"));
        assert_eq!(found(&with_form(), &text, Severity::Error).len(), errors, "{version}");
    }
}

#[test]
fn conditions_look_back_to_another_question() {
    let condition = |question: &str| format!(r#""enableWhen":[{{"question":"{question}","operator":"exists","answerBoolean":true}}]"#);
    for (items, severity, expected) in [
        (format!(r#"{{"linkId":"a","type":"string"}},{{"linkId":"b","type":"string",{}}}"#, condition("a")), Severity::Error, vec![]),
        (format!(r#"{{"linkId":"a","type":"string",{}}}"#, condition("zz")), Severity::Error, vec!["Questionnaire.item[0]"]),
        (format!(r#"{{"linkId":"a","type":"string",{}}}"#, condition("a")), Severity::Error, vec!["Questionnaire.item[0]"]),
        (
            format!(r#"{{"linkId":"g","type":"group","item":[{{"linkId":"a","type":"string"}}],{}}}"#, condition("a")),
            Severity::Error,
            vec!["Questionnaire.item[0]"],
        ),
        (
            format!(r#"{{"linkId":"b","type":"string",{}}},{{"linkId":"a","type":"string"}}"#, condition("a")),
            Severity::Warning,
            vec!["Questionnaire.item[0]"],
        ),
    ] {
        let text = format!(r#"{{"resourceType":"Questionnaire","status":"active","item":[{items}]}}"#);
        let places: Vec<String> = found(&validator(), &text, severity).into_iter().map(|(_, place)| place).collect();
        assert_eq!(places, expected, "{items}");
    }
}
