//! Tallies by month, examining and reading institution, modality, outcome; with the persons of what counts.

use super::rule::Outcome;
use super::sighting::Modality;
use crate::period::Period;
use hutong_fhir::calendar::{CHINA_US, DAY_US, civil};
use hutong_fhir::quick::QuickMap;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Person of a case whose patient is not known.
pub(super) const NOBODY: u32 = u32::MAX;

/// What is tallied together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Cell {
    /// Months since January 1970.
    pub(super) month: u16,
    pub(super) exam: u16,
    pub(super) read: u16,
    pub(super) modality: Modality,
    pub(super) outcome: Outcome,
    pub(super) checkup: bool,
}

/// One word instead of six small fields: it is done for every message.
impl Hash for Cell {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let places = u64::from(self.month) << 48 | u64::from(self.exam) << 32 | u64::from(self.read) << 16;
        to.write_u64(places | u64::from(self.checkup) << 15 | (self.outcome as u64) << 8 | self.modality as u64);
    }
}

/// One cell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    pub(super) cases: u32,
    /// One for each case that counts, in no order.
    pub(super) persons: Vec<u32>,
}

/// By month. Months are behind `Arc`s: a clone is cheap, and of old ones hardly any is written to after that.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tallies {
    months: BTreeMap<u16, Arc<QuickMap<Cell, Tally>>>,
    /// One more than the highest number of a person.
    people: u32,
}

impl Tallies {
    fn month(&mut self, month: u16) -> &mut QuickMap<Cell, Tally> {
        Arc::make_mut(self.months.entry(month).or_default())
    }

    pub(super) fn add(&mut self, cell: Cell, person: u32) {
        if person != NOBODY {
            self.people = self.people.max(person + 1);
        }
        let tally = self.month(cell.month).entry(cell).or_default();
        tally.cases = tally.cases.saturating_add(1);
        if cell.outcome == Outcome::Counted {
            if tally.persons.len() == tally.persons.capacity() {
                // cells grow slowly and live for ever
                tally.persons.reserve_exact(4 + tally.persons.len() / 8);
            }
            tally.persons.push(person);
        }
    }

    pub(super) fn remove(&mut self, cell: Cell, person: u32) {
        let month = self.month(cell.month);
        let Some(tally) = month.get_mut(&cell) else { return };
        tally.cases = tally.cases.saturating_sub(1);
        if let Some(at) = tally.persons.iter().rposition(|p| *p == person) {
            tally.persons.swap_remove(at);
        }
        if tally.cases == 0 {
            month.remove(&cell);
        }
    }

    /// From a snapshot.
    pub(super) fn put(&mut self, cell: Cell, tally: Tally) {
        let most = tally.persons.iter().filter(|p| **p != NOBODY).max();
        self.people = self.people.max(most.map_or(0, |p| p + 1));
        self.month(cell.month).insert(cell, tally);
    }

    /// All cells of months, both included, in no order.
    pub(super) fn range(&self, first: u16, last: u16) -> impl Iterator<Item = (&Cell, &Tally)> {
        self.months.range(first..=last.max(first)).flat_map(|(_, cells)| cells.iter())
    }

    pub(super) fn distinct(&self) -> Distinct {
        Distinct { bits: vec![0; (self.people as usize).div_ceil(64)], few: Vec::new() }
    }
}

/// Days since 1970 in China of seconds since 1970.
pub(super) fn day_of_seconds(seconds: u32) -> i64 {
    crate::period::day_of(i64::from(seconds) * 1_000_000)
}

/// Months since January 1970 of a day since 1970.
pub(super) fn month_of(day: i64) -> u16 {
    let (year, month, _) = civil(day);
    u16::try_from((year - 1970) * 12 + month - 1).unwrap_or(0)
}

/// `2026-09`
pub(super) fn month_name(month: u16) -> String {
    format!("{:04}-{:02}", 1970 + month / 12, month % 12 + 1)
}

