//! “基层检查、上级诊断” over real sockets: a township examines, the county hospital reads. The same figures by the command, the
//! API, ndjson, CSV, Excel, PDF and the page; counted anew from the journal; figures that people report.

mod activity;
mod county;
mod demo;
mod measures;
mod quarterly;
mod reported;

use std::io::Cursor;

use calamine::{Reader, Xlsx};
use county::County;
use hutong_tests::http::{self, get};
use serde_json::{Value, json};

/// Of the year: cases and persons of ALL4, cases of IMG5.
const ALL4: u64 = 3;
const PERSONS: u64 = 2;
const IMG5: u64 = 2;

fn figure<'v>(lines: &'v [Value], id: &str) -> &'v Value {
    lines.iter().find(|l| l["indicator"] == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn a_case_counts_once_and_everywhere_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    county.day();
    let period = county.quarter();

    // the line of the issue, by the command
    let lines = county.lines(&["indicators", "--period", &period]);
    let core = figure(&lines, "fj-core-06");
    assert_eq!((core["cases"].as_u64(), core["persons"].as_u64()), (Some(ALL4), Some(PERSONS)), "{core}");
    assert_eq!((&core["scopes"]["IMG5"]["cases"], &core["class"]), (&json!(IMG5), &json!("A")));
    assert_eq!((core["value"].to_string(), &core["unit"], &core["scope"]), ("0.0002".to_owned(), &json!("万人"), &json!("ALL4")));
    let excluded: Vec<(&str, u64)> = core["excluded"].as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_u64().unwrap())).collect();
    assert_eq!(excluded, [("same_institution", 1), ("test_data", 1), ("void", 1)], "{core}");
    let names = ["document", "period", "institution", "target", "definitionVersion", "journalPosition"];
    assert!(names.iter().all(|n| core.get(n).is_some()), "{core}");
    // what cannot be computed says why
    let missing = figure(&lines, "fj-core-10");
    assert!(missing["value"].is_null() && missing["missing"][0]["zh"].as_str().unwrap().contains("没有已审核的填报"), "{missing}");
    // three images and tracings on 742000 people: 2 * 10000 / 742000
    assert_eq!(figure(&lines, "mon-05-1")["value"].to_string(), "0.027");

    // the API gives the same lines; the journal stands where it stood
    let api = county.json(&format!("/admin/report/indicators?period={period}"));
    assert_eq!(api["indicators"].as_array().unwrap(), &lines);

    // down to the messages
    let cases = county.lines(&["indicators", "--period", &period, "--cases"]);
    assert_eq!(cases.len() as u64, ALL4, "{cases:?}");
    let report = cases[0]["report"]["receipt"].as_str().unwrap();
    let shown = county.journal(report);
    assert!(shown.contains("h1-ris"), "{shown}");
    assert_eq!(county.lines(&["indicators", "--period", &period, "--cases", "void"]).len(), 1);

    // counted anew
    let (code, said) = county.text(&["indicators", "--period", &period, "--recount"]);
    assert!(code == 0 && said.contains("equal to the unit"), "{said}");

    // the quarterly report in every form
    let (_, csv) = county.text(&["quarterly", "--period", &period, "--format", "csv"]);
    let township = csv.lines().find(|l| l.starts_with("永安镇卫生院,")).unwrap_or_else(|| panic!("{csv}"));
    assert_eq!(township.split(',').take(5).collect::<Vec<_>>(), ["永安镇卫生院", "T1", "3", "2", "2"], "{csv}");
    let ndjson = county.lines(&["quarterly", "--period", &period]);
    let row = ndjson.iter().find(|r| r["table"] == "institutions" && r["institution"] == "永安镇卫生院").unwrap();
    assert_eq!((&row["cases"], &row["persons"], &row["otherScopeCases"]), (&json!(ALL4), &json!(PERSONS), &json!(IMG5)));
    let rejected = ndjson.iter().find(|r| r["table"] == "quality" && r["centre"] == "Laboratory").unwrap();
    assert_eq!((&rejected["timed"], &rejected["inTime"]), (&json!(1), &json!(1)), "{rejected}");
    let excel = county.bytes(&["quarterly", "--period", &period, "--format", "xlsx"]);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(excel)).unwrap();
    let sheet = book.worksheet_range("Table 3. Examining institutions").unwrap();
    let cells: Vec<String> = sheet.rows().find(|r| r[0] == "永安镇卫生院").unwrap().iter().take(5).map(ToString::to_string).collect();
    assert_eq!(cells[1..], ["T1", "3", "2", "2"]);
    let pdf = county.pdf_text(&["quarterly", "--period", &period, "--format", "pdf"]);
    assert!(pdf.contains("清江县紧密型县域医共体"), "{pdf}");
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(pdf.contains("3 / 5 cases"), "{pdf}");
    assert!(pdf.lines().any(|l| squeezed(l).starts_with("Total 3 2 2")), "{pdf}");

    // the pages
    let page = county.page(&format!("/console?scope=ALL4&year={}&lang=en", county.year()));
    assert!(page.contains(&format!("data-live=\"ALL4.cases\">{ALL4}<")), "{page}");
    assert!(
        page.contains(&format!("data-live=\"ALL4.persons\">{PERSONS}<")) && page.contains(&format!("data-live=\"IMG5.cases\">{IMG5}<"))
    );
    let quarterly = county.page(&format!("/console/quarterly?period={period}&lang=en"));
    assert!(quarterly.contains("永安镇卫生院"), "{quarterly}");
    let list = county.page("/console/cases?lang=en");
    assert!(list.contains("<strong>3</strong>") && list.contains("秦**") && !list.contains("秦望舒"), "{list}");
    let link = list.split("/console/cases/").nth(1).and_then(|r| r.split('"').next()).unwrap();
    let detail = county.page(&format!("/console/cases/{link}?lang=en"));
    assert!(detail.contains("ORM^O01") && detail.contains("ORU^R01") && !detail.contains("秦望舒"), "{detail}");
}

