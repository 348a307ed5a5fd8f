//! The reader: events of quick-xml into a [`Tree`], guided by the definitions.

use super::namespace::{Scopes, Space};
use super::{XmlError, XmlErrorKind, XmlIssue, XmlIssueKind, XmlLimits};
use crate::definitions::{Definitions, Property, TypeId, TypeKind};
use crate::names::Key;
use crate::primitive::Primitive;
use crate::tree::{Kind, NO_ORIGIN, NodeId, Tree};
use quick_xml::XmlVersion;
use quick_xml::escape::EscapeError;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use std::borrow::Cow;
use std::collections::HashMap;

/// Prefixes bound at one place.
const PREFIXES_MAX: usize = 256;
/// Bytes of a name that an issue tells.
const NAME_MAX: usize = 64;

/// Reads one resource. The `origin` of every node is the byte offset of its start tag.
pub fn parse(text: &[u8], limits: &XmlLimits) -> Result<(Tree, Vec<XmlIssue>), XmlError> {
    if text.len() > limits.bytes_max {
        return Err(XmlErrorKind::TooLarge.at(0, text));
    }
    let start = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let body =
        std::str::from_utf8(text.get(start..).unwrap_or_default()).map_err(|e| XmlErrorKind::Encoding.at(start + e.valid_up_to(), text))?;
    if let Some(offset) = body.find(is_forbidden) {
        return Err(XmlErrorKind::Character.at(start + offset, text));
    }
    let mut parser = Parser::new(body, limits);
    parser.document().map_err(|(kind, offset)| kind.at(start + offset, text))?;
    let mut issues = parser.issues;
    for issue in &mut issues {
        issue.offset += start;
    }
    let mut tree = parser.tree;
    if start > 0 {
        for id in 0..tree.len() as NodeId {
            let origin = tree.node(id).origin();
            tree.set_origin(id, origin.saturating_add(start as u32));
        }
    }
    Ok((tree, issues))
}

/// Characters that no XML 1.0 document may hold (XML 1.0 §2.2).
pub(super) fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// Where it went wrong, in the body.
pub(super) type Fault = (XmlErrorKind, usize);

/// What the definitions say of an open element.
#[derive(Clone, Copy)]
enum Content {
    /// The elements of a type; `true`: a resource.
    Elements(TypeId, bool),
    Primitive(Primitive, TypeId),
    /// The place of one resource; `true`: it was there.
    Slot(bool),
    /// Unknown to R4: taken as it is, for the validator to report.
    Unknown,
    /// Reported, not read.
    Skipped,
}

/// An open element.
struct Frame {
    node: NodeId,
    content: Content,
    /// Place of the last child in the order of the definition.
    place: u8,
    last: Option<(Key, NodeId)>,
    /// The last child of each name, once children came out of order.
    index: HashMap<Key, NodeId>,
    has_text: bool,
}

pub(super) struct Parser<'a> {
    reader: Reader<&'a [u8]>,
    definitions: &'static Definitions,
    extension: Option<TypeId>,
    pub(super) limits: XmlLimits,
    tree: Tree,
    issues: Vec<XmlIssue>,
    open: Vec<Frame>,
    pub(super) scopes: Scopes,
    elements: usize,
    version: XmlVersion,
    /// Where the event begins that is being read.
    pub(super) at: usize,
}

