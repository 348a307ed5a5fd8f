//! Work items (FHIR Tasks) of what the ledger will not join by itself: order and report of one person without a common number. Each pair
//! is a Task until somebody joins it or keeps it apart, or until a number settles it; what is opened and ended stands in the journal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hutong_commit::entry::{EventDraft, ResourceDraft, Update};
use hutong_commit::search::date::instant;
use hutong_commit::store::Store;
use hutong_count::cases::{Doubt, Event, Sighting};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{CASE, Community, Shared};
use crate::act::{Act, Acts};
use crate::ingest::now_us;

/// Kind of these events.
pub(crate) const WORK: &str = "work";

/// Days back in which pairs are looked for; what is open already stays so.
const DAYS: i64 = 30;
const DAY_US: i64 = 86_400_000_000;
/// Opened by one act; the rest comes with the next.
const MOST: usize = 200;
/// Looking through all cases takes at most one part in this of the time.
const SHARE: u32 = 50;
const TASK_CODE: &str = "http://fhir.med-community.cn/gw/CodeSystem/task-code";

/// Body of an event of [`WORK`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    Opened(Item),
    Ended(Pair),
}

/// Cases that may be one: the order's and the report's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) order: u32,
    pub(crate) report: u32,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    #[serde(flatten)]
    pub(crate) pair: Pair,
    /// Id of the Task.
    pub(crate) task: String,
}

/// All items that are open, with since when (µs since 1970).
#[derive(Default)]
pub(crate) struct Work(BTreeMap<Pair, (String, i64)>);

