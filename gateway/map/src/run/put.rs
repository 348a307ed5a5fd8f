//! Writing operations: lines to elements.

use hutong_fhir::primitive::Primitive;
use hutong_fhir::{Key, Kind, NodeId};
use std::borrow::Cow;

use super::keys::KEYS;
use super::quick::Quick;
use super::value::{Origin, Slot, Val};
use super::{Exec, Got, Missing, Pending, PendingKind};
use crate::builtins::convert;
use crate::plan::{At, Block, BlockId, Conv, Entry, List, NONE, Op, OpId, Whole};

impl<'m> Exec<'m> {
    /// Runs the lines of a block on a node. `over`: the node was written by another line; these take precedence.
    pub(super) fn run_block(&mut self, block: &'m Block, node: NodeId, over: bool) -> Result<Got, Missing> {
        let mut got = Got::No;
        for entry in &block.entries {
            if let Some(simple) = entry.simple
                && !over
                && let Some(one) = self.simple(entry, simple, node)
            {
                got = got.max(one);
                continue;
            }
            let one = self.entry(entry, node, over, false)?;
            got = got.max(one);
        }
        if over && got != Got::No {
            let (defs, type_id) = (self.defs, block.type_id);
            self.tree.sort_children(node, |key| defs.property(type_id, key).map_or(0, |p| u32::from(defs.element(p.element).place)));
        }
        if got != Got::No && Some(block.type_id) == self.plan.period {
            self.order_period(node);
        }
        Ok(got)
    }

    /// A period whose end lies before its start, or cannot be compared with it, keeps its start (per-1).
    fn order_period(&mut self, node: NodeId) {
        let of = |name: &str| self.tree.node(node).children().find(|c| Key::known(name) == Some(c.key()));
        let (Some(start), Some(end)) = (of("start"), of("end")) else { return };
        let (Some(a), Some(b)) = (start.value(), end.value()) else { return };
        if super::clock::in_order(a, b) {
            return;
        }
        let (end, value) = (end.id(), b.to_owned());
        self.tree.remove(node, end);
        self.pending.push(Pending { kind: PendingKind::Ends, origin: self.origin, value });
    }

    /// Runs the lines of one element. `top`: directly in a resource, where null clears and findings are settled.
    pub(super) fn entry(&mut self, entry: &'m Entry, node: NodeId, over: bool, top: bool) -> Result<Got, Missing> {
        if !self.may_have(&entry.needs) {
            return Ok(Got::No);
        }
        let (null, absent) = (std::mem::take(&mut self.null), self.absent.take());
        let mark = self.tree.mark();
        let old = if over { self.standing(entry, node) } else { Vec::new() };
        let mut got = Got::No;
        let mut single = true;
        for whole in &entry.whole {
            if !self.all_hold(&whole.guards) {
                continue;
            }
            self.line = whole.line;
            self.origin = Origin::NONE;
            single &= !whole.all;
            let mut one = self.put(whole.op, node, whole.all);
            if one == Got::Constant && !whole.constant {
                // a literal whose condition holds, or that stands in for a value, is said by the message
                one = Got::Yes;
            }
            if one == Got::No && whole.required {
                return Err(Missing(whole.line));
            }
            got = got.max(one);
        }
        if let Some(below) = self.block(entry.below) {
            let one = self.run_below(entry, below, node, got)?;
            got = got.max(one);
        }
        if got == Got::No
            && single
            && let Some(reason) = self.absent
            && let Some(at) = self.place_for_absent(entry)
        {
            self.line = entry.line;
            self.write_absent(entry, at.0, at.1, node, reason);
            self.absent = None;
        }
        if got != Got::No && !old.is_empty() && self.tree.mark() != mark {
            old.into_iter().for_each(|n| self.tree.remove(node, n));
        }
        if top && got == Got::No && self.null {
            self.clear_from_null(entry);
        }
        if got == Got::Yes {
            (self.null, self.absent) = (null, absent);
        } else {
            self.null |= null;
            self.absent = self.absent.or(absent);
        }
        Ok(if entry.keep && got != Got::No { Got::Yes } else { got })
    }

    /// The elements that a line over a finished element takes the place of.
    fn standing(&self, entry: &Entry, node: NodeId) -> Vec<NodeId> {
        if matches!(entry.at, At::Own(_, true)) || entry.whole.iter().any(|w| w.all || self.is_list(w)) {
            return Vec::new();
        }
        self.tree.node(node).children().filter(|c| entry.keys.contains(&c.key())).map(|c| c.id()).collect()
    }

