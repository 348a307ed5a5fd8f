//! What the network sides share: limits, MLLP framing, TLS, the HTTP server.
//!
//! `receive`, `serve`, later `deliver` and `console` stand on it. Nothing here knows what a message says: the
//! crate moves bytes, keeps time and refuses what passes a limit.

pub mod admission;
pub mod budget;
pub mod http;
pub mod limits;
pub mod listen;
pub mod mllp;
pub mod mllp_client;
pub mod tls;
