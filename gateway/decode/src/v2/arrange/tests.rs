//! Grouping: standard shapes, old shapes, segments out of place, and any order at all.

use proptest::prelude::*;

use super::*;
use crate::v2::{Limits, parse};

/// A message of the type with these segments, each numbered in its first field.
fn message_of(kind: &str, segments: &str) -> String {
    let mut text = format!("MSH|^~\\&|A|B|||20260101||{kind}|1|P|2.5");
    for (i, name) in segments.split(' ').filter(|s| !s.is_empty()).enumerate() {
        text.push_str(&format!("\r{name}|{i}"));
    }
    text
}

fn show(group: GroupRef<'_>, names: &[String]) -> String {
    let items: Vec<_> = group
        .items()
        .map(|item| match item {
            Item::Segment(i) => names[i].clone(),
            Item::Group(inner) => format!("{}({})", inner.name(), show(inner, names)),
        })
        .collect();
    items.join(" ")
}

fn arranged(kind: &str, segments: &str) -> (String, Vec<String>) {
    let text = message_of(kind, segments);
    let message = parse(&text, &Limits::default()).message;
    let arrangement = arrange(&message, Grammar::get());
    let names: Vec<_> = message.iter().map(|s| s.name().to_owned()).collect();
    let told = arrangement.findings.iter().map(|f| format!("{} {}", f.rule.trim_start_matches("hl7."), f.location)).collect();
    (show(arrangement.root(), &names), told)
}

#[track_caller]
fn check(kind: &str, segments: &str, expected: &str, told: &[&str]) {
    let (shape, findings) = arranged(kind, segments);
    assert_eq!(shape, format!("MSH {expected}"));
    assert_eq!(findings, told);
}

/// The ORDER_OBSERVATION groups of one patient's result.
fn oru(orders: &str) -> String {
    format!("PATIENT_RESULT(PATIENT(PID) {orders})")
}

#[test]
fn results_as_the_standard_has_them() {
    check(
        "ORU^R01^ORU_R01",
        "PID PD1 NTE PV1 ORC OBR NTE OBX NTE NTE OBX SPM OBX OBR OBX",
        "PATIENT_RESULT(PATIENT(PID PD1 NTE VISIT(PV1)) \
         ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR NTE OBSERVATION(OBX NTE NTE) OBSERVATION(OBX) SPECIMEN(SPM SPECIMEN_OBSERVATION(OBX))) \
         ORDER_OBSERVATION(OBR OBSERVATION(OBX)))",
        &[],
    );
    check(
        "ORU^R01",
        "PID OBR OBX PID OBR OBX OBX",
        "PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX))) \
         PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX) OBSERVATION(OBX)))",
        &[],
    );
    check("ORU^R01", "OBR OBX", "PATIENT_RESULT(ORDER_OBSERVATION(OBR OBSERVATION(OBX)))", &[]);
    check(
        "ORU^R01",
        "PID ORC OBR TQ1 TQ2 CTD OBX PRT NTE FT1 CTI SPM ORC OBR OBX",
        &oru("ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR TIMING_QTY(TQ1 TQ2) CTD OBSERVATION(OBX PRT NTE) FT1 CTI SPECIMEN(SPM)) \
              ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR OBSERVATION(OBX))"),
        &[],
    );
    check(
        "ORU^R01",
        "PID ORC OBX TXA OBR OBX",
        &oru("ORDER_OBSERVATION(COMMON_ORDER(ORC ORDER_DOCUMENT(OBX TXA)) OBR OBSERVATION(OBX))"),
        &[],
    );
    check(
        "ORU^R01",
        "PID OBX PRT OBR OBX",
        "PATIENT_RESULT(PATIENT(PID PATIENT_OBSERVATION(OBX PRT)) ORDER_OBSERVATION(OBR OBSERVATION(OBX)))",
        &[],
    );
}

