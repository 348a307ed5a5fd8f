//! Decodes every file under a directory and tells what was found: `cargo run -p hutong-decode --example corpus -- DIR`.
//! With `--show RULE`, the places of one rule.

// a developer's tool: it prints, and it may stop
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hutong_decode::charset;
use hutong_decode::v2::{self, Grammar, Item, Limits, PartKind};
use hutong_fhir::Finding;

fn files(at: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "hl7" || e == "txt") {
            found.push(path);
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("a directory");
    let show = arguments.nth(1);
    let mut paths = Vec::new();
    files(Path::new(&directory), &mut paths);
    paths.sort();
    let mut rules: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut charsets: BTreeMap<String, usize> = BTreeMap::new();
    let (mut messages, mut flat, mut segments, mut slowest) = (0, 0, 0, (0, PathBuf::new()));
    for path in &paths {
        let raw = std::fs::read(path).unwrap();
        let start = Instant::now();
        let mut told: Vec<(Finding, String)> = Vec::new();
        match charset::decode(&raw, None) {
            Err(finding) => told.push((finding, String::new())),
            Ok(text) => {
                *charsets.entry(format!("{:?}", text.charset)).or_default() += 1;
                told.extend(text.findings.into_iter().map(|f| (f, String::new())));
                for part in v2::split_batch(&text.text) {
                    told.extend(part.findings.iter().cloned().map(|f| (f, String::new())));
                    if part.kind != PartKind::Message {
                        continue;
                    }
                    messages += 1;
                    let parsed = v2::parse(part.text, &Limits::default());
                    let message = parsed.message;
                    let arrangement = v2::arrange(&message, Grammar::get());
                    flat += usize::from(arrangement.structure.is_none());
                    segments += message.segment_count();
                    let grouped: usize = arrangement.groups().map(|g| g.segments().count()).sum();
                    assert_eq!(grouped, message.segment_count());
                    for segment in message.iter() {
                        for n in 1..=segment.field_count() {
                            for repetition in segment.field(n).repetitions() {
                                for component in repetition.components() {
                                    for value in component.subcomponents() {
                                        assert!(!value.text().contains('\u{FFFD}'));
                                    }
                                }
                            }
                        }
                    }
                    let kind = message.header().map(|m| m.field(9).raw().to_owned()).unwrap_or_default();
                    let shape = format!("{kind}: {}", shape(&arrangement.root(), &message));
                    let all =
                        parsed.findings.into_iter().chain(v2::check_header(&message, Grammar::get(), None)).chain(arrangement.findings);
                    told.extend(all.map(|f| (f, shape.clone())));
                }
            }
        }
        let took = start.elapsed().as_micros();
        if took > slowest.0 {
            slowest = (took, path.clone());
        }
        for (finding, shape) in told {
            if show.as_deref() == Some(&*finding.rule) {
                println!("{}\n  {} {:?} {}\n  {shape}", path.display(), finding.location, finding.value, finding.en);
            }
            *rules.entry((format!("{:?}", finding.severity), finding.rule.to_string())).or_default() += 1;
        }
    }
    println!("{} files, {messages} messages ({flat} without a structure), {segments} segments, slowest {slowest:?} µs", paths.len());
    println!("{charsets:?}");
    for ((severity, rule), count) in rules {
        println!("{count:6} {severity:12} {rule}");
    }
}

fn shape(group: &v2::GroupRef<'_>, message: &v2::Message<'_>) -> String {
    let items: Vec<_> = group
        .items()
        .map(|item| match item {
            Item::Segment(i) => message.segment(i).unwrap().name().to_owned(),
            Item::Group(inner) => format!("{}({})", inner.name(), shape(&inner, message)),
        })
        .collect();
    items.join(" ")
}
