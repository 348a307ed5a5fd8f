//! One HTTP request → one answer: limits, who asks, what is asked, then the interaction.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hutong_commit::projection::{HistoryOf, ReadError};
use hutong_commit::search::table::{self, TypeTable};
use hutong_console::Console;
use hutong_wire::budget::Budget;
use hutong_wire::http::Peer;
use hutong_wire::http::body::{BodyFault, Collected, collect};
use hutong_wire::limits::{Limits, ms, size};
use hyper::body::Body;
use tokio::sync::watch;

use crate::access::{Access, Principal};
use crate::answer::Answer;
use crate::community::{Admin, Community, Linked};
use crate::console::Pages;
use crate::document::{self, Sent};
use crate::interaction::capabilities::Capabilities;
use crate::interaction::{
    admin, compartment, conformance, everything, health, history, landing, matching, read, search, terminology, validate, vread,
};
use crate::library::{Edition, Editions};
use crate::measure::{self, Measures};
use crate::metrics::{Metrics, StoreFigures};
use crate::negotiate::Form;
use crate::operation::Operation;
use crate::params::Fields;
use crate::recognition::{Asker, At, HooksRoute, Looking, Office, Recognition};
use crate::refusal::Refusal;
use crate::route::{BASE, Route};
use crate::shelf;
use crate::source::Source;
use crate::throttle::Throttle;

/// By which a client finds its request again (<https://hl7.org/fhir/R4/http.html#custom>); given back as it came.
const REQUEST_ID: &str = "x-request-id";

/// Forms of searches in memory at once; more wait.
const FORMS_BYTES_MAX: usize = 16 << 20;

/// Where CDS Hooks are.
const HOOKS: &str = "/cds-services";

/// Bodies of operations in memory at once; more wait.
const OPERATIONS_BYTES_MAX: usize = 64 << 20;

/// How the interface is set up.
pub struct Settings {
    /// The address clients use, up to and with `/fhir`, where it differs from the Host header (behind a proxy).
    /// Forwarding headers are not believed: anyone can send them.
    pub base_url: Option<String>,
    pub access: Access,
    pub limits: Limits,
    /// Of the software, for the CapabilityStatement.
    pub version: &'static str,
}

/// The FHIR interface, with `/health`, `/metrics` and the page at `/`.
pub struct Api {
    source: Arc<dyn Source>,
    community: Option<Arc<dyn Community>>,
    admin: Option<Arc<dyn Admin>>,
    office: Option<Office>,
    measures: Option<Arc<dyn Measures>>,
    editions: Arc<dyn Editions>,
    pub(crate) pages: Option<Pages>,
    pub(crate) settings: Settings,
    capabilities: Capabilities,
    pub(crate) metrics: Metrics,
    pub(crate) throttle: Throttle,
    /// The limits of a body where the body is the form of a search.
    form_limits: Limits,
    /// And where it asks about earlier results or answers a reminder.
    recognition_limits: Limits,
    form_budget: Budget,
    operation_budget: Budget,
}

/// The body of a request, as far as its route has one.
#[derive(Default)]
struct Content {
    /// The form of a search.
    form: String,
    /// What an operation works on; its share of the memory budget lives as long.
    document: Option<(Collected, Sent)>,
}

/// A request that is admitted and read.
#[derive(Clone, Copy)]
struct Asked<'a> {
    route: &'a Route,
    fields: &'a Fields,
    headers: &'a HeaderMap,
    base: &'a str,
    content: &'a Content,
    /// Who operates the gateway, where operators are answered otherwise than institutions.
    operator: &'a str,
    asker: Asker<'a>,
}

impl<'a> Asked<'a> {
    /// The only institution whose figures may be told; `None`: all, for operators.
    fn only(&self) -> Option<&'a str> {
        if self.operator.is_empty() { self.asker.institution } else { None }
    }
}

/// What is known of a request when it is answered, however far it came.
struct Seen {
    interaction: &'static str,
    form: Form,
}

impl Api {
    pub fn new(source: Arc<dyn Source>, editions: Arc<dyn Editions>, settings: Settings) -> Api {
        let limits = &settings.limits;
        Api {
            form_limits: Limits { message_bytes: limits.search_form_bytes, ..limits.clone() },
            recognition_limits: Limits { message_bytes: limits.recognition_body_bytes, ..limits.clone() },
            form_budget: Budget::new(FORMS_BYTES_MAX),
            operation_budget: Budget::new(OPERATIONS_BYTES_MAX),
            editions,
            capabilities: Capabilities::new(settings.version),
            metrics: Metrics::default(),
            throttle: Throttle::new(limits.request_rate_per_client_per_s, limits.request_rate_burst_per_client),
            source,
            community: None,
            admin: None,
            pages: None,
            office: None,
            measures: None,
            settings,
        }
    }

