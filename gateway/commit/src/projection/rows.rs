//! The prepared statements of the writer, and rows of the resource tables.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};

use super::hash;
use super::postings::{Posting, Runs, State};
use super::schema;
use super::values::Values;
use crate::search::table::{self, TypeTable};

/// A FHIR id as it is stored: a UUID as its 16 bytes, everything else as text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum IdCell {
    Uuid([u8; 16]),
    Text(String),
}

impl IdCell {
    pub(crate) fn new(id: &str) -> IdCell {
        uuid(id).map_or_else(|| IdCell::Text(id.to_owned()), IdCell::Uuid)
    }

    pub(crate) fn read(value: ValueRef<'_>) -> IdCell {
        match value {
            ValueRef::Blob(bytes) => bytes.first_chunk().map_or(IdCell::Text(String::new()), |b| IdCell::Uuid(*b)),
            ValueRef::Text(text) => IdCell::Text(String::from_utf8_lossy(text).into_owned()),
            _ => IdCell::Text(String::new()),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            IdCell::Text(text) => text.clone(),
            IdCell::Uuid(bytes) => {
                let mut text = String::with_capacity(36);
                for (i, byte) in bytes.iter().enumerate() {
                    if matches!(i, 4 | 6 | 8 | 10) {
                        text.push('-');
                    }
                    for n in [byte >> 4, byte & 15] {
                        text.push(char::from_digit(u32::from(n), 16).unwrap_or('0'));
                    }
                }
                text
            }
        }
    }
}

impl ToSql for IdCell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            IdCell::Uuid(bytes) => ValueRef::Blob(bytes),
            IdCell::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// A UUID in exactly the form in which it is written back: lower case with hyphens.
fn uuid(id: &str) -> Option<[u8; 16]> {
    let text = id.as_bytes();
    if text.len() != 36 {
        return None;
    }
    let mut out = [0u8; 16];
    let mut nibbles = 0;
    for (i, b) in text.iter().enumerate() {
        let nibble = match (i, b) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => b - b'0',
            (_, b'a'..=b'f') => b - b'a' + 10,
            _ => return None,
        };
        let byte = out.get_mut(nibbles / 2)?;
        *byte = *byte << 4 | nibble;
        nibbles += 1;
    }
    Some(out)
}

/// Where the current version of a resource stands; `None` in `off`/`len` terms: `len` 0 is a deleted one.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) rid: i64,
    pub(crate) ver: i64,
    pub(crate) seq: i64,
    pub(crate) off: i64,
    pub(crate) len: i64,
    pub(crate) ev: Option<i64>,
    /// (source, hash of what it merged last) pairs, 16 bytes each.
    pub(crate) merged: Vec<u8>,
    /// Interned status.
    pub(crate) status: Option<i64>,
}

impl Current {
    fn read(row: &Row<'_>) -> rusqlite::Result<(IdCell, Current)> {
        let current = Current {
            rid: row.get(0)?,
            ver: row.get(2)?,
            seq: row.get(3)?,
            off: row.get(4)?,
            len: row.get(5)?,
            ev: row.get(6)?,
            merged: row.get_ref(7)?.as_blob_or_null()?.unwrap_or_default().to_vec(),
            status: row.get(9)?,
        };
        Ok((IdCell::read(row.get_ref(1)?), current))
    }
}

/// The row that is to be written.
pub(crate) struct NewRow<'a> {
    pub(crate) ver: i64,
    pub(crate) seq: i64,
    pub(crate) off: i64,
    pub(crate) len: i64,
    pub(crate) ev: Option<i64>,
    pub(crate) merged: Option<&'a [u8]>,
    pub(crate) has: i64,
}

struct TypeStatements<'c> {
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    touch: CachedStatement<'c>,
    next: i64,
}

/// All statements of one batch; taken from the connection's cache and given back with the batch.
pub(crate) struct Rows<'c> {
    conn: &'c Connection,
    types: Vec<Option<TypeStatements<'c>>>,
    ids: Runs<'c>,
    /// Ids of this batch, which are in no run yet.
    new_ids: HashMap<u64, Vec<u64>>,
    text: CachedStatement<'c>,
    inline: CachedStatement<'c>,
    inline_read: CachedStatement<'c>,
    history: CachedStatement<'c>,
    superseded: CachedStatement<'c>,
    event: CachedStatement<'c>,
    message: CachedStatement<'c>,
    intern: CachedStatement<'c>,
}

/// What a posting of an id leads to: the row number and the type's number in one.
pub(crate) fn pack_id(ty: &TypeTable, rid: i64) -> u64 {
    (rid as u64) << 8 | ty.number as u64
}

/// The row that a posting of an id leads to, if it is of this type.
pub(crate) fn unpack_id(ty: &TypeTable, value: u64) -> Option<i64> {
    (value & 0xff == ty.number as u64).then_some((value >> 8) as i64)
}

