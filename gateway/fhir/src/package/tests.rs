//! Packages, good and hostile.

use super::*;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use tar::{EntryType, Header};

const MANIFEST: &[u8] =
    br#"{"name":"t.pack","version":"1.0.0","fhirVersions":["4.0.1"],"dependencies":{"hl7.fhir.r4.core":"4.0.1","t.base":"1.0.0"}}"#;
const PATIENT: &[u8] = br#"{"resourceType":"Patient","id":"a"}"#;

/// An archive of entries as they are, whatever their paths.
fn tgz(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    for (path, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_cksum();
        zip.write_all(header.as_bytes()).unwrap();
        zip.write_all(content).unwrap();
        zip.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()]).unwrap();
    }
    zip.write_all(&[0; 1024]).unwrap();
    zip.finish().unwrap()
}

fn good(more: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut entries = vec![("package/package.json", EntryType::Regular, MANIFEST), ("package/Patient-a.json", EntryType::Regular, PATIENT)];
    entries.extend_from_slice(more);
    tgz(&entries)
}

fn rule(bytes: &[u8], limits: &PackageLimits) -> String {
    read("x.tgz", bytes, limits).err().map(|f| f.rule.into_owned()).unwrap_or_default()
}

#[test]
fn a_package_gives_its_resources() {
    let xml = b"<Basic xmlns=\"http://hl7.org/fhir\"><id value=\"b\"/></Basic>";
    let bytes = good(&[
        ("package/", EntryType::Directory, b""),
        ("package/.index.json", EntryType::Regular, b"{"),
        ("package/Basic-b.xml", EntryType::Regular, xml),
        ("package/example/Patient-x.json", EntryType::Regular, PATIENT),
        ("package/openapi.json", EntryType::Regular, b"{\"openapi\":3}"),
        ("package/bad.json", EntryType::Regular, b"{\n\"a\":"),
        ("other/readme.txt", EntryType::Regular, b"hello"),
    ]);
    let package = read("x.tgz", &bytes, &PackageLimits::default()).map_err(|f| f.en).unwrap();
    assert_eq!((package.name.as_str(), package.version.as_str()), ("t.pack", "1.0.0"));
    assert_eq!(package.dependencies[1], ("t.base".to_owned(), "1.0.0".to_owned()));
    let found: Vec<(&str, &str)> = package.resources.iter().map(|(path, t)| (path.as_str(), t.root().resource_type().unwrap())).collect();
    assert_eq!(found, [("package/Patient-a.json", "Patient"), ("package/Basic-b.xml", "Basic")]);
    assert_eq!(package.findings.len(), 1);
    assert!(package.findings[0].en.starts_with("package/bad.json: not valid JSON at line 2"), "{}", package.findings[0].en);
}

#[test]
fn single_files_and_bundles_are_packages_too() {
    let limits = PackageLimits::default();
    let bundle = br#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"ValueSet","id":"v","compose":{"include":[{"system":"s"}]}}},{"resource":{"resourceType":"Patient"}},{}]}"#;
    let package = read("b.json", bundle, &limits).map_err(|f| f.en).unwrap();
    assert_eq!(package.resources.len(), 2);
    assert_eq!(package.resources[0].1.root().at("compose.include.system"), Some("s"));
    assert!(package.resources[0].1.root().get("compose").unwrap().get("include").unwrap().is_list());
    let xml = b"\xef\xbb\xbf <Patient xmlns=\"http://hl7.org/fhir\"/>";
    assert_eq!(read("a.xml", xml, &limits).map_err(|f| f.en).unwrap().resources.len(), 1);
    let fault = read("a.xml", b"<Patient xmlns=\"http://hl7.org/fhir\">", &limits).err().unwrap();
    assert_eq!((fault.rule.as_ref(), fault.issue), ("package.file", "structure"));
    let files = vec![("a/Patient-a.json".to_owned(), PATIENT.to_vec()), ("b.txt".to_owned(), b"x".to_vec())];
    let folder = read_files("dir", files, &limits).map_err(|f| f.en).unwrap();
    assert_eq!((folder.name.as_str(), folder.resources.len()), ("dir", 1));
    let outside = vec![("../a.json".to_owned(), PATIENT.to_vec())];
    assert_eq!(read_files("dir", outside, &limits).err().unwrap().rule, "package.path");
}

