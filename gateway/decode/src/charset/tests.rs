//! Charsets: what is declared, what is really there, and where it differs.

use hutong_fhir::Location;
use proptest::prelude::*;

use super::*;

fn oru(msh18: &str, name: &[u8]) -> Vec<u8> {
    let mut raw = format!("MSH|^~\\&|LIS|H|||20260101||ADT^A01|1|P|2.4||||||{msh18}\rPID|1||7||").into_bytes();
    raw.extend_from_slice(name);
    raw.extend_from_slice(b"||19800101\r");
    raw
}

fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

fn pid5<'t>(text: &'t Text<'_>) -> &'t str {
    text.text.split('\r').nth(1).unwrap().split('|').nth(5).unwrap()
}

#[track_caller]
fn reads(raw: &[u8], default: Option<Charset>, charset: Charset, name: &str, rules: &[&str]) {
    let text = decode(raw, default).unwrap_or_else(|f| panic!("{f:?}"));
    assert_eq!(pid5(&text), name);
    assert_eq!(text.charset, charset);
    assert_eq!(text.findings.iter().map(|f| f.rule.as_ref()).collect::<Vec<_>>(), rules);
}

#[track_caller]
fn refuses(raw: &[u8], default: Option<Charset>, rule: &str, code: u16, at: &str, value: &str) {
    let Err(finding) = decode(raw, default) else { panic!("was read") };
    assert_eq!((finding.rule.as_ref(), finding.hl7_code), (rule, code));
    assert_eq!(finding.location.to_string(), at);
    assert_eq!(finding.value.as_deref(), Some(value));
    assert_eq!(finding.severity, Severity::Error);
    assert!(!finding.zh.is_empty() && !finding.en.is_empty());
}

#[test]
fn declared_charsets_are_believed() {
    use Charset::*;
    for (name, charset) in [("UNICODE UTF-8", Utf8), ("UTF-8", Utf8), ("utf8", Utf8), ("UNICODE", Utf8), ("UTF-8~UNICODE", Utf8)] {
        reads(&oru(name, "张^三".as_bytes()), None, charset, "张^三", &[]);
    }
    for name in ["GB 18030-2000", "GB18030", "GBK", "gb2312", "GB 18030-2022", "CP936", "GBK~ASCII"] {
        reads(&oru(name, &gbk("张^三𠮷")), None, Gb18030, "张^三𠮷", &[]);
    }
    reads(&oru("BIG-5", &encoding_rs::BIG5.encode("許功蓋").0), None, Big5, "許功蓋", &[]);
    reads(&oru("KS X 1001", &encoding_rs::EUC_KR.encode("홍길동").0), None, EucKr, "홍길동", &[]);
    reads(&oru("8859/1", b"Andr\xe9"), None, Latin1, "André", &[]);
    reads(&oru("8859/2", b"\xa3ukasz"), None, Iso8859(2), "Łukasz", &[]);
    reads(&oru("8859/15", b"\xa4"), None, Iso8859(15), "€", &[]);
    reads(&oru("ASCII", b"Wang"), None, Ascii, "Wang", &[]);
    reads(&oru("", b"Wang"), None, Utf8, "Wang", &[]);
}

/// M14.
#[test]
fn an_unknown_name_is_refused_at_msh_18() {
    for name in ["KLINGON", "x~y", "8859/99", "UTF-7"] {
        let first = name.split('~').next().unwrap();
        refuses(&oru(name, b"Wang"), None, "hl7.charset.unknown", 103, "MSH[1]-18", first);
    }
    // a later repetition only says what escapes may switch to
    reads(&oru("UNICODE UTF-8~KLINGON", "王".as_bytes()), None, Charset::Utf8, "王", &[]);
    reads(&oru("\"\"", "王".as_bytes()), None, Charset::Utf8, "王", &[]);
}

/// M15.
#[test]
fn illegal_bytes_are_located() {
    let at = oru("GB 18030-2000", b"").len() - b"||19800101\r".len();
    refuses(&oru("GB 18030-2000", b"\x81 "), None, "hl7.charset.illegal_bytes", 102, "PID[1]-5", &format!("offset={at} bytes=81 20"));
    refuses(
        &oru("GB 18030-2000", b"Li\xff"),
        None,
        "hl7.charset.illegal_bytes",
        102,
        "PID[1]-5",
        &format!("offset={} bytes=FF 7C", at + 2),
    );
    let mut name = gbk("王~李^");
    let before = name.len();
    name.extend_from_slice(b"\xff\xff");
    refuses(
        &oru("GB18030", &name),
        None,
        "hl7.charset.illegal_bytes",
        102,
        "PID[1]-5[2].2",
        &format!("offset={} bytes=FF FF", at - 6 + before),
    );
}

