//! From a checked query to conditions, and to the cheapest place to begin: the rows that one or two of its parameters
//! lead to through the postings.

use std::rc::Rc;

use super::hash::{self, Tag};
use super::read::{ReadError, Session};
use super::schema;
use super::values::{pair_key, system_key, unpack};
use crate::search::sql::{Cond, Driver, TextMatch};
use crate::search::table::{Column, ParamKind, Parameter, Plan, TypeTable};
use crate::search::value::{Prefix, System, Value, normalise};
use crate::search::{Modifier, Param, Query};

/// Resources that a chained condition may lead to.
const LINKED_MAX: usize = 1_000;

/// Numbers that lead to rows, distinct.
type Set = Rc<Vec<i64>>;

/// A query as far as the store's numbers go.
pub(crate) struct Resolved {
    pub(crate) driver: Driver,
    pub(crate) cond: Cond,
    /// Parameters (by position) that the rows found must be held against by their bodies.
    pub(crate) check: Vec<usize>,
    /// For each parameter that is a chain, the literal references its inner condition leads to.
    pub(crate) linked: Vec<Option<Vec<String>>>,
    /// Some of `check` decides, so that rows must be looked at before they are counted.
    pub(crate) decides: bool,
}

struct Resolver<'s, 'a> {
    session: &'s Session<'a>,
    table: &'static TypeTable,
    out: Resolved,
    /// Parameters that the driver answers.
    covered: Vec<usize>,
}

/// Resolves all of a query's parameters.
pub(crate) fn resolve(session: &Session<'_>, query: &Query) -> Result<Resolved, ReadError> {
    let mut linked = Vec::new();
    for param in &query.params {
        linked.push(if param.chain.is_empty() { None } else { Some(chain(session, param)?) });
    }
    let out = Resolved { driver: Driver::All, cond: Cond::True, check: Vec::new(), linked, decides: false };
    let mut resolver = Resolver { session, table: query.table, out, covered: Vec::new() };
    resolver.drive(&query.params)?;
    let mut conds = Vec::new();
    for (i, param) in query.params.iter().enumerate() {
        if resolver.covered.contains(&i) {
            continue;
        }
        match resolver.condition(i, param) {
            Ok(cond) => conds.push(cond),
            // too many to be looked up: where there is another place to begin, the bodies tell
            Err(ReadError::TooCostly) if resolver.out.driver != Driver::All => {
                resolver.out.check.push(i);
                resolver.out.decides = true;
            }
            Err(other) => return Err(other),
        }
    }
    if resolver.out.driver == Driver::All && conds.iter().any(|c| is_recent(c, session.applied)) {
        resolver.out.driver = Driver::Recent;
    }
    if resolver.out.driver == Driver::All
        && let Some(at) = conds.iter().position(|c| matches!(c, Cond::Packed(_)))
        && let Cond::Packed(set) = conds.swap_remove(at)
    {
        resolver.out.driver = Driver::Packed(set);
    }
    resolver.out.cond = if conds.is_empty() { Cond::True } else { Cond::And(conds) };
    Ok(resolver.out)
}

/// Entries that count as a small part of all.
const RECENT_MAX: i64 = 20_000;

/// Whether a condition leaves only what few entries changed.
fn is_recent(cond: &Cond, applied: i64) -> bool {
    match cond {
        Cond::Seq(from, to) => (*to).min(applied + 1) - (*from).max(1) <= RECENT_MAX.min(applied / 4 + 1),
        Cond::Or(list) => list.len() == 1 && list.iter().all(|c| is_recent(c, applied)),
        _ => false,
    }
}

/// The literal references that a chained condition leads to.
fn chain(session: &Session<'_>, param: &Param) -> Result<Vec<String>, ReadError> {
    let mut out = Vec::new();
    for (target, inner) in &param.chain {
        for id in session.ids_where(target, inner, LINKED_MAX + 1)? {
            out.push(format!("{}/{id}", target.resource_type));
        }
        if out.len() > LINKED_MAX {
            return Err(ReadError::TooCostly);
        }
    }
    Ok(out)
}

