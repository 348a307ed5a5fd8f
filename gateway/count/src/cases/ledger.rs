//! The ledger: cases, and what is tallied of them. A function of the journal's events alone.
//!
//! How it lies in memory, for ten millions of cases: [`Rows`] has a row for each case (22 to 36 bytes) and the few folders
//! that do not fit into one; [`Keys`] leads from a number to its case (8 bytes a number); [`Records`] leads from a patient's
//! key to the person and, by the rows' `next`, to all cases of the record; [`Tallies`] holds the cells that figures are
//! added up from, by month, with a list of persons each (4 bytes a case that counts). What can be large lies in pieces behind
//! `Arc`s: nothing grows by being copied, and a clone of the ledger costs milliseconds, so that a snapshot is written from
//! one while the ledger goes on.

use super::chunks::Chunks;
use super::event::{At, Close, Decided, Event, Read};
use super::figures::Cause;
use super::folder::{Class, Folder, Place, Version, earliest};
use super::folder::{ORDER, SPECIMEN, STUDY, TOLD, Tallied, WHOSE};
use super::judge::{Known, judge};
use super::keys::{Index, Keys};
use super::names::Names;
use super::row::{MOVED, RICH, Row, Shapes};
use super::rows::Rows;
use super::rule::{Directory, Outcome, Rules};
use super::sighting::{Id, Kind, Modality, Sighting, Status, hash};
use super::tally::{Cell, NOBODY, Tallies, month_name, month_of, seconds};
use crate::period::{Period, day_of};
use hutong_fhir::quick::QuickMap;
use std::collections::{BTreeMap, HashSet};

/// A change of a closed month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Change {
    pub(super) seq: u64,
    pub(super) us: i64,
    pub(super) cause: Cause,
    pub(super) cell: Cell,
    pub(super) person: u32,
    pub(super) by: i8,
    pub(super) case: u32,
}

/// From which moment on months are closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Closing {
    /// The first month that stays open.
    pub(super) open: u16,
    /// How many changes there were before.
    pub(super) changes: u32,
    pub(super) at: At,
}

/// A specimen that was rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rejected {
    pub(super) month: u16,
    /// Who rejected it.
    pub(super) by: u16,
    /// Where it came from, and of what, its case knows best.
    pub(super) case: u32,
    pub(super) modality: Modality,
    pub(super) seq: u64,
}

/// What is known of patients' records; number 0 is none.
#[derive(Clone, Debug)]
pub(super) struct Records {
    /// By the hash of the key.
    pub(super) numbers: Index,
    pub(super) all: Chunks<Record>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub(super) person: u32,
    /// The first case + 1; 0 = none.
    pub(super) head: u32,
}

impl Default for Records {
    fn default() -> Records {
        Records { numbers: Index::default(), all: Chunks::from_iter([Record { person: NOBODY, head: 0 }]) }
    }
}

impl Records {
    pub(super) fn person(&self, record: u32) -> u32 {
        self.all.get(record as usize).map_or(NOBODY, |r| r.person)
    }

    fn head(&self, record: u32) -> u32 {
        self.all.get(record as usize).map_or(0, |r| r.head)
    }

    fn set_head(&mut self, record: u32, head: u32) {
        if let Some(r) = self.all.get_mut(record as usize) {
            r.head = head;
        }
    }

    /// The number of a key, new or not; 0: there are no more.
    fn number(&mut self, key: &str, dir: &dyn Directory) -> u32 {
        let hash = record_hash(key);
        if let Some(n) = self.numbers.get(hash) {
            return n;
        }
        let Ok(n) = u32::try_from(self.all.len()) else { return 0 };
        self.numbers.put(hash, n, |_| false);
        self.all.push(Record { person: dir.person(key).unwrap_or(NOBODY), head: 0 });
        n
    }
}

/// All cases. See the module's documentation. A clone is cheap, and stays as the ledger was.
#[derive(Clone)]
pub struct Ledger {
    pub(super) rules: Rules,
    pub(super) position: At,
    pub(super) institutions: Names,
    pub(super) items: Names,
    pub(super) communities: Names,
    pub(super) shapes: Shapes,
    pub(super) rows: Rows,
    pub(super) keys: Keys,
    pub(super) records: Records,
    /// Cases of records that are not the first of their case.
    pub(super) also: QuickMap<u32, Vec<u32>>,
    pub(super) tallies: Tallies,
    pub(super) changes: Chunks<Change>,
    pub(super) closings: Vec<Closing>,
    /// By the hash of the specimen.
    pub(super) rejected: BTreeMap<u64, Rejected>,
    pub(super) apart: HashSet<(Id, Id)>,
    /// Sightings beyond what one folder holds.
    pub(super) overfull: u64,
    /// What is known of institutions by day: all that any judgement was made by.
    pub(super) facts: QuickMap<(u32, i64), Option<Known>>,
    room: Room,
}

