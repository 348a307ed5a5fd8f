//! ISO-2022-JP as HL7 Japan uses it: ASCII, and escape sequences to JIS X 0201, 0208 and 0212 (table 0211: ISO IR14,
//! ISO IR87, ISO IR159). Own, because the web's decoder of that name does not know JIS X 0212; the tables are EUC-JP's.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, EUC_JP, Encoding, GB18030};

use super::strict::Bad;

/// A set that an escape sequence switches to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Set {
    Ascii,
    /// JIS X 0201 left half: 5C is the yen sign, 7E the overline.
    Roman,
    /// JIS X 0201 right half in seven bits.
    Katakana,
    Jis0208,
    Jis0212,
    /// ISO-IR 58; not of Japan, but the `\M2441\` of messages from China.
    Gb2312,
}

impl Set {
    /// The set that an escape sequence (without the ESC) designates.
    pub(crate) fn from_escape(after_escape: &[u8]) -> Option<(Set, usize)> {
        Some(match after_escape {
            [b'(', b'B', ..] => (Set::Ascii, 2),
            [b'(', b'J', ..] => (Set::Roman, 2),
            [b'(', b'I', ..] | [b')', b'I', ..] => (Set::Katakana, 2),
            [b'$', b'@' | b'B', ..] => (Set::Jis0208, 2),
            [b'$', b'A', ..] => (Set::Gb2312, 2),
            [b'$', b'(', b'D', ..] => (Set::Jis0212, 3),
            [b'$', b'(', b'B', ..] => (Set::Jis0208, 3),
            [b'$', b'(', b'A', ..] => (Set::Gb2312, 3),
            _ => return None,
        })
    }

    /// Bytes of one character.
    pub(crate) fn width(self) -> usize {
        if matches!(self, Set::Ascii | Set::Roman | Set::Katakana) { 1 } else { 2 }
    }

    /// The character that seven-bit `bytes` are in this set.
    pub(crate) fn char(self, bytes: &[u8]) -> Option<char> {
        match (self, bytes) {
            (Set::Ascii, [b]) => b.is_ascii().then(|| char::from(*b)),
            (Set::Roman, [0x5c]) => Some('¥'),
            (Set::Roman, [0x7e]) => Some('‾'),
            (Set::Roman, [b]) => b.is_ascii().then(|| char::from(*b)),
            (Set::Katakana, [b @ 0x21..=0x5f]) => char::from_u32(0xff40 + u32::from(*b)),
            (Set::Jis0208, [a @ 0x21..=0x7e, b @ 0x21..=0x7e]) => one_char(&[a | 0x80, b | 0x80], EUC_JP),
            (Set::Jis0212, [a @ 0x21..=0x7e, b @ 0x21..=0x7e]) => one_char(&[0x8f, a | 0x80, b | 0x80], EUC_JP),
            (Set::Gb2312, [a @ 0x21..=0x7e, b @ 0x21..=0x7e]) => one_char(&[a | 0x80, b | 0x80], GB18030),
            _ => None,
        }
    }
}

fn one_char(bytes: &[u8], encoding: &'static Encoding) -> Option<char> {
    let mut out = [0u8; 8];
    let (result, _, written) = encoding.new_decoder_without_bom_handling().decode_to_utf8_without_replacement(bytes, &mut out, true);
    if result != DecoderResult::InputEmpty {
        return None;
    }
    std::str::from_utf8(out.get(..written)?).ok()?.chars().next()
}

/// Steps through a frame: each step is an escape sequence (no character) or one character.
pub(super) struct Steps<'a> {
    raw: &'a [u8],
    at: usize,
    set: Set,
}

impl<'a> Steps<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Steps<'a> {
        Steps { raw, at: 0, set: Set::Ascii }
    }
}

impl Iterator for Steps<'_> {
    /// Bytes taken and what they are.
    type Item = Result<(usize, Option<char>), Bad>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.raw.get(self.at..)?;
        let first = *rest.first()?;
        let bad = Bad { offset: self.at, len: self.set.width().min(rest.len()) };
        let (taken, step) = if first == 0x1b {
            let Some((set, len)) = Set::from_escape(rest.get(1..).unwrap_or_default()) else { return self.end(bad) };
            self.set = set;
            (len + 1, None)
        } else if first < 0x20 {
            // a line ends in ASCII, whether or not its writer switched back
            self.set = Set::Ascii;
            (1, Some(char::from(first)))
        } else {
            let width = self.set.width();
            let Some(c) = rest.get(..width).and_then(|bytes| self.set.char(bytes)) else { return self.end(bad) };
            (width, Some(c))
        };
        self.at += taken;
        Some(Ok((taken, step)))
    }
}

impl Steps<'_> {
    fn end(&mut self, bad: Bad) -> Option<Result<(usize, Option<char>), Bad>> {
        self.at = self.raw.len();
        Some(Err(bad))
    }
}

pub(super) fn decode(raw: &[u8]) -> Result<Cow<'_, str>, Bad> {
    if raw.is_ascii() && memchr::memchr(0x1b, raw).is_none() {
        return Ok(String::from_utf8_lossy(raw));
    }
    let mut text = String::with_capacity(raw.len());
    for step in Steps::new(raw) {
        let (_, c) = step?;
        text.extend(c);
    }
    Ok(Cow::Owned(text))
}
