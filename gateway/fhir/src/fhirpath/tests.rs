//! Expressions against small resources, as tables: expression, what it gives.

use super::*;
use crate::json::{self, JsonLimits};
use crate::tree::Tree;

const PATIENT: &str = r##"{"resourceType":"Patient","id":"p1","active":true,
"contained":[{"resourceType":"Organization","id":"o1","name":"县医院"}],
"name":[{"use":"official","family":"王","given":["小","明"]},{"use":"usual","given":["明明"]}],
"birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"http://example.org/time","valueDateTime":"1974-12-25T14:35:45+08:00"}]},
"managingOrganization":{"reference":"#o1"},"deceasedBoolean":false,
"telecom":[{"system":"phone","value":"010-1","rank":1},{"system":"email","value":"a@b.c"}]}"##;

const OBSERVATION: &str = r#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},
"valueQuantity":{"value":185.0,"unit":"lbs","system":"http://unitsofmeasure.org","code":"[lb_av]"},
"effectiveDateTime":"2016-03","issued":"2016-03-28T10:00:00Z"}"#;

pub(super) fn tree(text: &str) -> Tree {
    json::parse(text.as_bytes(), &JsonLimits::default()).unwrap_or_else(|e| panic!("{e:?}")).0
}

#[test]
fn all_that_r4_publishes_compiles() {
    let definitions = Definitions::r4();
    let invariants = definitions.invariants().map(|i| i.expression);
    let parameters = definitions.search_parameters().all().iter().map(|p| p.expression).filter(|e| !e.is_empty());
    let components = definitions.search_parameters().all().iter().flat_map(|p| p.components()).map(|(_, e)| e);
    let mut count = 0;
    for text in invariants.chain(parameters).chain(components) {
        if let Err(fault) = compile(text, definitions) {
            panic!("{text}: {fault}");
        }
        count += 1;
    }
    assert!(count > 1500, "{count}");
}

/// Strictness must not refuse what is right. R4's own texts are nearly all right on the types that they are for.
#[test]
fn strictness_finds_the_mistakes_of_r4_and_no_others() {
    let d = Definitions::r4();
    let mut refused = std::collections::BTreeSet::new();
    let mut strict = |text: &str, id: TypeId, place: &str| {
        if compile_for(text, d, Options { context: Some(id), strict: true }).is_err() {
            refused.insert(place.to_owned());
        }
    };
    let keys = |list: &'static str| list.split(',').filter(|key| !key.is_empty());
    for id in d.type_ids() {
        for key in keys(d.get(id).invariants) {
            strict(d.invariant(key).unwrap().expression, id, &format!("{} {key}", d.get(id).name));
        }
        for (_, element) in d.elements(id) {
            for property in d.properties(element) {
                for key in keys(element.invariants) {
                    let place = format!("{} {key} on {}", element.path, d.get(property.type_id).name);
                    strict(d.invariant(key).unwrap().expression, property.type_id, &place);
                }
            }
        }
    }
    for parameter in d.search_parameters().all() {
        for base in parameter.bases() {
            for branch in parameter.branches(base) {
                strict(branch, d.type_named(base).unwrap(), branch);
            }
        }
    }
    let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
    assert_eq!(
        refused,
        [
            "ChargeItemDefinition cid-0",                 // it has no name
            "DeviceDefinition.classification.type",       // no such element
            "prediction.probability[x] ras-1 on decimal", // about the other form, Range
        ]
    );
}

/// An item as a short text; made texts are quoted.
fn show(item: &Item<'_>) -> String {
    match item {
        Item::Node { node, .. } if node.value().is_none() => format!("<{}>", node.name()),
        Item::String(text) => format!("'{text}'"),
        _ => item.to_string(),
    }
}

fn run(text: &str, resource: &Tree, options: Options) -> String {
    let definitions = Definitions::r4();
    let expression = match compile_for(text, definitions, options) {
        Ok(expression) => expression,
        Err(fault) => return format!("{:?}", fault.kind),
    };
    let focus = Item::resource(resource.root(), definitions);
    let mut env = Env::of(focus.clone(), definitions);
    env.now = Moment::date_time("2026-11-22T08:00:00.000+08:00");
    env.steps_max = 300_000;
    match expression.evaluate(focus, &env) {
        Ok(items) => items.iter().map(show).collect::<Vec<_>>().join(" "),
        Err(fault) => format!("{:?}", fault.kind),
    }
}

