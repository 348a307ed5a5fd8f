//! The running gateway: store, pipeline, listeners. `serve`, `demo` and the benchmarks start the same thing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use http::{Request, Response};
use http_body_util::Either;
use hutong_commit::error::StoreError;
use hutong_commit::projection::{self, Journal as _};
use hutong_commit::store::{JournalOptions, Projection as _, Store};
use hutong_identify::Weights;
use hutong_receive::hl7_http::Hl7Http;
use hutong_receive::sources::{Source, SourceFault, Sources};
use hutong_receive::{Handler, mllp};
use hutong_serve::{Access, Answered, Api, Editions, Embedded, Settings};
use hutong_wire::budget::Budget;
use hutong_wire::limits::{Limits, size};
use hutong_wire::tls::{ClientCertificate, TlsFiles};
use hutong_wire::{http as wire_http, listen, tls};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::act::Acts;
use crate::cli::Failure;
use crate::community::{Community, Desk, Fed, Keeping, Shared, Worker, load_ledger};
use crate::config::{Config, Tls};
use crate::hex;
use crate::indicators::Indicators;
use crate::ingest::Ingest;
use crate::library::Library;
use crate::measures::Measured;
use crate::pages::Pages;
use crate::pipeline::Pipeline;
use crate::question::Questions;
use crate::recognition::{Keeper, Recognition, Tables, UnknownSet};
use crate::reload::Reload;

/// A gateway that accepts.
pub(crate) struct Running {
    pub(crate) mllp: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) data: PathBuf,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Opens the store, binds the listeners and begins to accept. When it returns, the gateway is ready.
    pub(crate) fn start(config: Config) -> Result<Running, Failure> {
        let data = config.gateway.data.clone();
        let store = open(&data, &config)?;
        let (stop, stopped) = watch::channel(false);
        let parts = Parts::new(config, store, stopped.clone())?;
        // Message work and flushes share the machine's cores; more threads than cores only take turns.
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name("worker").enable_all().build();
        let runtime = runtime.map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
        let (mllp_listener, http_listener) = runtime.block_on(async { (bind(parts.mllp_listen), bind(parts.http_listen)) });
        let (mllp_listener, http_listener) = (mllp_listener?, http_listener?);
        let (mllp, http) = (address(&mllp_listener)?, address(&http_listener)?);
        let thread =
            std::thread::Builder::new().name("gateway".into()).spawn(move || serve(&runtime, parts, mllp_listener, http_listener, stopped));
        let thread = thread.map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
        Ok(Running { mllp, http, data, stop, thread })
    }

    /// Finishes what is in work and closes the store.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.thread.join();
    }

    /// Until the process is told to end (SIGTERM, Ctrl-C), then as [`Running::stop`].
    pub(crate) fn wait(self) {
        let stop = self.stop.clone();
        let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = waiting {
            runtime.block_on(async {
                let mut told = stop.subscribe();
                tokio::select! {
                    () = signalled() => {}
                    // the gateway itself gave up, e.g. after a failed flush
                    _ = told.wait_for(|stop| *stop) => {}
                }
            });
        }
        self.stop();
    }
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

/// What the listeners work with.
struct Parts {
    mllp_listen: SocketAddr,
    http_listen: SocketAddr,
    mllp: mllp::Setting,
    http: wire_http::Setting,
    hl7: Hl7Http,
    api: Api,
    store: Arc<Store>,
    reload: Reload,
    platform: Option<crate::platform::Running>,
    keeping: Keeping,
    worker: Worker,
}

/// An open data directory: the journal, and the views of it.
pub(crate) struct Opened {
    pub(crate) store: Arc<Store>,
    pub(crate) reader: projection::Reader,
    pub(crate) community: Shared,
}

