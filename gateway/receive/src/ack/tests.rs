//! Whole answers, byte for byte.

use super::*;
use proptest::prelude::*;

fn at(segment: &str, field: u32) -> Location {
    Location::V2 { segment: segment.to_owned(), sequence: 1, field, repetition: 0, component: 0, subcomponent: 0 }
}

fn error(rule: &'static str, code: u16, location: Location) -> Finding {
    Finding::new(Severity::Error, rule, "value", code).at(location).says("出生日期不是日期", "the birth date is no date").with_value("张三")
}

/// The answer to `raw` with what `findings` come to, shown with `/` for the carriage return.
fn answer(raw: &[u8], findings: &[Finding], read_as: Option<Charset>) -> Vec<u8> {
    let header = Header::scan(raw);
    let Some(code) = plan(header.as_ref(), outcome(findings)).now else { return b"nothing".to_vec() };
    let charset = header.as_ref().map_or(Charset::Ascii, |header| header.answer_charset(raw, read_as, None));
    let built = build(&AckRequest {
        header: header.as_ref(),
        code,
        findings,
        receipt: "R7",
        now_us: 1_767_323_045_000_000,
        zone_offset_minutes: 480,
        charset,
        language: Language::Both,
        warnings: false,
        err_segments: 20,
    });
    built.iter().map(|byte| if *byte == b'\r' { b'/' } else { *byte }).collect()
}

fn text(raw: &str, findings: &[Finding]) -> String {
    String::from_utf8(answer(raw.as_bytes(), findings, Some(Charset::Utf8))).unwrap()
}

#[test]
fn an_accepted_message() {
    assert_eq!(
        text("MSH|^~\\&|LIS^1|STZX|HUTONG|XZ|20260101||ORU^R01^ORU_R01|id-1|P|2.5.1\rPID|", &[]),
        "MSH|^~\\&|HUTONG|XZ|LIS^1|STZX|20260102110405+0800||ACK^R01^ACK|R7|P|2.5.1/MSA|AA|id-1/"
    );
}

#[test]
fn what_is_echoed_is_echoed_with_the_senders_own_separators_and_charset() {
    assert_eq!(
        text("MSH#*~\\&#LIS*1#F#H#X###ADT*A04#7#D#2.4", &[]),
        "MSH#*~\\&#H#X#LIS*1#F#20260102110405+0800##ACK*A04*ACK#R7#D#2.4/MSA#AA#7/"
    );
    // 諀 is D5 7C: a byte that equals the field separator goes back as it came.
    let answered = answer(b"MSH|^~\\&|LIS|\xD5\x7C|H|X|||ADT^A04|7|P|2.4||||||GB 18030-2000", &[], Some(Charset::Gb18030));
    assert_eq!(answered, b"MSH|^~\\&|H|X|LIS|\xD5\x7C|20260102110405+0800||ACK^A04^ACK|R7|P|2.4||||||GB 18030-2000/MSA|AA|7/");
    // Declared as UTF-8 and sent as GBK: the answer is what MSH-18 says.
    let answered = answer(b"MSH|^~\\&|LIS|\xD5\xC5|H|X|||ADT^A04|7|P|2.4||||||UNICODE UTF-8", &[], None);
    assert!(answered.starts_with(b"MSH|^~\\&|H|X|LIS|??|"), "{}", String::from_utf8_lossy(&answered));
}