    fn is_list(&self, whole: &Whole) -> bool {
        matches!(
            self.plan.op(whole.op),
            Op::Prim { at: At::Own(_, true), .. }
                | Op::Fixed { at: At::Own(_, true), .. }
                | Op::Make { at: At::Own(_, true), .. }
                | Op::Block { at: At::Own(_, true), .. }
        )
    }

    fn run_below(&mut self, entry: &'m Entry, below: &'m Block, node: NodeId, whole: Got) -> Result<Got, Missing> {
        if whole != Got::No {
            let element = self.last;
            let got = self.run_block(below, element, true)?;
            self.last = element;
            return Ok(got);
        }
        let At::Own(key, list) = entry.at else { return Ok(Got::No) };
        // lines below an element that another block of the same parent has begun add to it
        let mark = self.tree.mark();
        let kind = if entry.primitive { Kind::Empty } else { Kind::Object };
        let element = self.tree.append(node, key, kind, list);
        let got = self.run_block(below, element, false);
        match got {
            Ok(Got::Yes) => {}
            // literals alone stay where nothing beside them reads the message
            Ok(Got::Constant) if below.constant && entry.whole.is_empty() => {}
            _ => self.tree.rollback(node, mark),
        }
        match got {
            Ok(Got::Constant) if !(below.constant && entry.whole.is_empty()) => Ok(Got::No),
            Ok(Got::No) => Ok(Got::No),
            Ok(got) => {
                self.line = entry.line;
                self.wrote(element);
                Ok(got)
            }
            Err(missing) => Err(missing),
        }
    }

    /// Where the reason for an absent value may stand: one name, no reference.
    fn place_for_absent(&self, entry: &Entry) -> Option<(At, bool)> {
        fn place(plan: &crate::plan::Plan, op: OpId) -> Option<(At, bool)> {
            match plan.op(op) {
                Op::Prim { at, .. } => Some((at, true)),
                Op::Make { at, .. } | Op::Coded { at, .. } | Op::Block { at, .. } => Some((at, false)),
                Op::First { list, .. } => plan.list(list).iter().find_map(|o| place(plan, *o)),
                Op::When { op, .. } | Op::Over { op, .. } | Op::Each { body: op, .. } => place(plan, op),
                Op::By(id) => plan.bys.get(id as usize).and_then(|b| b.cases.iter().find_map(|(_, o)| place(plan, *o))),
                _ => None,
            }
        }
        if !entry.may_lack || entry.keys.len() != 1 || entry.keys.first() == Some(&KEYS.extension) {
            return None;
        }
        let found = entry.whole.iter().find_map(|w| place(self.plan, w.op));
        match found {
            Some((at @ At::Own(..), primitive)) => {
                let map_primitive = |op: OpId| matches!(self.plan.op(op), Op::Make { map, .. } if self.plan.maps.get(map as usize).is_some_and(|m| m.makes == crate::plan::Makes::Primitive));
                Some((at, primitive || entry.whole.iter().any(|w| map_primitive(w.op))))
            }
            Some((At::Caller, _)) => None,
            // lines below it only: the whole element is what is not known
            None if entry.below != NONE && entry.whole.is_empty() && matches!(entry.at, At::Own(_, false)) => {
                Some((entry.at, entry.primitive))
            }
            None => None,
        }
    }

    pub(super) fn at(&self, at: At) -> (Key, bool) {
        match at {
            At::Own(key, list) => (key, list),
            At::Caller => self.caller,
        }
    }

