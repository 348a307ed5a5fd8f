//! Who is linked with whom, case by case: each line a person known, a record that comes, and what must be decided.

use crate::{Date, Decision, Event, Person, Reason, Register, Sex, Weights};
use hutong_fhir::identifier::{IDENTITY_CARD, identity_card_check_digit};

const INSURANCE: &str = "urn:oid:2.16.156.10011.1.15";

/// `name; sex; birth; card; insurance; phone; address`, each may be empty. A card is written without check digit.
fn person(text: &str) -> Person {
    let mut p = Person::default();
    let mut cells = text.split(';').map(str::trim);
    let mut next = || cells.next().unwrap_or("");
    next().split('/').for_each(|n| p.add_name(n));
    p.set_sex(match next() {
        "男" => Sex::Male,
        "女" => Sex::Female,
        _ => Sex::Unknown,
    });
    p.set_birth(Date::parse(next()).unwrap_or_default());
    let card = next();
    if !card.is_empty() {
        let whole = match identity_card_check_digit(card) {
            Some(check) => format!("{card}{check}"),
            None => card.to_owned(),
        };
        p.add_number(IDENTITY_CARD, &whole);
    }
    p.add_number(INSURANCE, next());
    p.add_phone(next());
    p.set_address(next());
    p.multiple = next() == "多胞胎";
    p.settle();
    p
}

fn decide(known: &[&str], comes: &str) -> (String, Option<Reason>) {
    let mut register = Register::new(Weights::built_in());
    for (i, text) in known.iter().enumerate() {
        register.apply(&Event::Record { key: format!("a{i}"), person: person(text) });
    }
    match register.decide(&person(comes), None) {
        Decision::Link(c) => (format!("link a{}", c.record), Some(c.reason)),
        Decision::Review(c) => ("review".to_owned(), c.first().map(|c| c.reason)),
        Decision::Separate => ("separate".to_owned(), None),
    }
}

#[test]
fn decisions() {
    const WANG: &str = "王小芳; 女; 1984-03-12; 99020019840312004; 9000000001; 13800010001; 重庆市奉节县永安镇青龙村3组12号";
    for (what, known, comes, expect, reason) in [
        ("same card, same name", vec![WANG], "王小芳; 女; 1984-03-12; 99020019840312004", "link a0", Some(Reason::SameCard)),
        (
            "15 digits",
            vec!["李大成; 男; 1949-05-06; 99020019490506001"],
            "李大成; 男; 1949-05-06; 990200490506001",
            "link a0",
            Some(Reason::SameCard),
        ),
        ("same card, pinyin", vec![WANG], "WANG XIAOFANG; 女; 1984-03-12; 99020019840312004", "link a0", Some(Reason::SameCard)),
        ("same card, lunar birth date", vec![WANG], "王小芳; 女; 1984-02-10; 99020019840312004", "link a0", Some(Reason::SameCard)),
        ("same card, another name and date", vec![WANG], "赵强; 男; 1990-01-02; 99020019840312004", "review", Some(Reason::CardOfAnother)),
        ("same card, given name wrong", vec![WANG], "王丽; 女; 1984-03-12; 99020019840312004", "link a0", Some(Reason::SameCard)),
        (
            "newborn under its mother's card",
            vec![WANG],
            "王小芳之女; 女; 2026-01-05; 99020019840312004",
            "review",
            Some(Reason::CardOfAnother),
        ),
        ("insurance, name and birth date", vec![WANG], "王小芳; 女; 1984-03-12; ; 9000000001", "link a0", Some(Reason::SameNumber)),
        ("insurance of the family, other name", vec![WANG], "陈强; 男; 1980-01-01; ; 9000000001", "separate", None),
        ("name, birth date, telephone, no numbers", vec![WANG], "王小芳; 女; 1984-03-12; ; ; 13800010001", "link a0", Some(Reason::Weight)),
        (
            "name, birth date, address in part",
            vec![WANG],
            "王小芳; 女; 1984-03-12; ; ; ; 奉节县永安镇青龙村3组12号",
            "link a0",
            Some(Reason::Weight),
        ),
        (
            "lost character, telephone",
            vec!["王喆; 男; 1984-03-12; ; ; 13800010001"],
            "王□; 男; 1984-03-12; ; ; 13800010001",
            "link a0",
            Some(Reason::Weight),
        ),
        ("name and birth date alone", vec![WANG], "王小芳; 女; 1984-03-12", "link a0", Some(Reason::Weight)),
        ("name and year alone", vec![WANG], "王小芳; 女; 1984", "review", Some(Reason::Doubtful)),
        (
            "cards differ, all else the same",
            vec![WANG],
            "王小芳; 女; 1984-03-12; 99020019840312020; ; 13800010001; 重庆市奉节县永安镇青龙村3组12号",
            "review",
            Some(Reason::CardsDiffer),
        ),
        ("namesakes with cards", vec![WANG], "王小芳; 女; 1991-07-08; 99020019910708004", "separate", None),
        ("a typing error in the card", vec![WANG], "王小芳; 女; 1984-03-12; 990200198403120048", "link a0", Some(Reason::Weight)),
        (
            "twins",
            vec!["张明; 男; 2015-06-01; 99020020150601001; ; 13800010002; 青龙村1组1号"],
            "张亮; 男; 2015-06-01; ; ; 13800010002; 青龙村1组1号",
            "review",
            Some(Reason::PerhapsTwins),
        ),
        (
            "twins with cards",
            vec!["张大明; 男; 2015-06-01; 99020020150601001; ; 13800010002; 青龙村1组1号"],
            "张小明; 男; 2015-06-01; 99020020150601003; ; 13800010002; 青龙村1组1号",
            "separate",
            None,
        ),
        (
            "husband and wife share a telephone",
            vec![WANG],
            "陈强; 男; 1982-01-01; ; ; 13800010001; 重庆市奉节县永安镇青龙村3组12号",
            "separate",
            None,
        ),
        ("mother and daughter", vec![WANG], "王小丽; 女; 2008-03-12; ; ; 13800010001; 重庆市奉节县永安镇青龙村3组12号", "separate", None),
        ("无名氏 meets 无名氏", vec!["无名氏; 男; ; ; ; ; 永安镇"], "无名氏; 男; ; ; ; ; 永安镇", "separate", None),
        (
            "placeholder numbers",
            vec!["甲乙; 男; 1950-01-01; ; 0000000000; 00000000000"],
            "丙丁; 男; 1950-01-01; ; 0000000000; 00000000000",
            "separate",
            None,
        ),
    ] {
        assert_eq!(decide(&known, comes), (expect.to_owned(), reason), "{what}");
    }
}