impl Parts {
    fn new(config: Config, opened: Opened, stopping: watch::Receiver<bool>) -> Result<Parts, Failure> {
        let Opened { store, reader, community } = opened;
        let of_events = reader.clone();
        let of_measures = reader.clone();
        let library = Library::load(&config)?;
        let limits = Arc::new(config.limits);
        for raised in limits.raised() {
            tracing::warn!(
                rule = "limits.raised",
                name = raised.name,
                configured = raised.configured,
                default = raised.default,
                "a limit was raised above its default"
            );
        }
        let plaintext = config.mllp.tls.is_none();
        if plaintext && !mllp::plaintext_allowed(config.mllp.listen.ip(), &config.mllp.plaintext_on) {
            let at = config.mllp.listen;
            return Err(Failure::judged(
                format!("拒绝在 {at} 上以明文监听 MLLP：线路上的人可读可改。请配置 mllp.tls，或把该地址列入 mllp.plaintext_on。"),
                format!(
                    "refused to listen for MLLP without TLS on {at}: anyone on the path could read and change messages. Configure mllp.tls, or list the address in mllp.plaintext_on."
                ),
            ));
        }
        let library = Arc::new(library);
        let sources = Arc::new(sources(config.source, &limits)?);
        let reload =
            Reload { path: config.path, library: Arc::clone(&library), sources: Arc::clone(&sources), limits: Arc::clone(&limits) };
        let budget = Budget::new(size(limits.in_flight_bytes));
        let pipeline = Arc::new(Pipeline::with(config.gateway.mappings.as_deref(), Arc::clone(&library))?);
        let mllp_counts = Arc::new(mllp::Counts::default());
        let http_counts = Arc::new(wire_http::Counts::default());
        let (origins, frames) = (config.recognition.browser_origins.clone(), config.recognition.frame_origins.clone());
        let desk = Recognition::new(Arc::clone(&store), reader.clone(), community.clone(), Arc::clone(&sources), config.recognition)?;
        let desk = Arc::new(desk.with_links_of(&config.gateway.data)?);
        let base = config.http.base_url.clone().unwrap_or_else(|| format!("http://{}", config.http.listen));
        let questions = Questions::new(Arc::clone(&desk) as Arc<_>, Arc::clone(&store), &base);
        let ingest = Ingest::new(pipeline, Arc::clone(&store), community.clone(), Some(Arc::new(questions)), &limits);
        let handler: Arc<dyn Handler> = Arc::new(ingest);
        let mut access = Access { loopback_open: config.http.loopback_open, operators: config.http.operators, ..Access::default() };
        for token in config.http.tokens {
            access.tokens.push((sha256(&token.sha256)?, token.institution));
        }
        let settings =
            Settings { base_url: config.http.base_url, access, limits: Limits::clone(&limits), version: env!("CARGO_PKG_VERSION") };
        let keeper = Keeper::new(Acts::new(Arc::clone(&store)), reader.clone(), community.clone(), Arc::clone(&sources));
        let mut api =
            Api::new(Arc::new(Embedded { store: Arc::clone(&store), reader }), Arc::clone(&library) as Arc<dyn Editions>, settings);
        figures(&mut api, &store, &mllp_counts, &http_counts);
        community_figures(&mut api, &community);
        recognition_figures(&mut api, &desk);
        api.recognise(hutong_serve::Recognition { desk: desk as Arc<_>, ledger: Arc::new(keeper), origins, frames });
        api.identify(Arc::new(community.clone()));
        let acts = Acts::new(Arc::clone(&store));
        let platform = crate::platform::start(&config.platform, acts.clone(), of_events, community.clone())?;
        let state = platform.as_ref().map(|p| Arc::clone(&p.state));
        platform_figures(&mut api, state.as_ref());
        let indicators = Indicators::load(config.indicators)?;
        let keeping = Keeping::new(config.gateway.data.clone(), community.clone());
        let worker = Worker::new(community.clone());
        let pages = Pages::new(community.clone(), Arc::clone(&store), Arc::clone(&indicators), Arc::clone(&sources));
        api.show(Arc::new(pages), stopping);
        api.measure(Arc::new(Measured::new(community.clone(), Arc::clone(&store), of_measures, Arc::clone(&indicators))));
        api.operate(Arc::new(Desk::new(community, acts, indicators).with_platform(state).with_sources(Arc::clone(&sources))));
        Ok(Parts {
            mllp_listen: config.mllp.listen,
            http_listen: config.http.listen,
            mllp: mllp::Setting {
                tls: load_tls(config.mllp.tls.as_ref())?,
                sources: Arc::clone(&sources),
                limits: Arc::clone(&limits),
                budget: budget.clone(),
                handler: Arc::clone(&handler),
                counts: mllp_counts,
            },
            http: wire_http::Setting { tls: load_tls(config.http.tls.as_ref())?, limits: Arc::clone(&limits), counts: http_counts },
            hl7: Hl7Http { sources, limits, budget, handler },
            api,
            store,
            reload,
            platform,
            keeping,
            worker,
        })
    }
}

