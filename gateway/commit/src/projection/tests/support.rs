//! A journal in memory, entries from a few words, and everything a projection holds as comparable text.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::entry::{Draft, Entry, EntryKind, EventDraft, Final, ResourceDraft, Update};
use crate::projection::{self, Journal, Reader, SqliteProjection};
use crate::search::Query;
use crate::search::table;
use crate::store::Projection;

/// 2026-01-01T00:00Z, µs.
pub(super) const START_US: i64 = 1_767_225_600_000_000;

#[derive(Default)]
pub(super) struct Memory {
    pub(super) entries: Mutex<Vec<Arc<Entry>>>,
}

impl Journal for Memory {
    fn durable(&self) -> u64 {
        self.entries.lock().unwrap().len() as u64
    }

    fn body(&self, seq: u64, offset: usize, length: usize) -> Result<Vec<u8>, String> {
        let entries = self.entries.lock().unwrap();
        let entry = entries.get(seq as usize - 1).ok_or("no such entry")?;
        Ok(entry.payload().get(offset..offset + length).ok_or("past the end")?.to_vec())
    }

    fn mark(&self, seq: u64) -> Result<(String, i64), String> {
        let entries = self.entries.lock().unwrap();
        let entry = entries.get(seq as usize - 1).ok_or("no such entry")?;
        Ok((entry.receipt().to_owned(), entry.committed_us()))
    }
}

impl Memory {
    /// Adds an entry; one second passes.
    pub(super) fn add(&self, source: &str, message_type: &str, resources: Vec<ResourceDraft>) -> Arc<Entry> {
        self.with_events(source, message_type, resources, &[])
    }

    /// The same with events: (kind, body).
    pub(super) fn with_events(
        &self,
        source: &str,
        message_type: &str,
        resources: Vec<ResourceDraft>,
        events: &[(&str, &str)],
    ) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap();
        let seq = entries.len() as u64 + 1;
        let mut content_hash = [0; 32];
        content_hash[..8].copy_from_slice(&seq.to_be_bytes());
        let draft = Draft {
            kind: EntryKind::Message,
            receipt: format!("R{seq}"),
            received_us: 0,
            source: source.into(),
            protocol: "mllp",
            control_id: format!("C{seq}"),
            content_hash,
            message_type: message_type.into(),
            outcome: Final::Stored,
            answer: Vec::new(),
            findings: Vec::new(),
            raw: Vec::new(),
            resources,
            events: events.iter().map(|(k, b)| EventDraft { kind: (*k).into(), body: b.as_bytes().to_vec() }).collect(),
            plan_hash: [0; 32],
            conflict: None,
        };
        let entry = Arc::new(Entry::decode(seq, START_US + seq as i64 * 1_000_000, draft.encode(seq)).unwrap());
        entries.push(Arc::clone(&entry));
        entry
    }

    pub(super) fn from(&self, seq: u64) -> Vec<Arc<Entry>> {
        self.entries.lock().unwrap().iter().skip(seq as usize).cloned().collect()
    }
}

/// A projection with its journal and a directory of its own.
pub(super) struct World {
    pub(super) journal: Arc<Memory>,
    pub(super) dir: tempfile::TempDir,
    pub(super) projection: Option<SqliteProjection>,
    pub(super) reader: Reader,
}

impl World {
    pub(super) fn new() -> World {
        World::of(Arc::default())
    }

    pub(super) fn of(journal: Arc<Memory>) -> World {
        let dir = tempfile::tempdir().unwrap();
        let (projection, reader) = open(dir.path(), &journal);
        World { journal, dir, projection: Some(projection), reader }
    }

    pub(super) fn writer(&mut self) -> &mut SqliteProjection {
        self.projection.as_mut().unwrap()
    }

    /// One message from `his`, applied at once.
    pub(super) fn send(&mut self, message_type: &str, resources: Vec<ResourceDraft>) -> u64 {
        let entry = self.journal.add("his", message_type, resources);
        self.writer().apply(std::slice::from_ref(&entry)).unwrap();
        entry.seq()
    }

