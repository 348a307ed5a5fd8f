//! Decode: bytes to a source tree and findings, whatever the bytes are.
//!
//! Pure: no files, clock or network. A decoder never fails on bad data and never guesses silently; what it saw and how
//! it read it stands in the findings. First [`charset::decode`] turns the whole frame into text, then a format's module
//! reads the text: [`v2`] for HL7 v2.

pub mod charset;
pub mod v2;
