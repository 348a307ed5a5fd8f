//! Slicing: every kind of discriminator, order, openness, slices of slices.

use super::*;

fn slicing(discriminators: Value, rules: &str, ordered: bool) -> Value {
    json!({ "discriminator": discriminators, "rules": rules, "ordered": ordered })
}

fn value(path: &str) -> Value {
    json!([{ "type": "value", "path": path }])
}

#[test]
fn by_value_with_counts_and_rules_below() {
    let p = profile(
        "ByValue",
        "Patient",
        json!([
            { "id": "Patient.identifier", "path": "Patient.identifier", "slicing": slicing(value("system"), "closed", false) },
            { "id": "Patient.identifier:card", "path": "Patient.identifier", "sliceName": "card", "min": 1, "max": "1" },
            { "id": "Patient.identifier:card.system", "path": "Patient.identifier.system", "min": 1, "fixedUri": "urn:card" },
            { "id": "Patient.identifier:card.value", "path": "Patient.identifier.value", "min": 1 },
            { "id": "Patient.identifier:other", "path": "Patient.identifier", "sliceName": "other", "min": 0, "max": "*" },
            { "id": "Patient.identifier:other.system", "path": "Patient.identifier.system", "min": 1, "fixedUri": "urn:other" },
        ]),
    );
    let card = json!({ "system": "urn:card", "value": "1" });
    table(
        std::slice::from_ref(&p),
        &[
            ("good", patient(json!({ "identifier": [card, { "system": "urn:other" }] })), &[]),
            ("missing slice", patient(json!({ "identifier": [{ "system": "urn:other" }] })), &["profile.slice.min@Patient"]),
            ("too many", patient(json!({ "identifier": [card, card] })), &["profile.slice.max@Patient.identifier[1]"]),
            ("below a slice", patient(json!({ "identifier": [{ "system": "urn:card" }] })), &["profile.min@Patient.identifier[0]"]),
            (
                "a stranger",
                patient(json!({ "identifier": [card, { "system": "urn:x" }] })),
                &["profile.slice.closed@Patient.identifier[1]"],
            ),
        ],
    );
    let resource = patient(json!({ "meta": { "profile": [p["url"]] }, "identifier": [card, { "system": "urn:x", "value": "2" }] }));
    let found = inspect(knowing(&[p]), &resource, &Demands::default());
    let text = &found[0].finding.en;
    assert!(text.contains("card | other") && text.contains("did not match slice") && text.contains("system = urn:"), "{text}");
}

#[test]
fn by_pattern_of_an_element_above_the_path() {
    let p = profile(
        "ByPattern",
        "Observation",
        json!([
            { "id": "Observation.component", "path": "Observation.component",
              "slicing": slicing(json!([{ "type": "value", "path": "code.coding.code" }, { "type": "pattern", "path": "code" }]), "open", false) },
            { "id": "Observation.component:a", "path": "Observation.component", "sliceName": "a", "min": 1 },
            { "id": "Observation.component:a.code", "path": "Observation.component.code",
              "patternCodeableConcept": { "coding": [{ "system": "http://x.test", "code": "a" }] } },
            { "id": "Observation.component:a.value[x]", "path": "Observation.component.value[x]", "min": 1, "type": [{ "code": "string" }] },
        ]),
    );
    let of = |code: &str, more: Value| {
        let mut out = json!({ "code": { "coding": [{ "system": "http://x.test", "code": code }] } });
        more.as_object().unwrap().iter().for_each(|(k, v)| out[k] = v.clone());
        out
    };
    table(
        &[p],
        &[
            ("good", observation(json!({ "component": [of("b", json!({})), of("a", json!({ "valueString": "x" }))] })), &[]),
            ("not there", observation(json!({ "component": [of("b", json!({}))] })), &["profile.slice.min@Observation"]),
            (
                "wrong type in the slice",
                observation(json!({ "component": [of("a", json!({ "valueInteger": 1 }))] })),
                &["profile.type@Observation.component[0].value.ofType(integer)"],
            ),
        ],
    );
}

