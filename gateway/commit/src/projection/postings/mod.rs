//! Where hashed keys lead: ids to rows, identifiers and references to rows or messages.
//!
//! Such keys are random, and in a B-tree each would dirty a page of its own (performance §F): ten resources have some
//! fifty of them, which would cost more than everything else together. So they are kept as sorted runs, like in a
//! log-structured merge tree, but inside the SQLite file and its transactions: the newest entries in memory (and in the
//! table `tail`), older ones in immutable runs of 4 KiB chunks, of which eight of one level are merged to one of the
//! next, a little with every batch. Nothing is ever changed in place; a posting that no longer holds is recognised by
//! the version or the column it names.

mod chunk;
mod filter;
mod merge;
mod run;
mod tail;

pub(crate) use run::Runs;
pub(crate) use tail::Tail;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use rusqlite::Connection;

use super::Fault;
use filter::Filter;
use merge::Job;

/// A key and where it leads, in this order.
pub(crate) type Posting = (u64, u64);

/// Which of the two collections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// `Type/id` to its row. Has filters, since most ids that are looked up are new.
    Ids = 0,
    /// Everything else.
    Values = 1,
}

pub(crate) const TABLES: &str = "
-- sorted postings: level 0 and up are in force, -1 is being written, -2 is to be removed
CREATE TABLE run(n INTEGER PRIMARY KEY, kind INTEGER, level INTEGER, chunks INTEGER, filter BLOB);
-- n: run << 32 | position
CREATE TABLE chunk(n INTEGER PRIMARY KEY, data BLOB NOT NULL);
-- postings of one batch each that are in no run yet
CREATE TABLE tail(n INTEGER PRIMARY KEY, kind INTEGER, data BLOB NOT NULL);
";

/// Level of a run that is being written, and of one that is to be removed.
const BUILDING: i64 = -1;
const DEAD: i64 = -2;

/// Entries in memory from which they become a run (16 bytes each).
const TAIL_MAX: usize = 65_536;

/// What readers share with the writer: the newest postings, and the filters of the runs (by run).
#[derive(Default)]
pub(crate) struct Fresh {
    pub(crate) tail: RwLock<Tail>,
    filters: RwLock<HashMap<i64, Arc<Filter>>>,
}

impl Fresh {
    /// The tail as it is now. A reader takes it before its SQL snapshot: what leaves the tail later is then in the
    /// snapshot's runs.
    pub(crate) fn snapshot(&self) -> Tail {
        self.tail.read().map(|t| t.clone()).unwrap_or_default()
    }

    fn filter(&self, run: i64) -> Option<Arc<Filter>> {
        self.filters.read().ok()?.get(&run).cloned()
    }
}

/// The writer of one collection.
pub(crate) struct Postings {
    kind: Kind,
    fresh: Arc<Fresh>,
    job: Option<Job>,
}

impl Postings {
    /// Reads what is in memory while the file is open, and gives up merges that were not finished.
    pub(crate) fn open(conn: &Connection, kind: Kind) -> Result<Postings, Fault> {
        conn.execute("UPDATE run SET level=?1 WHERE level=?2 AND kind=?3", [DEAD, BUILDING, kind as i64])?;
        let postings = Postings { kind, fresh: Arc::default(), job: None };
        let mut tail = Tail::default();
        let mut find = conn.prepare_cached("SELECT data FROM tail WHERE kind=?1 ORDER BY n")?;
        let mut rows = find.query([kind as i64])?;
        while let Some(row) = rows.next()? {
            tail.add(chunk::decode(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?));
        }
        *postings.fresh.tail.write().map_err(|_| Fault::Poisoned)? = tail;
        let mut find = conn.prepare_cached("SELECT n, filter FROM run WHERE kind=?1 AND level>=0 AND filter IS NOT NULL")?;
        let mut rows = find.query([kind as i64])?;
        let mut filters = postings.fresh.filters.write().map_err(|_| Fault::Poisoned)?;
        while let Some(row) = rows.next()? {
            let filter = Filter::from_bytes(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
            filters.insert(row.get(0)?, Arc::new(filter));
        }
        drop(filters);
        Ok(postings)
    }

    pub(crate) fn fresh(&self) -> &Arc<Fresh> {
        &self.fresh
    }

    /// Writes the postings of a batch, in its transaction. They are in force for readers after [`Postings::publish`],
    /// which is for after the commit.
    pub(crate) fn write(&mut self, conn: &Connection, mut new: Vec<Posting>) -> Result<Written, Fault> {
        new.sort_unstable();
        new.dedup();
        let added = new.len();
        let mut tail = self.fresh.snapshot();
        let (mut gone, mut filters) = (Vec::new(), Vec::new());
        if added > 0 {
            let mut insert = conn.prepare_cached("INSERT INTO tail(kind, data) VALUES(?1, ?2)")?;
            insert.execute(rusqlite::params![self.kind as i64, chunk::encode(&new)])?;
            tail.add(new);
        }
        if tail.len() >= TAIL_MAX {
            let (run, filter) = run::write(conn, self.kind, 0, tail.merged())?;
            filters.extend(filter.map(|f| (run, Arc::new(f))));
            conn.prepare_cached("DELETE FROM tail WHERE kind=?1")?.execute([self.kind as i64])?;
            tail = Tail::default();
        }
        merge::step(conn, self.kind, &mut self.job, added, &mut gone, &mut filters)?;
        Ok(Written { tail, gone, filters })
    }

    /// Makes what was committed visible to readers.
    pub(crate) fn publish(&self, written: Written) -> Result<(), Fault> {
        *self.fresh.tail.write().map_err(|_| Fault::Poisoned)? = written.tail;
        if !written.filters.is_empty() || !written.gone.is_empty() {
            let mut filters = self.fresh.filters.write().map_err(|_| Fault::Poisoned)?;
            filters.extend(written.filters);
            filters.retain(|run, _| !written.gone.contains(run));
        }
        Ok(())
    }

    /// After a transaction that was rolled back: an unfinished merge has lost what it wrote, and is given up.
    pub(crate) fn forget(&mut self, conn: &Connection) -> Result<(), Fault> {
        self.job = None;
        conn.execute("UPDATE run SET level=?1 WHERE level=?2 AND kind=?3", [DEAD, BUILDING, self.kind as i64])?;
        Ok(())
    }
}

/// What a transaction changed in memory.
pub(crate) struct Written {
    tail: Tail,
    gone: Vec<i64>,
    filters: Vec<(i64, Arc<Filter>)>,
}

#[cfg(test)]
mod tests;
