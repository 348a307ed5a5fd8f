//! Profiles: StructureDefinitions compiled to what they say beyond the type that they constrain, and the pass that
//! checks a node against one.
//!
//! The base walk has judged a node by its type before a profile is asked, so a compiled profile holds only what
//! differs: an element that says nothing new is not in it, and a pass costs what the profile adds. Names are keys,
//! references to other profiles are resolved when first used, so that profiles may refer to each other in circles.

pub(crate) mod check;
mod children;
mod coded;
mod compile;
mod condition;
mod context;
pub(crate) mod declared;
mod host;
pub(crate) mod invariant;
mod said;
mod slice;
mod source;
mod store;
mod target;
pub(crate) mod value;

#[cfg(test)]
mod tests;

pub(crate) use said::Said;
pub(crate) use store::{Link, Store};

use hutong_fhir::definitions::{Strength, TypeId};
use hutong_fhir::structure::{ContextKind, SlicingRules, Value};
use hutong_fhir::{Definitions, Key, NodeRef};
use invariant::Invariant;

/// Profiles within profiles (a type's profile, a target's profile, an extension of an extension) beyond which nothing
/// is checked.
pub(crate) const NESTING_MAX: u32 = 24;

/// A StructureDefinition, compiled.
pub(crate) struct Profile {
    /// Canonical without version.
    pub(crate) url: String,
    /// What people call it.
    pub(crate) title: String,
    pub(crate) type_id: TypeId,
    /// Its place in the store: tells profiles apart.
    pub(crate) number: u32,
    /// The first is the root.
    pub(crate) elements: Vec<Element>,
    /// Where an extension may stand; empty for other types.
    pub(crate) contexts: Vec<Context>,
    pub(crate) context_invariants: Vec<Invariant>,
    /// Whether an extension changes the meaning of what it stands on.
    pub(crate) is_modifier: bool,
    /// The urls of the parts of a complex extension.
    pub(crate) parts: Vec<String>,
}

impl Profile {
    pub(crate) fn element(&self, at: u32) -> Option<&Element> {
        self.elements.get(at as usize)
    }

    pub(crate) fn is_extension(&self, definitions: &Definitions) -> bool {
        definitions.get(self.type_id).name == "Extension"
    }
}

/// Where an extension may stand.
pub(crate) struct Context {
    pub(crate) kind: ContextKind,
    pub(crate) text: String,
    /// Of kind Element.
    pub(crate) place: Option<context::Place>,
    /// Of kind FHIRPath.
    pub(crate) expression: Option<Invariant>,
}

/// What a profile says of an element, of all its repeats or of one slice.
#[derive(Default)]
pub(crate) struct Element {
    /// Path below the type with slice names, for people: `component:systolic.value[x]`; empty at the root.
    pub(crate) path: String,
    /// `value[x]`
    pub(crate) name: String,
    /// The names under which it stands in an instance.
    pub(crate) keys: Box<[Key]>,
    /// 0 and `u32::MAX` where the type says as much.
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// `None` where every type of the base may be used without more.
    pub(crate) types: Option<Box<[TypeRule]>>,
    pub(crate) values: Box<[ValueRule]>,
    pub(crate) binding: Option<BindingRule>,
    pub(crate) invariants: Box<[Invariant]>,
    /// The children that it says something about, one a name.
    pub(crate) children: Box<[u32]>,
    pub(crate) slicing: Option<Slicing>,
    /// For a slice: what its members look like.
    pub(crate) slice: Option<Slice>,
}

/// One type that an element may have.
pub(crate) struct TypeRule {
    /// `None`: any (a resource of whatever type).
    pub(crate) type_id: Option<TypeId>,
    /// One of these must be met; none: the type is enough.
    pub(crate) profiles: Box<[Link]>,
    /// For Reference: what it may point to; none: as the type says.
    pub(crate) targets: Option<TargetRule>,
}

/// What a reference may point to, and how.
pub(crate) struct TargetRule {
    /// Types and profiles, one of which the target must meet; none: any.
    pub(crate) targets: Box<[Target]>,
    pub(crate) contained: bool,
    pub(crate) bundled: bool,
    pub(crate) referenced: bool,
    /// `Some(true)`: must name a version; `Some(false)`: must not.
    pub(crate) versioned: Option<bool>,
}

pub(crate) enum Target {
    Any,
    Type(TypeId),
    Profile(Link),
}

/// What a value must be.
pub(crate) enum ValueRule {
    /// Exactly this.
    Fixed(Value),
    /// At least this.
    Pattern(Value),
    Least(Value),
    Greatest(Value),
    /// Characters.
    MaxLength(u32),
    /// A value, not only extensions (`value` of a primitive's profile is required).
    Present,
}

pub(crate) struct BindingRule {
    pub(crate) strength: Strength,
    pub(crate) value_set: String,
    /// What codes must be in although the binding is weaker.
    pub(crate) greatest: Option<String>,
}

/// How repeats are told apart.
pub(crate) struct Slicing {
    pub(crate) rules: SlicingRules,
    pub(crate) is_ordered: bool,
    /// In the order of the profile, the default slice last.
    pub(crate) slices: Box<[u32]>,
}

pub(crate) struct Slice {
    pub(crate) name: String,
    /// All hold for a member; none: nothing is a member.
    pub(crate) conditions: Box<[Condition]>,
    /// `@default`: takes what no other slice takes.
    pub(crate) is_default: bool,
}

/// What a discriminator asks of a member of a slice.
pub(crate) struct Condition {
    pub(crate) path: Box<[Step]>,
    /// As the profile writes the path.
    pub(crate) text: String,
    pub(crate) test: Test,
}

/// One step of a discriminator's path.
#[derive(Clone)]
pub(crate) enum Step {
    Child(Box<[Key]>),
    Extension(String),
    Resolve,
    OfType(TypeId),
}

pub(crate) enum Test {
    Fixed(Value),
    Pattern(Value),
    InValueSet(String),
    Exists(bool),
    Types(Box<[TypeId]>),
    Profiles(Box<[Link]>),
    /// An extension of that url.
    Url(String),
    Any(Box<[Condition]>),
}

/// The type of a node: what its property says, or for a resource what it says itself.
pub(crate) fn type_of(definitions: &Definitions, declared: Option<TypeId>, node: NodeRef<'_>) -> Option<TypeId> {
    let is_resource = declared.is_none_or(|id| {
        let of = definitions.get(id);
        of.kind == hutong_fhir::definitions::TypeKind::Resource
    });
    if !is_resource {
        return declared;
    }
    let name = node.child(crate::keys::KEYS.resource_type).and_then(NodeRef::value)?;
    definitions.resource_named(name)
}
