//! Random histories of links, merges and partings: what is left is what a plain reading of the events says, and what a
//! register rebuilt from them says.

use crate::{By, Event, Person, Register, Weights};
use std::collections::{BTreeMap, BTreeSet};

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn event(rng: &mut Rng, records: u64) -> Event {
    let (a, b) = (format!("r{}", rng.below(records)), format!("r{}", rng.below(records)));
    let by = By::Rules(String::new());
    match rng.below(8) {
        0..=3 => Event::Link { a, b, by },
        4 => Event::Part { a, b, by },
        5 => Event::Forget { a, b, by: By::Person("x".to_owned()) },
        _ => Event::Record { key: a, person: Person::default() },
    }
}

/// The persons by the definition: connected parts of the links in force.
fn plain(events: &[Event]) -> BTreeMap<String, BTreeSet<String>> {
    let mut records: BTreeSet<&str> = BTreeSet::new();
    let mut links: BTreeSet<(&str, &str)> = BTreeSet::new();
    for e in events {
        match e {
            Event::Record { key, .. } => {
                records.insert(key);
            }
            Event::Link { a, b, .. } | Event::Part { a, b, .. } | Event::Forget { a, b, .. } => {
                if a == b || !records.contains(a.as_str()) || !records.contains(b.as_str()) {
                    continue;
                }
                let pair = if a < b { (a.as_str(), b.as_str()) } else { (b.as_str(), a.as_str()) };
                if matches!(e, Event::Link { .. }) {
                    links.insert(pair)
                } else {
                    links.remove(&pair)
                };
            }
        }
    }
    let mut persons: Vec<BTreeSet<String>> = records.iter().map(|r| BTreeSet::from([(*r).to_owned()])).collect();
    for (a, b) in links {
        let (one, rest): (Vec<_>, Vec<_>) = persons.into_iter().partition(|p| p.contains(a) || p.contains(b));
        persons = rest;
        persons.push(one.into_iter().flatten().collect());
    }
    persons.iter().flat_map(|p| p.iter().map(|r| (r.clone(), p.clone()))).collect()
}

fn of(register: &Register) -> BTreeMap<String, BTreeSet<String>> {
    let key = |r: u32| register.key(r).unwrap().to_owned();
    (0..register.len() as u32).map(|r| (key(r), register.records_of(r).into_iter().map(key).collect())).collect()
}

#[test]
fn ten_thousand_histories() {
    let mut rng = Rng(20_261_122);
    for _ in 0..10_000 {
        let (records, length) = (2 + rng.below(9), 5 + rng.below(60));
        let events: Vec<Event> = (0..length).map(|_| event(&mut rng, records)).collect();
        let mut register = Register::new(Weights::built_in());
        events.iter().for_each(|e| register.apply(e));
        assert_eq!(of(&register), plain(&events), "{events:?}");
        let mut again = Register::new(Weights::built_in());
        events.iter().for_each(|e| again.apply(e));
        let ids = |r: &Register| (0..r.len() as u32).map(|i| r.community_id(r.person_of(i))).collect::<Vec<_>>();
        assert_eq!(ids(&register), ids(&again));
    }
}

#[test]
fn a_merge_that_is_taken_back_leaves_what_was_there() {
    let mut rng = Rng(7);
    for _ in 0..1_000 {
        let events: Vec<Event> = (0..40).map(|_| event(&mut rng, 8)).collect();
        let mut register = Register::new(Weights::built_in());
        events.iter().for_each(|e| register.apply(e));
        let (before, joined) = (of(&register), register.records_of(0));
        let Some(other) = (0..register.len() as u32).find(|r| !joined.contains(r)) else { continue };
        let (a, b) = (register.key(0).unwrap().to_owned(), register.key(other).unwrap().to_owned());
        let by = By::Institution("a40".to_owned());
        register.apply(&Event::Link { a: a.clone(), b: b.clone(), by: by.clone() });
        assert!(register.records_of(0).contains(&other));
        register.apply(&Event::Forget { a, b, by });
        assert_eq!(of(&register), before);
    }
}
