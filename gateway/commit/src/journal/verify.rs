//! The offline check: every entry read, hashed and chained from the first, without opening the store.
//!
//! It trusts nothing but the files: not the index, not the names, not the checksums alone. It can run beside an open
//! store: a batch being written looks like a torn one, and a segment that is sealed meanwhile is found in its new place.

use std::path::Path;

use hutong_audit::digest;

use super::codec::{Decompressors, Dictionaries};
use super::disk::{Disk, RealDisk, read_exact};
use super::frame::{BLOCK, SegmentHeader};
use super::names::FileName;
use super::recover::Listing;
use super::scan::{Position, Stop, scan};
use super::seal::short;
use super::sealed::SealedFile;
use super::segments::SealedAt;
use crate::entry::Entry;
use crate::error::StoreError;

/// How often the open segments are read again before what looks like damage is called so.
const PATIENCE: u32 = 4;

/// What the offline check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyReport {
    /// Entries that belong to one unbroken chain from the first.
    pub entries: u64,
    /// Number of the first entry; 0 = there is none.
    pub first: u64,
    pub last: u64,
    /// The link of the last entry: a copy kept elsewhere proves that nothing before it was changed.
    pub link: [u8; 32],
    pub damage: Option<Damage>,
    /// A batch begun and never acknowledged stands at the end: file, byte offset, why it ends there. No damage.
    pub torn: Option<(String, u64, &'static str)>,
}

impl VerifyReport {
    pub fn ok(&self) -> bool {
        self.damage.is_none()
    }
}

/// The first entry that is not what was once acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    pub seq: u64,
    pub file: String,
    /// Byte offset in the file, where it is known.
    pub offset: Option<u64>,
    pub why: String,
}

/// Reads the whole journal of the data directory `dir`.
///
/// # Errors
/// Only where the directory cannot be read; damage is part of the report.
pub fn verify(dir: &Path) -> Result<VerifyReport, StoreError> {
    verify_each(dir, &mut |_| {})
}

/// The same, and hands over every entry in order, each once: what shows and exports a journal also beside an open store.
///
/// # Errors
/// As [`verify`].
pub fn verify_each(dir: &Path, visit: &mut dyn FnMut(&Entry)) -> Result<VerifyReport, StoreError> {
    let disk = RealDisk::existing(&dir.join("journal")).map_err(StoreError::io("open the journal"))?;
    check_each(&disk, visit)
}

#[cfg(test)]
pub(crate) fn check(disk: &dyn Disk) -> Result<VerifyReport, StoreError> {
    check_each(disk, &mut |_| {})
}

fn check_each(disk: &dyn Disk, visit: &mut dyn FnMut(&Entry)) -> Result<VerifyReport, StoreError> {
    let mut check = Check { disk, position: Position::START, torn: None, decompressors: Decompressors::default(), visit, visited: 0 };
    let mut listing = Listing::read(disk)?;
    let mut number = 1;
    // Behind the last sealed segment: from here it is read again where a writer may have been at work meanwhile.
    let mut settled = (number, check.position);
    let mut patience = PATIENCE;
    let damage = loop {
        let found = match check.segment(&listing, number) {
            Ok(Step::Next) => {
                number += 1;
                if listing.sealed.iter().any(|sealed| sealed.number + 1 == number) {
                    settled = (number, check.position);
                    patience = PATIENCE;
                }
                continue;
            }
            Ok(Step::End) => break None,
            Ok(Step::Missing) => check.damage(FileName::Open { number }.to_string(), None, format!("segment {number} is missing")),
            Err(damage) => damage,
        };
        if patience == 0 {
            break Some(found);
        }
        patience -= 1;
        listing = Listing::read(disk)?;
        (number, check.position) = settled;
    };
    let Position { seq, link, .. } = check.position;
    let torn = if damage.is_none() { check.torn } else { None };
    Ok(VerifyReport { entries: seq, first: seq.min(1), last: seq, link, damage, torn })
}

enum Step {
    Next,
    End,
    Missing,
}

struct Check<'a> {
    disk: &'a dyn Disk,
    position: Position,
    torn: Option<(String, u64, &'static str)>,
    decompressors: Decompressors,
    visit: &'a mut dyn FnMut(&Entry),
    /// The last entry handed over: what is read again is not handed over again.
    visited: u64,
}

