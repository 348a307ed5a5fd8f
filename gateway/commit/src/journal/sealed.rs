//! A sealed segment: entries compressed one by one, in one file that never changes any more.
//!
//! ```text
//! 0      header block: what the segment's own header said, the position after its last entry, where things stand
//! 4096   dictionary
//!        compressed entries, each: time (i64) and payload
//!        index: one row an entry: offset u32, CRC-32 of the compressed bytes u32, key u64, start of the link u64
//! ```
//!
//! A row's link (first 8 bytes of the entry's link in the hash chain) names the first entry that does not belong, even
//! where somebody computed the checksums anew.

use std::io;
use std::sync::Arc;

use zstd::zstd_safe::DDict;

use super::codec::{Decompressors, Dictionaries};
use super::disk::{DiskFile, read_exact};
use super::frame::{BLOCK, SegmentHeader, Totals, field};
use super::scan::Position;

const MAGIC: [u8; 8] = *b"HUTONGS1";
const HEADER: usize = 256;
pub(crate) const ROW: usize = 24;
/// No entry becomes longer than this when decompressed.
const PAYLOAD_MAX: usize = 1 << 30;

/// First block of a sealed file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SealedHeader {
    pub(crate) number: u64,
    pub(crate) before: Position,
    pub(crate) after: Position,
    pub(crate) dictionary_length: u32,
    pub(crate) dictionary_crc: u32,
    pub(crate) index_offset: u32,
    pub(crate) index_crc: u32,
}

impl SealedHeader {
    pub(crate) fn count(&self) -> u64 {
        self.after.seq - self.before.seq
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BLOCK as usize);
        out.extend(MAGIC);
        out.extend([0; 8]);
        out.extend(self.number.to_le_bytes());
        for position in [&self.before, &self.after] {
            out.extend(position.seq.to_le_bytes());
            out.extend(position.time_us.to_le_bytes());
            out.extend(position.link);
            position.totals.iter().for_each(|total| out.extend(total.to_le_bytes()));
        }
        for value in [self.dictionary_length, self.dictionary_crc, self.index_offset, self.index_crc] {
            out.extend(value.to_le_bytes());
        }
        out.resize(HEADER, 0);
        let crc = out.get(16..).map(crc32fast::hash).unwrap_or_default();
        if let Some(place) = out.get_mut(8..12) {
            place.copy_from_slice(&crc.to_le_bytes());
        }
        out.resize(BLOCK as usize, 0);
        out
    }

    fn read(block: &[u8]) -> Option<SealedHeader> {
        let bytes = block.first_chunk::<HEADER>()?;
        let crc = u32::from_le_bytes(field(bytes, 8));
        if field::<8>(bytes, 0) != MAGIC || bytes.get(16..).map(crc32fast::hash) != Some(crc) {
            return None;
        }
        let u64_at = |at| u64::from_le_bytes(field(bytes, at));
        let u32_at = |at| u32::from_le_bytes(field(bytes, at));
        let totals = |at: usize| -> Totals { [0, 8, 16, 24].map(|next| u64_at(at + next)) };
        let position = |at: usize| Position {
            seq: u64_at(at),
            time_us: u64_at(at + 8).cast_signed(),
            link: field(bytes, at + 16),
            totals: totals(at + 48),
        };
        let header = SealedHeader {
            number: u64_at(16),
            before: position(24),
            after: position(104),
            dictionary_length: u32_at(184),
            dictionary_crc: u32_at(188),
            index_offset: u32_at(192),
            index_crc: u32_at(196),
        };
        (header.after.seq >= header.before.seq).then_some(header)
    }

    /// What the header of the segment said before it was sealed.
    pub(crate) fn segment(&self) -> SegmentHeader {
        self.before.header(self.number)
    }
}

/// A row of the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) offset: u32,
    pub(crate) crc: u32,
    pub(crate) key: u64,
    pub(crate) link: u64,
}

impl Row {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.offset.to_le_bytes());
        out.extend(self.crc.to_le_bytes());
        out.extend(self.key.to_le_bytes());
        out.extend(self.link.to_le_bytes());
    }

    pub(crate) fn read(bytes: &[u8]) -> Row {
        Row {
            offset: u32::from_le_bytes(field(bytes, 0)),
            crc: u32::from_le_bytes(field(bytes, 4)),
            key: u64::from_le_bytes(field(bytes, 8)),
            link: u64::from_le_bytes(field(bytes, 16)),
        }
    }
}