/// A start tag, taken apart.
pub(super) struct Tag<'a> {
    pub(super) space: Space,
    pub(super) local: Cow<'a, str>,
    /// Without those that bind namespaces: name and raw value.
    pub(super) attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Parser<'a> {
    fn new(body: &'a str, limits: &XmlLimits) -> Parser<'a> {
        let definitions = Definitions::r4();
        let mut reader = Reader::from_str(body);
        reader.config_mut().check_comments = true;
        Parser {
            reader,
            definitions,
            extension: definitions.type_named("Extension"),
            limits: *limits,
            tree: Tree::new(),
            issues: Vec::new(),
            open: Vec::new(),
            scopes: Scopes::default(),
            elements: 0,
            version: XmlVersion::Implicit1_0,
            at: 0,
        }
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    pub(super) fn next(&mut self) -> Result<Event<'a>, Fault> {
        self.at = self.position();
        self.reader.read_event().map_err(|_| {
            let at = usize::try_from(self.reader.error_position()).unwrap_or(self.at);
            (XmlErrorKind::Syntax, at)
        })
    }

    fn fault<T>(&self, kind: XmlErrorKind) -> Result<T, Fault> {
        Err((kind, self.at))
    }

    fn document(&mut self) -> Result<(), Fault> {
        let mut is_first = true;
        let mut has_root = false;
        loop {
            let event = self.next()?;
            match &event {
                Event::Eof if has_root && self.open.is_empty() => return Ok(()),
                Event::Eof => return self.fault(XmlErrorKind::Syntax),
                Event::Decl(declaration) if is_first => {
                    self.version = declaration.xml_version().map_err(|_| (XmlErrorKind::Syntax, 0))?;
                    let is_utf8 = |e: Cow<'_, str>| e.eq_ignore_ascii_case("utf-8") || e.eq_ignore_ascii_case("us-ascii");
                    if !declaration.encoding().is_none_or(|e| e.is_ok_and(is_utf8)) {
                        return Err((XmlErrorKind::Encoding, 0));
                    }
                }
                Event::Decl(_) => return self.fault(XmlErrorKind::Syntax),
                Event::DocType(_) => return self.fault(XmlErrorKind::Doctype),
                Event::Start(start) | Event::Empty(start) => {
                    let is_empty = matches!(event, Event::Empty(_));
                    if has_root && self.open.is_empty() {
                        return self.fault(XmlErrorKind::Syntax);
                    }
                    has_root = true;
                    self.start(start, is_empty)?;
                    if is_empty {
                        self.end();
                    }
                }
                Event::End(_) => self.end(),
                Event::Text(text) if self.open.is_empty() => {
                    if !text.trim_ascii().is_empty() {
                        return self.fault(XmlErrorKind::Syntax);
                    }
                }
                Event::Text(text) => {
                    if !text.trim_ascii().is_empty() {
                        self.stray_text();
                    }
                }
                Event::GeneralRef(_) | Event::CData(_) if self.open.is_empty() => return self.fault(XmlErrorKind::Syntax),
                Event::GeneralRef(reference) => {
                    self.check_reference(reference)?;
                    self.stray_text();
                }
                Event::CData(_) => self.issue_here(XmlIssueKind::CData, ""),
                Event::PI(_) => self.issue_here(XmlIssueKind::ProcessingInstruction, ""),
                Event::Comment(_) => {}
            }
            is_first = false;
        }
    }

    /// Text between elements: said once for each element.
    fn stray_text(&mut self) {
        if self.open.last_mut().is_some_and(|f| !std::mem::replace(&mut f.has_text, true)) {
            self.issue_here(XmlIssueKind::Text, "");
        }
    }

    /// An issue in the open element; nothing is said of what is skipped.
    fn issue_here(&mut self, kind: XmlIssueKind, name: &str) {
        let (node, skipped) = self.open.last().map_or((0, false), |f| (f.node, matches!(f.content, Content::Skipped)));
        if !skipped {
            self.issue(kind, node, name);
        }
    }

    pub(super) fn issue(&mut self, kind: XmlIssueKind, node: NodeId, name: &str) {
        if self.issues.len() < self.limits.issues_max {
            let name = name.get(..name.floor_char_boundary(NAME_MAX)).unwrap_or_default().to_owned();
            self.issues.push(XmlIssue { kind, node, offset: self.at, name });
        }
    }

    /// `&name;`: one of the five, or a character that XML allows.
    pub(super) fn check_reference(&self, reference: &BytesRef<'_>) -> Result<(), Fault> {
        match reference.resolve_char_ref() {
            Ok(Some(c)) if is_forbidden(c) && self.is_version_1_0() => self.fault(XmlErrorKind::Character),
            Ok(Some(_)) => Ok(()),
            Ok(None) if matches!(&**reference, "amp" | "lt" | "gt" | "apos" | "quot") => Ok(()),
            Ok(None) => self.fault(XmlErrorKind::Entity),
            Err(_) => self.fault(XmlErrorKind::Character),
        }
    }

    fn is_version_1_0(&self) -> bool {
        !matches!(self.version, XmlVersion::Explicit1_1)
    }

    /// Takes a start tag apart and binds its namespaces, for an element at `depth` from the root.
    pub(super) fn tag<'t>(&mut self, start: &'t BytesStart<'_>, depth: usize) -> Result<Tag<'t>, Fault> {
        self.elements += 1;
        if self.elements > self.limits.elements_max {
            return self.fault(XmlErrorKind::TooManyElements);
        }
        let mut attributes = Vec::new();
        for (i, attribute) in start.attributes().enumerate() {
            let attribute = attribute.map_err(|_| (XmlErrorKind::Syntax, self.at))?;
            if i >= self.limits.attributes_max {
                return self.fault(XmlErrorKind::TooManyAttributes);
            }
            let name = attribute.key.into_inner();
            if attribute.value.contains('<') || !is_name(name) {
                return self.fault(XmlErrorKind::Syntax);
            }
            let prefix = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            match prefix {
                Some(prefix) => {
                    let uri = self.value(&attribute.value)?;
                    self.scopes.bind(depth, prefix, &uri);
                }
                None => attributes.push((Cow::Borrowed(name), attribute.value)),
            }
        }
        if self.scopes.len() > PREFIXES_MAX {
            return self.fault(XmlErrorKind::TooManyAttributes);
        }
        let name = start.name().into_inner();
        let (space, local) = self.scopes.resolve(name).filter(|_| is_name(name)).ok_or((XmlErrorKind::Syntax, self.at))?;
        Ok(Tag { space, local: Cow::Borrowed(local), attributes })
    }

    /// An attribute's value: references resolved, white space as XML normalizes it.
    fn value<'v>(&self, raw: &'v str) -> Result<Cow<'v, str>, Fault> {
        if !raw.contains(['&', '\t', '\r', '\n']) {
            return Ok(Cow::Borrowed(raw));
        }
        let spaced = raw.replace("\r\n", " ").replace(['\t', '\r', '\n'], " ");
        let value = quick_xml::escape::unescape(&spaced).map_err(|e| match e {
            EscapeError::UnrecognizedEntity(..) => (XmlErrorKind::Entity, self.at),
            EscapeError::InvalidCharRef(_) => (XmlErrorKind::Character, self.at),
            _ => (XmlErrorKind::Syntax, self.at),
        })?;
        if self.is_version_1_0() && value.contains(is_forbidden) {
            return self.fault(XmlErrorKind::Character);
        }
        Ok(Cow::Owned(value.into_owned()))
    }

    fn start(&mut self, start: &BytesStart<'_>, is_empty: bool) -> Result<(), Fault> {
        let depth = self.open.len();
        if depth >= self.limits.depth_max {
            return self.fault(XmlErrorKind::Depth);
        }
        let tag = self.tag(start, depth)?;
        let Some(parent) = self.open.last() else { return self.root(&tag) };
        let (node, content) = (parent.node, parent.content);
        match content {
            Content::Skipped => {
                self.push(node, Content::Skipped);
                Ok(())
            }
            Content::Slot(was_there) => self.resource_in_slot(&tag, node, was_there),
            Content::Primitive(..) if tag.space == Space::Fhir && tag.local != "extension" => {
                self.skip(XmlIssueKind::Element, node, &tag.local);
                Ok(())
            }
            Content::Elements(type_id, false) if tag.space == Space::Fhir && self.is_attribute(type_id, &tag.local) => {
                self.skip(XmlIssueKind::Element, node, &tag.local);
                Ok(())
            }
            Content::Primitive(_, type_id) | Content::Elements(type_id, _) => self.child(start, tag, Some(type_id), is_empty),
            Content::Unknown => self.child(start, tag, None, is_empty),
        }
    }

    /// What XML writes as an attribute, and not as an element.
    fn is_attribute(&self, type_id: TypeId, name: &str) -> bool {
        name == "id" || name == "url" && Some(type_id) == self.extension
    }

    fn push(&mut self, node: NodeId, content: Content) {
        self.open.push(Frame { node, content, place: 0, last: None, index: HashMap::new(), has_text: false });
    }

    fn skip(&mut self, kind: XmlIssueKind, node: NodeId, name: &str) {
        self.issue(kind, node, name);
        self.push(node, Content::Skipped);
    }

    fn end(&mut self) {
        self.open.pop();
        self.scopes.leave(self.open.len());
    }

    fn root(&mut self, tag: &Tag<'_>) -> Result<(), Fault> {
        if tag.space != Space::Fhir {
            return self.fault(XmlErrorKind::NotFhir);
        }
        self.tree.set_origin(0, self.origin());
        self.resource(0, tag)
    }

    fn resource_in_slot(&mut self, tag: &Tag<'_>, node: NodeId, was_there: bool) -> Result<(), Fault> {
        if tag.space != Space::Fhir {
            self.skip(XmlIssueKind::Namespace, node, &tag.local);
            return Ok(());
        }
        if was_there {
            self.skip(XmlIssueKind::Element, node, &tag.local);
            return Ok(());
        }
        if let Some(slot) = self.open.last_mut() {
            slot.content = Content::Slot(true);
        }
        self.resource(node, tag)
    }

    /// Opens a resource whose content goes into `node`.
    fn resource(&mut self, node: NodeId, tag: &Tag<'_>) -> Result<(), Fault> {
        let type_name = self.tree.append_value(node, Key::of("resourceType"), Kind::String, &tag.local, false);
        self.tree.set_origin(type_name, self.origin());
        let content = self.definitions.resource_named(&tag.local).map_or(Content::Unknown, |id| Content::Elements(id, true));
        self.push(node, content);
        self.attributes(tag, node, content)
    }

    fn origin(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(NO_ORIGIN)
    }

    /// Opens an element below the open one, which has the type `parent`.
    fn child(&mut self, start: &BytesStart<'_>, tag: Tag<'_>, parent: Option<TypeId>, is_empty: bool) -> Result<(), Fault> {
        let parent_node = self.open.last().map_or(0, |f| f.node);
        let key = self.tree.key(&tag.local);
        let property = parent.and_then(|id| self.definitions.property(id, key));
        let type_kind = property.map(|p| self.definitions.get(p.type_id).kind);
        if type_kind == Some(TypeKind::Primitive(Primitive::Xhtml)) {
            let node = self.place(key, property, Kind::String);
            let mut text = String::new();
            self.narrative(start, tag, node, is_empty, &mut text)?;
            self.tree.set_value(node, Kind::String, &text);
            self.push(node, Content::Skipped);
            if !is_empty {
                self.end(); // its end tag is read
            }
            return Ok(());
        }
        if tag.space != Space::Fhir {
            self.skip(XmlIssueKind::Namespace, parent_node, &tag.local);
            return Ok(());
        }
        let content = match (type_kind, property) {
            (Some(TypeKind::Primitive(p)), Some(property)) => Content::Primitive(p, property.type_id),
            (Some(TypeKind::Complex | TypeKind::Backbone), Some(property)) => Content::Elements(property.type_id, false),
            (Some(TypeKind::Resource), _) => Content::Slot(false),
            _ => Content::Unknown,
        };
        let kind = if matches!(content, Content::Primitive(..)) { Kind::Empty } else { Kind::Object };
        let node = self.place(key, property, kind);
        self.push(node, content);
        self.attributes(&tag, node, content)
    }

    /// Adds a node below the open element, beside its siblings of the same name.
    fn place(&mut self, key: Key, property: Option<&Property>, kind: Kind) -> NodeId {
        let element = property.map(|p| self.definitions.element(p.element));
        let list = element.is_some_and(|e| e.is_list());
        let origin = self.origin();
        let Some(parent) = self.open.last_mut() else { return 0 };
        let place = element.map_or(parent.place, |e| e.place);
        let is_late = place < parent.place;
        // the one before it, where it is not new
        let before = match parent.last {
            Some((last, node)) if last == key => Some(node),
            _ if place > parent.place || parent.last.is_none() => None,
            _ => {
                if parent.index.is_empty() {
                    parent.index = self.tree.node(parent.node).children().map(|c| (c.key(), c.id())).collect();
                }
                parent.index.get(&key).copied()
            }
        };
        let node = self.tree.insert(parent.node, before, key, kind, list);
        self.tree.set_origin(node, origin);
        if !parent.index.is_empty() {
            parent.index.insert(key, node);
        }
        parent.last = Some((key, node));
        parent.place = parent.place.max(place);
        let parent_node = parent.node;
        if is_late {
            let name = self.tree.name(key).to_owned();
            self.issue(XmlIssueKind::Order, parent_node, &name);
        }
        node
    }

    /// The attributes that FHIR has: `value` of a primitive, `id` of an element, `url` of an extension.
    fn attributes(&mut self, tag: &Tag<'_>, node: NodeId, content: Content) -> Result<(), Fault> {
        for (name, raw) in &tag.attributes {
            let value = self.value(raw)?;
            if value.contains(is_forbidden) {
                self.issue(XmlIssueKind::Control, node, name);
            }
            match (&**name, content) {
                ("value", Content::Primitive(primitive, _)) => self.tree.set_value(node, kind_of(primitive, &value), &value),
                ("value", Content::Unknown) => self.tree.set_value(node, Kind::String, &value),
                ("id", Content::Primitive(..) | Content::Elements(_, false) | Content::Unknown) => self.attribute(node, "id", &value),
                ("url", Content::Elements(id, _)) if Some(id) == self.extension => self.attribute(node, "url", &value),
                _ if matches!(self.scopes.resolve(name), Some((Space::Instance, "schemaLocation"))) => {}
                _ => self.issue(XmlIssueKind::Attribute, node, name),
            }
        }
        Ok(())
    }

    fn attribute(&mut self, node: NodeId, name: &str, value: &str) {
        let child = self.tree.append_value(node, Key::of(name), Kind::String, value, false);
        self.tree.set_origin(child, self.origin());
    }
}

/// How JSON writes the value; a string where it is not what it should be, so that it can be written and is reported.
fn kind_of(primitive: Primitive, value: &str) -> Kind {
    match primitive.json_kind() {
        Kind::Bool if matches!(value, "true" | "false") => Kind::Bool,
        Kind::Number if is_number(value) => Kind::Number,
        _ => Kind::String,
    }
}

/// A number that the JSON reader takes as well.
fn is_number(value: &str) -> bool {
    let exponent = value.split_once(['e', 'E']).map_or(Some(0), |(_, e)| e.parse::<i32>().ok());
    Primitive::Decimal.check_text(value).is_ok() && exponent.is_some_and(|e| value.len() as u64 + u64::from(e.unsigned_abs()) <= 300)
}

/// A name as XML has it, as far as it matters: it can be written again.
pub(super) fn is_name(name: &str) -> bool {
    let is_start = |c: char| c.is_alphabetic() || c == '_' || c == ':';
    name.starts_with(is_start) && name.chars().all(|c| is_start(c) || c.is_alphanumeric() || matches!(c, '-' | '.' | '\u{b7}'))
}
