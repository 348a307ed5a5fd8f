//! Snapshot to tables: for each element what the profile says beyond its type, names as keys, slices with the
//! conditions of their discriminators.

use super::context::Place;
use super::invariant::Invariant;
use super::source::{At, Outline};
use super::{BindingRule, Context, Element, Link, Profile, Slice, Slicing, Target, TargetRule, TypeRule, ValueRule, condition, value};
use crate::Knowledge;
use hutong_fhir::definitions::{self, Property, Strength, TypeId, TypeKind};
use hutong_fhir::structure::{ContextKind, ElementDefinition, SlicingRules, StructureDefinition, TypeRef};
use hutong_fhir::{Definitions, Key};
use std::sync::Arc;

/// Depth of a snapshot's tree beyond which it is not read.
const DEPTH_MAX: u32 = 64;

pub(crate) const STRUCTURE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// `None` where the structure constrains a type that R4 does not have, or has no snapshot.
/// `part` is the id of the element that is meant, empty for the whole.
pub(super) fn compile(knowledge: &Knowledge, structure: Arc<StructureDefinition>, part: &str) -> Option<Profile> {
    let definitions = knowledge.definitions;
    let mut type_id = definitions.type_named(&structure.type_name)?;
    for step in part.split('.').skip(1) {
        let name = step.split(':').next().and_then(Key::known)?;
        type_id = definitions.property(type_id, name)?.type_id;
    }
    let outline = Outline::new(Arc::clone(&structure));
    let root = outline.part(part)?;
    let mut compiler = Compiler { knowledge, definitions, url: &structure.url, elements: vec![Element::default()] };
    compiler.fill(0, root, &Base { types: vec![type_id], ..Base::default() }, None, 0);
    prune(&mut compiler.elements);
    let contexts = structure.contexts.iter().map(|(kind, text)| Context {
        kind: *kind,
        text: text.clone(),
        place: (*kind == ContextKind::Element).then(|| Place::read(text, definitions)),
        expression: (*kind == ContextKind::FhirPath).then(|| Invariant::bare(text)),
    });
    Some(Profile {
        url: structure.url.clone(),
        title: [&structure.title, &structure.name, &structure.url].into_iter().find(|t| !t.is_empty()).cloned().unwrap_or_default(),
        type_id,
        number: 0,
        elements: compiler.elements,
        contexts: contexts.collect(),
        context_invariants: structure.context_invariants.iter().map(|text| Invariant::bare(text)).collect(),
        is_modifier: root.definition().is_modifier == Some(true),
        parts: root.child("extension").into_iter().flat_map(At::slices).filter_map(condition::url_of).collect(),
    })
}

struct Compiler<'k> {
    knowledge: &'k Knowledge,
    definitions: &'static Definitions,
    url: &'k str,
    elements: Vec<Element>,
}

/// What R4 says of an element.
#[derive(Default)]
struct Base {
    /// Types that it may have.
    types: Vec<TypeId>,
    element: Option<&'static definitions::Element>,
    properties: &'static [Property],
    keys: Vec<Key>,
}