#[test]
fn hostile_archives_are_refused() {
    let limits = PackageLimits::default();
    let file = EntryType::Regular;
    for path in ["../evil.json", "package/../../evil.json", "/etc/evil.json", "package/a\\b.json", "c:/evil.json", "package/a\nb.json"] {
        assert_eq!(rule(&good(&[(path, file, PATIENT)]), &limits), "package.path", "{path}");
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::GNUSparse] {
        assert_eq!(rule(&good(&[("package/a.json", kind, b"")]), &limits), "package.link");
    }
    assert_eq!(rule(&good(&[("package/Patient-a.json", file, PATIENT)]), &limits), "package.duplicate");
    assert_eq!(rule(&good(&[("./package/Patient-a.json", file, PATIENT)]), &limits), "package.duplicate");
    let whole = good(&[]);
    assert_eq!(rule(&whole[..whole.len() / 2], &limits), "package.corrupt");
    assert_eq!(rule(b"\x1f\x8bnot gzip at all", &limits), "package.corrupt");
    assert_eq!(rule(&tgz(&[("package/Patient-a.json", file, PATIENT)]), &limits), "package.manifest");
    assert_eq!(rule(&tgz(&[("package/package.json", file, b"{}")]), &limits), "package.manifest");
}

#[test]
fn long_paths_are_read_and_checked() {
    let long = format!("package/{}.json", "a".repeat(150));
    let pax = |path: &str| {
        let record = format!(" path={path}\n");
        let length = (1..5).map(|digits| record.len() + digits).find(|n| n.to_string().len() == n - record.len()).unwrap();
        format!("{length}{record}").into_bytes()
    };
    let file = EntryType::Regular;
    let bytes = good(&[("x", EntryType::XHeader, &pax(&long)), ("package/short.json", file, PATIENT)]);
    let package = read("x.tgz", &bytes, &PackageLimits::default()).map_err(|f| f.en).unwrap();
    assert_eq!(package.resources[1].0, long);
    let limits = PackageLimits::default();
    let evil = good(&[("x", EntryType::XHeader, &pax("../../evil.json")), ("package/short.json", file, PATIENT)]);
    assert_eq!(rule(&evil, &limits), "package.path");
    let gnu = good(&[("x", EntryType::GNULongName, b"/evil.json\0"), ("package/short.json", file, PATIENT)]);
    assert_eq!(rule(&gnu, &limits), "package.path");
    // a header that is larger than any path
    let large = vec![b'a'; 100_000];
    assert_eq!(rule(&good(&[("x", EntryType::XHeader, &large)]), &limits), "package.corrupt");
}

#[test]
fn bombs_stop_at_their_limits() {
    let file = EntryType::Regular;
    let zeros = vec![b' '; 40 << 20];
    let bomb = good(&[("package/zeros.json", file, &zeros)]);
    assert!(bomb.len() < 1 << 20);
    let limits = PackageLimits::default();
    assert_eq!(rule(&bomb, &limits), "package.ratio");
    // also where nobody wants the file
    assert_eq!(rule(&good(&[("other/zeros", file, &zeros)]), &limits), "package.ratio");
    assert_eq!(rule(&bomb, &PackageLimits { file_bytes_max: 1 << 20, ..limits }), "package.size");
    assert_eq!(rule(&bomb, &PackageLimits { ratio_max: 100_000, total_bytes_max: 2 << 20, ..limits }), "package.size");
    assert_eq!(rule(&bomb, &PackageLimits { archive_bytes_max: 100, ..limits }), "package.size");
    let names: Vec<String> = (0..50).map(|i| format!("package/{i}.json")).collect();
    let many: Vec<(&str, EntryType, &[u8])> = names.iter().map(|n| (n.as_str(), file, PATIENT)).collect();
    assert_eq!(rule(&good(&many), &PackageLimits { files_max: 20, ..limits }), "package.count");
    // a file that claims to be larger than it is
    let mut header = Header::new_gnu();
    header.set_path("package/a.json").unwrap();
    header.set_size(50 << 20);
    header.set_cksum();
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(header.as_bytes()).unwrap();
    assert_eq!(rule(&zip.finish().unwrap(), &limits), "package.corrupt");
}

