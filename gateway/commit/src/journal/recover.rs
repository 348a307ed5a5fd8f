//! Opening: where does the journal end, and what stands behind its end?

use std::collections::VecDeque;
use std::sync::Arc;

use super::disk::{Disk, DiskFile, read_exact};
use super::frame::{BLOCK, SegmentHeader};
use super::names::FileName;
use super::pool::Ready;
use super::scan::{Position, Scanned, Stop, scan};
use super::sealed::SealedFile;
use super::seen::{Recent, Seen};
use super::segments::{OpenSegment, SealedAt, SegmentMap};
use super::{JournalOptions, Recovery};
use crate::error::StoreError;

/// An empty store shall be ready at once: its first segment is small.
const FIRST_BYTES: u64 = 4 << 20;

/// A journal ready to be written to.
pub(crate) struct Found {
    pub(crate) segments: SegmentMap,
    pub(crate) active: Arc<OpenSegment>,
    pub(crate) capacity: u64,
    /// Where the next batch goes in the active segment.
    pub(crate) end: u64,
    pub(crate) position: Position,
    pub(crate) recovery: Recovery,
    pub(crate) seen: Seen,
    pub(crate) ready: Option<Ready>,
    pub(crate) spares: Vec<u64>,
}

/// The files of a journal by kind, in order.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) sealed: Vec<SealedAt>,
    pub(crate) open: Vec<u64>,
    pub(crate) spares: Vec<u64>,
    pub(crate) temporary: Vec<String>,
    runs: usize,
}

impl Listing {
    pub(crate) fn read(disk: &dyn Disk) -> Result<Listing, StoreError> {
        let (mut listing, mut runs) = (Listing::default(), 0);
        for name in disk.list().map_err(StoreError::io("list the journal"))? {
            match FileName::parse(&name) {
                FileName::Open { number } => listing.open.push(number),
                FileName::Sealed { number, first_seq } => listing.sealed.push(SealedAt { number, first_seq }),
                FileName::Spare { number } => listing.spares.push(number),
                FileName::Temporary => listing.temporary.push(name),
                FileName::Run { .. } => runs += 1,
                FileName::Other => {}
            }
        }
        listing.runs = runs;
        listing.sealed.sort_unstable_by_key(|sealed| sealed.number);
        listing.open.sort_unstable();
        listing.spares.sort_unstable();
        Ok(listing)
    }

    /// Whether no journal was ever here.
    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.open.is_empty() && self.spares.is_empty() && self.runs == 0
    }
}

/// Finds the end of the journal and makes sure that nothing behind it can come back.
pub(crate) fn recover(disk: &dyn Disk, options: &JournalOptions) -> Result<Found, StoreError> {
    let listing = Listing::read(disk)?;
    for name in &listing.temporary {
        disk.remove(name).map_err(StoreError::io("remove an unfinished file"))?;
    }
    let (first, position) = after_sealed(disk, &listing)?;
    let (mut number, sealed_last) = (first, position.seq);
    let missing = !listing.open.contains(&first) && !listing.is_empty();
    if missing {
        let why = format!("segment {first} is missing");
        return Err(StoreError::Damaged { seq: position.seq + 1, file: FileName::Open { number: first }.to_string(), offset: 0, why });
    }
    let mut walk = Walk { disk, position, segments: Vec::new(), recent: VecDeque::new(), recovery: Recovery::default() };
    let mut tail = None;
    let mut waiting = None;
    while listing.open.contains(&number) {
        let name = FileName::Open { number }.to_string();
        let file = disk.open(&name).map_err(StoreError::io("open a segment"))?;
        let scanned = walk.segment(number, &*file)?;
        if !scanned.begun && tail.is_some() {
            waiting = (scanned.stop == Stop::Clean).then_some(file);
            break;
        }
        walk.add(number, Arc::clone(&file), &scanned);
        tail = Some((number, file, scanned));
        number += 1;
    }
    let ready = keep_one_ready(disk, &listing, number, waiting, &walk.position, options)?;
    let spares = usable_spares(disk, &listing, options)?;
    let (capacity, end) = match tail {
        Some((number, file, scanned)) => {
            let end = scanned.end;
            walk.clean(number, &*file, scanned)?;
            (file.len().map_err(StoreError::io("measure a segment"))? / BLOCK * BLOCK, end)
        }
        None => walk.begin(disk, number, options)?,
    };
    walk.recovery.last = walk.position.seq;
    let seen = Seen::open(disk, &listing.sealed, sealed_last, walk.recent, options.duplicate_window_us());
    let seen = seen.map_err(StoreError::io("open the control ids"))?;
    let active = walk.segments.last().map(Arc::clone).ok_or(StoreError::Stopped)?;
    Ok(Found {
        segments: SegmentMap::new(listing.sealed, walk.segments),
        active,
        capacity,
        end,
        position: walk.position,
        recovery: walk.recovery,
        seen,
        ready,
        spares,
    })
}

