//! What was acknowledged against what is stored.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hutong_commit::entry::Final;
use hutong_commit::store::verify;

use super::child::{DIR, answer, open, raw, resource_id};

/// Names the file of `ACK` lines for the check that `tests/power-loss` starts.
const LEDGER: &str = "HUTONG_CRASH_LEDGER";

/// Acknowledged: number, control id, outcome.
pub type Ack = (u64, String, String);

pub fn acks(text: &str) -> Vec<Ack> {
    let line = |line: &str| {
        let mut words = line.strip_prefix("ACK ")?.split(' ');
        let ack = (words.next()?.parse().ok()?, words.next()?.to_owned(), words.next()?.to_owned());
        // The last line may have been cut by the kill: then its last word is no outcome.
        Final::ALL.iter().any(|outcome| outcome.as_str() == ack.2).then_some(ack)
    };
    text.lines().filter_map(line).collect()
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Judged {
    pub entries: u64,
    pub lost: Vec<String>,
    pub twice: Vec<String>,
    pub wrong: Vec<String>,
}

impl Judged {
    pub fn is_sound(&self) -> bool {
        self.lost.is_empty() && self.twice.is_empty() && self.wrong.is_empty()
    }
}

/// Opens the store, which recovers it, and compares everything.
pub fn judge(dir: &Path, ledger: &[Ack]) -> Judged {
    let mut judged = Judged::default();
    let report = verify(dir).unwrap();
    if let Some(damage) = report.damage {
        judged.wrong.push(format!("verify: {damage:?}"));
    }
    let (store, reader) = match open(dir) {
        Ok(opened) => opened,
        Err(error) => {
            judged.lost.push(format!("all: {error}"));
            return judged;
        }
    };
    judged.entries = store.durable();
    if report.last != store.durable() {
        judged.wrong.push(format!("the offline check ends at {}, the store at {}", report.last, store.durable()));
    }
    let mut stored: HashMap<String, u64> = HashMap::new();
    let mut outcomes = HashMap::new();
    for seq in 1..=store.durable() {
        let entry = match store.entry(seq) {
            Ok(entry) => entry,
            Err(error) => {
                judged.wrong.push(format!("{seq}: {error}"));
                continue;
            }
        };
        let id = entry.control_id().to_owned();
        if entry.outcome() == Final::Stored {
            if entry.raw() != raw(&id) || entry.answer() != answer(&id) {
                judged.wrong.push(format!("{seq} has other bytes than {id}"));
            }
            if let Some(first) = stored.insert(id.clone(), seq) {
                judged.twice.push(format!("{id} at {first} and {seq}"));
            }
        } else if entry.refers().and_then(|first| store.entry(first).ok()).is_none_or(|first| first.control_id() != id) {
            judged.wrong.push(format!("{seq} is a duplicate of nothing"));
        }
        outcomes.insert(seq, (id, entry.outcome().as_str()));
    }
    for (seq, id, outcome) in ledger {
        match outcomes.get(seq) {
            None => judged.lost.push(format!("{id} at {seq}")),
            Some((other, was)) if other != id || was != outcome => {
                judged.wrong.push(format!("{seq} is {other} {was}, acknowledged as {id} {outcome}"))
            }
            Some(_) => {}
        }
    }
    let counts = store.counts();
    if counts.journalled != store.durable() || counts.stored != stored.len() as u64 || counts.stored + counts.duplicate != counts.journalled
    {
        judged.wrong.push(format!("counts {counts:?}"));
    }
    if !store.wait_applied(store.durable(), Duration::from_secs(60)) {
        judged.wrong.push(format!("the projection stays at {} of {}", store.applied(), store.durable()));
    }
    for (id, seq) in stored.iter().filter(|(_, seq)| *seq % 7 == 0) {
        let found = reader.read("Patient", &resource_id(id));
        let sound = found.as_ref().is_ok_and(|found| found.as_ref().is_some_and(|version| version.version == 1 && version.seq == *seq));
        if !sound {
            judged.wrong.push(format!("the resource of {id} at {seq} is not found once"));
        }
    }
    judged
}

/// Started by `tests/power-loss` after the file system came back.
#[test]
#[ignore = "a step of tests/power-loss"]
fn judge_from_environment() {
    let (Some(dir), Some(ledger)) = (std::env::var_os(DIR).map(PathBuf::from), std::env::var_os(LEDGER)) else { return };
    let ledger = acks(&std::fs::read_to_string(ledger).unwrap());
    let judged = judge(&dir, &ledger);
    let few = |list: &[String]| list.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
    println!(
        "\nJUDGED acknowledged={} entries={} lost={} twice={} wrong={} {}{}{}",
        ledger.len(),
        judged.entries,
        judged.lost.len(),
        judged.twice.len(),
        judged.wrong.len(),
        few(&judged.lost),
        few(&judged.twice),
        few(&judged.wrong)
    );
    assert!(judged.is_sound());
}