#[test]
fn results_as_they_come() {
    // a specimen before the results
    check("ORU^R01", "PID OBR SPM OBX NTE OBX", &oru("ORDER_OBSERVATION(OBR SPECIMEN(SPM) OBSERVATION(OBX NTE) OBSERVATION(OBX))"), &[]);
    // the visit late
    check(
        "ORU^R01",
        "PID OBR PV1 PV2 OBX OBX",
        "PATIENT_RESULT(PATIENT(PID VISIT(PV1 PV2)) ORDER_OBSERVATION(OBR OBSERVATION(OBX) OBSERVATION(OBX)))",
        &["structure.misplaced PV1[1]"],
    );
    // order and detail exchanged
    check(
        "ORU^R01",
        "PID OBR ORC OBX OBR ORC NTE OBX",
        &oru("ORDER_OBSERVATION(OBR COMMON_ORDER(ORC) OBSERVATION(OBX)) ORDER_OBSERVATION(OBR COMMON_ORDER(ORC NTE) OBSERVATION(OBX))"),
        &["structure.misplaced ORC[1]"],
    );
    check(
        "ORU^R01",
        "PID OBR OBX ORC OBR OBX",
        &oru("ORDER_OBSERVATION(OBR OBSERVATION(OBX)) ORDER_OBSERVATION(COMMON_ORDER(ORC) OBR OBSERVATION(OBX))"),
        &[],
    );
    check(
        "ORU^R01",
        "PID OBR OBX ORC TQ1 OBR OBX",
        &oru("ORDER_OBSERVATION(OBR OBSERVATION(OBX)) ORDER_OBSERVATION(COMMON_ORDER(ORC) TIMING_QTY(TQ1) OBR OBSERVATION(OBX))"),
        &["structure.misplaced OBR[2]"],
    );
    check(
        "ORU^R01",
        "PID SPM OBR NTE OBX OBR OBX",
        &oru("ORDER_OBSERVATION(SPECIMEN(SPM) OBR NTE OBSERVATION(OBX)) ORDER_OBSERVATION(OBR OBSERVATION(OBX))"),
        &["structure.misplaced OBR[1]"],
    );
    // no OBR
    check(
        "ORU^R01",
        "PID PV1 OBX NTE OBX",
        "PATIENT_RESULT(PATIENT(PID VISIT(PV1)) ORDER_OBSERVATION(OBSERVATION(OBX NTE) OBSERVATION(OBX)))",
        &["structure.missing OBR"],
    );
    check("ORU^R01", "PID ORC OBX", &oru("ORDER_OBSERVATION(COMMON_ORDER(ORC) OBSERVATION(OBX))"), &["structure.missing OBR"]);
    // notes after what takes none
    check(
        "ORU^R01",
        "PID PV1 NTE OBR TQ1 NTE OBX NTE SPM NTE",
        "PATIENT_RESULT(PATIENT(PID VISIT(PV1 NTE)) ORDER_OBSERVATION(OBR TIMING_QTY(TQ1 NTE) OBSERVATION(OBX NTE) SPECIMEN(SPM NTE)))",
        &[],
    );
    // Z segments stay with what they follow
    check(
        "ORU^R01",
        "ZMH PID ZPI OBR ZOR OBX ZOX NTE OBX",
        "ZMH PATIENT_RESULT(PATIENT(PID ZPI) ORDER_OBSERVATION(OBR ZOR OBSERVATION(OBX ZOX NTE) OBSERVATION(OBX)))",
        &[],
    );
    // what the structure does not have, and what no structure has
    check(
        "ORU^R01",
        "PID OBR OBX RXA QQQ OBX",
        &oru("ORDER_OBSERVATION(OBR OBSERVATION(OBX RXA QQQ) OBSERVATION(OBX))"),
        &["structure.misplaced RXA[1]", "segment.unknown QQQ[1]"],
    );
    check("ORU^R01", "pid OBR OBX", "PATIENT_RESULT(PATIENT(pid) ORDER_OBSERVATION(OBR OBSERVATION(OBX)))", &[]);
}

#[test]
fn admissions() {
    check(
        "ADT^A01",
        "EVN PID PD1 NK1 NK1 PV1 PV2 OBX NTE OBX AL1 DG1 PR1 ROL GT1 IN1 IN2 IN1",
        "EVN PID PD1 NEXT_OF_KIN(NK1) NEXT_OF_KIN(NK1) PV1 PV2 OBSERVATION(OBX NTE) OBSERVATION(OBX) AL1 DG1 PROCEDURE(PR1 ROL) GT1 \
         INSURANCE(IN1 IN2) INSURANCE(IN1)",
        &[],
    );
    check(
        "ADT^A04",
        "PID PV1 NK1 DG1 AL1",
        "PID PV1 NEXT_OF_KIN(NK1) DG1 AL1",
        &["structure.misplaced NK1[1]", "structure.misplaced AL1[1]", "structure.missing EVN"],
    );
    check("ADT^A40^ADT_A39", "EVN PID MRG PV1 PID MRG", "EVN PATIENT(PID MRG PV1) PATIENT(PID MRG)", &[]);
    check("ADT^A40", "EVN PID PV1", "EVN PATIENT(PID PV1)", &["structure.missing MRG"]);
    check("ADT^A08^ADT_A08", "EVN PID PV1", "EVN PID PV1", &["structure.declared MSH[1]-9"]);
}

