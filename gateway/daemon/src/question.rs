//! Questions of HL7 v2: an order, or a visit, for which mutual recognition is asked before it is answered; and the doctor's
//! answer to a reminder.
//!
//! A fact is answered when it is durable. A question first waits until everything that came before it can be found, then it
//! is decided; what was decided is journalled in the message's own entry, then answered. It waits [`PATIENCE`] at most: past
//! that, and where the decision fails, the order goes through without a reminder, which is put on record (*degraded*).

mod read;
mod say;
mod spoken;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hutong_commit::entry::{EventDraft, Final, ResourceDraft};
use hutong_commit::store::Store;
use hutong_decode::charset;
use hutong_decode::v2;
use hutong_enforce::recognition::desk::{Ask, Degraded, Desk, Told};
use hutong_enforce::recognition::record::{Asked as AskedRecord, Context, Record, Trigger};
use hutong_receive::order_answer::{OrderTold, PatientTold};
use hutong_receive::sources::Source;
use tokio::sync::Semaphore;

use crate::recognition;
use crate::shown::Processed;
pub(crate) use read::{Asked, is_order};

/// The longest that an order is held up for a reminder.
const PATIENCE: Duration = Duration::from_millis(500);
/// The longest that a doctor's answer waits for what came before it.
const TURN: Duration = Duration::from_secs(5);
/// Questions in work at once; further ones wait for their turn, within the same time.
const AT_ONCE: usize = 32;
const STEP: Duration = Duration::from_millis(1);

/// Messages on their way into the journal.
#[derive(Default)]
pub(crate) struct Flow {
    submitted: AtomicU64,
    settled: AtomicU64,
}

impl Flow {
    pub(crate) fn begin(&self) {
        self.submitted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.settled.fetch_add(1, Ordering::Release);
    }

    /// How many were begun.
    pub(crate) fn mark(&self) -> u64 {
        self.submitted.load(Ordering::Relaxed)
    }

    /// Whether those begun before `mark` have ended; they do so in order.
    fn has_passed(&self, mark: u64) -> bool {
        self.settled.load(Ordering::Acquire) >= mark
    }
}

/// Asks the desk on behalf of messages.
pub(crate) struct Questions {
    desk: Arc<dyn Desk>,
    store: Arc<Store>,
    /// Of links in answers, without a slash at the end.
    base: String,
    pub(crate) flow: Arc<Flow>,
    turns: Arc<Semaphore>,
}

/// What came of a question.
#[derive(Default)]
pub(crate) struct Decided {
    pub(crate) events: Vec<EventDraft>,
    /// Beside those of the message.
    pub(crate) resources: Vec<ResourceDraft>,
    pub(crate) orders: Vec<OrderTold>,
    pub(crate) patient: PatientTold,
}

/// What the way of a message says of its question.
pub(crate) struct Circumstances<'a> {
    pub(crate) source: &'a Source,
    pub(crate) receipt: &'a str,
    pub(crate) now_us: i64,
    /// [`Flow::mark`] when it came.
    pub(crate) before: u64,
    /// Further records of the same person by what the message itself brings about.
    pub(crate) same: Vec<String>,
}

/// What a message may ask; `None`: it is of a kind that asks nothing. Said from its type where that is enough, so that facts
/// lose no time.
pub(crate) fn read(source: &Source, message: &Processed) -> Option<Asked> {
    let visit = source.remind_at_visit && read::opens_visit(&message.message_type);
    if message.outcome != Final::Stored || !(visit || is_order(&message.message_type)) {
        return None;
    }
    let text = charset::decode(&message.raw, message.charset).ok()?;
    // of a batch of one message its envelope is kept
    let parts = v2::split_batch(&text.text);
    let part = parts.iter().find(|part| part.kind == v2::PartKind::Message)?;
    let mut parsed = v2::parse(part.text, &v2::Limits::default()).message;
    parsed.set_charset(text.charset);
    let trigger = if visit { Trigger::Visit } else { Trigger::Order };
    Some(Asked::of(&parsed, message, source, trigger))
}

