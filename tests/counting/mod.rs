//! What messages of real dialects come to: each story in `stories/` is told over MLLP to one county and says what becomes of its
//! reports, what is left without its other half, and what somebody has to decide.

mod county;
mod story;

use std::collections::BTreeMap;

use county::County;
use serde_json::{Value, json};
use story::{Line, Story};

const STORIES: [(&str, &str); 4] = [
    ("joining", include_str!("stories/joining.txt")),
    ("places", include_str!("stories/places.txt")),
    ("changes", include_str!("stories/changes.txt")),
    ("scope", include_str!("stories/scope.txt")),
];

#[test]
fn every_story_ends_as_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    let only = std::env::var("STORY").unwrap_or_default();
    let all: Vec<Story> = STORIES.iter().flat_map(|(file, text)| story::read(file, text)).filter(|s| s.name().contains(&only)).collect();
    let receipts: Vec<Vec<String>> = all.iter().map(|story| county.tell(story)).collect();
    let told = Told::of(&county);
    let mut wrong = Vec::new();
    for (story, receipts) in all.iter().zip(&receipts) {
        let found = told.of_story(receipts);
        if found != story.expect {
            let lines = |all: &[String]| all.iter().map(|l| format!("\n    {l}")).collect::<String>();
            wrong.push(format!("{}\n  expected{}\n  found{}", story.name(), lines(&story.expect), lines(&found)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} stories:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    let (code, said) = county.recount();
    assert!(code == 0 && said.contains("equal to the unit"), "{said}");
}

/// Order and report without a common number: a Task that a person finds, and that ends with what he or she decides.
#[test]
fn a_doubt_is_a_work_item_until_it_is_decided() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    let of_doubts = |s: &Story| s.expect.iter().any(|l| l.starts_with('~'));
    let all: Vec<Story> = STORIES.iter().flat_map(|(file, text)| story::read(file, text)).filter(of_doubts).collect();
    all.iter().for_each(|story| drop(county.tell(story)));
    let open = "/fhir/Task?code=case-join&status=requested";
    let tasks = county.until(open, |found| found["total"].as_u64() == Some(all.len() as u64));
    let task = &tasks["entry"][0]["resource"];
    let is_known = |what: &Value, kind: &str| what["reference"].as_str().is_some_and(|r| r.starts_with(kind));
    assert!(is_known(&task["for"], "Patient/") && is_known(&task["focus"], "DiagnosticReport/"), "{task}");
    assert!(is_known(&task["basedOn"][0], "ServiceRequest/"), "{task}");
    let doubts = county.doubts();
    assert!(doubts.iter().all(|d| d["task"].as_str().is_some_and(|t| t.starts_with("Task/"))), "{doubts:?}");
    // one is joined, the next kept apart
    for (doubt, (what, status, business)) in doubts.iter().zip([("join", "completed", "joined"), ("apart", "completed", "apart")]) {
        county.decide(what, doubt);
        let path = format!("/fhir/{}", doubt["task"].as_str().unwrap());
        let ended = county.until(&path, |task| task["status"] != "requested");
        assert_eq!((&ended["status"], &ended["businessStatus"]["text"]), (&json!(status), &json!(business)), "{ended}");
        assert!(ended["output"][0]["valueString"] == "质控员" && ended["for"].is_object(), "the rest stays: {ended}");
    }
    county.until(open, |found| found["total"].as_u64() == Some(all.len() as u64 - 2));
    let left = county.doubts();
    assert_eq!(left.len(), all.len() - 2);
    county.restart();
    let again = county.doubts();
    assert_eq!(again, left, "after a restart they are the same");
}

/// What the gateway says of all that was told, by the receipt of the message it was read from.
struct Told {
    reports: BTreeMap<String, Vec<String>>,
    orphans: BTreeMap<String, Vec<String>>,
    doubts: BTreeMap<String, Vec<String>>,
}

impl Told {
    fn of(county: &County) -> Told {
        let mut told = Told { reports: BTreeMap::new(), orphans: BTreeMap::new(), doubts: BTreeMap::new() };
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        for case in county.cases() {
            let checkup = if case["checkup"] == true { " checkup" } else { "" };
            let critical = if case["critical"] == true { " critical" } else { "" };
            let line = Line::Report.text(&format!(
                "{} {} {} {}{checkup}{critical}",
                text(&case["exam"]),
                text(&case["read"]),
                text(&case["modality"]),
                text(&case["outcome"])
            ));
            told.reports.entry(text(&case["report"]["receipt"])).or_default().push(line);
        }
        for orphan in county.orphans() {
            let line = Line::Orphan.text(&format!("{} {}", text(&orphan["institution"]), text(&orphan["lack"])));
            told.orphans.entry(text(&orphan["receipt"])).or_default().push(line);
        }
        for doubt in county.doubts() {
            let line = Line::Doubt.text(&doubt["confidence"].to_string());
            told.doubts.entry(text(&doubt["reportReceipt"])).or_default().push(line);
        }
        told
    }

    fn of_story(&self, receipts: &[String]) -> Vec<String> {
        let all = [&self.reports, &self.orphans, &self.doubts];
        let mut found: Vec<String> = all.iter().flat_map(|of| receipts.iter().filter_map(|r| of.get(r))).flatten().cloned().collect();
        found.sort();
        found
    }
}
