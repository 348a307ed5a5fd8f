//! ConceptMap `$translate` (R4 §4.9.17.1): a code in another system.

use super::{Coded, Input, Output};
use crate::map::{self, ConceptMap, Element, Group, Other, Target, Unmapped, is_match, reversed};
use crate::{Terminology, text};
use hutong_fhir::Finding;
use hutong_fhir::tree::Tree;
use std::sync::Arc;

const KNOWN: [&str; 16] = [
    "url",
    "conceptMap",
    "conceptMapVersion",
    "code",
    "system",
    "version",
    "source",
    "coding",
    "codeableConcept",
    "target",
    "targetsystem",
    "targetSystem",
    "dependency",
    "reverse",
    "display",
    "date",
];

/// Maps that send on to other maps.
const OTHER_MAPS_MAX: usize = 8;

/// Matches of one answer.
const MATCHES_MAX: usize = 1000;

/// What is asked of every map.
struct Question<'t> {
    reverse: bool,
    target_system: Option<&'t str>,
    /// (element, system, value)
    dependencies: Vec<(&'t str, &'t str, &'t str)>,
}

struct Match {
    equivalence: &'static str,
    system: String,
    version: String,
    code: String,
    display: String,
    product: Vec<(String, String, String, String)>,
    source: String,
}

impl Terminology {
    /// ConceptMap `$translate`, forward and (`reverse`) backward. Codes without an entry are dealt with as the map's
    /// `unmapped` says: `provided` gives the same code as `equal`, `fixed` its code as `relatedto`.
    pub fn translate(&self, parameters: &Tree) -> Result<Tree, Finding> {
        let input = Input::of(parameters, &KNOWN)?;
        let codings = input.codings("system", "version")?;
        let question = Question {
            reverse: input.flag("reverse")?.unwrap_or(false),
            target_system: input.value("targetsystem").or_else(|| input.value("targetSystem")),
            dependencies: dependencies(&input),
        };
        let maps = self.maps_for(&input, &question, &codings)?;
        let mut matches: Vec<Match> = Vec::new();
        for map in &maps {
            for coded in &codings {
                self.ask(map, coded, &question, &mut Vec::new(), &mut matches)?;
            }
        }
        Ok(answer(&matches, question.reverse))
    }

    fn maps_for(&self, input: &Input<'_>, question: &Question<'_>, codings: &[Coded<'_>]) -> Result<Vec<Arc<ConceptMap>>, Finding> {
        if let Some(resource) = input.resource("conceptMap") {
            return Ok(vec![Arc::new(map::read(resource)?)]);
        }
        if let Some(url) = input.value("url") {
            let map = self.map(url, input.value("conceptMapVersion")).ok_or_else(|| text::unknown_map(url))?;
            return Ok(vec![Arc::clone(map)]);
        }
        let (source, target) = (input.value("source"), input.value("target"));
        if source.is_none() && target.is_none() && question.target_system.is_none() {
            return Err(text::missing_parameter("url | conceptMap | target | targetsystem"));
        }
        let (from, to) = if question.reverse { (target, source) } else { (source, target) };
        let fits = |asked: Option<&str>, of: &str| asked.is_none_or(|a| crate::split(a).0 == crate::split(of).0);
        let has_system = |map: &ConceptMap| {
            map.groups.iter().any(|g| {
                let (here, there) = if question.reverse { (&g.target, &g.source) } else { (&g.source, &g.target) };
                let asked = codings.iter().any(|c| c.system.is_none_or(|s| self.is_same_system(s, here)));
                asked && question.target_system.is_none_or(|s| self.is_same_system(s, there))
            })
        };
        let found: Vec<Arc<ConceptMap>> =
            self.maps().filter(|m| fits(from, &m.source) && fits(to, &m.target) && has_system(m)).cloned().collect();
        if found.is_empty() { Err(text::unknown_map("")) } else { Ok(found) }
    }

    fn is_same_system(&self, a: &str, b: &str) -> bool {
        self.canonical(a) == self.canonical(b)
    }

    /// `open`: the maps that sent on to this one.
    fn ask<'m>(
        &'m self,
        map: &'m ConceptMap,
        coded: &Coded<'_>,
        question: &Question<'_>,
        open: &mut Vec<&'m str>,
        out: &mut Vec<Match>,
    ) -> Result<(), Finding> {
        if open.len() > OTHER_MAPS_MAX || open.contains(&map.url.as_str()) {
            return Err(text::map_circle());
        }
        open.push(&map.url);
        for group in &map.groups {
            let (from, to) = if question.reverse { (&group.target, &group.source) } else { (&group.source, &group.target) };
            let fits = coded.system.is_none_or(|s| from.is_empty() || self.is_same_system(s, from))
                && question.target_system.is_none_or(|s| to.is_empty() || self.is_same_system(s, to));
            if !fits {
                continue;
            }
            if question.reverse {
                out.extend(group.targets_of(coded.code).map(|(element, target)| backward(map, group, element, target)));
            } else {
                self.forward(map, group, coded, question, open, out)?;
            }
            if out.len() > MATCHES_MAX {
                return Err(text::too_costly(MATCHES_MAX));
            }
        }
        open.pop();
        Ok(())
    }

