//! The view follows the journal, and is the same after a rebuild.

use super::*;

#[test]
fn events_are_told_apart() {
    let event = Event::Link { a: "Patient/1".into(), b: "Patient/2".into(), by: hutong_identify::By::Person("t".into()) };
    let review = Opened { review: Review { key: "Patient/1".into(), candidates: Vec::new() } };
    for (kind, body, expected) in [
        (IDENTITY, serde_json::to_vec(&event).unwrap(), "identity"),
        (IDENTITY, serde_json::to_vec(&review).unwrap(), "review"),
        (IDENTITY, b"{\"other\":{}}".to_vec(), "unreadable"),
        (REGISTRY, b"".to_vec(), "unreadable"),
        ("recognition", b"{}".to_vec(), "not ours"),
    ] {
        let got = match read(kind, &body) {
            None => "not ours",
            Some(Err(_)) => "unreadable",
            Some(Ok(Said::Identity(_))) => "identity",
            Some(Ok(Said::Review(_))) => "review",
            Some(Ok(Said::Registry(_))) => "registry",
        };
        assert_eq!(got, expected);
    }
}
