//! Packages: loaded at start and while the gateway runs; a bad one changes nothing and says why.

use std::process::Command;
use std::time::{Duration, Instant};

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7;
use hutong_tests::http::{get, post};
use hutong_tests::mllp::Sender;

use super::archive::{MANIFEST, PATIENT, profile, tgz};

const STRICT: &str = "http://example.org/StructureDefinition/strict";

fn package() -> Vec<u8> {
    tgz(&[("package/package.json", MANIFEST.as_bytes()), ("package/strict.json", profile("strict", PATIENT).as_bytes())])
}

fn hang_up(gateway: &Gateway) {
    assert!(Command::new("kill").args(["-HUP", &gateway.pid().to_string()]).status().unwrap().success());
}

/// Waits for a line of the log that holds `text`, `times` times.
fn logged(gateway: &Gateway, text: &str, times: usize) -> String {
    let started = Instant::now();
    loop {
        let log = gateway.log();
        if log.matches(text).count() >= times {
            return log;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "no {text} in {log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_loaded_while_it_runs_is_in_force_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (data, packages) = (dir.path().join("data"), dir.path().join("packages"));
    std::fs::create_dir_all(&packages).unwrap();
    let config = |profiles: &str| {
        format!("[profiles]\nload = [\"{}\"]\n[[source]]\nid = \"his\"\naddresses = [\"127.0.0.1/32\"]\n{profiles}", packages.display())
    };
    let gateway = Gateway::start_with(&data, Some(&config("")), &[]);
    let mut sender = Sender::connect(gateway.mllp);
    let held = |gateway: &Gateway| gateway.health()["final"]["held"].as_u64().unwrap();
    let patient = br#"{"resourceType":"Patient","gender":"male"}"#;
    let judged = |gateway: &Gateway| {
        let answer = post(gateway.http, &format!("/fhir/Patient/$validate?profile={STRICT}"), "application/fhir+json", patient);
        answer.json()["issue"].to_string()
    };
    assert!(!judged(&gateway).contains("birthDate"), "the profile is not known yet: {}", judged(&gateway));
    assert_eq!(get(gateway.http, &format!("/fhir/StructureDefinition?url={STRICT}")).json()["total"], 0);

    // a hostile package: nothing of it, and nothing beside it, comes into force
    for (round, (bad, why)) in [
        (tgz(&[("package/package.json", MANIFEST.as_bytes()), ("package/../../evil.json", b"{}")]), "package.path"),
        (tgz(&[("package/package.json", MANIFEST.as_bytes()), ("package/bomb.json", &vec![b' '; 48 << 20])]), "package."),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(packages.join("bad.tgz"), &bad).unwrap();
        std::fs::write(packages.join("good.tgz"), package()).unwrap();
        hang_up(&gateway);
        let log = logged(&gateway, "config.refused", round + 1);
        assert!(log.contains(why), "{why}: {log}");
        assert!(!judged(&gateway).contains("birthDate"), "{}", judged(&gateway));
        let check = hutong().args(["check", "--config"]).arg(data.with_extension("toml")).output().unwrap();
        assert_eq!(check.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&check.stderr).contains("bad.tgz"));
    }
    assert!(!dir.path().join("evil.json").exists() && !packages.join("evil.json").exists());

    std::fs::remove_file(packages.join("bad.tgz")).unwrap();
    hang_up(&gateway);
    let log = logged(&gateway, "config.reloaded", 1);
    assert!(log.contains("test.guide 1.0.0"), "{log}");
    assert!(judged(&gateway).contains("birthDate"), "{}", judged(&gateway));
    assert_eq!(get(gateway.http, &format!("/fhir/StructureDefinition?url={STRICT}")).json()["total"], 1);

    // imposed on a source: what does not meet it is held, what does is stored
    assert_eq!(hl7::code(&sender.send(&hl7::adt("C1", "700", "Wang^Wu")).unwrap()), "AA");
    assert_eq!(held(&gateway), 0);
    std::fs::write(data.with_extension("toml"), config(&format!("profiles = [\"{STRICT}\"]\n"))).unwrap();
    hang_up(&gateway);
    logged(&gateway, "config.reloaded", 2);
    let without = String::from_utf8(hl7::adt("C2", "701", "Wang^Wu")).unwrap().replace("19700101", "");
    assert_eq!(hl7::code(&sender.send(without.as_bytes()).unwrap()), "AA", "held is accepted");
    assert_eq!(held(&gateway), 1);
    assert_eq!(hl7::code(&sender.send(&hl7::adt("C3", "702", "Wang^Wu")).unwrap()), "AA");
    assert_eq!(held(&gateway), 1);
    assert_eq!(gateway.health()["final"]["stored"], 2);
}

#[test]
fn a_configuration_is_judged_with_lines_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hutong.toml");
    for (text, expected) in [
        ("[profiles]\nlaod = []\n", "hutong.toml:2:1: profiles.laod: there is no 'laod'; was 'load' meant?"),
        ("[[source]]\nid = \"a\"\naddresses = [\"127.0.0.1/32\"]\nprofiles = [\"http://x/none\"]\n", "a: http://x/none"),
        ("[profiles]\nload = [\"/nowhere/x.tgz\"]\n", "/nowhere/x.tgz"),
    ] {
        std::fs::write(&path, text).unwrap();
        let out = hutong().args(["check", "--config"]).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code().is_some_and(|c| c != 0) && said.contains(expected), "{said}");
    }
}

#[test]
fn tables_of_codes_come_in_the_charset_of_older_systems() {
    let dir = tempfile::tempdir().unwrap();
    // code and display "1 男" in GB18030
    std::fs::write(dir.path().join("sex.csv"), b"code,display\n1,\xc4\xd0\n").unwrap();
    std::fs::write(dir.path().join("sex.csv.keys"), "#url\thttp://example.org/sex\n").unwrap();
    let config = format!("[profiles]\nload = [\"{}\"]\n", dir.path().join("sex.csv").display());
    let gateway = Gateway::start_with(&dir.path().join("data"), Some(&config), &[]);
    let found = get(gateway.http, "/fhir/CodeSystem/$lookup?system=http://example.org/sex&code=1").json();
    assert!(found.to_string().contains("男"), "{found}");
}
