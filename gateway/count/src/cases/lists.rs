//! What the quarterly report and the work list need beside figures: parts without their other half, doubtful joins, times,
//! rejected specimens, critical values. Each is computed when it is asked for, by one pass over the cases.

use super::figures::{By, Doubt, Lack, Orphan, Quality, Spread};
use super::folder::{Class, EVIDENCE, Folder, SPECIMEN, STUDY};
use super::ledger::Ledger;
use super::query::months;
use super::row::{RICH, Row};
use super::rule::Outcome;
use super::sighting::Modality;
use super::tally::{Cell, NOBODY, seconds};
use crate::period::Period;
use std::collections::{BTreeMap, HashMap, HashSet};

const MINUTE_US: i64 = 60_000_000;

impl Ledger {
    /// Parts without their other half, first heard of from `from_us` to `until_us`: at most `count`, by case number.
    pub fn orphans(&self, from_us: i64, until_us: i64, count: usize) -> Vec<Orphan> {
        let mut out = Vec::new();
        for (case, folder) in self.lone(from_us, until_us) {
            if out.len() >= count {
                break;
            }
            if let Some(lack) = lack(&folder) {
                let version = folder.versions.first();
                let place = folder.places.iter().min_by_key(|p| p.seq);
                let exam = folder.tallied.first().map(|t| t.cell.exam).or_else(|| Some(folder.exam()).filter(|i| *i != 0));
                let exam = exam.unwrap_or_else(|| place.map_or(0, |p| p.institution));
                out.push(Orphan {
                    case,
                    lack,
                    since_us: since(&folder),
                    exam: self.institutions.name(exam).to_owned(),
                    modality: version.map(|v| v.modality).or(place.map(|p| p.modality)).unwrap_or_default(),
                    seq: version.map(|v| v.seq).into_iter().chain(place.map(|p| p.seq)).min().unwrap_or(0),
                });
            }
        }
        out
    }

    /// Folders that may lack something, by their packed rows where they have one.
    fn lone(&self, from_us: i64, until_us: i64) -> impl Iterator<Item = (u32, Folder)> {
        self.rows.reported(0, seconds(from_us)..=seconds(until_us)).filter_map(move |(case, row)| {
            let us = i64::from(row.reported) * 1_000_000;
            let whole = |row: &Row| {
                let shape = self.shapes.get(row.shape);
                shape.is_some_and(|s| s.place.is_some() && s.version.is_some_and(|v| v.class != Class::Open as u8))
            };
            let skip = us < from_us || us > until_us || (row.shape != RICH && whole(&row));
            (!skip).then(|| (case, self.folder(case)))
        })
    }

    /// Order and report of one person that may belong together although they share no number: proposals for a person to
    /// decide on, the most likely first. Nothing is joined by it.
    pub fn doubts(&self, from_us: i64, until_us: i64, count: usize) -> Vec<Doubt> {
        let window = i64::from(self.rules.window_days) * 1_440 * MINUTE_US;
        let (mut orders, mut reports) = (HashMap::<u32, Vec<(u32, Folder)>>::new(), Vec::new());
        for (case, folder) in self.lone(from_us - window, until_us + window) {
            let person = self.records.person(folder.record());
            if person == NOBODY || folder.test {
                continue;
            }
            match lack(&folder) {
                Some(Lack::OrderOnly | Lack::ExaminedOnly) => orders.entry(person).or_default().push((case, folder)),
                Some(Lack::ReportOnly) => reports.push((person, case, folder)),
                _ => {}
            }
        }
        let (apart, mut out) = (self.cases_apart(), Vec::new());
        for (person, report_case, report) in &reports {
            for (order_case, order) in orders.get(person).map_or(&[][..], Vec::as_slice) {
                if let Some((confidence, because)) = likeness(order, report, window)
                    && !apart.contains(&(*order_case, *report_case))
                {
                    out.push(Doubt {
                        order_case: *order_case,
                        report_case: *report_case,
                        order_seq: order.places.first().map_or(0, |p| p.seq),
                        report_seq: report.versions.first().map_or(0, |v| v.seq),
                        confidence,
                        because,
                    });
                }
            }
        }
        out.sort_by_key(|d| (u8::MAX - d.confidence, d.report_case, d.order_case));
        out.truncate(count);
        out
    }