fn check(resource: &str, cases: &[(&str, &str)]) {
    let resource = tree(resource);
    let run = |text: &str| run(text, &resource, Options::default());
    let wrong = cases.iter().filter_map(|(text, expected)| Some((text, expected, run(text))).filter(|(_, e, got)| **e != got));
    assert_eq!(wrong.collect::<Vec<_>>(), [], "(expression, expected, got)");
}

#[test]
fn paths_find_elements() {
    check(
        PATIENT,
        &[
            ("name.given", "小 明 明明"),
            ("Patient.name.given", "小 明 明明"),
            ("Encounter.name", ""),
            ("Resource.id", "p1"),
            ("name[1].given", "明明"),
            ("name[2]", ""),
            ("deceased", "false"),
            ("deceasedBoolean", ""),
            ("birthDate.extension('http://example.org/time').value", "1974-12-25T14:35:45+08:00"),
            ("birthDate.extension.value.type()", "FHIR.dateTime"),
            ("managingOrganization.resolve().name", "县医院"),
            ("contained.type()", "FHIR.Organization"),
            ("descendants().where($this is Organization).id", "o1"),
            ("children().count()", "10"),
            ("nothingLikeIt", ""),
            ("telecom.where(system = 'phone').value", "010-1"),
            ("telecom.select(value & '/' & rank)", "'010-1/1' 'a@b.c/'"),
            ("name.select($index)", "0 1"),
        ],
    );
    check(
        OBSERVATION,
        &[
            ("value.unit", "lbs"),
            ("value.ofType(Quantity).value", "185.0"),
            ("(value as Quantity).code", "[lb_av]"),
            ("value is Quantity", "true"),
            ("value as string", ""),
            ("value = 185 '[lb_av]'", "true"),
            ("value > 180 '[lb_av]'", "true"),
            ("effective < @2016-04", "true"),
            ("effective < issued", ""),
            ("effective is dateTime", "true"),
        ],
    );
}

#[test]
fn hostile_expressions_end_in_a_fault() {
    let resource = tree(PATIENT);
    let run = |text: &str| run(text, &resource, Options::default());
    assert_eq!(run(&format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000))), "Limit");
    assert_eq!(run(&format!("{}1", "-".repeat(10_000))), "Limit");
    assert_eq!(run(&format!("a{}", ".a".repeat(10_000))), "Limit");
    assert_eq!(run(&format!("{}1", "1 + ".repeat(10_000))), "Limit");
    assert_eq!(run(&"x".repeat(LENGTH_MAX + 1)), "Limit");
    assert_eq!(run("repeat($this & 'x')"), "Execution");
    assert_eq!(run("1.repeat($this + 1)"), "Limit");
    assert_eq!(
        run(
            "descendants().select(%resource.descendants().select(%resource.descendants().select(%resource.descendants().select(%resource.descendants())))).count()"
        ),
        "Limit"
    );
    assert_eq!(
        run("'ab'.toChars().combine('abcdefghijklmnopqrstuvwxyz'.toChars()).aggregate($total & $total & 'xxxxxxxxxxxxxxxx', 'x')"),
        "Limit"
    );
    // long chains without a side are flat
    assert_eq!(run(&format!("{}true", "false or ".repeat(5_000))), "true");
    assert_eq!(run(&format!("({}2).count()", "1 | ".repeat(5_000))), "2");
}

