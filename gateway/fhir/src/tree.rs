//! One FHIR resource (or Bundle) as a compact tree: nodes in one vector, all text in one string.
//!
//! An element with several values is several sibling nodes under one key, always adjacent; there are no array
//! nodes. A primitive element holds its value as text (decimals therefore stay exact) and, where FHIR JSON has a
//! `_name` beside it, its `id` and `extension` as children.

use crate::names::Key;
use std::collections::HashMap;

/// Index of a node in its tree; the root is 0.
pub type NodeId = u32;

const NONE: u32 = u32::MAX;

/// What a node holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A complex element or a resource: no value, children.
    Object,
    /// A primitive without a value (only `id`/`extension` below it, or JSON `null` in an array).
    Empty,
    String,
    /// Text exactly as written, e.g. `1.50`.
    Number,
    /// Text `true` or `false`.
    Bool,
}

#[derive(Clone, Copy)]
struct Node {
    key: Key,
    kind: Kind,
    /// Part of a JSON array.
    list: bool,
    start: u32,
    len: u32,
    first: u32,
    last: u32,
    next: u32,
    /// Byte offset in the parsed text, or the index of the lineage record that wrote this node.
    origin: u32,
}

/// A resource as a tree. It has no `Debug`: it may hold patient data.
#[derive(Clone)]
pub struct Tree {
    nodes: Vec<Node>,
    text: String,
    /// Names that R4 does not know, numbered from [`Key::known_count`].
    strange: Vec<String>,
    /// Their numbers, for documents with many of them.
    strange_numbers: HashMap<String, u32>,
}

/// How far a tree had grown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    nodes: u32,
    text: u32,
}

/// `origin` of a node that nobody has claimed.
pub const NO_ORIGIN: u32 = u32::MAX;

impl Tree {
    /// An empty object as root.
    pub fn new() -> Tree {
        let mut tree =
            Tree { nodes: Vec::with_capacity(64), text: String::with_capacity(512), strange: Vec::new(), strange_numbers: HashMap::new() };
        tree.push(Key(0), Kind::Object, false);
        tree
    }

    /// A root with `resourceType` set.
    pub fn resource(resource_type: &str) -> Tree {
        let mut tree = Tree::new();
        tree.add_value(0, Key::of("resourceType"), Kind::String, resource_type, false);
        tree
    }

    fn push(&mut self, key: Key, kind: Kind, list: bool) -> NodeId {
        let id = self.nodes.len() as u32;
        self.nodes.push(Node { key, kind, list, start: 0, len: 0, first: NONE, last: NONE, next: NONE, origin: NO_ORIGIN });
        id
    }

    /// The key of a name, known to R4 or not.
    pub fn key(&mut self, name: &str) -> Key {
        if let Some(key) = Key::known(name) {
            return key;
        }
        if let Some(number) = self.strange_numbers.get(name) {
            return Key(*number);
        }
        let number = (Key::known_count() + self.strange.len()) as u32;
        self.strange.push(name.to_owned());
        self.strange_numbers.insert(name.to_owned(), number);
        Key(number)
    }

    /// The name of a key of this tree.
    pub fn name(&self, key: Key) -> &str {
        key.known_name().unwrap_or_else(|| &self.strange[key.index() - Key::known_count()])
    }

    /// Adds a node below `parent`, behind the last sibling with the same key (so that repeats stay adjacent), else
    /// at the end. `list` says that JSON shows it in an array.
    pub fn add(&mut self, parent: NodeId, key: Key, kind: Kind, list: bool) -> NodeId {
        let id = self.push(key, kind, list);
        let last = self.nodes[parent as usize].last;
        if last == NONE {
            let p = &mut self.nodes[parent as usize];
            p.first = id;
            p.last = id;
            return id;
        }
        let mut after = last;
        if self.nodes[last as usize].key != key {
            let mut at = self.nodes[parent as usize].first;
            while at != NONE {
                if self.nodes[at as usize].key == key {
                    after = at;
                }
                at = self.nodes[at as usize].next;
            }
        }
        let next = self.nodes[after as usize].next;
        self.nodes[id as usize].next = next;
        self.nodes[after as usize].next = id;
        if next == NONE {
            self.nodes[parent as usize].last = id;
        }
        id
    }

