//! The disk as the journal sees it: one flat directory of files, with every step on which durability depends as a
//! call of its own, so that tests can record the steps and replay any crash between them.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory.
pub(crate) trait Disk: Send + Sync + 'static {
    /// A new, empty file; one that stands there is emptied.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals durable.
    fn sync_dir(&self) -> io::Result<()>;
    fn list(&self) -> io::Result<Vec<String>>;
    /// Bytes that can still be stored.
    fn free_bytes(&self) -> io::Result<u64>;
    /// Contents made durable so far: calls of [`DiskFile::sync_data`] that reached the disk.
    fn flushes(&self) -> u64 {
        0
    }
}

/// A file, read and written at positions.
pub(crate) trait DiskFile: Send + Sync {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Fills `bytes` as far as the file goes; the number of bytes read.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Makes the contents and the length durable.
    fn sync_data(&self) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
}

/// Exactly `length` bytes, or an error of kind `UnexpectedEof`.
pub(crate) fn read_exact(file: &dyn DiskFile, length: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    if file.read_at(&mut bytes, offset)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// A directory of the machine.
pub(crate) struct RealDisk {
    dir: PathBuf,
    /// Held open: its sync is on the way of every segment change.
    handle: File,
    flushes: Arc<AtomicU64>,
}

impl RealDisk {
    /// Creates the directory where it is missing, durably.
    pub(crate) fn new(dir: &Path) -> io::Result<RealDisk> {
        if !dir.is_dir() {
            std::fs::create_dir_all(dir)?;
            if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(RealDisk { dir: dir.to_owned(), handle: File::open(dir)?, flushes: Arc::default() })
    }

    /// Like [`RealDisk::new`] for reading only: never creates anything.
    pub(crate) fn existing(dir: &Path) -> io::Result<RealDisk> {
        Ok(RealDisk { dir: dir.to_owned(), handle: File::open(dir)?, flushes: Arc::default() })
    }
}

impl Disk for RealDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(self.dir.join(name))?;
        Ok(Arc::new(RealFile(file, Arc::clone(&self.flushes))))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.dir.join(name);
        // An auditor verifies a journal that he may only read.
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => File::open(&path)?,
            other => other?,
        };
        Ok(Arc::new(RealFile(file, Arc::clone(&self.flushes))))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.dir.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for item in std::fs::read_dir(&self.dir)? {
            if let Ok(name) = item?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.handle)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Relaxed)
    }
}

struct RealFile(File, Arc<AtomicU64>);

impl DiskFile for RealFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn sync_data(&self) -> io::Result<()> {
        if super::fail::sabotage("no-sync") {
            return Ok(());
        }
        self.0.sync_data()?;
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
