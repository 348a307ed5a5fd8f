//! The fields of a message in one table: where each stands, and what of it has been read. What has not is told at the
//! end: nothing is dropped in silence.

use hutong_decode::v2::Message;

use super::value::View;
use crate::Unread;
use crate::plan::Plan;

/// All fields of all segments.
#[derive(Default)]
pub(crate) struct Fields {
    segments: Vec<Segment>,
    /// Those of a segment stand together; the first is no field, so that a field's number is its place.
    fields: Vec<Field>,
}

#[derive(Clone, Copy)]
struct Segment {
    base: u32,
    /// Which fields are there; those from 63 on share the last bit.
    mask: u64,
}

/// A field: byte offsets in the message's text, and what was read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Field {
    pub start: u32,
    /// Behind its first repetition.
    pub first: u32,
    pub end: u32,
    /// Bit 0: the whole; bit n: component n, the last bit all from 31 on.
    components: u32,
    repetitions: u32,
}

const BITS: u32 = 31;

impl Fields {
    pub(crate) fn new(message: &Message<'_>) -> Fields {
        let separators = message.separators();
        let byte = |c: Option<char>| c.and_then(|c| u8::try_from(c).ok()).unwrap_or(0);
        let (separator, repetition) = (byte(Some(separators.field())), byte(separators.repetition()));
        let count = message.segment_count();
        let mut out = Fields { segments: Vec::with_capacity(count), fields: Vec::with_capacity(count * 16) };
        for segment in message.iter() {
            let base = out.fields.len() as u32;
            let offset = segment.offset() as u32;
            let raw = segment.raw().as_bytes();
            out.fields.push(Field::default());
            let mut mask = 0;
            if matches!(segment.name(), "MSH" | "BHS" | "FHS") {
                // their first field is the separator itself
                out.fields.push(Field { start: offset + 3, first: offset + 4, end: offset + 4, ..Field::default() });
                mask = 0b10;
            }
            // the name stands in front of the first separator
            let mut field: Option<Field> = None;
            for at in memchr::memchr2_iter(separator, repetition, raw).chain([raw.len()]) {
                let place = offset + at as u32;
                if let Some(f) = &mut field {
                    f.first = f.first.min(place);
                    if raw.get(at) == Some(&repetition) && at < raw.len() && repetition != separator {
                        continue;
                    }
                    f.end = place;
                    if f.end > f.start {
                        mask |= 1 << (out.fields.len() as u32 - base).min(63);
                    }
                    out.fields.push(*f);
                } else if raw.get(at) == Some(&repetition) && repetition != separator {
                    continue;
                }
                field = Some(Field { start: place + 1, first: u32::MAX, ..Field::default() });
            }
            out.segments.push(Segment { base, mask });
        }
        out
    }

    /// Which fields of a segment are there.
    pub(crate) fn mask(&self, segment: u32) -> u64 {
        self.segments.get(segment as usize).map_or(0, |s| s.mask)
    }

    fn place(&self, segment: u32, field: u16) -> Option<usize> {
        let base = self.segments.get(segment as usize)?.base;
        let end = self.segments.get(segment as usize + 1).map_or(self.fields.len(), |s| s.base as usize);
        let at = base as usize + field as usize;
        (at < end).then_some(at)
    }

    pub(crate) fn get(&self, segment: u32, field: u16) -> Option<Field> {
        self.fields.get(self.place(segment, field)?).copied()
    }

    /// `whole`: all of the view; otherwise its first component.
    pub(crate) fn mark(&mut self, v: &View<'_>, whole: bool) {
        let component = match (v.component, whole) {
            (0, true) => 0,
            (0, false) => 1,
            (n, _) => n,
        };
        self.note(v.segment, v.field, v.repetition, component);
    }

    /// Notes that a component (0: all of them) of a repetition (from 0) was read.
    pub(crate) fn note(&mut self, segment: u32, field: u16, repetition: u16, component: u8) {
        let place = self.place(segment, field);
        if let Some(f) = place.and_then(|p| self.fields.get_mut(p)) {
            f.components |= 1 << u32::from(component).min(BITS);
            f.repetitions |= 1 << u32::from(repetition).min(BITS);
        }
    }

    /// What was not read, in the order of the message.
    pub(crate) fn unread(&self, message: &Message<'_>, plan: &Plan) -> Vec<Unread> {
        let mut out = Vec::new();
        for (i, segment) in message.iter().enumerate() {
            let Some(known) = self.segments.get(i) else { continue };
            let last = self.segments.get(i + 1).map_or(self.fields.len(), |s| s.base as usize);
            let fields = self.fields.get(known.base as usize..last).unwrap_or(&[]);
            for (n, read) in fields.iter().enumerate().skip(1) {
                let all = read.components & 1 != 0 && read.first == read.end;
                if read.start >= read.end || all || plan.is_bookkeeping(segment.name(), n) {
                    continue;
                }
                let field = segment.field(n);
                if field.is_null() {
                    continue;
                }
                let add = |repetition: u16, component: u8, start: usize, out: &mut Vec<Unread>| {
                    out.push(Unread { segment: i as u32, field: n as u16, repetition, component, start: start as u32 });
                };
                if read.components == 0 {
                    add(0, 0, field.offset(), &mut out);
                    continue;
                }
                for (r, rep) in field.repetitions().enumerate() {
                    if rep.is_empty() {
                        continue;
                    }
                    if read.repetitions & (1 << (r as u32).min(BITS)) == 0 {
                        add(r as u16 + 1, 0, rep.offset(), &mut out);
                    } else if read.components & 1 == 0 {
                        // MSH-9.3 names the structure, which follows from the event
                        let parts = if (segment.name(), n) == ("MSH", 9) { 2 } else { usize::MAX };
                        for (c, part) in rep.components().enumerate().take(parts).filter(|(_, p)| !p.is_empty()) {
                            if read.components & (1 << (c as u32 + 1).min(BITS)) == 0 {
                                add(r as u16 + 1, (c + 1).min(255) as u8, part.offset(), &mut out);
                            }
                        }
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_decode::v2::{Limits, parse};

    #[test]
    fn the_table_says_what_decode_says() {
        for text in [
            "MSH|^~\\&|A|B|||2020||ADT^A01|1|P|2.5\rPID|1||7~8^^^X~||a^b|||~x|\rPV1\rZZZ|~|a~b~c",
            "MSH|^~\\&\rPID|||\"\"|",
            "MSH#*~\\&#A\rPID#1#a~b",
        ] {
            let parsed = parse(text, &Limits::default());
            let fields = Fields::new(&parsed.message);
            for segment in parsed.message.iter() {
                let i = segment.index() as u32;
                for n in 1..=segment.field_count() + 1 {
                    let field = segment.field(n);
                    let known = fields.get(i, n as u16).unwrap_or_default();
                    let there = |r: std::ops::Range<u32>| text.get(r.start as usize..r.end as usize).unwrap_or("");
                    assert_eq!(there(known.start..known.end.max(known.start)), field.raw(), "{} {n} of {text}", segment.name());
                    assert_eq!(fields.mask(i) & (1 << n) != 0, !field.is_empty(), "{} {n} of {text}", segment.name());
                    if segment.name() != "MSH" {
                        assert_eq!(
                            there(known.start..known.first.max(known.start)),
                            field.rep(0).raw(),
                            "{} {n} of {text}",
                            segment.name()
                        );
                    }
                }
            }
        }
    }
}
