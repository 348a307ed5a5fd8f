//! Writing, reading, opening again, duplicates.

use std::time::Duration;

use super::*;

#[test]
fn what_was_answered_is_read_also_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, recovery) = open(dir.path());
    assert_eq!(recovery, Recovery::default());
    let count = 300;
    for number in 1..=count {
        let committed = submit(&journal, draft(&format!("C{number}"), 900));
        assert_eq!((committed.seq, committed.outcome, committed.duplicate_of), (number, Final::Stored, None));
        assert_eq!(committed.answer, format!("MSA|AA|C{number}").into_bytes());
    }
    let check = |journal: &Journal| {
        let mut time = 0;
        for number in 1..=count {
            let entry = journal.shared().read(number).unwrap();
            assert_eq!(entry.control_id(), format!("C{number}"));
            assert!(entry.committed_us() >= time);
            time = entry.committed_us();
            let resource = entry.resources().next().unwrap();
            let body = journal.shared().part(number, resource.body_offset(), resource.body().len()).unwrap();
            assert_eq!(body, resource.body());
        }
        assert!(journal.shared().read(count + 1).is_err());
        assert!(journal.shared().read(0).is_err());
        let counts = journal.counts();
        assert_eq!((counts.received, counts.journalled, counts.answered, counts.stored), (count, count, count, count));
    };
    check(&journal);
    drop(journal);
    let (journal, recovery) = open(dir.path());
    assert_eq!((recovery.last, recovery.torn), (count, None));
    check(&journal);
}

#[test]
fn many_waiting_entries_share_a_flush() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let answers: Vec<_> = (0..2_000).map(|number| Answer::of(&journal, draft(&format!("C{number}"), 300))).collect();
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.wait().unwrap().seq, number as u64 + 1);
    }
    assert!(journal.flushes() < 1_000, "{} flushes", journal.flushes());
}

#[test]
fn the_same_message_gets_the_same_answer_and_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    submit(&journal, draft("C1", 300));
    for round in 0..3u64 {
        let mut again = draft("C1", 300);
        (again.receipt, again.answer) = (format!("again-{round}"), b"another answer".to_vec());
        let committed = submit(&journal, again);
        assert_eq!((committed.outcome, committed.duplicate_of), (Final::Duplicate, Some(1)));
        assert_eq!(committed.answer, b"MSA|AA|C1");
        let entry = journal.shared().read(committed.seq).unwrap();
        assert_eq!((entry.refers(), entry.receipt(), entry.resources().len()), (Some(1), &*format!("again-{round}"), 0));
        let counts = journal.counts();
        assert_eq!((counts.journalled, counts.stored, counts.duplicate), (round + 2, 1, round + 1));
        drop(journal);
        journal = open(dir.path()).0;
    }
    let mut other_source = draft("C1", 300);
    other_source.source = "lis".into();
    assert_eq!(submit(&journal, other_source).outcome, Final::Stored);
    for _ in 0..2 {
        assert_eq!(submit(&journal, draft("", 300)).outcome, Final::Stored, "without control id nothing is a duplicate");
    }
}

#[test]
fn a_message_that_was_refused_takes_no_control_id() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let mut refused = draft("C1", 300);
    refused.outcome = Final::Rejected;
    submit(&journal, refused);
    let corrected = || {
        let mut corrected = draft("C1", 300);
        (corrected.content_hash, corrected.conflict) = ([9; 32], Some(crate::journal::tests::conflict_answer(b"AE 205")));
        submit(&journal, corrected)
    };
    assert_eq!(corrected().outcome, Final::Stored, "corrected and sent again under the same id");
    assert_eq!(corrected().outcome, Final::Duplicate);
}

