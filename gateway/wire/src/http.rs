//! An HTTP/1.1 server that keeps time and counts: hyper below, our own accept loop above it.
//!
//! hyper's header timeout does nothing without a timer, and the usual accept loops install none; they also know
//! no caps, no age and no slow readers. Here a connection is counted against the caps, shakes hands where TLS is
//! on, sends its header in time and within its size, and ends when it is old. A request reaches the service with
//! its [`Peer`] in the extensions; its body has not been touched.

pub mod body;
pub mod client;
mod framing;
mod refusal;
mod stall;
#[cfg(test)]
mod tests;

use crate::admission::{Admission, Ticket};
use crate::limits::{Limits, ms, size};
use crate::{listen, tls};
use bytes::Bytes;
use framing::Doubtful;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use stall::Guarded;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use refusal::refusal;

/// Who sends a request, as far as the connection shows it; in the request's extensions as `Arc<Peer>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    /// SHA-256 of the client certificate, in hex.
    pub certificate: Option<String>,
    pub tls: bool,
}

/// What a listener has seen, for `/metrics`.
#[derive(Default)]
pub struct Counts {
    pub connections: AtomicU64,
    /// Closed because a cap was reached.
    pub over_cap: AtomicU64,
    pub tls_failed: AtomicU64,
    pub requests: AtomicU64,
    /// Answered before they reached the service.
    pub refused: AtomicU64,
}

/// What a listener works with.
#[derive(Clone)]
pub struct Setting {
    pub tls: Option<Arc<tls::Tls>>,
    pub limits: Arc<Limits>,
    pub counts: Arc<Counts>,
}

/// Serves until `shutdown` becomes true (or its sender is gone), then finishes the requests in work within
/// `shutdown_drain_ms` and returns.
///
/// # Errors
/// Only those after which the listener is of no use.
pub async fn serve<S, B>(listener: TcpListener, setting: Setting, service: S, mut shutdown: watch::Receiver<bool>) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let admission = Admission::new(&setting.limits);
    let drain = ms(setting.limits.shutdown_drain_ms);
    let told = shutdown.clone();
    let mut open = JoinSet::new();
    let outcome = loop {
        tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break Ok(()),
            accepted = listen::accept(&listener) => match accepted {
                Ok((stream, peer)) => {
                    setting.counts.connections.fetch_add(1, Ordering::Relaxed);
                    match admission.enter(peer.ip()) {
                        Ok(ticket) => {
                            open.spawn(connected(setting.clone(), stream, peer, ticket, service.clone(), told.clone()));
                        }
                        Err(full) => over_cap(&setting.counts, peer, full),
                    }
                }
                Err(error) => break Err(error),
            },
            Some(ended) = open.join_next() => report_panic(ended),
        }
    };
    drop(listener);
    let drained = tokio::time::timeout(drain, async {
        while let Some(ended) = open.join_next().await {
            report_panic(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(rule = "listener.drain", open = open.len(), "connections were cut at shutdown with requests in work");
        open.shutdown().await;
    }
    outcome
}

fn over_cap(counts: &Counts, peer: SocketAddr, full: crate::admission::Full) {
    counts.over_cap.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(rule = "listener.over_cap", %peer, cap = ?full, "too many connections");
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    // The payload may hold a patient's data: only that it happened is said.
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!(rule = "http.panic", "a connection ended by a fault of the program");
    }
}

async fn connected<S, B>(
    setting: Setting,
    stream: TcpStream,
    address: SocketAddr,
    mut ticket: Ticket,
    service: S,
    shutdown: watch::Receiver<bool>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Some(acceptor) = setting.tls.clone() else {
        let peer = Peer { address, certificate: None, tls: false };
        return converse(&setting, stream, peer, service, shutdown).await;
    };
    match acceptor.accept(stream, ms(setting.limits.tls_handshake_ms)).await {
        Err(error) => {
            setting.counts.tls_failed.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(rule = "tls.handshake", peer = %address, %error, "TLS could not be agreed on");
        }
        Ok(stream) => {
            let peer = Peer { address, certificate: tls::peer_fingerprint(&stream), tls: true };
            if let Some(certificate) = &peer.certificate
                && let Err(full) = ticket.with_certificate(certificate)
            {
                return over_cap(&setting.counts, address, full);
            }
            converse(&setting, stream, peer, service, shutdown).await;
        }
    }
}

async fn converse<I, S, B>(setting: &Setting, stream: I, peer: Peer, service: S, mut shutdown: watch::Receiver<bool>)
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let limits = &setting.limits;
    let doubtful = Doubtful::default();
    let head_bytes = size(limits.request_headers_bytes + limits.request_url_bytes) + 1024;
    let stream = Guarded::new(stream, ms(limits.write_idle_ms), doubtful.watch(head_bytes));
    let gate = Gate { setting, peer: Arc::new(peer), doubtful, requests: AtomicU64::new(0) };
    let service = Box::new(service);
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(ms(limits.http_header_ms))
        .max_headers(size(limits.request_headers))
        .max_header_size(head_bytes)
        .max_buf_size(head_bytes.max(16 * 1024));
    let mut connection = server.serve_connection(TokioIo::new(stream), service_fn(move |request| gate.call(request, &*service)));
    let mut leave = pin!(async {
        let stop = async {
            let _ = shutdown.wait_for(|stop| *stop).await;
        };
        tokio::select! { () = stop => {}, () = tokio::time::sleep(ms(limits.http_connection_age_ms)) => {} }
    });
    let mut leaving = false;
    let _ = poll_fn(|cx| {
        if !leaving && leave.as_mut().poll(cx).is_ready() {
            leaving = true;
            // Serves the request in work, if any, and no other.
            Pin::new(&mut connection).graceful_shutdown();
        }
        connection.poll_without_shutdown(cx)
    })
    .await;
    let mut stream = connection.into_parts().io.into_inner().into_inner();
    // Closing a socket with unread bytes resets the connection, and the reset can overtake the answer that says
    // why. So what the peer still sends is read for a moment and thrown away.
    if stream.shutdown().await.is_ok() {
        let mut bin = vec![0; 16 * 1024];
        let _ = tokio::time::timeout(ms(limits.linger_ms), async { while stream.read(&mut bin).await.is_ok_and(|read| read > 0) {} }).await;
    }
}

