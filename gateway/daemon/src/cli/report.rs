//! `hutong report …`: figures for people and for programs, of a running gateway or of the data directory of a stopped one.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use hutong_serve::{AdminRefusal, Report, ReportAsk};
use serde_json::Value;

use super::admin::{Gateway, encoded};
use super::lang::{Lang, lang, t};
use super::{Failure, Outcome, output};
use crate::report::{self, Form, Made};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// 检查检验结果互认：提醒率、查阅率、互认率、重复检查率、节约费用 · mutual recognition of results
    Recognition(Recognition),
    /// 医共体指标：计数、计算、填报的数，缺什么、为什么 · indicators of the documents that apply
    Indicators(Indicators),
    /// 诊疗活动：就诊、住院、床日、下转、手术、处方的计数及其明细 · visits, stays, bed days, referrals: counters and what they are made of
    Activity(Activity),
    /// 季度通报：各机构、各中心对照目标和上期，方法与数据质量 · the quarterly report
    Quarterly(Quarterly),
}

/// Where a report is taken from and how it is written.
#[derive(clap::Args)]
pub(crate) struct From {
    /// 已停止网关的数据目录 · data directory of a stopped gateway
    #[arg(long, conflicts_with = "to")]
    data: Option<PathBuf>,
    /// 与 --data 同用：网关的配置（区划、目标、配置的数、来源名称）· with --data: the gateway's configuration
    #[arg(long, requires = "data")]
    config: Option<PathBuf>,
    #[command(flatten)]
    gateway: Gateway,
    #[arg(long, value_enum, default_value = "table")]
    format: Form,
    /// 写入文件 · write to a file
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Recognition {
    /// 2026、2026Q3、2026-11、2026-11-22、2026-11-01..2026-11-22
    #[arg(long)]
    period: String,
    /// whole、institution、department、doctor、item、reason、day、month、quarter
    #[arg(long, default_value = "whole")]
    by: String,
    /// 只看一家机构（代码）· of one institution only
    #[arg(long)]
    institution: Option<String>,
    /// 由日志逐条重算并比较，不符则退出码为 1 · count anew from the journal and compare; exit 1 where it differs
    #[arg(long, conflicts_with = "cases")]
    recount: bool,
    /// 指标的明细，直到消息回执；all 为全部 · what a figure is made of, down to the messages; all: of every figure
    #[arg(long, value_name = "FIGURE", num_args = 0..=1, default_missing_value = "all")]
    cases: Option<String>,
    /// 明细只看一行：其名称以 | 相连 · of one row: its names joined by |
    #[arg(long, requires = "cases")]
    row: Option<String>,
    #[command(flatten)]
    from: From,
}

#[derive(clap::Args)]
struct Indicators {
    /// 2026、2026Q3、2026-09
    #[arg(long)]
    period: String,
    /// 只看一家机构（代码）· of one institution only
    #[arg(long)]
    institution: Option<String>,
    /// 只看一个指标或一份文件（标识）· one indicator, or those of one document
    #[arg(long)]
    indicator: Option<String>,
    #[arg(long)]
    document: Option<String>,
    /// 由日志逐条重算并比较，不符则退出码为 1 · count anew from the journal and compare; exit 1 where it differs
    #[arg(long, conflicts_with = "cases")]
    recount: bool,
    /// 逐例列出，直到消息回执；可指定结果代码或 all · case by case, down to the messages: those that count, or of an outcome
    #[arg(long, value_name = "OUTCOME", num_args = 0..=1, default_missing_value = "counted")]
    cases: Option<String>,
    /// 逐例的统计口径：IMG5、ALL4 · scope of the cases
    #[arg(long, requires = "cases")]
    scope: Option<String>,
    /// 从哪一例之后 · after which case
    #[arg(long, requires = "cases")]
    after: Option<String>,
    #[command(flatten)]
    from: From,
}

#[derive(clap::Args)]
struct Activity {
    /// 2026、2026Q3、2026-09、2026-09-18
    #[arg(long)]
    period: String,
    /// 只看一家机构（代码）· of one institution only
    #[arg(long)]
    institution: Option<String>,
    /// 逐次列出这一计数由哪些消息得来（inputs.tsv 中的名称）· what this counter is made of, down to the messages
    #[arg(long)]
    counter: Option<String>,
    /// 从日志的哪一条之后 · after which entry of the journal
    #[arg(long, requires = "counter")]
    after: Option<u64>,
    #[command(flatten)]
    from: From,
}

#[derive(clap::Args)]
struct Quarterly {
    /// 2026Q3；也可为整月、整年 · or whole months or years
    #[arg(long)]
    period: String,
    /// 只看一家机构（代码）· of one institution only
    #[arg(long)]
    institution: Option<String>,
    #[command(flatten)]
    from: From,
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.what {
        What::Indicators(asked) => indicators(asked),
        What::Activity(asked) => {
            let mut query = vec![("period", asked.period.clone())];
            query.extend(asked.institution.iter().map(|i| ("institution", i.clone())));
            query.extend(asked.counter.iter().map(|c| ("counter", c.clone())));
            query.extend(asked.after.iter().map(|a| ("after", a.to_string())));
            asked.from.write(&asked.from.get("activity", &query)?)?;
            Ok(0)
        }
        What::Quarterly(asked) => {
            let mut query = vec![("period", asked.period.clone())];
            query.extend(asked.institution.iter().map(|i| ("institution", i.clone())));
            asked.from.write(&asked.from.get("quarterly", &query)?)?;
            Ok(0)
        }
        What::Recognition(asked) => recognition(asked),
    }
}

fn recognition(asked: &Recognition) -> Outcome {
    let mut query = vec![("period", asked.period.clone()), ("by", asked.by.clone())];
    query.extend(asked.institution.iter().map(|i| ("institution", i.clone())));
    query.extend(asked.cases.iter().map(|f| ("cases", f.clone())));
    query.extend(asked.row.iter().map(|r| ("row", r.clone())));
    if asked.recount {
        query.push(("recount", "true".to_owned()));
        let said: Value = serde_json::from_slice(&asked.from.get("recognition", &query)?).unwrap_or_default();
        return Ok(recounted(&said, asked.from.format));
    }
    asked.from.write(&asked.from.get("recognition", &query)?)?;
    Ok(0)
}

fn indicators(asked: &Indicators) -> Outcome {
    let mut query = vec![("period", asked.period.clone())];
    query.extend(asked.institution.iter().map(|i| ("institution", i.clone())));
    if let Some(outcome) = &asked.cases {
        query.push(("outcome", outcome.clone()));
        query.extend(asked.scope.iter().map(|s| ("scope", s.clone())));
        query.extend(asked.after.iter().map(|a| ("after", a.clone())));
        asked.from.write(&asked.from.get("cases", &query)?)?;
        return Ok(0);
    }
    query.extend(asked.indicator.iter().map(|i| ("indicator", i.clone())));
    query.extend(asked.document.iter().map(|d| ("document", d.clone())));
    if asked.recount {
        query.push(("recount", "true".to_owned()));
        let said: Value = serde_json::from_slice(&asked.from.get("indicators", &query)?).unwrap_or_default();
        return Ok(compared(&said, asked.from.format));
    }
    asked.from.write(&asked.from.get("indicators", &query)?)?;
    Ok(0)
}

impl From {
    /// The report as bytes in the form asked for.
    pub(crate) fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>, Failure> {
        let mut query: Vec<(String, String)> = query.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
        query.push(("format".to_owned(), self.format.name().to_owned()));
        if let Some(columns) = self.columns() {
            query.push(("columns".to_owned(), columns.to_string()));
        }
        query.push(("lang".to_owned(), if lang() == Lang::En { "en" } else { "zh" }.to_owned()));
        match &self.data {
            Some(dir) => Ok(in_directory(dir, self.config.as_deref(), path, &query)?.bytes),
            None => self.gateway.fetch(&format!("report/{path}?{}", encoded(&query))),
        }
    }

