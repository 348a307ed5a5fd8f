//! Reading operations.

use hutong_decode::v2::Repetition;
use std::borrow::Cow;

use super::quick::Quick;
use super::value::{Origin, Slot, Val, View};
use super::{Exec, Got, Pending, PendingKind};
use crate::builtins;
use crate::plan::{Dt, MSH, Op, OpId, Pick};

impl<'m> Exec<'m> {
    /// Pushes the values of an operation; says how many.
    pub(crate) fn values(&mut self, op: OpId) -> usize {
        let before = self.vals.len();
        match self.plan.op(op) {
            Op::Field { slot, of, field, pick, part, sub, dt } => self.fields(slot, of, field, pick, [part, sub], dt),
            Op::Segments { slot, of } => self.segments(slot, of, |e, s| e.vals.push(Val::Segment(s))),
            Op::Part { slot, pick, part, sub } => self.parts(slot, pick, part, sub),
            Op::Dot { parts } => self.dotted(parts),
            Op::Slot { slot } => match self.slot(slot) {
                Slot::None => {}
                Slot::One(Val::View(v)) => {
                    self.push_view(v);
                }
                Slot::One(v) => self.vals.push(v),
                Slot::Many(from, len) => {
                    for i in from..from + len {
                        let v = self.held.get(i as usize).cloned();
                        self.vals.extend(v);
                    }
                }
            },
            Op::Table(id) => self.vals.push(Val::Table(id)),
            Op::Text(id) => {
                let text = self.plan.text(id);
                self.vals.push(Val::Text(Cow::Borrowed(text), Origin::NONE));
            }
            Op::Builtin { builtin, args } => {
                if let Some(b) = builtins::get(builtin) {
                    (b.run)(self, self.plan.list(args), op);
                }
            }
            Op::Look { arg, table } => self.look(arg, table),
            Op::First { list, settles } => {
                self.first(self.plan.list(list), settles, |e, op| if e.values(op) > 0 { Got::Yes } else { Got::No });
            }
            Op::When { cond, .. } if !self.holds(cond) => {}
            Op::When { op, .. } => {
                self.values(op);
            }
            Op::By(id) => {
                let op = self.branch(id);
                self.values(op);
            }
            Op::Say(id) => {
                if let Some(say) = self.plan.says.get(id as usize) {
                    self.say(say);
                }
            }
            Op::Make { map, args, .. } => self.made_text(map, args),
            _ => {}
        }
        self.vals.len() - before
    }

    /// Tries alternatives until one has a value. What earlier ones could not convert is then no matter; an unmapped
    /// code remains one, unless an `else` settles it.
    pub(crate) fn first(&mut self, list: &'m [u32], settles: bool, mut take: impl FnMut(&mut Self, OpId) -> Got) -> Got {
        let mark = self.pending.len();
        let muted = self.muted;
        self.muted |= settles;
        let mut got = Got::No;
        for (i, op) in list.iter().enumerate() {
            if i + 1 == list.len() {
                self.muted = muted;
            }
            let before = self.pending.len();
            got = take(self, *op);
            if got != Got::No || matches!(self.plan.op(*op), Op::Say(_)) {
                if before > mark {
                    let unmapped = |p: &Pending| matches!(p.kind, PendingKind::Unmapped(_));
                    let kept: Vec<Pending> = self.pending.drain(mark..before).filter(unmapped).collect();
                    self.pending.extend(kept);
                }
                break;
            }
        }
        self.muted = muted;
        got
    }

