//! Counters of a period, for everybody or for one institution, now and as they were when the period closed; and what they
//! were made of.

use super::activities::Activities;
use super::cell::{Cell, Group, Tally, What};
use super::counters::{
    Answer, BED_DAYS, COUNTERS, Counted, DISCHARGES, Figures, Line, OPERATIONS, OPERATIONS_34, OUTPATIENT_ALL, OUTPATIENT_PRIMARY,
    OUTPATIENT_TCM, PRESCRIPTIONS, REFERRALS, TCM_VISITS, VILLAGE_ECG, VISITS_ALL, VISITS_PRIMARY,
};
use super::rule::{Directory, Reason};
use super::thing::Thing;
use crate::period::Period;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What is asked of an institution.
#[derive(Clone, Copy)]
struct Known {
    primary: bool,
    village: bool,
    leads: bool,
    tcm: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Counted,
    Excluded(Reason),
    /// It belongs elsewhere, but tells that such things are heard of.
    Seen,
}

#[derive(Default)]
struct Sum {
    seen: bool,
    value: i64,
    excluded: BTreeMap<Reason, i64>,
    /// Where it happened, for counters of institutions.
    places: HashSet<u32>,
}

impl Activities {
    /// All counters of a period, for everybody or for what happened at one institution.
    pub fn figures(&self, period: Period, institution: Option<&str>, dir: &dyn Directory) -> Figures {
        let mut asking = Asking::new(self, period, institution, dir);
        let now = asking.sums(self.changes.len());
        let since = self.closings.iter().find(|c| i64::from(c.open) > period.last).map(|c| c.changes);
        let published = since.map(|since| asking.sums(since));
        let answer = |&(id, zh, en): &(&'static str, &'static str, &'static str)| {
            let empty = Sum::default();
            let now = now.get(id).unwrap_or(&empty);
            let published = published.as_ref().map(|p| p.get(id).map_or(0, |s| s.value));
            let counted = || Counted { value: now.value, published, excluded: now.excluded.clone() };
            (id, if now.seen { Answer::Counted(counted()) } else { Answer::Missing { zh, en } })
        };
        Figures { position: self.position.seq, counters: COUNTERS.iter().map(answer).collect() }
    }

    /// What a counter is made of and what was left out, in the order of the journal, from behind entry `after` on. Things
    /// that were not heard of for `remember_days` are not listed any more.
    pub fn lines(
        &self,
        counter: &str,
        period: Period,
        institution: Option<&str>,
        dir: &dyn Directory,
        after: u64,
        count: usize,
    ) -> Vec<Line> {
        let mut asking = Asking::new(self, period, institution, dir);
        let mut things: Vec<&Thing> = self.things.values().filter(|t| t.first > after).collect();
        things.sort_unstable_by_key(|t| (t.first, t.place));
        let mut out: Vec<Line> = Vec::new();
        for thing in things {
            let at = out.last().map_or(0, |l| l.first);
            if out.len() >= count && at != thing.first {
                break;
            }
            out.extend(asking.lines(counter, thing));
        }
        out
    }

    /// Cells of days as they were after so many changes of closed months.
    fn cells(&self, tally: &Tally, first: i32, last: i32, since: usize) -> BTreeMap<Cell, i64> {
        let lowest = |day| Cell { day, what: What::Visit(Group::Outpatient), place: 0, with: 0, reason: None };
        if last < first {
            return BTreeMap::new();
        }
        let mut out: BTreeMap<Cell, i64> =
            tally.range(lowest(first)..lowest(last.saturating_add(1))).map(|(c, n)| (*c, i64::from(*n))).collect();
        let is_bed = std::ptr::eq(tally, &raw const self.beds);
        for change in self.changes.iter().skip(since) {
            if (first..=last).contains(&change.cell.day) && change.cell.is_bed() == is_bed {
                *out.entry(change.cell).or_default() -= i64::from(change.by);
            }
        }
        out
    }
}

struct Asking<'a> {
    of: &'a Activities,
    dir: &'a dyn Directory,
    first: i32,
    last: i32,
    /// Only this one; one that nobody heard of has no number.
    only: Option<Option<u32>>,
    places: HashMap<(u32, i32), Option<Known>>,
    departments: HashMap<(u32, u32, i32), Option<bool>>,
}

