//! `hutong journal verify|show|export|rebuild DIR`: the log, with or without a running gateway beside it.

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;

use hutong_commit::entry::Entry;
use hutong_commit::store::{VerifyReport, verify_each};

use super::lang::t;
use super::output::{self, Format};
use super::{Failure, Outcome};
use crate::hex::hex;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// 离线验证：逐条重算哈希链 · offline: every entry read, hashed and chained
    Verify { dir: PathBuf },
    /// 查看消息 · look messages up
    Show {
        dir: PathBuf,
        /// 回执号 · receipt id
        #[arg(long)]
        receipt: Option<String>,
        /// 消息控制号 · control id (MSH-10)
        #[arg(long)]
        control_id: Option<String>,
        /// 序号 · number in the journal
        #[arg(long)]
        seq: Option<u64>,
        /// 最近几条 · the last few
        #[arg(long, default_value_t = 20)]
        last: usize,
        /// 连同原文与资源 · with raw text and resources
        #[arg(long)]
        full: bool,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// 导出为 NDJSON，供审计 · as NDJSON, for an auditor
    Export { dir: PathBuf },
    /// 丢弃查询库，由日志重建（网关须已停止）· drop the projection; it is computed anew at the next start
    Rebuild { dir: PathBuf },
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::Verify { dir } => verified(dir),
        Action::Show { dir, receipt, control_id, seq, last, full, format } => {
            let wanted = |e: &Entry| {
                receipt.as_deref().is_none_or(|r| e.receipt() == r)
                    && control_id.as_deref().is_none_or(|c| e.control_id().split('|').next() == Some(c))
                    && seq.is_none_or(|s| e.seq() == s)
            };
            let mut kept: VecDeque<serde_json::Value> = VecDeque::new();
            read(dir, &mut |e| {
                if wanted(e) {
                    if kept.len() == (*last).max(1) {
                        kept.pop_front();
                    }
                    kept.push_back(json(e, *full));
                }
            })?;
            show(&kept, *full, *format);
            Ok(u8::from(kept.is_empty()))
        }
        Action::Export { dir } => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            let mut failed = None;
            let report = read(dir, &mut |e| {
                if failed.is_none() {
                    failed = writeln!(out, "{}", json(e, true)).err();
                }
            })?;
            match failed.or_else(|| out.flush().err()) {
                Some(error) => Err(Failure::file(std::path::Path::new("stdout"), &error)),
                None => Ok(if report.ok() { 0 } else { 2 }),
            }
        }
        Action::Rebuild { dir } => rebuild(dir),
    }
}

fn read(dir: &std::path::Path, visit: &mut dyn FnMut(&Entry)) -> Result<VerifyReport, Failure> {
    verify_each(dir, visit).map_err(|e| {
        let place = dir.display();
        Failure::usage(format!("无法读取 {place} 的日志：{}", e.zh()), format!("cannot read the journal in {place}: {e}"))
    })
}

fn verified(dir: &std::path::Path) -> Outcome {
    let bar = indicatif::ProgressBar::new_spinner();
    let mut n = 0u64;
    let report = read(dir, &mut |_| {
        n += 1;
        if n.is_multiple_of(1000) {
            bar.set_message(format!("{n}"));
            bar.tick();
        }
    })?;
    bar.finish_and_clear();
    match &report.damage {
        None => {
            let link = hex(&report.link);
            println!(
                "{}",
                serde_json::json!({ "entries": report.entries, "first": report.first, "last": report.last, "ok": true, "link": link })
            );
            if let Some((file, offset, why)) = &report.torn {
                eprintln!(
                    "{} {file}:{offset} {why}",
                    t(
                        "尾部有一批未写完、也从未应答的内容，不是损坏：",
                        "a batch that was begun and never acknowledged stands at the end, which is no damage:"
                    )
                );
            }
            Ok(0)
        }
        Some(damage) => {
            println!(
                "{}",
                serde_json::json!({ "ok": false, "at": damage.seq, "why": damage.why, "file": damage.file, "offset": damage.offset, "entries": report.entries })
            );
            Ok(2)
        }
    }
}

fn json(e: &Entry, full: bool) -> serde_json::Value {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => hutong_decode::charset::decode(bytes, None).map_or_else(|_| format!("hex:{}", hex(bytes)), |t| t.text.into_owned()),
    };
    let resources: Vec<String> = e.resources().map(|r| format!("{}/{}", r.resource_type(), r.id())).collect();
    let mut line = serde_json::json!({
        "seq": e.seq(), "committedUs": e.committed_us(), "receivedUs": e.received_us(), "receipt": e.receipt(), "source": e.source(),
        "protocol": e.protocol(), "controlId": e.control_id().split('|').next(), "messageType": e.message_type(),
        "outcome": e.outcome().as_str(), "refers": e.refers(), "contentHash": hex(e.content_hash()), "mappings": hex(&e.plan_hash()[..8]),
        "resources": resources,
        "findings": serde_json::from_slice::<serde_json::Value>(e.findings()).unwrap_or_default(),
    });
    if full {
        line["raw"] = text(e.raw()).into();
        line["answer"] = text(e.answer()).into();
        line["bodies"] = e.resources().map(|r| serde_json::from_slice::<serde_json::Value>(r.body()).unwrap_or_default()).collect();
    }
    line
}

fn show(entries: &VecDeque<serde_json::Value>, full: bool, format: Format) {
    if format != Format::Table {
        entries.iter().for_each(|e| println!("{e}"));
        return;
    }
    if full {
        for e in entries {
            println!("{}", serde_json::to_string_pretty(e).unwrap_or_default().replace("\\r", "\n    "));
        }
        return;
    }
    let s = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|e| {
            let resources = e["resources"].as_array().map_or(0, Vec::len).to_string();
            let findings: Vec<String> =
                e["findings"].as_array().into_iter().flatten().map(|f| s(&f["code"])).filter(|c| c != "map.unread").collect();
            vec![
                s(&e["seq"]),
                s(&e["receipt"]),
                s(&e["source"]),
                s(&e["messageType"]),
                s(&e["controlId"]),
                s(&e["outcome"]),
                resources,
                findings.join(" "),
            ]
        })
        .collect();
    let header = [
        t("序号", "seq"),
        t("回执", "receipt"),
        t("来源", "source"),
        t("类型", "type"),
        t("控制号", "control id"),
        t("终态", "outcome"),
        t("资源", "resources"),
        t("问题", "findings"),
    ];
    print!("{}", output::table(&header, &rows));
}

fn rebuild(dir: &std::path::Path) -> Outcome {
    let config =
        crate::config::Config { gateway: crate::config::Gateway { data: dir.to_owned(), ..Default::default() }, ..Default::default() };
    let store = crate::runtime::open(dir, &config)?.store;
    store.rebuild();
    let last = store.durable();
    let bar = indicatif::ProgressBar::new(last);
    while !store.wait_applied(last, std::time::Duration::from_millis(200)) {
        bar.set_position(store.applied());
    }
    bar.finish_and_clear();
    println!("{} {last}", t("查询库已由日志重建，条目数：", "the projection was computed anew from the journal; entries:"));
    Ok(0)
}