impl Questions {
    pub(crate) fn new(desk: Arc<dyn Desk>, store: Arc<Store>, base: &str) -> Questions {
        Questions {
            desk,
            store,
            // what is configured ends in the FHIR interface; the page of a result is beside it
            base: base.trim_end_matches('/').trim_end_matches("/fhir").to_owned(),
            flow: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Decides on what a message asks. An answer of a doctor that is wrong makes the message rejected: none of it is done.
    pub(crate) async fn decide(self: &Arc<Self>, asked: Asked, message: &mut Processed, way: &Circumstances<'_>) -> Decided {
        let mut decided = Decided { patient: asked.patient.clone(), orders: asked.plain(), ..Decided::default() };
        if !asked.spoken.is_empty() {
            match self.answered(&asked, message, way, &mut decided).await {
                Ok(()) => message.unread.retain(|field| !field.starts_with("ZRA-")),
                Err(findings) => {
                    message.findings.extend(findings);
                    message.outcome = Final::Rejected;
                    return Decided::default();
                }
            }
        }
        if let Some(ask) = asked.ask(way) {
            let told = self.ask(ask, way).await;
            for record in &told.records {
                decided.events.push(recognition::draft(record));
            }
            let heard = catch_unwind(AssertUnwindSafe(|| say::heard(&told, &asked, &self.base)));
            let heard = heard.unwrap_or_else(|_| say::Heard::nothing(&asked));
            for (id, status) in heard.states {
                message.set_status(&id, status);
            }
            message.findings.extend(heard.findings);
            decided.orders = heard.orders;
        }
        decided
    }

    /// The desk's answer, or ours where there is none in time.
    async fn ask(self: &Arc<Self>, ask: Ask, way: &Circumstances<'_>) -> Told {
        let begun = Instant::now();
        let until = begun + PATIENCE;
        let ask = Arc::new(ask);
        let asked = tokio::time::timeout_at(until.into(), async {
            let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Degraded::Unreadable)?;
            let (questions, ask, before) = (Arc::clone(self), Arc::clone(&ask), way.before);
            let work = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                if !questions.wait(before, until) {
                    return Err(Degraded::Late);
                }
                // a fault of ours must not keep an order from being placed
                catch_unwind(AssertUnwindSafe(|| questions.desk.ask(&ask))).map_err(|_| Degraded::Unreadable)
            });
            work.await.unwrap_or(Err(Degraded::Unreadable))
        });
        asked.await.unwrap_or(Err(Degraded::Late)).unwrap_or_else(|why| {
            let source = &way.source.id;
            tracing::error!(rule = "recognition.degraded", ?why, source, "orders went through without being asked about");
            degraded(&ask, why, way, begun.elapsed())
        })
    }

    /// Until everything that came before can be found; false: not in time. Blocks.
    fn wait(&self, before: u64, until: Instant) -> bool {
        while !self.flow.has_passed(before) {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(STEP);
        }
        self.store.wait_applied(self.store.durable(), until.saturating_duration_since(Instant::now()))
    }
}

/// The answer where none could be had: nothing is known, and that is put on record.
fn degraded(ask: &Ask, why: Degraded, way: &Circumstances<'_>, took: Duration) -> Told {
    let id = |n: usize| hutong_fhir::id::from_identity(way.receipt, "recognition", ["asked", &n.to_string()]);
    let record = |(n, order): (usize, &str)| {
        Record::Asked(AskedRecord {
            id: id(n),
            at_us: ask.at_us,
            trigger: ask.trigger,
            context: Context { order: order.to_owned(), ..ask.context.clone() },
            items: Vec::new(),
            ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            degraded: true,
        })
    };
    let orders: Vec<&str> = if ask.orders.is_empty() { vec![""] } else { ask.orders.iter().map(|o| o.order.as_str()).collect() };
    let records = orders.into_iter().enumerate().map(record).collect();
    Told { id: id(0), items: Vec::new(), degraded: Some(why), position: 0, records }
}
