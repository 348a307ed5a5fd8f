//! Value sets made ready: every include and exclude as a rule that answers for one code without looking at text again.

use crate::Terminology;
use crate::filter;
use crate::hash::FastMap;
use crate::rows::Rows;
use crate::set::{Include, Listed, SetDefinition, Text};
use crate::system::System;
use regex::Regex;
use std::collections::HashMap;
use std::sync::Arc;

/// Value sets that import each other, at most.
const DEPTH_MAX: usize = 32;

/// Includes that one question can lead through, imported ones counted each time: sets that import a set twice, which
/// imports a set twice … would otherwise double the work at each step.
const RULES_MAX: usize = 10_000;

/// Whether a code is in a value set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Membership {
    In,
    Out,
    /// The codes of its system (or what a filter asks of them) are not here.
    UnknownCodeSystem,
    /// The value set, or one that it imports, is not here or imports itself.
    UnknownValueSet,
}

/// Why a value set cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SetFault {
    /// Not here.
    Unknown(String),
    /// Imports itself, directly or not.
    Cycle(String),
    /// Imports too deeply.
    Depth(String),
    /// Says nothing: neither compose nor a whole expansion.
    Empty(String),
}

/// A value set made ready.
pub(crate) struct Compiled {
    pub(crate) definition: Arc<SetDefinition>,
    pub(crate) includes: Vec<Rule>,
    pub(crate) excludes: Vec<Rule>,
    /// Whether codes that are no longer in use count.
    pub(crate) keeps_inactive: bool,
    /// Rules, those of imported sets included.
    size: usize,
}

/// One include or exclude: a code must be selected and in all imported sets.
pub(crate) struct Rule {
    pub(crate) own: Option<Own>,
    pub(crate) imports: Vec<Result<Arc<Compiled>, SetFault>>,
}

/// Codes of one system.
pub(crate) struct Own {
    /// The system's canonical URL, even where the value set names it by an OID.
    pub(crate) url: String,
    /// As pinned by the value set; may be empty.
    pub(crate) version: String,
    pub(crate) system: Option<Arc<System>>,
    pub(crate) select: Select,
}

pub(crate) enum Select {
    All,
    Listed(List),
    Rows(Rows),
    /// Of a grammar: all conditions must hold.
    Form(Vec<FormFilter>),
    /// The system, or what a filter asks for, is not here: why.
    Unknown(Missing),
}

/// What is missing to judge a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Missing {
    System,
    /// `property op value`
    Filter(String),
}

/// Condition on a code of a grammar.
pub(crate) enum FormFilter {
    Regex(Regex),
    /// UCUM units that can be converted into this one.
    Comparable(String),
}

/// Listed codes, in their order, with an index.
pub(crate) struct List {
    pub(crate) concepts: Vec<Listed>,
    index: FastMap<Text, u32>,
}

impl List {
    pub(crate) fn new(concepts: Vec<Listed>) -> List {
        let index = concepts.iter().enumerate().map(|(i, c)| (c.code.clone(), i as u32)).collect();
        List { concepts, index }
    }

    pub(crate) fn find(&self, code: &str) -> Option<&Listed> {
        self.index.get(code).and_then(|i| self.concepts.get(*i as usize))
    }
}

impl Compiled {
    /// Whether the set has a code of a system (canonical URL); without a system, whether one of its systems has it.
    pub(crate) fn judge(&self, system: Option<&str>, code: &str) -> Membership {
        let mut verdict = Membership::Out;
        for rule in &self.includes {
            match rule.judge(system, code, self.keeps_inactive) {
                Membership::In => {
                    verdict = Membership::In;
                    break;
                }
                Membership::Out => {}
                unknown => verdict = unknown,
            }
        }
        if verdict == Membership::Out {
            return verdict;
        }
        for rule in &self.excludes {
            match rule.judge(system, code, true) {
                Membership::In => return Membership::Out,
                Membership::Out => {}
                unknown => verdict = unknown,
            }
        }
        verdict
    }

    /// What keeps the set from being known in full.
    pub(crate) fn gap(&self) -> Option<Gap<'_>> {
        self.includes.iter().chain(&self.excludes).find_map(Rule::gap)
    }
}

/// What is not here.
pub(crate) enum Gap<'a> {
    System(&'a Own, &'a Missing),
    Set(&'a SetFault),
}

