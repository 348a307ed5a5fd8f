//! How strictly a source is judged: from the configuration's `[profiles]` for all, and its `[[source]]` for one.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use hutong_fhir::Severity;
use hutong_fhir::fhirpath::Moment;
use hutong_fhir::identifier::Kind;
use hutong_receive::sources::{Level, Source};
use hutong_validate::{Demands, IdentifierPolicy, Knowledge};

use crate::config::Profiles;

/// The demands on what one source sends.
pub(crate) struct Policy {
    pub(crate) profiles: Imposed,
    pub(crate) identifiers: IdentifierPolicy,
    pub(crate) unknown_profiles: Severity,
    pub(crate) unknown_extensions: Option<Severity>,
}

/// Profiles that are imposed, each on resources of its own type only.
#[derive(Default)]
pub(crate) struct Imposed {
    all: Vec<String>,
    /// Those of all types, and those of one.
    any: Vec<String>,
    by_type: BTreeMap<String, Vec<String>>,
}

impl Imposed {
    /// # Errors
    /// The canonicals that nobody knows.
    pub(crate) fn of(canonicals: &[String], knowledge: &Knowledge) -> Result<Imposed, Vec<String>> {
        let (known, unknown): (Vec<_>, Vec<_>) =
            canonicals.iter().map(|c| (c, knowledge.profile_type(c))).partition(|(_, of)| of.is_some());
        if !unknown.is_empty() {
            return Err(unknown.into_iter().map(|(canonical, _)| canonical.clone()).collect());
        }
        let mut imposed = Imposed { all: canonicals.to_vec(), ..Imposed::default() };
        let (any, typed): (Vec<_>, Vec<_>) = known
            .into_iter()
            .filter_map(|(c, of)| Some((c, of?)))
            .partition(|(_, of)| matches!(of.as_str(), "Resource" | "DomainResource"));
        imposed.any = any.iter().map(|(c, _)| (*c).clone()).collect();
        for (canonical, of) in typed {
            imposed.by_type.entry(of).or_insert_with(|| imposed.any.clone()).push(canonical.clone());
        }
        Ok(imposed)
    }

    /// Those for a resource of a type; a Bundle takes all, for its entries.
    fn on(&self, resource_type: &str) -> &[String] {
        if resource_type == "Bundle" { &self.all } else { self.by_type.get(resource_type).unwrap_or(&self.any) }
    }

    /// Types that they are on, other than all.
    pub(crate) fn types(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.by_type.iter().map(|(of, canonicals)| (of.as_str(), canonicals.as_slice()))
    }
}

impl Policy {
    /// What holds for all, with what one source says of itself put over it.
    ///
    /// # Errors
    /// The canonicals that nobody knows.
    pub(crate) fn of(all: &Profiles, source: Option<&Source>, knowledge: &Knowledge) -> Result<Policy, Vec<String>> {
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
        Ok(Policy {
            profiles: Imposed::of(source.map_or(&[], |s| &s.profiles), knowledge)?,
            identifiers,
            unknown_profiles: unknown_profiles.and_then(severity).unwrap_or(demands.unknown_profiles),
            unknown_extensions: unknown_extensions.map_or(demands.unknown_extensions, severity),
        })
    }

    /// The demands on a resource of a type.
    pub(crate) fn demands(&self, resource_type: &str) -> Demands<'_> {
        Demands {
            profiles: self.profiles.on(resource_type),
            identifiers: &self.identifiers,
            unknown_profiles: self.unknown_profiles,
            unknown_extensions: self.unknown_extensions,
            now: now(),
            ..Demands::default()
        }
    }
}

/// The time for invariants that ask for it.
fn now() -> Option<Moment> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Moment::from_unix_ms(i64::try_from(since.as_millis()).ok()?)
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

    const PATIENT: &str = "http://fhir.med-community.cn/gw/StructureDefinition/CNPatient";

    #[test]
    fn a_source_overrides_what_holds_for_all() {
        let all = Profiles {
            identifiers: BTreeMap::from([("default".into(), Level::Information), ("identity-card".into(), Level::Error)]),
            unknown_extensions: Some(Level::Warning),
            ..Profiles::default()
        };
        let source = Source {
            profiles: vec![PATIENT.into()],
            identifiers: BTreeMap::from([("identity-card".into(), Level::Ignore)]),
            unknown_extensions: Some(Level::Ignore),
            unknown_profiles: Some(Level::Error),
            ..Source::default()
        };
        let (knowledge, _) = Knowledge::community();
        let policy = Policy::of(&all, None, &knowledge).ok().unwrap();
        assert_eq!(policy.identifiers.by_kind, [(Kind::IdentityCard, Some(Severity::Error))]);
        assert_eq!((policy.identifiers.default, policy.unknown_extensions), (Some(Severity::Information), Some(Severity::Warning)));
        let policy = Policy::of(&all, Some(&source), &knowledge).ok().unwrap();
        assert_eq!(policy.identifiers.by_kind, [(Kind::IdentityCard, None)]);
        assert_eq!((policy.unknown_extensions, policy.unknown_profiles), (None, Severity::Error));
        assert_eq!(policy.demands("Patient").profiles, [PATIENT]);
        assert_eq!(policy.demands("Bundle").profiles, [PATIENT]);
        assert!(policy.demands("Encounter").profiles.is_empty());
        let unknown = Source { profiles: vec!["http://x/nobody".into()], ..Source::default() };
        assert_eq!(Policy::of(&all, Some(&unknown), &knowledge).err().unwrap(), ["http://x/nobody"]);
    }
}
