//! The shapes of what the ledger answers.

use super::rule::{Outcome, Scope};
use super::sighting::Modality;
use crate::period::Period;
use serde::Serialize;
use std::collections::BTreeMap;

/// What rows are made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// One row for all.
    County,
    /// 影像、心电、检验、病理
    Centre,
    /// Examining institution.
    Exam,
    /// Reading institution.
    Read,
    Modality,
    /// `2026-09`
    Month,
    /// 体检 or not.
    Checkup,
}

/// 人次 and 人数.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Figure {
    /// 人次
    pub cases: u64,
    /// 人数: distinct community-wide persons of the whole period.
    pub persons: u64,
    /// Cases whose patient is not known: among `cases`, not among `persons`.
    pub unidentified: u64,
    /// Of `cases`, those of a health check-up (体检).
    pub checkup: u64,
}

/// Figures of one row.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct FigureRow {
    /// By what: code of the institution, modality, centre, `2026-09`; empty for the county.
    pub key: String,
    /// As known now.
    pub now: Figure,
    /// As it was when the period closed; `None`: it is open.
    pub published: Option<Figure>,
    /// Reports that do not count, by reason.
    pub excluded: BTreeMap<Outcome, u64>,
}

/// An answer with what it takes to compute it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Figures {
    pub definition: &'static str,
    pub version: &'static str,
    pub scope: Scope,
    /// The last entry of the journal that it holds.
    pub position: u64,
    /// First and last day, days since 1970.
    #[serde(serialize_with = "days")]
    pub period: Period,
    pub closed: bool,
    /// Sorted by key.
    pub rows: Vec<FigureRow>,
}

fn days<S: serde::Serializer>(period: &Period, to: S) -> Result<S::Ok, S::Error> {
    [period.first, period.last].serialize(to)
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whole months; anything else is answered with `None`.
    pub period: Period,
    pub scope: Scope,
    pub by: By,
    /// Only what this institution examined or read.
    pub institution: Option<String>,
}

/// Why a closed period changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Cause {
    /// A message that came late: a report, a part of it, a correction, a cancellation.
    Message,
    /// Two records became one person, or one became two.
    Identity,
    /// An institution's tier, type or community changed, or it joined or left.
    Institutions,
    /// Somebody joined two parts.
    Decision,
}

/// One dated change of a closed period: `change` cases with this outcome.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Adjustment {
    /// The entry that brought it, and when (µs since 1970).
    pub seq: u64,
    pub at_us: i64,
    pub cause: Cause,
    /// The month that it changes, `2026-09`.
    pub month: String,
    pub exam: String,
    pub read: String,
    pub modality: Modality,
    pub outcome: Outcome,
    pub checkup: bool,
    /// +1 or −1
    pub change: i8,
    pub case: u32,
}

/// One report as the ledger keeps it: the end of a drill-down before the messages themselves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CaseRow {
    /// Number of the case; the same in every recount of the same journal by the same version.
    pub case: u32,
    pub outcome: Outcome,
    pub exam: String,
    pub read: String,
    pub modality: Modality,
    pub checkup: bool,
    /// Community-wide person.
    pub person: Option<u32>,
    /// First final report, µs since 1970.
    pub reported_us: i64,
    /// Minutes from order and from examination to the first final report.
    pub order_to_report: Option<u32>,
    pub exam_to_report: Option<u32>,
    pub critical: bool,
    /// Entries of the journal: evidence of the examination, and the report.
    pub evidence: Vec<u64>,
    pub report: u64,
}

/// What lacks its other half.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// Order without report.
    OrderOnly,
    /// Specimen or study without report.
    ExaminedOnly,
    /// Report without order, specimen or study.
    ReportOnly,
    /// Report that is not final yet.
    NotFinal,
    /// Somebody tells how far it is, and nothing else came.
    StatusOnly,
}

/// An orphan with its age.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Orphan {
    pub case: u32,
    pub lack: Lack,
    /// Since when, µs since 1970.
    pub since_us: i64,
    pub exam: String,
    pub modality: Modality,
    /// The entry that told of it first.
    pub seq: u64,
}

/// Two parts that may be one case: a work item for a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Doubt {
    /// The part that was examined or ordered, and the report.
    pub order_case: u32,
    pub report_case: u32,
    pub order_seq: u64,
    pub report_seq: u64,
    /// 0–100.
    pub confidence: u8,
    /// What speaks for it.
    pub because: Vec<&'static str>,
}

/// Times of one group of counted cases, in minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Spread {
    pub count: u64,
    pub median: u32,
    pub p90: u32,
    pub sum: u64,
    /// Within the limit that was asked.
    pub in_time: u64,
}

/// Quality of a period, for the quarterly report.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Quality {
    /// Centre, examining or reading institution, modality, by what was asked.
    pub key: String,
    pub order_to_report: Spread,
    pub exam_to_report: Spread,
    /// 危急值
    pub critical: u64,
    /// Specimens rejected, each once.
    pub rejected: u64,
}