    /// Adds a node at the end of `parent`, without looking for others with its key: for builders that add repeats one
    /// behind the other, or put the children in order afterwards.
    pub fn append(&mut self, parent: NodeId, key: Key, kind: Kind, list: bool) -> NodeId {
        self.insert(parent, None, key, kind, list)
    }

    /// The same with a value.
    pub fn append_value(&mut self, parent: NodeId, key: Key, kind: Kind, value: &str, list: bool) -> NodeId {
        let id = self.append(parent, key, kind, list);
        self.set_value(id, kind, value);
        id
    }

    /// Adds a node below `parent` directly behind `before`, which has the same key, or at the end where there is no
    /// node with this key yet. For builders that know the place: nothing is searched.
    pub(crate) fn insert(&mut self, parent: NodeId, before: Option<NodeId>, key: Key, kind: Kind, list: bool) -> NodeId {
        let id = self.push(key, kind, list);
        let last = self.nodes[parent as usize].last;
        let before = before.unwrap_or(last);
        if before == NONE {
            self.nodes[parent as usize].first = id;
        } else {
            self.nodes[id as usize].next = self.nodes[before as usize].next;
            self.nodes[before as usize].next = id;
        }
        if before == last {
            self.nodes[parent as usize].last = id;
        }
        id
    }

    /// The next node under the same key.
    pub(crate) fn next_of_run(&self, node: NodeId) -> Option<NodeId> {
        let next = self.nodes[node as usize].next;
        (next != NONE && self.nodes[next as usize].key == self.nodes[node as usize].key).then_some(next)
    }

    /// Adds a primitive with its value.
    pub fn add_value(&mut self, parent: NodeId, key: Key, kind: Kind, value: &str, list: bool) -> NodeId {
        let id = self.add(parent, key, kind, list);
        self.set_value(id, kind, value);
        id
    }

    /// Sets the value of a primitive node.
    pub fn set_value(&mut self, node: NodeId, kind: Kind, value: &str) {
        let start = self.text.len() as u32;
        self.text.push_str(value);
        let n = &mut self.nodes[node as usize];
        n.kind = kind;
        n.start = start;
        n.len = value.len() as u32;
    }

