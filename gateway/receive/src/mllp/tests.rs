//! The MLLP cases of the bad-input corpus that belong to the wire, through real sockets.

mod peer;
mod tls;

use super::*;
use crate::handler::{Answer, FrameFault, Incoming, Pending};
use crate::sources::{Rate, Source};
use bytes::Bytes;
use hutong_wire::limits::Limits;
use peer::{Peer, Town, frame, message};
use std::time::Instant;

fn short() -> Limits {
    Limits {
        mllp_frame_idle_ms: 150,
        mllp_frame_total_ms: 400,
        mllp_no_start_ms: 150,
        mllp_end_grace_ms: 30,
        linger_ms: 200,
        ..Limits::default()
    }
}

/// Sends `bytes` and reads until the gateway closes.
async fn ends(limits: Limits, bytes: &[u8]) -> (Vec<u8>, Town, std::time::Duration) {
    let town = Town::start(limits).await;
    let mut peer = town.peer().await;
    let begun = Instant::now();
    peer.send(bytes).await;
    let answer = peer.until_closed().await;
    (answer, town, begun.elapsed())
}

#[tokio::test]
async fn m01_a_frame_without_end_is_closed_without_an_answer() {
    let (answer, town, took) = ends(short(), b"\x0bMSH|^~\\&|LIS").await;
    assert_eq!((answer.as_slice(), town.faults()), (&b""[..], vec!["mllp.frame.timeout".to_owned()]));
    assert!(took.as_millis() >= 150 && took.as_millis() < 390, "{took:?}: the idle limit ended it, not the total one");
    assert_eq!(town.handler.fault(0).first_bytes, "MSH|^~\\&|LIS");
}

#[tokio::test]
async fn m02_bytes_outside_a_frame_are_closed_after_time_or_number() {
    let (answer, town, took) = ends(short(), &message("1")).await;
    assert_eq!((answer.as_slice(), town.faults()), (&b""[..], vec!["mllp.frame.no_start".to_owned()]));
    assert!(took.as_millis() >= 150, "{took:?}");
    let (answer, town, took) = ends(Limits::default(), &vec![b'M'; 4097]).await;
    assert_eq!((answer.as_slice(), town.faults()), (&b""[..], vec!["mllp.frame.no_start".to_owned()]));
    assert!(took.as_millis() < 2_500, "{took:?}: number, not time");
}

#[tokio::test]
async fn m03_a_missing_carriage_return_is_forgiven_and_reported() {
    let town = Town::start(short()).await;
    let mut peer = town.peer().await;
    let mut bytes = frame(&message("1"));
    bytes.pop();
    bytes.extend(frame(&message("2")));
    peer.send(&bytes).await;
    assert_eq!((peer.answer().await, peer.answer().await), ("1".to_owned(), "2".to_owned()));
    // The last of all has nothing behind it that would show its end: a moment's silence does.
    bytes.truncate(message("1").len() + 2);
    peer.send(&bytes).await;
    assert_eq!(peer.answer().await, "1");
    assert_eq!(town.handler.warned(), 2);
    assert!(town.faults().is_empty());
}

#[tokio::test]
async fn m04_messages_of_one_segment_are_answered_in_order() {
    let town = Town::start(short()).await;
    let mut peer = town.peer().await;
    let bytes: Vec<u8> = (0..64).flat_map(|id| frame(&message(&id.to_string()))).collect();
    peer.send(&bytes).await;
    for id in 0..64 {
        assert_eq!(peer.answer().await, id.to_string());
    }
}

