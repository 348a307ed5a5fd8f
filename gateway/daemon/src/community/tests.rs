//! The view follows the journal, and is the same after a rebuild.

use super::*;

#[test]
fn events_are_told_apart() {
    let event = Event::Link { a: "Patient/1".into(), b: "Patient/2".into(), by: hutong_identify::By::Person("t".into()) };
    let review = Opened { review: Review { key: "Patient/1".into(), candidates: Vec::new() } };
    for (kind, body, expected) in [
        (IDENTITY, serde_json::to_vec(&event).unwrap(), "identity"),
        (IDENTITY, serde_json::to_vec(&review).unwrap(), "review"),
        (IDENTITY, b"{\"other\":{}}".to_vec(), "unreadable"),
        (REGISTRY, b"".to_vec(), "unreadable"),
        (RECOGNITION, b"{}".to_vec(), "unreadable"),
        (RECOGNITION, br#"{"revoked":{"id":"1","atUs":5,"answer":"2"}}"#.to_vec(), "recognition"),
        (CHANGE, br#"{"result":["Observation/1",true]}"#.to_vec(), "change"),
        ("audit", b"{}".to_vec(), "not ours"),
    ] {
        let got = match read(kind, &body) {
            None => "not ours",
            Some(Err(_)) => "unreadable",
            Some(Ok(Said::Identity(_))) => "identity",
            Some(Ok(Said::Review(_))) => "review",
            Some(Ok(Said::Registry(_))) => "registry",
            Some(Ok(Said::Recognition(_))) => "recognition",
            Some(Ok(Said::Changed(_))) => "change",
            Some(Ok(Said::Case(_))) => "case",
            Some(Ok(Said::Figure(_))) => "figure",
            Some(Ok(Said::Work(_))) => "work",
            Some(Ok(Said::Activity(_))) => "activity",
        };
        assert_eq!(got, expected);
    }
}

fn patient(n: u32) -> hutong_fhir::Tree {
    // ten names, few birth dates and numbers: many meet, some contradict
    let (name, day, card) = (["王小芳", "李大成", "王晓芳", "赵之子", "无名氏"][(n % 5) as usize], 1 + n / 3 % 3, 100 + n / 2 % 7);
    let base = format!("990200198403{day:02}{card}");
    let check = hutong_fhir::identifier::identity_card_check_digit(&base).unwrap();
    let text = format!(
        r#"{{"resourceType":"Patient","id":"{n}","identifier":[{{"system":"urn:oid:2.16.156.10011.1.3","value":"{base}{check}"}}],
        "name":[{{"text":"{name}"}}],"gender":"female","birthDate":"1984-03-{day:02}"}}"#
    );
    hutong_fhir::json::parse(text.as_bytes(), &hutong_fhir::json::JsonLimits::default()).ok().unwrap().0
}

/// Everything that the view says: whose each record is, with the person's id, and what is open.
fn told(community: &Shared) -> Vec<String> {
    let c = community.read();
    let person = |n: u32| c.register.community_id(c.register.person_of(n)).unwrap();
    let mut out: Vec<String> = (0..c.register.len() as u32).map(|n| format!("{} {}", c.register.key(n).unwrap(), person(n))).collect();
    out.extend(c.reviews.iter().map(|open| format!("{} {:?}", open.since_us, open.review)));
    out.extend(c.registry.version(hutong_identify::registry::Table::Institutions).map(str::to_owned));
    out
}

fn open(dir: &std::path::Path) -> (Arc<hutong_commit::store::Store>, Shared) {
    let config = crate::config::Config::default();
    let opened = crate::runtime::open(dir, &config).unwrap();
    let last = opened.store.durable();
    assert!(opened.store.wait_applied(last, std::time::Duration::from_secs(60)));
    (opened.store, opened.community)
}

#[test]
fn a_rebuild_equals_what_was_live() {
    let dir = tempfile::tempdir().unwrap();
    let (store, community) = open(dir.path());
    let acts = crate::act::Acts::new(Arc::clone(&store));
    let act = |events| {
        let receipt = acts.receipt();
        let (request, answer) = (Vec::new(), Vec::new());
        acts.record(crate::act::Act {
            receipt,
            what: "test",
            source: "t",
            protocol: "test",
            request,
            answer,
            resources: Vec::new(),
            events,
        })
        .unwrap();
    };
    let mut random = 7_u32;
    let mut next = |below: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % below
    };
    for round in 0..120 {
        let (a, b) = (next(40), next(40));
        if round % 4 != 3 {
            let tree = patient(a);
            let id = a.to_string();
            let patients = [Told { id: &id, patient: tree.root(), clear: &[] }];
            let events = {
                let c = community.read();
                c.identify(&patients, &c.persons(&patients), Tie::None, "his")
            };
            act(events);
            continue;
        }
        let (a, b, by) = (key(&a.to_string()), key(&b.to_string()), hutong_identify::By::Person("t".into()));
        let event = match next(3) {
            0 => Event::Link { a, b, by },
            1 => Event::Part { a, b, by },
            _ => Event::Forget { a, b, by },
        };
        act(vec![identify::draft(&event)]);
    }
    let table = RegistryEvent::Import(Import {
        table: hutong_identify::registry::Table::Institutions,
        version: "2026".into(),
        by: "t".into(),
        text: "code,name,region,tier\nH1,县医院,500236,county\n".into(),
    });
    act(vec![hutong_commit::entry::EventDraft { kind: REGISTRY.into(), body: serde_json::to_vec(&table).unwrap() }]);
    let live = told(&community);
    assert!(live.len() > 40 && live.iter().any(|l| l.contains("Review")), "{live:?}");
    let persons: std::collections::BTreeSet<&str> = live.iter().filter_map(|l| l.strip_prefix("Patient/")?.split(' ').nth(1)).collect();
    assert!(persons.len() > 5 && persons.len() < 40, "some are linked and some are not");

    // the search store computed anew under a running gateway
    store.rebuild();
    assert!(store.wait_applied(store.durable(), std::time::Duration::from_secs(60)));
    assert_eq!(told(&community), live);
    drop(acts);
    drop(store);
    // read from the search store at start
    let (store, community) = open(dir.path());
    assert_eq!(told(&community), live);
    drop(store);
    // the search store lost
    for file in std::fs::read_dir(dir.path()).unwrap().flatten().filter(|f| f.file_name().to_string_lossy().starts_with("projection")) {
        std::fs::remove_file(file.path()).unwrap();
    }
    let (_store, community) = open(dir.path());
    assert_eq!(told(&community), live);
}
