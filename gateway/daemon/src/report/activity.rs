//! `activity`: counters of visits, stays, bed days, referrals, operations and prescriptions; of one counter what it is made
//! of, down to the messages and their receipts.

use hutong_count::activity::{Answer, COUNTERS, DEFINITION_VERSION, Figures, Line};
use hutong_count::period::date_of;
use hutong_paper::{Block, Column, Definition, Document, Kind, Meta, Table, Text, Value as Cell};
use hutong_serve::{AdminRefusal, Report, ReportAsk};
use serde_json::{Value, json};

use super::{Form, Made, Query, Written, int, written, wrong};
use crate::ingest::now_us;

const PARAMETERS: [&str; 8] = ["period", "institution", "counter", "after", "count", "format", "lang", "columns"];
/// Lines told at once, unless fewer are asked for; and at most.
const LINES: usize = 1_000;
const LINES_MAX: usize = 10_000;

pub(super) fn answer(made: &Made<'_>, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
    let query = Query(ask.query);
    query.only(&PARAMETERS)?;
    let (form, lang) = (Form::of(&query, ask.accept)?, query.lang());
    let (text, period) = query.period()?;
    let institution = query.institution(made, ask.only)?;
    let name = format!("activity-{}", text.replace("..", "_"));
    let Some(counter) = query.get("counter") else {
        let (figures, position) = {
            let community = made.community.read();
            (community.activity(period, institution), community.applied())
        };
        let rows: Vec<Value> = figures.counters.iter().map(|(id, answer)| told(made, id, answer, &text, institution)).collect();
        let json =
            json!({ "report": "activity", "period": text, "institution": institution, "journalPosition": position, "counters": rows });
        let document = document(&text, position, counters(made, &figures));
        let lines: String = rows.iter().map(|r| format!("{r}\n")).collect();
        let report = Written { document: &document, json: &json, lines: &lines, name: &name, fhir: None, columns: query.columns() };
        return written(made, form, &report, lang);
    };
    if !COUNTERS.iter().any(|(id, ..)| *id == counter) {
        let known = COUNTERS.map(|(id, ..)| id).join(", ");
        return Err(wrong(
            "report.counter",
            &format!("没有这一计数；可用：{known}"),
            &format!("there is no such counter; there are: {known}"),
        ));
    }
    let after = query.get("after").and_then(|a| a.parse().ok()).unwrap_or(0);
    let count = query.get("count").and_then(|c| c.parse().ok()).unwrap_or(LINES).clamp(1, LINES_MAX);
    let (found, position) = {
        let community = made.community.read();
        (community.activity_lines(counter, period, institution, after, count), community.applied())
    };
    let next = (found.len() >= count).then(|| found.last().map(|l| l.first)).flatten();
    let rows: Vec<Value> = found.iter().map(|line| line_of(made, counter, line)).collect();
    let json = json!({
        "report": "activity", "period": text, "institution": institution, "counter": counter, "journalPosition": position,
        "lines": rows, "next": next,
    });
    let document = document(&text, position, table(counter, &found, &rows));
    let lines: String = rows.iter().map(|r| format!("{r}\n")).collect();
    let report = Written { document: &document, json: &json, lines: &lines, name: &name, fhir: None, columns: query.columns() };
    written(made, form, &report, lang)
}

fn title(made: &Made<'_>, id: &str) -> Text {
    let library = &made.indicators.library;
    Text::new(library.title(id).unwrap_or_default(), library.title_en(id).unwrap_or_default())
}

/// A counter for programs.
fn told(made: &Made<'_>, id: &str, answer: &Answer, period: &str, institution: Option<&str>) -> Value {
    let title = title(made, id);
    let mut it = json!({
        "counter": id, "title": title.zh, "titleEn": title.en, "definitionVersion": DEFINITION_VERSION, "period": period,
        "institution": institution, "value": null,
    });
    match answer {
        Answer::Counted(counted) => {
            it["value"] = json!(counted.value);
            it["published"] = json!(counted.published);
            it["excluded"] =
                counted.excluded.iter().map(|(reason, n)| (reason.code().to_owned(), json!(n))).collect::<serde_json::Map<_, _>>().into();
        }
        Answer::Missing { zh, en } => it["missing"] = json!({ "zh": zh, "en": en }),
    }
    it
}

