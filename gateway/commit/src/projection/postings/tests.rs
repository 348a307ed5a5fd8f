//! The postings against a plain set.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::*;

fn key(n: u64) -> u64 {
    crate::projection::hash::bytes(1, &n.to_le_bytes())
}

struct Model {
    conn: Connection,
    postings: Postings,
    all: BTreeSet<Posting>,
}

impl Model {
    fn new(kind: Kind) -> Model {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(TABLES).unwrap();
        let postings = Postings::open(&conn, kind).unwrap();
        Model { conn, postings, all: BTreeSet::new() }
    }

    fn write(&mut self, new: Vec<Posting>) {
        self.conn.execute_batch("BEGIN").unwrap();
        self.all.extend(&new);
        let written = self.postings.write(&self.conn, new).unwrap();
        self.conn.execute_batch("COMMIT").unwrap();
        self.postings.accept(written);
    }

    fn reopen(&mut self) {
        self.postings = Postings::open(&self.conn, self.postings.kind).unwrap();
    }

    fn runs(&self) -> Runs<'_> {
        Runs::open(&self.conn, Arc::clone(self.postings.state())).unwrap()
    }

    fn check(&self, keys: impl Iterator<Item = u64>) {
        let mut runs = self.runs();
        for k in keys {
            let want: Vec<u64> = self.all.range((k, 0)..=(k, u64::MAX)).map(|p| p.1).collect();
            assert_eq!(runs.get(k).unwrap().unwrap(), want, "{k:x}");
        }
    }
}

#[test]
fn every_posting_is_found_through_flushes_and_merges() {
    for kind in [Kind::Ids, Kind::Values] {
        let mut model = Model::new(kind);
        // 1.2 M postings: 18 flushes, two merges of eight
        for batch in 0..300u64 {
            model.write((0..4_000).map(|i| (key(batch * 4_000 + i), i)).collect());
            if batch % 97 == 50 {
                // the merge at hand is given up and begun again
                model.reopen();
            }
        }
        let runs: i64 = model.conn.query_row("SELECT count(*) FROM run WHERE level>0", [], |r| r.get(0)).unwrap();
        assert!(runs >= 1, "nothing was merged");
        model.check((0..1_300_000).step_by(211).map(key));
        assert_eq!(model.runs().all().unwrap(), model.all.iter().copied().collect::<Vec<_>>());
        for _ in 0..2_000 {
            model.write(vec![]);
        }
        let dead: i64 = model.conn.query_row("SELECT count(*) FROM run WHERE level=-2", [], |r| r.get(0)).unwrap();
        let chunks: i64 = model.conn.query_row("SELECT count(*) FROM chunk", [], |r| r.get(0)).unwrap();
        let named: i64 = model.conn.query_row("SELECT ifnull(sum(chunks),0) FROM run WHERE level>=0", [], |r| r.get(0)).unwrap();
        assert_eq!((dead, chunks), (0, named), "what was merged is removed");
    }
}

#[test]
fn keys_with_very_many_values_are_found_whole() {
    let mut model = Model::new(Kind::Values);
    let heavy = [key(1), key(2), 0, u64::MAX];
    for batch in 0..40u64 {
        let mut new: Vec<Posting> = (0..2_000).map(|i| (key(10 + batch * 2_000 + i), i)).collect();
        for k in heavy {
            new.extend((0..700).map(|i| (k, batch * 700 + i)));
        }
        model.write(new);
    }
    model.check(heavy.into_iter().chain((0..200).map(key)));
}

#[test]
fn too_many_values_are_refused_and_not_cut() {
    let mut model = Model::new(Kind::Values);
    for batch in 0..3 {
        model.write((0..70_000).map(|i| (5, batch * 70_000 + i)).collect());
    }
    assert_eq!(model.runs().get(5).unwrap(), None);
}

#[test]
fn a_transaction_that_is_rolled_back_leaves_no_trace() {
    let mut model = Model::new(Kind::Ids);
    for batch in 0..18u64 {
        model.write((0..40_000).map(|i| (key(batch * 40_000 + i), 1)).collect());
    }
    model.conn.execute_batch("BEGIN").unwrap();
    let lost = model.postings.write(&model.conn, (0..70_000).map(|i| (key(9_000_000 + i), 1)).collect()).unwrap();
    model.conn.execute_batch("ROLLBACK").unwrap();
    drop(lost);
    model.postings.forget(&model.conn).unwrap();
    model.check((0..10).map(|i| key(9_000_000 + i)));
    for batch in 18..40u64 {
        model.write((0..40_000).map(|i| (key(batch * 40_000 + i), 1)).collect());
    }
    model.check((0..1_700_000).step_by(997).map(key));
}
