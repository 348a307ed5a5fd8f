//! Later pages of a sorted search show the state of the first: what was changed since (and so moved in the order, or out
//! of the search) is taken as it was then, from the history.

use super::matches;
use super::read::{Place, ReadError, Session};
use super::resolve::Resolved;
use super::rows::IdCell;
use super::search::Match;
use super::values::Values;
use super::{extract, schema};
use crate::search::cursor::KeyValue;
use crate::search::table::{Plan, TypeTable};
use crate::search::value::{Prefix, Value, normalise};
use crate::search::{Cursor, Param, Query, Sort, SortKey};

/// Resources changed since the first page that are looked at; past it the search has to begin again.
const CHANGED_MAX: usize = 5_000;

impl Session<'_> {
    /// Matches as they were at the cursor's entry, of the resources changed since, that stand behind the cursor.
    pub(super) fn changed_since(&self, query: &Query, resolved: &Resolved, cursor: &Cursor) -> Result<Vec<Match>, ReadError> {
        let sql = format!(
            "SELECT r.rid, r.id, h.ver, h.seq, h.off, h.len FROM {} r JOIN history h ON h.type=?1 AND h.rid=r.rid
             AND h.ver=(SELECT max(ver) FROM history WHERE type=?1 AND rid=r.rid AND seq<=?2)
             WHERE r.seq>?2 AND r.rid<=?3 LIMIT ?4",
            schema::table_name(query.table)
        );
        let mut find = self.conn.prepare_cached(&sql)?;
        let mut rows = find.query([query.table.number as i64, cursor.seq as i64, cursor.born, CHANGED_MAX as i64 + 1])?;
        let mut out = Vec::new();
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            looked += 1;
            if looked > CHANGED_MAX {
                return Err(ReadError::TooCostly);
            }
            self.in_time()?;
            let place = Place::read(row)?;
            if place.len == 0 {
                continue;
            }
            let body = self.body(&place)?;
            let held =
                query.params.iter().enumerate().all(|(i, p)| self.held(query.table, p, resolved.linked[i].as_deref(), &place, &body));
            let keys = query.sort.iter().map(|s| self.key_of(query.table, s, &place, &body)).collect();
            let found = Match { place, keys, body };
            if held && before(query, (&cursor.keys, cursor.row), (&found.keys, found.place.rid)) {
                out.push(found);
            }
        }
        Ok(out)
    }

    fn held(&self, table: &TypeTable, param: &Param, linked: Option<&[String]>, place: &Place, body: &[u8]) -> bool {
        if param.definition.plan != Plan::Special {
            return matches::holds(table, param, linked, body);
        }
        param.values.iter().any(|value| match value {
            Value::Id(id) => IdCell::new(id) == place.id,
            Value::Date { prefix, range } => {
                let at = self.committed(place.seq).unwrap_or_default();
                match prefix {
                    Prefix::Eq | Prefix::Ap => at >= range.lo && at < range.hi,
                    Prefix::Ne => at < range.lo || at >= range.hi,
                    Prefix::Gt | Prefix::Sa => at >= range.hi,
                    Prefix::Lt | Prefix::Eb => at < range.lo,
                    Prefix::Ge => at >= range.lo,
                    Prefix::Le => at < range.hi,
                }
            }
            _ => false,
        })
    }

    /// What the row's sort key was.
    fn key_of(&self, table: &TypeTable, sort: &Sort, place: &Place, body: &[u8]) -> KeyValue {
        match sort.key {
            SortKey::LastUpdated => KeyValue::Int(place.seq),
            SortKey::Id => KeyValue::Id(place.id.text()),
            SortKey::Param(p) => {
                let slot = match p.plan {
                    Plan::Column { column } => extract::Slot::Column(column),
                    _ => extract::Slot::Text(table.params.iter().position(|q| q.name == p.name).unwrap_or(usize::MAX)),
                };
                let mut items = Vec::new();
                extract::items(table, body, &mut items);
                let first = items.iter().find(|(s, _)| *s == slot).map(|(_, item)| item);
                match first {
                    Some(extract::Item::Date(range)) => KeyValue::Int(Values::stored_range(*range).0),
                    // a text that is not interned has no place in the order, as in the statement
                    Some(extract::Item::Token { code, .. }) => {
                        let interner = self.generation.interner.read().ok();
                        let text = interner.as_ref().and_then(|i| i.known(code).and_then(|n| i.text(n)));
                        text.map_or(KeyValue::Null, |t| KeyValue::Text(t.to_owned()))
                    }
                    Some(extract::Item::Text(t)) => KeyValue::Text(schema::norm(&normalise(t)).to_owned()),
                    _ => KeyValue::Null,
                }
            }
        }
    }
}

/// Whether the first position comes before the second in the order of the search.
pub(super) fn before(query: &Query, first: (&[KeyValue], i64), second: (&[KeyValue], i64)) -> bool {
    for (sort, (a, b)) in query.sort.iter().zip(first.0.iter().zip(second.0)) {
        match compare(a, b) {
            std::cmp::Ordering::Equal => {}
            order => return order.is_lt() != sort.descending,
        }
    }
    let descending = query.sort.first().is_some_and(|s| s.descending);
    if descending { first.1 > second.1 } else { first.1 < second.1 }
}

/// SQLite's order of the values a key can have: NULL, numbers, text, blobs (UUIDs).
fn compare(a: &KeyValue, b: &KeyValue) -> std::cmp::Ordering {
    let rank = |k: &KeyValue| match k {
        KeyValue::Null => 0,
        KeyValue::Int(_) => 1,
        KeyValue::Text(_) => 2,
        KeyValue::Id(id) => match IdCell::new(id) {
            IdCell::Text(_) => 2,
            IdCell::Uuid(_) => 3,
        },
    };
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (KeyValue::Int(a), KeyValue::Int(b)) => a.cmp(b),
        (KeyValue::Text(a) | KeyValue::Id(a), KeyValue::Text(b) | KeyValue::Id(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    })
}
