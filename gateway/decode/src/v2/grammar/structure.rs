//! Message structures: trees of segments and groups, read from a notation such as
//! `MSH PATIENT(PID NTE*)? ORDER(ORC OBR?)+`.

use super::Grammar;

/// Segments are numbered so that sets of them are four words.
pub(in crate::v2) type SegmentId = u8;
pub(super) const IDS_MAX: usize = 256;

/// No structure of the standard is half as deep.
const DEPTH_MAX: usize = 16;

/// A set of segments.
#[derive(Clone, Copy, Default)]
pub(in crate::v2) struct Set([u64; 4]);

impl Set {
    fn add(&mut self, id: SegmentId) {
        if let Some(word) = self.0.get_mut(usize::from(id >> 6)) {
            *word |= 1 << (id & 63);
        }
    }

    fn unite(&mut self, other: &Set) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    pub(in crate::v2) fn has(&self, id: SegmentId) -> bool {
        self.0.get(usize::from(id >> 6)).is_some_and(|word| word & (1 << (id & 63)) != 0)
    }
}

/// A segment or a group at its place in a structure.
pub(in crate::v2) struct Node {
    pub(in crate::v2) name: &'static str,
    pub(in crate::v2) required: bool,
    pub(in crate::v2) repeats: bool,
    /// Of a segment.
    pub(in crate::v2) segment: Option<SegmentId>,
    /// Of a group: its children's places in [`Structure::nodes`].
    pub(in crate::v2) children: std::ops::Range<usize>,
    /// Segments with which it can begin, and segments that it can hold anywhere.
    pub(in crate::v2) starts: Set,
    pub(in crate::v2) holds: Set,
    /// It stands in a group of prior results, which only a patient's PID opens.
    pub(in crate::v2) is_prior: bool,
}

/// A message structure. Node 0 is the message itself.
pub struct Structure {
    pub id: &'static str,
    pub(in crate::v2) nodes: Vec<Node>,
}

/// A group of a structure, for whoever checks names against it.
#[derive(Clone, Copy)]
pub struct GroupDef<'s> {
    structure: &'s Structure,
    node: &'s Node,
}

impl Structure {
    pub(super) fn read(id: &'static str, notation: &'static str, grammar: &Grammar) -> Structure {
        let mut structure = Structure { id, nodes: Vec::new() };
        structure.nodes.push(Node {
            name: id,
            required: true,
            repeats: false,
            segment: None,
            children: 0..0,
            starts: Set::default(),
            holds: Set::default(),
            is_prior: false,
        });
        structure.read_children(0, notation, grammar, 0);
        structure
    }

    /// The message as the outermost group.
    pub fn root(&self) -> Option<GroupDef<'_>> {
        self.nodes.first().map(|node| GroupDef { structure: self, node })
    }

    fn read_children(&mut self, parent: usize, notation: &'static str, grammar: &Grammar, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        let parts: Vec<_> = Parts(notation).collect();
        let first = self.nodes.len();
        let is_prior = self.nodes.get(parent).is_some_and(|node| node.is_prior);
        for part in &parts {
            let name_bytes: Option<[u8; 3]> = part.name.as_bytes().try_into().ok();
            let segment = if part.inner.is_none() { name_bytes.and_then(|name| grammar.id_of(name)) } else { None };
            let mut set = Set::default();
            segment.into_iter().for_each(|id| set.add(id));
            self.nodes.push(Node {
                name: part.name,
                required: matches!(part.suffix, None | Some('+')),
                repeats: matches!(part.suffix, Some('*' | '+')),
                segment,
                children: 0..0,
                starts: set,
                holds: set,
                is_prior: is_prior || part.name.contains("PRIOR"),
            });
        }
        let children = first..self.nodes.len();
        for (child, part) in children.clone().zip(&parts) {
            if let Some(inner) = part.inner {
                self.read_children(child, inner, grammar, depth + 1);
            }
        }
        let (mut starts, mut holds, mut open) = (Set::default(), Set::default(), true);
        for child in self.nodes.get(children.clone()).unwrap_or_default() {
            if open {
                starts.unite(&child.starts);
                open = !child.required;
            }
            holds.unite(&child.holds);
        }
        if let Some(node) = self.nodes.get_mut(parent) {
            (node.starts, node.holds, node.children) = (starts, holds, children);
        }
    }
}

impl<'s> GroupDef<'s> {
    pub fn name(&self) -> &'static str {
        self.node.name
    }

    pub fn repeats(&self) -> bool {
        self.node.repeats
    }

    /// Names of its segments, in order; a segment that stands in two places is named twice.
    pub fn segments(&self) -> impl Iterator<Item = &'static str> + use<'s> {
        self.children().iter().filter(|node| node.children.is_empty()).map(|node| node.name)
    }

    pub fn groups(&self) -> impl Iterator<Item = GroupDef<'s>> + use<'s> {
        let structure = self.structure;
        self.children().iter().filter(|node| !node.children.is_empty()).map(move |node| GroupDef { structure, node })
    }

    fn children(&self) -> &'s [Node] {
        self.structure.nodes.get(self.node.children.clone()).unwrap_or_default()
    }
}

/// One word of the notation: `NAME`, `NAME(inner)`, with `?`, `*` or `+`.
struct Part {
    name: &'static str,
    inner: Option<&'static str>,
    suffix: Option<char>,
}

struct Parts(&'static str);

impl Iterator for Parts {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let rest = self.0.trim_start();
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, mut rest) = rest.split_at(len);
        if name.is_empty() {
            return None;
        }
        let mut inner = None;
        if rest.starts_with('(') {
            let mut depth = 0usize;
            let close = rest.bytes().position(|b| {
                depth = match b {
                    b'(' => depth + 1,
                    b')' => depth.saturating_sub(1),
                    _ => depth,
                };
                depth == 0
            });
            let close = close.unwrap_or(rest.len().saturating_sub(1));
            inner = rest.get(1..close);
            rest = rest.get(close + 1..).unwrap_or_default();
        }
        let suffix = rest.chars().next().filter(|c| matches!(c, '?' | '*' | '+'));
        self.0 = rest.get(usize::from(suffix.is_some())..).unwrap_or_default();
        Some(Part { name, inner, suffix })
    }
}
