//! Map: source trees to FHIR resources by .hmap plans, with the line and bytes that wrote each element.
//!
//! [`Mappings::load`] reads `.hmap` files and tables, judges them against R4's definitions and the v2 grammar, and keeps
//! them; [`Mappings::for_sites`] compiles them for a set of sites to a flat [`Plan`]; [`Plan::apply`] runs one over a
//! message. Pure: files come in as `(path, text)`, nothing touches disk, clock or network.

mod builtins;
pub mod case;
mod compile;
mod coverage;
mod diagnostic;
mod explain;
mod mappings;
mod plan;
mod run;
mod syntax;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod yardstick;

use hutong_fhir::{Finding, Tree};

pub use coverage::{CoveredLine, CoveredMap, coverage};
pub use diagnostic::{Diagnostic, Lang, Level, SourceFile, Span, line_column, render};
pub use explain::{Explained, explain};
pub use mappings::{Mappings, Refused};
pub use plan::{LineId, LineInfo, Plan};
pub use syntax::format;

/// What a mapping may know of a message beside the message.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// The institution of the source: identities without an assigner are its.
    pub namespace: &'c str,
    /// Minutes east of UTC, for times that name no zone in a message whose MSH-7 names none.
    pub zone_minutes: i16,
    /// The sites whose overlays count, later ones over earlier ones.
    pub sites: &'c [String],
}

/// UTC+08:00.
pub const CHINA_ZONE_MINUTES: i16 = 480;

/// What a message became.
#[derive(Default)]
pub struct Mapped {
    pub resources: Vec<MappedResource>,
    pub findings: Vec<Finding>,
    /// What the `origin` of a node is an index into.
    pub lineage: Vec<Lineage>,
    /// What no line has read.
    pub unread: Vec<Unread>,
    /// A `reject` line has refused the message; there are no resources then.
    pub refused: Option<Finding>,
}

/// One resource. Its tree has `resourceType` and `id` first.
pub struct MappedResource {
    pub tree: Tree,
    pub resource_type: &'static str,
    pub id: String,
    pub update: Update,
    /// Elements whose source was v2 null (`""`): to be taken away. Only where `update` is [`Update::Merge`].
    pub clear: Vec<String>,
}

/// How a resource meets what is stored under its id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    Replace,
    /// Elements that the message does not carry stay.
    Merge,
}

/// Which line wrote a node, and from which bytes of the message's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lineage {
    pub line: LineId,
    /// Index of the segment in the message; `u32::MAX`: a literal.
    pub segment: u32,
    pub start: u32,
    pub end: u32,
}

/// A value that no line has read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Index of the segment in the message.
    pub segment: u32,
    pub field: u16,
    /// From 1; 0: the field as a whole.
    pub repetition: u16,
    /// From 1; 0: the repetition as a whole.
    pub component: u8,
    /// Byte offset in the message's text.
    pub start: u32,
}
