//! Plays the script: one connection per institution, each step checked as it is done.

use std::collections::HashMap;

use hutong_decode::charset::{self, Charset};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::clients::{self, Mllp, code};
use super::county::{COUNTY, institution};
use super::day::Day;
use super::messages::Message;
use super::registries;
use super::script::{Chapter, Deed, Step};
use crate::bench::load;
use crate::cli::Failure;
use crate::cli::lang::{Lang, lang, t};
use crate::runtime::Running;

/// After that long a read is judged as it is.
const SETTLED_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

/// A step that was done, and what came of it.
pub(crate) struct Done {
    pub(crate) step: &'static str,
    pub(crate) what: &'static str,
    pub(crate) who: String,
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) ok: bool,
}

/// The county's side of the play.
pub(super) struct County<'a> {
    running: &'a Running,
    day: &'a Day,
    connections: HashMap<&'static str, Mllp>,
    /// The answer to each control id, for the duplicate.
    answers: HashMap<String, Vec<u8>>,
    /// What steps kept of their answers.
    kept: HashMap<&'static str, String>,
}

pub(super) fn lost(error: std::io::Error) -> Failure {
    Failure::judged(format!("与网关的连接中断：{error}"), format!("the connection to the gateway broke: {error}"))
}

impl<'a> County<'a> {
    pub(super) fn connect(running: &'a Running, day: &'a Day) -> Result<County<'a>, Failure> {
        let mut connections = HashMap::new();
        for i in &COUNTY {
            connections.insert(i.code, Mllp::connect(running.mllp).map_err(lost)?);
        }
        Ok(County { running, day, connections, answers: HashMap::new(), kept: HashMap::new() })
    }

    /// Plays a chapter, with its progress where somebody looks.
    pub(super) fn play(&mut self, chapter: &Chapter, show: bool) -> Result<Vec<Done>, Failure> {
        let bar = if show { ProgressBar::new(chapter.steps.len() as u64) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        let mut done = Vec::new();
        for step in &chapter.steps {
            bar.set_message(if lang() == Lang::Zh { step.zh } else { step.en });
            done.push(self.act(step).map_err(lost)?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(done)
    }

    /// What a step kept.
    pub(super) fn kept(&self, name: &str) -> Option<&str> {
        self.kept.get(name).map(String::as_str)
    }

    fn act(&mut self, step: &Step) -> std::io::Result<Done> {
        let (who, expected, got) = match &step.deed {
            Deed::Import { tables } => self.import(tables)?,
            Deed::Send { from, messages, expect } => {
                let mut got = Vec::new();
                for message in messages {
                    got.push(code(&self.send(from, message)?));
                }
                (name(from), vec![*expect; messages.len()].join(" "), got.join(" "))
            }
            Deed::Again { from, message } => {
                let first = self.answers.get(&message.control_id).cloned().unwrap_or_default();
                let bytes = self.told(message).bytes();
                let again = self.connection(from)?.send(&bytes)?;
                let got = if again == first && !first.is_empty() { t("相同", "the same") } else { t("不同", "another") };
                (name(from), t("相同", "the same").to_owned(), got.to_owned())
            }
            Deed::Flood { messages } => {
                let (answered, seconds) = self.flood(*messages)?;
                let who = format!("{:.0} {}", answered as f64 / seconds, t("条/秒", "messages/s"));
                (who, format!("{messages} AA"), format!("{answered} AA"))
            }
            Deed::Say { from, message } => {
                let answer = self.send(from, message)?;
                // answered in the sender's own charset
                let text = String::from_utf8(answer)
                    .or_else(|e| charset::decode(e.as_bytes(), Some(Charset::Gb18030)).map(|d| d.text.into_owned()))
                    .unwrap_or_default();
                self.judge(name(from), step, |at| clients::field(&text, at))
            }
            Deed::Read { path } => {
                self.settle()?;
                let answer = clients::get(self.running.http, &self.tell(path))?;
                let who = if path.starts_with("/fhir") { "FHIR" } else { t("网关", "gateway") };
                self.judge(who.to_owned(), step, |at| pick(&answer, at))
            }
            Deed::Post { path, body } => {
                let (status, answer) = clients::post(self.running.http, path, &self.tell(body))?;
                let who = if path.starts_with("/fhir") {
                    "FHIR"
                } else if path.starts_with("/cds") {
                    "CDS Hooks"
                } else {
                    t("网关", "gateway")
                };
                self.judge(who.to_owned(), step, |at| if at == "status" { status.to_string() } else { pick(&answer, at) })
            }
        };
        let what = if lang() == Lang::Zh { step.zh } else { step.en };
        Ok(Done { step: step.id, what, who, ok: expected == got, expected, got })
    }

    /// Answered means durable; what is read here is to show all of it.
    fn settle(&self) -> std::io::Result<()> {
        let begun = std::time::Instant::now();
        loop {
            let health = clients::get(self.running.http, "/health")?;
            let at = |name: &str| health.get(name).and_then(Value::as_u64);
            if at("applied") >= at("durable") || begun.elapsed() > SETTLED_WITHIN {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Reads in an answer what the step says of it, and keeps what later steps need.
    fn judge(&mut self, who: String, step: &Step, at: impl Fn(&str) -> String) -> (String, String, String) {
        let expected: Vec<String> = step.checks.iter().map(|(_, expect)| self.tell(expect)).collect();
        let got: Vec<String> = step.checks.iter().map(|(place, expect)| begun(at(place), expect)).collect();
        for (place, name) in &step.keep {
            self.kept.insert(name, at(place));
        }
        (who, expected.join(" · "), got.join(" · "))
    }

    /// A text of the script on the demo's day, with what earlier steps kept.
    fn tell(&self, text: &str) -> String {
        let told = self.day.tell(text);
        self.kept.iter().fold(told, |told, (name, value)| told.replace(&format!("‹{name}›"), value))
    }

    fn told(&self, message: &Message) -> Message {
        message.told(|text| self.tell(text))
    }

    fn import(&self, tables: &[(&'static str, String)]) -> std::io::Result<(String, String, String)> {
        let (mut rows, mut added) = (0, 0);
        for (table, text) in tables {
            let text = self.tell(text);
            rows += registries::rows(&text);
            let body = serde_json::json!({ "table": table, "version": "demo", "by": "demo", "text": text }).to_string();
            let (status, said) = clients::post(self.running.http, "/admin/import", &body)?;
            if status != 200 {
                return Ok((table.to_string(), "200".to_owned(), format!("{status} {}", pick(&said, "/issue/0/details/text"))));
            }
            added += said.pointer("/diff/added").and_then(Value::as_array).map_or(0, Vec::len);
        }
        let of = |n: usize| format!("{n} {}", t("行", "rows"));
        Ok((format!("{} {}", tables.len(), t("张表", "tables")), of(rows), of(added)))
    }

    fn connection(&mut self, from: &str) -> std::io::Result<&mut Mllp> {
        self.connections.get_mut(from).ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }

    fn send(&mut self, from: &str, message: &Message) -> std::io::Result<Vec<u8>> {
        let bytes = self.told(message).bytes();
        let answer = self.connection(from)?.send(&bytes)?;
        self.answers.entry(message.control_id.clone()).or_insert_with(|| answer.clone());
        Ok(answer)
    }

    /// All institutions at once, 32 messages in flight each.
    fn flood(&mut self, messages: usize) -> std::io::Result<(usize, f64)> {
        let each = messages / COUNTY.len();
        let from = std::time::Instant::now();
        let (connections, day) = (&mut self.connections, self.day);
        let mut connections: Vec<(usize, &mut Mllp)> =
            connections.iter_mut().map(|(code, c)| (COUNTY.iter().position(|i| i.code == *code).unwrap_or(0), c)).collect();
        let counts: Vec<std::io::Result<usize>> = std::thread::scope(|scope| {
            let send = |i, c| load::pipelined(c, i, each, 32, |message: &Message| message.told(|text| day.tell(text)));
            let threads: Vec<_> = connections.drain(..).map(|(i, c)| scope.spawn(move || send(i, c))).collect();
            threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))).collect()
        });
        let mut answered = 0;
        for count in counts {
            answered += count?;
        }
        Ok((answered, from.elapsed().as_secs_f64()))
    }
}

fn name(code: &str) -> String {
    let i = institution(code);
    t(i.zh, i.en).to_owned()
}

/// Of what is expected only to begin as told (`…` at its end), no more than that.
fn begun(got: String, expect: &str) -> String {
    match expect.strip_suffix('…') {
        Some(start) if got.starts_with(start) => expect.to_owned(),
        _ => got,
    }
}

/// The value at a JSON pointer as text. `#` before it counts a list; of a list, `name=x` is the first member with that value and
/// `?name` the first that has it.
pub(super) fn pick(answer: &Value, pointer: &str) -> String {
    if let Some(list) = pointer.strip_prefix('#') {
        return at(answer, list).and_then(Value::as_array).map_or(0, Vec::len).to_string();
    }
    match at(answer, pointer) {
        Some(Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
        None => t("没有", "none").to_owned(),
    }
}

fn at<'v>(answer: &'v Value, pointer: &str) -> Option<&'v Value> {
    pointer.split('/').skip(1).try_fold(answer, |value, step| {
        let Some(list) = value.as_array() else { return value.get(step) };
        match (step.split_once('='), step.strip_prefix('?')) {
            (Some((name, wanted)), _) => list.iter().find(|v| v.get(name).and_then(Value::as_str) == Some(wanted)),
            (None, Some(name)) => list.iter().find(|v| v.get(name).is_some()),
            (None, None) => list.get(step.parse::<usize>().ok()?),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_finds_members_of_lists() {
        let answer = serde_json::json!({ "part": [{ "name": "a", "v": 1 }, { "name": "b", "v": [1, 2], "w": "x" }] });
        for (pointer, expected) in
            [("/part/0/v", "1"), ("/part/name=b/w", "x"), ("/part/?w/name", "b"), ("#/part/name=b/v", "2"), ("#/none", "0")]
        {
            assert_eq!(pick(&answer, pointer), expected, "{pointer}");
        }
        assert!(at(&answer, "/part/name=c/v").is_none() && at(&answer, "/part/9").is_none());
    }
}
