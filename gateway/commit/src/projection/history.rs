//! Histories of a resource, of a type and of everything, newest first, page by page.
//!
//! A page ends at a position: of an instance its version; else the entry and how many of its changes were shown. What
//! is written later stands before that position, so that pages neither repeat nor skip.

use rusqlite::OptionalExtension;

use super::hash::{self, Tag};
use super::read::{Place, ReadError, Reader, Session};
use super::schema;
use super::trace::{self, Effect};
use crate::search::Found;
use crate::search::table::{self, TypeTable};

/// Whose history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HistoryOf<'a> {
    Instance(&'a str, &'a str),
    Type(&'a str),
    System,
}

/// A page of a history, newest first.
pub struct HistoryPage {
    pub rows: Vec<Found>,
    /// Given back for the next page.
    pub next: Option<u64>,
}

/// Changes of one entry that a position can count.
const SHOWN_BITS: u32 = 20;

struct Position {
    seq: i64,
    shown: usize,
}

impl Position {
    fn read(after: Option<u64>) -> Position {
        after.map_or(Position { seq: i64::MAX, shown: 0 }, |a| Position {
            seq: (a >> SHOWN_BITS) as i64,
            shown: (a & ((1 << SHOWN_BITS) - 1)) as usize,
        })
    }

    /// Behind a row of entry `seq`, of which `shown` were shown.
    fn write(seq: i64, shown: usize) -> u64 {
        (seq as u64) << SHOWN_BITS | shown as u64 & ((1 << SHOWN_BITS) - 1)
    }
}

impl Reader {
    /// Versions written at or after `since_us`, newest first, deletions too; at most `count`.
    pub fn history(&self, of: HistoryOf<'_>, since_us: Option<i64>, count: usize, after: Option<u64>) -> Result<HistoryPage, ReadError> {
        let none = HistoryPage { rows: Vec::new(), next: None };
        self.with(|s| {
            let first = since_us.map_or(Ok(0), |us| s.first_at(us))?;
            match of {
                HistoryOf::Instance(resource_type, id) => {
                    let Some(ty) = table::of(resource_type) else { return Ok(none) };
                    s.instance(ty, id, first, count, after)
                }
                HistoryOf::Type(resource_type) => {
                    let Some(ty) = table::of(resource_type) else { return Ok(none) };
                    s.of_type(ty, first, count, &Position::read(after))
                }
                HistoryOf::System => s.of_system(first, count, &Position::read(after)),
            }
        })
    }
}

