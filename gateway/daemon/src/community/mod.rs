//! What the community knows beside FHIR resources: who is whom, the registries, what was recognised. Kept in memory, computed from the
//! events of the journal in their order, so that a rebuild ends the same.
//!
//! [`Fed`] feeds it behind the search store; everybody else reads it through [`Shared`].

mod activity;
mod admin;
mod arrivals;
mod cases;
mod changes;
mod fed;
mod identify;
mod kept;
mod reviews;
#[cfg(test)]
mod tests;
mod underway;
mod work;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hutong_commit::error::StoreError;
use hutong_commit::projection::{Reader, StoredEvent};
use hutong_commit::store::Store;
use hutong_count::activity::Activities;
use hutong_count::cases::{Ledger, Rules};
use hutong_count::indicators::forms::{self, Forms};
use hutong_count::recognition::{At, Figures};
use hutong_enforce::recognition::record::Record;
use hutong_identify::registry::{Import, Registry, Table};
use hutong_identify::{Event, Register, Weights};
use serde::{Deserialize, Serialize};

use crate::recognition::{self, InForce, RECOGNITION, Tables, View};

pub(crate) use activity::{ACTIVITY, drafts as activity_events};
pub(crate) use admin::{Desk, table_names};
pub(crate) use arrivals::{Arrivals, Outcomes, Sent};
pub(crate) use cases::CASE;
use changes::{CHANGE, Changed};
pub(crate) use fed::Fed;
pub(crate) use identify::{Tie, Told};
pub(crate) use kept::{Keeping, load as load_ledger};
pub(crate) use reviews::{Review, Reviews, Suspect};
pub(crate) use underway::Underway;
pub(crate) use work::{End, Pair, Worker, ended as work_ended};
use work::{WORK, Work};

/// Kinds of events in the journal.
pub(crate) const IDENTITY: &str = "identity";
pub(crate) const REGISTRY: &str = "registry";
/// Of figures that people report.
pub(crate) const FIGURE: &str = forms::EVENT_KIND;

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
    Changed(Changed),
    Case(Box<hutong_count::cases::Event>),
    Activity(Box<hutong_count::activity::Event>),
    Figure(Box<forms::Act>),
    Work(work::Change),
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
    /// What all of it comes to.
    pub(crate) figures: Figures,
    /// What was examined below and read above.
    pub(crate) cases: Ledger,
    /// Doubtful joins that somebody has to decide on.
    pub(crate) work: Work,
    /// Visits, stays, operations, prescriptions.
    pub(crate) activities: Activities,
    /// Figures that people reported.
    pub(crate) forms: Forms,
    /// Who sent how much.
    pub(crate) arrivals: Arrivals,
    /// The last entry whose events are in.
    applied: u64,
    /// The entry up to which the ledger came from its snapshot.
    counted: u64,
    /// Events that this program cannot read: they stay in the journal, and a later program may.
    unreadable: usize,
}

impl Community {
    pub(crate) fn new(weights: Weights, tables: Tables) -> Community {
        Community {
            tables: Arc::new(tables),
            recognition: View::default(),
            figures: Figures::default(),
            cases: Ledger::new(Rules::default()),
            work: Work::default(),
            activities: Activities::new(activity::Rules::default()),
            forms: Forms::default(),
            arrivals: Arrivals::default(),
            register: Register::new(weights),
            reviews: Reviews::default(),
            registry: Registry::default(),
            applied: 0,
            counted: 0,
            unreadable: 0,
        }
    }

