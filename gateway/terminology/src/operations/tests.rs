//! The operations over small code systems of ours: question and answer a line.

use super::*;
use crate::Terminology;
use crate::tests::tree;
use hutong_fhir::json;

/// Animals: a hierarchy with two parents, names in two languages, properties, a code no longer used, a group.
const ANIMALS: &str = r#"{"resourceType":"CodeSystem","url":"http://example.org/animals","version":"1","name":"Animals","title":"动物","language":"zh",
"status":"active","content":"complete","caseSensitive":true,"hierarchyMeaning":"is-a","valueSet":"http://example.org/vs/animals",
"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:oid:1.2.3.4"}],
"property":[{"code":"legs","type":"integer"},{"code":"pet","type":"boolean"},{"code":"sound","type":"code"},{"code":"status","type":"code"},{"code":"parent","type":"code"}],
"concept":[
 {"code":"animal","display":"动物","designation":[{"language":"en","value":"Animal"}],"property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
  {"code":"mammal","display":"哺乳动物","designation":[{"language":"en","value":"Mammal"}],"concept":[
   {"code":"cat","display":"猫","definition":"a small one","designation":[{"language":"en","value":"Cat"},{"language":"zh-TW","use":{"system":"http://example.org/use","code":"s"},"value":"貓"}],"property":[{"code":"legs","valueInteger":4},{"code":"pet","valueBoolean":true},{"code":"sound","valueCode":"meow"}]},
   {"code":"dog","display":"狗","property":[{"code":"legs","valueInteger":4},{"code":"pet","valueBoolean":true}]},
   {"code":"bat","display":"蝙蝠","property":[{"code":"legs","valueInteger":2},{"code":"parent","valueCode":"flyer"}]}]},
  {"code":"flyer","display":"飞行动物","concept":[{"code":"bird","display":"鸟","property":[{"code":"legs","valueInteger":2}]}]},
  {"code":"dodo","display":"渡渡鸟","property":[{"code":"status","valueCode":"retired"}]}]}]}"#;

const ANIMALS_2: &str = r#"{"resourceType":"CodeSystem","url":"http://example.org/animals","version":"2","name":"Animals","status":"active","content":"complete","caseSensitive":true,
"concept":[{"code":"cat","display":"Cat"},{"code":"fox","display":"Fox"}]}"#;

const SUPPLEMENT: &str = r#"{"resourceType":"CodeSystem","url":"http://example.org/animals-fr","status":"active","content":"supplement","supplements":"http://example.org/animals",
"concept":[{"code":"cat","designation":[{"language":"fr","value":"Chat"}]}]}"#;

const PETS: &str = r#"{"resourceType":"ValueSet","url":"http://example.org/vs/pets","version":"1","status":"draft","compose":{
"include":[{"system":"http://example.org/animals","version":"1","filter":[{"property":"pet","op":"=","value":"true"}]},
 {"system":"http://example.org/toys","concept":[{"code":"robot","display":"机器狗"}]}],
"exclude":[{"system":"http://example.org/animals","concept":[{"code":"dog"}]}]}}"#;

fn set(name: &str, compose: &str) -> String {
    format!(r#"{{"resourceType":"ValueSet","url":"http://example.org/vs/{name}","status":"active","compose":{compose}}}"#)
}

fn filter(name: &str, property: &str, op: &str, value: &str) -> String {
    set(
        name,
        &format!(
            r#"{{"include":[{{"system":"http://example.org/animals","version":"1","filter":[{{"property":"{property}","op":"{op}","value":"{value}"}}]}}]}}"#
        ),
    )
}

const MAP: &str = r#"{"resourceType":"ConceptMap","url":"http://example.org/map","status":"active","sourceUri":"http://example.org/vs/animals","targetUri":"http://example.org/vs/toys",
"group":[{"source":"http://example.org/animals","target":"http://example.org/toys","element":[
 {"code":"cat","display":"猫","target":[{"code":"plush","display":"毛绒猫","equivalence":"wider","product":[{"property":"http://example.org/size","system":"http://example.org/sizes","value":"S"}]}]},
 {"code":"dog","target":[{"code":"robot","equivalence":"equivalent","dependsOn":[{"property":"http://example.org/power","system":"http://example.org/yn","value":"yes"}]},
   {"code":"stick","equivalence":"inexact","dependsOn":[{"property":"http://example.org/power","value":"no"}]}]},
 {"code":"bat","target":[{"equivalence":"unmatched"}]}],
 "unmapped":{"mode":"fixed","code":"other","display":"其他"}}]}"#;

