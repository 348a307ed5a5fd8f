//! The examples of the community's profiles, `profiles/community/examples/PROFILE.json`: whole resources, and others
//! `of` one of them with a `change` (JSON pointer → value; null takes away, `/-` adds to the list). What has no `expect` is
//! valid; the others give exactly these errors, `rule@FHIRPath`.

use super::*;
use crate::community::{BASE, FILES};
use serde_json::Value;

#[test]
fn every_example_is_judged_as_it_says() {
    let (knowledge, refused) = Knowledge::community();
    assert!(refused.is_empty());
    let validator = Validator::with(Arc::new(knowledge));
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for (path, file) in files() {
        let examples = file["examples"].as_array().unwrap();
        for example in examples {
            judged += 1;
            let text = resource(examples, example).to_string();
            let expect: Vec<&str> = example["expect"].as_array().into_iter().flatten().map(|e| e.as_str().unwrap()).collect();
            let found = errors(&validator, &text);
            if found != expect {
                wrong.push(format!("{path} {}\n    found  {found:?}\n    expect {expect:?}", example["name"]));
            }
        }
    }
    assert!(judged >= 200, "{judged}");
    assert!(wrong.is_empty(), "{} of {judged}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_profile_has_three_valid_and_five_invalid_examples() {
    for (path, _) in FILES.iter().filter(|(path, _)| path.starts_with("community/profiles/")) {
        let name = path.rsplit('/').next().unwrap().strip_suffix(".json").unwrap();
        let (_, file) = files()
            .find(|(_, f)| f["profile"] == format!("{BASE}/StructureDefinition/{name}"))
            .unwrap_or_else(|| panic!("{name} has no examples"));
        let (invalid, valid): (Vec<&Value>, Vec<&Value>) =
            file["examples"].as_array().unwrap().iter().partition(|e| e.get("expect").is_some());
        assert!(valid.len() >= 3 && invalid.len() >= 5, "{name}: {} valid, {} invalid", valid.len(), invalid.len());
        assert!(invalid.iter().all(|e| !e["expect"].as_array().unwrap().is_empty()), "{name}: an invalid example expects nothing");
    }
}

#[test]
fn a_name_of_hl7_china_means_ours() {
    let validator = Validator::with(Arc::new(Knowledge::community().0));
    for (canonical, expect) in [
        ("http://hl7.org.cn/fhir/StructureDefinition/core-patient", &["fhir.profile.min@Patient", "fhir.profile.min@Patient"][..]),
        (
            "http://hl7.org.cn/fhir/connectathon/StructureDefinition/core-patient|2025.3.12",
            &["fhir.profile.min@Patient", "fhir.profile.min@Patient"],
        ),
        ("http://hl7.org.cn/fhir/StructureDefinition/core-practitioner", &["fhir.profile.wrong_type@Patient"]),
    ] {
        let text = format!(r#"{{"resourceType":"Patient","meta":{{"profile":["{canonical}"]}},"gender":"male"}}"#);
        assert_eq!(errors(&validator, &text), expect, "{canonical}");
    }
}

fn files() -> impl Iterator<Item = (&'static str, Value)> {
    let examples = FILES.iter().filter(|(path, _)| path.starts_with("community/examples/"));
    examples.map(|(path, text)| (*path, serde_json::from_str(text).unwrap_or_else(|e| panic!("{path}: {e}"))))
}

/// `rule@FHIRPath` of every error, sorted.
fn errors(validator: &Validator, text: &str) -> Vec<String> {
    let (tree, issues) = parse(text);
    let findings = validator.validate_with_issues(&tree, &issues, text.as_bytes());
    let errors = findings.iter().filter(|f| f.severity == Severity::Error);
    let mut found: Vec<String> = errors.map(|f| format!("{}@{}", f.rule, expression(f))).collect();
    found.sort();
    found
}

/// The resource of an example.
fn resource(all: &[Value], example: &Value) -> Value {
    if let Some(whole) = example.get("resource") {
        return whole.clone();
    }
    let of = all.iter().find(|e| e["name"] == example["of"]).unwrap_or_else(|| panic!("{} is of none", example["name"]));
    let mut resource = resource(all, of);
    // removals from one list go from its end
    for (pointer, value) in example["change"].as_object().unwrap().iter().rev() {
        change(&mut resource, pointer, value);
    }
    resource
}

fn change(resource: &mut Value, pointer: &str, value: &Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    if key == "-" && resource.pointer(parent).is_none() {
        return change(resource, parent, &Value::Array(vec![value.clone()]));
    }
    match resource.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")) {
        Value::Array(list) if key == "-" => list.push(value.clone()),
        Value::Array(list) => match (key.parse::<usize>().unwrap(), value) {
            (at, Value::Null) => drop(list.remove(at)),
            (at, _) => list[at] = value.clone(),
        },
        Value::Object(object) if value.is_null() => drop(object.remove(key)),
        Value::Object(object) => drop(object.insert(key.to_owned(), value.clone())),
        other => panic!("{pointer} is inside {other}"),
    }
    // a list that lost its last item is gone
    if resource.pointer(parent).is_some_and(|v| v.as_array().is_some_and(Vec::is_empty)) {
        change(resource, parent, &Value::Null);
    }
}
