//! Targets as they are printed: `≥90`, `>90`, `≧65`, `100`.

use rust_decimal::Decimal;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparator {
    /// `≥`, `≧`
    AtLeast,
    /// `>`
    Above,
    /// A number alone: it is reached when the figure is there or above, as in all these tables more is better.
    Reach,
}

/// The target of a year.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub year: i64,
    /// As printed.
    pub printed: String,
    pub comparator: Comparator,
    pub number: Decimal,
}

impl Target {
    pub fn parse(year: i64, printed: &str) -> Option<Target> {
        let text = printed.trim();
        let (comparator, digits) = if let Some(rest) = text.strip_prefix(['≥', '≧']) {
            (Comparator::AtLeast, rest)
        } else if let Some(rest) = text.strip_prefix(['>', '＞']) {
            (Comparator::Above, rest)
        } else {
            (Comparator::Reach, text)
        };
        let number = Decimal::from_str_exact(digits.trim()).ok()?;
        Some(Target { year, printed: text.to_owned(), comparator, number })
    }

    pub fn is_met(&self, value: Decimal) -> bool {
        match self.comparator {
            Comparator::AtLeast | Comparator::Reach => value >= self.number,
            Comparator::Above => value > self.number,
        }
    }

    /// Per cent of the target that is there; `None` for a target of zero.
    pub fn progress(&self, value: Decimal) -> Option<Decimal> {
        value.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_judged() {
        for (printed, value, met, progress) in [
            ("≥90", "90", true, "100"),
            ("≧65", "64.99", false, "99.98"),
            (">90", "90", false, "100"),
            (">90", "90.01", true, "100.01"),
            ("100", "100", true, "100"),
            ("20", "18.1", false, "90.5"),
            ("≥0.85", "0.8", false, "94.12"),
        ] {
            let target = Target::parse(2025, printed).unwrap();
            let value: Decimal = value.parse().unwrap();
            assert_eq!(target.is_met(value), met, "{printed} {value}");
            assert_eq!(target.progress(value).unwrap().round_dp(2).normalize().to_string(), progress, "{printed} {value}");
        }
        for wrong in ["", "—", "≥", "九十", "90%"] {
            assert_eq!(Target::parse(2025, wrong), None, "{wrong}");
        }
        assert_eq!(Target::parse(2025, "0").unwrap().progress(Decimal::ONE), None);
    }
}
