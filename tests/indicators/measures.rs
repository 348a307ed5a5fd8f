//! The same figures as FHIR measures: `$evaluate-measure`, subject lists, `$collect-data` down to the message, reports that are
//! found and read, and who may see what.

use std::collections::BTreeSet;

use hutong_tests::http;
use serde_json::Value;

use crate::indicators::county::County;

const CASES: usize = 3;

/// First and last day of a quarter such as `2026Q3`, as an address has them.
fn days(quarter: &str) -> String {
    let (year, q) = quarter.split_once('Q').unwrap();
    let q: u32 = q.parse().unwrap();
    format!("periodStart={year}-{:02}&periodEnd={year}-{:02}", q * 3 - 2, q * 3)
}

fn count(report: &Value, code: &str) -> Option<u64> {
    let all = report["group"][0]["population"].as_array()?;
    all.iter().find(|p| p["code"]["coding"][0]["code"] == code)?["count"].as_u64()
}

/// The resources of a Parameters by name.
fn named<'v>(parameters: &'v Value, name: &str) -> Vec<&'v Value> {
    parameters["parameter"].as_array().unwrap().iter().filter(|p| p["name"] == name).collect()
}

impl County {
    /// As the holder of a token.
    fn of(&self, token: &str, path: &str) -> http::Answer {
        let head = format!("GET {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        http::request(self.gateway.http, &head, &[])
    }

    /// Our own validator has nothing to say.
    fn judged(&self, resource: &Value) {
        let path = format!("/fhir/{}/$validate", resource["resourceType"].as_str().unwrap());
        let sent = serde_json::json!({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}]});
        let outcome = http::post(self.gateway.http, &path, "application/fhir+json", sent.to_string().as_bytes()).json();
        assert!(outcome["issue"].as_array().unwrap().iter().all(|i| i["severity"] == "information"), "{outcome}\n{resource}");
    }
}

#[test]
fn fhir_measures_give_the_figures_of_the_report_down_to_the_message() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    county.day();
    let (quarter, days) = (county.quarter(), days(&county.quarter()));

    // every measure that is counted, of the county and of the township, to the unit
    for (institution, reporter) in [("", ""), ("&institution=T1", "&reporter=T1")] {
        let told = county.json(&format!("/admin/report/indicators?period={quarter}{institution}"));
        let counted: Vec<&Value> = told["indicators"].as_array().unwrap().iter().filter(|i| i["class"] == "A").collect();
        assert!(counted.len() >= 4, "{told}");
        for figure in counted {
            let id = figure["indicator"].as_str().unwrap();
            let report = county.json(&format!("/fhir/Measure/{id}/$evaluate-measure?{days}{reporter}"));
            let score = &report["group"][0]["measureScore"]["value"];
            assert_eq!(score.to_string(), figure["value"].to_string(), "{id} {report}\n{figure}");
            assert_eq!(count(&report, "numerator"), figure["persons"].as_u64(), "{report}");
            assert_eq!(count(&report, "measure-population"), figure["cases"].as_u64(), "{report}");
            let measure = format!("http://fhir.med-community.cn/gw/Measure/{id}|{}", figure["definitionVersion"].as_str().unwrap());
            assert_eq!((&report["measure"], &report["status"]), (&measure.into(), &"pending".into()), "the quarter is not over");
            assert_eq!(report["meta"]["versionId"], figure["journalPosition"].to_string(), "{report}");
            county.judged(&report);
        }
    }
    let measure = county.json("/fhir/Measure/fj-core-06");
    let topic = county.json("/fhir/Measure?topic=A&identifier=http://fhir.med-community.cn/gw/NamingSystem/indicator|fj-core-06");
    assert_eq!((&topic["total"], &topic["entry"][0]["resource"]), (&1.into(), &measure));

    // who is counted
    let of_type = "/fhir/Measure/$evaluate-measure?measure=http://fhir.med-community.cn/gw/Measure/fj-core-06";
    let list = county.json(&format!("{of_type}&{days}&reportType=subject-list"));
    let subjects = list["contained"][0]["entry"].as_array().unwrap();
    let patients: BTreeSet<&str> = subjects.iter().map(|e| e["item"]["reference"].as_str().unwrap()).collect();
    assert_eq!((subjects.len() as u64, patients.len()), (count(&list, "numerator").unwrap(), subjects.len()), "{list}");
    county.judged(&list);
    let mut cases_of_all = 0;
    for patient in &patients {
        assert_eq!(county.json(&format!("/fhir/{patient}"))["resourceType"], "Patient");
        let one = county.json(&format!("{of_type}&{days}&subject={patient}"));
        assert_eq!((&one["type"], &one["subject"]["reference"]), (&"individual".into(), &(*patient).into()));
        cases_of_all += count(&one, "measure-population").unwrap();
        county.judged(&one);
    }
    assert_eq!(cases_of_all as usize, CASES);

    the_data_lead_to_the_messages(&county, &days, &patients);
    reports_are_found_and_read(&county, &quarter);
    institutions_see_their_own(&county, &days, &quarter);
}

