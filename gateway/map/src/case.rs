//! Cases: one file with a message, the resources it becomes, and the findings.
//!
//! Sections begin with a line `--- NAME`: `message` (a segment a line), `site` (names, one a line; optional),
//! `resources` (a JSON array; the order of keys does not matter), `findings` (`severity rule location` a line). A section
//! that is not there is not compared; running with update writes both.

use hutong_decode::v2::{Grammar, Limits, arrange, parse};
use hutong_fhir::NodeRef;
use hutong_fhir::json::{self, JsonLimits};
use std::fmt::Write as _;

use crate::{CHINA_ZONE_MINUTES, Context, Mapped, Mappings};

/// The namespace that cases are run under.
pub const NAMESPACE: &str = "case";

/// A case as read.
pub struct Case<'t> {
    /// What stands before the first section, kept as it is.
    preamble: &'t str,
    message: &'t str,
    sites: Vec<String>,
    resources: Option<&'t str>,
    findings: Option<&'t str>,
}

/// What running a case gave.
pub struct Outcome {
    /// What is not as the file says, a line each; empty: the case holds.
    pub differences: Vec<String>,
    /// The file as it would have to be.
    pub updated: String,
}

/// Reads a case; the error says what keeps it from being one, in Chinese and English.
pub fn read(text: &str) -> Result<Case<'_>, (String, String)> {
    let mut case = Case { preamble: "", message: "", sites: Vec::new(), resources: None, findings: None };
    let Some(at) = section_start(text, 0) else {
        return Err(("没有 `--- message` 一节".into(), "there is no section `--- message`".into()));
    };
    let (preamble, mut rest) = text.split_at(at);
    case.preamble = preamble;
    while !rest.is_empty() {
        let (head, tail) = rest.split_once('\n').unwrap_or((rest, ""));
        let end = section_start(tail, 0).unwrap_or(tail.len());
        let (body, next) = tail.split_at(end);
        match head.trim_start_matches("---").trim() {
            "message" => case.message = body,
            "site" => case.sites = body.split_whitespace().map(str::to_owned).collect(),
            "resources" => case.resources = Some(body),
            "findings" => case.findings = Some(body),
            other => return Err((format!("没有名为 `{other}` 的节"), format!("there is no section named `{other}`"))),
        }
        rest = next;
    }
    if case.message.trim().is_empty() {
        return Err(("`--- message` 一节是空的".into(), "the section `--- message` is empty".into()));
    }
    Ok(case)
}

fn section_start(text: &str, from: usize) -> Option<usize> {
    let tail = text.get(from..)?;
    if tail.starts_with("--- ") {
        return Some(from);
    }
    tail.find("\n--- ").map(|at| from + at + 1)
}

impl Case<'_> {
    pub fn sites(&self) -> &[String] {
        &self.sites
    }

    /// The sections `resources` and `findings` as written, where there are any.
    pub fn expected(&self) -> (Option<&str>, Option<&str>) {
        (self.resources, self.findings)
    }

    /// The message with segments separated as HL7 wants it.
    pub fn message(&self) -> String {
        self.message.trim().lines().collect::<Vec<_>>().join("\r")
    }

    /// Maps the message and compares.
    pub fn run(&self, mappings: &Mappings) -> Outcome {
        let text = self.message();
        let parsed = parse(&text, &Limits::default());
        let arrangement = arrange(&parsed.message, Grammar::get());
        let context = Context { namespace: NAMESPACE, zone_minutes: CHINA_ZONE_MINUTES, sites: &self.sites };
        let mapped = mappings.apply(&parsed.message, &arrangement, &context);
        let (resources, findings) = (resources_text(&mapped), findings_text(&mapped));
        let mut differences = Vec::new();
        if let Some(expected) = self.resources {
            compare_resources(expected, &resources, &mut differences);
        }
        if let Some(expected) = self.findings {
            compare_lines(expected, &findings, &mut differences);
        }
        let mut updated = format!("{}--- message\n{}\n", self.preamble, self.message.trim_end());
        if !self.sites.is_empty() {
            let _ = write!(updated, "--- site\n{}\n", self.sites.join("\n"));
        }
        let _ = write!(updated, "--- resources\n{resources}--- findings\n{findings}");
        Outcome { differences, updated }
    }
}

fn resources_text(mapped: &Mapped) -> String {
    let mut out = Vec::new();
    out.extend_from_slice(b"[");
    for (i, r) in mapped.resources.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"\n" } else { b",\n" });
        json::write_pretty(r.tree.root(), &mut out);
    }
    out.extend_from_slice(b"\n]\n");
    String::from_utf8(out).unwrap_or_default()
}

fn findings_text(mapped: &Mapped) -> String {
    let mut out = String::new();
    for f in &mapped.findings {
        let _ = writeln!(out, "{} {} {}", f.severity.as_str(), f.rule, f.location);
    }
    out
}

fn compare_lines(expected: &str, got: &str, out: &mut Vec<String>) {
    let lines = |t: &str| -> Vec<String> { t.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect() };
    let (expected, got) = (lines(expected), lines(got));
    out.extend(expected.iter().filter(|l| !got.contains(l)).map(|l| format!("- finding {l}")));
    out.extend(got.iter().filter(|l| !expected.contains(l)).map(|l| format!("+ finding {l}")));
}

