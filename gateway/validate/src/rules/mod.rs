//! R4's invariants in native form: those that the resources this gateway emits could break, and those that senders
//! break often.
//!
//! Where a rule applies is not written here: the definitions say which type and which element has which invariant,
//! and [`Table::new`] joins the two by key. Rules that need more than the element itself (contained resources,
//! Bundles, narrative) are judged in their own modules and only worded here.

mod datatypes;
mod resources;
mod whole;

#[cfg(test)]
mod tests;

pub(crate) use datatypes::compare_dates;
pub(crate) use whole::*;

use crate::keys::KEYS;
use crate::place::Frame;
use crate::profile::BindingRule;
use crate::profile::invariant::Invariant;
use crate::walk::Walk;
use hutong_fhir::definitions::{ElementId, Property, Strength, TypeId};
use hutong_fhir::{Definitions, Finding, Key, NodeRef, Severity};
use std::collections::HashMap;
use std::sync::Arc;

/// One invariant.
pub(crate) struct Rule {
    /// `fhir.` and the key that the specification gives it.
    pub(crate) id: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
    /// FHIR issue type.
    pub(crate) issue: &'static str,
    /// Whether it holds for a node; `None` where it is judged elsewhere.
    pub(crate) holds: Option<fn(NodeRef<'_>) -> bool>,
}

impl Rule {
    fn key(&self) -> &'static str {
        self.id.strip_prefix("fhir.").unwrap_or(self.id)
    }
}

/// Which rules apply where: numbers into `lists`, 0 = none.
pub(crate) struct Table {
    of_type: Vec<u16>,
    of_element: Vec<u16>,
    lists: Vec<Vec<&'static Rule>>,
    /// Types that have checks of their own.
    pub(crate) reference: Option<TypeId>,
    pub(crate) extension: Option<TypeId>,
    pub(crate) observation: Option<TypeId>,
    pub(crate) identifier: Option<TypeId>,
    /// R4's invariants without native form, by type and by element: numbers into `paths`.
    paths_of_type: Vec<u16>,
    paths_of_element: Vec<u16>,
    paths: Vec<Vec<Arc<Invariant>>>,
    /// Bindings that are no demands, by element.
    bindings: Vec<Option<BindingRule>>,
    /// Coding, Quantity and what specializes it: `system` and `code`.
    pub(crate) coded: Vec<TypeId>,
}

const CODED: [&str; 6] = ["Coding", "Quantity", "Age", "Count", "Distance", "Duration"];

/// Rules that the specification states in words only, by the type that they are about.
const BY_TYPE: [(&str, &Rule); 5] = [
    ("Attachment", &datatypes::ATTACHMENT_SIZE),
    ("Coding", &datatypes::CODING_SYSTEM),
    ("Quantity", &datatypes::CODING_SYSTEM),
    ("Identifier", &datatypes::IDENTIFIER_SYSTEM),
    ("Identifier", &datatypes::IDENTIFIER_URI),
];

impl Table {
    pub(crate) fn new(definitions: &Definitions) -> Table {
        let all = datatypes::RULES.iter().chain(resources::RULES);
        let by_key: HashMap<&str, &'static Rule> = all.filter(|r| r.holds.is_some()).map(|r| (r.key(), r)).collect();
        let mut table = Table {
            of_type: Vec::new(),
            of_element: vec![0; definitions.element_count()],
            lists: vec![Vec::new()],
            reference: definitions.type_named("Reference"),
            extension: definitions.type_named("Extension"),
            observation: definitions.type_named("Observation"),
            identifier: definitions.type_named("Identifier"),
            paths_of_type: Vec::new(),
            paths_of_element: vec![0; definitions.element_count()],
            paths: vec![Vec::new()],
            bindings: (0..definitions.element_count()).map(|_| None).collect(),
            coded: CODED.iter().filter_map(|name| definitions.type_named(name)).collect(),
        };
        let mut numbers: HashMap<&'static str, u16> = HashMap::new();
        let mut paths = Paths { definitions, by_key: &by_key, numbers: HashMap::new(), compiled: HashMap::new() };
        for id in definitions.type_ids() {
            let path = paths.number(&mut table.paths, definitions.get(id).invariants);
            table.paths_of_type.push(path);
            let number = table.number(&mut numbers, &by_key, definitions.get(id).invariants);
            let number = table.with_worded(number, definitions.get(id).name, definitions.get(id).path);
            table.of_type.push(number);
            for (element_id, element) in definitions.elements(id) {
                let number = table.number(&mut numbers, &by_key, element.invariants);
                if let Some(slot) = table.of_element.get_mut(element_id.index()) {
                    *slot = number;
                }
                let path = paths.number(&mut table.paths, element.invariants);
                if let Some(slot) = table.paths_of_element.get_mut(element_id.index()) {
                    *slot = path;
                }
                let soft = element.binding.as_ref().filter(|b| matches!(b.strength, Strength::Extensible | Strength::Preferred));
                if let (Some(soft), Some(slot)) = (soft, table.bindings.get_mut(element_id.index())) {
                    *slot = Some(BindingRule { strength: soft.strength, value_set: soft.canonical(), greatest: None });
                }
            }
        }
        table
    }

    /// The number of the list of native rules among these keys.
    fn number(&mut self, numbers: &mut HashMap<&'static str, u16>, by_key: &HashMap<&str, &'static Rule>, keys: &'static str) -> u16 {
        if keys.is_empty() {
            return 0;
        }
        *numbers.entry(keys).or_insert_with(|| {
            // "dom-3~2" is another wording of dom-3
            let plain = keys.split(',').map(|k| k.split('~').next().unwrap_or(k));
            let rules: Vec<&'static Rule> = plain.filter_map(|k| by_key.get(k).copied()).collect();
            if rules.is_empty() {
                return 0;
            }
            self.lists.push(rules);
            (self.lists.len() - 1) as u16
        })
    }

