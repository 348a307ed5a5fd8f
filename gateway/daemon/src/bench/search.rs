//! With a million resources: projection a message, search over HTTP, memory at rest, time to be ready, sealed size.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use super::Plan;
use super::accept::{broke, config};
use super::child::Gateway;
use super::http::Http;
use super::load::{self, Kind};
use crate::cli::Failure;
use crate::cli::lang::t;

pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    if !["project.oru10.cpu_us", "search.", "idle.", "start.", "journal.sealed"].iter().any(|family| plan.wants(family)) {
        return Ok(());
    }
    let config = config(plan)?;
    let data = plan.dir.join("million");
    let next = AtomicU64::new(0);
    {
        let gateway = Gateway::start(&data, Some(&config))?;
        fill(plan, &gateway, &next)?;
        let mut rounds = Vec::new();
        for _ in 0..plan.rounds {
            gateway.settle();
            let before = gateway.cpu();
            let load = load::run(gateway.mllp, Kind::Oru10, 32, 32, plan.time, &next).map_err(broke)?;
            gateway.settle();
            rounds.push((gateway.cpu().projection_ns - before.projection_ns) as f64 / load.answered as f64 / 1000.0);
        }
        plan.add("project.oru10.cpu_us", "us", "≤ 150", rounds);
        let sealed = gateway.metric("hutong_journal_sealed_bytes").unwrap_or(f64::NAN)
            / gateway.metric("hutong_journal_sealed_entries").unwrap_or(f64::NAN);
        plan.add("journal.sealed_bytes_per_message", "B", "≤ 1000", vec![sealed]);
    }
    let mut ready = Vec::new();
    for _ in 0..plan.rounds {
        ready.push(Gateway::start(&data, Some(&config))?.ready_ms);
    }
    plan.add("start.ready_ms", "ms", "≤ 200", ready);
    let gateway = Gateway::start(&data, Some(&config))?;
    gateway.settle();
    std::thread::sleep(Duration::from_secs(2));
    plan.add("idle.rss_mb", "MB", "≤ 64", vec![gateway.rss_mb()]);
    searches(plan, &gateway)
}

fn fill(plan: &Plan, gateway: &Gateway, next: &AtomicU64) -> Result<(), Failure> {
    let messages = plan.resources / 10;
    let bar = indicatif::ProgressBar::new(messages);
    bar.set_message(t("装入资源", "loading resources"));
    while next.load(std::sync::atomic::Ordering::Relaxed) < messages {
        load::run(gateway.mllp, Kind::Oru10, 16, 32, Duration::from_secs(1), next).map_err(broke)?;
        bar.set_position(next.load(std::sync::atomic::Ordering::Relaxed));
    }
    bar.finish_and_clear();
    gateway.settle();
    Ok(())
}

/// `Observation?patient=…&code=…&date=…` with bodies over one kept-alive HTTP connection.
fn searches(plan: &Plan, gateway: &Gateway) -> Result<(), Failure> {
    let (mut p99, mut p50, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    let patients = patients(gateway)?;
    let mut connection = Http::connect(gateway.http).map_err(broke)?;
    for _ in 0..plan.rounds {
        let mut times = Vec::new();
        let before = gateway.cpu();
        let from = Instant::now();
        let mut n = 0usize;
        while from.elapsed() < plan.time {
            let patient = &patients[n * 7919 % patients.len()];
            let asked = Instant::now();
            let path = format!("/fhir/Observation?patient={patient}&code=GLU&date=ge2026-09-01");
            connection.get(&path, "application/fhir+json").map_err(broke)?;
            times.push(asked.elapsed().as_secs_f64() * 1000.0);
            n += 1;
        }
        cpu.push((gateway.cpu().accept_ns - before.accept_ns) as f64 / n as f64 / 1000.0);
        times.sort_by(f64::total_cmp);
        p50.push(times[times.len() / 2]);
        p99.push(times[times.len() * 99 / 100]);
    }
    plan.add("search.patient_code_date.p50_ms", "ms", "", p50);
    plan.add("search.patient_code_date.p99_ms", "ms", "≤ 2", p99);
    plan.add("search.patient_code_date.cpu_us", "us", "≤ 130", cpu);
    Ok(())
}

/// Ids of patients that have results.
fn patients(gateway: &Gateway) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    let mut path = "/fhir/Patient?_count=500".to_owned();
    for _ in 0..10 {
        let page = crate::demo::clients::get(gateway.http, &path).map_err(broke)?;
        let entries = page["entry"].as_array().cloned().unwrap_or_default();
        ids.extend(entries.iter().filter_map(|e| e["resource"]["id"].as_str().map(str::to_owned)));
        let next = page["link"].as_array().and_then(|l| l.iter().find(|l| l["relation"] == "next")).and_then(|l| l["url"].as_str());
        let Some(at) = next.and_then(|url| url.find("/fhir/").map(|at| url[at..].to_owned())) else { break };
        path = at;
    }
    if ids.is_empty() {
        return Err(Failure::judged("没有可供检索的患者", "there are no patients to search for"));
    }
    Ok(ids)
}
