//! What is put on record of mutual recognition: asked and reminded (提醒), viewed (调阅), recognised or not (互认、不互认),
//! revoked (撤销). These are the bodies of journal events of kind `recognition`; figures and the upper platform's records
//! are computed from them.

use super::RuleRef;
use serde::{Deserialize, Serialize};

/// One record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    Asked(Asked),
    Viewed(Viewed),
    Answered(Answered),
    Revoked(Revoked),
}

impl Record {
    /// GUID.
    pub fn id(&self) -> &str {
        match self {
            Record::Asked(r) => &r.id,
            Record::Viewed(r) => &r.id,
            Record::Answered(r) => &r.id,
            Record::Revoked(r) => &r.id,
        }
    }

    pub fn context(&self) -> &Context {
        match self {
            Record::Asked(r) => &r.context,
            Record::Viewed(r) => &r.context,
            Record::Answered(r) => &r.context,
            Record::Revoked(r) => &r.context,
        }
    }

    /// Microseconds since 1970.
    pub fn at_us(&self) -> i64 {
        match self {
            Record::Asked(r) => r.at_us,
            Record::Viewed(r) => r.at_us,
            Record::Answered(r) => r.at_us,
            Record::Revoked(r) => r.at_us,
        }
    }
}

/// What made the gateway look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// 接诊历史提醒: a visit was opened (platforms call it searchType 1).
    Visit,
    /// 开单重复提醒: an order was placed (searchType 2).
    Order,
}

/// Who asked, and about whom.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Context {
    pub institution: String,
    pub department: String,
    pub doctor: String,
    /// `Patient/<id>` of the asking institution.
    pub patient: String,
    /// `ServiceRequest/<id>`, or what the sender calls the order; empty at a visit.
    pub order: String,
    pub visit: String,
    /// `v2`, `fhir`, `cds-hooks`, `page`
    pub channel: String,
    /// Test data: recorded and never counted.
    pub is_test: bool,
}

impl Context {
    /// For what a result is answered, once each: the order, or the visit where there is none yet.
    pub fn occasion(&self) -> &str {
        if self.order.is_empty() { &self.visit } else { &self.order }
    }
}

/// A question and its answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// GUID.
    pub id: String,
    pub at_us: i64,
    pub trigger: Trigger,
    #[serde(flatten)]
    pub context: Context,
    pub items: Vec<AskedItem>,
    /// Time taken, milliseconds.
    pub ms: u32,
    /// Not everything could be looked at in time: the order went through without reminder.
    #[serde(default)]
    pub degraded: bool,
}

/// One item of a question.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AskedItem {
    pub item: String,
    /// `recognise`, `may-repeat`, `excepted`, `no-prior-result`
    pub verdict: String,
    /// Why not: a fall or a reason's code.
    pub because: String,
    pub reminders: Vec<Reminder>,
    /// Results that bore a mark, and those whose certificate was found and valid.
    pub marked: u32,
    pub verified: u32,
}

/// A result of which the doctor was reminded.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Reminder {
    /// GUID; what views and answers name.
    pub id: String,
    pub result: String,
    /// `Patient/<id>` of the result, as the institution that examined knows the person; empty = that of the question.
    pub patient: String,
    pub report: String,
    pub report_number: String,
    pub institution: String,
    pub rule: Option<RuleRef>,
    pub mark: Option<String>,
    pub certificate: Option<String>,
}

/// Somebody opened a result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Viewed {
    pub id: String,
    pub at_us: i64,
    pub reminder: String,
    #[serde(flatten)]
    pub context: Context,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// 互认
    Recognised,
    /// 不互认
    Refused,
}

/// What the doctor decided of a result for an order: once for each pair.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    pub id: String,
    pub at_us: i64,
    pub reminder: String,
    #[serde(flatten)]
    pub context: Context,
    pub item: String,
    pub result: String,
    pub choice: Choice,
    /// Code of the reason of a refusal.
    #[serde(default)]
    pub reason: String,
    /// Whether that reason counts, as the list said then.
    #[serde(default)]
    pub counts: bool,
    #[serde(default)]
    pub diagnosis: String,
    /// Price of what need not be done again, fen; with the table and version it stands in.
    #[serde(default)]
    pub saved_fen: i64,
    #[serde(default)]
    pub price_table: String,
}

/// An answer that was taken back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    pub id: String,
    pub at_us: i64,
    /// The answer's.
    pub answer: String,
    #[serde(flatten)]
    pub context: Context,
}
