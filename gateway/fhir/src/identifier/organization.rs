//! Organisations: 统一社会信用代码 (GB 32100), 组织机构代码 (GB 11714), 医疗机构代码 (WS 218) and 村卫生室.

use super::{Fault, characters, is_province, part, region_fault};

const CREDIT: (&str, &str) = ("统一社会信用代码", "the social credit code");
const ORGANIZATION: (&str, &str) = ("组织机构代码", "the organisation code");
const INSTITUTION: (&str, &str) = ("医疗机构代码", "the institution code");
const VILLAGE: (&str, &str) = ("村卫生室等机构代码", "the village clinic code");

/// The characters of GB 32100: no I, O, S, V, Z.
const CREDIT_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// GB/T 12402-2000, 经济类型.
const OWNERSHIP: [&str; 22] =
    ["10", "11", "12", "13", "14", "15", "16", "17", "19", "20", "21", "22", "23", "24", "29", "30", "31", "32", "33", "34", "39", "90"];

/// 18 characters: 登记管理部门 1, 机构类别 1, 行政区划 6, 组织机构代码 9, check character 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SocialCredit(String);

impl SocialCredit {
    pub fn parse(text: &str) -> Result<SocialCredit, Fault> {
        let code = text.to_ascii_uppercase();
        let found = code.chars().count();
        if found != 18 {
            return Err(Fault::length(CREDIT, "18", found));
        }
        let mut sum = 0;
        let mut weight = 1;
        let mut check = 0;
        for (i, b) in code.bytes().enumerate() {
            let value = CREDIT_ALPHABET.iter().position(|c| *c == b).ok_or_else(|| characters(CREDIT))?;
            if i < 17 {
                sum += value * weight;
                weight = weight * 3 % 31;
            } else {
                check = value;
            }
        }
        if !part(&code, 2, 8).bytes().all(|b| b.is_ascii_digit()) {
            return Err(characters(CREDIT));
        }
        if (31 - sum % 31) % 31 != check {
            return Err(Fault::check_digit(("统一社会信用代码", "social credit code"), "GB 32100"));
        }
        check_organization(part(&code, 8, 17))?;
        Ok(SocialCredit(code))
    }

    /// The code, in capitals.
    pub fn code(&self) -> &str {
        &self.0
    }

    /// GB/T 2260, six digits; `100000` is the state.
    pub fn region(&self) -> &str {
        part(&self.0, 2, 8)
    }

    /// The 组织机构代码 in it, nine characters without hyphen.
    pub fn organization(&self) -> &str {
        part(&self.0, 8, 17)
    }
}

/// The check character (`0`–`9` or `X`) of the eight characters of an organisation code; `None` if they are not such.
pub fn organization_check_digit(body: &str) -> Option<char> {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let mut sum = 0;
    for (b, weight) in body.bytes().zip(WEIGHTS) {
        sum += weight * char::from(b).to_digit(36).filter(|_| b.is_ascii_digit() || b.is_ascii_uppercase())?;
    }
    (body.len() == 8).then_some(match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10)?,
    })
}

/// Nine characters, or `12345678-9`.
pub(super) fn check_organization(text: &str) -> Result<(), Fault> {
    let code = text.to_ascii_uppercase();
    let plain = match code.split_once('-') {
        Some((body, check)) if body.len() == 8 => format!("{body}{check}"),
        Some(_) => return Err(characters(ORGANIZATION)),
        None => code,
    };
    let found = plain.chars().count();
    if found != 9 {
        return Err(Fault::length(ORGANIZATION, "9", found));
    }
    let expected = plain.get(..8).and_then(organization_check_digit).ok_or_else(|| characters(ORGANIZATION))?;
    if plain.ends_with(expected) { Ok(()) } else { Err(Fault::check_digit(("组织机构代码", "organisation code"), "GB 11714")) }
}

/// 22 characters: 组织机构代码 9, 行政区划 6, 经济类型 2 (GB/T 12402), 卫生机构类别 4 (WS 218), 分类管理 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Institution(String);

impl Institution {
    pub fn parse(text: &str) -> Result<Institution, Fault> {
        let code = text.to_ascii_uppercase();
        let found = code.chars().count();
        if found != 22 {
            return Err(Fault::length(INSTITUTION, "22", found));
        }
        if !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(characters(INSTITUTION));
        }
        let parts = Institution(code);
        check_organization(parts.organization())?;
        check_region(parts.region(), INSTITUTION)?;
        if !OWNERSHIP.contains(&parts.ownership()) {
            return Err(wrong_part("第 16–17 位（经济类型）不在 GB/T 12402 中", "characters 16–17 (ownership) are not in GB/T 12402"));
        }
        let (letter, digits) = parts.category().split_at_checked(1).unwrap_or_default();
        if !matches!(letter.as_bytes(), [b'A'..=b'Q']) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong_part("第 18–21 位（卫生机构类别）不是 WS 218 的代码", "characters 18–21 (category) are no code of WS 218"));
        }
        if !matches!(parts.management(), "1" | "2" | "9") {
            return Err(wrong_part(
                "第 22 位（分类管理）应为 1 非营利、2 营利或 9 其他",
                "character 22 (management) is 1 (not for profit), 2 (for profit) or 9 (other)",
            ));
        }
        Ok(parts)
    }

    /// The code, in capitals.
    pub fn code(&self) -> &str {
        &self.0
    }

    /// 组织机构代码, nine characters.
    pub fn organization(&self) -> &str {
        part(&self.0, 0, 9)
    }

    /// GB/T 2260, six digits.
    pub fn region(&self) -> &str {
        part(&self.0, 9, 15)
    }

    /// 经济类型, two digits of GB/T 12402.
    pub fn ownership(&self) -> &str {
        part(&self.0, 15, 17)
    }

    /// 卫生机构类别, four characters of WS 218: `A100` is a general hospital, `D600` a village clinic.
    pub fn category(&self) -> &str {
        part(&self.0, 17, 21)
    }

    /// 机构分类管理: `1`, `2` or `9`.
    pub fn management(&self) -> &str {
        part(&self.0, 21, 22)
    }
}

