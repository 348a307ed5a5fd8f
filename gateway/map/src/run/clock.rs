//! Dates and times: HL7 v2's forms, the forms that Chinese systems really send, to FHIR's. No precision is invented.

use hutong_decode::v2::Message;

/// A point in time as precise as it was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment<'t> {
    pub year: u16,
    pub month: Option<u8>,
    pub day: Option<u8>,
    pub time: Option<Time<'t>>,
    /// Minutes east of UTC.
    pub zone: Option<i16>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Time<'t> {
    pub hour: u8,
    /// v2 allows an hour alone; FHIR does not.
    pub minute: Option<u8>,
    pub second: Option<u8>,
    /// Digits behind the point.
    pub fraction: &'t str,
}

/// HL7 allows four digits of a second; more are kept up to this.
const FRACTION_DIGITS_MAX: usize = 9;

impl<'t> Moment<'t> {
    /// `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+ZZZZ]`, also `YYYY-MM-DD[ T]HH:MM[:SS]`, `YYYY/M/D`, `YYYY年M月D日`. `None` where
    /// it is none of these, or no such day or hour exists.
    pub(crate) fn read(text: &'t str) -> Option<Moment<'t>> {
        let text = text.trim();
        let (text, zone) = split_zone(text)?;
        let compact =
            text.get(..4)?.bytes().all(|b| b.is_ascii_digit()) && text.as_bytes().get(4).is_none_or(|b| b.is_ascii_digit() || *b == b'.');
        let moment = if compact { compact_form(text, zone)? } else { written_form(text, zone)? };
        moment.is_real().then_some(moment.settled())
    }

    fn is_real(&self) -> bool {
        if self.year == 0 {
            return false;
        }
        let Some(month) = self.month else { return self.time.is_none() };
        if !(1..=12).contains(&month) {
            return false;
        }
        let Some(day) = self.day else { return self.time.is_none() };
        if day == 0 || day > days_in_month(self.year, month) {
            return false;
        }
        let Some(t) = self.time else { return true };
        let midnight = t.hour == 24 && t.minute.unwrap_or(0) == 0 && t.second.unwrap_or(0) == 0;
        (t.hour < 24 || midnight) && t.minute.unwrap_or(0) < 60 && t.second.unwrap_or(0) <= 60
    }

    /// 24:00 is 00:00 of the next day.
    fn settled(mut self) -> Moment<'t> {
        if let (Some(t), Some(month), Some(day)) = (self.time.as_mut(), self.month, self.day)
            && t.hour == 24
        {
            t.hour = 0;
            let (y, m, d) = next_day(self.year, month, day);
            (self.year, self.month, self.day) = (y, Some(m), Some(d));
        }
        self
    }

    /// FHIR `date`.
    pub(crate) fn date(&self) -> String {
        // a dateTime with a fraction is 33 characters long at most
        let mut out = String::with_capacity(33);
        push_two(&mut out, (self.year / 100) as u8);
        push_two(&mut out, (self.year % 100) as u8);
        for part in [self.month, self.day].into_iter().map_while(|p| p) {
            out.push('-');
            push_two(&mut out, part);
        }
        out
    }

    /// FHIR `dateTime`: a time of day needs minutes and a zone; without minutes the day is what is known.
    pub(crate) fn date_time(&self, zone: i16) -> String {
        let mut out = self.date();
        let Some((t, minute)) = self.time.and_then(|t| Some((t, t.minute?))) else { return out };
        for (mark, part) in [('T', t.hour), (':', minute), (':', t.second.unwrap_or(0))] {
            out.push(mark);
            push_two(&mut out, part);
        }
        push_fraction(&mut out, t.fraction);
        push_zone(&mut out, self.zone.unwrap_or(zone));
        out
    }

    /// FHIR `instant`: known to the minute at least. FHIR knows no minute without its seconds, in a dateTime neither.
    pub(crate) fn instant(&self, zone: i16) -> Option<String> {
        self.time.and_then(|t| t.minute)?;
        Some(self.date_time(zone))
    }

    /// FHIR `time`.
    pub(crate) fn time_of_day(&self) -> Option<String> {
        self.time.and_then(write_time)
    }

