//! Chromium, driven over its DevTools pipe: commands on file descriptor 3, answers on 4, each ended by a zero byte.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    id: u64,
    session: Value,
    /// Everything the browser said by itself since the last [`Browser::go`].
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

/// Says so where what the browser tests need is not installed: boxes for characters are no error to any other check.
fn check_installed() {
    for (command, package) in [("chromium", "chromium"), ("fc-match", "fontconfig")] {
        let found = Command::new("sh").args(["-c", &format!("command -v {command}")]).output().is_ok_and(|o| o.status.success());
        assert!(found, "{command} is not installed: run tests/run, or apt-get install {package}");
    }
    let font = Command::new("fc-match").arg(":lang=zh-cn").output().unwrap();
    let font = String::from_utf8_lossy(&font.stdout).into_owned();
    assert!(
        font.contains("CJK") || font.contains("WenQuanYi"),
        "no Chinese font ({font}): run tests/run, or apt-get install fonts-noto-cjk"
    );
}

impl Browser {
    pub fn open() -> Browser {
        check_installed();
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", r#"exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null"#, "sh"])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Browser { child, to, from, id: 0, session: Value::Null, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}))["targetId"].take();
        browser.session = browser.call("Target.attachToTarget", json!({"targetId": target, "flatten": true}))["sessionId"].take();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            browser.call(domain, json!({}));
        }
        let watch = "window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI))";
        browser.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": watch}));
        browser
    }

    pub fn size(&mut self, width: u32, height: u32) {
        let mobile = width < 500;
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}),
        );
    }

    /// `prefers-color-scheme`, and `screen` or `print`.
    pub fn media(&mut self, scheme: &str, media: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"media": media, "features": features}));
    }

    pub fn scripts(&mut self, run: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({"value": !run}));
    }

    /// Loads a page and waits until it is there.
    pub fn go(&mut self, url: &str) {
        self.events.clear();
        let answer = self.call("Page.navigate", json!({"url": url}));
        assert!(answer["errorText"].is_null(), "{url}: {}", answer["errorText"]);
        while !self.events.iter().any(|e| e["method"] == "Page.loadEventFired") {
            let event = self.read();
            self.events.push(event);
        }
    }

    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.ask(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.id += 1;
        let mut message = json!({"id": self.id, "method": method, "params": params});
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut answer = self.read();
            if answer["id"] != self.id {
                self.events.push(answer);
                continue;
            }
            return if answer["error"].is_null() { Ok(answer["result"].take()) } else { Err(answer["error"].take()) };
        }
    }

    fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        assert!(self.from.read_until(0, &mut bytes).unwrap() > 0, "chromium ended");
        serde_json::from_slice(&bytes[..bytes.len() - 1]).unwrap()
    }

    /// The value of an expression; waits for promises; a JavaScript error fails the test.
    pub fn eval(&mut self, js: &str) -> Value {
        let mut answer = self.call("Runtime.evaluate", json!({"expression": js, "awaitPromise": true, "returnByValue": true}));
        assert!(answer["exceptionDetails"].is_null(), "{js}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true, at most ten seconds. Asked again and again from here: a page that is just being
    /// left for the next answers nothing.
    pub fn until(&mut self, js: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        let expression = json!({"expression": format!("!!({js})"), "returnByValue": true});
        while !self.ask("Runtime.evaluate", expression.clone()).is_ok_and(|answer| answer["result"]["value"] == true) {
            assert!(Instant::now() < end, "waited 10 s for {js}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn key(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            _ => (0, ""),
        };
        let mut down =
            json!({"type": if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "key": key, "code": key, "windowsVirtualKeyCode": code});
        if !text.is_empty() {
            down["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", down);
        self.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}));
    }

    /// The whole page as a picture.
    pub fn picture(&mut self, path: &Path) {
        let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].take();
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
        let shot = self.call("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": true, "clip": clip}));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, base64(shot["data"].as_str().unwrap())).unwrap();
    }

    /// The page as a printer gets it: a PDF.
    pub fn paper(&mut self) -> Vec<u8> {
        let options = json!({"preferCSSPageSize": true, "printBackground": false});
        base64(self.call("Page.printToPDF", options)["data"].as_str().unwrap())
    }

    /// Errors of the console and violations of the policy of content since the page was loaded.
    pub fn faults(&mut self) -> Vec<String> {
        let violations = self.eval("window.violations");
        let mut faults: Vec<String> = violations.as_array().into_iter().flatten().map(|v| format!("CSP {v}")).collect();
        for event in &self.events {
            let entry = &event["params"]["entry"];
            if event["method"] == "Runtime.exceptionThrown" || entry["level"] == "error" {
                faults.push(format!("{} {} {}", event["params"]["exceptionDetails"], entry["text"], entry["url"]));
            }
        }
        faults
    }

    /// What axe-core (<https://github.com/dequelabs/axe-core>) finds of serious and critical faults.
    pub fn axe(&mut self) -> Vec<String> {
        let path = axe();
        let script = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("{} is not there: run tests/run, which fetches axe-core", path.display()));
        self.eval(&script);
        let found = self.eval(
            "axe.run().then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v => `${v.impact} ${v.id} ${v.nodes.slice(0, 3).map(n => n.target + ' ' + n.failureSummary)}`))",
        );
        found.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    }
}

/// Where `tests/run` keeps axe-core: outside the tree, because its licence (MPL-2.0) is not ours.
fn axe() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"));
    cache.join("hutong/axe/node_modules/axe-core/axe.min.js")
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn base64(text: &str) -> Vec<u8> {
    let value = |b: u8| match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = four.iter().fold(0_u32, |bits, b| bits << 6 | u32::from(value(*b))) << (6 * (4 - four.len()));
        out.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    out
}