#[test]
fn orders() {
    check(
        "ORM^O01",
        "PID PV1 IN1 AL1 ORC OBR NTE DG1 OBX NTE ORC OBR",
        "PATIENT(PID PATIENT_VISIT(PV1) INSURANCE(IN1) AL1) ORDER(ORC ORDER_DETAIL(OBR NTE DG1 OBSERVATION(OBX NTE))) ORDER(ORC ORDER_DETAIL(OBR))",
        &[],
    );
    check(
        "OML^O21",
        "PID ORC TQ1 OBR OBX SPM OBX SAC ORC OBR",
        "PATIENT(PID) ORDER(ORC TIMING(TQ1) OBSERVATION_REQUEST(OBR OBSERVATION(OBX) SPECIMEN(SPM SPECIMEN_OBSERVATION(OBX) CONTAINER(SAC)))) \
         ORDER(ORC OBSERVATION_REQUEST(OBR))",
        &[],
    );
    // prior results begin with a patient
    check(
        "OML^O21",
        "PID ORC OBR PID ORC OBR OBX",
        "PATIENT(PID) ORDER(ORC OBSERVATION_REQUEST(OBR PRIOR_RESULT(PATIENT_PRIOR(PID) ORDER_PRIOR(ORC OBR OBSERVATION_PRIOR(OBX)))))",
        &[],
    );
    check(
        "RDE^O11",
        "PID ORC RXE TQ1 RXR RXC OBX NTE ORC RXE NTE RXR",
        "PATIENT(PID) ORDER(ORC RXE TIMING_ENCODED(TQ1) RXR RXC OBSERVATION(OBX NTE)) ORDER(ORC RXE NTE RXR)",
        &[],
    );
    check("OMP^O09", "PID ORC RXO RXR OBX ORC RXO RXR", "PATIENT(PID) ORDER(ORC RXO RXR OBSERVATION(OBX)) ORDER(ORC RXO RXR)", &[]);
    check(
        "VXU^V04",
        "PID PV1 ORC RXA RXR OBX NTE ORC RXA",
        "PID PATIENT_VISIT(PV1) ORDER(ORC RXA RXR OBSERVATION(OBX NTE)) ORDER(ORC RXA)",
        &[],
    );
    // several details under one order, several encodings
    check(
        "ORM^O01",
        "PID ORC OBR OBX OBR NTE",
        "PATIENT(PID) ORDER(ORC ORDER_DETAIL(OBR OBSERVATION(OBX))) ORDER(ORDER_DETAIL(OBR NTE))",
        &["structure.missing ORC"],
    );
    check("RDE^O11", "PID ORC RXE RXR RXE RXR", "PATIENT(PID) ORDER(ORC RXE RXR) ORDER(RXE RXR)", &["structure.missing ORC"]);
    check(
        "ORU^R01",
        "PID PV1 PV1 OBR",
        "PATIENT_RESULT(PATIENT(PID VISIT(PV1 PV1)) ORDER_OBSERVATION(OBR))",
        &["structure.misplaced PV1[2]"],
    );
    // an own type is not grouped at all
    check("ZZZ^Z99", "PID OBR OBX", "PID OBR OBX", &[]);
}

proptest! {
    /// Every segment stands in exactly one group, whatever the message.
    #[test]
    fn total(kind in prop::sample::select(vec!["ORU^R01", "ADT^A01", "OML^O21", "ORM^O01", "RDE^O11", "ADT^A40", "MFN^M02", "PPR^PC1", "ZZZ^Z01"]),
             names in prop::collection::vec(prop::sample::select(vec!["MSH", "PID", "PV1", "PV2", "NK1", "ORC", "OBR", "OBX", "NTE", "SPM", "SAC",
                 "TQ1", "CTD", "PRT", "ROL", "RXO", "RXE", "RXR", "MRG", "EVN", "AL1", "DG1", "IN1", "TXA", "DSC", "MFE", "ZZZ", "QQQ", "FHS"]), 0..60)) {
        let text = message_of(kind, &names.join(" "));
        let message = parse(&text, &Limits::default()).message;
        let arrangement = arrange(&message, Grammar::get());
        let mut seen = vec![0; message.segment_count()];
        let mut pending = vec![arrangement.root()];
        while let Some(group) = pending.pop() {
            let mut last = None;
            for item in group.items() {
                match item {
                    Item::Segment(i) => {
                        seen[i] += 1;
                        prop_assert_eq!(arrangement.group_of(i).index(), group.index());
                        prop_assert!(last < Some(i), "segments of a group stand in message order");
                        last = Some(i);
                    }
                    Item::Group(inner) => {
                        prop_assert_eq!(inner.parent().map(|g| g.index()), Some(group.index()));
                        pending.push(inner);
                    }
                }
            }
        }
        prop_assert!(seen.iter().all(|n| *n == 1), "{:?}", seen);
    }
}
