//! Chapter four: examined in townships and a village, read at the county hospital, counted once; what a correction, a withdrawal
//! and a merge do to the figures. The script's own numbers stand beside each step.

use super::county::{MADE_UP, PEOPLE, Person, READ_ABOVE, institution};
use super::messages::{self, CHEMISTRY, Message, at, build, obx, pid, segment};
use super::recognition::send;
use super::script::{Deed, Step, read};

/// What is examined: order number, local item, kind of examination, the application that reports it, what is seen.
struct Examination {
    number: &'static str,
    item: &'static str,
    section: &'static str,
    app: &'static str,
    seen: &'static str,
}

const fn examination(
    number: &'static str,
    item: &'static str,
    section: &'static str,
    app: &'static str,
    seen: &'static str,
) -> Examination {
    Examination { number, item, section, app, seen }
}

const DR: Examination = examination("C5001", "BB04^胸部正侧位^L", "DR", "PACS", "右下肺少许渗出");
const CT: Examination = examination("C5002", "BB11^头颅CT平扫^L", "CT", "PACS", "左基底节区腔隙灶");
const ECG: Examination = examination("C5003", "XD001^常规十二导联心电图^L", "EC", "ECG", "窦性心动过缓");
const US: Examination = examination("C5004", "CS02^腹部彩超^L", "US", "PACS", "胆囊结石");
const PATHOLOGY: Examination = examination("C5005", "BL01^活检组织病理^L", "PAT", "PIS", "慢性浅表性胃炎");
const LABORATORY: Examination = examination("C5006", "SH10^生化十项^L", "LAB", "LIS", "");
const HIS_ECG: Examination = examination("C5007", "XD001^常规十二导联心电图^L", "EC", "ECG", "偶发房性早搏");
const HIS_DR: Examination = examination("C5008", "BB04^胸部正侧位^L", "DR", "PACS", "心影增大");
const OF_NOBODY: Examination = examination("C5009", "BB04^胸部正侧位^L", "DR", "PACS", "测试");

impl Examination {
    /// The order of the institution that examines.
    fn ordered(&self, at: &'static str, p: &Person) -> Message {
        messages::order(institution(at), p, &format!("V{}", p.mrn), self.number, self.item, self.section)
    }

    /// The report of the county hospital; `status` F, or C with another finding. A new `nth` is a new control id.
    fn read_above(&self, exam: &'static str, p: &Person, status: &str, nth: u32) -> Message {
        let number = format!("{}^{exam}", self.number);
        let report = format!("R{0}^^RPT{0}", self.number);
        let reader = match self.section {
            "LAB" => "811&罗小满^^^^^^QJRMYY",
            "PAT" => "831&商羽^^^^^^QJRMYY",
            "EC" => "821&纪闻笛^^^^^^QJRMYY",
            _ => "801&段青^^^^^^QJRMYY",
        };
        let told = if status == "C" { at(10, 40) } else { at(9, 30) };
        let taken = at(8, 50);
        let mut segments = vec![
            pid(institution(exam), p),
            segment("PV1", &[(1, "1"), (2, "O"), (39, exam)]),
            segment("ORC", &[(1, "RE"), (2, &number), (3, &report)]),
            segment(
                "OBR",
                &[
                    (1, "1"),
                    (2, &number),
                    (3, &report),
                    (4, self.item),
                    (7, &taken),
                    (22, &told),
                    (24, self.section),
                    (25, status),
                    (32, reader),
                ],
            ),
        ];
        if self.section == "LAB" {
            for (i, (code, name, value, unit, range, flag)) in CHEMISTRY.iter().take(5).enumerate() {
                segments.push(obx(i + 1, "NM", &format!("{code}^{name}^L"), value, [unit, range, flag], status));
            }
        } else {
            let seen = if status == "C" { "两肺未见实变（更正）" } else { self.seen };
            segments.push(obx(1, "TX", "IMP^诊断印象", seen, ["", "", ""], status));
        }
        self.of_the_hospital("ORU^R01", &format!("ORU-{}-{nth}", self.number), &told, &segments)
    }

