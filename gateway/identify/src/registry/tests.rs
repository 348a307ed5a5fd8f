//! Tables in force by day, imports that are refused, and what would change.

use super::*;

const INSTITUTIONS: &str = "code\tname\tregion\ttier\tws218\tcommunity\tleads\teffective_from\teffective_to
H1\t县人民医院\t500236\t县\tA100\tfj\tyes\t\t
T1\t青龙镇卫生院\t500236\t乡\tC220\tfj\t\t\t2026-06-30
T1\t青龙镇中心卫生院\t500236\t乡\tC210\tfj\t\t2026-07-01\t
V1\t双河村卫生室\t500236\t村\tD600\tfj\t\t\t
";
const ITEMS: &str = "code,name,kind,parts,loinc,unit\nALT,丙氨酸氨基转移酶,检验,,1742-6,U/L\nAST,天冬氨酸氨基转移酶,检验,,1920-8,U/L\nLF,肝功能,检验,ALT AST,,\n";

fn import(table: Table, text: &str) -> Import {
    Import { table, version: "1".to_owned(), by: "test".to_owned(), text: text.to_owned() }
}

fn registry() -> Registry {
    let mut r = Registry::default();
    for (table, text) in [
        (Table::Institutions, INSTITUTIONS),
        (Table::Items, ITEMS),
        (Table::ItemCodes, "institution\tsystem\tcode\titem\nH1\turn:lis\tGPT\tALT\n*\turn:all\tSGPT\tALT\n"),
        (Table::Prices, "institution\titem\tprice\n*\tALT\t8.5\nT1\tALT\t6\n"),
    ] {
        r.apply(&import(table, text)).unwrap();
    }
    r
}

/// 2026-06-30T23:59:59+08:00 and a second later.
const JUNE: i64 = 1_782_835_199_000_000;
const JULY: i64 = JUNE + 1_000_000;

#[test]
fn a_row_holds_on_its_days() {
    let r = registry();
    assert_eq!(r.institution("T1", JUNE).map(|i| (&*i.name, &*i.ws218)), Some(("青龙镇卫生院", "C220")));
    assert_eq!(r.institution("T1", JULY).map(|i| (&*i.name, i.tier)), Some(("青龙镇中心卫生院", Tier::Township)));
    assert!(r.institution("H1", 0).is_some_and(|i| i.leads) && r.institution("X", JULY).is_none());
    assert_eq!(r.institutions(JULY).count(), 3);
}

#[test]
fn an_item_is_found_by_any_of_its_codes() {
    let r = registry();
    let of = |who, system, code| r.item_of(who, system, code, JULY).map(|i| i.code.as_str());
    assert_eq!(of("H1", "urn:lis", "GPT"), Some("ALT"));
    assert_eq!(of("T1", "urn:lis", "GPT"), None, "another institution's code");
    assert_eq!(of("T1", "urn:all", "SGPT"), Some("ALT"));
    assert_eq!(of("T1", "http://loinc.org", "1920-8"), Some("AST"));
    assert_eq!(r.codes_of("ALT").len(), 4);
    assert_eq!(r.price("T1", "ALT", JULY).map(|(p, v)| (p.fen, v)), Some((600, "1")));
    assert_eq!(r.price("H1", "ALT", JULY).map(|(p, _)| p.fen), Some(850));
}

#[test]
fn bad_tables_are_refused_as_a_whole() {
    for (table, text, expect) in [
        (Table::Institutions, "code\tname\tregion\ttier\nA\ta\t500236\t县\nA\tb\t500236\t县\n", vec![3]),
        (
            Table::Institutions,
            "code\tname\tregion\ttier\teffective_from\teffective_to\nA\ta\t500236\t县\t\t2026-01-31\nA\tb\t500236\t县\t2026-01-31\t\n",
            vec![3],
        ),
        (
            Table::Institutions,
            "code\tname\tregion\ttier\teffective_from\nA\ta\t50023\t县\t\nB\tb\t500236\t省\t\nC\t\t500236\t县\t\nD\td\t500236\t县\t2026-02-30x\n",
            vec![2, 3, 4, 5],
        ),
        (Table::Institutions, "code\tname\tregion\ttier\tuscc\nA\ta\t500236\t县\t12360000491015900X\n", vec![2]),
        (Table::Departments, "institution\tcode\tname\nH1\tLAB\t检验科\nZ\tLAB\t检验科\n", vec![3]),
        (Table::Items, "code\tname\tkind\tparts\nA\ta\t检验\tB\nC\tc\t检验\t\nD\td\t检验\tC\nE\te\t检验\tD\n", vec![2, 5]),
        (Table::Items, "code\tname\tkind\tunit\nA\ta\t检验\t毫摩尔\n", vec![2]),
        (Table::ItemCodes, "institution\tsystem\tcode\titem\nH1\tu\tc\tALT\nH1\tu\tc\tAST\nH1\tu\td\tNONE\n", vec![3, 4]),
        (Table::Prices, "institution\titem\tprice\nH1\tALT\t-1\nH1\tAST\t1.234\nH1\tLF\t八元\n", vec![2, 3, 4]),
    ] {
        let mut r = registry();
        let before = r.institutions(JULY).count();
        let lines: Vec<usize> = r.apply(&import(table, text)).unwrap_err().iter().map(|f| f.line).collect();
        assert_eq!(lines, expect, "{text}");
        assert_eq!((r.institutions(JULY).count(), r.version(Table::Institutions)), (before, Some("1")));
    }
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let r = registry();
    let text = INSTITUTIONS
        .replace("双河村卫生室", "双河村第一卫生室")
        .replace("H1\t县人民医院\t500236\t县\tA100\tfj\tyes\t\t\n", "H2\t中医院\t500236\t县\tA210\tfj\t\t\t\n");
    let diff = r.diff(&import(Table::Institutions, &text)).unwrap();
    assert_eq!((diff.added, diff.changed, diff.removed, diff.same), (vec!["H2".into()], vec!["V1".into()], vec!["H1".into()], 1));
    assert!(r.institution("H1", JULY).is_some());
}
