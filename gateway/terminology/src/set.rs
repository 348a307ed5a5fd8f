//! What a value set says (R4 ValueSet.compose), whether it comes from the pack, a resource or an implicit URL.

use crate::grammar::{BCP13, UCUM};
use hutong_fhir::definitions;
use std::borrow::Cow;

pub(crate) type Text = Cow<'static, str>;

/// A designation in a value set or of a concept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Designation {
    pub(crate) language: String,
    /// `system|code|display`; may be empty.
    pub(crate) use_: String,
    pub(crate) value: String,
}

/// A code that a value set lists.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) code: Text,
    /// Instead of the system's own; may be empty.
    pub(crate) display: Text,
    pub(crate) designations: Vec<Designation>,
}

/// A condition on the codes of a system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Filter {
    pub(crate) property: Text,
    pub(crate) op: Text,
    pub(crate) value: Text,
}

/// One include or exclude.
#[derive(Clone, Default)]
pub(crate) struct Include {
    /// Empty where only value sets are imported.
    pub(crate) system: String,
    /// Empty: the newest.
    pub(crate) version: String,
    pub(crate) concepts: Vec<Listed>,
    pub(crate) filters: Vec<Filter>,
    /// Canonicals; a code must be in all of them.
    pub(crate) value_sets: Vec<String>,
}

/// One code of a stored expansion.
#[derive(Clone)]
pub(crate) struct Expanded {
    pub(crate) system: String,
    pub(crate) concept: Listed,
}

/// A value set.
#[derive(Clone, Default)]
pub(crate) struct SetDefinition {
    pub(crate) url: String,
    pub(crate) version: String,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) status: String,
    pub(crate) includes: Vec<Include>,
    pub(crate) excludes: Vec<Include>,
    /// `compose.inactive`
    pub(crate) inactive: Option<bool>,
    /// The expansion that the resource brings along, where it is whole.
    pub(crate) expansion: Option<Vec<Expanded>>,
}

impl SetDefinition {
    pub(crate) fn of_pack(of: &'static definitions::ValueSet) -> SetDefinition {
        let mut out =
            SetDefinition { url: of.url.clone(), version: of.version.to_owned(), name: of.name.to_owned(), ..SetDefinition::default() };
        for include in &of.includes {
            let part = Include {
                system: include.system(),
                version: include.version().to_owned(),
                concepts: include
                    .concepts()
                    .map(|(code, display)| Listed {
                        code: Cow::Borrowed(code),
                        display: Cow::Borrowed(display.unwrap_or("")),
                        designations: Vec::new(),
                    })
                    .collect(),
                filters: include
                    .filters()
                    .map(|(property, op, value)| Filter { property: property.into(), op: op.into(), value: value.into() })
                    .collect(),
                value_sets: include.value_sets().collect(),
            };
            if include.is_exclude() {
                out.excludes.push(part);
            } else {
                out.includes.push(part);
            }
        }
        out
    }

    /// All codes of systems, each in a version.
    pub(crate) fn all_of(url: &str, version: &str, systems: &[(String, String)]) -> SetDefinition {
        let include = |of: &(String, String)| Include { system: of.0.clone(), version: of.1.clone(), ..Include::default() };
        let includes = systems.iter().map(include).collect();
        SetDefinition { url: url.to_owned(), version: version.to_owned(), includes, ..SetDefinition::default() }
    }

    fn filtered(url: &str, system: &str, version: &str, filters: Vec<Filter>) -> SetDefinition {
        let include = Include { system: system.to_owned(), version: version.to_owned(), filters, ..Include::default() };
        SetDefinition { url: url.to_owned(), includes: vec![include], ..SetDefinition::default() }
    }

    /// Value sets that exist by their URL alone (R4 §4.3.4, SNOMED CT, LOINC and UCUM in FHIR).
    pub(crate) fn implicit(url: &str) -> Option<SetDefinition> {
        let filter = |property: &'static str, op: &'static str, value: &str| {
            vec![Filter { property: property.into(), op: op.into(), value: value.to_owned().into() }]
        };
        if let Some((base, rest)) = url.split_once("?fhir_vs") {
            let (system, version) = match base.strip_prefix("http://snomed.info/sct/") {
                Some(_) => ("http://snomed.info/sct", base),
                None => (base, ""),
            };
            let filters = match rest.strip_prefix('=') {
                None if rest.is_empty() => Vec::new(),
                Some(rest) => match rest.strip_prefix("isa/") {
                    Some(code) => filter("concept", "is-a", code),
                    // reference sets and expressions are not known: no code can be judged
                    None => filter("expression", "=", rest),
                },
                None => return None,
            };
            return Some(SetDefinition::filtered(url, system, version, filters));
        }
        if let Some(unit) = url.strip_prefix("http://unitsofmeasure.org/vs") {
            return match unit.strip_prefix('/') {
                Some(unit) => Some(SetDefinition::filtered(url, UCUM, "", filter("canonical", "=", unit))),
                None if unit.is_empty() => Some(SetDefinition::filtered(url, UCUM, "", Vec::new())),
                None => None,
            };
        }
        if let Some(id) = url.strip_prefix("http://loinc.org/vs") {
            let filters = match id.strip_prefix('/') {
                Some(part) if part.starts_with("LP") => filter("concept", "is-a", part),
                Some(list) => filter("LIST", "=", list),
                None if id.is_empty() => Vec::new(),
                None => return None,
            };
            return Some(SetDefinition::filtered(url, "http://loinc.org", "", filters));
        }
        // R4 binds media types by the address of the RFC
        (url == "http://www.rfc-editor.org/bcp/bcp13.txt").then(|| SetDefinition::filtered(url, BCP13, "", Vec::new()))
    }
}
