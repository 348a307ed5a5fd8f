//! What runs: mappings resolved to flat tables of small operations. No names are looked up while a message is mapped.

use hutong_fhir::definitions::{CodeSetId, TypeId};
use hutong_fhir::primitive::Primitive;
use hutong_fhir::{Key, Kind};
use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::Span;
use crate::table::Table;
use hutong_fhir::quick::QuickMap;

/// Index in [`Plan::ops`].
pub(crate) type OpId = u32;
pub(crate) type CondId = u32;
pub(crate) type BlockId = u32;
/// Number of a v2 data type in [`Plan::datatypes`]; 0 = unknown.
pub(crate) type Dt = u16;

/// Index in [`Plan::lines`]: which line of which file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LineId(pub(crate) u32);

pub(crate) const NONE: u32 = u32::MAX;
/// The slot of a path that reads MSH: not a slot, MSH is always at hand.
pub(crate) const MSH: u16 = u16::MAX;

/// A stretch of [`Plan::lists`].
#[derive(Clone, Copy, Default)]
pub(crate) struct List {
    pub from: u32,
    pub len: u32,
}

/// Which repetitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pick {
    First,
    All,
    Nth(u16),
    Where(CondId),
}

/// Where a value is written.
#[derive(Clone, Copy)]
pub(crate) enum At {
    /// Under this name; `true` where JSON shows a list.
    Own(Key, bool),
    /// Where the map that holds the operation was called: a map to a primitive type.
    Caller,
}

#[derive(Clone, Copy)]
pub(crate) enum Op {
    Nothing,
    // ---- reading ----
    /// A field of a segment; part and sub 0 = not said.
    Field {
        slot: u16,
        of: Pick,
        field: u16,
        pick: Pick,
        part: u8,
        sub: u8,
        dt: Dt,
    },
    /// Segments of a parameter.
    Segments {
        slot: u16,
        of: Pick,
    },
    /// A part of a bound value.
    Part {
        slot: u16,
        pick: Pick,
        part: u8,
        sub: u8,
    },
    /// A part of the repetition (or segment) that a `[ ]` judges.
    Dot {
        parts: [u8; 3],
    },
    /// What a slot holds as it is: a segment, resources, a table, a value.
    Slot {
        slot: u16,
    },
    Table(u32),
    Text(u32),
    Builtin {
        builtin: u16,
        args: List,
    },
    /// The target code of a table.
    Look {
        arg: OpId,
        table: OpId,
    },
    // ---- both ----
    /// The first that has a value. `settles`: written `else`, so that an unmapped code is no finding.
    First {
        list: List,
        settles: bool,
    },
    When {
        cond: CondId,
        op: OpId,
    },
    By(u32),
    Say(u32),
    // ---- writing ----
    Prim {
        at: At,
        conv: Conv,
        arg: OpId,
    },
    Fixed {
        at: At,
        kind: Kind,
        text: u32,
    },
    Make {
        at: At,
        map: u32,
        args: List,
    },
    Ref {
        at: At,
        target: OpId,
    },
    /// A resource map called inside `ref`.
    Call {
        map: u32,
        args: List,
    },
    Coded {
        at: At,
        concept: bool,
        arg: OpId,
        table: OpId,
    },
    Block {
        at: At,
        block: BlockId,
    },
    /// `body` once for each value of `source`, bound to `slot`.
    Each {
        source: OpId,
        slot: u16,
        body: OpId,
    },
    /// `op`, then the lines of `block` over the element that it wrote.
    Over {
        op: OpId,
        block: BlockId,
    },
}

/// A text becomes a primitive.
#[derive(Clone, Copy)]
pub(crate) struct Conv {
    pub to: Primitive,
    /// Several values become one, a line each.
    pub join: bool,
    /// Codes that the value must be among.
    pub codes: Option<CodeSetId>,
}

pub(crate) enum Cond {
    Has(OpId),
    Equals { left: OpId, right: OpId },
    In { left: OpId, list: List },
    Matches { left: OpId, classes: Vec<Class> },
    Not(CondId),
    And(Vec<CondId>),
    Or(Vec<CondId>),
}

/// The classes of `matches`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    Digits,
    Letters,
    Chinese,
    IdCard,
    Number,
    Oid,
    Uuid,
    Uri,
    Timed,
    /// Begins with a mark of mutual recognition.
    Marked,
    /// Names a mark of mutual recognition.
    Recognition,
    /// A name that says it is a test.
    Test,
    /// A national code of an institution.
    Institution,
}

