//! Measures over HTTP, with a fake behind: what is asked is read whole, what is not offered is refused with the reason, and an
//! institution is told of itself only.

use super::*;
use crate::fake_measures::FakeMeasures;
use sha2::{Digest, Sha256};

/// `t1` is the token of institution T1, `op` that of an operator.
fn office() -> (Arc<FakeMeasures>, Api) {
    let fake_measures = Arc::new(FakeMeasures::default());
    let mut settings = settings();
    settings.access.tokens = [("t1", "T1"), ("op", "H1")].map(|(t, i)| (Sha256::digest(t.as_bytes()).into(), i.to_owned())).to_vec();
    settings.access.operators = vec!["H1".to_owned()];
    let mut api = Api::new(Arc::new(fake()), edition(), settings);
    api.measure(Arc::clone(&fake_measures) as Arc<_>);
    (fake_measures, api)
}

const T1: (&str, &str) = ("authorization", "Bearer t1");
const OP: (&str, &str) = ("authorization", "Bearer op");
const JSON: (&str, &str) = ("content-type", "application/fhir+json");

#[tokio::test]
async fn a_measure_is_evaluated_as_r4_asks_for_it() {
    let q3 = "periodStart=2026-07-01&periodEnd=2026-09-30";
    let body = r#"{"resourceType":"Parameters","parameter":[{"name":"periodStart","valueDate":"2026-07"},{"name":"periodEnd","valueDate":"2026-09"},
        {"name":"measure","valueString":"http://example.org/Measure/m1|2026"},{"name":"reportType","valueCode":"subject-list"}]}"#;
    for (line, headers, body, asked) in [
        (format!("GET /fhir/Measure/m1/$evaluate-measure?{q3}"), vec![], "", "summary m1 20635 20726 area "),
        ("GET /fhir/Measure/m1/$evaluate-measure?periodStart=2026&periodEnd=2026".into(), vec![], "", "summary m1 20454 20818 area "),
        (format!("GET /fhir/Measure/$evaluate-measure?measure=m1&{q3}&reportType=population"), vec![], "", "summary m1 20635 20726 area "),
        (
            format!("GET /fhir/Measure/$evaluate-measure?measure=http://example.org/Measure/m1&{q3}"),
            vec![],
            "",
            "summary m1 20635 20726 area ",
        ),
        ("POST /fhir/Measure/$evaluate-measure".into(), vec![JSON], body, "subject-list m1 20635 20726 area "),
        (format!("GET /fhir/Measure/m1/$evaluate-measure?{q3}&subject=Patient/p1"), vec![], "", "individual m1 20635 20726 area p1"),
        (format!("GET /fhir/Measure/m1/$evaluate-measure?{q3}&reporter=Organization/T2"), vec![], "", "summary m1 20635 20726 T2 "),
        (format!("GET /fhir/Measure/m1/$evaluate-measure?{q3}&reporter=T2"), vec![OP], "", "summary m1 20635 20726 T2 "),
        (format!("GET /fhir/Measure/m1/$evaluate-measure?{q3}"), vec![OP], "", "summary m1 20635 20726 area "),
        // an institution is told of itself
        (format!("GET /fhir/Measure/m1/$evaluate-measure?{q3}"), vec![T1], "", "summary m1 20635 20726 T1 "),
        (
            format!("GET /fhir/Measure/m1/$evaluate-measure?{q3}&reportType=subject-list&reporter=T1"),
            vec![T1],
            "",
            "subject-list m1 20635 20726 T1 ",
        ),
    ] {
        let (measures, api) = office();
        let response = send(&api, &line, &headers, body).await;
        let status = response.status();
        let report = json(response).await;
        assert_eq!((status.as_u16(), report["resourceType"].as_str()), (200, Some("MeasureReport")), "{line} {report}");
        assert_eq!(measures.asked.lock().unwrap().as_slice(), [asked], "{line}");
    }
}

