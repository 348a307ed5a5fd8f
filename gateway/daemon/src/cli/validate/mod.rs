//! `hutong validate FILE…`: every resource (in NDJSON every line) against R4, the community's profiles and what is loaded.
//! Exit 1 where anything is invalid.

mod contract;
mod junit;
mod pieces;
mod report;
mod sarif;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hutong_fhir::{Finding, Severity};
use hutong_receive::sources::Level;
use hutong_serve::Shelf;
use hutong_validate::{Demands, Document, DocumentLimits, IdentifierPolicy, Knowledge, Syntax, Validator};
use indicatif::{ProgressBar, ProgressStyle};

use super::lang::t;
use super::{Failure, Outcome, files, output};
use crate::policy::{self, Imposed, Policy};
use contract::Contract;
use pieces::{Piece, Pieces};
use report::{Judged, Report};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// FHIR JSON、XML 或 NDJSON 文件、目录或 - · FHIR JSON, XML or NDJSON files, directories or -
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// 载入 FHIR 包（.tgz）、定义或代码表 · load FHIR packages (.tgz), definitions, tables of codes, directories of them
    #[arg(long, value_name = "PATH")]
    load: Vec<PathBuf>,
    /// 必须满足的 profile · a profile that resources of its type must meet
    #[arg(long, value_name = "CANONICAL")]
    profile: Vec<String>,
    /// 身份证号等校验位错误的级别 · how bad a wrong national identifier is: identity-card=error, default=ignore
    #[arg(long, value_name = "KIND=LEVEL", value_parser = identifier)]
    identifier: Vec<(String, Level)>,
    /// 未知 profile 的级别 · how bad an unknown profile is
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    unknown_profiles: Option<Level>,
    /// 未定义扩展的级别 · how bad an undefined extension is
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    unknown_extensions: Option<Level>,
    /// 也提示推荐做法 · tell of recommendations too
    #[arg(long)]
    best_practice: bool,
    /// 改按 JSON Schema 检查厂商的 JSON · judge vendors' JSON by a JSON Schema instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["load", "profile"])]
    schema: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Output for people, scripts, and the CI systems of vendors.
#[derive(Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    #[default]
    Table,
    /// 每份资源一个 OperationOutcome · an OperationOutcome for each resource
    Json,
    Ndjson,
    Sarif,
    Junit,
}

/// Documents are judged in batches of so many bytes, side by side; no more of a stream is in memory.
const BATCH_BYTES: usize = 4 << 20;
/// Short work shows no progress.
const QUIET: Duration = Duration::from_millis(800);

/// What one document is judged by.
enum Judge {
    Fhir { validator: Box<Validator>, policy: Policy, best_practice: bool },
    Contract(Contract),
}

/// The verdict on one resource.
pub(super) struct Verdict {
    pub(super) resource_type: String,
    pub(super) id: String,
    pub(super) findings: Vec<Finding>,
    /// The line of the file on which its text begins, from 1.
    pub(super) first_line: u32,
}

