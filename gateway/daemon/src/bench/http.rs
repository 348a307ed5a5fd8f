//! A kept-alive HTTP connection that reads answers by their Content-Length.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(super) struct Http {
    to: SocketAddr,
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Http {
    pub(super) fn connect(to: SocketAddr) -> Result<Http> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Http { to, stream: BufReader::new(stream), body: Vec::new() })
    }

    /// The body of `GET path`; anything but 200 is an error.
    pub(super) fn get(&mut self, path: &str, accept: &str) -> Result<&[u8]> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: {accept}\r\n\r\n", self.to);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut length, mut line) = (0usize, String::new());
        let mut first = true;
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if std::mem::take(&mut first) && !line.starts_with("HTTP/1.1 200") {
                return Err(Error::other(line.trim().to_owned()));
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(&self.body)
    }
}