#[test]
fn an_error_since_2_5_and_before() {
    let wrong = [error("fhir.date", 102, at("PID", 7))];
    assert_eq!(
        text("MSH|^~\\&|LIS|F|H|X|||ADT^A04|7|P|2.5||||||UNICODE UTF-8", &wrong),
        "MSH|^~\\&|H|X|LIS|F|20260102110405+0800||ACK^A04^ACK|R7|P|2.5||||||UNICODE UTF-8/MSA|AE|7/\
         ERR||PID^1^7|102^Data type error^HL70357|E|||rule=fhir.date; receipt=R7|出生日期不是日期 / the birth date is no date/"
    );
    assert_eq!(
        text("MSH|^~\\&|LIS|F|H|X|||ADT^A04|7|P|2.3.1||||||UNICODE UTF-8", &wrong),
        "MSH|^~\\&|H|X|LIS|F|20260102110405+0800||ACK^A04^ACK|R7|P|2.3.1||||||UNICODE UTF-8/MSA|AE|7|出生日期不是日期/\
         ERR|PID^1^7^102&Data type error&HL70357|PID^1^7|102^Data type error^HL70357|E|||rule=fhir.date; receipt=R7|出生日期不是日期 / the birth date is no date/"
    );
    // No charset is declared and none can be seen: English is safe in all of them.
    assert!(text("MSH|^~\\&|LIS|F|H|X|||ADT^A04|7|P|2.3", &wrong).ends_with("MSA|AE|7|the birth date is no date/ERR|PID^1^7^102&Data type error&HL70357|PID^1^7|102^Data type error^HL70357|E|||rule=fhir.date; receipt=R7|the birth date is no date/"));
    for (version, message_type) in [("2.1", "ACK"), ("2.2", "ACK^A04"), ("2.3", "ACK^A04"), ("2.3.1", "ACK^A04^ACK")] {
        let answered = text(&format!("MSH|^~\\&|||||||ADT^A04|7|P|{version}"), &[]);
        assert_eq!(answered.split('|').nth(8), Some(message_type), "{version}");
    }
}

#[test]
fn words_are_in_the_charset_of_the_message() {
    let raw = b"MSH|^~\\&|LIS|F|H|X|||ADT^A04|7|P|2.5\rPID|||||\xD5\xC5";
    let answered = answer(raw, &[error("fhir.date", 102, at("PID", 7))], Some(Charset::Gb18030));
    let (decoded, _, broken) = encoding_rs::GB18030.decode(&answered);
    assert!(!broken && decoded.ends_with("|出生日期不是日期 / the birth date is no date/"), "{decoded}");
    assert!(!decoded.contains("张三"), "a value of the message is in its answer");
}

#[test]
fn refusals_of_the_corpus() {
    let m14 = "MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.5||||||KLINGON";
    let charset = |rule: &'static str, value: &str| error(rule, 102, at("PID", 5)).with_value(value);
    let cases: Vec<(&str, Finding, &str)> = vec![
        (
            "",
            error("hl7.no_msh", 100, Location::Whole),
            "MSA|AR|/ERR|||100^Segment sequence error^HL70357|E|||rule=hl7.no_msh; receipt=R7|",
        ),
        ("PID|1", error("hl7.no_msh", 100, Location::Whole), "MSA|AR|/ERR|||100^Segment sequence error^HL70357|E|"),
        ("MSH|^~\\&|L|F|H|X|||ADT^A04||P|2.5", error("hl7.required", 101, at("MSH", 10)), "MSA|AR|/ERR||MSH^1^10|101^"),
        ("MSH|^~\\&|L|F|H|X|||ZZZ^Z99|7|P|2.5", error("hl7.message_type", 200, at("MSH", 9)), "MSA|AR|7/ERR||MSH^1^9|200^"),
        ("MSH|^~\\&|L|F|H|X|||ADT^A99|7|P|2.5", error("hl7.event", 201, at("MSH", 9)), "MSA|AR|7/ERR||MSH^1^9|201^"),
        ("MSH|^~\\&|L|F|H|X|||ADT^A01|7|X|2.5", error("hl7.processing_id", 202, at("MSH", 11)), "MSA|AR|7/ERR||MSH^1^11|202^"),
        ("MSH|^~\\&|L|F|H|X|||ADT^A01|7|P|9.9", error("hl7.version", 203, at("MSH", 12)), "MSA|AR|7/ERR||MSH^1^12|203^"),
        ("MSH||||||", error("hl7.delimiters", 102, at("MSH", 2)), "MSA|AR|/ERR||MSH^1^2|102^"),
        (m14, error("hl7.charset.unknown", 103, at("MSH", 18)), "MSA|AE|7/ERR||MSH^1^18|103^Table value not found^HL70357|E|"),
        (
            "MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.5",
            charset("hl7.charset.mismatch", "offset=61 bytes=D5C5 looks_like=gb18030"),
            "MSA|AE|7/ERR||PID^1^5|102^Data type error^HL70357|E|||rule=hl7.charset.mismatch; receipt=R7; offset=61; looks_like=gb18030|",
        ),
        (
            "MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.5",
            control_id_reused(),
            "MSA|AE|7/ERR||MSH^1^10|205^Duplicate key identifier^HL70357|E|ID-REUSED||",
        ),
        (
            "MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.5",
            error("hl7.limit", 104, at("OBX", 5)),
            "MSA|AE|7/ERR||OBX^1^5|104^Value too long^HL70357|E|LIMIT||",
        ),
    ];
    for (raw, finding, expected) in cases {
        let answered = text(raw, std::slice::from_ref(&finding));
        assert!(answered.contains(expected), "{raw}\n{answered}\n{expected}");
        assert!(!answered.contains("D5C5"));
    }
    let mismatch =
        crate::sources::Source { id: "lis-a".to_owned(), facilities: vec![("LIS".to_owned(), "A".to_owned())], ..Default::default() };
    let answered = text("MSH|^~\\&|HIS|B|H|X|||ADT^A04|7|P|2.5", &[mismatch.identity_mismatch("HIS", "B").unwrap()]);
    assert!(
        answered.contains("MSA|AR|7/ERR||MSH^1^4|199^Other HL7 Error^HL70357|E|SRC-MISMATCH||rule=source.identity_mismatch; receipt=R7|"),
        "{answered}"
    );
}

