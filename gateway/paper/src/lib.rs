//! Paper: what a report says, once, and everything it is written as.
//!
//! A [`Document`] holds figures with their types and texts in Chinese and English; a writer only decides how they look.
//! Nothing here computes a figure. Begin with `document`, then `value`, then one of the writers.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

mod chart;
mod csv;
mod document;
mod fault;
mod html;
mod lines;
mod markup;
mod ndjson;
mod pdf;
mod svg;
mod terminal;
mod text;
mod value;
mod xlsx;

pub use chart::{Drawing, Ink, Mark};
pub use csv::csv;
pub use document::{Align, Block, Chart, Column, Definition, Document, Figure, Goal, Kind, Meta, Series, Shape, Table};
pub use fault::Fault;
pub use html::{STYLE, chart as html_chart, figures as html_figures, html, html_page, table as html_table};
pub use markup::Html;
pub use ndjson::{line, ndjson};
pub use pdf::{Fonts, pdf};
pub use svg::svg;
pub use terminal::{terminal, width};
pub use text::{Lang, Text};
pub use value::{Value, moment, yuan};
pub use xlsx::xlsx;
