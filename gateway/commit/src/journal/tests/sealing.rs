//! Sealing under load, reading what was sealed, and what a crash between its steps leaves.

use std::fs;
use std::time::{Duration, Instant};

use super::*;

/// Waits until only the segment that is written to is open.
pub(super) fn sealed(journal: &Journal) {
    let end = Instant::now() + Duration::from_secs(20);
    while journal.shared().segments.next_to_seal().is_some() {
        assert!(Instant::now() < end, "sealing takes too long");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(super) fn filled(dir: &Path, count: u64) -> Journal {
    let (journal, _) = open(dir);
    let answers: Vec<_> = (1..=count).map(|number| Answer::of(&journal, draft(&format!("C{number}"), 2_000))).collect();
    answers.into_iter().for_each(|answer| drop(answer.wait().unwrap()));
    sealed(&journal);
    journal
}

fn files(dir: &Path, ending: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|item| item.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    names
}

fn check(journal: &Journal, count: u64) {
    for number in (1..=count).rev() {
        let entry = journal.shared().read(number).unwrap();
        assert_eq!((entry.seq(), entry.control_id()), (number, &*format!("C{number}")));
    }
    for number in [1, 2, count / 2, count] {
        let again = submit(journal, draft(&format!("C{number}"), 2_000));
        assert_eq!((again.outcome, again.duplicate_of), (Final::Duplicate, Some(number)));
    }
}

#[test]
fn full_segments_are_sealed_and_their_files_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = filled(dir.path(), 1_000);
    assert!(files(dir.path(), ".sealed").len() > 20);
    assert!(files(dir.path(), ".open").len() <= 2);
    assert!(files(dir.path(), ".spare").len() <= 2);
    assert!(files(dir.path(), ".ids").len() < 16, "{:?}", files(dir.path(), ".ids"));
    check(&journal, 1_000);
    drop(journal);
    let (journal, recovery) = open(dir.path());
    assert_eq!(recovery.last, 1_004);
    assert!(recovery.scanned < 100, "only the open segment is read: {}", recovery.scanned);
    check(&journal, 1_000);
    let counts = journal.counts();
    assert_eq!((counts.journalled, counts.stored, counts.duplicate), (1_008, 1_000, 8));
}

#[test]
fn a_dictionary_that_no_longer_fits_is_learnt_anew() {
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions { segment_bytes: 256 << 10, ..options() };
    let (journal, _) = Journal::open(Arc::new(RealDisk::new(dir.path()).unwrap()), options).unwrap();
    let mut shared = Vec::new();
    // First what looks alike, then what has another text, then what cannot be compressed, then the first again.
    for number in 0..600u64 {
        let mut draft = draft(&format!("C{number}"), 2_000);
        let text = |salt: u64| hutong_audit::digest(&(salt * 1_000 + number / 150).to_le_bytes()).map(|byte| byte % 26 + b'a');
        draft.raw = match number / 150 {
            0 | 3 => (0..60).flat_map(|salt| text(salt % 7)).collect(),
            1 => (0..60).flat_map(|salt| text(100 + salt % 50)).collect(),
            _ => (0..60).flat_map(|salt| hutong_audit::digest(&(number * 100 + salt).to_le_bytes())).collect(),
        };
        shared.push(draft.raw.clone());
        submit(&journal, draft);
    }
    sealed(&journal);
    assert!(files(dir.path(), ".sealed").len() >= 5);
    assert!(files(dir.path(), ".tmp").is_empty());
    for (number, raw) in shared.iter().enumerate() {
        assert_eq!(journal.shared().read(number as u64 + 1).unwrap().raw(), raw);
    }
    assert!(crate::journal::verify::check(&RealDisk::existing(dir.path()).unwrap()).unwrap().ok());
}

#[test]
fn lost_or_damaged_files_of_control_ids_are_made_again() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), 400));
    for (index, name) in files(dir.path(), ".ids").into_iter().enumerate() {
        let path = dir.path().join(name);
        if index % 2 == 0 { fs::remove_file(path).unwrap() } else { fs::write(path, b"damaged").unwrap() }
    }
    let (journal, _) = open(dir.path());
    check(&journal, 400);
    // Damaged while the journal is open: the sealed segments themselves are searched.
    for name in files(dir.path(), ".ids") {
        let path = dir.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 100;
        bytes[4_096 + 64..last].iter_mut().for_each(|byte| *byte ^= 0x55);
        fs::write(&path, bytes).unwrap();
    }
    check(&journal, 400);
}

#[test]
fn what_a_crash_between_the_steps_of_sealing_leaves_is_tidied_up() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 1..=100 {
        submit(&journal, draft(&format!("C{number}"), 2_000));
    }
    sealed(&journal);
    drop(journal);
    let sealed_files = files(dir.path(), ".sealed");
    // Renamed, but the open file was not recycled; and an unfinished one of the next.
    fs::write(dir.path().join("0000000001.open"), fs::read(dir.path().join(files(dir.path(), ".open")[0].clone())).unwrap()).unwrap();
    fs::write(dir.path().join("0000000099.tmp"), b"unfinished").unwrap();
    let (journal, recovery) = open(dir.path());
    assert_eq!(recovery.last, 100);
    assert_eq!(files(dir.path(), ".sealed"), sealed_files);
    assert!(files(dir.path(), ".tmp").is_empty());
    assert!(!dir.path().join("0000000001.open").exists());
    check(&journal, 100);
}

#[test]
fn a_sealed_segment_that_is_missing_or_misnamed_is_noticed() {
    for change in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        drop(filled(dir.path(), 300));
        let names = files(dir.path(), ".sealed");
        let path = |index: usize| dir.path().join(&names[index]);
        match change {
            0 => fs::remove_file(path(1)).unwrap(),
            1 => fs::remove_file(path(names.len() - 1)).unwrap(),
            _ => {
                let last = names.len() - 1;
                let (a, b) = (fs::read(path(last)).unwrap(), fs::read(path(last - 1)).unwrap());
                fs::write(path(last), b).unwrap();
                fs::write(path(last - 1), a).unwrap();
            }
        }
        assert!(matches!(open_result(dir.path()), Err(StoreError::Damaged { .. })), "change {change}");
    }
}

#[test]
fn readers_never_see_a_recycled_file_in_place_of_an_entry() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut random = 7u64;
            while journal.durable() < 2_000 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let seq = 1 + (random >> 33) % journal.durable().max(1);
                if seq <= journal.durable() {
                    assert_eq!(journal.shared().read(seq).unwrap().control_id(), format!("C{seq}"));
                }
            }
        });
        for number in 1..=2_000 {
            submit(&journal, draft(&format!("C{number}"), 2_000));
        }
        reader.join().unwrap();
    });
}
