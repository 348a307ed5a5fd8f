//! Findings on the author's terminal and as machine-readable objects.

use hutong_fhir::{Finding, Location, Severity};
use serde_json::{Value, json};

use super::lang::{Lang, lang, t};
use super::output;

/// `{"severity","code","location","message"}` as the command line's contract names them, and more.
pub(crate) fn json(finding: &Finding) -> Value {
    let mut object = json!({
        "severity": finding.severity.as_str(),
        "code": finding.rule,
        "location": finding.location.to_string(),
        "message": if lang() == Lang::Zh { &finding.zh } else { &finding.en },
        "zh": finding.zh,
        "en": finding.en,
        "issue": finding.issue,
    });
    if finding.hl7_code != 0 {
        object["hl7Code"] = finding.hl7_code.into();
    }
    if let Some(value) = &finding.value {
        object["value"] = value.as_str().into();
    }
    object
}

/// One line for people: `错误 OBX[3]-5 …（规则）`.
pub(crate) fn line(finding: &Finding, colour: bool) -> String {
    let (word, code) = match finding.severity {
        Severity::Error => (t("错误", "error"), "1;31"),
        Severity::Warning => (t("警告", "warning"), "33"),
        Severity::Information => (t("提示", "note"), "36"),
    };
    let text = if lang() == Lang::Zh { &finding.zh } else { &finding.en };
    let value = finding.value.as_deref().map(|v| format!(" «{v}»")).unwrap_or_default();
    let place = finding.location.to_string();
    let place = if place.is_empty() { String::new() } else { format!(" {place}") };
    format!("{}{place}: {text}{value} [{}]", output::paint(word, code, colour), finding.rule)
}

/// Line and column, both 0 where they are not known.
pub(crate) fn line_column(finding: &Finding) -> (u32, u32) {
    match finding.location {
        Location::Path { line, column, .. } => (line, column),
        _ => (0, 0),
    }
}

/// `:12:7` where line and column are known, else nothing.
pub(crate) fn place(finding: &Finding) -> String {
    match line_column(finding) {
        (0, _) => String::new(),
        (line, column) => format!(":{line}:{column}"),
    }
}
