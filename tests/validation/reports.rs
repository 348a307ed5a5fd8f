//! What `hutong validate` writes for other programs, by the shape that these programs read.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use hutong_tests::gateway::hutong;

const INPUT: &str = "{\"resourceType\":\"Patient\",\"id\":\"a\",\"gender\":\"male\"}\n{\"resourceType\":\"Patient\",\"id\":\"b\",\"gender\":\"<M>\",\"active\":\"yes\"}\n{\"resourceType\":\n";

fn validate(args: &[&str], input: &str) -> Output {
    run(hutong().arg("validate").args(args).arg("-"), input)
}

fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

#[test]
fn sarif_is_what_the_standard_asks_for() {
    let out = validate(&["--format", "sarif"], INPUT);
    assert_eq!(out.status.code(), Some(1));
    let sarif: serde_json::Value = serde_json::from_str(&text(&out)).unwrap();
    // SARIF 2.1.0 §3.13 to §3.27: what is required, and how results lead to rules and places
    assert_eq!((&sarif["version"], sarif["runs"].as_array().unwrap().len()), (&"2.1.0".into(), 1));
    let run = &sarif["runs"][0];
    assert_eq!((&run["tool"]["driver"]["name"], &run["columnKind"]), (&"hutong".into(), &"unicodeCodePoints".into()));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 3, "{sarif}");
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "stdin");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 2 && place["region"]["startColumn"].as_u64().unwrap() >= 1, "{result}");
    }
    let clean: serde_json::Value = serde_json::from_str(&text(&validate(&["--format", "sarif"], &INPUT[..52]))).unwrap();
    assert_eq!(clean["runs"][0]["results"].as_array().map(Vec::len), Some(0));
}

#[test]
fn junit_counts_and_escapes() {
    let out = text(&validate(&["--format", "junit"], INPUT));
    assert!(out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"), "{out}");
    assert!(out.contains("<testsuite name=\"-\" tests=\"3\" failures=\"2\" errors=\"0\" skipped=\"0\">"), "{out}");
    assert_eq!((out.matches("<testcase ").count(), out.matches("<failure ").count(), out.matches("</failure>").count()), (3, 2, 2));
    assert!(!out.contains("<M>"), "a value of the data is not in what CI systems keep");
    // well-formed, as far as a reader of XML that knows FHIR's only can tell: it stops at the namespace, not before
    let open = out.matches('<').count();
    assert_eq!(open, out.matches('>').count(), "{out}");
}

#[test]
fn outcomes_and_lines() {
    let outcomes = text(&validate(&["--format", "json"], INPUT));
    assert_eq!(outcomes.lines().count(), 3);
    for line in outcomes.lines() {
        assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap()["resourceType"], "OperationOutcome");
    }
    // a long stream: every line has its verdict, in order
    let many: String =
        (0..5_000).map(|n| format!("{{\"resourceType\":\"Patient\",\"id\":\"p{n}\",\"active\":{}}}\n", n % 7 != 0 || n == 0)).collect();
    let many = many.replace("\"id\":\"p4999\"", "\"id\":\"p 4999\"");
    let out = validate(&["--format", "ndjson"], &many);
    let lines: Vec<serde_json::Value> = text(&out).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((lines.len(), out.status.code()), (5_000, Some(1)));
    assert!(lines.iter().enumerate().all(|(n, l)| l["index"] == n && l["valid"] == (n != 4_999)), "{}", lines[4_999]);
}

#[test]
fn a_vendors_json_is_judged_by_its_contract() {
    let dir = tempfile::tempdir().unwrap();
    let contract = dir.path().join("contract.json");
    let schema = r#"{"type":"object","required":["order","items"],"properties":{"order":{"type":"string"},"items":{"type":"array","minItems":1,"items":{"type":"object","additionalProperties":false,"properties":{"code":{"type":"string","pattern":"^[0-9]+$"},"price":{"type":"number"}}}}}}"#;
    std::fs::write(&contract, schema).unwrap();
    let document = "{\"order\": \"1\",\n \"items\": [{\"code\": \"1\"},\n  {\"code\": \"x\", \"prise\": 3}]}";
    let out = run(hutong().arg("validate").arg("--schema").arg(&contract).args(["--format", "ndjson", "-"]), document);
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    let line: serde_json::Value = serde_json::from_str(&text(&out)).unwrap();
    let mut told: Vec<String> = line["issue"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| format!("{} {} {}", i["line"], i["expression"].as_str().unwrap(), i["rule"].as_str().unwrap()))
        .collect();
    told.sort();
    assert_eq!(told, ["3 /items/1/code schema.pattern", "3 /items/1/prise schema.additionalProperties"]);
    let good = "{\"order\":\"1\",\"items\":[{\"code\":\"1\",\"price\":1.50}]}";
    assert_eq!(run(hutong().arg("validate").arg("--schema").arg(&contract).arg("-"), good).status.code(), Some(0));
    std::fs::write(&contract, r#"{"$ref":"http://example.org/elsewhere.json"}"#).unwrap();
    let out = run(hutong().arg("validate").arg("--schema").arg(&contract).arg("-"), good);
    assert_eq!(out.status.code(), Some(2), "nothing is fetched");
}

/// The lines of the contract for scripts, judged by the schemas that are published for them.
#[test]
fn lines_are_of_the_published_form() {
    let dir = tempfile::tempdir().unwrap();
    let adt = hutong_tests::hl7::adt("C1", "700", "Wang^Wu");
    let message = String::from_utf8(adt).unwrap() + "PID|1\r";
    for (name, lines) in [
        ("validate-line", text(&validate(&["--format", "ndjson"], INPUT))),
        ("convert-line", text(&run(hutong().args(["convert", "--format", "ndjson", "-"]), &message))),
    ] {
        let schema = dir.path().join(name);
        std::fs::write(&schema, hutong().args(["schema", name]).output().unwrap().stdout).unwrap();
        // a form that the line is not of, so that the judge is known to judge
        let wrong = lines.replace("\"file\":", "\"fill\":");
        let judge = |lines: &str| run(hutong().arg("validate").arg("--schema").arg(&schema).arg("-"), lines);
        assert!(!lines.is_empty());
        assert_eq!(judge(&lines).status.code(), Some(0), "{name}: {}", text(&judge(&lines)));
        assert_eq!(judge(&wrong).status.code(), Some(1), "{name}");
    }
}
