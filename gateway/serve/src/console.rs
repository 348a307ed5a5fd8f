//! `/console/…`: the pages of `hutong-console` over HTTP, who may see them, and figures that arrive by themselves.
//!
//! Access is that of the API: this machine where it is open, else a token. A browser keeps its token in a cookie that no
//! script reads and no other site sends.

use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hutong_console::{Console, Reply, Site, Viewer};
use hutong_wire::http::Peer;
use hyper::body::{Body, Frame};
use tokio::sync::{mpsc, watch};

use crate::access::Principal;
use crate::answer::Answer;
use crate::api::{Api, aside};
use crate::negotiate::Form;
use crate::percent;
use crate::refusal::Refusal;

/// Streams of figures at once: each holds a connection for as long as a page is open.
const STREAMS_MAX: u64 = 64;
/// A stream ends after so long, and the browser asks again: so a token that was taken back stops working here too.
const STREAM_MS: u64 = 600_000;
/// Figures are looked at so often.
const LOOK_MS: u64 = 400;
/// Silence that proxies and browsers bear.
const BEAT_MS: u64 = 15_000;

const COOKIE_NAME: &str = "hutong_token";

/// What the browser gets: a page, or a stream of events.
pub type Answered = Either<Full<Bytes>, Events>;

/// The pages and what their streams need.
pub(crate) struct Pages {
    site: Arc<Site>,
    stopping: watch::Receiver<bool>,
    streams: Arc<AtomicU64>,
}

impl Pages {
    pub(crate) fn new(console: Arc<dyn Console>, stopping: watch::Receiver<bool>) -> Pages {
        Pages { site: Arc::new(Site::new(console)), stopping, streams: Arc::default() }
    }
}

impl Api {
    /// Answers any request: pages of the console, and all that [`Api::handle`] answers. Never fails.
    pub async fn answer_any<B>(&self, request: Request<B>) -> Response<Answered>
    where
        B: Body<Data = Bytes>,
    {
        let path = request.uri().path();
        let Some(pages) = self.pages.as_ref().filter(|_| path == "/console" || path.starts_with("/console/")) else {
            return self.handle(request).await.map(Either::Left);
        };
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let response = self.console(pages, &parts, body).await;
        let response = response.unwrap_or_else(|r| Answer::refused(&r).into_response(Form::default(), false).map(Either::Left));
        self.metrics.request("console", response.status().as_u16(), started.elapsed());
        response
    }

    async fn console<B>(&self, pages: &Pages, parts: &Parts, body: B) -> Result<Response<Answered>, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let peer = parts.extensions.get::<Arc<Peer>>();
        let address = peer.map(|p| p.address);
        match (&parts.method, parts.uri.path()) {
            (&Method::POST, "/console/login") => {
                self.throttle.take(&format!("login {}", address.map_or_else(String::new, |a| a.ip().to_string())), Instant::now())?;
                let form = self.form(&parts.headers, body).await?;
                return self.login(pages, parts, &form, peer.is_some_and(|p| p.tls));
            }
            (&Method::POST, "/console/logout") => return Ok(redirect(&cookie("", 0, peer.is_some_and(|p| p.tls)))),
            (&Method::GET | &Method::HEAD, _) => {}
            _ => return Err(Refusal::method("GET, HEAD")),
        }
        let principal = self.browser(address, &parts.headers);
        if let Some(principal) = &principal {
            self.count_request(principal, address)?;
        }
        let viewer = principal.map(|p| self.viewer(p));
        if parts.uri.path() == "/console/events" {
            return events(pages, Ask::of(parts, viewer)?);
        }
        self.caught_up().await?;
        let ask = Ask::of(parts, viewer)?;
        // a fault of ours in one page is that request's fault only
        let reply = catch_unwind(AssertUnwindSafe(|| aside(|| pages.site.answer(ask.request()))));
        let reply = reply.map_err(|_| {
            tracing::error!(interaction = "console", "a page ended in a fault");
            Refusal::fault()
        })?;
        Ok(page(reply, parts.method == Method::HEAD))
    }

    fn login(&self, pages: &Pages, parts: &Parts, form: &str, tls: bool) -> Result<Response<Answered>, Refusal> {
        let token = pairs(form)?.into_iter().find(|(name, _)| name == "token").map(|(_, value)| value).unwrap_or_default();
        let token = token.trim();
        // what goes into a cookie must be able to stand there: RFC 6265 §4.1.1
        let clean = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic() && !b"\",;\\".contains(&b));
        if clean && self.settings.access.holder(token).is_some() {
            let seconds = self.settings.limits.session_total_ms / 1000;
            return Ok(redirect(&cookie(token, seconds, tls)));
        }
        tracing::warn!(rule = "console.login", "a login with a token that nobody holds");
        Ok(page(pages.site.refused_login(Ask::of(parts, None)?.request()), false))
    }

    /// Who looks at a page: by the API's rules, or by the cookie.
    fn browser(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<Principal> {
        if !headers.contains_key(http::header::AUTHORIZATION)
            && let Some(token) = cookies(headers).find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
            && let Some(principal) = self.settings.access.holder(token)
        {
            return Some(principal);
        }
        let principal = self.settings.access.admit(peer, headers).ok()?;
        // a page of another site may have its own name point to this machine: then its name is in Host
        (principal != Principal::Local || self.names_this_machine(headers)).then_some(principal)
    }

    fn names_this_machine(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let name = if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host };
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        let configured = self.settings.base_url.as_deref().and_then(|url| url.split('/').nth(2));
        address || name == "localhost" || configured == Some(host)
    }

    fn viewer(&self, principal: Principal) -> Viewer {
        let operator = self.settings.access.operator(&principal).is_some();
        match principal {
            Principal::Local => Viewer::Local,
            Principal::Institution(id) => Viewer::Institution { id, operator },
        }
    }
}

