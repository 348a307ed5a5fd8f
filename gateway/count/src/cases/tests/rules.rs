//! What the random histories do not ask: lists, times, doubts, limits.

use super::world::{Book, START};
use crate::cases::{At, By, Close, Decided, Event, Id, IdKind, Kind, Lack, Ledger, Modality, Question, Rules, Scope, Sighting, Status};
use crate::period::Period;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

struct Told {
    ledger: Ledger,
    seq: u64,
    book: Book,
}

impl Told {
    fn new() -> Told {
        Told { ledger: Ledger::new(Rules::default()), seq: 0, book: Book::new() }
    }

    fn tell(&mut self, us: i64, event: Event) {
        self.seq += 1;
        self.ledger.apply(At { seq: self.seq, us }, &event, &self.book);
    }

    fn see(&mut self, us: i64, sighting: Sighting) {
        self.tell(us, Event::Seen(sighting));
    }

    fn cases(&self, period: &str) -> u64 {
        let question = Question { period: Period::parse(period).unwrap(), scope: Scope::All4, by: By::County, institution: None };
        self.ledger.figures(&question).unwrap().rows[0].now.cases
    }
}

fn number(kind: IdKind, value: &str) -> Id {
    Id::new(kind, "T1", value)
}

fn order(value: &str) -> Sighting {
    let mut s = Sighting::new(Kind::Order, "T1", &format!("ServiceRequest/{value}"));
    (s.ids, s.patient, s.modality) = (vec![number(IdKind::Order, value)], "P/a1".to_owned(), Modality::Ct);
    (s.item, s.ordered_us) = ("L|CT01".to_owned(), Some(START));
    s
}

fn report(value: &str, ids: Vec<Id>) -> Sighting {
    let mut s = Sighting::new(Kind::Report, "C1", &format!("DiagnosticReport/{value}"));
    (s.ids, s.patient, s.modality, s.status) = (ids, "P/a1".to_owned(), Modality::Ct, Status::Final);
    (s.item, s.exam, s.reported_us) = ("L|CT01".to_owned(), "T1".to_owned(), Some(START + 2 * HOUR));
    s.readers = vec!["Practitioner/1".to_owned()];
    s
}

#[test]
fn a_doubt_is_listed_and_a_person_decides() {
    let mut t = Told::new();
    t.see(START + HOUR, order("1"));
    t.see(START + 2 * HOUR, report("1", vec![number(IdKind::Accession, "9")]));
    assert_eq!(t.cases("2026-12"), 0, "never joined by guessing");
    let doubts = t.ledger.doubts(START, START + DAY, 10);
    assert_eq!(doubts.len(), 1);
    assert_eq!((doubts[0].confidence, doubts[0].order_seq, doubts[0].report_seq), (95, 1, 2), "{doubts:?}");
    let lacks: Vec<Lack> = t.ledger.orphans(START, START + DAY, 10).iter().map(|o| o.lack).collect();
    assert_eq!(lacks, [Lack::OrderOnly, Lack::ReportOnly]);
    let decided = || Decided { a: number(IdKind::Order, "1"), b: number(IdKind::Accession, "9"), by: "A".to_owned() };
    t.tell(START + 3 * HOUR, Event::Apart(decided()));
    assert!(t.ledger.doubts(START, START + DAY, 10).is_empty(), "not proposed again");
    t.tell(START + 4 * HOUR, Event::Joined(decided()));
    assert_eq!(t.cases("2026-12"), 1);
    assert!(t.ledger.orphans(START, START + DAY, 10).is_empty());
}

#[test]
fn what_speaks_against_is_no_doubt() {
    for (what, change) in [
        ("another person", (|r: &mut Sighting| r.patient = "P/b1".to_owned()) as fn(&mut Sighting)),
        ("another modality", |r| r.modality = Modality::Us),
        ("before the order", |r| r.reported_us = Some(START - HOUR)),
        ("too late", |r| r.reported_us = Some(START + 8 * DAY)),
    ] {
        let mut t = Told::new();
        t.see(START + HOUR, order("1"));
        let mut r = report("1", vec![number(IdKind::Accession, "9")]);
        change(&mut r);
        t.see(START + 9 * DAY, r);
        assert!(t.ledger.doubts(START, START + 9 * DAY, 10).is_empty(), "{what}");
    }
}

