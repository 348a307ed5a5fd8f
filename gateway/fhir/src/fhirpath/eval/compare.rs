//! Equality, equivalence and order (N1 §6.1, §6.2).

use super::{Cx, Eval, Item, value};
use crate::fhirpath::fault::Fault;
use crate::fhirpath::moment::Moment;
use crate::fhirpath::quantity::{Quantity, Unit, decimals_equivalent};
use crate::{Kind, NodeRef};
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Elements in elements that are compared.
const DEPTH_MAX: u32 = 256;

/// `=` of two collections: nothing where one is empty, or where partial dates leave it open.
pub(super) fn equal_lists(a: &[Item<'_>], b: &[Item<'_>], cx: &Cx<'_, '_>, at: u32) -> Eval<Option<bool>> {
    if a.is_empty() || b.is_empty() {
        return Ok(None);
    }
    if a.len() != b.len() {
        return Ok(Some(false));
    }
    let mut result = Some(true);
    for (a, b) in a.iter().zip(b) {
        match equal(a, b, cx, at)? {
            Some(false) => return Ok(Some(false)),
            Some(true) => {}
            None => result = None,
        }
    }
    Ok(result)
}

/// `~` of two collections, whatever their order.
pub(super) fn equivalent_lists(a: &[Item<'_>], b: &[Item<'_>], cx: &Cx<'_, '_>, at: u32) -> Eval<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let mut free = vec![true; b.len()];
    for item in a {
        let mut found = false;
        for (other, free) in b.iter().zip(&mut free) {
            if *free && equivalent(item, other, cx, at)? {
                (*free, found) = (false, true);
                break;
            }
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A number or a quantity of a number without unit.
fn as_quantity<'t>(item: &Item<'t>) -> Option<Quantity<'t>> {
    let value = number(item)?;
    Some(Quantity { value, unit: Unit::Code(Cow::Borrowed("1")) })
}

fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(n) => Some(Decimal::from(*n)),
        Item::Decimal(d) => Some(*d),
        _ => None,
    }
}

/// A date or dateTime, or a text that is one.
fn moment(item: &Item<'_>) -> Option<Moment> {
    match item {
        Item::Date(m) | Item::DateTime(m) => Some(*m),
        Item::String(text) => Moment::date_time(text),
        _ => None,
    }
}

fn time(item: &Item<'_>) -> Option<Moment> {
    match item {
        Item::Time(m) => Some(*m),
        Item::String(text) => Moment::time(text),
        _ => None,
    }
}

fn same_node(a: &Item<'_>, b: &Item<'_>) -> bool {
    match (a.node(), b.node()) {
        (Some(a), Some(b)) => std::ptr::eq(a.tree(), b.tree()) && a.id() == b.id(),
        _ => false,
    }
}

/// `=` of two items.
pub(super) fn equal(a: &Item<'_>, b: &Item<'_>, cx: &Cx<'_, '_>, at: u32) -> Eval<Option<bool>> {
    cx.spend(1, at)?;
    if same_node(a, b) {
        return Ok(Some(true));
    }
    let definitions = cx.env.definitions;
    let (Some(x), Some(y)) = (value::value(a, definitions), value::value(b, definitions)) else {
        return Ok(Some(match (a.node(), b.node()) {
            (Some(a), Some(b)) => equal_nodes(a, b, cx, at, 0)?,
            _ => false,
        }));
    };
    Ok(match (&*x, &*y) {
        (Item::String(a), Item::String(b)) => Some(a == b),
        (Item::Boolean(a), Item::Boolean(b)) => Some(a == b),
        (Item::Integer(a), Item::Integer(b)) => Some(a == b),
        (Item::Quantity(a), Item::Quantity(b)) => a.compare(b).map(Ordering::is_eq),
        (Item::Quantity(a), other) | (other, Item::Quantity(a)) => {
            as_quantity(other).map_or(Some(false), |b| a.compare(&b).map(Ordering::is_eq))
        }
        (Item::Type(a), Item::Type(b)) => Some(a == b),
        (Item::Time(_), _) | (_, Item::Time(_)) => match (time(&x), time(&y)) {
            (Some(a), Some(b)) => a.compare(&b).map(Ordering::is_eq),
            _ => Some(false),
        },
        (Item::Date(_) | Item::DateTime(_), _) | (_, Item::Date(_) | Item::DateTime(_)) => match (moment(&x), moment(&y)) {
            (Some(a), Some(b)) => a.compare(&b).map(Ordering::is_eq),
            _ => Some(false),
        },
        (a, b) => match (number(a), number(b)) {
            (Some(a), Some(b)) => Some(a == b),
            _ => Some(false),
        },
    })
}

