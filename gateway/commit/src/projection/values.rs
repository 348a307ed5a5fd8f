//! A resource's searchable values as they are stored: cells of its row, keys of its postings, rows of the table of
//! strings.

use std::sync::LazyLock;

use rusqlite::types::Value;

use super::extract::{self, Item, Slot};
use super::hash::{self, Tag};
use super::schema;
use crate::search::date::Range;
use crate::search::table::{self, Column, ColumnKind, Plan, TypeTable};
use crate::search::value::normalise;

/// Bounds of an open period. Far beyond every date, and their sums stay integers in SQL.
pub(crate) const OPEN_LO: i64 = -(1 << 61);
pub(crate) const OPEN_HI: i64 = 1 << 61;
/// A row of the table of strings, without its resource and version.
pub(crate) struct TextRow {
    pub(crate) param: i64,
    pub(crate) norm: String,
    pub(crate) exact: String,
}

/// Where the cells of a type stand among its search columns.
struct Layout {
    /// First cell of each column parameter.
    columns: Vec<usize>,
    /// Cell of each string parameter, by its index in `params`.
    texts: Vec<Option<usize>>,
    cells: usize,
}

static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    let layout = |ty: &TypeTable| {
        let mut cells = 0;
        let mut next = |n: usize| {
            cells += n;
            cells - n
        };
        let columns = ty.columns.iter().map(|c| next(c.names().len())).collect();
        let texts = ty.params.iter().map(|p| (p.plan == Plan::Text).then(|| next(1))).collect();
        Layout { columns, texts, cells }
    };
    table::types().iter().map(layout).collect()
});

/// A posting leads to a row and its version: it holds as long as that version is the current one.
pub(crate) fn pack(rid: i64, ver: i64) -> u64 {
    (rid as u64) << VERSION_BITS | (ver as u64).min((1 << VERSION_BITS) - 1)
}

/// Row and version of a packed value.
pub(crate) fn unpack(value: u64) -> (i64, i64) {
    ((value >> VERSION_BITS) as i64, (value & ((1 << VERSION_BITS) - 1)) as i64)
}

/// A resource of more versions than this is no longer found by what is only posted.
pub(crate) const VERSION_BITS: u32 = 24;

/// The values of one resource; kept and filled again for the next.
#[derive(Default)]
pub(crate) struct Values {
    /// In the order of [`super::schema::search_columns`].
    pub(crate) cells: Vec<Value>,
    /// Bits of the parameters without column that have a value.
    pub(crate) has: i64,
    /// Keys that lead to this row and version.
    pub(crate) keys: Vec<u64>,
    /// Keys that lead to the message.
    pub(crate) links: Vec<u64>,
    pub(crate) texts: Vec<TextRow>,
    /// (token column, code) of all codings, for pairs.
    codes: Vec<(usize, String)>,
}

impl Values {
    /// Reads `body`; `intern` gives texts their numbers.
    pub(crate) fn fill(&mut self, ty: &TypeTable, body: &[u8], intern: &mut dyn FnMut(&str) -> i64) {
        self.empty(ty);
        let Some(layout) = LAYOUTS.get(ty.number) else { return };
        let mut items = Vec::with_capacity(32);
        extract::items(ty, body, &mut items);
        for (slot, item) in &items {
            match *slot {
                Slot::Column(i) => self.column(&ty.columns[i], i, layout.columns[i], item, intern),
                Slot::Narrow(i) => {
                    self.has |= 1 << ty.params[i].bit;
                    self.post(ty.params[i].number, item);
                }
                Slot::Text(i) => {
                    self.has |= 1 << ty.params[i].bit;
                    self.text(ty.params[i].number, layout.texts[i], item);
                }
            }
        }
        for (reference, token) in &ty.pairs {
            let Value::Integer(target) = self.cells[layout.columns[*reference]] else { continue };
            for (_, code) in self.codes.iter().filter(|(column, _)| column == token) {
                self.keys.push(pair_key(ty.columns[*reference].number, target, code));
            }
        }
    }

