//! Rules on single elements: how many, which type, which value, invariants; folding.

use super::*;
use hutong_fhir::fhirpath::Moment;

#[test]
fn cardinality_is_counted_and_an_extension_stands_for_a_value() {
    let p = profile(
        "Counts",
        "Patient",
        json!([
            { "id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1 },
            { "id": "Patient.name", "path": "Patient.name", "min": 2, "max": "3" },
            { "id": "Patient.photo", "path": "Patient.photo", "max": "0" },
            { "id": "Patient.contact.name", "path": "Patient.contact.name", "min": 1 },
        ]),
    );
    let names = |n: usize| (0..n).map(|_| json!({ "text": "a" })).collect::<Vec<_>>();
    let absent = json!({ "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown" }] });
    table(
        &[p],
        &[
            ("good", patient(json!({ "birthDate": "1990-01-01", "name": names(2) })), &[]),
            ("extension in place of a value", patient(json!({ "_birthDate": absent, "name": names(3) })), &[]),
            ("none", patient(json!({ "active": true })), &["profile.min@Patient", "profile.min@Patient"]),
            ("too few", patient(json!({ "birthDate": "1990", "name": names(1) })), &["profile.min@Patient"]),
            ("too many", patient(json!({ "birthDate": "1990", "name": names(4) })), &["profile.max@Patient"]),
            (
                "not allowed, and missing below",
                patient(json!({ "birthDate": "1990", "name": names(2), "photo": [{ "title": "x" }], "contact": [{ "gender": "male" }] })),
                &["pat-1@Patient.contact[0]", "profile.max@Patient.photo[0]", "profile.min@Patient.contact[0]"],
            ),
        ],
    );
}

#[test]
fn types_of_a_choice_are_narrowed() {
    let p = profile(
        "Types",
        "Observation",
        json!([{ "id": "Observation.value[x]", "path": "Observation.value[x]", "type": [{ "code": "Quantity" }, { "code": "string" }] }]),
    );
    table(
        &[p],
        &[
            ("allowed", observation(json!({ "valueString": "x" })), &[]),
            ("none at all", observation(json!({})), &[]),
            ("another", observation(json!({ "valueBoolean": true })), &["profile.type@Observation.value.ofType(boolean)"]),
        ],
    );
}

#[test]
fn fixed_is_exact_and_pattern_is_a_part() {
    let p = profile(
        "Values",
        "Observation",
        json!([
            { "id": "Observation.code", "path": "Observation.code",
              "patternCodeableConcept": { "coding": [{ "system": "http://loinc.org", "code": "1-8" }] } },
            { "id": "Observation.method", "path": "Observation.method",
              "fixedCodeableConcept": { "coding": [{ "system": "http://x.test", "code": "a" }, { "system": "http://x.test", "code": "b" }] } },
            { "id": "Observation.value[x]", "path": "Observation.value[x]", "type": [{ "code": "Quantity" }] },
            { "id": "Observation.value[x].value", "path": "Observation.value[x].value", "fixedDecimal": 1.50 },
        ]),
    );
    let code = json!({ "coding": [{ "system": "http://other.test", "code": "x" }, { "system": "http://loinc.org", "code": "1-8", "display": "y" }] });
    let a = json!({ "system": "http://x.test", "code": "a" });
    let b = json!({ "system": "http://x.test", "code": "b" });
    table(
        &[p],
        &[
            ("pattern among others, fixed as it is", observation(json!({ "code": code, "method": { "coding": [a, b] } })), &[]),
            ("decimals by value", observation(json!({ "code": code, "valueQuantity": { "value": 1.5 } })), &[]),
            (
                "another decimal",
                observation(json!({ "code": code, "valueQuantity": { "value": 1.51 } })),
                &["profile.fixed@Observation.value.ofType(Quantity).value"],
            ),
            ("pattern not met", observation(json!({})), &["profile.fixed@Observation.code"]),
            (
                "order of a fixed list",
                observation(json!({ "code": code, "method": { "coding": [b, a] } })),
                &["profile.fixed@Observation.method"],
            ),
            (
                "more than the fixed value",
                observation(json!({ "code": code, "method": { "coding": [a, b], "text": "x" } })),
                &["profile.fixed@Observation.method"],
            ),
        ],
    );
}

