//! A StructureDefinition from a resource (FHIR JSON or XML), as far as the model goes.

use super::{
    Constraint, ContextKind, DiscriminatorKind, ElementBinding, ElementDefinition, Slicing, SlicingRules, StructureDefinition,
    StructureKind, StructureLimits, TypeRef, Value,
};
use crate::definitions::{Definitions, Strength, TypeKind};
use crate::finding::{Finding, Location, Severity};
use crate::tree::{NodeId, NodeRef, Tree};
use std::sync::Arc;

const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";
const PROFILE_ELEMENT: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element";
const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";
const SYSTEM: &str = "http://hl7.org/fhirpath/System.";
/// Choice elements of ElementDefinition whose values are kept.
const VALUES: [&str; 4] = ["fixed", "pattern", "minValue", "maxValue"];

impl StructureDefinition {
    /// Reads a resource of type StructureDefinition.
    ///
    /// # Errors
    /// `structure.read`: not a StructureDefinition, or `url`, `type` or `kind` is missing; `structure.limit`: too many
    /// elements.
    pub fn from_node(node: NodeRef<'_>) -> Result<StructureDefinition, Finding> {
        let text = |name: &str| node.at(name).unwrap_or_default().to_owned();
        let url = text("url");
        let fault = |zh: &str, en: &str| {
            Finding::new(Severity::Error, "structure.read", "invalid", 207)
                .says(format!("StructureDefinition {url} {zh}"), format!("StructureDefinition {url} {en}"))
        };
        if node.resource_type() != Some("StructureDefinition") {
            return Err(fault("不是 StructureDefinition 资源", "is no StructureDefinition resource"));
        }
        let kind = match node.at("kind") {
            Some("primitive-type") => StructureKind::Primitive,
            Some("complex-type") => StructureKind::Complex,
            Some("resource") => StructureKind::Resource,
            Some("logical") => StructureKind::Logical,
            _ => return Err(fault("缺少 kind 或其值无效", "has no kind, or one that R4 does not know")),
        };
        if url.is_empty() || text("type").is_empty() {
            return Err(fault("缺少 url 或 type，请补充", "has no url or no type; add it"));
        }
        let elements = |part: &str| -> Vec<NodeRef<'_>> {
            let part = node.get(part);
            part.into_iter().flat_map(|p| p.children()).filter(|c| c.name() == "element").collect()
        };
        let (differential, snapshot) = (elements("differential"), elements("snapshot"));
        let limit = StructureLimits::default().elements_max;
        if differential.len() > limit || snapshot.len() > limit {
            return Err(Finding::new(Severity::Error, "structure.limit", "too-costly", 207).says(
                format!("StructureDefinition {url} 的元素超过 {limit} 个，请拆分"),
                format!("StructureDefinition {url} has more than {limit} elements; split it"),
            ));
        }
        let mut values = Values::keep(differential.iter().chain(&snapshot));
        let mut read = |list: &[NodeRef<'_>]| list.iter().map(|e| element(*e, &url, &mut values)).collect::<Vec<_>>();
        let (differential, snapshot) = (read(&differential), read(&snapshot));
        Ok(StructureDefinition {
            version: text("version"),
            name: text("name"),
            title: text("title"),
            type_name: text("type"),
            base: text("baseDefinition"),
            kind,
            is_abstract: node.at("abstract") == Some("true"),
            is_constraint: node.at("derivation") == Some("constraint"),
            contexts: named(node, "context").filter_map(context).collect(),
            context_invariants: strings(node, "contextInvariant"),
            differential,
            snapshot,
            url,
        })
    }
}

/// The children of a name.
fn named<'t>(node: NodeRef<'t>, name: &'static str) -> impl Iterator<Item = NodeRef<'t>> {
    node.children().filter(move |c| c.name() == name)
}

fn strings(node: NodeRef<'_>, name: &'static str) -> Vec<String> {
    named(node, name).filter_map(NodeRef::value).map(str::to_owned).collect()
}

fn number(node: NodeRef<'_>, name: &str) -> Option<u32> {
    node.at(name)?.parse().ok()
}

fn context(node: NodeRef<'_>) -> Option<(ContextKind, String)> {
    let kind = match node.at("type")? {
        "element" => ContextKind::Element,
        "extension" => ContextKind::Extension,
        "fhirpath" => ContextKind::FhirPath,
        _ => return None,
    };
    Some((kind, node.at("expression")?.to_owned()))
}

/// An extension's value, whatever its type.
fn extension<'t>(node: NodeRef<'t>, url: &str) -> Option<&'t str> {
    let extension = named(node, "extension").find(|e| e.at("url") == Some(url))?;
    extension.children().find(|c| c.name().starts_with("value"))?.value()
}

/// The values of all elements of one definition in one tree, so that the definition's own need not be kept.
struct Values {
    tree: Arc<Tree>,
    nodes: std::vec::IntoIter<NodeId>,
}

impl Values {
    fn keep<'a, 't: 'a>(elements: impl Iterator<Item = &'a NodeRef<'t>>) -> Values {
        let mut tree = Tree::new();
        let mut nodes = Vec::new();
        for value in elements.flat_map(|e| e.children()).filter(|c| split_value(c.name()).is_some()) {
            let key = tree.key(value.name());
            let holder = tree.append(0, key, crate::Kind::Object, true);
            nodes.push(tree.graft(holder, key, value, false));
        }
        Values { tree: Arc::new(tree), nodes: nodes.into_iter() }
    }

    /// The next one, in the order in which they were kept.
    fn next(&mut self, type_name: &str) -> Option<Value> {
        let node = self.nodes.next()?;
        Some(Value { type_name: type_of_suffix(type_name), tree: Arc::clone(&self.tree), node })
    }
}

