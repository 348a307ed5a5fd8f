//! `hutong check`: judges a configuration and everything it points to, without starting anything.

use std::path::PathBuf;
use std::sync::Arc;

use hutong_receive::sources::Sources;

use super::Outcome;
use super::lang::t;
use super::output;
use crate::library::Library;
use crate::recognition::Tables;

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
    let library = Arc::new(Library::load(&config)?);
    Sources::new(config.source).map_err(|faults| crate::runtime::wrong_sources(&faults))?;
    Tables::shipped(&config.recognition.rules).map_err(|name| crate::runtime::unknown_rules(&name))?;
    crate::indicators::Indicators::load(config.indicators)?;
    crate::pipeline::Pipeline::with(config.gateway.mappings.as_deref(), Arc::clone(&library))?;
    let loaded = &library.in_force().loaded;
    if !loaded.names.is_empty() {
        let rows: Vec<Vec<String>> =
            loaded.names.iter().map(|(name, version, n)| vec![name.clone(), version.clone(), n.to_string()]).collect();
        println!("{}", output::table(&[t("已载入", "loaded"), t("版本", "version"), t("项数", "items")], &rows));
    }
    for warning in &loaded.warnings {
        println!("{}", super::findings::line(warning, output::colour(false)));
    }
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
