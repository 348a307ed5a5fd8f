//! The ledger's snapshot in the data directory, so that a start need not read every `case` event again. It may be thrown
//! away at any time: the ledger is then computed from the events.
//!
//! One line of JSON says of which journal it is and up to which entry; the ledger's own bytes follow, with their checksum.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hutong_commit::entry::EventDraft;
use hutong_commit::store::Store;
use hutong_count::cases::{Close, Event, Ledger};
use serde::{Deserialize, Serialize};

use super::{CASE, Shared};
use crate::act::{Act, Acts};
use crate::ingest::now_us;

const NAME: &str = "ledger.snapshot";
/// Longest first line.
const HEAD_MAX: u64 = 1_024;
/// Entries or time after which it is written anew. The projection waits only while the ledger is cloned, some milliseconds.
const ENTRIES: u64 = 1_000_000;
const AGE: Duration = Duration::from_secs(6 * 3_600);
/// Who closes a month that nobody closed.
const CLOCK: &str = "clock";

/// Of which journal a snapshot is.
#[derive(Serialize, Deserialize)]
struct Head {
    /// Numbers of persons are this program's own.
    program: String,
    seq: u64,
    /// Of that entry.
    receipt: String,
    us: i64,
}

/// Writes what the ledger holds; `None`: it holds nothing.
pub(crate) fn save(dir: &Path, community: &Shared, store: &Store) -> Result<Option<u64>, Error> {
    let new = dir.join(format!("{NAME}.new"));
    // a clone shares nearly all with the ledger: it is written while the ledger goes on
    let (seq, ledger) = {
        let community = community.read();
        (community.applied(), community.cases.clone())
    };
    if seq == 0 {
        return Ok(None);
    }
    let entry = store.entry(seq).map_err(|e| Error::other(e.to_string()))?;
    let (receipt, us) = (entry.receipt().to_owned(), entry.committed_us());
    let head = Head { program: env!("CARGO_PKG_VERSION").to_owned(), seq, receipt, us };
    let mut file = File::create(&new)?;
    serde_json::to_writer(&mut file, &head)?;
    file.write_all(b"\n")?;
    ledger.save(&mut file)?;
    file.sync_all()?;
    std::fs::rename(&new, dir.join(NAME))?;
    Ok(Some(seq))
}

/// Takes the ledger from a snapshot that is of this journal and not ahead of what the search store has applied. `mark`:
/// receipt and time of an entry. The entry up to which it counts.
pub(crate) fn load(dir: &Path, community: &Shared, applied: u64, mark: impl Fn(u64) -> Option<(String, i64)>) -> Option<u64> {
    let file = File::open(dir.join(NAME)).ok()?;
    let left_out = |why: &str| {
        tracing::warn!(rule = "ledger.snapshot", why, "the ledger's snapshot is left out: cases are counted from their events");
        None
    };
    let mut from = BufReader::new(file);
    let mut line = String::new();
    if from.by_ref().take(HEAD_MAX).read_line(&mut line).is_err() {
        return left_out("damaged");
    }
    let Ok(head) = serde_json::from_str::<Head>(&line) else { return left_out("damaged") };
    if head.program != env!("CARGO_PKG_VERSION") {
        return left_out("of another version of the program");
    }
    if head.seq > applied || mark(head.seq) != Some((head.receipt, head.us)) {
        return left_out("of another journal, or ahead of the search store");
    }
    let rules = community.read().cases.rules();
    match Ledger::load(&mut from, rules) {
        Ok(ledger) => {
            let mut community = community.write();
            (community.cases, community.counted) = (ledger, head.seq);
            Some(head.seq)
        }
        Err(error) => left_out(&error.to_string()),
    }
}

/// Closes months on time and writes snapshots in a running gateway.
pub(crate) struct Keeping {
    pub(crate) dir: PathBuf,
    pub(crate) community: Shared,
    at: u64,
    since: Instant,
}

impl Keeping {
    pub(crate) fn new(dir: PathBuf, community: Shared) -> Keeping {
        let at = community.read().applied();
        Keeping { dir, community, at, since: Instant::now() }
    }

    /// Every minute. Blocks while it writes.
    pub(crate) fn minute(&mut self, store: &Arc<Store>) {
        if store.applied() == store.durable() {
            self.close(store, now_us());
        }
        let new = self.community.read().applied().saturating_sub(self.at);
        if new >= ENTRIES || (new > 0 && self.since.elapsed() >= AGE) {
            self.save(store);
        }
    }

    /// Months close without traffic too. It is journalled, so that a count anew has it at the same place.
    fn close(&self, store: &Arc<Store>, now_us: i64) {
        let Some(period) = self.community.read().cases.due(now_us) else { return };
        let event = Event::Close(Close { period, by: CLOCK.to_owned() });
        // texts only: writing them cannot fail
        let Ok(body) = serde_json::to_vec(&event) else { return };
        let acts = Acts::new(Arc::clone(store));
        let act = Act {
            receipt: acts.receipt(),
            what: "cases/close",
            source: CLOCK,
            protocol: CLOCK,
            request: body.clone(),
            answer: Vec::new(),
            resources: Vec::new(),
            events: vec![EventDraft { kind: CASE.to_owned(), body }],
        };
        if let Err(error) = acts.record(act) {
            tracing::warn!(rule = "ledger.close", %error, "a month that is due could not be closed: it is tried again in a minute");
        }
    }

