//! Merging runs, a little with every batch, so that no batch waits for a large one.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection};

use super::run::{self, Run};
use super::write::{self, Writer};
use super::{DEAD, Kind, Posting, chunk};
use crate::projection::Fault;

/// Runs of one level that are merged into one of the next.
const FAN_IN: usize = 8;
/// Postings merged for each that was added: more than there can be levels, so that merging keeps pace.
const PACE: usize = 6;
/// Postings merged at least with each batch while there is something to merge.
const STEP_MIN: usize = 512;

/// A merge in progress.
pub(super) struct Job {
    level: i64,
    sources: Vec<Source>,
    writer: Writer,
}

struct Source {
    run: i64,
    chunks: i64,
    next_chunk: i64,
    /// What was read and not merged, the next at the end.
    buffer: Vec<Posting>,
}

impl Source {
    fn peek(&mut self, get: &mut CachedStatement<'_>) -> Result<Option<Posting>, Fault> {
        if self.buffer.is_empty() && self.next_chunk < self.chunks {
            self.buffer = run::with_chunk(get, self.run, self.next_chunk, chunk::decode)?;
            self.buffer.reverse();
            self.next_chunk += 1;
        }
        Ok(self.buffer.last().copied())
    }
}

/// Goes on with the merge at hand, or begins one where a level is full; `runs` are those in force.
pub(super) fn step(conn: &Connection, kind: Kind, job: &mut Option<Job>, added: usize, runs: &mut Vec<Arc<Run>>) -> Result<(), Fault> {
    let budget = (added * PACE).max(STEP_MIN);
    if job.is_none() {
        *job = begin(conn, kind)?;
    }
    write::sweep(conn, kind, (budget / chunk::POSTINGS_MAX) as i64 + 1)?;
    let Some(running) = job else { return Ok(()) };
    if !running.advance(conn, budget)? {
        return Ok(());
    }
    if let Some(done) = job.take() {
        let mut mark = conn.prepare_cached("UPDATE run SET level=?2, filter=NULL, firsts=NULL WHERE n=?1")?;
        for source in &done.sources {
            mark.execute([source.run, DEAD])?;
        }
        runs.retain(|run| !done.sources.iter().any(|s| s.run == run.n));
        runs.push(Arc::new(done.writer.finish(conn, done.level + 1)?));
    }
    Ok(())
}

/// A merge of the oldest runs of the lowest full level.
fn begin(conn: &Connection, kind: Kind) -> Result<Option<Job>, Fault> {
    let sql = "SELECT level FROM run WHERE kind=?1 AND level>=0 GROUP BY level HAVING count(*)>=?2 ORDER BY level LIMIT 1";
    let mut find = conn.prepare_cached(sql)?;
    let Some(level) = find.query([kind as i64, FAN_IN as i64])?.next()?.map(|r| r.get::<_, i64>(0)).transpose()? else {
        return Ok(None);
    };
    let mut find = conn.prepare_cached("SELECT n, chunks FROM run WHERE kind=?1 AND level=?2 ORDER BY n LIMIT ?3")?;
    let rows = find.query_map([kind as i64, level, FAN_IN as i64], |r| {
        Ok(Source { run: r.get(0)?, chunks: r.get(1)?, next_chunk: 0, buffer: Vec::new() })
    })?;
    let sources: Vec<Source> = rows.collect::<Result<_, _>>()?;
    let chunks: i64 = sources.iter().map(|s| s.chunks).sum();
    let writer = Writer::new(conn, kind, level + 1, chunks as usize * chunk::POSTINGS_MAX)?;
    Ok(Some(Job { level, sources, writer }))
}

impl Job {
    /// Merges up to `budget` postings; true where none is left.
    fn advance(&mut self, conn: &Connection, budget: usize) -> Result<bool, Fault> {
        let mut get = conn.prepare_cached("SELECT data FROM chunk WHERE n=?1")?;
        let mut insert = write::insert(conn)?;
        for _ in 0..budget {
            let mut least: Option<(usize, Posting)> = None;
            for (i, source) in self.sources.iter_mut().enumerate() {
                if let Some(posting) = source.peek(&mut get)?
                    && least.is_none_or(|(_, p)| posting < p)
                {
                    least = Some((i, posting));
                }
            }
            let Some((i, posting)) = least else { return Ok(true) };
            self.sources[i].buffer.pop();
            self.writer.push(&mut insert, posting)?;
        }
        Ok(false)
    }
}