#[test]
fn by_type_exists_and_binding() {
    let by_type = profile(
        "ByType",
        "Observation",
        json!([
            { "id": "Observation.value[x]", "path": "Observation.value[x]", "slicing": slicing(json!([{ "type": "type", "path": "$this" }]), "closed", false) },
            { "id": "Observation.value[x]:valueQuantity", "path": "Observation.value[x]", "sliceName": "valueQuantity", "type": [{ "code": "Quantity" }] },
            { "id": "Observation.value[x]:valueQuantity.unit", "path": "Observation.value[x].unit", "min": 1 },
        ]),
    );
    table(
        &[by_type],
        &[
            ("good", observation(json!({ "valueQuantity": { "value": 1, "unit": "x" } })), &[]),
            ("below", observation(json!({ "valueQuantity": { "value": 1 } })), &["profile.min@Observation.value.ofType(Quantity)"]),
            ("another type", observation(json!({ "valueString": "x" })), &["profile.slice.closed@Observation.value.ofType(string)"]),
        ],
    );
    let by_exists = profile(
        "ByExists",
        "Patient",
        json!([
            { "id": "Patient.telecom", "path": "Patient.telecom", "slicing": slicing(json!([{ "type": "exists", "path": "period" }]), "open", false) },
            { "id": "Patient.telecom:old", "path": "Patient.telecom", "sliceName": "old", "max": "1" },
            { "id": "Patient.telecom:old.period", "path": "Patient.telecom.period", "min": 1 },
            { "id": "Patient.telecom:now", "path": "Patient.telecom", "sliceName": "now", "min": 1 },
            { "id": "Patient.telecom:now.period", "path": "Patient.telecom.period", "max": "0" },
        ]),
    );
    let old = json!({ "system": "phone", "value": "1", "period": { "start": "2020" } });
    let now = json!({ "system": "phone", "value": "1" });
    table(
        &[by_exists],
        &[
            ("good", patient(json!({ "telecom": [old, now] })), &[]),
            (
                "none of now, two of old",
                patient(json!({ "telecom": [old, old] })),
                &["profile.slice.max@Patient.telecom[1]", "profile.slice.min@Patient"],
            ),
        ],
    );
    let set = json!({ "resourceType": "ValueSet", "url": "http://example.test/ValueSet/card", "status": "active",
        "compose": { "include": [{ "system": "http://example.test/kinds", "concept": [{ "code": "card" }] }] } });
    let by_set = profile(
        "BySet",
        "Patient",
        json!([
            { "id": "Patient.identifier", "path": "Patient.identifier", "slicing": slicing(value("type"), "open", false) },
            { "id": "Patient.identifier:card", "path": "Patient.identifier", "sliceName": "card", "max": "1" },
            { "id": "Patient.identifier:card.type", "path": "Patient.identifier.type", "min": 1,
              "binding": { "strength": "required", "valueSet": "http://example.test/ValueSet/card" } },
        ]),
    );
    let coding = json!([{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }, { "system": "http://example.test/kinds", "code": "card" }]);
    let card = json!({ "value": "1", "type": { "coding": coding } });
    table(
        &[by_set, set],
        &[
            ("others are free", patient(json!({ "identifier": [card, { "value": "2" }, { "value": "3" }] })), &[]),
            ("two of the slice", patient(json!({ "identifier": [card, card] })), &["profile.slice.max@Patient.identifier[1]"]),
        ],
    );
}

#[test]
fn by_profile_and_through_resolve() {
    let named = profile("Named", "Patient", json!([{ "id": "Patient.name", "path": "Patient.name", "min": 1 }]));
    let by_profile = profile(
        "ByProfile",
        "List",
        json!([
            { "id": "List.entry", "path": "List.entry", "slicing": slicing(json!([{ "type": "profile", "path": "item.resolve()" }]), "open", false) },
            { "id": "List.entry:named", "path": "List.entry", "sliceName": "named", "min": 1, "max": "1" },
            { "id": "List.entry:named.item", "path": "List.entry.item",
              "type": [{ "code": "Reference", "targetProfile": [named["url"]] }] },
        ]),
    );
    let by_type = profile(
        "ByTargetType",
        "List",
        json!([
            { "id": "List.entry", "path": "List.entry", "slicing": slicing(json!([{ "type": "type", "path": "item.resolve()" }]), "open", false) },
            { "id": "List.entry:patient", "path": "List.entry", "sliceName": "patient", "min": 1 },
            { "id": "List.entry:patient.item", "path": "List.entry.item",
              "type": [{ "code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Patient"] }] },
        ]),
    );
    let list = |name: &str| {
        json!({ "resourceType": "List", "status": "current", "mode": "working",
            "contained": [{ "resourceType": "Patient", "id": "p", "name": [{ name: "x" }] }, { "resourceType": "Patient", "id": "q", "active": true }],
            "entry": [{ "item": { "reference": "#q" } }, { "item": { "reference": "#p" } }] })
    };
    table(&[by_profile, named], &[("one has a name", list("text"), &[])]);
    table(&[by_type], &[("patients", list("text"), &[])]);
}

