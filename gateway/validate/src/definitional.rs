//! Conformance resources by their own rules, beyond R4's invariants: what a CodeSystem says of its codes, where a
//! ValueSet and a ConceptMap take theirs from, what a SearchParameter is derived from, how a CapabilityStatement
//! describes parameters that R4 defines.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::primitive::keep;
use crate::text::Rule;
use crate::walk::{DEPTH_MAX, Walk};
use hutong_fhir::definitions::SearchParameter;
use hutong_fhir::primitive::is_absolute;
use hutong_fhir::{NodeRef, Severity};
use hutong_terminology::Membership;

const URL: Rule = Rule { id: "fhir.definition.url", issue: "invalid", hl7: 102 };
const CODE_SYSTEM: Rule = Rule { id: "fhir.definition.code_system", issue: "business-rule", hl7: 102 };
const VALUE_SET: Rule = Rule { id: "fhir.definition.value_set", issue: "invalid", hl7: 102 };
const CONCEPT_MAP: Rule = Rule { id: "fhir.definition.concept_map", issue: "code-invalid", hl7: 103 };
const SEARCH: Rule = Rule { id: "fhir.definition.search_parameter", issue: "business-rule", hl7: 102 };
const CAPABILITY: Rule = Rule { id: "fhir.definition.capability", issue: "invalid", hl7: 102 };

/// Resources that others refer to by canonical URL.
const CANONICAL: [&str; 25] = [
    "ActivityDefinition",
    "CapabilityStatement",
    "ChargeItemDefinition",
    "CodeSystem",
    "CompartmentDefinition",
    "ConceptMap",
    "EffectEvidenceSynthesis",
    "EventDefinition",
    "Evidence",
    "EvidenceVariable",
    "ExampleScenario",
    "GraphDefinition",
    "ImplementationGuide",
    "Library",
    "Measure",
    "MessageDefinition",
    "OperationDefinition",
    "PlanDefinition",
    "Questionnaire",
    "ResearchDefinition",
    "SearchParameter",
    "StructureDefinition",
    "StructureMap",
    "TerminologyCapabilities",
    "ValueSet",
];

impl<'t> Walk<'t> {
    /// After the walk over a resource: the rules of its type.
    pub(crate) fn definition(&mut self, at: &Frame<'_, 't>, name: &str) {
        if !CANONICAL.contains(&name) {
            return;
        }
        if let Some(url) = at.node.child(KEYS.url)
            && url.value().is_some_and(|u| !u.is_empty() && !is_absolute(u))
        {
            self.error(
                &self.step(at, url, 0),
                &URL,
                "规范地址（url）须为绝对 URI，如 http://… 或 urn:oid:…",
                "a canonical url must be an absolute URI such as http://… or urn:oid:…",
            );
        }
        match name {
            "CodeSystem" => self.code_system(at),
            "ValueSet" => self.value_set(at),
            "ConceptMap" => self.concept_map(at),
            "SearchParameter" => self.search_parameter(at),
            "CapabilityStatement" => self.capability(at),
            _ => {}
        }
    }

    fn code_system(&mut self, at: &Frame<'_, 't>) {
        let (content, supplements) = (at.node.at("content").unwrap_or(""), at.node.at("supplements"));
        let first = children(at.node, "concept").next();
        if supplements.is_some() != (content == "supplement") {
            self.error(
                at,
                &CODE_SYSTEM,
                "content 为 supplement 与写明 supplements 须同时成立；请改正其中之一",
                "content is 'supplement' exactly where supplements says of what; correct one of them",
            );
        }
        if let Some(concept) = first.filter(|_| content == "not-present") {
            self.error(
                &self.step(at, concept, 0),
                &CODE_SYSTEM,
                "content 为 not-present 时不能列出 concept；请改正 content，或删去概念",
                "with content 'not-present' no concepts are listed; correct content or remove the concepts",
            );
        }
        if let Some(count) = at.node.get("count").filter(|_| content == "complete") {
            let said = count.value().and_then(|c| c.parse::<usize>().ok());
            let listed = count_concepts(at.node, 0);
            if said.is_some_and(|said| said != listed) {
                self.error(
                    &self.step(at, count, 0),
                    &CODE_SYSTEM,
                    format!("content 为 complete，但列出的概念有 {listed} 个，与 count 不符；请改正"),
                    format!("content is 'complete', but {listed} concepts are listed, which is not what count says; correct it"),
                );
            }
        }
        if let Some(base) = supplements {
            self.supplement(at, base, 0);
        }
    }

    /// A supplement says more about codes that its base has.
    fn supplement(&mut self, at: &Frame<'_, 't>, base: &str, depth: u32) {
        if depth > DEPTH_MAX {
            return;
        }
        for (index, concept) in children(at.node, "concept").enumerate() {
            let frame = self.step(at, concept, index as u32);
            let (system, version) = base.split_once('|').map_or((base, None), |(s, v)| (s, Some(v)));
            if let Some(code) = concept.at("code")
                && self.knowledge.terminology.is_known_code(system, version, code) == Some(false)
            {
                let finding = CODE_SYSTEM
                    .finding(Severity::Error)
                    .says("被补充的代码系统中没有此代码；请改正代码", "the code system that is supplemented has no such code; correct it");
                self.report(&frame, keep(finding, code));
            }
            self.supplement(&frame, base, depth + 1);
        }
    }

