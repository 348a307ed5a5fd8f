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
        ("http://hl7.org/fhir/ValueSet/iso3166-1-2", Some("urn:iso:std:iso:3166"), "CN", In),
        ("http://hl7.org/fhir/ValueSet/iso3166-1-2", Some("urn:iso:std:iso:3166"), "CHN", Out),
        ("http://hl7.org/fhir/ValueSet/iso3166-1-3", Some("urn:iso:std:iso:3166"), "CHN", In),
        ("http://hl7.org/fhir/ValueSet/iso3166-1-3", Some("urn:iso:std:iso:3166"), "CN", Out),
        ("http://hl7.org/fhir/ValueSet/iso3166-1-N", Some("urn:iso:std:iso:3166"), "156", In),
        ("http://hl7.org/fhir/ValueSet/jurisdiction", Some("urn:iso:std:iso:3166"), "CN", In),
        ("http://hl7.org/fhir/ValueSet/jurisdiction", Some("urn:iso:std:iso:3166"), "XX", Out),
        ("http://hl7.org/fhir/ValueSet/jurisdiction", Some("urn:iso:std:iso:3166:-2"), "CN-42", In),
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
    assert_eq!(t.display("urn:iso:std:iso:3166", "CN"), Some("China"));
    // codes of HL7 v3 with a second parent: a natural brother is a brother and of the natural kin
    let role = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
    for (root, code, expected) in [
        ("SIB", "NBRO", Membership::In),
        ("BRO", "NBRO", Membership::In),
        ("NSIB", "NBRO", Membership::In),
        ("SIS", "NBRO", Membership::Out),
    ] {
        assert_eq!(t.member_of(&format!("{role}?fhir_vs=isa/{root}"), Some(role), code), expected, "{root} {code}");
    }
}

fn loaded(resources: &[&str]) -> Terminology {
    let mut t = Terminology::r4();
    resources.iter().for_each(|r| t.load(tree(r).root()).unwrap());
    t
}

