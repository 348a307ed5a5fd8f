//! HL7 date and time (DTM, TS, DT): `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`, and the forms that are sent instead
//! (`2026-01-31 08:30:00`, `2026/1/31`, `20260131 0830`, `20260131083000123`, ISO 8601).

/// A date or time as far as it is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DateTime {
    pub year: u16,
    pub month: Option<u8>,
    pub day: Option<u8>,
    pub hour: Option<u8>,
    pub minute: Option<u8>,
    pub second: Option<u8>,
    /// Microseconds within the second; more than six digits are cut.
    pub microsecond: u32,
    /// East of Greenwich, where told.
    pub offset_minutes: Option<i16>,
    /// Written as HL7 writes it.
    pub is_standard: bool,
}

/// Reads a date or time; `None` where it is none, or does not exist (`20260230`).
pub fn parse(text: &str) -> Option<DateTime> {
    let (stamp, offset) = split_offset(text.trim())?;
    let (stamp, microsecond) = split_fraction(stamp)?;
    let is_standard = stamp.bytes().all(|b| b.is_ascii_digit());
    let digits: String = stamp.chars().filter(|c| !matches!(c, ' ' | ':' | 'T')).collect();
    let (parts, microsecond, is_standard) = match (is_standard, stamp.len()) {
        // milliseconds without their point
        (true, 15..=17) if microsecond == 0 => (fixed(stamp.get(..14)?)?, fraction(stamp.get(14..)?)?, false),
        (true, _) => (fixed(stamp)?, microsecond, true),
        // a date of HL7, and a time beside it
        (false, _) if stamp.get(..8).is_some_and(|date| date.bytes().all(|b| b.is_ascii_digit())) => (fixed(&digits)?, microsecond, false),
        (false, _) => (separated(stamp)?, microsecond, false),
    };
    let [year, month, day, hour, minute, second] = parts;
    let small = |part: Option<u16>| part.and_then(|n| u8::try_from(n).ok());
    let time = DateTime {
        year: year?,
        month: small(month),
        day: small(day),
        hour: small(hour),
        minute: small(minute),
        second: small(second),
        microsecond,
        offset_minutes: offset,
        is_standard: is_standard && text.trim() == text && !text.ends_with(['Z', 'z']) && !text.contains(':'),
    };
    time.exists().then_some(time)
}

/// `+0800`, `+08:00`, `Z` at the end.
fn split_offset(text: &str) -> Option<(&str, Option<i16>)> {
    if let Some(stamp) = text.strip_suffix(['Z', 'z']) {
        return Some((stamp, Some(0)));
    }
    // a dash within a date is none: an offset follows a time, or all of a date written without dashes
    let sign = text.rfind(['+', '-']).filter(|at| text.as_bytes().get(*at) == Some(&b'+') || text.get(..*at).is_some_and(can_take_offset));
    let Some(at) = sign else { return Some((text, None)) };
    let digits: String = text.get(at + 1..)?.chars().filter(|c| *c != ':').collect();
    let hours: i16 = digits.get(..2)?.parse().ok()?;
    let minutes: i16 = if digits.len() == 2 { 0 } else { digits.get(2..4)?.parse().ok()? };
    if digits.len() > 4 || hours > 14 || minutes > 59 {
        return None;
    }
    let offset = hours * 60 + minutes;
    let stamp = text.get(..at)?.trim_end();
    Some((stamp, Some(if text.as_bytes().get(at) == Some(&b'-') { -offset } else { offset })))
}

