//! `lowBoundary`, `highBoundary`, `precision`, `comparable`.

use super::collection::integer;
use super::{Cx, Eval, Item, Items, single, value};
use crate::fhirpath::expr::{Expr, Function};
use crate::fhirpath::fault::Fault;
use crate::fhirpath::quantity::Quantity;
use rust_decimal::{Decimal, RoundingStrategy};

/// Places of a decimal's boundary that is not told how many.
const DECIMAL_PLACES: i64 = 8;

/// Most places that FHIRPath asks for; exact decimals here have 28.
const PLACES_MAX: u32 = 28;

pub(super) fn function<'t>(function: Function, base: &'t Expr, arguments: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let Some(item) = single(base, cx)? else { return Ok(Items::None) };
    let Some(own) = value::value(&item, cx.env.definitions) else { return Ok(Items::None) };
    let result = match (function, arguments) {
        (Function::Precision, _) => precision(&own).map(|n| Item::Integer(i64::from(n))),
        (Function::Comparable, [argument, ..]) => {
            let Some(other) = single(argument, cx)? else { return Ok(Items::None) };
            match (&*own, value::value(&other, cx.env.definitions).as_deref()) {
                (Item::Quantity(a), Some(Item::Quantity(b))) => Some(Item::Boolean(a.is_comparable(b))),
                _ => return Err(Fault::execution(at, "这里应为 Quantity", "a quantity is needed here")),
            }
        }
        (_, arguments) => {
            let digits = match arguments {
                [argument, ..] => match integer(argument, cx)? {
                    Some(digits) => Some(digits),
                    None => return Ok(Items::None),
                },
                [] => None,
            };
            boundary(&own, function == Function::HighBoundary, digits)
        }
    };
    Ok(result.into())
}

fn precision(value: &Item<'_>) -> Option<u32> {
    match value {
        Item::Integer(_) => Some(0),
        Item::Decimal(d) => Some(d.scale()),
        Item::Date(m) | Item::DateTime(m) => Some(m.digits(false)),
        Item::Time(m) => Some(m.digits(true)),
        _ => None,
    }
}

fn boundary<'t>(value: &Item<'t>, high: bool, digits: Option<i64>) -> Option<Item<'t>> {
    let of_moment = |default: i64| u32::try_from(digits.unwrap_or(default)).ok();
    match value {
        Item::Integer(n) => decimal_boundary(Decimal::from(*n), high, digits).map(Item::Decimal),
        Item::Decimal(d) => decimal_boundary(*d, high, digits).map(Item::Decimal),
        Item::Quantity(q) => {
            let value = decimal_boundary(q.value, high, digits)?;
            Some(Item::Quantity(Box::new(Quantity { value, unit: q.unit.clone() })))
        }
        Item::Date(m) => m.boundary(high, of_moment(8)?, false).map(Item::Date),
        Item::DateTime(m) => m.boundary(high, of_moment(17)?, false).map(Item::DateTime),
        Item::Time(m) => m.boundary(high, of_moment(9)?, true).map(Item::Time),
        _ => None,
    }
}

/// Half a unit of the last written digit off, then to `places`: towards zero at the inner side, rounded at the outer,
/// as HL7's suite has it.
fn decimal_boundary(value: Decimal, high: bool, places: Option<i64>) -> Option<Decimal> {
    let places = u32::try_from(places.unwrap_or(DECIMAL_PLACES)).ok().filter(|p| *p <= PLACES_MAX)?;
    let half = Decimal::try_new(5, value.scale() + 1).ok()?;
    let (off, outer) =
        if high { (value.checked_add(half)?, !value.is_sign_negative()) } else { (value.checked_sub(half)?, value.is_sign_negative()) };
    let strategy = if outer { RoundingStrategy::MidpointAwayFromZero } else { RoundingStrategy::ToZero };
    let mut out = off.round_dp_with_strategy(places, strategy);
    out.rescale(places);
    Some(out)
}
