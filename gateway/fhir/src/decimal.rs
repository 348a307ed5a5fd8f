//! Exact comparison of FHIR decimals in their written form, without binary fractions.

use std::cmp::Ordering;

/// A decimal as sign, digits without leading or trailing zeros, and the power of ten of `0.digits`.
struct Parts {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

fn parts(text: &str) -> Option<Parts> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], rest[at + 1..].parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if whole.is_empty() || !all.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let leading = all.iter().take_while(|d| **d == b'0').count();
    let mut digits = all[leading..].to_vec();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let exponent = exponent.checked_add(whole.len() as i64)?.checked_sub(leading as i64)?;
    Some(Parts { negative, digits, exponent })
}

/// Compares two decimals by value (`1.50` = `1.5`); `None` where one is not a decimal.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parts(a)?, parts(b)?);
    let sign = |p: &Parts| {
        if p.digits.is_empty() {
            0
        } else if p.negative {
            -1
        } else {
            1
        }
    };
    let by_sign = sign(&a).cmp(&sign(&b));
    if by_sign != Ordering::Equal || a.digits.is_empty() {
        return Some(by_sign);
    }
    let magnitude = a.exponent.cmp(&b.exponent).then_with(|| a.digits.cmp(&b.digits));
    Some(if a.negative { magnitude.reverse() } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_by_value() {
        for (a, b, expected) in [
            ("1.50", "1.5", Ordering::Equal),
            ("0", "-0.00", Ordering::Equal),
            ("2", "10", Ordering::Less),
            ("-2", "-10", Ordering::Greater),
            ("-1", "0.1", Ordering::Less),
            ("1e3", "1000", Ordering::Equal),
            ("1.5E-2", "0.015", Ordering::Equal),
            ("0.1", "0.09", Ordering::Greater),
            ("1.00000000000000000001", "1", Ordering::Greater),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("12", "123", Ordering::Less),
        ] {
            assert_eq!(compare(a, b), Some(expected), "{a} {b}");
            assert_eq!(compare(b, a), Some(expected.reverse()), "{b} {a}");
        }
        assert_eq!(compare("x", "1"), None);
        assert_eq!(compare("", "1"), None);
        assert_eq!(compare("1", "1e99999999999999999999"), None);
    }
}
