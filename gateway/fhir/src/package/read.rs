//! A package, a folder of files, or a single file, as resources.

use super::archive::{check_path, too_large, too_many, unpack};
use super::{Package, PackageLimits, refuse};
use crate::finding::{Finding, Location};
use crate::json;
use crate::tree::{NodeRef, Tree};
use crate::xml;

/// Reads a `.tgz` package, or one resource or Bundle of resources in JSON or XML. `name` is the file's, for texts.
///
/// # Errors
/// `package.size`, `package.ratio`, `package.count`, `package.path`, `package.link`, `package.duplicate`,
/// `package.corrupt`, `package.manifest`; for a single file `package.file`, where it cannot be read.
pub fn read(name: &str, bytes: &[u8], limits: &PackageLimits) -> Result<Package, Finding> {
    if bytes.len() > limits.archive_bytes_max {
        return Err(too_large(name, "文件", "it is", limits.archive_bytes_max));
    }
    if bytes.starts_with(b"\x1f\x8b") {
        let files = unpack(name, bytes, limits, is_of_package)?;
        let mut package = of_files(name, files, limits);
        return if package.version.is_empty() { Err(package.findings.pop().unwrap_or_else(|| no_manifest(name))) } else { Ok(package) };
    }
    let mut package = empty(name);
    let tree = resource(name, bytes, limits)?;
    add(&mut package, name, tree);
    Ok(package)
}

/// Reads the files of a folder: paths below it (with `/`) and their content. A `package.json` names the package;
/// without one it has the name it is given.
///
/// # Errors
/// `package.count`, `package.size`, `package.path`.
pub fn read_files(name: &str, files: Vec<(String, Vec<u8>)>, limits: &PackageLimits) -> Result<Package, Finding> {
    if files.len() > limits.files_max {
        return Err(too_many(name, limits.files_max));
    }
    let mut total = 0usize;
    for (path, content) in &files {
        check_path(name, path, limits)?;
        total = total.saturating_add(content.len());
        if content.len() > limits.file_bytes_max || total > limits.total_bytes_max {
            return Err(too_large(&format!("{name} {path}"), "文件", "it is", limits.file_bytes_max));
        }
    }
    Ok(of_files(name, files, limits))
}

/// Files of an archive that are read: those right in `package/`. Examples and other folders are for people.
fn is_of_package(path: &str) -> bool {
    let file = path.trim_start_matches("./").strip_prefix("package/");
    file.is_some_and(|file| !file.contains('/') && is_resource_file(file))
}

fn is_resource_file(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    (file.ends_with(".json") || file.ends_with(".xml")) && !file.starts_with('.')
}

fn empty(name: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: String::new(),
        fhir_versions: Vec::new(),
        dependencies: Vec::new(),
        resources: Vec::new(),
        findings: Vec::new(),
    }
}

fn of_files(name: &str, files: Vec<(String, Vec<u8>)>, limits: &PackageLimits) -> Package {
    let mut package = empty(name);
    for (path, content) in files {
        let file = path.rsplit('/').next().unwrap_or(&path);
        if file == "package.json" {
            if let Err(finding) = manifest(&mut package, &content, limits) {
                package.findings.push(finding);
            }
        } else if is_resource_file(file) {
            match resource(&path, &content, limits) {
                Ok(tree) => add(&mut package, &path, tree),
                Err(finding) => package.findings.push(finding),
            }
        }
    }
    package
}

fn no_manifest(name: &str) -> Finding {
    refuse(
        "package.manifest",
        "required",
        format!("{name}：缺少 package/package.json，或其中没有 name 和 version"),
        format!("{name}: there is no package/package.json, or it has no name and version"),
    )
}

fn manifest(package: &mut Package, content: &[u8], limits: &PackageLimits) -> Result<(), Finding> {
    let (tree, _) = json::parse(content, &limits.json).map_err(|_| no_manifest(&package.name))?;
    let root = tree.root();
    let text = |name: &str| root.children().find(|c| c.name() == name).and_then(NodeRef::value).filter(|v| !v.is_empty());
    let (Some(name), Some(version)) = (text("name"), text("version")) else { return Err(no_manifest(&package.name)) };
    package.name = name.to_owned();
    package.version = version.to_owned();
    let versions = root.children().filter(|c| matches!(c.name(), "fhirVersions" | "fhir-version-list")).filter_map(NodeRef::value);
    package.fhir_versions = versions.map(str::to_owned).collect();
    let dependencies = root.children().find(|c| c.name() == "dependencies");
    package.dependencies = dependencies
        .into_iter()
        .flat_map(NodeRef::children)
        .filter_map(|d| Some((d.name().to_owned(), d.value()?.to_owned())))
        .take(limits.dependencies_max)
        .collect();
    Ok(())
}

/// Adds a resource, or those of a Bundle. Other JSON (schemas, indexes) is passed over.
fn add(package: &mut Package, path: &str, tree: Tree) {
    match tree.root().resource_type() {
        None => {}
        Some("Bundle") => {
            let entries = tree.root().children().filter(|c| c.name() == "entry");
            let resources = entries.filter_map(|e| e.get("resource")).filter(|r| r.resource_type().is_some());
            package.resources.extend(resources.map(|r| (path.to_owned(), copy(r))));
        }
        Some(_) => package.resources.push((path.to_owned(), tree)),
    }
}

/// A resource inside another as one of its own.
fn copy(resource: NodeRef<'_>) -> Tree {
    let mut tree = Tree::new();
    tree.set_origin(0, resource.origin());
    for child in resource.children() {
        let key = tree.key(child.name());
        tree.graft(0, key, child, child.is_list());
    }
    tree
}

fn resource(path: &str, content: &[u8], limits: &PackageLimits) -> Result<Tree, Finding> {
    let unreadable = |zh: String, en: String, line: u32, column: u32| {
        let place = Location::Path { expression: String::new(), line, column };
        refuse("package.file", "structure", format!("{path}：{zh}"), format!("{path}: {en}")).at(place)
    };
    let start = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    if start.trim_ascii_start().starts_with(b"<") {
        return xml::parse(content, &limits.xml)
            .map(|(tree, _)| tree)
            .map_err(|e| unreadable(e.zh.to_owned(), e.en.to_owned(), e.line, e.column));
    }
    json::parse(start, &limits.json).map(|(tree, _)| tree).map_err(|e| {
        let (line, column) = json::line_column(start, e.offset);
        let (zh, en) = (format!("第 {line} 行第 {column} 列不是有效的 JSON"), format!("not valid JSON at line {line}, column {column}"));
        unreadable(zh, en, line, column)
    })
}
