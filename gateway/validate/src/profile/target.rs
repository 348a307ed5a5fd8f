//! What references point to: found in the same resource or Bundle, and whether it is what the profile allows.

use super::{Element, Profile, Target, TargetRule};
use crate::keys::KEYS;
use crate::linked::Found;
use crate::place::Frame;
use crate::primitive::keep;
use crate::reference::{Target as Pointed, target_of};
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::TypeId;
use hutong_fhir::{NodeRef, Severity};
use std::sync::Arc;

/// How a reference reaches its target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Contained,
    Bundled,
    Elsewhere,
}

impl<'t> Walk<'t> {
    /// Checks a Reference against the targets that a profile allows.
    pub(crate) fn targets(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>, element: &Element, rule: &TargetRule) {
        let Some(value) = at.node.child(KEYS.reference).and_then(NodeRef::value) else {
            return self.stated_target(at, profile, element, rule);
        };
        let way = if value.starts_with('#') {
            Way::Contained
        } else if self.at_target(at, |_, _| true) {
            Way::Bundled
        } else {
            Way::Elsewhere
        };
        let good = match way {
            Way::Contained => rule.contained,
            Way::Bundled => rule.bundled || rule.referenced,
            Way::Elsewhere => rule.referenced,
        };
        if !good {
            let (zh, en) = match way {
                Way::Contained => ("内含资源(contained)", "a contained resource"),
                Way::Bundled => ("Bundle 中的资源", "a resource of the Bundle"),
                Way::Elsewhere => ("外部资源", "a resource elsewhere"),
            };
            let allowed: Vec<&str> = [(rule.contained, "contained"), (rule.bundled, "bundled"), (rule.referenced, "referenced")]
                .into_iter()
                .filter_map(|(good, name)| good.then_some(name))
                .collect();
            let allowed = allowed.join(" | ");
            let finding = text::PROFILE_AGGREGATION.finding(Severity::Error).says(
                format!("{} 引用的是{zh}，这里只允许 {allowed}", element.name),
                format!("{} refers to {en}, only {allowed} is allowed here", element.name),
            );
            return self.against(at, profile, Some(element), keep(finding, value), "");
        }
        if let Some(versioned) = rule.versioned
            && way != Way::Contained
            && versioned != value.contains("/_history/")
        {
            let (zh, en) = if versioned {
                ("必须指明版本(…/_history/版本号)", "must name a version (…/_history/n)")
            } else {
                ("不能指明版本；请去掉 /_history/…", "must not name a version; remove /_history/…")
            };
            let finding = text::PROFILE_VERSIONING
                .finding(Severity::Error)
                .says(format!("{} 的引用{zh}", element.name), format!("the reference of {} {en}", element.name));
            self.against(at, profile, Some(element), keep(finding, value), "");
        }
        if !rule.targets.is_empty() {
            self.target_type(at, profile, element, rule, way, value);
        }
    }

    fn target_type(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>, element: &Element, rule: &TargetRule, way: Way, value: &'t str) {
        if way == Way::Elsewhere {
            let pointed = match target_of(value, |name| self.definitions.resource_named(name)) {
                Pointed::Type(id) => Some(id),
                _ => at.node.child(KEYS.kind).and_then(NodeRef::value).and_then(|n| self.definitions.resource_named(n)),
            };
            let Some(pointed) = pointed else { return };
            if !self.may_be(rule, pointed) {
                self.wrong_target_type(at, profile, element, rule, pointed);
            }
            return;
        }
        // the target is here: its profile can be asked
        let mut wrong = None;
        let mut misfit: Option<(String, String)> = None;
        self.at_target(at, |walk, target| {
            let Some(own) = walk.type_at(target) else { return true };
            if !walk.may_be(rule, own) {
                wrong = Some(own);
                return true;
            }
            let mut asked = Vec::new();
            for allowed in &rule.targets {
                match allowed {
                    Target::Any => return true,
                    Target::Type(id) if walk.definitions.is_a(own, *id) => return true,
                    Target::Type(_) => {}
                    Target::Profile(link) => match link.get(walk.store) {
                        Some(p) if walk.definitions.is_a(own, p.type_id) => asked.push(p),
                        Some(_) => {}
                        None => return true,
                    },
                }
            }
            if !asked.iter().any(|p| walk.meets(target, p)) {
                misfit = Some(walk.why_none(target, &asked));
            }
            true
        });
        if let Some(own) = wrong {
            self.wrong_target_type(at, profile, element, rule, own);
        } else if let Some((zh, en)) = misfit {
            let finding = text::PROFILE_TARGET.finding(Severity::Error).says(
                format!("{} 所引用的资源不符合要求的 Profile：{zh}", element.name),
                format!("what {} refers to does not meet the profile asked for: {en}", element.name),
            );
            self.against(at, profile, Some(element), finding, value);
        }
    }

