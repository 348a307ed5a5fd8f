//! All cases by number, in chunks of 256. The last chunks are plain rows; older ones are packed: each column with as many
//! bits as it needs there, about 22 bytes a row instead of 36. What changes in an old chunk unpacks it for a while.
//!
//! Chunks are behind `Arc`s: a clone of all is cheap, and whoever writes after that copies the one chunk that it touches.
//! Folders that do not fit into a row stand in the chunk of their case.

use super::folder::Folder;
use super::row::{MOVED, RICH, Row};
use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

const CHUNK: usize = if cfg!(test) { 2 } else { 256 };
/// Chunks at the end that stay plain, and older ones that were unpacked last: nearly all changes go there.
const RECENT: usize = if cfg!(test) { 1 } else { 256 };
const UNPACKED: usize = if cfg!(test) { 1 } else { 64 };
pub(super) const COLUMNS: usize = 11;

#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    chunks: Vec<Arc<Chunk>>,
    /// Old chunks that are plain, the longest so first.
    unpacked: VecDeque<usize>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Chunk {
    pub(super) body: Body,
    /// By case number.
    pub(super) rich: Vec<(u32, Folder)>,
    /// From when to when their reports are at most.
    span: (u32, u32),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Body {
    Plain(Vec<Row>),
    Packed(Packed),
}

/// Rows one after the other, each with the columns in their order. 0 is 0; anything else is what it is above the column's base.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Packed {
    pub(super) bases: [u32; COLUMNS],
    /// Bits; at most 32.
    pub(super) widths: [u8; COLUMNS],
    pub(super) words: Box<[u64]>,
}

impl Packed {
    fn of(rows: &[Row]) -> Packed {
        let (mut least, mut most) = ([u32::MAX; COLUMNS], [0_u32; COLUMNS]);
        for row in rows {
            for ((n, least), most) in row.columns().into_iter().zip(&mut least).zip(&mut most) {
                *least = (*least).min(n.wrapping_sub(1));
                *most = (*most).max(n);
            }
        }
        // of a column that is 0 everywhere, 0 - 1 is the base: nothing is above it
        let bases = least;
        let mut widths = [0_u8; COLUMNS];
        for ((width, most), base) in widths.iter_mut().zip(most).zip(bases) {
            *width = (32 - most.saturating_sub(base).leading_zeros()) as u8;
        }
        let bits: usize = widths.iter().map(|w| usize::from(*w)).sum();
        let mut words = vec![0_u64; (rows.len() * bits).div_ceil(64)].into_boxed_slice();
        let mut at = 0;
        for row in rows {
            for ((n, base), width) in row.columns().into_iter().zip(bases).zip(widths) {
                let n = u64::from(if n == 0 { 0 } else { n.wrapping_sub(base) });
                if let Some(word) = words.get_mut(at / 64) {
                    *word |= n << (at % 64);
                }
                if at % 64 + usize::from(width) > 64
                    && let Some(word) = words.get_mut(at / 64 + 1)
                {
                    *word |= n >> (64 - at % 64);
                }
                at += usize::from(width);
            }
        }
        Packed { bases, widths, words }
    }

    fn get(&self, n: usize) -> Row {
        let bits: usize = self.widths.iter().map(|w| usize::from(*w)).sum();
        let (mut at, mut columns) = (n * bits, [0_u32; COLUMNS]);
        for ((column, base), width) in columns.iter_mut().zip(self.bases).zip(self.widths) {
            let word = |n: usize| self.words.get(n).copied().unwrap_or(0);
            let mut n = word(at / 64) >> (at % 64);
            if at % 64 + usize::from(width) > 64 {
                n |= word(at / 64 + 1) << (64 - at % 64);
            }
            let n = (n & ((1 << width) - 1)) as u32;
            *column = if n == 0 { 0 } else { n.wrapping_add(base) };
            at += usize::from(width);
        }
        Row::of(columns)
    }

