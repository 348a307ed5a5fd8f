//! Tables of ours in the forms in which sites have them.

use super::*;
use crate::Membership;

const ICD: &str = "#url\thttp://example.org/icd\n#oid\t2.16.1.1\n#version\t2.0\n#valueset\thttp://example.org/vs/icd\n# a note\n\
章代码范围\t章的名称\t类目代码\t类目名称\t诊断代码\t诊断名称\n\
A00-B99\t传染病\tA00\t霍乱\tA00.000\t古典生物型霍乱\n\
A00-B99\t传染病\tA00\t霍乱\tA00.100\t埃尔托生物型霍乱\n\
A00-B99\t传染病\tA01\t伤寒\tA01.000\t伤寒\n\
C00-D48\t肿瘤\tC00\t唇恶性肿瘤\tC00.000\t上唇外部恶性肿瘤\n";

fn load(text: &str) -> Result<(Terminology, Loaded), Vec<Finding>> {
    let mut t = Terminology::r4();
    let loaded = t.load_table("test.tsv", text.as_bytes())?;
    Ok((t, loaded))
}

#[test]
fn a_table_with_its_levels_becomes_a_hierarchy() {
    let (t, loaded) = load(ICD).unwrap();
    assert_eq!(loaded, Loaded { url: "http://example.org/icd".into(), version: "2.0".into(), codes: 9 });
    let system = t.system("urn:oid:2.16.1.1").unwrap();
    assert_eq!(system.display("A00.100"), Some("埃尔托生物型霍乱"));
    let table = &system.table;
    let path: Vec<&str> = table.above(table.find("A00.100").unwrap()).iter().map(|r| table.code(r)).collect();
    assert_eq!(path, ["A00-B99", "A00", "A00.100"]);
    assert_eq!(t.member_of("http://example.org/vs/icd", Some("urn:oid:2.16.1.1"), "A01.000"), Membership::In);
    assert_eq!(t.member_of("http://example.org/vs/icd", Some("http://example.org/icd"), "A01"), Membership::In);
    assert_eq!(t.member_of("http://example.org/vs/icd", Some("http://example.org/icd"), "Z99"), Membership::Out);
    assert_eq!(t.member_of("http://example.org/icd?fhir_vs=isa/A00", Some("http://example.org/icd"), "A00.000"), Membership::In);
    assert_eq!(t.member_of("http://example.org/icd?fhir_vs=isa/A00", Some("http://example.org/icd"), "A01.000"), Membership::Out);
}

#[test]
fn loinc_has_its_own_columns() {
    let csv = "\"LOINC_NUM\",\"COMPONENT\",\"SYSTEM\",\"SCALE_TYP\",\"STATUS\",\"LONG_COMMON_NAME\",\"EXTERNAL_COPYRIGHT_NOTICE\"\n\
        \"1-1\",\"Thing\",\"Ser\",\"Qn\",\"ACTIVE\",\"Thing, in serum\",\"long text\"\n\"2-2\",\"Other\",\"Bld\",\"Doc\",\"DEPRECATED\",\"Other\",\"\"\n";
    let mut t = Terminology::r4();
    let loaded = t.load_table_with("Loinc.csv", b"#version\t2.77\n", csv.as_bytes()).unwrap();
    assert_eq!((loaded.url.as_str(), loaded.version.as_str(), loaded.codes), ("http://loinc.org", "2.77", 2));
    let system = t.system("http://loinc.org").unwrap();
    assert_eq!(system.display("1-1"), Some("Thing, in serum"));
    assert!(system.table.is_inactive(system.table.find("2-2").unwrap()));
    let values: Vec<&str> = system.table.values(0).map(|v| v.1).collect();
    assert_eq!(values, ["Thing", "Ser", "Qn", "ACTIVE"]);
    // a value set of R4 that filters by one of its properties
    assert_eq!(t.member_of("http://hl7.org/fhir/ValueSet/doc-typecodes", Some("http://loinc.org"), "2-2"), Membership::In);
    assert_eq!(t.member_of("http://hl7.org/fhir/ValueSet/doc-typecodes", Some("http://loinc.org"), "1-1"), Membership::Out);
}

