//! Two descriptions of one thing in one message: the first writer wins an element, lists are joined.

use hutong_fhir::definitions::{Definitions, TypeId};
use hutong_fhir::{Key, NodeRef, Tree};

/// One tree of two resources of that type and the same id.
pub(super) fn unite(defs: &Definitions, type_id: Option<TypeId>, a: &Tree, b: &Tree) -> Tree {
    let mut out = Tree::new();
    let place = |key: Key| type_id.and_then(|t| defs.property(t, key)).map_or(0, |p| u32::from(defs.element(p.element).place));
    // a choice is one element under several names
    let element = |key: Key| type_id.and_then(|t| defs.property(t, key)).map(|p| p.element);
    for child in a.root().children() {
        // what the second tells in full need not stand half beside it
        let richer = |c: NodeRef<'_>| c.key() == child.key() && c.is_list() && within(child, c) && !within(c, child);
        if !child.is_list() || !b.root().children().any(richer) {
            graft(&mut out, child);
        }
    }
    for child in b.root().children() {
        let same: Vec<NodeRef<'_>> = a
            .root()
            .children()
            .filter(|c| c.key() == child.key() || element(child.key()).is_some_and(|e| element(c.key()) == Some(e)))
            .collect();
        let list = child.is_list() && same.iter().all(|c| c.is_list());
        if same.is_empty() || list && !same.iter().any(|c| within(child, *c)) {
            graft(&mut out, child);
        }
    }
    out.sort_children(0, place);
    out
}

fn graft(out: &mut Tree, child: NodeRef<'_>) {
    let key = out.key(child.name());
    out.graft(0, key, child, child.is_list());
}

/// Whether an element says nothing that another does not say. Their depth is that of what plans build.
fn within(part: NodeRef<'_>, whole: NodeRef<'_>) -> bool {
    part.kind() == whole.kind()
        && part.value() == whole.value()
        && part.children().all(|p| whole.children().any(|w| w.name() == p.name() && within(p, w)))
}
