//! The process that is killed: stores messages as fast as it can and says what was acknowledged.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hutong_commit::entry::{Draft, EntryKind, Final, ResourceDraft, Update};
use hutong_commit::error::StoreError;
use hutong_commit::projection::{self, Reader};
use hutong_commit::store::{JournalOptions, Store};

/// Names the data directory; where it is not set the test does nothing.
pub const DIR: &str = "HUTONG_CRASH_DIR";
/// What this run's new messages are called: `{round}-{number}`.
pub const ROUND: &str = "HUTONG_CRASH_ROUND";
/// Control ids, separated by spaces, that are sent again first.
pub const AGAIN: &str = "HUTONG_CRASH_AGAIN";

const SENDERS: usize = 4;
const IN_FLIGHT: usize = 8;

pub fn options() -> JournalOptions {
    // Small segments: they are full, sealed and used again many times in a run.
    JournalOptions { segment_bytes: 256 << 10, reserve_bytes: 0, ..JournalOptions::default() }
}

pub fn open(dir: &Path) -> Result<(Store, Reader), StoreError> {
    let mut reader = None;
    let store = Store::open_with(dir, options(), |journal| {
        let (projection, read) = projection::open(dir, Arc::new(journal.clone())).map_err(|error| StoreError::Projection(error.0))?;
        reader = Some(read);
        Ok(projection)
    })?;
    Ok((store, reader.unwrap()))
}

fn size(id: &str) -> usize {
    200 + usize::from(hutong_audit::digest(id.as_bytes())[0]) * 24
}

pub fn raw(id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|HIS|县人民医院|||20261122||ADT^A01|{id}|P|2.5.1\rNTE|1||{}\r", "测试".repeat(size(id) / 6)).into_bytes()
}

pub fn answer(id: &str) -> Vec<u8> {
    format!("MSA|AA|{id}").into_bytes()
}

pub fn resource_id(id: &str) -> String {
    hutong_audit::digest(id.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn draft(id: &str) -> Draft {
    let resource = resource_id(id);
    let body = format!(r#"{{"resourceType":"Patient","id":"{resource}","name":[{{"text":"{id}"}}]}}"#);
    Draft {
        kind: EntryKind::Message,
        receipt: format!("R{id}"),
        received_us: 1_780_000_000_000_000,
        source: "his".into(),
        protocol: "mllp",
        control_id: id.into(),
        content_hash: hutong_audit::digest(&raw(id)),
        message_type: "ADT^A01".into(),
        outcome: Final::Stored,
        answer: answer(id),
        findings: b"[]".to_vec(),
        raw: raw(id),
        resources: vec![ResourceDraft {
            resource_type: "Patient".into(),
            id: resource,
            body: body.into_bytes(),
            update: Update::Replace,
            clear: Vec::new(),
            event_us: 0,
        }],
        events: Vec::new(),
        plan_hash: [1; 32],
        conflict: None,
    }
}

/// One line of the ledger: `ACK seq control-id outcome`, written after the callback and before anything else.
fn acknowledge(seq: u64, id: &str, outcome: Final) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "ACK {seq} {id} {}", outcome.as_str());
    let _ = out.flush();
}

#[derive(Default)]
struct Gate(Mutex<usize>, Condvar);

fn send(store: &Store, gate: &Arc<Gate>, id: String) {
    let mut under_way = gate.1.wait_while(gate.0.lock().unwrap(), |under_way| *under_way >= IN_FLIGHT).unwrap();
    *under_way += 1;
    drop(under_way);
    let gate = Arc::clone(gate);
    store.submit(draft(&id), move |result| {
        match result {
            Ok(committed) => acknowledge(committed.seq, &id, committed.outcome),
            // The disk was taken away: what is left is to be killed.
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
        *gate.0.lock().unwrap() -= 1;
        gate.1.notify_one();
    });
}

#[test]
#[ignore = "the child process of the crash tests"]
fn run() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let round = std::env::var(ROUND).unwrap();
    let (store, _reader) = open(&dir).unwrap();
    println!("\nREADY {}", store.durable());
    let again: Vec<String> = std::env::var(AGAIN).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (store, round, again) = (&store, &round, &again);
            scope.spawn(move || {
                let gate = Arc::new(Gate::default());
                // A sender that lost its connection sends again what it has no answer to, and some that it has.
                for id in again.iter().skip(sender).step_by(SENDERS) {
                    send(store, &gate, id.clone());
                }
                for number in (sender..).step_by(SENDERS) {
                    send(store, &gate, format!("{round}-{number}"));
                    if number % 10 == sender {
                        send(store, &gate, format!("{round}-{}", number / 2));
                    }
                }
            });
        }
    });
}
