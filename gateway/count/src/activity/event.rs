//! What a message says of activity. Short names: there is one for nearly every message of a hospital's registration desk.

use serde::{Deserialize, Serialize};

/// Body of an event of kind `activity`. Times are microseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Code of the institution whose activity it is.
    #[serde(rename = "i")]
    pub institution: String,
    /// What it is of: `Encounter/<id>`, `DiagnosticReport/<id>`, number of a prescription.
    #[serde(rename = "k")]
    pub key: String,
    /// When it was said (EVN-2); `None`: when it arrived.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub at_us: Option<i64>,
    /// Test data.
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    pub test: bool,
    #[serde(rename = "o")]
    pub of: Of,
}

/// What kind of activity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    Visit(Visit),
    /// The patient of a visit is referred to another institution.
    Referral {
        /// ServiceRequest/<id>
        request: String,
        /// Code of the institution referred to; empty = not said.
        to: String,
        live: bool,
    },
    /// A procedure of a visit.
    Operation {
        /// Procedure/<id>
        procedure: String,
        start_us: Option<i64>,
        /// 手术级别 1–4; 0 = not said.
        level: u8,
        live: bool,
    },
    /// An ECG.
    Tracing {
        day_us: Option<i64>,
        live: bool,
    },
    /// One drug of a prescription.
    Prescription {
        item: String,
        written_us: Option<i64>,
        /// Of an inpatient: an order for a ward.
        inpatient: bool,
        live: bool,
    },
}

/// What a message does with a visit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// It is to be (A05, A14).
    Planned,
    /// It began (A01, A04, A06, A07).
    Begun,
    /// Something of it is told anew (A08): neither revives what was cancelled nor opens what ended.
    #[default]
    Told,
    /// A03
    Ended,
    /// It did not end (A13).
    Reopened,
    /// It never was (A11, A27, A38), or its number went up in another (A42).
    Cancelled,
}

/// A visit as one message tells it. What is empty is not said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Visit {
    #[serde(rename = "w")]
    pub word: Word,
    /// v3-ActCode: AMB, EMER, IMP, HH …
    #[serde(rename = "c", skip_serializing_if = "String::is_empty")]
    pub class: String,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub start_us: Option<i64>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub end_us: Option<i64>,
    /// Code of the department, or its name.
    #[serde(rename = "d", skip_serializing_if = "String::is_empty")]
    pub department: String,
    /// 离院方式
    #[serde(rename = "l", skip_serializing_if = "String::is_empty")]
    pub disposition: String,
    /// Code of the institution gone to.
    #[serde(rename = "g", skip_serializing_if = "String::is_empty")]
    pub destination: String,
    /// 体检
    #[serde(rename = "p", skip_serializing_if = "is_false")]
    pub checkup: bool,
    /// Neither a number nor a time by which it is known again: each such message would be a visit of its own.
    #[serde(rename = "u", skip_serializing_if = "is_false")]
    pub unnumbered: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(b: &bool) -> bool {
    !*b
}
