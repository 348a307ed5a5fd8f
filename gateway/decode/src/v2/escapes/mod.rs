//! Escape sequences: `\F\ \S\ \T\ \R\ \E\ \P\`, hexadecimal `\X..\`, formatting `\.br\` and its like, highlighting
//! `\H\ \N\`, character sets `\C..\ \M..\`, local `\Z..\` (HL7 v2.9 chapter 2, "Use of escape sequences in text
//! fields"). What is no valid sequence is kept as it stands: a path `C:\data` must survive its sender's mistake.

mod charsets;
mod check;
mod sequence;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::access::Reading;
use super::separators::Separators;
use crate::charset::{self, Charset};
pub(super) use check::check;
use sequence::{Sequence, next_sequence};

/// The most characters that one sequence can stand for (`\.sp 100\`).
pub const EXPANSION_MAX: usize = 100;

/// What a raw value says. `charset` is the message's, for `\X..\`.
pub fn decode<'t>(raw: &'t str, separators: &Separators, charset: Charset) -> Cow<'t, str> {
    if memchr::memchr(separators.escape, raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    decode_for(raw, &Reading { separators: *separators, charset, has_controls: false })
}

pub(super) fn decode_for<'t>(raw: &'t str, reading: &Reading) -> Cow<'t, str> {
    let separators = &reading.separators;
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(separators.escape, rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let from_escape = rest.get(at..).unwrap_or_default();
        let taken = match next_sequence(from_escape, separators) {
            Some((sequence, len)) => expand(&sequence, len, from_escape, reading, &mut out),
            None => 0,
        };
        let taken = if taken > 0 { taken } else { keep_escape(from_escape, separators, &mut out) };
        rest = from_escape.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    if reading.has_controls { without_controls(out) } else { Cow::Owned(out) }
}

/// An escape character that begins no sequence is an ordinary one. Returns the bytes of `raw` that it takes.
fn keep_escape(raw: &str, separators: &Separators, out: &mut String) -> usize {
    out.push(char::from(separators.escape));
    let doubled = separators.escape_is_doubled && raw.as_bytes().get(1) == Some(&separators.escape);
    1 + usize::from(doubled)
}

/// Writes what the sequence of `len` bytes at the start of `raw` means. Returns the bytes taken; 0 = nothing known.
fn expand(sequence: &Sequence<'_>, len: usize, raw: &str, reading: &Reading, out: &mut String) -> usize {
    match sequence {
        Sequence::Character(c) => out.push(*c),
        Sequence::Nothing => {}
        Sequence::Lines(n) => out.extend(std::iter::repeat_n('\n', *n)),
        Sequence::Spaces(n) => out.extend(std::iter::repeat_n(' ', *n)),
        Sequence::Hex(_) => return expand_hex(raw, reading, out),
        Sequence::Charset(set) => return charsets::expand(*set, len, raw, &reading.separators, out),
        Sequence::UnknownCharset | Sequence::Local => out.push_str(raw.get(..len).unwrap_or_default()),
    }
    len
}

/// A character's bytes may be spread over neighbouring sequences, so they are read together.
fn expand_hex(raw: &str, reading: &Reading, out: &mut String) -> usize {
    let mut bytes = Vec::new();
    let mut taken = 0;
    while let Some((Sequence::Hex(digits), len)) = next_sequence(raw.get(taken..).unwrap_or_default(), &reading.separators) {
        bytes.extend(sequence::hex_bytes(digits));
        taken += len;
    }
    // the message's charset as declared, else what undeclared bytes are read as
    let decoded = [reading.charset, Charset::Utf8, Charset::Gb18030].into_iter().find_map(|set| charset::decode_bytes(&bytes, set));
    match decoded {
        Some(text) => out.extend(text.chars().map(printable)),
        None => out.push_str(raw.get(..taken).unwrap_or_default()),
    }
    taken
}

/// No FHIR string may hold a control character: page breaks become line ends, the others spaces.
fn printable(c: char) -> char {
    match c {
        '\u{b}' | '\u{c}' => '\n',
        '\t' | '\n' | '\r' => c,
        '\0'..='\u{1f}' | '\u{7f}' => ' ',
        _ => c,
    }
}

/// The same for a whole text, whose raw line ends become `\n`.
fn without_controls<'t>(text: String) -> Cow<'t, str> {
    let mut out = String::with_capacity(text.len());
    let mut after_cr = false;
    for c in text.chars() {
        match c {
            '\r' => out.push('\n'),
            '\n' if after_cr => {}
            _ => out.push(printable(c)),
        }
        after_cr = c == '\r';
    }
    Cow::Owned(out)
}

/// A text as a value that we write: separators escaped, line ends as `\.br\`. Where no escape character is declared,
/// separators become spaces.
pub fn encode<'t>(text: &'t str, separators: &Separators) -> Cow<'t, str> {
    let sequence = |c: char| -> Option<&'static str> {
        let b = u8::try_from(c).ok()?;
        Some(match b {
            _ if b == separators.field => "F",
            _ if b == separators.component => "S",
            _ if b == separators.subcomponent => "T",
            _ if b == separators.repetition => "R",
            _ if b == separators.escape => "E",
            _ if b == separators.truncation => "P",
            b'\r' | b'\n' => ".br",
            _ => return None,
        })
    };
    if !text.chars().any(|c| sequence(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' {
            chars.next_if_eq(&'\n');
        }
        match (sequence(c), separators.escape()) {
            (None, _) => out.push(c),
            (Some(_), None) => out.push(' '),
            (Some(name), Some(escape)) => {
                out.push(escape);
                out.push_str(name);
                out.push(escape);
            }
        }
    }
    Cow::Owned(out)
}
