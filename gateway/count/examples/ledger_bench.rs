//! What counting costs: `cargo run --release -p hutong-count --example ledger_bench [cases]`.
//!
//! A synthetic county, the same in every run: 36 institutions of 基层, two county hospitals and one of the city, five years,
//! one million residents. Of 100 cases about 97 have an order and a report (some with images and a state between), one
//! is corrected, one is sent again, one has no order; of 400, one is cancelled three months later, when its month is closed.
//! Events are read from JSON and followed one by one, as a recount does. Of the generator only some 20,000 events are in
//! memory at a time. Other programs run beside it: times of CPU are this thread's, and say more than those of the clock.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // it prints figures, and stops where something is wrong

use hutong_count::cases::{
    At, By, Directory, Event, Facts, Id, IdKind, Kind, Ledger, Modality, Question, Rules, Scope, Sighting, Status, Tier,
};
use hutong_count::period::Period;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Events read at once, about.
const BATCH: usize = 5_000;
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

/// (µs since 1970, body) as the journal holds it.
type Written = (i64, Vec<u8>);

/// The events of one case; `late` are those that come months later.
fn case(n: u64, of: u64, r: &mut u64, out: &mut Vec<Written>, late: &mut VecDeque<Written>) {
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
    let item = format!("http://hutong.example/{exam}/item|{}", next(r) % 60);
    let written = |at: i64, s: Sighting| (at, serde_json::to_vec(&Event::Seen(s)).unwrap());
    let mut put = |at: i64, s: Sighting| out.push(written(at, s));
    let luck = next(r) % 100;
    if luck != 0 {
        let mut order = Sighting::new(Kind::Order, &exam, &format!("ServiceRequest/{n}"));
        (order.ids, order.patient, order.modality, order.ordered_us) = (order_ids.clone(), patient.clone(), modality, Some(begun));
        (order.checkup, order.item) = (luck < 8, item.clone());
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
    report.item = item;
    put(issued, report.clone());
    if luck == 50 {
        put(issued + 60_000_000, report.clone());
    }
    if luck == 51 {
        (report.status, report.reported_us) = (Status::Corrected, Some(issued + 3_600_000_000));
        put(issued + 3_600_000_000, report.clone());
    }
    if luck == 52 && next(r).is_multiple_of(4) {
        let later = begun + 90 * 86_400_000_000;
        (report.status, report.reported_us) = (Status::Cancelled, Some(later));
        late.push_back(written(later, report));
    }
}

/// The events of all cases in batches, as the journal is read.
fn written(of: u64, random: &mut u64, mut to: impl FnMut(Vec<Written>)) {
    let (mut batch, mut late) = (Vec::new(), VecDeque::new());
    for n in 0..of {
        case(n, of, random, &mut batch, &mut late);
        if batch.len() >= BATCH || n + 1 == of {
            let now = batch.iter().map(|(at, _)| *at).max().unwrap_or(0);
            while late.front().is_some_and(|(at, _)| *at <= now) {
                batch.extend(late.pop_front());
            }
            batch.sort_by_key(|(at, _)| *at);
            to(std::mem::take(&mut batch));
        }
    }
}

/// CPU time of this thread.
fn cpu() -> Duration {
    // the kernel adds up what a thread used when it lets another one go first
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// MiB, from the kernel.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(what)).unwrap_or("");
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap_or(0) / 1024
}

/// Milliseconds: half of the times are at most this, and 99 of 100.
fn p50_p99(times: &mut [Duration]) -> [f64; 2] {
    times.sort_unstable();
    [50, 99].map(|of| ms(times[(times.len() * of / 100).min(times.len() - 1)]))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn line(what: &str, value: impl std::fmt::Display, aim: &str) {
    println!("| {what:<44} | {value:>12} | {aim:<20} |");
}

/// Reads and follows events; those of `sample` are read once more, to say how much of the time is reading.
struct Recount {
    ledger: Ledger,
    messages: u64,
    spent: Duration,
    read_again: (u64, Duration),
    slowest: Duration,
}

impl Recount {
    fn follow(&mut self, batch: &[Written], sample: bool) {
        let (before, mut begun) = (cpu(), Instant::now());
        for (us, body) in batch {
            self.messages += 1;
            self.ledger.follow(At { seq: self.messages, us: *us }, body, &County).unwrap();
            let now = Instant::now();
            self.slowest = self.slowest.max(now - begun);
            begun = now;
        }
        self.spent += cpu().saturating_sub(before);
        if sample {
            let (mut other, before) = (Ledger::new(Rules::default()), cpu());
            // what is read and then is not of this ledger: an event that fails at its last byte
            for (us, body) in batch {
                let cut = body.split_last().map_or(&body[..], |(_, rest)| rest);
                assert!(other.follow(At { seq: 1, us: *us }, cut, &County).is_err());
            }
            self.read_again.0 += batch.len() as u64;
            self.read_again.1 += cpu().saturating_sub(before);
        }
    }
}

fn main() {
    let of: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(10_000_000);
    let ledger = Ledger::new(Rules::default());
    let (mut r, mut random) = (
        Recount { ledger, messages: 0, spent: Duration::ZERO, read_again: (0, Duration::ZERO), slowest: Duration::ZERO },
        88_172_645_463_325_252,
    );
    let (sender, batches) = std::sync::mpsc::sync_channel(0);
    std::thread::spawn(move || written(of, &mut random, |batch| sender.send(batch).unwrap()));
    for (n, batch) in batches.into_iter().enumerate() {
        r.follow(&batch, n % 64 == 15);
    }
    let Recount { ledger, messages, spent, read_again, slowest } = r;
    let reading = read_again.1.as_secs_f64() / read_again.0.max(1) as f64 * messages as f64;
    println!("{of} cases, {messages} messages, {:?}", ledger.size());
    line("recount: CPU, s", format!("{:.1}", spent.as_secs_f64()), "≤ 60 at 10 M");
    line("  of it reading JSON, s", format!("{reading:.1}"), "");
    line("  a message, µs", format!("{:.2}", spent.as_secs_f64() * 1e6 / messages as f64), "≤ 15");
    line("  slowest message, ms of the clock", format!("{:.0}", ms(slowest)), "");
    line("memory: now, MiB", memory("VmRSS:"), "");
    line("  at most, MiB", memory("VmHWM:"), "≤ 476 (500 MB)");
    figures(&ledger, of);
    snapshot(ledger, messages);
    line("memory with all of that: at most, MiB", memory("VmHWM:"), "");
}

fn figures(ledger: &Ledger, of: u64) {
    println!("| figures, ms: by, of a, scope | clock p50 | clock p99 | CPU p50 | CPU p99 | aim: p99 ≤ 50 |");
    let mut worst = [0_f64; 2];
    for (name, periods) in [("month", ["2024-07", "2025-05"]), ("quarter", ["2024Q3", "2025Q2"]), ("year", ["2024", "2025"])] {
        for by in [By::County, By::Centre, By::Exam, By::Read, By::Modality, By::Month, By::Checkup] {
            for scope in Scope::BOTH {
                let (mut clock, mut used) = (Vec::new(), Vec::new());
                for i in 0..200 {
                    let period = Period::parse(periods[i % 2]).unwrap();
                    let question = Question { period, scope, by, institution: None };
                    let (before, begun) = (cpu(), Instant::now());
                    let figures = ledger.figures(&question).unwrap();
                    clock.push(begun.elapsed());
                    used.push(cpu().saturating_sub(before));
                    assert!(of < 1_000 || figures.rows.iter().any(|r| r.now.cases > 0));
                }
                let ([a, b], [c, d]) = (p50_p99(&mut clock), p50_p99(&mut used));
                worst = [worst[0].max(b), worst[1].max(d)];
                println!("| {:<30} | {a:>7.2} | {b:>7.2} | {c:>7.2} | {d:>7.2} |", format!("{by:?}, {name}, {}", scope.code()));
            }
        }
    }
    line("figures: worst p99 of the clock, ms", format!("{:.1}", worst[0]), "≤ 50");
    line("  of CPU, ms", format!("{:.1}", worst[1]), "");
    let begun = cpu();
    let quality = ledger.quality(Period::parse("2025Q2").unwrap(), By::Centre, None, |_| 120).unwrap();
    line("quality of a quarter: CPU, ms", format!("{:.0}", ms(cpu() - begun)), "");
    assert!(of < 1_000 || quality.len() == 4);
    let begun = cpu();
    let [_, reports] = ledger.counted_of_day(20_000, None);
    line(&format!("a day's {reports} reports: CPU, ms"), format!("{:.1}", ms(cpu() - begun)), "");
}

fn snapshot(mut ledger: Ledger, mut messages: u64) {
    let begun = cpu();
    ledger.institutions_changed(At { seq: messages + 1, us: START + YEARS_US }, &County);
    line("a registry that changed nothing: CPU, ms", format!("{:.0}", ms(cpu() - begun)), "");
    let path = std::env::temp_dir().join("ledger_bench.snapshot");
    let (before, begun) = (cpu(), Instant::now());
    let clone = ledger.clone();
    let (locked, used) = (begun.elapsed(), cpu() - before);
    let (done, finished) = std::sync::mpsc::channel();
    let to = path.clone();
    std::thread::spawn(move || {
        clone.save(&mut std::fs::File::create(&to).unwrap()).unwrap();
        drop(clone);
        done.send(begun.elapsed()).unwrap();
    });
    // the ledger goes on: 2,000 cases a second
    let (mut batch, mut random, mut slowest) = (Vec::new(), 1, Duration::ZERO);
    let written = loop {
        if let Ok(written) = finished.recv_timeout(Duration::from_millis(1)) {
            break written;
        }
        case((1 << 40) + messages, 1 << 40, &mut random, &mut batch, &mut VecDeque::new());
        for (us, body) in batch.drain(..) {
            messages += 1;
            let before = Instant::now();
            ledger.follow(At { seq: messages, us }, &body, &County).unwrap();
            slowest = slowest.max(before.elapsed());
        }
    };
    let bytes = std::fs::metadata(&path).unwrap().len();
    line("snapshot: ledger locked at longest, ms", format!("{:.1}", ms(locked)), "≤ 50");
    line("  of CPU, ms", format!("{:.1}", ms(used)), "");
    line("  written in all, s of the clock", format!("{:.2}", written.as_secs_f64()), "");
    line("  slowest message meanwhile, ms", format!("{:.1}", ms(slowest)), "");
    line("  size, MB", bytes / 1_000_000, "");
    drop(ledger);
    let (before, begun) = (cpu(), Instant::now());
    let read_back = Ledger::load(&mut std::fs::File::open(&path).unwrap(), Rules::default()).unwrap();
    line("  read, s of the clock", format!("{:.2}", begun.elapsed().as_secs_f64()), "");
    line("  read, s of CPU", format!("{:.2}", (cpu() - before).as_secs_f64()), "");
    assert!(read_back.position().seq > 0);
    std::fs::remove_file(&path).unwrap();
}
