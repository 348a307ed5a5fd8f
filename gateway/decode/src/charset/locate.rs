//! Says where in a frame some bytes are: segment, field, repetition and component, counted as ERR-2 counts them.

use hutong_fhir::{Finding, Location};

use super::strict::Bad;
use super::{Charset, detect, error, warning};

/// Bytes that are no character of the charset (M15).
pub(super) fn illegal(raw: &[u8], charset: Charset, bad: Bad) -> Finding {
    let name = charset.hl7_name();
    let at = bad.offset;
    error("hl7.charset.illegal_bytes", 102).at(field_at(raw, at, charset)).with_value(format!("offset={at} bytes={}", hex(raw, bad))).says(
        format!("第 {at} 字节起的内容不是合法的 {name} 字符；请检查发送方的编码转换"),
        format!("the bytes from offset {at} are not a character of {name}; check the sender's encoding"),
    )
}

/// Bytes that are plainly of another charset than the declared one (M16).
pub(super) fn mismatch(raw: &[u8], declared: Charset, actual: Charset, bad: Bad) -> Finding {
    let (said, is) = (declared.hl7_name(), actual.hl7_name());
    let at = bad.offset;
    error("hl7.charset.mismatch", 102)
        .at(field_at(raw, at, declared))
        .with_value(format!("offset={at} bytes={} looks_like={}", hex(raw, bad), label(actual)))
        .says(
            format!("MSH-18 声明 {said}，但第 {at} 字节起的内容像是 {is}（looks_like={}）；请更正 MSH-18 或编码", label(actual)),
            format!(
                "MSH-18 declares {said}, but the bytes from offset {at} look like {is} (looks_like={}); correct MSH-18 or the encoding",
                label(actual)
            ),
        )
}

/// Declared ASCII or 8859, is something else beyond doubt, and was read as that.
pub(super) fn lenient(raw: &[u8], declared: Charset, actual: Charset) -> Finding {
    let at = raw.iter().position(|b| !b.is_ascii()).unwrap_or(0);
    warning("hl7.charset.mismatch", 0).at(field_at(raw, at, actual)).with_value(format!("offset={at} looks_like={}", label(actual))).says(
        format!("MSH-18 声明 {}，内容却是 {}，已按后者读取；请更正 MSH-18", declared.hl7_name(), actual.hl7_name()),
        format!("MSH-18 declares {}, but the content is {}, and was read as such; correct MSH-18", declared.hl7_name(), actual.hl7_name()),
    )
}

/// Nothing declared, and not what the source's configuration expects.
pub(super) fn not_the_default(raw: &[u8], expected: Charset, actual: Charset) -> Finding {
    let at = raw.iter().position(|b| !b.is_ascii()).unwrap_or(0);
    warning("hl7.charset.not_default", 0)
        .at(field_at(raw, at, actual))
        .with_value(format!("offset={at} looks_like={}", label(actual)))
        .says(
            format!("消息没有声明字符集，来源的默认值是 {}，但字节是 {}，已按后者读取", expected.hl7_name(), actual.hl7_name()),
            format!(
                "the message declares no character set and the source's default is {}, but the bytes are {}, and were read as such",
                expected.hl7_name(),
                actual.hl7_name()
            ),
        )
}

/// U+FFFD stands in the text: whoever wrote it had lost the character already. `at` is its offset in the decoded text.
pub(super) fn lost_character(body: &[u8], bom: usize, charset: Charset, at: usize) -> Finding {
    let offset = super::raw_offset(body, charset, at);
    warning("hl7.charset.replacement_character", 102)
        .at(field_at(body, offset, charset))
        .with_value(format!("offset={}", offset.saturating_add(bom)))
        .says(
            "内容中有替换字符 U+FFFD：原字符在到达之前已经丢失，已记为 □；请从源系统更正后重新发送",
            "the content holds the replacement character U+FFFD: the original was lost before it arrived here and is marked □; correct it at its source and send it again",
        )
}

/// The field that byte `at` belongs to. What stands before must be decodable for the separators to be counted.
pub(super) fn field_at(raw: &[u8], at: usize, charset: Charset) -> Location {
    let prefix = detect::readable_prefix(raw, charset, Bad { offset: at, len: 0 });
    position(&prefix).unwrap_or(Location::Byte(at))
}

/// Where the end of `text` stands, its last message counted alone.
fn position(text: &str) -> Option<Location> {
    let lines = || text.split(['\r', '\n']).map(|line| line.trim_start_matches(['\u{b}', '\u{feff}', ' ']));
    let separators = lines().rfind(|line| line.starts_with("MSH"))?.as_bytes();
    let field_separator = char::from(*separators.get(3)?);
    let mut encoding = separators.get(4..)?.iter().map(|b| char::from(*b)).take_while(|c| *c != field_separator);
    let component = encoding.next().unwrap_or('^');
    let repetition = encoding.next().unwrap_or('~');
    let mut last = "";
    let mut names: Vec<&str> = Vec::new();
    for line in lines() {
        let name = line.get(..3).unwrap_or_default();
        if name == "MSH" {
            names.clear();
        }
        if line.get(3..).is_some_and(|rest| rest.starts_with(field_separator)) {
            names.push(name);
            last = line;
        }
    }
    let name = names.last()?;
    let sequence = names.iter().filter(|n| n == &name).count();
    let mut field = last.matches(field_separator).count();
    if *name == "MSH" {
        field += 1;
    }
    let value = last.rsplit(field_separator).next()?;
    let repeat = value.rsplit(repetition).next()?;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    // the first repetition and the first component are not worth naming: they may be the only ones
    let after = |separators: usize| if separators == 0 { 0 } else { count(separators).saturating_add(1) };
    Some(Location::V2 {
        segment: (*name).to_owned(),
        sequence: count(sequence),
        field: count(field),
        repetition: after(value.matches(repetition).count()),
        component: after(repeat.matches(component).count()),
        subcomponent: 0,
    })
}

/// At most four of the offending bytes: enough to recognise the encoding, too few to be anybody's data.
fn hex(raw: &[u8], bad: Bad) -> String {
    let mut text = String::new();
    for byte in raw.iter().skip(bad.offset).take(bad.len.clamp(2, 4)) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&format!("{byte:02X}"));
    }
    text
}

fn label(charset: Charset) -> &'static str {
    match charset {
        Charset::Gb18030 => "gb18030",
        Charset::Utf8 => "utf-8",
        other => other.hl7_name(),
    }
}
