//! Whether a question is to be asked: `enableWhen` against the answers given so far.

use super::form::items;
use super::response::{Answering, Level};
use super::{choice, extensions, number};
use crate::rules::compare_dates;
use crate::walk::DEPTH_MAX;
use hutong_fhir::{NodeRef, decimal};
use std::cmp::Ordering;

/// A condition in FHIRPath (Structured Data Capture); it is not evaluated here.
const BY_EXPRESSION: &str = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression";

impl<'t> Answering<'_, 't> {
    /// `None` where it can not be told.
    pub(super) fn is_enabled(&mut self, item: NodeRef<'t>, level: Option<&Level<'_, 't>>) -> Option<bool> {
        if extensions(item, BY_EXPRESSION).next().is_some() {
            return None;
        }
        let conditions: Vec<NodeRef<'t>> = item.children().filter(|c| c.name() == "enableWhen").collect();
        let behavior = item.at("enableBehavior");
        // several conditions without enableBehavior break que-12; nothing follows from them
        if conditions.is_empty() || (conditions.len() > 1 && behavior.is_none()) {
            return Some(true);
        }
        let any = behavior == Some("any") || conditions.len() == 1;
        let mut unsure = false;
        for condition in conditions {
            match self.holds(condition, item, level) {
                None => unsure = true,
                Some(true) if any => return Some(true),
                Some(false) if !any => return Some(false),
                Some(_) => {}
            }
        }
        if unsure { None } else { Some(!any) }
    }

    fn holds(&mut self, condition: NodeRef<'t>, item: NodeRef<'t>, level: Option<&Level<'_, 't>>) -> Option<bool> {
        let target = self.form.item(condition.at("question")?)?;
        let operator = condition.at("operator")?;
        let (of, expected) = choice(condition, "answer")?;
        // the answers in the same repetition of the innermost group that holds both questions
        let within = match self.form.common(item, target) {
            None => Some(self.root),
            Some(group) => std::iter::successors(level, |l| l.up).find(|l| l.item.id() == group.id()).map(|l| l.answer),
        };
        let mut answers = Vec::new();
        if let Some(within) = within
            && !self.collect(within, target.at("linkId")?, &mut answers, 0)
        {
            return None;
        }
        if operator == "exists" {
            return Some((expected.value() == Some("true")) != answers.is_empty());
        }
        Some(answers.into_iter().any(|(given, answer)| fits(operator, (given, answer), (of, expected))))
    }

    /// The answers to a question below a response item; `false` where too much would have to be looked at.
    fn collect(&mut self, holder: NodeRef<'t>, link: &str, found: &mut Vec<(&'t str, NodeRef<'t>)>, depth: u32) -> bool {
        if depth > DEPTH_MAX || self.budget == 0 {
            return false;
        }
        self.budget -= 1;
        let answers = || holder.children().filter(|c| c.name() == "answer");
        if holder.at("linkId") == Some(link) {
            found.extend(answers().filter_map(|a| choice(a, "value")));
        }
        answers().chain(std::iter::once(holder)).all(|h| items(h).all(|i| self.collect(i, link, found, depth + 1)))
    }
}

/// Whether an answer stands in that relation to the expected one; answers of another type do not.
fn fits(operator: &str, given: (&str, NodeRef<'_>), expected: (&str, NodeRef<'_>)) -> bool {
    if given.0 == "Coding" && expected.0 == "Coding" {
        let system = expected.1.at("system");
        let same = given.1.at("code") == expected.1.at("code") && (system.is_none() || given.1.at("system") == system);
        return if operator == "!=" { !same } else { operator == "=" && same };
    }
    if given.0 == "Reference" && expected.0 == "Reference" {
        let same = given.1.at("reference") == expected.1.at("reference");
        return if operator == "!=" { !same } else { operator == "=" && same };
    }
    let Some(order) = order(given, expected) else { return false };
    match operator {
        "=" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        "<" => order.is_lt(),
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        _ => false,
    }
}

/// `given` relative to `expected`; `None` where the two can not be compared.
fn order((of, given): (&str, NodeRef<'_>), (expected_of, expected): (&str, NodeRef<'_>)) -> Option<Ordering> {
    match (of, expected_of) {
        ("Quantity", "Quantity") => number::compare(given, expected).ok(),
        ("Integer" | "Decimal", "Integer" | "Decimal") => decimal::compare(given.value()?, expected.value()?),
        ("Date" | "DateTime", "Date" | "DateTime") => compare_dates(given.value()?, expected.value()?),
        _ if of == expected_of => Some(given.value()?.cmp(expected.value()?)),
        _ => None,
    }
}
