//! Refusals of a request as such.

use http::StatusCode;
use http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::{Refusal, plain, refusal};

impl Refusal {
    // ---- the address

    pub(crate) fn no_such_path() -> Refusal {
        refusal(
            StatusCode::NOT_FOUND,
            "not-found",
            "http.path",
            "没有这个地址；FHIR 服务的入口是 /fhir，能力说明在 /fhir/metadata",
            "There is nothing at this address; the FHIR base is /fhir, what it can do is at /fhir/metadata",
        )
    }

    pub(crate) fn unknown_type(name: &str) -> Refusal {
        let name = plain(name);
        refusal(
            StatusCode::NOT_FOUND,
            "not-supported",
            "fhir.type.unknown",
            format!("不提供资源类型{name}；支持的类型见 /fhir/metadata"),
            format!("Resource type{name} is not served; the types that are, are listed at /fhir/metadata"),
        )
    }

    pub(crate) fn unknown_operation() -> Refusal {
        refusal(
            StatusCode::NOT_FOUND,
            "not-supported",
            "fhir.operation",
            "此地址不提供这个操作；各类型的操作见 /fhir/metadata",
            "This operation is not offered at this address; the operations of each type are listed at /fhir/metadata",
        )
    }

    pub(crate) fn bad_id() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "value",
            "fhir.id",
            "资源标识不合法：只能有 1 至 64 个字母、数字、“-”或“.”",
            "The resource id is not valid: 1 to 64 letters, digits, '-' or '.'",
        )
    }

    pub(crate) fn bad_version() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "value",
            "fhir.version_id",
            "版本号不合法：应为正整数",
            "The version id is not valid: it is a positive whole number",
        )
    }

    /// Also the answer about what exists and may not be seen.
    pub(crate) fn not_found() -> Refusal {
        refusal(
            StatusCode::NOT_FOUND,
            "not-found",
            "fhir.not_found",
            "没有这个资源，或者您无权查看",
            "There is no such resource, or you may not see it",
        )
    }

    pub(crate) fn gone(version: u64) -> Refusal {
        let mut it = refusal(
            StatusCode::GONE,
            "deleted",
            "fhir.deleted",
            "这个资源已被删除；以前的版本可用 _history 查看",
            "This resource has been deleted; earlier versions can be read with _history",
        );
        if let Ok(etag) = HeaderValue::try_from(format!("W/\"{version}\"")) {
            it = it.with(http::header::ETAG, etag);
        }
        it
    }

    pub(crate) fn bad_encoding() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "value",
            "http.percent",
            "地址或参数的百分号编码有误：必须是合法的 UTF-8，且不含控制字符",
            "The percent-encoding of the address or of a parameter is wrong: it must be valid UTF-8 without control characters",
        )
    }

    pub(crate) fn bad_host() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "value",
            "http.host",
            "请求缺少 Host 头，或其内容不合法",
            "The Host header is missing or not valid",
        )
    }

    pub(crate) fn url_too_long(bytes_max: usize) -> Refusal {
        refusal(
            StatusCode::URI_TOO_LONG,
            "too-long",
            "http.url",
            format!("地址超过 {bytes_max} 字节；请改用 POST …/_search"),
            format!("The URL is longer than {bytes_max} bytes; use POST …/_search instead"),
        )
    }

    // ---- the method

    pub(crate) fn method(allow: &'static str) -> Refusal {
        refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "not-supported",
            "http.method",
            format!("此地址只支持：{allow}"),
            format!("This address supports only: {allow}"),
        )
        .with(ALLOW, HeaderValue::from_static(allow))
    }

    /// A FHIR write: known, and not offered.
    pub(crate) fn write(allow: &'static str) -> Refusal {
        refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "not-supported",
            "fhir.write",
            "本服务的 FHIR 接口只读：数据由医院的消息（MLLP 或 POST /hl7v2）写入，不接受新建、修改、删除和批处理",
            "This FHIR interface is read-only: data enter by the hospitals' messages (MLLP or POST /hl7v2); create, update, delete and batch are not accepted",
        )
        .with(ALLOW, HeaderValue::from_static(allow))
    }

    // ---- negotiation

    pub(crate) fn not_acceptable() -> Refusal {
        refusal(
            StatusCode::NOT_ACCEPTABLE,
            "not-supported",
            "http.accept",
            "只提供 JSON 与 XML：请用 Accept: application/fhir+json 或 application/fhir+xml，也可用 _format=json、_format=xml（FHIR 4.0）",
            "JSON and XML are offered: use Accept: application/fhir+json or application/fhir+xml, or _format=json or xml (FHIR 4.0)",
        )
    }

    pub(crate) fn media_type() -> Refusal {
        refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "http.content_type",
            "POST …/_search 的内容必须是 application/x-www-form-urlencoded",
            "The content of POST …/_search must be application/x-www-form-urlencoded",
        )
    }

    pub(crate) fn body_too_long(bytes_max: usize) -> Refusal {
        refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-long",
            "http.body",
            format!("内容超过 {bytes_max} 字节"),
            format!("The content is longer than {bytes_max} bytes"),
        )
        .with(CONNECTION, HeaderValue::from_static("close"))
    }

    pub(crate) fn body_late() -> Refusal {
        refusal(StatusCode::REQUEST_TIMEOUT, "timeout", "http.body.timeout", "内容传送过慢，已超时", "The content did not arrive in time")
            .with(CONNECTION, HeaderValue::from_static("close"))
    }

    pub(crate) fn body_broken() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "incomplete",
            "http.body",
            "请求内容没有完整到达",
            "The content of the request did not arrive whole",
        )
        .with(CONNECTION, HeaderValue::from_static("close"))
    }

    // ---- who

    pub(crate) fn unknown_caller() -> Refusal {
        refusal(
            StatusCode::UNAUTHORIZED,
            "login",
            "access.token",
            "需要有效的访问令牌（Authorization: Bearer …）",
            "A valid access token is needed (Authorization: Bearer …)",
        )
        .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hutong\""))
    }

    /// Known, and no operator.
    pub(crate) fn no_operator() -> Refusal {
        refusal(
            StatusCode::FORBIDDEN,
            "forbidden",
            "access.operator",
            "此令牌不能做管理操作：需在配置 http.operators 中列出该机构",
            "This token may not operate the gateway: its institution must be listed in http.operators",
        )
    }

    pub(crate) fn throttled(seconds: u64) -> Refusal {
        refusal(
            StatusCode::TOO_MANY_REQUESTS,
            "throttled",
            "rate.limited",
            format!("请求过于频繁，请在 {seconds} 秒后重试"),
            format!("Too many requests; try again in {seconds} s"),
        )
        .with(RETRY_AFTER, HeaderValue::from(seconds))
    }
}
