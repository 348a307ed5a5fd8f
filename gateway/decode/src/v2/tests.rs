//! Splitting: line ends, delimiters, batches, limits, headers.

use hutong_fhir::Severity;
use proptest::prelude::*;

use super::*;

const ORU: &str = "MSH|^~\\&|LIS|H|||20260101120000||ORU^R01^ORU_R01|42|P|2.5.1\r\
PID|1||7^^^A&1.2&ISO^MR~8^^^B||张^三||19800101|M\r\
OBR|1|||GLU\r\
OBX|1|NM|GLU^葡萄糖||5.6|mmol/L|3.9-6.1|N~H|||F\r\
OBX|2|ST|NOTE||\"\"|||||F\r\
ZPX|own|field";

fn rules<'f>(parsed: &'f Parsed<'_>) -> Vec<&'f str> {
    parsed.findings.iter().map(|f| f.rule.as_ref()).collect()
}

fn names(message: &Message<'_>) -> Vec<String> {
    message.iter().map(|s| s.name().to_owned()).collect()
}

#[track_caller]
fn refused(text: &str, rule: &str, code: u16, at: &str) {
    let parsed = parse(text, &Limits::default());
    let Some(finding) = parsed.findings.iter().find(|f| f.severity == Severity::Error) else { panic!("taken: {text}") };
    assert_eq!((finding.rule.as_ref(), finding.hl7_code, finding.location.to_string()), (rule, code, at.to_owned()), "{text}");
    assert!(!finding.zh.is_empty() && !finding.en.is_empty());
}

#[test]
fn every_level_is_reached() {
    let parsed = parse(ORU, &Limits::default());
    assert!(parsed.findings.is_empty(), "{:?}", rules(&parsed));
    let message = parsed.message;
    assert_eq!(names(&message), ["MSH", "PID", "OBR", "OBX", "OBX", "ZPX"]);
    let msh = message.header().unwrap();
    assert_eq!((msh.field(1).raw(), msh.field(2).raw(), msh.field(3).raw()), ("|", "^~\\&", "LIS"));
    assert_eq!(msh.field(2).component(1).raw(), "^~\\&", "MSH-2 is not split by itself");
    assert_eq!(msh.field(2).value().text(), "^~\\&");
    assert_eq!(msh.field(9).component(2).raw(), "R01");
    assert_eq!(msh.field(12).raw(), "2.5.1");
    assert_eq!(msh.field_count(), 12);
    assert_eq!(msh.field(13).raw(), "");
    assert_eq!(msh.field(0).raw(), "");
    let pid = message.first("PID").unwrap();
    let ids: Vec<_> = pid.field(3).repetitions().map(|r| r.component(1).raw()).collect();
    assert_eq!(ids, ["7", "8"]);
    assert_eq!(pid.field(3).rep(0).component(4).subcomponent(2).raw(), "1.2");
    assert_eq!(pid.field(3).rep(1).component(4).raw(), "B");
    assert_eq!(pid.field(3).rep(2).component(4).raw(), "");
    assert_eq!(pid.field(5).component(2).value().text(), "三");
    assert_eq!(pid.field(5).value().offset(), ORU.find("张").unwrap());
    assert_eq!(pid.field(4).repetitions().count(), 0);
    let obx: Vec<_> = message.iter().filter(|s| s.name() == "OBX").map(|s| (s.index(), s.sequence())).collect();
    assert_eq!(obx, [(3, 1), (4, 2)]);
    assert_eq!(message.segment(3).unwrap().field(8).repetitions().map(|r| r.value().raw()).collect::<Vec<_>>(), ["N", "H"]);
    assert_eq!(message.first("ZPX").unwrap().field(2).raw(), "field");
    assert!(message.first("NTE").is_none() && message.segment(6).is_none());
    assert_eq!(pid.field(3).rep(0).component(4).subcomponents().map(|v| v.raw()).collect::<Vec<_>>(), ["A", "1.2", "ISO"]);
    assert_eq!(pid.field(3).rep(0).components().count(), 5);
}

#[test]
fn null_is_not_absent() {
    let message = parse(ORU, &Limits::default()).message;
    let obx = message.segment(4).unwrap();
    assert!(obx.field(5).is_null() && !obx.field(5).is_empty());
    assert!(obx.field(5).value().is_null());
    assert!(obx.field(6).is_empty() && !obx.field(6).is_null());
    assert!(obx.field(60).is_empty() && !obx.field(60).is_null());
}

