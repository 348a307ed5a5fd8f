//! What a differential says of one element, put on top of what its base says (the reference implementation's
//! `updateFromDefinition`), with a finding wherever it allows more than the base does.

use super::read::fault;
use super::{ElementBinding, ElementDefinition, FHIR_STRUCTURE, TypeRef};
use crate::definitions::{Definitions, Strength};
use crate::finding::Finding;

/// Where findings go, and about which definition they are.
pub(super) struct Report<'a> {
    pub(super) url: &'a str,
    pub(super) findings: Vec<Finding>,
}

/// Findings about one definition; those beyond say nothing new.
const FINDINGS_MAX: usize = 200;

impl Report<'_> {
    pub(super) fn add(&mut self, rule: &'static str, id: &str, zh: impl std::fmt::Display, en: impl std::fmt::Display) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(fault(rule, self.url, id, zh, en));
        }
    }
}

/// Puts `diff` on top of `target`. `id` names the element in findings.
pub(super) fn apply(target: &mut ElementDefinition, diff: &ElementDefinition, id: &str, report: &mut Report<'_>) {
    cardinality(target, diff, id, report);
    if !diff.types.is_empty() {
        types(target, diff, id, report);
    }
    if let Some(binding) = &diff.binding {
        target.binding = Some(bind(target.binding.as_ref(), binding, id, report));
    }
    let coded = ["code", "Coding", "CodeableConcept", "Quantity", "string", "uri", "url", "canonical", "Extension"];
    let is_bindable = |t: &TypeRef| coded.contains(&t.code.as_str()) || is_quantity(&t.code);
    if target.binding.is_some() && !target.types.is_empty() && !target.types.iter().any(is_bindable) {
        target.binding = None;
    }
    for constraint in &diff.constraints {
        if !target.constraints.iter().any(|c| c.key == constraint.key) {
            target.constraints.push(constraint.clone());
        }
    }
    replace(&mut target.fixed, &diff.fixed);
    replace(&mut target.pattern, &diff.pattern);
    replace(&mut target.min_value, &diff.min_value);
    replace(&mut target.max_value, &diff.max_value);
    if let (Some(least), Some(said)) = (target.max_length, diff.max_length)
        && said > least
    {
        let (zh, en) =
            (format!("maxLength {said} 大于基础定义的 {least}"), format!("maxLength {said} is more than the {least} of its base"));
        report.add("structure.length.widens", id, zh, en);
    }
    replace(&mut target.max_length, &diff.max_length);
    if target.must_support == Some(true) && diff.must_support == Some(false) {
        report.add(
            "structure.must_support.widens",
            id,
            "基础定义要求 mustSupport，不能取消",
            "its base says mustSupport; that cannot be taken back",
        );
    } else {
        replace(&mut target.must_support, &diff.must_support);
    }
    replace(&mut target.is_modifier, &diff.is_modifier);
    replace(&mut target.content_reference, &diff.content_reference);
}

fn replace<T: Clone>(target: &mut Option<T>, said: &Option<T>) {
    if said.is_some() {
        target.clone_from(said);
    }
}

fn is_quantity(code: &str) -> bool {
    let definitions = Definitions::r4();
    let quantity = definitions.type_named("Quantity");
    definitions.type_named(code).zip(quantity).is_some_and(|(id, quantity)| definitions.is_a(id, quantity))
}

fn cardinality(target: &mut ElementDefinition, diff: &ElementDefinition, id: &str, report: &mut Report<'_>) {
    let star = |n: u32| if n == u32::MAX { "*".to_owned() } else { n.to_string() };
    if let Some(min) = diff.min {
        if let Some(base) = target.min
            && min < base
            && diff.slice_name.is_none()
        {
            let zh = format!("min {min} 小于基础定义的 {base}；约束只能收紧");
            let en = format!("min {min} is less than the {base} of its base; a constraint can only narrow");
            report.add("structure.min.widens", id, zh, en);
        }
        target.min = Some(min);
    }
    if let Some(max) = diff.max {
        if let Some(base) = target.max
            && max > base
        {
            let zh = format!("max {} 大于基础定义的 {}；约束只能收紧", star(max), star(base));
            let en = format!("max {} is more than the {} of its base; a constraint can only narrow", star(max), star(base));
            report.add("structure.max.widens", id, zh, en);
        }
        target.max = Some(max);
    }
    if let (Some(min), Some(max)) = (target.min, target.max)
        && min > max
        // a slice of what is forbidden altogether
        && (diff.min.is_some() || diff.max.is_some())
    {
        let zh = format!("min {min} 大于 max {}", star(max));
        let en = format!("min {min} is more than max {}", star(max));
        report.add("structure.cardinality", id, zh, en);
    }
}

