//! `indicators`: the figures of the documents that apply here, with what they were made of and what keeps them from being
//! computed; counted anew from the journal where that is asked.

use hutong_commit::error::StoreError;
use hutong_count::cases::{By, DEFINITION, DEFINITION_VERSION, FigureRow, Question, Scope};
use hutong_count::indicators::{Figure, Gap, Origin, Outcome, Provenance};
use hutong_count::period::Period;
use hutong_paper::{Block, Column, Definition, Document, Kind, Meta, Table, Text, Value as Cell};
use hutong_serve::{AdminRefusal, Report, ReportAsk};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Form, Made, Query, Written, written, wrong};
use crate::community::Community;
use crate::indicators::{Indicators, names};
use crate::ingest::now_us;

const PARAMETERS: [&str; 8] = ["period", "institution", "indicator", "document", "recount", "format", "lang", "columns"];

/// The rule by which cases count, as reports name it.
pub(super) fn rule() -> Definition {
    Definition { id: DEFINITION.to_owned(), version: DEFINITION_VERSION.to_owned() }
}

/// What is asked.
struct Asked<'q> {
    text: String,
    period: Period,
    institution: Option<&'q str>,
    indicator: Option<&'q str>,
    document: Option<&'q str>,
}

impl Asked<'_> {
    fn figures(&self, indicators: &Indicators, community: &Community) -> Vec<Figure> {
        indicators.figures(community, self.period, self.institution, |d| {
            self.indicator.is_none_or(|i| i == d.id || i == d.row()) && self.document.is_none_or(|of| of == d.document)
        })
    }
}

pub(super) fn answer(made: &Made<'_>, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
    let query = Query(ask.query);
    query.only(&PARAMETERS)?;
    let (form, lang) = (Form::of(&query, ask.accept)?, query.lang());
    let (text, period) = query.period()?;
    super::begun(period)?;
    let asked = Asked {
        text,
        period,
        institution: query.institution(made, ask.only)?,
        indicator: query.get("indicator"),
        document: query.get("document"),
    };
    if query.is_set("recount") {
        let said = recount(made, &asked)?;
        return Ok(Report { content_type: Form::Json.media(), file_name: None, bytes: said.to_string().into_bytes() });
    }
    let (figures, document) = {
        let community = made.community.read();
        let figures = asked.figures(made.indicators, &community);
        let document = document(made.indicators, &community, &asked, &figures);
        (figures, document)
    };
    if figures.is_empty() {
        return Err(wrong("report.indicator", "没有这个指标，或不适用于本地", "there is no such indicator, or it does not apply here"));
    }
    let lines: Vec<String> = figures.iter().map(Figure::line).collect();
    let json: Vec<Value> = lines.iter().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let position = figures.first().map_or(0, |f| f.journal_position);
    let json = json!({
        "report": "indicators", "period": asked.text, "institution": asked.institution, "area": made.indicators.setting.area,
        "journalPosition": position, "indicators": json,
    });
    let lines = lines.join("\n") + "\n";
    let of = asked.institution.map(|code| format!("-{}", super::file_part(code))).unwrap_or_default();
    let name = format!("indicators-{}{of}", asked.text.replace("..", "_"));
    let fhir = || super::fhir::bundle(made, &figures);
    let report = Written { document: &document, json: &json, lines: &lines, name: &name, fhir: Some(&fhir), columns: query.columns() };
    written(made, form, &report, lang)
}

/// A figure's value as a cell; empty where it cannot be computed.
pub(super) fn cell(figure: &Figure) -> Cell {
    match &figure.outcome {
        Outcome::Number(_) => figure.value_text().parse::<Decimal>().map_or(Cell::Empty, Cell::Decimal),
        Outcome::Text(text) => Cell::Text(text.clone()),
        Outcome::Missing(_) => Text::new("无法计算", "not computable").into(),
    }
}

pub(super) fn met(figure: &Figure) -> Cell {
    match (figure.is_met, figure.progress) {
        (Some(true), _) => Text::new("达到", "reached").into(),
        (Some(false), _) => Text::new("未达到", "not reached").into(),
        _ => Cell::Empty,
    }
}

pub(super) fn target(figure: &Figure) -> Cell {
    let of = |t: &hutong_count::indicators::Target| format!("{}（{}）", t.printed, t.year);
    figure.target.as_ref().map_or(Cell::Empty, |t| Cell::Text(of(t)))
}

pub(super) fn provenance(figure: &Figure) -> Text {
    match (&figure.outcome, figure.provenance) {
        (Outcome::Missing(_), _) => Text::new("—", "—"),
        (_, Provenance::Counted) => Text::new("计数", "counted"),
        (_, Provenance::Computed) => Text::new("计算", "computed"),
        (_, Provenance::Reported) => Text::new("填报", "reported"),
    }
}

