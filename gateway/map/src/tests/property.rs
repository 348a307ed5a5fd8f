//! Plans take any message: no panic, nothing empty, every origin points into the message.

use hutong_decode::v2::{Grammar, Limits, arrange, parse};
use hutong_fhir::{Kind, NodeRef};
use proptest::prelude::*;
use std::sync::LazyLock;

use crate::{Context, Mappings, testing};

const MAP: &str = "
absent \"-\" as unknown
map CWE(c) -> CodeableConcept
coding.system = system(c.3, code: c.1)
coding.code = c.1
text = c.9 | c.2
map CX(x) -> Identifier
value = x.1 required
system = system(x.4)
period.start = DTM(x.7)
map Quantity(n, unit: u?) -> Quantity
value = decimal(n) required
unit = u.2 | u.1
map patient(PID) -> Patient
identity = key(PID-3[.5 = \"MR\"]) | key(PID-3)
update = merge
identifier += CX(PID-3~)
name += each PID-5[.1 or .2] as n { family = n.1.1 given:a += n.2 period.start = DTM(n.12) }
gender = table(PID-8, sex) else warn \"'{PID-8}'\"
birthDate = date(PID-7)
birthDate.extension(\"http://hl7.org/fhir/StructureDefinition/patient-birthTime\") = dateTime(PID-7) when PID-7 matches timed
map obs(OBX, NTE*, patient?, OBR?) -> Observation
identity = (key(OBX-21) | OBX-3.1, OBX-1, nth(OBX-3.1, OBX-4))
status = table(OBX-11, status) | \"unknown\"
code = CWE(OBX-3) required
subject = ref(patient)
performer += ref(doctor(OBX-16~))
effective = DTM(OBX-14) | DTM(OBR-7)
value = by OBX-2 { NM : Quantity(OBX-5, unit: OBX-6) | string(OBX-5~) CWE : CWE(OBX-5) ED : none TM : time(OBX-5) else : raw(OBX-5~) }
note += each NTE as n { text = markdown(n-3~) }
extension(\"urn:x\") += split(OBX-8, \"+\")
map doctor(x) -> Practitioner
identity = key(x)
display = concat(x.3, \" \", x.2)
name.family = x.2
message ORU^R01
each PATIENT_RESULT { patient = patient(PID)
 each ORDER_OBSERVATION { each OBSERVATION { obs = obs(OBX, NTE*, patient?, OBR?) } } }
";

static MAPPINGS: LazyLock<Mappings> = LazyLock::new(|| {
    testing::load(&[("a.hmap", MAP), ("tables/sex.tsv", "source\ttarget\nM\tmale\n"), ("tables/status.tsv", "source\ttarget\nM\tfinal\n")])
        .unwrap_or_else(|e| panic!("{e}"))
});

/// Values as they come, and as they should not.
fn value() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "",
        "-",
        "\"\"",
        "a",
        "M",
        "5",
        "<5",
        "+.5",
        "20200102",
        "20200102030405.5-0500",
        "00000000",
        "2020-1-2 3:4",
        "张三",
        "^",
        "&",
        "~",
        "\\T\\",
        "\\X0D\\",
        "\\.br\\",
        " ",
        "NM",
        "CWE",
        "ED",
        "LN",
        "1.2.3",
        "MR",
        "昢諂",
        "\u{3000}",
        "\\",
    ]);
    prop::collection::vec(pieces, 0..6).prop_map(|v| v.concat())
}

fn segment() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["PID", "OBR", "OBX", "NTE", "PV1", "ZZZ", "SPM"]);
    (names, prop::collection::vec(value(), 0..24)).prop_map(|(n, f)| format!("{n}|{}", f.join("|")))
}

/// An element holds a value or something below it; a string is not blank.
fn nothing_empty(node: NodeRef<'_>) -> bool {
    let here = match node.kind() {
        Kind::Object | Kind::Empty => node.has_children(),
        _ => node.value().is_some_and(|v| !v.trim().is_empty()),
    };
    here && node.children().all(nothing_empty)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn plans_never_fail(segments in prop::collection::vec(segment(), 0..8)) {
        let text = format!("MSH|^~\\&|A|B|||20200101+0100||ORU^R01|1|P|2.5\r{}", segments.join("\r"));
        let parsed = parse(&text, &Limits::default());
        let arrangement = arrange(&parsed.message, Grammar::get());
        let mapped = MAPPINGS.apply(&parsed.message, &arrangement, &Context { namespace: "n", zone_minutes: 480, sites: &[] });
        for r in &mapped.resources {
            prop_assert!(nothing_empty(r.tree.root()), "{text}");
            let mut open = vec![r.tree.root()];
            while let Some(node) = open.pop() {
                open.extend(node.children());
                if let Some(l) = mapped.lineage.get(node.origin() as usize) {
                    prop_assert!(l.start <= l.end && text.get(l.start as usize..l.end as usize).is_some(), "{text}");
                }
            }
        }
    }

    /// Text that is no mapping is answered with diagnostics; laid out, a mapping stays what it is.
    #[test]
    fn any_text_is_parsed(words in prop::collection::vec(prop::sample::select(vec!["map", "a", "(", ")", "->", "Patient", "\n", "=", "+=", "|", "{", "}", "each", "as", "by", "OBX", "-", "5", ".", "~", "[", "]", "\"x\"", "when", "else", "required", ":", "extend", "message", "not", "#c\n", "“", "$", ";"]), 0..40)) {
        let text = words.join(" ");
        let (_, _) = crate::syntax::parse(&text, 0);
        if let Ok(laid) = crate::format(&text) {
            prop_assert_eq!(crate::format(&laid).ok(), Some(laid.clone()));
        }
    }
}