/// Room that is used for one event after the other: taken anew for each, it would cost more than what is done in it.
#[derive(Clone, Default)]
struct Room {
    folder: Folder,
    judged: Vec<Tallied>,
    found: Vec<Option<u32>>,
}

impl Ledger {
    pub fn new(rules: Rules) -> Ledger {
        Ledger {
            rules,
            position: At::default(),
            institutions: Names::default(),
            items: Names::default(),
            communities: Names::default(),
            shapes: Shapes::default(),
            rows: Rows::default(),
            keys: Keys::default(),
            records: Records::default(),
            also: QuickMap::default(),
            tallies: Tallies::default(),
            changes: Chunks::default(),
            closings: Vec::new(),
            rejected: BTreeMap::new(),
            apart: HashSet::new(),
            overfull: 0,
            facts: QuickMap::default(),
            room: Room::default(),
        }
    }

    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// The last entry that it holds.
    pub fn position(&self) -> At {
        self.position
    }

    /// The last month that the clock would close by now (µs since 1970) and that is open still: where nothing is told for
    /// long, somebody has to journal it. `None`: there is none, or nothing to publish.
    pub fn due(&self, now_us: i64) -> Option<String> {
        let open = month_of(day_of(now_us) - i64::from(self.rules.close_after_days));
        (self.open_month() < open && self.rows.len() > 0).then(|| month_name(open - 1))
    }

    /// The journal is here: months close by its own times.
    fn reach(&mut self, at: At) {
        self.position = self.position.max(at);
        self.position.us = self.position.us.max(at.us);
        let today = day_of(self.position.us);
        self.close_before(month_of(today - i64::from(self.rules.close_after_days)), at);
    }

    /// Follows the journal: events in its order, identity events of an entry before its others.
    pub fn apply(&mut self, at: At, event: &Event, dir: &dyn Directory) {
        self.reach(at);
        match event {
            Event::Seen(sighting) => self.see(at, sighting, dir),
            Event::Joined(decided) => self.join(at, decided, dir),
            Event::Apart(decided) => self.part(decided),
            Event::Close(close) => self.close(at, close),
        }
    }

    /// The same with an event as the journal holds it, in less time: nothing of it is copied.
    ///
    /// # Errors
    /// It is no event; nothing is changed by it.
    pub fn follow(&mut self, at: At, body: &[u8], dir: &dyn Directory) -> serde_json::Result<()> {
        let event = serde_json::from_slice(body)?;
        self.reach(at);
        match event {
            Read::Seen(sighting) => self.see(at, &sighting, dir),
            Read::Joined(decided) => self.join(at, &decided, dir),
            Read::Apart(decided) => self.part(&decided),
            Read::Close(close) => self.close(at, &close),
        }
        Ok(())
    }

    fn join(&mut self, at: At, decided: &Decided, dir: &dyn Directory) {
        // as if a message had both numbers: whichever part comes later is joined too
        if let Some((case, folder)) = self.open(at, &[decided.a, decided.b]) {
            self.put(case, folder, at, Cause::Decision, dir);
        }
    }

    fn part(&mut self, decided: &Decided) {
        self.apart.insert((decided.a, decided.b));
    }

    fn close(&mut self, at: At, close: &Close) {
        if let Some(period) = Period::parse(&close.period) {
            self.close_before(month_of(period.last + 1), at);
        }
    }

    /// These records may be of other persons now.
    pub fn persons_changed(&mut self, at: At, records: &[&str], dir: &dyn Directory) {
        self.reach(at);
        for key in records {
            let Some(record) = self.records.numbers.get(record_hash(key)) else { continue };
            let new = dir.person(key).unwrap_or(NOBODY);
            let old = self.records.person(record);
            if new == old {
                continue;
            }
            for case in self.cases_of(record) {
                for t in self.folder(case).tallied.iter().filter(|t| t.record == record) {
                    if t.cell.outcome == Outcome::Counted {
                        self.tally(t.cell, old, -1, case, at, Cause::Identity);
                        self.tally(t.cell, new, 1, case, at, Cause::Identity);
                    }
                }
            }
            if let Some(record) = self.records.all.get_mut(record as usize) {
                record.person = new;
            }
        }
    }

