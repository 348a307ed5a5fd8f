//! Power loss: the writes of a run are recorded and every state that a crash could leave is opened and checked.
//!
//! Cut at each sync; of what was not synced, nothing, everything, everything but one write, one write only, and torn
//! writes reach the disk; directory changes that were not synced reach it as far as a prefix of them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::fake::{Fake, Image, Name, SECTOR, Sabotage, Step};
use super::*;

/// Numbers that look random and are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

fn small() -> JournalOptions {
    JournalOptions { segment_bytes: 48 << 10, reserve_bytes: 0, ..JournalOptions::default() }
}

/// Sends messages, some of them twice, one to eight at a time, and records what reached the disk and the senders.
fn record(sabotage: Sabotage, messages: Range<usize>, start: Image) -> Fake {
    let disk = Fake::new(start, sabotage);
    let (journal, _) = Journal::open(Arc::new(disk.clone()), small()).unwrap();
    let mut random = Random(11);
    let mut next = messages.start;
    while next < messages.end {
        let count = 1 + random.below(8);
        let mut waiting = Vec::new();
        for number in next..(next + count).min(messages.end) {
            let number = if random.below(10) == 0 { random.below(number + 1) } else { number };
            let (id, answer, disk) = (format!("C{number}"), Answer::default(), disk.clone());
            let slot = answer.clone();
            let acknowledged = id.clone();
            journal.submit(draft(&id, 200 + random.below(1_500)), move |result| {
                let committed = result.unwrap();
                disk.acknowledged(&acknowledged, committed.seq);
                *slot.0.0.lock().unwrap() = Some(Ok(committed));
                slot.0.1.notify_all();
            });
            waiting.push(answer);
        }
        waiting.into_iter().for_each(|answer| drop(answer.wait()));
        next += count;
    }
    drop(journal);
    disk
}

/// What is certain at a point of the recording, and what may have happened beyond it.
#[derive(Default)]
struct Cut {
    durable: Image,
    writes: Vec<(u64, u64, Arc<[u8]>)>,
    names: Vec<Name>,
    acknowledged: HashMap<u64, String>,
}

impl Cut {
    fn pass(&mut self, step: &Step) {
        match step {
            Step::Name(change) => self.names.push(change.clone()),
            Step::Write { file, offset, bytes } => self.writes.push((*file, *offset, Arc::clone(bytes))),
            Step::Sync { file } => {
                for (_, offset, bytes) in self.writes.extract_if(.., |write| write.0 == *file) {
                    self.durable.write(*file, offset, &bytes, |_| true);
                }
            }
            Step::SyncDir => {
                for change in self.names.drain(..) {
                    self.durable.name(&change);
                }
            }
            Step::Acknowledged { control_id, seq } => drop(self.acknowledged.insert(*seq, control_id.clone())),
        }
    }

    /// The image in which a prefix of the name changes and some sectors of each write reached the disk.
    fn image(&self, names: usize, reached: impl Fn(usize, usize) -> bool) -> Image {
        let mut image = Image { names: self.durable.names.clone(), ..Image::default() };
        self.names.iter().take(names).for_each(|change| image.name(change));
        for file in image.names.values() {
            image.contents.insert(*file, self.durable.contents.get(file).cloned().unwrap_or_default());
        }
        for (index, (file, offset, bytes)) in self.writes.iter().enumerate() {
            image.write(*file, *offset, bytes, |sector| reached(index, sector));
        }
        image
    }

    /// Everything that this crash could leave, as far as it is worth trying.
    fn images(&self, random: &mut Random, mut check: impl FnMut(Image)) {
        let all = self.names.len();
        for names in 0..=all {
            check(self.image(names, |_, _| false));
            check(self.image(names, |_, _| true));
        }
        let many = self.writes.len() > 12;
        for one in 0..self.writes.len() {
            if many && random.below(self.writes.len()) > 6 {
                continue;
            }
            check(self.image(all, |write, _| write != one));
            check(self.image(all, |write, _| write == one));
            let sectors = self.writes[one].2.len().div_ceil(SECTOR) + 1;
            let (at, seed) = (random.below(sectors), random.0);
            check(self.image(all, |write, sector| write != one || sector < at));
            check(self.image(all, |write, sector| write != one || sector >= at));
            check(self.image(all, |write, sector| write != one || sector != at));
            let coin = |write: usize, sector: usize| Random(seed ^ (write * 65_537 + sector) as u64).below(2) == 0;
            check(self.image(all, coin));
        }
    }
}

