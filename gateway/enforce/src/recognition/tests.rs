//! The tables that are shipped can be read; the cases of `cases.ndjson` are decided as they say; bad tables are refused.
//!
//! A case is one line: `ask` and `prior` are what differs from the usual question and result below, `expect` is the verdict
//! (of a panel one for each item), `falls` why each result fell, in the order of the answer, `mark` the one that binds.

use super::*;
use serde_json::{Value, json};

const MARKS: &str = include_str!("../../../../profiles/policy/recognition/marks.tsv");
const REASONS: &str = include_str!("../../../../profiles/policy/recognition/reasons.tsv");
const HUBEI: &str = include_str!("../../../../profiles/policy/recognition/hubei-2023.rules.tsv");
const DEMO: &str = include_str!("../../../../profiles/policy/recognition/demo.rules.tsv");
const CASES: &str = include_str!("cases.ndjson");

const RULES: &str = "#set cases
#version 1
#source these cases
#effective_from 2026-01-01
#effective_to 2028-12-31
#regions 50
item	kind	setting	valid	from	reach	mark	compare
K	laboratory	any	7d	report	province	yes	unit
CL	laboratory	any	7d	report	province	yes	unit
GLU	laboratory	any	30d	report	province	yes	unit
HBA1C	laboratory	any	60d	collection	province	yes	unit
ALT	laboratory	any	30d	report	province	yes	unit
ALT	laboratory	any	7d	report	community	no	unit
AST	laboratory	any	30d	report	province	yes	unit
CREA	laboratory	any	30d	report	community	no	method
URIC	laboratory	any	30d	report	county	no	unit
UREA	laboratory	any	30d	report	city	no	unit
TSH	laboratory	any	30d	report	national	yes	reference
WBC	laboratory	outpatient	72h	report	community	no	unit
CRP	laboratory	outpatient	24h	report	community	no	unit
CRP	laboratory	inpatient	7d	report	community	no	unit
DR-CHEST	imaging	any	30d	study	province	yes	
CT-HEAD	imaging	any	14d	study	community	no	
ECG12	tracing	outpatient	3d	study	community	no	
";

const CERTIFICATES: &str = "#version 7
institution	department	item	scheme	year	result	valid_from	valid_to	evidence
H1		K	province	2026	passed	2026-01-01	2028-12-31	c1
H1		GLU	province	2026	passed	2026-01-01	2028-12-31	c2
H1		HBA1C	province	2026	passed	2026-01-01	2028-12-31	c3
H1		ALT	province	2026	passed	2026-01-01	2028-12-31	c4
H1		AST	province	2026	passed	2026-01-01	2028-12-31	c5
H1		TSH	national	2026	passed	2026-01-01	2028-12-31	c6
H1		DR-CHEST	province	2026	passed	2026-01-01	2028-12-31	c7
H2		K	province	2025	passed	2025-07-01	2026-06-30	c8
H4		K	province	2026	failed	2026-01-01	2026-12-31	c9
H5		K	city	2026	passed	2026-01-01	2026-12-31	c10
H6	LAB	K	province	2026	passed	2026-01-01	2026-12-31	c11
H7		K	province	2026	passed	2026-11-20	2026-12-31	c12
H8		K	province	2026	passed	2026-01-01	2026-11-20	c13
H9		K	province	2025	passed	2025-01-01	2025-12-31	c14
H9		K	province	2026	passed	2026-01-01	2026-12-31	c15
H10		GLU	province	2026	passed	2026-01-01	2026-11-10	c16
H11		K	province	2025	passed	2025-01-01	2030-12-31	c17
";

/// Puts what a case says over what is usual.
fn over(usual: Value, case: &Value) -> Value {
    let mut out = usual;
    for (key, value) in case.as_object().into_iter().flatten() {
        out[key] = value.clone();
    }
    out
}

fn question(case: &Value) -> Question {
    let place = json!({"institution": "T1", "region": "500236", "community": "fj"});
    let usual = json!({"items": [{"item": "K"}], "at": "2026-11-22T10:00:00+08:00", "setting": "outpatient", "place": place});
    let mut all = over(usual, case);
    all["atUs"] = json!(moment(all["at"].as_str().unwrap()).unwrap());
    serde_json::from_value(all).unwrap()
}

