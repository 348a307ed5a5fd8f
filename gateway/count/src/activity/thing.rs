//! A visit, a tracing, a prescription as all messages together tell it, and the cells that it comes to.

use super::cell::{Cell, Group, What};
use super::event::{self, Of, Word};
use super::rule::Reason;
use hutong_fhir::calendar::{CHINA_S, DAY_US};

/// What was said last, by the time of saying; of two at one time what came later. 0 = nothing was said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Last<T> {
    said: u32,
    value: T,
}

impl<T> Last<T> {
    fn tell(&mut self, said: u32, value: T) {
        if said >= self.said {
            *self = Last { said, value };
        }
    }

    fn is_told(&self) -> bool {
        self.said != 0
    }
}

/// An event with texts as numbers and times that can be trusted, seconds since 1970.
pub(super) struct Said<'e> {
    pub(super) at: u32,
    pub(super) seq: u64,
    pub(super) place: u32,
    pub(super) test: bool,
    pub(super) of: &'e Of,
    pub(super) start: Option<u32>,
    pub(super) end: Option<u32>,
    /// Hash of what a part is known by.
    pub(super) part: u32,
    pub(super) group: Group,
    pub(super) department: u32,
    pub(super) disposition: u32,
    /// The institution gone to, or referred to.
    pub(super) to: u32,
    /// Whether 离院方式 means another institution, a primary one.
    pub(super) leaves: Leaves,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Leaves {
    #[default]
    Home,
    Away,
    Down,
}

/// What belongs to a visit or a prescription.
#[derive(Clone, Copy, Debug)]
struct Part {
    id: u32,
    live: Last<bool>,
    /// Of a referral the institution; of an operation its beginning.
    value: u32,
    /// `None`: a referral, or a drug.
    level: Option<u8>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Visit {
    live: Last<bool>,
    /// Something else than a plan was heard of.
    real: bool,
    class: Last<Option<Group>>,
    start: Last<u32>,
    /// The end, 0 where it was undone.
    end: Last<u32>,
    department: Last<u32>,
    /// 离院方式, the institution gone to.
    leaving: Last<(u32, u32, Leaves)>,
    /// The earliest time at which it was said to be going on.
    begun: Option<u32>,
    checkup: bool,
    unnumbered: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Visit(Box<Visit>),
    /// When and where it was taken.
    Tracing {
        taken: Last<(u32, u32)>,
    },
    Prescription {
        written: u32,
        inpatient: bool,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) place: u32,
    /// First and last entries of the journal that told of it.
    pub(super) first: u64,
    pub(super) last: u64,
    /// The earliest and the latest time of saying.
    since: u32,
    pub(super) heard: u32,
    test: bool,
    kind: Kind,
    parts: Vec<Part>,
}

/// Parts of one thing; more are left out: a number that everybody uses.
const PARTS: usize = 256;

impl Thing {
    pub(super) fn new(said: &Said<'_>) -> Thing {
        let kind = match said.of {
            Of::Visit(_) | Of::Referral { .. } | Of::Operation { .. } => Kind::Visit(Box::default()),
            Of::Tracing { .. } => Kind::Tracing { taken: Last::default() },
            Of::Prescription { .. } => Kind::Prescription { written: u32::MAX, inpatient: false },
        };
        let (place, first, since) = (said.place, said.seq, said.at);
        Thing { place, first, last: said.seq, since, heard: said.at, test: false, kind, parts: Vec::new() }
    }

