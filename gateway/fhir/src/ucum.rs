//! Whether a code is a UCUM unit (case-sensitive form, The Unified Code for Units of Measure 2.2, §2).
//!
//! The grammar is the specification's; the unit codes are `profiles/terminology/ucum.tsv`.

use std::collections::HashMap;
use std::sync::LazyLock;

const CODES: &str = include_str!("../../../profiles/terminology/ucum.tsv");

const PREFIXES: [&str; 24] =
    ["Y", "Z", "E", "P", "T", "G", "M", "k", "h", "da", "d", "c", "m", "u", "n", "p", "f", "a", "z", "y", "Ki", "Mi", "Gi", "Ti"];

/// Longest code that is looked at.
const LENGTH_MAX: usize = 256;

/// Brackets in brackets.
const DEPTH_MAX: usize = 16;

/// Codes with whether they take metric prefixes.
static UNITS: LazyLock<HashMap<&'static str, bool>> = LazyLock::new(|| {
    CODES.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t')).map(|(code, metric)| (code, metric == "yes")).collect()
});

/// Whether `code` is a valid UCUM expression, e.g. `mmol/L`, `10*9/L`, `mm[Hg]`, `mL/min/{1.73_m2}`.
pub fn is_valid(code: &str) -> bool {
    if code.is_empty() || code.len() > LENGTH_MAX || !code.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    let rest = code.strip_prefix('/').unwrap_or(code);
    term(rest, 0) == Some("")
}

/// `component (("." | "/") component)*`; gives what stands behind it.
fn term(text: &str, depth: usize) -> Option<&str> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut rest = component(text, depth)?;
    while let Some(next) = rest.strip_prefix(['.', '/']) {
        rest = component(next, depth)?;
    }
    Some(rest)
}

/// `unit[exponent][annotation]`, an annotation alone, a whole number, or a term in brackets.
fn component(text: &str, depth: usize) -> Option<&str> {
    if let Some(inner) = text.strip_prefix('(') {
        // a term in brackets may start with "/" too
        let inner = inner.strip_prefix('/').unwrap_or(inner);
        return term(inner, depth + 1)?.strip_prefix(')');
    }
    if text.starts_with('{') {
        return annotation(text);
    }
    let end = symbol_end(text);
    let symbol = &text[..end];
    if symbol.is_empty() {
        // a factor
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        return if digits == 0 { None } else { annotation(&text[digits..]) };
    }
    if !is_unit(symbol) {
        return None;
    }
    annotation(exponent(&text[end..])?)
}

/// Where a unit symbol ends: before an operator, an exponent or an annotation. Square brackets are part of it.
fn symbol_end(text: &str) -> usize {
    if text.starts_with("10*") || text.starts_with("10^") {
        return 3;
    }
    let mut inside = false;
    for (i, b) in text.bytes().enumerate() {
        match b {
            b'[' => inside = true,
            b']' => inside = false,
            _ if inside => {}
            b'.' | b'/' | b'(' | b')' | b'{' | b'}' | b'+' | b'-' | b'0'..=b'9' => return i,
            _ => {}
        }
    }
    text.len()
}

fn is_unit(symbol: &str) -> bool {
    UNITS.contains_key(symbol)
        || PREFIXES.iter().any(|prefix| symbol.strip_prefix(prefix).is_some_and(|unit| UNITS.get(unit) == Some(&true)))
}

/// `[+-]digits` or nothing.
fn exponent(text: &str) -> Option<&str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 && unsigned.len() != text.len() { None } else { Some(&unsigned[digits..]) }
}

/// `{…}` or nothing.
fn annotation(text: &str) -> Option<&str> {
    let Some(inner) = text.strip_prefix('{') else { return Some(text) };
    let end = inner.find(['{', '}'])?;
    inner[end..].strip_prefix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_laboratories_are_valid() {
        for code in [
            "mmol/L",
            "umol/L",
            "10*9/L",
            "10*12/L",
            "10^9/L",
            "g/L",
            "%",
            "U/L",
            "[IU]/mL",
            "m[IU]/L",
            "mm[Hg]",
            "/min",
            "/[HPF]",
            "1",
            "{score}",
            "mL/min/{1.73_m2}",
            "ng/mL{FEU}",
            "Cel",
            "[degF]",
            "kg/m2",
            "s-1",
            "m/s2",
            "kat/L",
            "10*-3",
            "(m.s)/kg",
            "ug/(24.h)",
            "fL",
            "pg",
            "h",
            "d",
            "wk",
            "mo",
            "a",
            "cm",
            "[in_i]",
            "[lb_av]",
            "dB",
            "meq/L",
            "mosm/kg",
            "''",
            "[pH]",
            "10*6/{cells}",
            "{copies}/mL",
            "U",
            "mV",
            "ms",
            "L/min",
            "kPa",
            "[ppm]",
            "{INR}",
            "nmol/mmol{creat}",
            "m[H2O]",
            "B[10.nV]",
            "g/24.h",
        ] {
            assert!(is_valid(code), "{code}");
        }
    }

    #[test]
    fn what_is_no_unit_is_refused() {
        for code in [
            "",
            "foo",
            "mmHg",
            "mmol/l/",
            "10^9 /L",
            "次/分",
            "IU/mL",
            "bpm",
            "mg//L",
            "mg/",
            "(mg",
            "mg)",
            "{a",
            "a}",
            "{a{b}}",
            "mg.",
            "-1",
            "m--1",
            "10*9/l/L?",
            "µmol/L",
            "kmmol",
            "%%",
            "cells/uL",
            "sec",
            "g/dl.",
            &"(".repeat(300),
            &"m.".repeat(200),
        ] {
            assert!(!is_valid(code), "{code}");
        }
    }
}
