//! Dates plus and minus durations (N1 §6.6.7), and shifts between zones.

use super::{Moment, Precision, days_in_month};
use crate::calendar::{civil, days};
use crate::fhirpath::quantity::Calendar;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

const DAY: i64 = 86_400;

impl Moment {
    /// Seconds since 1970-01-01T00:00 of its own clock, fraction left out.
    pub(super) fn seconds(&self) -> i64 {
        days(i64::from(self.year), i64::from(self.month), i64::from(self.day)) * DAY
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }

    /// The same with another clock reading; `None` outside the years 1 to 9999.
    fn with_seconds(mut self, seconds: i64) -> Option<Moment> {
        let (year, month, day) = civil(seconds.div_euclid(DAY));
        let of_day = seconds.rem_euclid(DAY);
        self.year = i32::try_from(year).ok().filter(|y| (1..=9999).contains(y))?;
        self.month = u8::try_from(month).ok()?;
        self.day = u8::try_from(day).ok()?;
        self.hour = u8::try_from(of_day / 3600).ok()?;
        self.minute = u8::try_from(of_day / 60 % 60).ok()?;
        self.second = u8::try_from(of_day % 60).ok()?;
        Some(self)
    }

    /// The dateTime of an instant (milliseconds since 1970 in UTC), for [`Env::now`](crate::fhirpath::Env::now); `None`
    /// outside the years 1 to 9999.
    pub fn from_unix_ms(milliseconds: i64) -> Option<Moment> {
        let mut out = super::EMPTY.with_seconds(milliseconds.div_euclid(1000))?;
        out.nanosecond = u32::try_from(milliseconds.rem_euclid(1000)).ok()? * 1_000_000;
        (out.fraction_digits, out.precision, out.zone) = (3, Precision::Second, Some(0));
        Some(out)
    }

    /// The same instant in UTC.
    pub(super) fn to_utc(self) -> Option<Moment> {
        let zone = self.zone.unwrap_or(0);
        let mut out = self.with_seconds(self.seconds() - i64::from(zone) * 60)?;
        out.zone = Some(0);
        Some(out)
    }

    fn add_months(mut self, months: i64) -> Option<Moment> {
        let total = i64::from(self.year).checked_mul(12)?.checked_add(i64::from(self.month) - 1)?.checked_add(months)?;
        self.year = i32::try_from(total.div_euclid(12)).ok().filter(|y| (1..=9999).contains(y))?;
        self.month = u8::try_from(total.rem_euclid(12) + 1).ok()?;
        self.day = self.day.min(days_in_month(self.year, self.month));
        Some(self)
    }

    /// Plus a duration. Its fraction is ignored; a unit smaller than the precision counts in whole units of the
    /// precision (30 days a month, 365 a year). `None` outside the years 1 to 9999.
    pub(in crate::fhirpath) fn add(self, amount: Decimal, unit: Calendar, is_time: bool) -> Option<Moment> {
        let amount = amount.round_dp_with_strategy(0, RoundingStrategy::ToZero).to_i64()?;
        let seconds = match unit {
            Calendar::Year | Calendar::Month if is_time => return None,
            Calendar::Year => return self.add_months(amount.checked_mul(12)?),
            Calendar::Month if self.precision == Precision::Year => return self.add_months((amount / 12).checked_mul(12)?),
            Calendar::Month => return self.add_months(amount),
            Calendar::Week => amount.checked_mul(7 * DAY)?,
            Calendar::Day => amount.checked_mul(DAY)?,
            Calendar::Hour => amount.checked_mul(3600)?,
            Calendar::Minute => amount.checked_mul(60)?,
            Calendar::Second => amount,
            Calendar::Millisecond => return self.add_milliseconds(amount, is_time),
        };
        self.add_seconds(seconds, is_time)
    }

    fn add_seconds(self, seconds: i64, is_time: bool) -> Option<Moment> {
        let whole = |unit: i64| (seconds / unit).checked_mul(unit);
        let seconds = match self.precision {
            Precision::Year => return self.add_months((seconds / (365 * DAY)).checked_mul(12)?),
            Precision::Month => return self.add_months(seconds / (30 * DAY)),
            Precision::Day => whole(DAY)?,
            Precision::Hour => whole(3600)?,
            Precision::Minute => whole(60)?,
            Precision::Second => seconds,
        };
        let total = self.seconds().checked_add(seconds)?;
        // a time goes round the clock
        let out =
            self.with_seconds(if is_time { self.seconds() - self.seconds().rem_euclid(DAY) + total.rem_euclid(DAY) } else { total })?;
        Some(out)
    }

    fn add_milliseconds(self, amount: i64, is_time: bool) -> Option<Moment> {
        if self.precision < Precision::Second {
            return self.add_seconds(amount / 1000, is_time);
        }
        let nanos = i128::from(self.nanosecond) + i128::from(amount) * 1_000_000;
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
        let mut out = self.add_seconds(seconds, is_time)?;
        out.nanosecond = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
        out.fraction_digits = out.fraction_digits.max(3);
        Some(out)
    }
}
