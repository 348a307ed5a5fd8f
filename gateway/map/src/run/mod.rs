//! Runs a plan over a message: resources out, each element with the line and the bytes that wrote it.

mod absent;
mod access;
mod call;
mod clock;
mod coded;
mod cond;
mod fields;
mod keys;
mod message;
mod presence;
mod put;
mod quick;
mod read;
mod resource;
mod simple;
mod text;
mod unite;
mod value;

use hutong_decode::v2::{Arrangement, Message};
use hutong_fhir::definitions::Definitions;
use hutong_fhir::{Finding, Key, Location, NodeId, Tree};
use std::borrow::Cow;

use crate::plan::{BlockId, LineId, Plan, Say};
use crate::{Context, Lineage, Mapped, MappedResource, Update};
pub(crate) use clock::{Moment, read_time};
pub(crate) use fields::Fields;
use hutong_fhir::quick::QuickMap;
pub(crate) use resource::IDENTITY_MAX;
use value::Marks;
pub(crate) use value::{Origin, Slot, Val, View};

/// What a writing operation did, from nothing to a value of the message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Got {
    No,
    /// A literal.
    Constant,
    Yes,
}

/// A line marked `required` had no value.
pub(crate) struct Missing(pub LineId);

/// What went wrong with a value, until it is known whether something else took its place.
pub(crate) struct Pending {
    pub kind: PendingKind,
    pub origin: Origin,
    pub value: String,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PendingKind {
    /// Not in the form of this primitive type.
    Invalid(hutong_fhir::primitive::Primitive),
    /// Not among the codes that the element requires.
    Code,
    /// Not in this table.
    Unmapped(u32),
    /// The end of a period that lies before its start.
    Ends,
}

/// A resource under way.
pub(crate) struct Built {
    pub resource_type: &'static str,
    pub id: String,
    pub merge: bool,
    pub clear: Vec<String>,
    /// `None` until it is made: an id that was worked out ahead.
    pub tree: Option<Tree>,
    /// The map and the arguments it was made from.
    pub map: u32,
    pub from: u64,
}

pub(crate) struct Exec<'m> {
    pub plan: &'m Plan,
    pub defs: &'m Definitions,
    pub message: &'m Message<'m>,
    pub text: &'m str,
    pub arrangement: &'m Arrangement,
    pub cx: &'m Context<'m>,
    /// Minutes east of UTC that MSH-7 names.
    pub zone: Option<i16>,
    pub slots: Vec<Slot<'m>>,
    /// For each slot, which fields or components of what it holds are there, and where.
    pub masks: Vec<presence::Present>,
    pub marks: Marks,
    pub base: usize,
    pub vals: Vec<Val<'m>>,
    /// Lists that slots hold.
    pub held: Vec<Val<'m>>,
    /// What a `[ ]` judges at present.
    pub dot: Option<Val<'m>>,
    pub tree: Tree,
    pub lineage: Vec<Lineage>,
    pub line: LineId,
    /// The value read last, for lineage.
    pub origin: Origin,
    /// The node written last.
    pub last: NodeId,
    /// Where a map to a primitive type writes.
    pub caller: (Key, bool),
    pub built: Vec<Built>,
    pub by_id: QuickMap<String, u32>,
    pub findings: Vec<Finding>,
    pub pending: Vec<Pending>,
    pub refused: Option<Finding>,
    pub fields: Fields,
    /// A v2 null was read for the present element.
    pub null: bool,
    /// A placeholder was read for the present element: its index in [`Plan::absent`].
    pub absent: Option<u16>,
    pub groups: Vec<message::Scope<'m>>,
    /// The names of the segments.
    pub names: Vec<[u8; 3]>,
    /// For each group, whether it is one that may repeat.
    pub repeats: Vec<bool>,
    /// An `else` stands ready: a code that is in no table is no finding.
    pub muted: bool,
    pub nth: QuickMap<(u32, usize), QuickMap<u32, u32>>,
    /// Uris worked out before, with what they were made of: a message says the same few names again and again.
    pub locals: Vec<(String, String)>,
    pub own_systems: Vec<(String, String, String)>,
}

/// Maps a message by a plan.
pub(crate) fn apply<'m>(
    plan: &'m Plan,
    defs: &'m Definitions,
    message: &'m Message<'m>,
    arrangement: &'m Arrangement,
    cx: &'m Context<'m>,
) -> Mapped {
    let mut exec = Exec::new(plan, defs, message, arrangement, cx);
    exec.message();
    exec.finish()
}

