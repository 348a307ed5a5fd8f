//! The thread that sends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use hutong_commit::entry::EventDraft;
use hutong_commit::projection::ReadError;
use hutong_wire::http::client::{self, Reply};
use hutong_wire::limits::Limits;
use rustls::ClientConfig;
use serde_json::Value;

use super::form::Form;
use super::gather::Gather;
use super::queue::{Failed, Job};
use super::{Event, PLATFORM, Setting, State};
use crate::act::{Act, Acts};
use crate::hex::hex;
use crate::ingest::now_us;
use crate::recognition::{BLOCK, hmac};

/// How long the thread sleeps at most before it looks whether it is to end.
const STEP: Duration = Duration::from_millis(250);
/// Distances of new attempts.
const UNREACHABLE_MAX: Duration = Duration::from_secs(60);
const REFUSED_MAX_S: u64 = 6 * 3600;
/// How long an answer is waited on, and how much of it is read.
const ANSWER_MS: u64 = 10_000;
const ANSWER_BYTES: u64 = 64 << 10;
/// Characters of a platform's text that are kept.
const MESSAGE_MAX: usize = 200;

pub(super) struct Sender {
    pub(super) gather: Gather,
    pub(super) state: Arc<State>,
    pub(super) setting: Setting,
    pub(super) key: Vec<u8>,
    pub(super) form: Form,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) acts: Acts,
}

/// What came of an attempt.
enum Came {
    Taken {
        request: Vec<u8>,
        answer: Vec<u8>,
    },
    /// Code and text; the bytes answered, none where it was not sent at all.
    Refused {
        code: String,
        message: String,
        request: Vec<u8>,
        answer: Vec<u8>,
    },
    /// Nobody answers.
    Nothing,
}

