//! Declarations to a plan: names resolved, types checked against R4 and v2, everything that can be known before a
//! message comes worked out.

mod block;
mod calls;
mod check;
mod extension;
mod message;
mod meta;
mod needs;
mod put;
pub(crate) mod read;
mod scope;
mod sources;
mod target;
mod v2;

use hutong_fhir::Key;
use hutong_fhir::definitions::{Definitions, TypeId, TypeKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::builtins;
use crate::diagnostic::{Diagnostic, Span, closest};
use crate::plan::{self, LineId, LineInfo, List, NONE, Op, OpId, Plan};
use crate::syntax::ast::Name;

pub(crate) use extension::Extensions;
pub(crate) use scope::is_segment;
use sources::Sources;
pub(crate) use sources::{Parsed, ParsedTable, collect};
pub(crate) use v2::V2;

/// What a compilation needs beside the sources.
pub(crate) struct World<'w> {
    pub defs: &'w Definitions,
    pub extensions: &'w Extensions,
    pub v2: &'w V2,
}

/// The plan of these sources, and what is wrong with them. A plan with errors is not to be used.
pub(crate) fn compile(sources: &Sources<'_>, world: &World<'_>) -> (Plan, Vec<Diagnostic>) {
    let mut c = Compiler {
        src: sources,
        world,
        plan: Plan {
            ops: vec![Op::Nothing],
            lists: Vec::new(),
            conds: Vec::new(),
            bys: Vec::new(),
            says: Vec::new(),
            texts: Vec::new(),
            tables: Vec::new(),
            blocks: Vec::new(),
            maps: Vec::new(),
            messages: Vec::new(),
            message_types: HashMap::new(),
            lines: Vec::new(),
            datatypes: world.v2.datatypes(),
            absent: sources.absent.clone(),
            absent_first: [false; 256],
            systems: sources.tables.get("hl70396").cloned(),
            coded: None,
            period: world.defs.type_named("Period"),
            set_ids: world.v2.set_ids(),
            field_tables: world.v2.field_tables(),
            repeating: hutong_fhir::quick::QuickMap::default(),
        },
        faults: sources.faults.clone(),
        texts: HashMap::new(),
        tables: HashMap::new(),
        types: Vec::new(),
        calls: HashSet::new(),
        resource_args: Vec::new(),
        ref_uses: Vec::new(),
    };
    for (value, _) in &sources.absent {
        if let Some(b) = value.bytes().next()
            && let Some(flag) = c.plan.absent_first.get_mut(b as usize)
        {
            *flag = true;
        }
    }
    c.declare_maps();
    for i in 0..sources.maps.len() {
        c.map(i);
    }
    for m in &sources.messages {
        c.message(m);
    }
    c.plan.coded = sources.by_name.get("CWE").and_then(|maps| {
        let is = |i: &&usize| c.plan.maps.get(**i).is_some_and(|m| m.type_name == "CodeableConcept");
        maps.iter().find(is).map(|i| *i as u32)
    });
    needs::fill(&mut c.plan);
    c.check_recursion();
    c.check_references();
    let mut faults = c.faults;
    // a message that is declared for several events is compiled for each of them
    let mut seen = HashSet::new();
    faults.retain(|d| seen.insert((d.span, d.code, d.en.clone())));
    faults.sort_by_key(|d| (d.span.file, d.span.start));
    (c.plan, faults)
}

pub(crate) struct Compiler<'s, 'w> {
    src: &'s Sources<'s>,
    world: &'w World<'w>,
    plan: Plan,
    faults: Vec<Diagnostic>,
    texts: HashMap<String, u32>,
    tables: HashMap<String, u32>,
    /// The type each map makes, by index in the sources; `None` where it could not be found.
    types: Vec<Option<TypeId>>,
    /// Which map calls which.
    calls: HashSet<(usize, usize)>,
    /// What messages and maps pass as resources, and where: judged when all is known.
    resource_args: Vec<check::ResourceArg>,
    ref_uses: Vec<check::RefUse>,
}