    /// Appends to the text buffer in place; `finish` closes the value of `node`. For writers that build a value
    /// piecewise without a temporary string.
    pub fn value_writer(&mut self, node: NodeId, kind: Kind) -> ValueWriter<'_> {
        let start = self.text.len();
        ValueWriter { tree: self, node, kind, start }
    }

    /// Unlinks a node (and what is below it) from its parent. Its storage is kept until the tree is dropped.
    pub fn remove(&mut self, parent: NodeId, node: NodeId) {
        let mut before = NONE;
        let mut at = self.nodes[parent as usize].first;
        while at != NONE && at != node {
            before = at;
            at = self.nodes[at as usize].next;
        }
        if at == NONE {
            return;
        }
        let next = self.nodes[at as usize].next;
        if before == NONE {
            self.nodes[parent as usize].first = next;
        } else {
            self.nodes[before as usize].next = next;
        }
        if self.nodes[parent as usize].last == node {
            self.nodes[parent as usize].last = before;
        }
    }

    /// Remembers how far the tree has grown, for [`Tree::rollback`].
    pub fn mark(&self) -> Mark {
        Mark { nodes: self.nodes.len() as u32, text: self.text.len() as u32 }
    }

    /// Takes back all that was added since `mark` directly or indirectly below `parent`, which must be all that was added.
    pub fn rollback(&mut self, parent: NodeId, mark: Mark) {
        let mut before = NONE;
        let mut at = self.nodes[parent as usize].first;
        while at != NONE {
            let next = self.nodes[at as usize].next;
            if at < mark.nodes {
                before = at;
            } else if before == NONE {
                self.nodes[parent as usize].first = next;
            } else {
                self.nodes[before as usize].next = next;
            }
            at = next;
        }
        self.nodes[parent as usize].last = before;
        self.nodes.truncate(mark.nodes as usize);
        self.text.truncate(mark.text as usize);
    }

    /// Orders the children of a node by the rank of their keys; equal ranks stay as they are.
    pub fn sort_children(&mut self, parent: NodeId, rank: impl Fn(Key) -> u32) {
        let mut list: Vec<(u32, u32)> = Vec::new();
        let mut at = self.nodes[parent as usize].first;
        while at != NONE {
            let node = &self.nodes[at as usize];
            list.push((rank(node.key), at));
            at = node.next;
        }
        if list.is_sorted_by_key(|(rank, _)| *rank) {
            return;
        }
        list.sort_by_key(|(rank, _)| *rank);
        for (i, (_, id)) in list.iter().enumerate() {
            self.nodes[*id as usize].next = list.get(i + 1).map_or(NONE, |(_, next)| *next);
        }
        let parent = &mut self.nodes[parent as usize];
        parent.first = list.first().map_or(NONE, |(_, id)| *id);
        parent.last = list.last().map_or(NONE, |(_, id)| *id);
    }

    /// Copies `from` (with what is below it) of another tree below `parent` here, under `key`.
    /// Depth of the recursion is the depth of `from`, which its parser or builder has limited.
    pub fn graft(&mut self, parent: NodeId, key: Key, from: NodeRef<'_>, list: bool) -> NodeId {
        let id = self.add(parent, key, from.kind(), list);
        if let Some(value) = from.value() {
            self.set_value(id, from.kind(), value);
        }
        self.nodes[id as usize].origin = from.origin();
        for child in from.children() {
            let key = self.key(child.name());
            self.graft(id, key, child, child.is_list());
        }
        id
    }

    /// Says where a node comes from.
    pub fn set_origin(&mut self, node: NodeId, origin: u32) {
        self.nodes[node as usize].origin = origin;
    }

    /// Says that JSON shows the node in an array.
    pub fn set_list(&mut self, node: NodeId, list: bool) {
        self.nodes[node as usize].list = list;
    }

    pub fn root(&self) -> NodeRef<'_> {
        NodeRef { tree: self, id: 0 }
    }

    pub fn node(&self, id: NodeId) -> NodeRef<'_> {
        NodeRef { tree: self, id }
    }

    /// How many nodes were made (unlinked ones included).
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.len() <= 1
    }

    /// Empties the tree and keeps its memory.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.text.clear();
        self.strange.clear();
        self.strange_numbers.clear();
        self.push(Key(0), Kind::Object, false);
    }
}

impl Default for Tree {
    fn default() -> Self {
        Tree::new()
    }
}

/// Writes one value piece by piece; the value is set when the writer is dropped.
pub struct ValueWriter<'t> {
    tree: &'t mut Tree,
    node: NodeId,
    kind: Kind,
    start: usize,
}

impl ValueWriter<'_> {
    pub fn push_str(&mut self, s: &str) {
        self.tree.text.push_str(s);
    }

    pub fn push(&mut self, c: char) {
        self.tree.text.push(c);
    }
}

impl std::fmt::Write for ValueWriter<'_> {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.push_str(s);
        Ok(())
    }
}

impl Drop for ValueWriter<'_> {
    fn drop(&mut self) {
        let len = self.tree.text.len() - self.start;
        let n = &mut self.tree.nodes[self.node as usize];
        n.kind = self.kind;
        n.start = self.start as u32;
        n.len = len as u32;
    }
}

/// A node with its tree, for reading.
#[derive(Clone, Copy)]
pub struct NodeRef<'t> {
    tree: &'t Tree,
    id: NodeId,
}

