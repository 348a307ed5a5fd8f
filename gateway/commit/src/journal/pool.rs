//! Segment files made ready before they are needed, and the watch over free space.
//!
//! A segment is full of written bytes before its first batch: zeros, or the frames of a segment that was sealed. The
//! flush of a batch then changes no length and no extent, so the file system need not commit a transaction of its own.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::disk::{Disk, DiskFile};
use super::frame::BLOCK;
use super::names::FileName;

const ZEROS: usize = 1 << 20;
/// How often free space is looked at.
const WATCH: Duration = Duration::from_millis(200);
/// Recycled files kept beside the one that is ready.
const SPARES_MAX: usize = 2;

/// A segment file under its final name, not begun.
pub(crate) struct Ready {
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) capacity: u64,
}

struct State {
    ready: Option<Ready>,
    /// The segment to make ready.
    wanted: u64,
    /// Bytes that it must have at least.
    capacity_min: u64,
    failure: Option<io::ErrorKind>,
    spares: Vec<u64>,
    spare_next: u64,
    closed: bool,
}

pub(crate) struct Pool {
    disk: Arc<dyn Disk>,
    capacity: u64,
    reserve: u64,
    state: Mutex<State>,
    changed: Condvar,
    /// Free space is below the reserve, or there is none for another segment.
    full: AtomicBool,
    free: AtomicU64,
}

impl Pool {
    /// `spares`: numbers of the spare files found; all are `capacity` bytes long.
    pub(crate) fn new(disk: Arc<dyn Disk>, capacity: u64, reserve: u64, wanted: u64, spares: Vec<u64>, ready: Option<Ready>) -> Pool {
        let spare_next = spares.iter().max().map_or(1, |last| last + 1);
        let state = State { ready, wanted, capacity_min: 0, failure: None, spares, spare_next, closed: false };
        let pool = Pool {
            disk,
            capacity,
            reserve,
            state: Mutex::new(state),
            changed: Condvar::new(),
            full: AtomicBool::new(false),
            free: AtomicU64::new(u64::MAX),
        };
        pool.look();
        pool
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// The next segment, of at least `capacity_min` bytes; waits while it is being made. `None`: there is no space for it.
    pub(crate) fn take(&self, number: u64, capacity_min: u64) -> Option<Ready> {
        let mut state = self.lock();
        state.wanted = number;
        state.capacity_min = capacity_min;
        loop {
            if state.ready.as_ref().is_some_and(|ready| ready.number == number && ready.capacity >= capacity_min) {
                let ready = state.ready.take();
                state.wanted = number + 1;
                state.capacity_min = 0;
                self.changed.notify_all();
                return ready;
            }
            if state.failure.take().is_some() || state.closed {
                return None;
            }
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes back the file of a sealed segment; false where there are enough and the caller is to remove it.
    pub(crate) fn recycle(&self, name: &str, length: u64) -> io::Result<bool> {
        let mut state = self.lock();
        if length != self.capacity || state.spares.len() >= SPARES_MAX {
            return Ok(false);
        }
        let number = state.spare_next;
        state.spare_next += 1;
        self.disk.rename(name, &FileName::Spare { number }.to_string())?;
        state.spares.push(number);
        Ok(true)
    }

    /// Makes segments ready until the pool is closed; the body of its thread.
    pub(crate) fn run(&self) {
        loop {
            self.look();
            let (number, capacity, spare) = {
                let mut state = self.lock();
                if state.closed {
                    return;
                }
                let fits = |ready: &Ready| ready.number == state.wanted && ready.capacity >= state.capacity_min;
                if state.ready.as_ref().is_some_and(fits) || state.failure.is_some() {
                    // Waits for a taker, or for space: then the failure is forgotten and it is tried again.
                    let woken = self.changed.wait_timeout(state, WATCH).unwrap_or_else(PoisonError::into_inner);
                    if woken.1.timed_out() {
                        let mut state = woken.0;
                        state.failure = None;
                    }
                    continue;
                }
                state.ready = None;
                let capacity = self.capacity.max(state.capacity_min.next_multiple_of(BLOCK));
                let spare = if capacity == self.capacity { state.spares.pop() } else { None };
                (state.wanted, capacity, spare)
            };
            let made = match spare {
                Some(spare) => self.reuse(number, capacity, spare),
                None => self.make(number, capacity),
            };
            let mut state = self.lock();
            match made {
                Ok(ready) => {
                    state.ready = Some(ready);
                    self.full.store(self.free.load(Ordering::Relaxed) < self.reserve, Ordering::Relaxed);
                }
                Err(error) => {
                    if !self.full.swap(true, Ordering::Relaxed) {
                        tracing::warn!(segment = number, error = %error, "no segment can be made ready 无法准备新的日志段");
                    }
                    state.failure = Some(error.kind());
                }
            }
            self.changed.notify_all();
        }
    }

    /// Looks at free space.
    fn look(&self) {
        let free = self.disk.free_bytes().unwrap_or(u64::MAX);
        self.free.store(free, Ordering::Relaxed);
        let state = self.lock();
        self.full.store(free < self.reserve || state.failure.is_some(), Ordering::Relaxed);
    }

    fn reuse(&self, number: u64, capacity: u64, spare: u64) -> io::Result<Ready> {
        let name = FileName::Open { number }.to_string();
        self.disk.rename(&FileName::Spare { number: spare }.to_string(), &name)?;
        self.disk.sync_dir()?;
        Ok(Ready { number, file: self.disk.open(&name)?, capacity })
    }

    /// Writes a file of zeros under another name first: under its own it is always complete.
    pub(crate) fn make(&self, number: u64, capacity: u64) -> io::Result<Ready> {
        if self.free.load(Ordering::Relaxed) < self.reserve.saturating_add(capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let temporary = format!("{number:010}.tmp");
        let made = self.zeroed(&temporary, capacity).and_then(|file| {
            self.disk.rename(&temporary, &FileName::Open { number }.to_string())?;
            self.disk.sync_dir()?;
            Ok(file)
        });
        match made {
            Ok(file) => Ok(Ready { number, file, capacity }),
            Err(error) => {
                let _ = self.disk.remove(&temporary);
                Err(error)
            }
        }
    }

    fn zeroed(&self, name: &str, capacity: u64) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.disk.create(name)?;
        let zeros = vec![0; ZEROS.min(usize::try_from(capacity).unwrap_or(ZEROS))];
        let mut offset = 0;
        while offset < capacity {
            let length = zeros.len().min(usize::try_from(capacity - offset).unwrap_or(ZEROS));
            file.write_at(zeros.get(..length).unwrap_or_default(), offset)?;
            offset += length as u64;
        }
        file.sync_data()?;
        Ok(file)
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}