impl<'c> Rows<'c> {
    pub(crate) fn new(conn: &'c Connection, ids: &Arc<State>) -> rusqlite::Result<Rows<'c>> {
        let sql = |text: &str| conn.prepare_cached(text);
        Ok(Rows {
            conn,
            types: table::types().iter().map(|_| None).collect(),
            ids: Runs::open(conn, Arc::clone(ids))?,
            new_ids: HashMap::new(),
            text: sql("INSERT OR REPLACE INTO text(param, norm, rid, ver, exact) VALUES(?1, ?2, ?3, ?4, ?5)")?,
            inline: sql("INSERT INTO inline(body) VALUES(?1)")?,
            inline_read: sql("SELECT body FROM inline WHERE n=?1")?,
            history: sql("INSERT OR REPLACE INTO history(type, rid, ver, seq, off, len) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?,
            superseded: sql("INSERT OR REPLACE INTO superseded(type, rid, seq, off, len, reason) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?,
            event: sql("INSERT INTO event(kind, seq, n, body) VALUES(?1, ?2, ?3, ?4)")?,
            message: sql("INSERT INTO message(seq, at, receipt, source, control, type, outcome, hash, refers, refs)
                VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?,
            intern: sql("INSERT INTO intern(n, text) VALUES(?1, ?2)")?,
        })
    }

    fn of(&mut self, ty: &TypeTable) -> rusqlite::Result<&mut TypeStatements<'c>> {
        let slot = &mut self.types[ty.number];
        if slot.is_none() {
            *slot = Some(TypeStatements::new(self.conn, ty)?);
        }
        slot.as_mut().ok_or(rusqlite::Error::InvalidQuery)
    }

    /// The row of a resource, whatever its state.
    pub(crate) fn find(&mut self, ty: &TypeTable, id: &str) -> rusqlite::Result<Option<Current>> {
        let key = hash::id_key(ty.resource_type, id);
        let cell = IdCell::new(id);
        let mut values = self.ids.get(key)?.unwrap_or_default();
        values.extend(self.new_ids.get(&key).into_iter().flatten());
        for rid in values.into_iter().filter_map(|v| unpack_id(ty, v)) {
            let find = &mut self.of(ty)?.find;
            find.raw_bind_parameter(1, rid)?;
            let mut rows = find.raw_query();
            if let Some((found, current)) = rows.next()?.map(Current::read).transpose()?
                && found == cell
            {
                return Ok(Some(current));
            }
        }
        Ok(None)
    }

    /// Adds the row of a resource that [`Rows::find`] did not find; its number.
    pub(crate) fn insert(&mut self, ty: &TypeTable, id: &str, row: &NewRow<'_>, cells: &[Value]) -> rusqlite::Result<i64> {
        let statements = self.of(ty)?;
        let rid = statements.next;
        statements.next += 1;
        let insert = &mut statements.insert;
        insert.raw_bind_parameter(1, rid)?;
        insert.raw_bind_parameter(2, IdCell::new(id))?;
        bind_row(insert, 3, row, cells)?;
        insert.raw_execute()?;
        self.new_ids.entry(hash::id_key(ty.resource_type, id)).or_default().push(pack_id(ty, rid));
        Ok(rid)
    }

    /// The ids that this batch added.
    pub(crate) fn new_ids(&mut self) -> Vec<Posting> {
        let ids = std::mem::take(&mut self.new_ids);
        ids.into_iter().flat_map(|(key, values)| values.into_iter().map(move |v| (key, v))).collect()
    }

    /// Makes the row that of a new version.
    pub(crate) fn update(&mut self, ty: &TypeTable, rid: i64, row: &NewRow<'_>, cells: &[Value]) -> rusqlite::Result<()> {
        let update = &mut self.of(ty)?.update;
        update.raw_bind_parameter(1, rid)?;
        bind_row(update, 2, row, cells)?;
        update.raw_execute().map(|_| ())
    }

    /// Notes that the current state was confirmed: no new version.
    pub(crate) fn touch(&mut self, ty: &TypeTable, rid: i64, ev: Option<i64>, merged: &[u8]) -> rusqlite::Result<()> {
        let touch = &mut self.of(ty)?.touch;
        touch.raw_bind_parameter(1, rid)?;
        touch.raw_bind_parameter(2, ev)?;
        touch.raw_bind_parameter(3, merged)?;
        touch.raw_execute().map(|_| ())
    }

    pub(crate) fn inline(&mut self, body: &[u8]) -> rusqlite::Result<i64> {
        self.inline.raw_bind_parameter(1, body)?;
        self.inline.raw_execute()?;
        Ok(self.conn.last_insert_rowid())
    }

    pub(crate) fn inline_body(&mut self, n: i64) -> rusqlite::Result<Vec<u8>> {
        self.inline_read.query_row([n], |r| r.get(0))
    }

    pub(crate) fn history(&mut self, ty: &TypeTable, old: &Current) -> rusqlite::Result<()> {
        let cells = [ty.number as i64, old.rid, old.ver, old.seq, old.off, old.len];
        run(&mut self.history, &cells)
    }

    pub(crate) fn superseded(&mut self, ty: &TypeTable, rid: i64, seq: i64, off: i64, len: i64, reason: i64) -> rusqlite::Result<()> {
        run(&mut self.superseded, &[ty.number as i64, rid, seq, off, len, reason])
    }

    pub(crate) fn texts(&mut self, values: &Values, rid: i64, ver: i64) -> rusqlite::Result<()> {
        for t in &values.texts {
            self.text.execute(rusqlite::params![t.param, t.norm, rid, ver, t.exact])?;
        }
        Ok(())
    }

    pub(crate) fn intern(&mut self, n: i64, text: &str) -> rusqlite::Result<()> {
        self.intern.execute(rusqlite::params![n, text]).map(|_| ())
    }

    pub(crate) fn event(&mut self, kind: i64, seq: i64, n: i64, body: &[u8]) -> rusqlite::Result<()> {
        self.event.execute(rusqlite::params![kind, seq, n, body]).map(|_| ())
    }

    pub(crate) fn message(&mut self, row: &MessageRow<'_>) -> rusqlite::Result<()> {
        let m = &mut self.message;
        m.raw_bind_parameter(1, row.seq)?;
        m.raw_bind_parameter(2, row.at)?;
        m.raw_bind_parameter(3, row.receipt)?;
        m.raw_bind_parameter(4, row.source)?;
        m.raw_bind_parameter(5, (!row.control.is_empty()).then_some(row.control))?;
        m.raw_bind_parameter(6, row.message_type)?;
        m.raw_bind_parameter(7, row.outcome)?;
        m.raw_bind_parameter(8, row.hash)?;
        m.raw_bind_parameter(9, row.refers)?;
        m.raw_bind_parameter(10, (!row.refs.is_empty()).then_some(row.refs))?;
        m.raw_execute().map(|_| ())
    }
}

/// The row of a journal entry.
pub(crate) struct MessageRow<'a> {
    pub(crate) seq: i64,
    /// Committed, µs since 1970.
    pub(crate) at: i64,
    pub(crate) receipt: &'a str,
    pub(crate) source: i64,
    pub(crate) control: &'a str,
    pub(crate) message_type: i64,
    pub(crate) outcome: i64,
    /// First 8 bytes of the content hash.
    pub(crate) hash: i64,
    pub(crate) refers: Option<i64>,
    pub(crate) refs: &'a [u8],
}

fn run(statement: &mut CachedStatement<'_>, cells: &[i64]) -> rusqlite::Result<()> {
    for (i, cell) in cells.iter().enumerate() {
        statement.raw_bind_parameter(i + 1, cell)?;
    }
    statement.raw_execute().map(|_| ())
}

fn bind_row(statement: &mut CachedStatement<'_>, from: usize, row: &NewRow<'_>, cells: &[Value]) -> rusqlite::Result<()> {
    for (i, cell) in [row.ver, row.seq, row.off, row.len].iter().enumerate() {
        statement.raw_bind_parameter(from + i, cell)?;
    }
    statement.raw_bind_parameter(from + 4, row.ev)?;
    statement.raw_bind_parameter(from + 5, row.merged)?;
    statement.raw_bind_parameter(from + 6, row.has)?;
    for (i, cell) in cells.iter().enumerate() {
        statement.raw_bind_parameter(from + 7 + i, cell)?;
    }
    Ok(())
}

impl<'c> TypeStatements<'c> {
    fn new(conn: &'c Connection, ty: &TypeTable) -> rusqlite::Result<TypeStatements<'c>> {
        let name = schema::table_name(ty);
        let columns = schema::search_columns(ty);
        let status = if columns.iter().any(|c| c == "s_status") { "s_status" } else { "NULL" };
        let all: Vec<&str> = schema::BASE.iter().copied().chain(columns.iter().map(String::as_str)).collect();
        let marks: Vec<String> = (1..=all.len()).map(|i| format!("?{i}")).collect();
        let set: Vec<String> = all.iter().skip(2).enumerate().map(|(i, c)| format!("{c}=?{}", i + 2)).collect();
        Ok(TypeStatements {
            find: conn.prepare_cached(&format!("SELECT {}, {status} FROM {name} WHERE rid=?1", schema::BASE.join(", ")))?,
            insert: conn.prepare_cached(&format!("INSERT INTO {name}({}) VALUES({})", all.join(", "), marks.join(", ")))?,
            update: conn.prepare_cached(&format!("UPDATE {name} SET {} WHERE rid=?1", set.join(", ")))?,
            touch: conn.prepare_cached(&format!("UPDATE {name} SET ev=?2, merged=?3 WHERE rid=?1"))?,
            next: conn.query_row(&format!("SELECT ifnull(max(rid), 0) + 1 FROM {name}"), [], |r| r.get(0))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_they_were() {
        for id in
            ["01234567-89ab-8def-8123-456789abcdef", "01234567-89AB-8def-8123-456789abcdef", "p1", "0123456789ab-8def-8123-456789abcdef0"]
        {
            assert_eq!(IdCell::new(id).text(), id);
        }
        assert!(matches!(IdCell::new("01234567-89ab-8def-8123-456789abcdef"), IdCell::Uuid(_)));
    }
}
