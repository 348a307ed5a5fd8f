//! What pages show, as plain data: who gives the figures fills these, the pages only lay them out.

use hutong_paper::{Definition, Text, Value};

use crate::mask::Masked;

/// What is counted. Both are always computed, and named on every figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// 远程医学影像: imaging, ECG, ultrasound, nuclear medicine, EMG, EEG.
    #[default]
    Img5,
    /// With laboratory and pathology.
    All4,
}

impl Scope {
    pub fn code(self) -> &'static str {
        match self {
            Scope::Img5 => "IMG5",
            Scope::All4 => "ALL4",
        }
    }

    pub fn of(code: &str) -> Option<Scope> {
        [Scope::Img5, Scope::All4].into_iter().find(|s| s.code() == code)
    }

    /// In words.
    pub fn text(self) -> Text {
        match self {
            Scope::Img5 => Text::new("影像、心电、超声、核医学、肌电、脑电", "imaging, ECG, ultrasound, nuclear medicine, EMG, EEG"),
            Scope::All4 => Text::new("另含检验、病理", "with laboratory and pathology"),
        }
    }
}

/// What makes figures reproducible, on every page that has some.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Basis {
    pub definition: Definition,
    /// The last journal entry that the figures know.
    pub journal_position: u64,
    /// Microseconds since 1970.
    pub made_at_us: i64,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DashboardAsk {
    pub year: Option<i64>,
    pub scope: Scope,
}

/// The first page: a year of one community, or of one institution where that is all the viewer may see.
#[derive(Clone, PartialEq, Debug)]
pub struct Dashboard {
    /// 秀山县医共体.
    pub community: Text,
    pub year: i64,
    /// Years that have figures, for choosing.
    pub years: Vec<i64>,
    pub scope: Scope,
    /// Both scopes, IMG5 first.
    pub figures: Vec<ScopeFigures>,
    pub target: Option<Target>,
    /// Part of the year that has passed, in percent: 时序进度.
    pub elapsed_percent: f64,
    /// By centre and by examining institution, of the chosen scope.
    pub centres: Vec<Progress>,
    pub institutions: Vec<Progress>,
    /// January first; months to come are absent.
    pub months: Vec<Month>,
    /// Why cases were not counted.
    pub excluded: Vec<Excluded>,
    pub sources: Vec<Source>,
    pub basis: Basis,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScopeFigures {
    pub scope: Scope,
    /// 人次.
    pub cases: i64,
    /// 人数: distinct persons of the year.
    pub persons: i64,
    pub cases_today: i64,
}

/// A target of the year: of persons (患者数) or of cases (人次), as its document says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// What it is measured in, whatever scope is shown.
    pub scope: Scope,
    pub value: i64,
    /// Else it is of cases.
    pub of_persons: bool,
    /// Which document sets it.
    pub from: Text,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// For links to its cases.
    pub id: String,
    pub name: Text,
    pub cases: i64,
    pub persons: i64,
    /// Of cases.
    pub target: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Month {
    /// 1 to 12.
    pub month: u8,
    pub img5: i64,
    pub all4: i64,
    /// The same month of the last year, of the chosen scope.
    pub last_year: Option<i64>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Excluded {
    /// For links to the cases.
    pub code: String,
    pub name: Text,
    pub cases: i64,
}

/// How fresh the data of an institution is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    pub institution: Text,
    /// Microseconds since 1970; `None`: nothing yet.
    pub last_message_us: Option<i64>,
    pub messages_today: i64,
    /// Not understood, and kept for correction.
    pub rejected_today: i64,
    pub state: Freshness,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freshness {
    Fresh,
    /// Longer silent than it usually is.
    Late,
    Silent,
    /// Nothing was ever heard of it.
    Never,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CasesAsk {
    pub scope: Scope,
    /// `2026`, `2026Q3`, `2026-11`, `2026-11-22`.
    pub period: Option<String>,
    /// Examining institution.
    pub institution: Option<String>,
    pub centre: Option<String>,
    /// The code of a reason; `None`: cases that count.
    pub excluded: Option<String>,
    /// From [`CaseList::next`].
    pub after: Option<String>,
}

/// One page of cases, the youngest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseList {
    pub rows: Vec<CaseRow>,
    pub total: u64,
    pub next: Option<String>,
    /// What the filters offer: value and name. A period without a value is what is shown where none is asked for.
    pub periods: Vec<(String, Text)>,
    pub institutions: Vec<(String, Text)>,
    pub centres: Vec<(String, Text)>,
    pub reasons: Vec<(String, Text)>,
    pub basis: Basis,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseRow {
    pub id: String,
    /// Accession or report number, as people know the case.
    pub number: String,
    pub patient: Masked,
    pub sex: Text,
    pub age: Option<u16>,
    pub centre: Text,
    pub item: Text,
    pub examined_at: Text,
    pub read_at: Text,
    /// The first final report; microseconds since 1970.
    pub reported_us: Option<i64>,
    pub counted: Counted,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Counted {
    /// In both scopes, or in ALL4 alone.
    In {
        img5: bool,
    },
    Out {
        reason: Text,
    },
}

/// All that is known of one case.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    pub row: CaseRow,
    /// Name and value of what else is known: order number, specimen, device, reader.
    pub facts: Vec<(Text, Value)>,
    /// Why it counts or not, and the rule that says so, with its version.
    pub decided_by: Text,
    pub steps: Vec<Step>,
    pub messages: Vec<Message>,
    /// What corrected the figures later: day and text.
    pub adjustments: Vec<(i64, Text)>,
    pub basis: Basis,
}

/// Ordered, collected, examined, reported, corrected …
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Microseconds since 1970.
    pub at_us: i64,
    pub what: Text,
    /// Institution, and the member of staff.
    pub who: Text,
    /// The journal entry that says so.
    pub entry: u64,
}

/// A message of the case as the journal holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub entry: u64,
    pub at_us: i64,
    /// `ORU^R01`.
    pub kind: String,
    /// Who sent it.
    pub source: Text,
    pub control_id: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Its text with what identifies the patient hidden ([`crate::mask_message`]).
    pub text: String,
}
