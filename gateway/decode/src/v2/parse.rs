//! Bytes of one message to an index of segments and fields: one pass over the text, nothing copied, nothing dropped.

use std::ops::Range;

use hutong_fhir::{Finding, Location, Severity};

use super::Limits;
use super::access::Reading;
use super::message::{Buffers, Message, Segment};
use super::separators::{self, Separators};
use super::{batch, escapes};
use crate::charset::Charset;

/// A message, whatever it is worth. A finding of severity Error means that it must be refused; the message then holds
/// as much as could be read, enough to answer it.
pub struct Parsed<'a> {
    pub message: Message<'a>,
    pub findings: Vec<Finding>,
}

/// Indexes one message ([`super::split_batch`] cuts a frame into messages).
pub fn parse<'a>(text: &'a str, limits: &Limits) -> Parsed<'a> {
    parse_into(text, limits, Buffers::default())
}

/// The same in memory that was used before.
pub fn parse_into<'a>(text: &'a str, limits: &Limits, mut buffers: Buffers) -> Parsed<'a> {
    buffers.segments.clear();
    buffers.fields.clear();
    let mut findings = Vec::new();
    let reading = Reading { separators: Separators::default(), charset: Charset::Utf8, has_controls: false };
    let mut message = Message { text, buffers, reading };
    if text.len() > limits.message_bytes_max.min(u32::MAX as usize) {
        findings.push(over("message_bytes_max", limits.message_bytes_max, Location::Whole));
        return Parsed { message, findings };
    }
    let (start, end) = batch::trim(text, 0, text.len());
    let body = text.get(..end).unwrap_or(text);
    let has_header = separated_name(body.as_bytes(), start).is_some_and(|(name, _)| name == *b"MSH");
    if has_header {
        message.reading.separators = Separators::read(body.get(start..).unwrap_or_default(), &mut findings);
    } else {
        findings.push(no_header());
    }
    let mut index = Index { bytes: body.as_bytes(), limits, separators: message.reading.separators, continued: None, odd_name: None };
    let over_limit = index.fill(start, &mut message.buffers);
    if let Some((limit, max, at)) = over_limit {
        findings.push(over(limit, max, message.locate(at)));
    }
    if let Some(at) = index.continued {
        message.reading.has_controls = true;
        findings.push(continued(&message, at));
    }
    if let Some(at) = index.odd_name {
        findings.push(odd_name(&message, at));
    }
    if over_limit.is_none() {
        check_long_fields(&message, limits, &mut findings);
    }
    check_controls(&mut message, start..end, &mut findings);
    escapes::check(&message, limits, &mut findings);
    Parsed { message, findings }
}

/// Builds the index.
struct Index<'t> {
    bytes: &'t [u8],
    limits: &'t Limits,
    separators: Separators,
    /// Where a line stands that is no segment: it was taken as part of the field before it.
    continued: Option<usize>,
    /// Where a segment stands whose name is indented or not in capitals.
    odd_name: Option<usize>,
}

impl Index<'_> {
    /// The limit that was passed, with its value and the place; the index then ends there.
    fn fill(&mut self, start: usize, buffers: &mut Buffers) -> Option<(&'static str, usize, usize)> {
        let bytes = self.bytes;
        let limits = self.limits;
        let mut open = self.begin(start, buffers)?;
        let mut at = open.start as usize;
        loop {
            let line = bytes.get(at..).unwrap_or_default();
            let line_end = memchr::memchr2(b'\r', b'\n', line).map_or(bytes.len(), |len| at + len);
            let fields_max = open.first as usize + limits.fields_per_segment_max;
            if let Some(passed) = push_fields(bytes, at..line_end, self.separators.field, &mut buffers.fields, fields_max) {
                close(&mut open, passed, buffers);
                return Some(("fields_per_segment_max", limits.fields_per_segment_max, passed));
            }
            let next = skip_blank(bytes, line_end);
            let ends = next >= bytes.len();
            if !ends && !self.begins_segment(next) {
                self.continued.get_or_insert(next);
                if buffers.fields.len() == open.first as usize {
                    buffers.fields.push(line_end as u32 + 1); // a name alone, then text: as if a separator stood between
                }
                at = next;
                continue;
            }
            close(&mut open, line_end, buffers);
            if ends {
                return None;
            }
            if buffers.segments.len() >= limits.segments_max {
                return Some(("segments_max", limits.segments_max, next));
            }
            open = self.begin(next, buffers)?;
            at = open.start as usize;
        }
    }

    /// Opens a segment whose name stands at or after `at`. A text that is no segment at all opens none.
    fn begin(&mut self, at: usize, buffers: &Buffers) -> Option<Segment> {
        let (name, start) = separated_name(self.bytes, at)?;
        if start != at || name.iter().any(u8::is_ascii_lowercase) {
            self.odd_name.get_or_insert(start);
        }
        let is_header = matches!(&name, b"MSH" | b"BHS" | b"FHS");
        Some(Segment { name, is_header, start: start as u32, end: start as u32, first: buffers.fields.len() as u32, fields: 0 })
    }

    /// Whether a line is a segment of this message: a name, then this message's separator or the line's end.
    fn begins_segment(&self, at: usize) -> bool {
        let Some((name, start)) = separated_name(self.bytes, at) else { return false };
        match self.bytes.get(start + 3) {
            Some(b) if *b == self.separators.field => true,
            None | Some(b'\r' | b'\n') => start == at && !name.iter().any(u8::is_ascii_lowercase),
            // a message that changes its separators has another header within
            Some(b) => name == *b"MSH" && separators::is_legal(*b),
        }
    }
}

