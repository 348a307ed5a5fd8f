//! The same with the whole gateway: hospitals send over MLLP while it is killed. Whatever was answered is afterwards
//! answered again with the very same bytes, and nothing is stored for it a second time.

use std::time::{Duration, Instant};

use hutong_commit::store::{FAILPOINTS, verify};
use hutong_tests::gateway::Gateway;
use hutong_tests::hl7::{adt, code};
use hutong_tests::mllp::Sender;

use super::kill::random;

const KILLS: u64 = 16;
const SENDERS: u64 = 4;

/// Sends one message after another until the connection breaks; messages and their answers.
fn send(gateway: &Gateway, name: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut answered = Vec::new();
    let Some(mut sender) = Sender::try_connect(gateway.mllp) else { return answered };
    for number in 0.. {
        let message = adt(&format!("{name}-{number}"), &format!("P{}", number % 20), "金丝雀^零零七");
        match sender.send(&message) {
            Some(answer) => answered.push((message, answer)),
            None => break,
        }
    }
    answered
}

#[test]
fn what_the_gateway_answered_before_a_kill_it_answers_again_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut answered = Vec::new();
    for kill in 0..KILLS {
        // Every other time at a step around write, flush, answer and apply.
        let step = format!("{}:{}", FAILPOINTS[(kill / 2) as usize % 8], 20 + random(kill, 60));
        let at_a_step = kill % 2 == 1;
        let env = [("HUTONG_FAILPOINT", step.as_str())];
        let mut gateway = Gateway::start_with(&data, None, if at_a_step { &env } else { &[] });
        let received = std::thread::scope(|scope| {
            let shared = &gateway;
            let senders: Vec<_> = (0..SENDERS).map(|sender| scope.spawn(move || send(shared, &format!("K{kill}S{sender}")))).collect();
            let patience = if at_a_step { Duration::from_secs(10) } else { Duration::from_millis(100 + random(kill, 300)) };
            let begun = Instant::now();
            while begun.elapsed() < patience && !senders.iter().all(|sender| sender.is_finished()) {
                std::thread::sleep(Duration::from_millis(2));
            }
            shared.kill_now();
            senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect::<Vec<_>>()
        });
        gateway.wait();
        answered.extend(received);
    }
    assert!(answered.len() > 500, "only {} were answered", answered.len());
    let report = verify(&data).unwrap();
    assert!(report.ok(), "{report:?}");
    let gateway = Gateway::start(&data);
    let before = gateway.health();
    assert!(before["final"]["stored"].as_u64().unwrap() >= answered.len() as u64);
    let mut sender = Sender::connect(gateway.mllp);
    for (message, answer) in &answered {
        assert_eq!(code(answer), "AA");
        assert_eq!(sender.send(message).as_ref(), Some(answer), "the very same answer");
    }
    let after = gateway.health();
    assert_eq!(after["final"]["stored"], before["final"]["stored"], "nothing is stored again");
    let duplicates = |health: &serde_json::Value| health["final"]["duplicate"].as_u64().unwrap();
    assert_eq!(duplicates(&after) - duplicates(&before), answered.len() as u64);
    assert_eq!(after["balanced"], true);
}
