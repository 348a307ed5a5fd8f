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
