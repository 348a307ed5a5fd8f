//! The upper platform (医检互认平台): what was reminded of, viewed and decided is sent there as it asks, in order for each
//! patient, until it is taken. Off unless `[platform]` names an address.
//!
//! A thread of its own follows the `recognition` events; nothing waits for it. A record is sent at least once and always
//! under the same GUID. What a platform answers is an act in the journal, with the bytes sent and answered and an event of
//! kind `platform`: a restart begins where these say. A refusal holds the later records of its patient, is tried again at
//! growing distances, and is shown until it is taken or somebody gives it up.

mod form;
mod gather;
mod queue;
mod sender;
mod simulator;
mod values;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use hutong_commit::projection::Reader;
use hutong_wire::tls::{self, ClientFiles};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::act::Acts;
use crate::cli::Failure;
use crate::community::Shared;
use form::Form;
use queue::{Failed, Place, Queue};

pub(crate) use simulator::{Args as SimulatorArgs, run as simulate};

/// Kind of the events.
pub(crate) const PLATFORM: &str = "platform";

/// `[platform]` of the configuration.
#[derive(Deserialize, Clone)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Setting {
    /// `https://…`; empty: nothing is sent.
    pub(crate) url: String,
    pub(crate) client: String,
    pub(crate) institution: String,
    /// File with the key of the signatures.
    pub(crate) key: Option<PathBuf>,
    /// Authorities that the platform's certificate is trusted by.
    pub(crate) ca: Option<PathBuf>,
    /// A form of the site's instead of the shipped one.
    pub(crate) form: Option<PathBuf>,
    /// First distance of a new attempt; it doubles, up to six hours.
    pub(crate) retry_s: u32,
}

impl Default for Setting {
    fn default() -> Setting {
        let text = String::new();
        Setting { url: text.clone(), client: text.clone(), institution: text, key: None, ca: None, form: None, retry_s: 30 }
    }
}

/// What became of a record.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
enum Event {
    Sent {
        guid: String,
        place: Place,
        /// Everything before is done.
        before: Place,
    },
    Refused {
        guid: String,
        place: Place,
        code: String,
        message: String,
        attempts: u32,
        again_us: i64,
    },
    /// Somebody gave it up.
    Dropped {
        guid: String,
        place: Place,
        before: Place,
        by: String,
        reason: String,
    },
    /// No answer came any more; told once each time.
    Unreachable {
        since_us: i64,
    },
}

impl Queue {
    /// As an event of an earlier start says.
    fn follow(&mut self, event: Event) {
        match event {
            Event::Sent { place, before, .. } | Event::Dropped { place, before, .. } => self.was_done(place, before),
            Event::Refused { place, code, message, attempts, again_us, .. } => {
                self.had_failed(place, Failed { code, message, attempts, again_us });
            }
            Event::Unreachable { .. } => {}
        }
    }
}

/// What the thread and the operators share.
#[derive(Default)]
pub(crate) struct State {
    queue: Mutex<Queue>,
    stop: AtomicBool,
    sent: AtomicU64,
    /// Since when no answer comes, microseconds since 1970; 0 = answers come.
    unreachable_us: AtomicU64,
}

impl State {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records sent since the start; waiting; refused.
    pub(crate) fn counts(&self) -> (u64, usize, usize) {
        let queue = self.queue();
        (self.sent.load(Ordering::Relaxed), queue.len(), queue.failed().len())
    }

    pub(crate) fn shown(&self) -> Value {
        let queue = self.queue();
        let failed = |j: &&queue::Job| {
            let f = j.failed.as_ref();
            json!({ "guid": j.guid, "record": j.kind.name(), "seq": j.place.0, "code": f.map(|f| &f.code), "message": f.map(|f| &f.message),
                "attempts": f.map(|f| f.attempts), "againUs": f.map(|f| f.again_us) })
        };
        let since = self.unreachable_us.load(Ordering::Relaxed);
        json!({ "sent": self.sent.load(Ordering::Relaxed), "waiting": queue.len(), "before": queue.before(),
            "unreachableSinceUs": (since > 0).then_some(since), "failed": queue.failed().iter().map(failed).collect::<Vec<_>>() })
    }

    /// Tries a refused record at once; false: there is none.
    pub(crate) fn hurry(&self, guid: &str) -> bool {
        self.queue().hurry(guid).is_some()
    }

    /// The event by which a waiting record is given up; `None`: there is none.
    pub(crate) fn give_up(&self, guid: &str, by: &str, reason: &str) -> Option<(Value, impl FnOnce() + '_)> {
        let job = self.queue().find(guid).cloned()?;
        let before = self.queue().before();
        let event = Event::Dropped { guid: job.guid, place: job.place, before, by: by.to_owned(), reason: reason.to_owned() };
        Some((json!(event), move || self.queue().finish(job.place, &job.patient)))
    }
}

/// The thread; it ends when this is dropped.
pub(crate) struct Running {
    pub(crate) state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Release);
        if self.thread.take().is_some_and(|t| t.join().is_err()) {
            tracing::error!(rule = "platform.fault", "the thread that sends to the platform ended in a fault");
        }
    }
}

/// Begins to send; `None` where nothing is configured.
pub(crate) fn start(setting: &Setting, acts: Acts, reader: Reader, community: Shared) -> Result<Option<Running>, Failure> {
    if setting.url.is_empty() {
        return Ok(None);
    }
    let text = match &setting.form {
        Some(path) => std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?,
        None => form::SHIPPED.to_owned(),
    };
    let form = Form::read(&text).map_err(|faults| {
        let list = |pick: fn(&hutong_fhir::sheet::Fault) -> &String| -> String {
            faults.iter().map(|f| format!("\n  {}: {} {}", f.line, f.column, pick(f))).collect()
        };
        Failure::judged(
            format!("[platform] form 不能使用：{}", list(|f| &f.zh)),
            format!("[platform] form cannot be used:{}", list(|f| &f.en)),
        )
    })?;
    let key = match &setting.key {
        Some(path) => std::fs::read(path).map_err(|e| Failure::file(path, &e))?,
        None => Vec::new(),
    };
    let tls = match &setting.ca {
        None => None,
        Some(ca) => {
            let files = ClientFiles { ca: ca.clone(), certificate: None, key: None };
            Some(tls::client_config(&files).map_err(|fault| Failure::tls(&fault))?)
        }
    };
    let state = Arc::new(State::default());
    let sender = sender::Sender {
        gather: gather::Gather::new(reader, community),
        state: Arc::clone(&state),
        setting: setting.clone(),
        key: key.trim_ascii().to_vec(),
        form,
        tls,
        acts,
    };
    let thread = std::thread::Builder::new().name("platform".into()).spawn(move || sender.run());
    let thread = Some(thread.map_err(|e| Failure::usage(e.to_string(), e.to_string()))?);
    Ok(Some(Running { state, thread }))
}
