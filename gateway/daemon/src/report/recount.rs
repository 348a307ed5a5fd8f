//! The figures of recognition counted anew from the journal itself, entry by entry, and compared with the live ones.

use hutong_commit::error::StoreError;
use hutong_count::recognition::{By, Filter, differences, report};
use hutong_serve::AdminRefusal;
use serde_json::{Value, json};

use super::Made;

/// Differences that are told; how many there are is told in any case.
const TOLD: usize = 1_000;

/// `{"equal":…,"journalPosition":…,"differences":[…]}`
pub(super) fn recount(made: &Made<'_>, filter: &Filter) -> Result<Value, AdminRefusal> {
    let failed = |error: StoreError| {
        tracing::error!(rule = "report.recount", %error, "the journal could not be read for a recount");
        AdminRefusal::Unavailable
    };
    let (live, position) = {
        let community = made.community.read();
        (report(&community.figures, filter, By::Finest), community.applied())
    };
    let fresh = made.community.recounted(made.store, position).map_err(failed)?;
    let again = report(&fresh.read().figures, filter, By::Finest);
    let found = differences(&live, &again);
    let told: Vec<Value> = found
        .iter()
        .take(TOLD)
        .map(|d| {
            let mut it = json!({ "counter": d.counter, "published": d.published, "live": d.left, "recounted": d.right });
            for (column, name) in By::Finest.columns().iter().zip(&d.names) {
                it[*column] = json!(name);
            }
            it
        })
        .collect();
    Ok(json!({ "equal": found.is_empty(), "journalPosition": position, "rows": live.len(), "different": found.len(), "differences": told }))
}
