//! Figures that people report (填报): rows with evidence, submitted by one person and approved or rejected by another. Every
//! step is an event of the journal; these forms are the fold of those events in order. Only what is approved is used, and a
//! correction is a new version with its own date, evidence and approval: nothing is overwritten.

mod table;

pub use table::{Configured, ROWS_MAX, configured, rows, rows_with, template};

use super::evaluate::{Given, Inputs, Source};
use super::when;
use crate::period::Period;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Kind of the journal's events that hold an [`Act`].
pub const EVENT_KIND: &str = "figure";

/// What somebody did; the body of an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Submitted(Submission),
    Approved(Ruling),
    Rejected(Ruling),
}

/// Rows handed in together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// GUID.
    pub id: String,
    /// Microseconds since 1970.
    pub at_us: i64,
    /// Who answers for the rows: login name of a person.
    pub submitter: String,
    pub rows: Vec<Row>,
}

/// One figure as it was reported.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Row {
    /// Id of an input or of an indicator reported as a whole.
    pub item: String,
    /// `2026`, `2026Q3`, `2026-11`
    pub period: String,
    /// Empty = the whole area.
    pub institution: String,
    /// A number as it was written, or a finding in words.
    pub value: String,
    pub unit: String,
    /// Name of the file that proves it, and its SHA-256 in hexadecimal digits.
    pub evidence: String,
    pub sha256: String,
    pub note: String,
}

/// The second person's decision on rows of a submission.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    pub at_us: i64,
    pub by: String,
    /// Ids of entries, `<submission>.<row from 1>`.
    pub entries: Vec<String>,
    /// Needed to reject.
    #[serde(default)]
    pub reason: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// 待审核
    Submitted,
    /// 已审核
    Approved,
    /// 已退回
    Rejected,
    /// 已被更正: a later version was approved.
    Replaced,
}

/// A row and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub id: String,
    pub row: Row,
    pub period: Period,
    pub submitter: String,
    pub submitted_us: i64,
    pub state: State,
    /// Who approved or rejected it, and when; empty and 0 before.
    pub ruled_by: String,
    pub ruled_us: i64,
    pub reason: String,
    /// 1, 2, … of what was approved for the same item, period and place; 0 before.
    pub version: u32,
}

/// Why an act is refused. Nothing of it takes effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub zh: String,
    pub en: String,
}

fn refusal(zh: impl Into<String>, en: impl Into<String>) -> Refusal {
    Refusal { zh: zh.into(), en: en.into() }
}

type Place = (String, String);

/// All that was reported, in the order of the journal.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    entries: Vec<Entry>,
    by_id: HashMap<String, usize>,
    /// Item and institution → first and last day → the approved entry, and the one that waits.
    approved: BTreeMap<Place, BTreeMap<(i64, i64), usize>>,
    waiting: BTreeMap<Place, BTreeMap<(i64, i64), usize>>,
}

impl Forms {
    /// What an act would do, without doing it; asked before it is journalled.
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn check(&self, act: &Act) -> Result<(), Refusal> {
        match act {
            Act::Submitted(submission) => self.check_submission(submission),
            Act::Approved(ruling) => self.check_ruling(ruling, true),
            Act::Rejected(ruling) => self.check_ruling(ruling, false),
        }
    }

    /// Applies an act of the journal.
    ///
    /// # Errors
    /// An act that [`Forms::check`] refuses changes nothing, whoever wrote it.
    pub fn apply(&mut self, act: &Act) -> Result<(), Refusal> {
        self.check(act)?;
        match act {
            Act::Submitted(submission) => self.submit(submission),
            Act::Approved(ruling) => self.rule(ruling, true),
            Act::Rejected(ruling) => self.rule(ruling, false),
        }
        Ok(())
    }

    fn check_submission(&self, submission: &Submission) -> Result<(), Refusal> {
        if submission.id.is_empty() || submission.submitter.trim().is_empty() || submission.rows.is_empty() {
            return Err(refusal("填报须有编号、填报人和至少一行", "a submission needs an id, a submitter and a row"));
        }
        if self.by_id.contains_key(&entry_id(&submission.id, 0)) {
            return Err(refusal("这份填报已经提交过", "this submission was handed in already"));
        }
        let mut seen: BTreeMap<(&str, &str), Vec<Period>> = BTreeMap::new();
        for row in &submission.rows {
            let Some(period) = Period::parse(&row.period) else {
                return Err(refusal(format!("统计期 {} 写法不对", row.period), format!("{} is not a period", row.period)));
            };
            let same = seen.entry((&row.item, &row.institution)).or_default();
            if same.contains(&period) || self.find(&self.waiting, row, period).is_some() {
                let (item, period) = (&row.item, &row.period);
                return Err(refusal(
                    format!("{item} {period} 已有待审核的填报：先审核或退回"),
                    format!("{item} {period} already waits for approval: approve or reject it first"),
                ));
            }
            same.push(period);
        }
        Ok(())
    }

