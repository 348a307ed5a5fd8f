//! Which case a number belongs to, and which record a patient's key: hashes of 64 bits to numbers of 32.
//!
//! What was put last is in hash maps; the rest in arrays of 8 bytes an entry, where 52 bits of the hash remain: among 20
//! million numbers one pair is taken for the same with a chance of 1:10. Arrays lie in pieces of one size, which are freed
//! while new ones are filled: nothing is held twice, and memory does not fall into holes. A sixteenth is moved at a time, so
//! that no message waits for all; parts and pieces are behind `Arc`s, so that a clone is cheap.

use super::sighting::{Id, IdKind};
use hutong_fhir::quick::QuickMap;
use std::sync::Arc;

/// The highest bits of a hash say in which part it stands, the next ones in which bucket there; the next 32 stand in it.
const PART_BITS: u32 = 4;
const BUCKET_BITS: u32 = if cfg!(test) { 3 } else { 16 };
const BUCKETS: usize = 1 << BUCKET_BITS;
/// Numbers in the hash map of a part before they are moved: as many as 8,192 places hold. (In tests the histories reach that.)
const RECENT: usize = if cfg!(test) { 1 } else { 7 << 10 };
const PIECE: usize = if cfg!(test) { 2 } else { 1 << 10 };

/// Numbers of papers. Order numbers stand apart, for they are forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) lasting: Index,
    pub(super) orders: Index,
}

impl Keys {
    pub(super) fn get(&self, id: Id) -> Option<u32> {
        if id.0 == IdKind::Order { self.orders.get(id.1) } else { self.lasting.get(id.1) }
    }

    /// The number is this case's from now on. Order numbers go where `forget` says that nobody looks for them any more.
    pub(super) fn put(&mut self, id: Id, case: u32, forget: impl FnMut(u32) -> bool) {
        match id.0 {
            IdKind::Order => self.orders.put(id.1, case, forget),
            _ => self.lasting.put(id.1, case, |_| false),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Index {
    parts: Vec<Arc<Part>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) recent: QuickMap<u64, u32>,
    pub(super) settled: Settled,
}

/// Entries by bucket: 32 bits of the hash, then the number.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled {
    pieces: Vec<Arc<[u64]>>,
    /// Where each bucket begins, and the last ends; empty as long as nothing is settled.
    starts: Vec<u32>,
}

impl Default for Index {
    fn default() -> Index {
        Index { parts: vec![Arc::default(); 1 << PART_BITS] }
    }
}

fn part(hash: u64) -> usize {
    (hash >> (64 - PART_BITS)) as usize
}

fn bucket(hash: u64) -> usize {
    (hash << PART_BITS >> (64 - BUCKET_BITS)) as usize
}

/// What of a hash stands in its entry.
fn mark(hash: u64) -> u64 {
    hash << (PART_BITS + BUCKET_BITS) >> 32
}

impl Index {
    pub(super) fn get(&self, hash: u64) -> Option<u32> {
        let part = self.parts.get(part(hash))?;
        part.recent.get(&hash).copied().or_else(|| part.settled.get(hash))
    }

    /// Puts it, in place of what was there for this hash. `forget`: numbers to be left out when entries are moved.
    pub(super) fn put(&mut self, hash: u64, number: u32, forget: impl FnMut(u32) -> bool) {
        let Some(part) = self.parts.get_mut(part(hash)).map(Arc::make_mut) else { return };
        part.recent.insert(hash, number);
        if part.recent.len() >= RECENT {
            part.settle(forget);
        }
    }

    pub(super) fn parts(&self) -> &[Arc<Part>] {
        &self.parts
    }

    /// `None`: that many parts there never are.
    pub(super) fn of(parts: Vec<Part>) -> Option<Index> {
        (parts.len() == 1 << PART_BITS).then(|| Index { parts: parts.into_iter().map(Arc::new).collect() })
    }
}

impl Part {
    fn settle(&mut self, forget: impl FnMut(u32) -> bool) {
        let mut new: Vec<(usize, u64)> =
            self.recent.drain().map(|(hash, number)| (bucket(hash), mark(hash) << 32 | u64::from(number))).collect();
        new.sort_unstable();
        self.settled.merge(&new, forget);
    }
}

impl Settled {
    fn get(&self, hash: u64) -> Option<u32> {
        let (from, to) = (*self.starts.get(bucket(hash))?, *self.starts.get(bucket(hash) + 1)?);
        let (mut from, to, mark) = (from as usize, to as usize, mark(hash));
        while from < to {
            let (piece, at) = (self.pieces.get(from / PIECE)?, from % PIECE);
            let end = PIECE.min(at + to - from);
            if let Some(found) = piece.get(at..end)?.iter().find(|e| **e >> 32 == mark) {
                return Some(*found as u32);
            }
            from += end - at;
        }
        None
    }