impl Sender {
    pub(super) fn run(mut self) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            tracing::error!(rule = "platform.runtime", "sending to the platform could not begin");
            return;
        };
        while !self.stopped() {
            let recalled = self.gather.recall(&mut self.state.queue());
            match recalled {
                Ok(()) => break,
                Err(error) => self.unread(&error),
            }
        }
        // while nobody answers, what comes is read all the same: how much waits is to be seen
        let (mut pause, mut again) = (STEP, Instant::now());
        while !self.stopped() {
            let read = self.gather.read(&mut self.state.queue(), now_us());
            match read {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => self.unread(&error),
            }
            let job = self.state.queue().next(now_us()).cloned();
            let Some(job) = job.filter(|_| again <= Instant::now()) else {
                let store = self.acts.store();
                store.wait_applied(store.applied() + 1, STEP);
                continue;
            };
            match self.attempt(&runtime, &job) {
                Ok(true) => pause = STEP,
                Ok(false) => {
                    again = Instant::now() + pause;
                    pause = (pause * 2).min(UNREACHABLE_MAX);
                }
                Err(error) => self.unread(&error),
            }
        }
    }

    fn stopped(&self) -> bool {
        self.state.stop.load(Ordering::Acquire)
    }

    fn sleep(&self, long: Duration) {
        let begun = Instant::now();
        while !self.stopped() && begun.elapsed() < long {
            std::thread::sleep(STEP.min(long));
        }
    }

    /// The store cannot be read now; it says itself why.
    fn unread(&self, error: &ReadError) {
        tracing::warn!(rule = "platform.unread", ?error, "what is to be sent to the platform cannot be read now");
        self.sleep(STEP * 4);
    }

    /// False: nobody answers.
    fn attempt(&self, runtime: &tokio::runtime::Runtime, job: &Job) -> Result<bool, ReadError> {
        let came = match self.gather.values(job)? {
            None => refused("gateway.unknown", "提醒已不可查 / the reminder is not known any more", Vec::new(), Vec::new()),
            Some(values) => match self.form.body(job.kind, &values) {
                Err(missing) => {
                    let text = format!("缺少字段 / fields without a value: {}", missing.join(", "));
                    refused("gateway.missing", &text, Vec::new(), Vec::new())
                }
                Ok(body) => runtime.block_on(self.send(job, body.to_string().into_bytes())),
            },
        };
        match came {
            Came::Nothing => {
                let since = now_us();
                if self.state.unreachable_us.load(Ordering::Relaxed) == 0 {
                    self.state.unreachable_us.store(since.unsigned_abs(), Ordering::Relaxed);
                    tracing::warn!(rule = "platform.unreachable", "the upper platform does not answer; what is to be sent waits");
                    self.journal(Vec::new(), Vec::new(), &Event::Unreachable { since_us: since });
                }
                return Ok(false);
            }
            Came::Taken { request, answer } => {
                // journalled first: a crash in between sends it once more, under the same GUID
                let before = self.behind(job);
                if self.journal(request, answer, &Event::Sent { guid: job.guid.clone(), place: job.place, before }) {
                    self.state.queue().finish(job.place, &job.patient);
                    self.state.sent.fetch_add(1, Ordering::Relaxed);
                }
            }
            Came::Refused { code, message, request, answer } => {
                let attempts = job.failed.as_ref().map_or(0, |f| f.attempts).saturating_add(1);
                let wait_s = u64::from(self.setting.retry_s).saturating_mul(1 << (attempts - 1).min(16)).min(REFUSED_MAX_S);
                let again_us = now_us().saturating_add(i64::try_from(wait_s).unwrap_or(0).saturating_mul(1_000_000));
                let failed = Failed { code: code.clone(), message: message.clone(), attempts, again_us };
                let (guid, place) = (job.guid.clone(), job.place);
                tracing::warn!(rule = "platform.refused", code, attempts, seq = place.0, "the upper platform did not take a record");
                self.journal(request, answer, &Event::Refused { guid, place, code, message, attempts, again_us });
                self.state.queue().fail(job.place, &job.patient, failed);
            }
        }
        self.state.unreachable_us.store(0, Ordering::Relaxed);
        Ok(true)
    }

    /// Where everything before is done once this one is.
    fn behind(&self, job: &Job) -> super::queue::Place {
        let queue = self.state.queue();
        let before = queue.before();
        // the first that waits is itself: what follows it may wait as well, so its own place is what is safe
        if before == job.place { (before.0, before.1, before.2.saturating_add(1)) } else { before }
    }

    async fn send(&self, job: &Job, body: Vec<u8>) -> Came {
        let url = format!("{}{}", self.setting.url.trim_end_matches('/'), self.form.path(job.kind));
        let headers = self.headers(&body, now_us());
        let limits = Limits { answer_ms: ANSWER_MS, answer_bytes: ANSWER_BYTES, ..Limits::default() };
        let reply = client::request(Method::POST, &url, &headers, Bytes::from(body.clone()), self.tls.clone(), &limits).await;
        match reply {
            Ok(reply) => self.judged(body, &reply),
            Err(error) => {
                tracing::debug!(rule = "platform.no_answer", %error, "no answer of the upper platform");
                Came::Nothing
            }
        }
    }

    fn judged(&self, request: Vec<u8>, reply: &Reply) -> Came {
        // overloaded or broken: not about this record
        if reply.status.is_server_error() || reply.status.as_u16() == 429 {
            return Came::Nothing;
        }
        let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let answer = reply.body.to_vec();
        let text = |name: &str| said[name].as_str().unwrap_or_default().chars().take(MESSAGE_MAX).collect::<String>();
        let code = text(&self.form.code);
        if reply.status.is_success() && code == self.form.success {
            return Came::Taken { request, answer };
        }
        let code = if code.is_empty() { format!("HTTP {}", reply.status.as_u16()) } else { code };
        refused(&code, &text(&self.form.message), request, answer)
    }

    /// Client, institution, time and signature: HMAC-SHA-256 over the three and the body, with line feeds between, in hex.
    fn headers(&self, body: &[u8], now_us: i64) -> Vec<(HeaderName, HeaderValue)> {
        let time = now_us.div_euclid(1_000).to_string();
        let signature = sign(&self.key, &self.setting.client, &self.setting.institution, &time, body);
        let values = [&self.setting.client, &self.setting.institution, &time, &signature];
        let mut out = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))];
        for (name, value) in self.form.headers.iter().zip(values) {
            // what cannot stand in a header was refused when the configuration was read, or is left out
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
                out.push((name, value));
            }
        }
        out
    }

    fn journal(&self, request: Vec<u8>, answer: Vec<u8>, event: &Event) -> bool {
        let Ok(body) = serde_json::to_vec(event) else { return false };
        let act = Act {
            receipt: self.acts.receipt(),
            what: "platform/send",
            source: "platform",
            protocol: "http",
            request,
            answer,
            resources: Vec::new(),
            events: vec![EventDraft { kind: PLATFORM.to_owned(), body }],
        };
        let done = self.acts.record(act);
        if let Err(error) = &done {
            tracing::error!(rule = "store.unavailable", %error, "what the platform answered could not be stored; the record is sent again");
            self.sleep(STEP * 4);
        }
        done.is_ok()
    }
}

fn refused(code: &str, message: &str, request: Vec<u8>, answer: Vec<u8>) -> Came {
    Came::Refused { code: code.to_owned(), message: message.to_owned(), request, answer }
}

pub(super) fn sign(key: &[u8], client: &str, institution: &str, time: &str, body: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let mut block = [0; BLOCK];
    let hashed: [u8; 32];
    let key = if key.len() > BLOCK {
        hashed = Sha256::digest(key).into();
        &hashed[..]
    } else {
        key
    };
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut text = format!("{client}\n{institution}\n{time}\n").into_bytes();
    text.extend_from_slice(body);
    hex(&hmac(&block, &text))
}
