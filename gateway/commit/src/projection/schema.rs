//! The tables of the projection. One table a resource type (generated from the search table), and a few shared ones.
//!
//! Nothing here is ever migrated: where the schema hash of a file differs from ours, the file is thrown away and
//! computed again from the journal.

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::search::table::{self, Plan, TypeTable};

/// Counts changes of meaning that the texts below do not show (hashes, apply rules, date zone).
const VERSION: u32 = 2;

const SHARED: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- short repeated texts (systems, codes, sources, message types), all in memory too
CREATE TABLE intern(n INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE text(param INTEGER, norm TEXT, rid INTEGER, ver INTEGER, exact TEXT,
  PRIMARY KEY(param, norm, rid, ver)) WITHOUT ROWID;
-- bodies that no journal entry holds, because a merge made them
CREATE TABLE inline(n INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE history(type INTEGER, rid INTEGER, ver INTEGER, seq INTEGER, off INTEGER, len INTEGER,
  PRIMARY KEY(type, rid, ver)) WITHOUT ROWID;
CREATE INDEX history_seq ON history(type, seq);
-- writes that a status or time rule kept from becoming a version
CREATE TABLE superseded(type INTEGER, rid INTEGER, seq INTEGER, off INTEGER, len INTEGER, reason INTEGER,
  PRIMARY KEY(type, rid, seq, off)) WITHOUT ROWID;
-- what was decided or done, for the projections that are kept in memory: they are read from here at start
CREATE TABLE event(kind INTEGER, seq INTEGER, n INTEGER, body BLOB, PRIMARY KEY(kind, seq, n)) WITHOUT ROWID;
CREATE TABLE message(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, receipt TEXT, source INTEGER, control TEXT,
  type INTEGER, outcome INTEGER, hash INTEGER, refers INTEGER, refs BLOB);
";

/// Columns of every resource table before the searchable ones.
/// `off`: position of the body in its journal entry, or minus the number of an inline body. `len` 0: deleted.
/// `has`: which of the parameters without column have a value. `ev`: business time of the newest write. `merged`: what each source said last, see `apply`.
pub(crate) const BASE: [&str; 9] = ["rid", "id", "ver", "seq", "off", "len", "ev", "merged", "has"];

/// Name of the table of a type.
pub(crate) fn table_name(ty: &TypeTable) -> String {
    format!("r_{}", ty.resource_type)
}

/// The searchable columns of a type, in the order in which [`super::values`] fills them: those of its column
/// parameters, then the first value of each string parameter (for sorting).
pub(crate) fn search_columns(ty: &TypeTable) -> Vec<String> {
    let mut out: Vec<String> = ty.columns.iter().flat_map(|c| c.names()).collect();
    out.extend(ty.params.iter().filter(|p| p.plan == Plan::Text).map(|p| text_column(p.name)));
    out
}

/// Normalised texts are cut to this (bytes): enough to find them, small enough for an index.
const NORM_MAX: usize = 255;

/// A normalised text as it is stored.
pub(crate) fn norm(text: &str) -> &str {
    let mut end = text.len().min(NORM_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

pub(crate) fn text_column(param: &str) -> String {
    format!("t_{}", param.replace('-', "_"))
}

fn type_sql(ty: &TypeTable) -> String {
    let name = table_name(ty);
    let mut columns = vec!["rid INTEGER PRIMARY KEY".to_owned()];
    columns.extend(BASE.iter().skip(1).map(|c| (*c).to_owned()));
    columns.extend(search_columns(ty));
    let mut sql = format!("CREATE TABLE {name}({});\n", columns.join(", "));
    sql += &format!("CREATE INDEX {name}_seq ON {name}(seq);\n");
    for (i, columns) in ty.indexes.iter().enumerate() {
        let columns = columns.join(", ");
        let lead = columns.split(',').next().unwrap_or_default();
        sql += &format!("CREATE INDEX {name}_{i} ON {name}({columns}) WHERE {lead} IS NOT NULL;\n");
    }
    sql
}

fn all_sql() -> String {
    let mut sql = format!("{SHARED}{}", super::postings::TABLES);
    for ty in table::types() {
        sql += &type_sql(ty);
    }
    sql
}

/// What a file must have been made with to be used.
pub(crate) fn hash() -> String {
    let mut hash = Sha256::new();
    hash.update(VERSION.to_be_bytes());
    hash.update(table::text());
    hash.update(all_sql());
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// Makes all tables in an empty file.
pub(crate) fn create(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(&format!("BEGIN; {} COMMIT;", all_sql()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_can_be_made_and_the_hash_is_stable() {
        let conn = Connection::open_in_memory().unwrap();
        create(&conn).unwrap();
        let tables: i64 = conn
            .query_row("SELECT count(*) FROM sqlite_schema WHERE type='table' AND name LIKE 'r\\_%' ESCAPE '\\'", [], |r| r.get(0))
            .unwrap();
        assert_eq!(tables as usize, table::types().len());
        assert_eq!(hash(), hash());
    }
}
