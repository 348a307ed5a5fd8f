//! Requests and what is answered, over the fake store.

mod measures;
mod operations;
mod recognition;
mod store;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hutong_commit::store::Counts;
use hutong_validate::Knowledge;
use hutong_wire::http::Peer;
use hutong_wire::limits::Limits;
use serde_json::Value;

use crate::fake::Fake;
use crate::{Access, Api, Edition, Editions, Settings, Shelf};

fn settings() -> Settings {
    Settings {
        base_url: None,
        access: Access { loopback_open: true, tokens: Vec::new(), operators: Vec::new() },
        limits: Limits { read_own_write_ms: 20, ..Limits::default() },
        version: "0.0.0-test",
    }
}

fn fake() -> Fake {
    let mut fake = Fake::default();
    fake.put("Patient", "p1", Some(r#","active":true"#));
    fake.put("Patient", "p1", Some(r#","active":false"#));
    fake.put("Patient", "p2", Some(""));
    fake.put("Patient", "gone", Some(""));
    fake.put("Patient", "gone", None);
    fake.put("Observation", "o1", Some(r#","valueQuantity":{"value":1.50}"#));
    fake
}

/// Two code systems and a value set, beside R4.
const LOADED: [&str; 3] = [
    r#"{"resourceType":"CodeSystem","id":"colour","url":"http://example.org/cs","version":"1","status":"active","content":"complete","concept":[{"code":"red","display":"Red","concept":[{"code":"pink","display":"Pink"}]},{"code":"blue","display":"Blue"}]}"#,
    r#"{"resourceType":"CodeSystem","id":"shape","url":"http://example.org/shape","status":"active","content":"complete","concept":[{"code":"round"}]}"#,
    r#"{"resourceType":"ValueSet","id":"colours","url":"http://example.org/vs","version":"1","status":"active","compose":{"include":[{"system":"http://example.org/cs"}]}}"#,
];

/// One edition for ever.
struct Only(Arc<Edition>);

impl Editions for Only {
    fn current(&self) -> Arc<Edition> {
        Arc::clone(&self.0)
    }
}

fn edition() -> Arc<Only> {
    let (mut knowledge, mut shelf) = (Knowledge::community().0, Shelf::community());
    for text in LOADED {
        let (tree, _) = hutong_fhir::json::parse(text.as_bytes(), &hutong_fhir::json::JsonLimits::default()).ok().unwrap();
        shelf.add(&tree);
        knowledge.load(tree).unwrap();
    }
    shelf.add(&hutong_fhir::json::parse(crate::fake_measures::MEASURE.as_bytes(), &Default::default()).ok().unwrap().0);
    Arc::new(Only(Arc::new(Edition::new(Arc::new(knowledge), || shelf))))
}

fn api() -> Api {
    Api::new(Arc::new(fake()), edition(), settings())
}

/// `METHOD /path`, header lines, body.
async fn send(api: &Api, line: &str, headers: &[(&str, &str)], body: &str) -> Response<Full<Bytes>> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path).extension(Arc::new(Peer {
        address: "127.0.0.1:9".parse().unwrap(),
        certificate: None,
        tls: false,
    }));
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "gw:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.handle(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await
}

async fn text(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn json(response: Response<Full<Bytes>>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

fn header<'r>(response: &'r Response<Full<Bytes>>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |v| v.to_str().unwrap())
}

#[tokio::test]
async fn refusals() {
    let api = api();
    let long_url = format!("GET /fhir/Patient?name={}", "x".repeat(8200));
    let many = format!("GET /fhir/Patient?{}", "a=1&".repeat(1900));
    let long_value = format!("GET /fhir/Patient?name={}", "%25".repeat(1025));
    let long_form = "name=x&".repeat(20_000);
    let form = ("content-type", "application/x-www-form-urlencoded");
    #[expect(clippy::type_complexity, reason = "a table of cases: request, headers, body, status, issue, rule")]
    let cases: &[(&str, &[(&str, &str)], &str, u16, &str, &str)] = &[
        ("GET /fhir/Library/1", &[], "", 404, "not-supported", "fhir.type.unknown"),
        ("GET /fhir/Nonsense?x=1", &[], "", 404, "not-supported", "fhir.type.unknown"),
        ("GET /fhir/Patient/a%20b", &[], "", 400, "value", "fhir.id"),
        ("GET /fhir/Patient/nobody", &[], "", 404, "not-found", "fhir.not_found"),
        ("GET /fhir/Patient/gone", &[], "", 410, "deleted", "fhir.deleted"),
        ("GET /fhir/Patient/gone/_history/2", &[], "", 410, "deleted", "fhir.deleted"),
        ("GET /fhir/Patient/p1/_history/9", &[], "", 404, "not-found", "fhir.not_found"),
        ("GET /fhir/Patient/p1/_history/x", &[], "", 400, "value", "fhir.version_id"),
        ("GET /fhir/Patient/nobody/_history", &[], "", 404, "not-found", "fhir.not_found"),
        ("GET /fhir/Patient/p1?_elements=id", &[], "", 400, "not-supported", "search.parameter"),
        ("GET /fhir/Patient/_history?_at=2026", &[], "", 400, "not-supported", "search.parameter"),
        ("GET /fhir/Patient/_history?_since=2026", &[], "", 400, "value", "search.value"),
        ("GET /fhir/Patient/_history?_cursor=9", &[], "", 400, "value", "search.cursor"),
        ("GET /fhir/Patient/_history?_count=1&_count=2", &[], "", 400, "invalid", "search.repeated"),
        ("GET /fhir/Patient?pateint=1", &[], "", 400, "not-supported", "search.parameter"),
        ("GET /fhir/Patient?gender:text=m", &[], "", 400, "not-supported", "search.modifier"),
        ("GET /fhir/Patient?birthdate=31.12.1999", &[], "", 400, "value", "search.value"),
        ("GET /fhir/Patient?name=%00", &[], "", 400, "value", "http.percent"),
        ("GET /fhir/Patient?name=%C0%AF", &[], "", 400, "value", "http.percent"),
        ("GET /fhir/Patient?_include=*&_include:iterate=*&_count=1000000", &[], "", 400, "not-supported", "search.value"),
        ("GET /fhir/Patient/nobody/Observation", &[], "", 404, "not-found", "fhir.not_found"),
        ("GET /fhir/Patient/p1/Organization", &[], "", 404, "not-supported", "fhir.compartment"),
        ("GET /fhir/Patient/p1", &[("accept", "image/png")], "", 406, "not-supported", "http.accept"),
        ("GET /fhir/Patient/p1", &[("accept", "text/turtle")], "", 406, "not-supported", "http.accept"),
        ("GET /fhir/Patient/p1?_format=ttl", &[], "", 406, "not-supported", "http.accept"),
        ("GET /fhir/Patient/p1", &[("host", "a b")], "", 400, "value", "http.host"),
        ("GET /fhir/Patient/p1", &[("host", "x\"y")], "", 400, "value", "http.host"),
        ("GET /fhir/Patient/p1", &[("authorization", "Bearer wrong")], "", 401, "login", "access.token"),
        ("POST /fhir/Patient", &[], "{}", 405, "not-supported", "fhir.write"),
        ("POST /fhir", &[], "{}", 405, "not-supported", "fhir.write"),
        ("PUT /fhir/Patient/p1", &[], "{}", 405, "not-supported", "fhir.write"),
        ("DELETE /fhir/Patient/p1", &[], "", 405, "not-supported", "fhir.write"),
        ("POST /fhir/metadata", &[], "", 405, "not-supported", "http.method"),
        ("GET /elsewhere", &[], "", 404, "not-found", "http.path"),
        (&long_url, &[], "", 414, "too-long", "http.url"),
        (&many, &[], "", 400, "too-costly", "search.parameters_max"),
        (&long_value, &[], "", 400, "too-costly", "search.value_max"),
        ("POST /fhir/Patient/_search", &[form], &long_form, 413, "too-long", "http.body"),
        ("POST /fhir/Patient/_search", &[("content-type", "application/json")], "{}", 415, "not-supported", "http.content_type"),
        ("POST /fhir/Patient/_search", &[], "name=x", 415, "not-supported", "http.content_type"),
    ];
    for (line, headers, body, status, issue, rule) in cases {
        let response = send(&api, line, headers, body).await;
        assert_eq!(response.status(), *status, "{line:.60}");
        assert_eq!(header(&response, "content-type"), "application/fhir+json; charset=utf-8", "{line:.60}");
        if *status == 405 {
            assert!(header(&response, "allow").contains("OPTIONS"), "{line}");
        }
        let outcome = json(response).await;
        assert_eq!(outcome["resourceType"], "OperationOutcome");
        assert_eq!(
            (&outcome["issue"][0]["code"], &outcome["issue"][0]["diagnostics"]),
            (&Value::from(*issue), &Value::from(*rule)),
            "{line:.60}"
        );
        assert!(outcome["issue"][0]["details"]["text"].as_str().unwrap().contains("。 / "));
    }
}

#[tokio::test]
async fn a_value_is_never_repeated_in_an_answer_that_refuses_it() {
    let api = api();
    for line in [
        "GET /fhir/Patient?birthdate=CANARY",
        "GET /fhir/Patient?CANARY%20x=1",
        "GET /fhir/Patient/CANARY%20x",
        "GET /fhir/CANARY%20x/1",
        "GET /fhir/Patient?_sort=CANARY",
        "GET /fhir/Patient?_include=CANARY",
        "GET /fhir/Patient?gender:CANARY%20x=1",
        "GET /CANARY",
    ] {
        let answer = text(send(&api, line, &[], "").await).await;
        assert!(!answer.contains("CANARY"), "{line}: {answer}");
    }
}

#[tokio::test]
async fn read_and_its_conditions() {
    let api = api();
    let response = send(&api, "GET /fhir/Patient/p1", &[], "").await;
    assert_eq!(response.status(), 200);
    assert_eq!((header(&response, "etag"), header(&response, "last-modified")), ("W/\"2\"", "Thu, 01 Jan 1970 00:00:02 GMT"));
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert_eq!(text(response).await, r#"{"resourceType":"Patient","id":"p1","meta":{"versionId":"2"},"active":false}"#);
    for (name, value, status) in [
        ("if-none-match", "W/\"2\"", 304),
        ("if-none-match", "W/\"1\", \"2\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "W/\"1\"", 200),
        ("if-none-match", "2", 200),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:02 GMT", 304),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:01 GMT", 200),
        ("if-modified-since", "yesterday", 200),
    ] {
        let response = send(&api, "GET /fhir/Patient/p1", &[(name, value)], "").await;
        assert_eq!(response.status(), status, "{name}: {value}");
        assert_eq!(header(&response, "etag"), "W/\"2\"");
        assert_eq!(text(response).await.is_empty(), status == 304);
    }
    let both = [("if-none-match", "W/\"1\""), ("if-modified-since", "Thu, 01 Jan 1970 00:00:02 GMT")];
    assert_eq!(send(&api, "GET /fhir/Patient/p1", &both, "").await.status(), 200, "the tag decides alone");
    let old = send(&api, "GET /fhir/Patient/p1/_history/1", &[], "").await;
    assert_eq!(header(&old, "etag"), "W/\"1\"");
    assert_eq!(json(old).await["active"], true);
}

#[tokio::test]
async fn forms_of_an_answer() {
    let api = api();
    let response = send(&api, "GET /fhir/Observation/o1?_pretty=true", &[("accept", "application/json")], "").await;
    assert_eq!(header(&response, "content-type"), "application/json; charset=utf-8");
    let pretty = text(response).await;
    assert!(pretty.starts_with("{\n  \"resourceType\": \"Observation\",\n") && pretty.contains("\"value\": 1.50\n"), "{pretty}");

    let get = send(&api, "GET /fhir/Patient/p1", &[], "").await;
    let head = send(&api, "HEAD /fhir/Patient/p1", &[], "").await;
    assert_eq!(get.headers(), head.headers());
    assert!(text(head).await.is_empty());

    for (id, given_back) in [("a1-._", true), ("a b", false), (&*"x".repeat(65), false)] {
        let response = send(&api, "GET /fhir/Patient/nobody", &[("x-request-id", id)], "").await;
        assert_eq!(header(&response, "x-request-id") == id, given_back, "{id}");
    }

    let options = send(&api, "OPTIONS /fhir/Patient", &[], "").await;
    assert_eq!((options.status().as_u16(), header(&options, "allow")), (204, "GET, HEAD, OPTIONS"));

    let page = send(&api, "GET /", &[], "").await;
    assert!(header(&page, "content-security-policy").starts_with("default-src 'none'"));
    let page = text(page).await;
    assert!(page.contains("/fhir/metadata") && page.contains("互通") && !page.contains("http"), "nothing from elsewhere");
}

#[tokio::test]
async fn search_bundles() {
    let api = api();
    let bundle = json(send(&api, "GET /fhir/Patient?_id=p1,p2&_format=json", &[], "").await).await;
    assert_eq!((&bundle["type"], &bundle["total"]), (&"searchset".into(), &2.into()));
    assert_eq!(bundle["link"][0]["url"], "http://gw:8080/fhir/Patient?_id=p1,p2&_format=json");
    assert_eq!(bundle["entry"][0]["fullUrl"], "http://gw:8080/fhir/Patient/p1");
    assert_eq!(bundle["entry"][0]["search"]["mode"], "match");

    let nobody = json(send(&api, "GET /fhir/Patient?name='%20OR%201=1--", &[], "").await).await;
    assert_eq!(nobody["resourceType"], "Bundle");

    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let posted = json(send(&api, "POST /fhir/Patient/_search?_count=1", &[form], "_id=p1,p2").await).await;
    assert_eq!(posted["entry"].as_array().unwrap().len(), 1);
    assert_eq!(posted["link"][0]["url"], "http://gw:8080/fhir/Patient?_id=p1,p2&_count=1");

    let count = json(send(&api, "GET /fhir/Patient?_summary=count", &[], "").await).await;
    assert_eq!((&count["total"], count.get("entry")), (&2.into(), None));

    let mut behind_proxy = settings();
    behind_proxy.base_url = Some("https://fhir.example.cn/gw/fhir/".to_owned());
    let api = Api::new(Arc::new(fake()), edition(), behind_proxy);
    let bundle = json(send(&api, "GET /fhir/Patient?_id=p2", &[("host", "internal")], "").await).await;
    assert_eq!(bundle["entry"][0]["fullUrl"], "https://fhir.example.cn/gw/fhir/Patient/p2");
    assert_eq!(bundle["link"][0]["url"], "https://fhir.example.cn/gw/fhir/Patient?_id=p2");
}

#[tokio::test]
async fn under_lenient_handling_what_is_left_out_is_said() {
    let api = api();
    let lenient = [("prefer", "handling=lenient")];
    let line = "GET /fhir/Patient?pateint=1&_include=*&_include:iterate=*&_count=1000000";
    let bundle = json(send(&api, line, &lenient, "").await).await;
    assert_eq!(bundle["link"][0]["url"], "http://gw:8080/fhir/Patient?_count=500");
    let last = bundle["entry"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["search"]["mode"], last.get("fullUrl")), (&"outcome".into(), None));
    let issues = last["resource"]["issue"].as_array().unwrap();
    assert_eq!(issues.len(), 3);
    assert!(issues.iter().all(|i| i["severity"] == "warning" && i["code"] == "not-supported"));
    for (line, why) in [
        ("GET /fhir/Patient?birthdate=x", "a wrong value is wrong also then"),
        ("GET /fhir/Patient/p1?x=1", "a resource cannot say what was left out"),
        ("GET /fhir/Patient/p1/_history?x=1", "nor can a history"),
    ] {
        assert_eq!(send(&api, line, &lenient, "").await.status(), 400, "{why}");
    }
}

#[tokio::test]
async fn histories_are_paged_newest_first() {
    let api = api();
    let one = json(send(&api, "GET /fhir/Patient/gone/_history", &[], "").await).await;
    let methods: Vec<&Value> = one["entry"].as_array().unwrap().iter().map(|e| &e["request"]["method"]).collect();
    assert_eq!(methods, ["DELETE", "PUT"]);

    let mut url = "/fhir/_history?_count=2&_since=1970-01-01T08:00:02%2B08:00".to_owned();
    let mut seen = Vec::new();
    for _ in 0..9 {
        let page = json(send(&api, &format!("GET {url}"), &[], "").await).await;
        assert_eq!(page["link"][0]["url"], format!("http://gw:8080{}", url));
        for e in page["entry"].as_array().unwrap() {
            seen.push(format!("{} {}", e["request"]["url"].as_str().unwrap(), e["response"]["etag"].as_str().unwrap()));
        }
        match page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next") {
            Some(next) => url = next["url"].as_str().unwrap().strip_prefix("http://gw:8080").unwrap().to_owned(),
            None => break,
        }
    }
    let expected = ["Observation/o1 W/\"1\"", "Patient/gone W/\"2\"", "Patient/gone W/\"1\"", "Patient/p2 W/\"1\"", "Patient/p1 W/\"2\""];
    assert_eq!(seen, expected);
    let foreign = url.replace("/fhir/_history", "/fhir/Patient/_history");
    assert_eq!(send(&api, &format!("GET {foreign}"), &[], "").await.status(), 400, "a cursor is good for its own search only");
}

#[tokio::test]
async fn everything_walks_the_types_page_by_page() {
    let api = api();
    let mut url = "/fhir/Patient/p1/$everything?_count=1".to_owned();
    let mut seen = Vec::new();
    for _ in 0..9 {
        let page = json(send(&api, &format!("GET {url}"), &[], "").await).await;
        // the last page may be empty: what a type holds is known only when it is looked at
        seen.extend(page["entry"].as_array().into_iter().flatten().map(|e| e["fullUrl"].as_str().unwrap().to_owned()));
        match page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next") {
            Some(next) => url = next["url"].as_str().unwrap().strip_prefix("http://gw:8080").unwrap().to_owned(),
            None => break,
        }
    }
    // the fake store finds by id only, so that the observation counts as this patient's
    let base = "http://gw:8080/fhir";
    assert_eq!(seen.iter().map(|s| s.strip_prefix(base).unwrap()).collect::<Vec<_>>(), ["/Patient/p1", "/Observation/o1"]);
    for (line, status) in [
        ("GET /fhir/Patient/p1/$everything?_type=Patient,Observation&_since=2026-11-21T08:00:00Z", 200),
        ("GET /fhir/Patient/p1/$everything?_type=Organization", 400),
        ("GET /fhir/Patient/p1/$everything?start=2026", 400),
        ("GET /fhir/Patient/p1/$everything?_cursor=x", 400),
        ("GET /fhir/Patient/nobody/$everything", 404),
        ("GET /fhir/Patient/gone/$everything", 410),
        ("POST /fhir/Patient/p1/$everything", 405),
    ] {
        assert_eq!(send(&api, line, &[], "").await.status(), status, "{line}");
    }
}

#[tokio::test]
async fn a_read_waits_for_what_was_durable_when_it_came() {
    let fake = Arc::new(fake());
    let api = Api::new(fake.clone(), edition(), settings());
    fake.durable.store(7, Ordering::Relaxed);
    let late = send(&api, "GET /fhir/Patient/p1", &[], "").await;
    assert_eq!((late.status().as_u16(), header(&late, "retry-after")), (503, "2"));
    assert_eq!(json(late).await["issue"][0]["code"], "timeout");
    assert_eq!(send(&api, "GET /fhir/metadata", &[], "").await.status(), 200, "what needs no data does not wait");
    let (answer, ()) = tokio::join!(send(&api, "GET /fhir/Patient/p1", &[], ""), async {
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        // later entries do not hold it up
        fake.durable.store(900, Ordering::Relaxed);
        fake.applied.store(7, Ordering::Relaxed);
    });
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_store_that_fails_is_503_and_a_fault_of_ours_is_500() {
    let fake = Arc::new(fake());
    let api = Api::new(fake.clone(), edition(), settings());
    fake.broken.store(true, Ordering::Relaxed);
    let down = send(&api, "GET /fhir/Patient?_id=p1", &[], "").await;
    assert_eq!((down.status().as_u16(), header(&down, "retry-after")), (503, "10"));
    fake.faulty.store(true, Ordering::Relaxed);
    let fault = send(&api, "GET /fhir/Patient/p1", &[], "").await;
    assert_eq!(fault.status(), 500);
    assert!(!text(fault).await.contains("as asked by the test"));
    fake.faulty.store(false, Ordering::Relaxed);
    fake.broken.store(false, Ordering::Relaxed);
    assert_eq!(send(&api, "GET /fhir/Patient/p1", &[], "").await.status(), 200);
}

/// One worker thread: were the search not to step aside, the read behind it would wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_long_search_does_not_hold_up_others() {
    let fake = Arc::new(fake());
    fake.slow_ms.store(400, Ordering::Relaxed);
    let api = Arc::new(Api::new(fake, edition(), settings()));
    let started = std::time::Instant::now();
    let one = api.clone();
    let search = tokio::spawn(async move { send(&one, "GET /fhir/Patient?name=x", &[], "").await.status() });
    let read = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        send(&api, "GET /fhir/Patient/p1", &[], "").await;
        started.elapsed()
    });
    let read_after = read.await.unwrap();
    assert_eq!(search.await.unwrap(), 200);
    assert!(read_after < started.elapsed(), "the read was answered first");
    assert!(read_after.as_millis() < 390, "{read_after:?}");
}

