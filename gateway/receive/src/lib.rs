//! Receive: sockets to frames, frames to answers, in each protocol's own form.
//!
//! Who sends is established (certificate, token, allow-listed address) before a byte of a body is looked at,
//! and its size before it is parsed. What a message means is the [`Handler`]'s business: this crate gives it
//! frames and puts its answers back on the wire, in the order in which the messages came.

pub mod ack;
mod handler;
pub mod header;
pub mod hl7_http;
pub mod mllp;
pub mod order_answer;
pub mod sources;

pub use handler::{Answer, FrameFault, Handler, Incoming, Pending};
pub use header::Header;
