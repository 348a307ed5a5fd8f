//! The files of a `.tgz`, unpacked in memory under limits.
//!
//! Extended headers are read here rather than by the tar crate, which would read them whatever their size.

use super::{PackageLimits, refuse};
use crate::finding::Finding;
use flate2::read::GzDecoder;
use std::cell::Cell;
use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use tar::{Archive, EntryType};

/// Bytes of an extended header (a long path).
const EXTENDED_MAX: u64 = 64 << 10;
/// An archive may unpack to this many bytes whatever its size: small ones are mostly padding.
const RATIO_FROM: u64 = 1 << 20;

/// Why reading stopped, told through the archive reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Total,
    Ratio,
}

/// Counts what is unpacked and stops at the limits.
struct Meter<'a, R> {
    inner: R,
    read: u64,
    total_max: u64,
    ratio_max: u64,
    stop: &'a Cell<Option<Stop>>,
}

impl<R: Read> Read for Meter<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read += n as u64;
        let stop = match self.read {
            read if read > self.total_max => Some(Stop::Total),
            read if read > self.ratio_max => Some(Stop::Ratio),
            _ => None,
        };
        if stop.is_some() {
            self.stop.set(stop);
            return Err(std::io::Error::from(ErrorKind::FileTooLarge));
        }
        Ok(n)
    }
}

/// The regular files of a gzipped tar archive, in its order: path and content. Only those that `wanted` says are read.
pub(super) fn unpack(
    name: &str,
    bytes: &[u8],
    limits: &PackageLimits,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, Finding> {
    let stop = Cell::new(None);
    let meter = Meter {
        inner: GzDecoder::new(bytes),
        read: 0,
        total_max: limits.total_bytes_max as u64,
        ratio_max: RATIO_FROM.max((bytes.len() as u64).saturating_mul(limits.ratio_max as u64)),
        stop: &stop,
    };
    let mut files = Files { name, limits, seen: HashSet::new(), entries: 0, long_path: None, out: Vec::new() };
    let result = files.read(Archive::new(meter), wanted);
    match (stop.get(), result) {
        (Some(Stop::Total), _) => Err(too_large(name, "解压后", "unpacked", limits.total_bytes_max)),
        (Some(Stop::Ratio), _) => Err(refuse(
            "package.ratio",
            "too-costly",
            format!("{name}：解压后超过压缩包大小的 {} 倍，疑似压缩炸弹，已拒绝", limits.ratio_max),
            format!("{name}: it unpacks to more than {} times its size, as a bomb does; refused", limits.ratio_max),
        )),
        (None, Err(finding)) => Err(finding),
        (None, Ok(())) => Ok(files.out),
    }
}

pub(super) fn too_large(name: &str, zh: &str, en: &str, max: usize) -> Finding {
    refuse(
        "package.size",
        "too-costly",
        format!("{name}：{zh}超过 {} MB 的上限，请拆分", max >> 20),
        format!("{name}: {en} larger than {} MB; split it", max >> 20),
    )
}

struct Files<'a> {
    name: &'a str,
    limits: &'a PackageLimits,
    seen: HashSet<String>,
    entries: usize,
    /// What an extended header says of the next entry.
    long_path: Option<String>,
    out: Vec<(String, Vec<u8>)>,
}

