//! The ledger: amounts that were posted, one after the other, and never changed.

use super::definition::Counter;
use super::intern::Interned;
use serde::Serialize;

/// Why an amount was posted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The doctor asked, or a visit was opened.
    Asked,
    /// 调阅
    Viewed,
    /// 互认、不互认
    Answered,
    /// 撤销
    Revoked,
    /// The result was cancelled or entered in error.
    ResultCancelled,
    /// A result that had been cancelled stands again.
    ResultRestored,
    /// The records of order and result are not one person after all.
    PersonsParted,
    /// They are one person again.
    PersonsJoined,
    /// The order was withdrawn, or stands again.
    OrderWithdrawn,
    OrderRestored,
}

impl Cause {
    pub const ALL: [Cause; 10] = [
        Cause::Asked,
        Cause::Viewed,
        Cause::Answered,
        Cause::Revoked,
        Cause::ResultCancelled,
        Cause::ResultRestored,
        Cause::PersonsParted,
        Cause::PersonsJoined,
        Cause::OrderWithdrawn,
        Cause::OrderRestored,
    ];

    pub fn code(self) -> &'static str {
        self.texts().0
    }

    pub fn zh(self) -> &'static str {
        self.texts().1
    }

    pub fn en(self) -> &'static str {
        self.texts().2
    }

    fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Cause::Asked => ("asked", "补报的提醒", "a question that came late"),
            Cause::Viewed => ("viewed", "期后调阅", "viewed after the period"),
            Cause::Answered => ("answered", "期后作出的决定", "answered after the period"),
            Cause::Revoked => ("revoked", "撤销", "revoked"),
            Cause::ResultCancelled => ("result-cancelled", "结果作废", "the result was cancelled"),
            Cause::ResultRestored => ("result-restored", "结果恢复", "the result stands again"),
            Cause::PersonsParted => ("persons-parted", "患者拆分", "the patients were parted"),
            Cause::PersonsJoined => ("persons-joined", "患者合并", "the patients were joined"),
            Cause::OrderWithdrawn => ("order-withdrawn", "医嘱撤回", "the order was withdrawn"),
            Cause::OrderRestored => ("order-restored", "医嘱恢复", "the order stands again"),
        }
    }
}

/// Who did it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(super) struct Who {
    pub(super) institution: String,
    pub(super) department: String,
    pub(super) doctor: String,
}

/// Where something counts: a day in China (days since 1970), whose it is, what was ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    pub(super) day: i32,
    pub(super) who: u32,
    pub(super) item: u32,
}

/// One line. 40 bytes: a county writes some thousands a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line {
    pub(super) key: Key,
    /// The day on which it was posted: never before the day it is of.
    pub(super) posted: i32,
    pub(super) reason: u16,
    pub(super) counter: Counter,
    pub(super) cause: Cause,
    pub(super) amount: i64,
    /// Entry of the journal that it is from.
    pub(super) seq: u64,
}

/// One line as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Posting {
    /// Days since 1970 in China: the day it counts on, and the day it was posted on.
    pub day: i64,
    pub posted: i64,
    pub institution: String,
    pub department: String,
    pub doctor: String,
    pub item: String,
    pub counter: Counter,
    /// Code of the reason of a refusal.
    pub reason: String,
    pub cause: Cause,
    pub amount: i64,
    /// Entry of the journal.
    pub seq: u64,
}

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) who: Interned<Who>,
    pub(super) items: Interned<String>,
    pub(super) reasons: Interned<String>,
    pub(super) lines: Vec<Line>,
}

impl Default for Ledger {
    fn default() -> Ledger {
        let mut reasons = Interned::default();
        // number 0: none
        reasons.number(&String::new());
        Ledger { who: Interned::default(), items: Interned::default(), reasons, lines: Vec::new() }
    }
}

impl Ledger {
    pub(super) fn reason(&mut self, code: &str) -> u16 {
        // a list of reasons has some ten lines; whatever senders invent beyond the number of u16 is one reason
        if self.reasons.find(&code.to_owned()).is_none() && self.reasons.len() >= usize::from(u16::MAX) {
            return u16::MAX;
        }
        u16::try_from(self.reasons.number(&code.to_owned())).unwrap_or(u16::MAX)
    }

    pub(super) fn post(&mut self, line: Line) {
        if line.amount != 0 {
            self.lines.push(Line { posted: line.posted.max(line.key.day), ..line });
        }
    }

    pub(super) fn shown(&self, line: &Line) -> Posting {
        let who = self.who.get(line.key.who).cloned().unwrap_or_default();
        let text = |of: &Interned<String>, n: u32| of.get(n).cloned().unwrap_or_default();
        Posting {
            day: i64::from(line.key.day),
            posted: i64::from(line.posted),
            institution: who.institution,
            department: who.department,
            doctor: who.doctor,
            item: text(&self.items, line.key.item),
            counter: line.counter,
            reason: text(&self.reasons, u32::from(line.reason)),
            cause: line.cause,
            amount: line.amount,
            seq: line.seq,
        }
    }
}