impl Check<'_> {
    fn damage(&self, file: String, offset: Option<u64>, why: String) -> Damage {
        Damage { seq: self.position.seq + 1, file, offset, why }
    }

    fn segment(&mut self, listing: &Listing, number: u64) -> Result<Step, Damage> {
        if let Some(&sealed) = listing.sealed.iter().find(|sealed| sealed.number == number) {
            self.torn = None;
            return self.sealed(sealed).map(|()| Step::Next);
        }
        if listing.open.contains(&number) {
            return self.open(number);
        }
        let later = listing.sealed.iter().any(|sealed| sealed.number > number) || listing.open.iter().any(|&open| self.begun(number, open));
        // A journal that was ever begun has a segment to write to.
        let nothing_to_write = listing.sealed.iter().any(|sealed| sealed.number + 1 == number) || number == 1 && !listing.is_empty();
        Ok(if later || nothing_to_write { Step::Missing } else { Step::End })
    }

    fn begun(&self, number: u64, open: u64) -> bool {
        let name = FileName::Open { number: open }.to_string();
        open > number
            && self
                .disk
                .open(&name)
                .is_ok_and(|file| read_exact(&*file, BLOCK as usize, 0).is_ok_and(|block| SegmentHeader::read(&block, open).is_some()))
    }

    fn sealed(&mut self, sealed: SealedAt) -> Result<(), Damage> {
        let name = sealed.name();
        let failed = |check: &Self, error: &std::io::Error| check.damage(name.clone(), None, error.to_string());
        let opened = self.disk.open(&name).and_then(|file| SealedFile::open(file, &Dictionaries::default()));
        let file = opened.map_err(|error| failed(self, &error))?;
        if file.header.segment() != self.position.header(sealed.number) || sealed.first_seq != self.position.seq + 1 {
            return Err(self.damage(name, Some(0), "the segment does not follow the one before it".into()));
        }
        let rows = file.rows().map_err(|error| failed(self, &error))?;
        let ends = rows.iter().skip(1).map(|row| row.offset).chain([file.header.index_offset]);
        for (row, end) in rows.iter().zip(ends) {
            let at = Some(u64::from(row.offset));
            let read = file.decompress(row, end, &self.decompressors);
            let (time_us, payload) = read.map_err(|error| self.damage(name.clone(), at, error.to_string()))?;
            let digest = digest(&payload);
            let seq = self.position.seq + 1;
            let entry = Entry::decode(seq, time_us, payload).map_err(|error| self.damage(name.clone(), at, error.to_string()))?;
            let after = self.position.after(time_us, &digest, entry.outcome());
            if short(&after) != row.link || time_us < self.position.time_us {
                return Err(self.damage(name, at, "the hash chain is broken".into()));
            }
            self.position = after;
            if seq > self.visited {
                self.visited = seq;
                (self.visit)(&entry);
            }
        }
        if self.position != file.header.after {
            return Err(self.damage(name, Some(0), "the segment's entries are not those that its header names".into()));
        }
        Ok(())
    }

    fn open(&mut self, number: u64) -> Result<Step, Damage> {
        let name = FileName::Open { number }.to_string();
        let (position, visited, visit) = (self.position, &mut self.visited, &mut *self.visit);
        let scanned = self.disk.open(&name).and_then(|file| {
            scan(&*file, number, &position, |header, payload, _| {
                if digest(payload) != header.digest {
                    return Err("the entry's digest does not match");
                }
                let entry = Entry::decode(header.seq, header.time_us, payload.to_vec()).map_err(|_| "the entry is malformed")?;
                if header.seq > *visited {
                    *visited = header.seq;
                    visit(&entry);
                }
                Ok(())
            })
        });
        let scanned = scanned.map_err(|error| self.damage(name.clone(), None, error.to_string()))?;
        self.position = scanned.position;
        match scanned.stop {
            Stop::Damaged { offset, seq, why, .. } => return Err(Damage { seq, file: name, offset: Some(offset), why: why.into() }),
            Stop::Torn { offset, why, .. } => self.torn = Some((name, offset, why)),
            Stop::Clean if scanned.begun => self.torn = None,
            Stop::Clean => {}
        }
        Ok(Step::Next)
    }
}
