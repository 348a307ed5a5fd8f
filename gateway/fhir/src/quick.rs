//! A quick hash for tables that we fill ourselves, and for keys that nobody can choose to collide to any harm: a long chain
//! costs its own message a little time.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// For `HashMap` and `HashSet`.
pub type Quick = BuildHasherDefault<Fold>;

/// A map with it.
pub type QuickMap<K, V> = HashMap<K, V, Quick>;

/// Multiply and fold, eight bytes at a time.
#[derive(Default)]
pub struct Fold(u64);

impl Fold {
    fn take(&mut self, n: u64) {
        let wide = u128::from(self.0 ^ n).wrapping_mul(u128::from(FACTOR));
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|w| self.take(u64::from_le_bytes(*w)));
        let mut last = [0u8; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.take(u64::from_le_bytes(last).wrapping_add(bytes.len() as u64).wrapping_add(1));
    }

    fn write_u32(&mut self, n: u32) {
        self.take(u64::from(n).wrapping_add(1));
    }

    fn write_u64(&mut self, n: u64) {
        self.take(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    #[test]
    fn places_and_texts_are_told_apart() {
        let hash = |what: (u32, u32)| Quick::default().hash_one(what);
        let all: std::collections::HashSet<u64> = (0..200).flat_map(|a| (0..200).map(move |b| hash((a, b)))).collect();
        assert_eq!(all.len(), 40_000);
        assert_ne!(Quick::default().hash_one("a"), Quick::default().hash_one("a\0"));
        let mut map: QuickMap<String, usize> = QuickMap::default();
        for n in 0..10_000 {
            map.insert(format!("code {n}"), n);
        }
        assert_eq!(map.get("code 77"), Some(&77));
        let raw = |b: &[u8]| {
            let mut h = Fold::default();
            h.write(b);
            h.finish()
        };
        assert_ne!(raw(b"a"), raw(b"a\0"));
        assert_ne!(raw(b""), raw(b"\0"));
    }
}
