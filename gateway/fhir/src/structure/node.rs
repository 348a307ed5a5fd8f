//! The elements of a definition as a tree, as merging needs them: children below their parent, slices beside it.

use super::ElementDefinition;
use super::StructureLimits;
use super::read::fault;
use crate::finding::Finding;
use std::collections::BTreeMap;

/// An element with what is below it.
#[derive(Clone)]
pub(super) struct Node {
    /// Last name of its path: `component`, `value[x]`, in a differential also `valueQuantity`.
    pub(super) name: String,
    /// `id` and `path` are not kept up to date: [`Node::flatten`] writes them.
    pub(super) def: ElementDefinition,
    pub(super) children: Vec<Node>,
    /// Its slices, re-slices (`a/b`) behind the slice that they divide.
    pub(super) slices: Vec<Node>,
}

/// One name of a path, with its slice.
#[derive(Clone, PartialEq, Eq)]
struct Part {
    name: String,
    slice: Option<String>,
}

impl Node {
    pub(super) fn new(name: &str, def: ElementDefinition) -> Node {
        Node { name: name.to_owned(), def, children: Vec::new(), slices: Vec::new() }
    }

    /// How many elements it is, with those below and beside it.
    pub(super) fn count(&self) -> usize {
        1 + self.children.iter().chain(&self.slices).map(Node::count).sum::<usize>()
    }

    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|c| c.name == name)
    }

    pub(super) fn child_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.children.iter_mut().find(|c| c.name == name)
    }

    pub(super) fn slice_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.slices.iter_mut().find(|s| s.def.slice_name.as_deref() == Some(name))
    }

    /// A tree of the elements of a differential or snapshot. Elements that the list leaves out on the way are made, and
    /// say nothing. Slices are told by `id` where all ids are usable, otherwise by `sliceName` and order.
    pub(super) fn from_elements(
        type_name: &str,
        elements: &[ElementDefinition],
        url: &str,
        limits: &StructureLimits,
    ) -> Result<Node, Finding> {
        let mut root = Node::new(type_name, ElementDefinition::default());
        // where the last element of each path was, for lists without ids
        let mut latest: BTreeMap<String, Vec<Part>> = BTreeMap::new();
        // one that does not fit makes the others doubtful
        let has_ids = elements.iter().all(|e| parts_of_id(e).is_some());
        for element in elements {
            let by_id = parts_of_id(element).filter(|_| has_ids);
            let parts = by_id.unwrap_or_else(|| parts_of_path(element, &latest));
            if parts.len() > limits.depth_max {
                let (zh, en) = ("路径层数过多", "its path has too many names");
                return Err(fault("structure.limit", url, &element.path, zh, en));
            }
            let below = format!("{}.", element.path);
            while let Some((path, _)) = latest.range(below.clone()..).next().filter(|(path, _)| path.starts_with(&below)) {
                let path = path.clone();
                latest.remove(&path);
            }
            latest.insert(element.path.clone(), parts.clone());
            let node = root.at(parts.get(1..).unwrap_or_default());
            if let Some(slice) = parts.last().and_then(|p| p.slice.clone()) {
                node.def = ElementDefinition { slice_name: Some(slice), ..element.clone() };
            } else {
                node.def = element.clone();
            }
        }
        Ok(root)
    }

    /// Snapshots may give a single element a name without slicing it: such a name becomes the element's own again.
    pub(super) fn settle(&mut self) {
        for child in &mut self.children {
            let is_name_only = child.def.path.is_empty() && child.children.is_empty() && child.slices.len() == 1;
            if let Some(named) = is_name_only.then(|| child.slices.pop()).flatten() {
                *child = named;
            }
            child.settle();
        }
        self.slices.iter_mut().for_each(Node::settle);
    }

    /// The node at a path, made where it is not there.
    fn at(&mut self, parts: &[Part]) -> &mut Node {
        let mut at = self;
        for part in parts {
            let index = match at.children.iter().position(|c| c.name == part.name) {
                Some(index) => index,
                None => {
                    at.children.push(Node::new(&part.name, ElementDefinition::default()));
                    at.children.len() - 1
                }
            };
            at = &mut at.children[index]; // found or just made
            if let Some(slice) = &part.slice {
                let index = match at.slices.iter().position(|s| s.def.slice_name.as_ref() == Some(slice)) {
                    Some(index) => index,
                    None => {
                        let def = ElementDefinition { slice_name: Some(slice.clone()), ..ElementDefinition::default() };
                        at.slices.push(Node::new(&part.name, def));
                        at.slices.len() - 1
                    }
                };
                at = &mut at.slices[index];
            }
        }
        at
    }

    /// All elements in the order of a snapshot, with paths and ids.
    pub(super) fn flatten(mut self) -> Vec<ElementDefinition> {
        let mut out = Vec::new();
        let (path, id) = (self.name.clone(), self.name.clone());
        self.def.slice_name = None;
        self.write(&path, &id, &mut out);
        out
    }

    /// The depth of the recursion is that of the tree, which [`Node::from_elements`] limits.
    fn write(mut self, path: &str, id: &str, out: &mut Vec<ElementDefinition>) {
        path.clone_into(&mut self.def.path);
        id.clone_into(&mut self.def.id);
        out.push(self.def);
        for child in self.children {
            let (path, id) = (format!("{path}.{}", child.name), format!("{id}.{}", child.name));
            let id = match &child.def.slice_name {
                // an element that was only given a name
                Some(name) => format!("{id}:{name}"),
                None => id,
            };
            let slices_id = format!("{}.{}", id.rsplit_once('.').map_or("", |(parent, _)| parent), child.name);
            child.write_with_slices(&path, &id, &slices_id, out);
        }
    }

    fn write_with_slices(mut self, path: &str, id: &str, slices_id: &str, out: &mut Vec<ElementDefinition>) {
        let slices = std::mem::take(&mut self.slices);
        self.write(path, id, out);
        for slice in slices {
            let id = format!("{slices_id}:{}", slice.def.slice_name.as_deref().unwrap_or_default());
            slice.write(path, &id, out);
        }
    }
}