#[test]
fn line_ends_of_every_kind() {
    let expected = names(&parse(ORU, &Limits::default()).message);
    let lines: Vec<&str> = ORU.split('\r').collect();
    for end in ["\r", "\n", "\r\n", "\n\r", "\r\r", "\r\n\r\n", "\n\n\n", "\r \t \r\n"] {
        for last in ["", end, "\r\n\u{1c}\r"] {
            let text = lines.join(end) + last;
            let parsed = parse(&text, &Limits::default());
            assert!(parsed.findings.is_empty(), "{end:?} {last:?} {:?}", rules(&parsed));
            assert_eq!(names(&parsed.message), expected, "{end:?}");
            assert_eq!(parsed.message.first("ZPX").unwrap().field(2).raw(), "field");
            assert_eq!(parsed.message.first("PID").unwrap().field(8).raw(), "M");
        }
    }
    let mixed = "\u{feff}\u{b}MSH|^~\\&|A\rPID|1\nPV1|1\r\n\r\nOBX|1\n\rZZZ|1\r\u{1c}\r";
    let parsed = parse(mixed, &Limits::default());
    assert_eq!(names(&parsed.message), ["MSH", "PID", "PV1", "OBX", "ZZZ"]);
    assert!(parsed.findings.is_empty());
}

#[test]
fn raw_line_ends_within_a_field_belong_to_it() {
    let text = "MSH|^~\\&|A\rOBX|1|TX|R||first line\rsecond line, not a segment\r\n\r\nThird|F|x\rOBX|2\r";
    let parsed = parse(text, &Limits::default());
    assert_eq!(rules(&parsed), ["hl7.segment.continued"]);
    assert_eq!(parsed.findings[0].location.to_string(), "OBX[1]-5");
    let obx = parsed.message.first("OBX").unwrap();
    assert_eq!(obx.field(5).value().text(), "first line\nsecond line, not a segment\n\nThird");
    assert_eq!(obx.field(6).raw(), "F");
    assert_eq!(parsed.message.segment_count(), 3);
}

#[test]
fn odd_names_are_read_and_reported() {
    let parsed = parse("MSH|^~\\&|A\r  PID|1||7\rpv1|1|I\rABC\r", &Limits::default());
    assert_eq!(names(&parsed.message), ["MSH", "PID", "pv1", "ABC"]);
    assert_eq!(rules(&parsed), ["hl7.segment.name"]);
    assert_eq!(parsed.message.first("PID").unwrap().field(3).raw(), "7");
    assert_eq!(parsed.message.first("ABC").unwrap().field_count(), 0);
}

#[test]
fn separators_are_the_messages_own() {
    // M13
    for (text, characters) in [
        ("MSH#*~\\&#A#B####ADT*A01#1#P#2.4\rPID#1##7*x&y~8##张*三", "*~\\&"),
        ("MSH|^~\\&#|A|B||||ADT^A01|1|P|2.7\rPID|1||7^x&y~8||张^三", "^~\\&#"),
        ("MSH$%~\\&$A$B$$$$ADT%A01$1$P$2.4\rPID$1$$7%x&y~8$$张%三", "%~\\&"),
        ("MSH^|~\\&^A^B^^^^ADT|A01^1^P^2.4\rPID^1^^7|x&y~8^^张|三", "|~\\&"),
    ] {
        let parsed = parse(text, &Limits::default());
        assert!(parsed.findings.is_empty(), "{:?}", rules(&parsed));
        let message = parsed.message;
        assert_eq!(message.separators().encoding_characters(), characters);
        let pid = message.first("PID").unwrap();
        assert_eq!(pid.field(5).component(2).raw(), "三");
        assert_eq!(pid.field(3).component(2).subcomponent(2).raw(), "y");
        assert_eq!(pid.field(3).rep(1).raw(), "8");
        assert_eq!(message.header().unwrap().field(8).component(2).raw(), "A01");
    }
}

