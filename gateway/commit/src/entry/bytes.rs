//! The bytes of an entry.
//!
//! An entry is written once and never changed. Its bytes describe themselves (first byte: the version of the form),
//! so that a journal stays readable after an upgrade. Layout of version 2, integers little-endian:
//!
//! ```text
//! 0   version 2 | kind | outcome | flags          one byte each
//! 4   key u64          first 8 bytes of SHA-256 over source and control id; 0 = the message has no control id
//! 12  refers u64       Duplicate: the entry whose answer was given again; flagged or conflict: the earlier entry
//! 20  received_us i64  microseconds since 1970, the gateway's clock
//! 28  content_hash [32] | plan_hash [32]
//! 92  receipt, source, protocol, control id, message type, answer, findings, raw     each: varint length, bytes
//!     number of resources (varint), then for each: type, id, update (1 byte), event time i64, number of cleared names, names, body
//!     number of events (varint), then for each: kind, JSON; version 1 ends before them
//! ```
//!
//! The fixed part stands first so that a start-up scan reads keys and outcomes without decoding the rest.

use std::ops::Range;

use super::{DecodeError, Draft, Entry, EntryKind, Final, Placed, Update};

const VERSION: u8 = 2;
/// Without events; still read.
const VERSION_WITHOUT_EVENTS: u8 = 1;
const FIXED: usize = 92;
pub(super) const FLAG_REUSED: u8 = 1;
pub(super) const FLAG_CONFLICT: u8 = 2;

impl Entry {
    /// Reads a payload; `seq` and `committed_us` come from the frame around it.
    pub fn decode(seq: u64, committed_us: i64, payload: Vec<u8>) -> Result<Entry, DecodeError> {
        let fixed = Fixed::read(&payload)?;
        let mut reader = Reader { bytes: &payload, at: FIXED };
        let (receipt, source, protocol) = (reader.text()?, reader.text()?, reader.text()?);
        let (control_id, message_type) = (reader.text()?, reader.text()?);
        let (answer, findings, raw) = (reader.slice()?, reader.slice()?, reader.slice()?);
        let mut resources = Vec::new();
        for _ in 0..reader.varint()? {
            resources.push(reader.placed()?);
        }
        let mut events = Vec::new();
        if fixed.version != VERSION_WITHOUT_EVENTS {
            for _ in 0..reader.varint()? {
                events.push((reader.text()?, reader.slice()?));
            }
        }
        if reader.at != payload.len() {
            return Err(DecodeError::Malformed(reader.at));
        }
        Ok(Entry {
            seq,
            committed_us,
            fixed,
            receipt,
            source,
            protocol,
            control_id,
            message_type,
            answer,
            findings,
            raw,
            resources,
            events,
            payload,
        })
    }
}

/// The fixed part of a payload.
#[derive(Clone, Copy)]
pub(crate) struct Fixed {
    pub(crate) version: u8,
    pub(crate) kind: EntryKind,
    pub(crate) outcome: Final,
    pub(crate) flags: u8,
    pub(crate) key: u64,
    pub(crate) refers: u64,
    pub(crate) received_us: i64,
    pub(crate) content_hash: [u8; 32],
    pub(crate) plan_hash: [u8; 32],
}

