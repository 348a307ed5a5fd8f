//! The listeners' handler: a frame goes down the pipeline, its answer is built, both are committed, and only then the
//! answer leaves. What can go wrong on the way ends in an entry of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hutong_commit::entry::{Conflict, Draft, EntryKind, EventDraft, Final};
use hutong_commit::error::StoreError;
use hutong_commit::store::{Committed, Store};
use hutong_decode::charset::Charset;
use hutong_fhir::{Finding, Severity};
use hutong_receive::ack::{self, AckRequest, Code, Outcome};
use hutong_receive::sources::{ControlIdReuse, OrderAnswer, Source};
use hutong_receive::{Answer, FrameFault, Handler, Header, Incoming, Pending, order_answer};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::community::{Shared, Tie, Underway, activity_events};
use crate::pipeline::{Origin, Pipeline, Processed};
use crate::question::{self, Asked, Circumstances, Decided, Questions};

/// How long an answer is held while nothing can be stored.
const HOLD: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(250);

pub(crate) struct Ingest(Arc<Inner>);

struct Inner {
    pipeline: Arc<Pipeline>,
    store: Arc<Store>,
    receipts: Receipts,
    community: Shared,
    underway: Underway,
    questions: Option<Arc<Questions>>,
    err_segments: usize,
    message_bytes: u64,
}

impl Ingest {
    /// Without `questions` orders are facts: nobody is asked about them.
    pub(crate) fn new(
        pipeline: Arc<Pipeline>,
        store: Arc<Store>,
        community: Shared,
        questions: Option<Arc<Questions>>,
        limits: &hutong_wire::limits::Limits,
    ) -> Ingest {
        let err_segments = usize::try_from(limits.hl7_err_segments).unwrap_or(20);
        let receipts = Receipts::new();
        Ingest(Arc::new(Inner {
            pipeline,
            store,
            receipts,
            community,
            underway: Underway::default(),
            questions,
            err_segments,
            message_bytes: limits.message_bytes,
        }))
    }
}

impl Inner {
    /// A frame's messages, in order, with what they ask.
    fn messages(&self, incoming: &Incoming, now_us: i64) -> Vec<(Processed, Option<Asked>)> {
        let mut messages = self.process(incoming, now_us);
        if let Some(first) = messages.first_mut() {
            first.findings.splice(0..0, incoming.findings.iter().cloned());
        }
        let read = |message: Processed| {
            // a fault of ours must not keep a message from being stored
            let asked = catch_unwind(AssertUnwindSafe(|| question::read(&incoming.source, &message))).unwrap_or(None);
            (message, asked)
        };
        messages.into_iter().map(read).collect()
    }

    /// The entry of a message that asks nothing.
    fn fact(&self, incoming: &Incoming, message: Processed, asked: Option<Asked>, now_us: i64, mark: u64) -> Draft {
        let events = self.identify(&message, &incoming.source.id, mark);
        let plain = |asked: Asked| Decided { orders: asked.plain(), patient: asked.patient, ..Decided::default() };
        let decided = asked.map(plain).unwrap_or_default();
        self.draft(incoming, message, events, &decided, self.receipts.next(now_us), now_us)
    }

    fn process(&self, incoming: &Incoming, now_us: i64) -> Vec<Processed> {
        let source = &incoming.source;
        if let Some(header) = Header::scan(&incoming.raw) {
            let (application, facility) = (header.text(3, 1), header.text(4, 1));
            // Who says nothing claims nothing: the connection has shown who it is.
            let claims = !application.is_empty() || !facility.is_empty();
            if let Some(mismatch) = source.identity_mismatch(&application, &facility).filter(|_| claims) {
                return vec![Processed::refused(&incoming.raw, mismatch)];
            }
        }
        let declared = incoming.declared_charset.as_deref().or(source.charset_default.as_deref());
        let origin = Origin {
            source: source.id.clone(),
            namespace: if source.namespace.is_empty() { source.id.clone() } else { source.namespace.clone() },
            sites: source.sites.clone(),
            charset: declared.and_then(Charset::from_name),
            zone_minutes: source.zone_offset_minutes,
            now_us: Some(now_us),
        };
        // One message's fault must not take its connection's other messages with it.
        let run = AssertUnwindSafe(|| self.pipeline.convert(&incoming.raw, &origin));
        catch_unwind(run).unwrap_or_else(|_| vec![Processed::refused(&incoming.raw, ack::internal_fault())])
    }

