//! `+ - * / div mod &` and the sign (N1 §6.6). What overflows, and division by zero, gives nothing.

use super::{Cx, Eval, Item, Items, value};
use crate::fhirpath::expr::Binary;
use crate::fhirpath::fault::Fault;
use crate::fhirpath::moment::Moment;
use crate::fhirpath::quantity::{Calendar, Quantity, Unit};
use rust_decimal::Decimal;
use std::borrow::Cow;

fn mismatch(at: u32) -> Box<Fault> {
    Fault::execution(at, "这些类型的值不能这样运算", "values of these types cannot be calculated with in this way")
}

pub(super) fn negate<'t>(item: Option<Item<'t>>, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let Some(item) = item else { return Ok(Items::None) };
    Ok(Items::One(match value::value(&item, cx.env.definitions).as_deref() {
        Some(Item::Integer(n)) => return Ok(n.checked_neg().map(Item::Integer).into()),
        Some(Item::Decimal(d)) if d.is_zero() => Item::Decimal(*d), // there is no -0
        Some(Item::Decimal(d)) => Item::Decimal(-*d),
        Some(Item::Quantity(q)) => Item::Quantity(Box::new(Quantity { value: -q.value, unit: q.unit.clone() })),
        _ => return Err(mismatch(at)),
    }))
}

pub(super) fn binary<'t>(operator: Binary, left: Option<Item<'t>>, right: Option<Item<'t>>, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let definitions = cx.env.definitions;
    if operator == Binary::Concatenate {
        return concatenate(left, right, cx, at);
    }
    let (Some(left), Some(right)) = (left, right) else { return Ok(Items::None) };
    let (Some(a), Some(b)) = (value::value(&left, definitions), value::value(&right, definitions)) else {
        // a primitive without a value counts as absent
        return if left.node().or(right.node()).is_some_and(|n| n.kind() == crate::Kind::Empty) {
            Ok(Items::None)
        } else {
            Err(mismatch(at))
        };
    };
    let result = match (&*a, &*b) {
        (Item::Integer(a), Item::Integer(b)) if operator != Binary::Divide => integers(operator, *a, *b),
        (Item::String(a), Item::String(b)) if operator == Binary::Add => {
            cx.spend_text(a.len() + b.len(), at)?;
            Some(Item::owned(format!("{a}{b}")))
        }
        (Item::Date(m), Item::Quantity(q)) => plus(operator, *m, q, false, at)?.map(Item::Date),
        (Item::DateTime(m), Item::Quantity(q)) => plus(operator, *m, q, false, at)?.map(Item::DateTime),
        (Item::Time(m), Item::Quantity(q)) => plus(operator, *m, q, true, at)?.map(Item::Time),
        (Item::Quantity(a), Item::Quantity(b)) => quantities(operator, a, b, at)?,
        (Item::Quantity(q), other) => {
            let number = decimal(other).ok_or_else(|| mismatch(at))?;
            quantities(operator, q, &plain(number), at)?
        }
        (other, Item::Quantity(q)) => {
            let number = decimal(other).ok_or_else(|| mismatch(at))?;
            quantities(operator, &plain(number), q, at)?
        }
        (a, b) => match (decimal(a), decimal(b)) {
            (Some(a), Some(b)) => decimals(operator, a, b),
            _ => return Err(mismatch(at)),
        },
    };
    Ok(result.into())
}

fn plain(value: Decimal) -> Quantity<'static> {
    Quantity { value, unit: Unit::Code(Cow::Borrowed("1")) }
}

pub(super) fn decimal(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(n) => Some(Decimal::from(*n)),
        Item::Decimal(d) => Some(*d),
        _ => None,
    }
}

fn integers(operator: Binary, a: i64, b: i64) -> Option<Item<'static>> {
    let result = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Div => a.checked_div(b),
        Binary::Mod => a.checked_rem(b),
        _ => None,
    };
    result.map(Item::Integer)
}

fn decimal_of(operator: Binary, a: Decimal, b: Decimal) -> Option<Decimal> {
    match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide => a.checked_div(b).map(|quotient| quotient.normalize()),
        Binary::Mod => a.checked_rem(b),
        _ => None,
    }
}

