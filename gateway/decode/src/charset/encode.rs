//! Writing: an answer goes out in the charset of what it answers.

use std::borrow::Cow;

use encoding_rs::{EncoderResult, Encoding, ISO_2022_JP};

use super::Charset;
use super::strict::encoding_of;

/// The bytes of a text in a charset; a character that the charset lacks becomes `?`.
pub fn encode(text: &str, charset: Charset) -> Cow<'_, [u8]> {
    if text.is_ascii() || charset == Charset::Utf8 {
        return Cow::Borrowed(text.as_bytes());
    }
    let encoding = if charset == Charset::Iso2022Jp { Some(ISO_2022_JP) } else { encoding_of(charset) };
    Cow::Owned(match encoding {
        Some(encoding) => with(text, encoding),
        None => text.chars().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?')).collect(),
    })
}

fn with(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let mut encoder = encoding.new_encoder();
    let mut out = Vec::with_capacity(text.len() * 2 + 16);
    let mut rest = text;
    loop {
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut out, true);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return out,
            EncoderResult::OutputFull => out.reserve(rest.len() * 2 + 16),
            EncoderResult::Unmappable(_) => {
                let (_, _) = encoder.encode_from_utf8_to_vec_without_replacement("?", &mut out, false);
                out.reserve(rest.len() * 2 + 16);
            }
        }
    }
}
