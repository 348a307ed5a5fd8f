//! Groups the segments of a message as its structure does: which NTE belongs to which OBX, which OBX to which OBR.
//!
//! Total and lenient: every segment of the message stands in exactly one group. One that the structure does not expect
//! where it stands is kept where it makes sense and reported, and what follows it is read as if it had not been there.

mod place;
mod report;
#[cfg(test)]
mod tests;

use hutong_fhir::{Finding, Severity};

use super::grammar::Grammar;
use super::header;
use super::message::Message;
use place::Placer;

/// A message's segments in groups.
pub struct Arrangement {
    /// The structure by which it was arranged, e.g. `ORU_R01`; `None`: none is known, all segments are in the root.
    pub structure: Option<&'static str>,
    /// Warnings: segments out of place, segments that the structure demands and that are not there.
    pub findings: Vec<Finding>,
    groups: Vec<Group>,
    items: Vec<Listed>,
    group_of: Vec<u32>,
}

struct Group {
    name: &'static str,
    /// Its node in the structure.
    node: usize,
    parent: Option<u32>,
    first: Option<u32>,
    last: Option<u32>,
}

/// An item in its group's list.
struct Listed {
    what: What,
    next: Option<u32>,
}

#[derive(Clone, Copy)]
enum What {
    Segment(u32),
    Group(u32),
}

/// What stands in a group, in the order of the message.
#[derive(Clone, Copy)]
pub enum Item<'g> {
    /// Index of a segment in the message.
    Segment(usize),
    Group(GroupRef<'g>),
}

/// One occurrence of a group.
#[derive(Clone, Copy)]
pub struct GroupRef<'g> {
    arrangement: &'g Arrangement,
    index: u32,
}

/// Arranges a message by the structure that MSH-9 and the event table give it.
pub fn arrange(message: &Message<'_>, grammar: &Grammar) -> Arrangement {
    let mut findings = Vec::new();
    let structure = structure_of(message, grammar, &mut findings).and_then(|id| grammar.structure(id));
    let mut arrangement = Arrangement {
        structure: structure.map(|s| s.id),
        findings,
        groups: Vec::with_capacity(16),
        items: Vec::with_capacity(message.segment_count() + 16),
        group_of: Vec::with_capacity(message.segment_count()),
    };
    arrangement.groups.push(Group { name: structure.map_or("", |s| s.id), node: 0, parent: None, first: None, last: None });
    match structure {
        Some(structure) => Placer::new(message, grammar, structure, &mut arrangement).run(),
        None => (0..message.segment_count()).for_each(|i| arrangement.put_segment(0, i)),
    }
    arrangement
}

/// MSH-9, with a finding where MSH-9.3 is not what its event's structure is called.
fn structure_of(message: &Message<'_>, grammar: &Grammar, findings: &mut Vec<Finding>) -> Option<&'static str> {
    let msh = message.header()?;
    let (code, event) = header::code_and_event(message);
    let declared = msh.field(9).component(3).value().raw().trim();
    let structure = grammar.structure_of(code, event, declared);
    if let Some(known) = structure.filter(|known| !declared.is_empty() && *known != declared) {
        findings.push(
            Finding::new(Severity::Information, "hl7.structure.declared", "value", 0).at(msh.location(9)).with_value(declared).says(
                format!("MSH-9.3 与事件对应的消息结构 {known} 不同，已按 {known} 读取"),
                format!("MSH-9.3 is not the structure of this event, {known}, by which the message was read"),
            ),
        );
    }
    structure
}

impl Arrangement {
    /// The message as a whole.
    pub fn root(&self) -> GroupRef<'_> {
        GroupRef { arrangement: self, index: 0 }
    }

    /// The group that a segment of the message stands in.
    pub fn group_of(&self, segment: usize) -> GroupRef<'_> {
        GroupRef { arrangement: self, index: self.group_of.get(segment).copied().unwrap_or(0) }
    }

    /// All groups, a group before those within it.
    pub fn groups(&self) -> impl Iterator<Item = GroupRef<'_>> {
        (0..self.groups.len() as u32).map(|index| GroupRef { arrangement: self, index })
    }

    /// Segments come in message order, so the list of groups by segment grows with them.
    fn put_segment(&mut self, group: u32, segment: usize) {
        self.group_of.push(group);
        self.append(group, What::Segment(segment as u32));
    }

    fn put_group(&mut self, parent: u32, name: &'static str, node: usize) -> u32 {
        let index = self.groups.len() as u32;
        self.groups.push(Group { name, node, parent: Some(parent), first: None, last: None });
        self.append(parent, What::Group(index));
        index
    }

    fn append(&mut self, group: u32, what: What) {
        let index = self.items.len() as u32;
        self.items.push(Listed { what, next: None });
        let Some(group) = self.groups.get_mut(group as usize) else { return };
        match group.last.replace(index) {
            None => group.first = Some(index),
            Some(last) => {
                if let Some(last) = self.items.get_mut(last as usize) {
                    last.next = Some(index);
                }
            }
        }
    }

    /// The last occurrence of a group of that node directly within `parent`.
    fn last_group(&self, parent: u32, node: usize) -> Option<u32> {
        let newest_first = self.groups.iter().enumerate().rev();
        newest_first
            .take_while(|(i, _)| *i > parent as usize)
            .find(|(_, g)| g.parent == Some(parent) && g.node == node)
            .map(|(i, _)| i as u32)
    }
}

impl<'g> GroupRef<'g> {
    /// Its name without the structure's, e.g. `ORDER_OBSERVATION`; the structure's id for the root, empty where none is known.
    pub fn name(&self) -> &'static str {
        self.group().map_or("", |group| group.name)
    }

    /// Tells occurrences apart: 0 is the root.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    pub fn parent(&self) -> Option<GroupRef<'g>> {
        self.group()?.parent.map(|index| GroupRef { index, ..*self })
    }

    /// Segments and groups in the order of the message.
    pub fn items(&self) -> impl Iterator<Item = Item<'g>> + use<'g> {
        let arrangement = self.arrangement;
        let mut next = self.group().and_then(|group| group.first);
        std::iter::from_fn(move || {
            let listed = arrangement.items.get(next? as usize)?;
            next = listed.next;
            Some(match listed.what {
                What::Segment(segment) => Item::Segment(segment as usize),
                What::Group(index) => Item::Group(GroupRef { arrangement, index }),
            })
        })
    }

    /// Indexes of the segments directly in this group.
    pub fn segments(&self) -> impl Iterator<Item = usize> + use<'g> {
        self.items().filter_map(|item| match item {
            Item::Segment(segment) => Some(segment),
            Item::Group(_) => None,
        })
    }

    /// The groups directly in this group.
    pub fn groups(&self) -> impl Iterator<Item = GroupRef<'g>> + use<'g> {
        self.items().filter_map(|item| match item {
            Item::Segment(_) => None,
            Item::Group(group) => Some(group),
        })
    }

    fn group(&self) -> Option<&'g Group> {
        self.arrangement.groups.get(self.index as usize)
    }
}