    fn check_ruling(&self, ruling: &Ruling, approves: bool) -> Result<(), Refusal> {
        if ruling.by.trim().is_empty() || ruling.entries.is_empty() {
            return Err(refusal("须写明审核人和所审核的填报", "who rules on which entries is needed"));
        }
        if !approves && ruling.reason.trim().is_empty() {
            return Err(refusal("退回须写明原因", "a rejection needs a reason"));
        }
        for (at, id) in ruling.entries.iter().enumerate() {
            let entry = self.entry(id).ok_or_else(|| refusal(format!("没有填报 {id}"), format!("there is no entry {id}")))?;
            if entry.state != State::Submitted || ruling.entries.iter().take(at).any(|e| e == id) {
                return Err(refusal(format!("填报 {id} 已经审核过"), format!("entry {id} was ruled on already")));
            }
            if is_same_person(&entry.submitter, &ruling.by) {
                return Err(refusal(
                    format!("填报 {id} 须由填报人以外的第二人审核"),
                    format!("entry {id} is to be ruled on by a second person, not its submitter"),
                ));
            }
        }
        Ok(())
    }

    fn find(&self, among: &BTreeMap<Place, BTreeMap<(i64, i64), usize>>, row: &Row, period: Period) -> Option<usize> {
        among.get(&place(row))?.get(&(period.first, period.last)).copied()
    }

    fn submit(&mut self, submission: &Submission) {
        for (at, row) in submission.rows.iter().enumerate() {
            let Some(period) = Period::parse(&row.period) else { continue };
            let (id, index) = (entry_id(&submission.id, at), self.entries.len());
            self.by_id.insert(id.clone(), index);
            self.waiting.entry(place(row)).or_default().insert((period.first, period.last), index);
            self.entries.push(Entry {
                id,
                row: row.clone(),
                period,
                submitter: submission.submitter.clone(),
                submitted_us: submission.at_us,
                state: State::Submitted,
                ruled_by: String::new(),
                ruled_us: 0,
                reason: String::new(),
                version: 0,
            });
        }
    }

    fn rule(&mut self, ruling: &Ruling, approves: bool) {
        for id in &ruling.entries {
            let Some(index) = self.by_id.get(id).copied() else { continue };
            let Some(entry) = self.entries.get_mut(index) else { continue };
            (entry.ruled_by, entry.ruled_us, entry.reason) = (ruling.by.clone(), ruling.at_us, ruling.reason.clone());
            entry.state = if approves { State::Approved } else { State::Rejected };
            let (of, days) = (place(&entry.row), (entry.period.first, entry.period.last));
            if let Some(waiting) = self.waiting.get_mut(&of) {
                waiting.remove(&days);
            }
            if !approves {
                continue;
            }
            let earlier = self.approved.entry(of).or_default().insert(days, index);
            let version = earlier.and_then(|e| self.entries.get_mut(e)).map_or(1, |earlier| {
                earlier.state = State::Replaced;
                earlier.version.saturating_add(1)
            });
            if let Some(entry) = self.entries.get_mut(index) {
                entry.version = version;
            }
        }
    }

    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.get(*self.by_id.get(id)?)
    }

    /// All entries, all versions, in the order in which they were submitted.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What waits for a second person.
    pub fn waiting(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.state == State::Submitted)
    }
}

impl Inputs for Forms {
    fn given(&self, id: &str, institution: &str) -> Vec<Given> {
        let entries = self.approved.get(&(id.to_owned(), institution.to_owned()));
        entries.into_iter().flat_map(BTreeMap::values).filter_map(|at| self.entries.get(*at)).map(given).collect()
    }
}

fn given(entry: &Entry) -> Given {
    Given {
        period: entry.period,
        value: entry.row.value.clone(),
        source: Source::Reported {
            submitter: entry.submitter.clone(),
            approver: entry.ruled_by.clone(),
            version: entry.version,
            evidence: entry.row.evidence.clone(),
            sha256: entry.row.sha256.clone(),
        },
    }
}

/// Values that were configured and reported, together. What was reported and approved for a period comes first.
pub struct Both<'a> {
    pub forms: &'a Forms,
    pub configured: &'a Configured,
}

impl Inputs for Both<'_> {
    fn given(&self, id: &str, institution: &str) -> Vec<Given> {
        let mut all = self.forms.given(id, institution);
        let configured = self.configured.given(id, institution);
        all.extend(configured.into_iter().filter(|c| !all.iter().any(|g| g.period == c.period)).collect::<Vec<_>>());
        all
    }
}

fn place(row: &Row) -> Place {
    (row.item.clone(), row.institution.clone())
}

fn entry_id(submission: &str, at: usize) -> String {
    format!("{submission}.{}", at + 1)
}

/// Names of persons differ by more than blanks and letter case.
fn is_same_person(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

impl Entry {
    /// For people: `2026Q3`.
    pub fn period_name(&self) -> String {
        when::name(self.period)
    }
}
