//! The SQLite file: opening, judging whether it can be used, beginning anew, and closing it so that it is known whole.
//!
//! A file is used where its schema hash is ours, it was closed properly (or its [`origin`] still stands), and the last
//! entry it has applied is that very entry of the journal. Everything else is thrown away and computed again. Files are
//! numbered, and a new beginning is a new number: connections to the old one can then end in their own time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, RwLock};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::intern::Interner;
use super::postings::{Kind, Postings, State};
use super::{Fault, Journal, origin, schema};

/// SQLite's own cache of the writer, KiB (negative: KiB instead of pages). Pages that it does not hold are in the
/// operating system's cache.
const WRITER_CACHE: i64 = -12_000;
const READER_CACHE: i64 = -3_000;
/// Oldest SQLite without the WAL-reset bug, which could corrupt a file that one connection wrote while another moved the
/// log into it (3.7.0 to 3.51.2).
const SQLITE_MIN: i32 = 3_051_003;

/// One numbered file and what is held in memory of it.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) interner: RwLock<Interner>,
    published: RwLock<Arc<Published>>,
}

/// The postings that belong to one state of the file.
pub(crate) struct Published {
    pub(crate) applied: u64,
    pub(crate) ids: Arc<State>,
    pub(crate) values: Arc<State>,
}

impl Generation {
    pub(crate) fn published(&self) -> Result<Arc<Published>, Fault> {
        self.published.read().map(|p| Arc::clone(&p)).map_err(|_| Fault::Poisoned)
    }
}

/// The writer's connection.
pub(crate) struct File {
    pub(crate) conn: Connection,
    pub(crate) generation: Arc<Generation>,
    pub(crate) ids: Postings,
    pub(crate) values: Postings,
    /// Pages in the write-ahead log after the last commit.
    wal_pages: Arc<AtomicI32>,
}

fn name(number: u64) -> String {
    format!("projection-{number}.db")
}

/// Numbers of the files in `dir`, newest first.
fn numbers(dir: &Path) -> Vec<u64> {
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|e| e.file_name().into_string().ok());
    let mut out: Vec<u64> = names.filter_map(|n| n.strip_prefix("projection-")?.strip_suffix(".db")?.parse().ok()).collect();
    out.sort_unstable_by(|a, b| b.cmp(a));
    out
}

/// Removes files below (or, `all`, up to) a number. What cannot be removed stays; it is never read.
fn remove_before(dir: &Path, number: u64) {
    for old in numbers(dir).into_iter().filter(|n| *n < number) {
        for tail in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.join(format!("{}{tail}", name(old))));
        }
    }
}

/// Opens the newest file of `dir` where it is good, else begins anew; with what was wrong, for the log.
pub(crate) fn open(dir: &Path, journal: &dyn Journal) -> Result<(File, u64, Option<String>), Fault> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(Fault::Body(format!("SQLite {} has the WAL-reset bug", rusqlite::version())));
    }
    std::fs::create_dir_all(dir).map_err(|e| Fault::Body(format!("create the directory: {e}")))?;
    let newest = numbers(dir).first().copied();
    let why = match newest {
        None => None,
        Some(number) => match reopen(dir, number, journal) {
            Ok((file, applied)) => {
                remove_before(dir, number);
                return Ok((file, applied, None));
            }
            Err(Fault::Body(why)) => Some(why),
            Err(Fault::Sql(error)) => Some(error.to_string()),
            Err(Fault::Poisoned) => Some("unreadable".to_owned()),
        },
    };
    let file = begin(dir, newest.map_or(1, |n| n + 1))?;
    Ok((file, 0, why))
}

/// A new empty file.
pub(crate) fn begin(dir: &Path, number: u64) -> Result<File, Fault> {
    let path = dir.join(name(number));
    let mut conn = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.pragma_update(None, "page_size", 4096)?;
    let wal_pages = prepare(&mut conn)?;
    schema::create(&conn)?;
    put(&conn, "schema", &schema::hash())?;
    conn.execute("INSERT INTO meta(key, value) VALUES('applied', 0)", [])?;
    let file = File::new(conn, number, path, wal_pages)?;
    file.mark_open(dir)?;
    remove_before(dir, number);
    Ok(file)
}

fn reopen(dir: &Path, number: u64, journal: &dyn Journal) -> Result<(File, u64), Fault> {
    let path = dir.join(name(number));
    let mut conn = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let wal_pages = prepare(&mut conn)?;
    let bad = |why: &str| Err(Fault::Body(why.to_owned()));
    if get(&conn, "schema")?.as_deref() != Some(&schema::hash()) {
        return bad("it is of another version of the schema");
    }
    let state = get(&conn, "state")?.unwrap_or_default();
    if state != "closed" && Some(state.as_str()) != origin::of(dir).map(|o| format!("open {o}")).as_deref() {
        return bad("it was not closed, and the system was restarted since");
    }
    let pages: u64 = conn.query_row("PRAGMA page_count", [], |r| r.get::<_, i64>(0))?.unsigned_abs();
    // (a log that readers kept from being emptied at the close may hold the rest)
    let logged = std::fs::metadata(path.with_extension("db-wal")).is_ok_and(|m| m.len() > 0);
    if state == "closed" && !logged && std::fs::metadata(&path).map_or(0, |m| m.len()) < pages * 4096 {
        return bad("it is shorter than it was");
    }
    let applied: u64 = conn.query_row("SELECT value FROM meta WHERE key='applied'", [], |r| r.get::<_, i64>(0))?.unsigned_abs();
    if applied > journal.durable() {
        return bad("it is ahead of the journal");
    }
    if applied > 0 && entry_mark(&conn, applied)? != journal.mark(applied).map_err(Fault::Body)? {
        return bad("it is of another journal");
    }
    let file = File::new(conn, number, path, wal_pages)?;
    load_interner(&file)?;
    file.mark_open(dir)?;
    Ok((file, applied))
}