/// The number behind the sealed segments and where the journal stands there. Open files that were sealed before they
/// could be recycled are removed.
fn after_sealed(disk: &dyn Disk, listing: &Listing) -> Result<(u64, Position), StoreError> {
    let damaged = |sealed: &SealedAt, why: String| StoreError::Damaged { seq: sealed.first_seq, file: sealed.name(), offset: 0, why };
    for (sealed, number) in listing.sealed.iter().zip(1..) {
        if sealed.number != number {
            return Err(damaged(sealed, format!("segment {number} is missing")));
        }
    }
    let Some(last) = listing.sealed.last() else { return Ok((1, Position::START)) };
    let file = disk.open(&last.name()).map_err(StoreError::io("open a sealed segment"))?;
    let header = SealedFile::read_header(&*file).map_err(|error| damaged(last, error.to_string()))?;
    if header.number != last.number || header.before.seq + 1 != last.first_seq {
        return Err(damaged(last, "the file has the name of another segment".into()));
    }
    for &number in listing.open.iter().filter(|&&number| number <= last.number) {
        disk.remove(&FileName::Open { number }.to_string()).map_err(StoreError::io("remove a segment that was sealed"))?;
    }
    Ok((last.number + 1, header.after))
}

struct Walk<'a> {
    disk: &'a dyn Disk,
    position: Position,
    segments: Vec<Arc<OpenSegment>>,
    recent: VecDeque<Recent>,
    recovery: Recovery,
}

