//! `is`, `as`, `ofType`, `type()`.

use super::{Cx, Item};
use crate::definitions::{Definitions, TypeId, TypeKind};
use crate::fhirpath::expr::{System, TypeTest};
use crate::fhirpath::item::TypeName;
use crate::primitive::Primitive;

fn fhir_type(item: &Item<'_>) -> Option<TypeId> {
    match item {
        Item::Node { type_id, .. } => *type_id,
        Item::Resource(id) => Some(*id),
        _ => None,
    }
}

/// Whether an item is of a FHIR type or specializes it.
pub(super) fn is_a(item: &Item<'_>, wanted: TypeId, cx: &Cx<'_, '_>) -> bool {
    fhir_type(item).is_some_and(|id| cx.env.definitions.is_a(id, wanted))
}

/// The System type of what is no node.
pub(in crate::fhirpath) fn system_type(item: &Item<'_>) -> Option<System> {
    Some(match item {
        Item::Boolean(_) => System::Boolean,
        Item::Integer(_) => System::Integer,
        Item::Decimal(_) => System::Decimal,
        Item::String(_) => System::String,
        Item::Date(_) => System::Date,
        Item::DateTime(_) => System::DateTime,
        Item::Time(_) => System::Time,
        Item::Quantity(_) => System::Quantity,
        Item::Node { .. } | Item::Resource(_) | Item::Type(_) => return None,
    })
}

/// The System type to which a FHIR primitive converts.
pub(in crate::fhirpath) fn system_of(primitive: Primitive) -> System {
    match primitive {
        Primitive::Boolean => System::Boolean,
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => System::Integer,
        Primitive::Decimal => System::Decimal,
        Primitive::Date => System::Date,
        Primitive::DateTime | Primitive::Instant => System::DateTime,
        Primitive::Time => System::Time,
        _ => System::String,
    }
}

/// Whether an item is of a type. With `exact` a primitive must be that very type: `as(string)` takes no code, as in
/// HL7's suite, so that a path finds what was written as such.
pub(super) fn matches(item: &Item<'_>, test: &TypeTest, exact: bool, cx: &Cx<'_, '_>) -> bool {
    let definitions = cx.env.definitions;
    if let Some(id) = fhir_type(item) {
        let kind = definitions.get(id).kind;
        return match (test.fhir, kind) {
            (Some(wanted), TypeKind::Primitive(_)) if exact => id == wanted,
            (Some(wanted), _) => definitions.is_a(id, wanted),
            (None, TypeKind::Primitive(primitive)) => test.loose && test.system == Some(system_of(primitive)),
            (None, _) => false,
        };
    }
    match system_type(item) {
        Some(own) => test.system == Some(System::Any) || test.system == Some(own),
        None => false,
    }
}

/// What `type()` says.
pub(super) fn type_of(item: &Item<'_>, definitions: &'static Definitions) -> Option<TypeName> {
    if let Some(id) = fhir_type(item) {
        let t = definitions.get(id);
        return Some(TypeName { namespace: "FHIR", name: t.name, path: t.path });
    }
    let own = system_type(item)?;
    let name = System::ALL.iter().find(|(system, _)| *system == own).map(|(_, name)| *name)?;
    Some(TypeName { namespace: "System", name, path: "" })
}