    /// What a deleted resource has: nothing.
    pub(crate) fn empty(&mut self, ty: &TypeTable) {
        self.cells.clear();
        self.cells.resize(LAYOUTS.get(ty.number).map_or(0, |l| l.cells), Value::Null);
        self.has = 0;
        self.keys.clear();
        self.links.clear();
        self.texts.clear();
        self.codes.clear();
    }

    fn column(&mut self, column: &Column, index: usize, cell: usize, item: &Item<'_>, intern: &mut dyn FnMut(&str) -> i64) {
        let logical = matches!(item, Item::LogicalReference { .. });
        if let (Item::Token { code, .. }, true) = (item, column.posted) {
            self.codes.push((index, code.to_string()));
        }
        if logical || self.cells[cell] != Value::Null {
            if logical || column.further {
                self.post(column.number, item);
            }
            return;
        }
        match (item, column.kind) {
            (Item::Token { system, code }, ColumnKind::Token) => {
                self.cells[cell] = Value::Integer(intern(code));
                self.cells[cell + 1] = Value::Integer(intern(system.as_deref().unwrap_or_default()));
                if column.posted {
                    self.keys.push(hash::key(Tag::First, column.number, code.as_bytes(), b""));
                }
            }
            (Item::Reference(literal), ColumnKind::Reference) => {
                let value = hash::reference(literal);
                self.cells[cell] = Value::Integer(value);
                if column.posted {
                    self.links.push(hash::key(Tag::Link, column.number, literal.as_bytes(), b""));
                }
            }
            (Item::Date(Range { lo, hi }), ColumnKind::Date) => {
                let (lo, len) = Values::stored_range(Range { lo: *lo, hi: *hi });
                self.cells[cell] = Value::Integer(lo);
                self.cells[cell + 1] = Value::Integer(len);
            }
            (Item::Quantity { value, unit, .. }, ColumnKind::Quantity) => {
                self.cells[cell] = Value::Real(*value);
                self.cells[cell + 1] = Value::Integer(intern(unit.as_deref().unwrap_or_default()));
            }
            _ => {}
        }
    }

    /// Lower bound and length of a range, as they stand in cells.
    pub(crate) fn stored_range(range: Range) -> (i64, i64) {
        let (lo, hi) = (range.lo.clamp(OPEN_LO, OPEN_HI), range.hi.clamp(OPEN_LO, OPEN_HI));
        (lo, hi - lo)
    }

    fn post(&mut self, param: i64, item: &Item<'_>) {
        let mut both = |any, within, system: &Option<std::borrow::Cow<'_, str>>, value: &str| {
            self.keys.push(hash::key(any, param, value.as_bytes(), b""));
            self.keys.push(system_key(within, param, system.as_deref().unwrap_or_default(), value));
        };
        match item {
            Item::Token { system, code } => both(Tag::Value, Tag::SystemValue, system, code),
            Item::LogicalReference { system, value } => both(Tag::Logical, Tag::SystemLogical, system, value),
            Item::Reference(text) | Item::Uri(text) => self.keys.push(hash::key(Tag::Value, param, text.as_bytes(), b"")),
            Item::Date(_) | Item::Text(_) | Item::Quantity { .. } => {}
        }
    }

    fn text(&mut self, param: i64, cell: Option<usize>, item: &Item<'_>) {
        let Item::Text(exact) = item else { return };
        let norm = schema::norm(&normalise(exact)).to_owned();
        if norm.is_empty() || self.texts.iter().any(|t| t.param == param && t.norm == norm && t.exact == **exact) {
            return;
        }
        if let Some(cell) = cell.and_then(|c| self.cells.get_mut(c))
            && *cell == Value::Null
        {
            *cell = Value::Text(norm.clone());
        }
        self.texts.push(TextRow { param, norm, exact: exact.to_string() });
    }
}

