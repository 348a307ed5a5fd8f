//! Immutable sorted runs. The first key of every chunk is in memory, so that a key costs one chunk of each run.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection};

#[cfg(test)]
use super::Posting;
use super::filter::Filter;
use super::{State, chunk};

/// Values of one key that are collected at most.
pub(crate) const VALUES_MAX: usize = 200_000;

/// Number of a chunk.
pub(super) fn chunk_number(run: i64, at: i64) -> i64 {
    run << 32 | at
}

/// A run in force.
pub(super) struct Run {
    pub(super) n: i64,
    /// First key of each chunk.
    firsts: Vec<u64>,
    filter: Option<Filter>,
}

impl Run {
    pub(super) fn new(n: i64, firsts: Vec<u64>, filter: Option<Filter>) -> Run {
        Run { n, firsts, filter }
    }

    /// As it stands in the table.
    pub(super) fn stored(n: i64, firsts: &[u8], filter: Option<&[u8]>) -> Run {
        let firsts = firsts.as_chunks::<8>().0.iter().map(|b| u64::from_be_bytes(*b)).collect();
        Run { n, firsts, filter: filter.map(Filter::from_bytes) }
    }
}

/// All postings, for one reader.
pub(crate) struct Runs<'c> {
    get: CachedStatement<'c>,
    state: Arc<State>,
}

impl<'c> Runs<'c> {
    pub(crate) fn open(conn: &'c Connection, state: Arc<State>) -> rusqlite::Result<Runs<'c>> {
        Ok(Runs { get: conn.prepare_cached("SELECT data FROM chunk WHERE n=?1")?, state })
    }

    /// The values of a key, sorted; `None` where they are more than [`VALUES_MAX`].
    pub(crate) fn get(&mut self, key: u64) -> rusqlite::Result<Option<Vec<u64>>> {
        let mut out = Vec::new();
        self.state.tail.collect(key, &mut out);
        for run in &self.state.runs {
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
        let mut out = self.state.tail.merged();
        for run in &self.state.runs {
            for at in 0..run.firsts.len() {
                out.extend(with_chunk(&mut self.get, run.n, at as i64, chunk::decode)?);
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
        // the chunk before the first that begins at the key or behind it may end with the key
        let mut at = self.firsts.partition_point(|first| *first < key).saturating_sub(1);
        while self.firsts.get(at).is_some_and(|first| *first <= key) {
            with_chunk(get, self.n, at as i64, |bytes| {
                for i in chunk::lower_bound(bytes, key)..chunk::len(bytes) {
                    let (k, value) = chunk::at(bytes, i);
                    if k != key {
                        break;
                    }
                    out.push(value);
                }
            })?;
            if out.len() > VALUES_MAX {
                return Ok(false);
            }
            at += 1;
        }
        Ok(true)
    }
}
