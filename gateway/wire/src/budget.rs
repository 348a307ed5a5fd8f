//! The bytes of messages in work in the whole daemon, counted, so that a flood slows its senders and never
//! fills the memory.
//!
//! Who is about to read takes a [`Charge`] first; where the budget is spent the socket is simply not read, and
//! TCP tells the sender. A charge is given back when it is dropped.
//!
//! Frames that are half read could hold the whole budget while each waits for more. So one of them at a time may
//! pass the limit, by one message at most: something always moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Shared by all listeners. Cheap to clone.
#[derive(Clone)]
pub struct Budget {
    inner: Arc<Inner>,
}

struct Inner {
    limit: usize,
    used: AtomicUsize,
    overdrawn: AtomicBool,
    freed: Notify,
}

impl Budget {
    /// `limit` in bytes.
    pub fn new(limit: usize) -> Budget {
        Budget { inner: Arc::new(Inner { limit, used: AtomicUsize::new(0), overdrawn: AtomicBool::new(false), freed: Notify::new() }) }
    }

    /// A charge of nothing, to grow with [`Charge::try_grow`].
    pub fn charge(&self) -> Charge {
        Charge { budget: self.clone(), bytes: 0, overdraws: false }
    }

    /// Bytes taken now.
    pub fn used(&self) -> usize {
        self.inner.used.load(Ordering::Relaxed)
    }

    /// Resolves when something was given back after this call; ask again then.
    pub async fn freed(&self) {
        self.inner.freed.notified().await;
    }

    fn take(&self, bytes: usize) -> bool {
        let limit = self.inner.limit;
        let taken = self
            .inner
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |used| used.checked_add(bytes).filter(|after| *after <= limit));
        taken.is_ok()
    }

    fn give(&self, bytes: usize) {
        if bytes > 0 {
            let before = self.inner.used.fetch_sub(bytes, Ordering::AcqRel);
            // Nobody waits unless the budget is nearly spent, and a spent budget is rare: the notification,
            // which takes a lock, is kept off the common path.
            if before > self.inner.limit / 2 {
                self.inner.freed.notify_waiters();
            }
        }
    }
}

/// Bytes taken from a [`Budget`].
pub struct Charge {
    budget: Budget,
    bytes: usize,
    /// It is the one that may pass the limit.
    overdraws: bool,
}

impl Charge {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes the charge at least `bytes`; `false` where the budget does not allow it.
    pub fn try_grow(&mut self, bytes: usize) -> bool {
        match bytes.checked_sub(self.bytes) {
            None | Some(0) => true,
            Some(more) if self.budget.take(more) => {
                self.bytes = bytes;
                true
            }
            Some(_) => false,
        }
    }

    /// As [`Charge::try_grow`], past the limit, where no other charge is past it. For frames that have begun.
    pub fn overdraw(&mut self, bytes: usize) -> bool {
        let inner = &self.budget.inner;
        if !self.overdraws && inner.overdrawn.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.overdraws = true;
        let more = bytes.saturating_sub(self.bytes);
        inner.used.fetch_add(more, Ordering::AcqRel);
        self.bytes += more;
        true
    }

    /// Moves up to `bytes` of this charge, and the right to overdraw, into one of its own: that of a message
    /// which is now whole.
    pub fn split(&mut self, bytes: usize) -> Charge {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Charge { budget: self.budget.clone(), bytes, overdraws: std::mem::take(&mut self.overdraws) }
    }

    /// Gives back what exceeds `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        if self.bytes > bytes {
            self.budget.give(self.bytes - bytes);
            self.bytes = bytes;
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.overdraws {
            self.budget.inner.overdrawn.store(false, Ordering::Release);
        }
        self.budget.give(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        let budget = Budget::new(100);
        let mut first = budget.charge();
        assert!(first.try_grow(60));
        let mut second = budget.charge();
        assert!(!second.try_grow(41), "60 + 41 is more than the budget");
        assert!(second.try_grow(40));
        let part = first.split(50);
        assert_eq!((part.bytes(), first.bytes(), budget.used()), (50, 10, 100));
        drop(part);
        assert_eq!(budget.used(), 50);
        second.shrink(5);
        assert_eq!(budget.used(), 15);
        drop((first, second));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn one_at_a_time_may_pass_the_limit() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (budget.charge(), budget.charge());
        assert!(first.try_grow(50) && second.try_grow(50));
        assert!(first.overdraw(80) && first.overdraw(90));
        assert!(!second.overdraw(60));
        let whole = first.split(90);
        drop(first);
        assert!(!second.overdraw(60), "the message that overdrew is still in work");
        drop(whole);
        assert_eq!(budget.used(), 50);
        assert!(second.overdraw(60));
    }

    #[tokio::test]
    async fn a_waiter_hears_of_freed_bytes() {
        let budget = Budget::new(10);
        let mut held = budget.charge();
        assert!(held.try_grow(10));
        let waiting = budget.clone();
        let waiter = tokio::spawn(async move { waiting.freed().await });
        tokio::task::yield_now().await;
        drop(held);
        waiter.await.unwrap();
    }
}
