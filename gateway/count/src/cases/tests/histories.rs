//! 10,000 histories: counted live, counted anew, and by the counter written apart.

use super::reference::{Judged, RULES, Without, judged};
use super::world::{Book, History, Random, Step, history, history_of, tell};
use crate::cases::rows::Body;
use crate::cases::{By, Cause, Event, Figure, Ledger, Outcome, Question, Rules, Scope};
use crate::period::{Period, day_of};
use hutong_fhir::calendar::civil;
use std::collections::{BTreeMap, BTreeSet};

const PERIODS: [&str; 7] = ["2026-12", "2027-01", "2027-02", "2026Q4", "2027Q1", "2026", "2027"];
const BYS: [By; 7] = [By::County, By::Centre, By::Exam, By::Read, By::Modality, By::Month, By::Checkup];

/// What the reference says: (figure, excluded) by key.
fn expected(
    reports: &[Judged],
    period: Period,
    scope: Scope,
    by: By,
    institution: Option<&str>,
) -> BTreeMap<String, (Figure, BTreeMap<Outcome, u64>)> {
    let mut out: BTreeMap<String, (Figure, BTreeMap<Outcome, u64>)> = BTreeMap::new();
    let mut persons: BTreeSet<(String, u32)> = BTreeSet::new();
    if by == By::County {
        out.entry(String::new()).or_default();
    }
    let within = |j: &&Judged| period.holds(j.day) && institution.is_none_or(|i| i == j.exam || i == j.read);
    for j in reports.iter().filter(within) {
        let centre = match j.modality {
            "LAB" => "laboratory",
            "PATH" => "pathology",
            "ECG" | "EEG" | "EMG" => "tracing",
            "UNKNOWN" | "OTHER" => "none",
            _ => "imaging",
        };
        let (year, month, _) = civil(j.day);
        let key = match by {
            By::County => String::new(),
            By::Centre => centre.to_owned(),
            By::Exam => j.exam.clone(),
            By::Read => j.read.clone(),
            By::Modality => j.modality.to_owned(),
            By::Month => format!("{year}-{month:02}"),
            By::Checkup => if j.checkup { "checkup" } else { "other" }.to_owned(),
        };
        let (figure, excluded) = out.entry(key.clone()).or_default();
        let outside = scope == Scope::Img5 && ["LAB", "PATH"].contains(&j.modality);
        if j.outcome != Outcome::Counted || outside {
            *excluded.entry(if j.outcome == Outcome::Counted { Outcome::OutOfScope } else { j.outcome }).or_default() += 1;
            continue;
        }
        figure.cases += 1;
        figure.checkup += u64::from(j.checkup);
        match j.person {
            Some(person) => figure.persons += u64::from(persons.insert((key, person))),
            None => figure.unidentified += 1,
        }
    }
    out
}

/// The steps before which a period closed; `None`: it is open.
fn closed_at(history: &History, period: Period) -> Option<usize> {
    history.iter().position(|(at, step)| {
        let by_event = matches!(step, Step::Event(Event::Close(c)) if Period::parse(&c.period).unwrap().last >= period.last);
        by_event || day_of(at.us) - 10 > period.last
    })
}

/// Where ledger and reference differ.
fn difference(ledger: &Ledger, history: &History, questions: &[Question], without: Without) -> Option<String> {
    let now = judged(history, without);
    for q in questions {
        let found = ledger.figures(q).unwrap();
        let institution = q.institution.as_deref();
        let mut want = expected(&now, q.period, q.scope, q.by, institution);
        let published =
            closed_at(history, q.period).map(|steps| expected(&judged(&history[..steps], without), q.period, q.scope, q.by, institution));
        if published.is_some() != found.closed {
            return Some(format!("{q:?}: closed {}", found.closed));
        }
        for row in &found.rows {
            let (figure, excluded) = want.remove(&row.key).unwrap_or_default();
            if (figure, &excluded) != (row.now, &row.excluded) {
                return Some(format!("{q:?} {}: {figure:?} {excluded:?} ≠ {row:?}", row.key));
            }
            if let Some(published) = &published {
                let before = published.get(&row.key).map(|(f, _)| *f).unwrap_or_default();
                if Some(before) != row.published {
                    return Some(format!("{q:?} {} published: {before:?} ≠ {row:?}", row.key));
                }
            }
        }
        if let Some((key, rest)) = want.into_iter().find(|(_, (f, e))| q.by != By::County && (f.cases > 0 || !e.is_empty())) {
            return Some(format!("{q:?} {key}: missing {rest:?}"));
        }
    }
    None
}

fn questions(seed: u64) -> Vec<Question> {
    let mut r = Random(seed * 2 + 1);
    let mut out = Vec::new();
    for period in PERIODS {
        let period = Period::parse(period).unwrap();
        for scope in Scope::BOTH {
            out.push(Question { period, scope, by: By::County, institution: None });
        }
        let by = BYS[r.below(7) as usize];
        let institution = r.one_in(3).then(|| "T1".to_owned());
        out.push(Question { period, scope: Scope::BOTH[r.below(2) as usize], by, institution });
    }
    out
}

