//! 诊疗活动: what a message says of visits, stays, operations and prescriptions becomes events of its entry; figures ask
//! the registries for institutions and departments as of the day.

use hutong_commit::entry::EventDraft;
pub(super) use hutong_count::activity::Rules;
use hutong_count::activity::{Directory, Figures, Line, Place, events_of};
use hutong_count::period::Period;
use hutong_fhir::NodeRef;
use hutong_fhir::calendar::DAY_US;
use hutong_identify::registry::Registry;

use super::Community;
use super::cases::{NOON_US, facts};

/// Kind of these events.
pub(crate) const ACTIVITY: &str = "activity";

/// The events of what a message says. `institution`: for which its source speaks.
pub(crate) fn drafts(resources: &[NodeRef<'_>], institution: &str) -> Vec<EventDraft> {
    let said = events_of(resources, institution).into_iter();
    // texts, numbers and flags: writing them cannot fail
    said.filter_map(|event| Some(EventDraft { kind: ACTIVITY.to_owned(), body: serde_json::to_vec(&event).ok()? })).collect()
}

struct Known<'c>(&'c Registry);

impl Directory for Known<'_> {
    fn institution(&self, code: &str, day: i64) -> Option<Place> {
        let found = self.0.institution(code, day.saturating_mul(DAY_US).saturating_add(NOON_US))?;
        Some(Place { facts: facts(found), leads: found.leads })
    }

    fn department_kind(&self, institution: &str, department: &str, day: i64) -> Option<String> {
        let at_us = day.saturating_mul(DAY_US).saturating_add(NOON_US);
        self.0.department_called(institution, department, at_us).map(|d| d.kind.clone())
    }
}

impl Community {
    /// Counters of a period: of everybody, or of what happened at one institution.
    pub(crate) fn activity(&self, period: Period, institution: Option<&str>) -> Figures {
        self.activities.figures(period, institution, &Known(&self.registry))
    }

    /// What a counter is made of, from behind an entry of the journal on.
    pub(crate) fn activity_lines(&self, counter: &str, period: Period, institution: Option<&str>, after: u64, count: usize) -> Vec<Line> {
        self.activities.lines(counter, period, institution, &Known(&self.registry), after, count)
    }
}
