//! 64-bit hashes that stand for long texts (ids, references, identifiers, codes) in columns, and keys of postings.
//!
//! They are part of the stored form: to change anything here changes the schema hash, and the projection is rebuilt.
//! Collisions are possible, so whoever finds a row by a hash compares the text itself before using it.

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd6e8_feb8_6659_fd93;
const K2: u64 = 0xa076_1d64_78bd_642f;

/// Multiplies to 128 bits and folds the halves (the mixing step of wyhash).
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Hash of a byte string under a seed.
pub(crate) fn bytes(seed: u64, text: &[u8]) -> u64 {
    let mut state = mix(seed ^ K0, K1 ^ text.len() as u64);
    let (chunks, rest) = text.as_chunks::<16>();
    for chunk in chunks {
        let (a, b) = chunk.split_at(8);
        let (a, b) = (a.first_chunk().map_or(0, |a| u64::from_le_bytes(*a)), b.first_chunk().map_or(0, |b| u64::from_le_bytes(*b)));
        state = mix(a ^ K1 ^ state, b ^ K2);
    }
    let (a, b) = rest.split_at(rest.len().min(8));
    state = mix(word(a) ^ K1 ^ state, word(b) ^ K2);
    mix(state ^ K0, K2)
}

/// A hash as a column value: always ≥ 2^62 or < 0, so that it can never be one of the small numbers of interned texts.
pub(crate) fn value(seed: u64, text: &[u8]) -> i64 {
    let hash = bytes(seed, text) | 1 << 62;
    hash as i64
}

/// What a literal reference (`Patient/1`) is as a column value.
pub(crate) fn reference(literal: &str) -> i64 {
    value(1, literal.as_bytes())
}

/// Key of the posting that leads from a resource's name to its row.
pub(crate) fn id_key(resource_type: &str, id: &str) -> u64 {
    key(Tag::Id, 0, resource_type.as_bytes(), id.as_bytes())
}

/// A short text that is not interned, as a column value.
pub(crate) fn code(text: &str) -> i64 {
    value(2, text.as_bytes())
}

/// What a posting's key says of its resource or message. Keys use all 64 bits evenly: runs are searched by that.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Tag {
    /// The parameter has this value: code, identifier, literal reference, URI. Leads to a row and version.
    Value = 11,
    /// It has this value in this system; likewise.
    SystemValue = 12,
    /// Its column (the first value) is this; likewise.
    First = 13,
    /// The reference column is this. Leads to the message that wrote it.
    Link = 14,
    /// The reference column is this, and one of the codes is that. Leads to a row and version.
    Pair = 15,
    /// A reference has this logical identifier; likewise.
    Logical = 16,
    SystemLogical = 17,
    Id = 20,
    Receipt = 18,
    ControlId = 19,
}

/// The key of a posting.
pub(crate) fn key(tag: Tag, param: i64, first: &[u8], second: &[u8]) -> u64 {
    let seed = mix(tag as u64 ^ K2, param as u64 ^ K1);
    let state = bytes(seed, first);
    if second.is_empty() { state } else { bytes(state, second) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_does_not_change_unnoticed() {
        assert_eq!(bytes(0, b""), bytes(0, b""));
        assert_eq!(
            [bytes(0, b"a"), bytes(1, b"a"), bytes(0, b"0123456789abcdef"), bytes(0, "血红蛋白".as_bytes())],
            PINNED,
            "the hash changed: bump the schema version"
        );
    }

    const PINNED: [u64; 4] = [17_692_807_566_192_459_966, 10_009_764_564_026_992_976, 5_658_811_083_343_163_912, 8_474_158_369_151_694_662];

    #[test]
    fn what_is_hashed_is_told_apart() {
        assert_ne!(reference("Patient/1"), code("Patient/1"));
        assert_ne!(id_key("Patient", "1"), id_key("Group", "1"));
        assert_ne!(key(Tag::Value, 1, b"a", b""), key(Tag::Value, 2, b"a", b""));
        assert_ne!(key(Tag::SystemValue, 1, b"ab", b"c"), key(Tag::SystemValue, 1, b"a", b"bc"));
    }

    #[test]
    fn short_texts_and_lengths_spread() {
        let mut seen = std::collections::BTreeSet::new();
        for i in 0..20_000u32 {
            assert!(seen.insert(value(2, i.to_string().as_bytes())));
            assert!(seen.insert(value(2, format!("{:0>40}", i).as_bytes())));
        }
        assert!(seen.iter().all(|v| *v < 0 || *v >= 1 << 62));
    }
}
