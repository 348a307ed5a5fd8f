//! House rules that a machine can hold.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All tracked-looking files below the root: what a build or a run leaves behind is not ours to judge.
fn files(ending: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() {
                if !["target", ".git", "data", "node_modules"].contains(&name.as_str()) {
                    open.push(path);
                }
            } else if ending.iter().any(|e| name.ends_with(e)) {
                let shown = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((shown, std::fs::read_to_string(&path).unwrap_or_default()));
            }
        }
    }
    found
}

#[test]
fn pure_crates_name_no_runtime_file_or_clock_crate() {
    for name in ["fhir", "decode", "map", "terminology", "identify", "enforce", "count", "validate", "audit"] {
        let text = std::fs::read_to_string(root().join("gateway").join(name).join("Cargo.toml")).unwrap();
        let dependencies = text.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        for banned in ["tokio", "hyper", "rusqlite", "rustix", "tempfile", "jiff", "chrono", "walkdir"] {
            assert!(!dependencies.lines().any(|l| l.starts_with(banned)), "{name} is pure and must not depend on {banned}");
        }
        for (path, text) in files(&[".rs"]) {
            if path.starts_with(&format!("gateway/{name}/src")) {
                let code = text.split("#[cfg(test)]").next().unwrap();
                for banned in ["std::fs", "std::net", "SystemTime", "Instant::now"] {
                    let of_tests = path.ends_with("tests.rs") || path.contains("/tests/");
                    assert!(!code.contains(banned) || of_tests, "{path} is pure and must not use {banned}");
                }
            }
        }
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for (path, text) in files(&[".rs"]) {
        assert!(text.starts_with("//!"), "{path} does not open with a module doc");
    }
}

#[test]
fn no_file_grows_past_700_lines() {
    for (path, text) in files(&[".rs"]) {
        let lines = text.lines().count();
        assert!(lines <= 700, "{path} has {lines} lines: cut it where its parts part");
    }
}

#[test]
fn nothing_is_left_undone_or_tied_to_a_machine() {
    let undone = ["TO", "FIX", "XX"].map(|s| {
        s.to_owned()
            + if s == "TO" {
                "DO"
            } else if s == "FIX" {
                "ME"
            } else {
                "X"
            }
    });
    for (path, text) in files(&[".rs", ".md", ".toml", ".hmap", ".sh"]) {
        for mark in &undone {
            assert!(!text.contains(mark.as_str()), "{path} holds {mark}");
        }
        for place in ["/work/", "/root/", "/home/", "/tmp/t/"] {
            assert!(!text.contains(place) || path.starts_with("tests/tidy"), "{path} names a machine's path: {place}");
        }
    }
}

#[test]
fn limits_stand_in_one_file() {
    let text = std::fs::read_to_string(root().join("gateway/wire/src/limits.rs")).unwrap();
    for name in ["message_bytes", "json_depth", "search_count", "hl7_segments", "connections"] {
        assert!(text.contains(name), "limits.rs does not hold {name}");
    }
}
