//! Chinese identifiers: what kind of number a system holds, and form and check digits of each kind.
//!
//! [`kind_of_system`] knows the national OIDs and our own systems; [`check`] judges one value. A fault is a fact about
//! the number, not a verdict on the message: sources under test send many numbers that fail, so who calls decides
//! whether that is a warning. Texts never hold the number itself.

mod drug;
mod organization;
mod person;

pub use drug::{InsuranceDrug, TraceCode, standard_code_check_digit};
pub use organization::{Institution, SocialCredit, organization_check_digit};
pub use person::{IdentityCard, Sex, identity_card_check_digit};

use std::borrow::Cow;

/// What is wrong with a number and what to do, in Chinese and English; never the number itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What failed: `placeholder`, `length`, `characters`, `region`, `birth-date`, `check-digit` or `part`.
    pub what: &'static str,
    pub zh: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

impl Fault {
    fn new(what: &'static str, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Fault {
        Fault { what, zh: zh.into(), en: en.into() }
    }

    fn length(name: (&str, &str), wanted: &str, found: usize) -> Fault {
        let (zh, en) = name;
        Fault::new(
            "length",
            format!("{zh}应为 {wanted} 位，收到 {found} 位；请核对源系统中的号码是否截断或多录"),
            format!("{en} has {wanted} characters, this has {found}; check whether the source cut it or added to it"),
        )
    }

    fn check_digit(name: (&str, &str), standard: &str) -> Fault {
        let (zh, en) = name;
        Fault::new(
            "check-digit",
            format!("{zh}的校验码不符合 {standard}；请对照证件原件重新录入"),
            format!("the check character of the {en} is not that of {standard}; enter it again from the original"),
        )
    }
}

/// Kinds of numbers that have a form of their own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// 居民身份证 (GB 11643): 18 characters, or the old 15 digits.
    IdentityCard,
    /// 居民健康卡、电子健康卡. No form is published that we know of: only that there is a number.
    HealthCard,
    /// 健康档案编号: 17 characters.
    HealthRecord,
    /// 医保卡、电子医保凭证: a bare code or a token; only that there is one.
    InsuranceCard,
    /// 统一社会信用代码 (GB 32100), 18 characters.
    SocialCredit,
    /// 组织机构代码 (GB 11714), 9 characters, with or without the hyphen.
    Organization,
    /// 医疗机构代码, 22 characters (WS 218).
    Institution,
    /// 村卫生室等, 12 characters.
    VillageClinic,
    /// 医疗卫生服务机构, any of the four above by its length.
    AnyInstitution,
    /// 国家医保药品代码: 西药 23, 中成药 20 characters.
    InsuranceDrug,
    /// 国家药品编码本位码 (GB 18937), 14 digits.
    DrugStandardCode,
    /// 药品追溯码, 20 digits.
    DrugTraceCode,
}

impl Kind {
    pub const ALL: [Kind; 12] = [
        Kind::IdentityCard,
        Kind::HealthCard,
        Kind::HealthRecord,
        Kind::InsuranceCard,
        Kind::SocialCredit,
        Kind::Organization,
        Kind::Institution,
        Kind::VillageClinic,
        Kind::AnyInstitution,
        Kind::InsuranceDrug,
        Kind::DrugStandardCode,
        Kind::DrugTraceCode,
    ];

    /// The kind of that [`name`](Kind::name).
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Stable name, for configuration and rule ids: `identity-card`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::IdentityCard => "identity-card",
            Kind::HealthCard => "health-card",
            Kind::HealthRecord => "health-record",
            Kind::InsuranceCard => "insurance-card",
            Kind::SocialCredit => "social-credit-code",
            Kind::Organization => "organization-code",
            Kind::Institution => "institution-code",
            Kind::VillageClinic => "village-clinic-code",
            Kind::AnyInstitution => "any-institution-code",
            Kind::InsuranceDrug => "nhsa-drug-code",
            Kind::DrugStandardCode => "drug-standard-code",
            Kind::DrugTraceCode => "drug-trace-code",
        }
    }
}