    /// Of the terminal that shows the report; into a file or another program each row is one line.
    fn columns(&self) -> Option<u16> {
        let out = std::io::stdout();
        let shown = self.format == Form::Table && self.out.is_none() && out.is_terminal();
        shown.then(|| rustix::termios::tcgetwinsize(&out).ok().map(|size| size.ws_col).filter(|c| *c > 0)).flatten()
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        if let Some(path) = &self.out {
            return std::fs::write(path, bytes).map_err(|e| Failure::file(path, &e));
        }
        let mut out = std::io::stdout().lock();
        if self.format.is_binary() && out.is_terminal() {
            return Err(Failure::usage("请用 --out 指定文件", "name a file with --out"));
        }
        match out.write_all(bytes).and_then(|()| out.flush()) {
            // who reads wanted no more
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|e| Failure::file(Path::new("stdout"), &e)),
        }
    }
}

/// The same without a running gateway.
fn in_directory(dir: &Path, config: Option<&Path>, path: &str, query: &[(String, String)]) -> Result<Report, Failure> {
    let config = config.map(crate::config::read).transpose()?.unwrap_or_default();
    let opened = crate::runtime::open(dir, &config)?;
    let indicators = crate::indicators::Indicators::load(config.indicators)?;
    let sources = hutong_receive::sources::Sources::new(config.source).ok();
    while !opened.store.wait_applied(opened.store.durable(), std::time::Duration::from_secs(1)) {}
    let made = Made { community: &opened.community, store: &opened.store, indicators: &indicators, sources: sources.as_ref() };
    report::answer(&made, &ReportAsk { path, query, only: None, accept: "" }).map_err(|refusal| match refusal {
        AdminRefusal::Wrong(findings) => {
            let list = |pick: fn(&hutong_fhir::Finding) -> &String| findings.iter().map(pick).cloned().collect::<Vec<_>>().join("\n  ");
            Failure::judged(list(|f| &f.zh), list(|f| &f.en))
        }
        AdminRefusal::NoSuchPath | AdminRefusal::Unavailable => {
            Failure::usage("报表无法生成，详见日志", "the report could not be made, the log says why")
        }
    })
}

