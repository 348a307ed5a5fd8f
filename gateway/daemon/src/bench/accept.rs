//! The accept path of a gateway process under load: CPU a message, latency of the answer, flushes, bytes, memory, start.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::Plan;
use super::child::Gateway;
use super::load::{self, Kind, Load};
use crate::cli::Failure;

/// A configuration without rate limits, which would otherwise be what is measured.
const CONFIG: &str = "[limits]\nrate_per_source_per_s = 1000000\nrate_burst_per_source = 1000000\n";

pub(crate) fn config(plan: &Plan) -> Result<std::path::PathBuf, Failure> {
    let path = plan.dir.join("bench.toml");
    let mut text = String::from(CONFIG);
    for i in &crate::demo::county::COUNTY {
        let code = i.code.to_lowercase();
        text.push_str(&format!(
            "[[source]]\nid = \"{code}\"\nnamespace = \"urn:hutong:{code}\"\nsites = [\"cn\"]\nfacilities = [[\"\", \"{}\"]]\naddresses = [\"127.0.0.0/8\"]\nrate = {{ per_s = 1000000, burst = 1000000 }}\n",
            i.code
        ));
    }
    std::fs::write(&path, text).map_err(|e| Failure::file(&path, &e))?;
    Ok(path)
}

pub(crate) fn broke(error: std::io::Error) -> Failure {
    Failure::judged(format!("负载中断：{error}"), format!("the load broke: {error}"))
}

pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    if !plan.wants("accept.")
        && !plan.wants("ack.")
        && !plan.wants("journal.")
        && !plan.wants("project.")
        && !plan.wants("idle.")
        && !plan.wants("start.")
    {
        return Ok(());
    }
    let config = config(plan)?;
    let data = plan.dir.join("accept");
    let gateway = Gateway::start(&data, Some(&config))?;
    let next = AtomicU64::new(0);
    let warm = load::run(gateway.mllp, Kind::Oru10, 8, 16, Duration::from_millis(500), &next).map_err(broke)?;
    if warm.refused > 0 {
        return Err(Failure::judged(
            format!("负载消息被拒 {} 条，测量无意义", warm.refused),
            format!("{} messages of the load were refused: there is nothing to measure", warm.refused),
        ));
    }
    let kinds =
        [(Kind::Adt, "accept.adt.cpu_us", "≤ 55"), (Kind::Oru10, "accept.oru10.cpu_us", "≤ 120"), (Kind::Oru15, "accept.oru15.cpu_us", "")];
    for (kind, name, aim) in kinds {
        cpu(plan, &gateway, kind, name, aim, &next)?;
    }
    latency(plan, &gateway, &next)?;
    Ok(())
}

/// CPU a message at 32 connections with 32 in flight; the projection's share of ORU apart.
fn cpu(plan: &Plan, gateway: &Gateway, kind: Kind, name: &'static str, aim: &'static str, next: &AtomicU64) -> Result<(), Failure> {
    let (mut accept, mut project, mut seal, mut rate) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut flushes = Vec::new();
    let metric = |name: &str| gateway.metric(name).unwrap_or(f64::NAN);
    for _ in 0..plan.rounds {
        gateway.settle();
        let before = (gateway.cpu(), metric("hutong_journal_flushes_total"), metric("hutong_journal_commits_total"));
        let load = load::run(gateway.mllp, kind, 32, 32, plan.time, next).map_err(broke)?;
        let accepted = gateway.cpu().accept_ns;
        gateway.settle();
        let after = gateway.cpu();
        let n = load.answered as f64;
        accept.push((accepted - before.0.accept_ns) as f64 / n / 1000.0);
        project.push((after.projection_ns - before.0.projection_ns) as f64 / n / 1000.0);
        seal.push((after.behind_ns - before.0.behind_ns) as f64 / n / 1000.0);
        rate.push(n / load.seconds);
        flushes.push((metric("hutong_journal_flushes_total") - before.1) / (metric("hutong_journal_commits_total") - before.2));
    }
    plan.add(name, "us", aim, accept);
    match kind {
        Kind::Adt => plan.add("accept.adt.msg_per_s", "1/s", "", rate),
        Kind::Oru15 | Kind::Careful | Kind::Ordered | Kind::ReadAbove => plan.add("accept.oru15.msg_per_s", "1/s", "", rate),
        Kind::Oru10 => {
            plan.add("accept.oru10.msg_per_s", "1/s", "", rate);
            plan.add("project.oru10.small.cpu_us", "us", "", project);
            plan.add("seal.oru10.cpu_us", "us", "", seal);
            plan.add("journal.flushes_per_commit", "1", "1", flushes);
        }
    }
    Ok(())
}

/// Latency of the answer at 1, 32 and 64 request-response senders.
fn latency(plan: &Plan, gateway: &Gateway, next: &AtomicU64) -> Result<(), Failure> {
    let names = [
        (1, "ack.senders1.p50_ms", "ack.senders1.p99_ms", "ack.senders1.msg_per_s"),
        (32, "ack.senders32.p50_ms", "ack.senders32.p99_ms", "ack.senders32.msg_per_s"),
        (64, "ack.senders64.p50_ms", "ack.senders64.p99_ms", "ack.senders64.msg_per_s"),
    ];
    for (senders, p50, p99, rate) in names {
        let mut loads: Vec<Load> = Vec::new();
        for _ in 0..plan.rounds {
            gateway.settle();
            loads.push(load::run(gateway.mllp, Kind::Oru10, senders, 1, plan.time, next).map_err(broke)?);
        }
        plan.add(p50, "ms", "", loads.iter().map(|l| l.percentile_ms(0.5)).collect());
        plan.add(p99, "ms", "", loads.iter().map(|l| l.percentile_ms(0.99)).collect());
        plan.add(rate, "1/s", "", loads.iter().map(|l| l.answered as f64 / l.seconds).collect());
    }
    Ok(())
}