fn the_data_lead_to_the_messages(county: &County, days: &str, patients: &BTreeSet<&str>) {
    let path = format!("/fhir/Measure/fj-core-06/$collect-data?{days}");
    let all = county.json(&path);
    let report = &named(&all, "measureReport")[0]["resource"];
    assert_eq!(report["type"], "data-collection");
    county.judged(report);
    let mut own = all.clone();
    // what hospitals sent is judged when it comes in
    own["parameter"].as_array_mut().unwrap().retain(|p| p["name"] != "resource");
    county.judged(&own);
    let kinds = |all: &Value, kind: &str| named(all, "resource").iter().filter(|p| p["resource"]["resourceType"] == kind).count();
    // no case that does not count, nothing else of the messages
    assert_eq!((kinds(&all, "DiagnosticReport"), kinds(&all, "Observation"), kinds(&all, "Encounter")), (CASES, 0, 0), "{all}");
    assert_eq!(report["evaluatedResource"].as_array().unwrap().len(), named(&all, "resource").len());
    let part = |message: &Value, name: &str| -> String {
        let part = message["part"].as_array().unwrap().iter().find(|p| p["name"] == name).unwrap();
        part["valueString"].as_str().unwrap().to_owned()
    };
    let messages = named(&all, "message");
    let cases: BTreeSet<String> = messages.iter().map(|m| part(m, "case")).collect();
    assert_eq!(cases.len(), CASES, "{all}");
    let shown: Vec<String> = messages.iter().map(|m| county.journal(&part(m, "receipt"))).collect();
    for source in ["t1-his", "h1-ris"] {
        assert!(shown.iter().filter(|s| s.contains(source)).count() >= CASES, "{source}: {shown:?}");
    }
    assert!(named(&all, "next").is_empty(), "{all}");

    // the same in pages
    let (mut paged, mut after) = (BTreeSet::new(), String::new());
    loop {
        let page = county.json(&format!("{path}&count=1{after}"));
        paged.extend(named(&page, "message").iter().map(|m| part(m, "receipt")));
        let Some(next) = named(&page, "next").first().map(|n| n["valueInteger"].to_string()) else { break };
        after = format!("&after={next}");
    }
    assert_eq!(paged, messages.iter().map(|m| part(m, "receipt")).collect());
    // of one person, and since a moment
    let of_all: usize = patients.iter().map(|p| kinds(&county.json(&format!("{path}&subject={p}")), "DiagnosticReport")).sum();
    assert_eq!(of_all, CASES);
    let later = county.json(&format!("{path}&lastReceivedOn=2099-01-01"));
    assert!(named(&later, "resource").is_empty() && named(&later, "message").is_empty(), "{later}");
}

fn reports_are_found_and_read(county: &County, quarter: &str) {
    let year = &quarter[..4];
    let found = county.json(&format!("/fhir/MeasureReport?measure=Measure/fj-core-06&reporter=area&period={year}&_count=100"));
    let entries = found["entry"].as_array().unwrap();
    assert_eq!(found["total"], entries.len());
    let id = format!("fj-core-06.{quarter}");
    let own = entries.iter().find(|e| e["resource"]["id"] == id.as_str()).unwrap_or_else(|| panic!("{found}"));
    assert_eq!(own["resource"], county.json(&format!("/fhir/MeasureReport/{id}")), "the same report");
    county.judged(&found);
    // the year before is over
    let before = year.parse::<u32>().unwrap() - 1;
    let complete = county.json(&format!("/fhir/MeasureReport?measure=Measure/fj-core-06&period={before}&status=complete&reporter=T1"));
    assert_eq!(complete["total"], 1 + 4 + 12, "{complete}");
    for (path, status) in [
        (format!("/fhir/MeasureReport/fj-core-06.{}", before + 9), 404),
        (format!("/fhir/MeasureReport/{id}.nobody"), 404),
        // of an institution alone only what is counted is told
        (format!("/fhir/MeasureReport/fj-core-10.{quarter}.T1"), 404),
        (format!("/fhir/MeasureReport/fj-core-10.{quarter}"), 200),
    ] {
        assert_eq!(http::get(county.gateway.http, &path).status, status, "{path}");
    }
}

fn institutions_see_their_own(county: &County, days: &str, quarter: &str) {
    let evaluate = format!("/fhir/Measure/fj-core-06/$evaluate-measure?{days}&reportType=subject-list");
    for (token, institution, cases) in [("t1-token", "T1", CASES as u64), ("test-token", "T2", 0)] {
        let list = county.of(token, &evaluate).json();
        assert_eq!((&list["reporter"]["identifier"]["value"], count(&list, "measure-population")), (&institution.into(), Some(cases)));
        assert_eq!(list["contained"][0]["entry"].is_null(), cases == 0, "{list}");
        let data = county.of(token, &format!("/fhir/Measure/fj-core-06/$collect-data?{days}")).json();
        assert_eq!(named(&data, "resource").is_empty(), cases == 0, "{data}");
        assert_eq!(county.of(token, &format!("/fhir/MeasureReport/fj-core-06.{quarter}.{institution}")).status, 200);
        assert_eq!(county.of(token, &format!("/fhir/MeasureReport/fj-core-06.{quarter}")).status, 404);
    }
    for (token, path, status, rule) in [
        ("test-token", format!("{evaluate}&reporter=T1"), 403, "measure.reporter"),
        ("test-token", format!("/fhir/MeasureReport/fj-core-06.{quarter}.T1"), 404, "fhir.not_found"),
        ("no-token", evaluate.clone(), 401, "access.token"),
        ("t1-token", evaluate.replace(days, "periodStart=2026-07-02&periodEnd=2026-07-09"), 422, "measure.period"),
        ("t1-token", evaluate.replace(days, "periodStart=2098&periodEnd=2098"), 422, "measure.future"),
        ("t1-token", evaluate.replace("fj-core-06", "xs-core-01"), 422, "measure.area"),
        ("t1-token", evaluate.replace("fj-core-06", "fj-core-10"), 422, "measure.counted"),
    ] {
        let answer = county.of(token, &path);
        let said = answer.json();
        assert_eq!((answer.status, said["issue"][0]["diagnostics"].as_str().unwrap()), (status, rule), "{path} {said}");
    }
}
