//! Chapter three: one person at three institutions, her results recognised, refused and not eligible, and a merge that changes
//! the answer; in the protocols that the doctors' systems speak. The figures at its end are the script's own count.

use serde_json::{Value, json};

use super::county::{CHENG, Institution, LU, Person, institution};
use super::day::NOW;
use super::messages::{self, Analyte, Message, at, build, obx, pid, pv1, segment};
use super::registries::system;
use super::script::{Deed, Step, read, step};

const K: &str = "K^钾^L";
const GLU: &str = "GLU^葡萄糖^L";

pub(super) fn steps() -> Vec<Step> {
    let mut steps = one_person();
    steps.extend(in_hl7_v2());
    steps.extend(over_http());
    steps.extend(a_merge());
    steps.extend(figures());
    steps
}

/// A message that must be answered AA.
pub(super) fn send(id: &'static str, zh: &'static str, en: &'static str, from: &'static str, message: Message) -> Step {
    step(id, zh, en, Deed::Send { from, messages: vec![message], expect: "AA" })
}

/// The person's record at an institution.
fn record_at(from: &Institution, mrn: &'static str) -> Message {
    messages::admission(from, &Person { mrn, ..CHENG }, "A04", &format!("V{mrn}"))
}

/// Another system of numbers and only pinyin: what an old HIS sends of the same person.
fn terse(message: &Message) -> Message {
    let named = format!("{}^{}", CHENG.pinyin, CHENG.name);
    message.with(&named, CHENG.pinyin).with(&CHENG.id_card(), &CHENG.id_card_15())
}

/// A result with its marks; its report is `number` with an `L` before it.
fn result(from: &Institution, p: &Person, number: &str, items: &[Analyte], mark: &str) -> Message {
    let report = format!("L{number}");
    let mut segments =
        vec![pid(from, p), pv1("O", &format!("V{}", p.mrn), "^^^门诊"), segment("ORC", &[(1, "RE"), (2, number), (3, &report)])];
    let (taken, told) = (at(8, 50), at(9, 30));
    segments.push(segment(
        "OBR",
        &[
            (1, "1"),
            (2, number),
            (3, &report),
            (4, "SH10^生化^L"),
            (7, &taken),
            (22, &told),
            (24, "LAB"),
            (25, "F"),
            (32, messages::LABORATORY),
        ],
    ));
    // a note of the report: behind an OBX it would be that item's
    segments.push(format!("NTE|1||{mark}"));
    for (i, (code, name, value, unit, range, flag)) in items.iter().enumerate() {
        segments.push(obx(i + 1, "NM", &format!("{code}^{name}^L"), value, [unit, range, flag], "F"));
    }
    build(from, "LIS", "ORU^R01", &format!("ORU-{number}"), &told, &segments)
}

/// An order that is placed now: its control id ends in `nth`; `control` and `zra` say what becomes of it.
fn order(from: &Institution, p: &Person, number: &str, item: &str, nth: u32, (control, zra): (&str, &str)) -> Message {
    let doctor = if from.code == "BHWSY" { "402^苏未" } else { messages::DOCTOR };
    let mut segments = vec![
        pid(from, p),
        pv1("O", &format!("V{}", p.mrn), "^^^门诊"),
        segment("ORC", &[(1, control), (2, number), (9, NOW), (12, doctor), (17, "03^内科")]),
        segment("OBR", &[(1, "1"), (2, number), (4, item), (16, doctor), (24, "LAB")]),
    ];
    if !zra.is_empty() {
        segments.push(format!("ZRA|1|{zra}"));
    }
    build(from, "HIS", "ORM^O01", &format!("ORM-{number}-{nth}"), NOW, &segments)
}