/// Reads the interned texts into memory, in place of what is there.
pub(crate) fn load_interner(file: &File) -> Result<(), Fault> {
    let mut interner = file.generation.interner.write().map_err(|_| Fault::Poisoned)?;
    interner.clear();
    let mut statement = file.conn.prepare("SELECT n, text FROM intern ORDER BY n")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if interner.add(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?) != row.get::<_, i64>(0)? {
            return Err(Fault::Body("its list of texts has gaps".to_owned()));
        }
    }
    Ok(())
}

/// Receipt and time of commit of an entry, as the projection has them.
fn entry_mark(conn: &Connection, seq: u64) -> Result<(String, i64), Fault> {
    let found = conn.query_row("SELECT receipt, at FROM message WHERE seq=?1", [seq as i64], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
    found.ok_or_else(|| Fault::Body("its last message is missing".to_owned()))
}

/// Settings of the writer, and the count of pages in the write-ahead log.
fn prepare(conn: &mut Connection) -> Result<Arc<AtomicI32>, Fault> {
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "wal", |r| r.get(0))?;
    if mode != "wal" {
        return Err(Fault::Body("SQLite refuses the write-ahead log".to_owned()));
    }
    conn.pragma_update(None, "synchronous", "OFF")?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "cache_size", WRITER_CACHE)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(256);
    let pages = Arc::new(AtomicI32::new(0));
    let seen = Arc::clone(&pages);
    conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, n| {
        seen.store(n, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(pages)
}

fn get(conn: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    conn.query_row("SELECT value FROM meta WHERE key=?1", [key], |r| r.get(0)).optional()
}

fn put(conn: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    conn.execute("INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)", [key, value]).map(|_| ())
}

impl File {
    fn new(conn: Connection, number: u64, path: PathBuf, wal_pages: Arc<AtomicI32>) -> Result<File, Fault> {
        let (ids, values) = (Postings::open(&conn, Kind::Ids)?, Postings::open(&conn, Kind::Values)?);
        let applied: i64 = conn.query_row("SELECT value FROM meta WHERE key='applied'", [], |r| r.get(0))?;
        let published = Published { applied: applied.unsigned_abs(), ids: Arc::clone(ids.state()), values: Arc::clone(values.state()) };
        let generation = Arc::new(Generation { number, path, interner: RwLock::default(), published: RwLock::new(Arc::new(published)) });
        Ok(File { conn, generation, ids, values, wal_pages })
    }

    /// Lets readers see what was committed up to entry `applied`.
    pub(crate) fn publish(&mut self, applied: u64, ids: Arc<State>, values: Arc<State>) -> Result<(), Fault> {
        self.ids.accept(Arc::clone(&ids));
        self.values.accept(Arc::clone(&values));
        *self.generation.published.write().map_err(|_| Fault::Poisoned)? = Arc::new(Published { applied, ids, values });
        Ok(())
    }

    fn mark_open(&self, dir: &Path) -> Result<(), Fault> {
        let state = origin::of(dir).map_or("open".to_owned(), |o| format!("open {o}"));
        Ok(put(&self.conn, "state", &state)?)
    }

    /// Moves the write-ahead log into the file where it has grown past `pages_max`: between two batches, by the one
    /// writer, so that no commit ever does it. Readers may hold back a part of it until the next time.
    pub(crate) fn checkpoint(&self, pages_max: i32) -> Result<(), Fault> {
        if self.wal_pages.load(Ordering::Relaxed) > pages_max {
            self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Everything on disk, and marked as closed. Where it fails, the file is not marked, and the next opening decides.
    pub(crate) fn close(self) -> Result<(), Fault> {
        self.conn.pragma_update(None, "synchronous", "FULL")?;
        // first all data, then the mark that says so
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        sync(&self.generation.path)?;
        put(&self.conn, "state", "closed")?;
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        sync(&self.generation.path)
    }
}

fn sync(path: &Path) -> Result<(), Fault> {
    let done = std::fs::File::open(path).and_then(|f| f.sync_all());
    done.map_err(|e| Fault::Body(format!("sync: {e}")))
}

/// A connection for reading.
pub(crate) fn reader(generation: &Generation) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(&generation.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "cache_size", READER_CACHE)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(128);
    // the bundled SQLite has STAT4 and would look at bound values and plan every statement anew (7 % of a search)
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    rusqlite::vtab::array::load_module(&conn)?;
    Ok(conn)
}