const MAP_2: &str = r#"{"resourceType":"ConceptMap","url":"http://example.org/map2","status":"active","group":[{"source":"http://example.org/x","target":"http://example.org/toys",
"element":[{"code":"a","target":[{"code":"b","equivalence":"equal"}]}],"unmapped":{"mode":"other-map","url":"http://example.org/map3"}}]}"#;

const MAP_3: &str = r#"{"resourceType":"ConceptMap","url":"http://example.org/map3","status":"active","group":[{"source":"http://example.org/x","target":"http://example.org/toys",
"element":[{"code":"k","target":[{"code":"k","equivalence":"equal"}]}],"unmapped":{"mode":"provided"}},{"source":"http://example.org/loop","target":"http://example.org/toys","element":[{"code":"k","target":[{"code":"k","equivalence":"equal"}]}],"unmapped":{"mode":"other-map","url":"http://example.org/map3"}}]}"#;

fn store() -> Terminology {
    let mut t = Terminology::r4();
    let sets = [
        filter("below", "concept", "is-a", "mammal"),
        filter("strictly-below", "concept", "descendent-of", "flyer"),
        filter("not-below", "concept", "is-not-a", "mammal"),
        filter("above", "concept", "generalizes", "bat"),
        filter("four", "legs", "in", "4, 6"),
        filter("not-four", "legs", "not-in", "4,6"),
        filter("talks", "sound", "exists", "true"),
        filter("regex", "code", "regex", "[bc]at"),
        filter("parent", "parent", "=", "flyer"),
        filter("unknown-filter", "colour", "=", "red"),
        set("both", r#"{"include":[{"valueSet":["http://example.org/vs/below","http://example.org/vs/four"]}]}"#),
        set("active", r#"{"inactive":false,"include":[{"system":"http://example.org/animals","version":"1"}]}"#),
        set("newest", r#"{"include":[{"system":"http://example.org/animals"}]}"#),
        set("circle", r#"{"include":[{"valueSet":["http://example.org/vs/circle-2"]}]}"#),
        set("circle-2", r#"{"include":[{"valueSet":["http://example.org/vs/circle"]}]}"#),
        set("hole", r#"{"include":[{"system":"http://example.org/animals"},{"valueSet":["http://example.org/vs/none"]}]}"#),
        set("empty", "{}"),
    ];
    for resource in [ANIMALS, ANIMALS_2, SUPPLEMENT, PETS, MAP, MAP_2, MAP_3].into_iter().chain(sets.iter().map(String::as_str)) {
        t.load(tree(resource).root()).unwrap();
    }
    t
}

/// `name:type=value …` as Parameters; type `r` is a resource, `x` JSON.
fn question(text: &str) -> Tree {
    let parameters = text.split_whitespace().map(|p| {
        let (name, value) = p.split_once('=').unwrap();
        let (name, kind) = name.split_once(':').unwrap_or((name, "String"));
        let value = value.replace('␣', " ");
        match kind {
            "resource" => format!(r#"{{"name":"{name}","resource":{value}}}"#),
            "part" => format!(r#"{{"name":"{name}","part":{value}}}"#),
            "Boolean" | "Integer" | "Coding" | "CodeableConcept" => format!(r#"{{"name":"{name}","value{kind}":{value}}}"#),
            _ => format!(r#"{{"name":"{name}","value{kind}":"{value}"}}"#),
        }
    });
    tree(&format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, parameters.collect::<Vec<_>>().join(",")))
}

type Ask<'t> = &'t dyn Fn(&Tree) -> Result<Tree, Finding>;

/// The answer as JSON, or `issue: English text`.
fn asked(ask: Ask<'_>, text: &str) -> String {
    match ask(&question(text)) {
        Ok(tree) => {
            let mut out = Vec::new();
            json::write(tree.root(), &mut out);
            String::from_utf8(out).unwrap()
        }
        Err(f) => {
            assert!(!f.zh.is_empty() && !f.en.is_empty(), "{text}");
            format!("{}: {}", f.issue, f.en)
        }
    }
}

/// Every part (separated by `…`) of what is expected must be in the answer, in that order; `!x` must not be in it.
fn check(ask: Ask<'_>, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let answer = asked(ask, text);
        let mut rest = answer.as_str();
        for part in expected.split('…') {
            if let Some(absent) = part.strip_prefix('!') {
                assert!(!answer.contains(absent), "{text}\nhas {absent}\n{answer}");
                continue;
            }
            let Some(at) = rest.find(part) else { panic!("{text}\nlacks {part}\n{answer}") };
            rest = &rest[at + part.len()..];
        }
    }
}

const A: &str = "http://example.org/animals";

#[test]
fn lookup() {
    let t = store();
    let v1 = format!("system:Uri={A} version=1");
    let case = |code: &str, rest: &str| format!("code:Code={code} {v1} {rest}");
    let coding = format!(r#"coding:Coding={{"system":"{A}","code":"fox"}}"#);
    check(
        &|p| t.lookup(p),
        &[
            (
                &case("cat", ""),
                r#""name":"name","valueString":"动物"…"version","valueString":"1"…"display","valueString":"猫"…"designation"…"en"…"Cat"…"zh-TW"…http://example.org/use…貓…"fr"…Chat…"parent"…"valueCode":"mammal"…"definition"…"a small one"…"legs"…"valueInteger":4…"pet"…"valueBoolean":true…"valueCode":"meow""#,
            ),
            (&case("cat", "displayLanguage:Code=en-US"), r#""display","valueString":"Cat""#),
            (&case("cat", "displayLanguage:Code=zh-TW"), r#""display","valueString":"猫""#),
            (&case("cat", "displayLanguage:Code=fr"), r#""display","valueString":"Chat""#),
            (&case("cat", "displayLanguage:Code=de"), r#""display","valueString":"猫""#),
            (&case("cat", "property:Code=legs"), r#""legs"…!"sound"…!"designation""#),
            (&case("bat", "property:Code=parent"), r#""mammal"…"flyer""#),
            (&case("flyer", "property:Code=child"), r#""bird"…"bat""#),
            (&case("dodo", ""), r#""inactive"…"valueBoolean":true…"retired""#),
            (&case("animal", ""), r#""notSelectable""#),
            (&coding, r#""version","valueString":"2"…"Fox""#),
            (&format!("code:Code=bird system:Uri={A}"), r#""version","valueString":"1"…"鸟""#),
            ("code:Code=cat system:Uri=urn:oid:1.2.3.4", r#""display""#),
            ("code:Code=mm[Hg] system:Uri=http://unitsofmeasure.org", r#""UCUM"…"canonical"…"m-1.g.s-2""#),
            ("code:Code=AMB system:Uri=http://terminology.hl7.org/CodeSystem/v3-ActCode", r#""ambulatory"…"parent"…"_ActEncounterCode""#),
            (&case("fox", ""), "not-found: code system http://example.org/animals has no such code"),
            ("code:Code=1 system:Uri=http://snomed.info/sct", "not-found: code system http://snomed.info/sct is not loaded or not in full"),
            ("code:Code=1 system:Uri=http://example.org/none", "not-found: the code system that is asked for"),
            ("code:Code=1", "required: parameter system"),
            ("system:Uri=http://x", "required: parameter code"),
            ("colour=red", "not-supported: a parameter is not supported; there are: code, system"),
        ],
    );
    assert!(t.lookup(&tree(r#"{"resourceType":"Patient"}"#)).is_err());
}

#[test]
fn validate_code_in_a_system() {
    let t = store();
    let case = |code: &str, rest: &str| format!("url:Uri={A} code:Code={code} version=1 {rest}");
    check(
        &|p| t.validate_code_in_system(p),
        &[
            (&case("cat", ""), r#""result","valueBoolean":true…"猫""#),
            (&case("cat", "display=Cat"), r#""valueBoolean":true"#),
            (&case("cat", "display=␣cAT␣"), r#""valueBoolean":true"#),
            (&case("cat", "display=Chat"), r#""valueBoolean":true"#),
            (&case("cat", "display=狗"), r#""valueBoolean":false…不符，应为“猫”…"#),
            (&case("fox", ""), r#""valueBoolean":false…没有此代码"#),
            (&case("animal", ""), r#""valueBoolean":false…只用于分组"#),
            (&case("animal", "abstract:Boolean=true"), r#""valueBoolean":true"#),
            (&case("dodo", ""), r#""valueBoolean":true…已停用"#),
            ("url:Uri=http://snomed.info/sct code:Code=1", r#""valueBoolean":false…无法判断"#),
            ("url:Uri=http://unitsofmeasure.org code:Code=mmol/L", r#""valueBoolean":true"#),
            ("url:Uri=http://none code:Code=x", "not-found"),
            (
                &format!(
                    r#"codeableConcept:CodeableConcept={{"coding":[{{"system":"http://x","code":"1"}},{{"system":"{A}","code":"fox"}}]}} url:Uri={A}"#
                ),
                r#""valueBoolean":true…"fox""#,
            ),
            (
                r#"code:Code=q codeSystem:resource={"resourceType":"CodeSystem","url":"http://in","status":"active","content":"complete","concept":[{"code":"q"}]}"#,
                r#""valueBoolean":true"#,
            ),
        ],
    );
}

#[test]
fn validate_code_in_a_value_set() {
    let t = store();
    let case = |set: &str, code: &str, rest: &str| format!("url:Uri=http://example.org/vs/{set} code:Code={code} {rest}");
    let (a, toys) = (format!("system:Uri={A}"), "system:Uri=http://example.org/toys".to_owned());
    check(
        &|p| t.validate_code(p),
        &[
            (
                &case("pets", "cat", &a),
                r#""valueBoolean":true…"猫"…"system","valueUri":"http://example.org/animals"…"version","valueString":"1""#,
            ),
            (&case("pets", "dog", &a), r#""valueBoolean":false…不在值集"#),
            (&case("pets", "fox", &a), r#""valueBoolean":false"#),
            (&case("pets", "robot", &toys), r#""valueBoolean":true…机器狗"#),
            (&case("pets", "robot", &format!("{toys} display=Robot")), r#""valueBoolean":false…机器狗"#),
            (&case("pets", "robot", "inferSystem:Boolean=true"), r#""valueBoolean":true…http://example.org/toys"#),
            (&case("pets", "robot", ""), "required: parameter system"),
            (&case("pets", "cat", &format!("{a} systemVersion=2")), r#""valueBoolean":false"#),
            (&case("pets", "cat", "system:Uri=urn:oid:1.2.3.4"), r#""valueBoolean":true"#),
            (&case("newest", "fox", &a), r#""valueBoolean":true"#),
            (&case("newest", "bird", &format!("{a} systemVersion=1")), r#""valueBoolean":true…"1""#),
            (&case("newest", "fox", &format!("{a} systemVersion=1")), r#""valueBoolean":false"#),
            (&case("newest", "fox", &format!("{a} systemVersion=7")), r#""valueBoolean":false"#),
            (&case("newest", "bird", &a), r#""valueBoolean":false"#),
            (&case("newest", "bird", &format!("{a} system-version:Uri={A}|1")), r#""valueBoolean":true"#),
            (&case("pets", "cat", &format!("{a} force-system-version:Uri={A}|2")), r#""valueBoolean":false"#),
            (&case("animals", "dodo", &a), r#""valueBoolean":true…已停用"#),
            (&case("animals", "dodo", &format!("{a} activeOnly:Boolean=true")), r#""valueBoolean":false…已停用"#),
            (&case("animals", "animal", &a), r#""valueBoolean":false…只用于分组"#),
            (&case("circle", "cat", &a), "invalid: value set http://example.org/vs/circle imports itself"),
            (&case("hole", "fox", &a), r#""valueBoolean":true"#),
            (&case("hole", "x", &a), r#""valueBoolean":false…没有此代码"#),
            (&case("empty", "x", &a), "not-found: value set http://example.org/vs/empty has neither"),
            (&case("none", "x", &a), "not-found: the value set"),
            (&case("unknown-filter", "cat", &a), r#""valueBoolean":false…无法判断"#),
            (
                &format!(
                    r#"valueSet:resource={{"resourceType":"ValueSet","status":"active","compose":{{"include":[{{"system":"{A}"}}]}}}} coding:Coding={{"system":"{A}","code":"fox"}}"#
                ),
                r#""valueBoolean":true"#,
            ),
        ],
    );
}

#[test]
fn expand() {
    let t = store();
    let case = |set: &str, rest: &str| format!("url:Uri=http://example.org/vs/{set} {rest}");
    let ask = |p: &Tree| t.expand(p, "2026-01-01T00:00:00Z");
    check(
        &ask,
        &[
            (
                &case("pets", ""),
                r#""url":"http://example.org/vs/pets","version":"1","status":"draft"…"timestamp":"2026-01-01T00:00:00Z","total":2…"name":"version","valueUri":"http://example.org/animals|1"…"contains":[{"system":"http://example.org/animals","code":"cat","display":"猫"},{"system":"http://example.org/toys","code":"robot","display":"机器狗"}]"#,
            ),
            (&case("below", ""), r#""total":4…"mammal"…"cat"…"dog"…"bat""#),
            (&case("strictly-below", ""), r#""total":2…"bat"…"bird""#),
            (&case("not-below", ""), r#""total":4…"animal"…"flyer"…"bird"…"dodo""#),
            (&case("above", ""), r#""total":4…"animal"…"mammal"…"bat"…"flyer""#),
            (&case("four", ""), r#""total":2…"cat"…"dog""#),
            (&case("not-four", ""), r#""total":6…!"code":"cat""#),
            (&case("talks", ""), r#""total":1…"cat""#),
            (&case("regex", ""), r#""total":2…"cat"…"bat""#),
            (&case("parent", ""), r#""total":2…"bat"…"bird""#),
            (&case("both", ""), r#""total":2…"cat"…"dog""#),
            (&case("active", ""), r#""total":7…!"dodo""#),
            (&case("newest", ""), r#""total":2…"cat"…"fox""#),
            (&case("animals", ""), r#""total":8…"abstract":true…"code":"animal"…"inactive":true,"code":"dodo""#),
            (&case("animals", "activeOnly:Boolean=true"), r#""total":7…!"dodo""#),
            (&case("animals", "excludeNotForUI:Boolean=true"), r#""total":7…!"code":"animal""#),
            (&case("animals", "filter=鸟"), r#""total":2…"bird"…"dodo""#),
            (&case("animals", "filter=Mam"), r#""total":1…"mammal""#),
            (&case("animals", "filter=no␣such"), r#""total":0…!"contains""#),
            (&case("animals", "count:Integer=2 offset:Integer=1"), r#""total":8,"offset":1…"contains":[…"mammal"…"cat"…!"code":"dog""#),
            (&case("animals", "count:Integer=0"), r#""total":8…!"contains""#),
            (
                &case("animals", "includeHierarchy:Boolean=true"),
                r#""code":"animal","display":"动物","contains":[{"system":"http://example.org/animals","code":"mammal""#,
            ),
            (
                &case("below", "includeDesignations:Boolean=true designation=en"),
                r#""designation":[{"language":"en","value":"Mammal"}]…"Cat"…!貓"#,
            ),
            (&case("below", "displayLanguage:Code=en"), r#""display":"Mammal"…"display":"Cat""#),
            (&case("newest", &format!("system-version:Uri={A}|1")), r#""total":8"#),
            (&case("newest", &format!("exclude-system:Uri={A}")), r#""total":0"#),
            (&case("newest", &format!("check-system-version:Uri={A}|1")), "invalid: a code system of the value set is not in the version"),
            ("url:Uri=http://hl7.org/fhir/ValueSet/administrative-gender", r#""total":4…"male""#),
            ("url:Uri=http://hl7.org/fhir/ValueSet/ucum-units", "too-costly: code system http://unitsofmeasure.org is a grammar"),
            ("url:Uri=http://hl7.org/fhir/ValueSet/administration-method-codes", "not-found: code system http://snomed.info/sct"),
            (&case("circle", ""), "invalid: value set"),
            (&case("hole", ""), "not-found: the value set"),
            (&case("unknown-filter", ""), "not-found: filter 'colour = red'"),
            (&case("animals", "count=x"), "invalid: the value of parameter count"),
            (&case("animals", "count:Integer=99999"), "too-costly"),
            (&case("animals", "context:Uri=http://x"), "not-supported: parameter context"),
            ("filter=x", "required: parameter url"),
        ],
    );
    // the second time from the cache
    assert_eq!(asked(&ask, &case("both", "")), asked(&ask, &case("both", "")));
}

#[test]
fn large_sets_come_in_pages() {
    let mut t = Terminology::r4();
    let rows: String = (0..10_500).map(|i| format!("{i:05}\tname {i}\n")).collect();
    t.load_table("big", format!("#url\thttp://big\n#valueset\thttp://big/vs\ncode\tdisplay\n{rows}").as_bytes()).unwrap();
    check(
        &|p| t.expand(p, "2026-01-01"),
        &[
            ("url:Uri=http://big/vs", "too-costly: the result is larger than the limit of 10000"),
            ("url:Uri=http://big/vs count:Integer=2 offset:Integer=10499", r#""total":10500,"offset":10499…"10499""#),
            ("url:Uri=http://big/vs limitedExpansion:Boolean=true", r#"valueset-toocostly…"total":10500…"09999"…!"code":"10000""#),
            ("url:Uri=http://big/vs filter=name␣777", r#""total":19"#),
            (&format!("url:Uri=http://big/vs filter={}", "x".repeat(300)), "invalid: the value of parameter filter"),
        ],
    );
}

/// Sets that import a set twice which imports a set twice, and so on: the work would double at each step.
#[test]
fn sets_that_double_are_refused() {
    let mut t = Terminology::r4();
    for i in 0..30 {
        let import = format!(r#"{{"valueSet":["http://example.org/vs/d{}"]}}"#, i + 1);
        t.load(tree(&set(&format!("d{i}"), &format!(r#"{{"include":[{import},{import}]}}"#))).root()).unwrap();
    }
    t.load(tree(&set("d30", r#"{"include":[{"system":"http://x","concept":[{"code":"a"}]}]}"#)).root()).unwrap();
    let ask = |p: &Tree| t.validate_code(p);
    let case = |n: usize, more: &str| format!("url:Uri=http://example.org/vs/d{n} system:Uri=http://x code:Code=a {more}");
    check(
        &ask,
        &[
            (&case(25, ""), r#""valueBoolean":true"#),
            (&case(0, ""), "too-costly: value set"),
            (&case(0, "system-version:Uri=http://x|1"), "too-costly"),
        ],
    );
    let parts = vec![r#"{"system":"http://x"}"#; 101].join(",");
    let inline =
        format!(r#"valueSet:resource={{"resourceType":"ValueSet","compose":{{"include":[{parts}]}}}} system:Uri=http://x code:Code=a"#);
    check(&ask, &[(&inline, "too-costly")]);
}

#[test]
fn translate() {
    let t = store();
    let case = |code: &str, rest: &str| format!("url:Uri=http://example.org/map system:Uri={A} code:Code={code} {rest}");
    let power = |value: &str| {
        format!(
            r#"dependency:part=[{{"name":"element","valueUri":"http://example.org/power"}},{{"name":"concept","valueCodeableConcept":{{"coding":[{{"system":"http://example.org/yn","code":"{value}"}}]}}}}]"#
        )
    };
    check(
        &|p| t.translate(p),
        &[
            (
                &case("cat", ""),
                r#""result","valueBoolean":true…"equivalence","valueCode":"wider"…"valueCoding":{"system":"http://example.org/toys","code":"plush","display":"毛绒猫"}…"product"…http://example.org/size…"code":"S"…"source","valueUri":"http://example.org/map""#,
            ),
            (&case("dog", &power("yes")), r#""robot"…!"stick""#),
            (&case("dog", &power("no")), r#""stick"…!"robot""#),
            (&case("dog", ""), r#""valueBoolean":false"#),
            (&case("bat", ""), r#""valueBoolean":false…"unmatched""#),
            (&case("bird", ""), r#""valueBoolean":true…"relatedto"…"code":"other""#),
            (&case("x", "targetsystem:Uri=http://other"), r#""valueBoolean":false"#),
            (
                "url:Uri=http://example.org/map system:Uri=http://example.org/toys code:Code=plush reverse:Boolean=true",
                r#""narrower"…"code":"cat""#,
            ),
            (&format!("system:Uri={A} code:Code=cat targetsystem:Uri=http://example.org/toys"), r#""plush""#),
            (&format!("system:Uri={A} code:Code=cat target:Uri=http://example.org/vs/toys"), r#""plush""#),
            ("url:Uri=http://example.org/map2 system:Uri=http://example.org/x code:Code=a", r#""equal"…"code":"b""#),
            ("url:Uri=http://example.org/map2 system:Uri=http://example.org/x code:Code=z", r#""equal"…"code":"z""#),
            ("url:Uri=http://example.org/map3 system:Uri=http://example.org/loop code:Code=z", "too-costly: concept maps send on"),
            ("url:Uri=http://none code:Code=z", "not-found: there is no concept map"),
            ("code:Code=z", "required: parameter url"),
            (&format!("url:Uri=http://example.org/map coding:Coding={{\"system\":\"{A}\",\"code\":\"cat\"}}"), r#""plush""#),
        ],
    );
}

#[test]
fn subsumes() {
    let t = store();
    let case = |a: &str, b: &str| format!("system:Uri={A} version=1 codeA:Code={a} codeB:Code={b}");
    let outcome = |o: &str| format!(r#""outcome","valueCode":"{o}""#);
    for (a, b, expected) in [
        ("mammal", "cat", "subsumes"),
        ("cat", "mammal", "subsumed-by"),
        ("cat", "cat", "equivalent"),
        ("cat", "dog", "not-subsumed"),
        ("flyer", "bat", "subsumes"),
        ("animal", "bat", "subsumes"),
    ] {
        check(&|p| t.subsumes(p), &[(&case(a, b), &outcome(expected))]);
    }
    check(
        &|p| t.subsumes(p),
        &[
            (&case("cat", "fox"), "not-found"),
            ("system:Uri=http://unitsofmeasure.org codeA:Code=umol/L codeB:Code=nmol/mL", &outcome("equivalent")),
            ("system:Uri=http://unitsofmeasure.org codeA:Code=umol/L codeB:Code=g", &outcome("not-subsumed")),
            (
                r#"codingA:Coding={"system":"http://a","code":"1"} codingB:Coding={"system":"http://b","code":"1"}"#,
                "invalid: the value of parameter codingB.system",
            ),
            ("codeA:Code=1 codeB:Code=2", "required: parameter system"),
        ],
    );
}
