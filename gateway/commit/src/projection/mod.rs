//! The projection: current resources, their versions and everything that is searched, in SQLite, computed from the
//! journal in order. It may be lost at any time without loss: it is then computed again.
//!
//! [`open`] gives the two ends: a [`SqliteProjection`], which the store's thread feeds with entries, and a [`Reader`],
//! which any thread may ask.

mod apply;
mod arrived;
mod events;
mod extract;
mod file;
mod hash;
mod history;
mod include;
mod intern;
mod matches;
mod merge;
mod origin;
mod postings;
mod read;
mod resolve;
mod rows;
mod scan;
mod schema;
mod search;
mod snapshot;
mod splice;
mod status;
mod trace;
mod values;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

pub use arrived::Arrived;
pub use events::StoredEvent;
pub use history::{HistoryOf, HistoryPage, Traced};
pub use read::{ReadError, Reader};
pub use status::Reason;
pub use trace::Effect;

use crate::entry::Entry;
use crate::store::{JournalReader, Projection, ProjectionError};
use apply::Apply;
use file::{File, Generation};
use postings::State;

/// What the projection needs of the journal. An error is a text for the operator's log, without patient data.
pub trait Journal: Send + Sync {
    /// The last durable entry.
    fn durable(&self) -> u64;
    /// `length` bytes of the payload of entry `seq` from `offset`.
    fn body(&self, seq: u64, offset: usize, length: usize) -> Result<Vec<u8>, String>;
    /// Receipt and time of commit (µs since 1970) of an entry: whether a projection is of this journal.
    fn mark(&self, seq: u64) -> Result<(String, i64), String>;
}

impl Journal for JournalReader {
    fn durable(&self) -> u64 {
        JournalReader::durable(self)
    }

    fn body(&self, seq: u64, offset: usize, length: usize) -> Result<Vec<u8>, String> {
        JournalReader::body(self, seq, offset, length).map_err(|e| e.to_string())
    }

    fn mark(&self, seq: u64) -> Result<(String, i64), String> {
        let entry = JournalReader::entry(self, seq).map_err(|e| e.to_string())?;
        Ok((entry.receipt().to_owned(), entry.committed_us()))
    }
}

/// Why the projection could not do something.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    /// A body could not be read or is no FHIR JSON; a file cannot be used.
    Body(String),
    /// A thread ended in the middle of a change to shared memory.
    Poisoned,
}

impl Fault {
    /// Whether the file itself is damaged.
    fn is_damage(&self) -> bool {
        match self {
            Fault::Sql(rusqlite::Error::SqlInputError { .. }) => true,
            // the writer's statements are fixed: where one does not fit, a table or column is missing
            Fault::Sql(error) => is_damage(error) || error.sqlite_error().is_some_and(|e| e.extended_code == 1),
            Fault::Body(_) => false,
            Fault::Poisoned => true,
        }
    }
}

/// Whether SQLite, or a cell that is not of the kind we wrote, tells of a damaged file.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase};
    match error {
        rusqlite::Error::SqliteFailure(e, _) => matches!(e.code, DatabaseCorrupt | NotADatabase | ConstraintViolation),
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) => true,
        // rows that other rows name
        rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // SQLite's own texts may quote SQL, which has no values in it: they are always bound
            Fault::Sql(error) => write!(f, "SQLite: {error}"),
            Fault::Body(why) => f.write_str(why),
            Fault::Poisoned => f.write_str("a thread panicked while it held shared state"),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sql(error)
    }
}

impl From<Fault> for ProjectionError {
    fn from(fault: Fault) -> ProjectionError {
        ProjectionError(fault.to_string())
    }
}

/// What the writer and the readers have in common.
pub(crate) struct Common {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) generation: RwLock<Arc<Generation>>,
    /// A reader met damage: the writer begins anew.
    pub(crate) damaged: AtomicBool,
}

/// Pages in the write-ahead log (4 KiB each) from which it is moved into the file.
const WAL_PAGES_MAX: i32 = 8_192;

/// The writing end.
pub struct SqliteProjection {
    dir: PathBuf,
    common: Arc<Common>,
    /// `None` only after a failed new beginning.
    file: Option<File>,
    applied: u64,
}

/// Opens the projection in `dir`. A file that cannot be used is replaced by an empty one (and this is logged), so that
/// the store feeds it from the first entry.
///
/// # Errors
/// Where not even an empty file can be made.
pub fn open(dir: &Path, journal: Arc<dyn Journal>) -> Result<(SqliteProjection, Reader), ProjectionError> {
    let (file, applied, why) = file::open(dir, &*journal)?;
    if let Some(why) = why {
        tracing::warn!(why, "the projection is computed anew from the journal 查询库将由日志重新生成");
    }
    let generation = RwLock::new(Arc::clone(&file.generation));
    let common = Arc::new(Common { journal, generation, damaged: AtomicBool::new(false) });
    let reader = Reader::new(Arc::clone(&common));
    Ok((SqliteProjection { dir: dir.to_owned(), common, file: Some(file), applied }, reader))
}

