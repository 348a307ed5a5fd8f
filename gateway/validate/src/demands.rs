//! What is asked of one resource beyond what it declares itself: profiles imposed by its source, and how strictly some
//! rules are taken.

use hutong_fhir::Severity;
use hutong_fhir::fhirpath::Moment;
use hutong_fhir::identifier::Kind;

/// Demands on one resource. [`Default`] is what HL7's own validator does by default.
#[derive(Clone, Copy)]
pub struct Demands<'a> {
    /// Canonicals of profiles imposed. Each is applied to the resource if it is of the profile's type, otherwise to
    /// the entries of that type where it is a Bundle.
    pub profiles: &'a [String],
    pub identifiers: &'a IdentifierPolicy,
    /// A declared or imposed profile that is not known.
    pub unknown_profiles: Severity,
    /// An extension that nobody defined; `None` says nothing.
    pub unknown_extensions: Option<Severity>,
    /// Parts of urls of extensions that are let pass without a definition.
    pub known_domains: &'a [String],
    /// A modifier extension that nobody defined: a reader cannot know what the element means.
    pub unknown_modifiers: Severity,
    /// Text that looks like HTML tags: a program that shows it unescaped would run it.
    pub markup_in_text: Severity,
    /// Addresses at example.org, acme.com and the like, which no production data has; `None` lets them pass.
    pub example_addresses: Option<Severity>,
    /// What is less than this is not said, and not looked for where it can be known beforehand.
    pub least: Severity,
    /// Recommendations such as dom-6 (every resource has a narrative).
    pub best_practice: bool,
    /// For invariants that ask for `now()` or `today()`; without it they are not evaluated.
    pub now: Option<Moment>,
}

/// How bad a wrong national identifier is (check digits of 身份证, 统一社会信用代码 …): `None` leaves them unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierPolicy {
    /// For kinds that `by_kind` does not name.
    pub default: Option<Severity>,
    pub by_kind: Vec<(Kind, Option<Severity>)>,
}

impl IdentifierPolicy {
    /// How bad a wrong number of that kind is.
    pub fn severity(&self, kind: Kind) -> Option<Severity> {
        self.by_kind.iter().find(|(k, _)| *k == kind).map_or(self.default, |(_, severity)| *severity)
    }
}

impl Default for IdentifierPolicy {
    /// A wrong check digit is a warning: the document was what it was when it was typed in.
    fn default() -> Self {
        IdentifierPolicy { default: Some(Severity::Warning), by_kind: Vec::new() }
    }
}

static DEFAULT_IDENTIFIERS: IdentifierPolicy = IdentifierPolicy { default: Some(Severity::Warning), by_kind: Vec::new() };

impl Default for Demands<'_> {
    fn default() -> Self {
        Demands {
            profiles: &[],
            identifiers: &DEFAULT_IDENTIFIERS,
            unknown_profiles: Severity::Warning,
            unknown_extensions: Some(Severity::Information),
            known_domains: &[],
            unknown_modifiers: Severity::Warning,
            markup_in_text: Severity::Warning,
            example_addresses: None,
            least: Severity::Information,
            best_practice: false,
            now: None,
        }
    }
}
