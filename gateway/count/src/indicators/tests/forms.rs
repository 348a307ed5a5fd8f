//! Forms: what is taken, what is refused, and that a second person approves.

use super::support::{library, period};
use crate::indicators::forms::{Act, Both, Configured, Forms, Row, Ruling, State, Submission, configured, rows, template};
use crate::indicators::{Inputs, Source};
use proptest::prelude::*;

const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn row(item: &str, text: &str, value: &str) -> Row {
    Row {
        item: item.into(), period: text.into(), value: value.into(), evidence: "年报.pdf".into(), sha256: HASH.into(), ..Row::default()
    }
}

fn submitted(id: &str, by: &str, rows: &[Row]) -> Act {
    Act::Submitted(Submission { id: id.into(), at_us: 1, submitter: by.into(), rows: rows.to_vec() })
}

fn ruling(by: &str, entries: &[&str], reason: &str) -> Ruling {
    Ruling { at_us: 2, by: by.into(), entries: entries.iter().map(|e| (*e).to_owned()).collect(), reason: reason.into() }
}

#[test]
fn a_second_person_approves_and_a_correction_is_a_new_version() {
    let mut forms = Forms::default();
    forms.apply(&submitted("s1", "zhao", &[row("insured_persons", "2026", "800000"), row("fj-mon-13", "2026", "93.5")])).unwrap();
    assert_eq!((forms.waiting().count(), forms.given("insured_persons", "").len()), (2, 0), "what waits is not used");
    for (act, zh) in [
        (Act::Approved(ruling("zhao", &["s1.1"], "")), "第二人"),
        (Act::Approved(ruling(" Zhao ", &["s1.1"], "")), "第二人"),
        (Act::Approved(ruling("", &["s1.1"], "")), "须写明审核人"),
        (Act::Approved(ruling("qian", &[], "")), "须写明审核人"),
        (Act::Approved(ruling("qian", &["s1.3"], "")), "没有填报 s1.3"),
        (Act::Approved(ruling("qian", &["s1.1", "s1.1"], "")), "已经审核过"),
        (Act::Rejected(ruling("qian", &["s1.1"], " ")), "退回须写明原因"),
        (submitted("s1", "zhao", &[row("chronic_managed", "2026", "1")]), "已经提交过"),
        (submitted("s2", "sun", &[row("insured_persons", "2026", "1")]), "已有待审核的填报"),
        (submitted("s2", "sun", &[row("chronic_managed", "2026", "1"), row("chronic_managed", "2026", "2")]), "已有待审核的填报"),
        (submitted("s2", "sun", &[row("chronic_managed", "2026-13", "1")]), "统计期"),
        (submitted("s2", "", &[row("chronic_managed", "2026", "1")]), "填报须有"),
        (submitted("s2", "sun", &[]), "填报须有"),
    ] {
        let refusal = forms.apply(&act).unwrap_err();
        assert!(refusal.zh.contains(zh) && !refusal.en.is_empty(), "{act:?}: {refusal:?}");
    }
    forms.apply(&Act::Approved(ruling("qian", &["s1.1"], ""))).unwrap();
    forms.apply(&Act::Rejected(ruling("qian", &["s1.2"], "得分与通报不符"))).unwrap();
    assert!(forms.apply(&Act::Approved(ruling("li", &["s1.1"], ""))).unwrap_err().zh.contains("已经审核过"));
    assert_eq!(forms.entry("s1.2").map(|e| (e.state, e.reason.as_str())), Some((State::Rejected, "得分与通报不符")));
    assert!(forms.given("fj-mon-13", "").is_empty());

    forms.apply(&submitted("s2", "zhao", &[row("insured_persons", "2026", "810000")])).unwrap();
    assert_eq!(forms.given("insured_persons", "")[0].value, "800000", "the approved one stays until the correction is approved");
    forms.apply(&Act::Approved(ruling("li", &["s2.1"], ""))).unwrap();
    let given = forms.given("insured_persons", "");
    assert_eq!((given.len(), given[0].value.as_str()), (1, "810000"));
    assert!(matches!(&given[0].source, Source::Reported { version: 2, approver, .. } if approver == "li"));
    let states: Vec<_> = forms.entries().iter().map(|e| (e.state, e.version)).collect();
    assert_eq!(states, [(State::Replaced, 1), (State::Rejected, 0), (State::Approved, 2)]);
}

