//! Below the field: repetitions, components, subcomponents. All are slices of the message's text, found on access.

use std::borrow::Cow;

use hutong_fhir::Location;

use super::escapes;
use super::separators::Separators;
use crate::charset::Charset;

/// How a value's characters are to be read.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) separators: Separators,
    pub(super) charset: Charset,
    /// The message holds raw line ends inside fields, or control characters that no FHIR string may hold.
    pub(super) has_controls: bool,
}

impl Reading {
    pub(super) const PLAIN: Reading = Reading { separators: Separators::PLAIN, charset: Charset::Utf8, has_controls: false };
}

/// Up to this many bytes, looking at each is quicker than a search.
const SHORT: usize = 48;

/// A stretch of the message's text.
#[derive(Clone, Copy)]
struct Span<'m> {
    text: &'m str,
    reading: &'m Reading,
    start: u32,
    end: u32,
}

impl<'m> Span<'m> {
    #[inline]
    fn raw(&self) -> &'m str {
        self.text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    #[inline]
    fn bytes(&self) -> &'m [u8] {
        self.text.as_bytes().get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The part after `n` separators (from 0), ending at the next one or at `stop`; an empty one at the end where there
    /// are fewer.
    #[inline]
    fn nth(&self, separator: u8, stop: u8, n: usize) -> Span<'m> {
        let bytes = self.bytes();
        if bytes.len() > SHORT {
            return self.nth_of_long(separator, stop, n);
        }
        let (mut left, mut start) = (n, 0);
        for (i, b) in bytes.iter().enumerate() {
            if *b == separator {
                if left == 0 {
                    return Span { start: self.start + start, end: self.start + i as u32, ..*self };
                }
                left -= 1;
                start = i as u32 + 1;
            } else if *b == stop {
                let end = self.start + i as u32;
                return Span { start: if left == 0 { self.start + start } else { end }, end, ..*self };
            }
        }
        Span { start: if left == 0 { self.start + start } else { self.end }, ..*self }
    }

    /// The same by search.
    fn nth_of_long(&self, separator: u8, stop: u8, n: usize) -> Span<'m> {
        let mut rest = *self;
        if stop != separator
            && let Some(at) = memchr::memchr(stop, rest.bytes())
        {
            rest.end = rest.start + at as u32;
        }
        for _ in 0..n {
            match memchr::memchr(separator, rest.bytes()) {
                Some(at) => rest.start += at as u32 + 1,
                None => return Span { start: rest.end, ..rest },
            }
        }
        if let Some(at) = memchr::memchr(separator, rest.bytes()) {
            rest.end = rest.start + at as u32;
        }
        rest
    }

    fn pieces(&self, separator: u8) -> Pieces<'m> {
        Pieces { rest: (self.start < self.end).then_some(*self), separator }
    }

    /// How many separators stand before `at`.
    fn before(&self, separator: u8, at: u32) -> usize {
        let len = (at.saturating_sub(self.start) as usize).min(self.bytes().len());
        memchr::memchr_iter(separator, self.bytes().get(..len).unwrap_or_default()).count()
    }
}

/// The parts of a field, repetition or component in order; none where it is empty.
struct Pieces<'m> {
    rest: Option<Span<'m>>,
    separator: u8,
}

impl<'m> Pieces<'m> {
    fn next_span(&mut self) -> Option<Span<'m>> {
        let rest = self.rest.take()?;
        match memchr::memchr(self.separator, rest.bytes()) {
            None => Some(rest),
            Some(at) => {
                let end = rest.start + at as u32;
                self.rest = Some(Span { start: end + 1, ..rest });
                Some(Span { end, ..rest })
            }
        }
    }
}

macro_rules! part {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'m>(Span<'m>);

        impl<'m> $name<'m> {
            /// As it stands in the message, escapes and all.
            #[inline]
            pub fn raw(&self) -> &'m str {
                self.0.raw()
            }

            /// Byte offset in the message's text.
            pub fn offset(&self) -> usize {
                self.0.start as usize
            }

            pub fn is_empty(&self) -> bool {
                self.0.start >= self.0.end
            }

            /// `""`: the sender says that there is no value, and an older one is to be deleted. Absent is empty.
            pub fn is_null(&self) -> bool {
                self.0.bytes() == b"\"\""
            }

            /// All of it as one value, separators below it being ordinary characters: for text whose sender forgot to
            /// escape them.
            pub fn whole(&self) -> Value<'m> {
                Value(self.0)
            }
        }
    };
}

