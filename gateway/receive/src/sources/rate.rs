//! How fast a source may send: a virtual clock (GCRA), one number, no queue.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A rate with its state, shared by all connections of a source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Messages a second, on average.
    pub per_s: u64,
    /// Messages at once.
    pub burst: u64,
    /// When the messages taken so far would have been due at exactly `per_s`, in ns since the daemon's start.
    #[serde(skip)]
    due_ns: AtomicU64,
}

impl Rate {
    pub fn new(per_s: u64, burst: u64) -> Rate {
        Rate { per_s, burst, due_ns: AtomicU64::new(0) }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.per_s > 0 && self.burst > 0
    }

    /// Counts one message at `now` (monotonic, since any fixed start). Zero: within the rate. Otherwise: how
    /// long to read nothing more from this source.
    pub fn count(&self, now: Duration) -> Duration {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let interval = 1_000_000_000 / self.per_s.max(1);
        let due = |before: u64| before.max(now).saturating_add(interval);
        let before = self.due_ns.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |before| Some(due(before))).unwrap_or_default();
        Duration::from_nanos(due(before).saturating_sub(now).saturating_sub(interval.saturating_mul(self.burst)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_counts() {
        let rate = Rate::new(100, 5);
        let at = Duration::from_secs(7);
        for message in 1..=5 {
            assert_eq!(rate.count(at), Duration::ZERO, "message {message} is within the burst");
        }
        assert_eq!(rate.count(at), Duration::from_millis(10));
        assert_eq!(rate.count(at), Duration::from_millis(20));
        assert_eq!(rate.count(at + Duration::from_secs(1)), Duration::ZERO, "after a pause the burst is there again");
    }
}
