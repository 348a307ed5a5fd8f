//! R4's code systems and value sets (`profiles/r4/codesystems.txt`, `valuesets.txt`), read when first asked for.
//!
//! Only positions are kept: codes, displays and filters stay in the text of the pack.

use super::codes::{full_system, full_value_set};
use std::collections::HashMap;
use std::sync::LazyLock;

const SYSTEMS: &str = include_str!("../../../../profiles/r4/codesystems.txt");
const SETS: &str = include_str!("../../../../profiles/r4/valuesets.txt");

/// One concept of a code system.
#[derive(Clone, Copy)]
pub struct Concept {
    /// Code (indented by depth), display, flags.
    line: &'static str,
    /// Where the code stands in it: read at every comparison of a search.
    indent: u16,
    end: u16,
}

impl Concept {
    fn new(line: &'static str) -> Concept {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let end = line.find('\t').unwrap_or(line.len());
        Concept { line, indent: indent as u16, end: end as u16 }
    }

    fn column(self, n: usize) -> &'static str {
        self.line.split('\t').nth(n).unwrap_or("")
    }

    pub fn code(self) -> &'static str {
        &self.line[self.indent as usize..self.end as usize]
    }

    pub fn display(self) -> Option<&'static str> {
        Some(self.column(1)).filter(|d| !d.is_empty())
    }

    /// Nesting in the code system; 0 at the top.
    pub fn depth(self) -> usize {
        self.indent as usize
    }

    /// Groups others and is not to be used itself.
    pub fn is_abstract(self) -> bool {
        self.column(2).contains('!')
    }

    pub fn is_inactive(self) -> bool {
        self.column(2).contains('-')
    }
}

/// One code system.
pub struct CodeSystem {
    /// Canonical URL.
    pub url: String,
    pub version: &'static str,
    /// `complete fragment example supplement not-present`.
    pub content: &'static str,
    pub name: &'static str,
    pub is_case_sensitive: bool,
    /// The header's further columns: `h=` hierarchy meaning, `s=` supplemented system, `v=` value set of all codes.
    pub tags: &'static str,
    /// The lines of its concepts, as they stand in the pack: for indexes that hold offsets instead of text.
    pub text: &'static str,
    /// Range of `concepts`, in the order of the definition.
    from: u32,
    to: u32,
}

/// All code systems.
pub struct CodeSystems {
    systems: Vec<CodeSystem>,
    by_url: HashMap<String, u16>,
    concepts: Vec<Concept>,
    /// Places in `concepts`, within each system sorted by code.
    sorted: Vec<u32>,
}

static CODE_SYSTEMS: LazyLock<CodeSystems> = LazyLock::new(CodeSystems::load);

pub(super) fn code_systems() -> &'static CodeSystems {
    &CODE_SYSTEMS
}

impl CodeSystems {
    fn load() -> CodeSystems {
        let mut out = CodeSystems {
            systems: Vec::with_capacity(1100),
            by_url: HashMap::with_capacity(1100),
            concepts: Vec::with_capacity(21_000),
            sorted: Vec::new(),
        };
        let (mut offset, mut text_from) = (0, 0);
        for line in SYSTEMS.split_inclusive('\n') {
            offset += line.len();
            let line = line.trim_end_matches('\n');
            match line.strip_prefix('@') {
                Some(header) => {
                    let mut columns = header.splitn(6, '\t');
                    let mut next = || columns.next().unwrap_or("");
                    let (url, version, content, name, flags, tags) = (full_system(next()), next(), next(), next(), next(), next());
                    let at = out.concepts.len() as u32;
                    let is_case_sensitive = flags == "c";
                    out.by_url.insert(url.clone(), out.systems.len() as u16);
                    out.systems.push(CodeSystem { url, version, content, name, is_case_sensitive, tags, text: "", from: at, to: at });
                    text_from = offset;
                }
                None => {
                    out.concepts.push(Concept::new(line));
                    if let Some(system) = out.systems.last_mut() {
                        system.to += 1;
                        system.text = SYSTEMS.get(text_from..offset).unwrap_or("");
                    }
                }
            }
        }
        out.sorted = (0..out.concepts.len() as u32).collect();
        for system in &out.systems {
            let concepts = &out.concepts;
            out.sorted[system.from as usize..system.to as usize].sort_by_cached_key(|i| concepts[*i as usize].code());
        }
        out
    }

