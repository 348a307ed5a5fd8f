//! What each counter counts, and why it does not; limits.

use super::world::{Book, DAY, HOUR, START, Told, visit};
use crate::activity::event::Visit;
use crate::activity::{Answer, COUNTERS, Event, Of, Reason, Rules, Word};
use crate::period::Period;

const MONTH: &str = "2026-11";

fn of(place: &str, key: &str, word: Word, class: &str, change: impl FnOnce(&mut Visit)) -> Event {
    let mut event = visit(place, key, word, class);
    if let Of::Visit(v) = &mut event.of {
        v.start_us = Some(START + 8 * HOUR);
        change(v);
    }
    event
}

fn as_is(_: &mut Visit) {}

#[test]
fn a_visit_counts_where_it_belongs() {
    let tcm = |v: &mut Visit| v.department = "中医科".to_owned();
    let medicine = |v: &mut Visit| v.department = "A03".to_owned();
    let cases: [(Event, &[&str]); 9] = [
        (of("T1", "1", Word::Begun, "AMB", medicine), &["visits_all", "visits_primary", "outpatient_all", "outpatient_primary"]),
        (
            of("T1", "1", Word::Begun, "EMER", tcm),
            &["visits_all", "visits_primary", "outpatient_all", "outpatient_primary", "outpatient_tcm_primary", "tcm_visits"],
        ),
        (of("V1", "1", Word::Begun, "HH", medicine), &["visits_all", "visits_primary"]),
        (of("H1", "1", Word::Begun, "AMB", medicine), &["visits_all", "outpatient_all"]),
        (of("H1", "1", Word::Told, "AMB", tcm), &["visits_all", "outpatient_all", "tcm_visits"]),
        (of("H2", "1", Word::Ended, "AMB", medicine), &["visits_all", "outpatient_all", "tcm_visits"]),
        (of("H1", "1", Word::Begun, "IMP", medicine), &[]),
        (of("T1", "1", Word::Begun, "IMP", medicine), &["bed_days_used_primary"]),
        (of("X9", "1", Word::Begun, "AMB", medicine), &[]),
    ];
    for (event, counters) in cases {
        let mut t = Told::new();
        t.tell(START + 30 * HOUR, &event);
        let counted: Vec<&str> = COUNTERS.iter().map(|c| c.0).filter(|c| t.value(c, MONTH).is_some_and(|n| n > 0)).collect();
        let mut expect = counters.to_vec();
        expect.sort_by_key(|c| COUNTERS.iter().position(|k| k.0 == *c));
        assert_eq!(counted, expect, "{event:?}");
    }
}

#[test]
fn what_does_not_count_says_why() {
    let cases: [(Event, Reason); 7] = [
        (of("T1", "1", Word::Cancelled, "AMB", as_is), Reason::Void),
        (Event { test: true, ..of("T1", "1", Word::Begun, "AMB", as_is) }, Reason::TestData),
        (of("T1", "1", Word::Planned, "PRENC", as_is), Reason::Planned),
        (of("T1", "1", Word::Begun, "B", as_is), Reason::OtherClass),
        (of("T1", "1", Word::Begun, "AMB", |v| v.checkup = true), Reason::Checkup),
        (of("T1", "1", Word::Begun, "AMB", |v| v.unnumbered = true), Reason::Unnumbered),
        (of("T1", "1", Word::Begun, "AMB", |v| v.start_us = Some(START - 500 * DAY)), Reason::TooLate),
    ];
    for (event, reason) in cases {
        let mut t = Told::new();
        t.tell(START + DAY, &of("T1", "other", Word::Begun, "AMB", as_is));
        t.tell(START + DAY, &event);
        let period = if reason == Reason::TooLate { "2025-06-01..2026-11-30" } else { MONTH };
        let counted = t.counted("visits_primary", period).unwrap();
        assert_eq!((counted.value, counted.excluded.into_iter().collect::<Vec<_>>()), (1, vec![(reason, 1)]), "{event:?}");
        assert!(!reason.code().is_empty() && !reason.zh().is_empty() && !reason.en().is_empty());
        let period = Period::parse(period).unwrap();
        let lines = t.all.lines("visits_primary", period, Some("T1"), &Book, 0, 10);
        let expect: &[Option<Reason>] = if reason == Reason::TooLate { &[None] } else { &[None, Some(reason)] };
        assert_eq!(lines.iter().map(|l| l.reason).collect::<Vec<_>>(), expect, "forgotten things are not listed");
    }
}

#[test]
fn nothing_heard_of_is_missing_and_not_zero() {
    let mut t = Told::new();
    for (counter, zh, en) in COUNTERS {
        assert_eq!(t.answer(counter, MONTH), Answer::Missing { zh, en });
    }
    // the hospital alone says nothing of primary institutions, an unknown department nothing of Chinese medicine
    t.tell(START + DAY, &of("H1", "1", Word::Begun, "AMB", |v| v.department = "A99".to_owned()));
    let values = ["visits_all", "visits_primary", "tcm_visits"].map(|c| t.value(c, MONTH));
    assert_eq!(values, [Some(1), None, None]);
    // a discharge without a disposition says nothing of referrals
    t.tell(START + DAY, &of("H1", "2", Word::Ended, "IMP", as_is));
    assert_eq!(["discharges_lead", "referrals_down_lead"].map(|c| t.value(c, MONTH)), [Some(1), None]);
    t.tell(START + DAY, &of("H1", "3", Word::Ended, "IMP", |v| v.disposition = "1".to_owned()));
    assert_eq!(["discharges_lead", "referrals_down_lead"].map(|c| t.value(c, MONTH)), [Some(2), Some(0)]);
}

