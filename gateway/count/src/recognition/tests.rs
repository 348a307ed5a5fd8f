//! Figures of a small story, of random ones in any cut, and of what is revoked later.

use super::*;
use crate::period::Period;
use hutong_enforce::recognition::record::{Record, Trigger};
use serde_json::json;

/// 2026-09-30T10:00+08:00; one day.
const SEPTEMBER: i64 = 1_790_733_600_000_000;
const DAY: i64 = 86_400_000_000;

fn record(kind: &str, id: &str, at_us: i64, rest: serde_json::Value) -> Record {
    let mut body =
        json!({"id": id, "atUs": at_us, "institution": "T1", "department": "D", "doctor": "W", "patient": "Patient/1", "channel": "v2"});
    for (key, value) in rest.as_object().unwrap() {
        body[key] = value.clone();
    }
    serde_json::from_value(json!({ kind: body })).unwrap()
}

fn asked(id: &str, at_us: i64, order: &str, item: &str, reminders: &[&str]) -> Record {
    let reminders: Vec<_> = reminders.iter().map(|r| json!({"id": r, "result": format!("Observation/{r}")})).collect();
    let verdict = if reminders.is_empty() { "no-prior-result" } else { "recognise" };
    let items = json!([{"item": item, "verdict": verdict, "reminders": reminders, "marked": 1, "verified": 1}]);
    record("asked", id, at_us, json!({"trigger": "order", "order": order, "items": items, "ms": 3}))
}

fn answered(id: &str, at_us: i64, reminder: &str, order: &str, choice: &str, reason: &str) -> Record {
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
    vec![
        asked("q1", SEPTEMBER, "o1", "K", &["r1", "r2"]),
        record("viewed", "v1", SEPTEMBER, json!({"reminder": "r1", "order": "o1"})),
        record("viewed", "v2", SEPTEMBER, json!({"reminder": "r1", "order": "o1"})),
        answered("a1", SEPTEMBER, "r1", "o1", "recognised", ""),
        answered("a2", SEPTEMBER, "r2", "o1", "recognised", ""),
        asked("q2", SEPTEMBER, "o2", "K", &["r3"]),
        answered("a3", SEPTEMBER, "r3", "o2", "refused", "01"),
        answered("a3b", SEPTEMBER, "r3", "o2", "recognised", ""),
        asked("q3", SEPTEMBER, "o3", "K", &["r4"]),
        answered("a4", SEPTEMBER, "r4", "o3", "refused", "99"),
        asked("q4", SEPTEMBER, "o4", "NA", &[]),
        record("revoked", "x1", SEPTEMBER + DAY, json!({"answer": "a1"})),
        record("viewed", "v3", SEPTEMBER, json!({"reminder": "r9", "isTest": true})),
    ]
}

fn figures(events: &[Record]) -> Figures {
    let mut f = Figures::default();
    events.iter().for_each(|e| f.apply(e));
    f
}

#[test]
fn a_story() {
    let f = figures(&story());
    let rows = report(&f, Period::parse("2026Q3").unwrap(), By::Item, None);
    assert_eq!(rows.iter().map(|r| &*r.name).collect::<Vec<_>>(), ["K", "NA"]);
    let k = &rows[0];
    let of = |r: Rate| (r.numerator, r.denominator);
    assert_eq!(of(k.reminder_rate()), (3, 3));
    assert_eq!(of(k.view_rate()), (1, 4), "viewed twice, one reminder");
    assert_eq!(k.counts.views, 2);
    assert_eq!(of(k.recognition_rate()), (2, 3), "99 is not in the denominator, a second answer to one pair counts nowhere");
    assert_eq!(of(k.repetition_rate()), (2, 3));
    assert_eq!(k.counts.saved_fen, 800, "two results of one item save its price once");
    assert_eq!(k.counts.reasons.iter().map(|(r, n)| (r.as_str(), *n)).collect::<Vec<_>>(), [("01", 1), ("99", 1)]);
    assert_eq!(of(rows[1].reminder_rate()), (0, 0));
    assert_eq!(rows[1].reminder_rate().value(), None);
}

#[test]
fn what_is_revoked_later_adjusts_the_later_period() {
    let f = figures(&story());
    let third = report(&f, Period::parse("2026Q3").unwrap(), By::Whole, None);
    assert_eq!((third[0].counts.recognised, third[0].adjusted.recognised), (2, 0), "a closed period does not change");
    let fourth = report(&f, Period::parse("2026Q4").unwrap(), By::Whole, None);
    assert_eq!((fourth[0].counts.recognised, fourth[0].adjusted.recognised, fourth[0].adjusted.saved_fen), (0, -1, -800));
    let year = report(&f, Period::parse("2026").unwrap(), By::Whole, None);
    assert_eq!((year[0].counts.recognised, year[0].counts.saved_fen, year[0].adjusted.recognised), (1, 0, 0));
    let mut again = figures(&story());
    again.apply(&answered("a9", SEPTEMBER + DAY, "r1", "o1", "refused", "02"));
    assert_eq!(
        report(&again, Period::parse("2026Q4").unwrap(), By::Whole, None)[0].counts.refused,
        1,
        "after a revocation the pair may be answered again"
    );
}

#[test]
fn live_and_recounted_are_equal_and_repeats_change_nothing() {
    let mut n = 7u64;
    let mut below = |m: u64| {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (n >> 33) % m
    };
    let mut events = Vec::new();
    for i in 0..5_000 {
        let at = SEPTEMBER + (below(200) as i64 - 100) * DAY;
        let (r, o) = (format!("r{}", below(400)), format!("o{}", below(300)));
        events.push(match below(6) {
            0 | 1 => asked(&format!("q{i}"), at, &o, "K", &[&r]),
            2 => record("viewed", &format!("v{i}"), at, json!({"reminder": r, "order": o})),
            3 => answered(&format!("a{i}"), at, &r, &o, "recognised", ""),
            4 => answered(&format!("a{i}"), at, &r, &o, "refused", ["01", "02", "98"][below(3) as usize]),
            _ => record("revoked", &format!("x{i}"), at, json!({"answer": format!("a{}", below(i + 1))})),
        });
    }
    let live = figures(&events);
    let twice: Vec<Record> = events.iter().flat_map(|e| [e.clone(), e.clone()]).collect();
    assert_eq!(live, figures(&twice));
    // what is counted apart adds up to what is counted at once
    let sum = |by: By| {
        report(&live, Period { first: i64::MIN, last: i64::MAX }, by, None).iter().fold(Counts::default(), |mut s, r| {
            s.add(&r.counts);
            s.add(&r.adjusted);
            s
        })
    };
    assert_eq!(sum(By::Whole), sum(By::Doctor));
    let whole = sum(By::Whole);
    assert!(whole.recognised > 0 && whole.refused > 0 && whole.recognised_items <= whole.recognised, "{whole:?}");
    let Record::Asked(first) = &events.iter().find(|e| matches!(e, Record::Asked(_))).unwrap() else { unreachable!() };
    assert_eq!(first.trigger, Trigger::Order);
}
