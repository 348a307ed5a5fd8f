//! What the ledger is told, in the order of the journal.

use super::sighting::{Id, Sighting, Text};
use serde::{Deserialize, Serialize};

/// Where an event stands: entry of the journal and when it was committed (µs since 1970).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct At {
    pub seq: u64,
    pub us: i64,
}

/// Body of an event of kind `case`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "nearly all are the large one")]
pub enum Event {
    /// What a message says.
    Seen(Sighting),
    /// Two parts without a common number are one case: a number of each.
    Joined(Decided),
    /// They are not; they are not proposed again.
    Apart(Decided),
    /// A period is published: what is known later changes it by dated adjustments only. All months up to its end close.
    Close(Close),
}

/// The same as it is read from the journal: its texts stay where they are.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "nearly all are the large one")]
pub(super) enum Read<'a> {
    #[serde(borrow)]
    Seen(Sighting<Text<'a>>),
    Joined(Decided),
    Apart(Decided),
    Close(Close),
}

/// A decision on a doubtful join.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decided {
    pub a: Id,
    pub b: Id,
    /// Who decided, or which rule with its version.
    pub by: String,
}

/// Closing a period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Close {
    /// `2026-09`, `2026Q3`, `2026`
    pub period: String,
    pub by: String,
}
