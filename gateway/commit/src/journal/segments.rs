//! Which entry stands in which file.

use std::sync::{Arc, PoisonError, RwLock};

use super::disk::DiskFile;
use super::names::FileName;
use super::scan::Position;

/// A segment as it was written, not yet sealed.
pub(crate) struct OpenSegment {
    pub(crate) number: u64,
    pub(crate) epoch: u64,
    /// Where the journal stood before its first entry.
    pub(crate) before: Position,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Offsets of the frames of its durable entries, in order.
    pub(crate) offsets: RwLock<Vec<u32>>,
}

impl OpenSegment {
    pub(crate) fn new(number: u64, before: Position, file: Arc<dyn DiskFile>, offsets: Vec<u32>) -> OpenSegment {
        OpenSegment { number, epoch: before.header(number).epoch(), before, file, offsets: RwLock::new(offsets) }
    }

    pub(crate) fn first_seq(&self) -> u64 {
        self.before.seq + 1
    }

    pub(crate) fn name(&self) -> String {
        FileName::Open { number: self.number }.to_string()
    }

    /// Where entry `seq` stands.
    pub(crate) fn offset(&self, seq: u64) -> Option<u64> {
        let index = usize::try_from(seq.checked_sub(self.first_seq())?).ok()?;
        self.offsets.read().unwrap_or_else(PoisonError::into_inner).get(index).map(|&offset| u64::from(offset))
    }

    pub(crate) fn count(&self) -> u64 {
        self.offsets.read().unwrap_or_else(PoisonError::into_inner).len() as u64
    }
}

/// A segment that was compressed and never changes any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SealedAt {
    pub(crate) number: u64,
    pub(crate) first_seq: u64,
}

impl SealedAt {
    pub(crate) fn name(self) -> String {
        FileName::Sealed { number: self.number, first_seq: self.first_seq }.to_string()
    }
}

/// All segments, oldest first; the open ones come after the sealed ones.
#[derive(Default)]
pub(crate) struct SegmentMap {
    lists: RwLock<Lists>,
}

#[derive(Default)]
struct Lists {
    sealed: Vec<SealedAt>,
    open: Vec<Arc<OpenSegment>>,
}

/// Where to read an entry.
pub(crate) enum Place {
    Open(Arc<OpenSegment>, u64),
    Sealed(SealedAt),
}

impl SegmentMap {
    pub(crate) fn new(sealed: Vec<SealedAt>, open: Vec<Arc<OpenSegment>>) -> SegmentMap {
        SegmentMap { lists: RwLock::new(Lists { sealed, open }) }
    }

    pub(crate) fn find(&self, seq: u64) -> Option<Place> {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        let open = lists.open.partition_point(|segment| segment.first_seq() <= seq);
        if let Some(segment) = open.checked_sub(1).and_then(|index| lists.open.get(index)) {
            return segment.offset(seq).map(|offset| Place::Open(Arc::clone(segment), offset));
        }
        let sealed = lists.sealed.partition_point(|segment| segment.first_seq <= seq);
        lists.sealed.get(sealed.checked_sub(1)?).map(|&segment| Place::Sealed(segment))
    }

    pub(crate) fn begin(&self, segment: Arc<OpenSegment>) {
        self.lists.write().unwrap_or_else(PoisonError::into_inner).open.push(segment);
    }

    /// The oldest open segment if a newer one is written to.
    pub(crate) fn next_to_seal(&self) -> Option<Arc<OpenSegment>> {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        if lists.open.len() < 2 { None } else { lists.open.first().map(Arc::clone) }
    }

    /// The oldest open segment is now read from its sealed file.
    pub(crate) fn sealed(&self, sealed: SealedAt) {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.open.retain(|segment| segment.number != sealed.number);
        lists.sealed.push(sealed);
    }

    pub(crate) fn sealed_list(&self) -> Vec<SealedAt> {
        self.lists.read().unwrap_or_else(PoisonError::into_inner).sealed.clone()
    }
}
