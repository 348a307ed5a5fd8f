//! SARIF 2.1.0 (OASIS), which GitHub, GitLab, Gitee and editors show beside the code. Results are written as they come; the
//! rules that spoke follow at the end.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use hutong_fhir::{Finding, Location, Severity};
use serde_json::{Value, json};

use super::report::{Judged, Report, text};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Default)]
pub(super) struct Sarif {
    results: usize,
    /// Rule id to its number, in the order of first mention.
    rules: BTreeMap<String, usize>,
}

impl Report for Sarif {
    fn begin(&mut self, out: &mut dyn Write) -> Result<()> {
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"columnKind\":\"unicodeCodePoints\",\"results\":[")
    }

    fn resource(&mut self, out: &mut dyn Write, judged: &Judged<'_>) -> Result<()> {
        for finding in &judged.verdict.findings {
            let comma = if self.results == 0 { "" } else { "," };
            self.results += 1;
            let next = self.rules.len();
            let rule = *self.rules.entry(finding.rule.to_string()).or_insert(next);
            write!(out, "{comma}\n{}", result(judged, finding, rule))?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<()> {
        let mut rules: Vec<(&String, &usize)> = self.rules.iter().collect();
        rules.sort_by_key(|(_, number)| **number);
        let rules: Vec<Value> = rules.into_iter().map(|(id, _)| json!({"id": id})).collect();
        let driver = json!({"name": "hutong", "version": env!("CARGO_PKG_VERSION"), "rules": rules});
        writeln!(out, "\n],\"tool\":{{\"driver\":{driver}}}}}]}}")
    }
}

fn result(judged: &Judged<'_>, finding: &Finding, rule: usize) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "note",
    };
    let mut physical = json!({"artifactLocation": {"uri": uri(judged.file)}});
    let (line, column) = judged.place(finding);
    if line > 0 {
        physical["region"] = json!({"startLine": line, "startColumn": column.max(1)});
    }
    let mut location = json!({"physicalLocation": physical});
    if let Location::Path { expression, .. } = &finding.location
        && !expression.is_empty()
    {
        location["logicalLocations"] = json!([{"fullyQualifiedName": expression, "kind": "element"}]);
    }
    json!({
        "ruleId": finding.rule, "ruleIndex": rule, "level": level, "message": {"text": text(finding)}, "locations": [location],
        "properties": {"resource": judged.name(), "index": judged.index},
    })
}

/// A file name as a relative reference (RFC 3986).
fn uri(file: &str) -> String {
    let mut out = String::with_capacity(file.len());
    for b in file.replace('\\', "/").bytes() {
        if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    if file == "-" { "stdin".to_owned() } else { out }
}
