//! A question about earlier results, in the process, over a store with as many results as wanted: one item, a panel of ten,
//! and the opening of a visit. Each person has two records; results are spread over sixty days.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hutong_commit::entry::{EventDraft, ResourceDraft, Update};
use hutong_commit::search::date::instant;
use hutong_commit::store::Store;
use hutong_enforce::recognition::desk::{Ask, Desk, OrderAsked};
use hutong_enforce::recognition::record::{Context, Trigger};
use hutong_fhir::calendar::DAY_US;
use hutong_identify::registry;
use hutong_receive::sources::Sources;

use super::Plan;
use crate::act::{Act, Acts};
use crate::cli::Failure;
use crate::cli::lang::t;
use crate::community::{REGISTRY, RegistryEvent};
use crate::config::Config;
use crate::demo::messages::CHEMISTRY;
use crate::ingest::now_us;
use crate::recognition::{self, Recognition};

/// Results of one record: five reports of ten.
const REPORTS: u64 = 5;
/// Entries on their way at once.
const AT_ONCE: u64 = 2_000;
const SYSTEM: &str = "urn:bench:items";

pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    if !plan.wants("recognition.") {
        return Ok(());
    }
    let config = Config::default();
    let data = plan.dir.join("recognition");
    let opened = crate::runtime::open(&data, &config)?;
    let acts = Acts::new(Arc::clone(&opened.store));
    tables(&acts)?;
    let now = now_us();
    let reports = (plan.resources / CHEMISTRY.len() as u64).max(REPORTS * 2);
    fill(&opened.store, &acts, reports, now)?;
    let sources = Arc::new(Sources::local());
    let desk = Recognition::new(Arc::clone(&opened.store), opened.reader, opened.community, sources, config.recognition)?;
    let records = reports / REPORTS;
    for (codes, p50, p99) in [
        (1, "recognition.ask.p50_ms", "recognition.ask.p99_ms"),
        (CHEMISTRY.len(), "recognition.ask_panel.p50_ms", "recognition.ask_panel.p99_ms"),
        (0, "recognition.ask_visit.p50_ms", "recognition.ask_visit.p99_ms"),
    ] {
        let (mut half, mut most, mut n) = (Vec::new(), Vec::new(), 0u64);
        for _ in 0..plan.rounds {
            let (mut times, from) = (Vec::new(), Instant::now());
            while from.elapsed() < plan.time {
                n += 1;
                let question = question(n.wrapping_mul(7919) % (records / 2), codes, n, now);
                let asked = Instant::now();
                std::hint::black_box(desk.ask(&question));
                times.push(asked.elapsed().as_secs_f64() * 1000.0);
            }
            times.sort_by(f64::total_cmp);
            half.extend(times.get(times.len() / 2));
            most.extend(times.get(times.len() * 99 / 100));
        }
        plan.add(p50, "ms", "", half);
        plan.add(p99, "ms", if codes == 1 { "≤ 2" } else { "" }, most);
    }
    Ok(())
}

/// A question about person `person`: about `codes` items, or a visit.
fn question(person: u64, codes: usize, n: u64, now: i64) -> Ask {
    let first = (n % CHEMISTRY.len() as u64) as usize;
    let order = |i: usize| OrderAsked {
        order: format!("SQ{n}-{i}"),
        codes: vec![(SYSTEM.to_owned(), CHEMISTRY[(first + i) % CHEMISTRY.len()].0.to_owned())],
        ..OrderAsked::default()
    };
    Ask {
        trigger: if codes == 0 { Trigger::Visit } else { Trigger::Order },
        source: "local".into(),
        context: Context { institution: "B1".into(), patient: format!("Patient/p{}", person * 2), ..Context::default() },
        same: vec![format!("Patient/p{}", person * 2 + 1)],
        setting: None,
        at_us: now,
        orders: (0..codes).map(order).collect(),
    }
}