    /// Whose records its Patients are.
    fn identify(&self, message: &Processed, source: &str, mark: u64) -> Vec<EventDraft> {
        let patients = message.patients();
        if patients.is_empty() {
            return Vec::new();
        }
        // a message is stored also where a fault of ours leaves open whose it is: the next one of the patient decides again
        let run = AssertUnwindSafe(|| {
            let mut persons = self.community.read().persons(&patients);
            self.underway.settle(&self.community, &persons, mark);
            let community = self.community.read();
            let events = community.identify(&patients, &persons, Tie::of(&message.message_type), source);
            persons.retain(|(key, person)| community.known(key).as_ref() != Some(person));
            self.underway.expect(persons);
            events
        });
        catch_unwind(run).unwrap_or_else(|_| {
            tracing::error!(rule = "identify.fault", source, "whose record it is could not be decided");
            Vec::new()
        })
    }

    fn draft(
        &self,
        incoming: &Incoming,
        message: Processed,
        mut events: Vec<EventDraft>,
        decided: &Decided,
        receipt: String,
        now_us: i64,
    ) -> Draft {
        let source = &incoming.source;
        let held = message.outcome == Final::Held;
        let warnings = source.acknowledge_warnings || held;
        let (raw, read_as, err_segments) = (message.raw.as_slice(), message.charset, self.err_segments);
        let reply = Acknowledge { source, raw, read_as, receipt: &receipt, now_us, err_segments, warnings };
        let outcome = if held { Outcome::Accept } else { ack::outcome(&message.findings) };
        // What is wrong is ours to mend: the sender hears of it, and need do nothing.
        let lighter = |f: &Finding| Finding { severity: f.severity.min(Severity::Warning), ..f.clone() };
        let lightened: Vec<Finding> = if held { message.findings.iter().map(lighter).collect() } else { Vec::new() };
        let told = if held { &lightened } else { &message.findings };
        let is_told = question::is_order(&message.message_type) || !decided.orders.is_empty();
        let answer = if is_told { reply.orders(outcome, told, decided) } else { reply.answer(outcome, told) };
        events.extend(decided.events.iter().cloned());
        let mut resources = message.drafts();
        resources.extend(decided.resources.iter().cloned());
        if message.outcome == Final::Stored {
            let community = self.community.read();
            let nodes = message.nodes();
            events.extend(community.changes(&resources));
            events.extend(community.case_events(&nodes, source.institution()));
            events.extend(activity_events(&nodes, source.institution()));
        }
        Draft {
            kind: EntryKind::Message,
            received_us: now_us,
            source: source.id.clone(),
            protocol: incoming.protocol,
            content_hash: message.content_hash(&source.dedupe_ignore),
            outcome: message.outcome,
            answer,
            findings: message.findings_json(),
            resources,
            events,
            plan_hash: self.pipeline.plan_hash(),
            conflict: (source.on_control_id_reuse == ControlIdReuse::Conflict).then(|| conflict(source, &reply)),
            control_id: message.dedupe_id(),
            message_type: message.message_type,
            raw: message.raw,
            receipt,
        }
    }
}

/// The answer to a reused control id, built only when it comes to that.
fn conflict(source: &Arc<Source>, reply: &Acknowledge<'_>) -> Conflict {
    let (source, raw, receipt) = (Arc::clone(source), reply.raw.to_vec(), reply.receipt.to_owned());
    let (read_as, now_us, err_segments, warnings) = (reply.read_as, reply.now_us, reply.err_segments, reply.warnings);
    Arc::new(move || {
        Acknowledge { source: &source, raw: &raw, read_as, receipt: &receipt, now_us, err_segments, warnings }
            .answer(Outcome::Error, &[ack::control_id_reused()])
    })
}

