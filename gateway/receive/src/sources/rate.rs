//! How fast a source may send: a virtual clock (GCRA), one number, no queue.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A rate with its state, shared by all connections of a source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Messages a second, on average.
    pub per_s: u64,
    /// Messages at once.
    pub burst: u64,
    #[serde(skip, default = "Instant::now")]
    start: Instant,
    /// When the messages taken so far would have been due at exactly `per_s`, in ns since `start`.
    #[serde(skip)]
    due_ns: AtomicU64,
}

impl Rate {
    pub fn new(per_s: u64, burst: u64) -> Rate {
        Rate { per_s, burst, start: Instant::now(), due_ns: AtomicU64::new(0) }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.per_s > 0 && self.burst > 0
    }

    /// Counts a message that is taken in any case. Zero: within the rate. Otherwise: how long to read nothing
    /// more from this source.
    pub fn count(&self, now: Instant) -> Duration {
        let due = |before| self.due_after(before, now);
        let before = self.due_ns.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |before| Some(due(before))).unwrap_or_default();
        self.over(due(before), now)
    }

    /// Counts a message if it is within the rate.
    ///
    /// # Errors
    /// How long to wait until one is.
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        let due = |before| Some(self.due_after(before, now)).filter(|due| self.over(*due, now).is_zero());
        match self.due_ns.fetch_update(Ordering::AcqRel, Ordering::Relaxed, due) {
            Ok(_) => Ok(()),
            Err(before) => Err(self.over(self.due_after(before, now), now)),
        }
    }

    fn interval_ns(&self) -> u64 {
        1_000_000_000 / self.per_s.max(1)
    }

    fn now_ns(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    fn due_after(&self, before: u64, now: Instant) -> u64 {
        before.max(self.now_ns(now)).saturating_add(self.interval_ns())
    }

    fn over(&self, due: u64, now: Instant) -> Duration {
        let burst = self.interval_ns().saturating_mul(self.burst);
        Duration::from_nanos(due.saturating_sub(self.now_ns(now)).saturating_sub(burst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_counts() {
        let rate = Rate::new(100, 5);
        let at = rate.start + Duration::from_secs(7);
        for message in 1..=5 {
            assert_eq!(rate.count(at), Duration::ZERO, "message {message} is within the burst");
        }
        assert_eq!(rate.admit(at), Err(Duration::from_millis(10)));
        assert_eq!(rate.admit(at), Err(Duration::from_millis(10)), "a refused message does not count");
        assert_eq!(rate.count(at), Duration::from_millis(10));
        assert_eq!(rate.count(at), Duration::from_millis(20));
        assert_eq!(rate.admit(at + Duration::from_secs(1)), Ok(()), "after a pause the burst is there again");
    }
}
