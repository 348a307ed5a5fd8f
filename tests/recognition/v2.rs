//! The whole flow in HL7 v2: order, reminder, the doctor's answer, in each mode.

use hutong_tests::http::get;

use super::{CARD, County, field, time};

const K: &str = "2823-3^血清钾^LN";

fn order(number: &str, item: &str) -> String {
    format!(
        "PV1|1|O|^^^内科||||7001^周医生|||||||||||V{number}\rORC|NW|{number}^HIS||||||||||7002^李医生|||||03\rOBR|1|{number}^HIS||{item}\r"
    )
}

fn answer(control: &str, number: &str, zra: &str) -> String {
    format!("ORC|{control}|{number}^HIS||||||||||7002^李医生\rOBR|1|{number}^HIS||{K}\rZRA|{zra}\r")
}

fn county() -> (tempfile::TempDir, County) {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(dir.path());
    county.report("LAB-1", K, "4.1", &time("1 hour ago"), "全国HR");
    (dir, county)
}

impl County {
    fn ask(&mut self, from: &str, kind: &str, card: &str, rest: &str) -> String {
        let message = self.message(from, kind, card, rest);
        self.send(&message)
    }
}

#[test]
fn an_order_is_answered_with_the_result_and_withdrawn_for_it() {
    let (_dir, mut county) = county();
    // the first that H2 ever says of the patient: whose record it is comes with the order
    let said = county.ask("H2", "ORM^O01", CARD, &order("R1", K));
    assert!(said.contains("|ORR^O02^ORR_O02|") && said.contains("\nMSA|AA|H2-2"), "{said}");
    assert!(said.contains("\nORC|OK|R1^HIS\nOBR|1|R1^HIS||2823-3^血清钾^LN\nNTE|1||"), "{said}");
    assert!(said.contains("|OBR^1^4|") && said.contains("|W|HR-REMIND|"), "{said}");
    let zrr = |n| field(&said, "ZRR", n);
    assert_eq!((zrr(2).as_str(), zrr(3).as_str(), zrr(4).as_str()), ("R1^HIS", "K^血清钾^HR-ITEM", "recognise"), "{said}");
    assert_eq!((zrr(5).as_str(), zrr(6).as_str()), ("LAB-1", "H1^县人民医院"), "{said}");
    assert!(zrr(7).starts_with("20") && zrr(8).contains("4.1 mmol/L") && zrr(9) > zrr(7), "{said}");
    assert!(zrr(10).starts_with("demo^1^") && zrr(11) == "全国HR" && zrr(12) == "QC-2026-K", "{said}");
    assert!(zrr(14).contains("/recognition/") && zrr(15) == "remind" && zrr(16).is_empty(), "{said}");
    let guid = zrr(13);
    assert_eq!(county.status("R1"), "active");

    // refused with a reason that wants a diagnosis, without one; one that nobody knows; of nobody's reminder
    for (zra, at) in [
        (format!("1|{guid}||refuse|99"), "ZRA^1^6|101^"),
        (format!("1|{guid}||refuse|ZZ"), "ZRA^1^5|103^"),
        ("1|00000000-0000-4000-8000-000000000000||recognise".to_owned(), "ZRA^1^2|204^"),
        (format!("1|{guid}||perhaps"), "ZRA^1^4|103^"),
    ] {
        let said = county.ask("H2", "ORM^O01", CARD, &answer("SC", "R1", &zra));
        assert!(said.contains("\nMSA|AE|") && said.contains(at) && said.contains("|E|HR-ANSWER|"), "{zra}: {said}");
    }
    // another institution may not answer it
    let said = county.ask("H3", "ORM^O01", CARD, &answer("CA", "R1", &format!("1|{guid}||recognise")));
    assert!(said.contains("\nMSA|AE|") && said.contains("ZRA^1^2|204^"), "{said}");

    let recognised = county.message("H2", "ORM^O01", CARD, &answer("CA", "R1", &format!("1|{guid}||recognise")));
    let said = county.send(&recognised);
    assert!(said.contains("\nMSA|AA|") && said.contains("\nORC|CR|R1^HIS\n") && said.contains("已记录互认"), "{said}");
    assert_eq!(county.send(&recognised), said, "the same bytes get the same answer");
    assert_eq!(county.status("R1"), "revoked");
    let task = get(county.gateway.http, &format!("/fhir/Task/{guid}")).json();
    assert_eq!((task["status"].as_str(), task["resourceType"].as_str()), (Some("completed"), Some("Task")), "{task}");
    assert!(task.to_string().contains("4.5"), "the price of what was not done again: {task}");
    // once is enough
    let said = county.ask("H2", "ORM^O01", CARD, &answer("CA", "R1", &format!("1|{guid}||refuse|04")));
    assert!(said.contains("\nMSA|AE|") && said.contains("ZRA^1^2|205^"), "{said}");
}

