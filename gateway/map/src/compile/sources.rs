//! The files that count for a set of sites, with their overlays laid over the common maps and messages.

use hutong_fhir::definitions::Definitions;
use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Span, closest};
use crate::syntax::ast::{Cond, Decl, ExtendDecl, Line, LineKind, MapDecl, MessageDecl, Step, Write};
use crate::table::Table;

/// A parsed file.
pub(crate) struct Parsed {
    /// The site whose file it is; `None`: everyone's.
    pub site: Option<String>,
    pub decls: Vec<Decl>,
}

/// A table file.
pub(crate) struct ParsedTable {
    pub site: Option<String>,
    pub table: Table,
}

/// A line with the conditions that overlays put on it.
#[derive(Clone)]
pub(crate) struct Laid<'a> {
    pub line: &'a Line,
    pub guards: Vec<(&'a Cond, bool)>,
    /// Stands in a site's file.
    pub site: bool,
    /// The `extend` that brought it: its lines do not replace one another.
    layer: usize,
}

impl<'a> Laid<'a> {
    pub(crate) fn plain(line: &'a Line, site: bool) -> Laid<'a> {
        Laid { line, guards: Vec::new(), site, layer: 0 }
    }
}

pub(crate) struct MapSource<'a> {
    pub decl: &'a MapDecl,
    pub lines: Vec<Laid<'a>>,
    pub site: bool,
}

/// A message type with its lines.
pub(crate) struct MessageSource<'a> {
    pub name: &'a str,
    pub span: Span,
    /// All types of the declaration.
    pub types: &'a [crate::syntax::ast::Name],
    pub body: Vec<MessageLine<'a>>,
}

#[derive(Clone)]
pub(crate) enum MessageLine<'a> {
    Line(Laid<'a>),
    Each { group: &'a crate::syntax::ast::Name, body: Vec<MessageLine<'a>> },
}

pub(crate) struct Sources<'a> {
    pub maps: Vec<MapSource<'a>>,
    pub by_name: HashMap<&'a str, Vec<usize>>,
    pub messages: Vec<MessageSource<'a>>,
    pub absent: Vec<(String, String)>,
    pub tables: HashMap<String, Arc<Table>>,
    pub faults: Vec<Diagnostic>,
}

/// Picks the files of `sites` (later ones win) and lays them over the common ones.
pub(crate) fn collect<'a>(files: &'a [Parsed], tables: &[ParsedTable], sites: &[String]) -> Sources<'a> {
    let mut out = Sources {
        maps: Vec::new(),
        by_name: HashMap::new(),
        messages: Vec::new(),
        absent: Vec::new(),
        tables: HashMap::new(),
        faults: Vec::new(),
    };
    let layers = std::iter::once(None).chain(sites.iter().map(|s| Some(s.as_str())));
    for layer in layers {
        let of_layer = |site: &Option<String>| site.as_deref() == layer;
        for t in tables.iter().filter(|t| of_layer(&t.site)) {
            let entry = out.tables.entry(t.table.name.clone()).or_default();
            let mut table = Table::clone(entry);
            table.name.clone_from(&t.table.name);
            table.add(&t.table);
            *entry = Arc::new(table);
        }
        let decls = || files.iter().filter(|f| of_layer(&f.site)).flat_map(|f| &f.decls);
        for decl in decls() {
            match decl {
                Decl::Map(m) => out.add_map(m, layer.is_some()),
                Decl::Message(m) => out.add_message(m),
                Decl::Absent(a) => {
                    for v in &a.values {
                        out.absent.retain(|(text, _)| *text != v.text);
                        out.absent.push((v.text.clone(), a.reason.text.clone()));
                    }
                }
                Decl::Extend(_) => {}
            }
        }
        for decl in decls() {
            if let Decl::Extend(e) = decl {
                out.extend(e, layer.is_some());
            }
        }
    }
    out
}

impl<'a> Sources<'a> {
    fn add_map(&mut self, decl: &'a MapDecl, site: bool) {
        for name in &decl.names {
            let same = self.by_name.entry(name.text.as_str()).or_default();
            let other = same.iter().filter_map(|i| self.maps.get(*i)).find(|m| m.decl.target.text == decl.target.text);
            if let Some(other) = other {
                let zh = format!("映射 `{}` -> {} 已经存在；要改动它请用 `extend`", name.text, decl.target.text);
                let en = format!("there is a map `{}` to {} already; use `extend` to change it", name.text, decl.target.text);
                self.faults.push(Diagnostic::error("map.twice", name.span, zh, en).other(other.decl.span));
            }
            same.push(self.maps.len());
        }
        let lines = decl.body.iter().map(|line| Laid::plain(line, site)).collect();
        self.maps.push(MapSource { decl, lines, site });
    }

    fn add_message(&mut self, decl: &'a MessageDecl) {
        for name in &decl.types {
            if let Some(other) = self.messages.iter().find(|m| m.name == name.text) {
                let zh = format!("消息 `{}` 已经声明；要改动它请用 `extend`", name.text);
                let en = format!("the message `{}` is declared already; use `extend` to change it", name.text);
                self.faults.push(Diagnostic::error("message.twice", name.span, zh, en).other(other.span));
                continue;
            }
            let body = message_lines(&decl.body, &[], false);
            self.messages.push(MessageSource { name: &name.text, span: name.span, types: &decl.types, body });
        }
    }

