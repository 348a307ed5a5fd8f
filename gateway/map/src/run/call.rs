//! Calls of maps: arguments into slots, one call for each value of the first.

use super::presence::Present;
use super::quick::Quick;
use super::value::{Slot, Val};
use super::{Exec, Got};
use crate::plan::{List, Op, OpId};

/// How deep maps may call one another; the check at load refuses deeper.
const SLOTS_MAX: usize = 4096;

impl<'m> Exec<'m> {
    /// The arguments behind the first, as slots.
    pub(super) fn rest_args(&mut self, args: &[OpId]) -> Vec<Slot<'m>> {
        let mut out = Vec::with_capacity(args.len().saturating_sub(1));
        for op in args.get(1..).unwrap_or(&[]) {
            out.push(self.arg(*op));
        }
        out
    }

    /// An argument: what a slot holds as it is, else the values of the operation.
    fn arg(&mut self, op: OpId) -> Slot<'m> {
        if let Op::Slot { slot } = self.plan.op(op) {
            return if slot == crate::plan::MSH { Slot::One(Val::Segment(0)) } else { self.slot(slot) };
        }
        match self.quick(self.plan.op(op)) {
            Quick::View(v) => return Slot::One(Val::View(v)),
            Quick::Nothing => return Slot::None,
            Quick::No => {}
        }
        let from = self.vals.len();
        self.values(op);
        self.held_since(from)
    }

    /// Runs `body` once for each value of the first argument (once without one), with the arguments in slots. Without
    /// `all` it stops at the first that gives something.
    pub(super) fn calls(&mut self, map: u32, args: List, all: bool, mut body: impl FnMut(&mut Self, u32) -> Got) -> Got {
        let plan = self.plan;
        let (Some(m), args) = (plan.maps.get(map as usize), plan.list(args)) else { return Got::No };
        if self.slots.len() > SLOTS_MAX {
            return Got::No;
        }
        let optional = m.params.first().is_none_or(|p| p.optional || p.many);
        let from = self.vals.len();
        // a whole list of segments or resources goes in as it is
        let as_is = args.first().map(|op| self.plan.op(*op));
        let first = match as_is {
            Some(Op::Slot { slot }) if m.params.first().is_some_and(|p| p.many || p.segment) => Some(self.first_slot(slot)),
            Some(op) => match self.quick(op) {
                Quick::View(v) => Some(Slot::One(Val::View(v))),
                Quick::Nothing if !optional => return Got::No,
                _ => None,
            },
            None => None,
        };
        let n = match &first {
            Some(_) => 1,
            None => args.first().map_or(0, |op| self.values(*op)),
        };
        let mut got = Got::No;
        if n == 0 && !args.is_empty() && !optional {
            return got;
        }
        let rest = self.rest_args(args);
        if n == 0 {
            got = self.framed(m.slots, Slot::None, &rest, |e| body(e, map));
        }
        for i in 0..n {
            let slot = match &first {
                Some(s) => s.clone(),
                None => self.vals.get(from + i).cloned().map_or(Slot::None, Slot::One),
            };
            if matches!(slot, Slot::None) && !optional {
                continue;
            }
            let one = self.framed(m.slots, slot, &rest, |e| body(e, map));
            got = got.max(one);
            if got != Got::No && !all {
                break;
            }
        }
        self.vals.truncate(from);
        got
    }

    fn first_slot(&self, slot: u16) -> Slot<'m> {
        if slot == crate::plan::MSH { Slot::One(Val::Segment(0)) } else { self.slot(slot) }
    }

    /// Runs `body` with a frame of its own.
    pub(super) fn framed<T>(&mut self, slots: u16, first: Slot<'m>, rest: &[Slot<'m>], body: impl FnOnce(&mut Self) -> T) -> T {
        let base = self.slots.len();
        self.push_slot(first);
        rest.iter().for_each(|slot| self.push_slot(slot.clone()));
        self.enter(base, slots, body)
    }

    /// Adds an argument to the frame that is about to be entered.
    pub(super) fn push_slot(&mut self, slot: Slot<'m>) {
        let present = self.presence(&slot);
        self.slots.push(slot);
        self.masks.push(present);
    }

    /// Runs `body` with the frame that begins at `base`, of which the arguments have been pushed.
    pub(super) fn enter<T>(&mut self, base: usize, slots: u16, body: impl FnOnce(&mut Self) -> T) -> T {
        let (old_base, old_dot) = (std::mem::replace(&mut self.base, base), self.dot.take());
        let size = self.slots.len().max(base + slots as usize);
        self.slots.resize(size, Slot::None);
        self.masks.resize(size, Present::default());
        let out = body(self);
        self.slots.truncate(base);
        self.masks.truncate(base);
        self.base = old_base;
        self.dot = old_dot;
        out
    }
}
