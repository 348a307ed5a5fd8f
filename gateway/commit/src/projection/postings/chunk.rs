//! Postings as bytes: 16 a posting, big-endian, sorted.

use super::Posting;

const SIZE: usize = 16;
/// Postings of a full chunk: one cell fills one page of 4 KiB.
pub(super) const POSTINGS_MAX: usize = 252;

pub(super) fn encode(postings: &[Posting]) -> Vec<u8> {
    let mut out = Vec::with_capacity(postings.len() * SIZE);
    for (key, value) in postings {
        out.extend(key.to_be_bytes());
        out.extend(value.to_be_bytes());
    }
    out
}

pub(super) fn decode(bytes: &[u8]) -> Vec<Posting> {
    (0..len(bytes)).map(|i| at(bytes, i)).collect()
}

pub(super) fn len(bytes: &[u8]) -> usize {
    bytes.len() / SIZE
}

/// The posting at a position; (MAX, MAX) behind the end.
pub(super) fn at(bytes: &[u8], i: usize) -> Posting {
    let word = |from: usize| bytes.get(from..).and_then(|b| b.first_chunk()).map_or(u64::MAX, |b| u64::from_be_bytes(*b));
    (word(i * SIZE), word(i * SIZE + 8))
}

/// Position of the first posting that is not below `(key, 0)`.
pub(super) fn lower_bound(bytes: &[u8], key: u64) -> usize {
    let (mut low, mut high) = (0, len(bytes));
    while low < high {
        let middle = low + (high - low) / 2;
        if at(bytes, middle).0 < key {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
