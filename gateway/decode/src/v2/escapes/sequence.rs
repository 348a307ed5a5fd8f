//! Recognises one escape sequence.

use super::EXPANSION_MAX;
use crate::charset::Set;
use crate::v2::separators::Separators;

pub(super) enum Sequence<'t> {
    Character(char),
    /// Highlighting and filling have no meaning for a stored text.
    Nothing,
    Lines(usize),
    Spaces(usize),
    /// An even number of hexadecimal digits.
    Hex(&'t str),
    /// What follows is encoded in this set.
    Charset(Set),
    UnknownCharset,
    Local,
}

/// The sequence that starts at the beginning of `raw` (an escape character) and its length in bytes.
pub(super) fn next_sequence<'t>(raw: &'t str, separators: &Separators) -> Option<(Sequence<'t>, usize)> {
    let bytes = raw.as_bytes();
    let doubled = separators.escape_is_doubled && bytes.get(1) == Some(&separators.escape);
    let edge = if doubled { 2 } else { 1 };
    let body = bytes.get(edge..)?;
    let body_len = memchr::memchr(separators.escape, body)?;
    if doubled && body.get(body_len + 1) != Some(&separators.escape) {
        return None;
    }
    let text = raw.get(edge..edge + body_len)?;
    Some((meaning(text, separators)?, body_len + 2 * edge))
}

fn meaning<'t>(body: &'t str, separators: &Separators) -> Option<Sequence<'t>> {
    let rest = body.get(1..)?;
    Some(match body.as_bytes().first()? {
        b'.' => formatting(rest)?,
        b'X' | b'x' if !rest.is_empty() && rest.len().is_multiple_of(2) && is_hex(rest) => Sequence::Hex(rest),
        b'C' if rest.len() == 4 && is_hex(rest) => charset(rest),
        b'M' if matches!(rest.len(), 4 | 6) && is_hex(rest) => charset(rest),
        b'Z' => Sequence::Local,
        b'F' if rest.is_empty() => Sequence::Character(separators.field()),
        b'S' if rest.is_empty() => Sequence::Character(separators.component().unwrap_or('^')),
        b'T' if rest.is_empty() => Sequence::Character(separators.subcomponent().unwrap_or('&')),
        b'R' if rest.is_empty() => Sequence::Character(separators.repetition().unwrap_or('~')),
        b'E' if rest.is_empty() => Sequence::Character(separators.escape()?),
        b'P' if rest.is_empty() => Sequence::Character(separators.truncation().unwrap_or('#')),
        b'H' | b'N' if rest.is_empty() => Sequence::Nothing,
        _ => return None,
    })
}

/// `\.br\`, `\.sp+3\` and the other commands of formatted text.
fn formatting(command: &str) -> Option<Sequence<'static>> {
    let name = command.get(..2)?;
    let argument = command.get(2..)?.trim();
    let number = |absent: i64| match argument.strip_prefix('+').unwrap_or(argument) {
        "" => Some(absent),
        digits => digits.parse::<i64>().ok(),
    };
    let bounded = |n: i64| usize::try_from(n).unwrap_or(0).min(EXPANSION_MAX);
    Some(match name.to_ascii_lowercase().as_str() {
        "br" if argument.is_empty() => Sequence::Lines(1),
        // "end current output line": the centred one starts on its own
        "ce" if argument.is_empty() => Sequence::Lines(1),
        "sp" => Sequence::Lines(bounded(number(1)?)),
        "sk" => Sequence::Spaces(bounded(number(1)?)),
        // indents are kept where they widen a margin
        "in" | "ti" => Sequence::Spaces(bounded(number(0)?)),
        "fi" | "nf" if argument.is_empty() => Sequence::Nothing,
        _ => return None,
    })
}

fn charset(digits: &str) -> Sequence<'static> {
    let bytes: Vec<u8> = hex_bytes(digits).collect();
    match Set::from_escape(&bytes) {
        Some((set, len)) if len == bytes.len() => Sequence::Charset(set),
        _ => Sequence::UnknownCharset,
    }
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|b| b.is_ascii_hexdigit())
}

pub(super) fn hex_bytes(digits: &str) -> impl Iterator<Item = u8> + '_ {
    digits.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
}
