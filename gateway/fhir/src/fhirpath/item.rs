//! The values that FHIRPath works with: nodes of a tree and values of the System types.

use super::moment::{self, Moment};
use super::quantity::Quantity;
use crate::definitions::{Definitions, TypeId};
use crate::tree::NodeRef;
use rust_decimal::Decimal;
use std::borrow::Cow;

/// One item of a collection. No `Debug`: it may hold patient data.
#[derive(Clone)]
pub enum Item<'t> {
    /// An element or resource, with its type where it is known.
    Node {
        node: NodeRef<'t>,
        type_id: Option<TypeId>,
    },
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    String(Cow<'t, str>),
    Date(Moment),
    DateTime(Moment),
    Time(Moment),
    Quantity(Box<Quantity<'t>>),
    /// A resource of which only the type is known: the host could not (or need not) load it.
    Resource(TypeId),
    /// What `type()` gives.
    Type(TypeName),
}

/// The name of a type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TypeName {
    /// `FHIR` or `System`.
    pub namespace: &'static str,
    pub name: &'static str,
    /// Path of a backbone element below `name`, otherwise empty.
    pub path: &'static str,
}

impl<'t> Item<'t> {
    /// A resource, its type taken from `resourceType`.
    pub fn resource(node: NodeRef<'t>, definitions: &Definitions) -> Item<'t> {
        Item::Node { node, type_id: node.resource_type().and_then(|name| definitions.type_named(name)) }
    }

    /// The node, where it is one.
    pub fn node(&self) -> Option<NodeRef<'t>> {
        match self {
            Item::Node { node, .. } => Some(*node),
            _ => None,
        }
    }

    pub(super) fn text(text: &'t str) -> Item<'t> {
        Item::String(Cow::Borrowed(text))
    }

    pub(super) fn owned(text: String) -> Item<'t> {
        Item::String(Cow::Owned(text))
    }
}

/// As FHIRPath writes the value: a primitive's text, `@2014-01`, `4 'mg'`; an element without value as its name.
impl std::fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Item::Node { node, .. } => f.write_str(node.value().unwrap_or_else(|| node.name())),
            Item::Boolean(value) => write!(f, "{value}"),
            Item::Integer(value) => write!(f, "{value}"),
            Item::Decimal(value) => write!(f, "{value}"),
            Item::String(text) => f.write_str(text),
            Item::Date(m) | Item::DateTime(m) => write!(f, "@{}", moment::show(m, false)),
            Item::Time(m) => write!(f, "@T{}", moment::show(m, true)),
            Item::Quantity(quantity) => write!(f, "{quantity}"),
            Item::Resource(_) => f.write_str("resource"),
            Item::Type(name) => write!(f, "{}.{}", name.namespace, name.name),
        }
    }
}

/// A collection; none and one, which are nearly all, need no memory of their own.
pub(super) enum Items<'t> {
    None,
    One(Item<'t>),
    Many(Vec<Item<'t>>),
}

impl<'t> Items<'t> {
    pub(super) fn push(&mut self, item: Item<'t>) {
        match std::mem::replace(self, Items::None) {
            Items::None => *self = Items::One(item),
            Items::One(first) => {
                let mut list = Vec::with_capacity(4);
                list.push(first);
                list.push(item);
                *self = Items::Many(list);
            }
            Items::Many(mut list) => {
                list.push(item);
                *self = Items::Many(list);
            }
        }
    }

    pub(super) fn as_slice(&self) -> &[Item<'t>] {
        match self {
            Items::None => &[],
            Items::One(item) => std::slice::from_ref(item),
            Items::Many(list) => list,
        }
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Item<'t>> {
        self.as_slice().iter()
    }

    pub(super) fn into_vec(self) -> Vec<Item<'t>> {
        match self {
            Items::None => Vec::new(),
            Items::One(item) => vec![item],
            Items::Many(list) => list,
        }
    }
}

impl<'t> From<Option<Item<'t>>> for Items<'t> {
    fn from(item: Option<Item<'t>>) -> Self {
        item.map_or(Items::None, Items::One)
    }
}

impl<'t> From<Vec<Item<'t>>> for Items<'t> {
    fn from(mut list: Vec<Item<'t>>) -> Self {
        match list.len() {
            0 | 1 => list.pop().into(),
            _ => Items::Many(list),
        }
    }
}