/// The parts of an answer that do not depend on what it says.
struct Acknowledge<'a> {
    source: &'a Source,
    raw: &'a [u8],
    read_as: Option<Charset>,
    receipt: &'a str,
    now_us: i64,
    err_segments: usize,
    warnings: bool,
}

impl Acknowledge<'_> {
    /// The bytes of an acknowledgement; empty where the sender wants none.
    fn answer(&self, outcome: Outcome, findings: &[Finding]) -> Vec<u8> {
        let header = Header::scan(self.raw);
        let code = ack::plan(header.as_ref(), outcome).now;
        code.map(|code| self.build(header.as_ref(), code, findings)).unwrap_or_default()
    }

    /// The same for a message of orders, with an answer to each.
    fn orders(&self, outcome: Outcome, findings: &[Finding], decided: &Decided) -> Vec<u8> {
        let header = Header::scan(self.raw);
        let Some(code) = ack::plan(header.as_ref(), outcome).now else { return Vec::new() };
        // a warning of mutual recognition is told whatever else is; others where the source wants them
        let wanted = |f: &&Finding| self.warnings || f.severity == Severity::Error || f.rule.starts_with("recognition.");
        let findings: Vec<Finding> = findings.iter().filter(wanted).cloned().collect();
        let ack = AckRequest { warnings: true, ..self.request(header.as_ref(), code, &findings) };
        // CA says that it is stored: what else there is to say comes behind it
        let response = self.source.order_answer == OrderAnswer::Response && matches!(code, Code::Aa | Code::Ae | Code::Ar);
        order_answer::build(&order_answer::OrderAnswer { ack, response, patient: &decided.patient, orders: &decided.orders }).to_vec()
    }

    fn build(&self, header: Option<&Header<'_>>, code: Code, findings: &[Finding]) -> Vec<u8> {
        ack::build(&self.request(header, code, findings)).to_vec()
    }

    fn request<'b>(&'b self, header: Option<&'b Header<'b>>, code: Code, findings: &'b [Finding]) -> AckRequest<'b> {
        let default = self.source.charset_default.as_deref().and_then(Charset::from_name);
        AckRequest {
            header,
            code,
            findings,
            receipt: self.receipt,
            now_us: self.now_us,
            zone_offset_minutes: self.source.zone_offset_minutes,
            charset: header.map_or(Charset::Ascii, |h| h.answer_charset(self.raw, self.read_as, default)),
            language: self.source.language,
            warnings: self.warnings,
            err_segments: self.err_segments,
        }
    }
}

impl Handler for Ingest {
    fn accept(&self, incoming: Incoming) -> Pending {
        let inner = Arc::clone(&self.0);
        let (now_us, mark) = (now_us(), inner.underway.mark());
        let messages = inner.messages(&incoming, now_us);
        let asks = |asked: &Option<Asked>| asked.as_ref().is_some_and(Asked::is_question);
        if let Some(questions) = inner.questions.clone().filter(|_| messages.iter().any(|(_, asked)| asks(asked))) {
            let before = questions.flow.mark();
            return Box::pin(async move { inner.one_by_one(&questions, &incoming, messages, now_us, before).await });
        }
        let draft = |(message, asked)| inner.fact(&incoming, message, asked, now_us, mark);
        let waiting: Vec<Waiting> = messages.into_iter().map(draft).map(|draft| inner.submit(draft)).collect();
        Box::pin(async move {
            let mut all = Vec::new();
            for (nth, waiting) in waiting.into_iter().enumerate() {
                let again = || {
                    let (message, asked) = inner.messages(&incoming, now_us).into_iter().nth(nth)?;
                    Some(inner.fact(&incoming, message, asked, now_us, mark))
                };
                match inner.settled(waiting, &incoming, again).await {
                    Some(committed) => all.extend_from_slice(&committed.answer),
                    None => return inner.unavailable(&incoming, now_us),
                }
            }
            if all.is_empty() { Answer::Nothing } else { Answer::Send(Bytes::from(all)) }
        })
    }

