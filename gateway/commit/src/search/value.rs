//! Values of search parameters, read by type (<https://hl7.org/fhir/R4/search.html#ptypes>).

use super::date::{self, Range};
use super::table::{self, ParamKind, Parameter};

/// Comparison of dates and quantities (<https://hl7.org/fhir/R4/search.html#prefix>).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// Approximately: the range widened by a tenth of its distance from now (dates) or of the value (quantities).
    Ap,
}

impl Prefix {
    /// The prefix of a value, and the rest.
    fn split(text: &str) -> (Prefix, &str) {
        let known = [
            ("eq", Prefix::Eq),
            ("ne", Prefix::Ne),
            ("gt", Prefix::Gt),
            ("lt", Prefix::Lt),
            ("ge", Prefix::Ge),
            ("le", Prefix::Le),
            ("sa", Prefix::Sa),
            ("eb", Prefix::Eb),
            ("ap", Prefix::Ap),
        ];
        known.iter().find_map(|(p, prefix)| text.strip_prefix(p).map(|rest| (*prefix, rest))).unwrap_or((Prefix::Eq, text))
    }
}

/// The `system|` part of a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum System {
    /// `code`: whatever the system.
    Any,
    /// `|code`: the element has no system.
    Absent,
    /// `system|code`, `system|`.
    Is(String),
}

/// One of the values of a parameter that are joined by `,` (or). No `Debug` print of it belongs in a log.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Missing(bool),
    Id(String),
    Token {
        system: System,
        code: Option<String>,
    },
    /// Literal references that match, e.g. `Patient/1` (one for each type that the parameter may point at).
    Reference(Vec<String>),
    Date {
        prefix: Prefix,
        range: Range,
    },
    /// Already normalised unless the modifier is `:exact`.
    String(String),
    Quantity {
        prefix: Prefix,
        value: f64,
        lo: f64,
        hi: f64,
        system: System,
        unit: Option<String>,
    },
    Uri(String),
}

/// Splits at commas that are not escaped; each piece keeps its escapes.
pub(crate) fn alternatives(text: &str) -> Vec<&str> {
    split_unescaped(text, b',')
}

fn split_unescaped(text: &str, at: u8) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (i, b) in text.bytes().enumerate() {
        if escaped {
            escaped = false;
        } else if b == b'\\' {
            escaped = true;
        } else if b == at {
            out.push(&text[start..i]);
            start = i + 1;
        }
    }
    out.push(&text[start..]);
    out
}

/// Removes FHIR's escapes `\,` `\|` `\$` `\\`; `None` for a backslash before anything else.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                c @ (',' | '|' | '$' | '\\') => out.push(c),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    Some(out)
}

/// Reads a token: `code`, `system|code`, `|code`, `system|`.
pub(crate) fn token(text: &str) -> Option<Value> {
    let parts = split_unescaped(text, b'|');
    let (system, code) = match parts[..] {
        [code] => (System::Any, unescape(code)?),
        [system, code] => {
            let system = unescape(system)?;
            // the index knows systems by one of their URIs
            let named = hutong_fhir::identifier::unaliased(&system).to_owned();
            (if system.is_empty() { System::Absent } else { System::Is(named) }, unescape(code)?)
        }
        _ => return None,
    };
    let code = (!code.is_empty()).then_some(code);
    if code.is_none() && !matches!(system, System::Is(_)) {
        return None;
    }
    Some(Value::Token { system, code })
}

