//! Texts that return all the time (institutions, doctors, items, reasons) as numbers.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by number, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Interned<T> {
    list: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Interned<T> {
        Interned { list: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    pub(crate) fn number(&mut self, value: &T) -> u32 {
        if let Some(n) = self.numbers.get(value) {
            return *n;
        }
        // four thousand million different texts do not fit into memory
        let n = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(value.clone());
        self.numbers.insert(value.clone(), n);
        n
    }

    pub(crate) fn find(&self, value: &T) -> Option<u32> {
        self.numbers.get(value).copied()
    }

    pub(crate) fn get(&self, n: u32) -> Option<&T> {
        self.list.get(n as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}
