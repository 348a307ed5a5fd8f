//! Opening a listening socket the way every listener here needs it.

use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Binds `address` (port 0: any free one).
///
/// Accepted sockets inherit keep-alive from the listening one: a hospital's interface that vanished without a
/// word is noticed and its place given back.
///
/// # Errors
/// Those of the system, e.g. `AddrInUse`.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Takes one connection, with Nagle's algorithm off: an answer must not wait 40 ms for the next one.
///
/// # Errors
/// Only those after which the listener is of no use. What concerns one connection, or passes by itself (too
/// many open files), is waited out and logged.
pub async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if stream.set_nodelay(true).is_ok() {
                    return Ok((stream, peer));
                }
            }
            Err(error) if fatal(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(rule = "listener.accept", %error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

fn fatal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported | io::ErrorKind::NotConnected)
}