    /// Patients are matched and shown with the other records of the person.
    pub fn identify(&mut self, community: Arc<dyn Community>) {
        let source = Arc::clone(&self.source);
        self.source = Arc::new(Linked { source, community: Arc::clone(&community) });
        self.community = Some(community);
    }

    /// Operators are answered.
    pub fn operate(&mut self, admin: Arc<dyn Admin>) {
        self.admin = Some(admin);
    }

    /// The console's pages are shown; their streams of events end when `stopping` says so.
    pub fn show(&mut self, console: Arc<dyn Console>, stopping: watch::Receiver<bool>) {
        self.pages = Some(Pages::new(console, stopping));
    }

    /// Earlier results are asked about, and reminders answered.
    pub fn recognise(&mut self, recognition: Recognition) {
        self.office = Some(Office::new(recognition));
    }

    /// Figures are told as MeasureReports.
    pub fn measure(&mut self, measures: Arc<dyn Measures>) {
        self.measures = Some(measures);
    }

    /// Adds a figure of another part of the gateway to `/metrics`; `name` and `help` as Prometheus wants them: a name in
    /// `_total` is a counter, any other a gauge.
    pub fn figure(&mut self, name: &'static str, help: &'static str, read: impl Fn() -> f64 + Send + Sync + 'static) {
        self.metrics.figure(name, help, Box::new(read));
    }

    /// Answers one request. Who sends it is taken from its extension `Arc<`[`Peer`]`>`. Never fails.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
    {
        let started = Instant::now();
        let in_flight = InFlight::begin(&self.metrics.in_flight);
        let (parts, body) = request.into_parts();
        let mut seen = Seen { interaction: "none", form: Form::default() };
        let answer = self.answer(&parts, body, &mut seen).await.unwrap_or_else(|refusal| Answer::refused(&refusal));
        let took = started.elapsed();
        let status = answer.status.as_u16();
        drop(in_flight);
        self.metrics.request(seen.interaction, status, took);
        // no address: it can hold a patient's name
        tracing::debug!(interaction = seen.interaction, status, us = took.as_micros() as u64, "http request");
        let mut response = answer.into_response(seen.form, parts.method == Method::HEAD);
        if let Some(office) = self.office.as_ref().filter(|_| parts.uri.path().starts_with(HOOKS)) {
            office.allow_browser(&parts.headers, response.headers_mut());
        }
        if let Some(id) = parts.headers.get(REQUEST_ID).filter(|id| is_request_id(id)) {
            response.headers_mut().insert(REQUEST_ID, id.clone());
        }
        response
    }

    async fn answer<B>(&self, parts: &Parts, body: B, seen: &mut Seen) -> Result<Answer, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let url_bytes_max = size(self.settings.limits.request_url_bytes);
        if parts.uri.path_and_query().map_or(0, |u| u.as_str().len()) > url_bytes_max {
            return Err(Refusal::url_too_long(url_bytes_max));
        }
        let route = Route::of(&parts.method, parts.uri.path())?;
        seen.interaction = route.name();
        match &route {
            Route::Options { allow } => return Ok(Answer::allow(allow)),
            Route::Landing => return Ok(landing::answer()),
            Route::Health => return Ok(health::answer(&*self.source)),
            Route::Metrics => return Ok(self.metrics()),
            Route::Looking(looking) => return self.look(looking, parts, body).await,
            _ => {}
        }
        let peer = parts.extensions.get::<Arc<Peer>>().map(|p| p.address);
        let principal = self.settings.access.admit(peer, &parts.headers)?;
        self.count_request(&principal, peer)?;

