//! Reports: what is asked of them, and the forms in which they are given. One report is one file here; the command line and
//! `/admin/report/…` ask the same.

mod activity;
mod cases;
mod fhir;
mod indicators;
mod quarterly;
mod recognition;
mod recount;
mod work;

use hutong_commit::store::Store;
use hutong_count::period::{Period, date_of, day_of};
use hutong_fhir::{Finding, Severity};
use hutong_identify::registry::Table;
use hutong_paper::{Document, Lang};
use hutong_receive::sources::Sources;
use hutong_serve::{AdminRefusal, Report, ReportAsk};

use rust_decimal::{Decimal, RoundingStrategy};

use crate::community::Shared;
use crate::indicators::Indicators;
use crate::ingest::now_us;

pub(crate) use cases::{Filter, outcome};
pub(crate) use quarterly::{document as quarterly_document, target};
pub(crate) use recognition::page as recognition_document;
pub(crate) use work::work_document;

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Form {
    Table,
    Json,
    Ndjson,
    Csv,
    Xlsx,
    Html,
    Pdf,
    /// MeasureReports in a Bundle: of indicators and the quarterly report.
    Fhir,
}

impl Form {
    const ALL: [(Form, &'static str, &'static str); 8] = [
        (Form::Table, "table", "text/plain; charset=utf-8"),
        (Form::Json, "json", "application/json; charset=utf-8"),
        (Form::Ndjson, "ndjson", "application/x-ndjson; charset=utf-8"),
        (Form::Csv, "csv", "text/csv; charset=utf-8"),
        (Form::Xlsx, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Form::Html, "html", "text/html; charset=utf-8"),
        (Form::Pdf, "pdf", "application/pdf"),
        (Form::Fhir, "fhir", "application/fhir+json; charset=utf-8"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Form::ALL.iter().find(|(form, ..)| *form == self).map_or("", |(_, name, _)| name)
    }

    /// Nothing for a terminal.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Form::Xlsx | Form::Pdf)
    }

    fn media(self) -> &'static str {
        Form::ALL.iter().find(|(form, ..)| *form == self).map_or("", |(.., media)| media)
    }

    /// By `format`, else by what the client accepts; JSON where it has no wish.
    fn of(query: &Query<'_>, accept: &str) -> Result<Form, AdminRefusal> {
        match query.get("format") {
            Some(name) => Form::ALL.iter().find(|(_, n, _)| *n == name).map(|(form, ..)| *form).ok_or_else(|| {
                let names: Vec<&str> = Form::ALL.iter().map(|(_, n, _)| *n).collect();
                wrong("report.format", &format!("format 应为 {} 之一", names.join("、")), &format!("format is one of {}", names.join(", ")))
            }),
            None => {
                let wished = accept.split(',').map(|a| a.split(';').next().unwrap_or("").trim());
                let known = |wish: &str| Form::ALL.iter().find(|(.., media)| media.split(';').next() == Some(wish)).map(|(form, ..)| *form);
                Ok(wished.filter_map(known).next().unwrap_or(Form::Json))
            }
        }
    }
}

/// The parameters of a request; each is to be known.
struct Query<'a>(&'a [(String, String)]);

impl Query<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    fn only(&self, known: &[&str]) -> Result<(), AdminRefusal> {
        match self.0.iter().find(|(n, _)| !known.contains(&n.as_str())) {
            None => Ok(()),
            // a parameter that is ignored gives an answer to another question
            Some(_) => Err(wrong(
                "report.parameter",
                &format!("有不认识的参数；可用：{}", known.join("、")),
                &format!("a parameter is not known; there are: {}", known.join(", ")),
            )),
        }
    }

    fn period(&self) -> Result<(String, Period), AdminRefusal> {
        let text = self.get("period").unwrap_or("");
        let period = Period::parse(text).ok_or_else(|| {
            wrong(
                "report.period",
                "period 应写作 2026、2026Q3、2026-11、2026-11-22 或 2026-11-01..2026-11-22",
                "period is written 2026, 2026Q3, 2026-11, 2026-11-22 or 2026-11-01..2026-11-22",
            )
        })?;
        Ok((text.to_owned(), period))
    }

    /// A period of whole months: cases are counted by the month.
    fn months(&self) -> Result<(String, Period), AdminRefusal> {
        let starts = |day: i64| hutong_fhir::calendar::civil(day).2 == 1;
        let text = self.get("period").unwrap_or("");
        let period = Period::parse(text).filter(|p| starts(p.first) && starts(p.last + 1)).ok_or_else(|| {
            wrong(
                "report.period",
                "period 应为整月、整季或整年，写作 2026-11、2026Q3、2026：病例按整月统计",
                "period is whole months, a quarter or a year, written 2026-11, 2026Q3, 2026: cases are counted by whole months",
            )
        })?;
        begun(period)?;
        Ok((text.to_owned(), period))
    }

    /// The institution that is asked for: one that there is or was. A token's own is taken as it is.
    fn institution<'q>(&'q self, made: &Made<'_>, only: Option<&'q str>) -> Result<Option<&'q str>, AdminRefusal> {
        if only.is_some() {
            return Ok(only);
        }
        let Some(code) = self.get("institution") else { return Ok(None) };
        // without a registry nothing says which there are
        let community = made.community.read();
        if community.registry.version(Table::Institutions).is_none() || community.registry.has_institution(code) {
            return Ok(Some(code));
        }
        Err(wrong(
            "report.institution",
            "机构目录中没有这个机构代码。用 hutong report indicators --period … 不带 --institution 可见各机构，代码以机构目录（hutong import institutions）为准",
            "the registry of institutions has no such code; codes are those of the imported registry (hutong import institutions)",
        ))
    }

    /// The terminal's width, where the report is for one.
    fn columns(&self) -> Option<usize> {
        self.get("columns").and_then(|c| c.parse().ok())
    }

    fn lang(&self) -> Lang {
        if self.get("lang") == Some("en") { Lang::En } else { Lang::Zh }
    }
}

