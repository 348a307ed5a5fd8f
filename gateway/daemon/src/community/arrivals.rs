//! Who sent how much, day by day, and when last: for notes on the quality of data and for seeing who fell silent.

use std::collections::BTreeMap;

use hutong_commit::entry::{Entry, Final};
use hutong_commit::error::StoreError;
use hutong_commit::projection::Reader;
use hutong_count::period::{Period, day_of};

/// Entries looked at by one question of the search store.
const PAGE: u64 = 200_000;

/// Messages by what became of them: stored, rejected, held, sent again.
pub(crate) type Outcomes = [u64; 4];

/// What one source sent.
#[derive(Default)]
pub(crate) struct Sent {
    /// The last message, microseconds since 1970.
    pub(crate) last_us: i64,
    days: BTreeMap<i64, Outcomes>,
}

impl Sent {
    /// Of a period of days.
    pub(crate) fn within(&self, period: Period) -> Outcomes {
        let mut sum = Outcomes::default();
        for (_, day) in self.days.range(period.first..=period.last.max(period.first)) {
            sum.iter_mut().zip(day).for_each(|(s, n)| *s = s.saturating_add(*n));
        }
        sum
    }
}

/// All sources, by id.
#[derive(Default)]
pub(crate) struct Arrivals(BTreeMap<String, Sent>);

impl Arrivals {
    pub(super) fn follow(&mut self, entry: &Entry) {
        // acts at the gateway itself are nobody's messages; told by their type, as a start tells them too
        if !entry.message_type().contains('/') {
            self.add(entry.source(), day_of(entry.committed_us()), entry.outcome(), 1, entry.committed_us());
        }
    }

    /// Everything up to entry `upto`.
    pub(super) fn load(reader: &Reader, upto: u64) -> Result<Arrivals, StoreError> {
        let mut out = Arrivals::default();
        let mut after = 0;
        while after < upto {
            let until = upto.min(after + PAGE);
            for a in reader.arrived(after, until).map_err(|e| StoreError::Projection(format!("{e:?}")))? {
                out.add(&a.source, a.day, a.outcome, a.count, a.last_us);
            }
            after = until;
        }
        Ok(out)
    }

    fn add(&mut self, source: &str, day: i64, outcome: Final, count: u64, last_us: i64) {
        if !self.0.contains_key(source) {
            self.0.insert(source.to_owned(), Sent::default());
        }
        let Some(sent) = self.0.get_mut(source) else { return };
        sent.last_us = sent.last_us.max(last_us);
        if let Some(n) = sent.days.entry(day).or_default().get_mut(outcome as usize) {
            *n = n.saturating_add(count);
        }
    }

    pub(crate) fn of(&self, source: &str) -> Option<&Sent> {
        self.0.get(source)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Sent)> {
        self.0.iter().map(|(source, sent)| (source.as_str(), sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_a_period_are_summed() {
        let mut all = Arrivals::default();
        for (day, outcome, count) in
            [(10, Final::Stored, 5), (11, Final::Stored, 7), (11, Final::Held, 1), (12, Final::Duplicate, 2), (13, Final::Stored, 1)]
        {
            all.add("lis", day, outcome, count, day * 100);
        }
        let sent = all.of("lis").unwrap();
        assert_eq!(sent.within(Period { first: 11, last: 12 }), [7, 0, 1, 2]);
        assert_eq!(sent.within(Period { first: 14, last: 20 }), [0; 4]);
        assert_eq!(sent.last_us, 1_300);
    }
}
