//! What a message costs in transport: server CPU µs a message with a handler that answers at once.
//!
//! `cargo run --release -p hutong-receive --example mllp_echo_bench [SECONDS]`. The server has one thread, whose
//! CPU clock is read; the senders (32 connections, 1, 32 or 64 messages in flight each) have another. ACKs are
//! built by `ack::build` in the second half of the rounds, so that the difference is what an ACK costs.

#![allow(clippy::expect_used, reason = "a benchmark that cannot run has nothing better to do than to say so")]

use bytes::Bytes;
use hutong_receive::ack::{self, AckRequest, Code};
use hutong_receive::mllp::{Counts, Setting, serve};
use hutong_receive::sources::{Language, Sources};
use hutong_receive::{Answer, FrameFault, Handler, Header, Incoming, Pending};
use hutong_wire::budget::Budget;
use hutong_wire::limits::Limits;
use hutong_wire::listen;
use rustix::time::{ClockId, clock_gettime};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

const CONNECTIONS: usize = 32;

struct Echo {
    builds_acks: AtomicBool,
    fixed: Bytes,
}

impl Handler for Echo {
    fn accept(&self, incoming: Incoming) -> Pending {
        let answer = if self.builds_acks.load(Ordering::Relaxed) {
            let header = Header::scan(&incoming.raw);
            let charset =
                header.as_ref().map_or(hutong_decode::charset::Charset::Ascii, |header| header.answer_charset(&incoming.raw, None, None));
            ack::build(&AckRequest {
                header: header.as_ref(),
                code: Code::Aa,
                findings: &[],
                receipt: "R20260102-000000001",
                now_us: 1_767_323_045_000_000,
                zone_offset_minutes: 480,
                charset,
                language: Language::Both,
                warnings: false,
                err_segments: 20,
            })
        } else {
            self.fixed.clone()
        };
        Box::pin(std::future::ready(Answer::Send(answer)))
    }

    fn quarantine(&self, _: FrameFault) {}
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(3);
    let handler = Arc::new(Echo {
        builds_acks: AtomicBool::new(false),
        fixed: Bytes::from_static(b"MSH|^~\\&|HUTONG|XZ|LIS|STZX|20260102110405+0800||ACK^A04^ACK|R1|P|2.4\rMSA|AA|1\r"),
    });
    let cpu = Arc::new(AtomicU64::new(0));
    let (address, _stop) = start(handler.clone(), cpu.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for builds_acks in [false, true] {
        handler.builds_acks.store(builds_acks, Ordering::Relaxed);
        for in_flight in [1, 32, 64] {
            let counted = Arc::new(AtomicU64::new(0));
            let (before, begun) = (cpu_ns(&cpu), Instant::now());
            runtime.block_on(senders(address, in_flight, Duration::from_secs(seconds), counted.clone()));
            let (messages, used) = (counted.load(Ordering::Relaxed), cpu_ns(&cpu) - before);
            let line = format!(
                r#"{{"figure":"transport.mllp.cpu_us","connections":{CONNECTIONS},"in_flight":{in_flight},"ack_built":{builds_acks},"value":{:.3},"messages_per_s":{:.0}}}"#,
                used as f64 / 1e3 / messages.max(1) as f64,
                messages as f64 / begun.elapsed().as_secs_f64(),
            );
            let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{line}\n").as_bytes());
        }
    }
}

/// The server publishes its thread's CPU clock each 10 ms; waits for a fresh value.
fn cpu_ns(clock: &AtomicU64) -> u64 {
    std::thread::sleep(Duration::from_millis(50));
    clock.load(Ordering::SeqCst)
}

fn start(handler: Arc<Echo>, cpu: Arc<AtomicU64>) -> (SocketAddr, watch::Sender<bool>) {
    let (told, address) = std::sync::mpsc::channel();
    let (stop, stopped) = watch::channel(false);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = listen::bind(([127, 0, 0, 1], 0).into()).expect("a port");
            told.send(listener.local_addr().expect("an address")).expect("somebody listens");
            let limits = Arc::new(Limits::default());
            let budget = Budget::new(512 << 20);
            let setting =
                Setting { tls: None, sources: Arc::new(Sources::local()), limits, budget, handler, counts: Arc::new(Counts::default()) };
            tokio::spawn(async move {
                loop {
                    let now = clock_gettime(ClockId::ThreadCPUTime);
                    cpu.store(now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            });
            serve(listener, setting, stopped).await.expect("serving");
        });
    });
    (address.recv().expect("an address"), stop)
}

async fn senders(address: SocketAddr, in_flight: usize, time: Duration, counted: Arc<AtomicU64>) {
    let message = format!(
        "\x0bMSH|^~\\&|LIS|STZX|HUTONG|XZ|20260101080000||ADT^A04|MSG0000001|P|2.4||||||UNICODE UTF-8\rPID|1||{}\r\x1c\r",
        "x".repeat(600)
    );
    let all = (0..CONNECTIONS).map(|_| {
        let (message, counted) = (message.clone(), counted.clone());
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.set_nodelay(true).expect("no delay");
            let end = Instant::now() + time;
            let (mut open, mut buffer) = (0, vec![0; 64 * 1024]);
            while Instant::now() < end {
                let more = in_flight - open;
                stream.write_all(message.repeat(more).as_bytes()).await.expect("written");
                open += more;
                let read = stream.read(&mut buffer).await.expect("answers");
                let answered = memchr::memchr_iter(0x1C, &buffer[..read]).count();
                open -= answered;
                counted.fetch_add(answered as u64, Ordering::Relaxed);
            }
        })
    });
    for sender in all.collect::<Vec<_>>() {
        sender.await.expect("a sender");
    }
}