fn prior(case: &Value) -> Prior {
    let usual = json!({"result": "Observation/1", "report": "DiagnosticReport/1", "item": "K", "status": "final",
        "collected": "2026-11-20T08:00:00+08:00", "studied": "2026-11-20T08:30:00+08:00", "reported": "2026-11-20T10:00:00+08:00",
        "place": {"institution": "H1", "department": "LAB", "region": "500236", "community": "fj"}, "unit": "mmol/L",
        "marks": ["渝HR"], "hasData": true, "reachable": true});
    serde_json::from_value(over(usual, case)).unwrap()
}

fn word<T: serde::Serialize>(value: &T, tag: &str) -> String {
    serde_json::to_value(value).unwrap()[tag].as_str().unwrap().to_owned()
}

fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::MayRepeat { because } => format!("may-repeat:{}", word(because, "why")),
        Verdict::Excepted { reason } => format!("excepted:{reason}"),
        _ => word(verdict, "verdict"),
    }
}

struct World(Rules, Marks, Certificates, Reasons);

impl World {
    fn new() -> World {
        World::of([RULES, MARKS, CERTIFICATES, REASONS])
    }

    fn of([rules, marks, certificates, reasons]: [&str; 4]) -> World {
        let rules = Rules::new(vec![RuleSet::read(rules).unwrap()]).unwrap();
        World(rules, Marks::read(marks).unwrap(), Certificates::read(certificates).unwrap(), Reasons::read(reasons).unwrap())
    }

    fn policy(&self) -> Policy<'_> {
        Policy { rules: &self.0, marks: &self.1, certificates: &self.2, reasons: &self.3 }
    }
}

