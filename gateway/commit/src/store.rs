//! The store: the journal in front, a projection behind it that follows at its own pace.

use std::sync::Arc;

use crate::entry::Entry;

/// A view computed from the journal in order, which can be thrown away and computed again with the same result.
pub trait Projection: Send {
    /// The last entry whose effect is in the view; 0 = none.
    fn applied(&self) -> u64;

    /// Adds entries, whose numbers follow [`Projection::applied`] without gap, all or none.
    ///
    /// After an error the same or an earlier position is asked for again: an implementation that finds itself
    /// damaged empties itself and returns an error, and is then fed from the start.
    fn apply(&mut self, batch: &[Arc<Entry>]) -> Result<(), ProjectionError>;

    /// Empties the view, so that it is computed anew from the first entry.
    fn reset(&mut self) -> Result<(), ProjectionError>;
}

/// Why a projection could not go on, for the operator's log; without patient data.
#[derive(Debug)]
pub struct ProjectionError(pub String);

impl std::fmt::Display for ProjectionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ProjectionError {}
