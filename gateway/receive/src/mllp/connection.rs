//! One connection: bytes in, messages to the handler, answers out, all in one task.
//!
//! Each poll goes round until nothing moves: frames are cut from what was read and given to the handler at
//! once; answers that are ready are written in order, many with one system call; then more is read, unless the
//! queue, the output or the daemon's memory budget is full: then TCP slows the sender down.

use super::Setting;
use super::clock::{Alarm, Progress};
use super::in_order::{CAPACITY, InOrder};
use crate::handler::{Answer, FrameFault, Incoming};
use crate::sources::Identified;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use hutong_fhir::finding::{Finding, Severity};
use hutong_wire::budget::Charge;
use hutong_wire::limits::{Limits, ms, size};
use hutong_wire::mllp::{self, Fault, Frame, Framer, Position};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

/// A first read takes so much; full reads double it, nearly empty ones halve it.
const READ_MIN: usize = 4 * 1024;
const READ_MAX: usize = 64 * 1024;
/// Answers waiting for a slow reader; past it no further message is taken.
const OUTPUT_MAX: usize = 256 * 1024;

/// How a connection came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// In peace: the peer has finished, or we shut down.
    Finished,
    /// By us, perhaps while the peer is still sending.
    Refused,
    /// The socket is of no more use.
    Broken,
}

/// What is still to be done before the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Read no more; answer what is in work, then end.
    Answering(Ended),
    /// Read and answer no more; write what is left, then end.
    Flushing(Ended),
}