    fn extend(&mut self, e: &'a ExtendDecl, site: bool) {
        if e.name.text == "every" {
            let resources = Definitions::r4();
            let wanted = e.target.as_ref().map(|t| t.text.as_str());
            let is_meant = |m: &&mut MapSource<'_>| {
                wanted.is_none_or(|w| w == m.decl.target.text) && resources.resource_types().any(|r| r == m.decl.target.text)
            };
            self.maps.iter_mut().filter(is_meant).for_each(|m| lay_over(&mut m.lines, e, site));
            return;
        }
        let wanted = e.target.as_ref().map(|t| t.text.as_str());
        let of_name: Vec<usize> = self.by_name.get(e.name.text.as_str()).cloned().unwrap_or_default();
        let found: Vec<usize> =
            of_name.iter().copied().filter(|i| wanted.is_none_or(|w| self.maps.get(*i).is_some_and(|m| m.decl.target.text == w))).collect();
        if found.len() > 1 {
            let types: Vec<&str> = found.iter().filter_map(|i| self.maps.get(*i)).map(|m| m.decl.target.text.as_str()).collect();
            let list = types.join(", ");
            let zh = format!("`{}` 有多个映射（{list}）；请写明 `extend {} -> 类型`", e.name.text, e.name.text);
            let en = format!("`{}` has several maps ({list}); say which: `extend {} -> Type`", e.name.text, e.name.text);
            self.faults.push(Diagnostic::error("extend.ambiguous", e.name.span, zh, en));
            return;
        }
        if let Some(map) = found.first().and_then(|i| self.maps.get_mut(*i)) {
            lay_over(&mut map.lines, e, site);
            return;
        }
        if let Some(message) = self.messages.iter_mut().find(|m| m.name == e.name.text) {
            let conds: Vec<(&Cond, bool)> = e.when.iter().map(|c| (c, true)).collect();
            let over = message_lines(&e.body, &conds, site);
            lay_over_message(&mut message.body, over, e.when.as_ref());
            return;
        }
        let names = self.by_name.keys().copied().chain(self.messages.iter().map(|m| m.name));
        let near = closest(&e.name.text, names).map(str::to_owned);
        let zh = format!("没有名为 `{}` 的映射或消息", e.name.text);
        let en = format!("there is no map or message `{}`", e.name.text);
        self.faults.push(Diagnostic::error("extend.unknown", e.name.span, zh, en).instead(near));
    }
}

/// A line of an overlay takes the place of lines with the same target or below it.
fn lay_over<'a>(lines: &mut Vec<Laid<'a>>, e: &'a ExtendDecl, site: bool) {
    let layer = e.span.start as usize + 1 + ((e.span.file as usize + 1) << 32);
    for line in &e.body {
        let mut place = lines.len();
        let mut i = 0;
        while let Some(old) = lines.get_mut(i) {
            if old.layer != layer && replaces(&line.kind, &old.line.kind) {
                place = place.min(i);
                match &e.when {
                    Some(cond) => old.guards.push((cond, false)),
                    None => {
                        lines.remove(i);
                        continue;
                    }
                }
            }
            i += 1;
        }
        if !takes_away(&line.kind) {
            let guards = e.when.iter().map(|c| (c, true)).collect();
            lines.insert(place.min(lines.len()), Laid { line, guards, site, layer });
        }
    }
}

fn takes_away(kind: &LineKind) -> bool {
    matches!(kind, LineKind::Write(Write { value: crate::syntax::ast::Expr { kind: crate::syntax::ast::ExprKind::Nothing, .. }, .. }))
}

fn replaces(new: &LineKind, old: &LineKind) -> bool {
    match (new, old) {
        (LineKind::Let { name: a, .. }, LineKind::Let { name: b, .. }) => a.text == b.text,
        (LineKind::Write(a), LineKind::Write(b)) => {
            a.target.len() <= b.target.len() && a.target.iter().zip(&b.target).all(|(x, y)| same_step(x, y))
        }
        _ => false,
    }
}

pub(crate) fn same_step(a: &Step, b: &Step) -> bool {
    let text = |n: &Option<crate::syntax::ast::Name>| n.as_ref().map(|n| n.text.clone());
    a.name.text == b.name.text && text(&a.slice) == text(&b.slice) && text(&a.url) == text(&b.url)
}

fn message_lines<'a>(body: &'a [Line], guards: &[(&'a Cond, bool)], site: bool) -> Vec<MessageLine<'a>> {
    let one = |line: &'a Line| match &line.kind {
        LineKind::Each { group, body } => MessageLine::Each { group, body: message_lines(body, guards, site) },
        _ => MessageLine::Line(Laid { line, guards: guards.to_vec(), site, layer: 0 }),
    };
    body.iter().map(one).collect()
}

fn lay_over_message<'a>(base: &mut Vec<MessageLine<'a>>, over: Vec<MessageLine<'a>>, when: Option<&'a Cond>) {
    for new in over {
        match new {
            MessageLine::Each { group, body } => {
                let same = base.iter_mut().find_map(|b| match b {
                    MessageLine::Each { group: g, body } if g.text == group.text => Some(body),
                    _ => None,
                });
                match same {
                    Some(old) => lay_over_message(old, body, when),
                    None => base.push(MessageLine::Each { group, body }),
                }
            }
            MessageLine::Line(new) => {
                let mut place = base.len();
                let mut i = 0;
                while let Some(old) = base.get_mut(i) {
                    if let MessageLine::Line(old) = old
                        && replaces(&new.line.kind, &old.line.kind)
                    {
                        place = place.min(i);
                        match when {
                            Some(cond) => old.guards.push((cond, false)),
                            None => {
                                base.remove(i);
                                continue;
                            }
                        }
                    }
                    i += 1;
                }
                if !takes_away(&new.line.kind) {
                    base.insert(place.min(base.len()), MessageLine::Line(new));
                }
            }
        }
    }
}
