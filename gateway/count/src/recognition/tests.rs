//! Figures of a small story, worked out by hand.

use super::definition::{DEFINITIONS, Value};
use super::*;
use crate::period::{Period, day_of};
use hutong_enforce::recognition::record::Record;
use serde_json::json;

/// 2026-09-30T10:00+08:00; one day.
pub(super) const SEPTEMBER: i64 = 1_790_733_600_000_000;
pub(super) const DAY: i64 = 86_400_000_000;

pub(super) fn record(kind: &str, id: &str, at_us: i64, rest: serde_json::Value) -> Record {
    let mut body =
        json!({"id": id, "atUs": at_us, "institution": "T1", "department": "D", "doctor": "W", "patient": "Patient/1", "channel": "v2"});
    for (key, value) in rest.as_object().unwrap() {
        body[key] = value.clone();
    }
    serde_json::from_value(json!({ kind: body })).unwrap()
}

/// An order of item K for which results are offered, each of its reminder's name and of another record of the patient.
pub(super) fn asked(id: &str, at_us: i64, order: &str, reminders: &[&str]) -> Record {
    let reminders: Vec<_> =
        reminders.iter().map(|r| json!({"id": r, "result": format!("Observation/{r}"), "patient": "Patient/2"})).collect();
    let verdict = if reminders.is_empty() { "no-prior-result" } else { "recognise" };
    let items = json!([{"item": "K", "verdict": verdict, "reminders": reminders, "marked": 2, "verified": 1}]);
    record("asked", id, at_us, json!({"trigger": "order", "order": order, "items": items, "ms": 3}))
}

pub(super) fn answered(id: &str, at_us: i64, reminder: &str, order: &str, choice: &str, reason: &str) -> Record {
    let counts = !matches!(reason, "98" | "99");
    record(
        "answered",
        id,
        at_us,
        json!({"reminder": reminder, "order": order, "item": "K", "result": format!("Observation/{reminder}"),
        "choice": choice, "reason": reason, "counts": counts, "savedFen": 800, "priceTable": "1"}),
    )
}

fn story() -> Vec<Record> {
    let at = SEPTEMBER;
    vec![
        asked("q1", at, "o1", &["r1", "r2"]),
        // the same order again, as it is signed: an order is placed once
        asked("q1b", at, "o1", &["r1", "r2"]),
        record("viewed", "v1", at, json!({"reminder": "r1", "order": "o1"})),
        record("viewed", "v2", at, json!({"reminder": "r1", "order": "o1"})),
        answered("a1", at, "r1", "o1", "recognised", ""),
        answered("a2", at, "r2", "o1", "recognised", ""),
        asked("q2", at, "o2", &["r3"]),
        answered("a3", at, "r3", "o2", "refused", "01"),
        answered("a3b", at, "r3", "o2", "recognised", ""),
        asked("q3", at, "o3", &["r4"]),
        answered("a4", at, "r4", "o3", "refused", "99"),
        asked("q4", at, "o4", &[]),
        asked("q5", at, "o5", &["r5"]),
        record("viewed", "v3", at, json!({"reminder": "r9", "isTest": true})),
    ]
}

/// Each committed when it was made, numbered from 1.
fn figures(events: &[Record]) -> Figures {
    let mut f = Figures::default();
    for (n, e) in events.iter().enumerate() {
        f.apply(e, At { seq: n as u64 + 1, us: e.at_us() });
    }
    f
}

fn of(period: &str) -> Filter {
    Filter { period: Period::parse(period).unwrap(), institution: None }
}

fn one(f: &Figures, period: &str) -> Row {
    report(f, &of(period), By::Whole).into_iter().next().unwrap_or_default()
}

fn shares(counts: &Counts) -> Vec<(i64, i64)> {
    let share = |v: Value| match v {
        Value::Share { numerator, denominator } => Some((numerator, denominator)),
        _ => None,
    };
    DEFINITIONS.iter().filter_map(|d| share(d.value(counts))).collect()
}