impl Rule {
    pub(crate) fn judge(&self, system: Option<&str>, code: &str, keeps_inactive: bool) -> Membership {
        let mut verdict = match &self.own {
            Some(own) if system.is_some_and(|s| s != own.url) => return Membership::Out,
            Some(own) => own.judge(code, keeps_inactive),
            None => Membership::In,
        };
        let system = self.own.as_ref().map(|own| own.url.as_str()).or(system);
        for import in &self.imports {
            if verdict == Membership::Out {
                return verdict;
            }
            verdict = match (verdict, import.as_ref().map(|set| set.judge(system, code))) {
                (_, Ok(Membership::Out)) => Membership::Out,
                (Membership::In, Ok(other)) => other,
                (Membership::In, Err(_)) => Membership::UnknownValueSet,
                (unknown, _) => unknown,
            };
        }
        verdict
    }

    fn gap(&self) -> Option<Gap<'_>> {
        if let Some(own) = &self.own
            && let Select::Unknown(missing) = &own.select
        {
            return Some(Gap::System(own, missing));
        }
        self.imports.iter().find_map(|import| match import {
            Ok(set) => set.gap(),
            Err(fault) => Some(Gap::Set(fault)),
        })
    }
}

impl Own {
    fn judge(&self, code: &str, keeps_inactive: bool) -> Membership {
        let table = self.system.as_ref().map(|s| &s.table);
        let is_in = match &self.select {
            Select::All => match self.system.as_ref().and_then(|s| s.has(code)) {
                Some(has) => has,
                None => return Membership::UnknownCodeSystem,
            },
            // a listed code is in, whether or not its system is here; another spelling only where the system says so
            Select::Listed(list) => {
                list.find(code).is_some()
                    || self
                        .system
                        .as_ref()
                        .is_some_and(|s| !s.case_sensitive && s.table.find(code).is_some_and(|row| list.find(s.table.code(row)).is_some()))
            }
            Select::Rows(rows) => match table.and_then(|t| t.find(code)) {
                Some(row) => rows.has(row),
                None if self.system.as_ref().is_some_and(|s| s.has(code) == Some(false)) => false,
                None => return Membership::UnknownCodeSystem,
            },
            Select::Form(filters) => self.system.as_ref().is_some_and(|s| s.has(code) == Some(true)) && filters.iter().all(|f| f.has(code)),
            Select::Unknown(_) => return Membership::UnknownCodeSystem,
        };
        let is_out_of_use = || table.is_some_and(|t| t.find(code).is_some_and(|row| t.is_inactive(row)));
        if is_in && (keeps_inactive || !is_out_of_use()) { Membership::In } else { Membership::Out }
    }
}

impl FormFilter {
    fn has(&self, code: &str) -> bool {
        match self {
            FormFilter::Regex(regex) => regex.is_match(code),
            FormFilter::Comparable(unit) => hutong_fhir::ucum::is_comparable(code, unit),
        }
    }
}

/// Versions of code systems that a question asks for, instead of those that value sets name.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pins {
    /// For systems without a version in the value set (`system-version`).
    pub(crate) default: Vec<(String, String)>,
    /// Whatever the value set says (`force-system-version`).
    pub(crate) force: Vec<(String, String)>,
    /// Further value sets whose codes are left out (`exclude-system` is one of all codes of a system).
    pub(crate) without_systems: Vec<(String, String)>,
}

impl Pins {
    fn version<'a>(&'a self, system: &str, named: &'a str) -> &'a str {
        let of = |list: &'a [(String, String)]| list.iter().find(|(s, _)| s == system).map(|(_, v)| v.as_str());
        match of(&self.force) {
            Some(version) => version,
            None if named.is_empty() => of(&self.default).unwrap_or(""),
            None => named,
        }
    }
}

/// Compiles value sets; remembers which are being compiled, so that a circle is found.
pub(crate) struct Compiler<'a> {
    pub(crate) terminology: &'a Terminology,
    pub(crate) pins: &'a Pins,
    pub(crate) open: Vec<String>,
    /// Imported sets that were compiled under these pins.
    done: HashMap<String, Result<Arc<Compiled>, SetFault>>,
}

