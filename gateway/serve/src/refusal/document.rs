//! Refusals of what stands in the body of an operation.

use std::borrow::Cow;

use http::StatusCode;
use hutong_fhir::{Finding, Location};

use super::{Refusal, refusal};

impl Refusal {
    pub(crate) fn document_type() -> Refusal {
        refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "http.content_type",
            "内容须是 FHIR JSON 或 FHIR XML：请用 Content-Type: application/fhir+json 或 application/fhir+xml",
            "The content must be FHIR JSON or FHIR XML: use Content-Type: application/fhir+json or application/fhir+xml",
        )
    }

    pub(crate) fn content_coding() -> Refusal {
        refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "http.content_encoding",
            "不接受压缩的内容：请去掉 Content-Encoding",
            "Compressed content is not accepted: leave Content-Encoding out",
        )
    }

    /// A document that is not FHIR JSON or XML at all.
    pub(crate) fn unreadable(finding: &Finding) -> Refusal {
        let status =
            if matches!(finding.issue, "too-costly" | "too-long") { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        let (zh, en) = match finding.location {
            Location::Path { line, column, .. } => {
                (format!("{}（第 {line} 行第 {column} 列）", finding.zh), format!("{} (line {line}, column {column})", finding.en))
            }
            _ => (finding.zh.clone(), finding.en.clone()),
        };
        refusal(status, finding.issue, rule(finding), zh, en)
    }

    /// There is nothing to work on.
    pub(crate) fn no_resource() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "required",
            "fhir.operation.resource",
            "缺少要校验的资源：请在内容中直接给出资源，或在 Parameters 中用名为 resource 的参数给出",
            "The resource to validate is missing: send it as the content, or in Parameters as the parameter named resource",
        )
    }

    /// There is nobody to look for.
    pub(crate) fn no_patient() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "required",
            "fhir.operation.resource",
            "缺少要匹配的 Patient：请在内容中直接给出，或在 Parameters 中用名为 resource 的参数给出",
            "The Patient to match is missing: send it as the content, or in Parameters as the parameter named resource",
        )
    }

    pub(crate) fn not_json() -> Refusal {
        refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "http.content_type",
            "内容须是 JSON：请用 Content-Type: application/json",
            "The content must be JSON: use Content-Type: application/json",
        )
    }

    /// The address names another type than the resource is of.
    pub(crate) fn other_type(kind: &str) -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "invalid",
            "fhir.operation.type",
            format!("资源的类型与地址中的 {kind} 不同；请改地址，或用 /fhir/Resource/$validate"),
            format!("The resource is not of the type {kind} that the address names; change the address, or use /fhir/Resource/$validate"),
        )
    }

    /// A profile that is asked for by name: judging without it would be an answer to another question.
    pub(crate) fn unknown_profile() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "not-found",
            "fhir.operation.profile",
            "没有要求的 profile；已载入的见 /fhir/StructureDefinition，其余请由管理员在 [profiles] load 中载入",
            "The profile asked for is not known; those that are loaded are at /fhir/StructureDefinition, others the administrator loads under [profiles]",
        )
    }

    /// Parameters are expected.
    pub(crate) fn not_parameters() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "invalid",
            "fhir.operation.parameters",
            "内容须是 Parameters 资源",
            "The content must be a Parameters resource",
        )
    }

    /// What an operation has to say against its parameters.
    pub(crate) fn of_finding(finding: &Finding) -> Refusal {
        let status = match finding.issue {
            "not-found" => StatusCode::NOT_FOUND,
            "too-costly" => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        let closed = |text: &str| text.trim_end_matches(['。', '.']).to_owned();
        refusal(status, finding.issue, rule(finding), closed(&finding.zh), closed(&finding.en))
    }
}

/// Rules of operations are fixed texts.
fn rule(finding: &Finding) -> &'static str {
    match finding.rule {
        Cow::Borrowed(rule) => rule,
        Cow::Owned(_) => "fhir.operation.parameters",
    }
}
