//! What FHIR R4 4.0.1 defines, as tables: types, their elements, required code sets; on request search parameters,
//! invariants, profiles and terminology.
//!
//! The tables are the text files of `profiles/r4/` (see its README), part of the program. [`Definitions::r4`] reads
//! those that every resource needs in a few milliseconds; the others are read when they are first asked for.
//!
//! Every complex element is a [`Type`]: resources, data types, and each backbone element (`Patient.contact`). The
//! children of a node are found by [`Definitions::property`] with the number of their name, without a comparison of
//! text.

mod codes;
mod load;
mod profile;
mod search;
mod terminology;

pub use codes::{CodeSet, CodeSetId, Form};
pub use profile::{Invariant, Profile, ProfileElement, Profiles, Slicing, ValueOf};
pub use search::{SearchParameter, SearchParameters};
pub use terminology::{CodeSystem, CodeSystems, Concept, Include, ValueSet, ValueSets};

use crate::names::Key;
use crate::primitive::Primitive;
use std::sync::LazyLock;

/// Number of a type.
#[derive(Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TypeId(u16);

impl TypeId {
    /// For tables beside the types.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Number of an element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ElementId(u16);

impl ElementId {
    /// For tables beside the elements.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a type is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeKind {
    Resource,
    /// A data type with elements.
    Complex,
    /// An element with elements of its own, defined inside a resource or data type.
    Backbone,
    Primitive(Primitive),
    /// Not for instances (`MetadataResource`).
    Logical,
}

/// A resource, a data type or a backbone element.
pub struct Type {
    /// `Patient`, `HumanName`; for a backbone element the type in which it is defined.
    pub name: &'static str,
    /// Path of a backbone element below `name` (`contact`), otherwise empty.
    pub path: &'static str,
    pub kind: TypeKind,
    /// The type that this one specializes.
    pub base: Option<TypeId>,
    pub is_abstract: bool,
    /// Keys of the invariants of the type as a whole, separated by commas.
    pub invariants: &'static str,
    /// Bits by [`Element::place`] of the elements that must be there.
    pub required: u128,
    elements: (u16, u16),
    slots: u32,
    mask: u16,
}

/// An element of a type.
pub struct Element {
    /// Its name; of a choice element the part before `[x]`.
    pub key: Key,
    /// Path below [`Type::name`], e.g. `component.value[x]`.
    pub path: &'static str,
    pub min: u8,
    /// `u32::MAX` is `*`.
    pub max: u32,
    pub is_choice: bool,
    pub is_modifier: bool,
    pub is_summary: bool,
    pub binding: Option<Binding>,
    /// Keys of invariants beyond those of its type, separated by commas.
    pub invariants: &'static str,
    /// Takes its content from another element of the same type.
    pub is_reference: bool,
    properties: (u16, u16),
    /// Place among the elements of its type.
    pub place: u8,
}

impl Element {
    /// Whether JSON writes it as an array.
    pub fn is_list(&self) -> bool {
        self.max > 1
    }

    /// Its name as the specification writes it, e.g. `value[x]`.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

/// An element under one concrete name: `status`, or `valueQuantity` for one type of the choice `value[x]`.
pub struct Property {
    pub key: Key,
    pub element: ElementId,
    pub type_id: TypeId,
    /// Which resource types a Reference or canonical may point to.
    pub targets: TargetsId,
    /// The profile on the type where one is named (`SimpleQuantity`), otherwise empty.
    pub profile: &'static str,
}

/// How strictly codes are bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strength {
    Required,
    Extensible,
    Preferred,
    Example,
}

/// The value set of a coded element.
#[derive(Clone, Copy)]
pub struct Binding {
    pub strength: Strength,
    /// As the pack writes it; see [`Binding::canonical`].
    value_set: &'static str,
    /// What a code must be in, where the binding is required or has a greatest value set.
    pub must_be_in: Option<CodeSetId>,
}

impl Binding {
    /// Canonical URL of the value set.
    pub fn canonical(&self) -> String {
        codes::full_value_set(self.value_set)
    }
}

/// Number of a set of target types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TargetsId(u16);

/// All tables.
pub struct Definitions {
    types: Vec<Type>,
    elements: Vec<Element>,
    properties: Vec<Property>,
    /// Hash tables of all types, one behind the other: property + 1, 0 = free.
    slots: Vec<u16>,
    /// Hash table of the names of resources and data types: type + 1, 0 = free.
    names: Vec<u16>,
    /// Resource types by set; the first set is "any".
    targets: Vec<Vec<TypeId>>,
    codes: codes::CodeSets,
}

static R4: LazyLock<Definitions> = LazyLock::new(load::load);

impl Definitions {
    /// FHIR R4 4.0.1.
    pub fn r4() -> &'static Definitions {
        &R4
    }