#[tokio::test]
async fn what_is_not_offered_is_refused_with_the_reason() {
    let q3 = "periodStart=2026-07-01&periodEnd=2026-09-30";
    let on = "GET /fhir/Measure/m1/$evaluate-measure?";
    let collect = "GET /fhir/Measure/m1/$collect-data?";
    for (line, headers, status, rule, says) in [
        (format!("{on}periodEnd=2026-09-30"), vec![], 400, "measure.parameter", "periodStart"),
        (format!("{on}periodStart=2026-07-01"), vec![], 400, "measure.parameter", "periodEnd"),
        (format!("{on}periodStart=2026-10&periodEnd=2026-09"), vec![], 400, "measure.parameter", "不能早于"),
        (format!("{on}periodStart=2026-02-30&periodEnd=2026-09"), vec![], 400, "measure.parameter", "应为日期"),
        (format!("{on}periodStart=2026-07-15&periodEnd=2026-07-15"), vec![], 422, "measure.period", "按整月统计"),
        (format!("{on}{q3}&measure=m1"), vec![], 400, "search.repeated", ""),
        (format!("{on}{q3}&reportType=subject"), vec![], 400, "measure.parameter", "个人报告须写明患者"),
        (format!("{on}{q3}&reportType=subject-list&subject=Patient/p1"), vec![], 400, "measure.parameter", "subject"),
        (format!("{on}{q3}&reportType=county"), vec![], 400, "search.value", "subject-list"),
        (format!("{on}{q3}&subject=Group/g"), vec![], 422, "measure.unsupported", "Patient/[id]"),
        (format!("{on}{q3}&subject=Patient/nobody"), vec![], 404, "fhir.not_found", ""),
        (format!("{on}{q3}&practitioner=Practitioner/1"), vec![], 422, "measure.unsupported", "practitioner"),
        (format!("{on}{q3}&lastReceivedOn=2026-01-01"), vec![], 422, "measure.unsupported", "lastReceivedOn"),
        (format!("{on}{q3}&reporter=none"), vec![], 422, "measure.reporter", "登记册"),
        (format!("{on}{q3}&reporter=many&reportType=subject-list"), vec![], 422, "measure.subjects_max", "20000"),
        (format!("{on}{q3}&reporter=T2"), vec![T1], 403, "measure.reporter", "本机构"),
        (format!("{on}{q3}&reporter=area"), vec![T1], 403, "measure.reporter", "本机构"),
        (format!("{on}{q3}&colour=red"), vec![], 400, "search.parameter", "periodStart"),
        (format!("GET /fhir/Measure/$evaluate-measure?{q3}"), vec![], 400, "measure.parameter", "缺少指标"),
        (format!("GET /fhir/Measure/$evaluate-measure?{q3}&measure=m1%7C2027"), vec![], 422, "measure.unknown", "url|版本"),
        (format!("GET /fhir/Measure/m2/$evaluate-measure?{q3}"), vec![], 404, "fhir.not_found", ""),
        (format!("GET /fhir/Patient/$evaluate-measure?{q3}"), vec![], 404, "fhir.operation", ""),
        (format!("{collect}{q3}&count=201"), vec![], 400, "measure.parameter", "1 到 200"),
        (format!("{collect}{q3}&count=0"), vec![], 400, "measure.parameter", "1 到 200"),
        (format!("{collect}{q3}&after=x"), vec![], 400, "search.value", ""),
        (format!("{collect}{q3}&practitioner=1"), vec![], 422, "measure.unsupported", ""),
        (format!("{collect}{q3}&lastReceivedOn=yesterday"), vec![], 400, "measure.parameter", "带时区"),
        (format!("{collect}{q3}&reporter=T2"), vec![T1], 403, "measure.reporter", ""),
        ("GET /fhir/MeasureReport/m1.2031".into(), vec![], 404, "fhir.not_found", ""),
        ("GET /fhir/MeasureReport/m1.2026Q3".into(), vec![T1], 404, "fhir.not_found", ""),
        ("GET /fhir/MeasureReport?period=Q3".into(), vec![], 400, "search.value", "应为日期"),
        ("GET /fhir/Measure?date=ap2026".into(), vec![], 400, "search.value", "应为日期"),
        ("GET /fhir/MeasureReport?colour=red".into(), vec![], 400, "search.parameter", "evaluated-resource"),
    ] {
        let (_, api) = office();
        let response = send(&api, &line, &headers, "").await;
        let got = response.status().as_u16();
        let outcome = json(response).await;
        let issue = &outcome["issue"][0];
        assert_eq!((got, issue["diagnostics"].as_str().unwrap_or("")), (status, rule), "{line} {outcome}");
        let text = issue["details"]["text"].as_str().unwrap();
        assert!(text.contains(says) && text.contains(" / "), "{line}: {text}");
    }
    // nothing is offered where there are no figures
    let api = api();
    assert_eq!(send(&api, &format!("{on}{q3}"), &[], "").await.status(), 404);
}

