//! Bindings through the terminology: codes against value sets, by strength, and displays.

use super::{BindingRule, Element, Profile};
use crate::keys::KEYS;
use crate::place::Frame;
use crate::primitive::keep;
use crate::text;
use crate::walk::Walk;
use crate::{Knowledge, Located};
use hutong_fhir::definitions::{Strength, TypeId, TypeKind};
use hutong_fhir::{NodeRef, Severity};
use hutong_terminology::Membership;
use std::sync::Arc;

/// What the codes of an element come to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// There is no code.
    None,
    Bad,
    /// The codes of a system, or the value set, are not here.
    Unknown,
}

impl<'t> Walk<'t> {
    /// Checks a coded element against a binding: of a profile's element, or of R4's own definition.
    pub(crate) fn bound(&mut self, at: &Frame<'_, 't>, type_id: TypeId, of: Option<(&Arc<Profile>, &Element)>, binding: &BindingRule) {
        if binding.greatest.is_none() && self.demands.least > worst(binding.strength) {
            return;
        }
        let mut verdict = membership(self.knowledge, at.node, type_id, &binding.value_set);
        let mut strength = binding.strength;
        let mut value_set = &binding.value_set;
        if let (Some(greatest), true) = (&binding.greatest, strength != Strength::Required) {
            let judged = membership(self.knowledge, at.node, type_id, greatest);
            if judged == Verdict::Bad {
                (verdict, strength, value_set) = (judged, Strength::Required, greatest);
            }
        }
        let (rule, severity) = match (verdict, strength) {
            (Verdict::Good, _) | (Verdict::None, Strength::Preferred | Strength::Example) => return,
            (_, Strength::Example) => return,
            (Verdict::Unknown, Strength::Preferred) => return,
            (Verdict::Unknown, _) => (&text::NOT_CHECKED, Severity::Warning),
            (_, Strength::Required) => (&text::CODE_REQUIRED, Severity::Error),
            (Verdict::None, Strength::Extensible) if at.node.child(KEYS.text).is_some() => return,
            (_, Strength::Extensible) => (&text::CODE_EXTENSIBLE, Severity::Warning),
            (_, Strength::Preferred) => (&text::CODE_PREFERRED, Severity::Information),
        };
        if severity < self.demands.least {
            return;
        }
        // a stricter rule has spoken about this code
        let same = |l: &Located| l.node == at.node.id() && l.finding.issue == "code-invalid" && l.finding.severity == Severity::Error;
        if self.found.iter().any(same) {
            return;
        }
        let (zh, en) = match (verdict, strength) {
            (Verdict::Unknown, _) => (
                "代码未检查：没有加载该值集或其代码系统；请加载后再校验",
                "the code was not checked: the value set or its code system is not loaded; load it to have it checked",
            ),
            (Verdict::None, Strength::Required) => {
                ("此处必须给出值集中的代码，只有文本不够", "a code of the value set is required here, text alone is not enough")
            }
            (Verdict::None, _) => ("此处应给出值集中的代码", "a code of the value set should be given here"),
            (_, Strength::Required) => (
                "代码不在必须使用的值集中；请改用其中的代码",
                "the code is not in the value set that is required here; use one of its codes",
            ),
            (_, Strength::Extensible) => (
                "代码不在值集中；值集中有合适的代码时应使用它",
                "the code is not in the value set; where the set has a suitable code, use that",
            ),
            _ => ("代码不在建议使用的值集中", "the code is not in the value set that is preferred here"),
        };
        let mut finding = rule.finding(severity).says(format!("{zh}：{value_set}"), format!("{en}: {value_set}"));
        if let Some(code) = first_code(at.node) {
            finding = keep(finding, code);
        }
        match of {
            Some((profile, element)) => self.against(at, profile, Some(element), finding, value_set),
            None => {
                let (resource, found) = (at.resource().id(), self.found.len());
                if self.said.is_new(resource, at.node.id(), ("code", value_set), ("code", value_set, at.property.map(|p| p.element)), found)
                {
                    self.report(at, finding);
                }
            }
        }
    }