/// Six digits of region, four of unit, two of attribute.
pub(super) fn check_village_clinic(text: &str) -> Result<(), Fault> {
    super::alphanumeric(text, 12, VILLAGE)?;
    check_region(part(text, 0, 6), VILLAGE)
}

/// An institution's code in a system that takes all of them.
pub(super) fn check_any(text: &str) -> Result<(), Fault> {
    match text.chars().count() {
        9 | 10 => check_organization(text),
        12 => check_village_clinic(text),
        18 => SocialCredit::parse(text).map(drop),
        22 => Institution::parse(text).map(drop),
        found => Err(Fault::new(
            "length",
            format!(
                "机构代码应为 22 位医疗机构代码、18 位统一社会信用代码、12 位村卫生室代码或 9 位组织机构代码，收到 {found} 位；院内代码请用本院的命名系统"
            ),
            format!(
                "an institution's code has 22, 18 (social credit), 12 (village clinic) or 9 characters (organisation), this has {found}; \
                 give a code of your own house under a system of your own"
            ),
        )),
    }
}

fn check_region(region: &str, name: (&str, &str)) -> Result<(), Fault> {
    if !region.bytes().all(|b| b.is_ascii_digit()) {
        return Err(characters(name));
    }
    if is_province(region) { Ok(()) } else { Err(region_fault(name)) }
}

fn wrong_part(zh: &str, en: &str) -> Fault {
    Fault::new("part", format!("医疗机构代码{zh}；请核对执业登记"), format!("in the institution code {en}; check the registration"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(result: Result<(), Fault>) -> &'static str {
        result.map_or_else(|f| f.what, |()| "")
    }

    #[test]
    fn social_credit_codes() {
        let code = SocialCredit::parse("12360000491015900t").unwrap();
        assert_eq!((code.code(), code.region(), code.organization()), ("12360000491015900T", "360000", "491015900"));
        for (text, expect) in [
            ("12360000491015900A", "check-digit"),
            ("1236000049101590", "length"),
            ("12360000491015I00T", "characters"),
            ("12 60000491015900T", "characters"),
            ("12A60000491015900T", "characters"),
        ] {
            assert_eq!(what(SocialCredit::parse(text).map(drop)), expect, "{text}");
        }
        for c in CREDIT_ALPHABET {
            let text = format!("12360000491015900{}", char::from(*c));
            assert_eq!(SocialCredit::parse(&text).is_ok(), *c == b'T', "{text}");
        }
    }

    #[test]
    fn organization_codes() {
        for (text, expect) in [
            ("491015900", ""),
            ("49101590-0", ""),
            ("68823369-9", "check-digit"),
            ("4910159-00", "characters"),
            ("49101590-00", "length"),
            ("4910159", "length"),
            ("49#015900", "characters"),
        ] {
            assert_eq!(what(check_organization(text)), expect, "{text}");
        }
        assert_eq!(organization_check_digit("49101590"), Some('0'));
        // the remainders that give no digit: 1 becomes X
        let with_x = (0..100_u32).map(|n| format!("{n:08}")).find(|b| organization_check_digit(b) == Some('X')).unwrap();
        assert!(check_organization(&format!("{with_x}x")).is_ok(), "{with_x}");
    }

    #[test]
    fn institution_codes() {
        let code = Institution::parse("49101590050023611a1001").unwrap();
        assert_eq!(
            (code.organization(), code.region(), code.ownership(), code.category(), code.management()),
            ("491015900", "500236", "11", "A100", "1")
        );
        assert_eq!(code.code(), "49101590050023611A1001");
        for (text, expect) in [
            ("49101590150023611A1001", "check-digit"),
            ("49101590066023611A1001", "region"),
            ("49101590050023618A1001", "part"),
            ("49101590050023611R1001", "part"),
            ("49101590050023611A1003", "part"),
            ("49101590050023611A100", "length"),
        ] {
            assert_eq!(what(Institution::parse(text).map(drop)), expect, "{text}");
        }
    }

    #[test]
    fn village_clinics_and_any() {
        for (text, expect) in [("500236001101", ""), ("660236001101", "region"), ("50023600110", "length"), ("50023X001101", "characters")]
        {
            assert_eq!(what(check_village_clinic(text)), expect, "{text}");
        }
        for (text, expect) in [
            ("12360000491015900T", ""),
            ("491015900", ""),
            ("49101590-0", ""),
            ("500236001101", ""),
            ("49101590050023611A1001", ""),
            ("XYX", "length"),
        ] {
            assert_eq!(what(check_any(text)), expect, "{text}");
        }
    }
}
