//! A snapshot's flat list of elements as the tree that it means: children below their element, slices beside it.

use hutong_fhir::structure::{ElementDefinition, StructureDefinition};
use std::collections::HashMap;
use std::sync::Arc;

/// Elements of one snapshot beyond which it is not read.
const ELEMENTS_MAX: usize = 20_000;

/// A snapshot as a tree. Node 0 is the root; there is none where the snapshot is empty.
pub(super) struct Outline {
    pub(super) structure: Arc<StructureDefinition>,
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    /// Place in the snapshot.
    element: usize,
    /// `component`, `value[x]`, without slice.
    name: String,
    slice: Option<String>,
    children: Vec<usize>,
    /// Slices of this element, or of this slice where it is sliced again.
    slices: Vec<usize>,
}

/// An element with where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'o> {
    pub(super) outline: &'o Outline,
    index: usize,
}

impl Outline {
    pub(super) fn new(structure: Arc<StructureDefinition>) -> Outline {
        let mut outline = Outline { nodes: Vec::with_capacity(structure.snapshot.len()), structure };
        let mut by_id: HashMap<String, usize> = HashMap::new();
        let structure = Arc::clone(&outline.structure);
        for (place, element) in structure.snapshot.iter().enumerate().take(ELEMENTS_MAX) {
            let id = identity(element);
            let (parent, last) = id.rsplit_once('.').map_or(("", id.as_str()), |(parent, last)| (parent, last));
            let (name, slice) = last.split_once(':').map_or((last, None), |(name, slice)| (name, Some(slice)));
            let index = outline.nodes.len();
            outline.nodes.push(Node { element: place, name: name.to_owned(), slice: slice.map(str::to_owned), ..Node::default() });
            if index > 0 {
                let prefix = if parent.is_empty() { String::new() } else { format!("{parent}.") };
                match slice {
                    None => outline.link(by_id.get(parent).copied(), index, false),
                    Some(slice) => {
                        // "a/b" is a slice of the slice "a"
                        let outer = slice.rsplit_once('/').and_then(|(outer, _)| by_id.get(&format!("{prefix}{name}:{outer}")));
                        let of = outer.or_else(|| by_id.get(&format!("{prefix}{name}"))).copied();
                        match of {
                            Some(of) => outline.link(Some(of), index, true),
                            None => outline.link(by_id.get(parent).copied(), index, false),
                        }
                    }
                }
            }
            by_id.insert(id, index);
        }
        outline
    }

    fn link(&mut self, to: Option<usize>, index: usize, is_slice: bool) {
        if let Some(node) = to.and_then(|to| self.nodes.get_mut(to)) {
            if is_slice { node.slices.push(index) } else { node.children.push(index) }
        }
    }

    /// The element of that id (`Composition.section:code-A`); the root for an empty one.
    pub(super) fn part(&self, id: &str) -> Option<At<'_>> {
        if id.is_empty() {
            return self.root();
        }
        let is_it = |node: &Node| self.structure.snapshot.get(node.element).is_some_and(|e| identity(e) == id);
        self.nodes.iter().position(is_it).map(|index| At { outline: self, index })
    }

    pub(super) fn root(&self) -> Option<At<'_>> {
        (!self.nodes.is_empty()).then_some(At { outline: self, index: 0 })
    }
}

impl<'o> At<'o> {
    fn node(self) -> &'o Node {
        &self.outline.nodes[self.index]
    }

    pub(super) fn index(self) -> usize {
        self.index
    }

    pub(super) fn definition(self) -> &'o ElementDefinition {
        &self.outline.structure.snapshot[self.node().element]
    }

    pub(super) fn name(self) -> &'o str {
        &self.node().name
    }

    pub(super) fn slice_name(self) -> Option<&'o str> {
        self.node().slice.as_deref()
    }

    pub(super) fn children(self) -> impl Iterator<Item = At<'o>> {
        self.node().children.iter().map(move |i| At { outline: self.outline, index: *i })
    }

    pub(super) fn slices(self) -> impl Iterator<Item = At<'o>> {
        self.node().slices.iter().map(move |i| At { outline: self.outline, index: *i })
    }

    /// The child of that name; `value` also finds `value[x]`.
    pub(super) fn child(self, name: &str) -> Option<At<'o>> {
        self.children().find(|c| c.name() == name || c.name().strip_suffix("[x]") == Some(name))
    }
}

/// The id of an element, or what it would be.
fn identity(element: &ElementDefinition) -> String {
    match (&element.id, &element.slice_name) {
        (id, _) if !id.is_empty() => id.clone(),
        (_, Some(slice)) => format!("{}:{slice}", element.path),
        (_, None) => element.path.clone(),
    }
}
