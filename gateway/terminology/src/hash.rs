//! A quick hash for keys that are fixed once terminology is loaded: messages can ask for keys, never add any, so
//! nobody can make them collide.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A map whose keys come from what is loaded, never from messages.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Fast>>;

/// Eight bytes at a time.
#[derive(Default, Clone, Copy)]
pub(crate) struct Fast(u64);

impl Fast {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for Fast {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.mix(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        // the upper bits hold the most; tables use the lower ones
        self.0 ^ (self.0 >> 32)
    }
}

/// The hash of a code; `fold` makes letters that differ in case (ASCII) equal.
pub(crate) fn of_code(code: &str, fold: bool) -> u64 {
    let mut state = Fast::default();
    if fold {
        code.bytes().for_each(|b| state.mix(u64::from(b.to_ascii_lowercase())));
    } else {
        state.write(code.as_bytes());
    }
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_only_where_asked() {
        assert_eq!(of_code("Final", true), of_code("fINAL", true));
        assert_ne!(of_code("Final", false), of_code("final", false));
        assert_ne!(of_code("1", false), of_code("1\0", false));
    }
}
