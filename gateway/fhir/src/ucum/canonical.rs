//! An expression as powers of base units and one exact factor.

use super::factor::Factor;
use super::grammar::{self, Atom, Fold, Prefix};
use super::scale::Scale;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

/// Units that are defined by units that are defined by units …
const DEFINED_BY_MAX: usize = 24;

/// Largest exponent that is computed.
const EXPONENT_MAX: i32 = 99;

/// The base units, in the order in which they are written.
const BASE: [&str; 7] = ["m", "g", "s", "rad", "K", "C", "cd"];

/// What an expression means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Canonical {
    /// Exponents of [`BASE`].
    powers: [i32; 7],
    /// Arbitrary units, each a dimension of its own, by code; none with exponent 0.
    arbitrary: Vec<(&'static str, i32)>,
    pub(super) factor: Factor,
    /// For a unit on a scale of its own, e.g. degrees Celsius; `factor` is then that of the prefix.
    pub(super) scale: Option<Scale>,
}

impl Canonical {
    const ONE: Canonical = Canonical { powers: [0; 7], arbitrary: Vec::new(), factor: Factor::ONE, scale: None };

    /// Of an expression; `None` where it is not valid, or its factor is too large to be exact.
    pub fn of(code: &str) -> Option<Canonical> {
        grammar::fold(code, &mut Reader)
    }

    /// Whether both are of one dimension.
    pub fn is_comparable(&self, other: &Canonical) -> bool {
        self.powers == other.powers && self.arbitrary == other.arbitrary
    }

    /// The base units alone, without factor and scale.
    pub fn base(&self) -> Canonical {
        Canonical { factor: Factor::ONE, scale: None, ..self.clone() }
    }

    fn power(self, exponent: i32) -> Option<Canonical> {
        if self.scale.is_some() || exponent.abs() > EXPONENT_MAX {
            return None;
        }
        let mut out = Canonical { factor: self.factor.power(exponent)?, ..self };
        for power in out.powers.iter_mut().chain(out.arbitrary.iter_mut().map(|a| &mut a.1)) {
            *power = power.checked_mul(exponent).filter(|p| p.abs() <= EXPONENT_MAX)?;
        }
        out.arbitrary.retain(|a| a.1 != 0);
        Some(out)
    }

    fn times(mut self, other: Canonical) -> Option<Canonical> {
        let one = |c: &Canonical| c.powers == [0; 7] && c.arbitrary.is_empty() && c.scale.is_none();
        if self.scale.is_some() || other.scale.is_some() {
            // a scale of its own is not multiplied; a bare annotation beside it changes nothing
            return match (one(&self) && self.factor == Factor::ONE, one(&other) && other.factor == Factor::ONE) {
                (true, _) => Some(other),
                (_, true) => Some(self),
                _ => None,
            };
        }
        self.factor = self.factor.times(other.factor)?;
        for (power, more) in self.powers.iter_mut().zip(other.powers) {
            *power = power.checked_add(more).filter(|p| p.abs() <= EXPONENT_MAX)?;
        }
        for (code, more) in other.arbitrary {
            match self.arbitrary.iter_mut().find(|a| a.0 == code) {
                Some(a) => a.1 = a.1.checked_add(more).filter(|p| p.abs() <= EXPONENT_MAX)?,
                None => self.arbitrary.push((code, more)),
            }
        }
        self.arbitrary.retain(|a| a.1 != 0);
        self.arbitrary.sort_unstable();
        Some(self)
    }
}

/// The base units as an expression: `m-3`, `g.m2.s-2`, `1`.
impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = BASE.iter().copied().zip(self.powers).chain(self.arbitrary.iter().copied());
        let mut dot = "";
        for (code, power) in base.filter(|(_, p)| *p != 0) {
            write!(f, "{dot}{code}")?;
            if power != 1 {
                write!(f, "{power}")?;
            }
            dot = ".";
        }
        if dot.is_empty() { f.write_str("1") } else { Ok(()) }
    }
}

