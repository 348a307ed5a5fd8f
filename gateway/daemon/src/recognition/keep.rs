//! What the HTTP side journals of questions and answers, and whose patients are whose.

use std::sync::Arc;

use hutong_commit::entry::{EventDraft, ResourceDraft, Update};
use hutong_commit::projection::Reader;
use hutong_enforce::recognition::record::Record;
use hutong_fhir::{Tree, json};
use hutong_receive::sources::Sources;
use hutong_serve::{Kept, Ledger, Unkept};

use super::draft;
use crate::act::{Act, Acts};
use crate::community::Shared;

/// Journals through [`Acts`].
pub(crate) struct Keeper {
    acts: Acts,
    reader: Reader,
    community: Shared,
    sources: Arc<Sources>,
}

impl Keeper {
    pub(crate) fn new(acts: Acts, reader: Reader, community: Shared, sources: Arc<Sources>) -> Keeper {
        Keeper { acts, reader, community, sources }
    }
}

impl Ledger for Keeper {
    fn keep(&self, kept: Kept) -> Result<(), Unkept> {
        let at_us = kept.records.first().map_or(0, Record::at_us);
        let resources: Vec<ResourceDraft> = kept.resources.iter().filter_map(|tree| resource(tree, at_us)).collect();
        // an order that goes with its answer is withdrawn in the figures, too, as one that a message withdraws
        let mut events: Vec<EventDraft> = kept.records.iter().map(draft).collect();
        events.extend(self.community.read().changes(&resources));
        let act = Act {
            receipt: self.acts.receipt(),
            what: kept.what,
            source: &kept.source,
            protocol: kept.protocol,
            request: kept.request,
            answer: kept.answer,
            resources,
            events,
        };
        self.acts.record(act).map(|_| ()).map_err(|error| {
            tracing::error!(rule = "store.unavailable", %error, what = kept.what, "what was asked or answered could not be stored, and was not answered");
            Unkept
        })
    }

    /// A source speaks for its institution: a Patient is of the one whose source sent its first or its last version.
    fn registered(&self, patient: &str, institution: &str) -> bool {
        let first = self.reader.vread("Patient", patient, 1).ok().flatten();
        let last = self.reader.read("Patient", patient).ok().flatten();
        let seqs: Vec<u64> = first.into_iter().chain(last).filter(|v| !v.deleted).map(|v| v.seq).collect();
        let senders = self.reader.sources(&seqs).unwrap_or_default();
        let all = self.sources.all();
        senders.iter().any(|id| all.iter().find(|s| s.id == *id).map_or(id.as_str(), |s| s.institution()) == institution)
    }
}

/// What the desk says of an order; the rest is as its sender says, or was before.
const OF_ORDER: [&str; 4] = ["resourceType", "id", "status", "extension"];

/// A resource of the desk's, to be journalled. An order is written over what is there of it, the others are whole.
pub(crate) fn resource(tree: &Tree, event_us: i64) -> Option<ResourceDraft> {
    let root = tree.root();
    let (resource_type, id) = (root.resource_type()?.to_owned(), root.at("id")?.to_owned());
    let mut body = Vec::with_capacity(1024);
    let update = if resource_type == "ServiceRequest" {
        let mut order = Tree::new();
        let top = order.root().id();
        for child in root.children().filter(|child| OF_ORDER.contains(&child.name())) {
            order.graft(top, child.key(), child, child.is_list());
        }
        json::write(order.root(), &mut body);
        Update::Merge
    } else {
        json::write(root, &mut body);
        Update::Replace
    };
    Some(ResourceDraft { resource_type, id, body, update, clear: Vec::new(), event_us })
}
