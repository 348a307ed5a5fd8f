//! MLLP and MLLPS: many connections, many messages in work on each, answers in order.
//!
//! A connection is one task ([`connection`]). Before it reads a byte it is counted against the caps, has shaken
//! hands where TLS is on, and its sender is known; who is not known is disconnected without a word.

mod clock;
mod connection;
mod in_order;
#[cfg(test)]
mod tests;

use crate::handler::Handler;
use crate::sources::{Identified, Shown, Sources};
use connection::{Connection, Ended};
use hutong_wire::admission::{Admission, Full, Ticket};
use hutong_wire::budget::Budget;
use hutong_wire::limits::{Limits, ms};
use hutong_wire::{listen, tls};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What a listener works with.
#[derive(Clone)]
pub struct Setting {
    /// `None`: a plaintext listener; see [`plaintext_allowed`].
    pub tls: Option<Arc<tls::Tls>>,
    pub sources: Arc<Sources>,
    pub limits: Arc<Limits>,
    /// Shared with the other listeners of the daemon.
    pub budget: Budget,
    pub handler: Arc<dyn Handler>,
    pub counts: Arc<Counts>,
}

/// What a listener has seen, for `/metrics`.
#[derive(Default)]
pub struct Counts {
    pub connections: AtomicU64,
    /// Closed because a cap was reached.
    pub over_cap: AtomicU64,
    /// Closed because the sender is not registered.
    pub unknown: AtomicU64,
    /// Closed because TLS could not be agreed on.
    pub tls_failed: AtomicU64,
    pub messages: AtomicU64,
    /// Frames that never became a message.
    pub faults: AtomicU64,
    /// Acknowledgements handed to the socket.
    pub answers: AtomicU64,
}

/// Whether a listener without TLS may be bound to `address`: loopback, or what the configuration lists.
pub fn plaintext_allowed(address: IpAddr, listed: &[IpAddr]) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || listed.iter().any(|allowed| allowed.to_canonical() == address)
}

/// Serves until `shutdown` becomes true (or its sender is gone), then finishes what is in work within
/// `shutdown_drain_ms` and returns.
///
/// # Errors
/// Only those after which the listener is of no use.
pub async fn serve(listener: TcpListener, setting: Setting, mut shutdown: watch::Receiver<bool>) -> io::Result<()> {
    if setting.tls.is_none() {
        let address = listener.local_addr()?;
        tracing::warn!(rule = "listener.plaintext", %address, "MLLP without TLS: anyone on the path can read and change messages");
    }
    let admission = Admission::new(&setting.limits);
    let drain = ms(setting.limits.shutdown_drain_ms);
    let setting = Arc::new(setting);
    let told = shutdown.clone();
    let mut open = JoinSet::new();
    let outcome = loop {
        tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break Ok(()),
            accepted = listen::accept(&listener) => match accepted {
                Ok((stream, peer)) => {
                    if let Some(ticket) = admit(&admission, peer, &setting.counts) {
                        open.spawn(connected(setting.clone(), stream, peer, ticket, told.clone()));
                    }
                }
                Err(error) => break Err(error),
            },
            // Finished tasks are let go of as they end, so that the set holds only what is open.
            Some(ended) = open.join_next() => report_panic(ended),
        }
    };
    drop(listener);
    let drained = tokio::time::timeout(drain, async {
        while let Some(ended) = open.join_next().await {
            report_panic(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(rule = "listener.drain", open = open.len(), "connections were cut at shutdown with messages in work");
        open.shutdown().await;
    }
    outcome
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    // The payload may hold a patient's data: only that it happened is said.
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!(rule = "receive.panic", "a connection ended by a fault of the program");
    }
}

fn admit(admission: &Admission, peer: SocketAddr, counts: &Counts) -> Option<Ticket> {
    counts.connections.fetch_add(1, Ordering::Relaxed);
    match admission.enter(peer.ip()) {
        Ok(ticket) => Some(ticket),
        Err(full) => {
            over_cap(peer, full, counts);
            None
        }
    }
}

fn over_cap(peer: SocketAddr, full: Full, counts: &Counts) {
    counts.over_cap.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(rule = "listener.over_cap", %peer, cap = ?full, "too many connections");
}

async fn connected(setting: Arc<Setting>, stream: TcpStream, peer: SocketAddr, mut ticket: Ticket, shutdown: watch::Receiver<bool>) {
    let Some(acceptor) = setting.tls.clone() else {
        if let Some(who) = identify(&setting, peer, None) {
            converse(&setting, stream, peer, who, "mllp", shutdown).await;
        }
        return;
    };
    let stream = match acceptor.accept(stream, ms(setting.limits.tls_handshake_ms)).await {
        Ok(stream) => stream,
        Err(error) => {
            setting.counts.tls_failed.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(rule = "tls.handshake", %peer, %error, "TLS could not be agreed on");
            return;
        }
    };
    let certificate = tls::peer_fingerprint(&stream);
    if let Some(certificate) = &certificate
        && let Err(full) = ticket.with_certificate(certificate)
    {
        return over_cap(peer, full, &setting.counts);
    }
    if let Some(who) = identify(&setting, peer, certificate.as_deref()) {
        converse(&setting, stream, peer, who, "mllps", shutdown).await;
    }
}

fn identify(setting: &Setting, peer: SocketAddr, certificate: Option<&str>) -> Option<Identified> {
    let who = setting.sources.identify(peer.ip(), Shown { certificate, token: None });
    if who.is_none() {
        setting.counts.unknown.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(rule = "source.unknown", %peer, certificate, "disconnected: the sender is not registered");
    }
    who
}

async fn converse<S>(
    setting: &Arc<Setting>,
    stream: S,
    peer: SocketAddr,
    who: Identified,
    protocol: &'static str,
    shutdown: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Connection::new(setting.clone(), stream, peer, who, protocol, shutdown);
    let ended = (&mut connection).await;
    let stream = connection.into_stream();
    match ended {
        Ended::Broken => {}
        Ended::Finished => close(stream, Duration::ZERO).await,
        Ended::Refused => close(stream, ms(setting.limits.linger_ms)).await,
    }
}

/// Says that nothing more will come, and then throws away what the peer still sends: closing a socket with
/// unread bytes resets the connection, and the reset can overtake the answer that explains it.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, linger: Duration) {
    if stream.shutdown().await.is_err() || linger.is_zero() {
        return;
    }
    let mut bin = vec![0; 16 * 1024];
    let _ = tokio::time::timeout(linger, async { while stream.read(&mut bin).await.is_ok_and(|read| read > 0) {} }).await;
}
