//! What form of answer the client wants: `Accept`, `_format`, `_pretty`, and `Prefer: handling=…`.

use http::HeaderMap;
use http::header::ACCEPT;

use crate::refusal::Refusal;

pub(crate) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";
const PLAIN_JSON: &str = "application/json; charset=utf-8";
pub(crate) const FHIR_XML: &str = "application/fhir+xml; charset=utf-8";
const PLAIN_XML: &str = "application/xml; charset=utf-8";

/// The form of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Form {
    pub(crate) content_type: &'static str,
    pub(crate) pretty: bool,
}

impl Form {
    pub(crate) fn is_xml(self) -> bool {
        matches!(self.content_type, FHIR_XML | PLAIN_XML)
    }
}

impl Default for Form {
    fn default() -> Form {
        Form { content_type: FHIR_JSON, pretty: false }
    }
}

/// What becomes of a parameter that is not supported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Handling {
    /// Refused with 400. The default: a parameter that is ignored gives an answer to another question.
    Strict,
    /// Left out, said so in the Bundle, and not repeated in its self link.
    Lenient,
}

/// The form asked for by `_format` (which overrides) or `Accept`, and `_pretty`.
pub(crate) fn form(headers: &HeaderMap, format: Option<&str>, pretty: Option<&str>) -> Result<Form, Refusal> {
    let content_type = match format {
        Some(format) => media(format).ok_or_else(Refusal::not_acceptable)?,
        None => accepted(headers)?,
    };
    let pretty = match pretty {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Refusal::unsupported_value("_pretty", "true, false")),
    };
    Ok(Form { content_type, pretty })
}

/// `Prefer: handling=lenient` (RFC 7240 §4.4); anything else is strict.
pub(crate) fn handling(headers: &HeaderMap) -> Handling {
    let lenient = headers
        .get_all("prefer")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split([',', ';']))
        .filter_map(|p| p.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("handling"))
        .is_some_and(|(_, value)| value.trim().trim_matches('"').eq_ignore_ascii_case("lenient"));
    if lenient { Handling::Lenient } else { Handling::Strict }
}

/// `Accept` (RFC 9110 §12.5.1): the best of what we have that has a quality above 0.
fn accepted(headers: &HeaderMap) -> Result<&'static str, Refusal> {
    let mut best: Option<(u32, &'static str)> = None;
    let mut asked = false;
    let page = headers.get_all(ACCEPT).iter().any(|v| v.as_bytes().windows(9).any(|w| w == b"text/html"));
    for value in headers.get_all(ACCEPT) {
        let value = value.to_str().map_err(|_| Refusal::not_acceptable())?;
        for range in value.split(',').map(str::trim).filter(|r| !r.is_empty()) {
            asked = true;
            let quality = quality(range);
            // a browser takes XML too; what a person reads more easily is JSON
            let kind = media(range).filter(|kind| !(page && *kind == PLAIN_XML));
            if let Some(kind) = kind.filter(|_| quality > 0)
                && best.is_none_or(|(q, _)| quality > q)
            {
                best = Some((quality, kind));
            }
        }
    }
    match best {
        Some((_, kind)) => Ok(kind),
        None if asked => Err(Refusal::not_acceptable()),
        None => Ok(FHIR_JSON),
    }
}

/// The content type of ours that a media range or a `_format` value covers.
fn media(range: &str) -> Option<&'static str> {
    let mut parts = range.split(';').map(str::trim);
    let kind = match parts.next()?.to_ascii_lowercase().as_str() {
        // a `+` in a URL that the client did not encode is a space
        "application/fhir+json" | "application/fhir json" | "json" | "*/*" | "application/*" => FHIR_JSON,
        "application/json" | "text/json" => PLAIN_JSON,
        "application/fhir+xml" | "application/fhir xml" | "xml" => FHIR_XML,
        "application/xml" | "text/xml" => PLAIN_XML,
        _ => return None,
    };
    // https://hl7.org/fhir/R4/http.html#version-parameter
    let other_version = parts
        .filter_map(|p| p.split_once('='))
        .any(|(name, value)| name.trim().eq_ignore_ascii_case("fhirVersion") && value.trim().trim_matches('"') != "4.0");
    (!other_version).then_some(kind)
}

/// `q` in thousandths; what cannot be read counts as 1.
fn quality(range: &str) -> u32 {
    range
        .split(';')
        .skip(1)
        .filter_map(|p| p.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .and_then(|(_, q)| q.trim().parse::<f32>().ok())
        .map_or(1000, |q| (q.clamp(0.0, 1.0) * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_and_format() {
        for (accept, format, expected) in [
            (None, None, Some(FHIR_JSON)),
            (Some(""), None, Some(FHIR_JSON)),
            (Some("*/*"), None, Some(FHIR_JSON)),
            (Some("application/json"), None, Some(PLAIN_JSON)),
            (Some("application/fhir+json;fhirVersion=4.0"), None, Some(FHIR_JSON)),
            (Some("application/fhir+json; fhirVersion=5.0"), None, None),
            (Some("application/fhir+xml"), None, Some(FHIR_XML)),
            (Some("application/fhir+xml;q=0.4, application/json;q=0.5, */*;q=0.1"), None, Some(PLAIN_JSON)),
            (Some("text/turtle"), None, None),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), None, Some(FHIR_JSON)),
            (Some("image/png"), None, None),
            (Some("application/json;q=0"), None, None),
            (Some("image/png"), Some("json"), Some(FHIR_JSON)),
            (Some("application/fhir+json"), Some("xml"), Some(FHIR_XML)),
            (None, Some("text/xml"), Some(PLAIN_XML)),
            (None, Some("application/fhir json"), Some(FHIR_JSON)),
            (None, Some("application/json"), Some(PLAIN_JSON)),
            (None, Some("ttl"), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(a) = accept {
                headers.insert(ACCEPT, a.parse().unwrap());
            }
            let got = form(&headers, format, None).ok().map(|f| f.content_type);
            assert_eq!(got, expected, "{accept:?} {format:?}");
        }
        assert!(form(&HeaderMap::new(), None, Some("true")).unwrap().pretty);
        assert!(form(&HeaderMap::new(), None, Some("yes")).is_err());
    }

    #[test]
    fn prefer() {
        for (value, expected) in [
            ("handling=lenient", Handling::Lenient),
            ("return=minimal, Handling=\"Lenient\"", Handling::Lenient),
            ("handling=strict, handling=lenient", Handling::Strict),
            ("return=representation", Handling::Strict),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", value.parse().unwrap());
            assert_eq!(handling(&headers), expected, "{value}");
        }
        assert_eq!(handling(&HeaderMap::new()), Handling::Strict);
    }
}
