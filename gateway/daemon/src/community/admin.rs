//! What an operator asks and does: the review queue, whose record is whose, tables of the registries.
//!
//! What changes something is one act in the journal, with the request as it came; it is answered when it is durable.

mod cases;

use std::sync::{Arc, Mutex, PoisonError};

use hutong_commit::entry::{EventDraft, ResourceDraft};
use hutong_count::indicators::forms;
use hutong_fhir::sheet::Fault;
use hutong_fhir::{Finding, Location, NodeRef, Severity};
use hutong_identify::registry::{Import, Table};
use hutong_identify::{By, Decision, Event, Person};
use hutong_receive::sources::Sources;
use hutong_serve::{Admin, AdminAsk, AdminRefusal, Grade, Likely, Report, ReportAsk};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Community, FIGURE, REGISTRY, RegistryEvent, Shared, Suspect, identify, key};
use crate::act::{Act, Acts};
use crate::indicators::{Indicators, Refused, Rule, Submit};
use crate::platform::{PLATFORM, State};
use crate::recognition;
use crate::report::Made;

/// Reviews shown at once.
const SHOWN: usize = 100;
/// Characters of who did something, of a version, of a reason.
const TEXT_MAX: usize = 200;

/// Answers operators.
pub(crate) struct Desk {
    community: Shared,
    acts: Acts,
    /// One act after the other: each is judged by what those before it left.
    turn: Mutex<()>,
    /// Where records are sent to the upper platform.
    platform: Option<Arc<State>>,
    indicators: Arc<Indicators>,
    /// Who sends.
    sources: Option<Arc<Sources>>,
}

impl Desk {
    pub(crate) fn new(community: Shared, acts: Acts, indicators: Arc<Indicators>) -> Desk {
        Desk { community, acts, turn: Mutex::new(()), platform: None, indicators, sources: None }
    }

    /// The sources whose names reports tell.
    pub(crate) fn with_sources(self, sources: Arc<Sources>) -> Desk {
        Desk { sources: Some(sources), ..self }
    }

    pub(crate) fn with_platform(self, platform: Option<Arc<State>>) -> Desk {
        Desk { platform, ..self }
    }

    /// A record that the platform did not take: tried at once, or given up.
    fn platform_act(&self, ask: &AdminAsk<'_>, body: &[u8]) -> Result<Value, AdminRefusal> {
        let platform = self.platform.as_deref().ok_or(AdminRefusal::NoSuchPath)?;
        let asked: PlatformAsked = read(body)?;
        let unknown = || wrong("platform.unknown", "没有这条待上传的失败记录", "no record with this GUID failed and waits");
        if asked.action == PlatformAction::Retry {
            return if platform.hurry(&asked.guid) { Ok(json!({ "guid": asked.guid })) } else { Err(unknown()) };
        }
        let (by, reason) = (text("by", asked.by)?, text("reason", asked.reason)?);
        let (event, done) = platform.give_up(&asked.guid, &by, &reason).ok_or_else(unknown)?;
        let event = EventDraft { kind: PLATFORM.to_owned(), body: event.to_string().into_bytes() };
        let said = self.journal(ask, "platform/drop", body, json!({ "guid": asked.guid }), event)?;
        done();
        Ok(said)
    }

    fn reviews(&self, query: &[(String, String)]) -> Value {
        let after = query.iter().find(|(n, _)| n == "after").map(|(_, v)| v.as_str());
        let community = self.community.read();
        let masked = |key: &str| community.register.number(key).and_then(|n| community.register.person(n)).map(|p| p.masked());
        let mut all = community.reviews.iter().filter(|open| after.is_none_or(|a| open.review.key.as_str() > a));
        let shown: Vec<Value> = all
            .by_ref()
            .take(SHOWN)
            .map(|open| {
                let candidate = |c: &Suspect| {
                    let mut it = json!(c);
                    it["person"] = json!(masked(&c.key));
                    it
                };
                let candidates: Vec<Value> = open.review.candidates.iter().map(candidate).collect();
                json!({ "key": open.review.key, "sinceUs": open.since_us, "person": masked(&open.review.key), "candidates": candidates })
            })
            .collect();
        let next = all.next().and(shown.last()).map(|last| last["key"].clone());
        json!({ "open": community.reviews.len(), "reviews": shown, "next": next })
    }

