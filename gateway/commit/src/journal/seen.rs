//! Which control ids the journal knows: of open segments in memory, of sealed ones in files (see [`super::ids`]).
//!
//! A key is the first 8 bytes of SHA-256 over source and control id. A key only leads to entries that may match; the
//! entries themselves decide. Nothing here depends on the projection: while it is computed anew, or is lost, no
//! duplicate is stored twice.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::codec::Dictionaries;
use super::disk::Disk;
use super::frame::field;
use super::ids::{Id, Run, merge};
use super::names::FileName;
use super::sealed::SealedFile;
use super::segments::SealedAt;

/// So many runs of like size become one.
const MERGE: usize = 8;

/// The key of a control id; 0 where there is none.
pub(crate) fn key(source: &str, control_id: &str) -> u64 {
    if control_id.is_empty() {
        return 0;
    }
    let hash = hutong_audit::digest_parts(&[source.as_bytes(), control_id.as_bytes()]);
    u64::from_le_bytes(field(&hash, 0)).max(1)
}

/// Keys of one open segment.
#[derive(Default)]
pub(crate) struct Recent {
    number: u64,
    first: HashMap<u64, u64>,
    /// Further entries of a key that came before: conflicts and reused ids only.
    more: Vec<Id>,
}

impl Recent {
    pub(crate) fn new(number: u64) -> Recent {
        Recent { number, ..Recent::default() }
    }

    pub(crate) fn add(&mut self, key: u64, seq: u64) {
        if key == 0 {
            return;
        }
        if let Some(earlier) = self.first.insert(key, seq) {
            self.first.insert(key, earlier);
            self.more.push((key, seq));
        }
    }

    fn find(&self, key: u64, found: &mut Vec<u64>) {
        if let Some(&seq) = self.first.get(&key) {
            found.push(seq);
            found.extend(self.more.iter().filter(|(other, _)| *other == key).map(|(_, seq)| *seq));
        }
    }
}

pub(crate) struct Seen {
    recent: Mutex<VecDeque<Recent>>,
    /// Oldest first; they follow one another.
    runs: RwLock<Vec<Arc<Run>>>,
    /// Microseconds after which an id is forgotten.
    window_us: i64,
}

