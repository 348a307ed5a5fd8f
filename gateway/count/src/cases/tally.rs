//! Tallies by month, examining and reading institution, modality, outcome; with the persons of what counts.

use super::quick::QuickMap;
use super::rule::Outcome;
use super::sighting::Modality;
use hutong_fhir::calendar::civil;
use std::collections::BTreeMap;

/// Person of a case whose patient is not known.
pub(super) const NOBODY: u32 = u32::MAX;

/// What is tallied together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Cell {
    /// Months since January 1970.
    pub(super) month: u16,
    pub(super) exam: u16,
    pub(super) read: u16,
    pub(super) modality: Modality,
    pub(super) outcome: Outcome,
    pub(super) checkup: bool,
}

/// One cell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    pub(super) cases: u32,
    /// One for each case that counts, in no order.
    pub(super) persons: Vec<u32>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tallies(BTreeMap<u16, QuickMap<Cell, Tally>>);

impl Tallies {
    pub(super) fn add(&mut self, cell: Cell, person: u32) {
        let tally = self.0.entry(cell.month).or_default().entry(cell).or_default();
        tally.cases = tally.cases.saturating_add(1);
        if cell.outcome == Outcome::Counted {
            if tally.persons.len() == tally.persons.capacity() {
                // cells grow slowly and live for ever
                tally.persons.reserve_exact(4 + tally.persons.len() / 4);
            }
            tally.persons.push(person);
        }
    }

    pub(super) fn remove(&mut self, cell: Cell, person: u32) {
        let Some(month) = self.0.get_mut(&cell.month) else { return };
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
    pub(super) fn put(&mut self, cell: Cell, cases: u32, persons: Vec<u32>) {
        self.0.entry(cell.month).or_default().insert(cell, Tally { cases, persons });
    }

    /// All cells of months, both included, in no order.
    pub(super) fn range(&self, first: u16, last: u16) -> impl Iterator<Item = (&Cell, &Tally)> {
        self.0.range(first..=last.max(first)).flat_map(|(_, cells)| cells)
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

/// Counts distinct persons; its memory is used again and again.
#[derive(Default)]
pub(super) struct Distinct {
    bits: Vec<u64>,
}

impl Distinct {
    /// (distinct persons, cases without one) of lists.
    pub(super) fn count<'l>(&mut self, lists: impl Iterator<Item = &'l [u32]> + Clone) -> (u64, u64) {
        let (mut count, mut nobody, mut all) = (0, 0, 0);
        for list in lists.clone() {
            all += list.len();
            for person in list {
                let (word, bit) = (*person as usize / 64, person % 64);
                if word >= self.bits.len() {
                    if *person == NOBODY {
                        nobody += 1;
                        continue;
                    }
                    self.bits.resize(word + 1 + word / 4, 0);
                }
                let Some(at) = self.bits.get_mut(word) else { continue };
                count += (*at >> bit & 1) ^ 1;
                *at |= 1 << bit;
            }
        }
        if all < self.bits.len() {
            // few persons among many: only theirs are cleared
            for person in lists.flatten() {
                if let Some(at) = self.bits.get_mut(*person as usize / 64) {
                    *at = 0;
                }
            }
        } else {
            self.bits.fill(0);
        }
        (count, nobody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_distinct() {
        let mut d = Distinct::default();
        let mut count = |lists: &[&[u32]]| d.count(lists.iter().copied());
        assert_eq!(count(&[&[5, 5, 70, NOBODY], &[70, 1000]]), (3, 1));
        assert_eq!(count(&[&[5]]), (1, 0));
        assert_eq!(count(&[&[5, 70, 1000], &[]]), (3, 0), "what was counted before is forgotten");
        assert_eq!(count(&[&(0..5_000).collect::<Vec<u32>>()]), (5_000, 0));
        assert_eq!(count(&[&[4_999, 70]]), (2, 0));
    }

    #[test]
    fn months_have_names() {
        for (day, name) in [(0, "1970-01"), (20_779, "2026-11"), (20_818, "2026-12"), (20_819, "2027-01")] {
            assert_eq!(month_name(month_of(day)), name);
        }
    }

    #[test]
    fn what_was_added_can_be_removed() {
        let cell = Cell { month: 1, exam: 1, read: 2, modality: Modality::Ct, outcome: Outcome::Counted, checkup: false };
        let mut t = Tallies::default();
        t.add(cell, 7);
        t.add(cell, 8);
        t.remove(cell, 7);
        assert_eq!(t.range(1, 1).map(|(_, t)| t.persons.clone()).collect::<Vec<_>>(), [[8]]);
        t.remove(cell, 8);
        assert_eq!(t.range(0, 9).count(), 0);
    }
}
