//! A document as it arrived, FHIR JSON or FHIR XML: read under limits, judged, every finding with line and column.

use std::borrow::Cow;
use std::collections::HashMap;

use hutong_fhir::json::{self, JsonError, JsonErrorKind, JsonIssue, JsonLimits};
use hutong_fhir::xml::{self, XmlError, XmlErrorKind, XmlIssue, XmlLimits};
use hutong_fhir::{Finding, Location, NodeId, NodeRef, Severity, Tree};

use crate::{Demands, Validator};

/// How a document is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    Json,
    Xml,
}

impl Syntax {
    /// From the first byte that is no white space.
    pub fn of_text(text: &[u8]) -> Syntax {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.trim_ascii_start().first() == Some(&b'<') { Syntax::Xml } else { Syntax::Json }
    }
}

/// Limits of a document of either syntax.
#[derive(Clone, Copy, Default, Debug)]
pub struct DocumentLimits {
    pub json: JsonLimits,
    pub xml: XmlLimits,
}

/// What the syntax allows and FHIR does not.
enum Shapes {
    Json(Vec<JsonIssue>),
    Xml(Vec<XmlIssue>),
}

/// A document that could be read.
pub struct Document<'t> {
    pub tree: Tree,
    shapes: Shapes,
    text: Cow<'t, [u8]>,
}

