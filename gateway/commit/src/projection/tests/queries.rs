//! Every kind of parameter, prefix and modifier, held against the bodies themselves; and what a page brings along.

use std::collections::BTreeSet;

use super::rebuild::{Random, write};
use super::support::*;
use crate::projection::{HistoryOf, matches};
use crate::search::{Query, table};

/// What a search must find, told from the bodies of all current resources.
fn told_from_bodies(world: &World, query: &Query, bodies: &[(String, Vec<u8>)]) -> BTreeSet<String> {
    let linked: Vec<Option<Vec<String>>> = query
        .params
        .iter()
        .map(|p| {
            (!p.chain.is_empty()).then(|| {
                let mut out = Vec::new();
                for (target, inner) in &p.chain {
                    let mut sub = Query::all(target.resource_type).ok().unwrap();
                    sub.params.push(inner.clone());
                    let found = told_from_bodies(world, &sub, &current(world, target.resource_type));
                    out.extend(found.iter().map(|id| format!("{}/{id}", target.resource_type)));
                }
                out
            })
        })
        .collect();
    let hold = |body: &[u8]| query.params.iter().zip(&linked).all(|(p, l)| matches::holds(query.table, p, l.as_deref(), body));
    bodies.iter().filter(|(_, body)| hold(body)).map(|(id, _)| id.clone()).collect()
}

/// Id and body of everything of a type, by its history and not by a search.
fn current(world: &World, ty: &str) -> Vec<(String, Vec<u8>)> {
    let history = world.reader.history(HistoryOf::Type(ty), None, 100_000, None).unwrap();
    let ids: BTreeSet<String> = history.rows.iter().map(|f| f.id.clone()).collect();
    let read = |id: String| world.reader.read(ty, &id).unwrap().filter(|v| !v.deleted).map(|v| (id, v.body));
    ids.into_iter().filter_map(read).collect()
}

const OBSERVATION: &[&str] = &[
    "code=c1",
    "code=urn:loc|c1",
    "code=http://loinc.org|c1",
    "code=|c1",
    "code=urn:loc|",
    "code=http://loinc.org|",
    "code=c1,c2",
    "code=nothing",
    "code:not=c1",
    "code:not=c1,c2",
    "code:missing=true",
    "code:missing=false",
    "category=laboratory",
    "category=imaging",
    "category=urn:cat|imaging,urn:other|x",
    "category:not=imaging",
    "category:not=laboratory",
    "status=final",
    "status=final,corrected",
    "status:not=final",
    "status=urn:x|final",
    "status=|final",
    "patient=p1",
    "subject=p1",
    "subject=Patient/p2,Patient/p3",
    "patient:Patient=p1",
    "subject=Group/p1",
    "patient:missing=false",
    "patient=p1&code=c1",
    "patient=p1&code=http://loinc.org|c1",
    "patient=p1,p2&code=c0,c3",
    "patient=p1&code:not=c1",
    "patient=p1&code=urn:loc|",
    "patient=p1&category=imaging",
    "patient=p1&patient=p2",
    "code=c1&code=c2",
    "encounter=e3",
    "encounter=Encounter/e4&status=final",
    "based-on=s1",
    "based-on=ServiceRequest/s1,ServiceRequest/s2",
    "based-on:missing=true",
    "date=2026-01-11",
    "date=2026-02",
    "date=2026",
    "date=ne2026-02",
    "date=gt2026-02-11",
    "date=lt2026-02-11",
    "date=ge2026-02-11T03:00:00+08:00",
    "date=le2026-02",
    "date=sa2026-01",
    "date=eb2026-02-15",
    "date=ap2026-02-11",
    "date=ge2026-01-12&date=lt2026-02-12",
    "date=2026-01,2026-03",
    "date:missing=true",
    "date:missing=false",
    "patient=p1&code=c1&date=ge2026-01-15",
    "value-quantity=3.5",
    "value-quantity=gt2.5",
    "value-quantity=le2",
    "value-quantity=ne1.5||g/L",
    "value-quantity=3||g/L",
    "value-quantity=3||mg",
    "value-quantity=ap3.3",
    "value-quantity=lt2.1||g/L,gt4.5",
    "value-quantity=sa2",
    "value-quantity=eb2",
    "value-quantity=ge2.0",
    "patient.family=张",
    "patient.identifier=urn:s1|v1",
    "subject:Patient.gender=male",
    "patient.name=zhang&code=c2",
];

