//! Every published schema, by what it must accept and what it must refuse.

use super::*;

/// Pointer and keyword of each fault.
fn faults(name: &str, text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap();
    Schema::published(name).unwrap().faults(&value).iter().map(|f| format!("{} {}", f.pointer, f.keyword)).collect()
}

#[test]
fn each_compiles_and_says_what_it_is_and_where_it_stands() {
    for (name, zh, en, text) in PUBLISHED {
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(value["title"].is_string() && value["$id"].as_str().unwrap().ends_with(&format!("/{name}.schema.json")), "{name}");
        assert!(Schema::published(name).is_ok() && !zh.is_empty() && !en.is_empty(), "{name}");
        assert!(jsonschema::meta::is_valid(&value), "{name}");
    }
}

#[test]
fn good_and_bad_texts() {
    for (name, text, expected) in [
        ("config", r#"{"profiles":{"load":["a.tgz"],"identifiers":{"identity-card":"error","default":"ignore"}}}"#, &[][..]),
        ("config", r#"{"profiles":{"loads":["a.tgz"]}}"#, &["/profiles/loads additionalProperties"]),
        (
            "config",
            r#"{"profiles":{"identifiers":{"identity_card":"error"}}}"#,
            &["/profiles/identifiers/identity_card additionalProperties"],
        ),
        ("config", r#"{"source":[{"id":"a","unknown_extensions":"bad"}]}"#, &["/source/0/unknown_extensions enum"]),
        ("config", r#"{"source":[{}]}"#, &["/source/0 required"]),
        ("config", r#"{"limits":{"message_byte":1}}"#, &["/limits/message_byte additionalProperties"]),
        ("config", r#"{"limits":{"message_bytes":0}}"#, &["/limits/message_bytes minimum"]),
        (
            "case",
            r#"{"message":["MSH|^~\\&|A"],"resources":[{"resourceType":"Patient","id":"a"}],"findings":[{"severity":"error","rule":"a.b","location":""}]}"#,
            &[],
        ),
        ("case", r#"{"message":["PID|1"]}"#, &["/message/0 pattern"]),
        (
            "case",
            r#"{"message":["MSH|^~\\&|A"],"findings":[{"severity":"fatal","rule":"a.b","location":""}]}"#,
            &["/findings/0/severity enum"],
        ),
        ("case", r#"{"message":["MSH|^~\\&|A"],"resources":[{"id":"a"}]}"#, &["/resources/0 required"]),
        ("examples", r#"{"profile":"http://x/p","examples":[{"name":"a","resource":{"resourceType":"Patient"}}]}"#, &[]),
        (
            "examples",
            r#"{"profile":"http://x/p","examples":[{"name":"a b","resource":{"resourceType":"Patient"}}]}"#,
            &["/examples/0/name pattern"],
        ),
        ("validate-line", r#"{"file":"a","index":0,"resourceType":"Patient","id":"","valid":true,"issue":[]}"#, &[]),
        ("validate-line", r#"{"file":"a","index":0,"resourceType":"Patient","id":"","valid":1,"issue":[]}"#, &["/valid type"]),
        ("convert-line", r#"{"file":"a","index":0,"messageType":"ADT^A01","bundle":null,"findings":[]}"#, &[]),
        ("convert-line", r#"{"file":"a","index":0,"messageType":"ADT^A01","findings":[]}"#, &[" required"]),
    ] {
        assert_eq!(faults(name, text), expected, "{name} {text}");
    }
}

#[test]
fn the_examples_of_our_profiles_are_of_the_published_form() {
    let schema = Schema::published("examples").unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../profiles/community/examples");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let value: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
        let faults: Vec<String> = schema.faults(&value).iter().map(|f| format!("{} {}", f.pointer, f.en)).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", file.path().display());
        seen += 1;
    }
    assert!(seen > 20);
}

/// The limits in the schema are those of the program, in its order, with its defaults.
#[test]
fn the_limits_of_the_configuration_are_those_of_the_program() {
    let value: Value = serde_json::from_str(PUBLISHED[0].3).unwrap();
    let written: Vec<(String, u64)> = value["properties"]["limits"]["properties"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(k, v)| (k.clone(), v["default"].as_u64().unwrap()))
        .collect();
    let own: Vec<(String, u64)> = hutong_wire::limits::Limits::default().list().into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    assert_eq!(written, own);
    let kinds: Vec<&str> = value["$defs"]["identifiers"]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let own: Vec<&str> =
        ["default"].into_iter().chain(hutong_fhir::identifier::Kind::ALL.map(hutong_fhir::identifier::Kind::name)).collect();
    assert_eq!(kinds, own);
}

#[test]
fn a_slip_is_told_with_what_was_meant() {
    let schema = Schema::published("config").unwrap();
    let told = |text: &str| {
        let faults = schema.faults(&serde_json::from_str(text).unwrap());
        (faults[0].zh.clone(), faults[0].en.clone())
    };
    assert_eq!(told(r#"{"source":[{"id":"a","facilites":[]}]}"#).1, "there is no 'facilites'; was 'facilities' meant?");
    assert!(told(r#"{"mllp":{"xxxxxx":1}}"#).0.contains("可用的有：listen"));
}

#[test]
fn a_schema_that_cannot_be_used_says_why() {
    for text in ["{", r#"{"type":"nothing"}"#, r#"{"$ref":"http://example.org/other.json"}"#, r#"{"pattern":"(a"}"#] {
        assert!(Schema::compile(text.as_bytes()).is_err(), "{text}");
    }
}
