//! The codec against a naive model, byte by byte and cut anywhere.

use super::*;
use proptest::prelude::*;

const MAX: usize = 40;
const OUTSIDE: usize = 16;

/// What a stream came to.
#[derive(PartialEq, Eq, Debug, Default)]
struct Outcome {
    frames: Vec<(Vec<u8>, bool)>,
    fault: Option<Fault>,
}

/// Feeds `pieces`, one read each.
fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut framer = Framer::new(MAX, OUTSIDE);
    let mut buffer = BytesMut::new();
    let mut outcome = Outcome::default();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match framer.next(&mut buffer) {
                Ok(Some(frame)) => outcome.frames.push((frame.payload.to_vec(), frame.no_cr)),
                Ok(None) => break,
                Err(fault) => {
                    outcome.fault = Some(fault);
                    return outcome;
                }
            }
        }
    }
    if let Some(frame) = framer.at_end(&mut buffer) {
        outcome.frames.push((frame.payload.to_vec(), frame.no_cr));
    }
    outcome
}

/// The same, said as slowly as possible: one byte after the other, no cleverness.
fn model(bytes: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut at = 0;
    'frames: loop {
        while matches!(bytes.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        let mut outside = Vec::new();
        loop {
            match bytes.get(at) {
                None => return outcome,
                Some(&START) if outside.is_empty() => break,
                Some(&START) => {
                    outcome.fault = Some(Fault::NoStart);
                    return outcome;
                }
                Some(byte) => outside.push(*byte),
            }
            at += 1;
            if is_other_protocol(&outside) {
                outcome.fault = Some(Fault::WrongProtocol);
                return outcome;
            }
            if outside.len() > OUTSIDE {
                outcome.fault = Some(Fault::NoStart);
                return outcome;
            }
        }
        at += 1;
        let mut payload = Vec::new();
        loop {
            let byte = match bytes.get(at) {
                None => return outcome,
                Some(byte) => *byte,
            };
            at += 1;
            if byte == START {
                outcome.fault = Some(Fault::NestedStart);
                return outcome;
            }
            if byte == END {
                let (no_cr, skip) = match bytes.get(at) {
                    Some(b'\r') => (false, 1),
                    Some(b'\n') => (true, 1),
                    Some(&START) | None => (true, 0),
                    Some(_) => {
                        outcome.fault = Some(Fault::StrayEnd);
                        return outcome;
                    }
                };
                at += skip;
                outcome.frames.push((payload, no_cr));
                continue 'frames;
            }
            payload.push(byte);
            if payload.len() > MAX {
                outcome.fault = Some(Fault::TooLarge);
                return outcome;
            }
        }
    }
}

#[test]
fn the_cases_of_the_wire() {
    let cases: &[(&[u8], &[&str], Option<Fault>)] = &[
        (b"\x0bA\x1c\r", &["A"], None),
        (b"\x0b\x1c\r", &[""], None),
        (b"\x0bA\x1c\r\x0bB\x1c\r\x0bC\x1c\r", &["A", "B", "C"], None),
        (b"\x0bA\x1c\x0bB\x1c\r", &["A", "B"], None),
        (b"\x0bA\x1c", &["A"], None),
        (b"\x0bA\x1c\n\x0bB\x1c\r\n", &["A", "B"], None),
        (b"\r\n\x0bA\x1c\r", &["A"], None),
        (b"\x0bA", &[], None),
        (b"MSH|^~\\&", &[], None),
        (b"MSH|^~\\&|LIS|STZX|HUTONG", &[], Some(Fault::NoStart)),
        (b"MSH|\x0bA\x1c\r", &[], Some(Fault::NoStart)),
        (b"\x0bA\x0bB\x1c\r", &[], Some(Fault::NestedStart)),
        (b"\x0bA\x1cB\x1c\r", &[], Some(Fault::StrayEnd)),
        (b"\x0bA\x1c\rGET / HTTP/1.1\r\n", &["A"], Some(Fault::WrongProtocol)),
        (b"\x16\x03\x01\x02\x00\x01", &[], Some(Fault::WrongProtocol)),
        (b"SSH-2.0-x", &[], Some(Fault::WrongProtocol)),
        (b"\x0b0123456789012345678901234567890123456789\x1c\r", &["0123456789012345678901234567890123456789"], None),
        (b"\x0b01234567890123456789012345678901234567890\x1c\r", &[], Some(Fault::TooLarge)),
    ];
    for (bytes, frames, fault) in cases {
        let outcome = run([*bytes]);
        let got: Vec<&str> = outcome.frames.iter().map(|(payload, _)| std::str::from_utf8(payload).unwrap()).collect();
        assert_eq!((got.as_slice(), outcome.fault), (*frames, *fault), "{bytes:?}");
    }
}

#[test]
fn a_payload_is_not_copied() {
    let mut buffer = BytesMut::from(&b"\x0bMSH|^~\\&|LIS\x1c\r"[..]);
    let address = buffer.as_ptr() as usize + 1;
    let frame = Framer::new(MAX, OUTSIDE).next(&mut buffer).unwrap().unwrap();
    assert_eq!(frame.payload.as_ptr() as usize, address);
}

#[test]
fn what_is_encoded_is_decoded() {
    let mut out = BytesMut::new();
    encode(b"MSA|AA|1\r", &mut out);
    assert_eq!(&out[..], b"\x0bMSA|AA|1\r\x1c\r");
    assert_eq!(Framer::new(MAX, OUTSIDE).next(&mut out).unwrap().unwrap().payload, "MSA|AA|1\r");
}

/// Bytes with many of the ones that matter.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => proptest::collection::vec(32u8..127, 0..12).prop_map(|mut text| { text.insert(0, START); text.extend([END, CR]); text }),
        1 => Just(vec![START]),
        1 => Just(vec![END]),
        1 => Just(vec![CR]),
        1 => Just(b"GET /".to_vec()),
        1 => Just(vec![0x16, 3, 1]),
        2 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn any_stream_means_the_same_however_it_is_cut(bytes in stream(), cuts in proptest::collection::vec(1usize..9, 1..40)) {
        // One byte a read is the model's own pace, so the two must agree to the last fault …
        let expected = model(&bytes);
        prop_assert_eq!(&run(bytes.chunks(1)), &expected);
        // … and so must every other cut, the whole at once included.
        let mut pieces = Vec::new();
        let (mut rest, mut cut) = (bytes.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        prop_assert_eq!(&run(pieces), &expected);
        prop_assert_eq!(&run([bytes.as_slice()]), &expected);
    }
}