#[test]
fn undeclared_separators_are_ordinary_characters() {
    let parsed = parse("MSH|^~\\|A\rPID|1||7^x&y\\F\\", &Limits::default());
    assert!(parsed.findings.is_empty());
    let value = parsed.message.first("PID").unwrap().field(3).component(2).value();
    assert_eq!(value.text(), "x&y|");
    assert_eq!(parsed.message.separators().subcomponent(), None);
    let parsed = parse("MSH|^~|A\rPID|1||7^x&y\\F\\", &Limits::default());
    assert_eq!(rules(&parsed), ["hl7.delimiters.too_few"]);
    assert_eq!(parsed.message.first("PID").unwrap().field(3).component(2).value().text(), "x&y\\F\\");
}

#[test]
fn separators_mangled_by_another_encoding() {
    let parsed = parse("MSH|^~\\&amp;|A\rPID|1||7^x&y", &Limits::default());
    assert_eq!(rules(&parsed), ["hl7.delimiters.too_many"]);
    assert_eq!(parsed.message.first("PID").unwrap().field(3).component(2).subcomponent(2).raw(), "y");
    let parsed = parse("MSH|^~\\\\&|A\rPID|1||7^x&y~8", &Limits::default());
    assert_eq!(rules(&parsed), ["hl7.delimiters.doubled_escape"]);
    assert_eq!(parsed.message.header().unwrap().field(3).raw(), "A");
    assert_eq!(parsed.message.first("PID").unwrap().field(3).component(2).subcomponent(2).raw(), "y");
    assert_eq!(parsed.message.separators().encoding_characters(), "^~\\&");
    let parsed = parse("MSH|^~\\\\&#|A\rPID|1||7^x&y~8", &Limits::default());
    assert_eq!(rules(&parsed), ["hl7.delimiters.doubled_escape"]);
    assert_eq!(parsed.message.separators().encoding_characters(), "^~\\&#");
}

/// M07, M08, M12, M18.
#[test]
fn what_cannot_be_read_is_refused() {
    refused("", "hl7.no_msh", 100, "MSH[1]");
    refused("\r\n", "hl7.no_msh", 100, "MSH[1]");
    refused("PID|1||7\rPV1|1", "hl7.no_msh", 100, "MSH[1]");
    refused("MSH", "hl7.delimiters", 102, "MSH[1]-1");
    refused("hello", "hl7.no_msh", 100, "MSH[1]");
    refused("MSHX", "hl7.no_msh", 100, "MSH[1]");
    refused("MSH||||||", "hl7.delimiters", 102, "MSH[1]-2");
    refused("MSH|", "hl7.delimiters", 102, "MSH[1]-2");
    refused("MSH|^^\\&|A", "hl7.delimiters", 102, "MSH[1]-2");
    refused("MSH|^~\\^|A", "hl7.delimiters", 102, "MSH[1]-2");
    refused("MSH|a~\\&|A", "hl7.delimiters", 102, "MSH[1]-2");
    refused("MSH|^~\\王|A", "hl7.delimiters", 102, "MSH[1]-2");
    refused("MSH|^~\\&|A\rOBX|1|ST|X||a\0b", "hl7.nul", 102, "OBX[1]-5");
    refused("MSH|^~\\&|A\rOBX|1|ST|X||a^b\0", "hl7.nul", 102, "OBX[1]-5.2");
    let parsed = parse("PID|1||7\rPV1|1", &Limits::default());
    assert_eq!(names(&parsed.message), ["PID", "PV1"], "what is there can still be shown");
    assert!(parsed.message.header().is_none());
}

#[test]
fn control_characters_are_reported_and_not_passed_on() {
    let parsed = parse("MSH|^~\\&|A\rNTE|1||page one\u{c}page two\u{1}x\ty\u{7f}", &Limits::default());
    assert_eq!(rules(&parsed), ["hl7.control_character"]);
    assert_eq!(parsed.findings[0].location.to_string(), "NTE[1]-3");
    assert_eq!(parsed.message.first("NTE").unwrap().field(3).value().text(), "page one\npage two x\ty ");
}

