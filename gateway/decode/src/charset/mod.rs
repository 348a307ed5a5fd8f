//! Settles which characters a frame's bytes are, for the whole frame, before anything splits it.
//!
//! The order matters: in GB18030, Big5 and ISO-2022-JP a byte of a character can equal `|`, `^`, `~` or `\`, so a frame
//! split first is a frame broken. What MSH-18 (table 0211) declares is believed and checked; without a declaration the
//! bytes are UTF-8 where they are valid as such, else GB18030. U+FFFD is never produced and never let through: where
//! bytes do not fit, the frame is refused with the field and the byte offset; where it arrived, it is read as `□`.

// once a frame, and the finding is the answer: not worth a box
#![allow(clippy::result_large_err)]

mod declared;
mod detect;
mod encode;
mod header;
mod iso2022jp;
mod locate;
mod offset;
mod strict;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use hutong_fhir::{Finding, Severity};

pub use encode::encode;
pub use header::header_text;
pub(crate) use iso2022jp::Set;
pub use offset::{raw_offset, raw_offsets};

/// A character set of HL7 table 0211 that can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Charset {
    Utf8,
    /// Also GBK and GB2312, its subsets.
    Gb18030,
    /// ASCII with escape sequences to JIS X 0201, 0208 and 0212.
    Iso2022Jp,
    Latin1,
    Ascii,
    Big5,
    EucKr,
    /// ISO 8859, the part with this number (2 to 16).
    Iso8859(u8),
}

impl Charset {
    /// The name of table 0211, as an MSH-18 that we write holds it.
    pub fn hl7_name(self) -> &'static str {
        match self {
            Charset::Utf8 => "UNICODE UTF-8",
            Charset::Gb18030 => "GB 18030-2000",
            Charset::Iso2022Jp => "ISO IR87",
            Charset::Latin1 => "8859/1",
            Charset::Ascii => "ASCII",
            Charset::Big5 => "BIG-5",
            Charset::EucKr => "KS X 1001",
            Charset::Iso8859(part) => declared::name_of_8859(part),
        }
    }

    /// The charset that a name of table 0211, or one of the spellings seen in the field, means.
    pub fn from_name(name: &str) -> Option<Charset> {
        declared::from_name(name)
    }
}

/// A frame as text.
pub struct Text<'a> {
    /// Borrowed where the bytes were UTF-8 (or ASCII) already; without a byte order mark.
    pub text: Cow<'a, str>,
    /// What the bytes were read as; may differ from what MSH-18 says, then a finding says so.
    pub charset: Charset,
    /// Warnings only: what could not be read is the error of [`decode`].
    pub findings: Vec<Finding>,
}

/// Settles the charset of a whole frame and decodes it. `default` is what the source's configuration says for frames
/// that declare nothing. The error is the one finding to answer with (reliability: M14, M15, M16); its `value` holds
/// `offset=` (byte in `raw`) and, where the bytes are plainly something else, `looks_like=`.
pub fn decode<'a>(raw: &'a [u8], default: Option<Charset>) -> Result<Text<'a>, Finding> {
    let bom = detect::utf8_bom(raw);
    let body = raw.get(bom..).unwrap_or_default();
    if let Some(name) = detect::wide_encoding(raw) {
        return Err(detect::wide_finding(name));
    }
    let declared = declared::read(body)?;
    let mut text = match declared.charset {
        None => detect::undeclared(body, default)?,
        Some(charset) => strict::declared(body, charset)?,
    };
    if !text.text.is_ascii() {
        mark_lost_characters(&mut text, body, bom);
    }
    text.findings.extend(declared.mixed);
    Ok(text)
}

/// A replacement character that arrived stands for one that its sender lost. It is read as `□`, the mark that print puts
/// for a character that cannot be read (GB/T 15834); it has the same length, so that offsets stay true.
fn mark_lost_characters(text: &mut Text<'_>, body: &[u8], bom: usize) {
    if let Some(at) = memchr::memmem::find(text.text.as_bytes(), "\u{FFFD}".as_bytes()) {
        text.findings.push(locate::lost_character(body, bom, text.charset, at));
        text.text = Cow::Owned(text.text.replace('\u{FFFD}', "□"));
    }
}

/// Decodes bytes of a value (`\X..\`) in the charset of their message; `None` where they are not valid in it.
pub(crate) fn decode_bytes(bytes: &[u8], charset: Charset) -> Option<Cow<'_, str>> {
    strict::decode_all(bytes, charset).ok().filter(|text| !text.contains('\u{FFFD}'))
}

fn warning(rule: &'static str, code: u16) -> Finding {
    Finding::new(Severity::Warning, rule, "invalid", code)
}

fn error(rule: &'static str, code: u16) -> Finding {
    Finding::new(Severity::Error, rule, "invalid", code)
}