#[test]
fn packages_come_after_what_they_need() {
    let package = |name: &str, needs: &[&str]| Package {
        name: name.to_owned(),
        version: "1".to_owned(),
        fhir_versions: Vec::new(),
        dependencies: needs.iter().map(|n| ((*n).to_owned(), "1".to_owned())).collect(),
        resources: Vec::new(),
        findings: Vec::new(),
    };
    let (places, findings) = order(&[package("a", &["b", "c"]), package("b", &["c", CORE]), package("c", &[])]);
    assert_eq!((places, findings.len()), (vec![2, 1, 0], 0));
    let (places, findings) = order(&[package("a", &["b"]), package("b", &["a"]), package("c", &["d"])]);
    assert_eq!(places, [2, 0, 1]);
    let rules: Vec<&str> = findings.iter().map(|f| f.rule.as_ref()).collect();
    assert_eq!(rules, ["package.missing", "package.cyclic"]);
}

#[test]
fn what_is_written_is_read_and_always_the_same() {
    let manifest = Manifest {
        name: "t.pack".to_owned(),
        version: "1.2.3".to_owned(),
        title: "试验 \"包\"".to_owned(),
        dependencies: vec![(CORE.to_owned(), "4.0.1".to_owned())],
        ..Manifest::default()
    };
    let resource = |file: &str, json: &str| Resource { file: file.to_owned(), json: json.as_bytes().to_vec() };
    let profile = r#"{"resourceType":"StructureDefinition","id":"p","url":"http://t/p","type":"Patient","derivation":"constraint"}"#;
    let long = format!("{}.json", "a".repeat(120));
    let patient = std::str::from_utf8(PATIENT).unwrap();
    let one = [resource("b.json", profile), resource(&long, patient)];
    let other = [resource(&long, patient), resource("b.json", profile)];
    let examples = [resource("Patient-a.json", patient)];
    let bytes = write(&manifest, &one, &examples).map_err(|f| f.en).unwrap();
    assert_eq!(bytes, write(&manifest, &other, &examples).map_err(|f| f.en).unwrap());
    let package = read("x.tgz", &bytes, &PackageLimits::default()).map_err(|f| f.en).unwrap();
    assert_eq!((package.name.as_str(), package.version.as_str(), package.resources.len()), ("t.pack", "1.2.3", 2));
    assert_eq!(package.dependencies.len(), 1);
    assert!(package.findings.is_empty());
    let index = archive::unpack("x", &bytes, &PackageLimits::default(), |path| path.ends_with(".index.json")).map_err(|f| f.en).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index[0].1).unwrap();
    assert_eq!(index["files"][1]["url"], "http://t/p");
    assert_eq!(write(&manifest, &[resource("a", "{}")], &[]).err().map(|f| f.rule.into_owned()), Some("package.write".into()));
    let twice = [resource("a", patient), resource("a", patient)];
    assert_eq!(write(&manifest, &twice, &[]).err().map(|f| f.rule.into_owned()), Some("package.write".into()));
}

#[test]
fn damaged_archives_end_in_an_answer() {
    let whole = good(&[("package/b.json", EntryType::Regular, PATIENT)]);
    let limits = PackageLimits::default();
    for at in 0..whole.len() {
        for value in [0, 0xff, whole[at] ^ 1] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            drop(read("x.tgz", &bytes, &limits));
        }
        drop(read("x.tgz", &whole[..at], &limits));
    }
}
