//! Cases as packed rows: 36 bytes for a case with one place and one version of one report, as nearly all are. What does not
//! fit without loss is kept as a folder beside the rows.

use super::folder::{Class, Folder, Place, Version};
use super::judge::tallied;
use super::rule::Outcome;
use super::sighting::Modality;
use hutong_fhir::quick::QuickMap;
use std::hash::{Hash, Hasher};

/// `shape` of a row whose folder stands beside the rows.
pub(super) const RICH: u16 = 0;
/// `shape` of a row whose case went into another one: its number is in `report`.
pub(super) const MOVED: u16 = 1;
const NONE: u16 = u16::MAX;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Row {
    pub(super) record: u32,
    /// The next case of the same record; 0 = none, else its number + 1.
    pub(super) next: u32,
    /// Seconds since 1970: of the version, else when the first paper came.
    pub(super) reported: u32,
    pub(super) accession: u32,
    pub(super) report: u32,
    pub(super) place_seq: u32,
    pub(super) version_seq: u32,
    pub(super) shape: u16,
    pub(super) item: u16,
    /// Minutes before `reported`; [`NONE`] = not said.
    pub(super) ordered: u16,
    pub(super) examined: u16,
}

impl Row {
    /// As they are packed. Small numbers take few bits, and most cases were not said to be examined.
    pub(super) fn columns(&self) -> [u32; 11] {
        let [shape, item] = [self.shape, self.item].map(u32::from);
        let [ordered, examined] = [self.ordered, self.examined].map(|n| u32::from(n.wrapping_add(1)));
        let Row { record, next, reported, accession, report, place_seq, version_seq, .. } = *self;
        [record, next, reported, accession, report, place_seq, version_seq, shape, item, ordered, examined]
    }

    pub(super) fn of(columns: [u32; 11]) -> Row {
        let [record, next, reported, accession, report, place_seq, version_seq, halves @ ..] = columns;
        let [shape, item, ordered, examined] = halves.map(|n| n as u16);
        let [ordered, examined] = [ordered, examined].map(|n| n.wrapping_sub(1));
        Row { record, next, reported, accession, report, place_seq, version_seq, shape, item, ordered, examined }
    }
}

/// What many rows have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Shape {
    /// (institution, kinds, modality)
    pub(super) place: Option<(u16, u8, Modality)>,
    pub(super) version: Option<ShapeOfVersion>,
    pub(super) test: bool,
    pub(super) checkup: bool,
    pub(super) cancelled: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ShapeOfVersion {
    pub(super) class: u8,
    pub(super) modality: Modality,
    pub(super) source: u16,
    pub(super) exam: u16,
    pub(super) read: u16,
    pub(super) signed: bool,
    pub(super) critical: bool,
    pub(super) outcome: Outcome,
}

/// Three words instead of a dozen small fields: it is done for every message.
impl Hash for Shape {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let (institution, kinds, modality) = self.place.unwrap_or_default();
        let flags = [self.place.is_some(), self.version.is_some(), self.test, self.checkup, self.cancelled];
        let flags = flags.into_iter().fold(0, |all, f| all << 1 | u64::from(f));
        to.write_u64(flags << 32 | u64::from(institution) << 16 | u64::from(kinds) << 8 | modality as u64);
        if let Some(v) = self.version {
            to.write_u64(u64::from(v.source) << 32 | u64::from(v.exam) << 16 | u64::from(v.read));
            let flags = u64::from(v.signed) << 1 | u64::from(v.critical);
            to.write_u64(flags << 24 | u64::from(v.class) << 16 | (v.modality as u64) << 8 | v.outcome as u64);
        }
    }
}

/// All shapes, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    all: Vec<Shape>,
    numbers: QuickMap<Shape, u16>,
}

impl Shapes {
    /// `None`: there are too many.
    fn number(&mut self, shape: Shape) -> Option<u16> {
        if let Some(n) = self.numbers.get(&shape) {
            return Some(*n);
        }
        let n = u16::try_from(self.all.len() + 2).ok().filter(|n| *n < NONE)?;
        self.all.push(shape);
        self.numbers.insert(shape, n);
        Some(n)
    }

    pub(super) fn get(&self, number: u16) -> Option<&Shape> {
        self.all.get(usize::from(number).checked_sub(2)?)
    }

    pub(super) fn all(&self) -> &[Shape] {
        &self.all
    }

    /// From a snapshot, in their order.
    pub(super) fn of(all: Vec<Shape>) -> Shapes {
        let numbers = all.iter().enumerate().filter_map(|(n, s)| Some((*s, u16::try_from(n + 2).ok()?))).collect();
        Shapes { all, numbers }
    }

