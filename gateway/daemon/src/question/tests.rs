//! Orders and doctors' answers through the whole way of a message, before a desk that says what the case wants.

use std::net::SocketAddr;
use std::sync::Mutex as StdMutex;

use hutong_enforce::recognition::desk::{self, Acted, ItemTold, Mode, OrderAsked, Reply, Shown};
use hutong_enforce::recognition::record::{Answered, Choice, Reminder};
use hutong_enforce::recognition::{ItemRuling, RuleRef, Verdict};
use hutong_fhir::{Finding, Severity, json};
use hutong_receive::sources::OrderAnswer;
use hutong_receive::{Answer, Handler, Incoming};

use hutong_commit::projection::Reader;

use super::*;
/// What the desk does in a case.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Says {
    /// One result to recognise for each item, with this mode; of a panel (two items) for the first only where `partly`.
    Remind(Mode, bool),
    Nothing,
    Late,
    Panics,
    /// Takes longer than anybody waits.
    Sleeps,
}

struct Fake {
    says: StdMutex<Says>,
    asked: StdMutex<Vec<Ask>>,
    replied: StdMutex<Vec<Reply>>,
    store: Arc<Store>,
    visible: StdMutex<Vec<(u64, u64)>>,
}

const GUID: &str = "6f1c2d3e-0000-4000-8000-000000000001";

fn shown() -> Shown {
    let rule = Some(RuleRef { set: "demo".into(), version: "1".into(), line: 7 });
    let reminder = Reminder {
        id: GUID.into(),
        result: "Observation/k1".into(),
        report: "DiagnosticReport/r1".into(),
        report_number: "LAB-1".into(),
        institution: "H1".into(),
        rule,
        mark: Some("全国HR".into()),
        certificate: Some("eqa 2026:3".into()),
        ..Reminder::default()
    };
    Shown {
        reminder,
        item_name: "血清钾".into(),
        institution_name: "县人民医院".into(),
        reported: "2026-11-20T09:30:00+08:00".into(),
        value: "4.1 mmol/L (3.5-5.3)".into(),
        until_us: Some(1_795_829_399_000_000),
        link: "recognition/x?until=1&sig=2".into(),
    }
}

fn told_of(order: &OrderAsked, item: &str, mode: Mode, recognised: bool) -> ItemTold {
    let verdict = if recognised { Verdict::Recognise } else { Verdict::NoPriorResult };
    ItemTold {
        order: order.order.clone(),
        name: "血清钾".into(),
        mode,
        ruling: ItemRuling { item: item.into(), verdict, considered: Vec::new() },
        reminders: if recognised { vec![shown()] } else { Vec::new() },
    }
}

impl Desk for Fake {
    fn ask(&self, ask: &Ask) -> Told {
        self.asked.lock().unwrap().push(ask.clone());
        self.visible.lock().unwrap().push((self.store.applied(), self.store.durable()));
        let says = *self.says.lock().unwrap();
        let mut told = Told { id: "q".into(), items: Vec::new(), degraded: None, position: 1, records: Vec::new() };
        let visit = OrderAsked::default();
        match says {
            Says::Panics => panic!("a fault of the desk"),
            Says::Sleeps => std::thread::sleep(Duration::from_secs(3)),
            Says::Late => told.degraded = Some(Degraded::Late),
            Says::Nothing => {
                told.items = ask.orders.iter().map(|o| told_of(o, "", Mode::Refuse, false)).collect();
            }
            Says::Remind(mode, partly) => {
                let orders = if ask.orders.is_empty() { std::slice::from_ref(&visit) } else { &ask.orders };
                for order in orders {
                    told.items.push(told_of(order, "K", mode, true));
                    if partly {
                        told.items.push(told_of(order, "NA", mode, false));
                    }
                }
            }
        }
        told.records.push(Record::Asked(AskedRecord {
            id: "q".into(),
            at_us: ask.at_us,
            trigger: ask.trigger,
            context: ask.context.clone(),
            items: Vec::new(),
            ms: 1,
            degraded: told.degraded.is_some(),
        }));
        told
    }

