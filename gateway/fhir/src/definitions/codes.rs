//! Value sets that R4's types bind as required, expanded (`profiles/r4/required.txt`).

use std::collections::HashMap;

const TEXT: &str = include_str!("../../../../profiles/r4/required.txt");
const VALUE_SET: &str = "http://hl7.org/fhir/ValueSet/";
const FHIR: &str = "http://hl7.org/fhir/";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem/";

/// Number of a code set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeSetId(u16);

/// Sets of which only the form of a code can be checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Language tags (RFC 5646).
    Bcp47,
    /// Media types.
    Bcp13,
    Ucum,
    /// Currencies.
    Iso4217,
}

impl Form {
    /// Whether a code has the form; the registries behind it (languages, media types, currencies) are not here.
    pub fn has(self, code: &str) -> bool {
        match self {
            // language-script-region-variant…: an ISO 639 code, then subtags of 1 to 8 letters and digits (RFC 5646 §2.1)
            Form::Bcp47 => {
                let mut subtags = code.split('-');
                subtags.next().is_some_and(|s| (2..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphabetic()))
                    && subtags.all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()))
            }
            // type/subtype, parameters behind ';' are not looked at (RFC 6838 §4.2)
            Form::Bcp13 => {
                let essence = code.split(';').next().unwrap_or("").trim();
                let token = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,:\\\"/[]?=".contains(&b));
                // CapabilityStatement.format also takes the short names
                matches!(code, "xml" | "json" | "ttl") || essence.split_once('/').is_some_and(|(a, b)| token(a) && token(b))
            }
            Form::Ucum => crate::ucum::is_valid(code),
            Form::Iso4217 => code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()),
        }
    }
}

enum Content {
    /// Range of `systems`.
    Codes(u32, u32),
    Form(Form),
    /// Not in the pack (LOINC answer lists).
    Unknown,
}

struct Set {
    url: &'static str,
    content: Content,
}

pub(super) struct CodeSets {
    sets: Vec<Set>,
    /// System as the pack writes it, range of `codes`.
    systems: Vec<(&'static str, u32, u32)>,
    /// Sorted within each system.
    codes: Vec<&'static str>,
    by_url: HashMap<&'static str, CodeSetId>,
}

/// One code set.
#[derive(Clone, Copy)]
pub struct CodeSet<'d> {
    all: &'d CodeSets,
    set: &'d Set,
}

impl<'d> CodeSet<'d> {
    /// Canonical URL of the value set.
    pub fn canonical(self) -> String {
        full_value_set(self.set.url)
    }

    /// The form that stands for the codes where the set is not a list.
    pub fn form(self) -> Option<Form> {
        match self.set.content {
            Content::Form(form) => Some(form),
            _ => None,
        }
    }

    /// Whether the codes of this set are known, so that a code can be judged by them.
    pub fn is_listed(self) -> bool {
        matches!(self.set.content, Content::Codes(..))
    }

    fn systems(self) -> &'d [(&'static str, u32, u32)] {
        match self.set.content {
            Content::Codes(from, to) => self.all.systems.get(from as usize..to as usize).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// Whether one of the systems of a listed set has the code.
    pub fn has_code(self, code: &str) -> bool {
        self.systems().iter().any(|(_, from, to)| self.all.codes[*from as usize..*to as usize].binary_search(&code).is_ok())
    }

    /// Whether a listed set has the code of that system.
    pub fn has(self, system: &str, code: &str) -> bool {
        self.systems()
            .iter()
            .any(|(s, from, to)| is_system(s, system) && self.all.codes[*from as usize..*to as usize].binary_search(&code).is_ok())
    }

    /// Whether the set takes codes of that system.
    pub fn has_system(self, system: &str) -> bool {
        self.systems().iter().any(|(s, ..)| is_system(s, system))
    }

    /// The codes, system by system.
    pub fn codes(self) -> impl Iterator<Item = &'static str> {
        self.systems().iter().flat_map(move |(_, from, to)| self.all.codes[*from as usize..*to as usize].iter().copied())
    }

    /// (system, codes) of a listed set.
    pub fn by_system(self) -> impl Iterator<Item = (String, &'d [&'static str])> {
        self.systems().iter().map(move |(s, from, to)| (full_system(s), &self.all.codes[*from as usize..*to as usize]))
    }
}

impl CodeSets {
    pub(super) fn load() -> CodeSets {
        let mut out = CodeSets { sets: Vec::new(), systems: Vec::new(), codes: Vec::new(), by_url: HashMap::new() };
        for line in TEXT.lines() {
            match line.strip_prefix('@') {
                Some(header) => {
                    let (url, what) = header.split_once('\t').unwrap_or((header, ""));
                    let systems = out.systems.len() as u32;
                    let content = match what {
                        "codes" => Content::Codes(systems, systems),
                        "format:bcp47" => Content::Form(Form::Bcp47),
                        "format:bcp13" => Content::Form(Form::Bcp13),
                        "format:ucum" => Content::Form(Form::Ucum),
                        "format:iso4217" => Content::Form(Form::Iso4217),
                        _ => Content::Unknown,
                    };
                    out.by_url.insert(url, CodeSetId(out.sets.len() as u16));
                    out.sets.push(Set { url, content });
                }
                None => {
                    let mut columns = line.split('\t');
                    let system = columns.next().unwrap_or("");
                    let from = out.codes.len() as u32;
                    out.codes.extend(columns);
                    out.systems.push((system, from, out.codes.len() as u32));
                    if let Some(Set { content: Content::Codes(_, to), .. }) = out.sets.last_mut() {
                        *to = out.systems.len() as u32;
                    }
                }
            }
        }
        out
    }

    /// By the URL as the pack writes it, or in full.
    pub(super) fn find(&self, url: &str) -> Option<CodeSetId> {
        let url = url.split('|').next().unwrap_or(url);
        if let Some(id) = self.by_url.get(url) {
            return Some(*id);
        }
        let rest = url.strip_prefix(VALUE_SET)?;
        self.sets.iter().position(|s| s.url.strip_prefix('~') == Some(rest)).map(|i| CodeSetId(i as u16))
    }

    pub(super) fn get(&self, id: CodeSetId) -> CodeSet<'_> {
        CodeSet { all: self, set: &self.sets[id.0 as usize] }
    }
}

pub(super) fn full_value_set(short: &str) -> String {
    short.strip_prefix('~').map_or_else(|| short.to_owned(), |rest| format!("{VALUE_SET}{rest}"))
}

pub(super) fn full_system(short: &str) -> String {
    match short.as_bytes().first() {
        Some(b'~') => format!("{FHIR}{}", &short[1..]),
        Some(b'^') => format!("{TERMINOLOGY}{}", &short[1..]),
        _ => short.to_owned(),
    }
}

/// Compares a system as the pack writes it with one in full.
fn is_system(short: &str, full: &str) -> bool {
    match short.as_bytes().first() {
        Some(b'~') => full.strip_prefix(FHIR) == Some(&short[1..]),
        Some(b'^') => full.strip_prefix(TERMINOLOGY) == Some(&short[1..]),
        _ => short == full,
    }
}