#[test]
fn acts_are_kept_as_json() {
    let act = submitted("s1", "zhao", &[row("insured_persons", "2026", "800000")]);
    let text = serde_json::to_string(&act).unwrap();
    assert!(
        text.starts_with(r#"{"submitted":{"id":"s1","atUs":1,"submitter":"zhao","rows":[{"item":"insured_persons","period":"2026""#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Act>(&text).unwrap(), act);
    let approved = Act::Approved(ruling("qian", &["s1.1"], ""));
    assert_eq!(serde_json::from_str::<Act>(&serde_json::to_string(&approved).unwrap()).unwrap(), approved);
}

#[test]
fn a_form_is_read_in_chinese_and_english_and_refused_as_a_whole() {
    let library = library();
    let today = period("2026-11-22").first;
    let read = |text: &str| rows(&library, text, today, &|i| i == "xz-01");
    let chinese = format!(
        "指标或数据项,统计期,机构,数值,单位,依据文件,SHA-256,备注\ninsured_persons,2025,,800000,人,年报.pdf,{HASH},初报\nfj-mon-08,2025,xz-01,达到,,批复.pdf,{},\n",
        HASH.to_uppercase()
    );
    let taken = read(&chinese).unwrap();
    assert_eq!(taken[0], Row { unit: "人".into(), note: "初报".into(), ..row("insured_persons", "2025", "800000") });
    assert_eq!((taken[1].institution.as_str(), taken[1].sha256.as_str()), ("xz-01", HASH));
    for (line, column, zh) in [
        ("nobody\t2025\t\t1\t人\tf\tH", "item", "没有指标或数据项 nobody"),
        ("last_year.insured_persons\t2025\t\t1\t人\tf\tH", "item", "没有指标或数据项"),
        ("fj-core-06\t2025\t\t20\t万人\tf\tH", "item", "由网关计数"),
        ("visits_all\t2025\t\t1\t人次\tf\tH", "item", "由网关计数"),
        ("insured_persons\t2025\t\t80\t万人\tf\tH", "unit", "单位须为“人”"),
        ("insured_persons\t2025年\t\t1\t人\tf\tH", "period", "统计期须写作"),
        ("insured_persons\t2026Q4\t\t1\t人\tf\tH", "period", "尚未结束"),
        ("insured_persons\t2025\txz-99\t1\t人\tf\tH", "institution", "没有这个机构"),
        ("insured_persons\t2025\t\t八十万\t人\tf\tH", "value", "须为数字"),
        ("insured_persons\t2025\t\t\"800,000\"\t人\tf\tH", "value", "须为数字"),
        ("fj-mon-13\t2025\t\t93.5%\t分\tf\tH", "value", "须为数字"),
        ("fj-mon-08\t2025\t\t\t\tf\tH", "value", "须填写认定结果"),
        ("insured_persons\t2025\t\t1\t人\t\tH", "evidence", "须有依据文件"),
        ("insured_persons\t2025\t\t1\t人\tf\tabc", "sha256", "SHA-256"),
        ("insured_persons\t2025\t\t1\t人\tf\tH\ninsured_persons\t2025\t\t2\t人\tf\tH", "item", "已有一行"),
    ] {
        let text = format!("item\tperiod\tinstitution\tvalue\tunit\tevidence\tsha256\nchronic_managed\t2025\t\t1\t人\tf\tH\n{line}\n");
        let faults = read(&text.replace("\tH", &format!("\t{HASH}"))).unwrap_err();
        let fault = faults.iter().find(|f| f.column == column).unwrap_or_else(|| panic!("{line}: {faults:?}"));
        assert!(fault.line >= 3 && fault.zh.contains(zh) && !fault.en.is_empty(), "{line}: {fault:?}");
    }
    assert!(read("item\tperiod\tinstitution\tvalue\tunit\tevidence\tsha256\n").is_err(), "no rows");
    assert!(read("").is_err());
}

#[test]
fn an_empty_form_that_is_filled_in_is_taken() {
    let library = library();
    let form = template(&library, "2025", |d| d.document == "fj-mon");
    let mut filled: Vec<String> = form.lines().map(str::to_owned).collect();
    for line in filled.iter_mut().skip(1) {
        let mut cells: Vec<&str> = line.split(',').collect();
        (cells[3], cells[5], cells[6]) = ("12", "年报.pdf", HASH);
        *line = cells.join(",");
    }
    let taken = rows(&library, &filled.join("\n"), period("2026-11-22").first, &|_| true).unwrap();
    let items: Vec<&str> = taken.iter().map(|r| r.item.as_str()).collect();
    assert_eq!(taken.len(), filled.len() - 1);
    assert!(items.contains(&"fund_total") && items.contains(&"fj-mon-22") && !items.contains(&"fj-mon-05"), "{items:?}");
    assert!(!items.contains(&"resident_population"), "the population is configured");
    assert!(rows(&library, &form, period("2026-11-22").first, &|_| true).is_err(), "an empty form is not taken");
}

#[test]
fn populations_are_configured_with_their_source() {
    let library = library();
    let head = "item\tperiod\tvalue\tunit\tsource\n";
    let read = |line: &str| configured(&library, &format!("{head}{line}\n"));
    let good = read("resident_population\t2025\t745000\t人\t统计年鉴2025 第12页").unwrap();
    assert_eq!(good.given("resident_population", "")[0].source, Source::Configured("统计年鉴2025 第12页".into()));
    for (line, column) in [
        ("insured_persons\t2025\t1\t人\tx", "item"),
        ("resident_population\tx\t1\t人\tx", "period"),
        ("resident_population\t2025\tx\t人\tx", "value"),
        ("resident_population\t2025\t74.5\t万人\tx", "unit"),
        ("resident_population\t2025\t1\t人\t", "source"),
        ("resident_population\t2025\t1\t人\tx\nresident_population\t2025\t2\t人\tx", "period"),
    ] {
        assert_eq!(read(line).unwrap_err()[0].column, column, "{line}");
    }
    let mut forms = Forms::default();
    forms.apply(&submitted("s", "zhao", &[row("resident_population", "2025", "746000")])).unwrap();
    forms.apply(&Act::Approved(ruling("qian", &["s.1"], ""))).unwrap();
    let both = Both { forms: &forms, configured: &good };
    assert_eq!(both.given("resident_population", "").iter().map(|g| g.value.as_str()).collect::<Vec<_>>(), ["746000"]);
    let none = Both { forms: &forms, configured: &Configured::default() };
    assert_eq!(none.given("village_clinics", ""), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done in whatever order: what is used was approved by somebody else than its submitter, versions of one
    /// place are 1, 2, 3 …, one of them is in force, and folding again gives the same.
    #[test]
    fn forms_hold_in_any_order(steps in prop::collection::vec((0..3_u8, 0..3_u8, 0..4_u8, 0..6_u8), 1..40)) {
        let people = ["zhao", "qian", "sun"];
        let acts: Vec<Act> = steps.iter().enumerate().map(|(n, (what, who, item, of))| {
            let who = people[*who as usize];
            let id = format!("s{of}.1");
            match what {
                0 => submitted(&format!("s{of}"), who, &[row(["insured_persons", "fj-mon-13"][*item as usize % 2], ["2025", "2024"][*item as usize / 2], &n.to_string())]),
                1 => Act::Approved(ruling(who, &[&id], "")),
                _ => Act::Rejected(ruling(who, &[&id], "不符")),
            }
        }).collect();
        let (mut forms, mut again) = (Forms::default(), Forms::default());
        for act in &acts {
            let before = forms.entries().to_vec();
            let may = forms.check(act);
            prop_assert_eq!(&may, &forms.apply(act));
            if may.is_err() { prop_assert_eq!(&before, &forms.entries().to_vec()); }
        }
        for act in &acts { let _ = again.apply(act); }
        prop_assert_eq!(forms.entries(), again.entries());
        for e in forms.entries() {
            let ruled = e.state != State::Submitted;
            prop_assert_eq!(ruled, !e.ruled_by.is_empty() && e.ruled_by != e.submitter);
        }
        for item in ["insured_persons", "fj-mon-13"] {
            for text in ["2025", "2024"] {
                let mut of: Vec<_> = forms.entries().iter().filter(|e| e.row.item == item && e.row.period == text && e.version > 0).collect();
                of.sort_by_key(|e| e.version);
                prop_assert!(of.iter().enumerate().all(|(n, e)| e.version as usize == n + 1));
                prop_assert_eq!(of.iter().filter(|e| e.state == State::Approved).count(), usize::from(!of.is_empty()));
                let given = forms.given(item, "").into_iter().filter(|g| g.period == period(text)).count();
                prop_assert_eq!(given, usize::from(!of.is_empty()));
            }
        }
    }
}