/// `fixedUri` as (`fixed`, `Uri`).
fn split_value(name: &str) -> Option<(&'static str, &str)> {
    let stem = VALUES.into_iter().find(|stem| name.starts_with(stem))?;
    let suffix = name.strip_prefix(stem)?;
    suffix.starts_with(|c: char| c.is_ascii_uppercase()).then_some((stem, suffix))
}

/// The type that a choice element's name ends with: `Uri` is `uri`, `CodeableConcept` stays.
pub(super) fn type_of_suffix(suffix: &str) -> String {
    let definitions = Definitions::r4();
    let mut lower = suffix.to_owned();
    if let Some(first) = lower.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    let is_primitive = definitions.type_named(&lower).is_some_and(|id| matches!(definitions.get(id).kind, TypeKind::Primitive(_)));
    if is_primitive { lower } else { suffix.to_owned() }
}

fn element(node: NodeRef<'_>, url: &str, values: &mut Values) -> ElementDefinition {
    let text = |name: &str| node.at(name).map(str::to_owned);
    let mut out = ElementDefinition {
        id: text("id").unwrap_or_default(),
        path: text("path").unwrap_or_default(),
        slice_name: text("sliceName"),
        min: number(node, "min"),
        max: node.at("max").and_then(|max| if max == "*" { Some(u32::MAX) } else { max.parse().ok() }),
        types: named(node, "type").filter_map(type_ref).collect(),
        content_reference: text("contentReference"),
        max_length: number(node, "maxLength"),
        binding: node.get("binding").and_then(binding),
        constraints: named(node, "constraint").filter_map(|c| constraint(c, url)).map(Arc::new).collect(),
        slicing: node.get("slicing").map(slicing),
        must_support: node.at("mustSupport").map(|v| v == "true"),
        is_modifier: node.at("isModifier").map(|v| v == "true"),
        ..ElementDefinition::default()
    };
    for child in node.children() {
        let Some((stem, suffix)) = split_value(child.name()) else { continue };
        let value = values.next(suffix);
        match stem {
            "fixed" => out.fixed = value,
            "pattern" => out.pattern = value,
            "minValue" => out.min_value = value,
            _ => out.max_value = value,
        }
    }
    out
}

/// A profile on a type; one element of it (section templates) is named behind `#`.
fn profile_of_type(node: NodeRef<'_>) -> Option<String> {
    let canonical = node.value()?;
    Some(match extension(node, PROFILE_ELEMENT) {
        Some(element) => format!("{canonical}#{element}"),
        None => canonical.to_owned(),
    })
}

fn type_ref(node: NodeRef<'_>) -> Option<TypeRef> {
    let code = node.get("code")?;
    let said = code.value().or_else(|| extension(code, "http://hl7.org/fhir/StructureDefinition/structuredefinition-xml-type"))?;
    let code = match said.strip_prefix(SYSTEM) {
        // R4 says the FHIR type of ids and URLs beside the System type
        Some(system) => extension(node, FHIR_TYPE).map_or_else(|| type_of_suffix(system), str::to_owned),
        None => said.to_owned(),
    };
    Some(TypeRef {
        code,
        profiles: named(node, "profile").filter_map(profile_of_type).collect(),
        targets: strings(node, "targetProfile"),
        aggregation: strings(node, "aggregation"),
        versioning: node.at("versioning").map(str::to_owned),
    })
}

fn binding(node: NodeRef<'_>) -> Option<ElementBinding> {
    let strength = match node.at("strength")? {
        "required" => Strength::Required,
        "extensible" => Strength::Extensible,
        "preferred" => Strength::Preferred,
        "example" => Strength::Example,
        _ => return None,
    };
    Some(ElementBinding {
        strength,
        value_set: node.at("valueSet").map(str::to_owned),
        max_value_set: extension(node, MAX_VALUE_SET).map(str::to_owned),
    })
}

fn constraint(node: NodeRef<'_>, url: &str) -> Option<Constraint> {
    Some(Constraint {
        key: node.at("key")?.to_owned(),
        is_error: node.at("severity") != Some("warning"),
        expression: node.at("expression").unwrap_or_default().to_owned(),
        human: node.at("human").unwrap_or_default().to_owned(),
        source: node.at("source").unwrap_or(url).to_owned(),
    })
}

fn slicing(node: NodeRef<'_>) -> Slicing {
    Slicing {
        rules: match node.at("rules") {
            Some("closed") => SlicingRules::Closed,
            Some("openAtEnd") => SlicingRules::OpenAtEnd,
            _ => SlicingRules::Open,
        },
        is_ordered: node.at("ordered") == Some("true"),
        discriminators: named(node, "discriminator")
            .filter_map(|d| Some((discriminator(d.at("type")?)?, d.at("path")?.to_owned())))
            .collect(),
    }
}

/// R4 discriminator-type.
pub(super) fn discriminator(code: &str) -> Option<DiscriminatorKind> {
    Some(match code {
        "value" => DiscriminatorKind::Value,
        "pattern" => DiscriminatorKind::Pattern,
        "exists" => DiscriminatorKind::Exists,
        "type" => DiscriminatorKind::Type,
        "profile" => DiscriminatorKind::Profile,
        _ => return None,
    })
}

/// A finding about one element of a definition.
pub(super) fn fault(rule: &'static str, url: &str, id: &str, zh: impl std::fmt::Display, en: impl std::fmt::Display) -> Finding {
    Finding::new(Severity::Error, rule, "invalid", 207)
        .at(Location::Path { expression: id.to_owned(), line: 0, column: 0 })
        .says(format!("{url} 的元素 {id}：{zh}"), format!("{url}, element {id}: {en}"))
}
