//! The county's side of the connections: plain blocking MLLP and HTTP clients, so that what the demo shows does not
//! rest on the gateway's own network code.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One MLLP connection of a hospital's system.
pub(crate) struct Mllp {
    stream: BufReader<TcpStream>,
}

impl Mllp {
    pub(crate) fn connect(to: SocketAddr) -> io::Result<Mllp> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Mllp { stream: BufReader::with_capacity(64 * 1024, stream) })
    }

    /// Writes a frame without waiting for its answer.
    pub(crate) fn put(&mut self, message: &[u8]) -> io::Result<()> {
        let mut frame = Vec::with_capacity(message.len() + 3);
        frame.push(0x0b);
        frame.extend_from_slice(message);
        frame.extend_from_slice(&[0x1c, 0x0d]);
        self.stream.get_mut().write_all(&frame)
    }

    /// The next answer, without its frame.
    pub(crate) fn answer(&mut self) -> io::Result<Vec<u8>> {
        use io::BufRead;
        let mut answer = Vec::new();
        self.stream.read_until(0x1c, &mut answer)?;
        if answer.pop() != Some(0x1c) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut cr = [0];
        self.stream.read_exact(&mut cr)?;
        Ok(answer.strip_prefix(&[0x0b]).map(<[u8]>::to_vec).unwrap_or(answer))
    }

    pub(crate) fn send(&mut self, message: &[u8]) -> io::Result<Vec<u8>> {
        self.put(message)?;
        self.answer()
    }
}

/// MSA-1 of an answer: `AA`, `AE` …
pub(crate) fn code(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let msa = text.split('\r').find(|s| s.starts_with("MSA|")).unwrap_or_default();
    msa.split('|').nth(1).unwrap_or_default().to_owned()
}

/// `GET path` as JSON.
pub(crate) fn get(at: SocketAddr, path: &str) -> io::Result<serde_json::Value> {
    serde_json::from_str(&get_text(at, path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The body of `GET path`.
pub(crate) fn get_text(at: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {at}\r\nAccept: */*\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let body = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    Ok(String::from_utf8_lossy(&answer[body..]).into_owned())
}
