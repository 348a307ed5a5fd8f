//! Cases of “基层检查、上级诊断”: what a message says of them becomes events of its entry, and the ledger follows the journal
//! with identities and institutions as they are at each entry.

use hutong_commit::entry::EventDraft;
use hutong_count::cases::{self, Directory, Facts, Master, Tier, sightings_of};
use hutong_count::period::day_of;
use hutong_count::recognition::At;
use hutong_fhir::NodeRef;
use hutong_fhir::calendar::DAY_US;
use hutong_identify::Register;
use hutong_identify::registry::{self, Institution, Registry};

use super::Community;
use crate::ingest::now_us;

/// Kind of these events.
pub(crate) const CASE: &str = "case";

/// Noon in China: an institution is what the registry says at the middle of the day.
pub(super) const NOON_US: i64 = 4 * 3_600_000_000;

/// Identities and institutions as the ledger asks for them.
struct Known<'c> {
    register: &'c Register,
    registry: &'c Registry,
}

impl Directory for Known<'_> {
    fn person(&self, record: &str) -> Option<u32> {
        Some(self.register.person_of(self.register.number(record)?).0)
    }

    fn institution(&self, code: &str, day: i64) -> Option<Facts> {
        let found = self.registry.institution(code, day * DAY_US + NOON_US)?;
        Some(facts(found))
    }
}

/// The registries as they are now.
struct Now<'c> {
    register: &'c Register,
    registry: &'c Registry,
    us: i64,
}

impl Master for Now<'_> {
    /// While there is no registry every code is taken at its word.
    fn is_institution(&self, code: &str) -> bool {
        !code.is_empty() && (self.registry.has_institution(code) || self.registry.version(registry::Table::Institutions).is_none())
    }

    fn is_primary(&self, code: &str) -> bool {
        let known = Known { register: self.register, registry: self.registry };
        known.institution(code, day_of(self.us)).is_some_and(|facts| facts.is_primary())
    }

    fn item(&self, institution: &str, system: &str, code: &str) -> Option<String> {
        Some(self.registry.item_of(institution, system, code, self.us)?.code.clone())
    }
}

/// An institution as counting asks for it.
pub(super) fn facts(found: &Institution) -> Facts {
    let tier = match found.tier {
        registry::Tier::Village => Tier::Village,
        registry::Tier::Township => Tier::Township,
        registry::Tier::County => Tier::County,
        registry::Tier::City => Tier::City,
    };
    Facts { tier, ws218: found.ws218.clone(), community: found.community.clone() }
}

impl Community {
    fn registry(&self) -> Now<'_> {
        Now { register: &self.register, registry: &self.registry, us: now_us() }
    }

    /// The events of what a message says of cases. `institution`: for which its source speaks.
    pub(crate) fn case_events(&self, resources: &[NodeRef<'_>], institution: &str) -> Vec<EventDraft> {
        let seen = sightings_of(resources, institution, &self.registry()).into_iter().map(cases::Event::Seen);
        // texts, numbers and flags: writing them cannot fail
        seen.filter_map(|event| Some(EventDraft { kind: CASE.to_owned(), body: serde_json::to_vec(&event).ok()? })).collect()
    }

    pub(super) fn count(&mut self, event: &cases::Event, at: At) {
        if at.seq <= self.counted {
            return;
        }
        let known = Known { register: &self.register, registry: &self.registry };
        self.cases.apply(position(at), event, &known);
    }

    /// The same with the event as the journal holds it.
    pub(super) fn count_body(&mut self, body: &[u8], at: At) -> serde_json::Result<()> {
        if at.seq <= self.counted {
            return Ok(());
        }
        let known = Known { register: &self.register, registry: &self.registry };
        self.cases.follow(position(at), body, &known)
    }

    /// Whose record it is may be another person now: of the records that an identity event names, and all that are joined
    /// to them.
    pub(super) fn recount_persons(&mut self, event: &hutong_identify::Event, at: At) {
        use hutong_identify::Event::{Forget, Link, Part, Record};
        if at.seq <= self.counted {
            return;
        }
        let known = Known { register: &self.register, registry: &self.registry };
        let mut touched: Vec<u32> = match event {
            Record { key, .. } => self.register.number(key).into_iter().collect(),
            Link { a, b, .. } | Part { a, b, .. } | Forget { a, b, .. } => {
                let numbers = [a, b].into_iter().filter_map(|key| self.register.number(key));
                numbers.flat_map(|n| self.register.records_of(n)).collect()
            }
        };
        touched.sort_unstable();
        touched.dedup();
        let keys: Vec<&str> = touched.iter().filter_map(|n| self.register.key(*n)).collect();
        self.cases.persons_changed(position(at), &keys, &known);
    }

    pub(super) fn recount_institutions(&mut self, at: At) {
        if at.seq <= self.counted {
            return;
        }
        let known = Known { register: &self.register, registry: &self.registry };
        self.cases.institutions_changed(position(at), &known);
    }
}

