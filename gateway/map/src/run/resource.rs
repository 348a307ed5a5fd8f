//! Resources: identity, building, references, display.

use hutong_fhir::{Key, Kind, NodeId, Tree};
use std::borrow::Cow;
use std::hash::Hasher;

use super::keys::KEYS;
use super::value::{Slot, Val};
use super::{Built, Exec, Got, Missing};
use crate::builtins::key::SEPARATOR;
use crate::plan::{At, Entry, Map, NONE, Op, OpId};
use hutong_fhir::quick::Fold;

/// How many parts an identity may have; the check at load refuses more.
pub(crate) const IDENTITY_MAX: usize = 16;

impl<'m> Exec<'m> {
    /// The id of what the map makes from the present slots; `None`: nothing says what it is.
    pub(super) fn identify(&mut self, map: &'m Map) -> Option<String> {
        let flags = (self.null, self.absent);
        let mut id = None;
        for alternative in &map.identity {
            if !self.may_have(&alternative.needs) || !self.all_hold(&alternative.guards) {
                continue;
            }
            id = self.identity(map, &alternative.parts);
            if id.is_some() {
                break;
            }
        }
        (self.null, self.absent) = flags;
        id
    }

    fn identity(&mut self, map: &Map, parts: &[OpId]) -> Option<String> {
        let mut texts: [Cow<'m, str>; IDENTITY_MAX] = [const { Cow::Borrowed("") }; IDENTITY_MAX];
        for (i, (op, place)) in parts.iter().zip(&mut texts).enumerate() {
            match self.text(*op) {
                Some((text, _)) => *place = text,
                // the first part says whose number it is; without it the others tell nothing apart
                None if i == 0 => return None,
                None => {}
            }
        }
        let mut texts = texts.iter().map(|t| &**t);
        let first = texts.next().unwrap_or("");
        let assigned = memchr::memchr(SEPARATOR as u8, first.as_bytes()).and_then(|at| Some((first.get(..at)?, first.get(at + 1..)?)));
        let (namespace, first) = assigned.unwrap_or((self.cx.namespace, first));
        let parts = std::iter::once(first).chain(texts).take(parts.len());
        Some(hutong_fhir::id::from_identity(namespace, map.type_name, parts))
    }

    /// Makes the resource of a map from the present slots, or finds it where it was made before.
    pub(super) fn resource(&mut self, index: u32) -> Option<u32> {
        let plan = self.plan;
        let map = plan.maps.get(index as usize)?;
        let id = self.identify(map)?;
        let from = self.arguments(map);
        let known = self.by_id.get(&id).copied();
        if let Some(k) = known
            && self.built.get(k as usize).is_some_and(|b| b.tree.is_some() && b.map == index && b.from == from)
        {
            return Some(k);
        }
        let known = match (known, map.own) {
            (None, Some(_)) => Some(self.announce(index, map, &id)),
            (known, _) => known,
        };
        if let (Some(slot), Some(k)) = (map.own, known) {
            self.set_slot(slot, Slot::One(Val::Resource(k)));
        }
        let mut fresh = Tree::resource(map.type_name);
        fresh.append_value(0, KEYS.id, Kind::String, &id, false);
        let outer = std::mem::replace(&mut self.tree, fresh);
        let saved = (self.line, self.origin, self.last, self.null, self.absent);
        let pending = std::mem::take(&mut self.pending);
        let mut clear = Vec::new();
        let made = self.build(map, &mut clear);
        self.settle();
        self.pending = pending;
        (self.line, self.origin, self.last, self.null, self.absent) = saved;
        let tree = std::mem::replace(&mut self.tree, outer);
        if let Err(missing) = made {
            self.required(&missing);
            return None;
        }
        let resource = Built { resource_type: map.type_name, id: id.clone(), merge: map.merge, clear, tree: Some(tree), map: index, from };
        Some(self.keep(known, id, resource))
    }

    /// Gives an id its place before the resource is made.
    pub(super) fn announce(&mut self, index: u32, map: &Map, id: &str) -> u32 {
        let k = self.built.len() as u32;
        let built =
            Built { resource_type: map.type_name, id: id.to_owned(), merge: map.merge, clear: Vec::new(), tree: None, map: index, from: 0 };
        self.built.push(built);
        self.by_id.insert(id.to_owned(), k);
        k
    }

    fn keep(&mut self, known: Option<u32>, id: String, new: Built) -> u32 {
        if let Some(k) = known
            && let Some(old) = self.built.get_mut(k as usize)
        {
            match (&mut old.tree, new.tree) {
                (Some(tree), Some(more)) => {
                    let type_id = self.defs.type_named(new.resource_type);
                    *tree = super::unite::unite(self.defs, type_id, tree, &more);
                    let named: Vec<&str> = tree.root().children().map(|c| c.name()).collect();
                    old.clear.extend(new.clear);
                    old.clear.retain(|c| !named.contains(&c.as_str()));
                }
                (slot, tree) => {
                    *slot = tree;
                    old.clear = new.clear;
                    old.map = new.map;
                    old.from = new.from;
                }
            }
            return k;
        }
        let k = self.built.len() as u32;
        self.built.push(new);
        self.by_id.insert(id, k);
        k
    }

    fn build(&mut self, map: &'m Map, clear: &mut Vec<String>) -> Result<(), Missing> {
        let Some(block) = self.block(map.block) else { return Ok(()) };
        for entry in &block.entries {
            if let Some(simple) = entry.simple
                && self.simple(entry, simple, 0).is_some()
            {
                continue;
            }
            (self.null, self.absent) = (false, None);
            self.entry(entry, 0, false, true)?;
            if self.null && map.merge {
                self.cleared(entry, clear);
            }
        }
        Ok(())
    }

    /// v2 null: the sender says that there is no value any more.
    fn cleared(&self, entry: &Entry, clear: &mut Vec<String>) {
        let root = self.tree.root();
        if entry.keys.iter().any(|k| root.child(*k).is_some()) {
            return;
        }
        for key in &entry.keys {
            let name = self.tree.name(*key).to_owned();
            if !clear.contains(&name) {
                clear.push(name);
            }
        }
    }

    /// Leaves the null flag for [`Exec::build`], which knows whether the map merges.
    pub(super) fn clear_from_null(&mut self, _entry: &Entry) {}

    /// What a call was made from, to know the same call again. Two calls that only seem to be the same have the same
    /// id all the same: what is lost is a second description.
    fn arguments(&self, map: &Map) -> u64 {
        let mut hash = Fold::default();
        for i in 0..map.params.len() {
            match self.slots.get(self.base + i) {
                None | Some(Slot::None) => hash.write_u8(0),
                Some(Slot::One(Val::View(v))) => hash.write(v.raw.as_bytes()),
                Some(Slot::One(Val::Text(t, _))) => hash.write(t.as_bytes()),
                Some(Slot::One(Val::Segment(n) | Val::Resource(n) | Val::Table(n))) => hash.write_u32(*n),
                Some(Slot::Many(from, len)) => hash.write_u64((u64::from(*from) << 32) | u64::from(*len)),
            }
        }
        hash.finish()
    }

    fn required(&mut self, missing: &Missing) {
        let Some(info) = self.plan.line(missing.0) else { return };
        let place = self.place_of_line(missing.0);
        let (map, target) = (&info.map, &info.target);
        let finding =
            hutong_fhir::Finding::new(hutong_fhir::Severity::Error, "map.required", "required", 101).at(self.location(place)).says(
                format!("{map} 的必需元素 {target} 没有值，该资源未生成"),
                format!("{map}: the required element {target} has no value; the resource was not made"),
            );
        self.findings.push(finding);
    }

    /// Where a line looks first. Only for what is rare: it searches the plan.
    pub(super) fn place_of_line(&mut self, line: crate::plan::LineId) -> super::Origin {
        let wholes = self.plan.blocks.iter().flat_map(|b| &b.entries).flat_map(|e| &e.whole);
        let op = wholes.into_iter().find(|w| w.line == line).map(|w| w.op);
        op.map_or(super::Origin::NONE, |op| self.looked_at(op))
    }

    /// The first field that an operation looks at.
    fn looked_at(&mut self, op: OpId) -> super::Origin {
        let found = match self.plan.op(op) {
            Op::Field { .. } => return self.place_of(op),
            Op::Prim { arg, .. } | Op::Coded { arg, .. } | Op::Look { arg, .. } => Some(arg),
            Op::Make { args, .. } | Op::Call { args, .. } | Op::Builtin { args, .. } | Op::First { list: args, .. } => {
                self.plan.list(args).first().copied()
            }
            Op::When { op, .. } | Op::Over { op, .. } | Op::Each { source: op, .. } | Op::Ref { target: op, .. } => Some(op),
            Op::By(id) => self.plan.bys.get(id as usize).map(|b| b.subject),
            _ => None,
        };
        found.map_or(super::Origin::NONE, |op| self.looked_at(op))
    }

    pub(super) fn put_ref(&mut self, at: At, target: OpId, node: NodeId, all: bool) -> Got {
        match self.plan.op(target) {
            Op::Call { map, args } => self.calls(map, args, all, |e, map| match e.resource(map) {
                Some(r) => e.reference(at, r, node),
                None => e.displayed(at, map, node),
            }),
            Op::First { list, settles } => self.first(self.plan.list(list), settles, |e, op| e.put_ref(at, op, node, all)),
            Op::When { cond, op } => {
                if self.holds(cond) {
                    self.put_ref(at, op, node, all)
                } else {
                    Got::No
                }
            }
            Op::Slot { slot } if matches!(self.slots.get(self.base + slot as usize), Some(Slot::One(Val::Resource(_)) | Slot::None)) => {
                match self.slots.get(self.base + slot as usize) {
                    Some(Slot::One(Val::Resource(r))) => self.reference(at, *r, node),
                    _ => Got::No,
                }
            }
            _ => {
                let from = self.vals.len();
                let n = self.values(target);
                let mut got = Got::No;
                for i in 0..n {
                    let Some(Val::Resource(r)) = self.vals.get(from + i).cloned() else { continue };
                    got = got.max(self.reference(at, r, node));
                    if got != Got::No && !all {
                        break;
                    }
                }
                self.vals.truncate(from);
                got
            }
        }
    }

    fn place(&self, at: At) -> (Key, bool) {
        match at {
            At::Own(key, list) => (key, list),
            At::Caller => self.caller,
        }
    }

    fn reference(&mut self, at: At, resource: u32, node: NodeId) -> Got {
        let (key, list) = self.place(at);
        let Some(b) = self.built.get(resource as usize) else { return Got::No };
        // the same reference twice in one list says nothing more
        let same = |c: hutong_fhir::NodeRef<'_>| {
            let told = c.child(KEYS.reference).and_then(|r| r.value()).unwrap_or("");
            c.key() == key && told.strip_prefix(b.resource_type).and_then(|t| t.strip_prefix('/')) == Some(b.id.as_str())
        };
        if list && self.tree.node(node).children().any(same) {
            return Got::Yes;
        }
        let n = self.tree.append(node, key, Kind::Object, list);
        let child = self.tree.append(n, KEYS.reference, Kind::String, false);
        let mut value = self.tree.value_writer(child, Kind::String);
        value.push_str(b.resource_type);
        value.push('/');
        value.push_str(&b.id);
        drop(value);
        self.wrote(child);
        self.wrote(n);
        Got::Yes
    }

    /// A reference in words, to somebody who has no number to be known by.
    fn displayed(&mut self, at: At, map: u32, node: NodeId) -> Got {
        let display = self.plan.maps.get(map as usize).map_or(NONE, |m| m.display);
        if display == NONE {
            return Got::No;
        }
        let Some((text, _)) = self.text(display) else { return Got::No };
        let (key, list) = self.place(at);
        let n = self.tree.append(node, key, Kind::Object, list);
        let child = self.tree.append_value(n, KEYS.display, Kind::String, &text, false);
        self.wrote(child);
        self.wrote(n);
        Got::Yes
    }
}
