//! What is said about wrong mappings: where, why, and what was probably meant.

use crate::testing::load;

/// The diagnostics of a mapping: `line:column code: text (suggestion)`.
fn faults(text: &str) -> Vec<String> {
    let table = "source\ttarget\nF\tfinal\nX\tfinished\n";
    let Err(out) = load(&[("a.hmap", text), ("tables/status.tsv", table)]) else { return Vec::new() };
    let mut got = Vec::new();
    let mut lines = out.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(head) = line.strip_prefix("error[").or(line.strip_prefix("warning[")) else {
            if let (Some(instead), Some(last)) = (line.trim().strip_prefix("= did you mean `"), got.last_mut()) {
                let last: &mut String = last;
                last.push_str(&format!(" → {}", instead.trim_end_matches("`?")));
            }
            continue;
        };
        let place = lines.peek().map_or("", |l| l.trim().trim_start_matches("--> "));
        let place = place.split_once(':').map_or(place, |(_, p)| p);
        got.push(format!("{place} {}", head.replace("]:", ":")));
    }
    got
}

fn check(lines: &str, expect: &[&str]) {
    let text = format!("map t(OBX, patient?) -> Observation\nidentity = OBX-1\n{lines}\n");
    assert_eq!(faults(&text), expect, "{lines}");
}

#[test]
fn elements_and_types() {
    for (lines, expect) in [
        ("staus = \"final\"", &["3:1 element.unknown: Observation has no element `staus` → status"][..]),
        ("code.txt = OBX-3.2", &["3:6 element.unknown: CodeableConcept has no element `txt` → text"]),
        (
            "status = \"finale\"",
            &[
                "3:10 literal.code: `finale` is not in the value set http://hl7.org/fhir/ValueSet/observation-status that Observation.status requires (amended, cancelled, corrected, entered-in-error, final, preliminary, registered, unknown) → \"final\"",
            ],
        ),
        ("issued = \"yesterday\"", &["3:10 literal.form: `yesterday` is not a valid instant"]),
        ("code = OBX-3", &["3:8 type.needs_map: Observation.code is of type CodeableConcept: a map has to make it"]),
        ("subject = patient", &["3:11 type.needs_map: Observation.subject is of type Reference: a map has to make it → ref(patient)"]),
        ("code = \"x\"", &["3:8 type.wrong: Observation.code is of type CodeableConcept; it cannot be `x` → { text = \"x\" }"]),
        ("status = decimal(OBX-5)", &["3:10 type.wrong: what `decimal` gives cannot stand in Observation.status (code) → code"]),
        ("status += OBX-11", &["3:1 target.list: Observation.status is no list; use `=` → status ="]),
        (
            "status = OBX-11\nstatus = \"final\"",
            &["4:1 target.twice: `status` is written twice; lines of a list get a name each, as in `status:another`"],
        ),
        (
            "value = { code = OBX-3.1 }",
            &["3:11 type.ambiguous: Observation.value may be Quantity, CodeableConcept; say which with `as Type`"][..0],
        ),
        ("value = { text = OBX-3.1 } as Coding", &["3:31 type.wrong: Observation.value cannot be Coding"]),
        ("value = { nothing = OBX-3.1 }", &["3:11 type.ambiguous: no type of Observation.value has an element `nothing`"]),
        (
            "status = table(OBX-11, status)",
            &[
                "3:1 literal.code: `finished` is not in the value set http://hl7.org/fhir/ValueSet/observation-status that Observation.status requires (amended, cancelled, corrected, entered-in-error, final, preliminary, registered, unknown)",
            ],
        ),
    ] {
        check(lines, expect);
    }
}