#[test]
fn two_who_fit_are_looked_at() {
    let same = "王小芳; 女; 1984-03-12; ; ; 13800010001";
    assert_eq!(decide(&[same, same], same), ("review".to_owned(), Some(Reason::Several)));
}

#[test]
fn an_identifier_of_hl7_china_and_of_the_national_standard_are_one() {
    let (mut a, mut b) = (Person::default(), Person::default());
    a.add_number(IDENTITY_CARD, "99020019840312004X");
    b.add_number("urn:oid:2.16.840.1.113883.2.23.1.19.1", "99020019840312004x");
    assert_eq!(a.numbers, b.numbers);
}

#[test]
fn a_patient_is_read() {
    let text = r#"{"resourceType":"Patient","identifier":[{"type":{"text":"母亲身份证"},"system":"urn:oid:2.16.156.10011.1.3","value":"x"},
        {"system":"urn:oid:1.2.3","value":"000123"}],"name":[{"text":"ZHANG SAN"},{"family":"张","given":["三"]}],
        "telecom":[{"value":"+86 138-0001-0001"}],"gender":"male","birthDate":"1984-03","address":[{"text":"青龙村"}]}"#;
    let tree = hutong_fhir::json::parse(text.as_bytes(), &hutong_fhir::json::JsonLimits::default()).unwrap().0;
    let p = Person::of(tree.root());
    assert_eq!((p.name(), p.numbers.len(), &*p.phones[0]), ("张三", 1, "13800010001"));
    assert_eq!((p.birth, &*p.address), (Date { year: 1984, month: 3, day: 0 }, "青龙村"));
}

#[test]
fn an_event_of_the_journal_is_the_event() {
    let event = Event::Record {
        key: "Patient/1".to_owned(),
        person: person("王小芳; 女; 1984-03-12; 99020019840312004; 9000000001; 13800010001; 青龙村"),
    };
    let text = serde_json::to_string(&event).unwrap();
    assert!(text.starts_with(r#"{"record":{"key":"Patient/1","person":{"names":["王小芳"]"#), "{text}");
    let mut register = Register::new(Weights::built_in());
    register.apply(&serde_json::from_str(&text).unwrap());
    let Event::Record { person, .. } = event else { unreachable!() };
    assert_eq!(register.person(0), Some(person));
}
