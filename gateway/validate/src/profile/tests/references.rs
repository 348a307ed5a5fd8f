//! What references may point to: type, profile, way and version.

use super::*;

fn subject(of: Value) -> Value {
    profile("Refers", "Observation", json!([{ "id": "Observation.subject", "path": "Observation.subject", "type": [of] }]))
}

const PATIENT: &str = "http://hl7.org/fhir/StructureDefinition/Patient";

#[test]
fn the_type_of_the_target_is_narrowed() {
    table(
        &[subject(json!({ "code": "Reference", "targetProfile": [PATIENT] }))],
        &[
            ("patient", observation(json!({ "subject": { "reference": "Patient/1" } })), &[]),
            ("by address elsewhere", observation(json!({ "subject": { "reference": "http://x.test/fhir/Patient/1" } })), &[]),
            ("nothing is known", observation(json!({ "subject": { "display": "x" } })), &[]),
            ("group", observation(json!({ "subject": { "reference": "Group/1" } })), &["profile.reference.target@Observation.subject"]),
            (
                "group, by its type",
                observation(json!({ "subject": { "type": "Group", "display": "x" } })),
                &["profile.reference.target@Observation.subject"],
            ),
        ],
    );
}

#[test]
fn a_target_that_is_here_meets_its_profile() {
    let named = profile("Named", "Patient", json!([{ "id": "Patient.name", "path": "Patient.name", "min": 1 }]));
    let p = subject(json!({ "code": "Reference", "targetProfile": [named["url"]] }));
    let contained = |name: Value| {
        observation(
            json!({ "contained": [{ "resourceType": "Patient", "id": "p", "name": name, "active": true }], "subject": { "reference": "#p" } }),
        )
    };
    table(
        &[p.clone(), named.clone()],
        &[
            ("contained, with a name", contained(json!([{ "text": "x" }])), &[]),
            ("elsewhere", observation(json!({ "subject": { "reference": "Patient/1" } })), &[]),
        ],
    );
    let nameless =
        observation(json!({ "contained": [{ "resourceType": "Patient", "id": "p", "active": true }], "subject": { "reference": "#p" } }));
    table(&[p.clone(), named.clone()], &[("contained, nameless", nameless, &["profile.reference.target@Observation.subject"])]);
    let bundle = |patient: Value| {
        json!({ "resourceType": "Bundle", "type": "collection", "entry": [
            { "fullUrl": "http://x.test/Observation/1", "resource": { "resourceType": "Observation", "id": "1", "status": "final", "code": { "text": "x" },
              "meta": { "profile": [p["url"]] }, "subject": { "reference": "Patient/1" } } },
            { "fullUrl": "http://x.test/Patient/1", "resource": patient } ] })
    };
    table(
        &[p.clone(), named.clone()],
        &[
            ("in the Bundle", bundle(json!({ "resourceType": "Patient", "id": "1", "name": [{ "text": "x" }] })), &[]),
            (
                "in the Bundle, nameless",
                bundle(json!({ "resourceType": "Patient", "id": "1", "active": true })),
                &["profile.reference.target@Bundle.entry[0].resource.subject"],
            ),
        ],
    );
}

#[test]
fn aggregation_and_versions() {
    let contained_only = subject(json!({ "code": "Reference", "targetProfile": [PATIENT], "aggregation": ["contained"] }));
    let inside =
        observation(json!({ "contained": [{ "resourceType": "Patient", "id": "p", "active": true }], "subject": { "reference": "#p" } }));
    let outside = observation(json!({ "subject": { "reference": "Patient/1" } }));
    table(
        &[contained_only],
        &[("inside", inside.clone(), &[]), ("outside", outside.clone(), &["profile.reference.aggregation@Observation.subject"])],
    );
    let referenced = subject(json!({ "code": "Reference", "targetProfile": [PATIENT], "aggregation": ["referenced"] }));
    table(&[referenced], &[("outside", outside.clone(), &[]), ("inside", inside, &["profile.reference.aggregation@Observation.subject"])]);
    let versioned = observation(json!({ "subject": { "reference": "Patient/1/_history/2" } }));
    let specific = subject(json!({ "code": "Reference", "targetProfile": [PATIENT], "versioning": "specific" }));
    table(
        &[specific],
        &[("with", versioned.clone(), &[]), ("without", outside.clone(), &["profile.reference.version@Observation.subject"])],
    );
    let independent = subject(json!({ "code": "Reference", "targetProfile": [PATIENT], "versioning": "independent" }));
    table(&[independent], &[("without", outside, &[]), ("with", versioned, &["profile.reference.version@Observation.subject"])]);
}
