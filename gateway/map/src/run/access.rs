//! What builtins need of a run.

use hutong_fhir::primitive::Primitive;
use std::borrow::Cow;

use super::quick::Quick;
use super::value::{Origin, Slot, Val, View};
use super::{Exec, Pending, PendingKind};
use crate::plan::{Dt, MSH, Op, OpId};

impl<'m> Exec<'m> {
    /// A quoted text of the mapping.
    pub(crate) fn literal(&self, op: OpId) -> Option<&'m str> {
        match self.plan.op(op) {
            Op::Text(id) => Some(self.plan.text(id)),
            _ => None,
        }
    }

    /// The value of an operation that is known to have one at most, without the stack; `None` also where it may have more.
    pub(crate) fn single(&mut self, op: OpId) -> Option<Val<'m>> {
        match self.quick(self.plan.op(op)) {
            Quick::View(v) => Some(Val::View(v)),
            _ => None,
        }
    }

    /// Pushes what `change` makes of each value of an operation.
    pub(crate) fn replace_values(&mut self, op: OpId, mut change: impl FnMut(&mut Self, Val<'m>) -> Option<Val<'m>>) {
        match self.quick(self.plan.op(op)) {
            Quick::View(v) => {
                let made = change(self, Val::View(v));
                self.vals.extend(made);
            }
            Quick::Nothing => {}
            Quick::No => {
                let from = self.vals.len();
                let n = self.values(op);
                let mut to = from;
                for i in from..from + n {
                    let Some(v) = self.take(i) else { continue };
                    if let (Some(made), Some(place)) = (change(self, v), self.vals.get_mut(to)) {
                        *place = made;
                        to += 1;
                    }
                }
                self.vals.truncate(to);
            }
        }
    }

    /// The name of a v2 data type.
    pub(crate) fn datatype(&self, dt: Dt) -> &'m str {
        self.plan.datatypes.names.get(dt as usize).map_or("", String::as_str)
    }

    /// Component (or subcomponent) `n` of a view.
    pub(crate) fn part(&self, view: &View<'m>, n: u8) -> Option<View<'m>> {
        view.down([n, 0], self.plan.datatypes.component(view.dt, n as usize), &self.marks)
    }

    pub(crate) fn part_text(&mut self, view: &View<'m>, n: u8) -> Option<(Cow<'m, str>, Origin)> {
        let part = self.part(view, n)?;
        if self.admits(&part) { self.text_from(Val::View(part)) } else { None }
    }

    /// The text that a primitive is made from.
    pub(crate) fn primitive_text(&mut self, to: Primitive, v: Val<'m>) -> Option<(Cow<'m, str>, Origin)> {
        if matches!(to, Primitive::String | Primitive::Markdown | Primitive::Xhtml) {
            return self.text_from(v);
        }
        let Val::View(view) = v else { return self.text_from(v) };
        let view = &view;
        self.fields.mark(view, false);
        let origin = view.origin();
        let text = super::text::trim(self.unescaped(view, view.first(&self.marks)));
        self.origin = origin;
        (!text.is_empty()).then_some((text, origin))
    }

    /// Remembers a value that has not the form of a type.
    pub(crate) fn fails(&mut self, to: Primitive, origin: Origin, value: String) {
        self.pending.push(Pending { kind: PendingKind::Invalid(to), origin, value });
    }

    /// The segment that a path reads.
    pub(crate) fn segment_of(&self, op: OpId) -> Option<u32> {
        let Op::Field { slot, .. } = self.plan.op(op) else { return None };
        if slot == MSH {
            return Some(0);
        }
        match self.slot(slot) {
            Slot::One(Val::Segment(s)) => Some(s),
            Slot::Many(from, _) => match self.held.get(from as usize) {
                Some(Val::Segment(s)) => Some(*s),
                _ => None,
            },
            _ => None,
        }
    }
}
