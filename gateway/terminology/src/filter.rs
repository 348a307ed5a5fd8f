//! Filters of an include (R4 ValueSet.compose.include.filter): which rows of a system they leave.

use crate::compile::{FormFilter, Missing, Select};
use crate::rows::Rows;
use crate::set::Filter;
use crate::system::{Content, System};
use crate::table::{Table, ValueKind};
use regex::{Regex, RegexBuilder};

/// Memory that a compiled regular expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// What the filters select together; all must hold.
pub(crate) fn select(system: &System, filters: &[Filter]) -> Select {
    if system.grammar.is_none() && system.is_empty() && system.content != Content::Complete {
        return Select::Unknown(Missing::System);
    }
    if filters.is_empty() {
        return Select::All;
    }
    let missing = |f: &Filter| Select::Unknown(Missing::Filter(format!("{} {} {}", f.property, f.op, f.value)));
    if system.grammar.is_some() && system.content != Content::Complete {
        let mut forms = Vec::new();
        for filter in filters {
            match form(filter) {
                Some(form) => forms.push(form),
                None => return missing(filter),
            }
        }
        return Select::Form(forms);
    }
    let mut out: Option<Rows> = None;
    for filter in filters {
        let Some(rows) = rows(system, filter) else { return missing(filter) };
        match &mut out {
            None => out = Some(rows),
            Some(all) => all.and(&rows),
        }
    }
    out.map_or(Select::All, Select::Rows)
}

fn form(filter: &Filter) -> Option<FormFilter> {
    match (&*filter.property, &*filter.op) {
        ("code" | "concept", "regex") => whole(&filter.value).map(FormFilter::Regex),
        ("canonical", "=") => Some(FormFilter::Comparable(filter.value.clone().into_owned())),
        _ => None,
    }
}

/// A pattern that must match the whole text.
fn whole(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(REGEX_BYTES_MAX).build().ok()
}

/// The rows for which a filter holds; `None` where it asks for what is not here.
fn rows(system: &System, filter: &Filter) -> Option<Rows> {
    let table = &system.table;
    let all = table.len();
    let value = &*filter.value;
    match &*filter.op {
        op @ ("is-a" | "descendent-of" | "is-not-a" | "generalizes") => {
            let Some(root) = table.find(value) else {
                // a root that a complete system does not have has nothing below it
                let is_complete = system.content == Content::Complete;
                return is_complete.then(|| if op == "is-not-a" { Rows::none(all).not() } else { Rows::none(all) });
            };
            Some(match op {
                "is-a" => table.below(root),
                "is-not-a" => table.below(root).not(),
                "generalizes" => table.above(root),
                _ => {
                    let mut below = table.below(root);
                    below.remove(root);
                    below
                }
            })
        }
        "=" => of_property(system, &filter.property, |v| v == value),
        "regex" => {
            let regex = whole(value)?;
            of_property(system, &filter.property, |v| regex.is_match(v))
        }
        op @ ("in" | "not-in") => {
            let list: Vec<&str> = value.split(',').map(str::trim).collect();
            let rows = of_property(system, &filter.property, |v| list.contains(&v))?;
            Some(if op == "in" { rows } else { rows.not() })
        }
        "exists" => {
            let rows = of_property(system, &filter.property, |_| true)?;
            match value {
                "true" => Some(rows),
                "false" => Some(rows.not()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Rows with some value of a property that is as asked.
fn of_property(system: &System, property: &str, is: impl Fn(&str) -> bool) -> Option<Rows> {
    let table = &system.table;
    let where_ = |test: &dyn Fn(u32) -> bool| Some(Rows::where_(table.len(), test));
    let yes_no = |yes: bool| is(if yes { "true" } else { "false" });
    match property {
        "concept" | "code" => where_(&|row| is(table.code(row))),
        "display" => where_(&|row| table.display(row).is_some_and(&is)),
        "parent" => where_(&|row| table.parents(row).any(|p| is(table.code(p)))),
        "child" => {
            let mut out = Rows::none(table.len());
            for row in 0..table.len() {
                if is(table.code(row)) {
                    table.parents(row).for_each(|p| out.add_range(p, p + 1));
                }
            }
            Some(out)
        }
        "inactive" => where_(&|row| yes_no(table.is_inactive(row))),
        "notSelectable" | "abstract" => where_(&|row| yes_no(table.is_abstract(row))),
        "definition" => where_(&|row| has_value(table, row, |k| *k == ValueKind::Definition, &is)),
        other => {
            let is_it = |k: &ValueKind| matches!(k, ValueKind::Property { code, .. } if code == other);
            let is_defined = system.properties.iter().any(|p| p.code == other) || table.kinds().iter().any(is_it);
            is_defined.then(|| Rows::where_(table.len(), |row| has_value(table, row, is_it, &is)))
        }
    }
}

fn has_value(table: &Table, row: u32, kind: impl Fn(&ValueKind) -> bool, is: &impl Fn(&str) -> bool) -> bool {
    table.values(row).any(|(k, v)| kind(k) && is(v))
}
