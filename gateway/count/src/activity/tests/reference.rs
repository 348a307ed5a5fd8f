//! A counter written apart: it keeps nothing, reads the whole history for each answer, and walks days one by one. It shares
//! with the projection what an event is, and the directory.

use super::world::{Book, DAY};
use crate::activity::event::Visit;
use crate::activity::{Directory, Event, Of, Place, Word};
use crate::cases::Tier;
use std::collections::{BTreeMap, BTreeSet};

/// A rule that is left out, to see that histories notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Without {
    Nothing,
    Void,
    TestData,
    Planned,
    Class,
    Checkup,
    Unnumbered,
    Registry,
    TierOfDay,
    LastWord,
    Reopened,
    OnePerNumber,
    PerInstitution,
    PlanGivesWay,
    Department,
    TcmInstitution,
    Lead,
    DestinationFirst,
    DispositionDown,
    Referral,
    Discharged,
    Level,
    OneSession,
    SameDay,
    Midnight,
    OpenLimit,
    ClockAhead,
    EcgOnce,
    EcgVillage,
    RxOnce,
    RxAllVoid,
    Ward,
}

pub(super) const RULES: [Without; 31] = {
    use Without::*;
    [
        Void,
        TestData,
        Planned,
        Class,
        Checkup,
        Unnumbered,
        Registry,
        TierOfDay,
        LastWord,
        Reopened,
        OnePerNumber,
        PerInstitution,
        PlanGivesWay,
        Department,
        TcmInstitution,
        Lead,
        DestinationFirst,
        DispositionDown,
        Referral,
        Discharged,
        Level,
        OneSession,
        SameDay,
        Midnight,
        OpenLimit,
        ClockAhead,
        EcgOnce,
        EcgVillage,
        RxOnce,
        RxAllVoid,
        Ward,
    ]
};

/// A message: when it arrived, what it says.
pub(super) type Step = (i64, Event);

struct Count<'h> {
    without: Without,
    period: (i64, i64),
    out: BTreeMap<&'static str, i64>,
    steps: &'h [Step],
}

/// Counters of a period (first and last day) at the end of a history.
pub(super) fn count(steps: &[Step], period: (i64, i64), without: Without) -> BTreeMap<&'static str, i64> {
    let mut c = Count { without, period, out: BTreeMap::new(), steps };
    let mut groups: BTreeMap<(u8, &str, &str, usize), Vec<&Step>> = BTreeMap::new();
    for (n, step) in steps.iter().enumerate() {
        let e = &step.1;
        let kind = match e.of {
            Of::Tracing { .. } => 1,
            Of::Prescription { .. } => 2,
            _ => 0,
        };
        let place = if kind == 1 || c.lacks(Without::PerInstitution) { "" } else { e.institution.as_str() };
        let apart = (kind == 0 && c.lacks(Without::OnePerNumber)) || (kind == 2 && c.lacks(Without::RxOnce));
        groups.entry((kind, place, &e.key, if apart { n } else { 0 })).or_default().push(step);
    }
    let mut villages = BTreeSet::new();
    for ((kind, ..), steps) in groups {
        let mut said: Vec<(i64, &Event)> = steps.iter().map(|s| (c.sane(s.0, s.1.at_us).unwrap_or(s.0), &s.1)).collect();
        if !c.lacks(Without::LastWord) {
            said.sort_by_key(|s| s.0);
        }
        match kind {
            0 => c.visit(&said, &steps),
            1 => c.tracing(&said, &steps, &mut villages),
            _ => c.prescription(&said, &steps),
        }
    }
    c.out
}