fn tables(acts: &Acts) -> Result<(), Failure> {
    let (mut items, mut codes) = ("code,name,kind\n".to_owned(), "institution,system,code,item\n".to_owned());
    let mut rules =
        "#set bench\n#version 1\n#source bench\n#effective_from 2020-01-01\nitem,kind,setting,valid,from,reach,mark,compare\n".to_owned();
    for (code, name, ..) in CHEMISTRY {
        items += &format!("{code},{name},laboratory\n");
        codes += &format!("*,{SYSTEM},{code},{code}\n");
        rules += &format!("{code},laboratory,any,30d,report,community,no,\n");
    }
    let institutions = "code,name,region,tier,community\nB1,B1,500236,county,C\nlocal,local,500236,county,C\n";
    let registered = |table, text: &str| {
        RegistryEvent::Import(registry::Import { table, version: "1".into(), by: "bench".into(), text: text.to_owned() })
    };
    for event in [
        registered(registry::Table::Institutions, institutions),
        registered(registry::Table::Items, &items),
        registered(registry::Table::ItemCodes, &codes),
        RegistryEvent::Policy(recognition::Import {
            table: recognition::Table::Rules,
            version: "1".into(),
            by: "bench".into(),
            text: rules.clone(),
        }),
    ] {
        let body = serde_json::to_vec(&event).map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
        let events = vec![EventDraft { kind: REGISTRY.to_owned(), body }];
        acts.record(act(acts, Vec::new(), events)).map_err(|e| Failure::usage(e.zh(), e.to_string()))?;
    }
    Ok(())
}

fn act(acts: &Acts, resources: Vec<ResourceDraft>, events: Vec<EventDraft>) -> Act<'static> {
    let (request, answer) = (Vec::new(), Vec::new());
    Act { receipt: acts.receipt(), what: "bench", source: "local", protocol: "bench", request, answer, resources, events }
}

/// One entry a report; the projection follows.
fn fill(store: &Store, acts: &Acts, reports: u64, now: i64) -> Result<(), Failure> {
    let bar = indicatif::ProgressBar::new(reports);
    bar.set_message(t("装入结果", "loading results"));
    let refused = Arc::new(AtomicBool::new(false));
    for n in 0..reports {
        let refused = Arc::clone(&refused);
        let draft = acts.draft(act(acts, report(n, now), Vec::new()));
        store.submit(draft, move |outcome| {
            refused.fetch_or(outcome.is_err(), Ordering::Relaxed);
        });
        if n % AT_ONCE == AT_ONCE - 1 {
            store.wait_applied(store.durable(), Duration::from_secs(60));
            bar.set_position(n);
        }
    }
    while store.durable() < reports {
        if refused.load(Ordering::Relaxed) {
            return Err(Failure::judged("结果装入失败，测量无意义", "results could not be stored: there is nothing to measure"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    store.wait_applied(store.durable(), Duration::from_secs(600));
    bar.finish_and_clear();
    Ok(())
}

/// Ten results and their report.
fn report(n: u64, now: i64) -> Vec<ResourceDraft> {
    let patient = n / REPORTS;
    let at = instant(now - (n % 60 + 1).cast_signed() * DAY_US);
    let draft = |resource_type: &str, id: String, body: String| ResourceDraft {
        resource_type: resource_type.to_owned(),
        id,
        body: body.into_bytes(),
        update: Update::Replace,
        clear: Vec::new(),
        event_us: 0,
    };
    let mut results = Vec::new();
    let mut out: Vec<ResourceDraft> = Vec::with_capacity(CHEMISTRY.len() + 1);
    for (code, name, value, unit, range, flag) in CHEMISTRY {
        let id = format!("o{n}-{code}");
        results.push(format!(r#"{{"reference":"Observation/{id}"}}"#));
        let body = format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"system":"{SYSTEM}","code":"{code}","display":"{name}"}}]}},"subject":{{"reference":"Patient/p{patient}"}},"effectiveDateTime":"{at}","valueQuantity":{{"value":{value},"unit":"{unit}"}},"interpretation":[{{"coding":[{{"code":"{flag}"}}]}}],"referenceRange":[{{"text":"{range}"}}]}}"#
        );
        out.push(draft("Observation", id, body));
    }
    let results = results.join(",");
    let body = format!(
        r#"{{"resourceType":"DiagnosticReport","id":"r{n}","identifier":[{{"value":"L{n}"}}],"status":"final","code":{{"text":"生化十项"}},"subject":{{"reference":"Patient/p{patient}"}},"effectiveDateTime":"{at}","issued":"{at}","result":[{results}]}}"#
    );
    out.push(draft("DiagnosticReport", format!("r{n}"), body));
    out
}