#[test]
fn a_story() {
    let f = figures(&story());
    let row = one(&f, "2026Q3");
    let reminder_rate = (4, 4);
    let view_rate = (1, 5);
    let recognition_rate = (2, 3);
    // o2 was refused for a reason that counts, o5 not answered at all; o3 is watched on (99) and left out
    let repetition_rate = (2, 3);
    let mark_rate = (6, 12);
    let degraded = (0, 6);
    assert_eq!(shares(&row.published), [reminder_rate, view_rate, recognition_rate, repetition_rate, mark_rate, degraded]);
    let counts = |c: Counter| row.published.get(c);
    assert_eq!((counts(Counter::Views), counts(Counter::SavedFen), counts(Counter::Test)), (2, 800, 1), "one item saves its price once");
    assert_eq!((counts(Counter::Asked), counts(Counter::RecognisedItems)), (5, 1));
    assert!(row.adjustments.is_empty() && row.after == row.published);
    let reasons = report(&f, &of("2026-09-30"), By::Reason);
    let reasons: Vec<_> = reasons.iter().map(|r| (&*r.names[0], r.after.get(Counter::Refused), r.after.get(Counter::Uncounted))).collect();
    assert_eq!(reasons, [("01", 1, 0), ("99", 0, 1)]);
    let items = report(&f, &of("2026"), By::Item);
    assert_eq!(items.iter().map(|r| &*r.names[0]).collect::<Vec<_>>(), ["", "K"], "questions and test data are of no item");
    assert!(report(&f, &Filter { institution: Some("T2".into()), ..of("2026") }, By::Whole).is_empty());
    assert!(report(&f, &of("2026Q4"), By::Whole).is_empty());
}

/// Story, then something on 2 October; the third quarter's adjustments.
fn later(then: impl FnOnce(&mut Figures, At)) -> (Row, Figures) {
    let mut f = figures(&story());
    let before = one(&f, "2026Q3").published;
    then(&mut f, At { seq: 100, us: SEPTEMBER + 2 * DAY });
    let row = one(&f, "2026Q3");
    assert_eq!(row.published, before, "what was published stays");
    for a in &row.adjustments {
        assert_eq!(a.day, day_of(SEPTEMBER + 2 * DAY));
    }
    (row, f)
}

fn told(row: &Row) -> Vec<(&'static str, i64)> {
    row.adjustments.iter().flat_map(|a| a.counts.iter()).map(|(c, n)| (c.code(), n)).collect()
}