#[test]
fn the_mode_is_the_senders_wish() {
    let cases = [
        ("", "", "AA", "AE", "AR", false),
        ("AL", "NE", "CA", "CE", "CR", false),
        ("AL", "", "CA", "CE", "CR", false),
        ("NE", "AL", "AA", "AE", "AR", false),
        ("", "AL", "AA", "AE", "AR", false),
        ("AL", "AL", "CA", "CE", "CR", true),
        ("ER", "NE", "", "CE", "CR", false),
        ("SU", "NE", "CA", "", "", false),
        ("NE", "ER", "", "AE", "AR", false),
        ("NE", "NE", "", "", "", false),
        ("al", "ne", "CA", "CE", "CR", false),
        ("??", "NE", "CA", "CE", "CR", false),
    ];
    for (accept, application, accepted, failed, rejected, later) in cases {
        let raw = format!("MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.5|||{accept}|{application}");
        let header = Header::scan(raw.as_bytes()).unwrap();
        for (outcome, code) in [(Outcome::Accept, accepted), (Outcome::Error, failed), (Outcome::Reject, rejected)] {
            let plan = plan(Some(&header), outcome);
            assert_eq!(plan.now.map_or("", Code::as_str), code, "{accept}|{application} {outcome:?}");
            assert_eq!(plan.later.is_some(), later && plan.now.is_some());
        }
    }
}

#[test]
fn locations_are_told_as_far_as_they_are_known() {
    let located = |sequence, field, repetition, component, subcomponent| {
        let location = Location::V2 { segment: "OBX".to_owned(), sequence, field, repetition, component, subcomponent };
        let answered = text("MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.5", &[error("x", 102, location)]);
        answered.rsplit("ERR||").next().unwrap().split('|').next().unwrap().to_owned()
    };
    assert_eq!(located(3, 5, 2, 1, 4), "OBX^3^5^2^1^4");
    assert_eq!(located(3, 5, 0, 2, 0), "OBX^3^5^1^2");
    assert_eq!(located(3, 5, 1, 0, 0), "OBX^3^5");
    assert_eq!(located(0, 0, 0, 0, 0), "OBX^1");
}

#[test]
fn texts_cannot_break_the_answer() {
    let finding = error("a|b", 102, Location::Path { expression: "Patient.name^x".to_owned(), line: 1, column: 1 })
        .says("甲|乙^丙~丁\\戊&己\r\nMSH|", "a|b");
    let answered = text("MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.5||||||UTF-8", &[finding]);
    assert!(
        answered.ends_with("|rule=a\\F\\b; receipt=R7; at=Patient.name\\S\\x|甲\\F\\乙\\S\\丙\\R\\丁\\E\\戊\\T\\己  MSH\\F\\ / a\\F\\b/"),
        "{answered}"
    );
    let long = error("x", 102, Location::Whole).says("很".repeat(300), "x");
    let answered = text("MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.4||||||UTF-8", &[long]);
    assert!(answered.ends_with(&format!("|{}.../", "很".repeat(247))) && answered.contains(&format!("MSA|AE|7|{}...", "很".repeat(77))));
}

