//! M01–M06, M18, M23: bytes that never become a message, or only just.

use std::time::{Duration, Instant};

use hutong_tests::hl7::{adt, code, field};
use hutong_tests::mllp::{Sender, framed};

use super::{err, gateway};

/// Whether the connection ends without a byte within `ms`.
fn closes_silently(sender: &mut Sender, ms: u64) -> bool {
    let from = Instant::now();
    sender.rest().is_empty() && from.elapsed() < Duration::from_millis(ms)
}

#[test]
fn frames_that_are_none_are_closed_without_an_answer_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let message = adt("C01", "901", "A^B");
    let nested = [&[0x0b], &message[..20], &[0x0b], &message[20..], &[0x1c, 0x0d]].concat();
    let cases: Vec<(&str, Vec<u8>, u64)> = vec![
        ("M01 no end block", [&[0x0b], message.as_slice()].concat(), 2_000),
        ("M02 no start block", message.clone(), 2_000),
        ("M18 nested start", nested, 1_000),
        ("M23 HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 1_000),
        ("M23 TLS", [&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03][..], &[7; 64]].concat(), 1_000),
    ];
    let n = cases.len();
    for (id, bytes, ms) in cases {
        let mut sender = Sender::connect(gateway.mllp);
        sender.raw(&bytes);
        assert!(closes_silently(&mut sender, ms), "{id}");
    }
    std::thread::sleep(Duration::from_millis(200));
    let health = gateway.health();
    assert_eq!(health["final"]["rejected"], n, "each is kept: {health}");
}

#[test]
fn m03_a_missing_carriage_return_is_forgiven() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let mut sender = Sender::connect(gateway.mllp);
    let (first, second) = (framed(&adt("C031", "903", "A^B")), framed(&adt("C032", "903", "A^B")));
    sender.raw(&[&first[..first.len() - 1], &second].concat());
    for id in ["C031", "C032"] {
        let answer = sender.answer().unwrap();
        assert_eq!((code(&answer).as_str(), field(&answer, "MSA", 2).as_str()), ("AA", id));
    }
}

#[test]
fn m04_frames_of_one_write_are_answered_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let mut sender = Sender::connect(gateway.mllp);
    let all: Vec<u8> = (0..3).flat_map(|i| framed(&adt(&format!("C04{i}"), "904", "A^B"))).collect();
    sender.raw(&all);
    for i in 0..3 {
        assert_eq!(field(&sender.answer().unwrap(), "MSA", 2), format!("C04{i}"));
    }
    assert_eq!(gateway.health()["final"]["stored"], 3);
}

#[test]
fn m05_a_message_that_drips_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let mut sender = Sender::connect(gateway.mllp);
    let from = Instant::now();
    for byte in framed(&adt("C05", "905", "A^B")) {
        if !sender.raw(&[byte]) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        if from.elapsed() > Duration::from_secs(8) {
            break;
        }
    }
    assert!(sender.rest().is_empty(), "answered a frame that took too long");
    assert!(from.elapsed() < Duration::from_secs(8), "a slow frame was borne too long");
}

#[test]
fn m06_a_hundred_megabytes_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let mut sender = Sender::connect(gateway.mllp);
    let head = adt("C06", "906", "A^B");
    sender.raw(&[&[0x0b], head.as_slice(), b"ZZZ|"].concat());
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        if !sender.raw(&chunk) {
            break;
        }
    }
    let answer = sender.answer().expect("an answer before the connection ends");
    assert_eq!((code(&answer).as_str(), field(&answer, "MSA", 2).as_str(), err(&answer).1.as_str()), ("AE", "C06", "104"));
    assert!(sender.rest().is_empty());
    let rss = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let kb: u64 = rss.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB").trim().parse().unwrap();
    assert!(kb < 160 * 1024, "memory rose to {kb} kB");
}