impl Session<'_> {
    fn instance(&self, ty: &'static TypeTable, id: &str, first: i64, count: usize, after: Option<u64>) -> Result<HistoryPage, ReadError> {
        let Some(current) = self.current(ty, id)? else { return Ok(HistoryPage { rows: Vec::new(), next: None }) };
        let below = after.map_or(i64::MAX, |a| i64::try_from(a).unwrap_or(i64::MAX));
        let mut places = Vec::new();
        if current.ver < below && current.seq >= first {
            places.push(Place { id: current.id.clone(), ..current });
        }
        let sql =
            "SELECT rid, NULL, ver, seq, off, len FROM history WHERE type=?1 AND rid=?2 AND ver<?3 AND seq>=?4 ORDER BY ver DESC LIMIT ?5";
        let mut find = self.conn.prepare_cached(sql)?;
        let mut rows = find.query([ty.number as i64, current.rid, below, first, count as i64 + 1])?;
        while let Some(row) = rows.next()? {
            places.push(Place { id: current.id.clone(), ..Place::read(row)? });
        }
        let more = places.len() > count;
        places.truncate(count);
        let next = if more { places.last().map(|p| p.ver.unsigned_abs()) } else { None };
        let rows = places.iter().map(|p| self.found(ty, p)).collect::<Result<_, _>>()?;
        Ok(HistoryPage { rows, next })
    }

    fn of_type(&self, ty: &'static TypeTable, first: i64, count: usize, at: &Position) -> Result<HistoryPage, ReadError> {
        let table = schema::table_name(ty);
        // each half is read backwards along its index on seq and ends at the limit
        let sql = format!(
            "SELECT * FROM (SELECT * FROM (SELECT rid, id, ver, seq, off, len FROM {table} WHERE seq<=?1 AND seq>=?2 ORDER BY seq DESC, rid DESC LIMIT ?4)
             UNION ALL SELECT * FROM (SELECT h.rid, c.id, h.ver, h.seq, h.off, h.len FROM history h JOIN {table} c ON c.rid=h.rid
               WHERE h.type=?3 AND h.seq<=?1 AND h.seq>=?2 ORDER BY h.seq DESC, h.rid DESC, h.ver DESC LIMIT ?4))
             ORDER BY seq DESC, rid DESC, ver DESC LIMIT ?4"
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let limit = (at.shown + count + 1) as i64;
        let mut rows = find.query([at.seq, first, ty.number as i64, limit])?;
        let mut places = Vec::new();
        let mut skip = at.shown;
        while let Some(row) = rows.next()? {
            let place = Place::read(row)?;
            if place.seq == at.seq && skip > 0 {
                skip -= 1;
            } else {
                places.push((ty, place));
            }
        }
        self.page(places, count, at)
    }

    fn of_system(&self, first: i64, count: usize, at: &Position) -> Result<HistoryPage, ReadError> {
        let mut find =
            self.conn.prepare_cached("SELECT seq, refs FROM message WHERE seq<=?1 AND seq>=?2 AND refs IS NOT NULL ORDER BY seq DESC")?;
        let mut rows = find.query([at.seq, first])?;
        let mut places = Vec::new();
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            let mut refs = trace::read(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
            refs.retain(|r| matches!(r.effect, Effect::Created | Effect::Updated | Effect::Deleted));
            let skip = if seq == at.seq { at.shown } else { 0 };
            for r in refs.iter().rev().skip(skip) {
                let ty = &table::types()[r.ty];
                let Some(current) = self.row(ty, r.rid)? else { continue };
                if let Some(place) = self.at_version(ty, current, r.ver)? {
                    places.push((ty, place));
                }
            }
            if places.len() > count {
                break;
            }
        }
        self.page(places, count, at)
    }

    /// Cuts to `count` and says where it ended.
    fn page(&self, mut places: Vec<(&'static TypeTable, Place)>, count: usize, at: &Position) -> Result<HistoryPage, ReadError> {
        let more = places.len() > count;
        places.truncate(count);
        let next = places.last().filter(|_| more).map(|(_, last)| {
            let shown = places.iter().rev().take_while(|(_, p)| p.seq == last.seq).count();
            let before = if last.seq == at.seq { at.shown } else { 0 };
            Position::write(last.seq, shown + before)
        });
        let rows = places.iter().map(|(ty, p)| self.found(ty, p)).collect::<Result<_, _>>()?;
        Ok(HistoryPage { rows, next })
    }
}

/// What a message did to one resource.
pub struct Traced {
    pub effect: Effect,
    /// Empty for [`Effect::Ignored`].
    pub resource_type: &'static str,
    pub id: String,
    /// The version made, or the one that stayed.
    pub version: u64,
}

impl Reader {
    /// What entry `seq` did, resource by resource in the order of the entry; empty where it is not applied yet.
    pub fn trace(&self, seq: u64) -> Result<Vec<Traced>, ReadError> {
        self.with(|s| {
            let mut find = s.conn.prepare_cached("SELECT refs FROM message WHERE seq=?1")?;
            let refs: Option<Option<Vec<u8>>> = find.query_row([seq as i64], |r| r.get(0)).optional()?;
            let mut out = Vec::new();
            for r in trace::read(&refs.flatten().unwrap_or_default()) {
                let ty = &table::types()[r.ty];
                let place = if r.effect == Effect::Ignored && r.rid == 0 { None } else { s.row(ty, r.rid)? };
                let (resource_type, id) = place.map_or(("", String::new()), |p| (ty.resource_type, p.id.text()));
                out.push(Traced { effect: r.effect, resource_type, id, version: r.ver.unsigned_abs() });
            }
            Ok(out)
        })
    }

