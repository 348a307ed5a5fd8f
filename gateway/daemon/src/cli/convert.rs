//! `hutong convert`: any supported input to a FHIR Bundle. Bundles go to stdout, findings to stderr; exit 1 with errors.

use std::io::Write;
use std::path::PathBuf;

use hutong_fhir::Severity;

use super::lang::t;
use super::output::{self, Format};
use super::{Failure, Outcome, files, findings};
use crate::mappings::Lines;
use crate::pipeline::{Bundle, Origin, Pipeline, Processed};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 消息文件、目录或 - · message files, directories or -
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// 每个元素由哪一行、哪些字节写出 · the line and bytes that wrote each element
    #[arg(long)]
    explain: bool,
    /// 映射覆盖层，如 cn · overlays of the mappings
    #[arg(long = "site")]
    sites: Vec<String>,
    /// 另一套映射 · another directory of mappings
    #[arg(long)]
    mappings: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let pipeline = Pipeline::load(args.mappings.as_deref())?;
    let mut origin = Origin::local();
    origin.sites.clone_from(&args.sites);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut errors = false;
    let paths = files::expand(&args.files)?;
    let several = paths.len() > 1;
    for path in paths {
        let input = files::read(&path)?;
        let messages = pipeline.convert(files::unframed(&input.bytes), &origin);
        for (index, message) in messages.iter().enumerate() {
            errors |= message.findings.iter().any(|f| f.severity == Severity::Error);
            let written = if args.format == Format::Ndjson {
                ndjson(&mut out, &input.name, index, message)
            } else {
                people(&input.name, message, several || messages.len() > 1);
                bundle(&mut out, message, args, &pipeline, &origin)
            };
            written.map_err(|e| Failure::file(std::path::Path::new("stdout"), &e))?;
        }
    }
    out.flush().map_err(|e| Failure::file(std::path::Path::new("stdout"), &e))?;
    Ok(u8::from(errors))
}

fn ndjson(out: &mut impl Write, file: &str, index: usize, message: &Processed) -> std::io::Result<()> {
    let text = |s: &str| serde_json::Value::from(s).to_string();
    write!(out, "{{\"file\":{},\"index\":{index},\"messageType\":{},\"bundle\":", text(file), text(&message.message_type))?;
    match message.bundle(Bundle::Compact) {
        Some(json) => out.write_all(&json)?,
        None => out.write_all(b"null")?,
    }
    let list: Vec<serde_json::Value> = message.findings.iter().map(findings::json).collect();
    let unread: Vec<&str> = message.unread.iter().map(String::as_str).collect();
    writeln!(out, ",\"findings\":{},\"unread\":{}}}", serde_json::Value::Array(list), serde_json::json!(unread))
}

/// Findings on stderr, with a heading where there are several messages.
fn people(file: &str, message: &Processed, several: bool) {
    let colour = output::colour(true);
    if several {
        eprintln!("{}", output::paint(&format!("── {file}  {}", message.message_type), "1", colour));
    }
    for finding in &message.findings {
        eprintln!("{}", findings::line(finding, colour));
    }
    if !message.unread.is_empty() {
        eprintln!("{} {}", output::paint(t("没有映射行读取：", "read by no mapping line:"), "36", colour), message.unread.join(" "));
    }
}

fn bundle(out: &mut impl Write, message: &Processed, args: &Args, pipeline: &Pipeline, origin: &Origin) -> std::io::Result<()> {
    let form = if args.format == Format::Json { Bundle::Compact } else { Bundle::Pretty };
    if let Some(json) = message.bundle(form) {
        out.write_all(&json)?;
        out.write_all(b"\n")?;
    }
    if args.explain
        && let Ok(plan) = pipeline.mappings.for_sites(&origin.sites)
    {
        let lines = Lines { plan: &plan, files: pipeline.mappings.files() };
        for line in message.explain(&lines, None) {
            eprintln!("{line}");
        }
    }
    Ok(())
}
