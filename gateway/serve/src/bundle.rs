//! Bundles by concatenation: bodies go from the store to the answer as the bytes they are.
//!
//! Reading and writing a page of 50 resources again would cost more than finding them.

use hutong_fhir::json::escape;

use crate::time;

/// Why an entry is in a search result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Match,
    Include,
    Outcome,
}

/// A Bundle that is being written.
pub(crate) struct Bundle {
    out: Vec<u8>,
    entries: usize,
}

/// What one entry of a history says beside the resource.
pub(crate) struct Change<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
    pub(crate) version: u64,
    pub(crate) last_updated_us: i64,
    pub(crate) deleted: bool,
    pub(crate) body: &'a [u8],
}

impl Bundle {
    /// `links` are relation and absolute URL. `bytes` is a guess of the size.
    pub(crate) fn new(kind: &str, total: Option<u64>, links: &[(&str, &str)], bytes: usize) -> Bundle {
        let mut out = Vec::with_capacity(bytes + 512);
        out.extend_from_slice(br#"{"resourceType":"Bundle","type":""#);
        out.extend_from_slice(kind.as_bytes());
        out.push(b'"');
        if let Some(total) = total {
            out.extend_from_slice(br#","total":"#);
            out.extend_from_slice(total.to_string().as_bytes());
        }
        for (i, (relation, url)) in links.iter().enumerate() {
            out.extend_from_slice(if i == 0 { br#","link":[{"relation":""# } else { br#",{"relation":""# });
            out.extend_from_slice(relation.as_bytes());
            out.extend_from_slice(br#"","url":""#);
            escape(url, &mut out);
            out.extend_from_slice(br#""}"#);
        }
        if !links.is_empty() {
            out.push(b']');
        }
        Bundle { out, entries: 0 }
    }

    fn open(&mut self) {
        self.out.extend_from_slice(if self.entries == 0 { br#","entry":[{"# } else { b",{" });
        self.entries += 1;
    }

    fn full_url(&mut self, base: &str, kind: &str, id: &str) {
        self.out.extend_from_slice(br#""fullUrl":""#);
        escape(base, &mut self.out);
        for part in [kind, id] {
            self.out.push(b'/');
            escape(part, &mut self.out);
        }
        self.out.push(b'"');
    }

    /// One resource of a search result. `body` is JSON as stored.
    pub(crate) fn found(&mut self, base: &str, kind: &str, id: &str, body: &[u8], mode: Mode) {
        self.open();
        if mode != Mode::Outcome {
            self.full_url(base, kind, id);
            self.out.push(b',');
        }
        self.out.extend_from_slice(br#""resource":"#);
        self.out.extend_from_slice(body);
        self.out.extend_from_slice(match mode {
            Mode::Match => br#","search":{"mode":"match"}}"#,
            Mode::Include => br#","search":{"mode":"include"}}"#,
            Mode::Outcome => br#","search":{"mode":"outcome"}}"#,
        });
    }

    /// One answer of `$match`.
    pub(crate) fn matched(&mut self, base: &str, id: &str, body: &[u8], grade: &str, score: f64) {
        self.open();
        self.full_url(base, "Patient", id);
        self.out.extend_from_slice(br#","resource":"#);
        self.out.extend_from_slice(body);
        let text = format!(
            r#","search":{{"extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/match-grade","valueCode":"{grade}"}}],"mode":"match","score":{:.3}}}}}"#,
            score.clamp(0.0, 1.0)
        );
        self.out.extend_from_slice(text.as_bytes());
    }

    /// One version of a history (<https://hl7.org/fhir/R4/http.html#history>). The ids are the gateway's own, made before
    /// the first version, so that also the first is a PUT.
    pub(crate) fn changed(&mut self, base: &str, change: &Change<'_>) {
        self.open();
        self.full_url(base, change.kind, change.id);
        if !change.deleted {
            self.out.extend_from_slice(br#","resource":"#);
            self.out.extend_from_slice(change.body);
        }
        let (method, status) = match (change.deleted, change.version) {
            (true, _) => ("DELETE", "204"),
            (false, 1) => ("PUT", "201"),
            (false, _) => ("PUT", "200"),
        };
        let text = format!(
            r#","request":{{"method":"{method}","url":"{}/{}"}},"response":{{"status":"{status}","etag":"W/\"{}\"","lastModified":"{}"}}}}"#,
            change.kind,
            change.id,
            change.version,
            time::instant(change.last_updated_us)
        );
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(if self.entries > 0 { b"]}" } else { b"}" });
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_json() {
        let empty = Bundle::new("searchset", Some(0), &[("self", "http://h/fhir/Patient?name=\"")], 0).finish();
        let json: serde_json::Value = serde_json::from_slice(&empty).unwrap();
        assert_eq!(json["total"].to_string(), "0");
        assert_eq!(json["link"][0]["url"], "http://h/fhir/Patient?name=\"");
        assert!(json.get("entry").is_none(), "FHIR forbids empty arrays");

        let mut bundle = Bundle::new("history", None, &[("self", "u"), ("next", "v")], 0);
        let body: &[u8] = br#"{"resourceType":"Patient","id":"a","x":1.50}"#;
        let mut change = Change { kind: "Patient", id: "a", version: 2, last_updated_us: 0, deleted: true, body: b"" };
        bundle.changed("http://h/fhir", &change);
        change = Change { version: 1, deleted: false, body, ..change };
        bundle.changed("http://h/fhir", &change);
        bundle.found("http://h/fhir", "Patient", "a", body, Mode::Include);
        bundle.found("", "", "", b"{}", Mode::Outcome);
        let bytes = bundle.finish();
        assert!(bytes.windows(body.len()).any(|w| w == body), "the body is not touched");
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let entries = json["entry"].as_array().unwrap();
        assert_eq!(entries.len(), 4);
        assert_eq!((&entries[0]["request"]["method"], entries[0].get("resource")), (&"DELETE".into(), None));
        assert_eq!(entries[1]["response"]["status"], "201");
        assert_eq!(entries[1]["response"]["etag"], "W/\"1\"");
        assert_eq!(entries[1]["fullUrl"], "http://h/fhir/Patient/a");
        assert_eq!(entries[2]["search"]["mode"], "include");
        assert!(entries[3].get("fullUrl").is_none());
    }
}
