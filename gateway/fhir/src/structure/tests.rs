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

#[test]
fn slices_are_made_from_the_base_and_named_in_their_ids() {
    let (_, p) = observation(
        r#"{"path":"Observation.component","slicing":{"discriminator":[{"type":"value","path":"code"}],"rules":"open"},"min":1},
           {"path":"Observation.component","sliceName":"a","min":1,"max":"1"},
           {"path":"Observation.component.code","patternCodeableConcept":{"text":"a"}},
           {"path":"Observation.component","sliceName":"b"},
           {"id":"Observation.component:a/x","path":"Observation.component","sliceName":"a/x"}"#,
    );
    let slices = ["a", "a/x", "b"].map(|s| format!("Observation.component:{s}"));
    let found: Vec<&str> = ids(&p, "Observation.component:").into_iter().filter(|id| id.matches('.').count() == 1).collect();
    assert_eq!(found, slices);
    let of = |id: &str| element(&p, id);
    assert_eq!((of(&slices[0]).min, of(&slices[0]).max), (Some(1), Some(1)));
    assert_eq!((of(&slices[2]).min, of(&slices[2]).max), (Some(0), Some(u32::MAX)));
    assert_eq!(of(&slices[1]).max, Some(1), "a re-slice has the limits of its slice");
    assert!(of("Observation.component:a.code").pattern.is_some() && of("Observation.component:a/x.code").pattern.is_some());
    assert!(of("Observation.component.code").pattern.is_none() && of("Observation.component:b.code").pattern.is_none());
    assert!(of(&slices[0]).slicing.is_none());
}

