//! The offline check finds damage anywhere and says where; and disks that refuse.

use std::fs;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::fake::{Call, Fake, Image, Sabotage};
use super::sealing::sealed;
use super::*;
use crate::journal::verify::{VerifyReport, check};

fn report(dir: &Path) -> VerifyReport {
    check(&RealDisk::existing(dir).unwrap()).unwrap()
}

fn written(count: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 1..=count {
        submit(&journal, draft(&format!("C{number}"), 1_500));
    }
    sealed(&journal);
    drop(journal);
    dir
}

fn names(dir: &Path, ending: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|item| item.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    names
}

/// Where the entries of an open segment end: at its mark. Behind it stand frames of an earlier segment.
fn mark(bytes: &[u8]) -> usize {
    let epoch = &bytes[4_096 + 8..][..8];
    (1..).map(|block| block * 4_096).find(|&at| &bytes[at..][..4] == b"HtMk" && &bytes[at + 8..][..8] == epoch).unwrap()
}

#[test]
fn a_sound_journal_verifies_also_while_it_is_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    std::thread::scope(|scope| {
        let checks = scope.spawn(|| {
            while journal.durable() < 800 {
                let report = report(dir.path());
                assert!(report.ok(), "{report:?}");
            }
        });
        for number in 1..=800 {
            submit(&journal, draft(&format!("C{number}"), 1_500));
        }
        checks.join().unwrap();
    });
    let report = report(dir.path());
    assert_eq!((report.entries, report.first, report.last, report.ok(), report.torn), (800, 1, 800, true, None));
}

