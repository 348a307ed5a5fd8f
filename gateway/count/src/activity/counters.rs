//! The counters by name, and the shapes in which they are answered.

use super::rule::Reason;
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) const VISITS_ALL: &str = "visits_all";
pub(super) const VISITS_PRIMARY: &str = "visits_primary";
pub(super) const OUTPATIENT_ALL: &str = "outpatient_all";
pub(super) const OUTPATIENT_PRIMARY: &str = "outpatient_primary";
pub(super) const OUTPATIENT_TCM: &str = "outpatient_tcm_primary";
pub(super) const TCM_VISITS: &str = "tcm_visits";
pub(super) const DISCHARGES: &str = "discharges_lead";
pub(super) const REFERRALS: &str = "referrals_down_lead";
pub(super) const OPERATIONS: &str = "operations_lead";
pub(super) const OPERATIONS_34: &str = "operations_level34_lead";
pub(super) const BED_DAYS: &str = "bed_days_used_primary";
pub(super) const VILLAGE_ECG: &str = "village_ecg_seen";
pub(super) const PRESCRIPTIONS: &str = "prescriptions";

/// Counters as `inputs.tsv` names them, with what is missing where one cannot be counted.
pub const COUNTERS: [(&str, &str, &str); 13] = [
    (
        VISITS_ALL,
        "没有收到在册机构的门急诊登记（ADT A04、A08、A03）",
        "no registration of a visit (ADT A04, A08, A03) came from a registered institution",
    ),
    (
        VISITS_PRIMARY,
        "没有收到基层机构的门急诊登记（ADT A04、A08、A03）",
        "no registration of a visit (ADT A04, A08, A03) came from a primary institution",
    ),
    (
        OUTPATIENT_ALL,
        "没有收到在册机构的门急诊登记（ADT A04、A08、A03）",
        "no registration of a visit (ADT A04, A08, A03) came from a registered institution",
    ),
    (
        OUTPATIENT_PRIMARY,
        "没有收到基层机构的门急诊登记（ADT A04、A08、A03）",
        "no registration of a visit (ADT A04, A08, A03) came from a primary institution",
    ),
    (
        OUTPATIENT_TCM,
        "基层机构的就诊登记没有科室，或科室目录没有科室类别（SD01.01.003.00）",
        "registrations of primary institutions name no department, or the registry gives departments no kind (SD01.01.003.00)",
    ),
    (
        TCM_VISITS,
        "就诊登记没有科室，或科室目录没有科室类别（SD01.01.003.00）",
        "registrations name no department, or the registry gives departments no kind (SD01.01.003.00)",
    ),
    (
        DISCHARGES,
        "没有收到牵头医院的出院消息（ADT A03），或机构目录没有标明牵头医院（leads）",
        "no discharge (ADT A03) of a lead hospital came, or the registry marks no institution as leading (leads)",
    ),
    (
        REFERRALS,
        "牵头医院的出院消息没有离院方式（PV1-36），也没有转诊消息（REF I12）",
        "discharges of the lead hospital say no disposition (PV1-36), and no referral (REF I12) came",
    ),
    (
        OPERATIONS,
        "没有收到牵头医院出院患者带手术级别的手术记录（ADT PR1-16）",
        "no operation with its level (ADT PR1-16) of the lead hospital's discharged patients came",
    ),
    (
        OPERATIONS_34,
        "没有收到牵头医院出院患者带手术级别的手术记录（ADT PR1-16）",
        "no operation with its level (ADT PR1-16) of the lead hospital's discharged patients came",
    ),
    (BED_DAYS, "没有收到基层机构的入院消息（ADT A01）", "no admission (ADT A01) of a primary institution came"),
    (VILLAGE_ECG, "没有收到心电报告", "no report of an ECG came"),
    (PRESCRIPTIONS, "没有收到处方（RDE、OMP）", "no prescription (RDE, OMP) came"),
];

/// One counter of a period.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counted {
    /// As known now.
    pub value: i64,
    /// As it was when the period closed; `None`: it is open.
    pub published: Option<i64>,
    /// What does not count, by the first reason that fits.
    pub excluded: BTreeMap<Reason, i64>,
}

/// A counter, or what is missing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Counted(Counted),
    Missing { zh: &'static str, en: &'static str },
}

/// All counters of a period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Figures {
    /// The last entry that told of activity.
    pub position: u64,
    pub counters: BTreeMap<&'static str, Answer>,
}

/// A thing that a counter is made of, or that was left out of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The first and the last entry of the journal that told of it.
    pub first: u64,
    pub last: u64,
    pub institution: String,
    /// Days since 1970.
    pub day: i32,
    /// How often it counts: bed days, operations; 1 otherwise.
    pub count: i64,
    /// Why it does not count.
    pub reason: Option<Reason>,
}
