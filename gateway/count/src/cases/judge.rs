//! Judging the reports of a folder by the counting rule.

use super::folder::{Class, EVIDENCE, Folder, Report, Tallied};
use super::rule::{Outcome, Scope};
use super::tally::{Cell, day_of_seconds, month_of};

/// What the rule asks of an institution on a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub(super) primary: bool,
    pub(super) above: bool,
    /// Of the city: above all communities.
    pub(super) city: bool,
    /// 0 = none.
    pub(super) community: u16,
}

/// Writes what becomes of each report, in order of its first final version.
pub(super) fn judge(folder: &Folder, facts: &mut dyn FnMut(u16, i64) -> Option<Known>, out: &mut Vec<Tallied>) {
    // nearly all have one at most
    match folder.versions.as_slice() {
        [] => return,
        [only] => {
            let report = folder.report(only.report);
            return out.push(tallied(folder, &report, alone(folder, &report, facts)));
        }
        _ => {}
    }
    let reports = folder.reports();
    let mut counted: Vec<&Report> = Vec::new();
    for report in &reports {
        let mut outcome = alone(folder, report, facts);
        if outcome == Outcome::Counted {
            if counted.iter().any(|c| c.is_of_one_examination(report)) {
                outcome = Outcome::Again;
            } else if reports.len() > 1 {
                counted.push(report);
            }
        }
        out.push(tallied(folder, report, outcome));
    }
}

/// Where a report with this outcome is tallied.
pub(super) fn tallied(folder: &Folder, r: &Report, outcome: Outcome) -> Tallied {
    let cell = Cell {
        month: month_of(day_of_seconds(r.reported)),
        exam: r.exam,
        read: r.read,
        modality: r.modality,
        outcome,
        checkup: folder.checkup,
    };
    Tallied { report: r.report, cell, record: r.record, reported: r.reported }
}

/// The first reason not to count it, whatever else is in the folder.
fn alone(folder: &Folder, r: &Report, facts: &mut dyn FnMut(u16, i64) -> Option<Known>) -> Outcome {
    match r.class {
        Class::Void => return Outcome::Void,
        Class::Open => return Outcome::NotFinal,
        Class::Final => {}
    }
    if folder.test {
        return Outcome::TestData;
    }
    if !Scope::All4.holds(r.modality) {
        return Outcome::OutOfScope;
    }
    let day = day_of_seconds(r.reported);
    let Some(exam) = facts(r.exam, day) else { return Outcome::ExamUnknown };
    if !exam.primary {
        return Outcome::ExamNotPrimary;
    }
    if r.read == r.exam {
        return Outcome::SameInstitution;
    }
    let Some(read) = facts(r.read, day) else { return Outcome::ReadUnknown };
    if !read.above {
        return Outcome::ReadNotAbove;
    }
    if !read.city && (read.community == 0 || read.community != exam.community) {
        return Outcome::OtherCommunity;
    }
    if !folder.places.iter().any(|p| p.institution == r.exam && p.kinds & EVIDENCE != 0) {
        return Outcome::NoExamEvidence;
    }
    if !r.signed {
        return Outcome::NoSignature;
    }
    Outcome::Counted
}
