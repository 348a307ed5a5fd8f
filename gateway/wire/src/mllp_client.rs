//! The sending side of MLLP: a message out, its answer in.
//!
//! One message is open at a time. When its answer does not come in time the connection is given up: an answer
//! that comes late must never be taken for the next message's.

use crate::limits::{Limits, ms, size};
use crate::mllp::{self, Fault, Framer};
use crate::tls;
use bytes::{Bytes, BytesMut};
use rustls::ClientConfig;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// A plain or TLS connection.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection to a receiver.
pub struct Client {
    /// Gone after a fault.
    stream: Option<Box<dyn Stream>>,
    framer: Framer,
    input: BytesMut,
    answer_within: Duration,
}

/// Why there is no answer. After any of them the client must be connected anew.
#[derive(Debug)]
pub enum NoAnswer {
    /// The socket failed, or the receiver could not be reached.
    Io(io::Error),
    /// The receiver closed without answering: it may or may not have the message; send it again.
    Closed,
    /// Nothing came in time; the same uncertainty.
    TimedOut,
    /// What came is not MLLP.
    NotMllp(Fault),
}

impl NoAnswer {
    pub fn zh(&self) -> String {
        match self {
            NoAnswer::Io(error) => format!("连接失败：{error}"),
            NoAnswer::Closed => "对方未应答即关闭了连接；消息可能已收到也可能未收到，可原样重发".to_owned(),
            NoAnswer::TimedOut => "等待应答超时；消息可能已收到也可能未收到，可原样重发".to_owned(),
            NoAnswer::NotMllp(fault) => format!("对方返回的内容不是 MLLP（{}）", fault.rule()),
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::Io(error) => write!(f, "the connection failed: {error}"),
            NoAnswer::Closed => {
                write!(f, "the receiver closed without an answer; it may or may not have the message, send the same bytes again")
            }
            NoAnswer::TimedOut => write!(f, "no answer in time; the receiver may or may not have the message, send the same bytes again"),
            NoAnswer::NotMllp(fault) => write!(f, "what came back is not MLLP ({})", fault.rule()),
        }
    }
}

impl std::error::Error for NoAnswer {}

impl From<io::Error> for NoAnswer {
    fn from(error: io::Error) -> NoAnswer {
        NoAnswer::Io(error)
    }
}

impl Client {
    /// Connects to `host:port`, with TLS where `config` is given.
    ///
    /// # Errors
    /// [`NoAnswer::Io`], also where TLS cannot be agreed on, or [`NoAnswer::TimedOut`].
    pub async fn connect(host: &str, port: u16, config: Option<Arc<ClientConfig>>, limits: &Limits) -> Result<Client, NoAnswer> {
        let within = ms(limits.tls_handshake_ms);
        let stream = tokio::time::timeout(within, TcpStream::connect((host, port))).await.map_err(|_| NoAnswer::TimedOut)??;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match config {
            None => Box::new(stream),
            Some(config) => Box::new(tls::connect(config, host, stream, within).await?),
        };
        let framer = Framer::new(size(limits.answer_bytes), 0);
        Ok(Client { stream: Some(stream), framer, input: BytesMut::new(), answer_within: ms(limits.answer_ms) })
    }

    /// Sends `message` as a frame and waits for the next frame, which is its answer.
    ///
    /// # Errors
    /// [`NoAnswer`]; the connection is then gone.
    pub async fn send(&mut self, message: &[u8]) -> Result<Bytes, NoAnswer> {
        // Taken out until there is an answer, so that no way out of here leaves a connection with one on its way.
        let mut stream = self.stream.take().ok_or(NoAnswer::Closed)?;
        let mut frame = BytesMut::new();
        mllp::encode(message, &mut frame);
        let exchange = async {
            stream.write_all(&frame).await?;
            stream.flush().await?;
            loop {
                if let Some(answer) = self.framer.next(&mut self.input).map_err(NoAnswer::NotMllp)? {
                    return Ok(answer.payload);
                }
                if stream.read_buf(&mut self.input).await? == 0 {
                    return Err(NoAnswer::Closed);
                }
                // A missing carriage return would otherwise be waited for until the timeout.
                if let Some(answer) = self.framer.next(&mut self.input).map_err(NoAnswer::NotMllp)? {
                    return Ok(answer.payload);
                }
                if let Some(answer) = self.framer.at_end(&mut self.input) {
                    return Ok(answer.payload);
                }
            }
        };
        let answer = tokio::time::timeout(self.answer_within, exchange).await.map_err(|_| NoAnswer::TimedOut)??;
        self.stream = Some(stream);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A receiver that answers the nth message with the nth of `answers`, whatever it is.
    async fn receiver(answers: Vec<&'static [u8]>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut framer, mut input) = (Framer::new(1 << 20, 0), BytesMut::new());
            for answer in answers {
                while framer.next(&mut input).unwrap().is_none() {
                    stream.read_buf(&mut input).await.unwrap();
                }
                stream.write_all(answer).await.unwrap();
            }
            if !input.is_empty() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn each_message_gets_its_answer() {
        let port = receiver(vec![b"\x0bA1\x1c\r", b"\x0bA2\x1c", b"\r\n\x0bA3\x1c\r", b"\x0bA4\x1c\r\x0bA5\x1c\r"]).await;
        let mut client = Client::connect("127.0.0.1", port, None, &Limits::default()).await.unwrap();
        for answer in ["A1", "A2", "A3", "A4"] {
            assert_eq!(client.send(b"M").await.unwrap(), answer);
        }
    }

    #[tokio::test]
    async fn without_an_answer_the_connection_is_gone() {
        let limits = Limits { answer_ms: 50, ..Limits::default() };
        let port = receiver(vec![b"", b"late"]).await;
        let mut client = Client::connect("127.0.0.1", port, None, &limits).await.unwrap();
        let begun = std::time::Instant::now();
        assert!(matches!(client.send(b"M").await, Err(NoAnswer::TimedOut)));
        assert!(matches!(client.send(b"M").await, Err(NoAnswer::Closed)), "a late answer is nobody's");
        assert!(begun.elapsed() < Duration::from_secs(2));
        let port = receiver(vec![b"HTTP/1.1 400 Bad Request\r\n"]).await;
        let mut client = Client::connect("127.0.0.1", port, None, &limits).await.unwrap();
        assert!(matches!(client.send(b"M").await, Err(NoAnswer::NotMllp(Fault::NoStart))));
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        assert!(matches!(Client::connect("127.0.0.1", closed, None, &limits).await, Err(NoAnswer::Io(_))));
    }
}