#[tokio::test]
async fn health_is_the_contract_and_metrics_count() {
    let mut fake = fake();
    fake.counts = Counts { received: 4, journalled: 4, answered: 4, stored: 1, rejected: 1, held: 1, duplicate: 1 };
    let api = Api::new(Arc::new(fake), edition(), settings());
    let health = json(send(&api, "GET /health", &[], "").await).await;
    assert_eq!(
        health.to_string(),
        r#"{"received":4,"journalled":4,"answered":4,"final":{"stored":1,"rejected":1,"held":1,"duplicate":1},"applied":0,"durable":0,"balanced":true}"#
    );
    send(&api, "GET /fhir/Patient/nobody", &[], "").await;
    let metrics = text(send(&api, "GET /metrics", &[], "").await).await;
    assert!(metrics.contains("hutong_http_requests_total{interaction=\"read\",status=\"404\"} 1\n"), "{metrics}");
    assert!(metrics.contains("hutong_messages_final_total{state=\"held\"} 1\n"));
    assert!(!metrics.contains("nobody"));
}

#[tokio::test]
async fn who_is_not_known_sees_only_that_it_is_up() {
    let mut closed = settings();
    closed.access = Access::default();
    let api = Api::new(Arc::new(fake()), edition(), closed);
    for (line, status) in
        [("GET /health", 200), ("GET /", 200), ("GET /fhir/metadata", 401), ("GET /fhir/Patient/p1", 401), ("GET /fhir/Patient", 401)]
    {
        let response = send(&api, line, &[], "").await;
        assert_eq!(response.status(), status, "{line}");
        if status == 401 {
            assert_eq!(header(&response, "www-authenticate"), "Bearer realm=\"hutong\"");
        }
    }
}

