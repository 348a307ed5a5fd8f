//! A hospital's sending side: one MLLP connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub struct Sender {
    stream: BufReader<TcpStream>,
}

impl Sender {
    pub fn connect(to: SocketAddr) -> Sender {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Sender { stream: BufReader::new(stream) }
    }

    /// `None` where nobody listens any more.
    pub fn try_connect(to: SocketAddr) -> Option<Sender> {
        let stream = TcpStream::connect(to).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        Some(Sender { stream: BufReader::new(stream) })
    }

    /// Bytes as they are, framed or not; false where the peer has closed.
    pub fn raw(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    pub fn put(&mut self, message: &[u8]) -> bool {
        self.raw(&framed(message))
    }

    /// The next answer without its frame, or `None` where the connection was closed without one.
    pub fn answer(&mut self) -> Option<Vec<u8>> {
        let mut answer = Vec::new();
        self.stream.read_until(0x1c, &mut answer).ok()?;
        (answer.pop() == Some(0x1c)).then_some(())?;
        let mut cr = [0];
        self.stream.read_exact(&mut cr).ok()?;
        Some(answer.strip_prefix(&[0x0b]).map(<[u8]>::to_vec).unwrap_or(answer))
    }

    pub fn send(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        if !self.put(message) {
            return None;
        }
        self.answer()
    }

    /// Everything until the peer closes.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }
}

pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x0b];
    frame.extend_from_slice(message);
    frame.extend_from_slice(&[0x1c, 0x0d]);
    frame
}
