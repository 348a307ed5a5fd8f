//! The reading end: a few read-only connections, each used by one caller at a time, and what is read by id or position.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row};

use super::file::{self, Generation};
use super::postings::Runs;
use super::rows::IdCell;
use super::{Common, Fault, Journal, hash, rows, schema, splice};
use crate::search::table::{self, TypeTable};
use crate::search::{Found, Version};

/// Connections kept for the next caller.
const IDLE_MAX: usize = 4;
/// The time that one call may take before it is ended as too costly.
const TIME_MAX: Duration = Duration::from_secs(2);
/// Steps of SQLite's machine between two looks at the clock (about 0.2 ms).
const STEPS: i32 = 20_000;

/// Why a question was not answered.
#[derive(Debug)]
pub enum ReadError {
    /// The cursor is of another search, or was altered.
    BadCursor,
    /// It would take more time or rows than one question may.
    TooCostly,
    /// The projection or the journal cannot be read now; a text for the operator's log.
    Unavailable(String),
    /// The same, and the projection's file is damaged: it will be computed anew.
    Damaged(String),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> ReadError {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => ReadError::TooCostly,
            _ if super::is_damage(&error) => ReadError::Damaged(error.to_string()),
            _ => ReadError::Unavailable(error.to_string()),
        }
    }
}

struct Lent {
    generation: u64,
    conn: Connection,
    /// When the running call is to end, µs after [`Shared::start`]; 0 = no call.
    deadline: Arc<AtomicU64>,
}

struct Shared {
    common: Arc<Common>,
    idle: Mutex<Vec<Lent>>,
    start: Instant,
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> ReadError {
        ReadError::Unavailable(fault.to_string())
    }
}

/// Answers questions from any thread; cheap to clone. Every call sees one state of the projection.
#[derive(Clone)]
pub struct Reader(Arc<Shared>);

/// One call's view.
pub(crate) struct Session<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) generation: &'a Generation,
    pub(crate) journal: &'a dyn Journal,
    /// The last entry applied.
    pub(crate) applied: i64,
    until: Instant,
    ids: RefCell<Runs<'a>>,
    values: RefCell<Runs<'a>>,
}

/// Where a version stands.
pub(crate) struct Place {
    pub(crate) rid: i64,
    pub(crate) id: IdCell,
    pub(crate) ver: i64,
    pub(crate) seq: i64,
    pub(crate) off: i64,
    pub(crate) len: i64,
}

/// The columns of a [`Place`], in its order.
pub(crate) const PLACE: &str = "r.rid, r.id, r.ver, r.seq, r.off, r.len";

impl Place {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Place> {
        Ok(Place {
            rid: row.get(0)?,
            id: IdCell::read(row.get_ref(1)?),
            ver: row.get(2)?,
            seq: row.get(3)?,
            off: row.get(4)?,
            len: row.get(5)?,
        })
    }
}

impl Reader {
    pub(crate) fn new(common: Arc<Common>) -> Reader {
        Reader(Arc::new(Shared { common, idle: Mutex::new(Vec::new()), start: Instant::now() }))
    }