#[test]
fn nothing_is_said_where_there_is_nothing() {
    let (_dir, mut county) = county();
    county.report("LAB-2", "2345-7^葡萄糖^LN", "5.0", &time("40 days ago"), "全国HR");
    let other = "990200199001010034";
    for (card, item) in [(CARD, "X9^没有的项目^99HIS"), (CARD, "2345-7^葡萄糖^LN"), (other, K)] {
        let said = county.ask("H2", "ORM^O01", card, &order(&format!("N{}{}", &card[14..17], &item[..2]), item));
        assert!(
            said.contains("\nMSA|AA|") && said.contains("\nORC|OK|N") && !said.contains("ERR|") && !said.contains("ZRR|"),
            "{item}: {said}"
        );
    }
    // a cancellation after a reminder, without a word of the doctor's, is no recognition
    let said = county.ask("H2", "ORM^O01", CARD, &order("R1", K));
    assert!(said.contains("\nZRR|1|"), "{said}");
    let answers = county.metric("hutong_recognition_answers_total");
    let said = county.ask("H2", "ORM^O01", CARD, &format!("ORC|CA|R1^HIS\rOBR|1|R1^HIS||{K}\r"));
    assert!(said.contains("\nMSA|AA|") && said.contains("\nORC|CR|R1^HIS\n") && !said.contains("ZRR|"), "{said}");
    assert_eq!((county.status("R1").as_str(), county.metric("hutong_recognition_answers_total") - answers), ("revoked", 0.0));
}

#[test]
fn an_order_waits_or_is_not_taken() {
    let (_dir, mut county) = county();
    // held: goes ahead with a reason, by the number of the report
    let said = county.ask("H3", "OML^O21", CARD, &order("R3", K));
    assert!(said.contains("|ORL^O22^ORL_O22|") && said.contains("\nMSA|AA|") && said.contains("\nORC|OH|R3^HIS\n"), "{said}");
    assert!(said.contains("\nPID|1||H3004^^^H3^MR||王小芳\n") && field(&said, "ZRR", 15) == "hold", "{said}");
    assert_eq!(county.status("R3"), "on-hold");
    let said = county.ask("H3", "ORM^O01", CARD, &answer("SC", "R3", "1||LAB-1|refuse|04||7009^陈医生"));
    assert!(said.contains("\nMSA|AA|") && said.contains("\nORC|OK|R3^HIS\n") && said.contains("已记录不互认"), "{said}");
    assert_eq!(county.status("R3"), "active");

    // refused: not an order yet; with a reason it is
    let said = county.ask("H4", "OMG^O19", CARD, &order("R4", K));
    assert!(said.contains("|ORG^O20^ORG_O20|") && said.contains("\nMSA|AE|") && said.contains("\nORC|UA|R4^HIS\n"), "{said}");
    assert!(said.contains("|E|HR-REFUSE|") && field(&said, "ZRR", 15) == "refuse", "{said}");
    assert_eq!(county.status("R4"), "draft");
    let guid = field(&said, "ZRR", 13);
    let said = county.ask("H4", "OMG^O19", CARD, &format!("{}ZRA|1|{guid}||refuse|04\r", order("R4", K)));
    assert!(said.contains("\nMSA|AA|") && said.contains("\nORC|OK|R4^HIS\n") && !said.contains("ZRR|"), "{said}");
    assert_eq!(county.status("R4"), "active");
}

#[test]
fn a_visit_is_told_in_its_ack_and_answers_keep_their_order() {
    let (_dir, mut county) = county();
    let visit = "EVN|A04|20260101\rPV1|1|O|^^^内科||||7001^周医生|||||||||||V5\r";
    let said = county.ask("H5", "ADT^A04", CARD, visit);
    assert!(said.contains("|ACK^A04^ACK|") && said.contains("\nMSA|AA|") && said.contains("|I|HR-REMIND|"), "{said}");
    assert_eq!((field(&said, "ZRR", 2).as_str(), field(&said, "ZRR", 5).as_str()), ("", "LAB-1"), "{said}");
    // an ACK says the same of an order
    let said = county.ask("H5", "ORM^O01", CARD, &order("R5", K));
    assert!(said.contains("|ACK^O01^ACK|") && said.contains("\nMSA|AA|") && !said.contains("\nORC|"), "{said}");

    // pipelined: a question between facts does not let them overtake it
    let messages: Vec<String> = (0..9)
        .map(|n| match n % 3 {
            0 => county.message("H2", "ORM^O01", CARD, &order(&format!("P{n}"), K)),
            _ => county.message("H1", "ADT^A08", CARD, "EVN|A08|20260101\r"),
        })
        .collect();
    for message in &messages {
        assert!(county.sender.put(message.as_bytes()));
    }
    for message in &messages {
        let answer = county.sender.answer().unwrap();
        let control = hutong_tests::hl7::field(message.as_bytes(), "MSH", 10);
        assert_eq!((hutong_tests::hl7::field(&answer, "MSA", 2), hutong_tests::hl7::code(&answer).as_str()), (control, "AA"));
    }
    assert_eq!(county.metric("hutong_recognition_degraded_total"), 0.0);
}