    /// Whether two cases still are a doubt, however old.
    pub fn is_doubted(&self, order_case: u32, report_case: u32) -> bool {
        let lone = |case: u32| Some(self.folder(case)).filter(|_| self.moved(case) == case);
        let (Some(order), Some(report)) = (lone(order_case), lone(report_case)) else { return false };
        let person = |f: &Folder| Some(self.records.person(f.record())).filter(|p| *p != NOBODY && !f.test);
        let window = i64::from(self.rules.window_days) * 1_440 * MINUTE_US;
        matches!(lack(&order), Some(Lack::OrderOnly | Lack::ExaminedOnly))
            && lack(&report) == Some(Lack::ReportOnly)
            && person(&order).is_some_and(|p| person(&report) == Some(p))
            && likeness(&order, &report, window).is_some()
            && !self.cases_apart().contains(&(order_case, report_case))
    }

    /// Pairs of cases of which somebody said that they are not one.
    fn cases_apart(&self) -> HashSet<(u32, u32)> {
        let case = |id| self.find(id);
        self.apart.iter().filter_map(|(a, b)| Some((case(*a)?, case(*b)?))).flat_map(|(a, b)| [(a, b), (b, a)]).collect()
    }

    /// Times and events of what counts, in whole months: of all, or of what the institution `only` examined or read. `limit`:
    /// minutes to a report that are in time for a modality.
    pub fn quality(&self, period: Period, by: By, only: Option<&str>, limit: impl Fn(Modality) -> u32) -> Option<Vec<Quality>> {
        let (first, last) = months(period)?;
        let only = only.map(|code| self.institutions.find(code).unwrap_or(u16::MAX));
        let holds = |cell: &Cell| only.is_none_or(|i| cell.exam == i || cell.read == i);
        let counts = |cell: &Cell| (first..=last).contains(&cell.month) && cell.outcome == Outcome::Counted && holds(cell);
        let mut times: BTreeMap<String, [Times; 2]> = BTreeMap::new();
        let mut out: BTreeMap<String, Quality> = BTreeMap::new();
        for (case, folder) in self.reported(0, period) {
            for t in folder.tallied.iter().filter(|t| counts(&t.cell)) {
                let (key, limit) = (self.key(by, &t.cell), limit(t.cell.modality));
                let row = self.case_row(case, &folder, t);
                let [order, exam] = times.entry(key.clone()).or_default();
                order.add(row.order_to_report, limit);
                exam.add(row.exam_to_report, limit);
                out.entry(key).or_default().critical += u64::from(row.critical);
            }
        }
        for r in self.rejected.values().filter(|r| (first..=last).contains(&r.month)) {
            let folder = self.folder(self.moved(r.case));
            let modality = if r.modality == Modality::Unknown { Modality::Lab } else { r.modality };
            let cell =
                Cell { month: r.month, exam: folder.exam(), read: r.by, modality, outcome: Outcome::Counted, checkup: folder.checkup };
            if holds(&cell) {
                out.entry(self.key(by, &cell)).or_default().rejected += 1;
            }
        }
        for (key, [order, exam]) in times {
            let quality = out.entry(key).or_default();
            (quality.order_to_report, quality.exam_to_report) = (order.spread(), exam.spread());
        }
        Some(out.into_iter().map(|(key, q)| Quality { key, ..q }).collect())
    }

    /// How many cases and messages' parts the ledger holds: for notes on data quality.
    pub fn size(&self) -> Size {
        Size { cases: self.rows.len(), folders: self.rows.folders(), adjustments: self.changes.len(), left_out: self.overfull }
    }
}

/// What a ledger holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Size {
    /// Cases, those among them that went into others.
    pub cases: usize,
    /// Cases that do not fit into a packed row.
    pub folders: usize,
    pub adjustments: usize,
    /// Sightings beyond what one case can hold: a number that everybody uses.
    pub left_out: u64,
}

