//! The interface over the real store: what goes in by the journal comes out over FHIR.

use std::path::Path;
use std::sync::{Arc, mpsc};

use hutong_commit::entry::{Draft, EntryKind, Final, ResourceDraft, Update};
use hutong_commit::store::{JournalOptions, Store};
use hutong_commit::{error::StoreError, projection};
use serde_json::Value;

use super::{header, json, send, settings};
use crate::{Api, Embedded};

struct Gateway {
    store: Arc<Store>,
    api: Api,
    messages: std::cell::Cell<u32>,
}

fn open(dir: &Path) -> Gateway {
    let mut reader = None;
    let store = Store::open_with(dir, JournalOptions { segment_bytes: 1 << 20, ..JournalOptions::default() }, |journal| {
        let (projection, its_reader) =
            projection::open(dir, Arc::new(journal.clone())).map_err(|e| StoreError::Projection(e.to_string()))?;
        reader = Some(its_reader);
        Ok(projection)
    });
    let store = Arc::new(store.unwrap());
    let mut settings = settings();
    settings.limits.read_own_write_ms = 10_000;
    let api = Api::new(Arc::new(Embedded { store: store.clone(), reader: reader.unwrap() }), super::edition(), settings);
    Gateway { store, api, messages: std::cell::Cell::new(0) }
}

