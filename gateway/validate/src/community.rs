//! The medical community's own package `med-community.gw`, compiled in: profiles, extensions, terminology, examples
//! (`profiles/community`) and the national code systems (`profiles/terminology/national`).

use crate::Knowledge;
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Finding, Severity};

include!(concat!(env!("OUT_DIR"), "/community.rs"));

/// The canonical of everything of ours begins with it.
pub const BASE: &str = "http://fhir.med-community.cn/gw";

/// The name of the package.
pub const PACKAGE: &str = "med-community.gw";

/// Folders of conformance resources, in the order in which they are loaded.
const FOLDERS: &[&str] = &["codesystems", "valuesets", "conceptmaps", "namingsystems", "extensions", "profiles", "operations"];

/// The conformance resources, by path: `community/profiles/CNPatient.json` and its text.
pub fn resources() -> impl Iterator<Item = (&'static str, &'static str)> {
    FOLDERS.iter().flat_map(|folder| {
        FILES.iter().copied().filter(move |(path, _)| path.strip_prefix("community/").is_some_and(|rest| rest.starts_with(folder)))
    })
}

/// The national code systems: name of the file without its ending, and the table.
pub fn tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter_map(|(path, text)| Some((path.strip_prefix("terminology/national/")?.strip_suffix(".tsv")?, *text)))
}

/// Canonicals of others and the profile of ours that each stands for (`aliases.tsv`).
pub fn aliases() -> impl Iterator<Item = (&'static str, &'static str)> {
    let text = FILES.iter().find(|(path, _)| *path == "community/aliases.tsv").map_or("", |(_, text)| *text);
    text.lines().filter(|line| !line.starts_with('#')).skip(1).filter_map(|line| line.split_once('\t'))
}

/// Takes all of it in; what cannot be taken is said (a test holds that nothing is).
pub(crate) fn load(knowledge: &mut Knowledge) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, table) in tables() {
        if let Err(bad) = knowledge.terminology.load_table(name, table.as_bytes()) {
            findings.extend(bad);
        }
    }
    for (path, text) in resources() {
        match json::parse(text.as_bytes(), &JsonLimits::default()) {
            Ok((tree, _)) => findings.extend(knowledge.load(tree).err()),
            Err(error) => {
                let (zh, en) =
                    (format!("{path}：第 {} 字节处不是 JSON", error.offset), format!("{path}: no JSON at byte {}", error.offset));
                findings.push(Finding::new(Severity::Error, "community.unreadable", "structure", 102).says(zh, en));
            }
        }
    }
    for (canonical, ours) in aliases() {
        knowledge.alias(canonical, ours);
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_there_and_is_taken() {
        assert!(resources().filter(|(path, _)| path.starts_with("community/profiles/")).count() >= 27);
        assert!(tables().count() >= 50 && aliases().count() >= 8);
        for (canonical, ours) in aliases() {
            assert!(canonical.starts_with("http://hl7.org.cn/") && ours.starts_with(BASE), "{canonical} {ours}");
            assert!(resources().any(|(_, text)| text.contains(&format!("\"url\": \"{ours}\""))), "{ours} is none of ours");
        }
        let (_, refused) = Knowledge::community();
        assert!(refused.is_empty(), "{}", refused.iter().map(|f| f.en.as_str()).collect::<Vec<_>>().join("; "));
    }
}
