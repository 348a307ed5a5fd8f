//! The body of an operation: which syntax it is in, read under the limits of the configuration.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hutong_fhir::json::JsonLimits;
use hutong_fhir::xml::XmlLimits;
use hutong_validate::{Document, DocumentLimits, Syntax};
use hutong_wire::limits::{Limits, size};

use crate::refusal::Refusal;

/// A body and what it is written in.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) text: Bytes,
    pub(crate) syntax: Syntax,
}

impl Sent {
    pub(crate) fn read(&self, limits: &Limits) -> Result<Document<'_>, Refusal> {
        read(&self.text, self.syntax, limits)
    }
}

/// Reads a document under the limits of the configuration.
pub(crate) fn read<'t>(text: &'t [u8], syntax: Syntax, limits: &Limits) -> Result<Document<'t>, Refusal> {
    Document::read(text, syntax, &of_documents(limits)).map_err(|finding| Refusal::unreadable(&finding))
}

/// From `Content-Type`; parameters of it (charset, fhirVersion) do not matter, for FHIR is UTF-8.
pub(crate) fn syntax(headers: &HeaderMap) -> Result<Syntax, Refusal> {
    let coded = headers.get(CONTENT_ENCODING).is_some_and(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"));
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        _ if coded => Err(Refusal::content_coding()),
        "application/fhir+json" | "application/json" | "text/json" => Ok(Syntax::Json),
        "application/fhir+xml" | "application/xml" | "text/xml" => Ok(Syntax::Xml),
        _ => Err(Refusal::document_type()),
    }
}

fn of_documents(limits: &Limits) -> DocumentLimits {
    let json = JsonLimits {
        depth_max: size(limits.json_depth),
        nodes_max: size(limits.json_nodes),
        keys_per_object_max: size(limits.json_keys_per_object),
    };
    let xml = XmlLimits {
        bytes_max: size(limits.message_bytes),
        elements_max: size(limits.xml_nodes),
        attributes_max: size(limits.xml_attributes_per_element),
        ..XmlLimits::default()
    };
    DocumentLimits { json, xml }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_body_is_follows_from_its_header() {
        for (kind, coding, expected) in [
            (Some("application/fhir+json; charset=UTF-8; fhirVersion=4.0"), None, Some(Syntax::Json)),
            (Some("Application/JSON"), Some("identity"), Some(Syntax::Json)),
            (Some("text/xml"), None, Some(Syntax::Xml)),
            (Some("application/fhir+json"), Some("gzip"), None),
            (Some("text/plain"), None, None),
            (None, None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(kind.map(|k| (CONTENT_TYPE, k.parse().unwrap())));
            headers.extend(coding.map(|c| (CONTENT_ENCODING, c.parse().unwrap())));
            assert_eq!(syntax(&headers).ok(), expected, "{kind:?} {coding:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let deep = format!("{{\"a\":{}", "[".repeat(10_000));
        for (text, status, rule, place) in [
            ("{\n  \"a\": }", 400, "json.syntax", "第 2 行"),
            ("{\"a\":1,\"a\":2}", 400, "json.duplicate_key", "第 1 行"),
            (&*deep, 400, "json.depth", "第 1 行"),
            ("[]", 400, "json.object", "第 1 行"),
        ] {
            let refusal = read(text.as_bytes(), Syntax::Json, &Limits::default()).err().unwrap();
            assert_eq!((refusal.status.as_u16(), refusal.rule), (status, rule), "{text:.20}");
            assert!(refusal.zh.contains(place), "{}", refusal.zh);
        }
    }
}