fn one_person() -> Vec<Step> {
    let (county, chinese, sq) = (institution("QJRMYY"), institution("QJZYY"), institution("SQWSY"));
    let mut parameters =
        json!({ "resourceType": "Patient", "name": [{ "text": CHENG.name }], "birthDate": "1966-03-12", "gender": "female" });
    parameters["identifier"] = json!([{ "system": "urn:oid:2.16.156.10011.1.3", "value": CHENG.id_card() }]);
    vec![
        send("person-county", "程怀瑾在县医院登记", "a woman is registered at the county hospital", "QJRMYY", record_at(county, "10021")),
        send(
            "person-pinyin",
            "她在中医院：只有拼音和 15 位身份证",
            "the same at another hospital: pinyin only, a number of 15 digits",
            "QJZYY",
            terse(&record_at(chinese, "Z0021")),
        ),
        send("person-township", "她在卫生院（GBK）", "and at a township's health centre (GBK bytes)", "SQWSY", record_at(sq, "S0021")),
        read("one-person", "三份档案，一个人：Patient.link", "three records, one person: Patient.link", "/fhir/Patient?identifier=S0021")
            .check("#/entry/0/resource/link", "2")
            .keep("/entry/0/resource/id", "SQWSY patient"),
        read("by-pinyin", "拼音那份也连上了", "the one in pinyin is linked as well", "/fhir/Patient?identifier=Z0021")
            .check("#/entry/0/resource/link", "2")
            .keep("/entry/0/resource/id", "QJZYY patient"),
        step(
            "match",
            "$match：同一人，确定",
            "$match: one person, certain",
            Deed::Post { path: "/fhir/Patient/$match", body: parameters.to_string() },
        )
        .check("#/entry", "1")
        .check("/entry/0/search/extension/0/valueCode", "certain"),
    ]
}

const HER_RESULTS: [Analyte; 3] = [
    ("K", "钾", "4.1", "mmol/L", "3.5-5.3", "N"),
    ("GLU", "葡萄糖", "7.9", "mmol/L", "3.9-6.1", "H"),
    ("AST", "天门冬氨酸氨基转移酶", "31", "U/L", "15-40", "N"),
];
const HER_ALT: [Analyte; 1] = [("ALT", "丙氨酸氨基转移酶", "62", "U/L", "9-50", "H")];

