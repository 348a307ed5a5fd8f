//! The figures of a period: what was published at its end, what was adjusted since, and what holds now.

use super::definition::Counter;
use super::figures::Figures;
use super::ledger::{Cause, Line, Posting, Who};
use crate::period::{Period, date_of, month_of, quarter_of};
use std::collections::BTreeMap;

/// What the rows of a report are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    Whole,
    Institution,
    Department,
    Doctor,
    Item,
    /// Reason of refusal.
    Reason,
    Day,
    Month,
    Quarter,
    /// Everything apart: for comparing two counts.
    Finest,
}

impl By {
    pub fn named(name: &str) -> Option<By> {
        Some(match name {
            "whole" => By::Whole,
            "institution" => By::Institution,
            "department" => By::Department,
            "doctor" => By::Doctor,
            "item" => By::Item,
            "reason" => By::Reason,
            "day" => By::Day,
            "month" => By::Month,
            "quarter" => By::Quarter,
            _ => return None,
        })
    }

    /// Names by which a row is told, in the order of the columns.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            By::Whole => &[],
            By::Institution => &["institution"],
            By::Department => &["institution", "department"],
            By::Doctor => &["institution", "department", "doctor"],
            By::Item => &["item"],
            By::Reason => &["reason"],
            By::Day => &["day"],
            By::Month => &["month"],
            By::Quarter => &["quarter"],
            By::Finest => &["day", "institution", "department", "doctor", "item", "reason"],
        }
    }

    fn of(self, figures: &Figures, line: &Line) -> Vec<String> {
        let none = Who::default();
        let who = figures.ledger.who.get(line.key.who).unwrap_or(&none);
        let day = i64::from(line.key.day);
        let item = || figures.ledger.items.get(line.key.item).cloned().unwrap_or_default();
        let reason = || figures.ledger.reasons.get(u32::from(line.reason)).cloned().unwrap_or_default();
        match self {
            By::Whole => Vec::new(),
            By::Institution => vec![who.institution.clone()],
            By::Department => vec![who.institution.clone(), who.department.clone()],
            By::Doctor => vec![who.institution.clone(), who.department.clone(), who.doctor.clone()],
            By::Item => vec![item()],
            By::Reason => vec![reason()],
            By::Day => vec![date_of(day)],
            By::Month => vec![month_of(day)],
            By::Quarter => vec![quarter_of(day)],
            By::Finest => {
                vec![date_of(day), who.institution.clone(), who.department.clone(), who.doctor.clone(), item(), reason()]
            }
        }
    }
}

/// Amounts of all counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts([i64; Counter::ALL.len()]);

impl Default for Counts {
    fn default() -> Counts {
        Counts([0; Counter::ALL.len()])
    }
}

impl Counts {
    pub fn get(&self, counter: Counter) -> i64 {
        self.0.get(counter as usize).copied().unwrap_or(0)
    }

    pub fn add(&mut self, counter: Counter, amount: i64) {
        if let Some(sum) = self.0.get_mut(counter as usize) {
            *sum = sum.saturating_add(amount);
        }
    }

    /// Those that are not zero.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, i64)> {
        Counter::ALL.iter().map(|c| (*c, self.get(*c))).filter(|(_, n)| *n != 0)
    }

    pub fn is_zero(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// Of what a report is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    pub period: Period,
    /// One institution's only.
    pub institution: Option<String>,
}

impl Filter {
    fn holds(&self, figures: &Figures, line: &Line) -> bool {
        self.period.holds(i64::from(line.key.day))
            && self.institution.as_ref().is_none_or(|wanted| figures.ledger.who.get(line.key.who).is_some_and(|w| w.institution == *wanted))
    }
}

/// What was posted after the period, on one day for one cause.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adjustment {
    /// Days since 1970 in China.
    pub day: i64,
    pub cause: Cause,
    pub counts: Counts,
}

/// One row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row {
    /// As [`By::columns`].
    pub names: Vec<String>,
    /// As it stood when the period ended; of one that has not ended, as it stands.
    pub published: Counts,
    pub adjustments: Vec<Adjustment>,
    /// Published and adjusted.
    pub after: Counts,
}

/// The rows of a report, in the order of their names.
pub fn report(figures: &Figures, filter: &Filter, by: By) -> Vec<Row> {
    type Parts = (Counts, BTreeMap<(i32, Cause), Counts>);
    let mut rows: BTreeMap<Vec<String>, Parts> = BTreeMap::new();
    let of_reason = |line: &&Line| by != By::Reason || matches!(line.counter, Counter::Refused | Counter::Uncounted);
    for line in figures.ledger.lines.iter().filter(|l| filter.holds(figures, l)).filter(of_reason) {
        let (published, adjusted) = rows.entry(by.of(figures, line)).or_default();
        if i64::from(line.posted) <= filter.period.last {
            published.add(line.counter, line.amount);
        } else {
            adjusted.entry((line.posted, line.cause)).or_default().add(line.counter, line.amount);
        }
    }
    let row = |(names, (published, adjusted)): (Vec<String>, Parts)| {
        let mut after = published;
        let adjustments: Vec<Adjustment> = adjusted
            .into_iter()
            .map(|((day, cause), counts)| Adjustment { day: i64::from(day), cause, counts })
            .filter(|a| !a.counts.is_zero())
            .collect();
        for (counter, amount) in adjustments.iter().flat_map(|a| a.counts.iter()) {
            after.add(counter, amount);
        }
        Row { names, published, adjustments, after }
    };
    let any = |r: &Row| !r.published.is_zero() || !r.adjustments.is_empty();
    rows.into_iter().map(row).filter(any).collect()
}

/// Which postings of a figure are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Posted {
    pub counters: Vec<Counter>,
    /// Names as in [`Row::names`]; `None`: all rows.
    pub row: Option<Vec<String>>,
    /// At most so many.
    pub count: usize,
}

/// The postings that a figure is the sum of, in the order of the journal.
pub fn trace(figures: &Figures, filter: &Filter, by: By, wanted: &Posted) -> Vec<Posting> {
    let lines = figures.ledger.lines.iter().filter(|l| filter.holds(figures, l));
    lines
        .filter(|l| wanted.counters.contains(&l.counter))
        .filter(|l| wanted.row.as_ref().is_none_or(|row| by.of(figures, l) == *row))
        .take(wanted.count)
        .map(|l| figures.ledger.shown(l))
        .collect()
}

/// Where two counts of the same do not agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub names: Vec<String>,
    pub counter: Counter,
    /// Whether it is about what was published, or about what holds now.
    pub published: bool,
    pub left: i64,
    pub right: i64,
}

/// Compares two reports of the same rows.
pub fn differences(left: &[Row], right: &[Row]) -> Vec<Difference> {
    let mut both: BTreeMap<&[String], (Row, Row)> = BTreeMap::new();
    for row in left {
        both.entry(&row.names).or_default().0 = row.clone();
    }
    for row in right {
        both.entry(&row.names).or_default().1 = row.clone();
    }
    let mut out = Vec::new();
    for (names, (l, r)) in both {
        for (published, l, r) in [(true, l.published, r.published), (false, l.after, r.after)] {
            for counter in Counter::ALL.iter().copied().filter(|c| l.get(*c) != r.get(*c)) {
                out.push(Difference { names: names.to_vec(), counter, published, left: l.get(counter), right: r.get(counter) });
            }
        }
    }
    out
}