/// Counted from what the journal holds.
fn recounted(history: &History) -> Ledger {
    let (mut ledger, mut book) = (Ledger::new(Rules::default()), Book::new());
    for (at, step) in history {
        match step {
            Step::Event(event) => ledger.follow(*at, &serde_json::to_vec(event).unwrap(), &book).unwrap(),
            _ => tell(&mut ledger, &mut book, std::slice::from_ref(&(*at, step.clone()))),
        }
    }
    assert!(ledger.follow(ledger.position(), b"{}", &book).is_err());
    ledger
}

fn live(history: &History) -> Ledger {
    let (mut ledger, mut book) = (Ledger::new(Rules::default()), Book::new());
    tell(&mut ledger, &mut book, history);
    ledger
}

#[test]
fn ten_thousand_histories_count_the_same_live_anew_and_by_the_reference() {
    let (mut counted, mut adjusted) = (0, 0);
    for seed in 0..10_000 {
        let history = history(seed);
        let questions = questions(seed);
        let ledger = live(&history);
        if let Some(difference) = difference(&ledger, &history, &questions, Without::Nothing) {
            let steps: Vec<String> = history.iter().map(|(at, s)| format!("{} {} {s:?}", at.seq, at.us)).collect();
            panic!("history {seed}: {difference}\n{}", steps.join("\n"));
        }
        // the journal holds the events as JSON: a recount reads them
        let anew = recounted(&history);
        for q in &questions {
            assert_eq!(anew.figures(q), ledger.figures(q), "history {seed}: counted anew");
            let now = ledger.figures(q).unwrap();
            if seed % 100 == 0 {
                quick_sums_agree(&ledger, q);
            }
            counted += now.rows.iter().map(|r| r.now.cases).sum::<u64>();
        }
        adjusted += adjustments_explain(&ledger, &history, seed);
    }
    assert!(counted > 10_000 && adjusted > 5_000, "the histories hold something to count: {counted}, {adjusted}");
}

/// What pages sum up without persons is what the figures say.
fn quick_sums_agree(ledger: &Ledger, q: &Question) {
    let only = q.institution.as_deref();
    let figures = |period: Period, by: By| {
        let of = |scope: Scope| ledger.figures(&Question { period, scope, by, institution: q.institution.clone() }).unwrap().rows;
        Scope::BOTH.map(|scope| of(scope).into_iter().map(|r| (r.key, r.now.cases)).filter(|(_, n)| *n > 0).collect::<BTreeMap<_, _>>())
    };
    let by_month = ledger.cases_by_month(q.period, only);
    let of = |n: usize| by_month.iter().map(|(month, sums)| (month.clone(), sums[n])).filter(|(_, n)| *n > 0).collect::<BTreeMap<_, _>>();
    assert_eq!([of(0), of(1)], figures(q.period, By::Month), "{q:?}");
    let mut of_days = [0; 2];
    for day in q.period.first..=q.period.last {
        of_days.iter_mut().zip(ledger.counted_of_day(day, only)).for_each(|(sum, n)| *sum += n);
    }
    assert_eq!(of_days, figures(q.period, By::County).map(|rows| rows.values().sum::<u64>()), "{q:?}");
}

#[test]
fn a_ledger_goes_on_from_its_snapshot() {
    for seed in 0..300 {
        let history = history(seed);
        let (first, rest) = history.split_at(history.len() / 2);
        let (mut ledger, mut book) = (Ledger::new(Rules::default()), Book::new());
        tell(&mut ledger, &mut book, first);
        let mut bytes = Vec::new();
        ledger.save(&mut bytes).unwrap();
        let mut read_back = Ledger::load(&mut bytes.as_slice(), Rules::default()).unwrap();
        tell(&mut ledger, &mut book.clone(), rest);
        tell(&mut read_back, &mut book, rest);
        for q in &questions(seed) {
            assert_eq!(read_back.figures(q), ledger.figures(q), "history {seed}");
            assert_eq!(read_back.adjustments(q.period), ledger.adjustments(q.period), "history {seed}");
            assert_eq!(read_back.quality(q.period, q.by, None, |_| 600), ledger.quality(q.period, q.by, None, |_| 600), "history {seed}");
        }
        assert_eq!(read_back.doubts(0, i64::MAX / 2, 99), ledger.doubts(0, i64::MAX / 2, 99));
        if seed < 3 {
            refused(&bytes);
        }
    }
}

/// Whatever is wrong with a snapshot, it is not taken, and nothing stops.
fn refused(bytes: &[u8]) {
    for at in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 0x41;
        assert!(Ledger::load(&mut damaged.as_slice(), Rules::default()).is_err(), "byte {at}");
        assert!(Ledger::load(&mut &bytes[..at], Rules::default()).is_err(), "cut at {at}");
    }
    let longer = [bytes, &[0]].concat();
    assert!(Ledger::load(&mut longer.as_slice(), Rules::default()).is_err());
    let other = Rules { close_after_days: 1, ..Rules::default() };
    assert!(Ledger::load(&mut &*bytes, other).is_err());
}

