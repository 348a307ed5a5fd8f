//! The newest postings, in memory: a few sorted vectors, the small ones merged so that they stay few.

use std::sync::Arc;

use super::Posting;

/// Cheap to clone: a snapshot for a reader.
#[derive(Clone, Default)]
pub(crate) struct Tail {
    /// Each at least twice as long as the next.
    parts: Vec<Arc<Vec<Posting>>>,
}

impl Tail {
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|p| p.len()).sum()
    }

    /// `new` is sorted.
    pub(super) fn add(&mut self, mut new: Vec<Posting>) {
        while let Some(last) = self.parts.pop_if(|last| last.len() < 2 * new.len()) {
            new = merge(&last, &new);
        }
        self.parts.push(Arc::new(new));
    }

    pub(super) fn merged(&self) -> Vec<Posting> {
        self.parts.iter().rev().fold(Vec::new(), |all, part| merge(part, &all))
    }

    /// Adds the values of a key to `out`.
    pub(super) fn collect(&self, key: u64, out: &mut Vec<u64>) {
        for part in &self.parts {
            let from = part.partition_point(|p| p.0 < key);
            out.extend(part.iter().skip(from).take_while(|p| p.0 == key).map(|p| p.1));
        }
    }
}

fn merge(a: &[Posting], b: &[Posting]) -> Vec<Posting> {
    let mut out: Vec<Posting> = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let next = if x <= y { a.next() } else { b.next() };
        out.extend(next);
    }
    out.extend(a);
    out.extend(b);
    out
}
