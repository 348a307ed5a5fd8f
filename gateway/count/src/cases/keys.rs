//! Which case a number belongs to. Numbers of the last months are in a hash map; older ones in one sorted array of 8 bytes
//! each, where 52 bits of the hash remain: among 20 million numbers one pair is taken for the same with a chance of 1:10.

use super::quick::QuickMap;
use super::sighting::{Id, IdKind};

/// The highest bits of a hash say in which part it stands, the next ones in which bucket there; the lowest 32 stand in it.
const PART_BITS: u32 = 4;
const BUCKET_BITS: u32 = 16;
/// Numbers in the hash map of a part before they are moved.
const RECENT: usize = 1 << 14;

/// Parts are moved one at a time, so that no message waits for all of them.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    parts: Vec<Part>,
    /// Parts whose hash map is full.
    full: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) recent: QuickMap<u64, (u32, bool)>,
    /// Low half of the hash, then the case; by bucket, then sorted.
    pub(super) settled: Vec<u64>,
    /// Where each bucket begins; empty as long as nothing is settled.
    pub(super) starts: Vec<u32>,
    pub(super) limit: usize,
}

impl Default for Part {
    fn default() -> Part {
        Part { recent: QuickMap::default(), settled: Vec::new(), starts: Vec::new(), limit: RECENT }
    }
}

impl Default for Keys {
    fn default() -> Keys {
        Keys { parts: vec![Part::default(); 1 << PART_BITS], full: Vec::new() }
    }
}

fn part(hash: u64) -> usize {
    (hash >> (64 - PART_BITS)) as usize
}

fn bucket(hash: u64) -> usize {
    (hash << PART_BITS >> (64 - BUCKET_BITS)) as usize
}

impl Keys {
    pub(super) fn get(&self, id: Id) -> Option<u32> {
        self.parts.get(part(id.1))?.get(id.1)
    }

    /// The number is this case's from now on.
    pub(super) fn put(&mut self, id: Id, case: u32) {
        let number = part(id.1);
        let Some(part) = self.parts.get_mut(number) else { return };
        part.recent.insert(id.1, (case, id.0 == IdKind::Order));
        if part.recent.len() >= part.limit && !self.full.contains(&number) {
            self.full.push(number);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// Moves what is recent in one full part into its array. Order numbers stay recent, and go where `forget` says that
    /// nobody looks for them any more.
    pub(super) fn settle(&mut self, forget: impl FnMut(u32) -> bool) {
        if let Some(part) = self.full.pop().and_then(|n| self.parts.get_mut(n)) {
            part.settle(forget);
        }
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// `None`: that many parts there never are.
    pub(super) fn of(parts: Vec<Part>) -> Option<Keys> {
        let full = parts.iter().zip(0..).filter(|(p, _)| p.recent.len() >= p.limit).map(|(_, n)| n).collect();
        (parts.len() == 1 << PART_BITS).then_some(Keys { parts, full })
    }
}

impl Part {
    fn get(&self, hash: u64) -> Option<u32> {
        if let Some((case, _)) = self.recent.get(&hash) {
            return Some(*case);
        }
        let (from, to) = (*self.starts.get(bucket(hash))?, *self.starts.get(bucket(hash) + 1)?);
        let within = self.settled.get(from as usize..to as usize)?;
        let low = hash & 0xffff_ffff;
        let at = within.partition_point(|e| e >> 32 < low);
        within.get(at).filter(|e| *e >> 32 == low).map(|e| *e as u32)
    }

    fn settle(&mut self, mut forget: impl FnMut(u32) -> bool) {
        let mut new: Vec<(u64, u32)> = Vec::new();
        self.recent.retain(|hash, (case, order)| {
            if !*order {
                new.push((*hash, *case));
            }
            *order && !forget(*case)
        });
        // what is kept may be nearly all: then the next time comes later, not at once
        self.limit = RECENT.max(self.recent.len() + self.recent.len() / 2);
        new.sort_unstable_by_key(|(hash, _)| (bucket(*hash), hash & 0xffff_ffff));
        if self.starts.is_empty() {
            self.starts = vec![0; (1 << BUCKET_BITS) + 1];
        }
        self.merge(&new);
    }

    /// From the back, in place: the array is large.
    fn merge(&mut self, new: &[(u64, u32)]) {
        let (mut read, old_len) = (self.settled.len(), self.settled.len());
        self.settled.reserve_exact(new.len() + self.settled.len() / 32);
        self.settled.resize(old_len + new.len(), 0);
        let (mut write, mut left) = (self.settled.len(), new.len());
        let mut end = write;
        for b in (0..self.starts.len().saturating_sub(1)).rev() {
            let begin = self.starts.get(b).copied().unwrap_or(0) as usize;
            if let Some(start) = self.starts.get_mut(b + 1) {
                *start = end as u32;
            }
            loop {
                let fresh = left.checked_sub(1).and_then(|n| new.get(n)).filter(|(hash, _)| bucket(*hash) == b);
                let fresh = fresh.map(|(hash, case)| (hash & 0xffff_ffff) << 32 | u64::from(*case));
                let old = if read > begin { self.settled.get(read - 1).copied() } else { None };
                let entry = match (fresh, old) {
                    (None, None) => break,
                    // a number that was put again stands once, where it was put last; the array keeps both, the new first
                    (Some(f), Some(o)) if f >> 32 <= o >> 32 => {
                        read -= 1;
                        o
                    }
                    (Some(f), _) => {
                        left -= 1;
                        f
                    }
                    (None, Some(o)) => {
                        read -= 1;
                        o
                    }
                };
                write -= 1;
                if let Some(at) = self.settled.get_mut(write) {
                    *at = entry;
                }
            }
            end = write;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_found_wherever_it_is() {
        let mut keys = Keys::default();
        let id = |n: u64| Id::new(IdKind::Accession, "RIS", &n.to_string());
        for round in 0..4_u64 {
            for n in 0..500 {
                let n = round * 500 + n;
                keys.put(id(n), n as u32);
            }
            keys.put(id(round), 9_000 + round as u32);
            keys.parts.iter_mut().for_each(|p| p.settle(|_| false));
            assert!(keys.parts.iter().all(|p| p.recent.is_empty()));
        }
        for n in 4..2000 {
            assert_eq!(keys.get(id(n)), Some(n as u32), "{n}");
        }
        for n in 0..4 {
            assert_eq!(keys.get(id(n)), Some(9_000 + n as u32), "put again");
        }
        assert_eq!(keys.get(id(2000)), None);
        for part in &keys.parts {
            let sorted = part.starts.windows(2).all(|w| w[0] <= w[1]);
            assert!(sorted && *part.starts.last().unwrap() as usize == part.settled.len());
        }
    }

    #[test]
    fn order_numbers_stay_recent_until_they_are_forgotten() {
        let mut keys = Keys::default();
        let (a, b) = (Id::new(IdKind::Order, "HIS", "1"), Id::new(IdKind::Order, "HIS", "2"));
        keys.put(a, 1);
        keys.put(b, 2);
        keys.parts.iter_mut().for_each(|p| p.settle(|case| case == 1));
        assert_eq!((keys.get(a), keys.get(b)), (None, Some(2)));
        assert!(keys.parts.iter().all(|p| p.settled.is_empty()));
    }
}
