//! Figures that people report: handed in with evidence, approved by a second person, corrected as a new version.

use super::county::County;
use super::figure;
use hutong_tests::gateway::hutong;
use hutong_tests::http::post;
use serde_json::{Value, json};

fn run(county: &County, args: &[&str]) -> (i32, String) {
    let out = hutong().args(args).args(["--to", &county.to()]).output().unwrap();
    (out.status.code().unwrap(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

#[test]
fn reported_figures_need_evidence_and_a_second_person() {
    let dir = tempfile::tempdir().unwrap();
    let county = County::start(dir.path());
    let year = (county.year().parse::<u32>().unwrap() - 1).to_string();
    let (evidence, form) = (dir.path().join("签约统计.pdf"), dir.path().join("form.csv"));
    std::fs::write(&evidence, b"%PDF of nothing").unwrap();
    let head = "指标或数据项,统计期,机构,数值,单位,依据文件,SHA-256,备注\n";
    let submit = |rows: &str| {
        std::fs::write(&form, format!("{head}{rows}")).unwrap();
        run(
            &county,
            &["import", "figures", form.to_str().unwrap(), "--by", "李填", "--evidence", evidence.to_str().unwrap(), "--format", "json"],
        )
    };
    // each row that is wrong is told, and nothing is taken
    let (code, said) = submit(&format!("fj-core-10,{year},,31.5,人,,,\nfj-core-06,{year},,20,万人,,,\nfj-core-11,2099,,65,%,,,\n"));
    assert!(code == 1 && ["line 2", "line 3", "line 4"].iter().all(|l| said.contains(l)), "{said}");
    let (code, said) = submit(&format!("fj-core-10,{year},,31.5,万人,,,\n"));
    assert_eq!(code, 0, "{said}");
    let entry = serde_json::from_str::<Value>(said.lines().next().unwrap()).unwrap()["entries"][0].as_str().unwrap().to_owned();

    let value = |county: &County| figure(&county.lines(&["indicators", "--period", &year]), "fj-core-10").clone();
    assert!(value(&county)["value"].is_null(), "what nobody approved is not used");
    let (code, said) = run(&county, &["figures", "approve", &entry, "--by", "李填"]);
    assert!(code == 1 && said.contains("second person"), "{said}");
    assert_eq!(run(&county, &["figures", "approve", &entry, "--by", "王审"]).0, 0);
    let told = value(&county);
    assert_eq!((told["value"].to_string(), &told["provenance"]), ("31.5".to_owned(), &json!("reported")), "{told}");
    let sha256 = told["inputs"][0]["evidenceSha256"].as_str().unwrap();
    assert!(sha256.len() == 64 && told["inputs"][0]["from"].as_str().unwrap().contains("王审"), "{told}");

    // a correction is a version of its own
    let body = json!({ "by": "李填", "text": format!("{head}fj-core-10,{year},,32.0,万人,签约统计.pdf,{sha256},更正\n") });
    let answer = post(county.gateway.http, "/admin/figures/submit", "application/json", body.to_string().as_bytes()).json();
    let second = answer["entries"][0].as_str().unwrap().to_owned();
    assert_eq!(value(&county)["value"].to_string(), "31.5");
    assert_eq!(run(&county, &["figures", "approve", &second, "--by", "王审"]).0, 0);
    assert_eq!(value(&county)["value"].to_string(), "32");
    let list = county.json("/admin/figures");
    let states: Vec<(&str, u64)> =
        list["entries"].as_array().unwrap().iter().map(|e| (e["state"].as_str().unwrap(), e["version"].as_u64().unwrap())).collect();
    assert_eq!(states, [("approved", 2), ("replaced", 1)], "{list}");
    // as FHIR: complete, with the hash of its evidence; a report of a year that is not listed by itself is found as well
    let report = county.json(&format!("/fhir/MeasureReport/fj-core-10.{year}"));
    assert_eq!((&report["status"], &report["group"][0]["measureScore"]["value"]), (&json!("complete"), &json!(32)), "{report}");
    assert!(report["extension"].to_string().contains(&format!("sha256:{sha256}")), "{report}");
    let old = year.parse::<u32>().unwrap() - 4;
    let found = |total: u32| {
        let found = county.json(&format!("/fhir/MeasureReport?measure=Measure/fj-core-10&period={old}"));
        assert_eq!(found["total"], total, "{found}");
    };
    found(0);
    let body = json!({ "by": "李填", "text": format!("{head}fj-core-10,{old},,20,万人,签约统计.pdf,{sha256},\n") });
    let answer = post(county.gateway.http, "/admin/figures/submit", "application/json", body.to_string().as_bytes()).json();
    assert_eq!(run(&county, &["figures", "approve", answer["entries"][0].as_str().unwrap(), "--by", "王审"]).0, 0);
    found(1);
    // an empty form names what is to be reported
    let (code, text) = run(&county, &["figures", "form", "--period", &year]);
    assert!(code == 0 && text.contains("fj-core-10") && !text.contains("fj-core-06"), "{text}");
    // and the recount, which reads the forms from the journal, agrees
    let (code, said) = county.text(&["indicators", "--period", &year, "--recount"]);
    assert!(code == 0 && said.contains("equal to the unit"), "{said}");
}
