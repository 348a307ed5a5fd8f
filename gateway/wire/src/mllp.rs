//! MLLP framing: `<VT> message <FS> <CR>` (HL7 "Minimal Lower Layer Protocol", release 1).
//!
//! The codec is a plain state machine over the bytes that have arrived: no socket, no clock, no copy of the
//! payload. What it decides does not depend on how TCP cut the bytes, except that an end block whose carriage
//! return has not come is a matter for the caller's clock ([`Framer::at_end`]).
//!
//! It is lenient where nothing can be lost (a missing carriage return, blank bytes between frames) and strict
//! where something could: bytes outside a frame, a frame inside a frame, an end block in the middle of a
//! message are faults after which the stream has no reliable meaning, and the caller closes without an answer.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use memchr::memchr2;

/// Start block.
pub const START: u8 = 0x0B;
/// End block, followed by [`CR`].
pub const END: u8 = 0x1C;
/// What follows the end block.
pub const CR: u8 = 0x0D;

/// A message as it stood between its start and its end block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    pub payload: Bytes,
    /// The end block's carriage return was missing: accepted, and worth a warning to the sender's vendor.
    pub no_cr: bool,
}

/// Why a stream of bytes stopped making sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Bytes outside a frame: a second start block came after them, or there are too many.
    NoStart,
    /// A start block inside a message.
    NestedStart,
    /// An end block that is followed by neither a carriage return nor a new frame.
    StrayEnd,
    /// The message is longer than the limit; the buffer holds its first bytes.
    TooLarge,
    /// This is HTTP, TLS or SSH, not MLLP.
    WrongProtocol,
}

impl Fault {
    /// The rule id under which logs, journal and console speak of it.
    pub fn rule(self) -> &'static str {
        match self {
            Fault::NoStart => "mllp.frame.no_start",
            Fault::NestedStart => "mllp.frame.nested_start",
            Fault::StrayEnd => "mllp.frame.stray_end",
            Fault::TooLarge => "msg.too_large",
            Fault::WrongProtocol => "mllp.wrong_protocol",
        }
    }
}

/// Where the codec stands in the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// Between frames and nothing has come.
    Idle,
    /// Bytes have come that are not a frame.
    Outside,
    /// In a frame.
    Inside,
    /// The end block is here, its carriage return is not: wait a moment, then call [`Framer::at_end`].
    AtEnd,
}

/// Cuts a stream into frames. After a fault it must not be used further.
pub struct Framer {
    max_bytes: usize,
    max_outside: usize,
    inside: bool,
    /// Bytes of the buffer that have been looked at.
    scanned: usize,
    at_end: bool,
}

impl Framer {
    /// `max_bytes` of one message; `max_outside` bytes that are not a frame.
    pub fn new(max_bytes: usize, max_outside: usize) -> Framer {
        Framer { max_bytes, max_outside, inside: false, scanned: 0, at_end: false }
    }

    /// The next whole frame in `buffer`, which is advanced past it. `None`: more bytes are needed.
    ///
    /// # Errors
    /// A [`Fault`]; `buffer` then begins with the faulty bytes (without a start block), for the quarantine.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, Fault> {
        if !self.inside && !self.start(buffer)? {
            return Ok(None);
        }
        let unseen = buffer.get(self.scanned..).unwrap_or_default();
        let Some(found) = memchr2(START, END, unseen) else {
            self.scanned = buffer.len();
            return self.within_limit(buffer.len()).map(|()| None);
        };
        let at = self.scanned + found;
        self.within_limit(at)?;
        if buffer.get(at) == Some(&START) {
            return Err(Fault::NestedStart);
        }
        self.scanned = at;
        match buffer.get(at + 1) {
            None => {
                self.at_end = true;
                Ok(None)
            }
            Some(&CR) => Ok(Some(self.take(buffer, at, 2, false))),
            // A line feed instead is what text-minded senders write; both stand for "end of line".
            Some(&b'\n') => Ok(Some(self.take(buffer, at, 2, true))),
            Some(&START) => Ok(Some(self.take(buffer, at, 1, true))),
            Some(_) => Err(Fault::StrayEnd),
        }
    }

    /// The frame whose carriage return has not come in time.
    pub fn at_end(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        if self.at_end && self.scanned + 1 == buffer.len() {
            let at = self.scanned;
            return Some(self.take(buffer, at, 1, true));
        }
        None
    }

    pub fn position(&self, buffer: &BytesMut) -> Position {
        match (self.at_end, self.inside, buffer.is_empty()) {
            (true, ..) => Position::AtEnd,
            (false, true, _) => Position::Inside,
            (false, false, true) => Position::Idle,
            (false, false, false) => Position::Outside,
        }
    }

    /// Finds the start block; `false` where it has not come.
    fn start(&mut self, buffer: &mut BytesMut) -> Result<bool, Fault> {
        // Line ends between frames carry nothing; the carriage return of an end block that was taken without
        // it ends up here as well.
        let blank = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        buffer.advance(blank);
        match buffer.first() {
            None => Ok(false),
            Some(&START) => {
                buffer.advance(1);
                self.inside = true;
                self.scanned = 0;
                Ok(true)
            }
            Some(_) if is_other_protocol(buffer) => Err(Fault::WrongProtocol),
            // A start block after stray bytes: the frame may be whole, but what stood before it is lost to its
            // sender unless the connection ends here.
            Some(_) if buffer.len() > self.max_outside || buffer.contains(&START) => Err(Fault::NoStart),
            Some(_) => Ok(false),
        }
    }

    fn within_limit(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.max_bytes { Err(Fault::TooLarge) } else { Ok(()) }
    }

    fn take(&mut self, buffer: &mut BytesMut, payload: usize, end: usize, no_cr: bool) -> Frame {
        let payload = buffer.split_to(payload).freeze();
        buffer.advance(end.min(buffer.len()));
        self.inside = false;
        self.at_end = false;
        self.scanned = 0;
        Frame { payload, no_cr }
    }
}

/// The first bytes of what is often pointed at the wrong port: HTTP, a TLS record, SSH.
fn is_other_protocol(bytes: &[u8]) -> bool {
    const OPENINGS: [&[u8]; 11] =
        [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"TRACE ", b"PRI * HTTP", b"SSH-"];
    // 22 = handshake, 3.x = the record version of every SSL 3 and TLS ClientHello.
    OPENINGS.iter().any(|opening| bytes.starts_with(opening)) || matches!(bytes, [22, 3, version, ..] if *version <= 4)
}

/// Appends `payload` as a frame.
pub fn encode(payload: &[u8], out: &mut BytesMut) {
    out.reserve(payload.len() + 3);
    out.put_u8(START);
    out.put_slice(payload);
    out.put_slice(&[END, CR]);
}

#[cfg(test)]
mod tests;