/// M16: the hint names the charset, the offset is the first byte that does not fit.
#[test]
fn a_wrong_declaration_is_refused_with_a_hint() {
    let at = oru("UNICODE UTF-8", b"").len() - b"||19800101\r".len();
    let name = gbk("张三");
    refuses(
        &oru("UNICODE UTF-8", &name),
        None,
        "hl7.charset.mismatch",
        102,
        "PID[1]-5",
        &format!("offset={at} bytes=D5 C5 looks_like=gb18030"),
    );
    let at = oru("GBK", b"").len() - b"||19800101\r".len();
    refuses(
        &oru("GBK", "欧阳娜娜".as_bytes()),
        None,
        "hl7.charset.mismatch",
        102,
        "PID[1]-5",
        &format!("offset={at} bytes=E6 AC looks_like=utf-8"),
    );
    // a character cut in the middle is no other charset
    let mut cut = "张三".as_bytes().to_vec();
    cut.pop();
    let at = oru("UTF-8", b"").len() - b"||19800101\r".len() + 3;
    refuses(&oru("UTF-8", &cut), None, "hl7.charset.illegal_bytes", 102, "PID[1]-5", &format!("offset={at} bytes=E4 B8"));
}

/// M17: trail bytes equal to `\ | ^ ~`.
#[test]
fn trail_bytes_that_equal_delimiters_stay_in_their_characters() {
    let name = b"\x95\x5c\xd5\x7c^\x95\x5e\xd5\x7e\xbe\x7c";
    for declared in ["GB 18030-2000", ""] {
        let rules: &[&str] = if declared.is_empty() { &["hl7.charset.undeclared"] } else { &[] };
        reads(&oru(declared, name), None, Charset::Gb18030, "昞諀^昢諂緗", rules);
    }
    // and in the header, before MSH-18 is known
    let mut raw = b"MSH|^~\\&|\xd5\x7c\xbe\x7c|\x95\x5e|||20260101||ADT^A01|1|P|2.4||||||GBK\rPID|1||7||".to_vec();
    raw.extend_from_slice(&gbk("李四"));
    reads(&raw, None, Charset::Gb18030, "李四", &[]);
    assert_eq!(header_text(&raw).unwrap(), "MSH|^~\\&|??|?|||20260101||ADT^A01|1|P|2.4||||||GBK");
    // while in Latin-1 a high byte before a separator stands alone
    let raw = b"MSH|^~\\&|SANT\xc9|H|||20260101||ADT^A01|1|P|2.4||||||8859/1\rPID|1||7||Ren\xe9||";
    reads(raw, None, Charset::Latin1, "René", &[]);
}

#[test]
fn undeclared_bytes_are_utf8_or_else_the_default_or_else_gb18030() {
    use Charset::*;
    reads(&oru("", "张三".as_bytes()), None, Utf8, "张三", &[]);
    reads(&oru("", &gbk("张三")), None, Gb18030, "张三", &["hl7.charset.undeclared"]);
    reads(&oru("", &gbk("张三")), Some(Gb18030), Gb18030, "张三", &[]);
    reads(&oru("", "张三".as_bytes()), Some(Gb18030), Utf8, "张三", &["hl7.charset.not_default"]);
    reads(&oru("", &gbk("张三")), Some(Utf8), Gb18030, "张三", &["hl7.charset.not_default"]);
    reads(&oru("", b"Ren\xe9"), Some(Latin1), Latin1, "René", &[]);
    // 毛 in GBK (C3 AB) is ë in UTF-8
    reads(&oru("", &gbk("毛")), None, Utf8, "ë", &["hl7.charset.ambiguous"]);
    reads(&oru("", &gbk("毛")), Some(Gb18030), Gb18030, "毛", &["hl7.charset.ambiguous"]);
    let at = oru("", b"").len() - b"||19800101\r".len();
    refuses(&oru("", b"Ren\xe9 "), None, "hl7.charset.illegal_bytes", 102, "PID[1]-5", &format!("offset={} bytes=E9 20", at + 3));
}

#[test]
fn ascii_and_latin_1_are_often_declared_by_default() {
    use Charset::*;
    reads(&oru("ASCII", "张三".as_bytes()), None, Utf8, "张三", &["hl7.charset.mismatch"]);
    reads(&oru("ASCII", &gbk("张三")), None, Gb18030, "张三", &["hl7.charset.mismatch"]);
    reads(&oru("8859/1", "张三".as_bytes()), None, Utf8, "张三", &["hl7.charset.mismatch"]);
    reads(&oru("8859/1", &gbk("张三")), None, Gb18030, "张三", &["hl7.charset.mismatch"]);
    reads(&oru("8859/1", b"O\x92Neil"), None, Latin1, "O’Neil", &["hl7.charset.windows_1252"]);
}