impl<'m> Exec<'m> {
    fn new(plan: &'m Plan, defs: &'m Definitions, message: &'m Message<'m>, arrangement: &'m Arrangement, cx: &'m Context<'m>) -> Exec<'m> {
        Exec {
            plan,
            defs,
            message,
            text: message.text(),
            arrangement,
            cx,
            zone: clock::zone_of(message),
            slots: Vec::with_capacity(64),
            masks: Vec::with_capacity(64),
            marks: Marks::of(&message.separators()),
            base: 0,
            vals: Vec::with_capacity(16),
            held: Vec::new(),
            dot: None,
            tree: Tree::new(),
            lineage: Vec::with_capacity(256),
            line: LineId(0),
            origin: Origin::NONE,
            last: 0,
            caller: (keys::KEYS.value, false),
            built: Vec::with_capacity(16),
            by_id: QuickMap::default(),
            findings: Vec::new(),
            pending: Vec::new(),
            refused: None,
            fields: Fields::new(message),
            null: false,
            absent: None,
            groups: Vec::new(),
            names: message.segments().iter().map(|s| s.name().as_bytes().try_into().unwrap_or(*b"???")).collect(),
            repeats: message::repeating(plan, arrangement),
            muted: false,
            nth: QuickMap::default(),
            locals: Vec::new(),
            own_systems: Vec::new(),
        }
    }

    fn finish(self) -> Mapped {
        let unread = self.fields.unread(self.message, self.plan);
        let resources = self.built.into_iter().filter_map(|b| {
            Some(MappedResource {
                tree: b.tree?,
                resource_type: b.resource_type,
                id: b.id,
                update: if b.merge { Update::Merge } else { Update::Replace },
                clear: b.clear,
            })
        });
        let refused = self.refused;
        let resources = if refused.is_some() { Vec::new() } else { resources.collect() };
        Mapped { resources, findings: self.findings, lineage: self.lineage, unread, refused }
    }

    /// Where an origin stands, as ERL.
    pub(crate) fn location(&self, origin: Origin) -> Location {
        if origin == Origin::NONE { Location::Whole } else { self.message.locate(origin.start as usize) }
    }

    /// Notes which line and bytes wrote a node.
    pub(crate) fn wrote(&mut self, node: NodeId) {
        let index = self.lineage.len() as u32;
        self.lineage.push(Lineage { line: self.line, segment: self.origin.segment, start: self.origin.start, end: self.origin.end });
        self.tree.set_origin(node, index);
        self.last = node;
    }

    pub(crate) fn slot(&self, slot: u16) -> Slot<'m> {
        self.slots.get(self.base + slot as usize).cloned().unwrap_or(Slot::None)
    }

    pub(crate) fn set_slot(&mut self, slot: u16, value: Slot<'m>) {
        let at = self.base + slot as usize;
        let mask = self.presence(&value);
        if let (Some(s), Some(m)) = (self.slots.get_mut(at), self.masks.get_mut(at)) {
            *s = value;
            *m = mask;
        }
    }

    /// Says what a `warn` or `reject` says. The values it names stay beside the text.
    pub(crate) fn say(&mut self, say: &'m Say) {
        let mut values: Vec<Cow<'m, str>> = Vec::new();
        let mut place = Origin::NONE;
        for op in &say.values {
            if let Some((text, origin)) = self.text(*op) {
                values.push(text);
                place = origin;
            } else if place == Origin::NONE {
                place = self.place_of(*op);
            }
        }
        if place == Origin::NONE {
            place = if self.origin == Origin::NONE { self.place_of_line(self.line) } else { self.origin };
        }
        let severity = if say.reject { hutong_fhir::Severity::Error } else { hutong_fhir::Severity::Warning };
        let mut finding = Finding::new(severity, "map.say", if say.reject { "business-rule" } else { "value" }, say.hl7_code);
        finding.rule = Cow::Owned(say.rule.to_string());
        finding = finding.at(self.location(place)).says(say.zh.clone(), say.en.clone());
        if !values.is_empty() {
            finding = finding.with_value(values.join(" "));
        }
        if say.reject && self.refused.is_none() {
            self.refused = Some(finding.clone());
        }
        self.findings.push(finding);
    }

    /// Turns what nothing else took the place of into findings.
    pub(crate) fn settle(&mut self) {
        for p in std::mem::take(&mut self.pending) {
            let finding = text::finding(self.plan, &p).at(self.location(p.origin)).with_value(p.value);
            let known = self.findings.iter().any(|f| f.rule == finding.rule && f.location == finding.location);
            if !known {
                self.findings.push(finding);
            }
        }
    }

    pub(crate) fn block(&self, id: BlockId) -> Option<&'m crate::plan::Block> {
        self.plan.blocks.get(id as usize)
    }
}
