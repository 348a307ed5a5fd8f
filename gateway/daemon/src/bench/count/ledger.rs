//! In this process: cases counted from their events, and messages followed with and without counting.

use std::path::Path;
use std::sync::Arc;

use hutong_commit::error::StoreError;
use hutong_commit::store::Store;
use hutong_identify::{Event as Identity, Person};

use super::county::{Cases, resident};
use super::{MESSAGES, Plan, message, thread_ns};
use crate::bench::load::Kind;
use crate::cli::Failure;
use crate::cli::lang::t;
use crate::community::{ACTIVITY, CASE, IDENTITY, Keeping, Shared};
use crate::config::Config;
use crate::ingest::now_us;
use crate::pipeline::{Origin, Pipeline};

/// Events made at once: making them is not counting.
const BATCH: usize = 20_000;

/// Counts the cases, writes them as the snapshot of the journal in `data` at entry `registered`, which has the institutions,
/// and follows the messages behind it.
pub(super) fn run(plan: &Plan, data: &Path, registered: u64) -> Result<(), Failure> {
    let opened = crate::runtime::open(data, &Config::default())?;
    let failed = |e: StoreError| Failure::usage(e.zh(), e.to_string());
    let residents = plan.cases / 10;
    let mut cases = Cases::new(plan.cases, residents, now_us());
    // as if they had been registered before the first case: else its month would be closed, and every case an adjustment
    let begin = || -> Result<Shared, StoreError> {
        let community = opened.community.recounted(&opened.store, 0)?;
        for seq in 1..=registered {
            let entry = opened.store.entry(seq)?;
            entry.events().for_each(|(kind, body)| community.apply(kind, seq, cases.begin_us, body));
        }
        for n in 0..residents {
            let body = serde_json::to_vec(&Identity::Record { key: resident(n), person: Person::default() });
            body.iter().for_each(|body| community.apply(IDENTITY, registered, cases.begin_us, body));
        }
        community.reached(registered);
        Ok(community)
    };
    let (counting, plain) = (begin().map_err(failed)?, begin().map_err(failed)?);
    recount(plan, &counting, &mut cases, registered);
    Keeping::new(data.to_owned(), counting.clone()).save(&opened.store);
    let read_us = follow(plan, &opened.store, registered, &plain, &counting).map_err(failed)?;
    plan.add("count.recount.read_us", "us", "", read_us);
    extract(plan, &counting)
}

/// A recount as the gateway does it from each event, but for reading the journal.
fn recount(plan: &Plan, community: &Shared, cases: &mut Cases, seq: u64) {
    let (mut batch, mut ns, mut events) = (Vec::new(), 0, 0);
    // the highest so far is forgotten
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory_mb("VmRSS:");
    let bar = indicatif::ProgressBar::new(plan.cases);
    bar.set_message(t("计数病例", "counting cases"));
    for n in 0..plan.cases {
        cases.case(n, &mut batch);
        if batch.len() >= BATCH || n + 1 == plan.cases {
            batch.sort_by_key(|(us, _)| *us);
            let from = thread_ns();
            batch.iter().for_each(|(us, body)| community.apply(CASE, seq, *us, body));
            ns += thread_ns() - from;
            events += batch.len();
            batch.clear();
            bar.set_position(n);
        }
    }
    bar.finish_and_clear();
    let whole = plan.cases >= 10_000_000;
    plan.add_of_cases("count.recount_s", "s", if whole { "≤ 60" } else { "" }, vec![ns as f64 / 1e9]);
    plan.add_of_cases("count.recount_mb", "MB", if whole { "≤ 500" } else { "" }, vec![memory_mb("VmHWM:") - before]);
    plan.add_of_cases("count.recount.event_us", "us", "", vec![ns as f64 / events as f64 / 1000.0]);
}

/// Megabytes of this process, by the kernel.
fn memory_mb(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(what)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).map_or(f64::NAN, |kib| kib * 1_024.0 / 1e6)
}

/// An event of a message.
struct Heard {
    kind: String,
    seq: u64,
    us: i64,
    body: Vec<u8>,
}

/// The messages that came over MLLP, followed by two communities in turns, of which one does not count; the CPU of reading a
/// message's entry.
fn follow(plan: &Plan, store: &Arc<Store>, after: u64, plain: &Shared, counting: &Shared) -> Result<Vec<f64>, StoreError> {
    let (mut read, mut spent, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..plan.rounds as u64 {
        let first = after + 1 + round * MESSAGES;
        let from = thread_ns();
        let mut heard = Vec::new();
        for seq in first..first + MESSAGES {
            let entry = store.entry(seq)?;
            let us = entry.committed_us();
            heard.extend(entry.events().map(|(kind, body)| Heard { kind: kind.to_owned(), seq, us, body: body.to_vec() }));
        }
        let each = |from: u64| (thread_ns() - from) as f64 / MESSAGES as f64 / 1000.0;
        read.push(each(from));
        let follow = |community: &Shared, counts: bool| {
            let from = thread_ns();
            let wanted = heard.iter().filter(|h| counts || ![CASE, ACTIVITY].contains(&h.kind.as_str()));
            wanted.for_each(|h| community.apply(&h.kind, h.seq, h.us, &h.body));
            each(from)
        };
        // in turns: whoever is second finds the events in the processor's cache
        let (less, more) = if round % 2 == 0 {
            let less = follow(plain, false);
            (less, follow(counting, true))
        } else {
            let more = follow(counting, true);
            (follow(plain, false), more)
        };
        spent.push(more - less);
        with.push(more);
        without.push(less);
    }
    plan.add_of_cases("count.path.cpu_us", "us", "≤ 15", spent);
    plan.add_of_cases("count.path.with_us", "us", "", with);
    plan.add_of_cases("count.path.without_us", "us", "", without);
    Ok(read)
}

/// What the accept path pays: the events of a report, made from its resources.
fn extract(plan: &Plan, community: &Shared) -> Result<(), Failure> {
    let pipeline = Pipeline::load(None)?;
    let mut origin = Origin::local();
    origin.sites = vec!["cn".into()];
    for (kind, name) in [(Kind::Ordered, "count.extract.order_us"), (Kind::ReadAbove, "count.extract.report_us")] {
        let converted = pipeline.convert(&message(kind, 7), &origin);
        let Some(processed) = converted.first() else { continue };
        let nodes = processed.nodes();
        let ns = crate::bench::parts::rounds(plan, || {
            std::hint::black_box(community.read().case_events(&nodes, "QJRMYY"));
        });
        plan.add(name, "us", "", ns.iter().map(|ns| ns / 1000.0).collect());
    }
    Ok(())
}
