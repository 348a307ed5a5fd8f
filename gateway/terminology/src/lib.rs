//! Terminology: code systems, value sets and concept maps, those of R4 and those loaded, and what is asked of them
//! (R4 §4.6: `$lookup`, `$validate-code`, `$expand`, `$translate`, `$subsumes`). Pure: no files, clock or network.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop
