//! A counter written apart: it keeps nothing, and reads the whole history for each answer. It shares with the ledger what
//! a sighting is, and the directory's questions.

use super::world::{Book, Step};
use crate::cases::{At, Directory, Event, Facts, Id, IdKind, Kind, Modality, Outcome, Sighting, Status, Tier};
use std::collections::{BTreeMap, BTreeSet};

/// A rule that is left out, to see that histories notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Without {
    Nothing,
    Void,
    VoidTakenBack,
    NotFinal,
    TestData,
    Scope,
    ExamKnown,
    Primary,
    PrimaryType,
    SameInstitution,
    ReadKnown,
    ReadAbove,
    Community,
    City,
    Evidence,
    Signature,
    OnceEach,
    OnceByModality,
    FirstFinal,
    ClockAhead,
    ExamFromPapers,
    Correction,
    JoinByOrder,
    JoinByAccession,
    JoinByHand,
    Persons,
    Checkup,
    Strays,
    ReadAgain,
    Unnumbered,
}

pub(super) const RULES: [Without; 29] = [
    Without::Void,
    Without::VoidTakenBack,
    Without::NotFinal,
    Without::TestData,
    Without::Scope,
    Without::ExamKnown,
    Without::Primary,
    Without::PrimaryType,
    Without::SameInstitution,
    Without::ReadKnown,
    Without::ReadAbove,
    Without::Community,
    Without::City,
    Without::Evidence,
    Without::Signature,
    Without::OnceEach,
    Without::OnceByModality,
    Without::FirstFinal,
    Without::ClockAhead,
    Without::ExamFromPapers,
    Without::Correction,
    Without::JoinByOrder,
    Without::JoinByAccession,
    Without::JoinByHand,
    Without::Persons,
    Without::Checkup,
    Without::Strays,
    Without::ReadAgain,
    Without::Unnumbered,
];

/// One report and what became of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Judged {
    /// Of the first final version.
    pub(super) day: i64,
    pub(super) exam: String,
    pub(super) read: String,
    pub(super) modality: &'static str,
    pub(super) outcome: Outcome,
    pub(super) checkup: bool,
    pub(super) person: Option<u32>,
}

struct Paper<'h> {
    at: At,
    s: &'h Sighting,
}

impl Paper<'_> {
    /// Seconds; of a clock that is ahead, and where nothing is said, the arrival's.
    fn reported(&self, without: Without) -> i64 {
        let limit = if without == Without::ClockAhead { i64::MAX } else { self.at.us + 600_000_000 };
        self.s.reported_us.filter(|us| *us <= limit).unwrap_or(self.at.us).div_euclid(1_000_000)
    }

    fn age(&self, without: Without) -> (i64, u64) {
        (self.reported(without), self.at.seq)
    }
}

/// All reports of a history, judged as of its end.
pub(super) fn judged(history: &[(At, Step)], without: Without) -> Vec<Judged> {
    let mut book = Book::new();
    history.iter().for_each(|(_, step)| book.follow(step));
    let papers: Vec<Paper<'_>> = history
        .iter()
        .filter_map(|(at, step)| match step {
            Step::Event(Event::Seen(s)) => Some(Paper { at: *at, s }),
            _ => None,
        })
        .collect();
    groups(history, &papers, without).iter().flat_map(|g| group(g, &book, without)).collect()
}

