//! ValueSet `$expand` (R4 §4.9.18.1).

use super::codes::Languages;
use super::expansion::{Entry, Expansion};
use super::{Input, Output};
use crate::compile::{Compiled, Compiler, Pins};
use crate::set::SetDefinition;
use crate::table::NONE;
use crate::{Terminology, load, text};
use hutong_fhir::tree::{NodeId, Tree};
use hutong_fhir::{Finding, Key, Kind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Codes that an answer holds; more only in pages.
const PAGE_MAX: usize = 10_000;

/// Value sets that are excluded or systems that are pinned in one question.
const PINS_MAX: usize = 64;

const KNOWN: [&str; 22] = [
    "url",
    "valueSet",
    "valueSetVersion",
    "context",
    "contextDirection",
    "filter",
    "date",
    "offset",
    "count",
    "includeDesignations",
    "designation",
    "includeDefinition",
    "activeOnly",
    "excludeNested",
    "includeHierarchy",
    "excludeNotForUI",
    "excludePostCoordinated",
    "displayLanguage",
    "exclude-system",
    "system-version",
    "check-system-version",
    "force-system-version",
];

/// Includes, excludes, filters and imports of a value set that a question brings along: each may go through a whole system.
const INLINE_PARTS_MAX: usize = 100;

/// Bytes of a filter text.
const FILTER_BYTES_MAX: usize = 256;

/// How the codes are shown.
struct Style<'t> {
    languages: Languages<'t>,
    designations: bool,
    /// `use` or language of the designations that are wanted; empty: all.
    kinds: Vec<&'t str>,
}

impl Terminology {
    /// ValueSet `$expand`. `now` is the `expansion.timestamp`, a FHIR dateTime: this crate has no clock.
    ///
    /// The answer is flat, in pages where `count` is given; `includeHierarchy` nests the codes of one system instead.
    /// More than 10,000 codes are `too-costly` without `count`, unless `limitedExpansion` lets the rest be left out.
    pub fn expand(&self, parameters: &Tree, now: &str) -> Result<Tree, Finding> {
        let mut known = KNOWN.to_vec();
        known.push("limitedExpansion");
        let input = Input::of(parameters, &known)?;
        for name in ["context", "contextDirection", "includeDefinition"] {
            if input.value(name).is_some_and(|v| v != "false") {
                return Err(text::unsupported_parameter(name));
            }
        }
        let pins = pins(&input)?;
        let set = self.asked_set(&input, &pins)?;
        let active_only = input.flag("activeOnly")?.unwrap_or(false);
        let expansion = self.expansion(&set, &pins, active_only, input.resource("valueSet").is_some())?;
        check_versions(&input, &expansion)?;
        let mut entries = match input.value("filter") {
            Some(filter) if filter.len() > FILTER_BYTES_MAX => return Err(text::bad_parameter("filter")),
            Some(filter) => expansion.matching(self, filter),
            None => expansion.entries.clone(),
        };
        if input.flag("excludeNotForUI")?.unwrap_or(false) {
            entries.retain(|e| !expansion.concept(*e).is_abstract());
        }
        let style = Style {
            languages: Languages::of(input.value("displayLanguage")),
            designations: input.flag("includeDesignations")?.unwrap_or(false),
            kinds: input.values("designation").collect(),
        };
        let total = entries.len();
        let (offset, count) = (input.number("offset")?, input.number("count")?);
        let limited = input.flag("limitedExpansion")?.unwrap_or(false);
        let size = count.unwrap_or(PAGE_MAX);
        if size > PAGE_MAX || (count.is_none() && total.saturating_sub(offset.unwrap_or(0)) > PAGE_MAX && !limited) {
            return Err(text::too_costly(PAGE_MAX));
        }
        let mut out = head(&set.definition);
        let body = out.tree.append(0, Key::of("expansion"), Kind::Object, false);
        if total.saturating_sub(offset.unwrap_or(0)) > size && count.is_none() {
            let id = out.tree.append(body, Key::of("extension"), Kind::Object, true);
            out.text(id, "url", "http://hl7.org/fhir/StructureDefinition/valueset-toocostly");
            out.bool(id, "valueBoolean", true);
        }
        out.text(body, "timestamp", now);
        out.number(body, "total", total);
        if let Some(offset) = offset.or(count.map(|_| 0)) {
            out.number(body, "offset", offset);
        }
        echo(&mut out, body, &input, &expansion);
        let nested = input.flag("includeHierarchy")?.unwrap_or(false) && !input.flag("excludeNested")?.unwrap_or(false);
        let page: Vec<Entry> = entries.into_iter().skip(offset.unwrap_or(0)).take(size).collect();
        let mut open: Vec<(Entry, NodeId)> = Vec::new();
        for entry in page {
            let parent = if nested { below(&expansion, entry, &mut open) } else { None };
            let id = self.contains(&mut out, parent.unwrap_or(body), &expansion, entry, &style);
            if nested {
                open.push((entry, id));
            }
        }
        Ok(out.tree)
    }

    /// The value set that `url` or `valueSet` names.
    pub(super) fn asked_set(&self, input: &Input<'_>, pins: &Pins) -> Result<Arc<Compiled>, Finding> {
        let compile = |definition: Arc<SetDefinition>| {
            let mut compiler = Compiler::new(self, pins, Vec::new());
            compiler.compile(definition).map(Arc::new).map_err(|fault| text::set_fault(&fault))
        };
        if let Some(resource) = input.resource("valueSet") {
            let definition = load::value_set(resource, false)?;
            let parts = definition.includes.iter().chain(&definition.excludes);
            if parts.map(|p| 1 + p.filters.len() + p.value_sets.len()).sum::<usize>() > INLINE_PARTS_MAX {
                return Err(text::too_costly(INLINE_PARTS_MAX));
            }
            return compile(Arc::new(definition));
        }
        let url = input.value("url").ok_or_else(|| text::missing_parameter("url | valueSet"))?;
        let canonical = match input.value("valueSetVersion") {
            Some(version) => format!("{}|{version}", crate::split(url).0),
            None => url.to_owned(),
        };
        if *pins == Pins::default() {
            return self.compiled(&canonical, &mut Vec::new()).map_err(|fault| text::set_fault(&fault));
        }
        compile(self.definition(&canonical).ok_or_else(|| text::unknown_set(url))?)
    }