    /// Entries that wrote to a resource without making a version, oldest first, with the reason.
    pub fn superseded(&self, resource_type: &str, id: &str) -> Result<Vec<(u64, super::Reason)>, ReadError> {
        let Some(ty) = table::of(resource_type) else { return Ok(Vec::new()) };
        self.with(|s| {
            let Some(current) = s.current(ty, id)? else { return Ok(Vec::new()) };
            let mut find = s.conn.prepare_cached("SELECT seq, reason FROM superseded WHERE type=?1 AND rid=?2 ORDER BY seq")?;
            let rows = find.query_map([ty.number as i64, current.rid], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?)))?;
            let mut out = Vec::new();
            for row in rows {
                let (seq, reason) = row?;
                out.extend(super::Reason::of(reason).map(|r| (seq.unsigned_abs(), r)));
            }
            Ok(out)
        })
    }

    /// Who sent each of these entries; empty for one that is not applied.
    pub fn sources(&self, seqs: &[u64]) -> Result<Vec<String>, ReadError> {
        self.with(|s| {
            let mut find = s.conn.prepare_cached("SELECT i.text FROM message m JOIN intern i ON i.n=m.source WHERE m.seq=?1")?;
            let mut out = Vec::with_capacity(seqs.len());
            for seq in seqs {
                out.push(find.query_row([*seq as i64], |r| r.get(0)).optional()?.unwrap_or_default());
            }
            Ok(out)
        })
    }

    /// Entries with this receipt.
    pub fn by_receipt(&self, receipt: &str) -> Result<Vec<u64>, ReadError> {
        self.posted(Tag::Receipt, receipt, "SELECT 1 FROM message WHERE seq=?1 AND receipt=?2")
    }

    /// Entries with this control id, of any source.
    pub fn by_control_id(&self, control_id: &str) -> Result<Vec<u64>, ReadError> {
        self.posted(Tag::ControlId, control_id, "SELECT 1 FROM message WHERE seq=?1 AND control=?2")
    }

    /// Entries of these bytes, by their content hash. There is no index: it looks at every message.
    pub fn by_content(&self, hash: &[u8; 32]) -> Result<Vec<u64>, ReadError> {
        let prefix = hash.first_chunk().map_or(0, |h| i64::from_be_bytes(*h));
        self.with(|s| {
            let mut find = s.conn.prepare_cached("SELECT seq FROM message WHERE hash=?1 ORDER BY seq LIMIT 1000")?;
            let rows = find.query_map([prefix], |r| r.get::<_, i64>(0))?;
            rows.map(|r| r.map(i64::unsigned_abs).map_err(ReadError::from)).collect()
        })
    }

    /// Entries of a source with this control id, each with the first 8 bytes of its content hash: what the journal asks
    /// to find a duplicate that is older than its memory.
    pub fn known(&self, source: &str, control_id: &str) -> Result<Vec<(u64, [u8; 8])>, ReadError> {
        self.with(|s| {
            let Some(source) = s.generation.interner.read().ok().and_then(|i| i.known(source)) else { return Ok(Vec::new()) };
            let mut find = s.conn.prepare_cached("SELECT hash FROM message WHERE seq=?1 AND control=?2 AND source=?3")?;
            let mut out = Vec::new();
            for seq in s.postings(hash::key(Tag::ControlId, 0, control_id.as_bytes(), b""))? {
                let hash: Option<i64> = find.query_row(rusqlite::params![seq as i64, control_id, source], |r| r.get(0)).optional()?;
                out.extend(hash.map(|h| (seq, h.to_be_bytes())));
            }
            Ok(out)
        })
    }

    /// Entries that a key leads to and `sql` confirms, given number and text.
    fn posted(&self, tag: Tag, text: &str, sql: &str) -> Result<Vec<u64>, ReadError> {
        self.with(|s| {
            let mut confirm = s.conn.prepare_cached(sql)?;
            let mut out = Vec::new();
            for seq in s.postings(hash::key(tag, 0, text.as_bytes(), b""))? {
                if confirm.exists(rusqlite::params![seq as i64, text])? {
                    out.push(seq);
                }
            }
            Ok(out)
        })
    }
}