/// 居民身份证 as the national platform standards write it.
pub const IDENTITY_CARD: &str = "urn:oid:2.16.156.10011.1.3";

/// A system of identifiers (or drug codes): its canonical URI, other URIs of the same numbers, and their kind.
struct System {
    canonical: &'static str,
    aliases: &'static [&'static str],
    kind: Option<Kind>,
}

/// Two OIDs name the same 身份证 (the second is HL7 China's), and samples of one set use .10 and .11 for the 门(急)诊号.
const SYSTEMS: &[System] = &[
    System { canonical: IDENTITY_CARD, aliases: &["urn:oid:2.16.840.1.113883.2.23.1.19.1"], kind: Some(Kind::IdentityCard) },
    System { canonical: "urn:oid:2.16.156.10011.1.10", aliases: &["urn:oid:2.16.156.10011.1.11"], kind: None },
    System { canonical: "urn:oid:2.16.156.10011.1.2", aliases: &[], kind: Some(Kind::HealthRecord) },
    System { canonical: "urn:oid:2.16.156.10011.1.5", aliases: &[], kind: Some(Kind::AnyInstitution) },
    System { canonical: "urn:oid:2.16.156.10011.1.15", aliases: &[], kind: Some(Kind::InsuranceCard) },
    System { canonical: "urn:oid:2.16.156.10011.1.19", aliases: &[], kind: Some(Kind::HealthCard) },
    ours("http://fhir.med-community.cn/gw/NamingSystem/social-credit-code", Kind::SocialCredit),
    ours("http://fhir.med-community.cn/gw/NamingSystem/organization-code", Kind::Organization),
    ours("http://fhir.med-community.cn/gw/NamingSystem/institution-code", Kind::Institution),
    ours("http://fhir.med-community.cn/gw/NamingSystem/village-clinic-code", Kind::VillageClinic),
    ours("http://fhir.med-community.cn/gw/CodeSystem/nhsa-drug-code", Kind::InsuranceDrug),
    ours("http://fhir.med-community.cn/gw/CodeSystem/drug-standard-code", Kind::DrugStandardCode),
    ours("http://fhir.med-community.cn/gw/NamingSystem/drug-trace-code", Kind::DrugTraceCode),
];

const fn ours(canonical: &'static str, kind: Kind) -> System {
    System { canonical, aliases: &[], kind: Some(kind) }
}

/// The system of a URI; an OID may stand without `urn:oid:`. Asked for every coding there is, so most are let go by
/// how they begin.
fn system(uri: &str) -> Option<&'static System> {
    if !["urn:oid:2.16.", "2.16.", "http://fhir.med-community.cn/gw/"].iter().any(|start| uri.starts_with(start)) {
        return None;
    }
    let same = |known: &&'static str| *known == uri || known.strip_prefix("urn:oid:") == Some(uri);
    SYSTEMS.iter().find(|s| same(&s.canonical) || s.aliases.iter().any(same))
}

/// What kind of number a system (URI, or OID with or without `urn:oid:`) holds, as far as its form is known.
pub fn kind_of_system(uri: &str) -> Option<Kind> {
    system(uri)?.kind
}

/// The URI under which a system's numbers are written and found, whichever of its URIs is given; `None` if unknown.
pub fn canonical_system(uri: &str) -> Option<&'static str> {
    system(uri).map(|s| s.canonical)
}

/// The other URIs of a system.
pub fn aliases(uri: &str) -> &'static [&'static str] {
    system(uri).map_or(&[], |s| s.aliases)
}

/// The canonical URI where `uri` is an alias, else `uri`. Indexes and queries go through it, so that a number is found
/// under either name; quick, as it is asked for every system of every resource.
pub fn unaliased(uri: &str) -> &str {
    if !uri.starts_with("urn:oid:2.16.") {
        return uri;
    }
    SYSTEMS.iter().find(|s| s.aliases.contains(&uri)).map_or(uri, |s| s.canonical)
}

