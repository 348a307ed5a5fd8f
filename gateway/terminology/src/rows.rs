//! A set of rows of a table, one bit each: what a filter leaves of a code system.

/// A set of rows, one bit each.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    bits: Vec<u64>,
    rows: u32,
}

impl Rows {
    pub(crate) fn none(rows: u32) -> Rows {
        Rows { bits: vec![0; (rows as usize).div_ceil(64)], rows }
    }

    pub(crate) fn where_(rows: u32, mut is: impl FnMut(u32) -> bool) -> Rows {
        let mut out = Rows::none(rows);
        (0..rows).filter(|r| is(*r)).for_each(|r| out.add_range(r, r + 1));
        out
    }

    pub(crate) fn has(&self, row: u32) -> bool {
        self.bits.get(row as usize / 64).is_some_and(|w| w >> (row % 64) & 1 == 1)
    }

    pub(crate) fn add_range(&mut self, from: u32, to: u32) {
        for row in from..to.min(self.rows) {
            if let Some(word) = self.bits.get_mut(row as usize / 64) {
                *word |= 1 << (row % 64);
            }
        }
    }

    pub(crate) fn remove(&mut self, row: u32) {
        if let Some(word) = self.bits.get_mut(row as usize / 64) {
            *word &= !(1 << (row % 64));
        }
    }

    pub(crate) fn and(&mut self, other: &Rows) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(a, b)| *a &= b);
    }

    pub(crate) fn not(mut self) -> Rows {
        self.bits.iter_mut().for_each(|w| *w = !*w);
        if let Some(last) = self.bits.last_mut().filter(|_| !self.rows.is_multiple_of(64)) {
            *last &= (1 << (self.rows % 64)) - 1;
        }
        self
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.bits.iter().enumerate().flat_map(|(i, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(i as u32 * 64 + bit)
            })
        })
    }
}
