//! What the protocols hand on, and what they get back.

use crate::ack;
use crate::sources::Source;
use bytes::Bytes;
use hutong_fhir::finding::Finding;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// One message as it arrived, from a sender that is known.
pub struct Incoming {
    /// The message's bytes, without framing.
    pub raw: Bytes,
    pub source: Arc<Source>,
    pub peer: SocketAddr,
    /// `mllp`, `mllps`, `http` or `https`.
    pub protocol: &'static str,
    /// The charset that the protocol itself declares (HTTP: `Content-Type: …; charset=…`).
    pub declared_charset: Option<String>,
    /// What the framing has to say (a missing carriage return); mostly empty.
    pub findings: Vec<Finding>,
}

/// Bytes that never became a message.
pub struct FrameFault {
    pub source: Arc<Source>,
    pub peer: SocketAddr,
    pub protocol: &'static str,
    /// E.g. `mllp.frame.nested_start`.
    pub rule: &'static str,
    /// At most `Limits::quarantine_bytes` of them.
    pub first_bytes: Bytes,
    /// How many had been read when the fault was seen.
    pub length: usize,
    /// `Limits::message_bytes`.
    pub limit: u64,
}

/// An answer to come.
pub type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What goes back to the sender.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// This acknowledgement (unframed).
    Send(Bytes),
    /// This acknowledgement, and then the connection ends.
    SendAndClose(Bytes),
    /// Nothing can be promised (the store is unavailable): the connection ends and the sender will repeat.
    CloseSilently,
    /// The sender wants no acknowledgement (enhanced mode, `NE`).
    Nothing,
}

/// The rest of the gateway, as the protocols see it.
pub trait Handler: Send + Sync + 'static {
    /// Starts work at once: what needs the CPU is done in this call, and the future, which resolves when the
    /// answer may be sent, only waits. The next message of the same connection is given before it resolves.
    fn accept(&self, incoming: Incoming) -> Pending;

    /// Keeps the bytes of a fault that is answered by closing the connection.
    fn quarantine(&self, fault: FrameFault);

    /// Keeps the first bytes of a message over the size limit and answers it with AE 104 (M06); the connection
    /// ends in any case. A handler that gives receipts does both itself, with `ack::answer_oversized`.
    fn oversized(&self, fault: FrameFault) -> Pending {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_us = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        let answer = ack::answer_oversized(&fault.first_bytes, fault.limit, "", now_us, fault.source.zone_offset_minutes);
        self.quarantine(fault);
        Box::pin(std::future::ready(answer.map_or(Answer::CloseSilently, Answer::SendAndClose)))
    }
}