#[test]
fn the_cases_are_decided_as_they_say() {
    let world = World::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for (n, line) in CASES.lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let priors: Vec<Prior> = case["prior"].as_array().unwrap().iter().map(prior).collect();
        let ruling = decide(&question(&case["ask"]), &priors, world.policy());
        let got: Vec<String> = ruling.items.iter().map(|i| shown(&i.verdict)).collect();
        let falls = || ruling.items.iter().flat_map(|i| &i.considered).map(|c| c.fell.as_ref().map(|f| word(f, "why")));
        let expect: Vec<String> = match &case["expect"] {
            Value::String(one) => vec![one.clone()],
            many => serde_json::from_value(many.clone()).unwrap(),
        };
        let right = case.get("falls").is_none_or(|f| *f == json!(falls().collect::<Vec<_>>()))
            && case.get("mark").is_none_or(|m| *m == json!(ruling.items[0].considered[0].mark));
        if got != expect || !right {
            wrong.push(format!("line {}: {}: {got:?} {:?}", n + 1, case["name"], falls().collect::<Vec<_>>()));
        }
        seen.extend(falls().flatten());
        for c in ruling.items.iter().flat_map(|i| &i.considered).filter(|c| c.fell.is_none()) {
            assert!(c.rule.as_ref().is_some_and(|r| r.set == "cases" && r.version == "1" && r.line > 7), "{}", case["name"]);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(CASES.lines().count() >= 150);
    // every way to fall is the outcome of some case: without its check that case would go wrong
    let all = [
        "certificate-insufficient",
        "certificate-lapsed",
        "conclusion-only",
        "doubtful-identity",
        "expired",
        "mark-elsewhere",
        "mark-unverified",
        "no-mark",
        "no-rule",
        "no-time",
        "not-final",
        "not-reachable",
        "other-method",
        "other-reference",
        "other-unit",
        "out-of-reach",
        "same-order",
        "test-data",
        "withdrawn",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

/// What is said of each case, in one text: for comparing worlds.
fn outcome(world: &World) -> String {
    let cases = CASES.lines().map(|line| {
        let case: Value = serde_json::from_str(line).unwrap();
        let priors: Vec<Prior> = case["prior"].as_array().unwrap().iter().map(prior).collect();
        let ruling = decide(&question(&case["ask"]), &priors, world.policy());
        let marks = |i: &ItemRuling| i.considered.iter().map(|c| c.mark.clone()).collect::<Vec<_>>();
        ruling.items.iter().map(|i| format!("{:?} {:?}", i.verdict, marks(i))).collect::<String>()
    });
    cases.collect()
}

#[test]
fn every_line_of_every_table_has_a_case_that_fails_without_it() {
    let tables = [RULES, MARKS, CERTIFICATES, REASONS];
    let whole = outcome(&World::new());
    for (n, table) in tables.iter().enumerate() {
        let lines: Vec<&str> = table.lines().collect();
        let heading = lines.iter().position(|l| !l.starts_with('#')).unwrap();
        for left_out in heading + 1..lines.len() {
            // what a sign stands for is found out before anything is decided
            if n == 1 && lines[left_out].split('\t').next().unwrap().chars().count() == 1 {
                continue;
            }
            // a line is blanked, not taken away, so that the others keep their numbers
            let without: String =
                lines.iter().enumerate().map(|(i, l)| if i == left_out { "\n".to_owned() } else { format!("{l}\n") }).collect();
            let mut changed = tables;
            changed[n] = &without;
            assert!(outcome(&World::of(changed)) != whole, "no case needs line {}: {}", left_out + 1, lines[left_out]);
        }
    }
}

#[test]
fn what_is_shipped_is_read() {
    assert_eq!(RuleSet::read(HUBEI).unwrap().len(), 22);
    assert!(RuleSet::read(DEMO).unwrap().is_demo);
    assert!(!Reasons::read(REASONS).unwrap().get("99").unwrap().counts);
    let marks = Marks::read(MARKS).unwrap();
    let found = |t: &str| marks.find(&[t.to_owned()]).iter().map(|m| m.text.clone()).collect::<Vec<_>>();
    assert_eq!(found("检验报告单 川渝ＨＲ"), ["川渝HR"]);
    assert_eq!(found("北京市西城区 HR 全国HR"), ["北京市西城区HR", "全国HR"]);
    assert!(marks.has_sign("★葡萄糖") && found("★葡萄糖").is_empty());
}

#[test]
fn bad_tables_are_refused_with_their_lines() {
    let lines = |faults: Vec<hutong_fhir::sheet::Fault>| faults.into_iter().map(|f| f.line).collect::<Vec<_>>();
    for (change, expect) in [
        (("K	laboratory	any	7d", "K	laboratory	any	7"), vec![8]),
        (("K	laboratory	any	7d", "	laboratory	any	7d"), vec![8]),
        (("CL	laboratory	any", "K	laboratory	inpatient"), vec![9]),
        (("report	province	yes	unit\nCL", "birth	province	yes	unit\nCL"), vec![8]),
        (("#version 1\n", "# no version\n"), vec![0]),
        (("#effective_to 2028-12-31", "#effective_to 2025-12-31"), vec![0]),
        (("national	yes	reference", "galaxy	yes	reference"), vec![18]),
        (("compare\n", "comparison\n"), vec![7]),
        (("#regions 50", "#regions 重庆"), vec![0]),
    ] {
        let text = RULES.replacen(change.0, change.1, 1);
        assert_ne!(text, RULES, "{change:?}");
        assert_eq!(lines(RuleSet::read(&text).unwrap_err()), expect, "{change:?}");
    }
    let twice = RuleSet::read(RULES).unwrap();
    assert!(Rules::new(vec![twice.clone(), twice]).is_err(), "two versions in force at once");
    for (change, expect) in [
        (("H4		K	province	2026	failed", "H4		K	province	2026	perhaps"), vec![11]),
        (("2025-07-01	2026-06-30", "2026-06-30	2025-07-01"), vec![10]),
        (("2025-01-01	2025-12-31	c14", "2025-01-01	2026-01-01	c14"), vec![17]),
        (("#version 7\n", ""), vec![0]),
        (("H5		K	city", "		K	city"), vec![12]),
    ] {
        let text = CERTIFICATES.replacen(change.0, change.1, 1);
        assert_ne!(text, CERTIFICATES, "{change:?}");
        assert_eq!(lines(Certificates::read(&text).unwrap_err()), expect, "{change:?}");
    }
    assert_eq!(lines(Marks::read("text	scope	regions\n全国HR	national	50\n渝HR	province	\nX	moon	50\n").unwrap_err()), [2, 3, 4]);
    assert_eq!(lines(Marks::read("text	scope	regions\n渝HR	province	50\n渝 HR	city	5001\n★\t\t\n★\t\t\n").unwrap_err()), [3, 5], "twice");
    assert_eq!(lines(Reasons::read("code	zh	en	counts\n1	a	b	yes\n1	a	b	no\n2	a	b	perhaps\n").unwrap_err()), [3, 4]);
}
