//! Running a search: the statement, the bodies, the page, and what goes with it.

use std::rc::Rc;

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::vtab::array::Array;

use super::matches;
use super::read::{PLACE, Place, ReadError, Reader, Session};
use super::resolve::{self, Resolved};
use super::rows::IdCell;
use super::schema;
use super::snapshot;
use super::values::{VERSION_BITS, pack};
use crate::search::cursor::KeyValue;
use crate::search::sql::{Arg, Cond, Dialect, Driver, OrderBy, Select, Sql};
use crate::search::table::{Plan, TypeTable};
use crate::search::{Cursor, Found, Page, Param, Query, SortKey, Total};

/// A match with its stored body.
pub(super) struct Match {
    pub(super) place: Place,
    pub(super) keys: Vec<KeyValue>,
    pub(super) body: Vec<u8>,
}

impl Reader {
    /// Answers a search; the call takes two seconds at most.
    pub fn search(&self, query: &Query) -> Result<Page, ReadError> {
        self.with(|s| s.search(query))
    }
}

impl Session<'_> {
    fn search(&self, query: &Query) -> Result<Page, ReadError> {
        let resolved = resolve::resolve(self, query)?;
        let table = schema::table_name(query.table);
        let mut select = self.select(query, &resolved, &table)?;
        let mut page = Page { matches: Vec::new(), included: Vec::new(), included_cut: false, next: None, total: None };
        if query.total == Total::Accurate || query.count_only {
            page.total = Some(self.total(query, &resolved, &select)?);
        }
        if query.count_only {
            return Ok(page);
        }
        select.after = query.after.as_ref();
        let mut found = self.run(query, &resolved, &mut select, query.count + 1)?;
        if let Some(cursor) = query.after.as_ref().filter(|_| select.as_it_was()) {
            for was in self.changed_since(query, &resolved, cursor)? {
                let at = found.partition_point(|f| snapshot::before(query, (&f.keys, f.place.rid), (&was.keys, was.place.rid)));
                found.insert(at, was);
            }
        }
        if found.len() > query.count {
            found.truncate(query.count);
            if let Some(last) = found.last() {
                page.next = Some(self.cursor(query, &table, last)?);
            }
        } else if query.after.is_none() {
            page.total = Some(found.len() as u64);
        }
        for m in &found {
            let version = self.version_of(&m.place, &m.body)?;
            page.matches.push(Found { resource_type: query.table.resource_type, id: m.place.id.text(), version });
        }
        if !query.include.is_empty() || !query.revinclude.is_empty() {
            self.include(query, &found, &mut page)?;
        }
        Ok(page)
    }

    fn select<'t>(&self, query: &'t Query, resolved: &Resolved, table: &'t str) -> Result<Select<'t>, ReadError> {
        let order: Vec<OrderBy> =
            query.sort.iter().map(|s| OrderBy { expression: expression(query.table, &s.key), descending: s.descending }).collect();
        if query.after.as_ref().is_some_and(|c| c.keys.len() != order.len()) {
            return Err(ReadError::BadCursor);
        }
        Ok(Select {
            table,
            driver: resolved.driver.clone(),
            cond: resolved.cond.clone(),
            order,
            after: None,
            by_time: matches!(query.sort.first(), Some(s) if matches!(s.key, SortKey::LastUpdated)),
            limit: None,
            version_bits: VERSION_BITS,
        })
    }

    fn cursor(&self, query: &Query, table: &str, last: &Match) -> Result<Cursor, ReadError> {
        let (seq, born) = match &query.after {
            Some(before) => (before.seq, before.born),
            None => {
                let sql = format!("SELECT ifnull(max(rid), 0) FROM {table}");
                (self.applied as u64, self.conn.prepare_cached(&sql)?.query_row([], |r| r.get(0))?)
            }
        };
        Ok(Cursor { seq, born, row: last.place.rid, keys: last.keys.clone() })
    }

    fn total(&self, query: &Query, resolved: &Resolved, select: &Select<'_>) -> Result<u64, ReadError> {
        if resolved.decides {
            let mut all = Select { limit: None, order: Vec::new(), cond: select.cond.clone(), driver: select.driver.clone(), ..*select };
            return Ok(self.run(query, resolved, &mut all, usize::MAX)?.len() as u64);
        }
        let sql = select.count(Dialect::Sqlite);
        let mut statement = self.conn.prepare_cached(&sql.text)?;
        bind(&mut statement, &sql)?;
        let mut rows = statement.raw_query();
        let n: i64 = rows.next()?.map_or(Ok(0), |r| r.get(0))?;
        Ok(n.unsigned_abs())
    }

    /// The first `wanted` matches behind the cursor, with their bodies.
    fn run(&self, query: &Query, resolved: &Resolved, select: &mut Select<'_>, wanted: usize) -> Result<Vec<Match>, ReadError> {
        // where bodies decide, nobody knows how many rows it takes
        select.limit = (!resolved.decides).then_some(wanted);
        let sql = select.page(Dialect::Sqlite, PLACE);
        let needles = Needles::new(query, resolved);
        let mut statement = self.conn.prepare_cached(&sql.text)?;
        bind(&mut statement, &sql)?;
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let place = Place::read(row)?;
            let keys = query.sort.iter().enumerate().map(|(i, s)| key(row.get_ref(6 + i)?, &s.key)).collect::<rusqlite::Result<_>>()?;
            self.in_time()?;
            let body = self.body(&place)?;
            if !needles.hold(query, resolved, &body) {
                continue;
            }
            // for a count, the body has done its duty
            let body = if wanted == usize::MAX { Vec::new() } else { body };
            out.push(Match { place, keys, body });
            if out.len() >= wanted {
                break;
            }
        }
        Ok(out)
    }

    /// How SQLite reads what a query asks for.
    #[cfg(test)]
    pub(super) fn explain(&self, query: &Query) -> Result<String, ReadError> {
        let resolved = resolve::resolve(self, query)?;
        let table = schema::table_name(query.table);
        let mut select = self.select(query, &resolved, &table)?;
        select.limit = Some(10);
        let sql = select.page(Dialect::Sqlite, PLACE);
        let mut statement = self.conn.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text))?;
        bind(&mut statement, &sql)?;
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(row.get::<_, String>(3)?);
        }
        Ok(out.join("; "))
    }

    /// Rows and versions, packed, that these messages wrote and whose column is one of these.
    pub(super) fn rows_of(&self, table: &TypeTable, messages: &Rc<Vec<i64>>, column: &str, values: &[i64]) -> Result<Vec<u64>, ReadError> {
        let name = schema::table_name(table);
        let select = Select {
            table: &name,
            driver: Driver::Messages(Rc::clone(messages)),
            cond: Cond::In(column.to_owned(), values.to_vec()),
            order: Vec::new(),
            after: None,
            by_time: false,
            limit: None,
            version_bits: VERSION_BITS,
        };
        let sql = select.page(Dialect::Sqlite, "r.rid, r.ver");
        let mut statement = self.conn.prepare_cached(&sql.text)?;
        bind(&mut statement, &sql)?;
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(pack(row.get(0)?, row.get(1)?));
        }
        Ok(out)
    }

    /// The ids of resources that meet one condition.
    pub(super) fn ids_where(&self, table: &'static TypeTable, param: &Param, limit: usize) -> Result<Vec<String>, ReadError> {
        let mut query = Query::all(table.resource_type).map_err(|_| ReadError::TooCostly)?;
        query.params.push(param.clone());
        let found = self.matching(&query, limit)?;
        Ok(found.iter().map(|m| m.place.id.text()).collect())
    }

    /// The first matches of a query, without paging.
    pub(super) fn matching(&self, query: &Query, limit: usize) -> Result<Vec<Match>, ReadError> {
        let resolved = resolve::resolve(self, query)?;
        let table = schema::table_name(query.table);
        let mut select = self.select(query, &resolved, &table)?;
        self.run(query, &resolved, &mut select, limit)
    }
}

