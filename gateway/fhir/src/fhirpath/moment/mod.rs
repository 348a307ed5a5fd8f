//! Dates, dateTimes and times to whatever precision they are written (N1 §4.1.5 to §4.1.7).
//!
//! A value stands for all instants of its last written unit: 2018-03 and 2018-03-01 are neither equal nor ordered.
//! Seconds and their fraction are one unit. Values with a zone are compared as instants; a date has no zone and is
//! compared with the day that a dateTime names in its own zone.

mod arithmetic;
mod boundary;

use super::item::Item;
use std::cmp::Ordering;

/// The last unit that is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A date, dateTime or time. What lies beyond its precision has its least value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub year: i32,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    /// Written digits of the fraction of a second, at most 9.
    pub fraction_digits: u8,
    pub precision: Precision,
    pub nanosecond: u32,
    /// Offset from UTC in minutes.
    pub zone: Option<i16>,
}

const EMPTY: Moment = Moment {
    year: 1970,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    fraction_digits: 0,
    precision: Precision::Year,
    nanosecond: 0,
    zone: None,
};

/// What a text may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Date,
    DateTime,
}

/// The number of `len` digits at the start, and what follows.
fn digits(text: &str, len: usize) -> Option<(u32, &str)> {
    let (head, rest) = (text.get(..len)?, text.get(len..)?);
    if !head.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((head.parse().ok()?, rest))
}

/// A part behind its mark, in its range; `None` in the option where the mark is not there.
fn part(text: &str, mark: char, range: std::ops::RangeInclusive<u32>) -> Option<(Option<u8>, &str)> {
    let Some(rest) = text.strip_prefix(mark) else { return Some((None, text)) };
    let (number, rest) = digits(rest, 2)?;
    if range.contains(&number) { Some((u8::try_from(number).ok(), rest)) } else { None }
}

/// What follows `@`: a Date, DateTime or Time.
pub(super) fn literal(text: &str) -> Option<Item<'static>> {
    if let Some(time) = text.strip_prefix('T') {
        return Moment::time(time).map(Item::Time);
    }
    if text.contains('T') { Moment::date_time(text).map(Item::DateTime) } else { Moment::date(text).map(Item::Date) }
}

impl Moment {
    /// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`.
    pub fn date(text: &str) -> Option<Moment> {
        Moment::read(text, Form::Date)
    }

    /// A date, or `YYYY-MM-DDThh[:mm[:ss[.f]]][zone]`; `YYYYT` too.
    pub fn date_time(text: &str) -> Option<Moment> {
        Moment::read(text, Form::DateTime)
    }

    /// `hh[:mm[:ss[.f]]]`.
    pub fn time(text: &str) -> Option<Moment> {
        let mut out = EMPTY;
        let rest = out.read_time(text)?;
        rest.is_empty().then_some(out)
    }

    fn read(text: &str, form: Form) -> Option<Moment> {
        let mut out = EMPTY;
        let (year, rest) = digits(text, 4)?;
        out.year = i32::try_from(year).ok().filter(|y| *y > 0)?;
        let (month, mut rest) = part(rest, '-', 1..=12)?;
        if let Some(month) = month {
            (out.month, out.precision) = (month, Precision::Month);
            let (day, behind) = part(rest, '-', 1..=31)?;
            rest = behind;
            if let Some(day) = day {
                (out.day, out.precision) = (day, Precision::Day);
                if day > days_in_month(out.year, month) {
                    return None;
                }
            }
        }
        if let Some(time) = rest.strip_prefix('T').filter(|_| form == Form::DateTime) {
            rest = time;
            if !time.is_empty() {
                if out.precision != Precision::Day {
                    return None;
                }
                rest = out.read_time(time)?;
                (out.zone, rest) = zone(rest)?;
            }
        }
        rest.is_empty().then_some(out)
    }

