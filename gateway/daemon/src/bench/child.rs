//! The gateway under measurement: this same binary as a child process, so that its CPU time and memory are its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::cli::{Failure, lang::t};

pub(crate) struct Gateway {
    child: Child,
    pub(crate) mllp: SocketAddr,
    pub(crate) http: SocketAddr,
    /// Milliseconds from the start of the process to its ready line.
    pub(crate) ready_ms: f64,
}

/// CPU time of the gateway's threads so far, nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// All threads but those that work behind the answer.
    pub(crate) accept_ns: u64,
    pub(crate) projection_ns: u64,
    /// Preparing and sealing segments.
    pub(crate) behind_ns: u64,
}

impl Gateway {
    pub(crate) fn start(data: &Path, config: Option<&Path>) -> Result<Gateway, Failure> {
        let failed = |what: String| {
            Failure::usage(format!("基准用的网关没有启动：{what}"), format!("the gateway to be measured did not start: {what}"))
        };
        let binary = std::env::current_exe().map_err(|e| failed(e.to_string()))?;
        let from = std::time::Instant::now();
        let mut command = Command::new(binary);
        command.args(["serve", "--mllp", "127.0.0.1:0", "--http", "127.0.0.1:0"]).arg("--data").arg(data);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|e| failed(e.to_string()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let ready: serde_json::Value = serde_json::from_str(&line).map_err(|_| failed(t("没有就绪行", "no ready line").into()))?;
        let address = |name: &str| ready[name].as_str().and_then(|a| a.parse().ok()).ok_or_else(|| failed(name.into()));
        let (mllp, http) = (address("mllp")?, address("http")?);
        Ok(Gateway { child, mllp, http, ready_ms: from.elapsed().as_secs_f64() * 1000.0 })
    }

    pub(crate) fn cpu(&self) -> Cpu {
        let mut cpu = Cpu { accept_ns: 0, projection_ns: 0, behind_ns: 0 };
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{}/task", self.child.id())) else { return cpu };
        for task in tasks.flatten() {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let stat = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let ns: u64 = stat.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
            match name.trim() {
                "projection" => cpu.projection_ns += ns,
                // prepare and compress segments, at low priority
                "journal-sealer" | "journal-pool" => cpu.behind_ns += ns,
                _ => cpu.accept_ns += ns,
            }
        }
        cpu
    }

    /// Resident memory, MB.
    pub(crate) fn rss_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).map_or(f64::NAN, |kb| kb / 1024.0)
    }

    pub(crate) fn health(&self) -> serde_json::Value {
        crate::demo::clients::get(self.http, "/health").unwrap_or_default()
    }

    /// The figure of one metric line of `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let text = crate::demo::clients::get_text(self.http, "/metrics").ok()?;
        let line = text.lines().find(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Waits until the projection has applied what is durable.
    pub(crate) fn settle(&self) {
        for _ in 0..6000 {
            let health = self.health();
            if health["applied"] == health["journalled"] {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}
