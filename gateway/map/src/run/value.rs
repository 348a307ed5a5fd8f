//! Values while a plan runs: stretches of the message, texts, resources.

use hutong_decode::v2::{Component, Repetition, Value};
use std::borrow::Cow;

use crate::plan::Dt;

/// Where in the message a value stands: segment, first byte, byte behind the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Origin {
    pub segment: u32,
    pub start: u32,
    pub end: u32,
}

impl Origin {
    /// Of what does not come from the message.
    pub(crate) const NONE: Origin = Origin { segment: u32::MAX, start: 0, end: 0 };
}

#[derive(Clone, Copy)]
pub(crate) enum Part<'m> {
    Repetition(Repetition<'m>),
    Component(Component<'m>),
    Value(Value<'m>),
}

/// A repetition, component or subcomponent of a field, with its place.
#[derive(Clone, Copy)]
pub(crate) struct View<'m> {
    pub part: Part<'m>,
    pub segment: u32,
    pub field: u16,
    /// From 0.
    pub repetition: u16,
    /// 0: the whole repetition.
    pub component: u8,
    pub dt: Dt,
}

impl<'m> View<'m> {
    pub(crate) fn raw(&self) -> &'m str {
        match &self.part {
            Part::Repetition(r) => r.raw(),
            Part::Component(c) => c.raw(),
            Part::Value(v) => v.raw(),
        }
    }

    pub(crate) fn start(&self) -> usize {
        match &self.part {
            Part::Repetition(r) => r.offset(),
            Part::Component(c) => c.offset(),
            Part::Value(v) => v.offset(),
        }
    }

    pub(crate) fn origin(&self) -> Origin {
        let start = self.start();
        Origin { segment: self.segment, start: start as u32, end: (start + self.raw().len()) as u32 }
    }

    /// All of it as one value.
    pub(crate) fn whole(&self) -> Value<'m> {
        match &self.part {
            Part::Repetition(r) => r.whole(),
            Part::Component(c) => c.whole(),
            Part::Value(v) => *v,
        }
    }

    /// The first simple value in it.
    pub(crate) fn first(&self) -> Value<'m> {
        match &self.part {
            Part::Repetition(r) => r.value(),
            Part::Component(c) => c.value(),
            Part::Value(v) => *v,
        }
    }

    /// One level down. A simple value's first part is itself.
    pub(crate) fn step(&self, n: u8) -> Option<Part<'m>> {
        match &self.part {
            Part::Repetition(r) => Some(Part::Component(r.component(n as usize))),
            Part::Component(c) => Some(Part::Value(c.subcomponent(n as usize))),
            Part::Value(v) => (n == 1).then_some(Part::Value(*v)),
        }
    }
}

/// A value on the stack.
#[derive(Clone)]
pub(crate) enum Val<'m> {
    View(View<'m>),
    Text(Cow<'m, str>, Origin),
    Segment(u32),
    Resource(u32),
    Table(u32),
}

/// What a parameter or a bound name holds.
#[derive(Clone, Default)]
pub(crate) enum Slot<'m> {
    #[default]
    None,
    One(Val<'m>),
    /// Index and length in [`super::Exec::held`].
    Many(u32, u32),
}
