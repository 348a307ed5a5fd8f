//! Random small histories of a small county around the end of a year.

use crate::cases::{At, Close, Decided, Directory, Event, Facts, Id, IdKind, Kind, Ledger, Modality, Sighting, Status, Tier};
use std::collections::BTreeMap;

const DAY: i64 = 86_400_000_000;
/// 2026-12-01 in China.
pub(super) const START: i64 = 20_788 * DAY - 8 * 3_600_000_000;

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// What happens, in the order of the journal.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Event(Event),
    /// A link between records comes or goes.
    Link(&'static str, &'static str, bool),
    /// From a day on an institution is this; `None`: it left.
    Institution(&'static str, i64, Option<(Tier, &'static str, &'static str)>),
}

/// Identities and institutions, naively.
#[derive(Clone, Default)]
pub(super) struct Book {
    links: Vec<(&'static str, &'static str)>,
    institutions: BTreeMap<&'static str, BTreeMap<i64, Option<Facts>>>,
}

pub(super) const RECORDS: [&str; 9] = ["P/a1", "P/a2", "P/a3", "P/b1", "P/b2", "P/c1", "P/c2", "P/d1", "P/d2"];

impl Book {
    pub(super) fn new() -> Book {
        let mut book = Book::default();
        for (code, tier, ws218, community) in [
            ("T1", Tier::Township, "C220", "A"),
            ("T2", Tier::Township, "C210", "A"),
            ("T3", Tier::Township, "C220", "B"),
            ("V1", Tier::Village, "D600", "A"),
            ("S1", Tier::Township, "A100", "A"),
            ("C1", Tier::County, "A100", "A"),
            ("C2", Tier::County, "A100", "B"),
            ("M1", Tier::City, "A100", ""),
        ] {
            book.set(code, 0, Some((tier, ws218, community)));
        }
        book
    }

    fn set(&mut self, code: &'static str, day: i64, facts: Option<(Tier, &str, &str)>) {
        let facts = facts.map(|(tier, ws218, community)| Facts { tier, ws218: ws218.to_owned(), community: community.to_owned() });
        self.institutions.entry(code).or_default().insert(day, facts);
    }

    pub(super) fn follow(&mut self, step: &Step) {
        match step {
            Step::Event(_) => {}
            Step::Link(a, b, true) => self.links.push((a, b)),
            Step::Link(a, b, false) => self.links.retain(|l| l != &(*a, *b)),
            Step::Institution(code, day, facts) => self.set(code, *day, *facts),
        }
    }
}

impl Directory for Book {
    fn person(&self, record: &str) -> Option<u32> {
        let mut all = vec![record];
        loop {
            let more = self.links.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).find(|(a, b)| all.contains(a) && !all.contains(b));
            match more {
                Some((_, b)) => all.push(b),
                None => break,
            }
        }
        all.iter().filter_map(|r| RECORDS.iter().position(|k| k == r)).min().map(|n| n as u32)
    }

    fn institution(&self, code: &str, day: i64) -> Option<Facts> {
        self.institutions.get(code)?.range(..=day).next_back()?.1.clone()
    }
}

pub(super) type History = Vec<(At, Step)>;

/// What a ledger is after a history.
pub(super) fn tell(ledger: &mut Ledger, book: &mut Book, history: &[(At, Step)]) {
    for (at, step) in history {
        book.follow(step);
        match step {
            Step::Event(event) => ledger.apply(*at, event, book),
            Step::Link(..) => ledger.persons_changed(*at, &RECORDS, book),
            Step::Institution(..) => ledger.institutions_changed(*at, book),
        }
    }
}

/// A history of a few cases and whatever happens to them.
pub(super) fn history(seed: u64) -> History {
    history_of(seed, true)
}

