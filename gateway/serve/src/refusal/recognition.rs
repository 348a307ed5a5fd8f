//! Refusals of mutual recognition: of questions about earlier results, of hooks and of doctors' answers.

use http::StatusCode;

use super::{Refusal, refusal};

impl Refusal {
    /// A parameter of `$recognition-check` or `$recognition-answer` that is missing or wrong.
    pub(crate) fn recognition_parameter(name: &'static str, zh: &str, en: &str) -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "invalid",
            "recognition.parameter",
            format!("参数 {name}：{zh}"),
            format!("Parameter {name}: {en}"),
        )
        .about(name)
    }

    pub(crate) fn too_many_orders(max: usize) -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "too-costly",
            "recognition.orders_max",
            format!("一次最多询问 {max} 个申请，请分次询问"),
            format!("At most {max} orders are looked at in one question: ask several times"),
        )
    }

    /// Who asks for another institution.
    pub(crate) fn not_your_institution() -> Refusal {
        refusal(
            StatusCode::FORBIDDEN,
            "forbidden",
            "recognition.institution",
            "令牌所属机构只能为本机构询问和答复",
            "The institution of this token may ask and answer for itself only",
        )
    }

    /// A patient that is not here, or not one of the asker's: the same answer, so that nothing can be found out by asking.
    pub(crate) fn unknown_patient(precondition: bool) -> Refusal {
        refusal(
            if precondition { StatusCode::PRECONDITION_FAILED } else { StatusCode::UNPROCESSABLE_ENTITY },
            "not-found",
            "recognition.patient",
            "本机构没有登记过该患者：请先发送患者登记（ADT），或在预取（prefetch.patient）中提供带证件号的患者信息",
            "This institution has registered no such patient: send its registration (ADT) first, or give the patient with a national number in prefetch.patient",
        )
    }

    pub(crate) fn unknown_reminder() -> Refusal {
        refusal(StatusCode::NOT_FOUND, "not-found", "recognition.reminder", "没有这条互认提醒", "There is no such reminder")
    }

    /// What is wrong with a request to a CDS service; `path` as `context.patientId`.
    pub(crate) fn hook(path: &'static str, zh: &str, en: &str) -> Refusal {
        refusal(StatusCode::BAD_REQUEST, "invalid", "hooks.request", format!("{path}：{zh}"), format!("{path}: {en}")).about(path)
    }

    pub(crate) fn no_such_service(known: &str) -> Refusal {
        refusal(
            StatusCode::NOT_FOUND,
            "not-found",
            "hooks.service",
            format!("没有这个 CDS 服务；可用的服务：{known}"),
            format!("There is no such CDS service; services are: {known}"),
        )
    }
}