    fn person(&self, query: &[(String, String)]) -> Result<Value, AdminRefusal> {
        let patient = query.iter().find(|(n, _)| n == "patient").map_or("", |(_, v)| v.as_str());
        let patient = patient.strip_prefix("Patient/").unwrap_or(patient);
        let community = self.community.read();
        let register = &community.register;
        let number = register.number(&key(patient)).ok_or_else(|| no_record("patient"))?;
        let records: Vec<Value> = register
            .records_of(number)
            .into_iter()
            .map(|r| json!({ "key": register.key(r), "person": register.person(r).map(|p| p.masked()) }))
            .collect();
        Ok(json!({ "person": register.community_id(register.person_of(number)), "records": records }))
    }

    fn decide(&self, ask: &AdminAsk<'_>, body: &[u8]) -> Result<Value, AdminRefusal> {
        let asked: Decide = read(body)?;
        let by = By::Person(text("by", asked.by)?);
        text("reason", asked.reason)?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let community = self.community.read();
            for (name, key) in [("a", &asked.a), ("b", &asked.b)] {
                community.register.number(key).ok_or_else(|| no_record(name))?;
            }
        }
        if asked.a == asked.b {
            return Err(wrong("identity.same", "a 与 b 是同一条记录", "a and b are the same record"));
        }
        let (a, b) = (asked.a, asked.b);
        let event = match asked.decision {
            Verdict::Link => Event::Link { a: a.clone(), b: b.clone(), by },
            Verdict::Part => Event::Part { a: a.clone(), b: b.clone(), by },
            Verdict::Forget => Event::Forget { a: a.clone(), b: b.clone(), by },
        };
        self.journal(ask, "identity/decide", body, json!({ "a": a, "b": b }), identify::draft(&event))
    }

    fn import(&self, ask: &AdminAsk<'_>, body: &[u8]) -> Result<Value, AdminRefusal> {
        let asked: ImportAsked = read(body)?;
        let (version, by, text) = (text("version", asked.version)?, text("by", asked.by)?, asked.text);
        let event = match (Table::named(&asked.table), recognition::Table::named(&asked.table)) {
            (Some(table), _) => RegistryEvent::Import(Import { table, version, by, text }),
            (None, Some(table)) => RegistryEvent::Policy(recognition::Import { table, version, by, text }),
            (None, None) => return Err(no_table()),
        };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let community = self.community.read();
        let (table, version, diff) = match &event {
            RegistryEvent::Import(import) => (import.table.name(), &import.version, community.registry.diff(import)),
            RegistryEvent::Policy(import) => (import.table.name(), &import.version, community.tables.diff(import, &community.registry)),
        };
        drop(community);
        let diff = diff.map_err(|faults| AdminRefusal::Wrong(faults.iter().map(finding).collect()))?;
        let said = json!({ "table": table, "version": version, "dryRun": asked.dry_run, "diff": diff });
        if asked.dry_run {
            return Ok(said);
        }
        let body_of_event = serde_json::to_vec(&event).map_err(|_| AdminRefusal::Unavailable)?;
        // the event holds the table: the request need not hold it a second time
        let request = json!({ "table": table, "by": ask.caller, "bytes": body.len() }).to_string();
        let event = EventDraft { kind: REGISTRY.to_owned(), body: body_of_event };
        self.journal(ask, "admin/import", request.as_bytes(), said, event)
    }

    /// An empty form for a period.
    fn form(&self, query: &[(String, String)]) -> Result<Value, AdminRefusal> {
        let period = query.iter().find(|(n, _)| n == "period").map_or("", |(_, v)| v.as_str());
        if hutong_count::period::Period::parse(period).is_none() {
            return Err(wrong("figures.period", "period 应写作 2026、2026Q3 或 2026-09", "period is written 2026, 2026Q3 or 2026-09"));
        }
        Ok(json!({ "period": period, "text": self.indicators.form(period) }))
    }

    /// Figures that somebody reports: all rows or none.
    fn submit(&self, ask: &AdminAsk<'_>, body: &[u8]) -> Result<Value, AdminRefusal> {
        let asked: Submit = read(body)?;
        let by = text("by", asked.by.clone())?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let id = self.acts.receipt();
        let act = self.indicators.submission(&self.community.read(), &asked, &id).map_err(refused)?;
        let forms::Act::Submitted(submission) = &act else { return Err(AdminRefusal::Unavailable) };
        let entries: Vec<String> = (1..=submission.rows.len()).map(|n| format!("{id}.{n}")).collect();
        let said = json!({ "submission": id, "by": by, "entries": entries, "dryRun": asked.dry_run });
        if asked.dry_run {
            return Ok(said);
        }
        // the event holds the rows: the request need not hold them a second time
        let request = json!({ "by": by, "caller": ask.caller, "bytes": body.len() }).to_string();
        self.journal(ask, "figures/submit", request.as_bytes(), said, figure(&act)?)
    }

    /// A second person approves or rejects.
    fn rule(&self, ask: &AdminAsk<'_>, body: &[u8], approves: bool) -> Result<Value, AdminRefusal> {
        let asked: Rule = read(body)?;
        let (by, entries) = (text("by", asked.by.clone())?, asked.entries.clone());
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let act = self.indicators.ruling(&self.community.read(), asked, approves).map_err(refused)?;
        let what = if approves { "figures/approve" } else { "figures/reject" };
        self.journal(ask, what, body, json!({ "by": by, "entries": entries }), figure(&act)?)
    }

    fn tables(&self) -> Value {
        let community = self.community.read();
        let mut tables: Vec<Value> =
            Table::ALL.into_iter().map(|t| json!({ "table": t.name(), "version": community.registry.version(t) })).collect();
        for (table, set, version) in community.tables.versions() {
            let mut of = json!({ "table": table, "version": Some(version).filter(|v| !v.is_empty()) });
            if !set.is_empty() {
                of["set"] = json!(set);
            }
            tables.push(of);
        }
        json!({ "tables": tables })
    }

    /// One act with one event; the answer with its receipt.
    fn journal(&self, ask: &AdminAsk<'_>, what: &str, request: &[u8], said: Value, event: EventDraft) -> Result<Value, AdminRefusal> {
        self.journal_all(ask, what, request, said, Vec::new(), vec![event])
    }

    fn journal_all(
        &self,
        ask: &AdminAsk<'_>,
        what: &str,
        request: &[u8],
        mut said: Value,
        resources: Vec<ResourceDraft>,
        events: Vec<EventDraft>,
    ) -> Result<Value, AdminRefusal> {
        let receipt = self.acts.receipt();
        said["receipt"] = json!(receipt);
        let act = Act {
            receipt,
            what,
            source: ask.caller,
            protocol: "admin",
            request: request.to_vec(),
            answer: said.to_string().into_bytes(),
            resources,
            events,
        };
        self.acts.record(act).map_err(|error| {
            tracing::error!(rule = "store.unavailable", %error, what, "an act could not be stored and was not answered");
            AdminRefusal::Unavailable
        })?;
        Ok(said)
    }
}

