//! Sorted control ids of sealed entries, with a filter in memory that knows most that are absent.
//!
//! ```text
//! 0      header block: first and last entry covered, number of rows, time of the newest entry, filter
//! 4096   filter
//!        pages of 4096 bytes: 255 rows of key u64 and seq u64 in order, CRC-32 of them, 12 bytes unused
//! ```
//!
//! Keys are uniform, so a page is found by proportion. A file is written once; it can be made again from the sealed
//! segments that it covers.

use std::io;
use std::sync::Arc;

use super::disk::{Disk, DiskFile, read_exact};
use super::frame::{BLOCK, field};
use super::names::FileName;

const MAGIC: [u8; 8] = *b"HUTONGK1";
const HEADER: usize = 72;
const ROWS: usize = 255;
const FILTER_BITS: usize = 12;
const LINE: usize = 64;

/// Key and number of an entry.
pub(crate) type Id = (u64, u64);

/// One file of ids.
pub(crate) struct Run {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) count: u64,
    /// Commit time of the newest entry covered, microseconds since 1970.
    pub(crate) newest_us: i64,
    file: Arc<dyn DiskFile>,
    filter: Filter,
    pages_at: u64,
    pages: u64,
}

impl Run {
    pub(crate) fn name(&self) -> String {
        FileName::Run { first: self.first, last: self.last }.to_string()
    }

    pub(crate) fn open(disk: &dyn Disk, first: u64, last: u64) -> io::Result<Run> {
        let file = disk.open(&FileName::Run { first, last }.to_string())?;
        let header = read_exact(&*file, HEADER, 0)?;
        let crc = u32::from_le_bytes(field(&header, 8));
        let u64_at = |at| u64::from_le_bytes(field(&header, at));
        if field::<8>(&header, 0) != MAGIC
            || header.get(16..).map(crc32fast::hash) != Some(crc)
            || (u64_at(16), u64_at(24)) != (first, last)
        {
            return Err(invalid());
        }
        let (count, newest_us, filter_length) = (u64_at(32), u64_at(40).cast_signed(), u64_at(48));
        let filter = read_exact(&*file, usize::try_from(filter_length).map_err(|_| invalid())?, BLOCK)?;
        if u64::from(crc32fast::hash(&filter)) != u64_at(56) || filter.len() % LINE != 0 {
            return Err(invalid());
        }
        let pages_at = BLOCK + filter_length;
        let pages = count.div_ceil(ROWS as u64);
        if file.len()? != pages_at + pages * BLOCK {
            return Err(invalid());
        }
        Ok(Run { first, last, count, newest_us, file, filter: Filter { lines: filter }, pages_at, pages })
    }

    /// Writes ids in order of their keys under a temporary name, then gives the file its own, durably.
    pub(crate) fn create(
        disk: &dyn Disk,
        covers: (u64, u64),
        newest_us: i64,
        count: u64,
        ids: impl Iterator<Item = io::Result<Id>>,
    ) -> io::Result<Run> {
        let (first, last) = covers;
        let name = FileName::Run { first, last }.to_string();
        let temporary = format!("{name}.tmp");
        let file = disk.create(&temporary)?;
        let mut filter = Filter::new(count);
        let pages_at = BLOCK + filter.lines.len() as u64;
        let mut pages = Pages { file: &*file, at: pages_at, buffer: Vec::new(), rows: 0 };
        let mut written = 0;
        for id in ids {
            let id = id?;
            filter.add(id.0);
            pages.put(id)?;
            written += 1;
        }
        pages.finish()?;
        if written != count {
            return Err(invalid());
        }
        file.write_at(&filter.lines, BLOCK)?;
        let mut header = Vec::with_capacity(BLOCK as usize);
        header.extend(MAGIC);
        header.extend([0; 8]);
        for value in [first, last, count, newest_us.cast_unsigned(), filter.lines.len() as u64, crc32fast::hash(&filter.lines).into(), 0] {
            header.extend(value.to_le_bytes());
        }
        let crc = header.get(16..).map(crc32fast::hash).unwrap_or_default();
        if let Some(place) = header.get_mut(8..12) {
            place.copy_from_slice(&crc.to_le_bytes());
        }
        header.resize(BLOCK as usize, 0);
        file.write_at(&header, 0)?;
        file.sync_data()?;
        disk.rename(&temporary, &name)?;
        disk.sync_dir()?;
        Ok(Run { first, last, count, newest_us, file, filter, pages_at, pages: count.div_ceil(ROWS as u64) })
    }

