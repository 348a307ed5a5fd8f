//! Quantities side by side.

use hutong_fhir::{NodeRef, decimal, ucum};
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::str::FromStr;

const UCUM: &str = "http://unitsofmeasure.org";

/// Why two quantities can not be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unlike {
    /// One of them has no coded unit.
    NoUnit,
    /// Their units measure different things, or are not known.
    Units,
}

/// `a` relative to `b`, their coded units taken into account.
pub(super) fn compare(a: NodeRef<'_>, b: NodeRef<'_>) -> Result<Ordering, Unlike> {
    let unit = |q: NodeRef<'_>| Some((q.at("system")?.to_owned(), q.at("code")?.to_owned()));
    let (of_a, of_b) = (unit(a).ok_or(Unlike::NoUnit)?, unit(b).ok_or(Unlike::NoUnit)?);
    let (value_a, value_b) = (a.at("value").unwrap_or("0"), b.at("value").unwrap_or("0"));
    if of_a == of_b {
        return decimal::compare(value_a, value_b).ok_or(Unlike::Units);
    }
    let base = |value: &str, (system, code): &(String, String)| {
        let value = Decimal::from_str(value).or_else(|_| Decimal::from_scientific(value)).ok()?;
        if system == UCUM { ucum::to_base(value, code) } else { None }
    };
    match (base(value_a, &of_a), base(value_b, &of_b)) {
        (Some((a, unit_a)), Some((b, unit_b))) if unit_a == unit_b => Ok(a.cmp(&b)),
        _ => Err(Unlike::Units),
    }
}

/// Digits after the decimal point.
pub(super) fn decimal_places(value: &str) -> usize {
    let mantissa = value.split(['e', 'E']).next().unwrap_or(value);
    mantissa.split_once('.').map_or(0, |(_, places)| places.len())
}