fn can_take_offset(stamp: &str) -> bool {
    stamp.contains(':') || stamp.len() >= 4 && stamp.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn split_fraction(stamp: &str) -> Option<(&str, u32)> {
    let Some((whole, fraction)) = stamp.split_once('.') else { return Some((stamp, 0)) };
    // a date with points has more of them
    if fraction.contains('.') {
        return Some((stamp, 0));
    }
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((whole, self::fraction(fraction)?))
}

/// Digits after the point as microseconds.
fn fraction(digits: &str) -> Option<u32> {
    let six: String = digits.chars().chain("000000".chars()).take(6).collect();
    six.parse().ok()
}

type Parts = [Option<u16>; 6];

/// Digits alone.
fn fixed(stamp: &str) -> Option<Parts> {
    if !matches!(stamp.len(), 4 | 6 | 8 | 10 | 12 | 14) {
        return None;
    }
    let mut parts = [None; 6];
    let mut at = 0;
    for (part, width) in parts.iter_mut().zip([4, 2, 2, 2, 2, 2]) {
        let Some(digits) = stamp.get(at..at + width) else { break };
        *part = Some(digits.parse().ok()?);
        at += width;
    }
    Some(parts)
}

/// Parts with something between them.
fn separated(stamp: &str) -> Option<Parts> {
    let mut parts = [None; 6];
    let mut pieces = stamp.split(['-', '/', '.', ':', ' ', 'T']).filter(|piece| !piece.is_empty());
    for part in &mut parts {
        let Some(piece) = pieces.next() else { break };
        *part = Some(piece.parse().ok()?);
    }
    let year_is_first = stamp.split(['-', '/', '.']).next().is_some_and(|year| year.len() == 4);
    (year_is_first && pieces.next().is_none()).then_some(parts)
}

impl DateTime {
    fn exists(&self) -> bool {
        let days = self.month.map_or(31, |month| days_in_month(self.year, month));
        self.month.is_none_or(|m| (1..=12).contains(&m))
            && self.day.is_none_or(|d| (1..=days).contains(&d))
            && self.hour.is_none_or(|h| h < 24)
            && self.minute.is_none_or(|m| m < 60)
            && self.second.is_none_or(|s| s < 61)
            && (1000..=9999).contains(&self.year)
    }

    /// Microseconds since 1970; what is not told is taken as its beginning, a missing offset as `default_offset_minutes`.
    pub fn unix_us(&self, default_offset_minutes: i16) -> i64 {
        let days = hutong_fhir::calendar::days(i64::from(self.year), i64::from(self.month.unwrap_or(1)), i64::from(self.day.unwrap_or(1)));
        let part = |value: Option<u8>| i64::from(value.unwrap_or(0));
        let seconds = days * 86_400 + part(self.hour) * 3_600 + part(self.minute) * 60 + part(self.second);
        let offset = i64::from(self.offset_minutes.unwrap_or(default_offset_minutes)) * 60;
        (seconds - offset) * 1_000_000 + i64::from(self.microsecond)
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_time() {
        let utc = |text: &str| parse(text).map(|t| (t.unix_us(480) / 1_000_000, t.is_standard));
        for (text, expected) in [
            ("19700101080000", Some((0, true))),
            ("197001010800", Some((0, true))),
            ("19700101", Some((-28_800, true))),
            ("1970", Some((-28_800, true))),
            ("19700101000000+0000", Some((0, true))),
            ("19700101000000-0500", Some((18_000, true))),
            ("20260131083000.1234+0800", Some((1_769_819_400, true))),
            ("2026013108+08", Some((1_769_817_600, true))),
            ("2026-01-31 08:30:00", Some((1_769_819_400, false))),
            ("2026/1/31 8:30", Some((1_769_819_400, false))),
            ("2026-01-31T08:30:00+08:00", Some((1_769_819_400, false))),
            ("2026-01-31T00:30:00Z", Some((1_769_819_400, false))),
            ("2026-01-31T00:30:00.500Z", Some((1_769_819_400, false))),
            ("2026.01.31", Some((1_769_788_800, false))),
            ("20260131 0830", Some((1_769_819_400, false))),
            ("20260131 08:30:00", Some((1_769_819_400, false))),
            ("20260131T083000", Some((1_769_819_400, false))),
            ("20260131083000070+0800", Some((1_769_819_400, false))),
            ("2026013108300099999", None),
            ("20240229", Some((1_709_136_000, true))),
            ("20260230", None),
            ("20250229", None),
            ("20261301", None),
            ("20260100", None),
            ("2026013124", None),
            ("00000000", None),
            ("", None),
            ("-", None),
            ("2026013", None),
            ("2026-01-31 08:30:00 pm", None),
            ("31/01/2026", None),
            ("20260131083000.", None),
            ("20260131+9900", None),
            ("２０２６", None),
        ] {
            assert_eq!(utc(text), expected, "{text}");
        }
        let partial = parse("202601").unwrap();
        assert_eq!((partial.month, partial.day, partial.hour), (Some(1), None, None));
        assert_eq!(parse("20260131083000.1234567").unwrap().microsecond, 123_456);
    }
}