    /// Entries that have this key, oldest first.
    pub(crate) fn find(&self, key: u64, found: &mut Vec<u64>) -> io::Result<()> {
        if self.pages == 0 || !self.filter.may_have(key) {
            return Ok(());
        }
        // Keys are spread evenly: the page is near its share of the whole range.
        let mut page = ((u128::from(key) * u128::from(self.pages)) >> 64) as u64;
        let mut rows = self.page(page)?;
        while page > 0 && rows.first().is_some_and(|first| first.0 >= key) {
            page -= 1;
            rows = self.page(page)?;
        }
        loop {
            found.extend(rows.iter().filter(|row| row.0 == key).map(|row| row.1));
            page += 1;
            if page == self.pages || rows.last().is_some_and(|last| last.0 > key) {
                return Ok(());
            }
            rows = self.page(page)?;
        }
    }

    fn page(&self, page: u64) -> io::Result<Vec<Id>> {
        let bytes = read_exact(&*self.file, BLOCK as usize, self.pages_at + page * BLOCK)?;
        let (rows, rest) = bytes.split_at(ROWS * 16);
        if crc32fast::hash(rows) != u32::from_le_bytes(field(rest, 0)) {
            return Err(invalid());
        }
        let here = self.count.saturating_sub(page * ROWS as u64).min(ROWS as u64) as usize;
        Ok(rows.chunks_exact(16).take(here).map(|row| (u64::from_le_bytes(field(row, 0)), u64::from_le_bytes(field(row, 8)))).collect())
    }

    fn ids(&self) -> impl Iterator<Item = io::Result<Id>> + '_ {
        (0..self.pages).flat_map(|page| match self.page(page) {
            Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }
}

/// One run out of several that follow one another.
pub(crate) fn merge(disk: &dyn Disk, runs: &[Arc<Run>]) -> io::Result<Run> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Err(invalid()) };
    let count = runs.iter().map(|run| run.count).sum();
    let newest_us = runs.iter().map(|run| run.newest_us).max().unwrap_or_default();
    let mut sources: Vec<_> = runs.iter().map(|run| run.ids().peekable()).collect();
    let merged = std::iter::from_fn(|| {
        let mut least: Option<(usize, Id)> = None;
        for (index, source) in sources.iter_mut().enumerate() {
            match source.peek() {
                Some(Ok(id)) if least.is_none_or(|(_, other)| *id < other) => least = Some((index, *id)),
                Some(Err(_)) => return source.next(),
                _ => {}
            }
        }
        least.and_then(|(index, _)| sources.get_mut(index)?.next())
    });
    Run::create(disk, (first.first, last.last), newest_us, count, merged)
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a file of control ids is damaged")
}

struct Pages<'a> {
    file: &'a dyn DiskFile,
    at: u64,
    buffer: Vec<u8>,
    rows: usize,
}

impl Pages<'_> {
    fn put(&mut self, id: Id) -> io::Result<()> {
        self.buffer.extend(id.0.to_le_bytes());
        self.buffer.extend(id.1.to_le_bytes());
        self.rows += 1;
        if self.rows == ROWS { self.finish() } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.buffer.resize(ROWS * 16, 0);
        let crc = crc32fast::hash(&self.buffer);
        self.buffer.extend(crc.to_le_bytes());
        self.buffer.resize(BLOCK as usize, 0);
        self.file.write_at(&self.buffer, self.at)?;
        self.at += BLOCK;
        self.rows = 0;
        self.buffer.clear();
        Ok(())
    }
}

/// A Bloom filter whose bits of one key all lie in one cache line.
struct Filter {
    lines: Vec<u8>,
}

impl Filter {
    fn new(count: u64) -> Filter {
        let bytes = usize::try_from(count).unwrap_or(0) * FILTER_BITS / 8;
        Filter { lines: vec![0; (bytes.next_multiple_of(LINE)).max(LINE)] }
    }

