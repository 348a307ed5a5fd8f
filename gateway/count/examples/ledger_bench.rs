//! What counting costs: `cargo run --release -p hutong-count --example ledger_bench [cases]`.
//!
//! A synthetic county, the same in every run: 36 institutions of 基层, two county hospitals and one of the city, five years,
//! one million residents. Of 100 cases about 97 have an order and a report (some with images and a state between), one
//! is corrected, one is sent again, one has no order. Events are read from JSON, as a recount reads them from the journal.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // it prints figures, and stops where something is wrong

use hutong_count::cases::{
    At, By, Directory, Event, Facts, Id, IdKind, Kind, Ledger, Modality, Question, Rules, Scope, Sighting, Status, Tier,
};
use hutong_count::period::Period;
use std::time::{Duration, Instant};

const RESIDENTS: u64 = 1_000_000;
/// 2022-01-01 in China.
const START: i64 = 1_640_966_400_000_000;
const YEARS_US: i64 = 1_825 * 86_400_000_000;

struct County;

impl Directory for County {
    fn person(&self, record: &str) -> Option<u32> {
        record.rsplit('/').next()?.parse().ok()
    }

    fn institution(&self, code: &str, _: i64) -> Option<Facts> {
        let number: u32 = code.get(1..)?.parse().ok()?;
        let community = if number.is_multiple_of(2) { "A" } else { "B" };
        let (tier, ws218) = match code.as_bytes().first()? {
            b'T' => (Tier::Township, "C220"),
            b'C' => (Tier::County, "A100"),
            _ => (Tier::City, "A100"),
        };
        Some(Facts { tier, ws218: ws218.to_owned(), community: community.to_owned() })
    }
}

/// xorshift64*
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
}

/// The events of one case, as the journal holds them: (µs since 1970, body).
fn case(n: u64, of: u64, r: &mut u64, out: &mut Vec<(i64, Vec<u8>)>) {
    use Modality::{Ct, Ecg, Lab, Path, Us, Xr};
    let township = next(r) % 36;
    let exam = format!("T{township}");
    let read = if next(r).is_multiple_of(30) { "M1".to_owned() } else { format!("C{}", township % 2) };
    let modality = [Xr, Xr, Ct, Us, Ecg, Ecg, Lab, Lab, Lab, Path][(next(r) % 10) as usize];
    let begun = START + (YEARS_US / of as i64) * n as i64;
    let patient = format!("Patient/{}", next(r) % RESIDENTS);
    let number = Id::new(IdKind::Order, &exam, &format!("S{n}"));
    let accession = Id::new(IdKind::Accession, &exam, &format!("J{n}"));
    // a third of the systems know one number only
    let own_number = !next(r).is_multiple_of(3);
    let order_ids = if own_number { vec![number] } else { vec![accession] };
    let report_ids = if own_number { vec![accession, number] } else { vec![accession] };
    let mut put = |at: i64, s: Sighting| out.push((at, serde_json::to_vec(&Event::Seen(s)).unwrap()));
    let luck = next(r) % 100;
    if luck != 0 {
        let mut order = Sighting::new(Kind::Order, &exam, &format!("ServiceRequest/{n}"));
        (order.ids, order.patient, order.modality, order.ordered_us) = (order_ids.clone(), patient.clone(), modality, Some(begun));
        order.checkup = luck < 8;
        put(begun, order);
    }
    if luck % 10 == 1 {
        let mut study = Sighting::new(Kind::Study, &exam, &format!("ImagingStudy/{n}"));
        (study.ids, study.modality, study.examined_us) = (report_ids.clone(), modality, Some(begun + 600_000_000));
        put(begun + 600_000_000, study);
    }
    let issued = begun + 1_800_000_000 + (next(r) % 10_000_000_000) as i64;
    let mut report = Sighting::new(Kind::Report, &read, &format!("DiagnosticReport/{n}"));
    (report.ids, report.patient, report.modality, report.status) = (report_ids, patient, modality, Status::Final);
    (report.exam, report.reported_us, report.readers) = (exam, Some(issued), vec!["PractitionerRole/8".to_owned()]);
    put(issued, report.clone());
    if luck == 50 {
        put(issued + 60_000_000, report.clone());
    }
    if luck == 51 {
        (report.status, report.reported_us) = (Status::Corrected, Some(issued + 3_600_000_000));
        put(issued + 3_600_000_000, report);
    }
}

