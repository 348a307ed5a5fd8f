//! Exact positive factors between units: powers of 2, 5 and π beside a fraction of whole numbers without 2 and 5.
//!
//! Written so, the powers of ten of prefixes cost nothing, and the fraction stays small: between units that are
//! defined by decimals it nearly always fits 128 bits. Where it does not, there is no factor (`None`), never a wrong one.

use rust_decimal::Decimal;

/// Greatest power that is computed.
const POWER_MAX: i32 = 400;

/// π · 10²⁸
const PI_DIGITS: i128 = 31_415_926_535_897_932_384_626_433_833;

/// `num / den · 2^two · 5^five · π^pi`; `num` and `den` have no common divisor and none of 2 and 5.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Factor {
    num: u128,
    den: u128,
    two: i32,
    five: i32,
    pi: i32,
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Takes a divisor out of a number as often as it is in it.
fn take(n: &mut u128, divisor: u128) -> i32 {
    let mut count = 0;
    while *n != 0 && n.is_multiple_of(divisor) {
        *n /= divisor;
        count += 1;
    }
    count
}

impl Factor {
    pub(super) const ONE: Factor = Factor { num: 1, den: 1, two: 0, five: 0, pi: 0 };
    pub(super) const PI: Factor = Factor { pi: 1, ..Factor::ONE };

    pub(super) fn ten_to(power: i32) -> Factor {
        Factor { two: power, five: power, ..Factor::ONE }
    }

    pub(super) fn two_to(power: i32) -> Factor {
        Factor { two: power, ..Factor::ONE }
    }

    /// `digits[.digits][e[-]digits]`, not zero.
    pub(super) fn of(text: &str) -> Option<Factor> {
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse().ok().filter(|p: &i32| p.abs() <= POWER_MAX)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut num = 0u128;
        for b in whole.bytes().chain(fraction.bytes()) {
            let digit = b.is_ascii_digit().then(|| b - b'0')?;
            num = num.checked_mul(10)?.checked_add(u128::from(digit))?;
        }
        if num == 0 {
            return None;
        }
        let (two, five) = (take(&mut num, 2), take(&mut num, 5));
        let ten = power - i32::try_from(fraction.len()).ok()?;
        Some(Factor { num, two: two + ten, five: five + ten, ..Factor::ONE })
    }

    pub(super) fn times(self, other: Factor) -> Option<Factor> {
        let (a, b) = (gcd(self.num, other.den), gcd(other.num, self.den));
        let out = Factor {
            num: (self.num / a).checked_mul(other.num / b)?,
            den: (self.den / b).checked_mul(other.den / a)?,
            two: self.two.checked_add(other.two)?,
            five: self.five.checked_add(other.five)?,
            pi: self.pi.checked_add(other.pi)?,
        };
        [out.two, out.five, out.pi].iter().all(|p| p.abs() <= POWER_MAX).then_some(out)
    }

    pub(super) fn inverse(self) -> Factor {
        Factor { num: self.den, den: self.num, two: -self.two, five: -self.five, pi: -self.pi }
    }

    pub(super) fn power(self, exponent: i32) -> Option<Factor> {
        if exponent.abs() > POWER_MAX {
            return None;
        }
        let base = if exponent < 0 { self.inverse() } else { self };
        (0..exponent.abs()).try_fold(Factor::ONE, |out, _| out.times(base))
    }

    /// `value` times this factor: exact where that is a finite decimal of 28 digits, else rounded.
    pub(super) fn apply(self, value: Decimal) -> Option<Decimal> {
        let ten = self.two.min(self.five);
        let (two, five) = (u32::try_from(self.two - ten).ok()?, u32::try_from(self.five - ten).ok()?);
        let mut num = value.mantissa().unsigned_abs().checked_mul(self.num)?;
        num = num.checked_mul(2u128.checked_pow(two)?)?.checked_mul(5u128.checked_pow(five)?)?;
        let mut scale = i64::from(value.scale()) - i64::from(ten);
        if self.den != 1 {
            // as many digits as there is room for, then divided and rounded
            while let Some(more) = num.checked_mul(10).filter(|_| num != 0) {
                num = more;
                scale += 1;
            }
            num = rounded(num, self.den);
        }
        let mut out = decimal(num, scale)?;
        let pi = Decimal::try_from_i128_with_scale(PI_DIGITS, 28).ok()?;
        for _ in 0..self.pi.abs() {
            out = if self.pi > 0 { out.checked_mul(pi)? } else { out.checked_div(pi)? };
        }
        out.set_sign_negative(value.is_sign_negative() && !out.is_zero());
        Some(out.normalize())
    }

    /// For scales that are computed in binary fractions.
    pub(super) fn to_f64(self) -> f64 {
        self.num as f64 / self.den as f64 * 2f64.powi(self.two) * 5f64.powi(self.five) * std::f64::consts::PI.powi(self.pi)
    }
}

/// `n / by`, to the nearest, half away from zero.
fn rounded(n: u128, by: u128) -> u128 {
    let (q, r) = (n / by, n % by);
    if r >= by - r { q + 1 } else { q }
}

/// `mantissa / 10^scale` as a decimal of at most 28 digits.
fn decimal(mut mantissa: u128, mut scale: i64) -> Option<Decimal> {
    const MANTISSA_MAX: u128 = (1 << 96) - 1;
    while scale > 0 && mantissa != 0 && mantissa.is_multiple_of(10) {
        mantissa /= 10;
        scale -= 1;
    }
    if mantissa == 0 {
        return Some(Decimal::ZERO);
    }
    while scale < 0 {
        mantissa = mantissa.checked_mul(10)?;
        scale += 1;
    }
    // one rounding only, else 0.49999 could become 1
    let over = (0u32..).find(|over| {
        let small = 10u128.checked_pow(*over).is_none_or(|by| rounded(mantissa, by) <= MANTISSA_MAX);
        small && scale - i64::from(*over) <= 28
    })?;
    if i64::from(over) > scale {
        return None;
    }
    let mantissa = 10u128.checked_pow(over).map_or(0, |by| rounded(mantissa, by));
    Decimal::try_from_i128_with_scale(i128::try_from(mantissa).ok()?, u32::try_from(scale - i64::from(over)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        Decimal::from_scientific(text).or_else(|_| text.parse()).unwrap()
    }

    #[test]
    fn factors_are_exact() {
        for (factor, value, expected) in [
            (Factor::of("0.001"), "5.60", "0.0056"),
            (Factor::of("1e21"), "3", "3000000000000000000000"),
            (Factor::of("3").map(Factor::inverse), "1", "0.3333333333333333333333333333"),
            (Factor::of("3").map(Factor::inverse), "2", "0.6666666666666666666666666667"),
            (Factor::of("9").and_then(|f| Factor::of("5").unwrap().times(f.inverse())), "-18", "-10"),
            (Factor::of("7").and_then(|f| f.times(f.inverse())), "1.10", "1.1"),
            (Factor::of("1e-30"), "1", "0"),
            (Some(Factor::two_to(-3)), "1", "0.125"),
            (Some(Factor::PI), "2", "6.2831853071795864769252867666"),
        ] {
            assert_eq!(factor.unwrap().apply(d(value)), Some(d(expected)), "{value} {expected}");
        }
        assert_eq!(Factor::of("1e40").unwrap().apply(d("1")), None);
        for bad in ["", "0", "x", "1e9999", "1.2.3", "-1"] {
            assert_eq!(Factor::of(bad), None, "{bad}");
        }
        let big = Factor::of("340282366920938463463374607431768211453").unwrap();
        assert_eq!(big.times(big), None, "too large is no factor");
    }
}
