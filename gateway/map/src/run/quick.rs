//! The short way for what most lines read: the first repetition of one field, or a part of one bound value. It gives
//! what [`Exec::values`] gives, without the stack.

use super::Exec;
use super::value::{Slot, Val, View};
use crate::plan::{MSH, Op, Pick};

/// What the short way says of an operation.
pub(super) enum Quick<'m> {
    /// Not one of these: take the long way.
    No,
    Nothing,
    View(View<'m>),
}

impl<'m> Exec<'m> {
    pub(super) fn quick(&mut self, op: Op) -> Quick<'m> {
        let view = match op {
            Op::Field { slot, of: Pick::First, field, pick: Pick::First, part, sub, dt } => {
                let Some(segment) = self.first_segment(slot) else { return Quick::Nothing };
                self.first_view(segment, field, [part, sub], dt)
            }
            Op::Part { slot, pick: Pick::First, part, sub } => match self.slots.get(self.base + slot as usize) {
                Some(Slot::One(Val::View(v))) => {
                    let view = *v;
                    let types = &self.plan.datatypes;
                    let dt = [part, sub].into_iter().filter(|n| *n > 0).fold(view.dt, |dt, n| types.component(dt, n as usize));
                    view.down([part, sub], dt, &self.marks)
                }
                Some(Slot::None) | None => return Quick::Nothing,
                _ => return Quick::No,
            },
            Op::Slot { slot } => match self.slots.get(self.base + slot as usize) {
                Some(Slot::One(Val::View(v))) => Some(*v),
                Some(Slot::None) | None if slot != MSH => return Quick::Nothing,
                _ => return Quick::No,
            },
            _ => return Quick::No,
        };
        match view {
            Some(v) if self.admits(&v) => Quick::View(v),
            _ => Quick::Nothing,
        }
    }

    fn first_segment(&self, slot: u16) -> Option<u32> {
        if slot == MSH {
            return Some(0);
        }
        match self.slots.get(self.base + slot as usize)? {
            Slot::One(Val::Segment(s)) => Some(*s),
            Slot::Many(from, _) => match self.held.get(*from as usize) {
                Some(Val::Segment(s)) => Some(*s),
                _ => None,
            },
            _ => None,
        }
    }

    fn first_view(&self, segment: u32, number: u16, parts: [u8; 2], dt: u16) -> Option<View<'m>> {
        let field = self.message.segment(segment as usize)?.field(number as usize);
        if field.is_empty() {
            return None;
        }
        let dt = if dt != 0 && dt == self.plan.datatypes.varies { self.real_type(segment, parts) } else { dt };
        let rep = field.rep(0);
        View::repetition(rep.raw(), rep.offset(), segment, number, 0, dt).down(parts, dt, &self.marks)
    }
}