    /// Runs `call` on one state of the projection.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&Session<'_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let shared = &*self.0;
        let generation = shared.common.generation.read().map_err(|_| ReadError::Unavailable("poisoned".to_owned()))?.clone();
        let lent = self.lend(&generation)?;
        lent.deadline.store((shared.start.elapsed() + TIME_MAX).as_micros() as u64, Ordering::Relaxed);
        let done = Session::begin(&lent.conn, &generation, &*shared.common.journal).and_then(|session| {
            let done = call(&session);
            drop(session);
            lent.conn.prepare_cached("ROLLBACK")?.execute([])?;
            done
        });
        lent.deadline.store(0, Ordering::Relaxed);
        match &done {
            Err(ReadError::Damaged(why)) => {
                tracing::warn!(why, "the projection is damaged and will be computed anew 查询库已损坏,将由日志重新生成");
                shared.common.damaged.store(true, Ordering::Release);
                return done;
            }
            Err(ReadError::Unavailable(why)) => {
                tracing::warn!(why, "the projection cannot be read 查询库读取失败");
                return done;
            }
            _ => {}
        }
        if let Ok(mut idle) = shared.idle.lock() {
            idle.retain(|l| l.generation == generation.number);
            if idle.len() < IDLE_MAX {
                idle.push(lent);
            }
        }
        done
    }

    fn lend(&self, generation: &Generation) -> Result<Lent, ReadError> {
        if let Ok(mut idle) = self.0.idle.lock()
            && let Some(at) = idle.iter().position(|l| l.generation == generation.number)
        {
            return Ok(idle.swap_remove(at));
        }
        let mut conn = file::reader(generation)?;
        let deadline = Arc::new(AtomicU64::new(0));
        let (seen, start) = (Arc::clone(&deadline), self.0.start);
        let late = move || {
            let end = seen.load(Ordering::Relaxed);
            end != 0 && start.elapsed().as_micros() as u64 > end
        };
        conn.progress_handler(STEPS, Some(late))?;
        Ok(Lent { generation: generation.number, conn, deadline })
    }

    /// The current version, deleted ones too; `None` where there never was one.
    pub fn read(&self, resource_type: &str, id: &str) -> Result<Option<Version>, ReadError> {
        let Some(ty) = table::of(resource_type) else { return Ok(None) };
        self.with(|s| s.current(ty, id)?.map(|place| s.version(&place)).transpose())
    }

    /// One version, deleted ones too.
    pub fn vread(&self, resource_type: &str, id: &str, version: u64) -> Result<Option<Version>, ReadError> {
        let Some(ty) = table::of(resource_type) else { return Ok(None) };
        let Ok(version) = i64::try_from(version) else { return Ok(None) };
        self.with(|s| {
            let Some(current) = s.current(ty, id)? else { return Ok(None) };
            s.at_version(ty, current, version)?.map(|place| s.version(&place)).transpose()
        })
    }
}

