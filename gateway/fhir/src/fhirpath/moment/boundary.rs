//! The least and the greatest instant that a partial value can stand for (`lowBoundary()`, `highBoundary()`), and its
//! number of digits (`precision()`).

use super::{Moment, Precision, days_in_month};

/// Digits up to each precision of dates (YYYYMMDDhhmmssfff) and times (hhmmssfff).
const DATE_DIGITS: [(u32, Precision); 7] = [
    (4, Precision::Year),
    (6, Precision::Month),
    (8, Precision::Day),
    (10, Precision::Hour),
    (12, Precision::Minute),
    (14, Precision::Second),
    (17, Precision::Second),
];

const TIME_DIGITS: [(u32, Precision); 4] = [(2, Precision::Hour), (4, Precision::Minute), (6, Precision::Second), (9, Precision::Second)];

fn table(is_time: bool) -> &'static [(u32, Precision)] {
    if is_time { &TIME_DIGITS } else { &DATE_DIGITS }
}

impl Moment {
    /// How many digits are written, fractions counted as milliseconds.
    pub(in crate::fhirpath) fn digits(&self, is_time: bool) -> u32 {
        let fraction = self.fraction_digits > 0;
        let mut fitting = table(is_time).iter().filter(|(_, p)| *p == self.precision).map(|(digits, _)| *digits);
        let first = fitting.next().unwrap_or(0);
        if fraction { fitting.next().unwrap_or(first) } else { first }
    }

    /// The boundary to a number of digits; `None` where there is no such precision.
    pub(in crate::fhirpath) fn boundary(mut self, high: bool, digits: u32, is_time: bool) -> Option<Moment> {
        let (_, precision) = *table(is_time).iter().find(|(d, _)| *d == digits)?;
        let missing = |unit: Precision| self.precision < unit;
        let without_fraction = self.fraction_digits == 0;
        if high {
            if missing(Precision::Month) && !is_time {
                self.month = 12;
            }
            if missing(Precision::Day) && !is_time {
                self.day = days_in_month(self.year, self.month);
            }
            if missing(Precision::Hour) {
                self.hour = 23;
            }
            if missing(Precision::Minute) {
                self.minute = 59;
            }
            if missing(Precision::Second) {
                self.second = 59;
            }
            if without_fraction {
                self.nanosecond = 999_000_000;
            }
        }
        let milliseconds = matches!(digits, 17) || is_time && digits == 9;
        self.fraction_digits = if milliseconds { 3 } else { 0 };
        self.nanosecond = if milliseconds { self.nanosecond / 1_000_000 * 1_000_000 } else { 0 };
        self.precision = precision;
        if is_time || precision < Precision::Hour {
            self.zone = None;
        } else if self.zone.is_none() {
            // the instant is earliest where the clock is furthest ahead
            self.zone = Some(if high { -12 * 60 } else { 14 * 60 });
        }
        Some(self)
    }
}
