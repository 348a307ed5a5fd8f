//! Drugs: 国家医保药品代码, 国家药品编码本位码 (GB 18937) and 药品追溯码.

use super::{Fault, characters, part};

const INSURANCE: (&str, &str) = ("国家医保药品代码", "the national insurance drug code");
const STANDARD: (&str, &str) = ("国家药品编码本位码", "the national drug standard code");
const TRACE: (&str, &str) = ("药品追溯码", "the drug trace code");

/// A code of the national insurance. Of 西药 the parts are known; of others only length and characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InsuranceDrug(String);

impl InsuranceDrug {
    /// 西药 (`X`): 23 characters, the layout of every published sample. 中成药 (`Z`): 20 characters. Codes with another
    /// first letter (饮片 and more) are looked at for letters and digits only: no source gives their form.
    pub fn parse(text: &str) -> Result<InsuranceDrug, Fault> {
        let code = text.to_ascii_uppercase();
        if !code.bytes().all(|b| b.is_ascii_alphanumeric()) || !code.as_bytes().first().is_some_and(u8::is_ascii_uppercase) {
            return Err(characters(INSURANCE));
        }
        match (code.as_bytes().first(), code.len()) {
            (Some(b'X'), 23) => western(&code)?,
            (Some(b'X'), n) => return Err(Fault::length(("西药医保代码", "the insurance code of a western medicine"), "23", n)),
            (Some(b'Z'), n) if n != 20 => {
                return Err(Fault::length(("中成药医保代码", "the insurance code of a Chinese patent medicine"), "20", n));
            }
            _ => {}
        }
        Ok(InsuranceDrug(code))
    }

    /// The code, in capitals.
    pub fn code(&self) -> &str {
        &self.0
    }

    pub fn is_western(&self) -> bool {
        self.0.starts_with('X')
    }

    /// 类别码 of a western medicine, like the first five characters of ATC: `J01CA`. It is no ATC code of level 5.
    pub fn class(&self) -> Option<&str> {
        self.western_part(1, 6)
    }

    /// 名称码 of a western medicine: `A040`.
    pub fn name(&self) -> Option<&str> {
        self.western_part(6, 10)
    }

    /// 剂型码 of a western medicine: `A001` is a tablet.
    pub fn form(&self) -> Option<&str> {
        self.western_part(10, 14)
    }

    /// 企业码 of a western medicine, five characters.
    pub fn company(&self) -> Option<&str> {
        self.western_part(18, 23)
    }

    fn western_part(&self, from: usize, to: usize) -> Option<&str> {
        self.is_western().then(|| part(&self.0, from, to))
    }
}

/// `X`, class (letter, two digits, two letters), name and form (letter, three digits each), 规格 2, 包装 2, 企业 5.
fn western(code: &str) -> Result<(), Fault> {
    let fits = |from: usize, form: &str| {
        part(code, from, from + form.len())
            .bytes()
            .zip(form.bytes())
            .all(|(b, f)| if f == b'L' { b.is_ascii_uppercase() } else { b.is_ascii_digit() })
    };
    let (zh, en) = match (fits(1, "LDDLL"), fits(6, "LDDD"), fits(10, "LDDD")) {
        (true, true, true) => return Ok(()),
        (false, _, _) => {
            ("第 2–6 位（类别码）应为一个字母、两位数字、两个字母", "characters 2–6 (class) are a letter, two digits, two letters")
        }
        (_, false, _) => ("第 7–10 位（名称码）应为一个字母、三位数字", "characters 7–10 (name) are a letter and three digits"),
        _ => ("第 11–14 位（剂型码）应为一个字母、三位数字", "characters 11–14 (dose form) are a letter and three digits"),
    };
    Err(Fault::new(
        "part",
        format!("西药医保代码{zh}；请到国家医保药品目录核对"),
        format!("{en}; look it up in the national insurance catalogue"),
    ))
}

/// The check digit of the 13 digits before it: from the right, the digits next to it and every second one count three
/// times; what is missing to ten. `None` if they are not 13 digits.
pub fn standard_code_check_digit(body: &str) -> Option<u32> {
    if body.len() != 13 {
        return None;
    }
    let mut sum = 0;
    for (i, b) in body.bytes().rev().enumerate() {
        sum += char::from(b).to_digit(10)? * if i % 2 == 0 { 3 } else { 1 };
    }
    Some((10 - sum % 10) % 10)
}