/// `reused`: numbers are used again for other cases now and then.
pub(super) fn history_of(seed: u64, reused: bool) -> History {
    let mut r = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..4 {
        r.next();
    }
    let mut steps: Vec<(i64, Step)> = Vec::new();
    for n in 0..1 + r.below(5) {
        case(&mut r, n, reused, &mut steps);
    }
    for _ in 0..r.below(4) {
        let (a, b) = r.pick(&[("P/a1", "P/a2"), ("P/a2", "P/a3"), ("P/b1", "P/b2"), ("P/c1", "P/c2"), ("P/a1", "P/c1"), ("P/d1", "P/b2")]);
        let at = START + r.below(70) as i64 * DAY;
        steps.push((at, Step::Link(a, b, true)));
        if r.one_in(3) {
            steps.push((at + r.below(40) as i64 * DAY, Step::Link(a, b, false)));
        }
    }
    for _ in 0..r.below(3) {
        let code = r.pick(&["T1", "T2", "T3", "V1", "C1", "C2"]);
        let facts = r.pick(&[
            None,
            Some((Tier::Township, "C220", "A")),
            Some((Tier::Township, "C220", "B")),
            Some((Tier::County, "A100", "A")),
            Some((Tier::Township, "A100", "A")),
        ]);
        let day = 20_788 + r.below(60) as i64;
        steps.push((START + r.below(80) as i64 * DAY, Step::Institution(code, day, facts)));
    }
    if r.one_in(3) {
        let period = r.pick(&["2026-12", "2026Q4", "2026", "2027-01"]);
        let close = Event::Close(Close { period: period.to_owned(), by: "A".to_owned() });
        steps.push((START + (30 + r.below(45) as i64) * DAY, Step::Event(close)));
    }
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().zip(1..).map(|((us, step), seq)| (At { seq, us }, step)).collect()
}

/// The papers of one visit, with what may go wrong.
fn case(r: &mut Random, n: u64, reused: bool, steps: &mut Vec<(i64, Step)>) {
    let exam = r.pick(&["T1", "T1", "T2", "T3", "V1", "S1", "C1", "X9"]);
    let read = r.pick(&["C1", "C1", "C1", "C2", "M1", "T1", "T2", "S1", "X9"]);
    let modality = r.pick(&[
        Modality::Xr,
        Modality::Ct,
        Modality::Ct,
        Modality::Ecg,
        Modality::Lab,
        Modality::Lab,
        Modality::Path,
        Modality::Other,
        Modality::Unknown,
    ]);
    let person = r.pick(&[["P/a1", "P/a2"], ["P/a3", "P/a1"], ["P/b1", "P/b2"], ["P/c1", "P/c2"], ["P/d1", "P/d2"], ["P/z", ""]]);
    let number = if r.one_in(12) && reused { n / 2 } else { n };
    let begun = START + r.below(40) as i64 * DAY + r.below(86_400) as i64 * 1_000_000;
    let hour = 3_600_000_000_i64;
    let order_id = Id::new(IdKind::Order, "HIS", &format!("O{number}"));
    // the order has a number of its own, and somebody joins it, perhaps before it comes
    let own_id = Id::new(IdKind::Order, "HIS", &format!("own{number}"));
    let by_hand = r.one_in(10);
    let filler = |k: u64| Id::new(IdKind::Accession, "RIS", &format!("A{number}.{k}"));
    let says_exam = r.one_in(2);
    let mut order = Sighting::new(Kind::Order, exam, &format!("ServiceRequest/{n}"));
    (order.ids, order.patient, order.ordered_us) = (vec![if by_hand { own_id } else { order_id }], person[0].to_owned(), Some(begun));
    order.modality = if r.one_in(3) { Modality::Unknown } else { modality };
    order.test = r.one_in(15);
    order.checkup = r.one_in(6);
    if by_hand && !r.one_in(4) {
        let decided = Decided { a: own_id, b: if r.one_in(2) { filler(0) } else { order_id }, by: "A".to_owned() };
        steps.push((begun + r.below(50) as i64 * DAY, Step::Event(Event::Joined(decided))));
    }
    let mut papers: Vec<(i64, Sighting)> = Vec::new();
    if !r.one_in(8) {
        papers.push((begun, order));
    }
    let mut study = Sighting::new(if r.one_in(2) { Kind::Study } else { Kind::Specimen }, exam, &format!("Study/{n}"));
    (study.ids, study.examined_us, study.modality) = (vec![filler(0)], Some(begun + hour), modality);
    if r.one_in(2) {
        study.ids.push(order_id);
    }
    study.rejected = r.one_in(8);
    if r.one_in(2) {
        papers.push((begun + hour, study));
    }
    if r.one_in(4) {
        let mut status = Sighting::new(Kind::Status, read, &format!("Status/{n}"));
        status.ids = vec![order_id, filler(0)];
        papers.push((begun + hour, status));
    }
    for k in 0..1 + u64::from(r.one_in(5)) {
        let mut report = Sighting::new(Kind::Report, read, &format!("DiagnosticReport/{n}.{k}"));
        report.ids = vec![filler(if r.one_in(2) { k } else { 0 })];
        if !r.one_in(6) {
            report.ids.push(order_id);
        }
        if r.one_in(6) {
            // no number of the examination: the report's own, or the order's
            report.ids = vec![if r.one_in(2) { Id::new(IdKind::Report, "RIS", &format!("RPT{number}.{k}")) } else { order_id }, order_id];
        }
        if r.one_in(4) {
            (report.accession, report.ids) =
                (true, [Id::new(IdKind::Accession, "T1", &format!("ACC{number}"))].into_iter().chain(report.ids).collect());
        }
        report.item = r.pick(&["", "L|1", "L|1", "L|2"]).to_owned();
        (report.patient, report.modality) = (person[r.below(2) as usize].to_owned(), modality);
        if k == 1 && r.one_in(2) {
            // another examination under the same numbers
            report.modality = Modality::Us;
        }
        report.exam = if says_exam { exam.to_owned() } else { String::new() };
        report.readers = if r.one_in(10) { Vec::new() } else { vec!["Practitioner/1".to_owned()] };
        report.test = r.one_in(40);
        let issued = begun + (2 + r.below(60) as i64) * hour;
        // a clock that is ahead by hours or days, or no time at all
        report.reported_us = if r.one_in(12) { None } else { Some(issued + if r.one_in(10) { 40 * hour } else { 0 }) };
        report.status = Status::Final;
        versions(r, &report, issued, &mut papers);
        if r.one_in(6) {
            // read again above
            let mut again = report.clone();
            (again.source, again.resource) = (r.pick(&["M1", "C1", "C2"]).to_owned(), format!("DiagnosticReport/{n}.{k}r"));
            if r.one_in(2) {
                (again.ids, again.accession) = (vec![Id::new(IdKind::Accession, &again.source, &format!("M{number}")), order_id], false);
                again.item = r.pick(&["", "L|1", "L|2"]).to_owned();
            }
            again.reported_us = Some(issued + (r.below(60) as i64 - 5) * hour);
            papers.push((issued + 30 * hour, again));
        }
    }
    for (told, paper) in papers {
        // most come at once, some much later, some twice
        let arrives = told + if r.one_in(3) { r.below(50) as i64 * DAY } else { r.below(600) as i64 * 1_000_000 };
        if r.one_in(8) {
            steps.push((arrives + r.below(20) as i64 * DAY, Step::Event(Event::Seen(paper.clone()))));
        }
        steps.push((arrives, Step::Event(Event::Seen(paper))));
    }
}