impl<'a> Asking<'a> {
    fn new(of: &'a Activities, period: Period, institution: Option<&str>, dir: &'a dyn Directory) -> Asking<'a> {
        let number = |day: i64| i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX });
        let only = institution.map(|code| of.texts.find(&code.to_owned()));
        let (first, last) = (number(period.first), number(period.last));
        Asking { of, dir, first, last, only, places: HashMap::new(), departments: HashMap::new() }
    }

    fn sums(&mut self, since: usize) -> BTreeMap<&'static str, Sum> {
        let mut out: BTreeMap<&'static str, Sum> = BTreeMap::new();
        for (cell, n) in self.of.cells(&self.of.tally, self.first, self.last, since) {
            if n > 0 && self.is_asked(cell.place) {
                self.judge(&cell, &mut |counter, verdict| out.entry(counter).or_default().take(counter, verdict, cell.place, n));
            }
        }
        out.insert(BED_DAYS, self.beds(since));
        out
    }

    fn is_asked(&self, place: u32) -> bool {
        self.only.is_none_or(|only| only == Some(place))
    }

    /// 实际占用总床日数: for each day the beds in use at midnight, a stay of one day included; days that are not over are not
    /// counted.
    fn beds(&mut self, since: usize) -> Sum {
        let last = self.last.min(self.of.today().saturating_sub(1));
        let mut cells = self.of.cells(&self.of.beds, i32::MIN, last, since);
        cells.retain(|cell, _| self.is_asked(cell.place));
        let mut cells = cells.into_iter().peekable();
        let (mut sum, mut used) = (Sum::default(), BTreeMap::<u32, i64>::new());
        for day in self.first..=last {
            while let Some((cell, n)) = cells.next_if(|(c, _)| c.day <= day) {
                *used.entry(cell.place).or_default() += if cell.what == What::BedIn { n } else { -n };
                if let Some(reason) = cell.reason.filter(|_| cell.day >= self.first)
                    && self.place(cell.place, cell.day).is_some_and(|k| k.primary)
                {
                    *sum.excluded.entry(reason).or_default() += n;
                }
            }
            for (place, n) in &used {
                if self.place(*place, day).is_some_and(|k| k.primary) {
                    (sum.seen, sum.value) = (true, sum.value + n);
                }
            }
        }
        sum
    }

    /// Which counters a cell concerns, and how.
    fn judge(&mut self, cell: &Cell, tell: &mut dyn FnMut(&'static str, Verdict)) {
        let known = self.place(cell.place, cell.day);
        let unknown = known.is_none().then_some(Reason::InstitutionUnknown);
        let verdict = cell.reason.or(unknown).map_or(Verdict::Counted, Verdict::Excluded);
        let leads = known.is_some_and(|k| k.leads);
        match cell.what {
            What::Visit(Group::Inpatient) | What::BedIn | What::BedOut => {}
            What::Visit(group) => self.visit(cell, group, known, verdict, tell),
            What::Discharge if leads => {
                tell(DISCHARGES, verdict);
                if cell.with != 0 && verdict == Verdict::Counted {
                    tell(REFERRALS, Verdict::Seen);
                }
            }
            What::Referred(down) if leads => tell(REFERRALS, self.referred(cell, down, verdict)),
            What::Operation(level) if leads => {
                tell(OPERATIONS, verdict);
                let is_high = level >= 3 || verdict != Verdict::Counted;
                tell(OPERATIONS_34, if is_high { verdict } else { Verdict::Seen });
            }
            What::Discharge | What::Referred(_) | What::Operation(_) => {}
            What::Tracing => {
                let elsewhere = known.is_some_and(|k| !k.village);
                tell(VILLAGE_ECG, if elsewhere { Verdict::Seen } else { verdict });
            }
            What::Prescription => tell(PRESCRIPTIONS, verdict),
        }
    }

    fn visit(&mut self, cell: &Cell, group: Group, known: Option<Known>, verdict: Verdict, tell: &mut dyn FnMut(&'static str, Verdict)) {
        let is_outpatient = group == Group::Outpatient;
        let mut both = |all, outpatient| {
            tell(all, verdict);
            if is_outpatient {
                tell(outpatient, verdict);
            }
        };
        both(VISITS_ALL, OUTPATIENT_ALL);
        let Some(known) = known else { return };
        if known.primary {
            both(VISITS_PRIMARY, OUTPATIENT_PRIMARY);
        }
        let mut of_department = || self.department(cell);
        let tcm = match (known.tcm, verdict) {
            (true, _) => Some(verdict),
            (false, Verdict::Counted) => Some(match of_department() {
                Some(true) => Verdict::Counted,
                Some(false) => Verdict::Seen,
                None => Verdict::Excluded(Reason::DepartmentUnknown),
            }),
            (false, _) => (of_department() == Some(true)).then_some(verdict),
        };
        if let Some(verdict) = tcm {
            tell(TCM_VISITS, verdict);
            if known.primary && is_outpatient {
                tell(OUTPATIENT_TCM, verdict);
            }
        }
    }

    fn referred(&mut self, cell: &Cell, down: bool, verdict: Verdict) -> Verdict {
        if verdict != Verdict::Counted {
            return verdict;
        }
        match (cell.with != 0).then(|| self.place(cell.with, cell.day)).flatten() {
            Some(to) if to.primary => Verdict::Counted,
            Some(_) => Verdict::Excluded(Reason::DestinationNotPrimary),
            None if down => Verdict::Counted,
            None => Verdict::Excluded(Reason::DestinationUnknown),
        }
    }

    fn place(&mut self, number: u32, day: i32) -> Option<Known> {
        let (of, dir) = (self.of, self.dir);
        *self.places.entry((number, day)).or_insert_with(|| {
            let place = dir.institution(of.text(number), i64::from(day))?;
            let ws218 = &place.facts.ws218;
            Some(Known {
                primary: place.facts.is_primary(),
                village: place.facts.tier == crate::cases::Tier::Village,
                leads: place.leads,
                tcm: of.rules.tcm_institutions.iter().any(|t| ws218.starts_with(t.as_str())),
            })
        })
    }

    /// Whether a visit's department is one of Chinese medicine; `None`: it is not known.
    fn department(&mut self, cell: &Cell) -> Option<bool> {
        let (of, dir) = (self.of, self.dir);
        if cell.with == 0 {
            return None;
        }
        *self.departments.entry((cell.place, cell.with, cell.day)).or_insert_with(|| {
            let kind = dir.department_kind(of.text(cell.place), of.text(cell.with), i64::from(cell.day))?;
            (!kind.is_empty()).then(|| of.rules.tcm_departments.iter().any(|t| kind.starts_with(t.as_str())))
        })
    }

    fn lines(&mut self, counter: &str, thing: &Thing) -> Vec<Line> {
        let rules = &self.of.rules;
        let cells = thing.cells(rules.open_stay_days, rules.checkups, rules.ward_prescriptions);
        let mut out: Vec<Line> = Vec::new();
        let line = |cell: &Cell, count, reason| Line {
            first: thing.first,
            last: thing.last,
            institution: self.of.text(cell.place).to_owned(),
            day: cell.day,
            count,
            reason,
        };
        if counter == BED_DAYS {
            let of = |what| cells.iter().find(|c| c.what == what).copied();
            let (Some(from), Some(to)) = (of(What::BedIn), of(What::BedOut)) else { return out };
            let last = self.last.min(self.of.today().saturating_sub(1));
            let days = (from.day.max(self.first)..to.day.min(last.saturating_add(1))).collect::<Vec<i32>>();
            let days = days.into_iter().filter(|d| self.is_asked(from.place) && self.place(from.place, *d).is_some_and(|k| k.primary));
            let days = i64::try_from(days.count()).unwrap_or(0);
            return if days > 0 { vec![line(&from, days, None)] } else { out };
        }
        for cell in &cells {
            if !(self.first..=self.last).contains(&cell.day) || !self.is_asked(cell.place) {
                continue;
            }
            let mut found = None;
            self.judge(cell, &mut |name, verdict| {
                if name == counter && verdict != Verdict::Seen {
                    found = Some(verdict);
                }
            });
            let reason = match found {
                None | Some(Verdict::Seen) => continue,
                Some(Verdict::Counted) => None,
                Some(Verdict::Excluded(reason)) => Some(reason),
            };
            match out.iter_mut().find(|l| l.reason == reason) {
                Some(l) => l.count += 1,
                None => out.push(line(cell, 1, reason)),
            }
        }
        out
    }
}

impl Sum {
    fn take(&mut self, counter: &str, verdict: Verdict, place: u32, n: i64) {
        use Reason::{DepartmentUnknown, InstitutionUnknown, NoLevel};
        match verdict {
            Verdict::Counted if counter == VILLAGE_ECG => {
                self.places.insert(place);
                self.value = i64::try_from(self.places.len()).unwrap_or(i64::MAX);
            }
            Verdict::Counted => self.value += n,
            Verdict::Excluded(reason) => *self.excluded.entry(reason).or_default() += n,
            Verdict::Seen => {}
        }
        // what nobody can place says nothing of how much there is
        self.seen |= !matches!(verdict, Verdict::Excluded(DepartmentUnknown | InstitutionUnknown | NoLevel));
    }
}
