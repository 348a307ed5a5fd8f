//! A store in memory for tests of this crate: it finds by `_id` and nothing else, so that what is tested is the interface.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hutong_commit::projection::{HistoryOf, HistoryPage, ReadError};
use hutong_commit::search::table;
use hutong_commit::search::{Found, Page, Query, Value, Version};
use hutong_commit::store::Counts;

use crate::source::Source;

#[derive(Default)]
pub(crate) struct Fake {
    /// Every version in the order of writing.
    pub(crate) log: Vec<Found>,
    pub(crate) counts: Counts,
    pub(crate) durable: AtomicU64,
    pub(crate) applied: AtomicU64,
    /// Calls fail.
    pub(crate) broken: AtomicBool,
    /// Searches take so long.
    pub(crate) slow_ms: AtomicU64,
    /// Calls panic.
    pub(crate) faulty: AtomicBool,
}

impl Fake {
    /// Adds the next version of a resource; `None` deletes it. A version is a second younger than the one before.
    pub(crate) fn put(&mut self, kind: &str, id: &str, extra: Option<&str>) {
        let version = self.versions(kind, id).count() as u64 + 1;
        let last_updated_us = (self.log.len() as i64 + 1) * 1_000_000;
        let body =
            extra.map(|extra| format!(r#"{{"resourceType":"{kind}","id":"{id}","meta":{{"versionId":"{version}"}}{extra}}}"#).into_bytes());
        let version =
            Version { version, seq: self.log.len() as u64 + 1, last_updated_us, deleted: body.is_none(), body: body.unwrap_or_default() };
        self.log.push(Found { resource_type: table::of(kind).unwrap().resource_type, id: id.to_owned(), version });
    }

    fn versions<'a>(&'a self, kind: &'a str, id: &'a str) -> impl Iterator<Item = &'a Found> {
        self.log.iter().filter(move |r| r.resource_type == kind && r.id == id)
    }

    fn check(&self) -> Result<(), ReadError> {
        assert!(!self.faulty.load(Ordering::Relaxed), "as asked by the test");
        if self.broken.load(Ordering::Relaxed) { Err(ReadError::Unavailable(String::new())) } else { Ok(()) }
    }
}

impl Source for Fake {
    fn read(&self, kind: &str, id: &str) -> Result<Option<Version>, ReadError> {
        self.check()?;
        Ok(self.versions(kind, id).last().map(|r| r.version.clone()))
    }

    fn vread(&self, kind: &str, id: &str, version: u64) -> Result<Option<Version>, ReadError> {
        self.check()?;
        Ok(self.versions(kind, id).find(|r| r.version.version == version).map(|r| r.version.clone()))
    }

    fn history(&self, of: HistoryOf<'_>, since_us: Option<i64>, count: usize, after: Option<u64>) -> Result<HistoryPage, ReadError> {
        self.check()?;
        let wanted = |r: &Found| match of {
            HistoryOf::Instance(kind, id) => r.resource_type == kind && r.id == id,
            HistoryOf::Type(kind) => r.resource_type == kind,
            HistoryOf::System => true,
        };
        let before = after.unwrap_or(u64::MAX);
        let mut found = self
            .log
            .iter()
            .enumerate()
            .rev()
            .filter(|(at, r)| (*at as u64) < before && wanted(r) && since_us.is_none_or(|since| r.version.last_updated_us >= since));
        let rows: Vec<(usize, &Found)> = found.by_ref().take(count).collect();
        let next = found.next().and_then(|_| rows.last()).map(|(at, _)| *at as u64);
        Ok(HistoryPage { rows: rows.into_iter().map(|(_, r)| r.clone()).collect(), next })
    }

    fn search(&self, query: &Query) -> Result<Page, ReadError> {
        self.check()?;
        std::thread::sleep(std::time::Duration::from_millis(self.slow_ms.load(Ordering::Relaxed)));
        let wanted = |r: &&Found| {
            let last = self.versions(r.resource_type, &r.id).last().is_some_and(|l| std::ptr::eq(l, *r));
            let ids = query.params.iter().filter(|p| p.name() == "_id");
            last && r.resource_type == query.table.resource_type
                && !r.version.deleted
                && ids.into_iter().all(|p| p.values.contains(&Value::Id(r.id.clone())))
        };
        let all: Vec<Found> = self.log.iter().filter(wanted).cloned().collect();
        let total = Some(all.len() as u64);
        let count = if query.count_only { 0 } else { query.count };
        Ok(Page { matches: all.into_iter().take(count).collect(), included: Vec::new(), included_cut: false, next: None, total })
    }

    fn counts(&self) -> Counts {
        self.counts
    }

    fn durable(&self) -> u64 {
        self.durable.load(Ordering::Relaxed)
    }

    fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }
}