    fn quarantine(&self, fault: FrameFault) {
        drop(self.0.submit(self.0.fault(&fault, Vec::new(), now_us())));
    }

    fn oversized(&self, fault: FrameFault) -> Pending {
        let (inner, now_us) = (&self.0, now_us());
        let receipt = inner.receipts.next(now_us);
        let answer = ack::answer_oversized(&fault.first_bytes, inner.message_bytes, &receipt, now_us, fault.source.zone_offset_minutes)
            .unwrap_or_default();
        let draft = Draft { receipt, ..inner.fault(&fault, answer.to_vec(), now_us) };
        let waiting = inner.submit(draft);
        Box::pin(async move {
            match waiting.await {
                Ok(Ok(_)) if !answer.is_empty() => Answer::SendAndClose(answer),
                _ => Answer::CloseSilently,
            }
        })
    }
}

impl Inner {
    /// The entry of bytes that never became a message.
    fn fault(&self, fault: &FrameFault, answer: Vec<u8>, now_us: i64) -> Draft {
        let finding = Finding::new(Severity::Error, "mllp.frame", "structure", 100).says(
            format!("连接上的字节不成一条消息（{}，共 {} 字节）", fault.rule, fault.length),
            format!("bytes on the connection that are no message ({}, {} bytes)", fault.rule, fault.length),
        );
        let finding = Finding { rule: fault.rule.into(), ..finding };
        Draft {
            kind: EntryKind::Message,
            receipt: self.receipts.next(now_us),
            received_us: now_us,
            source: fault.source.id.clone(),
            protocol: fault.protocol,
            control_id: String::new(),
            content_hash: Sha256::digest(&fault.first_bytes).into(),
            message_type: String::new(),
            outcome: Final::Rejected,
            answer,
            findings: crate::shown::findings_json(std::slice::from_ref(&finding)),
            raw: fault.first_bytes.to_vec(),
            resources: Vec::new(),
            events: Vec::new(),
            plan_hash: self.pipeline.plan_hash(),
            conflict: None,
        }
    }
}

type Waiting = oneshot::Receiver<Result<Committed, StoreError>>;

impl Inner {
    fn submit(&self, draft: Draft) -> Waiting {
        let (tell, told) = oneshot::channel();
        let flow = self.questions.as_ref().map(|questions| Arc::clone(&questions.flow));
        if let Some(flow) = &flow {
            flow.begin();
        }
        self.store.submit(draft, move |outcome| {
            if let Some(flow) = flow {
                flow.end();
            }
            // A listener that was cut meanwhile hears nothing; its sender will repeat and get the same answer.
            let _ = tell.send(outcome);
        });
        told
    }

    /// The messages of a frame of which some ask: each is decided and stored before the next is looked at.
    async fn one_by_one(
        self: &Arc<Self>,
        questions: &Arc<Questions>,
        incoming: &Incoming,
        messages: Vec<(Processed, Option<Asked>)>,
        now_us: i64,
        before: u64,
    ) -> Answer {
        let mut all = Vec::new();
        for (message, asked) in messages {
            let draft = match asked {
                Some(asked) if asked.is_question() => {
                    let Some(made) = self.question(questions, incoming, message, asked, now_us, before).await else {
                        return self.unavailable(incoming, now_us);
                    };
                    made
                }
                asked => self.fact(incoming, message, asked, now_us, self.underway.mark()),
            };
            let again = || Some(draft.clone());
            let Some(committed) = self.settled(self.submit(draft.clone()), incoming, again).await else {
                return self.unavailable(incoming, now_us);
            };
            all.extend_from_slice(&committed.answer);
        }
        if all.is_empty() { Answer::Nothing } else { Answer::Send(Bytes::from(all)) }
    }

