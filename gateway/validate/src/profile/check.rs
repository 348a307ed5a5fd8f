//! The pass of a profile over a node: types, values, bindings, invariants of an element, then its children.

use super::value::Wrong;
use super::{Element, NESTING_MAX, Profile, TypeRule, type_of};
use crate::Located;
use crate::place::Frame;
use crate::primitive::keep;
use crate::text::{self, Rule};
use crate::walk::{DEPTH_MAX, Walk};
use hutong_fhir::definitions::TypeId;
use hutong_fhir::{Finding, NodeRef, Severity};
use std::sync::Arc;

/// Reasons that a finding names where none of several profiles is met.
const REASONS_MAX: usize = 3;

/// What is known of a node and a profile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Being judged further up: a circle, which is good where nothing else is wrong.
    Open,
    Good,
    Bad,
}

impl<'t> Walk<'t> {
    /// The type of the node of a frame.
    pub(crate) fn type_at(&self, at: &Frame<'_, 't>) -> Option<TypeId> {
        type_of(self.definitions, at.property.map(|p| p.type_id), at.node)
    }

    /// Checks a node against a profile, once.
    pub(crate) fn conform(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>) {
        if let Some(type_id) = self.type_at(at) {
            self.conform_as(at, type_id, profile);
        }
    }

    /// The same for a node whose type is known to the caller.
    pub(crate) fn conform_as(&mut self, at: &Frame<'_, 't>, type_id: TypeId, profile: &Arc<Profile>) {
        if !self.said.visit(at.node.id(), profile.number) {
            return;
        }
        if !self.definitions.is_a(type_id, profile.type_id) {
            let (own, wanted) = (self.definitions.get(type_id).name, self.definitions.get(profile.type_id).name);
            return self.against(
                at,
                profile,
                None,
                text::PROFILE_TYPE.finding(Severity::Error).says(
                    format!("此处为 {own}，而该 Profile 只适用于 {wanted}；请改用适合 {own} 的 Profile"),
                    format!("this is a {own}, the profile is for {wanted}; use a profile for {own}"),
                ),
                "",
            );
        }
        if self.nesting >= NESTING_MAX {
            // what was not looked at is no fault of the resource
            let finding = text::PROFILE_NESTING.finding(Severity::Warning).says(
                format!("Profile 相互嵌套超过 {NESTING_MAX} 层；更深处未检查"),
                format!("profiles within profiles, more than {NESTING_MAX} levels; what is deeper was not checked"),
            );
            return self.against(at, profile, None, finding, "");
        }
        self.nesting += 1;
        if let Some(root) = profile.element(0) {
            self.element(at, type_id, profile, root);
        }
        self.nesting -= 1;
    }

    /// Whether a node meets a profile, without a word about it.
    pub(crate) fn meets(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>) -> bool {
        let key = (at.node.id(), profile.number);
        if let Some(known) = self.verdicts.get(&key) {
            return *known != Verdict::Bad;
        }
        self.verdicts.insert(key, Verdict::Open);
        let good = self.reasons(at, profile).iter().all(|l| l.finding.severity != Severity::Error);
        self.verdicts.insert(key, if good { Verdict::Good } else { Verdict::Bad });
        good
    }

    /// What a profile would say of a node.
    pub(crate) fn reasons(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>) -> Vec<Located> {
        self.quietly(|walk| walk.conform(at, profile))
    }

