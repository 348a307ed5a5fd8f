//! Escapes: each kind, malformed ones, and what comes back.

use proptest::prelude::*;

use super::*;
use crate::v2::{Limits, parse};

#[track_caller]
fn reads(raw: &str, expected: &str) {
    assert_eq!(decode(raw, &Separators::default(), Charset::Utf8), expected, "{raw}");
}

#[test]
fn every_sequence() {
    for (raw, expected) in [
        ("plain", "plain"),
        (r"\F\\S\\T\\R\\E\\P\", r"|^&~\#"),
        (r"a\F\b", "a|b"),
        (r"line one\.br\line two", "line one\nline two"),
        (r"\.BR\", "\n"),
        (r"a\.sp\b", "a\nb"),
        (r"a\.sp3\b\.sp+2\c\.sp 1\d", "a\n\n\nb\n\nc\nd"),
        (r"a\.sk2\b", "a  b"),
        (r"\.in+4\indented\.ti-2\back", "    indentedback"),
        (r"\.fi\a\.nf\b", "ab"),
        (r"title\.ce\centred", "title\ncentred"),
        (r"\H\high\N\ normal", "high normal"),
        (r"\X41\\X4243\", "ABC"),
        (r"\x41\", "A"),
        (r"\X0D0A\", "\r\n"),
        (r"\X0C\\X07\", "\n "),
        (r"\XE58D8E\", "华"),
        (r"\XE5\\X8D8E\", "华"),
        (r"\Z12ab\", r"\Z12ab\"),
        (r"\M2442\;3ED\C2842\!", "山田!"),
        (r"\M242844\0!\C2842\", "丂"),
        (r"\M2441\VP\C2842\", "中"),
        (r"\C284A\$\C2842\", "$"),
        (r"\C2D41\x", r"\C2D41\x"),
        // bytes that are no pair of the set: kept
        (r"\M2442\abc\C2842\", r"\M2442\abc"),
    ] {
        reads(raw, expected);
    }
}

#[test]
fn what_is_no_sequence_is_kept() {
    for raw in [
        r"\",
        r"C:\data",
        r"a\b c\d",
        r"\\",
        r"\XG1\",
        r"\X4\",
        r"\X\",
        r"\.xx\",
        r"\.br1\",
        r"\.sp99999999999999999999\",
        r"\f\",
        r"\F",
        r"\Cxx\",
        r"\M24\",
        "\\华\\",
    ] {
        reads(raw, raw);
    }
    reads(r"C:\data\F\x", r"C:\data|x");
    reads(r"\XFF\", r"\XFF\");
}

#[test]
fn hexadecimal_bytes_are_of_the_messages_charset() {
    let separators = Separators::default();
    assert_eq!(decode(r"\XBBAA\", &separators, Charset::Gb18030), "华");
    assert_eq!(decode(r"\XBBAA\", &separators, Charset::Utf8), "华", "no UTF-8, so as undeclared bytes are read");
    assert_eq!(decode(r"\XE9\", &separators, Charset::Latin1), "é");
    assert_eq!(decode(r"\XEFBFBD\", &separators, Charset::Utf8), r"\XEFBFBD\", "U+FFFD is never made");
}

#[test]
fn expansions_are_bounded() {
    assert_eq!(decode(r"\.sp1000000\", &Separators::default(), Charset::Utf8).len(), EXPANSION_MAX);
}

#[test]
fn an_escape_character_doubled_in_msh_2_is_read_either_way() {
    let text = r"MSH|^~\\&|A|B|||20260101||ADT^A01|1|P|2.4".to_owned() + "\r" + r"NTE|1||a\\F\\b\S\c \\.br\\ C:\\x";
    let parsed = parse(&text, &Limits::default());
    assert_eq!(
        parsed.findings.iter().map(|f| f.rule.as_ref()).collect::<Vec<_>>(),
        ["hl7.delimiters.doubled_escape", "hl7.escape.malformed"]
    );
    let nte = parsed.message.first("NTE").unwrap();
    assert_eq!(nte.field(3).value().text(), "a|b^c \n C:\\x");
}

#[test]
fn sequences_without_meaning_are_reported_once_each_kind() {
    let text = r"MSH|^~\&|A|B|||20260101||ADT^A01|1|P|2.4".to_owned()
        + "\rNTE|1||"
        + r"a\Z1\b\Z2\ \C2D41\ C:\x \q\"
        + "\rNTE|2||\\X41\\|\\Zno end|\\X00\\";
    let parsed = parse(&text, &Limits::default());
    let told: Vec<_> = parsed.findings.iter().map(|f| (f.rule.as_ref(), f.location.to_string(), f.value.clone().unwrap())).collect();
    let at = |needle: &str| text.find(needle).unwrap();
    assert_eq!(
        told,
        [
            ("hl7.nul", "NTE[2]-5".into(), format!("offset={}", at(r"\X00"))),
            ("hl7.escape.malformed", "NTE[1]-3".into(), format!("offset={} count=4", at(r"\x "))),
            ("hl7.escape.charset", "NTE[1]-3".into(), format!("offset={} count=1", at(r"\C2"))),
            ("hl7.escape.local", "NTE[1]-3".into(), format!("offset={} count=2", at(r"\Z1"))),
        ]
    );
}

#[test]
fn encoding_uses_the_messages_own_separators() {
    let parsed = parse("MSH#*~\\&#", &Limits::default());
    let separators = parsed.message.separators();
    assert_eq!(encode("a#b*c|d", &separators), r"a\F\b\S\c|d");
    assert_eq!(encode("a\r\nb\nc\rd", &Separators::default()), r"a\.br\b\.br\c\.br\d");
    assert_eq!(encode("a#b", &Separators::default()), "a#b");
    let five = parse("MSH|^~\\&#|", &Limits::default());
    assert_eq!(encode("a#b", &five.message.separators()), r"a\P\b");
    let two = parse("MSH|^~|", &Limits::default());
    assert_eq!(encode("a|b&c", &two.message.separators()), "a b&c");
    assert!(matches!(encode("王", &Separators::default()), Cow::Borrowed(_)));
}

proptest! {
    /// What is written is read back.
    #[test]
    fn round_trip(text in r"[a-zA-Z|^&~\\#.0-9 \n华é]{0,60}") {
        let separators = Separators::default();
        let written = encode(&text, &separators);
        let read = decode(&written, &separators, Charset::Utf8);
        prop_assert_eq!(read.as_ref(), text.as_str());
    }

    /// Any text is read without panic, in bounded space, and a text without escape characters as itself.
    #[test]
    fn total(raw in r"[\\XCMZ.brsp0-9A-F华^ ]{0,80}") {
        let read = decode(&raw, &Separators::default(), Charset::Utf8);
        prop_assert!(read.len() <= raw.len() * EXPANSION_MAX);
        if !raw.contains('\\') {
            prop_assert_eq!(read.as_ref(), raw.as_str());
        }
    }
}
