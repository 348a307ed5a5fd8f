//! The concepts of one code system, compactly: all text in one string, a row of 24 bytes a concept, a hash index.
//!
//! Rows stand in preorder of the hierarchy (a parent before its children), so that "everything below a concept" is a
//! range of rows. A concept with several parents has its first one in the row and the others in a list beside.
//! Definitions, designations and properties are values beside the rows; equal short texts are kept once.

use crate::hash::of_code;
use crate::rows::Rows;
use std::borrow::Cow;

/// No such row.
pub(crate) const NONE: u32 = u32::MAX;

/// Not to be used itself: it groups others.
pub(crate) const ABSTRACT: u8 = 1;
/// No longer in use.
pub(crate) const INACTIVE: u8 = 2;

#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Where the code starts; the display follows one byte behind its end.
    pub(crate) at: u32,
    pub(crate) code: u16,
    pub(crate) display: u16,
    pub(crate) parent: u32,
    /// First row behind everything below this one.
    pub(crate) end: u32,
    /// Its first value; the next row's is the end.
    pub(crate) values: u32,
    pub(crate) flags: u8,
}

/// A definition, designation or property of a row.
#[derive(Clone, Copy)]
pub(crate) struct Value {
    at: u32,
    /// Length in the lower 20 bits, kind above.
    len_kind: u32,
}

const LEN_BITS: u32 = 20;

impl Value {
    /// Longest value, in bytes.
    pub(crate) const LEN_MAX: usize = (1 << LEN_BITS) - 1;
    /// Kinds of values that a system can have.
    pub(crate) const KINDS_MAX: usize = 1 << (32 - LEN_BITS);

    /// `len` and `kind` within their limits.
    pub(crate) fn new(at: u32, len: u32, kind: u16) -> Value {
        Value { at, len_kind: len | u32::from(kind) << LEN_BITS }
    }

    fn len(self) -> usize {
        (self.len_kind & ((1 << LEN_BITS) - 1)) as usize
    }

    fn kind(self) -> usize {
        (self.len_kind >> LEN_BITS) as usize
    }
}

/// What a value is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ValueKind {
    Definition,
    /// `use_` is `system|code|display`, empty where none is given.
    Designation {
        language: String,
        use_: String,
    },
    /// `type_name` is the R4 type of the value without `value`: `code`, `string`, `Coding` (then `system|code|display`)…
    Property {
        code: String,
        type_name: &'static str,
    },
}

/// Why concepts cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// An empty code, one or a display of more than 65,535 bytes, or a value of more than 1,048,575.
    Length,
    /// The code stands there already.
    Duplicate,
    /// A parent that is not among the codes.
    UnknownParent(String),
    /// A concept that is its own ancestor.
    Cycle(String),
    /// More than 4 GiB of text, 4 G codes or 4,096 kinds of values.
    TooMuch,
}

/// The concepts of a code system.
pub(crate) struct Table {
    pub(crate) text: Cow<'static, str>,
    pub(crate) rows: Vec<Row>,
    /// Open addressing, power of two; 0 = free, otherwise row + 1.
    pub(crate) slots: Vec<u32>,
    pub(crate) folds_case: bool,
    pub(crate) values: Vec<Value>,
    pub(crate) kinds: Vec<ValueKind>,
    /// (child, parent) beyond the first parent, sorted.
    pub(crate) edges: Vec<(u32, u32)>,
}

impl Table {
    pub(crate) fn empty(case_sensitive: bool) -> Table {
        Table {
            text: Cow::Borrowed(""),
            rows: Vec::new(),
            slots: vec![0; 16],
            folds_case: !case_sensitive,
            values: Vec::new(),
            kinds: Vec::new(),
            edges: Vec::new(),
        }
    }

