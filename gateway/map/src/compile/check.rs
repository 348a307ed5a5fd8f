//! What can be judged only when all maps are known: recursion, and references to resources that come as parameters.

use hutong_fhir::definitions::{TargetsId, TypeId};
use std::collections::HashSet;

use hutong_fhir::Key;

use super::Compiler;
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::BlockId;

/// A resource passed to a parameter of a map.
pub(crate) struct ResourceArg {
    pub map: usize,
    pub param: u16,
    /// Passed on from this parameter (slot) of that map.
    pub from: Option<(usize, u16)>,
    /// Made by this map, in a message.
    pub made_by: Option<usize>,
}

/// `ref(x)` where `x` is a parameter.
pub(crate) struct RefUse {
    pub map: usize,
    pub slot: u16,
    pub targets: TargetsId,
    pub span: Span,
    pub label: String,
}

impl Compiler<'_, '_> {
    /// Says which elements that R4 demands no line of a block writes. Whether a line always has a value is another
    /// matter, and the message's.
    pub(super) fn check_complete(&mut self, block: BlockId, span: Span) {
        let Some(b) = self.plan.blocks.get(block as usize) else { return };
        let defs = self.world.defs;
        let written: Vec<Key> = b.entries.iter().flat_map(|e| e.keys.clone()).collect();
        let own = defs.get(b.type_id);
        let path = if own.path.is_empty() { own.name.to_owned() } else { format!("{}.{}", own.name, own.path) };
        let demanded = defs.elements(b.type_id).filter(|(_, e)| e.min > 0);
        let missing: Vec<&str> = demanded
            .filter(|(_, e)| !defs.properties(e).iter().any(|p| written.contains(&p.key)))
            .map(|(_, e)| e.name().trim_end_matches("[x]"))
            .collect();
        for name in missing {
            let zh = format!("{path} 的必需元素 `{name}` 没有任何一行写入");
            self.error("element.missing", span, zh, format!("{path} must have `{name}`, and no line writes it"));
        }
    }

    /// A map that calls itself, directly or through others, would not end.
    pub(super) fn check_recursion(&mut self) {
        let count = self.src.maps.len();
        let mut state = vec![0u8; count];
        for start in 0..count {
            self.visit(start, &mut state, 0);
        }
    }

    fn visit(&mut self, map: usize, state: &mut Vec<u8>, depth: usize) {
        // a chain of maps longer than this is a cycle or unreadable
        const DEPTH_MAX: usize = 32;
        match state.get(map).copied() {
            Some(0) if depth <= DEPTH_MAX => {}
            Some(2) | None => return,
            _ => {
                if let Some(source) = self.src.maps.get(map) {
                    let name = source.decl.names.first().map_or("", |n| n.text.as_str());
                    let zh = format!("映射 `{name}` 最终调用了自己");
                    self.faults.push(Diagnostic::error(
                        "map.recursion",
                        source.decl.span,
                        zh,
                        format!("the map `{name}` ends up calling itself"),
                    ));
                }
                return;
            }
        }
        if let Some(s) = state.get_mut(map) {
            *s = 1;
        }
        let next: Vec<usize> = self.calls.iter().filter(|(from, _)| *from == map).map(|(_, to)| *to).collect();
        for to in next {
            self.visit(to, state, depth + 1);
        }
        if let Some(s) = state.get_mut(map) {
            *s = 2;
        }
    }

    /// The types of resources that can arrive at a parameter.
    fn arriving(&self, map: usize, param: u16, seen: &mut HashSet<(usize, u16)>) -> Vec<TypeId> {
        if !seen.insert((map, param)) {
            return Vec::new();
        }
        let mut types = Vec::new();
        for arg in self.resource_args.iter().filter(|a| a.map == map && a.param == param) {
            types.extend(arg.made_by.and_then(|m| self.types.get(m).copied().flatten()));
            if let Some((from, slot)) = arg.from {
                types.extend(self.arriving(from, slot, seen));
            }
        }
        types
    }

    pub(super) fn check_references(&mut self) {
        let uses = std::mem::take(&mut self.ref_uses);
        for u in &uses {
            let defs = self.world.defs;
            for t in self.arriving(u.map, u.slot, &mut HashSet::new()) {
                if defs.may_target(u.targets, t) {
                    continue;
                }
                let name = defs.get(t).name;
                let allowed = defs.target_names(u.targets).collect::<Vec<_>>().join(", ");
                let zh = format!("{} 不能引用 {name}（有消息传来 {name}），只能引用 {allowed}", u.label);
                let en = format!("{} cannot refer to {name}, which a message passes here, only to {allowed}", u.label);
                self.error("ref.target", u.span, zh, en);
            }
        }
    }
}
