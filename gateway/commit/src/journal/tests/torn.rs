//! Ends of the journal as a crash or damage leaves them.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use super::*;
use crate::journal::frame::BLOCK;

/// A journal with batches of one entry, then one batch of three, without the mark that a quiet writer leaves; the
/// active segment's bytes and the offset where each batch starts.
fn written() -> (tempfile::TempDir, Vec<u8>, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 1..=3 {
        submit(&journal, draft(&format!("C{number}"), 300));
    }
    drop(journal);
    let file = dir.path().join("0000000001.open");
    let mut bytes = fs::read(&file).unwrap();
    let starts: Vec<u64> = (1..).map(|block| block * BLOCK).take_while(|&at| &bytes[at as usize..][..4] == b"HtFr").collect();
    assert_eq!(starts.len(), 3);
    let mark = starts[2] as usize + BLOCK as usize;
    assert_eq!(&bytes[mark..][..4], b"HtMk");
    bytes[mark..].fill(0);
    fs::write(&file, &bytes).unwrap();
    (dir, bytes, starts)
}

fn length(bytes: &[u8], start: u64) -> u64 {
    104 + u64::from(u32::from_le_bytes(bytes[start as usize + 32..][..4].try_into().unwrap()))
}

#[test]
fn a_tail_torn_at_any_byte_is_dropped_and_said_so() {
    let (dir, bytes, starts) = written();
    let file = dir.path().join("0000000001.open");
    let last = starts[2];
    for cut in last..last + length(&bytes, last) {
        let mut torn = bytes.clone();
        torn[cut as usize..].fill(0);
        fs::write(&file, &torn).unwrap();
        let (journal, recovery) = open(dir.path());
        assert_eq!(recovery.last, 2, "cut at {cut}");
        // Less than the first 16 bytes (magic, checksum, epoch) cannot be told from nothing.
        if cut >= last + 16 {
            assert_eq!(recovery.torn.as_ref().map(|torn| torn.1), Some(last), "cut at {cut}");
        }
        // The place is used again, and the entry is not a duplicate of what was dropped.
        let committed = submit(&journal, draft("C3", 300));
        assert_eq!((committed.seq, committed.outcome), (3, Final::Stored));
        drop(journal);
        assert_eq!(open(dir.path()).1.last, 3);
    }
}

#[test]
fn a_file_cut_short_is_a_torn_tail_too() {
    let (dir, bytes, starts) = written();
    let file = dir.path().join("0000000001.open");
    let last = starts[2];
    for cut in [last, last + 1, last + 103, last + 104, last + 200] {
        fs::write(&file, &bytes[..cut as usize]).unwrap();
        let (journal, recovery) = open(dir.path());
        assert_eq!(recovery.last, 2, "cut at {cut}");
        for number in 3..=60 {
            assert_eq!(submit(&journal, draft(&format!("D{cut}-{number}"), 300)).seq, number);
        }
        drop(journal);
        assert_eq!(open(dir.path()).1.last, 60);
        for other in 2..9 {
            let _ = fs::remove_file(dir.path().join(format!("{other:010}.open")));
        }
    }
}

#[test]
fn damage_before_the_last_batch_is_not_taken_for_a_torn_write() {
    let (dir, bytes, starts) = written();
    let file = dir.path().join("0000000001.open");
    for (index, &start) in starts[..2].iter().enumerate() {
        for at in [start, start + 4, start + 20, start + 110, start + length(&bytes, start) - 1] {
            let mut damaged = bytes.clone();
            damaged[at as usize] ^= 1;
            fs::write(&file, &damaged).unwrap();
            let Err(StoreError::Damaged { seq, .. }) = open_result(dir.path()) else { panic!("byte {at}") };
            assert_eq!(seq, index as u64 + 1);
        }
    }
    for at in [0, 9, 20, 90] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(&file, &damaged).unwrap();
        assert!(matches!(open_result(dir.path()), Err(StoreError::Damaged { seq: 1, .. })), "header byte {at}");
    }
}

#[test]
fn a_mark_proves_that_the_last_batch_was_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    submit(&journal, draft("C1", 300));
    drop(journal);
    let file = OpenOptions::new().read(true).write(true).open(dir.path().join("0000000001.open")).unwrap();
    file.write_all_at(b"?", BLOCK + 150).unwrap();
    assert!(matches!(open_result(dir.path()), Err(StoreError::Damaged { seq: 1, .. })));
}

#[test]
fn remains_of_a_torn_batch_never_come_back() {
    let (dir, bytes, starts) = written();
    let file = dir.path().join("0000000001.open");
    // The first frame of a batch of two was lost, the second reached the disk.
    let (journal, _) = open(dir.path());
    let answers: Vec<_> = (4..=40).map(|number| Answer::of(&journal, draft(&format!("C{number}"), 300))).collect();
    answers.into_iter().for_each(|answer| drop(answer.wait()));
    drop(journal);
    let mut later = fs::read(&file).unwrap();
    let batch = starts[2] + BLOCK;
    let second = (4..40).map(|_| ()).fold(batch, |at, ()| {
        let next = (at + length(&later, at)).next_multiple_of(8);
        if at == batch || &later[at as usize..][..4] != b"HtFr" { next } else { at }
    });
    later[batch as usize..second as usize].fill(0);
    // Everything else of later batches is gone as well.
    let end = (second + length(&later, second)) as usize;
    later[end..].fill(0);
    if &later[second as usize..][..4] != b"HtFr" || later[second as usize + 36] == 0 {
        return; // the writer was faster than this test: there was no batch of two
    }
    fs::write(&file, &later).unwrap();
    let (journal, recovery) = open(dir.path());
    assert_eq!((recovery.last, recovery.torn.is_some()), (3, true));
    drop(journal);
    let cleaned = fs::read(&file).unwrap();
    assert!(cleaned[batch as usize..][..8192].iter().all(|&byte| byte == 0));
    assert_eq!(cleaned[..batch as usize], bytes[..batch as usize]);
}

#[test]
fn a_missing_segment_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 1..=200 {
        submit(&journal, draft(&format!("C{number}"), 2_000));
    }
    drop(journal);
    fs::remove_file(dir.path().join("0000000002.open")).unwrap();
    assert!(matches!(open_result(dir.path()), Err(StoreError::Damaged { .. })));
}
