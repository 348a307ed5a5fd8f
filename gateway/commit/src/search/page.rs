//! A page of answers.

use super::cursor::Cursor;

/// One version of a resource.
#[derive(Clone)]
pub struct Version {
    /// From 1, per resource.
    pub version: u64,
    /// The journal entry (message) that made it.
    pub seq: u64,
    /// When that entry was committed, µs since 1970.
    pub last_updated_us: i64,
    pub deleted: bool,
    /// FHIR JSON with `meta.versionId` and `meta.lastUpdated`; empty where deleted.
    pub body: Vec<u8>,
}

/// A resource that was found.
#[derive(Clone)]
pub struct Found {
    pub resource_type: &'static str,
    pub id: String,
    pub version: Version,
}

/// Matches in order, what `_include` and `_revinclude` bring along (each once), and where to go on.
pub struct Page {
    pub matches: Vec<Found>,
    pub included: Vec<Found>,
    /// Not all that `_include`/`_revinclude` ask for fitted in; the caller must say so.
    pub included_cut: bool,
    pub next: Option<Cursor>,
    /// Where it was asked for, or is known anyway because all matches are on this page.
    pub total: Option<u64>,
}