    /// A state of the order as the hospital's system tells it: 标本拒收, 报告撤回 …, with its reason.
    fn state(&self, exam: &'static str, p: &Person, (state, reason): (&str, &str), time: &str, nth: u32) -> Message {
        let (number, report) = (format!("{}^{exam}", self.number), format!("R{0}^^RPT{0}", self.number));
        let segments = [
            pid(institution(exam), p),
            segment("ORC", &[(1, "SC"), (2, &number), (3, &report), (9, time), (16, reason), (25, &format!("^{state}"))]),
            segment("OBR", &[(1, "1"), (2, &number), (3, &report), (4, self.item), (24, self.section)]),
        ];
        self.of_the_hospital("ORM^O01", &format!("ORM-{}-{nth}", self.number), time, &segments)
    }

    fn of_the_hospital(&self, kind: &str, control_id: &str, time: &str, segments: &[String]) -> Message {
        build(institution("QJRMYY"), self.app, kind, control_id, time, segments)
    }

    /// Ordered and examined below, read above.
    fn whole(&self, id: &'static str, (zh, en): (&'static str, &'static str), exam: &'static str, p: &Person) -> [Step; 2] {
        [
            send(id, zh, en, exam, self.ordered(exam, p)),
            send(id, "  县医院出报告", "  the hospital reports", "QJRMYY", self.read_above(exam, p, "F", 1)),
        ]
    }
}

/// For loads: an ECG that a township orders and makes under a number of its own.
pub(crate) fn ordered(exam: &'static str, p: &Person, number: &str) -> Message {
    ECG.ordered(exam, p).with(ECG.number, number)
}

/// The hospital's report of it.
pub(crate) fn read_above(exam: &'static str, p: &Person, number: &str) -> Message {
    ECG.read_above(exam, p, "F", 1).with(ECG.number, number)
}

pub(super) fn steps() -> Vec<Step> {
    let mut steps = arrivals();
    // DR, CT, ECG, US, and one each of the two records; with pathology and laboratory two more
    steps.push(counted("counted-arrived", "报告到齐", "all have arrived", ["6", "6", "8", "7"]));
    steps.extend(changes());
    // the US is gone, and with it one person of IMG5: she still has her pathology in ALL4
    steps.push(counted("counted-withdrawn", "更正、撤回之后", "after correction and withdrawal", ["5", "5", "7", "7"]));
    steps.push(merged());
    steps.push(counted(
        "counted-merged",
        "合并之后：人数少一，人次不变",
        "after the merge: one person less, as many cases",
        ["5", "4", "7", "6"],
    ));
    steps.extend(not_counted());
    steps
}

fn arrivals() -> Vec<Step> {
    let [bo, wenren, zhongli, bai, gu, shen] = &READ_ABOVE;
    let mut steps: Vec<Step> = Vec::new();
    steps.extend(DR.whole("case-dr", ("石桥拍 DR", "a DR in a township"), "SQWSY", bo));
    steps.extend(CT.whole("case-ct", ("柳溪做 CT", "a CT in another"), "LXZXWSY", wenren));
    let again = CT.read_above("LXZXWSY", wenren, "F", 2);
    steps.push(send(
        "case-ct-again",
        "  同一报告换控制号重发：只计一次",
        "  the same report under a new control id: counts once",
        "QJRMYY",
        again,
    ));
    steps.extend(ECG.whole("case-ecg", ("青坪村做心电", "an ECG in a village"), "QPCWS", zhongli));
    steps.extend(US.whole("case-us", ("白鹤做彩超", "an ultrasound"), "BHWSY", bai));
    steps.push(send("case-pathology", "白鹤送病理", "a specimen for pathology", "BHWSY", PATHOLOGY.ordered("BHWSY", bai)));
    let rejected = PATHOLOGY.state("BHWSY", bai, ("标本拒收", "FIX^未固定"), &at(9, 0), 1);
    steps.push(send("case-rejected", "  县医院拒收标本：未固定", "  the hospital rejects it: not fixed", "QJRMYY", rejected));
    let received = PATHOLOGY.state("BHWSY", bai, ("标本已接收", ""), &at(9, 20), 2);
    steps.push(send("case-received", "  重送，签收", "  sent anew, and received", "QJRMYY", received));
    steps.push(send("case-pathology", "  县医院出报告", "  the hospital reports", "QJRMYY", PATHOLOGY.read_above("BHWSY", bai, "F", 1)));
    steps.extend(LABORATORY.whole("case-laboratory", ("城南采血，县医院检验", "blood taken in the community, tested above"), "CNSQ", gu));
    steps.extend(HIS_ECG.whole("case-record-1", ("柳溪做心电（沈既明）", "an ECG of Mr Shen"), "LXZXWSY", shen));
    let second = Person { mrn: "19036", name: "沈季鸣", pinyin: "SHEN JIMING", birth: "19540101", phone: "", village: "", ..*shen };
    let card = second.id_card();
    let [ordered, reported] = HIS_DR.whole(
        "case-record-2",
        ("柳溪拍 DR（误建第二份档案，无证件）", "a DR under a second record of his, without his number"),
        "LXZXWSY",
        &second,
    );
    steps.extend([ordered, reported].map(|step| without(step, &card)));
    let own = messages::ecg(institution("CNSQ"), &PEOPLE[3], "V10004", "C5010");
    steps.push(send(
        "case-same-township",
        "城南做心电，本机构自己出报告：不计",
        "an ECG read where it was made: does not count",
        "CNSQ",
        own,
    ));
    steps.extend(OF_NOBODY.whole("case-test", ("石桥：测试患者的 DR：不计", "a DR of a test patient: does not count"), "SQWSY", &MADE_UP));
    steps
}

