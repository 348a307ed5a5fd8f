//! Records of which somebody has to say whether they are one person (待审核).

use std::collections::BTreeMap;

use hutong_identify::{Candidate, Event, Register};
use serde::{Deserialize, Serialize};

/// A record and those that may be the same person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Review {
    pub(crate) key: String,
    /// Best first; none: there is nothing to look at any more.
    pub(crate) candidates: Vec<Suspect>,
}

/// A record that may be the same person, and what speaks for and against it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Suspect {
    pub(crate) key: String,
    pub(crate) weight: f32,
    pub(crate) reason: String,
    pub(crate) evidence: Vec<Proof>,
}

/// How one field agrees.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) field: String,
    pub(crate) level: String,
    pub(crate) weight: f32,
}

impl Review {
    pub(crate) fn of(key: String, candidates: &[Candidate], register: &Register) -> Review {
        let suspect = |c: &Candidate| {
            let evidence = c.score.evidence.iter();
            let evidence = evidence.map(|e| Proof { field: e.field.to_owned(), level: e.level.to_owned(), weight: e.weight }).collect();
            let key = register.key(c.record)?.to_owned();
            Some(Suspect { key, weight: c.score.weight, reason: c.reason.as_str().to_owned(), evidence })
        };
        Review { key, candidates: candidates.iter().filter_map(suspect).collect() }
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.candidates.iter().map(|c| c.key.as_str())
    }
}

/// A review and since when it is open.
pub(crate) struct Open {
    pub(crate) review: Review,
    /// µs since 1970.
    pub(crate) since_us: i64,
}

/// All reviews that are open, by key of the record.
#[derive(Default)]
pub(crate) struct Reviews(BTreeMap<String, Open>);

impl Reviews {
    /// Opens one, in place of an earlier one of the same record.
    pub(crate) fn open(&mut self, review: Review, at_us: i64) {
        if review.candidates.is_empty() {
            self.0.remove(&review.key);
            return;
        }
        let since_us = self.0.get(&review.key).map_or(at_us, |open| open.since_us);
        self.0.insert(review.key.clone(), Open { review, since_us });
    }

    /// What was said of two records needs no review any more.
    ///
    /// `register`: after the event.
    pub(crate) fn follow(&mut self, event: &Event, register: &Register) {
        let (Event::Link { a, b, .. } | Event::Part { a, b, .. }) = event else { return };
        if self.0.is_empty() {
            return;
        }
        // what holds for a record holds for all of its person
        let records = [a, b].into_iter().filter_map(|key| register.number(key)).flat_map(|n| register.records_of(n));
        for record in records {
            let Some(key) = register.key(record) else { continue };
            let Some(open) = self.0.get_mut(key) else { continue };
            open.review.candidates.retain(|c| {
                register
                    .number(&c.key)
                    .is_some_and(|n| register.person_of(n) != register.person_of(record) && !register.are_kept_apart(n, record))
            });
            if open.review.candidates.is_empty() {
                self.0.remove(key);
            }
        }
    }

    /// Whether the very same is open already.
    pub(crate) fn asks(&self, review: &Review) -> bool {
        self.0.get(&review.key).is_some_and(|open| open.review.keys().eq(review.keys()))
    }

    pub(crate) fn is_open(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Keys of the records that may be the same person as this one.
    pub(crate) fn candidates(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.get(key).into_iter().flat_map(|open| open.review.keys())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.0.values()
    }
}
