//! The tables that are shipped can be read, and the decision does what each line of them says.

use super::*;

const MARKS: &str = include_str!("../../../../profiles/policy/recognition/marks.tsv");
const REASONS: &str = include_str!("../../../../profiles/policy/recognition/reasons.tsv");
const HUBEI: &str = include_str!("../../../../profiles/policy/recognition/hubei-2023.rules.tsv");
const DEMO: &str = include_str!("../../../../profiles/policy/recognition/demo.rules.tsv");

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
