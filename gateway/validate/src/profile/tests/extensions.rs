//! Extensions: definitions, contexts, modifiers, parts, slices by url.

use super::*;

fn at(kind: &str, expression: &str) -> Value {
    json!([{ "type": kind, "expression": expression }])
}

fn flag(context: Value) -> Value {
    extension(
        "flag",
        context,
        json!([
            { "id": "Extension.url", "path": "Extension.url", "fixedUri": format!("{BASE}/flag") },
            { "id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{ "code": "boolean" }] },
        ]),
    )
}

fn with_flag(more: Value) -> Value {
    let mut out = patient(more);
    out["extension"] = json!([{ "url": format!("{BASE}/flag"), "valueBoolean": true }]);
    out
}

#[test]
fn the_definition_judges_value_and_context() {
    let on_contact =
        json!({ "contact": [{ "name": { "text": "x" }, "extension": [{ "url": format!("{BASE}/flag"), "valueBoolean": true }] }] });
    for (context, resource, expected) in [
        (at("element", "Patient"), with_flag(json!({})), &[][..]),
        (at("element", "DomainResource"), with_flag(json!({})), &[]),
        (at("element", "Element"), patient(on_contact.clone()), &[]),
        (at("element", "BackboneElement"), patient(on_contact.clone()), &[]),
        (at("element", "Patient.contact"), patient(on_contact.clone()), &[]),
        (at("element", "Patient.name"), patient(on_contact.clone()), &["extension.context@Patient.contact[0].extension[0]"]),
        (at("element", "Observation"), with_flag(json!({})), &["extension.context@Patient.extension[0]"]),
        (at("fhirpath", "Patient.contact.where(name.exists())"), patient(on_contact.clone()), &[]),
        (
            at("fhirpath", "Patient.contact.where(gender.exists())"),
            patient(on_contact),
            &["extension.context@Patient.contact[0].extension[0]"],
        ),
        (
            at("element", "Patient"),
            patient(json!({ "extension": [{ "url": format!("{BASE}/flag"), "valueString": "x" }] })),
            &["profile.type@Patient.extension[0].value.ofType(string)"],
        ),
        (
            at("element", "Patient"),
            patient(json!({ "modifierExtension": [{ "url": format!("{BASE}/flag"), "valueBoolean": true }] })),
            &["extension.modifier@Patient.modifierExtension[0]"],
        ),
    ] {
        table(&[flag(context.clone())], &[(&context.to_string(), resource, expected)]);
    }
}

#[test]
fn a_condition_of_the_context_must_hold() {
    let mut definition = flag(at("element", "Patient"));
    definition["contextInvariant"] = json!(["active = true"]);
    table(
        &[definition],
        &[
            ("holds", with_flag(json!({ "active": true })), &[]),
            ("does not", with_flag(json!({ "active": false })), &["extension.context@Patient.extension[0]"]),
        ],
    );
}

#[test]
fn parts_are_those_of_the_definition() {
    let part = |name: &str, min: u32| {
        [
            json!({ "id": format!("Extension.extension:{name}"), "path": "Extension.extension", "sliceName": name, "min": min, "max": "1" }),
            json!({ "id": format!("Extension.extension:{name}.url"), "path": "Extension.extension.url", "fixedUri": name }),
            json!({ "id": format!("Extension.extension:{name}.value[x]"), "path": "Extension.extension.value[x]", "min": 1, "type": [{ "code": "string" }] }),
        ]
    };
    let mut elements = vec![json!({ "id": "Extension.extension", "path": "Extension.extension", "min": 1 })];
    elements.extend(part("a", 1));
    elements.extend(part("b", 0));
    elements.push(json!({ "id": "Extension.url", "path": "Extension.url", "fixedUri": format!("{BASE}/parts") }));
    elements.push(json!({ "id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0" }));
    let definition = extension("parts", at("element", "Patient"), json!(elements));
    let of = |parts: Value| patient(json!({ "extension": [{ "url": format!("{BASE}/parts"), "extension": parts }] }));
    table(
        &[definition],
        &[
            ("good", of(json!([{ "url": "a", "valueString": "x" }])), &[]),
            ("missing part", of(json!([{ "url": "b", "valueString": "x" }])), &["profile.slice.min@Patient.extension[0]"]),
            (
                "unknown part",
                of(json!([{ "url": "a", "valueString": "x" }, { "url": "c", "valueString": "x" }])),
                &["extension.part@Patient.extension[0].extension[1]"],
            ),
            (
                "type of a part",
                of(json!([{ "url": "a", "valueInteger": 1 }])),
                &["profile.type@Patient.extension[0].extension[0].value.ofType(integer)"],
            ),
        ],
    );
}

#[test]
fn a_profile_asks_for_an_extension() {
    let p = profile(
        "Asks",
        "Patient",
        json!([
            { "id": "Patient.extension:flag", "path": "Patient.extension", "sliceName": "flag", "min": 1, "max": "1",
              "type": [{ "code": "Extension", "profile": [format!("{BASE}/flag")] }] },
        ]),
    );
    let definitions = [p, flag(at("element", "Patient"))];
    table(
        &definitions,
        &[
            ("there", with_flag(json!({})), &[]),
            ("missing", patient(json!({ "active": true })), &["profile.slice.min@Patient"]),
            (
                "twice",
                patient(json!({ "extension": [
                { "url": format!("{BASE}/flag"), "valueBoolean": true }, { "url": format!("{BASE}/flag"), "valueBoolean": true } ] })),
                &["profile.slice.max@Patient.extension[1]"],
            ),
        ],
    );
}

#[test]
fn unknown_extensions_are_told_as_strictly_as_asked() {
    let resource = json!({ "resourceType": "Patient",
        "extension": [{ "url": "http://nowhere.test/a", "valueBoolean": true }, { "url": "http://nowhere.test/a", "valueBoolean": true }],
        "modifierExtension": [{ "url": "http://nowhere.test/b", "valueBoolean": true }] });
    let severities = |demands: &Demands<'_>| -> Vec<(Severity, String)> {
        inspect(Knowledge::r4(), &resource, demands).iter().map(|l| (l.finding.severity, l.finding.rule.to_string())).collect()
    };
    let (a, b) = ("fhir.extension.unknown".to_owned(), "fhir.extension.unknown_modifier".to_owned());
    assert_eq!(severities(&Demands::default()), [(Severity::Information, a.clone()), (Severity::Warning, b.clone())]);
    let strict = Demands { unknown_extensions: Some(Severity::Error), unknown_modifiers: Severity::Error, ..Demands::default() };
    assert_eq!(severities(&strict), [(Severity::Error, a), (Severity::Error, b.clone())]);
    let domains = ["nowhere.test/a".to_owned()];
    assert_eq!(severities(&Demands { known_domains: &domains, ..Demands::default() }), [(Severity::Warning, b)]);
}
