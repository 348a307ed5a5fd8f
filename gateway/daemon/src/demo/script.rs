//! What happens in the county on the demo's day, chapter by chapter, step by step, with what must come of each. This file holds the
//! first chapter, an ordinary day; the others are in files of their own.

use super::county::{PEOPLE, Wire, institution};
use super::day::Day;
use super::messages::{self, CHEMISTRY, Message};
use super::play::Done;
use super::{counting, recognition, registries, shown};
use crate::runtime::Running;

/// Steps that belong together.
pub(crate) struct Chapter {
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
    pub(crate) steps: Vec<Step>,
    /// What people are shown at its end.
    pub(crate) figures: Option<Figures>,
}

type Figures = fn(&Running, &Day, &[Done]) -> std::io::Result<()>;

/// One step: who does what, and what the gateway must do. Texts may hold `‹name›`: what an earlier step kept.
pub(crate) struct Step {
    pub(crate) id: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
    pub(crate) deed: Deed,
    /// What must be read in the answer, and where.
    pub(crate) checks: Vec<(String, String)>,
    /// What of the answer later steps need: where it stands, the name under which it is kept.
    pub(crate) keep: Vec<(&'static str, &'static str)>,
}

pub(crate) enum Deed {
    /// Master data through the interface of administrators: every row of every table is new.
    Import { tables: Vec<(&'static str, String)> },
    /// Messages of an institution, each answered with `expect`.
    Send { from: &'static str, messages: Vec<Message>, expect: &'static str },
    /// The same bytes again: the answer must be the first one's, byte for byte.
    Again { from: &'static str, message: Message },
    /// All institutions at once, pipelined: every message answered AA.
    Flood { messages: usize },
    /// One message; checks name fields of its answer: `ORC-1`.
    Say { from: &'static str, message: Message },
    /// A read; checks are pointers into the JSON (`pick`).
    Read { path: String },
    /// A question or an answer in JSON; checks are pointers, or `status`.
    Post { path: &'static str, body: String },
}

pub(super) fn step(id: &'static str, zh: &'static str, en: &'static str, deed: Deed) -> Step {
    Step { id, zh, en, deed, checks: Vec::new(), keep: Vec::new() }
}

pub(super) fn read(id: &'static str, zh: &'static str, en: &'static str, path: impl Into<String>) -> Step {
    step(id, zh, en, Deed::Read { path: path.into() })
}

impl Step {
    pub(super) fn check(mut self, at: &str, expect: impl Into<String>) -> Step {
        self.checks.push((at.to_owned(), expect.into()));
        self
    }

    pub(super) fn keep(mut self, at: &'static str, name: &'static str) -> Step {
        self.keep.push((at, name));
        self
    }
}

fn ask(id: &'static str, zh: &'static str, en: &'static str, path: String, pointer: &'static str, expect: &str) -> Step {
    read(id, zh, en, path).check(pointer, expect)
}

fn id_card_query(person: usize) -> String {
    format!("urn:oid:2.16.156.10011.1.3%7C{}", PEOPLE[person].id_card())
}

/// The day, in order.
pub(crate) fn script() -> Vec<Chapter> {
    let mut day = admissions();
    day.extend(results());
    day.extend(trouble());
    day.extend(reads());
    let chapter = |zh, en, steps, figures| Chapter { zh, en, steps, figures };
    vec![
        chapter("一、主数据", "1. Master data", master_data(), None),
        chapter("二、平常的一天：登记、结果、更正、坏消息", "2. An ordinary day: visits, results, corrections, trouble", day, None),
        chapter(
            "三、一人一项一结果：身份与互认",
            "3. One person, one item, one result: mutual recognition",
            recognition::steps(),
            Some(shown::recognition),
        ),
        chapter("四、基层检查、上级诊断", "4. Examined here, diagnosed there, counted once", counting::steps(), Some(shown::counting)),
    ]
}

fn master_data() -> Vec<Step> {
    let wrong = serde_json::json!({ "table": "certificates", "version": "wrong", "by": "demo", "text": registries::WRONG });
    vec![
        step(
            "registries",
            "导入机构、科室、医师、项目与对照、价格、演示互认规则、标识、理由、室间质评证书",
            "institutions, departments, doctors, items and codes, prices, demo rules, marks, reasons, certificates",
            Deed::Import { tables: registries::tables() },
        ),
        step(
            "registry-refused",
            "错表整张不收，指出行号：项目 KALIUM 无人登记",
            "a wrong table is refused whole, with its line: nobody has an item KALIUM",
            Deed::Post { path: "/admin/import", body: wrong.to_string() },
        )
        .check("status", "422")
        .check("/issue/0/details/text", "第 4 行…"),
    ]
}

fn admissions() -> Vec<Step> {
    let registrations = [
        ("QJRMYY", 6, "A01"),
        ("QJZYY", 1, "A01"),
        ("QJFYBJ", 7, "A04"),
        ("LXZXWSY", 5, "A04"),
        ("SQWSY", 0, "A04"),
        ("BHWSY", 2, "A04"),
        ("CNSQ", 3, "A04"),
        ("QPCWS", 4, "A04"),
    ];
    let registered = |(code, person, event): (&'static str, usize, &str)| {
        let visit = format!("V{}", PEOPLE[person].mrn);
        let message = messages::admission(institution(code), &PEOPLE[person], event, &visit);
        step("admission", "登记", "registration", Deed::Send { from: code, messages: vec![message], expect: "AA" })
    };
    registrations.map(registered).into()
}

fn results() -> Vec<Step> {
    let (sq, lx, bh, cn) = (institution("SQWSY"), institution("LXZXWSY"), institution("BHWSY"), institution("CNSQ"));
    let lab = messages::laboratory(sq, &PEOPLE[0], "V10001", "A1001", "P", &CHEMISTRY, 1);
    let fin = messages::laboratory(sq, &PEOPLE[0], "V10001", "A1001", "F", &CHEMISTRY, 2);
    let mut corrected_items = CHEMISTRY;
    corrected_items[0].2 = "7.28";
    let corrected = messages::laboratory(sq, &PEOPLE[0], "V10001", "A1001", "C", &corrected_items, 3);
    let late = messages::laboratory(sq, &PEOPLE[0], "V10001", "A1001", "P", &CHEMISTRY, 4);
    vec![
        step(
            "orders",
            "开单：检验、检查、处方",
            "orders: laboratory, imaging, prescription",
            Deed::Send {
                from: "SQWSY",
                messages: vec![
                    messages::order(sq, &PEOPLE[0], "V10001", "A1001", "SH10^生化十项^L", "LAB"),
                    messages::order(sq, &PEOPLE[0], "V10001", "A1002", "BB04^胸部正侧位^L", "DR"),
                    messages::prescription(sq, &PEOPLE[0], "V10001", "RX3001"),
                ],
                expect: "AA",
            },
        ),
        step(
            "results",
            "检验初步结果，随后最终结果（GBK，MSH-18 为空）",
            "preliminary laboratory result, then the final one (GBK bytes, MSH-18 empty)",
            Deed::Send { from: "SQWSY", messages: vec![lab, fin.clone()], expect: "AA" },
        ),
        step(
            "imaging",
            "影像报告：所见与印象",
            "imaging report: findings and impression",
            Deed::Send { from: "SQWSY", messages: vec![messages::imaging(sq, &PEOPLE[0], "V10001", "A1002")], expect: "AA" },
        ),
        step(
            "ecg",
            "心电报告附 PDF",
            "ECG report with a PDF",
            Deed::Send { from: "LXZXWSY", messages: vec![messages::ecg(lx, &PEOPLE[5], "V10006", "A2001")], expect: "AA" },
        ),
        step(
            "rare-characters",
            "GBK 尾字节等于分隔符的姓名（昞）与检验结果",
            "a name whose GBK trail byte equals a delimiter (昞), with results",
            Deed::Send {
                from: "BHWSY",
                messages: vec![
                    messages::laboratory(bh, &PEOPLE[2], "V10003", "A3001", "F", &CHEMISTRY[..5], 1)
                        .as_wire(Wire::GbkUndeclared)
                        .with("UNICODE UTF-8", "GB 18030-2000"),
                ],
                expect: "AA",
            },
        ),
        step(
            "community",
            "社区检验结果（GB 18030 已声明）",
            "a community centre's result (GB 18030 declared)",
            Deed::Send {
                from: "CNSQ",
                messages: vec![messages::laboratory(cn, &PEOPLE[3], "V10004", "A4001", "F", &CHEMISTRY[..3], 1)],
                expect: "AA",
            },
        ),
        step(
            "duplicate",
            "同一结果重发：应答须逐字节相同",
            "the same result again: the answer must be the same bytes",
            Deed::Again { from: "SQWSY", message: fin },
        ),
        step(
            "correction",
            "更正结果：葡萄糖 7.82 → 7.28",
            "a corrected result: glucose 7.82 → 7.28",
            Deed::Send { from: "SQWSY", messages: vec![corrected], expect: "AA" },
        ),
        step(
            "late",
            "迟到的初步结果：收下，但不得覆盖最终结果",
            "a preliminary result that comes late: kept, but must not overwrite the final one",
            Deed::Send { from: "SQWSY", messages: vec![late], expect: "AA" },
        ),
    ]
}

fn trouble() -> Vec<Step> {
    let (hospital, cn) = (institution("QJRMYY"), institution("CNSQ"));
    let second = messages::admission(hospital, &super::county::Person { mrn: "19007", ..PEOPLE[6] }, "A04", "V19007");
    let reused = messages::admission(cn, &PEOPLE[3], "A04", "V10004").with("城南社区滨江路18号", "城南社区滨江路20号");
    vec![
        step(
            "second-record",
            "同一人第二份档案",
            "a second record of one person",
            Deed::Send { from: "QJRMYY", messages: vec![second], expect: "AA" },
        ),
        step(
            "merge",
            "两份档案合并（A40）",
            "the two records are merged (A40)",
            Deed::Send { from: "QJRMYY", messages: vec![messages::merge(hospital, &PEOPLE[6], "19007")], expect: "AA" },
        ),
        step(
            "cancel",
            "取消入院（A11）",
            "an admission is cancelled (A11)",
            Deed::Send {
                from: "QJZYY",
                messages: vec![messages::cancel_admission(institution("QJZYY"), &PEOPLE[1], "V10002")],
                expect: "AA",
            },
        ),
        step(
            "broken",
            "坏消息：声明 UTF-8 实为 GBK，应答 AE 并保留",
            "a broken message: declared UTF-8, bytes GBK; answered AE and kept",
            Deed::Send {
                from: "BHWSY",
                messages: vec![messages::admission(institution("BHWSY"), &PEOPLE[7], "A04", "V10008").as_wire(Wire::GbkUndeclared)],
                expect: "AE",
            },
        ),
        step(
            "unknown-event",
            "未知事件 ADT^A99，应答 AR 并保留",
            "an unknown event ADT^A99: answered AR and kept",
            Deed::Send {
                from: "BHWSY",
                messages: vec![messages::admission(institution("BHWSY"), &PEOPLE[7], "A04", "V20008").with("ADT^A04", "ADT^A99")],
                expect: "AR",
            },
        ),
        step(
            "reused-control-id",
            "控制号重用而内容不同：绝不静默吞掉，应答 AE",
            "a control id used again for other content: never swallowed, answered AE",
            Deed::Send { from: "CNSQ", messages: vec![reused], expect: "AE" },
        ),
        step("flood", "洪峰：8 家机构同时流水发送", "a flood: eight institutions at once, pipelined", Deed::Flood { messages: 2_000 }),
    ]
}

fn reads() -> Vec<Step> {
    let glucose = format!("/fhir/Observation?patient.identifier={}&code=GLU", id_card_query(0));
    vec![
        ask(
            "read-patient",
            "按身份证查到患者",
            "the patient is found by 身份证",
            format!("/fhir/Patient?identifier={}", id_card_query(0)),
            "/entry/0/resource/name/0/text",
            PEOPLE[0].name,
        ),
        ask(
            "read-result",
            "葡萄糖为更正值",
            "glucose has the corrected value",
            glucose.clone(),
            "/entry/0/resource/valueQuantity/value",
            "7.28",
        ),
        ask("read-status", "其状态为更正", "and the status of a correction", glucose.clone(), "/entry/0/resource/status", "corrected"),
        ask("read-once", "且只有一条", "and there is one of it", glucose, "#/entry", "1"),
        ask(
            "read-ten",
            "十项结果各一条",
            "ten results, each once",
            format!("/fhir/Observation?patient.identifier={}&category=laboratory", id_card_query(0)),
            "#/entry",
            "10",
        ),
        ask(
            "read-rare-name",
            "生僻字姓名逐字正确",
            "the rare character arrived as it was",
            format!("/fhir/Patient?identifier={}", id_card_query(2)),
            "/entry/0/resource/name/0/text",
            PEOPLE[2].name,
        ),
        ask(
            "read-cancelled",
            "被取消的入院",
            "the admission that was cancelled",
            format!("/fhir/Encounter?patient.identifier={}", id_card_query(1)),
            "/entry/0/resource/status",
            "cancelled",
        ),
        ask(
            "read-merged",
            "被合并的档案指向存续者",
            "the merged record points to the survivor",
            "/fhir/Patient?identifier=19007".to_owned(),
            "/entry/0/resource/link/0/type",
            "replaced-by",
        ),
        ask(
            "balance",
            "收到 = 入账 = 应答 = 各终态之和",
            "received = journalled = answered = sum of final states",
            "/health".to_owned(),
            "/balanced",
            "true",
        ),
    ]
}