#[test]
fn names_and_paths() {
    for (lines, expect) in [
        ("status = OBR-25", &["3:10 name.segment: OBR is no parameter of `t`; add `OBR?` to its parameters → OBX"][..]),
        ("code.text = pateint", &["3:13 name.unknown: there is no parameter or `let` named `pateint` → patient"]),
        ("code.text = OBX-99", &["3:17 field.unknown: the segment OBX has 33 fields"]),
        ("code.text = OBX-3.44", &["3:19 component.unknown: the data type CWE (of `OBX`) has 22 components"]),
        ("code.text = OBX-0", &["3:17 syntax.path: numbers begin at 1"]),
        ("code.text = OBX-3.1.1.1", &["3:23 syntax.path: a path ends at the subcomponent: `OBX-5.2.1`"]),
        ("code.text = patient-3", &["3:21 path.field: `patient` is no segment and has no fields; a component is `patient.1`"]),
        ("code.text = strng(OBX-5)", &["3:13 function.unknown: there is no map or function `strng` → string"]),
        ("status = table(OBX-11, statu)", &["3:24 table.unknown: there is no table `statu` (a file tables/statu.tsv) → status"]),
        (
            "status = \"final\" when OBX-5 matches digit",
            &[
                "3:37 class.unknown: there is no class `digit` (digits, letters, chinese, idcard, number, oid, uuid, uri, timed, marked, test, recognition, institution) → digits",
            ],
        ),
        ("code.text = concat()", &["3:13 argument.count: `concat` takes 1–24 arguments"]),
        ("code.text = base64(OBX-5, encodin: OBX-6)", &["3:27 argument.unknown: `base64` has no argument `encodin` → encoding"]),
        ("let x = OBX-5\nlet x = OBX-6", &["4:5 name.twice: the name `x` is taken"]),
        ("value = by OBX-2 { A: \"a\" A: \"b\" }", &["3:27 by.twice: the value `A` has two branches"]),
    ] {
        check(lines, expect);
    }
}

#[test]
fn notation() {
    for (lines, expect) in [
        ("status \"final\"", &["3:8 syntax: `=` or `+=` is needed here, not `\"final\"`"][..]),
        ("status = ", &["4:1 syntax: a value is needed here, not the end of the line"]),
        ("status = table(OBX-11", &["4:1 syntax: `)` is needed here, not the end of the line"]),
        ("status = “final”", &["3:10 syntax.character: `“` cannot stand here → \"", "3:16 syntax.character: `”` cannot stand here → \""]),
        ("status = \"final", &["3:10 syntax.text: the text is not closed on this line"]),
        ("status = \"final\" \"x\"", &["3:18 syntax: a new line (or `;`) is needed here, not `\"x\"`"]),
        ("note += each OBX-5 n { text = n }", &["3:20 syntax: `as` is needed here, not `n`"]),
        ("}", &["3:1 syntax: the name of an element is needed here, not `}`"]),
        ("identity = OBX-3.1\nstatus = OBX-11 wen OBX-5", &["4:17 syntax: a new line (or `;`) is needed here, not `wen`"]),
    ] {
        check(lines, expect);
    }
    // a wrong line does not hide the next one
    check(
        "status \"final\"\nstaus = \"final\"",
        &["3:8 syntax: `=` or `+=` is needed here, not `\"final\"`", "4:1 element.unknown: Observation has no element `staus` → status"],
    );
}

