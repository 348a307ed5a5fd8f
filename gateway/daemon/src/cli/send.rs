//! `hutong send --to mllp://…|mllps://…|http://… FILE…`: a vendor's test client. Sends one message after the other and
//! says in words what the answer means. Exit 1 where anything was not accepted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use hutong_decode::{charset, v2};
use hutong_wire::http::client;
use hutong_wire::limits::Limits;
use hutong_wire::mllp_client::Client;
use hutong_wire::tls::{self, ClientFiles};
use rustls::ClientConfig;

use super::lang::{Lang, lang, t};
use super::output::{self, Format};
use super::{Failure, Outcome, files};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// mllp://主机:端口、mllps://主机:端口 或 http://主机:端口[/hl7v2]
    #[arg(long)]
    to: String,
    /// 消息文件、目录或 - · message files, directories or -
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// 等待应答的秒数 · seconds to wait for an answer
    #[arg(long, default_value_t = 30.0)]
    timeout: f64,
    /// mllps 信任的 CA 证书 · CA to trust
    #[arg(long)]
    ca: Option<PathBuf>,
    /// 本端证书与私钥 · our certificate and key
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    #[arg(long)]
    key: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Whom we send to.
struct Peer {
    scheme: String,
    /// `host:port` or the whole URL.
    place: String,
    tls: Option<Arc<ClientConfig>>,
    limits: Limits,
    /// The open MLLP connection.
    open: Option<Client>,
}

/// One answer, as far as it could be read.
struct Told {
    control_id: String,
    code: String,
    texts: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
    runtime.block_on(send(args))
}

async fn send(args: &Args) -> Outcome {
    let mut peer = Peer::new(args)?;
    let mut all_accepted = true;
    for path in files::expand(&args.files)? {
        let input = files::read(&path)?;
        for (index, message) in messages(&input.bytes).into_iter().enumerate() {
            let from = Instant::now();
            let told = peer.exchange(message).await.map(|bytes| read(&bytes));
            all_accepted &= told.as_ref().is_ok_and(|t| matches!(t.code.as_str(), "AA" | "CA"));
            show(args.format, &input.name, index, &told, from.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok(u8::from(!all_accepted))
}

/// The messages of a file. One is sent in its own bytes; several are cut apart, which needs their text.
fn messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let bytes = files::unframed(bytes);
    let Ok(text) = charset::decode(bytes, None) else { return vec![bytes.to_vec()] };
    let parts = v2::split_batch(&text.text);
    let parts: Vec<&v2::BatchPart<'_>> = parts.iter().filter(|p| p.kind == v2::PartKind::Message).collect();
    if parts.len() < 2 {
        return vec![bytes.to_vec()];
    }
    let place = |at: usize| charset::raw_offset(bytes, text.charset, at);
    parts.iter().map(|p| bytes.get(place(p.offset)..place(p.offset + p.text.len())).unwrap_or_default().to_vec()).collect()
}

impl Peer {
    fn new(args: &Args) -> Result<Peer, Failure> {
        let (scheme, rest) = args.to.split_once("://").unwrap_or(("", &args.to));
        let place = match scheme {
            "mllp" | "mllps" if rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) => rest.to_owned(),
            "http" | "https" if rest.contains('/') => args.to.clone(),
            "http" | "https" => format!("{}/hl7v2", args.to),
            _ => {
                return Err(Failure::usage(
                    format!("--to {} 无法识别，应为 mllp://主机:端口、mllps://主机:端口 或 http(s)://主机:端口", args.to),
                    format!("--to {} is not understood; write mllp://host:port, mllps://host:port or http(s)://host:port", args.to),
                ));
            }
        };
        let tls = match (&args.ca, scheme) {
            (Some(ca), "mllps" | "https") => {
                let files = ClientFiles { ca: ca.clone(), certificate: args.certificate.clone(), key: args.key.clone() };
                Some(tls::client_config(&files).map_err(|fault| Failure::tls(&fault))?)
            }
            (None, "mllps" | "https") => {
                return Err(Failure::usage(
                    "TLS 需要用 --ca 指定信任的签发机构证书",
                    "TLS needs --ca, the certificate of the authority to trust",
                ));
            }
            _ => None,
        };
        let limits = Limits { answer_ms: (args.timeout.clamp(0.1, 3600.0) * 1000.0) as u64, ..Limits::default() };
        Ok(Peer { scheme: scheme.to_owned(), place, tls, limits, open: None })
    }

    /// Sends a message and waits for its answer; the reason in the chosen language where there is none.
    async fn exchange(&mut self, message: Vec<u8>) -> Result<Bytes, String> {
        if self.scheme.starts_with("http") {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("x-application/hl7-v2+er7"))];
            let reply = client::request(Method::POST, &self.place, &headers, message.into(), self.tls.clone(), &self.limits).await;
            return reply.map(|r| r.body).map_err(|e| if lang() == Lang::Zh { e.zh() } else { e.to_string() });
        }
        let say = |e: hutong_wire::mllp_client::NoAnswer| if lang() == Lang::Zh { e.zh() } else { e.to_string() };
        let mut client = match self.open.take() {
            Some(client) => client,
            None => {
                let (host, port) = self.place.rsplit_once(':').unwrap_or((&self.place, ""));
                let port = port.parse().unwrap_or(2575);
                let host = host.trim_start_matches('[').trim_end_matches(']');
                Client::connect(host, port, self.tls.clone(), &self.limits).await.map_err(say)?
            }
        };
        let answer = client.send(&message).await.map_err(say)?;
        self.open = Some(client);
        Ok(answer)
    }
}

