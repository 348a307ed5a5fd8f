//! `recognition`: the figures of mutual recognition (`gateway/docs/recognition-figures.md`), their adjustments, and the
//! postings behind a figure down to the messages.

use hutong_count::period::{Period, date_of, day_of};
use hutong_count::recognition::definition::{DEFINITIONS, Value as Figured};
use hutong_count::recognition::{By, Counter, Counts, Definition, Filter, Posted, Posting, Row, report, trace};
use hutong_enforce::recognition::record::Record;
use hutong_paper::{Block, Column, Document, Kind, Meta, Table, Text, Value as Cell};
use hutong_serve::{AdminRefusal, Report, ReportAsk};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Form, Made, Query, Written, recount, share, written, wrong};
use crate::community::Community;
use crate::ingest::now_us;
use crate::recognition::RECOGNITION;

const PARAMETERS: [&str; 10] = ["period", "by", "institution", "format", "lang", "columns", "recount", "cases", "row", "count"];
/// Postings told at once, unless fewer are asked for; and at most.
const CASES: usize = 1_000;
const CASES_MAX: usize = 10_000;

/// What is asked.
struct Asked {
    text: String,
    by: By,
    filter: Filter,
}

pub(super) fn answer(made: &Made<'_>, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
    let query = Query(ask.query);
    query.only(&PARAMETERS)?;
    let (form, lang) = (Form::of(&query, ask.accept)?, query.lang());
    let (text, period) = query.period()?;
    let by = By::named(query.get("by").unwrap_or("whole")).ok_or_else(|| {
        let names = "whole, institution, department, doctor, item, reason, day, month, quarter";
        wrong("report.by", &format!("by 应为 {names} 之一"), &format!("by is one of {names}"))
    })?;
    // whose token it is sees its own rows, whatever it asks for
    let institution = query.institution(made, ask.only)?.map(str::to_owned);
    let asked = Asked { text, by, filter: Filter { period, institution } };
    if query.is_set("recount") {
        let said = recount::recount(made, &asked.filter)?;
        return Ok(Report { content_type: "application/json; charset=utf-8", file_name: None, bytes: said.to_string().into_bytes() });
    }
    let name = format!("recognition-{}", asked.text.replace("..", "_"));
    if let Some(figure) = query.get("cases") {
        let counters = counters(figure)?;
        let row = query.get("row").map(|r| r.split('|').map(str::to_owned).collect());
        let count = query.get("count").and_then(|c| c.parse().ok()).unwrap_or(CASES).min(CASES_MAX);
        let cases = Cases::of(made, &asked, &Posted { counters, row, count });
        let lines: String = cases.json.iter().map(|c| format!("{c}\n")).collect();
        let json = json!({ "report": "recognition-cases", "period": asked.text, "journalPosition": cases.position, "cases": cases.json });
        let name = format!("{name}-cases");
        let report = Written { document: &cases.document, json: &json, lines: &lines, name: &name, fhir: None, columns: query.columns() };
        return written(made, form, &report, lang);
    }
    let (rows, told, document) = {
        let community = made.community.read();
        let rows = report(&community.figures, &asked.filter, asked.by);
        (json(&community, &asked, &rows), lines(&community, &asked, &rows), document(&community, &asked, &rows))
    };
    let report = Written { document: &document, json: &rows, lines: &told, name: &name, fhir: None, columns: query.columns() };
    written(made, form, &report, lang)
}

/// The figures by institution, for a page.
pub(crate) fn page(community: &Community, text: &str, period: Period, only: Option<&str>) -> Document {
    let filter = Filter { period, institution: only.map(str::to_owned) };
    let asked = Asked { text: text.to_owned(), by: By::Institution, filter };
    document(community, &asked, &report(&community.figures, &asked.filter, asked.by))
}

