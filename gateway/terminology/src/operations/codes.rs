//! What one code is called, and what it is called in a language that is asked for.

use crate::Terminology;
use crate::set::{Designation, Listed};
use crate::system::System;
use crate::table::ValueKind;

/// Languages in the order in which they are wished for (`zh-CN`, `en;q=0.5`).
pub(super) struct Languages<'a> {
    wished: Vec<&'a str>,
}

impl<'a> Languages<'a> {
    pub(super) fn of(parameter: Option<&'a str>) -> Languages<'a> {
        let tag = |part: &'a str| part.split(';').next().unwrap_or("").trim();
        Languages { wished: parameter.unwrap_or("").split(',').map(tag).filter(|t| !t.is_empty() && *t != "*").collect() }
    }

    /// The text in the language that is wished for most; `own` speaks `own_language` and is taken where none is.
    fn pick<'t>(&self, own: Option<&'t str>, own_language: &str, others: &[(String, &'t str)]) -> Option<&'t str> {
        for wished in &self.wished {
            if speaks(own_language, wished) && own.is_some() {
                return own;
            }
            let exact = others.iter().find(|(l, _)| l.eq_ignore_ascii_case(wished));
            if let Some((_, text)) = exact.or_else(|| others.iter().find(|(l, _)| speaks(l, wished))) {
                return Some(text);
            }
        }
        own
    }
}

/// Whether a language is the wished one, or one of its kind (`zh` and `zh-CN`).
fn speaks(language: &str, wished: &str) -> bool {
    let primary = |l: &str| l.split('-').next().unwrap_or("").to_ascii_lowercase();
    !language.is_empty() && primary(language) == primary(wished)
}

/// A code of a system, with what a value set says of it.
#[derive(Clone, Copy)]
pub(super) struct Concept<'a> {
    pub(super) system: Option<&'a System>,
    pub(super) row: Option<u32>,
    pub(super) listed: Option<&'a Listed>,
}

impl<'a> Concept<'a> {
    /// Its own display: the value set's, else the system's.
    pub(super) fn own_display(&self) -> Option<&'a str> {
        let listed = self.listed.map(|l| &*l.display).filter(|d| !d.is_empty());
        listed.or_else(|| self.system?.table.display(self.row?))
    }

    /// Designations of the value set, the system and its supplements: language, use, text.
    pub(super) fn designations(&self, terminology: &'a Terminology) -> Vec<(String, String, &'a str)> {
        let mut out = Vec::new();
        if let Some(listed) = self.listed {
            out.extend(listed.designations.iter().map(|d: &Designation| (d.language.clone(), d.use_.clone(), d.value.as_str())));
        }
        if let (Some(system), Some(row)) = (self.system, self.row) {
            for (table, row) in terminology.tables_of(system, row) {
                out.extend(table.values(row).filter_map(|(kind, value)| match kind {
                    ValueKind::Designation { language, use_ } => Some((language.clone(), use_.clone(), value)),
                    _ => None,
                }));
            }
        }
        out
    }

    pub(super) fn display(&self, terminology: &'a Terminology, languages: &Languages<'_>) -> Option<&'a str> {
        let own = self.own_display();
        if languages.wished.is_empty() {
            return own;
        }
        let others: Vec<(String, &str)> = self.designations(terminology).into_iter().map(|(l, _, v)| (l, v)).collect();
        languages.pick(own, self.system.map_or("", |s| &s.language), &others)
    }

    /// Whether someone may call the code so: any of its names, without regard to case and space.
    pub(super) fn is_called(&self, terminology: &'a Terminology, name: &str) -> bool {
        let name = folded(name);
        let system_display = self.system.and_then(|s| s.table.display(self.row?));
        let names = self.own_display().into_iter().chain(system_display);
        let mut all = names.chain(self.designations(terminology).into_iter().map(|d| d.2)).peekable();
        all.peek().is_none() || all.any(|n| folded(n) == name)
    }

    pub(super) fn is_abstract(&self) -> bool {
        self.system.zip(self.row).is_some_and(|(s, row)| s.table.is_abstract(row))
    }

    pub(super) fn is_inactive(&self) -> bool {
        self.system.zip(self.row).is_some_and(|(s, row)| s.table.is_inactive(row))
    }
}

pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
