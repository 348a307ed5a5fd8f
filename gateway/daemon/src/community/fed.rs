//! Two views of one journal: the search store first, the community behind it. An event is in force when what its message
//! stored can be found.

use std::sync::Arc;

use hutong_commit::entry::Entry;
use hutong_commit::error::StoreError;
use hutong_commit::projection::Reader;
use hutong_commit::store::{Projection, ProjectionError};

use super::Shared;

/// What the store feeds.
pub(crate) struct Fed<P> {
    store: P,
    community: Shared,
}

impl<P: Projection> Fed<P> {
    /// Brings the community to where the store is.
    pub(crate) fn begin(store: P, reader: &Reader, community: Shared) -> Result<Fed<P>, StoreError> {
        community.load(reader, store.applied())?;
        Ok(Fed { store, community })
    }
}

impl<P: Projection> Projection for Fed<P> {
    fn applied(&self) -> u64 {
        self.store.applied()
    }

    fn apply(&mut self, batch: &[Arc<Entry>]) -> Result<(), ProjectionError> {
        self.store.apply(batch)?;
        for entry in batch {
            // where the store was computed anew the community has this already: it comes from the events alone
            if entry.seq() <= self.community.read().applied {
                continue;
            }
            for (kind, body) in entry.events() {
                self.community.apply(kind, entry.seq(), entry.committed_us(), body);
            }
            let mut community = self.community.write();
            community.arrivals.follow(entry);
            community.applied = entry.seq();
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), ProjectionError> {
        self.store.reset()
    }

    fn is_damaged(&self) -> bool {
        self.store.is_damaged()
    }
}
