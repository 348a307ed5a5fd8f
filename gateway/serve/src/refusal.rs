//! Every refusal of the HTTP side, in one place: status, FHIR issue code, rule id, and what a person is told.
//!
//! The texts never repeat a value that a client sent: a search value can be a patient's name. Names of parameters and
//! types are repeated only where they are plain identifiers.

use http::StatusCode;
use http::header::{ALLOW, CONNECTION, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hutong_fhir::json::escape;

/// Why a request is not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// FHIR `issue-type`.
    pub(crate) issue: &'static str,
    /// Stable rule id; goes into `diagnostics`.
    pub(crate) rule: &'static str,
    pub(crate) zh: String,
    pub(crate) en: String,
    /// The parameter or element that is meant, for `expression`.
    pub(crate) expression: Option<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

fn refusal(status: StatusCode, issue: &'static str, rule: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
    Refusal { status, issue, rule, zh: zh.into(), en: en.into(), expression: None, headers: Vec::new() }
}

impl Refusal {
    fn with(mut self, name: HeaderName, value: HeaderValue) -> Refusal {
        self.headers.push((name, value));
        self
    }

    fn about(mut self, name: &str) -> Refusal {
        self.expression = Some(name.to_owned());
        self
    }

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
            "只提供 JSON：请用 Accept: application/fhir+json 或 _format=json（FHIR 4.0）",
            "Only JSON is offered: use Accept: application/fhir+json or _format=json (FHIR 4.0)",
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

    // ---- parameters

    pub(crate) fn too_many_parameters(max: usize) -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "too-costly",
            "search.parameters_max",
            format!("参数超过 {max} 个"),
            format!("More than {max} parameters"),
        )
    }

    pub(crate) fn value_too_long(name: &str, bytes_max: usize) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "too-costly",
            "search.value_max",
            format!("参数{shown}的值超过 {bytes_max} 字节"),
            format!("The value of parameter{shown} is longer than {bytes_max} bytes"),
        )
        .about(shown.trim())
    }

    pub(crate) fn unknown_parameter(name: &str, supported: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "not-supported",
            "search.parameter",
            format!("不支持参数{shown}；支持的参数：{supported}"),
            format!("Parameter{shown} is not supported; supported: {supported}"),
        )
        .about(shown.trim())
    }

    pub(crate) fn unknown_modifier(name: &str, supported: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "not-supported",
            "search.modifier",
            format!("不支持修饰符{shown}；此参数支持：{supported}"),
            format!("Modifier{shown} is not supported; this parameter supports: {supported}"),
        )
        .about(shown.trim())
    }

    pub(crate) fn bad_value(name: &str, zh: &str, en: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "value",
            "search.value",
            format!("参数{shown}的值有误：{zh}"),
            format!("The value of parameter{shown} is wrong: {en}"),
        )
        .about(shown.trim())
    }

    pub(crate) fn unsupported_value(name: &str, supported: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "not-supported",
            "search.value",
            format!("不支持参数{shown}的这个值；支持：{supported}"),
            format!("This value of parameter{shown} is not supported; supported: {supported}"),
        )
        .about(shown.trim())
    }

    pub(crate) fn given_twice(name: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "invalid",
            "search.repeated",
            format!("参数{shown}只能出现一次"),
            format!("Parameter{shown} may be given only once"),
        )
        .about(shown.trim())
    }

    pub(crate) fn bad_cursor() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "value",
            "search.cursor",
            "翻页标记无效或不属于这个查询；请使用 Bundle 中的 next 链接",
            "The paging cursor is not valid or belongs to another query; follow the Bundle's next link",
        )
        .about("_cursor")
    }

    pub(crate) fn too_costly(why_zh: &str, why_en: &str) -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "too-costly",
            "search.limited",
            format!("查询代价过高：{why_zh}；请缩小范围"),
            format!("The search is too costly: {why_en}; narrow it down"),
        )
    }

    /// Said beside a page, not instead of it.
    pub(crate) fn includes_cut() -> Refusal {
        refusal(
            StatusCode::OK,
            "incomplete",
            "search.limited",
            "要附带的资源超过上限，本页只附带了一部分；请减小 _count 或减少 _include",
            "More resources were to be included than one page may hold, so some were left out; ask for a smaller _count or fewer _include",
        )
    }

    pub(crate) fn not_in_compartment(name: &str) -> Refusal {
        refusal(
            StatusCode::NOT_FOUND,
            "not-supported",
            "fhir.compartment",
            format!("资源类型 {name} 不属于患者隔室"),
            format!("Resource type {name} is not part of the patient compartment"),
        )
    }

    // ---- the server

    /// The projection has not caught up with what was durable when the request arrived.
    pub(crate) fn lagging() -> Refusal {
        refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "store.lagging",
            "最近写入的数据尚未进入检索，请稍后重试",
            "The latest data are not yet searchable; try again shortly",
        )
        .with(RETRY_AFTER, HeaderValue::from_static("2"))
    }

    pub(crate) fn unavailable() -> Refusal {
        refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "transient",
            "store.unavailable",
            "数据存储暂时不可用，请稍后重试；如持续出现请通知管理员",
            "The store is unavailable for now; try again later, tell the administrator if it persists",
        )
        .with(RETRY_AFTER, HeaderValue::from_static("10"))
    }

    pub(crate) fn fault() -> Refusal {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "exception",
            "server.fault",
            "服务器内部错误，已记录；请将请求时间告知管理员",
            "An internal error, which has been logged; tell the administrator the time of the request",
        )
    }

    // ---- form

    /// The OperationOutcome.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        outcome(std::slice::from_ref(self), "error", &mut out);
        out
    }
}

/// Appends one OperationOutcome with an issue for each refusal.
pub(crate) fn outcome(refusals: &[Refusal], severity: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"resourceType":"OperationOutcome","issue":["#);
    for (i, r) in refusals.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"severity":""#);
        out.extend_from_slice(severity.as_bytes());
        out.extend_from_slice(br#"","code":""#);
        out.extend_from_slice(r.issue.as_bytes());
        out.extend_from_slice(br#"","details":{"text":""#);
        escape(&r.zh, out);
        out.extend_from_slice("。 / ".as_bytes());
        escape(&r.en, out);
        out.extend_from_slice(br#"."},"diagnostics":""#);
        escape(r.rule, out);
        out.push(b'"');
        if let Some(e) = r.expression.as_deref().filter(|e| !e.is_empty()) {
            out.extend_from_slice(br#","expression":["http."#);
            escape(e, out);
            out.extend_from_slice(br#""]"#);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

/// ` name` where the name is a plain identifier, else nothing: what a client put in place of a name may be anything.
fn plain(name: &str) -> String {
    let ok = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':' | b'.' | b'*'));
    if ok && !name.is_empty() { format!(" {name}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_json_in_two_languages_and_repeats_only_plain_names() {
        for (name, shown) in [("foo:bar", true), ("张三", false), ("a\"b", false), ("", false), (&"x".repeat(65), false)] {
            let body = Refusal::unknown_parameter(name, "_id, code").body();
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let issue = &json["issue"][0];
            let text = issue["details"]["text"].as_str().unwrap();
            assert!(text.contains("不支持参数") && text.contains(" / Parameter"), "{text}");
            assert_eq!(issue["diagnostics"], "search.parameter");
            assert_eq!(!name.is_empty() && text.contains(name), shown, "{name}");
            assert_eq!(issue.get("expression").is_some(), shown);
        }
    }
}