pub(super) fn position(at: At) -> cases::At {
    cases::At { seq: at.seq, us: at.us }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::community::RegistryEvent;
    use crate::community::{Said, Shared};
    use crate::recognition::Tables;
    use hutong_count::cases::{By, Event, Id, IdKind, Kind, Modality, Question, Scope, Sighting, Status};
    use hutong_count::period::Period;
    use hutong_identify::registry::{Import, Table};
    use hutong_identify::{By as Who, Event as Identity, Person, Weights};

    const AT: i64 = 1_795_312_800_000_000;

    fn take(community: &Shared, seq: u64, said: Said) {
        community.write().take(said, At { seq, us: AT });
    }

    fn seen(kind: Kind, source: &str, id: &str, number: &str) -> Sighting {
        let mut s = Sighting::new(kind, source, id);
        s.ids = vec![Id::new(IdKind::Order, "T1", number)];
        (s.modality, s.status) = (Modality::Ecg, Status::Final);
        s.readers = vec!["PractitionerRole/1".to_owned()];
        s
    }

    fn figure(community: &Shared) -> (u64, u64) {
        let question = Question { period: Period::parse("2026-11").unwrap(), scope: Scope::Img5, by: By::County, institution: None };
        let now = community.read().cases.figures(&question).unwrap().rows[0].now;
        (now.cases, now.persons)
    }

    #[test]
    fn the_ledger_follows_registries_and_identities() {
        let community = Shared::new(Weights::built_in(), Tables::shipped(&[]).ok().unwrap());
        for (n, key) in ["Patient/1", "Patient/2"].into_iter().enumerate() {
            take(&community, 1, Said::Identity(Identity::Record { key: key.to_owned(), person: Person::default() }));
            for (kind, source, id) in [(Kind::Order, "T1", "ServiceRequest"), (Kind::Report, "C1", "DiagnosticReport")] {
                let mut s = seen(kind, source, &format!("{id}/{n}"), &format!("A{n}"));
                s.patient = key.to_owned();
                take(&community, 2, Said::Case(Box::new(Event::Seen(s))));
            }
        }
        assert_eq!(figure(&community), (0, 0), "nobody knows where it was examined");
        let text =
            "code\tname\tregion\ttier\tws218\tcommunity\nT1\t石桥镇卫生院\t500236\t乡\tC220\tA\nC1\t县人民医院\t500236\t县\tA100\tA\n";
        let import = Import { table: Table::Institutions, version: "1".into(), by: "A".into(), text: text.into() };
        take(&community, 3, Said::Registry(RegistryEvent::Import(import)));
        assert_eq!(figure(&community), (2, 2));
        let (a, b, by) = ("Patient/1".to_owned(), "Patient/2".to_owned(), Who::Person("A".into()));
        take(&community, 4, Said::Identity(Identity::Link { a: a.clone(), b: b.clone(), by: by.clone() }));
        assert_eq!(figure(&community), (2, 1), "two records of one person");
        take(&community, 5, Said::Identity(Identity::Part { a, b, by }));
        assert_eq!(figure(&community), (2, 2));
    }
}