/// Every unit code without prefix, worked out once.
static UNITS: LazyLock<HashMap<&'static str, Canonical>> = LazyLock::new(|| {
    let mut all = Definer { done: HashMap::new(), depth: 0 };
    for (code, atom) in grammar::atoms() {
        all.define(code, atom);
    }
    all.done.into_iter().filter_map(|(code, unit)| Some((code, unit?))).collect()
});

struct Reader;

impl Fold for Reader {
    type Out = Canonical;

    fn one(&mut self) -> Canonical {
        Canonical::ONE
    }

    fn number(&mut self, digits: &str) -> Option<Canonical> {
        Some(Canonical { factor: Factor::of(digits)?, ..Canonical::ONE })
    }

    fn unit(&mut self, prefix: Prefix, code: &str, _: &'static Atom) -> Option<Canonical> {
        prefixed(prefix, UNITS.get(code)?.clone())
    }

    fn power(&mut self, of: Canonical, exponent: &str) -> Option<Canonical> {
        of.power(exponent.parse().ok()?)
    }

    fn times(&mut self, a: Canonical, b: Canonical) -> Option<Canonical> {
        a.times(b)
    }

    fn over(&mut self, a: Canonical, b: Canonical) -> Option<Canonical> {
        if b == Canonical::ONE {
            return Some(a);
        }
        a.times(b.power(-1)?)
    }
}

fn prefixed(prefix: Prefix, mut unit: Canonical) -> Option<Canonical> {
    let factor = match prefix {
        Prefix::None => return Some(unit),
        Prefix::Ten(power) => Factor::ten_to(power),
        Prefix::Binary(power) => Factor::two_to(power * 10),
    };
    unit.factor = unit.factor.times(factor)?;
    Some(unit)
}

/// Works units out from the units that define them.
struct Definer {
    done: HashMap<&'static str, Option<Canonical>>,
    depth: usize,
}

impl Definer {
    fn define(&mut self, code: &'static str, atom: &'static Atom) -> Option<Canonical> {
        if let Some(done) = self.done.get(code) {
            return done.clone();
        }
        if self.depth > DEFINED_BY_MAX {
            return None;
        }
        self.depth += 1;
        let unit = self.work_out(code, atom);
        self.depth -= 1;
        self.done.insert(code, unit.clone());
        unit
    }

    fn work_out(&mut self, code: &'static str, atom: &'static Atom) -> Option<Canonical> {
        if code == "[pi]" {
            return Some(Canonical { factor: Factor::PI, ..Canonical::ONE });
        }
        if atom.kind == "base" {
            let mut unit = Canonical::ONE;
            *unit.powers.get_mut(BASE.iter().position(|b| *b == code)?)? = 1;
            return Some(unit);
        }
        if atom.kind == "arbitrary" && atom.unit == "1" {
            return Some(Canonical { arbitrary: vec![(code, 1)], ..Canonical::ONE });
        }
        let of = grammar::fold(atom.unit, self)?;
        let factor = Factor::of(atom.value)?;
        if matches!(atom.kind, "unit" | "arbitrary") {
            return Some(Canonical { factor: of.factor.times(factor)?, ..of });
        }
        // the factor of a reference value is part of the scale: the level in B[SPL] is over 2·10⁻⁵ Pa
        let scale = Scale::named(atom.kind, of.factor, factor)?;
        Some(Canonical { factor: Factor::ONE, scale: Some(scale), ..of })
    }
}

impl Fold for Definer {
    type Out = Canonical;

    fn one(&mut self) -> Canonical {
        Canonical::ONE
    }

    fn number(&mut self, digits: &str) -> Option<Canonical> {
        Reader.number(digits)
    }

    fn unit(&mut self, prefix: Prefix, code: &str, atom: &'static Atom) -> Option<Canonical> {
        let code = grammar::atoms().find(|(c, _)| *c == code)?.0;
        prefixed(prefix, self.define(code, atom)?)
    }

    fn power(&mut self, of: Canonical, exponent: &str) -> Option<Canonical> {
        Reader.power(of, exponent)
    }

    fn times(&mut self, a: Canonical, b: Canonical) -> Option<Canonical> {
        a.times(b)
    }

    fn over(&mut self, a: Canonical, b: Canonical) -> Option<Canonical> {
        Reader.over(a, b)
    }
}
