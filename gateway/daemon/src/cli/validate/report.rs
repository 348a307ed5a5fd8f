//! How verdicts are shown: as text, as an OperationOutcome each, as a line of JSON each, and for CI systems.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{Result, Write};

use hutong_fhir::{Finding, Severity, outcome};
use serde_json::{Value, json};

use super::junit::Junit;
use super::sarif::Sarif;
use super::{Format, Verdict};
use crate::cli::findings;
use crate::cli::lang::{Lang, lang, t};
use crate::cli::output;

/// A verdict with what it is about.
pub(super) struct Judged<'a> {
    /// As the caller wrote it.
    pub(super) file: &'a str,
    /// Of the resource in its file, from 0.
    pub(super) index: usize,
    pub(super) verdict: &'a Verdict,
}

impl Judged<'_> {
    /// Line and column of a finding in the file; 0 where they are not known.
    pub(super) fn place(&self, finding: &Finding) -> (u32, u32) {
        match findings::line_column(finding) {
            (0, _) if self.verdict.first_line > 1 => (self.verdict.first_line, 1),
            (0, _) => (0, 0),
            (line, column) => (self.verdict.first_line.saturating_sub(1).saturating_add(line), column),
        }
    }

    /// `Patient/p1`, as far as it is known.
    pub(super) fn name(&self) -> String {
        let Verdict { resource_type, id, .. } = self.verdict;
        match (resource_type.as_str(), id.as_str()) {
            (kind, "") => kind.to_owned(),
            (kind, id) => format!("{kind}/{id}"),
        }
    }
}

/// One form of output, written as the verdicts come.
pub(super) trait Report {
    fn begin(&mut self, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    fn resource(&mut self, out: &mut dyn Write, judged: &Judged<'_>) -> Result<()>;

    fn end(&mut self, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    /// What a person is told at the end, on stderr.
    fn summary(&self, _judged: usize, _invalid: usize) -> Option<String> {
        None
    }
}

pub(super) fn of(format: Format) -> Box<dyn Report> {
    match format {
        Format::Table => Box::new(Table::default()),
        Format::Json => Box::new(Outcomes),
        Format::Ndjson => Box::new(Lines),
        Format::Sarif => Box::new(Sarif::default()),
        Format::Junit => Box::new(Junit::default()),
    }
}

/// The text of a finding in the language of the person.
pub(super) fn text(finding: &Finding) -> &str {
    if lang() == Lang::Zh { &finding.zh } else { &finding.en }
}

/// A line for every finding, beginning with a place that editors and terminals open.
#[derive(Default)]
struct Table {
    /// How often each rule spoke.
    rules: BTreeMap<(Reverse<Severity>, String), usize>,
}

impl Report for Table {
    fn resource(&mut self, out: &mut dyn Write, judged: &Judged<'_>) -> Result<()> {
        let colour = output::colour(false);
        let name = judged.name();
        for finding in &judged.verdict.findings {
            let place = match judged.place(finding) {
                (0, _) => judged.file.to_owned(),
                (line, column) => format!("{}:{line}:{column}", judged.file),
            };
            let name = if name.is_empty() { String::new() } else { format!(" {}", output::paint(&name, "2", colour)) };
            writeln!(out, "{place}{name} {}", findings::line(finding, colour))?;
            *self.rules.entry((Reverse(finding.severity), finding.rule.to_string())).or_default() += 1;
        }
        Ok(())
    }

    fn summary(&self, judged: usize, invalid: usize) -> Option<String> {
        let mut text = String::new();
        // a list of rules helps where the findings have scrolled away
        if self.rules.values().sum::<usize>() > 10 {
            let mut rules: Vec<_> = self.rules.iter().collect();
            rules.sort_by_key(|((severity, _), n)| (*severity, Reverse(**n)));
            let row = |((severity, rule), n): &(&(Reverse<Severity>, String), &usize)| {
                vec![word(severity.0).to_owned(), n.to_string(), rule.clone()]
            };
            let rows: Vec<Vec<String>> = rules.iter().take(20).map(row).collect();
            text = format!("\n{}\n", output::table(&[t("级别", "severity"), t("次数", "times"), t("规则", "rule")], &rows));
        }
        let line = if lang() == Lang::Zh {
            format!("{judged} 份资源，{invalid} 份无效")
        } else {
            format!("judged {judged}, invalid {invalid}")
        };
        text.push_str(&output::paint(&line, if invalid == 0 { "1;32" } else { "1;31" }, output::colour(true)));
        Some(text)
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => t("错误", "error"),
        Severity::Warning => t("警告", "warning"),
        Severity::Information => t("提示", "note"),
    }
}

/// An OperationOutcome for each resource, a line each.
struct Outcomes;

impl Report for Outcomes {
    fn resource(&mut self, out: &mut dyn Write, judged: &Judged<'_>) -> Result<()> {
        let mut text = Vec::with_capacity(512);
        outcome::write(&judged.verdict.findings, &mut text);
        text.push(b'\n');
        out.write_all(&text)
    }
}

/// The contract for scripts: `conformance/schemas/validate-line.schema.json`.
struct Lines;

impl Report for Lines {
    fn resource(&mut self, out: &mut dyn Write, judged: &Judged<'_>) -> Result<()> {
        let verdict = judged.verdict;
        let issue: Vec<Value> = verdict.findings.iter().map(issue).collect();
        let line = json!({
            "file": judged.file, "index": judged.index, "resourceType": verdict.resource_type, "id": verdict.id,
            "valid": verdict.valid(), "issue": issue,
        });
        writeln!(out, "{line}")
    }
}

/// Line and column are those in the resource's own text (in NDJSON, in its line).
fn issue(finding: &Finding) -> Value {
    let (line, column) = findings::line_column(finding);
    let mut issue = json!({
        "severity": finding.severity.as_str(), "code": finding.issue, "expression": finding.location.to_string(), "line": line,
        "column": column, "details": text(finding), "rule": finding.rule,
    });
    if let Some(value) = &finding.value {
        issue["value"] = value.as_str().into();
    }
    issue
}
