//! What counts as which activity: what a site chooses, what is asked of registries, why something does not count.

use crate::cases::Facts;
use serde::{Deserialize, Serialize};

/// Changes with every change of a counting rule.
pub const DEFINITION_VERSION: &str = "2026.1";

/// What a site chooses. The defaults follow the explanations of terms of the national statistics, as far as they are
/// known to us; they are to be checked against the rules by which the site itself reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// 门急诊: classes (v3-ActCode) of outpatient and emergency visits.
    pub outpatient: Vec<String>,
    /// 诊疗人次 beside 门急诊: visits at home, in the field, by video.
    pub other_visits: Vec<String>,
    /// Classes of inpatients.
    pub inpatient: Vec<String>,
    /// Whether health check-ups (体检) are visits.
    pub checkups: bool,
    /// 中医类 institutions: beginnings of WS 218 types.
    pub tcm_institutions: Vec<String>,
    /// 中医类 departments: beginnings of SD01.01.003.00 kinds.
    pub tcm_departments: Vec<String>,
    /// 离院方式 that say themselves that the patient goes to a primary institution.
    pub dispositions_down: Vec<String>,
    /// 离院方式 that say that the patient goes to another institution: to which one decides.
    pub dispositions_away: Vec<String>,
    /// Whether orders for wards are prescriptions.
    pub ward_prescriptions: bool,
    /// An inpatient of whose leaving nothing is heard stops using a bed after so many days.
    pub open_stay_days: u16,
    /// A month is closed this many days after its last.
    pub close_after_days: u16,
    /// A time later than this after its arrival is replaced by that of its arrival.
    pub clock_ahead_s: u32,
    /// What is heard for the first time so long after it happened is left out; what was not heard of for so long stands.
    pub remember_days: u16,
}

impl Default for Rules {
    fn default() -> Rules {
        let of = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Rules {
            outpatient: of(&["AMB", "EMER"]),
            other_visits: of(&["HH", "FLD", "VR"]),
            inpatient: of(&["IMP", "ACUTE", "NONAC"]),
            checkups: false,
            tcm_institutions: of(&["A2", "A3", "A4", "D12", "D13", "D14", "D212", "D213", "D214"]),
            tcm_departments: of(&["A50", "A51", "A52"]),
            dispositions_down: of(&["3"]),
            dispositions_away: of(&["2", "3"]),
            ward_prescriptions: false,
            open_stay_days: 180,
            close_after_days: 10,
            clock_ahead_s: 600,
            remember_days: 400,
        }
    }
}

/// An institution on a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub facts: Facts,
    /// 牵头医院
    pub leads: bool,
}

/// What figures ask of the registries.
pub trait Directory {
    /// As of a day (days since 1970 in China); `None`: it is not in the registry, or left it.
    fn institution(&self, code: &str, day: i64) -> Option<Place>;
    /// Kind (SD01.01.003.00) of an institution's department by its code or name; `None`: not in the registry.
    fn department_kind(&self, institution: &str, department: &str, day: i64) -> Option<String>;
}

/// Why something does not count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Cancelled, entered in error, or gone up in another visit.
    Void,
    TestData,
    /// Only planned.
    Planned,
    /// A class that is no visit, or none.
    OtherClass,
    Checkup,
    /// No visit number, and no time of admission instead.
    Unnumbered,
    /// First heard of too long afterwards.
    TooLate,
    InstitutionUnknown,
    DepartmentUnknown,
    /// The patient was referred, and has not left.
    NotDischarged,
    /// To which institution is not said, or not known.
    DestinationUnknown,
    DestinationNotPrimary,
    /// 手术级别 is not said.
    NoLevel,
    /// No leaving was heard of for very long.
    OpenTooLong,
    /// It ended before it began.
    EndBeforeStart,
    /// An order for a ward.
    Ward,
}

impl Reason {
    const ALL: [(Reason, &'static str, &'static str, &'static str); 16] = [
        (Reason::Void, "void", "已取消、录入错误或已并入另一就诊", "cancelled, entered in error or merged into another visit"),
        (Reason::TestData, "test_data", "测试数据", "test data"),
        (Reason::Planned, "planned", "只有预约，未就诊", "only planned"),
        (Reason::OtherClass, "other_class", "患者类型不在口径内", "class outside the definition"),
        (Reason::Checkup, "checkup", "体检", "health check-up"),
        (Reason::Unnumbered, "unnumbered", "没有就诊号", "no visit number"),
        (Reason::TooLate, "too_late", "过晚才收到", "heard of too late"),
        (Reason::InstitutionUnknown, "institution_unknown", "机构不在机构目录中", "institution not in the registry"),
        (Reason::DepartmentUnknown, "department_unknown", "科室未写明或不在科室目录中", "department not said, or not in the registry"),
        (Reason::NotDischarged, "not_discharged", "已转诊，尚未出院", "referred, not yet discharged"),
        (
            Reason::DestinationUnknown,
            "destination_unknown",
            "转往机构未写明或不在机构目录中",
            "destination not said, or not in the registry",
        ),
        (
            Reason::DestinationNotPrimary,
            "destination_not_primary",
            "转往机构不是基层医疗卫生机构",
            "destination is not a primary institution",
        ),
        (Reason::NoLevel, "no_level", "没有手术级别", "no level of operation"),
        (Reason::OpenTooLong, "open_too_long", "入院过久没有出院消息", "no discharge was heard of for very long"),
        (Reason::EndBeforeStart, "end_before_start", "出院早于入院", "ended before it began"),
        (Reason::Ward, "ward", "病区用药医嘱", "order for a ward"),
    ];

    pub fn code(self) -> &'static str {
        self.row().1
    }

    pub fn zh(self) -> &'static str {
        self.row().2
    }

    pub fn en(self) -> &'static str {
        self.row().3
    }

    fn row(self) -> (Reason, &'static str, &'static str, &'static str) {
        Reason::ALL.into_iter().find(|r| r.0 == self).unwrap_or((self, "", "", ""))
    }
}