/// Whether the text is a FHIR `id`: `[A-Za-z0-9\-\.]{1,64}`.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// Reads a reference: `id`, `Type/id` or an absolute URL; `of_type` is the `:[type]` modifier.
fn reference(param: &Parameter, of_type: Option<&str>, text: &str) -> Option<Value> {
    let text = unescape(text)?;
    let allowed = |t: &str| param.targets.is_empty() || param.targets.contains(&t);
    if let Some((resource_type, id)) = text.split_once('/').filter(|(t, _)| t.bytes().next().is_some_and(|b| b.is_ascii_uppercase())) {
        let id = id.split_once("/_history/").map_or(id, |(id, _)| id);
        return (is_id(id) && allowed(resource_type) && of_type.is_none_or(|t| t == resource_type))
            .then(|| Value::Reference(vec![text.clone()]));
    }
    if text.contains(':') || text.contains('/') {
        return Some(Value::Reference(vec![text]));
    }
    if !is_id(&text) {
        return None;
    }
    let types: Vec<&str> = match of_type {
        Some(t) => vec![t],
        None if param.targets.is_empty() => table::types().iter().map(|t| t.resource_type).collect(),
        None => param.targets.clone(),
    };
    Some(Value::Reference(types.iter().map(|t| format!("{t}/{text}")).collect()))
}

fn date_value(text: &str, now_us: i64) -> Option<Value> {
    let (prefix, rest) = Prefix::split(text);
    let mut range = date::range(rest)?;
    if prefix == Prefix::Ap {
        let gap = (now_us.saturating_sub(range.lo)).abs() / 10;
        range = Range { lo: range.lo.saturating_sub(gap), hi: range.hi.saturating_add(gap) };
    }
    Some(Value::Date { prefix, range })
}

/// `[prefix]number|system|code`; a number stands for the range of its precision: `5.4` is [5.35, 5.45).
fn quantity(text: &str) -> Option<Value> {
    let (prefix, rest) = Prefix::split(text);
    let parts = split_unescaped(rest, b'|');
    let (number, system, unit) = match parts[..] {
        [number] => (number, System::Any, None),
        [number, system, unit] => {
            let system = unescape(system)?;
            (number, if system.is_empty() { System::Any } else { System::Is(system) }, Some(unescape(unit)?).filter(|u| !u.is_empty()))
        }
        _ => return None,
    };
    let value: f64 = number.parse().ok().filter(|v: &f64| v.is_finite())?;
    let mantissa = number.split(['e', 'E']).next()?;
    let exponent: i32 = number.split(['e', 'E']).nth(1).map_or(Some(0), |e| e.parse().ok())?;
    let decimals = mantissa.split_once('.').map_or(0, |(_, f)| f.len());
    let half = 0.5 * 10f64.powi(exponent.checked_sub(i32::try_from(decimals).ok()?)?);
    let gap = if prefix == Prefix::Ap { value.abs() / 10.0 } else { half };
    Some(Value::Quantity { prefix, value, lo: value - gap, hi: value + gap, system, unit })
}