/// The step's message without a number of the person's.
fn without(step: Step, card: &str) -> Step {
    let Deed::Send { from, messages, expect } = step.deed else { return step };
    let messages = messages.iter().map(|m| m.with(card, "").with("621219036", "")).collect();
    Step { deed: Deed::Send { from, messages, expect }, ..step }
}

fn changes() -> Vec<Step> {
    let [bo, _, _, bai, ..] = &READ_ABOVE;
    vec![
        send(
            "case-corrected",
            "DR 报告更正：仍是一例",
            "the DR's report is corrected: still one case",
            "QJRMYY",
            DR.read_above("SQWSY", bo, "C", 2),
        ),
        send(
            "case-withdrawn",
            "彩超报告撤回：左右写反",
            "the ultrasound's report is withdrawn",
            "QJRMYY",
            US.state("BHWSY", bai, ("报告撤回", "ERR^左右写反"), &at(10, 50), 1),
        ),
    ]
}

fn merged() -> Step {
    let [.., shen] = &READ_ABOVE;
    send(
        "case-merged",
        "柳溪发现是同一人，合并（A40）",
        "the township sees that both are one man: merged (A40)",
        "LXZXWSY",
        messages::merge(institution("LXZXWSY"), shen, "19036"),
    )
}

/// Visits, discharges, prescriptions.
pub(super) const ACTIVITY: &str = "/admin/report/activity?period=‹month›";

/// Figures of the demo's month: the headline indicator, which names both scopes.
pub(super) const FIGURES: &str = "/admin/report/indicators?period=‹month›&indicator=cq-core-06";

/// IMG5 cases and persons, ALL4 cases and persons.
fn counted(id: &'static str, zh: &'static str, en: &'static str, expect: [&str; 4]) -> Step {
    let places = ["IMG5/cases", "IMG5/persons", "ALL4/cases", "ALL4/persons"];
    places.iter().zip(expect).fold(read(id, zh, en, FIGURES), |step, (place, n)| step.check(&format!("/indicators/0/scopes/{place}"), n))
}

fn not_counted() -> Vec<Step> {
    vec![
        // the flood of 2,000 messages is marked as a test, and there is the test patient
        read("excluded-test", "未计入：测试数据 2001", "not counted: 2,001 of tests", FIGURES)
            .check("/indicators/0/excluded/test_data", "2001"),
        // five reports of the ordinary day, and the ECG above
        read("excluded-same", "未计入：本机构自己出报告 6", "not counted: 6 read where they were examined", FIGURES)
            .check("/indicators/0/excluded/same_institution", "6"),
        read("excluded-county", "未计入：在县级医院检查 3", "not counted: 3 examined at hospitals", FIGURES)
            .check("/indicators/0/excluded/exam_not_primary", "3"),
        read("excluded-void", "未计入：已撤回 1", "not counted: 1 withdrawn", FIGURES).check("/indicators/0/excluded/void", "1"),
        read(
            "counted-again",
            "由日志重算，一项不差",
            "counted anew from the journal: equal to the unit",
            format!("{FIGURES}&recount=true"),
        )
        .check("/equal", "true"),
    ]
}
