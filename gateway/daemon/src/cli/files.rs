//! The files a command is given: paths, directories (all files below, in order of name), `-` for standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Failure;

/// A file's name as the caller wrote it, and its bytes.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The names of all files, directories expanded.
pub(crate) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() { below(path, &mut all, 0)? } else { all.push(path.clone()) }
    }
    Ok(all)
}

fn below(dir: &Path, all: &mut Vec<PathBuf>, depth: usize) -> Result<(), Failure> {
    const DEPTH_MAX: usize = 32;
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(dir).map_err(|e| Failure::file(dir, &e))?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if !path.is_dir() {
            all.push(path);
        } else if depth < DEPTH_MAX {
            below(&path, all, depth + 1)?;
        }
    }
    Ok(())
}

pub(crate) fn read(path: &Path) -> Result<Input, Failure> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).map_err(|e| Failure::file(path, &e))?;
    } else {
        bytes = std::fs::read(path).map_err(|e| Failure::file(path, &e))?;
    }
    Ok(Input { name: path.display().to_string(), bytes })
}

/// HL7 v2 bytes without the MLLP frame that captures often keep around them.
pub(crate) fn unframed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(&[0x0b]).unwrap_or(bytes);
    bytes.strip_suffix(&[0x1c, 0x0d]).or_else(|| bytes.strip_suffix(&[0x1c])).unwrap_or(bytes)
}
