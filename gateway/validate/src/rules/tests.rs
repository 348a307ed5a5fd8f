//! The native form of an invariant says what its FHIRPath says: on generated nodes and on the resources of the cases.

use super::*;
use hutong_fhir::definitions::TypeKind;
use hutong_fhir::fhirpath::{self, Env, Item};
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::primitive::Primitive;
use hutong_fhir::{Kind, Tree};
use std::collections::BTreeMap;

/// Nodes for each rule, and how many at most until one keeps it and one breaks it.
const NODES: u32 = 400;
const NODES_MAX: u32 = 20_000;

/// A generator that gives the same nodes each time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.next(of.len())]
    }
}

/// Values that rules ask for, among others.
fn value(random: &mut Random, primitive: Primitive, name: &str) -> (Kind, &'static str) {
    let text = match (primitive, name) {
        (_, "system") => random.one(&[
            "http://unitsofmeasure.org",
            "http://x.test",
            "http://terminology.hl7.org/CodeSystem/condition-ver-status",
            "http://terminology.hl7.org/CodeSystem/condition-clinical",
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
        ]),
        (Primitive::Code, "use") => random.one(&["home", "work"]),
        (Primitive::Code, "status") => {
            random.one(&["proposed", "cancelled", "noshow", "waitlist", "booked", "not-done", "completed", "draft"])
        }
        (Primitive::Code, "mode") => random.one(&["working", "changes", "snapshot"]),
        (Primitive::Code, "when") => random.one(&["C", "CM", "MORN", "CD"]),
        (Primitive::Code, _) => random.one(&["1", "a", "entered-in-error", "resolved", "inactive", "active", "h", "cm"]),
        (Primitive::Boolean, _) => random.one(&["true", "false"]),
        (Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt, _) => random.one(&["0", "1", "2", "7"]),
        (Primitive::Decimal, _) => random.one(&["-1", "0", "1", "1.5", "1.0", "2", "10"]),
        (Primitive::Date, _) => random.one(&["2024", "2024-02", "2024-02-29", "2025-01-01"]),
        (Primitive::DateTime, _) => {
            random.one(&["2024", "2024-02-29", "2024-02-29T08:00:00+08:00", "2024-02-29T00:00:00Z", "2025-01-01T00:00:00.5Z"])
        }
        (Primitive::Instant, _) => random.one(&["2024-02-29T08:00:00+08:00", "2024-02-29T00:00:00Z", "2025-01-01T00:00:00Z"]),
        (Primitive::Time, _) => random.one(&["08:00:00", "12:30:00"]),
        (Primitive::Base64Binary, _) => "AAAA",
        (Primitive::Uri | Primitive::Url | Primitive::Canonical, _) => "http://x.test/y",
        _ => random.one(&["x", "y", "1"]),
    };
    (primitive.json_kind(), text)
}

/// Codes that rules ask for, with their systems.
const WHOLE_CODES: [(&str, &str); 3] = [
    ("http://terminology.hl7.org/CodeSystem/condition-ver-status", "entered-in-error"),
    ("http://terminology.hl7.org/CodeSystem/condition-clinical", "resolved"),
    ("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", "entered-in-error"),
];

