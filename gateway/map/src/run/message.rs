//! A message declaration: groups are walked, maps called for the segments found in them.

use hutong_decode::v2::{Arrangement, GroupRef, Item};
use hutong_fhir::{Finding, Severity};

use super::value::{Slot, Val};
use super::{Exec, Origin};
use crate::plan::{Group, Plan, Source, Step};

/// A group, or a segment of it, that an `each` stands at.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'m> {
    pub group: GroupRef<'m>,
    /// The segment of an `each SEGMENT`.
    pub only: Option<u32>,
    /// How many resources there were when this turn began, for `name*`.
    pub since: usize,
}

/// Segments that follow the one they belong to: within `each OBX` an NTE is that OBX's.
const FOLLOWERS: [&[u8; 3]; 2] = [b"NTE", b"PRT"];

impl<'m> Exec<'m> {
    pub(super) fn message(&mut self) {
        let Some(index) = self.declaration() else {
            let finding = Finding::new(Severity::Warning, "map.message.none", "not-supported", 200);
            let place = self.message.header().map(|h| h.location(9)).unwrap_or_default();
            self.findings.push(finding.at(place).says(
                "没有这种消息的映射；消息已留存，未生成资源",
                "there is no mapping for this type of message; it is kept, and no resources were made",
            ));
            return;
        };
        let plan = self.plan;
        let Some(message) = plan.messages.get(index as usize) else { return };
        self.groups.push(Scope { group: self.arrangement.root(), only: None, since: 0 });
        self.base = self.slots.len();
        self.slots.resize(self.base + message.slots as usize, Slot::None);
        self.masks.resize(self.slots.len(), super::presence::Present::default());
        let mut made = Vec::new();
        self.steps(&message.body, &mut made);
        self.settle();
    }

    /// By MSH-9.1 and 9.2, else by the structure.
    fn declaration(&self) -> Option<u32> {
        let kind = self.message.header()?.field(9).rep(0);
        let (code, event, structure) =
            (kind.component(1).value().raw().trim(), kind.component(2).value().raw().trim(), kind.component(3).value().raw().trim());
        let types = &self.plan.message_types;
        let by_event = types.get(&format!("{code}^{event}")).or_else(|| types.get(code).filter(|_| event.is_empty()));
        by_event.or_else(|| types.get(self.arrangement.structure?)).or_else(|| types.get(structure)).or_else(|| types.get(code)).copied()
    }

    fn steps(&mut self, body: &'m [Step], made: &mut Vec<(u16, u32)>) {
        for step in body {
            if self.refused.is_some() {
                return;
            }
            match step {
                Step::Nothing => {}
                Step::Make { slot, line, .. } => {
                    self.line = *line;
                    if let Some(r) = self.make(body, step, made, false) {
                        self.set_slot(*slot, Slot::One(Val::Resource(r)));
                        made.push((*slot, r));
                    }
                }
                Step::Each { group, body, slots } => self.each(group, body, slots, made),
                Step::Say { op, guards, loads, line } => {
                    self.line = *line;
                    self.load(loads);
                    if self.all_hold(guards) {
                        self.origin = Origin::NONE;
                        self.text(*op);
                    }
                }
            }
        }
    }