#[test]
fn a_negative_answer_always_says_why_and_never_too_much() {
    let header = Header::scan(b"MSH|^~\\&|L|F|H|X|||ADT^A04|7|P|2.5").unwrap();
    let many: Vec<Finding> = (0..50).map(|_| error("x", 102, Location::Whole)).collect();
    let warning = Finding { severity: Severity::Warning, ..error("w", 0, Location::Whole) };
    let built = |code, findings: &[Finding], warnings| {
        let request = AckRequest {
            header: Some(&header),
            code,
            findings,
            receipt: "",
            now_us: 0,
            zone_offset_minutes: 480,
            charset: Charset::Ascii,
            language: Language::Both,
            warnings,
            err_segments: 20,
        };
        assert_eq!(build(&request), build(&request));
        String::from_utf8(build(&request).to_vec()).unwrap()
    };
    assert_eq!(built(Code::Ae, &many, false).matches("\rERR").count(), 20);
    assert!(built(Code::Ae, &[], false).contains("\rERR|||207^Application error^HL70357|E|"));
    assert_eq!(built(Code::Aa, std::slice::from_ref(&warning), false).matches("ERR").count(), 0);
    assert!(built(Code::Aa, &[warning], true).contains("\rERR|||0^Message accepted^HL70357|W|||rule=w|"));
    assert_eq!(when_unavailable(StoreUnavailable::Close), None);
    assert_eq!(when_unavailable(StoreUnavailable::Ar207), Some(Code::Ar));
}

#[test]
fn the_first_bytes_of_a_message_over_the_limit_are_enough() {
    let answered = answer_oversized(b"MSH|^~\\&|L|F|H|X|||ORU^R01|77|P|2.5\rOBX|1|ED|", 16 << 20, "R9", 0, 480).unwrap();
    let answered = String::from_utf8(answered.to_vec()).unwrap();
    assert!(answered.contains("\rMSA|AE|77\rERR|||104^Value too long^HL70357|E|TOO-LARGE||rule=msg.too_large; receipt=R9|"), "{answered}");
    assert!(answer_oversized(b"MSH|^~\\&|L|F|H|X|||ORU^R01|77|P|2.5|||NE|NE", 1, "R9", 0, 480).is_none());
    assert!(answer_oversized(b"xxxx", 1, "R9", 0, 480).unwrap().windows(8).any(|part| part == b"MSA|AE|\r"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    /// Whatever arrives, the answer is one that any reader of HL7 can read, and the same each time.
    #[test]
    fn any_bytes_get_a_whole_answer(
        prefix in prop_oneof![Just(&b"MSH|^~\\&|"[..]), Just(&b"MSH#"[..]), Just(&b"MSH"[..]), Just(&b""[..])],
        bytes in proptest::collection::vec(prop_oneof![3 => any::<u8>(), 2 => Just(b'|'), 1 => Just(b'^'), 1 => Just(b'\r')], 0..200),
        charset in prop_oneof![Just(Charset::Utf8), Just(Charset::Gb18030), Just(Charset::Ascii), Just(Charset::Iso2022Jp)],
    ) {
        let raw = [prefix, &bytes].concat();
        let header = Header::scan(&raw);
        let findings = [error("a.b", 102, at("PID", 5)), error("c.d", 0, Location::Byte(7))];
        let request = AckRequest {
            header: header.as_ref(), code: Code::Ae, findings: &findings, receipt: "R1", now_us: 0, zone_offset_minutes: 480, charset,
            language: Language::Both, warnings: true, err_segments: 20,
        };
        let built = build(&request);
        prop_assert_eq!(&built, &build(&request));
        let lines: Vec<&[u8]> = built.split(|byte| *byte == b'\r').collect();
        prop_assert_eq!(lines.len(), 5);
        for (line, name) in lines.iter().zip(["MSH", "MSA", "ERR", "ERR", ""]) {
            prop_assert!(line.starts_with(name.as_bytes()));
        }
        prop_assert!(!built.iter().any(|byte| *byte < 0x20 && !b"\r\x1b".contains(byte)));
        prop_assert!(charset != Charset::Utf8 || std::str::from_utf8(&built).is_ok());
        // It is read back by the same eyes, unless what is left of it can be two things.
        let ambiguous = charset != Charset::Utf8 && !lines[0].is_ascii() && std::str::from_utf8(lines[0]).is_ok();
        prop_assume!(!ambiguous);
        let answer = Header::scan(&built).unwrap();
        prop_assert_eq!(answer.component(9, 1), b"ACK");
    }
}
