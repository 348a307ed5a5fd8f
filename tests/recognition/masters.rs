//! Tables with faults, by the command, over a real socket: each is refused as a whole, every fault is told with its line, and
//! nothing of it is in force. The gateway that keeps them is stopped and started at the end: it is as it was.

use std::path::Path;

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::http::get;

const GOOD: [(&str, &str); 5] = [
    ("institutions", "code,name,region,tier,community\nH1,县人民医院,500236,county,C\nT1,永安镇卫生院,500236,township,C\n"),
    ("items", "code,name,kind,unit\nK,血清钾,检验,mmol/L\nCT-HEAD,头颅CT,影像,\n"),
    ("departments", "institution,code,name\nH1,LAB,检验科\n"),
    ("practitioners", "institution,code,name\nT1,7001,周医生\n"),
    ("prices", "institution,item,price\n*,K,8.50\n"),
];

const RULES: &str = "#set s\n#version 1\n#source test\n#effective_from 2026-01-01\nitem,kind,setting,valid,from,reach,mark,compare\n";
const CERTIFICATES: &str = "#version 1\ninstitution,item,scheme,year,result,valid_from,valid_to\n";

/// A table, its faults, and where each is said to be.
fn bad() -> Vec<(&'static str, String, Vec<&'static str>)> {
    vec![
        (
            "institutions",
            "code,name,region,tier,parent,uscc,effective_from,effective_to\nH1,甲,500236,county,,,2026-01-01,2026-06-30\nH1,甲,500236,county,,,2026-06-30,\n\
             H2,乙,500236,county,H9,,,\nH3,丙,500236,county,,91350100M000100Y44,,\nH4,丁,500236,galaxy,,,,\n"
                .into(),
            vec!["line 3, effective_from", "line 5, uscc", "line 6, tier"],
        ),
        ("institutions", "code,name,region,tier,parent\nH1,甲,500236,county,\nH2,乙,500236,county,H9\nH3,丙,500236,county,H3\n".into(), vec!["line 3, parent", "line 4, parent"]),
        ("departments", "institution,code,name\nH1,LAB,检验科\nH1,LAB,检验一科\nH9,LAB,检验科\nH1,,内科\n".into(), vec!["line 3, effective_from", "line 4, institution", "line 5, code"]),
        ("practitioners", "institution,code,name\nH9,1,甲\nH1,1,甲\nH1,1,乙\n".into(), vec!["line 2, institution", "line 4, effective_from"]),
        (
            "items",
            "code,name,kind,parts,unit\nK,血清钾,检验,,mmol/L\nK,钾,检验,,mmol/L\nX,丁,巫术,,\nY,戊,检验,,毫摩\n".into(),
            vec!["line 3, effective_from", "line 4, kind", "line 5, unit"],
        ),
        ("items", "code,name,kind,parts\nK,血清钾,检验,\nP,电解质,检验,K NA\nQ,全套,检验,P\n".into(), vec!["line 3, parts", "line 4, parts"]),
        (
            "item-codes",
            "institution,system,code,item\nH1,-,k1,K\nH1,-,k1,K\nH1,-,k2,NA\nH9,-,k3,K\nH1,,k4,K\n".into(),
            vec!["line 3, effective_from", "line 4, item", "line 5, institution", "line 6, system"],
        ),
        (
            "prices",
            "institution,item,price,effective_from,effective_to\n*,K,8.50,2026-01-01,2026-12-31\n*,K,9.50,2026-12-31,\nH9,K,1,,\nH1,NA,1,,\nH1,K,1.005,,\n".into(),
            vec!["line 3, effective_from", "line 4, institution", "line 5, item", "line 6, price"],
        ),
        ("rules", format!("{RULES}K,laboratory,any,7d,report,province,no,\nK,laboratory,inpatient,3d,report,province,no,\nK,laboratory,any,7,report,city,no,\n"), vec!["line 7, item", "line 8, valid"]),
        ("rules", format!("{RULES}NA,laboratory,any,7d,report,province,no,\nCT-HEAD,laboratory,any,7d,report,province,no,\n"), vec!["line 6, item", "line 7, kind"]),
        ("rules", RULES.replace("#source test", "#regions 重庆\n#source test"), vec!["regions"]),
        (
            "certificates",
            format!("{CERTIFICATES}H1,K,全国,2026,合格,2026-01-01,2026-12-31\nH1,K,全国,2026,合格,2026-12-31,2027-12-31\nH1,K,省,2026,也许,2026-01-01,2026-12-31\n"),
            vec!["line 4, valid_from", "line 5"],
        ),
        ("certificates", format!("{CERTIFICATES}H9,K,省,2026,合格,2026-01-01,2026-12-31\nH1,NA,省,2026,合格,2026-01-01,2026-12-31\n"), vec!["line 3, institution", "line 4, item"]),
        ("marks", "text,scope,regions\n渝HR,province,50\n渝HR,city,5001\n全国HR,national,50\n".into(), vec!["line 3, text", "line 4, scope"]),
        ("reasons", "code,zh,en,counts\n01,甲,a,yes\n01,乙,b,no\n02,丙,c,perhaps\n".into(), vec!["line 3, code", "line 4"]),
    ]
}

fn import(dir: &Path, to: &str, table: &str, text: &str, more: &[&str]) -> (i32, String) {
    let file = dir.join(format!("{table}-1.csv"));
    std::fs::write(&file, text).unwrap();
    let out = hutong().args(["import", table]).arg(&file).args(["--to", to, "--by", "tester"]).args(more).output().unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
}

#[test]
fn a_bad_table_is_refused_whole_with_its_lines() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let gateway = Gateway::start(&data);
    let to = format!("http://{}", gateway.http);
    for (table, text) in GOOD {
        let (code, said) = import(dir.path(), &to, table, text, &[]);
        assert_eq!(code, 0, "{table}: {said}");
    }
    let before = get(gateway.http, "/admin/registry").json();
    for (table, text, places) in bad() {
        for more in [&["--dry-run"][..], &[]] {
            let (code, said) = import(dir.path(), &to, table, &text, more);
            assert_eq!(code, 1, "{table} {more:?}: {said}\n{text}");
            for place in &places {
                assert!(said.contains(place), "{table}: {place} is not told of: {said}\n{text}");
            }
            let told = said.lines().filter(|l| l.starts_with("  ")).count();
            assert_eq!(told, places.len(), "{table}: {said}");
        }
        assert_eq!(get(gateway.http, "/admin/registry").json(), before, "{table}: nothing of it is in force");
    }
    drop(gateway);
    assert_eq!(get(Gateway::start(&data).http, "/admin/registry").json(), before, "after a restart");
}
