//! Values while a plan runs: stretches of the message, texts, resources.

use hutong_decode::v2::Separators;
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

/// How far down in a field a view is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Level {
    Repetition,
    Component,
    Subcomponent,
}

/// A repetition, component or subcomponent of a field: what stands there, and where. It is small because many are made
/// and few are used; what is rare is worked out from its place.
#[derive(Clone, Copy)]
pub(crate) struct View<'m> {
    /// As it stands in the message, escapes and all.
    pub raw: &'m str,
    /// Byte offset in the message's text.
    pub start: u32,
    pub segment: u32,
    pub field: u16,
    /// From 0.
    pub repetition: u16,
    pub dt: Dt,
    /// From 1; 0 above that level.
    pub component: u8,
    pub sub: u8,
}

/// The bytes that separate, and the one that escapes; 0: none.
#[derive(Clone, Copy)]
pub(crate) struct Marks {
    pub component: u8,
    pub subcomponent: u8,
    pub repetition: u8,
    pub escape: u8,
}

impl Marks {
    pub(crate) fn of(s: &Separators) -> Marks {
        let byte = |c: Option<char>| c.and_then(|c| u8::try_from(c).ok()).filter(u8::is_ascii).unwrap_or(0);
        Marks {
            component: byte(s.component()),
            subcomponent: byte(s.subcomponent()),
            repetition: byte(s.repetition()),
            escape: byte(s.escape()),
        }
    }
}

impl<'m> View<'m> {
    pub(crate) fn repetition(raw: &'m str, start: usize, segment: u32, field: u16, repetition: u16, dt: Dt) -> View<'m> {
        View { raw, start: start as u32, segment, field, repetition, dt, component: 0, sub: 0 }
    }

    pub(crate) fn level(&self) -> Level {
        match (self.component, self.sub) {
            (0, _) => Level::Repetition,
            (_, 0) => Level::Component,
            _ => Level::Subcomponent,
        }
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { segment: self.segment, start: self.start, end: self.start + self.raw.len() as u32 }
    }

    /// The separator of the parts at this level.
    pub(crate) fn separator(&self, marks: &Marks) -> u8 {
        match self.level() {
            Level::Repetition => marks.component,
            Level::Component => marks.subcomponent,
            Level::Subcomponent => 0,
        }
    }

    /// The first simple value in it.
    pub(crate) fn first(&self, marks: &Marks) -> &'m str {
        let (a, b) = match self.level() {
            Level::Repetition => (marks.component, marks.subcomponent),
            Level::Component => (marks.subcomponent, 0),
            Level::Subcomponent => return self.raw,
        };
        let bytes = self.raw.as_bytes();
        let end = if b == 0 { memchr::memchr(a, bytes) } else { memchr::memchr2(a, b, bytes) };
        end.and_then(|at| self.raw.get(..at)).unwrap_or(self.raw)
    }

    /// Down to a component and subcomponent (0: not so far), which is of data type `dt`.
    pub(crate) fn down(mut self, parts: [u8; 2], dt: Dt, marks: &Marks) -> Option<View<'m>> {
        for n in parts.into_iter().filter(|n| *n > 0) {
            self = self.step(n, marks)?;
            self.dt = dt;
        }
        Some(self)
    }

    /// The component (or subcomponent) `n`, whose place is known.
    pub(crate) fn at(mut self, n: u8, from: usize, to: usize, dt: Dt) -> Option<View<'m>> {
        match self.level() {
            Level::Repetition => self.component = n,
            _ => self.sub = n,
        }
        self.raw = self.raw.get(from..to)?;
        self.start += from as u32;
        self.dt = dt;
        Some(self)
    }

    /// One level down. A simple value's first part is itself.
    pub(crate) fn step(mut self, n: u8, marks: &Marks) -> Option<View<'m>> {
        let separator = self.separator(marks);
        match self.level() {
            Level::Repetition => self.component = n,
            Level::Component => self.sub = n,
            Level::Subcomponent => return (n == 1).then_some(self),
        }
        let bytes = self.raw.as_bytes();
        let mut from = 0;
        let next = |from: usize| if separator == 0 { None } else { memchr::memchr(separator, bytes.get(from..)?) };
        for _ in 1..n {
            from += next(from)? + 1;
        }
        let len = next(from).unwrap_or(bytes.len() - from);
        self.raw = self.raw.get(from..from + len)?;
        self.start += from as u32;
        Some(self)
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
