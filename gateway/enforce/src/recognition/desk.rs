//! What is asked of mutual recognition and what it answers, whatever protocol the question came in.
//!
//! The one who implements [`Desk`] recalls earlier results and decides; the protocols (HL7 v2, FHIR operations, CDS Hooks,
//! the page) say it in their own words. What is to be put on record comes back as records; the protocol journals them in
//! the entry that also holds its request and its answer.

use super::record::{Answered, Choice, Context, Record, Reminder, Trigger};
use super::{ItemRuling, Setting};
use hutong_fhir::{Finding, Tree};

/// A question: a visit is opened (接诊), or orders are placed (开单).
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    pub trigger: Trigger,
    /// Id of the source or client that asks; by it and the item the site says what becomes of the order ([`Mode`]).
    pub source: String,
    /// Who asks about whom; its `order` is each order's own.
    pub context: Context,
    /// `Patient/<id>` of records that are the same person by events which are not yet in force: those of the message that
    /// asks. The index's own are found without it.
    pub same: Vec<String>,
    /// `None`: not said; taken as outpatient.
    pub setting: Option<Setting>,
    /// Microseconds since 1970.
    pub at_us: i64,
    /// Empty at a visit: then every item for which there is a result to recognise.
    pub orders: Vec<OrderAsked>,
}

/// An order that is about to be placed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OrderAsked {
    /// `ServiceRequest/<id>`, or what the sender calls it.
    pub order: String,
    /// (system, code) of what is ordered, as many as the sender gave.
    pub codes: Vec<(String, String)>,
    /// As the sender wrote it.
    pub name: String,
    /// Codes of reasons that the order itself gives for a repetition.
    pub exceptions: Vec<String>,
}

/// What to do with an order for which there is a result to recognise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// 提醒: the order goes through, with the reminder.
    #[default]
    Remind,
    /// 暂缓: the order waits for the doctor's answer.
    Hold,
    /// 拒绝: the order is not taken; with a reason it may be placed again.
    Refuse,
}

/// The answer to an [`Ask`].
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// GUID of the question.
    pub id: String,
    pub items: Vec<ItemTold>,
    /// Why not everything could be looked at in time: then nothing may be held or refused.
    pub degraded: Option<Degraded>,
    /// Position of the journal at which it was decided.
    pub position: u64,
    /// To be journalled with the protocol's own request and answer.
    pub records: Vec<Record>,
}

/// Why an answer is not whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Degraded {
    /// The time ran out (500 ms).
    Late,
    /// Earlier results could not be read.
    Unreadable,
    /// There are more earlier results than are looked at.
    TooMany,
}

/// The answer on one ordered item.
#[derive(Clone, PartialEq, Debug)]
pub struct ItemTold {
    /// The order's, as it was asked.
    pub order: String,
    /// Name of the item in the community's list; where it is not listed, as the sender wrote it.
    pub name: String,
    pub mode: Mode,
    /// Empty `item`: the code is not in the community's list, and nothing can be said.
    pub ruling: ItemRuling,
    pub reminders: Vec<Shown>,
}

/// A result of which the doctor is reminded, as a person reads it.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    pub reminder: Reminder,
    pub item_name: String,
    pub institution_name: String,
    /// As FHIR writes it.
    pub reported: String,
    /// `7.82 mmol/L ↑ (3.90-6.10)`, or findings of an image.
    pub value: String,
    pub until_us: Option<i64>,
    /// Path of the page that shows it, signed and short-lived, below the gateway's base address; see [`Desk::opens`].
    pub link: String,
}

/// What the doctor answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    /// The reminder that is answered; empty: found by `order` and `result`.
    pub reminder: String,
    pub order: String,
    pub result: String,
    pub context: Context,
    pub at_us: i64,
    pub decision: Decision,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Decision {
    /// 调阅
    View,
    /// 互认
    Recognise,
    /// 不互认
    Refuse { reason: String, diagnosis: String },
    /// 撤销
    Revoke,
}

/// What came of an answer.
#[derive(Clone)]
pub struct Acted {
    /// The Task (CNMutualRecognition), its Provenance, and the order as revoked where it is withdrawn.
    pub resources: Vec<Tree>,
    pub records: Vec<Record>,
    /// The answer that stands now; `None` after a view or a revocation.
    pub standing: Option<Answered>,
}

/// Asks and answers. Calls may block for as long as a reminder may take (500 ms).
pub trait Desk: Send + Sync + 'static {
    /// Decides; never fails: what cannot be had in time makes the answer degraded.
    fn ask(&self, ask: &Ask) -> Told;

    /// Judges an answer of a doctor. Findings: no such reminder, already answered, a reason that is not in the list, a
    /// diagnosis that is missing …
    fn reply(&self, reply: &Reply) -> Result<Acted, Vec<Finding>>;

    /// Whether a link that [`Shown::link`] gave still opens its page: `recognition/<reminder>?until=<s>&sig=<hex>`.
    fn opens(&self, reminder: &str, until_s: i64, signature: &str) -> bool;

    /// A reminder as it was given, by its GUID, with the question's context and the decision that stands.
    fn reminded(&self, reminder: &str) -> Option<(Shown, Context, Option<Choice>)>;

    /// The reasons that may be given, (code, Chinese, English, wants a diagnosis).
    fn reasons(&self) -> Vec<(String, String, String, bool)>;
}
