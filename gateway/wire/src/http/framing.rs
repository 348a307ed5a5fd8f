//! Notices requests whose length can be read in two ways.
//!
//! hyper resolves `Content-Length` beside `Transfer-Encoding`, and equal lengths given twice, by the rules of
//! RFC 9112 and shows only the result. Another reader of the same bytes (a proxy before us) may resolve them
//! otherwise, and between the two readings a second request can hide. So the header bytes are watched on their
//! way in, and such a request is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which request of a connection is doubtful, shared between the bytes' way in and the gate.
#[derive(Clone)]
pub(super) struct Doubtful(Arc<AtomicU64>);

impl Default for Doubtful {
    fn default() -> Doubtful {
        Doubtful(Arc::new(AtomicU64::new(u64::MAX)))
    }
}

impl Doubtful {
    /// Whether request `number` (from 0) is. Those after it are not served.
    pub(super) fn is(&self, number: u64) -> bool {
        number >= self.0.load(Ordering::Acquire)
    }

    pub(super) fn watch(&self, head_bytes_max: usize) -> Watch {
        Watch { doubtful: self.clone(), requests: 0, head: Vec::new(), head_bytes_max, at: At::Head }
    }
}

enum At {
    Head,
    /// So many bytes of a body are still to come.
    Body(u64),
    /// After a chunked body no request is served, after an absurd header none can be.
    Blind,
}

/// Follows the bytes of a connection from header to header.
pub(super) struct Watch {
    doubtful: Doubtful,
    requests: u64,
    head: Vec<u8>,
    head_bytes_max: usize,
    at: At,
}

impl Watch {
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(&first) = bytes.first() {
            match self.at {
                At::Blind => return,
                At::Body(left) => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = bytes.get(taken..).unwrap_or_default();
                    let left = left - taken as u64;
                    self.at = if left == 0 { At::Head } else { At::Body(left) };
                }
                // Empty lines before a request line are allowed.
                At::Head if self.head.is_empty() && matches!(first, b'\r' | b'\n') => bytes = bytes.get(1..).unwrap_or_default(),
                At::Head => bytes = self.head(bytes),
            }
        }
    }

    /// Takes bytes up to the end of the header; gives those after it.
    fn head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        // The end may have begun in bytes that came before.
        let Some(end) = end_of_head(&self.head, before.saturating_sub(3)) else {
            if self.head.len() > self.head_bytes_max {
                self.at = At::Blind;
            }
            return &[];
        };
        let rest = bytes.get(end - before..).unwrap_or_default();
        let head = self.head.get(..end).unwrap_or_default();
        let (lengths, chunked, length) = declared(head);
        if lengths + usize::from(chunked) > 1 {
            let _ = self.doubtful.0.compare_exchange(u64::MAX, self.requests, Ordering::AcqRel, Ordering::Relaxed);
        }
        self.requests += 1;
        self.at = match (chunked, length) {
            (true, _) => At::Blind,
            (false, 0) => At::Head,
            (false, length) => At::Body(length),
        };
        self.head.clear();
        rest
    }
}

/// After the blank line that ends a header, if it is there; looked for from `from`.
fn end_of_head(head: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', head.get(from..)?).map(|at| from + at).find_map(|at| match head.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// How often a length is given, whether a transfer encoding is, and the last length.
fn declared(head: &[u8]) -> (usize, bool, u64) {
    let (mut lengths, mut chunked, mut length) = (0, false, 0);
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let name = line.get(..colon).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            lengths += 1;
            let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
            // A length that is no number is refused by hyper itself.
            length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        }
    }
    (lengths, chunked, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readings_are_noticed_in_whatever_pieces_they_come() {
        let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
        let tricky = "POST / HTTP/1.1\r\nContent-Length: 36\r\n\r\nGET / HTTP/1.1\r\ncontent-length: 1\r\n\r\n";
        let cases = [
            (format!("{post}{post}\r\n{post}"), None),
            (format!("{tricky}{post}"), None),
            ("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\n\nGET / HTTP/1.1\r\n\r\n".to_owned(), None),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), Some(0)),
            ("POST / HTTP/1.1\r\ntransfer-encoding : chunked\r\ncontent-length:0\r\n\r\n".to_owned(), Some(0)),
            (format!("{post}POST / HTTP/1.1\r\nContent-Length: 5\r\nX: y\r\nContent-Length: 5\r\n\r\nhello"), Some(1)),
        ];
        for (bytes, expected) in cases {
            for piece in [1, 3, 7, bytes.len()] {
                let doubtful = Doubtful::default();
                let mut watch = doubtful.watch(1_000);
                bytes.as_bytes().chunks(piece).for_each(|piece| watch.feed(piece));
                let found = (0..9).find(|number| doubtful.is(*number));
                assert_eq!(found, expected, "{piece} {bytes}");
            }
        }
    }

    #[test]
    fn a_header_without_end_is_not_kept_for_ever() {
        let doubtful = Doubtful::default();
        let mut watch = doubtful.watch(1_000);
        for _ in 0..100 {
            watch.feed(&[b'x'; 100]);
        }
        assert!(watch.head.len() <= 1_100);
    }
}
