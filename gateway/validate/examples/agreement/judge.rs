//! Our errors on one case.

use crate::Case;
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Definitions, Finding, Location, Severity};
use hutong_validate::Validator;
use std::path::Path;

/// The errors as `expression rule: text`; `Err` says why the case was not judged.
pub(crate) fn errors(folder: &Path, case: &Case) -> Result<Vec<String>, String> {
    if case.part != "base" {
        return Err("profiles are not there yet".into());
    }
    let text = std::fs::read(folder.join(&case.file)).map_err(|e| format!("{}: {e}", case.file))?;
    if !case.file.ends_with(".json") {
        return Err("XML is not there yet".into());
    }
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
    let (tree, issues) = match json::parse(text, &JsonLimits::default()) {
        Ok(read) => read,
        Err(e) => return Ok(vec![format!("not JSON: {e:?}")]),
    };
    let findings = Validator::new(Definitions::r4()).validate_with_issues(&tree, &issues, text);
    Ok(findings.iter().filter(|f| f.severity == Severity::Error).map(shown).collect())
}

fn shown(finding: &Finding) -> String {
    let at = match &finding.location {
        Location::Path { expression, .. } => expression.as_str(),
        _ => "",
    };
    format!("{at} {}: {}", finding.rule, finding.en)
}
