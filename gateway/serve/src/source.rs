//! What the HTTP side needs of a store: the seam behind which the embedded store, a shared database or a test's fake stands.

use hutong_commit::search::{Found, Page, Query, Version};

/// Whose history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of<'a> {
    Instance(&'a str, &'a str),
    Type(&'a str),
    System,
}

/// A page of a history, newest first.
pub struct HistoryPage {
    pub rows: Vec<Found>,
    /// Give it back to get the next page.
    pub next: Option<u64>,
}

/// Why the store does not answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SourceError {
    /// The cursor was given by another search.
    BadCursor,
    /// The time or work that one search may take is used up.
    TooCostly,
    /// The store cannot be read now.
    Unavailable,
}

/// Messages counted, for `/health`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    pub received: u64,
    pub journalled: u64,
    pub answered: u64,
    pub stored: u64,
    pub rejected: u64,
    pub held: u64,
    pub duplicate: u64,
}

/// A store as the HTTP side sees it. Calls may block, for at most the store's own time limit.
pub trait Source: Send + Sync + 'static {
    fn read(&self, kind: &str, id: &str) -> Result<Option<Version>, SourceError>;
    fn vread(&self, kind: &str, id: &str, version: u64) -> Result<Option<Version>, SourceError>;
    fn history(&self, of: Of<'_>, since_us: Option<i64>, count: usize, after: Option<u64>) -> Result<HistoryPage, SourceError>;
    fn search(&self, query: &Query) -> Result<Page, SourceError>;
    fn counts(&self) -> Counts;
    /// The last entry that is durable.
    fn durable(&self) -> u64;
    /// The last entry that searches see.
    fn applied(&self) -> u64;
}
