//! What MSH-18 declares: the names of table 0211 and the spellings of them that are sent.

use hutong_fhir::{Finding, Location};

use super::{Charset, error, header, warning};

/// What a frame declares.
pub(super) struct Declared {
    pub(super) charset: Option<Charset>,
    /// A batch whose messages declare different charsets.
    pub(super) mixed: Option<Finding>,
}

/// Names as compared: letters upper, no spaces, `-`, `_` or `/`. The first of a charset's names is not special.
const NAMES: &[(&str, Charset)] = &[
    ("UNICODEUTF8", Charset::Utf8),
    ("UTF8", Charset::Utf8),
    // Before 2.5 "UNICODE" named ISO 10646 as a whole; over MLLP it can only be UTF-8, and the bytes are checked anyway.
    ("UNICODE", Charset::Utf8),
    ("ISO10646", Charset::Utf8),
    ("ISOIR192", Charset::Utf8),
    ("CP65001", Charset::Utf8),
    ("GB180302000", Charset::Gb18030),
    ("GB180302005", Charset::Gb18030),
    ("GB180302022", Charset::Gb18030),
    ("GB18030", Charset::Gb18030),
    ("GBK", Charset::Gb18030),
    ("GB2312", Charset::Gb18030),
    ("GB23121980", Charset::Gb18030),
    ("GB231280", Charset::Gb18030),
    ("CP936", Charset::Gb18030),
    ("MS936", Charset::Gb18030),
    ("ISOIR58", Charset::Gb18030),
    ("ASCII", Charset::Ascii),
    ("USASCII", Charset::Ascii),
    ("ISO646", Charset::Ascii),
    ("ISOIR6", Charset::Ascii),
    ("ISOIR13", Charset::Iso2022Jp),
    ("ISOIR14", Charset::Iso2022Jp),
    ("ISOIR87", Charset::Iso2022Jp),
    ("ISOIR159", Charset::Iso2022Jp),
    ("ISO2022JP", Charset::Iso2022Jp),
    ("JISX0208", Charset::Iso2022Jp),
    ("BIG5", Charset::Big5),
    ("CNS116431992", Charset::Big5),
    ("KSX1001", Charset::EucKr),
    ("KSC5601", Charset::EucKr),
    ("EUCKR", Charset::EucKr),
    ("LATIN1", Charset::Latin1),
    ("ISOIR100", Charset::Latin1),
    ("WINDOWS1252", Charset::Latin1),
    ("CP1252", Charset::Latin1),
];

/// The parts of ISO 8859 with a decoder; 1 is [`Charset::Latin1`], 9 and 11 are the Windows supersets that
/// replaced them everywhere.
const PARTS_OF_8859: &[(u8, &str)] = &[
    (2, "8859/2"),
    (3, "8859/3"),
    (4, "8859/4"),
    (5, "8859/5"),
    (6, "8859/6"),
    (7, "8859/7"),
    (8, "8859/8"),
    (9, "8859/9"),
    (10, "8859/10"),
    (11, "8859/11"),
    (13, "8859/13"),
    (14, "8859/14"),
    (15, "8859/15"),
    (16, "8859/16"),
];

pub(super) fn name_of_8859(part: u8) -> &'static str {
    PARTS_OF_8859.iter().find(|(number, _)| *number == part).map_or("8859/1", |(_, name)| name)
}

pub(super) fn from_name(name: &str) -> Option<Charset> {
    match name {
        "UNICODE UTF-8" | "UTF-8" => return Some(Charset::Utf8),
        "GB 18030-2000" | "GB18030" => return Some(Charset::Gb18030),
        _ => {}
    }
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '/' | '.')) {
        folded.push(c.to_ascii_uppercase());
    }
    if let Some((_, charset)) = NAMES.iter().find(|(known, _)| *known == folded) {
        return Some(*charset);
    }
    let part: u8 = folded.strip_prefix("ISO").unwrap_or(&folded).strip_prefix("8859")?.parse().ok()?;
    if part == 1 {
        return Some(Charset::Latin1);
    }
    PARTS_OF_8859.iter().any(|(number, _)| *number == part).then_some(Charset::Iso8859(part))
}

/// Reads MSH-18 of the first message. The first repetition is the message's charset; later ones are what escape
/// sequences may switch to, which matters for ISO-2022-JP alone (`~ISO IR87`: ASCII, with escapes to JIS X 0208).
/// The other messages of a batch are read by the same charset, and one that declares another is named.
pub(super) fn read(raw: &[u8]) -> Result<Declared, Finding> {
    let mut fields = header::charset_fields(raw);
    let Some(first) = fields.next() else { return Ok(Declared { charset: None, mixed: None }) };
    let mut charset = None;
    for (i, name) in first.names().enumerate() {
        let Some(known) = from_name(&name) else {
            if i == 0 {
                return Err(unknown(&name));
            }
            continue;
        };
        if known == Charset::Iso2022Jp || charset.is_none() {
            charset = Some(known);
        }
    }
    let differs = |field: &header::CharsetField<'_>| {
        let declared = field.names().find_map(|name| from_name(&name));
        !field.is_same_as(&first) && declared.is_some() && declared != charset
    };
    let mixed = fields.position(|field| differs(&field)).map(|before| mixed(before.saturating_add(2)));
    Ok(Declared { charset, mixed })
}

fn unknown(name: &str) -> Finding {
    let mut finding = error("hl7.charset.unknown", 103)
        .at(location())
        .says(
            "MSH-18 声明的字符集不在 HL7 表 0211 中，无法读取消息；请填写 UNICODE UTF-8 或 GB 18030-2000",
            "MSH-18 declares a character set that is not in HL7 table 0211, so the message cannot be read; use UNICODE UTF-8 or GB 18030-2000",
        )
        .with_value(name);
    finding.issue = "code-invalid";
    finding
}

fn mixed(sequence: usize) -> Finding {
    let sequence = u32::try_from(sequence).unwrap_or(u32::MAX);
    warning("hl7.charset.mixed", 0)
        .at(Location::V2 { segment: "MSH".into(), sequence, field: 18, repetition: 0, component: 0, subcomponent: 0 })
        .says(
            "同一批次中的消息声明了不同的字符集，整批按第一条消息的字符集读取",
            "messages of one batch declare different character sets; the whole batch was read by the first one's",
        )
}

pub(super) fn location() -> Location {
    Location::V2 { segment: "MSH".into(), sequence: 1, field: 18, repetition: 0, component: 0, subcomponent: 0 }
}
