//! `$validate-code` of CodeSystem (R4 §4.8.17.2) and ValueSet (§4.9.18.2).

use super::codes::{Concept, Languages};
use super::{Coded, Input, Output};
use crate::compile::{Compiled, Membership, Select};
use crate::system::System;
use crate::{Terminology, load, text};
use hutong_fhir::Finding;
use hutong_fhir::tree::Tree;
use std::sync::Arc;

const OF_SYSTEM: [&str; 10] =
    ["url", "codeSystem", "code", "version", "display", "coding", "codeableConcept", "date", "abstract", "displayLanguage"];

const OF_SET: [&str; 19] = [
    "url",
    "context",
    "valueSet",
    "valueSetVersion",
    "code",
    "system",
    "systemVersion",
    "display",
    "coding",
    "codeableConcept",
    "date",
    "abstract",
    "displayLanguage",
    "inferSystem",
    "activeOnly",
    "system-version",
    "force-system-version",
    "check-system-version",
    "exclude-system",
];

/// What is found about one code.
struct Verdict<'a> {
    /// Chinese and English; `None` where all is well.
    fault: Option<(String, String)>,
    concept: Concept<'a>,
    system: &'a str,
}

struct Demands<'a> {
    languages: Languages<'a>,
    allows_abstract: bool,
    active_only: bool,
}

impl Terminology {
    /// CodeSystem `$validate-code`: `url` or `codeSystem` names the system.
    pub fn validate_code_in_system(&self, parameters: &Tree) -> Result<Tree, Finding> {
        let input = Input::of(parameters, &OF_SYSTEM)?;
        let inline = input.resource("codeSystem").map(load::code_system).transpose()?.map(Arc::new);
        let url = input.value("url").or(inline.as_ref().map(|s| s.url.as_str()));
        let demands = demands(&input)?;
        let codings = input.codings("url", "version")?;
        let mut verdicts = Vec::new();
        for coded in &codings {
            let asked = url.or(coded.system).ok_or_else(|| text::missing_parameter("url | codeSystem"))?;
            if coded.system.is_some_and(|s| self.canonical(s) != self.canonical(asked)) {
                verdicts.push(Verdict { fault: Some(text::other_system()), concept: nothing(), system: asked });
                continue;
            }
            let found = inline.as_ref().or_else(|| self.system_of(self.canonical(asked), coded.version.or(input.value("version"))));
            let system = found.ok_or_else(|| text::unknown_system(asked))?;
            verdicts.push(self.in_system(system, coded, &demands));
        }
        Ok(self.answer(&verdicts, &codings, &demands))
    }

    /// ValueSet `$validate-code`: `url` or `valueSet` names the set.
    pub fn validate_code(&self, parameters: &Tree) -> Result<Tree, Finding> {
        let input = Input::of(parameters, &OF_SET)?;
        if input.value("context").is_some() {
            return Err(text::unsupported_parameter("context"));
        }
        let demands = demands(&input)?;
        let mut codings = input.codings("system", "systemVersion")?;
        let mut pins = super::expand::pins(&input)?;
        for coded in &codings {
            // where there are several versions, the coding's own counts for includes that pin none
            let system = coded.system.map(|s| self.canonical(s));
            if let (Some(system), Some(version)) = (system, coded.version)
                && self.versions_of(system).count() > 1
            {
                pins.default.push((system.to_owned(), version.to_owned()));
            }
        }
        let set = self.asked_set(&input, &pins)?;
        let infers = input.flag("inferSystem")?.unwrap_or(false);
        let mut verdicts = Vec::new();
        for coded in &mut codings {
            if coded.system.is_none() {
                if !infers {
                    return Err(text::missing_parameter("system"));
                }
                coded.system = inferred(&set, coded.code);
            }
            verdicts.push(self.in_set(&set, coded, &demands));
        }
        for (system, version) in input.pairs("check-system-version") {
            for (verdict, coded) in verdicts.iter_mut().zip(&codings) {
                let wrong = self.canonical(verdict.system) == system && coded.version.is_some_and(|v| v != version);
                if wrong && verdict.fault.is_none() {
                    verdict.fault = Some(text::other_version());
                }
            }
        }
        Ok(self.answer(&verdicts, &codings, &demands))
    }

    fn in_system<'a>(&'a self, system: &'a System, coded: &Coded<'_>, demands: &Demands<'_>) -> Verdict<'a> {
        let concept = Concept { system: Some(system), row: system.table.find(coded.code), listed: None };
        let fault = match system.has(coded.code) {
            Some(false) => Some(text::no_such_code(&system.url)),
            None => Some(text::cannot_judge(&system.url)),
            Some(true) => self.about(&concept, coded, demands),
        };
        Verdict { fault, concept, system: &system.url }
    }