/// Papers that share a number, and so on until nothing changes.
fn groups<'p, 'h>(history: &[(At, Step)], papers: &'p [Paper<'h>], without: Without) -> Vec<Vec<&'p Paper<'h>>> {
    let used = |id: &&Id| match id.0 {
        IdKind::Order => without != Without::JoinByOrder,
        IdKind::Accession => without != Without::JoinByAccession,
        _ => true,
    };
    let mut label: Vec<usize> = (0..papers.len()).collect();
    let mut ties: Vec<(Id, Id)> = Vec::new();
    for (_, step) in history {
        if let Step::Event(Event::Joined(d)) = step
            && without != Without::JoinByHand
        {
            ties.push((d.a, d.b));
        }
    }
    let tied = |a: &Paper<'_>, b: &Paper<'_>| {
        let has = |p: &Paper<'_>, id: &Id| p.s.ids.contains(id);
        a.s.ids.iter().filter(used).any(|id| has(b, id)) || ties.iter().any(|(x, y)| has(a, x) && has(b, y))
    };
    loop {
        let mut changed = false;
        for i in 0..papers.len() {
            for j in 0..papers.len() {
                if label[i] < label[j] && (tied(&papers[i], &papers[j]) || tied(&papers[j], &papers[i])) {
                    label[j] = label[i];
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    let mut out: BTreeMap<usize, Vec<&Paper<'_>>> = BTreeMap::new();
    for (paper, label) in papers.iter().zip(label) {
        out.entry(label).or_default().push(paper);
    }
    out.into_values().collect()
}

fn group(papers: &[&Paper<'_>], book: &Book, without: Without) -> Vec<Judged> {
    let names: BTreeSet<&str> = papers.iter().filter(|p| p.s.kind == Kind::Report).map(|p| p.s.resource.as_str()).collect();
    let of_name = |name: &str| -> Vec<&Paper<'_>> { papers.iter().copied().filter(|p| p.s.resource == name).collect() };
    // what only withdraws is no report where it is known which one it means
    let only_void = |name: &&&str| of_name(name).iter().all(|p| is_void(p.s.status)) && without != Without::Strays;
    let strays: Vec<&str> = names.iter().filter(only_void).copied().collect();
    let reports: Vec<&str> = names.iter().filter(|n| !strays.contains(n)).copied().collect();
    let mut withdrawn: BTreeMap<&str, Vec<&Paper<'_>>> = BTreeMap::new();
    let mut alone: Vec<&str> = Vec::new();
    for stray in strays {
        let mut of_none = true;
        for paper in of_name(stray) {
            for report in meant(paper, &reports, &of_name, without) {
                withdrawn.entry(report).or_default().push(paper);
                of_none = false;
            }
        }
        alone.extend(of_none.then_some(stray));
    }
    let mut all: Vec<((i64, u64), &str, Vec<&Paper<'_>>)> = Vec::new();
    for name in reports.into_iter().chain(alone) {
        let own = of_name(name);
        let in_force = in_force(&own, without);
        let first = in_force.iter().map(|p| p.age(without));
        let first = if without == Without::FirstFinal { first.max() } else { first.min() };
        all.push((first.unwrap(), name, own));
    }
    all.sort();
    let mut counted: Vec<(String, &str, &Sighting, String)> = Vec::new();
    let mut out = Vec::new();
    for (first, name, own) in all {
        let gone = withdrawn.get(name).map_or(&[][..], Vec::as_slice);
        let (mut j, newest, item) = report(papers, (&own, gone), first.0, book, without);
        if j.outcome == Outcome::Counted {
            let modality = if without == Without::OnceByModality { "" } else { j.modality };
            let one = |(e, m, s, i): &(String, &str, &Sighting, String)| {
                *e == j.exam && *m == modality && one_examination((*s, i.as_str()), (newest, item.as_str()), without)
            };
            if counted.iter().any(one) && without != Without::OnceEach {
                j.outcome = Outcome::Again;
            } else {
                counted.push((j.exam.clone(), modality, newest, item));
            }
        }
        out.push(j);
    }
    out
}

/// The number that says which examination it is, and whether it is the examination's own.
fn accession(s: &Sighting) -> (Option<Id>, bool) {
    for kind in [IdKind::Accession, IdKind::Study, IdKind::Report, IdKind::Order, IdKind::Resource] {
        if let Some(id) = s.ids.iter().find(|id| id.0 == kind) {
            return (Some(*id), kind == IdKind::Accession || kind == IdKind::Study);
        }
    }
    (None, false)
}

fn alike(a: &str, b: &str) -> bool {
    a.is_empty() || b.is_empty() || a == b
}

fn one_examination(a: (&Sighting, &str), b: (&Sighting, &str), without: Without) -> bool {
    let ((x, own_x), (y, own_y)) = (accession(a.0), accession(b.0));
    let other_kind = own_x && own_y && a.0.accession != b.0.accession;
    let unnumbered = own_x != own_y && without != Without::Unnumbered;
    let again_above = (a.0.source != b.0.source || other_kind) && alike(a.1, b.1) && without != Without::ReadAgain;
    x == y || unnumbered || again_above
}

/// The newest that is in force, and what was examined.
fn newest_of<'p>(own: &[&'p Paper<'_>], without: Without) -> (&'p Sighting, String) {
    let mut force = in_force(own, without);
    force.sort_by_key(|p| p.age(without));
    let item = force.iter().rev().map(|p| p.s.item.clone()).find(|i| !i.is_empty());
    (force.last().unwrap().s, item.unwrap_or_default())
}

/// The reports that a withdrawal under another name means.
fn meant<'n, 'p, 'h: 'p>(
    stray: &Paper<'_>,
    reports: &[&'n str],
    of_name: &dyn Fn(&str) -> Vec<&'p Paper<'h>>,
    without: Without,
) -> Vec<&'n str> {
    let (number, own) = accession(stray.s);
    let newest = |name: &str| newest_of(&of_name(name), without);
    let same: Vec<&str> = reports.iter().copied().filter(|r| accession(newest(r).0).0 == number).collect();
    if !same.is_empty() || (own && stray.s.status == Status::Cancelled) {
        return same;
    }
    let by_item = |r: &&str| newest(r).0.source == stray.s.source && alike(&newest(r).1, &stray.s.item);
    reports.iter().copied().filter(by_item).collect()
}

impl PartialEq for Paper<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Paper<'_> {}
impl PartialOrd for Paper<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Paper<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

fn is_final(status: Status) -> bool {
    [Status::Final, Status::Amended, Status::Corrected].contains(&status)
}

fn is_void(status: Status) -> bool {
    [Status::Cancelled, Status::EnteredInError].contains(&status)
}

/// The final versions; where there is none, the newest interim one and what cancels it.
fn in_force<'a, 'h>(own: &[&'a Paper<'h>], without: Without) -> Vec<&'a Paper<'h>> {
    let finals: Vec<&Paper<'_>> = own.iter().copied().filter(|p| is_final(p.s.status)).collect();
    if !finals.is_empty() {
        return finals;
    }
    let interim = own.iter().copied().filter(|p| !is_void(p.s.status)).max_by_key(|p| p.age(without));
    own.iter().copied().filter(|p| is_void(p.s.status)).chain(interim).collect()
}

/// `gone`: what withdraws it under another name.
fn report<'h>(
    papers: &[&Paper<'h>],
    (own, gone): (&[&Paper<'h>], &[&Paper<'h>]),
    first: i64,
    book: &Book,
    without: Without,
) -> (Judged, &'h Sighting, String) {
    let mut force = in_force(own, without);
    force.sort_by_key(|p| p.age(without));
    if without == Without::Correction {
        force.truncate(1);
    }
    let newest = |said: &dyn Fn(&Sighting) -> bool| force.iter().rev().find(|p| said(p.s)).map(|p| p.s);
    let source = newest(&|_| true).unwrap();
    let exam = match newest(&|s| !s.exam.is_empty()) {
        Some(s) => s.exam.clone(),
        None if without == Without::ExamFromPapers => source.source.clone(),
        None => exam_of(papers).unwrap_or_else(|| source.source.clone()),
    };
    let read = newest(&|s| !s.read.is_empty()).map_or(source.source.clone(), |s| s.read.clone());
    let known = newest(&|s| s.modality != Modality::Unknown).map(|s| s.modality);
    let modality = known.or_else(|| modality_of(papers)).unwrap_or(Modality::Unknown).code();
    let record = newest(&|s| !s.patient.is_empty()).map(|s| s.patient.clone()).or_else(|| record_of(papers));
    let last_final = own.iter().filter(|p| is_final(p.s.status)).map(|p| p.reported(without)).max();
    let void = own.iter().chain(gone).filter(|p| is_void(p.s.status)).map(|p| p.reported(without)).max();
    let taken_back = without != Without::VoidTakenBack && void < last_final;
    let day = (first + 8 * 3600).div_euclid(86_400);
    let person = record.and_then(|r| if without == Without::Persons { Some(r.len() as u32) } else { book.person(&r) });
    let checkup = without != Without::Checkup && papers.iter().any(|p| p.s.checkup);
    let mut j = Judged { day, exam, read, modality, outcome: Outcome::Counted, checkup, person };
    j.outcome = if void.is_some() && !taken_back && without != Without::Void {
        Outcome::Void
    } else if last_final.is_none() && without != Without::NotFinal {
        Outcome::NotFinal
    } else {
        reason(papers, &j, force.iter().any(|p| !p.s.readers.is_empty()), book, without)
    };
    let item = newest(&|s| !s.item.is_empty()).map(|s| s.item.clone()).unwrap_or_default();
    (j, source, item)
}

fn reason(papers: &[&Paper<'_>], j: &Judged, signed: bool, book: &Book, without: Without) -> Outcome {
    if papers.iter().any(|p| p.s.test) && without != Without::TestData {
        return Outcome::TestData;
    }
    if (j.modality == "UNKNOWN" || j.modality == "OTHER") && without != Without::Scope {
        return Outcome::OutOfScope;
    }
    let stranger = Facts { tier: Tier::Township, ws218: String::new(), community: String::new() };
    let exam = book.institution(&j.exam, j.day);
    if exam.is_none() && without != Without::ExamKnown {
        return Outcome::ExamUnknown;
    }
    let exam = exam.unwrap_or(stranger.clone());
    let types = ["B100", "B200", "C100", "C210", "C220"];
    let typed = types.contains(&exam.ws218.as_str()) || exam.ws218.starts_with('D') || exam.ws218.is_empty();
    let typed = typed || without == Without::PrimaryType;
    let low = [Tier::Village, Tier::Township].contains(&exam.tier);
    if !(typed && low) && without != Without::Primary {
        return Outcome::ExamNotPrimary;
    }
    if j.exam == j.read && without != Without::SameInstitution {
        return Outcome::SameInstitution;
    }
    let read = book.institution(&j.read, j.day);
    if read.is_none() && without != Without::ReadKnown {
        return Outcome::ReadUnknown;
    }
    let read = read.unwrap_or(stranger);
    if ![Tier::County, Tier::City].contains(&read.tier) && without != Without::ReadAbove {
        return Outcome::ReadNotAbove;
    }
    let one = !exam.community.is_empty() && exam.community == read.community;
    let city = read.tier == Tier::City && without != Without::City;
    if !one && !city && without != Without::Community {
        return Outcome::OtherCommunity;
    }
    let evidence = papers.iter().any(|p| {
        let of = if p.s.exam.is_empty() { &p.s.source } else { &p.s.exam };
        [Kind::Order, Kind::Specimen, Kind::Study].contains(&p.s.kind) && *of == j.exam
    });
    if !evidence && without != Without::Evidence {
        return Outcome::NoExamEvidence;
    }
    if !signed && without != Without::Signature {
        return Outcome::NoSignature;
    }
    Outcome::Counted
}

/// The institution first heard of, of those that sent a specimen or a study, else of those that sent an order.
fn exam_of(papers: &[&Paper<'_>]) -> Option<String> {
    let places = |kinds: &[Kind]| {
        let of = |p: &Paper<'_>| if p.s.exam.is_empty() { p.s.source.clone() } else { p.s.exam.clone() };
        let senders: BTreeSet<String> = papers.iter().filter(|p| kinds.contains(&p.s.kind)).map(|p| of(p)).collect();
        papers.iter().filter(|p| ![Kind::Report, Kind::Status].contains(&p.s.kind)).map(|p| of(p)).find(|i| senders.contains(i))
    };
    places(&[Kind::Specimen, Kind::Study]).or_else(|| places(&[Kind::Order]))
}

/// The papers that are no report and no state, those of the institution first heard of before those of the next.
fn by_institution<'a, 'h>(papers: &[&'a Paper<'h>]) -> Vec<&'a Paper<'h>> {
    let of = |p: &Paper<'_>| if p.s.exam.is_empty() { p.s.source.clone() } else { p.s.exam.clone() };
    let own: Vec<&Paper<'_>> = papers.iter().copied().filter(|p| ![Kind::Report, Kind::Status].contains(&p.s.kind)).collect();
    let mut out = own.clone();
    out.sort_by_key(|p| own.iter().position(|q| of(q) == of(p)));
    out
}

fn modality_of(papers: &[&Paper<'_>]) -> Option<Modality> {
    by_institution(papers).iter().map(|p| p.s.modality).find(|m| *m != Modality::Unknown)
}

fn record_of(papers: &[&Paper<'_>]) -> Option<String> {
    let said = |all: &[&Paper<'_>]| all.iter().map(|p| p.s.patient.clone()).find(|p| !p.is_empty());
    let reports: Vec<&Paper<'_>> = papers.iter().copied().filter(|p| p.s.kind == Kind::Report).collect();
    said(&reports).or_else(|| said(&by_institution(papers)))
}
