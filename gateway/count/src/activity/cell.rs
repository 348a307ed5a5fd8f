//! What is tallied, by day.

use super::rule::Reason;
use std::collections::BTreeMap;

/// How a visit was attended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Group {
    /// 门急诊
    Outpatient,
    /// 诊疗人次 outside 门急诊.
    Other,
    Inpatient,
    /// None of them.
    None,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum What {
    /// A visit began; `with` is its department.
    Visit(Group),
    /// A bed was taken, and left: the first day on which it was used, and the first on which it was not.
    BedIn,
    BedOut,
    /// A stay ended; `with` is 离院方式.
    Discharge,
    /// A patient was referred; `with` is the institution. `true`: what was said means a primary one.
    Referred(bool),
    /// An operation of this level.
    Operation(u8),
    Tracing,
    Prescription,
}

/// What is tallied together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Cell {
    /// Days since 1970.
    pub(super) day: i32,
    pub(super) what: What,
    /// Number of the institution.
    pub(super) place: u32,
    /// Number of another text.
    pub(super) with: u32,
    /// `None`: it counts, as far as can be told without the registries.
    pub(super) reason: Option<Reason>,
}

impl Cell {
    /// Beds are counted from the first day on: they are kept apart from what is asked by period.
    pub(super) fn is_bed(&self) -> bool {
        matches!(self.what, What::BedIn | What::BedOut)
    }
}

/// Cells with how often they occur, in the order of their days.
pub(super) type Tally = BTreeMap<Cell, u32>;

pub(super) fn add(tally: &mut Tally, cell: Cell, by: i8) {
    let n = tally.entry(cell).or_default();
    *n = n.saturating_add_signed(i32::from(by));
    if *n == 0 {
        tally.remove(&cell);
    }
}
