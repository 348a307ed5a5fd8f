//! The bytes of an open segment: a header block, then batches of frames.
//!
//! A batch is what one flush made durable. It starts on a block boundary, so that no write ever touches a disk sector
//! that holds an acknowledged entry; within it frames follow one another on 8-byte boundaries. Segment files are
//! recycled, hence old frames lie behind the new ones: each frame carries its segment's *epoch* under its checksum, and
//! a stale one never passes. The epoch is computed from the hash chain as it stood when the segment began: no sender can
//! foresee it and put a frame of a future segment into a message.
//!
//! A *mark* is a frame without payload that the writer leaves behind its last batch when it has nothing to do. It says
//! up to where everything was durable, so that later damage to the last batch is told apart from a torn write.

use hutong_audit::Hash;

/// Unit of alignment of batches; at least the sector of any disk in use.
pub(crate) const BLOCK: u64 = 4096;
pub(crate) const FRAME_HEADER: usize = 104;

const FRAME_MAGIC: [u8; 4] = *b"HtFr";
const MARK_MAGIC: [u8; 4] = *b"HtMk";
const SEGMENT_MAGIC: [u8; 8] = *b"HUTONGJ1";
const SEGMENT_HEADER: usize = 104;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameKind {
    Entry,
    Mark,
}

/// What stands before a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FrameHeader {
    pub(crate) kind: FrameKind,
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    pub(crate) time_us: i64,
    pub(crate) length: u32,
    /// Place within the batch, from 0: `seq - position` is the first entry that one flush made durable together.
    pub(crate) position: u32,
    pub(crate) digest: Hash,
    pub(crate) link: Hash,
}

impl FrameHeader {
    /// Appends header and payload, padded to 8 bytes.
    pub(crate) fn write(&self, payload: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend(if self.kind == FrameKind::Entry { FRAME_MAGIC } else { MARK_MAGIC });
        out.extend([0; 4]);
        out.extend(self.epoch.to_le_bytes());
        out.extend(self.seq.to_le_bytes());
        out.extend(self.time_us.to_le_bytes());
        out.extend(self.length.to_le_bytes());
        out.extend(self.position.to_le_bytes());
        out.extend(self.digest);
        out.extend(self.link);
        out.extend_from_slice(payload);
        let crc = out.get(start + 8..).map(crc32fast::hash).unwrap_or_default();
        if let Some(place) = out.get_mut(start + 4..start + 8) {
            place.copy_from_slice(&crc.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(8), 0);
    }

    /// The header at the start of `bytes` and its checksum, if these bytes begin as a frame of this epoch does.
    pub(crate) fn read(bytes: &[u8], epoch: u64) -> Option<(FrameHeader, u32)> {
        let header = bytes.first_chunk::<FRAME_HEADER>()?;
        let kind = match field::<4>(header, 0) {
            FRAME_MAGIC => FrameKind::Entry,
            MARK_MAGIC => FrameKind::Mark,
            _ => return None,
        };
        let found = FrameHeader {
            kind,
            epoch: u64::from_le_bytes(field(header, 8)),
            seq: u64::from_le_bytes(field(header, 16)),
            time_us: i64::from_le_bytes(field(header, 24)),
            length: u32::from_le_bytes(field(header, 32)),
            position: u32::from_le_bytes(field(header, 36)),
            digest: field(header, 40),
            link: field(header, 72),
        };
        (found.epoch == epoch).then_some((found, u32::from_le_bytes(field(header, 4))))
    }

    /// Bytes from the start of this frame to the end of its payload.
    pub(crate) fn extent(&self) -> u64 {
        FRAME_HEADER as u64 + u64::from(self.length)
    }
}

/// Whether `frame` (header and payload, no padding) is what its checksum says.
pub(crate) fn intact(frame: &[u8], crc: u32) -> bool {
    frame.get(8..).is_some_and(|covered| crc32fast::hash(covered) == crc)
}

/// Bytes that a payload takes in a segment.
pub(crate) fn space(payload: usize) -> u64 {
    ((FRAME_HEADER + payload) as u64).next_multiple_of(8)
}

/// Number of entries by [`crate::entry::Final`].
pub(crate) type Totals = [u64; 4];

/// First block of a segment, written together with its first batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SegmentHeader {
    /// The segment's number, from 1.
    pub(crate) number: u64,
    pub(crate) first_seq: u64,
    /// Time and link of the entry before the first.
    pub(crate) time_before: i64,
    pub(crate) link_before: Hash,
    /// Counts of all entries before the first.
    pub(crate) totals_before: Totals,
}

