//! The stage between mapping and committing that says whose records a message's Patients are.
//!
//! It reads the register as it is now and writes events; they are in force once the message is committed.

use std::collections::BTreeSet;

use hutong_commit::entry::EventDraft;
use hutong_fhir::NodeRef;
use hutong_identify::{By, Decision, Event, Person};
use serde::Serialize;

use super::{Community, IDENTITY, Opened, Review, key};

/// A Patient as a message gives it.
#[derive(Clone, Copy)]
pub(crate) struct Told<'t> {
    pub(crate) id: &'t str,
    pub(crate) patient: NodeRef<'t>,
    /// Elements that the sender emptied.
    pub(crate) clear: &'t [String],
}

/// What the kind of the message says of its Patients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tie {
    None,
    /// ADT^A24: they are one person.
    Linked,
    /// ADT^A37: what was linked or merged is not one person.
    Unlinked,
}

impl Tie {
    /// Of a message type such as `ADT^A37`.
    pub(crate) fn of(message_type: &str) -> Tie {
        match message_type.split('^').nth(1) {
            Some("A24") => Tie::Linked,
            Some("A37") => Tie::Unlinked,
            _ => Tie::None,
        }
    }
}

impl Community {
    /// What is known of a record.
    pub(crate) fn known(&self, key: &str) -> Option<Person> {
        self.register.person(self.register.number(key)?)
    }

    /// Records (`Patient/<id>`) that events not yet in force make the same person as a Patient's, those that the register
    /// has with each of them included.
    pub(crate) fn same(&self, patient: &str, events: &[EventDraft]) -> Vec<String> {
        let key = key(patient);
        let links = events.iter().filter(|e| e.kind == IDENTITY).filter_map(|e| serde_json::from_slice(&e.body).ok());
        let others = links.filter_map(|event| match event {
            Event::Link { a, b, .. } if b == key => Some(a),
            Event::Link { a, b, .. } if a == key => Some(b),
            _ => None,
        });
        let records = others.flat_map(|other| self.records_of(other.strip_prefix("Patient/").unwrap_or(&other)));
        records.map(|id| super::key(&id)).collect()
    }

    /// What is compared of Patients: what they say over what is known of them. With the keys of their records.
    pub(crate) fn persons(&self, patients: &[Told<'_>]) -> Vec<(String, Person)> {
        let person = |told: &Told<'_>| {
            let key = key(told.id);
            let person = match self.known(&key) {
                Some(known) => Person::over(told.patient, &known, told.clear),
                None => Person::of(told.patient),
            };
            (key, person)
        };
        patients.iter().map(person).collect()
    }

    /// The events of a message of `source` with these Patients, in the order in which they are to be applied. `persons`:
    /// of the same Patients.
    pub(crate) fn identify(&self, patients: &[Told<'_>], persons: &[(String, Person)], tie: Tie, source: &str) -> Vec<EventDraft> {
        let mut events = Vec::new();
        for (key, person) in persons {
            if self.known(key).as_ref() != Some(person) {
                events.push(draft(&Event::Record { key: key.clone(), person: person.clone() }));
            }
        }
        let said = self.said(patients, tie, source, &mut events);
        for (key, person) in persons {
            // the institution that keeps the numbers has spoken of this one
            if !said.contains(key) {
                self.judge(key, person, &mut events);
            }
        }
        events
    }

    /// What the institution itself says of its records; the keys of which it says something.
    fn said(&self, patients: &[Told<'_>], tie: Tie, source: &str, events: &mut Vec<EventDraft>) -> BTreeSet<String> {
        let mut pairs = BTreeSet::new();
        for told in patients {
            // the survivor of a merge says the same of the other side
            for link in told.patient.children().filter(|c| c.name() == "link" && c.at("type") == Some("replaced-by")) {
                if let Some(other) = link.at("other.reference").filter(|r| r.starts_with("Patient/")) {
                    pairs.insert((other.to_owned(), key(told.id)));
                }
            }
        }
        let mut said: BTreeSet<String> = pairs.iter().flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
        let by = By::Institution(source.to_owned());
        for (a, b) in pairs {
            if !self.register.are_joined(&a, &b) {
                events.push(draft(&Event::Link { a, b, by: by.clone() }));
            }
        }
        if tie == Tie::None {
            return said;
        }
        let keys: BTreeSet<String> = patients.iter().map(|t| key(t.id)).collect();
        for a in &keys {
            for b in keys.iter().filter(|b| *b > a) {
                let (a, b, by) = (a.clone(), b.clone(), by.clone());
                events.push(draft(&if tie == Tie::Linked { Event::Link { a, b, by } } else { Event::Forget { a, b, by } }));
            }
        }
        said.extend(keys);
        said
    }

    /// What the rules say of a record.
    fn judge(&self, key: &str, person: &Person, events: &mut Vec<EventDraft>) {
        let review = match self.register.decide(person, self.register.number(key)) {
            Decision::Link(with) => {
                if let Some(other) = self.register.key(with.record) {
                    let by = By::Rules(self.register.weights().version.clone());
                    events.push(draft(&Event::Link { a: other.to_owned(), b: key.to_owned(), by }));
                }
                Review { key: key.to_owned(), candidates: Vec::new() }
            }
            Decision::Review(candidates) => Review::of(key.to_owned(), &candidates, &self.register),
            Decision::Separate => Review { key: key.to_owned(), candidates: Vec::new() },
        };
        let news = if review.candidates.is_empty() { self.reviews.is_open(key) } else { !self.reviews.asks(&review) };
        if news {
            events.push(draft(&Opened { review }));
        }
    }
}

/// An event of identities.
pub(crate) fn draft(body: &impl Serialize) -> EventDraft {
    // of our own types, none of which fails
    EventDraft { kind: IDENTITY.to_owned(), body: serde_json::to_vec(body).unwrap_or_default() }
}
