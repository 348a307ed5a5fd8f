//! What events do to the ledger.
//!
//! What was counted once and may change later (a case: an item of an order with something to recognise; an answer) keeps
//! what it has posted. Whenever something happens to it, what it should count now is computed anew and the difference is
//! posted, with the day and the cause of what happened.

use super::cases::{Answer, Case, Offered, Pair, Ruled};
use super::definition::Counter;
use super::ledger::{Cause, Key, Ledger, Line, Who};
use crate::period::day_of;
use hutong_enforce::recognition::record::{Answered, Asked, Choice, Context, Record, Trigger, Viewed};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Where in the journal something stands, and when it was committed (microseconds since 1970).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct At {
    pub seq: u64,
    pub us: i64,
}

impl At {
    pub(super) fn day(self) -> i32 {
        i32::try_from(day_of(self.us)).unwrap_or(i32::MAX)
    }
}

/// What happens to a result or an order that was spoken of. References as in the records: `Observation/1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    /// The result is cancelled or entered in error, or stands (again).
    Result { reference: &'a str, cancelled: bool },
    /// The order is withdrawn, or stands (again).
    Order { reference: &'a str, withdrawn: bool },
}

/// A reminder as it is remembered.
#[derive(Debug)]
struct Given {
    key: Key,
    offered: Offered,
    viewed: bool,
}

/// All figures, as far as the journal was followed. Each event is to be applied once, in the journal's order.
#[derive(Debug, Default)]
pub struct Figures {
    pub(super) ledger: Ledger,
    pub(super) cases: Vec<Case>,
    pub(super) answers: Vec<Answer>,
    /// Results by number: whether they are cancelled, and the cases that they are in.
    pub(super) results: Vec<Ruled>,
    /// Orders, the same: whether they are withdrawn.
    orders: HashMap<Name, Ruled>,
    pub(super) pairs: Vec<Pair>,
    given: Vec<Given>,
    given_by: HashMap<Name, u32>,
    case_by: HashMap<Name, u32>,
    answer_by: HashMap<Name, u32>,
    result_by: HashMap<Name, u32>,
    pair_by: HashMap<Name, u32>,
    pairs_of: HashMap<Name, Vec<u32>>,
    asked: HashSet<Name>,
    /// (result, order) that are answered.
    answered: HashSet<Name>,
}

/// Texts by a hash that none share: 16 bytes instead of what hospitals and GUIDs write.
type Name = u128;

fn name(parts: &[&str]) -> Name {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, parts).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// What an answer or a question is about: the order, else the visit, else the patient on that day.
fn act(context: &Context, day: i32) -> [String; 2] {
    let what = match context {
        c if !c.order.is_empty() => format!("o|{}", c.order),
        c if !c.visit.is_empty() => format!("v|{}", c.visit),
        c => format!("p|{}|{day}", c.patient),
    };
    [context.institution.clone(), what]
}

impl Figures {
    /// Follows the journal.
    pub fn apply(&mut self, record: &Record, at: At) {
        let context = record.context();
        if context.is_test {
            let key = self.key(record.at_us(), context, "", at);
            return self.post(key, Counter::Test, 1, 0, Cause::Asked, at);
        }
        match record {
            Record::Asked(r) => self.asked(r, at),
            Record::Viewed(r) => self.viewed(r, at),
            Record::Answered(r) => self.answered(r, at),
            Record::Revoked(r) => self.revoked(&r.answer, at),
        }
    }

    /// Follows what happens to results and orders; what was never spoken of changes nothing.
    pub fn change(&mut self, change: Change<'_>, at: At) {
        let (ruled, off, cause) = match change {
            Change::Result { reference, cancelled } => {
                let ruled = self.result_by.get(&name(&[reference])).and_then(|n| self.results.get_mut(*n as usize));
                (ruled, cancelled, if cancelled { Cause::ResultCancelled } else { Cause::ResultRestored })
            }
            Change::Order { reference, withdrawn } => {
                let cause = if withdrawn { Cause::OrderWithdrawn } else { Cause::OrderRestored };
                (self.orders.get_mut(&name(&[reference])), withdrawn, cause)
            }
        };
        let Some(ruled) = ruled.filter(|r| r.off != off) else { return };
        ruled.off = off;
        for case in ruled.cases.clone() {
            if let (Change::Order { .. }, Some(case)) = (change, self.cases.get_mut(case as usize)) {
                case.withdrawn = off;
            }
            self.settle(case, cause, at);
        }
    }

    /// Whether a result that was spoken of is cancelled; `None`: it never was spoken of, and nothing hangs on it.
    pub fn result_is_off(&self, reference: &str) -> Option<bool> {
        let number = self.result_by.get(&name(&[reference]))?;
        self.results.get(*number as usize).map(|r| r.off)
    }

    /// The same of an order: whether it is withdrawn.
    pub fn order_is_off(&self, reference: &str) -> Option<bool> {
        self.orders.get(&name(&[reference])).map(|r| r.off)
    }

    /// Whether any figure hangs on two records being one person.
    pub fn has_pairs(&self) -> bool {
        !self.pairs.is_empty()
    }

    /// The persons of these records (`Patient/<id>`) may have changed: joined, parted. `same` says how it is now.
    pub fn persons_changed(&mut self, patients: &[&str], same: &dyn Fn(&str, &str) -> bool, at: At) {
        if self.pairs.is_empty() {
            return;
        }
        let mut touched: Vec<u32> = patients.iter().filter_map(|p| self.pairs_of.get(&name(&[p]))).flatten().copied().collect();
        touched.sort_unstable();
        touched.dedup();
        for n in touched {
            let Some(pair) = self.pairs.get_mut(n as usize) else { continue };
            let apart = !same(&pair.asked, &pair.examined);
            if pair.apart == apart {
                continue;
            }
            pair.apart = apart;
            let cause = if apart { Cause::PersonsParted } else { Cause::PersonsJoined };
            for case in pair.cases.clone() {
                self.settle(case, cause, at);
            }
        }
    }

    fn key(&mut self, at_us: i64, context: &Context, item: &str, at: At) -> Key {
        let who = Who { institution: context.institution.clone(), department: context.department.clone(), doctor: context.doctor.clone() };
        // a sender's clock may be ahead; nothing counts on a day that has not come
        let day = i32::try_from(day_of(at_us)).unwrap_or(i32::MAX).min(at.day());
        Key { day, who: self.ledger.who.number(&who), item: self.ledger.items.number(&item.to_owned()) }
    }

    pub(super) fn post(&mut self, key: Key, counter: Counter, amount: i64, reason: u16, cause: Cause, at: At) {
        self.ledger.post(Line { key, posted: at.day(), reason, counter, cause, amount, seq: at.seq });
    }

    fn asked(&mut self, r: &Asked, at: At) {
        let question = self.key(r.at_us, &r.context, "", at);
        self.post(question, Counter::Questions, 1, 0, Cause::Asked, at);
        self.post(question, Counter::Degraded, i64::from(r.degraded), 0, Cause::Asked, at);
        for item in &r.items {
            let key = self.key(r.at_us, &r.context, &item.item, at);
            self.post(key, Counter::Marked, i64::from(item.marked), 0, Cause::Asked, at);
            self.post(key, Counter::Verified, i64::from(item.verified), 0, Cause::Asked, at);
            let mut offered = Vec::new();
            for reminder in &item.reminders {
                let one = self.offer(&reminder.result, &r.context.patient, &reminder.patient);
                offered.push(one);
                let n = u32::try_from(self.given.len()).unwrap_or(u32::MAX);
                // the same reminder told twice is one
                if *self.given_by.entry(name(&[&reminder.id])).or_insert(n) == n {
                    self.given.push(Given { key, offered: one, viewed: false });
                    self.post(key, Counter::Reminders, 1, 0, Cause::Asked, at);
                }
            }
            if r.trigger != Trigger::Order {
                continue;
            }
            let [institution, act] = act(&r.context, key.day);
            if self.asked.insert(name(&[&institution, &act, &item.item])) {
                self.post(key, Counter::Asked, 1, 0, Cause::Asked, at);
            }
            if item.verdict == "recognise" {
                let number = self.case(&r.context, key.day, &item.item);
                if let Some(case) = self.cases.get_mut(number as usize) {
                    case.eligible.get_or_insert(key);
                    case.reminded |= !offered.is_empty();
                }
                for one in offered {
                    self.put(number, one);
                }
                self.settle(number, Cause::Asked, at);
            }
        }
    }

    /// The result of a reminder, and whose records must be one person for it.
    fn offer(&mut self, result: &str, asked: &str, examined: &str) -> Offered {
        let next = u32::try_from(self.results.len()).unwrap_or(u32::MAX);
        let number = *self.result_by.entry(name(&[result])).or_insert(next);
        if number == next {
            self.results.push(Ruled::default());
        }
        let mut pair = None;
        if !examined.is_empty() && !asked.is_empty() && examined != asked {
            let next = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
            let number = *self.pair_by.entry(name(&[asked, examined])).or_insert(next);
            if number == next {
                self.pairs.push(Pair { asked: asked.to_owned(), examined: examined.to_owned(), apart: false, cases: Vec::new() });
                for patient in [asked, examined] {
                    self.pairs_of.entry(name(&[patient])).or_default().push(number);
                }
            }
            pair = Some(number);
        }
        Offered { result: number, pair }
    }

    /// The case of an order and item, made where there is none.
    fn case(&mut self, context: &Context, day: i32, item: &str) -> u32 {
        let [institution, act] = act(context, day);
        let next = u32::try_from(self.cases.len()).unwrap_or(u32::MAX);
        let number = *self.case_by.entry(name(&[&institution, &act, item])).or_insert(next);
        if number == next {
            self.cases.push(Case::default());
            if !context.order.is_empty() {
                let ruled = self.orders.entry(name(&[&context.order])).or_default();
                ruled.cases.push(number);
                let off = ruled.off;
                if let Some(case) = self.cases.last_mut() {
                    case.withdrawn = off;
                }
            }
        }
        number
    }

    /// A case hangs on a result and on whose it is.
    fn put(&mut self, number: u32, one: Offered) {
        let Some(case) = self.cases.get_mut(number as usize) else { return };
        if case.offered.contains(&one) {
            return;
        }
        case.offered.push(one);
        self.hang(number, one);
    }

    fn hang(&mut self, number: u32, one: Offered) {
        let pair = one.pair.and_then(|p| self.pairs.get_mut(p as usize)).map(|p| &mut p.cases);
        let result = self.results.get_mut(one.result as usize).map(|r| &mut r.cases);
        for cases in [pair, result].into_iter().flatten() {
            if !cases.contains(&number) {
                cases.push(number);
            }
        }
    }

    fn viewed(&mut self, r: &Viewed, at: At) {
        let given = self.given_by.get(&name(&[&r.reminder])).copied();
        let item = given.and_then(|n| self.given.get(n as usize)).map(|g| g.key.item);
        let mut key = self.key(r.at_us, &r.context, "", at);
        key.item = item.unwrap_or(key.item);
        self.post(key, Counter::Views, 1, 0, Cause::Viewed, at);
        if let Some(given) = given.and_then(|n| self.given.get_mut(n as usize))
            && !std::mem::replace(&mut given.viewed, true)
        {
            let key = given.key;
            self.post(key, Counter::Viewed, 1, 0, Cause::Viewed, at);
        }
    }

    fn answered(&mut self, r: &Answered, at: At) {
        let key = self.key(r.at_us, &r.context, &r.item, at);
        let [institution, act] = act(&r.context, key.day);
        // once for each result and order: a second answer stands only after the first was revoked
        let answered = name(&[&r.result, &institution, &act]);
        let next = u32::try_from(self.answers.len()).unwrap_or(u32::MAX);
        if self.answer_by.contains_key(&name(&[&r.id])) || !self.answered.insert(answered) {
            return;
        }
        self.answer_by.insert(name(&[&r.id]), next);
        let given = self.given_by.get(&name(&[&r.reminder])).and_then(|n| self.given.get(*n as usize)).map(|g| g.offered);
        let offered = given.unwrap_or_else(|| self.offer(&r.result, "", ""));
        let case = self.case(&r.context, key.day, &r.item);
        let reason = self.ledger.reason(&r.reason);
        self.answers.push(Answer {
            case,
            key,
            offered,
            answered,
            recognised: r.choice == Choice::Recognised,
            counts: r.counts,
            reason,
            saved_fen: r.saved_fen,
            standing: true,
            told: Default::default(),
        });
        if let Some(case) = self.cases.get_mut(case as usize) {
            case.answers.push(next);
        }
        self.hang(case, offered);
        self.settle(case, Cause::Answered, at);
    }

    fn revoked(&mut self, answer: &str, at: At) {
        let number = self.answer_by.get(&name(&[answer])).copied();
        let Some(answer) = number.and_then(|n| self.answers.get_mut(n as usize)).filter(|a| a.standing) else { return };
        answer.standing = false;
        let (case, answered) = (answer.case, answer.answered);
        self.answered.remove(&answered);
        self.settle(case, Cause::Revoked, at);
    }
}
