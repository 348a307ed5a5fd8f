//! Terminology: code systems, value sets and concept maps, those of R4 and those loaded, and what is asked of them
//! (R4 §4.6: `$lookup`, `$validate-code`, `$expand`, `$translate`, `$subsumes`). Pure: no files, clock or network.
//!
//! [`Terminology::r4`] knows what the R4 pack holds; [`Terminology::load`] adds resources. After that it is read only
//! and stands behind an `Arc`. Value sets are compiled when they are first asked for; [`Terminology::member_of`] is
//! the hot path of bindings and allocates nothing once a set is compiled.
//!
//! Several versions of a system or set live side by side. Without a version the newest loaded one answers, then R4's
//! own. R4's own answer to any version: its definitions bind them with versions of other builds.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

mod builder;
mod compile;
mod filter;
mod grammar;
mod hash;
mod import;
mod load;
mod map;
mod operations;
mod rows;
mod set;
mod system;
mod table;
mod text;
mod version;

pub use compile::Membership;
pub use import::Loaded;
pub use system::System;

use compile::{Compiled, Compiler, Pins, SetFault};
use hash::FastMap;
use hutong_fhir::definitions::Definitions;
use map::ConceptMap;
use moka::sync::Cache;
use operations::Expansion;
use set::SetDefinition;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use table::Table;

/// Implicit value sets that are kept compiled; their URLs come from those who ask.
const IMPLICIT_MAX: u64 = 256;

/// Memory for expansions that were asked for.
const EXPANSION_BYTES_MAX: u64 = 32 << 20;

/// A code system in one version, built when first asked for.
struct SystemSlot {
    version: String,
    source: Source<System>,
    built: OnceLock<Arc<System>>,
}

/// A value set in one version, compiled when first asked for.
struct SetSlot {
    version: String,
    source: Source<SetDefinition>,
    /// Made of what a code system says, for want of a definition.
    is_derived: bool,
    compiled: OnceLock<Result<Arc<Compiled>, SetFault>>,
}

enum Source<T> {
    /// Place in the tables of the R4 pack.
    Pack(usize),
    Loaded(Arc<T>),
}

/// All that is known. See the head of this file.
pub struct Terminology {
    definitions: &'static Definitions,
    /// By canonical URL; the best version first, R4's own last.
    systems: FastMap<String, Vec<SystemSlot>>,
    sets: FastMap<String, Vec<SetSlot>>,
    /// Other names of systems (`urn:oid:…`) to canonical URLs.
    aliases: FastMap<String, String>,
    /// Value sets "all codes of a system" that are not defined themselves: to systems and versions.
    whole_systems: FastMap<String, Vec<(String, String)>>,
    implicit: Cache<String, Result<Arc<Compiled>, SetFault>>,
    /// By the system that they supplement.
    supplements: FastMap<String, Vec<Arc<System>>>,
    /// Systems of which some version is a supplement: few, and asked about for every code.
    supplementing: FastMap<String, ()>,
    /// By canonical URL, the newest first.
    concept_maps: FastMap<String, Vec<MapSlot>>,
    /// By canonical URL, version, whether only active codes, and what else was asked.
    expansions: Cache<(String, String, bool, Pins), Arc<Expansion>>,
    /// Whether anything was compiled since the last load.
    was_asked: AtomicBool,
}

type MapSlot = Arc<ConceptMap>;

impl Terminology {
    /// What R4 4.0.1 defines, and the systems that are a grammar.
    pub fn r4() -> Terminology {
        let definitions = Definitions::r4();
        let (pack_systems, pack_sets) = (definitions.code_systems(), definitions.value_sets());
        let mut out = Terminology {
            definitions,
            systems: FastMap::with_capacity_and_hasher(pack_systems.all().len() + 64, Default::default()),
            sets: FastMap::with_capacity_and_hasher(pack_sets.all().len() + 64, Default::default()),
            aliases: FastMap::default(),
            whole_systems: FastMap::default(),
            implicit: Cache::new(IMPLICIT_MAX),
            supplements: FastMap::default(),
            supplementing: FastMap::default(),
            concept_maps: FastMap::default(),
            expansions: Cache::builder().max_capacity(EXPANSION_BYTES_MAX).weigher(|_, e: &Arc<Expansion>| e.weight()).build(),
            was_asked: AtomicBool::new(false),
        };
        for (i, system) in pack_systems.all().iter().enumerate() {
            let slot = SystemSlot { version: system.version.to_owned(), source: Source::Pack(i), built: OnceLock::new() };
            out.systems.entry(system.url.clone()).or_default().push(slot);
            if !system::supplemented(system).is_empty() {
                out.supplementing.insert(system.url.clone(), ());
            }
        }
        for (i, set) in pack_sets.all().iter().enumerate() {
            let slot = SetSlot { version: set.version.to_owned(), source: Source::Pack(i), is_derived: false, compiled: OnceLock::new() };
            out.sets.entry(set.url.clone()).or_default().push(slot);
        }
        for (url, grammar) in grammar::ALL {
            out.systems.entry(url.to_owned()).or_insert_with(|| vec![SystemSlot::of(System::of_grammar(url, grammar))]);
        }
        out
    }

