//! `GET [base]/Patient/[id]/$everything`: the patient, all of his compartment, and the institutions, persons, places and
//! items that these refer to (<https://hl7.org/fhir/R4/patient-operation-everything.html>).
//!
//! It walks type by type over ordinary searches; its cursor says in which type and where in it the page before ended.

use std::collections::HashSet;

use hutong_commit::search::table::{self, ParamKind, TypeTable, types};
use hutong_commit::search::{Cursor, Found, Query};
use hutong_wire::limits::{Limits, size};

use crate::answer::Answer;
use crate::bundle::{Bundle, Mode};
use crate::interaction::compartment::membership;
use crate::negotiate::Handling;
use crate::params::{self, Fields, Honoured};
use crate::refusal::{self, Refusal};
use crate::source::Source;
use crate::time;

const SUPPORTED: &str = "_since, _type, _count, _cursor, _format, _pretty";

/// What is asked, and where to go on.
struct Asked {
    honoured: Honoured,
    left_out: Vec<Refusal>,
    count: usize,
    since_us: Option<i64>,
    kinds: Option<Vec<&'static str>>,
    cursor: Option<String>,
}

/// A position: the number of a type in the walk, and the place within it.
struct Position {
    table: usize,
    after: Option<Cursor>,
}

pub(crate) fn answer(source: &dyn Source, patient: &str, fields: &Fields, base: &str, limits: &Limits) -> Result<Answer, Refusal> {
    let mut asked = read(fields, limits)?;
    let found = source.read("Patient", patient)?.ok_or_else(Refusal::not_found)?;
    if found.deleted {
        return Err(Refusal::gone(found.version));
    }
    let address = format!("{base}/Patient/{patient}/$everything");
    let mark = asked.honoured.mark(&address);
    let start = match &asked.cursor {
        Some(cursor) => Position::decode(params::open_cursor(cursor, &mark)?).ok_or_else(Refusal::bad_cursor)?,
        None => Position { table: 0, after: None },
    };
    let mut walk = Walk { source, patient, room: asked.count, matches: Vec::new(), included: Vec::new(), cut: false };
    let next = walk.run(start, &asked)?;
    if walk.cut {
        asked.left_out.push(Refusal::includes_cut());
    }

    let own = asked.honoured.url(&address, asked.cursor.as_deref());
    let next = next.map(|at| asked.honoured.url(&address, Some(&format!("{mark}.{}", at.encode()))));
    let links: Vec<(&str, &str)> = std::iter::once(("self", own.as_str())).chain(next.as_deref().map(|n| ("next", n))).collect();
    let bytes = walk.matches.iter().chain(&walk.included).map(|row| row.version.body.len() + 128).sum();
    let mut bundle = Bundle::new("searchset", None, &links, bytes);
    for (rows, mode) in [(&walk.matches, Mode::Match), (&walk.included, Mode::Include)] {
        for row in rows {
            bundle.found(base, row.resource_type, &row.id, &row.version.body, mode);
        }
    }
    if !asked.left_out.is_empty() {
        let mut said = Vec::new();
        refusal::outcome(&asked.left_out, "warning", &mut said);
        bundle.found(base, "", "", &said, Mode::Outcome);
    }
    Ok(Answer::fhir(bundle.finish()))
}

fn read(fields: &Fields, limits: &Limits) -> Result<Asked, Refusal> {
    let mut asked = Asked {
        honoured: fields.honoured(),
        left_out: Vec::new(),
        count: size(limits.search_count_default),
        since_us: None,
        kinds: None,
        cursor: None,
    };
    for (name, value) in &fields.list {
        if fields.list.iter().filter(|(n, _)| n == name).count() > 1 {
            return Err(Refusal::given_twice(name));
        }
        match name.as_str() {
            "_count" => {
                asked.count = params::count(value, limits)?.max(1);
                asked.honoured.push("_count", asked.count.to_string());
                continue;
            }
            "_cursor" => {
                asked.cursor = Some(value.clone());
                continue;
            }
            "_since" => asked.since_us = Some(params::moment("_since", value)?),
            "_type" => {
                let kinds: Option<Vec<&str>> =
                    value.split(',').map(|t| table::of(t).filter(|t| in_walk(t)).map(|t| t.resource_type)).collect();
                let walked = types().iter().filter(|t| in_walk(t)).map(|t| t.resource_type).collect::<Vec<_>>().join(", ");
                asked.kinds = Some(kinds.ok_or_else(|| Refusal::unsupported_value("_type", &walked))?);
            }
            _ => {
                let refusal = Refusal::unknown_parameter(name, SUPPORTED);
                if fields.handling == Handling::Strict {
                    return Err(refusal);
                }
                asked.left_out.push(refusal);
                continue;
            }
        }
        asked.honoured.push(name, value);
    }
    Ok(asked)
}

