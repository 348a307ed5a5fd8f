//! The codes of a value set one by one.

use super::codes::Concept;
use crate::compile::{Compiled, Gap, Membership, Own, Rule, Select};
use crate::set::Listed;
use crate::system::{Content, System};
use crate::table::NONE;
use crate::{Terminology, text};
use hutong_fhir::Finding;
use std::collections::HashSet;
use std::sync::Arc;

/// Codes that are looked at for one expansion.
const CODES_MAX: usize = 2_000_000;

/// Codes times the excludes and imports that each is held against.
const CHECKS_MAX: usize = 20_000_000;

/// One code: place of its system, row there, place among the listed codes; `NONE` for what there is not.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    source: u32,
    pub(super) row: u32,
    listed: u32,
}

/// A system whose codes are in the expansion.
pub(super) struct Source {
    pub(super) url: String,
    pub(super) version: String,
    system: Option<Arc<System>>,
}

/// All codes of a value set, in the order of its includes and of their systems.
pub(crate) struct Expansion {
    pub(super) sources: Vec<Source>,
    listed: Vec<Listed>,
    pub(super) entries: Vec<Entry>,
}

impl Expansion {
    /// Memory, roughly, for the cache.
    pub(crate) fn weight(&self) -> u32 {
        let listed: usize = self.listed.iter().map(|l| l.code.len() + l.display.len() + size_of::<Listed>()).sum();
        u32::try_from(self.entries.len() * size_of::<Entry>() + listed + 256).unwrap_or(u32::MAX)
    }

    pub(super) fn source(&self, entry: Entry) -> Option<&Source> {
        self.sources.get(entry.source as usize)
    }