/// How much of a line is indexed at a time.
const CHUNK_BYTES: usize = 64;

/// Adds the positions after each separator. Where there would be more than `max` positions, gives the place of the
/// separator that is too many.
///
/// Fields are a few bytes long, so that a search for each would cost more than it skips; a chunk without any is the
/// start of a long value, and then the next separator is searched for.
fn push_fields(bytes: &[u8], line: Range<usize>, separator: u8, fields: &mut Vec<u32>, max: usize) -> Option<usize> {
    let mut at = line.start;
    while at < line.end {
        let end = line.end.min(at + CHUNK_BYTES);
        let (places, found) = places_of(separator, bytes.get(at..end).unwrap_or_default());
        let places = places.get(..found).unwrap_or_default();
        fields.extend(places.iter().map(|place| at as u32 + u32::from(*place) + 1));
        if fields.len() > max {
            let passed = fields.get(max).map_or(end, |start| *start as usize - 1);
            fields.truncate(max);
            return Some(passed);
        }
        at = end;
        if found == 0 {
            let rest = bytes.get(at..line.end).unwrap_or_default();
            at += memchr::memchr(separator, rest).unwrap_or(rest.len());
        }
    }
    None
}

/// Where in a chunk a byte stands, and how often: eight bytes at a time, as the bits of a word.
fn places_of(byte: u8, chunk: &[u8]) -> ([u8; CHUNK_BYTES], usize) {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let (mut places, mut found, mut base) = ([0u8; CHUNK_BYTES], 0usize, 0u32);
    let pattern = u64::from_ne_bytes([byte; 8]);
    let (words, rest) = chunk.as_chunks::<8>();
    for word in words {
        let difference = u64::from_le_bytes(*word) ^ pattern;
        // the high bit of each byte that does not differ
        let mut hits = !(((difference & LOW) + LOW) | difference | LOW);
        while hits != 0 {
            // a chunk has no more places than bytes
            places[found % CHUNK_BYTES] = (base + (hits.trailing_zeros() >> 3)) as u8;
            found += 1;
            hits &= hits - 1;
        }
        base += 8;
    }
    for (i, _) in rest.iter().enumerate().filter(|(_, b)| **b == byte) {
        places[found % CHUNK_BYTES] = base as u8 + i as u8;
        found += 1;
    }
    (places, found)
}

/// Ends a segment before `end`.
fn close(open: &mut Segment, end: usize, buffers: &mut Buffers) {
    open.end = end as u32;
    open.fields = buffers.fields.len() as u32 - open.first;
    buffers.segments.push(*open);
}

/// From the line end at `at` to the next line that is not blank, whose indentation is kept.
fn skip_blank(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(text) = rest.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')) else { return bytes.len() };
    let line = rest.get(..text).unwrap_or_default().iter().rposition(|b| matches!(b, b'\r' | b'\n')).map_or(0, |i| i + 1);
    at + line
}

/// A segment name (a letter and two letters or digits) at `at`, blanks before it skipped, that no letter or digit
/// follows; with its position.
fn separated_name(bytes: &[u8], at: usize) -> Option<([u8; 3], usize)> {
    let line = bytes.get(at..)?;
    let blanks = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let name: [u8; 3] = line.get(blanks..)?.get(..3)?.try_into().ok()?;
    let [first, rest @ ..] = name;
    let is_name = first.is_ascii_alphabetic() && rest.iter().all(u8::is_ascii_alphanumeric);
    let stands_alone = line.get(blanks + 3).is_none_or(|b| separators::is_legal(*b) || matches!(b, b'\r' | b'\n'));
    (is_name && stands_alone).then_some((name, at + blanks))
}

