//! `hutong identity …` and `hutong import …`: what an operator does, against a running gateway or, for an import, in a
//! data directory of a stopped one.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use hutong_decode::charset;
use hutong_identify::registry::Table;
use hutong_serve::{Admin, AdminAsk, AdminRefusal};
use hutong_wire::http::client;
use hutong_wire::limits::Limits;
use hutong_wire::tls::{self, ClientFiles};
use serde_json::{Value, json};

use super::figures::Submission;
use super::lang::{Lang, lang, t};
use super::output::{self, Format};
use super::{Failure, Outcome, files, workbook};
use crate::recognition;

/// Where the gateway is and who asks.
#[derive(clap::Args)]
pub(crate) struct Gateway {
    /// 网关地址 · address of the gateway: http(s)://host:port
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    to: String,
    /// 访问令牌 · access token
    #[arg(long, env = "HUTONG_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// https 信任的签发机构证书 · CA to trust
    #[arg(long)]
    ca: Option<PathBuf>,
}

impl Gateway {
    /// Asks the gateway; what it refuses is a failure that says why, with exit 1.
    pub(super) fn call(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&self.send(path, body, &Limits::default())?).unwrap_or_default())
    }

    /// A report, as the gateway writes it. A recount reads the whole journal: it may take long.
    pub(crate) fn fetch(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let limits = Limits { answer_ms: 3_600_000, answer_bytes: 256 << 20, ..Limits::default() };
        self.send(path, None, &limits).map(|bytes| bytes.to_vec())
    }

    fn send(&self, path: &str, body: Option<&Value>, limits: &Limits) -> Result<Bytes, Failure> {
        let tls = match &self.ca {
            None => None,
            Some(ca) => {
                let files = ClientFiles { ca: ca.clone(), certificate: None, key: None };
                Some(tls::client_config(&files).map_err(|fault| Failure::tls(&fault))?)
            }
        };
        let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        if let Some(token) = &self.token {
            let value = HeaderValue::try_from(format!("Bearer {token}"));
            headers.push((
                header::AUTHORIZATION,
                value.map_err(|_| Failure::usage("令牌含有非法字符", "the token has characters that cannot be sent"))?,
            ));
        }
        let url = format!("{}/admin/{path}", self.to.trim_end_matches('/'));
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let bytes = Bytes::from(body.map(Value::to_string).unwrap_or_default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
        let reply = runtime.block_on(client::request(method, &url, &headers, bytes, tls, limits));
        let reply = reply.map_err(|e| Failure::usage(format!("{}：{}", self.to, e.zh()), format!("{}: {e}", self.to)))?;
        if reply.status.is_success() {
            return Ok(reply.body);
        }
        Err(refused(&serde_json::from_slice(&reply.body).unwrap_or_default(), reply.status.as_u16()))
    }
}

/// The texts of an OperationOutcome, in the chosen language where both stand there.
fn refused(outcome: &Value, status: u16) -> Failure {
    let texts = outcome["issue"].as_array().into_iter().flatten().filter_map(|i| i["details"]["text"].as_str());
    let said: Vec<&str> = texts
        .map(|text| match text.split_once(" / ") {
            Some((zh, en)) => {
                if lang() == Lang::Zh {
                    zh
                } else {
                    en
                }
            }
            None => text,
        })
        .collect();
    let said = if said.is_empty() { format!("HTTP {status}") } else { said.join("\n  ") };
    Failure::judged(format!("网关拒绝了请求：\n  {said}"), format!("the gateway refused:\n  {said}"))
}

#[derive(clap::Args)]
pub(crate) struct IdentityArgs {
    #[command(subcommand)]
    action: Action,
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(clap::Subcommand)]
enum Action {
    /// 待审核的记录 · records that somebody has to look at
    Reviews {
        #[command(flatten)]
        gateway: Gateway,
        /// 从哪条记录之后 · after which record
        #[arg(long)]
        after: Option<String>,
    },
    /// 同一个人的所有记录 · all records of a person
    Show {
        #[command(flatten)]
        gateway: Gateway,
        /// Patient/标识 · Patient/id
        patient: String,
    },
    /// 判定两条记录是否同一个人 · say whether two records are one person
    Decide {
        #[command(flatten)]
        gateway: Gateway,
        /// Patient/标识 · Patient/id
        a: String,
        b: String,
        #[arg(value_enum)]
        decision: Decision,
        /// 判定人 · who says so
        #[arg(long, env = "USER")]
        by: String,
        /// 依据 · why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Decision {
    /// 是同一个人 · they are one person
    Link,
    /// 不是同一个人 · they are not
    Part,
    /// 撤销先前的说法 · as if nobody had said anything
    Forget,
}

impl Decision {
    fn word(self) -> &'static str {
        match self {
            Decision::Link => "link",
            Decision::Part => "part",
            Decision::Forget => "forget",
        }
    }
}

