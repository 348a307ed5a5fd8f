//! Mutual recognition (检查检验结果互认) over HTTP: two FHIR operations, CDS Hooks, and a page for a HIS that can only open a
//! URL. All three ask the same [`Desk`], and what is asked, answered or looked at is journalled through a [`Ledger`] before
//! it is answered.
//!
//! Who may see what: an institution asks about patients that it registered itself; another institution's result is seen
//! through a reminder of such a question only, and a reminder is its own institution's. Everything else does not exist.

pub(crate) mod check;
mod draft;
mod hooks;
mod page;
pub(crate) mod reply;
mod result;
mod who;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, HeaderValue, ORIGIN,
    VARY,
};
use hutong_enforce::recognition::desk::{Acted, Ask, Degraded, Desk, OrderAsked, Reply, Told};
use hutong_enforce::recognition::record::{Asked, Context, Record};
use hutong_fhir::id::from_identity;
use hutong_fhir::{Finding, Tree};

use crate::access::Principal;
use crate::community::Community;
use crate::refusal::Refusal;
use crate::source::Source;

pub(crate) use hooks::HooksRoute;
pub(crate) use page::Looking;

/// Questions that are being answered at once; one more is answered as degraded.
const QUESTIONS_MAX: usize = 64;

/// What a question or a doctor's answer leaves behind: one entry of the journal.
pub struct Kept {
    /// `recognition/ask`, `recognition/answer`, `recognition/feedback`, `recognition/view`
    pub what: &'static str,
    /// Institution that asked, or `local`.
    pub source: String,
    /// `fhir`, `cds-hooks`, `page`
    pub protocol: &'static str,
    /// The exact bytes of the request.
    pub request: Vec<u8>,
    /// What is answered.
    pub answer: Vec<u8>,
    /// Task, Provenance, the order as revoked.
    pub resources: Vec<Tree>,
    /// Become events of kind `recognition`.
    pub records: Vec<Record>,
}

/// The entry could not be made durable; nothing may be answered as done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unkept;

/// The journal as this part needs it, and whose patients are whose.
pub trait Ledger: Send + Sync + 'static {
    /// Journals; when it returns the entry is durable, and, within a little time, to be seen.
    fn keep(&self, kept: Kept) -> Result<(), Unkept>;

    /// Whether the Patient with this id is one that the institution itself registered.
    fn registered(&self, patient: &str, institution: &str) -> bool;
}

/// What mutual recognition needs to be served.
pub struct Recognition {
    pub desk: Arc<dyn Desk>,
    pub ledger: Arc<dyn Ledger>,
    /// Origins of browser clients of CDS Hooks (`https://his.example.cn`); none: no browser of another origin may call.
    pub origins: Vec<String>,
    /// Origins whose pages may show ours in a frame; none: nobody may.
    pub frames: Vec<String>,
}

/// Who asks, as far as the answer depends on it.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// `None`: a program on this machine, which may ask for everybody.
    pub(crate) institution: Option<&'a str>,
}

impl<'a> Asker<'a> {
    pub(crate) fn of(principal: &'a Principal) -> Asker<'a> {
        match principal {
            Principal::Local => Asker { institution: None },
            Principal::Institution(id) => Asker { institution: Some(id) },
        }
    }

    pub(crate) fn name(self) -> &'a str {
        self.institution.unwrap_or("local")
    }
}

/// Everything a request of this part works with.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) office: &'a Office,
    pub(crate) source: &'a dyn Source,
    pub(crate) community: Option<&'a dyn Community>,
    pub(crate) asker: Asker<'a>,
    /// Address of the FHIR interface, up to and with `/fhir`.
    pub(crate) base: &'a str,
    pub(crate) limits: &'a hutong_wire::limits::Limits,
}

impl At<'_> {
    /// Address of the gateway, of which the FHIR interface is a part; without a closing slash.
    fn root(&self) -> &str {
        self.base.strip_suffix("/fhir").unwrap_or(self.base)
    }
}

/// A request as it is journalled.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    pub(crate) what: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) source: &'a str,
    pub(crate) request: &'a [u8],
}

/// Why a doctor's answer is not taken.
pub(crate) enum NotActed {
    /// No such reminder, or another institution's.
    Unknown,
    Wrong(Vec<Finding>),
    Unkept,
}

/// Asks in time, judges and journals answers one after the other.
pub(crate) struct Office {
    desk: Arc<dyn Desk>,
    ledger: Arc<dyn Ledger>,
    origins: Vec<String>,
    frames: Vec<String>,
    busy: Arc<AtomicUsize>,
    /// An answer is judged by what those before it left.
    turn: Mutex<()>,
}

impl Office {
    pub(crate) fn new(recognition: Recognition) -> Office {
        let Recognition { desk, ledger, origins, frames } = recognition;
        Office { desk, ledger, origins, frames, busy: Arc::default(), turn: Mutex::new(()) }
    }