impl Walk<'_> {
    /// Reads an open segment; an error where something acknowledged is damaged.
    fn segment(&mut self, number: u64, file: &dyn DiskFile) -> Result<Scanned, StoreError> {
        let mut recent = Recent::new(number);
        let scanned = scan(file, number, &self.position, |header, _, fixed| {
            let key = if fixed.outcome == crate::entry::Final::Duplicate { 0 } else { fixed.key };
            recent.add(key, header.seq);
            Ok(())
        })
        .map_err(StoreError::io("read a segment"))?;
        if let Stop::Damaged { offset, seq, why, .. } = scanned.stop {
            return Err(StoreError::Damaged { seq, file: FileName::Open { number }.to_string(), offset, why: why.into() });
        }
        self.recovery.scanned += scanned.offsets.len() as u64;
        if scanned.begun || self.segments.is_empty() {
            self.recent.push_back(recent);
        }
        Ok(scanned)
    }

    fn add(&mut self, number: u64, file: Arc<dyn DiskFile>, scanned: &Scanned) {
        self.segments.push(Arc::new(OpenSegment::new(number, self.position, file, scanned.offsets.clone())));
        self.position = scanned.position;
    }

    /// Overwrites what a torn batch left in the last segment: the next batch stands there, and a later crash must not
    /// show old frames behind new ones.
    fn clean(&mut self, number: u64, file: &dyn DiskFile, scanned: Scanned) -> Result<(), StoreError> {
        let Stop::Torn { offset, why, until } = scanned.stop else { return Ok(()) };
        let name = FileName::Open { number }.to_string();
        tracing::warn!(file = %name, offset, why, last = self.position.seq, "the journal ends in a torn write that was never acknowledged; it is dropped 日志末尾有未确认的残缺写入，已丢弃");
        let length = file.len().map_err(StoreError::io("measure a segment"))?;
        let until = until.next_multiple_of(BLOCK).min(length);
        let zeros = vec![0; 1 << 20];
        let mut at = scanned.end;
        while at < until {
            let part = zeros.len().min((until - at) as usize);
            file.write_at(zeros.get(..part).unwrap_or_default(), at).map_err(StoreError::io("clean the end of the journal"))?;
            at += part as u64;
        }
        file.sync_data().map_err(StoreError::io("sync the end of the journal"))?;
        self.recovery.torn = Some((name, offset, why));
        Ok(())
    }

    /// There is nothing to go on with: the next segment is made here.
    fn begin(&mut self, disk: &dyn Disk, number: u64, options: &JournalOptions) -> Result<(u64, u64), StoreError> {
        let capacity = options.segment_bytes.clamp(4 * BLOCK, FIRST_BYTES) / BLOCK * BLOCK;
        let name = FileName::Open { number }.to_string();
        let temporary = format!("{number:010}.tmp");
        let file = disk.create(&temporary).map_err(StoreError::io("create a segment"))?;
        file.write_at(&vec![0; capacity as usize], 0).map_err(StoreError::io("write a new segment"))?;
        file.sync_data().map_err(StoreError::io("sync a new segment"))?;
        self.disk.rename(&temporary, &name).map_err(StoreError::io("name a new segment"))?;
        self.disk.sync_dir().map_err(StoreError::io("sync the journal's directory"))?;
        self.segments.push(Arc::new(OpenSegment::new(number, self.position, file, Vec::new())));
        self.recent.push_back(Recent::new(number));
        Ok((capacity, 0))
    }
}

/// The segment behind the last one, `waiting` for its first batch if it holds no remains of one; all others behind it
/// are removed.
fn keep_one_ready(
    disk: &dyn Disk,
    listing: &Listing,
    number: u64,
    waiting: Option<Arc<dyn DiskFile>>,
    position: &Position,
    options: &JournalOptions,
) -> Result<Option<Ready>, StoreError> {
    let mut ready = None;
    for &other in listing.open.iter().filter(|&&other| other >= number) {
        let name = FileName::Open { number: other }.to_string();
        let file = disk.open(&name).map_err(StoreError::io("open a segment"))?;
        let begun = SegmentHeader::read(&read_exact(&*file, BLOCK as usize, 0).unwrap_or_default(), other).is_some();
        if begun {
            let (seq, why) = (position.seq + 1, format!("segment {number} is missing"));
            return Err(StoreError::Damaged { seq, file: name, offset: 0, why });
        }
        let capacity = file.len().map_err(StoreError::io("measure a segment"))?;
        match waiting.as_ref().filter(|_| other == number && capacity == options.segment_bytes) {
            Some(file) => ready = Some(Ready { number, file: Arc::clone(file), capacity }),
            None => disk.remove(&name).map_err(StoreError::io("remove a segment never begun"))?,
        }
    }
    Ok(ready)
}

fn usable_spares(disk: &dyn Disk, listing: &Listing, options: &JournalOptions) -> Result<Vec<u64>, StoreError> {
    let mut usable = Vec::new();
    for &number in &listing.spares {
        let name = FileName::Spare { number }.to_string();
        let length = disk.open(&name).and_then(|file| file.len()).map_err(StoreError::io("measure a spare file"))?;
        if length == options.segment_bytes {
            usable.push(number);
        } else {
            disk.remove(&name).map_err(StoreError::io("remove a spare file"))?;
        }
    }
    Ok(usable)
}
