//! In which order packages are loaded: what a package needs comes before it.

use super::{CORE, Package, refuse};
use crate::finding::{Finding, Severity};
use std::collections::{BTreeSet, HashMap};

/// The places of `packages`, those that others need first; otherwise as given. Second: packages that need one another
/// in a circle (an error: their order means nothing), and needed ones that are not there (a warning each).
pub fn order(packages: &[Package]) -> (Vec<usize>, Vec<Finding>) {
    let by_name: HashMap<&str, usize> = packages.iter().enumerate().map(|(i, p)| (p.name.as_str(), i)).collect();
    let mut findings = Vec::new();
    let mut needs: Vec<BTreeSet<usize>> = Vec::with_capacity(packages.len());
    for package in packages {
        let mut own = BTreeSet::new();
        for (name, version) in &package.dependencies {
            match by_name.get(name.as_str()) {
                Some(needed) => {
                    own.insert(*needed);
                }
                None if name == CORE => {}
                None => findings.push(
                    refuse(
                        "package.missing",
                        "not-found",
                        format!("包 {} 依赖的 {name} {version} 没有加载", package.name),
                        format!("{name} {version}, which package {} needs, is not loaded", package.name),
                    )
                    .severity(Severity::Warning),
                ),
            }
        }
        needs.push(own);
    }
    let mut out = Vec::with_capacity(packages.len());
    let mut waiting: BTreeSet<usize> = (0..packages.len()).collect();
    while !waiting.is_empty() {
        let is_free = |i: &usize| needs.get(*i).is_none_or(|n| n.iter().all(|needed| needed == i || !waiting.contains(needed)));
        let free: Vec<usize> = waiting.iter().copied().filter(is_free).collect();
        if free.is_empty() {
            let names = waiting.iter().filter_map(|i| packages.get(*i)).map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
            findings.push(refuse(
                "package.cyclic",
                "invalid",
                format!("这些包循环依赖：{names}；请去掉其中一个依赖"),
                format!("these packages need one another in a circle: {names}; remove one of the dependencies"),
            ));
            out.extend(waiting);
            break;
        }
        waiting.retain(|i| !free.contains(i));
        out.extend(free);
    }
    (out, findings)
}
