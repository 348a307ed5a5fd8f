//! Where hashed keys lead: ids to rows, identifiers and references to rows or messages.
//!
//! Such keys are random, and in a B-tree each would dirty a page of its own (measured: 86 µs a message at 40,000 resources, 183 at 200,000, rising): ten resources have some
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
mod write;

pub(crate) use run::Runs;

use std::sync::Arc;

use rusqlite::Connection;

use super::Fault;
use merge::Job;
use run::Run;
use tail::Tail;

/// A key and where it leads, in this order.
pub(crate) type Posting = (u64, u64);

/// Which of the two collections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// `Type/id` to its row. All its runs have filters, since most ids that are looked up are new.
    Ids = 0,
    /// Everything else.
    Values = 1,
}

pub(crate) const TABLES: &str = "
-- sorted postings: level 0 and up are in force, -1 is being written, -2 is to be removed
-- firsts: first key of every chunk; filter: which keys are not in it
CREATE TABLE run(n INTEGER PRIMARY KEY, kind INTEGER, level INTEGER, chunks INTEGER, firsts BLOB, filter BLOB);
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

/// All postings at one time: the newest in memory, and where the others are.
#[derive(Clone, Default)]
pub(crate) struct State {
    tail: Tail,
    runs: Vec<Arc<Run>>,
}

/// The writer of one collection.
pub(crate) struct Postings {
    kind: Kind,
    state: Arc<State>,
    job: Option<Job>,
}

impl Postings {
    /// Reads what is in memory while the file is open, and gives up merges that were not finished.
    pub(crate) fn open(conn: &Connection, kind: Kind) -> Result<Postings, Fault> {
        conn.execute("UPDATE run SET level=?1 WHERE level=?2 AND kind=?3", [DEAD, BUILDING, kind as i64])?;
        let mut state = State::default();
        let mut find = conn.prepare_cached("SELECT data FROM tail WHERE kind=?1 ORDER BY n")?;
        let mut rows = find.query([kind as i64])?;
        while let Some(row) = rows.next()? {
            state.tail.add(chunk::decode(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?));
        }
        let mut find = conn.prepare_cached("SELECT n, firsts, filter FROM run WHERE kind=?1 AND level>=0 ORDER BY n")?;
        let mut rows = find.query([kind as i64])?;
        while let Some(row) = rows.next()? {
            let blob = |i: usize| row.get_ref(i)?.as_blob_or_null().map_err(rusqlite::Error::from);
            state.runs.push(Arc::new(Run::stored(row.get(0)?, blob(1)?.unwrap_or_default(), blob(2)?)));
        }
        Ok(Postings { kind, state: Arc::new(state), job: None })
    }

    /// What is committed.
    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Writes the postings of a batch, in its transaction; what is returned is in force after [`Postings::accept`],
    /// which is for after the commit.
    pub(crate) fn write(&mut self, conn: &Connection, mut new: Vec<Posting>) -> Result<Arc<State>, Fault> {
        new.sort_unstable();
        new.dedup();
        let added = new.len();
        let mut state = (*self.state).clone();
        if added > 0 {
            let mut insert = conn.prepare_cached("INSERT INTO tail(kind, data) VALUES(?1, ?2)")?;
            insert.execute(rusqlite::params![self.kind as i64, chunk::encode(&new)])?;
            state.tail.add(new);
        }
        if state.tail.len() >= TAIL_MAX {
            let run = write::run(conn, self.kind, 0, state.tail.merged())?;
            state.runs.push(Arc::new(run));
            conn.prepare_cached("DELETE FROM tail WHERE kind=?1")?.execute([self.kind as i64])?;
            state.tail = Tail::default();
        }
        merge::step(conn, self.kind, &mut self.job, added, &mut state.runs)?;
        Ok(Arc::new(state))
    }

    /// After the commit.
    pub(crate) fn accept(&mut self, state: Arc<State>) {
        self.state = state;
    }

    /// After a transaction that was rolled back: an unfinished merge has lost what it wrote, and is given up.
    pub(crate) fn forget(&mut self, conn: &Connection) -> Result<(), Fault> {
        self.job = None;
        conn.execute("UPDATE run SET level=?1 WHERE level=?2 AND kind=?3", [DEAD, BUILDING, self.kind as i64])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
