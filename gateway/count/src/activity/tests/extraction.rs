//! Events of messages as the mappings make resources of them: the mappings' own cases.

use crate::activity::{Event, Of, Word, events_of};
use hutong_fhir::json;
use hutong_fhir::tree::Tree;

/// The events of a mapping's case, sent by an institution.
fn told(case: &str, institution: &str) -> Vec<Event> {
    let resources = case.split("--- resources\n").nth(1).unwrap().split("\n--- ").next().unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(resources).unwrap();
    let trees: Vec<Tree> = all.iter().map(|r| json::parse(r.to_string().as_bytes(), &json::JsonLimits::default()).unwrap().0).collect();
    let nodes: Vec<_> = trees.iter().map(Tree::root).collect();
    events_of(&nodes, institution)
}

macro_rules! case {
    ($path:literal) => {
        told(include_str!(concat!("../../../../../mappings/", $path, ".case")), "XRY")
    };
}

#[test]
fn visits_of_registrations() {
    for (events, word, class) in [
        (case!("v2/messages/adt_a01_admission"), Word::Begun, "IMP"),
        (case!("v2/messages/adt_a04_registration"), Word::Begun, "AMB"),
        (case!("v2/messages/adt_a05_preadmission"), Word::Planned, "PRENC"),
        (case!("v2/messages/adt_a08_update"), Word::Told, "IMP"),
        (case!("v2/messages/adt_a11_cancel_admission"), Word::Cancelled, "IMP"),
        (case!("v2/messages/adt_a13_cancel_discharge"), Word::Reopened, "IMP"),
        (case!("v2/messages/adt_a06_outpatient_to_inpatient"), Word::Begun, "IMP"),
        (case!("sites/cn/discharge"), Word::Ended, "IMP"),
    ] {
        let [Event { institution, key, of: Of::Visit(v), .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((v.word, v.class.as_str(), institution.as_str()), (word, class, "XRY"));
        assert!(key.starts_with("Encounter/") && !v.unnumbered);
    }
    let discharge = case!("sites/cn/discharge");
    let Of::Visit(v) = &discharge[0].of else { panic!() };
    assert_eq!((v.department.as_str(), v.start_us, v.end_us), ("心内科", Some(1_772_670_600_000_000), Some(1_773_104_400_000_000)));
}

#[test]
fn orders_and_reports_tell_of_no_visit() {
    for events in [case!("v2/messages/orm_o01_new_order"), case!("v2/messages/oru_r01_blood_count"), case!("sites/cn/order_application")] {
        assert!(events.is_empty(), "{events:?}");
    }
}

#[test]
fn operations_tracings_prescriptions() {
    let events = case!("v2/messages/adt_a01_procedure");
    let visit = events.iter().find(|e| matches!(e.of, Of::Visit(_))).unwrap();
    let operation = events.iter().find(|e| matches!(e.of, Of::Operation { .. })).unwrap();
    assert_eq!(visit.key, operation.key, "of this visit");
    assert!(matches!(operation.of, Of::Operation { level: 0, start_us: Some(1_772_676_000_000_000), live: true, .. }), "{operation:?}");

    let events = case!("sites/cn/ecg_village_read_by_county");
    let [Event { institution, of: Of::Tracing { day_us: Some(_), live: true }, .. }] = &events[..] else { panic!("{events:?}") };
    assert_ne!(institution, "XRY", "where it was taken");

    let events = case!("sites/cn/prescription");
    let [Event { key, of: Of::Prescription { live: true, inpatient: false, .. }, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(key, "CF20260305001");
    let events = case!("v2/messages/omp_o09_cancel");
    assert!(events.iter().all(|e| matches!(e.of, Of::Prescription { live: false, .. })) && !events.is_empty(), "{events:?}");
}

#[test]
fn a_discharge_to_a_township_with_an_operation() {
    let events = case!("sites/cn/discharge_down_operation");
    let [visit, operation] = &events[..] else { panic!("{events:?}") };
    let Of::Visit(v) = &visit.of else { panic!("{visit:?}") };
    assert_eq!((v.disposition.as_str(), v.destination.as_str(), v.department.as_str()), ("3", "YAWSY", "0401"));
    assert_eq!(visit.at_us, Some(1_773_105_300_000_000), "EVN-2");
    assert!(matches!(operation.of, Of::Operation { level: 3, .. }) && operation.key == visit.key, "{operation:?}");
}

#[test]
fn referrals_belong_to_the_visit() {
    let of = |events: &[Event]| match events {
        [Event { key, of: Of::Referral { to, live, .. }, .. }] if key.starts_with("Encounter/") => (to.clone(), *live),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(&case!("v2/messages/ref_i12_referral")), ("YAWSY".to_owned(), true));
    assert_eq!(of(&case!("v2/messages/ref_i14_cancelled")), ("YAWSY".to_owned(), false));
    let (referral, discharge) = (case!("sites/cn/referral_down"), case!("sites/cn/discharge_down_operation"));
    assert_eq!(of(&referral), ("YAWSY".to_owned(), true));
    assert_eq!(referral[0].key, discharge[0].key, "of one stay");
}

#[test]
fn a_visit_that_goes_up_in_another_is_none() {
    let events = case!("v2/messages/adt_a42_merge_visits");
    let words: Vec<Word> = events.iter().map(|e| if let Of::Visit(v) = &e.of { v.word } else { panic!("{e:?}") }).collect();
    assert_eq!(words, [Word::Told, Word::Cancelled]);
    assert_ne!(events[0].key, events[1].key);
}