    pub fn get(&self, url: &str) -> Option<&CodeSystem> {
        self.by_url.get(url).map(|i| &self.systems[*i as usize])
    }

    pub fn all(&self) -> &[CodeSystem] {
        &self.systems
    }

    /// In full, the URL of a value set that a header's tag `v=` names.
    pub fn value_set_of(system: &CodeSystem) -> Option<String> {
        system.tags.split('\t').find_map(|t| t.strip_prefix("v=")).map(full_value_set)
    }

    /// The concepts of a system in the order of its definition; [`Concept::depth`] gives the hierarchy.
    pub fn concepts(&self, system: &CodeSystem) -> &[Concept] {
        &self.concepts[system.from as usize..system.to as usize]
    }

    /// The concept with a code; in a system that does not tell cases apart, also one that differs in case.
    pub fn concept(&self, system: &CodeSystem, code: &str) -> Option<Concept> {
        let sorted = &self.sorted[system.from as usize..system.to as usize];
        if let Ok(at) = sorted.binary_search_by_key(&code, |i| self.concepts[*i as usize].code()) {
            return Some(self.concepts[sorted[at] as usize]);
        }
        if system.is_case_sensitive {
            return None;
        }
        self.concepts(system).iter().find(|c| c.code().eq_ignore_ascii_case(code)).copied()
    }
}

/// One include or exclude of a value set.
#[derive(Clone, Copy)]
pub struct Include {
    line: &'static str,
}

impl Include {
    pub fn is_exclude(self) -> bool {
        self.line.starts_with('-')
    }

    /// Canonical URL of the code system, empty where only value sets are imported.
    pub fn system(self) -> String {
        full_system(self.line.get(1..).unwrap_or("").split('\t').next().unwrap_or(""))
    }

    pub fn version(self) -> &'static str {
        self.line.split('\t').nth(1).unwrap_or("")
    }

    fn columns(self, tag: &'static str) -> impl Iterator<Item = &'static str> {
        self.line.split('\t').skip(2).filter_map(move |c| c.strip_prefix(tag))
    }

    /// (code, display); without a display the one of the code system holds.
    pub fn concepts(self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        let mut columns = self.line.split('\t').skip(2).peekable();
        std::iter::from_fn(move || {
            let code = columns.by_ref().find_map(|c| c.strip_prefix("c="))?;
            let display = columns.peek().and_then(|c| c.strip_prefix("d="));
            Some((code, display))
        })
    }

    /// (property, operator, value)
    pub fn filters(self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        self.columns("f=").filter_map(|f| {
            let mut parts = f.splitn(3, ' ');
            Some((parts.next()?, parts.next()?, parts.next()?))
        })
    }

    /// Canonical URLs of imported value sets.
    pub fn value_sets(self) -> impl Iterator<Item = String> {
        self.columns("v=").map(full_value_set)
    }
}

/// One value set.
pub struct ValueSet {
    /// Canonical URL.
    pub url: String,
    pub version: &'static str,
    pub name: &'static str,
    pub includes: Vec<Include>,
}

/// All value sets.
pub struct ValueSets {
    sets: Vec<ValueSet>,
    by_url: HashMap<String, u16>,
}

static VALUE_SETS: LazyLock<ValueSets> = LazyLock::new(|| {
    let mut out = ValueSets { sets: Vec::with_capacity(1400), by_url: HashMap::with_capacity(1400) };
    for line in SETS.lines() {
        match line.strip_prefix('@') {
            Some(header) => {
                let mut columns = header.split('\t');
                let mut next = || columns.next().unwrap_or("");
                let (url, version, name) = (full_value_set(next()), next(), next());
                out.by_url.insert(url.clone(), out.sets.len() as u16);
                out.sets.push(ValueSet { url, version, name, includes: Vec::new() });
            }
            None => {
                if let Some(set) = out.sets.last_mut() {
                    set.includes.push(Include { line });
                }
            }
        }
    }
    out
});

pub(super) fn value_sets() -> &'static ValueSets {
    &VALUE_SETS
}

impl ValueSets {
    /// By canonical URL (`|version` is ignored).
    pub fn get(&self, url: &str) -> Option<&ValueSet> {
        let url = url.split('|').next().unwrap_or(url);
        self.by_url.get(url).map(|i| &self.sets[*i as usize])
    }

    pub fn all(&self) -> &[ValueSet] {
        &self.sets
    }
}