#[test]
fn operators_follow_the_specification() {
    check(
        PATIENT,
        &[
            // precedence
            ("1 + 2 * 3 - 4", "3"),
            ("-2 + 3", "1"),
            ("(1 | 1 is Integer).count()", "2"),
            ("true or false and false", "true"),
            ("false implies false or true", "true"),
            ("1 = 1 and 2 > 1", "true"),
            ("'a' + 'b' in 'ab' | 'c'", "true"),
            ("-name.given.count()", "-3"),
            // arithmetic
            ("7 div 2", "3"),
            ("-7 div 2", "-3"),
            ("7 mod 2", "1"),
            ("7 / 2", "3.5"),
            ("1.10 + 2", "3.10"),
            ("1 / 0", ""),
            ("1 div 0", ""),
            ("1 mod 0", ""),
            ("9223372036854775807 + 1", ""),
            ("7922816251426433759354395033.5 * 100", ""),
            ("1 + 'a'", "Execution"),
            ("{} + 1", ""),
            ("'a' & {} & 1", "'a1'"),
            // equality
            ("1 = 1.0", "true"),
            ("'1' = 1", "false"),
            ("{} = {}", ""),
            ("(1 | 2) = (1 | 2)", "true"),
            ("(1 | 2) = (2 | 1)", "false"),
            ("(1 | 2) ~ (2 | 1)", "true"),
            ("'Ab  c' ~ 'aB c'", "true"),
            ("{} ~ {}", "true"),
            ("1 ~ {}", "false"),
            ("1.234 ~ 1.23", "true"),
            ("birthDate = @1974-12-25", "true"),
            ("birthDate = '1974-12-25'", "true"),
            ("birthDate = @1974-12", ""),
            ("name.first() = name.first()", "true"),
            ("name[0] = name[1]", "false"),
            ("name ~ name", "true"),
            ("contained = contained", "true"),
            // order
            ("'a' < 'b'", "true"),
            ("birthDate < @1974-12-26", "true"),
            ("birthDate > @1974", ""),
            ("1 < 'a'", "Execution"),
            ("name < 1", "Execution"),
            ("name[0] < 1", "Execution"),
            ("1 < {}", ""),
            // logic with nothing
            ("true and {}", ""),
            ("false and {}", "false"),
            ("true or {}", "true"),
            ("false or {}", ""),
            ("{} implies true", "true"),
            ("{} implies false", ""),
            ("false implies {}", "true"),
            ("true xor {}", ""),
            ("active and name.first()", "true"),
            ("name and true", "Execution"),
            // membership
            ("'小' in name.given", "true"),
            ("{} in name.given", ""),
            ("name.given contains 'x'", "false"),
            ("name.first().use in ('official' | 'usual')", "true"),
        ],
    );
}

#[test]
fn quantities_and_durations_are_calculated_with() {
    check(
        PATIENT,
        &[
            ("4 'g' = 4000 'mg'", "true"),
            ("4 'g' > 3999 'mg'", "true"),
            ("1 'g' = 1 'm'", ""),
            ("1 'g' != 1 'm'", ""),
            ("1 'x_no_unit' = 1 'x_no_unit'", "true"),
            ("7 days = 1 week", "true"),
            ("12 months = 1 year", "true"),
            ("1 year = 1 'a'", ""),
            ("1 year ~ 1 'a'", "true"),
            ("1 second = 1 's'", "true"),
            ("2 'cm' * 2.0 'm' = 0.040 'm2'", "true"),
            ("4.0 'g' / 2.0 'm'", "2 'g/m'"),
            ("1 'm' / 1 'm'", "1 '1'"),
            ("1 'm' + 50 'cm'", "1.5 'm'"),
            ("3 'mg' * 2", "6 'mg'"),
            ("-(3 'mg')", "-3 'mg'"),
            ("1 'g' + 1 'm'", ""),
            ("@2016-01-31 + 1 month", "@2016-02-29"),
            ("@2016-01-31 - 1 'month'", "@2015-12-31"),
            ("@2016-01-31 + 1 'mo'", "Execution"),
            ("@2016-01-31 + 1", "Execution"),
            ("@T23:30 + 1 hour", "@T00:30"),
            ("birthDate + 18 years", "@1992-12-25"),
            ("today() - 1 day", "@2026-11-21"),
            ("'1 day'.toQuantity() = 24 hours", "true"),
            ("1 'g'.toQuantity('mg')", "1000 'mg'"),
            ("1 'g'.comparable(1 'kg')", "true"),
            ("(1 'g' | 1000 'mg').distinct().count()", "1"),
        ],
    );
}

