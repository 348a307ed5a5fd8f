//! A figure: its value or what keeps it from being computed, its target, and all it was made of.

use super::definition::{Class, Kind, Origin};
use super::target::Target;
use crate::cases::Scope;
use crate::period::Period;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Places to which figures are shown; targets are judged by the figure before it is rounded.
const PLACES: u32 = 4;

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    Number(Decimal),
    /// A finding in words.
    Text(String),
    /// It cannot be computed, and why.
    Missing(Vec<Gap>),
}

/// One thing that is missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Id of an input or indicator; a part of the formula where that is zero.
    pub name: String,
    /// In Chinese.
    pub title: String,
    pub title_en: String,
    pub zh: String,
    pub en: String,
}

/// How a figure came about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Provenance {
    /// 网关计数: from messages alone.
    Counted,
    /// 计算（含填报或配置数）
    Computed,
    /// 填报: no part of it was counted by the gateway.
    Reported,
}

impl Provenance {
    pub fn code(self) -> &'static str {
        match self {
            Provenance::Counted => "counted",
            Provenance::Computed => "computed-with-reported",
            Provenance::Reported => "reported",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Provenance::Counted => "网关计数",
            Provenance::Computed => "计算（含填报或配置数）",
            Provenance::Reported => "填报",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Provenance::Counted => "counted by the gateway",
            Provenance::Computed => "computed, with reported or configured numbers",
            Provenance::Reported => "reported",
        }
    }
}

/// A number or text that went into a figure, and where it is from.
#[derive(Clone, PartialEq, Debug)]
pub struct Used {
    pub name: String,
    pub title: String,
    pub title_en: String,
    /// As it was used.
    pub value: String,
    pub unit: String,
    pub origin: Origin,
    /// The period it is of, which may be another than the figure's.
    pub period: String,
    /// Who submitted and approved it, evidence and hash; or where it is configured. Empty for counters.
    pub from: String,
    /// SHA-256 of the evidence; empty where there is none.
    pub evidence_sha256: String,
}

/// The figure of an indicator for a period and a place.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    pub indicator: String,
    /// 文号
    pub document: String,
    pub title: String,
    pub title_en: String,
    pub scope: Option<Scope>,
    pub period: String,
    pub days: Period,
    /// `None` = the whole area.
    pub institution: Option<String>,
    /// 人数 and 人次 by either scope, where the indicator has one: both are always computed.
    pub scopes: Vec<(Scope, i64, i64)>,
    /// 人数 and 人次 of the scope, where the indicator has one.
    pub persons: Option<i64>,
    pub cases: Option<i64>,
    /// Persons and cases as published when the period closed, where it is closed.
    pub published: Option<(i64, i64)>,
    pub excluded: BTreeMap<String, i64>,
    pub outcome: Outcome,
    pub kind: Kind,
    pub unit: String,
    /// Of the year, or the next that is printed.
    pub target: Option<Target>,
    /// Of the year's target, for the area it is of: the figure itself, or the year to date where it adds up over the year.
    pub is_met: Option<bool>,
    /// Per cent of the target.
    pub progress: Option<Decimal>,
    /// From the first of January to the end of the period, for figures that add up over the year. Nothing is annualised.
    pub year_to_date: Option<Decimal>,
    pub class: Class,
    pub provenance: Provenance,
    pub definition_version: String,
    pub journal_position: u64,
    pub inputs: Vec<Used>,
    /// Counters beside the figure that are not part of it.
    pub evidence: Vec<Used>,
}

/// As it is shown: rounded half away from zero, without trailing zeros.
pub(super) fn shown(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero).normalize()
}

impl Figure {
    /// The value for people, without unit; empty where it is missing.
    pub fn value_text(&self) -> String {
        match &self.outcome {
            Outcome::Number(n) => shown(*n).to_string(),
            Outcome::Text(t) => t.clone(),
            Outcome::Missing(_) => String::new(),
        }
    }

    /// One line of the report in ndjson, without the line's end.
    pub fn line(&self) -> String {
        let mut line = Map::new();
        let mut put = |name: &str, value: Json| line.insert(name.to_owned(), value);
        put("indicator", json!(self.indicator));
        put("document", json!(self.document));
        put("scope", json!(self.scope.map(Scope::code)));
        put("period", json!(self.period));
        put("institution", json!(self.institution));
        put("persons", json!(self.persons));
        put("cases", json!(self.cases));
        put("value", self.json_value());
        put("unit", json!(self.unit));
        put("target", json!(self.target.as_ref().map(|t| &t.printed)));
        put("class", json!(self.class.code()));
        put("definitionVersion", json!(self.definition_version));
        put("journalPosition", json!(self.journal_position));
        put("excluded", json!(self.excluded));
        put("title", json!(self.title));
        put("titleEn", json!(self.title_en));
        put("provenance", json!(self.provenance.code()));
        let of = |(scope, persons, cases): &(Scope, i64, i64)| (scope.code().to_owned(), json!({"persons": persons, "cases": cases}));
        put("scopes", Json::Object(self.scopes.iter().map(of).collect()));
        put("published", json!(self.published.map(|(persons, cases)| json!({"persons": persons, "cases": cases}))));
        put("targetYear", json!(self.target.as_ref().map(|t| t.year)));
        put("met", json!(self.is_met));
        put("progress", number(self.progress));
        put("yearToDate", number(self.year_to_date));
        put("inputs", self.inputs.iter().map(used).collect());
        put("evidence", self.evidence.iter().map(used).collect());
        if let Outcome::Missing(gaps) = &self.outcome {
            let gap = |g: &Gap| json!({"name": g.name, "title": g.title, "titleEn": g.title_en, "zh": g.zh, "en": g.en});
            put("missing", gaps.iter().map(gap).collect());
        }
        Json::Object(line).to_string()
    }

    fn json_value(&self) -> Json {
        match &self.outcome {
            Outcome::Number(n) => number(Some(*n)),
            Outcome::Text(t) => json!(t),
            Outcome::Missing(_) => Json::Null,
        }
    }
}

fn number(value: Option<Decimal>) -> Json {
    let text = value.map(|v| shown(v).to_string());
    text.and_then(|t| t.parse::<serde_json::Number>().ok()).map_or(Json::Null, Json::Number)
}

fn used(u: &Used) -> Json {
    json!({
        "name": u.name, "title": u.title, "titleEn": u.title_en, "value": u.value, "unit": u.unit, "origin": u.origin.code(), "period": u.period,
        "from": u.from, "evidenceSha256": u.evidence_sha256,
    })
}