impl Verdict {
    pub(super) fn valid(&self) -> bool {
        self.findings.iter().all(|f| f.severity < Severity::Error)
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    let judge = judge(args)?;
    let paths = files::expand(&args.files)?;
    let mut run = Run {
        out: std::io::BufWriter::new(std::io::stdout().lock()),
        report: report::of(args.format),
        progress: Progress::new(&paths),
        judged: 0,
        invalid: 0,
        types: BTreeSet::new(),
    };
    run.written(|report, out| report.begin(out))?;
    for path in &paths {
        run.file(path, &judge)?;
    }
    run.written(|report, out| report.end(out).and_then(|()| out.flush()))?;
    run.progress.end();
    judge.hint(&run.types);
    if let Some(text) = run.report.summary(run.judged, run.invalid) {
        eprintln!("{text}");
    }
    Ok(u8::from(run.invalid > 0))
}

fn judge(args: &Args) -> Result<Judge, Failure> {
    if let Some(path) = &args.schema {
        return Contract::read(path).map(Judge::Contract);
    }
    let (mut knowledge, _) = Knowledge::community();
    crate::packages::load(&args.load, &mut knowledge, &mut Shelf::default())?;
    let profiles = Imposed::of(&args.profile, &knowledge).map_err(|unknown| no_such_profile(&unknown))?;
    let defaults = Demands::default();
    let mut identifiers = IdentifierPolicy::default();
    for (kind, level) in &args.identifier {
        policy::set_identifier(&mut identifiers, kind, *level);
    }
    let policy = Policy {
        profiles,
        identifiers,
        unknown_profiles: args.unknown_profiles.and_then(policy::severity).unwrap_or(defaults.unknown_profiles),
        unknown_extensions: args.unknown_extensions.map_or(defaults.unknown_extensions, policy::severity),
    };
    let validator = Box::new(Validator::with(std::sync::Arc::new(knowledge)));
    Ok(Judge::Fhir { validator, policy, best_practice: args.best_practice })
}

/// A profile that nobody knows would pass everything, so it is refused at once.
fn no_such_profile(unknown: &[String]) -> Failure {
    let list = unknown.join(" ");
    Failure::usage(
        format!("没有 profile {list}。请核对地址，或用 --load 载入定义它的包。"),
        format!("there is no profile {list}. Check its address, or load the package that defines it with --load."),
    )
}

impl Judge {
    fn verdict(&self, piece: &Piece) -> Verdict {
        let mut verdict = match (self, &piece.text) {
            (_, Err(fault)) => Verdict { resource_type: String::new(), id: String::new(), findings: vec![fault.clone()], first_line: 0 },
            (Judge::Contract(contract), Ok(text)) => contract.verdict(text),
            (Judge::Fhir { validator, policy, best_practice }, Ok(text)) => fhir(validator, text, policy, *best_practice),
        };
        verdict.first_line = piece.first_line;
        verdict
    }

    /// A profile of a type that was not there has judged nothing: that is said.
    fn hint(&self, seen: &BTreeSet<String>) {
        let Judge::Fhir { policy, .. } = self else { return };
        let idle = policy.profiles.types().filter(|(of, _)| !seen.contains(*of) && !seen.contains("Bundle"));
        for (of, canonicals) in idle {
            let list = canonicals.join(" ");
            let zh = format!("没有 {of} 资源，未用到 {list}");
            let en = format!("there was no {of}, so {list} judged nothing");
            eprintln!("{} {}", output::paint(t("提示：", "note:"), "36", output::colour(true)), t(&zh, &en));
        }
    }

