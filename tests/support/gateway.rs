//! The gateway under test: the real binary as a process on free ports.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub struct Gateway {
    child: Child,
    pub mllp: SocketAddr,
    pub http: SocketAddr,
    pub data: PathBuf,
}

/// The binary beside this test's own, as `tests/run` builds it.
pub fn binary() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let path = exe.parent().and_then(Path::parent).unwrap().join("hutong");
    assert!(path.exists(), "{} is not built: run tests/run, or cargo build -p hutong-daemon --features failpoints", path.display());
    path
}

/// A `hutong` command with English texts.
pub fn hutong() -> Command {
    let mut command = Command::new(binary());
    command.args(["--lang", "en"]);
    command
}

impl Gateway {
    /// Starts on `data` with further arguments and environment.
    pub fn start_with(data: &Path, config: Option<&str>, env: &[(&str, &str)]) -> Gateway {
        let mut command = hutong();
        command.args(["serve", "--mllp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"]).arg(data);
        if let Some(text) = config {
            std::fs::create_dir_all(data).unwrap();
            let path = data.with_extension("toml");
            std::fs::write(&path, text).unwrap();
            command.arg("--config").arg(path);
        }
        command.envs(env.iter().copied());
        let log = std::fs::File::create(data.with_extension("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let log = std::fs::read_to_string(data.with_extension("log")).unwrap_or_default();
            panic!("no ready line but {line:?}; its log: {log}")
        });
        let address = |name: &str| ready[name].as_str().unwrap().parse().unwrap();
        Gateway { mllp: address("mllp"), http: address("http"), data: data.to_owned(), child }
    }

    pub fn start(data: &Path) -> Gateway {
        Gateway::start_with(data, None, &[])
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9` while others still talk to it; [`Gateway::wait`] follows.
    pub fn kill_now(&self) {
        let _ = Command::new("kill").args(["-9", &self.child.id().to_string()]).stderr(Stdio::null()).status();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to end by itself.
    pub fn wait(&mut self) {
        self.child.wait().unwrap();
    }

    pub fn health(&self) -> serde_json::Value {
        crate::http::get(self.http, "/health").json()
    }

    /// What the process has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
