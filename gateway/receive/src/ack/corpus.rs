//! The cases of the bad-input corpus that are settled by reading a message: decode's findings, our answer.

use super::*;
use hutong_decode::charset;
use hutong_decode::v2::{self, Grammar};

/// 2026-01-02 03:04:05 UTC.
const NOW_US: i64 = 1_767_323_045_000_000;

fn read(raw: &[u8]) -> (Vec<Finding>, Option<Charset>) {
    match charset::decode(raw, None) {
        Err(finding) => (vec![finding], None),
        Ok(text) => {
            let parsed = v2::parse(&text.text, &v2::Limits::default());
            let mut findings = parsed.findings;
            findings.extend(v2::check_header(&parsed.message, Grammar::get(), Some(NOW_US)));
            (findings, Some(text.charset))
        }
    }
}

/// The segments after MSH, as they are answered.
fn answer(raw: &[u8]) -> Vec<String> {
    let (findings, read_as) = read(raw);
    let header = Header::scan(raw);
    let code = plan(header.as_ref(), outcome(&findings)).now.unwrap();
    let charset = header.as_ref().map_or(Charset::Ascii, |header| header.answer_charset(raw, read_as, None));
    let built = build(&AckRequest {
        header: header.as_ref(),
        code,
        findings: &findings,
        receipt: "R7",
        now_us: NOW_US,
        zone_offset_minutes: 480,
        charset,
        language: Language::En,
        warnings: true,
        err_segments: 20,
    });
    String::from_utf8(built.to_vec()).unwrap().split('\r').skip(1).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn message(control_id: &str, message_type: &str, processing: &str, version: &str, charset: &str, time: &str, pid_5: &[u8]) -> Vec<u8> {
    let head = format!(
        "MSH|^~\\&|LIS|STZX|HUTONG|XZ|{time}||{message_type}|{control_id}|{processing}|{version}||||||{charset}\rEVN||20260102\rPID|1||7^^^A||"
    );
    [head.as_bytes(), pid_5, b"||19800101|F\rPV1|1|O\r"].concat()
}

fn usual(pid_5: &[u8], charset: &str) -> Vec<u8> {
    message("7", "ADT^A04", "P", "2.5", charset, "20260102110000", pid_5)
}

#[test]
fn each_case_is_answered_as_written() {
    let header = |control_id, message_type, processing, version| {
        message(control_id, message_type, processing, version, "", "20260102110000", b"A^B")
    };
    let timed = |time| message("7", "ADT^A04", "P", "2.5", "", time, b"A^B");
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("M07", Vec::new(), "MSA|AR|", "|MSH^1|100^"),
        ("M08", b"PID|1||7\rPV1|1\r".to_vec(), "MSA|AR|", "|MSH^1|100^"),
        ("M09", header("", "ADT^A04", "P", "2.5"), "MSA|AR|", "|MSH^1^10|101^"),
        ("M10", header("7", "ZZZ^Z99", "P", "2.5"), "MSA|AR|7", "|200^"),
        ("M10", header("7", "ADT^A99", "P", "2.5"), "MSA|AR|7", "|201^"),
        ("M11", header("7", "ADT^A04", "X", "2.5"), "MSA|AR|7", "|MSH^1^11|202^"),
        ("M11", header("7", "ADT^A04", "P", "9.9"), "MSA|AR|7", "|MSH^1^12|203^"),
        ("M12", b"MSH||||||".to_vec(), "MSA|AR|", "|MSH^1^2|102^"),
        ("M14", usual(b"A", "KLINGON"), "MSA|AE|7", "|MSH^1^18|103^"),
        ("M15", usual(b"\xC1\xF5^\x81\x20", "GB 18030-2000"), "MSA|AE|7", "|PID^1^5"),
        ("M15", usual(b"\xFF", "GB 18030-2000"), "MSA|AE|7", "; offset="),
        ("M16", usual(b"\xC1\xF5\xD1\xF4\xC8\xFD^\xD5\xC5", "UNICODE UTF-8"), "MSA|AE|7", "; looks_like=gb18030|"),
        ("M18", usual(b"A\x00B", ""), "MSA|AE|7", "|102^"),
        ("M19", [usual(b"A", ""), b"OBX|1|ST|A||".to_vec(), b"x|".repeat(2_000), b"\r".to_vec()].concat(), "MSA|AE|7", "|104^"),
        ("M24", timed("20260230"), "MSA|AE|7", "|MSH^1^7|102^"),
        ("M24", timed("20990101"), "MSA|AA|7", "|W|||rule=msg.time.skew"),
        ("M24", timed("19700101"), "MSA|AA|7", "|W|||rule=msg.time.skew"),
    ];
    for (id, raw, msa, err) in cases {
        let answered = answer(&raw);
        assert_eq!(answered.first().map(String::as_str), Some(msa), "{id} {answered:#?}");
        assert!(answered.iter().any(|line| line.starts_with("ERR|") && line.contains(err)), "{id} {err} {answered:#?}");
    }
}

#[test]
fn odd_and_treacherous_messages_are_accepted() {
    let odd = b"MSH#*~\\&#LIS#STZX#HUTONG#XZ#20260102110000##ADT*A04#7#P#2.5\rEVN##20260102\rPID#1##7***A##A*B\rPV1#1#O\r".to_vec();
    // 昞 95 5C, 諀 D5 7C, 昢 95 5E, 諂 D5 7E: second bytes that equal \ | ^ ~.
    let treacherous = usual(b"\x95\x5C\xD5\x7C\x95\x5E\xD5\x7E", "GB 18030-2000");
    for (raw, msa) in [(odd, "MSA#AA#7"), (treacherous, "MSA|AA|7")] {
        assert_eq!(answer(&raw), [msa]);
    }
}