/// An interim version, a correction, a cancellation.
fn versions(r: &mut Random, report: &Sighting, issued: i64, papers: &mut Vec<(i64, Sighting)>) {
    let hour = 3_600_000_000_i64;
    let mut more = |at: i64, status: Status, told: Option<i64>, change: &dyn Fn(&mut Sighting)| {
        let mut s = Sighting { status, reported_us: told, ..report.clone() };
        change(&mut s);
        papers.push((at, s));
    };
    if r.one_in(5) {
        more(issued - hour, Status::Preliminary, Some(issued - hour), &|_| {});
    }
    if r.one_in(15) {
        more(issued, Status::Preliminary, None, &|_| {});
        return;
    }
    more(issued, report.status, report.reported_us, &|_| {});
    if r.one_in(6) {
        let exam = r.pick(&["T1", "T2", "C1", ""]);
        let at = issued + (1 + r.below(700) as i64) * hour;
        more(at, Status::Corrected, Some(at), &|s| s.exam = exam.to_owned());
    }
    if r.one_in(7) {
        let at = issued + r.below(900) as i64 * hour;
        let status = r.pick(&[Status::Cancelled, Status::EnteredInError]);
        let told = if r.one_in(2) { report.reported_us } else { Some(at) };
        more(at, status, told, &|_| {});
        if r.one_in(3) {
            more(at + hour, Status::Final, Some(at + hour), &|_| {});
        }
    }
    if r.one_in(8) {
        // by somebody who names the report otherwise, and knows only some of its numbers
        let at = issued + r.below(60) as i64 * hour;
        let status = r.pick(&[Status::Cancelled, Status::EnteredInError]);
        let ids: Vec<Id> = match r.below(3) {
            0 => report.ids.iter().copied().filter(|id| id.0 == IdKind::Order).collect(),
            1 => report.ids.iter().copied().take(1).collect(),
            _ => [Id::new(IdKind::Accession, "RIS", "other")].into_iter().chain(report.ids.last().copied()).collect(),
        };
        let item = r.pick(&["", "L|1", "L|2"]);
        more(at, status, Some(at), &|s| {
            s.resource.push('w');
            (s.ids, s.item, s.accession) = (ids.clone(), item.to_owned(), false);
        });
    }
}
