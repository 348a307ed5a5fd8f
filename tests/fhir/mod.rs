//! The FHIR interface of the real binary over real sockets: what was sent is found, and every bad request gets the exact
//! answer. Ids are those of the corpus of bad inputs (F = FHIR over HTTP).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hutong_tests::gateway::Gateway;
use hutong_tests::hl7;
use hutong_tests::http::{self, Answer, get};
use hutong_tests::mllp::Sender;

/// Short waits; a token whose bearer may ask three times at once.
const CONFIG: &str = r#"
[limits]
http_header_ms = 700
http_body_idle_ms = 700
request_rate_per_client_per_s = 1
request_rate_burst_per_client = 3

[http]
tokens = [{ sha256 = "4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e", institution = "h1" }]
"#;

fn gateway(dir: &tempfile::TempDir) -> Gateway {
    Gateway::start_with(&dir.path().join("data"), Some(CONFIG), &[])
}

/// Status, issue code and rule of the first issue.
fn refusal(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    assert_eq!(body["resourceType"], "OperationOutcome", "{body}");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (answer.status, text(&body["issue"][0]["code"]), text(&body["issue"][0]["diagnostics"]))
}

fn request(gateway: &Gateway, line: &str, headers: &str) -> Answer {
    http::request(gateway.http, &format!("{line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n"), &[])
}

#[test]
fn what_was_acknowledged_is_found_at_once_and_keeps_its_versions() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let mut sender = Sender::connect(gateway.mllp);
    for round in 0..20 {
        let answer = sender.send(&hl7::adt(&format!("C{round}"), &format!("{}", 700 + round), "Wang^Wu")).unwrap();
        assert_eq!(hl7::code(&answer), "AA", "{}", String::from_utf8_lossy(&answer));
        let found = get(gateway.http, &format!("/fhir/Patient?identifier={}", 700 + round)).json();
        assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "acknowledged, and not found: {found}");
    }
    let found = get(gateway.http, "/fhir/Patient?identifier=700&_revinclude=Encounter:patient").json();
    let entries = found["entry"].as_array().unwrap();
    assert!(entries.iter().any(|e| e["resource"]["resourceType"] == "Encounter" && e["search"]["mode"] == "include"), "{found}");
    let url = entries[0]["fullUrl"].as_str().unwrap();
    let path = url.strip_prefix("http://test").unwrap();
    assert_eq!(get(gateway.http, path).header("etag"), Some("W/\"1\""));

    // the same person again with another name: a second version, the first stays
    sender.send(&hl7::adt("C99", "700", "Wang^Liu")).unwrap();
    assert_eq!(get(gateway.http, path).header("etag"), Some("W/\"2\""));
    assert_eq!(get(gateway.http, &format!("{path}/_history/1")).json()["meta"]["versionId"], "1");
    let history = get(gateway.http, &format!("{path}/_history")).json();
    assert_eq!(history["entry"].as_array().map(Vec::len), Some(2));
    assert_eq!(get(gateway.http, &format!("{path}/$everything")).status, 200);
    assert_eq!(get(gateway.http, "/fhir/metadata").json()["resourceType"], "CapabilityStatement");
    assert!(get(gateway.http, "/metrics").status == 200 && gateway.health()["balanced"] == true);
}