    /// A reference without address may still say what type it is to.
    fn stated_target(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>, element: &Element, rule: &TargetRule) {
        let stated = at.node.child(KEYS.kind).and_then(NodeRef::value).and_then(|n| self.definitions.resource_named(n));
        if let Some(stated) = stated.filter(|s| !self.may_be(rule, *s)) {
            self.wrong_target_type(at, profile, element, rule, stated);
        }
    }

    /// Whether a target of that type may be one of those allowed.
    fn may_be(&self, rule: &TargetRule, own: TypeId) -> bool {
        rule.targets.is_empty()
            || rule.targets.iter().any(|t| match t {
                Target::Any => true,
                Target::Type(id) => self.definitions.is_a(own, *id),
                Target::Profile(link) => link.get(self.store).is_none_or(|p| self.definitions.is_a(own, p.type_id)),
            })
    }

    fn wrong_target_type(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>, element: &Element, rule: &TargetRule, own: TypeId) {
        let name = |t: &Target| match t {
            Target::Any => "Resource".to_owned(),
            Target::Type(id) => self.definitions.get(*id).name.to_owned(),
            Target::Profile(link) => link.canonical.clone(),
        };
        let allowed = rule.targets.iter().map(name).collect::<Vec<_>>().join(" | ");
        let own = self.definitions.get(own).name;
        let finding = text::PROFILE_TARGET.finding(Severity::Error).says(
            format!("{} 不能引用 {own}；可引用：{allowed}", element.name),
            format!("{} must not refer to {own}; allowed: {allowed}", element.name),
        );
        self.against(at, profile, Some(element), finding, "type");
    }

    /// Goes to what a reference (or a canonical, url or uri) points to in this resource or Bundle; `false` where it is
    /// not here.
    pub(crate) fn at_target(&mut self, at: &Frame<'_, 't>, then: impl FnOnce(&mut Walk<'t>, &Frame<'_, 't>) -> bool) -> bool {
        let Some(value) = at.node.value().or_else(|| at.node.child(KEYS.reference).and_then(NodeRef::value)) else { return false };
        self.at_address(at, value, then)
    }

    pub(crate) fn at_address(&mut self, at: &Frame<'_, 't>, value: &str, then: impl FnOnce(&mut Walk<'t>, &Frame<'_, 't>) -> bool) -> bool {
        let mut resource = at.resource_frame();
        if resource.node.key() == KEYS.contained
            && let Some(outer) = resource.up
        {
            resource = outer.resource_frame();
        }
        if let Some(id) = value.strip_prefix('#') {
            if id.is_empty() {
                return then(self, resource);
            }
            let mut contained = resource.node.all(KEYS.contained).enumerate();
            let found = contained.find(|(_, c)| c.child(KEYS.id).and_then(NodeRef::value) == Some(id));
            let (Some((index, node)), Some(own)) = (found, self.type_at(resource)) else { return false };
            let frame = resource.below(node, self.definitions.property(own, KEYS.contained), index as u32);
            return then(self, &frame);
        }
        let Some((bundle, place)) = bundle_around(resource) else { return false };
        let Some(links) = &mut self.bundle else { return false };
        let before = links.enter(place);
        let found = links.resolve(value);
        links.leave(before);
        let Found::Entry(index) = found else { return false };
        let Some(entry) = links.entry(index) else { return false };
        let Some(node) = entry.child(KEYS.resource) else { return false };
        let Some(of_bundle) = self.type_at(bundle) else { return false };
        let Some(entries) = self.definitions.property(of_bundle, KEYS.entry) else { return false };
        let entry_frame = bundle.below(entry, Some(entries), index);
        let frame = entry_frame.below(node, self.definitions.property(entries.type_id, KEYS.resource), 0);
        then(self, &frame)
    }
}

/// The Bundle in which a resource stands, and the place of the entry that holds it.
fn bundle_around<'f, 't>(resource: &'f Frame<'f, 't>) -> Option<(&'f Frame<'f, 't>, u32)> {
    let entry = resource.up?;
    if entry.node.key() != KEYS.entry {
        // not an entry's resource: perhaps it is further out
        return bundle_around(entry.resource_frame());
    }
    Some((entry.up?, entry.index))
}