/// The types that remain; what a type does not say of profiles and targets is as in the base.
fn types(target: &mut ElementDefinition, diff: &ElementDefinition, id: &str, report: &mut Report<'_>) {
    let mut remaining = Vec::with_capacity(diff.types.len());
    for said in &diff.types {
        let allowed = target.types.iter().find(|t| t.code == said.code);
        let is_allowed = target.types.is_empty() || allowed.is_some() || target.types.iter().any(|t| may_be(&t.code, &said.code));
        if !is_allowed {
            let base = target.types.iter().map(|t| t.code.as_str()).collect::<Vec<_>>().join(", ");
            let zh = format!("类型 {} 不在基础定义允许的类型（{base}）之中", said.code);
            let en = format!("type {} is not among the types of its base ({base})", said.code);
            report.add("structure.type.widens", id, zh, en);
        }
        let mut said = said.clone();
        if let Some(base) = allowed {
            if said.targets.is_empty() {
                said.targets.clone_from(&base.targets);
            }
            if let Some(wide) = said.targets.iter().find(|t| !base.targets.is_empty() && !may_target(&base.targets, t)) {
                let zh = format!("引用目标 {wide} 不在基础定义允许的目标之中");
                let en = format!("target {wide} is not among those of its base");
                report.add("structure.target.widens", id, zh, en);
            }
        }
        remaining.push(said);
    }
    target.types = remaining;
}

/// Whether a type may stand where the base has another: a type that specializes it.
pub(super) fn may_be(base: &str, code: &str) -> bool {
    let definitions = Definitions::r4();
    let ids = definitions.type_named(code).zip(definitions.type_named(base));
    base == "*" || ids.is_none_or(|(id, base)| definitions.is_a(id, base))
}

/// Whether a target is, or may be, one of the base's: a profile whose type is not known here may be.
fn may_target(base: &[String], target: &str) -> bool {
    let bare = |url: &str| url.split('|').next().unwrap_or(url).to_owned();
    let definitions = Definitions::r4();
    let type_of = |url: &str| {
        let name = bare(url);
        let profile = definitions.profiles().get(&name).map(|p| p.type_name);
        profile.map(str::to_owned).or_else(|| name.strip_prefix(FHIR_STRUCTURE).map(str::to_owned))
    };
    let Some(id) = type_of(target).and_then(|t| definitions.type_named(&t)) else { return true };
    base.iter().any(|b| {
        let is_type = b.strip_prefix(FHIR_STRUCTURE).and_then(|name| definitions.type_named(name));
        bare(b) == bare(target) || is_type.is_none_or(|base| definitions.is_a(id, base))
    })
}

fn bind(base: Option<&ElementBinding>, said: &ElementBinding, id: &str, report: &mut Report<'_>) -> ElementBinding {
    let Some(base) = base else { return said.clone() };
    // others may be weakened: a preferred set may become a more fitting example
    if base.strength == Strength::Required && said.strength != Strength::Required {
        report.add(
            "structure.binding.widens",
            id,
            "基础定义的绑定强度为 required，不能放宽",
            "the binding of its base is required; it cannot be weakened",
        );
    }
    ElementBinding {
        strength: said.strength,
        value_set: said.value_set.clone().or_else(|| base.value_set.clone()),
        max_value_set: said.max_value_set.clone().or_else(|| base.max_value_set.clone()),
    }
}
