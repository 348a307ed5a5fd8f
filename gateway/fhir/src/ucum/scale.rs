//! Conversion, also of units on scales of their own: temperatures (exact) and levels (in binary fractions).

use super::canonical::Canonical;
use super::factor::Factor;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Digits that a result in binary fractions keeps.
const DIGITS: u32 = 15;

/// How a value on a scale of its own becomes one in base units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scale {
    /// `(value + offset / 100) · factor`
    Affine { offset: i64, factor: Factor },
    /// A function of the value, times `factor`.
    Curve { curve: Curve, factor: Factor },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Curve {
    /// `base^(value / divisor)`; a base of 0 is e. A negative divisor makes it fall (pH).
    Power { base: u32, divisor: i32 },
    /// `arctan(value / 100)`
    Tangent,
    /// `value²`
    Square,
}

impl Scale {
    /// By the function's name in UCUM's table (§46 to §50), with the factor of its unit and of its value.
    pub(super) fn named(name: &str, unit: Factor, value: Factor) -> Option<Scale> {
        let power = |base, divisor| Curve::Power { base, divisor };
        let factor = unit.times(value)?;
        let curve = match name {
            "Cel" => return Some(Scale::Affine { offset: 27_315, factor }),
            "degF" => return Some(Scale::Affine { offset: 45_967, factor }),
            "degRe" => return Some(Scale::Affine { offset: 21_852, factor }),
            "ln" => power(0, 1),
            "lg" => power(10, 1),
            "lgTimes2" => power(10, 2),
            "ld" => power(2, 1),
            "pH" => power(10, -1),
            "hpX" => power(10, -1),
            "hpC" => power(100, -1),
            "hpM" => power(1000, -1),
            "hpQ" => power(50_000, -1),
            "tanTimes100" | "100tan" => Curve::Tangent,
            "sqrt" => Curve::Square,
            _ => return None,
        };
        Some(Scale::Curve { curve, factor })
    }
}

impl Curve {
    fn to_base(self, value: f64) -> f64 {
        match self {
            Curve::Power { base: 0, divisor } => (value / f64::from(divisor)).exp(),
            Curve::Power { base, divisor } => f64::from(base).powf(value / f64::from(divisor)),
            Curve::Tangent => (value / 100.0).atan(),
            Curve::Square => value * value,
        }
    }

    fn of_base(self, value: f64) -> f64 {
        match self {
            Curve::Power { base: 0, divisor } => value.ln() * f64::from(divisor),
            Curve::Power { base: 10, divisor } => value.log10() * f64::from(divisor),
            Curve::Power { base, divisor } => value.ln() / f64::from(base).ln() * f64::from(divisor),
            Curve::Tangent => value.tan() * 100.0,
            Curve::Square => value.sqrt(),
        }
    }
}

fn of_f64(value: f64) -> Option<Decimal> {
    Decimal::from_f64_retain(value)?.round_sf(DIGITS).map(|d| d.normalize())
}

/// See [`super::convert`].
pub(super) fn convert(value: Decimal, from: &Canonical, to: &Canonical) -> Option<Decimal> {
    if !from.is_comparable(to) {
        return None;
    }
    match (from.scale, to.scale) {
        (None, None) => from.factor.times(to.factor.inverse())?.apply(value),
        (a, b) if a == b => from.factor.times(to.factor.inverse())?.apply(value),
        (Some(Scale::Curve { .. }), _) | (_, Some(Scale::Curve { .. })) => {
            let value = value.to_f64()?;
            let base = match from.scale {
                Some(Scale::Curve { curve, factor }) => curve.to_base(value * from.factor.to_f64()) * factor.to_f64(),
                _ => to_base(Decimal::from_f64_retain(value)?, from)?.to_f64()?,
            };
            match to.scale {
                Some(Scale::Curve { curve, factor }) => of_f64(curve.of_base(base / factor.to_f64()) / to.factor.to_f64()),
                Some(Scale::Affine { .. }) => from_base(of_f64(base)?, to),
                None => of_f64(base / to.factor.to_f64()),
            }
        }
        _ => from_base(to_base(value, from)?, to),
    }
}

fn to_base(value: Decimal, from: &Canonical) -> Option<Decimal> {
    let value = from.factor.apply(value)?;
    match from.scale {
        Some(Scale::Affine { offset, factor }) => factor.apply(value.checked_add(Decimal::new(offset, 2))?),
        _ => Some(value),
    }
}

fn from_base(value: Decimal, to: &Canonical) -> Option<Decimal> {
    let value = match to.scale {
        Some(Scale::Affine { offset, factor }) => factor.inverse().apply(value)?.checked_sub(Decimal::new(offset, 2))?,
        _ => value,
    };
    to.factor.inverse().apply(value)
}