    /// The first value of an operation.
    pub(crate) fn one(&mut self, op: OpId) -> Option<Val<'m>> {
        match self.quick(self.plan.op(op)) {
            Quick::View(v) => return Some(Val::View(v)),
            Quick::Nothing => return None,
            Quick::No => {}
        }
        let before = self.vals.len();
        let n = self.values(op);
        let got = if n > 0 { self.take(before) } else { None };
        self.vals.truncate(before);
        got
    }

    /// The text of the first value of an operation.
    pub(crate) fn text(&mut self, op: OpId) -> Option<(Cow<'m, str>, Origin)> {
        if let Op::Text(id) = self.plan.op(op) {
            let text = self.plan.text(id);
            return (!text.is_empty()).then_some((Cow::Borrowed(text), Origin::NONE));
        }
        let v = self.one(op)?;
        self.text_from(v)
    }

    /// The segments of a slot that `of` picks.
    fn segments(&mut self, slot: u16, of: Pick, mut take: impl FnMut(&mut Self, u32)) {
        if slot == MSH {
            take(self, 0);
            return;
        }
        match self.slot(slot) {
            Slot::One(Val::Segment(s)) if matches!(of, Pick::First | Pick::All | Pick::Nth(1)) => take(self, s),
            Slot::One(Val::Segment(s)) if self.judges(of, Val::Segment(s)) => take(self, s),
            Slot::Many(from, len) => {
                for i in 0..len {
                    let Some(Val::Segment(s)) = self.held.get((from + i) as usize).cloned() else { continue };
                    match of {
                        Pick::First => return take(self, s),
                        Pick::All => take(self, s),
                        Pick::Nth(n) => {
                            if u32::from(n) == i + 1 {
                                take(self, s);
                            }
                        }
                        Pick::Where(_) => {
                            if self.judges(of, Val::Segment(s)) {
                                take(self, s);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn judges(&mut self, of: Pick, candidate: Val<'m>) -> bool {
        let Pick::Where(cond) = of else { return of == Pick::All };
        let before = self.dot.replace(candidate);
        let holds = self.holds(cond);
        self.dot = before;
        holds
    }

    fn fields(&mut self, slot: u16, of: Pick, field: u16, pick: Pick, parts: [u8; 2], dt: Dt) {
        self.segments(slot, of, |e, segment| e.field(segment, field, pick, parts, dt));
    }

    fn field(&mut self, segment: u32, number: u16, pick: Pick, parts: [u8; 2], dt: Dt) {
        let message = self.message;
        let Some(seg) = message.segment(segment as usize) else { return };
        let field = seg.field(number as usize);
        if field.is_empty() {
            return;
        }
        let dt = if dt != 0 && dt == self.plan.datatypes.varies { self.real_type(segment, parts) } else { dt };
        let base = if parts == [0, 0] { dt } else { 0 };
        let view = |r: Repetition<'m>, i: usize| {
            let i = i.min(u16::MAX as usize) as u16;
            View::repetition(r.raw(), r.offset(), segment, number, i, base)
        };
        let push = |e: &mut Self, v: View<'m>| e.push_part(v, parts, dt);
        match pick {
            Pick::First => {
                push(self, view(field.rep(0), 0));
            }
            Pick::Nth(n) => {
                push(self, view(field.rep(n as usize - 1), n as usize - 1));
            }
            Pick::All => {
                for (i, r) in field.repetitions().enumerate() {
                    push(self, view(r, i));
                }
            }
            Pick::Where(_) => {
                for (i, r) in field.repetitions().enumerate() {
                    let v = view(r, i);
                    if !r.is_empty() && self.judges(pick, Val::View(v)) {
                        push(self, v);
                    }
                }
            }
        }
    }

    /// OBX-5 and its like: the type that OBX-2 names.
    pub(super) fn real_type(&self, segment: u32, parts: [u8; 2]) -> Dt {
        let Some(seg) = self.message.segment(segment as usize) else { return 0 };
        let types = &self.plan.datatypes;
        let dt = types.named(seg.field(2).value().raw().trim());
        parts.into_iter().filter(|n| *n > 0).fold(dt, |dt, n| types.component(dt, n as usize))
    }

    fn push_part(&mut self, view: View<'m>, parts: [u8; 2], dt: Dt) -> bool {
        view.down(parts, dt, &self.marks).is_some_and(|v| self.push_view(v))
    }

    pub(crate) fn push_view(&mut self, v: View<'m>) -> bool {
        let has = self.admits(&v);
        if has {
            self.vals.push(Val::View(v));
        }
        has
    }

    /// Whether a view has something in it. Null and placeholders are remembered, and are nothing.
    pub(crate) fn admits(&mut self, v: &View<'m>) -> bool {
        let raw = v.raw;
        let Some(first) = raw.bytes().next() else { return false };
        if first == b'"' && raw == "\"\"" {
            self.null = true;
            self.fields.mark(v, true);
            return false;
        }
        if self.plan.absent_first.get(first as usize) == Some(&true) && !self.keeps_placeholders(v) {
            let trimmed = raw.trim();
            if let Some(i) = self.plan.absent.iter().position(|(text, _)| text == trimmed) {
                self.absent = Some(i as u16);
                self.fields.mark(v, true);
                return false;
            }
        }
        !self.is_blank(raw)
    }

    /// A result's own value is never a placeholder: "-" is a negative test.
    fn keeps_placeholders(&self, v: &View<'m>) -> bool {
        v.field == 5 && self.names.get(v.segment as usize) == Some(b"OBX")
    }

    /// Nothing but separators and blanks.
    fn is_blank(&self, raw: &str) -> bool {
        let m = &self.marks;
        raw.bytes().all(|b| b == b' ' || b != 0 && (b == m.component || b == m.subcomponent || b == m.repetition))
    }

    fn parts(&mut self, slot: u16, pick: Pick, part: u8, sub: u8) {
        match self.slot(slot) {
            Slot::One(v) => self.part_of(v, pick, part, sub),
            Slot::Many(from, len) => {
                for i in 0..len {
                    let Some(v) = self.held.get((from + i) as usize).cloned() else { continue };
                    let wanted = match pick {
                        Pick::First => i == 0,
                        Pick::All | Pick::Where(_) => true,
                        Pick::Nth(n) => u32::from(n) == i + 1,
                    };
                    if wanted {
                        self.part_of(v, pick, part, sub);
                    }
                }
            }
            Slot::None => {}
        }
    }

    fn part_of(&mut self, v: Val<'m>, pick: Pick, part: u8, sub: u8) {
        match v {
            Val::View(v) => {
                if matches!(pick, Pick::Where(_)) && !self.judges(pick, Val::View(v)) {
                    return;
                }
                let mut dt = v.dt;
                for n in [part, sub].into_iter().filter(|n| *n > 0) {
                    dt = self.plan.datatypes.component(dt, n as usize);
                }
                self.push_part(v, [part, sub], dt);
            }
            Val::Text(..) if part <= 1 && sub <= 1 => self.vals.push(v),
            Val::Text(..) => {}
            other => self.vals.push(other),
        }
    }

    fn dotted(&mut self, parts: [u8; 3]) {
        match self.dot.clone() {
            Some(Val::View(v)) => self.part_of(Val::View(v), Pick::First, parts[0], parts[1]),
            Some(Val::Segment(s)) => self.field(s, u16::from(parts[0]), Pick::First, [parts[1], parts[2]], 0),
            _ => {}
        }
    }

    pub(crate) fn branch(&mut self, id: u32) -> OpId {
        let Some(by) = self.plan.bys.get(id as usize) else { return 0 };
        let Some((text, _)) = self.text(by.subject) else { return by.otherwise };
        let case = by.cases.iter().find(|(labels, _)| labels.iter().any(|l| **l == *text));
        case.map_or(by.otherwise, |(_, op)| *op)
    }

    /// The table that an operation names.
    pub(crate) fn table(&mut self, op: OpId) -> Option<(u32, &'m crate::table::Table)> {
        let id = match self.plan.op(op) {
            Op::Table(id) => id,
            _ => match self.one(op) {
                Some(Val::Table(id)) => id,
                _ => return None,
            },
        };
        self.plan.tables.get(id as usize).map(|t| (id, &**t))
    }

    fn look(&mut self, arg: OpId, table: OpId) {
        let Some((id, table)) = self.table(table) else { return };
        self.replace_values(arg, |e, v| e.looked_up(v, id, table));
    }

    /// Remembers a code that a table does not have.
    pub(super) fn unmapped(&mut self, table: u32, code: &str, origin: Origin) {
        if !self.muted {
            self.pending.push(Pending { kind: PendingKind::Unmapped(table), origin, value: code.to_owned() });
        }
    }

    fn looked_up(&mut self, v: Val<'m>, id: u32, table: &'m crate::table::Table) -> Option<Val<'m>> {
        let (code, origin) = self.text_from(v)?;
        match table.find(&code) {
            Some(row) if !row.target.is_empty() => Some(Val::Text(Cow::Borrowed(row.target.as_str()), origin)),
            Some(_) => None,
            None => {
                self.unmapped(id, &code, origin);
                None
            }
        }
    }

    /// Where an operation looks, also where nothing is there.
    pub(crate) fn place_of(&mut self, op: OpId) -> Origin {
        let Op::Field { slot, field, .. } = self.plan.op(op) else { return Origin::NONE };
        let mut found = None;
        self.segments(slot, Pick::First, |_, s| found = Some(s));
        let Some(segment) = found else { return Origin::NONE };
        let start = self.message.segment(segment as usize).map_or(0, |s| s.field(field as usize).offset());
        Origin { segment, start: start as u32, end: start as u32 }
    }
}