    /// Applies what the journal has and the projection has not, in batches of `size`.
    pub(super) fn catch_up(&mut self, size: usize) {
        let applied = self.writer().applied();
        let rest = self.journal.from(applied);
        for batch in rest.chunks(size) {
            self.writer().apply(batch).unwrap();
        }
    }

    /// Closes (properly, or as if the process had been killed) and opens again.
    pub(super) fn reopen(&mut self, properly: bool) {
        let old = self.projection.take().unwrap();
        if properly {
            old.close().unwrap();
        } else {
            // the file stays open and unmarked, as after a kill: nothing of it is undone by the process
            std::mem::forget(old);
        }
        let (projection, reader) = open(self.dir.path(), &self.journal);
        (self.projection, self.reader) = (Some(projection), reader);
    }

    pub(super) fn file(&self) -> std::path::PathBuf {
        let mut files: Vec<_> = std::fs::read_dir(self.dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
        files.retain(|p| p.extension().is_some_and(|e| e == "db"));
        files.sort();
        files.pop().unwrap()
    }

    /// Ids that a search finds, in order.
    pub(super) fn ask(&self, ty: &str, query: &str) -> Vec<String> {
        self.page(&parse(ty, query)).0
    }

    pub(super) fn page(&self, query: &Query) -> (Vec<String>, crate::search::Page) {
        let page = self.reader.search(query).map_err(|e| format!("{e:?}")).unwrap();
        (page.matches.iter().map(|m| m.id.clone()).collect(), page)
    }

    pub(super) fn body(&self, ty: &str, id: &str) -> String {
        String::from_utf8(self.reader.read(ty, id).unwrap().unwrap().body).unwrap()
    }
}

pub(super) fn open(dir: &Path, journal: &Arc<Memory>) -> (SqliteProjection, Reader) {
    projection::open(dir, Arc::clone(journal) as Arc<dyn Journal>).unwrap()
}

/// `a=b&c=d` (not percent-encoded), of which nothing may be refused.
pub(super) fn parse(ty: &str, query: &str) -> Query {
    let pairs: Vec<(String, String)> =
        query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap()).map(|(a, b)| (a.into(), b.into())).collect();
    let (query, refused) = Query::read(ty, &pairs, START_US).map_err(|e| e.en).unwrap();
    assert_eq!(refused.iter().map(|e| e.en.clone()).collect::<Vec<_>>(), Vec::<String>::new());
    query
}

/// A resource; `rest` is the inside of the JSON object behind type and id.
pub(super) fn draft(update: Update, ty: &str, id: &str, event_us: i64, rest: &str) -> ResourceDraft {
    let comma = if rest.is_empty() { "" } else { "," };
    let body = if update == Update::Delete { String::new() } else { format!(r#"{{"resourceType":"{ty}","id":"{id}"{comma}{rest}}}"#) };
    ResourceDraft { resource_type: ty.into(), id: id.into(), body: body.into_bytes(), update, clear: Vec::new(), event_us }
}

pub(super) fn put(ty: &str, id: &str, rest: &str) -> ResourceDraft {
    draft(Update::Replace, ty, id, 0, rest)
}

pub(super) fn merge(ty: &str, id: &str, event_us: i64, rest: &str) -> ResourceDraft {
    draft(Update::Merge, ty, id, event_us, rest)
}

/// Every row of every table that has a meaning of its own, and every posting.
pub(super) fn dump(world: &World) -> Vec<String> {
    let mut out = Vec::new();
    let shared = ["intern", "text", "inline", "history", "superseded", "message"].map(str::to_owned);
    let of_types = table::types().iter().map(projection::schema::table_name);
    let all = world.reader.with(|s| {
        for name in shared.into_iter().chain(of_types) {
            let mut statement = s.conn.prepare(&format!("SELECT * FROM {name}"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let cells: Vec<String> = (0..columns).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect();
                out.push(format!("{name}: {}", cells.join(" ")));
            }
        }
        Ok(s.all_postings())
    });
    out.sort();
    let postings = all.map_err(|e| format!("{e:?}")).unwrap();
    out.extend(postings.into_iter().map(|(key, value)| format!("{key:016x} {value:x}")));
    out
}