/// M19.
#[test]
fn limits_are_checked() {
    let header = "MSH|^~\\&|A|B||||ORU^R01|1|P|2.4\r";
    let text = |body: String| format!("{header}{body}\r");
    refused(&text(format!("OBX{}", "|".repeat(1_000_000))), "hl7.limit", 104, "OBX[1]-1000");
    refused(&text(format!("OBX|{}", "a~".repeat(50_000))), "hl7.limit", 104, "OBX[1]-1");
    refused(&text(format!("OBX|1|TX|||{}", "\\X41\\".repeat(200_000))), "hl7.limit", 104, "OBX[1]-5");
    refused(&text(format!("OBX|1|TX|||{}", "x".repeat(1_048_577))), "hl7.limit", 104, "OBX[1]-5");
    refused(&text("OBX|1\r".repeat(10_001)), "hl7.limit", 104, "OBX[9999]-1");
    let small = Limits { message_bytes_max: 10, ..Limits::default() };
    assert_eq!(rules(&parse(header, &small)), ["hl7.limit"]);
    // at the limit all is well
    let fine = [
        format!("OBX{}", "|".repeat(1_000)),
        format!("OBX|{}", "a~".repeat(999)),
        format!("OBX|1|TX|||{}", "\\.br\\".repeat(60_000)),
        format!("OBX|1|TX|||{}", "x".repeat(1_048_576)),
        "OBX|1\r".repeat(9_999),
    ];
    for body in fine {
        let parsed = parse(&text(body), &Limits::default()).findings;
        assert!(parsed.is_empty(), "{:?}", parsed.first());
    }
}

#[test]
fn places_are_found_from_offsets() {
    let message = parse(ORU, &Limits::default()).message;
    for (needle, at) in [
        ("MSH|", "MSH[1]"),
        ("LIS", "MSH[1]-3"),
        ("R01", "MSH[1]-9.2"),
        ("PID", "PID[1]"),
        ("7^^^", "PID[1]-3"),
        ("1.2&", "PID[1]-3.4.2"),
        ("8^^^", "PID[1]-3[2]"),
        ("B||张", "PID[1]-3[2].4"),
        ("NOTE", "OBX[2]-3"),
        ("field", "ZPX[1]-2"),
    ] {
        assert_eq!(message.locate(ORU.find(needle).unwrap()).to_string(), at, "{needle}");
    }
}

#[test]
fn buffers_are_used_again() {
    let first = parse(ORU, &Limits::default());
    let expected = first.message.segment_count();
    let buffers = first.message.into_buffers();
    let (segments, fields) = (buffers.segments.capacity(), buffers.fields.capacity());
    let second = parse_into(ORU, &Limits::default(), buffers);
    assert_eq!(second.message.segment_count(), expected);
    let buffers = second.message.into_buffers();
    assert_eq!((buffers.segments.capacity(), buffers.fields.capacity()), (segments, fields));
}

fn kinds(text: &str) -> Vec<(PartKind, usize, Vec<String>)> {
    split_batch(text)
        .into_iter()
        .map(|part| {
            assert_eq!(&text[part.offset..part.offset + part.text.len()], part.text);
            (part.kind, part.text.len(), part.findings.iter().map(|f| f.rule.to_string()).collect())
        })
        .collect()
}