    /// Whether a code is in a value set, given by canonical URL (`url` or `url|version`).
    ///
    /// `system` is that of the coding, by canonical URL or OID; `None` for elements that have none (`code`): then any
    /// system of the set will do.
    pub fn member_of(&self, value_set: &str, system: Option<&str>, code: &str) -> Membership {
        let Some(slot) = self.set_slot(value_set) else {
            return match self.compiled(value_set, &mut Vec::new()) {
                Ok(set) => self.judge(&set, system, code),
                Err(_) => Membership::UnknownValueSet,
            };
        };
        match slot.compiled.get() {
            Some(Ok(set)) => self.judge(set, system, code),
            Some(Err(_)) => Membership::UnknownValueSet,
            None => match self.compiled(value_set, &mut Vec::new()) {
                Ok(set) => self.judge(&set, system, code),
                Err(_) => Membership::UnknownValueSet,
            },
        }
    }

    fn judge(&self, set: &Compiled, system: Option<&str>, code: &str) -> Membership {
        let verdict = set.judge(system, code);
        if verdict == Membership::In {
            return verdict;
        }
        // another name of the system is rare: it is tried where the given one led nowhere
        system.and_then(|s| self.aliases.get(s)).map_or(verdict, |canonical| set.judge(Some(canonical), code))
    }

    /// A code system by canonical URL or OID, in the best version.
    pub fn system(&self, url: &str) -> Option<&System> {
        let (url, version) = split(url);
        self.system_of(self.canonical(url), version).map(|s| &**s)
    }

    /// Whether a URL or OID names a supplement, which has no codes of its own.
    pub fn is_supplement(&self, url: &str) -> bool {
        let may_be = || self.supplementing.contains_key(self.canonical(split(url).0));
        !self.supplementing.is_empty() && may_be() && self.system(url).is_some_and(System::is_supplement)
    }

    /// The display of a code in its system's own language; of the newest version that has the code.
    pub fn display(&self, system: &str, code: &str) -> Option<&str> {
        let (url, version) = split(system);
        let url = self.canonical(url);
        match version {
            Some(_) => self.system_of(url, version)?.display(code),
            None => self.versions_of(url).find_map(|s| s.display(code)),
        }
    }

    /// Whether a system has a code, without a version any of its versions; `None` where its codes are not here in full.
    pub fn is_known_code(&self, system: &str, version: Option<&str>, code: &str) -> Option<bool> {
        let url = self.canonical(system);
        if version.is_some() {
            return self.system_of(url, version)?.has(code);
        }
        let mut known = None;
        for system in self.versions_of(url) {
            match system.has(code) {
                Some(true) => return Some(true),
                // the newest speaks for all where it is whole
                has => known = known.or(has),
            }
        }
        known
    }

    /// Every code system that is known, with its versions, the one that answers without a version first; in no order.
    pub fn systems(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.systems.iter().map(|(url, slots)| (url.as_str(), slots.iter().map(|slot| slot.version.as_str())))
    }

    /// Whether a value set of that canonical is known, implicit ones included.
    pub fn has_value_set(&self, canonical: &str) -> bool {
        self.definition(canonical).is_some()
    }

    /// The canonical URL of a system given by any of its names.
    fn canonical<'a>(&'a self, system: &'a str) -> &'a str {
        self.aliases.get(system).map_or(system, String::as_str)
    }

    fn system_of(&self, url: &str, version: Option<&str>) -> Option<&Arc<System>> {
        let slots = self.systems.get(url)?;
        pick(slots, version, |s| (&s.version, matches!(s.source, Source::Pack(_)))).map(|slot| self.built(slot))
    }

    /// Every version, the newest first.
    fn versions_of(&self, url: &str) -> impl Iterator<Item = &Arc<System>> {
        self.systems.get(url).into_iter().flatten().map(|slot| self.built(slot))
    }