impl Seen {
    /// Opens the runs and makes again those that are missing or damaged; `last` is the last sealed entry.
    pub(crate) fn open(disk: &dyn Disk, sealed: &[SealedAt], last: u64, recent: VecDeque<Recent>, window_us: i64) -> io::Result<Seen> {
        let seen = Seen { recent: Mutex::new(recent), runs: RwLock::new(open_runs(disk)?), window_us };
        seen.complete(disk, sealed, last)?;
        Ok(seen)
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runs(&self) -> Vec<Arc<Run>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A new segment begins.
    pub(crate) fn begin(&self, number: u64) {
        self.recent().push_back(Recent::new(number));
    }

    /// Entries became durable in segment `number`.
    pub(crate) fn add(&self, number: u64, keys: impl Iterator<Item = Id>) {
        if let Some(recent) = self.recent().back_mut().filter(|recent| recent.number == number) {
            keys.for_each(|(key, seq)| recent.add(key, seq));
        }
    }

    /// Entries that may have this key, oldest first. Where a file is damaged, `scan` looks through the sealed entries
    /// that it covered, from the first number to the second.
    pub(crate) fn find<E>(&self, key: u64, scan: impl Fn(u64, u64) -> Result<Vec<u64>, E>) -> Result<Vec<u64>, E> {
        let mut found = Vec::new();
        for run in self.runs.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let before = found.len();
            if let Err(error) = run.find(key, &mut found) {
                tracing::warn!(file = run.name(), error = %error, "control ids are looked up in the journal itself 标识文件损坏，改查日志本身");
                found.truncate(before);
                found.extend(scan(run.first, run.last)?);
            }
        }
        for recent in self.recent().iter() {
            recent.find(key, &mut found);
        }
        // While a segment is being sealed its ids are in both places.
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// A segment was sealed: its ids go from memory to a file. `newest_us`: time of its last entry.
    pub(crate) fn seal(&self, disk: &dyn Disk, sealed: SealedAt, last: u64, newest_us: i64, keys: Vec<Id>) -> io::Result<()> {
        self.install(disk, (sealed.first_seq, last), newest_us, keys)?;
        self.recent().retain(|recent| recent.number != sealed.number);
        Ok(())
    }

    fn install(&self, disk: &dyn Disk, covers: (u64, u64), newest_us: i64, mut keys: Vec<Id>) -> io::Result<()> {
        if covers.1 < covers.0 {
            return Ok(());
        }
        keys.retain(|(key, _)| *key != 0);
        keys.sort_unstable();
        let run = Arc::new(Run::create(disk, covers, newest_us, keys.len() as u64, keys.into_iter().map(Ok))?);
        let mut runs = self.runs();
        let place = runs.partition_point(|other| other.first < run.first);
        runs.insert(place, run);
        self.set_runs(runs);
        self.forget(disk, newest_us)?;
        self.merge(disk)
    }

    fn set_runs(&self, runs: Vec<Arc<Run>>) {
        *self.runs.write().unwrap_or_else(PoisonError::into_inner) = runs;
    }

    /// Removes runs whose every id is older than the window.
    fn forget(&self, disk: &dyn Disk, now_us: i64) -> io::Result<()> {
        let oldest = now_us.saturating_sub(self.window_us);
        let (kept, forgotten): (Vec<_>, Vec<_>) = self.runs().into_iter().partition(|run| run.newest_us >= oldest);
        self.set_runs(kept);
        forgotten.iter().try_for_each(|run| disk.remove(&run.name()))
    }

    /// Keeps the number of runs small: neighbours of like size become one.
    fn merge(&self, disk: &dyn Disk) -> io::Result<()> {
        loop {
            let mut runs = self.runs();
            let size = |run: &Arc<Run>| run.count.max(1).ilog2() / 3;
            let like = |part: &&[Arc<Run>]| {
                let largest = part.iter().map(size).max();
                let follow = part.windows(2).all(|pair| matches!(pair, [a, b] if a.last + 1 == b.first));
                follow && part.first().map(size) == largest
            };
            let Some(start) = runs.windows(MERGE).rev().position(|part| like(&part)).map(|back| runs.len() - MERGE - back) else {
                return Ok(());
            };
            let part: Vec<_> = runs.drain(start..start + MERGE).collect();
            runs.insert(start, Arc::new(merge(disk, &part)?));
            self.set_runs(runs);
            part.iter().try_for_each(|run| disk.remove(&run.name()))?;
        }
    }

    /// Makes the runs of sealed segments that have none, newest first, as far back as the window reaches.
    fn complete(&self, disk: &dyn Disk, sealed: &[SealedAt], last: u64) -> io::Result<()> {
        let dictionaries = Dictionaries::default();
        let runs = self.runs();
        let (mut until, mut now_us) = (last, None);
        for segment in sealed.iter().rev() {
            let covered = runs.iter().any(|run| run.first <= segment.first_seq && until <= run.last);
            if !covered && until >= segment.first_seq {
                let file = SealedFile::open(disk.open(&segment.name())?, &dictionaries)?;
                let newest_us = file.header.after.time_us;
                if newest_us < now_us.unwrap_or(newest_us).saturating_sub(self.window_us) {
                    return Ok(());
                }
                let keys = file.rows()?.iter().zip(segment.first_seq..).map(|(row, seq)| (row.key, seq)).collect();
                self.install(disk, (segment.first_seq, until), newest_us, keys)?;
                now_us = now_us.or(Some(newest_us));
            }
            until = segment.first_seq.saturating_sub(1);
        }
        Ok(())
    }
}

/// The runs on the disk; what is damaged or was merged into another is removed.
fn open_runs(disk: &dyn Disk) -> io::Result<Vec<Arc<Run>>> {
    let mut names: Vec<(u64, u64)> = Vec::new();
    for name in disk.list()? {
        if let FileName::Run { first, last } = FileName::parse(&name) {
            names.push((first, last));
        }
    }
    // The longest of those that start alike comes first; one that lies within its forerunner was merged into it.
    names.sort_unstable_by_key(|&(first, last)| (first, std::cmp::Reverse(last)));
    let mut runs: Vec<Arc<Run>> = Vec::new();
    for (first, last) in names {
        let within = runs.last().is_some_and(|run| run.last >= last);
        match Run::open(disk, first, last) {
            Ok(run) if !within => runs.push(Arc::new(run)),
            _ => disk.remove(&FileName::Run { first, last }.to_string())?,
        }
    }
    Ok(runs)
}
