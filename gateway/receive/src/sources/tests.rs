//! Sources: who is known by what, and who is not.

use super::*;

fn source(id: &str, facilities: &[(&str, &str)], addresses: &[&str], certificate: Option<&str>) -> Source {
    Source {
        id: id.to_owned(),
        facilities: facilities.iter().map(|(app, fac)| ((*app).to_owned(), (*fac).to_owned())).collect(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        certificates: certificate.map(|hex| hex.repeat(32)).into_iter().collect(),
        ..Source::default()
    }
}

fn by_address(sources: &Sources, address: &str) -> Option<Identified> {
    sources.identify(address.parse().unwrap(), Shown::default())
}

#[test]
fn a_connection_is_known_by_what_it_shows() {
    let sources = Sources::new(vec![
        source("lis", &[("LIS", "STZX")], &["10.1.0.0/16"], None),
        source("his", &[], &["10.1.2.0/24"], None),
        source("pacs", &[], &[], Some("ab")),
        source("ecg", &[], &["10.9.0.1"], Some("cd")),
    ])
    .ok()
    .unwrap();
    assert_eq!(by_address(&sources, "10.1.7.7").unwrap().only().unwrap().id, "lis");
    assert!(by_address(&sources, "10.2.0.1").is_none(), "an address that nobody registered");
    assert!(by_address(&sources, "10.9.0.1").is_none(), "a source with a certificate is not known by address alone");

    let shown = |address: &str, hex: &str| {
        let fingerprint = hex.repeat(32);
        sources.identify(address.parse().unwrap(), Shown { certificate: Some(&fingerprint), token: None }).map(|who| who.first().id.clone())
    };
    assert_eq!(shown("192.0.2.1", "ab").as_deref(), Some("pacs"));
    assert_eq!(shown("10.9.0.1", "cd").as_deref(), Some("ecg"));
    assert_eq!(shown("10.9.0.2", "cd"), None, "the right certificate from the wrong place");
    assert_eq!(shown("10.1.7.7", "ef"), None, "an unknown certificate is not made good by a known address");
}

#[test]
fn a_shared_address_is_settled_by_the_header() {
    let sources = Sources::new(vec![
        source("a", &[("LIS", "STZX")], &["10.1.0.5"], None),
        source("b", &[("", "ZYY"), ("HIS", "XZ")], &["10.1.0.5"], None),
    ])
    .ok()
    .unwrap();
    let who = by_address(&sources, "10.1.0.5").unwrap();
    assert!(who.only().is_none());
    for (application, facility, id, mismatch) in
        [("LIS", "STZX", "a", false), ("ANY", "ZYY", "b", false), ("HIS", "XZ", "b", false), ("LIS", "XZ", "a", true)]
    {
        let chosen = who.choose(application, facility);
        assert_eq!(
            (chosen.id.as_str(), chosen.identity_mismatch(application, facility).is_some()),
            (id, mismatch),
            "{application} {facility}"
        );
    }
}

#[test]
fn a_list_that_cannot_work_is_refused_whole() {
    let faults = Sources::new(vec![
        source("lis", &[], &["10.1.0.5"], None),
        source("lis", &[], &["10.1.0.6"], None),
        source("", &[], &[], None),
        Source { certificates: vec!["12:34".to_owned()], ..source("c", &[], &[], None) },
    ])
    .err()
    .unwrap();
    let who: Vec<&str> = faults.iter().map(|fault| fault.source.as_str()).collect();
    assert_eq!(who, ["lis", "3", "3", "c"]);
}

#[test]
fn the_list_changes_under_running_connections() {
    let sources = Sources::local();
    assert_eq!(by_address(&sources, "127.0.0.1").unwrap().first().id, "local");
    assert!(sources.replace(vec![source("", &[], &[], None)]).is_err());
    assert!(by_address(&sources, "::1").is_some(), "a refused list changes nothing");
    sources.replace(vec![source("lis", &[], &["10.1.0.5"], None)]).ok().unwrap();
    assert!(by_address(&sources, "127.0.0.1").is_none());
}

#[test]
fn a_source_is_written_as_configuration() {
    let source: Source = serde_json::from_str(
        r#"{"id":"lis","facilities":[["LIS","STZX"]],"addresses":["10.1.0.0/16"],"on_store_unavailable":"AE207","on_control_id_reuse":"accept-flagged","rate":{"per_s":5,"burst":10}}"#,
    )
    .unwrap();
    assert_eq!((source.on_store_unavailable, source.on_control_id_reuse), (StoreUnavailable::Ae207, ControlIdReuse::AcceptFlagged));
    assert_eq!(source.zone_offset_minutes, 480);
    assert!(serde_json::from_str::<Source>(r#"{"id":"lis","adresses":[]}"#).is_err());
}
