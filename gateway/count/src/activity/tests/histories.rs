//! Random histories: messages in any order, sent again, cancelled, taken back, merged, with clocks that are wrong. The
//! projection gives what the reference gives, now and as it was when a month closed.

use super::reference::{RULES, Step, Without, count, day};
use super::world::{Book, DAY, DEPARTMENTS, HOUR, PLACES, START, visit};
use crate::activity::{Activities, Answer, COUNTERS, Event, Of, Rules, Word};
use crate::cases::At;
use crate::period::Period;
use std::collections::BTreeMap;

const HISTORIES: u64 = 2_500;
const PERIODS: [&str; 5] = ["2026-11", "2026-12", "2027-01", "2026Q4", "2026-11-20..2026-12-12"];

/// Numbers that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len() as u64) as usize]
    }

    /// Whole seconds of November and December, now and then half a year before.
    fn time(&mut self) -> i64 {
        let early = if self.one_in(12) { 175 * DAY } else { 0 };
        START - early + (self.below(61 * 86_400) as i64) * 1_000_000
    }
}

/// What messages say of one visit, in the order in which it happened.
fn visit_story(c: &mut Chance, n: u64, out: &mut Vec<Event>) {
    let place = *c.of(&PLACES);
    let class = *c.of(&["AMB", "AMB", "EMER", "IMP", "IMP", "IMP", "HH", "PRENC", ""]);
    let begin = c.time();
    let key = format!("Encounter/{}", n % 4);
    let mut said = begin;
    let (start_said, checkup, unnumbered, test) = (c.one_in(2), c.one_in(25), c.one_in(25), c.one_in(25));
    let mut tell = |c: &mut Chance, word: Word, class: &str| {
        let mut e = visit(place, &key, word, class);
        let Of::Visit(v) = &mut e.of else { return };
        v.department = (*c.of(&DEPARTMENTS)).to_owned();
        v.start_us = start_said.then_some(if c.one_in(40) { begin + 900 * DAY } else { begin });
        (v.checkup, v.unnumbered) = (checkup, unnumbered);
        if word == Word::Ended {
            v.end_us = (!c.one_in(4)).then_some(if c.one_in(25) { begin - HOUR } else { said });
            v.disposition = (*c.of(&["", "1", "02", "2", "3", "3"])).to_owned();
            v.destination = (*c.of(&["", "", "T1", "T2", "H2", "乡里"])).to_owned();
        }
        (e.test, e.at_us) = (test, (!c.one_in(15)).then_some(if c.one_in(40) { said + 800 * DAY } else { said }));
        out.push(e);
        said += (1 + c.below(5 * 24)) as i64 * HOUR / 2;
    };
    if c.one_in(5) {
        let planned = if c.one_in(2) { "PRENC" } else { class };
        tell(c, Word::Planned, planned);
    }
    if !c.one_in(9) {
        tell(c, Word::Begun, class);
    }
    while c.one_in(3) {
        let told = if c.one_in(3) { "IMP" } else { class };
        tell(c, Word::Told, told);
    }
    if c.one_in(8) {
        tell(c, Word::Cancelled, class);
    }
    if c.one_in(2) {
        tell(c, Word::Ended, class);
        if c.one_in(4) {
            tell(c, Word::Reopened, class);
        }
        if c.one_in(5) {
            tell(c, Word::Ended, class);
        }
    }
    if c.one_in(12) {
        tell(c, Word::Begun, class);
    }
    let part = |of, at| Event { institution: place.to_owned(), key: key.clone(), at_us: Some(at), test, of };
    if class == "IMP" {
        for _ in 0..c.below(2) + u64::from(c.one_in(5)) {
            let (to, live) = ((*c.of(&["T1", "T2", "H2", ""])).to_owned(), !c.one_in(4));
            out.push(part(Of::Referral { request: "ServiceRequest/1".to_owned(), to, live }, c.time()));
        }
        for n in 0..c.below(4) {
            let start_us = (!c.one_in(4)).then_some(begin + c.below(2) as i64 * HOUR);
            let (level, live) = (c.below(5) as u8, !c.one_in(6));
            out.push(part(Of::Operation { procedure: format!("Procedure/{n}"), start_us, level, live }, c.time()));
        }
    }
}

