//! Which fields of a segment, or components of a value, are there at all: a bit each.

use hutong_decode::v2::Message;

use super::Exec;
use super::value::{Slot, Val, View};
use crate::plan::{MSH, Needs};

/// Fields of a segment; those from 63 on share the last bit.
pub(super) fn segment(message: &Message<'_>, index: u32) -> u64 {
    let Some(segment) = message.segment(index as usize) else { return 0 };
    (1..=segment.field_count()).filter(|n| !segment.field(*n).is_empty()).fold(0, |mask, n| mask | 1 << n.min(63))
}

impl<'m> Exec<'m> {
    pub(super) fn presence(&mut self, slot: &Slot<'m>) -> u64 {
        match slot {
            Slot::None => 0,
            Slot::One(Val::View(v)) => self.components(v),
            Slot::One(Val::Text(..)) => 0b10,
            Slot::One(Val::Segment(s)) => match self.present.get_mut(*s as usize) {
                Some(0) | None => {
                    let mask = segment(self.message, *s) | 1;
                    if let Some(known) = self.present.get_mut(*s as usize) {
                        *known = mask;
                    }
                    mask & !1
                }
                Some(known) => *known & !1,
            },
            Slot::One(Val::Resource(_) | Val::Table(_)) => 1,
            Slot::Many(..) => u64::MAX,
        }
    }

    fn components(&self, v: &View<'m>) -> u64 {
        let separator = v.separator(&self.marks);
        let raw = v.raw.as_bytes();
        if separator == 0 {
            return u64::from(!raw.is_empty()) << 1;
        }
        let (mut mask, mut n, mut empty) = (0u64, 1u32, true);
        for b in raw {
            if *b == separator {
                mask |= u64::from(!empty) << n.min(63);
                n += 1;
                empty = true;
            } else {
                empty = false;
            }
        }
        mask | u64::from(!empty) << n.min(63)
    }

    /// Whether a line can have a value.
    pub(super) fn may_have(&self, needs: &Needs) -> bool {
        needs.always
            || needs.any.iter().any(|(slot, mask)| {
                let present =
                    if *slot == MSH { self.header_mask } else { self.masks.get(self.base + *slot as usize).copied().unwrap_or(0) };
                present & mask != 0
            })
    }
}
