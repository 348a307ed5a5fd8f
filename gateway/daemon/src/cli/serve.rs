//! `hutong serve`: the gateway. Its first line on stdout says, as JSON, where it listens; logs go to stderr.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Failure, Outcome};
use crate::config::{self, Config};
use crate::runtime::Running;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 配置文件；没有时用 ./data，只听本机 · configuration; without: ./data, loopback only
    #[arg(long)]
    config: Option<PathBuf>,
    /// 数据目录 · data directory
    #[arg(long)]
    data: Option<PathBuf>,
    /// MLLP 地址，端口 0 为任意空闲 · MLLP address, port 0 = any free one
    #[arg(long)]
    mllp: Option<SocketAddr>,
    /// HTTP 地址 · HTTP address
    #[arg(long)]
    http: Option<SocketAddr>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    log_to_stderr("info");
    let mut config = match &args.config {
        Some(path) => config::read(path)?,
        None => Config::default(),
    };
    if let Some(data) = &args.data {
        config.gateway.data.clone_from(data);
    }
    config.mllp.listen = args.mllp.unwrap_or(config.mllp.listen);
    config.http.listen = args.http.unwrap_or(config.http.listen);
    let running = Running::start(config)?;
    let ready = serde_json::json!({
        "ready": true, "mllp": running.mllp.to_string(), "http": running.http.to_string(), "pid": std::process::id(),
    });
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{ready}").and_then(|()| stdout.flush()).map_err(|e| Failure::file(std::path::Path::new("stdout"), &e))?;
    drop(stdout);
    running.wait();
    Ok(0)
}

/// JSON lines, control characters escaped; `RUST_LOG` chooses what.
pub(crate) fn log_to_stderr(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let _ = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
