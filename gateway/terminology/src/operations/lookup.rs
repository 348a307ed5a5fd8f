//! CodeSystem `$lookup` (R4 §4.8.17.1): what is known of a code.

use super::codes::{Concept, Languages};
use super::{Input, Output};
use crate::grammar::Grammar;
use crate::system::System;
use crate::table::ValueKind;
use crate::{Terminology, text};
use hutong_fhir::tree::{NodeId, Tree};
use hutong_fhir::{Finding, Key, Kind, ucum};

const KNOWN: [&str; 7] = ["code", "system", "version", "coding", "date", "displayLanguage", "property"];

impl Terminology {
    /// CodeSystem `$lookup`. `date` has no effect: what is loaded has versions, but no dates of validity.
    pub fn lookup(&self, parameters: &Tree) -> Result<Tree, Finding> {
        let input = Input::of(parameters, &KNOWN)?;
        let codings = input.codings("system", "version")?;
        let coded = codings.first().copied().unwrap_or_default();
        let url = coded.system.ok_or_else(|| text::missing_parameter("system"))?;
        let system = match coded.version {
            Some(_) => self.system_of(self.canonical(url), coded.version),
            // without a version, one that has the code
            None => {
                let mut all = self.versions_of(self.canonical(url));
                let first = all.next();
                first.filter(|s| s.has(coded.code) == Some(true)).or_else(|| all.find(|s| s.has(coded.code) == Some(true))).or(first)
            }
        };
        let system = system.ok_or_else(|| text::unknown_system(url))?;
        let wanted: Vec<&str> = input.values("property").collect();
        let languages = Languages::of(input.value("displayLanguage"));
        let mut answer = Answer { terminology: self, system, wanted, out: Output::parameters() };
        match system.table.find(coded.code) {
            Some(row) => answer.concept(row, &languages),
            None if system.has(coded.code) == Some(true) => answer.form(coded.code),
            None => return Err(text::unknown_code(&system.url, system.has(coded.code).is_none()).with_value(coded.code)),
        }
        Ok(answer.out.tree)
    }
}

struct Answer<'a> {
    terminology: &'a Terminology,
    system: &'a System,
    wanted: Vec<&'a str>,
    out: Output,
}

impl<'a> Answer<'a> {
    fn wants(&self, property: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|w| *w == property || *w == "*")
    }

    fn head(&mut self, display: &str) {
        self.out.say("name", "valueString", self.system.title());
        self.out.say("version", "valueString", &self.system.version);
        self.out.say("display", "valueString", display);
    }

    fn concept(&mut self, row: u32, languages: &Languages<'_>) {
        let (terminology, system) = (self.terminology, self.system);
        let concept = Concept { system: Some(system), row: Some(row), listed: None };
        let table = &system.table;
        self.head(concept.display(terminology, languages).unwrap_or(table.code(row)));
        if self.wants("designation") {
            for (language, use_, value) in concept.designations(terminology) {
                self.designation(&language, &use_, value);
            }
        }
        for parent in table.parents(row) {
            self.property("parent", "code", table.code(parent), table.display(parent));
        }
        for child in table.children(row) {
            self.property("child", "code", table.code(child), table.display(child));
        }
        if table.is_inactive(row) {
            self.property("inactive", "boolean", "true", None);
        }
        if table.is_abstract(row) {
            self.property("notSelectable", "boolean", "true", None);
        }
        for (table, row) in terminology.tables_of(system, row) {
            for (kind, value) in table.values(row) {
                match kind {
                    ValueKind::Definition => self.property("definition", "string", value, None),
                    // said above, in the form that all systems share
                    ValueKind::Property { code, .. } if matches!(code.as_str(), "parent" | "child" | "inactive" | "notSelectable") => {}
                    ValueKind::Property { code, type_name } => self.property(code, type_name, value, None),
                    ValueKind::Designation { .. } => {}
                }
            }
        }
    }

    /// A code of a grammar.
    fn form(&mut self, code: &str) {
        let is_ucum = self.system.grammar == Some(Grammar::Ucum);
        self.head(ucum::name(code).filter(|_| is_ucum).unwrap_or(code));
        if is_ucum && let Some(unit) = ucum::Canonical::of(code) {
            self.property("canonical", "string", &unit.base().to_string(), None);
        }
    }

    fn designation(&mut self, language: &str, use_: &str, value: &str) {
        let id = self.out.parameter("designation");
        if !language.is_empty() {
            let part = self.out.part(id, "language");
            self.out.text(part, "valueCode", language);
        }
        if !use_.is_empty() {
            let part = self.out.part(id, "use");
            self.out.packed_coding(part, "valueCoding", use_);
        }
        let part = self.out.part(id, "value");
        self.out.text(part, "valueString", value);
    }

    fn property(&mut self, code: &str, type_name: &str, value: &str, description: Option<&str>) {
        if !self.wants(code) {
            return;
        }
        let id = self.out.parameter("property");
        let part = self.out.part(id, "code");
        self.out.text(part, "valueCode", code);
        let part = self.out.part(id, "value");
        self.value(part, type_name, value);
        if let Some(description) = description {
            let part = self.out.part(id, "description");
            self.out.text(part, "valueString", description);
        }
    }

    fn value(&mut self, of: NodeId, type_name: &str, value: &str) {
        let (key, kind) = match type_name {
            "Coding" => return self.out.packed_coding(of, "valueCoding", value),
            "code" => ("valueCode", Kind::String),
            "integer" => ("valueInteger", Kind::Number),
            "decimal" => ("valueDecimal", Kind::Number),
            "boolean" => ("valueBoolean", Kind::Bool),
            "dateTime" => ("valueDateTime", Kind::String),
            _ => ("valueString", Kind::String),
        };
        self.out.tree.append_value(of, Key::of(key), kind, value, false);
    }
}
