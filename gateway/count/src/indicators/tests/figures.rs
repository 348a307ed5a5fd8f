//! Periods, scopes, targets and places of figures, and their line.

use super::support::{World, library, period, reported};
use crate::cases::Scope;
use crate::cases::{Ledger, Rules};
use crate::indicators::{Asked, Counters, Figure, Given, Outcome, Provenance, Source, Tally, evaluate, evaluate_all};
use crate::period::Period;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

fn figure(id: &str, text: &str, world: &World, change: impl FnOnce(&mut Asked<'_>)) -> Figure {
    let library = library();
    let definition = library.definition(id).unwrap();
    let mut asked = Asked { period: period(text), institution: None, area: "500236", open_scope: None };
    change(&mut asked);
    evaluate(&library, definition, &asked, world, world)
}

fn tally(persons: i64, cases: i64) -> Tally {
    Tally { persons, cases, published: None, excluded: BTreeMap::from([("test".to_owned(), 3)]) }
}

fn counted() -> World {
    World {
        tallies: vec![
            (Scope::All4, period("2025Q3"), tally(50_000, 70_000)),
            (Scope::Img5, period("2025Q3"), tally(30_000, 40_000)),
            (Scope::All4, Period { first: period("2025").first, last: period("2025Q3").last }, tally(151_000, 210_000)),
            (Scope::Img5, Period { first: period("2025").first, last: period("2025Q3").last }, tally(90_000, 120_000)),
        ],
        ..World::default()
    }
}

#[test]
fn the_line_is_the_one_that_is_agreed() {
    let line = figure("fj-core-06", "2025Q3", &counted(), |_| {}).line();
    let agreed = r#"{"indicator":"fj-core-06","document":"奉节府办发〔2025〕11号","scope":"ALL4","period":"2025Q3","institution":null,"persons":50000,"cases":70000,"value":5,"unit":"万人","target":"20","class":"A","definitionVersion":"2025-11.1","journalPosition":4711,"excluded":{"test":3},"#;
    assert!(line.starts_with(agreed), "{line}");
    assert!(
        line.contains(r#""provenance":"counted","scopes":{"IMG5":{"persons":30000,"cases":40000},"ALL4":{"persons":50000,"cases":70000}},"published":null,"targetYear":2025,"met":false,"progress":75.5,"yearToDate":15.1"#),
        "{line}"
    );
}

#[test]
fn a_quarter_is_judged_by_the_year_to_date_and_nothing_is_annualised() {
    let f = figure("fj-core-06", "2025Q3", &counted(), |_| {});
    let shown =
        (f.value_text(), f.year_to_date.map(|d| d.normalize().to_string()), f.is_met, f.progress.map(|p| p.normalize().to_string()));
    assert_eq!(shown, ("5".into(), Some("15.1".into()), Some(false), Some("75.5".into())));
}

#[test]
fn scopes_are_named_and_only_an_open_one_is_configured() {
    let img5 = |a: &mut Asked<'_>| a.open_scope = Some(Scope::Img5);
    let f = figure("fj-core-06", "2025Q3", &counted(), img5);
    assert_eq!((f.scope, f.persons, f.cases, f.value_text().as_str()), (Some(Scope::Img5), Some(30_000), Some(40_000), "3"));
    let mut world = counted();
    world.give("resident_population", "", reported("2025", "800000"));
    let f = figure("mon-05-1", "2025Q3", &world, |a| a.open_scope = Some(Scope::All4));
    assert_eq!((f.scope, f.value_text().as_str(), f.provenance), (Some(Scope::Img5), "500", Provenance::Computed));
}

#[test]
fn only_the_area_of_a_document_is_judged_by_its_targets() {
    let by = |area: &'static str, institution| {
        let f = figure("fj-core-06", "2025Q3", &counted(), |a| (a.area, a.institution) = (area, institution));
        (f.target.map(|t| t.printed), f.is_met, f.progress.is_some())
    };
    assert_eq!(by("500236", None), (Some("20".into()), Some(false), true));
    assert_eq!(by("500241", None), (Some("20".into()), None, false));
    assert_eq!(by("500236", Some("township-1")), (Some("20".into()), None, false));
}

#[test]
fn a_year_without_target_shows_the_next_and_is_not_judged() {
    let mut world = World::default();
    world.give("fj-core-10", "", reported("2026", "40"));
    let f = figure("fj-core-10", "2026", &world, |_| {});
    assert_eq!((f.target.map(|t| t.year), f.is_met, f.progress.is_some()), (Some(2027), None, true));
    world.give("fj-core-10", "", reported("2028", "40"));
    assert_eq!(figure("fj-core-10", "2028", &world, |_| {}).target, None);
}

#[test]
fn reported_flows_add_up_only_where_they_cover_the_period() {
    let q = |world: &World, text: &str| figure("fj-mon-25", text, world, |_| {}).value_text();
    let mut world = World::default();
    for (item, values) in [("inpatient_cost_reimbursed", ["60", "65", "70"]), ("inpatient_cost_all", ["100", "100", "100"])] {
        for (month, value) in ["2026-07", "2026-08", "2026-09"].iter().zip(values) {
            world.give(item, "", reported(month, value));
        }
    }
    assert_eq!(q(&world, "2026Q3"), "65");
    assert_eq!(q(&world, "2026-08"), "65");
    assert_eq!(q(&world, "2026"), "", "three months are no year");
    world.given.retain(|(_, _, g)| g.period != period("2026-08"));
    assert_eq!(q(&world, "2026Q3"), "", "August is missing");
}

#[test]
fn distinct_persons_are_never_added_and_stocks_carry_only_as_declared() {
    let mut world = World::default();
    for quarter in ["2026Q1", "2026Q2", "2026Q3", "2026Q4"] {
        world.give("inpatient_cost_in_county", "", reported(quarter, "1000"));
        world.give("inpatient_persons_in_county", "", reported(quarter, "2"));
    }
    let f = figure("mon-10-1", "2026", &world, |_| {});
    assert!(matches!(&f.outcome, Outcome::Missing(g) if g.len() == 1 && g[0].name == "inpatient_persons_in_county"), "{f:?}");
    assert_eq!(figure("mon-10-1", "2026Q2", &world, |_| {}).value_text(), "500");

    let mut world = World::default();
    world.give("general_practitioners", "", reported("2026", "100"));
    let yearbook = |year: &str| Given { source: Source::Configured("统计年鉴".into()), ..reported(year, "500000") };
    world.give("resident_population", "", yearbook("2024"));
    let f = figure("fj-mon-10", "2026", &world, |_| {});
    assert_eq!(f.value_text(), "2");
    assert_eq!(
        f.inputs.iter().map(|u| (u.name.as_str(), u.period.as_str())).collect::<Vec<_>>(),
        [("general_practitioners", "2026"), ("resident_population", "2024")]
    );
    world.given.retain(|(_, _, g)| g.period != period("2024"));
    world.give("resident_population", "", yearbook("2023"));
    assert!(matches!(figure("fj-mon-10", "2026", &world, |_| {}).outcome, Outcome::Missing(_)), "three years old is too old");

    let mut world = World::default();
    world.give("fj-core-10", "", reported("2026-06", "30"));
    assert_eq!(figure("fj-core-10", "2026Q2", &world, |_| {}).value_text(), "30", "the month holds the end of the quarter");
    assert_eq!(figure("fj-core-10", "2026Q3", &world, |_| {}).value_text(), "", "what is not declared to carry does not");
}

#[test]
fn a_whole_figure_stands_in_only_where_it_cannot_be_computed_and_never_for_a_counted_one() {
    let mut world = World::default();
    world.give("fj-mon-09", "", reported("2026", "41.5"));
    let f = figure("fj-mon-09", "2026", &world, |_| {});
    assert_eq!((f.value_text().as_str(), f.provenance), ("41.5", Provenance::Reported));
    world.counters.insert("operations_lead".into(), 200.into());
    world.counters.insert("operations_level34_lead".into(), 80.into());
    let f = figure("fj-mon-09", "2026", &world, |_| {});
    assert_eq!((f.value_text().as_str(), f.provenance), ("40", Provenance::Counted));
    world.give("fj-core-06", "", reported("2026", "99"));
    assert!(matches!(figure("fj-core-06", "2026", &world, |_| {}).outcome, Outcome::Missing(_)));
}

#[test]
fn a_zero_denominator_is_told_in_chinese() {
    let world = World::of("referrals_down_lead=0 discharges_lead=0", "2026");
    let Outcome::Missing(gaps) = figure("fj-mon-05", "2026", &world, |_| {}).outcome else { panic!() };
    assert_eq!((gaps[0].title.as_str(), gaps[0].zh.as_str()), ("牵头医院出院患者人次", "分母为零"));
    let world = World::of("visits_primary=0 visits_primary_elsewhere=0 visits_all=0 visits_all_elsewhere=0", "2026");
    let Outcome::Missing(gaps) = figure("mon-07", "2026", &world, |_| {}).outcome else { panic!() };
    assert_eq!(gaps[0].title, "(已接入医疗卫生机构诊疗人次 + 未接入医疗卫生机构诊疗人次（含基层）)");
}

#[test]
fn evidence_stands_beside_a_figure_and_is_not_part_of_it() {
    let mut world = World::of("mon-03=已实施", "2025Q3");
    world.tallies = counted().tallies;
    let f = figure("mon-03", "2025Q3", &world, |_| {});
    assert_eq!((f.value_text().as_str(), f.provenance), ("已实施", Provenance::Reported));
    let shown: Vec<_> = f.evidence.iter().map(|u| (u.name.as_str(), u.value.as_str(), u.origin.code())).collect();
    assert_eq!(shown, [("cases.IMG5", "40000", "counted"), ("cases.ALL4", "70000", "counted"), ("persons.ALL4", "50000", "counted")]);
}

#[test]
fn the_ledger_counts_for_indicators_and_each_count_is_made_once() {
    struct Asks(World, std::cell::Cell<usize>);
    impl Counters for Asks {
        fn cases(&self, scope: Scope, period: Period, institution: Option<&str>) -> Option<Tally> {
            self.1.set(self.1.get() + 1);
            self.0.cases(scope, period, institution)
        }
        fn counter(&self, id: &str, period: Period, institution: Option<&str>) -> Option<Decimal> {
            self.0.counter(id, period, institution)
        }
        fn position(&self) -> u64 {
            self.0.position()
        }
    }
    let (library, asks) = (library(), Asks(counted(), std::cell::Cell::new(0)));
    let asked = Asked { period: period("2025Q3"), institution: None, area: "500236", open_scope: None };
    let figures = evaluate_all(&library, &asked, &asks, &World::default(), |_| true);
    assert_eq!(figures.len(), library.definitions().len());
    assert_eq!(asks.1.get(), 4, "two scopes, the quarter and the year to date");
    for (f, d) in figures.iter().zip(library.definitions()) {
        assert_eq!(*f, evaluate(&library, d, &asked, &asks, &World::default()), "{}", d.id);
    }

    let ledger = Ledger::new(Rules::default());
    let cases = |text: &str| Counters::cases(&ledger, Scope::All4, period(text), None);
    assert_eq!(cases("2025Q3"), Some(Tally::default()));
    assert_eq!(cases("2025-07-01"), None, "the ledger answers for whole months");
}
