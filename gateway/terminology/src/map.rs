//! ConceptMaps (R4 §4.9): what they say, in a form that can be asked in both directions.

use crate::hash::FastMap;
use crate::load::{all, owned};
use crate::text;
use hutong_fhir::{Finding, NodeRef};

/// How a target relates to its source (R4 `concept-map-equivalence`): "the target is … the source".
pub(crate) const EQUIVALENCES: [&str; 10] =
    ["relatedto", "equivalent", "equal", "wider", "subsumes", "narrower", "specializes", "inexact", "unmatched", "disjoint"];

/// Seen from the other side.
pub(crate) fn reversed(equivalence: &'static str) -> &'static str {
    match equivalence {
        "wider" => "narrower",
        "narrower" => "wider",
        "subsumes" => "specializes",
        "specializes" => "subsumes",
        same => same,
    }
}

/// Whether such a match is a translation.
pub(crate) fn is_match(equivalence: &str) -> bool {
    !matches!(equivalence, "unmatched" | "disjoint")
}

pub(crate) struct ConceptMap {
    pub(crate) url: String,
    pub(crate) version: String,
    /// Canonicals of the value sets; may be empty.
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) groups: Vec<Group>,
}

pub(crate) struct Group {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) target_version: String,
    pub(crate) elements: Vec<Element>,
    pub(crate) unmapped: Option<Unmapped>,
    by_code: FastMap<String, Vec<u32>>,
    /// (element, target) by target code.
    by_target: FastMap<String, Vec<(u32, u32)>>,
}

pub(crate) struct Element {
    pub(crate) code: String,
    pub(crate) display: String,
    pub(crate) targets: Vec<Target>,
}

pub(crate) struct Target {
    /// Empty where there is none (`unmatched`).
    pub(crate) code: String,
    pub(crate) display: String,
    pub(crate) equivalence: &'static str,
    pub(crate) depends_on: Vec<Other>,
    pub(crate) product: Vec<Other>,
}

/// A value of another element, on which a translation depends or which it gives.
pub(crate) struct Other {
    pub(crate) property: String,
    pub(crate) system: String,
    pub(crate) value: String,
    pub(crate) display: String,
}

/// What to do with codes that have no element.
pub(crate) enum Unmapped {
    /// The code as it is.
    Provided,
    Fixed {
        code: String,
        display: String,
    },
    /// Ask that map.
    OtherMap(String),
}

impl Group {
    pub(crate) fn elements_of(&self, code: &str) -> impl Iterator<Item = &Element> {
        self.by_code.get(code).into_iter().flatten().filter_map(|i| self.elements.get(*i as usize))
    }

    pub(crate) fn targets_of(&self, code: &str) -> impl Iterator<Item = (&Element, &Target)> {
        self.by_target.get(code).into_iter().flatten().filter_map(|(e, t)| {
            let element = self.elements.get(*e as usize)?;
            Some((element, element.targets.get(*t as usize)?))
        })
    }
}

/// Reads a ConceptMap.
pub(crate) fn read(of: NodeRef<'_>) -> Result<ConceptMap, Finding> {
    let either = |a: &str, b: &str| of.at(a).or_else(|| of.at(b)).unwrap_or("").to_owned();
    let groups = all(of, "group").map(group).collect::<Result<Vec<_>, Finding>>()?;
    Ok(ConceptMap {
        url: owned(of, "url"),
        version: owned(of, "version"),
        source: either("sourceUri", "sourceCanonical"),
        target: either("targetUri", "targetCanonical"),
        groups,
    })
}

fn group(of: NodeRef<'_>) -> Result<Group, Finding> {
    let mut out = Group {
        source: owned(of, "source"),
        target: owned(of, "target"),
        target_version: owned(of, "targetVersion"),
        elements: Vec::new(),
        unmapped: None,
        by_code: FastMap::default(),
        by_target: FastMap::default(),
    };
    for element in all(of, "element") {
        let mut targets = Vec::new();
        for target in all(element, "target") {
            let equivalence = target.at("equivalence").and_then(|e| EQUIVALENCES.iter().find(|known| **known == e));
            targets.push(Target {
                code: owned(target, "code"),
                display: owned(target, "display"),
                equivalence: equivalence.ok_or_else(|| text::missing("ConceptMap", "group.element.target.equivalence"))?,
                depends_on: all(target, "dependsOn").map(other).collect(),
                product: all(target, "product").map(other).collect(),
            });
        }
        let at = out.elements.len() as u32;
        for (i, target) in targets.iter().enumerate().filter(|(_, t)| !t.code.is_empty()) {
            out.by_target.entry(target.code.clone()).or_default().push((at, i as u32));
        }
        let code = owned(element, "code");
        out.by_code.entry(code.clone()).or_default().push(at);
        out.elements.push(Element { code, display: owned(element, "display"), targets });
    }
    if let Some(unmapped) = of.get("unmapped") {
        out.unmapped = Some(match unmapped.at("mode") {
            Some("provided") => Unmapped::Provided,
            Some("fixed") => Unmapped::Fixed { code: owned(unmapped, "code"), display: owned(unmapped, "display") },
            Some("other-map") => Unmapped::OtherMap(owned(unmapped, "url")),
            _ => return Err(text::missing("ConceptMap", "group.unmapped.mode")),
        });
    }
    Ok(out)
}

fn other(of: NodeRef<'_>) -> Other {
    Other { property: owned(of, "property"), system: owned(of, "system"), value: owned(of, "value"), display: owned(of, "display") }
}
