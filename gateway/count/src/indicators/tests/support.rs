//! Counters and inputs that are written down.

use crate::cases::Scope;
use crate::indicators::{Counters, Given, Inputs, Library, Origin, Source, Tally};
use crate::period::Period;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

pub(super) const POSITION: u64 = 4_711;

/// What is counted and given in one example, by name, period and place.
#[derive(Default)]
pub(super) struct World {
    pub(super) tallies: Vec<(Scope, Period, Tally)>,
    pub(super) counters: BTreeMap<String, Decimal>,
    pub(super) given: Vec<(String, String, Given)>,
}

pub(super) fn library() -> Library {
    Library::builtin().unwrap()
}

pub(super) fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

pub(super) fn reported(period_text: &str, value: &str) -> Given {
    let source = Source::Reported {
        submitter: "zhao".into(),
        approver: "qian".into(),
        version: 1,
        evidence: "年报.pdf".into(),
        sha256: "0123456789abcdef".repeat(4),
    };
    Given { period: period(period_text), value: value.to_owned(), source }
}

impl World {
    /// `name=value name=value`, all of one period; a value ends where the next name begins.
    pub(super) fn of(text: &str, period_text: &str) -> World {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            match (word.split_once('='), pairs.last_mut()) {
                (Some((name, value)), _) => pairs.push((name.into(), value.into())),
                (None, Some(last)) => last.1 = format!("{} {word}", last.1),
                (None, None) => panic!("{text}"),
            }
        }
        let mut world = World::default();
        let library = library();
        let number = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.parse::<i64>().unwrap());
        if let (Some(persons), Some(cases)) = (number("persons"), number("cases")) {
            for scope in Scope::BOTH {
                world.tallies.push((scope, period(period_text), Tally { persons, cases, ..Tally::default() }));
            }
        }
        for (name, value) in pairs.iter().filter(|(n, _)| n != "persons" && n != "cases") {
            match library.input(name).map(|i| i.origin) {
                Some(Origin::Counted) => {
                    world.counters.insert(name.clone(), value.parse().unwrap());
                }
                Some(Origin::Configured) => {
                    world.give(name, "", Given { source: Source::Configured("统计年鉴".into()), ..reported(period_text, value) })
                }
                _ => match name.strip_prefix("last_year.") {
                    Some(of) => {
                        let before = (period_text.parse::<i32>().unwrap() - 1).to_string();
                        world.give(of, "", reported(&before, value));
                    }
                    None => world.give(name, "", reported(period_text, value)),
                },
            }
        }
        world
    }

    pub(super) fn give(&mut self, item: &str, institution: &str, given: Given) {
        self.given.push((item.to_owned(), institution.to_owned(), given));
    }
}

impl Counters for World {
    fn cases(&self, scope: Scope, period: Period, _institution: Option<&str>) -> Option<Tally> {
        self.tallies.iter().find(|(s, p, _)| *s == scope && *p == period).map(|(_, _, t)| t.clone())
    }

    fn counter(&self, id: &str, _period: Period, _institution: Option<&str>) -> Option<Decimal> {
        self.counters.get(id).copied()
    }

    fn position(&self) -> u64 {
        POSITION
    }
}

impl Inputs for World {
    fn given(&self, id: &str, institution: &str) -> Vec<Given> {
        let of = self.given.iter().filter(|(i, place, _)| i == id && place == institution);
        of.map(|(_, _, g)| g.clone()).collect()
    }
}