impl Files<'_> {
    fn read<R: Read>(&mut self, mut archive: Archive<R>, wanted: impl Fn(&str) -> bool) -> Result<(), Finding> {
        let entries = archive.entries().map_err(|_| self.corrupt())?.raw(true);
        for entry in entries {
            let mut entry = entry.map_err(|_| self.corrupt())?;
            self.entries += 1;
            if self.entries > self.limits.files_max.saturating_mul(2) || self.out.len() >= self.limits.files_max {
                return Err(too_many(self.name, self.limits.files_max));
            }
            let size = entry.header().entry_size().map_err(|_| self.corrupt())?;
            match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => {}
                EntryType::Directory | EntryType::XGlobalHeader => continue,
                kind @ (EntryType::XHeader | EntryType::GNULongName) => {
                    let data = self.content(&mut entry, size, EXTENDED_MAX)?;
                    self.long_path = if kind == EntryType::XHeader { pax_path(&data) } else { text(&data) }.or(self.long_path.take());
                    continue;
                }
                _ => {
                    return Err(refuse(
                        "package.link",
                        "security",
                        format!("{}：含有链接或设备文件，已拒绝；包中只能有普通文件", self.name),
                        format!("{}: it holds a link or a device; a package has plain files only", self.name),
                    ));
                }
            }
            let path = match self.long_path.take() {
                Some(path) => path,
                None => text(&entry.path_bytes()).ok_or_else(|| self.bad_path())?,
            };
            self.check_path(&path)?;
            if size > self.limits.file_bytes_max as u64 {
                return Err(too_large(&format!("{} {path}", self.name), "文件", "a file", self.limits.file_bytes_max));
            }
            if wanted(&path) {
                let content = self.content(&mut entry, size, self.limits.file_bytes_max as u64)?;
                self.out.push((path, content));
            }
        }
        Ok(())
    }

    fn content(&self, entry: &mut impl Read, size: u64, max: u64) -> Result<Vec<u8>, Finding> {
        if size > max {
            return Err(self.corrupt());
        }
        // the size is only claimed: memory grows with what comes
        let mut content = Vec::with_capacity(size.min(1 << 20) as usize);
        entry.take(max).read_to_end(&mut content).map_err(|_| self.corrupt())?;
        if content.len() as u64 == size { Ok(content) } else { Err(self.corrupt()) }
    }

    fn check_path(&mut self, path: &str) -> Result<(), Finding> {
        check_path(self.name, path, self.limits)?;
        if !self.seen.insert(path.trim_start_matches("./").to_owned()) {
            return Err(refuse(
                "package.duplicate",
                "duplicate",
                format!("{}：文件 {path} 出现两次，无法确定以哪个为准", self.name),
                format!("{}: file {path} is there twice, and nothing says which counts", self.name),
            ));
        }
        Ok(())
    }

    fn bad_path(&self) -> Finding {
        bad_path(self.name, "")
    }

    fn corrupt(&self) -> Finding {
        refuse(
            "package.corrupt",
            "structure",
            format!("{}：不是完整的 .tgz 压缩包，请重新下载", self.name),
            format!("{}: not a complete .tgz archive; download it again", self.name),
        )
    }
}

pub(super) fn too_many(name: &str, max: usize) -> Finding {
    refuse(
        "package.count",
        "too-costly",
        format!("{name}：文件超过 {max} 个，请拆分"),
        format!("{name}: it has more than {max} files; split it"),
    )
}

/// Refuses a path that could mean something outside the package, here or where the package goes next.
pub(super) fn check_path(name: &str, path: &str, limits: &PackageLimits) -> Result<(), Finding> {
    let is_bad = path.is_empty()
        || path.len() > limits.path_bytes_max
        || path.starts_with('/')
        || path.contains(['\\', ':'])
        || path.chars().any(char::is_control)
        || path.split('/').any(|part| part == "..");
    if is_bad { Err(bad_path(name, path)) } else { Ok(()) }
}

fn bad_path(name: &str, path: &str) -> Finding {
    // a hostile path is shown as far as it can do no harm
    let shown: String = path.chars().filter(|c| !c.is_control()).take(80).collect();
    refuse(
        "package.path",
        "security",
        format!("{name}：文件路径“{shown}”不合法（不得为绝对路径、含 .. 或反斜杠、过长），已拒绝"),
        format!("{name}: path '{shown}' is not allowed (absolute, with '..' or a backslash, or too long); refused"),
    )
}

fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8(bytes.get(..end)?.to_vec()).ok()
}

/// `path` of an extended header: records of `LENGTH KEY=VALUE\n` (POSIX pax).
fn pax_path(data: &[u8]) -> Option<String> {
    let mut rest = data;
    let mut path = None;
    while let Some(space) = rest.iter().position(|b| *b == b' ') {
        let length: usize = std::str::from_utf8(rest.get(..space)?).ok()?.parse().ok()?;
        let record = rest.get(space + 1..length.checked_sub(1)?)?;
        if let Some(value) = record.strip_prefix(b"path=") {
            path = text(value);
        }
        rest = rest.get(length..)?;
    }
    path
}