impl Count<'_> {
    fn lacks(&self, rule: Without) -> bool {
        self.without == rule
    }
    fn add(&mut self, counter: &'static str, n: i64) {
        *self.out.entry(counter).or_default() += n
    }
    fn within(&self, day: i64) -> bool {
        self.period.0 <= day && day <= self.period.1
    }
    fn sane(&self, arrived: i64, us: Option<i64>) -> Option<i64> {
        us.filter(|us| *us <= arrived + 600_000_000 || self.lacks(Without::ClockAhead))
    }
    fn place(&self, code: &str, day: i64) -> Option<Place> {
        let day = if self.lacks(Without::TierOfDay) { 20_900 } else { day };
        let other =
            Place { facts: crate::cases::Facts { tier: Tier::County, ws218: String::new(), community: String::new() }, leads: false };
        Book.institution(code, day).or(self.lacks(Without::Registry).then_some(other))
    }

    fn visit(&mut self, said: &[(i64, &Event)], steps: &[&Step]) {
        let test = said.iter().any(|s| s.1.test) && !self.lacks(Without::TestData);
        let of = |s: &(i64, &Event)| match &s.1.of {
            Of::Visit(v) => Some((s.0, v.clone())),
            _ => None,
        };
        let words: Vec<(i64, Visit)> = said.iter().filter_map(of).collect();
        let gives_way = |w: &Visit| w.word == Word::Planned && !self.lacks(Without::PlanGivesWay);
        let mut told: Vec<&(i64, Visit)> = words.iter().filter(|w| gives_way(&w.1)).collect();
        told.extend(words.iter().filter(|w| !gives_way(&w.1)));
        let last = |f: &dyn Fn(&Visit) -> Option<i64>| told.iter().rev().find_map(|w| f(&w.1));
        let arrived = |us: Option<i64>| {
            let at = steps.iter().find(|s| matches!(&s.1.of, Of::Visit(v) if v.start_us == us || v.end_us == us)).map_or(0, |s| s.0);
            self.sane(at, us)
        };
        let first = words.iter().filter(|w| !matches!(w.1.word, Word::Planned | Word::Cancelled)).map(|w| w.0).min();
        let start = last(&|w| arrived(w.start_us)).or(first).unwrap_or_else(|| said.iter().map(|s| s.0).min().unwrap());
        let live =
            words.iter().rev().find(|w| w.1.word != Word::Told).is_none_or(|w| w.1.word != Word::Cancelled || self.lacks(Without::Void));
        let end = words
            .iter()
            .rev()
            .find_map(|w| match w.1.word {
                Word::Ended => Some(Some(arrived(w.1.end_us).unwrap_or(w.0))),
                Word::Reopened if !self.lacks(Without::Reopened) => Some(None),
                _ => None,
            })
            .flatten();
        let class = told.iter().rev().map(|w| w.1.class.as_str()).find(|c| !c.is_empty()).unwrap_or("").to_owned();
        let real = words.iter().any(|w| !matches!(w.1.word, Word::Planned | Word::Cancelled)) || self.lacks(Without::Planned);
        let checkup = words.iter().any(|w| w.1.checkup) && !self.lacks(Without::Checkup);
        let unnumbered = words.iter().any(|w| w.1.unnumbered) && !self.lacks(Without::Unnumbered);
        let department = told.iter().rev().map(|w| w.1.department.as_str()).find(|d| !d.is_empty()).unwrap_or("").to_owned();
        if words.is_empty() || !live || test || !real || checkup || unnumbered {
            return;
        }
        let (code, first_day) = (&said[0].1.institution, day(start));
        let Some(place) = self.place(code, first_day) else { return };
        let outpatient = matches!(class.as_str(), "AMB" | "EMER");
        if self.within(first_day) && (outpatient || class == "HH" || (self.lacks(Without::Class) && class != "IMP")) {
            let tcm = (place.facts.ws218 == "A210" && !self.lacks(Without::TcmInstitution))
                || Book.department_kind(code, &department, 0).is_some_and(|k| k.starts_with("A50") || self.lacks(Without::Department));
            for (counter, is) in [
                ("visits_all", true),
                ("visits_primary", place.facts.is_primary()),
                ("outpatient_all", outpatient),
                ("outpatient_primary", outpatient && place.facts.is_primary()),
                ("tcm_visits", tcm),
                ("outpatient_tcm_primary", tcm && outpatient && place.facts.is_primary()),
            ] {
                self.add(counter, i64::from(is));
            }
        }
        if class == "IMP" {
            self.stay(said, &told, code, start, end);
        }
    }

    fn stay(&mut self, said: &[(i64, &Event)], told: &[&(i64, Visit)], code: &str, start: i64, end: Option<i64>) {
        let today = day(self.steps.last().unwrap().0) - i64::from(!self.lacks(Without::Midnight));
        let out = match end {
            Some(end) if end < start => day(start),
            Some(end) => day(end).max(day(start) + i64::from(!self.lacks(Without::SameDay))),
            None => day(start) + if self.lacks(Without::OpenLimit) { 9_999 } else { 180 },
        };
        let used = (self.period.0..=self.period.1.min(today)).filter(|d| day(start) <= *d && *d < out);
        let used = used.filter(|d| self.place(code, *d).is_some_and(|p| p.facts.is_primary())).count();
        self.add("bed_days_used_primary", i64::try_from(used).unwrap());
        let mut parts: BTreeMap<&str, &(i64, &Event)> = BTreeMap::new();
        for s in said {
            match &s.1.of {
                Of::Referral { request: id, .. } | Of::Operation { procedure: id, .. } => {
                    parts.insert(id, s);
                }
                _ => {}
            }
        }
        let Some(end) = end.or(self.lacks(Without::Discharged).then_some(start)) else { return };
        if !self.within(day(end)) || !self.place(code, day(end)).is_some_and(|p| p.leads || self.lacks(Without::Lead)) {
            return;
        }
        self.add("discharges_lead", 1);
        let left = told.iter().rev().map(|w| &w.1).find(|w| !w.disposition.is_empty() || !w.destination.is_empty());
        let (disposition, mut to) = left.map_or(("", ""), |w| (w.disposition.trim_start_matches('0'), w.destination.as_str()));
        let referral = parts.values().filter_map(|s| match &s.1.of {
            Of::Referral { to, live: true, .. } => Some((s.0, to)),
            _ => None,
        });
        let referral = referral.max_by_key(|r| r.0).filter(|_| !self.lacks(Without::Referral));
        let away = referral.is_some() || matches!(disposition, "2" | "3") || (disposition.is_empty() && !to.is_empty());
        if to.is_empty() || self.lacks(Without::DestinationFirst) {
            to = referral.map_or("", |r| r.1.as_str());
        }
        let down = match self.place(to, day(end)) {
            Some(p) => p.facts.is_primary(),
            None => disposition == "3" && !self.lacks(Without::DispositionDown),
        };
        self.add("referrals_down_lead", i64::from(away && down));
        let mut sessions: BTreeMap<(i64, &str), u8> = BTreeMap::new();
        for (id, s) in &parts {
            let Of::Operation { start_us, level, live: true, .. } = &s.1.of else { continue };
            let key = match start_us {
                Some(us) if !self.lacks(Without::OneSession) => (us / 60_000_000, ""),
                _ => (0, *id),
            };
            let highest = sessions.entry(key).or_default();
            *highest = (*highest).max(*level);
        }
        let counts = |l: &u8| *l > 0 || self.lacks(Without::Level);
        for level in sessions.into_values().filter(counts).collect::<Vec<u8>>() {
            self.add("operations_lead", 1);
            self.add("operations_level34_lead", i64::from(level >= 3));
        }
    }

    fn tracing(&mut self, said: &[(i64, &Event)], steps: &[&Step], villages: &mut BTreeSet<String>) {
        let Some((at, Event { institution, of: Of::Tracing { day_us, live }, .. })) = said.last() else { return };
        let arrived = steps.iter().find(|s| std::ptr::eq(&raw const s.1, said.last().unwrap().1)).unwrap().0;
        let (on, test) = (day(self.sane(arrived, *day_us).unwrap_or(*at)), said.iter().any(|s| s.1.test) && !self.lacks(Without::TestData));
        let village = self.place(institution, on).is_some_and(|p| p.facts.tier == Tier::Village || self.lacks(Without::EcgVillage));
        if (*live || self.lacks(Without::Void))
            && !test
            && village
            && self.within(on)
            && (villages.insert(institution.clone()) || self.lacks(Without::EcgOnce))
        {
            self.add("village_ecg_seen", 1);
        }
    }

    fn prescription(&mut self, said: &[(i64, &Event)], steps: &[&Step]) {
        let (mut items, mut on, mut ward, mut test) = (BTreeMap::new(), i64::MAX, false, false);
        for (at, e) in said {
            let Of::Prescription { item, written_us, inpatient, live } = &e.of else { continue };
            let arrived = steps.iter().find(|s| std::ptr::eq(&raw const s.1, *e)).unwrap().0;
            on = on.min(self.sane(arrived, *written_us).unwrap_or(*at));
            items.insert(item, *live);
            (ward, test) = (ward | (*inpatient && !self.lacks(Without::Ward)), test | (e.test && !self.lacks(Without::TestData)));
        }
        let void = if self.lacks(Without::RxAllVoid) { items.values().any(|l| !l) } else { !items.values().any(|l| *l) };
        if !void && !ward && !test && self.within(day(on)) && self.place(&said[0].1.institution, day(on)).is_some() {
            self.add("prescriptions", 1);
        }
    }
}

pub(super) fn day(us: i64) -> i64 {
    (us + 8 * super::world::HOUR).div_euclid(DAY)
}
