//! The one integration-test binary.

mod bad_input;
mod command_line;
mod console;
mod counting;
mod fhir;
mod identity;
mod indicators;
mod recognition;
mod recovery;
mod tidy;
mod validation;