    /// The moment some minutes later; the precision stays.
    pub(crate) fn plus_minutes(mut self, minutes: i64) -> Option<Moment<'t>> {
        let t = self.time.as_mut()?;
        let total = i64::from(t.hour) * 60 + i64::from(t.minute?) + minutes;
        let days = total.div_euclid(1440);
        let rest = total.rem_euclid(1440);
        t.hour = u8::try_from(rest / 60).ok()?;
        t.minute = u8::try_from(rest % 60).ok();
        self.plus_days(days)
    }

    pub(crate) fn plus_days(mut self, days: i64) -> Option<Moment<'t>> {
        // a span longer than a century is no duration of a treatment
        if !(0..=36_525).contains(&days) {
            return None;
        }
        for _ in 0..days {
            let (y, m, d) = next_day(self.year, self.month?, self.day?);
            (self.year, self.month, self.day) = (y, Some(m), Some(d));
        }
        Some(self)
    }
}

/// `HHMM[SS[.S…]]` or `HH:MM[:SS]` as FHIR `time`.
pub(crate) fn read_time(text: &str) -> Option<String> {
    let (text, _) = split_zone(text.trim())?;
    let t = if text.contains(':') { colon_time(text)? } else { compact_time(text)? };
    (t.hour < 24 && t.minute.is_none_or(|m| m < 60) && t.second.is_none_or(|s| s < 60)).then_some(())?;
    write_time(t)
}

fn write_time(t: Time<'_>) -> Option<String> {
    let mut out = format!("{:02}:{:02}:{:02}", t.hour, t.minute?, t.second.unwrap_or(0));
    push_fraction(&mut out, t.fraction);
    Some(out)
}

fn push_fraction(out: &mut String, digits: &str) {
    if !digits.is_empty() {
        out.push('.');
        out.push_str(digits.get(..FRACTION_DIGITS_MAX).unwrap_or(digits));
    }
}

fn push_zone(out: &mut String, minutes: i16) {
    let m = minutes.unsigned_abs();
    out.push(if minutes < 0 { '-' } else { '+' });
    push_two(out, (m / 60 % 100) as u8);
    out.push(':');
    push_two(out, (m % 60) as u8);
}

/// Two digits; all that are written here are below 100.
fn push_two(out: &mut String, n: u8) {
    out.push(char::from(b'0' + n / 10 % 10));
    out.push(char::from(b'0' + n % 10));
}

/// Takes `+0800`, `+08:00` or `Z` off the end.
fn split_zone(text: &str) -> Option<(&str, Option<i16>)> {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return Some((rest.trim_end(), Some(0)));
    }
    let at = match text.rfind('+') {
        Some(at) => at,
        // a minus is a zone only behind a time of day
        None => match text.rfind('-') {
            Some(at) if at >= 10 && (!text.get(..10)?.contains('-') || text.get(..at)?.contains(':')) => at,
            _ => return Some((text, None)),
        },
    };
    let (rest, zone) = text.split_at(at);
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let known = match digits.len() {
        4 => (digits.get(..2)?.parse::<i16>().ok()?, digits.get(2..)?.parse::<i16>().ok()?),
        2 => (digits.parse::<i16>().ok()?, 0),
        _ => return None,
    };
    if known.0 > 14 || known.1 > 59 || known.0 == 14 && known.1 > 0 {
        return None;
    }
    let minutes = known.0 * 60 + known.1;
    Some((rest.trim_end(), Some(if zone.starts_with('-') { -minutes } else { minutes })))
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

fn compact_form(text: &str, zone: Option<i16>) -> Option<Moment<'_>> {
    let digits = text.split('.').next()?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).map(number::<u8>);
    // zeros at the end mean "not known" in the padded forms that some systems send
    let month = part(4).flatten().filter(|m| *m > 0 || digits.len() > 8);
    let day = part(6).flatten().filter(|d| *d > 0 || digits.len() > 8);
    let time = if digits.len() > 8 { Some(compact_time(text.get(8..)?)?) } else { None };
    let day = if month.is_none() { None } else { day };
    Some(Moment { year: number(digits.get(..4)?)?, month, day, time, zone })
}

