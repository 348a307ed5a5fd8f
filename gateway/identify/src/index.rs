//! Which records may be the same person: those that share a key ([`Person::keys`]). Comparing each with each would take
//! 10^12 comparisons for a county.
//!
//! A county has some ten million keys, so they are kept small: 32 bits of a key name a chain of records. Two keys that share
//! them share a chain, which costs a comparison and changes no decision.

use crate::person::Person;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Records under one key beyond which the key says too little: a company's telephone, a hamlet of one surname.
const MOST_UNDER_A_KEY: usize = 256;

/// A register that is just being filled is judged as if it held so many records: those of a county come.
pub(crate) const SMALLEST: u32 = 100_000;

const NONE: u32 = u32::MAX;

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

/// The head of a chain; free where `head` is [`NONE`] and `tag` is 0.
#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    head: u32,
}

const FREE: Slot = Slot { tag: 0, head: NONE };

#[derive(Clone, Copy)]
struct Link {
    record: u32,
    next: u32,
}

/// Keys → records; and how common names are.
pub(crate) struct Index {
    /// Open addressing, a power of two.
    slots: Vec<Slot>,
    used: usize,
    links: Vec<Link>,
    /// First of the links that are free again.
    free: u32,
    names: HashMap<u64, u32, BuildHasherDefault<Already>>,
    named: u32,
}

impl Default for Index {
    fn default() -> Index {
        Index { slots: vec![FREE; 1024], used: 0, links: Vec::new(), free: NONE, names: HashMap::default(), named: 0 }
    }
}

impl Index {
    pub(crate) fn add(&mut self, record: u32, person: &Person) {
        for key in person.keys() {
            self.insert(key, record);
        }
        if person.is_named() {
            let count = self.names.entry(crate::text::hash(person.name())).or_insert(0);
            *count = count.saturating_add(1);
            self.named = self.named.saturating_add(1);
        }
    }

    pub(crate) fn remove(&mut self, record: u32, person: &Person) {
        for key in person.keys() {
            self.take(key, record);
        }
        if person.is_named() {
            if let Some(count) = self.names.get_mut(&crate::text::hash(person.name())) {
                *count = count.saturating_sub(1);
            }
            self.named = self.named.saturating_sub(1);
        }
    }

    /// Records that share a key, each once, in ascending order.
    pub(crate) fn near(&self, person: &Person) -> Vec<u32> {
        let mut out = Vec::new();
        for key in person.keys() {
            let before = out.len();
            out.extend(self.chain(key).take(MOST_UNDER_A_KEY + 1));
            if out.len() - before > MOST_UNDER_A_KEY {
                out.truncate(before);
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The share of records that bear this person's name.
    pub(crate) fn name_frequency(&self, person: &Person) -> f32 {
        let count = self.names.get(&crate::text::hash(person.name())).copied().unwrap_or(0);
        count as f32 / self.named.max(SMALLEST) as f32
    }

    fn chain(&self, key: u64) -> impl Iterator<Item = u32> {
        let mut next = self.slots.get(self.place(key)).map_or(NONE, |s| s.head);
        std::iter::from_fn(move || {
            let link = self.links.get(next as usize)?;
            next = link.next;
            Some(link.record)
        })
    }

    /// The slot of a key, or the free one where it would go.
    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len().saturating_sub(1);
        let mut at = tag(key) as usize & mask;
        while let Some(slot) = self.slots.get(at) {
            if slot.tag == tag(key) || slot.tag == FREE.tag {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    fn insert(&mut self, key: u64, record: u32) {
        if self.used * 10 >= self.slots.len() * 7 {
            self.grow();
        }
        let at = self.place(key);
        let Some(slot) = self.slots.get_mut(at) else { return };
        self.used += usize::from(slot.tag == FREE.tag);
        slot.tag = tag(key);
        let link = Link { record, next: slot.head };
        match self.links.get_mut(self.free as usize) {
            Some(again) => {
                slot.head = self.free;
                self.free = again.next;
                *again = link;
            }
            None => {
                slot.head = self.links.len() as u32;
                self.links.push(link);
            }
        }
    }

    fn take(&mut self, key: u64, record: u32) {
        let at = self.place(key);
        let Some(slot) = self.slots.get_mut(at) else { return };
        let (mut before, mut now) = (NONE, slot.head);
        while let Some(link) = self.links.get(now as usize).copied() {
            if link.record == record {
                match self.links.get_mut(before as usize) {
                    Some(b) => b.next = link.next,
                    None => slot.head = link.next,
                }
                if let Some(freed) = self.links.get_mut(now as usize) {
                    freed.next = self.free;
                    self.free = now;
                }
                return;
            }
            (before, now) = (now, link.next);
        }
    }

    /// Twice the slots. A chain goes where its tag says: the low bits of a key are those of its tag.
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![FREE; old.len() * 2];
        for slot in old.into_iter().filter(|s| s.tag != FREE.tag) {
            let at = self.place(u64::from(slot.tag));
            if let Some(new) = self.slots.get_mut(at) {
                *new = slot;
            }
        }
    }
}

/// What is kept of a key; never that of a free slot.
fn tag(key: u64) -> u32 {
    (key as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_hold_what_was_put_in_and_not_taken_out() {
        let mut index = Index::default();
        let key = |n: u64| crate::text::hash(&(n % 700).to_string());
        for n in 0..20_000u32 {
            index.insert(key(u64::from(n)), n);
        }
        for n in (0..20_000u32).filter(|n| n % 3 == 0) {
            index.take(key(u64::from(n)), n);
        }
        for k in 0..700u64 {
            let mut got: Vec<u32> = index.chain(key(k)).collect();
            got.sort_unstable();
            let expect: Vec<u32> = (0..20_000).filter(|n| n % 3 != 0 && u64::from(n % 700) == k).collect();
            assert_eq!(got, expect, "{k}");
        }
        let links = index.links.len();
        index.insert(key(5), 1);
        assert_eq!(index.links.len(), links, "a freed link is used again");
        assert_eq!(index.chain(crate::text::hash("nobody")).count(), 0);
    }
}