fn in_walk(table: &TypeTable) -> bool {
    table.resource_type == "Patient" || membership(table).is_some()
}

struct Walk<'a> {
    source: &'a dyn Source,
    patient: &'a str,
    /// How many more matches fit on the page.
    room: usize,
    matches: Vec<Found>,
    included: Vec<Found>,
    cut: bool,
}

impl Walk<'_> {
    /// Fills the page; gives the position of the next one.
    fn run(&mut self, start: Position, asked: &Asked) -> Result<Option<Position>, Refusal> {
        let mut after = start.after;
        for (number, table) in types().iter().enumerate().skip(start.table) {
            let wanted = asked.kinds.as_ref().is_none_or(|kinds| kinds.contains(&table.resource_type));
            if !in_walk(table) || !wanted {
                continue;
            }
            if self.room == 0 {
                return Ok(Some(Position { table: number, after: None }));
            }
            let mut query = self.query(table, asked)?;
            query.count = self.room;
            query.after = after.take();
            let page = self.source.search(&query)?;
            self.room = self.room.saturating_sub(page.matches.len());
            self.cut |= page.included_cut;
            self.matches.extend(page.matches);
            self.add_included(page.included);
            if page.next.is_some() {
                return Ok(Some(Position { table: number, after: page.next }));
            }
        }
        Ok(None)
    }

    fn query(&self, table: &'static TypeTable, asked: &Asked) -> Result<Query, Refusal> {
        let mut pairs = match membership(table) {
            Some(member) if table.resource_type != "Patient" => vec![(member.to_owned(), format!("Patient/{}", self.patient))],
            _ => vec![("_id".to_owned(), self.patient.to_owned())],
        };
        if let Some(since) = asked.since_us {
            pairs.push(("_lastUpdated".to_owned(), format!("ge{}", time::instant(since))));
        }
        let references = table.params.iter().filter(|p| p.kind == ParamKind::Reference);
        let outward = references.filter(|p| p.targets.iter().any(|t| table::of(t).is_some_and(|t| !in_walk(t))));
        pairs.extend(outward.map(|p| ("_include".to_owned(), format!("{}:{}", table.resource_type, p.name))));
        let (query, refused) = Query::read(table.resource_type, &pairs, 0).map_err(|_| Refusal::fault())?;
        if refused.is_empty() { Ok(query) } else { Err(Refusal::fault()) }
    }

    /// What is of the compartment comes as a match of its own; of the rest, each once a page.
    fn add_included(&mut self, found: Vec<Found>) {
        let known: HashSet<(&str, String)> = self.included.iter().map(|f| (f.resource_type, f.id.clone())).collect();
        let new = found.into_iter().filter(|f| table::of(f.resource_type).is_some_and(|t| !in_walk(t)));
        self.included.extend(new.filter(|f| !known.contains(&(f.resource_type, f.id.clone()))));
    }
}

impl Position {
    fn encode(&self) -> String {
        format!("{}.{}", self.table, self.after.as_ref().map_or_else(String::new, Cursor::encode))
    }

    fn decode(text: &str) -> Option<Position> {
        let (table, after) = text.split_once('.')?;
        let after = if after.is_empty() { None } else { Some(Cursor::decode(after)?) };
        Some(Position { table: table.parse().ok()?, after })
    }
}
