//! CodeSystem, ValueSet and NamingSystem resources made part of [`Terminology`].

use crate::builder::Builder;
use crate::set::{Designation, Expanded, Filter, Include, Listed, SetDefinition};
use crate::system::{Content, Property, System};
use crate::table::{ABSTRACT, Fault, INACTIVE, Table, ValueKind};
use crate::{MapSlot, SetSlot, Source, SystemSlot, Terminology, grammar::Grammar, map, split, text, version};
use hutong_fhir::{Finding, NodeRef};
use std::sync::Arc;

/// Nesting of concepts, at most.
const DEPTH_MAX: usize = 64;

impl Terminology {
    /// Takes a CodeSystem, ValueSet, ConceptMap or NamingSystem. The same URL and version again replaces the earlier
    /// one. Nothing is taken where a finding is given.
    pub fn load(&mut self, resource: NodeRef<'_>) -> Result<(), Finding> {
        match resource.resource_type() {
            Some("CodeSystem") => self.add_system(code_system(resource)?),
            Some("ValueSet") => self.add_set(value_set(resource, true)?),
            Some("ConceptMap") => self.add_map(map::read(resource)?),
            Some("NamingSystem") => self.add_names(resource),
            _ => return Err(text::not_terminology(resource.resource_type().unwrap_or(""))),
        }
        self.forget();
        Ok(())
    }

    pub(crate) fn add_system(&mut self, system: System) {
        for alias in &system.aliases {
            self.aliases.insert(alias.clone(), system.url.clone());
        }
        if !system.value_set.is_empty() {
            let named = self.whole_systems.entry(system.value_set.clone()).or_default();
            named.retain(|n| *n != (system.url.clone(), system.version.clone()));
            named.push((system.url.clone(), system.version.clone()));
            self.derive_set(&system.value_set);
        }
        if system.is_supplement() {
            self.supplementing.insert(system.url.clone(), ());
        }
        let supplemented = split(&system.supplements).0.to_owned();
        let slots = self.systems.entry(system.url.clone()).or_default();
        let slot = SystemSlot::of(system);
        if let Source::Loaded(system) = &slot.source
            && system.content == Content::Supplement
        {
            let all = self.supplements.entry(supplemented).or_default();
            all.retain(|s| (&s.url, &s.version) != (&system.url, &system.version));
            all.push(Arc::clone(system));
        }
        slots.retain(|s| s.version != slot.version);
        slots.push(slot);
        // R4's own stay behind what was loaded
        slots.sort_by(|a, b| {
            let of_pack = |s: &SystemSlot| matches!(s.source, Source::Pack(_));
            of_pack(a).cmp(&of_pack(b)).then_with(|| version::compare(&b.version, &a.version))
        });
    }

    /// The value set of all codes of a system, where nothing else defines it: of all its versions, and of each.
    fn derive_set(&mut self, url: &str) {
        let Some(systems) = self.whole_systems.get(url) else { return };
        let slots = self.sets.entry(url.to_owned()).or_default();
        slots.retain(|s| !s.is_derived);
        if !slots.is_empty() {
            return;
        }
        slots.push(SetSlot::of(SetDefinition::all_of(url, "", systems), true));
        for one in systems.iter().filter(|(_, version)| !version.is_empty()) {
            slots.push(SetSlot::of(SetDefinition::all_of(url, &one.1, std::slice::from_ref(one)), true));
        }
    }

    fn add_set(&mut self, set: SetDefinition) {
        let slots = self.sets.entry(set.url.clone()).or_default();
        slots.retain(|s| s.version != set.version && !s.is_derived);
        slots.push(SetSlot::of(set, false));
        slots.sort_by(|a, b| {
            let of_pack = |s: &SetSlot| matches!(s.source, Source::Pack(_));
            of_pack(a).cmp(&of_pack(b)).then_with(|| version::compare(&b.version, &a.version))
        });
    }

    fn add_map(&mut self, of: map::ConceptMap) {
        let slots = self.concept_maps.entry(of.url.clone()).or_default();
        slots.retain(|s: &MapSlot| s.version != of.version);
        slots.push(Arc::new(of));
        slots.sort_by(|a, b| version::compare(&b.version, &a.version));
    }