    /// The registry of institutions changed, for days past too.
    pub fn institutions_changed(&mut self, at: At, dir: &dyn Directory) {
        self.reach(at);
        let mut touched = vec![false; self.institutions.len()];
        let mut facts = std::mem::take(&mut self.facts);
        for ((institution, day), before) in &mut facts {
            let now = self.known(*institution as u16, *day, dir);
            if *before != now
                && let Some(t) = touched.get_mut(*institution as usize)
            {
                (*t, *before) = (true, now);
            }
        }
        self.facts = facts;
        if !touched.contains(&true) {
            return;
        }
        let is = |i: u16| touched.get(usize::from(i)).copied().unwrap_or(false);
        let hit = |t: &Tallied| is(t.cell.exam) || is(t.cell.read);
        for case in 0..self.rows.len() as u32 {
            let Some(row) = self.rows.get(case) else { break };
            if row.shape == MOVED || !self.may_concern(&row, &is) {
                continue;
            }
            let folder = self.folder(case);
            if folder.tallied.iter().any(hit) {
                self.put(case, folder, at, Cause::Institutions, dir);
            }
        }
    }

    /// A quick look before a row is unpacked.
    fn may_concern(&self, row: &Row, is: &dyn Fn(u16) -> bool) -> bool {
        self.shapes.get(row.shape).is_none_or(|s| {
            let place = s.place.is_some_and(|(i, _, _)| is(i));
            s.version.is_some_and(|v| place || is(v.exam) || is(v.read) || is(v.source))
        })
    }

    fn close_before(&mut self, open: u16, at: At) {
        if self.open_month() < open {
            let changes = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
            self.closings.push(Closing { open, changes, at });
        }
    }

    /// The first month that is not closed.
    pub(super) fn open_month(&self) -> u16 {
        self.closings.last().map_or(0, |c| c.open)
    }

    fn see<S: AsRef<str>>(&mut self, at: At, s: &Sighting<S>, dir: &dyn Directory) {
        let Some((case, mut folder)) = self.open(at, &s.ids) else { return };
        self.note_rejected(at, s, case);
        if !self.add(&mut folder, at, s, dir) {
            self.overfull += 1;
        }
        self.put(case, folder, at, Cause::Message, dir);
    }

    /// The case with these numbers, one of several, or a new one. Its folder is taken out, to be put back.
    fn open(&mut self, at: At, ids: &[Id]) -> Option<(u32, Folder)> {
        let mut found = std::mem::take(&mut self.room.found);
        found.clear();
        found.extend(ids.iter().map(|id| self.find(*id)));
        let mut cases = found.iter().flatten().copied();
        let (case, folder) = match cases.next() {
            Some(first) if cases.all(|case| case == first) => (first, self.take(first)),
            Some(_) => self.union(&found),
            None => {
                let case = self.rows.push(Row { shape: RICH, ..Row::default() })?;
                (case, Folder { since: minutes(at.us).max(1), ..std::mem::take(&mut self.room.folder) })
            }
        };
        let (rows, old) = (&self.rows, self.order_numbers_from());
        // what led to another case leads here by way of it
        for (id, _) in ids.iter().zip(&found).filter(|(_, found)| found.is_none()) {
            self.keys.put(*id, case, |case| rows.reported_before(case, old));
        }
        self.room.found = found;
        Some((case, folder))
    }

    /// Cases that were reported before this (seconds since 1970) are not found by their order number.
    fn order_numbers_from(&self) -> u32 {
        seconds(self.position.us).saturating_sub(u32::from(self.rules.order_number_days) * 86_400)
    }

    /// The case that has a number.
    pub(super) fn find(&self, id: Id) -> Option<u32> {
        let case = self.moved(self.keys.get(id)?);
        let too_old = id.0 == super::sighting::IdKind::Order && self.rows.get(case)?.reported < self.order_numbers_from();
        (!too_old).then_some(case)
    }

    /// Where a case went that went into another one.
    pub(super) fn moved(&self, mut case: u32) -> u32 {
        // a case moves to one with a lower number: this ends
        while let Some(row) = self.rows.get(case)
            && row.shape == MOVED
            && row.report < case
        {
            case = row.report;
        }
        case
    }

