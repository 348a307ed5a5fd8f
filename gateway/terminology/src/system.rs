//! One code system in one version: what it says of itself and its concepts.

use crate::builder::Builder;
use crate::grammar::Grammar;
use crate::table::Table;
use hutong_fhir::Definitions;
use hutong_fhir::definitions::{self, CodeSystems};

/// How much of a code system is here (R4 `codesystem-content-mode`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    Complete,
    /// A part: a code that is not here may exist.
    Fragment,
    /// Examples: the same.
    Example,
    /// Nothing but the description.
    NotPresent,
    /// Adds designations and properties to another system.
    Supplement,
}

impl Content {
    pub(crate) fn named(code: &str) -> Option<Content> {
        Some(match code {
            "complete" => Content::Complete,
            "fragment" => Content::Fragment,
            "example" => Content::Example,
            "not-present" => Content::NotPresent,
            "supplement" => Content::Supplement,
            _ => return None,
        })
    }
}

/// A property that concepts may have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Property {
    pub(crate) code: String,
    /// `code`, `string`, `Coding`, `boolean`…
    pub(crate) type_name: String,
    /// Formal identifier, e.g. `http://hl7.org/fhir/concept-properties#status`; may be empty.
    pub(crate) uri: String,
}

/// A code system.
pub struct System {
    pub(crate) url: String,
    pub(crate) version: String,
    pub(crate) name: String,
    pub(crate) title: String,
    /// Of the displays; may be empty.
    pub(crate) language: String,
    pub(crate) content: Content,
    /// Canonical URL of the value set of all its codes; may be empty.
    pub(crate) value_set: String,
    /// Canonical URL (perhaps with version) of the system that this one supplements; may be empty.
    pub(crate) supplements: String,
    /// `is-a`, `part-of` …; empty where it is not said.
    pub(crate) hierarchy: String,
    pub(crate) properties: Vec<Property>,
    /// Further names of the system: `urn:oid:…`.
    pub(crate) aliases: Vec<String>,
    pub(crate) case_sensitive: bool,
    pub(crate) grammar: Option<Grammar>,
    pub(crate) table: Table,
}

impl System {
    pub(crate) fn of_pack(of: &'static definitions::CodeSystem) -> System {
        System {
            url: of.url.clone(),
            version: of.version.to_owned(),
            name: of.name.to_owned(),
            title: String::new(),
            language: String::new(),
            content: Content::named(of.content).unwrap_or(Content::Fragment),
            value_set: CodeSystems::value_set_of(of).unwrap_or_default(),
            supplements: supplemented(of).to_owned(),
            hierarchy: of.tags.split('\t').find_map(|t| t.strip_prefix("h=")).unwrap_or("").to_owned(),
            properties: Vec::new(),
            aliases: Vec::new(),
            case_sensitive: of.is_case_sensitive,
            grammar: Grammar::of(&of.url),
            table: Table::of_pack(of.text, of.is_case_sensitive),
        }
    }

    pub(crate) fn of_grammar(url: &str, grammar: Grammar) -> System {
        let mut system = System::bare(url, grammar);
        if grammar == Grammar::Iso3166
            && let Some(table) = countries()
        {
            (system.table, system.content) = (table, Content::Fragment);
        }
        system
    }

    fn bare(url: &str, grammar: Grammar) -> System {
        System {
            url: url.to_owned(),
            version: String::new(),
            name: grammar.name().to_owned(),
            title: String::new(),
            language: String::new(),
            content: Content::NotPresent,
            value_set: String::new(),
            supplements: String::new(),
            hierarchy: String::new(),
            properties: Vec::new(),
            aliases: Vec::new(),
            case_sensitive: true,
            grammar: Some(grammar),
            table: Table::of_pack("", true),
        }
    }

    /// Canonical URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Business version; may be empty.
    /// Whether it adds to another system, so that codes are of that one.
    pub fn is_supplement(&self) -> bool {
        !self.supplements.is_empty()
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// A name for people: the title, else the name.
    pub fn title(&self) -> &str {
        if self.title.is_empty() { &self.name } else { &self.title }
    }

    /// How many concepts are here.
    pub fn len(&self) -> usize {
        self.table.len() as usize
    }

    /// Whether no concept is here.
    pub fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// Whether the system has the code; `None` where its content is not here in full.
    pub fn has(&self, code: &str) -> Option<bool> {
        if self.table.find(code).is_some() {
            return Some(true);
        }
        match (self.grammar, self.content) {
            (_, Content::Complete) => Some(false),
            (Some(grammar), _) => Some(grammar.has(code)),
            _ => None,
        }
    }

    /// The display of a code in the system's own language.
    pub fn display(&self, code: &str) -> Option<&str> {
        self.table.display(self.table.find(code)?)
    }

    /// Every code with its display, in preorder of the hierarchy.
    pub fn codes(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        (0..self.table.len()).map(|row| (self.table.code(row), self.table.display(row)))
    }

    /// Memory: bytes of text, and bytes beside it.
    pub fn bytes(&self) -> (usize, usize) {
        self.table.bytes()
    }
}

/// The system that one of R4's supplements; empty for the others.
pub(crate) fn supplemented(of: &definitions::CodeSystem) -> &'static str {
    of.tags.split('\t').find_map(|t| t.strip_prefix("s=")).unwrap_or("")
}

/// The countries that R4 lists, with their names.
fn countries() -> Option<Table> {
    let set = Definitions::r4().value_sets().get("http://hl7.org/fhir/ValueSet/iso3166-1-2")?;
    let mut builder = Builder::new(true);
    for (code, display) in set.includes.first()?.concepts() {
        builder.add(code, display.unwrap_or(""), 0, None).ok()?;
    }
    builder.finish(false).ok()
}
