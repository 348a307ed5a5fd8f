//! Which values of a message no line has read.

use hutong_decode::v2::Message;

use super::value::View;
use crate::Unread;
use crate::plan::Plan;

/// For each field of each segment: which components and which repetitions were read.
#[derive(Default)]
pub(crate) struct Reads {
    /// Where the fields of a segment begin in `fields`.
    bases: Vec<u32>,
    fields: Vec<Field>,
}

#[derive(Clone, Copy, Default)]
struct Field {
    /// Bit 0: the whole; bit n: component n, the last bit all from 31 on.
    components: u32,
    repetitions: u32,
    /// There is one repetition.
    single: bool,
}

const BITS: u32 = 31;

impl Reads {
    pub(crate) fn new(message: &Message<'_>) -> Reads {
        let mut bases = Vec::with_capacity(message.segment_count() + 1);
        let mut total = 0u32;
        for segment in message.iter() {
            bases.push(total);
            total = total.saturating_add(segment.field_count() as u32 + 1);
        }
        Reads { bases, fields: vec![Field::default(); total as usize] }
    }

    fn get(&mut self, segment: u32, field: u16) -> Option<&mut Field> {
        let base = *self.bases.get(segment as usize)?;
        let end = self.bases.get(segment as usize + 1).map_or(self.fields.len(), |b| *b as usize);
        let at = base as usize + field as usize;
        if at < end { self.fields.get_mut(at) } else { None }
    }

    /// Notes that a field does not repeat.
    pub(crate) fn single(&mut self, segment: u32, field: u16) {
        if let Some(f) = self.get(segment, field) {
            f.single = true;
        }
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
        if let Some(f) = self.get(segment, field) {
            f.components |= 1 << u32::from(component).min(BITS);
            f.repetitions |= 1 << u32::from(repetition).min(BITS);
        }
    }

    /// What was not read, in the order of the message. MSH-1 and MSH-2 are how the message is written.
    pub(crate) fn unread(&self, message: &Message<'_>, plan: &Plan, present: &[u64]) -> Vec<Unread> {
        let mut out = Vec::new();
        for (i, segment) in message.iter().enumerate() {
            let Some(base) = self.bases.get(i) else { continue };
            let mask = match present.get(i) {
                Some(0) | None => super::presence::segment(message, i as u32),
                Some(known) => *known,
            };
            let first = if segment.name() == "MSH" { 3 } else { 1 };
            for n in first..=segment.field_count() {
                if n < 63 && mask & (1 << n) == 0 {
                    continue;
                }
                let Some(read) = self.fields.get(*base as usize + n) else { continue };
                if read.single && read.components & 1 != 0 {
                    continue;
                }
                let field = segment.field(n);
                if field.is_empty() || field.is_null() || plan.is_bookkeeping(segment.name(), n) {
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
                        for (c, part) in rep.components().enumerate().filter(|(_, p)| !p.is_empty()) {
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