    /// The verdicts on a batch, in its order. Several cores share a batch that is worth it.
    fn verdicts(&self, batch: &[Piece]) -> Vec<Verdict> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = batch.len().div_ceil(threads);
        if threads == 1 || batch.len() < 2 * threads {
            return batch.iter().map(|piece| self.verdict(piece)).collect();
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                batch.chunks(share).map(|part| scope.spawn(|| part.iter().map(|piece| self.verdict(piece)).collect::<Vec<_>>())).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }
}

fn fhir(validator: &Validator, text: &[u8], policy: &Policy, best_practice: bool) -> Verdict {
    match Document::read(text, Syntax::of_text(text), &DocumentLimits::default()) {
        Err(fault) => Verdict { resource_type: String::new(), id: String::new(), findings: vec![fault], first_line: 0 },
        Ok(document) => {
            let root = document.tree.root();
            let value = |name: &str| root.at(name).unwrap_or_default().to_owned();
            let resource_type = value("resourceType");
            let demands = Demands { best_practice, ..policy.demands(&resource_type) };
            Verdict { findings: validator.judge(&document, &demands), id: value("id"), resource_type, first_line: 0 }
        }
    }
}

/// One run over all files.
struct Run<W: Write> {
    out: W,
    report: Box<dyn Report>,
    progress: Progress,
    judged: usize,
    invalid: usize,
    /// Types of resources that were seen.
    types: BTreeSet<String>,
}

impl<W: Write> Run<W> {
    fn file(&mut self, path: &Path, judge: &Judge) -> Result<(), Failure> {
        let input: Box<dyn BufRead> = if path.as_os_str() == "-" {
            Box::new(BufReader::with_capacity(1 << 16, std::io::stdin().lock()))
        } else {
            Box::new(BufReader::with_capacity(1 << 16, std::fs::File::open(path).map_err(|e| Failure::file(path, &e))?))
        };
        let name = path.display().to_string();
        let lines = [".ndjson", ".jsonl"].iter().any(|ending| name.ends_with(ending));
        let mut pieces = Pieces::new(input, lines).peekable();
        let mut index = 0;
        while pieces.peek().is_some() {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while let Some(piece) = pieces.next_if(|_| bytes < BATCH_BYTES) {
                let piece = piece.map_err(|e| Failure::file(path, &e))?;
                bytes += piece.bytes;
                batch.push(piece);
            }
            for verdict in judge.verdicts(&batch) {
                self.judged += 1;
                self.invalid += usize::from(!verdict.valid());
                if !self.types.contains(&verdict.resource_type) {
                    self.types.insert(verdict.resource_type.clone());
                }
                self.written(|report, out| report.resource(out, &Judged { file: &name, index, verdict: &verdict }))?;
                index += 1;
            }
            self.progress.advance(bytes, self.judged, self.invalid);
        }
        Ok(())
    }

    fn written(&mut self, write: impl FnOnce(&mut dyn Report, &mut dyn Write) -> std::io::Result<()>) -> Result<(), Failure> {
        write(&mut *self.report, &mut self.out).map_err(|e| Failure::file(Path::new("stdout"), &e))
    }
}

/// A bar on a terminal, for work that takes a while.
struct Progress {
    bar: Option<ProgressBar>,
    bytes: u64,
    done: u64,
    started: Instant,
}

impl Progress {
    fn new(paths: &[PathBuf]) -> Progress {
        let bytes = paths.iter().filter_map(|p| std::fs::metadata(p).ok()).map(|m| m.len()).sum();
        Progress { bar: None, bytes, done: 0, started: Instant::now() }
    }

    fn advance(&mut self, bytes: usize, judged: usize, invalid: usize) {
        self.done = self.done.saturating_add(bytes as u64);
        if self.bar.is_none() && self.started.elapsed() > QUIET && std::io::stderr().is_terminal() {
            let bar = if self.bytes > 0 { ProgressBar::new(self.bytes) } else { ProgressBar::new_spinner() };
            let template = if self.bytes > 0 { "{bar:30} {bytes}/{total_bytes} {eta} {msg}" } else { "{spinner} {bytes} {msg}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done.min(self.bytes.max(self.done)));
            bar.set_message(format!("{judged} {}, {invalid} {}", t("份", "judged"), t("份无效", "invalid")));
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn level(text: &str) -> Result<Level, String> {
    match text {
        "error" => Ok(Level::Error),
        "warning" => Ok(Level::Warning),
        "information" => Ok(Level::Information),
        "ignore" => Ok(Level::Ignore),
        _ => Err("error, warning, information, ignore".into()),
    }
}

fn identifier(text: &str) -> Result<(String, Level), String> {
    let kinds = || hutong_fhir::identifier::Kind::ALL.map(hutong_fhir::identifier::Kind::name).join(", ");
    let (kind, value) = text.split_once('=').ok_or("KIND=LEVEL")?;
    if kind != "default" && hutong_fhir::identifier::Kind::named(kind).is_none() {
        return Err(format!("default, {}", kinds()));
    }
    Ok((kind.to_owned(), level(value)?))
}
