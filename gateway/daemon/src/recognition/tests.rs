//! The desk over an open store: results arrive as messages, identities and tables as events, questions and answers as the
//! protocols ask them.

use std::sync::Arc;
use std::time::Duration;

use hutong_commit::entry::{EventDraft, ResourceDraft, Update};
use hutong_enforce::recognition::desk::{Acted, Ask, Decision, Desk, ItemTold, Mode, OrderAsked, Reply, Told};
use hutong_enforce::recognition::record::{Choice, Context, Record, Trigger};
use hutong_enforce::recognition::{Fall, Verdict};
use hutong_fhir::json;
use hutong_identify::{By, Event};
use hutong_receive::sources::{Source, Sources};
use hutong_validate::{Knowledge, Validator};

use super::*;
use crate::act::{Act, Acts};
use crate::community::{REGISTRY, RegistryEvent};
use crate::pipeline::{Origin, Pipeline};

/// 2026-11-22 10:00 in China.
const NOW: i64 = 1_795_312_800_000_000;

const INSTITUTIONS: &str = "code,name,region,tier,community\nH1,县人民医院,500236,county,C1\nH2,柳溪卫生院,500236,township,C1\n\
    H9,邻县医院,500101,county,\n";
const ITEMS: &str = "code,name,kind,parts,unit,method\nGLU,葡萄糖,laboratory,,mmol/L,\nK,钾,laboratory,,mmol/L,\nBIO,生化,laboratory,GLU K,,\n\
    CT-HEAD,头颅CT,imaging,,,\n";
const CODES: &str = "institution,system,code,item\n*,-,GLU,GLU\n*,-,K,K\n*,-,BIO,BIO\n*,-,CT01,CT-HEAD\n";
const PRICES: &str = "#version 2026-1\ninstitution,item,price\nH2,GLU,5.50\n*,K,6\n";
const RULES: &str = "#set test\n#version 1\n#source these tests\n#effective_from 2026-01-01\n#regions 50\n\
    item\tkind\tsetting\tvalid\tfrom\treach\tmark\tcompare\n\
    GLU\tlaboratory\tany\t30d\treport\tprovince\tyes\tunit\nK\tlaboratory\tany\t7d\treport\tcommunity\tno\tunit\n\
    CT-HEAD\timaging\tany\t14d\tstudy\tcommunity\tno\t\n";
const CERTIFICATES: &str = "#version 1\ninstitution,department,item,scheme,year,result,valid_from,valid_to,evidence\n\
    H1,,GLU,province,2026,passed,2026-01-01,2026-12-31,c1\n";

struct County {
    _dir: tempfile::TempDir,
    desk: Recognition,
    community: Shared,
    acts: Acts,
    pipeline: Pipeline,
    validator: Validator,
}

impl County {
    fn open(setting: Setting) -> County {
        let dir = tempfile::tempdir().unwrap();
        let config = crate::config::Config { recognition: setting, ..crate::config::Config::default() };
        let opened = crate::runtime::open(dir.path(), &config).ok().unwrap();
        let source = |id: &str, institution: &str| Source {
            id: id.into(),
            institution: institution.into(),
            certificates: vec![format!("{:064x}", u32::from(id.as_bytes()[3]))],
            ..Source::default()
        };
        let sources = Arc::new(Sources::new(vec![source("lis1", "H1"), source("lis2", "H2"), source("lis9", "H9")]).unwrap());
        let desk = Recognition::new(Arc::clone(&opened.store), opened.reader, opened.community.clone(), sources, config.recognition);
        let acts = Acts::new(Arc::clone(&opened.store));
        let (knowledge, refused) = Knowledge::community();
        assert!(refused.is_empty());
        let county = County {
            _dir: dir,
            desk: desk.ok().unwrap(),
            community: opened.community,
            acts,
            pipeline: Pipeline::load(None).ok().unwrap(),
            validator: Validator::with(Arc::new(knowledge)),
        };
        use hutong_identify::registry::Table as Registered;
        for (table, text) in [
            (Registered::Institutions, INSTITUTIONS),
            (Registered::Items, ITEMS),
            (Registered::ItemCodes, CODES),
            (Registered::Prices, PRICES),
        ] {
            let import = hutong_identify::registry::Import { table, version: "1".into(), by: "t".into(), text: text.into() };
            county.registry(&RegistryEvent::Import(import));
        }
        county.import(Table::Rules, RULES);
        county.import(Table::Certificates, CERTIFICATES);
        county
    }

