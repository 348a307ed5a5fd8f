//! The primitive types of FHIR R4 and the exact form of their values (<https://hl7.org/fhir/R4/datatypes.html>).
//!
//! The forms are checked by hand over bytes: the specification's regular expressions accept 30 February and
//! backtrack on hostile input; these functions look at each byte once.

use crate::tree::Kind;

/// A primitive type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

/// What is wrong with a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A JSON string where a number belongs, and the like.
    JsonType,
    /// Empty.
    Empty,
    /// White space only.
    Blank,
    /// A control character that XML cannot hold.
    Control,
    /// Not in the form of the type.
    Format,
    /// In the form of a date, but no such day or hour exists.
    Calendar,
    /// A time of day without a time zone.
    NoZone,
    /// A number that the type cannot hold.
    Range,
    /// Longer than 1,048,576 characters.
    TooLong,
}

/// Greatest length of a string (<https://hl7.org/fhir/R4/datatypes.html#string>), in characters.
const STRING_CHARS_MAX: usize = 1_048_576;

impl Primitive {
    /// The type of that name.
    pub fn named(name: &str) -> Option<Primitive> {
        Some(match name {
            "base64Binary" => Primitive::Base64Binary,
            "boolean" => Primitive::Boolean,
            "canonical" => Primitive::Canonical,
            "code" => Primitive::Code,
            "date" => Primitive::Date,
            "dateTime" => Primitive::DateTime,
            "decimal" => Primitive::Decimal,
            "id" => Primitive::Id,
            "instant" => Primitive::Instant,
            "integer" => Primitive::Integer,
            "markdown" => Primitive::Markdown,
            "oid" => Primitive::Oid,
            "positiveInt" => Primitive::PositiveInt,
            "string" => Primitive::String,
            "time" => Primitive::Time,
            "unsignedInt" => Primitive::UnsignedInt,
            "uri" => Primitive::Uri,
            "url" => Primitive::Url,
            "uuid" => Primitive::Uuid,
            "xhtml" => Primitive::Xhtml,
            _ => return None,
        })
    }

    /// The JSON kind in which values of this type are written.
    pub fn json_kind(self) -> Kind {
        match self {
            Primitive::Boolean => Kind::Bool,
            Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => Kind::Number,
            _ => Kind::String,
        }
    }

    /// Checks a value together with the JSON kind in which it was written.
    pub fn check(self, kind: Kind, value: &str) -> Result<(), Fault> {
        if kind != self.json_kind() {
            return Err(Fault::JsonType);
        }
        self.check_text(value)
    }

    /// Checks the text of a value.
    pub fn check_text(self, value: &str) -> Result<(), Fault> {
        let b = value.as_bytes();
        match self {
            Primitive::Boolean => form(matches!(value, "true" | "false")),
            Primitive::Decimal => form(is_decimal(b)),
            Primitive::Integer => integer(b, i64::from(i32::MIN)),
            Primitive::UnsignedInt => integer(b, 0),
            Primitive::PositiveInt => integer(b, 1),
            Primitive::String | Primitive::Markdown => string(value),
            Primitive::Xhtml => form(!b.is_empty()),
            Primitive::Code => code(value),
            Primitive::Id => form(is_id(b)),
            Primitive::Uri => uri(value),
            Primitive::Url => no_space(value),
            Primitive::Canonical => canonical(value),
            Primitive::Oid => form(value.strip_prefix("urn:oid:").is_some_and(is_oid)),
            Primitive::Uuid => form(value.strip_prefix("urn:uuid:").is_some_and(|u| is_uuid(u.as_bytes()))),
            Primitive::Base64Binary => form(is_base64(b)),
            Primitive::Date => date(b, false),
            Primitive::DateTime => date(b, true),
            Primitive::Instant => instant(b),
            Primitive::Time => match time_of_day(b) {
                Ok([]) => Ok(()),
                Ok(_) => Err(Fault::Format),
                Err(fault) => Err(fault),
            },
        }
    }
}

fn form(good: bool) -> Result<(), Fault> {
    if good { Ok(()) } else { Err(Fault::Format) }
}

