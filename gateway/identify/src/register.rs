//! The register of persons: records, and what holds them together. A function of the events of the journal alone.
//!
//! A link joins two records, a merge of an institution (ADT^A40) too, a parting takes both back. Persons are the
//! connected parts of the graph of what is in force, so a merge that is undone leaves what would be there without it,
//! whatever happened in between.

use crate::index::{Already, Index};
use crate::packed::{Packed, Systems};
use crate::person::Person;
use crate::text::hash;
use crate::weights::Weights;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

/// Who or what joined or parted records.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The rules, with the version of the weights.
    Rules(String),
    /// A message of an institution that keeps the numbers (A40, A37).
    Institution(String),
    /// Somebody at the review queue.
    Person(String),
}

/// What happens to a register.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A record came, or came again with other content. The key names it for ever: source and local id.
    Record { key: String, person: Person },
    /// Two records are one person.
    Link { a: String, b: String, by: By },
    /// Two records are not one person: a link between them is undone, and none is made again.
    Part { a: String, b: String, by: By },
    /// As if nobody had said anything about the two.
    Forget { a: String, b: String, by: By },
}

/// Number of a person: that of its earliest record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PersonId(pub u32);

struct Record {
    packed: Packed,
    /// The earliest record of the person.
    root: u32,
}

/// All records and persons.
pub struct Register {
    weights: Weights,
    records: Vec<Record>,
    /// By the hash of the key; a key whose hash is another's stands in `collided`.
    by_key: HashMap<u64, u32, BuildHasherDefault<Already>>,
    collided: HashMap<Box<str>, u32>,
    systems: Systems,
    /// Records joined to one, sorted.
    joined: HashMap<u32, Vec<u32>>,
    /// All records of persons with more than one, by the earliest, sorted.
    members: HashMap<u32, Vec<u32>>,
    apart: BTreeSet<(u32, u32)>,
    index: Index,
}

impl Register {
    pub fn new(weights: Weights) -> Register {
        Register {
            weights,
            records: Vec::new(),
            by_key: HashMap::default(),
            collided: HashMap::new(),
            systems: Systems::default(),
            joined: HashMap::new(),
            members: HashMap::new(),
            apart: BTreeSet::new(),
            index: Index::default(),
        }
    }

