//! A message: its text and an index of segments and fields. Everything below a field is split when it is asked for.

use hutong_fhir::Location;

use super::access::{FieldRef, Reading};
use super::separators::Separators;
use crate::charset::Charset;

/// One segment's place in the index.
#[derive(Clone, Copy)]
pub struct Segment {
    /// The three bytes of its name.
    pub(super) name: [u8; 3],
    /// MSH, BHS and FHS: field 1 is the separator itself.
    pub(super) is_header: bool,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Where its fields begin in the index, and how many there are.
    pub(super) first: u32,
    pub(super) fields: u32,
}

/// The memory of an index, to be used again for the next message.
#[derive(Default)]
pub struct Buffers {
    pub(super) segments: Vec<Segment>,
    /// Start of each field of each segment, in order.
    pub(super) fields: Vec<u32>,
}

/// One message, borrowed from its text. Positions are byte offsets in that text.
pub struct Message<'a> {
    pub(super) text: &'a str,
    pub(super) buffers: Buffers,
    pub(super) reading: Reading,
}

impl<'a> Message<'a> {
    pub fn text(&self) -> &'a str {
        self.text
    }

    pub fn separators(&self) -> Separators {
        self.reading.separators
    }

    /// The charset in which `\X..\` escapes are read; UTF-8 unless [`Message::set_charset`] was called.
    pub fn charset(&self) -> Charset {
        self.reading.charset
    }

    pub fn set_charset(&mut self, charset: Charset) {
        self.reading.charset = charset;
    }

    pub fn segments(&self) -> &[Segment] {
        &self.buffers.segments
    }

    pub fn segment_count(&self) -> usize {
        self.buffers.segments.len()
    }

    /// The segment at `index` (from 0, in the order of the message).
    #[inline]
    pub fn segment(&self, index: usize) -> Option<SegmentRef<'_>> {
        self.buffers.segments.get(index).map(|segment| SegmentRef { message: self, segment, index })
    }

    /// All segments in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = SegmentRef<'_>> {
        self.buffers.segments.iter().enumerate().map(|(index, segment)| SegmentRef { message: self, segment, index })
    }

    /// The first segment of that name.
    pub fn first(&self, name: &str) -> Option<SegmentRef<'_>> {
        self.iter().find(|segment| segment.segment.name == name.as_bytes())
    }

    /// MSH; `None` only where parsing found none.
    pub fn header(&self) -> Option<SegmentRef<'_>> {
        self.segment(0).filter(|segment| segment.segment.name == *b"MSH")
    }

    /// The field (and within it repetition, component and subcomponent) that holds byte `offset`; a part that is its
    /// parent's first is not numbered unless others follow.
    pub fn locate(&self, offset: usize) -> Location {
        let at = u32::try_from(offset).unwrap_or(u32::MAX);
        let index = self.buffers.segments.partition_point(|segment| segment.start <= at);
        let Some(segment) = index.checked_sub(1).and_then(|index| self.segment(index)) else { return Location::Byte(offset) };
        let range = self.field_starts(segment.segment);
        let before = range.partition_point(|start| *start <= at);
        if before == 0 {
            return segment.location(0);
        }
        let number = if segment.counts_its_separator() { before + 1 } else { before };
        let field = segment.field(number);
        field.locate(at, segment.location(number))
    }

    /// Gives the index's memory back.
    pub fn into_buffers(self) -> Buffers {
        self.buffers
    }

    #[inline]
    pub(super) fn field_starts(&self, segment: &Segment) -> &[u32] {
        let first = segment.first as usize;
        self.buffers.fields.get(first..first + segment.fields as usize).unwrap_or_default()
    }
}

/// A segment within its message.
#[derive(Clone, Copy)]
pub struct SegmentRef<'m> {
    message: &'m Message<'m>,
    segment: &'m Segment,
    index: usize,
}

impl<'m> SegmentRef<'m> {
    #[inline]
    pub fn name(&self) -> &'m str {
        let start = self.segment.start as usize;
        self.message.text.get(start..start + 3).unwrap_or_default()
    }

    /// From 0, in the order of the message.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Which of the segments of its name it is, from 1 (the ERL of ERR-2).
    pub fn sequence(&self) -> u32 {
        let before = self.message.buffers.segments.iter().take(self.index).filter(|other| other.name == self.segment.name).count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(super) fn len(&self) -> usize {
        self.segment.end.saturating_sub(self.segment.start) as usize
    }

    /// The segment as it stands, without its terminator.
    pub fn raw(&self) -> &'m str {
        self.message.text.get(self.segment.start as usize..self.segment.end as usize).unwrap_or_default()
    }

    /// Byte offset of the segment in the message's text.
    pub fn offset(&self) -> usize {
        self.segment.start as usize
    }

    /// The number of the last field that is there, as HL7 counts (MSH-1 is the separator itself).
    pub fn field_count(&self) -> usize {
        self.segment.fields as usize + usize::from(self.counts_its_separator())
    }

    /// Field `n` as HL7 counts, from 1. One that is not there is empty and stands at the segment's end.
    #[inline]
    pub fn field(&self, n: usize) -> FieldRef<'m> {
        if self.counts_its_separator() { self.header_field(n) } else { self.nth_field(n, &self.message.reading) }
    }

    fn header_field(&self, n: usize) -> FieldRef<'m> {
        match n {
            1 => {
                let start = self.segment.start + 3;
                FieldRef::new(self.message.text, &Reading::PLAIN, start, (start + 1).min(self.segment.end))
            }
            2 => self.nth_field(1, &Reading::PLAIN),
            _ => self.nth_field(n.saturating_sub(1), &self.message.reading),
        }
    }

    /// The stretch after the `n`th separator.
    #[inline]
    fn nth_field(&self, n: usize, reading: &'m Reading) -> FieldRef<'m> {
        let starts = self.message.field_starts(self.segment);
        let (start, end) = match n.checked_sub(1).and_then(|i| starts.get(i)) {
            Some(start) => (*start, starts.get(n).map_or(self.segment.end, |next| next - 1)),
            None => (self.segment.end, self.segment.end),
        };
        FieldRef::new(self.message.text, reading, start, end)
    }

    /// The ERL of field `n` of this segment; 0 = the segment itself.
    pub fn location(&self, n: usize) -> Location {
        Location::V2 {
            segment: self.name().to_owned(),
            sequence: self.sequence(),
            field: u32::try_from(n).unwrap_or(u32::MAX),
            repetition: 0,
            component: 0,
            subcomponent: 0,
        }
    }

    #[inline]
    fn counts_its_separator(&self) -> bool {
        self.segment.is_header
    }
}

impl Segment {
    /// Its name; `???` where it is not ASCII, which parsing does not let through.
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.name).unwrap_or("???")
    }
}
