//! The HTTP cases of the bad-input corpus that belong to the wire, through real sockets.

use super::*;
use crate::budget::Budget;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// A server that gives each body back, after 300 ms where the path says `/slow`, or a long one for `/long`.
struct Town {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
    counts: Arc<Counts>,
    budget: Budget,
}

impl Town {
    fn start(limits: Limits) -> Town {
        Town::with(limits, None)
    }

    fn with(limits: Limits, tls: Option<Arc<tls::Tls>>) -> Town {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let counts = Arc::new(Counts::default());
        let budget = Budget::new(1 << 20);
        let limits = Arc::new(limits);
        let setting = Setting { tls, limits: limits.clone(), counts: counts.clone() };
        let shared = (limits, budget.clone());
        let service = service_fn(move |request: Request<Incoming>| echo(request, shared.clone()));
        let serving = tokio::spawn(serve(listener, setting, service, stopped));
        Town { address, stop, serving, counts, budget }
    }

    async fn peer(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` and reads to the end of the connection.
    async fn ends(&self, bytes: &[u8]) -> String {
        let mut peer = self.peer().await;
        let (mut read, mut write) = peer.split();
        let mut answer = Vec::new();
        let sent = async {
            let _ = write.write_all(bytes).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = sent => {}
            _ = tokio::time::timeout(Duration::from_secs(5), read.read_to_end(&mut answer)) => {}
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

async fn echo(request: Request<Incoming>, (limits, budget): (Arc<Limits>, Budget)) -> Result<Response<Full<Bytes>>, Infallible> {
    let peer = request.extensions().get::<Arc<Peer>>().unwrap();
    assert!(peer.address.ip().is_loopback());
    if let Some(certificate) = &peer.certificate {
        return Ok(Response::new(Full::new(Bytes::from(certificate.clone()))));
    }
    let path = request.uri().path().to_owned();
    if path == "/slow" {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    if path == "/long" {
        return Ok(Response::new(Full::new(Bytes::from(vec![b'a'; 50_000_000]))));
    }
    Ok(match body::collect(request.into_body(), &limits, &budget).await {
        Ok(collected) => Response::new(Full::new(collected.bytes.clone())),
        Err(fault) => fault.response(),
    })
}

fn short() -> Limits {
    Limits {
        http_header_ms: 150,
        http_body_idle_ms: 150,
        http_body_total_ms: 400,
        linger_ms: 200,
        message_bytes: 100_000,
        ..Limits::default()
    }
}

fn status(answer: &str) -> Vec<&str> {
    answer.match_indices("HTTP/1.1 ").filter_map(|(at, _)| answer.get(at + 9..at + 12)).collect()
}

#[tokio::test]
async fn requests_of_one_connection_are_answered_in_turn() {
    let town = Town::start(short());
    let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
    let answer = town
        .ends(format!("{post}ab{post}cdPOST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ne\r\n0\r\n\r\n").as_bytes())
        .await;
    assert_eq!(status(&answer), ["200", "200", "200"]);
    assert!(answer.contains("\r\n\r\nab") && answer.contains("\r\n\r\ncd") && answer.ends_with("\r\n\r\ne"), "{answer}");
}

#[tokio::test]
async fn f05_f06_a_body_over_the_limit_is_refused_before_or_while_it_is_read() {
    let town = Town::start(short());
    let begun = Instant::now();
    for length in ["100001", "4294967296"] {
        let answer = town.ends(format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n0123456789").as_bytes()).await;
        assert_eq!(status(&answer), ["413"]);
        assert!(answer.contains(r#""code":"too-long""#) && answer.contains("connection: close"), "{answer}");
    }
    assert!(begun.elapsed() < Duration::from_secs(3));
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        format!("2710\r\n{}\r\n", "x".repeat(10_000)).repeat(600)
    );
    // Written to the end before the first look at the answer, as simple clients do.
    let mut peer = town.peer().await;
    peer.write_all(chunked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert_eq!(status(&String::from_utf8_lossy(&answer)), ["413"], "the answer is not lost in a reset");
    assert_eq!(town.budget.used(), 0);
}

#[tokio::test]
async fn f09_silence_before_and_inside_a_header_ends() {
    let town = Town::start(short());
    for bytes in [&b""[..], b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"] {
        let begun = Instant::now();
        let answer = town.ends(bytes).await;
        let took = begun.elapsed().as_millis();
        assert!((140..2_000).contains(&took), "{took} ms: {bytes:?}");
        assert!(status(&answer).len() <= 2 && !answer.contains("HTTP/1.1 500"), "{answer}");
    }
}

#[tokio::test]
async fn f10_a_dripping_body_ends_at_the_total_limit_and_a_silent_one_earlier() {
    let town = Town::start(short());
    let mut peer = town.peer().await;
    peer.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
    let begun = Instant::now();
    let (mut read, mut write) = peer.split();
    let drip = async {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    tokio::select! { () = drip => {}, _ = read.read_to_end(&mut answer) => {} }
    assert_eq!(status(&String::from_utf8_lossy(&answer)), ["408"]);
    assert!(begun.elapsed().as_millis() >= 400);
    let begun = Instant::now();
    assert_eq!(status(&town.ends(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx").await), ["408"]);
    assert!(begun.elapsed().as_millis() >= 150);
}

#[tokio::test]
async fn f11_a_request_with_two_readings_is_refused_and_nothing_behind_it_is_served() {
    let town = Town::start(short());
    let hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    let cases = [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nab",
        "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ];
    for case in cases {
        let answer = town.ends(format!("{case}{hidden}").as_bytes()).await;
        assert_eq!(status(&answer), ["400"], "{case}\n{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{case}\n{answer}");
    }
}

#[tokio::test]
async fn f22_long_headers_and_urls_have_their_own_answers() {
    let town = Town::start(short());
    let cases = [
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(16 << 10)), "414"),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(33 << 10)), "431"),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(64 << 10)), "431"),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200)), "431"),
    ];
    for (request, expected) in cases {
        assert_eq!(status(&town.ends(request.as_bytes()).await), [expected]);
    }
    assert_eq!(town.counts.refused.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let town = Town::start(Limits { write_idle_ms: 150, ..short() });
    let mut peer = town.peer().await;
    peer.write_all(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), peer.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.len() < 50_000_000, "all of it was written to somebody who did not read");
}

#[tokio::test]
async fn an_old_connection_serves_its_request_and_ends() {
    let town = Town::start(Limits { http_connection_age_ms: 100, ..short() });
    let answer = town.ends(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(status(&answer), ["200"]);
}

#[tokio::test]
async fn caps_hold_and_a_shutdown_finishes_what_is_in_work() {
    let town = Town::start(Limits { connections_per_address: 2, ..short() });
    let mut first = town.peer().await;
    let _second = town.peer().await;
    first.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(town.ends(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await, "", "a third");
    town.stop.send(true).unwrap();
    let mut answer = Vec::new();
    first.read_to_end(&mut answer).await.unwrap();
    assert_eq!(status(&String::from_utf8_lossy(&answer)), ["200"]);
    drop(first);
    tokio::time::timeout(Duration::from_secs(5), town.serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn the_client_speaks_to_the_server() {
    let town = Town::start(short());
    let url = |path: &str| format!("http://{}{path}", town.address);
    let limits = Limits { answer_bytes: 1_000, ..Limits::default() };
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))];
    let send = async |url: String, body: &'static [u8]| {
        client::request(http::Method::POST, &url, &headers, Bytes::from_static(body), None, &limits).await
    };
    let reply = send(url("/?a=b"), b"hello").await.unwrap();
    assert_eq!((reply.status, reply.body.as_ref()), (StatusCode::OK, &b"hello"[..]));
    assert!(matches!(send(url("/long"), b"").await, Err(client::NoReply::TooLarge)));
    assert!(matches!(send("ftp://x/".to_owned(), b"").await, Err(client::NoReply::Url(_))));
    assert!(matches!(send("https://127.0.0.1/".to_owned(), b"").await, Err(client::NoReply::NoTls | client::NoReply::Io(_))));
    let hasty = Limits { answer_ms: 50, ..Limits::default() };
    let reply = client::request(http::Method::GET, &url("/slow"), &[], Bytes::new(), None, &hasty).await;
    assert!(matches!(reply, Err(client::NoReply::TimedOut)));
}

#[tokio::test]
async fn over_tls_the_certificate_reaches_the_service() {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(path("ca.pem"), authority.pem()).unwrap();
    let mut shown = String::new();
    for name in ["server", "client"] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        std::fs::write(path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        shown = tls::fingerprint(certificate.der());
    }
    let files = tls::TlsFiles {
        certificate: path("server.pem"),
        key: path("server.key"),
        client_ca: Some(path("ca.pem")),
        client_certificate: tls::ClientCertificate::Optional,
        revoked: Vec::new(),
    };
    let town = Town::with(short(), Some(Arc::new(tls::Tls::load(files.clone()).unwrap())));
    let url = format!("https://localhost:{}/", town.address.port());
    let limits = Limits::default();
    let send = async |certificate: Option<&str>| {
        let named = |end: &str| certificate.map(|name| path(&format!("{name}.{end}")));
        let files = tls::ClientFiles { ca: path("ca.pem"), certificate: named("pem"), key: named("key") };
        let config = tls::client_config(&files).unwrap();
        client::request(http::Method::POST, &url, &[], Bytes::from_static(b"hello"), Some(config), &limits).await
    };
    assert_eq!(send(Some("client")).await.unwrap().body, shown);
    assert_eq!(send(None).await.unwrap().body, "hello", "a certificate is optional here");
    assert!(town.ends(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.is_empty() || town.counts.requests.load(Ordering::SeqCst) == 2);
    // What cannot work is said by file.
    for (files, culprit) in [
        (tls::TlsFiles { certificate: path("absent.pem"), ..files.clone() }, "absent.pem"),
        (tls::TlsFiles { key: path("server.pem"), ..files.clone() }, "server.pem"),
        (tls::TlsFiles { key: path("client.key"), ..files.clone() }, "server.pem"),
        (tls::TlsFiles { client_ca: None, ..files.clone() }, "server.pem"),
        (tls::TlsFiles { revoked: vec![path("absent.crl")], ..files }, "absent.crl"),
    ] {
        let fault = tls::Tls::load(files).err().unwrap();
        assert!(fault.path.ends_with(culprit), "{fault}");
    }
}