#[test]
fn bad_requests_get_the_answer_that_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let long_id = format!("GET /fhir/Patient/{}", "x".repeat(65));
    let parameters = format!("GET /fhir/Patient?{}", "a=&".repeat(2_500));
    let url = format!("GET /fhir/Patient?name={}", "x".repeat(16 * 1024));
    let percents = format!("GET /fhir/Patient?name={}", "%25".repeat(1365));
    let header = |kib: usize| format!("X-Long: {}\r\n", "x".repeat(kib * 1024));
    for (id, line, headers, status, issue, rule) in [
        ("F04", "GET /fhir/Patient", "Accept: image/png\r\n", 406, "not-supported", "http.accept"),
        ("F15 path", "PUT /fhir/Patient/..%2f..%2fetc", "", 400, "value", "fhir.id"),
        ("F15 length", &*long_id, "", 400, "value", "fhir.id"),
        ("F15 space", "GET /fhir/Patient/a%20b", "", 400, "value", "fhir.id"),
        (
            "F21",
            "GET /fhir/Patient?_include=*&_include:iterate=*&_count=1000000",
            "Prefer: handling=strict\r\n",
            400,
            "not-supported",
            "search.value",
        ),
        ("F22 parameters", &*parameters, "", 400, "too-costly", "search.parameters_max"),
        ("F22 header", "GET /fhir/Patient", &*header(33), 431, "too-long", "http.headers"),
        ("F22 URL", &*url, "", 414, "too-long", "http.url"),
        ("F23 NUL", "GET /fhir/Patient?name=%00", "", 400, "value", "http.percent"),
        ("F23 percents", &*percents, "", 400, "too-costly", "search.value_max"),
        ("unknown type", "GET /fhir/Pateint/1", "", 404, "not-supported", "fhir.type.unknown"),
        ("a write", "POST /fhir/Patient", "Content-Length: 0\r\n", 405, "not-supported", "fhir.write"),
        ("a wrong token", "GET /fhir/Patient", "Authorization: Bearer other\r\n", 401, "login", "access.token"),
    ] {
        let answer = request(&gateway, line, headers);
        assert_eq!(refusal(&answer), (status, issue.to_owned(), rule.to_owned()), "{id}");
    }
    // past what is read of a header at all, hyper answers by itself
    assert_eq!(request(&gateway, "GET /fhir/Patient", &header(64)).status, 431, "F22");
    let injected = request(&gateway, "GET /fhir/Patient?name='%20OR%201=1--", "");
    assert_eq!((injected.status, injected.json().get("entry")), (200, None), "F23");
    let lenient =
        request(&gateway, "GET /fhir/Patient?_include=*&_include:iterate=*&_count=1000000", "Prefer: handling=lenient\r\n").json();
    assert_eq!(lenient["link"][0]["url"], "http://test/fhir/Patient?_count=500", "F21");
    assert_eq!(lenient["entry"][0]["search"]["mode"], "outcome", "F21");
}

/// Sends bytes and reads until the gateway closes; also how long that took.
fn until_closed(gateway: &Gateway, bytes: &[u8]) -> (String, Duration) {
    let mut stream = TcpStream::connect(gateway.http).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let started = Instant::now();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (String::from_utf8_lossy(&answer).into_owned(), started.elapsed())
}

#[test]
fn slow_and_doubtful_requests_end_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    for (id, bytes) in [("F09 idle", ""), ("F09 half a header", "GET /fhir/Patient HTTP/1.1\r\nHost: te")] {
        let (_, took) = until_closed(&gateway, bytes.as_bytes());
        assert!(took < Duration::from_secs(5), "{id}: still open after {took:?}");
    }
    let form = "POST /fhir/Patient/_search HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname=";
    let (slow, took) = until_closed(&gateway, form.as_bytes());
    assert!(slow.starts_with("HTTP/1.1 408 ") && took < Duration::from_secs(5), "F10: {took:?} {slow}");

    let second = "GET /fhir/metadata HTTP/1.1\r\nHost: test\r\n\r\n";
    for (id, head) in [
        ("both lengths", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde"),
        ("unknown coding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("bare CR", "X: a\rb\r\n\r\n"),
        ("folded line", "X: a\r\n b\r\n\r\n"),
    ] {
        let (answer, _) = until_closed(&gateway, format!("POST /fhir/Patient/_search HTTP/1.1\r\nHost: test\r\n{head}{second}").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "F11 {id}: {answer}");
        assert!(!answer.contains("CapabilityStatement"), "F11 {id}: a smuggled request was served");
    }
    assert_eq!(get(gateway.http, "/fhir/metadata").status, 200);
}

#[test]
fn an_institution_that_floods_is_told_to_wait() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(&dir);
    let token = "Authorization: Bearer test-token\r\n";
    let answers: Vec<Answer> = (0..6).map(|_| request(&gateway, "GET /fhir/Patient", token)).collect();
    assert_eq!(answers[0].status, 200);
    let last = &answers[5];
    assert_eq!(refusal(last), (429, "throttled".to_owned(), "rate.limited".to_owned()), "F27");
    assert_eq!(last.header("retry-after"), Some("1"));
    assert_eq!(request(&gateway, "GET /fhir/Patient", "").status, 200, "others go on");
}