impl<'t> NodeRef<'t> {
    fn raw(self) -> &'t Node {
        &self.tree.nodes[self.id as usize]
    }

    pub fn id(self) -> NodeId {
        self.id
    }

    pub fn tree(self) -> &'t Tree {
        self.tree
    }

    pub fn key(self) -> Key {
        self.raw().key
    }

    pub fn name(self) -> &'t str {
        self.tree.name(self.raw().key)
    }

    pub fn kind(self) -> Kind {
        self.raw().kind
    }

    pub fn is_list(self) -> bool {
        self.raw().list
    }

    pub fn origin(self) -> u32 {
        self.raw().origin
    }

    /// The value of a primitive.
    pub fn value(self) -> Option<&'t str> {
        let n = self.raw();
        match n.kind {
            Kind::Object | Kind::Empty => None,
            _ => Some(&self.tree.text[n.start as usize..(n.start + n.len) as usize]),
        }
    }

    pub fn has_children(self) -> bool {
        self.raw().first != NONE
    }

    pub fn children(self) -> Children<'t> {
        Children { tree: self.tree, next: self.raw().first }
    }

    /// The first child under `key`.
    pub fn child(self, key: Key) -> Option<NodeRef<'t>> {
        self.children().find(|c| c.key() == key)
    }

    /// All children under `key`, in order.
    pub fn all(self, key: Key) -> impl Iterator<Item = NodeRef<'t>> {
        self.children().skip_while(move |c| c.key() != key).take_while(move |c| c.key() == key)
    }

    /// The first child of that R4 name.
    pub fn get(self, name: &str) -> Option<NodeRef<'t>> {
        self.child(Key::known(name)?)
    }

    /// The value at a path of first children: `node.at("code.coding.code")`.
    pub fn at(self, path: &str) -> Option<&'t str> {
        path.split('.').try_fold(self, |node, name| node.get(name))?.value()
    }

    /// `resourceType` where this is a resource.
    pub fn resource_type(self) -> Option<&'t str> {
        self.get("resourceType")?.value()
    }
}

/// The children of a node, in order.
#[derive(Clone)]
pub struct Children<'t> {
    tree: &'t Tree,
    next: u32,
}

impl<'t> Iterator for Children<'t> {
    type Item = NodeRef<'t>;

    fn next(&mut self) -> Option<NodeRef<'t>> {
        if self.next == NONE {
            return None;
        }
        let id = self.next;
        self.next = self.tree.nodes[id as usize].next;
        Some(NodeRef { tree: self.tree, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_stay_adjacent_whatever_the_order_of_writing() {
        let mut t = Tree::resource("Patient");
        let (name, gender) = (Key::of("name"), Key::of("gender"));
        t.add(0, name, Kind::Object, true);
        t.add_value(0, gender, Kind::String, "male", false);
        t.add(0, name, Kind::Object, true);
        let keys: Vec<&str> = t.root().children().map(NodeRef::name).collect();
        assert_eq!(keys, ["resourceType", "name", "name", "gender"]);
    }

    #[test]
    fn what_was_added_since_a_mark_can_be_taken_back() {
        let mut t = Tree::resource("Patient");
        let (name, gender, family) = (Key::of("name"), Key::of("gender"), Key::of("family"));
        t.add(0, name, Kind::Object, true);
        t.add_value(0, gender, Kind::String, "male", false);
        let mark = t.mark();
        let second = t.add(0, name, Kind::Object, true);
        t.add_value(second, family, Kind::String, "x", false);
        t.rollback(0, mark);
        assert_eq!(t.mark(), mark);
        t.add_value(0, gender, Kind::String, "x", false);
        let keys: Vec<&str> = t.root().children().map(NodeRef::name).collect();
        assert_eq!(keys, ["resourceType", "name", "gender", "gender"]);
    }

    #[test]
    fn children_can_be_put_in_order() {
        let mut t = Tree::resource("Patient");
        let (name, gender) = (Key::of("name"), Key::of("gender"));
        t.add_value(0, gender, Kind::String, "male", false);
        t.add(0, name, Kind::Object, true);
        t.sort_children(0, |k| u32::from(k == gender));
        t.add(0, Key::of("photo"), Kind::Object, true);
        let keys: Vec<&str> = t.root().children().map(NodeRef::name).collect();
        assert_eq!(keys, ["resourceType", "name", "gender", "photo"]);
    }
}