const PATIENT: &[&str] = &[
    "name=张",
    "name=张三",
    "name=zhang",
    "name=ZHANG SAN",
    "name:contains=三",
    "name:exact=张三",
    "name:exact=zhang san",
    "name:exact=Zhāng San",
    "name=王 五",
    "family=李",
    "family=张,王",
    "name:missing=true",
    "name:missing=false",
    "given=x",
    "given:missing=true",
    "identifier=v1",
    "identifier=urn:s0|v1",
    "identifier=urn:s1|",
    "identifier=|v1",
    "identifier=v1,v2",
    "identifier:not=v1",
    "identifier:not=urn:s1|",
    "identifier:missing=true",
    "identifier:missing=false",
    "gender=male",
    "gender:not=male",
    "gender:missing=true",
    "birthdate=1950",
    "birthdate=1950-01-02",
    "birthdate=ge1950",
    "birthdate=lt1930,gt1970",
    "gender=female&name=张",
];

const ENCOUNTER: &[&str] = &[
    "class=IMP",
    "class=urn:class|AMB",
    "participant=d1",
    "practitioner=d1",
    "participant=Practitioner/d0,Practitioner/d2",
    "participant:missing=true",
    "date=2026-02",
    "date=ge2026-03",
    "date=lt2026-02",
    "status=finished,cancelled",
    "patient=p1&status=in-progress",
    "patient=p3&participant=d1",
];

const REPORT: &[&str] = &[
    "result=o1",
    "result=Observation/o2,Observation/o3",
    "patient=p1&result=o5",
    "issued=ge2026-02",
    "code=P1&status=final",
    "result.code=c1",
];

#[test]
fn searches_find_what_the_bodies_say() {
    let mut world = World::new();
    write(&world, &mut Random(42 << 32), 500);
    world.catch_up(50);
    let mut found_some = 0;
    for (ty, list) in [("Observation", OBSERVATION), ("Patient", PATIENT), ("Encounter", ENCOUNTER), ("DiagnosticReport", REPORT)] {
        let bodies = current(&world, ty);
        assert!(bodies.len() >= 8, "{ty}");
        for text in list {
            let mut query = parse(ty, text);
            query.count = 500;
            query.total = crate::search::Total::Accurate;
            let want = told_from_bodies(&world, &query, &bodies);
            let (ids, page) = world.page(&query);
            let got: BTreeSet<String> = ids.iter().cloned().collect();
            assert_eq!(got.len(), ids.len(), "{ty}?{text}: one twice");
            assert_eq!(got, want, "{ty}?{text}");
            assert_eq!(page.total, Some(want.len() as u64), "{ty}?{text}: total");
            found_some += usize::from(!want.is_empty() && want.len() < bodies.len());
        }
    }
    assert!(found_some > 70, "only {found_some} searches tell anything");
}

