//! Tells charsets apart by their bytes: where nothing is declared, and where what is declared cannot be true.

use hutong_fhir::{Finding, Location};

use super::strict::{Bad, decode_all};
use super::{Charset, Text, error, locate, warning};

const UTF8_BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Length of a UTF-8 byte order mark at the start: 3 or 0.
pub(super) fn utf8_bom(raw: &[u8]) -> usize {
    // a start byte of MLLP may stand before it in a file cut from a capture; then the mark is kept as a character
    if raw.starts_with(&UTF8_BOM) { UTF8_BOM.len() } else { 0 }
}

/// UTF-16 and UTF-32 cannot travel over MLLP (their bytes hold 00, 0B and 1C) and are not read from files either.
pub(super) fn wide_encoding(raw: &[u8]) -> Option<&'static str> {
    match raw {
        [0xff, 0xfe, ..] | [b'M', 0, ..] => Some("utf-16le"),
        [0xfe, 0xff, ..] | [0, b'M', ..] => Some("utf-16be"),
        _ => None,
    }
}

pub(super) fn wide_finding(name: &str) -> Finding {
    error("hl7.charset.wide", 102).at(Location::Byte(0)).with_value(format!("offset=0 looks_like={name}")).says(
        format!("字节像是 {name}，HL7 v2 消息不能用这种编码；请改用 UTF-8 或 GB18030"),
        format!("the bytes look like {name}, which HL7 v2 messages cannot use; send UTF-8 or GB18030"),
    )
}

/// Reads a frame that declares nothing: UTF-8 where valid, else what the source usually sends, else GB18030.
pub(super) fn undeclared(raw: &[u8], default: Option<Charset>) -> Result<Text<'_>, Finding> {
    let preferred = default.unwrap_or(Charset::Gb18030);
    if preferred == Charset::Iso2022Jp && memchr::memchr(0x1b, raw).is_some() {
        return super::strict::declared(raw, preferred);
    }
    if let Ok(text) = decode_all(raw, Charset::Utf8) {
        if !raw.is_ascii() && is_ambiguous(raw, &text) {
            return ambiguous(raw, default);
        }
        let mut findings = Vec::new();
        if let Some(expected) = default.filter(|d| *d != Charset::Utf8 && !raw.is_ascii()) {
            findings.push(locate::not_the_default(raw, expected, Charset::Utf8));
        }
        return Ok(Text { text, charset: Charset::Utf8, findings });
    }
    let charset = match preferred {
        Charset::Utf8 | Charset::Ascii => Charset::Gb18030,
        other => other,
    };
    match decode_all(raw, charset) {
        Ok(text) => {
            let mut findings = Vec::new();
            match default {
                Some(expected) if expected != charset => findings.push(locate::not_the_default(raw, expected, charset)),
                Some(_) => {}
                None => findings.push(undeclared_gb18030(raw)),
            }
            Ok(Text { text, charset, findings })
        }
        Err(bad) => Err(locate::illegal(raw, charset, bad)),
    }
}

fn undeclared_gb18030(raw: &[u8]) -> Finding {
    let at = raw.iter().position(|b| !b.is_ascii()).unwrap_or(0);
    let mut finding = warning("hl7.charset.undeclared", 0).at(super::declared::location()).with_value(format!("offset={at}")).says(
        "MSH-18 没有声明字符集，字节不是 UTF-8，已按 GB18030 读取；请在 MSH-18 填写 GB 18030-2000",
        "MSH-18 declares no character set and the bytes are not UTF-8; they were read as GB18030. Declare GB 18030-2000 in MSH-18",
    );
    finding.severity = hutong_fhir::Severity::Information;
    finding
}

/// Some pairs of GB2312 are also valid UTF-8 (a surname alone, such as C3 AB, is one): when all that is not ASCII is of
/// that kind, the bytes cannot tell. UTF-8 Chinese never is: its characters take three bytes.
fn is_ambiguous(raw: &[u8], as_utf8: &str) -> bool {
    as_utf8.chars().all(|c| c.is_ascii() || ('\u{80}'..='\u{7ff}').contains(&c)) && all_common_hanzi(raw, 1)
}

