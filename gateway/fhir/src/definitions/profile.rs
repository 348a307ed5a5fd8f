//! Profiles and extensions of R4 (`profiles/r4/profiles.txt`), invariants (`invariants.txt`) and compartments
//! (`compartments.txt`), read when first asked for.
//!
//! A profile holds only the elements that differ from the type it constrains; an element that it does not list is as
//! in that type at the same path, slice names left out.

use super::codes::full_value_set;
use std::collections::HashMap;
use std::sync::LazyLock;

const PROFILES: &str = include_str!("../../../../profiles/r4/profiles.txt");
const INVARIANTS: &str = include_str!("../../../../profiles/r4/invariants.txt");
const COMPARTMENTS: &str = include_str!("../../../../profiles/r4/compartments.txt");
const TYPES: &str = include_str!("../../../../profiles/r4/types.txt");
const STRUCTURE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// `~x` as the canonical URL of a StructureDefinition of FHIR.
fn full_structure(short: &str) -> String {
    short.strip_prefix('~').map_or_else(|| short.to_owned(), |rest| format!("{STRUCTURE}{rest}"))
}

/// A profile or an extension.
pub struct Profile {
    /// Canonical URL.
    pub url: String,
    /// The type that it constrains.
    pub type_name: &'static str,
    /// Canonical URL of what it is derived from.
    pub base: String,
    pub name: &'static str,
    pub elements: Vec<ProfileElement>,
    header: &'static str,
}

impl Profile {
    /// Where an extension may stand: (`element`, `extension` or `fhirpath`, expression).
    pub fn contexts(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.header.split('\t').filter_map(|c| c.strip_prefix("ctx=")?.split_once(':'))
    }

    /// FHIRPath expressions that must hold where an extension stands.
    pub fn context_invariants(&self) -> impl Iterator<Item = &'static str> {
        self.header.split('\t').filter_map(|c| c.strip_prefix("ctxi="))
    }

    /// How often an extension may stand in one place (least, greatest), and whether it modifies what it stands in.
    pub fn root(&self) -> (u32, u32, bool) {
        let said = self.header.split('\t').find_map(|c| c.strip_prefix("root="));
        let Some((min, max)) = said.and_then(|root| root.split_once("..")) else { return (0, u32::MAX, false) };
        let (max, is_modifier) = max.strip_suffix('!').map_or((max, false), |max| (max, true));
        (min.parse().unwrap_or(0), max.parse().unwrap_or(u32::MAX), is_modifier)
    }

    /// Keys of the invariants of the whole.
    pub fn invariants(&self) -> impl Iterator<Item = &'static str> {
        self.header.split('\t').filter_map(|c| c.strip_prefix("c=")).flat_map(|c| c.split(','))
    }
}

/// One element of a profile, as the pack writes it; read by columns.
#[derive(Clone, Copy)]
pub struct ProfileElement {
    line: &'static str,
}

/// A fixed value, pattern, least or greatest value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValueOf {
    /// FHIR type with a capital, e.g. `Uri`, `CodeableConcept`.
    pub type_name: &'static str,
    pub json: &'static str,
}

/// How repeats of an element are told apart.
pub struct Slicing {
    /// `open closed openAtEnd`.
    pub rules: &'static str,
    pub is_ordered: bool,
    /// (`value pattern exists type profile`, path)
    pub discriminators: Vec<(&'static str, &'static str)>,
}

impl ProfileElement {
    fn column(self, n: usize) -> &'static str {
        self.line.split('\t').nth(n).unwrap_or("")
    }

    fn tagged(self, tag: &str) -> Option<&'static str> {
        self.line.split('\t').skip(3).find_map(|c| c.strip_prefix(tag))
    }

    /// Path below the type, with slice names: `component:SystolicBP.code`.
    pub fn path(self) -> &'static str {
        self.column(0)
    }

    /// The slice of which this is the root.
    pub fn slice(self) -> Option<&'static str> {
        self.path().rsplit('.').next()?.split_once(':').map(|(_, slice)| slice)
    }

    pub fn min(self) -> u32 {
        self.column(1).split("..").next().and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// `u32::MAX` is `*`.
    pub fn max(self) -> u32 {
        self.column(1).split("..").nth(1).and_then(|n| n.parse().ok()).unwrap_or(u32::MAX)
    }

    /// (type, profiles on it, targets), URLs in full.
    pub fn types(self) -> impl Iterator<Item = (&'static str, Vec<String>, Vec<String>)> {
        self.column(2).split(' ').filter(|t| !t.is_empty()).map(|t| {
            let list = |open: char, close: char| {
                let inner = t.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map_or("", |(inner, _)| inner);
                inner.split(',').filter(|u| !u.is_empty()).map(full_structure).collect()
            };
            (&t[..t.find(['(', '{']).unwrap_or(t.len())], list('{', '}'), list('(', ')'))
        })
    }

    fn flags(self) -> &'static str {
        Some(self.column(3)).filter(|f| !f.contains('=')).unwrap_or("")
    }

    pub fn is_must_support(self) -> bool {
        self.flags().contains('M')
    }

    pub fn is_modifier(self) -> bool {
        self.flags().contains('!')
    }

    /// (strength letter `r e p x`, canonical URL of the value set)
    pub fn binding(self) -> Option<(char, String)> {
        let text = self.tagged("b=")?;
        Some((text.chars().next()?, full_value_set(text.get(1..)?)))
    }

    /// Canonical URL of the greatest value set (extension `elementdefinition-maxValueSet` of the binding).
    pub fn max_value_set(self) -> Option<String> {
        self.tagged("B=").map(full_value_set)
    }

    pub fn invariants(self) -> impl Iterator<Item = &'static str> {
        self.tagged("c=").into_iter().flat_map(|c| c.split(','))
    }

    /// Path of the element whose content is taken.
    pub fn content_reference(self) -> Option<&'static str> {
        self.tagged("#=")
    }

    fn value_of(self, sign: char) -> Option<ValueOf> {
        let mut columns = self.line.split('\t').skip(3);
        let column = columns.find_map(|c| c.strip_prefix(sign).filter(|c| c.starts_with(|c: char| c.is_ascii_uppercase())))?;
        column.split_once('=').map(|(type_name, json)| ValueOf { type_name, json })
    }

    pub fn fixed(self) -> Option<ValueOf> {
        self.value_of('f')
    }

    pub fn pattern(self) -> Option<ValueOf> {
        self.value_of('p')
    }

    pub fn least(self) -> Option<ValueOf> {
        self.value_of('>')
    }

    pub fn greatest(self) -> Option<ValueOf> {
        self.value_of('<')
    }

    pub fn max_length(self) -> Option<u32> {
        self.tagged("l=")?.parse().ok()
    }

    pub fn slicing(self) -> Option<Slicing> {
        let mut parts = self.tagged("s=")?.split(';');
        let rules = parts.next()?;
        let (rules, is_ordered) = rules.strip_suffix(",ordered").map_or((rules, false), |r| (r, true));
        Some(Slicing { rules, is_ordered, discriminators: parts.filter_map(|d| d.split_once(':')).collect() })
    }
}