    /// Takes entries in, sorted by bucket. A number that was put again stands twice, the new before the old.
    fn merge(&mut self, new: &[(usize, u64)], mut forget: impl FnMut(u32) -> bool) {
        let mut old = std::mem::take(&mut self.pieces).into_iter();
        let (mut piece, mut read) = (old.next(), 0);
        let room = old.len() + new.len() / PIECE + 2;
        let mut into = Pieces { full: Vec::with_capacity(room), last: Vec::with_capacity(PIECE), empty: Vec::new() };
        let mut starts = std::mem::take(&mut self.starts);
        starts.resize(BUCKETS + 1, 0);
        let (mut new, mut from) = (new.iter().peekable(), 0_u32);
        for (bucket, start) in starts.iter_mut().enumerate() {
            let old_entries = if bucket == 0 { 0 } else { *start - from };
            from = *start;
            // the entries of the bucket before this one, whose end is here
            if let Some(bucket) = bucket.checked_sub(1) {
                while let Some((_, entry)) = new.next_if(|(b, _)| *b == bucket) {
                    into.push(*entry);
                }
                for _ in 0..old_entries {
                    if read == PIECE {
                        into.empty.extend(std::mem::replace(&mut piece, old.next()));
                        read = 0;
                    }
                    if let Some(entry) = piece.as_ref().and_then(|p| p.get(read)).filter(|e| !forget(**e as u32)) {
                        into.push(*entry);
                    }
                    read += 1;
                }
            }
            *start = into.len() as u32;
        }
        (self.pieces, self.starts) = (into.finish(), starts);
    }

    /// Entries and starts, for a snapshot.
    pub(super) fn lists(&self) -> (impl Iterator<Item = u64>, usize, &[u32]) {
        let count = self.starts.last().map_or(0, |n| *n as usize);
        (self.pieces.iter().flat_map(|p| p.iter().copied()).take(count), count, &self.starts)
    }

    /// `None`: such lists there never are.
    pub(super) fn of(entries: Vec<u64>, starts: Vec<u32>) -> Option<Settled> {
        let whole = starts.len() == BUCKETS + 1 && starts.is_sorted() && starts.last().is_some_and(|n| *n as usize == entries.len());
        let none = starts.is_empty() && entries.is_empty();
        let pieces = || {
            let mut out = Pieces { full: Vec::new(), last: Vec::with_capacity(PIECE), empty: Vec::new() };
            entries.into_iter().for_each(|entry| out.push(entry));
            out.finish()
        };
        (whole || none).then(|| Settled { pieces: pieces(), starts })
    }
}

/// Pieces as they are filled.
struct Pieces {
    full: Vec<Arc<[u64]>>,
    last: Vec<u64>,
    /// Pieces that were read, to be filled again: freed and taken anew they would fall into holes.
    empty: Vec<Arc<[u64]>>,
}

impl Pieces {
    fn len(&self) -> usize {
        self.full.len() * PIECE + self.last.len()
    }

    fn push(&mut self, entry: u64) {
        if self.last.len() == PIECE {
            self.keep();
        }
        self.last.push(entry);
    }

    /// Keeps what was filled, in a piece that nobody else holds.
    fn keep(&mut self) {
        let mut piece = self.empty.pop().filter(|piece| piece.len() == self.last.len());
        match piece.as_mut().and_then(Arc::get_mut) {
            Some(entries) => entries.copy_from_slice(&self.last),
            None => piece = Some(Arc::from(self.last.as_slice())),
        }
        self.full.extend(piece);
        self.last.clear();
    }

    /// All pieces are of one length; what is beyond the last bucket is nothing.
    fn finish(mut self) -> Vec<Arc<[u64]>> {
        if !self.last.is_empty() {
            self.last.resize(PIECE, 0);
            self.keep();
        }
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sighting::hash;

    fn id(kind: IdKind, n: u32) -> Id {
        Id(kind, hash(&[&n.to_le_bytes()]))
    }

    fn settled(index: &Index) -> usize {
        index.parts.iter().map(|p| p.settled.lists().0.count()).sum()
    }

    #[test]
    fn what_was_put_is_found_wherever_it_is() {
        let mut keys = Keys::default();
        for n in 0..2_000 {
            keys.put(id(IdKind::Accession, n), n, |_| true);
            if n % 500 == 250 {
                keys.put(id(IdKind::Accession, n / 2), 9_000 + n, |_| true);
            }
        }
        let before = keys.clone();
        keys.put(id(IdKind::Accession, 7), 1, |_| true);
        assert_eq!((before.get(id(IdKind::Accession, 7)), keys.get(id(IdKind::Accession, 7))), (Some(7), Some(1)));
        for n in 8..2_000 {
            let again = [125, 375, 625, 875].contains(&n);
            assert_eq!(keys.get(id(IdKind::Accession, n)), Some(if again { 9_000 + n * 2 } else { n }), "{n}");
        }
        assert_eq!((keys.get(id(IdKind::Accession, 2_000)), keys.get(id(IdKind::Order, 7))), (None, None));
        assert_eq!((settled(&keys.lasting), settled(&keys.orders)), (2_005, 0));
        for part in keys.lasting.parts() {
            let (entries, count, starts) = part.settled.lists();
            let entries: Vec<u64> = entries.collect();
            assert!(entries.len() == count && starts.is_sorted() && part.recent.is_empty());
            assert!(Settled::of(entries.clone(), starts.to_vec()).is_some() && Settled::of(entries, vec![0]).is_none());
        }
    }

    #[test]
    fn order_numbers_are_forgotten_when_they_are_moved() {
        let mut keys = Keys::default();
        for n in 0..2_000 {
            keys.put(id(IdKind::Order, n), n, |old| old + 100 < n);
        }
        assert!(settled(&keys.orders) < 300, "{}", settled(&keys.orders));
        assert!((1_900..2_000).all(|n| keys.get(id(IdKind::Order, n)) == Some(n)));
    }
}