/// Published + adjustments = now, cell by cell.
fn adjustments_explain(ledger: &Ledger, history: &History, seed: u64) -> usize {
    type Sums = BTreeMap<(String, String, String, String, Outcome, bool), i64>;
    let sums = |reports: &[Judged], period: Period| {
        let mut out = Sums::new();
        for j in reports.iter().filter(|j| period.holds(j.day)) {
            let (year, month, _) = civil(j.day);
            let key = (format!("{year}-{month:02}"), j.exam.clone(), j.read.clone(), j.modality.to_owned(), j.outcome, j.checkup);
            *out.entry(key).or_default() += 1;
        }
        out
    };
    let period = Period::parse("2026-12").unwrap();
    let Some(steps) = closed_at(history, period) else { return 0 };
    let mut explained = sums(&judged(&history[..steps], Without::Nothing), period);
    let adjustments = ledger.adjustments(period);
    for a in &adjustments {
        let key = (a.month.clone(), a.exam.clone(), a.read.clone(), a.modality.code().to_owned(), a.outcome, a.checkup);
        *explained.entry(key).or_default() += i64::from(a.change);
        let position = history.iter().position(|(at, _)| at.seq == a.seq).unwrap();
        assert!(position >= steps, "history {seed}: an adjustment is dated after the closing");
        let cause = match &history[position].1 {
            Step::Event(Event::Seen(_)) => Cause::Message,
            Step::Link(..) => Cause::Identity,
            Step::Institution(..) => Cause::Institutions,
            Step::Event(_) => Cause::Decision,
        };
        assert_eq!(a.cause, cause, "history {seed}");
    }
    explained.retain(|_, n| *n != 0);
    assert_eq!(explained, sums(&judged(history, Without::Nothing), period), "history {seed}");
    adjustments.len()
}

#[test]
fn each_rule_that_is_taken_out_is_noticed() {
    let all: Vec<(History, Ledger, Vec<Question>)> = (0..600)
        .map(|seed| {
            let history = history(seed);
            let ledger = live(&history);
            (history, ledger, questions(seed))
        })
        .collect();
    for rule in RULES {
        let noticed = all.iter().filter(|(h, l, q)| difference(l, h, q, rule).is_some()).take(3).count();
        assert_eq!(noticed, 3, "without {rule:?} nothing changes");
    }
}

/// In tests chunks and parts are so small that the histories pack rows, unpack them and settle numbers.
#[test]
fn histories_reach_packed_rows_and_settled_numbers() {
    let (mut packed, mut settled) = (0, 0);
    for seed in 0..200 {
        let ledger = live(&history(seed));
        packed += ledger.rows.chunks().iter().filter(|c| matches!(c.body, Body::Packed(_))).count();
        settled += ledger.keys.lasting.parts().iter().map(|p| p.settled.lists().1).sum::<usize>();
    }
    assert!(packed > 50 && settled > 50, "{packed}, {settled}");
}

/// A clone stays as it was while the ledger goes on.
#[test]
fn a_clone_is_a_ledger_of_its_own() {
    for seed in 0..100 {
        let history = history(seed);
        let (first, rest) = history.split_at(history.len() / 2);
        let (mut ledger, mut book) = (Ledger::new(Rules::default()), Book::new());
        tell(&mut ledger, &mut book, first);
        let bytes = |l: &Ledger| {
            let mut bytes = Vec::new();
            l.save(&mut bytes).unwrap();
            bytes
        };
        let (clone, before) = (ledger.clone(), bytes(&ledger));
        tell(&mut ledger, &mut book, rest);
        assert_eq!(bytes(&clone), before, "history {seed}");
        assert_eq!(difference(&ledger, &history, &questions(seed), Without::Nothing), None, "history {seed}");
    }
}

/// Of a period that is open, the order of arrival does not matter.
#[test]
fn the_order_of_arrival_does_not_matter() {
    for seed in 0..400 {
        let mut events: Vec<Step> =
            history_of(seed, false).into_iter().map(|(_, s)| s).filter(|s| matches!(s, Step::Event(Event::Seen(_)))).collect();
        let us = super::world::START + 75 * 86_400_000_000;
        let mut r = Random(seed + 7);
        let mut last = None;
        for _ in 0..3 {
            for i in (1..events.len()).rev() {
                events.swap(i, r.below(i as u64 + 1) as usize);
            }
            let history: History = events.iter().cloned().zip(1..).map(|(s, seq)| (crate::cases::At { seq, us }, s)).collect();
            let rules = Rules { close_after_days: 1000, ..Rules::default() };
            let (mut ledger, mut book) = (Ledger::new(rules), Book::new());
            tell(&mut ledger, &mut book, &history);
            let q = Question { period: Period::parse("2026-12").unwrap(), scope: Scope::All4, by: By::County, institution: None };
            let cases = ledger.figures(&q).unwrap().rows[0].now.cases;
            let steps = || history.iter().map(|(at, s)| format!("{} {} {s:?}\n", at.seq, at.us)).collect::<String>();
            assert!(last.is_none_or(|l| l == cases), "history {seed}: {last:?} and {cases}\n{}", steps());
            last = Some(cases);
        }
    }
}