/// All profiles and extensions.
pub struct Profiles {
    all: Vec<Profile>,
    by_url: HashMap<String, u16>,
}

static ALL: LazyLock<Profiles> = LazyLock::new(|| {
    let mut out = Profiles { all: Vec::with_capacity(450), by_url: HashMap::with_capacity(450) };
    for line in PROFILES.lines() {
        match line.strip_prefix('@') {
            Some(header) => {
                let mut columns = header.split('\t');
                let mut next = || columns.next().unwrap_or("");
                let (url, type_name, base, name) = (full_structure(next()), next(), full_structure(next()), next());
                out.by_url.insert(url.clone(), out.all.len() as u16);
                out.all.push(Profile { url, type_name, base, name, elements: Vec::new(), header });
            }
            None => {
                if let Some(profile) = out.all.last_mut() {
                    profile.elements.push(ProfileElement { line });
                }
            }
        }
    }
    out
});

pub(super) fn profiles() -> &'static Profiles {
    &ALL
}

impl Profiles {
    /// By canonical URL (`|version` is ignored).
    pub fn get(&self, url: &str) -> Option<&Profile> {
        let url = url.split('|').next().unwrap_or(url);
        self.by_url.get(url).map(|i| &self.all[*i as usize])
    }

    pub fn all(&self) -> &[Profile] {
        &self.all
    }
}

/// One invariant of R4.
#[derive(Clone, Copy)]
pub struct Invariant {
    /// As elements name it; `dom-3~2` is a second wording of dom-3.
    pub key: &'static str,
    /// A broken one is an error, otherwise a warning.
    pub is_error: bool,
    /// FHIRPath, relative to the element.
    pub expression: &'static str,
    /// What it says.
    pub human: &'static str,
}

/// A column without the escapes of the table. The few texts that have some are made once and kept.
fn unescaped(column: &'static str) -> &'static str {
    if !column.contains('\\') {
        return column;
    }
    let mut out = String::with_capacity(column.len());
    let mut chars = column.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                other => out.extend(other),
            },
            _ => out.push(c),
        }
    }
    Box::leak(out.into_boxed_str())
}

static INVARIANT_TABLE: LazyLock<HashMap<&'static str, Invariant>> = LazyLock::new(|| {
    let read = |line: &'static str| {
        let mut columns = line.splitn(4, '\t');
        let (key, severity) = (columns.next()?, columns.next()?);
        let (expression, human) = (unescaped(columns.next()?), unescaped(columns.next()?));
        Some((key, Invariant { key, is_error: severity.starts_with('e'), expression, human }))
    };
    INVARIANTS.lines().filter_map(read).collect()
});

pub(super) fn invariant(key: &str) -> Option<&'static Invariant> {
    INVARIANT_TABLE.get(key)
}

pub(super) fn invariants() -> impl Iterator<Item = &'static Invariant> {
    INVARIANT_TABLE.values()
}

/// The search parameters by which a resource type belongs to a compartment (`Patient`, `Encounter`, …).
pub(super) fn compartment(code: &str, resource_type: &str) -> impl Iterator<Item = &'static str> {
    let line = COMPARTMENTS.lines().find_map(|l| l.strip_prefix(code)?.strip_prefix('\t')?.strip_prefix(resource_type)?.strip_prefix('\t'));
    line.into_iter().flat_map(|l| l.split(','))
}

/// The element lines of each type, as they stand in the table.
static TYPE_LINES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let blocks = TYPES.split('@').filter_map(|block| block.split_once('\n'));
    blocks.map(|(header, lines)| (header.split('\t').next().unwrap_or(header), lines)).collect()
});

/// A type's own element lines in the same form as a profile's, for those who need columns that [`super::Element`]
/// leaves out (least and greatest values, lengths, patterns).
pub(super) fn type_elements(name: &str) -> Vec<ProfileElement> {
    TYPE_LINES.get(name).into_iter().flat_map(|lines| lines.lines()).map(|line| ProfileElement { line }).collect()
}
