//! `quarterly`: the report that goes round every quarter (按季度通报). `facts` takes the figures, `write` puts its chapters
//! together, `notes` says how they were counted and how good the data are.

mod centres;
mod facts;
mod left_out;
mod notes;
mod overview;
mod places;
mod write;

use hutong_count::indicators::Figure;
use hutong_count::period::{Period, quarter_of};
use hutong_paper::{Document, Lang, Text};
use hutong_receive::sources::Sources;
use hutong_serve::{AdminRefusal, Report, ReportAsk};
use serde_json::{Value, json};

use super::{Form, Made, Query, Written, fhir, file_part, written};
use crate::community::Community;
use crate::indicators::Indicators;

pub(crate) use facts::target;

const PARAMETERS: [&str; 5] = ["period", "institution", "format", "lang", "columns"];

pub(super) fn answer(made: &Made<'_>, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
    let query = Query(ask.query);
    query.only(&PARAMETERS)?;
    let (form, lang) = (Form::of(&query, ask.accept)?, query.lang());
    let (text, period) = query.months()?;
    let institution = query.institution(made, ask.only)?;
    let (document, figures) = {
        // of one moment: no figure knows more than another
        let community = made.community.read();
        let facts = facts::facts(&community, made.indicators, made.sources, period, institution);
        (write::write(&facts), figures(&community, made.indicators, &facts))
    };
    // the lines of indicators hold more than the table of them
    let rows: Vec<Value> = hutong_paper::ndjson(&document, lang).lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let rows: Vec<Value> = rows.into_iter().filter(|r: &Value| r["table"] != "indicators").collect();
    let indicators: Vec<Value> = figures.iter().filter_map(|f| serde_json::from_str(&f.line()).ok()).collect();
    let lines: String = indicators.iter().chain(&rows).map(|l| format!("{l}\n")).collect();
    let json = json!({
        "report": "quarterly", "period": text, "institution": institution, "area": made.indicators.setting.area,
        "journalPosition": document.meta.journal_position, "indicators": indicators, "rows": rows,
    });
    let of = institution.map(|code| format!("-{}", file_part(code))).unwrap_or_default();
    let name = format!("quarterly-{}{of}", file_part(&text));
    let fhir = || fhir::bundle(made, &figures);
    let report = Written { document: &document, json: &json, lines: &lines, name: &name, fhir: Some(&fhir), columns: query.columns() };
    written(made, form, &report, lang)
}

/// All indicators of whom the report is about; in the community's, of each institution those that are counted from cases.
fn figures(community: &Community, indicators: &Indicators, facts: &facts::Facts) -> Vec<Figure> {
    let mut out = facts.indicators.clone();
    if facts.institution.is_none() {
        for row in &facts.institutions {
            out.extend(indicators.figures(community, facts.period, Some(&row.code), |d| d.scope.is_some()));
        }
    }
    out
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
