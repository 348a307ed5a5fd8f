//! Immutable sorted runs: writing one, and finding a key in it. Keys are hashes, so a key's chunk is near the place
//! that its value says; from there the search widens.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection};

use super::{BUILDING, DEAD, Fresh, Kind, Posting, Tail, chunk, filter::Filter};
use crate::projection::Fault;

/// Values of one key that are collected at most.
pub(crate) const VALUES_MAX: usize = 200_000;

/// Number of a chunk.
pub(super) fn chunk_number(run: i64, at: i64) -> i64 {
    run << 32 | at
}

/// A run that is being written.
pub(super) struct Writer {
    pub(super) run: i64,
    kind: Kind,
    buffer: Vec<Posting>,
    chunks: i64,
    filter: Option<Filter>,
}

impl Writer {
    /// `postings`: about how many will come.
    pub(super) fn new(conn: &Connection, kind: Kind, postings: usize) -> Result<Writer, Fault> {
        conn.prepare_cached("INSERT INTO run(kind, level, chunks) VALUES(?1, ?2, 0)")?.execute([kind as i64, BUILDING])?;
        let filter = (kind == Kind::Ids).then(|| Filter::new(postings));
        Ok(Writer { run: conn.last_insert_rowid(), kind, buffer: Vec::with_capacity(chunk::POSTINGS_MAX), chunks: 0, filter })
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
        insert.raw_bind_parameter(1, chunk_number(self.run, self.chunks))?;
        insert.raw_bind_parameter(2, chunk::encode(&self.buffer))?;
        insert.raw_execute()?;
        self.chunks += 1;
        self.buffer.clear();
        Ok(())
    }

    /// Puts the run in force.
    pub(super) fn finish(mut self, conn: &Connection, level: i64) -> Result<(i64, Option<Filter>), Fault> {
        if !self.buffer.is_empty() {
            self.flush(&mut insert(conn)?)?;
        }
        let filter = self.filter.as_ref().map(Filter::to_bytes);
        conn.prepare_cached("UPDATE run SET level=?2, chunks=?3, filter=?4, kind=?5 WHERE n=?1")?.execute(rusqlite::params![
            self.run,
            level,
            self.chunks,
            filter,
            self.kind as i64
        ])?;
        Ok((self.run, self.filter))
    }
}

pub(super) fn insert(conn: &Connection) -> Result<CachedStatement<'_>, Fault> {
    Ok(conn.prepare_cached("INSERT INTO chunk(n, data) VALUES(?1, ?2)")?)
}

/// Writes sorted postings as a run of `level`.
pub(super) fn write(conn: &Connection, kind: Kind, level: i64, postings: Vec<Posting>) -> Result<(i64, Option<Filter>), Fault> {
    let mut writer = Writer::new(conn, kind, postings.len())?;
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

/// The runs of one state of the file, and the tail.
pub(crate) struct Runs<'c> {
    get: CachedStatement<'c>,
    runs: Vec<Run>,
    tail: Tail,
}

struct Run {
    n: i64,
    chunks: i64,
    filter: Option<Arc<Filter>>,
}

impl<'c> Runs<'c> {
    pub(crate) fn open(conn: &'c Connection, kind: Kind, tail: Tail, fresh: &Fresh) -> rusqlite::Result<Runs<'c>> {
        let mut find = conn.prepare_cached("SELECT n, chunks FROM run WHERE kind=?1 AND level>=0")?;
        let mut rows = find.query([kind as i64])?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            let n = row.get(0)?;
            runs.push(Run { n, chunks: row.get(1)?, filter: if kind == Kind::Ids { fresh.filter(n) } else { None } });
        }
        Ok(Runs { get: conn.prepare_cached("SELECT data FROM chunk WHERE n=?1")?, runs, tail })
    }

    /// The values of a key, sorted; `None` where they are more than [`VALUES_MAX`].
    pub(crate) fn get(&mut self, key: u64) -> rusqlite::Result<Option<Vec<u64>>> {
        let mut out = Vec::new();
        self.tail.collect(key, &mut out);
        for run in &self.runs {
            if run.filter.as_ref().is_none_or(|f| f.may_have(key)) && !run.collect(&mut self.get, key, &mut out)? {
                return Ok(None);
            }
        }
        out.sort_unstable();
        out.dedup();
        Ok(Some(out))
    }

    /// Every posting in force, sorted; for dumps.
    #[cfg(test)]
    pub(crate) fn all(&mut self) -> rusqlite::Result<Vec<Posting>> {
        let mut out = self.tail.merged();
        for run in &self.runs {
            for at in 0..run.chunks {
                out.extend(with_chunk(&mut self.get, run.n, at, chunk::decode)?);
            }
        }
        out.sort_unstable();
        out.dedup();
        Ok(out)
    }
}

/// Gives the bytes of a chunk to `with`.
pub(super) fn with_chunk<T>(get: &mut CachedStatement<'_>, run: i64, at: i64, with: impl FnOnce(&[u8]) -> T) -> rusqlite::Result<T> {
    get.raw_bind_parameter(1, chunk_number(run, at))?;
    let mut rows = get.raw_query();
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(with(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?))
}

impl Run {
    /// Adds the values of a key to `out`; false where they became too many.
    fn collect(&self, get: &mut CachedStatement<'_>, key: u64, out: &mut Vec<u64>) -> rusqlite::Result<bool> {
        let Some(mut at) = self.first_chunk(get, key)? else { return Ok(true) };
        while at < self.chunks {
            let more = with_chunk(get, self.n, at, |bytes| {
                let from = chunk::lower_bound(bytes, key);
                for i in from..chunk::len(bytes) {
                    let (k, value) = chunk::at(bytes, i);
                    if k != key {
                        return false;
                    }
                    out.push(value);
                }
                true
            })?;
            if out.len() > VALUES_MAX {
                return Ok(false);
            }
            if !more {
                break;
            }
            at += 1;
        }
        Ok(true)
    }

    /// The first chunk whose last key is not below `key`: the key begins there or nowhere.
    fn first_chunk(&self, get: &mut CachedStatement<'_>, key: u64) -> rusqlite::Result<Option<i64>> {
        if self.chunks == 0 {
            return Ok(None);
        }
        let mut ends_below = |at: i64| with_chunk(get, self.n, at, |b| chunk::at(b, chunk::len(b).saturating_sub(1)).0 < key);
        let guess = ((u128::from(key) * self.chunks as u128) >> 64) as i64;
        // [low, high): chunks below `low` end below the key, `high` does not (or is the end)
        let (mut low, mut high) = (0, self.chunks);
        let (mut at, mut step) = (guess.clamp(0, self.chunks - 1), 1);
        loop {
            if ends_below(at)? {
                low = at + 1;
                if low >= high {
                    break;
                }
                at = (at + step).min(high - 1);
            } else {
                high = at;
                if low >= high {
                    break;
                }
                at = (at - step).max(low);
            }
            // once bounded on both sides, halve; before that, widen
            if high < self.chunks && low > 0 {
                at = low + (high - low) / 2;
            } else {
                step *= 2;
            }
        }
        Ok((low < self.chunks).then_some(low))
    }
}
