//! Validate: FHIR R4 resources against definitions, profiles and terminology.
//!
//! Table-driven: one walk over the tree, each node looked up in [`Definitions`] by the number of its name. A finding
//! says what is wrong, why and what to do, in Chinese and English, with the FHIRPath of the element. Nothing is
//! allocated for a resource without findings; a path is put together only when a finding needs it.
//!
//! Checked here: structure, cardinality, choices, JSON types and forms of primitives, unknown elements, references
//! and their targets, contained resources, Bundles, codes by the strength of their binding, narrative, the invariants of
//! R4 (in native form where [`rules`] has one, otherwise as FHIRPath), extensions by their definitions, and profiles:
//! those that a resource declares, those imposed, and HL7's vital-signs profiles, which R4 asks of everyone.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

mod binding;
mod bundle;
pub mod community;
mod contained;
mod definitional;
mod demands;
mod document;
mod identity;
mod keys;
mod knowledge;
mod linked;
mod narrative;
mod place;
mod primitive;
mod profile;
mod questionnaire;
mod reference;
mod rules;
mod text;
mod vital_signs;
mod walk;

#[cfg(test)]
mod tests;

pub use demands::{Demands, IdentifierPolicy};
pub use document::{Document, DocumentLimits, Syntax};
pub use knowledge::Knowledge;

use hutong_fhir::json::{JsonIssue, JsonIssueKind};
use hutong_fhir::tree::NO_ORIGIN;
use hutong_fhir::xml::XmlIssue;
use hutong_fhir::{Definitions, Finding, Location, NodeId, Severity, Tree};
use std::sync::Arc;

/// Findings of one resource beyond which the rest is only counted.
const FINDINGS_MAX: usize = 500;

/// Shapes that FHIR forbids, of one document, that are reported; for each the tree is searched.
const JSON_ISSUES_MAX: usize = 100;

/// A finding with the node that it is about.
pub struct Located {
    pub finding: Finding,
    pub node: NodeId,
    /// `origin` of the node: byte offset in the parsed text, or the lineage record of the line that wrote it.
    pub origin: u32,
}

/// Validates resources against R4. Cheap to share: made once, used from all threads.
pub struct Validator {
    store: profile::Store,
    rules: rules::Table,
}

impl Validator {
    /// Knows R4 alone.
    pub fn new(definitions: &'static Definitions) -> Validator {
        Validator::with(Arc::new(Knowledge::of(definitions)))
    }

    pub fn with(knowledge: Arc<Knowledge>) -> Validator {
        Validator { rules: rules::Table::new(knowledge.definitions), store: profile::Store::new(knowledge) }
    }

    /// All findings of a resource or Bundle, in document order of discovery.
    pub fn validate(&self, tree: &Tree) -> Vec<Finding> {
        self.inspect(tree).into_iter().map(|l| l.finding).collect()
    }

    /// The same, with the nodes.
    pub fn inspect(&self, tree: &Tree) -> Vec<Located> {
        self.validate_as(tree, &Demands::default())
    }

    /// The same under demands of the source.
    pub fn validate_as(&self, tree: &Tree, demands: &Demands<'_>) -> Vec<Located> {
        walk::run(&self.store, &self.rules, demands, tree)
    }

    /// For a resource that was read from JSON: also what JSON allows and FHIR does not, with line and column in `text`.
    pub fn validate_with_issues(&self, tree: &Tree, issues: &[JsonIssue], text: &[u8]) -> Vec<Finding> {
        self.validate_text_as(tree, issues, text, &Demands::default())
    }

    /// The same under demands of the source.
    pub fn validate_text_as(&self, tree: &Tree, issues: &[JsonIssue], text: &[u8], demands: &Demands<'_>) -> Vec<Finding> {
        let mut located = self.validate_as(tree, demands);
        located.extend(issues.iter().take(JSON_ISSUES_MAX).filter_map(|issue| json_issue(tree, issue)));
        locate(located, text)
    }

    /// For a resource that was read from XML: also what XML allows and FHIR does not.
    pub fn validate_xml_as(&self, tree: &Tree, issues: &[XmlIssue], text: &[u8], demands: &Demands<'_>) -> Vec<Finding> {
        let mut located = self.validate_as(tree, demands);
        located.extend(issues.iter().map(|issue| {
            let expression = place::expression_of(tree, issue.node);
            let finding = issue.finding().at(Location::Path { expression, line: 0, column: 0 });
            Located { finding, node: issue.node, origin: u32::try_from(issue.offset).unwrap_or(NO_ORIGIN) }
        }));
        locate(located, text)
    }

    /// Whether there is no finding of severity error.
    pub fn is_valid(&self, tree: &Tree) -> bool {
        self.inspect(tree).iter().all(|l| l.finding.severity != Severity::Error)
    }
}

/// Fills in line and column of findings about a tree that was read from `text`.
pub fn locate(mut located: Vec<Located>, text: &[u8]) -> Vec<Finding> {
    // in the order of the text, so that it is counted through once
    located.sort_by_key(|l| l.origin);
    let (mut line, mut column, mut at) = (1u32, 1u32, 0usize);
    let mut out = Vec::with_capacity(located.len());
    for Located { mut finding, origin, .. } in located {
        let offset = origin as usize;
        if origin != NO_ORIGIN && offset <= text.len() {
            for b in text.get(at..offset).unwrap_or(&[]) {
                match b {
                    b'\n' => (line, column) = (line.saturating_add(1), 1),
                    // continuation bytes of UTF-8 are no characters of their own
                    b if b & 0xc0 == 0x80 => {}
                    _ => column = column.saturating_add(1),
                }
            }
            at = offset;
            if let Location::Path { line: l, column: c, .. } = &mut finding.location {
                (*l, *c) = (line, column);
            }
        }
        out.push(finding);
    }
    out
}

fn json_issue(tree: &Tree, issue: &JsonIssue) -> Option<Located> {
    let (rule, zh, en) = match issue.kind {
        JsonIssueKind::EmptyArray => (
            "fhir.json.empty_array",
            "数组不能为空；没有值时请省略该元素",
            "an array must not be empty; leave the element out where it has no value",
        ),
        JsonIssueKind::ArrayInArray => {
            ("fhir.json.nested_array", "数组中不能再有数组；请去掉内层方括号", "an array must not hold an array; remove the inner brackets")
        }
        // the walk finds the node without value itself
        JsonIssueKind::Null => return None,
        JsonIssueKind::BadPrimitiveSibling => (
            "fhir.json.sibling",
            "以下划线开头的成员须是对象，或与不带下划线的成员等长的对象与 null 的数组",
            "a member that starts with an underscore must be an object, or an array of objects and nulls as long as the member without underscore",
        ),
    };
    let expression = place::expression_of(tree, issue.node);
    let finding = Finding::new(Severity::Error, rule, "structure", 102).at(Location::Path { expression, line: 0, column: 0 }).says(zh, en);
    Some(Located { finding, node: issue.node, origin: u32::try_from(issue.offset).unwrap_or(NO_ORIGIN) })
}
