//! An answer that says no, as a FHIR OperationOutcome, before a service has looked at the request.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// A refusal after which the connection ends: what the peer still sends of the request is not read as another.
/// `issue` is a FHIR `issue-type`; `rule` our own id; the texts hold nothing of the request.
pub fn refusal(status: StatusCode, issue: &'static str, rule: &'static str, zh: &str, en: &str) -> Response<Full<Bytes>> {
    let body = format!(
        r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"{issue}","details":{{"text":"{}。 / {}."}},"diagnostics":"{rule}"}}]}}"#,
        escape(zh),
        escape(en)
    );
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/fhir+json; charset=utf-8"));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            _ if character.is_control() => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}
