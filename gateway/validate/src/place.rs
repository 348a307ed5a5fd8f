//! Where the walk is: a chain of frames on the stack, and the FHIRPath that is made of it when a finding needs one.

use crate::keys::KEYS;
use hutong_fhir::definitions::Property;
use hutong_fhir::{Definitions, NodeId, NodeRef, Tree};

/// One step from a node to its child.
pub(crate) struct Frame<'f, 't> {
    pub(crate) up: Option<&'f Frame<'f, 't>>,
    pub(crate) node: NodeRef<'t>,
    /// `None` at the root and at elements that R4 does not know.
    pub(crate) property: Option<&'static Property>,
    /// Place in its list.
    pub(crate) index: u32,
    pub(crate) depth: u32,
}

impl<'f, 't> Frame<'f, 't> {
    pub(crate) fn root(node: NodeRef<'t>) -> Frame<'f, 't> {
        Frame { up: None, node, property: None, index: 0, depth: 1 }
    }

    pub(crate) fn below(&'f self, node: NodeRef<'t>, property: Option<&'static Property>, index: u32) -> Frame<'f, 't> {
        Frame { up: Some(self), node, property, index, depth: self.depth + 1 }
    }

    /// The frame of the nearest resource around, itself included.
    pub(crate) fn resource_frame(&self) -> &Frame<'f, 't> {
        let mut at = self;
        loop {
            let may_be = matches!(at.node.key(), key if key == KEYS.contained || key == KEYS.resource);
            match at.up {
                Some(up) if !(may_be && at.node.child(KEYS.resource_type).is_some()) => at = up,
                _ => return at,
            }
        }
    }

    /// The nearest resource around, itself included.
    pub(crate) fn resource(&self) -> NodeRef<'t> {
        self.resource_frame().node
    }

    /// `Observation.component[1].value.ofType(Quantity).unit`
    pub(crate) fn expression(&self, definitions: &Definitions) -> String {
        let mut chain = Vec::new();
        let mut at = Some(self);
        while let Some(frame) = at {
            chain.push(frame);
            at = frame.up;
        }
        let mut out = String::new();
        for frame in chain.into_iter().rev() {
            frame.append(definitions, &mut out);
        }
        out
    }

    fn append(&self, definitions: &Definitions, out: &mut String) {
        if self.up.is_none() {
            out.push_str(root_name(self.node));
            return;
        }
        out.push('.');
        let Some(property) = self.property else {
            out.push_str(safe_name(self.node.name()));
            return;
        };
        let element = definitions.element(property.element);
        out.push_str(self.node.tree().name(element.key));
        if element.is_choice {
            out.push_str(".ofType(");
            out.push_str(definitions.get(property.type_id).name);
            out.push(')');
        } else if element.is_list() {
            out.push_str(&format!("[{}]", self.index));
        }
    }
}

/// The type of a resource as it says itself, where it can be shown.
fn root_name(node: NodeRef<'_>) -> &str {
    node.child(KEYS.resource_type).and_then(|n| n.value()).filter(|n| !n.is_empty()).map_or("Resource", safe_name)
}

/// A name that the sender chose: shown only where it looks like a name, since anything could stand there.
pub(crate) fn safe_name(name: &str) -> &str {
    let good = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'));
    if good && !name.is_empty() { name } else { "?" }
}

/// The path of a node by its names alone, for findings about JSON itself.
pub(crate) fn expression_of(tree: &Tree, node: NodeId) -> String {
    let mut path = Vec::new();
    let root = tree.root();
    if node != 0 {
        find(root, node, &mut path, 0);
    }
    let mut out = root_name(root).to_owned();
    for (name, index) in path {
        out.push('.');
        out.push_str(safe_name(name));
        if let Some(index) = index {
            out.push_str(&format!("[{index}]"));
        }
    }
    out
}

fn find<'t>(at: NodeRef<'t>, node: NodeId, path: &mut Vec<(&'t str, Option<u32>)>, depth: u32) -> bool {
    if depth > crate::walk::DEPTH_MAX {
        return false;
    }
    let mut index = 0;
    let mut before = None;
    for child in at.children() {
        index = if before == Some(child.key()) { index + 1 } else { 0 };
        before = Some(child.key());
        path.push((child.name(), child.is_list().then_some(index)));
        if child.id() == node || find(child, node, path, depth + 1) {
            return true;
        }
        path.pop();
    }
    false
}
