//! The mappings of this installation: those built into the binary, or a directory of them.

use std::path::{Path, PathBuf};

use hutong_decode::v2::Grammar;
use hutong_fhir::definitions::Definitions;
use hutong_map::{LineId, Mappings, Plan, SourceFile, line_column, render};
use sha2::{Digest, Sha256};

use crate::cli::Failure;
use crate::cli::lang::{Lang, lang};

/// The files, in order of path.
pub(crate) fn files(directory: Option<&Path>) -> Result<Vec<SourceFile>, Failure> {
    let Some(directory) = directory else {
        return Ok(crate::embedded::FILES
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect());
    };
    let mut paths = crate::cli::files::expand(&[directory.to_owned()])?;
    paths.retain(|p| p.extension().is_some_and(|e| e == "hmap" || e == "tsv" || e == "json"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::file(&path, &e))?;
        Ok(SourceFile { path: path.display().to_string(), text })
    };
    paths.into_iter().map(read).collect()
}

/// Reads and judges them; what is wrong is shown with its line and a caret.
pub(crate) fn load(directory: Option<&Path>, definitions: &'static Definitions, grammar: &'static Grammar) -> Result<Mappings, Failure> {
    Mappings::load(files(directory)?, definitions, grammar).map_err(|refused| {
        let list = |lang| refused.diagnostics.iter().map(|d| render(d, &refused.files, lang)).collect::<Vec<_>>().join("\n");
        Failure::judged(
            format!("映射不能使用：\n{}", list(hutong_map::Lang::Zh)),
            format!("the mappings cannot be used:\n{}", list(hutong_map::Lang::En)),
        )
    })
}

/// What tells one version of the mappings from another.
pub(crate) fn hash(files: &[SourceFile]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for file in files {
        hash.update((file.path.len() as u64).to_be_bytes());
        hash.update(&file.path);
        hash.update((file.text.len() as u64).to_be_bytes());
        hash.update(&file.text);
    }
    hash.finalize().into()
}

/// The language of diagnostics.
pub(crate) fn diagnostics_lang() -> hutong_map::Lang {
    if lang() == Lang::Zh { hutong_map::Lang::Zh } else { hutong_map::Lang::En }
}

/// From a line's number to its place.
pub(crate) struct Lines<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) files: &'a [SourceFile],
}

impl Lines<'_> {
    /// `mappings/v2/segments/obx.hmap:12`
    pub(crate) fn place(&self, line: LineId) -> String {
        let Some(info) = self.plan.line(line) else { return String::new() };
        let Some(file) = self.files.get(info.span.file as usize) else { return String::new() };
        format!("{}:{} ({})", file.path, line_column(&file.text, info.span.start as usize).0, info.target)
    }
}
