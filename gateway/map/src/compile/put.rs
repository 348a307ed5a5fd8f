//! Expressions that write an element.

use hutong_fhir::Kind;
use hutong_fhir::primitive::Primitive;

use super::Compiler;
use super::block::Spec;
use super::scope::{Bound, Scope};
use super::sources::Laid;
use super::target::{Choice, Dest, first_steps};
use crate::builtins::{self, Gives};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{self, At, Conv, Entry, NONE, Op, OpId, Whole};
use crate::syntax::ast::{Branch, Expr, ExprKind, Line, LineKind, Name, Path, Step, Write};

/// What an expression is to write.
#[derive(Clone)]
pub(super) struct Want {
    pub dest: Dest,
    /// The destination is an extension named by its url: a plain value goes into its `value[x]`.
    pub extension: bool,
    /// `+=`
    pub all: bool,
}

/// How many `let`s may stand in one another.
const LETS_MAX: usize = 16;

impl<'s> Compiler<'s, '_> {
    pub(super) fn at(&self, dest: &Dest, choice: Choice) -> At {
        if dest.caller { At::Caller } else { At::Own(choice.key, dest.list) }
    }

    /// An operation that writes the value of `e` to the destination.
    pub(super) fn put(&mut self, scope: &mut Scope<'s>, e: &'s Expr, want: &Want) -> OpId {
        match &e.kind {
            ExprKind::Nothing => self.nothing(),
            ExprKind::First(list) => {
                let ops: Vec<OpId> = list.iter().map(|e| self.put(scope, e, want)).collect();
                let list = self.list(&ops);
                self.op(Op::First { list, settles: false })
            }
            ExprKind::By { subject, branches } => self.put_by(scope, subject, branches, want),
            ExprKind::Warn(say) | ExprKind::Reject(say) => self.say(scope, say, matches!(e.kind, ExprKind::Reject(_)), e.span),
            ExprKind::As { value, target } => {
                let mut want = want.clone();
                if want.extension {
                    return self.put_into_extension(scope, e, &want);
                }
                want.dest.choices.retain(|c| self.world.defs.get(c.type_id).name == target.text);
                if want.dest.choices.is_empty() {
                    let label = &want.dest.label;
                    let zh = format!("{label} 不能是 {}", target.text);
                    let en = format!("{label} cannot be {}", target.text);
                    self.error("type.wrong", target.span, zh, en);
                    return self.nothing();
                }
                self.put(scope, value, &want)
            }
            ExprKind::Each { source, name, body } => self.put_each(scope, source, name, body, want, e.span),
            ExprKind::Path(path)
                if path.field.is_none() && matches!(scope.find(&path.base.text).map(|b| &b.what), Some(Bound::Let { .. })) =>
            {
                if path.parts.is_empty() && path.select.is_none() {
                    return self.through_let(scope, &path.base, |c, scope, e| c.put(scope, e, want));
                }
                self.put_plain(scope, e, want)
            }
            _ if want.extension => self.put_into_extension(scope, e, want),
            ExprKind::Block(lines) => self.put_block(scope, lines, want, e.span),
            ExprKind::Call(call) => self.put_call(scope, e, call, want),
            ExprKind::Path(path) => self.put_path(scope, e, path, want),
            ExprKind::Text(text) => self.put_text(text, e.span, want),
            ExprKind::Number(text) => self.put_literal(
                text,
                &[Primitive::Integer, Primitive::Decimal, Primitive::PositiveInt, Primitive::UnsignedInt],
                e.span,
                want,
            ),
            ExprKind::Bool(b) => self.put_literal(if *b { "true" } else { "false" }, &[Primitive::Boolean], e.span, want),
            ExprKind::Tuple(_) => {
                self.error("tuple.place", e.span, "元组只能用于 `identity` 和参数", "a tuple stands only in `identity` and in arguments");
                self.nothing()
            }
        }
    }

    /// Compiles the expressions of a `let` where its name is used, in the scope in which it was written.
    pub(super) fn through_let(
        &mut self,
        scope: &mut Scope<'s>,
        name: &Name,
        mut read: impl FnMut(&mut Self, &mut Scope<'s>, &'s Expr) -> OpId,
    ) -> OpId {
        let Some(Bound::Let { parts, sees }) = scope.find(&name.text).map(|b| b.what.clone()) else { return self.nothing() };
        if scope.depth >= LETS_MAX {
            self.error("let.depth", name.span, "`let` 嵌套过深", "too many `let`s stand in one another");
            return self.nothing();
        }
        let hidden = scope.bindings.split_off(sees.min(scope.bindings.len()));
        scope.depth += 1;
        let mut ops = Vec::new();
        for part in &parts {
            let mut op = read(self, scope, part.value);
            if let Some(when) = part.when {
                let cond = self.condition(scope, when);
                op = self.op(Op::When { cond, op });
            }
            for guard in &part.guards {
                let cond = if guard.holds { guard.cond } else { self.cond(plan::Cond::Not(guard.cond)) };
                op = self.op(Op::When { cond, op });
            }
            ops.push(op);
        }
        scope.depth -= 1;
        scope.bindings.extend(hidden);
        match ops.as_slice() {
            [one] => *one,
            many => {
                let list = self.list(many);
                self.op(Op::First { list, settles: false })
            }
        }
    }

    fn put_by(&mut self, scope: &mut Scope<'s>, subject: &'s Expr, branches: &'s [Branch], want: &Want) -> OpId {
        let subject = self.read(scope, subject);
        let mut by = plan::By { subject, cases: Vec::new(), otherwise: self.nothing() };
        for b in branches {
            let op = self.put(scope, &b.value, want);
            if b.labels.is_empty() {
                by.otherwise = op;
            } else {
                by.cases.push((b.labels.iter().map(|l| l.text.as_str().into()).collect(), op));
            }
        }
        self.finish_by(by, branches)
    }

    pub(super) fn finish_by(&mut self, by: plan::By, branches: &[Branch]) -> OpId {
        let mut seen: Vec<&str> = Vec::new();
        for label in branches.iter().flat_map(|b| &b.labels) {
            if seen.contains(&label.text.as_str()) {
                let zh = format!("分支的值 `{}` 出现两次", label.text);
                self.error("by.twice", label.span, zh, format!("the value `{}` has two branches", label.text));
            }
            seen.push(&label.text);
        }
        self.plan.bys.push(by);
        let id = (self.plan.bys.len() - 1) as u32;
        self.op(Op::By(id))
    }

    fn put_each(&mut self, scope: &mut Scope<'s>, source: &'s Expr, name: &'s Name, body: &'s [Line], want: &Want, span: Span) -> OpId {
        let (source_op, bound) = self.each_source(scope, source);
        let slot = scope.new_slot();
        let what = match bound {
            Some(segment) => Bound::Segment { slot, segment },
            None => Bound::Value { slot, datatype: self.datatype_of(scope, source) },
        };
        scope.bindings.push(super::scope::Binding { name: &name.text, what });
        let body = self.put_block(scope, body, want, span);
        scope.bindings.pop();
        self.op(Op::Each { source: source_op, slot, body })
    }

    /// `{ lines }`, also with a line `$ = EXPR` that makes the element on which the others build.
    fn put_block(&mut self, scope: &mut Scope<'s>, lines: &'s [Line], want: &Want, span: Span) -> OpId {
        let mark = scope.bindings.len();
        let target = scope.target.clone();
        let laid: Vec<Laid<'s>> = lines.iter().map(|line| Laid::plain(line, scope.site)).collect();
        let specs = self.specs(scope, &laid);
        scope.target = target;
        let (base, rest): (Vec<Spec<'s>>, Vec<Spec<'s>>) =
            specs.into_iter().partition(|s| s.steps.first().is_some_and(|s| s.name.text == "$"));
        let op = match base.as_slice() {
            [] => self.put_lines(scope, lines, &rest, want, span),
            [one] if rest.is_empty() => self.guarded(scope, one, want),
            [one] => {
                let op = self.guarded(scope, one, want);
                let steps: Vec<&Step> = rest.iter().filter_map(|s| s.steps.first()).collect();
                let mut dest = want.dest.clone();
                match self.narrow(&mut dest, &steps, true).or(want.dest.choices.first().copied()) {
                    Some(choice) => {
                        let block = self.block(scope, &rest, choice.type_id, None);
                        self.op(Op::Over { op, block })
                    }
                    None => op,
                }
            }
            [_, other, ..] => {
                let span = other.write.target_span;
                self.error("target.twice", span, "`$` 只能写一行", "`$` is written once");
                self.nothing()
            }
        };
        scope.bindings.truncate(mark);
        op
    }

    fn guarded(&mut self, scope: &mut Scope<'s>, spec: &Spec<'s>, want: &Want) -> OpId {
        let mut op = self.put(scope, spec.value, want);
        for g in &spec.guards {
            op = self.op(Op::When { cond: g.cond, op });
        }
        op
    }

    fn put_lines(&mut self, scope: &mut Scope<'s>, lines: &'s [Line], specs: &[Spec<'s>], want: &Want, span: Span) -> OpId {
        let mut dest = want.dest.clone();
        let steps = first_steps(lines);
        if want.extension {
            let own = steps.iter().all(|s| matches!(s.name.text.as_str(), "extension" | "id") || s.name.text.starts_with("value"));
            if !own {
                return self.extension_value(scope, want, |c, scope, inner| c.put_lines(scope, lines, specs, inner, span));
            }
        }
        let Some(choice) = self.narrow(&mut dest, &steps, false) else { return self.nothing() };
        if self.primitive(choice).is_some() && steps.iter().any(|s| !matches!(s.name.text.as_str(), "extension" | "id")) {
            let zh = format!("{} 是简单类型，不能用 `{{ }}`", dest.label);
            self.error("type.wrong", span, zh, format!("{} is a primitive; it takes no `{{ }}`", dest.label));
            return self.nothing();
        }
        let url = if want.extension { dest.url.clone() } else { None };
        let block = self.block(scope, specs, choice.type_id, url.as_deref());
        self.check_complete(block, span);
        let at = self.at(&dest, choice);
        self.op(Op::Block { at, block })
    }

    /// A value of an extension: what `e` gives goes below `value[x]`, each value into an extension of its own.
    fn put_into_extension(&mut self, scope: &mut Scope<'s>, e: &'s Expr, want: &Want) -> OpId {
        match &e.kind {
            ExprKind::Block(lines) => return self.put_block(scope, lines, want, e.span),
            ExprKind::Call(call) if self.makes_only(&call.name.text, "Extension") => return self.put_call(scope, e, call, want),
            _ => {}
        }
        if want.all
            && let Some(path) = repeated(e)
        {
            let source = self.read(scope, path);
            let slot = scope.new_slot();
            let datatype = self.datatype_of(scope, path);
            scope.replaced.push((path.span, slot, datatype));
            let body = self.extension_value(scope, want, |c, scope, inner| c.put(scope, e, inner));
            scope.replaced.pop();
            return self.op(Op::Each { source, slot, body });
        }
        self.extension_value(scope, want, |c, scope, inner| c.put(scope, e, inner))
    }

    fn extension_value(&mut self, scope: &mut Scope<'s>, want: &Want, put: impl FnOnce(&mut Self, &mut Scope<'s>, &Want) -> OpId) -> OpId {
        let Some(choice) = want.dest.single() else { return self.nothing() };
        let step = Step { name: Name { text: "value".to_owned(), span: Span::default() }, slice: None, url: None };
        let url = want.dest.url.clone().unwrap_or_default();
        let Some(dest) = self.dest(choice.type_id, &step, Some(&url)) else { return self.nothing() };
        let (place, keys) = (dest.place, dest.choices.iter().map(|c| c.key).collect());
        let op = put(self, scope, &Want { dest, extension: false, all: false });
        let constant = self.is_constant(op);
        let line = plan::LineId(self.plan.lines.len().saturating_sub(1) as u32);
        let whole = Whole { line, guards: Vec::new(), op, all: false, required: false, constant };
        let entry = Entry {
            whole: vec![whole],
            below: NONE,
            at: At::Caller,
            primitive: false,
            line,
            keys,
            constant,
            keep: false,
            may_lack: false,
            needs: crate::plan::Needs::default(),
            simple: None,
        };
        let mut entries: Vec<(u8, Entry)> = vec![(place, entry)];
        entries.extend(self.url_entry(choice.type_id, &url, Some(line)));
        entries.sort_by_key(|(place, _)| *place);
        let entries = entries.into_iter().map(|(_, e)| e).collect();
        self.plan.blocks.push(plan::Block { entries, constant, type_id: choice.type_id });
        let block = (self.plan.blocks.len() - 1) as u32;
        let at = self.at(&want.dest, choice);
        self.op(Op::Block { at, block })
    }

    /// A path without a function: its text becomes the primitive that the element takes.
    fn put_path(&mut self, scope: &mut Scope<'s>, e: &'s Expr, path: &'s Path, want: &Want) -> OpId {
        if want.dest.choices.iter().all(|c| self.primitive(*c).is_none()) {
            let source = crate::compile::read::path_text(path);
            let datatype = self.datatype_of(scope, e).unwrap_or_default();
            let instead = if want.dest.single().is_some_and(|c| self.is_type(c.type_id, "Reference")) {
                Some(format!("ref({source})"))
            } else {
                self.map_for(&want.dest, &datatype).map(|name| format!("{name}({source})"))
            };
            let types: Vec<&str> = want.dest.choices.iter().map(|c| self.type_name(c.type_id)).take(4).collect();
            let list = types.join(", ");
            let zh = format!("{} 的类型是 {list}，须经映射得到", want.dest.label);
            let en = format!("{} is of type {list}: a map has to make it", want.dest.label);
            self.fault(Diagnostic::error("type.needs_map", e.span, zh, en).instead(instead));
            return self.nothing();
        }
        self.put_plain(scope, e, want)
    }

    /// The text of a reading expression as the primitive that the element takes.
    pub(super) fn put_plain(&mut self, scope: &mut Scope<'s>, e: &'s Expr, want: &Want) -> OpId {
        let arg = self.read(scope, e);
        let Some((choice, to)) = self.plain_choice(&want.dest, e.span) else { return self.nothing() };
        self.prim(&want.dest, choice, to, arg, false)
    }

    fn plain_choice(&mut self, dest: &Dest, span: Span) -> Option<(Choice, Primitive)> {
        let mut list: Vec<(Choice, Primitive)> = dest.choices.iter().filter_map(|c| Some((*c, self.primitive(*c)?))).collect();
        if list.len() > 1 {
            list.retain(|(_, p)| *p == Primitive::String);
        }
        match list.as_slice() {
            [one] => Some(*one),
            _ => {
                let types: Vec<&str> = dest.choices.iter().map(|c| self.type_name(c.type_id)).take(6).collect();
                let list = types.join(", ");
                let zh = format!("{} 可为 {list}；请用函数写明类型", dest.label);
                self.error("type.ambiguous", span, zh, format!("{} may be {list}; a function has to say which", dest.label));
                None
            }
        }
    }

    pub(super) fn prim(&mut self, dest: &Dest, choice: Choice, to: Primitive, arg: OpId, join: bool) -> OpId {
        let codes = if to == Primitive::Code { dest.codes() } else { None };
        let codes = codes.filter(|id| self.world.defs.code_set(*id).is_listed());
        let at = self.at(dest, choice);
        self.op(Op::Prim { at, conv: Conv { to, join, codes }, arg })
    }

    /// A quoted text: checked against the type and the codes of the element.
    fn put_text(&mut self, text: &str, span: Span, want: &Want) -> OpId {
        use Primitive::{Base64Binary, Canonical, Code, Date, DateTime, Id, Instant, Markdown, Oid, String, Time, Uri, Url, Uuid};
        self.put_literal(
            text,
            &[String, Markdown, Code, Uri, Url, Canonical, Oid, Uuid, Id, Date, DateTime, Instant, Time, Base64Binary],
            span,
            want,
        )
    }

    fn put_literal(&mut self, text: &str, fitting: &[Primitive], span: Span, want: &Want) -> OpId {
        let dest = &want.dest;
        let primitives: Vec<(Choice, Primitive)> = dest.choices.iter().filter_map(|c| Some((*c, self.primitive(*c)?))).collect();
        let place = |p: Primitive| fitting.iter().position(|f| *f == p);
        let best = primitives.iter().filter(|(_, p)| place(*p).is_some()).min_by_key(|(_, p)| place(*p)).copied();
        let Some((choice, to)) = best else {
            let types: Vec<&str> = dest.choices.iter().map(|c| self.type_name(c.type_id)).take(4).collect();
            let list = types.join(", ");
            let zh = format!("{} 的类型是 {list}，不能写成 `{text}`", dest.label);
            let instead = types.first().filter(|t| **t == "CodeableConcept").map(|_| format!("{{ text = \"{text}\" }}"));
            let d = Diagnostic::error("type.wrong", span, zh, format!("{} is of type {list}; it cannot be `{text}`", dest.label));
            self.fault(d.instead(instead));
            return self.nothing();
        };
        if to.check_text(text).is_err() {
            let name = self.type_name(choice.type_id);
            let zh = format!("`{text}` 不是合法的 {name}");
            self.error("literal.form", span, zh, format!("`{text}` is not a valid {name}"));
        } else if to == Primitive::Code {
            self.check_code(dest, text, span);
        }
        let text = self.text(text);
        let at = self.at(dest, choice);
        let kind: Kind = to.json_kind();
        self.op(Op::Fixed { at, kind, text })
    }

    /// Says where a code is not in the value set that the element requires.
    pub(super) fn check_code(&mut self, dest: &Dest, code: &str, span: Span) {
        let defs = self.world.defs;
        let Some(set) = dest.codes().map(|id| defs.code_set(id)).filter(|s| s.is_listed()) else { return };
        if set.has_code(code) {
            return;
        }
        let near = crate::diagnostic::closest(code, set.codes()).map(|c| format!("\"{c}\""));
        let url = set.canonical();
        let listed = set.codes().take(12).collect::<Vec<_>>().join(", ");
        let zh = format!("`{code}` 不在 {} 要求的值集 {url} 中（{listed}）", dest.label);
        let en = format!("`{code}` is not in the value set {url} that {} requires ({listed})", dest.label);
        self.fault(Diagnostic::error("literal.code", span, zh, en).instead(near));
    }

    /// Builtin that converts: the type that it gives, where the element takes it.
    pub(super) fn put_builtin(&mut self, scope: &mut Scope<'s>, e: &'s Expr, call: &'s crate::syntax::ast::Call, want: &Want) -> OpId {
        let Some(builtin) = builtins::find(&call.name.text).and_then(builtins::get) else { return self.nothing() };
        let (to, join) = match builtin.gives {
            Gives::Text => return self.put_plain(scope, e, want),
            Gives::Primitive(p) => (vec![p], matches!(p, Primitive::String | Primitive::Markdown)),
            Gives::Moment => (vec![Primitive::DateTime, Primitive::Instant, Primitive::Date], false),
        };
        let primitives: Vec<(Choice, Primitive)> = want.dest.choices.iter().filter_map(|c| Some((*c, self.primitive(*c)?))).collect();
        let exact = to.iter().find_map(|p| primitives.iter().find(|(_, q)| p == q));
        let near = primitives.iter().find(|(_, q)| to.iter().any(|p| becomes(*p, *q)));
        let Some((choice, target)) = exact.or(near).copied() else {
            let types: Vec<&str> = want.dest.choices.iter().map(|c| self.type_name(c.type_id)).take(5).collect();
            let list = types.join(", ");
            let name = &call.name.text;
            let zh = format!("`{name}` 得到的值不能写入 {}（{list}）", want.dest.label);
            let instead = types.first().filter(|t| builtins::find(t).is_some()).map(|t| (*t).to_owned());
            let d = Diagnostic::error(
                "type.wrong",
                call.name.span,
                zh,
                format!("what `{name}` gives cannot stand in {} ({list})", want.dest.label),
            );
            self.fault(d.instead(instead));
            return self.nothing();
        };
        // a conversion of one value needs no detour over its text
        let arg = match call.args.as_slice() {
            [one] if one.label.is_none() => self.read(scope, &one.value),
            _ => self.read(scope, e),
        };
        self.prim(&want.dest, choice, target, arg, join)
    }
}

/// Whether what one primitive type gives may stand in another.
fn becomes(from: Primitive, to: Primitive) -> bool {
    use Primitive::{Canonical, Code, Id, Integer, Markdown, Oid, PositiveInt, String, UnsignedInt, Uri, Url, Uuid};
    matches!(
        (from, to),
        (String, Markdown)
            | (Code | Id | Markdown, String)
            | (Uri | Url | Oid | Uuid, Uri | Url | Canonical | Oid | Uuid)
            | (Integer | UnsignedInt | PositiveInt, Integer | UnsignedInt | PositiveInt)
    )
}

/// The path with `~` on which an expression works, if it is one that works on each repetition.
fn repeated(e: &Expr) -> Option<&Expr> {
    match &e.kind {
        ExprKind::Path(p) => matches!(p.select, Some(crate::syntax::ast::Select::All)).then_some(e),
        ExprKind::Call(c) => c.args.first().and_then(|a| repeated(&a.value)),
        _ => None,
    }
}

/// Whether a line is one that writes.
pub(super) fn write_of(line: &Line) -> Option<&Write> {
    match &line.kind {
        LineKind::Write(w) => Some(w),
        _ => None,
    }
}
