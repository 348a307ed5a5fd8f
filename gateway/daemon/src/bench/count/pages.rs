//! Over real connections to a gateway that has the cases: how soon a figure is current, and how long the dashboard takes while
//! messages keep arriving.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Plan, case, send};
use crate::bench::accept::broke;
use crate::bench::child::Gateway;
use crate::bench::http::Http;
use crate::bench::load::Kind;
use crate::cli::Failure;
use crate::demo::clients::Mllp;

/// What viewers look at in turn.
const PAGES: [&str; 3] = ["/console?scope=IMG5&lang=zh", "/console?scope=ALL4&lang=zh", "/console?scope=IMG5&lang=en"];
/// A case a second is what 10 million in five years come to on a busy day; here it is five messages of three a second.
const EVERY: Duration = Duration::from_millis(200);
/// Between two requests of all viewers together, at random up to this.
const THOUGHT_MS: u64 = 150;
/// Nobody looked for so long.
const ALONE: Duration = Duration::from_millis(1_500);
/// A figure that is not there after so long never comes.
const LONGEST: Duration = Duration::from_secs(20);
/// Cases after whose report the figure is read, in a round.
const CURRENT: u64 = 8;
/// Pages of a viewer who comes alone, in a round.
const SEEN_ALONE: usize = 3;

pub(super) fn run(plan: &Plan, data: &Path, config: &Path, next: &AtomicU64) -> Result<(), Failure> {
    let gateway = Gateway::start(data, Some(config))?;
    gateway.settle();
    plan.add_of_cases("count.ready_ms", "ms", "", vec![gateway.ready_ms]);
    let mut http = Http::connect(gateway.http).map_err(broke)?;
    let counted = shown(&mut http, Way::Page).map_err(broke)?;
    if counted < plan.cases / 20 {
        return Err(Failure::judged(
            format!("台账未从快照载入：今年只有 {counted} 例"),
            format!("the ledger was not read from its snapshot: {counted} cases this year"),
        ));
    }
    for (way, p50, p99) in [
        (Way::Page, "count.current.page.p50_ms", "count.current.page.p99_ms"),
        (Way::Api, "count.current.api.p50_ms", "count.current.api.p99_ms"),
    ] {
        current(plan, &gateway, &mut http, next, way, [p50, p99])?;
    }
    dashboard(plan, &gateway, next)?;
    plan.add_of_cases("count.gateway.rss_mb", "MB", "", vec![gateway.rss_mb()]);
    Ok(())
}

#[derive(Clone, Copy)]
enum Way {
    Page,
    Api,
}

/// The figure of this year's IMG5 cases, as it is read over HTTP.
fn shown(http: &mut Http, way: Way) -> std::io::Result<u64> {
    let missing = || std::io::Error::other("no figure");
    match way {
        Way::Page => {
            let page = http.get(PAGES[0], "text/html")?;
            let page = String::from_utf8_lossy(page);
            let (_, rest) = page.split_once("data-live=\"IMG5.cases\">").ok_or_else(missing)?;
            let digits: String = rest.chars().take_while(|c| *c != '<').filter(char::is_ascii_digit).collect();
            digits.parse().map_err(|_| missing())
        }
        Way::Api => {
            let year = hutong_count::period::date_of(hutong_count::period::day_of(crate::ingest::now_us()));
            let year = year.get(..4).unwrap_or_default();
            let path = format!("/admin/report/indicators?period={year}&indicator=cq-core-06");
            let answer: serde_json::Value = serde_json::from_slice(http.get(&path, "application/json")?)?;
            answer.pointer("/indicators/0/scopes/IMG5/cases").and_then(serde_json::Value::as_u64).ok_or_else(missing)
        }
    }
}