    fn each(&mut self, group: &Group, body: &'m [Step], slots: &[u16], made: &mut Vec<(u16, u32)>) {
        let Some(here) = self.groups.last().copied() else { return };
        let mut turns: Vec<Scope<'m>> = Vec::new();
        match group {
            Group::Named(name) => {
                let mut found = Vec::new();
                groups_named(here.group, name, &mut found);
                turns.extend(found.into_iter().map(|group| Scope { group, only: None, since: 0 }));
            }
            Group::Segment(name) => {
                let from = self.vals.len();
                self.collect(here.group, name, false, usize::MAX);
                if self.vals.len() == from {
                    self.collect(here.group, name, true, usize::MAX);
                }
                let arrangement = self.arrangement;
                let turn = |v: Val<'m>| match v {
                    Val::Segment(s) => Some(Scope { group: arrangement.group_of(s as usize), only: Some(s), since: 0 }),
                    _ => None,
                };
                turns.extend(self.vals.drain(from..).filter_map(turn));
            }
        }
        for turn in turns {
            slots.iter().for_each(|s| self.set_slot(*s, Slot::None));
            self.groups.push(Scope { since: made.len(), ..turn });
            self.steps(body, made);
            self.groups.pop();
        }
    }

    /// The resource of a line. `ahead`: only its id, for a line above it that refers to it.
    fn make(&mut self, body: &'m [Step], step: &'m Step, made: &[(u16, u32)], ahead: bool) -> Option<u32> {
        let Step::Make { map, args, guards, loads, .. } = step else { return None };
        self.load(loads);
        if !self.all_hold(guards) {
            return None;
        }
        let plan = self.plan;
        let map_plan = plan.maps.get(*map as usize)?;
        let base = self.slots.len();
        for (arg, param) in args.iter().zip(&map_plan.params) {
            let value = self.source(body, arg, param.many, made, ahead);
            if matches!(value, Slot::None) && !param.optional && !ahead {
                self.slots.truncate(base);
                self.masks.truncate(base);
                return None;
            }
            self.push_slot(value);
        }
        self.enter(base, map_plan.slots, |e| if ahead { e.promise(*map) } else { e.resource(*map) })
    }

    /// The segments that a line names itself.
    fn load(&mut self, loads: &[(u16, [u8; 3])]) {
        for (slot, name) in loads {
            let found = self.find(name, false);
            self.set_slot(*slot, found);
        }
    }

    /// An id before its resource is made.
    fn promise(&mut self, map: u32) -> Option<u32> {
        let plan = self.plan;
        let m = plan.maps.get(map as usize)?;
        let id = self.identify(m)?;
        if let Some(k) = self.by_id.get(&id) {
            return Some(*k);
        }
        Some(self.announce(map, m, &id))
    }

    fn source(&mut self, body: &'m [Step], source: &Source, many: bool, made: &[(u16, u32)], ahead: bool) -> Slot<'m> {
        match source {
            Source::Segments(name) => self.find(name, many),
            Source::Resource(slot) => self.slot(*slot),
            Source::Resources { slot, level } => {
                let since = self.groups.get(*level as usize).map_or(0, |g| g.since);
                let found: Vec<Val<'m>> =
                    made.get(since..).unwrap_or(&[]).iter().filter(|(s, _)| s == slot).map(|(_, r)| Val::Resource(*r)).collect();
                match found.len() {
                    0 => self.slot(*slot),
                    _ => self.hold(found),
                }
            }
            Source::Ahead { slot, step } => {
                if let got @ Slot::One(_) = self.slot(*slot) {
                    return got;
                }
                if ahead {
                    return Slot::None;
                }
                let Some(step) = body.get(*step as usize) else { return Slot::None };
                self.make(body, step, made, true).map_or(Slot::None, |r| Slot::One(Val::Resource(r)))
            }
            Source::Value(op) => {
                let from = self.vals.len();
                self.values(*op);
                self.held_since(from)
            }
        }
    }

    fn hold(&mut self, mut found: Vec<Val<'m>>) -> Slot<'m> {
        match found.len() {
            0 => Slot::None,
            1 => found.pop().map_or(Slot::None, Slot::One),
            n => {
                let from = self.held.len() as u32;
                self.held.append(&mut found);
                Slot::Many(from, n as u32)
            }
        }
    }

    /// Segments of a name: of the present group with its groups that do not repeat, else of the groups around it.
    fn find(&mut self, name: &[u8; 3], many: bool) -> Slot<'m> {
        let from = self.vals.len();
        let limit = if many { usize::MAX } else { 1 };
        let mut at = self.groups.len();
        while let Some(scope) = at.checked_sub(1).and_then(|i| self.groups.get(i)).copied() {
            at -= 1;
            if let Some(only) = scope.only {
                if self.has_name(only, name) {
                    return Slot::One(Val::Segment(only));
                }
                if FOLLOWERS.contains(&name) {
                    self.followers(only, name);
                    break;
                }
            }
            // a list also has those of groups that repeat below; what follows a segment stays with it
            let all = many && !FOLLOWERS.contains(&name);
            // an `each SEGMENT` may stand further down than the turn around it: up again, group by group
            let stop = at.checked_sub(1).and_then(|i| self.groups.get(i)).map(|o| o.group.index());
            let mut group = Some(scope.group);
            while let Some(g) = group.filter(|_| self.vals.len() == from) {
                self.collect(g, name, all, limit);
                // a comment on the report is none on each of its results
                group = g.parent().filter(|p| Some(p.index()) != stop && !FOLLOWERS.contains(&name));
            }
            if self.vals.len() > from || FOLLOWERS.contains(&name) {
                break;
            }
        }
        self.held_since(from)
    }

    /// The values pushed since as what a slot holds.
    pub(super) fn held_since(&mut self, from: usize) -> Slot<'m> {
        match self.vals.len() - from {
            0 => Slot::None,
            1 => self.vals.pop().map_or(Slot::None, Slot::One),
            n => {
                let held = self.held.len() as u32;
                self.held.extend(self.vals.drain(from..));
                Slot::Many(held, n as u32)
            }
        }
    }

    fn followers(&mut self, segment: u32, name: &[u8; 3]) {
        let mut at = segment + 1;
        while FOLLOWERS.iter().any(|f| self.has_name(at, f)) {
            if self.has_name(at, name) {
                self.vals.push(Val::Segment(at));
            }
            at += 1;
        }
    }

    fn has_name(&self, segment: u32, name: &[u8; 3]) -> bool {
        self.names.get(segment as usize) == Some(name)
    }

    /// Pushes the segments of a name, `limit` at most. `all`: also of groups that repeat.
    fn collect(&mut self, group: GroupRef<'m>, name: &[u8; 3], all: bool, limit: usize) {
        let from = self.vals.len();
        for item in group.items() {
            if self.vals.len() - from >= limit {
                return;
            }
            match item {
                Item::Segment(s) if self.has_name(s as u32, name) => self.vals.push(Val::Segment(s as u32)),
                Item::Group(g) if all || self.repeats.get(g.index()) != Some(&true) => {
                    let left = limit - (self.vals.len() - from);
                    self.collect(g, name, all, left);
                }
                _ => {}
            }
        }
    }
}

/// For each group of a message, whether its structure lets it repeat.
pub(super) fn repeating(plan: &Plan, arrangement: &Arrangement) -> Vec<bool> {
    let Some(names) = arrangement.structure.and_then(|s| plan.repeating.get(s)) else { return Vec::new() };
    arrangement.groups().map(|g| names.contains_key(g.name())).collect()
}

/// All occurrences of a group below another, in order. Groups nest as deep as the standard's structures.
fn groups_named<'m>(group: GroupRef<'m>, name: &str, found: &mut Vec<GroupRef<'m>>) {
    for g in group.groups() {
        if g.name() == name {
            found.push(g);
        } else {
            groups_named(g, name, found);
        }
    }
}