pub(crate) struct By {
    pub subject: OpId,
    pub cases: Vec<(Vec<Box<str>>, OpId)>,
    pub otherwise: OpId,
}

/// A `warn` or `reject`.
pub(crate) struct Say {
    pub reject: bool,
    pub rule: Arc<str>,
    pub zh: String,
    pub en: String,
    /// The paths in `{ }` of the text, whose values go into the finding's value.
    pub values: Vec<OpId>,
    pub hl7_code: u16,
}

/// One way in which an element is written.
pub(crate) struct Whole {
    pub line: LineId,
    /// All must hold.
    pub guards: Vec<Guard>,
    pub op: OpId,
    /// `+=`
    pub all: bool,
    pub required: bool,
    /// A literal without a condition: says nothing about the message.
    pub constant: bool,
}

/// A condition and whether it must be met or not.
#[derive(Clone, Copy)]
pub(crate) struct Guard {
    pub cond: CondId,
    pub holds: bool,
}

/// An element of a block: lines that write it whole, then lines that write below it.
pub(crate) struct Entry {
    pub whole: Vec<Whole>,
    pub below: BlockId,
    /// The element that is made where only lines below it write.
    pub at: At,
    pub primitive: bool,
    pub line: LineId,
    /// The names under which the element may stand (several for a choice).
    pub keys: Vec<Key>,
    /// Writes without reading the message.
    pub constant: bool,
    /// Stays where only literals were written (`profile`).
    pub keep: bool,
    /// A dataAbsentReason may stand in place of the element.
    pub may_lack: bool,
    pub needs: Needs,
    /// It is one line that writes one plain value, or one literal: most are.
    pub simple: Option<Simple>,
}

/// What a simple entry does.
#[derive(Clone, Copy)]
pub(crate) enum Simple {
    Value { line: LineId, key: Key, list: bool, to: Primitive, arg: Op },
    Literal { line: LineId, key: Key, list: bool, kind: Kind, text: u32 },
}

/// Where the values of a line can come from: fields of segments, components of values, by slot.
#[derive(Clone, Default)]
pub(crate) struct Needs {
    /// It may have a value whatever the message holds.
    pub always: bool,
    pub any: Vec<(u16, u64)>,
}

impl Needs {
    pub(crate) fn always() -> Needs {
        Needs { always: true, any: Vec::new() }
    }

    pub(crate) fn one(slot: u16, mask: u64) -> Needs {
        Needs { always: false, any: vec![(slot, mask)] }
    }

    pub(crate) fn unite(&mut self, other: Needs) {
        self.always |= other.always;
        for (slot, mask) in other.any {
            match self.any.iter_mut().find(|(s, _)| *s == slot) {
                Some((_, m)) => *m |= mask,
                None => self.any.push((slot, mask)),
            }
        }
    }
}