    pub(super) fn put(&mut self, op: OpId, node: NodeId, all: bool) -> Got {
        match self.plan.op(op) {
            Op::Prim { at, conv, arg } => self.put_prim(at, conv, arg, node, all),
            Op::Fixed { at, kind, text } => {
                let (key, list) = self.at(at);
                let n = self.tree.append_value(node, key, kind, self.plan.text(text), list);
                self.wrote(n);
                Got::Constant
            }
            Op::Make { at, map, args } => self.put_map(at, map, args, node, all),
            Op::Ref { at, target } => self.put_ref(at, target, node, all),
            Op::Coded { at, concept, arg, table } => self.put_coded(at, concept, arg, table, node, all),
            Op::Block { at, block } => {
                let (key, list) = self.at(at);
                match self.block(block) {
                    Some(b) => self.object(node, key, list, b.constant, |e, n| e.run_block(b, n, false)),
                    None => Got::No,
                }
            }
            Op::Each { source, slot, body } => self.put_each(source, slot, body, node, all),
            Op::Over { op, block } => self.put_over(op, block, node, all),
            Op::First { list, settles } => self.first(self.plan.list(list), settles, |e, op| e.put(op, node, all)),
            Op::When { cond, op } => {
                if self.holds(cond) {
                    self.put(op, node, all)
                } else {
                    Got::No
                }
            }
            Op::By(id) => {
                let op = self.branch(id);
                self.put(op, node, all)
            }
            Op::Say(id) => {
                if let Some(say) = self.plan.says.get(id as usize) {
                    self.say(say);
                }
                Got::No
            }
            _ => Got::No,
        }
    }

    /// Makes an object and keeps it if something of the message was written into it; `literal`: literals alone suffice.
    pub(super) fn object(
        &mut self,
        node: NodeId,
        key: Key,
        list: bool,
        literal: bool,
        body: impl FnOnce(&mut Self, NodeId) -> Result<Got, Missing>,
    ) -> Got {
        let mark = self.tree.mark();
        let line = self.line;
        let element = self.tree.append(node, key, Kind::Object, list);
        let got = body(self, element);
        self.line = line;
        match got {
            Ok(got) if got == Got::Yes || literal && got == Got::Constant => {
                self.wrote(element);
                got
            }
            _ => {
                self.tree.rollback(node, mark);
                Got::No
            }
        }
    }

    fn put_each(&mut self, source: OpId, slot: u16, body: OpId, node: NodeId, all: bool) -> Got {
        let from = self.vals.len();
        let n = self.values(source);
        let before = self.slot(slot);
        let mut got = Got::No;
        for i in 0..n {
            let Some(v) = self.vals.get(from + i).cloned() else { continue };
            self.set_slot(slot, Slot::One(v));
            got = got.max(self.put(body, node, false));
            if got != Got::No && !all {
                break;
            }
        }
        self.vals.truncate(from);
        self.set_slot(slot, before);
        got
    }

    /// `$ = …` with further lines: they build on the element that was made, or make it.
    fn put_over(&mut self, op: OpId, block: BlockId, node: NodeId, all: bool) -> Got {
        let mark = self.tree.mark();
        let got = self.put(op, node, all);
        let Some(block) = self.block(block) else { return got };
        if got == Got::No {
            return Got::No;
        }
        let element = self.last;
        if self.run_block(block, element, true).is_err() {
            self.tree.rollback(node, mark);
            return Got::No;
        }
        self.last = element;
        got
    }

    fn put_prim(&mut self, at: At, conv: Conv, arg: OpId, node: NodeId, all: bool) -> Got {
        match self.quick(self.plan.op(arg)) {
            Quick::View(v) => {
                return match self.primitive_text(conv.to, Val::View(v)) {
                    Some((Cow::Borrowed(text), origin)) if is_plain(conv.to, text) => self.write_text(at, text, origin, node),
                    Some((text, origin)) => self.write_prim(at, conv, text, origin, node),
                    None => Got::No,
                };
            }
            Quick::Nothing => return Got::No,
            Quick::No => {}
        }
        let from = self.vals.len();
        let n = self.values(arg);
        if n == 0 {
            return Got::No;
        }
        let mut got = Got::No;
        if conv.join && n > 1 {
            let found: Vec<Val<'m>> = self.vals.drain(from..).collect();
            if let Some((text, origin)) = self.joined(&found, "\n") {
                got = self.write_prim(at, conv, text, origin, node);
            }
            return got;
        }
        for i in 0..n {
            let Some(v) = self.take(from + i) else { continue };
            let Some((text, origin)) = self.primitive_text(conv.to, v) else { continue };
            got = got.max(self.write_prim(at, conv, text, origin, node));
            if got != Got::No && !all {
                break;
            }
        }
        self.vals.truncate(from);
        got
    }