/// CPU time of this thread: other programs run beside it.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// MiB, from the kernel.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(what)).unwrap_or("");
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap_or(0) / 1024
}

fn percentile(times: &mut [Duration], of: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * of / 100).min(times.len() - 1)]
}

fn main() {
    let of: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(10_000_000);
    let (mut ledger, mut random) = (Ledger::new(Rules::default()), 88_172_645_463_325_252);
    let (mut batch, mut spent, mut messages, mut slowest) = (Vec::new(), Duration::ZERO, 0_u64, Duration::ZERO);
    let mut reading = Duration::ZERO;
    let base = memory("VmRSS:");
    for n in 0..of {
        case(n, of, &mut random, &mut batch);
        if batch.len() >= 20_000 || n + 1 == of {
            batch.sort_by_key(|(at, _)| *at);
            let before = cpu();
            let events: Vec<(i64, Event)> = batch.iter().map(|(us, body)| (*us, serde_json::from_slice(body).unwrap())).collect();
            let between = cpu();
            for (us, event) in &events {
                messages += 1;
                let begun = Instant::now();
                ledger.apply(At { seq: messages, us: *us }, event, &County);
                slowest = slowest.max(begun.elapsed());
            }
            reading += between.saturating_sub(before);
            spent += cpu().saturating_sub(between);
            batch.clear();
        }
    }
    let cases = of as f64;
    println!("cases {of}, messages {messages}");
    let each = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
    let total = (reading + spent).as_secs_f64();
    println!("recount: {total:.1} s of CPU; a message: reading {:.2} µs, counting {:.2} µs", each(reading), each(spent));
    println!("slowest message: {:.0} ms", slowest.as_secs_f64() * 1e3);
    println!(
        "memory: {} MiB now, {} MiB at most, of these {base} before; {:.1} bytes a case",
        memory("VmRSS:"),
        memory("VmHWM:"),
        (memory("VmRSS:") - base) as f64 * 1_048_576.0 / cases
    );
    println!("{:?}", ledger.size());
    for (name, periods) in [("year", &["2024", "2025"][..]), ("quarter", &["2024Q3", "2025Q2"]), ("month", &["2024-07", "2025-05"])] {
        for by in [By::County, By::Centre, By::Exam, By::Read, By::Modality, By::Month] {
            let mut times: Vec<Duration> = Vec::new();
            for i in 0..100 {
                let period = Period::parse(periods[i % 2]).unwrap();
                let question = Question { period, scope: Scope::BOTH[i / 2 % 2], by, institution: None };
                let begun = Instant::now();
                let figures = ledger.figures(&question).unwrap();
                times.push(begun.elapsed());
                assert!(of < 1_000 || figures.rows.iter().any(|r| r.now.cases > 0));
            }
            println!("figures of a {name} by {by:?}: median {:?}, p99 {:?}", percentile(&mut times, 50), percentile(&mut times, 99));
        }
    }
    let begun = Instant::now();
    let quality = ledger.quality(Period::parse("2025Q2").unwrap(), By::Centre, None, |_| 120).unwrap();
    println!("quality of a quarter: {:?} ({} rows)", begun.elapsed(), quality.len());
    let begun = Instant::now();
    ledger.institutions_changed(At { seq: messages + 1, us: START + YEARS_US }, &County);
    println!("a registry that changed nothing: {:?}", begun.elapsed());
    let path = std::env::temp_dir().join("ledger_bench.snapshot");
    let begun = Instant::now();
    ledger.save(&mut std::fs::File::create(&path).unwrap()).unwrap();
    println!("snapshot: {} MB written in {:?}", std::fs::metadata(&path).unwrap().len() / 1_000_000, begun.elapsed());
    drop(ledger);
    let begun = Instant::now();
    let read_back = Ledger::load(&mut std::fs::File::open(&path).unwrap(), Rules::default()).unwrap();
    println!("snapshot read in {:?}; position {}", begun.elapsed(), read_back.position().seq);
    std::fs::remove_file(&path).unwrap();
}
