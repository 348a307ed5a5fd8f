//! Commit: the journal (the truth) and its projection (the search store).

pub mod entry;
pub mod error;
mod journal;
pub mod projection;
pub mod search;
pub mod store;