#[test]
fn functions_on_collections() {
    check(
        PATIENT,
        &[
            ("name.exists(use = 'usual')", "true"),
            ("name.all(given.exists())", "true"),
            ("link.all(false)", "true"),
            ("(true | false).anyTrue()", "true"),
            ("(true | false).allTrue()", "false"),
            ("(1 | true).allTrue()", "Execution"),
            ("{}.allTrue()", "true"),
            ("{}.anyTrue()", "false"),
            ("(1 | 2).subsetOf(1 | 2 | 3)", "true"),
            ("(1 | 2).supersetOf(1 | 2 | 3)", "false"),
            ("name.given.count()", "3"),
            ("name.single()", "Execution"),
            ("name.first().use", "official"),
            ("name.last().use", "usual"),
            ("name.given.tail()", "明 明明"),
            ("name.given.skip(1).take(1)", "明"),
            ("name.given.take(-1)", ""),
            ("(1 | 2 | 3).intersect(2 | 3 | 4)", "2 3"),
            ("(1 | 2 | 3).exclude(2)", "1 3"),
            ("1.combine(1)", "1 1"),
            ("1.union(1 | 2)", "1 2"),
            ("name.select(given.first()).isDistinct()", "true"),
            ("(1 | 2 | 3).aggregate($total + $this, 0)", "6"),
            ("(1 | 2 | 3).aggregate(iif($total.empty(), $this, $total * 10 + $this))", "123"),
            ("(3 | 1 | 2).sort()", "1 2 3"),
            ("(3 | 1 | 2).sort(-$this)", "3 2 1"),
            ("(3 | 1 | 2).sort($this desc)", "3 2 1"),
            ("(1 | 'a').sort()", "Execution"),
            ("name.sort(family).use", "official usual"),
            ("1.repeat(iif($this < 5, $this + 1, {}))", "2 3 4 5"),
            ("iif(active, 'yes', 1/'x')", "'yes'"),
            ("iif({}, 1)", ""),
            ("name.iif(true, 1)", "Execution"),
            ("iif(name, 1)", "Execution"),
            ("name.given.join('-')", "'小-明-明明'"),
            ("name.trace('n').count()", "2"),
            ("'abcdefghijklmnopqrst'.toChars().isDistinct()", "true"),
            ("('abcdefghijklmnopqrst' & 'a').toChars().isDistinct()", "false"),
            ("('abcdefghijklmnopqrst' & 'a').toChars().distinct().count()", "20"),
        ],
    );
}

#[test]
fn functions_on_values() {
    check(
        PATIENT,
        &[
            ("'1'.toInteger() + 1", "2"),
            ("'1.0'.toInteger()", ""),
            ("'+1.50'.toDecimal()", "1.50"),
            ("'yes'.toBoolean()", "true"),
            ("'maybe'.convertsToBoolean()", "false"),
            ("active.toString()", "'true'"),
            ("birthDate.toString().length()", "10"),
            ("@2014-01-01T10:00:00Z.toDate()", "@2014-01-01"),
            ("'2014-13'.toDate()", ""),
            ("'10:30'.toTime()", "@T10:30"),
            ("{}.toInteger()", ""),
            ("name.toString()", "Execution"),
            ("'LogicalModel'.indexOf('Model')", "7"),
            ("'王小明'.indexOf('明')", "2"),
            ("'王小明'.substring(1, 1)", "'小'"),
            ("'abc'.substring(3)", ""),
            ("'abc'.substring(-1)", ""),
            ("'a,b,,c'.split(',').count()", "4"),
            ("'abc'.replace('', 'x')", "'xaxbxcx'"),
            ("'abc123'.replaceMatches('([a-c])', '$1x')", "'axbxcx123'"),
            ("'abc'.matches('^[a-c]+$')", "true"),
            ("'abc'.matches('(?=a)')", "Execution"),
            ("'abc'.matches('b' & 'c')", "true"),
            ("'abc'.matchesFull('b')", "false"),
            ("'abc'.matches({})", ""),
            ("name.startsWith('a')", "Execution"),
            ("name[0].startsWith('a')", "Execution"),
            ("active.startsWith('t')", "true"),
            ("' a '.trim()", "'a'"),
            ("'test'.encode('base64').decode('base64')", "'test'"),
            ("2.power(10)", "1024"),
            ("2.power(-1)", "0.5"),
            ("1000.log(10)", "3"),
            ("81.sqrt()", "9"),
            ("(-1).sqrt()", ""),
            ("1.5.round()", "2"),
            ("3.14159.round(3)", "3.142"),
            ("(-1.5).ceiling()", "-1"),
            ("(-5).abs()", "5"),
            ("1.587.lowBoundary()", "1.58650000"),
            ("1.587.highBoundary(2)", "1.59"),
            ("1.lowBoundary(99)", ""),
            ("1.58700.precision()", "5"),
            ("now().toString()", "'2026-11-22T08:00:00.000+08:00'"),
            ("timeOfDay()", "@T08:00:00.000"),
        ],
    );
}