#[test]
fn a_control_id_with_other_bytes_follows_the_policy_of_its_source() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    submit(&journal, draft("C1", 300));
    let other = |conflict: Option<&[u8]>, hash: u8| {
        let mut other = draft("C1", 300);
        (other.content_hash, other.conflict) = ([hash; 32], conflict.map(crate::journal::tests::conflict_answer));
        submit(&journal, other)
    };
    let refused = other(Some(b"AE 205"), 1);
    assert_eq!((refused.outcome, &*refused.answer, refused.duplicate_of), (Final::Rejected, &b"AE 205"[..], None));
    let entry = journal.shared().read(refused.seq).unwrap();
    assert_eq!((entry.conflict(), entry.refers(), entry.resources().len(), entry.raw().len()), (true, Some(1), 0, 150));
    let flagged = other(None, 2);
    assert_eq!((flagged.outcome, &*flagged.answer), (Final::Stored, &b"MSA|AA|C1"[..]));
    let entry = journal.shared().read(flagged.seq).unwrap();
    assert_eq!((entry.reused_control_id(), entry.resources().len()), (true, 1));
    for (hash, seq, outcome) in [(1, refused.seq, b"AE 205".to_vec()), (2, flagged.seq, b"MSA|AA|C1".to_vec())] {
        let again = other(Some(b"AE 205"), hash);
        assert_eq!((again.outcome, again.duplicate_of, again.answer), (Final::Duplicate, Some(seq), outcome));
    }
    let mut later = draft("C1", 300);
    later.received_us += 31 * 24 * 3_600 * 1_000_000;
    assert_eq!(submit(&journal, later).outcome, Final::Stored, "beyond the window nothing is a duplicate");
}

#[test]
fn one_message_sent_by_eight_threads_a_thousand_times_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let outcomes: Vec<Committed> = std::thread::scope(|scope| {
        let send = || {
            let answers: Vec<_> = (0..125).map(|_| Answer::of(&journal, draft("C1", 300))).collect();
            answers.into_iter().map(|answer| answer.wait().unwrap()).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|committed| committed.outcome == Final::Stored).count(), 1);
    assert!(outcomes.iter().all(|committed| committed.answer == b"MSA|AA|C1"));
    let counts = journal.counts();
    assert_eq!((counts.received, counts.journalled, counts.answered), (1_000, 1_000, 1_000));
    assert_eq!((counts.stored, counts.duplicate), (1, 999));
}

#[test]
fn an_entry_longer_than_a_segment_gets_a_longer_one_and_one_over_the_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) =
        Journal::open(Arc::new(RealDisk::new(dir.path()).unwrap()), JournalOptions { entry_bytes_max: 1 << 20, ..options() }).unwrap();
    for (number, size) in [(1, 300), (2, 600_000), (3, 300), (4, 200_000), (5, 70_000)] {
        assert_eq!(submit(&journal, draft(&format!("C{number}"), size)).seq, number);
    }
    let refused = Answer::of(&journal, draft("C6", 2 << 20)).wait();
    assert!(matches!(refused, Err(StoreError::TooLarge { limit: 1_048_576, .. })));
    assert_eq!(journal.counts().received, 5);
    drop(journal);
    let (journal, _) = open(dir.path());
    for number in 1..=5 {
        assert_eq!(journal.shared().read(number).unwrap().control_id(), format!("C{number}"));
    }
}

#[test]
fn what_waits_is_written_before_the_journal_closes_and_nothing_is_accepted_after() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path());
    let answers: Vec<_> = (0..50).map(|number| Answer::of(&journal, draft(&format!("C{number}"), 300))).collect();
    journal.close();
    assert!(answers.into_iter().all(|answer| answer.wait().is_ok()));
    assert!(matches!(Answer::of(&journal, draft("late", 300)).wait(), Err(StoreError::Stopped)));
}

#[test]
fn the_writer_waits_for_a_projection_that_is_too_far_behind() {
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions { lag_max: 10, batch_entries_max: 1, ..options() };
    let (journal, _) = Journal::open(Arc::new(RealDisk::new(dir.path()).unwrap()), options).unwrap();
    journal.shared().feed.set_applied(0);
    let answers: Vec<_> = (0..20).map(|number| Answer::of(&journal, draft(&format!("C{number}"), 300))).collect();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(journal.durable(), 11);
    journal.shared().feed.set_applied(9);
    assert!(answers.into_iter().all(|answer| answer.wait().is_ok()));
}