#[test]
fn batches() {
    use PartKind::*;
    let m = "MSH|^~\\&|A\rPID|1\r";
    let bare: Vec<_> = kinds(&format!("{m}{m}{m}")).into_iter().map(|(k, len, f)| (k, len, f.len())).collect();
    assert_eq!(bare, [(Message, 16, 0), (Message, 16, 0), (Message, 16, 0)]);
    let file = format!("FHS|^~\\&|A\rBHS|^~\\&|A\r{m}{m}BTS|2\rBHS|^~\\&|A\r{m}BTS|1\rFTS|2\r");
    let all: Vec<_> = kinds(&file).into_iter().map(|(k, _, f)| (k, f)).collect();
    let expected = [FileHeader, BatchHeader, Message, Message, BatchTrailer, BatchHeader, Message, BatchTrailer, FileTrailer];
    assert_eq!(all, expected.map(|k| (k, vec![])));
    // counts that lie, trailers that lack
    let file = format!("FHS|^~\\&|A\nBHS|^~\\&|A\n{m}BTS|7\nFTS|9\n");
    let told: Vec<_> = kinds(&file).into_iter().filter(|(_, _, f)| !f.is_empty()).map(|(k, _, f)| (k, f)).collect();
    assert_eq!(told, [(BatchTrailer, vec!["hl7.batch.count".to_owned()]), (FileTrailer, vec!["hl7.batch.count".to_owned()])]);
    let told: Vec<_> = kinds(&format!("BHS|^~\\&|A\r{m}")).into_iter().map(|(k, _, f)| (k, f.len())).collect();
    assert_eq!(told, [(BatchHeader, 1), (Message, 0)]);
    let told: Vec<_> = kinds(&format!("{m}BTS")).into_iter().map(|(k, _, f)| (k, f.len())).collect();
    assert_eq!(told, [(Message, 0), (BatchTrailer, 1)]);
    // blocks of MLLP in a file, a mark at its start, text that is no message
    let told: Vec<_> = kinds(&format!("\u{feff}\u{b}{m}\u{1c}\r\u{b}{m}\u{1c}\r")).into_iter().map(|(k, len, _)| (k, len)).collect();
    assert_eq!(told, [(Message, 16), (Message, 16)]);
    assert_eq!(kinds(&format!("junk\r{m}")).len(), 2);
    assert_eq!(kinds(""), [(Message, 0, vec![])]);
    assert_eq!(kinds("MSHX is no header").len(), 1);
    let many = "MSH|^~\\&|A\r".repeat(10_002);
    let parts = split_batch(&many);
    assert_eq!(parts.len(), 10_001);
    assert_eq!(parts[10_000].text, "MSH|^~\\&|A\rMSH|^~\\&|A", "nothing is dropped");
    assert_eq!(parts[10_000].findings[0].rule, "hl7.limit");
    assert!(parts[9_999].findings.is_empty());
}

proptest! {
    /// Nothing panics, every byte is in a segment or is a line end, and fields put together are the segment.
    #[test]
    fn any_text_is_covered(body in r"([A-Z]{3}|[a-z ]{0,4}|\|{1,3}|[\^~\\&]{1,2}|\r|\n|王|\x00|MSH\||PID\||\x0c){0,60}") {
        let text = format!("MSH|^~\\&|{body}");
        let parsed = parse(&text, &Limits::default());
        let mut covered = 0;
        for segment in parsed.message.iter() {
            let blank_between = text[covered..segment.offset()].chars().all(char::is_whitespace);
            prop_assert!(blank_between);
            covered = segment.offset() + segment.raw().len();
            if segment.name() != "MSH" {
                let mut rebuilt = segment.name().to_owned();
                for n in 1..=segment.field_count() {
                    rebuilt.push_str(&text[segment.field(n).offset() - 1..][..1]);
                    rebuilt.push_str(segment.field(n).raw());
                    let _ = segment.field(n).value().text();
                }
                prop_assert_eq!(rebuilt, segment.raw());
            }
            for n in 1..=segment.field_count() {
                let field = segment.field(n);
                let joined: Vec<_> = field.repetitions().map(|r| r.components().map(|c| c.raw()).collect::<Vec<_>>().join("^")).collect();
                if segment.name() != "MSH" || n > 2 {
                    let joined = joined.join("~");
                    prop_assert_eq!(joined.trim_end_matches(['~', '^']), field.raw().trim_end_matches(['~', '^']));
                }
            }
        }
        let rest_is_blank = text[covered..].chars().all(char::is_whitespace);
        prop_assert!(rest_is_blank);
        for at in 0..text.len() {
            let _ = parsed.message.locate(at);
        }
        for part in split_batch(&text) {
            let _ = parse(part.text, &Limits::default());
        }
    }

    /// Written with any legal separators, read back the same.
    #[test]
    fn fields_round_trip(values in prop::collection::vec(r"[a-z|^&~\\#华 ]{0,12}", 1..8), swap in any::<bool>()) {
        let characters = if swap { "MSH#*~\\&" } else { "MSH|^~\\&" };
        let separators = parse(characters, &Limits::default()).message.separators();
        let mut text = format!("{characters}\rZZZ");
        for value in &values {
            text.push(separators.field());
            text.push_str(&escapes::encode(value, &separators));
        }
        let parsed = parse(&text, &Limits::default());
        let segment = parsed.message.first("ZZZ").unwrap();
        for (i, value) in values.iter().enumerate() {
            prop_assert_eq!(segment.field(i + 1).value().text(), value.as_str());
        }
    }
}