/// The expression that a sort key is on row `r`.
fn expression(table: &TypeTable, key: &SortKey) -> String {
    match key {
        SortKey::LastUpdated => "r.seq".to_owned(),
        SortKey::Id => "r.id".to_owned(),
        SortKey::Param(p) => match p.plan {
            Plan::Text => format!("r.{}", schema::text_column(p.name)),
            Plan::Column { column } => {
                let name = table.columns.get(column).map(|c| c.names().swap_remove(0)).unwrap_or_default();
                if name.ends_with("_lo") { format!("r.{name}") } else { format!("(SELECT text FROM intern WHERE n=r.{name})") }
            }
            Plan::Special | Plan::Narrow => "r.rid".to_owned(),
        },
    }
}

fn key(value: ValueRef<'_>, key: &SortKey) -> rusqlite::Result<KeyValue> {
    Ok(match (value, key) {
        (_, SortKey::Id) => KeyValue::Id(IdCell::read(value).text()),
        (ValueRef::Integer(n), _) => KeyValue::Int(n),
        (ValueRef::Text(_), _) => KeyValue::Text(value.as_str().map_err(rusqlite::Error::from)?.to_owned()),
        _ => KeyValue::Null,
    })
}

fn bind(statement: &mut rusqlite::Statement<'_>, sql: &Sql) -> rusqlite::Result<()> {
    for (i, arg) in sql.args.iter().enumerate() {
        let at = i + 1;
        match arg {
            Arg::Int(n) => statement.raw_bind_parameter(at, n)?,
            Arg::Real(x) => statement.raw_bind_parameter(at, x)?,
            Arg::Text(t) => statement.raw_bind_parameter(at, t)?,
            Arg::Id(id) => statement.raw_bind_parameter(at, IdCell::new(id))?,
            Arg::Set(set) => {
                let cells: Array = Rc::new(set.iter().map(|n| Cell::Integer(*n)).collect());
                statement.raw_bind_parameter(at, cells)?;
            }
        }
    }
    Ok(())
}

