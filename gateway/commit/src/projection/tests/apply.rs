//! What writes do to a resource, rule by rule.

use super::support::*;
use crate::entry::{ResourceDraft, Update};
use crate::projection::{Effect, HistoryOf, Reason};

/// A message type, a resource, and what it is expected to do.
type Step = (&'static str, ResourceDraft, Effect);

/// Sends the steps one by one; the version and the rest of the body (without type, id and meta) at the end.
fn play(steps: Vec<Step>) -> (World, u64, String) {
    let mut world = World::new();
    let (ty, id) = (steps[0].1.resource_type.clone(), steps[0].1.id.clone());
    for (n, (message, resource, want)) in steps.into_iter().enumerate() {
        let seq = world.send(message, vec![resource]);
        let trace = world.reader.trace(seq).unwrap();
        assert_eq!(trace[0].effect, want, "step {n}");
    }
    let version = world.reader.read(&ty, &id).unwrap().unwrap();
    let body = String::from_utf8(version.body).unwrap();
    let rest = body.split_once("},").map_or(String::new(), |(_, rest)| rest.trim_end_matches('}').to_owned());
    (world, version.version, rest)
}

fn lab(status: &str, event: i64, value: u32) -> ResourceDraft {
    draft(Update::Replace, "Observation", "o", event, &format!(r#""status":"{status}","valueInteger":{value}"#))
}

#[test]
fn the_same_result_sent_twice_is_one_version() {
    use Effect::*;
    let oru = "ORU^R01";
    let (_, version, _) = play(vec![(oru, lab("final", 0, 1), Created), (oru, lab("final", 0, 1), Same), (oru, lab("final", 5, 1), Same)]);
    assert_eq!(version, 1);
    let (_, version, rest) = play(vec![(oru, lab("preliminary", 0, 1), Created), (oru, lab("final", 0, 2), Updated)]);
    assert_eq!((version, rest.as_str()), (2, r#""status":"final","valueInteger":2"#));
}

#[test]
fn a_late_or_lower_status_never_overwrites() {
    use Effect::*;
    let oru = "ORU^R01";
    let (world, version, rest) = play(vec![
        (oru, lab("final", 10, 1), Created),
        (oru, lab("preliminary", 20, 2), Superseded(Reason::LowerStatus)),
        (oru, lab("corrected", 30, 3), Updated),
        (oru, lab("final", 40, 4), Superseded(Reason::LowerStatus)),
        (oru, lab("corrected", 25, 5), Superseded(Reason::OlderEvent)),
        (oru, lab("cancelled", 50, 6), Updated),
        (oru, lab("preliminary", 60, 7), Superseded(Reason::Ended)),
        (oru, lab("final", 70, 8), Updated),
    ]);
    assert_eq!((version, rest.as_str()), (4, r#""status":"final","valueInteger":8"#));
    let kept = world.reader.superseded("Observation", "o").unwrap();
    assert_eq!(kept, [(2, Reason::LowerStatus), (4, Reason::LowerStatus), (5, Reason::OlderEvent), (7, Reason::Ended)]);
}

#[test]
fn admissions_out_of_order_keep_the_newest() {
    use Effect::*;
    let at = |event: i64, status: &str, ward: &str| {
        merge("Encounter", "e", event, &format!(r#""status":"{status}","location":[{{"location":{{"display":"{ward}"}}}}]"#))
    };
    let (_, version, rest) = play(vec![
        ("ADT^A01", at(1_000, "in-progress", "内科"), Created),
        ("ADT^A02", at(3_000, "in-progress", "外科"), Updated),
        ("ADT^A02", at(2_000, "in-progress", "儿科"), Superseded(Reason::OlderEvent)),
        ("ADT^A03", at(4_000, "finished", "外科"), Updated),
        ("ADT^A08", at(5_000, "in-progress", "外科"), Superseded(Reason::LowerStatus)),
        ("ADT^A13", at(6_000, "in-progress", "外科"), Updated),
    ]);
    assert_eq!(version, 4);
    assert!(rest.contains("in-progress") && rest.contains("外科"), "{rest}");
}

#[test]
fn a_state_that_was_confirmed_is_as_new_as_its_confirmation() {
    use Effect::*;
    let at =
        |event: i64, ward: &str| merge("Encounter", "e", event, &format!(r#""status":"in-progress","serviceType":{{"text":"{ward}"}}"#));
    let (_, version, rest) = play(vec![
        ("ADT^A01", at(1_000, "内科"), Created),
        ("ADT^A08", at(3_000, "内科"), Same),
        ("ADT^A02", at(2_000, "外科"), Superseded(Reason::OlderEvent)),
    ]);
    assert_eq!(version, 1);
    assert!(rest.contains("内科"));
}

#[test]
fn a_clock_that_is_far_ahead_keeps_nobody_out() {
    use Effect::*;
    let year_2099 = 4_070_908_800_000_000;
    let at = |event: i64, name: &str| merge("Patient", "p", event, &format!(r#""name":[{{"text":"{name}"}}]"#));
    play(vec![
        ("ADT^A01", at(year_2099, "甲"), Created),
        ("ADT^A08", at(START_US, "乙"), Updated),
        ("ADT^A08", at(START_US + 1, "丙"), Updated),
    ]);
}

#[test]
fn merges_overlay_and_clear() {
    use Effect::*;
    let mut cleared = merge("Patient", "p", 0, r#""gender":"male""#);
    cleared.clear = vec!["birthDate".into()];
    let (world, version, rest) = play(vec![
        ("ADT^A01", merge("Patient", "p", 0, r#""birthDate":"1970-01-01","identifier":[{"system":"s","value":"1"}]"#), Created),
        ("ADT^A08", merge("Patient", "p", 0, r#""identifier":[{"system":"t","value":"2"}]"#), Updated),
        ("ADT^A08", cleared, Updated),
        ("ADT^A08", merge("Patient", "p", 0, r#""gender":"male""#), Same),
    ]);
    assert_eq!((version, rest.as_str()), (3, r#""identifier":[{"system":"s","value":"1"},{"system":"t","value":"2"}],"gender":"male""#));
    // each version reads back as it was
    let old = |v| String::from_utf8(world.reader.vread("Patient", "p", v).unwrap().unwrap().body).unwrap();
    assert!(old(1).contains("1970-01-01") && !old(1).contains(r#""value":"2""#));
    assert!(old(2).contains("1970-01-01") && old(2).contains(r#""value":"2""#));
    assert!(old(3).contains(r#""versionId":"3","lastUpdated":"2026-01-01T00:00:03.000Z""#));
    assert!(world.reader.vread("Patient", "p", 4).unwrap().is_none());
}

#[test]
fn what_a_source_repeats_does_not_undo_another_source() {
    let mut world = World::new();
    let mut from = |source: &str, rest: &str| {
        let entry = world.journal.add(source, "ADT^A08", vec![merge("Patient", "p", 0, rest)]);
        let _ = crate::store::Projection::apply(world.projection.as_mut().unwrap(), std::slice::from_ref(&entry));
        world.reader.trace(entry.seq()).unwrap()[0].effect
    };
    assert_eq!(from("his", r#""gender":"male","birthDate":"1970""#), Effect::Created);
    assert_eq!(from("lis", r#""birthDate":"1971""#), Effect::Updated);
    assert_eq!(from("his", r#""gender":"male","birthDate":"1970""#), Effect::Same);
    assert_eq!(from("his", r#""gender":"male","birthDate":"1972""#), Effect::Updated);
    assert_eq!(from("lis", r#""birthDate":"1971""#), Effect::Same);
    assert!(world.body("Patient", "p").contains("1972"));
}

#[test]
fn deleting_and_coming_back() {
    use Effect::*;
    let gone = || draft(Update::Delete, "Patient", "p", 0, "");
    let (world, version, _) = play(vec![
        ("", put("Patient", "p", r#""active":true"#), Created),
        ("", gone(), Deleted),
        ("", gone(), Same),
        ("", put("Patient", "p", r#""active":false"#), Updated),
    ]);
    assert_eq!(version, 3);
    let deleted = world.reader.vread("Patient", "p", 2).unwrap().unwrap();
    assert!(deleted.deleted && deleted.body.is_empty());
    assert_eq!(world.ask("Patient", "active=false"), ["p"]);
    assert_eq!(world.ask("Patient", "active=true"), Vec::<String>::new());
    let mut world = World::new();
    let seq = world.send("", vec![draft(Update::Delete, "Patient", "unknown", 0, ""), put("NoSuchType", "x", "")]);
    assert!(world.reader.trace(seq).unwrap().iter().all(|t| t.effect == Ignored && t.id.is_empty()));
}

#[test]
fn a_deleted_resource_is_not_found_and_its_read_says_so() {
    let mut world = World::new();
    world.send("", vec![put("Patient", "p", r#""identifier":[{"value":"1"}],"name":[{"text":"张三"}]"#)]);
    assert_eq!(world.ask("Patient", "identifier=1"), ["p"]);
    world.send("", vec![draft(Update::Delete, "Patient", "p", 0, "")]);
    for query in ["identifier=1", "name=张", "_id=p", "", "gender:missing=true"] {
        assert_eq!(world.ask("Patient", query), Vec::<String>::new(), "{query}");
    }
    assert!(world.reader.read("Patient", "p").unwrap().unwrap().deleted);
    assert!(world.reader.read("Patient", "q").unwrap().is_none());
}

#[test]
fn two_writes_of_one_message_are_two_versions() {
    let mut world = World::new();
    world.send("", vec![put("Patient", "p", r#""identifier":[{"value":"1"}]"#), put("Patient", "p", r#""identifier":[{"value":"2"}]"#)]);
    assert_eq!(world.reader.read("Patient", "p").unwrap().unwrap().version, 2);
    assert_eq!(world.ask("Patient", "identifier=1"), Vec::<String>::new());
    assert_eq!(world.ask("Patient", "identifier=2"), ["p"]);
}

#[test]
fn histories_go_backwards_page_by_page() {
    let mut world = World::new();
    for n in 0..7 {
        let other = put("Observation", "o", &format!(r#""status":"final","valueInteger":{n}"#));
        world.send("", vec![put("Patient", "p", &format!(r#""birthDate":"19{n}0""#)), put("Patient", &format!("q{n}"), ""), other]);
    }
    world.send("", vec![draft(Update::Delete, "Patient", "p", 0, "")]);
    let all = |of: HistoryOf<'_>, count: usize| {
        let (mut out, mut after) = (Vec::new(), None);
        loop {
            let page = world.reader.history(of, None, count, after).unwrap();
            assert!(page.rows.len() <= count);
            out.extend(page.rows.iter().map(|f| format!("{}/{}/{}", f.resource_type, f.id, f.version.version)));
            after = page.next;
            if after.is_none() {
                return out;
            }
        }
    };
    let instance: Vec<String> = (1..=8).rev().map(|v| format!("Patient/p/{v}")).collect();
    let mut of_type = vec!["Patient/p/8".to_owned()];
    let mut system = of_type.clone();
    for n in (0..7).rev() {
        let v = n + 1;
        // rows of one message: the newest first
        let both = if n == 0 {
            vec!["Patient/q0/1".to_owned(), "Patient/p/1".to_owned()]
        } else {
            vec![format!("Patient/q{n}/1"), format!("Patient/p/{v}")]
        };
        of_type.extend(both.clone());
        system.push(format!("Observation/o/{v}"));
        system.extend(both);
    }
    for count in [1, 2, 3, 100] {
        assert_eq!(all(HistoryOf::Instance("Patient", "p"), count), instance, "{count}");
        assert_eq!(all(HistoryOf::Type("Patient"), count), of_type, "{count}");
        assert_eq!(all(HistoryOf::System, count), system, "{count}");
    }
    let since = world.reader.history(HistoryOf::System, Some(START_US + 7_000_000), 100, None).unwrap();
    assert_eq!(since.rows.len(), 4);
    assert!(since.rows[0].version.deleted);
}

#[test]
fn messages_are_found_by_what_people_know_of_them() {
    let mut world = World::new();
    for _ in 0..5 {
        world.send("ADT^A01", vec![]);
    }
    assert_eq!(world.reader.by_receipt("R3").unwrap(), [3]);
    assert_eq!(world.reader.by_control_id("C4").unwrap(), [4]);
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&5u64.to_be_bytes());
    assert_eq!(world.reader.by_content(&hash).unwrap(), [5]);
    assert_eq!(world.reader.known("his", "C2").unwrap(), [(2, 2u64.to_be_bytes())]);
    assert_eq!(world.reader.known("lis", "C2").unwrap(), []);
    assert_eq!(world.reader.by_receipt("nothing").unwrap(), Vec::<u64>::new());
}
