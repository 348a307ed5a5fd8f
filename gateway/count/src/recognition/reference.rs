//! The figures by a plain reading: all events up to a day are looked at again and again, and nothing is remembered. Written
//! apart from what it judges, from `gateway/docs/recognition-figures.md`.

use super::*;
use crate::period::day_of;
use hutong_enforce::recognition::record::{Answered, Choice, Context, Record, Trigger};
use std::collections::{BTreeMap, BTreeSet};

/// What happened, in the order of the journal.
#[allow(clippy::large_enum_variant, reason = "a test holds a few dozen")]
#[derive(Clone)]
pub(super) enum Happened {
    Said(Record),
    Result(String, bool),
    Order(String, bool),
    /// These patients were looked at again; whose each patient is now.
    Persons(Vec<String>, BTreeMap<String, u32>),
}

#[derive(Clone)]
pub(super) struct Event {
    pub(super) at: At,
    pub(super) what: Happened,
}

/// (day, institution, department, doctor, item, reason) → counter → amount
pub(super) type Sums = BTreeMap<Vec<String>, BTreeMap<Counter, i64>>;

/// All figures of days within a period, from what was journalled up to the day `until`.
pub(super) fn read(events: &[Event], until: i64, filter: &Filter) -> Sums {
    let events: Vec<&Event> = events.iter().filter(|e| day_of(e.at.us) <= until).collect();
    let mut sums = Sums::new();
    let mut add = |at: At, context: &Context, at_us: i64, item: &str, reason: &str, counter: Counter, n: i64| {
        let day = day_of(at_us).min(day_of(at.us));
        if n == 0 || !filter.period.holds(day) || filter.institution.as_ref().is_some_and(|i| *i != context.institution) {
            return;
        }
        let names = [&crate::period::date_of(day), &context.institution, &context.department, &context.doctor, item, reason];
        *sums.entry(names.iter().map(|n| (*n).to_string()).collect()).or_default().entry(counter).or_default() += n;
    };
    let mut reminders_told = BTreeSet::new();
    let mut items_asked = BTreeSet::new();
    let mut items_eligible = BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        let Happened::Said(record) = &event.what else { continue };
        let at = event.at;
        match record {
            r if is_test(r) => add(at, r.context(), r.at_us(), "", "", Counter::Test, 1),
            Record::Asked(r) => {
                add(at, &r.context, r.at_us, "", "", Counter::Questions, 1);
                add(at, &r.context, r.at_us, "", "", Counter::Degraded, i64::from(r.degraded));
                for i in &r.items {
                    add(at, &r.context, r.at_us, &i.item, "", Counter::Marked, i64::from(i.marked));
                    add(at, &r.context, r.at_us, &i.item, "", Counter::Verified, i64::from(i.verified));
                    for reminder in i.reminders.iter().filter(|m| reminders_told.insert(m.id.clone())) {
                        add(at, &r.context, r.at_us, &i.item, "", Counter::Reminders, 1);
                        let viewed = said(&events[index..])
                            .any(|(_, _, v)| matches!(v, Record::Viewed(v) if v.reminder == reminder.id && !v.context.is_test));
                        add(at, &r.context, r.at_us, &i.item, "", Counter::Viewed, i64::from(viewed));
                    }
                    if r.trigger != Trigger::Order {
                        continue;
                    }
                    let case = (r.context.institution.clone(), r.context.order.clone(), i.item.clone());
                    if items_asked.insert(case.clone()) {
                        add(at, &r.context, r.at_us, &i.item, "", Counter::Asked, 1);
                    }
                    if i.verdict != "recognise" || !items_eligible.insert(case.clone()) {
                        continue;
                    }
                    let state = state(&events, index, &case);
                    for (counter, is) in [
                        (Counter::Eligible, state.holds),
                        (Counter::Reminded, state.holds && state.reminded),
                        (Counter::Repeated, state.holds && !state.recognised && !state.excused),
                        (Counter::Excused, state.holds && !state.recognised && state.excused),
                    ] {
                        add(at, &r.context, r.at_us, &i.item, "", counter, i64::from(is));
                    }
                }
            }
            Record::Viewed(r) => {
                let item = said(&events[..index]).find_map(|(_, _, a)| match a {
                    Record::Asked(a) if !a.context.is_test => {
                        a.items.iter().find(|i| i.reminders.iter().any(|m| m.id == r.reminder)).map(|i| i.item.clone())
                    }
                    _ => None,
                });
                add(at, &r.context, r.at_us, &item.unwrap_or_default(), "", Counter::Views, 1);
            }
            Record::Answered(r) => {
                if !in_force(&events, index, r) {
                    continue;
                }
                match r.choice {
                    Choice::Recognised => {
                        add(at, &r.context, r.at_us, &r.item, "", Counter::Recognised, 1);
                        let earlier = said(&events[..index]).any(|(n, _, e)| {
                            matches!(e, Record::Answered(e) if e.choice == Choice::Recognised && e.item == r.item
                                && e.context.order == r.context.order && e.context.institution == r.context.institution
                                && !e.context.is_test && in_force(&events, n, e))
                        });
                        if !earlier {
                            add(at, &r.context, r.at_us, &r.item, "", Counter::RecognisedItems, 1);
                            add(at, &r.context, r.at_us, &r.item, "", Counter::SavedFen, r.saved_fen);
                        }
                    }
                    Choice::Refused => {
                        let counter = if r.counts { Counter::Refused } else { Counter::Uncounted };
                        add(at, &r.context, r.at_us, &r.item, &r.reason, counter, 1);
                    }
                }
            }
            Record::Revoked(_) => {}
        }
    }
    for counts in sums.values_mut() {
        counts.retain(|_, n| *n != 0);
    }
    sums.retain(|_, counts| !counts.is_empty());
    sums
}

