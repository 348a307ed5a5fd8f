//! The store: the journal in front, a projection behind it that follows at its own pace.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::entry::{Draft, Entry};
use crate::error::StoreError;
/// Steps at which the crash tests can kill the process.
#[cfg(any(test, feature = "failpoints"))]
pub use crate::journal::fail::STEPS as FAILPOINTS;
pub use crate::journal::verify::{Damage, VerifyReport, verify, verify_each};
pub use crate::journal::{Committed, Counts, JournalOptions, Recovery};
use crate::journal::{Fresh, Journal, Next, RealDisk, Shared, fail};

/// Entries given to the projection at once.
const APPLY_MAX: usize = 512;
/// How long the projection's thread waits before it looks whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(500);
/// Waiting time after a failed step of the projection.
const RETRY: Duration = Duration::from_secs(1);

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

    /// Whether the view was found damaged since it was last fed, by those who read it: it is then to be reset.
    fn is_damaged(&self) -> bool {
        false
    }
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

/// Reads entries of an open journal; cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct JournalReader(Arc<Shared>);

impl JournalReader {
    /// The last durable entry.
    pub fn durable(&self) -> u64 {
        self.0.durable_seq()
    }

    pub fn entry(&self, seq: u64) -> Result<Entry, StoreError> {
        self.0.read(seq)
    }

    /// `length` bytes of the payload of entry `seq` from `offset`, as [`crate::entry::ResourceRef::body_offset`] says.
    pub fn body(&self, seq: u64, offset: usize, length: usize) -> Result<Vec<u8>, StoreError> {
        self.0.part(seq, offset, length)
    }
}

/// The open store of one data directory.
pub struct Store {
    journal: Journal,
    recovery: Recovery,
    reset: Arc<AtomicBool>,
    projector: Option<JoinHandle<()>>,
    /// Held as long as the store is open.
    _lock: File,
}

impl Store {
    /// Opens the journal in `dir` (created where it is missing) and a projection of it, which is then brought up to
    /// date in the background.
    pub fn open_with<P: Projection + 'static>(
        dir: &Path,
        options: JournalOptions,
        projection: impl FnOnce(&JournalReader) -> Result<P, StoreError>,
    ) -> Result<Store, StoreError> {
        let disk = RealDisk::new(&dir.join("journal")).map_err(StoreError::io("open the data directory"))?;
        let lock = lock(dir)?;
        let (journal, recovery) = Journal::open(Arc::new(disk), options)?;
        let projection = projection(&JournalReader(Arc::clone(journal.shared())))?;
        journal.shared().feed.set_applied(projection.applied());
        let reset = Arc::new(AtomicBool::new(false));
        let projector = Projector { shared: Arc::clone(journal.shared()), projection, reset: Arc::clone(&reset) };
        let thread = std::thread::Builder::new().name("projection".into()).spawn(move || projector.run());
        let projector = Some(thread.map_err(StoreError::io("start a thread"))?);
        Ok(Store { journal, recovery, reset, projector, _lock: lock })
    }

    /// Takes over a message. `done` is called once: after the flush that made it durable, from the writer's thread,
    /// where it must not block; or at once where the message is refused.
    pub fn submit(&self, draft: Draft, done: impl FnOnce(Result<Committed, StoreError>) + Send + 'static) {
        self.journal.submit(draft, done);
    }

    /// What opening found at the end of the journal.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    pub fn reader(&self) -> JournalReader {
        JournalReader(Arc::clone(self.journal.shared()))
    }

    /// The last durable entry.
    pub fn durable(&self) -> u64 {
        self.journal.durable()
    }

    /// The last entry that can be found by searching.
    pub fn applied(&self) -> u64 {
        self.journal.shared().feed.applied()
    }

    /// Whether entry `seq` can be found within the time given.
    pub fn wait_applied(&self, seq: u64, timeout: Duration) -> bool {
        self.journal.shared().feed.wait_applied(seq, timeout)
    }

    pub fn counts(&self) -> Counts {
        self.journal.counts()
    }

    /// Flushes of the journal's files since the store was opened, those that prepare and seal segments with them.
    pub fn flushes(&self) -> u64 {
        self.journal.flushes()
    }

    /// Groups of entries made durable together, since the store was opened.
    pub fn commits(&self) -> u64 {
        self.journal.commits()
    }

    /// Entries in sealed segments, and the bytes that these have on disk.
    pub fn sealed(&self) -> (u64, u64) {
        self.journal.sealed()
    }

    /// Whether a failed write or flush ended accepting: the process is to end and start again.
    pub fn is_stopped(&self) -> bool {
        self.journal.is_stopped()
    }

    /// Whether the disk is full up to the reserve.
    pub fn is_full(&self) -> bool {
        self.journal.shared().is_full()
    }

    pub fn entry(&self, seq: u64) -> Result<Entry, StoreError> {
        self.journal.shared().read(seq)
    }

    /// Computes the projection anew from the first entry, in the background.
    pub fn rebuild(&self) {
        self.reset.store(true, Ordering::Release);
        self.journal.shared().feed.set_applied(0);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.journal.close();
        if self.projector.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the projection's thread panicked 查询库线程异常");
        }
    }
}

/// One process at a time: two writers would give the same numbers twice.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join("lock"));
    let file = file.map_err(StoreError::io("open the lock file"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(TryLockError::Error(error)) => Err(StoreError::Io { step: "lock the data directory", error }),
    }
}

/// The thread that feeds the projection.
struct Projector<P> {
    shared: Arc<Shared>,
    projection: P,
    reset: Arc<AtomicBool>,
}

impl<P: Projection> Projector<P> {
    fn run(mut self) {
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(error = %error, applied = self.projection.applied(), "the projection failed, it is tried again 查询库出错，稍后重试");
                    if self.shared.feed.closed_within(RETRY) {
                        return;
                    }
                }
            }
        }
    }

    /// One batch; false where the store is closing.
    fn step(&mut self) -> Result<bool, StoreError> {
        let failed = |error: ProjectionError| StoreError::Projection(error.0);
        if self.reset.swap(false, Ordering::AcqRel) || self.projection.is_damaged() {
            self.projection.reset().map_err(failed)?;
        }
        let applied = self.projection.applied();
        self.shared.feed.set_applied(applied);
        let batch = match self.shared.feed.next(applied, APPLY_MAX, PATIENCE) {
            Next::Closed => return Ok(false),
            Next::Nothing => return Ok(true),
            Next::Fresh(fresh) => fresh.into_iter().map(decode).collect::<Result<Vec<_>, _>>()?,
            Next::Read(first, last) => (first..=last).map(|seq| self.shared.read(seq).map(Arc::new)).collect::<Result<Vec<_>, _>>()?,
        };
        fail::point("before-apply");
        self.projection.apply(&batch).map_err(failed)?;
        fail::point("after-apply");
        self.shared.feed.set_applied(self.projection.applied());
        Ok(true)
    }
}

fn decode(fresh: Fresh) -> Result<Arc<Entry>, StoreError> {
    let seq = fresh.seq;
    let entry = Entry::decode(seq, fresh.time_us, fresh.payload);
    entry.map(Arc::new).map_err(|error| StoreError::Damaged { seq, file: String::new(), offset: 0, why: error.to_string() })
}