#[test]
fn declarations() {
    for (text, expect) in [
        (
            "mp t(OBX) -> Observation\n",
            &["1:1 syntax.declaration: a declaration is needed here: `map`, `message`, `extend` or `absent` → map"][..],
        ),
        ("map t(OBX) -> Observaton\n", &["1:15 type.unknown: FHIR R4 has no type `Observaton` → Observation"]),
        (
            "map t(OBX) -> Observation\nstatus = \"final\"\n",
            &["1:1 map.identity: the map `t` has no `identity` line: nothing says what makes it the same thing again"],
        ),
        ("map t(OBY) -> Observation\nidentity = \"x\"\n", &["1:7 segment.unknown: HL7 v2 has no segment `OBY` → OBR"]),
        ("map string(x) -> string\nvalue = x\n", &["1:5 map.builtin: `string` is the name of a builtin"]),
        (
            "map a(x) -> Coding\ncode = x.1\nmap a(y) -> Coding\ncode = y.1\n",
            &["3:5 map.twice: there is a map `a` to Coding already; use `extend` to change it"],
        ),
        (
            "map a(x) -> Coding\nextension(\"u\") = b(x)\nmap b(x) -> Coding\nextension(\"u\") = a(x)\n",
            &["1:1 map.recursion: the map `a` ends up calling itself"],
        ),
        ("map a(x) -> code\nother = x\n", &["2:1 target.primitive: in a map to a primitive type the only target is `value`"]),
        ("extend a\nx = \"y\"\n", &["1:8 extend.unknown: there is no map or message `a`"]),
        ("map ab(x) -> Coding\ncode = x\nextend ac\ncode = none\n", &["3:8 extend.unknown: there is no map or message `ac` → ab"]),
        ("message ORU^R01\nx = y(OBX)\n", &["2:5 function.unknown: there is no map or function `y`"]),
        (
            "message ORU^R01\neach PATIENT_RESLT { }\n",
            &["2:6 group.unknown: the structure of ORU^R01 has no group `PATIENT_RESLT` → PATIENT_RESULT"],
        ),
        ("message ORU^R99X\n", &["1:9 message.unknown: HL7 v2 has no message `ORU^R99X`"][..0]),
        ("message XZQZ_Q01\n", &["1:9 message.unknown: HL7 v2 has no message `XZQZ_Q01`"]),
        (
            "map a(PID, other) -> Patient\nidentity = PID-3.1\nmessage ADT^A01\nx = a(PID, y)\n",
            &["4:12 name.unknown: there is no resource `y` here → x"],
        ),
        (
            "map a(PID) -> Patient\nidentity = PID-3.1\nmap b(PID, p) -> Patient\nidentity = (PID-3.1)\nmap c(OBX, p) -> Observation\nidentity = OBX-1\nencounter = ref(p)\nmessage ORU^R01\np = a(PID)\no = c(OBX, p)\n",
            &["7:17 ref.target: Observation.encounter cannot refer to Patient, which a message passes here, only to Encounter"],
        ),
        (
            "map a(PID) -> Patient\nidentity = PID-3.1\nmanagingOrganization = ref(a(PID))\n",
            &[
                "1:1 map.recursion: the map `a` ends up calling itself",
                "3:28 ref.target: Patient.managingOrganization cannot refer to Patient, only to Organization",
            ],
        ),
    ] {
        assert_eq!(faults(text), expect, "{text}");
    }
}

#[test]
fn what_r4_demands_is_written() {
    let check = |map: &str, expect: &[&str]| {
        let out = crate::testing::load_strictly(&[("a.hmap", map)], &[]).err().unwrap_or_default();
        let got: Vec<&str> = out.lines().filter_map(|l| l.strip_prefix("error[element.missing]: ")).collect();
        assert_eq!(got, expect, "{map}");
    };
    check(
        "map t(OBX) -> Observation\nidentity = OBX-1\nstatus = \"final\"\ncomponent.value = string(OBX-5)\n",
        &["Observation must have `code`, and no line writes it", "Observation.component must have `code`, and no line writes it"],
    );
    check(
        "map t(OBX) -> Observation\nidentity = OBX-1\nstatus = \"final\"\ncode.text = OBX-3.2\ncomponent += { code.text = OBX-3.2 }\n",
        &[],
    );
    check(
        "map t(OBX) -> Observation.component\nvalue = string(OBX-5)\n",
        &["Observation.component must have `code`, and no line writes it"],
    );
    check("map t(x) -> Extension\nvalue = string(x)\n", &[]);
    check(
        "map t(RXA) -> MedicationAdministration\nidentity = RXA-1\nstatus = \"completed\"\nmedication = { text = RXA-5.2 }\nsubject = ref(p(RXA))\neffective = DTM(RXA-3)\nmap p(RXA) -> Patient\nidentity = RXA-2\n",
        &[],
    );
}

#[test]
fn a_diagnostic_as_it_is_shown() {
    let text = "map t(OBX) -> Observation\nidentity = OBX-1\ncode.text = concat(\"结果：\", OBY-5)\n";
    let out = load(&[("mappings/a.hmap", text)]).err().unwrap_or_default();
    let expect = "\
error[name.segment]: OBY is no parameter of `t`; add `OBY?` to its parameters
 --> mappings/a.hmap:3:27
3 | code.text = concat(\"结果：\", OBY-5)
  |                              ^^^
  = did you mean `OBX`?
";
    assert_eq!(out, expect);
}
