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
                    let dt = types.component(view.dt, part as usize);
                    let known = self.masks.get(self.base + slot as usize).and_then(|p| p.part(part));
                    let one = match known {
                        _ if part == 0 => Some(view),
                        Some((from, to)) => view.at(part, from, to, dt),
                        None => view.down([part, 0], dt, &self.marks),
                    };
                    match one {
                        Some(v) if sub > 0 => v.down([sub, 0], types.component(dt, sub as usize), &self.marks),
                        other => other,
                    }
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
        let field = self.fields.get(segment, number)?;
        if field.start >= field.first {
            return None;
        }
        let raw = self.text.get(field.start as usize..field.first as usize)?;
        let dt = if dt != 0 && dt == self.plan.datatypes.varies { self.real_type(segment, parts) } else { dt };
        let view = View::repetition(raw, field.start as usize, segment, number, 0, dt);
        if parts[0] == 0 { Some(view) } else { view.down(parts, dt, &self.marks) }
    }
}
