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

/// A field of the first segment of that name in an answer: `ZRR-8`; empty where there is none.
pub(super) fn field(answer: &str, at: &str) -> String {
    let (name, n) = at.split_once('-').unwrap_or((at, ""));
    let mut fields = answer.split('\r').map(|s| s.split('|')).find(|s| s.clone().next() == Some(name)).into_iter().flatten();
    fields.nth(n.parse().unwrap_or(0)).unwrap_or_default().to_owned()
}

/// `POST path` with JSON: status and what was answered, as JSON.
pub(crate) fn post(at: SocketAddr, path: &str, body: &str) -> io::Result<(u16, serde_json::Value)> {
    let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let answer = exchange(at, &head, body)?;
    let status = answer.get(9..12).and_then(|s| std::str::from_utf8(s).ok()).and_then(|s| s.parse().ok()).unwrap_or(0);
    Ok((status, serde_json::from_slice(body_of(&answer)).unwrap_or_default()))
}

/// `GET path` as JSON.
pub(crate) fn get(at: SocketAddr, path: &str) -> io::Result<serde_json::Value> {
    serde_json::from_str(&get_text(at, path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The body of `GET path`.
pub(crate) fn get_text(at: SocketAddr, path: &str) -> io::Result<String> {
    let answer = exchange(at, &format!("GET {path} HTTP/1.1\r\n"), "")?;
    Ok(String::from_utf8_lossy(body_of(&answer)).into_owned())
}

/// One request on a connection of its own; `head` without its last headers.
fn exchange(at: SocketAddr, head: &str, body: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(format!("{head}Host: {at}\r\nAccept: */*\r\nConnection: close\r\n\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn body_of(answer: &[u8]) -> &[u8] {
    let from = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    answer.get(from..).unwrap_or_default()
}
