//! A disk in memory that records every step, and the crash images that could be left of it.
//!
//! Model: a write is durable once its file was synced after it; before that any subset of its 512-byte sectors may
//! have reached the disk. A name is durable once the directory was synced; before that any number of the changes since
//! the last sync, in their order, may have reached it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex};

use crate::journal::disk::{Disk, DiskFile};

pub(super) const SECTOR: usize = 512;

#[derive(Clone)]
pub(super) enum Step {
    Name(Name),
    Write {
        file: u64,
        offset: u64,
        bytes: Arc<[u8]>,
    },
    Sync {
        file: u64,
    },
    SyncDir,
    /// The sender of this control id was told that it is entry `seq`.
    Acknowledged {
        control_id: String,
        seq: u64,
    },
}

#[derive(Clone)]
pub(super) enum Name {
    Create { name: String, file: u64 },
    Rename { from: String, to: String },
    Remove { name: String },
}

/// What is left out on purpose, to see the tests fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Sabotage {
    #[default]
    None,
    /// Files are never synced.
    NoSync,
    /// A sync happens only after it was reported as done.
    LateSync,
    /// The directory is never synced.
    NoDirSync,
}

/// Files by name, and their contents.
#[derive(Clone, Default)]
pub(super) struct Image {
    pub(super) names: BTreeMap<String, u64>,
    pub(super) contents: HashMap<u64, Vec<u8>>,
}

impl Image {
    pub(super) fn name(&mut self, change: &Name) {
        match change {
            Name::Create { name, file } => {
                self.names.insert(name.clone(), *file);
                self.contents.entry(*file).or_default();
            }
            Name::Rename { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Name::Remove { name } => drop(self.names.remove(name)),
        }
    }

    /// Those sectors of a write that `reached` names, counted from the write's start.
    pub(super) fn write(&mut self, file: u64, offset: u64, bytes: &[u8], reached: impl Fn(usize) -> bool) {
        let contents = self.contents.entry(file).or_default();
        let mut at = offset as usize;
        let mut rest = bytes;
        let mut sector = 0;
        while !rest.is_empty() {
            // Sectors lie where the disk has them, not where the write starts.
            let length = (SECTOR - at % SECTOR).min(rest.len());
            if reached(sector) {
                if contents.len() < at + length {
                    contents.resize(at + length, 0);
                }
                contents[at..at + length].copy_from_slice(&rest[..length]);
            }
            (at, rest, sector) = (at + length, &rest[length..], sector + 1);
        }
    }
}

#[derive(Default)]
struct State {
    live: Image,
    steps: Vec<Step>,
    files: u64,
    late: Vec<u64>,
    sabotage: Sabotage,
    free: u64,
    fail: Option<(Call, io::ErrorKind)>,
}

/// A call that can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    Write,
    Sync,
    Create,
    Rename,
    SyncDir,
}

#[derive(Clone)]
pub(super) struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub(super) fn new(image: Image, sabotage: Sabotage) -> Fake {
        let files = image.contents.keys().max().map_or(0, |last| last + 1);
        Fake(Arc::new(Mutex::new(State { live: image, files, sabotage, free: 1 << 40, ..State::default() })))
    }

    pub(super) fn acknowledged(&self, control_id: &str, seq: u64) {
        self.push(Step::Acknowledged { control_id: control_id.into(), seq });
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap().steps.clone()
    }

    /// What stands on the disk now, durable or not.
    pub(super) fn image(&self) -> Image {
        self.0.lock().unwrap().live.clone()
    }

    pub(super) fn set_free(&self, free: u64) {
        self.0.lock().unwrap().free = free;
    }

    /// From now on this call fails, or none does.
    pub(super) fn fail(&self, fail: Option<(Call, io::ErrorKind)>) {
        self.0.lock().unwrap().fail = fail;
    }

    fn push(&self, step: Step) {
        self.0.lock().unwrap().steps.push(step);
    }

    fn step(&self, call: Call, step: Step, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if let Some((_, kind)) = state.fail.filter(|(failing, _)| *failing == call) {
            return Err(kind.into());
        }
        let late = std::mem::take(&mut state.late);
        state.steps.extend(late.into_iter().map(|file| Step::Sync { file }));
        let left_out = match (&step, state.sabotage) {
            (Step::Sync { .. }, Sabotage::NoSync) | (Step::SyncDir, Sabotage::NoDirSync) => true,
            (Step::Sync { file }, Sabotage::LateSync) => {
                let file = *file;
                state.late.push(file);
                true
            }
            _ => false,
        };
        if !left_out {
            state.steps.push(step);
        }
        change(&mut state);
        Ok(())
    }

    fn file(&self, file: u64) -> Arc<dyn DiskFile> {
        Arc::new(FakeFile { disk: self.clone(), file })
    }

    fn change(&self, call: Call, change: Name) -> io::Result<()> {
        self.step(call, Step::Name(change.clone()), |state| state.live.name(&change))
    }
}

impl Disk for Fake {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = {
            let mut state = self.0.lock().unwrap();
            state.files += 1;
            state.files
        };
        self.change(Call::Create, Name::Create { name: name.into(), file })?;
        Ok(self.file(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.0.lock().unwrap().live.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(self.file(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.open(from)?;
        self.change(Call::Rename, Name::Rename { from: from.into(), to: to.into() })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.open(name)?;
        self.change(Call::Rename, Name::Remove { name: name.into() })
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.step(Call::SyncDir, Step::SyncDir, |_| {})
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().live.names.keys().cloned().collect())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().free)
    }
}

struct FakeFile {
    disk: Fake,
    file: u64,
}

impl DiskFile for FakeFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let step = Step::Write { file: self.file, offset, bytes: bytes.into() };
        self.disk.step(Call::Write, step, |state| state.live.write(self.file, offset, bytes, |_| true))
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.0.lock().unwrap();
        let contents = state.live.contents.get(&self.file).map(Vec::as_slice).unwrap_or_default();
        let rest = contents.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.step(Call::Sync, Step::Sync { file: self.file }, |_| {})
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.0.lock().unwrap().live.contents.get(&self.file).map_or(0, |contents| contents.len() as u64))
    }
}