    fn reply(&self, reply: &Reply) -> Result<Acted, Vec<Finding>> {
        self.replied.lock().unwrap().push(reply.clone());
        let refused = |rule: &'static str| Err(vec![Finding::new(Severity::Error, rule, "value", 0).says("不行", "no")]);
        let (choice, reason) = match &reply.decision {
            _ if reply.reminder != GUID => return refused("recognition.reminder"),
            desk::Decision::Refuse { reason, diagnosis } if reason == "99" && diagnosis.is_empty() => {
                return refused("recognition.diagnosis");
            }
            desk::Decision::Refuse { reason, .. } if reason == "77" => return refused("recognition.reason"),
            desk::Decision::Refuse { reason, .. } => (Choice::Refused, reason.clone()),
            _ => (Choice::Recognised, String::new()),
        };
        let answered = Answered {
            id: "a".into(),
            at_us: reply.at_us,
            reminder: reply.reminder.clone(),
            context: reply.context.clone(),
            item: "K".into(),
            result: "Observation/k1".into(),
            choice,
            reason,
            counts: true,
            diagnosis: String::new(),
            saved_fen: 0,
            price_table: String::new(),
        };
        // held until now: it goes ahead
        let id = reply.order.trim_start_matches("ServiceRequest/");
        let body = format!(r#"{{"resourceType":"ServiceRequest","id":"{id}","status":"active"}}"#);
        let order = json::parse(body.as_bytes(), &json::JsonLimits::default()).ok().map(|(tree, _)| tree);
        let resources = order.into_iter().filter(|_| choice == Choice::Refused).collect();
        Ok(Acted { resources, records: vec![Record::Answered(answered.clone())], standing: Some(answered) })
    }

    fn opens(&self, _: &str, _: i64, _: &str) -> bool {
        false
    }

    fn reminded(&self, reminder: &str) -> Option<(Shown, Context, Option<Choice>)> {
        let asked = self.asked.lock().unwrap();
        let order = asked.iter().rev().find_map(|a| a.orders.first()).map(|o| o.order.clone())?;
        (reminder == GUID).then(|| (shown(), Context { order, ..Context::default() }, None))
    }

    fn reasons(&self) -> Vec<(String, String, String, bool)> {
        Vec::new()
    }
}

struct County {
    desk: Arc<Fake>,
    ingest: crate::ingest::Ingest,
    store: Arc<Store>,
    reader: Reader,
    runtime: tokio::runtime::Runtime,
    source: Source,
    _dir: tempfile::TempDir,
}

impl County {
    fn new() -> County {
        let dir = tempfile::tempdir().unwrap();
        let opened = crate::runtime::open(dir.path(), &crate::config::Config::default()).unwrap();
        let (store, reader) = (opened.store, opened.reader);
        let desk = Arc::new(Fake {
            says: StdMutex::new(Says::Nothing),
            asked: StdMutex::default(),
            replied: StdMutex::default(),
            store: Arc::clone(&store),
            visible: StdMutex::default(),
        });
        let questions = Questions::new(Arc::clone(&desk) as Arc<_>, Arc::clone(&store), "http://gw/");
        let pipeline = Arc::new(crate::pipeline::Pipeline::load(None).ok().unwrap());
        let limits = hutong_wire::limits::Limits::default();
        let ingest = crate::ingest::Ingest::new(pipeline, Arc::clone(&store), opened.community, Some(Arc::new(questions)), &limits);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let source = Source { id: "his".into(), institution: "H2".into(), order_answer: OrderAnswer::Response, ..Source::default() };
        County { desk, ingest, store, reader, runtime, source, _dir: dir }
    }

    fn says(&self, says: Says) {
        *self.desk.says.lock().unwrap() = says;
    }

    fn accept(&self, message: &str) -> hutong_receive::Pending {
        let source = Source {
            id: self.source.id.clone(),
            institution: self.source.institution.clone(),
            order_answer: self.source.order_answer,
            remind_at_visit: self.source.remind_at_visit,
            ..Source::default()
        };
        self.ingest.accept(Incoming {
            raw: message.as_bytes().to_vec().into(),
            source: Arc::new(source),
            peer: SocketAddr::from(([127, 0, 0, 1], 1)),
            protocol: "mllp",
            declared_charset: None,
            findings: Vec::new(),
        })
    }

    /// The answer, a line a segment.
    fn send(&self, message: &str) -> String {
        match self.runtime.block_on(async { self.accept(message).await }) {
            Answer::Send(bytes) => String::from_utf8(bytes.to_vec()).unwrap().replace('\r', "\n"),
            other => format!("{other:?}"),
        }
    }

