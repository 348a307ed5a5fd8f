//! `hutong validate FILE…`: every resource (in a Bundle every entry with it, in NDJSON every line) against R4.
//! Exit 1 where anything is invalid.

use std::io::Write;
use std::path::PathBuf;

use hutong_fhir::json::{self, JsonErrorKind, JsonLimits};
use hutong_fhir::{Finding, Location, Severity};
use hutong_validate::Validator;

use super::lang::t;
use super::output::{self, Format};
use super::{Failure, Outcome, files, findings};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// FHIR JSON 或 NDJSON 文件、目录或 - · FHIR JSON or NDJSON files, directories or -
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The verdict on one resource.
struct Verdict {
    resource_type: String,
    id: String,
    findings: Vec<Finding>,
}

impl Verdict {
    fn valid(&self) -> bool {
        self.findings.iter().all(|f| f.severity < Severity::Error)
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    let validator = Validator::new(hutong_fhir::definitions::Definitions::r4());
    let (mut judged, mut invalid) = (0usize, 0usize);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for path in files::expand(&args.files)? {
        let input = files::read(&path)?;
        for (index, text) in documents(&input.bytes).into_iter().enumerate() {
            let verdict = judge(&validator, text);
            judged += 1;
            invalid += usize::from(!verdict.valid());
            show(&mut out, args.format, &input.name, index, &verdict).map_err(|e| Failure::file(&path, &e))?;
        }
    }
    out.flush().map_err(|e| Failure::file(std::path::Path::new("stdout"), &e))?;
    if args.format == Format::Table {
        let text = format!("{judged} {}, {invalid} {}", t("份资源", "resources"), t("份无效", "invalid"));
        eprintln!("{}", output::paint(&text, if invalid == 0 { "1;32" } else { "1;31" }, output::colour(true)));
    }
    Ok(u8::from(invalid > 0))
}

/// One document, or the lines of NDJSON where the whole is not one document.
fn documents(bytes: &[u8]) -> Vec<&[u8]> {
    let trimmed = bytes.trim_ascii();
    let lines: Vec<&[u8]> = trimmed.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|l| !l.is_empty()).collect();
    let each_whole = lines.len() > 1 && lines.iter().all(|l| l.first() == Some(&b'{') && l.last() == Some(&b'}'));
    if each_whole { lines } else { vec![trimmed] }
}

fn judge(validator: &Validator, text: &[u8]) -> Verdict {
    match json::parse(text, &JsonLimits::default()) {
        Err(error) => Verdict { resource_type: String::new(), id: String::new(), findings: vec![unreadable(&error, text)] },
        Ok((tree, issues)) => {
            let findings = validator.validate_with_issues(&tree, &issues, text);
            let root = tree.root();
            let value = |name: &str| root.at(name).unwrap_or_default().to_owned();
            Verdict { resource_type: value("resourceType"), id: value("id"), findings }
        }
    }
}

/// A document that is not FHIR JSON, as a finding.
pub(crate) fn unreadable(error: &json::JsonError, text: &[u8]) -> Finding {
    let (rule, issue, zh, en) = match error.kind {
        JsonErrorKind::Syntax => ("json.syntax", "structure", "不是有效的 JSON", "not valid JSON"),
        JsonErrorKind::Utf8 => {
            ("json.utf8", "structure", "不是有效的 UTF-8，FHIR JSON 必须用 UTF-8", "not valid UTF-8, which FHIR JSON must be")
        }
        JsonErrorKind::Depth => ("json.depth", "structure", "嵌套过深", "nested too deep"),
        JsonErrorKind::TooManyNodes => ("json.size", "too-costly", "元素过多", "too many elements"),
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

fn show(out: &mut impl Write, format: Format, file: &str, index: usize, verdict: &Verdict) -> std::io::Result<()> {
    if format == Format::Table {
        let colour = output::colour(false);
        for f in &verdict.findings {
            let (line, column) = place(f);
            writeln!(out, "{file}:{line}:{column} {}/{} {}", verdict.resource_type, verdict.id, findings::line(f, colour))?;
        }
        return Ok(());
    }
    let issue: Vec<serde_json::Value> = verdict
        .findings
        .iter()
        .map(|f| {
            serde_json::json!({
                "severity": f.severity.as_str(), "code": f.issue, "expression": f.location.to_string(), "line": place(f).0,
                "column": place(f).1, "details": if super::lang::lang() == super::lang::Lang::Zh { &f.zh } else { &f.en }, "rule": f.rule,
            })
        })
        .collect();
    let line = serde_json::json!({
        "file": file, "index": index, "resourceType": verdict.resource_type, "id": verdict.id, "valid": verdict.valid(), "issue": issue,
    });
    writeln!(out, "{line}")
}

fn place(finding: &Finding) -> (u32, u32) {
    match finding.location {
        Location::Path { line, column, .. } => (line, column),
        _ => (0, 0),
    }
}