#[test]
fn a_flipped_byte_anywhere_is_found_and_named() {
    let dir = written(110);
    assert_eq!(report(dir.path()).entries, 110);
    let sealed_names = names(dir.path(), ".sealed");
    let open_name = names(dir.path(), ".open")[0].clone();
    let mut flips = 0;
    for name in [sealed_names[0].clone(), sealed_names[sealed_names.len() - 1].clone(), open_name] {
        let path = dir.path().join(&name);
        let bytes = fs::read(&path).unwrap();
        let sealed = name.ends_with(".sealed");
        // Only what was written counts: header, and frames up to the mark.
        let end = if sealed { bytes.len() } else { mark(&bytes) };
        let header = if sealed { 256 } else { 104 };
        for at in (0..header).step_by(3).chain((4_096..end).step_by(if sealed { 37 } else { 211 })) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            let spared = !sealed && damaged[at] == 0x20 || !sealed && !(104..).contains(&at) && (12..16).contains(&at);
            if spared || sealed && (12..16).contains(&at) {
                continue; // padding between batches, and unused bytes of a header
            }
            fs::write(&path, &damaged).unwrap();
            let report = report(dir.path());
            let found = report.damage.unwrap_or_else(|| panic!("byte {at} of {name} is not missed"));
            assert_eq!(found.file, name, "byte {at}: {found:?}");
            assert_eq!(found.seq, report.last + 1);
            flips += 1;
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(flips > 300, "{flips}");
}

#[test]
fn segments_that_are_missing_swapped_or_cut_are_found() {
    let dir = written(200);
    let sealed = names(dir.path(), ".sealed");
    let first_of = |name: &str| name[11..27].parse::<u64>().unwrap();
    let expect = |seq: u64, what: &str| {
        let found = report(dir.path()).damage.unwrap_or_else(|| panic!("{what} is not noticed"));
        assert_eq!(found.seq, seq, "{what}: {found:?}");
    };
    let path = |name: &str| dir.path().join(name);
    for index in [0, 2, sealed.len() - 1] {
        fs::rename(path(&sealed[index]), path("away")).unwrap();
        expect(first_of(&sealed[index]), "a missing sealed segment");
        fs::rename(path("away"), path(&sealed[index])).unwrap();
    }
    let (a, b) = (fs::read(path(&sealed[1])).unwrap(), fs::read(path(&sealed[2])).unwrap());
    fs::write(path(&sealed[1]), &b).unwrap();
    fs::write(path(&sealed[2]), &a).unwrap();
    expect(first_of(&sealed[1]), "two segments in each other's place");
    fs::write(path(&sealed[1]), &a[..a.len() - 1]).unwrap();
    expect(first_of(&sealed[1]), "a segment cut short");
    fs::write(path(&sealed[1]), &a).unwrap();
    fs::write(path(&sealed[2]), &b).unwrap();
    let open = names(dir.path(), ".open");
    for name in &open {
        fs::rename(path(name), path(&format!("{name}.away"))).unwrap();
    }
    let last = report(dir.path());
    assert_eq!(last.damage.map(|damage| damage.seq), Some(last.last + 1), "no segment to write to");
    fs::rename(path(&format!("{}.away", open[0])), path(&open[0])).unwrap();
    assert!(report(dir.path()).ok());
}

#[test]
fn an_entry_changed_together_with_its_checksums_is_found() {
    let dir = written(100);
    let name = names(dir.path(), ".open")[0].clone();
    let path = dir.path().join(&name);
    let mut bytes = fs::read(&path).unwrap();
    let start = 4_096;
    let length = 104 + u32::from_le_bytes(bytes[start + 32..][..4].try_into().unwrap()) as usize;
    bytes[start + 300] ^= 1;
    let digest = hutong_audit::digest(&bytes[start + 104..start + length]);
    bytes[start + 40..start + 72].copy_from_slice(&digest);
    let crc = crc32fast::hash(&bytes[start + 8..start + length]);
    bytes[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    let seq = u64::from_le_bytes(bytes[start + 16..][..8].try_into().unwrap());
    fs::write(&path, &bytes).unwrap();
    let found = report(dir.path()).damage.unwrap();
    assert_eq!((found.seq, found.why.as_str()), (seq, "the hash chain is broken"));
}

fn fake_journal(disk: &Fake, reserve_bytes: u64) -> Journal {
    let options = JournalOptions { reserve_bytes, ..options() };
    Journal::open(Arc::new(disk.clone()), options).unwrap().0
}

/// Sends until it is accepted, which must not take long.
fn accepted(journal: &Journal, id: &str, size: usize) -> Committed {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match Answer::of(journal, draft(id, size)).wait() {
            Ok(committed) => return committed,
            Err(error) => assert!(Instant::now() < end, "it does not go on: {error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn after_a_failed_write_or_sync_nothing_more_is_accepted() {
    for call in [Call::Write, Call::Sync] {
        let disk = Fake::new(Image::default(), Sabotage::None);
        let journal = fake_journal(&disk, 0);
        submit(&journal, draft("C1", 300));
        disk.fail(Some((call, ErrorKind::Other)));
        assert!(matches!(Answer::of(&journal, draft("C2", 300)).wait(), Err(StoreError::Stopped)), "{call:?}");
        disk.fail(None);
        assert!(matches!(Answer::of(&journal, draft("C3", 300)).wait(), Err(StoreError::Stopped)), "{call:?}");
        assert!(journal.is_stopped());
        let counts = journal.counts();
        assert_eq!((counts.received, counts.journalled, counts.answered), (1, 1, 1));
        drop(journal);
        // Whether C2 reached the disk cannot be known; it was not acknowledged, and nothing else is there.
        let journal = fake_journal(&Fake::new(disk.image(), Sabotage::None), 0);
        assert!((1..=2).contains(&journal.durable()));
        assert_eq!(submit(&journal, draft("C1", 300)).duplicate_of, Some(1));
    }
}

#[test]
fn without_space_nothing_is_accepted_and_it_goes_on_by_itself() {
    let disk = Fake::new(Image::default(), Sabotage::None);
    let journal = fake_journal(&disk, 1 << 20);
    let mut sent = 0;
    for round in 0..5 {
        disk.set_free((1 << 20) + 10_000);
        let mut refused = 0;
        while refused == 0 {
            sent += 1;
            match Answer::of(&journal, draft(&format!("C{sent}"), 3_000)).wait() {
                Ok(_) => {}
                Err(StoreError::Full) => refused += 1,
                Err(other) => panic!("{other}"),
            }
            assert!(sent < 1_000, "round {round}: the reserve was touched");
        }
        disk.set_free(1 << 30);
        accepted(&journal, &format!("C{sent}"), 3_000);
    }
    let counts = journal.counts();
    assert_eq!((counts.stored, counts.journalled, counts.received, counts.answered), (sent, sent, sent, sent));
    assert!(check(&disk).unwrap().ok());
}

#[test]
fn a_write_that_finds_no_space_is_refused_and_its_place_written_again() {
    let disk = Fake::new(Image::default(), Sabotage::None);
    let journal = fake_journal(&disk, 0);
    submit(&journal, draft("C1", 300));
    for (number, size) in [(2, 9_000), (3, 300), (4, 5_000)] {
        disk.fail(Some((Call::Write, ErrorKind::StorageFull)));
        let refused = Answer::of(&journal, draft(&format!("C{number}"), 20_000)).wait();
        assert!(matches!(refused, Err(StoreError::Full)));
        disk.fail(None);
        // The next segment may have found no space either; then it takes a moment.
        assert_eq!(accepted(&journal, &format!("C{number}"), size).seq, number);
    }
    drop(journal);
    let report = check(&disk).unwrap();
    assert_eq!((report.entries, report.ok()), (4, true), "{report:?}");
    assert_eq!(fake_journal(&disk, 0).durable(), 4);
}

#[test]
fn what_fails_in_the_background_is_tried_again() {
    for call in [Call::Create, Call::Rename, Call::SyncDir] {
        let disk = Fake::new(Image::default(), Sabotage::None);
        let journal = fake_journal(&disk, 0);
        disk.fail(Some((call, ErrorKind::Other)));
        let mut early = 0;
        for number in 1..=60 {
            early += u64::from(Answer::of(&journal, draft(&format!("C{number}"), 3_000)).wait().is_ok());
        }
        disk.fail(None);
        assert!(early < 60, "{call:?}");
        accepted(&journal, "again", 3_000);
        sealed(&journal);
        drop(journal);
        let report = check(&disk).unwrap();
        assert!(report.ok() && report.entries > early, "{call:?}: {report:?}");
    }
}