fn counters(made: &Made<'_>, figures: &Figures) -> Table {
    let row = |(id, answer): (&&'static str, &Answer)| {
        let mut cells = vec![Cell::Text((*id).to_owned()), title(made, id).into()];
        match answer {
            Answer::Counted(c) => {
                let list = |name: fn(&hutong_count::activity::Reason) -> &'static str, sep: &str| {
                    c.excluded.iter().map(|(reason, n)| format!("{} {n}", name(reason))).collect::<Vec<_>>().join(sep)
                };
                cells.push(Cell::Integer(c.value));
                cells.push(c.published.map_or(Cell::Empty, Cell::Integer));
                cells.push(Text::new(list(|r| r.zh(), "；"), list(|r| r.en(), "; ")).into());
            }
            Answer::Missing { zh, en } => cells.extend([Cell::Empty, Cell::Empty, Text::new(*zh, *en).into()]),
        }
        cells
    };
    Table {
        key: "counters".to_owned(),
        title: Text::new("计数", "Counters"),
        columns: vec![
            Column::new("counter", "标识", "id", Kind::Text),
            Column::new("title", "计数", "counter", Kind::Text),
            Column::new("value", "现在", "now", Kind::Integer),
            Column::new("published", "结账时", "when closed", Kind::Integer),
            Column::new("excluded", "未计入，或缺什么", "left out, or what is missing", Kind::Text),
        ],
        rows: figures.counters.iter().map(row).collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}

/// What a counter is made of, with the entries that told of it first and last.
fn line_of(made: &Made<'_>, counter: &str, line: &Line) -> Value {
    let paper = |seq: u64| {
        let receipt = made.store.entry(seq).map(|e| e.receipt().to_owned()).unwrap_or_default();
        json!({ "entry": seq, "receipt": receipt })
    };
    json!({
        "counter": counter, "institution": line.institution, "day": date_of(i64::from(line.day)), "count": line.count,
        "reason": line.reason.map(|r| r.code()), "first": paper(line.first), "last": paper(line.last),
    })
}

fn table(counter: &str, found: &[Line], rows: &[Value]) -> Table {
    let row = |(line, it): (&Line, &Value)| {
        let receipt = |of: &str| Cell::Text(it[of]["receipt"].as_str().unwrap_or_default().to_owned());
        vec![
            Cell::Text(line.institution.clone()),
            Cell::Text(date_of(i64::from(line.day))),
            Cell::Integer(line.count),
            line.reason.map_or(Cell::Empty, |r| Text::new(r.zh(), r.en()).into()),
            Cell::Integer(int(line.first)),
            receipt("first"),
            receipt("last"),
        ]
    };
    Table {
        key: counter.to_owned(),
        title: Text::same(counter.to_owned()),
        columns: vec![
            Column::new("institution", "机构", "institution", Kind::Text),
            Column::new("day", "日期", "day", Kind::Text),
            Column::new("count", "数", "count", Kind::Integer),
            Column::new("reason", "未计入的原因", "left out because", Kind::Text),
            Column::new("entry", "日志", "entry", Kind::Integer),
            Column::new("first", "首条消息回执", "receipt of the first message", Kind::Text),
            Column::new("last", "末条消息回执", "receipt of the last message", Kind::Text),
        ],
        rows: found.iter().zip(rows).map(row).collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}

fn document(period: &str, position: u64, table: Table) -> Document {
    Document {
        title: Text::new("诊疗活动", "Activity"),
        subtitle: Text::default(),
        meta: Meta {
            definitions: vec![Definition { id: "activity".to_owned(), version: DEFINITION_VERSION.to_owned() }],
            scope: Text::default(),
            period: Text::same(period.to_owned()),
            journal_position: position,
            made_at_us: now_us(),
        },
        blocks: vec![Block::Table(table)],
    }
}