#[tokio::test]
async fn data_are_collected_case_by_case() {
    let (measures, api) = office();
    let line = "GET /fhir/Measure/m1/$collect-data?periodStart=2026-07&periodEnd=2026-09";
    let found = json(send(&api, line, &[T1], "").await).await;
    assert_eq!(found["resourceType"], "Parameters", "{found}");
    let names: Vec<&str> = found["parameter"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["measureReport", "resource", "message", "next"], "{found}");
    let part = |n: usize, name: &str| &found["parameter"][2]["part"].as_array().unwrap()[n][name];
    assert_eq!((part(0, "valueString"), part(1, "valueString")), (&"R-1".into(), &"7".into()));
    assert_eq!(part(2, "valueReference")["reference"], "DiagnosticReport/r1");
    let more = "&after=7&count=5&subject=Patient/p1&lastReceivedOn=2026-11-22";
    let rest = json(send(&api, &format!("{line}{more}"), &[], "").await).await;
    assert_eq!(rest["parameter"].as_array().unwrap().len(), 3, "no more cases: {rest}");
    let asked = measures.asked.lock().unwrap();
    assert!(asked[0].contains(r#"reporter: Some("T1")"#) && asked[0].contains("count: 200"), "{asked:?}");
    // the beginning of a day in China
    let expected = r#"subject: Some("p1"), since_us: Some(1795276800000000), after: Some(7), count: 5"#;
    assert!(asked[1].contains("reporter: None") && asked[1].contains(expected), "{asked:?}");
}

#[tokio::test]
async fn summaries_are_read_and_searched() {
    let (_, api) = office();
    let all = "m1.2026Q3 m1.2026Q3.T1 m1.2026-09 m1.2026-09.T1";
    let identifier = "identifier=http://fhir.med-community.cn/gw/NamingSystem/indicator-report%7Cm1.2026Q3";
    for (query, expected) in [
        ("", all),
        ("measure=http://example.org/Measure/m1", all),
        ("measure=http://example.org/Measure/m1%7C2026", all),
        ("measure=Measure/m1", all),
        ("measure=m2", ""),
        ("reporter=Organization/T1", "m1.2026Q3.T1 m1.2026-09.T1"),
        ("reporter:identifier=http://x%7CT1", "m1.2026Q3.T1 m1.2026-09.T1"),
        ("reporter=area", "m1.2026Q3 m1.2026-09"),
        ("period=2026-09", "m1.2026-09 m1.2026-09.T1"),
        ("period=ge2026-07-01&period=le2026-09-30&reporter=area", "m1.2026Q3 m1.2026-09"),
        ("period=lt2026-08", "m1.2026Q3 m1.2026Q3.T1"),
        ("status=pending", "m1.2026-09 m1.2026-09.T1"),
        ("status=complete&reporter=T1", "m1.2026Q3.T1"),
        ("status=error", ""),
        (identifier, "m1.2026Q3"),
        ("identifier=m1.2026-09.T1,m1.2026Q3", "m1.2026-09.T1 m1.2026Q3"),
        ("identifier=http://x%7Cm1.2026Q3", ""),
        ("_id=m1.2026Q3,m1.2031&reporter=area", "m1.2026Q3"),
        ("date=ge2026-01-01&_id=m1.2026Q3", "m1.2026Q3"),
        ("date=lt2026-01-01", ""),
    ] {
        let bundle = json(send(&api, &format!("GET /fhir/MeasureReport?{query}"), &[], "").await).await;
        let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&str> = entries.iter().map(|e| e["fullUrl"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
        assert_eq!(ids.join(" "), expected, "{query}: {bundle}");
        assert_eq!(bundle["total"], entries.len(), "{query}");
    }
    // summaries name no patients and no resources: that is said
    for query in ["subject=Patient/p1", "patient=p1", "evaluated-resource=DiagnosticReport/r1"] {
        let bundle = json(send(&api, &format!("GET /fhir/MeasureReport?{query}"), &[], "").await).await;
        let (total, outcome) = (&bundle["total"], &bundle["entry"][0]["resource"]["issue"][0]);
        assert_eq!((total, &outcome["severity"]), (&0.into(), &"information".into()), "{query}: {bundle}");
        assert!(outcome["details"]["text"].as_str().unwrap().contains("$collect-data"), "{bundle}");
    }
    // pages
    let first = json(send(&api, "GET /fhir/MeasureReport?_count=3", &[], "").await).await;
    let next = first["link"][1]["url"].as_str().unwrap().strip_prefix("http://gw:8080").unwrap().to_owned();
    let second = json(send(&api, &format!("GET {next}"), &[], "").await).await;
    assert_eq!((first["entry"].as_array().unwrap().len(), second["entry"].as_array().unwrap().len()), (3, 1));
    // an institution finds and reads its own
    let own = json(send(&api, "GET /fhir/MeasureReport", &[T1], "").await).await;
    assert_eq!(own["total"], 2, "{own}");
    assert_eq!(json(send(&api, "GET /fhir/MeasureReport?reporter=area", &[T1], "").await).await["total"], 0);
    let read = send(&api, "GET /fhir/MeasureReport/m1.2026Q3.T1", &[T1], "").await;
    assert_eq!(read.status(), 200);
    assert_eq!(json(read).await["reporter"]["display"], "T1");
    assert_eq!(send(&api, "GET /fhir/MeasureReport/m1.2026Q3", &[OP], "").await.status(), 200);
    // measures are definitions
    for (query, total) in [("url=http://example.org/Measure/m1%7C2026", 1), ("title=上级", 1), ("date=ge2025", 0), ("topic=A", 0)] {
        assert_eq!(json(send(&api, &format!("GET /fhir/Measure?{query}"), &[T1], "").await).await["total"], total, "{query}");
    }
    assert_eq!(send(&api, "GET /fhir/Measure/m1", &[T1], "").await.status(), 200);
}

/// What is defined is what is read, and the definitions are R4.
#[tokio::test]
async fn the_operations_are_defined_as_they_are_served() {
    let (_, api) = office();
    for (id, operation) in [
        ("Measure-evaluate-measure", crate::operation::Operation::EvaluateMeasure),
        ("Measure-collect-data", crate::operation::Operation::CollectData),
    ] {
        let definition = json(send(&api, &format!("GET /fhir/OperationDefinition/{id}"), &[], "").await).await;
        assert_eq!(definition["url"].as_str().unwrap(), operation.definition());
        let parameters = definition["parameter"].as_array().unwrap();
        let mut defined: Vec<&str> = parameters.iter().filter(|p| p["use"] == "in").map(|p| p["name"].as_str().unwrap()).collect();
        let mut read: Vec<&str> = operation.parameters().iter().map(|(name, _)| *name).collect();
        defined.sort_unstable();
        read.sort_unstable();
        assert_eq!(defined, read);
        let outcome = json(send(&api, "POST /fhir/OperationDefinition/$validate", &[JSON], &definition.to_string()).await).await;
        assert!(outcome["issue"].as_array().unwrap().iter().all(|i| i["severity"] == "information"), "{outcome}");
    }
}
