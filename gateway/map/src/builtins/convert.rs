//! Text to the primitive types of FHIR R4: what comes out always has the form of its type; what cannot is `None`.

use hutong_fhir::primitive::Primitive;
use std::borrow::Cow;

use crate::run::{Moment, read_time};

/// The value of a text as a primitive. `zone`: minutes east of UTC for times that name none.
pub(crate) fn to(to: Primitive, text: Cow<'_, str>, zone: i16) -> Option<Cow<'_, str>> {
    if is_fit(to, &text) {
        return Some(text);
    }
    let out = match to {
        Primitive::String | Primitive::Markdown => clean(text),
        Primitive::Code => Cow::Owned(code(&text)?),
        Primitive::Id => Cow::Owned(id(&text)),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => uri(text),
        Primitive::Oid => Cow::Owned(format!("urn:oid:{}", text.strip_prefix("urn:oid:").unwrap_or(&text))),
        Primitive::Uuid => Cow::Owned(format!("urn:uuid:{}", text.strip_prefix("urn:uuid:").unwrap_or(&text).to_ascii_lowercase())),
        Primitive::Decimal => Cow::Owned(decimal(&text)?),
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => Cow::Owned(integer(&text)?),
        Primitive::Boolean => Cow::Borrowed(boolean(&text)?),
        // a moment that was read exists, and writes itself in its form
        Primitive::Date => return Some(Cow::Owned(Moment::read(&text)?.date())),
        Primitive::DateTime => return Some(Cow::Owned(Moment::read(&text)?.date_time(zone))),
        Primitive::Instant => Cow::Owned(Moment::read(&text)?.instant(zone)?),
        Primitive::Time => Cow::Owned(read_time(&text).or_else(|| Moment::read(&text)?.time_of_day())?),
        Primitive::Base64Binary => Cow::Owned(text.chars().filter(|c| !c.is_whitespace()).collect()),
        Primitive::Xhtml => return None,
    };
    to.check_text(&out).is_ok().then_some(out)
}

/// Whether a text is in the form of its type as it stands: most are, and are not copied.
pub(crate) fn is_fit(to: Primitive, text: &str) -> bool {
    const LENGTH_MAX: usize = 1_048_576;
    let starts = |b: &u8| (0x21..0x7f).contains(b);
    let first = text.as_bytes().first();
    match to {
        Primitive::String | Primitive::Markdown => {
            (first.is_some_and(starts) || text.chars().next().is_some_and(|c| !c.is_whitespace() && c > ' '))
                && text.len() <= LENGTH_MAX
                && text.bytes().all(|b| b >= 0x20)
        }
        Primitive::Code => !text.is_empty() && text.bytes().all(|b| starts(&b)),
        Primitive::Decimal => to.check_text(text).is_ok(),
        Primitive::Uri => text.starts_with("http") && text.bytes().all(|b| starts(&b)),
        _ => false,
    }
}

/// Without the control characters that no FHIR string may hold.
fn clean(text: Cow<'_, str>) -> Cow<'_, str> {
    let bad = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r');
    if text.contains(bad) {
        Cow::Owned(text.chars().map(|c| if bad(c) { ' ' } else { c }).collect::<String>().trim().to_owned())
    } else {
        text
    }
}

/// Single blanks inside, none around.
pub(crate) fn code(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c < ' ').filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    (!out.is_empty()).then_some(out)
}

fn id(text: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '-' };
    text.trim().chars().take(64).map(good).collect()
}

fn uri(text: Cow<'_, str>) -> Cow<'_, str> {
    let trimmed = text.trim();
    if trimmed.contains(char::is_whitespace) {
        return Cow::Owned(trimmed.split_whitespace().collect::<Vec<_>>().join("%20"));
    }
    if trimmed.len() == text.len() { text } else { Cow::Owned(trimmed.to_owned()) }
}

/// v2 NM (`+5`, `.5`, `5.`, `007`) as a JSON number; the digits behind the point are kept. Full-width digits are digits.
fn decimal(text: &str) -> Option<String> {
    let narrow: String = text.trim().chars().map(narrow).collect();
    let (sign, rest) = match narrow.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", narrow.strip_prefix('+').unwrap_or(&narrow)),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (rest.get(..at)?, rest.get(at..)?),
        None => (rest, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}{exponent}"))
}

fn narrow(c: char) -> char {
    match c {
        '０'..='９' | '．' | '＋' | '－' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// A decimal without anything behind its point.
fn integer(text: &str) -> Option<String> {
    let number = decimal(text)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    if !fraction.bytes().all(|b| b == b'0') {
        return None;
    }
    Some(if whole == "-0" { "0".to_owned() } else { whole.to_owned() })
}

fn boolean(text: &str) -> Option<&'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "1" | "是" => Some("true"),
        "n" | "no" | "f" | "false" | "0" | "否" => Some("false"),
        _ => None,
    }
}
