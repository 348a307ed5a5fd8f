//! Which fields of a segment, or components of a value, are there at all: a bit each.

use super::Exec;
use super::value::{Slot, Val, View};
use crate::plan::{MSH, Needs};

/// What is known of a slot's content: which parts of it are there, and where its first components end.
#[derive(Clone, Copy, Default)]
pub(crate) struct Present {
    pub mask: u64,
    /// Behind the last byte of each component; `u16::MAX`: not worked out.
    ends: [u16; ENDS],
}

/// Most coded values and identifiers are read in their first components only.
const ENDS: usize = 12;

impl Present {
    fn whole(mask: u64) -> Present {
        Present { mask, ends: [u16::MAX; ENDS] }
    }

    /// Component `n` of a value as a range of bytes.
    pub(super) fn part(&self, n: u8) -> Option<(usize, usize)> {
        let end = *self.ends.get(usize::from(n).checked_sub(1)?)?;
        let start = match n {
            1 => 0,
            _ => *self.ends.get(usize::from(n) - 2)? as usize + 1,
        };
        (end != u16::MAX).then_some((start, end as usize))
    }
}

impl<'m> Exec<'m> {
    pub(super) fn presence(&self, slot: &Slot<'m>) -> Present {
        match slot {
            Slot::None => Present::whole(0),
            Slot::One(Val::View(v)) => self.components(v),
            Slot::One(Val::Text(..)) => Present::whole(0b10),
            Slot::One(Val::Segment(s)) => Present::whole(self.fields.mask(*s)),
            Slot::One(Val::Resource(_) | Val::Table(_)) => Present::whole(1),
            Slot::Many(..) => Present::whole(u64::MAX),
        }
    }

    fn components(&self, v: &View<'m>) -> Present {
        let separator = v.separator(&self.marks);
        let raw = v.raw.as_bytes();
        let mut out = Present::whole(0);
        if separator == 0 || raw.len() >= u16::MAX as usize {
            out.mask = if separator == 0 { u64::from(!raw.is_empty()) << 1 } else { u64::MAX };
            return out;
        }
        let (mut from, mut n) = (0usize, 1u32);
        let mut ends = out.ends.iter_mut();
        for end in memchr::memchr_iter(separator, raw).chain([raw.len()]) {
            out.mask |= u64::from(end > from) << n.min(63);
            if let Some(known) = ends.next() {
                *known = end as u16;
            }
            from = end + 1;
            n += 1;
        }
        out
    }

    /// Whether a line can have a value.
    pub(super) fn may_have(&self, needs: &Needs) -> bool {
        needs.always
            || needs.any.iter().any(|(slot, mask)| {
                let present =
                    if *slot == MSH { self.fields.mask(0) } else { self.masks.get(self.base + *slot as usize).map_or(0, |p| p.mask) };
                present & mask != 0
            })
    }
}