impl<'a> Compiler<'a> {
    /// `open` names the sets that are being compiled.
    pub(crate) fn new(terminology: &'a Terminology, pins: &'a Pins, open: Vec<String>) -> Compiler<'a> {
        Compiler { terminology, pins, open, done: HashMap::new() }
    }

    pub(crate) fn compile(&mut self, definition: Arc<SetDefinition>) -> Result<Compiled, SetFault> {
        let url = definition.url.clone();
        if !url.is_empty() && self.open.contains(&url) {
            return Err(SetFault::Cycle(url));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(SetFault::Depth(url));
        }
        if definition.includes.is_empty() && definition.expansion.is_none() {
            return Err(SetFault::Empty(url));
        }
        self.open.push(url);
        let includes: Vec<Rule> = definition.includes.iter().map(|i| self.rule(i)).collect();
        let mut excludes: Vec<Rule> = definition.excludes.iter().map(|i| self.rule(i)).collect();
        self.open.pop();
        // a circle makes the set as a whole meaningless, not just one include of it
        for import in includes.iter().chain(&excludes).flat_map(|r| &r.imports) {
            if let Err(fault @ (SetFault::Cycle(_) | SetFault::Depth(_))) = import {
                return Err(fault.clone());
            }
        }
        if self.open.is_empty() {
            for (system, version) in &self.pins.without_systems {
                excludes.push(self.rule(&Include { system: system.clone(), version: version.clone(), ..Include::default() }));
            }
        }
        let keeps_inactive = definition.inactive.unwrap_or(true);
        let imports = includes.iter().chain(&excludes).flat_map(|r| &r.imports).flatten();
        let size = imports.fold(includes.len() + excludes.len(), |sum, set| sum.saturating_add(set.size));
        if size > RULES_MAX {
            return Err(SetFault::Depth(definition.url.clone()));
        }
        let mut out = Compiled { definition, includes, excludes, keeps_inactive, size };
        if (out.includes.is_empty() || out.gap().is_some()) && out.definition.expansion.is_some() {
            out.includes = self.stored(&out.definition);
            out.excludes.clear();
        }
        Ok(out)
    }

    /// Rules of the expansion that a value set brings along: for systems that are not here.
    fn stored(&self, definition: &SetDefinition) -> Vec<Rule> {
        let mut by_system: Vec<(String, Vec<Listed>)> = Vec::new();
        for code in definition.expansion.iter().flatten() {
            match by_system.iter_mut().find(|(s, _)| *s == code.system) {
                Some((_, list)) => list.push(code.concept.clone()),
                None => by_system.push((code.system.clone(), vec![code.concept.clone()])),
            }
        }
        let own = |(url, list): (String, Vec<Listed>)| {
            let url = self.terminology.canonical(&url).to_owned();
            let system = self.terminology.system_of(&url, None).cloned();
            Rule { own: Some(Own { url, version: String::new(), system, select: Select::Listed(List::new(list)) }), imports: Vec::new() }
        };
        by_system.into_iter().map(own).collect()
    }

    fn rule(&mut self, include: &Include) -> Rule {
        let imports = include.value_sets.iter().map(|url| self.import(url)).collect();
        let own = (!include.system.is_empty()).then(|| self.own(include));
        Rule { own, imports }
    }

    fn import(&mut self, canonical: &str) -> Result<Arc<Compiled>, SetFault> {
        if *self.pins == Pins::default() {
            return self.terminology.compiled(canonical, &mut self.open);
        }
        if let Some(done) = self.done.get(canonical) {
            return done.clone();
        }
        let definition = self.terminology.definition(canonical).ok_or_else(|| SetFault::Unknown(canonical.to_owned()))?;
        let done = self.compile(definition).map(Arc::new);
        self.done.insert(canonical.to_owned(), done.clone());
        done
    }

    fn own(&self, include: &Include) -> Own {
        let url = self.terminology.canonical(&include.system).to_owned();
        let version = self.pins.version(&url, &include.version).to_owned();
        let system = self.terminology.system_of(&url, Some(version.as_str()).filter(|v| !v.is_empty())).cloned();
        let select = match &system {
            _ if !include.concepts.is_empty() => Select::Listed(List::new(include.concepts.clone())),
            None => Select::Unknown(Missing::System),
            Some(system) => filter::select(system, &include.filters),
        };
        Own { url, version, system, select }
    }
}