    pub(super) fn folder(&self, case: u32) -> Folder {
        match self.rows.get(case) {
            Some(row) if row.shape == RICH => self.rows.rich(case).cloned().unwrap_or_default(),
            Some(row) if row.shape != MOVED => self.shapes.unpack(&row),
            _ => Folder::default(),
        }
    }

    fn take(&mut self, case: u32) -> Folder {
        if let Some(folder) = self.rows.take_rich(case) {
            return folder;
        }
        let mut folder = std::mem::take(&mut self.room.folder);
        if let Some(row) = self.rows.get(case).filter(|row| row.shape != MOVED && row.shape != RICH) {
            self.shapes.unpack_into(&row, &mut folder);
        }
        folder
    }

    /// One folder of several cases; all but the first are left as pointers to it.
    fn union(&mut self, found: &[Option<u32>]) -> (u32, Folder) {
        let mut cases: Vec<u32> = found.iter().flatten().copied().collect();
        cases.sort_unstable();
        cases.dedup();
        let first = cases.first().copied().unwrap_or(0);
        let mut folder = self.take(first);
        for other in cases.iter().skip(1) {
            let from = self.take(*other);
            folder.absorb(&from);
            self.unlink(*other);
            for t in &from.tallied {
                if let Some(also) = self.also.get_mut(&t.record) {
                    also.retain(|c| c != other);
                }
            }
            self.rows.set(*other, Row { shape: MOVED, report: first, ..Row::default() });
        }
        (first, folder)
    }

    /// Puts what a sighting says into a folder.
    fn add<S: AsRef<str>>(&mut self, folder: &mut Folder, at: At, s: &Sighting<S>, dir: &dyn Directory) -> bool {
        let latest = at.us.saturating_add(i64::from(self.rules.clock_ahead_s) * 1_000_000);
        let sane = |us: Option<i64>| us.filter(|us| *us <= latest);
        folder.test |= s.test;
        folder.checkup |= s.checkup;
        earliest(&mut folder.ordered, sane(s.ordered_us).map_or(0, minutes));
        earliest(&mut folder.examined, sane(s.examined_us).map_or(0, minutes));
        let patient = s.patient.as_ref();
        let record = if patient.is_empty() { 0 } else { self.records.number(patient, dir) };
        let source = self.institutions.number(s.source.as_ref());
        let item = self.items.number(s.item.as_ref());
        let kinds = match s.kind {
            Kind::Order => ORDER,
            Kind::Specimen => SPECIMEN,
            Kind::Study => STUDY,
            Kind::Status => {
                folder.cancelled |= s.status.is_void();
                TOLD
            }
            Kind::Report => {
                let of_all = s.ids.iter().min_by_key(|id| id.0);
                let whose = match of_all {
                    Some(id) if id.0.is_examination() && s.status != Status::EnteredInError => 1 | u32::from(s.accession) << 1,
                    _ => 0,
                };
                return folder.add_version(Version {
                    report: fold(hash(&[s.resource.as_ref().as_bytes()])),
                    accession: fold(of_all.map_or(0, |id| id.1)) & !WHOSE | whose,
                    class: match s.status {
                        status if status.is_final() => Class::Final,
                        status if status.is_void() => Class::Void,
                        _ => Class::Open,
                    },
                    modality: s.modality,
                    item,
                    source,
                    exam: self.institutions.number(s.exam.as_ref()),
                    read: self.institutions.number(s.read.as_ref()),
                    signed: !s.readers.is_empty(),
                    critical: s.critical,
                    record,
                    reported: seconds(sane(s.reported_us).unwrap_or(at.us)).max(1),
                    seq: at.seq,
                });
            }
        };
        folder.cancelled |= s.kind == Kind::Order && s.status.is_void();
        let institution = if s.exam.as_ref().is_empty() { source } else { self.institutions.number(s.exam.as_ref()) };
        folder.add_place(Place { institution, kinds, modality: s.modality, item, record, seq: at.seq })
    }

    fn note_rejected<S: AsRef<str>>(&mut self, at: At, s: &Sighting<S>, case: u32) {
        if !s.rejected || s.test {
            return;
        }
        let by = self.institutions.number(s.source.as_ref());
        let month = month_of(day_of(s.received_us.filter(|us| *us <= at.us).unwrap_or(at.us)));
        let key = hash(&[s.resource.as_ref().as_bytes()]);
        self.rejected.entry(key).or_insert(Rejected { month, by, case, modality: s.modality, seq: at.seq });
    }

