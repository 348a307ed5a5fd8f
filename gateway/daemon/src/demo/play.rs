//! Plays the script: one connection per institution, each step checked as it is done.

use std::collections::HashMap;

use indicatif::{ProgressBar, ProgressStyle};

use super::clients::{self, Mllp, code};
use super::county::{COUNTY, institution};
use super::messages::Message;
use super::script::{self, Deed, Step};
use crate::bench::load;
use crate::cli::Failure;
use crate::cli::lang::{Lang, lang, t};
use crate::runtime::Running;

/// A step that was done, and what came of it.
pub(crate) struct Done {
    pub(crate) step: String,
    pub(crate) what: String,
    pub(crate) who: String,
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) ok: bool,
}

struct County<'a> {
    running: &'a Running,
    connections: HashMap<&'static str, Mllp>,
    /// The answer to each control id, for the duplicate.
    answers: HashMap<String, Vec<u8>>,
}

pub(crate) fn play(running: &Running, show: bool) -> Result<Vec<Done>, Failure> {
    let lost = |error: std::io::Error| {
        Failure::judged(format!("与网关的连接中断：{error}"), format!("the connection to the gateway broke: {error}"))
    };
    let steps = script::script();
    let bar = if show { ProgressBar::new(steps.len() as u64) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let mut county = County { running, connections: HashMap::new(), answers: HashMap::new() };
    for i in &COUNTY {
        county.connections.insert(i.code, Mllp::connect(running.mllp).map_err(lost)?);
    }
    let mut done = Vec::new();
    for step in steps {
        let what = if lang() == Lang::Zh { step.zh } else { step.en };
        bar.set_message(what);
        done.push(county.act(&step, what).map_err(lost)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(done)
}

impl County<'_> {
    fn act(&mut self, step: &Step, what: &str) -> std::io::Result<Done> {
        let (who, expected, got) = match &step.deed {
            Deed::Send { from, messages, expect } => {
                let mut got = Vec::new();
                for message in messages {
                    got.push(self.send(from, message)?);
                }
                (name(from), vec![*expect; messages.len()].join(" "), got.join(" "))
            }
            Deed::Again { from, message } => {
                let first = self.answers.get(&message.control_id).cloned().unwrap_or_default();
                let again = self.connection(from)?.send(&message.bytes())?;
                let got = if again == first && !first.is_empty() { t("相同", "the same") } else { t("不同", "another") };
                (name(from), t("相同", "the same").to_owned(), got.to_owned())
            }
            Deed::Flood { messages } => {
                let (answered, seconds) = self.flood(*messages)?;
                let who = format!("{:.0} {}", answered as f64 / seconds, t("条/秒", "messages/s"));
                (who, format!("{messages} AA"), format!("{answered} AA"))
            }
            Deed::Ask { path, pointer, expect } => {
                let answer = clients::get(self.running.http, path)?;
                ("FHIR".to_owned(), expect.clone(), pick(&answer, pointer))
            }
        };
        // the institution is named in a column of its own
        let what = if step.id == "admission" { format!("{} ", t("登记", "registration")) } else { what.to_owned() };
        Ok(Done { step: step.id.to_owned(), what: what.trim().to_owned(), who, ok: expected == got, expected, got })
    }

    fn connection(&mut self, from: &str) -> std::io::Result<&mut Mllp> {
        self.connections.get_mut(from).ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }

    fn send(&mut self, from: &str, message: &Message) -> std::io::Result<String> {
        let answer = self.connection(from)?.send(&message.bytes())?;
        let result = code(&answer);
        self.answers.entry(message.control_id.clone()).or_insert(answer);
        Ok(result)
    }

    /// All institutions at once, 32 messages in flight each.
    fn flood(&mut self, messages: usize) -> std::io::Result<(usize, f64)> {
        let each = messages / COUNTY.len();
        let from = std::time::Instant::now();
        let mut connections: Vec<(usize, &mut Mllp)> =
            self.connections.iter_mut().map(|(code, c)| (COUNTY.iter().position(|i| i.code == *code).unwrap_or(0), c)).collect();
        let counts: Vec<std::io::Result<usize>> = std::thread::scope(|scope| {
            let threads: Vec<_> = connections.drain(..).map(|(i, c)| scope.spawn(move || load::pipelined(c, i, each, 32))).collect();
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

/// The value at a JSON pointer as text; `#` before it counts a list.
fn pick(answer: &serde_json::Value, pointer: &str) -> String {
    if let Some(list) = pointer.strip_prefix('#') {
        return answer.pointer(list).and_then(|v| v.as_array()).map_or(0, Vec::len).to_string();
    }
    match answer.pointer(pointer) {
        Some(serde_json::Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
        None => t("没有", "none").to_owned(),
    }
}
