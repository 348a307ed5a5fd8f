//! What the standard says: fields, data types, message structures, events. One grammar for 2.1 to 2.9: the latest
//! definition of a position, with the types that earlier versions gave it. The tables and their source are in
//! `tables/`; they are read on first use, structures one by one.

mod positions;
mod structure;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::OnceLock;

pub use positions::{ComponentDef, Datatype, FieldDef, SegmentDef};
pub use structure::{GroupDef, Structure};
pub(super) use structure::{Node, SegmentId};

const SEGMENTS: &str = include_str!("../../../tables/segments.tsv");
const DATATYPES: &str = include_str!("../../../tables/datatypes.tsv");
const STRUCTURES: &str = include_str!("../../../tables/structures.tsv");
const EVENTS: &str = include_str!("../../../tables/events.tsv");
const CODES: &str = include_str!("../../../tables/codes.tsv");

/// The grammar of HL7 v2.
pub struct Grammar {
    segments: HashMap<&'static str, SegmentDef>,
    datatypes: HashMap<&'static str, Datatype>,
    structures: HashMap<&'static str, (&'static str, OnceLock<Structure>)>,
    /// Structure by message code and event; `*` is any event.
    events: HashMap<(&'static str, &'static str), &'static str>,
    codes: HashMap<&'static str, Vec<&'static str>>,
    /// Names of all segments, sorted; a segment's id is its place here.
    ids: Vec<[u8; 3]>,
}

impl Grammar {
    pub fn get() -> &'static Grammar {
        static GRAMMAR: OnceLock<Grammar> = OnceLock::new();
        GRAMMAR.get_or_init(Grammar::load)
    }

    fn load() -> Grammar {
        let segments = positions::segments(SEGMENTS);
        let mut ids: Vec<[u8; 3]> = segments.keys().filter_map(|name| name.as_bytes().try_into().ok()).collect();
        ids.sort_unstable();
        ids.truncate(structure::IDS_MAX);
        let mut codes = HashMap::new();
        for [table, values] in rows(CODES) {
            codes.insert(table, values.split(' ').collect());
        }
        Grammar {
            datatypes: positions::datatypes(DATATYPES),
            structures: rows(STRUCTURES).map(|[id, notation]| (id, (notation, OnceLock::new()))).collect(),
            events: rows(EVENTS).map(|[code, event, structure]| ((code, event), structure)).collect(),
            segments,
            codes,
            ids,
        }
    }

    /// A segment by name, e.g. `PID`; none for Z segments.
    pub fn segment(&self, name: &str) -> Option<&SegmentDef> {
        self.segments.get(name)
    }

    /// All segments, by name.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentDef> {
        let mut all: Vec<_> = self.segments.values().collect();
        all.sort_unstable_by_key(|segment| segment.name);
        all.into_iter()
    }

    /// A composite data type, e.g. `CX`; primitive ones have no entry.
    pub fn datatype(&self, name: &str) -> Option<&Datatype> {
        self.datatypes.get(name)
    }

    pub fn datatypes(&self) -> impl Iterator<Item = &Datatype> {
        let mut all: Vec<_> = self.datatypes.values().collect();
        all.sort_unstable_by_key(|datatype| datatype.name);
        all.into_iter()
    }

    /// Whether a name is that of a data type, composite or not.
    pub fn is_datatype(&self, name: &str) -> bool {
        const PRIMITIVE: [&str; 14] = ["DT", "DTM", "FT", "GTS", "ID", "IS", "NM", "SI", "SNM", "ST", "TM", "TN", "TX", "varies"];
        self.datatypes.contains_key(name) || PRIMITIVE.contains(&name)
    }

    /// A message structure of table 0354, e.g. `ORU_R01`.
    pub fn structure(&self, id: &str) -> Option<&Structure> {
        let (id, (notation, slot)) = self.structures.get_key_value(id)?;
        Some(slot.get_or_init(|| Structure::read(id, notation, self)))
    }

    pub fn structure_ids(&self) -> impl Iterator<Item = &'static str> {
        let mut all: Vec<_> = self.structures.keys().copied().collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// The structure of a message: by MSH-9.1 and 9.2; else what MSH-9.3 says, where that is known; else what is usual
    /// for the message code. `None`: nothing is known of such messages.
    pub fn structure_of(&self, code: &str, event: &str, declared: &str) -> Option<&'static str> {
        self.structure_of_event(code, event)
            .or_else(|| self.structures.get_key_value(declared).map(|(id, _)| *id))
            .or_else(|| self.structure_of_event(code, "*"))
    }

    pub(super) fn structure_of_event(&self, code: &str, event: &str) -> Option<&'static str> {
        self.events.get(&(code, event)).copied()
    }

    /// MSH-9.1, table 0076.
    pub fn is_message_code(&self, code: &str) -> bool {
        self.is_in("0076", code)
    }

    /// MSH-9.2, table 0003.
    pub fn is_event(&self, event: &str) -> bool {
        self.is_in("0003", event)
    }

    /// MSH-12, table 0104: 2.0 to 2.9.1.
    pub fn is_version(&self, version: &str) -> bool {
        self.is_in("0104", version)
    }

    fn is_in(&self, table: &str, value: &str) -> bool {
        self.codes.get(table).is_some_and(|values| values.binary_search(&value).is_ok())
    }

    pub(super) fn id_of(&self, name: [u8; 3]) -> Option<SegmentId> {
        self.ids.binary_search(&name).ok().and_then(|id| SegmentId::try_from(id).ok())
    }
}

/// The rows of a table that have `N` columns; `#` starts a comment.
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut columns = line.split('\t');
        let mut row = [""; N];
        for column in &mut row {
            *column = columns.next()?;
        }
        Some(row)
    })
}
