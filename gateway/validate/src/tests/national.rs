//! The national code systems and our own conformance resources: that they hold together, and the traps of the field
//! (codes whose meaning depends on table or version, two names of one system, numbers that fail their check digit).

use super::*;
use crate::community;
use hutong_terminology::{Membership, Terminology};

pub(super) const RESULT: &str = "urn:oid:2.16.156.10011.2.3.2.38";
pub(super) const RESULT_OF_ITEM: &str = "http://fhir.med-community.cn/gw/CodeSystem/examination-item-result";
pub(super) const ROUTE: &str = "urn:oid:2.16.156.10011.2.3.1.158";
const FREQUENCY: &str = "urn:oid:2.16.156.10011.2.3.1.267";
pub(super) const ETHNICITY: &str = "urn:oid:2.16.156.10011.2.3.3.3";
pub(super) const ETHNICITY_LETTERS: &str = "http://fhir.med-community.cn/gw/CodeSystem/gb3304-letter";

pub(super) fn set(name: &str) -> String {
    format!("http://fhir.med-community.cn/gw/ValueSet/{name}")
}

/// R4, the national tables and our own code systems, value sets and names of systems.
pub(super) fn terminology() -> Terminology {
    let mut out = Terminology::r4();
    for (name, table) in community::tables() {
        out.load_table(name, table.as_bytes()).unwrap_or_else(|f| panic!("{name}: {}", f[0].en));
    }
    for (path, text) in resources_of(&["CodeSystem", "ValueSet", "NamingSystem", "ConceptMap"]) {
        out.load(parse(text).0.root()).unwrap_or_else(|f| panic!("{path}: {}", f.en));
    }
    out
}

fn resources_of(types: &'static [&'static str]) -> impl Iterator<Item = (&'static str, &'static str)> {
    community::resources().filter(move |(_, text)| parse(text).0.root().resource_type().is_some_and(|t| types.contains(&t)))
}

/// A Parameters resource of (name, type of the value, value).
pub(super) fn parameters(given: &[(&str, &str, &str)]) -> Tree {
    let one = |(name, kind, value): &(&str, &str, &str)| {
        let value = if *kind == "valueInteger" { (*value).to_owned() } else { format!("\"{value}\"") };
        format!(r#"{{"name":"{name}","{kind}":{value}}}"#)
    };
    let list: Vec<String> = given.iter().map(one).collect();
    parse(&format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, list.join(","))).0
}

