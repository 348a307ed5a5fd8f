//! `hutong demo`: a whole small county on embedded defaults. Starts the gateway, plays eight institutions over real
//! connections, checks what came of it, shows where to look, and keeps running.

pub(crate) mod clients;
pub(crate) mod counting;
pub(crate) mod county;
pub(crate) mod day;
pub(crate) mod messages;
mod play;
mod recognition;
pub(crate) mod registries;
mod script;
mod shown;

use std::path::PathBuf;

use hutong_count::cases::Scope;
use hutong_receive::sources::{Cidr, Level, OrderAnswer, Source};

use crate::cli::lang::t;
use crate::cli::output::Format;
use crate::cli::{Failure, Outcome};
use crate::config::Config;
use crate::indicators::Goal;
use crate::runtime::Running;
use day::Day;
use play::County;

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
    (config.indicators.area, config.indicators.name) = (county::REGION.to_owned(), "清江县医共体（虚构）".to_owned());
    let day = Day::begin();
    config.indicators.targets = goals(day.year());
    let running = Running::start(config)?;
    let people = args.format == Format::Table;
    if people {
        println!("{}", t("清江县医共体（虚构）的一天", "A day in Qingjiang, a county that does not exist"));
        println!("MLLP mllp://{}    FHIR http://{}/fhir\n", running.mllp, running.http);
    }
    let failed = tell(&running, &day, people)?;
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
            institution: i.code.to_owned(),
            // a township's HIS that was set up for the answers of mutual recognition
            order_answer: if i.tier == county::Tier::County { OrderAnswer::Ack } else { OrderAnswer::Response },
            addresses: vec![Cidr::loopback_v4(), Cidr::loopback_v6()],
            // nobody has these numbers: their region is none
            identifiers: [("identity-card".to_owned(), Level::Ignore)].into(),
            ..Source::default()
        })
        .collect()
}

/// What an invented county, its centres and its institutions are to reach in the year: the dashboard has something to measure by.
fn goals(year: i64) -> Vec<Goal> {
    let goal = |institution: &str, centre: &str, cases, persons| Goal {
        year,
        institution: institution.to_owned(),
        centre: centre.to_owned(),
        scope: Scope::All4,
        cases,
        persons,
        from: "演示".to_owned(),
    };
    let centres = [("imaging", 3), ("tracing", 3), ("laboratory", 2), ("pathology", 1)].map(|(c, n)| goal("", c, Some(n), None));
    let institutions = [("LXZXWSY", 3), ("SQWSY", 2), ("BHWSY", 1), ("CNSQ", 2), ("QPCWS", 1)].map(|(i, n)| goal(i, "", Some(n), None));
    std::iter::once(goal("", "", None, Some(8))).chain(centres).chain(institutions).collect()
}

/// Plays all chapters; how many steps were not as told.
fn tell(running: &Running, day: &Day, people: bool) -> Result<usize, Failure> {
    let mut county = County::connect(running, day)?;
    let (mut steps, mut failed) = (0, 0);
    for chapter in script::script() {
        let done = county.play(&chapter, people)?;
        steps += done.len();
        failed += done.iter().filter(|d| !d.ok).count();
        if people {
            shown::chapter(&chapter, &done);
            if let Some(figures) = chapter.figures {
                figures(running, day, &done).map_err(play::lost)?;
            }
        } else {
            for d in &done {
                println!("{}", serde_json::json!({ "step": d.step, "what": d.what, "expected": d.expected, "got": d.got, "ok": d.ok }));
            }
        }
    }
    if people {
        shown::summary(running, &county, day, steps, failed);
    } else {
        println!("{}", serde_json::json!({ "steps": steps, "failed": failed, "data": running.data.display().to_string() }));
    }
    Ok(failed)
}
