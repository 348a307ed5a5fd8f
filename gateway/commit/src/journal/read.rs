//! Reading entries: from open segments as they were written, from sealed ones through their index.

use std::io;
use std::sync::{Arc, PoisonError};

use super::Shared;
use super::scan;
use super::sealed::SealedFile;
use super::segments::{Place, SealedAt};
use crate::entry::Entry;
use crate::error::StoreError;

/// Sealed files kept open.
const SEALED_FILES_MAX: usize = 64;
/// Payloads kept in memory after reading, and how long each may be.
const RECENT_MAX: usize = 32;
const RECENT_BYTES_MAX: usize = 64 << 10;

impl Shared {
    /// The frame's time and the payload of an entry.
    pub(crate) fn payload(&self, seq: u64) -> Result<(i64, Vec<u8>), StoreError> {
        // A segment can be sealed and recycled between finding and reading it; then it is found in its new place.
        for _ in 0..3 {
            match self.segments.find(seq).ok_or(StoreError::Missing { seq })? {
                Place::Open(segment, offset) => {
                    let read = scan::read_entry(&*segment.file, segment.epoch, offset, seq).map_err(StoreError::io("read the journal"))?;
                    if let Some((header, payload)) = read {
                        return Ok((header.time_us, payload));
                    }
                }
                Place::Sealed(sealed) => {
                    let read = self.sealed_file(sealed).and_then(|file| file.entry(seq, &self.decompressors));
                    return read.map_err(|error| damaged(seq, sealed.name(), &error));
                }
            }
        }
        Err(damaged(seq, String::new(), &"the entry cannot be read"))
    }

    /// A part of an entry's payload.
    pub(crate) fn part(&self, seq: u64, offset: usize, length: usize) -> Result<Vec<u8>, StoreError> {
        let payload = self.recent_payload(seq)?;
        let part = offset.checked_add(length).and_then(|end| payload.get(offset..end));
        part.map(<[u8]>::to_vec).ok_or(StoreError::Missing { seq })
    }

    /// A payload, from memory where it was read a moment ago: one search often shows several resources of one message.
    fn recent_payload(&self, seq: u64) -> Result<Arc<Vec<u8>>, StoreError> {
        let lock = || self.recent_payloads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, payload)) = lock().iter().find(|(held, _)| *held == seq) {
            return Ok(Arc::clone(payload));
        }
        let payload = Arc::new(self.payload(seq)?.1);
        if payload.len() <= RECENT_BYTES_MAX {
            let mut recent = lock();
            if recent.len() >= RECENT_MAX {
                recent.pop_front();
            }
            recent.push_back((seq, Arc::clone(&payload)));
        }
        Ok(payload)
    }

    pub(crate) fn read(&self, seq: u64) -> Result<Entry, StoreError> {
        let (time_us, payload) = self.payload(seq)?;
        Entry::decode(seq, time_us, payload).map_err(|error| damaged(seq, String::new(), &error))
    }

    /// A sealed file, open.
    pub(super) fn sealed_file(&self, sealed: SealedAt) -> io::Result<Arc<SealedFile>> {
        let mut files = self.sealed_files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = files.iter().find(|(number, _)| *number == sealed.number) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(SealedFile::open(self.disk.open(&sealed.name())?, &self.dictionaries)?);
        if files.len() >= SEALED_FILES_MAX {
            files.pop_front();
        }
        files.push_back((sealed.number, Arc::clone(&file)));
        Ok(file)
    }

    /// Entries `first..=last`, all sealed, that have this key: slow, for when a file of ids is damaged.
    pub(super) fn scan_ids(&self, key: u64, first: u64, last: u64) -> Result<Vec<u64>, StoreError> {
        let mut found = Vec::new();
        for sealed in self.segments.sealed_list().into_iter().filter(|sealed| sealed.first_seq <= last) {
            let file = self.sealed_file(sealed).map_err(StoreError::io("open a sealed segment"))?;
            if file.header.after.seq >= first {
                let rows = file.rows().map_err(StoreError::io("read a sealed segment"))?;
                found.extend(rows.iter().zip(sealed.first_seq..).filter(|(row, _)| row.key == key).map(|(_, seq)| seq));
            }
        }
        Ok(found)
    }
}

fn damaged(seq: u64, file: String, why: &impl ToString) -> StoreError {
    StoreError::Damaged { seq, file, offset: 0, why: why.to_string() }
}
