//! Whether a file that was not closed can be trusted: with `synchronous=OFF` it is whole as long as the operating
//! system that took its writes still runs and has the file system mounted all the while. After a power cut, a reboot
//! or a new mount, what was written last may be missing anywhere in the file, so it is computed again.

use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatxFlags};

/// `STATX_MNT_ID_UNIQUE` (Linux 6.8): a mount number that is never given again.
const UNIQUE_MOUNT: StatxFlags = StatxFlags::from_bits_retain(0x4000);

/// The boot and the mount that `dir` is on; `None` where the system cannot tell, then nothing unclosed is trusted.
pub(crate) fn of(dir: &Path) -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let stat = rustix::fs::statx(CWD, dir, AtFlags::empty(), StatxFlags::BASIC_STATS | UNIQUE_MOUNT).ok()?;
    if stat.stx_mask & UNIQUE_MOUNT.bits() == 0 {
        return None;
    }
    Some(format!("{}/{:x}", boot.trim(), stat.stx_mnt_id))
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_directory_has_one_origin() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(super::of(dir.path()), super::of(dir.path()));
        assert_eq!(super::of(&dir.path().join("missing")), None);
    }
}
