//! Figures for Prometheus, rendered by ourselves (text format 0.0.4).
//!
//! Label values come from fixed sets, so that no client can make new series, and none says anything of a patient or
//! of who asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hutong_commit::store::Counts;

/// Upper bounds of the latency histogram in microseconds; the target is a p99 of 2 ms.
const BOUNDS_US: [u64; 12] = [100, 250, 500, 1_000, 2_000, 5_000, 10_000, 25_000, 100_000, 500_000, 1_000_000, 2_000_000];

/// A figure that another part of the gateway knows.
type Figure = Box<dyn Fn() -> f64 + Send + Sync>;

/// What is counted on the HTTP side.
#[derive(Default)]
pub(crate) struct Metrics {
    /// By interaction and status. One short lock a request; the map holds some tens of entries.
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    search: Histogram,
    /// Requests being answered now.
    pub(crate) in_flight: AtomicU64,
    figures: Vec<(&'static str, &'static str, Figure)>,
}

#[derive(Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

/// What the store says at the moment of rendering.
pub(crate) struct StoreFigures {
    pub(crate) counts: Counts,
    pub(crate) durable: u64,
    pub(crate) applied: u64,
}

impl Metrics {
    /// Adds a figure of another part; `name` and `help` in Prometheus' form: a name in `_total` is a counter.
    pub(crate) fn figure(&mut self, name: &'static str, help: &'static str, read: Figure) {
        self.figures.push((name, help, read));
    }