fn read(answer: &[u8]) -> Told {
    let text = charset::decode(answer, None).map(|t| t.text.into_owned()).unwrap_or_default();
    let parsed = v2::parse(&text, &v2::Limits::default());
    let field = |segment: &v2::SegmentRef<'_>, n: usize| segment.field(n).component(1).value().text().into_owned();
    let mut told = Told { control_id: String::new(), code: String::new(), texts: Vec::new() };
    for segment in parsed.message.iter() {
        match segment.name() {
            "MSA" => {
                told.code = field(&segment, 1);
                told.control_id = field(&segment, 2);
                told.texts.extend(Some(field(&segment, 3)).filter(|s| !s.is_empty()));
            }
            "ERR" => {
                let place = segment.field(2).raw().replace('^', ".");
                told.texts.push(format!("{place} {} [{}]", segment.field(8).value().text(), segment.field(7).value().text()));
            }
            _ => {}
        }
    }
    told
}

/// Table 0008 in words.
fn words(code: &str) -> &'static str {
    match code {
        "AA" => t("已接收并处理", "accepted"),
        "AE" => t("内容有误，请更正后重发", "an error in the content: correct it and send it again"),
        "AR" => t("拒收：类型、版本或身份不符", "rejected: kind, version or identity"),
        "CA" => t("已安全保存", "safely stored"),
        "CE" => t("未能保存：内容有误", "not stored: an error in the content"),
        "CR" => t("未能保存：拒收", "not stored: rejected"),
        _ => t("没有可识别的应答", "no answer that could be understood"),
    }
}

fn show(format: Format, file: &str, index: usize, told: &Result<Told, String>, ms: f64) {
    let nothing = Told { control_id: String::new(), code: String::new(), texts: Vec::new() };
    let (told, error) = match told {
        Ok(told) => (told, None),
        Err(error) => (&nothing, Some(error.clone())),
    };
    let text = error.unwrap_or_else(|| told.texts.join("; "));
    if format != Format::Table {
        let ms = (ms * 1000.0).round() / 1000.0;
        println!(
            "{}",
            serde_json::json!({ "file": file, "index": index, "controlId": told.control_id, "answer": told.code, "answerText": text, "ms": ms })
        );
        return;
    }
    let on = output::colour(false);
    let code = if matches!(told.code.as_str(), "AA" | "CA") { "32" } else { "1;31" };
    println!("{} {file} {} — {} ({ms:.1} ms)", output::paint(&output::pad(&told.code, 2), code, on), told.control_id, words(&told.code));
    if !text.is_empty() {
        println!("   {text}");
    }
}