impl Compiler<'_> {
    /// The children of an element, each with its slices.
    fn children(&mut self, to: u32, at: At<'_>, parents: &[TypeId], group: Option<At<'_>>, depth: u32) {
        if depth > DEPTH_MAX {
            return;
        }
        let mut list = Vec::new();
        for child in at.children() {
            if let [parent] = parents
                && child.name() == "value"
                && matches!(self.definitions.get(*parent).kind, TypeKind::Primitive(_))
            {
                self.value_of_primitive(to, child);
                continue;
            }
            let base = self.base(parents, child);
            let index = self.add(to, child);
            let of_group = group.and_then(|g| g.child(child.name())).filter(|g| g.index() != child.index());
            self.fill(index, child, &base, of_group, depth + 1);
            list.push(index);
        }
        if let Some(element) = self.elements.get_mut(to as usize) {
            element.children = list.into();
        }
    }

    fn add(&mut self, parent: u32, at: At<'_>) -> u32 {
        let above = self.elements.get(parent as usize).map_or("", |e| e.path.as_str());
        let own = at.slice_name().map_or_else(|| at.name().to_owned(), |slice| format!("{}:{slice}", at.name()));
        let path = if above.is_empty() { own } else { format!("{above}.{own}") };
        let index = self.elements.len() as u32;
        self.elements.push(Element { path, name: at.name().to_owned(), max: u32::MAX, ..Element::default() });
        index
    }

    /// The rules of an element; `group` says what the profile asks of all its repeats where this is a slice of them.
    fn fill(&mut self, index: u32, at: At<'_>, base: &Base, group: Option<At<'_>>, depth: u32) {
        let definition = at.definition();
        let types = self.types(definition, base);
        let own = self.own_types(definition, base);
        let like = group.map(At::definition);
        let values = self.values(at, like);
        let path = self.elements.get(index as usize).map_or(String::new(), |e| e.path.clone());
        let binding = self.binding(definition, &path, base, like);
        let invariants = self.invariants(definition, base, like);
        let is_slice = at.slice_name().is_some();
        let least = match (is_slice, base.element, like) {
            (true, ..) => 0,
            (_, Some(element), like) => u32::from(element.min).max(like.and_then(|l| l.min).unwrap_or(0)),
            _ => 0,
        };
        let most = match (is_slice, base.element, like) {
            (true, ..) => u32::MAX,
            (_, Some(element), like) => element.max.min(like.and_then(|l| l.max).unwrap_or(u32::MAX)),
            _ => u32::MAX,
        };
        if let Some(element) = self.elements.get_mut(index as usize) {
            element.keys = base.keys.clone().into();
            element.min = definition.min.filter(|min| *min > least).unwrap_or(0);
            element.max = if index == 0 { u32::MAX } else { definition.max.filter(|max| *max < most).unwrap_or(u32::MAX) };
            element.types = types.filter(|_| like.is_none_or(|l| l.types != definition.types));
            element.values = values.into();
            element.binding = binding;
            element.invariants = invariants.into();
        }
        self.children(index, at, &own, group, depth);
        self.slicing(index, at, base, depth);
    }

    fn slicing(&mut self, index: u32, at: At<'_>, base: &Base, depth: u32) {
        let slices: Vec<At<'_>> = at.slices().collect();
        let given = at.definition().slicing.as_ref();
        if (slices.is_empty() && given.is_none_or(|s| s.rules == SlicingRules::Open)) || depth > DEPTH_MAX {
            return;
        }
        let is_extension = matches!(at.name(), "extension" | "modifierExtension");
        let path = self.elements.get(index as usize).map_or(String::new(), |e| e.path.clone());
        let above = path.rsplit_once('.').map_or("", |(above, _)| above).to_owned();
        let mut list = Vec::new();
        for slice in slices {
            let own = format!("{}:{}", slice.name(), slice.slice_name().unwrap_or(""));
            let number = self.elements.len() as u32;
            let path = if above.is_empty() { own } else { format!("{above}.{own}") };
            self.elements.push(Element { path, name: slice.name().to_owned(), max: u32::MAX, ..Element::default() });
            self.fill(number, slice, base, Some(at), depth + 1);
            let name = slice.slice_name().unwrap_or("").to_owned();
            let is_default = name.rsplit('/').next() == Some("@default");
            let conditions = if is_default { Vec::new() } else { condition::of_slice(self.knowledge, slice, given, is_extension) };
            if let Some(element) = self.elements.get_mut(number as usize) {
                // the walk asks every extension for its own definition
                if is_extension && conditions.iter().all(|c| matches!(c.test, super::Test::Url(_))) {
                    element.types = None;
                }
                element.slice = Some(Slice { name, conditions: conditions.into(), is_default });
            }
            list.push((is_default, number));
        }
        list.sort_by_key(|(is_default, _)| *is_default);
        if let Some(element) = self.elements.get_mut(index as usize) {
            element.slicing = Some(Slicing {
                rules: given.map_or(SlicingRules::Open, |s| s.rules),
                is_ordered: given.is_some_and(|s| s.is_ordered),
                slices: list.into_iter().map(|(_, number)| number).collect(),
            });
        }
    }

    /// Rules on the value of a primitive's profile are rules on the primitive.
    fn value_of_primitive(&mut self, to: u32, at: At<'_>) {
        let mut values = self.values(at, None);
        if at.definition().min.is_some_and(|min| min > 0) {
            values.push(ValueRule::Present);
        }
        if let Some(element) = self.elements.get_mut(to as usize) {
            let before = std::mem::take(&mut element.values);
            element.values = before.into_iter().chain(values).collect();
        }
    }

    /// What R4 says of a child of one of these types.
    fn base(&self, parents: &[TypeId], child: At<'_>) -> Base {
        let definitions = self.definitions;
        let mut out = Base::default();
        for parent in parents {
            let element = definitions.elements(*parent).map(|(_, e)| e).find(|e| e.name() == child.name());
            if let Some(element) = element {
                out.properties = definitions.properties(element);
                out.element = Some(element);
            } else if let Some(property) = Key::known(child.name()).and_then(|key| definitions.property(*parent, key)) {
                // a choice under the name of one type
                out.properties = std::slice::from_ref(property);
            } else {
                continue;
            }
            out.types = out.properties.iter().map(|p| p.type_id).collect();
            break;
        }
        out.keys = out.properties.iter().map(|p| p.key).collect();
        if out.keys.is_empty() {
            out.keys.extend(Key::known(child.name()));
        }
        out
    }

    /// The types in which children are looked up.
    fn own_types(&self, definition: &ElementDefinition, base: &Base) -> Vec<TypeId> {
        let named: Vec<TypeId> = definition.types.iter().filter_map(|t| self.type_in(base, t)).collect();
        if named.is_empty() { base.types.clone() } else { named }
    }

    fn type_in(&self, base: &Base, of: &TypeRef) -> Option<TypeId> {
        let backbone = base.types.iter().copied().find(|id| self.definitions.get(*id).kind == TypeKind::Backbone);
        backbone.or_else(|| self.definitions.type_named(&of.code))
    }

    /// The types that it may have, where that is less than the base says.
    fn types(&self, definition: &ElementDefinition, base: &Base) -> Option<Box<[TypeRule]>> {
        if base.properties.is_empty() || definition.types.is_empty() {
            return None;
        }
        let mut says_more = false;
        let mut out = Vec::new();
        for of in &definition.types {
            let type_id = self.type_in(base, of)?;
            let property = base.properties.iter().find(|p| p.type_id == type_id);
            says_more |= property.is_none() && !base.properties.iter().any(|p| p.type_id == type_id);
            let known = property.map_or("", |p| p.profile);
            let profiles = of.profiles.iter().filter(|url| known.strip_prefix('~').is_none_or(|k| url.strip_prefix(STRUCTURE) != Some(k)));
            let profiles: Vec<Link> = profiles.map(Link::new).collect();
            let targets = self.targets(of, property);
            says_more |= !profiles.is_empty() || targets.is_some();
            let is_any = self.definitions.get(type_id).is_abstract && self.definitions.get(type_id).kind == TypeKind::Resource;
            out.push(TypeRule { type_id: (!is_any).then_some(type_id), profiles: profiles.into(), targets });
        }
        let fewer = base.properties.iter().any(|p| !out.iter().any(|t| t.type_id.is_none_or(|id| id == p.type_id)));
        (says_more || fewer).then(|| out.into())
    }

    fn targets(&self, of: &TypeRef, property: Option<&'static Property>) -> Option<TargetRule> {
        if of.code != "Reference" {
            return None;
        }
        let definitions = self.definitions;
        let targets = of.targets.iter().map(|url| match url.strip_prefix(STRUCTURE).and_then(|name| definitions.type_named(name)) {
            Some(id) if definitions.get(id).is_abstract => Target::Any,
            Some(id) => Target::Type(id),
            None => Target::Profile(Link::new(url)),
        });
        let mut targets: Vec<Target> = targets.collect();
        if targets.iter().any(|t| matches!(t, Target::Any)) {
            targets.clear();
        }
        // as the type says already
        if let Some(property) = property {
            let known: Vec<&str> = definitions.target_names(property.targets).collect();
            let same = targets.len() >= known.len()
                && targets.iter().all(|t| matches!(t, Target::Type(id) if known.contains(&definitions.get(*id).name)));
            if same {
                targets.clear();
            }
        }
        let has = |what: &str| of.aggregation.is_empty() || of.aggregation.iter().any(|a| a == what);
        let versioned = of.versioning.as_deref().and_then(|v| match v {
            "specific" => Some(true),
            "independent" => Some(false),
            _ => None,
        });
        if targets.is_empty() && of.aggregation.is_empty() && versioned.is_none() {
            return None;
        }
        Some(TargetRule {
            targets: targets.into(),
            contained: has("contained"),
            bundled: has("bundled"),
            referenced: has("referenced"),
            versioned,
        })
    }

    fn values(&self, at: At<'_>, like: Option<&ElementDefinition>) -> Vec<ValueRule> {
        let definition = at.definition();
        let mut out = Vec::new();
        let new = |own: &Option<hutong_fhir::structure::Value>, of: fn(&ElementDefinition) -> &Option<hutong_fhir::structure::Value>| {
            let same = like.and_then(|l| of(l).as_ref()).zip(own.as_ref()).is_some_and(|(a, b)| value::equal(a.get(), b.get(), 0));
            own.clone().filter(|_| !same)
        };
        if let Some(fixed) = new(&definition.fixed, |d| &d.fixed) {
            // an extension is found by its url
            let is_own_url = at.name() == "url" && fixed.get().value() == Some(self.url);
            if !is_own_url {
                out.push(ValueRule::Fixed(fixed));
            }
        }
        out.extend(new(&definition.pattern, |d| &d.pattern).map(ValueRule::Pattern));
        out.extend(new(&definition.min_value, |d| &d.min_value).map(ValueRule::Least));
        out.extend(new(&definition.max_value, |d| &d.max_value).map(ValueRule::Greatest));
        if let Some(most) = definition.max_length.filter(|m| like.and_then(|l| l.max_length) != Some(*m)) {
            out.push(ValueRule::MaxLength(most));
        }
        out
    }

    fn binding(&self, definition: &ElementDefinition, at_path: &str, base: &Base, like: Option<&ElementDefinition>) -> Option<BindingRule> {
        let own = definition.binding.as_ref()?;
        let value_set = own.value_set.clone()?;
        if own.strength == Strength::Example && own.max_value_set.is_none() {
            return None;
        }
        let plain = |url: &str| url.split('|').next().unwrap_or("").to_owned();
        let known = base.element.and_then(|e| e.binding.as_ref());
        // `base` judges its own bindings
        if known.is_some_and(|k| k.strength == own.strength && plain(&k.canonical()) == plain(&value_set)) {
            return None;
        }
        let in_group = like.and_then(|l| l.binding.as_ref());
        if in_group.is_some_and(|g| g.strength == own.strength && g.value_set.as_deref().map(plain) == Some(plain(&value_set))) {
            return None;
        }
        // R4's vital signs bind the units of any component as required; HL7's own validator takes that back, since
        // components of other kinds (flow of oxygen) have other units
        let is_of_components = at_path == "component.value[x]" && plain(&value_set) == "http://hl7.org/fhir/ValueSet/ucum-vitals-common";
        let strength = if is_of_components { Strength::Extensible } else { own.strength };
        Some(BindingRule { strength, value_set, greatest: own.max_value_set.clone() })
    }

    fn invariants(&self, definition: &ElementDefinition, base: &Base, like: Option<&ElementDefinition>) -> Vec<Invariant> {
        let of_types = base.types.iter().map(|id| self.definitions.get(*id).invariants);
        let lists: Vec<&str> = of_types.chain(base.element.map(|e| e.invariants)).collect();
        let is_known = |key: &str| {
            let plain = |k: &str| k.split('~').next().unwrap_or("").to_owned();
            matches!(key, "ele-1" | "ext-1")
                || key.starts_with("dom-")
                || lists.iter().any(|l| l.split(',').any(|k| plain(k) == plain(key)))
        };
        let in_group = |key: &str| like.is_some_and(|l| l.constraints.iter().any(|c| c.key == key));
        let new = definition.constraints.iter().filter(|c| !c.expression.is_empty() && !in_group(&c.key));
        new.filter(|c| !(is_known(&c.key) && self.definitions.invariant(&c.key).is_some())).map(|c| Invariant::new(c)).collect()
    }
}

