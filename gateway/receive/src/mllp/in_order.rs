//! Answers to come, given out in the order of their questions.
//!
//! All futures of a connection live in its one task. Each has its own waker, which sets its bit in a word that
//! the task reads: a group commit that finishes thirty messages at once wakes the task once, and only the
//! futures that were woken are polled. That is also why at most 64 can be in work.

use crate::handler::{Answer, Pending};
use hutong_wire::budget::Charge;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The most that can be in work at once: bits of the word.
pub(super) const CAPACITY: usize = 64;

pub(super) struct InOrder {
    slots: VecDeque<Slot>,
    /// Number of the front slot since the connection began; its bit is this modulo 64.
    front: u64,
    woken: Arc<Woken>,
    wakers: Vec<Waker>,
}

struct Slot {
    work: Work,
    /// The message's share of the memory budget, given back with the answer.
    _charge: Charge,
}

enum Work {
    Running(Pending),
    Done(Answer),
}

struct Woken {
    bits: AtomicU64,
    task: Mutex<Option<Waker>>,
}

struct SlotWaker {
    woken: Arc<Woken>,
    bit: u64,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let before = self.woken.bits.fetch_or(self.bit, Ordering::AcqRel);
        // Where another bit is still set, the task has been woken and has not looked yet: it will see ours.
        if before == 0 {
            self.woken.wake_task();
        }
    }
}

impl Woken {
    fn wake_task(&self) {
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.wake_by_ref();
        }
    }

    fn register(&self, waker: &Waker) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if !task.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *task = Some(waker.clone());
        }
    }
}

impl InOrder {
    pub(super) fn new() -> InOrder {
        let woken = Arc::new(Woken { bits: AtomicU64::new(0), task: Mutex::new(None) });
        InOrder { slots: VecDeque::new(), front: 0, woken, wakers: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds a message in work and lets it go as far as it can. The caller keeps within [`CAPACITY`].
    pub(super) fn push(&mut self, mut pending: Pending, charge: Charge) {
        let bit = bit_of(self.front.wrapping_add(self.slots.len() as u64));
        let waker = self.waker(bit);
        let work = match pending.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => Work::Done(answer),
            Poll::Pending => Work::Running(pending),
        };
        self.slots.push_back(Slot { work, _charge: charge });
    }

    /// Call before [`InOrder::pop`] in each poll of the task: looks at who was woken.
    pub(super) fn poll_woken(&mut self, cx: &mut Context<'_>) {
        if self.slots.is_empty() {
            return;
        }
        self.woken.register(cx.waker());
        let mut bits = self.woken.bits.swap(0, Ordering::AcqRel);
        while bits != 0 {
            let bit = u64::from(bits.trailing_zeros());
            bits &= bits - 1;
            let place = bit.wrapping_sub(self.front) % CAPACITY as u64;
            let waker = self.waker(bit);
            // A bit may be left over from an answer that is already gone; there is then nothing to poll.
            let Some(slot) = self.slots.get_mut(place as usize) else { continue };
            if let Work::Running(pending) = &mut slot.work
                && let Poll::Ready(answer) = pending.as_mut().poll(&mut Context::from_waker(&waker))
            {
                slot.work = Work::Done(answer);
            }
        }
    }

    /// The next answer, if the oldest message has its own.
    pub(super) fn pop(&mut self) -> Option<Answer> {
        if !matches!(self.slots.front()?.work, Work::Done(_)) {
            return None;
        }
        self.front = self.front.wrapping_add(1);
        match self.slots.pop_front()?.work {
            Work::Done(answer) => Some(answer),
            Work::Running(_) => None,
        }
    }

    fn waker(&mut self, bit: u64) -> Waker {
        while self.wakers.len() as u64 <= bit {
            let next = self.wakers.len() as u64;
            self.wakers.push(Waker::from(Arc::new(SlotWaker { woken: self.woken.clone(), bit: 1 << next })));
        }
        self.wakers.get(bit as usize).map_or_else(|| Waker::noop().clone(), Clone::clone)
    }
}

fn bit_of(number: u64) -> u64 {
    number % CAPACITY as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hutong_wire::budget::Budget;
    use proptest::prelude::*;
    use std::sync::atomic::AtomicUsize;
    use tokio::sync::oneshot;

    fn answer(number: usize) -> Answer {
        Answer::Send(Bytes::from(number.to_string()))
    }

    fn waiting(number: usize) -> (oneshot::Sender<()>, Pending) {
        let (done, wait) = oneshot::channel();
        let pending = Box::pin(async move {
            let _ = wait.await;
            answer(number)
        });
        (done, pending)
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn thirty_finished_at_once_wake_the_task_once() {
        let budget = Budget::new(100);
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let mut cx = Context::from_waker(&waker);
        let mut queue = InOrder::new();
        let done: Vec<_> = (0..30)
            .map(|number| {
                let (done, pending) = waiting(number);
                queue.push(pending, budget.charge());
                done
            })
            .collect();
        queue.poll_woken(&mut cx);
        assert_eq!(queue.pop(), None);
        for done in done.into_iter().rev() {
            done.send(()).unwrap();
        }
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        queue.poll_woken(&mut cx);
        let given: Vec<Answer> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(given, (0..30).map(answer).collect::<Vec<_>>());
    }

    proptest! {
        /// Steps: `Some(n)` finishes one of the messages in work, `None` adds one. Whatever the order, answers
        /// come in the order of their questions and as soon as they can.
        #[test]
        fn answers_come_in_order_whoever_finishes_first(steps in proptest::collection::vec(proptest::option::of(0usize..64), 1..400)) {
            let budget = Budget::new(100);
            let mut cx = Context::from_waker(Waker::noop());
            let mut queue = InOrder::new();
            let mut open: Vec<(usize, oneshot::Sender<()>)> = Vec::new();
            let (mut asked, mut given) = (0, 0);
            for step in steps {
                match step {
                    None if queue.len() < CAPACITY => {
                        let (done, pending) = waiting(asked);
                        queue.push(pending, budget.charge());
                        open.push((asked, done));
                        asked += 1;
                    }
                    None => {}
                    Some(choice) if !open.is_empty() => {
                        let (_, done) = open.swap_remove(choice % open.len());
                        done.send(()).unwrap();
                    }
                    Some(_) => {}
                }
                queue.poll_woken(&mut cx);
                while let Some(got) = queue.pop() {
                    prop_assert_eq!(got, answer(given));
                    given += 1;
                }
                let oldest = open.iter().map(|(number, _)| *number).min().unwrap_or(asked);
                prop_assert_eq!(given, oldest, "everything before the oldest open message is answered");
            }
        }
    }
}
