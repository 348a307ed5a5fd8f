//! What waits to be written, and the one thread that takes it.
//!
//! There is no delay to gather a batch: while one flush runs the next batch gathers by itself.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hutong_audit::Hash;

use super::Committed;
use crate::error::StoreError;

pub(crate) type Done = Box<dyn FnOnce(Result<Committed, StoreError>) + Send>;

/// An entry on its way into the journal.
pub(crate) struct Pending {
    pub(crate) payload: Vec<u8>,
    pub(crate) digest: Hash,
    pub(crate) answer: Vec<u8>,
    pub(crate) conflict: Option<crate::entry::Conflict>,
    pub(crate) done: Done,
}

#[derive(Default)]
struct Waiting {
    entries: VecDeque<Pending>,
    bytes: usize,
    /// The writer waits to be woken.
    sleeping: bool,
    closed: bool,
}

#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

/// What the writer gets when it asks.
pub(crate) enum Taken {
    Batch(Vec<Pending>),
    /// Nothing came within the time given.
    Idle,
    /// Nothing will come any more.
    Closed,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the entry back with the reason where it is not taken.
    pub(crate) fn push(&self, pending: Pending, limit_bytes: usize) -> Result<(), (Pending, StoreError)> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err((pending, StoreError::Stopped));
        }
        let bytes = waiting.bytes.saturating_add(pending.payload.len());
        if bytes > limit_bytes && !waiting.entries.is_empty() {
            return Err((pending, StoreError::Busy));
        }
        waiting.bytes = bytes;
        waiting.entries.push_back(pending);
        if waiting.sleeping {
            waiting.sleeping = false;
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Takes what waits, at least one entry and otherwise within both limits.
    pub(crate) fn take(&self, entries_max: usize, bytes_max: usize, patience: Option<Duration>) -> Taken {
        let mut waiting = self.lock();
        while waiting.entries.is_empty() {
            if waiting.closed {
                return Taken::Closed;
            }
            waiting.sleeping = true;
            waiting = match patience {
                None => self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (mut waiting, timeout) = self.wake.wait_timeout(waiting, patience).unwrap_or_else(PoisonError::into_inner);
                    if timeout.timed_out() && waiting.entries.is_empty() && !waiting.closed {
                        waiting.sleeping = false;
                        return Taken::Idle;
                    }
                    waiting
                }
            };
        }
        waiting.sleeping = false;
        let mut batch = Vec::with_capacity(waiting.entries.len().min(entries_max));
        let mut bytes = 0usize;
        while let Some(next) = waiting.entries.front() {
            bytes = bytes.saturating_add(next.payload.len());
            if batch.len() == entries_max || (bytes > bytes_max && !batch.is_empty()) {
                break;
            }
            let Some(next) = waiting.entries.pop_front() else { break };
            waiting.bytes = waiting.bytes.saturating_sub(next.payload.len());
            batch.push(next);
        }
        Taken::Batch(batch)
    }

    /// Nothing more is taken in; what waits can still be taken out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }
}
