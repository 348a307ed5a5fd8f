//! R4's own types, profiles and extensions, from the tables of the pack.

use super::node::Node;
use super::read::{discriminator, type_of_suffix};
use super::{
    Constraint, ContextKind, DiscriminatorKind, ElementBinding, ElementDefinition, FHIR_STRUCTURE, FHIR_VERSION, Slicing, SlicingRules,
    StructureDefinition, StructureKind, TypeRef, Value,
};
use crate::definitions::{self, Definitions, Profile, ProfileElement, Strength, TypeKind, ValueOf};
use crate::json::{self, JsonLimits};
use std::sync::Arc;

/// Types that are specialized from one another, at most.
const CHAIN_MAX: usize = 8;

impl StructureDefinition {
    /// A profile or extension of R4. Its differential is against the *type* that it constrains, whatever `base` says.
    pub fn from_pack(profile: &Profile) -> StructureDefinition {
        let (min, max, is_modifier) = profile.root();
        let root = ElementDefinition {
            min: Some(min),
            max: Some(max),
            is_modifier: Some(is_modifier),
            id: profile.type_name.to_owned(),
            path: profile.type_name.to_owned(),
            constraints: profile.invariants().filter_map(|key| constraint(key, &profile.url)).collect(),
            ..ElementDefinition::default()
        };
        let rows = profile.elements.iter().map(|row| element(*row, profile.type_name, &profile.url));
        StructureDefinition {
            url: profile.url.clone(),
            version: FHIR_VERSION.to_owned(),
            name: profile.name.to_owned(),
            title: profile.name.to_owned(),
            type_name: profile.type_name.to_owned(),
            base: profile.base.clone(),
            kind: kind_of(profile.type_name),
            is_abstract: false,
            is_constraint: true,
            contexts: profile.contexts().filter_map(|(kind, text)| Some((context(kind)?, text.to_owned()))).collect(),
            context_invariants: profile.context_invariants().map(str::to_owned).collect(),
            differential: std::iter::once(root).chain(rows).collect(),
            snapshot: Vec::new(),
        }
    }

    /// A resource or data type of R4, with its snapshot.
    pub fn from_type(name: &str) -> Option<StructureDefinition> {
        let definitions = Definitions::r4();
        let of = definitions.get(definitions.type_named(name)?);
        let tree = type_tree(name, 0)?;
        Some(StructureDefinition {
            url: format!("{FHIR_STRUCTURE}{name}"),
            version: FHIR_VERSION.to_owned(),
            name: name.to_owned(),
            title: name.to_owned(),
            type_name: name.to_owned(),
            base: of.base.map(|b| format!("{FHIR_STRUCTURE}{}", definitions.get(b).name)).unwrap_or_default(),
            kind: kind_of(name),
            is_abstract: of.is_abstract,
            is_constraint: false,
            contexts: Vec::new(),
            context_invariants: Vec::new(),
            differential: Vec::new(),
            snapshot: tree.flatten(),
        })
    }
}

fn kind_of(type_name: &str) -> StructureKind {
    let definitions = Definitions::r4();
    match definitions.type_named(type_name).map(|id| definitions.get(id).kind) {
        Some(TypeKind::Primitive(_)) => StructureKind::Primitive,
        Some(TypeKind::Resource) => StructureKind::Resource,
        Some(TypeKind::Complex | TypeKind::Backbone) => StructureKind::Complex,
        Some(TypeKind::Logical) | None => StructureKind::Logical,
    }
}

fn context(kind: &str) -> Option<ContextKind> {
    Some(match kind {
        "element" => ContextKind::Element,
        "extension" => ContextKind::Extension,
        "fhirpath" => ContextKind::FhirPath,
        _ => return None,
    })
}

/// The elements of a type, inherited ones first.
fn type_tree(name: &str, chain: usize) -> Option<Node> {
    let definitions = Definitions::r4();
    let of = definitions.get(definitions.type_named(name)?);
    if chain > CHAIN_MAX {
        return None;
    }
    let url = format!("{FHIR_STRUCTURE}{name}");
    let mut root = Node::new(
        name,
        ElementDefinition {
            min: Some(0),
            max: Some(u32::MAX),
            constraints: of.invariants.split(',').filter_map(|key| constraint(key, &url)).collect(),
            ..ElementDefinition::default()
        },
    );
    if let Some(base) = of.base {
        root.children = type_tree(definitions.get(base).name, chain + 1).map(|base| base.children).unwrap_or_default();
    }
    for row in definitions.type_elements(name) {
        let mut at = &mut root;
        let (parents, last) = row.path().rsplit_once('.').map_or((None, row.path()), |(p, last)| (Some(p), last));
        for parent in parents.into_iter().flat_map(|p| p.split('.')) {
            let Some(found) = at.children.iter().position(|c| c.name == parent) else { break };
            at = at.children.get_mut(found)?;
        }
        if at.children.is_empty() {
            // a backbone element begins with what every such element has
            let code = at.def.types.first().map(|t| t.code.clone());
            at.children = code.and_then(|code| type_tree(&code, chain + 1)).map(|t| t.children).unwrap_or_default();
        }
        let node = Node::new(last, element(row, name, &url));
        match at.children.iter_mut().find(|c| c.name == last) {
            Some(inherited) => *inherited = node,
            None => at.children.push(node),
        }
    }
    // data types with elements say that extensions are told apart by URL, others leave it to their profiles
    slice_extensions(
        &mut root,
        (kind_of(name) == StructureKind::Complex)
            .then(|| Slicing {
                rules: SlicingRules::Open,
                is_ordered: false,
                discriminators: vec![(DiscriminatorKind::Value, "url".to_owned())],
            })
            .as_ref(),
    );
    Some(root)
}

