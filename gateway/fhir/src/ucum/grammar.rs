//! The grammar of UCUM expressions (§2 of the specification), folded into what a reader makes of them.

use std::collections::HashMap;
use std::sync::LazyLock;

const CODES: &str = include_str!("../../../../profiles/terminology/ucum.tsv");

/// Prefixes, powers of ten first; the value is a power of ten or (`Ki` …) of 1024.
const PREFIXES: [(&str, i32); 24] = [
    ("Y", 24),
    ("Z", 21),
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("h", 2),
    ("da", 1),
    ("d", -1),
    ("c", -2),
    ("m", -3),
    ("u", -6),
    ("n", -9),
    ("p", -12),
    ("f", -15),
    ("a", -18),
    ("z", -21),
    ("y", -24),
    ("Ki", 1),
    ("Mi", 2),
    ("Gi", 3),
    ("Ti", 4),
];

/// Longest code that is looked at.
const LENGTH_MAX: usize = 256;

/// Brackets in brackets.
const DEPTH_MAX: usize = 16;

/// A unit code as the table has it.
pub(super) struct Atom {
    pub(super) is_metric: bool,
    /// `base`, `unit`, `arbitrary` or the function of its scale.
    pub(super) kind: &'static str,
    pub(super) value: &'static str,
    pub(super) unit: &'static str,
    pub(super) name: &'static str,
}

static ATOMS: LazyLock<HashMap<&'static str, Atom>> = LazyLock::new(|| {
    let atom = |line: &'static str| {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or("");
        let (code, metric) = (next(), next());
        (code, Atom { is_metric: metric == "yes", kind: next(), value: next(), unit: next(), name: next() })
    };
    CODES.lines().filter(|l| !l.starts_with('#')).map(atom).collect()
});

pub(super) fn atom(code: &str) -> Option<&'static Atom> {
    ATOMS.get(code)
}

pub(super) fn atoms() -> impl Iterator<Item = (&'static str, &'static Atom)> {
    ATOMS.iter().map(|(code, atom)| (*code, atom))
}

/// What stands before a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Prefix {
    None,
    Ten(i32),
    /// Power of 1024.
    Binary(i32),
}

/// What is made of an expression.
pub(super) trait Fold {
    type Out;
    fn one(&mut self) -> Self::Out;
    /// A whole number in digits.
    fn number(&mut self, digits: &str) -> Option<Self::Out>;
    fn unit(&mut self, prefix: Prefix, code: &str, atom: &'static Atom) -> Option<Self::Out>;
    /// `exponent` is `[+-]digits`.
    fn power(&mut self, of: Self::Out, exponent: &str) -> Option<Self::Out>;
    fn times(&mut self, a: Self::Out, b: Self::Out) -> Option<Self::Out>;
    fn over(&mut self, a: Self::Out, b: Self::Out) -> Option<Self::Out>;
}

/// Only whether it can be read.
struct Nothing;

impl Fold for Nothing {
    type Out = ();
    fn one(&mut self) {}
    fn number(&mut self, _: &str) -> Option<()> {
        Some(())
    }
    fn unit(&mut self, _: Prefix, _: &str, _: &'static Atom) -> Option<()> {
        Some(())
    }
    fn power(&mut self, (): (), _: &str) -> Option<()> {
        Some(())
    }
    fn times(&mut self, (): (), (): ()) -> Option<()> {
        Some(())
    }
    fn over(&mut self, (): (), (): ()) -> Option<()> {
        Some(())
    }
}

/// Whether `code` is a valid UCUM expression, e.g. `mmol/L`, `10*9/L`, `mm[Hg]`, `mL/min/{1.73_m2}`.
pub fn is_valid(code: &str) -> bool {
    fold(code, &mut Nothing).is_some()
}

/// Reads an expression; `None` where it is not valid or `with` gives up.
pub(super) fn fold<F: Fold>(code: &str, with: &mut F) -> Option<F::Out> {
    if code.is_empty() || code.len() > LENGTH_MAX || !code.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let (out, rest) = term(code, 0, with)?;
    rest.is_empty().then_some(out)
}

/// `["/"] component (("." | "/") component)*`, from left to right; and what stands behind it.
fn term<'t, F: Fold>(text: &'t str, depth: usize, with: &mut F) -> Option<(F::Out, &'t str)> {
    if depth > DEPTH_MAX {
        return None;
    }
    let (mut out, mut rest) = if text.starts_with('/') { (with.one(), text) } else { component(text, depth, with)? };
    while let Some(op) = rest.bytes().next().filter(|b| matches!(b, b'.' | b'/')) {
        let (next, behind) = component(rest.get(1..)?, depth, with)?;
        out = if op == b'.' { with.times(out, next)? } else { with.over(out, next)? };
        rest = behind;
    }
    Some((out, rest))
}

/// `unit[exponent][annotation]`, an annotation alone, a whole number, or a term in brackets.
fn component<'t, F: Fold>(text: &'t str, depth: usize, with: &mut F) -> Option<(F::Out, &'t str)> {
    if let Some(inner) = text.strip_prefix('(') {
        let (out, rest) = term(inner, depth + 1, with)?;
        return Some((out, rest.strip_prefix(')')?));
    }
    if text.starts_with('{') {
        return Some((with.one(), annotation(text)?));
    }
    let end = symbol_end(text);
    let (symbol, rest) = text.split_at_checked(end)?;
    if symbol.is_empty() {
        // a factor
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at_checked(digits)?;
        return if digits == 0 { None } else { Some((with.number(number)?, annotation(rest)?)) };
    }
    let (prefix, code, atom) = find(symbol)?;
    let mut out = with.unit(prefix, code, atom)?;
    let (exponent, rest) = rest.split_at_checked(exponent_end(rest)?)?;
    if !exponent.is_empty() {
        out = with.power(out, exponent)?;
    }
    Some((out, annotation(rest)?))
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

/// A unit, else a metric unit behind a prefix.
fn find(symbol: &str) -> Option<(Prefix, &str, &'static Atom)> {
    if let Some(atom) = ATOMS.get(symbol) {
        return Some((Prefix::None, symbol, atom));
    }
    PREFIXES.iter().enumerate().find_map(|(i, (prefix, power))| {
        let code = symbol.strip_prefix(prefix)?;
        let atom = ATOMS.get(code).filter(|a| a.is_metric)?;
        Some((if i < 20 { Prefix::Ten(*power) } else { Prefix::Binary(*power) }, code, atom))
    })
}

/// Where `[+-]digits` ends; 0 without an exponent.
fn exponent_end(text: &str) -> Option<usize> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let sign = text.len() - unsigned.len();
    if digits == 0 && sign > 0 { None } else { Some(sign + digits) }
}

/// What stands behind `{…}` or nothing.
fn annotation(text: &str) -> Option<&str> {
    let Some(inner) = text.strip_prefix('{') else { return Some(text) };
    let end = inner.find(['{', '}'])?;
    inner.get(end..)?.strip_prefix('}')
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
