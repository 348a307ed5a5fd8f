//! What the community knows beside FHIR resources: who is whom, the registries, what was recognised. Kept in memory, computed from the
//! events of the journal in their order, so that a rebuild ends the same.
//!
//! [`Fed`] feeds it behind the search store; everybody else reads it through [`Shared`].

mod admin;
mod fed;
mod identify;
mod reviews;
#[cfg(test)]
mod tests;
mod underway;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hutong_commit::error::StoreError;
use hutong_commit::projection::Reader;
use hutong_enforce::recognition::record::Record;
use hutong_identify::registry::{Import, Registry};
use hutong_identify::{Event, Register, Weights};
use serde::{Deserialize, Serialize};

use crate::recognition::{self, InForce, RECOGNITION, Tables, View};

pub(crate) use admin::{Desk, table_names};
pub(crate) use fed::Fed;
pub(crate) use identify::{Tie, Told};
pub(crate) use reviews::{Review, Reviews, Suspect};
pub(crate) use underway::Underway;

/// Kinds of events in the journal.
pub(crate) const IDENTITY: &str = "identity";
pub(crate) const REGISTRY: &str = "registry";

/// Events read at once at start.
const PAGE: usize = 10_000;

/// What an event of [`REGISTRY`] says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RegistryEvent {
    Import(Import),
    /// A table of recognition.
    Policy(recognition::Import),
}

/// An event as it is applied.
enum Said {
    Identity(Event),
    Review(Review),
    Registry(RegistryEvent),
    Recognition(Box<Record>),
}

/// All views that are no FHIR resources.
pub(crate) struct Community {
    pub(crate) register: Register,
    pub(crate) reviews: Reviews,
    pub(crate) registry: Registry,
    /// Rules, certificates, marks and reasons of recognition.
    pub(crate) tables: InForce,
    /// What was reminded of and answered.
    pub(crate) recognition: View,
    /// The last entry whose events are in.
    applied: u64,
    /// Events that this program cannot read: they stay in the journal, and a later program may.
    unreadable: usize,
}

impl Community {
    pub(crate) fn new(weights: Weights, tables: Tables) -> Community {
        Community {
            tables: Arc::new(tables),
            recognition: View::default(),
            register: Register::new(weights),
            reviews: Reviews::default(),
            registry: Registry::default(),
            applied: 0,
            unreadable: 0,
        }
    }

    fn take(&mut self, said: Said, at_us: i64) {
        match said {
            Said::Identity(event) => {
                self.register.apply(&event);
                self.reviews.follow(&event, &self.register);
            }
            Said::Review(review) => self.reviews.open(review, at_us),
            Said::Registry(RegistryEvent::Import(import)) => {
                // it was judged before it was written; two tables that were written at once can disagree all the same
                if let Err(faults) = self.registry.apply(&import) {
                    self.refused(import.table.name(), faults.len());
                }
            }
            Said::Registry(RegistryEvent::Policy(import)) => {
                if let Err(faults) = Arc::make_mut(&mut self.tables).apply(&import, &self.registry) {
                    self.refused(import.table.name(), faults.len());
                }
            }
            Said::Recognition(record) => self.recognition.apply(*record),
        }
    }

    fn refused(&mut self, table: &str, faults: usize) {
        self.unreadable += 1;
        tracing::warn!(
            rule = "registry.refused",
            table,
            faults,
            "a table that was imported does not fit the others any more; the one before stays"
        );
    }

    pub(crate) fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// The ids of all Patients that are the person of this one, itself among them.
    pub(crate) fn records_of(&self, patient: &str) -> Vec<String> {
        let own = || vec![patient.to_owned()];
        let Some(number) = self.register.number(&key(patient)) else { return own() };
        let keys = self.register.records_of(number).into_iter().filter_map(|r| self.register.key(r));
        let ids: Vec<String> = keys.filter_map(|k| k.strip_prefix("Patient/")).map(str::to_owned).collect();
        if ids.is_empty() { own() } else { ids }
    }
}

/// The key of a record: the reference to its Patient.
pub(crate) fn key(patient: &str) -> String {
    format!("Patient/{patient}")
}

/// Reads an event; `None`: it is of another part. The error says nothing of what it holds.
fn read(kind: &str, body: &[u8]) -> Option<Result<Said, serde_json::Error>> {
    match kind {
        // one of ours begins with its name
        IDENTITY if body.starts_with(b"{\"review\"") => Some(serde_json::from_slice(body).map(|Opened { review }| Said::Review(review))),
        IDENTITY => Some(serde_json::from_slice(body).map(Said::Identity)),
        REGISTRY => Some(serde_json::from_slice(body).map(Said::Registry)),
        RECOGNITION => Some(serde_json::from_slice(body).map(|record| Said::Recognition(Box::new(record)))),
        _ => None,
    }
}

/// `{"review":{…}}`
#[derive(Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) review: Review,
}

/// The community as all threads see it. Holds of the lock are short: one event, or one question.
#[derive(Clone)]
pub(crate) struct Shared(Arc<RwLock<Community>>);

impl Shared {
    pub(crate) fn new(weights: Weights, tables: Tables) -> Shared {
        Shared(Arc::new(RwLock::new(Community::new(weights, tables))))
    }

    /// A fault elsewhere must not take identities away: the lock is used whatever happened to its holders.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Community> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Community> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One event that was applied to the search store.
    fn apply(&self, kind: &str, seq: u64, at_us: i64, body: &[u8]) {
        match read(kind, body) {
            None => {}
            Some(Ok(said)) => self.write().take(said, at_us),
            Some(Err(error)) => {
                self.write().unreadable += 1;
                let (line, column) = (error.line(), error.column());
                tracing::warn!(
                    rule = "community.unreadable",
                    kind,
                    seq,
                    line,
                    column,
                    "an event cannot be read and is left out; it stays in the journal"
                );
            }
        }
    }

    /// Everything up to entry `applied`, from the search store.
    fn load(&self, reader: &Reader, applied: u64) -> Result<(), StoreError> {
        for kind in [REGISTRY, IDENTITY, RECOGNITION] {
            let mut after = None;
            loop {
                let events = reader.events(kind, after, PAGE).map_err(|e| StoreError::Projection(format!("{e:?}")))?;
                for event in &events {
                    self.apply(kind, event.seq, event.at_us, &event.body);
                }
                match events.last() {
                    Some(last) if events.len() == PAGE => after = Some((last.seq, last.n)),
                    _ => break,
                }
            }
        }
        self.write().applied = applied;
        Ok(())
    }
}
