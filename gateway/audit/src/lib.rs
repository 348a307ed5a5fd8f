//! Audit: the hash chain over the journal (pure).
//!
//! Each entry has a *link*: SHA-256 over the link before it, its number, its time and the digest of its bytes. Whoever
//! knows the last link can prove that no entry before it was changed, removed, inserted or moved.

use sha2::{Digest, Sha256};

/// SHA-256, the size of every digest and link.
pub type Hash = [u8; 32];

/// The link before the first entry.
pub const GENESIS: Hash = [0; 32];

/// SHA-256 of an entry's bytes.
pub fn digest(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// SHA-256 of parts one after another, each preceded by its length (u64, little-endian), so that no two lists of
/// parts give the same bytes.
pub fn digest_parts(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The link of an entry: `before` is the link of the entry before it, `time_us` microseconds since 1970.
pub fn link(before: &Hash, seq: u64, time_us: i64, digest: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(seq.to_le_bytes());
    hash.update(time_us.to_le_bytes());
    hash.update(digest);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn digests_are_sha_256() {
        // FIPS 180-4, example "abc".
        assert_eq!(hex(&digest(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_ne!(digest_parts(&[b"ab", b"c"]), digest_parts(&[b"a", b"bc"]));
    }

    #[test]
    fn a_link_depends_on_everything_before_it() {
        let base = link(&GENESIS, 1, 2, &digest(b"x"));
        for other in [
            link(&[1; 32], 1, 2, &digest(b"x")),
            link(&GENESIS, 2, 2, &digest(b"x")),
            link(&GENESIS, 1, 3, &digest(b"x")),
            link(&GENESIS, 1, 2, &digest(b"y")),
        ] {
            assert_ne!(base, other);
        }
    }
}