#[tokio::test]
async fn m05_a_dripping_sender_is_closed_at_the_total_limit() {
    let town = Town::start(short()).await;
    let mut peer = town.peer().await;
    let begun = Instant::now();
    for byte in frame(&message("1")).iter().cycle() {
        if peer.try_send(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(peer.until_closed().await, b"");
    assert!(begun.elapsed().as_millis() >= 400);
    assert_eq!(town.faults(), ["mllp.frame.timeout"]);
}

#[tokio::test]
async fn one_byte_a_read_is_a_message_like_any_other() {
    let town = Town::start(Limits::default()).await;
    let mut peer = town.peer().await;
    for byte in frame(&message("1")) {
        peer.send(&[byte]).await;
    }
    assert_eq!(peer.answer().await, "1");
    assert_eq!(town.handler.raw(0), message("1"));
}

#[tokio::test]
async fn m06_a_message_over_the_limit_is_answered_from_its_first_bytes() {
    let limits = Limits { message_bytes: 100_000, ..short() };
    let mut bytes = frame(&message("0"));
    bytes.extend(frame(&[message("77"), vec![b'x'; 8_000_000]].concat()));
    let (answer, town, _) = ends(limits, &bytes).await;
    let answer = String::from_utf8(answer).unwrap();
    assert_eq!(answer, "\x0b0\x1c\r\x0btoo large: 77\x1c\r", "in order, and then the end");
    let fault = town.handler.fault(0);
    assert_eq!((fault.rule.as_str(), fault.first_bytes.len()), ("msg.too_large", 65_536));
    assert!((100_001..=100_008).contains(&fault.length), "{} bytes were read", fault.length);
}

#[tokio::test]
async fn m18_a_start_inside_a_message_ends_the_connection() {
    let mut bytes = frame(&message("1"));
    bytes.extend(b"\x0bMSH|\x0bMSH|^~\\&");
    let (answer, town, _) = ends(short(), &bytes).await;
    assert_eq!(String::from_utf8(answer).unwrap(), "\x0b1\x1c\r", "what came before is still answered");
    assert_eq!(town.faults(), ["mllp.frame.nested_start"]);
}

#[tokio::test]
async fn m23_another_protocol_is_closed_at_once_without_a_byte() {
    for bytes in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let limits = Limits { linger_ms: 200, ..Limits::default() };
        let (answer, town, took) = ends(limits, bytes).await;
        assert_eq!((answer.as_slice(), town.faults()), (&b""[..], vec!["mllp.wrong_protocol".to_owned()]));
        assert!(took.as_millis() < 1_000, "{took:?}");
    }
}

#[tokio::test]
async fn answers_keep_their_order_when_later_messages_finish_first() {
    let town = Town::start(short()).await;
    let mut peer = town.peer().await;
    let bytes: Vec<u8> = (0..20).flat_map(|id| frame(&message(&format!("wait{}", 100 - id * 5)))).collect();
    peer.send(&bytes).await;
    for id in 0..20 {
        assert_eq!(peer.answer().await, format!("wait{}", 100 - id * 5));
    }
    assert_eq!(town.handler.most_in_work(), 20, "all were in work at once");
}

#[tokio::test]
async fn no_more_than_the_limit_are_in_work_and_the_socket_waits() {
    let limits = Limits { mllp_in_flight: 4, ..short() };
    let town = Town::start(limits).await;
    let mut peer = town.peer().await;
    let bytes: Vec<u8> = (0..40).flat_map(|_| frame(&message("wait20"))).collect();
    peer.send(&bytes).await;
    for _ in 0..40 {
        assert_eq!(peer.answer().await, "wait20");
    }
    assert_eq!(town.handler.most_in_work(), 4);
    assert!(town.faults().is_empty(), "time in which we did not read is not held against the sender");
    peer.send(b"\x0bMSH").await;
    assert_eq!(peer.until_closed().await, b"");
    assert_eq!(town.faults(), ["mllp.frame.timeout"], "once we read again, it is");
}

#[tokio::test]
async fn a_spent_memory_budget_slows_senders_and_loses_nothing() {
    let town = Town::with(short(), Sources::local(), 48 * 1024, None).await;
    let mut peers = Vec::new();
    for _ in 0..8 {
        let mut peer = town.peer().await;
        let big = [message("wait30"), vec![b'x'; 9_000]].concat();
        peer.send(&[frame(&big), frame(&big)].concat()).await;
        peers.push(peer);
    }
    for peer in &mut peers {
        assert_eq!((peer.answer().await, peer.answer().await), ("wait30".to_owned(), "wait30".to_owned()));
    }
    assert!(town.most_used() <= 48 * 1024 + 16 * 1024, "{} bytes: one message may pass the limit", town.most_used());
    drop(peers);
    town.settled().await;
}

#[tokio::test]
async fn frames_that_are_half_read_do_not_block_each_other_for_ever() {
    let limits = Limits { mllp_frame_idle_ms: 3_000, mllp_frame_total_ms: 4_000, ..short() };
    let town = Town::with(limits, Sources::local(), 8 * 6_000 + 3_000, None).await;
    let message = frame(&[message("1"), vec![b'x'; 20_000]].concat());
    let mut peers = Vec::new();
    for _ in 0..8 {
        let mut peer = town.peer().await;
        peer.send(&message[..6_000]).await;
        peers.push(peer);
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    for peer in &mut peers {
        peer.send(&message[6_000..]).await;
    }
    for peer in &mut peers {
        assert_eq!(peer.answer().await, "1");
    }
    drop(peers);
    town.settled().await;
}

#[tokio::test]
async fn the_store_being_away_closes_without_an_answer() {
    let bytes = [frame(&message("1")), frame(&message("silent")), frame(&message("2"))].concat();
    let (answer, ..) = ends(short(), &bytes).await;
    assert_eq!(String::from_utf8(answer).unwrap(), "\x0b1\x1c\r");
    let town = Town::start(short()).await;
    let mut peer = town.peer().await;
    peer.send(&[frame(&message("nothing")), frame(&message("2"))].concat()).await;
    assert_eq!(peer.answer().await, "2", "no acknowledgement was wanted, the connection goes on");
}

#[tokio::test]
async fn a_sender_that_half_closes_gets_its_answers() {
    let town = Town::start(short()).await;
    let mut peer = town.peer().await;
    peer.send(&[frame(&message("wait50")), frame(&message("2")), b"\x0bMSH".to_vec()].concat()).await;
    peer.finish().await;
    assert_eq!(String::from_utf8(peer.until_closed().await).unwrap(), "\x0bwait50\x1c\r\x0b2\x1c\r");
    assert_eq!(town.faults(), ["mllp.frame.truncated"]);
}

#[tokio::test]
async fn a_peer_that_reads_no_answers_is_cut_off() {
    let limits = Limits { write_idle_ms: 150, ..short() };
    let town = Town::start(limits).await;
    let mut peer = town.peer().await;
    let bytes = frame(&message("long"));
    let begun = Instant::now();
    while peer.try_send(&bytes).await.is_ok() {
        assert!(begun.elapsed().as_secs() < 20, "still connected");
    }
}

#[tokio::test]
async fn caps_count_per_address_and_a_closed_connection_makes_room() {
    let limits = Limits { connections_per_address: 1_000, ..short() };
    let town = Town::start(limits).await;
    let mut peers = Vec::new();
    for _ in 0..1_000 {
        peers.push(town.peer().await);
    }
    // The last one admitted shows that all before it were counted.
    let last = peers.last_mut().unwrap();
    last.send(&frame(&message("1"))).await;
    assert_eq!(last.answer().await, "1");
    let mut refused = town.peer().await;
    let _ = refused.try_send(&frame(&message("1"))).await;
    assert_eq!(refused.until_closed().await, b"");
    peers.truncate(999);
    for _ in 0..100 {
        let mut peer = town.peer().await;
        if peer.try_send(&frame(&message("2"))).await.is_ok() && peer.try_answer().await.as_deref() == Some("2") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the freed place was not given again");
}

#[tokio::test]
async fn an_unregistered_sender_is_disconnected_unread() {
    let source = Source { id: "lis".to_owned(), addresses: vec!["192.0.2.1".parse().unwrap()], ..Source::default() };
    let town = Town::with(short(), Sources::new(vec![source]).ok().unwrap(), 1 << 20, None).await;
    let mut peer = town.peer().await;
    let _ = peer.try_send(&frame(&message("1"))).await;
    assert_eq!(peer.until_closed().await, b"");
    assert_eq!(town.handler.accepted(), 0);
}

#[tokio::test]
async fn a_source_over_its_rate_is_slowed_and_not_refused() {
    let source =
        Source { id: "lis".to_owned(), addresses: vec!["127.0.0.1".parse().unwrap()], rate: Some(Rate::new(50, 5)), ..Source::default() };
    let town = Town::with(short(), Sources::new(vec![source]).ok().unwrap(), 1 << 20, None).await;
    let mut peer = town.peer().await;
    let begun = Instant::now();
    let bytes: Vec<u8> = (0..15).flat_map(|id| frame(&message(&id.to_string()))).collect();
    peer.send(&bytes).await;
    for id in 0..15 {
        assert_eq!(peer.answer().await, id.to_string());
    }
    let took = begun.elapsed().as_millis();
    assert!((150..2_000).contains(&took), "{took} ms for ten messages over the burst at 50 a second");
}

#[tokio::test]
async fn a_shutdown_answers_what_is_in_work_and_takes_no_more() {
    let town = Town::start(short()).await;
    let mut peer = town.peer().await;
    peer.send(&frame(&message("wait150"))).await;
    town.handler.until_accepted(1).await;
    town.shut_down();
    peer.send(&frame(&message("2"))).await;
    assert_eq!(String::from_utf8(peer.until_closed().await).unwrap(), "\x0bwait150\x1c\r");
    town.stopped().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let town = Town::start(Limits { shutdown_drain_ms: 100, ..short() }).await;
    let mut peer = town.peer().await;
    peer.send(&frame(&message("wait60000"))).await;
    town.handler.until_accepted(1).await;
    town.shut_down();
    town.stopped().await;
    assert_eq!(peer.until_closed().await, b"");
}

#[test]
fn plaintext_is_for_loopback_and_what_is_listed() {
    let listed = ["10.1.0.5".parse().unwrap()];
    for (address, allowed) in
        [("127.0.0.1", true), ("::1", true), ("10.1.0.5", true), ("10.1.0.6", false), ("0.0.0.0", false), ("::", false)]
    {
        assert_eq!(plaintext_allowed(address.parse().unwrap(), &listed), allowed, "{address}");
    }
}