pub(crate) fn identity(args: &IdentityArgs) -> Outcome {
    match &args.action {
        Action::Reviews { gateway, after } => {
            let query = after.as_ref().map(|a| format!("?after={a}")).unwrap_or_default();
            let said = gateway.call(&format!("identity/reviews{query}"), None)?;
            if args.format == Format::Table { print!("{}", reviews(&said)) } else { println!("{said}") }
        }
        Action::Show { gateway, patient } => {
            let said = gateway.call(&format!("identity/person?patient={patient}"), None)?;
            if args.format == Format::Table { print!("{}", records(&said)) } else { println!("{said}") }
        }
        Action::Decide { gateway, a, b, decision, by, reason } => {
            let body = json!({ "a": a, "b": b, "decision": decision.word(), "by": by, "reason": reason });
            let said = gateway.call("identity/decide", Some(&body))?;
            println!("{said}");
        }
    }
    Ok(0)
}

/// Columns of a masked person.
fn masked(p: &Value) -> Vec<String> {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let numbers = p["numbers"].as_array().into_iter().flatten().map(|n| text(&n["value"])).collect::<Vec<_>>().join(" ");
    vec![text(&p["name"]), text(&p["sex"]), text(&p["born"]), numbers]
}

fn reviews(said: &Value) -> String {
    let mut rows = Vec::new();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    for review in said["reviews"].as_array().into_iter().flatten() {
        let row = |key: &Value, weight: String, reason: String, person: &Value| {
            let mut row = vec![text(key), weight, reason];
            row.extend(masked(person));
            row
        };
        rows.push(row(&review["key"], String::new(), String::new(), &review["person"]));
        for c in review["candidates"].as_array().into_iter().flatten() {
            rows.push(row(&c["key"], format!("{:.1}", c["weight"].as_f64().unwrap_or(0.0)), text(&c["reason"]), &c["person"]));
        }
    }
    let header = [
        t("记录", "record"),
        t("权重", "weight"),
        t("原因", "reason"),
        t("姓名", "name"),
        t("性别", "sex"),
        t("出生", "born"),
        t("号码", "numbers"),
    ];
    output::table(&header, &rows)
}

fn records(said: &Value) -> String {
    let rows: Vec<Vec<String>> = said["records"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| {
            let mut row = vec![r["key"].as_str().unwrap_or_default().to_owned()];
            row.extend(masked(&r["person"]));
            row
        })
        .collect();
    output::table(&[t("记录", "record"), t("姓名", "name"), t("性别", "sex"), t("出生", "born"), t("号码", "numbers")], &rows)
}