pub(super) fn to_json(tree: &Tree) -> serde_json::Value {
    let mut out = Vec::new();
    json::write(tree.root(), &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn tables_are_whole() {
    let mut all = Terminology::r4();
    let (mut tables, mut codes) = (0, 0);
    for (name, table) in community::tables() {
        let loaded = all.load_table(name, table.as_bytes()).unwrap_or_else(|f| panic!("{name}: {}", f[0].en));
        tables += 1;
        codes += loaded.codes;
    }
    // 8,736 rows of the national tables, 8 of them second meanings of a code that stands there already; 196 of ours
    assert_eq!((tables, codes), (56, 8736 - 8 + 196));
    for (system, code, display) in [
        ("http://fhir.med-community.cn/gw/CodeSystem/ws218", "D600", "村卫生室"),
        ("http://fhir.med-community.cn/gw/CodeSystem/gb2260", "500236", "奉节县"),
        ("urn:oid:2.16.156.10011.2.3.3.14", "A01.01.01", "感冒"),
        ("http://fhir.med-community.cn/gw/CodeSystem/gb15657", "A01.01.01", "感冒"),
        ("http://fhir.med-community.cn/gw/CodeSystem/radiology-procedure", "B020ZYZZZ", "颅脑CT普通扫描(平扫)"),
        ("http://fhir.med-community.cn/gw/CodeSystem/department-type", "A32.06", "心电诊断专业"),
        ("urn:oid:2.16.156.10011.2.4", "C0007", "检验报告"),
        (ETHNICITY, "36", "毛南族"),
    ] {
        assert_eq!(all.display(system, code), Some(display), "{system} {code}");
    }
}

#[test]
fn bindings_and_value_sets_name_what_is_here() {
    let terminology = terminology();
    let mut wrong = Vec::new();
    for (path, text) in resources_of(&["StructureDefinition"]) {
        for element in value(text)["differential"]["element"].as_array().into_iter().flatten() {
            if let Some(canonical) = element["binding"]["valueSet"].as_str()
                && !terminology.has_value_set(canonical)
            {
                wrong.push(format!("{path} {canonical}"));
            }
        }
    }
    for (path, text) in resources_of(&["ValueSet"]) {
        let body = value(text);
        for include in body["compose"]["include"].as_array().into_iter().flatten() {
            let system = include["system"].as_str().unwrap();
            if terminology.system(system).is_none() {
                wrong.push(format!("{path}: {system}"));
            }
            for concept in include["concept"].as_array().into_iter().flatten() {
                let code = concept["code"].as_str().unwrap();
                if terminology.is_known_code(system, None, code) == Some(false) {
                    wrong.push(format!("{path}: {system} {code}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn maps_name_codes_that_exist() {
    let terminology = terminology();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, text) in resources_of(&["ConceptMap"]) {
        for group in value(text)["group"].as_array().into_iter().flatten() {
            let mut known = |system: &str, version: &str, code: &serde_json::Value| {
                let (system, version, Some(code)) = (group[system].as_str().unwrap(), group[version].as_str(), code.as_str()) else {
                    return;
                };
                count += 1;
                if terminology.is_known_code(system, version, code) == Some(false) {
                    wrong.push(format!("{path}: {system} {code}"));
                }
            };
            for element in group["element"].as_array().into_iter().flatten() {
                known("source", "sourceVersion", &element["code"]);
                for target in element["target"].as_array().into_iter().flatten() {
                    known("target", "targetVersion", &target["code"]);
                }
            }
        }
    }
    assert!(wrong.is_empty() && count > 250, "{count} {wrong:#?}");
}

#[test]
fn one_and_two_mean_opposite_things_in_two_tables() {
    let terminology = terminology();
    assert_eq!(terminology.display(RESULT, "1"), Some("正常"));
    assert_eq!(terminology.display(RESULT, "2"), Some("异常"));
    assert_eq!(terminology.display(RESULT_OF_ITEM, "1"), Some("异常"));
    assert_eq!(terminology.display(RESULT_OF_ITEM, "2"), Some("正常"));
    // what samples send under the first one's OID is not to be believed without the text
    let map = community::resources().find(|(path, _)| path.ends_with("conceptmaps/examination-result.json")).unwrap();
    for group in value(map.1)["group"].as_array().unwrap() {
        let to_interpretation = group["target"].as_str().unwrap().ends_with("v3-ObservationInterpretation");
        for element in group["element"].as_array().unwrap().iter().filter(|_| to_interpretation) {
            let inexact = element["target"][0]["equivalence"] == "inexact";
            assert_eq!(inexact, group["source"] == RESULT, "{element}");
        }
    }
}

#[test]
fn a_route_code_changed_its_meaning() {
    let terminology = terminology();
    let of = |version: &str, code: &str| terminology.display(&format!("{ROUTE}|{version}"), code).map(str::to_owned);
    assert_eq!(of("2011", "404").as_deref(), Some("静脉注射或静脉滴注"));
    assert_eq!(of("extended", "404").as_deref(), Some("静脉注射"));
    assert_eq!((of("2011", "405"), of("extended", "405").as_deref()), (None, Some("静脉滴注")));
    assert_eq!(terminology.display(ROUTE, "404"), Some("静脉注射或静脉滴注"), "without a version the standard's, which claims less");
    for code in ["1", "404", "405", "9"] {
        assert_eq!(terminology.member_of(&set("route"), Some(ROUTE), code), Membership::In, "{code}: both versions are in use");
    }
    assert_eq!(terminology.member_of(&set("route"), Some(ROUTE), "406"), Membership::Out);
}

#[test]
fn a_frequency_that_the_national_table_lacks_is_no_error() {
    let terminology = terminology();
    assert_eq!(terminology.is_known_code(FREQUENCY, None, "01"), Some(true));
    assert!((1..=13).all(|n| terminology.display(FREQUENCY, &format!("{n:02}")) != Some("tid")));
    let text = format!(
        r#"{{"resourceType":"MedicationRequest","id":"a","status":"active","intent":"order","medicationCodeableConcept":{{"text":"阿莫西林"}},
        "subject":{{"reference":"Patient/1"}},"dosageInstruction":[{{"timing":{{"code":{{"coding":[{{"system":"{FREQUENCY}","code":"tid"}}],"text":"tid"}}}}}}]}}"#
    );
    let findings = Validator::with(Arc::new(Knowledge::community().0)).validate(&parse(&text).0);
    assert!(findings.iter().all(|f| f.severity < Severity::Error), "{findings:?}");
}

#[test]
fn one_identity_under_two_oids_is_judged_alike_and_only_warned_of() {
    let validator = Validator::with(Arc::new(Knowledge::community().0));
    for (number, rule) in [("11010519491231002X", None), ("500236198505051234", Some("fhir.identifier.identity-card"))] {
        for oid in ["urn:oid:2.16.156.10011.1.3", "urn:oid:2.16.840.1.113883.2.23.1.19.1"] {
            let text = format!(r#"{{"resourceType":"Patient","id":"a","identifier":[{{"system":"{oid}","value":"{number}"}}]}}"#);
            let findings = validator.validate(&parse(&text).0);
            let found: Vec<_> = findings.iter().filter(|f| f.rule.starts_with("fhir.identifier.")).collect();
            assert_eq!(found.first().map(|f| &*f.rule), rule, "{oid} {number}");
            assert!(found.iter().all(|f| f.severity == Severity::Warning && !f.zh.contains(number) && !f.en.contains(number)));
        }
    }
}

#[test]
fn both_forms_of_an_ethnic_group_are_welcome() {
    let terminology = terminology();
    for (system, code, expect) in [
        (ETHNICITY, "15", Membership::In),
        ("http://fhir.med-community.cn/gw/CodeSystem/gb3304", "15", Membership::In),
        (ETHNICITY_LETTERS, "TJ", Membership::In),
        (ETHNICITY, "TJ", Membership::Out),
        (ETHNICITY, "57", Membership::Out),
        (ETHNICITY_LETTERS, "15", Membership::Out),
    ] {
        assert_eq!(terminology.member_of(&set("ethnicity"), Some(system), code), expect, "{system} {code}");
    }
    assert_eq!(terminology.display(ETHNICITY, "15"), terminology.display(ETHNICITY_LETTERS, "TJ"));
}

#[test]
fn primary_care_is_what_counts_as_it() {
    let terminology = terminology();
    let ws218 = "http://fhir.med-community.cn/gw/CodeSystem/ws218";
    for (code, expect) in [
        ("B100", Membership::In),
        ("C220", Membership::In),
        ("D600", Membership::In),
        ("D121", Membership::In),
        ("A100", Membership::Out),
        ("G100", Membership::Out),
    ] {
        assert_eq!(terminology.member_of(&set("primary-care-institution"), Some(ws218), code), expect, "{code}");
    }
}
