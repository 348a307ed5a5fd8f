//! Messages: groups, segments, resources by name, identity, references, uniting.

use super::run;

const MAPS: &str = "
map patient(PID, PD1?) -> Patient
identity = key(PID-3)
gender = code(PID-8)
map order(OBR, patient, ORC?) -> ServiceRequest
identity = (OBR-2.1, \"order\")
subject = ref(patient)
requester = ref(doctor(OBR-16))
map obs(OBX, NTE*, OBR, patient?) -> Observation
identity = (OBR-2.1, OBX-3.1)
code.text = OBX-3.1
subject = ref(patient)
note += each NTE as n { text = n-3 }
map report(OBR, obs*, specimen*) -> DiagnosticReport
identity = (OBR-2.1, \"report\")
result += ref(obs)
specimen += ref(specimen)
map specimen(SPM, obs*) -> Specimen
identity = SPM-2.1
map doctor(x) -> Practitioner
identity = key(x)
display = concat(x.3, \" \", x.2)
name.family = x.2
";

fn ids_away(text: &str) -> String {
    // the ids are long and not what these tests are about: each gets a letter
    let mut out = text.to_owned();
    let mut letter = b'a';
    while let Some(at) = out.find("\"id\":\"").map(|a| a + 6) {
        let Some(id) = out.get(at..at + 36).map(str::to_owned) else { break };
        out = out
            .replace(&format!("\"id\":\"{id}\""), &format!("\"id\":{}", char::from(letter)))
            .replace(&id, &char::from(letter).to_string());
        letter += 1;
    }
    out
}

fn check(messages: &str, message: &str, expect: &str) {
    let text = format!("{MAPS}\n{messages}");
    let got = ids_away(&run(&[("a.hmap", &text)], message, &[]));
    assert_eq!(got.replace("\"resourceType\":", ""), expect.trim(), "{message}");
}

const ORU: &str = "message ORU^R01\neach PATIENT_RESULT {\n patient = patient(PID, PD1?)\n each ORDER_OBSERVATION {\n  order = order(OBR, patient, ORC?)\n  each OBSERVATION { obs = obs(OBX, NTE*, OBR, patient?) }\n  each SPECIMEN { specimen = specimen(SPM, obs*) }\n  report = report(OBR, obs*, specimen*)\n }\n}\n";

#[test]
fn groups_keep_their_segments_together() {
    check(
        ORU,
        "MSH|^~\\&|A|B|||2020||ORU^R01|1|P|2.5\nPID|1||7\nOBR|1|O1\nOBX|1|ST|A\nNTE|1||n\nOBX|2|ST|B\nOBR|2|O2\nOBX|1|ST|A\nSPM|1|S",
        r#"
{"Patient","id":a}
{"ServiceRequest","id":b,"subject":{"reference":"Patient/a"}}
{"Observation","id":c,"code":{"text":"A"},"subject":{"reference":"Patient/a"},"note":[{"text":"n"}]}
{"Observation","id":d,"code":{"text":"B"},"subject":{"reference":"Patient/a"}}
{"DiagnosticReport","id":e,"result":[{"reference":"Observation/c"},{"reference":"Observation/d"}]}
{"ServiceRequest","id":f,"subject":{"reference":"Patient/a"}}
{"Observation","id":g,"code":{"text":"A"},"subject":{"reference":"Patient/a"}}
{"Specimen","id":h}
{"DiagnosticReport","id":i,"specimen":[{"reference":"Specimen/h"}],"result":[{"reference":"Observation/g"}]}"#,
    );
}

#[test]
fn a_map_without_its_segment_or_resource_is_not_called() {
    check(
        ORU,
        "MSH|^~\\&|A|B|||2020||ORU^R01|1|P|2.5\nOBR|1|O1\nOBX|1|ST|A",
        r#"
{"Observation","id":a,"code":{"text":"A"}}
{"DiagnosticReport","id":b,"result":[{"reference":"Observation/a"}]}"#,
    );
}

#[test]
fn resources_made_inside_ref_come_once() {
    let message = "MSH|^~\\&|A|B|||2020||ORU^R01|1|P|2.5\nPID|1||7\nOBR|1|O1||||||||||||||D1^Li\nOBR|2|O2||||||||||||||D1^Li\nOBR|3|O3||||||||||||||^Wang^Er";
    check(
        "message ORU^R01\neach PATIENT_RESULT { patient = patient(PID, PD1?)\neach OBR { order = order(OBR, patient, ORC?) } }",
        message,
        r#"
{"Patient","id":a}
{"Practitioner","id":b,"name":[{"family":"Li"}]}
{"ServiceRequest","id":c,"subject":{"reference":"Patient/a"},"requester":{"reference":"Practitioner/b"}}
{"ServiceRequest","id":d,"subject":{"reference":"Patient/a"},"requester":{"reference":"Practitioner/b"}}
{"ServiceRequest","id":e,"subject":{"reference":"Patient/a"},"requester":{"display":"Er Wang"}}"#,
    );
}

#[test]
fn one_id_is_one_resource() {
    let maps = "map a(PID) -> Patient\nidentity = PID-3.1\ngender = code(PID-8)\nname.family = PID-5.1\nidentifier:x.value = PID-3.1\nmap b(PID) -> Patient\nidentity = PID-3.1\ngender = \"other\"\nbirthDate = PID-7\nidentifier:x.value = PID-2.1\nidentifier:y.value = PID-3.1\ndeceased = true\nmessage ADT^A01\na = a(PID)\nb = b(PID)\n";
    let got = ids_away(&run(&[("a.hmap", maps)], "MSH|^~\\&|A|B|||2020||ADT^A01|1|P|2.5\nPID|1|2|7||Li||2020|male", &[]));
    assert_eq!(
        got,
        r#"{"resourceType":"Patient","id":a,"identifier":[{"value":"7"},{"value":"2"}],"name":[{"family":"Li"}],"gender":"male","birthDate":"2020","deceasedBoolean":true}"#
    );
}

#[test]
fn names_further_down_and_oneself_can_be_referred_to() {
    let maps = "map a(PID, other?) -> Patient\nidentity = PID-3.1\nlink.other = ref(other)\nlink.type = \"replaces\" when other\nmap b(MRG, patient) -> Patient\nidentity = MRG-1.1\nlink.other = ref(patient)\nlink.type = \"replaced-by\" when patient\nmap c(PID) -> RelatedPerson\nidentity = PID-3.1\npatient = ref(a(PID, none))\nmessage ADT^A40\neach PATIENT { patient = a(PID, former)\n former = b(MRG, patient) }\n";
    let got = ids_away(&run(&[("a.hmap", maps)], "MSH|^~\\&|A|B|||2020||ADT^A40|1|P|2.5\nPID|1||7\nMRG|6", &[]));
    let expect = r#"{"resourceType":"Patient","id":a,"link":[{"other":{"reference":"Patient/b"},"type":"replaced-by"}]}
{"resourceType":"Patient","id":b,"link":[{"other":{"reference":"Patient/a"},"type":"replaces"}]}"#;
    assert_eq!(got, expect);
    let own = "map a(PID) -> Encounter\nidentity = PID-3.1\ndiagnosis.condition = ref(b(PID, self))\nmap b(PID, visit) -> Condition\nidentity = (PID-3.1)\nencounter = ref(visit)\nmessage ADT^A01\nx = a(PID)\n";
    let got = ids_away(&run(&[("a.hmap", own)], "MSH|^~\\&|A|B|||2020||ADT^A01|1|P|2.5\nPID|1||7", &[]));
    let expect = r#"{"resourceType":"Encounter","id":a,"diagnosis":[{"condition":{"reference":"Condition/b"}}]}
{"resourceType":"Condition","id":b,"encounter":{"reference":"Encounter/a"}}"#;
    assert_eq!(got, expect);
}

#[test]
fn identity_is_under_its_assigner() {
    let id = |identity: &str, pid3: &str| {
        let text = format!("map a(PID) -> Patient\nidentity = {identity}\nmessage ADT^A01\nx = a(PID)\n");
        let out = run(&[("a.hmap", &text)], &format!("MSH|^~\\&|A|B|||2020||ADT^A01|1|P|2.5\nPID|1||{pid3}"), &[]);
        out.split("\"id\":\"").nth(1).and_then(|t| t.get(..36)).unwrap_or("").to_owned()
    };
    use hutong_fhir::id::from_identity as make;
    assert_eq!(id("key(PID-3)", "7"), make("test", "Patient", ["7"]));
    assert_eq!(id("key(PID-3)", "7^^^HIS"), make("test/HIS", "Patient", ["7"]));
    assert_eq!(id("key(PID-3)", "7^^^HIS&2.16.156.1&ISO"), make("urn:oid:2.16.156.1", "Patient", ["7"]));
    assert_eq!(id("(key(PID-3), PID-1)", "7^^^&2.16.156.1&ISO"), make("urn:oid:2.16.156.1", "Patient", ["7", "1"]));
    assert_eq!(id("(PID-1, key(PID-3))", "7"), make("test", "Patient", ["1", "test\u{1}7"]));
    assert_eq!(id("(PID-2, PID-1) | PID-3.1", "7"), make("test", "Patient", ["7"]), "the first part says whether there is an identity");
    assert_eq!(id("(PID-1, PID-2)", "7"), make("test", "Patient", ["1", ""]));
    assert_eq!(id("PID-2", "7"), "", "without an identity there is no resource");
}

#[test]
fn which_declaration_counts() {
    let maps = "map a(MSH) -> Basic\nidentity = MSH-10\ncode.text = \"event\"\nmap b(MSH) -> Basic\nidentity = MSH-10\ncode.text = \"structure\"\nmessage ADT^A01\nx = a(MSH)\nmessage ADT_A01\nx = b(MSH)\n";
    for (kind, expect) in [
        ("ADT^A01", "event"),
        ("ADT^A04", "structure"),
        ("ADT^Z99^ADT_A01", "structure"),
        ("ADT^A40", "map.message.none"),
        ("QQQ^Q01", "map.message.none"),
    ] {
        let got = run(&[("a.hmap", maps)], &format!("MSH|^~\\&|A|B|||2020||{kind}|1|P|2.5"), &[]);
        assert!(got.contains(expect), "{kind}: {got}");
    }
}

#[test]
fn a_fault_in_one_resource_keeps_the_others() {
    let text = MAPS.replace("code.text = OBX-3.1", "code.text = OBX-3.2 required");
    let text = format!("{text}\n{ORU}");
    let got =
        ids_away(&run(&[("a.hmap", &text)], "MSH|^~\\&|A|B|||2020||ORU^R01|1|P|2.5\nPID|1||7\nOBR|1|O1\nOBX|1|ST|A\nOBX|2|ST|B^b", &[]));
    assert!(got.contains("\"text\":\"b\""), "{got}");
    assert!(got.ends_with("error map.required OBX[1]-3"), "{got}");
    assert!(got.contains(r#""result":[{"reference":"Observation/c"}]"#), "{got}");
}

#[test]
fn a_message_says_what_no_resource_is_made_of() {
    let maps = "map a(OBX) -> Basic\nidentity = OBX-3.1\ncode.text = OBX-3.2\nmessage ORU^R01\neach OBX {\n  told    = a(OBX) when OBX-3\n  unnamed = warn \"无代码 {OBX-1}\" \"no code: {OBX-1}\" when not OBX-3\n}\n";
    let got = run(&[("a.hmap", maps)], "MSH|^~\\&|A|B|||2020||ORU^R01|1|P|2.5\nPID|1||7\nOBR|1|O1\nOBX|1|ST|A^a\nOBX|2", &[]);
    assert_eq!(got.matches("Basic").count(), 1, "{got}");
    assert!(got.ends_with("warning map.ORU^R01.unnamed OBX[2]-1 2"), "{got}");
}
