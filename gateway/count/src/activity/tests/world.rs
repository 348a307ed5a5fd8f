//! A county: two townships, a village, the lead hospital, a hospital of Chinese medicine.

use crate::activity::{Activities, Answer, Counted, Directory, Event, Of, Place, Rules, Word};
use crate::cases::{At, Facts, Tier};
use crate::period::Period;

pub(super) const HOUR: i64 = 3_600_000_000;
pub(super) const DAY: i64 = 24 * HOUR;
/// 2026-11-01T00:00 in China.
pub(super) const START: i64 = 1_793_462_400_000_000;
/// The day on which T2 becomes a county hospital: 2026-12-10.
pub(super) const RISES: i64 = 20_797;
pub(super) const PLACES: [&str; 6] = ["V1", "T1", "T2", "H1", "H2", "X9"];
pub(super) const DEPARTMENTS: [&str; 4] = ["A03", "中医科", "A99", ""];

pub(super) struct Book;

impl Directory for Book {
    fn institution(&self, code: &str, day: i64) -> Option<Place> {
        let (tier, ws218, leads) = match code {
            "V1" => (Tier::Village, "D600", false),
            "T1" => (Tier::Township, "C220", false),
            "T2" if day >= RISES => (Tier::County, "A100", false),
            "T2" => (Tier::Township, "C210", false),
            "H1" => (Tier::County, "A100", true),
            "H2" => (Tier::County, "A210", false),
            _ => return None,
        };
        Some(Place { facts: Facts { tier, ws218: ws218.to_owned(), community: "C".to_owned() }, leads })
    }

    fn department_kind(&self, _: &str, department: &str, _: i64) -> Option<String> {
        match department {
            "A03" => Some("A03".to_owned()),
            "中医科" => Some("A50.01".to_owned()),
            _ => None,
        }
    }
}

pub(super) fn visit(place: &str, key: &str, word: Word, class: &str) -> Event {
    let visit = crate::activity::event::Visit { word, class: class.to_owned(), ..Default::default() };
    Event { institution: place.to_owned(), key: key.to_owned(), at_us: None, test: false, of: Of::Visit(visit) }
}

/// Activities that events are told to one after another.
pub(super) struct Told {
    pub(super) all: Activities,
    seq: u64,
}

impl Told {
    pub(super) fn new() -> Told {
        Told { all: Activities::new(Rules::default()), seq: 0 }
    }

    pub(super) fn tell(&mut self, us: i64, event: &Event) {
        self.seq += 1;
        self.all.apply(At { seq: self.seq, us }, event);
    }

    pub(super) fn answer(&self, counter: &str, period: &str) -> Answer {
        self.all.figures(Period::parse(period).unwrap(), None, &Book).counters[counter].clone()
    }

    /// `None`: it is missing.
    pub(super) fn counted(&self, counter: &str, period: &str) -> Option<Counted> {
        match self.answer(counter, period) {
            Answer::Counted(counted) => Some(counted),
            Answer::Missing { .. } => None,
        }
    }

    pub(super) fn value(&self, counter: &str, period: &str) -> Option<i64> {
        self.counted(counter, period).map(|c| c.value)
    }
}
