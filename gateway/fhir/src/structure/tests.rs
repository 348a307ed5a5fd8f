//! Snapshots, what a differential must not say, and the registry.

use super::*;
use crate::definitions::Definitions;
use crate::json::{self, JsonLimits};

/// A constraint on `type_name` with these elements (JSON, without the brackets of the list).
fn profile(url: &str, type_name: &str, base: &str, elements: &str) -> StructureDefinition {
    let text = format!(
        r#"{{"resourceType":"StructureDefinition","url":"{url}","version":"1.0.0","name":"P","kind":"resource","abstract":false,
        "type":"{type_name}","derivation":"constraint","baseDefinition":"{base}","differential":{{"element":[{elements}]}}}}"#
    );
    let (tree, _) = json::parse(text.as_bytes(), &JsonLimits::default()).map_err(|e| format!("{e:?} {text}")).unwrap();
    StructureDefinition::from_node(tree.root()).map_err(|f| f.en).unwrap()
}

fn observation(elements: &str) -> (Structures, Arc<StructureDefinition>) {
    let mut structures = Structures::r4();
    structures.add(profile("http://t/p", "Observation", "http://hl7.org/fhir/StructureDefinition/Observation", elements)).unwrap();
    let definition = structures.snapshot("http://t/p").map_err(|f| f.en).unwrap();
    (structures, definition)
}

fn element<'a>(definition: &'a StructureDefinition, id: &str) -> &'a ElementDefinition {
    definition.snapshot.iter().find(|e| e.id == id).ok_or(id).unwrap()
}

fn ids<'a>(definition: &'a StructureDefinition, start: &str) -> Vec<&'a str> {
    definition.snapshot.iter().map(|e| e.id.as_str()).filter(|id| id.starts_with(start)).collect()
}

fn rules(elements: &str) -> Vec<String> {
    let (structures, _) = observation(elements);
    structures.findings("http://t/p").into_iter().map(|f| f.rule.into_owned()).collect()
}

#[test]
fn every_type_and_profile_of_r4_has_a_snapshot_without_findings() {
    let structures = Structures::r4();
    for profile in Definitions::r4().profiles().all() {
        assert_eq!(structures.findings(&profile.url), [], "{}", profile.url);
        assert!(!structures.get(&profile.url).unwrap().snapshot.is_empty());
    }
    let patient = structures.get("http://hl7.org/fhir/StructureDefinition/Patient").unwrap();
    assert_eq!(ids(&patient, "Patient").len(), 45);
    assert_eq!(patient.snapshot[1].id, "Patient.id");
    let keys: Vec<&str> = element(&patient, "Patient.contact").constraints.iter().map(|c| c.key.as_str()).collect();
    assert_eq!(keys, ["ele-1", "pat-1"]);
}

#[test]
fn a_profile_of_the_pack_keeps_its_slices() {
    let structures = Structures::r4();
    let bp = structures.get("http://hl7.org/fhir/StructureDefinition/bp").unwrap();
    assert_eq!(bp.base, "http://hl7.org/fhir/StructureDefinition/vitalsigns");
    let system = element(&bp, "Observation.component:SystolicBP.code.coding:SBPCode.system");
    assert_eq!(system.fixed.as_ref().and_then(|v| v.get().value()), Some("http://loinc.org"));
    assert_eq!(system.path, "Observation.component.code.coding.system");
    assert!(element(&bp, "Observation.category:VSCat").slicing.is_none());
}

#[test]
fn elements_keep_what_the_differential_does_not_say() {
    let (_, p) = observation(
        r#"{"id":"Observation.code","path":"Observation.code","min":1,"constraint":[{"key":"x-1","severity":"error","human":"h","expression":"true"}],
           "patternCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"1"}]},"mustSupport":true},
           {"id":"Observation.value[x]","path":"Observation.value[x]","type":[{"code":"Quantity"}]}"#,
    );
    let code = element(&p, "Observation.code");
    assert_eq!((code.min, code.max, code.must_support), (Some(1), Some(1), Some(true)));
    assert_eq!(code.binding.as_ref().unwrap().strength, crate::definitions::Strength::Example);
    assert_eq!(code.constraints.iter().map(|c| c.key.as_str()).collect::<Vec<_>>(), ["ele-1", "x-1"]);
    assert_eq!(code.constraints[1].source, "http://t/p");
    assert_eq!(code.pattern.as_ref().unwrap().get().at("coding.code"), Some("1"));
    assert_eq!(element(&p, "Observation.value[x]").types.len(), 1);
    let order: Vec<&str> = p.snapshot.iter().map(|e| e.path.as_str()).collect();
    assert!(order.iter().position(|p| *p == "Observation.code") < order.iter().position(|p| *p == "Observation.value[x]"));
}

#[test]
fn a_differential_walks_into_types_and_references() {
    let (_, p) =
        observation(r#"{"path":"Observation.code.coding.system","min":1},{"path":"Observation.component.referenceRange.low","min":1}"#);
    assert_eq!(element(&p, "Observation.code.coding.system").min, Some(1));
    assert_eq!(element(&p, "Observation.component.referenceRange.low").min, Some(1));
    assert_eq!(element(&p, "Observation.component.referenceRange").content_reference, None);
    // nothing below it was asked for
    assert_eq!(ids(&p, "Observation.component.referenceRange.low"), ["Observation.component.referenceRange.low"]);
}
