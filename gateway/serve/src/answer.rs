//! What an interaction gives back, before it is a response.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    LAST_MODIFIED,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::xml;

use crate::negotiate::Form;
use crate::refusal::Refusal;
use crate::{pretty, time};

/// Status, headers and body of an answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    content_type: Option<&'static str>,
    body: Vec<u8>,
}

impl Answer {
    /// A resource or Bundle; the form is settled at the end.
    pub(crate) fn fhir(body: Vec<u8>) -> Answer {
        Answer { status: StatusCode::OK, headers: Vec::new(), content_type: None, body }
    }

    /// Anything that is not FHIR.
    pub(crate) fn other(content_type: &'static str, body: Vec<u8>) -> Answer {
        Answer { status: StatusCode::OK, headers: Vec::new(), content_type: Some(content_type), body }
    }

    /// `OPTIONS`.
    pub(crate) fn allow(methods: &'static str) -> Answer {
        let mut it = Answer::fhir(Vec::new());
        it.status = StatusCode::NO_CONTENT;
        it.headers.push((ALLOW, HeaderValue::from_static(methods)));
        it
    }

    /// Adds what identifies a version: `ETag: W/"3"` and `Last-Modified`.
    pub(crate) fn versioned(mut self, version: u64, last_updated_us: i64) -> Answer {
        let etag = HeaderValue::try_from(format!("W/\"{version}\""));
        let date = HeaderValue::try_from(time::http_date(last_updated_us));
        self.headers.extend(etag.map(|v| (ETAG, v)));
        self.headers.extend(date.map(|v| (LAST_MODIFIED, v)));
        self
    }

    /// The client has this version already.
    pub(crate) fn not_modified(mut self) -> Answer {
        self.status = StatusCode::NOT_MODIFIED;
        self.body = Vec::new();
        self
    }

    /// For pages that a browser shows: nothing from elsewhere, no script, no frame.
    pub(crate) fn confined(mut self, policy: &'static str) -> Answer {
        self.headers.push((CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)));
        self
    }

    /// For a browser to save under a name of letters, digits and `-_.`.
    pub(crate) fn saved_as(mut self, name: &str) -> Answer {
        let header = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
        self.headers.extend(header.map(|v| (CONTENT_DISPOSITION, v)));
        self
    }

    /// With a header more; one of the same name gives way.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Answer {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    pub(crate) fn refused(refusal: &Refusal) -> Answer {
        Answer { status: refusal.status, headers: refusal.headers.clone(), content_type: None, body: refusal.body() }
    }

    /// Ends the answer. `head` keeps the length and drops the body (RFC 9110 §9.3.2).
    pub(crate) fn into_response(self, form: Form, head: bool) -> Response<Full<Bytes>> {
        let fhir = self.content_type.is_none();
        let body = match self.body {
            body if !fhir || body.is_empty() => body,
            body if form.is_xml() => as_xml(&body),
            body if form.pretty => pretty::indent(&body),
            body => body,
        };
        let bodyless = matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let length = body.len();
        let mut response = Response::new(Full::new(if head { Bytes::new() } else { Bytes::from(body) }));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if !bodyless {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type.unwrap_or(form.content_type)));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        // patients' data: no shared cache may keep them, and one's own must ask again
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(if fhir { "private, no-cache" } else { "no-store" }));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        headers.extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

/// FHIR JSON of ours as FHIR XML. Stored bodies were read under the same limits once; a Bundle of many is larger.
fn as_xml(body: &[u8]) -> Vec<u8> {
    let limits = JsonLimits { nodes_max: usize::MAX, ..JsonLimits::default() };
    match json::parse(body, &limits) {
        Ok((tree, _)) => xml::write(&tree),
        Err(error) => {
            tracing::error!(rule = "answer.xml", kind = ?error.kind, "an answer of ours could not be written as XML");
            Vec::new()
        }
    }
}
