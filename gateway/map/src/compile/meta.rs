//! Lines that write no element: `identity`, `display`, `update`, `guide`.

use super::Compiler;
use super::block::Spec;
use super::scope::Scope;
use crate::plan::{Makes, OpId};
use crate::syntax::ast::{Expr, ExprKind};

impl<'s> Compiler<'s, '_> {
    /// Takes a line that says something about its map; false where it writes an element.
    pub(super) fn meta(&mut self, scope: &mut Scope<'s>, map: usize, makes: Makes, spec: &Spec<'s>) -> bool {
        let [step] = spec.steps else { return false };
        if step.slice.is_some() || step.url.is_some() {
            return false;
        }
        let resource = makes == Makes::Resource;
        match step.name.text.as_str() {
            "guide" => {
                if !matches!(spec.value.kind, ExprKind::Text(_)) {
                    self.error("guide.text", spec.value.span, "`guide` 须为带引号的文本", "`guide` is a quoted text");
                }
            }
            "identity" if resource => {
                let identity = self.identity(scope, spec.value);
                let guards: Vec<_> = spec.guards.clone();
                if let Some(m) = self.plan.maps.get_mut(map) {
                    // an overlay under a condition: its alternatives are tried first, only where the condition holds
                    let mut guarded = identity;
                    for alternative in &mut guarded {
                        alternative.guards.clone_from(&guards);
                    }
                    m.identity.extend(guarded);
                }
            }
            "display" if resource => {
                let mut op = self.read(scope, spec.value);
                for g in &spec.guards {
                    let cond = if g.holds { g.cond } else { self.cond(crate::plan::Cond::Not(g.cond)) };
                    op = self.op(crate::plan::Op::When { cond, op });
                }
                let before = self.plan.maps.get(map).map_or(crate::plan::NONE, |m| m.display);
                if before != crate::plan::NONE {
                    let list = self.list(&[before, op]);
                    op = self.op(crate::plan::Op::First { list, settles: false });
                }
                if let Some(m) = self.plan.maps.get_mut(map) {
                    m.display = op;
                }
            }
            "update" if resource => match &spec.value.kind {
                ExprKind::Path(p) if matches!(p.base.text.as_str(), "merge" | "replace") => {
                    if let Some(m) = self.plan.maps.get_mut(map) {
                        m.merge = p.base.text == "merge";
                    }
                }
                _ => self.error("update.value", spec.value.span, "`update` 只能是 merge 或 replace", "`update` is merge or replace"),
            },
            _ => return false,
        }
        true
    }

    fn identity(&mut self, scope: &mut Scope<'s>, e: &'s Expr) -> Vec<crate::plan::Identity> {
        let alternatives: Vec<&'s Expr> = match &e.kind {
            ExprKind::First(list) => list.iter().collect(),
            ExprKind::Nothing => return Vec::new(),
            _ => vec![e],
        };
        let mut out = Vec::new();
        for a in alternatives {
            let parts: Vec<OpId> = match &a.kind {
                ExprKind::Tuple(list) => list.iter().map(|e| self.read(scope, e)).collect(),
                _ => vec![self.read(scope, a)],
            };
            if parts.len() > crate::run::IDENTITY_MAX {
                let most = crate::run::IDENTITY_MAX;
                self.error(
                    "identity.parts",
                    a.span,
                    format!("`identity` 的元组最多 {most} 项"),
                    format!("a tuple of an `identity` has {most} parts at most"),
                );
            }
            out.push(crate::plan::Identity { needs: crate::plan::Needs::always(), guards: Vec::new(), parts });
        }
        out
    }
}