    /// A list with the rules in words of a type added.
    fn with_worded(&mut self, number: u16, name: &str, path: &str) -> u16 {
        let worded = BY_TYPE.iter().filter(|(n, _)| *n == name && path.is_empty()).map(|(_, rule)| *rule);
        let mut list = self.lists.get(number as usize).cloned().unwrap_or_default();
        let known = list.len();
        list.extend(worded);
        if list.len() == known {
            return number;
        }
        self.lists.push(list);
        (self.lists.len() - 1) as u16
    }

    /// The extensible or preferred binding of an element.
    pub(crate) fn binding(&self, element: ElementId) -> Option<&BindingRule> {
        self.bindings.get(element.index())?.as_ref()
    }

    fn list(&self, number: Option<&u16>) -> &[&'static Rule] {
        number.and_then(|n| self.lists.get(*n as usize)).map_or(&[], Vec::as_slice)
    }
}

/// Invariants that other modules judge, and best practice.
const ELSEWHERE: [&str; 8] = ["ele-1", "ext-1", "ref-1", "txt-1", "txt-2", "sqty-1", "dom-6", "con-3"];

/// Finds the invariants that are left to FHIRPath.
struct Paths<'p> {
    definitions: &'p Definitions,
    by_key: &'p HashMap<&'p str, &'static Rule>,
    numbers: HashMap<&'static str, u16>,
    compiled: HashMap<&'static str, Arc<Invariant>>,
}

impl Paths<'_> {
    /// The number of the list of those among these keys.
    fn number(&mut self, lists: &mut Vec<Vec<Arc<Invariant>>>, keys: &'static str) -> u16 {
        if let Some(known) = self.numbers.get(keys) {
            return *known;
        }
        let mut list = Vec::new();
        for key in keys.split(',').filter(|k| !k.is_empty()) {
            let plain = key.split('~').next().unwrap_or(key);
            // a key that is used twice is native in its first use only
            let is_native =
                self.by_key.contains_key(plain) || ELSEWHERE.contains(&plain) || plain.starts_with("bdl-") || plain.starts_with("dom-");
            if is_native {
                continue;
            }
            if let Some(invariant) = self.definitions.invariant(key) {
                list.push(Arc::clone(self.compiled.entry(key).or_insert_with(|| Arc::new(Invariant::of_r4(invariant)))));
            }
        }
        let number = if list.is_empty() {
            0
        } else {
            lists.push(list);
            (lists.len() - 1) as u16
        };
        self.numbers.insert(keys, number);
        number
    }
}

impl<'t> Walk<'t> {
    /// Evaluates those invariants of R4 that have no native form.
    fn paths(&mut self, at: &Frame<'_, 't>, number: Option<&u16>, type_id: TypeId) {
        let table = self.table;
        if let Some(number @ 1..) = number
            && let Some(list) = table.paths.get(*number as usize)
        {
            self.r4_invariants(at, type_id, list);
        }
    }

    pub(crate) fn rules_of_type(&mut self, at: &Frame<'_, 't>, id: TypeId) {
        let table = self.table;
        self.paths(at, table.paths_of_type.get(id.index()), id);
        for rule in table.list(table.of_type.get(id.index())) {
            self.judge(at, rule);
        }
        if Some(id) == table.observation {
            self.vital_signs(at);
        }
    }

    pub(crate) fn rules_of_element(&mut self, at: &Frame<'_, 't>, id: ElementId, property: &Property) {
        let table = self.table;
        self.paths(at, table.paths_of_element.get(id.index()), property.type_id);
        for rule in table.list(table.of_element.get(id.index())) {
            self.judge(at, rule);
        }
        if property.profile == "~SimpleQuantity" && has(at.node, KEYS.comparator) {
            self.broken(at, &datatypes::SQTY_1);
        }
    }

    fn judge(&mut self, at: &Frame<'_, 't>, rule: &'static Rule) {
        if let Some(holds) = rule.holds
            && !holds(at.node)
        {
            self.broken(at, rule);
        }
    }

    /// Reports a broken invariant.
    pub(crate) fn broken(&mut self, at: &Frame<'_, '_>, rule: &'static Rule) {
        self.report(at, Finding::new(Severity::Error, rule.id, rule.issue, 102).says(rule.zh, rule.en));
    }

    /// The same, with a reason.
    pub(crate) fn broken_because(&mut self, at: &Frame<'_, '_>, rule: &'static Rule, zh: &str, en: &str) {
        let finding = Finding::new(Severity::Error, rule.id, rule.issue, 102);
        self.report(at, finding.says(format!("{}：{zh}", rule.zh), format!("{}: {en}", rule.en)));
    }
}

fn has(node: NodeRef<'_>, key: Key) -> bool {
    node.child(key).is_some()
}

/// The value of the first child under that name.
fn value<'t>(node: NodeRef<'t>, key: Key) -> Option<&'t str> {
    node.child(key).and_then(NodeRef::value)
}

/// Whether a choice element is there under any of its names (`value`: `valueString`, `valueQuantity`, …).
fn has_choice(node: NodeRef<'_>, stem: &str) -> bool {
    node.children().any(|c| c.name().strip_prefix(stem).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())))
}

/// Whether a CodeableConcept child holds a coding.
fn has_coding(node: NodeRef<'_>, key: Key, system: &str, codes: &[&str]) -> bool {
    node.child(key).is_some_and(|concept| {
        concept.all(KEYS.coding).any(|c| value(c, KEYS.system) == Some(system) && value(c, KEYS.code).is_some_and(|v| codes.contains(&v)))
    })
}