#[test]
fn each_institution_sees_its_own_and_a_page_is_live() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    county.day();
    let period = county.quarter();
    let of = |token: &str, path: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        http::request(county.gateway.http, &head, &[])
    };
    let path = format!("/admin/report/indicators?period={period}&indicator=fj-core-06");
    let own = of("t1-token", &path).json();
    assert_eq!((&own["institution"], &own["indicators"][0]["cases"]), (&json!("T1"), &json!(ALL4)));
    let other = of("test-token", &format!("{path}&institution=T1")).json();
    assert_eq!((&other["institution"], &other["indicators"][0]["cases"]), (&json!("T2"), &json!(0)), "a token's own, whatever it asks for");
    let cases = of("test-token", &format!("/admin/report/cases?period={period}&outcome=all")).json();
    assert_eq!(cases["cases"], json!([]));
    assert_eq!(of("test-token", "/console/cases/0").status, 404);
    assert_eq!(of("t1-token", "/console/cases/0").status, 200);
    for (query, rule) in [("period=2026Q9", "period"), ("period=2026-11-22", "整月"), ("period=2026&outcome=moon", "outcome")] {
        let answer = get(county.gateway.http, &format!("/admin/report/cases?{query}"));
        assert!(answer.status == 422 && String::from_utf8_lossy(&answer.body).contains(rule), "{query}: {}", answer.status);
    }

    // what arrives is on the stream soon
    let mut events = county.events();
    let first = events.next();
    assert_eq!(first["figures"]["ALL4.cases"], json!(ALL4.to_string()), "{first}");
    county.case("O9", "BB04^胸部正侧位^L", "DR", 2);
    let begun = std::time::Instant::now();
    let next = events.next();
    assert!(begun.elapsed().as_secs_f64() < 5.0 && next["position"].as_u64() > first["position"].as_u64(), "{next}");
    let mut last = next;
    while last["figures"]["ALL4.cases"] != json!((ALL4 + 1).to_string()) {
        assert!(begun.elapsed().as_secs() < 10, "{last}");
        last = events.next();
    }

    // after a restart, and of the directory alone
    let live = county.lines(&["indicators", "--period", &period]);
    let (data, config) = (county.gateway.data.clone(), dir.path().join("data.toml"));
    drop(county);
    let out = hutong_tests::gateway::hutong()
        .args(["report", "indicators", "--period", &period, "--format", "ndjson", "--data"])
        .arg(&data)
        .arg("--config")
        .arg(&config)
        .output()
        .unwrap();
    let again: Vec<Value> = String::from_utf8(out.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(again, live, "{}", String::from_utf8_lossy(&out.stderr));
}
