//! Reads MSH from bytes whose charset is not known yet.
//!
//! MSH-3 to MSH-6 can hold Chinese names, and in GBK a name's byte can equal the field separator. So bytes of
//! multi-byte characters are stepped over: as UTF-8 where the line is valid UTF-8, else as pairs led by 81 to FE
//! (GB18030, Big5, EUC-KR), and what stands between `ESC $` and `ESC (` is never a delimiter (ISO-2022-JP).

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

/// MSH-18 as it stands.
pub(super) struct CharsetField<'a> {
    raw: &'a [u8],
    repetition_separator: u8,
}

impl CharsetField<'_> {
    /// The names declared, repetition by repetition; an empty first repetition is skipped.
    pub(super) fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.raw
            .split(|b| *b == self.repetition_separator)
            .map(|name| String::from_utf8_lossy(name.trim_ascii()))
            .filter(|name| !name.is_empty() && name != "\"\"")
    }

    pub(super) fn is_same_as(&self, other: &CharsetField<'_>) -> bool {
        self.raw == other.raw
    }

    fn is_known(&self) -> bool {
        self.names().next().is_some_and(|name| super::declared::from_name(&name).is_some())
    }
}

/// MSH-18 of each message in turn; absent ones count as empty.
pub(super) fn charset_fields(raw: &[u8]) -> impl Iterator<Item = CharsetField<'_>> {
    headers(raw).map(|line| {
        let utf8 = is_utf8(line);
        let field = read_field(line, utf8);
        if !utf8 && !field.is_known() {
            // in Latin-1 a high byte stands alone, also before a separator
            let singly = read_field(line, true);
            if singly.is_known() {
                return singly;
            }
        }
        field
    })
}

fn read_field(line: &[u8], singly: bool) -> CharsetField<'_> {
    let separator = line.get(3).copied().unwrap_or(b'|');
    let repetition_separator = line.get(5).copied().filter(|b| *b != separator).unwrap_or(b'~');
    // MSH-1 is the separator itself, so the piece after n separators is MSH-(n+1)
    let raw = if singly && memchr::memchr(0x1b, line).is_none() {
        line.split(|b| *b == separator).nth(17)
    } else {
        Pieces { line, separator, singly, at: Some(0) }.nth(17)
    };
    CharsetField { raw: raw.unwrap_or_default(), repetition_separator }
}

fn is_utf8(line: &[u8]) -> bool {
    encoding_rs::Encoding::utf8_valid_up_to(line) == line.len()
}

/// The first MSH segment with each character that is not ASCII replaced by `?`: enough to answer a frame that could not
/// be decoded (MSH-3 to MSH-6, MSH-10, MSH-15 and 16). `None` where there is no MSH.
pub fn header_text(raw: &[u8]) -> Option<String> {
    let line = headers(raw).next()?;
    let utf8 = is_utf8(line);
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        let width = width_at(line, at, utf8);
        match byte {
            b' '..=b'~' if width == 1 => text.push(char::from(byte)),
            _ => text.push('?'),
        }
        at += width;
    }
    Some(text)
}

/// The lines that start with `MSH` and a delimiter.
fn headers(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"MSH"));
    NAME.find_iter(raw).filter_map(move |at| {
        let begins_line = raw.get(..at)?.iter().rev().find(|b| !matches!(**b, b' ' | b'\t'));
        // 0B is the start byte of MLLP, BF the last of a byte order mark
        let begins_line = matches!(begins_line, None | Some(b'\r' | b'\n' | 0x0b | 0xbf));
        let line = raw.get(at..)?;
        let delimited = line.get(3).is_some_and(u8::is_ascii_punctuation);
        let end = memchr::memchr2(b'\r', b'\n', line).unwrap_or(line.len());
        (begins_line && delimited).then(|| line.get(..end)).flatten()
    })
}

/// The pieces of a line between separators that are characters of their own.
struct Pieces<'a> {
    line: &'a [u8],
    separator: u8,
    singly: bool,
    at: Option<usize>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let from = self.at?;
        let mut to = from;
        while let Some(&byte) = self.line.get(to) {
            let width = width_at(self.line, to, self.singly);
            if width == 1 && byte == self.separator {
                self.at = Some(to + 1);
                return self.line.get(from..to);
            }
            to += width;
        }
        self.at = None;
        self.line.get(from..)
    }
}

/// How many bytes belong together at `at`: a character, or a whole run of ISO-2022-JP.
fn width_at(line: &[u8], at: usize, singly: bool) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    match rest {
        [0x1b, b'$', run @ ..] => 2 + memchr::memmem::find(run, b"\x1b(").map_or(run.len(), |end| (end + 3).min(run.len())),
        [first, second, ..] if !singly && (0x81..=0xfe).contains(first) && *second >= 0x40 => 2,
        [first, second, _, _, ..] if !singly && (0x81..=0xfe).contains(first) && second.is_ascii_digit() => 4,
        _ => 1,
    }
}
