//! Placeholders and v2 null.

use super::{lines_with, run};

const ABSENT: &str = "absent \"-\", \"无\" as unknown\nabsent \"不适用\" as not-applicable\nmap CWE(c) -> CodeableConcept\ncoding.system = \"urn:s\"\ncoding.code = c.1\ntext = c.2\nmap CX(x) -> Identifier\nuse = \"usual\"\nvalue = x.1\n";
const DAR: &str = r#""extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]"#;

#[test]
fn placeholders_give_a_reason_in_place_of_a_value() {
    for (lines, obx, expect) in [
        ("issued = OBX-14", "ST||||||||||||-", format!("{{\"_issued\":{{{DAR}}}}}")),
        ("code = CWE(OBX-3)", "ST|无", format!("{{\"code\":{{{DAR}}}}}")),
        ("code = CWE(OBX-3)", "ST|无^x", r#"{"code":{"text":"x"}}"#.to_owned()),
        ("issued = OBX-14", "ST||||||||||||不适用", format!("{{\"_issued\":{{{}}}}}", DAR.replace("unknown", "not-applicable"))),
        // nor where R4 requires a code
        ("status = OBX-11", "ST|||||||||-", "{}".to_owned()),
        ("issued = OBX-14 | OBX-19", "ST||||||||||||-|||||20200102030405", r#"{"issued":"2020-01-02T03:04:05+08:00"}"#.to_owned()),
        // nothing in lists and choices
        ("identifier += CX(OBX-21~)", "ST|||||||||||||||||||-", "{}".to_owned()),
        ("effective = DTM(OBX-14)", "ST||||||||||||-", "{}".to_owned()),
        // the result itself is no placeholder
        ("value = string(OBX-5)", "ST|||-", r#"{"valueString":"-"}"#.to_owned()),
        ("dataAbsentReason.coding.code = absent(OBX-5)", "ST|||-", r#"{"dataAbsentReason":{"coding":[{"code":"unknown"}]}}"#.to_owned()),
        ("status = \"final\" when OBX-11", "ST|||||||||-", "{}".to_owned()),
    ] {
        assert_eq!(lines_with(ABSENT, lines, obx), expect, "{lines} {obx}");
    }
}

#[test]
fn null_clears_what_is_merged() {
    let map = |update: &str| {
        format!(
            "map p(PID) -> Patient\nidentity = PID-3.1\nupdate = {update}\ngender = code(PID-8)\nname.family = PID-5.1\nname.given = PID-5.2\nbirthDate = PID-7\naddress += each PID-11 as a {{ city = a.3 }}\nmessage ADT^A08\np = p(PID)\n"
        )
    };
    let run = |update: &str, pid: &str| {
        let out = run(&[("a.hmap", &map(update))], &format!("MSH|^~\\&|A|B|||2020||ADT^A08|1|P|2.5\nPID|1||7||{pid}"), &[]);
        out.split(" clear ").nth(1).unwrap_or("").to_owned()
    };
    for (update, pid, expect) in
        [("merge", "\"\"||\"\"|\"\"", "name gender birthDate"), ("merge", "\"\"^Wei||2020", ""), ("replace", "\"\"||\"\"", "")]
    {
        assert_eq!(run(update, pid), expect, "{update} {pid}");
    }
}
