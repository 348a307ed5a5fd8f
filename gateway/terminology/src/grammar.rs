//! Code systems that are a grammar instead of a list: UCUM, language tags, media types, currencies.

use hutong_fhir::ucum;

/// <https://ucum.org>
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
/// Language tags (RFC 5646).
pub(crate) const BCP47: &str = "urn:ietf:bcp:47";
/// Media types (RFC 6838).
pub(crate) const BCP13: &str = "urn:ietf:bcp:13";
/// Currencies.
pub(crate) const ISO4217: &str = "urn:iso:std:iso:4217";

/// How the codes of such a system are recognised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grammar {
    Ucum,
    Bcp47,
    Bcp13,
    Iso4217,
}

pub(crate) const ALL: [(&str, Grammar); 4] =
    [(UCUM, Grammar::Ucum), (BCP47, Grammar::Bcp47), (BCP13, Grammar::Bcp13), (ISO4217, Grammar::Iso4217)];

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
        }
    }

    /// Whether a code has the form; registries behind it (languages, media types) are not here.
    pub(crate) fn has(self, code: &str) -> bool {
        match self {
            Grammar::Ucum => ucum::is_valid(code),
            // language-script-region-variant…: an ISO 639 code, then subtags of 1 to 8 letters and digits (RFC 5646 §2.1)
            Grammar::Bcp47 => {
                let mut subtags = code.split('-');
                subtags.next().is_some_and(|s| (2..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphabetic()))
                    && subtags.all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()))
            }
            // type/subtype, parameters behind ';' are not looked at (RFC 6838 §4.2)
            Grammar::Bcp13 => {
                let essence = code.split(';').next().unwrap_or("").trim();
                let token = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,:\\\"/[]?=".contains(&b));
                // CapabilityStatement.format also takes the short names
                matches!(code, "xml" | "json" | "ttl") || essence.split_once('/').is_some_and(|(a, b)| token(a) && token(b))
            }
            Grammar::Iso4217 => code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()),
        }
    }
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
        ] {
            let grammar = Grammar::of(system).unwrap();
            good.iter().for_each(|c| assert!(grammar.has(c), "{system} {c}"));
            bad.iter().for_each(|c| assert!(!grammar.has(c), "{system} {c}"));
        }
        assert_eq!(Grammar::of("http://loinc.org"), None);
    }
}
