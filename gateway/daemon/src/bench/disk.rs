//! How often this disk flushes: a pre-zeroed file overwritten in place, as the journal does it.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// fdatasync per second over one second.
pub(crate) fn fsync_per_s(dir: &Path) -> io::Result<f64> {
    let path = dir.join("fsync.probe");
    let file = std::fs::OpenOptions::new().create(true).truncate(true).write(true).read(true).open(&path)?;
    let block = [0u8; 4096];
    for i in 0..256 {
        file.write_all_at(&block, i * 4096)?;
    }
    file.sync_all()?;
    let from = Instant::now();
    let mut n = 0u64;
    while from.elapsed() < Duration::from_secs(1) {
        file.write_all_at(&[(n % 251) as u8; 4096], n % 256 * 4096)?;
        file.sync_data()?;
        n += 1;
    }
    let rate = n as f64 / from.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}