#[test]
fn what_comes_later_adjusts_a_closed_period() {
    let at = SEPTEMBER + 2 * DAY;
    let (row, mut f) = later(|f, at| f.apply(&record("revoked", "x1", at.us, json!({"answer": "a1"})), at));
    assert_eq!(row.adjustments[0].cause, Cause::Revoked);
    assert_eq!(told(&row), [("recognised", -1)], "the price is saved by the other result still");
    f.apply(&record("revoked", "x2", at, json!({"answer": "a2"})), At { seq: 101, us: at });
    let row = one(&f, "2026Q3");
    assert_eq!(told(&row), [("repeated", 1), ("recognised", -2), ("recognised-items", -1), ("saved-fen", -800)]);
    assert_eq!((row.after.get(Counter::Recognised), row.after.get(Counter::SavedFen)), (0, 0));
    // and may be answered again, on its own day
    f.apply(&answered("a9", at, "r1", "o1", "refused", "02"), At { seq: 102, us: at });
    assert_eq!(one(&f, "2026Q4").published.get(Counter::Refused), 1);
    assert_eq!(one(&f, "2026").published.get(Counter::Refused), 2);

    let (row, _) = later(|f, at| f.change(Change::Result { reference: "Observation/r3", cancelled: true }, at));
    assert_eq!(row.adjustments[0].cause, Cause::ResultCancelled);
    assert_eq!(told(&row), [("eligible", -1), ("reminded", -1), ("repeated", -1), ("refused", -1)], "that it was shown remains");
    let (row, mut f) = later(|f, at| f.persons_changed(&["Patient/2"], &|_, _| false, at));
    assert_eq!(row.adjustments[0].cause, Cause::PersonsParted);
    let left: Vec<_> = row.after.iter().map(|(c, _)| c.code()).collect();
    assert_eq!(left, ["questions", "asked", "reminders", "viewed", "views", "marked", "verified", "test"]);
    f.persons_changed(&["Patient/1"], &|_, _| true, At { seq: 101, us: at });
    assert_eq!(one(&f, "2026Q3").after, one(&f, "2026Q3").published, "joined again");
    let (row, _) = later(|f, at| f.change(Change::Order { reference: "o5", withdrawn: true }, at));
    assert_eq!(told(&row), [("repeated", -1), ("excused", 1)]);
    let (row, _) = later(|f, at| f.apply(&record("viewed", "v9", at.us, json!({"reminder": "r2"})), at));
    assert_eq!(told(&row), [("viewed", 1)], "of the reminder's day; the view itself is of its own");
    let (row, f) = later(|f, at| f.apply(&answered("a5", at.us, "r5", "o5", "recognised", ""), at));
    assert_eq!(told(&row), [("repeated", -1)]);
    assert_eq!(one(&f, "2026Q4").published.get(Counter::Recognised), 1);
    // what was done in September and came in October
    let (row, f) = later(|f, at| f.apply(&answered("a5", SEPTEMBER, "r5", "o5", "recognised", ""), at));
    assert_eq!(told(&row), [("repeated", -1), ("recognised", 1), ("recognised-items", 1), ("saved-fen", 800)]);
    // a clock that is ahead
    let mut f2 = f;
    f2.apply(&asked("q9", SEPTEMBER + 300 * DAY, "o9", &[]), At { seq: 101, us: at });
    assert_eq!(one(&f2, "2026-10-02").published.get(Counter::Asked), 1);
}

#[test]
fn a_figure_leads_to_the_entries_it_is_made_of() {
    let (_, f) = later(|f, at| f.apply(&record("revoked", "x1", at.us, json!({"answer": "a1"})), at));
    let seqs = |counters: &[Counter], by: By, row: Option<Vec<String>>| -> Vec<(u64, i64)> {
        let wanted = Posted { counters: counters.to_vec(), row, count: 10 };
        trace(&f, &of("2026Q3"), by, &wanted).iter().map(|p| (p.seq, p.amount)).collect()
    };
    assert_eq!(seqs(&[Counter::Recognised], By::Whole, None), [(5, 1), (6, 1), (100, -1)]);
    assert_eq!(seqs(&[Counter::Refused, Counter::Uncounted], By::Reason, Some(vec!["99".into()])), [(11, 1)]);
    assert_eq!(seqs(&[Counter::Eligible], By::Institution, Some(vec!["T2".into()])), []);
    let shown = trace(&f, &of("2026"), By::Whole, &Posted { counters: vec![Counter::Refused], row: None, count: 1 });
    assert_eq!((&*shown[0].institution, &*shown[0].item, &*shown[0].reason), ("T1", "K", "01"));
}

#[test]
fn two_counts_are_compared() {
    let (left, right) = (figures(&story()), figures(&story()[1..]));
    let rows = |f: &Figures| report(f, &of("2026"), By::Finest);
    assert!(differences(&rows(&left), &rows(&left)).is_empty());
    let found = differences(&rows(&left), &rows(&right));
    assert!(found.iter().any(|d| d.counter == Counter::Questions && (d.left, d.right) == (6, 5)), "{found:?}");
    assert_eq!(differences(&rows(&left), &[]).len(), rows(&left).iter().map(|r| r.published.iter().count() * 2).sum::<usize>());
}