    /// Judges a folder anew, tallies the difference and stores it.
    fn put(&mut self, case: u32, mut folder: Folder, at: At, cause: Cause, dir: &dyn Directory) {
        let mut old = std::mem::take(&mut folder.tallied);
        folder.settle();
        let (mut facts, mut tallied) = (std::mem::take(&mut self.facts), std::mem::take(&mut self.room.judged));
        let mut of = |i, day| *facts.entry((u32::from(i), day)).or_insert_with(|| self.known(i, day, dir));
        judge(&folder, &mut of, &mut tallied);
        (folder.tallied, self.facts) = (tallied, facts);
        for t in old.iter().filter(|t| !folder.tallied.contains(t)) {
            self.tally(t.cell, self.records.person(t.record), -1, case, at, cause);
        }
        for t in folder.tallied.iter().filter(|t| !old.contains(t)) {
            self.tally(t.cell, self.records.person(t.record), 1, case, at, cause);
        }
        old.clear();
        self.room.judged = old;
        self.relink(case, &folder);
        let Some(before) = self.rows.get(case) else { return };
        let mut row = before;
        if !self.shapes.pack(&folder, &mut row) {
            row.shape = RICH;
            // what is looked at before the folder is
            row.reported = folder.versions.iter().map(|v| v.reported).max().unwrap_or(folder.since.saturating_mul(60));
            self.rows.put_rich(case, folder);
        } else {
            if before.shape == RICH {
                self.rows.take_rich(case);
            }
            folder.clear();
            self.room.folder = folder;
        }
        if row != before {
            self.rows.set(case, row);
        }
    }

    fn known(&mut self, institution: u16, day: i64, dir: &dyn Directory) -> Option<Known> {
        let facts = dir.institution(self.institutions.name(institution), day)?;
        Some(Known {
            primary: facts.is_primary(),
            above: facts.is_above(),
            city: facts.tier == super::rule::Tier::City,
            community: self.communities.number(&facts.community),
        })
    }

    fn tally(&mut self, cell: Cell, person: u32, by: i8, case: u32, at: At, cause: Cause) {
        if by > 0 {
            self.tallies.add(cell, person);
        } else {
            self.tallies.remove(cell, person);
        }
        if cell.month < self.open_month() {
            self.changes.push(Change { seq: at.seq, us: at.us, cause, cell, person, by, case });
        }
    }

    /// Cases that a record's person stands in.
    fn cases_of(&self, record: u32) -> Vec<u32> {
        let mut out = self.also.get(&record).cloned().unwrap_or_default();
        let mut next = self.records.head(record);
        while let Some(case) = next.checked_sub(1) {
            out.push(case);
            next = self.rows.get(case).map_or(0, |r| r.next);
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    fn relink(&mut self, case: u32, folder: &Folder) {
        let record = folder.record();
        if self.rows.get(case).is_some_and(|r| r.record != record) {
            self.unlink(case);
            if let Some(row) = self.rows.get(case)
                && record != 0
            {
                self.rows.set(case, Row { record, next: self.records.head(record), ..row });
                self.records.set_head(record, case + 1);
            }
        }
        for t in folder.tallied.iter().filter(|t| t.record != record && t.record != 0) {
            let also = self.also.entry(t.record).or_default();
            if !also.contains(&case) {
                also.push(case);
            }
        }
    }

    fn unlink(&mut self, case: u32) {
        let Some(own) = self.rows.get(case) else { return };
        if own.record == 0 {
            return;
        }
        let (me, mut at) = (case + 1, self.records.head(own.record));
        if at == me {
            self.records.set_head(own.record, own.next);
        } else {
            while let Some((before, row)) = at.checked_sub(1).and_then(|case| Some((case, self.rows.get(case)?))) {
                if row.next == me {
                    self.rows.set(before, Row { next: own.next, ..row });
                    break;
                }
                at = row.next;
            }
        }
        self.rows.set(case, Row { record: 0, next: 0, ..own });
    }
}

pub(super) fn record_hash(key: &str) -> u64 {
    hash(&[b"record", key.as_bytes()])
}

/// 24 bits: it tells apart the few reports of one folder.
fn fold(hash: u64) -> u32 {
    (hash ^ (hash >> 24) ^ (hash >> 48)) as u32 & 0x00ff_ffff
}

fn minutes(us: i64) -> u32 {
    u32::try_from(us.div_euclid(60_000_000)).unwrap_or(0)
}
