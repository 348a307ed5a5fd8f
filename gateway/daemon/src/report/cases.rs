//! `cases`: what figures of “基层检查、上级诊断” are made of, case by case, down to the messages and their receipts.

use hutong_commit::store::Store;
use hutong_count::cases::{CaseRow, Outcome, Scope};
use hutong_count::period::Period;
use hutong_paper::{Block, Column, Document, Kind, Meta, Table, Text, Value as Cell};
use hutong_serve::{AdminRefusal, Report, ReportAsk};
use serde_json::{Value, json};

use super::{Form, Made, Query, Written, written, wrong};
use crate::community::Community;
use crate::indicators::names;
use crate::ingest::now_us;

const PARAMETERS: [&str; 10] = ["period", "scope", "institution", "centre", "outcome", "after", "count", "format", "lang", "columns"];
/// Cases told at once, unless fewer are asked for; and at most.
const CASES: usize = 1_000;
const CASES_MAX: usize = 10_000;

/// An entry of the journal that a case was made of.
struct Paper {
    entry: u64,
    receipt: String,
}

/// Entries with their receipts; one that cannot be read has none.
fn papers(store: &Store, entries: &[u64]) -> Vec<Paper> {
    let receipt = |seq: u64| store.entry(seq).map(|e| e.receipt().to_owned()).unwrap_or_default();
    entries.iter().map(|seq| Paper { entry: *seq, receipt: receipt(*seq) }).collect()
}

/// What an outcome is in a scope.
pub(crate) fn outcome(row: &CaseRow, scope: Scope) -> Outcome {
    if row.outcome == Outcome::Counted && !scope.holds(row.modality) { Outcome::OutOfScope } else { row.outcome }
}

/// Which cases are asked for.
pub(crate) struct Filter {
    pub(crate) scope: Scope,
    /// Only what this institution examined or read.
    pub(crate) only: Option<String>,
    /// Examined here.
    pub(crate) exam: Option<String>,
    pub(crate) centre: Option<String>,
    /// `None`: whatever became of it.
    pub(crate) outcome: Option<Outcome>,
}

impl Filter {
    pub(crate) fn takes(&self, row: &CaseRow) -> bool {
        self.only.as_ref().is_none_or(|i| *i == row.exam || *i == row.read)
            && self.exam.as_ref().is_none_or(|i| *i == row.exam)
            && self.centre.as_ref().is_none_or(|c| *c == names::centre_code(row.modality))
            && self.outcome.is_none_or(|o| o == outcome(row, self.scope))
    }
}

pub(super) fn scope(made: &Made<'_>, query: &Query<'_>) -> Result<Scope, AdminRefusal> {
    let Some(code) = query.get("scope") else { return Ok(made.indicators.setting.scope()) };
    Scope::BOTH
        .into_iter()
        .find(|s| s.code() == code)
        .ok_or_else(|| wrong("report.scope", "scope 应为 IMG5 或 ALL4", "scope is IMG5 or ALL4"))
}

pub(super) fn answer(made: &Made<'_>, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
    let query = Query(ask.query);
    query.only(&PARAMETERS)?;
    let (form, lang) = (Form::of(&query, ask.accept)?, query.lang());
    let (text, period) = query.months()?;
    let outcome = match query.get("outcome") {
        None => Some(Outcome::Counted),
        Some("all") => None,
        Some(code) => Some(Outcome::ALL.into_iter().find(|o| o.code() == code).ok_or_else(|| {
            let codes = Outcome::ALL.map(Outcome::code).join(", ");
            wrong("report.outcome", &format!("outcome 应为 all、{codes} 之一"), &format!("outcome is one of all, {codes}"))
        })?),
    };
    let filter = Filter {
        scope: scope(made, &query)?,
        only: query.institution(made, ask.only)?.map(str::to_owned),
        exam: None,
        centre: query.get("centre").map(str::to_owned),
        outcome,
    };
    let after = query.get("after").and_then(|a| a.parse().ok());
    let count = query.get("count").and_then(|c| c.parse().ok()).unwrap_or(CASES).clamp(1, CASES_MAX);
    let (rows, position) = {
        let community = made.community.read();
        (community.cases.cases(period, after, count, |row| filter.takes(row)), community.applied())
    };
    let all: Vec<Value> = {
        let community = made.community.read();
        rows.iter().map(|row| told(&community, row, &filter, period)).collect()
    };
    let all: Vec<Value> = all.into_iter().zip(&rows).map(|(it, row)| with_papers(made.store, it, row)).collect();
    let lines: String = all.iter().map(|c| format!("{c}\n")).collect();
    let next = (rows.len() >= count).then(|| rows.last().map(|r| r.case)).flatten();
    let json = json!({
        "report": "cases", "period": text, "scope": filter.scope.code(), "journalPosition": position, "cases": all, "next": next,
    });
    let document = document(&text, &filter, &rows, &all, position);
    let name = format!("cases-{}", text.replace("..", "_"));
    written(
        made,
        form,
        &Written { document: &document, json: &json, lines: &lines, name: &name, fhir: None, columns: query.columns() },
        lang,
    )
}

