//! Reading a request's body whole, within its size, its time and the daemon's memory.

use super::refusal;
use crate::budget::{Budget, Charge};
use crate::limits::{Limits, ms, size};
use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// A whole body. Its share of the memory budget is held as long as this is.
pub struct Collected {
    pub bytes: Bytes,
    _charge: Charge,
}

/// Why a body was not read to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BodyFault {
    /// More than the limit was declared or has come; what had come, up to `Limits::quarantine_bytes`.
    TooLarge { first_bytes: Bytes, limit: u64 },
    /// It came too slowly.
    TimedOut,
    /// The peer is gone, or its chunks make no sense.
    Broken,
}

impl BodyFault {
    pub fn response(&self) -> Response<Full<Bytes>> {
        match self {
            BodyFault::TooLarge { limit, .. } => refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-long",
                "msg.too_large",
                &format!("内容超过 {limit} 字节的上限"),
                &format!("the body is longer than the limit of {limit} bytes"),
            ),
            BodyFault::TimedOut => refusal(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "http.body.timeout",
                "内容传送过慢，已超时",
                "the body did not arrive in time",
            ),
            BodyFault::Broken => refusal(
                StatusCode::BAD_REQUEST,
                "structure",
                "http.framing",
                "内容传送中断或分块格式有误",
                "the body broke off or is badly chunked",
            ),
        }
    }
}

/// Reads `body`. A declared length over the limit is refused before a byte is read.
///
/// # Errors
/// A [`BodyFault`], each with its answer.
pub async fn collect<B>(body: B, limits: &Limits, budget: &Budget) -> Result<Collected, BodyFault>
where
    B: Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let max = limits.message_bytes;
    if body.size_hint().lower() > max {
        return Err(BodyFault::TooLarge { first_bytes: Bytes::new(), limit: max });
    }
    let end = Instant::now() + ms(limits.http_body_total_ms);
    let mut charge = budget.charge();
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(data) = next(body.as_mut(), ms(limits.http_body_idle_ms), end).await? {
        let length = first.len() + whole.len() + data.len();
        if length as u64 > max {
            let kept = if first.is_empty() { whole.freeze() } else { first };
            let kept = if kept.is_empty() { data } else { kept };
            return Err(BodyFault::TooLarge { first_bytes: kept.slice(..kept.len().min(size(limits.quarantine_bytes))), limit: max });
        }
        grow(&mut charge, length, budget).await;
        // Most bodies come in one piece, which is then not copied.
        if whole.is_empty() && first.is_empty() {
            first = data;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&std::mem::take(&mut first));
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(Collected { bytes: if whole.is_empty() { first } else { whole.freeze() }, _charge: charge })
}

/// The next piece of data; `None` at the end.
async fn next<B: Body<Data = Bytes>>(mut body: Pin<&mut B>, idle: Duration, end: Instant) -> Result<Option<Bytes>, BodyFault> {
    loop {
        let within = idle.min(end.saturating_duration_since(Instant::now()));
        match timeout(within, body.frame()).await {
            Err(_) => return Err(BodyFault::TimedOut),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(BodyFault::Broken),
            // Trailers say nothing that we ask for.
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Waits until the budget allows `bytes`: meanwhile the socket is not read. The piece at hand is already there,
/// so the wait is for the next; and one body at a time may pass the limit.
async fn grow(charge: &mut Charge, bytes: usize, budget: &Budget) {
    loop {
        let freed = budget.freed();
        let mut freed = std::pin::pin!(freed);
        // Enlisted before asking: bytes given back in between must not go unheard.
        std::future::poll_fn(|cx| {
            let _ = Future::poll(freed.as_mut(), cx);
            std::task::Poll::Ready(())
        })
        .await;
        if charge.try_grow(bytes) || charge.overdraw(bytes) {
            return;
        }
        freed.await;
    }
}
