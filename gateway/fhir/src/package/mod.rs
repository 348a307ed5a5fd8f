//! FHIR packages (<https://hl7.org/fhir/packages.html>): reading them from memory, and writing one.
//!
//! A package comes from outside: nothing in it is trusted. Paths that leave the package, links and devices, archives
//! that unpack to far more than they are, and files of the same name refuse the whole package; a file that cannot be
//! read is told and left out.

mod archive;
mod order;
mod read;
mod write;

pub use order::order;
pub use read::{read, read_files};
pub use write::{Manifest, Resource, write};

use crate::finding::{Finding, Severity};
use crate::json::JsonLimits;
use crate::tree::Tree;
use crate::xml::XmlLimits;

/// What of R4 itself packages depend on: the program has it.
pub const CORE: &str = "hl7.fhir.r4.core";

/// Limits of one package.
#[derive(Clone, Copy, Debug)]
pub struct PackageLimits {
    /// Bytes of the archive as it comes.
    pub archive_bytes_max: usize,
    /// Bytes of one unpacked file.
    pub file_bytes_max: usize,
    /// Bytes of all that is unpacked.
    pub total_bytes_max: usize,
    /// How many times its size an archive may unpack to (JSON of packages: about 10).
    pub ratio_max: usize,
    pub files_max: usize,
    pub path_bytes_max: usize,
    pub dependencies_max: usize,
    pub json: JsonLimits,
    pub xml: XmlLimits,
}

impl Default for PackageLimits {
    fn default() -> Self {
        PackageLimits {
            archive_bytes_max: 128 << 20,
            file_bytes_max: 64 << 20,
            total_bytes_max: 1 << 30,
            ratio_max: 100,
            files_max: 50_000,
            path_bytes_max: 512,
            dependencies_max: 200,
            json: JsonLimits { nodes_max: 5_000_000, ..JsonLimits::default() },
            xml: XmlLimits::default(),
        }
    }
}

/// What was read.
pub struct Package {
    /// From `package.json`; of single files and folders the name they were given.
    pub name: String,
    /// Empty where nothing says it.
    pub version: String,
    /// `4.0.1`; empty where nothing says it.
    pub fhir_versions: Vec<String>,
    /// Names and versions of packages that it needs.
    pub dependencies: Vec<(String, String)>,
    /// File name and resource, in the order of the archive; those of a Bundle one by one. Examples are left out.
    pub resources: Vec<(String, Tree)>,
    /// Files that could not be read.
    pub findings: Vec<Finding>,
}

/// A finding about a package or a file of it.
fn refuse(rule: &'static str, issue: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Finding {
    Finding::new(Severity::Error, rule, issue, 207).says(zh, en)
}

#[cfg(test)]
mod tests;
