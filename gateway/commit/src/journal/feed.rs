//! The way from the writer to the projection: committed entries in memory as far as they fit, and how far behind the
//! projection is.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An entry just committed, not decoded yet.
pub(crate) struct Fresh {
    pub(crate) seq: u64,
    pub(crate) time_us: i64,
    pub(crate) payload: Vec<u8>,
}

#[derive(Default)]
struct State {
    fresh: VecDeque<Fresh>,
    bytes: usize,
    durable: u64,
    applied: u64,
    /// How far behind the projection is because it was, or is being, computed anew: this alone holds nobody.
    backlog: u64,
    started: bool,
    closed: bool,
}

pub(crate) struct Feed {
    state: Mutex<State>,
    /// Something became durable, or applied, or the feed was closed.
    changed: Condvar,
    limit_bytes: usize,
}

/// What the projection is to do next.
pub(crate) enum Next {
    Fresh(Vec<Fresh>),
    /// These are no longer in memory: read them from the journal, from the first number to the second.
    Read(u64, u64),
    Nothing,
    Closed,
}

impl Feed {
    pub(crate) fn new(durable: u64, limit_bytes: usize) -> Feed {
        Feed { state: Mutex::new(State { durable, ..State::default() }), changed: Condvar::new(), limit_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries that follow one another became durable. Those for which there is no room are left out: the projection
    /// then reads them from the journal, and the feed goes on when it is empty.
    pub(crate) fn committed(&self, entries: impl Iterator<Item = Fresh>) {
        let mut state = self.lock();
        for entry in entries {
            let follows = state.fresh.back().is_none_or(|last| last.seq + 1 == entry.seq);
            state.durable = entry.seq;
            if follows && (state.fresh.is_empty() || state.bytes + entry.payload.len() <= self.limit_bytes) {
                state.bytes += entry.payload.len();
                state.fresh.push_back(entry);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// What follows `applied`, at most `max` entries; waits up to `patience` where there is nothing.
    pub(crate) fn next(&self, applied: u64, max: usize, patience: Duration) -> Next {
        let mut state = self.lock();
        if state.durable <= applied && !state.closed {
            state = self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.closed {
            return Next::Closed;
        }
        if state.durable <= applied {
            return Next::Nothing;
        }
        // What was applied already is only in the way, e.g. after the projection was filled from the journal.
        while state.fresh.front().is_some_and(|entry| entry.seq <= applied) {
            if let Some(entry) = state.fresh.pop_front() {
                state.bytes = state.bytes.saturating_sub(entry.payload.len());
            }
        }
        let until = match state.fresh.front() {
            Some(first) if first.seq == applied + 1 => {
                let count = max.min(state.fresh.len());
                let batch: Vec<Fresh> = state.fresh.drain(..count).collect();
                let bytes: usize = batch.iter().map(|entry| entry.payload.len()).sum();
                state.bytes = state.bytes.saturating_sub(bytes);
                return Next::Fresh(batch);
            }
            Some(first) => first.seq - 1,
            None => state.durable,
        };
        Next::Read(applied + 1, until.min(applied.saturating_add(max as u64)))
    }

    pub(crate) fn set_applied(&self, seq: u64) {
        let mut state = self.lock();
        let behind = state.durable.saturating_sub(seq);
        state.backlog = if seq < state.applied || !state.started { behind } else { state.backlog.min(behind) };
        (state.applied, state.started) = (seq, true);
        drop(state);
        self.changed.notify_all();
    }

    pub(crate) fn applied(&self) -> u64 {
        self.lock().applied
    }

    /// Whether entry `seq` was applied within the time given.
    pub(crate) fn wait_applied(&self, seq: u64, timeout: Duration) -> bool {
        let end = Instant::now() + timeout;
        let mut state = self.lock();
        while state.applied < seq && !state.closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.applied >= seq
    }

    /// Holds the writer while the projection is more than `lag` entries further behind than it was at its start: an
    /// acknowledged message shall be found soon.
    pub(crate) fn wait_for_room(&self, lag: u64) {
        let mut state = self.lock();
        while state.durable.saturating_sub(state.applied) > lag.saturating_add(state.backlog) && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the feed is closed, now or within the time given.
    pub(crate) fn closed_within(&self, timeout: Duration) -> bool {
        let state = self.lock();
        self.changed.wait_timeout_while(state, timeout, |state| !state.closed).unwrap_or_else(PoisonError::into_inner).0.closed
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}