impl<'a> Session<'a> {
    /// Begins a read transaction whose state is the one that the published postings belong to: a row that was written in
    /// between would else seem to have lost its values.
    fn begin(conn: &'a Connection, generation: &'a Generation, journal: &'a dyn Journal) -> Result<Session<'a>, ReadError> {
        let mut applied = conn.prepare_cached("SELECT value FROM meta WHERE key='applied'")?;
        let until = Instant::now() + TIME_MAX;
        while Instant::now() < until {
            let published = generation.published()?;
            conn.prepare_cached("BEGIN")?.execute([])?;
            if applied.query_row([], |r| r.get::<_, i64>(0))?.unsigned_abs() == published.applied {
                let ids = RefCell::new(Runs::open(conn, Arc::clone(&published.ids))?);
                let values = RefCell::new(Runs::open(conn, Arc::clone(&published.values))?);
                return Ok(Session { conn, generation, journal, applied: published.applied as i64, until, ids, values });
            }
            // the writer is between its commit and its publication, or was faster than the two lines above
            conn.prepare_cached("ROLLBACK")?.execute([])?;
            std::thread::yield_now();
        }
        Err(ReadError::Unavailable("the writer did not publish what it committed".to_owned()))
    }

    /// Whether the time of this call is used up: for work that SQLite does not see.
    ///
    /// # Errors
    /// `TooCostly` where it is.
    pub(crate) fn in_time(&self) -> Result<(), ReadError> {
        if Instant::now() < self.until { Ok(()) } else { Err(ReadError::TooCostly) }
    }

    /// What the postings of a key lead to.
    ///
    /// # Errors
    /// `TooCostly` where they are too many to be looked at.
    pub(crate) fn postings(&self, key: u64) -> Result<Vec<u64>, ReadError> {
        self.values.borrow_mut().get(key)?.ok_or(ReadError::TooCostly)
    }

    /// Every posting of both kinds.
    #[cfg(test)]
    pub(crate) fn all_postings(&self) -> Vec<(u64, u64)> {
        let mut all = self.ids.borrow_mut().all().unwrap();
        all.extend(self.values.borrow_mut().all().unwrap());
        all
    }

    /// Where the current version of a resource stands.
    pub(crate) fn current(&self, ty: &TypeTable, id: &str) -> Result<Option<Place>, ReadError> {
        let wanted = IdCell::new(id);
        let values = self.ids.borrow_mut().get(hash::id_key(ty.resource_type, id))?.unwrap_or_default();
        for rid in values.into_iter().filter_map(|v| rows::unpack_id(ty, v)) {
            if let Some(place) = self.row(ty, rid)?
                && place.id == wanted
            {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    pub(crate) fn row(&self, ty: &TypeTable, rid: i64) -> Result<Option<Place>, ReadError> {
        let sql = format!("SELECT {PLACE} FROM {} r WHERE r.rid=?1", schema::table_name(ty));
        Ok(self.conn.prepare_cached(&sql)?.query_row([rid], Place::read).optional()?)
    }

    /// Where version `ver` of the resource at `current` stands.
    pub(crate) fn at_version(&self, ty: &TypeTable, current: Place, ver: i64) -> Result<Option<Place>, ReadError> {
        if current.ver == ver {
            return Ok(Some(current));
        }
        let mut find = self.conn.prepare_cached("SELECT seq, off, len FROM history WHERE type=?1 AND rid=?2 AND ver=?3")?;
        let old = find.query_row([ty.number as i64, current.rid, ver], |r| {
            Ok(Place { rid: current.rid, id: current.id.clone(), ver, seq: r.get(0)?, off: r.get(1)?, len: r.get(2)? })
        });
        Ok(old.optional()?)
    }

    /// When an entry was committed.
    pub(crate) fn committed(&self, seq: i64) -> Result<i64, ReadError> {
        Ok(self.conn.prepare_cached("SELECT at FROM message WHERE seq=?1")?.query_row([seq], |r| r.get(0))?)
    }

    /// The stored body, without version and time.
    pub(crate) fn body(&self, place: &Place) -> Result<Vec<u8>, ReadError> {
        if place.len == 0 {
            return Ok(Vec::new());
        }
        if place.off < 0 {
            let mut read = self.conn.prepare_cached("SELECT body FROM inline WHERE n=?1")?;
            return Ok(read.query_row([-place.off], |r| r.get(0))?);
        }
        self.journal.body(place.seq as u64, place.off as usize, place.len as usize).map_err(ReadError::Unavailable)
    }

    pub(crate) fn version(&self, place: &Place) -> Result<Version, ReadError> {
        let body = self.body(place)?;
        self.version_of(place, &body)
    }

    /// The version whose stored body was read already.
    pub(crate) fn version_of(&self, place: &Place, body: &[u8]) -> Result<Version, ReadError> {
        let last_updated_us = self.committed(place.seq)?;
        let deleted = place.len == 0;
        let version = place.ver.unsigned_abs();
        let body = if deleted { Vec::new() } else { splice::meta(body, version, last_updated_us) };
        Ok(Version { version, seq: place.seq.unsigned_abs(), last_updated_us, deleted, body })
    }

    pub(crate) fn found(&self, ty: &'static TypeTable, place: &Place) -> Result<Found, ReadError> {
        Ok(Found { resource_type: ty.resource_type, id: place.id.text(), version: self.version(place)? })
    }

    /// The first entry committed at or after a time (µs since 1970), or the one behind the last: entries are in the
    /// order of their times.
    pub(crate) fn first_at(&self, us: i64) -> Result<i64, ReadError> {
        let (mut low, mut high) = (1, self.applied + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.committed(middle)? < us {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}
