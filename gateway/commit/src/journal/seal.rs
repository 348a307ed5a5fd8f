//! Sealing: a full segment becomes a compressed file, and its own file becomes the next segment but one.
//!
//! At every moment the entries stand in at least one complete, durable file: the sealed one is written under another
//! name, flushed, read back and compared before it gets its own name, and only then is the open one recycled.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::codec::{Compressor, sample_step, train};
use super::disk::DiskFile;
use super::fail;
use super::frame::{BLOCK, FrameHeader, field};
use super::ids::Id;
use super::scan::{Position, read_entry};
use super::sealed::{Row, SealedFile, SealedHeader};
use super::segments::{OpenSegment, SealedAt};
use crate::entry::{Final, Fixed};

/// Waiting time after a failure; it doubles as long as it goes on.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
const BUFFER: usize = 1 << 20;
/// A dictionary is kept for the next segments until they become this much larger than the one it was trained on, in
/// percent.
const WORSE_MAX: u64 = 115;

/// Seals what can be sealed until the journal closes; holds the dictionary in use.
pub(crate) struct Sealer {
    shared: Arc<Shared>,
    dictionary: Option<Learnt>,
}

struct Learnt {
    bytes: Vec<u8>,
    /// Compressed bytes of a million, on the segment that it was learnt from.
    per_million: u64,
}

impl Sealer {
    pub(crate) fn new(shared: Arc<Shared>) -> Sealer {
        Sealer { shared, dictionary: None }
    }

    /// The body of the sealer's thread.
    pub(crate) fn run(mut self) {
        // It must not take the processor from those who wait for an answer.
        let _ = rustix::process::nice(10);
        let mut retry = RETRY;
        while self.shared.seal_requested() {
            while let Some(segment) = self.shared.segments.next_to_seal().filter(|_| !self.shared.is_closing()) {
                let Err(error) = self.seal(&segment) else {
                    retry = RETRY;
                    continue;
                };
                tracing::warn!(segment = segment.number, error = %error, "a segment could not be sealed, it is tried again 日志段封存失败，稍后重试");
                if self.shared.closing_within(retry) {
                    return;
                }
                retry = (retry * 2).min(RETRY_MAX);
            }
        }
    }

    fn seal(&mut self, segment: &OpenSegment) -> io::Result<()> {
        let disk = Arc::clone(&self.shared.disk);
        let temporary = format!("{:010}.tmp", segment.number);
        let sealed = SealedAt { number: segment.number, first_seq: segment.first_seq() };
        let written = self.write(segment, &temporary).and_then(|file| {
            fail::point("before-seal-sync");
            file.sync_data()?;
            self.compare(segment, file)
        });
        let (newest_us, keys) = match written {
            Ok(done) => done,
            Err(error) => {
                let _ = disk.remove(&temporary);
                return Err(error);
            }
        };
        fail::point("before-seal-rename");
        disk.rename(&temporary, &sealed.name())?;
        disk.sync_dir()?;
        fail::point("after-seal-rename");
        let last = segment.first_seq() + segment.count() - 1;
        self.shared.seen.seal(&*disk, sealed, last, newest_us, keys)?;
        self.shared.segments.sealed(sealed);
        fail::point("before-recycle");
        let name = segment.name();
        if !self.shared.pool.recycle(&name, segment.file.len()?)? {
            disk.remove(&name)?;
        }
        disk.sync_dir()?;
        fail::point("after-recycle");
        Ok(())
    }