        let report = report_path(&route);
        let operator = match &route {
            Route::Admin { .. } if report.is_some() => self.settings.access.operator(&principal).unwrap_or_default(),
            Route::Admin { .. } => self.settings.access.operator(&principal).ok_or_else(Refusal::no_operator)?,
            route if tells_figures(route) => self.settings.access.operator(&principal).unwrap_or_default(),
            _ => "",
        };
        let content = match &route {
            Route::Search { form_in_body: true, .. } => Content { form: self.form(&parts.headers, body).await?, document: None },
            Route::Operation { operation, .. } if operation.acts() => self.document(&parts.headers, body, &self.recognition_limits).await?,
            Route::Hooks(HooksRoute::Call(_) | HooksRoute::Feedback(_)) => {
                self.document(&parts.headers, body, &self.recognition_limits).await?
            }
            Route::Operation { body: true, .. } | Route::Admin { body: true, .. } => {
                self.document(&parts.headers, body, &self.settings.limits).await?
            }
            _ => Content::default(),
        };
        let fields = Fields::read(parts.uri.query().unwrap_or_default(), &content.form, &parts.headers, &self.settings.limits)?;
        // reports have forms of their own
        if report.is_none() {
            seen.form = fields.form(&parts.headers)?;
        }
        let base = self.base(parts)?;
        if asks_the_store(&route) {
            self.caught_up().await?;
        }
        if let (Some(path), Some(admin)) = (report, self.admin.as_deref()) {
            let only = if operator.is_empty() { principal.institution() } else { None };
            return guarded("report", || aside(|| admin::report(admin, path, only, &parts.headers, &fields)));
        }
        let asker = Asker::of(&principal);
        let asked = Asked { route: &route, fields: &fields, headers: &parts.headers, base: &base, content: &content, operator, asker };
        self.dispatch(&asked)
    }

    /// The interactions themselves. A fault of ours in one of them is that request's fault only.
    fn dispatch(&self, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        let Asked { route, fields, headers, base, content, operator, .. } = *asked;
        let source = &*self.source;
        let limits = &self.settings.limits;
        let edition = || self.editions.current();
        let run = || match route {
            Route::Capabilities => self.capabilities.answer(&edition(), fields, base),
            Route::Operation { operation, kind, id, .. } => self.operation(*operation, kind, id.as_deref(), asked),
            Route::Read { kind, id } if shelf::holds(kind) => {
                fields.none_left()?;
                conformance::read(&edition(), kind, id)
            }
            Route::Search { kind, .. } if shelf::holds(kind) => conformance::search(&edition(), kind, fields, base, limits),
            Route::Read { kind, id } if kind == measure::REPORT => {
                fields.none_left()?;
                measure::read(self.measures()?, id, asked.only())
            }
            Route::Search { kind, .. } if kind == measure::REPORT => {
                measure::search(self.measures()?, &edition(), fields, asked.only(), (base, limits))
            }
            Route::Read { kind, id } => {
                fields.none_left()?;
                read::answer(source, table(kind)?.resource_type, id, headers)
            }
            Route::VersionRead { kind, id, version } => {
                fields.none_left()?;
                vread::answer(source, table(kind)?.resource_type, id, *version)
            }
            Route::HistoryOfInstance { kind, id } => {
                history::answer(source, HistoryOf::Instance(table(kind)?.resource_type, id), fields, base, limits)
            }
            Route::HistoryOfType { kind } => history::answer(source, HistoryOf::Type(table(kind)?.resource_type), fields, base, limits),
            Route::HistoryOfSystem => history::answer(source, HistoryOf::System, fields, base, limits),
            Route::Search { kind, .. } => search::answer(source, table(kind)?, fields, base, limits),
            Route::Compartment { patient, kind } => compartment::answer(source, patient, table(kind)?, fields, base, limits),
            Route::Everything { patient } => everything::answer(source, patient, fields, base, limits),
            Route::Admin { path, body } => {
                let admin = self.admin.as_deref().ok_or_else(Refusal::no_such_path)?;
                let body = content.document.as_ref().map(|(_, sent)| sent.clone()).filter(|_| *body);
                admin::answer(admin, operator, path, body, fields)
            }
            Route::Hooks(route) => {
                fields.none_left()?;
                let office = self.office.as_ref().ok_or_else(Refusal::no_such_path)?;
                self.at(office, asked.asker, base).hooks(route, content.document.as_ref().map(|(_, sent)| sent))
            }
            Route::Landing | Route::Health | Route::Metrics | Route::Looking(_) | Route::Options { .. } => Err(Refusal::no_such_path()),
        };
        guarded(route.name(), || if costly(route, fields) { aside(run) } else { run() })
    }

    /// One edition answers the whole question.
    fn operation(&self, operation: Operation, kind: &str, id: Option<&str>, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        let Asked { content, fields, base, .. } = *asked;
        let edition: Arc<Edition> = self.editions.current();
        let body = content.document.as_ref().map(|(_, sent)| sent.clone());
        let limits = &self.settings.limits;
        match operation {
            Operation::Validate => validate::answer(&*self.source, &edition, validate::Request { kind, id, body }, fields, limits),
            Operation::Match => {
                let community = self.community.as_deref().ok_or_else(Refusal::unknown_operation)?;
                matching::answer((&*self.source, community), body, fields, base, limits)
            }
            Operation::RecognitionCheck | Operation::RecognitionAnswer => {
                fields.none_left()?;
                let office = self.office.as_ref().ok_or_else(Refusal::unknown_operation)?;
                let at = self.at(office, asked.asker, base);
                if operation == Operation::RecognitionCheck { at.check(body.as_ref()) } else { at.reply(body.as_ref()) }
            }
            Operation::EvaluateMeasure | Operation::CollectData => {
                let request = measure::Request { operation, id, body, fields, only: asked.only() };
                let measures = self.measures()?;
                let answer = if operation == Operation::CollectData { measure::collect } else { measure::evaluate };
                answer(measures, &edition, request, limits)
            }
            _ => terminology::answer(&edition, operation, (kind, id), body, fields, limits),
        }
    }

    fn measures(&self) -> Result<&dyn Measures, Refusal> {
        self.measures.as_deref().ok_or_else(Refusal::unknown_operation)
    }

    /// What a request of mutual recognition works with.
    fn at<'a>(&'a self, office: &'a Office, asker: Asker<'a>, base: &'a str) -> At<'a> {
        At { office, source: &*self.source, community: self.community.as_deref(), asker, base, limits: &self.settings.limits }
    }

    /// The page of a reminder: its link is the permission.
    async fn look<B>(&self, looking: &Looking, parts: &Parts, body: B) -> Result<Answer, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let office = self.office.as_ref().ok_or_else(Refusal::no_such_path)?;
        if let Some(peer) = parts.extensions.get::<Arc<Peer>>() {
            self.throttle.take(&format!("page {}", peer.address.ip()), Instant::now())?;
        }
        let form = if matches!(looking, Looking::Form(_)) { self.form(&parts.headers, body).await? } else { String::new() };
        let base = self.base(parts)?;
        let at = self.at(office, Asker::of(&Principal::Local), &base);
        // what was just reminded of must be found
        if self.caught_up().await.is_err() {
            return Ok(at.unavailable());
        }
        let query = parts.uri.query().unwrap_or_default();
        guarded("recognition-page", || aside(|| Ok(at.page(looking, query, &form, parts.method == Method::HEAD))))
    }

    /// Programs on this machine are not throttled: they are the operator's own.
    pub(crate) fn count_request(&self, principal: &Principal, peer: Option<SocketAddr>) -> Result<(), Refusal> {
        match (principal, peer) {
            (Principal::Local, _) => Ok(()),
            (Principal::Institution(id), Some(peer)) => self.throttle.take(&format!("{id} {}", peer.ip()), Instant::now()),
            (Principal::Institution(id), None) => self.throttle.take(id, Instant::now()),
        }
    }

    /// The body of `POST …/_search`.
    pub(crate) async fn form<B>(&self, headers: &HeaderMap, body: B) -> Result<String, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let kind = headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let limits = &self.form_limits;
        let content = collect(body, limits, &self.form_budget).await.map_err(|fault| body_fault(&fault, limits.message_bytes))?;
        let content = &content.bytes;
        let nothing = kind.is_empty() && content.is_empty();
        if !is_form && !nothing {
            return Err(Refusal::media_type());
        }
        String::from_utf8(content.to_vec()).map_err(|_| Refusal::bad_encoding())
    }

    /// The body of an operation; a `POST` without one is like a `GET`.
    async fn document<B>(&self, headers: &HeaderMap, body: B, limits: &Limits) -> Result<Content, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let content = collect(body, limits, &self.operation_budget).await.map_err(|fault| body_fault(&fault, limits.message_bytes))?;
        if content.bytes.is_empty() {
            return Ok(Content::default());
        }
        let sent = Sent { text: content.bytes.clone(), syntax: document::syntax(headers)? };
        Ok(Content { form: String::new(), document: Some((content, sent)) })
    }

    /// The absolute base of this request's addresses.
    fn base(&self, parts: &Parts) -> Result<String, Refusal> {
        if let Some(base) = &self.settings.base_url {
            return Ok(base.trim_end_matches('/').to_owned());
        }
        let host = parts.headers.get(http::header::HOST).and_then(|h| h.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default();
        let ok = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b));
        if !ok {
            return Err(Refusal::bad_host());
        }
        let tls = parts.extensions.get::<Arc<Peer>>().is_some_and(|p| p.tls);
        let scheme = if tls { "https" } else { "http" };
        Ok(format!("{scheme}://{host}{BASE}"))
    }

    /// A read sees at least what was durable when it arrived: waits for the projection, but not for long.
    pub(crate) async fn caught_up(&self) -> Result<(), Refusal> {
        let wanted = self.source.durable();
        if self.source.applied() >= wanted {
            return Ok(());
        }
        let deadline = Instant::now() + ms(self.settings.limits.read_own_write_ms);
        while Instant::now() < deadline {
            // the projection applies in batches of some milliseconds, so asking again is cheaper than a thread that waits
            tokio::time::sleep(Duration::from_millis(1)).await;
            if self.source.applied() >= wanted {
                return Ok(());
            }
        }
        Err(Refusal::lagging())
    }

    fn metrics(&self) -> Answer {
        let figures = StoreFigures { counts: self.source.counts(), durable: self.source.durable(), applied: self.source.applied() };
        Answer::other("text/plain; version=0.0.4; charset=utf-8", self.metrics.render(&figures).into_bytes())
    }
}