impl<'t> Document<'t> {
    /// Reads a document.
    ///
    /// # Errors
    /// A finding with the place where reading stopped; never a text of the document.
    pub fn read(text: impl Into<Cow<'t, [u8]>>, syntax: Syntax, limits: &DocumentLimits) -> Result<Document<'t>, Finding> {
        let text = text.into();
        let (tree, shapes) = match syntax {
            Syntax::Json => {
                let (mut tree, issues) = json::parse(&text, &limits.json).map_err(|e| unreadable_json(&e, &text))?;
                // what is missing is said of the resource, and that has a place too
                let start = text.iter().position(|b| *b == b'{').and_then(|at| u32::try_from(at).ok());
                tree.set_origin(0, start.unwrap_or(0));
                (tree, Shapes::Json(issues))
            }
            Syntax::Xml => {
                let (tree, issues) = xml::parse(&text, &limits.xml).map_err(|e| unreadable_xml(&e))?;
                (tree, Shapes::Xml(issues))
            }
        };
        Ok(Document { tree, shapes, text })
    }

    /// The resource in one part of it (of Parameters, of a Bundle) as a document of its own, with the places it has here.
    pub fn part(&self, resource: NodeRef<'_>) -> Document<'_> {
        let mut tree = Tree::new();
        tree.set_origin(0, resource.origin());
        for child in resource.children() {
            let key = tree.key(child.name());
            tree.graft(0, key, child, child.is_list());
        }
        let ids = 0..u32::try_from(tree.len()).unwrap_or(u32::MAX);
        let at: HashMap<u32, NodeId> = ids.map(|id| (tree.node(id).origin(), id)).collect();
        let moved = |node: NodeId| at.get(&self.tree.node(node).origin()).copied();
        let shapes = match &self.shapes {
            Shapes::Json(all) => Shapes::Json(all.iter().filter_map(|i| Some(JsonIssue { node: moved(i.node)?, ..*i })).collect()),
            Shapes::Xml(all) => Shapes::Xml(all.iter().filter_map(|i| Some(XmlIssue { node: moved(i.node)?, ..i.clone() })).collect()),
        };
        Document { tree, shapes, text: Cow::Borrowed(&self.text) }
    }
}

impl Validator {
    /// All findings of a document, in the order of its text.
    pub fn judge(&self, document: &Document<'_>, demands: &Demands<'_>) -> Vec<Finding> {
        match &document.shapes {
            Shapes::Json(issues) => self.validate_text_as(&document.tree, issues, &document.text, demands),
            Shapes::Xml(issues) => self.validate_xml_as(&document.tree, issues, &document.text, demands),
        }
    }
}

fn unreadable_xml(error: &XmlError) -> Finding {
    let (rule, issue) = match error.kind {
        XmlErrorKind::TooLarge => ("xml.size", "too-long"),
        XmlErrorKind::TooManyElements | XmlErrorKind::TooManyAttributes => ("xml.size", "too-costly"),
        XmlErrorKind::Depth => ("xml.depth", "structure"),
        XmlErrorKind::Doctype => ("xml.doctype", "structure"),
        XmlErrorKind::Encoding => ("xml.encoding", "structure"),
        _ => ("xml.syntax", "structure"),
    };
    let place = Location::Path { expression: String::new(), line: error.line, column: error.column };
    Finding::new(Severity::Error, rule, issue, 0).says(error.zh, error.en).at(place)
}

fn unreadable_json(error: &JsonError, text: &[u8]) -> Finding {
    let (rule, issue, zh, en) = match error.kind {
        JsonErrorKind::Syntax => (
            "json.syntax",
            "structure",
            "不是有效的 JSON，请检查此处的引号、逗号和括号",
            "not valid JSON; check quotes, commas and brackets here",
        ),
        JsonErrorKind::Utf8 => {
            ("json.utf8", "structure", "不是有效的 UTF-8，FHIR JSON 必须用 UTF-8", "not valid UTF-8, which FHIR JSON must be")
        }
        JsonErrorKind::Depth => ("json.depth", "structure", "嵌套过深", "nested too deep"),
        JsonErrorKind::TooManyNodes => ("json.size", "too-costly", "元素过多，请拆分后再提交", "too many elements; send it in parts"),
        JsonErrorKind::DuplicateKey => (
            "json.duplicate_key",
            "structure",
            "同一对象中有重复的键 (duplicate key)，无法判断以哪个为准",
            "duplicate key in one object: it cannot be known which one is meant",
        ),
        JsonErrorKind::LoneSurrogate => {
            ("json.surrogate", "structure", "不成对的代理字符转义", "an escape that is half of a surrogate pair")
        }
        JsonErrorKind::NumberRange => ("json.number", "value", "数值超出范围", "a number out of range"),
        JsonErrorKind::NotAnObject => ("json.object", "structure", "FHIR 资源应为 JSON 对象", "a FHIR resource is a JSON object"),
    };
    let (line, column) = json::line_column(text, error.offset);
    Finding::new(Severity::Error, rule, issue, 0).says(zh, en).at(Location::Path { expression: String::new(), line, column })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, part: bool) -> Vec<String> {
        let validator = Validator::new(hutong_fhir::Definitions::r4());
        let document = match Document::read(text.as_bytes(), Syntax::of_text(text.as_bytes()), &DocumentLimits::default()) {
            Ok(document) => document,
            Err(finding) => return vec![line(&finding)],
        };
        let demands = Demands::default();
        let findings = if part {
            let resource = document.tree.root().get("parameter").and_then(|p| p.get("resource")).unwrap();
            validator.judge(&document.part(resource), &demands)
        } else {
            validator.judge(&document, &demands)
        };
        findings.iter().filter(|f| f.severity == Severity::Error).map(line).collect()
    }

    fn line(finding: &Finding) -> String {
        match &finding.location {
            Location::Path { expression, line, column } => format!("{line}:{column} {expression} {}", finding.rule),
            _ => finding.rule.to_string(),
        }
    }

    #[test]
    fn places_are_those_of_the_document_in_both_syntaxes_and_in_a_part() {
        for (text, part, expected) in [
            ("{\"resourceType\":\"Patient\",\n\"name\":[]}", false, vec!["2:8 Patient fhir.json.empty_array"]),
            (
                "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"资源\",\"resource\":{\"resourceType\":\"Patient\",\n\"gender\":\"M\"}}]}",
                true,
                vec!["2:10 Patient.gender fhir.code.required"],
            ),
            ("<Patient xmlns=\"http://hl7.org/fhir\">\n <active value=\"true\" x=\"1\"/></Patient>", false, vec!["2:"]),
            ("<Patient xmlns=\"http://hl7.org/fhir\">\n <gender value=\"M\"/></Patient>", false, vec!["2:2 Patient.gender"]),
            (
                "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"resource\"/><resource><Patient>\n<active value=\"true\" x=\"1\"/></Patient></resource></parameter></Parameters>",
                true,
                vec!["2:"],
            ),
            ("{\n \"a\": }", false, vec!["2:7  json.syntax"]),
            ("<!DOCTYPE a><Patient xmlns=\"http://hl7.org/fhir\"/>", false, vec!["1:1  xml.doctype"]),
        ] {
            let found = found(text, part);
            assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
            assert!(found.iter().zip(&expected).all(|(got, want)| got.starts_with(want)), "{text}: {found:?}");
        }
    }
}
