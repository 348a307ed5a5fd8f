//! Nodes as System values: FHIR's primitives and Quantity convert by themselves
//! (<https://hl7.org/fhir/R4/fhirpath.html#types>).

use super::Item;
use super::navigate::KEYS;
use crate::definitions::{Definitions, TypeId, TypeKind};
use crate::fhirpath::moment::Moment;
use crate::fhirpath::quantity::{Quantity, Unit};
use crate::primitive::Primitive;
use crate::{Kind, NodeRef};
use rust_decimal::Decimal;
use std::borrow::Cow;

/// The primitive type of a node.
pub(super) fn primitive(type_id: Option<TypeId>, definitions: &Definitions) -> Option<Primitive> {
    match definitions.get(type_id?).kind {
        TypeKind::Primitive(primitive) => Some(primitive),
        _ => None,
    }
}

/// A decimal as FHIR writes it, an exponent allowed. More digits than 28 are rounded.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { text.parse().ok() }
}

/// The value of a primitive node.
fn of_primitive(node: NodeRef<'_>, primitive: Primitive) -> Option<Item<'_>> {
    let text = node.value()?;
    match primitive {
        Primitive::Boolean => match text {
            "true" => Some(Item::Boolean(true)),
            "false" => Some(Item::Boolean(false)),
            _ => None,
        },
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            text.parse().ok().map(Item::Integer).or_else(|| decimal(text).map(Item::Decimal))
        }
        Primitive::Decimal => decimal(text).map(Item::Decimal),
        Primitive::Date => Moment::date(text).map(Item::Date),
        Primitive::DateTime | Primitive::Instant => Moment::date_time(text).map(Item::DateTime),
        Primitive::Time => Moment::time(text).map(Item::Time),
        _ => Some(Item::text(text)),
    }
}

/// The value of a node whose type is not known, as JSON has it.
fn of_kind(node: NodeRef<'_>) -> Option<Item<'_>> {
    let text = node.value()?;
    match node.kind() {
        Kind::Bool => Some(Item::Boolean(text == "true")),
        Kind::Number => text.parse().ok().map(Item::Integer).or_else(|| decimal(text).map(Item::Decimal)),
        _ => Some(Item::text(text)),
    }
}

/// Whether it is FHIR's Quantity or a specialization.
pub(super) fn is_quantity(type_id: TypeId, definitions: &Definitions) -> bool {
    KEYS.quantity_type.is_some_and(|quantity| definitions.is_a(type_id, quantity))
}

/// FHIR's Quantity; none without a value, or with a comparator, which makes it a range.
fn of_quantity(node: NodeRef<'_>) -> Option<Item<'_>> {
    let value = decimal(node.child(KEYS.value)?.value()?)?;
    if node.child(KEYS.comparator).is_some() {
        return None;
    }
    let text = |key| node.child(key).and_then(NodeRef::value);
    let unit = text(KEYS.code).or_else(|| text(KEYS.unit)).unwrap_or("1");
    Some(Item::Quantity(Box::new(Quantity { value, unit: Unit::Code(Cow::Borrowed(unit)) })))
}

/// The System value of an item; `None` for complex elements, and for primitives without a (readable) value.
pub(super) fn value<'x, 't>(item: &'x Item<'t>, definitions: &Definitions) -> Option<Cow<'x, Item<'t>>> {
    let Item::Node { node, type_id } = item else { return Some(Cow::Borrowed(item)) };
    let Some(id) = *type_id else { return of_kind(*node).map(Cow::Owned) };
    match definitions.get(id).kind {
        TypeKind::Primitive(primitive) => of_primitive(*node, primitive).map(Cow::Owned),
        TypeKind::Complex if is_quantity(id, definitions) => of_quantity(*node).map(Cow::Owned),
        _ => None,
    }
}

/// The text of a string item; other values have none.
pub(super) fn text<'t>(item: &Item<'t>, definitions: &Definitions) -> Option<Cow<'t, str>> {
    match item {
        Item::String(text) => Some(text.clone()),
        Item::Node { node, type_id: Some(id) } => match definitions.get(*id).kind {
            TypeKind::Primitive(
                Primitive::Boolean
                | Primitive::Integer
                | Primitive::PositiveInt
                | Primitive::UnsignedInt
                | Primitive::Decimal
                | Primitive::Date
                | Primitive::DateTime
                | Primitive::Instant
                | Primitive::Time,
            ) => None,
            _ => node.value().map(Cow::Borrowed),
        },
        Item::Node { node, type_id: None } => node.value().map(Cow::Borrowed),
        _ => None,
    }
}

/// A single item as a Boolean (N1 §4.5): its value, or true because it is there.
pub(super) fn truth(item: &Item<'_>, definitions: &Definitions) -> Option<bool> {
    match item {
        Item::Boolean(value) => Some(*value),
        Item::Node { node, type_id } => match primitive(*type_id, definitions) {
            Some(Primitive::Boolean) => node.value().map(|v| v == "true"),
            None if type_id.is_none() && node.kind() == Kind::Bool => node.value().map(|v| v == "true"),
            _ => Some(true),
        },
        _ => Some(true),
    }
}