#[tokio::test]
async fn a_flood_from_an_institution_is_throttled() {
    use sha2::{Digest, Sha256};
    let mut limited = settings();
    limited.access.tokens.push((Sha256::digest(b"t").into(), "h1".to_owned()));
    limited.limits.request_rate_burst_per_client = 3;
    limited.limits.request_rate_per_client_per_s = 1;
    let api = Api::new(Arc::new(fake()), edition(), limited);
    let token = [("authorization", "Bearer t")];
    for expected in [200, 200, 200, 429] {
        assert_eq!(send(&api, "GET /fhir/Patient/p1", &token, "").await.status(), expected);
    }
    assert_eq!(send(&api, "GET /fhir/Patient/p1", &[], "").await.status(), 200, "programs on this machine go on");
}

/// The statement that is served is committed, so that a change of what we promise is seen in review.
/// `UPDATE_GOLDEN=1` writes it anew.
#[tokio::test]
async fn the_capability_statement_is_the_golden_one() {
    let api = api();
    let served = text(send(&api, "GET /fhir/metadata?_pretty=true", &[("host", "localhost:8080")], "").await).await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/capability-statement.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &served).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert!(served == golden, "the CapabilityStatement changed; look at it, then run again with UPDATE_GOLDEN=1");
}

#[tokio::test]
async fn what_the_statement_promises_is_served() {
    let mut api = api();
    api.measure(Arc::new(crate::fake_measures::FakeMeasures::default()));
    let statement = json(send(&api, "GET /fhir/metadata", &[], "").await).await;
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let kinds: std::collections::BTreeSet<&str> = resources.iter().map(|r| r["type"].as_str().unwrap()).collect();
    assert!(kinds.len() > 20 && kinds.len() == resources.len(), "each type is told of once");
    for resource in resources {
        let kind = resource["type"].as_str().unwrap();
        for list in ["searchInclude", "searchRevInclude"] {
            for value in resource[list].as_array().into_iter().flatten() {
                let name = if list == "searchInclude" { "_include" } else { "_revinclude" };
                let line = format!("GET /fhir/{kind}?{name}={}", value.as_str().unwrap());
                assert_eq!(send(&api, &line, &[], "").await.status(), 200, "{line}");
            }
        }
        for parameter in resource["searchParam"].as_array().unwrap() {
            let value = match parameter["type"].as_str().unwrap() {
                "date" => "2026-11-21",
                "quantity" => "1",
                _ => "x",
            };
            let line = format!("GET /fhir/{kind}?{}={value}", parameter["name"].as_str().unwrap());
            assert_eq!(send(&api, &line, &[], "").await.status(), 200, "{line}");
        }
    }
}
