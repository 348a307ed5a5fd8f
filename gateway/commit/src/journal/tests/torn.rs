//! Ends of the journal as a crash or damage leaves them.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use super::*;
use crate::journal::frame::{BLOCK, FrameHeader, FrameKind, intact};
use crate::journal::segments::Place;

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
        // only bytes that are zero anyway are missing
        if torn == bytes {
            continue;
        }
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
    for cut in [0, 1, 103, 104, 200] {
        let (dir, bytes, starts) = written();
        fs::write(dir.path().join("0000000001.open"), &bytes[..(starts[2] + cut) as usize]).unwrap();
        let (journal, recovery) = open(dir.path());
        assert_eq!(recovery.last, 2, "cut at {cut}");
        for number in 3..=60 {
            assert_eq!(submit(&journal, draft(&format!("D{number}"), 300)).seq, number);
        }
        drop(journal);
        assert_eq!(open(dir.path()).1.last, 60);
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
    // Of a batch of two the first frame was lost; the second reached the disk.
    let digest = [1; 32];
    let header = FrameHeader {
        kind: FrameKind::Entry,
        epoch: u64::from_le_bytes(bytes[starts[0] as usize + 8..][..8].try_into().unwrap()),
        seq: 5,
        time_us: i64::MAX,
        length: 7,
        position: 1,
        digest,
        link: digest,
    };
    let mut frame = Vec::new();
    header.write(b"payload", &mut frame);
    let end = starts[2] + BLOCK;
    let second = end as usize + 1_000;
    let mut torn = bytes.clone();
    torn[second..second + frame.len()].copy_from_slice(&frame);
    fs::write(&file, &torn).unwrap();
    let (journal, recovery) = open(dir.path());
    assert_eq!((recovery.last, recovery.torn.map(|torn| torn.1)), (3, Some(end)));
    drop(journal);
    let cleaned = fs::read(&file).unwrap();
    assert_eq!(cleaned, bytes, "nothing of it is left");
}

#[test]
fn a_missing_segment_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for number in 1..=200 {
        submit(&journal, draft(&format!("C{number}"), 2_000));
    }
    drop(journal);
    let names = || fs::read_dir(dir.path()).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    let first_open = names().filter(|name| name.ends_with(".open")).min().unwrap();
    fs::remove_file(dir.path().join(first_open)).unwrap();
    assert!(matches!(open_result(dir.path()), Err(StoreError::Damaged { .. })));
    names().filter(|name| name.ends_with(".open")).for_each(|name| fs::remove_file(dir.path().join(name)).unwrap());
    assert!(matches!(open_result(dir.path()), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_stale_frame_of_a_recycled_segment_is_never_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path()).0;
    for number in 1..=400 {
        submit(&journal, draft(&format!("C{number}"), 2_000));
        sealing::sealed(&journal);
    }
    journal.close();
    let open_segment = journal.shared().segments.find(400).unwrap();
    let Place::Open(segment, last) = open_segment else { panic!("the last entry is in an open segment") };
    let path = dir.path().join(segment.name());
    let bytes = fs::read(&path).unwrap();
    // Behind the end stand intact frames of an earlier segment, whose file this was.
    let stale = (1..bytes.len() as u64 / BLOCK).map(|block| block * BLOCK).find(|&at| {
        let epoch = u64::from_le_bytes(bytes[at as usize + 8..][..8].try_into().unwrap());
        at > last
            && epoch != segment.epoch
            && FrameHeader::read(&bytes[at as usize..], epoch).is_some_and(|(header, crc)| {
                header.kind == FrameKind::Entry && intact(&bytes[at as usize..][..header.extent() as usize], crc)
            })
    });
    let stale = stale.expect("the segment's file was used before") as usize;
    // It stands exactly where the next frame would.
    let next = (last + length(&bytes, last)).next_multiple_of(BLOCK) as usize;
    let mut placed = bytes.clone();
    placed.copy_within(stale..stale + 2 * BLOCK as usize, next);
    fs::write(&path, &placed).unwrap();
    drop(journal);
    let (journal, recovery) = open(dir.path());
    assert_eq!((recovery.last, recovery.torn), (400, None));
    assert!(journal.shared().read(401).is_err());
    assert_eq!(submit(&journal, draft("C401", 2_000)).seq, 401);
}
