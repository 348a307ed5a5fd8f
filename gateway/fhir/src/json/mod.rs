//! FHIR JSON to a [`Tree`] and back (FHIR R4, <https://hl7.org/fhir/R4/json.html>).
//!
//! Reading is strict where silence would lose data: duplicate keys, lone surrogates, depth and number range are
//! errors; shapes that JSON allows and FHIR does not (empty arrays, arrays in arrays, stray nulls) are reported
//! beside the tree, with their position.

mod read;
mod write;

pub use read::parse;
pub use write::{escape, write, write_pretty};

use crate::tree::NodeId;

/// Limits of one JSON document.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimits {
    pub depth_max: usize,
    pub nodes_max: usize,
    pub keys_per_object_max: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        JsonLimits { depth_max: 64, nodes_max: 1_000_000, keys_per_object_max: 10_000 }
    }
}

/// Why a document could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonErrorKind {
    Syntax,
    Utf8,
    Depth,
    TooManyNodes,
    DuplicateKey,
    LoneSurrogate,
    NumberRange,
    NotAnObject,
}

/// What is wrong, and where (byte offset in the document). Holds no text of the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JsonError {
    pub kind: JsonErrorKind,
    pub offset: usize,
}

/// A shape that JSON allows and FHIR does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonIssueKind {
    EmptyArray,
    ArrayInArray,
    Null,
    /// `_name` is not an object (or an array of objects and nulls as long as `name`).
    BadPrimitiveSibling,
}

/// Where such a shape stands: below `node`, at a byte offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JsonIssue {
    pub kind: JsonIssueKind,
    pub node: NodeId,
    pub offset: usize,
}

/// Line and column (both from 1, columns in characters) of a byte offset in a document.
pub fn line_column(text: &[u8], offset: usize) -> (u32, u32) {
    let before = &text[..offset.min(text.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    // continuation bytes of UTF-8 do not count
    let column = before[line_start..].iter().filter(|b| **b & 0xc0 != 0x80).count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