    /// Findings that are looked at and not reported.
    pub(crate) fn quietly(&mut self, what: impl FnOnce(&mut Walk<'t>)) -> Vec<Located> {
        let found = std::mem::take(&mut self.found);
        let said = std::mem::take(&mut self.said);
        let more = std::mem::take(&mut self.more);
        self.quiet += 1;
        what(self);
        self.quiet -= 1;
        self.more = more;
        self.said = said;
        std::mem::replace(&mut self.found, found)
    }

    /// Checks one repeat of an element.
    pub(crate) fn element(&mut self, at: &Frame<'_, 't>, type_id: TypeId, profile: &Arc<Profile>, element: &Element) {
        if at.depth > DEPTH_MAX {
            return; // the base walk says so
        }
        if let Some(types) = &element.types
            && !self.types(at, type_id, profile, element, types)
        {
            return;
        }
        for rule in &element.values {
            if let Some(wrong) = rule.judge(at.node) {
                self.wrong_value(at, profile, element, &wrong);
            }
        }
        if let Some(binding) = &element.binding {
            self.bound(at, type_id, Some((profile, element)), binding);
        }
        self.children(at, type_id, profile, element);
        if !element.invariants.is_empty() {
            let is_root = element.path.is_empty();
            self.invariants(at, type_id, profile, &element.invariants, is_root);
        }
    }

    /// Whether the type is one that the profile allows; with the profiles and targets of that type.
    fn types(&mut self, at: &Frame<'_, 't>, type_id: TypeId, profile: &Arc<Profile>, element: &Element, types: &[TypeRule]) -> bool {
        let definitions = self.definitions;
        let fits = |t: &&TypeRule| t.type_id.is_none_or(|id| definitions.is_a(type_id, id));
        let mut fitting = types.iter().filter(fits).peekable();
        if fitting.peek().is_none() {
            let allowed: Vec<&str> = types.iter().filter_map(|t| t.type_id).map(|id| definitions.get(id).name).collect();
            let own = definitions.get(type_id).name;
            let allowed = allowed.join(" | ");
            let finding = text::PROFILE_ELEMENT_TYPE.finding(Severity::Error).says(
                format!("{} 的类型是 {own}，这里只允许 {allowed}", element.name),
                format!("{} is a {own}, only {allowed} is allowed here", element.name),
            );
            self.against(at, profile, Some(element), finding, "");
            return false;
        }
        let fitting: Vec<&TypeRule> = fitting.collect();
        if fitting.iter().all(|t| !t.profiles.is_empty()) {
            self.one_of(at, profile, element, &fitting);
        }
        if let [TypeRule { targets: Some(rule), .. }] = fitting.as_slice() {
            self.targets(at, profile, element, rule);
        }
        true
    }

    /// One of the profiles on the type must be met.
    fn one_of(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>, element: &Element, types: &[&TypeRule]) {
        let mut known = Vec::new();
        for link in types.iter().flat_map(|t| t.profiles.iter()) {
            match link.get(self.store) {
                Some(found) => known.push(found),
                None => {
                    // one that is not known might be met
                    // without it nothing can be said of the element
                    self.unknown_profile(at, &link.canonical, Severity::Error);
                    return;
                }
            }
        }
        if let [only] = known.as_slice() {
            return self.conform(at, only);
        }
        if known.iter().any(|p| self.meets(at, p)) {
            return;
        }
        let (zh, en) = self.why_none(at, &known);
        let finding = text::PROFILE_NONE.finding(Severity::Error).says(
            format!("{} 不符合所列 Profile 中的任何一个：{zh}", element.name),
            format!("{} meets none of the profiles listed: {en}", element.name),
        );
        self.against(at, profile, Some(element), finding, "");
    }

    /// The first complaint of each profile.
    pub(crate) fn why_none(&mut self, at: &Frame<'_, 't>, profiles: &[Arc<Profile>]) -> (String, String) {
        let (mut zh, mut en) = (Vec::new(), Vec::new());
        // reasons of reasons would multiply from level to level
        if self.quiet > 0 {
            return (String::new(), String::new());
        }
        for profile in profiles.iter().take(REASONS_MAX) {
            let reasons = self.reasons(at, profile);
            if let Some(first) = reasons.iter().find(|l| l.finding.severity == Severity::Error) {
                zh.push(format!("{} → {}", profile.url, first.finding.zh));
                en.push(format!("{} → {}", profile.url, first.finding.en));
            }
        }
        (zh.join("；"), en.join("; "))
    }

    fn wrong_value(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>, element: &Element, wrong: &Wrong) {
        let name = &element.name;
        let below = |path: &str| if path.is_empty() { name.clone() } else { format!("{name}.{path}") };
        let (rule, zh, en): (&Rule, String, String) = match wrong {
            Wrong::Differs { path, wanted } if wanted.is_empty() => (
                &text::PROFILE_FIXED,
                format!("{} 不应出现：该元素的值是固定的；请删去", below(path)),
                format!("{} does not belong here: the element has a fixed value; remove it", below(path)),
            ),
            Wrong::Differs { path, wanted } => {
                (&text::PROFILE_FIXED, format!("{} 须为“{wanted}”", below(path)), format!("{} must be '{wanted}'", below(path)))
            }
            Wrong::Missing => (
                &text::PROFILE_MIN,
                format!("{name} 须有值，只有扩展不够"),
                format!("{name} must have a value, extensions alone are not enough"),
            ),
            Wrong::TooSmall(limit) => (
                &text::PROFILE_RANGE,
                format!("{name} 小于允许的最小值 {limit}"),
                format!("{name} is less than the least allowed, {limit}"),
            ),
            Wrong::TooGreat(limit) => (
                &text::PROFILE_RANGE,
                format!("{name} 大于允许的最大值 {limit}"),
                format!("{name} is greater than the greatest allowed, {limit}"),
            ),
            Wrong::NotComparable(limit) => (
                &text::PROFILE_RANGE,
                format!("{name} 的单位与限值 {limit} 不能换算；请改用相同的 UCUM 单位"),
                format!("the unit of {name} cannot be converted to that of the limit {limit}; use the same UCUM unit"),
            ),
            Wrong::TooLong(most) => (
                &text::PROFILE_LENGTH,
                format!("{name} 超过最大长度 {most} 个字符；请缩短"),
                format!("{name} is longer than {most} characters; shorten it"),
            ),
        };
        let mut finding = rule.finding(Severity::Error).says(zh, en);
        if let Some(value) = at.node.value() {
            finding = keep(finding, value);
        }
        self.against(at, profile, Some(element), finding, "");
    }

    /// Reports what a profile has against a node. `detail` tells apart complaints of one rule about one element.
    pub(crate) fn against(&mut self, at: &Frame<'_, 't>, profile: &Profile, element: Option<&Element>, finding: Finding, detail: &str) {
        let rule = finding.rule.clone();
        let (name, path) = element.map_or(("", ""), |e| (e.name.as_str(), e.path.as_str()));
        let resource = at.resource().id();
        let found = self.found.len();
        if !self.said.is_new(resource, at.node.id(), (&rule, name, detail), (&rule, path, detail, profile.number), found) {
            return;
        }
        let mut finding = finding;
        finding.zh.push_str(&format!("（依据“{}”{}）", profile.title, profile.url));
        finding.en.push_str(&format!(" (by '{}', {})", profile.title, profile.url));
        self.report(at, finding);
    }

    /// Says that a profile is not known.
    pub(crate) fn unknown_profile(&mut self, at: &Frame<'_, 't>, canonical: &str, severity: Severity) {
        let shown: String = canonical.chars().filter(|c| c.is_ascii_graphic()).take(200).collect();
        let found = self.found.len();
        let resource = at.resource().id();
        if !self.said.is_new(resource, at.node.id(), ("unknown", canonical), ("unknown", canonical), found) {
            return;
        }
        let finding = text::PROFILE_UNKNOWN.finding(severity).says(
            format!("没有 Profile“{shown}”的定义，未按它检查；请加载包含它的规范包，或改正地址"),
            format!(
                "there is no definition of the profile '{shown}', it was not checked; load the package that holds it or correct the address"
            ),
        );
        self.report(at, finding);
    }

    /// The frame of a child with the type that it has there; `None` where the type has no such element.
    pub(crate) fn child_frame<'f>(
        &self,
        at: &'f Frame<'_, 't>,
        type_id: TypeId,
        child: NodeRef<'t>,
        index: u32,
    ) -> Option<(Frame<'f, 't>, TypeId)> {
        let property = self.definitions.property(type_id, child.key())?;
        let own = type_of(self.definitions, Some(property.type_id), child)?;
        Some((at.below(child, Some(property), index), own))
    }
}