    fn registry(&self, event: &RegistryEvent) {
        self.act("t", Vec::new(), vec![EventDraft { kind: REGISTRY.into(), body: serde_json::to_vec(event).unwrap() }]);
    }

    fn import(&self, table: Table, text: &str) {
        let import = Import { table, version: "1".into(), by: "t".into(), text: text.into() };
        {
            let community = self.community.read();
            community.tables.diff(&import, &community.registry).unwrap();
        }
        self.registry(&RegistryEvent::Policy(import));
    }

    fn act(&self, source: &str, resources: Vec<ResourceDraft>, events: Vec<EventDraft>) {
        let receipt = self.acts.receipt();
        let act = Act { receipt, what: "test", source, protocol: "test", request: Vec::new(), answer: Vec::new(), resources, events };
        let committed = self.acts.record(act).unwrap();
        assert!(self.desk.store.wait_applied(committed.seq, Duration::from_secs(30)));
    }

    /// A report of a laboratory: `number` in its hospital, person, when reported, the OBX segments; gives the Patient.
    fn report(&self, source: &str, number: &str, person: &str, reported: &str, status: &str, obx: &[&str]) -> String {
        let hospital = format!("H{}", &source[3..]);
        let mut text = format!(
            "MSH|^~\\&|LIS|{hospital}|GW|GW|{reported}||ORU^R01|{number}-{status}|P|2.4||||||UNICODE UTF-8\r\
             PID|1||{person}^^^{hospital}^MR||{person}||19680214|M\rORC|RE|{number}|F{number}\r\
             OBR|1|{number}|F{number}|BIO^生化|||{reported}|||||||||||||||{reported}||LAB|{status}\r"
        );
        for (n, obx) in obx.iter().enumerate() {
            text += &format!("OBX|{}|{obx}|||{status}|||{reported}\r", n + 1);
        }
        self.message(source, &text)
    }

    fn message(&self, source: &str, text: &str) -> String {
        let origin = Origin { source: source.into(), namespace: source.into(), sites: vec!["cn".into()], ..Origin::local() };
        let mut patient = String::new();
        for message in self.pipeline.convert(text.as_bytes(), &origin) {
            assert!(!message.has_errors(), "{:?}", message.findings);
            let patients = message.patients();
            let events = {
                let community = self.community.read();
                community.identify(&patients, &community.persons(&patients), crate::community::Tie::None, source)
            };
            patient = format!("Patient/{}", patients[0].id);
            self.act(source, message.drafts(), events);
        }
        patient
    }

    /// Journals what an answer leaves behind.
    fn keep(&self, records: &[Record], resources: &[hutong_fhir::Tree]) {
        let resources = resources.iter().map(|tree| {
            let mut body = Vec::new();
            json::write(tree.root(), &mut body);
            let text = |path: &str| tree.root().at(path).unwrap_or_default().to_owned();
            ResourceDraft {
                resource_type: text("resourceType"),
                id: text("id"),
                body,
                update: Update::Replace,
                clear: Vec::new(),
                event_us: records.first().map_or(0, Record::at_us),
            }
        });
        self.act("H2", resources.collect(), records.iter().map(draft).collect());
    }

    fn ask(&self, ask: &Ask) -> Told {
        let told = self.desk.ask(ask);
        assert_eq!(told.degraded, None);
        told
    }

