//! A small HTTP client: one request, one connection, one answer, all of it limited.

use crate::limits::{Limits, ms, size};
use crate::tls;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    /// At most `Limits::answer_bytes`.
    pub body: Bytes,
}

/// Why nothing did.
#[derive(Debug)]
pub enum NoReply {
    /// The URL is not one of `http://host[:port]/…` or `https://…`.
    Url(String),
    /// An `https` URL, and no authorities to trust.
    NoTls,
    Io(io::Error),
    /// What came is not HTTP, or broke off.
    NotHttp(hyper::Error),
    TimedOut,
    TooLarge,
}

impl NoReply {
    pub fn zh(&self) -> String {
        match self {
            NoReply::Url(url) => format!("网址无效：{url}"),
            NoReply::NoTls => "https 地址需要指定信任的签发机构证书".to_owned(),
            NoReply::Io(error) => format!("连接失败：{error}"),
            NoReply::NotHttp(error) => format!("对方返回的内容不是 HTTP 或中途中断：{error}"),
            NoReply::TimedOut => "等待应答超时".to_owned(),
            NoReply::TooLarge => "对方的应答过长".to_owned(),
        }
    }
}

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoReply::Url(url) => write!(f, "not an http or https URL: {url}"),
            NoReply::NoTls => write!(f, "an https URL needs the certificates of the authorities to trust"),
            NoReply::Io(error) => write!(f, "the connection failed: {error}"),
            NoReply::NotHttp(error) => write!(f, "what came back is not HTTP, or broke off: {error}"),
            NoReply::TimedOut => write!(f, "no answer in time"),
            NoReply::TooLarge => write!(f, "the answer is too long"),
        }
    }
}

impl std::error::Error for NoReply {}

/// Sends one request. Redirects are not followed: where the answer comes from is the caller's decision.
///
/// # Errors
/// [`NoReply`]. An answer of any status is a [`Reply`].
pub async fn request(
    method: Method,
    url: &str,
    headers: &[(header::HeaderName, HeaderValue)],
    body: Bytes,
    tls: Option<Arc<ClientConfig>>,
    limits: &Limits,
) -> Result<Reply, NoReply> {
    match timeout(ms(limits.answer_ms), exchange(method, url, headers, body, tls, limits)).await {
        Ok(done) => done,
        Err(_) => Err(NoReply::TimedOut),
    }
}

async fn exchange(
    method: Method,
    url: &str,
    headers: &[(header::HeaderName, HeaderValue)],
    body: Bytes,
    tls: Option<Arc<ClientConfig>>,
    limits: &Limits,
) -> Result<Reply, NoReply> {
    let wrong = || NoReply::Url(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let (host, authority) = (uri.host().ok_or_else(wrong)?, uri.authority().ok_or_else(wrong)?);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let secure = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(wrong()),
    };
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let mut request = Request::builder()
        .method(method)
        .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, authority.as_str())
        .header(header::CONNECTION, "close")
        .body(Full::new(body))
        .map_err(|_| wrong())?;
    for (name, value) in headers {
        request.headers_mut().append(name, value.clone());
    }
    let stream = TcpStream::connect((host, port)).await.map_err(NoReply::Io)?;
    stream.set_nodelay(true).map_err(NoReply::Io)?;
    if secure {
        let config = tls.ok_or(NoReply::NoTls)?;
        let stream = tls::connect(config, host, stream, ms(limits.tls_handshake_ms)).await.map_err(NoReply::Io)?;
        over(stream, request, limits).await
    } else {
        over(stream, request, limits).await
    }
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>, limits: &Limits) -> Result<Reply, NoReply>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(NoReply::NotHttp)?;
    let driven = tokio::spawn(connection);
    let answered = async {
        let (parts, mut body) = sender.send_request(request).await.map_err(NoReply::NotHttp)?.into_parts();
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(NoReply::NotHttp)?.into_data() {
                if whole.len() + data.len() > size(limits.answer_bytes) {
                    return Err(NoReply::TooLarge);
                }
                whole.extend_from_slice(&data);
            }
        }
        Ok(Reply { status: parts.status, headers: parts.headers, body: whole.freeze() })
    };
    let reply = answered.await;
    driven.abort();
    reply
}
