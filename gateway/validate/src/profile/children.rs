//! The children of an element: how many there are, and each of them.

use super::{Element, Profile};
use crate::place::Frame;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::TypeId;
use hutong_fhir::{NodeRef, Severity};
use std::sync::Arc;

impl<'t> Walk<'t> {
    pub(crate) fn children(&mut self, at: &Frame<'_, 't>, type_id: TypeId, profile: &Arc<Profile>, element: &Element) {
        for index in &element.children {
            if let Some(child) = profile.element(*index) {
                self.group(at, type_id, profile, child);
            }
        }
    }

    /// All repeats of one child.
    fn group(&mut self, at: &Frame<'_, 't>, type_id: TypeId, profile: &Arc<Profile>, element: &Element) {
        let mut count = 0;
        let mut members: Vec<(NodeRef<'t>, u32)> = Vec::new();
        let speaks = element.speaks_of_one();
        let mut index = 0;
        let mut before = None;
        for child in at.node.children() {
            index = if before == Some(child.key()) { index + 1 } else { 0 };
            before = Some(child.key());
            if !element.keys.contains(&child.key()) {
                continue;
            }
            count += 1;
            if element.slicing.is_some() {
                members.push((child, index));
            }
            if element.max == 0 {
                if let Some((frame, _)) = self.child_frame(at, type_id, child, index) {
                    self.not_allowed(&frame, profile, element);
                }
                continue;
            }
            if speaks && let Some((frame, own)) = self.child_frame(at, type_id, child, index) {
                self.element(&frame, own, profile, element);
            }
        }
        let missing = match &element.slicing {
            Some(slicing) => self.slices(at, type_id, profile, element, slicing, &members),
            None => 0,
        };
        // slices that are missing say more than their number
        if count < element.min && (missing == 0 || count.saturating_add(missing) < element.min) {
            self.too_few(at, profile, element, count);
        } else if count > element.max && element.max > 0 {
            self.too_many(at, profile, element, count);
        }
    }

    fn too_few(&mut self, at: &Frame<'_, 't>, profile: &Profile, element: &Element, count: u32) {
        let (name, min) = (&element.name, element.min);
        self.said.misses(at.node.id(), name);
        let (zh, en) = if count == 0 {
            (format!("缺少 {name}（至少 {min} 个）；请补上"), format!("{name} is missing (at least {min}); supply it"))
        } else {
            (
                format!("{name} 至少要有 {min} 个，现有 {count} 个；请补足"),
                format!("at least {min} {name} are needed, {count} are here; supply the rest"),
            )
        };
        self.against(at, profile, Some(element), text::PROFILE_MIN.finding(Severity::Error).says(zh, en), "");
    }

    fn too_many(&mut self, at: &Frame<'_, 't>, profile: &Profile, element: &Element, count: u32) {
        let (name, max) = (&element.name, element.max);
        let finding = text::PROFILE_MAX.finding(Severity::Error).says(
            format!("{name} 最多 {max} 个，现有 {count} 个；请删去多余的"),
            format!("at most {max} {name} are allowed, {count} are here; remove what is too much"),
        );
        self.against(at, profile, Some(element), finding, "");
    }

    fn not_allowed(&mut self, at: &Frame<'_, 't>, profile: &Profile, element: &Element) {
        let name = &element.name;
        let finding = text::PROFILE_MAX
            .finding(Severity::Error)
            .says(format!("此处不允许有 {name}；请删去"), format!("{name} is not allowed here; remove it"));
        self.against(at, profile, Some(element), finding, "");
    }
}

impl Element {
    /// Whether anything is to be checked of each repeat.
    pub(crate) fn speaks_of_one(&self) -> bool {
        self.types.is_some()
            || !self.values.is_empty()
            || self.binding.is_some()
            || !self.invariants.is_empty()
            || !self.children.is_empty()
    }
}
