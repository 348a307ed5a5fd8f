//! What is too large, too deep or goes round in a circle ends in a clear answer, soon, over HTTP and on the command line.

use std::time::{Duration, Instant};

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::http::{get, post};

use super::archive::profile;

/// Each hostile document; what is said of it (severity and rule of an issue), or that it is too long for HTTP.
fn documents() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let entry = |n: usize| {
        format!(
            r#"{{"fullUrl":"urn:uuid:00000000-0000-4000-8000-{n:012}","resource":{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"gender":1}}}}"#
        )
    };
    let bundle =
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, (0..5_000).map(entry).collect::<Vec<_>>().join(","));
    let narrative = |inner: &str| {
        format!(
            r#"{{"resourceType":"Patient","text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>"}}}}"#
        )
    };
    let long = narrative(&format!("{}<script>x</script>", "<p>字</p>".repeat(100_000)));
    let deep = format!(r#"{{"resourceType":"Patient","extension":{}"#, "[{\"extension\":".repeat(10_000));
    let nested = narrative(&format!("{}{}", "<b>".repeat(10_000), "</b>".repeat(10_000)));
    // a form that makes backtracking matchers take for ever
    let hostile =
        format!(r#"{{"resourceType":"Patient","photo":[{{"data":"{}!"}}],"birthDate":"{}"}}"#, "A".repeat(500_000), "1".repeat(500_000));
    vec![
        ("a Bundle of 5,000 entries", bundle.into_bytes(), "fhir.element.unknown"),
        ("a narrative of 1 MB", long.into_bytes(), "fhir.txt-1"),
        ("a narrative 10,000 deep", nested.into_bytes(), "fhir.txt-1"),
        ("JSON 10,000 deep", deep.into_bytes(), "json.depth"),
        ("a value hostile to patterns", hostile.into_bytes(), "fhir."),
    ]
}

#[test]
fn over_http() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&dir.path().join("data"));
    for (what, document, rule) in documents() {
        let started = Instant::now();
        let answer = post(gateway.http, "/fhir/Resource/$validate", "application/fhir+json", &document);
        let outcome = answer.json();
        assert!(started.elapsed() < Duration::from_secs(15), "{what}: {:?}", started.elapsed());
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{what}");
        let issues = outcome["issue"].as_array().unwrap();
        let said = |i: &serde_json::Value| i["severity"] == "error" && i["diagnostics"].as_str().unwrap_or_default().starts_with(rule);
        assert!(issues.iter().any(said), "{what}: {} {outcome:.1000}", answer.status);
        assert!(issues.len() <= 501, "{what}: {} issues", issues.len());
        assert_eq!(get(gateway.http, "/health").status, 200);
    }
    let large = vec![b' '; 17 << 20];
    assert_eq!(post(gateway.http, "/fhir/Resource/$validate", "application/fhir+json", &large).status, 413);
}

#[test]
fn on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    for (n, (what, document, rule)) in documents().into_iter().enumerate() {
        let path = dir.path().join(format!("{n}.json"));
        std::fs::write(&path, document).unwrap();
        let started = Instant::now();
        let out = hutong().args(["validate", "--format", "ndjson"]).arg(&path).output().unwrap();
        assert!(started.elapsed() < Duration::from_secs(15), "{what}: {:?}", started.elapsed());
        assert_eq!(out.status.code(), Some(1), "{what}: {}", String::from_utf8_lossy(&out.stderr));
        let line: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let said = |i: &serde_json::Value| i["rule"].as_str().unwrap_or_default().starts_with(rule);
        assert!(line["issue"].as_array().unwrap().iter().any(said), "{what}: {line:.1000}");
    }
}

#[test]
fn profiles_in_a_circle() {
    let dir = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("http://example.org/StructureDefinition/{name}");
    std::fs::write(dir.path().join("a.json"), profile("a", &url("b"))).unwrap();
    std::fs::write(dir.path().join("b.json"), profile("b", &url("a"))).unwrap();
    let resource = dir.path().join("patient.txt");
    std::fs::write(&resource, r#"{"resourceType":"Patient"}"#).unwrap();
    let started = Instant::now();
    let out = hutong().arg("validate").arg("--load").arg(dir.path()).args(["--profile", &url("a")]).arg(&resource).output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(15));
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.code().is_some_and(|code| code != 0) && said.contains("example.org"), "{:?} {said}", out.status);
}