fn digits(b: &[u8]) -> bool {
    !b.is_empty() && b.iter().all(u8::is_ascii_digit)
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
fn is_decimal(b: &[u8]) -> bool {
    let b = b.strip_prefix(b"-").unwrap_or(b);
    let (mantissa, exponent) = match b.iter().position(|c| matches!(c, b'e' | b'E')) {
        Some(at) => (&b[..at], Some(&b[at + 1..])),
        None => (b, None),
    };
    let (whole, fraction) = match mantissa.iter().position(|c| *c == b'.') {
        Some(at) => (&mantissa[..at], Some(&mantissa[at + 1..])),
        None => (mantissa, None),
    };
    let exponent_good = exponent.is_none_or(|e| digits(e.strip_prefix(b"-").or(e.strip_prefix(b"+")).unwrap_or(e)));
    digits(whole) && (whole.len() == 1 || whole[0] != b'0') && fraction.is_none_or(digits) && exponent_good
}

/// A whole number from `least` to 2^31 - 1 without leading zeros, fraction or exponent.
fn integer(b: &[u8], least: i64) -> Result<(), Fault> {
    let (negative, rest) = match b.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, b),
    };
    if !digits(rest) || (rest.len() > 1 && rest[0] == b'0') {
        return Err(Fault::Format);
    }
    if rest.len() > 10 {
        return Err(Fault::Range);
    }
    let magnitude = rest.iter().fold(0i64, |n, d| n * 10 + i64::from(d - b'0'));
    let value = if negative { -magnitude } else { magnitude };
    if (least..=i64::from(i32::MAX)).contains(&value) { Ok(()) } else { Err(Fault::Range) }
}

/// `[ \r\n\t\S]+`: something visible in it, no control characters but tab, CR and LF.
fn string(value: &str) -> Result<(), Fault> {
    if value.is_empty() {
        return Err(Fault::Empty);
    }
    let mut visible = false;
    for &b in value.as_bytes() {
        if b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r') {
            return Err(Fault::Control);
        }
        visible |= b > 0x20;
    }
    // white space outside ASCII begins with a byte above 0x20: the rare case is looked at exactly
    if !visible || (!value.is_ascii() && value.chars().all(char::is_whitespace)) {
        return Err(Fault::Blank);
    }
    if value.len() > STRING_CHARS_MAX && value.chars().count() > STRING_CHARS_MAX {
        return Err(Fault::TooLong);
    }
    Ok(())
}

/// `[^\s]+(\s[^\s]+)*`: single white space inside only.
fn code(value: &str) -> Result<(), Fault> {
    let mut before_space = true;
    for c in value.chars() {
        let space = c.is_whitespace();
        if (space && before_space) || c < ' ' {
            return Err(Fault::Format);
        }
        before_space = space;
    }
    // also true at the end of a trailing blank, and of nothing at all
    if value.is_empty() { Err(Fault::Empty) } else { form(!before_space) }
}

fn no_space(value: &str) -> Result<(), Fault> {
    if value.is_empty() {
        return Err(Fault::Empty);
    }
    form(value.bytes().all(|b| b > 0x20 && b != 0x7f) && (value.is_ascii() || !value.contains(char::is_whitespace)))
}

/// `\S*`, and where it is an OID or a UUID, a correct one.
fn uri(value: &str) -> Result<(), Fault> {
    no_space(value)?;
    if let Some(oid) = value.strip_prefix("urn:oid:") {
        return form(is_oid(oid));
    }
    if let Some(uuid) = value.strip_prefix("urn:uuid:") {
        return form(is_uuid(uuid.as_bytes()));
    }
    form(!value.starts_with("oid:") && !value.starts_with("uuid:"))
}

/// An absolute URI, or `#id` of a contained resource (<https://hl7.org/fhir/R4/references.html#canonical>).
fn canonical(value: &str) -> Result<(), Fault> {
    no_space(value)?;
    form(value.starts_with('#') || is_absolute(value))
}

/// Whether a URI begins with a scheme (RFC 3986 §3.1).
pub fn is_absolute(uri: &str) -> bool {
    let Some((scheme, _)) = uri.split_once(':') else { return false };
    scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// `[A-Za-z0-9\-\.]{1,64}`
pub fn is_id(b: &[u8]) -> bool {
    (1..=64).contains(&b.len()) && b.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.'))
}

/// `[0-2](\.(0|[1-9][0-9]*))+`
pub fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    matches!(arcs.next(), Some("0" | "1" | "2"))
        && text.contains('.')
        && arcs.all(|arc| digits(arc.as_bytes()) && (arc.len() == 1 || !arc.starts_with('0')))
}

