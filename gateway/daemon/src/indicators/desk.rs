//! Figures that people report: handing in, approving, rejecting. Each is one act in the journal with one event; a form that
//! the journal does not hold does not count.

use hutong_count::indicators::Definition;
use hutong_count::indicators::forms::{self, Act, Entry, Row, Ruling, State, Submission};
use hutong_count::period::{Period, day_of};
use hutong_fhir::sheet::Fault;
use hutong_identify::registry::Registry;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Indicators;
use crate::community::Community;
use crate::ingest::now_us;

/// Entries told at once.
const SHOWN: usize = 1_000;

/// Rows that somebody hands in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Submit {
    pub(crate) by: String,
    /// CSV or TSV.
    pub(crate) text: String,
    /// Files that prove them: rows may leave out what these say.
    #[serde(default)]
    pub(crate) evidence: Vec<Evidence>,
    #[serde(default, rename = "dryRun")]
    pub(crate) dry_run: bool,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evidence {
    pub(crate) name: String,
    pub(crate) sha256: String,
}

/// The second person's word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) by: String,
    pub(crate) entries: Vec<String>,
    #[serde(default)]
    pub(crate) reason: String,
}

/// Why nothing was done.
pub(crate) enum Refused {
    Table(Vec<Fault>),
    Act(forms::Refusal),
}

impl Indicators {
    /// The act of handing in rows, which is judged and not done yet. `id`: of the submission, unique.
    pub(crate) fn submission(&self, community: &Community, asked: &Submit, id: &str) -> Result<Act, Refused> {
        let at_us = now_us();
        let known = |code: &str| is_known(&community.registry, code, at_us);
        let evidence: Vec<(String, String)> = asked.evidence.iter().map(|e| (e.name.clone(), e.sha256.clone())).collect();
        let rows: Vec<Row> = forms::rows_with(&self.library, &asked.text, day_of(at_us), &known, &evidence).map_err(Refused::Table)?;
        let act = Act::Submitted(Submission { id: id.to_owned(), at_us, submitter: asked.by.clone(), rows });
        community.forms.check(&act).map_err(Refused::Act)?;
        Ok(act)
    }

    /// The act of approving or rejecting, which is judged and not done yet.
    pub(crate) fn ruling(&self, community: &Community, asked: Rule, approves: bool) -> Result<Act, Refused> {
        let ruling = Ruling { at_us: now_us(), by: asked.by, entries: asked.entries, reason: asked.reason };
        let act = if approves { Act::Approved(ruling) } else { Act::Rejected(ruling) };
        community.forms.check(&act).map_err(Refused::Act)?;
        Ok(act)
    }

    /// What was reported, the youngest first: by state, item and period.
    pub(crate) fn reported(&self, community: &Community, query: &[(String, String)]) -> Value {
        let asked = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty());
        let period = asked("period").and_then(Period::parse);
        let state = |e: &Entry| match e.state {
            State::Submitted => "submitted",
            State::Approved => "approved",
            State::Rejected => "rejected",
            State::Replaced => "replaced",
        };
        let fits = |e: &&Entry| {
            asked("state").is_none_or(|s| s == state(e))
                && asked("item").is_none_or(|i| i == e.row.item)
                && period.is_none_or(|p| p == e.period)
        };
        let title = |id: &str| {
            let of_definition = self.library.definition(id).map(|d| d.title.clone());
            of_definition.or_else(|| self.library.title(id)).unwrap_or_default()
        };
        let told = |e: &Entry| {
            json!({
                "entry": e.id, "item": e.row.item, "title": title(&e.row.item), "period": e.period_name(), "institution": e.row.institution,
                "value": e.row.value, "unit": e.row.unit, "evidence": e.row.evidence, "sha256": e.row.sha256, "note": e.row.note,
                "state": state(e), "version": e.version, "submitter": e.submitter, "submittedUs": e.submitted_us,
                "ruledBy": e.ruled_by, "ruledUs": e.ruled_us, "reason": e.reason,
            })
        };
        let all: Vec<Value> = community.forms.entries().iter().rev().filter(fits).take(SHOWN).map(told).collect();
        json!({ "entries": all, "waiting": community.forms.waiting().count() })
    }

    /// An empty form for what is to be reported here.
    pub(crate) fn form(&self, period: &str) -> String {
        forms::template(&self.library, period, |d: &Definition| self.applies(d))
    }
}

fn is_known(registry: &Registry, code: &str, at_us: i64) -> bool {
    registry.institution(code, at_us).is_some() || registry.has_institution(code)
}