    /// Earliest and latest that `reported` can be in it.
    fn reported(&self) -> (u32, u32) {
        let [_, _, base, ..] = self.bases;
        let [_, _, width, ..] = self.widths;
        (base.wrapping_add(1), base.wrapping_add(((1_u64 << width) - 1) as u32))
    }
}

impl Chunk {
    pub(super) fn new(body: Body, rich: Vec<(u32, Folder)>) -> Chunk {
        let mut chunk = Chunk { body, rich: Vec::new(), span: (u32::MAX, 0) };
        for (_, folder) in &rich {
            chunk.spread(folder);
        }
        Chunk { rich, ..chunk }
    }

    fn spread(&mut self, folder: &Folder) {
        let times = folder.versions.iter().map(|v| v.reported).chain([folder.since.saturating_mul(60)]).filter(|t| *t != 0);
        for time in times {
            self.span = (self.span.0.min(time), self.span.1.max(time));
        }
    }

    fn get(&self, n: usize) -> Option<Row> {
        match &self.body {
            Body::Plain(rows) => rows.get(n).copied(),
            Body::Packed(packed) => Some(packed.get(n)),
        }
    }

    /// Whether a packed row of it may be of then.
    fn may_hold(&self, first: u32, last: u32) -> bool {
        match &self.body {
            Body::Plain(_) => true,
            Body::Packed(packed) => {
                let (from, to) = packed.reported();
                from <= last && to >= first
            }
        }
    }

    /// Whether all rows of it were reported before then and none went into another case, or whether none was; `None`: it
    /// depends on the row. Nearly all old chunks answer without being unpacked.
    fn is_before(&self, seconds: u32) -> Option<bool> {
        let Body::Packed(packed) = &self.body else { return None };
        let ([.., shape, _, _, _], (first, last)) = (packed.bases, packed.reported());
        match (last < seconds, first >= seconds) {
            (true, _) if shape >= u32::from(MOVED) => Some(true),
            // rows without a time went into another case
            (_, true) => Some(false),
            _ => None,
        }
    }

