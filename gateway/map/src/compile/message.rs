//! Message declarations: which maps are called for which segments, group by group.

use std::sync::Arc;

use super::Compiler;
use super::check::ResourceArg;
use super::scope::{Binding, Bound, Scope, is_segment};
use super::sources::{Laid, MessageLine, MessageSource};
use crate::diagnostic::{Diagnostic, Span, closest};
use crate::plan::{Group, Guard, Makes, MessagePlan, Source, Step};
use crate::syntax::ast::{Arg, Count, Expr, ExprKind, LineKind, Name, Write};

/// A name that a message gives to a resource.
#[derive(Clone)]
struct Made<'s> {
    name: &'s str,
    slot: u16,
    maps: Vec<usize>,
    /// The `each` in which it is made, outermost first.
    path: Vec<usize>,
    /// Its line (the first, where overlays give several) among the steps of its block.
    step: u32,
    /// The step has been compiled: the resource is made before the present line.
    done: bool,
}

struct Body<'s> {
    scope: Scope<'s>,
    made: Vec<Made<'s>>,
    /// The `each` blocks around the present line, by a number each.
    path: Vec<usize>,
    blocks: usize,
    /// Names of the groups that may stand here, from the structure; empty: not known.
    groups: Vec<String>,
}

impl<'s> Compiler<'s, '_> {
    pub(super) fn message(&mut self, source: &'s MessageSource<'s>) {
        let name: Arc<str> = source.name.into();
        let scope = Scope {
            map: None,
            name,
            bindings: Vec::new(),
            slots: 0,
            site: false,
            depth: 0,
            loads: Some(Vec::new()),
            replaced: Vec::new(),
            own: None,
            target: String::new(),
        };
        let groups = self.check_message_type(source);
        let mut body = Body { scope, made: Vec::new(), path: Vec::new(), blocks: 0, groups };
        self.declare(&mut body, &source.body);
        body.blocks = 0;
        let steps = self.steps(&mut body, &source.body);
        self.plan.messages.push(MessagePlan { slots: body.scope.slots, body: steps });
        let id = (self.plan.messages.len() - 1) as u32;
        self.plan.message_types.insert(source.name.to_owned(), id);
    }

    /// The groups of the structures of the declaration's types. One of them may lack a group that another has.
    fn check_message_type(&mut self, source: &MessageSource<'_>) -> Vec<String> {
        let grammar = self.world.v2.grammar();
        if self.structure_of(source.name).is_none()
            && !grammar.is_message_code(source.name)
            && !source.name.starts_with('Z')
            && !source.name.contains("^Z")
        {
            let near = closest(source.name, grammar.structure_ids()).map(str::to_owned);
            let zh = format!("HL7 v2 没有消息 `{}`", source.name);
            let d = Diagnostic::error("message.unknown", source.span, zh, format!("HL7 v2 has no message `{}`", source.name));
            self.fault(d.instead(near));
        }
        let mut names = Vec::new();
        let structures: Vec<_> = source.types.iter().filter_map(|t| self.structure_of(&t.text)).collect();
        for structure in structures {
            if !self.plan.repeating.contains_key(structure.id) {
                self.plan.repeating.insert(structure.id.to_owned(), self.world.v2.repeating_groups(structure.id));
            }
            let mut open: Vec<_> = structure.root().into_iter().collect();
            while let Some(group) = open.pop() {
                names.push(group.name().to_owned());
                open.extend(group.groups());
            }
        }
        names
    }

    fn structure_of(&self, name: &str) -> Option<&'static hutong_decode::v2::grammar::Structure> {
        let grammar = self.world.v2.grammar();
        let id = match name.split_once('^') {
            Some((code, event)) => grammar.structure_of(code, event, ""),
            None => grammar.structure(name).map(|s| s.id),
        };
        grammar.structure(id?)
    }

    /// Gives every resource name its slot, wherever it is made.
    fn declare(&mut self, body: &mut Body<'s>, lines: &'s [MessageLine<'s>]) {
        for (step, line) in lines.iter().enumerate() {
            match line {
                MessageLine::Each { body: inner, .. } => {
                    body.blocks += 1;
                    let number = body.blocks;
                    body.path.push(number);
                    self.declare(body, inner);
                    body.path.pop();
                }
                MessageLine::Line(laid) => {
                    let LineKind::Write(w) = &laid.line.kind else { continue };
                    if matches!(w.value.kind, ExprKind::Warn(_) | ExprKind::Reject(_)) {
                        continue;
                    }
                    let [name] = w.target.as_slice() else { continue };
                    let maps = match &w.value.kind {
                        ExprKind::Call(c) => self.src.by_name.get(c.name.text.as_str()).cloned().unwrap_or_default(),
                        _ => Vec::new(),
                    };
                    if let Some(same) = body.made.iter_mut().find(|m| m.name == name.name.text && m.path == body.path) {
                        same.maps.extend(maps);
                        continue;
                    }
                    let slot = body.scope.new_slot();
                    body.made.push(Made { name: &name.name.text, slot, maps, path: body.path.clone(), step: step as u32, done: false });
                }
            }
        }
    }

    fn steps(&mut self, body: &mut Body<'s>, lines: &'s [MessageLine<'s>]) -> Vec<Step> {
        let mark = body.scope.bindings.len();
        self.bind_visible(body);
        let mut steps = Vec::new();
        for line in lines {
            match line {
                MessageLine::Each { group, body: inner } => {
                    body.blocks += 1;
                    let number = body.blocks;
                    let kind = self.group(body, group);
                    body.path.push(number);
                    let slots = body.made.iter().filter(|m| m.path.starts_with(&body.path)).map(|m| m.slot).collect();
                    let inner = self.steps(body, inner);
                    body.path.pop();
                    steps.push(Step::Each { group: kind, body: inner, slots });
                }
                MessageLine::Line(laid) => steps.push(self.make(body, laid).unwrap_or(Step::Nothing)),
            }
        }
        body.scope.bindings.truncate(mark);
        steps
    }

    /// Names made in this block or around it are names for conditions and arguments.
    fn bind_visible(&self, body: &mut Body<'s>) {
        let visible = body.made.iter().filter(|m| body.path.starts_with(&m.path));
        body.scope.bindings.extend(visible.map(|m| Binding { name: m.name, what: Bound::Value { slot: m.slot, datatype: None } }));
    }

    fn group(&mut self, body: &Body<'s>, name: &Name) -> Group {
        if is_segment(&name.text) && !body.groups.contains(&name.text) {
            self.check_segment(name);
            let bytes: [u8; 3] = name.text.as_bytes().try_into().unwrap_or(*b"ZZZ");
            return Group::Segment(bytes);
        }
        if !body.groups.is_empty() && !body.groups.contains(&name.text) {
            let near = closest(&name.text, body.groups.iter().map(String::as_str)).map(str::to_owned);
            let of = &body.scope.name;
            let zh = format!("消息 {of} 的结构没有组 `{}`", name.text);
            let en = format!("the structure of {of} has no group `{}`", name.text);
            self.fault(Diagnostic::error("group.unknown", name.span, zh, en).instead(near));
        }
        Group::Named(name.text.clone())
    }

    fn make(&mut self, body: &mut Body<'s>, laid: &'s Laid<'s>) -> Option<Step> {
        let LineKind::Write(w) = &laid.line.kind else {
            self.error(
                "message.line",
                laid.line.span,
                "消息中只能写 `名称 = 映射(…)`、`名称 = warn \"…\"` 和 `each 组 { }`",
                "a message holds lines `name = map(…)`, `name = warn \"…\"` and `each GROUP { }`",
            );
            return None;
        };
        let [step] = w.target.as_slice() else {
            self.error("message.line", w.target_span, "此处须为一个名称", "one name stands here");
            return None;
        };
        body.scope.loads = Some(Vec::new());
        body.scope.site = laid.site;
        body.scope.target.clone_from(&step.name.text);
        let line = self.new_line(laid.line.span, &body.scope.name.clone(), step.name.text.clone());
        let mut guards = Vec::new();
        for (cond, holds) in laid.guards.iter().copied().chain(w.when.as_ref().map(|c| (c, true))) {
            guards.push(Guard { cond: self.condition(&mut body.scope, cond), holds });
        }
        if let ExprKind::Warn(say) | ExprKind::Reject(say) = &w.value.kind {
            let op = self.say(&mut body.scope, say, matches!(w.value.kind, ExprKind::Reject(_)), w.value.span);
            let loads = body.scope.loads.replace(Vec::new()).unwrap_or_default();
            return Some(Step::Say { op, guards, loads, line });
        }
        let (map, args) = self.message_call(body, w)?;
        let made = body.made.iter_mut().find(|m| m.name == step.name.text && m.path == body.path)?;
        made.done = true;
        let slot = made.slot;
        let loads = body.scope.loads.replace(Vec::new()).unwrap_or_default();
        Some(Step::Make { slot, map: map as u32, args, guards, loads, line })
    }

    fn message_call(&mut self, body: &mut Body<'s>, w: &'s Write) -> Option<(usize, Vec<Source>)> {
        let ExprKind::Call(call) = &w.value.kind else {
            self.error(
                "message.line",
                w.value.span,
                "此处须调用资源映射，如 `pid_patient(PID)`",
                "a resource map is called here, as in `pid_patient(PID)`",
            );
            return None;
        };
        let found = self.src.by_name.get(call.name.text.as_str()).cloned().unwrap_or_default();
        let resource = found.iter().copied().find(|i| self.plan.maps.get(*i).is_some_and(|m| m.makes == Makes::Resource));
        let Some(map) = resource else {
            if found.is_empty() {
                self.unknown_function(&call.name);
            } else {
                let zh = format!("`{}` 得到的不是资源", call.name.text);
                self.error("type.wrong", call.name.span, zh, format!("`{}` makes no resource", call.name.text));
            }
            return None;
        };
        let params = self.plan.maps.get(map).map(|m| m.params.clone()).unwrap_or_default();
        let mut args = Vec::new();
        for (i, param) in params.iter().enumerate() {
            match call.args.get(i) {
                Some(arg) => args.push(self.message_arg(body, map, i, param, arg)),
                None if param.optional => args.push(Source::Value(self.nothing())),
                None => {
                    let zh = format!("`{}` 缺少参数 `{}`", call.name.text, param.name);
                    let en = format!("`{}` lacks the argument `{}`", call.name.text, param.name);
                    self.error("argument.missing", call.name.span, zh, en);
                    args.push(Source::Value(self.nothing()));
                }
            }
        }
        if let Some(extra) = call.args.get(params.len()) {
            let list = params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
            let zh = format!("`{}` 的参数是（{list}）", call.name.text);
            self.error("argument.unknown", extra.value.span, zh, format!("`{}` takes ({list})", call.name.text));
        }
        Some((map, args))
    }

    fn message_arg(&mut self, body: &mut Body<'s>, map: usize, place: usize, param: &crate::plan::Param, arg: &'s Arg) -> Source {
        if let ExprKind::Path(p) = &arg.value.kind
            && p.field.is_none()
            && p.parts.is_empty()
        {
            let name = p.base.text.as_str();
            if is_segment(name) {
                self.check_segment(&p.base);
                if param.segment && param.name != name {
                    let zh = format!("此处的参数是 `{}`", param.name);
                    self.error("argument.segment", p.base.span, zh, format!("the parameter here is `{}`", param.name));
                }
                return Source::Segments(name.as_bytes().try_into().unwrap_or(*b"ZZZ"));
            }
            if name == "none" {
                return Source::Value(self.nothing());
            }
            return self.resource_arg(body, map, place, p.count, &p.base, arg.value.span);
        }
        Source::Value(self.value_arg(body, &arg.value))
    }

    fn value_arg(&mut self, body: &mut Body<'s>, e: &'s Expr) -> u32 {
        self.arg(&mut body.scope, e)
    }

    fn resource_arg(&mut self, body: &Body<'s>, map: usize, place: usize, count: Count, name: &Name, span: Span) -> Source {
        let around = body.made.iter().rev().find(|m| m.name == name.text && body.path.starts_with(&m.path));
        let common = |m: &Made<'_>| m.path.iter().zip(&body.path).take_while(|(a, b)| a == b).count();
        let below = body.made.iter().filter(|m| m.name == name.text).max_by_key(|m| common(m));
        let many = super::scope::many(count);
        let found = if many { below.or(around) } else { around };
        let Some(made) = found else {
            let names: Vec<&str> = body.made.iter().map(|m| m.name).collect();
            let (zh, en, near) = if below.is_some() {
                (
                    format!("`{0}` 在更内层产生；请写 `{0}*`", name.text),
                    format!("`{0}` is made further in; write `{0}*`", name.text),
                    Some(format!("{}*", name.text)),
                )
            } else {
                (
                    format!("此处没有资源 `{}`", name.text),
                    format!("there is no resource `{}` here", name.text),
                    closest(&name.text, names).map(str::to_owned),
                )
            };
            self.fault(Diagnostic::error("name.unknown", span, zh, en).instead(near));
            return Source::Value(self.nothing());
        };
        for by in &made.maps {
            self.resource_args.push(ResourceArg { map, param: place as u16, from: None, made_by: Some(*by) });
        }
        match (many, made.done || made.path != body.path) {
            (true, _) => Source::Resources { slot: made.slot, level: common(made) as u16 },
            (false, true) => Source::Resource(made.slot),
            (false, false) => Source::Ahead { slot: made.slot, step: made.step },
        }
    }
}
