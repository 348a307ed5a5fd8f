//! Questionnaires: their own rules, and responses against the form that they answer (R4, questionnaireresponse.html;
//! the order and the leniency are those of HL7's validator).

mod answer;
mod enable;
mod form;
mod number;
mod response;

use crate::keys::KEYS;
use crate::place::Frame;
use crate::text::Rule;
use crate::walk::Walk;
use form::Form;
use hutong_fhir::{NodeRef, Severity, Tree};
use hutong_terminology::Membership;
use std::collections::HashMap;

const NOT_FOUND: Rule = Rule { id: "fhir.questionnaire.unresolved", issue: "not-found", hl7: 207 };
const AUTHORED: Rule = Rule { id: "fhir.questionnaire.period", issue: "business-rule", hl7: 207 };

/// Forms that were loaded, by canonical URL.
#[derive(Default)]
pub(crate) struct Questionnaires {
    by_url: HashMap<String, Vec<Tree>>,
}

impl Questionnaires {
    /// Keeps a Questionnaire; one without url can not be asked for.
    pub(crate) fn load(&mut self, resource: Tree) {
        if let Some(url) = resource.root().at("url") {
            self.by_url.entry(url.to_owned()).or_default().push(resource);
        }
    }

    /// By `url` or `url|version`; without version the last one loaded.
    pub(crate) fn get(&self, canonical: &str) -> Option<NodeRef<'_>> {
        let (url, version) = split_canonical(canonical);
        let mut known = self.by_url.get(url)?.iter().rev().map(Tree::root);
        known.find(|form| version.is_none() || form.at("version") == version)
    }
}

fn split_canonical(canonical: &str) -> (&str, Option<&str>) {
    canonical.split_once('|').map_or((canonical, None), |(url, version)| (url, Some(version)))
}

impl<'t> Walk<'t> {
    /// After the walk over a resource: what its type has rules for here.
    pub(crate) fn forms(&mut self, at: &Frame<'_, 't>, name: &str) {
        match name {
            "Questionnaire" => form::check(self, at),
            "QuestionnaireResponse" => self.questionnaire_response(at),
            _ => {}
        }
    }

    fn questionnaire_response(&mut self, at: &Frame<'_, 't>) {
        // without a form nothing can be said; a canonical may also be given by an extension alone
        let Some(canonical) = at.node.at("questionnaire").filter(|c| !c.is_empty()) else { return };
        let Some(root) = self.find_form(canonical) else {
            let finding = NOT_FOUND.finding(Severity::Warning).says(
                "找不到 questionnaire 所指的问卷，回答未与问卷核对；请加载该问卷",
                "the form that questionnaire points to is not known here, so the answers were not checked against it; load the Questionnaire",
            );
            return self.report(at, finding);
        };
        self.authored_in_period(at, root);
        response::check(self, at, Form::new(root));
    }

    /// The form: contained, in the Bundle around, or loaded.
    fn find_form(&mut self, canonical: &str) -> Option<NodeRef<'t>> {
        let found = match canonical.strip_prefix('#') {
            Some(id) => self.scope.resolve(id),
            None => {
                let (url, version) = split_canonical(canonical);
                let beside = self.bundle.as_ref().and_then(|b| b.form(url));
                beside.filter(|f| version.is_none() || f.at("version") == version).or_else(|| self.knowledge.questionnaires.get(canonical))
            }
        };
        found.filter(|f| f.resource_type() == Some("Questionnaire"))
    }

    fn authored_in_period(&mut self, at: &Frame<'_, 't>, form: NodeRef<'t>) {
        let (Some(authored), Some(period)) = (at.node.get("authored"), form.get("effectivePeriod")) else { return };
        let Some(time) = authored.value() else { return };
        let order = |limit: Option<&str>| limit.and_then(|l| crate::rules::compare_dates(time, l));
        let early = order(period.at("start")).is_some_and(|o| o.is_lt());
        let late = order(period.at("end")).is_some_and(|o| o.is_gt());
        if early || late {
            let finding = AUTHORED.finding(Severity::Warning).says(
                "填写时间不在问卷的有效期（effectivePeriod）内；请核对时间，或改用当时有效的问卷版本",
                "authored lies outside the effectivePeriod of the form; check the time or use the version of the form that was in force",
            );
            let place = self.step(at, authored, 0);
            self.report(&place, finding);
        }
    }

    /// Whether a code is in a value set that a form names; `None` where the set or the code system is not known here.
    fn is_in_value_set(&self, form: NodeRef<'t>, canonical: &str, system: Option<&str>, code: &str) -> Option<bool> {
        let Some(id) = canonical.strip_prefix('#') else {
            return match self.knowledge.terminology.member_of(canonical, system, code) {
                Membership::In => Some(true),
                Membership::Out => Some(false),
                Membership::UnknownCodeSystem | Membership::UnknownValueSet => None,
            };
        };
        let contained = form.all(KEYS.contained).find(|c| c.at("id") == Some(id))?;
        is_listed(contained, system, code)
    }

    /// The frame of a child, with its property by the type of what it stands in.
    pub(crate) fn step<'f>(&self, at: &'f Frame<'f, 't>, child: NodeRef<'t>, index: u32) -> Frame<'f, 't> {
        let type_id = match at.node.child(KEYS.resource_type).and_then(NodeRef::value) {
            Some(name) => self.definitions.resource_named(name),
            None => at.property.map(|p| p.type_id),
        };
        at.below(child, type_id.and_then(|id| self.definitions.property(id, child.key())), index)
    }
}

/// Whether a value set that lists its codes lists this one; `None` where it is defined in another way.
fn is_listed(set: NodeRef<'_>, system: Option<&str>, code: &str) -> Option<bool> {
    let compose = set.get("compose")?;
    if compose.get("exclude").is_some() {
        return None;
    }
    let mut found = false;
    for include in compose.children().filter(|c| c.name() == "include") {
        let mut concepts = include.children().filter(|c| c.name() == "concept").peekable();
        concepts.peek()?;
        found |= (system.is_none() || include.at("system") == system) && concepts.any(|c| c.at("code") == Some(code));
    }
    Some(found)
}

/// The value of a choice element and the type that its name says: `valueDate` is `("Date", …)`.
fn choice<'t>(node: NodeRef<'t>, stem: &str) -> Option<(&'t str, NodeRef<'t>)> {
    node.children().find_map(|c| {
        let of = c.name().strip_prefix(stem)?;
        of.starts_with(|c: char| c.is_ascii_uppercase()).then_some((of, c))
    })
}

/// The values of the extensions with that url.
fn extensions<'t>(node: NodeRef<'t>, url: &str) -> impl Iterator<Item = NodeRef<'t>> {
    let with_url = node.all(KEYS.extension).filter(move |e| e.child(KEYS.url).and_then(NodeRef::value) == Some(url));
    with_url.filter_map(|e| choice(e, "value").map(|(_, value)| value))
}

/// The value of an extension as text.
fn extension<'t>(node: NodeRef<'t>, url: &str) -> Option<&'t str> {
    extensions(node, url).find_map(NodeRef::value)
}

/// The linkId of an item of a form, short enough for a sentence.
fn link_of(item: NodeRef<'_>) -> String {
    item.at("linkId").unwrap_or("?").chars().take(64).collect()
}