/// The literal references that a parameter asks for.
fn references(param: &Param, linked: Option<&Vec<String>>) -> Option<Vec<String>> {
    if let Some(linked) = linked {
        return Some(linked.clone());
    }
    if param.definition.kind != ParamKind::Reference || !matches!(param.modifier, Modifier::None | Modifier::Type(_)) {
        return None;
    }
    let values = param.values.iter().filter_map(|v| if let Value::Reference(literals) = v { Some(literals) } else { None });
    Some(values.flatten().cloned().collect())
}

fn column<'t>(table: &'t TypeTable, definition: &Parameter) -> Option<(usize, &'t Column)> {
    match definition.plan {
        Plan::Column { column } => table.columns.get(column).map(|c| (column, c)),
        _ => None,
    }
}

/// One posting a row: of several versions the newest, which alone can be the current one.
fn newest(mut packed: Vec<u64>) -> Set {
    packed.sort_unstable_by(|a, b| b.cmp(a));
    packed.dedup_by_key(|p| unpack(*p).0);
    packed.reverse();
    Rc::new(packed.into_iter().map(|p| p as i64).collect())
}

fn distinct(mut numbers: Vec<u64>) -> Set {
    numbers.sort_unstable();
    numbers.dedup();
    Rc::new(numbers.into_iter().map(|n| n as i64).collect())
}

impl Resolver<'_, '_> {
    /// Chooses where to begin: an id; an identifier; what a patient has of a code; what a patient has; what a resource
    /// (encounter, order, specimen) has; a code; a name.
    fn drive(&mut self, params: &[Param]) -> Result<(), ReadError> {
        if let Some(i) = params.iter().position(|p| p.definition.kind == ParamKind::Id) {
            self.out.driver = Driver::Rows(self.rows(&params[i])?);
            self.covered.push(i);
            return Ok(());
        }
        let identifier = |p: &Param| matches!(p.definition.name, "identifier" | "accession" | "group-identifier" | "requisition");
        let narrow = |p: &&Param| p.definition.plan == Plan::Narrow && p.chain.is_empty() && p.modifier == Modifier::None;
        if let Some(i) = params.iter().position(|p| identifier(p) && narrow(&p) && !whole_system(p)) {
            return self.narrow_driver(i, &params[i]);
        }
        if self.reference_driver(params)? {
            return Ok(());
        }
        for (i, param) in params.iter().enumerate().filter(|(_, p)| narrow(p) && !whole_system(p)) {
            match self.narrow_driver(i, param) {
                Err(ReadError::TooCostly) => {}
                done => return done,
            }
        }
        for (i, param) in params.iter().enumerate() {
            if let Some(driver) = self.code_driver(param)? {
                self.out.driver = driver;
                self.covered.push(i);
                self.out.check.push(i);
                return Ok(());
            }
            if let ([value @ Value::String(_)], Plan::Text) = (&param.values[..], &param.definition.plan)
                && let Some((number, wanted)) = text(param, value)
            {
                self.out.driver = Driver::Text { param: number, wanted };
                self.covered.push(i);
                return Ok(());
            }
        }
        Ok(())
    }

    fn narrow_driver(&mut self, i: usize, param: &Param) -> Result<(), ReadError> {
        self.out.driver = Driver::Packed(self.posted(param, param.definition.number)?);
        self.covered.push(i);
        self.out.check.push(i);
        Ok(())
    }