#[test]
fn iso_2022_jp_escapes_hide_delimiters() {
    // 山 is 3B 33, 田 is 45 44; 〓 (22 2E), 縒 (5E 7C would be undefined): take 鼈 (73 7C) whose trail is |
    let name = b"\x1b$B;3ED\x1b(B^\x1b$B\x73\x7c\x1b(B";
    for declared in ["~ISO IR87", "~ISOIR87", "ISO IR87", "ISO IR14~ISO IR87", "~ISO IR87~ISO IR159"] {
        let raw = oru(declared, name);
        let text = decode(&raw, None).map_err(|f| f.en).unwrap();
        assert_eq!(text.charset, Charset::Iso2022Jp);
        assert!(pid5(&text).starts_with("山田^"), "{}", pid5(&text));
        assert_eq!(pid5(&text).matches('|').count(), 0);
    }
    // JIS X 0212: 丂 is 30 21; half-width katakana
    reads(&oru("~ISO IR159", b"\x1b$(D\x30\x21\x1b(B \x1b(I6\x1b(B"), None, Charset::Iso2022Jp, "丂 ｶ", &[]);
    let at = oru("~ISO IR87", b"").len() - b"||19800101\r".len();
    refuses(&oru("~ISO IR87", b"\x1b%@"), None, "hl7.charset.illegal_bytes", 102, "PID[1]-5", &format!("offset={at} bytes=1B 25"));
    refuses(
        &oru("~ISO IR87", "山田".as_bytes()),
        None,
        "hl7.charset.mismatch",
        102,
        "PID[1]-5",
        &format!("offset={at} bytes=E5 B1 looks_like=utf-8"),
    );
}

#[test]
fn replacement_characters_are_never_let_through() {
    let rules = &["hl7.charset.replacement_character"];
    reads(&oru("UNICODE UTF-8", "王\u{FFFD}".as_bytes()), None, Charset::Utf8, "王□", rules);
    let raw = oru("GBK", b"\x84\x31\xa4\x37\xcd\xf5");
    reads(&raw, None, Charset::Gb18030, "□王", rules);
    let text = decode(&raw, None).map_err(|f| f.en).unwrap();
    let at = oru("GBK", b"").len() - b"||19800101\r".len();
    assert_eq!(text.findings[0].value.as_deref(), Some(format!("offset={at}").as_str()));
    assert_eq!(text.findings[0].location.to_string(), "PID[1]-5");
    assert_eq!(raw_offset(&raw, text.charset, text.text.find('王').unwrap()), at + 4, "offsets stay true");
}

#[test]
fn byte_order_marks() {
    let mut raw = b"\xef\xbb\xbf".to_vec();
    raw.extend_from_slice(&oru("", "王".as_bytes()));
    let text = decode(&raw, None).map_err(|f| f.en).unwrap();
    assert!(text.text.starts_with("MSH|"));
    assert_eq!(raw_offset(&raw, text.charset, 0), 3);
    refuses(b"\xff\xfeM\0S\0H\0", None, "hl7.charset.wide", 102, "byte 0", "offset=0 looks_like=utf-16le");
    refuses(b"\0M\0S\0H", None, "hl7.charset.wide", 102, "byte 0", "offset=0 looks_like=utf-16be");
}

#[test]
fn every_text_offset_leads_back_to_its_byte() {
    let frames = [
        (oru("GBK", &gbk("昞a諀^𠮷€")), Charset::Gb18030),
        (oru("BIG-5", &encoding_rs::BIG5.encode("許a功").0), Charset::Big5),
        (oru("8859/1", b"Ren\xe9 b"), Charset::Latin1),
        (oru("UTF-8", "王a".as_bytes()), Charset::Utf8),
    ];
    for (raw, charset) in frames {
        let text = decode(&raw, None).map_err(|f| f.en).unwrap();
        assert_eq!(text.charset, charset);
        let offsets: Vec<usize> = (0..text.text.len()).filter(|i| text.text.is_char_boundary(*i)).collect();
        for (at, raw_at) in offsets.iter().zip(raw_offsets(&raw, charset, &offsets)) {
            // what stands before the byte decodes to what stands before the character
            assert_eq!(strict::decode_all(&raw[..raw_at], charset).unwrap(), text.text[..*at]);
            assert_eq!(raw_offset(&raw, charset, *at), raw_at);
        }
        assert_eq!(raw_offset(&raw, charset, text.text.len()), raw.len());
    }
    let raw = oru("~ISO IR87", b"\x1b$B;3ED\x1b(Bx");
    let text = decode(&raw, None).map_err(|f| f.en).unwrap();
    let x = text.text.find('x').unwrap();
    assert_eq!(raw[raw_offset(&raw, text.charset, text.text.find('田').unwrap())], b'E');
    assert_eq!(&raw[raw_offset(&raw, text.charset, x) - 3..][..4], b"\x1b(Bx");
}

