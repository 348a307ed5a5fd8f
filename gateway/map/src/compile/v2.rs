//! What the compiler asks of the v2 grammar: that paths exist, and of which data type they are.

use hutong_decode::v2::Grammar;

use super::Compiler;
use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Span, closest};
use crate::plan::{Datatypes, Dt};
use crate::syntax::ast::{Name, Path};
use hutong_fhir::quick::QuickMap;

/// The v2 grammar as far as checks and value types need it.
pub(crate) struct V2 {
    grammar: &'static Grammar,
}

/// Types that are one text, separators and all; others that have no components.
const TEXTS: [&str; 3] = ["ST", "TX", "FT"];
const SIMPLE: [&str; 9] = ["ID", "IS", "NM", "SI", "DT", "DTM", "TM", "GTS", "SNM"];

impl V2 {
    pub(crate) fn new(grammar: &'static Grammar) -> V2 {
        V2 { grammar }
    }

    pub(super) fn grammar(&self) -> &'static Grammar {
        self.grammar
    }

    pub(crate) fn datatypes(&self) -> Datatypes {
        let mut out = Datatypes::default();
        let mut add = |name: &str, text: bool| {
            let id = out.names.len() as Dt;
            out.by_name.insert(name.to_owned(), id);
            out.names.push(name.to_owned());
            out.components.push(Vec::new());
            out.text.push(text);
        };
        add("", false);
        TEXTS.iter().for_each(|n| add(n, true));
        SIMPLE.iter().for_each(|n| add(n, false));
        add("varies", false);
        self.grammar.datatypes().for_each(|d| add(d.name, false));
        out.varies = out.named("varies");
        for d in self.grammar.datatypes() {
            let last = d.components.iter().map(|c| c.number).max().unwrap_or(0);
            let types = (1..=last).map(|n| d.component(n).map_or(0, |c| out.named(c.datatype))).collect();
            let id = out.named(d.name) as usize;
            if let Some(slot) = out.components.get_mut(id) {
                *slot = types;
            }
        }
        // what older versions called them
        for (old, new) in [("CE", "CWE"), ("CNE", "CWE"), ("CF", "CWE"), ("TS", "DTM")] {
            if !out.by_name.contains_key(old) {
                let id = out.named(new);
                out.by_name.insert(old.to_owned(), id);
            }
        }
        out
    }

    /// The groups of a structure that may repeat.
    pub(crate) fn repeating_groups(&self, structure: &str) -> QuickMap<String, ()> {
        let mut names = QuickMap::default();
        let mut open: Vec<_> = self.grammar.structure(structure).and_then(|s| s.root()).into_iter().collect();
        while let Some(group) = open.pop() {
            if group.repeats() {
                names.insert(group.name().to_owned(), ());
            }
            open.extend(group.groups());
        }
        names
    }

    /// Segments whose first field is a set id.
    pub(crate) fn set_ids(&self) -> QuickMap<String, ()> {
        let is = |s: &&hutong_decode::v2::grammar::SegmentDef| s.field(1).is_some_and(|f| f.datatype == "SI");
        self.grammar.segments().filter(is).map(|s| (s.name.to_owned(), ())).collect()
    }

    /// The HL7 tables of fields whose codes are of such a table.
    pub(crate) fn field_tables(&self) -> QuickMap<([u8; 3], u16), String> {
        let mut out = QuickMap::default();
        for segment in self.grammar.segments() {
            for f in segment.fields.iter().filter(|f| !f.table.is_empty()) {
                let name = segment.name.as_bytes().try_into().unwrap_or(*b"???");
                out.insert((name, f.number as u16), format!("http://terminology.hl7.org/CodeSystem/v2-{}", f.table));
            }
        }
        out
    }

    pub(crate) fn is_datatype(&self, name: &str) -> bool {
        self.grammar.is_datatype(name)
    }

    pub(crate) fn field_type(&self, segment: &str, n: u16) -> Option<String> {
        let d = self.grammar.segment(segment)?.field(n as usize)?.datatype;
        (d != "varies").then(|| d.to_owned())
    }

    pub(crate) fn varies(&self, segment: &str, n: u16) -> bool {
        self.grammar.segment(segment).and_then(|s| s.field(n as usize)).is_some_and(|f| f.datatype == "varies")
    }

    pub(crate) fn component_type(&self, datatype: &str, n: u16) -> Option<String> {
        Some(self.grammar.datatype(datatype)?.component(n as usize)?.datatype.to_owned())
    }
}

impl<'s> Compiler<'s, '_> {
    /// Says where no such segment exists.
    pub(super) fn check_segment(&mut self, name: &Name) {
        let grammar = self.world.v2.grammar;
        if name.text.starts_with('Z') || grammar.segment(&name.text).is_some() {
            return;
        }
        let near = closest(&name.text, grammar.segments().map(|s| s.name)).map(str::to_owned);
        let zh = format!("HL7 v2 没有段 `{}`", name.text);
        self.fault(Diagnostic::error("segment.unknown", name.span, zh, format!("HL7 v2 has no segment `{}`", name.text)).instead(near));
    }

    /// The data type of a field; says where the segment has no such field. Sites may read fields of their own.
    pub(super) fn check_field(&mut self, scope: &Scope<'s>, segment: &str, field: u16, span: Span) -> Option<String> {
        let def = self.world.v2.grammar.segment(segment)?;
        match def.field(field as usize) {
            Some(f) => (f.datatype != "varies").then(|| f.datatype.to_owned()),
            None => {
                let last = def.fields.last().map_or(0, |f| f.number);
                if !scope.site {
                    let zh = format!("段 {segment} 只有 {last} 个字段");
                    self.error("field.unknown", span, zh, format!("the segment {segment} has {last} fields"));
                }
                None
            }
        }
    }

    /// Says where a data type has no such component.
    pub(super) fn check_parts(&mut self, scope: &Scope<'s>, datatype: &str, path: &Path, of: &str) {
        let grammar = self.world.v2.grammar;
        let mut dt = datatype.to_owned();
        for (n, span) in &path.parts {
            let Some(def) = grammar.datatype(&dt) else {
                // a simple type: its first part is itself; older versions had components there
                return;
            };
            let Some(c) = def.component(*n as usize) else {
                let last = def.components.last().map_or(0, |c| c.number);
                if !scope.site {
                    let zh = format!("`{of}` 处的数据类型 {dt} 只有 {last} 个组成部分");
                    self.error("component.unknown", *span, zh, format!("the data type {dt} (of `{of}`) has {last} components"));
                }
                return;
            };
            dt = c.datatype.to_owned();
        }
    }
}