/// Of a period to come there is nothing to report.
fn begun(period: Period) -> Result<(), AdminRefusal> {
    let today = day_of(now_us());
    if period.first <= today {
        return Ok(());
    }
    let (first, today) = (date_of(period.first), date_of(today));
    Err(wrong(
        "report.period",
        &format!("该期自 {first} 起，尚未开始（今天是 {today}）"),
        &format!("the period begins on {first}, which is still to come (today is {today})"),
    ))
}

/// What a report is made from.
pub(crate) struct Made<'a> {
    pub(crate) community: &'a Shared,
    pub(crate) store: &'a Store,
    pub(crate) indicators: &'a Indicators,
    /// Who sends; `None` where only a directory is read.
    pub(crate) sources: Option<&'a Sources>,
}

/// Answers `/admin/report/…`.
pub(crate) fn answer(made: &Made<'_>, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
    match ask.path {
        "recognition" => recognition::answer(made, ask),
        "indicators" => indicators::answer(made, ask),
        "quarterly" => quarterly::answer(made, ask),
        "cases" => cases::answer(made, ask),
        "activity" => activity::answer(made, ask),
        _ => Err(AdminRefusal::NoSuchPath),
    }
}

/// A report before it has a form.
struct Written<'a> {
    document: &'a Document,
    /// The value itself, and its lines.
    json: &'a serde_json::Value,
    lines: &'a str,
    /// Of the file that a browser saves.
    name: &'a str,
    /// As FHIR, where it has such a form.
    fhir: Option<&'a dyn Fn() -> Vec<u8>>,
    /// The terminal's width.
    columns: Option<usize>,
}

/// A code as a part of a file's name.
fn file_part(code: &str) -> String {
    code.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).take(40).collect()
}

/// A document in a form; of JSON the value itself.
fn written(made: &Made<'_>, form: Form, report: &Written<'_>, lang: Lang) -> Result<Report, AdminRefusal> {
    let (bytes, saved) = match form {
        Form::Json => (report.json.to_string().into_bytes(), false),
        Form::Ndjson => (report.lines.to_owned().into_bytes(), false),
        Form::Table => (hutong_paper::terminal(report.document, lang, report.columns).into_bytes(), false),
        Form::Fhir => {
            let written = report.fhir.ok_or_else(|| {
                wrong("report.format", "这份报表没有 FHIR 格式", "this report has no form in FHIR: indicators and quarterly have")
            })?;
            (written(), false)
        }
        form => (bytes(made.indicators, form, report.document, lang)?, matches!(form, Form::Csv | Form::Xlsx | Form::Pdf)),
    };
    let file_name = saved.then(|| format!("{}.{}", report.name, form.name()));
    Ok(Report { content_type: form.media(), file_name, bytes })
}

/// A document as a file.
fn bytes(indicators: &Indicators, form: Form, document: &Document, lang: Lang) -> Result<Vec<u8>, AdminRefusal> {
    let failed = |fault: &hutong_paper::Fault| {
        let said = fault.text();
        tracing::error!(rule = "report.file", form = form.name(), fault = said.of(Lang::En), "a report could not be written");
        wrong("report.file", said.of(Lang::Zh), said.of(Lang::En))
    };
    Ok(match form {
        Form::Table => hutong_paper::terminal(document, lang, None).into_bytes(),
        Form::Json | Form::Ndjson | Form::Fhir => hutong_paper::ndjson(document, lang).into_bytes(),
        Form::Csv => hutong_paper::csv(document, lang).into_bytes(),
        Form::Html => hutong_paper::html_page(document, lang).into_bytes(),
        Form::Xlsx => hutong_paper::xlsx(document, lang).map_err(|f| failed(&f))?,
        Form::Pdf => {
            let fonts = indicators.fonts().map_err(failed)?;
            hutong_paper::pdf(document, lang, fonts).map_err(|f| failed(&f))?
        }
    })
}

fn percent(numerator: i64, denominator: i64) -> hutong_paper::Value {
    share(numerator, denominator).map_or(hutong_paper::Value::Empty, hutong_paper::Value::Percent)
}

/// Hundredths to one place, halves away from zero; `None` where there is nothing to divide by.
fn share(numerator: i64, denominator: i64) -> Option<Decimal> {
    if denominator <= 0 {
        return None;
    }
    let of = Decimal::from(numerator).checked_mul(Decimal::ONE_HUNDRED)?.checked_div(Decimal::from(denominator))?;
    let mut of = of.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    of.rescale(1);
    Some(of)
}

fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn wrong(rule: &'static str, zh: &str, en: &str) -> AdminRefusal {
    AdminRefusal::Wrong(vec![Finding::new(Severity::Error, rule, "invalid", 0).says(zh, en)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_exactly() {
        for (numerator, denominator, expected) in [
            (2, 3, Some("66.7")),
            (1, 2000, Some("0.1")),
            (1, 2001, Some("0.0")),
            (3, 3, Some("100.0")),
            (-1, 3, Some("-33.3")),
            (1, 0, None),
            (0, -1, None),
        ] {
            let got = share(numerator, denominator).map(|p| p.to_string());
            assert_eq!(got.as_deref(), expected, "{numerator}/{denominator}");
        }
    }
}
