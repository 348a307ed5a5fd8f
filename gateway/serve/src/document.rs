//! The body of an operation: read under limits, FHIR JSON or FHIR XML, as a tree that remembers where everything stood.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hutong_fhir::json::{self, JsonErrorKind, JsonIssue, JsonLimits};
use hutong_fhir::{NodeRef, Tree};
use hutong_wire::limits::{Limits, size};

use crate::refusal::Refusal;

/// How a document is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Syntax {
    Json,
    Xml,
}

impl Syntax {
    /// From `Content-Type`; parameters of it (charset, fhirVersion) do not matter, for FHIR is UTF-8.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Syntax, Refusal> {
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
}

/// A document as read.
pub(crate) struct Document {
    pub(crate) tree: Tree,
    /// Shapes that JSON allows and FHIR does not.
    pub(crate) issues: Vec<JsonIssue>,
    pub(crate) text: Bytes,
    pub(crate) syntax: Syntax,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// A refusal with the place where reading stopped; never a text of the document.
    pub(crate) fn read(text: Bytes, syntax: Syntax, limits: &Limits) -> Result<Document, Refusal> {
        match syntax {
            Syntax::Json => {
                let (tree, issues) = json::parse(&text, &json_limits(limits)).map_err(|e| {
                    let (line, column) = json::line_column(&text, e.offset);
                    Refusal::unreadable_json(e.kind, line, column)
                })?;
                Ok(Document { tree, issues, text, syntax })
            }
            Syntax::Xml => Err(Refusal::document_type()),
        }
    }

    /// The resource in one part of Parameters as a document of its own, with the places it has in this one.
    pub(crate) fn part(&self, node: NodeRef<'_>, limits: &Limits) -> Result<Document, Refusal> {
        let start = node.origin() as usize;
        match self.syntax {
            // What stands before it becomes white space, so that offsets stay; reading it again finds the shapes that
            // JSON allows and FHIR does not, numbered as its own tree has them.
            Syntax::Json => {
                let end = json_end(&self.text, start);
                let mut text = vec![b' '; start];
                text.extend_from_slice(self.text.get(start..end).unwrap_or_default());
                let part = Document::read(text.into(), Syntax::Json, limits)?;
                Ok(Document { text: self.text.clone(), ..part })
            }
            Syntax::Xml => {
                let mut tree = Tree::new();
                for child in node.children() {
                    let key = tree.key(child.name());
                    tree.graft(0, key, child, child.is_list());
                }
                Ok(Document { tree, issues: Vec::new(), text: self.text.clone(), syntax: Syntax::Xml })
            }
        }
    }
}

pub(crate) fn json_limits(limits: &Limits) -> JsonLimits {
    JsonLimits {
        depth_max: size(limits.json_depth),
        nodes_max: size(limits.json_nodes),
        keys_per_object_max: size(limits.json_keys_per_object),
    }
}

/// The end of the JSON value that begins at `start` of a document that was read whole.
fn json_end(text: &[u8], start: usize) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, b) in text.iter().enumerate().skip(start) {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// What a person is told about JSON that cannot be read: FHIR `issue-type`, rule, Chinese, English.
pub(crate) fn json_fault(kind: JsonErrorKind) -> (&'static str, &'static str, &'static str, &'static str) {
    match kind {
        JsonErrorKind::Syntax => ("structure", "json.syntax", "内容不是有效的 JSON", "The content is not valid JSON"),
        JsonErrorKind::Utf8 => {
            ("structure", "json.utf8", "内容不是有效的 UTF-8，FHIR 必须用 UTF-8", "The content is not valid UTF-8, which FHIR must be")
        }
        JsonErrorKind::Depth => ("structure", "json.depth", "嵌套过深", "The content is nested too deep"),
        JsonErrorKind::TooManyNodes => (
            "too-costly",
            "json.size",
            "元素过多，请分批提交",
            "The content has too many elements; send it in parts",
        ),
        JsonErrorKind::DuplicateKey => (
            "structure",
            "json.duplicate_key",
            "同一对象中有重复的键 (duplicate key)，无法判断以哪个为准",
            "There is a duplicate key in one object: it cannot be known which one is meant",
        ),
        JsonErrorKind::LoneSurrogate => {
            ("structure", "json.surrogate", "有不成对的代理字符转义", "There is an escape that is half of a surrogate pair")
        }
        JsonErrorKind::NumberRange => ("value", "json.number", "有数值超出范围", "A number is out of range"),
        JsonErrorKind::NotAnObject => ("structure", "json.object", "FHIR 资源应为 JSON 对象", "A FHIR resource is a JSON object"),
    }
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
            assert_eq!(Syntax::of(&headers).ok(), expected, "{kind:?} {coding:?}");
        }
    }

    #[test]
    fn a_part_keeps_the_places_of_the_whole() {
        let text = "{\"resourceType\":\"Parameters\",\"parameter\":[\n{\"name\":\"资源\",\"resource\": {\"resourceType\":\"Patient\",\n\"name\":[],\"id\":\"}\\\"{\"}}]}";
        let document = Document::read(text.into(), Syntax::Json, &Limits::default()).ok().unwrap();
        assert!(!document.issues.is_empty());
        let resource = document.tree.root().get("parameter").unwrap().get("resource").unwrap();
        let part = document.part(resource, &Limits::default()).ok().unwrap();
        assert_eq!(part.tree.root().resource_type(), Some("Patient"));
        assert_eq!(part.tree.root().at("id"), Some("}\"{"));
        assert_eq!(json::line_column(&part.text, part.issues[0].offset), (3, 8));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let deep = "[".repeat(10_000);
        for (text, status, rule, place) in [
            ("{\n  \"a\": }", 400, "json.syntax", "第 2 行"),
            ("{\"a\":1,\"a\":2}", 400, "json.duplicate_key", "第 1 行"),
            (&*format!("{{\"a\":{deep}"), 400, "json.depth", "第 1 行"),
            ("[]", 400, "json.object", "第 1 行"),
        ] {
            let refusal = Document::read(Bytes::from(text.to_owned()), Syntax::Json, &Limits::default()).err().unwrap();
            assert_eq!((refusal.status.as_u16(), refusal.rule), (status, rule), "{text:.20}");
            assert!(refusal.zh.contains(place), "{}", refusal.zh);
        }
    }
}