pub(super) struct Connection<S> {
    setting: Arc<Setting>,
    stream: S,
    peer: SocketAddr,
    who: Identified,
    protocol: &'static str,
    framer: Framer,
    input: BytesMut,
    output: BytesMut,
    /// Bytes were written that the stream (TLS) may still hold.
    unflushed: bool,
    charge: Charge,
    freed: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    in_work: InOrder,
    in_work_max: usize,
    read_size: usize,
    phase: Phase,
    progress: Progress,
    alarm: Alarm,
    /// Input was left uncut for want of room.
    starved: bool,
    /// The source's rate is spent until then.
    paused: Option<Instant>,
    started: Instant,
    shutdown: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(
        setting: Arc<Setting>,
        stream: S,
        peer: SocketAddr,
        who: Identified,
        protocol: &'static str,
        mut shutdown: watch::Receiver<bool>,
    ) -> Connection<S> {
        let limits = &setting.limits;
        let now = Instant::now();
        Connection {
            framer: Framer::new(size(limits.message_bytes), size(limits.mllp_no_start_bytes)),
            in_work_max: size(limits.mllp_in_flight).clamp(1, CAPACITY),
            charge: setting.budget.charge(),
            setting,
            stream,
            peer,
            who,
            protocol,
            input: BytesMut::new(),
            output: BytesMut::new(),
            unflushed: false,
            freed: None,
            in_work: InOrder::new(),
            read_size: READ_MIN,
            phase: Phase::Open,
            progress: Progress::new(now),
            alarm: Alarm::new(),
            starved: false,
            paused: None,
            started: now,
            shutdown: Box::pin(async move {
                let _ = shutdown.wait_for(|stop| *stop).await;
            }),
        }
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    fn limits(&self) -> &Limits {
        &self.setting.limits
    }

    /// Whether another message may be taken into work.
    fn has_room(&self) -> bool {
        self.phase == Phase::Open && self.paused.is_none() && self.in_work.len() < self.in_work_max && self.output.len() < OUTPUT_MAX
    }

    /// Cuts frames from the input and starts work on each.
    fn take_frames(&mut self) {
        self.starved = false;
        while !self.input.is_empty() {
            if !self.has_room() {
                self.starved = true;
                return;
            }
            match self.framer.next(&mut self.input) {
                Ok(Some(frame)) => self.start(frame),
                Ok(None) => return,
                Err(fault) => return self.refuse(fault),
            }
        }
    }

    fn start(&mut self, frame: Frame) {
        self.progress.began = self.progress.read;
        self.setting.counts.messages.fetch_add(1, Ordering::Relaxed);
        let charge = self.charge.split(frame.payload.len());
        let source = self.who.of_message(&frame.payload).clone();
        if let Some(rate) = &source.rate {
            let pause = rate.count(self.progress.read.into_std());
            self.paused = (!pause.is_zero()).then(|| self.progress.read + pause);
        }
        let findings = if frame.no_cr { vec![no_cr()] } else { Vec::new() };
        let incoming = Incoming { raw: frame.payload, source, peer: self.peer, protocol: self.protocol, declared_charset: None, findings };
        let pending = self.setting.handler.accept(incoming);
        self.in_work.push(pending, charge);
    }

    /// A fault of the framing: kept, not answered (but for the size limit), and the end.
    fn refuse(&mut self, fault: Fault) {
        let oversized = fault == Fault::TooLarge;
        let fault = self.fault(fault.rule());
        self.phase = Phase::Answering(Ended::Refused);
        if oversized {
            let pending = self.setting.handler.oversized(fault);
            let pending = Box::pin(async move {
                match pending.await {
                    Answer::Send(answer) => Answer::SendAndClose(answer),
                    other => other,
                }
            });
            let charge = self.setting.budget.charge();
            self.in_work.push(pending, charge);
        } else {
            self.setting.handler.quarantine(fault);
        }
    }

    /// The bytes at hand as a fault; they are let go of.
    fn fault(&mut self, rule: &'static str) -> FrameFault {
        self.setting.counts.faults.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(rule, source = %self.who.first().id, peer = %self.peer, bytes = self.input.len(), "not a message");
        let kept = self.input.len().min(size(self.limits().quarantine_bytes));
        let first_bytes = Bytes::copy_from_slice(self.input.get(..kept).unwrap_or_default());
        let source = self.who.of_message(&first_bytes).clone();
        let fault = FrameFault {
            source,
            peer: self.peer,
            protocol: self.protocol,
            rule,
            first_bytes,
            length: self.input.len(),
            limit: self.limits().message_bytes,
        };
        self.input = BytesMut::new();
        self.charge.shrink(0);
        fault
    }

    /// Moves answers that are ready to the output.
    fn take_answers(&mut self, cx: &mut Context<'_>) {
        self.in_work.poll_woken(cx);
        while let Some(answer) = self.in_work.pop() {
            match answer {
                Answer::Nothing => {}
                Answer::Send(answer) => self.put(&answer),
                Answer::SendAndClose(answer) => {
                    self.put(&answer);
                    self.phase = Phase::Flushing(Ended::Refused);
                }
                Answer::CloseSilently => self.phase = Phase::Flushing(Ended::Refused),
            }
            if matches!(self.phase, Phase::Flushing(_)) {
                return;
            }
        }
    }

    fn put(&mut self, answer: &[u8]) {
        if self.output.is_empty() {
            self.progress.written = Instant::now();
        }
        self.setting.counts.answers.fetch_add(1, Ordering::Relaxed);
        mllp::encode(answer, &mut self.output);
    }

    /// Writes what there is. `Err`: the peer is gone.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        while !self.output.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output));
            match written {
                Ok(0) | Err(_) => return Poll::Ready(Err(Ended::Broken)),
                Ok(written) => {
                    self.output.advance(written);
                    self.unflushed = true;
                    if !self.output.is_empty() {
                        self.progress.written = Instant::now();
                    }
                }
            }
        }
        if self.unflushed {
            if ready!(Pin::new(&mut self.stream).poll_flush(cx)).is_err() {
                return Poll::Ready(Err(Ended::Broken));
            }
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once. Ready(true): something has come, or the peer has finished.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        if !self.has_room() {
            self.progress.withhold();
            return Poll::Pending;
        }
        let room = size(self.limits().message_bytes).saturating_add(4).saturating_sub(self.input.len());
        let want = self.read_size.min(room).max(1);
        if self.poll_budget(cx, self.input.len() + want).is_pending() {
            self.progress.withhold();
            return Poll::Pending;
        }
        self.progress.resume();
        self.input.reserve(want);
        let idle = self.framer.position(&self.input) == Position::Idle;
        let read = {
            let mut limited = (&mut self.input).limit(want);
            pin!(self.stream.read_buf(&mut limited)).poll(cx)
        };
        // Memory that nothing was read into is given back: a thousand idle connections hold none of it.
        self.charge.shrink(self.input.len());
        match ready!(read) {
            Err(_) => Poll::Ready(Err(Ended::Broken)),
            Ok(0) => {
                self.peer_finished();
                Poll::Ready(Ok(()))
            }
            Ok(read) => {
                self.progress.read = Instant::now();
                if idle {
                    self.progress.began = self.progress.read;
                }
                if read == self.read_size {
                    self.read_size = (read * 2).min(READ_MAX);
                } else if read < self.read_size / 4 {
                    self.read_size = (self.read_size / 2).max(READ_MIN);
                }
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Takes the memory for what is about to be read.
    fn poll_budget(&mut self, cx: &mut Context<'_>, bytes: usize) -> Poll<()> {
        loop {
            if self.charge.try_grow(bytes) || (!self.input.is_empty() && self.charge.overdraw(bytes)) {
                self.freed = None;
                return Poll::Ready(());
            }
            if let Some(freed) = &mut self.freed {
                ready!(freed.as_mut().poll(cx));
                self.freed = None;
            } else {
                // Polled, and so enlisted, before the budget is asked once more: bytes that are given back in
                // between must not go unheard.
                let budget = self.setting.budget.clone();
                let mut freed: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move { budget.freed().await });
                if freed.as_mut().poll(cx).is_pending() {
                    self.freed = Some(freed);
                    if !self.charge.try_grow(bytes) {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// The peer has closed its side: what is half there is a fault, what is in work is still answered.
    fn peer_finished(&mut self) {
        self.phase = Phase::Answering(Ended::Finished);
        match self.framer.position(&self.input) {
            Position::Idle => {}
            Position::AtEnd => self.end_without_cr(),
            Position::Outside => self.keep("mllp.frame.no_start"),
            Position::Inside => self.keep("mllp.frame.truncated"),
        }
    }

    fn keep(&mut self, rule: &'static str) {
        let fault = self.fault(rule);
        self.setting.handler.quarantine(fault);
    }

    fn end_without_cr(&mut self) {
        if let Some(frame) = self.framer.at_end(&mut self.input) {
            self.start(frame);
        }
    }

    /// When to look again, and what has then gone wrong.
    fn deadline(&self) -> (Instant, Overdue) {
        let limits = self.limits();
        let mut next = (self.started + Duration::from_secs(u32::MAX.into()), Overdue::Idle);
        let mut at = |base: Instant, limit: u64, what: Overdue| {
            let when = base + ms(limit.min(u32::MAX.into()));
            if when < next.0 {
                next = (when, what);
            }
        };
        if !self.output.is_empty() || self.unflushed {
            at(self.progress.written, limits.write_idle_ms, Overdue::Write);
        }
        if let Some(paused) = self.paused {
            at(paused, 0, Overdue::Paused);
        }
        let reading = self.phase == Phase::Open && !self.progress.is_withheld();
        match self.framer.position(&self.input) {
            _ if !reading => {}
            Position::Inside => {
                at(self.progress.read, limits.mllp_frame_idle_ms, Overdue::Frame);
                at(self.progress.began, limits.mllp_frame_total_ms, Overdue::Frame);
            }
            Position::Outside => at(self.progress.began, limits.mllp_no_start_ms, Overdue::NoStart),
            Position::AtEnd => at(self.progress.read, limits.mllp_end_grace_ms, Overdue::End),
            Position::Idle if self.in_work.is_empty() => at(self.progress.read, limits.mllp_connection_idle_ms, Overdue::Idle),
            Position::Idle => {}
        }
        next
    }

    /// Pending, or the end, or `Ok` when there is something to do again.
    fn poll_clock(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let (deadline, what) = self.deadline();
        ready!(self.alarm.poll(cx, deadline));
        match what {
            Overdue::Paused => self.paused = None,
            Overdue::End => self.end_without_cr(),
            Overdue::Idle => self.phase = Phase::Answering(Ended::Finished),
            Overdue::Write => return Poll::Ready(Err(Ended::Broken)),
            Overdue::Frame => {
                self.keep("mllp.frame.timeout");
                self.phase = Phase::Answering(Ended::Refused);
            }
            Overdue::NoStart => {
                self.keep("mllp.frame.no_start");
                self.phase = Phase::Answering(Ended::Refused);
            }
        }
        Poll::Ready(Ok(()))
    }

    fn ended(&self) -> Option<Ended> {
        let written = self.output.is_empty() && !self.unflushed;
        match self.phase {
            Phase::Answering(ended) if written && self.in_work.is_empty() => Some(ended),
            Phase::Flushing(ended) if written => Some(ended),
            _ => None,
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        if self.phase == Phase::Open && self.shutdown.as_mut().poll(cx).is_ready() {
            // What is half read has not been answered and will be sent again, to whoever serves next.
            self.phase = Phase::Answering(Ended::Finished);
        }
        loop {
            self.take_frames();
            if !matches!(self.phase, Phase::Flushing(_)) {
                self.take_answers(cx);
            }
            let _ = self.poll_write(cx)?;
            if let Some(ended) = self.ended() {
                return Poll::Ready(Err(ended));
            }
            // Answers that left may have made room for frames that are already here.
            if self.starved && self.has_room() {
                continue;
            }
            if self.poll_read(cx)?.is_pending() {
                break;
            }
        }
        self.poll_clock(cx)
    }
}

/// Which deadline comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Overdue {
    Frame,
    NoStart,
    End,
    Idle,
    Write,
    Paused,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Connection<S> {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            match ready!(self.poll_step(cx)) {
                Ok(()) => {}
                Err(ended) => return Poll::Ready(ended),
            }
        }
    }
}

fn no_cr() -> Finding {
    Finding::new(Severity::Warning, "mllp.frame.no_cr", "structure", 0).says(
        "MLLP 帧的结束符 0x1C 之后缺少回车 0x0D，请接口厂商补上",
        "the carriage return (0x0D) after the MLLP end block (0x1C) is missing; the sender's interface should add it",
    )
}
