//! HL7 v2 in its delimited form (ER7), versions 2.1 to 2.9.
//!
//! [`split_batch`] cuts a frame or file into messages, [`parse`] indexes one message without copying it, [`arrange()`]
//! groups its segments by the message structure that [`Grammar`] holds, and [`check_header`] judges MSH. None of them
//! fails: what is wrong is a finding, and a finding of severity Error is a reason to refuse the message.

mod access;
mod arrange;
mod batch;
pub mod datetime;
pub mod escapes;
pub mod grammar;
mod header;
mod limits;
mod message;
mod parse;
mod separators;
#[cfg(test)]
mod tests;

pub use access::{Component, FieldRef, Repetition, Value};
pub use arrange::{Arrangement, GroupRef, Item, arrange};
pub use batch::{BatchPart, PartKind, split_batch};
pub use grammar::Grammar;
pub use header::check_header;
pub use limits::Limits;
pub use message::{Buffers, Message, Segment, SegmentRef};
pub use parse::{Parsed, parse, parse_into};
pub use separators::Separators;