    /// Events of the last entry, as JSON.
    fn events(&self) -> Vec<String> {
        let entry = self.store.entry(self.store.durable()).unwrap();
        entry.events().filter(|(kind, _)| *kind == "recognition").map(|(_, body)| String::from_utf8(body.to_vec()).unwrap()).collect()
    }

    fn status(&self, of: &str) -> Option<String> {
        assert!(self.store.wait_applied(self.store.durable(), Duration::from_secs(20)));
        let version = self.reader.read("ServiceRequest", of.strip_prefix("ServiceRequest/")?).unwrap()?;
        let (tree, _) = json::parse(&version.body, &json::JsonLimits::default()).ok()?;
        tree.root().at("status").map(str::to_owned)
    }

    /// Reference of the last order asked about.
    fn order(&self) -> String {
        self.desk.asked.lock().unwrap().last().unwrap().orders[0].order.clone()
    }

    fn asks(&self) -> usize {
        self.desk.asked.lock().unwrap().len()
    }
}

fn head(kind: &str, control: &str, minute: u32) -> String {
    format!(
        "MSH|^~\\&|HIS|H2|HUTONG|GW|202611220800{minute:02}||{kind}|{control}|P|2.4||||||UNICODE UTF-8\rPID|1||2001^^^H2^MR||王小芳||19840312|F\r"
    )
}

fn orm(control: &str, minute: u32, orders: &str) -> String {
    format!("{}PV1|1|E|^^^急诊科||||7001^周医生|||||||||||V1\r{orders}", head("ORM^O01", control, minute))
}

const NEW: &str = "ORC|NW|R1^HIS||||||||||7002^李医生|||||03^内科\rOBR|1|R1^HIS||K^血清钾^99LAB\r";

#[test]
fn the_mode_says_what_becomes_of_an_order() {
    let cases = [
        (Says::Remind(Mode::Remind, false), "AA", "OK", Some("HR-REMIND"), "active"),
        (Says::Remind(Mode::Hold, false), "AA", "OH", Some("HR-HOLD"), "on-hold"),
        (Says::Remind(Mode::Refuse, false), "AE", "UA", Some("HR-REFUSE"), "draft"),
        // of a panel one item must be examined anyway
        (Says::Remind(Mode::Refuse, true), "AA", "OK", Some("HR-REMIND"), "active"),
        (Says::Nothing, "AA", "OK", None, "active"),
        (Says::Late, "AA", "OK", Some("HR-DEGRADED"), "active"),
        (Says::Panics, "AA", "OK", Some("HR-DEGRADED"), "active"),
    ];
    for (n, (says, code, control, told, status)) in cases.into_iter().enumerate() {
        let county = County::new();
        county.says(says);
        let answer = county.send(&orm(&format!("C{n}"), 1, NEW));
        let lines: Vec<&str> = answer.lines().collect();
        assert!(lines[0].contains("|ORR^O02^ORR_O02|"), "{says:?} {answer}");
        assert!(answer.contains(&format!("\nMSA|{code}|C{n}")), "{says:?} {answer}");
        assert!(answer.contains(&format!("\nORC|{control}|R1^HIS\nOBR|1|R1^HIS||K^血清钾^99LAB\n")), "{says:?} {answer}");
        match told {
            None => assert!(!answer.contains("\nERR") && !answer.contains("\nZRR") && !answer.contains("\nNTE"), "{answer}"),
            Some("HR-DEGRADED") => {
                assert!(answer.contains("|W|HR-DEGRADED|") && answer.contains("\nZRR|1|R1^HIS|||||||||||||remind|"), "{answer}")
            }
            Some(told) => {
                let severity = if code == "AE" { "E" } else { "W" };
                assert!(answer.contains(&format!("|{severity}|{told}|")) && answer.contains("|OBR^1^4|"), "{answer}");
                let zrr = "ZRR|1|R1^HIS|K^血清钾^HR-ITEM|recognise|LAB-1|H1^县人民医院|20261120093000+0800|4.1 mmol/L (3.5-5.3)|";
                assert!(
                    answer.contains(zrr) && answer.contains(&format!("|{GUID}|http://gw/recognition/x?until=1\\T\\sig=2|")),
                    "{answer}"
                );
                assert!(answer.contains("县人民医院 2026-11-20"), "{answer}");
            }
        }
        let events = county.events();
        assert_eq!(events.len(), 1, "{says:?}");
        let is_degraded = matches!(says, Says::Late | Says::Panics);
        assert!(events[0].contains(&format!("\"degraded\":{is_degraded}")), "{says:?} {events:?}");
        assert_eq!(county.status(&county.order()).as_deref(), Some(status), "{says:?}");
    }
}

#[test]
fn who_asks_is_said_and_everything_before_can_be_seen() {
    let county = County::new();
    county.says(Says::Nothing);
    // pipelined: the registration is not answered yet when the order comes
    let (register, order) = (head("ADT^A08", "A1", 0), orm("C1", 1, NEW));
    county.runtime.block_on(async {
        let first = county.accept(&register);
        let second = county.accept(&order);
        let (first, second) = tokio::join!(first, second);
        assert!(matches!((first, second), (Answer::Send(_), Answer::Send(_))));
    });
    let asked = county.desk.asked.lock().unwrap().clone();
    let Ask { context, trigger, setting, source, orders, .. } = &asked[0];
    assert_eq!((context.institution.as_str(), context.department.as_str(), context.doctor.as_str()), ("H2", "03", "7002"));
    assert!(context.patient.starts_with("Patient/") && context.visit.starts_with("Encounter/") && context.channel == "v2");
    assert_eq!((*trigger, *setting, source.as_str()), (Trigger::Order, Some(hutong_enforce::recognition::Setting::Emergency), "his"));
    assert_eq!((orders[0].codes[0].1.as_str(), orders[0].name.as_str()), ("K", "血清钾"));
    let (applied, durable) = county.desk.visible.lock().unwrap()[0];
    assert!(applied == durable && durable >= 1, "{applied} of {durable}");
}

#[test]
fn only_a_new_order_is_asked_about() {
    let county = County::new();
    county.says(Says::Remind(Mode::Refuse, false));
    for (n, (orders, asks)) in [
        ("ORC|CA|R1^HIS\rOBR|1|R1^HIS||K^血清钾^99LAB\r", 0),
        ("ORC|XO|R1^HIS\rOBR|1|R1^HIS||K^血清钾^99LAB\r", 0),
        ("ORC|SC|R1^HIS|||CM\rOBR|1|R1^HIS||K^血清钾^99LAB\r", 0),
        ("ORC|NW|R1^HIS|||IP\rOBR|1|R1^HIS||K^血清钾^99LAB\r", 0),
        ("ORC|NW|R1^HIS\rOBR|1|R1^HIS||K^血清钾^99LAB\r", 1),
        ("ORC|RO|R2^HIS\rOBR|1|R2^HIS||K^血清钾^99LAB\r", 1),
        // two orders, one of two items and a cancelled one
        (
            "ORC|NW|R3^HIS\rOBR|1|R3^HIS||K^钾^99LAB\rOBR|2|R3^HIS||NA^钠^99LAB\rORC|NW|R4^HIS\rOBR|1|R4^HIS||CA^钙^99LAB\rORC|CA|R5^HIS\r",
            3,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let before: usize = county.desk.asked.lock().unwrap().iter().map(|a| a.orders.len()).sum();
        let answer = county.send(&orm(&format!("C{n}"), n as u32, orders));
        let after: usize = county.desk.asked.lock().unwrap().iter().map(|a| a.orders.len()).sum();
        assert_eq!(after - before, asks, "{orders}");
        assert!(answer.contains("|ORR^O02^ORR_O02|") && answer.contains("\nORC|"), "{answer}");
        if asks == 3 {
            let controls: Vec<&str> = answer.lines().filter_map(|l| l.strip_prefix("ORC|")).collect();
            assert_eq!(controls, ["UA|R3^HIS", "UA|R3^HIS", "UA|R4^HIS", "CR|R5^HIS"], "{answer}");
            assert_eq!(answer.matches("\nZRR|").count(), 3);
            assert!(["OBR^1^4", "OBR^2^4", "OBR^3^4"].iter().all(|at| answer.contains(at)), "{answer}");
        }
    }
}

#[test]
fn a_repeat_gets_the_same_bytes_and_no_second_question_on_record() {
    let county = County::new();
    county.says(Says::Remind(Mode::Hold, false));
    let message = orm("C1", 1, NEW);
    let first = county.send(&message);
    county.says(Says::Nothing);
    assert_eq!(county.send(&message), first);
    assert_eq!(county.events().len(), 0, "the repeat's entry");
    assert_eq!(county.status(&county.order()).as_deref(), Some("on-hold"));
    // the same id with other bytes
    let answer = county.send(&orm("C1", 2, NEW));
    assert!(answer.contains("\nMSA|AE|C1") && answer.contains("|E|ID-REUSED|"), "{answer}");
}

#[test]
fn nobody_waits_longer_than_half_a_second() {
    let county = County::new();
    county.says(Says::Sleeps);
    let begun = Instant::now();
    let answer = county.send(&orm("C1", 1, NEW));
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert!(answer.contains("\nMSA|AA|C1") && answer.contains("|W|HR-DEGRADED|") && answer.contains("|remind|late\n"), "{answer}");
    assert!(county.events()[0].contains("\"degraded\":true"));
    assert_eq!(county.status(&county.order()).as_deref(), Some("active"));
    // and others do not wait for it at all
    let begun = Instant::now();
    let answer = county.send(&head("ADT^A08", "A1", 2));
    assert!(answer.contains("\nMSA|AA|A1") && begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[test]
fn an_ack_says_the_same_where_it_is_wanted() {
    let mut county = County::new();
    county.source.order_answer = OrderAnswer::Ack;
    county.says(Says::Nothing);
    let plain = county.send(&orm("C0", 1, NEW));
    assert!(plain.contains("|ACK^O01^ACK|") && plain.ends_with("\nMSA|AA|C0\n"), "{plain}");
    county.says(Says::Remind(Mode::Refuse, false));
    let answer = county.send(&orm("C1", 1, NEW));
    assert!(answer.contains("|ACK^O01^ACK|") && answer.contains("\nMSA|AE|C1|") && !answer.contains("\nORC"), "{answer}");
    assert!(answer.contains("\nZRR|1|R1^HIS|") && answer.contains("|refuse\n"), "{answer}");
    // enhanced mode: CA promises that it is stored, and has no other exchange to say more in
    let enhanced = orm("C2", 1, NEW).replace("|P|2.4||||||", "|P|2.4|||AL|NE||");
    county.source.order_answer = OrderAnswer::Response;
    let answer = county.send(&enhanced);
    assert!(answer.contains("|ACK^O01^ACK|") && answer.contains("\nMSA|CE|C2|") && answer.contains("\nZRR|1|"), "{answer}");
}

#[test]
fn a_visit_is_asked_about_where_its_source_wants_it() {
    let mut county = County::new();
    county.says(Says::Remind(Mode::Refuse, false));
    let visit = |control: &str| format!("{}PV1|1|O|^^^内科||||7001^周医生|||||||||||V1\r", head("ADT^A04", control, 1));
    let answer = county.send(&visit("A1"));
    assert!(answer.ends_with("\nMSA|AA|A1\n") && county.asks() == 0, "{answer}");
    county.source.remind_at_visit = true;
    let answer = county.send(&visit("A2"));
    assert!(answer.contains("|ACK^A04^ACK|") && answer.contains("\nMSA|AA|A2\n") && answer.contains("|I|HR-REMIND|"), "{answer}");
    assert!(answer.contains("\nZRR|1||K^血清钾^HR-ITEM|recognise|") && answer.contains("|remind\n"), "{answer}");
    let ask = county.desk.asked.lock().unwrap()[0].clone();
    assert_eq!((ask.trigger, ask.orders.len(), ask.context.doctor.as_str()), (Trigger::Visit, 0, "7001"));
    county.says(Says::Nothing);
    assert!(county.send(&visit("A3")).ends_with("\nMSA|AA|A3\n"));
}

#[test]
fn a_doctor_answers() {
    let county = County::new();
    county.says(Says::Remind(Mode::Hold, false));
    county.send(&orm("C1", 1, NEW));
    let order = county.order();
    assert_eq!(county.status(&order).as_deref(), Some("on-hold"));
    let zra = |control: &str, orc: &str, zra: &str| orm(control, 2, &format!("ORC|{orc}|R1^HIS\rZRA|{zra}\r"));
    for (n, (segment, field, code)) in [
        (format!("1|{GUID}||maybe"), 4, 103),
        ("1|||refuse|04".to_owned(), 2, 101),
        ("1|other||recognise".to_owned(), 2, 204),
        (format!("1|{GUID}||refuse|99"), 6, 101),
        (format!("1|{GUID}||refuse|77"), 5, 103),
        (format!("1|{GUID}||recognise\rZRA|2|{GUID}||refuse|04"), 2, 205),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = county.send(&zra(&format!("W{n}"), "CA", &segment));
        let sequence = if code == 205 { 2 } else { 1 };
        assert!(answer.contains(&format!("\nMSA|AE|W{n}|")) && !answer.contains("\nORC"), "{answer}");
        assert!(answer.contains(&format!("|ZRA^{sequence}^{field}|{code}^")) && answer.contains("|E|HR-ANSWER|"), "{segment}: {answer}");
        assert_eq!(county.events().len(), 0, "{segment}");
        assert_eq!(county.status(&order).as_deref(), Some("on-hold"), "nothing of a wrong message is done");
    }
    // refused with a reason: the order goes ahead, whatever the message that says so is about
    let answer = county.send(&zra("R1", "SC", &format!("1|{GUID}||refuse|99^连续监测|I10^高血压|7009^陈医生|20261122080200|05^外科")));
    assert!(
        answer.contains("\nMSA|AA|R1\n") && answer.contains("\nORC|OK|R1^HIS\n") && answer.contains("\nNTE|1||已记录不互认"),
        "{answer}"
    );
    let reply = county.desk.replied.lock().unwrap().last().unwrap().clone();
    assert_eq!((reply.order.as_str(), reply.context.doctor.as_str(), reply.context.department.as_str()), (order.as_str(), "7009", "05"));
    assert_eq!(reply.decision, desk::Decision::Refuse { reason: "99".into(), diagnosis: "高血压".into() });
    assert!(county.events()[0].contains("\"answered\""));
    assert_eq!(county.status(&order).as_deref(), Some("active"));
    // recognised: withdrawn
    let answer = county.send(&zra("R2", "CA", &format!("1|{GUID}||RECOGNISE")).replace("ZRA|", "OBR|1|R1^HIS||K^血清钾^99LAB\rZRA|"));
    assert!(answer.contains("\nORC|CR|R1^HIS\n") && answer.contains("已记录互认"), "{answer}");
    assert_eq!(county.status(&order).as_deref(), Some("revoked"));
}

#[test]
fn a_cancellation_alone_is_no_answer() {
    let county = County::new();
    county.says(Says::Remind(Mode::Remind, false));
    county.send(&orm("C1", 1, NEW));
    let order = county.order();
    let answer = county.send(&orm("C2", 2, "ORC|CA|R1^HIS\rOBR|1|R1^HIS||K^血清钾^99LAB\r"));
    assert!(answer.contains("\nORC|CR|R1^HIS\n") && !answer.contains("ZRR"), "{answer}");
    assert!(county.events().is_empty() && county.desk.replied.lock().unwrap().is_empty());
    assert_eq!(county.status(&order).as_deref(), Some("revoked"));
}

#[test]
fn an_order_may_say_from_the_start_why_it_is_repeated() {
    let county = County::new();
    for (n, (rest, expected)) in [
        ("ORC|NW|R1^HIS||||||||||||||04^急诊^HR-REASON\rOBR|1|R1^HIS||K^血清钾^99LAB\r".to_owned(), vec!["04"]),
        // what a hospital writes there for its own purposes is none
        ("ORC|NW|R1^HIS||||||||||||||04^补录^99HIS\rOBR|1|R1^HIS||K^血清钾^99LAB\r".to_owned(), vec![]),
        (format!("{NEW}ZRA|1|{GUID}||refuse|04\r"), vec!["04"]),
    ]
    .into_iter()
    .enumerate()
    {
        county.send(&orm(&format!("C{n}"), n as u32, NEW));
        let answer = county.send(&orm(&format!("D{n}"), n as u32, &rest));
        let asked = county.desk.asked.lock().unwrap().last().unwrap().orders[0].exceptions.clone();
        assert_eq!(asked, expected, "{rest} {answer}");
    }
}