    /// Writes a folder into a row, its links apart; `false`: it does not fit.
    pub(super) fn pack(&mut self, folder: &Folder, row: &mut Row) -> bool {
        let (place, version) = (folder.places.first(), folder.versions.first());
        if folder.places.len() > 1 || folder.versions.len() > 1 {
            return false;
        }
        // the record of the case is that of its report
        if version.is_some() && place.is_some_and(|p| p.record != 0 || p.item != 0) {
            return false;
        }
        let base = version.map_or(folder.since, |v| v.reported / 60);
        let (Some(ordered), Some(examined)) = (before(base, folder.ordered), before(base, folder.examined)) else { return false };
        let small = |seq: u64| u32::try_from(seq).ok();
        let (Some(place_seq), Some(version_seq)) = (small(place.map_or(0, |p| p.seq)), small(version.map_or(0, |v| v.seq))) else {
            return false;
        };
        let outcome = folder.tallied.first().map(|t| t.cell.outcome);
        if folder.tallied.len() != folder.versions.len() {
            return false;
        }
        let shape = Shape {
            place: place.map(|p| (p.institution, p.kinds, p.modality)),
            version: version.zip(outcome).map(|(v, outcome)| ShapeOfVersion {
                class: v.class as u8,
                modality: v.modality,
                source: v.source,
                exam: v.exam,
                read: v.read,
                signed: v.signed,
                critical: v.critical,
                outcome,
            }),
            test: folder.test,
            checkup: folder.checkup,
            cancelled: folder.cancelled,
        };
        let Some(shape) = self.number(shape) else { return false };
        row.reported = version.map_or(folder.since.saturating_mul(60), |v| v.reported);
        row.accession = version.map_or(0, |v| v.accession);
        row.report = version.map_or(0, |v| v.report);
        row.item = version.map_or_else(|| place.map_or(0, |p| p.item), |v| v.item);
        (row.place_seq, row.version_seq, row.ordered, row.examined, row.shape) = (place_seq, version_seq, ordered, examined, shape);
        true
    }

    /// The folder of a packed row. The record is the row's: it is set before packing.
    pub(super) fn unpack(&self, row: &Row) -> Folder {
        let mut folder = Folder::default();
        self.unpack_into(row, &mut folder);
        folder
    }

    /// The same into an empty folder, whose room is used.
    pub(super) fn unpack_into(&self, row: &Row, folder: &mut Folder) {
        let Some(shape) = self.get(row.shape) else { return };
        let base = row.reported / 60;
        let said = |delta: u16| if delta == NONE { 0 } else { base.saturating_sub(u32::from(delta)) };
        let alone = shape.version.is_none();
        let place = shape.place.map(|(institution, kinds, modality)| Place {
            institution,
            kinds,
            modality,
            item: if alone { row.item } else { 0 },
            record: if alone { row.record } else { 0 },
            seq: u64::from(row.place_seq),
        });
        let version = shape.version.map(|v| Version {
            report: row.report,
            accession: row.accession,
            class: class_of(v.class),
            modality: v.modality,
            item: row.item,
            source: v.source,
            exam: v.exam,
            read: v.read,
            signed: v.signed,
            critical: v.critical,
            record: row.record,
            reported: row.reported,
            seq: u64::from(row.version_seq),
        });
        folder.places.extend(place);
        folder.versions.extend(version);
        (folder.test, folder.checkup, folder.cancelled) = (shape.test, shape.checkup, shape.cancelled);
        (folder.ordered, folder.examined, folder.since) = (said(row.ordered), said(row.examined), if alone { base } else { 0 });
        if let Some(v) = shape.version {
            folder.tallied.push(tallied(folder, &folder.report(row.report), v.outcome));
        }
    }
}

pub(super) fn class_of(number: u8) -> Class {
    match number {
        1 => Class::Final,
        2 => Class::Void,
        _ => Class::Open,
    }
}

/// Minutes before a base; `None`: it does not fit.
fn before(base: u32, minute: u32) -> Option<u16> {
    if minute == 0 {
        return Some(NONE);
    }
    u16::try_from(base.checked_sub(minute)?).ok().filter(|d| *d != NONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::folder::{ORDER, STUDY};

    fn folder() -> Folder {
        let place = Place { institution: 3, kinds: ORDER | STUDY, modality: Modality::Ct, item: 0, record: 0, seq: 10 };
        let version = Version {
            report: 77,
            accession: 88,
            class: Class::Final,
            modality: Modality::Ct,
            item: 5,
            source: 4,
            read: 4,
            signed: true,
            record: 9,
            reported: 1_795_276_801,
            seq: 12,
            ..Version::default()
        };
        let mut f = Folder { places: vec![place], versions: vec![version], ordered: 29_921_000, examined: 29_921_200, ..Folder::default() };
        f.tallied = f.reports().iter().map(|r| tallied(&f, r, Outcome::Counted)).collect();
        f
    }

    #[test]
    fn a_row_is_small_and_without_loss() {
        assert_eq!(size_of::<Row>(), 36);
        let f = folder();
        let (mut shapes, mut row) = (Shapes::default(), Row { record: 9, ..Row::default() });
        assert!(shapes.pack(&f, &mut row));
        assert_eq!(shapes.unpack(&row), f);
        let order = Folder { versions: Vec::new(), tallied: Vec::new(), since: 29_921_100, examined: 0, ..folder() };
        assert!(shapes.pack(&order, &mut Row::default()));
        let mut row = Row { record: 9, ..Row::default() };
        let with_record = Folder { places: vec![Place { record: 9, item: 4, ..order.places[0] }], ..order };
        assert!(shapes.pack(&with_record, &mut row));
        assert_eq!(shapes.unpack(&row), with_record);
        assert_eq!(Shapes::of(shapes.all().to_vec()).unpack(&row), with_record);
    }

    #[test]
    fn what_does_not_fit_is_not_packed() {
        let fits = |change: &dyn Fn(&mut Folder)| {
            let mut f = folder();
            change(&mut f);
            Shapes::default().pack(&f, &mut Row::default())
        };
        assert!(fits(&|_| {}));
        assert!(!fits(&|f| f.places.push(f.places[0])));
        assert!(!fits(&|f| f.versions.push(f.versions[0])));
        assert!(!fits(&|f| f.ordered = 1));
        assert!(!fits(&|f| f.examined = u32::MAX));
        assert!(!fits(&|f| f.places[0].record = 1));
        assert!(!fits(&|f| f.versions[0].seq = 1 << 33));
    }
}
