//! Slicing: which slice each repeat belongs to, how many each slice has, in which order, and what is left over.

use super::{Condition, Element, Profile, Slicing, Step, Test, type_of, value};
use crate::keys::KEYS;
use crate::place::Frame;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::TypeId;
use hutong_fhir::structure::SlicingRules;
use hutong_fhir::{NodeRef, Severity};
use std::sync::Arc;

/// Slices that a finding about a stranger describes.
const DESCRIBED_MAX: usize = 4;

impl<'t> Walk<'t> {
    /// Judges the repeats of a sliced element (`at` is their parent). Gives how many members of slices are missing.
    pub(crate) fn slices(
        &mut self,
        at: &Frame<'_, 't>,
        type_id: TypeId,
        profile: &Arc<Profile>,
        group: &Element,
        slicing: &Slicing,
        members: &[(NodeRef<'t>, u32)],
    ) -> u32 {
        if members.is_empty() {
            return self.empty_slices(at, type_id, profile, slicing);
        }
        let slices: Vec<&Element> = slicing.slices.iter().filter_map(|i| profile.element(*i)).collect();
        let mut of_slice: Vec<Vec<(NodeRef<'t>, u32)>> = vec![Vec::new(); slices.len()];
        let mut last = 0;
        let mut left_over = false;
        for (node, index) in members {
            let Some((frame, own)) = self.child_frame(at, type_id, *node, *index) else { continue };
            let Some(which) = self.slice_of(&frame, own, &slices) else {
                left_over = true;
                if slicing.rules == SlicingRules::Closed {
                    self.stranger(&frame, own, profile, group, &slices);
                }
                continue;
            };
            let slice = slices[which];
            if slicing.is_ordered && which < last {
                self.out_of_order(&frame, profile, slice, slices[last]);
            }
            if left_over && slicing.rules == SlicingRules::OpenAtEnd {
                self.not_at_end(&frame, profile, slice);
            }
            last = last.max(which);
            of_slice[which].push((*node, *index));
            if slice.speaks_of_one() && slice.max > 0 {
                self.element(&frame, own, profile, slice);
            }
        }
        let mut missing = 0u32;
        for (slice, members) in slices.iter().zip(&of_slice) {
            missing = missing.saturating_add(slice.min.saturating_sub(members.len() as u32));
            self.count_of_slice(at, type_id, profile, slice, members);
            if let Some(slicing) = &slice.slicing {
                self.slices(at, type_id, profile, slice, slicing, members);
            }
        }
        missing
    }

    /// The same where nothing repeats: only what must be there is missing.
    fn empty_slices(&mut self, at: &Frame<'_, 't>, type_id: TypeId, profile: &Arc<Profile>, slicing: &Slicing) -> u32 {
        let mut missing = 0u32;
        for slice in slicing.slices.iter().filter_map(|i| profile.element(*i)).filter(|e| e.min > 0 || e.slicing.is_some()) {
            missing = missing.saturating_add(slice.min);
            self.count_of_slice(at, type_id, profile, slice, &[]);
            if let Some(slicing) = &slice.slicing {
                self.empty_slices(at, type_id, profile, slicing);
            }
        }
        missing
    }

    /// The place of the slice that a repeat belongs to.
    fn slice_of(&mut self, at: &Frame<'_, 't>, own: TypeId, slices: &[&Element]) -> Option<usize> {
        for (i, element) in slices.iter().enumerate() {
            let Some(slice) = &element.slice else { continue };
            if slice.is_default || (!slice.conditions.is_empty() && slice.conditions.iter().all(|c| self.holds(at, own, c))) {
                return Some(i);
            }
        }
        None
    }

    fn count_of_slice(
        &mut self,
        at: &Frame<'_, 't>,
        type_id: TypeId,
        profile: &Profile,
        element: &Element,
        members: &[(NodeRef<'t>, u32)],
    ) {
        let count = members.len() as u32;
        let Some(slice) = element.slice.as_ref().filter(|_| count < element.min || count > element.max) else { return };
        let (name, min, max) = (format!("{}:{}", element.name, slice.name), element.min, element.max);
        if count < min {
            self.said.misses(at.node.id(), &element.name);
            let marks = marks(&slice.conditions);
            let (mark_zh, mark_en) = if marks.is_empty() {
                (String::new(), String::new())
            } else {
                (format!("，其标志是 {marks}"), format!(", told by {marks}"))
            };
            let finding = text::SLICE_MIN.finding(Severity::Error).says(
                format!("缺少 {name}（至少 {min} 个，现有 {count} 个）{mark_zh}；请补上"),
                format!("{name} is missing (at least {min}, {count} are here){mark_en}; supply it"),
            );
            self.against(at, profile, Some(element), finding, &slice.name);
        } else if count > max {
            let (zh, en) = if max == 0 {
                (format!("此处不允许有 {name}；请删去"), format!("{name} is not allowed here; remove it"))
            } else {
                (
                    format!("{name} 最多 {max} 个，现有 {count} 个；请删去多余的"),
                    format!("at most {max} {name} are allowed, {count} are here; remove what is too much"),
                )
            };
            let finding = text::SLICE_MAX.finding(Severity::Error).says(zh, en);
            match members.get(max as usize).and_then(|(node, index)| self.child_frame(at, type_id, *node, *index)) {
                Some((frame, _)) => self.against(&frame, profile, Some(element), finding, &slice.name),
                None => self.against(at, profile, Some(element), finding, &slice.name),
            }
        }
    }

    fn out_of_order(&mut self, at: &Frame<'_, 't>, profile: &Profile, slice: &Element, before: &Element) {
        let (own, other) = (slice_name(slice), slice_name(before));
        let finding = text::SLICE_ORDER
            .finding(Severity::Error)
            .says(format!("{own} 须排在 {other} 之前；请调整顺序"), format!("{own} must stand before {other}; change the order"));
        self.against(at, profile, Some(slice), finding, own);
    }

    fn not_at_end(&mut self, at: &Frame<'_, 't>, profile: &Profile, slice: &Element) {
        let own = slice_name(slice);
        let finding = text::SLICE_ORDER.finding(Severity::Error).says(
            format!("不属于任何切片的元素须排在最后，{own} 须在它们之前"),
            format!("elements of no slice must stand at the end, {own} before them"),
        );
        self.against(at, profile, Some(slice), finding, own);
    }

    /// A repeat that no slice takes where nothing else is allowed: says what it lacks for the slice that is nearest.
    fn stranger(&mut self, at: &Frame<'_, 't>, own: TypeId, profile: &Arc<Profile>, group: &Element, slices: &[&Element]) {
        // of a type that is not allowed at all: said already
        if self.found.iter().any(|l| l.node == at.node.id() && l.finding.rule == text::PROFILE_ELEMENT_TYPE.id) {
            return;
        }
        let mut best: Option<(usize, &str, String)> = None;
        for slice in slices.iter().filter_map(|e| e.slice.as_ref()) {
            let failed: Vec<String> = slice.conditions.iter().filter(|c| !self.holds(at, own, c)).map(mark).collect();
            if best.as_ref().is_none_or(|(least, ..)| failed.len() < *least) {
                best = Some((failed.len(), &slice.name, failed.join(", ")));
            }
        }
        let names: Vec<&str> = slices.iter().take(DESCRIBED_MAX).filter_map(|e| e.slice.as_ref()).map(|s| s.name.as_str()).collect();
        let names = names.join(" | ");
        let (zh, en) = match best {
            Some((_, name, lacks)) if !lacks.is_empty() => {
                (format!("；不属于 {name}，因为没有 {lacks}"), format!("; it did not match slice {name} because it lacks {lacks}"))
            }
            _ => (String::new(), String::new()),
        };
        let finding = text::SLICE_CLOSED.finding(Severity::Error).says(
            format!("{} 不属于任何允许的切片（{names}）{zh}；请改正或删去", group.name),
            format!("{} is in none of the slices allowed here ({names}){en}; correct or remove it", group.name),
        );
        self.against(at, profile, Some(group), finding, "");
    }

    /// Whether a condition of a slice holds for a repeat.
    fn holds(&mut self, at: &Frame<'_, 't>, own: TypeId, condition: &Condition) -> bool {
        match &condition.test {
            Test::Exists(wanted) => self.any_at(at, own, &condition.path, &Test::Exists(true)) == *wanted,
            Test::Any(conditions) => conditions.iter().any(|c| self.holds(at, own, c)),
            test => self.any_at(at, own, &condition.path, test),
        }
    }

    /// Whether something at the end of a path meets a test.
    fn any_at(&mut self, at: &Frame<'_, 't>, own: TypeId, path: &[Step], test: &Test) -> bool {
        if at.depth > crate::walk::DEPTH_MAX {
            return false;
        }
        let Some((step, rest)) = path.split_first() else { return self.passes(at, own, test) };
        match step {
            Step::OfType(wanted) => self.definitions.is_a(own, *wanted) && self.any_at(at, own, rest, test),
            Step::Child(keys) => {
                let mut index = 0;
                let mut before = None;
                for child in at.node.children() {
                    index = if before == Some(child.key()) { index + 1 } else { 0 };
                    before = Some(child.key());
                    if keys.contains(&child.key())
                        && let Some((frame, of)) = self.child_frame(at, own, child, index)
                        && self.any_at(&frame, of, rest, test)
                    {
                        return true;
                    }
                }
                false
            }
            Step::Extension(url) => {
                for (index, child) in at.node.all(KEYS.extension).enumerate() {
                    if child.child(KEYS.url).and_then(NodeRef::value) == Some(url)
                        && let Some((frame, of)) = self.child_frame(at, own, child, index as u32)
                        && self.any_at(&frame, of, rest, test)
                    {
                        return true;
                    }
                }
                false
            }
            Step::Resolve => self.at_target(at, |walk, target| {
                let Some(of) = type_of(walk.definitions, None, target.node) else { return false };
                walk.any_at(target, of, rest, test)
            }),
        }
    }

    fn passes(&mut self, at: &Frame<'_, 't>, own: TypeId, test: &Test) -> bool {
        match test {
            Test::Exists(_) => true,
            Test::Fixed(fixed) => value::equal(at.node, fixed.get(), 0),
            Test::Pattern(pattern) => value::contains(at.node, pattern.get(), 0),
            Test::Types(types) => types.iter().any(|t| self.definitions.is_a(own, *t)),
            Test::Profiles(profiles) => profiles.iter().any(|link| link.get(self.store).is_some_and(|p| self.meets(at, &p))),
            Test::Url(url) => at.node.child(KEYS.url).and_then(NodeRef::value) == Some(url),
            Test::InValueSet(value_set) => self.is_in(at.node, own, value_set),
            Test::Any(_) => false,
        }
    }
}

fn slice_name(element: &Element) -> &str {
    element.slice.as_ref().map_or(&element.name, |s| &s.name)
}

/// What tells a slice apart, for people.
fn marks(conditions: &[Condition]) -> String {
    conditions.iter().map(mark).collect::<Vec<_>>().join(", ")
}

fn mark(condition: &Condition) -> String {
    let path = &condition.text;
    match &condition.test {
        Test::Fixed(v) | Test::Pattern(v) => format!("{path} = {}", value::show(v.get())),
        Test::Url(url) => format!("url = {url}"),
        Test::InValueSet(url) => format!("{path} in {url}"),
        Test::Exists(true) => format!("{path} exists"),
        Test::Exists(false) => format!("no {path}"),
        Test::Types(_) => format!("type of {path}"),
        Test::Profiles(links) => {
            format!("{path} conforms to {}", links.iter().map(|l| l.canonical.as_str()).collect::<Vec<_>>().join(" | "))
        }
        Test::Any(conditions) => conditions.iter().map(mark).collect::<Vec<_>>().join(" | "),
    }
}