impl<'s> Compiler<'s, '_> {
    fn fault(&mut self, d: Diagnostic) {
        self.faults.push(d);
    }

    fn error(&mut self, code: &'static str, span: Span, zh: impl Into<String>, en: impl Into<String>) {
        self.faults.push(Diagnostic::error(code, span, zh, en));
    }

    fn op(&mut self, op: Op) -> OpId {
        self.plan.ops.push(op);
        (self.plan.ops.len() - 1) as OpId
    }

    fn nothing(&self) -> OpId {
        0
    }

    fn list(&mut self, items: &[u32]) -> List {
        let from = self.plan.lists.len() as u32;
        self.plan.lists.extend_from_slice(items);
        List { from, len: items.len() as u32 }
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(id) = self.texts.get(text) {
            return *id;
        }
        let id = self.plan.texts.len() as u32;
        self.plan.texts.push(text.into());
        self.texts.insert(text.to_owned(), id);
        id
    }

    fn cond(&mut self, cond: plan::Cond) -> u32 {
        self.plan.conds.push(cond);
        (self.plan.conds.len() - 1) as u32
    }

    fn new_line(&mut self, span: Span, map: &Arc<str>, target: String) -> LineId {
        self.plan.lines.push(LineInfo { span, map: map.clone(), target });
        LineId((self.plan.lines.len() - 1) as u32)
    }

    /// The number of a table in the plan.
    fn table(&mut self, name: &Name) -> Option<u32> {
        if let Some(id) = self.tables.get(&name.text) {
            return Some(*id);
        }
        let Some(table) = self.src.tables.get(&name.text) else {
            let near = closest(&name.text, self.src.tables.keys().map(String::as_str)).map(str::to_owned);
            let zh = format!("没有码表 `{}`（应为 tables/{}.tsv）", name.text, name.text);
            let en = format!("there is no table `{}` (a file tables/{}.tsv)", name.text, name.text);
            self.fault(Diagnostic::error("table.unknown", name.span, zh, en).instead(near));
            return None;
        };
        let id = self.plan.tables.len() as u32;
        self.plan.tables.push(table.clone());
        self.tables.insert(name.text.clone(), id);
        Some(id)
    }

    /// `Observation`, `HumanName`, `code`, `Patient.contact`
    fn type_named(&mut self, name: &Name) -> Option<TypeId> {
        let defs = self.world.defs;
        let mut parts = name.text.split('.');
        let first = parts.next().unwrap_or("");
        let Some(mut id) = defs.type_named(first) else {
            let all = defs.resource_types().chain(DATATYPES.iter().copied());
            let near = closest(first, all).map(str::to_owned);
            let zh = format!("FHIR R4 没有类型 `{first}`");
            self.fault(Diagnostic::error("type.unknown", name.span, zh, format!("FHIR R4 has no type `{first}`")).instead(near));
            return None;
        };
        for part in parts {
            let found = Key::known(part).and_then(|k| defs.property(id, k)).map(|p| p.type_id);
            let Some(next) = found else {
                let zh = format!("`{}` 没有元素 `{part}`", name.text);
                self.error("element.unknown", name.span, zh, format!("`{}` has no element `{part}`", name.text));
                return None;
            };
            id = next;
        }
        Some(id)
    }

    fn declare_maps(&mut self) {
        let src = self.src;
        for source in &src.maps {
            let d = source.decl;
            let type_id = self.type_named(&d.target);
            self.types.push(type_id);
            for name in &d.names {
                if builtins::find(&name.text).is_some() || matches!(name.text.as_str(), "ref" | "table" | "by" | "each" | "none" | "every")
                {
                    let zh = format!("`{}` 是内置函数的名称", name.text);
                    self.error("map.builtin", name.span, zh, format!("`{}` is the name of a builtin", name.text));
                }
            }
            let kind = type_id.map(|t| self.world.defs.get(t).kind);
            let label: Arc<str> = d.names.first().map_or("", |n| n.text.as_str()).into();
            self.plan.maps.push(plan::Map {
                name: label,
                makes: match kind {
                    Some(TypeKind::Resource) => plan::Makes::Resource,
                    Some(TypeKind::Primitive(_)) => plan::Makes::Primitive,
                    _ => plan::Makes::Element,
                },
                type_name: type_id.map_or("", |t| self.world.defs.get(t).name),
                slots: 0,
                params: d.params.iter().map(param).collect(),
                identity: Vec::new(),
                display: NONE,
                merge: false,
                base: NONE,
                own: None,
                block: NONE,
            });
        }
    }
}

fn param(p: &crate::syntax::ast::Param) -> plan::Param {
    use crate::syntax::ast::Count;
    plan::Param {
        name: p.name.text.clone(),
        label: p.label.as_ref().map(|l| l.text.clone()),
        optional: p.count != Count::One,
        many: p.count == Count::Many,
        segment: scope::is_segment(&p.name.text),
    }
}

/// Data types that a mapping author may mean, for suggestions.
const DATATYPES: &[&str] = &[
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "CodeableConcept",
    "Coding",
    "ContactPoint",
    "Count",
    "Duration",
    "Dosage",
    "Extension",
    "HumanName",
    "Identifier",
    "Meta",
    "Money",
    "Period",
    "Quantity",
    "Range",
    "Ratio",
    "Reference",
    "SampledData",
    "Timing",
    "boolean",
    "code",
    "date",
    "dateTime",
    "decimal",
    "id",
    "instant",
    "integer",
    "markdown",
    "positiveInt",
    "string",
    "time",
    "unsignedInt",
    "uri",
];