/// Runs an interaction; its panic is its own.
fn guarded(interaction: &str, run: impl FnOnce() -> Result<Answer, Refusal>) -> Result<Answer, Refusal> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        tracing::error!(interaction, "a request ended in a fault");
        Err(Refusal::fault())
    })
}

/// What of `/admin/report/…` is asked for: institutions read there of themselves, operators of all.
fn report_path(route: &Route) -> Option<&str> {
    match route {
        Route::Admin { path, body: false } => path.strip_prefix("report/"),
        _ => None,
    }
}

/// Whether figures are asked for: institutions are told of themselves, operators of all.
fn tells_figures(route: &Route) -> bool {
    match route {
        Route::Operation { operation, .. } => operation.measures(),
        Route::Read { kind, .. } | Route::Search { kind, .. } => kind == measure::REPORT,
        _ => false,
    }
}

/// Counts a request as long as it lives, also where the client goes away and the answer is dropped half made.
struct InFlight<'a>(&'a AtomicU64);

impl InFlight<'_> {
    fn begin(count: &AtomicU64) -> InFlight<'_> {
        count.fetch_add(1, Ordering::Relaxed);
        InFlight(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Refusal {
        match error {
            ReadError::BadCursor => Refusal::bad_cursor(),
            ReadError::TooCostly => Refusal::too_costly("超过了时间限制", "it passed its time limit"),
            // the reason is for the operator, and the store has logged it
            ReadError::Unavailable(_) | ReadError::Damaged(_) => Refusal::unavailable(),
        }
    }
}

