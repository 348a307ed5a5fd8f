//! Cuts a frame or a file into messages: one message, messages written one after the other, or batches and files with
//! their headers and trailers (FHS, BHS, BTS, FTS), whose counts are checked.

use hutong_fhir::{Finding, Location, Severity};

use super::separators::{self, Separators};

/// Parts of one frame. What comes after stays together as one part, which is refused.
const PARTS_MAX: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartKind {
    /// One message for [`super::parse`]; text that no header precedes is one too, so that it is refused and not lost.
    Message,
    FileHeader,
    BatchHeader,
    BatchTrailer,
    FileTrailer,
}

/// A stretch of a frame.
pub struct BatchPart<'a> {
    pub kind: PartKind,
    pub text: &'a str,
    /// Byte offset of `text` in the frame's text.
    pub offset: usize,
    /// What is wrong with a header or trailer.
    pub findings: Vec<Finding>,
}

/// The parts of a frame in order; at least one, also of an empty frame.
pub fn split_batch(text: &str) -> Vec<BatchPart<'_>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut kind = PartKind::Message;
    let mut is_full = false;
    let starts = PartStarts { bytes: text.as_bytes(), line: Some(0) };
    for (at, next) in starts {
        if parts.len() >= PARTS_MAX {
            is_full = true;
            break;
        }
        push(text, start, at, kind, &mut parts);
        (start, kind) = (at, next);
    }
    push(text, start, text.len(), kind, &mut parts);
    if parts.is_empty() {
        parts.push(BatchPart { kind: PartKind::Message, text: "", offset: 0, findings: Vec::new() });
    }
    if parts.len() > 1 || parts.iter().any(|part| part.kind != PartKind::Message) {
        check_counts(&mut parts);
    }
    if let Some(rest) = parts.last_mut().filter(|_| is_full) {
        rest.kind = PartKind::Message;
        rest.findings.push(too_many());
    }
    parts
}

/// The stretch between `start` and `end` without what surrounds messages: blanks, line ends, MLLP's block characters
/// and byte order marks.
pub(super) fn trim(text: &str, start: usize, end: usize) -> (usize, usize) {
    let around = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{b}' | '\u{1c}' | '\u{feff}');
    let stretch = text.get(start..end).unwrap_or_default();
    let from = start + (stretch.len() - stretch.trim_start_matches(around).len());
    let to = start + stretch.trim_end_matches(['\r', '\n', '\u{b}', '\u{1c}']).len();
    (from, to.max(from))
}

fn push<'a>(text: &'a str, start: usize, end: usize, kind: PartKind, parts: &mut Vec<BatchPart<'a>>) {
    let (from, to) = trim(text, start, end);
    if from < to {
        parts.push(BatchPart { kind, text: text.get(from..to).unwrap_or_default(), offset: from, findings: Vec::new() });
    }
}

/// Where lines begin that start a part.
struct PartStarts<'t> {
    bytes: &'t [u8],
    /// The next line to look at.
    line: Option<usize>,
}

impl Iterator for PartStarts<'_> {
    type Item = (usize, PartKind);

    fn next(&mut self) -> Option<(usize, PartKind)> {
        loop {
            let at = self.line?;
            let rest = self.bytes.get(at..)?;
            // line ends, indentation, and what MLLP and editors put before a message
            let before = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n' | b' ' | b'\t' | 0xef | 0xbb | 0xbf | 0x0b)).count();
            let line = rest.get(before..)?;
            self.line = memchr::memchr3(b'\r', b'\n', 0x0b, line).map(|len| at + before + len);
            if let Some(kind) = kind_of(line) {
                return Some((at + before, kind));
            }
        }
    }
}

/// What a line starts, if it starts a part.
fn kind_of(line: &[u8]) -> Option<PartKind> {
    let kind = match line.get(..3)? {
        b"MSH" => PartKind::Message,
        b"FHS" => PartKind::FileHeader,
        b"BHS" => PartKind::BatchHeader,
        b"BTS" => PartKind::BatchTrailer,
        b"FTS" => PartKind::FileTrailer,
        _ => return None,
    };
    let follows = line.get(3);
    let is_trailer = matches!(kind, PartKind::BatchTrailer | PartKind::FileTrailer);
    let whole = follows.is_some_and(|b| separators::is_legal(*b)) || is_trailer && matches!(follows, None | Some(b'\r' | b'\n'));
    whole.then_some(kind)
}

/// BTS-1 tells how many messages a batch holds, FTS-1 how many batches a file holds.
fn check_counts(parts: &mut [BatchPart<'_>]) {
    let (mut messages, mut batches) = (0usize, 0usize);
    let (mut open_batch, mut open_file) = (None, None);
    let mut separator = '|';
    let mut unclosed = Vec::new();
    for (i, part) in parts.iter_mut().enumerate() {
        match part.kind {
            PartKind::Message => messages += 1,
            PartKind::FileHeader | PartKind::BatchHeader => {
                separator = Separators::read(part.text, &mut part.findings).field();
                let open = if part.kind == PartKind::FileHeader { &mut open_file } else { &mut open_batch };
                unclosed.extend(open.replace(i));
                if part.kind == PartKind::BatchHeader {
                    messages = 0;
                } else {
                    batches = 0;
                }
            }
            PartKind::BatchTrailer => {
                check_count(part, separator, messages);
                if open_batch.take().is_none() {
                    part.findings.push(unpaired("BTS", "BHS"));
                }
                messages = 0;
                batches += 1;
            }
            PartKind::FileTrailer => {
                check_count(part, separator, batches);
                if open_file.take().is_none() {
                    part.findings.push(unpaired("FTS", "FHS"));
                }
            }
        }
    }
    for i in unclosed.into_iter().chain(open_batch).chain(open_file) {
        let Some(part) = parts.get_mut(i) else { continue };
        let names = if part.kind == PartKind::FileHeader { ("FHS", "FTS") } else { ("BHS", "BTS") };
        part.findings.push(unpaired(names.0, names.1));
    }
}

fn check_count(part: &mut BatchPart<'_>, separator: char, actual: usize) {
    let name = part.text.get(..3).unwrap_or_default();
    let told = part.text.split([separator, '\r', '\n']).nth(1).unwrap_or_default().trim();
    if told.is_empty() || told.parse() == Ok(actual) {
        return;
    }
    part.findings.push(
        Finding::new(Severity::Warning, "hl7.batch.count", "value", 102)
            .at(location(name, 1))
            .with_value(told)
            .says(format!("{name}-1 的计数与实际（{actual}）不符"), format!("the count in {name}-1 differs from what is there ({actual})")),
    );
}

fn too_many() -> Finding {
    Finding::new(Severity::Error, "hl7.limit", "too-long", 104).with_value(format!("parts_max={PARTS_MAX}")).says(
        format!("一批消息超过 {PARTS_MAX} 条，其余部分没有读取；请分批发送"),
        format!("a batch of more than {PARTS_MAX} messages: the rest was not read; send it in several batches"),
    )
}

fn unpaired(has: &str, lacks: &str) -> Finding {
    Finding::new(Severity::Warning, "hl7.batch.unpaired", "structure", 100)
        .at(location(has, 0))
        .says(format!("{has} 没有对应的 {lacks}，批次可能不完整"), format!("{has} has no matching {lacks}; the batch may be incomplete"))
}

fn location(segment: &str, field: u32) -> Location {
    Location::V2 { segment: segment.to_owned(), sequence: 1, field, repetition: 0, component: 0, subcomponent: 0 }
}