/// Text as it is compared: lower case, without combining marks, spaces and full-width forms made plain.
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = true;
    for c in text.chars() {
        let c = match c {
            '\u{3000}' => ' ',
            // full-width ASCII
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{300}'..='\u{36f}' => continue,
            'À'..='ɏ' => plain_latin(c),
            c => c,
        };
        if c.is_whitespace() {
            if !space {
                out.push(' ');
            }
            space = true;
        } else {
            out.extend(c.to_lowercase());
            space = false;
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The base letter of the accented Latin letters that names in Chinese registers really have (pinyin, Western Europe).
fn plain_latin(c: char) -> char {
    const PAIRS: [(&str, char); 14] = [
        ("ÀÁÂÃÄÅàáâãäåĀāĂăǍǎ", 'a'),
        ("Çç", 'c'),
        ("ÈÉÊËèéêëĒēĚě", 'e'),
        ("ÌÍÎÏìíîïĪīǏǐ", 'i'),
        ("Ññ", 'n'),
        ("ÒÓÔÕÖØòóôõöøŌōǑǒ", 'o'),
        ("ÙÚÛÜùúûüŪūǓǔǕǖǗǘǙǚǛǜ", 'u'),
        ("Ýýÿ", 'y'),
        ("Šš", 's'),
        ("Žž", 'z'),
        ("Łł", 'l'),
        ("Ąą", 'a'),
        ("Ęę", 'e'),
        ("Ďďđ", 'd'),
    ];
    PAIRS.iter().find(|(set, _)| set.contains(c)).map_or(c, |(_, plain)| *plain)
}

/// Reads one alternative of a parameter without modifier (or with a type modifier for references).
pub(crate) fn read(param: &Parameter, of_type: Option<&str>, exact: bool, text: &str, now_us: i64) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    match param.kind {
        ParamKind::Id => is_id(text).then(|| Value::Id(text.to_owned())),
        ParamKind::Token => token(text),
        ParamKind::Reference => reference(param, of_type, text),
        ParamKind::Date => date_value(text, now_us),
        ParamKind::String => {
            let text = unescape(text)?;
            let text = if exact { text } else { normalise(&text) };
            (!text.is_empty()).then_some(Value::String(text))
        }
        ParamKind::Quantity => quantity(text),
        ParamKind::Uri => Some(Value::Uri(unescape(text)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(ty: &str, param: &str, text: &str) -> Option<Value> {
        read(table::of(ty).unwrap().param(param).unwrap(), None, false, text, 0)
    }

    #[test]
    fn tokens() {
        let t = |system, code: Option<&str>| Some(Value::Token { system, code: code.map(str::to_owned) });
        assert_eq!(token("718-7"), t(System::Any, Some("718-7")));
        assert_eq!(token("|718-7"), t(System::Absent, Some("718-7")));
        assert_eq!(token("http://loinc.org|718-7"), t(System::Is("http://loinc.org".into()), Some("718-7")));
        for other in ["urn:oid:2.16.156.10011.1.10", "urn:oid:2.16.156.10011.1.11"] {
            let one = System::Is("urn:oid:2.16.156.10011.1.10".into());
            assert_eq!(token(&format!("{other}|7")), t(one, Some("7")), "one 门诊号 under two OIDs");
        }
        assert_eq!(token("urn:x|"), t(System::Is("urn:x".into()), None));
        assert_eq!(token("a\\|b"), t(System::Any, Some("a|b")));
        assert_eq!((token("|"), token("a|b|c"), token("a\\b")), (None, None, None));
    }

    #[test]
    fn references_name_every_type_they_may_mean() {
        let r = |v: &[&str]| Some(Value::Reference(v.iter().map(|s| (*s).to_owned()).collect()));
        assert_eq!(read_as("Observation", "patient", "p1"), r(&["Patient/p1"]));
        assert_eq!(read_as("Condition", "subject", "p1"), r(&["Patient/p1", "Group/p1"]));
        assert_eq!(read_as("Condition", "subject", "Patient/p1"), r(&["Patient/p1"]));
        assert_eq!(read_as("Condition", "patient", "Group/p1"), None);
        assert_eq!(read_as("Condition", "subject", "urn:uuid:x"), r(&["urn:uuid:x"]));
        assert_eq!(read_as("Condition", "subject", "a b"), None);
    }

    #[test]
    fn quantities_stand_for_their_precision() {
        let Some(Value::Quantity { lo, hi, .. }) = read_as("Observation", "value-quantity", "5.4") else { panic!() };
        assert!((lo - 5.35).abs() < 1e-9 && (hi - 5.45).abs() < 1e-9);
        let Some(Value::Quantity { prefix, unit, .. }) = read_as("Observation", "value-quantity", "gt5|http://unitsofmeasure.org|mmol/L")
        else {
            panic!()
        };
        assert_eq!((prefix, unit.as_deref()), (Prefix::Gt, Some("mmol/L")));
        assert_eq!(read_as("Observation", "value-quantity", "NaN"), None);
    }

    #[test]
    fn text_is_compared_without_case_marks_and_width() {
        assert_eq!(normalise("  Ｗáng　 Xiǎo-Míng "), "wang xiao-ming");
        assert_eq!(normalise("张三丰"), "张三丰");
    }
}
