//! Elements: parents, lists, slices, extensions, order, what is left out.

use super::{check, lines_with};

#[test]
fn lines_that_share_a_parent_share_an_element() {
    check(&[
        (
            "code.coding.code = OBX-3.1\ncode.coding.display = OBX-3.2\ncode.text = OBX-3.3",
            "ST|a^b^c",
            r#"{"code":{"coding":[{"code":"a","display":"b"}],"text":"c"}}"#,
        ),
        ("code.coding:x.code = OBX-3.1\ncode.coding:y.code = OBX-3.2", "ST|a^b", r#"{"code":{"coding":[{"code":"a"},{"code":"b"}]}}"#),
        ("code.coding:x.code = OBX-3.1\ncode.coding:y.code = OBX-3.2", "ST|a", r#"{"code":{"coding":[{"code":"a"}]}}"#),
        (
            "referenceRange.low.value = OBX-5\nreferenceRange.text = OBX-7",
            "NM|||1||r",
            r#"{"referenceRange":[{"low":{"value":1},"text":"r"}]}"#,
        ),
    ]);
}

#[test]
fn elements_come_in_the_order_of_r4() {
    check(&[(
        "value = \"x\"\ncode.text = \"c\"\nstatus = \"final\"\nidentifier:b.value = \"2\"\nidentifier:a.value = \"1\"",
        "ST",
        r#"{"identifier":[{"value":"2"},{"value":"1"}],"status":"final","code":{"text":"c"},"valueString":"x"}"#,
    )]);
}

#[test]
fn literals_do_not_stand_alone_where_the_message_says_nothing() {
    check(&[
        ("code.coding.system = \"urn:s\"\ncode.coding.code = OBX-3.1", "ST", "{}"),
        ("code.coding.system = \"urn:s\"\ncode.coding.code = OBX-3.1", "ST|a", r#"{"code":{"coding":[{"system":"urn:s","code":"a"}]}}"#),
        // nothing here reads the message: always written
        ("code.coding.system = \"urn:s\"\ncode.coding.code = \"c\"", "ST", r#"{"code":{"coding":[{"system":"urn:s","code":"c"}]}}"#),
        ("code = { coding.system = \"urn:s\" text = OBX-3.2 }", "ST|a", "{}"),
        ("code.coding.system = \"urn:s\" when OBX-5\ncode.coding.code = \"c\" when OBX-5", "ST", "{}"),
        (
            "code.coding.system = \"urn:s\" when OBX-5\ncode.coding.code = \"c\" when OBX-5",
            "ST|||1",
            r#"{"code":{"coding":[{"system":"urn:s","code":"c"}]}}"#,
        ),
        ("profile = \"http://p\"\nmeta.source = OBX-3.1", "ST", r#"{"meta":{"profile":["http://p"]}}"#),
    ]);
}

#[test]
fn extensions() {
    check(&[
        ("extension(\"urn:x\") = string(OBX-5)", "ST|||a", r#"{"extension":[{"url":"urn:x","valueString":"a"}]}"#),
        ("extension(\"urn:x\") = string(OBX-5)", "ST", "{}"),
        ("extension(\"urn:x\") = \"lit\"", "ST", r#"{"extension":[{"url":"urn:x","valueString":"lit"}]}"#),
        (
            "extension(\"urn:x\") += OBX-8~",
            "ST||||||a~b",
            r#"{"extension":[{"url":"urn:x","valueString":"a"},{"url":"urn:x","valueString":"b"}]}"#,
        ),
        (
            "extension(\"urn:x\") = { extension(\"a\") = OBX-3.1 extension(\"b\") = OBX-3.2 }",
            "ST|1^2",
            r#"{"extension":[{"extension":[{"url":"a","valueString":"1"},{"url":"b","valueString":"2"}],"url":"urn:x"}]}"#,
        ),
        (
            "extension(\"urn:x\").extension(\"a\") = OBX-3.1",
            "ST|1",
            r#"{"extension":[{"extension":[{"url":"a","valueString":"1"}],"url":"urn:x"}]}"#,
        ),
        ("extension(\"urn:x\").extension(\"a\") = OBX-3.1", "ST", "{}"),
        (
            "extension(\"urn:x\") += each OBX-8 as f { extension(\"a\") = f }",
            "ST||||||1~2",
            r#"{"extension":[{"extension":[{"url":"a","valueString":"1"}],"url":"urn:x"},{"extension":[{"url":"a","valueString":"2"}],"url":"urn:x"}]}"#,
        ),
        ("extension(\"urn:x\").valueCode = OBX-3.1", "ST|1", r#"{"extension":[{"url":"urn:x","valueCode":"1"}]}"#),
        (
            "extension(\"urn:x\") = DTM(OBX-14) as dateTime",
            "ST||||||||||||2020",
            r#"{"extension":[{"url":"urn:x","valueDateTime":"2020"}]}"#,
        ),
        // R4 says which type the value has
        (
            "extension(\"http://hl7.org/fhir/StructureDefinition/observation-sequelTo\") = { display = OBX-3.1 }",
            "ST|a",
            r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/observation-sequelTo","valueReference":{"display":"a"}}]}"#,
        ),
        (
            "status.extension(\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\") = \"unknown\"",
            "ST",
            r#"{"_status":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}"#,
        ),
        (
            "status = OBX-11\nstatus.extension(\"urn:x\") = OBX-3.1",
            "ST|a||||||||final",
            r#"{"status":"final","_status":{"extension":[{"url":"urn:x","valueString":"a"}]}}"#,
        ),
        (
            "status = OBX-11\nstatus.extension(\"urn:x\") = OBX-3.1",
            "ST|a",
            r#"{"_status":{"extension":[{"url":"urn:x","valueString":"a"}]}}"#,
        ),
        ("status = OBX-11\nstatus.extension(\"urn:x\") = OBX-3.1", "ST|||||||||final", r#"{"status":"final"}"#),
    ]);
}

#[test]
fn lines_below_add_and_take_precedence() {
    let maps = "map CWE(c) -> CodeableConcept\ncoding.code = c.1\ntext = c.2\nmap sub(s) -> Extension\nextension(\"a\") = s.1\nmap named(c) -> CodeableConcept\n$ = CWE(c)\nid = \"n\"\n";
    for (lines, obx, expect) in [
        ("code = CWE(OBX-3)\ncode.text = OBX-4", "ST|a^b|c", r#"{"code":{"coding":[{"code":"a"}],"text":"c"}}"#),
        ("code = CWE(OBX-3)\ncode.text = OBX-4", "ST|a^b", r#"{"code":{"coding":[{"code":"a"}],"text":"b"}}"#),
        ("code = CWE(OBX-3)\ncode.text = OBX-4", "ST||c", r#"{"code":{"text":"c"}}"#),
        ("code = CWE(OBX-3)\ncode.id = \"i\"", "ST", "{}"),
        ("code = { $ = CWE(OBX-3) id = \"i\" }", "ST|a", r#"{"code":{"id":"i","coding":[{"code":"a"}]}}"#),
        (
            "interpretation += each OBX-8 as f { $ = CWE(f) text = \"t\" }",
            "ST||||||a~b^c",
            r#"{"interpretation":[{"coding":[{"code":"a"}],"text":"t"},{"coding":[{"code":"b"}],"text":"t"}]}"#,
        ),
        ("extension(\"urn:x\") = sub(OBX-3)", "ST|a", r#"{"extension":[{"extension":[{"url":"a","valueString":"a"}],"url":"urn:x"}]}"#),
        ("extension(\"urn:x\") = sub(OBX-3)", "ST", "{}"),
        ("code = named(OBX-3)", "ST|a", r#"{"code":{"id":"n","coding":[{"code":"a"}]}}"#),
        ("code = named(OBX-3)", "ST", "{}"),
    ] {
        assert_eq!(lines_with(maps, lines, obx), expect, "{lines} {obx}");
    }
}

#[test]
fn required_and_else() {
    check(&[
        ("component += { code.text = OBX-3.2 required value = string(OBX-5) }", "ST|a|| v", "{}"),
        (
            "component += { code.text = OBX-3.2 required value = string(OBX-5) }",
            "ST|a^b||v",
            r#"{"component":[{"code":{"text":"b"},"valueString":"v"}]}"#,
        ),
        ("code.text = OBX-3.2 required", "ST|a", "error map.required OBX[1]-3"),
        ("status = \"final\" when OBX-5 else \"unknown\"", "ST", r#"{"status":"unknown"}"#),
        ("status = \"final\" else \"unknown\" when OBX-5", "ST", "{}"),
        (
            "status = table(OBX-11, status) else reject \"OBX-11 '{OBX-11}' 不对\" \"OBX-11 '{OBX-11}' is wrong\"",
            "ST|||||||||Q",
            "error map.t.status OBX[1]-11 Q",
        ),
        ("code.text = OBX-3.2 else warn \"no text\"", "ST|a", "{}\nwarning map.t.code.text OBX[1]-3"),
    ]);
}

#[test]
fn backbone_elements_have_maps_too() {
    let maps = "map range(OBX) -> Observation.referenceRange\ntext = OBX-7\n";
    assert_eq!(lines_with(maps, "referenceRange += range(OBX)", "ST|||||3-5"), r#"{"referenceRange":[{"text":"3-5"}]}"#);
}
