//! The definitions as they are, worked examples for each, and what is refused.

mod examples;
mod fhir;
mod figures;
mod forms;
mod library;
mod support;