#[test]
fn times_critical_values_and_rejected_specimens() {
    let mut t = Told::new();
    t.see(START + HOUR, order("1"));
    let mut specimen = Sighting::new(Kind::Status, "C1", "Specimen/1");
    (specimen.ids, specimen.rejected) = (vec![number(IdKind::Order, "1")], true);
    t.see(START + HOUR, specimen.clone());
    t.see(START + HOUR, specimen);
    let mut r = report("1", vec![number(IdKind::Accession, "9"), number(IdKind::Order, "1")]);
    (r.examined_us, r.critical) = (Some(START + HOUR), true);
    t.see(START + 2 * HOUR, r);
    let quality = t.ledger.quality(Period::parse("2026Q4").unwrap(), By::County, None, |_| 100).unwrap();
    assert_eq!((quality[0].rejected, quality[0].critical), (1, 1), "one specimen, told of twice");
    for (who, expected) in [("nobody", 0), ("T1", 1), ("C1", 1)] {
        let of = t.ledger.quality(Period::parse("2026Q4").unwrap(), By::County, Some(who), |_| 100).unwrap();
        assert_eq!(of.iter().map(|q| q.critical).sum::<u64>(), expected, "of {who}");
    }
    let (order, exam) = (quality[0].order_to_report, quality[0].exam_to_report);
    assert_eq!((order.count, order.median, order.in_time), (1, 120, 0));
    assert_eq!((exam.count, exam.median, exam.in_time), (1, 60, 1));
    let case = &t.ledger.cases(Period::parse("2026-12").unwrap(), None, 10, |_| true)[0];
    assert_eq!((case.evidence.as_slice(), case.report), (&[1][..], 4), "the entries of the order and of the report");
    assert_eq!(t.ledger.case(case.case).as_slice(), std::slice::from_ref(case));
}

#[test]
fn an_order_number_is_forgotten_in_the_end_and_an_accession_number_never() {
    let mut t = Told::new();
    t.see(START, order("1"));
    t.see(START + 3 * HOUR, report("1", vec![number(IdKind::Accession, "9"), number(IdKind::Order, "1")]));
    assert_eq!(t.ledger.size().cases, 1);
    let late = START + 200 * DAY;
    t.see(late, order("1"));
    assert_eq!(t.ledger.size().cases, 2, "the number is used again");
    let void = Sighting { status: Status::EnteredInError, reported_us: Some(late), ..report("1", vec![number(IdKind::Accession, "9")]) };
    t.see(late, void);
    assert_eq!(t.cases("2026-12"), 0, "a cancellation reaches a closed year");
    let adjusted: Vec<i8> = t.ledger.adjustments(Period::parse("2026").unwrap()).iter().map(|a| a.change).collect();
    assert_eq!(adjusted, [-1, 1], "less counted, more void");
}

#[test]
fn a_number_that_everybody_uses_has_an_end() {
    let mut t = Told::new();
    for n in 0..100 {
        let mut r = report(&n.to_string(), vec![number(IdKind::Accession, "0")]);
        r.reported_us = Some(START + n * HOUR);
        t.see(START + 5 * DAY, r);
    }
    let size = t.ledger.size();
    assert_eq!((size.cases, size.left_out), (1, 36));
}

#[test]
fn only_whole_months_are_figures() {
    let mut t = Told::new();
    t.tell(START, Event::Close(Close { period: "2026-11".to_owned(), by: "A".to_owned() }));
    let asked = |period: &str| {
        let question = Question { period: Period::parse(period).unwrap(), scope: Scope::Img5, by: By::County, institution: None };
        t.ledger.figures(&question).map(|f| f.closed)
    };
    assert_eq!(asked("2026-11-22"), None);
    assert_eq!([asked("2026-11"), asked("2026-12"), asked("2026Q4")], [Some(true), Some(false), Some(false)]);
}