    /// Lets a browser's page of a configured origin read the answer (CORS), and ask with a token.
    pub(crate) fn allow_browser(&self, asked: &HeaderMap, answered: &mut HeaderMap) {
        answered.append(VARY, HeaderValue::from_static("origin"));
        let Some(origin) = asked.get(ORIGIN).filter(|o| o.to_str().is_ok_and(|o| self.origins.iter().any(|known| known == o))) else {
            return;
        };
        answered.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answered.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
        answered.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
        answered.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }

    /// Asks; what is not answered within `within` is degraded, and the one who orders is not kept waiting.
    fn ask(&self, ask: &Ask, within: Duration) -> Told {
        let started = Instant::now();
        if self.busy.fetch_add(1, Ordering::Relaxed) >= QUESTIONS_MAX {
            self.busy.fetch_sub(1, Ordering::Relaxed);
            return degraded(ask, Degraded::Late, started);
        }
        let (tell, told) = mpsc::sync_channel(1);
        let (desk, busy, question) = (Arc::clone(&self.desk), Arc::clone(&self.busy), ask.clone());
        let run = move || {
            let free = Free(busy);
            // nobody waits for it any more where it came too late
            let _ = tell.try_send(desk.ask(&question));
            drop(free);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(run)),
            Err(_) => run(),
        }
        match told.recv_timeout(within) {
            Ok(told) => told,
            Err(mpsc::RecvTimeoutError::Timeout) => degraded(ask, Degraded::Late, started),
            Err(mpsc::RecvTimeoutError::Disconnected) => degraded(ask, Degraded::Unreadable, started),
        }
    }

    /// Journals a question and its answer.
    fn keep_question(&self, sent: Sent<'_>, told: &Told, answer: &[u8]) -> Result<(), Refusal> {
        self.keep(sent, answer, Vec::new(), told.records.clone()).map_err(|Unkept| Refusal::unavailable())
    }

    fn keep(&self, sent: Sent<'_>, answer: &[u8], resources: Vec<Tree>, records: Vec<Record>) -> Result<(), Unkept> {
        let Sent { what, protocol, source, request } = sent;
        let (request, answer) = (request.to_vec(), answer.to_vec());
        self.ledger.keep(Kept { what, source: source.to_owned(), protocol, request, answer, resources, records })
    }

    /// Judges a doctor's answer and journals it with what `say` makes of it.
    fn act(
        &self,
        asker: Asker<'_>,
        reply: &Reply,
        sent: Sent<'_>,
        say: impl FnOnce(&Acted) -> Vec<u8>,
    ) -> Result<(Acted, Vec<u8>), NotActed> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if !reply.reminder.is_empty() {
            self.reminded_to(asker, &reply.reminder)?;
        }
        let acted = self.desk.reply(reply).map_err(NotActed::Wrong)?;
        if reply.reminder.is_empty() {
            // found by order and result, which two institutions may call the same
            for reminder in acted.records.iter().filter_map(reminder_of) {
                self.reminded_to(asker, reminder)?;
            }
        }
        let answer = say(&acted);
        self.keep(sent, &answer, acted.resources.clone(), acted.records.clone()).map_err(|Unkept| NotActed::Unkept)?;
        Ok((acted, answer))
    }

    /// The question of a reminder, if it is one of the asker's.
    fn reminded_to(&self, asker: Asker<'_>, reminder: &str) -> Result<Context, NotActed> {
        let (_, context, _) = self.desk.reminded(reminder).ok_or(NotActed::Unknown)?;
        let own = asker.institution.is_none_or(|institution| institution == context.institution);
        if own { Ok(context) } else { Err(NotActed::Unknown) }
    }
}

/// Gives a place free, also where the answer ends in a fault.
struct Free(Arc<AtomicUsize>);

impl Drop for Free {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn reminder_of(record: &Record) -> Option<&str> {
    match record {
        Record::Viewed(r) => Some(&r.reminder),
        Record::Answered(r) => Some(&r.reminder),
        // a revocation names the answer, which the desk found for the institution that asks
        Record::Revoked(_) | Record::Asked(_) => None,
    }
}

/// What is told where nothing could be looked at; it is put on record all the same.
fn degraded(ask: &Ask, why: Degraded, started: Instant) -> Told {
    let ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    tracing::warn!(rule = "recognition.degraded", why = ?why, ms, "a question about earlier results was answered without looking");
    let stamp = format!("{} {}", ask.at_us, started.elapsed().as_nanos());
    let id = from_identity(&ask.source, "recognition-question", [stamp.as_str(), &ask.context.patient]);
    let asked = |id: String, order: &str| {
        let context = Context { order: order.to_owned(), ..ask.context.clone() };
        Record::Asked(Asked { id, at_us: ask.at_us, trigger: ask.trigger, context, items: Vec::new(), ms, degraded: true })
    };
    let of_order =
        |(n, order): (usize, &OrderAsked)| asked(from_identity(&id, "recognition-order", [n.to_string().as_str()]), &order.order);
    let mut records: Vec<Record> = ask.orders.iter().enumerate().map(of_order).collect();
    if records.is_empty() {
        records.push(asked(id.clone(), ""));
    }
    Told { id, items: Vec::new(), degraded: Some(why), position: 0, records }
}

/// Microseconds since 1970.
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
