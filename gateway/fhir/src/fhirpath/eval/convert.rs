//! Conversions between System types (N1 §5.5).

use super::{Cx, Item, value};
use crate::definitions::Definitions;
use crate::fhirpath::expr::System;
use crate::fhirpath::moment::{self, Moment, Precision};
use crate::fhirpath::quantity::{Calendar, Quantity, Unit};
use rust_decimal::Decimal;
use std::borrow::Cow;

/// An item as another System type; nothing where it does not convert.
pub(super) fn to<'t>(item: &Item<'t>, wanted: System, cx: &Cx<'_, 't>) -> Option<Item<'t>> {
    let definitions = cx.env.definitions;
    if wanted == System::String {
        return value::text(item, definitions).map(Item::String).or_else(|| to_text(item, definitions).map(Item::owned));
    }
    let value = value::value(item, definitions)?;
    match wanted {
        System::Boolean => to_boolean(&value).map(Item::Boolean),
        System::Integer => to_integer(&value).map(Item::Integer),
        System::Decimal => to_decimal(&value).map(Item::Decimal),
        System::Date => to_date(&value).map(Item::Date),
        System::DateTime => to_date_time(&value).map(Item::DateTime),
        System::Time => to_time(&value).map(Item::Time),
        System::Quantity => to_quantity(&value).map(|q| Item::Quantity(Box::new(q))),
        System::Any | System::String => None,
    }
}

/// How a value is written.
pub(super) fn to_text(item: &Item<'_>, definitions: &Definitions) -> Option<String> {
    if let Item::Node { node, .. } = item
        && let Some(text) = node.value()
    {
        return Some(text.to_owned());
    }
    Some(match &*value::value(item, definitions)? {
        Item::Boolean(b) => b.to_string(),
        Item::Integer(n) => n.to_string(),
        Item::Decimal(d) => d.to_string(),
        Item::String(text) => text.clone().into_owned(),
        Item::Date(m) | Item::DateTime(m) => moment::show(m, false),
        Item::Time(m) => moment::show(m, true),
        Item::Quantity(q) => q.to_string(),
        Item::Type(_) | Item::Node { .. } | Item::Resource(_) => return None,
    })
}

fn to_boolean(value: &Item<'_>) -> Option<bool> {
    match value {
        Item::Boolean(b) => Some(*b),
        Item::Integer(1) => Some(true),
        Item::Integer(0) => Some(false),
        Item::Decimal(d) if *d == Decimal::ONE => Some(true),
        Item::Decimal(d) if d.is_zero() => Some(false),
        Item::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn to_integer(value: &Item<'_>) -> Option<i64> {
    match value {
        Item::Integer(n) => Some(*n),
        Item::Boolean(b) => Some(i64::from(*b)),
        Item::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// `(+|-)?\d+(\.\d+)?`
fn decimal_text(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if digits(whole) && digits(fraction) { text.strip_prefix('+').unwrap_or(text).parse().ok() } else { None }
}

fn to_decimal(value: &Item<'_>) -> Option<Decimal> {
    match value {
        Item::Decimal(d) => Some(*d),
        Item::Integer(n) => Some(Decimal::from(*n)),
        Item::Boolean(b) => Some(Decimal::from(u8::from(*b))),
        Item::String(text) => decimal_text(text),
        _ => None,
    }
}

fn to_date(value: &Item<'_>) -> Option<Moment> {
    match value {
        Item::Date(m) => Some(*m),
        Item::DateTime(m) => Some(Moment { precision: m.precision.min(Precision::Day), zone: None, ..m.at_midnight() }),
        Item::String(text) => Moment::date(text),
        _ => None,
    }
}

fn to_date_time(value: &Item<'_>) -> Option<Moment> {
    match value {
        Item::Date(m) | Item::DateTime(m) => Some(*m),
        Item::String(text) => Moment::date_time(text),
        _ => None,
    }
}

fn to_time(value: &Item<'_>) -> Option<Moment> {
    match value {
        Item::Time(m) => Some(*m),
        Item::String(text) => Moment::time(text.strip_prefix('T').unwrap_or(text)),
        _ => None,
    }
}

fn to_quantity<'t>(value: &Item<'t>) -> Option<Quantity<'t>> {
    match value {
        Item::Quantity(q) => Some((**q).clone()),
        Item::String(text) => quantity_text(text),
        other => Some(Quantity { value: to_decimal(other)?, unit: Unit::Code(Cow::Borrowed("1")) }),
    }
}

/// `4`, `4 days`, `4 'mg'`
fn quantity_text<'t>(text: &str) -> Option<Quantity<'t>> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let value = decimal_text(&text[..end])?;
    let unit = text[end..].trim_start();
    let unit = if unit.is_empty() {
        Unit::Code(Cow::Borrowed("1"))
    } else if let Some(code) = unit.strip_prefix('\'').and_then(|u| u.strip_suffix('\'')) {
        Unit::Code(Cow::Owned(code.to_owned()))
    } else {
        Unit::Calendar(Calendar::named(unit)?)
    };
    Some(Quantity { value, unit })
}

/// `toQuantity(unit)`: the quantity in that unit.
pub(super) fn to_quantity_in<'t>(item: &Item<'t>, unit: &str, cx: &Cx<'_, 't>) -> Option<Item<'t>> {
    let quantity = value::value(item, cx.env.definitions).and_then(|value| to_quantity(&value))?;
    let value = if quantity.unit.text() == unit { quantity.value } else { quantity.to_unit(unit)? };
    Some(Item::Quantity(Box::new(Quantity { value, unit: Unit::Code(Cow::Owned(unit.to_owned())) })))
}