impl Gateway {
    /// One message with these resources, durable when this returns. No body deletes.
    fn message(&self, resources: &[(&str, &str, &str)]) {
        let number = self.messages.get() + 1;
        self.messages.set(number);
        let resources = resources.iter().map(|(kind, id, rest)| ResourceDraft {
            resource_type: (*kind).to_owned(),
            id: (*id).to_owned(),
            body: if *rest == "-" { Vec::new() } else { format!(r#"{{"resourceType":"{kind}","id":"{id}"{rest}}}"#).into_bytes() },
            update: if *rest == "-" { Update::Delete } else { Update::Replace },
            clear: Vec::new(),
            event_us: i64::from(number),
        });
        let draft = Draft {
            kind: EntryKind::Message,
            receipt: format!("R{number}"),
            received_us: i64::from(number),
            source: "h1".to_owned(),
            protocol: "test",
            control_id: format!("C{number}"),
            content_hash: [number as u8; 32],
            message_type: "ORU^R01".to_owned(),
            outcome: Final::Stored,
            answer: b"AA".to_vec(),
            findings: b"[]".to_vec(),
            raw: format!("message {number}").into_bytes(),
            resources: resources.collect(),
            events: Vec::new(),
            plan_hash: [0; 32],
            conflict: None,
        };
        let (done, told) = mpsc::channel();
        self.store.submit(draft, move |result| done.send(result.is_ok()).unwrap());
        assert!(told.recv().unwrap());
    }

    /// A small county: two patients, results of one, an order, a laboratory.
    fn county(&self) {
        self.message(&[
            ("Organization", "lab", r#","name":"县人民医院检验科""#),
            (
                "Patient",
                "p1",
                r#","identifier":[{"system":"urn:mrn","value":"1001"}],"name":[{"text":"张三"}],"gender":"male","birthDate":"1970-01-01""#,
            ),
            ("Patient", "p2", r#","name":[{"text":"李四"}],"gender":"female","birthDate":"1980-05-05""#),
        ]);
        for n in 1..=7 {
            self.message(&[
                (
                    "Observation",
                    &format!("o{n}"),
                    &format!(
                        r#","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"2345-{}"}}]}},"subject":{{"reference":"Patient/p1"}},"effectiveDateTime":"2026-09-{:02}T08:00:00+08:00","performer":[{{"reference":"Organization/lab"}}],"valueQuantity":{{"value":{n}.50}}"#,
                        n % 2,
                        n
                    ),
                ),
                (
                    "DiagnosticReport",
                    &format!("d{n}"),
                    &format!(
                        r#","status":"final","code":{{"text":"血糖"}},"subject":{{"reference":"Patient/p1"}},"result":[{{"reference":"Observation/o{n}"}}]"#
                    ),
                ),
            ]);
        }
    }

    async fn get(&self, path: &str) -> Value {
        let response = send(&self.api, &format!("GET {path}"), &[], "").await;
        assert_eq!(response.status(), 200, "{path}");
        json(response).await
    }

    /// Follows `next` to the end; types and ids in order, with their mode where they are no matches.
    async fn all(&self, path: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut url = path.to_owned();
        for _ in 0..50 {
            let page = self.get(&url).await;
            for entry in page["entry"].as_array().into_iter().flatten() {
                let id = entry["fullUrl"].as_str().unwrap().strip_prefix("http://gw:8080/fhir/").unwrap();
                let mode = entry["search"]["mode"].as_str().unwrap_or("match");
                out.push(if mode == "match" { id.to_owned() } else { format!("{id} {mode}") });
            }
            match page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next") {
                Some(next) => url = next["url"].as_str().unwrap().strip_prefix("http://gw:8080").unwrap().to_owned(),
                None => return out,
            }
        }
        panic!("the pages of {path} do not end");
    }
}

#[tokio::test]
async fn what_is_acknowledged_is_read_at_once_with_its_versions() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = open(dir.path());
    for round in 1..=20 {
        gateway.message(&[("Patient", "p", &format!(r#","multipleBirthInteger":{round}"#))]);
        let response = send(&gateway.api, "GET /fhir/Patient/p", &[], "").await;
        assert_eq!(header(&response, "etag"), format!("W/\"{round}\""));
        let body = json(response).await;
        assert_eq!((&body["meta"]["versionId"], &body["multipleBirthInteger"]), (&round.to_string().into(), &round.into()));
    }
    gateway.message(&[("Patient", "p", "-")]);
    assert_eq!(send(&gateway.api, "GET /fhir/Patient/p", &[], "").await.status(), 410);
    assert_eq!(gateway.get("/fhir/Patient/p/_history/7").await["multipleBirthInteger"], 7);
    let history = gateway.get("/fhir/Patient/p/_history?_count=3").await;
    let tags: Vec<&Value> = history["entry"].as_array().unwrap().iter().map(|e| &e["response"]["etag"]).collect();
    assert_eq!(tags, ["W/\"21\"", "W/\"20\"", "W/\"19\""]);
    for path in ["/fhir/Patient/p/_history?_count=4", "/fhir/Patient/_history?_count=4", "/fhir/_history?_count=4"] {
        assert_eq!(gateway.all(path).await.len(), 21, "{path}");
    }
    let health = gateway.get("/health").await;
    assert_eq!(
        (&health["received"], &health["final"]["stored"], &health["applied"], &health["balanced"]),
        (&21.into(), &21.into(), &21.into(), &true.into())
    );
}

#[tokio::test]
async fn searches_find_include_and_page() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = open(dir.path());
    gateway.county();
    for (path, expected) in [
        ("/fhir/Patient?name=%E5%BC%A0", "Patient/p1"),
        ("/fhir/Patient?name=%E7%8E%8B", ""),
        ("/fhir/Patient?identifier=urn:mrn%7C1001", "Patient/p1"),
        ("/fhir/Patient?gender=female", "Patient/p2"),
        ("/fhir/Patient?birthdate=ge1975", "Patient/p2"),
        ("/fhir/Observation?patient=p1&code=http://loinc.org%7C2345-0&date=ge2026-09-03&_sort=date", "Observation/o4 Observation/o6"),
        ("/fhir/Observation?patient=p1&code=2345-1&_sort=-date&_count=2", "Observation/o7 Observation/o5 Observation/o3 Observation/o1"),
        ("/fhir/Observation?patient=p2", ""),
        ("/fhir/Observation?_id=o1,o2&_sort=_id", "Observation/o1 Observation/o2"),
        (
            "/fhir/Observation?_id=o1&_include=Observation:performer&_include=Observation:subject",
            "Observation/o1 Organization/lab include Patient/p1 include",
        ),
        ("/fhir/Observation?_id=o1&_revinclude=DiagnosticReport:result", "Observation/o1 DiagnosticReport/d1 include"),
        (
            "/fhir/Patient/p1/DiagnosticReport?_sort=_id&_count=4",
            "DiagnosticReport/d1 DiagnosticReport/d2 DiagnosticReport/d3 DiagnosticReport/d4 DiagnosticReport/d5 DiagnosticReport/d6 DiagnosticReport/d7",
        ),
        ("/fhir/Patient/p2/DiagnosticReport", ""),
    ] {
        let mut found = gateway.all(path).await;
        let matches = found.iter().take_while(|f| !f.contains(' ')).count();
        found[matches..].sort();
        assert_eq!(found.join(" "), expected, "{path}");
    }
    let bundle = gateway.get("/fhir/Observation?patient=p1&_count=0").await;
    assert_eq!((&bundle["total"], bundle.get("entry")), (&7.into(), None));
    let bundle = gateway.get("/fhir/Observation?_id=o3").await;
    assert!(bundle["entry"][0]["resource"].to_string().contains(r#""value":3.50"#), "digits as they were");
    assert_eq!(bundle["entry"][0]["resource"]["meta"]["versionId"], "1");
}

#[tokio::test]
async fn pages_neither_repeat_nor_shift_while_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = open(dir.path());
    gateway.county();
    let first = gateway.get("/fhir/Observation?patient=p1&_count=3&_sort=-date").await;
    let next = first["link"][1]["url"].as_str().unwrap().strip_prefix("http://gw:8080").unwrap().to_owned();
    gateway.message(&[(
        "Observation",
        "new",
        r#","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-09-01T00:00:00+08:00""#,
    )]);
    let rest = gateway.all(&next).await;
    assert_eq!(rest, ["Observation/o4", "Observation/o3", "Observation/o2", "Observation/o1"]);
    // the cursor is bound to its search
    let other = next.replace("patient=p1", "patient=p2");
    assert_eq!(send(&gateway.api, &format!("GET {other}"), &[], "").await.status(), 400);
    let altered = format!("{}0", &next[..next.len() - 1]);
    let status = send(&gateway.api, &format!("GET {altered}"), &[], "").await.status().as_u16();
    assert!(status == 400 || altered == next);
}

#[tokio::test]
async fn everything_is_the_whole_record_once() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = open(dir.path());
    gateway.county();
    for path in ["/fhir/Patient/p1/$everything", "/fhir/Patient/p1/$everything?_count=4"] {
        let found = gateway.all(path).await;
        let mut matches: Vec<&String> = found.iter().filter(|f| !f.contains(' ')).collect();
        matches.sort();
        matches.dedup();
        assert_eq!(matches.len(), 15, "{path}: the patient, 7 observations, 7 reports");
        assert!(found.contains(&"Organization/lab include".to_owned()));
        assert!(!found.iter().any(|f| f.contains("p2")));
    }
    let reports = gateway.all("/fhir/Patient/p1/$everything?_type=DiagnosticReport").await;
    assert_eq!(reports.len(), 7);
}

#[tokio::test]
async fn hostile_values_find_nothing_and_harm_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = open(dir.path());
    gateway.county();
    for value in ["'%20OR%201=1--", "%25", "_", "%22%3B%20DROP%20TABLE%20patient%3B--", "*", "%5C%5C", "%F0%9F%98%80", "a%5C%2Cb"] {
        let bundle = gateway.get(&format!("/fhir/Patient?name={value}")).await;
        assert_eq!(bundle["total"], 0, "{value}");
    }
    assert_eq!(gateway.all("/fhir/Patient?_sort=_id").await, ["Patient/p1", "Patient/p2"]);
}
