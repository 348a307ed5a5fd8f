//! The lines of a map or a `{ }` to a block: lines that share a parent under one entry, in the order of R4.

use hutong_fhir::definitions::{Strength, TypeId, TypeKind};

use super::Compiler;
use super::put::Want;
use super::scope::{Binding, Bound, LetPart, Scope};
use super::sources::{Laid, same_step};
use super::target::{Choice, Dest};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{self, At, Block, BlockId, Entry, Guard, LineId, NONE, Op, Whole};
use crate::syntax::ast::{Expr, LineKind, Step, Write};

/// A line on its way into a block: the steps of its target that are left.
#[derive(Clone)]
pub(super) struct Spec<'s> {
    pub steps: &'s [Step],
    pub write: &'s Write,
    pub value: &'s Expr,
    pub line: LineId,
    pub guards: Vec<Guard>,
    pub site: bool,
    pub keep: bool,
}

impl<'s> Compiler<'s, '_> {
    /// Lines as they stand in a `{ }`, with their lets brought into scope.
    pub(super) fn specs(&mut self, scope: &mut Scope<'s>, lines: &[Laid<'s>]) -> Vec<Spec<'s>> {
        self.lets(scope, lines);
        let mut specs = Vec::new();
        for laid in lines {
            let LineKind::Write(w) = &laid.line.kind else { continue };
            let target: Vec<String> = w.target.iter().map(Step::text).collect();
            scope.target = target.join(".");
            scope.site = laid.site;
            let line = self.new_line(laid.line.span, &scope.name, scope.target.clone());
            let mut guards: Vec<Guard> = Vec::new();
            for (cond, holds) in &laid.guards {
                guards.push(Guard { cond: self.condition(scope, cond), holds: *holds });
            }
            if let Some(cond) = w.when.as_ref().filter(|_| !w.when_inner) {
                guards.push(Guard { cond: self.condition(scope, cond), holds: true });
            }
            specs.push(Spec { steps: &w.target, write: w, value: &w.value, line, guards, site: laid.site, keep: w.keep });
        }
        specs
    }

    fn lets(&mut self, scope: &mut Scope<'s>, lines: &[Laid<'s>]) {
        for laid in lines {
            let LineKind::Let { name, value, when } = &laid.line.kind else { continue };
            scope.site = laid.site;
            let mut guards = Vec::new();
            for (cond, holds) in &laid.guards {
                guards.push(Guard { cond: self.condition(scope, cond), holds: *holds });
            }
            let part = LetPart { value, when: when.as_ref(), guards };
            let sees = scope.bindings.len();
            let before = scope.bindings.iter_mut().rev().find(|b| b.name == name.text);
            match before {
                Some(Binding { what: Bound::Let { parts, .. }, .. }) if !laid.guards.is_empty() => parts.push(part),
                Some(_) => {
                    let zh = format!("名称 `{}` 已被使用", name.text);
                    self.error("name.twice", name.span, zh, format!("the name `{}` is taken", name.text));
                }
                None => scope.bindings.push(Binding { name: &name.text, what: Bound::Let { parts: vec![part], sees } }),
            }
        }
    }

    /// One block for lines that write elements of `type_id`. `url`: what stands in the element `url` of an extension.
    pub(super) fn block(&mut self, scope: &mut Scope<'s>, specs: &[Spec<'s>], type_id: TypeId, url: Option<&str>) -> BlockId {
        let mut groups: Vec<Vec<&Spec<'s>>> = Vec::new();
        for spec in specs {
            let Some(head) = spec.steps.first() else { continue };
            let same = groups.iter_mut().find(|g| g.first().and_then(|s| s.steps.first()).is_some_and(|s| same_step(s, head)));
            match same {
                Some(group) => group.push(spec),
                None => groups.push(vec![spec]),
            }
        }
        let mut entries: Vec<(u8, Entry)> = Vec::new();
        if let Some(url) = url {
            entries.extend(self.url_entry(type_id, url, specs.first().map(|s| s.line)));
        }
        for group in &groups {
            entries.extend(self.entry(scope, group, type_id, url));
        }
        entries.sort_by_key(|(place, _)| *place);
        let constant = entries.iter().all(|(_, e)| e.constant);
        let entries = entries.into_iter().map(|(_, e)| e).collect();
        self.plan.blocks.push(Block { entries, constant, type_id });
        (self.plan.blocks.len() - 1) as BlockId
    }

    pub(super) fn url_entry(&mut self, type_id: TypeId, url: &str, line: Option<LineId>) -> Option<(u8, Entry)> {
        let key = hutong_fhir::Key::known("url")?;
        let property = self.world.defs.property(type_id, key)?;
        let place = self.world.defs.element(property.element).place;
        let text = self.text(url.rsplit('#').next().unwrap_or(url));
        let at = At::Own(key, false);
        let op = self.op(Op::Fixed { at, kind: hutong_fhir::Kind::String, text });
        let line = line.unwrap_or(LineId(0));
        let whole = Whole { line, guards: Vec::new(), op, all: false, required: false, constant: true };
        Some((
            place,
            Entry {
                whole: vec![whole],
                below: NONE,
                at,
                primitive: true,
                line,
                keys: vec![key],
                constant: true,
                keep: false,
                may_lack: false,
                needs: crate::plan::Needs::default(),
                simple: None,
            },
        ))
    }

    fn entry(&mut self, scope: &mut Scope<'s>, group: &[&Spec<'s>], type_id: TypeId, url: Option<&str>) -> Option<(u8, Entry)> {
        let head = group.first()?;
        let step = head.steps.first()?;
        let mut dest = self.dest(type_id, step, url)?;
        let below: Vec<Spec<'s>> =
            group.iter().filter(|s| s.steps.len() > 1).map(|s| Spec { steps: s.steps.get(1..).unwrap_or(&[]), ..(*s).clone() }).collect();
        let whole: Vec<&&Spec<'s>> = group.iter().filter(|s| s.steps.len() == 1).collect();
        self.check_twice(&whole);
        let mut entry = Entry {
            whole: Vec::new(),
            below: NONE,
            at: At::Caller,
            primitive: false,
            line: head.line,
            keys: dest.choices.iter().map(|c| c.key).collect(),
            constant: true,
            keep: head.keep,
            may_lack: self.may_lack(&dest),
            needs: crate::plan::Needs::default(),
            simple: None,
        };
        let extension = step.url.is_some();
        for spec in &whole {
            let whole = self.whole(scope, spec, &mut dest.clone(), extension, &mut entry.constant);
            entry.whole.push(whole);
        }
        let inner_url = if extension { dest.url.clone() } else { None };
        if !below.is_empty() || (extension && !whole.is_empty() && self.needs_url(&entry.whole)) {
            let names: Vec<&Step> = below.iter().filter_map(|s| s.steps.first()).collect();
            let choice = if whole.is_empty() {
                self.narrow(&mut dest, &names, false)?
            } else {
                self.narrow(&mut dest, &names, true).or(dest.choices.first().copied())?
            };
            entry.primitive = matches!(self.world.defs.get(choice.type_id).kind, TypeKind::Primitive(_));
            entry.below = self.block(scope, &below, choice.type_id, inner_url.as_deref());
            if whole.is_empty() && !entry.primitive {
                let span = head.write.target_span;
                self.check_complete(entry.below, span);
            }
            entry.at = At::Own(choice.key, dest.list);
            let constant = self.plan.blocks.get(entry.below as usize).is_none_or(|b| b.constant);
            entry.constant &= constant;
        }
        entry.constant &= below.iter().all(|s| s.guards.is_empty());
        Some((dest.place, entry))
    }

    /// Whether R4 takes the element with nothing but the reason for which it has no value: not where a code is required,
    /// not a backbone element (its own required elements would be missing), and an identifier without a number is none.
    fn may_lack(&self, dest: &Dest) -> bool {
        let required = dest.binding.is_some_and(|b| b.strength == Strength::Required);
        let whole = |c: &Choice| {
            let kind = self.world.defs.get(c.type_id);
            kind.path.is_empty() && kind.name != "Identifier"
        };
        !required && dest.choices.iter().all(whole)
    }

    /// An extension made by a map, an `each` or a `{ }` gets its url from a block laid over it.
    fn needs_url(&self, whole: &[Whole]) -> bool {
        whole.iter().any(|w| self.makes_extension(w.op))
    }

    fn makes_extension(&self, op: u32) -> bool {
        match self.plan.op(op) {
            Op::Make { .. } => true,
            Op::First { list, .. } => self.plan.list(list).iter().any(|o| self.makes_extension(*o)),
            Op::When { op, .. } => self.makes_extension(op),
            _ => false,
        }
    }

    /// Says where an element is written by two lines that can both count.
    fn check_twice(&mut self, whole: &[&&Spec<'s>]) {
        for (i, a) in whole.iter().enumerate() {
            for b in whole.get(i + 1..).unwrap_or(&[]) {
                let apart = a.guards.iter().any(|g| b.guards.iter().any(|h| g.cond == h.cond && g.holds != h.holds))
                    || a.guards.iter().any(|g| !g.holds)
                    || b.guards.iter().any(|g| !g.holds);
                if apart {
                    continue;
                }
                let first: Span = a.write.target_span;
                let name = a.write.target.iter().map(Step::text).collect::<Vec<_>>().join(".");
                let zh = format!("元素 `{name}` 写了两次；列表的多行请各起切片名，如 `{name}:another`");
                let en = format!("`{name}` is written twice; lines of a list get a name each, as in `{name}:another`");
                self.fault(Diagnostic::error("target.twice", b.write.target_span, zh, en).other(first));
            }
        }
    }

    fn whole(&mut self, scope: &mut Scope<'s>, spec: &Spec<'s>, dest: &mut Dest, extension: bool, constant: &mut bool) -> Whole {
        let w = spec.write;
        scope.site = spec.site;
        scope.target = w.target.iter().map(Step::text).collect::<Vec<_>>().join(".");
        if w.add && !dest.list {
            let zh = format!("{} 不是列表；请用 `=`", dest.label);
            let d = Diagnostic::error("target.list", w.target_span, zh, format!("{} is no list; use `=`", dest.label));
            self.fault(d.instead(Some(format!("{} =", scope.target))));
        }
        let want = Want { dest: dest.clone(), extension, all: w.add };
        let mut op = self.put(scope, spec.value, &want);
        if let Some(cond) = w.when.as_ref().filter(|_| w.when_inner) {
            let cond = self.condition(scope, cond);
            op = self.op(Op::When { cond, op });
        }
        if let Some(otherwise) = &w.otherwise {
            let other = self.put(scope, otherwise, &want);
            let list = self.list(&[op, other]);
            op = self.op(Op::First { list, settles: true });
        }
        let literal = spec.guards.is_empty() && self.is_constant(op);
        *constant &= literal;
        Whole { line: spec.line, guards: spec.guards.clone(), op, all: w.add, required: w.required.is_some(), constant: literal }
    }

    pub(super) fn is_constant(&self, op: u32) -> bool {
        match self.plan.op(op) {
            Op::Fixed { .. } => true,
            Op::Block { block, .. } => self.plan.blocks.get(block as usize).is_some_and(|b| b.constant),
            _ => false,
        }
    }

    /// Lines of a map: those that write elements, and those that say something about the map.
    pub(super) fn map(&mut self, index: usize) {
        let src = self.src;
        let Some(source) = src.maps.get(index) else { return };
        let Some(Some(type_id)) = self.types.get(index).copied() else { return };
        let decl = source.decl;
        let name = self.plan.maps.get(index).map(|m| m.name.clone()).unwrap_or_default();
        let mut scope = Scope {
            map: Some(index),
            name,
            bindings: Vec::new(),
            slots: 0,
            site: source.site,
            depth: 0,
            loads: None,
            replaced: Vec::new(),
            own: None,
            target: String::new(),
        };
        self.params(&mut scope, decl);
        let specs = self.specs(&mut scope, &source.lines);
        let makes = self.plan.maps.get(index).map_or(plan::Makes::Element, |m| m.makes);
        let mut rest = Vec::new();
        for spec in specs {
            if !self.meta(&mut scope, index, makes, &spec) {
                rest.push(spec);
            }
        }
        let (base, rest): (Vec<Spec<'s>>, Vec<Spec<'s>>) =
            rest.into_iter().partition(|s| s.steps.first().is_some_and(|s| s.name.text == "$"));
        let base = if makes == plan::Makes::Element { self.base(&mut scope, &base, type_id) } else { NONE };
        let block = if makes == plan::Makes::Primitive {
            self.primitive_block(&mut scope, &rest, type_id)
        } else {
            self.block(&mut scope, &rest, type_id, None)
        };
        let made = makes == plan::Makes::Resource && self.plan.maps.get(index).is_some_and(|m| !m.identity.is_empty());
        // an extension gets its url where it is written
        let extension = self.type_name(type_id) == "Extension";
        if made || makes == plan::Makes::Element && base == NONE && !extension {
            self.check_complete(block, decl.span);
        }
        if let Some(map) = self.plan.maps.get_mut(index) {
            map.block = block;
            map.base = base;
            map.own = scope.own;
            map.slots = scope.slots;
            let taken_away = decl.body.iter().any(is_identity);
            if makes == plan::Makes::Resource && map.identity.is_empty() && !taken_away {
                let zh = format!("映射 `{}` 没有 `identity` 行：同一资源再次到达时无从识别", map.name);
                let en = format!("the map `{}` has no `identity` line: nothing says what makes it the same thing again", map.name);
                self.faults.push(Diagnostic::error("map.identity", decl.span, zh, en));
            }
        }
    }

    /// `$ = …` of a datatype map.
    fn base(&mut self, scope: &mut Scope<'s>, specs: &[Spec<'s>], type_id: TypeId) -> u32 {
        let [spec] = specs else {
            if let Some(second) = specs.get(1) {
                self.error("target.twice", second.write.target_span, "`$` 只能写一行", "`$` is written once");
            }
            return NONE;
        };
        let choice = super::target::Choice { key: hutong_fhir::Key::of("value"), type_id, targets: None };
        let label = self.type_name(type_id).to_owned();
        let dest = Dest { choices: vec![choice], list: true, binding: None, place: 0, label, url: None, caller: true };
        let mut constant = false;
        self.whole(scope, spec, &mut dest.clone(), false, &mut constant).op
    }

    fn params(&mut self, scope: &mut Scope<'s>, decl: &'s crate::syntax::ast::MapDecl) {
        // a datatype map is named as the v2 types it reads
        let datatype = decl.names.iter().map(|n| n.text.as_str()).find(|n| self.world.v2.is_datatype(n));
        for (i, p) in decl.params.iter().enumerate() {
            let slot = scope.new_slot();
            if scope.find(&p.name.text).is_some() {
                let zh = format!("参数 `{}` 出现两次", p.name.text);
                self.error("name.twice", p.name.span, zh, format!("the parameter `{}` stands twice", p.name.text));
            }
            let what = if super::scope::is_segment(&p.name.text) {
                self.check_segment(&p.name);
                Bound::Segment { slot, segment: p.name.text.clone() }
            } else {
                let known = datatype.filter(|_| i == 0 && decl.params.len() - i >= 1);
                Bound::Value { slot, datatype: known.map(str::to_owned) }
            };
            scope.bindings.push(Binding { name: &p.name.text, what });
        }
    }

    /// A map to a primitive type: its one line writes where the map is called.
    fn primitive_block(&mut self, scope: &mut Scope<'s>, specs: &[Spec<'s>], type_id: TypeId) -> BlockId {
        let mut entries = Vec::new();
        for spec in specs {
            let name = spec.steps.first().map_or("", |s| s.name.text.as_str());
            if spec.steps.len() != 1 || name != "value" {
                let zh = "简单类型的映射只有 `value` 一个目标";
                self.error("target.primitive", spec.write.target_span, zh, "in a map to a primitive type the only target is `value`");
                continue;
            }
            let key = hutong_fhir::Key::of("value");
            let choice = super::target::Choice { key, type_id, targets: None };
            let mut dest = Dest {
                choices: vec![choice],
                list: true,
                binding: None,
                place: 0,
                label: self.type_name(type_id).to_owned(),
                url: None,
                caller: true,
            };
            let mut constant = false;
            let whole = self.whole(scope, spec, &mut dest, false, &mut constant);
            entries.push(Entry {
                whole: vec![whole],
                below: NONE,
                at: At::Caller,
                primitive: true,
                line: spec.line,
                keys: Vec::new(),
                constant: false,
                keep: false,
                may_lack: false,
                needs: crate::plan::Needs::default(),
                simple: None,
            });
        }
        self.plan.blocks.push(Block { entries, constant: false, type_id });
        (self.plan.blocks.len() - 1) as BlockId
    }
}

fn is_identity(line: &crate::syntax::ast::Line) -> bool {
    super::put::write_of(line).and_then(|w| w.target.first()).is_some_and(|s| s.name.text == "identity")
}