fn in_hl7_v2() -> Vec<Step> {
    let (county, chinese, sq) = (institution("QJRMYY"), institution("QJZYY"), institution("SQWSY"));
    let (at_county, at_chinese, at_sq) =
        (Person { mrn: "10021", ..CHENG }, Person { mrn: "Z0021", ..CHENG }, Person { mrn: "S0021", ..CHENG });
    let say = |id, zh, en, message| step(id, zh, en, Deed::Say { from: "SQWSY", message });
    vec![
        send(
            "results-county",
            "县医院结果：钾、葡萄糖、AST，标“全国HR”",
            "results of the hospital, marked 全国HR",
            "QJRMYY",
            result(county, &at_county, "B2001", &HER_RESULTS, "全国HR"),
        ),
        send(
            "results-lapsed",
            "中医院结果：ALT，标“渝HR”",
            "a result of the other hospital, marked 渝HR",
            "QJZYY",
            terse(&result(chinese, &at_chinese, "B2002", &HER_ALT, "渝HR")),
        ),
        say(
            "order-reminded",
            "卫生院开单：钾。应答即提醒（ORR、ZRR）",
            "the township orders potassium: reminded in the answer (ORR, ZRR)",
            order(sq, &at_sq, "R3001", K, 1, ("NW", "")),
        )
        .check("MSA-1", "AA")
        .check("ORC-1", "OK")
        .check("ERR-5", "HR-REMIND")
        .check("ZRR-4", "recognise")
        .check("ZRR-6", "QJRMYY^清江县人民医院")
        .check("ZRR-8", "4.1 mmol/L (3.5-5.3)")
        .check("ZRR-11", "全国HR")
        .check("ZRR-12", "EQA-K")
        .keep("ZRR-13", "potassium"),
        say(
            "order-viewed",
            "医师调阅（ZRA）",
            "the doctor looks at it (ZRA)",
            order(sq, &at_sq, "R3001", K, 2, ("SC", "‹potassium›||view")),
        )
        .check("MSA-1", "AA"),
        say(
            "order-recognised",
            "互认：撤回申请，省 4.50 元",
            "recognised: the order is withdrawn, 4.50 yuan saved",
            order(sq, &at_sq, "R3001", K, 3, ("CA", "‹potassium›||recognise")),
        )
        .check("MSA-1", "AA")
        .check("ORC-1", "CR"),
        read("task-recognised", "记录在 Task，价格入账", "on record as a Task, with the price", "/fhir/Task/‹potassium›")
            .check("/status", "completed")
            .check("/businessStatus/coding/0/code", "recognised")
            .check("/output/?valueMoney/valueMoney/value", "4.50"),
        read("order-withdrawn", "原申请已撤回", "the order is revoked", "/fhir/ServiceRequest?identifier=R3001")
            .check("/entry/0/resource/status", "revoked"),
        say(
            "order-again",
            "再开：葡萄糖，又提醒",
            "another order: glucose, reminded again",
            order(sq, &at_sq, "R3002", GLU, 1, ("NW", "")),
        )
        .check("ZRR-8", "7.9 mmol/L ↑ (3.9-6.1)")
        .keep("ZRR-13", "glucose"),
        say(
            "refused-wrong",
            "不互认，理由 99 而未写诊断：退回",
            "refused for reason 99 without a diagnosis: not taken",
            order(sq, &at_sq, "R3002", GLU, 2, ("SC", "‹glucose›||refuse|99")),
        )
        .check("MSA-1", "AE")
        .check("ERR-2", "ZRA^1^6"),
        say(
            "refused",
            "写明诊断后不互认：照做，不计入互认率",
            "with the diagnosis it stands, and stays out of the rate",
            order(sq, &at_sq, "R3002", GLU, 3, ("SC", "‹glucose›||refuse|99^连续性检验|E11.9^2型糖尿病")),
        )
        .check("MSA-1", "AA")
        .check("ORC-1", "OK"),
        read("task-refused", "记录在 Task：不互认", "on record as a Task: not recognised", "/fhir/Task/‹glucose›")
            .check("/businessStatus/coding/0/code", "not-recognised"),
    ]
}

/// A draft order of a doctor's system that speaks FHIR.
fn draft(at: &str, patient: &str, id: &str, code: &str) -> Value {
    json!({
        "resourceType": "ServiceRequest", "id": id, "status": "draft", "intent": "order",
        "subject": { "reference": format!("Patient/‹{patient}›") },
        "code": { "coding": [{ "system": system(at), "code": code }] }
    })
}

fn check(at: &str, patient: &str, code: &str, doctor: &str) -> String {
    let order = draft(at, patient, &format!("draft-{}-{}", at.to_lowercase(), code.to_lowercase()), code);
    json!({ "resourceType": "Parameters", "parameter": [
        { "name": "order", "resource": order }, { "name": "institution", "valueString": at },
        { "name": "setting", "valueCode": "outpatient" }, { "name": "department", "valueString": "03" },
        { "name": "doctor", "valueString": doctor }
    ]})
    .to_string()
}

const CHECK: &str = "/fhir/ServiceRequest/$recognition-check";
const VERDICT: &str = "/parameter/name=item/part/name=verdict/valueCode";

