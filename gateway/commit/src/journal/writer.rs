//! The one thread that writes: gives numbers, finds duplicates, writes a batch as one piece, flushes it once, then
//! lets each sender know. Nothing is answered before the flush that made it durable has returned.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hutong_audit::{Hash, digest};

use super::fail;
use super::feed::Fresh;
use super::frame::{BLOCK, FrameHeader, FrameKind, space};
use super::queue::{Done, Pending, Taken};
use super::scan::Position;
use super::segments::OpenSegment;
use super::{Committed, Shared};
use crate::entry::{self, Entry, Final, Fixed};
use crate::error::StoreError;

/// After so long without work the last batch is marked as durable.
const QUIET: Duration = Duration::from_millis(100);
/// The buffer is given back to the system down to this size when there is no work.
const BUFFER_KEPT: usize = 1 << 20;

/// Numbered and ready to be written.
struct Ready {
    payload: Vec<u8>,
    digest: Hash,
    time_us: i64,
    offset: u32,
    outcome: Final,
    answer: Vec<u8>,
    duplicate_of: Option<u64>,
    key: u64,
    done: Done,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    segment: Arc<OpenSegment>,
    capacity: u64,
    /// Where the next batch goes; 0 = the segment is not begun.
    end: u64,
    /// Up to here the segment may hold the remains of a batch that did not find space.
    dirty_until: u64,
    durable: Position,
    /// Position after the batch being built.
    position: Position,
    batch: Vec<Ready>,
    in_batch: HashMap<u64, Vec<u64>>,
    buffer: Vec<u8>,
    marked: bool,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, segment: Arc<OpenSegment>, capacity: u64, end: u64, position: Position) -> Writer {
        Writer {
            shared,
            segment,
            capacity,
            end,
            dirty_until: 0,
            durable: position,
            position,
            batch: Vec::new(),
            in_batch: HashMap::new(),
            buffer: Vec::new(),
            marked: true,
        }
    }

    /// Writes until the queue is closed and empty; the body of the writer's thread.
    pub(crate) fn run(mut self) {
        let options = self.shared.options;
        // Everyone waits for this thread and it mostly waits for the disk; without the permission it runs as it is.
        let _ = rustix::process::nice(-10);
        loop {
            let patience = (!self.marked).then_some(QUIET);
            match self.shared.queue.take(options.batch_entries_max, options.batch_bytes_max, patience) {
                Taken::Batch(batch) => {
                    self.shared.feed.wait_for_room(options.lag_max);
                    self.commit(batch);
                }
                Taken::Idle => {
                    self.mark(false);
                    self.buffer.shrink_to(BUFFER_KEPT);
                }
                Taken::Closed => break,
            }
        }
        self.mark(true);
    }

    fn commit(&mut self, batch: Vec<Pending>) {
        for pending in batch {
            if self.shared.is_stopped() {
                self.refuse(pending.done, StoreError::Stopped);
                continue;
            }
            let mut ready = match self.resolve(pending) {
                Ok(ready) => ready,
                Err((done, error)) => {
                    self.refuse(done, error);
                    continue;
                }
            };
            if !self.fits(ready.payload.len()) {
                self.flush();
                if let Err(error) = self.rotate(ready.payload.len()) {
                    self.refuse(ready.done, error);
                    continue;
                }
            }
            self.add(&mut ready);
            self.batch.push(ready);
        }
        self.flush();
    }

    /// Decides what is written for an arrival: itself, a note that it came before, or a conflict.
    fn resolve(&self, pending: Pending) -> Result<Ready, (Done, StoreError)> {
        let Pending { mut payload, digest: mut hash, mut answer, conflict, done } = pending;
        let known = match self.known(&payload) {
            Ok(known) => known,
            Err(error) => return Err((done, error)),
        };
        let mut duplicate_of = None;
        match known {
            Known::Not => {}
            Known::Same { arrived, first } => {
                payload = entry::duplicate(&arrived, first.seq());
                first.answer().clone_into(&mut answer);
                duplicate_of = Some(first.seq());
                hash = digest(&payload);
            }
            Known::Other { arrived, earlier } => {
                match conflict {
                    Some(build) => {
                        let refusal = build();
                        payload = entry::conflict(&arrived, earlier, &refusal);
                        answer = refusal;
                    }
                    None => entry::mark_reused(&mut payload, earlier),
                }
                hash = digest(&payload);
            }
        }
        let Ok(fixed) = Fixed::read(&payload) else {
            return Err((done, StoreError::Io { step: "encode", error: io::ErrorKind::InvalidData.into() }));
        };
        let key = if fixed.outcome == Final::Duplicate { 0 } else { fixed.key };
        Ok(Ready { payload, digest: hash, time_us: 0, offset: 0, outcome: fixed.outcome, answer, duplicate_of, key, done })
    }

    /// What the journal knows of the control id of an arrival.
    fn known(&self, payload: &[u8]) -> Result<Known, StoreError> {
        let Ok(fixed) = Fixed::read(payload) else { return Ok(Known::Not) };
        if fixed.key == 0 {
            return Ok(Known::Not);
        }
        let mut candidates = self.shared.seen.find(fixed.key, |first, last| self.shared.scan_ids(fixed.key, first, last))?;
        candidates.extend(self.in_batch.get(&fixed.key).into_iter().flatten());
        if candidates.is_empty() {
            return Ok(Known::Not);
        }
        let arrived = Entry::decode(self.position.seq + 1, 0, payload.to_vec()).map_err(|_| StoreError::Missing { seq: 0 })?;
        let oldest = fixed.received_us.saturating_sub(self.shared.options.duplicate_window_us());
        let mut earlier = None;
        for seq in candidates {
            let entry = self.entry(seq)?;
            let same_id = entry.source() == arrived.source() && entry.control_id() == arrived.control_id();
            if !same_id || entry.received_us() < oldest {
                continue;
            }
            if entry.content_hash() == arrived.content_hash() {
                return Ok(Known::Same { arrived, first: entry });
            }
            // A message that was refused took no id: its sender corrects it and sends it again under the same.
            if entry.outcome() != Final::Rejected {
                earlier = Some(seq);
            }
        }
        Ok(earlier.map_or(Known::Not, |earlier| Known::Other { arrived, earlier }))
    }

    /// Also an entry of the batch being built.
    fn entry(&self, seq: u64) -> Result<Entry, StoreError> {
        let building = seq.checked_sub(self.durable.seq + 1).and_then(|index| self.batch.get(index as usize));
        match building {
            Some(ready) => Entry::decode(seq, self.position.time_us, ready.payload.clone()).map_err(|_| StoreError::Missing { seq }),
            None => self.shared.read(seq),
        }
    }

    fn fits(&self, payload: usize) -> bool {
        let header = if self.end == 0 && self.buffer.is_empty() { BLOCK } else { 0 };
        let end = self.end + header + self.buffer.len() as u64 + space(payload);
        end.next_multiple_of(BLOCK) <= self.capacity
    }

    /// Gives the entry its number and place and puts it into the buffer.
    fn add(&mut self, ready: &mut Ready) {
        if self.end == 0 && self.buffer.is_empty() {
            self.segment.before.header(self.segment.number).write(&mut self.buffer);
        }
        ready.time_us = now_us().max(self.position.time_us);
        self.position = self.position.after(ready.time_us, &ready.digest, ready.outcome);
        let header = FrameHeader {
            kind: FrameKind::Entry,
            epoch: self.segment.epoch,
            seq: self.position.seq,
            time_us: ready.time_us,
            length: ready.payload.len() as u32,
            position: self.batch.len() as u32,
            digest: ready.digest,
            link: self.position.link,
        };
        ready.offset = (self.end + self.buffer.len() as u64) as u32;
        header.write(&ready.payload, &mut self.buffer);
        if ready.key != 0 {
            self.in_batch.entry(ready.key).or_default().push(self.position.seq);
        }
    }

    /// Writes what was built, makes it durable and lets everyone know.
    fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let written = self.write();
        self.in_batch.clear();
        let batch = std::mem::take(&mut self.batch);
        match written {
            Ok(end) => {
                self.end = end;
                self.buffer.clear();
                self.publish(batch);
            }
            Err(error) => {
                let full = matches!(self.failed(&error), StoreError::Full);
                self.position = self.durable;
                for ready in batch {
                    self.refuse(ready.done, if full { StoreError::Full } else { StoreError::Stopped });
                }
            }
        }
    }

    /// What a failed write means. Without space nothing was flushed and nothing acknowledged: the same place is
    /// written again, remains included. Anything else ends accepting.
    fn failed(&mut self, error: &io::Error) -> StoreError {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let length = self.buffer.len() as u64;
        self.buffer.clear();
        if full && !self.shared.is_stopped() {
            self.dirty_until = self.dirty_until.max(self.end + length);
            return StoreError::Full;
        }
        self.shared.stop("journal write 日志写入", error);
        StoreError::Stopped
    }

    /// The end of the batch; what a failed batch left behind it is overwritten with zeros.
    fn write(&mut self) -> io::Result<u64> {
        let end = (self.end + self.buffer.len() as u64).next_multiple_of(BLOCK);
        self.buffer.resize((end.max(self.dirty_until) - self.end) as usize, 0);
        fail::point("before-write");
        if fail::sabotage("early-answer") {
            fail::write_later(Arc::clone(&self.segment.file), self.buffer.clone(), self.end);
            return Ok(end);
        }
        if fail::chosen("during-write") {
            let half = self.buffer.get(..self.buffer.len() / 2).unwrap_or_default();
            self.segment.file.write_at(half, self.end)?;
            fail::die();
        }
        self.segment.file.write_at(&self.buffer, self.end)?;
        fail::point("after-write");
        // A failed sync is never tried again on this file: the kernel may have dropped the pages and forgotten the error.
        if let Err(error) = self.segment.file.sync_data() {
            self.shared.stop("journal sync 日志落盘", &error);
            return Err(error);
        }
        fail::point("after-sync");
        self.dirty_until = 0;
        Ok(end)
    }

    fn publish(&mut self, batch: Vec<Ready>) {
        let first = self.durable.seq + 1;
        self.durable = self.position;
        self.marked = false;
        self.segment.offsets.write().unwrap_or_else(std::sync::PoisonError::into_inner).extend(batch.iter().map(|ready| ready.offset));
        self.shared.seen.add(self.segment.number, (first..).zip(&batch).map(|(seq, ready)| (ready.key, seq)));
        self.shared.set_durable(&self.durable);
        let mut fresh = Vec::with_capacity(batch.len());
        fail::point("before-ack");
        // Counted first: whoever has his answer finds it counted.
        self.shared.count_answered(batch.len() as u64);
        for (seq, ready) in (first..).zip(batch) {
            let committed = Committed { seq, outcome: ready.outcome, answer: ready.answer, duplicate_of: ready.duplicate_of };
            answer(ready.done, Ok(committed));
            fresh.push(Fresh { seq, time_us: ready.time_us, payload: ready.payload });
        }
        fail::point("after-ack");
        self.shared.feed.committed(fresh.into_iter());
    }

    fn refuse(&self, done: Done, error: StoreError) {
        self.shared.count_refused();
        answer(done, Err(error));
    }

    /// Goes on in the next segment, which must have room for an entry of `payload` bytes.
    fn rotate(&mut self, payload: usize) -> Result<(), StoreError> {
        if self.shared.is_stopped() {
            return Err(StoreError::Stopped);
        }
        let capacity_min = 2 * BLOCK + space(payload);
        if self.end == 0 {
            // Recovery goes from one begun segment to the next: none may stand empty between them.
            self.segment.before.header(self.segment.number).write(&mut self.buffer);
            self.end = self.write().map_err(|error| self.failed(&error))?;
            self.buffer.clear();
        }
        let number = self.segment.number + 1;
        let ready = self.shared.pool.take(number, capacity_min).ok_or(StoreError::Full)?;
        self.mark(false);
        let segment = Arc::new(OpenSegment::new(number, self.durable, ready.file, Vec::new()));
        self.shared.segments.begin(Arc::clone(&segment));
        self.shared.seen.begin(number);
        self.segment = segment;
        (self.capacity, self.end, self.dirty_until, self.marked) = (ready.capacity, 0, 0, true);
        fail::point("after-rotate");
        self.shared.wake_sealer();
        Ok(())
    }

    /// Leaves a mark behind the last batch, so that damage to it is told apart from a torn write. Losing a mark loses
    /// nothing, hence no flush of its own, except at the end.
    fn mark(&mut self, sync: bool) {
        let room = self.end > 0 && self.end + BLOCK <= self.capacity && self.dirty_until == 0;
        if !self.marked && room && !self.shared.is_stopped() {
            self.marked = true;
            let header = FrameHeader {
                kind: FrameKind::Mark,
                epoch: self.segment.epoch,
                seq: self.durable.seq,
                time_us: self.durable.time_us,
                length: 0,
                position: 0,
                digest: [0; 32],
                link: self.durable.link,
            };
            self.buffer.clear();
            header.write(&[], &mut self.buffer);
            self.buffer.resize(BLOCK as usize, 0);
            if self.segment.file.write_at(&self.buffer, self.end).is_err() {
                tracing::warn!("a mark could not be written 日志标记未能写入");
            }
            self.buffer.clear();
        }
        if sync && !self.shared.is_stopped() && self.segment.file.sync_data().is_err() {
            tracing::warn!("the journal could not be flushed at its end 关闭时日志落盘失败");
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "one at a time, on the writer's stack")]
enum Known {
    Not,
    Same { arrived: Entry, first: Entry },
    Other { arrived: Entry, earlier: u64 },
}

/// A sender's callback must not take the writer down with it.
fn answer(done: Done, result: Result<Committed, StoreError>) {
    if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
        tracing::error!("a callback of the journal panicked 日志回调异常");
    }
}

fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0)
}
