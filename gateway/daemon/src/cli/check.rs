//! `hutong check`: judges a configuration and everything it points to, without starting anything.

use std::path::PathBuf;

use super::lang::t;
use super::output;
use super::{Failure, Outcome};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value = "hutong.toml")]
    config: PathBuf,
    /// 列出所有限额及当前值 · list all limits with their values
    #[arg(long)]
    limits: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    if args.limits {
        let config = if args.config.exists() { crate::config::read(&args.config)? } else { crate::config::Config::default() };
        let rows: Vec<Vec<String>> =
            config.limits.list().into_iter().map(|(name, value)| vec![name.to_owned(), value.to_string()]).collect();
        print!("{}", output::table(&[t("限额", "limit"), t("值", "value")], &rows));
        return Ok(0);
    }
    let config = crate::config::read(&args.config)?;
    hutong_receive::sources::Sources::new(config.source).map_err(|faults| {
        let list = |pick: fn(&hutong_receive::sources::SourceFault) -> &String| -> String {
            faults.iter().map(|f| format!("\n  [[source]] {}: {}", f.source, pick(f))).collect()
        };
        Failure::judged(format!("来源登记有误：{}", list(|f| &f.zh)), format!("the registered sources are not right:{}", list(|f| &f.en)))
    })?;
    crate::pipeline::Pipeline::load(config.gateway.mappings.as_deref())?;
    for raised in config.limits.raised() {
        println!(
            "{} {} {} > {}",
            output::paint(t("提示", "note"), "36", output::colour(false)),
            raised.name,
            raised.configured,
            raised.default
        );
    }
    println!("{}", t("配置可用。", "The configuration can be used."));
    Ok(0)
}
