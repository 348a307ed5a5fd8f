//! Findings as a FHIR OperationOutcome: what the FHIR API answers and the command line prints.

use crate::finding::{Finding, Location};
use crate::json::escape;

/// The OperationOutcome of some findings as compact JSON; without findings it says that all is well.
///
/// Each issue has `severity`, `code`, `details.text` ("中文 / English"), `diagnostics` (the id of the rule and, where
/// known, line and column) and, for an element, `expression`. The offending value is never in it.
pub fn write(findings: &[Finding], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"resourceType\":\"OperationOutcome\",\"issue\":[");
    if findings.is_empty() {
        out.extend_from_slice(
            r#"{"severity":"information","code":"informational","details":{"text":"没有发现问题 / No issues"}}"#.as_bytes(),
        );
    }
    for (i, finding) in findings.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        issue(finding, out);
    }
    out.extend_from_slice(b"]}");
}

/// One `issue`.
pub fn issue(finding: &Finding, out: &mut Vec<u8>) {
    member(b"{\"severity\":\"", finding.severity.as_str(), out);
    member(b",\"code\":\"", finding.issue, out);
    let text = match (finding.zh.as_str(), finding.en.as_str()) {
        ("", en) => en.to_owned(),
        (zh, "") => zh.to_owned(),
        (zh, en) => format!("{zh} / {en}"),
    };
    if !text.is_empty() {
        member(b",\"details\":{\"text\":\"", &text, out);
        out.push(b'}');
    }
    let place = match &finding.location {
        Location::Path { line, column, .. } if *line > 0 => format!("{} at line {line} column {column}", finding.rule),
        Location::V2 { .. } | Location::Byte(_) => format!("{} at {}", finding.rule, finding.location),
        _ => finding.rule.to_string(),
    };
    member(b",\"diagnostics\":\"", &place, out);
    if let Location::Path { expression, .. } = &finding.location
        && !expression.is_empty()
    {
        member(b",\"expression\":[\"", expression, out);
        out.push(b']');
    }
    out.push(b'}');
}

fn member(head: &[u8], value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(head);
    escape(value, out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn an_outcome_names_rule_place_and_cure_but_not_the_value() {
        let location = Location::Path { expression: "Patient.gender".into(), line: 3, column: 7 };
        let finding = Finding::new(Severity::Error, "fhir.code.required", "code-invalid", 103)
            .at(location)
            .says("代码\"不\"在值集中", "the code is not in the value set")
            .with_value("secret");
        let mut out = Vec::new();
        write(&[finding.clone(), Finding { location: Location::Whole, ..finding }], &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"code-invalid","details":{"text":"代码\"不\"在值集中 / the code is not in the value set"},"diagnostics":"fhir.code.required at line 3 column 7","expression":["Patient.gender"]},{"severity":"error","code":"code-invalid","details":{"text":"代码\"不\"在值集中 / the code is not in the value set"},"diagnostics":"fhir.code.required"}]}"#
        );
        let (tree, issues) = crate::json::parse(text.as_bytes(), &crate::json::JsonLimits::default()).ok().unwrap();
        assert!(issues.is_empty());
        assert_eq!(tree.root().resource_type(), Some("OperationOutcome"));
    }

    #[test]
    fn no_findings_are_an_outcome_too() {
        let mut out = Vec::new();
        write(&[], &mut out);
        assert!(String::from_utf8(out).unwrap().contains("informational"));
    }
}