    fn entry(segment: &OpenSegment, seq: u64) -> io::Result<(FrameHeader, Vec<u8>)> {
        let read = match segment.offset(seq) {
            Some(offset) => read_entry(&*segment.file, segment.epoch, offset, seq)?,
            None => None,
        };
        read.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("entry {seq} is damaged")))
    }

    /// The dictionary in use if it still fits, else one learnt from this segment.
    fn learn(&self, segment: &OpenSegment) -> io::Result<Vec<u8>> {
        let (first, count) = (segment.first_seq(), segment.count());
        let length = segment.file.len()?;
        let step = sample_step(count, length);
        let mut samples = Vec::new();
        for seq in (first..first + count).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
            let (header, payload) = Self::entry(segment, seq)?;
            samples.push(sealed_form(header.time_us, &payload));
        }
        Ok(train(&samples, length))
    }

    /// Writes the sealed file under a temporary name.
    fn write(&mut self, segment: &OpenSegment, temporary: &str) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(known) = self.dictionary.take() {
            let file = self.shared.disk.create(temporary)?;
            let per_million = Self::write_with(segment, &*file, &known.bytes)?;
            if per_million.saturating_mul(100) <= known.per_million.saturating_mul(WORSE_MAX) {
                self.dictionary = Some(known);
                return Ok(file);
            }
            // The traffic has changed: learn anew and write another file.
        }
        let bytes = self.learn(segment)?;
        let file = self.shared.disk.create(temporary)?;
        let per_million = Self::write_with(segment, &*file, &bytes)?;
        // Too few entries to learn from say nothing about the next segment.
        self.dictionary = (!bytes.is_empty()).then_some(Learnt { bytes, per_million });
        Ok(file)
    }

    /// Writes the whole file; compressed bytes of a million of its entries' bytes.
    fn write_with(segment: &OpenSegment, file: &dyn DiskFile, dictionary: &[u8]) -> io::Result<u64> {
        let mut compressor = Compressor::new(dictionary)?;
        let mut out = Out { file, at: BLOCK, buffer: Vec::with_capacity(BUFFER) };
        out.put(dictionary)?;
        let (first, count) = (segment.first_seq(), segment.count());
        let mut index = Vec::new();
        let mut position = segment.before;
        let (mut raw, mut packed) = (0u64, 0u64);
        for seq in first..first + count {
            let (frame, payload) = Self::entry(segment, seq)?;
            let fixed = Fixed::read(&payload).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            position = position.after(frame.time_us, &frame.digest, fixed.outcome);
            let compressed = compressor.compress(&sealed_form(frame.time_us, &payload))?;
            let offset = u32::try_from(out.position()).map_err(|_| io::ErrorKind::FileTooLarge)?;
            let key = if fixed.outcome == Final::Duplicate { 0 } else { fixed.key };
            Row { offset, crc: crc32fast::hash(compressed), key, link: short(&position) }.write(&mut index);
            raw += payload.len() as u64;
            packed += compressed.len() as u64;
            out.put(compressed)?;
        }
        let header = SealedHeader {
            number: segment.number,
            before: segment.before,
            after: position,
            dictionary_length: dictionary.len() as u32,
            dictionary_crc: crc32fast::hash(dictionary),
            index_offset: u32::try_from(out.position()).map_err(|_| io::ErrorKind::FileTooLarge)?,
            index_crc: crc32fast::hash(&index),
        };
        out.put(&index)?;
        out.finish()?;
        file.write_at(&header.write(), 0)?;
        Ok(packed.saturating_mul(1_000_000) / raw.max(1))
    }

    /// Reads the sealed file back and compares it with the open segment; time of its last entry, all keys and numbers.
    fn compare(&self, segment: &OpenSegment, file: Arc<dyn DiskFile>) -> io::Result<(i64, Vec<Id>)> {
        let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let sealed = SealedFile::open(file, &self.shared.dictionaries)?;
        let rows = sealed.rows()?;
        if rows.len() as u64 != segment.count() || sealed.header.segment() != segment.before.header(segment.number) {
            return Err(wrong("the sealed file does not hold the segment".into()));
        }
        let mut keys = Vec::with_capacity(rows.len());
        for (seq, row) in (segment.first_seq()..).zip(&rows) {
            let (frame, payload) = Self::entry(segment, seq)?;
            if sealed.entry(seq, &self.shared.decompressors)? != (frame.time_us, payload) {
                return Err(wrong(format!("entry {seq} differs in the sealed file")));
            }
            keys.push((row.key, seq));
        }
        Ok((sealed.header.after.time_us, keys))
    }
}

/// What of an entry is compressed.
fn sealed_form(time_us: i64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + payload.len());
    bytes.extend(time_us.to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The start of a link, as an index row holds it.
pub(crate) fn short(position: &Position) -> u64 {
    u64::from_le_bytes(field(&position.link, 0))
}

struct Out<'a> {
    file: &'a dyn DiskFile,
    at: u64,
    buffer: Vec<u8>,
}

impl Out<'_> {
    fn position(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.finish()?;
        }
        if bytes.len() > BUFFER {
            self.file.write_at(bytes, self.at)?;
            self.at += bytes.len() as u64;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.write_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