/// Key of a value within a system, which may be absent ("").
pub(crate) fn system_key(tag: Tag, param: i64, system: &str, value: &str) -> u64 {
    hash::key(tag, param, value.as_bytes(), format!("|{system}").as_bytes())
}

/// Key of a code that a resource with this reference (as a column value) has.
pub(crate) fn pair_key(param: i64, target: i64, code: &str) -> u64 {
    hash::key(Tag::Pair, param, &target.to_be_bytes(), code.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(ty: &str, body: &str) -> (Vec<(String, Value)>, Values) {
        let ty = table::of(ty).unwrap();
        let mut values = Values::default();
        let mut texts: Vec<String> = Vec::new();
        values.fill(ty, body.as_bytes(), &mut |t| {
            if t.is_empty() {
                return 0;
            }
            texts.iter().position(|k| k == t).unwrap_or_else(|| {
                texts.push(t.to_owned());
                texts.len() - 1
            }) as i64
                + 1
        });
        let cells = schema::search_columns(ty).into_iter().zip(values.cells.clone()).filter(|(_, v)| *v != Value::Null).collect();
        (cells, values)
    }

    #[test]
    fn first_values_are_cells_and_further_ones_are_posted() {
        let (cells, values) = fill(
            "Observation",
            r#"{"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"718-7"},{"code":"HGB"}]},
            "subject":{"reference":"Patient/1"},"basedOn":[{"reference":"ServiceRequest/1"},{"reference":"ServiceRequest/2"}],
            "effectiveDateTime":"1970-01-01T00:00:00Z"}"#,
        );
        let names: Vec<&str> = cells.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["s_status", "s_status_s", "s_code", "s_code_s", "s_subject", "s_date_lo", "s_date_len", "s_based_on"]);
        let obs = table::of("Observation").unwrap();
        let number = |n: &str| obs.columns.iter().find(|c| c.name == n).unwrap().number;
        let (code, based_on, subject) = (number("code"), number("based_on"), number("subject"));
        let patient = hash::reference("Patient/1");
        let mut want = vec![
            hash::key(Tag::First, code, b"718-7", b""),
            hash::key(Tag::Value, code, b"HGB", b""),
            system_key(Tag::SystemValue, code, "", "HGB"),
            hash::key(Tag::Value, based_on, b"ServiceRequest/2", b""),
            pair_key(subject, patient, "718-7"),
            pair_key(subject, patient, "HGB"),
        ];
        let mut keys = values.keys.clone();
        want.sort_unstable();
        keys.sort_unstable();
        assert_eq!(keys, want);
        let links = [hash::key(Tag::Link, subject, b"Patient/1", b""), hash::key(Tag::Link, based_on, b"ServiceRequest/1", b"")];
        assert_eq!(values.links, links);
    }

    #[test]
    fn open_periods_stay_integers() {
        let (cells, _) = fill("Encounter", r#"{"period":{"end":"1970-01-01T00:00:00Z"}}"#);
        let [(_, Value::Integer(lo)), (_, Value::Integer(len))] = &cells[..] else { panic!() };
        assert_eq!((*lo, lo + len), (OPEN_LO, 1_000_000));
    }

    #[test]
    fn names_are_found_by_every_part_and_sorted_by_the_first() {
        let (cells, values) = fill("Patient", r#"{"name":[{"text":"张 三","family":"Zhāng","given":["三"]}],"birthDate":"x"}"#);
        let cell = |n: &str| cells.iter().find(|(name, _)| name == n).map(|(_, v)| v.clone());
        assert_eq!(cell("t_name"), Some(Value::Text("张 三".into())));
        assert_eq!(cell("t_family"), Some(Value::Text("zhang".into())));
        assert_eq!(values.texts.len(), 5);
        let patient = table::of("Patient").unwrap();
        let bit = |n: &str| values.has >> patient.param(n).unwrap().bit & 1;
        assert_eq!((bit("name"), bit("family"), bit("identifier")), (1, 1, 0));
    }
}
