//! `hutong demo`: a whole small county on embedded defaults. Starts the gateway, plays eight institutions over real
//! connections, checks what came of it, shows where to look, and keeps running.

pub(crate) mod clients;
pub(crate) mod county;
pub(crate) mod messages;
mod play;
mod script;

use std::path::PathBuf;

use hutong_receive::sources::{Cidr, Level, Source};

use crate::cli::lang::t;
use crate::cli::output::{self, Format};
use crate::cli::{Failure, Outcome};
use crate::config::Config;
use crate::runtime::Running;
use play::Done;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 演示完即结束 · end after the last step
    #[arg(long)]
    once: bool,
    /// 数据目录，默认 data/demo-时间 · data directory
    #[arg(long)]
    data: Option<PathBuf>,
    /// MLLP 地址 · MLLP address
    #[arg(long, default_value = "127.0.0.1:0")]
    mllp: std::net::SocketAddr,
    /// HTTP 地址 · HTTP address
    #[arg(long, default_value = "127.0.0.1:0")]
    http: std::net::SocketAddr,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let data = args.data.clone().unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        PathBuf::from(format!("data/demo-{now}"))
    });
    if data.read_dir().is_ok_and(|mut dir| dir.next().is_some()) {
        return Err(Failure::usage(
            format!("{} 不是空目录。演示只写入空目录，请换一个 --data。", data.display()),
            format!("{} is not empty. The demo writes into an empty directory only; choose another --data.", data.display()),
        ));
    }
    let mut config = Config { source: sources(), ..Config::default() };
    config.gateway.data.clone_from(&data);
    (config.mllp.listen, config.http.listen) = (args.mllp, args.http);
    let running = Running::start(config)?;
    let people = args.format == Format::Table;
    if people {
        println!("{}", t("清江县医共体（虚构）今天的消息", "A day of messages in Qingjiang, a county that does not exist"));
        println!("MLLP mllp://{}    FHIR http://{}/fhir\n", running.mllp, running.http);
    }
    let done = play::play(&running, people)?;
    let failed = done.iter().filter(|d| !d.ok).count();
    if people {
        summary(&running, &done, failed);
    } else {
        for d in &done {
            println!("{}", serde_json::json!({ "step": d.step, "what": d.what, "expected": d.expected, "got": d.got, "ok": d.ok }));
        }
        println!("{}", serde_json::json!({ "steps": done.len(), "failed": failed, "data": data.display().to_string() }));
    }
    if args.once {
        running.stop();
    } else {
        if people {
            println!("\n{}", t("网关继续运行，Ctrl-C 结束。", "The gateway keeps running; Ctrl-C ends it."));
        }
        running.wait();
    }
    Ok(u8::from(failed > 0))
}

/// Every institution may connect from this machine and is told apart by its MSH-4.
fn sources() -> Vec<Source> {
    county::COUNTY
        .iter()
        .map(|i| Source {
            id: i.code.to_lowercase(),
            name: i.zh.to_owned(),
            namespace: format!("urn:hutong:{}", i.code.to_lowercase()),
            sites: vec!["cn".to_owned()],
            facilities: vec![(String::new(), i.code.to_owned())],
            addresses: vec![Cidr::loopback_v4(), Cidr::loopback_v6()],
            // nobody has these numbers: their region is none
            identifiers: [("identity-card".to_owned(), Level::Ignore)].into(),
            ..Source::default()
        })
        .collect()
}

fn summary(running: &Running, done: &[Done], failed: usize) {
    let on = output::colour(false);
    let rows: Vec<Vec<String>> = done
        .iter()
        .map(|d| {
            let mark = if d.ok { output::paint("✓", "32", on) } else { output::paint("✗", "1;31", on) };
            vec![mark, d.what.clone(), d.who.clone(), d.expected.clone(), d.got.clone()]
        })
        .collect();
    let header = ["", t("事项", "what"), t("机构", "who"), t("应为", "expected"), t("实为", "got")];
    println!("{}", output::table(&header, &rows));
    if let Ok(health) = clients::get(running.http, "/health") {
        let f = |name: &str| health["final"][name].to_string();
        let row = vec![
            health["received"].to_string(),
            health["journalled"].to_string(),
            health["answered"].to_string(),
            f("stored"),
            f("held"),
            f("rejected"),
            f("duplicate"),
        ];
        let header = [
            t("收到", "received"),
            t("入账", "journalled"),
            t("应答", "answered"),
            t("入库", "stored"),
            t("挂起", "held"),
            t("拒绝", "rejected"),
            t("重复", "duplicate"),
        ];
        println!("{}", output::table(&header, &[row]));
    }
    let verdict = if failed == 0 {
        output::paint(t("全部符合。", "All as it should be."), "1;32", on)
    } else {
        output::paint(&format!("{failed} {}", t("项不符！", "not as it should be!")), "1;31", on)
    };
    println!("{verdict}\n\n{}", t("去哪里看：", "Where to look:"));
    let base = running.http;
    println!("  curl 'http://{base}/fhir/Observation?code=GLU&_pretty=true'");
    println!("  curl 'http://{base}/fhir/Patient?name=%E7%A7%A6%E6%9C%9B%E8%88%92&_pretty=true'");
    println!("  curl  http://{base}/health");
    println!("  hutong journal verify {}", running.data.display());
    println!("  hutong journal show {} --last 5", running.data.display());
}
