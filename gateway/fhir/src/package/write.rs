//! Writing a package: the same content gives the same bytes.

use super::refuse;
use crate::finding::Finding;
use crate::json::{self, JsonLimits};
use crate::tree::NodeRef;
use flate2::{Compression, GzBuilder};
use std::collections::BTreeMap;
use std::io::Write;

/// Modification time of all files (2000-01-01T00:00:00Z): a package is told by its version, not by when it was built.
const TIME: u64 = 946_684_800;

/// What `package.json` says.
#[derive(Clone, Default)]
pub struct Manifest {
    /// `cn.example.core`
    pub name: String,
    /// `1.0.0`
    pub version: String,
    /// Base of the canonicals in it.
    pub canonical: String,
    /// Where people read about it.
    pub url: String,
    pub title: String,
    pub description: String,
    pub author: String,
    /// SPDX.
    pub license: String,
    /// `YYYYMMDDHHMMSS`, or empty.
    pub date: String,
    pub dependencies: Vec<(String, String)>,
}

/// A resource as FHIR JSON, with the name of its file.
pub struct Resource {
    /// `StructureDefinition-x.json`
    pub file: String,
    pub json: Vec<u8>,
}

/// A FHIR R4 package as `.tgz`: `package/` with the manifest, an index and the resources, `package/example/` with
/// examples and their index. Files are sorted, times fixed.
///
/// # Errors
/// `package.write`: a resource that is not FHIR JSON, or two files of one name.
pub fn write(manifest: &Manifest, resources: &[Resource], examples: &[Resource]) -> Result<Vec<u8>, Finding> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (folder, list) in [("package/", resources), ("package/example/", examples)] {
        let mut rows = BTreeMap::new();
        for resource in list {
            rows.insert(resource.file.clone(), index_row(resource)?);
            if files.insert(format!("{folder}{}", resource.file), resource.json.clone()).is_some() {
                return Err(refuse(
                    "package.write",
                    "duplicate",
                    format!("文件名 {} 出现两次", resource.file),
                    format!("two files are named {}", resource.file),
                ));
            }
        }
        if !list.is_empty() || folder == "package/" {
            let rows = rows.into_values().collect::<Vec<_>>().join(",\n    ");
            files.insert(
                format!("{folder}.index.json"),
                format!("{{\n  \"index-version\": 2,\n  \"files\": [\n    {rows}\n  ]\n}}\n").into(),
            );
        }
    }
    files.insert("package/package.json".to_owned(), manifest.to_json().into_bytes());
    let zip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    pack(zip, files)
        .map_err(|e| refuse("package.write", "exception", format!("写包失败：{e}"), format!("the package was not written: {e}")))
}

/// `package.json` comes first, as readers that only want to know what it is expect.
fn pack(zip: flate2::write::GzEncoder<Vec<u8>>, mut files: BTreeMap<String, Vec<u8>>) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(zip);
    let mut add = |path: &str, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(TIME);
        archive.append_data(&mut header, path, content)
    };
    if let Some(manifest) = files.remove("package/package.json") {
        add("package/package.json", &manifest)?;
    }
    for (path, content) in &files {
        add(path, content)?;
    }
    let mut zip = archive.into_inner()?;
    zip.flush()?;
    zip.finish()
}

/// A JSON object from names and values; empty values are left out.
fn object(members: &[(&str, &str)]) -> String {
    let mut out = Vec::from(b"{".as_slice());
    for (name, value) in members.iter().filter(|(_, value)| !value.is_empty()) {
        if out.len() > 1 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(format!("\"{name}\": \"").as_bytes());
        json::escape(value, &mut out);
        out.push(b'"');
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

impl Manifest {
    fn to_json(&self) -> String {
        let text = |value: &str| {
            let mut out = Vec::new();
            json::escape(value, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let mut out = format!("{{\n  \"name\": \"{}\",\n  \"version\": \"{}\",\n", text(&self.name), text(&self.version));
        out.push_str("  \"tools-version\": 3,\n  \"type\": \"Conformance\",\n  \"fhirVersions\": [\"4.0.1\"],\n");
        let members = [
            ("date", &self.date),
            ("license", &self.license),
            ("canonical", &self.canonical),
            ("url", &self.url),
            ("title", &self.title),
            ("description", &self.description),
            ("author", &self.author),
        ];
        for (name, value) in members.into_iter().filter(|(_, value)| !value.is_empty()) {
            out.push_str(&format!("  \"{name}\": \"{}\",\n", text(value)));
        }
        let dependencies: BTreeMap<&str, &str> = self.dependencies.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let dependencies: Vec<(&str, &str)> = dependencies.into_iter().collect();
        out.push_str(&format!("  \"dependencies\": {},\n", object(&dependencies)));
        out.push_str("  \"directories\": {\"lib\": \"package\", \"example\": \"example\"}\n}\n");
        out
    }
}

/// What the index says of a resource (FHIR NPM Package Specification, `.index.json`).
fn index_row(resource: &Resource) -> Result<String, Finding> {
    let unreadable = || {
        refuse(
            "package.write",
            "structure",
            format!("{} 不是 FHIR JSON 资源", resource.file),
            format!("{} is no FHIR resource in JSON", resource.file),
        )
    };
    let (tree, _) = json::parse(&resource.json, &JsonLimits::default()).map_err(|_| unreadable())?;
    let root = tree.root();
    let resource_type = root.resource_type().ok_or_else(unreadable)?;
    let text = |name: &str| root.get(name).and_then(NodeRef::value).unwrap_or_default();
    Ok(object(&[
        ("filename", &resource.file),
        ("resourceType", resource_type),
        ("id", text("id")),
        ("url", text("url")),
        ("version", text("version")),
        ("kind", text("kind")),
        ("type", text("type")),
        ("supplements", text("supplements")),
        ("content", text("content")),
        ("derivation", text("derivation")),
    ]))
}
