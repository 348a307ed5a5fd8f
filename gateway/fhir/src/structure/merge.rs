//! A differential put on top of the snapshot of its base, as the reference implementation does it (ProfileUtilities of
//! the Java tools): elements keep the base's order, slices are made from the base's element, and where a differential
//! goes deeper than its base the type, profile or referenced element is unfolded.

use super::narrow::{Report, apply};
use super::node::Node;
use super::{DiscriminatorKind, ElementDefinition, FHIR_STRUCTURE, Slicing, SlicingRules, StructureDefinition, TypeRef};
use std::sync::Arc;

/// Where a merge finds the definitions of types and profiles, with snapshots.
pub(super) trait Source {
    fn structure(&mut self, canonical: &str) -> Option<Arc<StructureDefinition>>;
}

pub(super) struct Merge<'a> {
    pub(super) source: &'a mut dyn Source,
    /// The base as it was, for content references.
    pub(super) base: &'a Node,
    pub(super) report: Report<'a>,
    /// A specialization or logical model: elements that the base does not have are new.
    pub(super) adds_elements: bool,
    /// R4's own profiles: each row says all of its element, and what they slice without saying so is let pass.
    pub(super) is_pack: bool,
    /// Inside a slice, and not below a type that was unfolded there.
    pub(super) in_slice: bool,
    /// Elements that may still be made. None left: the result is not whole.
    pub(super) left: usize,
}

