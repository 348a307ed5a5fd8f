//! How strictly a source is judged: from the configuration's `[profiles]` for all, and its `[[source]]` for one.

use std::collections::BTreeMap;

use hutong_fhir::Severity;
use hutong_fhir::identifier::Kind;
use hutong_receive::sources::{Level, Source};
use hutong_validate::{Demands, IdentifierPolicy};

use crate::config::Profiles;

/// The demands on what one source sends.
pub(crate) struct Policy {
    pub(crate) profiles: Vec<String>,
    pub(crate) identifiers: IdentifierPolicy,
    pub(crate) unknown_profiles: Severity,
    pub(crate) unknown_extensions: Option<Severity>,
}

impl Policy {
    /// What holds for all, with what one source says of itself put over it.
    pub(crate) fn of(all: &Profiles, source: Option<&Source>) -> Policy {
        let demands = Demands::default();
        let mut identifiers = demands.identifiers.clone();
        let none = BTreeMap::new();
        for levels in [&all.identifiers, source.map_or(&none, |s| &s.identifiers)] {
            for (kind, level) in levels {
                set_identifier(&mut identifiers, kind, *level);
            }
        }
        let unknown_profiles = source.and_then(|s| s.unknown_profiles).or(all.unknown_profiles);
        let unknown_extensions = source.and_then(|s| s.unknown_extensions).or(all.unknown_extensions);
        Policy {
            profiles: source.map(|s| s.profiles.clone()).unwrap_or_default(),
            identifiers,
            unknown_profiles: unknown_profiles.and_then(severity).unwrap_or(demands.unknown_profiles),
            unknown_extensions: unknown_extensions.map_or(demands.unknown_extensions, severity),
        }
    }

    pub(crate) fn demands(&self) -> Demands<'_> {
        Demands {
            profiles: &self.profiles,
            identifiers: &self.identifiers,
            unknown_profiles: self.unknown_profiles,
            unknown_extensions: self.unknown_extensions,
            ..Demands::default()
        }
    }
}

/// Sets the level of one kind of identifier, or of all that are not named (`default`).
pub(crate) fn set_identifier(policy: &mut IdentifierPolicy, kind: &str, level: Level) {
    let level = severity(level);
    if kind == "default" {
        policy.default = level;
        return;
    }
    // `hutong check` and the start refuse names that are none
    if let Some(kind) = Kind::named(kind) {
        policy.by_kind.retain(|(known, _)| *known != kind);
        policy.by_kind.push((kind, level));
    }
}

/// `None`: nothing is said.
pub(crate) fn severity(level: Level) -> Option<Severity> {
    match level {
        Level::Error => Some(Severity::Error),
        Level::Warning => Some(Severity::Warning),
        Level::Information => Some(Severity::Information),
        Level::Ignore => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_overrides_what_holds_for_all() {
        let all = Profiles {
            identifiers: BTreeMap::from([("default".into(), Level::Information), ("identity-card".into(), Level::Error)]),
            unknown_extensions: Some(Level::Warning),
            ..Profiles::default()
        };
        let source = Source {
            profiles: vec!["http://x/p".into()],
            identifiers: BTreeMap::from([("identity-card".into(), Level::Ignore)]),
            unknown_extensions: Some(Level::Ignore),
            unknown_profiles: Some(Level::Error),
            ..Source::default()
        };
        let policy = Policy::of(&all, None);
        assert_eq!(policy.identifiers.by_kind, [(Kind::IdentityCard, Some(Severity::Error))]);
        assert_eq!((policy.identifiers.default, policy.unknown_extensions), (Some(Severity::Information), Some(Severity::Warning)));
        let policy = Policy::of(&all, Some(&source));
        assert_eq!(policy.identifiers.by_kind, [(Kind::IdentityCard, None)]);
        assert_eq!((policy.unknown_extensions, policy.unknown_profiles), (None, Severity::Error));
        assert_eq!(policy.demands().profiles, ["http://x/p"]);
    }
}
