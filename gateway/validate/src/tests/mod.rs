//! The rules on resources of our own: `cases.ndjson` holds one case a line, `{name, expect: [[rule, expression]…],
//! resource}`. A case is met when exactly these errors are found, so that no rule speaks where another one does.

use super::*;
use hutong_fhir::Key;
use hutong_fhir::json::{self, JsonLimits};

mod examples;
mod extensions;
mod limits;
mod national;
mod national_operations;
mod questionnaire;

fn validator() -> Validator {
    Validator::new(Definitions::r4())
}

fn parse(text: &str) -> (Tree, Vec<JsonIssue>) {
    json::parse(text.as_bytes(), &JsonLimits::default()).unwrap_or_else(|e| panic!("{e:?}"))
}

fn expression(finding: &Finding) -> &str {
    match &finding.location {
        Location::Path { expression, .. } => expression,
        _ => "",
    }
}

#[test]
fn every_case_gives_its_errors_and_no_others() {
    let validator = validator();
    let mut wrong = Vec::new();
    for line in include_str!("cases.ndjson").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = case["resource"].to_string();
        let (tree, issues) = parse(&text);
        let findings = validator.validate_with_issues(&tree, &issues, text.as_bytes());
        let errors = findings.iter().filter(|f| f.severity == Severity::Error);
        let mut found: Vec<(String, String)> = errors.map(|f| (f.rule.to_string(), expression(f).to_owned())).collect();
        let expect = case["expect"].as_array().unwrap().iter();
        let mut expect: Vec<(String, String)> =
            expect.map(|e| (e[0].as_str().unwrap().to_owned(), e[1].as_str().unwrap().to_owned())).collect();
        found.sort();
        expect.sort();
        if found != expect {
            wrong.push(format!("{}: expected {expect:?}, found {found:?}", case["name"]));
        }
        for f in &findings {
            assert!(!f.zh.is_empty() && !f.en.is_empty(), "{}: {} speaks both languages", case["name"], f.rule);
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn findings_have_line_and_column() {
    let text = "{\n  \"resourceType\": \"Patient\",\n  \"name\": [{\"text\": \"张三\", \"familly\": \"x\"}],\n  \"gender\": \"M\"\n}";
    let (tree, issues) = parse(text);
    let findings = validator().validate_with_issues(&tree, &issues, text.as_bytes());
    let places: Vec<(u32, u32)> = findings
        .iter()
        .map(|f| match f.location {
            Location::Path { line, column, .. } => (line, column),
            _ => (0, 0),
        })
        .collect();
    assert_eq!(places, [(3, 38), (4, 13)]);
}

#[test]
fn texts_help_and_hold_no_value() {
    let (tree, _) = parse(r#"{"resourceType":"Patient","gender":"男","pateint":1,"birthDate":"张三","管理":1}"#);
    let findings = validator().validate(&tree);
    assert_eq!(findings.len(), 4);
    for f in &findings {
        assert!(!f.zh.contains('男') && !f.en.contains("张三") && !f.zh.contains("张三") && !f.zh.contains("管理"), "{}", f.zh);
        assert!(!expression(f).contains("管理"));
    }
    let gender = findings.iter().find(|f| f.rule == "fhir.code.required").unwrap();
    assert!(gender.zh.contains("female | male | other | unknown"), "{}", gender.zh);
    assert_eq!(gender.value.as_deref(), Some("男"));
    assert_eq!((gender.issue, gender.hl7_code), ("code-invalid", 103));
}

#[test]
fn a_near_name_is_suggested() {
    let (tree, _) = parse(r#"{"resourceType":"Patient","birthdate":"1990-01-01"}"#);
    let findings = validator().validate(&tree);
    assert!(findings[0].en.contains("is birthDate meant?"), "{}", findings[0].en);
    let (tree, _) = parse(r#"{"resourceType":"Observtion"}"#);
    assert!(validator().validate(&tree)[0].en.contains("'Observation' meant"));
}

#[test]
fn blank_texts_and_control_characters_are_warnings() {
    for (text, rule) in [
        (r#"{"resourceType":"Patient","name":[{"text":"  "}]}"#, "fhir.blank"),
        ("{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"a\\u0001\"}]}", "fhir.control_character"),
    ] {
        let (tree, _) = parse(text);
        let findings = validator().validate(&tree);
        assert_eq!(findings.iter().map(|f| (f.severity, f.rule.as_ref())).collect::<Vec<_>>(), [(Severity::Warning, rule)]);
        assert!(validator().is_valid(&tree));
    }
}

#[test]
fn trees_that_were_built_keep_their_origin() {
    let mut tree = Tree::resource("Patient");
    let node = tree.add_value(0, Key::of("gender"), hutong_fhir::Kind::String, "M", false);
    tree.set_origin(node, 42);
    let found = validator().inspect(&tree);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].node, found[0].origin), (node, 42));
}
