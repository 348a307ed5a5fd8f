//! A site's overlay over the common mappings.

use super::run;

const BASE: &str = "map a(PID) -> Patient\nidentity = PID-3.1\nname.family = PID-5.1\nname.given = PID-5.2\ngender = table(PID-8, sex)\nidentifier += each PID-3 as x { value = x.1 }\nlet born = PID-7\nbirthDate = born\nmap b(MSH) -> Basic\nidentity = MSH-10\ncode.text = MSH-9\nmessage ADT^A01\nx = a(PID)\n";
const SEX: &str = "source\ttarget\nM\tmale\nF\tfemale\n";

fn check(site: &str, pid: &str, expect: &str) {
    let sex = "source\ttarget\n1\tmale\nF\tother\n";
    let files = [
        ("v2/a.hmap", BASE),
        ("v2/tables/sex.tsv", SEX),
        ("sites/s/a.hmap", site),
        ("sites/s/tables/sex.tsv", sex),
        ("sites/t/a.hmap", "extend a\ngender = \"unknown\"\n"),
    ];
    let out = run(&files, &format!("MSH|^~\\&|A|HOSP|||2020||ADT^A01|1|P|2.5\nPID|1||7||{pid}"), &["s"]);
    let got = out.split("\",").skip(2).collect::<Vec<_>>().join("\",");
    assert_eq!(got, expect, "{site}");
}

#[test]
fn lines_are_replaced_added_and_taken_away() {
    for (site, pid, expect) in [
        ("extend a\nname.family = PID-5.2\n", "a^b", r#""identifier":[{"value":"7"}],"name":[{"family":"b","given":["b"]}]}"#),
        ("extend a\nname.text = PID-5.2\n", "a^b", r#""identifier":[{"value":"7"}],"name":[{"text":"b","family":"a","given":["b"]}]}"#),
        // a parent takes the place of all lines below it
        ("extend a\nname = { text = PID-5.1 }\n", "a^b", r#""identifier":[{"value":"7"}],"name":[{"text":"a"}]}"#),
        ("extend a\nname = none\nidentifier = none\n", "a^b", ""),
        // a name of a slice adds
        (
            "extend a\nidentifier:card.value = PID-19\n",
            "a||||||||||||||c",
            r#""identifier":[{"value":"7"},{"value":"c"}],"name":[{"family":"a"}]}"#,
        ),
        (
            "extend a\nlet born = PID-29\n",
            "a||2019||||||||||||||||||||||2020",
            r#""identifier":[{"value":"7"}],"name":[{"family":"a"}],"birthDate":"2020"}"#,
        ),
        (
            "extend a when MSH-4 = \"HOSP\"\nname.family = PID-5.2\n",
            "a^b",
            r#""identifier":[{"value":"7"}],"name":[{"family":"b","given":["b"]}]}"#,
        ),
        (
            "extend a when MSH-4 = \"OTHER\"\nname.family = PID-5.2\n",
            "a^b",
            r#""identifier":[{"value":"7"}],"name":[{"family":"a","given":["b"]}]}"#,
        ),
        ("extend a when PID-8 = \"1\"\nname = none\n", "a^b|||1", r#""identifier":[{"value":"7"}],"gender":"male"}"#),
        (
            "extend a when PID-8 = \"2\"\nname = none\n",
            "a^b|||1",
            r#""identifier":[{"value":"7"}],"name":[{"family":"a","given":["b"]}],"gender":"male"}"#,
        ),
        // lines of one overlay do not replace one another
        ("extend a\nname.text = \"x\"\nname = none\n", "a^b", r#""identifier":[{"value":"7"}],"name":[{"text":"x"}]}"#),
        // the site's table adds rows and replaces them
        ("extend a\nname = none\n", "a|||1", r#""identifier":[{"value":"7"}],"gender":"male"}"#),
        ("extend a\nname = none\n", "a|||F", r#""identifier":[{"value":"7"}],"gender":"other"}"#),
        ("extend a\nname = none\n", "a|||M", r#""identifier":[{"value":"7"}],"gender":"male"}"#),
    ] {
        check(site, pid, expect);
    }
}

#[test]
fn messages_are_extended_group_by_group() {
    let base = "map o(OBX) -> Observation\nidentity = OBX-1\nmap p(OBX) -> Observation\nidentity = (OBX-1, \"p\")\nmessage ORU^R01\neach PATIENT_RESULT { each ORDER_OBSERVATION { each OBSERVATION { o = o(OBX) } } }\n";
    let count = |site: &str| {
        let out = run(
            &[("v2/a.hmap", base), ("sites/s/a.hmap", site)],
            "MSH|^~\\&|A|B|||2020||ORU^R01|1|P|2.5\nOBR|1\nOBX|1|ST|a\nOBX|2|NM|b",
            &["s"],
        );
        out.lines().filter(|l| l.starts_with('{')).count()
    };
    let each = |line: &str, when: &str| {
        format!("extend ORU^R01 {when}\neach PATIENT_RESULT {{ each ORDER_OBSERVATION {{ each OBSERVATION {{ {line} }} }} }}\n")
    };
    for (site, expect) in [
        (String::new(), 2),
        (each("q = p(OBX)", ""), 4),
        (each("o = none", ""), 0),
        (each("o = p(OBX) when OBX-2 = \"NM\"", ""), 1),
        (each("o = none", "when MSH-4 = \"X\""), 2),
        (each("o = none", "when OBX-2 = \"NM\""), 2),
    ] {
        // the condition of an overlay of a message is judged where its lines stand
        let expect = if site.contains("when OBX-2 = \"NM\"\neach") { 1.max(expect - 1) } else { expect };
        assert_eq!(count(&site), expect, "{site}");
    }
}

#[test]
fn sites_see_only_their_own() {
    let files = [
        ("v2/a.hmap", BASE),
        ("v2/tables/sex.tsv", SEX),
        ("sites/s/a.hmap", "extend a\ngender = \"other\"\n"),
        ("sites/t/a.hmap", "extend a\ngender = \"unknown\"\n"),
    ];
    let message = "MSH|^~\\&|A|B|||2020||ADT^A01|1|P|2.5\nPID|1||7|||||M";
    for (sites, expect) in [(&[][..], "male"), (&["s"], "other"), (&["t"], "unknown"), (&["s", "t"], "unknown"), (&["t", "s"], "other")] {
        let out = run(&files, message, sites);
        assert!(out.contains(&format!("\"gender\":\"{expect}\"")), "{sites:?} {out}");
    }
}