    fn value_set(&mut self, at: &Frame<'_, 't>) {
        let Some(compose) = at.node.get("compose") else { return };
        let compose = self.step(at, compose, 0);
        for part in ["include", "exclude"] {
            for (index, include) in children(compose.node, part).enumerate() {
                let frame = self.step(&compose, include, index as u32);
                let Some(system) = include.at("system") else { continue };
                if !is_absolute(system) {
                    self.error(
                        &frame,
                        &VALUE_SET,
                        "system 须为代码系统的绝对 URI，不能是 #id 或相对地址",
                        "system must be the absolute URI of a code system, not #id or a relative address",
                    );
                }
                self.listed_codes(&frame, system);
            }
        }
    }

    /// Codes that a value set lists are codes of the system, where that is here in full.
    fn listed_codes(&mut self, at: &Frame<'_, 't>, system: &str) {
        let version = at.node.at("version");
        for (index, concept) in children(at.node, "concept").enumerate() {
            let Some(code) = concept.at("code") else { continue };
            if self.knowledge.terminology.is_known_code(system, version, code) == Some(false) {
                let finding = VALUE_SET
                    .finding(Severity::Error)
                    .says("代码系统中没有此代码；请改正代码或 system", "the code system has no such code; correct the code or the system");
                let frame = self.step(at, concept, index as u32);
                self.report(&frame, keep(finding, code));
            }
        }
    }

    fn concept_map(&mut self, at: &Frame<'_, 't>) {
        let set = |stem: &str| at.node.at(&format!("{stem}Canonical")).or_else(|| at.node.at(&format!("{stem}Uri")));
        let (sources, targets) = (set("source"), set("target"));
        for (g, group) in children(at.node, "group").enumerate() {
            let group_frame = self.step(at, group, g as u32);
            let (source, target) = (group.at("source"), group.at("target"));
            for (e, element) in children(group, "element").enumerate() {
                let frame = self.step(&group_frame, element, e as u32);
                self.mapped(&frame, sources, source);
                for (t, to) in children(element, "target").enumerate() {
                    let frame = self.step(&frame, to, t as u32);
                    self.mapped(&frame, targets, target);
                }
            }
        }
    }

    /// A code of a mapping is in the value set that the map is about.
    fn mapped(&mut self, at: &Frame<'_, 't>, set: Option<&str>, system: Option<&str>) {
        let (Some(code), Some(set), Some(system)) = (at.node.at("code"), set, system) else { return };
        let terminology = &self.knowledge.terminology;
        // a set may list codes of a system that is not here; then its list is not taken for the last word
        if terminology.is_known_code(system, None, code).is_some() && terminology.member_of(set, Some(system), code) == Membership::Out {
            let finding = CONCEPT_MAP.finding(Severity::Error).says(
                "代码不在映射所声明的值集中；请改正代码，或改正 source、target 所指的值集",
                "the code is not in the value set that the map names; correct the code or the value set",
            );
            self.report(at, keep(finding, code));
        }
    }

    fn search_parameter(&mut self, at: &Frame<'_, 't>) {
        let node = at.node;
        if node.at("type") == Some("composite") && children(node, "component").nth(1).is_none() {
            self.error(
                at,
                &SEARCH,
                "composite 类型的检索参数须有至少两个 component",
                "a search parameter of type composite has at least two components",
            );
        }
        let Some(base) = node.at("derivedFrom").and_then(|canonical| self.known_parameter(canonical)) else { return };
        let bases: Vec<&str> = base.bases().collect();
        let wide = bases.iter().any(|b| matches!(*b, "Resource" | "DomainResource"));
        if !wide && children(node, "base").filter_map(NodeRef::value).any(|b| !bases.contains(&b)) {
            self.error(
                at,
                &SEARCH,
                format!("base 中有 derivedFrom 所指参数不适用的资源类型；可用：{}", bases.join(" | ")),
                format!("base names a resource type that the parameter in derivedFrom is not for; it is for {}", bases.join(" | ")),
            );
        }
        if node.at("type").is_some_and(|t| t != base.kind) {
            self.error(
                at,
                &SEARCH,
                format!("类型须与 derivedFrom 所指的参数相同：{}", base.kind),
                format!("the type must be that of the parameter in derivedFrom, {}", base.kind),
            );
        }
    }

    /// One of R4's own search parameters.
    fn known_parameter(&self, canonical: &str) -> Option<&'static SearchParameter> {
        let id = canonical.split('|').next()?.strip_prefix("http://hl7.org/fhir/SearchParameter/")?;
        self.definitions.search_parameters().by_id(id)
    }

    fn capability(&mut self, at: &Frame<'_, 't>) {
        for (r, rest) in children(at.node, "rest").enumerate() {
            let rest_frame = self.step(at, rest, r as u32);
            for (n, resource) in children(rest, "resource").enumerate() {
                let resource_frame = self.step(&rest_frame, resource, n as u32);
                for (p, parameter) in children(resource, "searchParam").enumerate() {
                    let Some(known) = parameter.at("definition").and_then(|d| self.known_parameter(d)) else { continue };
                    if parameter.at("type").is_some_and(|t| t != known.kind) {
                        let frame = self.step(&resource_frame, parameter, p as u32);
                        self.error(
                            &frame,
                            &CAPABILITY,
                            format!("检索参数的类型与其定义不同，应为 {}", known.kind),
                            format!("the type of the search parameter is not that of its definition, {}", known.kind),
                        );
                    }
                }
            }
        }
    }
}

fn children<'t>(node: NodeRef<'t>, name: &str) -> impl Iterator<Item = NodeRef<'t>> {
    node.children().filter(move |c| c.name() == name)
}

fn count_concepts(node: NodeRef<'_>, depth: u32) -> usize {
    if depth > DEPTH_MAX {
        return 0;
    }
    children(node, "concept").map(|c| 1 + count_concepts(c, depth + 1)).sum()
}