impl Merge<'_> {
    /// Whether there is room for so many more elements.
    fn has_room(&mut self, elements: usize) -> bool {
        self.left = self.left.saturating_sub(elements);
        self.left > 0
    }

    /// Merges what a differential says of one element, slices left out, and of what is below it. The depth of the
    /// recursion is that of the differential, which was limited when it was read.
    pub(super) fn merge(&mut self, target: &mut Node, diff: &Node, id: &str) {
        if !self.is_pack {
            self.template(target, diff, id);
        }
        apply(&mut target.def, &diff.def, id, &mut self.report);
        if let Some(slicing) = &diff.def.slicing {
            self.slicing(target, slicing, id);
        }
        if diff.children.is_empty() {
            return;
        }
        let was_in_slice = self.in_slice;
        self.in_slice &= !target.children.is_empty();
        if self.unfold(target, diff, id) {
            self.children(target, diff, id);
        }
        self.in_slice = was_in_slice;
    }

    fn children(&mut self, parent: &mut Node, diff: &Node, parent_id: &str) {
        for (at, child) in diff.children.iter().enumerate() {
            let id = format!("{parent_id}.{}", child.name);
            if let Some(target) = parent.child_mut(&child.name) {
                self.element(target, child, &id);
            } else if let Some((choice, _)) = choice_of(parent, child) {
                // all shortcuts of one choice at once, with the first of them
                let of_choice = |c: &&Node| choice_of(parent, c).is_some_and(|(name, _)| name == choice);
                let shortcuts: Vec<&Node> = diff.children.iter().filter(of_choice).collect();
                let is_first = !diff.children.iter().take(at).any(|c| of_choice(&c));
                let is_alone = shortcuts.len() == 1 && diff.child(&choice).is_none();
                if is_first {
                    let is_extension = is_extension(&parent.name) || parent.name == "Extension";
                    self.shortcuts(parent, &choice, &shortcuts, is_alone, is_extension, parent_id);
                }
            } else if self.adds_elements {
                let mut new = Node::new(&child.name, ElementDefinition::default());
                self.element(&mut new, child, &id);
                parent.children.push(new);
            } else {
                let (zh, en) = ("基础定义中没有该元素，请检查路径", "its base has no such element; check the path");
                self.report.add("structure.path.unknown", &id, zh, en);
            }
        }
    }

    /// An element with its slices.
    fn element(&mut self, target: &mut Node, diff: &Node, id: &str) {
        if diff.slices.is_empty() {
            return self.merge(target, diff, id);
        }
        let is_unsliced = target.def.slicing.is_none() && diff.def.slicing.is_none() && target.slices.is_empty();
        if let ([only], true) = (diff.slices.as_slice(), is_unsliced && !is_extension(&diff.name))
            && type_of_slice(target, only).is_none()
        {
            // a name, but nothing to tell it by: it is the element itself
            self.merge(target, diff, id);
            self.merge(target, only, id);
            target.def.slice_name.clone_from(&only.def.slice_name);
            return;
        }
        let mut pristine = target.clone();
        pristine.slices.clear();
        let slices_before = target.slices.len();
        self.merge(target, diff, id);
        if !self.is_pack {
            // what holds below every repeat holds below those of the slices
            pristine.children.clone_from(&target.children);
        }
        for slice in &diff.slices {
            self.slice(target, &pristine, slice, id, slices_before);
        }
    }

    fn slice(&mut self, target: &mut Node, pristine: &Node, diff: &Node, base_id: &str, slices_before: usize) {
        let name = diff.def.slice_name.clone().unwrap_or_default();
        let id = format!("{base_id}:{name}");
        if let Some(existing) = target.slice_mut(&name) {
            return self.merge(existing, diff, &id);
        }
        let by_type = type_of_slice(target, diff);
        if target.def.slicing.is_none() {
            // a choice that is entered by naming one type is closed to the others
            let closes = by_type.is_some() && !diff.def.types.is_empty();
            target.def.slicing = self.implicit_slicing(target, by_type.is_some(), closes, &id);
        }
        let was_closed = pristine.def.slicing.as_ref().is_some_and(|s| s.rules == SlicingRules::Closed);
        if was_closed && slices_before > 0 && !name.contains('/') {
            let (zh, en) = ("基础定义的切片是 closed，不能增加新切片", "the slicing of its base is closed; it takes no new slice");
            self.report.add("structure.slicing.closed", &id, zh, en);
        }
        // a re-slice divides its slice, another slice the element as the base has it
        let divided = name.rsplit_once('/').map(|(of, _)| of.to_owned());
        let from = divided.as_deref().and_then(|of| target.slice_mut(of)).map(|of| Node { slices: Vec::new(), ..of.clone() });
        let mut slice = from.unwrap_or_else(|| pristine.clone());
        if !self.has_room(slice.count()) {
            return;
        }
        slice.def.slicing = None;
        slice.def.min = Some(0);
        if let Some(by_type) = by_type.filter(|_| diff.def.types.is_empty()) {
            slice.def.types = vec![by_type];
        }
        let was_in_slice = std::mem::replace(&mut self.in_slice, true);
        self.merge(&mut slice, diff, &id);
        self.in_slice = was_in_slice;
        // R4 has slices of elements that it forbids otherwise
        let all = target.def.max.filter(|max| *max > 0);
        slice.def.max = slice.def.max.zip(all).map(|(said, all)| said.min(all)).or(slice.def.max);
        slice.def.slice_name = Some(name);
        if diff.def.slicing.is_none() {
            slice.def.slicing = None;
        }
        let after = divided.and_then(|of| {
            let is_part =
                |s: &Node| s.def.slice_name.as_deref().is_some_and(|n| n == of || n.strip_prefix(&of).is_some_and(|r| r.starts_with('/')));
            target.slices.iter().rposition(is_part)
        });
        target.slices.insert(after.map_or(target.slices.len(), |at| at + 1), slice);
    }

    /// Slicing that nobody has to state: extensions by their URL, choices by their type.
    fn implicit_slicing(&mut self, target: &Node, is_by_type: bool, closes: bool, id: &str) -> Option<Slicing> {
        let rules = if closes { SlicingRules::Closed } else { SlicingRules::Open };
        let by = |kind, path: &str| Some(Slicing { rules, is_ordered: false, discriminators: vec![(kind, path.to_owned())] });
        if is_extension(&target.name) {
            return by(DiscriminatorKind::Value, "url");
        }
        if is_by_type {
            return by(DiscriminatorKind::Type, "$this");
        }
        if !self.is_pack {
            let (zh, en) =
                ("定义了切片，但没有说明如何区分（slicing）", "slices are defined, but nothing says how to tell them apart (slicing)");
            self.report.add("structure.slicing.missing", id, zh, en);
        }
        None
    }

    fn slicing(&mut self, target: &mut Node, said: &Slicing, id: &str) {
        if let Some(base) = &target.def.slicing
            && !target.slices.is_empty()
        {
            let loosens = base.rules == SlicingRules::Closed && said.rules != SlicingRules::Closed;
            if loosens || (base.is_ordered && !said.is_ordered) {
                let (zh, en) = ("切片规则比基础定义宽松", "its slicing is looser than that of its base");
                self.report.add("structure.slicing.widens", id, zh, en);
            }
            if base.discriminators.iter().any(|d| !said.discriminators.contains(d)) && !said.discriminators.is_empty() {
                let (zh, en) = ("缺少基础定义的切片鉴别器", "it lacks a discriminator of its base");
                self.report.add("structure.slicing.discriminator", id, zh, en);
            }
        }
        target.def.slicing = Some(said.clone());
    }

    /// `valueQuantity` for the slice `value[x]:valueQuantity`; inside another slice, where it is alone, for `value[x]`
    /// itself. The slicing is closed where all types have a slice.
    fn shortcuts(&mut self, parent: &mut Node, choice: &str, shortcuts: &[&Node], is_alone: bool, is_extension: bool, parent_id: &str) {
        let id = format!("{parent_id}.{choice}");
        let slices: Vec<Node> = shortcuts
            .iter()
            .filter_map(|diff| {
                let (_, of_type) = choice_of(parent, diff)?;
                let mut slice = Node { name: choice.to_owned(), ..(*diff).clone() };
                if slice.def.types.is_empty() {
                    slice.def.types = vec![of_type];
                }
                slice.def.slice_name = Some(diff.name.clone());
                Some(slice)
            })
            .collect();
        let Some(target) = parent.child_mut(choice) else { return };
        if let ([only], true) = (slices.as_slice(), is_alone && self.in_slice) {
            let mut narrowed = only.clone();
            narrowed.def.slice_name = None;
            return self.element(target, &narrowed, &id);
        }
        let base_min = target.def.min;
        let codes: Vec<String> = slices.iter().flat_map(|s| &s.def.types).map(|t| t.code.clone()).collect();
        let is_mandatory = slices.len() == 1 && slices.iter().any(|s| s.def.min.is_some_and(|min| min > 0));
        let unstated: Vec<String> = slices.iter().filter(|s| s.def.min.is_none()).filter_map(|s| s.def.slice_name.clone()).collect();
        self.element(target, &Node { slices, ..Node::new(choice, ElementDefinition::default()) }, &id);
        if is_mandatory {
            target.def.min = Some(1);
        }
        if is_mandatory || (is_extension && target.def.max != Some(0)) {
            // no other type is left
            target.def.types.retain(|t| codes.contains(&t.code));
        }
        let is_covered = target.def.types.iter().all(|t| codes.contains(&t.code));
        if let Some(slicing) = &mut target.def.slicing {
            slicing.rules = if is_covered { SlicingRules::Closed } else { SlicingRules::Open };
        }
        if target.def.types.len() == 1 {
            for name in unstated {
                if let Some(slice) = target.slice_mut(&name) {
                    slice.def.min = base_min;
                }
            }
        }
    }

    /// What the profile of an element's only type says of the element itself: of extensions, and of resources in their
    /// place. (The elements of data types are checked against the profile of their type anyway.)
    fn template(&mut self, target: &mut Node, diff: &Node, id: &str) {
        let [TypeRef { code, profiles, .. }] = diff.def.types.as_slice() else { return };
        let is_place = target.def.types.iter().any(|t| t.code == "Extension" || t.code == "Resource");
        let Some(profile) = profiles.first().filter(|_| is_place) else { return };
        let Some(structure) = self.source.structure(profile) else { return };
        let Some(root) = structure.snapshot.first() else { return };
        if structure.type_name != *code && !super::narrow::may_be(code, &structure.type_name) {
            let zh = format!("类型是 {code}，但 {profile} 约束的是 {}", structure.type_name);
            let en = format!("its type is {code}, but {profile} constrains {}", structure.type_name);
            self.report.add("structure.type.profile", id, zh, en);
            return;
        }
        let mut said = root.clone();
        said.types.clear();
        said.slicing = None;
        // how often it must be there is said by the one who uses it
        said.min = None;
        if code != "Extension" {
            said.max = None;
            // `%resource` would mean something else here
            said.constraints.clear();
        }
        // an element that the base limits stays limited
        said.max = said.max.zip(target.def.max).map(|(said, base)| said.min(base));
        apply(&mut target.def, &said, id, &mut self.report);
    }

    /// Gives an element the children of its type, so that a differential can go on below it.
    fn unfold(&mut self, target: &mut Node, diff: &Node, id: &str) -> bool {
        if !target.children.is_empty() {
            return true;
        }
        if let Some(reference) = target.def.content_reference.take() {
            let path = reference.rsplit('#').next().unwrap_or_default();
            let mut at = Some(self.base);
            for name in path.split('.').skip(1) {
                at = at.and_then(|node| node.child(name));
            }
            if let Some(found) = at.filter(|found| self.has_room(found.count())) {
                target.children.clone_from(&found.children);
                target.def.types.clone_from(&found.def.types);
                return true;
            }
        }
        let Some(canonical) = type_to_unfold(&target.def.types, diff) else {
            if self.adds_elements {
                return true;
            }
            let (zh, en) = (
                "此处有多种类型，不能直接约束其子元素；请先限定一种类型",
                "it has several types; choose one before constraining what is below",
            );
            self.report.add("structure.type.several", id, zh, en);
            return false;
        };
        let type_code = target.def.types.first().map_or("Element", |t| t.code.as_str());
        let found = self.source.structure(&canonical).or_else(|| self.source.structure(&format!("{FHIR_STRUCTURE}{type_code}")));
        let Some(structure) = found else {
            let (zh, en) = (format!("找不到类型 {canonical} 的定义"), format!("the definition of {canonical} is not known"));
            self.report.add("structure.type.unknown", id, zh, en);
            return false;
        };
        let limits = super::StructureLimits::default();
        if let Ok(mut tree) = Node::from_elements(&structure.type_name, &structure.snapshot, &structure.url, &limits) {
            tree.settle();
            if self.has_room(tree.count()) {
                target.children = tree.children;
            }
        }
        self.left > 0
    }
}

