//! The command line as scripts of others rely on it: fields of its lines and exit codes.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7::adt;

fn lines(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

fn with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn convert_gives_a_line_a_message() {
    let two = [adt("C1", "1", "A^B"), adt("C2", "2", "C^D")].concat();
    let out = with_input(hutong().args(["convert", "--format", "ndjson", "-"]), &two);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let lines = lines(&out);
    assert_eq!(lines.len(), 2);
    for (i, line) in lines.iter().enumerate() {
        assert_eq!((&line["index"], &line["messageType"]), (&i.into(), &"ADT^A04".into()), "{line}");
        let kinds: Vec<&str> =
            line["bundle"]["entry"].as_array().unwrap().iter().filter_map(|e| e["resource"]["resourceType"].as_str()).collect();
        assert!(kinds.contains(&"Patient") && kinds.contains(&"Encounter"), "{kinds:?}");
    }
}

#[test]
fn convert_of_what_cannot_be_read_says_so_and_exits_1() {
    let out = with_input(hutong().args(["convert", "--format", "ndjson", "-"]), b"PID|1\r");
    assert_eq!(out.status.code(), Some(1));
    let line = &lines(&out)[0];
    assert!(line["bundle"].is_null(), "{line}");
    let finding = &line["findings"][0];
    assert_eq!((&finding["severity"], &finding["code"]), (&"error".into(), &"hl7.no_msh".into()), "{line}");
}

#[test]
fn validate_judges_each_resource() {
    let good = br#"{"resourceType":"Patient","id":"a","gender":"male"}"#;
    let bad = br#"{"resourceType":"Patient","id":"b","gender":"M"}"#;
    let out = with_input(hutong().args(["validate", "--format", "ndjson", "-"]), &[&good[..], b"\n", bad].concat());
    assert_eq!(out.status.code(), Some(1));
    let lines = lines(&out);
    assert_eq!((&lines[0]["valid"], &lines[1]["valid"]), (&true.into(), &false.into()));
    let issue = &lines[1]["issue"][0];
    assert_eq!(
        (&issue["code"], &issue["expression"], &issue["line"]),
        (&"code-invalid".into(), &"Patient.gender".into(), &1.into()),
        "{issue}"
    );
    let out = with_input(hutong().args(["validate", "-"]), good);
    assert_eq!(out.status.code(), Some(0));
}

#[test]
fn send_tells_the_answer_and_the_journal_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let gateway = Gateway::start(&data);
    let to = format!("mllp://{}", gateway.mllp);
    let out = with_input(hutong().args(["send", "--format", "ndjson", "--to", &to, "-"]), &adt("C1", "1", "A^B"));
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stdout));
    let line = &lines(&out)[0];
    assert_eq!((&line["controlId"], &line["answer"]), (&"C1".into(), &"AA".into()), "{line}");
    let to = format!("http://{}", gateway.http);
    let out = with_input(hutong().args(["send", "--format", "ndjson", "--to", &to, "-"]), &adt("C1", "1", "A^B"));
    assert_eq!((out.status.code(), &lines(&out)[0]["answer"]), (Some(0), &"AA".into()), "the same over HTTP is a duplicate");
    assert_eq!(gateway.health()["final"]["duplicate"], 1);
    drop(gateway);
    let out = hutong().args(["journal", "verify"]).arg(&data).output().unwrap();
    let line = &lines(&out)[0];
    assert_eq!((out.status.code(), &line["ok"], &line["entries"]), (Some(0), &true.into(), &2.into()), "{line}");
    damage(&data.join("journal"));
    let out = hutong().args(["journal", "verify"]).arg(&data).output().unwrap();
    let line = &lines(&out)[0];
    assert_eq!((out.status.code(), &line["ok"], &line["at"]), (Some(2), &false.into(), &1.into()), "{line}");
}

/// Changes one byte of the first message's text.
fn damage(journal: &std::path::Path) {
    for file in std::fs::read_dir(journal).unwrap().flatten() {
        let mut bytes = std::fs::read(file.path()).unwrap_or_default();
        if let Some(at) = bytes.windows(6).position(|w| w == b"PID|1|") {
            bytes[at] = b'Q';
            std::fs::write(file.path(), bytes).unwrap();
            return;
        }
    }
    panic!("the message is not in the journal");
}

#[test]
fn the_demo_is_as_told() {
    let dir = tempfile::tempdir().unwrap();
    let out = hutong().args(["demo", "--once", "--format", "ndjson", "--data"]).arg(dir.path().join("demo")).output().unwrap();
    let lines = lines(&out);
    let wrong: Vec<&serde_json::Value> = lines.iter().filter(|l| l["ok"] == false).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let last = lines.last().unwrap();
    assert_eq!((out.status.code(), &last["failed"]), (Some(0), &0.into()), "{last}");
    assert!(last["steps"].as_u64().unwrap() >= 100, "{last}");
    for told in ["registries", "order-recognised", "card-accepted", "check-lapsed", "after-merge", "figure-saved", "counted-merged"] {
        assert!(lines.iter().any(|l| l["step"] == told), "{told} is not played");
    }
}

#[test]
fn init_writes_what_check_accepts() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("conf");
    assert_eq!(hutong().arg("init").arg(&conf).output().unwrap().status.code(), Some(0));
    let out = hutong().args(["check", "--config"]).arg(conf.join("hutong.toml")).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(hutong().arg("init").arg(&conf).output().unwrap().status.code(), Some(2), "init overwrote a configuration");
}