    /// The OIDs and URIs of one NamingSystem are names of one system: the preferred URI, else the first, is canonical.
    fn add_names(&mut self, of: NodeRef<'_>) {
        let mut names: Vec<(bool, String)> = Vec::new();
        for id in all(of, "uniqueId") {
            let (Some(kind), Some(value)) = (id.at("type"), id.at("value")) else { continue };
            let name = match kind {
                "oid" => format!("urn:oid:{}", value.trim_start_matches("urn:oid:")),
                "uuid" => format!("urn:uuid:{}", value.trim_start_matches("urn:uuid:")),
                "uri" => value.to_owned(),
                _ => continue,
            };
            names.push((kind == "uri" && id.at("preferred") == Some("true"), name));
        }
        let known = names.iter().find(|n| self.systems.contains_key(&n.1));
        let preferred = names.iter().find(|n| n.0).or(known).or_else(|| names.iter().find(|n| !n.1.starts_with("urn:")));
        let Some((_, canonical)) = preferred.cloned() else { return };
        for (_, name) in names.into_iter().filter(|n| n.1 != canonical) {
            self.aliases.insert(name, canonical.clone());
        }
    }
}

pub(crate) fn all<'t>(of: NodeRef<'t>, name: &'static str) -> impl Iterator<Item = NodeRef<'t>> {
    of.children().filter(move |c| c.name() == name)
}

pub(crate) fn owned(of: NodeRef<'_>, path: &str) -> String {
    of.at(path).unwrap_or("").to_owned()
}

/// `system|code|display` of a Coding; empty for none.
pub(crate) fn coding(of: Option<NodeRef<'_>>) -> String {
    let Some(of) = of else { return String::new() };
    let part = |name| of.at(name).unwrap_or("").replace('|', " ");
    format!("{}|{}|{}", part("system"), part("code"), part("display"))
}

fn designation(of: NodeRef<'_>) -> Designation {
    Designation { language: owned(of, "language"), use_: coding(of.get("use")), value: owned(of, "value") }
}

/// Reads a CodeSystem.
pub(crate) fn code_system(of: NodeRef<'_>) -> Result<System, Finding> {
    let url = of.at("url").filter(|u| !u.is_empty()).ok_or_else(|| text::missing("CodeSystem", "url"))?;
    let content = of.at("content").and_then(Content::named).ok_or_else(|| text::missing("CodeSystem", "content"))?;
    let supplements = owned(of, "supplements");
    if content == Content::Supplement && supplements.is_empty() {
        return Err(text::missing("CodeSystem", "supplements"));
    }
    let case_sensitive = of.at("caseSensitive") == Some("true");
    let properties: Vec<Property> =
        all(of, "property").map(|p| Property { code: owned(p, "code"), type_name: owned(p, "type"), uri: owned(p, "uri") }).collect();
    let table = Concepts::read(of, case_sensitive, &properties, content).map_err(|fault| text::concepts(url, &fault))?;
    let aliases = all(of, "identifier").filter_map(|i| i.at("value")).filter_map(|v| {
        let oid = v.strip_prefix("urn:oid:").unwrap_or(v);
        (oid.contains('.') && oid.bytes().all(|b| b.is_ascii_digit() || b == b'.')).then(|| format!("urn:oid:{oid}"))
    });
    Ok(System {
        url: url.to_owned(),
        version: owned(of, "version"),
        name: owned(of, "name"),
        title: owned(of, "title"),
        language: owned(of, "language"),
        content,
        value_set: owned(of, "valueSet"),
        supplements,
        hierarchy: owned(of, "hierarchyMeaning"),
        aliases: aliases.filter(|a| a != url).collect(),
        properties,
        case_sensitive,
        grammar: Grammar::of(url),
        table,
    })
}

struct Concepts<'p> {
    builder: Builder,
    properties: &'p [Property],
}