/// What is missing, figure by figure.
pub(super) fn gaps(figures: &[Figure]) -> Vec<Text> {
    let one = |figure: &Figure| {
        let Outcome::Missing(gaps) = &figure.outcome else { return None };
        let zh: Vec<String> = gaps.iter().map(|g| format!("{}：{}", g.title, g.zh)).collect();
        let en: Vec<String> = gaps.iter().map(|g| format!("{}: {}", g.title_en, g.en)).collect();
        Some(Text::new(
            format!("{} {}无法计算。{}", figure.indicator, figure.title, zh.join("；")),
            format!("{} {} cannot be computed: {}", figure.indicator, figure.title_en, en.join("; ")),
        ))
    };
    figures.iter().filter_map(one).collect()
}

/// A reason in both languages, which numbers are missing for it, and for which figures.
type Lacking<'f> = ((&'f str, &'f str), Vec<&'f Gap>, Vec<&'f str>);

/// What is missing, by reason.
pub(super) fn gaps_by_reason(figures: &[Figure]) -> Vec<Text> {
    let mut reasons: Vec<Lacking<'_>> = Vec::new();
    for figure in figures {
        let Outcome::Missing(gaps) = &figure.outcome else { continue };
        for gap in gaps {
            let reason = (gap.zh.as_str(), gap.en.as_str());
            let at = reasons.iter().position(|(r, ..)| *r == reason).unwrap_or_else(|| {
                reasons.push((reason, Vec::new(), Vec::new()));
                reasons.len() - 1
            });
            let Some((_, missing, of)) = reasons.get_mut(at) else { continue };
            // two documents may ask for the same thing
            if !missing.iter().any(|g| g.name == gap.name || g.title == gap.title) {
                missing.push(gap);
            }
            if !of.contains(&figure.indicator.as_str()) {
                of.push(&figure.indicator);
            }
        }
    }
    reasons.sort_by_key(|(_, _, of)| std::cmp::Reverse(of.len()));
    let one = |((zh, en), missing, of): ((&str, &str), Vec<&Gap>, Vec<&str>)| {
        let list = |pick: fn(&Gap) -> &str, sep: &str| missing.iter().map(|g| pick(g)).collect::<Vec<_>>().join(sep);
        let of = of.join(" ");
        Text::new(
            format!("{zh}：{}。涉及 {of}。", list(|g| &g.title, "、")),
            format!("{en}: {}. Needed for {of}.", list(|g| &g.title_en, "; ")),
        )
    };
    reasons.into_iter().map(one).collect()
}

/// What was not counted by the gateway, and who answers for it.
pub(super) fn given(figures: &[Figure]) -> Vec<Text> {
    let mut out: Vec<Text> = Vec::new();
    for used in figures.iter().flat_map(|f| &f.inputs).filter(|u| u.origin != Origin::Counted) {
        let hash = if used.evidence_sha256.is_empty() { String::new() } else { format!("，SHA-256 {}", used.evidence_sha256) };
        let text = Text::new(
            format!("{}（{}）{} {}：{}{hash}", used.title, used.period, used.value, used.unit, used.from),
            format!("{} ({}) {} {}: {}{}", used.title_en, used.period, used.value, used.unit, used.from, hash.replace('，', ", ")),
        );
        if !out.contains(&text) {
            out.push(text);
        }
    }
    out
}