#[test]
fn special_parameters() {
    let mut world = World::new();
    for n in 1..=9 {
        world.send("", vec![put("Patient", &format!("p{n}"), r#""meta":{"profile":["http://p/one"],"tag":[{"system":"t","code":"x"}]}"#)]);
    }
    let ask = |q: &str| world.ask("Patient", q);
    assert_eq!(ask("_id=p3,p5,none"), ["p3", "p5"]);
    assert_eq!(ask("_lastUpdated=2026-01-01T00:00:04Z"), ["p4"]);
    assert_eq!(ask("_lastUpdated=ge2026-01-01T00:00:08Z"), ["p8", "p9"]);
    assert_eq!(ask("_lastUpdated=gt2026-01-01T00:00:08Z"), ["p9"]);
    assert_eq!(ask("_lastUpdated=lt2026-01-01T00:00:02Z"), ["p1"]);
    assert_eq!(ask("_lastUpdated=le2026-01-01T00:00:02Z"), ["p1", "p2"]);
    assert_eq!(ask("_lastUpdated=ne2026-01-01T00:00:02Z&_id=p1,p2"), ["p1"]);
    assert_eq!(ask("_profile=http://p/one&_id=p2"), ["p2"]);
    assert_eq!(ask("_tag=t|x&_count=2"), ["p1", "p2"]);
    assert_eq!(ask("_tag=u|x"), Vec::<String>::new());
    assert_eq!(ask("_sort=-_lastUpdated&_count=3"), ["p9", "p8", "p7"]);
    let (_, page) = world.page(&parse("Patient", "_summary=count"));
    assert_eq!((page.total, page.matches.len()), (Some(9), 0));
    let (_, page) = world.page(&parse("Patient", "_count=0"));
    assert_eq!(page.total, Some(9));
    let (_, page) = world.page(&parse("Patient", "_count=2"));
    assert_eq!((page.total, page.next.is_some()), (None, true), "a total nobody asked for costs");
}

#[test]
fn includes_bring_each_resource_once() {
    let mut world = World::new();
    let obs = |n: u64| {
        put(
            "Observation",
            &format!("o{n}"),
            r#""status":"final","subject":{"reference":"Patient/p"},"performer":[{"reference":"Organization/a"},{"reference":"Practitioner/missing"},{"reference":"Organization/b"}]"#,
        )
    };
    world.send(
        "",
        vec![
            put("Patient", "p", r#""managingOrganization":{"reference":"Organization/a"}"#),
            put("Organization", "a", ""),
            put("Organization", "b", ""),
            put("Organization", "c", ""),
        ],
    );
    world.send(
        "",
        vec![
            obs(1),
            obs(2),
            put("DiagnosticReport", "r", r#""status":"final","result":[{"reference":"Observation/o1"},{"reference":"Observation/o2"}]"#),
        ],
    );
    let included = |ty: &str, q: &str| -> Vec<String> {
        let (_, page) = world.page(&parse(ty, q));
        assert!(!page.included_cut);
        page.included.iter().map(|f| format!("{}/{}", f.resource_type, f.id)).collect()
    };
    assert_eq!(included("Observation", "_include=Observation:subject"), ["Patient/p"]);
    assert_eq!(included("Observation", "_include=Observation:performer"), ["Organization/a", "Organization/b"]);
    assert_eq!(included("Observation", "_include=Observation:performer:Practitioner"), Vec::<String>::new());
    assert_eq!(
        included("Observation", "_include=Observation:subject&_include=Observation:patient&_include=Observation:performer:Organization"),
        ["Patient/p", "Organization/a", "Organization/b"]
    );
    assert_eq!(included("DiagnosticReport", "_include=DiagnosticReport:result"), ["Observation/o1", "Observation/o2"]);
    assert_eq!(included("Patient", "_revinclude=Observation:subject"), ["Observation/o1", "Observation/o2"]);
    assert_eq!(included("Observation", "_revinclude=DiagnosticReport:result"), ["DiagnosticReport/r"]);
    assert_eq!(
        included("Organization", "_revinclude=Patient:organization&_revinclude=Observation:performer"),
        ["Patient/p", "Observation/o1", "Observation/o2"]
    );
    assert_eq!(included("Observation", "_id=none&_revinclude=DiagnosticReport:result"), Vec::<String>::new());
}

#[test]
fn every_parameter_of_every_type_can_be_asked() {
    let mut world = World::new();
    for ty in table::types() {
        world.send("", vec![put(ty.resource_type, "x", "")]);
    }
    for ty in table::types() {
        for param in &ty.params {
            let value = match param.kind {
                table::ParamKind::Date => "ge2026",
                table::ParamKind::Quantity => "gt1",
                _ => "1",
            };
            for text in [format!("{}={value}", param.name), format!("{}:missing=true", param.name)] {
                if text.starts_with('_') && text.contains(":missing") && matches!(param.name, "_id" | "_lastUpdated") {
                    continue;
                }
                let found = world.ask(ty.resource_type, &text);
                let all = text.contains("missing") || param.name == "_lastUpdated";
                assert_eq!(found.len(), usize::from(all), "{}?{text}", ty.resource_type);
            }
        }
    }
}

#[test]
fn searches_begin_where_it_is_cheap() {
    let mut world = World::new();
    write(&world, &mut Random(8 << 32), 100);
    world.catch_up(50);
    let cases = [
        ("Observation", "_id=o1", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("Observation", "patient=p1&code=c1&date=ge2026", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("Observation", "patient=p1", "SEARCH r USING INDEX r_Observation_seq (seq=?)"),
        ("Observation", "encounter=e1&status=final", "SEARCH r USING INDEX r_Observation_seq (seq=?)"),
        ("Observation", "code=c1", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("Observation", "patient.identifier=v1", "SEARCH r USING INDEX r_Observation_seq (seq=?)"),
        ("Patient", "identifier=v1&gender=male", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("Patient", "name=张&gender=male", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("DiagnosticReport", "result=o1", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("Observation", "based-on=s1", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("Encounter", "participant:Practitioner=d1", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("Encounter", "practitioner=d1", "SEARCH r USING INTEGER PRIMARY KEY"),
        ("Observation", "_lastUpdated=ge2026-01-01T00:01:35Z", "SEARCH r USING INDEX r_Observation_seq (seq>?"),
        ("Observation", "_sort=-_lastUpdated", "SCAN r USING INDEX r_Observation_seq"),
        ("Patient", "birthdate=1950-01-01", "SEARCH r USING INDEX r_Patient_0 (s_birthdate_lo>? AND s_birthdate_lo<?)"),
    ];
    for (ty, text, want) in cases {
        let query = parse(ty, text);
        let plan = world.reader.with(|s| s.explain(&query)).map_err(|e| format!("{e:?}")).unwrap();
        assert!(plan.contains(want), "{ty}?{text}: {plan}");
    }
}

#[test]
fn logical_references_and_values_past_the_first() {
    let mut world = World::new();
    world.send("", vec![
        put("Observation", "a", r#""subject":{"identifier":{"system":"urn:id","value":"7"}},"performer":[{"reference":"Organization/1"},{"reference":"Practitioner/2"}]"#),
        put("Observation", "b", r#""subject":{"reference":"Patient/7"},"performer":[{"reference":"Practitioner/2"}]"#),
        put("Observation", "c", r#""specimen":{"reference":"http://elsewhere/fhir/Specimen/1"},"performer":[{"identifier":{"value":"7"}}]"#),
    ]);
    let ask = |q: &str| world.ask("Observation", q);
    assert_eq!(ask("subject:identifier=urn:id|7"), ["a"]);
    assert_eq!(ask("subject:identifier=7"), ["a"]);
    assert_eq!(ask("subject:identifier=other|7"), Vec::<String>::new());
    assert_eq!(ask("performer:identifier=7"), ["c"]);
    assert_eq!(ask("performer=Practitioner/2"), ["a", "b"]);
    assert_eq!(ask("performer=Organization/1&performer=Practitioner/2"), ["a"]);
    assert_eq!(ask("specimen=http://elsewhere/fhir/Specimen/1"), ["c"]);
    assert_eq!(ask("specimen=1"), Vec::<String>::new());
    assert_eq!(ask("subject=7"), ["b"]);
}
