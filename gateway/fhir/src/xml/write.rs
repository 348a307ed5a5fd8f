//! The writer: a tree as FHIR XML.
//!
//! Elements stand in the order of the definition, whatever their order in the tree. What XML cannot say is left out:
//! elements whose names are no XML names, and places of an array that hold neither value nor extension. Control
//! characters, which XML 1.0 cannot carry, become U+FFFD.

use super::read::{is_forbidden, is_name};
use super::{FHIR, XHTML, XmlLimits};
use crate::definitions::{Definitions, TypeId, TypeKind};
use crate::names::Key;
use crate::primitive::Primitive;
use crate::tree::{Kind, NodeRef, Tree};

/// Levels written; a tree that was parsed has far fewer.
const DEPTH_MAX: usize = 256;

/// The resource as an XML document in UTF-8.
pub fn write(tree: &Tree) -> Vec<u8> {
    let mut out = Vec::with_capacity(tree.len() * 48);
    out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    write_node(tree.root(), &mut out);
    out
}

/// One resource as an XML element with its namespace.
pub fn write_node(resource: NodeRef<'_>, out: &mut Vec<u8>) {
    let definitions = Definitions::r4();
    let mut writer = Writer { definitions, extension: definitions.type_named("Extension"), out: String::new() };
    writer.resource(resource, true, 0);
    out.extend_from_slice(writer.out.as_bytes());
}

struct Writer {
    definitions: &'static Definitions,
    extension: Option<TypeId>,
    out: String,
}

impl Writer {
    fn resource(&mut self, node: NodeRef<'_>, is_root: bool, depth: usize) {
        let name = node.resource_type().filter(|n| is_name(n) && !n.contains(':')).unwrap_or("Resource");
        self.out.push('<');
        self.out.push_str(name);
        if is_root {
            self.attribute("xmlns", FHIR);
        }
        self.content(node, name, self.definitions.resource_named(name), true, depth);
    }

    /// What follows the name of an element: its attributes, children and end tag.
    fn content(&mut self, node: NodeRef<'_>, name: &str, type_id: Option<TypeId>, is_resource: bool, depth: usize) {
        let is_extension = type_id.is_some() && type_id == self.extension;
        // one of each: a tree that breaks the rules may hold more
        let attribute = |name: &str| node.children().find(|c| c.name() == name && c.kind() == Kind::String);
        let id = attribute("id").filter(|_| !is_resource);
        let url = attribute("url").filter(|_| is_extension);
        for child in [id, url].into_iter().flatten() {
            self.attribute(child.name(), child.value().unwrap_or_default());
        }
        if let Some(value) = node.value() {
            self.attribute("value", value);
        }
        let mut children: Vec<NodeRef<'_>> = node.children().filter(|c| ![id, url].iter().flatten().any(|a| a.id() == c.id())).collect();
        children.sort_by_key(|c| self.place(type_id, c.key()));
        if children.is_empty() || depth >= DEPTH_MAX {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        for child in children {
            self.child(child, type_id, depth + 1);
        }
        self.end(name);
    }

    /// The place in the definition's order; unknown elements come last.
    fn place(&self, type_id: Option<TypeId>, key: Key) -> u8 {
        let property = type_id.and_then(|id| self.definitions.property(id, key));
        property.map_or(u8::MAX, |p| self.definitions.element(p.element).place)
    }

    fn child(&mut self, node: NodeRef<'_>, parent: Option<TypeId>, depth: usize) {
        let name = node.name();
        let is_nothing = node.kind() == Kind::Empty && !node.has_children();
        if name == "resourceType" || is_nothing || !is_name(name) || name.contains(':') {
            return;
        }
        let type_id = parent.and_then(|id| self.definitions.property(id, node.key())).map(|p| p.type_id);
        if type_id.is_some_and(|id| self.definitions.get(id).kind == TypeKind::Primitive(Primitive::Xhtml)) {
            return self.narrative(node.value().unwrap_or_default());
        }
        self.out.push('<');
        self.out.push_str(name);
        if node.resource_type().is_some() && depth < DEPTH_MAX {
            self.out.push('>');
            self.resource(node, false, depth + 1);
            self.end(name);
        } else {
            self.content(node, name, type_id, false, depth);
        }
    }

    /// The narrative as it is, where it is well-formed; otherwise its text, so that the document stays well-formed.
    fn narrative(&mut self, div: &str) {
        if super::narrative::is_well_formed(div, &XmlLimits::default()) {
            self.out.push_str(div.trim());
        } else {
            self.out.push_str("<div");
            self.attribute("xmlns", XHTML);
            self.out.push('>');
            escape(div, &mut self.out);
            self.out.push_str("</div>");
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(value, &mut self.out);
        self.out.push('"');
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// Appends text so that it is the same text again, in an attribute or between tags.
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c if is_forbidden(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
