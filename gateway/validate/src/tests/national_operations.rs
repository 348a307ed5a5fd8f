//! The terminology operations over the national code systems and our own maps.

use super::national::{ETHNICITY, ETHNICITY_LETTERS, RESULT, RESULT_OF_ITEM, ROUTE, parameters, set, terminology, to_json};
use hutong_fhir::{Finding, Tree};
use hutong_terminology::Terminology;
use serde_json::Value;

type Operation = fn(&Terminology, &Tree) -> Result<Tree, Finding>;

fn ask(terminology: &Terminology, operation: Operation, given: &[(&str, &str, &str)]) -> Value {
    to_json(&operation(terminology, &parameters(given)).unwrap_or_else(|f| panic!("{}", f.en)))
}

/// The first value of an output parameter, as text.
fn value(of: &Value, name: &str) -> String {
    let all = of["parameter"].as_array().into_iter().flatten();
    let found = all.filter(|p| p["name"] == name).find_map(|p| p.as_object()?.iter().find(|(k, _)| k.starts_with("value")));
    found.map(|(_, v)| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default()
}

/// Codes that a translation matched, with their equivalence.
fn matches(of: &Value) -> Vec<(String, String)> {
    let all = of["parameter"].as_array().unwrap().iter().filter(|p| p["name"] == "match");
    let part = |m: &Value, name: &str| m["part"].as_array().unwrap().iter().find(|p| p["name"] == name).cloned().unwrap_or_default();
    all.map(|m| {
        let code = part(m, "concept")["valueCoding"]["code"].as_str().unwrap_or("").to_owned();
        (code, part(m, "equivalence")["valueCode"].as_str().unwrap_or("").to_owned())
    })
    .collect()
}

#[test]
fn translations() {
    let terminology = terminology();
    let map = |name: &str| format!("http://fhir.med-community.cn/gw/ConceptMap/{name}");
    for (name, system, code, expect) in [
        ("gender", "urn:oid:2.16.156.10011.2.3.3.4", "1", &[("male", "equal")][..]),
        ("gender", "http://hl7.org/fhir/administrative-gender", "female", &[("2", "equal")]),
        ("ethnicity", ETHNICITY, "15", &[("TJ", "equal")]),
        ("ethnicity", ETHNICITY_LETTERS, "TJ", &[("15", "equal")]),
        ("marital-status", "urn:oid:2.16.156.10011.2.3.3.5", "22", &[("M", "wider")]),
        ("patient-type", "urn:oid:2.16.156.10011.2.3.1.271", "3", &[("IMP", "equivalent")]),
        (
            "examination-category-to-modality",
            "http://fhir.med-community.cn/gw/CodeSystem/examination-category",
            "204",
            &[("DX", "narrower"), ("CR", "narrower")],
        ),
        (
            "recognition-reason-platform",
            "http://fhir.med-community.cn/gw/CodeSystem/recognition-reason-platform",
            "98",
            &[("no-images", "equivalent")],
        ),
    ] {
        let answer = ask(
            &terminology,
            Terminology::translate,
            &[("url", "valueUri", &map(name)), ("system", "valueUri", system), ("code", "valueCode", code)],
        );
        let expect: Vec<_> = expect.iter().map(|(c, e)| ((*c).to_owned(), (*e).to_owned())).collect();
        assert_eq!(matches(&answer), expect, "{name} {code}");
    }
}

#[test]
fn the_ambiguous_result_code_is_never_translated_exactly() {
    let terminology = terminology();
    let to = |system: &str, code: &str| {
        matches(&ask(
            &terminology,
            Terminology::translate,
            &[
                ("url", "valueUri", "http://fhir.med-community.cn/gw/ConceptMap/examination-result"),
                ("system", "valueUri", system),
                ("code", "valueCode", code),
                ("targetsystem", "valueUri", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"),
            ],
        ))
    };
    assert_eq!(to(RESULT, "1"), [("N".to_owned(), "inexact".to_owned())]);
    assert_eq!(to(RESULT_OF_ITEM, "1"), [("A".to_owned(), "equivalent".to_owned())]);
    // a sample of the field: code 1, displayed 异常, under the OID of the table where 1 is 正常
    let answer = ask(
        &terminology,
        Terminology::validate_code,
        &[
            ("url", "valueUri", &set("examination-result")),
            ("system", "valueUri", RESULT),
            ("code", "valueCode", "1"),
            ("display", "valueString", "异常"),
        ],
    );
    assert!(value(&answer, "message").contains("正常"), "{answer}");
}

#[test]
fn lookups_by_any_name_and_version() {
    let terminology = terminology();
    for (system, version, code, display) in [
        (ROUTE, "2011", "404", "静脉注射或静脉滴注"),
        (ROUTE, "extended", "404", "静脉注射"),
        ("http://fhir.med-community.cn/gw/CodeSystem/route", "extended", "405", "静脉滴注"),
        ("http://fhir.med-community.cn/gw/CodeSystem/department-type", "", "A50", "中医科"),
    ] {
        let mut given = vec![("system", "valueUri", system), ("code", "valueCode", code)];
        if !version.is_empty() {
            given.push(("version", "valueString", version));
        }
        let answer = ask(&terminology, Terminology::lookup, &given);
        assert_eq!(value(&answer, "display"), display, "{system} {version} {code}");
    }
    let unknown = parameters(&[("system", "valueUri", ROUTE), ("version", "valueString", "2011"), ("code", "valueCode", "405")]);
    assert!(terminology.lookup(&unknown).is_err(), "405 came later");
}

#[test]
fn hierarchies_are_those_of_the_standards() {
    let terminology = terminology();
    let base = "http://fhir.med-community.cn/gw/CodeSystem/";
    for (system, a, b, expect) in [
        ("department-type", "A50", "A50.13", "subsumes"),
        ("department-type", "A32.06", "A32", "subsumed-by"),
        ("department-type", "A50", "A51", "not-subsumed"),
        ("ws218", "D", "D600", "subsumes"),
        ("ws218", "A520", "A521", "not-subsumed"),
        ("ws218", "A5", "A521", "subsumes"),
        ("gb2260", "500000", "500236", "subsumes"),
        ("gb15657", "A01.", "A01.01.01.01", "subsumes"),
        ("gb2261-2", "20", "22", "subsumes"),
    ] {
        let system = format!("{base}{system}");
        let answer = ask(
            &terminology,
            Terminology::subsumes,
            &[("system", "valueUri", &system), ("codeA", "valueCode", a), ("codeB", "valueCode", b)],
        );
        assert_eq!(value(&answer, "outcome"), expect, "{system} {a} {b}");
    }
}

#[test]
fn expansions_are_paged_and_filtered() {
    let terminology = terminology();
    let expand = |given: &[(&str, &str, &str)]| ask(&terminology, |t, p| t.expand(p, "2026-01-01T00:00:00Z"), given)["expansion"].clone();
    let regions = expand(&[("url", "valueUri", &set("gb2260")), ("filter", "valueString", "奉节"), ("count", "valueInteger", "5")]);
    assert_eq!(regions["contains"][0]["code"], "500236");
    assert_eq!(regions["total"], 1);
    let page = expand(&[("url", "valueUri", &set("gb15657")), ("offset", "valueInteger", "3400"), ("count", "valueInteger", "100")]);
    assert_eq!((page["total"].as_u64(), page["contains"].as_array().map(Vec::len)), (Some(3429), Some(29)));
}
