//! Random histories: what is counted live, counted anew and read plainly is the same, at the end of every period.

use super::reference::{Event, Happened, Sums, read};
use super::tests::{DAY, SEPTEMBER, record};
use super::*;
use crate::period::{Period, day_of};
use serde_json::json;
use std::collections::BTreeMap;

/// A generator that is the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len() as u64) as usize]
    }
}

const PATIENTS: [&str; 4] = ["Patient/1", "Patient/2", "Patient/3", "Patient/4"];

fn history(seed: u64) -> Vec<Event> {
    let mut r = Random(seed);
    let (mut events, mut us) = (Vec::new(), SEPTEMBER - 40 * DAY);
    let mut whose: BTreeMap<String, u32> = PATIENTS.iter().map(|p| ((*p).to_owned(), 0)).collect();
    for n in 0..10 + r.below(50) {
        // days pass, periods end, a year too
        us += [0, 1, DAY / 3, DAY, 20 * DAY][r.below(5) as usize];
        let at = At { seq: n + 1, us };
        // what senders' clocks say
        let said_at = us + [0, 0, 0, -DAY, -30 * DAY, 2 * DAY][r.below(6) as usize];
        let (order, item) = (format!("ServiceRequest/{}", r.below(4)), r.one(&["K", "GLU"]));
        // a reminder is of one result
        let told = |m: u64| (format!("m{m}"), format!("Observation/{}", m % 4));
        let (reminder, result) = told(r.below(8));
        let (choice, reason) = [("recognised", ""), ("recognised", ""), ("refused", "01"), ("refused", "99")][r.below(4) as usize];
        let mut body = json!({"institution": r.one(&["T1", "T2"]), "doctor": r.one(&["W", "L"]), "order": order,
            "patient": r.one(&PATIENTS), "isTest": r.below(12) == 0});
        let id = format!("e{n}");
        let what = match r.below(12) {
            0..4 => {
                let reminders: Vec<_> = (0..r.below(3))
                    .map(|i| {
                        let (id, result) = told(r.below(8));
                        json!({"id": id, "result": result, "patient": if i == 0 { r.one(&PATIENTS) } else { "" }})
                    })
                    .collect();
                let verdict = r.one(&["recognise", "recognise", "no-prior-result"]);
                let reminders = if verdict == "recognise" { json!(reminders) } else { json!([]) };
                body["items"] = json!([{"item": item, "verdict": verdict, "reminders": reminders, "marked": r.below(3), "verified": 1}]);
                body["trigger"] = json!(r.one(&["order", "order", "order", "visit"]));
                body["degraded"] = json!(r.below(9) == 0);
                body["ms"] = json!(1);
                Happened::Said(record("asked", &id, said_at, body))
            }
            4 => {
                body["reminder"] = json!(reminder);
                Happened::Said(record("viewed", &id, said_at, body))
            }
            5..=7 => {
                for (name, value) in [
                    ("reminder", json!(reminder)),
                    ("item", json!(item)),
                    ("result", json!(result)),
                    ("choice", json!(choice)),
                    ("reason", json!(reason)),
                    ("counts", json!(reason == "01")),
                    ("savedFen", json!(100 + r.below(900))),
                ] {
                    body[name] = value;
                }
                Happened::Said(record("answered", &id, said_at, body))
            }
            8 => {
                body["answer"] = json!(format!("e{}", r.below(n + 1)));
                Happened::Said(record("revoked", &id, said_at, body))
            }
            9 => Happened::Result(format!("Observation/{}", r.below(4)), r.below(2) == 0),
            10 => Happened::Order(order, r.below(2) == 0),
            _ => {
                let patient = r.one(&PATIENTS).to_owned();
                whose.insert(patient.clone(), r.below(2) as u32);
                Happened::Persons(vec![patient], whose.clone())
            }
        };
        events.push(Event { at, what });
    }
    events
}

fn apply(f: &mut Figures, event: &Event) {
    match &event.what {
        Happened::Said(r) => f.apply(r, event.at),
        Happened::Result(reference, cancelled) => f.change(Change::Result { reference, cancelled: *cancelled }, event.at),
        Happened::Order(reference, withdrawn) => f.change(Change::Order { reference, withdrawn: *withdrawn }, event.at),
        Happened::Persons(looked, whose) => {
            let looked: Vec<&str> = looked.iter().map(String::as_str).collect();
            f.persons_changed(&looked, &|a, b| whose.get(a) == whose.get(b), event.at);
        }
    }
}

fn sums(rows: &[Row], of: impl Fn(&Row) -> Counts) -> Sums {
    let told = rows.iter().map(|r| (r.names.clone(), of(r).iter().collect::<BTreeMap<_, _>>()));
    told.filter(|(_, counts)| !counts.is_empty()).collect()
}

#[test]
fn live_recounted_and_read_plainly_are_equal() {
    let filters = ["2026-09", "2026Q3", "2026Q4", "2026", "2027", "2026-08-25..2026-10-05"]
        .map(|p| Filter { period: Period::parse(p).unwrap(), institution: None });
    let (mut adjusted, mut counters) = (0, std::collections::BTreeSet::new());
    for seed in 0..1_000 {
        let events = history(seed);
        let mut live = Figures::default();
        let mut published = vec![None; filters.len()];
        for event in &events {
            // what was told on the evening of a period's last day
            for (filter, kept) in filters.iter().zip(&mut published) {
                if kept.is_none() && day_of(event.at.us) > filter.period.last {
                    *kept = Some(report(&live, filter, By::Finest));
                }
            }
            apply(&mut live, event);
        }
        let mut again = Figures::default();
        events.iter().for_each(|e| apply(&mut again, e));
        for (filter, kept) in filters.iter().zip(&published) {
            let rows = report(&live, filter, By::Finest);
            assert!(differences(&rows, &report(&again, filter, By::Finest)).is_empty(), "seed {seed}");
            assert_eq!(sums(&rows, |r| r.after), read(&events, i64::MAX, filter), "seed {seed}: as it holds now");
            assert_eq!(sums(&rows, |r| r.published), read(&events, filter.period.last, filter), "seed {seed}: as published");
            if let Some(kept) = kept {
                assert_eq!(sums(&rows, |r| r.published), sums(kept, |r| r.after), "seed {seed}: what was told does not change");
            }
            adjusted += rows.iter().filter(|r| !r.adjustments.is_empty()).count();
            counters.extend(rows.iter().flat_map(|r| r.after.iter()).map(|(c, _)| c));
            // every figure is the sum of its postings
            for counter in Counter::ALL {
                let postings = trace(&live, filter, By::Whole, &Posted { counters: vec![*counter], row: None, count: usize::MAX });
                let sum: i64 = postings.iter().map(|p| p.amount).sum();
                assert_eq!(sum, rows.iter().map(|r| r.after.get(*counter)).sum::<i64>(), "seed {seed} {counter:?}");
            }
        }
    }
    assert!(adjusted > 500 && counters.len() == Counter::ALL.len(), "{adjusted} {counters:?}");
}