fn other_story(c: &mut Chance, out: &mut Vec<Event>) {
    let tell = |c: &mut Chance, key: String, of| {
        let at_us = (!c.one_in(10)).then(|| c.time());
        Event { institution: (*c.of(&PLACES)).to_owned(), key, at_us, test: c.one_in(20), of }
    };
    for _ in 0..c.below(3) {
        let (day_us, live) = ((!c.one_in(5)).then(|| c.time()), !c.one_in(5));
        let key = format!("DiagnosticReport/{}", c.below(4));
        let e = tell(c, key, Of::Tracing { day_us, live });
        out.push(e);
    }
    for _ in 0..c.below(5) {
        let (written_us, live, inpatient) = ((!c.one_in(5)).then(|| c.time()), !c.one_in(4), c.one_in(12));
        let (key, item) = (format!("CF{}", c.below(2)), format!("MedicationRequest/{}", c.below(3)));
        let mut e = tell(c, key, Of::Prescription { item, written_us, inpatient, live });
        e.institution = (*c.of(&["T1", "H1", "X9"])).to_owned();
        out.push(e);
    }
}

fn history(seed: u64) -> Vec<Step> {
    let mut c = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed);
    let mut events = Vec::new();
    for n in 0..1 + c.below(6) {
        visit_story(&mut c, n, &mut events);
    }
    other_story(&mut c, &mut events);
    // sent again, under another control id
    let again = if events.is_empty() { 0 } else { c.below(4) };
    for _ in 0..again {
        let again = c.of(&events).clone();
        events.push(again);
    }
    if !c.one_in(4) {
        for n in (1..events.len()).rev() {
            events.swap(n, c.below(n as u64 + 1) as usize);
        }
    }
    // from the fourth of January on; December closes on the eleventh
    let mut us = START + 64 * DAY;
    let arrive = |e: Event| {
        us += c.below(30 * 3_600) as i64 * 1_000_000;
        (us, e)
    };
    events.into_iter().map(arrive).collect()
}

fn followed(steps: &[Step]) -> Activities {
    let mut all = Activities::new(Rules::default());
    for (n, (us, event)) in steps.iter().enumerate() {
        // as it stands in the journal
        let event: Event = serde_json::from_slice(&serde_json::to_vec(event).unwrap()).unwrap();
        all.apply(At { seq: n as u64 + 1, us: *us }, &event);
    }
    all
}

fn value(answer: &Answer) -> (i64, Option<i64>) {
    match answer {
        Answer::Counted(c) => (c.value, c.published),
        Answer::Missing { .. } => (0, None),
    }
}

/// How many messages had arrived when the months up to a day closed.
fn closed_at(steps: &[Step], last: i64) -> Option<usize> {
    let first_of_next = |d: i64| hutong_fhir::calendar::civil(d - 10);
    let month = |(y, m, _): (i64, i64, i64)| y * 12 + m;
    steps.iter().position(|s| month(first_of_next(day(s.0))) > month(hutong_fhir::calendar::civil(last)))
}

#[test]
fn the_projection_is_the_reference() {
    let mut counted: BTreeMap<&str, i64> = BTreeMap::new();
    let mut differ = 0;
    for seed in 0..HISTORIES {
        let steps = history(seed);
        let all = followed(&steps);
        for text in PERIODS {
            let period = Period::parse(text).unwrap();
            let figures = all.figures(period, None, &Book);
            let expect = count(&steps, (period.first, period.last), Without::Nothing);
            let closed = closed_at(&steps, period.last);
            let published =
                closed.map(|n| if n == 0 { BTreeMap::new() } else { count(&steps[..n], (period.first, period.last), Without::Nothing) });
            for (counter, ..) in COUNTERS {
                let (now, then) = value(&figures.counters[counter]);
                let of = |map: &BTreeMap<&str, i64>| map.get(counter).copied().unwrap_or(0);
                assert_eq!(now, of(&expect), "history {seed}, {text}, {counter}");
                *counted.entry(counter).or_default() += now;
                if let (Some(then), Some(published)) = (then, &published) {
                    assert_eq!(then, of(published), "history {seed}, {text}, {counter}, as published");
                    differ += i64::from(then != now);
                }
                let lines = all.lines(counter, period, None, &Book, 0, usize::MAX);
                let listed: i64 = lines.iter().filter(|l| l.reason.is_none()).map(|l| l.count).sum();
                assert!(listed == now || counter == "village_ecg_seen", "history {seed}, {text}, {counter}: {listed} listed of {now}");
            }
        }
    }
    assert!(counted.values().all(|n| *n > 100) && counted.len() == COUNTERS.len(), "each is counted: {counted:?}");
    assert!(differ > 1_000, "what closed changed often: {differ}");
}

#[test]
fn each_rule_taken_out_is_noticed() {
    let histories: Vec<Vec<Step>> = (0..800).map(history).collect();
    for rule in RULES {
        let is_noticed = histories.iter().any(|steps| {
            PERIODS.iter().any(|text| {
                let p = Period::parse(text).unwrap();
                let all = |without| {
                    let mut counts = count(steps, (p.first, p.last), without);
                    counts.retain(|_, n| *n != 0);
                    counts
                };
                all(rule) != all(Without::Nothing)
            })
        });
        assert!(is_noticed, "{rule:?}");
    }
}
