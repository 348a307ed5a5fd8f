//! Measures and reports are valid FHIR by the community's profiles.

use super::support::{World, library, period};
use crate::indicators::fhir::{About, Of, Reporter, SUBJECTS_MAX, measure_report, measures};
use crate::indicators::{Asked, Outcome, evaluate};
use hutong_fhir::finding::Severity;
use hutong_fhir::sheet::Sheet;
use hutong_fhir::{Tree, json};
use hutong_validate::{Knowledge, Validator};
use std::sync::Arc;

const COUNTY: Reporter<'static> = Reporter { code: "", name: "某县医共体" };

fn validator() -> Validator {
    Validator::with(Arc::new(Knowledge::community().0))
}

fn faults(validator: &Validator, tree: &Tree) -> Vec<String> {
    let found = validator.inspect(tree).into_iter().filter(|l| l.finding.severity != Severity::Information);
    found.map(|l| format!("{:?} {} {:?}", l.finding.severity, l.finding.rule, l.finding.en)).collect()
}

fn text(tree: &Tree) -> String {
    let mut out = Vec::new();
    json::write(tree.root(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn every_definition_is_a_valid_measure() {
    let (library, validator) = (library(), validator());
    let all = measures(&library);
    assert_eq!(all.len(), library.definitions().len());
    for (tree, d) in all.iter().zip(library.definitions()) {
        // the language is our own: the list of R4 has none for it, and says so
        let others: Vec<String> = faults(&validator, tree).into_iter().filter(|f| !f.contains("ValueSet/expression-language")).collect();
        assert_eq!(others, Vec::<String>::new(), "{}", d.id);
        let url = format!("http://fhir.med-community.cn/gw/Measure/{}", d.id);
        assert_eq!((tree.root().at("url"), tree.root().at("title")), (Some(url.as_str()), Some(d.title.as_str())));
        if let Some(e) = &d.expression {
            assert!(text(tree).contains(&serde_json::json!(e.text()).to_string()), "{}", d.id);
        }
    }
    let headline = text(&all[5]);
    assert!(
        headline.contains(
            r#""language":"text/x-hutong-expression;uri=http://fhir.med-community.cn/gw/expression","expression":"persons / 10000""#
        ),
        "{headline}"
    );
    assert!(headline.contains("渝府办发〔2024〕95号《重庆市全面推动"), "{headline}");
}

#[test]
fn every_figure_is_a_valid_report_whether_it_is_there_or_missing() {
    let (library, validator) = (library(), validator());
    let examples = include_str!("../../../../../profiles/policy/indicators/examples.tsv");
    let sheet = Sheet::read(examples, &["indicator", "period", "given"]);
    for row in sheet.rows() {
        let definition = library.definition(row.get("indicator")).unwrap();
        let asked = Asked { period: period(row.get("period")), institution: None, area: "500236", open_scope: None };
        for world in [World::of(row.get("given"), row.get("period")), World::default()] {
            let figure = evaluate(&library, definition, &asked, &world, &world);
            let about = About { id: "r1", reporter: COUNTY, date: "2029-01-01T10:00:00+08:00", of: Of::All };
            let tree = measure_report(&library, &figure, &about).unwrap();
            assert_eq!(faults(&validator, &tree), Vec::<String>::new(), "{}\n{}", definition.id, text(&tree));
            let is_missing = matches!(figure.outcome, Outcome::Missing(_));
            assert_eq!(tree.root().at("status"), Some(if is_missing { "pending" } else { "complete" }));
            assert_eq!(text(&tree).contains("不能计算"), is_missing, "{}", text(&tree));
            assert_eq!(text(&tree).contains("<th>数值</th>"), !is_missing, "{}", text(&tree));
            assert_eq!(text(&tree).contains("evidence-hash"), figure.inputs.iter().any(|u| !u.evidence_sha256.is_empty()));
        }
    }
}

#[test]
fn a_subject_list_names_those_who_are_counted() {
    let (library, validator) = (library(), validator());
    let world = World::of("persons=2 cases=3", "2026");
    let asked = Asked { period: period("2026"), institution: Some("xz-01"), area: "500236", open_scope: None };
    let figure = evaluate(&library, library.definition("fj-core-06").unwrap(), &asked, &world, &world);
    for count in [0, 2, SUBJECTS_MAX + 1] {
        let subjects: Vec<String> = (0..count).map(|n| format!("Patient/p{n}")).collect();
        let about = About { id: "r1", reporter: COUNTY, date: "2027-01-01", of: Of::Subjects(&subjects) };
        let tree = measure_report(&library, &figure, &about).unwrap();
        assert_eq!(faults(&validator, &tree), Vec::<String>::new());
        let text = text(&tree);
        assert_eq!(text.matches("\"Patient/p").count(), count.min(SUBJECTS_MAX));
        assert_eq!(text.contains("列出前"), count > SUBJECTS_MAX);
        assert!(text.contains(r#""type":"subject-list""#) && text.contains(r##""subjectResults":{"reference":"#subjects"}"##));
        assert!(text.contains(r#""period":{"start":"2026-01-01","end":"2026-12-31"}"#), "{text}");
    }
}

#[test]
fn one_patient_and_the_data_behind_a_figure_are_reports_without_a_score() {
    let (library, validator) = (library(), validator());
    let world = World::of("persons=2 cases=3", "2026");
    let asked = Asked { period: period("2026"), institution: Some("xz-01"), area: "500236", open_scope: None };
    let figure = evaluate(&library, library.definition("fj-core-06").unwrap(), &asked, &world, &world);
    let data = ["DiagnosticReport/1".to_owned()];
    for (of, expected) in [
        (Of::One { patient: "Patient/1", cases: 2 }, r#""type":"individual""#),
        (Of::One { patient: "Patient/1", cases: 0 }, r#""count":0"#),
        (Of::Data(&data), r#""evaluatedResource":[{"reference":"DiagnosticReport/1"}]"#),
        (Of::Data(&[]), r#""type":"data-collection""#),
    ] {
        let about = About { id: "r1", reporter: Reporter { code: "xz-01", name: "石桥镇卫生院" }, date: "2027-01-01", of };
        let tree = measure_report(&library, &figure, &about).unwrap();
        let text = text(&tree);
        assert_eq!(faults(&validator, &tree), Vec::<String>::new(), "{text}");
        assert!(text.contains(expected) && !text.contains("measureScore") && text.contains(r#""status":"complete""#), "{text}");
        assert!(text.contains(r#""value":"xz-01"},"display":"石桥镇卫生院""#), "{text}");
    }
}

#[test]
fn a_report_is_pending_until_its_period_is_over() {
    let (library, validator) = (library(), validator());
    let world = World::of("persons=2 cases=3", "2026");
    let asked = Asked { period: period("2026"), institution: None, area: "500236", open_scope: None };
    let figure = evaluate(&library, library.definition("fj-core-06").unwrap(), &asked, &world, &world);
    for (date, status) in [("2026-06-01", "pending"), ("2026-12-31T23:59:59+08:00", "pending"), ("2027-01-01", "complete")] {
        for of in [Of::All, Of::Subjects(&[]), Of::One { patient: "Patient/1", cases: 1 }, Of::Data(&[])] {
            let tree = measure_report(&library, &figure, &About { id: "r1", reporter: COUNTY, date, of }).unwrap();
            assert_eq!(tree.root().at("status"), Some(status), "{date} {of:?}");
            assert_eq!(faults(&validator, &tree), Vec::<String>::new(), "{}", text(&tree));
            assert_eq!(text(&tree).contains("统计期未结束"), status == "pending" && matches!(of, Of::All | Of::Subjects(_)));
        }
    }
}
