//! Loading of what a configuration or a command line names: FHIR packages (`.tgz`), single conformance resources (JSON or
//! XML), tables of codes (TSV or CSV), and directories of these.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use hutong_decode::charset::{self, Charset};
use hutong_fhir::package::{self, Package, PackageLimits};
use hutong_fhir::{Finding, Severity};
use hutong_serve::Shelf;
use hutong_validate::Knowledge;

use crate::cli::findings::place;
use crate::cli::{Failure, files};

/// One file is refused beyond this before it is read.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Faults that are told at once; the rest is counted.
const FAULTS_MAX: usize = 20;

/// What was loaded, for the log and for `hutong check`.
#[derive(Default)]
pub(crate) struct Loaded {
    /// Name, version and number of resources of each package; tables with the number of their codes.
    pub(crate) names: Vec<(String, String, usize)>,
    /// What is doubtful and hinders nothing: a package that another needs and that is not there.
    pub(crate) warnings: Vec<Finding>,
}

/// Loads files and directories: packages that others need come first, otherwise in the order given. What a directory
/// holds beside packages, resources and tables is passed over; a file that is named itself is not.
///
/// # Errors
/// All that is wrong, each with its file. What was loaded before may then not be used.
pub(crate) fn load(paths: &[PathBuf], knowledge: &mut Knowledge, shelf: &mut Shelf) -> Result<Loaded, Failure> {
    let mut load = Load { packages: Vec::new(), faults: Vec::new(), loaded: Loaded::default() };
    for path in paths {
        if path.is_dir() {
            load.directory(path, knowledge)?;
        } else {
            load.file(path, knowledge)?;
        }
    }
    load.take(knowledge, shelf)
}

struct Load {
    packages: Vec<Package>,
    /// What is wrong, by the file it is in.
    faults: Vec<(String, Finding)>,
    loaded: Loaded,
}