    /// Begins at a reference: a posted column's, a narrow one's, or a chain's.
    fn reference_driver(&mut self, params: &[Param]) -> Result<bool, ReadError> {
        // a patient before an encounter or an order: only it has pairs
        let mut candidates: Vec<(usize, Vec<String>)> =
            params.iter().enumerate().filter_map(|(i, p)| Some((i, references(p, self.out.linked[i].as_ref())?))).collect();
        candidates.sort_by_key(|(i, _)| {
            let paired = column(self.table, params[*i].definition).is_some_and(|(c, _)| self.table.pairs.iter().any(|(r, _)| *r == c));
            (!paired, *i)
        });
        for (i, literals) in candidates {
            let Some((at, col)) = column(self.table, params[i].definition) else { continue };
            if !col.posted {
                continue;
            }
            if let Some((code_at, packed)) = self.pair(at, col, &literals, params)? {
                self.out.driver = Driver::Packed(packed);
                self.covered.push(code_at);
                self.out.check.push(code_at);
                return Ok(true);
            }
            let mut messages = Vec::new();
            for literal in &literals {
                messages.extend(self.session.postings(hash::key(Tag::Link, col.number, literal.as_bytes(), b""))?);
            }
            let messages = distinct(messages);
            if !col.further {
                self.out.driver = Driver::Messages(messages);
                return Ok(true);
            }
            // first values lead to messages, further ones to rows: two ways to begin, of which one is made
            let hashes: Vec<i64> = literals.iter().map(|l| hash::reference(l)).collect();
            let mut packed = self.session.rows_of(self.table, &messages, &col.names().swap_remove(0), &hashes)?;
            for literal in &literals {
                packed.extend(self.session.postings(hash::key(Tag::Value, col.number, literal.as_bytes(), b""))?);
            }
            self.out.driver = Driver::Packed(newest(packed));
            self.covered.push(i);
            self.out.check.push(i);
            return Ok(true);
        }
        Ok(false)
    }

    /// What these references have of the codes that another parameter asks for.
    fn pair(&self, at: usize, col: &Column, literals: &[String], params: &[Param]) -> Result<Option<(usize, Set)>, ReadError> {
        let Some((_, token)) = self.table.pairs.iter().find(|(r, _)| *r == at) else { return Ok(None) };
        let asked = params.iter().position(|p| {
            p.definition.plan == Plan::Column { column: *token }
                && p.modifier == Modifier::None
                && p.values.iter().all(|v| matches!(v, Value::Token { code: Some(_), .. }))
        });
        let Some(code_at) = asked else { return Ok(None) };
        let mut packed = Vec::new();
        for value in &params[code_at].values {
            let Value::Token { code: Some(code), .. } = value else { continue };
            for literal in literals {
                packed.extend(self.session.postings(pair_key(col.number, hash::reference(literal), code))?);
            }
        }
        Ok(Some((code_at, newest(packed))))
    }

    /// All that has one of these codes, where the column is posted.
    fn code_driver(&self, param: &Param) -> Result<Option<Driver>, ReadError> {
        let Some((_, col)) = column(self.table, param.definition) else { return Ok(None) };
        if !col.posted || param.definition.kind != ParamKind::Token || param.modifier != Modifier::None {
            return Ok(None);
        }
        let mut packed = Vec::new();
        for value in &param.values {
            let Value::Token { code: Some(code), system } = value else { return Ok(None) };
            packed.extend(self.session.postings(hash::key(Tag::First, col.number, code.as_bytes(), b""))?);
            if col.further {
                packed.extend(self.session.postings(posted_key(col.number, system, code, (Tag::Value, Tag::SystemValue)))?);
            }
        }
        Ok(Some(Driver::Packed(newest(packed))))
    }

    /// Row numbers of `_id`.
    fn rows(&self, param: &Param) -> Result<Set, ReadError> {
        let mut rows = Vec::new();
        for value in &param.values {
            if let Value::Id(id) = value
                && let Some(place) = self.session.current(self.table, id)?
            {
                rows.push(place.rid as u64);
            }
        }
        Ok(distinct(rows))
    }

