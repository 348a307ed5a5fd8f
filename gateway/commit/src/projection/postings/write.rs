//! Writing a run, chunk by chunk, and removing runs that are no longer in force.

use rusqlite::{CachedStatement, Connection};

use super::filter::Filter;
use super::run::{Run, chunk_number};
use super::{BUILDING, DEAD, Kind, Posting, chunk};
use crate::projection::Fault;

/// Highest level of runs of values that have filters: at most 7 runs of 65,536 postings and 7 of eight times that, 6 MB.
const VALUE_FILTER_LEVEL_MAX: i64 = 1;

/// A run that is being written.
pub(super) struct Writer {
    run: i64,
    kind: Kind,
    buffer: Vec<Posting>,
    firsts: Vec<u64>,
    filter: Option<Filter>,
}

impl Writer {
    /// A run of `level`, of about so many postings.
    pub(super) fn new(conn: &Connection, kind: Kind, level: i64, postings: usize) -> Result<Writer, Fault> {
        conn.prepare_cached("INSERT INTO run(kind, level, chunks) VALUES(?1, ?2, 0)")?.execute([kind as i64, BUILDING])?;
        // most runs are small ones: with filters for these, memory is bounded whatever is stored
        let filter = (kind == Kind::Ids || level <= VALUE_FILTER_LEVEL_MAX).then(|| Filter::new(postings));
        Ok(Writer { run: conn.last_insert_rowid(), kind, buffer: Vec::with_capacity(chunk::POSTINGS_MAX), firsts: Vec::new(), filter })
    }

    pub(super) fn push(&mut self, insert: &mut CachedStatement<'_>, posting: Posting) -> Result<(), Fault> {
        if self.buffer.last() == Some(&posting) {
            return Ok(());
        }
        if self.buffer.len() == chunk::POSTINGS_MAX {
            self.flush(insert)?;
        }
        if let Some(filter) = &mut self.filter {
            filter.add(posting.0);
        }
        self.buffer.push(posting);
        Ok(())
    }

    fn flush(&mut self, insert: &mut CachedStatement<'_>) -> Result<(), Fault> {
        insert.raw_bind_parameter(1, chunk_number(self.run, self.firsts.len() as i64))?;
        insert.raw_bind_parameter(2, chunk::encode(&self.buffer))?;
        insert.raw_execute()?;
        self.firsts.extend(self.buffer.first().map(|p| p.0));
        self.buffer.clear();
        Ok(())
    }

    /// Puts the run in force.
    pub(super) fn finish(mut self, conn: &Connection, level: i64) -> Result<Run, Fault> {
        if !self.buffer.is_empty() {
            self.flush(&mut insert(conn)?)?;
        }
        let firsts: Vec<u8> = self.firsts.iter().flat_map(|f| f.to_be_bytes()).collect();
        let filter = self.filter.as_ref().map(Filter::to_bytes);
        conn.prepare_cached("UPDATE run SET level=?2, chunks=?3, firsts=?4, filter=?5 WHERE n=?1 AND kind=?6")?
            .execute(rusqlite::params![self.run, level, self.firsts.len() as i64, firsts, filter, self.kind as i64])?;
        Ok(Run::new(self.run, self.firsts, self.filter))
    }
}

pub(super) fn insert(conn: &Connection) -> Result<CachedStatement<'_>, Fault> {
    Ok(conn.prepare_cached("INSERT INTO chunk(n, data) VALUES(?1, ?2)")?)
}

/// Writes sorted postings as a run of `level`.
pub(super) fn run(conn: &Connection, kind: Kind, level: i64, postings: Vec<Posting>) -> Result<Run, Fault> {
    let mut writer = Writer::new(conn, kind, level, postings.len())?;
    let mut insert = insert(conn)?;
    for posting in postings {
        writer.push(&mut insert, posting)?;
    }
    drop(insert);
    writer.finish(conn, level)
}

/// Removes up to `chunks` chunks of runs that are no longer in force.
pub(super) fn sweep(conn: &Connection, kind: Kind, chunks: i64) -> Result<(), Fault> {
    let mut find = conn.prepare_cached("SELECT n FROM run WHERE kind=?1 AND level=?2 LIMIT 1")?;
    let Some(run) = find.query([kind as i64, DEAD])?.next()?.map(|r| r.get::<_, i64>(0)).transpose()? else { return Ok(()) };
    let (from, to) = (chunk_number(run, 0), chunk_number(run + 1, 0));
    let sql = "DELETE FROM chunk WHERE n IN (SELECT n FROM chunk WHERE n>=?1 AND n<?2 ORDER BY n LIMIT ?3)";
    let removed = conn.prepare_cached(sql)?.execute([from, to, chunks])?;
    if (removed as i64) < chunks {
        conn.prepare_cached("DELETE FROM run WHERE n=?1")?.execute([run])?;
    }
    Ok(())
}