    pub(crate) fn request(&self, interaction: &'static str, status: u16, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *requests.entry((interaction, status)).or_default() += 1;
        drop(requests);
        if interaction.starts_with("search") {
            self.search.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn render(&self, store: &StoreFigures) -> String {
        let mut out = String::with_capacity(4096);
        let c = &store.counts;
        let simple = [
            ("hutong_messages_received_total", "counter", "Messages received.", c.received),
            ("hutong_messages_journalled_total", "counter", "Messages durable in the journal.", c.journalled),
            ("hutong_messages_answered_total", "counter", "Messages answered.", c.answered),
        ];
        for (name, kind, help, value) in simple {
            single(&mut out, name, kind, help, value as f64);
        }
        head(&mut out, "hutong_messages_final_total", "counter", "Messages by final state.");
        for (state, value) in [("stored", c.stored), ("rejected", c.rejected), ("held", c.held), ("duplicate", c.duplicate)] {
            let _ = writeln!(out, "hutong_messages_final_total{{state=\"{state}\"}} {value}");
        }
        single(
            &mut out,
            "hutong_messages_balanced",
            "gauge",
            "1 while received = journalled = answered = sum of final states.",
            f64::from(u8::from(balanced(c))),
        );
        single(&mut out, "hutong_journal_durable_sequence", "gauge", "Last entry that is durable.", store.durable as f64);
        single(&mut out, "hutong_projection_applied_sequence", "gauge", "Last entry that searches see.", store.applied as f64);
        let lag = store.durable.saturating_sub(store.applied);
        single(&mut out, "hutong_projection_lag_entries", "gauge", "Entries that are durable and not yet searchable.", lag as f64);

        head(&mut out, "hutong_http_requests_total", "counter", "HTTP requests by interaction and status.");
        let requests = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        for ((interaction, status), count) in requests {
            let _ = writeln!(out, "hutong_http_requests_total{{interaction=\"{interaction}\",status=\"{status}\"}} {count}");
        }
        single(
            &mut out,
            "hutong_http_requests_in_flight",
            "gauge",
            "HTTP requests being answered.",
            self.in_flight.load(Ordering::Relaxed) as f64,
        );
        self.search.render(&mut out);
        for (name, help, read) in &self.figures {
            single(&mut out, name, if name.ends_with("_total") { "counter" } else { "gauge" }, help, read());
        }
        process(&mut out);
        out
    }
}

/// received = journalled = answered = Σ final states.
pub(crate) fn balanced(c: &Counts) -> bool {
    let finals = c.stored + c.rejected + c.held + c.duplicate;
    c.received == c.journalled && c.journalled == c.answered && c.answered == finals
}

impl Histogram {
    fn add(&self, us: u64) {
        if let Some(bucket) = BOUNDS_US.iter().position(|bound| us <= *bound).and_then(|at| self.buckets.get(at)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn render(&self, out: &mut String) {
        const NAME: &str = "hutong_search_duration_seconds";
        head(out, NAME, "histogram", "Time of a search from request to answer.");
        let mut below = 0;
        for (bound, bucket) in BOUNDS_US.iter().zip(&self.buckets) {
            below += bucket.load(Ordering::Relaxed);
            let _ = writeln!(out, "{NAME}_bucket{{le=\"{}\"}} {below}", *bound as f64 / 1e6);
        }
        let count = self.count.load(Ordering::Relaxed);
        let sum = self.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(out, "{NAME}_bucket{{le=\"+Inf\"}} {count}\n{NAME}_sum {sum}\n{NAME}_count {count}");
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn single(out: &mut String, name: &str, kind: &str, help: &str, value: f64) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

/// The names that every Prometheus client library uses for the process itself.
fn process(out: &mut String) {
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    single(out, "process_cpu_seconds_total", "counter", "CPU time of the process.", seconds);
    if let Some(bytes) = resident_bytes() {
        single(out, "process_resident_memory_bytes", "gauge", "Memory of the process.", bytes as f64);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let mut metrics = Metrics::default();
        metrics.figure("hutong_mllp_connections", "Open connections.", Box::new(|| 3.0));
        metrics.figure("hutong_journal_flushes_total", "Flushes.", Box::new(|| 1e9));
        metrics.request("read", 200, Duration::from_millis(1));
        metrics.request("search-type", 200, Duration::from_micros(100));
        metrics.request("search-type", 200, Duration::from_micros(101));
        metrics.request("search-type", 400, Duration::from_secs(3));
        let counts = Counts { received: 3, journalled: 3, answered: 3, stored: 1, rejected: 1, held: 0, duplicate: 1 };
        let text = metrics.render(&StoreFigures { counts, durable: 7, applied: 5 });
        for line in [
            "hutong_messages_received_total 3",
            "hutong_messages_final_total{state=\"duplicate\"} 1",
            "hutong_messages_balanced 1",
            "hutong_projection_lag_entries 2",
            "hutong_http_requests_total{interaction=\"search-type\",status=\"400\"} 1",
            "hutong_search_duration_seconds_bucket{le=\"0.0001\"} 1",
            "hutong_search_duration_seconds_bucket{le=\"0.00025\"} 2",
            "hutong_search_duration_seconds_bucket{le=\"2\"} 2",
            "hutong_search_duration_seconds_bucket{le=\"+Inf\"} 3",
            "hutong_search_duration_seconds_count 3",
            "# TYPE hutong_mllp_connections gauge",
            "hutong_mllp_connections 3",
            "# TYPE hutong_journal_flushes_total counter",
            "hutong_journal_flushes_total 1000000000",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
        assert!(text.contains("process_resident_memory_bytes "));
        // every sample has its TYPE line before it
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|s| name.strip_suffix(s).filter(|n| n.starts_with("hutong_search")))
                .unwrap_or(name);
            assert!(text.contains(&format!("# TYPE {family} ")), "{family}");
        }
    }

    #[test]
    fn a_difference_is_not_balanced() {
        let even = Counts { received: 1, journalled: 1, answered: 1, stored: 1, ..Counts::default() };
        assert!(balanced(&even) && balanced(&Counts::default()));
        for odd in
            [Counts { received: 2, ..even }, Counts { answered: 0, ..even }, Counts { journalled: 2, ..even }, Counts { held: 1, ..even }]
        {
            assert!(!balanced(&odd), "{odd:?}");
        }
    }
}