/// Runs the listeners until told to stop, then closes the store.
fn serve(runtime: &Runtime, parts: Parts, mllp_listener: TcpListener, http_listener: TcpListener, stopped: watch::Receiver<bool>) {
    let Parts { mllp: mllp_setting, http: http_setting, hl7, api, store, reload, platform, keeping, worker, .. } = parts;
    let (api, hl7) = (Arc::new(api), Arc::new(hl7));
    let keeping = Arc::new(Mutex::new(keeping));
    let service = service_fn(move |request: Request<Incoming>| {
        let (api, hl7) = (Arc::clone(&api), Arc::clone(&hl7));
        async move {
            Ok::<Response<Answered>, Infallible>(if request.uri().path() == "/hl7v2" {
                hl7.answer(request).await.map(Either::Left)
            } else {
                api.answer_any(request).await
            })
        }
    });
    runtime.block_on(async {
        tokio::spawn(give_up_when_stopped(Arc::downgrade(&store)));
        tokio::spawn(reload.on_hangup());
        let minutes = tokio::spawn(every_minute(Arc::clone(&keeping), Arc::downgrade(&store)));
        let work = tokio::spawn(work(worker, Arc::downgrade(&store)));
        let mllp = tokio::spawn(mllp::serve(mllp_listener, mllp_setting, stopped.clone()));
        let http = tokio::spawn(wire_http::serve(http_listener, http_setting, service, stopped));
        for (name, task) in [("mllp", mllp), ("http", http)] {
            if let Ok(Err(error)) = task.await {
                tracing::error!(rule = "listener.failed", name, %error, "a listener ended");
            }
        }
        minutes.abort();
        work.abort();
    });
    drop(platform);
    keeping.lock().unwrap_or_else(PoisonError::into_inner).save(&store);
    // the last owner closes the journal and marks the projection as whole
    drop(store);
}

/// What the ledger does by the clock.
async fn every_minute(keeping: Arc<Mutex<Keeping>>, store: std::sync::Weak<Store>) {
    const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);
    loop {
        tokio::time::sleep(MINUTE).await;
        let Some(store) = store.upgrade() else { return };
        let keeping = Arc::clone(&keeping);
        let done = tokio::task::spawn_blocking(move || keeping.lock().unwrap_or_else(PoisonError::into_inner).minute(&store));
        let _ = done.await;
    }
}

/// Opens and ends work items as cases change.
async fn work(mut worker: Worker, store: std::sync::Weak<Store>) {
    let mut pause = std::time::Duration::from_secs(1);
    loop {
        tokio::time::sleep(pause).await;
        let Some(store) = store.upgrade() else { return };
        let done = tokio::task::spawn_blocking(move || {
            let pause = worker.turn(&store);
            (worker, pause)
        });
        let Ok(done) = done.await else { return };
        (worker, pause) = done;
    }
}