/// A case for programs.
fn told(community: &Community, row: &CaseRow, filter: &Filter, period: Period) -> Value {
    let name = |code: &str| names::institution(&community.registry, code, period).zh.into_owned();
    let outcome = outcome(row, filter.scope);
    let person = row.person.and_then(|p| community.register.community_id(hutong_identify::PersonId(p)));
    json!({
        "case": row.case, "scope": filter.scope.code(), "outcome": outcome.code(), "outcomeText": outcome.zh(),
        "exam": row.exam, "examName": name(&row.exam), "read": row.read, "readName": name(&row.read),
        "centre": names::centre_code(row.modality), "modality": row.modality.code(), "checkup": row.checkup, "person": person,
        "reported": Cell::Moment(row.reported_us).json(hutong_paper::Lang::Zh),
        "orderToReportMinutes": row.order_to_report, "examToReportMinutes": row.exam_to_report, "critical": row.critical,
    })
}

fn with_papers(store: &Store, mut it: Value, row: &CaseRow) -> Value {
    let of = |p: &Paper| json!({ "entry": p.entry, "receipt": p.receipt });
    it["evidence"] = papers(store, &row.evidence).iter().map(of).collect();
    it["report"] = papers(store, &[row.report]).first().map_or(Value::Null, of);
    it
}

fn document(text: &str, filter: &Filter, rows: &[CaseRow], told: &[Value], position: u64) -> Document {
    let minutes = |m: Option<u32>| m.map_or(Cell::Empty, |m| Cell::Duration(i64::from(m) * 60));
    let cells = |(row, it): (&CaseRow, &Value)| {
        let text = |name: &str| Cell::Text(it[name].as_str().unwrap_or_default().to_owned());
        let receipts: Vec<&str> = it["evidence"].as_array().into_iter().flatten().filter_map(|e| e["receipt"].as_str()).collect();
        let outcome = outcome(row, filter.scope);
        vec![
            Cell::Integer(i64::from(row.case)),
            Text::new(outcome.zh(), outcome.en()).into(),
            text("examName"),
            text("readName"),
            names::modality(row.modality).into(),
            Cell::Moment(row.reported_us),
            minutes(row.order_to_report),
            minutes(row.exam_to_report),
            Cell::Text(receipts.join(" ")),
            Cell::Text(it["report"]["receipt"].as_str().unwrap_or_default().to_owned()),
        ]
    };
    let table = Table {
        key: "cases".to_owned(),
        title: Text::new("病例", "Cases"),
        columns: vec![
            Column::new("case", "病例", "case", Kind::Integer),
            Column::new("outcome", "计数", "outcome", Kind::Text),
            Column::new("exam", "检查机构", "examined at", Kind::Text),
            Column::new("read", "诊断机构", "read at", Kind::Text),
            Column::new("modality", "类别", "modality", Kind::Text),
            Column::new("reported", "首次报告", "first report", Kind::Moment),
            Column::new("orderToReport", "申请至报告", "order to report", Kind::Duration),
            Column::new("examToReport", "检查至报告", "examination to report", Kind::Duration),
            Column::new("evidence", "检查消息回执", "receipts of the examination", Kind::Text),
            Column::new("report", "报告消息回执", "receipt of the report", Kind::Text),
        ],
        rows: rows.iter().zip(told).map(cells).collect(),
        totals: None,
        footnotes: Vec::new(),
    };
    Document {
        title: Text::new("“基层检查、上级诊断”病例", "Cases examined below and diagnosed above"),
        subtitle: Text::default(),
        meta: Meta {
            definitions: vec![super::indicators::rule()],
            scope: Text::same(filter.scope.code()),
            period: Text::same(text.to_owned()),
            journal_position: position,
            made_at_us: now_us(),
        },
        blocks: vec![Block::Table(table)],
    }
}