#[test]
fn types_are_told_apart() {
    check(
        PATIENT,
        &[
            ("1.type()", "System.Integer"),
            ("active.type().name", "'boolean'"),
            ("active.type().namespace", "'FHIR'"),
            ("gender.type()", ""),
            ("active is boolean", "true"),
            ("active is System.Boolean", "false"),
            // as published expressions have it
            ("active is Boolean", "true"),
            ("1 is System.Patient", "false"),
            ("1 as NoSuchType", "Semantic"),
            ("Patient is DomainResource", "true"),
            ("contained.ofType(Organization).name", "县医院"),
            ("name[0].use is string", "true"),
            ("name[0].use as string", ""),
            ("(name[0].use as code)", "official"),
            ("name as HumanName", "<name> <name>"),
            ("managingOrganization.resolve() is Organization", "true"),
        ],
    );
    let patient = tree(PATIENT);
    let id = Definitions::r4().type_named("Patient");
    for (text, expected) in [
        ("name as HumanName", "Execution"),
        ("active is Boolean", "false"),
        ("name.given1", "Semantic"),
        ("deceasedBoolean", "Semantic"),
        ("deceased.ofType(boolean)", "false"),
        ("Encounter.name", "Semantic"),
        ("children().first()", "Semantic"),
        ("name.where(usee = 'official')", "Semantic"),
        ("name.startsWith('a')", "Semantic"),
        ("birthDate + 1", "Semantic"),
        ("iif(name, 1, 2)", "Semantic"),
        ("contained.name", "县医院"),
        ("contact.name.family", ""),
        ("name.period.start.extension('x').value.code", ""),
    ] {
        assert_eq!(run(text, &patient, Options { context: id, strict: true }), expected, "{text}");
    }
}

/// A parameter for each of the ways to hold a value, extensions without value, contained resources.
#[test]
fn values_keep_the_type_that_they_are_written_with() {
    check(
        r#"{"resourceType":"Parameters","parameter":[{"name":"a","valueString":"x"},{"name":"b","valueInteger":1},
        {"name":"c","valueUuid":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},{"name":"d","valueDecimal":1.50},
        {"name":"e","_valueCode":{"extension":[{"url":"u","valueBoolean":true}]}}]}"#,
        &[
            ("parameter[0].value.is(FHIR.string)", "true"),
            ("parameter[1].value.is(FHIR.integer)", "true"),
            ("parameter[2].value.is(FHIR.uuid)", "true"),
            ("parameter[2].value.is(FHIR.uri)", "true"),
            ("parameter[3].value.is(FHIR.decimal)", "true"),
            ("parameter[3].value.toString()", "'1.50'"),
            ("parameter.value.select($this.hasValue())", "true true true true false"),
            ("parameter[4].value.exists()", "true"),
            ("parameter[4].value = 'x'", "false"),
            ("parameter[4].value & 'x'", "Execution"),
            ("parameter[4].value.length()", ""),
            ("parameter[4].value.extension('u').value", "true"),
            ("parameter[3].value.getValue() + 1", "2.50"),
            ("parameter.value.getValue()", ""),
        ],
    );
}