    /// Follows the journal. Events about records that are not known are left out: the journal holds none such.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Record { key, person } => self.record(key, person),
            Event::Link { a, b, .. } => self.with(a, b, |r, a, b| {
                r.apart.remove(&order(a, b));
                r.join(a, b);
            }),
            Event::Part { a, b, .. } => self.with(a, b, |r, a, b| {
                r.apart.insert(order(a, b));
                r.part(a, b);
            }),
            Event::Forget { a, b, .. } => self.with(a, b, |r, a, b| {
                r.apart.remove(&order(a, b));
                r.part(a, b);
            }),
        }
    }

    fn with(&mut self, a: &str, b: &str, act: impl FnOnce(&mut Register, u32, u32)) {
        if let (Some(a), Some(b)) = (self.number(a), self.number(b))
            && a != b
        {
            act(self, a, b);
        }
    }

    fn record(&mut self, key: &str, person: &Person) {
        let packed = Packed::new(key, person, &mut self.systems);
        match self.number(key) {
            Some(number) => {
                let Some(record) = self.records.get_mut(number as usize).filter(|r| r.packed != packed) else { return };
                let old = std::mem::replace(&mut record.packed, packed).person(&self.systems);
                self.index.remove(number, &old);
                self.index.add(number, person);
            }
            None => {
                let Ok(number) = u32::try_from(self.records.len()) else { return };
                self.index.add(number, person);
                self.records.push(Record { packed, root: number });
                if *self.by_key.entry(hash(key)).or_insert(number) != number {
                    self.collided.insert(key.into(), number);
                }
            }
        }
    }

    fn join(&mut self, a: u32, b: u32) {
        let (ra, rb) = (self.person_of(a).0, self.person_of(b).0);
        for (x, y) in [(a, b), (b, a)] {
            let joined = self.joined.entry(x).or_default();
            if let Err(at) = joined.binary_search(&y) {
                joined.insert(at, y);
            }
        }
        if ra != rb {
            let mut all = self.members.remove(&ra).unwrap_or_else(|| vec![ra]);
            all.extend(self.members.remove(&rb).unwrap_or_else(|| vec![rb]));
            self.settle(all);
        }
    }

    fn part(&mut self, a: u32, b: u32) {
        for (x, y) in [(a, b), (b, a)] {
            if let Some(joined) = self.joined.get_mut(&x) {
                joined.retain(|r| *r != y);
            }
        }
        if self.person_of(a) != self.person_of(b) {
            return;
        }
        let mut left: BTreeSet<u32> = self.members.remove(&self.person_of(a).0).unwrap_or_default().into_iter().collect();
        while let Some(start) = left.pop_first() {
            let (mut part, mut next) = (vec![start], vec![start]);
            while let Some(at) = next.pop() {
                for other in self.joined.get(&at).map_or(&[][..], Vec::as_slice) {
                    if left.remove(other) {
                        part.push(*other);
                        next.push(*other);
                    }
                }
            }
            self.settle(part);
        }
    }

    /// Makes these records one person.
    fn settle(&mut self, mut all: Vec<u32>) {
        all.sort_unstable();
        let Some(root) = all.first().copied() else { return };
        for member in &all {
            if let Some(record) = self.records.get_mut(*member as usize) {
                record.root = root;
            }
        }
        if all.len() > 1 {
            self.members.insert(root, all);
        }
    }

    /// The number of a record.
    pub fn number(&self, key: &str) -> Option<u32> {
        let number = self.by_key.get(&hash(key)).copied()?;
        if self.key(number) == Some(key) { Some(number) } else { self.collided.get(key).copied() }
    }

    pub fn key(&self, record: u32) -> Option<&str> {
        self.records.get(record as usize).map(|r| r.packed.key())
    }

    /// What is known of a record.
    pub fn person(&self, record: u32) -> Option<Person> {
        self.records.get(record as usize).map(|r| r.packed.person(&self.systems))
    }

    /// Whose record it is; of an unknown record its own number.
    pub fn person_of(&self, record: u32) -> PersonId {
        PersonId(self.records.get(record as usize).map_or(record, |r| r.root))
    }

    /// All records of the person of a record, sorted.
    pub fn records_of(&self, record: u32) -> Vec<u32> {
        self.members.get(&self.person_of(record).0).cloned().unwrap_or_else(|| vec![record])
    }

    /// The id that the community knows a person by: from the key of the earliest record, so the same after a rebuild.
    pub fn community_id(&self, person: PersonId) -> Option<String> {
        let key = self.key(person.0)?;
        let hash = Sha256::digest(key.as_bytes());
        Some(hash.iter().take(16).map(|b| format!("{b:02x}")).collect())
    }

    /// Whether something said in so many words that these two are one person.
    pub fn are_joined(&self, a: &str, b: &str) -> bool {
        let (Some(a), Some(b)) = (self.number(a), self.number(b)) else { return false };
        self.joined.get(&a).is_some_and(|joined| joined.binary_search(&b).is_ok())
    }

    /// Whether somebody said that the persons of these two records are not one: what was said of one record of a person
    /// holds for its others.
    pub fn are_kept_apart(&self, a: u32, b: u32) -> bool {
        if self.apart.is_empty() {
            return false;
        }
        let others = self.records_of(b);
        self.records_of(a).iter().any(|x| others.iter().any(|y| self.apart.contains(&order(*x, *y))))
    }

    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

fn order(a: u32, b: u32) -> (u32, u32) {
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_keys_of_one_hash_are_two_records() {
        let mut register = Register::new(Weights::built_in());
        register.apply(&Event::Record { key: "Patient/1".into(), person: Person::default() });
        // as if the second key had the first one's hash
        register.by_key.insert(hash("Patient/2"), 0);
        assert_eq!(register.number("Patient/2"), None);
        for _ in 0..2 {
            register.apply(&Event::Record { key: "Patient/2".into(), person: Person::default() });
        }
        assert_eq!((register.number("Patient/1"), register.number("Patient/2"), register.len()), (Some(0), Some(1), 2));
    }
}