fn compact_time(text: &str) -> Option<Time<'_>> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(digits.len(), 2 | 4 | 6) || !fraction.bytes().all(|b| b.is_ascii_digit()) || !fraction.is_empty() && digits.len() != 6 {
        return None;
    }
    let part = |from: usize| -> Option<Option<u8>> {
        match digits.get(from..from + 2) {
            None => Some(None),
            Some(two) => number(two).map(Some),
        }
    };
    Some(Time { hour: part(0)??, minute: part(2)?, second: part(4)?, fraction })
}

/// `2020-1-2 3:04:05`, `2020/01/02`, `2020年1月2日`, `2020-01-02T03:04`.
fn written_form(text: &str, zone: Option<i16>) -> Option<Moment<'_>> {
    let end = text.find([' ', 'T']).unwrap_or(text.len());
    let (date, rest) = text.split_at(end);
    let date = date.trim_end_matches(['日', '号', '月', '年']);
    let mut parts = date.split(['-', '/', '.', '年', '月']);
    let year = parts.next().filter(|y| y.len() == 4).and_then(number)?;
    let mut two = || -> Option<Option<u8>> {
        match parts.next() {
            None => Some(None),
            Some(p) if p.len() <= 2 => number(p).map(Some),
            Some(_) => None,
        }
    };
    let (month, day) = (two()?, two()?);
    if parts.next().is_some() {
        return None;
    }
    let rest = rest.trim_start_matches([' ', 'T']).trim_end();
    let time = if rest.is_empty() { None } else { Some(colon_time(rest)?) };
    Some(Moment { year, month, day, time, zone })
}

fn colon_time(text: &str) -> Option<Time<'_>> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.split(':');
    let mut two = || -> Option<Option<u8>> {
        match parts.next() {
            None => Some(None),
            Some(p) if p.len() <= 2 => number(p).map(Some),
            Some(_) => None,
        }
    };
    let (hour, minute, second) = (two()??, two()?, two()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Time { hour, minute, second, fraction })
}

/// Days of a month of the Gregorian calendar.
fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

fn next_day(year: u16, month: u8, day: u8) -> (u16, u8, u8) {
    if day < days_in_month(year, month) {
        (year, month, day + 1)
    } else if month < 12 {
        (year, month + 1, 1)
    } else {
        (year.saturating_add(1), 1, 1)
    }
}

/// The zone that MSH-7 names, which holds for all times of a message that name none (HL7 2.5 §2.15.9.7).
pub(super) fn zone_of(message: &Message<'_>) -> Option<i16> {
    let raw = message.header()?.field(7).value().raw();
    Moment::read(raw).and_then(|m| m.zone)
}

/// Whether a FHIR dateTime is not after another; false where the two cannot be compared, as per-1 has it.
pub(crate) fn in_order(start: &str, end: &str) -> bool {
    match (start.split_once('T'), end.split_once('T')) {
        (Some(_), Some(_)) => match (Moment::read(start).and_then(utc), Moment::read(end).and_then(utc)) {
            (Some(a), Some(b)) => a <= b,
            _ => start <= end,
        },
        (None, None) if start.len() == end.len() => start <= end,
        (a, b) => {
            let (a, b) = (a.map_or(start, |p| p.0), b.map_or(end, |p| p.0));
            let n = a.len().min(b.len());
            // the same as far as the shorter one goes: which is earlier is not known
            a.get(..n) < b.get(..n)
        }
    }
}

