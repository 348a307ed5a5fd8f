//! The tables against facts of the specification.

use super::*;

fn r4() -> &'static Definitions {
    Definitions::r4()
}

fn property(type_name: &str, path: &str) -> &'static Property {
    let id = r4().type_named(type_name).unwrap_or_else(|| panic!("{type_name}"));
    r4().property_at(id, path).unwrap_or_else(|| panic!("{type_name}.{path}"))
}

#[test]
fn r4_has_its_resources_and_types() {
    let resources: Vec<&str> = r4().resource_types().collect();
    assert_eq!(resources.len(), 146);
    for name in ["Patient", "Observation", "Bundle", "Parameters", "Binary"] {
        assert!(resources.contains(&name), "{name}");
        assert!(r4().resource_named(name).is_some());
    }
    // abstract, not R4, and data types are no resources
    for name in ["Resource", "DomainResource", "SubscriptionStatus", "HumanName", "MetadataResource", "string", ""] {
        assert!(r4().resource_named(name).is_none(), "{name}");
    }
}

#[test]
fn elements_have_their_cardinality_and_type() {
    for (type_name, path, min, max, of) in [
        ("Patient", "id", 0, 1, "id"),
        ("Patient", "contained", 0, u32::MAX, "Resource"),
        ("Patient", "name", 0, u32::MAX, "HumanName"),
        ("Patient", "name.given", 0, u32::MAX, "string"),
        ("Patient", "contact.name", 0, 1, "HumanName"),
        ("Patient", "contact.modifierExtension", 0, u32::MAX, "Extension"),
        ("Observation", "status", 1, 1, "code"),
        ("Observation", "valueQuantity", 0, 1, "Quantity"),
        ("Observation", "valueQuantity.value", 0, 1, "decimal"),
        ("Observation", "component.referenceRange.low", 0, 1, "Quantity"),
        ("MedicationRequest", "medicationReference", 1, 1, "Reference"),
        ("ImagingStudy", "series.uid", 1, 1, "id"),
        ("Extension", "url", 1, 1, "uri"),
        ("Narrative", "div", 1, 1, "xhtml"),
        ("Timing", "repeat.boundsPeriod.start", 0, 1, "dateTime"),
        ("Age", "value", 0, 1, "decimal"),
        ("string", "extension", 0, u32::MAX, "Extension"),
        ("Bundle", "entry.response.outcome", 0, 1, "Resource"),
    ] {
        let p = property(type_name, path);
        let e = r4().element(p.element);
        assert_eq!((e.min, e.max, r4().get(p.type_id).name), (min, max, of), "{type_name}.{path}");
    }
    assert!(r4().property_at(r4().type_named("string").unwrap(), "value").is_none());
    assert!(r4().property_at(r4().type_named("Meta").unwrap(), "project").is_none(), "a field of the packager");
}

#[test]
fn choices_are_one_element_under_several_names() {
    let quantity = property("Observation", "valueQuantity").element;
    assert_eq!(property("Observation", "valueString").element, quantity);
    let e = r4().element(quantity);
    assert!(e.is_choice);
    assert_eq!(e.name(), "value[x]");
    assert_eq!(r4().properties(e).len(), 11);
    assert_eq!(
        r4().element(property("Extension", "valueCode").element).properties.1
            - r4().element(property("Extension", "valueCode").element).properties.0,
        50
    );
}

#[test]
fn references_know_their_targets() {
    let p = property("Observation", "specimen");
    assert!(r4().may_target(p.targets, r4().type_named("Specimen").unwrap()));
    assert!(!r4().may_target(p.targets, r4().type_named("Patient").unwrap()));
    let any = property("Observation", "focus");
    assert!(r4().may_target(any.targets, r4().type_named("Medication").unwrap()));
    assert_eq!(r4().target_names(property("Observation", "device").targets).collect::<Vec<_>>(), ["Device", "DeviceMetric"]);
}

#[test]
fn required_codes_are_known() {
    let set = r4().required_codes("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1").unwrap();
    assert_eq!(set.codes().collect::<Vec<_>>(), ["female", "male", "other", "unknown"]);
    assert!(set.has("http://hl7.org/fhir/administrative-gender", "male"));
    assert!(!set.has("http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender", "M"));
    let status = r4().element(property("Observation", "status").element).binding.unwrap();
    assert_eq!(status.strength, Strength::Required);
    assert_eq!(status.canonical(), "http://hl7.org/fhir/ValueSet/observation-status");
    let codes = r4().code_set(status.must_be_in.unwrap());
    assert!(codes.has_code("final") && !codes.has_code("finished"));
    let language = r4().element(property("Patient", "language").element).binding.unwrap();
    assert_eq!(language.strength, Strength::Preferred);
    assert_eq!(r4().code_set(language.must_be_in.unwrap()).form(), Some(Form::Bcp47));
    let all = [
        "http://hl7.org/fhir/ValueSet/units-of-time",
        "http://hl7.org/fhir/ValueSet/allergyintolerance-clinical",
        "http://hl7.org/fhir/ValueSet/resource-types",
    ];
    for url in all {
        assert!(r4().required_codes(url).unwrap().is_listed(), "{url}");
    }
}

#[test]
fn every_required_binding_has_its_code_set() {
    for e in &r4().elements {
        if let Some(b) = e.binding.filter(|b| b.strength == Strength::Required) {
            assert!(b.must_be_in.is_some(), "{} {}", e.path, b.canonical());
        }
    }
}

