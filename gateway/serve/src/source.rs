//! What the HTTP side needs of a store: the seam behind which the embedded store, a shared database or a test's fake stands.

use std::sync::Arc;

use hutong_commit::projection::{HistoryOf, HistoryPage, ReadError, Reader};
use hutong_commit::search::{Page, Query, Version};
use hutong_commit::store::{Counts, Store};

/// A store as the HTTP side sees it. Calls may block, for at most the store's own time limit.
pub trait Source: Send + Sync + 'static {
    fn read(&self, kind: &str, id: &str) -> Result<Option<Version>, ReadError>;
    fn vread(&self, kind: &str, id: &str, version: u64) -> Result<Option<Version>, ReadError>;
    fn history(&self, of: HistoryOf<'_>, since_us: Option<i64>, count: usize, after: Option<u64>) -> Result<HistoryPage, ReadError>;
    fn search(&self, query: &Query) -> Result<Page, ReadError>;
    fn counts(&self) -> Counts;
    /// The last entry that is durable.
    fn durable(&self) -> u64;
    /// The last entry that searches see.
    fn applied(&self) -> u64;
}

/// The journal of this process and its projection.
pub struct Embedded {
    pub store: Arc<Store>,
    pub reader: Reader,
}

impl Source for Embedded {
    fn read(&self, kind: &str, id: &str) -> Result<Option<Version>, ReadError> {
        self.reader.read(kind, id)
    }

    fn vread(&self, kind: &str, id: &str, version: u64) -> Result<Option<Version>, ReadError> {
        self.reader.vread(kind, id, version)
    }

    fn history(&self, of: HistoryOf<'_>, since_us: Option<i64>, count: usize, after: Option<u64>) -> Result<HistoryPage, ReadError> {
        self.reader.history(of, since_us, count, after)
    }

    fn search(&self, query: &Query) -> Result<Page, ReadError> {
        self.reader.search(query)
    }

    fn counts(&self) -> Counts {
        self.store.counts()
    }

    fn durable(&self) -> u64 {
        self.store.durable()
    }

    fn applied(&self) -> u64 {
        self.store.applied()
    }
}
