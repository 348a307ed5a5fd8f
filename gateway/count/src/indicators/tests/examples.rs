//! Each indicator worked by hand, and each without what it needs.

use super::support::{POSITION, World, library, period};
use crate::indicators::{Asked, Class, Outcome, Provenance, evaluate};
use hutong_fhir::sheet::Sheet;
use std::collections::BTreeSet;

const EXAMPLES: &str = include_str!("../../../../../profiles/policy/indicators/examples.tsv");

fn asked<'a>(text: &str, area: &'a str) -> Asked<'a> {
    Asked { period: period(text), institution: None, area, open_scope: None }
}

#[test]
fn every_indicator_gives_what_was_worked_out_by_hand() {
    let library = library();
    let sheet = Sheet::read(EXAMPLES, &["indicator", "period", "given", "value", "target", "met", "working"]);
    let mut done = BTreeSet::new();
    for row in sheet.rows() {
        let id = row.get("indicator");
        let definition = library.definition(id).unwrap_or_else(|| panic!("{id}"));
        let area = &library.document(&definition.document).unwrap().area;
        let world = World::of(row.get("given"), row.get("period"));
        let figure = evaluate(&library, definition, &asked(row.get("period"), area), &world, &world);
        assert_eq!(figure.value_text(), row.get("value"), "{id}: {}", row.get("working"));
        assert_eq!(figure.target.as_ref().map_or("", |t| &t.printed), row.get("target"), "{id}");
        let met = figure.is_met.map_or("", |m| if m { "yes" } else { "no" });
        assert_eq!(met, row.get("met"), "{id}: {}", row.get("working"));
        assert!(!row.get("working").is_empty(), "{id}");
        let expect = match definition.class {
            Class::A if id == "mon-05-1" => Provenance::Computed,
            Class::A => Provenance::Counted,
            Class::B if row.get("given").contains(&format!("{id}=")) || id == "mon-05-2" => Provenance::Reported,
            Class::B if id == "fj-mon-09" => Provenance::Counted,
            Class::B => Provenance::Computed,
            Class::C => Provenance::Reported,
        };
        assert_eq!(figure.provenance, expect, "{id}: nothing reported is shown as counted");
        assert!(figure.inputs.iter().all(|u| !u.title.is_empty() && (u.origin.code() == "counted") == u.from.is_empty()), "{id}");
        assert_eq!(figure.journal_position, POSITION);
        assert!(done.insert(id.to_owned()), "{id} twice");
    }
    assert_eq!(sheet.into_faults(), []);
    let all: BTreeSet<String> = library.definitions().iter().map(|d| d.id.clone()).collect();
    assert_eq!(done, all);
    let rows: BTreeSet<&str> = library.definitions().iter().map(|d| d.row()).collect();
    assert_eq!(rows.len(), 75);
}

#[test]
fn every_indicator_without_its_inputs_says_what_is_missing_and_why() {
    let library = library();
    let nothing = World::default();
    for definition in library.definitions() {
        let figure = evaluate(&library, definition, &asked("2026", "500236"), &nothing, &nothing);
        let Outcome::Missing(gaps) = &figure.outcome else { panic!("{} from nothing", definition.id) };
        let wanted: Vec<&str> = match &definition.expression {
            Some(e) => e.names().collect(),
            None => vec![&definition.id],
        };
        assert_eq!(gaps.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), wanted, "{}", definition.id);
        for gap in gaps {
            let is_chinese = |t: &str| t.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            assert!(
                is_chinese(&gap.title) && is_chinese(&gap.zh) && !gap.title_en.is_empty() && !is_chinese(&gap.title_en),
                "{}: {gap:?}",
                definition.id
            );
            assert!(gap.zh.contains('2') && gap.en.contains("202"), "{}: the period is told: {gap:?}", definition.id);
        }
        assert_eq!((figure.value_text().as_str(), figure.is_met, figure.progress), ("", None, None));
        assert!(figure.line().contains(r#""value":null"#), "{}", figure.line());
    }
}

#[test]
fn each_missing_name_is_told_alone() {
    let library = library();
    let sheet = Sheet::read(EXAMPLES, &["indicator", "period", "given"]);
    for row in sheet.rows() {
        let definition = library.definition(row.get("indicator")).unwrap();
        let Some(expression) = &definition.expression else { continue };
        for name in expression.names() {
            let mut world = World::of(row.get("given"), row.get("period"));
            match name {
                "persons" | "cases" => world.tallies.clear(),
                _ => {
                    let (of, is_before) = name.strip_prefix("last_year.").map_or((name, false), |n| (n, true));
                    world.counters.remove(of);
                    let this_year = period(row.get("period"));
                    world.given.retain(|(item, _, g)| item != of || (g.period == this_year) == is_before);
                }
            }
            let figure = evaluate(&library, definition, &asked(row.get("period"), "500236"), &world, &world);
            let Outcome::Missing(gaps) = &figure.outcome else { panic!("{} without {name}", definition.id) };
            assert_eq!(gaps.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), [name], "{}", definition.id);
        }
    }
}
