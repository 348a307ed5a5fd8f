//! Tells of most keys that are not in a run that they are not: a blocked Bloom filter, 12 bits a key, of which a key
//! sets four in one word pair; about 1 % of absent keys pass.

const BITS_PER_KEY: usize = 12;

pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    pub(super) fn new(keys: usize) -> Filter {
        Filter { words: vec![0; (keys * BITS_PER_KEY).div_ceil(64).max(1)] }
    }

    /// The word and the bits of a key. Keys are hashes already.
    fn place(&self, key: u64) -> (usize, u64) {
        let word = (u128::from(key) * self.words.len() as u128) >> 64;
        // other bits of the key than those that choose the word
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bits = (0..4).fold(0, |bits, i| bits | 1 << (mixed >> (40 + 6 * i) & 63));
        (word as usize, bits)
    }

    pub(super) fn add(&mut self, key: u64) {
        let (word, bits) = self.place(key);
        if let Some(w) = self.words.get_mut(word) {
            *w |= bits;
        }
    }

    pub(super) fn may_have(&self, key: u64) -> bool {
        let (word, bits) = self.place(key);
        self.words.get(word).is_none_or(|w| w & bits == bits)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|w| w.to_le_bytes()).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Filter {
        Filter { words: bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_missed_and_few_pass_that_are_absent() {
        let key = |n: u64| crate::projection::hash::bytes(7, &n.to_le_bytes());
        let mut filter = Filter::new(20_000);
        (0..20_000).for_each(|n| filter.add(key(n)));
        let filter = Filter::from_bytes(&filter.to_bytes());
        assert!((0..20_000).all(|n| filter.may_have(key(n))));
        let passed = (20_000..120_000).filter(|n| filter.may_have(key(*n))).count();
        assert!(passed < 3_000, "{passed} of 100,000 absent keys pass");
        assert!(Filter::from_bytes(&[]).may_have(1), "a filter that is lost keeps nothing out");
    }
}
