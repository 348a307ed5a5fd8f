//! `hutong bench`: the project's own benchmarks on this machine. Each figure is the median of several rounds, with the
//! flush rate of the same run beside it; CPU time is the steady figure on a shared machine, messages a second is not.

mod accept;
mod child;
mod count;
mod disk;
mod figure;
mod http;
pub(crate) mod load;
mod parts;
mod recognition;
mod search;
mod validate;

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::output::Format;
use crate::cli::{Failure, Outcome};
use figure::Figure;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 只测名字以此开头的 · only figures whose name starts so
    #[arg(long)]
    only: Option<String>,
    /// 每项轮数 · rounds of each figure
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// 每轮秒数 · seconds a round
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// 投影与检索所用的资源数 · resources for projection and search
    #[arg(long, default_value_t = 1_000_000)]
    resources: u64,
    /// 计数所用的病例数 · cases of counting
    #[arg(long, default_value_t = 100_000)]
    cases: u64,
    /// FHIR 官方 JSON Schema（可为 .gz），并排测量 · HL7's JSON schema, measured side by side
    #[arg(long, env = "HUTONG_BENCH_SCHEMA")]
    schema: Option<PathBuf>,
    /// 临时数据目录 · scratch directory
    #[arg(long)]
    data: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What every benchmark needs to know.
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) resources: u64,
    pub(crate) cases: u64,
    pub(crate) dir: PathBuf,
    pub(crate) fsync_per_s: f64,
    pub(crate) schema: Option<PathBuf>,
    only: Option<String>,
    format: Format,
    figures: std::cell::RefCell<Vec<Figure>>,
}

impl Plan {
    /// Whether a figure of this family is wanted.
    pub(crate) fn wants(&self, family: &str) -> bool {
        self.only.as_deref().is_none_or(|only| family.starts_with(only) || only.starts_with(family))
    }

    pub(crate) fn add(&self, name: &'static str, unit: &'static str, aim: &'static str, rounds: Vec<f64>) {
        self.put(Figure { name, unit, rounds, aim, fsync_per_s: self.fsync_per_s, cases: None });
    }

    /// A figure that depends on how many cases there are.
    pub(crate) fn add_of_cases(&self, name: &'static str, unit: &'static str, aim: &'static str, rounds: Vec<f64>) {
        self.put(Figure { name, unit, rounds, aim, fsync_per_s: self.fsync_per_s, cases: Some(self.cases) });
    }

    fn put(&self, figure: Figure) {
        if self.format == Format::Ndjson {
            figure::print(std::slice::from_ref(&figure), Format::Ndjson);
        }
        self.figures.borrow_mut().push(figure);
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    if cfg!(debug_assertions) {
        return Err(Failure::usage(
            "基准只在 release 构建上有意义：cargo run --release -- bench",
            "a benchmark says nothing in a debug build: cargo run --release -- bench",
        ));
    }
    let dir = args.data.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("hutong-bench-{}", std::process::id())));
    std::fs::create_dir_all(&dir).map_err(|e| Failure::file(&dir, &e))?;
    let plan = Plan {
        rounds: args.rounds.max(1),
        time: Duration::from_secs_f64(args.seconds.clamp(0.1, 60.0)),
        resources: args.resources,
        cases: args.cases.max(1_000),
        fsync_per_s: disk::fsync_per_s(&dir).map_err(|e| Failure::file(&dir, &e))?,
        dir: dir.clone(),
        schema: args.schema.clone(),
        only: args.only.clone(),
        format: args.format,
        figures: std::cell::RefCell::default(),
    };
    let outcome = parts::run(&plan)
        .and_then(|()| validate::run(&plan))
        .and_then(|()| accept::run(&plan))
        .and_then(|()| search::run(&plan))
        .and_then(|()| recognition::run(&plan))
        .and_then(|()| count::run(&plan));
    let _ = std::fs::remove_dir_all(&dir);
    outcome?;
    if args.format != Format::Ndjson {
        figure::print(&plan.figures.borrow(), args.format);
    }
    Ok(0)
}

/// Nanoseconds of CPU that this thread has used.
pub(crate) fn thread_ns() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    t.tv_sec.cast_unsigned() * 1_000_000_000 + t.tv_nsec.cast_unsigned()
}
