//! Loading of what a configuration or a command line names: FHIR packages (`.tgz`), single conformance resources (JSON or
//! XML), tables of codes (TSV or CSV), and directories of these.

use std::path::{Path, PathBuf};

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
            if let Err(finding) = load_file(file, knowledge, shelf)? {
                faults.push((file.display().to_string(), *finding));
            }
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

type Loaded = Result<(), Box<Finding>>;

fn load_file(path: &Path, knowledge: &mut Knowledge, shelf: &mut Shelf) -> Result<Loaded, Failure> {
    let size = std::fs::metadata(path).map_err(|e| Failure::file(path, &e))?.len();
    if size > FILE_BYTES_MAX {
        return Ok(Err(Box::new(too_large())));
    }
    let bytes = std::fs::read(path).map_err(|e| Failure::file(path, &e))?;
    Ok(load_bytes(&bytes, knowledge, shelf))
}

fn load_bytes(bytes: &[u8], knowledge: &mut Knowledge, shelf: &mut Shelf) -> Loaded {
    let document = Document::read(bytes, Syntax::of_text(bytes), &DocumentLimits::default()).map_err(Box::new)?;
    take(document.tree, knowledge, shelf)
}

fn take(resource: Tree, knowledge: &mut Knowledge, shelf: &mut Shelf) -> Loaded {
    shelf.add(&resource);
    knowledge.load(resource).map_err(Box::new)
}

fn too_large() -> Finding {
    Finding::new(hutong_fhir::Severity::Error, "package.size", "too-long", 0).says(
        format!("文件超过 {} MB，未读取", FILE_BYTES_MAX >> 20),
        format!("the file is larger than {} MB and was not read", FILE_BYTES_MAX >> 20),
    )
}
