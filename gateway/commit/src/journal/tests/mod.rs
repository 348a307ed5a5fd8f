//! Tests of the whole journal; what belongs to one file is tested there.

mod basic;
mod damage;
mod fake;
mod images;
mod model;
mod sealing;
mod torn;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use super::{Committed, Journal, JournalOptions, RealDisk, Recovery};
use crate::entry::{Draft, EntryKind, Final, ResourceDraft, Update};
use crate::error::StoreError;

/// Small segments, no reserve.
pub(super) fn options() -> JournalOptions {
    JournalOptions { segment_bytes: 64 << 10, reserve_bytes: 0, ..JournalOptions::default() }
}

/// A message of about `size` bytes that is told apart by its control id.
pub(super) fn draft(control_id: &str, size: usize) -> Draft {
    let body = format!(r#"{{"resourceType":"Patient","id":"{control_id}","text":"{}"}}"#, "张".repeat(size / 6));
    Draft {
        kind: EntryKind::Message,
        receipt: format!("R-{control_id}"),
        received_us: 1_700_000_000_000_000,
        source: "his".into(),
        protocol: "mllp",
        control_id: control_id.into(),
        content_hash: hutong_audit::digest(control_id.as_bytes()),
        message_type: "ADT^A01".into(),
        outcome: Final::Stored,
        answer: format!("MSA|AA|{control_id}").into_bytes(),
        findings: b"[]".to_vec(),
        raw: vec![b'x'; size / 2],
        resources: vec![ResourceDraft {
            resource_type: "Patient".into(),
            id: control_id.into(),
            body: body.into_bytes(),
            update: Update::Replace,
            clear: Vec::new(),
            event_us: 0,
        }],
        events: Vec::new(),
        plan_hash: [3; 32],
        conflict: None,
    }
}

pub(super) fn open(dir: &Path) -> (Journal, Recovery) {
    open_result(dir).unwrap()
}

pub(super) fn open_result(dir: &Path) -> Result<(Journal, Recovery), StoreError> {
    Journal::open(Arc::new(RealDisk::new(dir).unwrap()), options())
}

type Told = Option<Result<Committed, StoreError>>;

/// Waits for an answer.
#[derive(Clone, Default)]
pub(super) struct Answer(Arc<(Mutex<Told>, Condvar)>);

impl Answer {
    pub(super) fn of(journal: &Journal, draft: Draft) -> Answer {
        let answer = Answer::default();
        let slot = answer.clone();
        journal.submit(draft, move |result| {
            *slot.0.0.lock().unwrap() = Some(result);
            slot.0.1.notify_all();
        });
        answer
    }

    pub(super) fn wait(self) -> Result<Committed, StoreError> {
        let slot = self.0.0.lock().unwrap();
        self.0.1.wait_while(slot, |slot| slot.is_none()).unwrap().take().unwrap()
    }
}

pub(super) fn submit(journal: &Journal, draft: Draft) -> Committed {
    Answer::of(journal, draft).wait().unwrap()
}

/// The answer to a control id that comes with other bytes.
pub(super) fn conflict_answer(answer: &[u8]) -> crate::entry::Conflict {
    let answer = answer.to_vec();
    Arc::new(move || answer.clone())
}