    /// The entry of a message that asks; `None`: the process ends.
    async fn question(
        self: &Arc<Self>,
        questions: &Arc<Questions>,
        incoming: &Incoming,
        message: Processed,
        asked: Asked,
        now_us: i64,
        before: u64,
    ) -> Option<Draft> {
        let (inner, source) = (Arc::clone(self), Arc::clone(&incoming.source));
        // it may wait for a record on its way, which a question has time for and a connection's thread has not
        let identified = tokio::task::spawn_blocking(move || {
            let events = inner.identify(&message, &source.id, inner.underway.mark());
            (message, events)
        });
        let (mut message, events) = identified.await.ok()?;
        let receipt = self.receipts.next(now_us);
        let same = self.community.read().same(message.id_of("Patient").unwrap_or_default(), &events);
        let way = Circumstances { source: &incoming.source, receipt: &receipt, now_us, before, same };
        let decided = questions.decide(asked, &mut message, &way).await;
        let events = if message.outcome == Final::Stored { events } else { Vec::new() };
        Some(self.draft(incoming, message, events, &decided, receipt, now_us))
    }

    /// What became of a message. While the store cannot take it, it is made and submitted again for as long as an answer
    /// may be held: that is rare, and cheaper than a copy of every message.
    async fn settled(&self, waiting: Waiting, incoming: &Incoming, again: impl Fn() -> Option<Draft>) -> Option<Committed> {
        let started = tokio::time::Instant::now();
        let mut outcome = waiting.await.unwrap_or(Err(StoreError::Stopped));
        while matches!(outcome, Err(StoreError::Full | StoreError::Busy)) && started.elapsed() < HOLD {
            tokio::time::sleep(RETRY).await;
            outcome = self.submit(again()?).await.unwrap_or(Err(StoreError::Stopped));
        }
        outcome
            .inspect_err(|error| {
                tracing::error!(rule = "store.unavailable", %error, source = incoming.source.id, "a message could not be stored and was not acknowledged");
            })
            .ok()
    }

    /// By the source's policy; the default is silence, after which every sender repeats.
    fn unavailable(&self, incoming: &Incoming, now_us: i64) -> Answer {
        let source = &incoming.source;
        match ack::when_unavailable(source.on_store_unavailable) {
            None => Answer::CloseSilently,
            Some(code) => {
                let receipt = self.receipts.next(now_us);
                let answer = Acknowledge {
                    source,
                    raw: &incoming.raw,
                    read_as: None,
                    receipt: &receipt,
                    now_us,
                    err_segments: self.err_segments,
                    warnings: false,
                };
                Answer::Send(answer.build(Header::scan(&incoming.raw).as_ref(), code, &[ack::store_unavailable()]).into())
            }
        }
    }
}

pub(crate) fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// Receipt ids: time first, so that they sort, then a counter, then what tells two starts in one microsecond apart.
pub(crate) struct Receipts {
    start: u64,
    counter: AtomicU64,
}

impl Receipts {
    pub(crate) fn new() -> Receipts {
        use std::hash::{BuildHasher, Hasher};
        let start = std::collections::hash_map::RandomState::new().build_hasher().finish();
        Receipts { start, counter: AtomicU64::new(0) }
    }

    /// 18 characters of Crockford's base 32: short enough for MSH-10 of every version.
    pub(crate) fn next(&self, now_us: i64) -> String {
        let n = self.counter.fetch_add(1, Ordering::Relaxed);
        let low = self.start.wrapping_add(n) & 0x3ff_ffff_ffff;
        let value = u128::from(now_us.unsigned_abs() & 0xf_ffff_ffff_ffff) << 38 | u128::from(low & 0x3f_ffff_ffff);
        (0..18).rev().map(|i| char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[(value >> (i * 5) & 31) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_differ_sort_and_fit_msh_10() {
        let receipts = Receipts::new();
        let a: Vec<String> = (0..1000).map(|_| receipts.next(1_700_000_000_000_000)).collect();
        let distinct: std::collections::HashSet<&String> = a.iter().collect();
        assert_eq!(distinct.len(), 1000);
        assert!(a.iter().all(|r| r.len() == 18));
        assert!(receipts.next(1_700_000_000_001_000)[..10] > a[0][..10]);
    }
}