impl Admin for Desk {
    fn answer(&self, ask: &AdminAsk<'_>) -> Result<Value, AdminRefusal> {
        match (ask.path, ask.body) {
            ("identity/reviews", None) => Ok(self.reviews(ask.query)),
            ("identity/person", None) => self.person(ask.query),
            ("identity/decide", Some(body)) => self.decide(ask, body),
            ("platform", None) => self.platform.as_deref().map(State::shown).ok_or(AdminRefusal::NoSuchPath),
            ("platform", Some(body)) => self.platform_act(ask, body),
            ("registry", None) => Ok(self.tables()),
            ("import", Some(body)) => self.import(ask, body),
            ("figures", None) => Ok(self.indicators.reported(&self.community.read(), ask.query)),
            ("figures/form", None) => self.form(ask.query),
            ("figures/submit", Some(body)) => self.submit(ask, body),
            ("figures/approve", Some(body)) => self.rule(ask, body, true),
            ("figures/reject", Some(body)) => self.rule(ask, body, false),
            ("cases/doubts", None) => self.doubts(ask.query),
            ("cases/orphans", None) => self.orphans(ask.query),
            ("cases/join", Some(body)) => self.pair(ask, body, true),
            ("cases/apart", Some(body)) => self.pair(ask, body, false),
            ("cases/close", Some(body)) => self.close(ask, body),
            _ => Err(AdminRefusal::NoSuchPath),
        }
    }

    fn report(&self, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
        let made =
            Made { community: &self.community, store: self.acts.store(), indicators: &self.indicators, sources: self.sources.as_deref() };
        crate::report::answer(&made, ask)
    }
}

impl hutong_serve::Community for Shared {
    fn others(&self, patient: &str) -> Vec<String> {
        let mut all = self.read().records_of(patient);
        all.retain(|id| id != patient);
        all
    }