    /// Reads `hh[:mm[:ss[.f]]]` into the value; gives what follows.
    fn read_time<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let (hour, rest) = digits(text, 2)?;
        self.hour = u8::try_from(hour).ok().filter(|h| *h < 24)?;
        self.precision = Precision::Hour;
        let (minute, rest) = part(rest, ':', 0..=59)?;
        let Some(minute) = minute else { return Some(rest) };
        (self.minute, self.precision) = (minute, Precision::Minute);
        let (second, rest) = part(rest, ':', 0..=60)?;
        let Some(second) = second else { return Some(rest) };
        (self.second, self.precision) = (second, Precision::Second);
        let Some(fraction) = rest.strip_prefix('.') else { return Some(rest) };
        let len = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if len == 0 {
            return None;
        }
        // beyond nanoseconds nothing is kept
        let kept = len.min(9);
        let number: u32 = fraction.get(..kept)?.parse().ok()?;
        self.fraction_digits = u8::try_from(kept).ok()?;
        self.nanosecond = number * 10u32.pow(9 - u32::from(self.fraction_digits));
        fraction.get(len..)
    }

    /// Its day, without the time.
    pub(super) fn at_midnight(&self) -> Moment {
        Moment { hour: 0, minute: 0, second: 0, nanosecond: 0, fraction_digits: 0, ..*self }
    }

    /// Its time, without the day.
    pub(super) fn time_of_day(&self) -> Moment {
        Moment { year: EMPTY.year, month: EMPTY.month, day: EMPTY.day, zone: None, ..*self }
    }

    /// Whether it names a time of day.
    fn has_time(&self) -> bool {
        self.precision >= Precision::Hour
    }

    /// A unit's value; seconds with their fraction.
    fn unit(&self, unit: Precision) -> i64 {
        match unit {
            Precision::Year => i64::from(self.year),
            Precision::Month => i64::from(self.month),
            Precision::Day => i64::from(self.day),
            Precision::Hour => i64::from(self.hour),
            Precision::Minute => i64::from(self.minute),
            Precision::Second => i64::from(self.second) * 1_000_000_000 + i64::from(self.nanosecond),
        }
    }

    /// Order of two dates and dateTimes, or of two times; `None` where their precisions leave it open.
    pub fn compare(&self, other: &Moment) -> Option<Ordering> {
        match (self.zone, other.zone) {
            (Some(a), Some(b)) if a != b => self.to_utc()?.by_units(&other.to_utc()?),
            // no zone said: up to 14 hours ahead of UTC or 12 behind it
            (Some(_), None) if other.has_time() => self.to_utc()?.against_local(other),
            (None, Some(_)) if self.has_time() => other.to_utc()?.against_local(self).map(Ordering::reverse),
            _ => self.by_units(other),
        }
    }

    fn by_units(&self, other: &Moment) -> Option<Ordering> {
        const UNITS: [Precision; 6] =
            [Precision::Year, Precision::Month, Precision::Day, Precision::Hour, Precision::Minute, Precision::Second];
        for unit in UNITS {
            match (self.precision >= unit, other.precision >= unit) {
                (true, true) => match self.unit(unit).cmp(&other.unit(unit)) {
                    Ordering::Equal => {}
                    decided => return Some(decided),
                },
                (false, false) => return Some(Ordering::Equal),
                _ => return None,
            }
        }
        Some(Ordering::Equal)
    }

    /// A value in UTC against one whose zone is not said.
    fn against_local(&self, local: &Moment) -> Option<Ordering> {
        const HOUR: i64 = 3600;
        let difference = self.seconds() - local.seconds();
        if difference > 12 * HOUR {
            Some(Ordering::Greater)
        } else if difference < -14 * HOUR {
            Some(Ordering::Less)
        } else {
            None
        }
    }

    /// Equivalence: the same precision, and the same instant.
    pub fn is_equivalent(&self, other: &Moment) -> bool {
        self.precision == other.precision && self.compare(other) == Some(Ordering::Equal)
    }
}

/// `Z`, `±hh:mm` or nothing; gives what follows.
fn zone(text: &str) -> Option<(Option<i16>, &str)> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some((Some(0), rest));
    }
    let sign = match text.bytes().next() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Some((None, text)),
    };
    let (hours, rest) = digits(text.get(1..)?, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let total = i16::try_from(hours * 60 + minutes).ok().filter(|t| *t <= 14 * 60 && minutes < 60)?;
    Some((Some(sign * total), rest))
}

fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// As ISO 8601 to its precision; a time without `T`.
pub(super) fn show(moment: &Moment, is_time: bool) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(32);
    let p = moment.precision;
    if !is_time {
        let _ = write!(out, "{:04}", moment.year);
        for (unit, value) in [(Precision::Month, moment.month), (Precision::Day, moment.day)] {
            if p >= unit {
                let _ = write!(out, "-{value:02}");
            }
        }
        if p >= Precision::Hour {
            out.push('T');
        }
    }
    if p >= Precision::Hour {
        let _ = write!(out, "{:02}", moment.hour);
    }
    if p >= Precision::Minute {
        let _ = write!(out, ":{:02}", moment.minute);
    }
    if p >= Precision::Second {
        let _ = write!(out, ":{:02}", moment.second);
        if moment.fraction_digits > 0 {
            let nanos = format!("{:09}", moment.nanosecond);
            let _ = write!(out, ".{}", &nanos[..usize::from(moment.fraction_digits)]);
        }
    }
    match moment.zone {
        Some(0) => out.push('Z'),
        Some(zone) => {
            let _ = write!(out, "{}{:02}:{:02}", if zone < 0 { '-' } else { '+' }, zone.abs() / 60, zone.abs() % 60);
        }
        None => {}
    }
    out
}

#[cfg(test)]
mod tests;
