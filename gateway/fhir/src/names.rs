//! Element names as small numbers: every name that FHIR R4 defines is known at start, others live in their tree.
//!
//! The list is `profiles/r4/names.txt`, written by the generator of the definition pack.

use std::sync::LazyLock;

const NAMES_TEXT: &str = include_str!("../../../profiles/r4/names.txt");

/// The number of an element name. Numbers below [`Key::known_count`] name R4 elements and are the same in every
/// tree of one build; others are local to one tree and mean an element that R4 does not know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Key(pub(crate) u32);

struct Names {
    list: Vec<&'static str>,
    /// Open addressing, power of two; 0 = free, otherwise index + 1.
    slots: Vec<u16>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let list: Vec<&'static str> = NAMES_TEXT.lines().filter(|l| !l.is_empty()).collect();
    let size = (list.len() * 4).next_power_of_two();
    let mut slots = vec![0u16; size];
    for (i, name) in list.iter().enumerate() {
        let mut at = hash(name) & (size - 1);
        while slots[at] != 0 {
            at = (at + 1) & (size - 1);
        }
        slots[at] = (i + 1) as u16;
    }
    Names { list, slots }
});

pub(crate) fn hash(name: &str) -> usize {
    // FNV-1a: the names are short and ours
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for b in name.bytes() {
        h = (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    (h ^ (h >> 29)) as usize
}

impl Key {
    /// The key of an R4 element name, or `None` where R4 has no such element.
    pub fn known(name: &str) -> Option<Key> {
        let names = &*NAMES;
        let mask = names.slots.len() - 1;
        let mut at = hash(name) & mask;
        loop {
            match names.slots[at] {
                0 => return None,
                n if names.list[n as usize - 1] == name => return Some(Key(u32::from(n) - 1)),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// The key of a name that the caller knows to be an R4 element.
    ///
    /// # Panics
    /// Where R4 has no such element: a programming error, never a matter of input.
    pub fn of(name: &str) -> Key {
        match Key::known(name) {
            Some(key) => key,
            None => panic!("'{name}' is not an R4 element name"),
        }
    }

    /// How many names R4 defines.
    pub fn known_count() -> usize {
        NAMES.list.len()
    }

    /// Whether this is an R4 element name.
    pub fn is_known(self) -> bool {
        (self.0 as usize) < NAMES.list.len()
    }

    /// The index in the table of R4 names, for tables beside it.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn known_name(self) -> Option<&'static str> {
        NAMES.list.get(self.0 as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_itself() {
        for (i, name) in NAMES.list.iter().enumerate() {
            assert_eq!(Key::known(name), Some(Key(i as u32)), "{name}");
        }
        assert_eq!(Key::known("pateint"), None);
    }
}