fn ambiguous(raw: &[u8], default: Option<Charset>) -> Result<Text<'_>, Finding> {
    let charset = match default {
        Some(Charset::Gb18030) => Charset::Gb18030,
        _ => Charset::Utf8,
    };
    let text = decode_all(raw, charset).map_err(|bad| locate::illegal(raw, charset, bad))?;
    let at = raw.iter().position(|b| !b.is_ascii()).unwrap_or(0);
    let finding =
        warning("hl7.charset.ambiguous", 0).at(locate::field_at(raw, at, charset)).with_value(format!("offset={at}")).says(
            format!("MSH-18 没有声明字符集，字节既可读作 UTF-8 也可读作 GB18030，已按 {} 读取；请声明 MSH-18 或设置来源的默认字符集", charset.hl7_name()),
            format!(
                "MSH-18 declares no character set and the bytes are valid both as UTF-8 and as GB18030; they were read as {}. Declare MSH-18 or set the source's default",
                charset.hl7_name()
            ),
        );
    Ok(Text { text, charset, findings: vec![finding] })
}

/// What the bytes plainly are where that is not what is declared. Strong evidence only: a declaration wins a doubt.
pub(super) fn contradiction(raw: &[u8], declared: Charset) -> Option<Charset> {
    if raw.is_ascii() {
        return None;
    }
    match declared {
        Charset::Ascii => guess(raw, declared),
        Charset::Latin1 | Charset::Iso8859(_) => match decode_all(raw, Charset::Utf8) {
            Ok(_) => Some(Charset::Utf8),
            Err(_) => all_common_hanzi(raw, 2).then_some(Charset::Gb18030),
        },
        Charset::Gb18030 | Charset::Big5 | Charset::EucKr => {
            let text = decode_all(raw, Charset::Utf8).ok()?;
            let mut wide = 0;
            for c in text.chars().filter(|c| !c.is_ascii()) {
                if !is_cjk(c) {
                    return None;
                }
                wide += 1;
            }
            // three characters or fewer can be valid both ways by chance
            (wide > 3).then_some(Charset::Utf8)
        }
        Charset::Utf8 | Charset::Iso2022Jp => None,
    }
}

/// What bytes that do not fit their declaration may be.
pub(super) fn guess(raw: &[u8], declared: Charset) -> Option<Charset> {
    if raw.is_ascii() {
        return None; // the fault is an escape sequence, and the bytes tell nothing
    }
    let fits = |candidate: Charset| decode_all(raw, candidate).is_ok().then_some(candidate);
    match declared {
        // where Chinese in UTF-8 stands before the fault, the fault is a cut character
        Charset::Utf8 => match decode_all(raw, Charset::Utf8) {
            Err(bad) if readable_prefix(raw, declared, bad).chars().any(is_cjk) => None,
            _ => fits(Charset::Gb18030),
        },
        Charset::Ascii | Charset::Latin1 | Charset::Iso8859(_) => fits(Charset::Utf8).or_else(|| fits(Charset::Gb18030)),
        Charset::Gb18030 | Charset::Iso2022Jp | Charset::Big5 | Charset::EucKr => fits(Charset::Utf8),
    }
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{206f}' | '\u{2100}'..='\u{27ff}' | '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff00}'..='\u{ffef}')
        || matches!(c, '\u{b0}' | '\u{b1}' | '\u{b5}' | '\u{b7}' | '\u{d7}' | '\u{3b1}'..='\u{3c9}')
}

/// Whether every byte that is not ASCII belongs to a pair of GB2312's hanzi or symbols, and at least `least` do to a hanzi.
fn all_common_hanzi(raw: &[u8], least: usize) -> bool {
    let mut hanzi = 0;
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            0..=0x7f => {}
            0xa1..=0xf7 if bytes.next().is_some_and(|trail| *trail >= 0xa1) => hanzi += usize::from(*byte >= 0xb0),
            _ => return false,
        }
    }
    hanzi >= least
}

/// A frame cut at an error is decodable up to it; used to say in which field it is.
pub(super) fn readable_prefix(raw: &[u8], charset: Charset, bad: Bad) -> std::borrow::Cow<'_, str> {
    let prefix = raw.get(..bad.offset).unwrap_or(raw);
    decode_all(prefix, charset).unwrap_or_else(|_| String::from_utf8_lossy(prefix))
}