    /// The lines of a system of the R4 pack: code (indented by depth), display, flags, further parents. Nothing is copied.
    pub(crate) fn of_pack(text: &'static str, case_sensitive: bool) -> Table {
        let mut table = Table::empty(case_sensitive);
        table.text = Cow::Borrowed(text);
        let mut above: Vec<u32> = Vec::new();
        let mut further: Vec<(u32, &str)> = Vec::new();
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let start = offset;
            offset += line.len();
            let line = line.trim_end_matches('\n');
            let depth = line.len() - line.trim_start_matches(' ').len();
            let mut columns = line.get(depth..).unwrap_or("").split('\t');
            let (code, display, flags) = (columns.next().unwrap_or(""), columns.next().unwrap_or(""), columns.next().unwrap_or(""));
            let parents = columns.next().unwrap_or("");
            above.truncate(depth);
            let flags = u8::from(flags.contains('!')) * ABSTRACT + u8::from(flags.contains('-')) * INACTIVE;
            let row = table.rows.len() as u32;
            table.rows.push(Row {
                at: (start + depth) as u32,
                code: code.len() as u16,
                display: display.len() as u16,
                parent: above.last().copied().unwrap_or(NONE),
                end: 0,
                values: 0,
                flags,
            });
            above.push(row);
            table.index(row);
            further.extend(parents.split(' ').filter(|p| !p.is_empty()).map(|p| (row, p)));
        }
        table.edges = further.into_iter().filter_map(|(row, parent)| Some((row, table.find(parent)?))).collect();
        table.edges.sort_unstable();
        table.set_ends();
        table
    }

    /// Puts a row into the hash index, where its code is not there yet; else gives the row that has it.
    pub(crate) fn index(&mut self, row: u32) -> Option<u32> {
        if self.rows.len() * 4 > self.slots.len() * 3 {
            self.slots = vec![0; self.slots.len() * 2];
            for earlier in 0..row {
                self.place(earlier);
            }
        }
        self.place(row)
    }

    fn place(&mut self, row: u32) -> Option<u32> {
        let code = self.code(row);
        let mask = self.slots.len() - 1;
        let mut at = of_code(code, self.folds_case) as usize & mask;
        loop {
            match self.slots.get(at).copied().unwrap_or(0) {
                0 => break,
                taken if self.is_same(self.code(taken - 1), code) => return Some(taken - 1),
                _ => at = (at + 1) & mask,
            }
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = row + 1;
        }
        None
    }

    fn is_same(&self, a: &str, b: &str) -> bool {
        if self.folds_case { a.eq_ignore_ascii_case(b) } else { a == b }
    }

    pub(crate) fn set_ends(&mut self) {
        let mut end: Vec<u32> = (1..=self.rows.len() as u32).collect();
        for row in (0..self.rows.len()).rev() {
            let parent = self.rows[row].parent as usize;
            if parent < row {
                end[parent] = end[parent].max(end[row]);
            }
        }
        self.rows.iter_mut().zip(end).for_each(|(row, end)| row.end = end);
    }

    pub(crate) fn slice(&self, at: usize, len: usize) -> &str {
        self.text.get(at..at + len).unwrap_or("")
    }

    fn row(&self, row: u32) -> Option<&Row> {
        self.rows.get(row as usize)
    }

    pub(crate) fn len(&self) -> u32 {
        self.rows.len() as u32
    }

    /// The row of a code; in a system that does not tell cases apart, whatever its case.
    pub(crate) fn find(&self, code: &str) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let mut at = of_code(code, self.folds_case) as usize & mask;
        loop {
            match self.slots.get(at).copied().unwrap_or(0) {
                0 => return None,
                taken if self.is_same(self.code(taken - 1), code) => return Some(taken - 1),
                _ => at = (at + 1) & mask,
            }
        }
    }

    pub(crate) fn code(&self, row: u32) -> &str {
        self.row(row).map_or("", |r| self.slice(r.at as usize, r.code as usize))
    }

    pub(crate) fn display(&self, row: u32) -> Option<&str> {
        let r = self.row(row)?;
        Some(self.slice(r.at as usize + r.code as usize + 1, r.display as usize)).filter(|d| !d.is_empty())
    }

    pub(crate) fn is_abstract(&self, row: u32) -> bool {
        self.row(row).is_some_and(|r| r.flags & ABSTRACT != 0)
    }

    pub(crate) fn is_inactive(&self, row: u32) -> bool {
        self.row(row).is_some_and(|r| r.flags & INACTIVE != 0)
    }

    /// All parents, the first one first.
    pub(crate) fn parents(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.edges.partition_point(|e| e.0 < row);
        let more = self.edges.iter().skip(from).take_while(move |e| e.0 == row).map(|e| e.1);
        self.row(row).map(|r| r.parent).filter(|p| *p != NONE).into_iter().chain(more)
    }

    /// Direct children.
    pub(crate) fn children(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        let end = self.row(row).map_or(0, |r| r.end);
        let mut at = row + 1;
        let own = std::iter::from_fn(move || {
            let child = (at < end).then_some(at)?;
            at = self.row(child)?.end;
            Some(child)
        });
        own.chain(self.edges.iter().filter(move |e| e.1 == row).map(|e| e.0))
    }

    /// The row and everything below it, as bits.
    pub(crate) fn below(&self, row: u32) -> Rows {
        let mut out = Rows::none(self.len());
        out.add_range(row, self.row(row).map_or(row, |r| r.end));
        loop {
            let mut grew = false;
            for (child, parent) in &self.edges {
                if out.has(*parent) && !out.has(*child) {
                    out.add_range(*child, self.row(*child).map_or(*child, |r| r.end));
                    grew = true;
                }
            }
            if !grew {
                return out;
            }
        }
    }

    /// The row and everything above it, as bits.
    pub(crate) fn above(&self, row: u32) -> Rows {
        let mut out = Rows::none(self.len());
        let mut open = vec![row];
        while let Some(at) = open.pop() {
            if !out.has(at) {
                out.add_range(at, at + 1);
                open.extend(self.parents(at));
            }
        }
        out
    }

    /// Whether `row` is `ancestor` or below it.
    pub(crate) fn is_a(&self, row: u32, ancestor: u32) -> bool {
        let inside = self.row(ancestor).is_some_and(|a| (ancestor..a.end).contains(&row));
        inside || (!self.edges.is_empty() && self.above(row).has(ancestor))
    }

    /// The values of a row in the order in which they were given.
    pub(crate) fn values(&self, row: u32) -> impl Iterator<Item = (&ValueKind, &str)> {
        let from = self.row(row).map_or(0, |r| r.values as usize);
        let to = self.row(row + 1).map_or(self.values.len(), |r| r.values as usize);
        let own = self.values.get(from..to).unwrap_or(&[]).iter();
        own.filter_map(|v| Some((self.kinds.get(v.kind())?, self.slice(v.at as usize, v.len()))))
    }

    /// The kinds of values that some row has.
    pub(crate) fn kinds(&self) -> &[ValueKind] {
        &self.kinds
    }

    /// Bytes in memory: text, and all beside it.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        let beside = self.rows.capacity() * size_of::<Row>()
            + self.slots.capacity() * size_of::<u32>()
            + self.values.capacity() * size_of::<Value>()
            + self.edges.capacity() * size_of::<(u32, u32)>();
        (self.text.len(), beside)
    }
}