#[test]
fn a_batch_of_mixed_declarations_says_so() {
    let mut raw = oru("UNICODE UTF-8", b"Wang");
    raw.extend(oru("GBK", b"Li"));
    let text = decode(&raw, None).map_err(|f| f.en).unwrap();
    assert_eq!(text.findings[0].rule, "hl7.charset.mixed");
    assert_eq!(text.findings[0].location.to_string(), "MSH[2]-18");
}

#[test]
fn frames_without_a_header_are_still_text() {
    let text = decode("PID|1||王".as_bytes(), None).map_err(|f| f.en).unwrap();
    assert_eq!(text.text, "PID|1||王");
    let Err(finding) = decode(b"\xff\xff\xff", None) else { panic!() };
    assert_eq!(finding.location, Location::Byte(0));
    assert_eq!(decode(b"", None).map_err(|f| f.en).unwrap().text, "");
    assert!(header_text(b"PID|1").is_none());
}

#[test]
fn names_round_trip() {
    let mut all = vec![Charset::Utf8, Charset::Gb18030, Charset::Iso2022Jp, Charset::Latin1, Charset::Ascii, Charset::Big5, Charset::EucKr];
    all.extend((2..=16).filter(|n| *n != 12).map(Charset::Iso8859));
    for charset in all {
        assert_eq!(Charset::from_name(charset.hl7_name()), Some(charset));
    }
    assert_eq!(Charset::from_name("8859/12"), None);
}

#[test]
fn what_is_encoded_decodes_to_itself() {
    use Charset::*;
    for (charset, text) in [
        (Utf8, "张三𠮷é"),
        (Gb18030, "张三𠮷é€"),
        (Big5, "許功蓋"),
        (EucKr, "홍길동"),
        (Iso2022Jp, "山田|a^太郎"),
        (Latin1, "René"),
        (Iso8859(2), "Łukasz"),
        (Ascii, "Wang"),
    ] {
        let bytes = encode(text, charset);
        assert_eq!(strict::decode_all(&bytes, charset).unwrap(), text, "{charset:?}");
    }
    assert_eq!(&*encode("张a三", Latin1), b"?a?");
    assert_eq!(&*encode("张a", Ascii), b"?a");
    assert_eq!(encode(&"张".repeat(1000), Latin1).len(), 1000);
}

proptest! {
    /// Any bytes are read or refused, without U+FFFD, and what is refused says where.
    #[test]
    fn total(bytes in prop::collection::vec(prop_oneof![Just(b'|'), Just(b'\r'), Just(0x1b), Just(b'$'), Just(b'('), Just(b'B'), any::<u8>()], 0..80),
             name in prop::sample::select(vec!["", "GBK", "UTF-8", "~ISO IR87", "ASCII", "8859/1", "BIG-5", "KS X 1001", "8859/7"]),
             default in prop::sample::select(vec![None, Some(Charset::Gb18030), Some(Charset::Latin1), Some(Charset::Iso2022Jp)])) {
        let raw = oru(name, &bytes);
        match decode(&raw, default) {
            Ok(text) => {
                let has_replacement = text.text.contains(char::REPLACEMENT_CHARACTER);
                prop_assert!(!has_replacement);
                let offsets: Vec<usize> = (0..=text.text.len()).collect();
                let back = raw_offsets(&raw, text.charset, &offsets);
                prop_assert!(back.is_sorted() && back.iter().all(|at| *at <= raw.len()));
            }
            Err(finding) => {
                prop_assert_eq!(finding.hl7_code, 102);
                prop_assert!(finding.value.is_some_and(|value| value.starts_with("offset=")));
            }
        }
        let _ = header_text(&raw);
    }

    /// Whatever Chinese text is sent in GB18030 arrives as it was, declared or not, in the header or in the body.
    #[test]
    fn gb18030_arrives(name in "[\u{4e00}-\u{9fa5}]{1,8}", facility in "[\u{4e00}-\u{9fa5}]{1,8}", declared in any::<bool>()) {
        let text = format!("MSH|^~\\&|{facility}|H|||20260101||ADT^A01|1|P|2.4||||||{}\rPID|1||7||{name}^{facility}||\r", if declared { "GBK" } else { "" });
        let raw = encode(&text, Charset::Gb18030);
        let decoded = decode(&raw, Some(Charset::Gb18030)).map_err(|f| f.en);
        prop_assert_eq!(decoded.map(|t| t.text.into_owned()), Ok(text));
    }
}