    fn built<'a>(&'a self, slot: &'a SystemSlot) -> &'a Arc<System> {
        slot.built.get_or_init(|| match &slot.source {
            Source::Loaded(system) => Arc::clone(system),
            Source::Pack(i) => Arc::new(match self.definitions.code_systems().all().get(*i) {
                Some(system) => System::of_pack(system),
                None => System::of_grammar("", grammar::Grammar::Ucum), // no such place: cannot be
            }),
        })
    }

    fn set_slot(&self, canonical: &str) -> Option<&SetSlot> {
        let (url, version) = split(canonical);
        pick(self.sets.get(url)?, version, |s| (&s.version, matches!(s.source, Source::Pack(_))))
    }

    /// What a value set says.
    fn definition(&self, canonical: &str) -> Option<Arc<SetDefinition>> {
        if let Some(slot) = self.set_slot(canonical) {
            return match &slot.source {
                Source::Loaded(set) => Some(Arc::clone(set)),
                Source::Pack(i) => self.definitions.value_sets().all().get(*i).map(|set| Arc::new(SetDefinition::of_pack(set))),
            };
        }
        SetDefinition::implicit(canonical).map(Arc::new)
    }

    fn map(&self, url: &str, version: Option<&str>) -> Option<&MapSlot> {
        let (url, named) = split(url);
        pick(self.concept_maps.get(url)?, version.or(named), |m| (&m.version, false))
    }

    /// The newest version of every concept map.
    fn maps(&self) -> impl Iterator<Item = &MapSlot> {
        self.concept_maps.values().filter_map(|all| all.first())
    }

    /// The rows that speak of a code: its own, and those of supplements of its system.
    fn tables_of<'a>(&'a self, system: &'a System, row: u32) -> impl Iterator<Item = (&'a Table, u32)> {
        let code = system.table.code(row);
        let more = self.supplements.get(&system.url).into_iter().flatten();
        std::iter::once((&system.table, row)).chain(more.filter_map(move |s| Some((&s.table, s.table.find(code)?))))
    }

    /// A value set made ready; `open` names those that are being made ready.
    fn compiled(&self, canonical: &str, open: &mut Vec<String>) -> Result<Arc<Compiled>, SetFault> {
        let slot = self.set_slot(canonical);
        if let Some(done) = slot.and_then(|s| s.compiled.get()) {
            return done.clone();
        }
        if slot.is_none()
            && let Some(done) = self.implicit.get(canonical)
        {
            return done;
        }
        let Some(definition) = self.definition(canonical) else { return Err(SetFault::Unknown(canonical.to_owned())) };
        let pins = Pins::default();
        let mut compiler = Compiler::new(self, &pins, std::mem::take(open));
        let done = compiler.compile(definition).map(Arc::new);
        *open = compiler.open;
        self.was_asked.store(true, Ordering::Relaxed);
        match slot {
            // two threads may have done the same work: either result is right
            Some(slot) => drop(slot.compiled.set(done.clone())),
            None => self.implicit.insert(canonical.to_owned(), done.clone()),
        }
        done
    }

    /// Forgets what was compiled: what it was compiled from has changed.
    fn forget(&mut self) {
        if !std::mem::take(self.was_asked.get_mut()) {
            return; // packages are loaded one resource after the other
        }
        self.sets.values_mut().flatten().for_each(|slot| slot.compiled = OnceLock::new());
        self.implicit.invalidate_all();
        self.expansions.invalidate_all();
    }
}

impl SetSlot {
    fn of(set: SetDefinition, is_derived: bool) -> SetSlot {
        SetSlot { version: set.version.clone(), source: Source::Loaded(Arc::new(set)), is_derived, compiled: OnceLock::new() }
    }
}

impl SystemSlot {
    fn of(system: System) -> SystemSlot {
        SystemSlot { version: system.version.clone(), source: Source::Loaded(Arc::new(system)), built: OnceLock::new() }
    }
}

/// `url|version` as URL and version.
fn split(canonical: &str) -> (&str, Option<&str>) {
    match canonical.split_once('|') {
        Some((url, version)) => (url, Some(version).filter(|v| !v.is_empty())),
        None => (canonical, None),
    }
}

/// The slot of a version: that version, one of which it is the beginning (`4.0` of `4.0.1`), or R4's own.
fn pick<'a, T>(slots: &'a [T], version: Option<&str>, of: impl Fn(&T) -> (&str, bool)) -> Option<&'a T> {
    let Some(version) = version else { return slots.first() };
    slots
        .iter()
        .find(|s| of(s).0 == version)
        .or_else(|| slots.iter().find(|s| version::begins(of(s).0, version)))
        .or_else(|| slots.iter().find(|s| of(s).1))
}

#[cfg(test)]
mod tests;
