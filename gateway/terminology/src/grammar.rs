//! Code systems that are a grammar instead of a list: UCUM, language tags, media types, currencies, and of ISO 3166
//! what R4 does not list.

use hutong_fhir::definitions::Form;

/// <https://ucum.org>
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
/// Language tags (RFC 5646).
pub(crate) const BCP47: &str = "urn:ietf:bcp:47";
/// Media types (RFC 6838).
pub(crate) const BCP13: &str = "urn:ietf:bcp:13";
/// Currencies.
pub(crate) const ISO4217: &str = "urn:iso:std:iso:4217";

/// Countries; R4 lists those of two letters (value set `iso3166-1-2`).
pub(crate) const ISO3166: &str = "urn:iso:std:iso:3166";
/// Parts of countries.
pub(crate) const ISO3166_2: &str = "urn:iso:std:iso:3166:-2";

/// How the codes of such a system are recognised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grammar {
    Ucum,
    Bcp47,
    Bcp13,
    Iso4217,
    Iso3166,
    Iso3166Part,
}

pub(crate) const ALL: [(&str, Grammar); 6] = [
    (UCUM, Grammar::Ucum),
    (BCP47, Grammar::Bcp47),
    (BCP13, Grammar::Bcp13),
    (ISO4217, Grammar::Iso4217),
    (ISO3166, Grammar::Iso3166),
    (ISO3166_2, Grammar::Iso3166Part),
];

impl Grammar {
    pub(crate) fn of(system: &str) -> Option<Grammar> {
        ALL.iter().find(|(url, _)| *url == system).map(|(_, grammar)| *grammar)
    }

    /// The standard's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Grammar::Ucum => "UCUM",
            Grammar::Bcp47 => "BCP-47",
            Grammar::Bcp13 => "BCP-13",
            Grammar::Iso4217 => "ISO 4217",
            Grammar::Iso3166 => "ISO 3166-1",
            Grammar::Iso3166Part => "ISO 3166-2",
        }
    }

    /// Whether a code has the form; registries behind it (languages, media types) are not here.
    pub(crate) fn has(self, code: &str) -> bool {
        match self {
            Grammar::Ucum => Form::Ucum.has(code),
            Grammar::Bcp47 => Form::Bcp47.has(code),
            Grammar::Bcp13 => Form::Bcp13.has(code),
            Grammar::Iso4217 => Form::Iso4217.has(code),
            // codes of two letters are listed; beside them there are those of three letters or digits
            Grammar::Iso3166 => is_upper(code, 3..=3) || (code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit())),
            Grammar::Iso3166Part => code.split_once('-').is_some_and(|(country, part)| {
                let is_part = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
                is_upper(country, 2..=2) && (1..=3).contains(&part.len()) && part.bytes().all(is_part)
            }),
        }
    }
}

fn is_upper(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_recognised_by_their_form() {
        for (system, good, bad) in [
            (UCUM, &["mmol/L", "10*9/L"] as &[&str], &["mmHg", ""] as &[&str]),
            (BCP47, &["zh", "zh-Hans-CN", "en-US"], &["chinese", "z", "zh_CN", ""]),
            (BCP13, &["application/pdf", "text/plain; charset=utf-8", "json"], &["pdf", "a/", "/b", ""]),
            (ISO4217, &["CNY", "USD"], &["cny", "RMB1", ""]),
            (ISO3166, &["CHN", "156"], &["CN", "china", "1567", ""]),
            (ISO3166_2, &["CN-42", "GB-ENG"], &["CN", "CN-", "cn-42", ""]),
        ] {
            let grammar = Grammar::of(system).unwrap();
            good.iter().for_each(|c| assert!(grammar.has(c), "{system} {c}"));
            bad.iter().for_each(|c| assert!(!grammar.has(c), "{system} {c}"));
        }
        assert_eq!(Grammar::of("http://loinc.org"), None);
    }
}