fn over_http() -> Vec<Step> {
    let signed = json!({
        "hook": "order-sign", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/208", "patientId": "‹QJZYY patient›",
            "draftOrders": { "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": draft("QJZYY", "QJZYY patient", "draft-glu", "GLU") }] }
        },
        "extension": { "cn.med-community.fhir.institution": "QJZYY", "cn.med-community.fhir.department": "03" }
    });
    let accepted = json!({ "feedback": [{
        "card": "‹card›", "outcome": "accepted", "acceptedSuggestions": [{ "id": "‹suggestion›" }], "outcomeTimestamp": "2026-09-19T10:00:00+08:00"
    }]});
    let refusal = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "reminder", "valueId": "‹ast›" }, { "name": "decision", "valueCode": "refuse" },
        { "name": "reason", "valueCode": "01" }, { "name": "practitioner", "valueString": "208" }
    ]});
    let post = |id, zh, en, path, body: String| step(id, zh, en, Deed::Post { path, body });
    vec![
        post(
            "card",
            "中医院签署葡萄糖申请（CDS Hooks order-sign）：一张卡片",
            "the other hospital signs an order for glucose (CDS Hooks): one card",
            "/cds-services/hutong-order-sign",
            signed.to_string(),
        )
        .check("#/cards", "1")
        .check("/cards/0/indicator", "warning")
        .check("/cards/0/suggestions/0/actions/0/type", "delete")
        .keep("/cards/0/uuid", "card")
        .keep("/cards/0/suggestions/0/uuid", "suggestion")
        .keep("/cards/0/links/0/url", "page"),
        post(
            "card-accepted",
            "医师接受建议（feedback）：第二次互认",
            "the doctor accepts it (feedback): the second recognition",
            "/cds-services/hutong-order-sign/feedback",
            accepted.to_string(),
        )
        .check("status", "200"),
        read("task-card", "按中医院自己的价格入账 4.20 元", "saved at that hospital's own price, 4.20 yuan", "/fhir/Task/‹card›")
            .check("/businessStatus/coding/0/code", "recognised")
            .check("/output/?valueMoney/valueMoney/value", "4.20"),
        post(
            "check-ast",
            "中医院以 FHIR 询问 AST：可互认",
            "it asks about AST in FHIR: to be recognised",
            CHECK,
            check("QJZYY", "QJZYY patient", "AST", "208"),
        )
        .check(VERDICT, "recognise")
        .keep("/parameter/name=item/part/name=reminder/part/name=id/valueId", "ast"),
        post(
            "refused-fhir",
            "病情变化，不互认（理由 01，计入）",
            "the condition changed: refused for reason 01, which counts",
            "/fhir/Task/$recognition-answer",
            refusal.to_string(),
        )
        .check("status", "200")
        .check("/entry/0/resource/businessStatus/coding/0/code", "not-recognised"),
        post(
            "check-lapsed",
            "卫生院询问 ALT：证书已失效，可重复",
            "the township asks about ALT: the certificate lapsed, it may be repeated",
            CHECK,
            check("SQWSY", "SQWSY patient", "ALT", "316"),
        )
        .check(VERDICT, "may-repeat")
        .check("/parameter/name=item/part/name=because/valueCode", "certificate-lapsed"),
    ]
}