    fn take(&mut self, said: Said, at: At) {
        match said {
            Said::Identity(event) => {
                self.register.apply(&event);
                self.reviews.follow(&event, &self.register);
                self.follow_persons(&event, at);
                self.recount_persons(&event, at);
            }
            Said::Review(review) => self.reviews.open(review, at.us),
            Said::Registry(RegistryEvent::Import(import)) => {
                // it was judged before it was written; two tables that were written at once can disagree all the same
                match self.registry.apply(&import) {
                    Ok(_) if import.table == Table::Institutions => self.recount_institutions(at),
                    Ok(_) => {}
                    Err(faults) => self.refused(import.table.name(), faults.len()),
                }
            }
            Said::Registry(RegistryEvent::Policy(import)) => {
                if let Err(faults) = Arc::make_mut(&mut self.tables).apply(&import, &self.registry) {
                    self.refused(import.table.name(), faults.len());
                }
            }
            Said::Recognition(record) => {
                self.figures.apply(&record, at);
                self.recognition.apply(*record);
            }
            Said::Changed(changed) => self.figures.change(changed.change(), at),
            Said::Case(event) => self.count(&event, at),
            Said::Work(change) => self.work.follow(change, at.us),
            Said::Activity(event) => self.activities.apply(cases::position(at), &event),
            Said::Figure(act) => {
                // it was judged before it was written, by what was known then
                if let Err(refusal) = self.forms.apply(&act) {
                    self.unreadable += 1;
                    tracing::warn!(
                        rule = "figures.refused",
                        seq = at.seq,
                        why = refusal.en,
                        "a report of figures does not fit and is left out"
                    );
                }
            }
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

    /// The last entry whose events are in.
    pub(crate) fn applied(&self) -> u64 {
        self.applied
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
        CHANGE => Some(serde_json::from_slice(body).map(Said::Changed)),
        CASE => Some(serde_json::from_slice(body).map(|event| Said::Case(Box::new(event)))),
        WORK => Some(serde_json::from_slice(body).map(Said::Work)),
        ACTIVITY => Some(serde_json::from_slice(body).map(|event| Said::Activity(Box::new(event)))),
        FIGURE => Some(serde_json::from_slice(body).map(|act| Said::Figure(Box::new(act)))),
        RECOGNITION => Some(serde_json::from_slice(body).map(|record| Said::Recognition(Box::new(record)))),
        _ => None,
    }
}

/// Whether figures depend on an event. Tables of recognition are taken as they are now: what they decided stands in its events.
fn is_counted(kind: &str, body: &[u8]) -> bool {
    [IDENTITY, RECOGNITION, CHANGE, CASE, ACTIVITY, FIGURE].contains(&kind) || (kind == REGISTRY && body.starts_with(b"{\"import\""))
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

    /// Counts cases by these rules from the start.
    pub(crate) fn count_by(&self, rules: Rules) {
        self.write().cases = Ledger::new(rules);
    }

    /// Counts activity by these rules from the start.
    pub(crate) fn count_activity_by(&self, rules: activity::Rules) {
        self.write().activities = Activities::new(rules);
    }

    /// One event that was applied to the search store.
    pub(crate) fn apply(&self, kind: &str, seq: u64, at_us: i64, body: &[u8]) {
        let at = At { seq, us: at_us };
        if kind == CASE {
            // the ledger reads it where it lies: nearly every message has one
            let counted = self.write().count_body(body, at);
            counted.unwrap_or_else(|error| self.unreadable(kind, at, &error));
        } else {
            match read(kind, body) {
                None => {}
                Some(Ok(said)) => self.write().take(said, at),
                Some(Err(error)) => self.unreadable(kind, at, &error),
            }
        }
    }

    fn unreadable(&self, kind: &str, at: At, error: &serde_json::Error) {
        self.write().unreadable += 1;
        let (line, column) = (error.line(), error.column());
        tracing::warn!(
            rule = "community.unreadable",
            kind,
            seq = at.seq,
            line,
            column,
            "an event cannot be read and is left out; it stays in the journal"
        );
    }

    /// What figures come to when they are counted anew, from the entries of the journal themselves.
    pub(crate) fn recounted(&self, store: &Store, upto: u64) -> Result<Shared, StoreError> {
        let tables = Tables::clone(&self.read().tables);
        let fresh = Shared::new(Weights::built_in(), tables);
        fresh.count_by(self.read().cases.rules());
        fresh.count_activity_by(self.read().activities.rules().clone());
        for seq in 1..=upto {
            let entry = store.entry(seq)?;
            for (kind, body) in entry.events().filter(|(kind, body)| is_counted(kind, body)) {
                fresh.apply(kind, seq, entry.committed_us(), body);
            }
        }
        fresh.reached(upto);
        Ok(fresh)
    }

    /// All entries up to this one are in.
    pub(crate) fn reached(&self, seq: u64) {
        self.write().applied = seq;
    }

    /// Everything up to entry `applied`, from the search store: kinds are read apart and applied in the order in which they
    /// were journalled, so that a start ends where the running gateway was.
    fn load(&self, reader: &Reader, applied: u64) -> Result<(), StoreError> {
        let counted = self.read().counted;
        let mut kinds = [REGISTRY, IDENTITY, RECOGNITION, CHANGE, CASE, ACTIVITY, FIGURE, WORK].map(|kind| Pages {
            kind,
            // what the ledger has already is not read again
            after: Some((counted, u32::MAX)).filter(|_| kind == CASE),
            read: VecDeque::new(),
            whole: false,
        });
        loop {
            for pages in &mut kinds {
                pages.fill(reader)?;
            }
            let next = kinds.iter_mut().filter(|p| !p.read.is_empty()).min_by_key(|p| p.read.front().map(|e| (e.seq, e.n)));
            let Some((kind, event)) = next.and_then(|pages| Some((pages.kind, pages.read.pop_front()?))) else { break };
            self.apply(kind, event.seq, event.at_us, &event.body);
        }
        let arrivals = Arrivals::load(reader, applied)?;
        let mut community = self.write();
        (community.arrivals, community.applied) = (arrivals, applied);
        Ok(())
    }
}

/// Events of one kind, read page by page.
struct Pages {
    kind: &'static str,
    after: Option<(u64, u32)>,
    read: VecDeque<StoredEvent>,
    /// Nothing comes after what was read.
    whole: bool,
}

impl Pages {
    fn fill(&mut self, reader: &Reader) -> Result<(), StoreError> {
        if self.whole || !self.read.is_empty() {
            return Ok(());
        }
        let page = reader.events(self.kind, self.after, PAGE).map_err(|e| StoreError::Projection(format!("{e:?}")))?;
        self.whole = page.len() < PAGE;
        self.after = page.last().map(|e| (e.seq, e.n)).or(self.after);
        self.read = page.into();
        Ok(())
    }
}