impl Concepts<'_> {
    fn read(of: NodeRef<'_>, case_sensitive: bool, properties: &[Property], content: Content) -> Result<Table, Fault> {
        let mut this = Concepts { builder: Builder::new(case_sensitive), properties };
        for concept in all(of, "concept") {
            this.concept(concept, None, 0)?;
        }
        this.builder.finish(content != Content::Complete)
    }

    fn concept(&mut self, of: NodeRef<'_>, parent: Option<u32>, depth: usize) -> Result<(), Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::TooMuch);
        }
        let row = self.builder.add(of.at("code").unwrap_or(""), of.at("display").unwrap_or(""), 0, parent)?;
        if let Some(definition) = of.at("definition") {
            let kind = self.builder.kind(ValueKind::Definition)?;
            self.builder.value(row, kind, definition)?;
        }
        for d in all(of, "designation").map(designation) {
            let kind = self.builder.kind(ValueKind::Designation { language: d.language, use_: d.use_ })?;
            self.builder.value(row, kind, &d.value)?;
        }
        for property in all(of, "property") {
            self.property(row, property)?;
        }
        for child in all(of, "concept") {
            self.concept(child, Some(row), depth + 1)?;
        }
        Ok(())
    }

    /// Some properties mean the same in every system (R4 §4.8.10): hierarchy, abstract, inactive.
    fn property(&mut self, row: u32, of: NodeRef<'_>) -> Result<(), Fault> {
        let code = of.at("code").unwrap_or("");
        let Some(value) = of.children().find(|c| c.name().starts_with("value")) else { return Ok(()) };
        let type_name = match value.name() {
            "valueCode" => "code",
            "valueCoding" => "Coding",
            "valueInteger" => "integer",
            "valueBoolean" => "boolean",
            "valueDateTime" => "dateTime",
            "valueDecimal" => "decimal",
            _ => "string",
        };
        let text = match type_name {
            "Coding" => coding(Some(value)),
            _ => value.value().unwrap_or("").to_owned(),
        };
        let uri = self.properties.iter().find(|p| p.code == code).map_or("", |p| p.uri.as_str());
        let meaning = uri.strip_prefix("http://hl7.org/fhir/concept-properties#").unwrap_or(code);
        match (meaning, &*text) {
            ("parent" | "subsumedBy", parent) => self.builder.below(row, parent)?,
            // what is below is said from both sides
            ("child", _) => {}
            ("notSelectable" | "abstract", "true") => self.builder.set_flags(row, ABSTRACT),
            ("inactive", "true") => self.builder.set_flags(row, INACTIVE),
            ("status", "retired" | "inactive" | "deprecated" | "Retired" | "Inactive" | "Deprecated") => {
                self.builder.set_flags(row, INACTIVE);
            }
            _ => {}
        }
        let kind = self.builder.kind(ValueKind::Property { code: code.to_owned(), type_name })?;
        self.builder.value(row, kind, &text)
    }
}

/// Reads a ValueSet.
/// `named`: it must have a URL.
pub(crate) fn value_set(of: NodeRef<'_>, named: bool) -> Result<SetDefinition, Finding> {
    let mut out = SetDefinition {
        url: owned(of, "url"),
        version: owned(of, "version"),
        name: owned(of, "name"),
        title: owned(of, "title"),
        status: owned(of, "status"),
        ..SetDefinition::default()
    };
    if let Some(compose) = of.get("compose") {
        out.includes = all(compose, "include").map(include).collect();
        out.excludes = all(compose, "exclude").map(include).collect();
        out.inactive = compose.at("inactive").map(|v| v == "true");
    }
    out.expansion = of.get("expansion").and_then(expansion);
    if named && out.url.is_empty() { Err(text::missing("ValueSet", "url")) } else { Ok(out) }
}

fn include(of: NodeRef<'_>) -> Include {
    Include {
        system: owned(of, "system"),
        version: owned(of, "version"),
        concepts: all(of, "concept").map(listed).collect(),
        filters: all(of, "filter")
            .map(|f| Filter { property: owned(f, "property").into(), op: owned(f, "op").into(), value: owned(f, "value").into() })
            .collect(),
        value_sets: all(of, "valueSet").filter_map(|v| v.value().map(str::to_owned)).collect(),
    }
}

fn listed(of: NodeRef<'_>) -> Listed {
    Listed {
        code: owned(of, "code").into(),
        display: owned(of, "display").into(),
        designations: all(of, "designation").map(designation).collect(),
    }
}

/// The codes of an expansion, where it is whole: no page, no cut.
fn expansion(of: NodeRef<'_>) -> Option<Vec<Expanded>> {
    let cut =
        all(of, "parameter").any(|p| matches!(p.at("name"), Some("limitedExpansion" | "count")) && p.at("valueBoolean") != Some("false"));
    let unclosed = all(of, "extension").any(|e| {
        let url = e.at("url").unwrap_or("");
        url.ends_with("/valueset-toocostly") || url.ends_with("/valueset-unclosed")
    });
    if cut || unclosed || of.at("offset").is_some_and(|o| o != "0") {
        return None;
    }
    let mut out = Vec::new();
    contains(of, 0, &mut out)?;
    let total = of.at("total").and_then(|t| t.parse::<usize>().ok());
    (total.is_none_or(|t| t <= out.len()) && !out.is_empty()).then_some(out)
}

fn contains(of: NodeRef<'_>, depth: usize, out: &mut Vec<Expanded>) -> Option<()> {
    if depth > DEPTH_MAX {
        return None;
    }
    for entry in all(of, "contains") {
        if entry.at("abstract") != Some("true") && entry.at("code").is_some() {
            out.push(Expanded { system: owned(entry, "system"), concept: listed(entry) });
        }
        contains(entry, depth + 1, out)?;
    }
    Some(())
}
