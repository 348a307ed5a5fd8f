//! The FHIR R4 model that all stages share: compact tree, JSON and XML, ids, definition
//! tables, FHIRPath. Pure: no files, clock or network.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

pub mod calendar;
pub mod cells;
pub mod decimal;
pub mod definitions;
pub mod fhirpath;
pub mod finding;
pub mod id;
pub mod identifier;
pub mod json;
pub mod names;
pub mod outcome;
pub mod package;
pub mod primitive;
pub mod quick;
pub mod sheet;
pub mod structure;
pub mod tree;
pub mod ucum;
pub mod xml;

pub use definitions::Definitions;
pub use finding::{Finding, Location, Severity};
pub use names::Key;
pub use tree::{Kind, NodeId, NodeRef, Tree};
