//! Finds each segment's place: forward in the structure where possible, else back in what was read already.

use super::report::Reports;
use super::{Arrangement, Message};
use crate::v2::grammar::{Grammar, Node, SegmentId, Structure};

/// How far ahead is looked for the segment that proves a group.
const LOOK_AHEAD_MAX: usize = 64;

/// A group that is being filled.
#[derive(Clone, Copy)]
struct Open {
    node: usize,
    /// Its occurrence in the arrangement.
    group: u32,
    /// The child filled last, counted within the group; `None`: nothing yet.
    cursor: Option<usize>,
    /// Which children (the first 64) are there.
    used: u64,
}

pub(super) struct Placer<'p> {
    structure: &'p Structure,
    arrangement: &'p mut Arrangement,
    reports: Reports<'p>,
    /// The message's segments by number; `None`: not of the standard.
    ids: Vec<Option<SegmentId>>,
    /// Innermost last; never empty.
    stack: Vec<Open>,
    /// The group of the segment before, and whether that was out of place.
    before: (u32, bool),
    /// NTE and PRT follow any segment; TQ1, TQ2 and CTD may stand between an order and its detail too.
    notes: [Option<SegmentId>; 2],
    companions: [Option<SegmentId>; 5],
    obx: Option<SegmentId>,
}