/// Whether two elements have the same value and the same children, repeats in the same order.
fn equal_nodes(a: NodeRef<'_>, b: NodeRef<'_>, cx: &Cx<'_, '_>, at: u32, depth: u32) -> Eval<bool> {
    cx.spend(1, at)?;
    if depth > DEPTH_MAX || !same_value(a, b) || a.children().count() != b.children().count() {
        return Ok(false);
    }
    let mut nth = 0;
    let mut before = None;
    for child in a.children() {
        nth = if before == Some(child.key()) { nth + 1 } else { 0 };
        before = Some(child.key());
        let Some(other) = b.children().filter(|c| same_name(child, *c)).nth(nth) else { return Ok(false) };
        if !equal_nodes(child, other, cx, at, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_name(a: NodeRef<'_>, b: NodeRef<'_>) -> bool {
    if a.key().is_known() { a.key() == b.key() } else { a.name() == b.name() }
}

fn same_value(a: NodeRef<'_>, b: NodeRef<'_>) -> bool {
    match (a.value(), b.value()) {
        (Some(x), Some(y)) if a.kind() == Kind::Number && b.kind() == Kind::Number => {
            crate::decimal::compare(x, y).map_or(x == y, Ordering::is_eq)
        }
        (x, y) => x == y,
    }
}

/// `~` of two items.
pub(super) fn equivalent(a: &Item<'_>, b: &Item<'_>, cx: &Cx<'_, '_>, at: u32) -> Eval<bool> {
    cx.spend(1, at)?;
    if same_node(a, b) {
        return Ok(true);
    }
    let definitions = cx.env.definitions;
    let (Some(x), Some(y)) = (value::value(a, definitions), value::value(b, definitions)) else {
        return match (a.node(), b.node()) {
            (Some(a), Some(b)) => equivalent_nodes(a, b, cx, at, 0),
            _ => Ok(false),
        };
    };
    Ok(match (&*x, &*y) {
        (Item::String(a), Item::String(b)) => texts_equivalent(a, b),
        (Item::Quantity(a), Item::Quantity(b)) => a.is_equivalent(b),
        (Item::Quantity(a), other) | (other, Item::Quantity(a)) => as_quantity(other).is_some_and(|b| a.is_equivalent(&b)),
        (Item::Date(a) | Item::DateTime(a), Item::Date(b) | Item::DateTime(b)) | (Item::Time(a), Item::Time(b)) => a.is_equivalent(b),
        (Item::Integer(a), Item::Integer(b)) => a == b,
        (a, b) => match (number(a), number(b)) {
            (Some(a), Some(b)) => decimals_equivalent(a, b),
            _ => equal(a, b, cx, at)? == Some(true),
        },
    })
}

/// Texts without regard to case and to how blanks are written.
fn texts_equivalent(a: &str, b: &str) -> bool {
    fn normal(text: &str) -> impl Iterator<Item = char> + '_ {
        let mut blank = false;
        text.chars().flat_map(char::to_lowercase).filter_map(move |c| {
            let before = std::mem::replace(&mut blank, c.is_whitespace());
            if !blank {
                Some(c)
            } else if before {
                None
            } else {
                Some(' ')
            }
        })
    }
    normal(a).eq(normal(b))
}

/// Children in any order.
fn equivalent_nodes(a: NodeRef<'_>, b: NodeRef<'_>, cx: &Cx<'_, '_>, at: u32, depth: u32) -> Eval<bool> {
    cx.spend(1, at)?;
    let values = match (a.value(), b.value()) {
        (Some(x), Some(y)) if a.kind() == Kind::String && b.kind() == Kind::String => texts_equivalent(x, y),
        _ => same_value(a, b),
    };
    if depth > DEPTH_MAX || !values || a.children().count() != b.children().count() {
        return Ok(false);
    }
    let others: Vec<NodeRef<'_>> = b.children().collect();
    let mut free = vec![true; others.len()];
    for child in a.children() {
        let mut found = false;
        for (other, free) in others.iter().zip(&mut free) {
            if *free && same_name(child, *other) && equivalent_nodes(child, *other, cx, at, depth + 1)? {
                (*free, found) = (false, true);
                break;
            }
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `<` and its kin: the order of two items; nothing where it is open, a fault where they cannot be ordered.
pub(super) fn order(a: &Item<'_>, b: &Item<'_>, cx: &Cx<'_, '_>, at: u32) -> Eval<Option<Ordering>> {
    let definitions = cx.env.definitions;
    let (Some(x), Some(y)) = (value::value(a, definitions), value::value(b, definitions)) else {
        // a primitive without value is as good as absent; a complex element has no order
        let valueless = |item: &Item<'_>| item.node().is_some_and(|n| n.kind() == Kind::Empty);
        let quantity = |item: &Item<'_>| match item {
            Item::Node { type_id: Some(id), .. } => value::is_quantity(*id, definitions),
            _ => false,
        };
        return if valueless(a) || valueless(b) || quantity(a) || quantity(b) { Ok(None) } else { Err(no_order(at)) };
    };
    Ok(match (&*x, &*y) {
        (Item::String(a), Item::String(b)) => Some(a.cmp(b)),
        (Item::Integer(a), Item::Integer(b)) => Some(a.cmp(b)),
        (Item::Quantity(a), Item::Quantity(b)) => a.compare(b),
        (Item::Quantity(a), other) => a.compare(&as_quantity(other).ok_or_else(|| no_order(at))?),
        (other, Item::Quantity(b)) => as_quantity(other).ok_or_else(|| no_order(at))?.compare(b),
        (Item::Time(_), _) | (_, Item::Time(_)) => match (time(&x), time(&y)) {
            (Some(a), Some(b)) => a.compare(&b),
            _ => return Err(no_order(at)),
        },
        (Item::Date(_) | Item::DateTime(_), _) | (_, Item::Date(_) | Item::DateTime(_)) => match (moment(&x), moment(&y)) {
            (Some(a), Some(b)) => a.compare(&b),
            _ => return Err(no_order(at)),
        },
        (a, b) => match (number(a), number(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => return Err(no_order(at)),
        },
    })
}

fn no_order(at: u32) -> Box<Fault> {
    Fault::execution(at, "这两个值的类型不同，无法比较大小", "values of these types have no order between them")
}
