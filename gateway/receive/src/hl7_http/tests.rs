//! Requests through the HTTP server and sockets, as serve routes them.

use super::*;
use crate::handler::Pending;
use crate::sources::{Rate, Source};
use hutong_wire::http::{Counts, Setting, client, serve};
use hutong_wire::listen;
use hyper::body::Incoming as Received;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::sync::Mutex;
use tokio::sync::watch;

/// Answers by control id, and remembers who said what.
type Seen = (String, Bytes, Option<String>, &'static str);

#[derive(Default)]
struct Remembers {
    seen: Mutex<Vec<Seen>>,
    faults: Mutex<Vec<(&'static str, usize)>>,
}

impl Handler for Remembers {
    fn accept(&self, incoming: Incoming) -> Pending {
        let id = Header::scan(&incoming.raw).map(|header| header.text(10, 1).into_owned()).unwrap_or_default();
        self.seen.lock().unwrap().push((incoming.source.id.clone(), incoming.raw, incoming.declared_charset, incoming.protocol));
        let ack = |code: &str| Bytes::from(format!("MSH|^~\\&|H||||1||ACK|1|P|2.4||||||GBK\rMSA|{code}|{id}\r"));
        Box::pin(std::future::ready(match id.as_str() {
            "away" => Answer::CloseSilently,
            "nothing" => Answer::Nothing,
            "wrong" => Answer::Send(ack("AE")),
            _ => Answer::Send(ack("AA")),
        }))
    }

    fn quarantine(&self, fault: FrameFault) {
        self.faults.lock().unwrap().push((fault.rule, fault.first_bytes.len()));
    }
}

struct Town {
    url: String,
    handler: Arc<Remembers>,
    _stop: watch::Sender<bool>,
}

fn town(sources: Sources) -> Town {
    let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/hl7v2", listener.local_addr().unwrap());
    let limits = Arc::new(Limits { message_bytes: 100_000, linger_ms: 200, ..Limits::default() });
    let handler = Arc::new(Remembers::default());
    let hl7 = Hl7Http { sources: Arc::new(sources), limits: limits.clone(), budget: Budget::new(1 << 20), handler: handler.clone() };
    let service = service_fn(move |request: Request<Received>| {
        let hl7 = hl7.clone();
        async move { Ok::<_, Infallible>(hl7.answer(request).await) }
    });
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(serve(listener, Setting { tls: None, limits, counts: Arc::new(Counts::default()) }, service, stopped));
    Town { url, handler, _stop: stop }
}

impl Town {
    async fn send(&self, method: Method, headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> client::Reply {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect();
        client::request(method, &self.url, &headers, body.into(), None, &Limits::default()).await.unwrap()
    }

    async fn post(&self, headers: &[(&'static str, &str)], id: &str) -> client::Reply {
        self.send(Method::POST, headers, format!("MSH|^~\\&|LIS|STZX|H|X|1||ADT^A04|{id}|P|2.4\r")).await
    }
}

const ER7: (&str, &str) = ("content-type", "x-application/hl7-v2+er7; charset=gb18030");

fn header(reply: &client::Reply, name: &str) -> String {
    reply.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn the_acknowledgement_is_the_body_whatever_it_says() {
    let town = town(Sources::local());
    for (id, code) in [("1", "AA"), ("wrong", "AE")] {
        let reply = town.post(&[ER7], id).await;
        assert_eq!(reply.status, 200);
        assert!(reply.body.ends_with(format!("MSA|{code}|{id}\r").as_bytes()));
        assert_eq!(header(&reply, "content-type"), "x-application/hl7-v2+er7; charset=gb18030");
    }
    let seen = town.handler.seen.lock().unwrap();
    let (source, raw, charset, protocol) = &seen[0];
    assert_eq!((source.as_str(), charset.as_deref(), *protocol), ("local", Some("gb18030"), "http"));
    assert!(raw.starts_with(b"MSH|^~\\&|LIS|"));
}

#[tokio::test]
async fn without_an_acknowledgement_the_status_speaks() {
    let town = town(Sources::local());
    let reply = town.post(&[ER7], "away").await;
    assert_eq!((reply.status, header(&reply, "retry-after").as_str()), (StatusCode::SERVICE_UNAVAILABLE, "10"));
    assert!(reply.body.windows(9).any(|part| part == b"transient"));
    let reply = town.post(&[ER7], "nothing").await;
    assert_eq!((reply.status, reply.body.len()), (StatusCode::NO_CONTENT, 0));
}

#[tokio::test]
async fn what_is_not_hl7_over_http_is_refused() {
    let town = town(Sources::local());
    let large = vec![b'x'; 100_001];
    assert_eq!(town.send(Method::GET, &[], "").await.status, 405);
    assert_eq!(town.post(&[], "1").await.status, 415);
    assert_eq!(town.post(&[("content-type", "application/fhir+json")], "1").await.status, 415);
    assert_eq!(town.post(&[ER7, ("content-encoding", "gzip")], "1").await.status, 415);
    assert_eq!(town.post(&[ER7, ("origin", "http://evil.example")], "1").await.status, 403);
    assert_eq!(town.send(Method::POST, &[ER7], large).await.status, 413);
    assert!(town.handler.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_sender_is_known_by_token_or_address() {
    let token = |text: &str| Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let known = town(
        Sources::new(vec![
            Source { id: "his".to_owned(), tokens: vec![token("geheim")], ..Source::default() },
            Source {
                id: "far".to_owned(),
                tokens: vec![token("far")],
                addresses: vec!["192.0.2.0/24".parse().unwrap()],
                ..Source::default()
            },
        ])
        .ok()
        .unwrap(),
    );
    assert_eq!(known.post(&[ER7, ("authorization", "Bearer geheim")], "1").await.status, 200);
    assert_eq!(known.handler.seen.lock().unwrap()[0].0, "his");
    for wrong in ["Bearer other", "Basic Z2VoZWlt", "geheim", "Bearer far"] {
        let reply = known.post(&[ER7, ("authorization", wrong)], "1").await;
        assert_eq!((reply.status, header(&reply, "www-authenticate").as_str()), (StatusCode::UNAUTHORIZED, "Bearer"), "{wrong}");
        assert!(!reply.body.windows(6).any(|part| part == b"geheim"));
    }
    assert_eq!(known.post(&[ER7], "1").await.status, 401, "a source with a token is not known by its address");
    assert_eq!(known.handler.seen.lock().unwrap().len(), 1);
    let local = town(Sources::local());
    assert_eq!(
        local.post(&[ER7, ("authorization", "Bearer x")], "1").await.status,
        401,
        "an unknown token is not made good by the address"
    );
}

#[tokio::test]
async fn a_source_over_its_rate_is_told_when_to_come_back() {
    let source =
        Source { id: "his".to_owned(), addresses: vec!["127.0.0.1".parse().unwrap()], rate: Some(Rate::new(1, 2)), ..Source::default() };
    let town = town(Sources::new(vec![source]).ok().unwrap());
    assert_eq!((town.post(&[ER7], "1").await.status, town.post(&[ER7], "2").await.status), (StatusCode::OK, StatusCode::OK));
    let reply = town.post(&[ER7], "3").await;
    assert_eq!((reply.status, header(&reply, "retry-after").as_str()), (StatusCode::TOO_MANY_REQUESTS, "1"));
}

#[tokio::test]
async fn the_first_bytes_of_a_chunked_body_over_the_limit_are_kept() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let town = town(Sources::local());
    let address = town.url.trim_start_matches("http://").trim_end_matches("/hl7v2");
    let mut peer = tokio::net::TcpStream::connect(address).await.unwrap();
    let chunk = format!("4e20\r\n{}\r\n", "x".repeat(20_000));
    let request =
        format!("POST /hl7v2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(6));
    peer.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(*town.handler.faults.lock().unwrap(), [("msg.too_large", 65_536)]);
}
