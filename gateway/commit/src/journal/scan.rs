//! Reading an open segment from its start to where it ends, and judging why it ends there.
//!
//! A crash can leave a torn batch behind the last durable one: it was never acknowledged and is dropped. Damage to
//! entries that *were* acknowledged looks alike at the first bad frame, but something behind it proves that it was
//! durable: an intact frame of a later batch, or a mark. The two are told apart here, once, for recovery and for the
//! offline check.

use std::io;

use hutong_audit::{GENESIS, Hash, link};

use super::disk::DiskFile;
use super::frame::{BLOCK, FRAME_HEADER, FrameHeader, FrameKind, SegmentHeader, Totals, field, intact};
use crate::entry::Fixed;

const WINDOW: usize = 1 << 20;

/// Where a journal stands: its last entry, that entry's time and link, and the counts up to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    pub(crate) seq: u64,
    pub(crate) time_us: i64,
    pub(crate) link: Hash,
    pub(crate) totals: Totals,
}

impl Position {
    pub(crate) const START: Position = Position { seq: 0, time_us: i64::MIN, link: GENESIS, totals: [0; 4] };

    /// What the header of a segment that goes on from here says.
    pub(crate) fn header(&self, number: u64) -> SegmentHeader {
        SegmentHeader { number, first_seq: self.seq + 1, time_before: self.time_us, link_before: self.link, totals_before: self.totals }
    }

    /// The position after one more entry; counts it.
    pub(crate) fn after(&self, time_us: i64, digest: &Hash, outcome: crate::entry::Final) -> Position {
        let seq = self.seq + 1;
        let mut totals = self.totals;
        if let Some(total) = totals.get_mut(outcome as usize) {
            *total += 1;
        }
        Position { seq, time_us, link: link(&self.link, seq, time_us, digest), totals }
    }
}