    /// Several values as one text.
    pub(crate) fn joined(&mut self, values: &[Val<'m>], between: &str) -> Option<(Cow<'m, str>, Origin)> {
        let mut text = String::new();
        let mut place = Origin::NONE;
        for v in values {
            let Some((t, origin)) = self.text_of(v) else { continue };
            if place == Origin::NONE {
                place = origin;
            } else {
                text.push_str(between);
                place.end = place.end.max(origin.end);
            }
            text.push_str(&t);
        }
        if text.is_empty() { None } else { Some((Cow::Owned(text), place)) }
    }

    /// Changes a text to the form of a type, or remembers that it cannot be.
    fn converted(&mut self, to: Primitive, text: Cow<'m, str>, origin: Origin, zone: i16) -> Option<Cow<'m, str>> {
        let value = convert::to(to, text.clone(), zone);
        if value.is_none() {
            self.fails(to, origin, text.into_owned());
        }
        value
    }

    /// A text of the message that is a FHIR string as it stands.
    fn write_text(&mut self, at: At, text: &str, origin: Origin, node: NodeId) -> Got {
        let (key, list) = self.at(at);
        self.origin = origin;
        let n = self.tree.append_value(node, key, Kind::String, text, list);
        self.wrote(n);
        Got::Yes
    }

    fn write_prim(&mut self, at: At, conv: Conv, text: Cow<'m, str>, origin: Origin, node: NodeId) -> Got {
        let (key, list) = self.at(at);
        let kind = if conv.to.json_kind() == Kind::String { Kind::String } else { conv.to.json_kind() };
        let zone = self.zone.unwrap_or(self.cx.zone_minutes);
        let value = if convert::is_fit(conv.to, &text) { Some(text) } else { self.converted(conv.to, text, origin, zone) };
        let Some(value) = value else { return Got::No };
        if let Some(set) = conv.codes
            && !self.defs.code_set(set).has_code(&value)
        {
            self.pending.push(Pending { kind: PendingKind::Code, origin, value: value.into_owned() });
            return Got::No;
        }
        self.origin = origin;
        let n = self.tree.append_value(node, key, kind, &value, list);
        self.wrote(n);
        Got::Yes
    }

    fn put_map(&mut self, at: At, map: u32, args: List, node: NodeId, all: bool) -> Got {
        let (key, list) = self.at(at);
        let plan = self.plan;
        let Some(m) = plan.maps.get(map as usize) else { return Got::No };
        let Some(block) = self.block(m.block) else { return Got::No };
        if m.makes == crate::plan::Makes::Primitive {
            let before = std::mem::replace(&mut self.caller, (key, list));
            let line = self.line;
            let got = self.calls(map, args, all, |e, _| {
                e.run_block(block, node, false).map_or(Got::No, |g| if g == Got::No { Got::No } else { Got::Yes })
            });
            self.line = line;
            self.caller = before;
            return got;
        }
        if m.base != NONE {
            let before = std::mem::replace(&mut self.caller, (key, list));
            let line = self.line;
            let got = self.calls(map, args, all, |e, _| e.put_over(m.base, m.block, node, false));
            self.line = line;
            self.caller = before;
            return got;
        }
        self.calls(map, args, all, |e, _| e.object(node, key, list, block.constant, |e, n| e.run_block(block, n, false)))
    }

    /// A map to a primitive type where its text is read.
    pub(super) fn made_text(&mut self, map: u32, args: List) {
        let Some(map_plan) = self.plan.maps.get(map as usize) else { return };
        let Some(block) = self.block(map_plan.block) else { return };
        let mark = self.tree.mark();
        let value = KEYS.value;
        let before = std::mem::replace(&mut self.caller, (value, true));
        let line = self.line;
        let got = self.calls(map, args, false, |e, _| e.run_block(block, 0, false).unwrap_or(Got::No));
        self.line = line;
        self.caller = before;
        // where nothing was written, the last node is one of another tree
        let text = (got != Got::No).then(|| self.tree.node(self.last).value().map(str::to_owned)).flatten();
        self.tree.rollback(0, mark);
        if let Some(text) = text {
            self.vals.push(Val::Text(Cow::Owned(text), self.origin));
        }
    }
}

/// A borrowed text has neither escapes nor control characters in it, is trimmed and not empty: what is left of FHIR's
/// rules for strings is their length.
fn is_plain(to: hutong_fhir::primitive::Primitive, text: &str) -> bool {
    use hutong_fhir::primitive::Primitive::{Markdown, String};
    matches!(to, String | Markdown) && text.len() < 1_000_000
}