impl<'p> Placer<'p> {
    pub(super) fn new(
        message: &'p Message<'p>,
        grammar: &Grammar,
        structure: &'p Structure,
        arrangement: &'p mut Arrangement,
    ) -> Placer<'p> {
        let ids = message.segments().iter().map(|segment| grammar.id_of(segment.name.map(|b| b.to_ascii_uppercase()))).collect();
        Placer {
            structure,
            arrangement,
            reports: Reports::new(message),
            ids,
            stack: vec![Open { node: 0, group: 0, cursor: None, used: 0 }],
            before: (0, false),
            notes: [*b"NTE", *b"PRT"].map(|name| grammar.id_of(name)),
            companions: [*b"NTE", *b"PRT", *b"TQ1", *b"TQ2", *b"CTD"].map(|name| grammar.id_of(name)),
            obx: grammar.id_of(*b"OBX"),
        }
    }

    pub(super) fn run(mut self) {
        for index in 0..self.ids.len() {
            self.place(index);
        }
        while let Some(open) = self.stack.pop() {
            self.closed(&open);
        }
        self.arrangement.findings.append(&mut self.reports.into_findings());
    }

    fn place(&mut self, index: usize) {
        let Some(id) = self.ids.get(index).copied().flatten() else {
            // a Z segment, or one that no version knows, belongs to what stands before it
            self.reports.unknown(index, self.structure.id);
            return self.put_beside_previous(index);
        };
        let was_misplaced = self.before.1;
        if was_misplaced && self.note(index, id) || self.order_after_its_detail(index, id) || self.detail_after_its_timing(index, id) {
            self.before.1 = true;
            return;
        }
        let expected = self.results_before_specimen(index, id)
            || self.forward(index, id, true)
            || self.note(index, id)
            || self.again(index, id)
            || self.forward(index, id, false);
        if expected {
            self.before.1 = false;
            return;
        }
        if self.backward(index, id) {
            if !was_misplaced {
                self.reports.misplaced(index, self.group_name(self.before.0));
            }
        } else {
            self.reports.misplaced(index, self.group_name(self.before.0));
            self.put_beside_previous(index);
        }
        self.before.1 = true;
    }

    fn group_name(&self, group: u32) -> &'static str {
        self.arrangement.groups.get(group as usize).map_or("", |g| g.name)
    }

    fn node(&self, node: usize) -> Option<&'p Node> {
        self.structure.nodes.get(node)
    }

    fn children(&self, node: usize) -> &'p [Node] {
        self.node(node).and_then(|n| self.structure.nodes.get(n.children.clone())).unwrap_or_default()
    }

    fn put(&mut self, group: u32, index: usize) {
        self.arrangement.put_segment(group, index);
        self.before.0 = group;
    }

    fn put_beside_previous(&mut self, index: usize) {
        self.put(self.before.0, index);
    }

    /// A note or a participation that the structure does not foresee still belongs to the segment that it follows.
    fn note(&mut self, index: usize, id: SegmentId) -> bool {
        let is_note = index > 1 && self.notes.contains(&Some(id));
        if is_note {
            self.put_beside_previous(index);
        }
        is_note
    }

    /// In an ORU that has its SPM before the first OBX of an order, the OBX are the order's results: OBX of the
    /// specimen itself come after results.
    fn results_before_specimen(&mut self, index: usize, id: SegmentId) -> bool {
        if Some(id) != self.obx || !self.structure.id.starts_with("ORU") {
            return false;
        }
        let in_specimen = |open: &Open| self.node(open.node).is_some_and(|node| node.name == "SPECIMEN");
        let Some(level) = self.stack.iter().rposition(in_specimen).and_then(|level| level.checked_sub(1)) else { return false };
        let Some(order) = self.stack.get(level).copied() else { return false };
        let Some(child) = self.children(order.node).iter().position(|node| node.name == "OBSERVATION") else { return false };
        if order.used & bit(child) != 0 {
            return false;
        }
        self.close_to(level);
        self.descend(level, child, index, id);
        true
    }

    /// OBR before its ORC: an ORC that no OBR follows belongs to the order that is open and has none.
    fn order_after_its_detail(&mut self, index: usize, id: SegmentId) -> bool {
        let Some((level, open)) = self.stack.iter().copied().enumerate().rev().find(|(_, open)| open.node != 0 && self.has_detail(open))
        else {
            return false;
        };
        let children = self.children(open.node);
        let Some(child) = children.iter().position(|node| node.starts.has(id)) else { return false };
        let Some(detail) = children.iter().skip(child + 1).position(|node| node.required && node.segment.is_some()) else { return false };
        let detail = child + 1 + detail;
        let comes_late = children.get(child).is_some_and(|node| !node.required) && open.cursor.is_some_and(|cursor| cursor >= detail);
        let mut following = self.ids.iter().skip(index + 1).filter(|id| !self.companions.contains(id));
        let detail_follows = following.next().copied().flatten() == children.get(detail).and_then(|node| node.segment);
        if !comes_late || detail_follows || open.used & bit(child) != 0 {
            return false;
        }
        self.reports.misplaced(index, self.node(open.node).map_or("", |node| node.name));
        self.fill_passed(level, child, index, id);
        true
    }

    /// TQ1 or SPM before the OBR that they belong to: an order that still lacks its detail, and has no results either,
    /// gets it.
    fn detail_after_its_timing(&mut self, index: usize, id: SegmentId) -> bool {
        let lacks = |open: &Open| {
            let children = self.children(open.node);
            let detail = children.iter().position(|child| child.segment == Some(id) && child.required)?;
            let has_result = |(i, child): (usize, &Node)| open.used & bit(i) != 0 && self.obx.is_some_and(|obx| child.starts.has(obx));
            let is_passed = open.cursor.is_some_and(|cursor| cursor > detail) && open.used & bit(detail) == 0;
            (is_passed && !children.iter().enumerate().skip(detail).any(has_result)).then_some(detail)
        };
        let mut open = self.stack.iter().enumerate().skip(1).rev();
        let Some((level, detail)) = open.find_map(|(level, open)| Some((level, lacks(open)?))) else { return false };
        self.reports.misplaced(index, self.stack.get(level).and_then(|open| self.node(open.node)).map_or("", |node| node.name));
        self.fill_passed(level, detail, index, id);
        true
    }

    /// Whether a group can begin with something optional before the segment that it demands.
    fn has_detail(&self, open: &Open) -> bool {
        let mut children = self.children(open.node).iter();
        children.next().is_some_and(|first| !first.required) && children.any(|node| node.required && node.segment.is_some())
    }

    /// The next place in the structure, innermost group first. `strict`: groups open with a segment that they can begin
    /// with; else with any that they can hold, what is missing before it being reported when the group closes.
    fn forward(&mut self, index: usize, id: SegmentId, strict: bool) -> bool {
        for level in (0..self.stack.len()).rev() {
            let Some(open) = self.stack.get(level).copied() else { continue };
            let children = self.children(open.node);
            let from = match open.cursor {
                None => 0,
                Some(cursor) if children.get(cursor).is_some_and(|child| child.repeats && (strict || child.segment.is_some())) => cursor,
                Some(cursor) => cursor + 1,
            };
            let fits = |child: &Node| match child.segment {
                Some(segment) => segment == id,
                None if strict => child.starts.has(id) && self.is_proven(child, index, id),
                None => child.holds.has(id) && !child.is_prior,
            };
            if let Some(child) = children.iter().skip(from).position(fits) {
                self.close_to(level);
                self.descend(level, from + child, index, id);
                return true;
            }
        }
        false
    }

    /// A segment that its group holds once and that is there begins the group, or the one around it, once more: an OBR
    /// after an OBR, where each should have its ORC.
    fn again(&mut self, index: usize, id: SegmentId) -> bool {
        let has_one = |open: &Open| {
            let mut children = self.children(open.node).iter().enumerate();
            children.any(|(i, child)| child.segment == Some(id) && !child.repeats && open.used & bit(i) != 0)
        };
        let Some(level) = self.stack.iter().rposition(has_one) else { return false };
        let repeats = |level: &usize| self.stack.get(*level).and_then(|open| self.node(open.node)).is_some_and(|node| node.repeats);
        let Some(level) = [level, level.saturating_sub(1)].into_iter().find(repeats) else { return false };
        let Some((outer, open)) = level.checked_sub(1).zip(self.stack.get(level).copied()) else { return false };
        let Some(around) = self.stack.get(outer).and_then(|open| self.node(open.node)) else { return false };
        self.close_to(outer);
        self.descend(outer, open.node.saturating_sub(around.children.start), index, id);
        true
    }

    /// Whether the segments that a group demands first, and the groups within it that the segment would enter, follow
    /// or are this one.
    fn is_proven(&self, group: &Node, index: usize, id: SegmentId) -> bool {
        let children = self.structure.nodes.get(group.children.clone()).unwrap_or_default();
        let Some(own) = children.iter().position(|child| child.starts.has(id)) else { return false };
        let demanded = |child: &&Node| child.required && child.segment.is_some_and(|segment| segment != id);
        let wanted = children.iter().skip(own).find(demanded).and_then(|child| child.segment);
        if wanted.is_some_and(|wanted| !self.follows(wanted, group, index)) {
            return false;
        }
        children.get(own).is_none_or(|child| child.segment.is_some() || self.is_proven(child, index, id))
    }

    /// Whether a segment comes before any that the group cannot hold.
    fn follows(&self, wanted: SegmentId, group: &Node, index: usize) -> bool {
        for next in self.ids.iter().skip(index + 1).take(LOOK_AHEAD_MAX) {
            match next {
                Some(next) if *next == wanted => return true,
                Some(next) if !group.holds.has(*next) => return false,
                _ => {}
            }
        }
        false
    }

    /// Enters child `child` of the group open at `level`, and the groups within it that the segment needs.
    fn descend(&mut self, level: usize, child: usize, index: usize, id: SegmentId) {
        let mut child = child;
        // a structure is a few levels deep; the bound is its number of nodes
        for level in level..level + self.structure.nodes.len() {
            let Some(open) = self.stack.get_mut(level) else { break };
            open.cursor = Some(child);
            open.used |= bit(child);
            let (group, node) = (open.group, open.node);
            let Some(place) = self.node(node).map(|n| n.children.start + child) else { break };
            let Some(target) = self.node(place) else { break };
            if target.segment.is_some() {
                return self.put(group, index);
            }
            let entered = self.arrangement.put_group(group, target.name, place);
            self.stack.truncate(level + 1);
            self.stack.push(Open { node: place, group: entered, cursor: None, used: 0 });
            child = self.best_child(place, index, id);
        }
        self.put_beside_previous(index);
    }

    /// Where in a group a segment stands that the group can hold.
    fn best_child(&self, group: usize, index: usize, id: SegmentId) -> usize {
        let children = self.children(group);
        let begins =
            |child: &Node| child.segment == Some(id) || child.segment.is_none() && child.starts.has(id) && self.is_proven(child, index, id);
        let holds = |child: &Node| child.holds.has(id) && !child.is_prior;
        children
            .iter()
            .position(begins)
            .or_else(|| children.iter().position(holds))
            .or_else(|| children.iter().position(|c| c.holds.has(id)))
            .unwrap_or(0)
    }

    /// A place that the message has passed already. What follows is read as if the segment had not been there.
    fn backward(&mut self, index: usize, id: SegmentId) -> bool {
        for level in (0..self.stack.len()).rev() {
            let Some(open) = self.stack.get(level).copied() else { continue };
            let Some(child) = self.children(open.node).iter().position(|child| child.holds.has(id)) else { continue };
            self.fill_passed(level, child, index, id);
            return true;
        }
        false
    }

    fn fill_passed(&mut self, level: usize, child: usize, index: usize, id: SegmentId) {
        let Some(open) = self.stack.get_mut(level) else { return };
        open.used |= bit(child);
        let (node, group) = (open.node, open.group);
        self.fill(node, group, child, index, id);
    }

    /// Puts a segment into child `child` of a group that is there, using the occurrence of an inner group that is
    /// there unless the segment begins a new one.
    fn fill(&mut self, node: usize, group: u32, child: usize, index: usize, id: SegmentId) {
        let (mut node, mut group, mut child) = (node, group, child);
        for _ in 0..self.structure.nodes.len() {
            let Some(place) = self.node(node).map(|n| n.children.start + child) else { break };
            let Some(target) = self.node(place) else { break };
            if target.segment.is_some() {
                break;
            }
            let begins = target.repeats && self.children(place).first().is_some_and(|first| first.segment == Some(id));
            let there = if begins { None } else { self.arrangement.last_group(group, place) };
            group = match there {
                Some(there) => there,
                None => self.arrangement.put_group(group, target.name, place),
            };
            node = place;
            child = self.best_child(place, index, id);
        }
        self.put(group, index);
    }

    fn close_to(&mut self, level: usize) {
        while self.stack.len() > level + 1 {
            if let Some(open) = self.stack.pop() {
                self.closed(&open);
            }
        }
    }

    /// Reports what a group demands and did not get.
    fn closed(&mut self, open: &Open) {
        let children = self.children(open.node);
        for (i, child) in children.iter().enumerate() {
            if child.required && child.segment.is_some() && i < 64 && open.used & bit(i) == 0 {
                let group = self.node(open.node).map_or("", |node| node.name);
                self.reports.missing(child.name, group);
            }
        }
    }
}

/// The bit of a child; those past the 64th have none, and count as never there.
fn bit(child: usize) -> u64 {
    u32::try_from(child).ok().and_then(|child| 1u64.checked_shl(child)).unwrap_or(0)
}
