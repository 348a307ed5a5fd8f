//! Reports: what is asked of them, and the forms in which they are given. One report is one file here; the command line and
//! `/admin/report/…` ask the same.

mod recognition;
mod recount;

use hutong_commit::store::Store;
use hutong_count::period::Period;
use hutong_fhir::{Finding, Severity};
use hutong_paper::{Document, Lang};
use hutong_serve::{AdminRefusal, Report, ReportAsk};

use crate::community::Shared;

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Form {
    Table,
    Json,
    Ndjson,
    Csv,
    Xlsx,
}

impl Form {
    const ALL: [(Form, &'static str, &'static str); 5] = [
        (Form::Table, "table", "text/plain; charset=utf-8"),
        (Form::Json, "json", "application/json; charset=utf-8"),
        (Form::Ndjson, "ndjson", "application/x-ndjson; charset=utf-8"),
        (Form::Csv, "csv", "text/csv; charset=utf-8"),
        (Form::Xlsx, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Form::ALL.iter().find(|(form, ..)| *form == self).map_or("", |(_, name, _)| name)
    }

    /// Nothing for a terminal.
    pub(crate) fn is_binary(self) -> bool {
        self == Form::Xlsx
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

    fn lang(&self) -> Lang {
        if self.get("lang") == Some("en") { Lang::En } else { Lang::Zh }
    }
}

/// What a report is made from.
pub(crate) struct Made<'a> {
    pub(crate) community: &'a Shared,
    pub(crate) store: &'a Store,
}

/// Answers `/admin/report/…`.
pub(crate) fn answer(made: &Made<'_>, ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
    match ask.path {
        "recognition" => recognition::answer(made, ask),
        _ => Err(AdminRefusal::NoSuchPath),
    }
}

/// A document in a form; of JSON the value itself. `name`: of the file that a browser saves.
fn written(form: Form, document: &Document, json: &serde_json::Value, lines: &str, name: &str, lang: Lang) -> Result<Report, AdminRefusal> {
    let (bytes, saved) = match form {
        Form::Table => (hutong_paper::terminal(document, lang).into_bytes(), false),
        Form::Json => (json.to_string().into_bytes(), false),
        Form::Ndjson => (lines.to_owned().into_bytes(), false),
        Form::Csv => (hutong_paper::csv(document, lang).into_bytes(), true),
        Form::Xlsx => (workbook(document, lang)?, true),
    };
    let file_name = saved.then(|| format!("{name}.{}", form.name()));
    Ok(Report { content_type: form.media(), file_name, bytes })
}

fn workbook(document: &Document, lang: Lang) -> Result<Vec<u8>, AdminRefusal> {
    hutong_paper::xlsx(document, lang).map_err(|error| {
        tracing::error!(rule = "report.xlsx", error = error.to_string(), "a workbook could not be written");
        AdminRefusal::Unavailable
    })
}

fn wrong(rule: &'static str, zh: &str, en: &str) -> AdminRefusal {
    AdminRefusal::Wrong(vec![Finding::new(Severity::Error, rule, "invalid", 0).says(zh, en)])
}