    /// All codes of a set, from the cache where it has them.
    fn expansion(&self, set: &Arc<Compiled>, pins: &Pins, active_only: bool, is_inline: bool) -> Result<Arc<Expansion>, Finding> {
        let definition = &set.definition;
        let key = (definition.url.clone(), definition.version.clone(), active_only, pins.clone());
        if !is_inline && let Some(found) = self.expansions.get(&key) {
            return Ok(found);
        }
        let mut expansion = Expansion::of(set)?;
        if active_only {
            expansion.active_only();
        }
        let expansion = Arc::new(expansion);
        if !is_inline {
            self.expansions.insert(key, Arc::clone(&expansion));
            self.was_asked.store(true, Ordering::Relaxed);
        }
        Ok(expansion)
    }

    fn contains(&self, out: &mut Output, of: NodeId, expansion: &Expansion, entry: Entry, style: &Style<'_>) -> NodeId {
        let id = out.tree.append(of, Key::of("contains"), Kind::Object, true);
        let concept = expansion.concept(entry);
        if let Some(source) = expansion.source(entry) {
            out.text(id, "system", &source.url);
        }
        if concept.is_abstract() {
            out.bool(id, "abstract", true);
        }
        if concept.is_inactive() {
            out.bool(id, "inactive", true);
        }
        if let Some(source) = expansion.source(entry)
            && expansion.sources.iter().any(|s| s.url == source.url && s.version != source.version)
        {
            out.text(id, "version", &source.version);
        }
        out.text(id, "code", expansion.code(entry));
        if let Some(display) = concept.display(self, &style.languages) {
            out.text(id, "display", display);
        }
        if style.designations {
            for (language, use_, value) in concept.designations(self) {
                let asked = |k: &&str| k.rsplit('|').next() == Some(language.as_str()) || use_.starts_with(*k);
                if !style.kinds.is_empty() && !style.kinds.iter().any(asked) {
                    continue;
                }
                let designation = out.tree.append(id, Key::of("designation"), Kind::Object, true);
                if !language.is_empty() {
                    out.text(designation, "language", &language);
                }
                if !use_.is_empty() {
                    out.packed_coding(designation, "use", &use_);
                }
                out.text(designation, "value", value);
            }
        }
        id
    }
}

/// The node of the nearest broader code that is shown already.
fn below(expansion: &Expansion, entry: Entry, open: &mut Vec<(Entry, NodeId)>) -> Option<NodeId> {
    let concept = expansion.concept(entry);
    while let Some((above, id)) = open.last().copied() {
        let same = expansion.source(above).map(|s| &s.url) == expansion.source(entry).map(|s| &s.url);
        let is_below = same && entry.row != NONE && above.row != NONE && concept.system.is_some_and(|s| s.table.is_a(entry.row, above.row));
        if is_below {
            return Some(id);
        }
        open.pop();
    }
    None
}

/// Versions of code systems that are asked for.
pub(super) fn pins(input: &Input<'_>) -> Result<Pins, Finding> {
    let pins = Pins {
        default: input.pairs("system-version"),
        force: input.pairs("force-system-version"),
        without_systems: input.pairs("exclude-system"),
    };
    let count = pins.default.len() + pins.force.len() + pins.without_systems.len();
    if count > PINS_MAX { Err(text::too_costly(PINS_MAX)) } else { Ok(pins) }
}

/// `check-system-version`: a system in another version makes the whole answer wrong.
fn check_versions(input: &Input<'_>, expansion: &Expansion) -> Result<(), Finding> {
    for (system, version) in input.pairs("check-system-version") {
        if expansion.sources.iter().any(|s| s.url == system && s.version != version) {
            return Err(text::wrong_version(&system));
        }
    }
    Ok(())
}

fn head(definition: &SetDefinition) -> Output {
    let mut out = Output { tree: Tree::resource("ValueSet") };
    for (key, value) in
        [("url", &definition.url), ("version", &definition.version), ("name", &definition.name), ("title", &definition.title)]
    {
        if !value.is_empty() {
            out.text(0, key, value);
        }
    }
    out.text(0, "status", if definition.status.is_empty() { "unknown" } else { &definition.status });
    out
}

/// What the answer was made of: the parameters, and the versions of the systems that were used.
fn echo(out: &mut Output, body: NodeId, input: &Input<'_>, expansion: &Expansion) {
    for parameter in input.parameters() {
        let name = parameter.at("name").unwrap_or("");
        let value = super::value_of(parameter).filter(|v| v.value().is_some());
        if let Some(value) = value.filter(|_| !matches!(name, "url" | "valueSet" | "valueSetVersion")) {
            let id = out.list(body, "parameter", name);
            // R4 allows a code nowhere here
            let key = if value.name() == "valueCode" { "valueString" } else { value.name() };
            if let (Some(key), Some(text)) = (Key::known(key), value.value()) {
                out.tree.append_value(id, key, value.kind(), text, false);
            }
        }
    }
    for source in expansion.sources.iter().filter(|s| !s.version.is_empty()) {
        let id = out.list(body, "parameter", "version");
        out.text(id, "valueUri", &format!("{}|{}", source.url, source.version));
    }
}