    /// What its rows lay in: empty, to be filled again.
    fn pack(&mut self) -> Vec<Row> {
        let Body::Plain(rows) = &mut self.body else { return Vec::new() };
        // many stood in it while their report was awaited
        self.rich.shrink_to_fit();
        let mut rows = std::mem::take(rows);
        self.body = Body::Packed(Packed::of(&rows));
        rows.clear();
        rows
    }
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match self.chunks.last().map(|c| &c.body) {
            Some(Body::Plain(rows)) => (self.chunks.len() - 1) * CHUNK + rows.len(),
            _ => self.chunks.len() * CHUNK,
        }
    }

    pub(super) fn get(&self, case: u32) -> Option<Row> {
        self.chunks.get(case as usize / CHUNK)?.get(case as usize % CHUNK)
    }

    /// Whether it was reported before then, and is a case still. The chunk says it of nearly all that are old.
    pub(super) fn reported_before(&self, case: u32, seconds: u32) -> bool {
        let Some(chunk) = self.chunks.get(case as usize / CHUNK) else { return true };
        let own = || chunk.get(case as usize % CHUNK).is_none_or(|r| r.shape != MOVED && r.reported < seconds);
        chunk.is_before(seconds).unwrap_or_else(own)
    }

    /// The number of the new case; `None`: there are no more.
    pub(super) fn push(&mut self, row: Row) -> Option<u32> {
        let case = u32::try_from(self.len()).ok()?;
        if case as usize / CHUNK == self.chunks.len() {
            // room for the new chunk is that of the one that is packed: freed and taken anew it would fall into holes
            let old = self.chunks.len().checked_sub(RECENT).filter(|old| !self.unpacked.contains(old));
            let mut rows = old.map_or_else(Vec::new, |old| self.pack(old));
            rows.reserve_exact(CHUNK.saturating_sub(rows.len()));
            rows.push(row);
            self.chunks.push(Arc::new(Chunk::new(Body::Plain(rows), Vec::new())));
        } else if let Some(last) = self.chunks.last_mut()
            && let Body::Plain(rows) = &mut Arc::make_mut(last).body
        {
            rows.push(row);
        }
        Some(case)
    }

    fn pack(&mut self, chunk: usize) -> Vec<Row> {
        self.chunks.get_mut(chunk).map_or_else(Vec::new, |chunk| Arc::make_mut(chunk).pack())
    }

    /// The chunk of a case, to be changed.
    fn open(&mut self, case: u32) -> Option<&mut Chunk> {
        let n = case as usize / CHUNK;
        if let Body::Packed(packed) = &self.chunks.get(n)?.body {
            let plain = (0..CHUNK).map(|n| packed.get(n)).collect();
            if let Some(chunk) = self.chunks.get_mut(n) {
                Arc::make_mut(chunk).body = Body::Plain(plain);
            }
            self.unpacked.push_back(n);
            if self.unpacked.len() > UNPACKED
                && let Some(old) = self.unpacked.pop_front()
            {
                self.pack(old);
            }
        }
        self.chunks.get_mut(n).map(Arc::make_mut)
    }

    pub(super) fn set(&mut self, case: u32, row: Row) {
        if let Some(Chunk { body: Body::Plain(rows), .. }) = self.open(case)
            && let Some(at) = rows.get_mut(case as usize % CHUNK)
        {
            *at = row;
        }
    }

    pub(super) fn rich(&self, case: u32) -> Option<&Folder> {
        let rich = &self.chunks.get(case as usize / CHUNK)?.rich;
        rich.iter().find(|(c, _)| *c == case).map(|(_, folder)| folder)
    }

    pub(super) fn take_rich(&mut self, case: u32) -> Option<Folder> {
        self.rich(case)?;
        let rich = &mut self.open(case)?.rich;
        let at = rich.iter().position(|(c, _)| *c == case)?;
        Some(rich.remove(at).1)
    }

    /// In place of what it has.
    pub(super) fn put_rich(&mut self, case: u32, mut folder: Folder) {
        folder.shrink();
        if let Some(chunk) = self.open(case) {
            chunk.spread(&folder);
            chunk.rich.retain(|(c, _)| *c != case);
            chunk.rich.reserve_exact(1);
            chunk.rich.insert(chunk.rich.partition_point(|(c, _)| *c < case), (case, folder));
        }
    }

    pub(super) fn folders(&self) -> usize {
        self.chunks.iter().map(|c| c.rich.len()).sum()
    }

    /// Cases that are there still, from one on: those whose row says that they were reported then, and those with a folder
    /// that may hold a report of then.
    pub(super) fn reported(&self, from: u32, seconds: RangeInclusive<u32>) -> impl Iterator<Item = (u32, Row)> {
        let chunks = self.chunks.iter().enumerate().skip(from as usize / CHUNK);
        let (first, last) = (*seconds.start(), *seconds.end());
        let rows = chunks.flat_map(move |(n, chunk)| {
            let all = chunk.may_hold(first, last);
            let rich = if chunk.span.0 <= last && chunk.span.1 >= first { chunk.rich.len() } else { 0 };
            (0..if all { CHUNK } else { rich }).filter_map(move |i| {
                let case = if all { (n * CHUNK + i) as u32 } else { chunk.rich.get(i)?.0 };
                Some((case, chunk.get(case as usize % CHUNK)?))
            })
        });
        rows.filter(move |(case, row)| *case >= from && row.shape != MOVED && (row.shape == RICH || seconds.contains(&row.reported)))
    }

    /// For a snapshot.
    pub(super) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// `None`: such chunks there never are.
    pub(super) fn of(chunks: Vec<Chunk>) -> Option<Rows> {
        let last = chunks.len().saturating_sub(1);
        let (mut unpacked, recent) = (VecDeque::new(), chunks.len().saturating_sub(RECENT));
        for (n, chunk) in chunks.iter().enumerate() {
            match &chunk.body {
                Body::Plain(rows) if rows.len() == CHUNK || (n == last && (1..CHUNK).contains(&rows.len())) => {
                    if n < recent {
                        unpacked.push_back(n);
                    }
                }
                Body::Packed(packed) if packed.widths.iter().all(|w| *w <= 32) => {}
                _ => return None,
            }
        }
        Some(Rows { chunks: chunks.into_iter().map(Arc::new).collect(), unpacked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u32) -> Row {
        let far = if n.is_multiple_of(3) { u32::MAX - n } else { 0 };
        Row {
            record: n,
            next: 0,
            reported: 1_795_276_801 + n,
            accession: n.wrapping_mul(0x9e37_79b9),
            report: far,
            place_seq: 7,
            version_seq: n,
            shape: 2 + n as u16,
            item: 0,
            ordered: if n.is_multiple_of(2) { u16::MAX } else { n as u16 },
            examined: u16::MAX - n as u16,
        }
    }

    #[test]
    fn packing_loses_nothing() {
        for count in [1, 2, 3, 64, 256] {
            let rows: Vec<Row> = (0..count).map(row).collect();
            let packed = Packed::of(&rows);
            assert_eq!((0..count as usize).map(|n| packed.get(n)).collect::<Vec<_>>(), rows);
            let (first, last) = packed.reported();
            assert!(rows.iter().all(|r| (first..=last).contains(&r.reported)));
        }
        let same = Packed::of(&vec![row(1); 256]);
        assert!(same.words.len() * 8 <= 256 * 2, "what all have in common takes a bit a column");
        assert_eq!(Packed::of(&[Row::default(); 4]).get(3), Row { ..Row::default() });
    }

    #[test]
    fn old_rows_are_packed_and_change_all_the_same() {
        let mut rows = Rows::default();
        let mut expect: Vec<Row> = (0..40).map(row).collect();
        for (n, row) in expect.iter().enumerate() {
            assert_eq!(rows.push(*row), Some(n as u32));
        }
        let packed = |rows: &Rows| rows.chunks.iter().filter(|c| matches!(c.body, Body::Packed(_))).count();
        assert_eq!(packed(&rows), 20 - RECENT);
        let before = rows.clone();
        for case in [3_u32, 3, 17, 39, 2, 8] {
            expect[case as usize].record = 1_000 + case;
            rows.set(case, expect[case as usize]);
            assert!(packed(&rows) >= 20 - RECENT - UNPACKED);
        }
        rows.put_rich(5, Folder { test: true, ..Folder::default() });
        assert_eq!((0..40).filter_map(|n| rows.get(n)).collect::<Vec<_>>(), expect);
        assert_eq!((0..40).filter_map(|n| before.get(n)).collect::<Vec<_>>(), (0..40).map(row).collect::<Vec<_>>());
        assert_eq!((rows.len(), rows.folders(), before.folders(), rows.get(40)), (40, 1, 0, None));
        let early = |rows: &Rows, case: u32| rows.reported_before(case, row(8).reported);
        assert!((0..8).all(|case| early(&rows, case)) && !early(&rows, 8) && early(&rows, 99));
        rows.set(1, Row { shape: MOVED, ..Row::default() });
        assert!(!early(&rows, 1), "what went into another case leads there");
        rows.set(1, row(1));
        let within: Vec<u32> = rows.reported(9, row(11).reported..=row(13).reported).map(|(case, _)| case).collect();
        assert_eq!(within, [11, 12, 13]);
        let again = Rows::of(rows.chunks.iter().map(|c| (**c).clone()).collect()).unwrap();
        assert_eq!((again.unpacked.len(), again.len()), (UNPACKED, 40));
        rows.put_rich(5, Folder { checkup: true, ..Folder::default() });
        assert!(rows.take_rich(5).is_some_and(|f| f.checkup && !f.test) && rows.rich(5).is_none(), "one folder a case");
    }
}
