//! A file that is damaged, alien, ahead or not to be trusted is noticed and computed again.

use std::fs;
use std::io::{Seek, SeekFrom, Write};

use super::rebuild::{Random, write};
use super::support::*;
use crate::store::Projection;

fn filled() -> World {
    let mut world = World::new();
    write(&world, &mut Random(99 << 32), 150);
    world.catch_up(20);
    world
}

/// Closes, lets `harm` do its work on the file, opens, and says whether the file was kept.
fn after(world: &mut World, harm: impl FnOnce(&std::path::Path)) -> bool {
    world.projection.take().unwrap().close().unwrap();
    harm(&world.file());
    let (projection, reader) = open(world.dir.path(), &world.journal);
    (world.projection, world.reader) = (Some(projection), reader);
    world.writer().applied() == world.journal.from(0).len() as u64
}

fn sql(path: &std::path::Path, text: &str) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(text).unwrap();
}

fn overwrite(path: &std::path::Path, at: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn what_is_wrong_at_opening_is_replaced() {
    type Harm = fn(&std::path::Path);
    let cases: [(&str, Harm); 12] = [
        ("empty", |p| fs::write(p, b"").unwrap()),
        ("not a database", |p| fs::write(p, [b'x'; 50_000]).unwrap()),
        ("header overwritten", |p| overwrite(p, 0, &[0xff; 200])),
        ("schema page overwritten", |p| overwrite(p, 100, &[0xff; 3_900])),
        ("cut", |p| {
            let length = fs::metadata(p).unwrap().len();
            fs::OpenOptions::new().write(true).open(p).unwrap().set_len(length / 2).unwrap();
        }),
        ("other schema", |p| sql(p, "UPDATE meta SET value='other' WHERE key='schema'")),
        ("no schema", |p| sql(p, "DELETE FROM meta WHERE key='schema'")),
        ("ahead of the journal", |p| sql(p, "UPDATE meta SET value=1000 WHERE key='applied'")),
        ("of another journal", |p| sql(p, "UPDATE message SET receipt='other' WHERE seq=150")),
        ("last message missing", |p| sql(p, "DELETE FROM message WHERE seq=150")),
        ("not closed before a restart", |p| sql(p, "UPDATE meta SET value='open other-boot/1' WHERE key='state'")),
        ("texts with a gap", |p| sql(p, "DELETE FROM intern WHERE n=3")),
    ];
    let want = dump(&filled());
    for (name, harm) in cases {
        let mut world = filled();
        assert!(!after(&mut world, harm), "{name}: the file was kept");
        assert_eq!(world.writer().applied(), 0, "{name}");
        world.catch_up(50);
        assert_eq!(dump(&world), want, "{name}");
        let files =
            fs::read_dir(world.dir.path()).unwrap().filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|e| e == "db")).count();
        assert_eq!(files, 1, "{name}: the old file is removed");
    }
}

#[test]
fn a_good_file_is_kept() {
    let mut world = filled();
    assert!(after(&mut world, |_| {}));
    let mut world = filled();
    world.reopen(false);
    assert_eq!(world.writer().applied(), 150, "after a kill in the same boot");
}

#[test]
fn a_lagging_file_goes_on_where_it_was() {
    let mut world = filled();
    let want_after = {
        write(&world, &mut Random(5), 50);
        let mut fresh = World::of(world.journal.clone());
        fresh.catch_up(13);
        dump(&fresh)
    };
    world.reopen(true);
    assert_eq!(world.writer().applied(), 150);
    world.catch_up(7);
    assert_eq!(dump(&world), want_after);
}

#[test]
fn damage_met_while_running_is_repaired_by_computing_anew() {
    let want = dump(&filled());
    let mut world = filled();
    assert!(after(&mut world, |p| {
        // every page but the first few, which opening reads
        let length = fs::metadata(p).unwrap().len();
        let texts = rusqlite::Connection::open(p).unwrap();
        let page: u64 = texts
            .query_row("SELECT rootpage FROM sqlite_schema WHERE name='r_Patient'", [], |r| r.get::<_, i64>(0))
            .unwrap()
            .unsigned_abs();
        drop(texts);
        assert!(page * 4096 <= length);
        overwrite(p, (page - 1) * 4096, &[0xee; 4096]);
    }));
    let query = parse("Patient", "gender=male");
    assert!(world.reader.search(&query).is_err(), "a damaged table cannot be searched");
    // the writer is told, begins anew, and is fed from the start
    assert!(world.writer().is_damaged());
    world.writer().reset().unwrap();
    world.catch_up(50);
    assert_eq!(dump(&world), want);

    // met by the writer itself
    let mut world = filled();
    let entry = world.journal.add("his", "", vec![put("Patient", "p2", "")]);
    assert!(after(&mut world, |p| sql(p, "DROP TABLE r_Patient")) || world.writer().applied() == 150);
    assert!(world.writer().apply(std::slice::from_ref(&entry)).is_err());
    assert_eq!(world.writer().applied(), 0);
    world.catch_up(50);
    assert_eq!(world.reader.read("Patient", "p2").unwrap().map(|v| v.deleted), Some(false));
}

#[test]
fn a_gap_in_what_is_applied_is_refused() {
    let mut world = filled();
    write(&world, &mut Random(1), 2);
    let rest = world.journal.from(151);
    assert!(world.writer().apply(&rest).is_err());
    assert_eq!(world.writer().applied(), 150);
}
