//! What an entry does to the projection. It depends on the entry and on the state before it alone, so that every
//! rebuild ends the same; `gateway/docs/projection.md` tells the rules.

use std::sync::{Arc, RwLock};

use rusqlite::Connection;
use rusqlite::types::Value;
use sha2::{Digest, Sha256};

use super::hash::{self, Tag};
use super::intern::Interner;
use super::merge;
use super::postings::{Posting, State};
use super::rows::{Current, MessageRow, NewRow, Rows};
use super::status::{self, Write};
use super::trace::{self, Effect, Ref};
use super::values::{Values, pack};
use super::{Fault, Journal};
use crate::entry::{Entry, Final, ResourceRef, Update};
use crate::search::table::{self, TypeTable};

/// A business time further than this past the commit (µs) is a wrong clock and counts as unknown: it would otherwise
/// keep every later write out.
const CLOCK_AHEAD_MAX_US: i64 = 24 * 3_600 * 1_000_000;

/// The work of one transaction.
pub(crate) struct Apply<'c> {
    rows: Rows<'c>,
    bodies: &'c dyn Journal,
    interner: &'c RwLock<Interner>,
    values: Values,
    postings: Vec<Posting>,
    refs: Vec<u8>,
}

impl<'c> Apply<'c> {
    pub(crate) fn new(
        conn: &'c Connection,
        bodies: &'c dyn Journal,
        interner: &'c RwLock<Interner>,
        ids: &Arc<State>,
    ) -> Result<Apply<'c>, Fault> {
        Ok(Apply { rows: Rows::new(conn, ids)?, bodies, interner, values: Values::default(), postings: Vec::new(), refs: Vec::new() })
    }

    pub(crate) fn entry(&mut self, entry: &Entry) -> Result<(), Fault> {
        let seq = entry.seq() as i64;
        let source = self.intern(entry.source())?;
        let message_type = self.intern(entry.message_type())?;
        self.refs.clear();
        if entry.outcome() == Final::Stored {
            for resource in entry.resources() {
                let done = self.resource(entry, source, resource)?;
                trace::write(&mut self.refs, done);
            }
        }
        for (n, (kind, body)) in entry.events().enumerate() {
            let kind = self.intern(kind)?;
            self.rows.event(kind, seq, n as i64, body)?;
        }
        let hash = entry.content_hash().first_chunk().map_or(0, |h| i64::from_be_bytes(*h));
        self.rows.message(&MessageRow {
            seq,
            at: entry.committed_us(),
            receipt: entry.receipt(),
            source,
            control: entry.control_id(),
            message_type,
            outcome: entry.outcome() as i64,
            hash,
            refers: entry.refers().map(|r| r as i64),
            refs: &self.refs,
        })?;
        self.postings.push((hash::key(Tag::Receipt, 0, entry.receipt().as_bytes(), b""), entry.seq()));
        if !entry.control_id().is_empty() {
            self.postings.push((hash::key(Tag::ControlId, 0, entry.control_id().as_bytes(), b""), entry.seq()));
        }
        Ok(())
    }

    /// The postings gathered: of ids, and of values.
    pub(crate) fn finish(mut self) -> (Vec<Posting>, Vec<Posting>) {
        (self.rows.new_ids(), self.postings)
    }

    fn resource(&mut self, entry: &Entry, source: i64, draft: ResourceRef<'_>) -> Result<Ref, Fault> {
        let ignored = Ref { effect: Effect::Ignored, ty: 0, rid: 0, ver: 0 };
        let Some(ty) = table::of(draft.resource_type()) else { return Ok(ignored) };
        let write = Incoming {
            ty,
            draft,
            seq: entry.seq() as i64,
            source,
            ev: draft.event_us().filter(|ev| *ev <= entry.committed_us().saturating_add(CLOCK_AHEAD_MAX_US)),
        };
        match self.rows.find(ty, draft.id())? {
            None if draft.update() == Update::Delete => Ok(ignored),
            None => self.create(&write),
            Some(current) => self.change(&write, entry.message_type(), &current),
        }
    }

    fn create(&mut self, write: &Incoming<'_>) -> Result<Ref, Fault> {
        self.fill(write.ty, write.draft.body())?;
        let merged = write.merged(&[]);
        let mut row = write.row(1, write.body_offset(), write.draft.body().len() as i64, write.ev, &merged);
        row.has = self.values.has;
        let rid = self.rows.insert(write.ty, write.draft.id(), &row, &self.values.cells)?;
        self.gather(write, rid, 1)?;
        Ok(Ref { effect: Effect::Created, ty: write.ty.number, rid, ver: 1 })
    }

    fn change(&mut self, write: &Incoming<'_>, message_type: &str, current: &Current) -> Result<Ref, Fault> {
        let done = |effect, ver| Ok(Ref { effect, ty: write.ty.number, rid: current.rid, ver });
        if write.draft.update() == Update::Delete {
            if current.len == 0 {
                return done(Effect::Same, current.ver);
            }
            self.version(write, current, Body::None, &[])?;
            return done(Effect::Deleted, current.ver + 1);
        }
        if current.len > 0 && write.repeats(current) {
            self.confirm(write, current, &current.merged)?;
            return done(Effect::Same, current.ver);
        }
        self.fill(write.ty, write.draft.body())?;
        if current.len > 0
            && let Some(reason) = self.judge(write, message_type, current)
        {
            let (off, len) = (write.body_offset(), write.draft.body().len() as i64);
            self.rows.superseded(write.ty, current.rid, write.seq, off, len, reason as i64)?;
            return done(Effect::Superseded(reason), current.ver);
        }
        let merged = write.merged(&current.merged);
        let body = if current.len == 0 { Body::Draft } else { self.resulting(write, current)? };
        match body {
            Body::Unreadable => return done(Effect::Ignored, current.ver),
            Body::Unchanged => {
                self.confirm(write, current, &merged)?;
                return done(Effect::Same, current.ver);
            }
            Body::None | Body::Draft | Body::Merged(_) => {}
        }
        self.version(write, current, body, &merged)?;
        done(Effect::Updated, current.ver + 1)
    }

    /// What the resource's body is after the write.
    fn resulting(&mut self, write: &Incoming<'_>, current: &Current) -> Result<Body, Fault> {
        let new = write.draft.body();
        if write.draft.update() == Update::Replace && new.len() as i64 != current.len {
            return Ok(Body::Draft);
        }
        let old = self.current_body(current)?;
        if old == new {
            return Ok(Body::Unchanged);
        }
        if write.draft.update() == Update::Replace {
            return Ok(Body::Draft);
        }
        Ok(match merge::overlay(&old, new, write.draft.clear()) {
            // no stage before this one lets it pass; a message must not stop the projection for ever
            Err(_) => Body::Unreadable,
            Ok(None) => Body::Unchanged,
            Ok(Some(merged)) if merged == new => Body::Draft,
            Ok(Some(merged)) => Body::Merged(merged),
        })
    }

    fn current_body(&mut self, current: &Current) -> Result<Vec<u8>, Fault> {
        if current.off < 0 {
            return Ok(self.rows.inline_body(-current.off)?);
        }
        self.bodies.body(current.seq as u64, current.off as usize, current.len as usize).map_err(Fault::Body)
    }

    fn judge(&self, write: &Incoming<'_>, message_type: &str, current: &Current) -> Option<status::Reason> {
        let interner = self.interner.read().ok()?;
        let status_cell = status_cell(write.ty).and_then(|at| self.values.cells.get(at));
        let status = match status_cell {
            Some(Value::Integer(n)) => interner.text(*n),
            _ => None,
        };
        let old = Write { status: current.status.and_then(|n| interner.text(n)), event_us: current.ev };
        status::judge(write.ty.resource_type, message_type, old, Write { status, event_us: write.ev })
    }

    /// The old version goes to the history, the new one into the row.
    fn version(&mut self, write: &Incoming<'_>, current: &Current, body: Body, merged: &[u8]) -> Result<(), Fault> {
        self.rows.history(write.ty, current)?;
        let (off, len) = match &body {
            Body::None | Body::Unchanged | Body::Unreadable => {
                self.values.empty(write.ty);
                (0, 0)
            }
            Body::Draft => (write.body_offset(), write.draft.body().len() as i64),
            Body::Merged(bytes) => {
                self.fill(write.ty, bytes)?;
                (-self.rows.inline(bytes)?, bytes.len() as i64)
            }
        };
        let ver = current.ver + 1;
        let mut row = write.row(ver, off, len, write.ev.max(current.ev), merged);
        row.has = self.values.has;
        self.rows.update(write.ty, current.rid, &row, &self.values.cells)?;
        self.gather(write, current.rid, ver)
    }

    /// No version, but what it was told and when is remembered.
    fn confirm(&mut self, write: &Incoming<'_>, current: &Current, merged: &[u8]) -> Result<(), Fault> {
        let ev = write.ev.max(current.ev);
        if ev != current.ev || merged != current.merged {
            self.rows.touch(write.ty, current.rid, ev, merged)?;
        }
        Ok(())
    }

    fn gather(&mut self, write: &Incoming<'_>, rid: i64, ver: i64) -> Result<(), Fault> {
        self.postings.extend(self.values.keys.iter().map(|key| (*key, pack(rid, ver))));
        self.postings.extend(self.values.links.iter().map(|key| (*key, write.seq as u64)));
        self.rows.texts(&self.values, rid, ver)?;
        Ok(())
    }

    fn fill(&mut self, ty: &TypeTable, body: &[u8]) -> Result<(), Fault> {
        let Apply { values, rows, interner, .. } = self;
        let mut fault = None;
        values.fill(ty, body, &mut |text| {
            intern(rows, interner, text).unwrap_or_else(|e| {
                fault = Some(e);
                0
            })
        });
        fault.map_or(Ok(()), Err)
    }

    fn intern(&mut self, text: &str) -> Result<i64, Fault> {
        intern(&mut self.rows, self.interner, text)
    }
}

