//! What somebody does at the gateway itself (an import, a decision of a review, a doctor's answer), journalled like a
//! message: request, answer, resources and events in one entry, and answered when that is durable.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use hutong_commit::entry::{Draft, EntryKind, EventDraft, Final, ResourceDraft};
use hutong_commit::error::StoreError;
use hutong_commit::store::{Committed, Store};
use sha2::{Digest, Sha256};

use crate::ingest::{Receipts, now_us};

/// How long the effect of an act is waited for before it is answered all the same: it is durable already.
const SEEN: Duration = Duration::from_secs(2);

/// An act before it is journalled.
pub(crate) struct Act<'a> {
    /// From [`Acts::receipt`], so that the answer can name it.
    pub(crate) receipt: String,
    /// What kind of act: `identity/decide`, `admin/import` …
    pub(crate) what: &'a str,
    /// Who did it: an institution or system by which it can be asked about.
    pub(crate) source: &'a str,
    /// `http`, `cli`, `mllp` …
    pub(crate) protocol: &'static str,
    /// The exact bytes of the request.
    pub(crate) request: Vec<u8>,
    /// The exact bytes answered.
    pub(crate) answer: Vec<u8>,
    pub(crate) resources: Vec<ResourceDraft>,
    pub(crate) events: Vec<EventDraft>,
}

/// Journals acts; cheap to clone.
#[derive(Clone)]
pub(crate) struct Acts {
    store: Arc<Store>,
    receipts: Arc<Receipts>,
}

impl Acts {
    pub(crate) fn new(store: Arc<Store>) -> Acts {
        Acts { store, receipts: Arc::new(Receipts::new()) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// A receipt for an act that comes.
    pub(crate) fn receipt(&self) -> String {
        self.receipts.next(now_us())
    }

    /// The entry of an act.
    pub(crate) fn draft(&self, act: Act<'_>) -> Draft {
        let received_us = now_us();
        Draft {
            kind: EntryKind::Act,
            receipt: act.receipt,
            received_us,
            source: act.source.to_owned(),
            protocol: act.protocol,
            control_id: String::new(),
            content_hash: Sha256::digest(&act.request).into(),
            message_type: act.what.to_owned(),
            outcome: Final::Stored,
            answer: act.answer,
            findings: b"[]".to_vec(),
            raw: act.request,
            resources: act.resources,
            events: act.events,
            plan_hash: [0; 32],
            conflict: None,
        }
    }

    /// Journals an act and waits until it is durable, and a little until it can be seen. Blocks: for threads that may.
    pub(crate) fn record(&self, act: Act<'_>) -> Result<Committed, StoreError> {
        let (tell, told) = mpsc::sync_channel(1);
        self.store.submit(self.draft(act), move |outcome| {
            // nobody waits for it any more only where the process ends
            let _ = tell.try_send(outcome);
        });
        let committed = told.recv().unwrap_or(Err(StoreError::Stopped))?;
        self.store.wait_applied(committed.seq, SEEN);
        Ok(committed)
    }
}
