//! Paper: what a report says, once, and everything it is written as.
//!
//! A [`Document`] holds figures with their types and texts in Chinese and English; a writer only decides how they look.
//! Nothing here computes a figure. Begin with `document`, then `value`, then one of the writers.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

mod csv;
mod document;
mod ndjson;
mod terminal;
mod text;
mod value;

pub use csv::csv;
pub use document::{Align, Block, Chart, Column, Definition, Document, Figure, Goal, Kind, Meta, Series, Shape, Table};
pub use ndjson::{line, ndjson};
pub use terminal::{table as terminal_table, terminal, width};
pub use text::{Lang, Text};
pub use value::{Value, moment};