/// Of µs since 1970, as rows hold them.
pub(super) fn seconds(us: i64) -> u32 {
    u32::try_from(us.div_euclid(1_000_000).max(0)).unwrap_or(u32::MAX)
}

/// All seconds of a period's days in China.
pub(super) fn seconds_of(period: Period) -> RangeInclusive<u32> {
    let begin = |day: i64| day.saturating_mul(DAY_US).saturating_sub(CHINA_US);
    seconds(begin(period.first))..=seconds(begin(period.last.saturating_add(1)).saturating_sub(1))
}

/// Counts distinct persons of tallies; its memory is used again and again.
pub(super) struct Distinct {
    /// One for each person there is.
    bits: Vec<u64>,
    few: Vec<u32>,
}

impl Distinct {
    /// (distinct persons, cases without one) of lists.
    pub(super) fn count(&mut self, lists: &[&[u32]]) -> (u64, u64) {
        let all: usize = lists.iter().map(|list| list.len()).sum();
        if all < self.bits.len() / 16 {
            // among many: looking through all bits would take longer
            self.few.clear();
            self.few.extend(lists.iter().copied().flatten().filter(|p| **p != NOBODY));
            let nobody = all - self.few.len();
            self.few.sort_unstable();
            self.few.dedup();
            return (self.few.len() as u64, nobody as u64);
        }
        let mut nobody = 0;
        for list in lists {
            for person in *list {
                match self.bits.get_mut(*person as usize / 64) {
                    Some(word) => *word |= 1 << (person % 64),
                    None => nobody += 1,
                }
            }
        }
        let count = self.bits.iter().map(|word| u64::from(word.count_ones())).sum();
        self.bits.fill(0);
        (count, nobody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> Cell {
        Cell { month: 1, exam: 1, read: 2, modality: Modality::Ct, outcome: Outcome::Counted, checkup: false }
    }

    #[test]
    fn persons_are_distinct() {
        let mut tallies = Tallies::default();
        tallies.add(cell(), NOBODY);
        tallies.add(cell(), 4_999);
        let mut d = tallies.distinct();
        let mut count = |lists: &[&[u32]]| d.count(lists);
        assert_eq!(count(&[&[5, 5, 70, NOBODY], &[70, 1000]]), (3, 1), "few");
        assert_eq!(count(&[&[5]]), (1, 0));
        let many: Vec<u32> = (0..5_000).chain([NOBODY, 3, 4_999]).collect();
        assert_eq!(count(&[&many, &many]), (5_000, 2));
        assert_eq!(count(&[&many[..300], &many[200..400]]), (400, 0), "what was counted before is forgotten");
    }

    #[test]
    fn a_period_is_so_many_seconds() {
        let day = Period { first: 20_779, last: 20_779 };
        let seconds = seconds_of(day);
        assert_eq!(seconds.clone().count(), 86_400);
        assert!(seconds.clone().all(|s| day_of_seconds(s) == 20_779) && day_of_seconds(seconds.end() + 1) == 20_780);
        assert_eq!(seconds_of(Period { first: i64::MIN, last: i64::MAX }), 0..=u32::MAX);
    }

    #[test]
    fn months_have_names() {
        for (day, name) in [(0, "1970-01"), (20_779, "2026-11"), (20_818, "2026-12"), (20_819, "2027-01")] {
            assert_eq!(month_name(month_of(day)), name);
        }
    }

    #[test]
    fn what_was_added_can_be_removed() {
        let cell = cell();
        let mut t = Tallies::default();
        t.add(cell, 7);
        t.add(cell, 8);
        t.remove(cell, 7);
        assert_eq!(t.range(1, 1).map(|(_, t)| t.persons.clone()).collect::<Vec<_>>(), [[8]]);
        t.remove(cell, 8);
        assert_eq!(t.range(0, 9).count(), 0);
    }
}
