//! Values: primitives, choices, tables, builtins in place.

use super::{check, lines_with};

#[test]
fn bare_values_take_the_form_of_their_element() {
    check(&[
        // code, string, dateTime, positiveInt, uri
        (
            "status = OBX-11",
            "ST|||||||||F",
            r#"{}
warning map.code.invalid OBX[1]-11 F"#,
        ),
        ("status = OBX-11", "ST||||||||| final ", r#"{"status":"final"}"#),
        ("code.text = OBX-3.2", "ST|a^ b ", r#"{"code":{"text":"b"}}"#),
        ("code.text = OBX-3.2", "ST|a^  ", "{}"),
        ("effective = DTM(OBX-14)", "ST||||||||||||20200102", r#"{"effectiveDateTime":"2020-01-02"}"#),
        ("issued = OBX-14", "ST||||||||||||20200102030405+0100", r#"{"issued":"2020-01-02T03:04:05+01:00"}"#),
        ("issued = OBX-14", "ST||||||||||||20200102", "{}\ninformation map.datetime.imprecise OBX[1]-14 20200102"),
        ("issued = OBX-14", "ST||||||||||||20200230", "{}\nwarning map.datetime.invalid OBX[1]-14 20200230"),
        ("language = OBX-3.1", "ST|zh-CN", r#"{"language":"zh-CN"}"#),
        ("implicitRules = OBX-3.1", "ST|http://a b", r#"{"implicitRules":"http://a%20b"}"#),
    ]);
}

#[test]
fn the_value_chooses_the_type() {
    check(&[
        ("value = string(OBX-5)", "ST|||a^b&c", r#"{"valueString":"a^b&c"}"#),
        ("value = integer(OBX-5)", "NM|||+05", r#"{"valueInteger":5}"#),
        ("value = boolean(OBX-5)", "ID|||Y", r#"{"valueBoolean":true}"#),
        ("value = DTM(OBX-5)", "TS|||20200102", r#"{"valueDateTime":"2020-01-02"}"#),
        ("value = time(OBX-5)", "TM|||0830", r#"{"valueTime":"08:30:00"}"#),
        ("value = OBX-5", "ST|||x", r#"{"valueString":"x"}"#),
        ("value = \"x\"", "ST", r#"{"valueString":"x"}"#),
        ("value = true", "ST", r#"{"valueBoolean":true}"#),
        ("value = 12", "ST", r#"{"valueInteger":12}"#),
        ("value = { start = DTM(OBX-14) }", "ST||||||||||||2020", r#"{"valuePeriod":{"start":"2020"}}"#),
        ("value.low.value = decimal(OBX-5)", "NM|||1.50", r#"{"valueRange":{"low":{"value":1.50}}}"#),
        ("valueQuantity.value = decimal(OBX-5)", "NM|||1.50", r#"{"valueQuantity":{"value":1.50}}"#),
        ("value = table(OBX-11, flag)", "ST|||||||||Y", r#"{"valueBoolean":true}"#),
        ("value = { value = decimal(OBX-5) } as Quantity", "NM|||7", r#"{"valueQuantity":{"value":7}}"#),
    ]);
}

#[test]
fn what_does_not_convert_leaves_room_for_the_next() {
    check(&[
        ("value = { value = decimal(OBX-5) required unit = OBX-6 } as Quantity | string(OBX-5)", "NM|||<5|mg", r#"{"valueString":"<5"}"#),
        ("value = { value = decimal(OBX-5) required unit = OBX-6 } as Quantity | string(OBX-5)", "NM|||阴性", r#"{"valueString":"阴性"}"#),
        (
            "value = { value = decimal(OBX-5) required unit = OBX-6 } as Quantity | string(OBX-5)",
            "NM|||5|mg",
            r#"{"valueQuantity":{"value":5,"unit":"mg"}}"#,
        ),
        ("value = integer(OBX-5)", "NM|||x", "{}\nwarning map.value.invalid OBX[1]-5 x"),
        ("value = integer(OBX-5) else none", "NM|||x", "{}\nwarning map.value.invalid OBX[1]-5 x"),
        ("value = integer(OBX-5) else warn \"no\"", "NM|||x", "{}\nwarning map.t.value OBX[1]-5"),
    ]);
}

#[test]
fn tables() {
    check(&[
        ("status = table(OBX-11, status)", "ST|||||||||F", r#"{"status":"final"}"#),
        ("status = table(OBX-11, status)", "ST|||||||||X", "{}\nwarning map.code.unmapped OBX[1]-11 X"),
        ("status = table(OBX-11, status) else \"unknown\"", "ST|||||||||X", r#"{"status":"unknown"}"#),
        // an alternative does not settle an unmapped code
        ("status = table(OBX-11, status) | \"unknown\"", "ST|||||||||X", "{\"status\":\"unknown\"}\nwarning map.code.unmapped OBX[1]-11 X"),
        // known, without a target
        ("status = table(OBX-11, status)", "ST|||||||||D", "{}"),
        (
            "code = table(OBX-11, status)",
            "ST|||||||||F",
            r#"{"code":{"coding":[{"system":"urn:s","code":"final","display":"Final"},{"system":"http://terminology.hl7.org/CodeSystem/v2-0085","code":"F"}]}}"#,
        ),
        (
            "code = table(OBX-11, status)",
            "ST|||||||||99",
            "{\"code\":{\"coding\":[{\"system\":\"http://fhir.med-community.cn/gw/NamingSystem/test/v2-0085\",\"code\":\"99\"}]}}\nwarning map.code.unmapped OBX[1]-11 99",
        ),
        (
            "code.coding = table(OBX-11, status)",
            "ST|||||||||F",
            r#"{"code":{"coding":[{"system":"urn:s","code":"final","display":"Final"}]}}"#,
        ),
        (
            "interpretation += table(OBX-8~, status)",
            "ST||||||F~P",
            r#"{"interpretation":[{"coding":[{"system":"urn:s","code":"final","display":"Final"},{"system":"http://fhir.med-community.cn/gw/NamingSystem/test/v2-0078","code":"F"}]},{"coding":[{"system":"urn:s","code":"preliminary"},{"system":"http://fhir.med-community.cn/gw/NamingSystem/test/v2-0078","code":"P"}]}]}"#,
        ),
        ("code.text = concat(table(OBX-11, status), \"!\")", "ST|||||||||F", r#"{"code":{"text":"final!"}}"#),
    ]);
}

#[test]
fn paths() {
    check(&[
        ("code.text = OBX-3.2", "ST|a^b^c", r#"{"code":{"text":"b"}}"#),
        ("code.text = PID-3.1", "ST", r#"{"code":{"text":"P1"}}"#),
        ("code.text = PID-3[2].1", "ST", r#"{"code":{"text":"P2"}}"#),
        ("code.text = PID-3[3].1", "ST", "{}"),
        ("code.text = PID-3[.5 = \"PI\"].4.2", "ST", r#"{"code":{"text":"2.16.156.1"}}"#),
        ("code.text = join(PID-3~.1, \"+\")", "ST", r#"{"code":{"text":"P1+P2"}}"#),
        ("code.text = MSH-10", "ST", r#"{"code":{"text":"M1"}}"#),
        ("code.text = NTE-3", "ST", r#"{"code":{"text":"n1"}}"#),
        ("code.text = join(NTE[.1 = \"2\"]-3, \",\")", "ST", r#"{"code":{"text":"n3"}}"#),
        ("code.text = \"a\" when NTE[.1 = \"9\"]", "ST", "{}"),
        // a first part of a simple value is the value itself
        ("code.text = OBX-4.1.1", "ST||s", r#"{"code":{"text":"s"}}"#),
        ("note += each NTE as n { text = markdown(n-3~) }", "ST", r#"{"note":[{"text":"n1\nn2"},{"text":"n3"}]}"#),
        ("note += each NTE-3 as n { text = n }", "ST", r#"{"note":[{"text":"n1"},{"text":"n2"}]}"#),
        ("note += each NTE[.1 = \"2\"] as n { text = n-3 }", "ST", r#"{"note":[{"text":"n3"}]}"#),
    ]);
}

#[test]
fn conditions() {
    let yes = r#"{"status":"final"}"#;
    for (cond, expect) in [
        ("OBX-5", true),
        ("OBX-6", false),
        ("not OBX-6", true),
        ("OBX-5 = \"a\"", true),
        ("OBX-5 != \"a\"", false),
        ("OBX-6 != \"a\"", true),
        ("OBX-6 = OBX-7", true),
        ("OBX-5 in (\"x\", \"a\")", true),
        ("OBX-5 in (\"x\")", false),
        ("OBX-5 matches letters", true),
        ("OBX-5 matches digits|letters", true),
        ("OBX-5 matches digits", false),
        ("OBX-5 = \"a\" and OBX-6", false),
        ("OBX-5 = \"a\" or OBX-6", true),
        ("(OBX-6 or OBX-5) and not (OBX-7 and OBX-6)", true),
        ("PID-3~.5 = \"PI\"", true),
        ("PID", true),
        ("NTE[.3 = \"n3\"]", true),
        ("MSH-4 = \"FAC\"", true),
    ] {
        let expect = if expect { yes } else { "{}" };
        assert_eq!(super::lines(&format!("status = \"final\" when {cond}"), "ST|||a"), expect, "{cond}");
    }
}

#[test]
fn branches() {
    let by = "value = by OBX-2 { NM : integer(OBX-5) ST \"TX\" : string(OBX-5) X.1 zh-CN : none else : warn \"OBX-2 '{OBX-2}'?\" }";
    check(&[
        (by, "NM|||5", r#"{"valueInteger":5}"#),
        (by, "TX|||5", r#"{"valueString":"5"}"#),
        (by, "zh-CN|||5", "{}"),
        (by, "ED|||5", "{}\nwarning map.t.value OBX[1]-2 ED"),
        ("status = by OBX-11 { F: \"final\" else: \"unknown\" }", "ST", r#"{"status":"unknown"}"#),
        ("status = by OBX-11 { F: \"final\" }", "ST", "{}"),
    ]);
}

#[test]
fn lets_are_names_for_expressions() {
    check(&[
        ("let x = OBX-3.2\ncode.text = x", "ST|a^b", r#"{"code":{"text":"b"}}"#),
        ("let x = OBX-3 | OBX-4\ncode.text = x.2", "ST|a^b", r#"{"code":{"text":"b"}}"#),
        ("let x = OBX-3.2 when OBX-5\ncode.text = x | \"none\"", "ST|a^b", r#"{"code":{"text":"none"}}"#),
        ("let q = { value = decimal(OBX-5) }\nlet r = q as Quantity\nvalue = r", "NM|||5", r#"{"valueQuantity":{"value":5}}"#),
    ]);
}

#[test]
fn maps_are_called_for_each_value() {
    let maps = "map CWE(c) -> CodeableConcept\ntext = c.1\nmap CWE(c) -> string\nvalue = c.2\nmap CX(x, type: t?) -> Identifier\nvalue = x.1 required\nsystem = system(x.4)\ntype = t\n";
    let maps = maps.replace("type = t\n", "use = code(t)\n");
    for (lines, obx, expect) in [
        ("code = CWE(OBX-3)", "ST|a^b", r#"{"code":{"text":"a"}}"#),
        ("code.text = CWE(OBX-3)", "ST|a^b", r#"{"code":{"text":"b"}}"#),
        ("code.text = concat(CWE(OBX-3), \"!\")", "ST|a^b", r#"{"code":{"text":"b!"}}"#),
        ("interpretation += CWE(OBX-8~)", "ST||||||a~~b", r#"{"interpretation":[{"text":"a"},{"text":"b"}]}"#),
        ("interpretation = CWE(OBX-8~)", "ST||||||^x~b", r#"{"interpretation":[{"text":"b"}]}"#),
        ("value = CWE(OBX-5)", "CWE|||a^b", r#"{"valueCodeableConcept":{"text":"a"}}"#),
        ("value = CWE(OBX-5) as string", "CWE|||a^b", r#"{"valueString":"b"}"#),
        (
            "identifier += CX(PID-3~, type: \"usual\")",
            "ST",
            r#"{"identifier":[{"use":"usual","system":"http://fhir.med-community.cn/gw/NamingSystem/test/HIS","value":"P1"},{"use":"usual","system":"urn:oid:2.16.156.1","value":"P2"}]}"#,
        ),
        // a required line without a value: the map makes nothing
        ("identifier += CX(OBX-3)", "ST|^b", "{}"),
    ] {
        assert_eq!(lines_with(&maps, lines, obx), expect, "{lines}");
    }
}
