//! Mutual recognition of examination and laboratory results (检查检验结果互认): whether an earlier result makes an ordered
//! examination unnecessary.
//!
//! 《医疗机构检查检验结果互认管理办法》(国卫医发〔2022〕6号) gives the frame: what is recognised is data and images, never the
//! doctor's conclusion; a mark (HR) counts only where the laboratory passed external quality assessment (室间质评); six
//! situations permit a repetition; the receiving doctor decides. Which items, for how long, from where and compared by what
//! is the site's rule sets ([`RuleSet`]): without a rule nothing is reminded of.
//!
//! [`decide`] is given everything it may look at. Its answer names rule set, version and line, and for each earlier result
//! why it was taken or fell.

mod certificates;
mod decide;
pub mod desk;
mod marks;
mod reasons;
pub mod record;
mod rules;
mod time;
mod words;

#[cfg(test)]
mod tests;

pub use certificates::{Certificate, Certificates};
pub use decide::{Considered, Fall, ItemRuling, Policy, Ruling, Verdict, decide};
pub use marks::{Mark, Marks};
pub use reasons::{Reason, Reasons};
pub use rules::{Rule, RuleRef, RuleSet, Rules};
pub use time::{Period, moment};

use serde::{Deserialize, Serialize};

/// How far something reaches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// 医共体
    Community,
    /// 县
    County,
    /// 市
    City,
    /// 省
    Province,
    /// 全国
    National,
}

impl Scope {
    pub fn named(name: &str) -> Option<Scope> {
        Some(match name {
            "community" | "医共体" => Scope::Community,
            "county" | "县" => Scope::County,
            "city" | "市" => Scope::City,
            "province" | "省" => Scope::Province,
            "national" | "全国" => Scope::National,
            _ => return None,
        })
    }

    /// How many digits of a region code (GB/T 2260) must agree.
    pub(crate) fn digits(self) -> usize {
        match self {
            Scope::National => 0,
            Scope::Province => 2,
            Scope::City => 4,
            Scope::County | Scope::Community => 6,
        }
    }
}

/// Where care takes place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// 门诊
    Outpatient,
    /// 急诊
    Emergency,
    /// 住院
    Inpatient,
}

/// An institution, as far as rules look at it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Place {
    pub institution: String,
    pub department: String,
    /// GB/T 2260, six digits; empty = not known.
    pub region: String,
    /// 医共体; empty = none.
    pub community: String,
}

impl Place {
    /// Whether another place is within this reach.
    pub(crate) fn reaches(&self, other: &Place, scope: Scope) -> bool {
        match scope {
            Scope::National => true,
            Scope::Community => !self.community.is_empty() && self.community == other.community,
            _ => {
                let digits = scope.digits();
                self.region.get(..digits).is_some_and(|r| other.region.get(..digits) == Some(r))
            }
        }
    }
}

/// What kind of examination an item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// 检验
    #[default]
    Laboratory,
    /// 放射、超声、核医学: images are what is recognised.
    Imaging,
    /// 心电、脑电、肌电: the recording is what is recognised.
    Tracing,
    /// 病理: a conclusion of a doctor, never recognised by itself.
    Pathology,
}

impl ItemKind {
    /// As tables write it.
    pub fn name(self) -> &'static str {
        match self {
            ItemKind::Laboratory => "laboratory",
            ItemKind::Imaging => "imaging",
            ItemKind::Tracing => "tracing",
            ItemKind::Pathology => "pathology",
        }
    }
}

/// An ordered examination.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OrderedItem {
    /// Code in the community's list of items.
    pub item: String,
    pub kind: ItemKind,
    /// As the ordering institution would do it; empty = not known, then not compared.
    pub method: String,
    /// UCUM.
    pub unit: String,
    pub reference: String,
}

/// What is asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// What is ordered: a single item, or the items of a panel.
    pub items: Vec<OrderedItem>,
    /// Microseconds since 1970.
    pub at_us: i64,
    pub setting: Setting,
    /// Who orders.
    pub place: Place,
    /// The order itself: its own results are no earlier ones. Empty = none yet.
    #[serde(default)]
    pub order: String,
    /// Codes of reasons that hold from the start (急诊 as reason 04, say).
    #[serde(default)]
    pub exceptions: Vec<String>,
}

/// State of a result (R4 `observation-status`, `diagnostic-report-status`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    #[default]
    Final,
    Amended,
    Corrected,
    Appended,
    Preliminary,
    Partial,
    Registered,
    Cancelled,
    EnteredInError,
    Unknown,
}

/// An earlier result.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Prior {
    /// Reference of the Observation or DiagnosticReport.
    pub result: String,
    /// Reference of the report that holds it.
    pub report: String,
    /// Orders that it answers.
    pub orders: Vec<String>,
    /// Code in the community's list of items.
    pub item: String,
    pub status: Status,
    /// Times as FHIR writes them, in part or whole.
    pub collected: String,
    pub studied: String,
    pub reported: String,
    /// Who examined.
    pub place: Place,
    pub method: String,
    /// UCUM.
    pub unit: String,
    pub reference: String,
    /// Texts of marks at the item, its name included (★), and at the report.
    pub marks: Vec<String>,
    /// Whether there is a value, image or recording; without one only a conclusion is left.
    pub has_data: bool,
    /// Whether its images or recording can be opened now.
    pub reachable: bool,
    /// Test data.
    pub is_test: bool,
    /// Whose it is, is doubtful: a review of the patient's identity is open.
    pub doubtful_identity: bool,
}