impl Fixed {
    pub(crate) fn read(payload: &[u8]) -> Result<Fixed, DecodeError> {
        let fixed = payload.get(..FIXED).ok_or(DecodeError::Malformed(payload.len()))?;
        let &[version, kind, outcome, flags, ..] = fixed else { return Err(DecodeError::Malformed(0)) };
        if version != VERSION && version != VERSION_WITHOUT_EVENTS {
            return Err(DecodeError::Version(version));
        }
        let kind = match kind {
            0 => EntryKind::Message,
            1 => EntryKind::Act,
            _ => return Err(DecodeError::Malformed(1)),
        };
        let outcome = *Final::ALL.get(usize::from(outcome)).ok_or(DecodeError::Malformed(2))?;
        Ok(Fixed {
            version,
            kind,
            outcome,
            flags,
            key: u64::from_le_bytes(array(fixed, 4)?),
            refers: u64::from_le_bytes(array(fixed, 12)?),
            received_us: i64::from_le_bytes(array(fixed, 20)?),
            content_hash: array(fixed, 28)?,
            plan_hash: array(fixed, 60)?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.version, self.kind as u8, self.outcome as u8, self.flags]);
        out.extend(self.key.to_le_bytes());
        out.extend(self.refers.to_le_bytes());
        out.extend(self.received_us.to_le_bytes());
        out.extend(self.content_hash);
        out.extend(self.plan_hash);
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], DecodeError> {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or(DecodeError::Malformed(at))
}

impl Draft {
    /// The payload as it is stored unless the journal knows the control id; `key` as in the layout above.
    pub(crate) fn encode(&self, key: u64) -> Vec<u8> {
        let fixed = Fixed {
            version: VERSION,
            kind: self.kind,
            outcome: self.outcome,
            flags: 0,
            key,
            refers: 0,
            received_us: self.received_us,
            content_hash: self.content_hash,
            plan_hash: self.plan_hash,
        };
        let bodies: usize = self.resources.iter().map(|resource| resource.body.len() + 128).sum();
        let mut out = Vec::with_capacity(FIXED + 256 + self.answer.len() + self.findings.len() + self.raw.len() + bodies);
        fixed.write(&mut out);
        for text in [&*self.receipt, &*self.source, self.protocol, &*self.control_id, &*self.message_type] {
            put(&mut out, text.as_bytes());
        }
        for bytes in [&self.answer, &self.findings, &self.raw] {
            put(&mut out, bytes);
        }
        put_varint(&mut out, self.resources.len());
        for resource in &self.resources {
            put(&mut out, resource.resource_type.as_bytes());
            put(&mut out, resource.id.as_bytes());
            out.push(resource.update as u8);
            out.extend(resource.event_us.to_le_bytes());
            put_varint(&mut out, resource.clear.len());
            for name in &resource.clear {
                put(&mut out, name.as_bytes());
            }
            put(&mut out, &resource.body);
        }
        put_varint(&mut out, self.events.len());
        for event in &self.events {
            put(&mut out, event.kind.as_bytes());
            put(&mut out, &event.body);
        }
        out
    }
}

/// Marks an encoded payload as accepted although its control id was known with other bytes.
pub(crate) fn mark_reused(payload: &mut [u8], earlier: u64) {
    if let Some(flags) = payload.get_mut(3) {
        *flags |= FLAG_REUSED;
    }
    if let Some(refers) = payload.get_mut(12..20) {
        refers.copy_from_slice(&earlier.to_le_bytes());
    }
}

/// The small entry kept for a message that arrived again; `first` is the entry that holds its bytes and answer.
pub(crate) fn duplicate(arrived: &Entry, first: u64) -> Vec<u8> {
    let fixed = Fixed { version: VERSION, outcome: Final::Duplicate, flags: 0, refers: first, ..arrived.fixed };
    shortened(arrived, &fixed, [&[], &[], &[]])
}

/// The entry kept for a control id that came with other bytes than in `earlier`: raw bytes, no resources.
pub(crate) fn conflict(arrived: &Entry, earlier: u64, answer: &[u8]) -> Vec<u8> {
    let fixed = Fixed { version: VERSION, outcome: Final::Rejected, flags: FLAG_CONFLICT, refers: earlier, ..arrived.fixed };
    shortened(arrived, &fixed, [answer, arrived.findings(), arrived.raw()])
}

fn shortened(arrived: &Entry, fixed: &Fixed, parts: [&[u8]; 3]) -> Vec<u8> {
    let mut out = Vec::new();
    fixed.write(&mut out);
    for text in [arrived.receipt(), arrived.source(), arrived.protocol(), arrived.control_id(), arrived.message_type()] {
        put(&mut out, text.as_bytes());
    }
    for part in parts {
        put(&mut out, part);
    }
    // no resources, no events
    put_varint(&mut out, 0);
    put_varint(&mut out, 0);
    out
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.bytes.get(self.at).ok_or(DecodeError::Malformed(self.at))?;
        self.at += 1;
        Ok(byte)
    }

    /// At most five bytes: no part of an entry is longer than 2^32.
    fn varint(&mut self) -> Result<usize, DecodeError> {
        let mut value = 0usize;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed(self.at))
    }

    fn slice(&mut self) -> Result<Range<usize>, DecodeError> {
        let length = self.varint()?;
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len()).ok_or(DecodeError::Malformed(self.at))?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }

    fn text(&mut self) -> Result<Range<usize>, DecodeError> {
        let range = self.slice()?;
        match self.bytes.get(range.clone()).map(std::str::from_utf8) {
            Some(Ok(_)) => Ok(range),
            _ => Err(DecodeError::Malformed(range.start)),
        }
    }

    fn placed(&mut self) -> Result<Placed, DecodeError> {
        let (resource_type, id) = (self.text()?, self.text()?);
        let update = match self.byte()? {
            0 => Update::Replace,
            1 => Update::Merge,
            2 => Update::Delete,
            _ => return Err(DecodeError::Malformed(self.at)),
        };
        let event_us = i64::from_le_bytes(array(self.bytes, self.at)?);
        self.at += 8;
        let mut clear = Vec::new();
        for _ in 0..self.varint()? {
            clear.push(self.text()?);
        }
        Ok(Placed { resource_type, id, update, event_us, clear, body: self.slice()? })
    }
}
