//! From a place in the decoded text back to the byte that arrived, for lineage and findings.

use super::iso2022jp::Steps;
use super::strict::encoding_of;
use super::{Charset, detect};

/// The byte of `raw` at which the character at `text_offset` of the decoded text begins. `charset` is what
/// [`super::decode`] said the frame was read as. Offsets past the end give the frame's length.
pub fn raw_offset(raw: &[u8], charset: Charset, text_offset: usize) -> usize {
    raw_offsets(raw, charset, &[text_offset]).first().copied().unwrap_or(raw.len())
}

/// The same for many offsets, in ascending order, in one pass over the frame.
pub fn raw_offsets(raw: &[u8], charset: Charset, text_offsets: &[usize]) -> Vec<usize> {
    let bom = detect::utf8_bom(raw);
    let body = raw.get(bom..).unwrap_or_default();
    if matches!(charset, Charset::Utf8 | Charset::Ascii) || body.is_ascii() && charset != Charset::Iso2022Jp {
        return text_offsets.iter().map(|offset| offset.saturating_add(bom).min(raw.len())).collect();
    }
    let mut wanted = text_offsets.iter().peekable();
    let mut found = Vec::with_capacity(text_offsets.len());
    let (mut raw_at, mut text_at) = (0usize, 0usize);
    let mut step = |raw_len: usize, text_len: usize| {
        // everything up to the last byte of this character belongs to it; an escape sequence to what follows it
        while wanted.next_if(|offset| **offset < text_at + text_len).is_some() {
            found.push(raw_at + bom);
        }
        raw_at += raw_len;
        text_at += text_len;
    };
    if charset == Charset::Iso2022Jp {
        for (raw_len, c) in Steps::new(body).flatten() {
            step(raw_len, c.map_or(0, char::len_utf8));
        }
    } else {
        let mut rest = body;
        while !rest.is_empty() {
            let (raw_len, text_len) = one(rest, charset);
            step(raw_len, text_len);
            rest = rest.get(raw_len..).unwrap_or_default();
        }
    }
    found.resize(text_offsets.len(), raw.len());
    found
}

/// Length of the first character in bytes and in UTF-8.
fn one(rest: &[u8], charset: Charset) -> (usize, usize) {
    let Some(&first) = rest.first() else { return (1, 0) };
    if first.is_ascii() {
        return (1, 1);
    }
    let raw_len = match (charset, rest.get(1)) {
        (Charset::Gb18030, _) if first == 0x80 => 1,
        (Charset::Gb18030, Some(second)) if second.is_ascii_digit() => 4,
        (Charset::Gb18030 | Charset::Big5 | Charset::EucKr, Some(_)) => 2,
        _ => 1,
    };
    let text_len = encoding_of(charset)
        .zip(rest.get(..raw_len))
        .and_then(|(encoding, bytes)| encoding.decode_without_bom_handling_and_without_replacement(bytes))
        .map_or(0, |text| text.len());
    (raw_len, text_len)
}
