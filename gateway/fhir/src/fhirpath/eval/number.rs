//! Functions on numbers (N1 §5.7). Roots, logarithms and powers of fractions are computed in binary and rounded to 14
//! significant digits; all else is exact.

use super::arithmetic::decimal;
use super::collection::integer;
use super::{Cx, Eval, Item, Items, single, value};
use crate::fhirpath::expr::{Expr, Function};
use crate::fhirpath::fault::Fault;
use crate::fhirpath::quantity::Quantity;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};

fn needed(at: u32) -> Box<Fault> {
    Fault::execution(at, "这里应为数值", "a number is needed here")
}

pub(super) fn function<'t>(function: Function, base: &'t Expr, arguments: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let Some(item) = single(base, cx)? else { return Ok(Items::None) };
    let Some(own) = value::value(&item, cx.env.definitions) else {
        return if item.node().is_some_and(|n| n.kind() != crate::Kind::Object) { Ok(Items::None) } else { Err(needed(at)) };
    };
    let result = match (function, &*own, arguments) {
        (Function::Abs, Item::Integer(n), _) => n.checked_abs().map(Item::Integer),
        (Function::Abs, Item::Decimal(d), _) => Some(Item::Decimal(d.abs())),
        (Function::Abs, Item::Quantity(q), _) => Some(Item::Quantity(Box::new(Quantity { value: q.value.abs(), unit: q.unit.clone() }))),
        (Function::Ceiling, own, _) => whole(decimal(own).ok_or_else(|| needed(at))?.ceil()),
        (Function::Floor, own, _) => whole(decimal(own).ok_or_else(|| needed(at))?.floor()),
        (Function::Truncate, own, _) => whole(decimal(own).ok_or_else(|| needed(at))?.trunc()),
        (Function::Round, Item::Quantity(q), digits) => {
            let Some(digits) = places(digits, cx, at)? else { return Ok(Items::None) };
            Some(Item::Quantity(Box::new(Quantity { value: round(q.value, digits), unit: q.unit.clone() })))
        }
        (Function::Round, own, digits) => {
            let number = decimal(own).ok_or_else(|| needed(at))?;
            let Some(digits) = places(digits, cx, at)? else { return Ok(Items::None) };
            if digits == 0 { whole(round(number, 0)) } else { Some(Item::Decimal(round(number, digits))) }
        }
        (Function::Exp, own, _) => real(own, at)?.map(f64::exp).and_then(rounded),
        (Function::Ln, own, _) => real(own, at)?.filter(|x| *x > 0.0).map(f64::ln).and_then(rounded),
        (Function::Sqrt, own, _) => real(own, at)?.filter(|x| *x >= 0.0).map(f64::sqrt).and_then(rounded),
        (Function::Log | Function::Power, own, [argument, ..]) => {
            let Some(other) = single(argument, cx)? else { return Ok(Items::None) };
            let Some(other) = value::value(&other, cx.env.definitions) else { return Err(needed(argument.at)) };
            if function == Function::Log {
                let (x, base) = (real(own, at)?, real(&other, argument.at)?);
                x.zip(base).filter(|(x, base)| *x > 0.0 && *base > 0.0).map(|(x, base)| x.ln() / base.ln()).and_then(rounded)
            } else {
                power(own, &other, argument.at)?
            }
        }
        _ => return Err(needed(at)),
    };
    Ok(result.into())
}

fn whole(number: Decimal) -> Option<Item<'static>> {
    number.to_i64().map(Item::Integer)
}

/// The number of places that `round` was asked for, 0 without; nothing where it is empty.
fn places<'t>(arguments: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Option<u32>> {
    let [argument, ..] = arguments else { return Ok(Some(0)) };
    match integer(argument, cx)? {
        None => Ok(None),
        Some(n) => match u32::try_from(n) {
            Ok(n) => Ok(Some(n)),
            Err(_) => Err(Fault::execution(at, "小数位数不能为负", "the number of places cannot be negative")),
        },
    }
}

fn round(number: Decimal, places: u32) -> Decimal {
    number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

fn real(item: &Item<'_>, at: u32) -> Eval<Option<f64>> {
    Ok(decimal(item).ok_or_else(|| needed(at))?.to_f64())
}

/// A binary number as a decimal; what is no number or too large gives nothing.
fn rounded(number: f64) -> Option<Item<'static>> {
    Decimal::from_f64(number)?.round_sf(14).map(|d| Item::Decimal(d.normalize()))
}

/// Exact for whole exponents.
fn power(base: &Item<'_>, exponent: &Item<'_>, at: u32) -> Eval<Option<Item<'static>>> {
    if let Item::Integer(n) = exponent
        && let Ok(n) = u32::try_from(*n)
    {
        if let Item::Integer(base) = base {
            return Ok(base.checked_pow(n).map(Item::Integer));
        }
        let number = decimal(base).ok_or_else(|| needed(at))?;
        return Ok(exact_power(number, n).map(Item::Decimal));
    }
    let (Some(base), Some(exponent)) = (real(base, at)?, real(exponent, at)?) else { return Ok(None) };
    Ok(rounded(base.powf(exponent)))
}

fn exact_power(number: Decimal, exponent: u32) -> Option<Decimal> {
    let (mut result, mut square, mut left) = (Decimal::ONE, number, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = result.checked_mul(square)?;
        }
        left >>= 1;
        if left > 0 {
            square = square.checked_mul(square)?;
        }
    }
    Some(result)
}
