//! Units as messages write them (`×10⁹/L`, `μmol/L`, `个/HP`, `mmHg`), and the UCUM code that is meant.
//!
//! The spellings are `profiles/terminology/unit-spellings.tsv`; signs that only look different are folded here.

use super::grammar::is_valid;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../profiles/terminology/unit-spellings.tsv");

/// Longest spelling that is looked at, in bytes.
const LENGTH_MAX: usize = 128;

static SPELLINGS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| TEXT.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t')).collect());

/// The UCUM code for a unit as someone wrote it; `None` where none is known for sure. A valid code stays as it is.
pub fn code_of(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    if is_valid(text) {
        return Some(Cow::Borrowed(text));
    }
    if text.is_empty() || text.len() > LENGTH_MAX {
        return None;
    }
    let plain = plain(text);
    if let Some(code) = SPELLINGS.get(plain.as_str()).filter(|c| !c.is_empty()) {
        return Some(Cow::Borrowed(code));
    }
    let parts: Vec<&str> = plain.split('/').map(|p| SPELLINGS.get(p).copied().unwrap_or(p)).collect();
    let code = parts.join("/");
    is_valid(&code).then_some(Cow::Owned(code))
}

/// Half-width signs, `u` for micro, `10*9` for every way to write a power of ten, no spaces.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut above = false;
    for c in text.chars() {
        let digit = "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|s| s == c).and_then(|d| char::from_digit(d as u32, 10));
        match (c, digit) {
            (_, Some(digit)) => {
                if !above && out.ends_with("10") {
                    out.push('*');
                }
                out.push(digit);
            }
            ('⁻', _) => {
                if out.ends_with("10") {
                    out.push('*');
                }
                out.push('-');
            }
            ('µ' | 'μ', _) => out.push('u'),
            ('℃', _) => out.push_str("Cel"),
            ('℉', _) => out.push_str("[degF]"),
            ('°', _) => out.push('o'),
            ('×' | '✕' | '·' | '•', _) => out.push('*'),
            ('／' | '∕' | '⁄', _) => out.push('/'),
            ('％', _) => out.push('%'),
            ('！'..='～', _) => out.extend(char::from_u32(c as u32 - 0xfee0)),
            (c, _) if c.is_whitespace() => {}
            (c, _) => out.push(c),
        }
        above = digit.is_some() || c == '⁻';
    }
    let power = out.trim_start_matches(['*', 'x', 'X']);
    let Some(rest) = power.strip_prefix("10") else { return out };
    let rest = rest.strip_prefix(['*', '^', 'e', 'E']).unwrap_or("");
    if rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') { format!("10*{rest}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_messages_are_understood() {
        for (text, expected) in [
            ("mmol/L", Some("mmol/L")),
            ("μmol/L", Some("umol/L")),
            ("µmol/l", Some("umol/l")),
            ("×10⁹/L", Some("10*9/L")),
            ("10⁹/L", Some("10*9/L")),
            ("*10^9/L", Some("10*9/L")),
            ("x10^12/L", Some("10*12/L")),
            ("10E9/L", Some("10*9/L")),
            ("×10^9／L", Some("10*9/L")),
            ("10^9/L", Some("10^9/L")),
            ("个/HP", Some("/[HPF]")),
            ("个/μL", Some("/uL")),
            ("/HPF", Some("/[HPF]")),
            ("次/分", Some("/min")),
            ("bpm", Some("/min")),
            ("mmHg", Some("mm[Hg]")),
            ("IU/mL", Some("[IU]/mL")),
            ("mIU/L", Some("m[IU]/L")),
            ("uIU/ml", Some("u[IU]/ml")),
            ("℃", Some("Cel")),
            ("°C", Some("Cel")),
            ("％", Some("%")),
            ("秒", Some("s")),
            ("Kg", Some("kg")),
            ("mmol/24h", Some("mmol/(24.h)")),
            ("g/24小时", Some("g/(24.h)")),
            ("mL/min/1.73m2", Some("mL/min/{1.73_m2}")),
            ("copies/ml", Some("{copies}/ml")),
            ("S/CO", Some("{S/CO}")),
            ("毫克", Some("mg")),
            ("kg/m²", Some("kg/m2")),
            ("mEq/L", Some("meq/L")),
            ("", None),
            ("个", None),
            ("阳性", None),
            ("foo/L", None),
        ] {
            assert_eq!(code_of(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn every_spelling_gives_a_valid_code() {
        for (text, code) in SPELLINGS.iter() {
            assert!(code.is_empty() || is_valid(code), "{text} {code}");
        }
        assert_eq!(TEXT.lines().filter(|l| !l.starts_with('#')).count(), SPELLINGS.len(), "each once");
    }
}