impl SegmentHeader {
    /// What the frames of this segment carry.
    pub(crate) fn epoch(&self) -> u64 {
        let hash = hutong_audit::digest_parts(&[&SEGMENT_MAGIC, &self.link_before, &self.number.to_le_bytes()]);
        u64::from_le_bytes(field(&hash, 0))
    }

    /// One block.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend(SEGMENT_MAGIC);
        out.extend([0; 8]);
        out.extend(self.number.to_le_bytes());
        out.extend(self.first_seq.to_le_bytes());
        out.extend(self.time_before.to_le_bytes());
        out.extend(self.link_before);
        for total in self.totals_before {
            out.extend(total.to_le_bytes());
        }
        let crc = out.get(start + 16..).map(crc32fast::hash).unwrap_or_default();
        if let Some(place) = out.get_mut(start + 8..start + 12) {
            place.copy_from_slice(&crc.to_le_bytes());
        }
        out.resize(start + BLOCK as usize, 0);
    }

    /// `None` where the block is not an intact header of this number: the segment was never begun, or is damaged.
    pub(crate) fn read(block: &[u8], number: u64) -> Option<SegmentHeader> {
        let bytes = block.first_chunk::<SEGMENT_HEADER>()?;
        let crc = u32::from_le_bytes(field(bytes, 8));
        if field::<8>(bytes, 0) != SEGMENT_MAGIC || bytes.get(16..).map(crc32fast::hash) != Some(crc) {
            return None;
        }
        let header = SegmentHeader {
            number: u64::from_le_bytes(field(bytes, 16)),
            first_seq: u64::from_le_bytes(field(bytes, 24)),
            time_before: i64::from_le_bytes(field(bytes, 32)),
            link_before: field(bytes, 40),
            totals_before: [72, 80, 88, 96].map(|at| u64::from_le_bytes(field(bytes, at))),
        };
        (header.number == number).then_some(header)
    }
}

/// `N` bytes from `at`, which the callers' sizes guarantee to be there.
pub(crate) fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> FrameHeader {
        let hash = hutong_audit::digest(b"payload");
        FrameHeader { kind: FrameKind::Entry, epoch: 3, seq: 9, time_us: 8, length: 7, position: 2, digest: hash, link: hash }
    }

    #[test]
    fn a_frame_is_read_as_written_and_only_in_its_epoch() {
        let mut out = Vec::new();
        header().write(b"payload", &mut out);
        assert_eq!(out.len() as u64, space(7));
        let (read, crc) = FrameHeader::read(&out, 3).unwrap();
        assert_eq!(read, header());
        assert!(intact(&out[..read.extent() as usize], crc));
        assert!(FrameHeader::read(&out, 4).is_none());
    }

    #[test]
    fn any_flipped_bit_of_a_frame_is_noticed() {
        let mut out = Vec::new();
        header().write(b"payload", &mut out);
        let extent = header().extent() as usize;
        for bit in 0..extent * 8 {
            let mut changed = out.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let read = FrameHeader::read(&changed, 3);
            assert!(!read.is_some_and(|(read, crc)| read.extent() as usize == extent && intact(&changed[..extent], crc)), "bit {bit}");
        }
    }

    #[test]
    fn a_segment_header_is_read_as_written_or_not_at_all() {
        let header = SegmentHeader { number: 2, first_seq: 5, time_before: 4, link_before: [1; 32], totals_before: [1, 2, 3, 4] };
        let mut out = Vec::new();
        header.write(&mut out);
        assert_eq!(out.len() as u64, BLOCK);
        assert_eq!(SegmentHeader::read(&out, 2), Some(header));
        assert_eq!(SegmentHeader::read(&out, 1), None);
        for bit in (0..96).chain(128..SEGMENT_HEADER * 8) {
            let mut changed = out.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::read(&changed, 2), None, "bit {bit}");
        }
    }
}