/// Lower-case 8-4-4-4-12.
pub fn is_uuid(b: &[u8]) -> bool {
    b.len() == 36
        && b.iter().enumerate().all(|(i, c)| match i {
            8 | 13 | 18 | 23 => *c == b'-',
            _ => matches!(c, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// How many bytes a base64 text stands for; `None` where it is not base64.
pub fn base64_len(b: &[u8]) -> Option<usize> {
    if !is_base64(b) {
        return None;
    }
    let count = b.iter().filter(|c| !c.is_ascii_whitespace()).count();
    let padding = b.iter().filter(|c| **c == b'=').count();
    Some((count / 4 * 3).saturating_sub(padding))
}

/// RFC 4648 §4 with padding; white space between is allowed.
fn is_base64(b: &[u8]) -> bool {
    let mut count = 0usize;
    let mut padding = 0usize;
    for c in b {
        match c {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        count += 1;
    }
    count > 0 && count.is_multiple_of(4) && padding <= 2
}

fn number(b: &[u8]) -> Option<u32> {
    digits(b).then(|| b.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0')))
}

/// Days of a month of the proleptic Gregorian calendar.
fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`; with `time`, also `YYYY-MM-DDThh:mm:ss[.f]zone`.
fn date(b: &[u8], time: bool) -> Result<(), Fault> {
    let year = b.get(..4).and_then(number).ok_or(Fault::Format)?;
    if year == 0 {
        return Err(Fault::Calendar);
    }
    if b.len() == 4 {
        return Ok(());
    }
    let part = |from: usize, mark: u8| -> Result<u32, Fault> {
        if b.get(from) != Some(&mark) {
            return Err(Fault::Format);
        }
        b.get(from + 1..from + 3).and_then(number).ok_or(Fault::Format)
    };
    let month = part(4, b'-')?;
    if !(1..=12).contains(&month) {
        return Err(Fault::Calendar);
    }
    if b.len() == 7 {
        return Ok(());
    }
    let day = part(7, b'-')?;
    if day == 0 || day > days_in_month(year, month) {
        return Err(Fault::Calendar);
    }
    match b.get(10) {
        None => Ok(()),
        Some(b'T') if time => zone(time_of_day(&b[11..])?),
        Some(_) => Err(Fault::Format),
    }
}

/// A dateTime to the second at least, with zone.
fn instant(b: &[u8]) -> Result<(), Fault> {
    if b.len() < 20 { Err(Fault::Format) } else { date(b, true) }
}

/// `hh:mm:ss[.f]`; gives what stands behind it. Second 60 is a leap second.
fn time_of_day(b: &[u8]) -> Result<&[u8], Fault> {
    let part = |at: usize| b.get(at..at + 2).and_then(number).ok_or(Fault::Format);
    let (hour, minute) = (part(0)?, part(3)?);
    let second = part(6)?;
    if b.get(2) != Some(&b':') || b.get(5) != Some(&b':') {
        return Err(Fault::Format);
    }
    if hour > 23 || minute > 59 || second > 60 {
        return Err(Fault::Calendar);
    }
    let rest = &b[8..];
    match rest.strip_prefix(b".") {
        None => Ok(rest),
        Some(fraction) => {
            let n = fraction.iter().take_while(|c| c.is_ascii_digit()).count();
            if n == 0 { Err(Fault::Format) } else { Ok(&fraction[n..]) }
        }
    }
}

/// `Z` or `±hh:mm` up to 14:00.
fn zone(b: &[u8]) -> Result<(), Fault> {
    match b {
        [] => Err(Fault::NoZone),
        b"Z" => Ok(()),
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            let hour = number(&[*h1, *h2]).ok_or(Fault::Format)?;
            let minute = number(&[*m1, *m2]).ok_or(Fault::Format)?;
            if minute > 59 || hour * 60 + minute > 14 * 60 { Err(Fault::Calendar) } else { Ok(()) }
        }
        _ => Err(Fault::Format),
    }
}

#[cfg(test)]
mod tests {
    use super::Primitive::*;
    use super::*;

    fn good(p: Primitive, values: &[&str]) {
        for v in values {
            assert_eq!(p.check_text(v), Ok(()), "{p:?} {v:?}");
        }
    }

    fn bad(p: Primitive, fault: Fault, values: &[&str]) {
        for v in values {
            assert_eq!(p.check_text(v), Err(fault), "{p:?} {v:?}");
        }
    }

    #[test]
    fn dates_exist_in_the_calendar() {
        good(Date, &["2024", "2024-02", "2024-02-29", "1900-12-31", "0001-01-01"]);
        bad(
            Date,
            Fault::Calendar,
            &["2023-02-29", "2024-02-30", "1900-02-29", "2024-13", "2024-00-01", "2024-04-31", "0000", "2024-01-00"],
        );
        bad(
            Date,
            Fault::Format,
            &["", "24", "19900101", "2024-1-1", "2024-01-01T00:00:00Z", "2024/01/01", "2024-01-1", "２０２４", "2024-"],
        );
    }

    #[test]
    fn times_have_seconds_and_zones() {
        good(DateTime, &["2024", "2024-02-29T23:59:60Z", "2024-01-01T00:00:00.123456789+08:00", "2024-01-01T00:00:00-14:00"]);
        bad(DateTime, Fault::NoZone, &["2024-01-01T00:00:00", "2024-01-01T00:00:00.5"]);
        bad(
            DateTime,
            Fault::Format,
            &["2024-01-01T00:00Z", "2024-01-01 00:00:00Z", "2024-01T00:00:00Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00z"],
        );
        bad(
            DateTime,
            Fault::Calendar,
            &["2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:00+14:01", "2024-01-01T00:00:00+08:60"],
        );
        good(Instant, &["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.1+08:00"]);
        bad(Instant, Fault::Format, &["2024", "2024-01-01"]);
        bad(Instant, Fault::Format, &["2024-01-01T00:00:00"]);
        good(Time, &["00:00:00", "23:59:59.999"]);
        bad(Time, Fault::Format, &["00:00", "00:00:00Z", "0:00:00", ""]);
        bad(Time, Fault::Calendar, &["24:00:00"]);
    }

    #[test]
    fn numbers_fit_their_type() {
        good(Integer, &["0", "-1", "2147483647", "-2147483648"]);
        bad(Integer, Fault::Range, &["2147483648", "-2147483649", "99999999999"]);
        bad(Integer, Fault::Format, &["1.0", "1e2", "01", "", "-", "+1"]);
        good(UnsignedInt, &["0", "5"]);
        bad(UnsignedInt, Fault::Range, &["-1"]);
        good(PositiveInt, &["1"]);
        bad(PositiveInt, Fault::Range, &["0", "-1"]);
        good(Decimal, &["0", "-1.50", "1e5", "1.0E-10", "1.00000000000000000001"]);
        bad(Decimal, Fault::Format, &["01", "1.", ".5", "", "-", "1e", "1,5", "NaN", "+1"]);
        assert_eq!(Decimal.check(Kind::String, "1.5"), Err(Fault::JsonType));
        assert_eq!(String.check(Kind::Number, "1.5"), Err(Fault::JsonType));
        assert_eq!(Boolean.check(Kind::String, "true"), Err(Fault::JsonType));
        assert_eq!(Boolean.check(Kind::Bool, "true"), Ok(()));
    }

    #[test]
    fn texts_have_the_form_of_their_type() {
        good(String, &["a", " a ", "张\n三", "a\tb"]);
        bad(String, Fault::Empty, &[""]);
        bad(String, Fault::Blank, &[" ", "\t\n", "\u{3000}"]);
        bad(String, Fault::Control, &["a\u{0}", "\u{b}a"]);
        bad(Code, Fault::Empty, &[""]);
        bad(Code, Fault::Format, &[" "]);
        good(Canonical, &["http://a|1", "#a", "urn:oid:1.2"]);
        bad(Canonical, Fault::Format, &["ValueSet/a", "a b"]);
        good(Code, &["a", "a b", "final"]);
        bad(Code, Fault::Format, &[" a", "a ", "a  b", "a\u{1}"]);
        good(Id, &["a", "A-1.b", &"x".repeat(64)]);
        bad(Id, Fault::Format, &["", "a b!", "a_b", "张", &"x".repeat(65)]);
        good(Uri, &["http://a", "urn:oid:2.16.156.10011.1.3", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "Patient/1", "#a"]);
        bad(
            Uri,
            Fault::Format,
            &[
                "a b",
                "urn:oid:2",
                "urn:oid:3.1",
                "urn:oid:1.02",
                "urn:uuid:1",
                "urn:uuid:C757873D-EC9A-4326-A141-556F43239520",
                "oid:1.2",
                "http://a\u{3000}b",
            ],
        );
        bad(Uri, Fault::Empty, &[""]);
        good(Oid, &["urn:oid:1.2.3", "urn:oid:0.0"]);
        bad(Oid, Fault::Format, &["1.2.3", "urn:oid:1..2", "urn:oid:1.2."]);
        good(Uuid, &["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]);
        bad(Uuid, Fault::Format, &["urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "c757873d-ec9a-4326-a141-556f43239520"]);
        good(Base64Binary, &["QQ==", "QUI=", "QUJD", "QU\nJD"]);
        assert_eq!(["QQ==", "QUI=", "QUJD", "QUJDRA==", "x"].map(|t| base64_len(t.as_bytes())), [Some(1), Some(2), Some(3), Some(4), None]);
        bad(Base64Binary, Fault::Format, &["", "Q", "QQ=", "QQ==QQ==", "Q*==", "===="]);
    }

    #[test]
    fn every_name_is_known() {
        for name in ["base64Binary", "boolean", "uuid", "xhtml", "positiveInt", "canonical"] {
            assert!(Primitive::named(name).is_some(), "{name}");
        }
        assert_eq!(Primitive::named("Quantity"), None);
    }
}
