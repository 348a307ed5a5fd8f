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
use hutong_receive::sources::{ControlIdReuse, Source};
use hutong_receive::{Answer, FrameFault, Handler, Header, Incoming, Pending};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::community::{Shared, Tie, Underway};
use crate::pipeline::{Origin, Pipeline, Processed};

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
    err_segments: usize,
    message_bytes: u64,
}

impl Ingest {
    pub(crate) fn new(pipeline: Arc<Pipeline>, store: Arc<Store>, community: Shared, limits: &hutong_wire::limits::Limits) -> Ingest {
        let err_segments = usize::try_from(limits.hl7_err_segments).unwrap_or(20);
        let receipts = Receipts::new();
        Ingest(Arc::new(Inner {
            pipeline,
            store,
            receipts,
            community,
            underway: Underway::default(),
            err_segments,
            message_bytes: limits.message_bytes,
        }))
    }
}

impl Inner {
    /// The entries of a frame's messages, in order.
    fn drafts(&self, incoming: &Incoming, now_us: i64) -> Vec<Draft> {
        let mark = self.underway.mark();
        let mut messages = self.process(incoming, now_us);
        if let Some(first) = messages.first_mut() {
            first.findings.splice(0..0, incoming.findings.iter().cloned());
        }
        messages.into_iter().map(|message| self.draft(incoming, message, now_us, mark)).collect()
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

    fn draft(&self, incoming: &Incoming, message: Processed, now_us: i64, mark: u64) -> Draft {
        let source = &incoming.source;
        let receipt = self.receipts.next(now_us);
        let held = message.outcome == Final::Held;
        let warnings = source.acknowledge_warnings || held;
        let (raw, read_as, err_segments) = (message.raw.as_slice(), message.charset, self.err_segments);
        let reply = Acknowledge { source, raw, read_as, receipt: &receipt, now_us, err_segments, warnings };
        let answer = if held {
            // What is wrong is ours to mend: the sender hears of it, and need do nothing.
            let told: Vec<Finding> =
                message.findings.iter().cloned().map(|f| Finding { severity: f.severity.min(Severity::Warning), ..f }).collect();
            reply.answer(Outcome::Accept, &told)
        } else {
            reply.answer(ack::outcome(&message.findings), &message.findings)
        };
        Draft {
            kind: EntryKind::Message,
            received_us: now_us,
            source: source.id.clone(),
            protocol: incoming.protocol,
            content_hash: message.content_hash(&source.dedupe_ignore),
            outcome: message.outcome,
            answer,
            findings: message.findings_json(),
            resources: message.drafts(),
            events: self.identify(&message, &source.id, mark),
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

    fn build(&self, header: Option<&Header<'_>>, code: Code, findings: &[Finding]) -> Vec<u8> {
        let default = self.source.charset_default.as_deref().and_then(Charset::from_name);
        ack::build(&AckRequest {
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
        })
        .to_vec()
    }
}

impl Handler for Ingest {
    fn accept(&self, incoming: Incoming) -> Pending {
        let inner = Arc::clone(&self.0);
        let now_us = now_us();
        let waiting: Vec<Waiting> = inner.drafts(&incoming, now_us).into_iter().map(|draft| submit(&inner.store, draft)).collect();
        Box::pin(async move {
            let mut all = Vec::new();
            for (nth, waiting) in waiting.into_iter().enumerate() {
                match inner.settled(waiting, &incoming, nth, now_us).await {
                    Some(committed) => all.extend_from_slice(&committed.answer),
                    None => return inner.unavailable(&incoming, now_us),
                }
            }
            if all.is_empty() { Answer::Nothing } else { Answer::Send(Bytes::from(all)) }
        })
    }

    fn quarantine(&self, fault: FrameFault) {
        drop(submit(&self.0.store, self.0.fault(&fault, Vec::new(), now_us())));
    }

    fn oversized(&self, fault: FrameFault) -> Pending {
        let (inner, now_us) = (&self.0, now_us());
        let receipt = inner.receipts.next(now_us);
        let answer = ack::answer_oversized(&fault.first_bytes, inner.message_bytes, &receipt, now_us, fault.source.zone_offset_minutes)
            .unwrap_or_default();
        let draft = Draft { receipt, ..inner.fault(&fault, answer.to_vec(), now_us) };
        let waiting = submit(&inner.store, draft);
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

fn submit(store: &Store, draft: Draft) -> Waiting {
    let (tell, told) = oneshot::channel();
    store.submit(draft, move |outcome| {
        // A listener that was cut meanwhile hears nothing; its sender will repeat and get the same answer.
        let _ = tell.send(outcome);
    });
    told
}

impl Inner {
    /// What became of the frame's `nth` message. While the store cannot take it, it is made and submitted again for as
    /// long as an answer may be held: that is rare, and cheaper than a copy of every message.
    async fn settled(&self, waiting: Waiting, incoming: &Incoming, nth: usize, now_us: i64) -> Option<Committed> {
        let started = tokio::time::Instant::now();
        let mut outcome = waiting.await.unwrap_or(Err(StoreError::Stopped));
        while matches!(outcome, Err(StoreError::Full | StoreError::Busy)) && started.elapsed() < HOLD {
            tokio::time::sleep(RETRY).await;
            let draft = self.drafts(incoming, now_us).into_iter().nth(nth)?;
            outcome = submit(&self.store, draft).await.unwrap_or(Err(StoreError::Stopped));
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