    /// The display of a code must be that of its system, where the system is here; one in another script is a
    /// translation, and no fault.
    pub(crate) fn display(&mut self, at: &Frame<'_, 't>) {
        let text = |key| at.node.child(key).and_then(NodeRef::value);
        let Some(given) = text(KEYS.display).filter(|d| d.is_ascii()) else { return };
        let (Some(system), Some(code)) = (text(KEYS.system), text(KEYS.code)) else { return };
        let Some(own) = self.knowledge.terminology.display(system, code) else { return };
        if !own.is_ascii() || same_words(given, own) {
            return;
        }
        let finding = text::DISPLAY.finding(Severity::Warning).says(
            format!("显示名与代码系统不一致，代码系统中为“{own}”；请核对代码与名称是否相符"),
            format!("the display differs from that of the code system, '{own}'; check that code and name belong together"),
        );
        self.report(at, keep(finding, given));
    }

    /// Whether an element's code is in a value set.
    pub(crate) fn is_in(&self, node: NodeRef<'_>, type_id: TypeId, value_set: &str) -> bool {
        membership(self.knowledge, node, type_id, value_set) == Verdict::Good
    }
}

/// The worst that a code outside of a binding comes to.
fn worst(strength: Strength) -> Severity {
    match strength {
        Strength::Required => Severity::Error,
        Strength::Extensible => Severity::Warning,
        Strength::Preferred | Strength::Example => Severity::Information,
    }
}

/// Whether two displays differ in no more than case and spaces.
fn same_words(a: &str, b: &str) -> bool {
    let mut words = a.split_whitespace();
    let mut others = b.split_whitespace();
    loop {
        match (words.next(), others.next()) {
            (None, None) => return true,
            (Some(x), Some(y)) if x.eq_ignore_ascii_case(y) => {}
            _ => return false,
        }
    }
}

/// The code that a finding shows.
fn first_code<'t>(node: NodeRef<'t>) -> Option<&'t str> {
    let coding = node.child(KEYS.coding).unwrap_or(node);
    node.value().or_else(|| coding.child(KEYS.code).and_then(NodeRef::value))
}

/// Whether the code of an element is in a value set.
pub(super) fn membership(knowledge: &Knowledge, node: NodeRef<'_>, type_id: TypeId, value_set: &str) -> Verdict {
    let of = knowledge.definitions.get(type_id);
    if let TypeKind::Primitive(_) = of.kind {
        return node.value().map_or(Verdict::None, |code| of_code(knowledge, value_set, code));
    }
    if of.name != "CodeableConcept" {
        return of_coding(knowledge, value_set, node);
    }
    // one coding of the set is enough
    let mut best = Verdict::None;
    for coding in node.all(KEYS.coding) {
        match of_coding(knowledge, value_set, coding) {
            Verdict::Good => return Verdict::Good,
            Verdict::Unknown => best = Verdict::Unknown,
            Verdict::Bad if best == Verdict::None => best = Verdict::Bad,
            _ => {}
        }
    }
    best
}

/// A code without a system.
pub(super) fn of_code(knowledge: &Knowledge, value_set: &str, code: &str) -> Verdict {
    verdict(knowledge.terminology.member_of(value_set, None, code))
}

fn of_coding(knowledge: &Knowledge, value_set: &str, coding: NodeRef<'_>) -> Verdict {
    let code = coding.child(KEYS.code).and_then(NodeRef::value);
    match (code, coding.child(KEYS.system).and_then(NodeRef::value)) {
        (Some(code), Some(system)) => verdict(knowledge.terminology.member_of(value_set, Some(system), code)),
        (Some(_), None) => Verdict::Bad,
        (None, _) => Verdict::None,
    }
}

fn verdict(membership: Membership) -> Verdict {
    match membership {
        Membership::In => Verdict::Good,
        Membership::Out => Verdict::Bad,
        Membership::UnknownCodeSystem | Membership::UnknownValueSet => Verdict::Unknown,
    }
}