    fn forward<'m>(
        &'m self,
        map: &'m ConceptMap,
        group: &'m Group,
        coded: &Coded<'_>,
        question: &Question<'_>,
        open: &mut Vec<&'m str>,
        out: &mut Vec<Match>,
    ) -> Result<(), Finding> {
        let mut elements = group.elements_of(coded.code).peekable();
        if elements.peek().is_some() {
            let targets = elements.flat_map(|e| &e.targets).filter(|t| t.depends_on.iter().all(|o| question.holds(o)));
            out.extend(targets.map(|target| match_of(map, group, target)));
            return Ok(());
        }
        let plain = |equivalence, code: &str, display: &str| Match {
            equivalence,
            system: group.target.clone(),
            version: group.target_version.clone(),
            code: code.to_owned(),
            display: display.to_owned(),
            product: Vec::new(),
            source: map.url.clone(),
        };
        match &group.unmapped {
            None => {}
            Some(Unmapped::Provided) => out.push(plain("equal", coded.code, coded.display.unwrap_or(""))),
            Some(Unmapped::Fixed { code, display }) => out.push(plain("relatedto", code, display)),
            Some(Unmapped::OtherMap(url)) => {
                let other = self.map(url, None).ok_or_else(|| text::unknown_map(url))?;
                self.ask(other, coded, question, open, out)?;
            }
        }
        Ok(())
    }
}

impl Question<'_> {
    /// Whether a dependency of a target is among those that were given.
    fn holds(&self, on: &Other) -> bool {
        self.dependencies.iter().any(|(element, system, value)| {
            *element == on.property && *value == on.value && (on.system.is_empty() || system.is_empty() || *system == on.system)
        })
    }
}

/// `dependency` with parts `element` and `concept` (a CodeableConcept; also a Coding or a plain value).
fn dependencies<'t>(input: &Input<'t>) -> Vec<(&'t str, &'t str, &'t str)> {
    let mut out = Vec::new();
    for dependency in input.each("dependency") {
        let part = |name: &str| dependency.children().filter(|c| c.name() == "part").find(|p| p.at("name") == Some(name));
        let value = |name: &str| part(name).and_then(super::value_of);
        let Some(element) = value("element").and_then(|v| v.value()) else { continue };
        let Some(concept) = value("concept") else { continue };
        if let Some(plain) = concept.value() {
            out.push((element, "", plain));
        }
        let codings = concept.children().filter(|c| c.name() == "coding").filter_map(Coded::of);
        for coded in codings.chain(Coded::of(concept)) {
            out.push((element, coded.system.unwrap_or(""), coded.code));
        }
    }
    out
}

fn match_of(map: &ConceptMap, group: &Group, target: &Target) -> Match {
    let product = |o: &Other| (o.property.clone(), o.system.clone(), o.value.clone(), o.display.clone());
    Match {
        equivalence: target.equivalence,
        system: group.target.clone(),
        version: group.target_version.clone(),
        code: target.code.clone(),
        display: target.display.clone(),
        product: target.product.iter().map(product).collect(),
        source: map.url.clone(),
    }
}

fn backward(map: &ConceptMap, group: &Group, element: &Element, target: &Target) -> Match {
    Match {
        equivalence: reversed(target.equivalence),
        system: group.source.clone(),
        version: String::new(),
        code: element.code.clone(),
        display: element.display.clone(),
        product: Vec::new(),
        source: map.url.clone(),
    }
}

fn answer(matches: &[Match], reverse: bool) -> Tree {
    let mut out = Output::parameters();
    let result = matches.iter().any(|m| is_match(m.equivalence));
    let id = out.parameter("result");
    out.bool(id, "valueBoolean", result);
    if !result {
        out.say("message", "valueString", text::no_translation(reverse));
    }
    for m in matches {
        let id = out.parameter("match");
        let part = out.part(id, "equivalence");
        out.text(part, "valueCode", m.equivalence);
        if !m.code.is_empty() {
            let part = out.part(id, "concept");
            let parts = [("system", m.system.as_str()), ("version", &m.version), ("code", &m.code), ("display", &m.display)];
            out.coding(part, "valueCoding", parts);
        }
        for (property, system, value, display) in &m.product {
            let product = out.part(id, "product");
            let part = out.part(product, "element");
            out.text(part, "valueUri", property);
            let part = out.part(product, "concept");
            out.coding(part, "valueCoding", [("system", system.as_str()), ("version", ""), ("code", value), ("display", display)]);
        }
        if !m.source.is_empty() {
            let part = out.part(id, "source");
            out.text(part, "valueUri", &m.source);
        }
    }
    out.tree
}