    /// Rows (and versions) that have one of the values among the postings of a number.
    fn posted(&self, param: &Param, number: i64) -> Result<Set, ReadError> {
        let mut packed = Vec::new();
        for value in &param.values {
            match value {
                Value::Token { system, code: Some(code) } => {
                    let tags = if param.modifier == Modifier::Identifier {
                        (Tag::Logical, Tag::SystemLogical)
                    } else {
                        (Tag::Value, Tag::SystemValue)
                    };
                    packed.extend(self.session.postings(posted_key(number, system, code, tags))?);
                }
                Value::Reference(literals) => {
                    for literal in literals {
                        packed.extend(self.session.postings(hash::key(Tag::Value, number, literal.as_bytes(), b""))?);
                    }
                }
                Value::Uri(uri) => packed.extend(self.session.postings(hash::key(Tag::Value, number, uri.as_bytes(), b""))?),
                _ => {}
            }
        }
        Ok(newest(packed))
    }

    /// The condition that a parameter puts on a row, and whether the row's body must be looked at too.
    fn condition(&mut self, i: usize, param: &Param) -> Result<Cond, ReadError> {
        if let Some(literals) = references(param, self.out.linked[i].as_ref()) {
            self.out.check.push(i);
            return self.reference(param, &literals);
        }
        if param.modifier == Modifier::Missing {
            return Ok(self.missing(param));
        }
        let narrow = param.definition.plan == Plan::Narrow;
        let posts_more = narrow || column(self.table, param.definition).is_some_and(|(_, c)| c.further);
        if posts_more && whole_system(param) {
            // `system|`: no posting says it, so of those that have a value at all the bodies tell
            self.out.check.push(i);
            self.out.decides = true;
            let any = Cond::Not(Box::new(self.absent(param)));
            return Ok(if param.modifier == Modifier::Not { Cond::True } else { any });
        }
        if narrow && param.modifier != Modifier::Not {
            self.out.check.push(i);
            return Ok(Cond::Packed(self.posted(param, param.definition.number)?));
        }
        let mut any = Vec::new();
        for value in &param.values {
            any.push(self.value(param, value)?);
        }
        let mut packed = None;
        if param.modifier == Modifier::Identifier || (posts_more && param.definition.kind == ParamKind::Token) {
            let number = column(self.table, param.definition).map_or(param.definition.number, |(_, c)| c.number);
            packed = Some(self.posted(param, number)?).filter(|p| !p.is_empty());
        }
        any.extend(packed.map(Cond::Packed));
        if param.values.iter().any(|v| matches!(v, Value::Quantity { system: System::Is(_), .. })) {
            self.out.check.push(i);
        }
        let cond = Cond::Or(any);
        Ok(if param.modifier == Modifier::Not { Cond::Not(Box::new(cond)) } else { cond })
    }

    fn reference(&self, param: &Param, literals: &[String]) -> Result<Cond, ReadError> {
        let posted = |number: i64| -> Result<Cond, ReadError> {
            let mut packed = Vec::new();
            for literal in literals {
                packed.extend(self.session.postings(hash::key(Tag::Value, number, literal.as_bytes(), b""))?);
            }
            Ok(Cond::Packed(newest(packed)))
        };
        let Some((_, col)) = column(self.table, param.definition) else { return posted(param.definition.number) };
        let name = col.names().swap_remove(0);
        let own = Cond::In(name, literals.iter().map(|l| hash::reference(l)).collect());
        Ok(if col.further { Cond::Or(vec![own, posted(col.number)?]) } else { own })
    }

    fn missing(&self, param: &Param) -> Cond {
        let wanted: Vec<bool> = param.values.iter().filter_map(|v| if let Value::Missing(m) = v { Some(*m) } else { None }).collect();
        if wanted.contains(&true) && wanted.contains(&false) {
            return Cond::True;
        }
        let absent = self.absent(param);
        if wanted.contains(&true) { absent } else { Cond::Not(Box::new(absent)) }
    }

    fn absent(&self, param: &Param) -> Cond {
        match column(self.table, param.definition) {
            Some((_, col)) => Cond::Null(col.names().swap_remove(0)),
            None => Cond::HasNot(param.definition.bit),
        }
    }

