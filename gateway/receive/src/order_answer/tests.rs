//! Whole answers, byte for byte, and as HL7's own grammar reads them.

use super::*;
use crate::ack::{self, Code};
use crate::sources::Language;
use hutong_decode::charset::Charset;
use hutong_decode::v2::{self, Grammar};
use hutong_fhir::finding::{Finding, Location, Severity};

fn reminder() -> ReminderTold {
    ReminderTold {
        item: ("K".into(), "血清钾".into()),
        verdict: "recognise",
        report: "RP|1".into(),
        institution: ("H1".into(), "县人民医院".into()),
        reported_us: Some(1_767_323_045_000_000),
        value: "4.1 mmol/L (3.5-5.3)".into(),
        until_us: Some(1_767_923_045_000_000),
        rule: ("hubei".into(), "2023".into(), "12".into()),
        mark: "全国HR".into(),
        certificate: "certificates:3".into(),
        reminder: "0f0e".into(),
        link: "https://gw/recognition/0f0e?until=1&sig=ab".into(),
        mode: "hold",
        degraded: "",
    }
}

fn order() -> OrderTold {
    OrderTold {
        control: Control::Held,
        placer: "R1^HIS".into(),
        filler: String::new(),
        item: "K^钾\\T\\离子^99LAB".into(),
        notes: vec![("已有结果".into(), "there is a result".into())],
        reminders: vec![reminder()],
    }
}

struct Case<'a> {
    raw: &'a str,
    charset: Charset,
    response: bool,
    orders: Vec<OrderTold>,
    findings: Vec<Finding>,
}

impl Case<'_> {
    fn new(kind: &str) -> Case<'static> {
        let raw = format!("MSH|^~\\&|HIS|H2|HUTONG|GW|20260101||{kind}|id-1|P|2.4");
        Case { raw: raw.leak(), charset: Charset::Utf8, response: true, orders: vec![order()], findings: Vec::new() }
    }

    fn bytes(&self) -> Vec<u8> {
        let header = Header::scan(self.raw.as_bytes());
        let outcome = ack::outcome(&self.findings);
        let ack = AckRequest {
            header: header.as_ref(),
            code: if outcome == ack::Outcome::Accept { Code::Aa } else { Code::Ae },
            findings: &self.findings,
            receipt: "R7",
            now_us: 1_767_323_045_000_000,
            zone_offset_minutes: 480,
            charset: self.charset,
            language: Language::Zh,
            warnings: true,
            err_segments: 20,
        };
        let patient = PatientTold { identifiers: "2001^^^H2^MR".into(), name: "王小芳".into() };
        build(&OrderAnswer { ack, response: self.response, patient: &patient, orders: &self.orders }).to_vec()
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap().replace('\r', "\n")
    }
}

const ZRR: &str = "ZRR|1|R1^HIS|K^血清钾^HR-ITEM|recognise|RP\\F\\1|H1^县人民医院|20260102110405+0800|4.1 mmol/L (3.5-5.3)|20260109094405+0800|\
hubei^2023^12|全国HR|certificates:3|0f0e|https://gw/recognition/0f0e?until=1\\T\\sig=ab|hold\n";

#[test]
fn each_order_has_its_answer() {
    let head = "|HUTONG|GW|HIS|H2|20260102110405+0800||";
    let orders = "ORC|OH|R1^HIS\nOBR|1|R1^HIS||K^钾\\T\\离子^99LAB\n";
    let note = "NTE|1||已有结果\n";
    assert_eq!(Case::new("ORM^O01").text(), format!("MSH|^~\\&{head}ORR^O02^ORR_O02|R7|P|2.4\nMSA|AA|id-1\n{orders}{note}{ZRR}"));
    assert_eq!(Case::new("OMG^O19").text(), format!("MSH|^~\\&{head}ORG^O20^ORG_O20|R7|P|2.4\nMSA|AA|id-1\n{orders}{note}{ZRR}"));
    // the only one in which HL7 wants the patient, and notes come first
    assert_eq!(
        Case::new("OML^O21").text(),
        format!("MSH|^~\\&{head}ORL^O22^ORL_O22|R7|P|2.4\nMSA|AA|id-1\n{note}PID|1||2001^^^H2^MR||王小芳\n{orders}{ZRR}")
    );
    // no answer of its own, or none wanted: what is to be said stands behind the ACK
    for (kind, response) in [("OMI^O23", true), ("ORM^O01", false), ("ADT^A04", true)] {
        let event = kind.split_once('^').unwrap().1;
        let case = Case { response, ..Case::new(kind) };
        assert_eq!(case.text(), format!("MSH|^~\\&{head}ACK^{event}^ACK|R7|P|2.4\nMSA|AA|id-1\n{ZRR}"), "{kind}");
    }
}

