//! The projection: things by what they are known by, and what they come to by day. A function of the journal's events alone.

use super::cell::{Cell, Group, Tally, add};
use super::event::{Event, Of};
use super::rule::Rules;
use super::thing::{Leaves, Said, Thing, day};
use crate::cases::{At, hash};
use crate::recognition::Interned;
use hutong_fhir::calendar::civil;
use hutong_fhir::quick::QuickMap;

/// A change of a closed month.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) cell: Cell,
    pub(super) by: i8,
}

/// From which moment on months are closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    /// The first day that stays open.
    pub(super) open: i32,
    /// How many changes there were before.
    pub(super) changes: usize,
}

/// All activity. See the module's documentation.
pub struct Activities {
    pub(super) rules: Rules,
    pub(super) position: At,
    /// Institutions, departments, 离院方式; 0 = none.
    pub(super) texts: Interned<String>,
    pub(super) things: QuickMap<u64, Thing>,
    pub(super) tally: Tally,
    pub(super) beds: Tally,
    pub(super) changes: Vec<Change>,
    pub(super) closings: Vec<Closing>,
}

impl Activities {
    pub fn new(rules: Rules) -> Activities {
        let mut texts = Interned::default();
        texts.number(&String::new());
        Activities {
            rules,
            position: At::default(),
            texts,
            things: QuickMap::default(),
            tally: Tally::new(),
            beds: Tally::new(),
            changes: Vec::new(),
            closings: Vec::new(),
        }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The last entry that told of activity.
    pub fn position(&self) -> At {
        self.position
    }

    /// Visits, tracings and prescriptions that can still change.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// Follows the journal: events in its order.
    pub fn apply(&mut self, at: At, event: &Event) {
        self.reach(at);
        let said = self.said(at, event);
        let key = key(event);
        let (open_days, checkups, ward) = (self.rules.open_stay_days, self.rules.checkups, self.rules.ward_prescriptions);
        let cells = |thing: &Thing| thing.cells(open_days, checkups, ward);
        let Some(thing) = self.things.get_mut(&key) else {
            if self.is_late(&said) {
                self.change(Thing::late(&said), 1);
                return;
            }
            let mut thing = Thing::new(&said);
            thing.tell(&said);
            let new = cells(&thing);
            self.things.insert(key, thing);
            new.into_iter().for_each(|cell| self.change(cell, 1));
            return;
        };
        let old = cells(thing);
        thing.tell(&said);
        let new = cells(thing);
        if old != new {
            old.into_iter().for_each(|cell| self.change(cell, -1));
            new.into_iter().for_each(|cell| self.change(cell, 1));
        }
    }

    fn change(&mut self, cell: Cell, by: i8) {
        add(if cell.is_bed() { &mut self.beds } else { &mut self.tally }, cell, by);
        if cell.day < self.open_from() {
            self.changes.push(Change { cell, by });
        }
    }

    /// The first day of the months that are not closed.
    fn open_from(&self) -> i32 {
        self.closings.last().map_or(i32::MIN, |c| c.open)
    }

    fn reach(&mut self, at: At) {
        let before = self.position.us;
        self.position = At { seq: at.seq.max(self.position.seq), us: at.us.max(before) };
        let open = first_of_month(self.today() - i32::from(self.rules.close_after_days));
        if open > self.open_from() {
            self.closings.push(Closing { open, changes: self.changes.len() });
            self.forget();
        }
    }

    /// China's day of the last entry.
    pub(super) fn today(&self) -> i32 {
        day(seconds(self.position.us))
    }

    /// What nobody spoke of for so long stands as it is; stays that are going on are kept.
    fn forget(&mut self) {
        let oldest = self.oldest();
        self.things.retain(|_, thing| thing.heard >= oldest || thing.is_open_stay());
    }

    fn oldest(&self) -> u32 {
        seconds(self.position.us).saturating_sub(u32::from(self.rules.remember_days) * 86_400)
    }

    /// Of something that may have been forgotten: it would count twice.
    fn is_late(&self, said: &Said<'_>) -> bool {
        said.at.min(said.start.unwrap_or(u32::MAX)) < self.oldest()
    }

    fn said<'e>(&mut self, at: At, event: &'e Event) -> Said<'e> {
        let arrived = seconds(at.us).max(1);
        let latest = arrived.saturating_add(self.rules.clock_ahead_s);
        let sane = |us: Option<i64>| us.map(seconds).filter(|s| (1..=latest).contains(s));
        let place = self.texts.number(&event.institution);
        let said = sane(event.at_us).unwrap_or(arrived);
        let mut out = Said {
            at: said,
            seq: at.seq,
            place,
            test: event.test,
            of: &event.of,
            start: None,
            end: None,
            part: 0,
            group: Group::None,
            department: 0,
            disposition: 0,
            to: 0,
            leaves: Leaves::Home,
        };
        match &event.of {
            Of::Visit(v) => {
                (out.start, out.end) = (sane(v.start_us), sane(v.end_us));
                out.group = self.group(&v.class);
                out.leaves = self.leaves(&v.disposition);
                out.department = self.texts.number(&v.department);
                out.disposition = self.texts.number(&v.disposition);
                out.to = self.texts.number(&v.destination);
            }
            Of::Referral { request, to, .. } => {
                (out.part, out.to) = (short(request), self.texts.number(to));
            }
            Of::Operation { procedure, start_us, .. } => (out.part, out.start) = (short(procedure), sane(*start_us)),
            Of::Tracing { day_us, .. } => out.start = sane(*day_us),
            Of::Prescription { item, written_us, .. } => (out.part, out.start) = (short(item), sane(*written_us)),
        }
        out
    }

    fn group(&self, class: &str) -> Group {
        let holds = |list: &[String]| list.iter().any(|c| c == class);
        if holds(&self.rules.outpatient) {
            Group::Outpatient
        } else if holds(&self.rules.other_visits) {
            Group::Other
        } else if holds(&self.rules.inpatient) {
            Group::Inpatient
        } else {
            Group::None
        }
    }

    fn leaves(&self, disposition: &str) -> Leaves {
        let plain = |code: &str| code.trim_start_matches('0').to_owned();
        let holds = |list: &[String]| !disposition.is_empty() && list.iter().any(|c| plain(c) == plain(disposition));
        if holds(&self.rules.dispositions_down) {
            Leaves::Down
        } else if holds(&self.rules.dispositions_away) {
            Leaves::Away
        } else {
            Leaves::Home
        }
    }

    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number).map_or("", String::as_str)
    }
}

/// What a thing is found by: equal numbers of two institutions are two things.
fn key(event: &Event) -> u64 {
    let kind: &[u8] = match event.of {
        Of::Tracing { .. } => b"tracing",
        Of::Prescription { .. } => b"prescription",
        Of::Visit(_) | Of::Referral { .. } | Of::Operation { .. } => b"visit",
    };
    // a tracing is the report's, wherever a correction says that it was taken
    let place = if matches!(event.of, Of::Tracing { .. }) { "" } else { event.institution.as_str() };
    hash(&[kind, place.as_bytes(), event.key.as_bytes()])
}

fn short(key: &str) -> u32 {
    (hash(&[key.as_bytes()]) >> 32) as u32
}

fn seconds(us: i64) -> u32 {
    u32::try_from(us.div_euclid(1_000_000)).unwrap_or(0)
}

fn first_of_month(day: i32) -> i32 {
    let (_, _, of_month) = civil(i64::from(day));
    day - i32::try_from(of_month).unwrap_or(1) + 1
}
