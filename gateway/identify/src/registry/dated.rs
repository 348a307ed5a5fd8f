//! Rows that hold from one day to another.

use super::Diff;
use super::rows::Record;
use crate::person::Date;
use hutong_fhir::calendar;
use hutong_fhir::sheet::{Fault, Row};
use std::collections::BTreeMap;

#[derive(Clone)]
struct Line<R> {
    from: Day,
    to: Day,
    record: R,
    line: usize,
}

/// Days since 1970 in China.
type Day = i64;

/// Rows by key, those of one key in the order of their days.
#[derive(Clone)]
pub(crate) struct Dated<R> {
    by_key: BTreeMap<String, Vec<Line<R>>>,
}

impl<R> Default for Dated<R> {
    fn default() -> Self {
        Dated { by_key: BTreeMap::new() }
    }
}

impl<R: Record> Dated<R> {
    /// Adds a row; columns `effective_from` and `effective_to` (both days count) may be empty.
    pub(crate) fn add(&mut self, record: R, row: Row<'_, '_>, faults: &mut Vec<Fault>) {
        let mut day = |column: &str, none: Day| match row.get(column) {
            "" => none,
            text => match Date::parse(text).filter(|d| d.is_whole()).map(number) {
                Some(day) => day,
                None => {
                    faults.push(fault(row.line(), column, "日期须写作 2026-01-31", "a date is written 2026-01-31"));
                    none
                }
            },
        };
        let (from, to) = (day("effective_from", Day::MIN), day("effective_to", Day::MAX));
        if to < from {
            faults.push(fault(row.line(), "effective_to", "失效日期早于生效日期", "it ends before it begins"));
        }
        let lines = self.by_key.entry(record.key()).or_default();
        if let Some(other) = lines.iter().find(|l| l.from <= to && from <= l.to) {
            faults.push(fault(
                row.line(),
                "effective_from",
                &format!("与第 {} 行是同一条目，且生效日期重叠", other.line),
                &format!("line {} is of the same entry, and their days overlap", other.line),
            ));
        }
        lines.push(Line { from, to, record, line: row.line() });
        lines.sort_by_key(|l| l.from);
    }

    /// Takes the place of these rows.
    pub(crate) fn replace(&mut self, new: Dated<R>) -> Diff {
        let mut diff = Diff::default();
        for (key, lines) in &new.by_key {
            match self.by_key.get(key) {
                None => diff.added.push(key.clone()),
                Some(old) => {
                    let same = old.len() == lines.len()
                        && old.iter().zip(lines).all(|(a, b)| a.from == b.from && a.to == b.to && a.record == b.record);
                    if same { diff.same += 1 } else { diff.changed.push(key.clone()) }
                }
            }
        }
        diff.removed = self.by_key.keys().filter(|k| !new.by_key.contains_key(*k)).cloned().collect();
        *self = new;
        diff
    }

    pub(crate) fn get(&self, key: &str, at_us: i64) -> Option<&R> {
        let day = calendar::china_day(at_us);
        self.by_key.get(key)?.iter().find(|l| l.from <= day && day <= l.to).map(|l| &l.record)
    }

    /// Entries of a day whose keys begin so.
    pub(crate) fn beginning(&self, prefix: String, at_us: i64) -> impl Iterator<Item = &R> {
        let day = calendar::china_day(at_us);
        let keys = self.by_key.range(prefix.clone()..).take_while(move |(key, _)| key.starts_with(&prefix));
        keys.filter_map(move |(_, lines)| lines.iter().find(|l| l.from <= day && day <= l.to)).map(|l| &l.record)
    }

    /// Whether there is or was such an entry.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// The entry, whatever the day.
    pub(crate) fn any(&self, key: &str) -> Option<&R> {
        self.by_key.get(key)?.first().map(|l| &l.record)
    }

    pub(crate) fn on(&self, at_us: i64) -> impl Iterator<Item = &R> {
        let day = calendar::china_day(at_us);
        self.by_key.values().flatten().filter(move |l| l.from <= day && day <= l.to).map(|l| &l.record)
    }

    /// All rows with their lines.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&R, usize)> {
        self.by_key.values().flatten().map(|l| (&l.record, l.line))
    }
}

fn number(d: Date) -> Day {
    calendar::days(Day::from(d.year), Day::from(d.month), Day::from(d.day))
}

fn fault(line: usize, column: &str, zh: &str, en: &str) -> Fault {
    Fault { line, column: column.to_owned(), zh: zh.to_owned(), en: en.to_owned() }
}