impl Work {
    pub(super) fn follow(&mut self, change: Change, at_us: i64) {
        match change {
            Change::Opened(Item { pair, task }) => {
                self.0.insert(pair, (task, at_us));
            }
            Change::Ended(pair) => {
                self.0.remove(&pair);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Task and since when.
    pub(crate) fn of(&self, pair: Pair) -> Option<(&str, i64)> {
        self.0.get(&pair).map(|(task, since)| (task.as_str(), *since))
    }
}

/// How an item ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Joined,
    Apart,
    /// A number or another decision settled it.
    Settled,
}

impl End {
    fn codes(self) -> (&'static str, &'static str) {
        match self {
            End::Joined => ("completed", "joined"),
            End::Apart => ("completed", "apart"),
            End::Settled => ("cancelled", "settled"),
        }
    }
}

/// The end of an item: its Task and its event. `said`: who decided, and why.
pub(crate) fn ended(pair: Pair, task: &str, end: End, said: Option<(&str, &str)>, now_us: i64) -> Option<(ResourceDraft, EventDraft)> {
    let (status, business) = end.codes();
    let mut body = json!({ "resourceType": "Task", "id": task, "status": status, "businessStatus": { "text": business } });
    body["lastModified"] = json!(instant(now_us));
    if let Some((by, reason)) = said {
        let output = |name: &str, value: &str| json!({ "type": { "text": name }, "valueString": value });
        body["output"] = json!([output("decided-by", by), output("reason", reason)]);
    }
    Some((draft(task, &body, Update::Merge, now_us), event(&Change::Ended(pair))?))
}

fn draft(task: &str, body: &Value, update: Update, event_us: i64) -> ResourceDraft {
    let body = body.to_string().into_bytes();
    ResourceDraft { resource_type: "Task".to_owned(), id: task.to_owned(), body, update, clear: Vec::new(), event_us }
}

fn event(change: &Change) -> Option<EventDraft> {
    Some(EventDraft { kind: WORK.to_owned(), body: serde_json::to_vec(change).ok()? })
}

/// What has to be opened and ended.
struct Plan {
    open: Vec<Doubt>,
    end: Vec<(Pair, String)>,
}

impl Community {
    /// `None`: an entry is being applied just now.
    fn plan(&self, now_us: i64) -> Option<Plan> {
        if self.cases.position().seq > self.applied() {
            return None;
        }
        let doubts = self.cases.doubts(now_us - DAYS * DAY_US, now_us, usize::MAX);
        let pair = |d: &Doubt| Pair { order: d.order_case, report: d.report_case };
        let still = |p: &Pair| doubts.iter().any(|d| pair(d) == *p) || self.cases.is_doubted(p.order, p.report);
        let end = self.work.0.iter().filter(|(p, _)| !still(p)).map(|(p, (task, _))| (*p, task.clone())).collect();
        let open = doubts.iter().filter(|d| !self.work.0.contains_key(&pair(d))).take(MOST).cloned().collect();
        Some(Plan { open, end })
    }
}

/// Opens and ends items in a running gateway.
pub(crate) struct Worker {
    community: Shared,
    /// The entry up to which it has looked.
    at: u64,
}

impl Worker {
    pub(crate) fn new(community: Shared) -> Worker {
        Worker { community, at: 0 }
    }

    /// Looks once; how long to wait before the next time. Blocks.
    pub(crate) fn turn(&mut self, store: &Arc<Store>) -> Duration {
        const LEAST: Duration = Duration::from_secs(1);
        let begun = Instant::now();
        let (now_us, upto) = (now_us(), self.community.read().applied());
        if upto == self.at {
            return LEAST;
        }
        let Some(plan) = self.community.read().plan(now_us) else { return LEAST };
        self.at = upto;
        let spent = begun.elapsed();
        if !self.write(store, &plan, now_us) {
            self.at = 0;
        }
        LEAST.max(spent.saturating_mul(SHARE))
    }

    /// False: it could not be stored, and is tried again.
    fn write(&self, store: &Arc<Store>, plan: &Plan, now_us: i64) -> bool {
        let opened = plan.open.iter().filter_map(|d| self.opened(store, d, now_us));
        let ends = plan.end.iter().filter_map(|(pair, task)| ended(*pair, task, End::Settled, None, now_us));
        let (resources, events): (Vec<ResourceDraft>, Vec<EventDraft>) = opened.chain(ends).unzip();
        if events.is_empty() {
            return true;
        }
        let acts = Acts::new(Arc::clone(store));
        let act = Act {
            receipt: acts.receipt(),
            what: "cases/work",
            source: "gateway",
            protocol: "clock",
            request: Vec::new(),
            answer: Vec::new(),
            resources,
            events,
        };
        acts.record(act)
            .inspect_err(|error| tracing::warn!(rule = "cases.work", %error, "work items could not be written: they are tried again"))
            .is_ok()
    }

    fn opened(&self, store: &Store, doubt: &Doubt, now_us: i64) -> Option<(ResourceDraft, EventDraft)> {
        let pair = Pair { order: doubt.order_case, report: doubt.report_case };
        let numbers = [doubt.order_seq, doubt.report_seq, doubt.order_case.into(), doubt.report_case.into()].map(|n| n.to_string());
        let task = hutong_fhir::id::from_identity("case-join", "Task", numbers.iter().map(String::as_str));
        let [order, report] =
            [(doubt.order_seq, pair.order), (doubt.report_seq, pair.report)].map(|(seq, case)| self.part(store, seq, case));
        let said = |name: &str, value: Value| json!({ "type": { "text": name }, "valueString": value });
        let mut body = json!({ "resourceType": "Task", "id": task, "status": "requested", "intent": "order" });
        body["code"] = json!({
            "coding": [{ "system": TASK_CODE, "code": "case-join", "display": "申请与报告是否同一例" }],
        });
        body["description"] = json!(format!(
            "申请与报告没有共同号码，同一例的可能性 {0}：请确认（hutong cases join|apart {1} {2}）· order and report share no number, likely one case: {0}",
            doubt.confidence, pair.order, pair.report
        ));
        for (name, part) in [("basedOn", &order), ("focus", &report)] {
            if let Some(part) = part {
                let reference = json!({ "reference": part.resource });
                body[name] = if name == "basedOn" { json!([reference]) } else { reference };
            }
        }
        if let Some(patient) = report.iter().chain(&order).map(|p| p.patient.as_str()).find(|p| !p.is_empty()) {
            body["for"] = json!({ "reference": patient });
        }
        body["authoredOn"] = json!(instant(now_us));
        body["lastModified"] = json!(instant(now_us));
        body["input"] = json!([
            { "type": { "text": "confidence" }, "valueInteger": doubt.confidence },
            said("because", json!(doubt.because.join(" "))),
            { "type": { "text": "order-case" }, "valueUnsignedInt": pair.order },
            { "type": { "text": "report-case" }, "valueUnsignedInt": pair.report },
        ]);
        Some((draft(&task, &body, Update::Replace, now_us), event(&Change::Opened(Item { pair, task }))?))
    }

    /// What an entry says of a case.
    fn part(&self, store: &Store, seq: u64, case: u32) -> Option<Sighting> {
        let entry = store.entry(seq).ok()?;
        let community = self.community.read();
        let of_cases = entry.events().filter(|(kind, _)| *kind == CASE);
        let mut seen = of_cases.filter_map(|(_, body)| match serde_json::from_slice(body).ok()? {
            Event::Seen(sighting) => Some(sighting),
            _ => None,
        });
        seen.find(|s| s.ids.iter().any(|id| community.cases.case_of(*id) == Some(case)))
    }
}