/// Size, repetitions and escapes matter in fields that are long enough to hold that many.
fn check_long_fields(message: &Message<'_>, limits: &Limits, findings: &mut Vec<Finding>) {
    let shortest = limits.field_bytes_max.min(limits.repetitions_max).min(limits.escapes_per_field_max);
    let separators = message.reading.separators;
    for segment in message.iter().filter(|segment| segment.len() > shortest) {
        for n in 1..=segment.field_count() {
            let raw = segment.field(n).raw().as_bytes();
            if raw.len() <= shortest {
                continue;
            }
            let count = |separator: u8, max: usize| raw.len() > max && memchr::memchr_iter(separator, raw).take(max + 1).count() > max;
            let passed = if raw.len() > limits.field_bytes_max {
                ("field_bytes_max", limits.field_bytes_max)
            } else if count(separators.repetition, limits.repetitions_max.saturating_sub(1)) {
                ("repetitions_max", limits.repetitions_max)
            } else if count(separators.escape, limits.escapes_per_field_max.saturating_mul(2)) {
                ("escapes_per_field_max", limits.escapes_per_field_max)
            } else {
                continue;
            };
            findings.push(over(passed.0, passed.1, segment.location(n)));
            return;
        }
    }
}

/// NUL refuses the message (M18); other control characters are reported, and read as spaces or line ends.
fn check_controls(message: &mut Message<'_>, part: Range<usize>, findings: &mut Vec<Finding>) {
    let start = part.start;
    let bytes = message.text.as_bytes().get(part).unwrap_or_default();
    let is_control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r') || *b == 0x7f;
    // without a branch for each byte, which the compiler turns into vector code
    if !bytes.iter().fold(false, |any, b| any | is_control(b)) {
        return;
    }
    message.reading.has_controls = true;
    if let Some(at) = memchr::memchr(0, bytes) {
        findings.push(nul(message.locate(start + at), start + at));
    }
    if let Some((at, code)) = bytes.iter().enumerate().find(|(_, b)| **b != 0 && is_control(b)) {
        let at = start + at;
        findings.push(
            Finding::new(Severity::Warning, "hl7.control_character", "value", 102)
                .at(message.locate(at))
                .with_value(format!("offset={at} byte={code:02X}"))
                .says(
                    format!("字段中有控制字符 {code:02X}，已按空格或换行读取"),
                    format!("the field holds control character {code:02X}, which was read as a space or a line end"),
                ),
        );
    }
}

pub(super) fn nul(location: Location, at: usize) -> Finding {
    Finding::new(Severity::Error, "hl7.nul", "value", 102).at(location).with_value(format!("offset={at}")).says(
        "字段中有 NUL（00）字节，消息不能接收；请检查发送方的字符串处理",
        "the field holds a NUL (00) byte, so the message cannot be taken; check the sender's string handling",
    )
}

fn no_header() -> Finding {
    let mut finding = Finding::new(Severity::Error, "hl7.no_msh", "structure", 100)
        .at(Location::V2 { segment: "MSH".into(), sequence: 1, field: 0, repetition: 0, component: 0, subcomponent: 0 })
        .says("消息不以 MSH 段开始，无法读取", "the message does not start with an MSH segment and cannot be read");
    finding.value = Some("offset=0".into());
    finding
}

fn over(limit: &str, max: usize, at: Location) -> Finding {
    Finding::new(Severity::Error, "hl7.limit", "too-long", 104).at(at).with_value(format!("{limit}={max}")).says(
        format!("消息超过了限制 {limit}（{max}）；请拆分消息，或由管理员调整该来源的限制"),
        format!("the message passes the limit {limit} ({max}); split it, or have the limit for this source changed"),
    )
}

fn continued(message: &Message<'_>, at: usize) -> Finding {
    Finding::new(Severity::Warning, "hl7.segment.continued", "structure", 0).at(message.locate(at)).with_value(format!("offset={at}")).says(
        "字段中有未转义的换行，该行不是段，已作为前一字段的续行读取；换行应写作 \\.br\\",
        "a line is no segment and was read as part of the field before it: a line end within a field is written \\.br\\",
    )
}

fn odd_name(message: &Message<'_>, at: usize) -> Finding {
    Finding::new(Severity::Warning, "hl7.segment.name", "structure", 0)
        .at(message.locate(at))
        .with_value(format!("offset={at}"))
        .says("段名前有空格或段名不是大写", "a segment's name is indented or not in capitals")
}