type Answered<B> = Result<Response<Either<B, Full<Bytes>>>, Infallible>;

/// What each request of a connection passes before the service sees it.
struct Gate<'a> {
    setting: &'a Setting,
    peer: Arc<Peer>,
    doubtful: Doubtful,
    requests: AtomicU64,
}

impl Gate<'_> {
    fn call<S, B>(&self, mut request: Request<Incoming>, service: &S) -> Pin<Box<dyn Future<Output = Answered<B>> + Send>>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S::Future: Send + 'static,
        B: Send + 'static,
    {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        self.setting.counts.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(refused) = self.refuse(&request, number) {
            self.setting.counts.refused.fetch_add(1, Ordering::Relaxed);
            return Box::pin(std::future::ready(Ok(refused.map(Either::Right))));
        }
        // The framing of what follows a chunked body is not watched: there is no such thing.
        let last = request.headers().contains_key(header::TRANSFER_ENCODING);
        request.extensions_mut().insert(self.peer.clone());
        let answer = service.call(request);
        Box::pin(async move {
            let Ok(mut response) = answer.await;
            if last {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(Either::Left))
        })
    }

    fn refuse(&self, request: &Request<Incoming>, number: u64) -> Option<Response<Full<Bytes>>> {
        let limits = &self.setting.limits;
        if self.doubtful.is(number) {
            tracing::warn!(rule = "http.framing", peer = %self.peer.address, "a request whose length can be read in two ways");
            return Some(refusal(
                StatusCode::BAD_REQUEST,
                "structure",
                "http.framing",
                "请求同时含有多种长度声明（Content-Length、Transfer-Encoding），无法确定其边界",
                "the request declares its length in more than one way (Content-Length, Transfer-Encoding)",
            ));
        }
        let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
        if url > size(limits.request_url_bytes) {
            return Some(refusal(
                StatusCode::URI_TOO_LONG,
                "too-long",
                "http.url",
                &format!("网址超过 {} 字节的上限；查询条件较多时请用 POST _search", limits.request_url_bytes),
                &format!("the URL is longer than {} bytes; use POST _search for long queries", limits.request_url_bytes),
            ));
        }
        let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        (headers > size(limits.request_headers_bytes)).then(|| {
            refusal(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "too-long",
                "http.headers",
                &format!("请求头超过 {} 字节的上限", limits.request_headers_bytes),
                &format!("the request's headers are longer than {} bytes", limits.request_headers_bytes),
            )
        })
    }
}
