//! Expressions that are read: paths, texts, builtins, conditions.

use super::Compiler;
use super::scope::{Bound, Scope};
use crate::builtins::{self};
use crate::diagnostic::{Diagnostic, Span, closest};
use crate::plan::{self, Class, Op, OpId, Pick};
use crate::syntax::ast::{Call, Cond, Expr, ExprKind, Name, Path, Say, Select};

impl<'s> Compiler<'s, '_> {
    /// An operation that gives the values of `e`.
    pub(super) fn read(&mut self, scope: &mut Scope<'s>, e: &'s Expr) -> OpId {
        match &e.kind {
            ExprKind::Path(path) => self.path(scope, path, e.span),
            ExprKind::Text(t) | ExprKind::Number(t) => {
                let text = self.text(t);
                self.op(Op::Text(text))
            }
            ExprKind::Bool(b) => {
                let text = self.text(if *b { "true" } else { "false" });
                self.op(Op::Text(text))
            }
            ExprKind::Nothing => self.nothing(),
            ExprKind::First(list) => {
                let ops: Vec<OpId> = list.iter().map(|e| self.read(scope, e)).collect();
                let list = self.list(&ops);
                self.op(Op::First { list, settles: false })
            }
            ExprKind::By { subject, branches } => {
                let subject = self.read(scope, subject);
                let mut by = plan::By { subject, cases: Vec::new(), otherwise: self.nothing() };
                for b in branches {
                    let op = self.read(scope, &b.value);
                    if b.labels.is_empty() {
                        by.otherwise = op;
                    } else {
                        by.cases.push((b.labels.iter().map(|l| l.text.as_str().into()).collect(), op));
                    }
                }
                self.finish_by(by, branches)
            }
            ExprKind::Call(call) => self.read_call(scope, call, e.span),
            ExprKind::Warn(say) => self.say(scope, say, false, e.span),
            ExprKind::Reject(say) => self.say(scope, say, true, e.span),
            ExprKind::As { .. } | ExprKind::Tuple(_) | ExprKind::Block(_) | ExprKind::Each { .. } => {
                self.error("read.element", e.span, "此处需要文本值，不是元素", "a text is read here, not an element");
                self.nothing()
            }
        }
    }

    fn read_call(&mut self, scope: &mut Scope<'s>, call: &'s Call, span: Span) -> OpId {
        let name = call.name.text.as_str();
        if name == "table" {
            return match self.table_args(scope, call, span) {
                Some((arg, table)) => self.op(Op::Look { arg, table }),
                None => self.nothing(),
            };
        }
        let maps = self.src.by_name.get(name).cloned().unwrap_or_default();
        let primitive = maps.iter().copied().find(|i| self.plan.maps.get(*i).is_some_and(|m| m.makes == plan::Makes::Primitive));
        if let Some(index) = primitive {
            let args = self.args(scope, index, call, span);
            let args = self.list(&args);
            return self.op(Op::Make { at: plan::At::Caller, map: index as u32, args });
        }
        if !maps.is_empty() || name == "ref" {
            let zh = format!("此处需要文本值，而 `{name}` 得到元素");
            self.error("read.element", call.name.span, zh, format!("a text is read here, and `{name}` makes an element"));
            return self.nothing();
        }
        let Some(builtin) = builtins::find(name) else {
            self.unknown_function(&call.name);
            return self.nothing();
        };
        self.builtin(scope, builtin, call, span)
    }

    fn builtin(&mut self, scope: &mut Scope<'s>, builtin: u16, call: &'s Call, span: Span) -> OpId {
        let Some(b) = builtins::get(builtin) else { return self.nothing() };
        let mut ops: Vec<OpId> = Vec::new();
        for arg in &call.args {
            match &arg.label {
                None => ops.push(self.read(scope, &arg.value)),
                Some(label) => {
                    let place = b.labels.iter().position(|l| *l == label.text);
                    let Some(place) = place else {
                        let near = closest(&label.text, b.labels.iter().copied()).map(str::to_owned);
                        let zh = format!("`{}` 没有名为 `{}` 的参数", call.name.text, label.text);
                        let en = format!("`{}` has no argument `{}`", call.name.text, label.text);
                        self.fault(Diagnostic::error("argument.unknown", label.span, zh, en).instead(near));
                        continue;
                    };
                    let value = self.read(scope, &arg.value);
                    // labelled arguments stand behind the least number of plain ones
                    let at = b.args.0 as usize + place;
                    while ops.len() < at {
                        ops.push(self.nothing());
                    }
                    ops.push(value);
                }
            }
        }
        if ops.len() < b.args.0 as usize || ops.len() > b.args.1 as usize {
            let (least, most) = b.args;
            let count = if least == most { least.to_string() } else { format!("{least}–{most}") };
            let zh = format!("`{}` 需要 {count} 个参数", call.name.text);
            self.error("argument.count", span, zh, format!("`{}` takes {count} arguments", call.name.text));
        }
        let args = self.list(&ops);
        self.op(Op::Builtin { builtin, args })
    }

    fn path(&mut self, scope: &mut Scope<'s>, path: &'s Path, span: Span) -> OpId {
        if let Some((_, slot, _)) = scope.replaced.iter().rev().find(|(s, ..)| *s == span) {
            return self.op(Op::Part { slot: *slot, pick: Pick::First, part: 0, sub: 0 });
        }
        let part = |i: usize| path.parts.get(i).map_or(0, |(n, _)| u8::try_from(*n).unwrap_or(u8::MAX));
        let (one, two) = (part(0), part(1));
        let base = path.base.text.as_str();
        if base.is_empty() {
            return self.op(Op::Dot { parts: [one, two, part(2)] });
        }
        let bound = scope.find(base).map(|b| b.what.clone());
        if super::scope::is_segment(base) && !matches!(bound, Some(Bound::Value { .. } | Bound::Let { .. })) {
            let Some(slot) = scope.segment(base) else {
                self.no_segment(scope, &path.base);
                return self.nothing();
            };
            self.check_segment(&path.base);
            return self.field(scope, path, slot, base);
        }
        match bound {
            Some(Bound::Segment { slot, segment }) => self.field(scope, path, slot, &segment.clone()),
            Some(Bound::Value { slot, datatype }) => {
                if let Some((_, at)) = path.field {
                    let zh = format!("`{base}` 不是段，没有字段；组成部分写作 `{base}.1`");
                    self.error("path.field", at, zh, format!("`{base}` is no segment and has no fields; a component is `{base}.1`"));
                }
                if let Some(dt) = datatype {
                    self.check_parts(scope, &dt, path, base);
                }
                if path.parts.is_empty() && path.select.is_none() {
                    return self.op(Op::Slot { slot });
                }
                let pick = self.pick(scope, path.select.as_ref());
                self.op(Op::Part { slot, pick, part: one, sub: two })
            }
            Some(Bound::Let { .. }) => {
                if path.parts.is_empty() && path.select.is_none() && path.field.is_none() {
                    return self.through_let(scope, &path.base, Compiler::read);
                }
                let inner = self.through_let(scope, &path.base, Compiler::read);
                self.parts_of(inner, path)
            }
            None if base == "self" && self.makes_resource(scope) => {
                let slot = *scope.own.get_or_insert(u16::MAX);
                let slot = if slot == u16::MAX { scope.new_slot() } else { slot };
                scope.own = Some(slot);
                self.op(Op::Slot { slot })
            }
            None => {
                self.unknown_name(scope, &path.base);
                self.nothing()
            }
        }
    }

    fn makes_resource(&self, scope: &Scope<'s>) -> bool {
        scope.map.and_then(|m| self.plan.maps.get(m)).is_some_and(|m| m.makes == plan::Makes::Resource)
    }

    /// The components of what a `let` names: of each path that it holds.
    fn parts_of(&mut self, op: OpId, path: &Path) -> OpId {
        let part = |i: usize| path.parts.get(i).map_or(0, |(n, _)| u8::try_from(*n).unwrap_or(u8::MAX));
        let deeper = |p: u8, s: u8| match (p, s) {
            (0, _) => Some((part(0), part(1))),
            (p, 0) if part(1) == 0 => Some((p, part(0))),
            _ => None,
        };
        let made = match self.plan.op(op) {
            Op::Field { slot, of, field, pick, part, sub, dt } => deeper(part, sub).map(|(part, sub)| {
                let dt =
                    (0..).zip([part, sub]).filter(|(_, n)| *n > 0).fold(dt, |dt, (_, n)| self.plan.datatypes.component(dt, n as usize));
                Op::Field { slot, of, field, pick, part, sub, dt }
            }),
            Op::Part { slot, pick, part, sub } => deeper(part, sub).map(|(part, sub)| Op::Part { slot, pick, part, sub }),
            Op::Slot { slot } => Some(Op::Part { slot, pick: Pick::First, part: part(0), sub: part(1) }),
            Op::When { cond, op } => {
                let op = self.parts_of(op, path);
                Some(Op::When { cond, op })
            }
            Op::First { list, settles } => {
                let items: Vec<OpId> = self.plan.list(list).to_vec();
                let items: Vec<OpId> = items.into_iter().map(|o| self.parts_of(o, path)).collect();
                let list = self.list(&items);
                Some(Op::First { list, settles })
            }
            _ => None,
        };
        match made {
            Some(op) => self.op(op),
            None => {
                let zh = format!("`{}` 不是字段，没有组成部分", path.base.text);
                self.error("path.let", path.base.span, zh, format!("`{}` is no field and has no components", path.base.text));
                self.nothing()
            }
        }
    }

    fn field(&mut self, scope: &mut Scope<'s>, path: &'s Path, slot: u16, segment: &str) -> OpId {
        let Some((field, at)) = path.field else {
            if let Some((_, at)) = path.parts.first() {
                let zh = format!("段 `{segment}` 的字段写作 `{}-1`", path.base.text);
                self.error("path.field", *at, zh, format!("a field of the segment {segment} is written `{}-1`", path.base.text));
            }
            let of = self.pick(scope, path.select.as_ref());
            return self.op(if of == Pick::First { Op::Slot { slot } } else { Op::Segments { slot, of } });
        };
        let of = self.pick(scope, path.of.as_ref());
        let datatype = self.check_field(scope, segment, field, at);
        let mut dt = datatype.as_deref().map_or(0, |d| self.plan.datatypes.named(d));
        if self.world.v2.varies(segment, field) {
            dt = self.plan.datatypes.varies;
        }
        if let Some(d) = &datatype {
            self.check_parts(scope, d, path, segment);
        }
        let part = |i: usize| path.parts.get(i).map_or(0, |(n, _)| u8::try_from(*n).unwrap_or(u8::MAX));
        let (one, two) = (part(0), part(1));
        // of OBX-5 and its like the message says the type
        let varies = dt != 0 && dt == self.plan.datatypes.varies;
        for n in [one, two].into_iter().filter(|n| *n > 0 && !varies) {
            dt = self.plan.datatypes.component(dt, n as usize);
        }
        let pick = self.pick(scope, path.select.as_ref());
        self.op(Op::Field { slot, of, field, pick, part: one, sub: two, dt })
    }

    fn pick(&mut self, scope: &mut Scope<'s>, select: Option<&'s Select>) -> Pick {
        match select {
            None => Pick::First,
            Some(Select::All) => Pick::All,
            Some(Select::Nth(n)) => Pick::Nth(*n),
            Some(Select::Where(cond)) => Pick::Where(self.condition(scope, cond)),
        }
    }

    fn no_segment(&mut self, scope: &Scope<'s>, name: &Name) {
        let of = &scope.name;
        let zh = format!("`{}` 不是 `{of}` 的参数；请在参数中加上 `{}?`", name.text, name.text);
        let en = format!("{} is no parameter of `{of}`; add `{}?` to its parameters", name.text, name.text);
        let known: Vec<&str> = scope.bindings.iter().map(|b| b.name).collect();
        let near = closest(&name.text, known).map(str::to_owned);
        self.fault(Diagnostic::error("name.segment", name.span, zh, en).instead(near));
    }

    fn unknown_name(&mut self, scope: &Scope<'s>, name: &Name) {
        let names: Vec<&str> = scope.bindings.iter().map(|b| b.name).collect();
        let near = closest(&name.text, names).map(str::to_owned);
        let zh = format!("没有名为 `{}` 的参数或 `let`", name.text);
        let en = format!("there is no parameter or `let` named `{}`", name.text);
        self.fault(Diagnostic::error("name.unknown", name.span, zh, en).instead(near));
    }

    /// The v2 data type of a path, where it is known.
    pub(super) fn datatype_of(&self, scope: &Scope<'s>, e: &Expr) -> Option<String> {
        let ExprKind::Path(path) = &e.kind else { return None };
        let base = path.base.text.as_str();
        let mut dt = match (scope.find(base).map(|b| &b.what), path.field) {
            (Some(Bound::Segment { segment, .. }), Some((n, _))) => self.world.v2.field_type(segment, n)?,
            (Some(Bound::Value { datatype, .. }), None) => datatype.clone()?,
            (None, Some((n, _))) => self.world.v2.field_type(base, n)?,
            _ => return None,
        };
        for (n, _) in &path.parts {
            dt = self.world.v2.component_type(&dt, *n)?;
        }
        Some(dt)
    }

    /// The source of an `each`: every repetition of a field, every segment, every resource. Gives the segment's name
    /// where segments are bound.
    pub(super) fn each_source(&mut self, scope: &mut Scope<'s>, e: &'s Expr) -> (OpId, Option<String>) {
        let op = self.read(scope, e);
        let segment = match &e.kind {
            ExprKind::Path(p) if p.field.is_none() && p.parts.is_empty() => match scope.find(&p.base.text).map(|b| &b.what) {
                Some(Bound::Segment { segment, .. }) => Some(segment.clone()),
                _ => None,
            },
            _ => None,
        };
        let all = match self.plan.op(op) {
            Op::Field { slot, of, field, pick: Pick::First, part, sub, dt } => {
                self.op(Op::Field { slot, of, field, pick: Pick::All, part, sub, dt })
            }
            Op::Part { slot, pick: Pick::First, part, sub } => self.op(Op::Part { slot, pick: Pick::All, part, sub }),
            _ => op,
        };
        (all, segment)
    }

    /// `warn` and `reject`. Of two texts the one with Chinese characters is the Chinese one.
    pub(super) fn say(&mut self, scope: &mut Scope<'s>, say: &'s Say, reject: bool, span: Span) -> OpId {
        let is_zh = |t: &str| t.chars().any(|c| ('\u{3400}'..'\u{9fff}').contains(&c));
        let mut values: Vec<(String, OpId)> = Vec::new();
        let mut plain = |c: &mut Self, name: &Name| c.placeholders(scope, name, &mut values);
        let texts: Vec<String> = say.texts.iter().map(|t| plain(self, t)).collect();
        let values = values.into_iter().map(|(_, op)| op).collect();
        let zh = texts.iter().find(|t| is_zh(t)).or(texts.first()).cloned().unwrap_or_default();
        let en = texts.iter().find(|t| !is_zh(t)).or(texts.first()).cloned().unwrap_or_default();
        if say.texts.len() > 2 {
            self.error("say.texts", span, "最多两段文本：中文和英文", "two texts at most: Chinese and English");
        }
        let rule = format!("map.{}.{}", scope.name, scope.target.split([':', '(']).next().unwrap_or("")).into();
        self.plan.says.push(plan::Say { reject, rule, zh, en, values, hl7_code: if reject { 103 } else { 0 } });
        let id = (self.plan.says.len() - 1) as u32;
        self.op(Op::Say(id))
    }

    /// The text of a finding with `…` for each `{path}`, whose values are kept apart.
    fn placeholders(&mut self, scope: &mut Scope<'s>, text: &Name, values: &mut Vec<(String, OpId)>) -> String {
        let mut out = String::new();
        let mut rest = text.text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((inner, tail)) = after.split_once('}') else { break };
            out.push_str(before);
            out.push('…');
            rest = tail;
            match simple_path(inner) {
                Some((segment, field, parts)) => match scope.segment(segment) {
                    Some(slot) => {
                        let [part, sub] = parts;
                        let op = self.op(Op::Field { slot, of: Pick::First, field, pick: Pick::First, part, sub, dt: 0 });
                        if !values.iter().any(|(known, _)| known == inner) {
                            values.push((inner.to_owned(), op));
                        }
                    }
                    None => {
                        let name = Name { text: segment.to_owned(), span: text.span };
                        self.no_segment(scope, &name);
                    }
                },
                None => {
                    let zh = format!("`{{{inner}}}` 不是字段路径，如 `{{OBX-11}}`");
                    self.error("say.path", text.span, zh, format!("`{{{inner}}}` is no path of a field such as `{{OBX-11}}`"));
                }
            }
        }
        out.push_str(rest);
        out
    }

    pub(super) fn condition(&mut self, scope: &mut Scope<'s>, cond: &'s Cond) -> plan::CondId {
        let made = match cond {
            Cond::Has(e) => plan::Cond::Has(self.read(scope, e)),
            Cond::Equals { left, right, not } => {
                let left = self.read(scope, left);
                let right = self.read(scope, right);
                let inner = plan::Cond::Equals { left, right };
                if *not { plan::Cond::Not(self.cond(inner)) } else { inner }
            }
            Cond::In { left, list } => {
                let left = self.read(scope, left);
                let items: Vec<OpId> = list.iter().map(|e| self.read(scope, e)).collect();
                plan::Cond::In { left, list: self.list(&items) }
            }
            Cond::Matches { left, classes } => {
                let left = self.read(scope, left);
                plan::Cond::Matches { left, classes: classes.iter().filter_map(|c| self.class(c)).collect() }
            }
            Cond::Not(inner) => plan::Cond::Not(self.condition(scope, inner)),
            Cond::And(list) => plan::Cond::And(list.iter().map(|c| self.condition(scope, c)).collect()),
            Cond::Or(list) => plan::Cond::Or(list.iter().map(|c| self.condition(scope, c)).collect()),
        };
        self.cond(made)
    }

    fn class(&mut self, name: &Name) -> Option<Class> {
        let all = [
            ("digits", Class::Digits),
            ("letters", Class::Letters),
            ("chinese", Class::Chinese),
            ("idcard", Class::IdCard),
            ("number", Class::Number),
            ("oid", Class::Oid),
            ("uuid", Class::Uuid),
            ("uri", Class::Uri),
            ("timed", Class::Timed),
            ("marked", Class::Marked),
            ("test", Class::Test),
            ("recognition", Class::Recognition),
            ("institution", Class::Institution),
        ];
        let found = all.iter().find(|(n, _)| *n == name.text).map(|(_, c)| *c);
        if found.is_none() {
            let near = closest(&name.text, all.iter().map(|(n, _)| *n)).map(str::to_owned);
            let list = all.map(|(n, _)| n).join(", ");
            let zh = format!("没有类别 `{}`（可用 {list}）", name.text);
            self.fault(
                Diagnostic::error("class.unknown", name.span, zh, format!("there is no class `{}` ({list})", name.text)).instead(near),
            );
        }
        found
    }
}

/// `OBX-11`, `OBX-3.1`
fn simple_path(text: &str) -> Option<(&str, u16, [u8; 2])> {
    let (segment, rest) = text.split_once('-')?;
    let mut numbers = rest.split('.');
    let field = numbers.next()?.parse().ok()?;
    let mut part = || numbers.next().map_or(Some(0), |n| n.parse().ok());
    let parts = [part()?, part()?];
    super::scope::is_segment(segment).then_some((segment, field, parts))
}

/// A path as it is written.
pub(crate) fn path_text(path: &Path) -> String {
    let mut out = path.base.text.clone();
    out.push_str(&select_text(path.of.as_ref()));
    if let Some((n, _)) = path.field {
        out.push_str(&format!("-{n}"));
    }
    out.push_str(&select_text(path.select.as_ref()));
    for (n, _) in &path.parts {
        out.push_str(&format!(".{n}"));
    }
    out
}

fn select_text(select: Option<&Select>) -> String {
    match select {
        Some(Select::All) => "~".to_owned(),
        Some(Select::Nth(n)) => format!("[{n}]"),
        Some(Select::Where(_)) => "[…]".to_owned(),
        None => String::new(),
    }
}