/// After a failed write or flush nothing more can be promised: the process ends, and is started again on what is durable.
async fn give_up_when_stopped(store: std::sync::Weak<Store>) {
    const EXIT_STOPPED: i32 = 74;
    while let Some(open) = store.upgrade() {
        if open.is_stopped() {
            tracing::error!(
                rule = "store.stopped",
                "a write or flush of the journal failed: the process ends, nothing unacknowledged is lost"
            );
            std::process::exit(EXIT_STOPPED);
        }
        drop(open);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

pub(crate) fn open(data: &Path, config: &Config) -> Result<Opened, Failure> {
    let failed = |error: StoreError| {
        let place = data.display();
        Failure::usage(format!("无法打开数据目录 {place}：{}", error.zh()), format!("cannot open the data directory {place}: {error}"))
    };
    std::fs::create_dir_all(data).map_err(|e| Failure::file(data, &e))?;
    let options =
        JournalOptions { segment_bytes: config.journal.segment_mib << 20, lag_max: config.journal.lag_max, ..JournalOptions::default() };
    let mut reader = None;
    let tables = Tables::shipped(&config.recognition.rules).map_err(|name| unknown_rules(&name))?;
    let community = Shared::new(Weights::built_in(), tables);
    community.count_by(config.counting);
    community.count_activity_by(config.activity.clone());
    let store = Store::open_with(data, options, |journal| {
        let (projection, read) = projection::open(data, Arc::new(journal.clone())).map_err(|e| StoreError::Projection(e.0))?;
        if let Some(seq) = load_ledger(data, &community, projection.applied(), |seq| journal.mark(seq).ok()) {
            tracing::info!(rule = "ledger.loaded", seq, "cases are counted on from the ledger's snapshot");
        }
        let fed = Fed::begin(projection, &read, community.clone())?;
        reader = Some(read);
        Ok(fed)
    })
    .map_err(failed)?;
    let reader = reader.ok_or_else(|| failed(StoreError::Stopped))?;
    Ok(Opened { store: Arc::new(store), reader, community })
}

/// A rule set that is named and not shipped.
pub(crate) fn unknown_rules(UnknownSet(name): &UnknownSet) -> Failure {
    let known = UnknownSet::known();
    Failure::judged(
        format!("[recognition] rules：没有名为 {name} 的内置规则集；内置：{known}；其他规则集请用 hutong import rules 导入"),
        format!("[recognition] rules: no rule set {name} is shipped; shipped: {known}; import others with hutong import rules"),
    )
}

fn sources(list: Vec<Source>, limits: &Limits) -> Result<Sources, Failure> {
    if list.is_empty() {
        return Ok(Sources::local());
    }
    Sources::new(list.into_iter().map(|source| source.with_default_rate(limits)).collect()).map_err(|faults| wrong_sources(&faults))
}

/// What is wrong with the registry of sources.
pub(crate) fn wrong_sources(faults: &[SourceFault]) -> Failure {
    let list = |pick: fn(&SourceFault) -> &String| -> String {
        faults.iter().map(|f| format!("\n  [[source]] {}: {}", f.source, pick(f))).collect()
    };
    Failure::judged(format!("来源登记有误：{}", list(|f| &f.zh)), format!("the registered sources are not right:{}", list(|f| &f.en)))
}

fn load_tls(files: Option<&Tls>) -> Result<Option<Arc<tls::Tls>>, Failure> {
    let Some(files) = files else { return Ok(None) };
    let client_certificate = if files.client_ca.is_some() { ClientCertificate::Required } else { ClientCertificate::Never };
    let files = TlsFiles {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        client_ca: files.client_ca.clone(),
        client_certificate,
        revoked: Vec::new(),
    };
    tls::Tls::load(files).map(|tls| Some(Arc::new(tls))).map_err(|fault| Failure::tls(&fault))
}

fn sha256(text: &str) -> Result<[u8; 32], Failure> {
    hex::sha256(text)
        .ok_or_else(|| Failure::usage("http.tokens：sha256 应为 64 位十六进制", "http.tokens: sha256 is written as 64 hexadecimal digits"))
}

fn bind(at: SocketAddr) -> Result<TcpListener, Failure> {
    listen::bind(at).map_err(|e| {
        Failure::usage(format!("无法监听 {at}：{e}。端口可能已被占用。"), format!("cannot listen on {at}: {e}. The port may be in use."))
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|e| Failure::usage(e.to_string(), e.to_string()))
}

/// Figures of the parts for `/metrics`.
fn figures(api: &mut Api, store: &Arc<Store>, mllp: &Arc<mllp::Counts>, http: &Arc<wire_http::Counts>) {
    let of = |store: &Arc<Store>, read: fn(&Store) -> u64| {
        let store = Arc::clone(store);
        move || read(&store) as f64
    };
    api.figure("hutong_journal_flushes_total", "fdatasync calls of the journal", of(store, Store::flushes));
    api.figure("hutong_journal_commits_total", "groups of entries made durable together", of(store, Store::commits));
    api.figure("hutong_journal_sealed_bytes", "bytes of sealed segments on disk", of(store, |s| s.sealed().1));
    api.figure("hutong_journal_sealed_entries", "entries in sealed segments", of(store, |s| s.sealed().0));
    let count = |counter: fn(&mllp::Counts) -> &AtomicU64| {
        let counts = Arc::clone(mllp);
        move || counter(&counts).load(Ordering::Relaxed) as f64
    };
    api.figure("hutong_mllp_connections_total", "MLLP connections accepted", count(|c| &c.connections));
    api.figure("hutong_mllp_messages_total", "MLLP messages received", count(|c| &c.messages));
    api.figure("hutong_mllp_answers_total", "acknowledgements handed to the socket", count(|c| &c.answers));
    api.figure("hutong_mllp_faults_total", "frames that never became a message", count(|c| &c.faults));
    let http = Arc::clone(http);
    api.figure("hutong_http_connections_total", "HTTP connections accepted", move || http.connections.load(Ordering::Relaxed) as f64);
}

fn recognition_figures(api: &mut Api, desk: &Arc<Recognition>) {
    let of = |read: fn(&Recognition) -> &AtomicU64| {
        let desk = Arc::clone(desk);
        move || read(&desk).load(Ordering::Relaxed) as f64
    };
    api.figure("hutong_recognition_asked_total", "questions about earlier results", of(|d| &d.counts.asked));
    api.figure("hutong_recognition_degraded_total", "questions that were not answered whole in time", of(|d| &d.counts.degraded));
    api.figure("hutong_recognition_reminders_total", "results of which somebody was reminded", of(|d| &d.counts.reminded));
    api.figure("hutong_recognition_answers_total", "views, recognitions, refusals and revocations", of(|d| &d.counts.answered));
}

fn platform_figures(api: &mut Api, state: Option<&Arc<crate::platform::State>>) {
    let Some(state) = state else { return };
    let of = |pick: fn((u64, usize, usize)) -> f64| {
        let state = Arc::clone(state);
        move || pick(state.counts())
    };
    api.figure("hutong_platform_sent_total", "records that the upper platform took", of(|(sent, ..)| sent as f64));
    api.figure("hutong_platform_waiting", "records that wait to be sent to the upper platform", of(|(_, waiting, _)| waiting as f64));
    api.figure("hutong_platform_refused", "records that the upper platform did not take", of(|(.., refused)| refused as f64));
}

fn community_figures(api: &mut Api, community: &Shared) {
    let of = |read: fn(&Community) -> usize| {
        let community = community.clone();
        move || read(&community.read()) as f64
    };
    api.figure("hutong_identity_records", "Patients of institutions whose person is known", of(|c| c.register.len()));
    api.figure("hutong_identity_reviews", "records that somebody has to look at", of(|c| c.reviews.len()));
    api.figure("hutong_case_doubts", "pairs of order and report that somebody has to decide on", of(|c| c.work.len()));
    api.figure("hutong_recognition_reminders", "reminders that can be answered", of(|c| c.recognition.len().0));
    api.figure("hutong_recognition_answers", "answers in memory", of(|c| c.recognition.len().1));
    api.figure("hutong_community_unreadable", "events left out because this program cannot read or use them", of(|c| c.unreadable()));
}