#[test]
fn an_answer_is_what_hl7_says_it_is() {
    for kind in ["ORM^O01", "OML^O21", "OMG^O19"] {
        let warning = Finding::new(Severity::Warning, "recognition.remind", "informational", 0).says("有结果", "a result");
        let case = Case { findings: vec![warning], orders: vec![order(), order()], ..Case::new(kind) };
        let bytes = case.bytes();
        let text = std::str::from_utf8(&bytes).unwrap();
        let parsed = v2::parse(text, &v2::Limits::default());
        assert!(parsed.findings.is_empty(), "{kind} {:?}", parsed.findings);
        let wrong = v2::check_header(&parsed.message, Grammar::get(), None);
        assert!(wrong.is_empty(), "{kind} {wrong:?}");
        let arranged = v2::arrange(&parsed.message, Grammar::get());
        let wrong: Vec<&Finding> = arranged.findings.iter().filter(|f| !f.location.to_string().starts_with("ZRR")).collect();
        assert!(wrong.is_empty(), "{kind} {wrong:?}");
        assert!(text.contains("ERR||") || text.contains("ERR|^^^0"), "{text}");
        assert!(text.contains("|W|HR-REMIND|"), "{text}");
    }
}

#[test]
fn what_is_wrong_leaves_no_order_behind() {
    let location = Location::V2 { segment: "ZRA".into(), sequence: 1, field: 7, repetition: 0, component: 0, subcomponent: 0 };
    let error = Finding::new(Severity::Error, "recognition.answer.diagnosis", "required", 101).at(location).says("缺诊断", "no diagnosis");
    let text = Case { findings: vec![error], orders: Vec::new(), ..Case::new("ORM^O01") }.text();
    assert!(text.contains("ORR^O02^ORR_O02|R7"), "{text}");
    assert!(text.contains("MSA|AE|id-1|缺诊断\nERR|ZRA^1^7^101&Required field missing&HL70357|ZRA^1^7|101^"), "{text}");
    assert!(text.contains("|E|HR-ANSWER||rule=recognition.answer.diagnosis; receipt=R7|"), "{text}");
    assert!(!text.contains("\nORC"), "{text}");
}

#[test]
fn the_senders_separators_and_charset_hold() {
    let raw = "MSH#*~\\&#HIS#H2#HUTONG#GW#20260101##ORM*O01#id-1#P#2.2";
    let mut told = order();
    "R1*HIS".clone_into(&mut told.placer);
    "K*钾".clone_into(&mut told.item);
    let text = Case { raw, orders: vec![told], ..Case::new("") }.text();
    assert!(text.starts_with("MSH#*~\\&#HUTONG#GW#HIS#H2#20260102110405+0800##ORR*O02#R7#P#2.2\n"), "{text}");
    assert!(text.contains("ORC#OH#R1*HIS\nOBR#1#R1*HIS##K*钾\n"), "{text}");
    assert!(text.contains("#K*血清钾*HR-ITEM#recognise#RP|1#"), "{text}");
    // in GB18030 諀 ends with the byte of `|`: neither it nor the separator before an empty field is lost
    let mut told = order();
    "諀".clone_into(&mut told.item);
    let case = Case { charset: Charset::Gb18030, orders: vec![told], ..Case::new("ORM^O01") };
    let bytes = case.bytes();
    assert!(bytes.windows(14).any(|w| w == b"R1^HIS||\xD5\x7C\rNTE"), "{}", String::from_utf8_lossy(&bytes));
    // where the charset has no Chinese, English stands
    let case = Case { charset: Charset::Ascii, ..Case::new("ORM^O01") };
    let text = case.text();
    assert!(text.contains("NTE|1||there is a result\n") && text.contains("|K^???^HR-ITEM|"), "{text}");
}

#[test]
fn there_is_a_limit_to_what_is_said() {
    let many = OrderTold { reminders: vec![reminder(); REMINDERS_MAX], ..order() };
    let text = Case { orders: vec![many.clone(), many], ..Case::new("ORM^O01") }.text();
    assert_eq!(text.matches("\nZRR|").count(), REMINDERS_MAX);
    let long = OrderTold { placer: "9".repeat(501), item: "K\rPID|1".into(), ..order() };
    let text = Case { orders: vec![long], ..Case::new("ORM^O01") }.text();
    assert!(text.contains("\nORC|OH\nOBR|1|||K PID 1\n"), "{text}");
}

#[test]
fn what_was_asked_for_is_answered_as_done() {
    let told = |control: &str| {
        Case { orders: vec![OrderTold { control: Control::of(control), ..OrderTold::default() }], ..Case::new("ORM^O01") }.text()
    };
    for (asked, answered) in [("NW", "OK"), ("CA", "CR"), ("DC", "DR"), ("XO", "XR"), ("HD", "HR"), ("RL", "OR"), ("", "OK")] {
        assert!(told(asked).ends_with(&format!("\nORC|{answered}\n")), "{asked}");
    }
}
