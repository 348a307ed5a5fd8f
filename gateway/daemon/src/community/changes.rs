//! What happens to results and orders that figures are made of: a result is cancelled, an order withdrawn, the persons of
//! two records part. The first two become events of the message that says so, beside its resources, so that a start reads
//! them in their place and not all resources ever stored.

use hutong_commit::entry::{EventDraft, ResourceDraft};
use hutong_count::recognition::{At, Change};
use hutong_identify::Event;
use serde::{Deserialize, Serialize};

use super::Community;

/// Kind of these events.
pub(crate) const CHANGE: &str = "change";

/// `{"result":["Observation/1",true]}`, `{"order":["ServiceRequest/1",true]}`: whether it is cancelled, withdrawn.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Changed {
    Result(String, bool),
    Order(String, bool),
}

impl Changed {
    pub(super) fn change(&self) -> Change<'_> {
        match self {
            Changed::Result(reference, off) => Change::Result { reference, cancelled: *off },
            Changed::Order(reference, off) => Change::Order { reference, withdrawn: *off },
        }
    }
}

/// What is read of a body.
#[derive(Deserialize)]
struct Status {
    status: Option<String>,
}

impl Community {
    /// The events of what these resources say of results and orders that figures know.
    pub(crate) fn changes(&self, resources: &[ResourceDraft]) -> Vec<EventDraft> {
        resources.iter().filter_map(|r| self.changed(r)).filter_map(|c| draft(&c)).collect()
    }

    fn changed(&self, resource: &ResourceDraft) -> Option<Changed> {
        let is_order = resource.resource_type == "ServiceRequest";
        if !is_order && !matches!(resource.resource_type.as_str(), "Observation" | "DiagnosticReport") {
            return None;
        }
        let reference = format!("{}/{}", resource.resource_type, resource.id);
        let was_off = if is_order { self.figures.order_is_off(&reference)? } else { self.figures.result_is_off(&reference)? };
        let status = serde_json::from_slice::<Status>(&resource.body).ok()?.status?;
        let off = matches!(status.as_str(), "cancelled" | "entered-in-error" | "revoked");
        let changed = if is_order { Changed::Order(reference, off) } else { Changed::Result(reference, off) };
        (off != was_off).then_some(changed)
    }

    /// Two records are one person, or not any more.
    pub(super) fn follow_persons(&mut self, event: &Event, at: At) {
        let (Event::Link { a, b, .. } | Event::Part { a, b, .. } | Event::Forget { a, b, .. }) = event else { return };
        if !self.figures.has_pairs() {
            return;
        }
        let register = &self.register;
        let numbers = [a, b].into_iter().filter_map(|key| register.number(key));
        let mut touched: Vec<u32> = numbers.flat_map(|n| register.records_of(n)).collect();
        touched.sort_unstable();
        touched.dedup();
        let keys: Vec<&str> = touched.iter().filter_map(|n| register.key(*n)).collect();
        let same = |a: &str, b: &str| match (register.number(a), register.number(b)) {
            (Some(a), Some(b)) => register.person_of(a) == register.person_of(b),
            _ => false,
        };
        self.figures.persons_changed(&keys, &same, at);
    }
}

fn draft(changed: &Changed) -> Option<EventDraft> {
    // two texts and a flag: writing them cannot fail
    Some(EventDraft { kind: CHANGE.to_owned(), body: serde_json::to_vec(changed).ok()? })
}