#[test]
fn extensions_and_choices_are_sliced_without_saying_so() {
    let elements = r#"{"path":"Observation.extension","sliceName":"x","type":[{"code":"Extension","profile":["http://t/x"]}]},
           {"path":"Observation.valueQuantity","binding":{"strength":"required","valueSet":"http://v"}},
           {"path":"Observation.valueQuantity.code","min":1}"#;
    let (_, p) = observation(elements);
    let url = element(&p, "Observation.extension").slicing.clone().unwrap();
    assert_eq!(url.discriminators, [(DiscriminatorKind::Value, "url".to_owned())]);
    let by_type = element(&p, "Observation.value[x]").slicing.clone().unwrap();
    assert_eq!(by_type.discriminators, [(DiscriminatorKind::Type, "$this".to_owned())]);
    let quantity = element(&p, "Observation.value[x]:valueQuantity");
    assert_eq!((quantity.path.as_str(), quantity.types[0].code.as_str()), ("Observation.value[x]", "Quantity"));
    assert_eq!(element(&p, "Observation.value[x]:valueQuantity.code").min, Some(1));
    assert!(element(&p, "Observation.value[x]").types.len() > 1);
    // the same with the slice's name
    let named = elements
        .replace(r#""path":"Observation.valueQuantity"#, r#""sliceName":"valueQuantity","path":"Observation.value[x]"#)
        .replace(r#""sliceName":"valueQuantity","path":"Observation.value[x].code""#, r#""path":"Observation.value[x].code""#);
    let (_, other) = observation(&named);
    assert_eq!(ids(&other, "Observation.value"), ids(&p, "Observation.value"));
}

#[test]
fn the_profile_of_a_type_says_more_about_the_element() {
    let mut structures = Structures::r4();
    structures
        .add(profile(
            "http://t/x",
            "Extension",
            "http://hl7.org/fhir/StructureDefinition/Extension",
            r#"{"path":"Extension","max":"1","isModifier":true,"constraint":[{"key":"x-1","severity":"error","human":"h","expression":"true"}]},
               {"path":"Extension.value[x]","min":1,"type":[{"code":"code"}]}"#,
        ))
        .unwrap();
    structures
        .add(profile(
            "http://t/p",
            "Patient",
            "http://hl7.org/fhir/StructureDefinition/Patient",
            r#"{"path":"Patient.modifierExtension","sliceName":"x","type":[{"code":"Extension","profile":["http://t/x"]}]},
               {"id":"Patient.modifierExtension:x.value[x]","path":"Patient.modifierExtension.value[x]","fixedCode":"c"}"#,
        ))
        .unwrap();
    assert_eq!(structures.findings("http://t/p"), []);
    let p = structures.get("http://t/p").unwrap();
    let x = element(&p, "Patient.modifierExtension:x");
    assert_eq!((x.max, x.is_modifier), (Some(1), Some(true)));
    assert!(x.constraints.iter().any(|c| c.key == "x-1"));
    let value = element(&p, "Patient.modifierExtension:x.value[x]");
    assert_eq!((value.min, value.types.len()), (Some(1), 1));
}

#[test]
fn profiles_of_profiles_add_up() {
    let mut structures = Structures::r4();
    let sliced = r#"{"path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"coding.code"}],"rules":"open"}},
        {"path":"Observation.category","sliceName":"a","min":1,"mustSupport":true}"#;
    structures.add(profile("http://t/a", "Observation", "http://hl7.org/fhir/StructureDefinition/Observation", sliced)).unwrap();
    let more = r#"{"id":"Observation.category:a","path":"Observation.category","sliceName":"a","max":"1"},
        {"id":"Observation.category:a.coding","path":"Observation.category.coding","min":1},
        {"path":"Observation.category","sliceName":"b"}"#;
    structures.add(profile("http://t/b", "Observation", "http://t/a|1.0.0", more)).unwrap();
    assert_eq!(structures.findings("http://t/b"), []);
    let b = structures.get("http://t/b").unwrap();
    let a = element(&b, "Observation.category:a");
    assert_eq!((a.min, a.max, a.must_support), (Some(1), Some(1), Some(true)));
    assert_eq!(element(&b, "Observation.category:a.coding").min, Some(1));
    assert!(element(&b, "Observation.category:b").min == Some(0));
}

#[test]
fn what_a_differential_must_not_say_is_found() {
    for (elements, rule) in [
        (r#"{"path":"Observation.status","min":0}"#, "structure.min.widens"),
        (r#"{"path":"Observation.code","max":"*"}"#, "structure.max.widens"),
        (r#"{"path":"Observation.code","min":2}"#, "structure.cardinality"),
        (r#"{"path":"Observation.kode","min":1}"#, "structure.path.unknown"),
        (r#"{"path":"Observation.code","type":[{"code":"string"}]}"#, "structure.type.widens"),
        (
            r#"{"path":"Observation.encounter","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Patient"]}]}"#,
            "structure.target.widens",
        ),
        (r#"{"path":"Observation.status","binding":{"strength":"example"}}"#, "structure.binding.widens"),
        (r#"{"path":"Observation.value[x].code","min":1}"#, "structure.type.several"),
        (r#"{"path":"Observation.category","sliceName":"a"},{"path":"Observation.category","sliceName":"b"}"#, "structure.slicing.missing"),
    ] {
        assert!(rules(elements).iter().any(|r| r == rule), "{elements}: {:?}", rules(elements));
    }
}

#[test]
fn circles_and_unknown_bases_end_in_a_finding() {
    let mut structures = Structures::r4();
    structures.add(profile("http://t/a", "Patient", "http://t/b", "")).unwrap();
    structures.add(profile("http://t/b", "Patient", "http://t/a", "")).unwrap();
    structures.add(profile("http://t/self", "Patient", "http://t/self", "")).unwrap();
    structures.add(profile("http://t/c", "Patient", "http://nowhere", "")).unwrap();
    let rule = |url: &str| structures.snapshot(url).err().map(|f| f.rule.into_owned()).unwrap();
    assert_eq!(rule("http://t/a"), "structure.cyclic");
    assert_eq!(rule("http://t/b"), "structure.cyclic");
    assert_eq!(rule("http://t/self"), "structure.cyclic");
    assert_eq!(rule("http://t/c"), "structure.base.unknown");
    assert_eq!(rule("http://nowhere"), "structure.unknown");
    assert!(structures.get("http://t/a").is_none());
    // a type that walks into itself is cut, not refused
    let into = r#"{"path":"Extension.extension","sliceName":"x","type":[{"code":"Extension","profile":["http://t/e"]}]}"#;
    structures.add(profile("http://t/e", "Extension", "http://hl7.org/fhir/StructureDefinition/Extension", into)).unwrap();
    assert!(structures.get("http://t/e").is_some());
}

#[test]
fn limits_end_in_a_finding() {
    let limits = StructureLimits { depth_max: 4, chain_max: 3, structures_max: 5, ..StructureLimits::default() };
    let mut structures = Structures::with_limits(limits);
    let deep = r#"{"path":"Patient.contact.name.given.id","min":1}"#;
    structures.add(profile("http://t/deep", "Patient", "http://hl7.org/fhir/StructureDefinition/Patient", deep)).unwrap();
    structures.add(profile("http://t/0", "Patient", "http://hl7.org/fhir/StructureDefinition/Patient", "")).unwrap();
    for i in 1..4 {
        structures.add(profile(&format!("http://t/{i}"), "Patient", &format!("http://t/{}", i - 1), "")).unwrap();
    }
    let rule = |url: &str| structures.snapshot(url).err().map(|f| f.rule.into_owned());
    assert_eq!(rule("http://t/deep"), Some("structure.limit".into()));
    assert_eq!(rule("http://t/3"), Some("structure.cyclic".into()));
    assert_eq!(rule("http://t/1"), None);
    let more = profile("http://t/more", "Patient", "http://t/0", "");
    assert_eq!(structures.add(more).err().map(|f| f.rule.into_owned()), Some("structure.limit".into()));
}

/// Little text that would make many elements.
#[test]
fn a_snapshot_does_not_grow_without_end() {
    let slicing = r#"{"path":"Observation.component","slicing":{"discriminator":[{"type":"value","path":"code"}],"rules":"open"}}"#;
    let slices = (0..4_000).map(|i| format!(r#",{{"path":"Observation.component","sliceName":"s{i}"}}"#)).collect::<String>();
    let wide = format!("{slicing}{slices}");
    let deep = (0..900)
        .map(|i| format!(r#"{{"path":"Observation.category","sliceName":"s{i}"}},{{"path":"Observation.category.coding.system"}}"#));
    let deep = deep.collect::<Vec<_>>().join(",");
    for elements in [wide, deep] {
        let mut structures = Structures::r4();
        structures.add(profile("http://t/p", "Observation", "http://hl7.org/fhir/StructureDefinition/Observation", &elements)).unwrap();
        let start = std::time::Instant::now();
        assert_eq!(structures.snapshot("http://t/p").err().map(|f| f.rule.into_owned()), Some("structure.limit".into()));
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
    }
}

#[test]
fn versions_stand_side_by_side() {
    let mut structures = Structures::r4();
    let base = "http://hl7.org/fhir/StructureDefinition/Patient";
    for version in ["1.9.0", "1.10.0", "1.10.0-draft", "2.0.0-draft"] {
        structures.add(StructureDefinition { version: version.to_owned(), ..profile("http://t/p", "Patient", base, "") }).unwrap();
    }
    let version = |canonical: &str| structures.get(canonical).map(|d| d.version.clone());
    assert_eq!(version("http://t/p").as_deref(), Some("2.0.0-draft"));
    assert_eq!(version("http://t/p|1.10").as_deref(), Some("1.10.0"));
    assert_eq!(version("http://t/p|1.9.0").as_deref(), Some("1.9.0"));
    assert_eq!(version("http://t/p|3"), None);
    assert_eq!(version("http://hl7.org/fhir/StructureDefinition/Patient|4.0").as_deref(), Some("4.0.1"));
    assert_eq!(version("http://hl7.org/fhir/StructureDefinition/Patient|5.0.0"), None);
    let again = StructureDefinition { version: "1.9.0".to_owned(), ..profile("http://t/p", "Patient", base, "") };
    assert_eq!(structures.add(again).err().map(|f| f.rule.into_owned()), Some("structure.duplicate".into()));
    // another copy of R4's own is no news
    let patient = StructureDefinition { version: "4.0.1".to_owned(), ..profile(base, "Patient", base, "") };
    assert_eq!(structures.add(patient), Ok(()));
}

#[test]
fn a_delivered_snapshot_is_taken_as_it_is() {
    let mut structures = Structures::r4();
    let mut p = profile("http://t/p", "Patient", "http://nowhere", r#"{"path":"Patient.active","min":1}"#);
    p.snapshot = p.differential.clone();
    structures.add(p).unwrap();
    assert_eq!(structures.get("http://t/p").unwrap().snapshot.len(), 1);
}