/// The choice of which an element of a differential is one type, and that type: `value[x]` for `valueQuantity`.
fn choice_of(parent: &Node, diff: &Node) -> Option<(String, TypeRef)> {
    parent.children.iter().find_map(|c| {
        let suffix = diff.name.strip_prefix(c.name.strip_suffix("[x]")?)?;
        let of_type = c.def.types.iter().find(|t| capital(&t.code) == suffix)?;
        Some((c.name.clone(), of_type.clone()))
    })
}

fn is_extension(name: &str) -> bool {
    name == "extension" || name == "modifierExtension"
}

pub(super) fn capital(code: &str) -> String {
    let mut out = code.to_owned();
    if let Some(first) = out.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    out
}

/// The type that a slice of a choice is for, told by its name: `value[x]:valueQuantity`.
fn type_of_slice(target: &Node, slice: &Node) -> Option<TypeRef> {
    let stem = target.name.strip_suffix("[x]")?;
    let suffix = slice.def.slice_name.as_deref()?.strip_prefix(stem)?;
    target.def.types.iter().find(|t| capital(&t.code) == suffix).cloned()
}

/// The canonical of the one type that all of `types` are, as far as the differential's children need it.
fn type_to_unfold(types: &[TypeRef], diff: &Node) -> Option<String> {
    let first = types.first()?;
    if types.iter().any(|t| t.code != first.code) {
        // whatever the type: every element has these
        let is_common = diff.children.iter().all(|c| c.name == "id" || c.name == "extension");
        return is_common.then(|| format!("{FHIR_STRUCTURE}Element"));
    }
    let of_code = || if first.code.contains(':') { first.code.clone() } else { format!("{FHIR_STRUCTURE}{}", first.code) };
    match (types.len(), first.profiles.as_slice()) {
        (1, [profile, ..]) if first.code != "Reference" => Some(profile.clone()),
        _ => Some(of_code()),
    }
}
