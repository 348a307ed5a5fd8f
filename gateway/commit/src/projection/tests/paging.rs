//! Pages under writes: what existed when the first page was read and was left alone comes exactly once.

use std::collections::BTreeSet;

use super::rebuild::{Random, resource};
use super::support::*;
use crate::entry::Update;
use crate::search::{Cursor, Query};

/// Reads all pages, writing between them; the ids in their order.
fn pages(world: &mut World, mut query: Query, mut between: impl FnMut(&mut World)) -> Vec<String> {
    let mut out = Vec::new();
    loop {
        let (ids, page) = world.page(&query);
        assert!(ids.len() <= query.count);
        assert!(page.next.is_none() || ids.len() == query.count);
        out.extend(ids);
        let Some(next) = page.next else { return out };
        // a cursor survives its journey through a URL
        query.after = Some(Cursor::decode(&next.encode()).unwrap());
        between(world);
    }
}

#[test]
fn pages_together_are_the_whole_in_order() {
    let mut world = World::new();
    let mut random = Random(3);
    super::rebuild::write(&world, &mut random, 300);
    world.catch_up(30);
    for (ty, query) in [
        ("Observation", ""),
        ("Observation", "_sort=-date"),
        ("Observation", "_sort=date"),
        ("Observation", "_sort=code,-_lastUpdated"),
        ("Observation", "_sort=status,date,-_id"),
        ("Observation", "_sort=-_lastUpdated"),
        ("Observation", "_sort=_lastUpdated&status=final,corrected"),
        ("Observation", "patient=p1&_sort=-date"),
        ("Observation", "code=c1&_sort=date"),
        ("Patient", "_sort=name"),
        ("Patient", "_sort=-birthdate,family"),
        ("Patient", "_sort=_id"),
    ] {
        let whole = world.ask(ty, format!("{query}&_count=500").replace("&&", "&").trim_start_matches('&'));
        assert!(!whole.is_empty(), "{query}");
        for count in [1, 2, 5] {
            let mut asked = parse(ty, query);
            asked.count = count;
            assert_eq!(pages(&mut world, asked, |_| {}), whole, "{ty}?{query} by {count}");
        }
    }
}

#[test]
fn nothing_is_repeated_or_skipped_while_others_write() {
    for query in ["", "_sort=date", "_sort=-date", "_sort=-_lastUpdated", "_sort=_lastUpdated", "_sort=code"] {
        let mut world = World::new();
        let one = |n: u64, day: u64| {
            put(
                "Observation",
                &format!("x{n:03}"),
                &format!(
                    r#""status":"final","code":{{"coding":[{{"code":"k{}"}}]}},"effectiveDateTime":"2026-01-{:02}""#,
                    (n + day) % 7,
                    1 + day
                ),
            )
        };
        for n in 0..60 {
            world.send("", vec![one(n, n % 28)]);
        }
        let mut random = Random(1 << 40);
        let mut touched = BTreeSet::new();
        let (mut round, mut late) = (0, 0);
        let mut asked = parse("Observation", query);
        asked.count = 7;
        let got = pages(&mut world, asked, |world| {
            round += 1;
            // one that is changed (and may move), new ones before, among and behind, and others' business
            late += 3;
            let mut news = vec![one(500 + late, 0), one(501 + late, 14), one(502 + late, 27), resource(&mut random)];
            for _ in 0..5 {
                let n = random.below(60);
                touched.insert(format!("x{n:03}"));
                news.push(one(n, random.below(28)));
            }
            let n = random.below(60);
            touched.insert(format!("x{n:03}"));
            news.push(draft(Update::Delete, "Observation", &format!("x{n:03}"), 0, ""));
            world.send("", news);
        });
        assert!(round >= 5, "{query}: {round}");
        let distinct: BTreeSet<&String> = got.iter().collect();
        assert_eq!(distinct.len(), got.len(), "{query}: repeated");
        // sorted by time of change, what changed has left its place; unsorted, what was deleted is gone
        let may_miss = query.is_empty() || query.contains("lastUpdated");
        for n in 0..60 {
            let id = format!("x{n:03}");
            assert!((may_miss && touched.contains(&id)) || distinct.contains(&id), "{query}: {id} was skipped");
        }
        assert!(got.iter().all(|id| !id.starts_with("x5")), "{query}: born after the first page");
    }
}

#[test]
fn a_cursor_of_another_search_is_refused() {
    let mut world = World::new();
    for n in 0..3 {
        world.send("", vec![put("Patient", &format!("p{n}"), "")]);
    }
    let mut query = parse("Patient", "_count=1");
    query.after = world.page(&query).1.next;
    let mut other = parse("Patient", "_count=1&_sort=name");
    other.after = query.after.clone();
    assert!(world.reader.search(&other).is_err());
    assert!(world.reader.search(&query).is_ok());
}