/// From the acknowledgement of a case's report to the figure that has it.
fn current(plan: &Plan, gateway: &Gateway, http: &mut Http, next: &AtomicU64, way: Way, names: [&'static str; 2]) -> Result<(), Failure> {
    let mut connection = Mllp::connect(gateway.mllp).map_err(broke)?;
    let mut measured = || -> std::io::Result<Vec<f64>> {
        let mut times = Vec::new();
        for _ in 0..CURRENT {
            let n = next.fetch_add(1, Ordering::Relaxed);
            send(&mut connection, Kind::Ordered, n)?;
            let before = shown(http, way)?;
            send(&mut connection, Kind::ReadAbove, n)?;
            let from = Instant::now();
            while shown(http, way)? <= before {
                if from.elapsed() > LONGEST {
                    return Err(std::io::Error::other("the case is not counted"));
                }
            }
            times.push(from.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(times)
    };
    let rounds: Result<Vec<Vec<f64>>, _> = (0..plan.rounds).map(|_| measured()).collect();
    add(plan, names, ["", "≤ 1000"], &rounds.map_err(broke)?);
    Ok(())
}

/// Median and 99th percentile of each round.
fn add(plan: &Plan, names: [&'static str; 2], aims: [&'static str; 2], rounds: &[Vec<f64>]) {
    for ((name, aim), part) in names.into_iter().zip(aims).zip([50, 99]) {
        let of = |times: &Vec<f64>| {
            let mut times = times.clone();
            times.sort_by(f64::total_cmp);
            times.get(times.len() * part / 100).copied()
        };
        plan.add_of_cases(name, "ms", aim, rounds.iter().filter_map(of).collect());
    }
}

/// The first page while messages keep arriving: of viewers one after the other, while each page is open in some browser too, and
/// of one who comes when nobody has looked for a while, so that nothing lies ready.
fn dashboard(plan: &Plan, gateway: &Gateway, next: &AtomicU64) -> Result<(), Failure> {
    let over = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| -> std::io::Result<()> {
            let mut connection = Mllp::connect(gateway.mllp)?;
            while !over.load(Ordering::Relaxed) {
                case(&mut connection, next.fetch_add(1, Ordering::Relaxed))?;
                std::thread::sleep(EVERY);
            }
            Ok(())
        });
        let seen = looked(plan, gateway);
        over.store(true, Ordering::Relaxed);
        let sent = traffic.join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()));
        sent.and(seen)
    });
    let seen = outcome.map_err(broke)?;
    add(plan, ["count.dashboard.p50_ms", "count.dashboard.p99_ms"], ["", "≤ 50"], &seen.busy);
    add(plan, ["count.dashboard.alone.p50_ms", "count.dashboard.alone.p99_ms"], ["", "≤ 50"], &seen.alone);
    plan.add_of_cases("count.dashboard.alone.cpu_ms", "ms", "", seen.alone_cpu);
    Ok(())
}

/// Milliseconds a page, by round: of viewers of whom others have the pages open, and of one alone, with the gateway's CPU.
#[derive(Default)]
struct Seen {
    busy: Vec<Vec<f64>>,
    alone: Vec<Vec<f64>>,
    alone_cpu: Vec<f64>,
}

fn looked(plan: &Plan, gateway: &Gateway) -> std::io::Result<Seen> {
    let mut http = Http::connect(gateway.http)?;
    let mut look = |n: usize| -> std::io::Result<f64> {
        let page = PAGES.get(n % PAGES.len()).copied().unwrap_or_default();
        let from = Instant::now();
        http.get(page, "text/html")?;
        Ok(from.elapsed().as_secs_f64() * 1000.0)
    };
    let (mut seen, mut n) = (Seen::default(), 0_usize);
    for _ in 0..plan.rounds {
        let (mut times, open) = (Vec::new(), PAGES.map(|page| Open::begin(gateway.http, page)));
        let from = Instant::now();
        while from.elapsed() < plan.time * 3 {
            n += 1;
            times.push(look(n)?);
            let thought = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            std::thread::sleep(Duration::from_millis(thought % THOUGHT_MS));
        }
        seen.busy.push(times);
        open.into_iter().try_for_each(|stream| stream?.end())?;
        let (mut times, mut cpu) = (Vec::new(), 0);
        for _ in 0..SEEN_ALONE {
            std::thread::sleep(ALONE);
            n += 1;
            let before = gateway.cpu().accept_ns;
            times.push(look(n)?);
            cpu += gateway.cpu().accept_ns - before;
        }
        seen.alone.push(times);
        seen.alone_cpu.push(cpu as f64 / SEEN_ALONE as f64 / 1e6);
    }
    Ok(seen)
}

/// A page that somebody has open: its stream of events is read as a browser does.
struct Open {
    stream: TcpStream,
    reading: JoinHandle<std::io::Result<u64>>,
}

impl Open {
    fn begin(to: SocketAddr, page: &str) -> std::io::Result<Open> {
        let mut stream = TcpStream::connect(to)?;
        let path = page.replace("/console?", "/console/events?");
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nAccept: text/event-stream\r\n\r\n").as_bytes())?;
        let mut told = stream.try_clone()?;
        let reading = std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        Ok(Open { stream, reading })
    }

    /// Fails where it told nothing.
    fn end(self) -> std::io::Result<()> {
        self.stream.shutdown(Shutdown::Both)?;
        match self.reading.join() {
            Ok(Ok(bytes)) if bytes > 500 => Ok(()),
            _ => Err(std::io::Error::other("a page that was open was told nothing")),
        }
    }
}
