//! The journal: the append-only, hash-chained truth.
//!
//! ```text
//! submit ──> queue ──> writer: number, duplicates, one write, one flush ──> callbacks ──> feed ──> projection
//!                        │ full                                 pool: next segment, made ready in advance
//!                        └──> sealer: compress, flush, rename ──> recycled as the next segment but one
//! ```
//!
//! What always holds: an entry is answered only after the flush that made it durable; numbers have no gap; a file
//! appears under its name only when it is complete; after a failed flush nothing is accepted any more.

mod codec;
mod disk;
pub(crate) mod fail;
mod feed;
mod frame;
mod ids;
mod names;
mod pool;
mod queue;
mod read;
mod recover;
mod scan;
mod seal;
mod sealed;
mod seen;
mod segments;
pub(crate) mod verify;
mod writer;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) use disk::{Disk, RealDisk};
pub(crate) use feed::{Fresh, Next};

use crate::entry::{Draft, Final};
use crate::error::StoreError;
use codec::{Decompressors, Dictionaries};
use feed::Feed;
use frame::BLOCK;
use pool::Pool;
use queue::{Pending, Queue};
use scan::Position;
use seal::Sealer;
use sealed::SealedFile;
use seen::Seen;
use segments::SegmentMap;
use writer::Writer;

/// Limits and sizes of the journal. The defaults are for a gateway; tests and the demo use smaller segments.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// Length of a segment file; a longer entry gets a longer segment.
    pub segment_bytes: u64,
    /// Free space that is never used: below it nothing is accepted.
    pub reserve_bytes: u64,
    pub entry_bytes_max: usize,
    pub batch_entries_max: usize,
    pub batch_bytes_max: usize,
    /// What may wait for the writer.
    pub queue_bytes_max: usize,
    /// What may wait in memory for the projection; more is read from the journal again.
    pub feed_bytes_max: usize,
    /// The writer waits while the projection is further behind than this many entries.
    pub lag_max: u64,
    /// The same control id with the same bytes is a duplicate for so long.
    pub duplicate_window: Duration,
}

