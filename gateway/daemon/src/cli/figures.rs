//! `hutong figures …` and `hutong import figures`: figures that people report, and the second person's word on them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::admin::{Gateway, encoded, in_directory};
use super::lang::{Lang, lang, t};
use super::output::{self, Format};
use super::{Outcome, files};
use crate::hex::hex;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
    /// 已停止网关的数据目录 · data directory of a stopped gateway
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(clap::Subcommand)]
enum Action {
    /// 空白填报表（CSV）· an empty form
    Form {
        #[command(flatten)]
        gateway: Gateway,
        /// 2026、2026Q3、2026-09
        #[arg(long)]
        period: String,
    },
    /// 已填报的数及其状态 · what was reported, and what became of it
    List {
        #[command(flatten)]
        gateway: Gateway,
        /// submitted、approved、rejected、replaced
        #[arg(long)]
        state: Option<String>,
        /// 指标或数据项 · an indicator or an input
        #[arg(long)]
        item: Option<String>,
        #[arg(long)]
        period: Option<String>,
    },
    /// 第二人审核通过 · a second person approves
    Approve {
        #[command(flatten)]
        gateway: Gateway,
        /// 填报编号，见 list · ids of entries, as listed
        #[arg(required = true)]
        entries: Vec<String>,
        /// 审核人 · who approves
        #[arg(long)]
        by: String,
    },
    /// 第二人退回 · a second person rejects
    Reject {
        #[command(flatten)]
        gateway: Gateway,
        #[arg(required = true)]
        entries: Vec<String>,
        #[arg(long)]
        by: String,
        /// 原因 · why
        #[arg(long)]
        reason: String,
    },
}

pub(crate) fn run(args: &Args) -> Outcome {
    let ask = |gateway: &Gateway, path: &str, query: &[(&str, &Option<String>)], body: Option<Value>| match &args.data {
        Some(dir) => {
            let query: Vec<(String, String)> = query.iter().filter_map(|(n, v)| Some(((*n).to_owned(), v.as_ref()?.clone()))).collect();
            in_directory(dir, path, &query, body.as_ref())
        }
        None => {
            let query: Vec<(String, String)> = query.iter().filter_map(|(n, v)| Some(((*n).to_owned(), v.as_ref()?.clone()))).collect();
            let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", encoded(&query)) };
            gateway.call(&path, body.as_ref())
        }
    };
    match &args.action {
        Action::Form { gateway, period } => {
            let said = ask(gateway, "figures/form", &[("period", &Some(period.clone()))], None)?;
            // Excel reads UTF-8 only where a mark says so
            print!("\u{feff}{}", said["text"].as_str().unwrap_or_default());
        }
        Action::List { gateway, state, item, period } => {
            let said = ask(gateway, "figures", &[("state", state), ("item", item), ("period", period)], None)?;
            if args.format == Format::Table { print!("{}", listed(&said)) } else { println!("{said}") }
        }
        Action::Approve { gateway, entries, by } => {
            let said = ask(gateway, "figures/approve", &[], Some(json!({ "by": by, "entries": entries })))?;
            println!("{said}");
        }
        Action::Reject { gateway, entries, by, reason } => {
            let said = ask(gateway, "figures/reject", &[], Some(json!({ "by": by, "entries": entries, "reason": reason })))?;
            println!("{said}");
        }
    }
    Ok(0)
}

fn listed(said: &Value) -> String {
    let state = |s: &str| match s {
        "submitted" => t("待审核", "submitted"),
        "approved" => t("已审核", "approved"),
        "rejected" => t("已退回", "rejected"),
        _ => t("已被更正", "replaced"),
    };
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let row = |e: &Value| {
        let mut row: Vec<String> =
            ["entry", "item", "title", "period", "institution", "value", "unit"].iter().map(|n| text(&e[*n])).collect();
        row.push(state(e["state"].as_str().unwrap_or_default()).to_owned());
        row.extend(["version", "submitter", "ruledBy", "evidence"].iter().map(|n| text(&e[*n])));
        row
    };
    let rows: Vec<Vec<String>> = said["entries"].as_array().into_iter().flatten().map(row).collect();
    let header = [
        t("编号", "entry"),
        t("数据项", "item"),
        t("名称", "title"),
        t("统计期", "period"),
        t("机构", "institution"),
        t("数值", "value"),
        t("单位", "unit"),
        t("状态", "state"),
        t("版本", "version"),
        t("填报人", "submitter"),
        t("审核人", "ruled by"),
        t("依据", "evidence"),
    ];
    output::table(&header, &rows)
}

/// What is handed in.
pub(super) struct Submission<'a> {
    pub(super) text: String,
    pub(super) by: &'a str,
    pub(super) evidence: &'a [PathBuf],
    pub(super) dry_run: bool,
}

impl Submission<'_> {
    /// Hands it in; how many rows wait for a second person now.
    pub(super) fn send(self, gateway: &Gateway, data: Option<&Path>, format: Format) -> Outcome {
        let mut evidence = Vec::new();
        for path in self.evidence {
            let bytes = files::read(path)?.bytes;
            let sha256 = hex(&Sha256::digest(&bytes));
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            evidence.push(json!({ "name": name, "sha256": sha256 }));
        }
        let text = self.text.trim_start_matches('\u{feff}');
        let body = json!({ "by": self.by, "text": text, "evidence": evidence, "dryRun": self.dry_run });
        let said = match data {
            Some(dir) => in_directory(dir, "figures/submit", &[], Some(&body))?,
            None => gateway.call("figures/submit", Some(&body))?,
        };
        if format != Format::Table {
            println!("{said}");
            return Ok(0);
        }
        let rows = said["entries"].as_array().map_or(0, Vec::len);
        let entries: Vec<&str> = said["entries"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        println!(
            "{}",
            match (lang(), self.dry_run) {
                (Lang::Zh, true) => format!("{rows} 行符合要求（试运行，未写入）"),
                (Lang::En, true) => format!("{rows} rows are in order (dry run, nothing written)"),
                (Lang::Zh, false) => format!("已提交 {rows} 行，待第二人审核：hutong figures approve {} --by …", entries.join(" ")),
                (Lang::En, false) => format!("{rows} rows wait for a second person: hutong figures approve {} --by …", entries.join(" ")),
            }
        );
        Ok(0)
    }
}
