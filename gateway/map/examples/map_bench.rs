//! How long mapping takes: load and check of all mappings, one message by the real mappings, and the yardstick ORU by
//! plan and by hand in interleaved rounds.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use hutong_decode::v2::{Grammar, Limits, arrange, parse};
use hutong_fhir::definitions::Definitions;
use hutong_map::{CHINA_ZONE_MINUTES, Context, Mappings, SourceFile, yardstick};

const ROUNDS: usize = 31;
const PER_ROUND: u32 = 200;

fn main() {
    for _ in 0..if std::env::var_os("MAP_PROFILE_DIR").is_some() {
        0
    } else if std::env::var_os("YARD").is_some() {
        10
    } else {
        1
    } {
        yardstick();
    }
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap_or_else(|| "mappings".to_owned());
    let mut files = Vec::new();
    read_dir(Path::new(&dir), &mut files);
    let _ = (Definitions::r4(), Grammar::get());
    if std::env::var_os("MAP_PROFILE_DIR").is_some() {
        let m = Mappings::load(files, Definitions::r4(), Grammar::get()).ok().expect("good mappings");
        let text = std::fs::read_to_string(args.next().unwrap()).unwrap().trim().replace('\n', "\r");
        let parsed = parse(&text, &Limits::default());
        let arrangement = arrange(&parsed.message, Grammar::get());
        let cx = Context { namespace: "bench", zone_minutes: CHINA_ZONE_MINUTES, sites: &[] };
        let plan = m.for_sites(&[]).unwrap();
        for _ in 0..1000 {
            std::hint::black_box(plan.apply(m.definitions(), &parsed.message, &arrangement, &cx));
        }
        return;
    }
    let loads = if std::env::var_os("MAP_ONLY").is_some() { 1 } else { 9 };
    let mut loads: Vec<f64> = (0..loads)
        .map(|_| {
            let files = files.clone();
            let started = cpu_us();
            let m = Mappings::load(files, Definitions::r4(), Grammar::get());
            let ms = (cpu_us() - started) / 1e3;
            assert!(m.is_ok(), "the mappings are good");
            ms
        })
        .collect();
    println!("load.ms first {:.1} median {:.1} ({} files)", loads.first().copied().unwrap_or(0.0), median(&mut loads), files.len());
    let Ok(m) = Mappings::load(files, Definitions::r4(), Grammar::get()) else { return };
    for file in args {
        let raw = std::fs::read_to_string(&file).expect("UTF-8 text");
        let body = raw.strip_prefix("--- message").map_or(&*raw, |t| t.split("\n--- ").next().unwrap_or(t));
        let text = body.trim().replace('\n', "\r");
        let parsed = parse(&text, &Limits::default());
        let arrangement = arrange(&parsed.message, Grammar::get());
        let cx = Context { namespace: "bench", zone_minutes: CHINA_ZONE_MINUTES, sites: &[] };
        let plan = m.for_sites(&[]).unwrap();
        let count = plan.apply(m.definitions(), &parsed.message, &arrangement, &cx).resources.len();
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let started = cpu_us();
                for _ in 0..PER_ROUND {
                    std::hint::black_box(plan.apply(m.definitions(), &parsed.message, &arrangement, &cx));
                }
                (cpu_us() - started) / f64::from(PER_ROUND)
            })
            .collect();
        println!("{file}: {count} resources, {:.1} µs", median(&mut times));
    }
}

/// Microseconds of CPU that this thread has had: other work on the machine does not count.
fn cpu_us() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    t.tv_sec as f64 * 1e6 + t.tv_nsec as f64 / 1e3
}

/// The yardstick by plan and by hand, in interleaved rounds.
fn yardstick() {
    if let Some(which) = std::env::var_os("MAP_PROFILE") {
        return profile(which == "hand");
    }
    let m = yardstick::mappings().ok().expect("the yardstick's mapping");
    let plan = m.for_sites(&[]).unwrap();
    let parsed = parse(yardstick::MESSAGE, &Limits::default());
    let arrangement = arrange(&parsed.message, Grammar::get());
    let cx = Context { namespace: "yard", zone_minutes: CHINA_ZONE_MINUTES, sites: &[] };
    let (mut by_plan, mut by_hand, mut untraced, mut ratios, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // what a message costs before any line is run
    let nothing = [SourceFile { path: "a.hmap".to_owned(), text: "message ORU^R01\n".to_owned() }];
    let empty = Mappings::load(nothing.to_vec(), Definitions::r4(), Grammar::get()).ok().expect("an empty mapping");
    let empty = empty.for_sites(&[]).unwrap();
    let mut fixed: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = cpu_us();
            for _ in 0..PER_ROUND {
                std::hint::black_box(empty.apply(m.definitions(), &parsed.message, &arrangement, &cx));
            }
            (cpu_us() - started) / f64::from(PER_ROUND)
        })
        .collect();
    println!("map.fixed_us {:.2}", median(&mut fixed));
    let timed = |work: &dyn Fn()| {
        let started = cpu_us();
        (0..PER_ROUND).for_each(|_| work());
        (cpu_us() - started) / f64::from(PER_ROUND)
    };
    for _ in 0..ROUNDS {
        let a = timed(&|| drop(std::hint::black_box(plan.apply(m.definitions(), &parsed.message, &arrangement, &cx))));
        let b = timed(&|| drop(std::hint::black_box(yardstick::by_hand(&parsed.message, &cx, &plan))));
        let c = timed(&|| drop(std::hint::black_box(yardstick::by_hand_untraced(&parsed.message, &cx))));
        by_plan.push(a);
        by_hand.push(b);
        untraced.push(c);
        ratios.push(a / b);
        bare.push(a / c);
    }
    let (least, most) = (ratios.iter().copied().fold(f64::MAX, f64::min), ratios.iter().copied().fold(0.0, f64::max));
    println!(
        "map.oru10.ratio_to_hand_written {:.2} (min {least:.2}, max {most:.2}; to one that gives the resources only {:.2}); plan {:.1} µs, hand {:.1} µs, resources only {:.1} µs",
        median(&mut ratios),
        median(&mut bare),
        median(&mut by_plan),
        median(&mut by_hand),
        median(&mut untraced)
    );
}

/// One of the two alone, for a profiler.
fn profile(by_hand: bool) {
    let m = yardstick::mappings().ok().expect("the yardstick's mapping");
    let plan = m.for_sites(&[]).unwrap();
    let parsed = parse(yardstick::MESSAGE, &Limits::default());
    let arrangement = arrange(&parsed.message, Grammar::get());
    let cx = Context { namespace: "yard", zone_minutes: CHINA_ZONE_MINUTES, sites: &[] };
    for _ in 0..PER_ROUND * 5 {
        if by_hand {
            std::hint::black_box(yardstick::by_hand(&parsed.message, &cx, &plan));
        } else {
            std::hint::black_box(plan.apply(m.definitions(), &parsed.message, &arrangement, &cx));
        }
    }
    std::process::exit(0);
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

fn read_dir(dir: &Path, files: &mut Vec<SourceFile>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir).expect("the folder of mappings").flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read_dir(&path, files);
        } else if path.extension().is_some_and(|e| e == "hmap" || e == "tsv" || e == "json") {
            let text = std::fs::read_to_string(&path).expect("UTF-8 text");
            files.push(SourceFile { path: path.to_string_lossy().into_owned(), text });
        }
    }
}