#[test]
fn the_host_is_asked_and_may_not_know() {
    struct Knows;
    impl Host for Knows {
        fn member_of(&self, value_set: &str, of: &Item<'_>) -> Option<bool> {
            (value_set == "http://example.org/vs").then(|| of.to_string() == "official")
        }

        fn conforms_to(&self, _: &Item<'_>, profile: &str) -> Option<bool> {
            (profile == "http://example.org/p").then_some(true)
        }

        fn resolve<'t>(&self, reference: &str, _: crate::NodeRef<'t>) -> Option<Item<'t>> {
            let name = reference.split('/').next()?;
            Definitions::r4().resource_named(name).map(Item::Resource)
        }
    }
    let definitions = Definitions::r4();
    let resource = tree(r#"{"resourceType":"Patient","name":[{"use":"official"}],"managingOrganization":{"reference":"Organization/1"}}"#);
    let focus = Item::resource(resource.root(), definitions);
    let variables = [("extra", Item::Integer(7))];
    let env = Env { host: &Knows, variables: &variables, ..Env::of(focus.clone(), definitions) };
    for (text, expected) in [
        ("name.use.memberOf('http://example.org/vs')", "true"),
        ("name.use.memberOf('http://example.org/other')", "Undecided"),
        ("{}.memberOf('http://example.org/other')", ""),
        ("conformsTo('http://example.org/p')", "true"),
        ("name.use.subsumes('x')", "Undecided"),
        ("managingOrganization.resolve() is Organization", "true"),
        ("managingOrganization.where(resolve() is Practitioner).exists()", "false"),
        ("%extra + 1", "8"),
        ("%resource.name.use", "official"),
        ("%context.name.select(%context is Patient)", "true"),
        ("%nothing", "Execution"),
        ("%`vs-x` | %ext-y", "'http://hl7.org/fhir/ValueSet/x' 'http://hl7.org/fhir/StructureDefinition/y'"),
        ("today()", "Undecided"),
        ("elementDefinition()", "Undecided"),
    ] {
        let expression = compile(text, definitions).unwrap();
        let got = match expression.evaluate(focus.clone(), &env) {
            Ok(items) => items.iter().map(show).collect::<Vec<_>>().join(" "),
            Err(fault) => format!("{:?}", fault.kind),
        };
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn what_is_not_fhirpath_is_refused_where_it_is() {
    for (text, offset) in [
        ("", 0),
        ("name.", 5),
        ("name..given", 5),
        ("(1", 2),
        ("1 +", 3),
        ("'abc", 0),
        ("'\\u12'", 1),
        ("/* x", 0),
        ("name.foo()", 5),
        ("name.first(1)", 5),
        ("name where", 5),
        ("@2015-02-30", 0),
        ("@T25", 0),
        ("$foo", 0),
        ("a # b", 2),
        ("1 2", 2),
        ("name[0", 6),
        ("{1}", 1),
        ("is(Patient", 10),
        ("99999999999999999999", 0),
    ] {
        let Err(fault) = compile(text, Definitions::r4()) else { panic!("{text}") };
        assert_eq!((fault.kind, fault.offset), (FaultKind::Syntax, offset), "{text}");
        assert!(!fault.zh.is_empty() && !fault.en.is_empty());
    }
    for text in [
        "a/*x*/.b // end",
        "`a`.`b c`",
        "'\\u5f20\\ud83d\\ude00'",
        "\"a\" = 'a'",
        "div + mod",
        "true.not()",
        "is.as.div",
        "a.contains",
        "$this.is(FHIR.`Patient`)",
    ] {
        assert!(compile(text, Definitions::r4()).is_ok(), "{text}");
    }
}

/// Each function on nothing, on a text and on an element: an answer or a fault, never more.
#[test]
fn every_function_comes_to_an_end() {
    let resource = tree(PATIENT);
    for (_, name, min, _) in expr::Function::ALL {
        for focus in ["{}", "'a'", "1", "name", "birthDate", "%resource"] {
            for argument in ["{}", "'a'", "1", "true", "$this"] {
                let arguments = vec![argument; *min].join(", ");
                run(&format!("{focus}.{name}({arguments})"), &resource, Options::default());
            }
        }
    }
}

/// The deepest that the limits allow must fit into a small stack.
#[test]
fn depth_is_limited_before_the_stack_is() {
    let resource = tree(PATIENT);
    let run = |text: &str| run(text, &resource, Options::default());
    let nested = |depth: usize, open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
    for (open, close) in
        [("iif(true, ", ")"), ("name.select(", ")"), ("name.where(true or ", ")"), ("(1 + ", ")"), ("not(", ")"), ("name[", "]")]
    {
        let deepest = (1..200).take_while(|depth| run(&nested(*depth, open, "1", close)) != "Limit").count();
        assert!(deepest > 20, "{open} {deepest}");
    }
    let mut deep = Tree::resource("Patient");
    for place in [crate::Key::of("extension"), crate::Key::of("modifierExtension")] {
        let mut at = 0;
        for _ in 0..10_000 {
            at = deep.add(at, place, crate::Kind::Object, true);
        }
    }
    assert_eq!(super::tests::run("descendants().count()", &deep, Options::default()), "Limit");
    assert_eq!(super::tests::run("extension = modifierExtension", &deep, Options::default()), "false");
    assert_eq!(super::tests::run("extension ~ modifierExtension", &deep, Options::default()), "false");
}
