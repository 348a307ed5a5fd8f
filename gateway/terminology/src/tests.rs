//! The store and membership: R4's own value sets, and small ones of ours.

use super::*;
use hutong_fhir::json::{JsonLimits, parse};
use hutong_fhir::tree::Tree;

pub(crate) fn tree(json: &str) -> Tree {
    match parse(json.as_bytes(), &JsonLimits::default()) {
        Ok((tree, issues)) => {
            assert!(issues.is_empty(), "{json}");
            tree
        }
        Err(e) => panic!("{e:?} in {json}"),
    }
}

#[test]
fn required_bindings_agree_with_the_definitions() {
    let t = Terminology::r4();
    let definitions = Definitions::r4();
    let mut judged = 0;
    for id in definitions.type_ids() {
        for element in definitions.element_slice(id) {
            let Some(set) = element.binding.as_ref().and_then(|b| b.must_be_in) else { continue };
            let set = definitions.code_set(set);
            let canonical = set.canonical();
            if !set.is_listed() {
                continue;
            }
            for (system, codes) in set.by_system() {
                for code in codes {
                    assert_eq!(t.member_of(&canonical, Some(&system), code), Membership::In, "{canonical} {system} {code}");
                    assert_eq!(t.member_of(&canonical, None, code), Membership::In, "{canonical} {code}");
                    judged += 1;
                }
                for (code, _) in t.system(&system).into_iter().flat_map(System::codes) {
                    if !set.has(&system, code) {
                        assert_eq!(t.member_of(&canonical, Some(&system), code), Membership::Out, "{canonical} {system} {code}");
                        judged += 1;
                    }
                }
                assert_eq!(t.member_of(&canonical, Some(&system), "no such code"), Membership::Out, "{canonical} {system}");
            }
            assert_eq!(t.member_of(&canonical, Some("http://example.org"), "final"), Membership::Out, "{canonical}");
        }
    }
    assert!(judged > 3000, "{judged}");
}

#[test]
fn membership_of_r4() {
    use Membership::{In, Out, UnknownCodeSystem, UnknownValueSet};
    let t = Terminology::r4();
    let act = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    for (set, system, code, expected) in [
        ("http://hl7.org/fhir/ValueSet/administrative-gender", Some("http://hl7.org/fhir/administrative-gender"), "male", In),
        ("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", None, "male", In),
        ("http://hl7.org/fhir/ValueSet/administrative-gender", Some("http://hl7.org/fhir/administrative-gender"), "Male", Out),
        ("http://hl7.org/fhir/ValueSet/account-type", Some(act), "PBILLACCT", In),
        ("http://hl7.org/fhir/ValueSet/account-type", Some(act), "AMB", Out),
        ("http://hl7.org/fhir/ValueSet/administration-method-codes", Some("http://snomed.info/sct"), "422096002", UnknownCodeSystem),
        ("http://hl7.org/fhir/ValueSet/administration-method-codes", Some("http://loinc.org"), "1-8", Out),
        ("http://hl7.org/fhir/ValueSet/observation-vitalsignresult", Some("http://loinc.org"), "8867-4", In),
        ("http://hl7.org/fhir/ValueSet/observation-vitalsignresult", Some("http://loinc.org"), "1-8", Out),
        ("http://hl7.org/fhir/ValueSet/ucum-units", Some("http://unitsofmeasure.org"), "mmol/L", In),
        ("http://hl7.org/fhir/ValueSet/ucum-units", Some("http://unitsofmeasure.org"), "mmHg", Out),
        ("http://hl7.org/fhir/ValueSet/all-languages", None, "zh-CN", In),
        ("http://hl7.org/fhir/ValueSet/mimetypes", None, "application/pdf", In),
        ("http://www.rfc-editor.org/bcp/bcp13.txt", None, "pdf", Out),
        ("http://hl7.org/fhir/ValueSet/currencies", Some("urn:iso:std:iso:4217"), "CNY", In),
        ("http://unitsofmeasure.org/vs", Some("http://unitsofmeasure.org"), "kg", In),
        ("http://unitsofmeasure.org/vs/g/L", Some("http://unitsofmeasure.org"), "mg/dL", In),
        ("http://unitsofmeasure.org/vs/g/L", Some("http://unitsofmeasure.org"), "mmol/L", Out),
        ("http://snomed.info/sct?fhir_vs", Some("http://snomed.info/sct"), "1", UnknownCodeSystem),
        ("http://snomed.info/sct?fhir_vs=isa/2", Some("http://snomed.info/sct"), "1", UnknownCodeSystem),
        ("http://loinc.org/vs/LL715-4", Some("http://loinc.org"), "LA6576-8", UnknownCodeSystem),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode?fhir_vs=isa/_ActAccountCode", Some(act), "PBILLACCT", In),
        ("http://example.org/none", None, "x", UnknownValueSet),
        ("", None, "", UnknownValueSet),
    ] {
        for _ in 0..2 {
            assert_eq!(t.member_of(set, system, code), expected, "{set} {system:?} {code}");
        }
    }
}

#[test]
fn every_set_of_r4_can_be_asked() {
    let t = Terminology::r4();
    let mut known = 0;
    for set in Definitions::r4().value_sets().all() {
        known += usize::from(t.member_of(&set.url, None, "x") != Membership::UnknownValueSet);
    }
    assert!(known > 1290, "{known}");
    assert_eq!(t.is_known_code("http://terminology.hl7.org/CodeSystem/v3-ActCode", None, "AMB"), Some(true));
    assert_eq!(t.is_known_code("http://terminology.hl7.org/CodeSystem/v3-ActCode", None, "amb"), Some(false));
    assert_eq!(t.is_known_code("http://snomed.info/sct", None, "1"), None);
    assert_eq!(t.display("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB"), Some("ambulatory"));
}
