//! Packages as a test needs them, whole and hostile.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The manifest of a package.
pub(super) const MANIFEST: &str =
    r#"{"name":"test.guide","version":"1.0.0","fhirVersions":["4.0.1"],"dependencies":{"hl7.fhir.r4.core":"4.0.1"}}"#;

/// A gzipped tar of these files. Names are written as they are, also where they lead out of the package.
pub(super) fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(content);
        tar.resize(tar.len().div_ceil(512) * 512, 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    gz.write_all(&tar).unwrap();
    gz.finish().unwrap()
}

/// A profile of Patient that demands a birth date.
pub(super) fn profile(name: &str, base: &str) -> String {
    format!(
        r#"{{"resourceType":"StructureDefinition","id":"{name}","url":"http://example.org/StructureDefinition/{name}","name":"{name}","status":"active","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"{base}","derivation":"constraint","differential":{{"element":[{{"id":"Patient.birthDate","path":"Patient.birthDate","min":1}}]}}}}"#
    )
}

pub(super) const PATIENT: &str = "http://hl7.org/fhir/StructureDefinition/Patient";
