//! Fakes of the peers and helpers that all integration tests share: the gateway as a process, an MLLP sender, HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

pub mod browser;
pub mod gateway;
pub mod hl7;
pub mod http;
pub mod mllp;