    pub(crate) fn save(&mut self, store: &Store) {
        self.since = Instant::now();
        match save(&self.dir, &self.community, store) {
            Ok(seq) => self.at = seq.unwrap_or(0),
            Err(error) => tracing::warn!(rule = "ledger.snapshot", %error, "the ledger's snapshot could not be written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use hutong_count::cases::{By, FigureRow, Id, IdKind, Kind, Modality, Question, Scope, Sighting, Status};
    use hutong_count::period::Period;
    use hutong_identify::registry::{Import, Table};

    use crate::community::{REGISTRY, RegistryEvent};

    fn open(dir: &Path) -> (Arc<Store>, Shared) {
        let opened = crate::runtime::open(dir, &crate::config::Config::default()).unwrap();
        assert!(opened.store.wait_applied(opened.store.durable(), Duration::from_secs(60)));
        (opened.store, opened.community)
    }

    fn tell(store: &Arc<Store>, kind: &str, body: Vec<u8>) {
        let acts = Acts::new(Arc::clone(store));
        let (receipt, events) = (acts.receipt(), vec![EventDraft { kind: kind.to_owned(), body }]);
        let (request, answer, resources) = (Vec::new(), Vec::new(), Vec::new());
        acts.record(Act { receipt, what: "test", source: "t", protocol: "test", request, answer, resources, events }).unwrap();
    }

    fn institutions(store: &Arc<Store>, tier: &str) {
        let text = format!("code\tname\tregion\ttier\tcommunity\nT1\tT1\t500236\t{tier}\tA\nC1\tC1\t500236\t县\tA\n");
        let import = Import { table: Table::Institutions, version: tier.into(), by: "A".into(), text };
        tell(store, REGISTRY, serde_json::to_vec(&RegistryEvent::Import(import)).unwrap());
    }

    fn cases(store: &Arc<Store>, numbers: std::ops::Range<u32>) {
        for n in numbers {
            for (kind, source) in [(Kind::Order, "T1"), (Kind::Report, "C1")] {
                let mut s = Sighting::new(kind, source, &format!("{kind:?}/{n}"));
                (s.ids, s.modality, s.status) = (vec![Id::new(IdKind::Order, "T1", &n.to_string())], Modality::Ecg, Status::Final);
                s.readers = vec!["PractitionerRole/1".to_owned()];
                tell(store, CASE, serde_json::to_vec(&Event::Seen(s)).unwrap());
            }
        }
    }

    fn figure(community: &Shared) -> FigureRow {
        let period = Period::parse(&this_year()).unwrap();
        let question = Question { period, scope: Scope::Img5, by: By::County, institution: None };
        community.read().cases.figures(&question).unwrap().rows.remove(0)
    }

    fn this_year() -> String {
        let (year, ..) = hutong_fhir::calendar::civil(hutong_count::period::day_of(now_us()));
        year.to_string()
    }

    #[test]
    fn a_start_goes_on_from_the_snapshot_and_does_without() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(NAME);
        let (store, community) = open(dir.path());
        institutions(&store, "乡");
        cases(&store, 0..5);
        let seq = save(dir.path(), &community, &store).unwrap().unwrap();
        // killed later: what came after the snapshot is in the journal only
        cases(&store, 4..8);
        let live = figure(&community);
        assert_eq!((live.now.cases, seq), (8, 11));
        drop((store, community));
        let good = std::fs::read(&file).unwrap();
        let starts = |expected: u64, why: &str| {
            let (store, community) = open(dir.path());
            assert_eq!(community.read().counted, expected, "{why}");
            assert_eq!(figure(&community), live, "{why}");
            store.rebuild();
            assert!(store.wait_applied(store.durable(), Duration::from_secs(60)));
            assert_eq!(figure(&community), live, "{why}: the search store computed anew");
            drop(community);
        };
        starts(11, "good");
        for at in [5, 40, good.len() / 2, good.len() - 3] {
            let mut bad = good.clone();
            bad[at] ^= 4;
            std::fs::write(&file, bad).unwrap();
            starts(0, "damaged");
        }
        std::fs::write(&file, &good[..good.len() / 2]).unwrap();
        starts(0, "cut off");
        std::fs::write(&file, &good).unwrap();
        for found in std::fs::read_dir(dir.path()).unwrap().flatten() {
            if found.file_name().to_string_lossy().starts_with("projection") {
                std::fs::remove_file(found.path()).unwrap();
            }
        }
        starts(0, "the search store lost: the snapshot is ahead of it");
        starts(11, "and good again");

        let (store, community) = open(dir.path());
        institutions(&store, "县");
        assert_eq!(figure(&community).now.cases, 0, "a registry after the snapshot touches what is in it");
        drop((store, community));

        let other = tempfile::tempdir().unwrap();
        let (store, community) = open(other.path());
        institutions(&store, "乡");
        cases(&store, 20..30);
        let live = figure(&community);
        drop((store, community));
        std::fs::write(other.path().join(NAME), &good).unwrap();
        let (_store, community) = open(other.path());
        assert_eq!((community.read().counted, figure(&community)), (0, live), "of another journal");
    }

    #[test]
    fn months_close_by_the_clock_at_a_place_of_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let (store, community) = open(dir.path());
        let keeping = Keeping::new(dir.path().to_owned(), community.clone());
        let later = now_us() + 400 * 86_400_000_000;
        keeping.close(&store, later);
        assert_eq!(store.durable(), 0, "there is nothing to publish");
        institutions(&store, "乡");
        cases(&store, 0..1);
        keeping.close(&store, now_us());
        assert!(figure(&community).published.is_none(), "it is not over");
        let before = store.durable();
        // a clock that is ahead, and put right before the next message comes
        keeping.close(&store, later);
        keeping.close(&store, later);
        assert_eq!(store.durable(), before + 1, "closed once");
        cases(&store, 1..3);
        let live = figure(&community);
        assert_eq!((live.published.map(|f| f.cases), live.now.cases), (Some(1), 3));
        let anew = community.recounted(&store, store.durable()).unwrap();
        assert_eq!(figure(&anew), live, "counted anew it was published at the same place");
    }
}