/// The figures of one document as a table.
pub(super) fn table(key: &str, title: Text, figures: &[&Figure]) -> Table {
    let row = |f: &&Figure| {
        let number = |n: Option<i64>| n.map_or(Cell::Empty, Cell::Integer);
        vec![
            Cell::Text(f.indicator.clone()),
            Text::new(f.title.clone(), f.title_en.clone()).into(),
            cell(f),
            Cell::Text(f.unit.clone()),
            target(f),
            f.progress.map_or(Cell::Empty, |p| Cell::Percent(p.round_dp(1))),
            met(f),
            provenance(f).into(),
            Cell::Text(f.class.code().to_owned()),
            number(f.persons),
            number(f.cases),
            Cell::Text(f.scope.map_or("", Scope::code).to_owned()),
            Cell::Text(f.definition_version.clone()),
        ]
    };
    Table {
        key: key.to_owned(),
        title,
        columns: vec![
            Column::new("indicator", "标识", "id", Kind::Text),
            Column::new("title", "指标", "indicator", Kind::Text),
            Column::new("value", "数值", "value", Kind::Decimal),
            Column::new("unit", "单位", "unit", Kind::Text),
            Column::new("target", "目标", "target", Kind::Text),
            Column::new("progress", "完成", "of target", Kind::Percent),
            Column::new("met", "结论", "state", Kind::Text),
            Column::new("provenance", "来源", "from", Kind::Text),
            Column::new("class", "类别", "class", Kind::Text),
            Column::new("persons", "人数", "persons", Kind::Integer),
            Column::new("cases", "人次", "cases", Kind::Integer),
            Column::new("scope", "口径", "scope", Kind::Text),
            Column::new("definitionVersion", "定义版本", "definition", Kind::Text),
        ],
        rows: figures.iter().map(row).collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}

fn document(indicators: &Indicators, community: &Community, asked: &Asked<'_>, figures: &[Figure]) -> Document {
    let mut blocks = Vec::new();
    for of in indicators.library.documents() {
        let its: Vec<&Figure> =
            figures.iter().filter(|f| indicators.library.definition(&f.indicator).is_some_and(|d| d.document == of.id)).collect();
        if !its.is_empty() {
            blocks.push(Block::Heading(1, Text::same(format!("{} {}", of.number, of.annex))));
            blocks.push(Block::Table(table(&of.id, Text::same(of.id.clone()), &its)));
        }
    }
    let (gaps, given) = (gaps(figures), given(figures));
    if !given.is_empty() {
        blocks.push(Block::Heading(1, Text::new("填报和配置的数", "Reported and configured numbers")));
        blocks.push(Block::Notes(given));
    }
    if !gaps.is_empty() {
        blocks.push(Block::Heading(1, Text::new("无法计算的指标", "What cannot be computed")));
        blocks.push(Block::Notes(gaps));
    }
    let place = asked.institution.map(|code| names::institution(&community.registry, code, asked.period));
    Document {
        title: Text::new("医共体指标", "Indicators of the medical community"),
        subtitle: place.unwrap_or_else(|| Text::same(indicators.setting.name.clone())),
        meta: Meta {
            definitions: vec![rule()],
            scope: Text::new(
                format!("文件未写明的用 {}", indicators.setting.scope().code()),
                format!("{} where the document leaves it open", indicators.setting.scope().code()),
            ),
            period: Text::same(asked.text.clone()),
            journal_position: community.applied(),
            made_at_us: now_us(),
        },
        blocks,
    }
}

/// Differences that are told; how many there are is told in any case.
const TOLD: usize = 1_000;
/// By what figures are compared.
const ALL: [By; 7] = [By::County, By::Centre, By::Exam, By::Read, By::Modality, By::Month, By::Checkup];

/// `{"equal":…,"journalPosition":…,"differences":[…]}`: the ledger and the figures counted anew from the journal's entries.
fn recount(made: &Made<'_>, asked: &Asked<'_>) -> Result<Value, AdminRefusal> {
    let failed = |error: StoreError| {
        tracing::error!(rule = "report.recount", %error, "the journal could not be read for a recount");
        AdminRefusal::Unavailable
    };
    let (live, position) = {
        let community = made.community.read();
        (Compared::of(made.indicators, &community, asked), community.applied())
    };
    let fresh = made.community.recounted(made.store, position).map_err(failed)?;
    let again = Compared::of(made.indicators, &fresh.read(), asked);
    let mut found = Vec::new();
    for (name, live) in &live.0 {
        let again = again.0.iter().find(|(n, _)| n == name).map(|(_, v)| v);
        if again != Some(live) {
            found.push(json!({ "what": name, "live": live, "recounted": again }));
        }
    }
    for (name, again) in again.0.iter().filter(|(n, _)| !live.0.iter().any(|(m, _)| m == n)) {
        found.push(json!({ "what": name, "live": null, "recounted": again }));
    }
    let different = found.len();
    found.truncate(TOLD);
    Ok(json!({
        "equal": different == 0, "journalPosition": position, "rows": live.0.len(), "different": different, "differences": found,
    }))
}

/// Everything that two counts must agree in, by name.
struct Compared(Vec<(String, Value)>);

impl Compared {
    fn of(indicators: &Indicators, community: &Community, asked: &Asked<'_>) -> Compared {
        let mut out = Vec::new();
        for (scope, by) in Scope::BOTH.into_iter().flat_map(|s| ALL.map(|by| (s, by))) {
            let question = Question { period: asked.period, scope, by, institution: asked.institution.map(str::to_owned) };
            let rows: Vec<FigureRow> = community.cases.figures(&question).map(|f| f.rows).unwrap_or_default();
            out.extend(rows.into_iter().map(|row| (format!("{} {by:?} {}", scope.code(), row.key), json!(row))));
        }
        for (n, adjustment) in community.cases.adjustments(asked.period).into_iter().enumerate() {
            out.push((format!("adjustment {n}"), json!(adjustment)));
        }
        out.push(("size".to_owned(), json!(community.cases.size())));
        let everybody = community.registry.institutions(now_us()).map(|i| Some(i.code.as_str()));
        let places = asked.institution.map_or_else(|| std::iter::once(None).chain(everybody).collect(), |only| vec![Some(only)]);
        for place in places {
            for (counter, answer) in community.activity(asked.period, place).counters {
                out.push((format!("activity {} {counter}", place.unwrap_or("*")), json!(answer)));
            }
        }
        for figure in asked.figures(indicators, community) {
            let line = serde_json::from_str(&figure.line()).unwrap_or(Value::Null);
            out.push((figure.indicator, line));
        }
        Compared(out)
    }
}
