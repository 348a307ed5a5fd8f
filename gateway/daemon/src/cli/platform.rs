//! `hutong platform …`: what waits for the upper platform, and what is done about a record that it refused.

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
    /// 待上传的记录数，被拒的记录 · what waits, and what was refused
    Show {
        #[command(flatten)]
        gateway: Gateway,
    },
    /// 立即重试被拒的记录 · try a refused record again now
    Retry {
        #[command(flatten)]
        gateway: Gateway,
        /// 记录的 GUID · the record's GUID
        guid: String,
    },
    /// 放弃被拒的记录，其患者的后续记录继续上传 · give a refused record up, so that its patient's later ones go on
    Drop {
        #[command(flatten)]
        gateway: Gateway,
        /// 记录的 GUID · the record's GUID
        guid: String,
        /// 决定人 · who says so
        #[arg(long, env = "USER")]
        by: String,
        /// 依据 · why
        #[arg(long)]
        reason: String,
    },
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::Show { gateway } => {
            let said = gateway.call("platform", None)?;
            if args.format == Format::Table { print!("{}", shown(&said)) } else { println!("{said}") }
        }
        Action::Retry { gateway, guid } => println!("{}", gateway.call("platform", Some(&json!({ "guid": guid, "action": "retry" })))?),
        Action::Drop { gateway, guid, by, reason } => {
            let body = json!({ "guid": guid, "action": "drop", "by": by, "reason": reason });
            println!("{}", gateway.call("platform", Some(&body))?);
        }
    }
    Ok(0)
}

fn shown(said: &Value) -> String {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let silent = if said["unreachableSinceUs"].is_u64() { t("；平台无应答", "; the platform does not answer") } else { "" };
    let mut out = format!("{} {}, {} {}{silent}\n", t("已上传", "sent"), said["sent"], t("待上传", "waiting"), said["waiting"]);
    let failed = said["failed"].as_array().map_or(&[][..], Vec::as_slice);
    if let Some(members) = failed.first().and_then(Value::as_object) {
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        let rows: Vec<Vec<String>> = failed.iter().map(|f| names.iter().map(|n| text(&f[n])).collect()).collect();
        out += &output::table(&names, &rows);
    }
    out
}
