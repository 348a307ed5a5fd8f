//! The console as a client sees it that is no browser: headers, cookies, the stream.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use hutong_tests::http::{get, post, request};

use super::county::{TOKEN, serve};

#[test]
fn pages_carry_a_strict_policy_and_are_kept_by_nobody() {
    let served = serve(true);
    let page = get(served.address, "/console");
    // the test's own Host is a name: it may be a foreign site's that points here
    assert_eq!(page.status, 401);
    let page = local(&served, "/console");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let html = String::from_utf8(page.body).unwrap();
    let css = html.split("href=\"").find_map(|p| p.split('"').next().filter(|p| p.ends_with(".css"))).unwrap();
    let file = local(&served, css);
    assert_eq!(file.status, 200);
    assert!(file.header("cache-control").unwrap().contains("immutable"));
    let etag = file.header("etag").unwrap().to_owned();
    let again = format!("GET {css} HTTP/1.1\r\nHost: 127.0.0.1\r\nIf-None-Match: {etag}\r\nConnection: close\r\n\r\n");
    assert_eq!(request(served.address, &again, b"").status, 304);
    assert_eq!(post(served.address, "/console", "text/plain", b"").status, 405);
}

fn local(served: &super::county::Served, path: &str) -> hutong_tests::http::Answer {
    request(served.address, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"), b"")
}

#[test]
fn a_token_becomes_a_cookie_that_only_this_site_sends() {
    let served = serve(false);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(served.address, "/console/login", form, b"token=wrong").status, 401);
    let entered = post(served.address, "/console/login", form, format!("token={TOKEN}").as_bytes());
    assert_eq!(entered.status, 303);
    let cookie = entered.header("set-cookie").unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/console", "Max-Age=28800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let with = |path: &str, header: &str| {
        request(served.address, &format!("GET {path} HTTP/1.1\r\nHost: gw\r\n{header}Connection: close\r\n\r\n"), b"").status
    };
    assert_eq!(with("/console", &format!("Cookie: {pair}\r\n")), 200);
    assert_eq!(with("/console", &format!("Authorization: Bearer {TOKEN}\r\n")), 200);
    assert_eq!(with("/console", "Cookie: hutong_token=other\r\n"), 401);
    assert_eq!(with("/console/events", ""), 401);
    assert_eq!(with("/console/cases/..%2f..%2fetc", &format!("Cookie: {pair}\r\n")), 404);
}

#[test]
fn the_stream_tells_what_changed_and_ends_with_the_gateway() {
    let served = serve(true);
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "GET /console/events?scope=IMG5 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut next = |wanted: &str| lines.find_map(|line| line.ok().filter(|l| l.contains(wanted))).unwrap_or_else(|| panic!("no {wanted}"));
    assert!(next("content-type").contains("text/event-stream"));
    assert!(next("data:").contains("\"IMG5.cases\":\"19,261\""));
    served.county.arrive();
    assert!(next("data:").contains("\"IMG5.cases\":\"19,262\""));
    let began = std::time::Instant::now();
    drop(served);
    assert!(began.elapsed() < Duration::from_secs(5), "an open page does not hold the gateway up: {:?}", began.elapsed());
}