/// Gives a node some of the elements of its type.
fn grow(tree: &mut Tree, node: u32, of: TypeId, random: &mut Random, depth: u32) {
    let definitions = Definitions::r4();
    if definitions.get(of).name == "Coding" && random.next(2) == 0 {
        let (system, code) = WHOLE_CODES[random.next(WHOLE_CODES.len())];
        tree.add_value(node, KEYS.system, Kind::String, system, false);
        tree.add_value(node, KEYS.code, Kind::String, code, false);
        return;
    }
    for (_, element) in definitions.elements(of) {
        let name = element.name();
        if matches!(name, "id" | "modifierExtension" | "contained" | "meta" | "text" if element.path == name && definitions.get(of).kind == TypeKind::Resource)
            || name == "id"
        {
            continue;
        }
        let likely = if depth == 0 { 2 } else { 3 };
        if random.next(likely) != 0 {
            continue;
        }
        let properties = definitions.properties(element);
        let property = &properties[random.next(properties.len())];
        let repeats = if element.is_list() { 1 + random.next(3) } else { 1 };
        for _ in 0..repeats {
            match definitions.get(property.type_id).kind {
                TypeKind::Primitive(Primitive::Xhtml) => {}
                TypeKind::Primitive(primitive) => {
                    let (kind, text) = value(random, primitive, name);
                    tree.add_value(node, property.key, kind, text, element.is_list());
                }
                TypeKind::Complex | TypeKind::Backbone if depth < 3 => {
                    let child = tree.add(node, property.key, Kind::Object, element.is_list());
                    grow(tree, child, property.type_id, random, depth + 1);
                    if !tree.node(child).has_children() {
                        tree.remove(node, child);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Where FHIRPath as it is written says what the rule does not mean.
fn is_known_difference(key: &str, node: NodeRef<'_>) -> bool {
    match key {
        // what cannot be compared (another unit, a comparator, no value) is let pass here and fails there
        "rng-2" => {
            let bare = |k| node.child(k).is_some_and(|q| q.child(KEYS.value).is_some() && q.child(KEYS.comparator).is_none());
            let unit = |k| node.child(k).map(|q| (value_at(q, KEYS.code), value_at(q, KEYS.unit), value_at(q, KEYS.system)));
            unit(KEYS.low) != unit(KEYS.high) || !bare(KEYS.low) || !bare(KEYS.high)
        }
        // "more than one" in words, more than two in FHIRPath; HL7's own validator goes by the words
        "que-12" => node.children().filter(|c| c.name() == "enableWhen").count() == 2,
        _ => false,
    }
}

fn value_at(node: NodeRef<'_>, key: hutong_fhir::Key) -> Option<String> {
    node.child(key).and_then(NodeRef::value).map(str::to_owned)
}

#[test]
fn native_and_fhirpath_agree_on_generated_nodes() {
    let definitions = Definitions::r4();
    let rules: Vec<&Rule> = datatypes::RULES.iter().chain(resources::RULES).filter(|r| r.holds.is_some()).collect();
    let mut judged: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
    let mut wrong: BTreeMap<String, u32> = BTreeMap::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for id in definitions.type_ids() {
        let of = definitions.get(id);
        // rules on elements are tried on nodes of the element's type
        let mut tried: Vec<(TypeId, &str)> = of.invariants.split(',').map(|k| (id, k)).collect();
        for (_, element) in definitions.elements(id) {
            let property = definitions.properties(element).first();
            tried.extend(property.into_iter().flat_map(|p| element.invariants.split(',').map(move |k| (p.type_id, k))));
        }
        tried.sort();
        tried.dedup();
        for (type_id, key) in tried {
            let Some(rule) = rules.iter().find(|r| r.key() == key) else { continue };
            if judged.get(key).is_some_and(|n| n[0] + n[1] > 4 * NODES) {
                continue;
            }
            let Some(invariant) = definitions.invariant(key) else { continue };
            let expression = fhirpath::compile(invariant.expression, definitions).unwrap_or_else(|e| panic!("{key}: {e}"));
            for n in 0..NODES_MAX {
                let seen = judged.get(rule.key()).copied().unwrap_or_default();
                if n >= NODES && seen[0] > 0 && seen[1] > 0 {
                    break;
                }
                let mut tree = Tree::new();
                if definitions.get(type_id).kind == TypeKind::Resource {
                    tree = Tree::resource(definitions.get(type_id).name);
                }
                grow(&mut tree, 0, type_id, &mut random, 0);
                let focus = || Item::Node { node: tree.root(), type_id: Some(type_id) };
                let Ok(theirs) = expression.holds(focus(), &Env::of(focus(), definitions)) else { continue };
                let ours = rule.holds.is_some_and(|holds| holds(tree.root()));
                judged.entry(rule.key()).or_default()[usize::from(theirs)] += 1;
                if ours != theirs && !is_known_difference(key, tree.root()) {
                    let mut text = Vec::new();
                    json::write(tree.root(), &mut text);
                    *wrong.entry(format!("{key}: native {ours}, FHIRPath {theirs}: {}", String::from_utf8_lossy(&text))).or_default() += 1;
                }
            }
        }
    }
    let shown: Vec<&String> = wrong.keys().take(6).collect();
    assert!(wrong.is_empty(), "{} differences\n{shown:#?}", wrong.len());
    for rule in rules {
        let [broken, kept] = judged.get(rule.key()).copied().unwrap_or_default();
        assert!(broken > 0 && kept > 0, "{} was tried both ways: {broken} broken, {kept} kept", rule.key());
    }
}

/// Invariants that are judged over whole resources, Bundles and narratives.
const WHOLE: [&str; 18] = [
    "dom-2", "dom-4", "dom-5", "bdl-1", "bdl-2", "bdl-3", "bdl-4", "bdl-5", "bdl-7", "bdl-8", "bdl-9", "bdl-10", "bdl-11", "bdl-12",
    "ext-1", "rat-1", "per-1", "att-1",
];

fn broken_by_fhirpath(node: NodeRef<'_>, of: TypeId, element: &str, resource: NodeRef<'_>, out: &mut Vec<String>) {
    let definitions = Definitions::r4();
    let focus = || Item::Node { node, type_id: Some(of) };
    for key in definitions.get(of).invariants.split(',').chain(element.split(',')).filter(|k| WHOLE.contains(k)) {
        let Some(invariant) = definitions.invariant(key) else { continue };
        let expression = fhirpath::compile(invariant.expression, definitions).unwrap_or_else(|e| panic!("{key}: {e}"));
        let env = Env::of(Item::resource(resource, definitions), definitions);
        if expression.holds(focus(), &env) == Ok(false) {
            out.push(format!("fhir.{key}"));
        }
    }
    for child in node.children() {
        let Some(property) = definitions.property(of, child.key()) else { continue };
        let named = child.resource_type().and_then(|n| definitions.resource_named(n));
        let inner = definitions.get(property.type_id).kind == TypeKind::Resource;
        let (type_id, resource) = if inner { (named.unwrap_or(property.type_id), child) } else { (property.type_id, resource) };
        broken_by_fhirpath(child, type_id, definitions.element(property.element).invariants, resource, out);
    }
}

#[test]
fn native_and_fhirpath_agree_on_the_cases() {
    let definitions = Definitions::r4();
    let validator = crate::Validator::new(definitions);
    let mut wrong = Vec::new();
    for line in include_str!("../tests/cases.ndjson").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let Ok((tree, _)) = json::parse(case["resource"].to_string().as_bytes(), &JsonLimits::default()) else { continue };
        let Some(of) = tree.root().resource_type().and_then(|n| definitions.resource_named(n)) else { continue };
        let mut theirs = Vec::new();
        broken_by_fhirpath(tree.root(), of, "", tree.root(), &mut theirs);
        let found = validator.validate(&tree);
        let is_whole = |r: &str| r.strip_prefix("fhir.").is_some_and(|k| WHOLE.contains(&k));
        let mut ours: Vec<String> = found.iter().map(|f| f.rule.to_string()).filter(|r| is_whole(r)).collect();
        // one of several entries is enough for FHIRPath, and a rule on all entries is told of each
        (ours, theirs) = (sorted(ours), sorted(theirs));
        if ours != theirs {
            wrong.push(format!("{}: native {ours:?}, FHIRPath {theirs:?}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list.dedup();
    list
}
