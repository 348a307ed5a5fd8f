//! Short texts that repeat (code systems, codes, sources) as small numbers: rows and indexes become a third smaller.
//!
//! The number of texts is bounded, since senders choose them: past the bound a text is represented by its hash, which
//! is never a small number. Which of the two a text gets depends only on the order of the journal.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::hash;

/// Texts kept in memory and in the table `intern`; about 5 MB.
pub(crate) const TEXTS_MAX: usize = 50_000;
/// Longer texts are always hashed.
const TEXT_LEN_MAX: usize = 100;

/// `text` is no token: absent systems, unknown sources.
pub(crate) const NOTHING: i64 = 0;

#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash::bytes(self.0, bytes);
    }
}

#[derive(Default)]
pub(crate) struct Interner {
    numbers: HashMap<Box<str>, i64, BuildHasherDefault<Fold>>,
    /// Text of number `i + 1`.
    texts: Vec<Box<str>>,
}

impl Interner {
    /// The value of a text in columns; `None` where it would get a number but has none yet.
    pub(crate) fn known(&self, text: &str) -> Option<i64> {
        if text.is_empty() {
            return Some(NOTHING);
        }
        match self.numbers.get(text) {
            Some(n) => Some(*n),
            None if self.texts.len() >= TEXTS_MAX || text.len() > TEXT_LEN_MAX => Some(hash::code(text)),
            None => None,
        }
    }

    /// Gives the next number to a text for which [`Interner::known`] had none.
    pub(crate) fn add(&mut self, text: &str) -> i64 {
        self.texts.push(text.into());
        let n = self.texts.len() as i64;
        self.numbers.insert(text.into(), n);
        n
    }

    /// The text of a number; `None` for hashes and unknown numbers.
    pub(crate) fn text(&self, n: i64) -> Option<&str> {
        let at = usize::try_from(n).ok()?.checked_sub(1)?;
        self.texts.get(at).map(|t| &**t)
    }

    pub(crate) fn clear(&mut self) {
        *self = Interner::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_bound_texts_are_hashed_and_stay_so() {
        let mut interner = Interner::default();
        assert_eq!(interner.known("a"), None);
        assert_eq!(interner.add("a"), 1);
        assert_eq!((interner.known("a"), interner.text(1), interner.known("")), (Some(1), Some("a"), Some(NOTHING)));
        for i in 1..TEXTS_MAX {
            interner.add(&i.to_string());
        }
        assert_eq!(interner.known("new"), Some(hash::code("new")));
        assert_eq!(interner.known("a"), Some(1));
        let long = "x".repeat(101);
        assert_eq!(Interner::default().known(&long), Some(hash::code(&long)));
        assert_eq!(interner.text(hash::code("new")), None);
    }
}