impl Default for JournalOptions {
    fn default() -> JournalOptions {
        JournalOptions {
            segment_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            entry_bytes_max: 256 << 20,
            batch_entries_max: 512,
            batch_bytes_max: 4 << 20,
            queue_bytes_max: 256 << 20,
            feed_bytes_max: 32 << 20,
            lag_max: 50_000,
            duplicate_window: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

impl JournalOptions {
    /// Sizes as the forms on the disk need them: whole blocks, offsets in 32 bits.
    fn checked(self) -> JournalOptions {
        let segment_bytes = self.segment_bytes.clamp(4 * BLOCK, 1 << 30).next_multiple_of(BLOCK);
        JournalOptions { segment_bytes, entry_bytes_max: self.entry_bytes_max.min(1 << 30), ..self }
    }

    fn duplicate_window_us(&self) -> i64 {
        i64::try_from(self.duplicate_window.as_micros()).unwrap_or(i64::MAX)
    }
}

/// What the sender of a message may be told.
#[derive(Clone, PartialEq, Eq)]
pub struct Committed {
    pub seq: u64,
    pub outcome: Final,
    /// The bytes to answer: of a duplicate, those that were answered the first time.
    pub answer: Vec<u8>,
    pub duplicate_of: Option<u64>,
}

/// Messages counted over the whole life of the journal. When nothing is under way, received = journalled = answered =
/// stored + rejected + held + duplicate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Taken over and not handed back with an error.
    pub received: u64,
    /// Durable.
    pub journalled: u64,
    /// Told to their senders.
    pub answered: u64,
    pub stored: u64,
    pub rejected: u64,
    pub held: u64,
    pub duplicate: u64,
}

/// What opening found at the end of the journal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recovery {
    /// The last entry.
    pub last: u64,
    /// Entries read to find it.
    pub scanned: u64,
    /// A batch that was begun and never acknowledged, dropped: file, byte offset and why it ends there.
    pub torn: Option<(String, u64, &'static str)>,
}

/// What the threads of a journal share.
pub(crate) struct Shared {
    options: JournalOptions,
    disk: Arc<dyn Disk>,
    queue: Queue,
    pool: Pool,
    segments: SegmentMap,
    seen: Seen,
    pub(crate) feed: Feed,
    durable: Mutex<Position>,
    durable_seq: AtomicU64,
    /// Batches made durable.
    commits: AtomicU64,
    received: AtomicU64,
    answered: AtomicU64,
    stopped: AtomicBool,
    sealing: Mutex<Sealing>,
    seal_wake: Condvar,
    dictionaries: Dictionaries,
    decompressors: Decompressors,
    sealed_files: Mutex<VecDeque<(u64, Arc<SealedFile>)>>,
    recent_payloads: Mutex<VecDeque<(u64, Arc<Vec<u8>>)>>,
}

/// What the sealer is to do.
#[derive(Default)]
struct Sealing {
    requested: bool,
    closing: bool,
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn stop(&self, what: &str, error: &io::Error) {
        if !self.stopped.swap(true, Ordering::AcqRel) {
            tracing::error!(error = %error, "{what}: nothing more is accepted 停止接收");
        }
    }

    fn set_durable(&self, position: &Position) {
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner) = *position;
        self.durable_seq.store(position.seq, Ordering::Release);
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    fn count_answered(&self, answered: u64) {
        self.answered.fetch_add(answered, Ordering::Relaxed);
    }

    fn count_refused(&self) {
        self.received.fetch_sub(1, Ordering::Relaxed);
    }

    fn sealing(&self) -> MutexGuard<'_, Sealing> {
        self.sealing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_sealer(&self) {
        self.sealing().requested = true;
        self.seal_wake.notify_all();
    }

    /// Waits until a segment is full; false where the journal closes.
    fn seal_requested(&self) -> bool {
        let idle = |sealing: &mut Sealing| !sealing.requested && !sealing.closing;
        let mut sealing = self.seal_wake.wait_while(self.sealing(), idle).unwrap_or_else(PoisonError::into_inner);
        sealing.requested = false;
        !sealing.closing
    }

    fn is_closing(&self) -> bool {
        self.sealing().closing
    }

    fn closing_within(&self, timeout: Duration) -> bool {
        let waited = self.seal_wake.wait_timeout_while(self.sealing(), timeout, |sealing| !sealing.closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    pub(crate) fn durable_seq(&self) -> u64 {
        self.durable_seq.load(Ordering::Acquire)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.pool.is_full()
    }
}

/// An open journal. Dropping it ends its threads after what waits has been written.
pub(crate) struct Journal {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Journal {
    /// Opens or begins the journal on `disk`: finds its end, drops what was never acknowledged, starts the threads.
    pub(crate) fn open(disk: Arc<dyn Disk>, options: JournalOptions) -> Result<(Journal, Recovery), StoreError> {
        let options = options.checked();
        let found = recover::recover(&*disk, &options)?;
        let recover::Found { segments, active, capacity, end, position, recovery, seen, ready, spares } = found;
        let pool = Pool::new(Arc::clone(&disk), options.segment_bytes, options.reserve_bytes, active.number + 1, spares, ready);
        let journalled = position.seq;
        let shared = Arc::new(Shared {
            options,
            disk,
            queue: Queue::default(),
            pool,
            segments,
            seen,
            feed: Feed::new(journalled, options.feed_bytes_max),
            durable: Mutex::new(position),
            durable_seq: AtomicU64::new(journalled),
            commits: AtomicU64::new(0),
            received: AtomicU64::new(journalled),
            answered: AtomicU64::new(journalled),
            stopped: AtomicBool::new(false),
            sealing: Mutex::new(Sealing { requested: true, closing: false }),
            seal_wake: Condvar::new(),
            dictionaries: Dictionaries::default(),
            decompressors: Decompressors::default(),
            sealed_files: Mutex::default(),
            recent_payloads: Mutex::default(),
        });
        let mut journal = Journal { shared: Arc::clone(&shared), threads: Vec::new() };
        let writer = Writer::new(Arc::clone(&shared), active, capacity, end, position);
        let (keeper, sealer) = (Arc::clone(&shared), Sealer::new(Arc::clone(&shared)));
        journal.spawn("journal-writer", move || writer.run())?;
        journal.spawn("journal-pool", move || keeper.pool.run())?;
        journal.spawn("journal-sealer", move || sealer.run())?;
        Ok((journal, recovery))
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let guard = StopOnPanic(Arc::clone(&self.shared));
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            body();
            std::mem::forget(guard);
        });
        self.threads.push(thread.map_err(StoreError::io("start a thread"))?);
        Ok(())
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Takes over a message; `done` is called once, from the writer's thread after the flush, or at once where the
    /// message is refused.
    pub(crate) fn submit(&self, draft: Draft, done: impl FnOnce(Result<Committed, StoreError>) + Send + 'static) {
        let shared = &self.shared;
        let key = seen::key(&draft.source, &draft.control_id);
        let payload = draft.encode(key);
        let refusal = if shared.is_stopped() {
            Some(StoreError::Stopped)
        } else if shared.pool.is_full() {
            Some(StoreError::Full)
        } else if payload.len() > shared.options.entry_bytes_max {
            Some(StoreError::TooLarge { bytes: payload.len(), limit: shared.options.entry_bytes_max })
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return done(Err(refusal));
        }
        let digest = hutong_audit::digest(&payload);
        let pending = Pending { payload, digest, answer: draft.answer, conflict: draft.conflict, done: Box::new(done) };
        shared.received.fetch_add(1, Ordering::Relaxed);
        if let Err((pending, error)) = shared.queue.push(pending, shared.options.queue_bytes_max) {
            shared.count_refused();
            (pending.done)(Err(error));
        }
    }

    /// The last durable entry.
    pub(crate) fn durable(&self) -> u64 {
        self.shared.durable_seq()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.shared.is_stopped()
    }

    /// Flushes since the journal was opened.
    pub(crate) fn flushes(&self) -> u64 {
        self.shared.disk.flushes()
    }

    pub(crate) fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Entries in sealed segments, and the bytes that these have on disk.
    pub(crate) fn sealed(&self) -> (u64, u64) {
        let files = self.shared.segments.sealed_list().into_iter().filter_map(|s| self.shared.sealed_file(s).ok());
        files.fold((0, 0), |(entries, bytes), file| (entries + file.header.count(), bytes + file.length()))
    }

    pub(crate) fn counts(&self) -> Counts {
        let answered = self.shared.answered.load(Ordering::Relaxed);
        let position = *self.shared.durable.lock().unwrap_or_else(PoisonError::into_inner);
        let [stored, rejected, held, duplicate] = position.totals;
        let received = self.shared.received.load(Ordering::Relaxed);
        Counts { received, journalled: position.seq, answered, stored, rejected, held, duplicate }
    }
}

impl Journal {
    /// Writes what waits and ends the threads.
    pub(crate) fn close(&mut self) {
        self.shared.queue.close();
        self.shared.feed.close();
        let mut threads = self.threads.drain(..);
        // The writer first: it may need the pool to write what waits.
        let joined = threads.next().map(JoinHandle::join);
        self.shared.pool.close();
        self.shared.sealing().closing = true;
        self.shared.seal_wake.notify_all();
        let failed = joined.into_iter().chain(threads.map(JoinHandle::join)).filter(Result::is_err).count();
        if failed > 0 {
            tracing::error!(failed, "threads of the journal panicked 日志线程异常");
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// A thread of the journal that ends by a panic must not leave senders waiting.
struct StopOnPanic(Arc<Shared>);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        self.0.stop("a thread of the journal ended 日志线程结束", &io::ErrorKind::Other.into());
        self.0.queue.close();
    }
}

#[cfg(test)]
mod tests;