fn decimals(operator: Binary, a: Decimal, b: Decimal) -> Option<Item<'static>> {
    if operator == Binary::Div {
        use rust_decimal::prelude::ToPrimitive;
        return a.checked_div(b)?.trunc().to_i64().map(Item::Integer);
    }
    decimal_of(operator, a, b).map(Item::Decimal)
}

/// Sums keep the first unit, products and quotients make a new one.
fn quantities<'t>(operator: Binary, a: &Quantity<'t>, b: &Quantity<'t>, at: u32) -> Eval<Option<Item<'t>>> {
    let item = |value: Option<Decimal>, unit: Unit<'t>| value.map(|value| Item::Quantity(Box::new(Quantity { value, unit })));
    let code = |unit: &Unit<'t>| match unit {
        Unit::Calendar(unit) => unit.ucum().to_owned(),
        Unit::Code(code) => code.clone().into_owned(),
    };
    match operator {
        Binary::Add | Binary::Subtract => {
            if a.unit == b.unit {
                return Ok(item(decimal_of(operator, a.value, b.value), a.unit.clone()));
            }
            let other = b.to_unit(&code(&a.unit)).filter(|_| a.is_comparable(b));
            Ok(other.and_then(|b| item(decimal_of(operator, a.value, b), a.unit.clone())))
        }
        Binary::Multiply | Binary::Divide => {
            let (x, y) = (code(&a.unit), code(&b.unit));
            let unit = match (operator, x.as_str(), y.as_str()) {
                (_, _, "1") => return Ok(item(decimal_of(operator, a.value, b.value), a.unit.clone())),
                (Binary::Multiply, "1", _) => return Ok(item(decimal_of(operator, a.value, b.value), b.unit.clone())),
                (Binary::Multiply, ..) => format!("{x}.{y}"),
                (_, x, y) if x == y => "1".to_owned(),
                (_, "1", y) if !y.contains(['.', '/']) => format!("/{y}"),
                (_, x, y) if y.contains(['.', '/']) => format!("{x}/({y})"),
                (_, x, y) => format!("{x}/{y}"),
            };
            Ok(item(decimal_of(operator, a.value, b.value), Unit::Code(Cow::Owned(unit))))
        }
        _ => Err(mismatch(at)),
    }
}

/// A date, dateTime or time plus or minus a duration. UCUM's units up to the week are durations of definite length;
/// `'mo'` and `'a'` are not what a calendar means and are refused.
fn plus(operator: Binary, moment: Moment, duration: &Quantity<'_>, is_time: bool, at: u32) -> Eval<Option<Moment>> {
    let unit = match &duration.unit {
        Unit::Calendar(unit) => Some(*unit),
        Unit::Code(code) => {
            let of_ucum = Calendar::of_ucum(code).filter(|unit| !matches!(unit, Calendar::Year | Calendar::Month));
            of_ucum.or_else(|| Calendar::named(code))
        }
    };
    let unit = unit.ok_or_else(|| {
        Fault::execution(
            at,
            "日期只能加减日历时长，如 1 month、7 days",
            "only calendar durations, as 1 month or 7 days, can be added to a date",
        )
    })?;
    match operator {
        Binary::Add => Ok(moment.add(duration.value, unit, is_time)),
        Binary::Subtract => Ok(moment.add(-duration.value, unit, is_time)),
        _ => Err(mismatch(at)),
    }
}

/// `&`: nothing is an empty text.
fn concatenate<'t>(left: Option<Item<'t>>, right: Option<Item<'t>>, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let text = |item: Option<Item<'t>>| match item {
        None => Ok(Cow::Borrowed("")),
        Some(item) => match value::text(&item, cx.env.definitions) {
            Some(text) => Ok(text),
            None => super::convert::to_text(&item, cx.env.definitions).map(Cow::Owned).ok_or_else(|| mismatch(at)),
        },
    };
    let (a, b) = (text(left)?, text(right)?);
    cx.spend_text(a.len() + b.len(), at)?;
    Ok(Items::One(Item::owned(format!("{a}{b}"))))
}
