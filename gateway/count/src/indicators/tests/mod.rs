//! The definitions as they are, worked examples for each, and what is refused.

mod examples;
mod figures;
mod forms;
mod library;
mod support;
