//! A listener with a handler that does as the control id says, and a peer that talks to it.

use super::*;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A message that asks [`TestHandler`] for an answer: its MSH-10 comes back, after `wait<ms>`, `silent`ly,
/// with `nothing`, or `long`.
pub(super) fn message(id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|LIS|STZX|HUTONG|XZ|20260101||ADT^A04|{id}|P|2.4\rPID|1\r").into_bytes()
}

pub(super) fn frame(payload: &[u8]) -> Vec<u8> {
    [&b"\x0b"[..], payload, b"\x1c\r"].concat()
}

#[derive(Default)]
pub(super) struct TestHandler {
    raw: Mutex<Vec<(Bytes, String)>>,
    warned: AtomicUsize,
    faults: Mutex<Vec<Kept>>,
    in_work: Arc<AtomicUsize>,
    most_in_work: AtomicUsize,
}

#[derive(Clone)]
pub(super) struct Kept {
    pub(super) rule: String,
    pub(super) first_bytes: Bytes,
    pub(super) length: usize,
}

impl TestHandler {
    pub(super) fn raw(&self, number: usize) -> Bytes {
        self.raw.lock().unwrap()[number].0.clone()
    }

    pub(super) fn source(&self, number: usize) -> String {
        self.raw.lock().unwrap()[number].1.clone()
    }

    pub(super) fn accepted(&self) -> usize {
        self.raw.lock().unwrap().len()
    }

    pub(super) async fn until_accepted(&self, number: usize) {
        while self.accepted() < number {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) fn warned(&self) -> usize {
        self.warned.load(Ordering::SeqCst)
    }

    pub(super) fn fault(&self, number: usize) -> Kept {
        self.faults.lock().unwrap()[number].clone()
    }

    pub(super) fn most_in_work(&self) -> usize {
        self.most_in_work.load(Ordering::SeqCst)
    }
}

impl Handler for TestHandler {
    fn accept(&self, incoming: Incoming) -> Pending {
        let id = crate::Header::scan(&incoming.raw).map(|header| header.text(10, 1).into_owned()).unwrap_or_default();
        self.raw.lock().unwrap().push((incoming.raw, incoming.source.id.clone()));
        self.warned.fetch_add(incoming.findings.len(), Ordering::SeqCst);
        let now = self.in_work.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_work.fetch_max(now, Ordering::SeqCst);
        let in_work = self.in_work.clone();
        Box::pin(async move {
            if let Some(wait) = id.strip_prefix("wait") {
                tokio::time::sleep(Duration::from_millis(wait.parse().unwrap())).await;
            }
            in_work.fetch_sub(1, Ordering::SeqCst);
            match id.as_str() {
                "silent" => Answer::CloseSilently,
                "nothing" => Answer::Nothing,
                "long" => Answer::Send(Bytes::from(vec![b'a'; 100_000])),
                _ => Answer::Send(Bytes::from(id)),
            }
        })
    }

    fn quarantine(&self, fault: FrameFault) {
        let kept = Kept { rule: fault.rule.to_owned(), first_bytes: fault.first_bytes, length: fault.length };
        self.faults.lock().unwrap().push(kept);
    }

    fn oversized(&self, fault: FrameFault) -> Pending {
        let id = crate::Header::scan(&fault.first_bytes).map(|header| header.text(10, 1).into_owned()).unwrap_or_default();
        self.quarantine(fault);
        Box::pin(async move { Answer::Send(Bytes::from(format!("too large: {id}"))) })
    }
}

/// A listener on a free port.
pub(super) struct Town {
    pub(super) handler: Arc<TestHandler>,
    pub(super) address: SocketAddr,
    pub(super) setting: Setting,
    stop: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
    most_used: Arc<AtomicUsize>,
}

impl Town {
    pub(super) async fn start(limits: Limits) -> Town {
        Town::with(limits, Sources::local(), 64 << 20, None).await
    }

    pub(super) async fn with(limits: Limits, sources: Sources, budget: usize, tls: Option<Arc<hutong_wire::tls::Tls>>) -> Town {
        let handler = Arc::new(TestHandler::default());
        let setting = Setting {
            tls,
            sources: Arc::new(sources),
            limits: Arc::new(limits),
            budget: Budget::new(budget),
            handler: handler.clone(),
            counts: Arc::new(Counts::default()),
        };
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, setting.clone(), stopped));
        let most_used = Arc::new(AtomicUsize::new(0));
        let (watched, most) = (setting.budget.clone(), most_used.clone());
        tokio::spawn(async move {
            loop {
                most.fetch_max(watched.used(), Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        Town { handler, address, setting, stop, serving, most_used }
    }

    pub(super) async fn peer(&self) -> Peer<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Peer { stream }
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.handler.faults.lock().unwrap().iter().map(|fault| fault.rule.clone()).collect()
    }

    pub(super) fn most_used(&self) -> usize {
        self.most_used.load(Ordering::SeqCst)
    }

    /// Everything taken from the budget is given back.
    pub(super) async fn settled(&self) {
        for _ in 0..200 {
            if self.setting.budget.used() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} bytes are still charged", self.setting.budget.used());
    }

    pub(super) fn shut_down(&self) {
        self.stop.send(true).unwrap();
    }

    pub(super) async fn stopped(self) {
        tokio::time::timeout(Duration::from_secs(5), self.serving).await.unwrap().unwrap().unwrap();
    }
}

pub(super) struct Peer<S> {
    pub(super) stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.unwrap();
    }

    pub(super) async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    pub(super) async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    pub(super) async fn answer(&mut self) -> String {
        self.try_answer().await.expect("an answer")
    }

    /// The next framed answer; `None` where the connection ends.
    pub(super) async fn try_answer(&mut self) -> Option<String> {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\x1c\r") {
            let read = tokio::time::timeout(Duration::from_secs(5), self.stream.read_u8()).await.expect("in time");
            answer.push(read.ok()?);
        }
        Some(String::from_utf8(answer[1..answer.len() - 2].to_vec()).unwrap())
    }

    pub(super) async fn until_closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset counts as an end; what was read before it stays.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.stream.read_to_end(&mut rest)).await.expect("closed in time");
        rest
    }
}
