//! Sightings of messages as the site mappings make resources of them: the mappings' own cases.

use crate::cases::{Id, IdKind, Kind, Master, Modality, Sighting, Status, sightings_of};
use hutong_fhir::json;
use hutong_fhir::tree::Tree;

struct Registered;

impl Master for Registered {
    fn is_institution(&self, code: &str) -> bool {
        ["SQWSY", "QJRMYY", "QJZYY", "QPCWS"].contains(&code)
    }

    fn is_primary(&self, code: &str) -> bool {
        ["SQWSY", "QPCWS"].contains(&code)
    }

    fn item(&self, _institution: &str, _system: &str, _code: &str) -> Option<String> {
        None
    }
}

/// The sightings of a mapping's case, sent by an institution.
fn seen(case: &str, institution: &str) -> Vec<Sighting> {
    let resources = case.split("--- resources\n").nth(1).unwrap().split("\n--- ").next().unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(resources).unwrap();
    let trees: Vec<Tree> = all.iter().map(|r| json::parse(r.to_string().as_bytes(), &json::JsonLimits::default()).unwrap().0).collect();
    let nodes: Vec<_> = trees.iter().map(Tree::root).collect();
    sightings_of(&nodes, institution, &Registered)
}

#[test]
fn a_report_read_elsewhere_says_where_it_was_examined() {
    let all = seen(include_str!("../../../../../mappings/sites/cn/report_read_elsewhere.case"), "QJRMYY");
    assert_eq!(all.len(), 1, "{all:?}");
    let s = &all[0];
    assert_eq!((s.kind, s.status, s.modality), (Kind::Report, Status::Final, Modality::Ct));
    assert_eq!((s.exam.as_str(), s.read.as_str(), s.source.as_str()), ("SQWSY", "QJRMYY", "QJRMYY"));
    assert!(!s.readers.is_empty() && !s.test && !s.checkup && !s.critical);
    assert!(s.ids.contains(&Id::new(IdKind::Order, "SQWSY", "A1002")), "the township's order number");
    assert!(s.ids.contains(&Id::new(IdKind::Accession, "QJRMYY", "R77")));
    assert!(s.ids.contains(&Id::new(IdKind::Accession, "SQWSY", "R77")), "or numbered where it was examined");
    assert!(s.ids.contains(&Id::new(IdKind::Report, "QJRMYY", "RPT77")));
    assert_eq!(s.item, "name|胸部CT平扫", "each institution has codes of its own");
    assert_eq!((s.examined_us.unwrap(), s.reported_us.unwrap()), (1_789_692_600_000_000, 1_789_698_600_000_000));
}

#[test]
fn an_order_is_its_institutions() {
    let all = seen(include_str!("../../../../../mappings/sites/cn/order_application.case"), "SQWSY");
    let order = all.iter().find(|s| s.kind == Kind::Order).unwrap();
    assert!(order.ids.iter().any(|id| id.0 == IdKind::Order) && !order.patient.is_empty());
    assert!(all.iter().all(|s| s.kind != Kind::Report));
    let cancelled = seen(include_str!("../../../../../mappings/sites/cn/order_cancelled.case"), "SQWSY");
    assert!(cancelled.iter().all(|s| s.kind == Kind::Status && s.status.is_void()), "{cancelled:?}");
}

#[test]
fn states_are_no_orders() {
    let rejected = seen(include_str!("../../../../../mappings/sites/cn/status_specimen_rejected.case"), "SQWSY");
    assert_eq!(rejected.iter().filter(|s| s.rejected).count(), 1, "{rejected:?}");
    assert!(rejected.iter().all(|s| s.kind == Kind::Status));
    let number = |s: &Sighting| s.ids.contains(&Id::new(IdKind::Order, "SQWSY", "A1003"));
    assert!(rejected.iter().all(number), "the specimen is known by its order");
    let examined = seen(include_str!("../../../../../mappings/sites/cn/status_examined.case"), "SQWSY");
    assert!(examined.iter().any(|s| s.kind == Kind::Study && s.examined_us.is_some()), "{examined:?}");
    let withdrawn = seen(include_str!("../../../../../mappings/sites/cn/report_withdrawn.case"), "SQWSY");
    assert!(withdrawn.iter().any(|s| s.kind == Kind::Report && s.status == Status::EnteredInError), "{withdrawn:?}");
}

#[test]
fn what_does_not_count_says_so() {
    let test = seen(include_str!("../../../../../mappings/sites/cn/patient_test.case"), "SQWSY");
    assert!(test.iter().all(|s| s.test), "{test:?}");
    let checkup = seen(include_str!("../../../../../mappings/sites/cn/checkup_images.case"), "SQWSY");
    assert!(!checkup.is_empty() && checkup.iter().all(|s| s.checkup), "{checkup:?}");
    let critical = seen(include_str!("../../../../../mappings/sites/cn/report_ct_critical_value.case"), "SQWSY");
    assert!(critical.iter().any(|s| s.critical));
}

#[test]
fn tracings_and_pathology_have_their_modality() {
    let ecg = seen(include_str!("../../../../../mappings/sites/cn/ecg_village_read_by_county.case"), "QJRMYY");
    assert!(ecg.iter().any(|s| s.kind == Kind::Report && s.modality == Modality::Ecg && !s.exam.is_empty()), "{ecg:?}");
    let path = seen(include_str!("../../../../../mappings/sites/cn/pathology_read_elsewhere.case"), "QJRMYY");
    assert!(path.iter().any(|s| s.kind == Kind::Report && s.modality == Modality::Path), "{path:?}");
    let lab = seen(include_str!("../../../../../mappings/sites/cn/lab_sent_out.case"), "QJRMYY");
    assert!(lab.iter().any(|s| s.kind == Kind::Report && s.modality == Modality::Lab), "{lab:?}");
}