/// A man comes unconscious and is treated without a name; later somebody knows who he is.
fn a_merge() -> Vec<Step> {
    let (county, bh) = (institution("QJRMYY"), institution("BHWSY"));
    let at_county = Person { mrn: "10022", ..LU };
    let at_bh = Person { mrn: "B0022", ..LU };
    let nameless = Person { mrn: "E9022", name: "无名氏", pinyin: "WU MINGSHI", birth: "", phone: "", village: "", ..LU };
    let unnamed = |m: Message| m.with(&nameless.id_card(), "").with("WU MINGSHI^", "^").with("6212E9022", "");
    let potassium: [Analyte; 1] = [("K", "钾", "3.1", "mmol/L", "3.5-5.3", "L")];
    let ask = |id, zh, en| step(id, zh, en, Deed::Post { path: CHECK, body: check("BHWSY", "BHWSY patient", "K", "402") });
    vec![
        send(
            "nameless",
            "县医院急诊收治无名氏",
            "the hospital takes in a man without a name",
            "QJRMYY",
            unnamed(messages::admission(county, &nameless, "A04", "VE9022")),
        ),
        send(
            "nameless-result",
            "测得钾 3.1，标“全国HR”",
            "potassium 3.1, marked 全国HR",
            "QJRMYY",
            unnamed(result(county, &nameless, "B2003", &potassium, "全国HR")),
        ),
        send(
            "known-there",
            "陆知白在县医院早有档案",
            "the hospital has an old record of Mr Lu",
            "QJRMYY",
            messages::admission(county, &at_county, "A04", "V10022"),
        ),
        send(
            "known-here",
            "他到白鹤乡卫生院就诊",
            "he comes to a township's health centre",
            "BHWSY",
            messages::admission(bh, &at_bh, "A04", "VB0022"),
        ),
        read("known-id", "两家的档案是一个人", "his records there and here are one person's", "/fhir/Patient?identifier=B0022")
            .check("#/entry/0/resource/link", "1")
            .keep("/entry/0/resource/id", "BHWSY patient"),
        ask("before-merge", "合并前询问钾：无既往结果", "before the merge: no prior result").check(VERDICT, "no-prior-result"),
        send(
            "merge-nameless",
            "县医院确认身份，合并（A40）",
            "the hospital learns who he was and merges (A40)",
            "QJRMYY",
            messages::merge(county, &at_county, "E9022"),
        ),
        step(
            "after-merge",
            "合并后开单：有可互认的结果",
            "after it, the same order: there is one to recognise",
            Deed::Say { from: "BHWSY", message: order(bh, &at_bh, "R4001", K, 1, ("NW", "")) },
        )
        .check("ORC-1", "OK")
        .check("ZRR-4", "recognise")
        .check("ZRR-5", "LB2003")
        .check("ZRR-8", "3.1 mmol/L ↓ (3.5-5.3)")
        .keep("ZRR-13", "merged"),
        step(
            "viewed-only",
            "医师只调阅，未作答：计为重复检查",
            "the doctor looks at it and does not answer: counted as repeated",
            Deed::Say { from: "BHWSY", message: order(bh, &at_bh, "R4001", K, 2, ("SC", "‹merged›||view")) },
        )
        .check("MSA-1", "AA"),
    ]
}

pub(super) const FIGURES: &str = "/admin/report/recognition?period=‹period›";

/// A share of the figures: numerator and denominator.
fn share(step: Step, figure: &str, numerator: &str, denominator: &str) -> Step {
    let at = format!("/rows/0/figures/figure=recognition.{figure}");
    step.check(&format!("{at}/numerator"), numerator).check(&format!("{at}/denominator"), denominator)
}

fn figures() -> Vec<Step> {
    let figures = || FIGURES;
    // five orders with a result: K and GLU of the township, GLU and AST of the other hospital, K after the merge
    let reminded = read("figure-reminded", "提醒率 5/5", "reminded: 5 of 5", figures());
    // K and GLU recognised; AST refused; GLU refused for 99, which does not count
    let recognised = read("figure-recognised", "互认率 2/3", "recognised: 2 of 3", figures());
    // not answered, and refused for 01, of the five without that for 99
    let repeated = read("figure-repeated", "重复检查率 2/4", "repeated: 2 of 4", figures());
    let viewed = read("figure-viewed", "查阅率 2/5", "viewed: 2 of 5", figures());
    vec![
        share(reminded, "reminder-rate", "5", "5"),
        share(viewed, "view-rate", "2", "5"),
        share(recognised, "recognition-rate", "2", "3"),
        share(repeated, "repetition-rate", "2", "4"),
        // ALT bears a mark that no certificate bears out
        share(read("figure-marks", "标识有效率 5/6", "marks verified: 5 of 6", figures()), "mark-rate", "5", "6"),
        read("figure-saved", "节约 8.70 元（4.50 + 4.20）", "saved: 8.70 yuan (4.50 + 4.20)", figures())
            .check("/rows/0/figures/figure=recognition.saved/value", "870"),
        read(
            "figures-again",
            "由日志重算，一项不差",
            "counted anew from the journal: equal to the unit",
            format!("{FIGURES}&recount=true"),
        )
        .check("/equal", "true"),
    ]
}
