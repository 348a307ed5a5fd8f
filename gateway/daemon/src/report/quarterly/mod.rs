//! `quarterly`: the report that goes round every quarter (按季度通报). `facts` takes the figures, `write` puts them into words,
//! tables and charts, `notes` says how they were counted and how good the data are.

mod facts;
mod notes;
mod write;

use hutong_count::period::{Period, quarter_of};
use hutong_paper::{Document, Lang, Text};
use hutong_receive::sources::Sources;
use hutong_serve::{AdminRefusal, Report, ReportAsk};
use serde_json::{Value, json};

use super::{Form, Made, Query, Written, written};
use crate::community::Community;
use crate::indicators::Indicators;

pub(crate) use facts::target;

const PARAMETERS: [&str; 4] = ["period", "institution", "format", "lang"];

pub(super) fn answer(made: &Made<'_>, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
    let query = Query(ask.query);
    query.only(&PARAMETERS)?;
    let (form, lang) = (Form::of(&query, ask.accept)?, query.lang());
    let (text, period) = query.months()?;
    let institution = ask.only.or(query.get("institution"));
    let document = document(&made.community.read(), made.indicators, made.sources, period, institution);
    let lines = hutong_paper::ndjson(&document, lang);
    let rows: Vec<Value> = lines.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let json = json!({
        "report": "quarterly", "period": text, "institution": institution, "journalPosition": document.meta.journal_position, "rows": rows,
    });
    let of = institution.map(|_| "-institution").unwrap_or_default();
    let name = format!("quarterly-{}{of}", text.replace("..", "_"));
    written(made, form, &Written { document: &document, json: &json, lines: &lines, name: &name }, lang)
}

/// The report of whole months: of the community, or of one institution.
pub(crate) fn document(
    community: &Community,
    indicators: &Indicators,
    sources: Option<&Sources>,
    period: Period,
    institution: Option<&str>,
) -> Document {
    write::write(&facts::facts(community, indicators, sources, period, institution))
}

/// `2026年第3季度`, `2026-09`
fn named(period: Period) -> Text {
    let name = hutong_count::indicators::period_name(period);
    if quarter_of(period.first) == name {
        let (year, quarter) = name.split_once('Q').unwrap_or((&name, ""));
        let number = ["一", "二", "三", "四"].get(quarter.parse::<usize>().unwrap_or(1).saturating_sub(1)).copied().unwrap_or("");
        return Text::new(format!("{year}年第{number}季度"), format!("quarter {quarter} of {year}"));
    }
    let zh = match name.split_once('-') {
        Some((year, month)) if month.len() == 2 => format!("{year}年{}月", month.trim_start_matches('0')),
        None if name.len() == 4 => format!("{name}年"),
        _ => name.clone(),
    };
    Text::new(zh, name)
}

fn or(text: &Text, other: &'static str) -> String {
    let shown = text.of(Lang::Zh);
    if shown.is_empty() { other.to_owned() } else { shown.to_owned() }
}
