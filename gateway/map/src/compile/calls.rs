//! Calls that write: maps, `ref`, `table`, converting builtins.

use hutong_fhir::definitions::TypeId;

use super::Compiler;
use super::check::ResourceArg;
use super::put::Want;
use super::scope::{Bound, Scope};
use super::target::{Choice, Dest};
use crate::builtins;
use crate::diagnostic::{Diagnostic, Span, closest};
use crate::plan::{Makes, Op, OpId};
use crate::syntax::ast::{Arg, Call, Expr, ExprKind, Name};

impl<'s> Compiler<'s, '_> {
    pub(super) fn put_call(&mut self, scope: &mut Scope<'s>, e: &'s Expr, call: &'s Call, want: &Want) -> OpId {
        match call.name.text.as_str() {
            "ref" => self.put_ref(scope, call, want, e.span),
            "table" => self.put_table(scope, call, want, e.span),
            name if self.src.by_name.contains_key(name) => self.put_map(scope, call, want, e.span),
            name if builtins::find(name).is_some() => self.put_builtin(scope, e, call, want),
            _ => {
                self.unknown_function(&call.name);
                self.nothing()
            }
        }
    }

    pub(super) fn unknown_function(&mut self, name: &Name) {
        let names = self.src.by_name.keys().copied().chain(builtins::names().map(|n| -> &str { n })).chain(["ref", "table"]);
        let near = closest(&name.text, names).map(str::to_owned);
        let zh = format!("没有名为 `{}` 的映射或函数", name.text);
        let en = format!("there is no map or function `{}`", name.text);
        self.fault(Diagnostic::error("function.unknown", name.span, zh, en).instead(near));
    }

    /// Maps of that name whose type the destination takes.
    fn candidates(&self, name: &str, dest: &Dest) -> Vec<(usize, Choice)> {
        let maps = self.src.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let type_of = |i: &usize| self.types.get(*i).copied().flatten();
        let fits = |i: &usize| {
            let t = type_of(i)?;
            dest.choices.iter().find(|c| c.type_id == t).map(|c| (*i, *c))
        };
        maps.iter().filter_map(fits).collect()
    }

    /// A map that would make what the destination takes from a value of that v2 data type.
    pub(super) fn map_for(&self, dest: &Dest, datatype: &str) -> Option<String> {
        let fits = |i: usize| self.types.get(i).copied().flatten().is_some_and(|t| dest.choices.iter().any(|c| c.type_id == t));
        if self.src.by_name.get(datatype).is_some_and(|maps| maps.iter().any(|i| fits(*i))) {
            return Some(datatype.to_owned());
        }
        let any = self.src.maps.iter().enumerate().find(|(i, _)| fits(*i))?;
        any.1.decl.names.first().map(|n| n.text.clone())
    }

    /// Whether all maps of that name make this type.
    pub(super) fn makes_only(&self, name: &str, type_name: &str) -> bool {
        let maps = self.src.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let is = |i: &usize| self.types.get(*i).copied().flatten().is_some_and(|t| self.is_type(t, type_name));
        !maps.is_empty() && maps.iter().all(is)
    }

    fn put_map(&mut self, scope: &mut Scope<'s>, call: &'s Call, want: &Want, span: Span) -> OpId {
        let name = &call.name;
        // of several that fit the one declared first counts; `as Type` says otherwise
        let Some((index, choice)) = self.candidates(&name.text, &want.dest).first().copied() else {
            self.no_candidate(name, want);
            return self.nothing();
        };
        let args = self.args(scope, index, call, span);
        let list = self.list(&args);
        let at = self.at(&want.dest, choice);
        self.op(Op::Make { at, map: index as u32, args: list })
    }

    fn no_candidate(&mut self, name: &Name, want: &Want) {
        let maps = self.src.by_name.get(name.text.as_str()).cloned().unwrap_or_default();
        let made: Vec<&str> = maps.iter().filter_map(|i| self.types.get(*i).copied().flatten()).map(|t| self.type_name(t)).collect();
        let needed: Vec<&str> = want.dest.choices.iter().map(|c| self.type_name(c.type_id)).take(5).collect();
        let (made, needed_list) = (made.join(", "), needed.join(", "));
        let resource = maps.iter().any(|i| self.plan.maps.get(*i).is_some_and(|m| m.makes == Makes::Resource));
        let instead = if resource && needed.contains(&"Reference") { Some(format!("ref({}(…))", name.text)) } else { None };
        let zh = format!("{} 的类型是 {needed_list}，而 `{}` 得到 {made}", want.dest.label, name.text);
        let en = format!("{} is of type {needed_list}, and `{}` makes {made}", want.dest.label, name.text);
        self.fault(Diagnostic::error("type.wrong", name.span, zh, en).instead(instead));
    }

    /// The arguments in the order of the parameters of a map.
    pub(super) fn args(&mut self, scope: &mut Scope<'s>, index: usize, call: &'s Call, span: Span) -> Vec<OpId> {
        if let Some(from) = scope.map {
            self.calls.insert((from, index));
        }
        let params = self.plan.maps.get(index).map(|m| m.params.clone()).unwrap_or_default();
        let mut given: Vec<Option<&'s Arg>> = vec![None; params.len()];
        let mut next = 0;
        for arg in &call.args {
            let place = match &arg.label {
                Some(label) => params.iter().position(|p| p.label.as_deref().unwrap_or(&p.name) == label.text),
                None => {
                    next += 1;
                    (next <= params.len()).then(|| next - 1)
                }
            };
            match place.and_then(|p| given.get_mut(p)) {
                Some(slot) if slot.is_none() => *slot = Some(arg),
                _ => self.wrong_arg(call, arg, &params),
            }
        }
        let mut ops = Vec::new();
        for (param, arg) in params.iter().zip(&given) {
            match arg {
                Some(arg) => {
                    self.note_resource(scope, index, ops.len(), &arg.value);
                    ops.push(self.arg(scope, &arg.value));
                }
                None => {
                    if !param.optional {
                        let what = param.label.as_ref().unwrap_or(&param.name);
                        let zh = format!("`{}` 缺少参数 `{what}`", call.name.text);
                        self.error("argument.missing", span, zh, format!("`{}` lacks the argument `{what}`", call.name.text));
                    }
                    ops.push(self.nothing());
                }
            }
        }
        ops
    }

    fn wrong_arg(&mut self, call: &Call, arg: &Arg, params: &[crate::plan::Param]) {
        let list: Vec<String> = params.iter().map(|p| p.label.as_ref().map_or_else(|| p.name.clone(), |l| format!("{l}:"))).collect();
        let listed = list.join(", ");
        let near = arg.label.as_ref().and_then(|l| closest(&l.text, params.iter().filter_map(|p| p.label.as_deref()))).map(str::to_owned);
        let span = arg.label.as_ref().map_or(arg.value.span, |l| l.span);
        let zh = format!("`{}` 没有这个参数；它的参数是（{listed}）", call.name.text);
        let en = format!("`{}` has no such argument; it takes ({listed})", call.name.text);
        self.fault(Diagnostic::error("argument.unknown", span, zh, en).instead(near));
    }

    /// Remembers a resource that is passed on, to judge the references made from it.
    fn note_resource(&mut self, scope: &Scope<'s>, map: usize, param: usize, e: &Expr) {
        let ExprKind::Path(path) = &e.kind else { return };
        if path.base.text == "self" {
            self.resource_args.push(ResourceArg { map, param: param as u16, from: None, made_by: scope.map });
        }
        if let Some(Bound::Value { slot, .. }) = scope.find(&path.base.text).map(|b| &b.what)
            && path.field.is_none()
            && path.parts.is_empty()
        {
            let from = scope.map.map(|m| (m, *slot));
            self.resource_args.push(ResourceArg { map, param: param as u16, from, made_by: None });
        }
    }

    /// An argument: a value as it is, not its text.
    pub(super) fn arg(&mut self, scope: &mut Scope<'s>, e: &'s Expr) -> OpId {
        if let ExprKind::Path(path) = &e.kind
            && path.field.is_none()
            && path.parts.is_empty()
            && path.select.is_none()
            && scope.find(&path.base.text).is_none()
            && !super::scope::is_segment(&path.base.text)
            && self.src.tables.contains_key(&path.base.text)
        {
            return self.table_op(&path.base);
        }
        self.read(scope, e)
    }

    pub(super) fn table_op(&mut self, name: &Name) -> OpId {
        match self.table(name) {
            Some(id) => self.op(Op::Table(id)),
            None => self.nothing(),
        }
    }

    fn put_ref(&mut self, scope: &mut Scope<'s>, call: &'s Call, want: &Want, span: Span) -> OpId {
        let Some(choice) = self.choice_of(&want.dest, "Reference") else {
            let types: Vec<&str> = want.dest.choices.iter().map(|c| self.type_name(c.type_id)).take(5).collect();
            let list = types.join(", ");
            let zh = format!("{} 的类型是 {list}，不是引用", want.dest.label);
            self.error("type.wrong", span, zh, format!("{} is of type {list}, no reference", want.dest.label));
            return self.nothing();
        };
        let [arg] = call.args.as_slice() else {
            self.error(
                "argument.missing",
                span,
                "`ref` 带一个参数：资源名或资源映射",
                "`ref` takes one argument: the name of a resource, or a map that makes one",
            );
            return self.nothing();
        };
        let target = self.ref_target(scope, &arg.value, choice, &want.dest);
        let at = self.at(&want.dest, choice);
        self.op(Op::Ref { at, target })
    }

    fn ref_target(&mut self, scope: &mut Scope<'s>, e: &'s Expr, choice: Choice, dest: &Dest) -> OpId {
        match &e.kind {
            ExprKind::Call(call) => {
                let maps = self.src.by_name.get(call.name.text.as_str()).cloned().unwrap_or_default();
                let is_resource = |i: &usize| self.plan.maps.get(*i).is_some_and(|m| m.makes == Makes::Resource);
                let Some(index) = maps.iter().copied().find(is_resource) else {
                    if maps.is_empty() {
                        self.unknown_function(&call.name);
                    } else {
                        let zh = format!("`{}` 得到的不是资源，不能引用", call.name.text);
                        self.error("type.wrong", call.name.span, zh, format!("`{}` makes no resource to refer to", call.name.text));
                    }
                    return self.nothing();
                };
                if let Some(Some(t)) = self.types.get(index).copied() {
                    self.check_target(choice, t, dest, call.name.span);
                }
                let args = self.args(scope, index, call, e.span);
                let args = self.list(&args);
                self.op(Op::Call { map: index as u32, args })
            }
            ExprKind::First(list) => {
                let ops: Vec<OpId> = list.iter().map(|e| self.ref_target(scope, e, choice, dest)).collect();
                let list = self.list(&ops);
                self.op(Op::First { list, settles: false })
            }
            ExprKind::Path(path) => {
                if let Some(Bound::Value { slot, .. }) = scope.find(&path.base.text).map(|b| b.what.clone())
                    && let (Some(map), Some(targets)) = (scope.map, choice.targets)
                {
                    self.ref_uses.push(super::check::RefUse { map, slot, targets, span: e.span, label: dest.label.clone() });
                }
                self.read(scope, e)
            }
            _ => {
                self.error(
                    "ref.argument",
                    e.span,
                    "`ref` 的参数是资源名或资源映射",
                    "`ref` takes the name of a resource, or a map that makes one",
                );
                self.nothing()
            }
        }
    }

    pub(super) fn check_target(&mut self, choice: Choice, made: TypeId, dest: &Dest, span: Span) {
        let defs = self.world.defs;
        let Some(targets) = choice.targets else { return };
        if defs.may_target(targets, made) {
            return;
        }
        let allowed = defs.target_names(targets).collect::<Vec<_>>().join(", ");
        let name = defs.get(made).name;
        let zh = format!("{} 不能引用 {name}，只能引用 {allowed}", dest.label);
        self.error("ref.target", span, zh, format!("{} cannot refer to {name}, only to {allowed}", dest.label));
    }

    /// `table(x, NAME)`: both the operation for the source and the one for the table.
    pub(super) fn table_args(&mut self, scope: &mut Scope<'s>, call: &'s Call, span: Span) -> Option<(OpId, OpId)> {
        let [source, name] = call.args.as_slice() else {
            self.error(
                "argument.missing",
                span,
                "`table` 带两个参数：取值和码表名",
                "`table` takes two arguments: a value and the name of a table",
            );
            return None;
        };
        let ExprKind::Path(path) = &name.value.kind else {
            self.error("table.argument", name.value.span, "此处须写码表名", "the name of a table stands here");
            return None;
        };
        let arg = self.read(scope, &source.value);
        let table = match scope.find(&path.base.text).map(|b| b.what.clone()) {
            Some(Bound::Value { slot, .. }) => self.op(Op::Slot { slot }),
            _ => self.table_op(&path.base),
        };
        Some((arg, table))
    }

    fn put_table(&mut self, scope: &mut Scope<'s>, call: &'s Call, want: &Want, span: Span) -> OpId {
        let Some((arg, table)) = self.table_args(scope, call, span) else { return self.nothing() };
        let known = match self.plan.op(table) {
            Op::Table(id) => self.plan.tables.get(id as usize).cloned(),
            _ => None,
        };
        let dest = &want.dest;
        let boolean = self.choice_of(dest, "boolean").filter(|_| known.as_ref().is_some_and(|t| t.is_boolean()));
        let plain = known.as_ref().is_some_and(|t| !t.has_systems());
        let order: &[&str] =
            if plain { &["code", "string", "CodeableConcept", "Coding"] } else { &["CodeableConcept", "Coding", "code", "string"] };
        let wanted = boolean.or_else(|| dest.single()).or_else(|| order.iter().find_map(|t| self.choice_of(dest, t)));
        let Some(choice) = wanted else {
            let types: Vec<&str> = dest.choices.iter().map(|c| self.type_name(c.type_id)).take(5).collect();
            let list = types.join(", ");
            let zh = format!("{} 的类型是 {list}，不能由码表得到", dest.label);
            self.error("type.wrong", span, zh, format!("{} is of type {list}: a table cannot give that", dest.label));
            return self.nothing();
        };
        let at = self.at(dest, choice);
        if let Some(to) = self.primitive(choice) {
            if let Some(known) = known.filter(|_| to == hutong_fhir::primitive::Primitive::Code) {
                for row in known.rows.iter().filter(|r| !r.target.is_empty()) {
                    self.check_code(dest, &row.target, row.span);
                }
            }
            let look = self.op(Op::Look { arg, table });
            return self.prim(&want.dest, choice, to, look, false);
        }
        let concept = self.is_type(choice.type_id, "CodeableConcept");
        if !concept && !self.is_type(choice.type_id, "Coding") {
            let name = self.type_name(choice.type_id);
            let zh = format!("{} 的类型是 {name}，不能由码表得到", dest.label);
            self.error("type.wrong", span, zh, format!("{} is of type {name}: a table cannot give that", dest.label));
            return self.nothing();
        }
        self.op(Op::Coded { at, concept, arg, table })
    }
}
