//! Named steps at which the crash tests kill the process; nothing at all in an ordinary build.
//!
//! `HUTONG_FAILPOINT=after-write:17` kills the process without warning the 17th time that it comes to `after-write`.

/// Every step that can be named.
#[cfg(any(test, feature = "failpoints"))]
pub const STEPS: [&str; 14] = [
    "before-write",
    "during-write",
    "after-write",
    "after-sync",
    "before-ack",
    "after-ack",
    "before-apply",
    "after-apply",
    "after-rotate",
    "before-seal-sync",
    "before-seal-rename",
    "after-seal-rename",
    "before-recycle",
    "after-recycle",
];

/// Comes to a step.
#[cfg(any(test, feature = "failpoints"))]
pub(crate) fn point(step: &str) {
    if chosen(step) {
        die();
    }
}

/// Ends the process as `kill -9` does.
pub(crate) fn die() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

/// Whether the process is to die at this very step.
#[cfg(any(test, feature = "failpoints"))]
pub(crate) fn chosen(step: &str) -> bool {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static PLAN: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let plan = PLAN.get_or_init(|| {
        let value = std::env::var("HUTONG_FAILPOINT").ok()?;
        let (name, count) = value.split_once(':')?;
        Some((name.to_owned(), count.parse().ok()?))
    });
    plan.as_ref().is_some_and(|(name, count)| name == step && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *count)
}

#[cfg(not(any(test, feature = "failpoints")))]
#[inline(always)]
pub(crate) fn point(_step: &str) {}

#[cfg(not(any(test, feature = "failpoints")))]
#[inline(always)]
pub(crate) fn chosen(_step: &str) -> bool {
    false
}

/// What `HUTONG_SABOTAGE` says is done wrong on purpose: the crash tests must then find losses, or they prove nothing.
/// `no-sync` leaves out every sync of a file, `early-answer` writes a batch some time after it was answered.
#[cfg(any(test, feature = "failpoints"))]
pub(crate) fn sabotage(name: &str) -> bool {
    use std::sync::OnceLock;
    static DONE: OnceLock<Option<String>> = OnceLock::new();
    DONE.get_or_init(|| std::env::var("HUTONG_SABOTAGE").ok()).as_deref() == Some(name)
}

#[cfg(not(any(test, feature = "failpoints")))]
#[inline(always)]
pub(crate) fn sabotage(_name: &str) -> bool {
    false
}

/// For `early-answer`.
pub(crate) fn write_later(file: std::sync::Arc<dyn super::disk::DiskFile>, bytes: Vec<u8>, offset: u64) {
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let _ = file.write_at(&bytes, offset);
    });
}