    pub(super) fn concept(&self, entry: Entry) -> Concept<'_> {
        Concept {
            system: self.source(entry).and_then(|s| s.system.as_deref()),
            row: (entry.row != NONE).then_some(entry.row),
            listed: self.listed.get(entry.listed as usize),
        }
    }

    pub(super) fn code(&self, entry: Entry) -> &str {
        let concept = self.concept(entry);
        match (concept.listed, concept.system) {
            (Some(listed), _) => &listed.code,
            (None, Some(system)) => system.table.code(entry.row),
            (None, None) => "",
        }
    }

    /// Of a compiled value set.
    pub(super) fn of(set: &Compiled) -> Result<Expansion, Finding> {
        let mut out = Expansion { sources: Vec::new(), listed: Vec::new(), entries: Vec::new() };
        out.set(set)?;
        Ok(out)
    }

    fn set(&mut self, set: &Compiled) -> Result<(), Finding> {
        if let Some(gap) = set.gap() {
            return Err(gap_finding(&gap));
        }
        let from = self.entries.len();
        for rule in &set.includes {
            self.rule(rule, set.keeps_inactive)?;
        }
        if set.includes.len() > 1 {
            self.once(from);
        }
        if !set.excludes.is_empty() {
            self.afford(from, set.excludes.len())?;
            let mut kept = self.entries.split_off(from);
            kept.retain(|entry| {
                let system = self.source(*entry).map(|s| s.url.as_str());
                set.excludes.iter().all(|rule| rule.judge(system, self.code(*entry), true) != Membership::In)
            });
            self.entries.append(&mut kept);
        }
        Ok(())
    }

    /// Whether the entries since `from` can each be held against so many rules or sets.
    fn afford(&self, from: usize, each: usize) -> Result<(), Finding> {
        let checks = self.entries.len().saturating_sub(from).saturating_mul(each);
        if checks > CHECKS_MAX { Err(text::too_costly(CODES_MAX)) } else { Ok(()) }
    }

    /// The codes of one include.
    fn rule(&mut self, rule: &Rule, keeps_inactive: bool) -> Result<(), Finding> {
        let from = self.entries.len();
        let mut imports = rule.imports.iter().flatten();
        match &rule.own {
            Some(own) => self.own(own, keeps_inactive)?,
            // the codes of the first imported set that are in the others too
            None => imports.next().map_or(Ok(()), |first| self.set(first))?,
        }
        let others: Vec<&Arc<Compiled>> = imports.collect();
        if !others.is_empty() {
            self.afford(from, others.len())?;
            let mut kept = self.entries.split_off(from);
            kept.retain(|entry| {
                let system = self.source(*entry).map(|s| s.url.as_str());
                others.iter().all(|set| set.judge(system, self.code(*entry)) == Membership::In)
            });
            self.entries.append(&mut kept);
        }
        Ok(())
    }

    fn own(&mut self, own: &Own, keeps_inactive: bool) -> Result<(), Finding> {
        let source = self.source_of(own);
        let table = own.system.as_ref().map(|s| &s.table);
        let is_kept = |row: u32| keeps_inactive || !table.is_some_and(|t| t.is_inactive(row));
        let rows: Box<dyn Iterator<Item = u32> + '_> = match &own.select {
            Select::All if own.system.as_ref().is_some_and(|s| s.grammar.is_some() && s.content != Content::Complete) => {
                return Err(text::cannot_list(&own.url));
            }
            Select::All => Box::new(0..table.map_or(0, |t| t.len())),
            Select::Rows(rows) => Box::new(rows.iter()),
            Select::Form(_) => return Err(text::cannot_list(&own.url)),
            Select::Unknown(missing) => return Err(gap_finding(&Gap::System(own, missing))),
            Select::Listed(list) => {
                for concept in &list.concepts {
                    let row = table.and_then(|t| t.find(&concept.code)).unwrap_or(NONE);
                    if row == NONE || is_kept(row) {
                        let listed = self.listed.len() as u32;
                        self.listed.push(concept.clone());
                        self.entries.push(Entry { source, row, listed });
                    }
                }
                return Ok(());
            }
        };
        self.entries.extend(rows.filter(|row| is_kept(*row)).map(|row| Entry { source, row, listed: NONE }));
        if self.entries.len() > CODES_MAX { Err(text::too_costly(CODES_MAX)) } else { Ok(()) }
    }

    fn source_of(&mut self, own: &Own) -> u32 {
        let version = own.system.as_ref().map_or(own.version.as_str(), |s| &s.version);
        let known = self.sources.iter().position(|s| s.url == own.url && s.version == version);
        let at = known.unwrap_or_else(|| {
            self.sources.push(Source { url: own.url.clone(), version: version.to_owned(), system: own.system.clone() });
            self.sources.len() - 1
        });
        at as u32
    }

    /// Leaves each code once: the first, with what is said of it there.
    fn once(&mut self, from: usize) {
        let entries = self.entries.split_off(from);
        let mut seen: HashSet<(&str, &str)> = HashSet::with_capacity(entries.len());
        let kept: Vec<Entry> = entries
            .into_iter()
            .filter(|entry| seen.insert((self.sources.get(entry.source as usize).map_or("", |s| &s.url), self.code(*entry))))
            .collect();
        drop(seen);
        self.entries.extend(kept);
    }

    /// Only what is still in use.
    pub(super) fn active_only(&mut self) {
        let mut kept = std::mem::take(&mut self.entries);
        kept.retain(|entry| !self.concept(*entry).is_inactive());
        self.entries = kept;
    }

    /// Places of the entries in which every word of a text is in the code or one of its names.
    pub(super) fn matching(&self, terminology: &Terminology, text: &str) -> Vec<Entry> {
        let wanted = super::codes::folded(text);
        let words: Vec<&str> = wanted.split(' ').filter(|w| !w.is_empty()).collect();
        let fits = |entry: &Entry| {
            let concept = self.concept(*entry);
            let names = concept.own_display().into_iter().chain(std::iter::once(self.code(*entry)));
            let mut all: String = super::codes::folded(&names.collect::<Vec<_>>().join(" "));
            if words.iter().all(|w| all.contains(w)) {
                return true;
            }
            for (_, _, name) in concept.designations(terminology) {
                all.push(' ');
                all.push_str(&name.to_lowercase());
            }
            words.iter().all(|w| all.contains(w))
        };
        self.entries.iter().copied().filter(fits).collect()
    }
}

pub(super) fn gap_finding(gap: &Gap<'_>) -> Finding {
    match gap {
        Gap::System(own, missing) => text::gap(&own.url, &own.version, missing),
        Gap::Set(fault) => text::set_fault(fault),
    }
}