part!(
    /// A field, which may repeat.
    FieldRef
);
part!(
    /// One repetition of a field.
    Repetition
);
part!(
    /// One component of a repetition.
    Component
);
part!(
    /// What cannot be split further.
    Value
);

impl<'m> FieldRef<'m> {
    #[inline]
    pub(super) fn new(text: &'m str, reading: &'m Reading, start: u32, end: u32) -> FieldRef<'m> {
        FieldRef(Span { text, reading, start, end })
    }

    /// The repetitions in order; none where the field is empty.
    pub fn repetitions(&self) -> impl Iterator<Item = Repetition<'m>> + use<'m> {
        let mut pieces = self.0.pieces(self.0.reading.separators.repetition);
        std::iter::from_fn(move || pieces.next_span().map(Repetition))
    }

    /// Repetition `i`, from 0; an empty one where there are fewer.
    #[inline]
    pub fn rep(&self, i: usize) -> Repetition<'m> {
        let separator = self.0.reading.separators.repetition;
        Repetition(self.0.nth(separator, separator, i))
    }

    /// Component `n` (from 1) of the first repetition.
    #[inline]
    pub fn component(&self, n: usize) -> Component<'m> {
        component(&self.0, self.0.reading.separators.repetition, n)
    }

    /// The first subcomponent of the first component of the first repetition.
    #[inline]
    pub fn value(&self) -> Value<'m> {
        self.component(1).value()
    }

    pub(super) fn locate(&self, at: u32, field: Location) -> Location {
        let Location::V2 { segment, sequence, field, .. } = field else { return field };
        let separators = &self.0.reading.separators;
        let after = |count: usize| if count == 0 { 0 } else { u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1) };
        let repetitions = self.0.before(separators.repetition, at);
        let repetition = self.0.nth(separators.repetition, separators.repetition, repetitions);
        let components = repetition.before(separators.component, at);
        let component = repetition.nth(separators.component, separators.component, components);
        let subcomponents = component.before(separators.subcomponent, at);
        Location::V2 {
            segment,
            sequence,
            field,
            repetition: after(repetitions),
            // a number below needs one above
            component: after(components).max(u32::from(subcomponents > 0)),
            subcomponent: after(subcomponents),
        }
    }
}

/// Component `n` of what stands before `stop`.
#[inline]
fn component<'m>(span: &Span<'m>, stop: u8, n: usize) -> Component<'m> {
    match n.checked_sub(1) {
        Some(i) => Component(span.nth(span.reading.separators.component, stop, i)),
        None => Component(Span { start: span.end, ..*span }),
    }
}

impl<'m> Repetition<'m> {
    /// Component `n`, from 1.
    #[inline]
    pub fn component(&self, n: usize) -> Component<'m> {
        component(&self.0, self.0.reading.separators.component, n)
    }

    pub fn components(&self) -> impl Iterator<Item = Component<'m>> + use<'m> {
        let mut pieces = self.0.pieces(self.0.reading.separators.component);
        std::iter::from_fn(move || pieces.next_span().map(Component))
    }

    /// The first subcomponent of the first component.
    #[inline]
    pub fn value(&self) -> Value<'m> {
        self.component(1).value()
    }
}

impl<'m> Component<'m> {
    /// Subcomponent `n`, from 1.
    #[inline]
    pub fn subcomponent(&self, n: usize) -> Value<'m> {
        let separator = self.0.reading.separators.subcomponent;
        match n.checked_sub(1) {
            Some(i) => Value(self.0.nth(separator, separator, i)),
            None => Value(Span { start: self.0.end, ..self.0 }),
        }
    }

    pub fn subcomponents(&self) -> impl Iterator<Item = Value<'m>> + use<'m> {
        let mut pieces = self.0.pieces(self.0.reading.separators.subcomponent);
        std::iter::from_fn(move || pieces.next_span().map(Value))
    }

    /// The first subcomponent.
    #[inline]
    pub fn value(&self) -> Value<'m> {
        self.subcomponent(1)
    }
}

impl<'m> Value<'m> {
    /// What the value says, escapes resolved. Null (`""`) reads as `""`: ask [`Value::is_null`] first.
    #[inline]
    pub fn text(&self) -> Cow<'m, str> {
        let raw = self.raw();
        let reading = self.0.reading;
        let escape = reading.separators.escape;
        let has_escape =
            if raw.len() > SHORT { memchr::memchr(escape, raw.as_bytes()).is_some() } else { raw.bytes().any(|b| b == escape) };
        if has_escape || reading.has_controls { escapes::decode_for(raw, reading) } else { Cow::Borrowed(raw) }
    }
}