#[test]
fn every_element_finds_itself() {
    for (i, t) in r4().types.iter().enumerate() {
        let id = TypeId(i as u16);
        assert!(t.elements.1 - t.elements.0 <= 128, "the validator's set of seen elements holds 128");
        for (place, (element_id, e)) in r4().elements(id).enumerate() {
            assert_eq!(e.place as usize, place);
            for p in r4().properties(e) {
                assert_eq!(p.element, element_id);
                let found = r4().property(id, p.key).unwrap_or_else(|| panic!("{}.{}", t.name, e.path));
                assert!(std::ptr::eq(found, p), "{}.{}", t.name, e.path);
            }
        }
    }
}

#[test]
fn search_parameters_are_found_by_type() {
    let all = r4().search_parameters();
    assert_eq!(all.all().len(), 1378);
    let p = all.find("Observation", "patient").unwrap();
    assert_eq!((p.kind, p.id), ("reference", "clinical-patient"));
    assert_eq!(p.branches("Observation"), ["Observation.subject.where(resolve() is Patient)"]);
    assert_eq!(all.find("Observation", "_lastUpdated").unwrap().branches("Observation"), ["Resource.meta.lastUpdated"]);
    assert!(all.find("Observation", "nonsense").is_none());
    let composite = all.find("Observation", "code-value-quantity").unwrap();
    assert_eq!(composite.components().count(), 2);
    assert_eq!(
        all.find("MedicationRequest", "code").unwrap().branches("MedicationRequest"),
        ["(MedicationRequest.medication as CodeableConcept)"]
    );
}

#[test]
fn terminology_is_complete() {
    let systems = r4().code_systems();
    assert_eq!(systems.all().len(), 1063);
    assert_eq!(systems.all().iter().map(|s| systems.concepts(s).len()).sum::<usize>(), 20_729);
    let marital = systems.get("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus").unwrap();
    assert_eq!(systems.concept(marital, "M").unwrap().display(), Some("Married"));
    assert!(systems.concept(marital, "10").is_none());
    let gender = systems.get("http://hl7.org/fhir/administrative-gender").unwrap();
    assert!(gender.is_case_sensitive && systems.concept(gender, "Male").is_none());
    let act = systems.get("http://terminology.hl7.org/CodeSystem/v3-ActCode").unwrap();
    let class = systems.concept(act, "_ActEncounterCode").unwrap();
    assert!(class.is_abstract());
    assert_eq!(systems.concept(act, "IMP").unwrap().depth(), class.depth() + 1);
    assert_eq!(r4().value_sets().all().len(), 1317);
    let days = r4().value_sets().get("http://hl7.org/fhir/ValueSet/units-of-time|4.0.1").unwrap();
    assert_eq!(days.includes.len(), 1);
    let concepts: Vec<_> = days.includes[0].concepts().collect();
    assert_eq!((days.includes[0].system().as_str(), concepts[0]), ("http://unitsofmeasure.org", ("s", Some("second"))));
    let filtered = r4().value_sets().all().iter().flat_map(|s| &s.includes).filter(|i| i.filters().count() > 0).count();
    assert_eq!(filtered, 171);
}

#[test]
fn profiles_hold_what_they_change() {
    let all = r4().profiles();
    // 650 StructureDefinitions = 210 types of R4 (one logical), one of a later version, 439 profiles and extensions
    assert_eq!(all.all().len(), 439);
    let bp = all.get("http://hl7.org/fhir/StructureDefinition/bp|4.0.1").unwrap();
    assert_eq!((bp.type_name, bp.base.as_str()), ("Observation", "http://hl7.org/fhir/StructureDefinition/vitalsigns"));
    let element = |path: &str| bp.elements.iter().copied().find(|e| e.path() == path).unwrap_or_else(|| panic!("{path}"));
    let component = element("component");
    assert_eq!((component.min(), component.max()), (2, u32::MAX));
    let slicing = component.slicing().unwrap();
    assert_eq!((slicing.rules, slicing.is_ordered), ("open", false));
    assert_eq!(slicing.discriminators, [("value", "code.coding.code"), ("value", "code.coding.system")]);
    assert_eq!(element("component:SystolicBP").slice(), Some("SystolicBP"));
    let code = element("component:SystolicBP.code.coding:SBPCode.code");
    assert_eq!(code.fixed(), Some(ValueOf { type_name: "Code", json: "\"8480-6\"" }));
    let unit = element("component:SystolicBP.value[x]");
    assert_eq!(unit.types().map(|(t, ..)| t).collect::<Vec<_>>(), ["Quantity"]);
    assert!(bp.elements.iter().all(|e| e.path() != "bodySite"), "unchanged elements are left out");
    let birth_place = all.get("http://hl7.org/fhir/StructureDefinition/patient-birthPlace").unwrap();
    assert_eq!(birth_place.contexts().collect::<Vec<_>>(), [("element", "Patient")]);
}

#[test]
fn invariants_and_compartments_are_known() {
    let obs6 = r4().invariant("obs-6").unwrap();
    assert!(obs6.is_error);
    assert_eq!(obs6.expression, "dataAbsentReason.empty() or value.empty()");
    assert!(!r4().invariant("dom-6").unwrap().is_error);
    assert!(r4().invariant("eld-20").unwrap().expression.contains(r"(\\.[a-z]"), "the table's own escapes are resolved");
    // every key that a type or element names has its invariant
    let types = r4().types.iter().map(|t| t.invariants);
    let elements = r4().elements.iter().map(|e| e.invariants);
    for key in types.chain(elements).flat_map(|keys| keys.split(',')).filter(|k| !k.is_empty()) {
        assert!(r4().invariant(key).is_some(), "{key}");
    }
    assert_eq!(r4().compartment("Patient", "Observation").collect::<Vec<_>>(), ["subject", "performer"]);
    assert_eq!(r4().compartment("Patient", "Organization").count(), 0);
    assert!(r4().type_elements("Observation").iter().any(|e| e.path() == "component.value[x]"));
}