/// A request as the site reads it, owned: a stream outlives the request.
struct Ask {
    path: String,
    query: Vec<(String, String)>,
    cookies: String,
    accept_language: String,
    if_none_match: String,
    viewer: Option<Viewer>,
}

impl Ask {
    fn of(parts: &Parts, viewer: Option<Viewer>) -> Result<Ask, Refusal> {
        let header = |name: HeaderName| {
            let values: Vec<&str> = parts.headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).collect();
            values.join("; ")
        };
        Ok(Ask {
            path: percent::decode(parts.uri.path(), false).map_err(|_| Refusal::bad_encoding())?.into_owned(),
            query: pairs(parts.uri.query().unwrap_or_default())?,
            cookies: header(COOKIE),
            accept_language: header(http::header::ACCEPT_LANGUAGE),
            if_none_match: header(http::header::IF_NONE_MATCH),
            viewer,
        })
    }

    fn request(&self) -> hutong_console::Request<'_> {
        hutong_console::Request {
            path: &self.path,
            query: self.query.clone(),
            cookies: &self.cookies,
            accept_language: &self.accept_language,
            if_none_match: &self.if_none_match,
            viewer: self.viewer.clone(),
        }
    }
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let side = |s: &str| percent::decode(s, true).map(std::borrow::Cow::into_owned).map_err(|_| Refusal::bad_encoding());
    let fields = text.split('&').filter(|f| !f.is_empty()).map(|f| f.split_once('=').unwrap_or((f, "")));
    fields.map(|(name, value)| Ok((side(name)?, side(value)?))).collect()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

fn cookie(token: &str, seconds: u64, tls: bool) -> String {
    let secure = if tls { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={token}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

fn redirect(cookie: &str) -> Response<Answered> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::new())));
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_static("/console"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.insert(SET_COOKIE, value);
    }
    response
}

fn page(reply: Reply, head: bool) -> Response<Answered> {
    let length = reply.body.len();
    let body = if head { Bytes::new() } else { Bytes::from(reply.body) };
    let mut response = Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if reply.status != 304 {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A stream of server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): `figures` whenever
/// they have changed.
fn events(pages: &Pages, ask: Ask) -> Result<Response<Answered>, Refusal> {
    if ask.viewer.is_none() {
        return Err(Refusal::unknown_caller());
    }
    let place = Place::take(&pages.streams).ok_or_else(Refusal::unavailable)?;
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(tell(Arc::clone(&pages.site), ask, pages.stopping.clone(), sender, place));
    let mut response = Response::new(Either::Right(Events(receiver)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    Ok(response)
}

async fn tell(site: Arc<Site>, ask: Ask, mut stopping: watch::Receiver<bool>, sender: mpsc::Sender<Bytes>, place: Place) {
    let ends = Instant::now() + Duration::from_millis(STREAM_MS);
    let (mut seen, mut said, mut spoke) = (None, String::new(), Instant::now());
    let _ = sender.send(Bytes::from_static(b"retry: 2000\n\n")).await;
    while Instant::now() < ends && !*stopping.borrow() {
        let position = site.position();
        let mut event = None;
        if seen != Some(position) {
            // no figures for this viewer any more: the stream is over
            let Some((of, figures)) = aside(|| site.figures(ask.request())) else { break };
            // they may be a little older: then they are asked for again
            seen = Some(of);
            if figures != said {
                event = Some(Bytes::from(format!("event: figures\ndata: {figures}\n\n")));
                said = figures;
            }
        }
        if event.is_none() && spoke.elapsed() > Duration::from_millis(BEAT_MS) {
            event = Some(Bytes::from_static(b":\n\n"));
        }
        if let Some(event) = event {
            spoke = Instant::now();
            if sender.send(event).await.is_err() {
                break;
            }
        }
        tokio::select! {
            () = sender.closed() => break,
            _ = stopping.changed() => break,
            () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
        }
    }
    drop(place);
}

/// One of the streams that there may be.
struct Place(Arc<AtomicU64>);

impl Place {
    fn take(count: &Arc<AtomicU64>) -> Option<Place> {
        let taken = count.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(count));
        (taken < STREAMS_MAX).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of a stream.
pub struct Events(mpsc::Receiver<Bytes>);

impl Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|event| event.map(|bytes| Ok(Frame::data(bytes))))
    }
}
