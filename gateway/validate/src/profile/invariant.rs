//! Invariants as FHIRPath, compiled when first used: those of profiles, and those of R4 that have no native form.

use super::Profile;
use super::host::Here;
use crate::place::Frame;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::TypeId;
use hutong_fhir::fhirpath::{self, Env, Expression, Fault, FaultKind, Item};
use hutong_fhir::structure::Constraint;
use hutong_fhir::{Definitions, Finding, Severity, definitions};
use std::sync::{Arc, OnceLock};

/// Steps that one invariant may take on one node.
const STEPS_MAX: u32 = 2_000_000;

/// Between the Chinese and the English of a constraint's text.
const BETWEEN: &str = " · ";

/// One invariant of a profile or of R4.
pub(crate) struct Invariant {
    pub(crate) key: String,
    pub(crate) is_error: bool,
    human: String,
    /// FHIRPath.
    pub(crate) text: String,
    compiled: OnceLock<Result<Expression, Fault>>,
}

impl Invariant {
    pub(crate) fn new(constraint: &Constraint) -> Invariant {
        Invariant {
            key: constraint.key.clone(),
            is_error: constraint.is_error,
            human: constraint.human.clone(),
            text: constraint.expression.clone(),
            compiled: OnceLock::new(),
        }
    }

    /// One of R4's own.
    pub(crate) fn of_r4(invariant: &definitions::Invariant) -> Invariant {
        let key = invariant.key.split('~').next().unwrap_or(invariant.key).to_owned();
        let (human, text) = (invariant.human.to_owned(), invariant.expression.to_owned());
        Invariant { key, is_error: invariant.is_error, human, text, compiled: OnceLock::new() }
    }

    /// An expression that is no constraint: a context, or one of its invariants.
    pub(crate) fn bare(text: &str) -> Invariant {
        Invariant { key: String::new(), is_error: true, human: String::new(), text: text.to_owned(), compiled: OnceLock::new() }
    }

    fn expression(&self, definitions: &'static Definitions) -> &Result<Expression, Fault> {
        self.compiled.get_or_init(|| fhirpath::compile(&self.text, definitions))
    }

    /// What it says: Chinese and English where its author wrote both, otherwise the one text.
    fn words(&self) -> (&str, &str) {
        let human = if self.human.is_empty() { self.text.as_str() } else { self.human.as_str() };
        human.split_once(BETWEEN).unwrap_or((human, human))
    }
}

impl<'t> Walk<'t> {
    /// Checks the invariants of an element; `is_root`: of the profile's root.
    pub(crate) fn invariants(&mut self, at: &Frame<'_, 't>, type_id: TypeId, profile: &Arc<Profile>, list: &[Invariant], is_root: bool) {
        for invariant in list {
            match self.evaluate(at, type_id, invariant, is_root) {
                Ok(true) => {}
                // what is missing was said already, and this says no more
                Ok(false) if self.said.names_what_is_missing(at.node.id(), &invariant.text) => {}
                Ok(false) => self.against(at, profile, None, broken(invariant), &invariant.key),
                Err(fault) => self.not_evaluated(at, Some(profile), invariant, &fault),
            }
        }
    }

    /// The same for those of R4.
    pub(crate) fn r4_invariants(&mut self, at: &Frame<'_, 't>, type_id: TypeId, list: &[Arc<Invariant>]) {
        for invariant in list {
            match self.evaluate(at, type_id, invariant, true) {
                Ok(true) => {}
                Ok(false) => self.report(at, broken(invariant)),
                Err(fault) => self.not_evaluated(at, None, invariant, &fault),
            }
        }
    }

    fn not_evaluated(&mut self, at: &Frame<'_, 't>, profile: Option<&Arc<Profile>>, invariant: &Invariant, fault: &Fault) {
        // a value set that is not here: nothing is known, and the author of the resource can do nothing about it
        let severity = if fault.kind == FaultKind::Undecided { Severity::Information } else { Severity::Warning };
        if severity < self.demands.least {
            return;
        }
        let key = &invariant.key;
        let finding = text::INVARIANT_NOT_EVALUATED.finding(severity).says(
            format!("约束 {key} 无法求值，未检查：{}", fault.zh),
            format!("constraint {key} could not be evaluated and was not checked: {}", fault.en),
        );
        match profile {
            Some(profile) => self.against(at, profile, None, finding, key),
            None => self.report(at, finding),
        }
    }

    /// Whether an expression holds for an extension where it stands; `%extension` is the extension itself.
    pub(crate) fn holds_at(&mut self, at: &Frame<'_, 't>, of: &Invariant) -> bool {
        let Some(around) = at.up else { return true };
        let Some(own) = self.type_at(at) else { return true };
        let extension = [("extension", Item::Node { node: at.node, type_id: Some(own) })];
        let Some(focus) = self.type_at(around) else { return true };
        let Ok(expression) = of.expression(self.definitions) else { return true };
        self.with_env(around, &extension, |env| {
            expression.holds(Item::Node { node: around.node, type_id: Some(focus) }, env).unwrap_or(true)
        })
    }

    /// Whether an expression, evaluated on the resource, selects the node of a frame.
    pub(crate) fn selects(&mut self, at: &Frame<'_, 't>, of: &Invariant) -> bool {
        let Ok(expression) = of.expression(self.definitions) else { return true };
        let resource = at.resource();
        self.with_env(at, &[], |env| match expression.evaluate(Item::resource(resource, env.definitions), env) {
            Ok(items) => items.iter().any(|i| match i {
                Item::Boolean(holds) => *holds,
                item => item.node().is_some_and(|n| n.id() == at.node.id()),
            }),
            Err(_) => true,
        })
    }

    fn evaluate(&mut self, at: &Frame<'_, 't>, type_id: TypeId, invariant: &Invariant, is_own: bool) -> Result<bool, Fault> {
        if self.is_spent {
            return Ok(true);
        }
        let expression = invariant.expression(self.definitions).as_ref().map_err(Clone::clone)?;
        let focus = Item::Node { node: at.node, type_id: Some(type_id) };
        // what is said of an element that holds a resource is said from outside of it
        let from = at.up.filter(|_| !is_own).unwrap_or(at);
        let verdict = self.with_env(from, &[], |env| expression.holds(focus, env));
        // one that runs into the limit is told once; the next would only take as long
        self.is_spent |= verdict.as_ref().is_err_and(|f| f.kind == FaultKind::Limit);
        verdict
    }

    fn with_env<R>(&self, at: &Frame<'_, 't>, variables: &[(&str, Item<'t>)], then: impl FnOnce(&Env<'_>) -> R) -> R {
        let frame = at.resource_frame();
        let resource = frame.node;
        let root = match frame.up {
            Some(up) if resource.key() == crate::keys::KEYS.contained => up.resource(),
            _ => resource,
        };
        let host = Here::new(self, root);
        let own = Item::resource(resource, self.definitions);
        let env = Env {
            definitions: self.definitions,
            root: if root.id() == resource.id() { own.clone() } else { Item::resource(root, self.definitions) },
            resource: own,
            host: &host,
            now: self.demands.now,
            variables,
            steps_max: STEPS_MAX,
        };
        then(&env)
    }
}

fn broken(invariant: &Invariant) -> Finding {
    let severity = if invariant.is_error { Severity::Error } else { Severity::Warning };
    let (zh, en) = invariant.words();
    let key = &invariant.key;
    let mut finding =
        text::INVARIANT.finding(severity).says(format!("不满足约束 {key}：{zh}"), format!("constraint {key} does not hold: {en}"));
    finding.rule = format!("fhir.invariant.{key}").into();
    finding
}
