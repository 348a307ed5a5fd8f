//! Figures of whole months, and what they drill down to.

use super::figures::{Adjustment, By, CaseRow, Figure, FigureRow, Figures, Question};
use super::folder::{Folder, Tallied};
use super::ledger::Ledger;
use super::rule::{DEFINITION, DEFINITION_VERSION, Outcome, Scope};
use super::sighting::{Centre, Id};
use super::tally::{Cell, Distinct, NOBODY, month_name, month_of, seconds_of};
use crate::period::Period;
use hutong_fhir::quick::QuickMap;
use std::collections::{BTreeMap, HashSet};

/// First and last month of a period of whole months.
pub(super) fn months(period: Period) -> Option<(u16, u16)> {
    let (first, last) = (month_of(period.first), month_of(period.last));
    let whole = (period.first == 0 || month_of(period.first - 1) != first) && month_of(period.last + 1) != last;
    (whole && first <= last).then_some((first, last))
}

/// Sums of one row before persons are counted.
#[derive(Default)]
struct Sum<'l> {
    counted: Vec<&'l [u32]>,
    now: Figure,
    excluded: BTreeMap<Outcome, u64>,
    /// What changed since the period closed: by person, and in all.
    persons: QuickMap<u32, i64>,
    cases: i64,
    checkup: i64,
}

