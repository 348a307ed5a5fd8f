//! Decoding that refuses: every byte must belong to a character, or the place of the first that does not is told.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, Encoding};
use hutong_fhir::Finding;

use super::{Charset, Text, detect, iso2022jp, locate, warning};

/// The first place that does not fit: `len` bytes from `offset`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bad {
    pub(super) offset: usize,
    pub(super) len: usize,
}

/// Decodes a frame in the charset that it declares, and judges whether the declaration can be true.
pub(super) fn declared(raw: &[u8], charset: Charset) -> Result<Text<'_>, Finding> {
    let looks_like = detect::contradiction(raw, charset);
    if let (Charset::Ascii | Charset::Latin1 | Charset::Iso8859(_), Some(actual @ (Charset::Utf8 | Charset::Gb18030))) =
        (charset, looks_like)
        && let Ok(text) = decode_all(raw, actual)
    {
        // these two names are what interfaces declare when nobody set anything; the bytes are unmistakable
        return Ok(Text { text, charset: actual, findings: vec![locate::lenient(raw, charset, actual)] });
    }
    let bad = match decode_all(raw, charset) {
        Ok(text) if looks_like.is_none() => return Ok(Text { text, charset, findings: replaced_controls(raw, charset) }),
        Ok(_) => Bad { offset: first_high(raw), len: 1 },
        Err(bad) => bad,
    };
    Err(match looks_like.or_else(|| detect::guess(raw, charset)) {
        Some(actual) => locate::mismatch(raw, charset, actual, bad),
        None => locate::illegal(raw, charset, bad),
    })
}

fn replaced_controls(raw: &[u8], charset: Charset) -> Vec<Finding> {
    if charset != Charset::Latin1 {
        return Vec::new();
    }
    let Some(at) = raw.iter().position(|b| (0x80..=0x9f).contains(b)) else { return Vec::new() };
    vec![warning("hl7.charset.windows_1252", 0).at(locate::field_at(raw, at, charset)).with_value(format!("offset={at}")).says(
        "声明为 8859/1，但含有该字符集没有定义的字节 80–9F，已按 Windows-1252 读取",
        "declared as 8859/1 but holds bytes 80 to 9F, which that set leaves undefined; they were read as Windows-1252",
    )]
}

fn first_high(raw: &[u8]) -> usize {
    raw.iter().position(|b| !b.is_ascii()).unwrap_or(0)
}

/// All of `raw` or the first place that does not fit.
pub(super) fn decode_all(raw: &[u8], charset: Charset) -> Result<Cow<'_, str>, Bad> {
    match charset {
        // as strict as the standard library, and several times as quick on Chinese text
        Charset::Utf8 => match encoding_rs::UTF_8.decode_without_bom_handling_and_without_replacement(raw) {
            Some(text) => Ok(text),
            None => {
                let error = std::str::from_utf8(raw).err();
                let offset = error.map_or(0, |error| error.valid_up_to());
                let len = error.and_then(|error| error.error_len()).unwrap_or(raw.len().saturating_sub(offset)).max(1);
                Err(Bad { offset, len })
            }
        },
        Charset::Ascii => match raw.iter().position(|b| !b.is_ascii()) {
            None => Ok(String::from_utf8_lossy(raw)),
            Some(offset) => Err(Bad { offset, len: 1 }),
        },
        Charset::Iso2022Jp => iso2022jp::decode(raw),
        _ => match encoding_of(charset) {
            Some(encoding) => decode_with(raw, encoding),
            None => Err(Bad { offset: 0, len: 0 }),
        },
    }
}

/// The table for a charset that one table decodes.
pub(super) fn encoding_of(charset: Charset) -> Option<&'static Encoding> {
    use encoding_rs as e;
    Some(match charset {
        Charset::Gb18030 => e::GB18030,
        Charset::Latin1 => e::WINDOWS_1252,
        Charset::Big5 => e::BIG5,
        Charset::EucKr => e::EUC_KR,
        Charset::Iso8859(2) => e::ISO_8859_2,
        Charset::Iso8859(3) => e::ISO_8859_3,
        Charset::Iso8859(4) => e::ISO_8859_4,
        Charset::Iso8859(5) => e::ISO_8859_5,
        Charset::Iso8859(6) => e::ISO_8859_6,
        Charset::Iso8859(7) => e::ISO_8859_7,
        Charset::Iso8859(8) => e::ISO_8859_8,
        Charset::Iso8859(9) => e::WINDOWS_1254,
        Charset::Iso8859(10) => e::ISO_8859_10,
        Charset::Iso8859(11) => e::WINDOWS_874,
        Charset::Iso8859(13) => e::ISO_8859_13,
        Charset::Iso8859(14) => e::ISO_8859_14,
        Charset::Iso8859(15) => e::ISO_8859_15,
        Charset::Iso8859(16) => e::ISO_8859_16,
        Charset::Utf8 | Charset::Ascii | Charset::Iso2022Jp | Charset::Iso8859(_) => return None,
    })
}

fn decode_with<'a>(raw: &'a [u8], encoding: &'static Encoding) -> Result<Cow<'a, str>, Bad> {
    if raw.is_ascii() {
        return Ok(String::from_utf8_lossy(raw));
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    // Big5 and GB18030 at most double in UTF-8; the method says exactly, or the length overflows and nothing fits
    let Some(room) = decoder.max_utf8_buffer_length_without_replacement(raw.len()) else {
        return Err(Bad { offset: 0, len: raw.len() });
    };
    let mut text = String::with_capacity(room);
    let (result, read) = decoder.decode_to_string_without_replacement(raw, &mut text, true);
    match result {
        DecoderResult::InputEmpty => Ok(Cow::Owned(text)),
        DecoderResult::OutputFull => Err(Bad { offset: read, len: 0 }),
        DecoderResult::Malformed(len, after) => {
            let len = usize::from(len);
            Err(Bad { offset: read.saturating_sub(usize::from(after)).saturating_sub(len), len })
        }
    }
}
