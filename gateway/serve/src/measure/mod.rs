//! Quality measures (<https://hl7.org/fhir/R4/measure-operations.html>): `$evaluate-measure`, `$collect-data`, and reports
//! that are read and searched. Measures are loaded like other definitions; figures come from [`Measures`] when they are
//! asked for and are not stored.

mod ask;
mod list;
mod when;

use hutong_fhir::Tree;

use crate::library::Edition;

pub(crate) use ask::{Request, collect, evaluate};
pub(crate) use list::{PARAMETERS, read, search};
pub(crate) use when::{Compared, days_of};

/// The type that is computed when it is asked for.
pub(crate) const REPORT: &str = "MeasureReport";
/// The reporter of the figures of the whole area, where an institution could be named.
pub(crate) const AREA: &str = "area";
/// Cases whose resources are told at once, unless fewer are asked for.
pub(crate) const COLLECTED_MAX: usize = 200;

/// The figure that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MeasureAsk<'a> {
    /// Id of the Measure.
    pub measure: &'a str,
    /// Days since 1970 in China, both within the period.
    pub first: i64,
    pub last: i64,
    /// Code of the institution; `None`: the whole area.
    pub reporter: Option<&'a str>,
}

/// What is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReportOf<'a> {
    Summary,
    /// With a list of those who are counted.
    Subjects,
    /// Of the person of the Patient with this id alone.
    One(&'a str),
}

/// A summary that exists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Id of the Measure.
    pub measure: String,
    pub first: i64,
    pub last: i64,
    /// Code of the institution; `None`: the whole area.
    pub reporter: Option<String>,
}

/// Which summaries are asked for.
pub struct Listed<'a> {
    /// Ids of Measures; `None`: all.
    pub measures: Option<&'a [String]>,
    /// Codes of institutions, `area` for the area; `None`: all.
    pub reporters: Option<&'a [String]>,
    /// Whether a period, by its first and last day, is asked for.
    pub period: &'a dyn Fn(i64, i64) -> bool,
}

/// Which part of the data behind a figure is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CollectAsk<'a> {
    /// Of the person of the Patient with this id alone; `None`: of all.
    pub subject: Option<&'a str>,
    /// Of messages that came later than this, µs since 1970.
    pub since_us: Option<i64>,
    /// Of cases after this one.
    pub after: Option<u32>,
    /// At most so many cases.
    pub count: usize,
}

/// A message of which a case was counted.
pub struct CountedMessage {
    pub case: u32,
    /// By which the message is found in the journal.
    pub receipt: String,
    /// References to what it says of the case.
    pub resources: Vec<String>,
}

/// A part of the data behind a figure.
pub struct Collected {
    /// A MeasureReport of type data-collection.
    pub report: Tree,
    /// FHIR JSON of each resource, as it is now.
    pub resources: Vec<Vec<u8>>,
    pub messages: Vec<CountedMessage>,
    /// The case after which to go on; `None`: that was all.
    pub next: Option<u32>,
}

/// Why there is no report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotMeasured {
    /// The gateway does not compute this measure, or its document does not apply here.
    NotHere,
    /// No such institution.
    Reporter,
    /// It is not counted from cases: there is neither a list nor data behind it.
    NotCounted,
    /// Cases are counted by whole months.
    Months,
    /// The period has not begun.
    Future,
    /// No such patient.
    Patient,
    /// More persons than a list holds.
    TooMany {
        found: usize,
        max: usize,
    },
    Unavailable,
}

/// Where figures come from. Calls may take some time.
pub trait Measures: Send + Sync + 'static {
    /// The MeasureReport of a figure.
    ///
    /// # Errors
    /// Why there is none; that a figure cannot be computed is a report and says what is missing.
    fn evaluate(&self, ask: &MeasureAsk<'_>, of: ReportOf<'_>) -> Result<Tree, NotMeasured>;

    /// The data behind a figure, case by case.
    ///
    /// # Errors
    /// Why there are none.
    fn collect(&self, ask: &MeasureAsk<'_>, part: &CollectAsk<'_>) -> Result<Collected, NotMeasured>;

    /// Ids of summaries, the latest period first.
    fn reports(&self, listed: &Listed<'_>) -> Vec<String>;

    /// The summary of this id; `None`: there is none.
    fn report(&self, id: &str) -> Option<Summary>;
}

/// The id of the Measure that a canonical address, `Measure/[id]` or an id names.
pub(crate) fn measure_id(edition: &Edition, named: &str) -> Option<String> {
    let id = named.strip_prefix("Measure/").unwrap_or(named);
    let by_id = edition.shelf().read("Measure", id).map(|m| m.id.clone());
    by_id.or_else(|| edition.shelf().find("Measure", &[("url".to_owned(), named.to_owned())]).first().map(|m| m.id.clone()))
}

/// The code that `Organization/[code]`, `system|code` or a code names.
pub(crate) fn reporter_code(named: &str) -> &str {
    let named = named.strip_prefix("Organization/").unwrap_or(named);
    named.rsplit_once('|').map_or(named, |(_, code)| code)
}
