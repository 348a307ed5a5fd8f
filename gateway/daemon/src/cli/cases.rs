//! `hutong cases …`: what a person decides of cases, against a running gateway.

use serde_json::{Value, json};

use super::Outcome;
use super::admin::Gateway;
use super::lang::t;
use super::output::{self, Format};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(clap::Subcommand)]
enum Action {
    /// 没有共同号码、可能是同一例的申请与报告 · order and report without a common number that may be one case
    Doubts {
        #[command(flatten)]
        gateway: Gateway,
        /// 最近多少天 · of the last days
        #[arg(long, default_value_t = 30)]
        days: u32,
    },
    /// 缺了另一半的申请、检查或报告，最早的在前 · parts without their other half, oldest first
    Orphans {
        #[command(flatten)]
        gateway: Gateway,
        /// 最近多少天 · of the last days
        #[arg(long, default_value_t = 30)]
        days: u32,
    },
    /// 两部分是同一例 · two parts are one case
    Join(Pair),
    /// 两部分不是同一例，不再列出 · two parts are not one case, and are not listed again
    Apart(Pair),
    /// 提前关闭已结束的期间 · close a period that has ended before it closes by itself
    Close {
        #[command(flatten)]
        gateway: Gateway,
        /// 2026-09、2026Q3、2026
        period: String,
        /// 决定人 · who says so
        #[arg(long, env = "USER")]
        by: String,
        /// 依据 · why
        #[arg(long)]
        reason: String,
    },
}

#[derive(clap::Args)]
struct Pair {
    #[command(flatten)]
    gateway: Gateway,
    /// 例号 · number of a case
    a: u32,
    b: u32,
    /// 决定人 · who says so
    #[arg(long, env = "USER")]
    by: String,
    /// 依据 · why
    #[arg(long)]
    reason: String,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let show = |said: Value, table: fn(&Value) -> String| {
        if args.format == Format::Table { print!("{}", table(&said)) } else { println!("{said}") }
    };
    let decide = |pair: &Pair, path: &str| {
        let body = json!({ "a": pair.a, "b": pair.b, "by": pair.by, "reason": pair.reason });
        pair.gateway.call(path, Some(&body)).map(|said| println!("{said}"))
    };
    match &args.action {
        Action::Doubts { gateway, days } => show(gateway.call(&format!("cases/doubts?days={days}"), None)?, doubts),
        Action::Orphans { gateway, days } => show(gateway.call(&format!("cases/orphans?days={days}"), None)?, orphans),
        Action::Join(pair) => decide(pair, "cases/join")?,
        Action::Apart(pair) => decide(pair, "cases/apart")?,
        Action::Close { gateway, period, by, reason } => {
            let body = json!({ "period": period, "by": by, "reason": reason });
            println!("{}", gateway.call("cases/close", Some(&body))?);
        }
    }
    Ok(0)
}

fn cell(v: &Value) -> String {
    match v {
        Value::Array(all) => all.iter().map(cell).collect::<Vec<_>>().join(" "),
        _ => v.as_str().map_or_else(|| v.to_string(), str::to_owned),
    }
}

fn rows(said: &Value, list: &str, columns: &[&str]) -> Vec<Vec<String>> {
    said[list].as_array().into_iter().flatten().map(|row| columns.iter().map(|c| cell(&row[*c])).collect()).collect()
}

fn doubts(said: &Value) -> String {
    let columns = ["confidence", "orderCase", "reportCase", "because", "orderReceipt", "reportReceipt", "task"];
    let header = [
        t("可能性", "confidence"),
        t("申请例号", "order case"),
        t("报告例号", "report case"),
        t("依据", "because"),
        t("申请回执", "order's receipt"),
        t("报告回执", "report's receipt"),
        t("任务", "task"),
    ];
    output::table(&header, &rows(said, "doubts", &columns))
}

fn orphans(said: &Value) -> String {
    let columns = ["ageHours", "case", "lack", "institution", "modality", "receipt"];
    let header = [
        t("小时", "hours"),
        t("例号", "case"),
        t("缺什么", "what there is"),
        t("检查机构", "institution"),
        t("类别", "modality"),
        t("回执", "receipt"),
    ];
    output::table(&header, &rows(said, "orphans", &columns))
}
