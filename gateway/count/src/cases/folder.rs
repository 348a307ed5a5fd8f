//! The papers of one case: whatever shares a number, directly or by way of another paper. All numbers are interned.
//!
//! A folder keeps what its judgement depends on and nothing else, so that most fit into one packed row.

use super::sighting::Modality;
use super::tally::Cell;

/// Versions of reports and institutions in one folder; what comes beyond is left out: a number that everybody uses.
const MOST_VERSIONS: usize = 64;
const MOST_PLACES: usize = 32;

pub(super) const ORDER: u8 = 1;
pub(super) const SPECIMEN: u8 = 2;
pub(super) const STUDY: u8 = 4;
/// It only told how far something is; kept while nothing else is known.
pub(super) const TOLD: u8 = 0;
pub(super) const WHOSE: u32 = 3;
pub(super) const EVIDENCE: u8 = ORDER | SPECIMEN | STUDY;

/// What one institution sent or did before the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    pub(super) institution: u16,
    /// `ORDER | SPECIMEN | STUDY`, or [`TOLD`].
    pub(super) kinds: u8,
    pub(super) modality: Modality,
    pub(super) item: u16,
    pub(super) record: u32,
    /// The first entry that said so.
    pub(super) seq: u64,
}

/// What a version of a report is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(super) enum Class {
    #[default]
    Open,
    Final,
    Void,
}

/// A report as one message gave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Version {
    /// Which report: the resource, hashed.
    pub(super) report: u32,
    /// Which examination: the first of its numbers, hashed, and in the bits [`WHOSE`] what that is: 3 a 登记号, 1 another
    /// number of the examination, 0 an order's or a report's, or that of a withdrawal, which may know only some of them.
    pub(super) accession: u32,
    pub(super) class: Class,
    pub(super) modality: Modality,
    pub(super) item: u16,
    pub(super) source: u16,
    /// Institutions as said; 0 = not said.
    pub(super) exam: u16,
    pub(super) read: u16,
    pub(super) signed: bool,
    pub(super) critical: bool,
    pub(super) record: u32,
    /// Seconds since 1970.
    pub(super) reported: u32,
    pub(super) seq: u64,
}

impl Version {
    fn age(&self) -> (u32, u64) {
        (self.reported, self.seq)
    }
}

/// What became of one report, as it was tallied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tallied {
    pub(super) report: u32,
    pub(super) cell: Cell,
    pub(super) record: u32,
    pub(super) reported: u32,
}