    /// Byte and bit of each of six places.
    fn places(lines: usize, key: u64) -> impl Iterator<Item = (usize, u8)> {
        let lines = (lines / LINE) as u128;
        let line = ((u128::from(key) * lines) >> 64) as usize * LINE;
        let mixed = (key ^ (key >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..6).map(move |index| {
            let place = (mixed >> (index * 9 + 10)) as usize & 511;
            (line + place / 8, 1 << (place % 8))
        })
    }

    fn add(&mut self, key: u64) {
        for (byte, bit) in Filter::places(self.lines.len(), key) {
            if let Some(byte) = self.lines.get_mut(byte) {
                *byte |= bit;
            }
        }
    }

    fn may_have(&self, key: u64) -> bool {
        Filter::places(self.lines.len(), key).all(|(byte, bit)| self.lines.get(byte).is_some_and(|byte| byte & bit != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::RealDisk;
    use super::*;

    fn key(number: u64) -> u64 {
        u64::from_le_bytes(field(&hutong_audit::digest(&number.to_le_bytes()), 0))
    }

    fn run(disk: &dyn Disk, numbers: std::ops::RangeInclusive<u64>) -> Arc<Run> {
        let mut ids: Vec<Id> = numbers.clone().map(|number| (key(number), number)).collect();
        ids.sort_unstable();
        let covers = (*numbers.start(), *numbers.end());
        Arc::new(Run::create(disk, covers, 9, ids.len() as u64, ids.into_iter().map(Ok)).unwrap())
    }

    fn find(run: &Run, key: u64) -> Vec<u64> {
        let mut found = Vec::new();
        run.find(key, &mut found).unwrap();
        found
    }

    #[test]
    fn ids_are_found_in_a_run_in_a_merged_one_and_after_opening() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(dir.path()).unwrap();
        let runs = [run(&disk, 1..=10_000), run(&disk, 10_001..=10_001), run(&disk, 10_002..=12_000)];
        let merged = merge(&disk, &runs).unwrap();
        assert_eq!((merged.first, merged.last, merged.count), (1, 12_000, 12_000));
        let opened = Run::open(&disk, 1, 12_000).unwrap();
        for number in (1..=12_000).step_by(7) {
            assert_eq!(find(&merged, key(number)), [number]);
            assert_eq!(find(&opened, key(number)), [number]);
        }
        let wrong = (20_000..40_000).filter(|&number| opened.filter.may_have(key(number))).count();
        assert!(wrong < 400, "{wrong} of 20000 pass the filter");
        assert!((20_000..21_000).all(|number| find(&opened, key(number)).is_empty()));
    }

    #[test]
    fn a_key_with_many_entries_is_found_across_pages_and_extremes_work() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(dir.path()).unwrap();
        let ids: Vec<Id> = [(0, 1)].into_iter().chain((2..=1_000).map(|seq| (u64::MAX / 2, seq))).chain([(u64::MAX, 1_001)]).collect();
        let run = Run::create(&disk, (1, 1_001), 0, 1_001, ids.into_iter().map(Ok)).unwrap();
        assert_eq!(find(&run, u64::MAX / 2), (2..=1_000).collect::<Vec<_>>());
        assert_eq!((find(&run, 0), find(&run, u64::MAX)), (vec![1], vec![1_001]));
        let empty = Run::create(&disk, (5, 6), 0, 0, std::iter::empty()).unwrap();
        assert!(find(&empty, 7).is_empty());
        assert!(Run::open(&disk, 5, 6).is_ok());
    }

    #[test]
    fn damage_is_an_error_and_never_a_wrong_no() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(dir.path()).unwrap();
        let name = run(&disk, 1..=1_000).name();
        let bytes = std::fs::read(dir.path().join(&name)).unwrap();
        for at in (0..72).chain((4_096..bytes.len()).step_by(131)) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            std::fs::write(dir.path().join(&name), &changed).unwrap();
            let Ok(run) = Run::open(&disk, 1, 1_000) else { continue };
            let mut found = Vec::new();
            let all = (1..=1_000).try_for_each(|number| run.find(key(number), &mut found));
            assert!(all.is_err() || found.len() == 1_000, "byte {at}");
        }
    }
}