/// 14 digits: `86`, `9`, five of the company, five of the product, check digit.
pub(super) fn check_standard_code(text: &str) -> Result<(), Fault> {
    let found = text.chars().count();
    if found != 14 {
        return Err(Fault::length(STANDARD, "14", found));
    }
    let expected = text.get(..13).and_then(standard_code_check_digit).ok_or_else(|| characters(STANDARD))?;
    if !text.starts_with("869") {
        return Err(Fault::new(
            "part",
            "国家药品编码本位码应以 869 开头（国别 86、类别 9）；请核对源系统",
            "a national drug standard code starts with 869 (country 86, category 9); check the source",
        ));
    }
    match text.chars().last().map(|c| c.to_digit(10)) {
        Some(None) => Err(characters(STANDARD)),
        Some(Some(check)) if check == expected => Ok(()),
        _ => Err(Fault::check_digit(("国家药品编码本位码", "national drug standard code"), "GB 18937")),
    }
}

/// 20 digits; one code is one package, sold once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceCode(String);

impl TraceCode {
    pub fn parse(text: &str) -> Result<TraceCode, Fault> {
        let found = text.chars().count();
        if found != 20 {
            return Err(Fault::length(TRACE, "20", found));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) { Ok(TraceCode(text.to_owned())) } else { Err(characters(TRACE)) }
    }

    /// 药品标识码, the seven digits that tell the product.
    pub fn product(&self) -> &str {
        part(&self.0, 0, 7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what<T>(result: Result<T, Fault>) -> &'static str {
        result.map_or_else(|f| f.what, |_| "")
    }

    #[test]
    fn insurance_codes() {
        let code = InsuranceDrug::parse("xj01caa040a001010102699").unwrap();
        assert_eq!(
            (code.class(), code.name(), code.form(), code.company()),
            (Some("J01CA"), Some("A040"), Some("A001"), Some("02699")),
            "{}",
            code.code()
        );
        // published in a hospital's price list
        for good in [
            "XB01ACA056A012030101554",
            "XB01ACA056A012020279489",
            "XB01ACA056A012010100799",
            "XV02DEF113A001010184440",
            "XV08CAG004B002020101445",
            "XV08CAG004B002020178485",
            "XP01BAQ034A001010104642",
            "XB05XAL208B002020203662",
            "XB05XAL208B002010100967",
            "XR03DAA113B002010102087",
            "XR03DAA113B002020202954",
            "XL01BCF082B002010200874",
            "XC08CAB037A001020180517",
            "XC08CAB037A001030180517",
            "XC08CAB037A001020100617",
            "XA07ECM053E013010305815",
            "XA02BCA393A012010383696",
            "XB01ACA056A012010104990",
            "XJ01CAA040A001010405611",
        ] {
            assert_eq!(what(InsuranceDrug::parse(good)), "", "{good}");
        }
        for (text, expect) in [
            ("XJ01CAA04501010113", "length"),
            ("XA10BA02A001010100001", "length"),
            ("XA10BA02A00101010000123", "part"),
            ("XJ0ACAA040A001010102699", "part"),
            ("XJ01CAA040AA01010102699", "part"),
            ("XJ01CAA040A00101010269 ", "characters"),
            ("1J01CAA040A001010102699", "characters"),
            ("ZA01BAB0123456789012", ""),
            ("ZA01BAB012345678901", "length"),
            ("T000100123", ""),
            ("", "characters"),
        ] {
            assert_eq!(what(InsuranceDrug::parse(text)), expect, "{text}");
        }
    }

    #[test]
    fn standard_codes() {
        for (text, expect) in [
            ("86901110000020", ""),
            ("86901110000021", "check-digit"),
            ("8690111000002X", "characters"),
            ("86801110000023", "part"),
            ("869011100000", "length"),
            ("869011100000二0", "characters"),
        ] {
            assert_eq!(what(check_standard_code(text)), expect, "{text}");
        }
        assert_eq!(standard_code_check_digit("8690111000002"), Some(0));
    }

    #[test]
    fn trace_codes() {
        assert_eq!(TraceCode::parse("81773220288616423835").unwrap().product(), "8177322");
        assert_eq!(what(TraceCode::parse("8177322028861642383")), "length");
        assert_eq!(what(TraceCode::parse("8177322028861642383A")), "characters");
    }
}
