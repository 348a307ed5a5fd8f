//! What an indicator is: a row of an annex as it was printed, and how its figure is made.

use super::target::Target;
use crate::cases::Scope;
use hutong_enforce::expression::Expression;
use serde::Deserialize;
use std::collections::BTreeMap;

/// From what a figure can be had.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
pub enum Class {
    /// Countable from the gateway's traffic; a population may stand below the line.
    A,
    /// Partly: the rest is configured or reported.
    B,
    /// Reported, with submitter, period and evidence.
    C,
}

impl Class {
    pub fn code(self) -> &'static str {
        match self {
            Class::A => "A",
            Class::B => "B",
            Class::C => "C",
        }
    }
}

/// What a figure is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Percent,
    /// One divided by another, printed without %.
    Ratio,
    Number,
    Money,
    /// A finding in words (定性指标).
    Text,
}

/// How a number behaves over time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// What happened in a period: months add up to quarters, quarters to years.
    Flow,
    /// What is so at the end of a period.
    Stock,
    /// Of exactly one period: distinct persons, averages, shares. Never added.
    Period,
}

/// Where a name's value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Counted by the gateway from messages.
    Counted,
    /// Reported on a form, with evidence, approved by a second person.
    Reported,
    /// Set by whoever runs the gateway, such as a population from the yearbook.
    Configured,
}

impl Origin {
    pub fn code(self) -> &'static str {
        match self {
            Origin::Counted => "counted",
            Origin::Reported => "reported",
            Origin::Configured => "configured",
        }
    }
}

/// A name that expressions use: a line of `inputs.tsv`.
#[derive(Clone, Debug)]
pub struct Input {
    pub id: String,
    pub origin: Origin,
    /// A text rather than a number.
    pub is_text: bool,
    pub over: Over,
    /// Of how many earlier years a stock may stand in, named with its year.
    pub carry_years: u8,
    pub unit: String,
    pub zh: String,
    pub en: String,
    /// Who reports it.
    pub who: String,
    pub note: String,
}

/// A document that prints indicators.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// E.g. `cq-core`; the first part of the ids of its indicators.
    pub id: String,
    /// 文号, e.g. `渝府办发〔2024〕95号`.
    pub number: String,
    pub issuer: String,
    pub title: String,
    /// Of the annex, with its number.
    pub annex: String,
    /// `YYYY-MM-DD`
    pub issued: String,
    /// The administrative division (GB/T 2260) whose targets these are.
    pub area: String,
    /// Of our reading of it; stands on every figure.
    pub version: String,
    pub note: String,
}

/// One indicator, or one part of one that prints two formulas.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Stable, e.g. `cq-core-06`, `mon-05-1`.
    pub id: String,
    /// Id of the document.
    pub document: String,
    /// As printed, `6` or `5（1）`.
    pub number: String,
    pub title: String,
    pub title_en: String,
    /// As printed; the unit of a form row must be the same.
    pub unit: String,
    pub kind: Kind,
    pub over: Over,
    pub class: Class,
    /// As printed, without the page's line breaks; empty where the annex prints none.
    pub formula: String,
    /// The same indicator in another document, where its text differs: (document, text).
    pub also: Vec<(String, String)>,
    /// 数据来源, as printed.
    pub source: String,
    /// Who reports the figure itself, for classes B and C.
    pub who: String,
    pub scope: Option<Scope>,
    /// The document does not say which examinations count: the scope may be configured.
    pub is_scope_open: bool,
    pub targets: Vec<Target>,
    /// What was printed as reached, by year.
    pub reached: BTreeMap<i64, String>,
    pub expression: Option<Expression>,
    /// Counters shown beside the figure; they are not the figure.
    pub evidence: Vec<String>,
    pub note: String,
}

impl Definition {
    /// The row of the annex it belongs to: `mon-05` of `mon-05-1`.
    pub fn row(&self) -> &str {
        let start = self.document.len() + 1;
        let end = self.id.get(start..).and_then(|rest| rest.find('-')).map_or(self.id.len(), |at| start + at);
        self.id.get(..end).unwrap_or(&self.id)
    }
}

/// All definitions and the names they use.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub(super) documents: Vec<Document>,
    pub(super) definitions: Vec<Definition>,
    pub(super) inputs: BTreeMap<String, Input>,
}

impl Library {
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// In the order of documents and rows.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    pub fn definition(&self, id: &str) -> Option<&Definition> {
        self.definitions.iter().find(|d| d.id == id)
    }

    pub fn document(&self, id: &str) -> Option<&Document> {
        self.documents.iter().find(|d| d.id == id)
    }

    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.inputs.values()
    }

    /// `last_year.` before a name is the same thing a year earlier.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.get(name.strip_prefix(super::evaluate::LAST_YEAR).unwrap_or(name))
    }

    /// What a name is called, in English.
    pub fn title_en(&self, name: &str) -> Option<String> {
        let input = self.input(name)?;
        let earlier = if name.starts_with(super::evaluate::LAST_YEAR) { "a year earlier: " } else { "" };
        Some(format!("{earlier}{}", input.en))
    }

    /// What a name is called, in Chinese.
    pub fn title(&self, name: &str) -> Option<String> {
        let input = self.input(name)?;
        let earlier = if name.starts_with(super::evaluate::LAST_YEAR) { "上一年度" } else { "" };
        Some(format!("{earlier}{}", input.zh))
    }
}