fn lack(folder: &Folder) -> Option<Lack> {
    let kinds = folder.places.iter().fold(0, |all, p| all | p.kinds);
    let evidence = kinds & EVIDENCE != 0;
    match (folder.versions.is_empty(), evidence) {
        _ if folder.test => None,
        (true, _) if folder.cancelled => None,
        (true, false) => Some(Lack::StatusOnly),
        (true, true) if kinds & (SPECIMEN | STUDY) != 0 => Some(Lack::ExaminedOnly),
        (true, _) => Some(Lack::OrderOnly),
        (false, false) if folder.tallied.iter().any(|t| t.cell.outcome != Outcome::Void) => Some(Lack::ReportOnly),
        (false, true) if folder.tallied.iter().all(|t| t.cell.outcome == Outcome::NotFinal) => Some(Lack::NotFinal),
        _ => None,
    }
}

/// Minutes since 1970 as µs: what is known of when it began.
fn since(folder: &Folder) -> i64 {
    let first = folder.versions.iter().map(|v| v.reported / 60).min().unwrap_or(folder.since);
    let said = [folder.ordered, folder.examined].into_iter().filter(|m| *m != 0).min();
    i64::from(said.unwrap_or(first)) * MINUTE_US
}

/// How likely two parts are one case, 0–100, and why. They are of one person already.
fn likeness(order: &Folder, report: &Folder, window_us: i64) -> Option<(u8, Vec<&'static str>)> {
    let (place, version) = (order.places.first()?, report.versions.first()?);
    let apart = i64::from(version.reported) * 1_000_000 - since(order);
    if apart < 0 || apart > window_us {
        return None;
    }
    let known = |m: Modality| m != Modality::Unknown;
    if known(place.modality) && known(version.modality) && place.modality != version.modality {
        return None;
    }
    let mut because = vec!["person", "time"];
    let mut points = 40;
    if place.item != 0 && place.item == version.item {
        points += 35;
        because.push("item");
    }
    if known(place.modality) && place.modality == version.modality {
        points += 10;
        because.push("modality");
    }
    if version.exam == place.institution {
        points += 5;
        because.push("institution");
    }
    if apart <= 1_440 * MINUTE_US {
        points += 5;
        because.push("day");
    }
    (points >= 50).then_some((points, because))
}

/// Minutes of cases, and how many were within their limits.
#[derive(Default)]
struct Times {
    minutes: Vec<u32>,
    in_time: u64,
}

impl Times {
    fn add(&mut self, minutes: Option<u32>, limit: u32) {
        self.minutes.extend(minutes);
        self.in_time += u64::from(minutes.is_some_and(|m| m <= limit));
    }

    /// The median is the middle one, or the mean of the two in the middle (half a minute up); the 90th percentile the
    /// smallest that at least 90 % do not exceed (nearest rank).
    fn spread(mut self) -> Spread {
        self.minutes.sort_unstable();
        let count = self.minutes.len();
        let at = |i: usize| self.minutes.get(i).copied().unwrap_or(0);
        let (low, high) = (u64::from(at(count.saturating_sub(1) / 2)), u64::from(at(count / 2)));
        Spread {
            count: count as u64,
            median: u32::try_from((low + high).div_ceil(2)).unwrap_or(u32::MAX),
            p90: at((count * 9).div_ceil(10).saturating_sub(1)),
            sum: self.minutes.iter().map(|t| u64::from(*t)).sum(),
            in_time: self.in_time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles_by_hand() {
        for (minutes, median, p90, in_time) in [
            (vec![], 0, 0, 0),
            (vec![7], 7, 7, 1),
            (vec![10, 20], 15, 20, 2),
            (vec![40, 10, 25], 25, 40, 2),
            (vec![10, 11, 12, 14], 12, 14, 4),
            // ten: the ninth; eleven: the tenth
            ((1..=10).map(|n| n * 10).collect(), 55, 90, 3),
            ((1..=11).map(|n| n * 10).collect(), 60, 100, 3),
            ((1..=100).collect(), 51, 90, 30),
        ] {
            let mut times = Times::default();
            minutes.iter().for_each(|m| times.add(Some(*m), 30));
            times.add(None, 30);
            let spread = times.spread();
            assert_eq!((spread.median, spread.p90, spread.in_time), (median, p90, in_time), "{minutes:?}");
            assert_eq!(spread.count, minutes.len() as u64, "a case whose times nobody told is not among them");
        }
    }
}
