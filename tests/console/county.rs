//! The console of an invented county on a free port, behind the real HTTP listener.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hutong_commit::projection::{HistoryOf, HistoryPage, ReadError};
use hutong_commit::search::{Page, Query, Version};
use hutong_commit::store::Counts;
use hutong_console::fake::County;
use hutong_serve::{Access, Api, Edition, Editions, Settings, Source};
use hutong_wire::http as wire;
use hutong_wire::limits::Limits;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// The console asks nothing of the store.
struct Nothing;

impl Source for Nothing {
    fn read(&self, _: &str, _: &str) -> Result<Option<Version>, ReadError> {
        Ok(None)
    }
    fn vread(&self, _: &str, _: &str, _: u64) -> Result<Option<Version>, ReadError> {
        Ok(None)
    }
    fn history(&self, _: HistoryOf<'_>, _: Option<i64>, _: usize, _: Option<u64>) -> Result<HistoryPage, ReadError> {
        Err(ReadError::BadCursor)
    }
    fn search(&self, _: &Query) -> Result<Page, ReadError> {
        Err(ReadError::BadCursor)
    }
    fn counts(&self) -> Counts {
        Counts::default()
    }
    fn durable(&self) -> u64 {
        0
    }
    fn applied(&self) -> u64 {
        0
    }
}

impl Editions for Nothing {
    fn current(&self) -> Arc<Edition> {
        unreachable!("no page asks for definitions")
    }
}

pub(crate) const TOKEN: &str = "a-token-of-the-county";

pub(crate) struct Served {
    pub(crate) county: Arc<County>,
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Starts it; `open`: whoever is at this machine is let in, else only who has the token.
pub(crate) fn serve(open: bool) -> Served {
    let county = Arc::new(County::default());
    let (stop, stopping) = watch::channel(false);
    let access = Access {
        loopback_open: open,
        tokens: vec![(Sha256::digest(TOKEN.as_bytes()).into(), "QJRMYY".to_owned())],
        operators: vec!["QJRMYY".to_owned()],
    };
    let settings = Settings { base_url: None, access, limits: Limits::default(), version: "0.0.0-test" };
    let mut api = Api::new(Arc::new(Nothing), Arc::new(Nothing), settings);
    api.show(Arc::<County>::clone(&county), stopping.clone());
    let api = Arc::new(api);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let setting = wire::Setting { tls: None, limits: Arc::new(Limits::default()), counts: Arc::default() };
    let service = service_fn(move |request: Request<Incoming>| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.answer_any(request).await) }
    });
    let thread = std::thread::spawn(move || {
        let _ = runtime.block_on(wire::serve(listener, setting, service, stopping));
    });
    Served { county, address, stop, thread: Some(thread) }
}

impl Served {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}
