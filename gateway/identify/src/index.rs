//! Which records may be the same person: those that share a key ([`Person::keys`]). Comparing each with each would take
//! 10^12 comparisons for a county.

use crate::person::Person;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Records under one key beyond which the key says too little: a company's telephone, a hamlet of one surname.
const MOST_UNDER_A_KEY: usize = 256;

/// A register that is just being filled is judged as if it held so many records: those of a county come.
pub(crate) const SMALLEST: u32 = 100_000;

/// Keys are hashes already.
#[derive(Default)]
pub(crate) struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*b);
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

type Map<V> = HashMap<u64, V, BuildHasherDefault<Already>>;

enum Under {
    One(u32),
    Many(Vec<u32>),
}

/// Keys → records; and how common names are.
#[derive(Default)]
pub(crate) struct Index {
    under: Map<Under>,
    names: Map<u32>,
    named: u32,
}

impl Index {
    pub(crate) fn add(&mut self, record: u32, person: &Person) {
        for key in person.keys() {
            match self.under.entry(key) {
                std::collections::hash_map::Entry::Vacant(v) => {
                    v.insert(Under::One(record));
                }
                std::collections::hash_map::Entry::Occupied(mut o) => match o.get_mut() {
                    Under::One(first) if *first == record => {}
                    Under::One(first) => {
                        let both = vec![*first, record];
                        o.insert(Under::Many(both));
                    }
                    Under::Many(many) if many.contains(&record) => {}
                    Under::Many(many) => many.push(record),
                },
            }
        }
        if person.is_named() {
            let count = self.names.entry(crate::text::hash(&[person.name()])).or_insert(0);
            *count = count.saturating_add(1);
            self.named = self.named.saturating_add(1);
        }
    }

    pub(crate) fn remove(&mut self, record: u32, person: &Person) {
        for key in person.keys() {
            match self.under.get_mut(&key) {
                Some(Under::One(one)) if *one == record => {
                    self.under.remove(&key);
                }
                Some(Under::Many(many)) => many.retain(|r| *r != record),
                _ => {}
            }
        }
        if person.is_named() {
            if let Some(count) = self.names.get_mut(&crate::text::hash(&[person.name()])) {
                *count = count.saturating_sub(1);
            }
            self.named = self.named.saturating_sub(1);
        }
    }

    /// Records that share a key, each once, in ascending order.
    pub(crate) fn near(&self, person: &Person) -> Vec<u32> {
        let mut out = Vec::new();
        for key in person.keys() {
            match self.under.get(&key) {
                Some(Under::One(one)) => out.push(*one),
                Some(Under::Many(many)) if many.len() <= MOST_UNDER_A_KEY => out.extend_from_slice(many),
                _ => {}
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The share of records that bear this person's name.
    pub(crate) fn name_frequency(&self, person: &Person) -> f32 {
        let count = self.names.get(&crate::text::hash(&[person.name()])).copied().unwrap_or(0);
        count as f32 / self.named.max(SMALLEST) as f32
    }
}