fn slice_extensions(node: &mut Node, slicing: Option<&Slicing>) {
    for child in &mut node.children {
        if child.name == "extension" {
            child.def.slicing = slicing.cloned();
        }
        slice_extensions(child, slicing);
    }
}

/// One row. `type_name` is what its path is below.
fn element(row: ProfileElement, type_name: &str, url: &str) -> ElementDefinition {
    let id = format!("{type_name}.{}", row.path());
    let types: Vec<TypeRef> =
        row.types().map(|(code, profiles, targets)| TypeRef { code: code.to_owned(), profiles, targets, ..TypeRef::default() }).collect();
    let of_type = constraints_of_types(&types, type_name, row.path());
    ElementDefinition {
        path: id.split('.').map(|part| part.split(':').next().unwrap_or(part)).collect::<Vec<_>>().join("."),
        slice_name: row.slice().map(str::to_owned),
        min: Some(row.min()),
        max: Some(row.max()),
        content_reference: row.content_reference().map(|path| format!("#{type_name}.{path}")),
        fixed: row.fixed().and_then(value),
        pattern: row.pattern().and_then(value),
        min_value: row.least().and_then(value),
        max_value: row.greatest().and_then(value),
        max_length: row.max_length(),
        binding: row.binding().map(|(letter, value_set)| ElementBinding {
            strength: match letter {
                'r' => Strength::Required,
                'e' => Strength::Extensible,
                'p' => Strength::Preferred,
                _ => Strength::Example,
            },
            value_set: Some(value_set),
            max_value_set: row.max_value_set(),
        }),
        constraints: of_type.iter().copied().chain(row.invariants()).filter_map(|key| constraint(key, url)).collect(),
        slicing: row.slicing().map(slicing),
        must_support: Some(row.is_must_support()),
        is_modifier: Some(row.is_modifier()),
        types,
        id,
    }
}

/// Snapshots of R4 repeat ele-1 on every element that is one, and ext-1 on extensions; rows leave them out.
fn constraints_of_types(types: &[TypeRef], type_name: &str, path: &str) -> &'static [&'static str] {
    let definitions = Definitions::r4();
    let (parent, last) = path.rsplit_once('.').unwrap_or((type_name, path));
    let parent = parent.rsplit('.').next().unwrap_or(parent).to_ascii_lowercase();
    // attributes of XML, not elements
    let is_plain = match last {
        "id" => true,
        "url" => parent.starts_with("extension") || parent.starts_with("modifierextension"),
        "value" => kind_of(type_name) == StructureKind::Primitive,
        _ => false,
    };
    let is_resource = |t: &TypeRef| definitions.type_named(&t.code).is_some_and(|id| definitions.get(id).kind == TypeKind::Resource);
    if is_plain || types.iter().any(is_resource) {
        &[]
    } else if types.iter().any(|t| t.code == "Extension") && types.len() == 1 {
        &["ele-1", "ext-1"]
    } else {
        &["ele-1"]
    }
}

fn constraint(key: &str, url: &str) -> Option<Arc<Constraint>> {
    let of = Definitions::r4().invariant(key)?;
    let source = match key.split('-').next() {
        Some("dom") => "DomainResource",
        Some("ele") => "Element",
        Some("ext") => "Extension",
        _ => "",
    };
    Some(Arc::new(Constraint {
        // `dom-3~2` is a second wording
        key: key.split('~').next().unwrap_or(key).to_owned(),
        is_error: of.is_error,
        expression: of.expression.to_owned(),
        human: of.human.to_owned(),
        source: if source.is_empty() { url.to_owned() } else { format!("{FHIR_STRUCTURE}{source}") },
    }))
}

fn value(of: ValueOf) -> Option<Value> {
    let text = format!("{{\"value\":{}}}", of.json);
    let (tree, _) = json::parse(text.as_bytes(), &JsonLimits::default()).ok()?;
    let node = tree.root().children().next()?.id();
    Some(Value { type_name: type_of_suffix(of.type_name), tree: Arc::new(tree), node })
}

fn slicing(of: definitions::Slicing) -> Slicing {
    Slicing {
        rules: match of.rules {
            "closed" => SlicingRules::Closed,
            "openAtEnd" => SlicingRules::OpenAtEnd,
            _ => SlicingRules::Open,
        },
        is_ordered: of.is_ordered,
        discriminators: of.discriminators.iter().filter_map(|(kind, path)| Some((discriminator(kind)?, (*path).to_owned()))).collect(),
    }
}
