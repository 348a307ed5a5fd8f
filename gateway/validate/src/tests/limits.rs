//! What hostile input may cost: each ends in a finding, in bounded time.

use super::*;
use hutong_fhir::Kind;
use std::time::{Duration, Instant};

/// Generous: a debug build on a loaded machine.
const TIME_MAX: Duration = Duration::from_secs(20);

fn timed(tree: &Tree) -> Vec<Finding> {
    let start = Instant::now();
    let findings = validator().validate(tree);
    assert!(start.elapsed() < TIME_MAX, "{:?}", start.elapsed());
    findings
}

#[test]
fn a_deep_tree_ends_in_a_finding() {
    let mut tree = Tree::resource("Patient");
    let mut at = 0;
    for _ in 0..10_000 {
        at = tree.add(at, Key::of("extension"), Kind::Object, true);
        tree.add_value(at, Key::of("url"), Kind::String, "http://x", false);
    }
    let findings = timed(&tree);
    assert_eq!(findings.iter().filter(|f| f.rule == "fhir.depth").count(), 1);
}

#[test]
fn many_findings_are_counted_not_listed() {
    let mut tree = Tree::resource("Patient");
    for _ in 0..5_000 {
        let name = tree.add(0, Key::of("name"), Kind::Object, true);
        tree.add_value(name, Key::of("use"), Kind::String, "x", false);
    }
    let findings = timed(&tree);
    assert_eq!(findings.len(), FINDINGS_MAX + 1);
    let last = findings.last().unwrap();
    assert_eq!(last.rule, "fhir.more");
    assert!(last.en.starts_with("4500 "), "{}", last.en);
}

#[test]
fn many_contained_resources_and_references_stay_linear() {
    let mut text = String::from(r#"{"resourceType":"List","status":"current","mode":"working","contained":["#);
    let count = 20_000;
    for i in 0..count {
        text.push_str(&format!(
            r##"{}{{"resourceType":"Basic","id":"b{i}","code":{{"text":"x"}},"subject":{{"reference":"#b{}"}}}}"##,
            if i > 0 { "," } else { "" },
            (i + 1) % count
        ));
    }
    text.push_str("],\"entry\":[");
    for i in 0..count {
        text.push_str(&format!(r##"{}{{"item":{{"reference":"#b{i}"}}}}"##, if i > 0 { "," } else { "" }));
    }
    text.push_str("]}");
    let (tree, _) = parse(&text);
    let findings = timed(&tree);
    assert_eq!(findings[0].rule, "fhir.contained.loop");
}

#[test]
fn a_large_bundle_and_a_long_narrative_pass() {
    let mut text = String::from(r#"{"resourceType":"Bundle","type":"collection","entry":["#);
    for i in 0..5_000 {
        let comma = if i > 0 { "," } else { "" };
        text.push_str(&format!(
            r#"{comma}{{"fullUrl":"http://x/Basic/{i}","resource":{{"resourceType":"Basic","id":"{i}","code":{{"text":"x"}},"subject":{{"reference":"http://x/Basic/{}"}}}}}}"#,
            (i + 1) % 5_000
        ));
    }
    text.push_str("]}");
    assert_eq!(timed(&parse(&text).0), []);
    let mut tree = Tree::resource("Basic");
    let code = tree.add(0, Key::of("code"), Kind::Object, false);
    tree.add_value(code, Key::of("text"), Kind::String, "x", false);
    let narrative = tree.add(0, Key::of("text"), Kind::Object, false);
    tree.add_value(narrative, Key::of("status"), Kind::String, "generated", false);
    let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", "<p>病程记录 &amp; x</p>".repeat(40_000));
    tree.add_value(narrative, Key::of("div"), Kind::String, &div, false);
    assert_eq!(timed(&tree), []);
}

#[test]
fn hostile_strings_are_read_once() {
    for (name, value) in [
        ("birthDate", "9".repeat(1_000_000)),
        ("id", "a".repeat(1_000_000)),
        ("language", "a-".repeat(500_000)),
        ("implicitRules", " ".repeat(1_000_000)),
    ] {
        let mut tree = Tree::resource("Patient");
        tree.add_value(0, Key::of(name), Kind::String, &value, false);
        let findings = timed(&tree);
        assert_eq!(findings.len(), 1, "{name}");
        assert!(findings[0].value.as_ref().is_some_and(|v| v.len() <= 200), "{name}");
    }
}