/// A sealed file open for reading.
pub(crate) struct SealedFile {
    file: Arc<dyn DiskFile>,
    pub(crate) header: SealedHeader,
    dictionary: Option<Arc<DDict<'static>>>,
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl SealedFile {
    /// Bytes on disk.
    pub(crate) fn length(&self) -> u64 {
        self.file.len().unwrap_or(0)
    }

    pub(crate) fn open(file: Arc<dyn DiskFile>, dictionaries: &Dictionaries) -> io::Result<SealedFile> {
        let header = Self::read_header(&*file)?;
        let dictionary = match header.dictionary_length {
            0 => None,
            length => Some(dictionaries.get(header.dictionary_crc, || read_exact(&*file, length as usize, BLOCK))?),
        };
        Ok(SealedFile { file, header, dictionary })
    }

    pub(crate) fn read_header(file: &dyn DiskFile) -> io::Result<SealedHeader> {
        SealedHeader::read(&read_exact(file, HEADER, 0)?).ok_or_else(|| invalid("the header of a sealed segment is damaged"))
    }

    /// All rows, checked as a whole.
    pub(crate) fn rows(&self) -> io::Result<Vec<Row>> {
        let length = usize::try_from(self.header.count()).ok().and_then(|count| count.checked_mul(ROW));
        let length = length.ok_or_else(|| invalid("the header of a sealed segment is damaged"))?;
        if self.file.len()? != u64::from(self.header.index_offset) + length as u64 {
            return Err(invalid("the sealed file has another length than its header says"));
        }
        let bytes = read_exact(&*self.file, length, self.header.index_offset.into())?;
        if crc32fast::hash(&bytes) != self.header.index_crc {
            return Err(invalid("the index of a sealed segment is damaged"));
        }
        Ok(bytes.chunks_exact(ROW).map(Row::read).collect())
    }

    /// Time and payload of entry `seq`, which must be one of this file.
    pub(crate) fn entry(&self, seq: u64, decompressors: &Decompressors) -> io::Result<(i64, Vec<u8>)> {
        let index = seq.checked_sub(self.header.before.seq + 1).ok_or_else(|| invalid("not in this segment"))?;
        let last = seq == self.header.after.seq;
        let rows = read_exact(&*self.file, if last { ROW } else { 2 * ROW }, u64::from(self.header.index_offset) + index * ROW as u64)?;
        let row = Row::read(&rows);
        let end = if last { self.header.index_offset } else { Row::read(rows.get(ROW..).unwrap_or_default()).offset };
        self.decompress(&row, end, decompressors)
    }

    /// Time and payload of the entry of a row that ends where the next one begins.
    pub(crate) fn decompress(&self, row: &Row, end: u32, decompressors: &Decompressors) -> io::Result<(i64, Vec<u8>)> {
        let length = end.checked_sub(row.offset).filter(|_| end <= self.header.index_offset);
        let length = length.ok_or_else(|| invalid("a row of the index is damaged"))?;
        let bytes = read_exact(&*self.file, length as usize, row.offset.into())?;
        if crc32fast::hash(&bytes) != row.crc {
            return Err(invalid("the entry's checksum does not match"));
        }
        let mut entry = decompressors.decompress(&bytes, self.dictionary.as_deref(), PAYLOAD_MAX)?;
        if entry.len() < 8 {
            return Err(invalid("the entry is malformed"));
        }
        let payload = entry.split_off(8);
        Ok((i64::from_le_bytes(field(&entry, 0)), payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_written_or_not_at_all() {
        let position = |seq| Position { seq, time_us: -5, link: [seq as u8; 32], totals: [seq, 1, 2, 3] };
        let header = SealedHeader {
            number: 7,
            before: position(10),
            after: position(20),
            dictionary_length: 1,
            dictionary_crc: 2,
            index_offset: 3,
            index_crc: 4,
        };
        let block = header.write();
        assert_eq!(block.len() as u64, BLOCK);
        assert_eq!(SealedHeader::read(&block), Some(header));
        for bit in (0..96).chain(128..HEADER * 8) {
            let mut changed = block.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SealedHeader::read(&changed), None, "bit {bit}");
        }
    }
}
