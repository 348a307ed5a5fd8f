//! Quantities: a number with a UCUM unit or a calendar duration (N1 §2.1.6, §4.1.8).

use rust_decimal::{Decimal, RoundingStrategy};
use std::borrow::Cow;
use std::cmp::Ordering;

/// The unit of a quantity.
#[derive(Clone, PartialEq, Eq)]
pub enum Unit<'t> {
    /// A calendar duration: its index in [`CALENDAR`].
    Calendar(Calendar),
    /// A UCUM code, or the unit as it is written where there is no code.
    Code(Cow<'t, str>),
}

/// A number with a unit.
#[derive(Clone)]
pub struct Quantity<'t> {
    pub value: Decimal,
    pub unit: Unit<'t>,
}

/// Units of calendar durations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Calendar {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

const CALENDAR: [(Calendar, &str, &str, &str); 8] = [
    (Calendar::Year, "year", "years", "a"),
    (Calendar::Month, "month", "months", "mo"),
    (Calendar::Week, "week", "weeks", "wk"),
    (Calendar::Day, "day", "days", "d"),
    (Calendar::Hour, "hour", "hours", "h"),
    (Calendar::Minute, "minute", "minutes", "min"),
    (Calendar::Second, "second", "seconds", "s"),
    (Calendar::Millisecond, "millisecond", "milliseconds", "ms"),
];

impl Calendar {
    /// By its keyword, singular or plural.
    pub(super) fn named(word: &str) -> Option<Calendar> {
        CALENDAR.iter().find(|(_, one, many, _)| *one == word || *many == word).map(|(unit, ..)| *unit)
    }

    /// By the UCUM code of about the same length.
    pub(super) fn of_ucum(code: &str) -> Option<Calendar> {
        CALENDAR.iter().find(|(.., ucum)| *ucum == code).map(|(unit, ..)| *unit)
    }

    pub(super) fn name(self) -> &'static str {
        CALENDAR[self as usize].1
    }

    pub(super) fn ucum(self) -> &'static str {
        CALENDAR[self as usize].3
    }
}

impl Unit<'_> {
    /// As it is written: `mg`, `day`.
    pub fn text(&self) -> &str {
        match self {
            Unit::Calendar(unit) => unit.name(),
            Unit::Code(code) => code,
        }
    }
}

impl std::fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.unit {
            Unit::Calendar(unit) => write!(f, "{} {}", self.value, unit.name()),
            Unit::Code(code) => write!(f, "{} '{code}'", self.value),
        }
    }
}

/// A value in the base of what its unit can be compared with: months for years and months, UCUM for the rest.
enum Base<'a> {
    Months,
    Code(&'a str),
}

impl Quantity<'_> {
    fn base(&self) -> Option<(Decimal, Base<'_>)> {
        Some(match &self.unit {
            Unit::Calendar(Calendar::Year) => (self.value.checked_mul(Decimal::from(12))?, Base::Months),
            Unit::Calendar(Calendar::Month) => (self.value, Base::Months),
            Unit::Calendar(unit) => (self.value, Base::Code(unit.ucum())),
            Unit::Code(code) => (self.value, Base::Code(code)),
        })
    }

    /// Order; `None` where the units cannot be compared. A calendar year or month is of no definite length, so that
    /// neither compares with UCUM's `a` and `mo` (N1 §6.1.1).
    pub fn compare(&self, other: &Quantity<'_>) -> Option<Ordering> {
        match (self.base()?, other.base()?) {
            ((a, Base::Months), (b, Base::Months)) => Some(a.cmp(&b)),
            ((a, Base::Code(from)), (b, Base::Code(to))) => Some(a.cmp(&convert(b, to, from)?)),
            _ => None,
        }
    }

    /// Whether the units measure the same.
    pub fn is_comparable(&self, other: &Quantity<'_>) -> bool {
        self.compare(other).is_some()
    }

    /// Equivalence: in the larger of both units, rounded to the less precise value; `year` is `a` here.
    pub fn is_equivalent(&self, other: &Quantity<'_>) -> bool {
        let code = |unit: &Unit<'_>| match unit {
            Unit::Calendar(unit) => unit.ucum().to_owned(),
            Unit::Code(code) => code.clone().into_owned(),
        };
        let (a, b) = (code(&self.unit), code(&other.unit));
        let converted = match convert(Decimal::ONE, &b, &a) {
            Some(factor) if factor <= Decimal::ONE => convert(other.value, &b, &a).map(|value| (self.value, value)),
            Some(_) => convert(self.value, &a, &b).map(|value| (value, other.value)),
            None => None,
        };
        converted.is_some_and(|(a, b)| decimals_equivalent(a, b))
    }

    /// The same in another unit.
    pub(super) fn to_unit(&self, unit: &str) -> Option<Decimal> {
        match self.base()? {
            (_, Base::Months) => None,
            (value, Base::Code(from)) => convert(value, from, unit),
        }
    }
}

/// Whether two decimals are equal when rounded to the less precise of them, zeros at the end left out (N1 §6.1.3).
pub(super) fn decimals_equivalent(a: Decimal, b: Decimal) -> bool {
    let digits = a.normalize().scale().min(b.normalize().scale());
    let round = |d: Decimal| d.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    round(a) == round(b)
}

/// A value in another UCUM unit; a unit that is no UCUM code is comparable with itself only.
fn convert(value: Decimal, from: &str, to: &str) -> Option<Decimal> {
    if from == to { Some(value) } else { crate::ucum::convert(value, from, to) }
}