impl SqliteProjection {
    fn run(&mut self, batch: &[Arc<Entry>]) -> Result<(), Fault> {
        let Some(last) = batch.last() else { return Ok(()) };
        let file = self.file.as_mut().ok_or_else(|| Fault::Body("there is no file".to_owned()))?;
        file.conn.execute_batch("BEGIN IMMEDIATE")?;
        match transaction(file, &*self.common.journal, batch, last.seq()) {
            Ok((ids, values)) => file.publish(last.seq(), ids, values)?,
            Err(fault) => {
                // on a full disk SQLite has rolled back by itself
                if !file.conn.is_autocommit() {
                    file.conn.execute_batch("ROLLBACK")?;
                }
                file.ids.forget(&file.conn)?;
                file.values.forget(&file.conn)?;
                return Err(fault);
            }
        }
        self.applied = last.seq();
        file.checkpoint(WAL_PAGES_MAX)
    }

    fn begin_anew(&mut self) -> Result<(), Fault> {
        let number = self.common.generation.read().map_err(|_| Fault::Poisoned)?.number;
        self.file = None;
        self.applied = 0;
        let file = file::begin(&self.dir, number + 1)?;
        *self.common.generation.write().map_err(|_| Fault::Poisoned)? = Arc::clone(&file.generation);
        self.common.damaged.store(false, Ordering::Release);
        self.file = Some(file);
        Ok(())
    }

    /// Writes everything to disk and marks the file as whole, so that the next opening need not doubt it.
    pub fn close(mut self) -> Result<(), ProjectionError> {
        self.shut().map_err(ProjectionError::from)
    }

    fn shut(&mut self) -> Result<(), Fault> {
        let damaged = self.common.damaged.load(Ordering::Acquire);
        self.file.take().filter(|_| !damaged).map_or(Ok(()), File::close)
    }
}

/// Applies and commits a batch; what it changed in memory is returned, to be published.
fn transaction(file: &mut File, journal: &dyn Journal, batch: &[Arc<Entry>], last: u64) -> Result<(Arc<State>, Arc<State>), Fault> {
    let File { conn, generation, ids, values, .. } = file;
    let mut apply = Apply::new(conn, journal, &generation.interner, ids.state())?;
    for entry in batch {
        apply.entry(entry)?;
    }
    let (new_ids, new_values) = apply.finish();
    let written = (ids.write(conn, new_ids)?, values.write(conn, new_values)?);
    conn.prepare_cached("UPDATE meta SET value=?1 WHERE key='applied'")?.execute([last as i64])?;
    conn.execute_batch("COMMIT")?;
    Ok(written)
}

impl Drop for SqliteProjection {
    fn drop(&mut self) {
        if let Err(fault) = self.shut() {
            tracing::warn!(%fault, "the projection was not closed properly 查询库未能正常关闭");
        }
    }
}

impl Projection for SqliteProjection {
    fn is_damaged(&self) -> bool {
        self.file.is_none() || self.common.damaged.load(Ordering::Acquire)
    }

    fn applied(&self) -> u64 {
        self.applied
    }

    fn apply(&mut self, batch: &[Arc<Entry>]) -> Result<(), ProjectionError> {
        if self.common.damaged.load(Ordering::Acquire) || self.file.is_none() {
            self.begin_anew()?;
            return Err(ProjectionError("the file was damaged; it is computed anew".to_owned()));
        }
        if batch.first().is_some_and(|e| e.seq() != self.applied + 1) {
            return Err(ProjectionError(format!("entry {} was expected", self.applied + 1)));
        }
        match self.run(batch) {
            Ok(()) => Ok(()),
            Err(fault) if fault.is_damage() => {
                let text = fault.to_string();
                self.begin_anew()?;
                Err(ProjectionError(format!("the file was damaged ({text}); it is computed anew")))
            }
            Err(fault) => {
                // memory may be ahead of the file: read both again
                self.reload()?;
                Err(fault.into())
            }
        }
    }

    fn reset(&mut self) -> Result<(), ProjectionError> {
        Ok(self.begin_anew()?)
    }
}

impl SqliteProjection {
    fn reload(&mut self) -> Result<(), Fault> {
        let Some(file) = &self.file else { return Ok(()) };
        let applied: i64 = file.conn.query_row("SELECT value FROM meta WHERE key='applied'", [], |r| r.get(0))?;
        file::load_interner(file)?;
        self.applied = applied.unsigned_abs();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
