//! What an expression may know beside its focus: the resource, the host, the time.

use super::item::Item;
use super::moment::Moment;
use crate::definitions::Definitions;
use crate::tree::NodeRef;

/// Steps that one evaluation may take unless its [`Env`] says otherwise: some 0.2 s.
pub const STEPS_MAX: u32 = 10_000_000;

/// What only the caller can answer. Each default says "I do not know".
pub trait Host {
    /// What a reference points to, seen from the Reference (or canonical) `from`. [`Item::Resource`] where only its
    /// type is known.
    fn resolve<'t>(&self, reference: &str, from: NodeRef<'t>) -> Option<Item<'t>> {
        let _ = (reference, from);
        None
    }

    /// Whether a code, Coding, CodeableConcept or Quantity is in a value set.
    fn member_of(&self, value_set: &str, of: &Item<'_>) -> Option<bool> {
        let _ = (value_set, of);
        None
    }

    /// Whether code `a` subsumes code `b` of the same system.
    fn subsumes(&self, a: &Item<'_>, b: &Item<'_>) -> Option<bool> {
        let _ = (a, b);
        None
    }

    /// Whether a resource or element conforms to a profile.
    fn conforms_to(&self, of: &Item<'_>, profile: &str) -> Option<bool> {
        let _ = (of, profile);
        None
    }

    /// Whether a narrative's XHTML is what FHIR allows; `None` = not judged here, which counts as good.
    fn html_checks(&self, div: NodeRef<'_>) -> Option<bool> {
        let _ = div;
        None
    }

    /// `trace(name)`: what passed. May be patient data.
    fn trace(&self, name: &str, item: &Item<'_>) {
        let _ = (name, item);
    }
}

/// A host that knows nothing.
pub struct NoHost;

impl Host for NoHost {}

/// What an evaluation may know.
pub struct Env<'t> {
    pub definitions: &'static Definitions,
    /// `%resource`: the resource (contained ones too) in which the focus stands.
    pub resource: Item<'t>,
    /// `%rootResource`: the container of a contained resource, otherwise the same.
    pub root: Item<'t>,
    pub host: &'t dyn Host,
    /// `now()`, a DateTime with zone; without it `now()`, `today()` and `timeOfDay()` are faults. The same throughout.
    pub now: Option<Moment>,
    /// Further `%name`s.
    pub variables: &'t [(&'t str, Item<'t>)],
    /// Limit of one evaluation.
    pub steps_max: u32,
}

impl<'t> Env<'t> {
    /// For a resource that is not contained, with no host.
    pub fn of(resource: Item<'t>, definitions: &'static Definitions) -> Env<'t> {
        Env { definitions, root: resource.clone(), resource, host: &NoHost, now: None, variables: &[], steps_max: STEPS_MAX }
    }
}