pub(crate) struct Block {
    pub entries: Vec<Entry>,
    pub constant: bool,
    /// The type whose element order the children follow.
    pub type_id: TypeId,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Makes {
    Resource,
    Element,
    Primitive,
}

pub(crate) struct Map {
    pub name: Arc<str>,
    pub makes: Makes,
    pub type_name: &'static str,
    /// How many slots a call takes; parameters come first.
    pub slots: u16,
    pub params: Vec<Param>,
    /// Alternatives: the first whose first part has a value.
    pub identity: Vec<Identity>,
    pub display: OpId,
    pub merge: bool,
    /// `$ = …`: makes the element over which the block is laid.
    pub base: OpId,
    /// The slot that holds the resource being made, where its lines speak of `self`.
    pub own: Option<u16>,
    pub block: BlockId,
}

pub(crate) struct Identity {
    /// What the first part needs.
    pub needs: Needs,
    pub guards: Vec<Guard>,
    pub parts: Vec<OpId>,
}

#[derive(Clone)]
pub(crate) struct Param {
    pub name: String,
    pub label: Option<String>,
    pub optional: bool,
    /// A segment or a list: decides how a call from a message fills it.
    pub many: bool,
    pub segment: bool,
}

/// A message declaration.
pub(crate) struct MessagePlan {
    pub slots: u16,
    pub body: Vec<Step>,
}

pub(crate) enum Step {
    Make {
        slot: u16,
        map: u32,
        args: Vec<Source>,
        guards: Vec<Guard>,
        loads: Vec<(u16, [u8; 3])>,
        line: LineId,
    },
    Each {
        group: Group,
        body: Vec<Step>,
        slots: Vec<u16>,
    },
    /// `warn` or `reject` about what stands there.
    Say {
        op: OpId,
        guards: Vec<Guard>,
        loads: Vec<(u16, [u8; 3])>,
        line: LineId,
    },
    Nothing,
}

pub(crate) enum Group {
    Named(String),
    Segment([u8; 3]),
}

/// An argument of a call in a message.
pub(crate) enum Source {
    Segments([u8; 3]),
    Resource(u16),
    /// All that were made under that name since the present turn of the block `level` deep began.
    Resources {
        slot: u16,
        level: u16,
    },
    /// Made further down in the same block (by this line of it): its id is worked out ahead.
    Ahead {
        slot: u16,
        step: u32,
    },
    Value(OpId),
}

/// Where a line stands and what it writes.
#[derive(Clone, Debug)]
pub struct LineInfo {
    pub span: Span,
    /// The map or message it belongs to.
    pub map: Arc<str>,
    /// As written, e.g. `identifier:mrn.value`.
    pub target: String,
}

/// A compiled set of mappings for one set of sites.
pub struct Plan {
    pub(crate) ops: Vec<Op>,
    pub(crate) lists: Vec<u32>,
    pub(crate) conds: Vec<Cond>,
    pub(crate) bys: Vec<By>,
    pub(crate) says: Vec<Say>,
    pub(crate) texts: Vec<Box<str>>,
    pub(crate) tables: Vec<Arc<Table>>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) maps: Vec<Map>,
    pub(crate) messages: Vec<MessagePlan>,
    /// `ADT^A01` or a structure → index in `messages`.
    pub(crate) message_types: HashMap<String, u32>,
    pub(crate) lines: Vec<LineInfo>,
    pub(crate) datatypes: Datatypes,
    /// Placeholders with the reason code for their absence.
    pub(crate) absent: Vec<(String, String)>,
    /// Bytes with which a placeholder begins.
    pub(crate) absent_first: [bool; 256],
    /// The common table of coding systems (HL7 table 0396), for the source coding beside a translated one.
    pub(crate) systems: Option<Arc<Table>>,
    /// The type whose two ends are kept in order.
    pub(crate) period: Option<TypeId>,
    /// The map that makes a CodeableConcept of CWE: what a translated value says beside its translation.
    pub(crate) coded: Option<u32>,
    /// Segments whose first field only counts them.
    pub(crate) set_ids: QuickMap<String, ()>,
    /// The HL7 table of a field.
    pub(crate) field_tables: QuickMap<([u8; 3], u16), String>,
    /// Names of groups that may repeat, by structure.
    pub(crate) repeating: QuickMap<String, QuickMap<String, ()>>,
}

/// v2 data types by number: what the reading of a value needs to know of them.
#[derive(Default)]
pub(crate) struct Datatypes {
    pub names: Vec<String>,
    pub by_name: HashMap<String, Dt>,
    /// The types of the components of each.
    pub components: Vec<Vec<Dt>>,
    /// The type of OBX-5: OBX-2 says which.
    pub varies: Dt,
    /// Text of which separators are a part when they stand unescaped (ST, TX, FT).
    pub text: Vec<bool>,
}

impl Datatypes {
    pub(crate) fn component(&self, dt: Dt, n: usize) -> Dt {
        let parts = self.components.get(dt as usize);
        parts.and_then(|p| p.get(n.wrapping_sub(1))).copied().unwrap_or(0)
    }

    pub(crate) fn named(&self, name: &str) -> Dt {
        self.by_name.get(name).copied().unwrap_or(0)
    }
}

impl Plan {
    pub(crate) fn op(&self, id: OpId) -> Op {
        self.ops.get(id as usize).copied().unwrap_or(Op::Nothing)
    }

    pub(crate) fn list(&self, list: List) -> &[u32] {
        self.lists.get(list.from as usize..(list.from + list.len) as usize).unwrap_or(&[])
    }

    /// Whether a field says how the message is written and nothing about the world: set ids, version, charset.
    pub(crate) fn is_bookkeeping(&self, segment: &str, field: usize) -> bool {
        match (segment, field) {
            ("MSH", n) => matches!(n, 1 | 2 | 12 | 18),
            (_, 1) => self.set_ids.contains_key(segment),
            _ => false,
        }
    }

    pub(crate) fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |t| t)
    }

    /// Where a line stands and what it writes.
    pub fn line(&self, id: LineId) -> Option<&LineInfo> {
        self.lines.get(id.0 as usize)
    }
}
