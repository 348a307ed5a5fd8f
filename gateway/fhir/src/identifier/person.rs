//! 居民身份证 (GB 11643): 17 digits and a check character, or the 15 digits of before 1999.

use super::{Fault, is_province, part, region_fault};

const NAME: (&str, &str) = ("居民身份证号码", "the identity card number");
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// By remainder 0 to 10 of the weighted sum modulo 11.
const CHECKS: &[u8; 11] = b"10X98765432";

/// A number whose form, date and check character are right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentityCard {
    /// 18 characters.
    number: String,
    legacy: bool,
    birth: (u16, u8, u8),
    sequence: u16,
}

/// As the sequence number tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sex {
    Male,
    Female,
}

impl IdentityCard {
    /// Reads 18 characters (a small `x` counts as `X`) or 15 digits, which become 18: the century is 19 and the check
    /// character is added. The region is not judged here, see [`check_region`](Self::check_region).
    pub fn parse(text: &str) -> Result<IdentityCard, Fault> {
        let legacy = text.len() == 15;
        let number = match text.len() {
            15 if all_digits(text) => with_check_digit(&format!("{}19{}", part(text, 0, 6), part(text, 6, 15))),
            18 if all_digits(part(text, 0, 17)) => text.to_ascii_uppercase(),
            15 | 18 => return Err(super::characters(NAME)),
            _ => return Err(Fault::length(NAME, "18 / 15", text.chars().count())),
        };
        let birth = date(part(&number, 6, 14)).ok_or_else(|| {
            Fault::new(
                "birth-date",
                "居民身份证号码中的出生日期不是有效日期；请对照证件原件重新录入",
                "the birth date in the identity card number is no date; enter it again from the card",
            )
        })?;
        if check_digit(&number) != number.as_bytes().last().copied() {
            return Err(Fault::check_digit(("居民身份证号码", "identity card number"), "GB 11643"));
        }
        let sequence = part(&number, 14, 17).parse().unwrap_or_default();
        Ok(IdentityCard { number, legacy, birth, sequence })
    }

    /// The 18 characters, with a capital `X`: equal for both forms of one person's number.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Whether it came as 15 digits.
    pub fn is_legacy(&self) -> bool {
        self.legacy
    }

    /// The region (GB/T 2260, six digits) where the number was first given; it may have been dissolved since.
    pub fn region(&self) -> &str {
        part(&self.number, 0, 6)
    }

    /// Year, month, day.
    pub fn birth(&self) -> (u16, u8, u8) {
        self.birth
    }

    /// The birth date as FHIR writes it, `1949-12-31`.
    pub fn birth_date(&self) -> String {
        let (year, month, day) = self.birth;
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// 0 to 999, among those born in one region on one day.
    pub fn sequence(&self) -> u16 {
        self.sequence
    }

    /// Odd sequence numbers are male.
    pub fn sex(&self) -> Sex {
        if self.sequence % 2 == 1 { Sex::Male } else { Sex::Female }
    }

    /// Whether the region can be. `99…` is nowhere and passes: numbers that nobody can hold, for tests and demonstrations.
    pub fn check_region(&self) -> Result<(), Fault> {
        if is_province(self.region()) || self.region().starts_with("99") { Ok(()) } else { Err(region_fault(NAME)) }
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The check character that 17 digits take; `None` if they are not 17 digits.
pub fn identity_card_check_digit(body: &str) -> Option<char> {
    (body.len() == 17 && all_digits(body)).then(|| check_digit(body).map(char::from)).flatten()
}

/// Of the first 17 digits.
fn check_digit(number: &str) -> Option<u8> {
    let digits = number.as_bytes().get(..17)?;
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(d, w)| u32::from(d.saturating_sub(b'0')) * w).sum();
    CHECKS.get((sum % 11) as usize).copied()
}

fn with_check_digit(body: &str) -> String {
    let check = check_digit(body).map_or('?', char::from);
    format!("{body}{check}")
}

/// `YYYYMMDD`, a day of the calendar in the years 1800 to 2099.
fn date(text: &str) -> Option<(u16, u8, u8)> {
    let year: u16 = text.get(..4)?.parse().ok()?;
    let month: u8 = text.get(4..6)?.parse().ok()?;
    let day: u8 = text.get(6..8)?.parse().ok()?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    ((1800..=2099).contains(&year) && (1..=last).contains(&day)).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let card = IdentityCard::parse("11010519491231002x").unwrap();
        assert_eq!(card.number(), "11010519491231002X");
        assert_eq!((card.region(), card.birth(), card.birth_date().as_str()), ("110105", (1949, 12, 31), "1949-12-31"));
        assert_eq!((card.sequence(), card.sex(), card.is_legacy()), (2, Sex::Female, false));
        let old = IdentityCard::parse("110105491231002").unwrap();
        assert_eq!((old.number(), old.is_legacy()), ("11010519491231002X", true), "both forms are one person");
        assert_eq!(IdentityCard::parse("999900198505050139").map(|c| c.sex()).ok(), None, "a wrong check digit");
    }

    #[test]
    fn faults() {
        for (text, what) in [
            ("500236198505051234", "check-digit"),
            ("11010519491331002X", "birth-date"),
            ("11010519490229002X", "birth-date"),
            ("1101051949123100XX", "characters"),
            ("110105491331002", "birth-date"),
            ("1101054912310 2", "characters"),
            ("1101051949123100", "length"),
            ("一二三四五六", "characters"),
            ("", "length"),
        ] {
            assert_eq!(IdentityCard::parse(text).unwrap_err().what, what, "{text}");
        }
    }

    #[test]
    fn regions_that_nobody_has() {
        for (body, good) in [("50023619850505123", true), ("99990019850505123", true), ("66000019850505123", false)] {
            let card = IdentityCard::parse(&with_check_digit(body)).unwrap();
            assert_eq!(card.check_region().is_ok(), good, "{body}");
        }
    }

    #[test]
    fn every_wrong_check_character_is_found() {
        for c in "0123456789X".chars() {
            let text = format!("11010519491231002{c}");
            assert_eq!(IdentityCard::parse(&text).is_ok(), c == 'X', "{text}");
        }
    }
}