/// Judges one number. Letters may be small; blanks and placeholders are faults.
pub fn check(kind: Kind, value: &str) -> Result<(), Fault> {
    placeholder(value)?;
    match kind {
        Kind::IdentityCard => IdentityCard::parse(value)?.check_region(),
        Kind::HealthCard | Kind::InsuranceCard => graphic(value),
        Kind::HealthRecord => alphanumeric(value, 17, ("健康档案编号", "the health record number")),
        Kind::SocialCredit => SocialCredit::parse(value).map(drop),
        Kind::Organization => organization::check_organization(value),
        Kind::Institution => Institution::parse(value).map(drop),
        Kind::VillageClinic => organization::check_village_clinic(value),
        Kind::AnyInstitution => organization::check_any(value),
        Kind::InsuranceDrug => InsuranceDrug::parse(value).map(drop),
        Kind::DrugStandardCode => drug::check_standard_code(value),
        Kind::DrugTraceCode => TraceCode::parse(value).map(drop),
    }
}

/// `-`, `无`, `00000000` and their like stand for "nothing" in the field.
fn placeholder(value: &str) -> Result<(), Fault> {
    let text = value.trim();
    let zeros = text.len() > 1 && text.bytes().all(|b| b == b'0');
    if zeros || matches!(text, "" | "-" | "--" | "/" | "无" | "不详" | "未知" | "NULL" | "null") {
        return Err(Fault::new(
            "placeholder",
            "这是占位符，不是号码；没有号码时请不要填写该标识",
            "this is a placeholder, not a number; leave the identifier out when there is none",
        ));
    }
    Ok(())
}

fn graphic(value: &str) -> Result<(), Fault> {
    if value.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Fault::new(
        "characters",
        "卡号中有空格或非西文字符；请去掉",
        "the card number holds blanks or other than Latin characters; remove them",
    ))
}

fn alphanumeric(value: &str, length: usize, name: (&str, &str)) -> Result<(), Fault> {
    let found = value.chars().count();
    if found != length {
        return Err(Fault::length(name, &length.to_string(), found));
    }
    if value.bytes().all(|b| b.is_ascii_alphanumeric()) { Ok(()) } else { Err(characters(name)) }
}

fn characters((zh, en): (&str, &str)) -> Fault {
    Fault::new(
        "characters",
        format!("{zh}中有不允许的字符；请核对源系统"),
        format!("{en} holds a character that it may not; check the source"),
    )
}

/// Characters `from..to` of a number that is known to be ASCII; empty where there are none.
fn part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or("")
}

/// Province codes, the first two digits of GB/T 2260; 83 stands in residence permits of Taiwan's residents.
fn is_province(region: &str) -> bool {
    matches!(
        part(region, 0, 2),
        "11" | "12"
            | "13"
            | "14"
            | "15"
            | "21"
            | "22"
            | "23"
            | "31"
            | "32"
            | "33"
            | "34"
            | "35"
            | "36"
            | "37"
            | "41"
            | "42"
            | "43"
            | "44"
            | "45"
            | "46"
            | "50"
            | "51"
            | "52"
            | "53"
            | "54"
            | "61"
            | "62"
            | "63"
            | "64"
            | "65"
            | "71"
            | "81"
            | "82"
            | "83"
    )
}

