//! Loading of what a configuration or a command line names: FHIR packages (`.tgz`), single conformance resources (JSON or
//! XML), tables of codes (TSV or CSV), and directories of these.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use hutong_decode::charset::{self, Charset};
use hutong_fhir::{Finding, Tree};
use hutong_serve::Shelf;
use hutong_validate::{Document, DocumentLimits, Knowledge, Syntax};

use crate::cli::{Failure, files, findings};

/// One file is refused beyond this before it is read.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Faults that are told at once; the rest is counted.
const FAULTS_MAX: usize = 20;

/// Loads files and directories, in order of name. What a directory holds beside packages, resources and tables is passed
/// over; a file that is named itself is not.
///
/// # Errors
/// All that is wrong, each with its file; nothing that was loaded before may then be used.
pub(crate) fn load(paths: &[PathBuf], knowledge: &mut Knowledge, shelf: &mut Shelf) -> Result<(), Failure> {
    let mut faults = Vec::new();
    for path in paths {
        let all = if path.is_dir() { files::expand(std::slice::from_ref(path))? } else { vec![path.clone()] };
        for file in all.iter().filter(|file| *file == path || is_of_a_package(file)) {
            let found = load_file(file, knowledge, shelf)?.err().unwrap_or_default();
            faults.extend(found.into_iter().map(|finding| (file.display().to_string(), finding)));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let list = |zh: bool| -> String {
        let shown = faults
            .iter()
            .take(FAULTS_MAX)
            .map(|(file, f)| format!("\n  {file}{} {} [{}]", findings::place(f), if zh { &f.zh } else { &f.en }, f.rule));
        shown.collect()
    };
    Err(Failure::judged(
        format!("有 {} 处不能载入，原有的定义保持不变：{}", faults.len(), list(true)),
        format!("{} could not be loaded; what was in force stays:{}", faults.len(), list(false)),
    ))
}

/// Whether a file of a directory is meant to be loaded.
fn is_of_a_package(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    // those two describe an unpacked package and are no resources
    let describes = matches!(name, "package.json" | ".index.json");
    !describes && [".json", ".xml", ".tgz", ".tsv", ".csv"].iter().any(|ending| name.ends_with(ending))
}

/// What is wrong with a file; nothing of it is in force then.
type Loaded = Result<(), Vec<Finding>>;

fn load_file(path: &Path, knowledge: &mut Knowledge, shelf: &mut Shelf) -> Result<Loaded, Failure> {
    let size = std::fs::metadata(path).map_err(|e| Failure::file(path, &e))?.len();
    if size > FILE_BYTES_MAX {
        return Ok(Err(vec![too_large()]));
    }
    let bytes = std::fs::read(path).map_err(|e| Failure::file(path, &e))?;
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    if ![".tsv", ".csv", ".txt"].iter().any(|ending| name.ends_with(ending)) {
        return Ok(load_resources(&bytes, knowledge, shelf));
    }
    // a table that must not be touched has its `#key` lines in a file of its own beside it
    let keys = path.with_file_name(format!("{name}.keys"));
    let keys = if keys.is_file() { std::fs::read(&keys).map_err(|e| Failure::file(&keys, &e))? } else { Vec::new() };
    let (keys, table) = match (utf8(&keys), utf8(&bytes)) {
        (Ok(keys), Ok(table)) => (keys, table),
        (Err(finding), _) | (_, Err(finding)) => return Ok(Err(vec![finding])),
    };
    Ok(knowledge.terminology.load_table_with(name, &keys, &table).map(|_| ()))
}

/// Tables come in UTF-8 and, from older systems, in GB18030.
fn utf8(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Finding> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if std::str::from_utf8(bytes).is_ok() {
        return Ok(Cow::Borrowed(bytes));
    }
    charset::decode(bytes, Some(Charset::Gb18030)).map(|text| Cow::Owned(text.text.as_bytes().to_vec()))
}

fn load_resources(bytes: &[u8], knowledge: &mut Knowledge, shelf: &mut Shelf) -> Loaded {
    let document = Document::read(bytes, Syntax::of_text(bytes), &DocumentLimits::default()).map_err(|finding| vec![finding])?;
    take(document.tree, knowledge, shelf)
}

fn take(resource: Tree, knowledge: &mut Knowledge, shelf: &mut Shelf) -> Loaded {
    shelf.add(&resource);
    knowledge.load(resource).map_err(|finding| vec![finding])
}

fn too_large() -> Finding {
    Finding::new(hutong_fhir::Severity::Error, "package.size", "too-long", 0).says(
        format!("文件超过 {} MB，未读取", FILE_BYTES_MAX >> 20),
        format!("the file is larger than {} MB and was not read", FILE_BYTES_MAX >> 20),
    )
}
