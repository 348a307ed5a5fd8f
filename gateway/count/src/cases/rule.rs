//! The counting rule of “基层检查、上级诊断”, as data and small functions: what is known of an institution, the scopes, and
//! why a report does not count.

use super::sighting::{Centre, Modality};
use serde::{Deserialize, Serialize};

/// The definition that every figure names.
pub const DEFINITION: &str = "examined-below-read-above";
/// Changes with every change of the rule.
pub const DEFINITION_VERSION: &str = "2026.2";

/// 层级
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Village,
    Township,
    County,
    City,
}

/// What is known of an institution on a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    pub tier: Tier,
    /// WS 218, such as `C220`; empty = not known.
    pub ws218: String,
    /// 医共体; empty = none.
    pub community: String,
}

/// WS 218 types of 基层 institutions: 社区卫生服务中心, 社区卫生服务站, 街道卫生院, 中心卫生院, 乡卫生院, and all that begin with D.
const PRIMARY: [&str; 5] = ["B100", "B200", "C100", "C210", "C220"];

impl Facts {
    /// 基层医疗卫生机构: by tier, and by WS 218 type where it is known.
    pub fn is_primary(&self) -> bool {
        let by_type = self.ws218.is_empty() || self.ws218.starts_with('D') || PRIMARY.contains(&self.ws218.as_str());
        self.tier <= Tier::Township && by_type
    }

    /// Of the county or the city: it may read for others.
    pub fn is_above(&self) -> bool {
        self.tier >= Tier::County
    }

    /// Whether this one reads for `exam`: both are of one 医共体, or this one is of the city, above all of them.
    pub fn reads_for(&self, exam: &Facts) -> bool {
        self.tier == Tier::City || (!self.community.is_empty() && self.community == exam.community)
    }
}

/// What the ledger asks of identities and registries; both as they are at the event that is being applied.
pub trait Directory {
    /// The person whose record it is; `None`: not known.
    fn person(&self, record: &str) -> Option<u32>;
    /// An institution as of a day (days since 1970 in China); `None`: it is not in the registry, or left it.
    fn institution(&self, code: &str, day: i64) -> Option<Facts>;
}

/// Which categories count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Scope {
    /// Imaging, ultrasound, nuclear medicine, ECG, EMG, EEG: monitoring indicator 5(1).
    #[serde(rename = "IMG5")]
    Img5,
    /// With laboratory and pathology: the headline indicator.
    #[serde(rename = "ALL4")]
    All4,
}

impl Scope {
    pub const BOTH: [Scope; 2] = [Scope::Img5, Scope::All4];

    pub fn holds(self, modality: Modality) -> bool {
        match modality.centre() {
            Centre::Imaging | Centre::Tracing => true,
            Centre::Laboratory | Centre::Pathology => self == Scope::All4,
            Centre::None => false,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Scope::Img5 => "IMG5",
            Scope::All4 => "ALL4",
        }
    }
}

/// What became of a report. In the order in which it is asked: the first that fits is the reason.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    Counted,
    /// Cancelled or entered in error.
    Void,
    NotFinal,
    TestData,
    /// The modality is not known, or in no scope; of figures by a scope also: not in this one.
    OutOfScope,
    /// The registry does not hold the examining institution on that day.
    ExamUnknown,
    ExamNotPrimary,
    /// Read where it was examined.
    SameInstitution,
    ReadUnknown,
    /// The reading institution is no county or city one.
    ReadNotAbove,
    /// Neither of the same 医共体 nor of the city.
    OtherCommunity,
    /// No order, specimen or study of the examining institution was seen.
    NoExamEvidence,
    /// The report names nobody who signed it.
    NoSignature,
    /// A case of this examining institution, accession and modality counts already: read again, or a second report.
    Again,
}

impl Outcome {
    pub const ALL: [Outcome; 14] = [
        Outcome::Counted,
        Outcome::Void,
        Outcome::NotFinal,
        Outcome::TestData,
        Outcome::OutOfScope,
        Outcome::ExamUnknown,
        Outcome::ExamNotPrimary,
        Outcome::SameInstitution,
        Outcome::ReadUnknown,
        Outcome::ReadNotAbove,
        Outcome::OtherCommunity,
        Outcome::NoExamEvidence,
        Outcome::NoSignature,
        Outcome::Again,
    ];

    pub(crate) fn of(number: u8) -> Outcome {
        Outcome::ALL.get(usize::from(number)).copied().unwrap_or(Outcome::OutOfScope)
    }

