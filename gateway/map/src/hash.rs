//! A quick hash for tables that we fill ourselves from files, and for keys of a message that cannot be chosen to collide
//! to any harm: a long chain costs its own message a little time.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map with the quick hash.
pub(crate) type Quick<K, V> = HashMap<K, V, BuildHasherDefault<Fold>>;

/// Multiply and fold, eight bytes at a time.
#[derive(Default)]
pub(crate) struct Fold(u64);

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        let mut map: Quick<String, usize> = Quick::default();
        for n in 0..10_000 {
            map.insert(format!("code {n}"), n);
        }
        assert_eq!(map.get("code 77"), Some(&77));
        let hash = |b: &[u8]| {
            let mut h = Fold::default();
            h.write(b);
            h.finish()
        };
        assert_ne!(hash(b"a"), hash(b"a\0"));
        assert_ne!(hash(b""), hash(b"\0"));
    }
}