/// The counters of a figure, or a counter itself; `all`: every one.
fn counters(figure: &str) -> Result<Vec<Counter>, AdminRefusal> {
    if figure == "all" {
        return Ok(Counter::ALL.to_vec());
    }
    let of = DEFINITIONS.iter().find(|d| d.id == figure || d.id.strip_prefix("recognition.") == Some(figure)).map(Definition::counters);
    of.or_else(|| Counter::ALL.iter().find(|c| c.code() == figure).map(|c| vec![*c])).ok_or_else(|| {
        let ids: Vec<&str> = DEFINITIONS.iter().map(|d| d.id).collect();
        let ids = ids.join(", ");
        wrong("report.figure", &format!("没有这个指标；可用：all, {ids}"), &format!("there is no such figure; there are: all, {ids}"))
    })
}

fn percent(value: Figured) -> Option<Decimal> {
    let Figured::Share { numerator, denominator } = value else { return None };
    share(numerator, denominator)
}

fn number(value: Figured) -> Value {
    match value {
        Figured::Share { .. } => {
            percent(value).and_then(|p| p.to_string().parse::<serde_json::Number>().ok()).map_or(Value::Null, Value::Number)
        }
        Figured::Number(n) | Figured::Fen(n) => n.into(),
    }
}

fn told(counts: &Counts) -> Value {
    counts.iter().map(|(c, n)| (c.code().to_owned(), n.into())).collect::<serde_json::Map<String, Value>>().into()
}

/// The names of a row, each with what the registries call it.
fn named(community: &Community, asked: &Asked, names: &[String]) -> Vec<(&'static str, String, String)> {
    let at_us = asked.filter.period.moments().1.saturating_sub(1);
    let at_us = at_us.min(now_us());
    let institution = names.first().map_or("", String::as_str);
    let registry = &community.registry;
    let name = |column: &str, code: &str| match column {
        "institution" => registry.institution(code, at_us).map(|i| i.name.clone()),
        "department" => registry.department(institution, code, at_us).map(|d| d.name.clone()),
        "doctor" => registry.practitioner(institution, code, at_us).map(|p| p.name.clone()),
        "item" => registry.item(code, at_us).map(|i| i.name.clone()),
        "reason" => community.tables.reasons.get(code).map(|r| r.zh.clone()),
        _ => None,
    };
    asked.by.columns().iter().zip(names).map(|(column, code)| (*column, code.clone(), name(column, code).unwrap_or_default())).collect()
}

fn scope(asked: &Asked) -> String {
    asked.filter.institution.clone().unwrap_or_else(|| "community".to_owned())
}

fn is_closed(period: Period) -> bool {
    day_of(now_us()) > period.last
}

