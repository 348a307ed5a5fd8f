//! How many messages came from whom, day by day: for notes on the quality of data and for seeing who fell silent.

use hutong_fhir::calendar::{CHINA_US, DAY_US};

use super::read::{ReadError, Reader};
use crate::entry::Final;

/// Messages of a source that were committed on one day, by what became of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrived {
    pub source: String,
    /// Days since 1970 in China.
    pub day: i64,
    pub outcome: Final,
    pub count: u64,
    /// When the last of them was committed, microseconds since 1970.
    pub last_us: i64,
}

impl Reader {
    /// What the entries behind `after` up to `until` come to; acts at the gateway itself, whose types have a `/`, are left
    /// out.
    pub fn arrived(&self, after: u64, until: u64) -> Result<Vec<Arrived>, ReadError> {
        self.with(|s| {
            let mut find = s.conn.prepare_cached(
                "SELECT i.text, (m.at + ?3) / ?4, m.outcome, count(*), max(m.at) FROM message m
                 JOIN intern i ON i.n=m.source LEFT JOIN intern t ON t.n=m.type
                 WHERE m.seq>?1 AND m.seq<=?2 AND coalesce(t.text, '') NOT LIKE '%/%' GROUP BY 1, 2, 3",
            )?;
            let mut rows = find.query(rusqlite::params![after as i64, until as i64, CHINA_US, DAY_US])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let outcome = usize::try_from(row.get::<_, i64>(2)?).ok().and_then(|n| Final::ALL.get(n).copied());
                let Some(outcome) = outcome else { continue };
                let count = row.get::<_, i64>(3)?.unsigned_abs();
                out.push(Arrived { source: row.get(0)?, day: row.get(1)?, outcome, count, last_us: row.get(4)? });
            }
            Ok(out)
        })
    }
}
