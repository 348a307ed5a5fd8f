//! Units of UCUM (The Unified Code for Units of Measure 2.2, case-sensitive form): validity, equivalence, conversion.
//!
//! [`grammar`] reads an expression and folds it into what is asked: nothing (validity) or a [`Canonical`]: powers of
//! the base units and an exact factor. The unit codes are `profiles/terminology/ucum.tsv`.
//!
//! As UCUM defines it, `mol` is a number (6.02214076 × 10²³) and annotations in braces mean 1. So `mmol/L` and
//! `10*9/L` are of one dimension, and so are `{cells}/uL` and `{copies}/uL`: that units can be converted does not mean
//! that the quantities may be compared. Arbitrary units (`[IU]`) are each a dimension of their own.

mod canonical;
mod factor;
mod grammar;
mod scale;
mod spelling;

pub use canonical::Canonical;
pub use grammar::is_valid;
pub use spelling::code_of;

use rust_decimal::Decimal;

/// Whether quantities in two units are of one dimension, so that [`convert`] can be asked.
pub fn is_comparable(a: &str, b: &str) -> bool {
    match (Canonical::of(a), Canonical::of(b)) {
        (Some(a), Some(b)) => a.is_comparable(&b),
        _ => false,
    }
}

/// Whether two expressions mean the same unit: `umol/L` and `nmol/mL`, `L` and `dm3`, `10*9/L` and `10*3/uL`.
pub fn equivalent(a: &str, b: &str) -> bool {
    match (Canonical::of(a), Canonical::of(b)) {
        (Some(x), Some(y)) => x == y,
        _ => a == b && is_valid(a),
    }
}

/// A value in another unit; `None` where the units are not of one dimension or the result is out of range.
///
/// Exact where the ratio of the units is a finite decimal, else rounded to 28 digits; on a logarithmic scale (`[pH]`,
/// `dB`) to 15 digits. Has no trailing zeros.
pub fn convert(value: Decimal, from: &str, to: &str) -> Option<Decimal> {
    if from == to && is_valid(from) {
        return Some(value);
    }
    scale::convert(value, &Canonical::of(from)?, &Canonical::of(to)?)
}

/// The value in base units, with their expression: `(5, "mmol/L")` gives 3011070380000000000000, `m-3`. Two
/// quantities are equal where both are.
pub fn to_base(value: Decimal, unit: &str) -> Option<(Decimal, String)> {
    let from = Canonical::of(unit)?;
    let base = from.base();
    Some((scale::convert(value, &from, &base)?, base.to_string()))
}

/// The name of a unit code without prefix: `meter` for `m`.
pub fn name(code: &str) -> Option<&'static str> {
    grammar::atom(code).map(|a| a.name).filter(|n| !n.is_empty())
}

/// Unit codes without prefix, with their names, in no order.
pub fn atoms() -> impl Iterator<Item = (&'static str, &'static str)> {
    grammar::atoms().map(|(code, atom)| (code, atom.name))
}

#[cfg(test)]
mod tests;
