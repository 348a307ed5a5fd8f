//! A long list in short pieces, each behind an `Arc`: it grows without moving, and a clone of it is cheap. Whoever writes
//! after that copies the one piece that it touches.

use std::sync::Arc;

const PIECE: usize = if cfg!(test) { 2 } else { 1024 };

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Chunks<T> {
    /// All of one length; what is beyond `len` is nothing yet.
    pieces: Vec<Arc<[T]>>,
    len: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks { pieces: Vec::new(), len: 0 }
    }
}

impl<T: Clone> Chunks<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, n: usize) -> Option<&T> {
        self.pieces.get(n / PIECE)?.get(n % PIECE).filter(|_| n < self.len)
    }

    pub(super) fn get_mut(&mut self, n: usize) -> Option<&mut T> {
        if n >= self.len {
            return None;
        }
        Arc::make_mut(self.pieces.get_mut(n / PIECE)?).get_mut(n % PIECE)
    }

    pub(super) fn push(&mut self, item: T) {
        let n = self.len;
        self.len += 1;
        if n / PIECE == self.pieces.len() {
            self.pieces.push(vec![item; PIECE].into());
        } else if let Some(at) = self.get_mut(n) {
            *at = item;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.from(0)
    }

    /// From one on; nothing beyond the last.
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = &T> {
        (first.min(self.len)..self.len).filter_map(|n| self.get(n))
    }
}

impl<T: Clone> FromIterator<T> for Chunks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Chunks<T> {
        let mut out = Chunks::default();
        items.into_iter().for_each(|item| out.push(item));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_stays_as_it_was() {
        let mut list: Chunks<u32> = (0..5).collect();
        let before = list.clone();
        list.push(5);
        *list.get_mut(1).unwrap() = 10;
        assert_eq!(list.iter().copied().collect::<Vec<_>>(), [0, 10, 2, 3, 4, 5]);
        assert_eq!(before.iter().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(list.from(3).chain(list.from(9)).copied().collect::<Vec<_>>(), [3, 4, 5]);
        assert_eq!((list.len(), before.len(), Chunks::<u32>::default().len()), (6, 5, 0));
        assert_eq!((list.get(5), before.get(5)), (Some(&5), None));
    }
}
