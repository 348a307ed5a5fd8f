//! The notation: text → tokens → declarations, and back to canonical layout.

pub(crate) mod ast;
mod expression;
mod layout;
mod parse;
mod token;

pub use layout::format;
pub(crate) use parse::parse;