#[test]
fn beds_are_counted_at_midnight() {
    let stay = |first: i64, end: Option<i64>| {
        of("T1", "1", if end.is_some() { Word::Ended } else { Word::Begun }, "IMP", |v| {
            (v.start_us, v.end_us) = (Some(START + first * HOUR), end.map(|h| START + h * HOUR));
        })
    };
    // admitted at this hour of the month, discharged at that, heard of on this day: days used in November
    for (first, end, heard, days) in
        [(8, Some(10), 40, 1), (23, Some(25), 40, 1), (8, Some(8 + 48), 40, 2), (8, None, 3, 3), (-50, Some(30), 40, 1), (8, None, 60, 30)]
    {
        let mut t = Told::new();
        t.tell(START + heard * DAY + 12 * HOUR, &stay(first, end));
        assert_eq!(t.value("bed_days_used_primary", MONTH), Some(days), "{first} {end:?} {heard}");
    }
    let mut t = Told::new();
    t.tell(START + 200 * DAY, &stay(8, None));
    let open = t.counted("bed_days_used_primary", "2026-11-01..2027-12-31").unwrap();
    assert_eq!((open.value, open.excluded.get(&Reason::OpenTooLong)), (180, Some(&1)));
    t.tell(START + 201 * DAY, &stay(8, Some(4)));
    let turned = t.counted("bed_days_used_primary", "2026-11-01..2027-12-31").unwrap();
    assert_eq!((turned.value, turned.excluded.get(&Reason::EndBeforeStart)), (0, Some(&1)));
}

#[test]
fn who_was_referred_down() {
    use Reason::{DestinationNotPrimary, DestinationUnknown};
    for (disposition, destination, referred, expect) in [
        ("3", "", None, Ok(())),
        ("03", "", None, Ok(())),
        ("3", "T1", None, Ok(())),
        ("3", "H2", None, Err(DestinationNotPrimary)),
        ("2", "T1", None, Ok(())),
        ("2", "", None, Err(DestinationUnknown)),
        ("2", "乡里", None, Err(DestinationUnknown)),
        ("1", "", Some("T1"), Ok(())),
        ("", "", Some("H2"), Err(DestinationNotPrimary)),
        ("", "V1", None, Ok(())),
    ] {
        let mut t = Told::new();
        if let Some(to) = referred {
            let of = Of::Referral { request: "R".to_owned(), to: to.to_owned(), live: true };
            t.tell(START + DAY, &Event { institution: "H1".to_owned(), key: "1".to_owned(), at_us: None, test: false, of });
            let waits = t.counted("referrals_down_lead", MONTH).unwrap();
            assert_eq!((waits.value, waits.excluded.get(&Reason::NotDischarged)), (0, Some(&1)), "not discharged yet");
        }
        let end = of("H1", "1", Word::Ended, "IMP", |v| {
            (v.disposition, v.destination) = (disposition.to_owned(), destination.to_owned());
        });
        t.tell(START + 2 * DAY, &end);
        let counted = t.counted("referrals_down_lead", MONTH).unwrap();
        let found = if counted.value == 1 { Ok(()) } else { Err(*counted.excluded.keys().next().unwrap()) };
        assert_eq!(found, expect, "{disposition} {destination} {referred:?}");
    }
}

#[test]
fn what_closed_stands_beside_what_is_known_now() {
    let mut t = Told::new();
    t.tell(START + DAY, &of("T1", "1", Word::Begun, "AMB", as_is));
    t.tell(START + DAY, &of("T1", "2", Word::Begun, "AMB", as_is));
    assert_eq!(t.counted("visits_all", MONTH).unwrap().published, None);
    t.tell(START + 45 * DAY, &of("T1", "1", Word::Cancelled, "AMB", as_is));
    t.tell(START + 46 * DAY, &of("T1", "3", Word::Begun, "AMB", as_is));
    t.tell(START + 46 * DAY, &of("T1", "4", Word::Begun, "AMB", as_is));
    let counted = t.counted("visits_all", MONTH).unwrap();
    assert_eq!((counted.value, counted.published), (3, Some(2)));
    assert_eq!(t.counted("visits_all", "2026").unwrap().published, None, "the year is open");
}

#[test]
fn what_is_long_past_is_forgotten_and_stays_counted() {
    let mut t = Told::new();
    t.tell(START + DAY, &of("T1", "1", Word::Begun, "AMB", as_is));
    t.tell(START + DAY, &of("T1", "2", Word::Begun, "IMP", as_is));
    t.tell(START + 460 * DAY, &of("T1", "3", Word::Begun, "AMB", |v| v.start_us = None));
    assert_eq!(t.all.len(), 2, "a stay that goes on is kept");
    t.tell(START + 461 * DAY, &of("T1", "1", Word::Begun, "AMB", as_is));
    let counted = t.counted("visits_all", MONTH).unwrap();
    assert_eq!((counted.value, counted.excluded.get(&Reason::TooLate)), (1, Some(&1)), "not twice");
}

#[test]
fn settings_are_read_and_unknown_ones_refused() {
    assert_eq!(serde_json::from_str::<Rules>(r#"{"checkups":true}"#).unwrap(), Rules { checkups: true, ..Rules::default() });
    assert!(serde_json::from_str::<Rules>(r#"{"check_ups":true}"#).is_err());
}
