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
    let page = county.page("/console/work?lang=en");
    let receipt = county.doubts()[0]["reportReceipt"].as_str().unwrap().to_owned();
    assert!(page.contains("May be one case") && page.contains(&receipt) && page.contains("order without report"), "{page}");
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

/// Three months ago, closed long since.
const LATE: &str = "
## late: two cases of two records
T1.HIS ORM^O01
PID|1||LA^^^T1^MR||赵望江||19500511|F
ORC 1=NW 2=LATE1 9={-144000}
OBR 1=1 2=LATE1 4=DR01^胸部正位^L 24=DR
T1.HIS ORU^R01
PID|1||LA^^^T1^MR||赵望江||19500511|F
OBR 1=1 2=LATE1 3=LR1 4=DR01^胸部正位^L 7={-143950} 22={-143900} 24=DR 25=F 32=801&段青^^^^^^H1
T1.HIS ORM^O01
PID|1||LB^^^T1^MR||孙听雨||19611102|M
ORC 1=NW 2=LATE2 9={-144000}
OBR 1=1 2=LATE2 4=CT01^胸部CT^L 24=CT
T1.HIS ORU^R01
PID|1||LB^^^T1^MR||孙听雨||19611102|M
OBR 1=1 2=LATE2 3=LR2 4=CT01^胸部CT^L 7={-143950} 22={-143900} 24=CT 25=F 32=801&段青^^^^^^H1
## merge
T1.HIS ADT^A40
EVN 1=A40 2={0}
PID|1||LA^^^T1^MR||赵望江||19500511|F
MRG 1=LB^^^T1^MR
## unmerge
T1.HIS ADT^A37
EVN 1=A37 2={0}
PID|1||LA^^^T1^MR||赵望江||19500511|F
PID|1||LB^^^T1^MR||孙听雨||19611102|M
## withdrawn
T1.HIS ORU^R01
PID|1||LA^^^T1^MR||赵望江||19500511|F
OBR 1=1 2=LATE1 3=LR1 4=DR01^胸部正位^L 7={-143950} 22={-10} 24=DR 25=X 32=801&段青^^^^^^H1
";

/// A closed quarter never changes silently: whatever comes late is in it at once, and is listed with its date and cause.
#[test]
fn a_closed_quarter_changes_by_dated_entries_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    let period = story::quarter(-143_900);
    let steps = story::read("late", LATE);
    // (cases, persons, adjustments by cause) after each step
    let mut seen = Vec::new();
    for story in &steps {
        county.tell(story);
        seen.push(county.late(&period));
    }
    for (file, tier) in [("as-county", "county"), ("as-before", "township")] {
        county.institutions(dir.path(), file, tier);
        seen.push(county.late(&period));
    }
    let expect = [
        (2, 2, vec![("message", 2, 0)]),
        (2, 1, vec![("message", 2, 0), ("persons", 0, 0)]),
        (2, 2, vec![("message", 2, 0), ("persons", 0, 0)]),
        (1, 1, vec![("message", 1, 1), ("persons", 0, 0)]),
        (0, 0, vec![("message", 1, 1), ("persons", 0, 0), ("institutions", -1, 1)]),
        (1, 1, vec![("message", 1, 1), ("persons", 0, 0), ("institutions", 0, 0)]),
    ];
    assert_eq!(seen, expect.map(|(cases, persons, by)| (cases, persons, by.into_iter().map(|(c, n, e)| (c.to_owned(), n, e)).collect())));
    let (code, said) = county.recount_of(&period);
    assert!(code == 0 && said.contains("equal to the unit"), "{said}");
}