/// The same of the ledger of cases: what differs, with both values.
fn compared(said: &Value, format: Form) -> u8 {
    let equal = said["equal"] == true;
    if format != Form::Table {
        println!("{said}");
        return u8::from(!equal);
    }
    let (position, rows, different) = (&said["journalPosition"], &said["rows"], &said["different"]);
    println!(
        "{}",
        match (lang(), equal) {
            (Lang::Zh, true) => format!("由日志重算至第 {position} 条：{rows} 项，与现有统计完全一致"),
            (Lang::En, true) => format!("counted anew from the journal up to entry {position}: {rows} figures, equal to the unit"),
            (Lang::Zh, false) => format!("由日志重算至第 {position} 条：有 {different} 项不一致"),
            (Lang::En, false) => format!("counted anew from the journal up to entry {position}: {different} differ"),
        }
    );
    let differences = said["differences"].as_array().into_iter().flatten();
    let row = |d: &Value| vec![d["what"].as_str().unwrap_or_default().to_owned(), d["live"].to_string(), d["recounted"].to_string()];
    let rows: Vec<Vec<String>> = differences.map(row).collect();
    if !rows.is_empty() {
        print!("{}", output::table(&[t("项目", "figure"), t("现有", "live"), t("重算", "recounted")], &rows));
    }
    u8::from(!equal)
}

/// Exit code 1 where the counts differ.
fn recounted(said: &Value, format: Form) -> u8 {
    let equal = said["equal"] == true;
    if format != Form::Table {
        println!("{said}");
        return u8::from(!equal);
    }
    let (position, rows, different) = (&said["journalPosition"], &said["rows"], &said["different"]);
    if equal {
        println!(
            "{}",
            match lang() {
                Lang::Zh => format!("由日志重算至第 {position} 条：{rows} 行，与现有统计完全一致"),
                Lang::En => format!("counted anew from the journal up to entry {position}: {rows} rows, equal to the unit"),
            }
        );
        return 0;
    }
    println!(
        "{}",
        match lang() {
            Lang::Zh => format!("由日志重算至第 {position} 条：有 {different} 处不一致"),
            Lang::En => format!("counted anew from the journal up to entry {position}: {different} differences"),
        }
    );
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let columns = ["day", "institution", "department", "doctor", "item", "reason", "counter", "published", "live", "recounted"];
    let row = |d: &Value| columns.iter().map(|c| text(&d[*c])).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = said["differences"].as_array().into_iter().flatten().map(row).collect();
    let header = [
        t("日期", "day"),
        t("机构", "institution"),
        t("科室", "department"),
        t("医师", "doctor"),
        t("项目", "item"),
        t("原因", "reason"),
        t("计数", "counter"),
        t("公布数", "published"),
        t("现有", "live"),
        t("重算", "recounted"),
    ];
    print!("{}", output::table(&header, &rows));
    1
}