/// Takes out of the lists of children what says nothing.
fn prune(elements: &mut [Element]) {
    let mut speaks = vec![false; elements.len()];
    let says = |index: &u32, speaks: &[bool]| speaks.get(*index as usize).copied().unwrap_or(false);
    let mut changed = true;
    while changed {
        changed = false;
        for at in (0..elements.len()).rev() {
            let e = &elements[at];
            let own = e.min > 0
                || e.max != u32::MAX
                || e.types.is_some()
                || !e.values.is_empty()
                || e.binding.is_some()
                || !e.invariants.is_empty()
                || e.slicing.as_ref().is_some_and(|s| s.rules != SlicingRules::Open || s.is_ordered);
            let below = e.children.iter().chain(e.slicing.iter().flat_map(|s| s.slices.iter()));
            if !speaks[at] && (own || below.into_iter().any(|i| says(i, &speaks))) {
                speaks[at] = true;
                changed = true;
            }
        }
    }
    for element in elements {
        element.children = element.children.iter().copied().filter(|i| says(i, &speaks)).collect();
        // members of a slice that says nothing are still no others: kept where others are judged
        if let Some(slicing) = &element.slicing
            && !slicing.slices.iter().any(|i| says(i, &speaks))
            && slicing.rules == SlicingRules::Open
            && !slicing.is_ordered
        {
            element.slicing = None;
        }
    }
}