#[test]
fn limits_of_values_hold_across_zones_and_units() {
    let p = profile(
        "Limits",
        "Observation",
        json!([
            { "id": "Observation.effective[x]", "path": "Observation.effective[x]", "type": [{ "code": "dateTime" }],
              "minValueDateTime": "2026-01-01T00:00:00+08:00" },
            { "id": "Observation.value[x]", "path": "Observation.value[x]", "type": [{ "code": "Quantity" }],
              "maxValueQuantity": { "value": 10, "system": "http://unitsofmeasure.org", "code": "kg" } },
            { "id": "Observation.note.text", "path": "Observation.note.text", "maxLength": 3 },
        ]),
    );
    let weight = |value: Value, code: &str| json!({ "valueQuantity": { "value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code } });
    table(
        &[p],
        &[
            ("equal in another zone", observation(json!({ "effectiveDateTime": "2025-12-31T16:00:00Z" })), &[]),
            (
                "earlier",
                observation(json!({ "effectiveDateTime": "2025-12-31T15:59:59Z" })),
                &["profile.range@Observation.effective.ofType(dateTime)"],
            ),
            ("same unit", observation(weight(json!(10.0), "kg")), &[]),
            ("smaller unit, less", observation(weight(json!(9999), "g")), &[]),
            ("smaller unit, more", observation(weight(json!(10001), "g")), &["profile.range@Observation.value.ofType(Quantity)"]),
            ("no such measure", observation(weight(json!(1), "s")), &["profile.range@Observation.value.ofType(Quantity)"]),
            ("characters, not bytes", observation(json!({ "note": [{ "text": "三个字" }] })), &[]),
            ("one too many", observation(json!({ "note": [{ "text": "四个字了" }] })), &["profile.too_long@Observation.note[0].text"]),
        ],
    );
}

#[test]
fn invariants_see_the_resource_and_its_container() {
    let constraint = |key: &str, severity: &str, expression: &str| json!([{ "key": key, "severity": severity, "human": "中文 · English", "expression": expression }]);
    let p = profile(
        "Invariants",
        "Patient",
        json!([
            { "id": "Patient", "path": "Patient", "constraint": constraint("t-1", "error", "name.exists() implies birthDate.exists()") },
            { "id": "Patient.contact", "path": "Patient.contact", "constraint": constraint("t-2", "warning", "%resource.gender.exists() and gender.exists()") },
        ]),
    );
    let contact = json!([{ "name": { "text": "x" }, "gender": "male" }]);
    table(
        std::slice::from_ref(&p),
        &[
            ("good", patient(json!({ "name": [{ "text": "x" }], "birthDate": "1990" })), &[]),
            ("broken", patient(json!({ "name": [{ "text": "x" }] })), &["invariant.t-1@Patient"]),
            ("%resource", patient(json!({ "gender": "male", "contact": contact })), &[]),
            ("%resource without it", patient(json!({ "contact": contact })), &["invariant.t-2@Patient.contact[0]"]),
        ],
    );
    let found = inspect(
        knowing(&[p]),
        &json!({ "resourceType": "Patient", "meta": { "profile": [format!("{BASE}/Invariants")] }, "name": [{ "text": "x" }] }),
        &Demands::default(),
    );
    assert!(found[0].finding.zh.contains("中文") && !found[0].finding.zh.contains("English"), "{}", found[0].finding.zh);
    assert!(found[0].finding.en.contains("English") && found[0].finding.en.contains(BASE), "{}", found[0].finding.en);
}

#[test]
fn the_same_complaint_about_many_repeats_is_one_finding() {
    let p = profile("Fold", "Patient", json!([{ "id": "Patient.name.family", "path": "Patient.name.family", "min": 1 }]));
    let names: Vec<Value> = (0..40).map(|i| json!({ "text": format!("n{i}") })).collect();
    let resource = patient(json!({ "meta": { "profile": [format!("{BASE}/Fold")] }, "name": names }));
    let found = inspect(knowing(&[p]), &resource, &Demands::default());
    assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), [("fhir.profile.min".to_owned(), "Patient.name[0]".to_owned())]);
    assert!(found[0].finding.en.ends_with("the same in 39 more places"), "{}", found[0].finding.en);
}

#[test]
fn what_one_profile_said_its_derived_profile_does_not_say_again() {
    let base = profile("Base", "Patient", json!([{ "id": "Patient.name", "path": "Patient.name", "min": 1 }]));
    let mut derived = profile("Derived", "Patient", json!([{ "id": "Patient.gender", "path": "Patient.gender", "min": 1 }]));
    derived["baseDefinition"] = base["url"].clone();
    let resource = patient(json!({ "active": true, "meta": { "profile": [derived["url"], base["url"]] } }));
    let found = inspect(knowing(&[derived, base]), &resource, &Demands::default());
    assert_eq!(found.iter().map(|l| &*l.finding.rule).collect::<Vec<_>>(), ["fhir.profile.min", "fhir.profile.min"]);
}

#[test]
fn a_missing_element_and_the_invariant_that_demands_it_are_one_finding() {
    let p = profile(
        "Twice",
        "Patient",
        json!([
            { "id": "Patient", "path": "Patient", "constraint": [{ "key": "t-1", "severity": "error", "human": "x", "expression": "birthDate.exists()" }] },
            { "id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1 },
        ]),
    );
    table(&[p], &[("missing", patient(json!({ "active": true })), &["profile.min@Patient"])]);
}

#[test]
fn profiles_are_declared_imposed_and_not_known() {
    let p = profile("Asked", "Patient", json!([{ "id": "Patient.name", "path": "Patient.name", "min": 1 }]));
    let url = p["url"].as_str().unwrap().to_owned();
    let imposed = [format!("{url}|1")];
    let demands = Demands { profiles: &imposed, ..Demands::default() };
    let rules = |resource: &Value, demands: &Demands<'_>| -> Vec<(Severity, String)> {
        let found = inspect(knowing(std::slice::from_ref(&p)), resource, demands);
        found.iter().map(|l| (l.finding.severity, format!("{}@{}", l.finding.rule, shown(l).1))).collect()
    };
    let bare = patient(json!({ "active": true }));
    assert_eq!(rules(&bare, &Demands::default()), []);
    assert_eq!(rules(&bare, &demands), [(Severity::Error, "fhir.profile.min@Patient".to_owned())]);
    let with_id = |resource: &Value| {
        let mut resource = resource.clone();
        resource["id"] = json!("1");
        resource
    };
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "fullUrl": "http://x.test/Patient/1", "resource": with_id(&bare) },
        { "fullUrl": "http://x.test/Basic/1", "resource": { "resourceType": "Basic", "id": "1", "code": { "text": "x" } } } ] });
    assert_eq!(rules(&bundle, &demands), [(Severity::Error, "fhir.profile.min@Bundle.entry[0].resource".to_owned())]);
    let basic = json!({ "resourceType": "Basic", "code": { "text": "x" } });
    assert_eq!(rules(&basic, &demands), [(Severity::Error, "fhir.profile.wrong_type@Basic".to_owned())]);
    let unknown = patient(json!({ "active": true, "meta": { "profile": ["http://nowhere.test/x"] } }));
    let at = "fhir.profile.unknown@Patient.meta.profile[0]".to_owned();
    assert_eq!(rules(&unknown, &Demands::default()), [(Severity::Warning, at.clone())]);
    assert_eq!(rules(&unknown, &Demands { unknown_profiles: Severity::Error, ..Demands::default() }), [(Severity::Error, at)]);
    let itself = patient(json!({ "active": true, "meta": { "profile": ["http://hl7.org/fhir/StructureDefinition/Patient"] } }));
    assert_eq!(rules(&itself, &Demands::default()), []);
}

