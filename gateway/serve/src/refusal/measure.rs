//! Refusals of questions about measures.

use http::StatusCode;

use super::{Refusal, refusal};

impl Refusal {
    /// A parameter of `$evaluate-measure` or `$collect-data` that is missing or wrong.
    pub(crate) fn measure_parameter(name: &'static str, zh: &str, en: &str) -> Refusal {
        refusal(StatusCode::BAD_REQUEST, "invalid", "measure.parameter", format!("参数 {name}：{zh}"), format!("Parameter {name}: {en}"))
            .about(name)
    }

    /// A parameter that FHIR has and this gateway cannot honour.
    pub(crate) fn measure_unsupported(name: &'static str, zh: &str, en: &str) -> Refusal {
        refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-supported",
            "measure.unsupported",
            format!("不支持参数 {name}：{zh}；请去掉"),
            format!("Parameter {name} is not supported: {en}; leave it out"),
        )
        .about(name)
    }

    pub(crate) fn unknown_measure() -> Refusal {
        refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-found",
            "measure.unknown",
            "没有这个指标：请用 GET /fhir/Measure 中的 url、url|版本或 id",
            "There is no such measure: use a url, url|version or id of GET /fhir/Measure",
        )
        .about("measure")
    }

    /// Who asks for another institution.
    pub(crate) fn measure_not_yours() -> Refusal {
        refusal(
            StatusCode::FORBIDDEN,
            "forbidden",
            "measure.reporter",
            "令牌所属机构只能查看本机构的指标",
            "The institution of this token may see its own figures only",
        )
        .about("reporter")
    }

    /// It was understood, and there is no such report.
    pub(crate) fn unmeasured(rule: &'static str, zh: &'static str, en: &'static str) -> Refusal {
        refusal(StatusCode::UNPROCESSABLE_ENTITY, "not-supported", rule, zh, en)
    }

    pub(crate) fn too_many_subjects(found: usize, max: usize) -> Refusal {
        refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "too-costly",
            "measure.subjects_max",
            format!("名单有 {found} 人，一次最多 {max} 人：请缩短统计期或指定机构（reporter）"),
            format!("The list has {found} persons, at most {max} are told: ask for a shorter period or one reporter"),
        )
    }

    /// What is searched for would have to be computed first.
    pub(crate) fn too_many_reports(found: usize, max: usize) -> Refusal {
        refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "too-costly",
            "measure.status_max",
            format!("按状态检索须先计算 {found} 份报告，一次最多 {max} 份：请同时按 measure、period 或 reporter 检索"),
            format!(
                "{found} reports would have to be computed to learn their status, at most {max}: search by measure, period or reporter too"
            ),
        )
        .about("status")
    }

    /// Said beside an empty Bundle: only summaries are found.
    pub(crate) fn no_such_reports(name: &str) -> Refusal {
        refusal(
            StatusCode::OK,
            "informational",
            "measure.summaries",
            "能检索到的都是汇总报告，没有患者和所用资源：个人报告和名单用 $evaluate-measure（subject、reportType），所用资源用 $collect-data",
            "What is found here are summaries, which name neither patients nor resources: for those ask $evaluate-measure (subject, reportType) and $collect-data",
        )
        .about(name)
    }
}