fn body_fault(fault: &BodyFault, bytes_max: u64) -> Refusal {
    match fault {
        BodyFault::TooLarge { .. } => Refusal::body_too_long(size(bytes_max)),
        BodyFault::TimedOut => Refusal::body_late(),
        BodyFault::Broken => Refusal::body_broken(),
    }
}

/// Whether the answer depends on what is stored: it then waits until what was durable can be seen.
fn asks_the_store(route: &Route) -> bool {
    match route {
        Route::Capabilities => false,
        Route::Operation { operation: Operation::Match | Operation::RecognitionAnswer, .. } => true,
        Route::Operation { operation, .. } if operation.measures() => true,
        // the desk itself waits, and says where it did not wait long enough
        Route::Hooks(route) => matches!(route, HooksRoute::Feedback(_)),
        Route::Operation { operation, id, .. } => *operation == Operation::Validate && id.is_some(),
        Route::Read { kind, .. } | Route::Search { kind, .. } => !shelf::holds(kind),
        _ => true,
    }
}

fn table(name: &str) -> Result<&'static TypeTable, Refusal> {
    table::of(name).ok_or_else(|| Refusal::unknown_type(name))
}

fn is_request_id(value: &HeaderValue) -> bool {
    (1..=64).contains(&value.len()) && value.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(b))
}

/// Whether an interaction may take long. What is pinned to a patient or an identity takes tens of microseconds, less than
/// handing it to another thread and back; it runs where it is.
fn costly(route: &Route, fields: &Fields) -> bool {
    const PINNING: [&str; 5] = ["_id", "identifier", "patient", "subject", "encounter"];
    let pinned = || fields.list.iter().any(|(name, _)| PINNING.contains(&name.as_str()));
    let counting = || fields.list.iter().any(|(name, _)| matches!(name.as_str(), "_total" | "_summary"));
    match route {
        Route::Read { kind, .. } | Route::Search { kind, .. } if kind == measure::REPORT => true,
        Route::Search { .. } => !pinned() || counting(),
        Route::Compartment { .. } => counting(),
        Route::HistoryOfInstance { .. } | Route::HistoryOfType { .. } | Route::HistoryOfSystem | Route::Everything { .. } => true,
        Route::Operation { .. } | Route::Admin { .. } | Route::Hooks(_) => true,
        _ => false,
    }
}

/// Runs what may take long so that other connections of this thread go on meanwhile.
pub(crate) fn aside<T>(run: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(run),
        // a runtime of one thread has nobody to hand them to
        _ => run(),
    }
}