#[test]
fn best_practice_is_asked_for_where_it_is_wanted() {
    let demands = Demands { best_practice: true, ..Demands::default() };
    let bare = patient(
        json!({ "active": true, "contained": [{ "resourceType": "Patient", "id": "p", "active": true }], "link": [{ "type": "refer", "other": { "reference": "#p" } }] }),
    );
    let found = inspect(Knowledge::r4(), &bare, &demands);
    assert_eq!(
        found.iter().map(|l| (l.finding.severity, shown(l))).collect::<Vec<_>>(),
        [(Severity::Warning, ("fhir.dom-6".into(), "Patient".into()))]
    );
    assert!(inspect(Knowledge::r4(), &bare, &Demands::default()).is_empty());
}

#[test]
fn invariants_know_the_time_where_the_caller_does() {
    let constraint = json!([{ "key": "t-1", "severity": "error", "human": "x", "expression": "birthDate <= today()" }]);
    let p = profile("Time", "Patient", json!([{ "id": "Patient", "path": "Patient", "constraint": constraint }]));
    let of = |date: &str| patient(json!({ "birthDate": date, "meta": { "profile": [p["url"]] } }));
    let rules = |date: &str, now: Option<Moment>| -> Vec<String> {
        let found = inspect(knowing(std::slice::from_ref(&p)), &of(date), &Demands { now, ..Demands::default() });
        found.iter().map(|l| l.finding.rule.to_string()).collect()
    };
    let now = Moment::date_time("2026-03-01T08:00:00+08:00");
    assert_eq!(rules("1990-01-01", now), [""; 0]);
    assert_eq!(rules("2990-01-01", now), ["fhir.invariant.t-1"]);
    assert_eq!(rules("1990-01-01", None), ["fhir.invariant.not_evaluated"]);
}
