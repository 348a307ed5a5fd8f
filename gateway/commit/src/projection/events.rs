//! What was decided and done, in order: for projections that are kept in memory and read everything of theirs at start.

use rusqlite::OptionalExtension;

use super::read::{ReadError, Reader};

/// An event as it was applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEvent {
    /// Entry of the journal, and which of its events.
    pub seq: u64,
    pub n: u32,
    /// When the entry was committed, microseconds since 1970.
    pub at_us: i64,
    pub body: Vec<u8>,
}

impl Reader {
    /// At most `count` events of a kind behind a position, oldest first.
    pub fn events(&self, kind: &str, after: Option<(u64, u32)>, count: usize) -> Result<Vec<StoredEvent>, ReadError> {
        self.with(|s| {
            // in the file: what memory has interned meanwhile may belong to a transaction that is not committed
            let number: Option<i64> = s.conn.query_row("SELECT n FROM intern WHERE text=?1", [kind], |r| r.get(0)).optional()?;
            let Some(number) = number else { return Ok(Vec::new()) };
            let (seq, n) = after.map_or((0, -1), |(seq, n)| (seq as i64, i64::from(n)));
            let mut find = s.conn.prepare_cached(
                "SELECT e.seq, e.n, m.at, e.body FROM event e JOIN message m ON m.seq=e.seq
                 WHERE e.kind=?1 AND (e.seq, e.n)>(?2, ?3) ORDER BY e.seq, e.n LIMIT ?4",
            )?;
            let mut rows = find.query([number, seq, n, count as i64])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(StoredEvent { seq: row.get::<_, i64>(0)?.unsigned_abs(), n: row.get(1)?, at_us: row.get(2)?, body: row.get(3)? });
            }
            Ok(out)
        })
    }
}