fn json(community: &Community, asked: &Asked, rows: &[Row]) -> Value {
    let figure = |d: &Definition, row: &Row| {
        let (published, after) = (d.value(&row.published), d.value(&row.after));
        let mut it = json!({ "figure": d.id, "definitionVersion": d.version, "published": number(published), "value": number(after) });
        if let Figured::Share { numerator, denominator } = after {
            it["numerator"] = numerator.into();
            it["denominator"] = denominator.into();
        }
        it
    };
    let row = |row: &Row| {
        let mut it = json!({});
        for (column, code, name) in named(community, asked, &row.names) {
            it[column] = json!(code);
            if !name.is_empty() {
                it[format!("{column}Name")] = json!(name);
            }
        }
        it["published"] = told(&row.published);
        let adjustment =
            |a: &hutong_count::recognition::Adjustment| json!({ "date": date_of(a.day), "cause": a.cause, "counts": told(&a.counts) });
        it["adjustments"] = row.adjustments.iter().map(adjustment).collect();
        it["counts"] = told(&row.after);
        it["figures"] = DEFINITIONS.iter().map(|d| figure(d, row)).collect();
        it
    };
    let definition = |d: &Definition| json!({ "id": d.id, "version": d.version, "zh": d.zh, "en": d.en, "formula": d.formula() });
    json!({
        "report": "recognition",
        "period": asked.text,
        "first": date_of(asked.filter.period.first),
        "last": date_of(asked.filter.period.last),
        "closed": is_closed(asked.filter.period),
        "scope": scope(asked),
        "journalPosition": community.applied(),
        "definitions": DEFINITIONS.iter().map(definition).collect::<Vec<_>>(),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

/// One line a row and figure.
fn lines(community: &Community, asked: &Asked, rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let names = named(community, asked, &row.names);
        for d in DEFINITIONS {
            let (published, after) = (d.value(&row.published), d.value(&row.after));
            let unit = match after {
                Figured::Share { .. } => "%",
                Figured::Number(_) => "1",
                Figured::Fen(_) => "fen",
            };
            let mut line = json!({ "figure": d.id, "definitionVersion": d.version, "scope": scope(asked), "period": asked.text });
            for (column, code, _) in &names {
                line[*column] = json!(code);
            }
            if let Figured::Share { numerator, denominator } = after {
                line["numerator"] = numerator.into();
                line["denominator"] = denominator.into();
            }
            line["value"] = number(after);
            line["unit"] = json!(unit);
            line["published"] = number(published);
            let of = |a: &hutong_count::recognition::Adjustment| {
                let counts: serde_json::Map<String, Value> =
                    a.counts.iter().filter(|(c, _)| d.counters().contains(c)).map(|(c, n)| (c.code().to_owned(), n.into())).collect();
                (!counts.is_empty()).then(|| json!({ "date": date_of(a.day), "cause": a.cause, "counts": counts }))
            };
            line["adjustments"] = row.adjustments.iter().filter_map(of).collect();
            line["journalPosition"] = community.applied().into();
            out.push_str(&line.to_string());
            out.push('\n');
        }
    }
    out
}

/// Columns of the names of rows: code and name.
fn name_columns(by: By) -> Vec<Column> {
    let titles = |column: &str| match column {
        "institution" => ("机构", "institution"),
        "department" => ("科室", "department"),
        "doctor" => ("医师", "doctor"),
        "item" => ("项目", "item"),
        "reason" => ("不互认原因", "reason"),
        "day" => ("日期", "day"),
        "month" => ("月份", "month"),
        _ => ("季度", "quarter"),
    };
    let mut out = Vec::new();
    for column in by.columns() {
        let (zh, en) = titles(column);
        out.push(Column { key: (*column).to_owned(), title: Text::new(zh, en), kind: Kind::Text, align: None, is_data: false });
        if matches!(*column, "institution" | "department" | "doctor" | "item" | "reason") {
            let title = Text::new(format!("{zh}名称"), format!("{en} name"));
            out.push(Column { key: format!("{column}Name"), title, kind: Kind::Text, align: None, is_data: false });
        }
    }
    out
}

fn name_cells(community: &Community, asked: &Asked, names: &[String]) -> Vec<Cell> {
    let mut out = Vec::new();
    for (column, code, name) in named(community, asked, names) {
        out.push(Cell::Text(code));
        if matches!(column, "institution" | "department" | "doctor" | "item" | "reason") {
            out.push(if name.is_empty() { Cell::Empty } else { Cell::Text(name) });
        }
    }
    out
}

/// A column a figure, and the counters that it is made of.
fn figure_columns(by: By) -> Vec<(Column, Shown)> {
    if by == By::Reason {
        let counter = |c: Counter| (Column::new(c.code(), c.zh(), c.en(), Kind::Integer), Shown::Counter(c));
        return vec![counter(Counter::Refused), counter(Counter::Uncounted)];
    }
    let mut out = Vec::new();
    for d in DEFINITIONS {
        let kind = match d.value(&Counts::default()) {
            Figured::Share { .. } => Kind::Percent,
            Figured::Number(_) => Kind::Integer,
            Figured::Fen(_) => Kind::Money,
        };
        out.push((Column::new(d.id, d.zh, d.en, kind), Shown::Figure(d)));
    }
    for c in Counter::ALL.iter().filter(|c| !matches!(c, Counter::Views | Counter::SavedFen)) {
        out.push((Column::new(c.code(), c.zh(), c.en(), Kind::Integer), Shown::Counter(*c)));
    }
    out
}

#[derive(Clone, Copy)]
enum Shown {
    Figure(&'static Definition),
    Counter(Counter),
}

impl Shown {
    fn cell(self, counts: &Counts) -> Cell {
        match self {
            Shown::Counter(c) => Cell::Integer(counts.get(c)),
            Shown::Figure(d) => match d.value(counts) {
                Figured::Number(n) => Cell::Integer(n),
                Figured::Fen(n) => Cell::Money(n),
                share @ Figured::Share { .. } => percent(share).map_or(Cell::Empty, Cell::Percent),
            },
        }
    }
}

fn document(community: &Community, asked: &Asked, rows: &[Row]) -> Document {
    let shown = figure_columns(asked.by);
    let table = |key: &str, title: Text, counts: fn(&Row) -> &Counts| {
        let mut columns = name_columns(asked.by);
        columns.extend(shown.iter().map(|(c, _)| c.clone()));
        let cells = |row: &Row| {
            let mut cells = name_cells(community, asked, &row.names);
            cells.extend(shown.iter().map(|(_, s)| s.cell(counts(row))));
            cells
        };
        let rows = rows.iter().map(cells).collect();
        Block::Table(Table { key: key.to_owned(), title, columns, rows, totals: None, footnotes: Vec::new() })
    };
    let adjusted = rows.iter().any(|r| !r.adjustments.is_empty());
    let title =
        if adjusted { Text::new("期末公布数", "As published at the end of the period") } else { Text::new("互认统计", "Figures") };
    let mut blocks = vec![table("recognition", title, |r| &r.published)];
    if adjusted {
        blocks.push(adjustments(community, asked, rows));
        blocks.push(table("recognition-after", Text::new("调整后", "After adjustments"), |r| &r.after));
    }
    let notes = DEFINITIONS.iter().map(|d| {
        let say =
            |name: fn(Counter) -> &'static str| d.counters().into_iter().map(|c| format!("{} = {}", c.code(), name(c))).collect::<Vec<_>>();
        let (zh, en) = (say(Counter::zh).join("，"), say(Counter::en).join(", "));
        Text::new(
            format!("{}（{} v{}）= {}；{zh}", d.zh, d.id, d.version, d.formula()),
            format!("{} ({} v{}) = {}; {en}", d.en, d.id, d.version, d.formula()),
        )
    });
    blocks.push(Block::Notes(notes.collect()));
    Document {
        title: Text::new("检查检验结果互认统计", "Mutual recognition of results"),
        meta: meta(community, asked),
        blocks,
        ..Document::default()
    }
}

fn meta(community: &Community, asked: &Asked) -> Meta {
    let Period { first, last } = asked.filter.period;
    let closed = is_closed(asked.filter.period);
    let period = |state: &str| format!("{} ({}..{}) {state}", asked.text, date_of(first), date_of(last));
    let definition = |d: &Definition| hutong_paper::Definition { id: d.id.to_owned(), version: d.version.to_string() };
    Meta {
        definitions: DEFINITIONS.iter().map(definition).collect(),
        scope: asked.filter.institution.clone().map_or(Text::new("全部机构", "all institutions"), Text::same),
        period: Text::new(period(if closed { "已结束" } else { "未结束" }), period(if closed { "ended" } else { "running" })),
        journal_position: community.applied(),
        made_at_us: now_us(),
    }
}

fn adjustments(community: &Community, asked: &Asked, rows: &[Row]) -> Block {
    let mut columns = name_columns(asked.by);
    columns.extend([
        Column::new("date", "调整日期", "date", Kind::Date),
        Column::new("cause", "原因", "cause", Kind::Text),
        Column::new("counter", "计数", "counter", Kind::Text),
        Column::new("published", "公布数", "published", Kind::Integer),
        Column::new("adjustment", "调整", "adjustment", Kind::Integer),
    ]);
    let mut cells = Vec::new();
    for row in rows {
        for a in &row.adjustments {
            for (counter, amount) in a.counts.iter() {
                let mut line = name_cells(community, asked, &row.names);
                line.extend([
                    Cell::Date(a.day),
                    Cell::Said(Text::new(a.cause.zh(), a.cause.en())),
                    Cell::Said(Text::new(counter.zh(), counter.en())),
                    Cell::Integer(row.published.get(counter)),
                    Cell::Integer(amount),
                ]);
                cells.push(line);
            }
        }
    }
    let title = Text::new("期后调整", "Adjustments after the period");
    Block::Table(Table { key: "adjustments".to_owned(), title, columns, rows: cells, totals: None, footnotes: Vec::new() })
}

/// The postings of a figure, each with the entry of the journal that it comes from.
struct Cases {
    position: u64,
    json: Vec<Value>,
    document: Document,
}

impl Cases {
    fn of(made: &Made<'_>, asked: &Asked, wanted: &Posted) -> Cases {
        let (postings, meta, position) = {
            let community = made.community.read();
            (trace(&community.figures, &asked.filter, asked.by, wanted), meta(&community, asked), community.applied())
        };
        let json: Vec<Value> = postings.iter().map(|p| case(made, p)).collect();
        const TEXTS: [(&str, &str, &str); 14] = [
            ("day", "日期", "day"),
            ("posted", "记账日期", "posted"),
            ("institution", "机构", "institution"),
            ("department", "科室", "department"),
            ("doctor", "医师", "doctor"),
            ("item", "项目", "item"),
            ("counter", "计数", "counter"),
            ("reason", "不互认原因", "reason"),
            ("cause", "记账原因", "cause"),
            ("receipt", "回执", "receipt"),
            ("source", "来源", "source"),
            ("messageType", "类型", "type"),
            ("controlId", "控制号", "control id"),
            ("records", "记录", "records"),
        ];
        let mut columns: Vec<Column> = TEXTS.iter().map(|(key, zh, en)| Column::new(*key, zh, en, Kind::Text)).collect();
        columns.push(Column::new("amount", "数额", "amount", Kind::Integer));
        columns.push(Column::new("seq", "日志序号", "journal entry", Kind::Integer));
        let text = |v: &Value| match v {
            Value::String(s) => s.clone(),
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        let rows = json.iter().map(|c| {
            let mut cells: Vec<Cell> = TEXTS.iter().map(|(key, ..)| Cell::Text(text(&c[*key]))).collect();
            cells.extend(["amount", "seq"].map(|k| c[k].as_i64().map_or(Cell::Empty, Cell::Integer)));
            cells
        });
        let table = Table { key: "cases".to_owned(), columns, rows: rows.collect(), ..Table::default() };
        let title = Text::new("互认统计的明细", "What the figures are made of");
        Cases { position, json, document: Document { title, meta, blocks: vec![Block::Table(table)], ..Document::default() } }
    }
}

fn case(made: &Made<'_>, posting: &Posting) -> Value {
    let mut it = json!(posting);
    it["day"] = json!(date_of(posting.day));
    it["posted"] = json!(date_of(posting.posted));
    // an entry that cannot be read is shown by its number: the operator looks into the log
    if let Ok(entry) = made.store.entry(posting.seq) {
        it["receipt"] = json!(entry.receipt());
        it["source"] = json!(entry.source());
        it["messageType"] = json!(entry.message_type());
        it["controlId"] = json!(entry.control_id().split('|').next());
        let records = entry.events().filter(|(kind, _)| *kind == RECOGNITION);
        it["records"] = records.filter_map(|(_, body)| serde_json::from_slice(body).ok()).map(|r: Record| json!(r.id())).collect();
    }
    it
}
