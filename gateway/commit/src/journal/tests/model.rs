//! Duplicates against a model: any order of arrivals, conflicts, restarts and sealing gives what a plain map gives.

use std::collections::HashMap;

use proptest::prelude::*;

use super::sealing::sealed;
use super::*;

#[derive(Clone, Debug)]
enum Act {
    /// Source, control id, bytes, and whether other bytes are refused.
    Send {
        source: u8,
        id: u8,
        bytes: u8,
        strict: bool,
        size: u16,
    },
    /// Several at once, so that they meet in one batch.
    Burst {
        source: u8,
        id: u8,
        bytes: Vec<u8>,
    },
    Restart,
    Seal,
}

fn act() -> impl Strategy<Value = Act> {
    let send = (0..2u8, 0..6u8, 0..3u8, any::<bool>(), 10..4_000u16).prop_map(|(source, id, bytes, strict, size)| Act::Send {
        source,
        id,
        bytes,
        strict,
        size,
    });
    let burst = (0..2u8, 0..6u8, prop::collection::vec(0..3u8, 2..6)).prop_map(|(source, id, bytes)| Act::Burst { source, id, bytes });
    prop_oneof![12 => send, 3 => burst, 1 => Just(Act::Restart), 1 => Just(Act::Seal)]
}

/// Control id 0 is none.
fn message(source: u8, id: u8, bytes: u8, strict: bool, size: u16, receipt: usize) -> Draft {
    let mut draft = draft(&format!("C{id}"), size.into());
    if id == 0 {
        draft.control_id.clear();
    }
    draft.source = format!("S{source}");
    draft.content_hash = [bytes; 32];
    draft.receipt = format!("R{receipt}");
    draft.answer = format!("AA {receipt}").into_bytes();
    draft.conflict = strict.then(|| conflict_answer(format!("AE {receipt}").as_bytes()));
    draft
}

/// Bytes seen, the entry that holds them, its answer.
type Held = (u8, u64, Vec<u8>);

/// What the journal must know: for each source and id, the bytes seen with their number and answer, in order.
#[derive(Default)]
struct Model {
    known: HashMap<(u8, u8), Vec<Held>>,
    entries: u64,
}

impl Model {
    fn expect(&mut self, source: u8, id: u8, bytes: u8, strict: bool, receipt: usize) -> Committed {
        self.entries += 1;
        let (seq, answer) = (self.entries, |text: &str| format!("{text} {receipt}").into_bytes());
        if id == 0 {
            return Committed { seq, outcome: Final::Stored, answer: answer("AA"), duplicate_of: None };
        }
        let known = self.known.entry((source, id)).or_default();
        if let Some((_, first, answer)) = known.iter().find(|(other, _, _)| *other == bytes) {
            return Committed { seq, outcome: Final::Duplicate, answer: answer.clone(), duplicate_of: Some(*first) };
        }
        let refused = strict && !known.is_empty();
        let (outcome, answer) = if refused { (Final::Rejected, answer("AE")) } else { (Final::Stored, answer("AA")) };
        known.push((bytes, seq, answer.clone()));
        Committed { seq, outcome, answer, duplicate_of: None }
    }
}

fn same(found: &Committed, expected: &Committed) -> Result<(), TestCaseError> {
    prop_assert_eq!((found.seq, found.outcome, found.duplicate_of), (expected.seq, expected.outcome, expected.duplicate_of));
    prop_assert_eq!(&found.answer, &expected.answer);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn duplicates_are_what_a_map_says(acts in prop::collection::vec(act(), 1..120)) {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Some(open(dir.path()).0);
        let mut model = Model::default();
        for (receipt, act) in acts.into_iter().enumerate() {
            let current = journal.as_ref().unwrap();
            match act {
                Act::Send { source, id, bytes, strict, size } => {
                    let found = submit(current, message(source, id, bytes, strict, size, receipt));
                    same(&found, &model.expect(source, id, bytes, strict, receipt))?;
                }
                Act::Burst { source, id, bytes } => {
                    let waiting: Vec<_> =
                        bytes.iter().map(|&bytes| Answer::of(current, message(source, id, bytes, true, 100, receipt))).collect();
                    for (answer, bytes) in waiting.into_iter().zip(bytes) {
                        same(&answer.wait().unwrap(), &model.expect(source, id, bytes, true, receipt))?;
                    }
                }
                Act::Seal => sealed(current),
                Act::Restart => {
                    drop(journal.take());
                    journal = Some(open(dir.path()).0);
                }
            }
        }
        prop_assert_eq!(journal.unwrap().durable(), model.entries);
    }
}