/// When it was reported matters by its month, which the cell holds.
impl PartialEq for Tallied {
    fn eq(&self, other: &Tallied) -> bool {
        (self.report, self.cell, self.record) == (other.report, other.cell, other.record)
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Folder {
    pub(super) places: Vec<Place>,
    pub(super) versions: Vec<Version>,
    pub(super) test: bool,
    pub(super) checkup: bool,
    pub(super) cancelled: bool,
    /// Earliest of all papers, minutes since 1970; 0 = not said.
    pub(super) ordered: u32,
    pub(super) examined: u32,
    /// When its first paper came, minutes since 1970. Of folders without report only.
    pub(super) since: u32,
    pub(super) tallied: Vec<Tallied>,
}

impl Folder {
    pub(super) fn add_place(&mut self, place: Place) -> bool {
        match place.kinds {
            TOLD if !self.places.is_empty() || !self.versions.is_empty() => return true,
            TOLD => {}
            _ => self.places.retain(|p| p.kinds != TOLD),
        }
        let full = self.places.len() >= MOST_PLACES;
        match self.places.iter_mut().find(|p| p.institution == place.institution) {
            Some(p) => {
                p.kinds |= place.kinds;
                p.seq = p.seq.min(place.seq);
                fill(&mut p.modality, place.modality);
                fill(&mut p.item, place.item);
                fill(&mut p.record, place.record);
            }
            None if full => return false,
            None => self.places.push(place),
        }
        true
    }

    /// Adds a version unless it changes nothing: the same again, or an interim one where there is a final one.
    pub(super) fn add_version(&mut self, new: Version) -> bool {
        let same = |v: &Version| Version { seq: new.seq, ..*v } == new;
        let known = self.versions.iter_mut().find(|v| same(v));
        if let Some(known) = known {
            known.seq = known.seq.min(new.seq);
            return true;
        }
        let of_it = |v: &Version| v.report == new.report;
        match new.class {
            Class::Open => {
                let settled = |v: &Version| of_it(v) && (v.class == Class::Final || (v.class == Class::Open && v.age() > new.age()));
                if self.versions.iter().any(settled) {
                    return true;
                }
                self.versions.retain(|v| !(of_it(v) && v.class == Class::Open));
            }
            Class::Final => self.versions.retain(|v| !(of_it(v) && v.class == Class::Open)),
            Class::Void => {}
        }
        if self.versions.len() >= MOST_VERSIONS {
            return false;
        }
        self.versions.push(new);
        true
    }

    /// Takes all papers of another folder in.
    pub(super) fn absorb(&mut self, other: &Folder) {
        for place in &other.places {
            self.add_place(*place);
        }
        for version in &other.versions {
            self.add_version(*version);
        }
        self.places.sort_by_key(|p| p.seq);
        self.versions.sort_by_key(|v| v.seq);
        self.test |= other.test;
        self.checkup |= other.checkup;
        self.cancelled |= other.cancelled;
        earliest(&mut self.ordered, other.ordered);
        earliest(&mut self.examined, other.examined);
        earliest(&mut self.since, other.since);
        self.tallied.extend_from_slice(&other.tallied);
    }

    /// Empty, with the room that it has.
    pub(super) fn clear(&mut self) {
        let Folder { mut places, mut versions, mut tallied, .. } = std::mem::take(self);
        places.clear();
        versions.clear();
        tallied.clear();
        *self = Folder { places, versions, tallied, ..Folder::default() };
    }

    /// Gives back room that is not used: it is kept for long.
    pub(super) fn shrink(&mut self) {
        self.places.shrink_to_fit();
        self.versions.shrink_to_fit();
        self.tallied.shrink_to_fit();
    }

    /// Forgets what a folder with a report has no use for.
    pub(super) fn settle(&mut self) {
        if self.versions.is_empty() {
            return;
        }
        self.since = 0;
        self.places.retain(|p| p.kinds != TOLD);
        let named = self.versions.iter().any(|v| v.class != Class::Open && v.record != 0);
        for place in &mut self.places {
            place.item = 0;
            if named {
                place.record = 0;
            }
        }
    }

    /// The patient of whoever says it first, reports before the rest.
    pub(super) fn record(&self) -> u32 {
        let said = self.versions.iter().map(|v| v.record).find(|r| *r != 0);
        said.or_else(|| self.places.iter().map(|p| p.record).find(|r| *r != 0)).unwrap_or(0)
    }

    /// Where it was examined, where the report does not say: the institution first heard of, of those that sent a specimen
    /// or a study, else of those that sent an order.
    pub(super) fn exam(&self) -> u16 {
        let first = |kinds: u8| self.places.iter().filter(|p| p.kinds & kinds != 0).min_by_key(|p| p.seq);
        first(SPECIMEN | STUDY).or_else(|| first(ORDER)).map_or(0, |p| p.institution)
    }

    fn modality(&self) -> Modality {
        self.places.iter().filter(|p| p.modality != Modality::Unknown).min_by_key(|p| p.seq).map_or(Modality::Unknown, |p| p.modality)
    }

    /// All reports as they stand.
    pub(super) fn reports(&self) -> Vec<Report> {
        let mut out: Vec<Report> = Vec::with_capacity(1);
        for v in &self.versions {
            if !self.is_stray(v.report) && !out.iter().any(|r| r.report == v.report) {
                out.push(self.report(v.report));
            }
        }
        let issued = out.len();
        for v in self.versions.iter().filter(|v| self.is_stray(v.report)) {
            let (of_folder, _) = out.split_at_mut(issued);
            let meant = |r: &Report| r.accession | WHOSE == v.accession | WHOSE;
            // one that knows no number of the examination means what its institution reported of this item
            let known = of_folder.iter().any(meant) || v.accession & 1 == 1;
            let meant = |r: &Report| if known { meant(r) } else { r.source == v.source && alike(r.item, v.item) };
            let mut hit = false;
            for r in of_folder.iter_mut().filter(|r| meant(r)) {
                hit = true;
                if v.reported >= r.last_final {
                    r.class = Class::Void;
                }
            }
            if !hit && !out.iter().any(|r| r.report == v.report) {
                out.push(self.report(v.report));
            }
        }
        out.sort_unstable_by_key(|r| (r.reported, r.seq));
        out
    }

    /// A withdrawal under another name than the report has: of it nothing else is known.
    fn is_stray(&self, report: u32) -> bool {
        self.versions.iter().all(|v| v.report != report || v.class == Class::Void)
    }

    /// One of them, by its own versions.
    pub(super) fn report(&self, report: u32) -> Report {
        let of_it = || self.versions.iter().filter(move |v| v.report == report);
        let has_final = of_it().any(|v| v.class == Class::Final);
        let in_force = || of_it().filter(move |v| v.class == if has_final { Class::Final } else { v.class });
        let newest = |said: &dyn Fn(&Version) -> bool| in_force().filter(|v| said(v)).max_by_key(|v| v.age());
        let first = in_force().min_by_key(|v| v.age());
        let last_final = of_it().filter(|v| v.class == Class::Final).map(|v| v.reported).max();
        let void = of_it().filter(|v| v.class == Class::Void).map(|v| v.reported).max();
        let exam = newest(&|v| v.exam != 0).map_or_else(|| self.exam(), |v| v.exam);
        let source = newest(&|_| true).map_or(0, |v| v.source);
        Report {
            report,
            class: match (last_final, void) {
                // a cancellation stands unless it was reported anew after it
                (Some(last), Some(void)) if void >= last => Class::Void,
                (Some(_), _) => Class::Final,
                (None, Some(_)) => Class::Void,
                (None, None) => Class::Open,
            },
            accession: newest(&|_| true).map_or(0, |v| v.accession),
            exam: if exam == 0 { source } else { exam },
            source,
            item: newest(&|v| v.item != 0).map_or(0, |v| v.item),
            last_final: last_final.unwrap_or(0),
            read: newest(&|v| v.read != 0).map_or(source, |v| v.read),
            modality: newest(&|v| v.modality != Modality::Unknown).map_or_else(|| self.modality(), |v| v.modality),
            record: newest(&|v| v.record != 0).map_or_else(|| self.record(), |v| v.record),
            signed: in_force().any(|v| v.signed),
            critical: in_force().any(|v| v.critical),
            reported: first.map_or(0, |v| v.reported),
            seq: first.map_or(0, |v| v.seq),
        }
    }
}

/// A report as its versions make it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Report {
    pub(super) report: u32,
    pub(super) class: Class,
    pub(super) accession: u32,
    /// Who sent it.
    pub(super) source: u16,
    pub(super) exam: u16,
    pub(super) read: u16,
    pub(super) modality: Modality,
    pub(super) item: u16,
    pub(super) record: u32,
    pub(super) signed: bool,
    pub(super) critical: bool,
    /// First final version (seconds since 1970), and the entry that brought it.
    pub(super) reported: u32,
    pub(super) seq: u64,
    /// Last final version (seconds since 1970); 0 = there is none.
    last_final: u32,
}

impl Report {
    /// Whether both are of one examination: it counts once. Both are of one folder.
    pub(super) fn is_of_one_examination(&self, other: &Report) -> bool {
        let (a, b) = (self.accession & WHOSE, other.accession & WHOSE);
        let same = self.accession == other.accession
            // a number of the examination, and none
            || (a & 1) != (b & 1)
            // 登记号 and 检查号, or numbers of two institutions (read again above) cannot be compared
            || ((a != b || self.source != other.source) && alike(self.item, other.item));
        self.exam == other.exam && self.modality == other.modality && same
    }
}

/// Nothing speaks against two items being one; 0 = not said.
fn alike(a: u16, b: u16) -> bool {
    a == b || a == 0 || b == 0
}

pub(super) fn fill<T: Default + PartialEq>(to: &mut T, from: T) {
    if *to == T::default() {
        *to = from;
    }
}

/// The earlier of two, where 0 is not said.
pub(super) fn earliest(to: &mut u32, from: u32) {
    if from != 0 && (*to == 0 || from < *to) {
        *to = from;
    }
}