    pub fn code(self) -> &'static str {
        match self {
            Outcome::Counted => "counted",
            Outcome::Void => "void",
            Outcome::NotFinal => "not_final",
            Outcome::TestData => "test_data",
            Outcome::OutOfScope => "out_of_scope",
            Outcome::ExamUnknown => "exam_unknown",
            Outcome::ExamNotPrimary => "exam_not_primary",
            Outcome::SameInstitution => "same_institution",
            Outcome::ReadUnknown => "read_unknown",
            Outcome::ReadNotAbove => "read_not_above",
            Outcome::OtherCommunity => "other_community",
            Outcome::NoExamEvidence => "no_exam_evidence",
            Outcome::NoSignature => "no_signature",
            Outcome::Again => "again",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Outcome::Counted => "计入",
            Outcome::Void => "报告已撤销或录入错误",
            Outcome::NotFinal => "报告未终审",
            Outcome::TestData => "测试数据",
            Outcome::OutOfScope => "检查类别不在统计口径内",
            Outcome::ExamUnknown => "检查机构不在机构目录中",
            Outcome::ExamNotPrimary => "检查机构不是基层医疗卫生机构",
            Outcome::SameInstitution => "检查与诊断在同一机构",
            Outcome::ReadUnknown => "诊断机构不在机构目录中",
            Outcome::ReadNotAbove => "诊断机构不是县级或市级机构",
            Outcome::OtherCommunity => "诊断机构不属于同一医共体或上级",
            Outcome::NoExamEvidence => "缺少基层的申请、标本或检查记录",
            Outcome::NoSignature => "报告没有签发医师",
            Outcome::Again => "同一检查已计入（复阅或重复报告）",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Outcome::Counted => "counted",
            Outcome::Void => "report cancelled or entered in error",
            Outcome::NotFinal => "report not final",
            Outcome::TestData => "test data",
            Outcome::OutOfScope => "category outside the scope",
            Outcome::ExamUnknown => "examining institution not in the registry",
            Outcome::ExamNotPrimary => "examining institution is not a primary one",
            Outcome::SameInstitution => "read where it was examined",
            Outcome::ReadUnknown => "reading institution not in the registry",
            Outcome::ReadNotAbove => "reading institution is neither county nor city",
            Outcome::OtherCommunity => "reading institution is neither of the same community nor above it",
            Outcome::NoExamEvidence => "no order, specimen or study of the examining institution",
            Outcome::NoSignature => "nobody signed the report",
            Outcome::Again => "counted already (read again, or a second report)",
        }
    }
}

/// What a site chooses; the defaults are those of the documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// A month is closed this many days after its last, unless an event closes it before.
    pub close_after_days: u16,
    /// A report dated later than this after its arrival is dated by its arrival: its sender's clock is wrong.
    pub clock_ahead_s: u32,
    /// An order number is looked for this long after its case was last heard of; an accession number for ever.
    pub order_number_days: u16,
    /// Order and report without a common number may belong together within this many days.
    pub window_days: u16,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { close_after_days: 10, clock_ahead_s: 600, order_number_days: 180, window_days: 7 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(tier: Tier, ws218: &str, community: &str) -> Facts {
        Facts { tier, ws218: ws218.to_owned(), community: community.to_owned() }
    }

    #[test]
    fn primary_is_tier_and_type() {
        for (tier, ws218, expect) in [
            (Tier::Township, "C220", true),
            (Tier::Township, "", true),
            (Tier::Village, "D600", true),
            (Tier::Township, "A100", false),
            (Tier::County, "C210", false),
            (Tier::Township, "B200", true),
            (Tier::Township, "C2", false),
        ] {
            assert_eq!(facts(tier, ws218, "").is_primary(), expect, "{tier:?} {ws218}");
        }
    }

    #[test]
    fn who_reads_for_whom() {
        let exam = facts(Tier::Township, "C220", "A");
        assert!(facts(Tier::County, "A100", "A").reads_for(&exam));
        assert!(!facts(Tier::County, "A100", "B").reads_for(&exam));
        assert!(!facts(Tier::County, "A100", "").reads_for(&facts(Tier::Township, "C220", "")), "no community is no common one");
        assert!(facts(Tier::City, "A100", "").reads_for(&exam));
    }

    #[test]
    fn scopes_and_codes() {
        assert!(Scope::All4.holds(Modality::Lab) && !Scope::Img5.holds(Modality::Lab));
        assert!(Scope::All4.holds(Modality::Ecg) && Scope::Img5.holds(Modality::Ecg));
        assert!(!Scope::All4.holds(Modality::Other));
        for o in Outcome::ALL {
            assert_eq!(Outcome::of(o as u8), o);
            assert_eq!(serde_json::to_string(&o).unwrap(), format!("\"{}\"", o.code()));
        }
    }
}
