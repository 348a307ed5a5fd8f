//! M07–M17, M19–M22, M24: messages that are answered.

use hutong_tests::hl7::{self, adt, code, field};
use hutong_tests::mllp::Sender;

use super::{err, gateway, with_msh};

/// (id, message, MSA-1, MSA-2, ERR-2 or its beginning, ERR-3)
type Case = (&'static str, Vec<u8>, &'static str, Option<&'static str>, &'static str, &'static str);

fn cases() -> Vec<Case> {
    let patch = |from: &[u8], to: &[u8]| {
        let message = adt("CX", "900", "NAME");
        let at = message.windows(from.len()).position(|w| w == from).unwrap();
        [&message[..at], to, &message[at + from.len()..]].concat()
    };
    let mut gb_declared = with_msh(18, "GB 18030-2000");
    let at = gb_declared.windows(4).position(|w| w == b"Test").unwrap();
    gb_declared.splice(at..at + 4, [0x81, 0x20]);
    let many_fields = [adt("CF", "900", "N"), b"ZZZ".to_vec(), vec![b'|'; 1_000_000], b"\r".to_vec()].concat();
    let many_repetitions = [adt("CR", "900", "N"), b"ZZZ|a".to_vec(), b"~a".repeat(50_000), b"\r".to_vec()].concat();
    let many_escapes = [adt("CE", "900", "N"), b"ZZZ|".to_vec(), b"\\X41\\".repeat(210_000), b"\r".to_vec()].concat();
    vec![
        ("M07", Vec::new(), "AR", Some(""), "", "100"),
        ("M08", b"PID|1||900\rPV1|1|O\r".to_vec(), "AR", Some(""), "", "100"),
        ("M09", with_msh(10, ""), "AR", Some(""), "MSH^1^10", "101"),
        ("M10 type", with_msh(9, "ZZZ^Z99"), "AR", None, "MSH^1^9", "200"),
        ("M10 event", with_msh(9, "ADT^A99"), "AR", None, "MSH^1^9", "201"),
        ("M11 processing", with_msh(11, "X"), "AR", None, "MSH^1^11", "202"),
        ("M11 version", with_msh(12, "9.9"), "AR", None, "MSH^1^12", "203"),
        ("M12", b"MSH||||||\r".to_vec(), "AR", None, "MSH^1^2", "102"),
        ("M14", with_msh(18, "KLINGON"), "AE", None, "MSH^1^18", "103"),
        ("M15", gb_declared, "AE", None, "PID^1^5", "102"),
        ("M16", patch(b"NAME", &[0xd5, 0xc5, 0xc8, 0xfd]), "AE", Some("CX"), "PID^1^5", "102"),
        ("M18 NUL", patch(b"NAME", b"NA\0ME"), "AE", Some("CX"), "PID^1^5", "102"),
        ("M19 fields", many_fields, "AE", Some("CF"), "ZZZ^1", "104"),
        ("M19 repetitions", many_repetitions, "AE", Some("CR"), "ZZZ^1", "104"),
        ("M19 escapes", many_escapes, "AE", Some("CE"), "ZZZ^1", "104"),
        ("M22", with_msh(4, "OTHER"), "AR", None, "MSH^1^4", "199"),
        ("M24 no such day", with_msh(7, "20260230"), "AE", None, "MSH^1^7", "102"),
    ]
}

#[test]
fn every_refusal_is_as_written_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let mut sender = Sender::connect(gateway.mllp);
    let cases = cases();
    for (id, message, msa, control_id, place, wrong) in &cases {
        let answer = sender.send(message).unwrap_or_else(|| panic!("{id}: no answer"));
        let shown = String::from_utf8_lossy(&answer).replace('\r', "\n");
        assert_eq!(code(&answer), *msa, "{id}\n{shown}");
        if let Some(control_id) = control_id {
            assert_eq!(field(&answer, "MSA", 2), *control_id, "{id}\n{shown}");
        }
        let (at, err_3) = err(&answer);
        assert!(at.starts_with(place), "{id}: ERR-2 {at}\n{shown}");
        assert_eq!(err_3, *wrong, "{id}\n{shown}");
    }
    let health = gateway.health();
    assert_eq!(health["final"]["rejected"], cases.len(), "{health}");
    assert_eq!(health["balanced"], true, "{health}");
    assert!(!gateway.log().contains("NAME"), "a value of a message is in the log");
}

#[test]
fn odd_but_legal_messages_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let mut sender = Sender::connect(gateway.mllp);
    // M13: other delimiters
    let odd = String::from_utf8(adt("C13", "913", "Test^Person"))
        .unwrap()
        .replace("^~\\&", "\u{1}")
        .replace('|', "#")
        .replace('^', "*")
        .replace('\u{1}', "*~\\&");
    assert_eq!(code(&sender.send(odd.as_bytes()).unwrap().iter().map(|b| if *b == b'#' { b'|' } else { *b }).collect::<Vec<u8>>()), "AA");
    // M17: trail bytes that equal \ | ^ ~
    let mut gbk = adt("C17", "917", "NAME");
    let at = gbk.windows(4).position(|w| w == b"NAME").unwrap();
    gbk.splice(at..at + 4, [0x95, 0x5c, 0xd5, 0x7c, 0x95, 0x5e, 0xd5, 0x7e]);
    let gbk = replace(&gbk, b"UNICODE UTF-8", b"");
    assert_eq!(code(&sender.send(&gbk).unwrap()), "AA");
    // M24: a clock that is wrong by years is the sender's trouble, not a reason to refuse
    assert_eq!(code(&sender.send(&with_msh(7, "20990101000000")).unwrap()), "AA");
    let patient = hutong_tests::http::get(gateway.http, "/fhir/Patient?identifier=917").json();
    assert_eq!(patient["entry"][0]["resource"]["name"][0]["family"], "昞諀昢諂", "{patient}");
}

fn replace(message: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = message.windows(from.len()).position(|w| w == from).unwrap();
    [&message[..at], to, &message[at + from.len()..]].concat()
}

#[test]
fn m20_a_message_sent_a_thousand_times_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let to = gateway.mllp;
    let answers: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(move || {
                    let mut sender = Sender::connect(to);
                    (0..125).map(|_| sender.send(&hl7::adt("C20", "920", "A^B")).unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        senders.into_iter().flat_map(|s| s.join().unwrap()).collect()
    });
    assert_eq!(answers.len(), 1000);
    assert_eq!(code(&answers[0]), "AA");
    assert!(answers.iter().all(|a| *a == answers[0]), "the answers differ");
    let health = gateway.health();
    assert_eq!((&health["final"]["stored"], &health["final"]["duplicate"]), (&1.into(), &999.into()), "{health}");
}

#[test]
fn m21_a_control_id_with_other_content_is_never_swallowed() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let mut sender = Sender::connect(gateway.mllp);
    assert_eq!(code(&sender.send(&adt("C21", "921", "A^B")).unwrap()), "AA");
    let answer = sender.send(&adt("C21", "921", "A^C")).unwrap();
    assert_eq!((code(&answer).as_str(), err(&answer).1.as_str()), ("AE", "205"));
    assert_eq!(gateway.health()["final"]["rejected"], 1);
}
