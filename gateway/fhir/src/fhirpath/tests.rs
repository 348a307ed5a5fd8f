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

/// An item as a short text.
fn show(item: &Item<'_>) -> String {
    match item {
        Item::Node { node, .. } => node.value().map_or_else(|| format!("<{}>", node.name()), str::to_owned),
        Item::Boolean(b) => b.to_string(),
        Item::Integer(n) => n.to_string(),
        Item::Decimal(d) => d.to_string(),
        Item::String(s) => format!("'{s}'"),
        Item::Date(m) | Item::DateTime(m) => format!("@{}", moment::show(m, false)),
        Item::Time(m) => format!("@T{}", moment::show(m, true)),
        Item::Quantity(q) => q.to_string(),
        Item::Resource(id) => format!("<{}>", Definitions::r4().get(*id).name),
        Item::Type(t) => format!("{}.{}", t.namespace, t.name),
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
    match expression.evaluate(focus, &env) {
        Ok(items) => items.iter().map(show).collect::<Vec<_>>().join(" "),
        Err(fault) => format!("{:?}", fault.kind),
    }
}

fn check(resource: &str, cases: &[(&str, &str)]) {
    let resource = tree(resource);
    for (text, expected) in cases {
        assert_eq!(run(text, &resource, Options::default()), *expected, "{text}");
    }
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