    /// Asks and journals the question.
    fn asked(&self, ask: &Ask) -> Told {
        let told = self.ask(ask);
        self.keep(&told.records, &[]);
        told
    }

    fn reply(&self, told: &Told, n: usize, decision: Decision) -> Result<Acted, Vec<Finding>> {
        let reminder = told.items.iter().flat_map(|i| &i.reminders).nth(n).unwrap().reminder.id.clone();
        self.answer(&reminder, "", decision)
    }

    fn answer(&self, reminder: &str, order: &str, decision: Decision) -> Result<Acted, Vec<Finding>> {
        let context = Context { institution: "H2".into(), doctor: "316".into(), channel: "test".into(), ..Context::default() };
        let reply =
            Reply { reminder: reminder.into(), order: order.into(), result: String::new(), context, at_us: NOW + 60_000_000, decision };
        let acted = self.desk.reply(&reply)?;
        for tree in &acted.resources {
            let findings = self.validator.validate(tree);
            let errors: Vec<_> = findings.iter().filter(|f| f.severity == hutong_fhir::Severity::Error).collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
        self.keep(&acted.records, &acted.resources);
        Ok(acted)
    }

    fn stored(&self, reference: &str) -> serde_json::Value {
        recall::read_json(&self.desk.reader, reference).ok().flatten().unwrap_or_default()
    }
}

const GLU: &str = "NM|GLU^★葡萄糖||7.82|mmol/L|3.90-6.10|H";
const K: &str = "NM|K^钾||4.05|mmol/L|3.50-5.30|N";

fn ask(patient: &str, order: &str, codes: &[&str]) -> Ask {
    let orders = codes.iter().map(|code| OrderAsked {
        order: order.into(),
        codes: vec![(String::new(), (*code).to_owned())],
        name: (*code).to_owned(),
        exceptions: Vec::new(),
    });
    let trigger = if codes.is_empty() { Trigger::Visit } else { Trigger::Order };
    Ask {
        trigger,
        source: "his2".into(),
        context: Context { institution: "H2".into(), patient: patient.into(), doctor: "316".into(), ..Context::default() },
        same: Vec::new(),
        setting: None,
        at_us: NOW,
        orders: orders.collect(),
    }
}

fn signs() -> Setting {
    Setting { signs: [("lis1".to_owned(), "渝HR".to_owned())].into(), ..Setting::default() }
}

fn verdicts(told: &Told) -> Vec<(&str, &Verdict)> {
    told.items.iter().map(|i| (i.ruling.item.as_str(), &i.ruling.verdict)).collect()
}

fn because(told: &Told) -> Fall {
    let Verdict::MayRepeat { because } = &only(told).ruling.verdict else { panic!("{:?}", told.items) };
    because.clone()
}

fn only(told: &Told) -> &ItemTold {
    assert_eq!(told.items.len(), 1);
    &told.items[0]
}

#[test]
fn a_doctor_is_reminded_and_answers_once() {
    let county = County::open(signs());
    let patient = county.report("lis1", "SQ1", "zhang", "20261120093000+0800", "F", &[GLU, K]);
    let told = county.asked(&ask(&patient, "SQ9", &["BIO"]));
    assert_eq!(verdicts(&told), [("GLU", &Verdict::Recognise), ("K", &Verdict::Recognise)]);
    let shown = &told.items[0].reminders[0];
    assert_eq!((shown.item_name.as_str(), shown.institution_name.as_str()), ("葡萄糖", "县人民医院"));
    assert_eq!((shown.value.as_str(), shown.reminder.report_number.as_str()), ("7.82 mmol/L ↑ (3.90-6.10)", "FSQ1"));
    assert_eq!((shown.reminder.mark.as_deref(), shown.reminder.certificate.as_deref()), (Some("渝HR"), Some("c1")));
    assert_eq!(shown.reminder.patient, patient);
    let Record::Asked(asked) = &told.records[0] else { panic!() };
    assert_eq!((asked.context.order.as_str(), asked.items.len(), asked.items[0].marked, asked.items[0].verified), ("SQ9", 2, 1, 1));
    // the page of the link
    let query = shown.link.split_once("?until=").unwrap().1;
    let (until, signature) = query.split_once("&sig=").unwrap();
    assert!(county.desk.opens(&shown.reminder.id, until.parse().unwrap(), signature));
    let (again, context, choice) = county.desk.reminded(&shown.reminder.id).unwrap();
    assert_eq!((&again.value, &again.until_us, context.order.as_str(), choice), (&shown.value, &shown.until_us, "SQ9", None));
    assert_eq!(again.reminder, shown.reminder);

    // the same question again is the same reminder
    let repeated = county.ask(&ask(&patient, "SQ9", &["BIO"]));
    assert_eq!(repeated.items[0].reminders[0].reminder, shown.reminder);

    let viewed = county.reply(&told, 0, Decision::View).unwrap();
    assert!(viewed.standing.is_none() && viewed.resources.len() == 2);
    let refuse = |reason: &str, diagnosis: &str| Decision::Refuse { reason: reason.into(), diagnosis: diagnosis.into() };
    for (decision, rule) in [
        (refuse("77", ""), "recognition.reason"),
        (refuse("99", " "), "recognition.diagnosis"),
        (Decision::Revoke, "recognition.not-answered"),
    ] {
        assert_eq!(county.reply(&told, 0, decision).err().unwrap()[0].rule, rule);
    }
    let acted = county.reply(&told, 0, Decision::Recognise).unwrap();
    let standing = acted.standing.unwrap();
    assert_eq!((standing.saved_fen, standing.price_table.as_str(), standing.choice), (550, "prices 1", Choice::Recognised));
    let task = county.stored(&format!("Task/{}", shown.reminder.id));
    assert_eq!(task["businessStatus"]["coding"][0]["code"], "recognised");
    assert_eq!(task["output"][0]["valueMoney"]["value"].to_string(), "5.50");
    assert_eq!(county.reply(&told, 0, refuse("01", "")).err().unwrap()[0].rule, "recognition.answered");

    let acted = county.reply(&told, 1, refuse("99", "低钾血症")).unwrap();
    let standing = acted.standing.unwrap();
    assert_eq!((standing.reason.as_str(), standing.counts, standing.saved_fen), ("99", false, 0));

    county.reply(&told, 0, Decision::Revoke).unwrap();
    assert_eq!(county.stored(&format!("Task/{}", shown.reminder.id))["businessStatus"]["coding"][0]["code"], "revoked");
    assert_eq!(county.reply(&told, 0, Decision::Revoke).err().unwrap()[0].rule, "recognition.not-answered");
    let acted = county.reply(&told, 0, refuse("01", "")).unwrap();
    assert!(acted.standing.unwrap().counts);
    assert_eq!(county.stored(&format!("Task/{}", shown.reminder.id))["businessStatus"]["coding"][0]["code"], "not-recognised");
}

#[test]
fn a_reminder_is_its_institutions() {
    let county = County::open(signs());
    let patient = county.report("lis1", "SQ1", "zhang", "20261120093000+0800", "F", &[GLU]);
    let told = county.asked(&ask(&patient, "SQ9", &["GLU"]));
    let context = Context { institution: "H9".into(), doctor: "1".into(), ..Context::default() };
    let reminder = only(&told).reminders[0].reminder.id.clone();
    let reply = Reply { reminder, order: String::new(), result: String::new(), context, at_us: NOW, decision: Decision::Recognise };
    assert_eq!(county.desk.reply(&reply).err().unwrap()[0].rule, "recognition.reminder");
}

#[test]
fn what_arrives_later_changes_the_next_answer() {
    let county = County::open(signs());
    let here = county.report("lis2", "SQ1", "wang", "20261001093000+0800", "F", &[K]);
    let there = county.report("lis1", "SQ2", "wang-at-1", "20261121093000+0800", "F", &[GLU, K]);
    assert_ne!(here, there);
    let question = ask(&here, "SQ9", &["GLU"]);
    assert_eq!(only(&county.ask(&question)).ruling.verdict, Verdict::NoPriorResult);
    // what the message itself knows of the person
    let same = Ask { same: vec![there.clone()], ..question.clone() };
    assert_eq!(only(&county.ask(&same)).ruling.verdict, Verdict::Recognise);

    let by = || By::Person("t".into());
    let say =
        |event: &Event| county.act("t", Vec::new(), vec![EventDraft { kind: "identity".into(), body: serde_json::to_vec(event).unwrap() }]);
    say(&Event::Link { a: here.clone(), b: there.clone(), by: by() });
    assert_eq!(only(&county.ask(&question)).ruling.verdict, Verdict::Recognise);
    say(&Event::Part { a: here.clone(), b: there.clone(), by: by() });
    assert_eq!(only(&county.ask(&question)).ruling.verdict, Verdict::NoPriorResult);
    say(&Event::Link { a: here, b: there, by: by() });
    assert_eq!(only(&county.ask(&question)).ruling.verdict, Verdict::Recognise);

    // a correction keeps it, with its new value; a withdrawal ends it
    county.report("lis1", "SQ2", "wang-at-1", "20261121103000+0800", "C", &["NM|GLU^★葡萄糖||6.90|mmol/L|3.90-6.10|H"]);
    let told = county.ask(&question);
    assert!(only(&told).reminders[0].value.starts_with("6.90 "), "{}", only(&told).reminders[0].value);
    county.report("lis1", "SQ2", "wang-at-1", "20261121113000+0800", "X", &["NM|GLU^★葡萄糖||6.90|mmol/L|3.90-6.10|H"]);
    assert_eq!(only(&county.ask(&question)).ruling.verdict, Verdict::NoPriorResult);
}

#[test]
fn a_merge_by_message_changes_the_next_answer() {
    let county = County::open(Setting::default());
    let old = county.report("lis2", "SQ1", "old-number", "20261121093000+0800", "F", &[K]);
    let new = county.report("lis2", "SQ2", "new-number", "20261001093000+0800", "F", &["NM|GLU^葡萄糖||5.1|mmol/L|3.90-6.10|N"]);
    assert_ne!(old, new);
    let question = ask(&new, "SQ9", &["K"]);
    assert_eq!(only(&county.ask(&question)).ruling.verdict, Verdict::NoPriorResult);
    let merge = "MSH|^~\\&|HIS|H2|GW|GW|20261122090000+0800||ADT^A40^ADT_A39|M1|P|2.4||||||UNICODE UTF-8\rEVN|A40|20261122090000+0800\r\
        PID|1||new-number^^^H2^MR||new-number||19680214|M\rMRG|old-number^^^H2^MR\r";
    county.message("lis2", merge);
    assert_eq!(only(&county.ask(&question)).ruling.verdict, Verdict::Recognise);
}

#[test]
fn numbers_of_orders_are_an_institutions_own() {
    let county = County::open(signs());
    let patient = county.report("lis1", "SQ1", "zheng", "20261120093000+0800", "F", &[GLU]);
    let told = county.asked(&ask(&patient, "7", &["GLU"]));
    county.reply(&told, 0, Decision::Refuse { reason: "01".into(), diagnosis: String::new() }).unwrap();
    let mut elsewhere = ask(&patient, "7", &["GLU"]);
    elsewhere.context.institution = "H1".into();
    let again = county.ask(&elsewhere);
    assert_eq!(only(&again).reminders.len(), 1);
    assert_ne!(only(&again).reminders[0].reminder.id, only(&told).reminders[0].reminder.id);
}

#[test]
fn tables_change_the_answer() {
    let county = County::open(signs());
    let patient = county.report("lis1", "SQ1", "li", "20261120093000+0800", "F", &[GLU]);
    let question = ask(&patient, "SQ9", &["GLU"]);
    assert_eq!(only(&county.ask(&question)).ruling.verdict, Verdict::Recognise);
    county.import(Table::Certificates, &CERTIFICATES.replace("2026-12-31", "2026-11-10"));
    let fell = because(&county.ask(&question));
    assert!(matches!(fell, Fall::CertificateLapsed { .. }), "{fell:?}");
    // a version that begins later ends the one before
    let next = RULES
        .replace("#version 1", "#version 2")
        .replace("2026-01-01", "2026-11-22")
        .replace("GLU\tlaboratory\tany\t30d", "GLU\tlaboratory\tany\t1d");
    county.import(Table::Rules, &next);
    let fell = because(&county.ask(&question));
    assert!(matches!(fell, Fall::Expired { .. }), "{fell:?}");
    let yesterday = Ask { at_us: NOW - 86_400_000_000, ..question };
    let fell = because(&county.ask(&yesterday));
    assert!(matches!(fell, Fall::CertificateLapsed { .. }), "{fell:?}");
}

#[test]
fn tables_with_faults_are_refused_whole() {
    let county = County::open(Setting::default());
    let community = county.community.read();
    for (table, text, line, column) in [
        (Table::Rules, RULES.replace("K\tlab", "ZZ\tlab"), 8, "item"),
        (Table::Rules, RULES.replace("#version 1", "#version 2"), 0, ""),
        (Table::Rules, format!("{RULES}GLU\tlaboratory\toutpatient\t7d\treport\tprovince\tyes\tunit\n"), 10, "item"),
        (Table::Certificates, CERTIFICATES.replace("H1,", "H7,"), 3, "institution"),
        (Table::Certificates, CERTIFICATES.replace("GLU", "ZZ"), 3, "item"),
        (Table::Certificates, format!("{CERTIFICATES}H1,,GLU,province,2026,passed,2026-06-01,2027-12-31,c2\n"), 4, "valid_from"),
        (Table::Marks, "text,scope,regions\n渝HR,province,\n".to_owned(), 2, "scope"),
        (Table::Reasons, "code,zh,en,counts\n01,a,a,yes\n01,b,b,no\n".to_owned(), 3, "code"),
    ] {
        let import = Import { table, version: "2".into(), by: "t".into(), text };
        let faults = community.tables.diff(&import, &community.registry).err().unwrap();
        assert!(faults.iter().any(|f| f.line == line && f.column == column), "{table:?} {faults:?}");
    }
    // what would change
    let import = Import {
        table: Table::Rules,
        version: "1".into(),
        by: "t".into(),
        text: RULES.replace("30d", "20d").replace("K\tlab", "BIO\tlab"),
    };
    let diff = community.tables.diff(&import, &community.registry).unwrap();
    assert_eq!((diff.added.len(), diff.changed.len(), diff.removed.len(), diff.same), (1, 1, 1, 1));
}

#[test]
fn a_visit_is_told_of_everything_once() {
    let county = County::open(signs());
    let patient = county.report("lis1", "SQ1", "zhao", "20261120093000+0800", "F", &[GLU, K]);
    let mut visit = ask(&patient, "", &[]);
    visit.context.visit = "V1".into();
    let told = county.asked(&visit);
    assert_eq!(verdicts(&told), [("GLU", &Verdict::Recognise), ("K", &Verdict::Recognise)]);
    county.reply(&told, 0, Decision::View).unwrap();
    let told = county.asked(&visit);
    assert_eq!(verdicts(&told), [("K", &Verdict::Recognise)], "what was viewed is not reminded of again at a visit");
    // an order is another occasion, and the visit's reminder can be answered for it
    assert_eq!(only(&county.ask(&ask(&patient, "SQ9", &["GLU"]))).reminders.len(), 1);
    let reminder = told.items[0].reminders[0].reminder.id.clone();
    let acted = county.answer(&reminder, "SQ8", Decision::Recognise).unwrap();
    assert_eq!(acted.standing.unwrap().context.order, "SQ8");
    assert!(county.ask(&ask(&patient, "SQ8", &["K"])).items[0].reminders.is_empty());
}

#[test]
fn modes_hold_orders_until_they_are_answered() {
    let text = "mode = 'remind'\nmodes = [{ item = 'K', mode = 'hold' }]";
    let county = County::open(toml::from_str(text).unwrap());
    let patient = county.report("lis1", "SQ1", "qian", "20261121093000+0800", "F", &[K]);
    let question = ask(&patient, "SQ9", &["K"]);
    let told = county.asked(&question);
    assert_eq!(only(&told).mode, Mode::Hold);
    let excepted = Ask { orders: vec![OrderAsked { exceptions: vec!["04".into()], ..question.orders[0].clone() }], ..question.clone() };
    assert_eq!(only(&county.ask(&excepted)).mode, Mode::Remind);
    county.reply(&told, 0, Decision::Refuse { reason: "01".into(), diagnosis: String::new() }).unwrap();
    let told = county.ask(&question);
    assert_eq!((only(&told).mode, only(&told).reminders.len()), (Mode::Remind, 0), "the doctor said why, and goes on");
}

#[test]
fn an_order_of_which_nothing_is_left_is_withdrawn() {
    let county = County::open(signs());
    let patient = county.report("lis1", "SQ1", "sun", "20261121093000+0800", "F", &[GLU, K]);
    let order = serde_json::json!({ "resourceType": "ServiceRequest", "id": "o1", "status": "active", "intent": "order",
        "code": { "coding": [{ "code": "BIO" }] }, "subject": { "reference": patient } });
    let draft = ResourceDraft {
        resource_type: "ServiceRequest".into(),
        id: "o1".into(),
        body: order.to_string().into_bytes(),
        update: Update::Replace,
        clear: Vec::new(),
        event_us: NOW,
    };
    county.act("his2", vec![draft], Vec::new());
    let told = county.asked(&ask(&patient, "ServiceRequest/o1", &["BIO"]));
    county.reply(&told, 0, Decision::Recognise).unwrap();
    assert_eq!(county.stored("ServiceRequest/o1")["status"], "active", "potassium is still to be done");
    let acted = county.reply(&told, 1, Decision::Recognise).unwrap();
    assert_eq!(acted.resources.len(), 3);
    let order = county.stored("ServiceRequest/o1");
    assert_eq!(order["status"], "revoked");
    assert!(order["extension"].to_string().contains(&format!("Task/{}", told.items[1].reminders[0].reminder.id)));
}

#[test]
fn images_count_where_they_can_be_opened() {
    let county = County::open(Setting::default());
    let report = |extra: serde_json::Value| {
        let mut report = serde_json::json!({ "resourceType": "DiagnosticReport", "id": "r1", "status": "final",
            "code": { "coding": [{ "code": "CT01" }] }, "subject": { "reference": "Patient/p1" },
            "effectiveDateTime": "2026-11-20T09:00:00+08:00", "issued": "2026-11-20T10:00:00+08:00", "conclusion": "未见异常" });
        report.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        ("DiagnosticReport", "r1", report)
    };
    let study = |n: i64| {
        let study = serde_json::json!({ "resourceType": "ImagingStudy", "id": "s1", "status": "available", "numberOfInstances": n,
            "subject": { "reference": "Patient/p1" } });
        ("ImagingStudy", "s1", study)
    };
    let put = |(of, id, body): (&str, &str, serde_json::Value)| {
        let draft = ResourceDraft {
            resource_type: of.into(),
            id: id.into(),
            body: body.to_string().into_bytes(),
            update: Update::Replace,
            clear: Vec::new(),
            event_us: 0,
        };
        county.act("lis1", vec![draft], Vec::new());
    };
    let told = || {
        let told = county.ask(&ask("Patient/p1", "SQ9", &["CT01"]));
        only(&told).ruling.verdict.clone()
    };
    put(report(serde_json::json!({})));
    assert_eq!(told(), Verdict::MayRepeat { because: Fall::ConclusionOnly });
    put(report(serde_json::json!({ "presentedForm": [{ "contentType": "application/pdf", "data": "JVBERg==" }] })));
    assert_eq!(told(), Verdict::MayRepeat { because: Fall::ConclusionOnly }, "a report as a PDF is its text");
    put(report(serde_json::json!({ "imagingStudy": [{ "reference": "ImagingStudy/s1" }] })));
    assert_eq!(told(), Verdict::MayRepeat { because: Fall::NotReachable });
    put(study(42));
    assert_eq!(told(), Verdict::Recognise);
}

#[test]
fn results_under_review_are_in_doubt() {
    let county = County::open(signs());
    let here = county.report("lis2", "SQ1", "wu", "20261001093000+0800", "F", &[K]);
    let there = county.report("lis1", "SQ2", "wu-at-1", "20261121093000+0800", "F", &[GLU, K]);
    let review = crate::community::Review {
        key: here.clone(),
        candidates: vec![crate::community::Suspect { key: there, weight: 5.0, reason: "name".into(), evidence: Vec::new() }],
    };
    let body = serde_json::json!({ "review": review }).to_string().into_bytes();
    county.act("t", Vec::new(), vec![EventDraft { kind: "identity".into(), body }]);
    let told = county.ask(&ask(&here, "SQ9", &["GLU"]));
    assert_eq!(only(&told).ruling.verdict, Verdict::MayRepeat { because: Fall::DoubtfulIdentity });
}

#[test]
fn an_unknown_code_says_nothing() {
    let county = County::open(Setting::default());
    let told = county.ask(&ask("Patient/nobody", "SQ9", &["NOT-LISTED"]));
    assert_eq!((only(&told).ruling.item.as_str(), only(&told).name.as_str()), ("", "NOT-LISTED"));
}

#[test]
fn what_stands_below_a_report_speaks_for_what_bears_its_sign() {
    let county = County::open(Setting::default());
    let at = "20261121103000+0800";
    for (n, (first, last, below, expected)) in [
        ("GLU^★葡萄糖", "K^钾", "★ 等同于 渝HR", true),
        ("K^钾", "GLU^★葡萄糖", "★ 等同于 渝HR", true),
        ("GLU^葡萄糖", "K^★钾", "★ 等同于 渝HR", false),
        ("K^★钾", "GLU^葡萄糖", "★ 等同于 渝HR", false),
        ("K^钾", "GLU^葡萄糖", "渝HR", true),
        ("GLU^★葡萄糖", "K^钾", "渝HR", false),
    ]
    .into_iter()
    .enumerate()
    {
        let text = format!(
            "MSH|^~\\&|LIS|H1|GW|GW|{at}||ORU^R01|B{n}|P|2.4||||||UNICODE UTF-8\rPID|1||p{n}^^^H1^MR||病人{n}||196802{:02}|M\r\
             ORC|RE|B{n}|FB{n}\rOBR|1|B{n}|FB{n}|BIO^生化|||{at}|||||||||||||||{at}||LAB|F\r\
             OBX|1|NM|{first}||4.1|mmol/L|3-5||||F|||{at}\rOBX|2|NM|{last}||4.2|mmol/L|3-5||||F|||{at}\rNTE|1||{below}\r",
            n + 10
        );
        let patient = county.message("lis1", &text);
        let told = county.asked(&ask(&patient, &format!("N{n}"), &["GLU"]));
        assert_eq!(only(&told).ruling.verdict == Verdict::Recognise, expected, "{first} {last} {below}: {:?}", told.items);
    }
}