    pub(super) fn tell(&mut self, said: &Said<'_>) {
        (self.last, self.since, self.heard) = (said.seq, self.since.min(said.at), self.heard.max(said.at));
        self.test |= said.test;
        match (&mut self.kind, said.of) {
            (Kind::Visit(visit), Of::Visit(told)) => visit.tell(said, told),
            (Kind::Visit(_), Of::Referral { live, .. }) => self.part(said, *live, said.to, None),
            (Kind::Visit(_), Of::Operation { live, level, .. }) => self.part(said, *live, said.start.unwrap_or(0), Some(*level)),
            (Kind::Tracing { taken }, Of::Tracing { live, .. }) => {
                taken.tell(said.at, (said.start.unwrap_or(said.at), said.place));
                self.part(said, *live, 0, None);
            }
            (Kind::Prescription { written, inpatient }, Of::Prescription { live, inpatient: ward, .. }) => {
                *written = (*written).min(said.start.unwrap_or(said.at));
                *inpatient |= *ward;
                self.part(said, *live, 0, None);
            }
            // a key is of one kind: it holds the name of the resource
            _ => {}
        }
    }

    fn part(&mut self, said: &Said<'_>, live: bool, value: u32, level: Option<u8>) {
        let new = Part { id: said.part, live: Last { said: said.at, value: live }, value, level };
        let has_room = self.parts.len() < PARTS;
        match self.parts.iter_mut().find(|p| p.id == new.id && p.level.is_some() == level.is_some()) {
            Some(part) if said.at >= part.live.said => *part = new,
            None if has_room => self.parts.push(new),
            Some(_) | None => {}
        }
    }

    /// What a word of something long past comes to.
    pub(super) fn late(said: &Said<'_>) -> Cell {
        let what = match said.of {
            Of::Visit(_) | Of::Referral { .. } | Of::Operation { .. } => What::Visit(said.group),
            Of::Tracing { .. } => What::Tracing,
            Of::Prescription { .. } => What::Prescription,
        };
        Cell { day: day(said.start.unwrap_or(said.at)), what, place: said.place, with: said.department, reason: Some(Reason::TooLate) }
    }

    /// A stay whose end is not known.
    pub(super) fn is_open_stay(&self) -> bool {
        matches!(&self.kind, Kind::Visit(v) if v.group() == Group::Inpatient && v.end.value == 0 && v.live.value)
    }

    /// What it comes to. `open_days`: how long a stay without an end uses a bed.
    pub(super) fn cells(&self, open_days: u16, checkups: bool, ward: bool) -> Vec<Cell> {
        let cell = |at: u32, what, with, reason| Cell { day: day(at), what, place: self.place, with, reason };
        let test = self.test.then_some(Reason::TestData);
        let void = (!self.parts.iter().any(|p| p.live.value)).then_some(Reason::Void);
        match &self.kind {
            Kind::Tracing { taken: Last { value: (at, place), .. } } => {
                vec![Cell { place: *place, ..cell(*at, What::Tracing, 0, void.or(test)) }]
            }
            Kind::Prescription { written, inpatient } => {
                let reason = void.or(test).or((*inpatient && !ward).then_some(Reason::Ward));
                vec![cell(*written, What::Prescription, 0, reason)]
            }
            Kind::Visit(visit) => self.visit_cells(visit, open_days, checkups),
        }
    }

    fn visit_cells(&self, v: &Visit, open_days: u16, checkups: bool) -> Vec<Cell> {
        let mut out = Vec::new();
        let mut put = |day: i32, what, with, reason| out.push(Cell { day, what, place: self.place, with, reason });
        let start = if v.start.is_told() { v.start.value } else { v.begun.unwrap_or(self.since) };
        let group = v.group();
        let reason = self.reason(v, checkups);
        let ended = (v.end.value != 0).then_some(v.end.value);
        if v.live.is_told() {
            put(day(start), What::Visit(group), v.department.value, reason);
        }
        let referral = self.parts.iter().filter(|p| p.level.is_none() && p.live.value).max_by_key(|p| p.live.said);
        let (disposition, destination, leaves) = v.leaving.value;
        let to = if destination != 0 { destination } else { referral.map_or(0, |r| r.value) };
        match ended {
            Some(end) if group == Group::Inpatient => {
                put(day(end), What::Discharge, disposition, reason);
                if referral.is_some() || leaves != Leaves::Home || (disposition == 0 && destination != 0) {
                    put(day(end), What::Referred(leaves == Leaves::Down), to, reason);
                }
                for level in self.operations() {
                    put(day(end), What::Operation(level), 0, reason.or((level == 0).then_some(Reason::NoLevel)));
                }
            }
            _ => {
                // of an outpatient it is none of what is counted
                if let Some(referral) = referral.filter(|_| group == Group::Inpatient || !v.class.is_told()) {
                    put(day(referral.live.said), What::Referred(false), to, reason.or(Some(Reason::NotDischarged)));
                }
            }
        }
        if group == Group::Inpatient && v.live.is_told() && reason.is_none() {
            let first = day(start);
            let (after, why) = match ended {
                Some(end) if end < start => (first, Some(Reason::EndBeforeStart)),
                // in and out on one day is one day
                Some(end) => (day(end).max(first + 1), None),
                None => (first + i32::from(open_days), Some(Reason::OpenTooLong)),
            };
            put(first, What::BedIn, 0, None);
            put(after, What::BedOut, 0, why);
        }
        out
    }

