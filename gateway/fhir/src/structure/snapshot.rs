//! The snapshot of one definition.

use super::merge::{Merge, Source};
use super::narrow::Report;
use super::node::Node;
use super::{ElementDefinition, StructureDefinition, StructureLimits};
use crate::finding::{Finding, Severity};

/// A snapshot, with what is wrong with the differential it was made from.
pub(super) struct Generated {
    pub(super) snapshot: Vec<ElementDefinition>,
    pub(super) findings: Vec<Finding>,
}

/// Makes the snapshot of `of` from the snapshot of its base (`None`: a definition that is derived from nothing).
///
/// # Errors
/// `structure.limit`, where the result or a path is larger than allowed.
pub(super) fn generate(
    of: &StructureDefinition,
    base: Option<&StructureDefinition>,
    source: &mut dyn Source,
    is_pack: bool,
    limits: &StructureLimits,
) -> Result<Generated, Finding> {
    let name = of.differential.first().map_or("", |e| e.path.split('.').next().unwrap_or(""));
    let name = if name.is_empty() { of.type_name.rsplit('/').next().unwrap_or(&of.type_name) } else { name };
    let base_elements = base.map_or(&[][..], |b| b.snapshot.as_slice());
    let mut tree = Node::from_elements(name, base_elements, &of.url, limits)?;
    tree.settle();
    let diff = Node::from_elements(name, &of.differential, &of.url, limits)?;
    let pristine = tree.clone();
    let mut merge = Merge {
        source,
        base: &pristine,
        report: Report { url: &of.url, findings: Vec::new() },
        adds_elements: !of.is_constraint,
        is_pack,
        in_slice: false,
        left: limits.elements_max,
    };
    merge.merge(&mut tree, &diff, name);
    let is_whole = merge.left > 0;
    let findings = merge.report.findings;
    let snapshot = tree.flatten();
    if !is_whole || snapshot.len() > limits.elements_max {
        return Err(Finding::new(Severity::Error, "structure.limit", "too-costly", 207).says(
            format!("{} 的快照超过 {} 个元素", of.url, limits.elements_max),
            format!("the snapshot of {} has more than {} elements", of.url, limits.elements_max),
        ));
    }
    Ok(Generated { snapshot, findings })
}
