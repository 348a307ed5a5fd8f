//! What FHIRPath asks of the validator: targets of references, membership in value sets, conformance to profiles.

use super::coded::{Verdict, membership};
use super::store::Store;
use crate::Demands;
use crate::keys::KEYS;
use crate::linked::{Found, Index};
use crate::place::Frame;
use crate::reference::{Target, target_of};
use crate::rules::Table;
use crate::walk::Walk;
use hutong_fhir::NodeRef;
use hutong_fhir::fhirpath::{Host, Item};

/// The place from which an expression looks around.
pub(super) struct Here<'w> {
    store: &'w Store,
    table: &'w Table,
    demands: &'w Demands<'w>,
    bundle: Option<&'w Index<'w>>,
    /// The resource that holds the contained ones.
    root: NodeRef<'w>,
    nesting: u32,
}

impl<'w> Here<'w> {
    pub(super) fn new<'t: 'w>(walk: &'w Walk<'t>, root: NodeRef<'t>) -> Here<'w> {
        Here { store: walk.store, table: walk.table, demands: walk.demands, bundle: walk.bundle.as_ref(), root, nesting: walk.nesting }
    }

    fn entry(&self, reference: &str) -> Option<u32> {
        let links = self.bundle?;
        let Found::Entry(place) = links.resolve(reference) else { return None };
        links.entry(place)?.child(KEYS.resource).map(NodeRef::id)
    }
}

impl Host for Here<'_> {
    fn resolve<'t>(&self, reference: &str, from: NodeRef<'t>) -> Option<Item<'t>> {
        let definitions = self.store.knowledge.definitions;
        let tree = from.tree();
        if let Some(id) = reference.strip_prefix('#') {
            if id.is_empty() {
                return Some(Item::resource(tree.node(self.root.id()), definitions));
            }
            let found = self.root.all(KEYS.contained).find(|c| c.child(KEYS.id).and_then(NodeRef::value) == Some(id))?;
            return Some(Item::resource(tree.node(found.id()), definitions));
        }
        if let Some(node) = self.entry(reference) {
            return Some(Item::resource(tree.node(node), definitions));
        }
        match target_of(reference, |name| definitions.resource_named(name)) {
            Target::Type(id) => Some(Item::Resource(id)),
            _ => None,
        }
    }

    fn member_of(&self, value_set: &str, of: &Item<'_>) -> Option<bool> {
        let knowledge = &self.store.knowledge;
        let verdict = match of {
            Item::Node { node, type_id } => membership(knowledge, *node, (*type_id)?, value_set),
            Item::String(code) => super::coded::of_code(knowledge, value_set, code),
            _ => return None,
        };
        match verdict {
            Verdict::Good => Some(true),
            Verdict::Bad | Verdict::None => Some(false),
            Verdict::Unknown => None,
        }
    }

    fn conforms_to(&self, of: &Item<'_>, profile: &str) -> Option<bool> {
        let profile = self.store.get(profile)?;
        let Item::Node { node, type_id } = of else { return None };
        let mut walk = Walk::new(self.store, self.table, self.demands);
        walk.nesting = self.nesting + 1;
        let frame = Frame::root(*node);
        let type_id = (*type_id)?;
        Some(
            walk.quietly(|walk| walk.conform_as(&frame, type_id, &profile))
                .iter()
                .all(|l| l.finding.severity != hutong_fhir::Severity::Error),
        )
    }
}