#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// figures（填报的数，待第二人审核），或 · figures to be approved by a second person, or
    /// institutions、departments、practitioners、items、item-codes、prices、rules、certificates、marks、reasons
    table: String,
    /// CSV、TSV（UTF-8 或 GB18030）或 XLSX（第一张工作表）· CSV, TSV or XLSX (its first sheet)
    file: PathBuf,
    /// 表的版本；缺省取表内 `#version`，再取文件名 · version; default: the table's `#version`, else the name of the file
    #[arg(long)]
    version: Option<String>,
    /// 导入人 · who imports
    #[arg(long, env = "USER")]
    by: String,
    /// 只看会改变什么 · only what would change
    #[arg(long)]
    dry_run: bool,
    /// figures：依据文件，可多次 · of figures: a file that proves them
    #[arg(long)]
    evidence: Vec<PathBuf>,
    /// 直接写入已停止网关的数据目录 · into the data directory of a stopped gateway
    #[arg(long, conflicts_with = "to")]
    data: Option<PathBuf>,
    #[command(flatten)]
    gateway: Gateway,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn import(args: &ImportArgs) -> Outcome {
    if args.table == "figures" {
        let text = table(&args.file)?;
        let submission = Submission { text, by: &args.by, evidence: &args.evidence, dry_run: args.dry_run };
        return submission.send(&args.gateway, args.data.as_deref(), args.format);
    }
    if !args.evidence.is_empty() {
        return Err(Failure::usage("--evidence 只用于 hutong import figures", "--evidence is for hutong import figures only"));
    }
    if Table::named(&args.table).is_none() && recognition::Table::named(&args.table).is_none() {
        let names = crate::community::table_names();
        return Err(Failure::usage(
            format!("没有名为 {} 的表；可用：{names}", args.table),
            format!("there is no table {}; tables: {names}", args.table),
        ));
    }
    let text = table(&args.file)?;
    let named = text.lines().take_while(|l| l.starts_with('#')).find_map(|l| l.strip_prefix("#version")).map(str::trim);
    let stem = args.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let version = args.version.clone().or_else(|| named.filter(|v| !v.is_empty()).map(str::to_owned)).unwrap_or(stem);
    let body = json!({ "table": args.table, "version": version, "by": args.by, "text": text, "dryRun": args.dry_run });
    let said = match &args.data {
        Some(dir) => in_directory(dir, "import", &[], Some(&body))?,
        None => args.gateway.call("import", Some(&body))?,
    };
    if args.format != Format::Table {
        println!("{said}");
        return Ok(0);
    }
    for (name, mark) in [("added", "+"), ("changed", "~"), ("removed", "-")] {
        for key in said["diff"][name].as_array().into_iter().flatten().filter_map(Value::as_str) {
            println!("{mark} {key}");
        }
    }
    let count = |name: &str| said["diff"][name].as_array().map_or(0, Vec::len);
    let (added, changed, removed, same) = (count("added"), count("changed"), count("removed"), &said["diff"]["same"]);
    let done = if args.dry_run { t("（试运行，未写入）", " (dry run, nothing written)") } else { "" };
    println!(
        "{}",
        match lang() {
            Lang::Zh => format!("新增 {added}，变更 {changed}，删除 {removed}，不变 {same}{done}"),
            Lang::En => format!("{added} added, {changed} changed, {removed} removed, {same} as before{done}"),
        }
    );
    Ok(0)
}

/// The text of a table; of a workbook, its first sheet as CSV with the same lines.
fn table(path: &Path) -> Result<String, Failure> {
    let input = files::read(path)?;
    if input.bytes.starts_with(b"PK\x03\x04") {
        return workbook::first_sheet(&input);
    }
    // UTF-8 unless it cannot be: what Excel saves as CSV in China is GB18030
    match String::from_utf8(input.bytes) {
        Ok(text) => Ok(text),
        Err(error) => charset::decode(error.as_bytes(), Some(charset::Charset::Gb18030)).map(|t| t.text.into_owned()).map_err(|_| {
            Failure::judged(format!("{}：既不是 UTF-8 也不是 GB18030", input.name), format!("{}: neither UTF-8 nor GB18030", input.name))
        }),
    }
}

/// The same without a running gateway.
pub(super) fn in_directory(dir: &Path, path: &str, query: &[(String, String)], body: Option<&Value>) -> Result<Value, Failure> {
    let opened = crate::runtime::open(dir, &crate::config::Config::default())?;
    // what is judged by must be all that is known
    while !opened.store.wait_applied(opened.store.durable(), std::time::Duration::from_secs(1)) {}
    let acts = crate::act::Acts::new(opened.store);
    let desk =
        crate::community::Desk::new(opened.community, acts, crate::indicators::Indicators::load(crate::indicators::Setting::default())?);
    let text = body.map(Value::to_string);
    desk.answer(&AdminAsk { caller: "local", path, query, body: text.as_deref().map(str::as_bytes) }).map_err(|refusal| match refusal {
        AdminRefusal::Wrong(findings) => {
            let list = |pick: fn(&hutong_fhir::Finding) -> &String| findings.iter().map(|f| format!("\n  {}", pick(f))).collect::<String>();
            Failure::judged(format!("表不能导入：{}", list(|f| &f.zh)), format!("the table cannot be imported:{}", list(|f| &f.en)))
        }
        AdminRefusal::NoSuchPath | AdminRefusal::Unavailable => {
            Failure::usage("写入失败，详见日志", "it could not be written, the log says why")
        }
    })
}

/// Names and values as in an address (RFC 3986).
pub(super) fn encoded(query: &[(String, String)]) -> String {
    let plain = |text: &str| -> String {
        let one = |b: u8| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        };
        text.bytes().map(one).collect()
    };
    query.iter().map(|(n, v)| format!("{}={}", plain(n), plain(v))).collect::<Vec<_>>().join("&")
}