/// The parts of an element's id, where it fits its path.
fn parts_of_id(element: &ElementDefinition) -> Option<Vec<Part>> {
    let parts: Vec<Part> = element
        .id
        .split('.')
        .map(|part| match part.split_once(':') {
            Some((name, slice)) => Part { name: name.to_owned(), slice: Some(slice.to_owned()) },
            None => Part { name: part.to_owned(), slice: None },
        })
        .collect();
    let names: Vec<&str> = element.path.split('.').collect();
    let last = parts.last()?;
    // `Observation.value[x]:valueQuantity` may have the path `Observation.valueQuantity`
    let fits =
        |(part, name): (&Part, &&str)| part.name == **name || part.name.strip_suffix("[x]").is_some_and(|stem| name.starts_with(stem));
    (parts.len() == names.len() && parts.iter().zip(&names).skip(1).all(fits) && last.slice == element.slice_name).then_some(parts)
}

/// The parts of its path: each name is the latest element of that path.
fn parts_of_path(element: &ElementDefinition, latest: &BTreeMap<String, Vec<Part>>) -> Vec<Part> {
    let (mut parts, last) = match element.path.rsplit_once('.') {
        Some((parent, last)) => (parts_up_to(parent, latest), last),
        None => (Vec::new(), element.path.as_str()),
    };
    parts.push(Part { name: last.to_owned(), slice: element.slice_name.clone() });
    parts
}

fn parts_up_to(path: &str, latest: &BTreeMap<String, Vec<Part>>) -> Vec<Part> {
    // the longest beginning that was there, and the rest without slices
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]).rev();
    for end in ends {
        if let Some(found) = path.get(..end).and_then(|start| latest.get(start)) {
            let rest = path.get(end + 1..).unwrap_or_default().split('.').filter(|n| !n.is_empty());
            return found.iter().cloned().chain(rest.map(|name| Part { name: name.to_owned(), slice: None })).collect();
        }
    }
    path.split('.').map(|name| Part { name: name.to_owned(), slice: None }).collect()
}