/// Seconds in UTC from an arbitrary day on; good for comparing.
fn utc(m: Moment<'_>) -> Option<i64> {
    let t = m.time?;
    let (year, month, day) = (i64::from(m.year), i64::from(m.month?), i64::from(m.day?));
    // days of years that begin in March, proleptic Gregorian
    let (y, shifted) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * shifted + 2) / 5 + day;
    let minutes = i64::from(t.hour) * 60 + i64::from(t.minute?) - i64::from(m.zone.unwrap_or(0));
    Some(days * 86_400 + minutes * 60 + i64::from(t.second.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_not_before_starts() {
        let cases = [
            ("2026-03-05", "2026-03-05", true),
            ("2026-03-05", "2026-03-04", false),
            ("2026-03-05T08:00:00+08:00", "2026-03-05T01:00:00Z", true),
            ("2026-03-05T08:00:00+08:00", "2026-03-04T23:59:00Z", false),
            ("2026-03-05T08:00:00+08:00", "2026-03-05", false),
            ("2026-03-05T08:00:00+08:00", "2026-03-06", true),
            ("2026-03", "2026-03-05", false),
            ("2025", "2026-03-05", true),
        ];
        for (start, end, expected) in cases {
            assert_eq!(in_order(start, end), expected, "{start} {end}");
        }
    }

    #[test]
    fn moments_keep_their_precision() {
        for (text, expect) in [
            ("2020", "2020"),
            ("202002", "2020-02"),
            ("20200229", "2020-02-29"),
            ("2020022912", "2020-02-29"),
            ("202002291230", "2020-02-29T12:30:00+08:00"),
            ("20200229123045", "2020-02-29T12:30:45+08:00"),
            ("20200229123045.1234", "2020-02-29T12:30:45.1234+08:00"),
            ("20200229123045.1-0500", "2020-02-29T12:30:45.1-05:00"),
            ("20200229123045+0000", "2020-02-29T12:30:45+00:00"),
            ("20200229+0800", "2020-02-29"),
            ("2020-02-29", "2020-02-29"),
            ("2020/2/9", "2020-02-09"),
            ("2020-02-29 12:30:45", "2020-02-29T12:30:45+08:00"),
            ("2020/02/29 1:05", "2020-02-29T01:05:00+08:00"),
            ("2020-02-29T12:30:45Z", "2020-02-29T12:30:45+00:00"),
            ("2020-02-29T12:30:45-03:30", "2020-02-29T12:30:45-03:30"),
            ("2020年2月9日", "2020-02-09"),
            ("2020年2月", "2020-02"),
            ("202002292400", "2020-03-01T00:00:00+08:00"),
            ("20191231240000", "2020-01-01T00:00:00+08:00"),
            ("20200229123060", "2020-02-29T12:30:60+08:00"),
            ("20200000", "2020"),
            ("20200500", "2020-05"),
            // no such time
            ("20200230", "-"),
            ("20201301", "-"),
            ("00000000", "-"),
            ("0000", "-"),
            ("20200229250000", "-"),
            ("20200229126100", "-"),
            ("2020022", "-"),
            ("2020-02-30", "-"),
            ("yesterday", "-"),
            ("20200229123045+1500", "-"),
            ("", "-"),
            ("2020-02-29 12:30:45:1", "-"),
            ("昨天下午三点", "-"),
        ] {
            let got = Moment::read(text).map_or("-".to_owned(), |m| m.date_time(480));
            assert_eq!(got, expect, "{text}");
            if got != "-" {
                assert!(hutong_fhir::primitive::Primitive::DateTime.check_text(&got).is_ok(), "{got}");
            }
        }
    }

    #[test]
    fn an_instant_is_known_to_the_minute() {
        for (text, expect) in [
            ("202002291230", Some("2020-02-29T12:30:00+08:00")),
            ("2020022912", None),
            ("20200229123045", Some("2020-02-29T12:30:45+08:00")),
            ("20200229", None),
        ] {
            assert_eq!(Moment::read(text).and_then(|m| m.instant(480)).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn times_of_day() {
        for (text, expect) in [
            ("1230", Some("12:30:00")),
            ("123045.5", Some("12:30:45.5")),
            ("8:05", Some("08:05:00")),
            ("12", None),
            ("2460", None),
            ("x", None),
        ] {
            assert_eq!(read_time(text).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn minutes_are_added_across_days() {
        let end = Moment::read("202012312350").and_then(|m| m.plus_minutes(25)).map(|m| m.date_time(480));
        assert_eq!(end.as_deref(), Some("2021-01-01T00:15:00+08:00"));
        assert!(Moment::read("20201231").and_then(|m| m.plus_minutes(5)).is_none());
    }
}