/// What is wrong with the journal that a crash left; `messages` were sent in all.
fn judge(image: Image, acknowledged: &HashMap<u64, String>, messages: usize) -> Result<(), String> {
    let disk = Fake::new(image, Sabotage::None);
    let (journal, recovery) = Journal::open(Arc::new(disk.clone()), small()).map_err(|error| format!("does not open: {error}"))?;
    let mut stored = HashSet::new();
    let mut answers: HashMap<u64, Vec<u8>> = HashMap::new();
    for seq in 1..=recovery.last {
        let entry = journal.shared().read(seq).map_err(|error| format!("entry {seq} is not read: {error}"))?;
        let id = entry.control_id().to_owned();
        let known = id.strip_prefix('C').and_then(|number| number.parse::<usize>().ok()).is_some_and(|number| number < messages);
        if !known || entry.answer() != format!("MSA|AA|{id}").as_bytes() && entry.outcome() == Final::Stored {
            return Err(format!("entry {seq} was invented"));
        }
        match (entry.outcome(), entry.refers()) {
            (Final::Stored, _) if !stored.insert(id.clone()) => return Err(format!("{id} is stored twice")),
            (Final::Duplicate, Some(first)) if !answers.contains_key(&first) => return Err(format!("entry {seq} refers to {first}")),
            _ => {}
        }
        answers.insert(seq, entry.answer().to_vec());
        if acknowledged.get(&seq).is_some_and(|acknowledged| *acknowledged != id) {
            return Err(format!("entry {seq} is not what was acknowledged"));
        }
    }
    if let Some(lost) = acknowledged.keys().find(|&&seq| seq > recovery.last) {
        return Err(format!("entry {lost} was acknowledged and is lost"));
    }
    let counts = journal.counts();
    if counts.journalled != recovery.last || counts.stored != stored.len() as u64 || counts.stored + counts.duplicate != counts.journalled {
        return Err(format!("the counts are wrong: {counts:?}"));
    }
    // It goes on: what was acknowledged is known, what was not is new, and both are there the next time.
    let id = format!("C{}", recovery.last as usize % messages);
    let committed = submit(&journal, draft(&id, 300));
    if committed.seq != recovery.last + 1 || (committed.outcome == Final::Duplicate) != stored.contains(&id) {
        return Err(format!("{id} is taken for {:?}", committed.outcome));
    }
    drop(journal);
    let (_, again) = Journal::open(Arc::new(disk), small()).map_err(|error| format!("does not open again: {error}"))?;
    if again.last == committed.seq { Ok(()) } else { Err(format!("the second time {} is last", again.last)) }
}

/// Images tried and what was wrong with them.
fn crash(disk: &Fake, messages: usize, images_max: usize, start: Image) -> (usize, Vec<String>) {
    let mut cut = Cut { durable: start, ..Cut::default() };
    let mut random = Random(5);
    let (mut tried, mut wrong) = (0, Vec::new());
    let steps = disk.steps();
    for step in steps.iter().map(Some).chain([None]) {
        if step.is_none_or(|step| matches!(step, Step::Sync { .. } | Step::SyncDir)) {
            let acknowledged = cut.acknowledged.clone();
            cut.images(&mut random, |image| {
                if tried < images_max {
                    tried += 1;
                    wrong.extend(judge(image, &acknowledged, messages).err());
                }
            });
        }
        step.into_iter().for_each(|step| cut.pass(step));
    }
    (tried, wrong)
}

#[test]
fn no_crash_image_loses_or_invents_an_acknowledged_entry() {
    let (mut tried, mut messages, mut start) = (0, 0, Image::default());
    // Each run goes on where the one before ended: over recycled segments, sealed files and control ids.
    while tried < 2_000 || messages < 300 {
        let disk = record(Sabotage::None, messages..messages + 150, start.clone());
        messages += 150;
        let (more, wrong) = crash(&disk, messages, usize::MAX, start);
        assert_eq!(wrong.len(), 0, "of {more}: {:?}", &wrong[..wrong.len().min(5)]);
        tried += more;
        start = disk.image();
    }
    println!("{tried} crash images");
}

#[test]
fn the_images_show_it_when_a_sync_is_left_out() {
    for sabotage in [Sabotage::NoSync, Sabotage::LateSync, Sabotage::NoDirSync] {
        let disk = record(sabotage, 0..40, Image::default());
        let (tried, wrong) = crash(&disk, 40, 600, Image::default());
        let lost = wrong.iter().filter(|why| why.contains("lost") || why.contains("open")).count();
        assert!(lost > 5, "{sabotage:?}: {lost} of {tried} images show a loss");
    }
}
