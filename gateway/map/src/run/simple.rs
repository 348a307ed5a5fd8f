//! Simple entries: one plain value or one literal, written without the ways that the others need. Where anything is
//! out of the ordinary (null, a placeholder, an escape, a form that has to be changed) the entry is left to them.

use hutong_fhir::NodeId;
use hutong_fhir::primitive::Primitive;
use std::borrow::Cow;

use super::quick::Quick;
use super::value::{Level, Origin, View};
use super::{Exec, Got};
use crate::builtins::convert;
use crate::plan::{Entry, Simple};

impl<'m> Exec<'m> {
    /// What the entry wrote; `None`: it has to go the long way.
    pub(super) fn simple(&mut self, entry: &Entry, simple: Simple, node: NodeId) -> Option<Got> {
        if !self.may_have(&entry.needs) {
            return Some(Got::No);
        }
        match simple {
            Simple::Literal { line, key, list, kind, text } => {
                let n = self.tree.append_value(node, key, kind, self.plan.text(text), list);
                (self.line, self.origin) = (line, Origin::NONE);
                self.wrote(n);
                Some(Got::Constant)
            }
            Simple::Value { line, key, list, to, arg } => {
                let flags = (std::mem::take(&mut self.null), self.absent.take());
                let found = self.quick(arg);
                let odd = self.null || self.absent.is_some();
                (self.null, self.absent) = flags;
                let view = match found {
                    _ if odd => return None,
                    Quick::View(v) => v,
                    Quick::Nothing => return Some(Got::No),
                    Quick::No => return None,
                };
                let text = self.plain(&view, to)?;
                let zone = self.zone.unwrap_or(self.cx.zone_minutes);
                let value = match to {
                    // what is plain is a FHIR string, but for its length
                    Primitive::String | Primitive::Markdown if text.len() < 1_000_000 => Cow::Borrowed(text),
                    _ => convert::to(to, Cow::Borrowed(text), zone)?,
                };
                let n = self.tree.append_value(node, key, to.json_kind(), &value, list);
                (self.line, self.origin) = (line, view.origin());
                self.wrote(n);
                Some(Got::Yes)
            }
        }
    }

    /// The text of a view that needs no more than trimming.
    fn plain(&mut self, v: &View<'m>, to: Primitive) -> Option<&'m str> {
        let texts = matches!(to, Primitive::String | Primitive::Markdown);
        let whole = v.level() == Level::Subcomponent || texts && self.plan.datatypes.text.get(v.dt as usize) == Some(&true);
        let raw = if whole { v.raw } else { v.first(&self.marks) };
        let escape = self.marks.escape;
        if raw.bytes().any(|b| b < 0x20 || b == escape || b == b'"') {
            return None;
        }
        let bytes = raw.as_bytes();
        let graphic = |b: Option<&u8>| b.is_some_and(|b| (0x21..0x7f).contains(b));
        let text = if graphic(bytes.first()) && graphic(bytes.last()) { raw } else { raw.trim() };
        if text.is_empty() {
            return None;
        }
        self.fields.mark(v, whole);
        Some(text)
    }
}