fn region_fault((zh, en): (&str, &str)) -> Fault {
    Fault::new(
        "region",
        format!("{zh}中的行政区划码不属于任何省级行政区；请核对源系统"),
        format!("the region code in {en} belongs to no province; check the source"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_and_their_aliases() {
        for (uri, kind, canonical) in [
            ("urn:oid:2.16.156.10011.1.3", Some(Kind::IdentityCard), Some(IDENTITY_CARD)),
            ("2.16.156.10011.1.3", Some(Kind::IdentityCard), Some(IDENTITY_CARD)),
            ("urn:oid:2.16.840.1.113883.2.23.1.19.1", Some(Kind::IdentityCard), Some(IDENTITY_CARD)),
            ("urn:oid:2.16.156.10011.1.10", None, Some("urn:oid:2.16.156.10011.1.10")),
            ("urn:oid:2.16.156.10011.1.11", None, Some("urn:oid:2.16.156.10011.1.10")),
            ("urn:oid:2.16.156.10011.1.5", Some(Kind::AnyInstitution), Some("urn:oid:2.16.156.10011.1.5")),
            ("urn:oid:2.16.156.10011.1.31", None, None),
            ("http://example.org/ids", None, None),
        ] {
            assert_eq!(kind_of_system(uri), kind, "{uri}");
            assert_eq!(canonical_system(uri), canonical, "{uri}");
        }
        assert_eq!(aliases(IDENTITY_CARD), ["urn:oid:2.16.840.1.113883.2.23.1.19.1"]);
        for (uri, one) in [
            ("urn:oid:2.16.840.1.113883.2.23.1.19.1", IDENTITY_CARD),
            ("urn:oid:2.16.156.10011.1.11", "urn:oid:2.16.156.10011.1.10"),
            (IDENTITY_CARD, IDENTITY_CARD),
            ("urn:oid:2.16.840.1.113883.6.238", "urn:oid:2.16.840.1.113883.6.238"),
            ("http://loinc.org", "http://loinc.org"),
        ] {
            assert_eq!(unaliased(uri), one);
        }
        let mut kinds: Vec<&str> = SYSTEMS.iter().filter_map(|s| s.kind).map(Kind::name).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), 12, "every kind has a system and a name of its own");
    }

    #[test]
    fn numbers_by_kind() {
        for (kind, value, what) in [
            (Kind::IdentityCard, "11010519491231002X", ""),
            (Kind::IdentityCard, "11010519491231002x", ""),
            (Kind::IdentityCard, "110105194912310021", "check-digit"),
            (Kind::IdentityCard, "00000000", "placeholder"),
            (Kind::IdentityCard, "无", "placeholder"),
            (Kind::HealthCard, "A1B2-C3", ""),
            (Kind::HealthCard, "A1 B2", "characters"),
            (Kind::InsuranceCard, "-", "placeholder"),
            (Kind::HealthRecord, "50023600100100001", ""),
            (Kind::HealthRecord, "5002360010010000", "length"),
            (Kind::HealthRecord, "5002360010010000号", "characters"),
            (Kind::SocialCredit, "12360000491015900T", ""),
            (Kind::Organization, "49101590-0", ""),
            (Kind::InsuranceDrug, "XJ01CAA040A001010102699", ""),
            (Kind::DrugStandardCode, "86901110000020", ""),
            (Kind::DrugTraceCode, "81773220288616423835", ""),
        ] {
            assert_eq!(check(kind, value).map_or_else(|f| f.what, |()| ""), what, "{kind:?} {value}");
        }
    }

    #[test]
    fn any_text_is_judged() {
        let kinds: Vec<Kind> = SYSTEMS.iter().filter_map(|s| s.kind).collect();
        let texts = [
            "11010519491231002X",
            "１１０１０５１９４９１２３１００２Ｘ",
            "49101590-0",
            "---------",
            "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷",
            "XJ01CAA040A001010102699",
            "86901110000020",
            "\u{0}\n\t ",
            "ß§é",
        ];
        for (kind, text) in kinds.iter().flat_map(|k| texts.iter().map(move |t| (*k, *t))) {
            for end in (0..=text.len()).filter(|n| text.is_char_boundary(*n)) {
                let head = &text[..end];
                // a right number with more behind it is none
                let good = check(kind, head).is_ok() && check(kind, &format!("{head}{text}")).is_ok();
                assert!(!good || matches!(kind, Kind::HealthCard | Kind::InsuranceCard), "{kind:?} {head}");
            }
        }
    }

    #[test]
    fn texts_hold_no_number() {
        for kind in [Kind::IdentityCard, Kind::SocialCredit, Kind::Institution, Kind::InsuranceDrug, Kind::HealthRecord] {
            let fault = check(kind, "9X7X5X3X1X9X7X5X3X1X9").unwrap_err();
            assert!(!fault.zh.contains("9X7X") && !fault.en.contains("9X7X"), "{fault:?}");
        }
    }
}
