//! StructureDefinitions: what a type, profile or extension says of its elements, as a model that the snapshot generator
//! and the validator read (R4 StructureDefinition, ElementDefinition).
//!
//! The same model holds R4's own profiles (from the pack) and those loaded at run time.

mod merge;
mod narrow;
mod node;
mod pack;
mod read;
mod registry;
mod snapshot;

pub use registry::Structures;

use crate::tree::{NodeId, NodeRef, Tree};
use std::sync::Arc;

/// Canonical URLs of R4's own definitions begin with this.
pub const FHIR_STRUCTURE: &str = "http://hl7.org/fhir/StructureDefinition/";
/// The version of R4's own definitions.
pub const FHIR_VERSION: &str = "4.0.1";

/// Limits of definitions: they come from packages and from callers of the API.
#[derive(Clone, Copy, Debug)]
pub struct StructureLimits {
    /// Elements of one differential or snapshot.
    pub elements_max: usize,
    /// Names in a path.
    pub depth_max: usize,
    /// Definitions derived from one another, or walked into from one another.
    pub chain_max: usize,
    /// Definitions in one registry.
    pub structures_max: usize,
}

impl Default for StructureLimits {
    fn default() -> Self {
        StructureLimits { elements_max: 10_000, depth_max: 32, chain_max: 32, structures_max: 20_000 }
    }
}

/// A value inside a definition: fixed, pattern, least or greatest.
#[derive(Clone)]
pub struct Value {
    /// FHIR type, e.g. `CodeableConcept`, `uri`.
    pub type_name: String,
    pub tree: Arc<Tree>,
    pub node: NodeId,
}

impl Value {
    pub fn get(&self) -> NodeRef<'_> {
        self.tree.node(self.node)
    }
}

/// What a StructureDefinition describes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StructureKind {
    Primitive,
    Complex,
    Resource,
    Logical,
}

/// Where an extension may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContextKind {
    Element,
    Extension,
    FhirPath,
}

/// A StructureDefinition.
#[derive(Clone)]
pub struct StructureDefinition {
    /// Canonical URL without version.
    pub url: String,
    pub version: String,
    pub name: String,
    pub title: String,
    /// The type that it defines or constrains.
    pub type_name: String,
    /// Canonical URL of what it is derived from; empty for a root.
    pub base: String,
    pub kind: StructureKind,
    pub is_abstract: bool,
    /// Constrains a type; otherwise defines one.
    pub is_constraint: bool,
    pub contexts: Vec<(ContextKind, String)>,
    /// FHIRPath expressions that must hold where an extension stands.
    pub context_invariants: Vec<String>,
    pub differential: Vec<ElementDefinition>,
    /// As delivered; empty where there is none, until one is generated.
    pub snapshot: Vec<ElementDefinition>,
}

/// One element; in a differential `None` and empty mean "as in the base".
#[derive(Clone, Default)]
pub struct ElementDefinition {
    /// Path with slice names: `Observation.component:systolic.value[x]`.
    pub id: String,
    /// Path without slice names: `Observation.component.value[x]`.
    pub path: String,
    pub slice_name: Option<String>,
    pub min: Option<u32>,
    /// `u32::MAX` is `*`.
    pub max: Option<u32>,
    pub types: Vec<TypeRef>,
    /// `#Observation.referenceRange`
    pub content_reference: Option<String>,
    pub fixed: Option<Value>,
    pub pattern: Option<Value>,
    pub min_value: Option<Value>,
    pub max_value: Option<Value>,
    pub max_length: Option<u32>,
    pub binding: Option<ElementBinding>,
    /// Shared: every element of a snapshot repeats those of its type.
    pub constraints: Vec<Arc<Constraint>>,
    pub slicing: Option<Slicing>,
    pub must_support: Option<bool>,
    pub is_modifier: Option<bool>,
}

/// A type that an element may have.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct TypeRef {
    /// `Reference`, `CodeableConcept`; primitive `id` and `url` also for what R4 writes as a System type.
    pub code: String,
    /// Canonicals of profiles on the type.
    pub profiles: Vec<String>,
    /// Canonicals of resources or profiles that a Reference or canonical may point to.
    pub targets: Vec<String>,
    /// `contained referenced bundled`
    pub aggregation: Vec<String>,
    /// `either independent specific`
    pub versioning: Option<String>,
}

/// A bound value set.
#[derive(Clone)]
pub struct ElementBinding {
    pub strength: crate::definitions::Strength,
    pub value_set: Option<String>,
    /// Extension `elementdefinition-maxValueSet`.
    pub max_value_set: Option<String>,
}

/// An invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Constraint {
    pub key: String,
    pub is_error: bool,
    /// FHIRPath; some definitions have none.
    pub expression: String,
    pub human: String,
    /// Where it was stated first.
    pub source: String,
}

/// How a discriminator looks at its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiscriminatorKind {
    Value,
    Pattern,
    Exists,
    Type,
    Profile,
}

/// Which elements may stand beside the slices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlicingRules {
    Open,
    OpenAtEnd,
    Closed,
}

/// How repeats of an element are told apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slicing {
    pub rules: SlicingRules,
    pub is_ordered: bool,
    pub discriminators: Vec<(DiscriminatorKind, String)>,
}

impl StructureDefinition {
    /// `url|version`, or the URL alone where there is no version.
    pub fn canonical(&self) -> String {
        if self.version.is_empty() { self.url.clone() } else { format!("{}|{}", self.url, self.version) }
    }
}

#[cfg(test)]
mod tests;