fn intern(rows: &mut Rows<'_>, interner: &RwLock<Interner>, text: &str) -> Result<i64, Fault> {
    if let Some(n) = interner.read().map_err(|_| Fault::Poisoned)?.known(text) {
        return Ok(n);
    }
    let n = interner.write().map_err(|_| Fault::Poisoned)?.add(text);
    rows.intern(n, text)?;
    Ok(n)
}

fn status_cell(ty: &TypeTable) -> Option<usize> {
    let mut at = 0;
    for column in &ty.columns {
        if column.name == "status" {
            return Some(at);
        }
        at += column.names().len();
    }
    None
}

enum Body {
    /// Deleted.
    None,
    Unchanged,
    /// As the message gave it; it stands in the journal.
    Draft,
    Merged(Vec<u8>),
    /// One of the two bodies is no FHIR JSON.
    Unreadable,
}

/// One resource of an entry.
struct Incoming<'a> {
    ty: &'static TypeTable,
    draft: ResourceRef<'a>,
    seq: i64,
    /// Interned.
    source: i64,
    /// Business time.
    ev: Option<i64>,
}

impl Incoming<'_> {
    fn body_offset(&self) -> i64 {
        self.draft.body_offset() as i64
    }

    fn row<'b>(&self, ver: i64, off: i64, len: i64, ev: Option<i64>, merged: &'b [u8]) -> NewRow<'b> {
        NewRow { ver, seq: self.seq, off, len, ev, merged: (!merged.is_empty()).then_some(merged), has: 0 }
    }

    /// (source, hash of body and cleared names) of this write.
    fn mark(&self) -> [u8; 16] {
        let mut hash = Sha256::new();
        for name in self.draft.clear() {
            hash.update(name);
            hash.update([0]);
        }
        hash.update(self.draft.body());
        let mut mark = [0u8; 16];
        let (source, digest) = mark.split_at_mut(8);
        source.copy_from_slice(&self.source.to_be_bytes());
        digest.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        mark
    }

    /// Whether this source merged exactly this the last time: the common case of a patient in every message, settled
    /// without reading the current body.
    fn repeats(&self, current: &Current) -> bool {
        self.draft.update() == Update::Merge && {
            let mark = self.mark();
            current.merged.as_chunks::<16>().0.contains(&mark)
        }
    }

    /// The marks after this write: this source's own is replaced. A replaced body ends all that was merged before.
    fn merged(&self, before: &[u8]) -> Vec<u8> {
        if self.draft.update() != Update::Merge {
            return Vec::new();
        }
        let mark = self.mark();
        let mut out: Vec<u8> = Vec::with_capacity(before.len() + 16);
        let others = before.as_chunks::<16>().0.iter().filter(|m| m.first_chunk::<8>() != mark.first_chunk::<8>());
        out.extend(others.flatten());
        // a resource that very many sources write remembers the latest of them
        let surplus = out.len().saturating_sub(16 * (SOURCES_MAX - 1));
        out.drain(..surplus);
        out.extend(mark);
        out
    }
}

const SOURCES_MAX: usize = 16;