/// What must stand in the bodies of matches whose index entries are only hashes. A text that is there settles it at the
/// speed of a memory scan; where it is not (escaped otherwise, or a collision), the body is read.
struct Needles(Vec<(usize, Vec<Vec<u8>>)>);

impl Needles {
    fn new(query: &Query, resolved: &Resolved) -> Needles {
        let of = |i: &usize| (*i, if resolved.decides { Vec::new() } else { texts(&query.params[*i], resolved.linked[*i].as_deref()) });
        Needles(resolved.check.iter().map(of).collect())
    }

    fn hold(&self, query: &Query, resolved: &Resolved, body: &[u8]) -> bool {
        self.0.iter().all(|(i, texts)| {
            texts.iter().any(|t| memchr::memmem::find(body, t).is_some())
                || matches::holds(query.table, &query.params[*i], resolved.linked[*i].as_deref(), body)
        })
    }
}

/// Texts any of which tells that the condition holds; none where the body has to be read.
fn texts(param: &Param, linked: Option<&[String]>) -> Vec<Vec<u8>> {
    use crate::search::value::{System, Value};
    let quoted = |text: &str| {
        let mut out = vec![b'"'];
        hutong_fhir::json::escape(text, &mut out);
        out.push(b'"');
        out
    };
    if let Some(linked) = linked {
        return linked.iter().map(|l| quoted(l)).collect();
    }
    let mut out = Vec::new();
    for value in &param.values {
        match value {
            Value::Reference(literals) => out.extend(literals.iter().map(|l| quoted(l))),
            Value::Uri(uri) => out.push(quoted(uri)),
            // the code may stand there in another system
            Value::Token { system: System::Any, code: Some(code) } => out.push(quoted(code)),
            _ => return Vec::new(),
        }
    }
    out
}