    fn matches(&self, patient: NodeRef<'_>) -> Vec<Likely> {
        let community = self.read();
        let found = community.register.decide(&Person::of(patient), None);
        let (candidates, certain) = match found {
            Decision::Link(one) => (vec![one], true),
            Decision::Review(several) => (several, false),
            Decision::Separate => (Vec::new(), false),
        };
        candidates.iter().filter_map(|c| community.likely(c, certain)).collect()
    }
}

impl Community {
    fn likely(&self, candidate: &hutong_identify::Candidate, certain: bool) -> Option<Likely> {
        let patient = self.register.key(candidate.record)?.strip_prefix("Patient/")?.to_owned();
        let score = self.register.likelihood(candidate);
        let grade = match () {
            () if certain => Grade::Certain,
            () if score >= 0.9 => Grade::Probable,
            () => Grade::Possible,
        };
        Some(Likely { patient, score, grade })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    a: String,
    b: String,
    decision: Verdict,
    by: String,
    reason: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Link,
    Part,
    Forget,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformAsked {
    guid: String,
    action: PlatformAction,
    #[serde(default)]
    by: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum PlatformAction {
    Retry,
    Drop,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportAsked {
    table: String,
    version: String,
    by: String,
    text: String,
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
}

fn read<'t, T: Deserialize<'t>>(body: &'t [u8]) -> Result<T, AdminRefusal> {
    // serde's text names members and places; a value it may quote only where it is one of ours
    serde_json::from_slice(body).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        wrong(
            "admin.content",
            &format!("内容不合要求（第 {line} 行第 {column} 列）：缺少成员、成员不认识或取值不对"),
            &format!("the content is not as expected (line {line}, column {column}): a member is missing, not known or of another kind"),
        )
    })
}

/// A text that says something and is no essay.
fn text(name: &str, text: String) -> Result<String, AdminRefusal> {
    let ok = !text.trim().is_empty() && text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control);
    if ok {
        return Ok(text);
    }
    Err(wrong("admin.text", &format!("{name} 须为 1 至 {TEXT_MAX} 个字符"), &format!("{name} must be 1 to {TEXT_MAX} characters")))
}

fn figure(act: &forms::Act) -> Result<EventDraft, AdminRefusal> {
    let body = serde_json::to_vec(act).map_err(|_| AdminRefusal::Unavailable)?;
    Ok(EventDraft { kind: FIGURE.to_owned(), body })
}

fn refused(why: Refused) -> AdminRefusal {
    match why {
        Refused::Table(faults) => AdminRefusal::Wrong(faults.iter().map(finding).collect()),
        Refused::Act(refusal) => wrong("figures.refused", &refusal.zh, &refusal.en),
    }
}

fn no_table() -> AdminRefusal {
    let names = table_names();
    wrong("registry.name", &format!("没有这张表；可导入的表：{names}"), &format!("there is no such table; tables are: {names}"))
}

/// Names of all tables that can be imported, as people write them.
pub(crate) fn table_names() -> String {
    let names = Table::ALL.into_iter().map(Table::name).chain(recognition::Table::ALL.into_iter().map(recognition::Table::name));
    names.map(|name| name.replace('_', "-")).collect::<Vec<_>>().join(", ")
}

fn no_record(name: &str) -> AdminRefusal {
    wrong(
        "identity.unknown",
        &format!("{name}：主索引中没有这条患者记录，写作 Patient/标识"),
        &format!("{name}: the index has no such record; it is written Patient/id"),
    )
}

fn wrong(rule: &'static str, zh: &str, en: &str) -> AdminRefusal {
    AdminRefusal::Wrong(vec![Finding::new(Severity::Error, rule, "invalid", 0).says(zh, en)])
}

/// A fault of a table with its line.
fn finding(fault: &Fault) -> Finding {
    let (zh, en) = match (fault.line, fault.column.as_str()) {
        (0, "") => (String::new(), String::new()),
        (line, "") => (format!("第 {line} 行："), format!("line {line}: ")),
        (0, column) => (format!("{column}："), format!("{column}: ")),
        (line, column) => (format!("第 {line} 行 {column}："), format!("line {line}, {column}: ")),
    };
    let place = Location::Path { expression: String::new(), line: u32::try_from(fault.line).unwrap_or(0), column: 0 };
    Finding::new(Severity::Error, "registry.table", "invalid", 0).at(place).says(format!("{zh}{}", fault.zh), format!("{en}{}", fault.en))
}
