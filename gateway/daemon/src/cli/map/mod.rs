//! `hutong map check|test|fmt|explain|coverage`: the mapping author's tools.

mod coverage;
mod gate;

use std::path::PathBuf;

use hutong_decode::v2::Grammar;
use hutong_fhir::definitions::Definitions;
use hutong_map::{Level, SourceFile, render};

use crate::cli::lang::t;
use crate::cli::output;
use crate::cli::{Failure, Outcome, files};
use crate::mappings::{self, Lines};
use crate::pipeline::{Origin, Pipeline};
use crate::schema::Schema;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// 校验全部映射 · judge all mappings
    Check {
        /// 映射目录；没有时为 ./mappings，再没有则为内置 · directory; ./mappings, else those built in
        dir: Option<PathBuf>,
    },
    /// 运行用例文件 · run the cases beside the mappings
    Test {
        /// 用例文件或目录，默认 ./mappings · cases or directories
        paths: Vec<PathBuf>,
        /// 以实际结果改写用例 · rewrite the cases with what came out
        #[arg(long)]
        update: bool,
        #[arg(long)]
        mappings: Option<PathBuf>,
    },
    /// HL7 v2-to-FHIR 指南逐行对照 · the rows of HL7's guide, each with our line or the reason
    Coverage {
        /// 指南 CSV 目录 · the guide's CSV files
        guide: PathBuf,
        #[arg(long, default_value = "mappings/v2")]
        mappings: PathBuf,
        #[arg(long, default_value = "conformance/v2-to-fhir-reasons.tsv")]
        reasons: PathBuf,
    },
    /// 统一排版 · lay files out
    Fmt {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// 只检查，不改写 · only say whether anything would change
        #[arg(long)]
        check: bool,
    },
    /// 每个元素由哪一行、哪些字节写出 · the line and bytes that wrote each element
    Explain {
        message: PathBuf,
        /// 例如 Observation.valueQuantity · only below this path
        path: Option<String>,
        #[arg(long = "site")]
        sites: Vec<String>,
        #[arg(long)]
        mappings: Option<PathBuf>,
    },
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::Check { dir } => check(dir.clone()),
        Action::Test { paths, update, mappings } => test(paths, *update, mappings.clone()),
        Action::Coverage { guide, mappings, reasons } => {
            for path in [guide, mappings, reasons] {
                std::fs::metadata(path).map_err(|e| Failure::file(path, &e))?;
            }
            Ok(u8::from(!coverage::run(mappings, guide, reasons)))
        }
        Action::Fmt { files, check } => fmt(files, *check),
        Action::Explain { message, path, sites, mappings } => explain(message, path.as_deref(), sites, mappings.as_deref()),
    }
}

/// The directory meant: the one given, else `./mappings` where it exists, else what is built in.
fn directory(given: Option<PathBuf>) -> Option<PathBuf> {
    given.or_else(|| Some(PathBuf::from("mappings")).filter(|d| d.is_dir()))
}

fn check(dir: Option<PathBuf>) -> Outcome {
    let dir = directory(dir);
    let from = std::time::Instant::now();
    let loaded = mappings::load(dir.as_deref(), Definitions::r4(), Grammar::get())?;
    for warning in loaded.warnings() {
        eprintln!("{}", render(warning, loaded.files(), mappings::diagnostics_lang()));
    }
    if loaded.files().is_empty() {
        return Err(Failure::usage("没有找到映射文件（.hmap）", "there are no mapping files (.hmap)"));
    }
    let doubtful = loaded.warnings().iter().filter(|w| w.level == Level::Warning).count();
    println!(
        "{} {}, {doubtful} {}, {:.0} ms",
        loaded.files().len(),
        t("个文件可用", "files can be used"),
        t("处存疑", "doubts"),
        from.elapsed().as_secs_f64() * 1000.0
    );
    Ok(0)
}

fn test(paths: &[PathBuf], update: bool, dir: Option<PathBuf>) -> Outcome {
    let dir = directory(dir);
    let mappings = mappings::load(dir.as_deref(), Definitions::r4(), Grammar::get())?;
    let default = [PathBuf::from("mappings")];
    let paths = files::expand(if paths.is_empty() { &default } else { paths })?;
    let schema = Schema::published("case").map_err(|why| Failure::usage(why.clone(), why))?;
    let (mut held, mut failed) = (0usize, 0usize);
    for path in paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == "case")) {
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::file(&path, &e))?;
        let case = hutong_map::case::read(&text)
            .map_err(|(zh, en)| Failure::judged(format!("{}：{zh}", path.display()), format!("{}: {en}", path.display())))?;
        let mut outcome = case.run(&mappings);
        if !update {
            outcome.differences.extend(gate::faults(&schema, &case));
        }
        if outcome.differences.is_empty() {
            held += 1;
            continue;
        }
        if update {
            std::fs::write(&path, &outcome.updated).map_err(|e| Failure::file(&path, &e))?;
            println!("{} {}", t("已改写", "rewritten"), path.display());
            continue;
        }
        failed += 1;
        println!("{} {}", output::paint("✗", "1;31", output::colour(false)), path.display());
        outcome.differences.iter().for_each(|d| println!("    {d}"));
    }
    println!("{held} passed, {failed} failed");
    Ok(u8::from(failed > 0 || held == 0 && !update))
}

fn fmt(paths: &[PathBuf], check: bool) -> Outcome {
    let mut changed = 0;
    for path in files::expand(paths)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "hmap")) {
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::file(&path, &e))?;
        let formatted = hutong_map::format(&text).map_err(|diagnostics| {
            let file = [SourceFile { path: path.display().to_string(), text: text.clone() }];
            let list = |lang| diagnostics.iter().map(|d| render(d, &file, lang)).collect::<String>();
            Failure::judged(list(hutong_map::Lang::Zh), list(hutong_map::Lang::En))
        })?;
        if formatted != text {
            changed += 1;
            println!("{}", path.display());
            if !check {
                std::fs::write(&path, formatted).map_err(|e| Failure::file(&path, &e))?;
            }
        }
    }
    Ok(u8::from(check && changed > 0))
}

fn explain(message: &std::path::Path, path: Option<&str>, sites: &[String], mappings: Option<&std::path::Path>) -> Outcome {
    let pipeline = Pipeline::load(mappings)?;
    let mut origin = Origin::local();
    origin.sites = sites.to_vec();
    let input = files::read(message)?;
    let plan = pipeline.mappings.for_sites(sites).map_err(|found| {
        let list = |lang| found.iter().map(|d| render(d, pipeline.mappings.files(), lang)).collect::<String>();
        Failure::judged(list(hutong_map::Lang::Zh), list(hutong_map::Lang::En))
    })?;
    let lines = Lines { plan: &plan, files: pipeline.mappings.files() };
    let colour = output::colour(false);
    for processed in pipeline.convert(files::unframed(&input.bytes), &origin) {
        for line in processed.explain(&lines, path) {
            match line.split_once("  ← ") {
                Some((what, place)) => println!("{what}\n    {}", output::paint(place, "36", colour)),
                None => println!("{line}"),
            }
        }
        for unread in &processed.unread {
            println!("{} {unread}", output::paint(t("未读", "unread"), "33", colour));
        }
    }
    Ok(0)
}