fn is_test(record: &Record) -> bool {
    record.context().is_test
}

fn said<'e>(events: &'e [&'e Event]) -> impl Iterator<Item = (usize, At, &'e Record)> {
    events.iter().enumerate().filter_map(|(n, e)| match &e.what {
        Happened::Said(r) => Some((n, e.at, r)),
        _ => None,
    })
}

struct State {
    holds: bool,
    reminded: bool,
    recognised: bool,
    excused: bool,
}

type CaseOf = (String, String, String);

fn state(events: &[&Event], first: usize, case: &CaseOf) -> State {
    let mut offered = Vec::new();
    for (n, _, record) in said(events) {
        let Record::Asked(r) = record else { continue };
        if r.context.is_test || r.trigger != Trigger::Order || (&r.context.institution, &r.context.order) != (&case.0, &case.1) {
            continue;
        }
        for item in r.items.iter().filter(|i| i.item == case.2 && i.verdict == "recognise") {
            offered.extend(item.reminders.iter().map(|m| (n, m.result.clone(), r.context.patient.clone(), m.patient.clone())));
        }
    }
    let mut answers = Vec::new();
    for (n, _, record) in said(events) {
        if let Record::Answered(r) = record
            && (&r.context.institution, &r.context.order, &r.item) == (&case.0, &case.1, &case.2)
            && !r.context.is_test
            && in_force(events, n, r)
        {
            answers.push(r);
        }
    }
    // an order is known from its first question or answer about something to recognise
    let known = said(events).find(|(_, _, r)| {
        matches!(r, Record::Answered(r) if !r.context.is_test && r.context.order == case.1)
            || matches!(r, Record::Asked(r) if !r.context.is_test && r.trigger == Trigger::Order && r.context.order == case.1
            && r.items.iter().any(|i| i.verdict == "recognise"))
    });
    let from = known.map_or(first, |(n, _, _)| n);
    let withdrawn = last(&events[from..], |h| match h {
        Happened::Order(order, off) if *order == case.1 => Some(*off),
        _ => None,
    });
    State {
        holds: offered.is_empty() || offered.iter().any(|(_, result, asked, examined)| !is_void(events, result, asked, examined)),
        reminded: !offered.is_empty(),
        recognised: answers.iter().any(|a| a.choice == Choice::Recognised),
        excused: withdrawn.unwrap_or(false) || answers.iter().any(|a| a.choice == Choice::Refused && !a.counts),
    }
}

fn last<T>(events: &[&Event], pick: impl Fn(&Happened) -> Option<T>) -> Option<T> {
    events.iter().rev().find_map(|e| pick(&e.what))
}

/// Whether an answer was taken, is not revoked, and its result still is one for its order.
fn in_force(events: &[&Event], index: usize, answer: &Answered) -> bool {
    if !taken(events, index, answer) || is_revoked(&events[index..], &answer.id) {
        return false;
    }
    let given = said(&events[..index]).find_map(|(_, _, r)| match r {
        Record::Asked(a) if !a.context.is_test => {
            let reminder = a.items.iter().flat_map(|i| &i.reminders).find(|m| m.id == answer.reminder)?;
            Some((reminder.result.clone(), a.context.patient.clone(), reminder.patient.clone()))
        }
        _ => None,
    });
    let (result, asked, examined) = given.unwrap_or((answer.result.clone(), String::new(), String::new()));
    !is_void(events, &result, &asked, &examined)
}

/// Not where another answer stood for the same result and order at the time.
fn taken(events: &[&Event], index: usize, answer: &Answered) -> bool {
    let mut standing: Option<&str> = None;
    for (n, _, record) in said(&events[..=index]) {
        match record {
            Record::Answered(r)
                if standing.is_none()
                    && !r.context.is_test
                    && (&r.result, &r.context.order, &r.context.institution)
                        == (&answer.result, &answer.context.order, &answer.context.institution) =>
            {
                standing = Some(&r.id);
                if n == index {
                    return true;
                }
            }
            Record::Revoked(r) if !r.context.is_test && standing == Some(&*r.answer) => standing = None,
            _ => {}
        }
    }
    false
}

fn is_revoked(after: &[&Event], id: &str) -> bool {
    said(after).any(|(_, _, r)| matches!(r, Record::Revoked(r) if r.answer == id && !r.context.is_test))
}

fn is_void(events: &[&Event], result: &str, asked: &str, examined: &str) -> bool {
    let mentions = |r: &Record| match r {
        Record::Asked(a) => !a.context.is_test && a.items.iter().flat_map(|i| &i.reminders).any(|m| m.result == result),
        Record::Answered(a) => !a.context.is_test && a.result == result,
        _ => false,
    };
    let Some(known) = said(events).find(|(_, _, r)| mentions(r)).map(|(n, _, _)| n) else { return false };
    let cancelled = last(&events[known..], |h| match h {
        Happened::Result(r, off) if r == result => Some(*off),
        _ => None,
    });
    if cancelled == Some(true) {
        return true;
    }
    if asked.is_empty() || examined.is_empty() || asked == examined {
        return false;
    }
    let pair = |r: &Record| {
        matches!(r, Record::Asked(a) if !a.context.is_test && a.context.patient == asked
        && a.items.iter().flat_map(|i| &i.reminders).any(|m| m.patient == examined))
    };
    let Some(known) = said(events).find(|(_, _, r)| pair(r)).map(|(n, _, _)| n) else { return false };
    let apart = last(&events[known..], |h| match h {
        Happened::Persons(looked, whose) if looked.iter().any(|p| p == asked || p == examined) => {
            Some(whose.get(asked) != whose.get(examined))
        }
        _ => None,
    });
    apart == Some(true)
}
