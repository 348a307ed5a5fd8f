//! Events are read back in the order of the journal, page by page, and after a rebuild.

use super::support::*;
use crate::store::Projection;

#[test]
fn events_come_back_in_order() {
    let mut world = World::new();
    world.journal.with_events("his", "ADT^A01", Vec::new(), &[("identity", "1"), ("registry", "x"), ("identity", "2")]);
    world.journal.add("his", "ADT^A01", Vec::new());
    world.journal.with_events("his", "", Vec::new(), &[("identity", "3")]);
    let projection = world.projection.as_mut().unwrap();
    projection.apply(&world.journal.from(0)).unwrap();
    let read = |kind: &str, after, count| -> Vec<(u64, u32, String)> {
        let events = world.reader.events(kind, after, count).unwrap();
        assert!(events.iter().all(|e| e.at_us == START_US + e.seq as i64 * 1_000_000));
        events.into_iter().map(|e| (e.seq, e.n, String::from_utf8(e.body).unwrap())).collect()
    };
    let row = |seq, n, text: &str| (seq, n, text.to_owned());
    assert_eq!(read("identity", None, 9), [row(1, 0, "1"), row(1, 2, "2"), row(3, 0, "3")]);
    assert_eq!(read("identity", None, 2), [row(1, 0, "1"), row(1, 2, "2")]);
    assert_eq!(read("identity", Some((1, 2)), 9), [row(3, 0, "3")]);
    assert_eq!(read("registry", None, 9), [row(1, 1, "x")]);
    assert_eq!(read("nobody's", None, 9), []);
    projection.reset().unwrap();
    projection.apply(&world.journal.from(0)).unwrap();
    assert_eq!(read("identity", None, 9).len(), 3);
}