#[test]
fn order_place_and_slices_of_slices() {
    let p = |rules: &str, ordered: bool| {
        profile(
            "Order",
            "Patient",
            json!([
                { "id": "Patient.identifier", "path": "Patient.identifier", "slicing": slicing(value("system"), rules, ordered) },
                { "id": "Patient.identifier:a", "path": "Patient.identifier", "sliceName": "a" },
                { "id": "Patient.identifier:a.system", "path": "Patient.identifier.system", "fixedUri": "urn:a" },
                { "id": "Patient.identifier:b", "path": "Patient.identifier", "sliceName": "b" },
                { "id": "Patient.identifier:b.system", "path": "Patient.identifier.system", "fixedUri": "urn:b" },
            ]),
        )
    };
    let of = |systems: &[&str]| {
        patient(json!({ "identifier": systems.iter().map(|s| json!({ "system": s, "value": "1" })).collect::<Vec<_>>() }))
    };
    table(
        &[p("open", true)],
        &[
            ("in order", of(&["urn:a", "urn:x", "urn:a", "urn:b"]), &[]),
            ("out of order", of(&["urn:b", "urn:a"]), &["profile.slice.order@Patient.identifier[1]"]),
        ],
    );
    table(
        &[p("openAtEnd", false)],
        &[
            ("at the end", of(&["urn:b", "urn:a", "urn:x"]), &[]),
            ("in between", of(&["urn:b", "urn:x", "urn:a"]), &["profile.slice.order@Patient.identifier[2]"]),
        ],
    );
    let re = profile(
        "Again",
        "Patient",
        json!([
            { "id": "Patient.identifier", "path": "Patient.identifier", "slicing": slicing(value("system"), "open", false) },
            { "id": "Patient.identifier:a", "path": "Patient.identifier", "sliceName": "a", "slicing": slicing(value("use"), "closed", false) },
            { "id": "Patient.identifier:a.system", "path": "Patient.identifier.system", "fixedUri": "urn:a" },
            { "id": "Patient.identifier:a/old", "path": "Patient.identifier", "sliceName": "a/old", "max": "1" },
            { "id": "Patient.identifier:a/old.use", "path": "Patient.identifier.use", "min": 1, "fixedCode": "old" },
        ]),
    );
    let old = json!({ "system": "urn:a", "use": "old", "value": "1" });
    table(
        &[re],
        &[
            ("one", patient(json!({ "identifier": [old, { "system": "urn:b", "value": "1" }] })), &[]),
            (
                "two, and one of another use",
                patient(json!({ "identifier": [old, old, { "system": "urn:a", "use": "usual", "value": "1" }] })),
                &["profile.slice.closed@Patient.identifier[2]", "profile.slice.max@Patient.identifier[1]"],
            ),
        ],
    );
    let default = profile(
        "Default",
        "Patient",
        json!([
            { "id": "Patient.identifier", "path": "Patient.identifier", "slicing": slicing(value("system"), "closed", false) },
            { "id": "Patient.identifier:a", "path": "Patient.identifier", "sliceName": "a" },
            { "id": "Patient.identifier:a.system", "path": "Patient.identifier.system", "fixedUri": "urn:a" },
            { "id": "Patient.identifier:@default", "path": "Patient.identifier", "sliceName": "@default" },
            { "id": "Patient.identifier:@default.value", "path": "Patient.identifier.value", "max": "0" },
        ]),
    );
    table(&[default], &[("the rest", of(&["urn:a", "urn:x"]), &["profile.max@Patient.identifier[1].value"])]);
}

#[test]
fn a_slice_may_be_an_element_of_another_profile() {
    let library = profile(
        "Library",
        "Composition",
        json!([
            { "id": "Composition.section", "path": "Composition.section", "slicing": slicing(json!([{ "type": "pattern", "path": "code" }]), "open", false) },
            { "id": "Composition.section:a", "path": "Composition.section", "sliceName": "a" },
            { "id": "Composition.section:a.title", "path": "Composition.section.title", "min": 1 },
            { "id": "Composition.section:a.code", "path": "Composition.section.code", "min": 1,
              "patternCodeableConcept": { "coding": [{ "system": "http://x.test", "code": "a" }] } },
        ]),
    );
    let part = json!({ "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element", "valueString": "Composition.section:a" }] });
    let document = profile(
        "Document",
        "Composition",
        json!([
            { "id": "Composition.section", "path": "Composition.section", "slicing": slicing(json!([{ "type": "pattern", "path": "code" }]), "closed", false) },
            { "id": "Composition.section:a", "path": "Composition.section", "sliceName": "a", "min": 1,
              "type": [{ "code": "BackboneElement", "profile": [library["url"]], "_profile": [part] }] },
        ]),
    );
    let of = |section: Value| {
        json!({ "resourceType": "Composition", "status": "final", "type": { "text": "x" }, "date": "2026", "author": [{ "display": "x" }],
            "title": "x", "section": [section] })
    };
    let code = json!({ "coding": [{ "system": "http://x.test", "code": "a" }] });
    let text = json!({ "status": "additional", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>" });
    table(
        &[document, library],
        &[
            ("good", of(json!({ "code": code, "title": "x", "text": text })), &[]),
            ("by the other profile", of(json!({ "code": code, "text": text })), &["profile.min@Composition.section[0]"]),
            (
                "no such section",
                of(json!({ "title": "x", "text": text })),
                &["profile.slice.closed@Composition.section[0]", "profile.slice.min@Composition"],
            ),
        ],
    );
}