impl Ledger {
    /// `None`: the period is not made of whole months.
    pub fn figures(&self, question: &Question) -> Option<Figures> {
        let (first, last) = months(question.period)?;
        let only = question.institution.as_deref().map(|code| self.institutions.find(code).unwrap_or(u16::MAX));
        let holds = |cell: &Cell| only.is_none_or(|i| cell.exam == i || cell.read == i);
        // by numbers: names are given to rows, not to every cell
        let mut sums: QuickMap<u16, (String, Sum<'_>)> = QuickMap::default();
        if question.by == By::County {
            sums.entry(0).or_default();
        }
        let named = |cell: &Cell| (self.key(question.by, cell), Sum::default());
        for (cell, tally) in self.tallies.range(first, last).filter(|(c, _)| holds(c)) {
            let (_, sum) = sums.entry(number(question.by, cell)).or_insert_with(|| named(cell));
            match in_scope(question, cell) {
                Outcome::Counted => {
                    sum.now.cases += u64::from(tally.cases);
                    sum.now.checkup += if cell.checkup { u64::from(tally.cases) } else { 0 };
                    sum.counted.push(&tally.persons);
                }
                reason => *sum.excluded.entry(reason).or_default() += u64::from(tally.cases),
            }
        }
        let closed_with = self.changes_since_closing(last);
        for change in self.changes.from(closed_with.unwrap_or(usize::MAX)) {
            let cell = &change.cell;
            let counts = in_scope(question, cell) == Outcome::Counted && (first..=last).contains(&cell.month) && holds(cell);
            if counts {
                let (_, sum) = sums.entry(number(question.by, cell)).or_insert_with(|| named(cell));
                let by = i64::from(change.by);
                *sum.persons.entry(change.person).or_default() += by;
                sum.cases += by;
                sum.checkup += if cell.checkup { by } else { 0 };
            }
        }
        let mut distinct = self.tallies.distinct();
        let closed = closed_with.is_some();
        let mut rows: Vec<FigureRow> = sums.into_values().map(|(key, sum)| sum.finish(key, closed, &mut distinct)).collect();
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Some(Figures {
            definition: DEFINITION,
            version: DEFINITION_VERSION,
            scope: question.scope,
            position: self.position.seq,
            period: question.period,
            closed,
            rows,
        })
    }

    /// Cases that count by month (`2026-09`) and scope, in the order of [`Scope::BOTH`], without their persons: of all, or of
    /// what the institution `only` examined or read. Of [`Ledger::figures`] by month it is the cheap part.
    pub fn cases_by_month(&self, period: Period, only: Option<&str>) -> BTreeMap<String, [u64; 2]> {
        let Some((first, last)) = months(period) else { return BTreeMap::new() };
        let only = only.map(|code| self.institutions.find(code).unwrap_or(u16::MAX));
        let holds = |cell: &Cell| cell.outcome == Outcome::Counted && only.is_none_or(|i| cell.exam == i || cell.read == i);
        let mut months: BTreeMap<u16, [u64; 2]> = BTreeMap::new();
        for (cell, tally) in self.tallies.range(first, last).filter(|(cell, _)| holds(cell)) {
            let sums = months.entry(cell.month).or_default();
            for (n, scope) in sums.iter_mut().zip(Scope::BOTH) {
                *n += if scope.holds(cell.modality) { u64::from(tally.cases) } else { 0 };
            }
        }
        months.into_iter().map(|(month, sums)| (month_name(month), sums)).collect()
    }

    /// The first of the changes since a month closed; `None`: it is open.
    fn changes_since_closing(&self, month: u16) -> Option<usize> {
        let closing = self.closings.iter().find(|c| c.open > month)?;
        Some(closing.changes as usize)
    }

    pub(super) fn key(&self, by: By, cell: &Cell) -> String {
        match by {
            By::County => String::new(),
            By::Centre => match cell.modality.centre() {
                Centre::Imaging => "imaging",
                Centre::Tracing => "tracing",
                Centre::Laboratory => "laboratory",
                Centre::Pathology => "pathology",
                Centre::None => "none",
            }
            .to_owned(),
            By::Exam => self.institutions.name(cell.exam).to_owned(),
            By::Read => self.institutions.name(cell.read).to_owned(),
            By::Modality => cell.modality.code().to_owned(),
            By::Month => month_name(cell.month),
            By::Checkup => if cell.checkup { "checkup" } else { "other" }.to_owned(),
        }
    }

    /// All dated changes of a period since it closed (of a period that is open: of its closed months), oldest first.
    pub fn adjustments(&self, period: Period) -> Vec<Adjustment> {
        let Some((first, last)) = months(period) else { return Vec::new() };
        let since = self.changes.from(self.changes_since_closing(last).unwrap_or(0));
        let of_it = since.filter(|c| (first..=last).contains(&c.cell.month));
        of_it
            .map(|c| Adjustment {
                seq: c.seq,
                at_us: c.us,
                cause: c.cause,
                month: month_name(c.cell.month),
                exam: self.institutions.name(c.cell.exam).to_owned(),
                read: self.institutions.name(c.cell.read).to_owned(),
                modality: c.cell.modality,
                outcome: c.cell.outcome,
                checkup: c.cell.checkup,
                change: c.by,
                case: self.moved(c.case),
            })
            .collect()
    }

    /// Folders of cases from one on that hold a report first made in a period.
    pub(super) fn reported(&self, from: u32, period: Period) -> impl Iterator<Item = (u32, Folder)> {
        let seconds = seconds_of(period);
        self.rows.reported(from, seconds.clone()).filter_map(move |(case, row)| match self.rows.rich(case) {
            Some(folder) => folder.tallied.iter().any(|t| seconds.contains(&t.reported)).then(|| (case, folder.clone())),
            None => Some((case, self.shapes.unpack(&row))),
        })
    }

    /// Reports of whole months by case number, at most `count` behind `after`: what a figure is made of. `keep` looks at
    /// each.
    pub fn cases(&self, period: Period, after: Option<u32>, count: usize, mut keep: impl FnMut(&CaseRow) -> bool) -> Vec<CaseRow> {
        let mut out = Vec::new();
        let Some((first, last)) = months(period) else { return out };
        let from = after.map_or(0, |a| a.saturating_add(1));
        for (case, folder) in self.reported(from, period) {
            for t in folder.tallied.iter().filter(|t| (first..=last).contains(&t.cell.month)) {
                let row = self.case_row(case, &folder, t);
                if keep(&row) {
                    out.push(row);
                }
            }
            if out.len() >= count {
                break;
            }
        }
        out
    }

    /// All reports of one case.
    pub fn case(&self, case: u32) -> Vec<CaseRow> {
        let case = self.moved(case);
        let folder = self.folder(case);
        folder.tallied.iter().map(|t| self.case_row(case, &folder, t)).collect()
    }

    /// Reports first made on a day (days since 1970 in China) that count, by scope in the order of [`Scope::BOTH`]: of all, or
    /// of what the institution `only` examined or read.
    pub fn counted_of_day(&self, day: i64, only: Option<&str>) -> [u64; 2] {
        let only = only.map(|code| self.institutions.find(code).unwrap_or(u16::MAX));
        let holds = |cell: &Cell| cell.outcome == Outcome::Counted && only.is_none_or(|i| cell.exam == i || cell.read == i);
        let mut out = [0; 2];
        for (_, folder) in self.reported(0, Period { first: day, last: day }) {
            let of_it = folder.tallied.iter().filter(|t| super::tally::day_of_seconds(t.reported) == day && holds(&t.cell));
            for t in of_it {
                out.iter_mut().zip(Scope::BOTH).for_each(|(n, scope)| *n += u64::from(scope.holds(t.cell.modality)));
            }
        }
        out
    }

    /// All entries of the journal that a case was made of, oldest first.
    pub fn entries(&self, case: u32) -> Vec<u64> {
        let folder = self.folder(self.moved(case));
        let mut all: Vec<u64> = folder.places.iter().map(|p| p.seq).chain(folder.versions.iter().map(|v| v.seq)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The case of which a number is.
    pub fn case_of(&self, id: Id) -> Option<u32> {
        self.find(id)
    }

    pub(super) fn case_row(&self, case: u32, folder: &Folder, t: &Tallied) -> CaseRow {
        let report = folder.reports().into_iter().find(|r| r.report == t.report);
        let person = self.records.person(t.record);
        let minutes = |from: u32| (from != 0).then(|| (t.reported / 60).checked_sub(from)).flatten();
        let mut evidence: Vec<u64> = folder.places.iter().map(|p| p.seq).collect();
        evidence.sort_unstable();
        CaseRow {
            case,
            outcome: t.cell.outcome,
            exam: self.institutions.name(t.cell.exam).to_owned(),
            read: self.institutions.name(t.cell.read).to_owned(),
            modality: t.cell.modality,
            checkup: t.cell.checkup,
            person: (person != NOBODY).then_some(person),
            reported_us: i64::from(t.reported) * 1_000_000,
            order_to_report: minutes(folder.ordered),
            exam_to_report: minutes(folder.examined),
            critical: report.is_some_and(|r| r.critical),
            evidence,
            report: report.map_or(0, |r| r.seq),
        }
    }
}

/// One number for each key.
fn number(by: By, cell: &Cell) -> u16 {
    match by {
        By::County => 0,
        By::Centre => cell.modality.centre() as u16,
        By::Exam => cell.exam,
        By::Read => cell.read,
        By::Modality => cell.modality as u16,
        By::Month => cell.month,
        By::Checkup => u16::from(cell.checkup),
    }
}

/// What an outcome is in the scope that is asked for.
fn in_scope(question: &Question, cell: &Cell) -> Outcome {
    match cell.outcome {
        Outcome::Counted if !question.scope.holds(cell.modality) => Outcome::OutOfScope,
        outcome => outcome,
    }
}

impl Sum<'_> {
    fn finish(mut self, key: String, closed: bool, distinct: &mut Distinct) -> FigureRow {
        (self.now.persons, self.now.unidentified) = distinct.count(&self.counted);
        let published = closed.then(|| self.published());
        FigureRow { key, now: self.now, published, excluded: self.excluded }
    }

    /// What it was before the changes: persons that came by them only go, persons that left by them come back.
    fn published(&mut self) -> Figure {
        let nobody = self.persons.remove(&NOBODY).unwrap_or(0);
        self.persons.retain(|_, by| *by != 0);
        let now = self.occurrences();
        let mut persons = self.now.persons as i64;
        for (person, by) in &self.persons {
            let now = now.get(person).copied().unwrap_or(0);
            persons += i64::from(now - by > 0) - i64::from(now > 0);
        }
        let less = |now: u64, by: i64| now.saturating_add_signed(-by);
        Figure {
            cases: less(self.now.cases, self.cases),
            persons: u64::try_from(persons).unwrap_or(0),
            unidentified: less(self.now.unidentified, nobody),
            checkup: less(self.now.checkup, self.checkup),
        }
    }

    /// How often those who changed stand in what counts now.
    fn occurrences(&self) -> QuickMap<u32, i64> {
        let mut out: QuickMap<u32, i64> = QuickMap::default();
        if self.persons.is_empty() {
            return out;
        }
        // nearly nobody is among them: 32 bits a person say so for nearly all, and stay in the processor's cache
        let words = (self.persons.len() / 2).next_power_of_two().max(64);
        let place = |p: u32| (p as usize / 64) & (words - 1);
        let mut some = vec![0_u64; words];
        for person in self.persons.keys() {
            some.get_mut(place(*person)).into_iter().for_each(|word| *word |= 1 << (person % 64));
        }
        for list in &self.counted {
            for person in *list {
                if some.get(place(*person)).is_some_and(|word| word >> (person % 64) & 1 == 1) && self.persons.contains_key(person) {
                    *out.entry(*person).or_default() += 1;
                }
            }
        }
        out
    }
}

/// Persons of a question, for lists of subjects: distinct, sorted.
impl Ledger {
    pub fn persons(&self, question: &Question) -> Vec<u32> {
        let Some((first, last)) = months(question.period) else { return Vec::new() };
        let only = question.institution.as_deref().map(|code| self.institutions.find(code).unwrap_or(u16::MAX));
        let cells = self
            .tallies
            .range(first, last)
            .filter(|(c, _)| in_scope(question, c) == Outcome::Counted && only.is_none_or(|i| c.exam == i || c.read == i));
        let all: HashSet<u32> = cells.flat_map(|(_, t)| t.persons.iter().copied()).filter(|p| *p != NOBODY).collect();
        let mut all: Vec<u32> = all.into_iter().collect();
        all.sort_unstable();
        all
    }
}