fn compare_resources(expected: &str, got: &str, out: &mut Vec<String>) {
    // an object around the array, because FHIR's JSON begins with an object
    let wrap = |t: &str| json::parse(format!("{{\"entry\":{t}}}").as_bytes(), &JsonLimits::default()).map(|(tree, _)| tree);
    let (Ok(a), Ok(b)) = (wrap(expected.trim()), wrap(got.trim())) else {
        out.push("the section `resources` is no readable JSON array".to_owned());
        return;
    };
    let list = |t: NodeRef<'_>| t.children().map(|c| c.id()).collect::<Vec<_>>();
    let (x, y) = (list(a.root()), list(b.root()));
    for i in 0..x.len().max(y.len()) {
        match (x.get(i), y.get(i)) {
            (Some(p), Some(q)) => {
                let (p, q) = (a.node(*p), b.node(*q));
                let name = q.resource_type().unwrap_or("?");
                compare(p, q, &format!("[{i}] {name}"), out);
            }
            (Some(p), None) => out.push(format!("- [{i}] {} is missing", a.node(*p).resource_type().unwrap_or("?"))),
            (None, Some(q)) => out.push(format!("+ [{i}] {} is not expected", b.node(*q).resource_type().unwrap_or("?"))),
            (None, None) => {}
        }
    }
}

/// Differences of two elements. Their depth is limited by the JSON reader.
fn compare(a: NodeRef<'_>, b: NodeRef<'_>, path: &str, out: &mut Vec<String>) {
    if a.kind() != b.kind() || a.value() != b.value() {
        let show = |n: NodeRef<'_>| n.value().map_or_else(|| format!("{:?}", n.kind()), |v| format!("`{v}`"));
        out.push(format!("{path}: {} was expected, {} is there", show(a), show(b)));
    }
    let mut names: Vec<&str> = a.children().map(NodeRef::name).collect();
    for c in b.children() {
        if !names.contains(&c.name()) {
            names.push(c.name());
        }
    }
    names.dedup();
    for name in names {
        let of = |n: NodeRef<'_>| n.children().filter(|c| c.name() == name).map(|c| c.id()).collect::<Vec<_>>();
        let (x, y) = (of(a), of(b));
        for i in 0..x.len().max(y.len()) {
            let place = if x.len().max(y.len()) > 1 { format!("{path}.{name}[{i}]") } else { format!("{path}.{name}") };
            match (x.get(i), y.get(i)) {
                (Some(p), Some(q)) => compare(a.tree().node(*p), b.tree().node(*q), &place, out),
                (Some(_), None) => out.push(format!("- {place} is missing")),
                (None, Some(q)) => out.push(format!("+ {place} is not expected: {}", b.tree().node(*q).value().unwrap_or("…"))),
                (None, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::load;

    const MAP: &str =
        "map t(PID) -> Patient\nidentity = PID-3.1\ngender = code(PID-8)\nbirthDate = date(PID-7)\nmessage ADT^A01\np = t(PID)\n";
    const MESSAGE: &str = "# why\n--- message\nMSH|^~\\&|A|B|||2020||ADT^A01|1|P|2.5\nPID|1||7||||2020|male\n";

    #[test]
    fn a_case_that_is_updated_holds() {
        let m = load(&[("a.hmap", MAP)]).unwrap();
        let first = read(MESSAGE).unwrap().run(&m);
        assert!(first.differences.is_empty(), "nothing was expected");
        let second = read(&first.updated).unwrap().run(&m);
        assert_eq!(second.differences, Vec::<String>::new());
        assert_eq!(second.updated, first.updated);
        assert!(first.updated.starts_with(MESSAGE));
        // the order of keys does not matter
        let swapped = first
            .updated
            .replace("  \"gender\": \"male\",\n  \"birthDate\": \"2020\"", "  \"birthDate\": \"2020\",\n  \"gender\": \"male\"");
        assert_ne!(swapped, first.updated);
        assert_eq!(read(&swapped).unwrap().run(&m).differences, Vec::<String>::new());
    }

    #[test]
    fn differences_name_the_element() {
        let m = load(&[("a.hmap", MAP)]).unwrap();
        let right = read(MESSAGE).unwrap().run(&m).updated;
        for (from, to, expect) in [
            ("male", "female", "[0] Patient.gender: `female` was expected, `male` is there"),
            ("\"gender\": \"male\",", "", "+ [0] Patient.gender is not expected: male"),
            ("--- findings\n", "--- findings\nerror x\n", "- finding error x"),
        ] {
            let (message, rest) = right.split_at(right.find("--- resources").unwrap());
            let wrong = format!("{message}{}", rest.replace(from, to));
            assert_eq!(read(&wrong).unwrap().run(&m).differences, [expect]);
        }
    }

    #[test]
    fn what_is_no_case() {
        for text in ["", "MSH|", "--- message\n", "--- message\nMSH|\n--- result\n"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
