//! HL7 v2 over HTTP: `POST /hl7v2`, one message a request, the acknowledgement as the answer's body.
//!
//! The status tells of the transport, MSA-1 of the message: a message that was refused with AE or AR was
//! received, kept and answered, so that is 200 with the acknowledgement. Everything else is an OperationOutcome.

mod media;

use crate::handler::{Answer, FrameFault, Handler, Incoming};
use crate::header::Header;
use crate::sources::{Identified, Shown, Sources};
use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hutong_wire::budget::Budget;
use hutong_wire::http::body::{self, BodyFault};
use hutong_wire::http::{Peer, refusal};
use hutong_wire::limits::Limits;
use hyper::body::Body;
use media::MediaType;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds after which a sender may try again when nothing can be stored.
const RETRY_AFTER_S: u64 = 10;

/// A refusal, on the heap: it is large and rare.
type Refused = Box<Response<Full<Bytes>>>;

/// What the interaction works with.
#[derive(Clone)]
pub struct Hl7Http {
    pub sources: Arc<Sources>,
    pub limits: Arc<Limits>,
    pub budget: Budget,
    pub handler: Arc<dyn Handler>,
}

impl Hl7Http {
    /// Answers one request. Its extensions hold `Arc<Peer>`, as `wire::http::serve` puts it there.
    pub async fn answer<B: Body<Data = Bytes>>(&self, request: Request<B>) -> Response<Full<Bytes>> {
        self.try_answer(request).await.unwrap_or_else(|refused| *refused)
    }

    async fn try_answer<B: Body<Data = Bytes>>(&self, request: Request<B>) -> Result<Response<Full<Bytes>>, Refused> {
        if request.method() != Method::POST {
            return Err(only_post());
        }
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Arc<Peer>>().cloned();
        let peer = peer.ok_or_else(|| unknown(None))?;
        let who = self.identify(&parts.headers, &peer)?;
        let media = media_type(&parts.headers)?;
        if let Some(rate) = who.only().and_then(|source| source.rate.as_ref()) {
            rate.admit(Instant::now()).map_err(too_fast)?;
        }
        let protocol = if peer.tls { "https" } else { "http" };
        let collected = match body::collect(body, &self.limits, &self.budget).await {
            Ok(collected) => collected,
            Err(fault) => {
                self.keep(&fault, &who, &peer, protocol);
                return Err(Box::new(fault.response()));
            }
        };
        let source = who.of_message(&collected.bytes).clone();
        let incoming = Incoming {
            raw: collected.bytes.clone(),
            source,
            peer: peer.address,
            protocol,
            declared_charset: media.charset.clone(),
            findings: Vec::new(),
        };
        // The body's share of the memory budget, in `collected`, is held until the answer is there.
        let answer = self.handler.accept(incoming).await;
        Ok(match answer {
            Answer::Send(ack) => acknowledgement(ack, &media),
            Answer::SendAndClose(ack) => {
                let mut response = acknowledgement(ack, &media);
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
            Answer::Nothing => {
                let mut response = Response::new(Full::default());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Answer::CloseSilently => unavailable(),
        })
    }

    fn identify(&self, headers: &HeaderMap, peer: &Peer) -> Result<Identified, Refused> {
        // A page in somebody's browser can post text to this machine's own address; an interface has no origin.
        if headers.contains_key(ORIGIN) {
            return Err(Box::new(refusal(
                StatusCode::FORBIDDEN,
                "forbidden",
                "http.origin",
                "此接口供系统之间调用，不接受网页发出的请求",
                "this interface is for systems; requests from web pages are not accepted",
            )));
        }
        let token = bearer(headers).map_err(|()| unknown(peer.certificate.as_deref()))?;
        let shown = Shown { certificate: peer.certificate.as_deref(), token: token.as_deref() };
        self.sources.identify(peer.address.ip(), shown).ok_or_else(|| {
            tracing::warn!(rule = "source.unknown", peer = %peer.address, certificate = peer.certificate, "refused: the sender is not registered");
            unknown(peer.certificate.as_deref())
        })
    }

    /// What came of a body over the limit.
    fn keep(&self, fault: &BodyFault, who: &Identified, peer: &Peer, protocol: &'static str) {
        let BodyFault::TooLarge { first_bytes, limit } = fault else { return };
        let source = who.of_message(first_bytes).clone();
        tracing::warn!(rule = "msg.too_large", source = %source.id, peer = %peer.address, "a body over the limit");
        if !first_bytes.is_empty() {
            self.handler.quarantine(FrameFault {
                source,
                peer: peer.address,
                protocol,
                rule: "msg.too_large",
                first_bytes: first_bytes.clone(),
                length: first_bytes.len(),
                limit: *limit,
            });
        }
    }
}

/// The SHA-256 of a bearer token; an `Authorization` of another kind is an error, not nothing.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, ()> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| ())?;
    let (scheme, token) = text.split_once(' ').ok_or(())?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(());
    }
    let hash = Sha256::digest(token.trim().as_bytes());
    Ok(Some(hash.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })))
}

fn media_type(headers: &HeaderMap) -> Result<MediaType, Refused> {
    let encoded = headers.get(CONTENT_ENCODING).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(MediaType::of_hl7);
    media.filter(|_| !encoded).ok_or_else(|| {
        Box::new(refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "http.content_type",
            "Content-Type 应为 x-application/hl7-v2+er7、application/hl7-v2 或 text/plain，且不压缩",
            "Content-Type must be x-application/hl7-v2+er7, application/hl7-v2 or text/plain, without a Content-Encoding",
        ))
    })
}

fn acknowledgement(ack: Bytes, media: &MediaType) -> Response<Full<Bytes>> {
    // What the acknowledgement itself declares is what it is written in; failing that, it is what the request was.
    let declared = Header::scan(&ack).and_then(|header| header.declared_charset()).and_then(media::charset_name);
    let content_type = media.with_charset(declared.or(media.charset.as_deref()));
    let mut response = Response::new(Full::new(ack));
    if let Ok(value) = HeaderValue::from_str(&content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

fn only_post() -> Refused {
    let mut response =
        refusal(StatusCode::METHOD_NOT_ALLOWED, "not-supported", "http.method", "此地址只接受 POST", "only POST is accepted here");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    Box::new(response)
}

fn unknown(certificate: Option<&str>) -> Refused {
    let status = if certificate.is_some() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
    let mut response = refusal(
        status,
        "login",
        "source.unknown",
        "发送方未登记：请使用登记的证书、令牌或网络地址",
        "the sender is not registered; use the registered certificate, token or network address",
    );
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Box::new(response)
}

fn too_fast(wait: Duration) -> Refused {
    let response = refusal(
        StatusCode::TOO_MANY_REQUESTS,
        "throttled",
        "rate.limited",
        "发送过快，请按 Retry-After 稍后重发",
        "too many messages; send again after Retry-After",
    );
    Box::new(retry_after(response, wait.as_secs().saturating_add(1)))
}

fn unavailable() -> Response<Full<Bytes>> {
    let said = crate::ack::store_unavailable();
    retry_after(refusal(StatusCode::SERVICE_UNAVAILABLE, "transient", "store.unavailable", &said.zh, &said.en), RETRY_AFTER_S)
}

fn retry_after(mut response: Response<Full<Bytes>>, seconds: u64) -> Response<Full<Bytes>> {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests;
