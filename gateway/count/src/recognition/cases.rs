//! What a case and its answers count, as everything stands now.

use super::definition::Counter;
use super::figures::{At, Figures};
use super::ledger::{Cause, Key};

/// A result on offer: by number, with the pair of records that must be one person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Offered {
    pub(super) result: u32,
    pub(super) pair: Option<u32>,
}

/// A result or an order: whether it is off, and the cases that hang on it.
#[derive(Debug, Default)]
pub(super) struct Ruled {
    pub(super) off: bool,
    pub(super) cases: Vec<u32>,
}

/// Records of whom the doctor asked and who was examined.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) asked: String,
    pub(super) examined: String,
    pub(super) apart: bool,
    pub(super) cases: Vec<u32>,
}

/// An item of an order: where it counts if there was something to recognise, what was offered, what was answered.
#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) eligible: Option<Key>,
    pub(super) reminded: bool,
    pub(super) withdrawn: bool,
    pub(super) offered: Vec<Offered>,
    pub(super) answers: Vec<u32>,
    /// What is posted: eligible, reminded, repeated, excused.
    told: [i64; 4],
}

/// A doctor's answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) case: u32,
    pub(super) key: Key,
    pub(super) offered: Offered,
    /// Its (result, order).
    pub(super) answered: u128,
    pub(super) recognised: bool,
    pub(super) counts: bool,
    pub(super) reason: u16,
    pub(super) saved_fen: i64,
    pub(super) standing: bool,
    /// What is posted: recognised, items, fen, refused, not counted.
    pub(super) told: [i64; 5],
}

const OF_CASE: [Counter; 4] = [Counter::Eligible, Counter::Reminded, Counter::Repeated, Counter::Excused];
const OF_ANSWER: [Counter; 5] = [Counter::Recognised, Counter::RecognisedItems, Counter::SavedFen, Counter::Refused, Counter::Uncounted];

impl Figures {
    /// Posts the difference between what a case and its answers have posted and what they should.
    pub(super) fn settle(&mut self, number: u32, cause: Cause, at: At) {
        let Some(case) = self.cases.get(number as usize) else { return };
        let answers = case.answers.clone();
        let (mut recognised, mut excused) = (false, false);
        for n in answers {
            let Some(answer) = self.answers.get(n as usize) else { continue };
            let counts = answer.standing && !self.is_void(answer.offered);
            let first = counts && answer.recognised && !recognised;
            recognised |= counts && answer.recognised;
            excused |= counts && !answer.recognised && !answer.counts;
            let one = |is: bool| i64::from(counts && is);
            let now = [
                one(answer.recognised),
                // two results recognised for one item save its price once
                i64::from(first),
                if first { answer.saved_fen } else { 0 },
                one(!answer.recognised && answer.counts),
                one(!answer.recognised && !answer.counts),
            ];
            let (key, told) = (answer.key, answer.told);
            let reason = if answer.recognised { 0 } else { answer.reason };
            if let Some(answer) = self.answers.get_mut(n as usize) {
                answer.told = now;
            }
            for ((counter, now), told) in OF_ANSWER.into_iter().zip(now).zip(told) {
                self.post(key, counter, now.saturating_sub(told), reason, cause, at);
            }
        }
        let Some(case) = self.cases.get(number as usize) else { return };
        let Some(key) = case.eligible else { return };
        let holds = case.offered.is_empty() || case.offered.iter().any(|o| !self.is_void(*o));
        let excused = !recognised && (excused || case.withdrawn);
        let one = |is: bool| i64::from(holds && is);
        let now = [one(true), one(case.reminded), one(!recognised && !excused), one(excused)];
        let told = case.told;
        if let Some(case) = self.cases.get_mut(number as usize) {
            case.told = now;
        }
        for ((counter, now), told) in OF_CASE.into_iter().zip(now).zip(told) {
            self.post(key, counter, now - told, 0, cause, at);
        }
    }

    /// Whether a result is none for this order any more.
    fn is_void(&self, offered: Offered) -> bool {
        let cancelled = self.results.get(offered.result as usize).is_some_and(|r| r.off);
        cancelled || offered.pair.and_then(|p| self.pairs.get(p as usize)).is_some_and(|p| p.apart)
    }
}
