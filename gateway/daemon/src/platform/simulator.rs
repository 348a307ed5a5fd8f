//! `hutong platform-simulator`: an upper platform of ours, for tests and demonstrations. It checks what it is sent by the
//! form and answers as platforms do; what it took stands in a file, one line a record, and counts once by its GUID.

use std::collections::HashSet;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use super::form::{self, Form, Kind};
use super::sender::sign;
use crate::cli::{Failure, Outcome};

const BODY_MAX: usize = 1 << 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// One line a request that was taken.
    #[arg(long)]
    out: PathBuf,
    /// Key of the signatures; absent: they are not checked.
    #[arg(long)]
    key: Option<String>,
    /// Refuses records of these items.
    #[arg(long)]
    refuse_item: Vec<String>,
    /// Takes this many records, then falls dead before it answers the next.
    #[arg(long)]
    dies_after: Option<usize>,
}

struct Simulator {
    args: Args,
    form: Form,
    taken: Mutex<HashSet<String>>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let Ok(form) = Form::read(form::SHIPPED) else { return Err(Failure::usage("内置表格有误", "the shipped form is not right")) };
    let listen = args.listen;
    let known = std::fs::read_to_string(&args.out).unwrap_or_default();
    let guid = |line: &str| serde_json::from_str::<Value>(line).ok().and_then(|l| l["guid"].as_str().map(str::to_owned));
    let simulator: &'static Simulator =
        Box::leak(Box::new(Simulator { args, form, taken: Mutex::new(known.lines().filter_map(guid).collect()) }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
        let at = listener.local_addr().map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
        println!("{}", json!({ "ready": true, "http": at.to_string() }));
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move {
                let service = service_fn(move |request| async move { Ok::<_, std::convert::Infallible>(simulator.answer(request).await) });
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

impl Simulator {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = match Limited::new(body, BODY_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        };
        let (code, message) = self.judged(parts.uri.path(), &parts.headers, &body);
        let said = json!({ self.form.code.as_str(): code, self.form.message.as_str(): message });
        Response::new(Full::new(Bytes::from(said.to_string())))
    }

    fn judged(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> (&str, &'static str) {
        let Some(kind) = Kind::ALL.into_iter().find(|k| self.form.path(*k) == path) else { return ("E404", "没有这个接口") };
        let [client, institution, time, signature] = [0, 1, 2, 3]
            .map(|n| self.form.headers.get(n).and_then(|h| headers.get(h.as_str())).and_then(|v| v.to_str().ok()).unwrap_or(""));
        if let Some(key) = &self.args.key
            && sign(key.as_bytes(), client, institution, time, body) != signature
        {
            return ("E401", "签名不符");
        }
        let Ok(record) = serde_json::from_slice::<Value>(body) else { return ("E400", "不是 JSON") };
        let text = |name: &str| record[name].as_str().unwrap_or_default();
        let guid = text(match kind {
            Kind::Reminder => "remindId",
            Kind::View => "reviewId",
            Kind::Decision => "recordId",
        });
        let listed = |name: &str, of: &[&str]| of.contains(&text(name));
        let right = is_guid(guid)
            && listed("itemType", &["PACS", "LIS"])
            && (kind == Kind::Decision || listed("searchType", &["1", "2"]))
            && (kind != Kind::Decision || listed("status", &["0", "1", "2"]))
            && (text("reasonCode") != "99" || !text("diagName").is_empty())
            && !text("patientId").is_empty();
        if !right {
            return ("E422", "字段不符合要求");
        }
        if self.args.refuse_item.iter().any(|i| i == text("itemCode")) {
            return ("E101", "项目未登记");
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let again = !taken.insert(guid.to_owned());
        let file = std::fs::File::options().create(true).append(true).open(&self.args.out);
        let line = json!({ "record": kind.name(), "guid": guid, "again": again, "body": record });
        if file.and_then(|mut f| writeln!(f, "{line}")).is_err() {
            return ("E500", "无法写入");
        }
        if self.args.dies_after.is_some_and(|n| taken.len() > n) {
            std::process::exit(0);
        }
        (&self.form.success, "成功")
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.char_indices().all(|(n, c)| if matches!(n, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() })
}