impl Load {
    fn directory(&mut self, path: &Path, knowledge: &mut Knowledge) -> Result<(), Failure> {
        let mut resources = Vec::new();
        for file in files::expand(&[path.to_owned()])? {
            let name = name_of(&file);
            match ending(&name) {
                "tgz" | "tsv" | "csv" => self.file(&file, knowledge)?,
                "json" | "xml" => match self.bytes(&file)? {
                    Some(bytes) => resources.push((file.strip_prefix(path).unwrap_or(&file).display().to_string(), bytes)),
                    None => continue,
                },
                _ => {}
            }
        }
        if !resources.is_empty() {
            let read = package::read_files(&path.display().to_string(), resources, &PackageLimits::default());
            self.package(path, read);
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, knowledge: &mut Knowledge) -> Result<(), Failure> {
        let Some(bytes) = self.bytes(path)? else { return Ok(()) };
        let name = name_of(path);
        if !matches!(ending(&name), "tsv" | "csv" | "txt") {
            let read = package::read(&name, &bytes, &PackageLimits::default());
            self.package(path, read);
            return Ok(());
        }
        // a table that must not be touched has its `#key` lines in a file of its own beside it
        let keys = path.with_file_name(format!("{name}.keys"));
        let keys = if keys.is_file() { std::fs::read(&keys).map_err(|e| Failure::file(&keys, &e))? } else { Vec::new() };
        let taken = match (utf8(&keys), utf8(&bytes)) {
            (Ok(keys), Ok(table)) => knowledge.terminology.load_table_with(&name, &keys, &table),
            (Err(finding), _) | (_, Err(finding)) => Err(vec![finding]),
        };
        match taken {
            Ok(table) => self.loaded.names.push((table.url, table.version, table.codes)),
            Err(found) => self.faults.extend(found.into_iter().map(|finding| (path.display().to_string(), finding))),
        }
        Ok(())
    }

    /// The content of a file, or a fault where it is too large.
    fn bytes(&mut self, path: &Path) -> Result<Option<Vec<u8>>, Failure> {
        let size = std::fs::metadata(path).map_err(|e| Failure::file(path, &e))?.len();
        if size > FILE_BYTES_MAX {
            self.faults.push((path.display().to_string(), too_large()));
            return Ok(None);
        }
        std::fs::read(path).map(Some).map_err(|e| Failure::file(path, &e))
    }

    fn package(&mut self, path: &Path, read: Result<Package, Finding>) {
        let file = || path.display().to_string();
        match read {
            Ok(mut package) => {
                self.faults.extend(package.findings.drain(..).map(|finding| (file(), finding)));
                self.packages.push(package);
            }
            Err(finding) => self.faults.push((file(), finding)),
        }
    }

    /// Puts the packages that were read into `knowledge`.
    fn take(mut self, knowledge: &mut Knowledge, shelf: &mut Shelf) -> Result<Loaded, Failure> {
        let (order, found) = package::order(&self.packages);
        let (wrong, doubtful): (Vec<Finding>, Vec<Finding>) = found.into_iter().partition(|f| f.severity == Severity::Error);
        self.faults.extend(wrong.into_iter().map(|finding| (String::new(), finding)));
        self.loaded.warnings = doubtful;
        let mut packages: Vec<Option<Package>> = self.packages.into_iter().map(Some).collect();
        for number in order {
            let Some(package) = packages.get_mut(number).and_then(Option::take) else { continue };
            self.loaded.names.push((package.name.clone(), package.version.clone(), package.resources.len()));
            let mut again = None;
            for (file, resource) in package.resources {
                shelf.add(&resource);
                match knowledge.load(resource) {
                    Err(finding) if finding.severity == Severity::Error => self.faults.push((format!("{} {file}", package.name), finding)),
                    // what is known already in that version, as our own package is: said once
                    Err(finding) => again = again.or(Some(finding)),
                    Ok(()) => {}
                }
            }
            self.loaded.warnings.extend(again);
        }
        let faults = self.faults;
        if faults.is_empty() { Ok(self.loaded) } else { Err(refused(&faults)) }
    }
}

fn refused(faults: &[(String, Finding)]) -> Failure {
    let list = |zh: bool| -> String {
        let line = |(file, f): &(String, Finding)| format!("\n  {file}{} {} [{}]", place(f), if zh { &f.zh } else { &f.en }, f.rule);
        faults.iter().take(FAULTS_MAX).map(line).collect()
    };
    Failure::judged(
        format!("有 {} 处不能载入，全部不予采用：{}", faults.len(), list(true)),
        format!("{} could not be loaded, so nothing of it is used:{}", faults.len(), list(false)),
    )
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// Tables come in UTF-8 and, from older systems, in GB18030.
fn utf8(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Finding> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if std::str::from_utf8(bytes).is_ok() {
        return Ok(Cow::Borrowed(bytes));
    }
    charset::decode(bytes, Some(Charset::Gb18030)).map(|text| Cow::Owned(text.text.as_bytes().to_vec()))
}

fn too_large() -> Finding {
    let mb = FILE_BYTES_MAX >> 20;
    Finding::new(Severity::Error, "package.size", "too-long", 0)
        .says(format!("文件超过 {mb} MB，未读取"), format!("the file is larger than {mb} MB and was not read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(files: &[(&str, &[u8])]) -> (Result<Loaded, Failure>, Knowledge) {
        let dir = std::env::temp_dir().join(format!("hutong-packages-{}-{:?}", std::process::id(), std::thread::current().id()));
        std::fs::create_dir_all(&dir).unwrap();
        for (name, content) in files {
            std::fs::write(dir.join(name), content).unwrap();
        }
        let mut knowledge = Knowledge::r4();
        let loaded = load(std::slice::from_ref(&dir), &mut knowledge, &mut Shelf::default());
        std::fs::remove_dir_all(&dir).unwrap();
        (loaded, knowledge)
    }

    #[test]
    fn a_directory_of_tables_and_resources_is_loaded_whatever_its_charset() {
        // "#url\thttp://x/cs\ncode\tdisplay\n1\t男\n" in GB18030
        let gb18030: &[u8] = b"#url\thttp://x/cs\ncode\tdisplay\n1\t\xc4\xd0\n";
        let value_set =
            br#"{"resourceType":"ValueSet","url":"http://x/vs","status":"active","compose":{"include":[{"system":"http://x/cs"}]}}"#;
        let (loaded, knowledge) = loaded(&[("sex.tsv", gb18030), ("vs.json", value_set), ("readme.md", b"not read")]);
        let names = loaded.map_err(|f| f.to_string()).unwrap().names;
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(knowledge.terminology.display("http://x/cs", "1"), Some("男"));
    }

    #[test]
    fn a_definition_that_is_known_already_hinders_nothing() {
        let profile = |name| {
            format!(
                r#"{{"resourceType":"StructureDefinition","url":"http://x/{name}","name":"X","status":"active","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint","differential":{{"element":[{{"id":"Patient","path":"Patient"}}]}}}}"#
            )
        };
        let (a, b) = (profile("p"), profile("p"));
        let (loaded, _) = loaded(&[("a.json", a.as_bytes()), ("b.json", b.as_bytes())]);
        let loaded = loaded.map_err(|f| f.to_string()).unwrap();
        assert_eq!(loaded.warnings.len(), 1);
        assert_eq!(loaded.warnings[0].rule, "structure.duplicate");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_file() {
        for (name, content, expected) in [
            ("bad.json", &b"{"[..], "bad.json"),
            ("bad.tgz", b"\x1f\x8bnothing", "bad.tgz"),
            ("bad.tsv", b"code\tdisplay\n1\tx\n", "bad.tsv"),
        ] {
            let (loaded, _) = loaded(&[(name, content)]);
            let told = loaded.err().unwrap().to_string();
            assert!(told.contains(expected), "{told}");
        }
    }
}