    fn reason(&self, v: &Visit, checkups: bool) -> Option<Reason> {
        if !v.live.is_told() {
            // nothing but its parts was heard of
            None
        } else if !v.live.value {
            Some(Reason::Void)
        } else if self.test {
            Some(Reason::TestData)
        } else if !v.real {
            Some(Reason::Planned)
        } else if v.group() == Group::None {
            Some(Reason::OtherClass)
        } else if v.checkup && !checkups {
            Some(Reason::Checkup)
        } else if v.unnumbered {
            Some(Reason::Unnumbered)
        } else {
            None
        }
    }

    /// Levels of its operations: procedures that began in the same minute are one operation, of the highest level.
    fn operations(&self) -> Vec<u8> {
        let mut all: Vec<(u32, u32, u8)> = Vec::new();
        for part in self.parts.iter().filter(|p| p.live.value) {
            let Some(level) = part.level else { continue };
            // without a time it is one of its own
            let key = if part.value == 0 { (0, part.id) } else { (part.value / 60, 0) };
            match all.iter_mut().find(|o| (o.0, o.1) == key) {
                Some(o) => o.2 = o.2.max(level),
                None => all.push((key.0, key.1, level)),
            }
        }
        all.into_iter().map(|o| o.2).collect()
    }
}

impl Visit {
    fn tell(&mut self, said: &Said<'_>, told: &event::Visit) {
        let at = said.at;
        match told.word {
            Word::Begun | Word::Planned => self.live.tell(at, true),
            Word::Ended => {
                self.live.tell(at, true);
                self.end.tell(at, said.end.unwrap_or(at));
            }
            Word::Reopened => {
                self.live.tell(at, true);
                self.end.tell(at, 0);
            }
            Word::Cancelled => self.live.tell(at, false),
            // says nothing of whether it is, where anything else does
            Word::Told if !self.live.is_told() => self.live = Last { said: 1, value: true },
            Word::Told => {}
        }
        self.real |= !matches!(told.word, Word::Planned | Word::Cancelled);
        self.checkup |= told.checkup;
        self.unnumbered |= told.unnumbered;
        if !matches!(told.word, Word::Planned | Word::Cancelled) {
            self.begun = Some(self.begun.map_or(at, |b| b.min(at)));
        }
        // what was planned gives way to what was, whenever it was said
        let at = if told.word == Word::Planned { at >> 1 } else { at };
        if !told.class.is_empty() {
            self.class.tell(at, Some(said.group));
        }
        if let Some(start) = said.start {
            self.start.tell(at, start);
        }
        if said.department != 0 {
            self.department.tell(at, said.department);
        }
        if said.disposition != 0 || said.to != 0 {
            self.leaving.tell(at, (said.disposition, said.to, said.leaves));
        }
    }

    fn group(&self) -> Group {
        self.class.value.unwrap_or(Group::None)
    }
}

/// Day in China.
pub(super) fn day(seconds: u32) -> i32 {
    let day = (i64::from(seconds) + CHINA_S).div_euclid(DAY_US / 1_000_000);
    i32::try_from(day).unwrap_or(0)
}
