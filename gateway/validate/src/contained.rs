//! Contained resources: what they may hold (dom-2, dom-4, dom-5), that each is used (dom-3), that none goes in a
//! circle, and what `#id` refers to.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::rules;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::NodeRef;
use hutong_fhir::primitive::Primitive;
use std::collections::{HashMap, HashSet};

/// The resource in which `#id` is looked up.
#[derive(Default)]
pub(crate) struct Scope<'t> {
    container: Option<NodeRef<'t>>,
    has_contained: bool,
    /// The contained resource that is being walked.
    inside: Option<u32>,
    /// Local references: from which contained resource (`None`: from outside of them) to which id.
    links: Vec<(Option<u32>, &'t str)>,
    /// Ids of elements, apart for each contained resource.
    elements: HashSet<(Option<u32>, &'t str)>,
    /// Contained resources by id, made when first asked for.
    by_id: Option<HashMap<&'t str, (u32, NodeRef<'t>)>>,
}

impl<'t> Scope<'t> {
    pub(crate) fn new(container: NodeRef<'t>) -> Scope<'t> {
        let has_contained = container.child(KEYS.contained).is_some();
        Scope { container: Some(container), has_contained, ..Scope::default() }
    }

    /// Remembers a uri, url or canonical that points to a contained resource.
    pub(crate) fn note(&mut self, primitive: Primitive, value: &'t str) {
        if self.has_contained && matches!(primitive, Primitive::Uri | Primitive::Url | Primitive::Canonical) {
            self.link(value);
        }
    }

    /// Remembers a reference where it is local.
    pub(crate) fn link(&mut self, reference: &'t str) {
        if let Some(id) = reference.strip_prefix('#').filter(|_| self.has_contained) {
            self.links.push((self.inside, id));
        }
    }

    /// Remembers the id of an element; `false` where it was there already.
    pub(crate) fn note_element(&mut self, id: &'t str) -> bool {
        self.elements.insert((self.inside, id))
    }

    /// Enters a contained resource; gives what [`Scope::leave`] needs. One that is wrongly nested counts as its outer.
    pub(crate) fn enter(&mut self, index: u32) -> Option<u32> {
        let before = self.inside;
        self.inside = before.or(Some(index));
        before
    }

    pub(crate) fn leave(&mut self, before: Option<u32>) {
        self.inside = before;
    }

    /// The contained resource with that id; for the empty id the container.
    pub(crate) fn resolve(&mut self, id: &str) -> Option<NodeRef<'t>> {
        let container = self.container?;
        if id.is_empty() {
            return Some(container);
        }
        self.ids(container).get(id).map(|(_, node)| *node)
    }

    fn ids(&mut self, container: NodeRef<'t>) -> &HashMap<&'t str, (u32, NodeRef<'t>)> {
        self.by_id.get_or_insert_with(|| {
            let mut out = HashMap::new();
            for (index, node) in container.all(KEYS.contained).enumerate() {
                if let Some(id) = node.child(KEYS.id).and_then(NodeRef::value) {
                    out.entry(id).or_insert((index as u32, node));
                }
            }
            out
        })
    }
}

impl<'t> Walk<'t> {
    /// What a contained resource itself must not hold.
    pub(crate) fn contained_resource(&mut self, at: &Frame<'_, 't>) {
        if at.node.child(KEYS.contained).is_some() {
            self.broken(at, &rules::DOM_2);
        }
        if let Some(meta) = at.node.child(KEYS.meta) {
            if meta.child(KEYS.version_id).is_some() || meta.child(KEYS.last_updated).is_some() {
                self.broken(at, &rules::DOM_4);
            }
            if meta.child(KEYS.security).is_some() {
                self.broken(at, &rules::DOM_5);
            }
        }
    }

    /// After the walk over a resource: every contained resource is reached, none twice under one id, none in a circle.
    pub(crate) fn contained_as_a_whole(&mut self, at: &Frame<'_, 't>) {
        if !self.scope.has_contained {
            return;
        }
        let contained: Vec<NodeRef<'t>> = at.node.all(KEYS.contained).collect();
        let ids: HashMap<&str, u32> = self.scope.ids(at.node).iter().map(|(id, (index, _))| (*id, *index)).collect();
        let mut next: Vec<Vec<u32>> = vec![Vec::new(); contained.len()];
        let mut reached = vec![false; contained.len()];
        let mut queue = Vec::new();
        for (from, id) in &self.scope.links {
            match (from, ids.get(id)) {
                (None, Some(to)) => queue.push(*to),
                (Some(from), Some(to)) => next[*from as usize].push(*to),
                // a contained resource that refers to its container belongs to it
                (Some(from), None) if id.is_empty() => queue.push(*from),
                _ => {}
            }
        }
        while let Some(i) = queue.pop() {
            if !std::mem::replace(&mut reached[i as usize], true) {
                queue.extend(&next[i as usize]);
            }
        }
        let definitions = self.definitions;
        let of = at.node.resource_type().and_then(|n| definitions.type_named(n));
        let property = of.and_then(|id| definitions.property(id, KEYS.contained));
        let circles = on_circle(&next);
        for (i, node) in contained.iter().enumerate() {
            let frame = at.below(*node, property, i as u32);
            if circles[i] {
                self.error(
                    &frame,
                    &text::CONTAINED_LOOP,
                    "内含资源相互循环引用；请去掉其中一个引用",
                    "contained resources refer to each other in a circle; remove one of the references",
                );
            } else if !reached[i] {
                self.broken(&frame, &rules::DOM_3);
            }
            let id = node.child(KEYS.id).and_then(NodeRef::value);
            if id.and_then(|id| ids.get(id)).is_some_and(|first| *first as usize != i) {
                self.error(
                    &frame,
                    &text::DUPLICATE,
                    "两个内含资源的 id 相同；请让 id 在本资源内唯一",
                    "two contained resources have the same id; make ids unique within the resource",
                );
            }
        }
    }
}

/// Which nodes of a graph lie on a circle: those that peeling off nodes without successors, then nodes without
/// predecessors, leaves over.
fn on_circle(next: &[Vec<u32>]) -> Vec<bool> {
    let count = next.len();
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); count];
    for (i, targets) in next.iter().enumerate() {
        targets.iter().for_each(|t| before[*t as usize].push(i as u32));
    }
    let mut left = vec![true; count];
    for (forward, backward) in [(next, before.as_slice()), (before.as_slice(), next)] {
        let mut degree: Vec<usize> = forward.iter().map(|targets| targets.iter().filter(|t| left[**t as usize]).count()).collect();
        let mut queue: Vec<usize> = (0..count).filter(|i| left[*i] && degree[*i] == 0).collect();
        while let Some(i) = queue.pop() {
            left[i] = false;
            for b in &backward[i] {
                let b = *b as usize;
                if left[b] {
                    degree[b] -= 1;
                    if degree[b] == 0 {
                        queue.push(b);
                    }
                }
            }
        }
    }
    left
}