/// A CodeSystem: version, content, further elements, codes.
fn system(version: &str, content: &str, more: &str, codes: &str) -> String {
    let concepts: Vec<String> = codes.split(' ').map(|c| format!(r#"{{"code":"{c}","display":"{c} in {version}"}}"#)).collect();
    format!(
        r#"{{"resourceType":"CodeSystem","url":"http://example.org/s","version":"{version}","content":"{content}"{more},"concept":[{}]}}"#,
        concepts.join(",")
    )
}

fn set(compose: &str) -> String {
    format!(r#"{{"resourceType":"ValueSet","url":"http://example.org/vs","compose":{compose}}}"#)
}

#[test]
fn versions_and_contents_of_loaded_systems() {
    use Membership::{In, Out, UnknownCodeSystem, UnknownValueSet};
    let all = set(r#"{"include":[{"system":"http://example.org/s"}]}"#);
    let pinned = set(r#"{"include":[{"system":"http://example.org/s","version":"1.9"}]}"#);
    let missing = set(r#"{"include":[{"system":"http://example.org/s","version":"3"}]}"#);
    let (old, new) = (system("1.9", "complete", "", "a b"), system("1.10", "complete", "", "b c"));
    let fragment = system("1", "fragment", "", "a");
    let folded = system("1", "complete", r#","caseSensitive":false"#, "Ab");
    let strict = system("1", "complete", r#","caseSensitive":true"#, "Ab");
    let other = r#"{"resourceType":"ValueSet","url":"http://example.org/vs2","version":"5","compose":{"include":[{"valueSet":["http://example.org/vs"]}]}}"#;
    let vs = "http://example.org/vs";
    for (resources, set, code, expected) in [
        (&[&old, &new, &all] as &[&String], vs, "c", In),
        (&[&new, &old, &all], vs, "c", In),
        (&[&new, &old, &all], vs, "a", Out),
        (&[&new, &old, &pinned], vs, "a", In),
        (&[&new, &old, &pinned], vs, "c", Out),
        (&[&new, &old, &missing], vs, "a", UnknownCodeSystem),
        (&[&fragment, &all], vs, "a", In),
        (&[&fragment, &all], vs, "z", UnknownCodeSystem),
        (&[&folded, &all], vs, "aB", In),
        (&[&strict, &all], vs, "aB", Out),
        (&[&all], vs, "a", UnknownCodeSystem),
        (&[&old, &all, &other.to_owned()], "http://example.org/vs2", "a", In),
        (&[&old, &all, &other.to_owned()], "http://example.org/vs2|5", "a", In),
        (&[&old, &all, &other.to_owned()], "http://example.org/vs2|6", "a", UnknownValueSet),
        (&[&old, &other.to_owned()], "http://example.org/vs2", "a", UnknownValueSet),
        // what is loaded again takes the place of what was there
        (&[&old, &all, &pinned, &new], vs, "c", Out),
    ] {
        let texts: Vec<&str> = resources.iter().map(|r| r.as_str()).collect();
        let t = loaded(&texts);
        assert_eq!(t.member_of(set, Some("http://example.org/s"), code), expected, "{set} {code} {texts:?}");
    }
    // a later load is seen by sets that were asked before
    let mut t = loaded(&[&all]);
    assert_eq!(t.member_of(vs, Some("http://example.org/s"), "a"), UnknownCodeSystem);
    t.load(tree(&old).root()).unwrap();
    assert_eq!(t.member_of(vs, Some("http://example.org/s"), "a"), In);
}

#[test]
fn names_of_one_system() {
    let codes = system("1", "complete", r#","identifier":[{"value":"urn:oid:1.2.3"}]"#, "a");
    let names = r#"{"resourceType":"NamingSystem","name":"N","kind":"codesystem","uniqueId":[{"type":"oid","value":"4.5.6"},
        {"type":"uri","value":"http://example.org/s","preferred":true},{"type":"uri","value":"http://old.example.org/s"}]}"#;
    let by_oid = set(r#"{"include":[{"system":"urn:oid:4.5.6"}]}"#);
    let t = loaded(&[&codes, names, &by_oid]);
    for system in ["urn:oid:1.2.3", "urn:oid:4.5.6", "http://example.org/s", "http://old.example.org/s"] {
        assert_eq!(t.member_of("http://example.org/vs", Some(system), "a"), Membership::In, "{system}");
        assert_eq!(t.display(system, "a"), Some("a in 1"), "{system}");
        assert_eq!(t.is_known_code(system, None, "b"), Some(false), "{system}");
    }
    assert!(t.system("urn:oid:9.9").is_none());
}

#[test]
fn an_expansion_stands_in_for_systems_that_are_not_here() {
    let stored = |more: &str| {
        format!(
            r#"{{"resourceType":"ValueSet","url":"http://example.org/vs","compose":{{"include":[{{"system":"http://snomed.info/sct","filter":[{{"property":"concept","op":"is-a","value":"1"}}]}}]}},
            "expansion":{{"timestamp":"2026-01-01"{more},"contains":[{{"system":"http://snomed.info/sct","code":"1","contains":[{{"system":"http://snomed.info/sct","code":"2"}}]}}]}}}}"#
        )
    };
    for (more, code, expected) in [
        ("", "2", Membership::In),
        ("", "3", Membership::Out),
        (r#","total":2"#, "2", Membership::In),
        (r#","total":9"#, "2", Membership::UnknownCodeSystem),
        (r#","offset":5"#, "2", Membership::UnknownCodeSystem),
        (r#","parameter":[{"name":"limitedExpansion","valueBoolean":true}]"#, "2", Membership::UnknownCodeSystem),
    ] {
        let t = loaded(&[&stored(more)]);
        assert_eq!(t.member_of("http://example.org/vs", Some("http://snomed.info/sct"), code), expected, "{more} {code}");
    }
}

#[test]
fn what_is_no_terminology_is_refused() {
    let deep = (0..70).fold(r#"{"code":"x"}"#.to_owned(), |inner, i| format!(r#"{{"code":"{i}","concept":[{inner}]}}"#));
    let mut t = Terminology::r4();
    for (resource, expected) in [
        (r#"{"resourceType":"Patient"}"#.to_owned(), "no terminology"),
        (r#"{"resourceType":"CodeSystem","content":"complete"}"#.to_owned(), "CodeSystem has no url"),
        (r#"{"resourceType":"CodeSystem","url":"http://x"}"#.to_owned(), "no content"),
        (r#"{"resourceType":"CodeSystem","url":"http://x","content":"supplement"}"#.to_owned(), "no supplements"),
        (system("1", "complete", "", "a a"), "stands there twice"),
        (system("1", "complete", "", "a a").replace("\"a\"", "\"\""), "empty"),
        (format!(r#"{{"resourceType":"CodeSystem","url":"http://x","content":"complete","concept":[{deep}]}}"#), "deeper"),
        (r#"{"resourceType":"ValueSet"}"#.to_owned(), "ValueSet has no url"),
        (
            r#"{"resourceType":"ConceptMap","url":"http://x","group":[{"element":[{"code":"a","target":[{"equivalence":"near"}]}]}]}"#
                .to_owned(),
            "equivalence",
        ),
    ] {
        let limits = JsonLimits { depth_max: 200, ..JsonLimits::default() };
        let Ok((tree, _)) = parse(resource.as_bytes(), &limits) else { panic!("{resource}") };
        let finding = t.load(tree.root()).unwrap_err();
        assert!(finding.en.contains(expected) && !finding.zh.is_empty(), "{expected}: {}", finding.en);
    }
    assert!(t.system("http://x").is_none() && t.system("http://example.org/s").is_none());
}
