//! Segments and their fields, data types and their components.

use std::collections::HashMap;

/// A segment's definition.
pub struct SegmentDef {
    pub name: &'static str,
    /// In order of their numbers.
    pub fields: Vec<FieldDef>,
}

/// A field of a segment.
pub struct FieldDef {
    /// As HL7 counts, from 1.
    pub number: usize,
    /// Data type in the latest version that has the field; `varies` for OBX-5 and its like.
    pub datatype: &'static str,
    earlier: &'static str,
    pub required: bool,
    pub repeats: bool,
    /// Number of its HL7 table, four digits, or empty.
    pub table: &'static str,
    /// Item name, e.g. `Patient identifier list`.
    pub name: &'static str,
}

/// A composite data type.
pub struct Datatype {
    pub name: &'static str,
    /// In order of their numbers.
    pub components: Vec<ComponentDef>,
}

/// A component of a data type.
pub struct ComponentDef {
    pub number: usize,
    pub datatype: &'static str,
    earlier: &'static str,
    pub required: bool,
    pub table: &'static str,
    pub name: &'static str,
}

impl SegmentDef {
    /// Field `n` as HL7 counts.
    pub fn field(&self, n: usize) -> Option<&FieldDef> {
        self.fields.binary_search_by_key(&n, |field| field.number).ok().and_then(|i| self.fields.get(i))
    }
}

impl FieldDef {
    /// Data types that earlier versions gave the field, latest first.
    pub fn earlier_datatypes(&self) -> impl Iterator<Item = &'static str> {
        self.earlier.split(',').filter(|name| !name.is_empty())
    }
}

impl Datatype {
    /// Component `n`, from 1.
    pub fn component(&self, n: usize) -> Option<&ComponentDef> {
        self.components.binary_search_by_key(&n, |component| component.number).ok().and_then(|i| self.components.get(i))
    }
}

impl ComponentDef {
    /// Data types that earlier versions gave the component, latest first.
    pub fn earlier_datatypes(&self) -> impl Iterator<Item = &'static str> {
        self.earlier.split(',').filter(|name| !name.is_empty())
    }
}

pub(super) fn segments(table: &'static str) -> HashMap<&'static str, SegmentDef> {
    let mut segments: HashMap<_, SegmentDef> = HashMap::with_capacity(256);
    for [owner, number, datatype, earlier, minimum, maximum, values, name] in super::rows(table) {
        let Ok(number) = number.parse() else { continue };
        let field = FieldDef { number, datatype, earlier, required: minimum != "0", repeats: maximum == "*", table: values, name };
        segments.entry(owner).or_insert_with(|| SegmentDef { name: owner, fields: Vec::new() }).fields.push(field);
    }
    segments
}

pub(super) fn datatypes(table: &'static str) -> HashMap<&'static str, Datatype> {
    let mut datatypes: HashMap<_, Datatype> = HashMap::with_capacity(256);
    for [owner, number, datatype, earlier, minimum, _, values, name] in super::rows(table) {
        let Ok(number) = number.parse() else { continue };
        let component = ComponentDef { number, datatype, earlier, required: minimum != "0", table: values, name };
        datatypes.entry(owner).or_insert_with(|| Datatype { name: owner, components: Vec::new() }).components.push(component);
    }
    datatypes
}