#[test]
fn two_versions_stand_side_by_side() {
    let mut t = Terminology::r4();
    for (version, code) in [("2011", "404\t静脉注射或静脉滴注"), ("extended", "404\t静脉注射\n405\t静脉滴注")] {
        let text = format!(
            "#url\turn:oid:1.2.3\n#alias\thttp://example.org/route\n#valueset\thttp://example.org/vs\n#version\t{version}\ncode\tdisplay\n{code}\n"
        );
        t.load_table("route.tsv", text.as_bytes()).unwrap();
    }
    assert_eq!(t.system("urn:oid:1.2.3|extended").unwrap().display("404"), Some("静脉注射"));
    assert_eq!(t.display("http://example.org/route", "404"), Some("静脉注射或静脉滴注"), "the newest");
    assert_eq!(t.display("urn:oid:1.2.3", "405"), Some("静脉滴注"));
    assert_eq!(t.is_known_code("urn:oid:1.2.3", None, "405"), Some(true));
    assert_eq!(t.is_known_code("urn:oid:1.2.3", Some("2011"), "405"), Some(false));
    assert_eq!(t.member_of("http://example.org/vs", Some("http://example.org/route"), "405"), Membership::In);
    assert_eq!(t.member_of("http://example.org/vs|2011", Some("http://example.org/route"), "405"), Membership::Out);
}

#[test]
fn bad_tables_are_refused_with_their_lines() {
    let head = "#url\thttp://example.org/x\n";
    for (text, line, expected) in [
        (format!("{head}code\tdisplay\n1\ta\n\tb\n"), 4, "code is empty"),
        (format!("{head}code\tdisplay\n1\ta\n1\tb\n"), 4, "twice"),
        (format!("{head}code\tdisplay\tparent\n1\ta\t\n2\tb\t9\n"), 4, "parent '9'"),
        (format!("{head}code\tdisplay\tparent\n1\ta\t2\n2\tb\t1\n"), 3, "circle"),
        (format!("{head}code\tdisplay\n1\ta\tb\n"), 3, "3 columns"),
        (format!("{head}code\tname\n1\ta\n"), 2, "no column 'display'"),
        (format!("{head}code,display\n1,\"a\n"), 3, "not closed"),
        ("code\tdisplay\n1\ta\n".to_owned(), 1, "#url"),
        ("#urll\thttp://x\ncode\tdisplay\n".to_owned(), 1, "'#urll'"),
        ("#column\ty=code\n#url\thttp://x\ncode\tdisplay\n".to_owned(), 3, "no column 'y'"),
    ] {
        let Err(findings) = load(&text) else { panic!("taken: {text}") };
        let first = &findings[0];
        assert!(first.en.contains(expected) && !first.zh.is_empty(), "{text}: {}", first.en);
        assert_eq!(first.location, Location::Path { expression: "test.tsv".into(), line, column: 0 }, "{text}: {}", first.en);
    }
    let mut t = Terminology::r4();
    let gb = [b"#url\thttp://x\ncode\tdisplay\n1\t".as_slice(), &[0xb0, 0xa1]].concat();
    assert!(t.load_table("x", &gb).unwrap_err()[0].en.contains("GB18030"));
    let many: String = (0..100).map(|_| "\tx\n").collect();
    let findings = t.load_table("x", format!("{head}code\tdisplay\n{many}").as_bytes()).unwrap_err();
    assert_eq!(findings.len(), SHOWN_MAX + 1);
    assert!(findings[SHOWN_MAX].en.contains("80"), "{}", findings[SHOWN_MAX].en);
}

#[test]
fn columns_can_be_named_otherwise() {
    let text = "#url\thttp://example.org/x\n#casesensitive\tfalse\n#column\t码=code\n#column\t词=display\n#column\t备=-\n\
码\t词\t备\tproperty:grade:integer\tinactive\tdesignation:en\nA\t甲\tx\t3\t是\tFirst\n";
    let (t, _) = load(text).unwrap();
    let system = t.system("http://example.org/x").unwrap();
    assert_eq!(system.has("a"), Some(true));
    let row = system.table.find("a").unwrap();
    assert!(system.table.is_inactive(row));
    let values: Vec<(String, &str)> = system.table.values(row).map(|(k, v)| (format!("{k:?}"), v)).collect();
    assert_eq!(values.len(), 2, "{values:?}");
    assert!(values[0].0.contains("grade") && values[0].0.contains("integer") && values[0].1 == "3");
    assert!(values[1].0.contains("\"en\"") && values[1].1 == "First");
}