    /// The condition of one value on the row's own cells.
    fn value(&self, param: &Param, value: &Value) -> Result<Cond, ReadError> {
        let col = column(self.table, param.definition).map(|(_, c)| c);
        Ok(match (value, col) {
            (Value::Id(_), _) => Cond::Rows(self.rows(param)?),
            (Value::Token { system, code }, Some(col)) if param.definition.kind == ParamKind::Token => {
                self.token(col, system, code.as_deref())
            }
            (Value::Date { prefix, range }, Some(col)) => {
                Cond::Date { column: format!("s_{}", col.name), prefix: *prefix, lo: range.lo, hi: range.hi }
            }
            (Value::Date { prefix, range }, None) => self.last_updated(*prefix, range.lo, range.hi)?,
            (Value::Quantity { prefix, value, lo, hi, unit, .. }, Some(col)) => {
                let [number, unit_name] = &col.names()[..] else { return Ok(Cond::False) };
                let mut all = vec![Cond::Number { column: number.clone(), prefix: *prefix, value: *value, lo: *lo, hi: *hi }];
                if let Some(unit) = unit {
                    all.push(self.known(unit).map_or(Cond::False, |n| Cond::In(unit_name.clone(), vec![n])));
                }
                Cond::And(all)
            }
            (Value::String(_), _) => text(param, value).map_or(Cond::False, |(param, wanted)| Cond::Text { param, wanted }),
            // these are posted only
            _ => Cond::False,
        })
    }

    fn token(&self, col: &Column, system: &System, code: Option<&str>) -> Cond {
        let names = col.names();
        let [code_name, system_name] = &names[..] else { return Cond::False };
        let mut all = Vec::new();
        match code.map(|c| self.known(c)) {
            Some(None) => return Cond::False,
            Some(Some(n)) => all.push(Cond::In(code_name.clone(), vec![n])),
            None => {}
        }
        match system {
            System::Any => {}
            System::Absent => all.push(Cond::In(system_name.clone(), vec![0])),
            System::Is(system) => match self.known(system) {
                None => return Cond::False,
                Some(n) => all.push(Cond::In(system_name.clone(), vec![n])),
            },
        }
        Cond::And(all)
    }

    fn known(&self, text: &str) -> Option<i64> {
        self.session.generation.interner.read().ok()?.known(text)
    }

    /// Entries are in the order of their times, so a time is a place among them. A time is a point.
    fn last_updated(&self, prefix: Prefix, lo: i64, hi: i64) -> Result<Cond, ReadError> {
        let (from, to) = (self.session.first_at(lo)?, self.session.first_at(hi)?);
        Ok(match prefix {
            Prefix::Eq | Prefix::Ap => Cond::Seq(from, to),
            Prefix::Ne => Cond::Not(Box::new(Cond::Seq(from, to))),
            Prefix::Gt | Prefix::Sa => Cond::Seq(to, i64::MAX),
            Prefix::Lt | Prefix::Eb => Cond::Seq(0, from),
            Prefix::Ge => Cond::Seq(from, i64::MAX),
            Prefix::Le => Cond::Seq(0, to),
        })
    }
}

fn posted_key(number: i64, system: &System, code: &str, (any, within): (Tag, Tag)) -> u64 {
    match system {
        System::Any => hash::key(any, number, code.as_bytes(), b""),
        System::Absent => system_key(within, number, "", code),
        System::Is(system) => system_key(within, number, system, code),
    }
}

/// Whether some value asks for all codes of a system.
fn whole_system(param: &Param) -> bool {
    param.values.iter().any(|v| matches!(v, Value::Token { code: None, .. }))
}

fn text(param: &Param, value: &Value) -> Option<(i64, TextMatch)> {
    let Value::String(text) = value else { return None };
    let wanted = match param.modifier {
        Modifier::Exact => TextMatch::Is(schema::norm(&normalise(text)).to_owned(), text.clone()),
        Modifier::Contains => TextMatch::Contains(text.clone()),
        _ => TextMatch::Begins(schema::norm(text).to_owned()),
    };
    Some((param.definition.number, wanted))
}
