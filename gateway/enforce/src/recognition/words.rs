//! What the decision says to a person, in Chinese and English: one wording for all protocols.

use super::{Fall, Verdict};
use hutong_fhir::calendar::{china_day, date};

/// Chinese and English.
type Said = (String, String);

impl Verdict {
    /// `recognise`, `may-repeat`, `excepted`, `no-prior-result`: as records and protocols write it.
    pub fn code(&self) -> &'static str {
        match self {
            Verdict::Recognise => "recognise",
            Verdict::MayRepeat { .. } => "may-repeat",
            Verdict::Excepted { .. } => "excepted",
            Verdict::NoPriorResult => "no-prior-result",
        }
    }
}

impl Fall {
    /// As records and protocols write it: `expired`, `no-mark` …
    pub fn code(&self) -> &'static str {
        match self {
            Fall::SameOrder => "same-order",
            Fall::TestData => "test-data",
            Fall::NotFinal => "not-final",
            Fall::Withdrawn => "withdrawn",
            Fall::ConclusionOnly => "conclusion-only",
            Fall::NotReachable => "not-reachable",
            Fall::DoubtfulIdentity => "doubtful-identity",
            Fall::NoRule => "no-rule",
            Fall::OutOfReach => "out-of-reach",
            Fall::NoTime => "no-time",
            Fall::Expired { .. } => "expired",
            Fall::NoMark => "no-mark",
            Fall::MarkElsewhere { .. } => "mark-elsewhere",
            Fall::MarkUnverified { .. } => "mark-unverified",
            Fall::CertificateLapsed { .. } => "certificate-lapsed",
            Fall::CertificateInsufficient { .. } => "certificate-insufficient",
            Fall::OtherMethod => "other-method",
            Fall::OtherUnit => "other-unit",
            Fall::OtherReference => "other-reference",
        }
    }

    /// Why the earlier result does not count, for a doctor.
    pub fn says(&self) -> Said {
        let (zh, en) = match self {
            Fall::SameOrder => ("是本次申请自身的结果", "it is a result of this very order"),
            Fall::TestData => ("是测试数据", "it is test data"),
            Fall::NotFinal => ("尚未出具正式结果", "it is not final yet"),
            Fall::Withdrawn => ("已作废或撤回", "it was cancelled or entered in error"),
            Fall::ConclusionOnly => ("只有诊断结论，没有数据或影像", "it is a conclusion only, without data or images"),
            Fall::NotReachable => ("影像或波形无法调阅", "its images or recording cannot be opened"),
            Fall::DoubtfulIdentity => ("患者身份待核实", "the patient's identity is under review"),
            Fall::NoRule => ("没有适用的互认规则", "no rule in force speaks of the item"),
            Fall::OutOfReach => ("出具机构不在互认范围内", "the examining institution is out of the rule's reach"),
            Fall::NoTime => ("起算时间不明或晚于现在", "the time from which it is valid is unknown or in the future"),
            Fall::Expired { until_us } => {
                let day = day(*until_us);
                return (format!("已超过互认时限（至 {day}）"), format!("it is no longer valid (until {day})"));
            }
            Fall::NoMark => ("没有互认标识", "it bears no recognition mark"),
            Fall::MarkElsewhere { mark } => {
                return (format!("互认标识“{mark}”在本地区无效"), format!("its mark \"{mark}\" is not valid where the order is placed"));
            }
            Fall::MarkUnverified { mark } => {
                return (format!("互认标识“{mark}”查无室间质评合格证明"), format!("no certificate bears out its mark \"{mark}\""));
            }
            Fall::CertificateLapsed { mark, .. } => {
                return (
                    format!("出具报告时，互认标识“{mark}”所依据的室间质评证明已失效或尚未生效"),
                    format!("the certificate of its mark \"{mark}\" was not valid when it was reported"),
                );
            }
            Fall::CertificateInsufficient { mark, .. } => {
                return (
                    format!("室间质评未合格，或其级别不足以支持互认标识“{mark}”"),
                    format!("the certificate was not passed, or is too narrow for its mark \"{mark}\""),
                );
            }
            Fall::OtherMethod => ("检测方法不同，结果不可比", "it was done by another method and cannot be compared"),
            Fall::OtherUnit => ("单位不可换算，结果不可比", "its unit cannot be converted, so it cannot be compared"),
            Fall::OtherReference => ("参考区间不同，结果不可比", "its reference range differs, so it cannot be compared"),
        };
        (zh.to_owned(), en.to_owned())
    }
}

/// The day in China, where the doctor reads it.
fn day(us: i64) -> String {
    date(china_day(us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_are_stored() {
        let mark = || "全国HR".to_owned();
        for fall in [
            Fall::SameOrder,
            Fall::TestData,
            Fall::NotFinal,
            Fall::Withdrawn,
            Fall::ConclusionOnly,
            Fall::NotReachable,
            Fall::DoubtfulIdentity,
            Fall::NoRule,
            Fall::OutOfReach,
            Fall::NoTime,
            Fall::Expired { until_us: 0 },
            Fall::NoMark,
            Fall::MarkElsewhere { mark: mark() },
            Fall::MarkUnverified { mark: mark() },
            Fall::CertificateLapsed { mark: mark(), evidence: String::new() },
            Fall::CertificateInsufficient { mark: mark(), evidence: String::new() },
            Fall::OtherMethod,
            Fall::OtherUnit,
            Fall::OtherReference,
        ] {
            let stored = serde_json::to_value(&fall).unwrap();
            assert_eq!(stored["why"], fall.code());
            let (zh, en) = fall.says();
            assert!(!zh.is_ascii() && !en.is_empty(), "{zh} {en}");
        }
        assert_eq!(Fall::Expired { until_us: 1_767_283_199_000_000 }.says().1, "it is no longer valid (until 2026-01-01)");
        for verdict in [Verdict::Recognise, Verdict::NoPriorResult, Verdict::Excepted { reason: "04".into() }] {
            assert_eq!(serde_json::to_value(&verdict).unwrap()["verdict"], verdict.code());
        }
    }
}
