//! R4's invariants in native form: those that the resources this gateway emits could break, and those that senders
//! break often.
//!
//! Where a rule applies is not written here: the definitions say which type and which element has which invariant,
//! and [`Table::new`] joins the two by key. Rules that need more than the element itself (contained resources,
//! Bundles, narrative) are judged in their own modules and only worded here.

mod datatypes;
mod resources;
mod whole;

pub(crate) use datatypes::compare_dates;
pub(crate) use whole::*;

use crate::keys::KEYS;
use crate::place::Frame;
use crate::profile::BindingRule;
use crate::walk::Walk;
use hutong_fhir::definitions::{ElementId, Property, Strength, TypeId};
use hutong_fhir::{Definitions, Finding, Key, NodeRef, Severity};
use std::collections::HashMap;

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
            bindings: (0..definitions.element_count()).map(|_| None).collect(),
            coded: CODED.iter().filter_map(|name| definitions.type_named(name)).collect(),
        };
        let mut numbers: HashMap<&'static str, u16> = HashMap::new();
        for id in definitions.type_ids() {
            let number = table.number(&mut numbers, &by_key, definitions.get(id).invariants);
            let number = table.with_worded(number, definitions.get(id).name, definitions.get(id).path);
            table.of_type.push(number);
            for (element_id, element) in definitions.elements(id) {
                let number = table.number(&mut numbers, &by_key, element.invariants);
                if let Some(slot) = table.of_element.get_mut(element_id.index()) {
                    *slot = number;
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

impl<'t> Walk<'t> {
    pub(crate) fn rules_of_type(&mut self, at: &Frame<'_, 't>, id: TypeId) {
        let table = self.table;
        for rule in table.list(table.of_type.get(id.index())) {
            self.judge(at, rule);
        }
        if Some(id) == table.observation {
            self.vital_signs(at);
        }
    }

    pub(crate) fn rules_of_element(&mut self, at: &Frame<'_, 't>, id: ElementId, property: &Property) {
        let table = self.table;
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
