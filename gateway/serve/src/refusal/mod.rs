//! Every refusal of the HTTP side, in one place: status, FHIR issue code, rule id, and what a person is told.
//!
//! [`request`] holds those about the address, the method, the form and the caller, [`search`] those about parameters,
//! [`document`] those about what stands in a body.
//!
//! The texts never repeat a value that a client sent: a search value can be a patient's name. Names of parameters and
//! types are repeated only where they are plain identifiers.

mod document;
mod measure;
mod recognition;
mod request;
mod search;

use http::StatusCode;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use hutong_fhir::json::escape;

/// Why a request is not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// FHIR `issue-type`.
    pub(crate) issue: &'static str,
    /// Stable rule id; goes into `diagnostics`.
    pub(crate) rule: &'static str,
    pub(crate) zh: Box<str>,
    pub(crate) en: Box<str>,
    /// The parameter or element that is meant, for `expression`.
    pub(crate) expression: Option<Box<str>>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

fn refusal(status: StatusCode, issue: &'static str, rule: &'static str, zh: impl Into<Box<str>>, en: impl Into<Box<str>>) -> Refusal {
    Refusal { status, issue, rule, zh: zh.into(), en: en.into(), expression: None, headers: Vec::new() }
}

impl Refusal {
    fn with(mut self, name: HeaderName, value: HeaderValue) -> Refusal {
        self.headers.push((name, value));
        self
    }

    fn about(mut self, name: &str) -> Refusal {
        self.expression = Some(name.into());
        self
    }

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
