//! The figures of a period, by institution, department, doctor or item.

use super::figures::{Counts, Figures, Key};
use crate::period::Period;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the rows of a report are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    Whole,
    Institution,
    Department,
    Doctor,
    Item,
}

impl By {
    pub fn named(name: &str) -> Option<By> {
        Some(match name {
            "whole" => By::Whole,
            "institution" => By::Institution,
            "department" => By::Department,
            "doctor" => By::Doctor,
            "item" => By::Item,
            _ => return None,
        })
    }

    fn of(self, key: &Key) -> String {
        match self {
            By::Whole => String::new(),
            By::Institution => key.institution.clone(),
            By::Department => format!("{}|{}", key.institution, key.department),
            By::Doctor => format!("{}|{}|{}", key.institution, key.department, key.doctor),
            By::Item => key.item.clone(),
        }
    }
}

/// A share: both numbers, so that nobody has to guess what stands below the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Rate {
    pub numerator: i64,
    pub denominator: i64,
}

impl Rate {
    /// `None` where there is nothing to divide by.
    pub fn value(self) -> Option<f64> {
        (self.denominator > 0).then(|| self.numerator as f64 / self.denominator as f64)
    }
}

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    pub name: String,
    pub counts: Counts,
    /// What events of this period took back of earlier ones; not in `counts`.
    pub adjusted: Counts,
}

impl Row {
    /// 提醒率
    pub fn reminder_rate(&self) -> Rate {
        Rate { numerator: self.counts.reminded, denominator: self.counts.eligible }
    }

    /// 提醒查阅率
    pub fn view_rate(&self) -> Rate {
        Rate { numerator: self.counts.viewed, denominator: self.counts.reminders }
    }

    /// 互认率
    pub fn recognition_rate(&self) -> Rate {
        Rate { numerator: self.counts.recognised, denominator: self.counts.recognised + self.counts.refused }
    }

    /// 重复检查率
    pub fn repetition_rate(&self) -> Rate {
        Rate { numerator: self.counts.eligible - self.counts.recognised_items, denominator: self.counts.eligible }
    }

    /// 标识有效率
    pub fn mark_rate(&self) -> Rate {
        Rate { numerator: self.counts.verified, denominator: self.counts.marked }
    }
}

/// The rows of a period, in the order of their names.
pub fn report(figures: &Figures, period: Period, by: By, only_institution: Option<&str>) -> Vec<Row> {
    let mut rows: BTreeMap<String, (Counts, Counts)> = BTreeMap::new();
    let wanted = |key: &Key| only_institution.is_none_or(|i| key.institution == i);
    for (key, counts) in figures.counts().filter(|(k, _)| period.holds(k.day) && wanted(k)) {
        rows.entry(by.of(key)).or_default().0.add(counts);
    }
    for a in figures.adjustments().iter().filter(|a| period.holds(a.day) && wanted(&a.of)) {
        let row = rows.entry(by.of(&a.of)).or_default();
        // what this period took back of itself is its own figure
        if period.holds(a.of.day) { row.0.add(&a.counts) } else { row.1.add(&a.counts) }
    }
    rows.into_iter().map(|(name, (counts, adjusted))| Row { name, counts, adjusted }).collect()
}
