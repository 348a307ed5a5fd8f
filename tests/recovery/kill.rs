//! `kill -9`, 200 times: half at a random time, half at a named step around write, flush, answer, apply and sealing.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hutong_commit::store::FAILPOINTS;

use super::check::{Ack, Judged, acks, judge};
use super::child::{AGAIN, DIR, ROUND};

const ROUNDS: u64 = 200;
const CHECK_EVERY: u64 = 20;
/// A step that is not reached in this time does not happen in this round; the child is killed where it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Same numbers in every run (splitmix64).
pub fn random(seed: u64, bound: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % bound
}

/// Starts the child, lets it be killed, and returns what it had acknowledged and whether it died by itself.
fn round(dir: &Path, round: u64, again: &str, step: Option<&str>, sabotage: Option<&str>) -> (Vec<Ack>, bool) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["recovery::child::run", "--exact", "--ignored", "--nocapture"]);
    command.env(DIR, dir).env(ROUND, round.to_string()).env(AGAIN, again);
    if let Some(sabotage) = sabotage {
        command.env("HUTONG_SABOTAGE", sabotage);
    }
    if let Some(step) = step {
        // Steps of sealing come once a segment, the others once a batch.
        let often = if step.contains("seal") || step.contains("recycle") || step.contains("rotate") { 3 } else { 60 };
        command.env("HUTONG_FAILPOINT", format!("{step}:{}", 1 + random(round, often)));
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut seen = String::new();
    while !seen.ends_with('\n') || !seen.lines().last().is_some_and(|line| line.starts_with("READY")) {
        if lines.read_line(&mut seen).unwrap() == 0 {
            // Killed at a step that recovery itself passes.
            let status = child.wait().unwrap();
            assert!(step.is_some() && status.code().is_none(), "the child ended before it was ready: {status}: {seen}");
            return (acks(&seen), true);
        }
    }
    let reader = std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = lines.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    });
    let patience = if step.is_some() { PATIENCE } else { Duration::from_millis(5 + random(round, 80)) };
    let begun = std::time::Instant::now();
    while begun.elapsed() < patience && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let died = child.try_wait().unwrap().is_some();
    let _ = child.kill();
    let status = child.wait().unwrap();
    assert!(status.code().is_none(), "the child ended by itself: {status}");
    (acks(&reader.join().unwrap()), died)
}

/// Kills and starts again in one directory; what was wrong at last, and how many were acknowledged and killed at a step.
fn rounds(numbers: std::ops::Range<u64>, sabotage: Option<&str>) -> (Judged, usize, u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger: Vec<Ack> = Vec::new();
    let mut again = String::new();
    let mut at_a_step = 0;
    for number in numbers.clone() {
        let step = (number % 2 == 1 && sabotage.is_none()).then(|| FAILPOINTS[(number / 2) as usize % FAILPOINTS.len()]);
        let (acknowledged, died) = round(dir.path(), number, &again, step, sabotage);
        at_a_step += u64::from(died);
        // What had no answer yet, as far as a sender can know it, and the last that had one.
        let last = acknowledged.iter().rev().take(40).map(|ack| ack.1.clone());
        let next = acknowledged.len();
        again = last.chain((next.saturating_sub(20)..next + 20).map(|other| format!("{number}-{other}"))).collect::<Vec<_>>().join(" ");
        ledger.extend(acknowledged);
        if (number + 1) % CHECK_EVERY == 0 || number + 1 == numbers.end || sabotage.is_some() {
            let judged = judge(dir.path(), &ledger);
            if !judged.is_sound() || number + 1 == numbers.end {
                return (judged, ledger.len(), at_a_step);
            }
        }
    }
    (Judged::default(), ledger.len(), at_a_step)
}

#[test]
fn two_hundred_kills_lose_nothing_and_store_nothing_twice() {
    let (mut acknowledged, mut at_a_step, mut entries) = (0, 0, 0);
    for first in (0..ROUNDS).step_by(40) {
        let (judged, answered, died) = rounds(first..first + 40, None);
        assert!(judged.is_sound(), "{judged:?}");
        (acknowledged, at_a_step, entries) = (acknowledged + answered, at_a_step + died, entries + judged.entries);
    }
    println!("{ROUNDS} kills, {at_a_step} at a step, {acknowledged} acknowledged, {entries} entries, 0 lost, 0 twice");
    assert!(acknowledged > 2_000, "only {acknowledged} were acknowledged");
    assert!(at_a_step >= ROUNDS / 4, "only {at_a_step} kills were at a step");
}

#[test]
fn the_kills_show_it_when_an_answer_precedes_the_write() {
    let (judged, _, _) = rounds(1_000..1_020, Some("early-answer"));
    assert!(!judged.is_sound(), "nothing was lost although batches were written after they were answered");
}
