//! Readers beside the writer: every answer is of one state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::*;
use crate::store::Projection;

#[test]
fn a_resource_that_is_changed_all_the_time_is_found_all_the_time() {
    let mut world = World::new();
    let version = |n: u64| {
        put("Patient", "p", &format!(r#""identifier":[{{"value":"mrn"}}],"name":[{{"text":"名 {n}"}}],"birthDate":"19{:02}""#, n % 100))
    };
    world.send("", vec![version(0)]);
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (reader, done) = (world.reader.clone(), Arc::clone(&done));
            std::thread::spawn(move || {
                let (mut asked, mut last) = (0u64, 0);
                while !done.load(Ordering::Relaxed) {
                    for text in ["identifier=mrn", "name=名", "_id=p"] {
                        let page = reader.search(&parse("Patient", text)).map_err(|e| format!("{e:?}")).unwrap();
                        assert_eq!(page.matches.len(), 1, "{text}");
                        let version = &page.matches[0].version;
                        assert!(version.version >= last, "time went backwards");
                        last = version.version;
                        // body, version and place belong together
                        let body = String::from_utf8(version.body.clone()).unwrap();
                        assert!(body.contains(&format!("名 {}\"", version.version - 1)), "{body}");
                        asked += 1;
                    }
                }
                asked
            })
        })
        .collect();
    for n in 1..1_500 {
        world.send("", vec![version(n), put("Observation", &format!("o{n}"), r#""status":"final""#)]);
    }
    assert_eq!(world.writer().applied(), 1_500);
    done.store(true, Ordering::Relaxed);
    let asked: u64 = readers.into_iter().map(|r| r.join().unwrap()).sum();
    assert!(asked > 100, "only {asked} questions");
}

#[test]
fn a_new_beginning_under_readers_shows_the_old_state_or_a_new_one() {
    let mut world = World::new();
    for n in 0..50 {
        world.send("", vec![put("Patient", &format!("p{n}"), r#""gender":"male""#)]);
    }
    let done = Arc::new(AtomicBool::new(false));
    let (reader, stop) = (world.reader.clone(), Arc::clone(&done));
    let asking = std::thread::spawn(move || {
        let mut counts = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let page = reader.search(&parse("Patient", "gender=male&_count=100")).map_err(|e| format!("{e:?}")).unwrap();
            counts.push(page.matches.len());
        }
        counts
    });
    for _ in 0..5 {
        world.writer().reset().unwrap();
        world.catch_up(10);
    }
    done.store(true, Ordering::Relaxed);
    let counts = asking.join().unwrap();
    assert!(!counts.is_empty() && counts.iter().all(|n| n.is_multiple_of(10)), "a state between two batches: {counts:?}");
}