    /// The resource or data type of that name.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        let mask = self.names.len().checked_sub(1)?;
        let mut at = crate::names::hash(name) & mask;
        loop {
            let n = *self.names.get(at)?;
            if n == 0 {
                return None;
            }
            if self.types[n as usize - 1].name == name {
                return Some(TypeId(n - 1));
            }
            at = (at + 1) & mask;
        }
    }

    /// The resource type of that name that instances may have.
    pub fn resource_named(&self, name: &str) -> Option<TypeId> {
        self.type_named(name).filter(|id| {
            let t = self.get(*id);
            t.kind == TypeKind::Resource && !t.is_abstract
        })
    }

    /// The number of a type of that index, for tables beside the types.
    pub fn type_ids(&self) -> impl Iterator<Item = TypeId> {
        (0..self.types.len()).map(|i| TypeId(i as u16))
    }

    /// How many elements there are in all types.
    pub fn element_count(&self) -> usize {
        self.elements.len()
    }

    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    pub fn element(&self, id: ElementId) -> &Element {
        &self.elements[id.0 as usize]
    }

    /// The names of all resource types, abstract ones left out.
    pub fn resource_types(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.types.iter().filter(|t| t.kind == TypeKind::Resource && !t.is_abstract).map(|t| t.name)
    }

    /// The elements of a type, inherited ones included, in the order of the definition.
    pub fn elements(&self, id: TypeId) -> impl Iterator<Item = (ElementId, &Element)> {
        let (from, to) = self.get(id).elements;
        (from..to).map(|i| (ElementId(i), &self.elements[i as usize]))
    }

    /// The elements of a type as a slice; [`Element::place`] is the index.
    pub fn element_slice(&self, id: TypeId) -> &[Element] {
        let (from, to) = self.get(id).elements;
        &self.elements[from as usize..to as usize]
    }

    /// The child of a type under a concrete name (`valueQuantity`, not `value`).
    pub fn property(&self, id: TypeId, key: Key) -> Option<&Property> {
        let t = self.get(id);
        let mut at = key.index() & t.mask as usize;
        loop {
            match self.slots[t.slots as usize + at] {
                0 => return None,
                n => {
                    let property = &self.properties[n as usize - 1];
                    if property.key == key {
                        return Some(property);
                    }
                }
            }
            at = (at + 1) & t.mask as usize;
        }
    }

    /// The concrete names and types of an element: one, or those of a choice.
    pub fn properties(&self, element: &Element) -> &[Property] {
        &self.properties[element.properties.0 as usize..element.properties.1 as usize]
    }

    /// The property at a path of concrete names, walking into data types: `component.valueQuantity.value`.
    pub fn property_at(&self, id: TypeId, path: &str) -> Option<&Property> {
        let mut names = path.split('.');
        let mut property = self.property(id, Key::known(names.next()?)?)?;
        for name in names {
            property = self.property(property.type_id, Key::known(name)?)?;
        }
        Some(property)
    }

    /// Whether a Reference with these targets may point to a resource of that type.
    pub fn may_target(&self, targets: TargetsId, resource: TypeId) -> bool {
        targets.0 == 0 || self.targets[targets.0 as usize].contains(&resource)
    }

    /// The resource types that a Reference may point to; empty = any.
    pub fn target_names(&self, targets: TargetsId) -> impl Iterator<Item = &'static str> + '_ {
        self.targets[targets.0 as usize].iter().map(|id| self.get(*id).name)
    }

    /// The codes of a required value set.
    pub fn code_set(&self, id: CodeSetId) -> CodeSet<'_> {
        self.codes.get(id)
    }

    /// The codes of a value set that some element requires, by canonical URL (`|version` is ignored).
    pub fn required_codes(&self, value_set: &str) -> Option<CodeSet<'_>> {
        self.codes.find(value_set).map(|id| self.codes.get(id))
    }

    /// R4's search parameters.
    pub fn search_parameters(&self) -> &'static SearchParameters {
        search::parameters()
    }

    /// R4's own profiles and extensions.
    pub fn profiles(&self) -> &'static Profiles {
        profile::profiles()
    }

    /// An invariant by the key that types and elements name.
    pub fn invariant(&self, key: &str) -> Option<&'static Invariant> {
        profile::invariant(key)
    }

    /// All invariants, in no order.
    pub fn invariants(&self) -> impl Iterator<Item = &'static Invariant> {
        profile::invariants()
    }

    /// The search parameters by which a resource type belongs to a compartment; none where it does not.
    pub fn compartment(&self, code: &str, resource_type: &str) -> impl Iterator<Item = &'static str> {
        profile::compartment(code, resource_type)
    }

    /// The element lines of a type with all columns of the pack; inherited ones are not among them.
    pub fn type_elements(&self, name: &str) -> Vec<ProfileElement> {
        profile::type_elements(name)
    }

    /// R4's code systems with their concepts.
    pub fn code_systems(&self) -> &'static CodeSystems {
        terminology::code_systems()
    }

    /// R4's value sets, as they are composed.
    pub fn value_sets(&self) -> &'static ValueSets {
        terminology::value_sets()
    }

    /// Whether `id` is `ancestor` or specializes it.
    pub fn is_a(&self, id: TypeId, ancestor: TypeId) -> bool {
        let mut at = Some(id);
        while let Some(t) = at {
            if t == ancestor {
                return true;
            }
            at = self.get(t).base;
        }
        false
    }
}

#[cfg(test)]
mod tests;
