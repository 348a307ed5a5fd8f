//! The two spellings of time on this side: FHIR `instant` in bodies, HTTP's fixed date in headers. UTC in both.

use hutong_fhir::calendar::{civil, days};

/// Microseconds since 1970 → `2026-11-21T08:00:00.123Z` (FHIR R4 `instant`, millisecond precision).
pub(crate) fn instant(us: i64) -> String {
    let (date, second, ms) = parts(us);
    let (y, m, d) = civil(date);
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{ms:03}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Microseconds since 1970 → `Sat, 21 Nov 2026 08:00:00 GMT` (RFC 9110 §5.6.7); fractions are cut.
pub(crate) fn http_date(us: i64) -> String {
    let (date, second, _) = parts(us);
    let (y, m, d) = civil(date);
    let weekday = DAYS[(date + 4).rem_euclid(7) as usize % 7];
    let month = MONTHS[(m as usize + 11) % 12];
    format!("{weekday}, {d:02} {month} {y:04} {:02}:{:02}:{:02} GMT", second / 3600, second / 60 % 60, second % 60)
}

/// Reads RFC 9110's preferred date form to seconds since 1970. The two obsolete forms are not read: then the condition
/// is as if not given, which is safe.
pub(crate) fn parse_http_date(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    if b.len() != 29 || !text.is_ascii() || text.get(3..5)? != ", " || text.get(25..)? != " GMT" {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to).filter(|t| t.bytes().all(|c| c.is_ascii_digit()))?.parse::<i64>().ok();
    let month = MONTHS.iter().position(|m| text.get(8..11) == Some(m))? as i64 + 1;
    let (day, year) = (number(5, 7)?, number(12, 16)?);
    let (hour, minute, second) = (number(17, 19)?, number(20, 22)?, number(23, 25)?);
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Reads a FHIR `instant` (also with a space for the `+` of its zone, which some clients forget to encode) to microseconds.
pub(crate) fn parse_instant(text: &str) -> Option<i64> {
    let number = |t: Option<&str>| t.filter(|t| !t.is_empty() && t.bytes().all(|c| c.is_ascii_digit()))?.parse::<i64>().ok();
    if !text.is_ascii() || text.len() < 20 {
        return None;
    }
    let b = text.as_bytes();
    if [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].iter().any(|(at, c)| b.get(*at) != Some(c)) {
        return None;
    }
    let (year, month, day) = (number(text.get(0..4))?, number(text.get(5..7))?, number(text.get(8..10))?);
    let (hour, minute, second) = (number(text.get(11..13))?, number(text.get(14..16))?, number(text.get(17..19))?);
    let date = days(year, month, day);
    if !(1..=12).contains(&month) || civil(date) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut us = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        us = number(Some(format!("{:0<6}", after.get(..digits)?).get(..6)?)).filter(|_| digits > 0)?;
        rest = after.get(digits..)?;
    }
    let offset = match rest.as_bytes() {
        [b'Z'] => 0,
        [sign @ (b'+' | b' ' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(rest.get(1..3))?, number(rest.get(4..6))?);
            if hours > 14 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -60 } else { 60 }
        }
        _ => return None,
    };
    Some((date * 86_400 + hour * 3600 + minute * 60 + second - offset) * 1_000_000 + us)
}

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Day number, second of the day, millisecond.
fn parts(us: i64) -> (i64, i64, i64) {
    let seconds = us.div_euclid(1_000_000);
    (seconds.div_euclid(86_400), seconds.rem_euclid(86_400), us.rem_euclid(1_000_000) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings() {
        for (us, fhir, http) in [
            (0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
            (784_111_777_000_000, "1994-11-06T08:49:37.000Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_164_800_123_456, "2024-02-29T00:00:00.123Z", "Thu, 29 Feb 2024 00:00:00 GMT"),
            (4_102_444_799_000_000, "2099-12-31T23:59:59.000Z", "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            assert_eq!(instant(us), fhir);
            assert_eq!(http_date(us), http);
            assert_eq!(parse_http_date(http), Some(us.div_euclid(1_000_000)));
            assert_eq!(parse_instant(fhir), Some(us.div_euclid(1000) * 1000));
        }
        for (text, expected) in [
            ("1970-01-01T08:00:00+08:00", Some(0)),
            ("1970-01-01T08:00:00 08:00", Some(0)),
            ("1969-12-31T19:00:00.5-05:00", Some(500_000)),
            ("1970-01-01T00:00:00.1234567Z", Some(123_456)),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01", None),
            ("1970-02-30T00:00:00Z", None),
            ("1970-13-01T00:00:00Z", None),
            ("1970-01-01T00:00:00.Z", None),
            ("1970-01-01T00:00:00+15:00", None),
            ("1970-01-01T24:00:00Z", None),
        ] {
            assert_eq!(parse_instant(text), expected, "{text}");
        }
        for bad in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nox 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse_http_date(bad), None, "{bad}");
        }
    }
}
