//! Which names a line may use, and what they stand for.

use crate::plan::{Guard, MSH};
use crate::syntax::ast::{Cond, Count, Expr};

/// A name in scope.
#[derive(Clone)]
pub(super) struct Binding<'s> {
    pub name: &'s str,
    pub what: Bound<'s>,
}

#[derive(Clone)]
pub(super) enum Bound<'s> {
    /// A segment parameter, or a segment bound by `each … as`.
    Segment { slot: u16, segment: String },
    /// A value, a resource or a table, by what the caller passes; the v2 data type where it is known.
    Value { slot: u16, datatype: Option<String> },
    /// `let`: the expressions (more than one where an overlay replaces it under a condition).
    Let { parts: Vec<LetPart<'s>>, sees: usize },
}

#[derive(Clone)]
pub(super) struct LetPart<'s> {
    pub value: &'s Expr,
    pub when: Option<&'s Cond>,
    pub guards: Vec<Guard>,
}

/// The scope of a map while it is compiled.
pub(super) struct Scope<'s> {
    /// Index of the map in the sources.
    pub map: Option<usize>,
    pub name: std::sync::Arc<str>,
    pub bindings: Vec<Binding<'s>>,
    pub slots: u16,
    /// The line being compiled stands in a site's file: custom fields are no error.
    pub site: bool,
    /// Lets being opened up, to stop at a chain too long.
    pub depth: usize,
    /// Segments that a message must fetch into slots first.
    pub loads: Option<Vec<(u16, [u8; 3])>>,
    /// Paths that stand for one repetition at present (by their place), the slot that holds it, its data type.
    pub replaced: Vec<(crate::diagnostic::Span, u16, Option<String>)>,
    /// The slot of `self`, once a line has used it.
    pub own: Option<u16>,
    /// Name of the target being written, for diagnostics and rules.
    pub target: String,
}

impl<'s> Scope<'s> {
    pub(super) fn find(&self, name: &str) -> Option<&Binding<'s>> {
        self.bindings.iter().rev().find(|b| b.name == name)
    }

    pub(super) fn new_slot(&mut self) -> u16 {
        let slot = self.slots;
        self.slots = self.slots.saturating_add(1).min(MSH - 1);
        slot
    }

    /// The slot that holds a segment.
    pub(super) fn segment(&mut self, name: &str) -> Option<u16> {
        if name == "MSH" {
            return Some(MSH);
        }
        let found = self.bindings.iter().rev().find_map(|b| match &b.what {
            Bound::Segment { slot, segment } if segment == name && b.name == name => Some(*slot),
            _ => None,
        });
        if found.is_some() || self.loads.is_none() {
            return found;
        }
        let bytes: [u8; 3] = name.as_bytes().try_into().ok()?;
        if let Some((slot, _)) = self.loads.iter().flatten().find(|(_, s)| *s == bytes) {
            return Some(*slot);
        }
        let slot = self.new_slot();
        self.loads.get_or_insert_default().push((slot, bytes));
        Some(slot)
    }
}

/// Three characters, the first a capital, the others capitals or digits.
pub(crate) fn is_segment(name: &str) -> bool {
    let b = name.as_bytes();
    b.len() == 3 && b.first().is_some_and(u8::is_ascii_uppercase) && b.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// Whether a name is marked as one that may stand for several.
pub(super) fn many(count: Count) -> bool {
    count == Count::Many
}