    fn in_set<'a>(&'a self, set: &'a Compiled, coded: &Coded<'a>, demands: &Demands<'_>) -> Verdict<'a> {
        let Some(url) = coded.system else {
            return Verdict { fault: Some(text::not_in_set(&set.definition.url)), concept: nothing(), system: "" };
        };
        let url = self.canonical(url);
        let (own_version, listed) = set.listed(url, coded.code).unwrap_or(("", None));
        let version = coded.version.or(Some(own_version).filter(|v| !v.is_empty()));
        let system = self.system_of(url, version).or_else(|| self.system_of(url, None)).map(|s| &**s);
        let row = system.and_then(|s| s.table.find(coded.code));
        let concept = Concept { system, row, listed };
        let wrong_version = coded.version.is_some_and(|v| !own_version.is_empty() && !crate::version::begins(own_version, v));
        let fault = match set.judge(Some(url), coded.code) {
            Membership::In if wrong_version => Some(text::other_version()),
            Membership::In => self.about(&concept, coded, demands),
            _ if system.is_some_and(|s| s.has(coded.code) == Some(false)) => Some(text::no_such_code(url)),
            Membership::Out => Some(text::not_in_set(&set.definition.url)),
            Membership::UnknownCodeSystem => Some(text::cannot_judge(url)),
            Membership::UnknownValueSet => Some(text::cannot_judge_set(&set.definition.url)),
        };
        Verdict { fault, concept, system: url }
    }

    /// What else may be wrong with a code that exists.
    fn about(&self, concept: &Concept<'_>, coded: &Coded<'_>, demands: &Demands<'_>) -> Option<(String, String)> {
        if concept.is_abstract() && !demands.allows_abstract {
            return Some(text::abstract_code());
        }
        if concept.is_inactive() && demands.active_only {
            return Some(text::inactive_code());
        }
        match coded.display {
            Some(display) if !concept.is_called(self, display) => Some(text::other_display(concept.own_display().unwrap_or(""))),
            _ => None,
        }
    }

    /// One good code is enough (a CodeableConcept says one thing in several systems).
    fn answer(&self, verdicts: &[Verdict<'_>], codings: &[Coded<'_>], demands: &Demands<'_>) -> Tree {
        let good = verdicts.iter().zip(codings).find(|(v, _)| v.fault.is_none());
        let Some((verdict, coded)) = good.or_else(|| verdicts.iter().zip(codings).next()) else {
            return Output::parameters().tree;
        };
        let mut out = Output::parameters();
        let id = out.parameter("result");
        out.bool(id, "valueBoolean", good.is_some());
        if let Some((zh, en)) = &verdict.fault {
            out.say("message", "valueString", &format!("{zh} / {en}"));
        } else if verdict.concept.is_inactive() {
            let (zh, en) = text::inactive_code();
            out.say("message", "valueString", &format!("{zh} / {en}"));
        }
        out.say("display", "valueString", verdict.concept.display(self, &demands.languages).unwrap_or(""));
        out.say("code", "valueCode", coded.code);
        out.say("system", "valueUri", verdict.system);
        out.say("version", "valueString", verdict.concept.system.map_or("", |s| &s.version));
        out.tree
    }
}

/// The one system of a set in which a code is.
fn inferred<'s>(set: &'s Compiled, code: &str) -> Option<&'s str> {
    let mut systems = Vec::new();
    set.systems(&mut systems);
    systems.sort_unstable();
    systems.dedup();
    let mut with_code = systems.into_iter().filter(|s| set.judge(Some(s), code) == Membership::In);
    let one = with_code.next()?;
    with_code.next().is_none().then_some(one)
}

fn nothing() -> Concept<'static> {
    Concept { system: None, row: None, listed: None }
}

fn demands<'t>(input: &Input<'t>) -> Result<Demands<'t>, Finding> {
    Ok(Demands {
        languages: Languages::of(input.value("displayLanguage")),
        allows_abstract: input.flag("abstract")?.unwrap_or(false),
        active_only: input.flag("activeOnly")?.unwrap_or(false),
    })
}

impl Compiled {
    /// Canonical URLs of the systems whose codes the set may have.
    fn systems<'a>(&'a self, out: &mut Vec<&'a str>) {
        for rule in &self.includes {
            match &rule.own {
                Some(own) => out.push(&own.url),
                None => rule.imports.iter().flatten().for_each(|set| set.systems(out)),
            }
        }
    }

    /// What the set itself says of a code: the version of its system, and the code as it lists it.
    pub(super) fn listed(&self, system: &str, code: &str) -> Option<(&str, Option<&crate::set::Listed>)> {
        self.includes.iter().find_map(|rule| match &rule.own {
            Some(own) if own.url == system => {
                let listed = match &own.select {
                    Select::Listed(list) => Some(list.find(code)?),
                    _ => None,
                };
                Some((own.system.as_ref().map_or(own.version.as_str(), |s| &s.version), listed))
            }
            Some(_) => None,
            None => rule.imports.iter().flatten().find_map(|set| set.listed(system, code)),
        })
    }
}
