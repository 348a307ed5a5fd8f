//! What waits to be sent: in order for each patient, so that a platform never hears of a view before its reminder. Knows no
//! socket and no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::form::Kind;

/// Entry of the journal, its event, and which record of the event.
pub(super) type Place = (u64, u32, u32);

/// A record to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Job {
    pub(super) place: Place,
    pub(super) kind: Kind,
    /// By which the platform knows it again: sending it twice is sending it once.
    pub(super) guid: String,
    /// `Patient/<id>`
    pub(super) patient: String,
    pub(super) failed: Option<Failed>,
}

/// The platform answered, and not that it took it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failed {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) attempts: u32,
    /// When it is tried again, microseconds since 1970.
    pub(super) again_us: i64,
}

#[derive(Default)]
pub(super) struct Queue {
    lanes: HashMap<String, VecDeque<Job>>,
    /// All that waits.
    places: BTreeSet<Place>,
    /// Sent or given up already, behind the first that waits.
    done: BTreeSet<Place>,
    /// Everything before is read.
    read: Place,
    /// What was known of failures before a restart, by place.
    failures: BTreeMap<Place, Failed>,
}

impl Queue {
    /// Everything before `place` is done.
    pub(super) fn begin(&mut self, place: Place) {
        self.read = self.read.max(place);
        self.done = self.done.split_off(&place);
        self.failures = self.failures.split_off(&place);
    }

    /// As an event of an earlier start says.
    pub(super) fn was_done(&mut self, place: Place, before: Place) {
        self.done.insert(place);
        self.failures.remove(&place);
        self.begin(before);
    }

    pub(super) fn had_failed(&mut self, place: Place, failed: Failed) {
        self.failures.insert(place, failed);
    }

    /// A record that was read; one that is done already is left out.
    pub(super) fn add(&mut self, mut job: Job) {
        if self.done.contains(&job.place) || job.place < self.read {
            return;
        }
        job.failed = self.failures.remove(&job.place);
        self.places.insert(job.place);
        self.lanes.entry(job.patient.clone()).or_default().push_back(job);
    }

    /// All records of entries and events up to this one are in.
    pub(super) fn read_to(&mut self, seq: u64, n: u32) {
        self.read = self.read.max((seq, n + 1, 0));
    }

    /// Everything before is done: where to begin after a restart.
    pub(super) fn before(&self) -> Place {
        self.places.first().copied().unwrap_or(self.read)
    }

    /// The next one to send: the earliest that is first of its patient and not waiting for its time.
    pub(super) fn next(&self, now_us: i64) -> Option<&Job> {
        let heads = self.lanes.values().filter_map(VecDeque::front);
        heads.filter(|j| j.failed.as_ref().is_none_or(|f| f.again_us <= now_us)).min_by_key(|j| j.place)
    }

    /// It was taken, or somebody gave it up.
    pub(super) fn finish(&mut self, place: Place, patient: &str) {
        self.places.remove(&place);
        self.done.insert(place);
        if let Some(lane) = self.lanes.get_mut(patient) {
            lane.retain(|j| j.place != place);
            if lane.is_empty() {
                self.lanes.remove(patient);
            }
        }
        let before = self.before();
        self.done = self.done.split_off(&before);
    }

    pub(super) fn fail(&mut self, place: Place, patient: &str, failed: Failed) {
        if let Some(job) = self.lanes.get_mut(patient).and_then(|l| l.iter_mut().find(|j| j.place == place)) {
            job.failed = Some(failed);
        }
    }

    /// Tries it at once.
    pub(super) fn hurry(&mut self, guid: &str) -> Option<Job> {
        let job = self.lanes.values_mut().flatten().find(|j| j.guid == guid && j.failed.is_some())?;
        if let Some(failed) = &mut job.failed {
            failed.again_us = 0;
        }
        Some(job.clone())
    }

    pub(super) fn find(&self, guid: &str) -> Option<&Job> {
        self.lanes.values().flatten().find(|j| j.guid == guid)
    }

    pub(super) fn failed(&self) -> Vec<&Job> {
        let mut all: Vec<&Job> = self.lanes.values().flatten().filter(|j| j.failed.is_some()).collect();
        all.sort_by_key(|j| j.place);
        all
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(seq: u64, patient: &str) -> Job {
        Job { place: (seq, 0, 0), kind: Kind::View, guid: format!("g{seq}"), patient: patient.to_owned(), failed: None }
    }

    fn failed(again_us: i64) -> Failed {
        Failed { code: "E1".into(), message: String::new(), attempts: 1, again_us }
    }

    fn next(q: &Queue, now: i64) -> Option<u64> {
        q.next(now).map(|j| j.place.0)
    }

    #[test]
    fn a_failure_holds_its_own_patient_only_and_nothing_is_lost_by_a_restart() {
        let mut q = Queue::default();
        for (seq, patient) in [(1, "a"), (2, "b"), (3, "a"), (4, "b")] {
            q.add(job(seq, patient));
            q.read_to(seq, 0);
        }
        assert_eq!(next(&q, 0), Some(1));
        q.fail((1, 0, 0), "a", failed(10));
        assert_eq!(next(&q, 0), Some(2), "b goes on");
        q.finish((2, 0, 0), "b");
        assert_eq!(next(&q, 0), Some(4));
        q.finish((4, 0, 0), "b");
        assert_eq!((next(&q, 9), next(&q, 10)), (None, Some(1)), "3 waits behind 1");
        assert_eq!((q.before(), q.len(), q.failed().len()), ((1, 0, 0), 2, 1));

        // what is journalled: each place that was done with where everything before was done
        let mut again = Queue::default();
        again.had_failed((1, 0, 0), failed(10));
        again.was_done((2, 0, 0), (1, 0, 0));
        again.was_done((4, 0, 0), (1, 0, 0));
        for (seq, patient) in [(1, "a"), (2, "b"), (3, "a"), (4, "b"), (5, "b")] {
            again.add(job(seq, patient));
            again.read_to(seq, 0);
        }
        assert_eq!((next(&again, 0), again.len()), (Some(5), 3));
        assert_eq!(again.hurry("g1").map(|j| j.place.0), Some(1));
        assert_eq!(again.hurry("g5"), None, "it has not failed");
        assert_eq!(next(&again, 0), Some(1));
        for (seq, patient) in [(1, "a"), (3, "a"), (5, "b")] {
            again.finish((seq, 0, 0), patient);
        }
        assert_eq!((again.before(), again.len(), again.lanes.len(), again.done.len()), ((5, 1, 0), 0, 0, 0));
    }
}
