//! Which control ids the journal knows.
//!
//! A key is the first 8 bytes of SHA-256 over source and control id. A key only leads to entries that may match; the
//! entries themselves decide.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::frame::field;
use crate::error::StoreError;

/// The key of a control id; 0 where there is none.
pub(crate) fn key(source: &str, control_id: &str) -> u64 {
    if control_id.is_empty() {
        return 0;
    }
    let hash = hutong_audit::digest_parts(&[source.as_bytes(), control_id.as_bytes()]);
    u64::from_le_bytes(field(&hash, 0)).max(1)
}

/// Keys of one open segment.
#[derive(Default)]
pub(crate) struct Recent {
    number: u64,
    first: HashMap<u64, u64>,
    /// Further entries of a key that came before: conflicts and reused ids only.
    more: Vec<(u64, u64)>,
}

impl Recent {
    pub(crate) fn new(number: u64) -> Recent {
        Recent { number, ..Recent::default() }
    }

    pub(crate) fn add(&mut self, key: u64, seq: u64) {
        if key == 0 {
            return;
        }
        if let Some(earlier) = self.first.insert(key, seq) {
            self.first.insert(key, earlier);
            self.more.push((key, seq));
        }
    }

    fn find(&self, key: u64, found: &mut Vec<u64>) {
        if let Some(&seq) = self.first.get(&key) {
            found.push(seq);
            found.extend(self.more.iter().filter(|(other, _)| *other == key).map(|(_, seq)| *seq));
        }
    }
}

pub(crate) struct Seen {
    recent: Mutex<VecDeque<Recent>>,
}

impl Seen {
    pub(crate) fn new(recent: VecDeque<Recent>) -> Seen {
        Seen { recent: Mutex::new(recent) }
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new segment begins.
    pub(crate) fn begin(&self, number: u64) {
        self.recent().push_back(Recent::new(number));
    }

    /// Entries became durable in segment `number`.
    pub(crate) fn add(&self, number: u64, keys: impl Iterator<Item = (u64, u64)>) {
        if let Some(recent) = self.recent().back_mut().filter(|recent| recent.number == number) {
            keys.for_each(|(key, seq)| recent.add(key, seq));
        }
    }

    /// Entries that may have this key, oldest first.
    pub(crate) fn find(&self, key: u64) -> Result<Vec<u64>, StoreError> {
        let mut found = Vec::new();
        for recent in self.recent().iter() {
            recent.find(key, &mut found);
        }
        Ok(found)
    }
}