/// Why a scan ended where it did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// Nothing was begun behind the last entry.
    Clean,
    /// A batch was begun and never acknowledged. Its remains reach at most to `until`.
    Torn { offset: u64, why: &'static str, until: u64 },
    /// Entry `seq` was durable once and is not readable; what stands at `evidence` proves it.
    Damaged { offset: u64, seq: u64, why: &'static str, evidence: u64 },
}

/// What a segment holds.
pub(crate) struct Scanned {
    /// Whether its header was written: otherwise it still waits for its first batch.
    pub(crate) begun: bool,
    pub(crate) position: Position,
    /// Offset of each frame, in order.
    pub(crate) offsets: Vec<u32>,
    /// Where the next batch goes.
    pub(crate) end: u64,
    pub(crate) stop: Stop,
}

/// Reads segment `number`, which must go on from `before`; `visit` gets each entry's frame header and payload and may
/// object to it.
pub(crate) fn scan(
    file: &dyn DiskFile,
    number: u64,
    before: &Position,
    mut visit: impl FnMut(&FrameHeader, &[u8], &Fixed) -> Result<(), &'static str>,
) -> io::Result<Scanned> {
    let mut window = Window::new(file)?;
    let expected = before.header(number);
    let epoch = expected.epoch();
    let header = SegmentHeader::read(window.get(0, BLOCK as usize)?, number);
    let mut scanned = Scanned { begun: header.is_some(), position: *before, offsets: Vec::new(), end: 0, stop: Stop::Clean };
    let mut why = None;
    let mut offset = 0;
    match header {
        Some(header) if header != expected => why = Some("the segment does not follow the one before it"),
        Some(_) => {
            scanned.end = BLOCK;
            let mut next = Expected { epoch, position: 0, at: BLOCK };
            loop {
                match read_frame(&mut window, &next, &scanned.position, &mut visit)? {
                    Ok((at, header, position)) => {
                        scanned.offsets.push(at as u32);
                        scanned.position = position;
                        next = Expected { epoch, position: header.position + 1, at: (at + header.extent()).next_multiple_of(8) };
                        scanned.end = next.at.next_multiple_of(BLOCK);
                    }
                    Err(bad) => {
                        (offset, why) = (bad.offset, bad.why);
                        break;
                    }
                }
            }
        }
        None => {}
    }
    let remains = remains(&mut window, epoch, scanned.end, scanned.position.seq + 1)?;
    let why_or = |other| why.unwrap_or(other);
    let seq = scanned.position.seq + 1;
    scanned.stop = match remains {
        Remains { evidence: Some(evidence), .. } => {
            let missing = if scanned.begun { "the frame is missing" } else { "the segment's header is damaged" };
            Stop::Damaged { offset, seq, why: why_or(missing), evidence }
        }
        _ if scanned.begun && scanned.end == 0 => Stop::Damaged { offset, seq, why: why_or("wrong header"), evidence: 0 },
        Remains { until, .. } if until > scanned.end || why.is_some() => {
            Stop::Torn { offset, why: why_or("the batch's first frame was not written"), until: until.max(scanned.end + BLOCK) }
        }
        _ => Stop::Clean,
    };
    Ok(scanned)
}

/// The frame that must come next.
struct Expected {
    epoch: u64,
    position: u32,
    at: u64,
}

struct Bad {
    offset: u64,
    /// `None`: nothing of this epoch stands there.
    why: Option<&'static str>,
}

type FrameAt = (u64, FrameHeader, Position);

/// The next frame stands right behind the last one, or starts a batch on the next block.
fn read_frame(
    window: &mut Window<'_>,
    next: &Expected,
    before: &Position,
    visit: &mut impl FnMut(&FrameHeader, &[u8], &Fixed) -> Result<(), &'static str>,
) -> io::Result<Result<FrameAt, Bad>> {
    let block = next.at.next_multiple_of(BLOCK);
    let mut bad = Bad { offset: block, why: None };
    for (at, position) in [(next.at, next.position), (block, 0)] {
        match read_one(window, next.epoch, at, position, before, visit)? {
            Ok((header, after)) => return Ok(Ok((at, header, after))),
            // A torn frame may stay between the last entry and the next block for ever: an earlier recovery went on
            // behind it. The hash chain proves that nothing is missing between.
            Err(Some(why)) if bad.why.is_none() => bad = Bad { offset: at, why: Some(why) },
            Err(_) => {}
        }
    }
    Ok(Err(bad))
}

type Judged<T> = Result<T, Option<&'static str>>;

fn read_one(
    window: &mut Window<'_>,
    epoch: u64,
    at: u64,
    position: u32,
    before: &Position,
    visit: &mut impl FnMut(&FrameHeader, &[u8], &Fixed) -> Result<(), &'static str>,
) -> io::Result<Judged<(FrameHeader, Position)>> {
    let Some((header, crc)) = FrameHeader::read(window.get(at, FRAME_HEADER)?, epoch) else { return Ok(Err(None)) };
    if header.kind == FrameKind::Mark {
        return Ok(Err(None));
    }
    let bytes = window.get(at, header.extent() as usize)?;
    if bytes.len() as u64 != header.extent() {
        return Ok(Err(Some("the frame is longer than its segment")));
    }
    if !intact(bytes, crc) {
        return Ok(Err(Some("the frame's checksum does not match")));
    }
    if header.seq != before.seq + 1 || header.position != position || header.time_us < before.time_us {
        return Ok(Err(Some("the frame is out of order")));
    }
    let payload = bytes.get(FRAME_HEADER..).unwrap_or_default();
    let Ok(fixed) = Fixed::read(payload) else { return Ok(Err(Some("the entry is malformed"))) };
    let after = before.after(header.time_us, &header.digest, fixed.outcome);
    if after.link != header.link {
        return Ok(Err(Some("the hash chain is broken")));
    }
    Ok(visit(&header, payload, &fixed).map(|()| (header, after)).map_err(Some))
}

#[derive(Default)]
struct Remains {
    /// Something of this epoch ends here at the latest.
    until: u64,
    /// Offset of an intact frame of a later batch, or of a mark, that was written after entry `seq` was durable.
    evidence: Option<u64>,
}

/// Looks at every place behind `from` where a frame could start.
fn remains(window: &mut Window<'_>, epoch: u64, from: u64, seq: u64) -> io::Result<Remains> {
    let mut found = Remains::default();
    let wanted = memchr::memmem::Finder::new(&epoch.to_le_bytes()).into_owned();
    let mut at = from;
    loop {
        let bytes = window.get(at, WINDOW)?;
        if bytes.len() < FRAME_HEADER {
            return Ok(found);
        }
        // A frame starts 8 bytes before its epoch, on a multiple of 8.
        let Some(place) = wanted.find_iter(bytes).find(|place| *place >= 8 && (at + *place as u64).is_multiple_of(8)) else {
            if bytes.len() < WINDOW {
                return Ok(found);
            }
            at += (bytes.len() as u64 & !7) - 16;
            continue;
        };
        let candidate = at + place as u64 - 8;
        at = candidate + 8;
        let Some((header, crc)) = FrameHeader::read(window.get(candidate, FRAME_HEADER)?, epoch) else { continue };
        let durable = match header.kind {
            FrameKind::Entry => header.seq.saturating_sub(u64::from(header.position)).saturating_sub(1),
            FrameKind::Mark => header.seq,
        };
        // A clean end has a mark of its own behind it: nothing remains of a batch there.
        if header.kind == FrameKind::Entry || durable >= seq {
            found.until = found.until.max(candidate.saturating_add(header.extent()).min(window.length));
        }
        if found.evidence.is_none() && durable >= seq && intact(window.get(candidate, header.extent() as usize)?, crc) {
            found.evidence = Some(candidate);
        }
    }
}

/// A file read through a window that moves forward, so that a segment is never whole in memory.
pub(crate) struct Window<'a> {
    file: &'a dyn DiskFile,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a dyn DiskFile) -> io::Result<Window<'a>> {
        Ok(Window { length: file.len()?, file, start: 0, bytes: Vec::new() })
    }

    /// Up to `length` bytes from `offset`; fewer where the file ends.
    pub(crate) fn get(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let length = length.min(usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX));
        let held = offset >= self.start && offset + length as u64 <= self.start + self.bytes.len() as u64;
        if !held {
            let size = length.max(WINDOW).min(usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX));
            self.bytes.resize(size, 0);
            self.start = offset;
            let read = self.file.read_at(&mut self.bytes, offset)?;
            self.bytes.truncate(read);
        }
        let from = (offset - self.start) as usize;
        let end = (from + length).min(self.bytes.len());
        Ok(self.bytes.get(from..end).unwrap_or_default())
    }
}

/// The frame at `offset` of an open segment, which must be entry `seq` of that epoch.
pub(crate) fn read_entry(file: &dyn DiskFile, epoch: u64, offset: u64, seq: u64) -> io::Result<Option<(FrameHeader, Vec<u8>)>> {
    let mut head = [0; FRAME_HEADER];
    if file.read_at(&mut head, offset)? < FRAME_HEADER {
        return Ok(None);
    }
    let Some((header, crc)) = FrameHeader::read(&head, epoch).filter(|(header, _)| header.seq == seq && header.kind == FrameKind::Entry)
    else {
        return Ok(None);
    };
    let mut payload = vec![0; header.length as usize];
    if file.read_at(&mut payload, offset + FRAME_HEADER as u64)? < payload.len() {
        return Ok(None);
    }
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&field::<{ FRAME_HEADER - 8 }>(&head, 8));
    hasher.update(&payload);
    Ok((hasher.finalize() == crc).then_some((header, payload)))
}
