//! The deadlines of one connection, with one timer that is touched as rarely as possible.
//!
//! Re-arming a timer costs more than reading a small message. So the timer is only moved to an *earlier*
//! deadline; when it fires too early, the deadline of that moment is asked for again.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

pub(super) struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    pub(super) fn new() -> Alarm {
        Alarm { timer: None }
    }

    /// Ready when `deadline` has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        loop {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

/// When the bytes at hand began and last grew.
pub(super) struct Progress {
    /// The last byte read.
    pub(super) read: Instant,
    /// The first byte of the frame, or of the bytes outside one, that is at hand; moved forward by the time
    /// for which we did not read ourselves.
    pub(super) began: Instant,
    /// The last byte written while more were waiting.
    pub(super) written: Instant,
    /// Since when we do not read because our own work is not done.
    withheld: Option<Instant>,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Progress {
        Progress { read: now, began: now, written: now, withheld: None }
    }

    /// We stop reading: the peer is not to blame for silence from here on.
    pub(super) fn withhold(&mut self) {
        if self.withheld.is_none() {
            self.withheld = Some(Instant::now());
        }
    }

    pub(super) fn is_withheld(&self) -> bool {
        self.withheld.is_some()
    }

    pub(super) fn resume(&mut self) {
        if let Some(since) = self.withheld.take() {
            let now = Instant::now();
            self.began += now - since;
            self.read = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_goes_off_at_the_deadline_of_the_moment() {
        let start = Instant::now();
        let mut alarm = Alarm::new();
        // Armed for later than is wanted in the end, and for earlier.
        for (first, then) in [(50, 20), (10, 200)] {
            let begin = Instant::now();
            let first = begin + Duration::from_millis(first);
            let then = begin + Duration::from_millis(then);
            assert!(poll_fn(|cx| Poll::Ready(alarm.poll(cx, first))).await.is_pending());
            poll_fn(|cx| alarm.poll(cx, then)).await;
            assert_eq!(Instant::now(), then);
        }
        assert_eq!(Instant::now() - start, Duration::from_millis(220));
    }
}
