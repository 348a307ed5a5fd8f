//! The messages that the county's systems send, in the shape in which such systems send them (拼音^姓名 in PID-5,
//! 身份证 in PID-19, 医保卡 in PID-18, findings and impression of images as OBX GDT and IMP).

use hutong_decode::charset::{self, Charset};

use super::county::{Institution, Person, Wire};
use super::day::WRITTEN;

/// One message under way: text, and how its sender puts it on the wire.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) control_id: String,
    text: String,
    wire: Wire,
}

impl Message {
    /// The bytes of the message in its sender's charset.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self.wire {
            Wire::Utf8 => self.text.clone().into_bytes(),
            Wire::Gb18030Declared | Wire::GbkUndeclared => charset::encode(&self.text, Charset::Gb18030).into_owned(),
        }
    }

    /// The same message with one piece of text exchanged.
    pub(crate) fn with(&self, from: &str, to: &str) -> Message {
        Message { text: self.text.replace(from, to), ..self.clone() }
    }

    /// The same message with its text changed: the demo's day, what earlier answers said.
    pub(crate) fn told(&self, change: impl Fn(&str) -> String) -> Message {
        Message { text: change(&self.text), ..self.clone() }
    }

    /// The same message as bytes of another charset than its header says.
    pub(crate) fn as_wire(&self, wire: Wire) -> Message {
        Message { wire, ..self.clone() }
    }
}

/// When things happened: the demo's day, hour and minute as v2 time.
pub(super) fn at(hour: u32, minute: u32) -> String {
    format!("{WRITTEN}{hour:02}{minute:02}00")
}

pub(super) fn build(from: &Institution, app: &str, kind: &str, control_id: &str, time: &str, segments: &[String]) -> Message {
    let charset = match from.wire {
        Wire::Utf8 => "UNICODE UTF-8",
        Wire::Gb18030Declared => "GB 18030-2000",
        Wire::GbkUndeclared => "",
    };
    let control_id = format!("{}-{control_id}", from.code);
    let mut text = format!("MSH|^~\\&|{app}|{}|HUTONG|QJYGT|{time}||{kind}|{control_id}|P|2.4||||||{charset}", from.code);
    for segment in segments {
        text.push('\r');
        text.push_str(segment);
    }
    text.push('\r');
    Message { control_id, text, wire: from.wire }
}

/// A segment from the fields that have a value; numbers as in HL7.
pub(super) fn segment(name: &str, fields: &[(usize, &str)]) -> String {
    let mut text = String::from(name);
    let last = fields.iter().map(|(n, _)| *n).max().unwrap_or(0);
    for n in 1..=last {
        text.push('|');
        if let Some((_, value)) = fields.iter().find(|(f, _)| *f == n) {
            text.push_str(value);
        }
    }
    text
}

pub(super) fn pid(from: &Institution, p: &Person) -> String {
    segment(
        "PID",
        &[
            (1, "1"),
            (3, &format!("{}^^^{}^MR", p.mrn, from.code)),
            (5, &format!("{}^{}", p.pinyin, p.name)),
            (7, p.birth),
            (8, &p.sex.to_string()),
            (11, p.village),
            (13, p.phone),
            (18, &format!("6212{}", p.mrn)),
            (19, &p.id_card()),
            (22, "01"),
            (28, "CHN"),
        ],
    )
}

pub(super) fn pv1(class: &str, visit: &str, ward: &str) -> String {
    segment("PV1", &[(1, "1"), (2, class), (3, ward), (7, DOCTOR), (19, visit), (44, &at(8, 0))])
}

pub(super) const DOCTOR: &str = "316^周砚";
/// Who reads images and ECGs, and who releases results of the laboratory.
pub(super) const READER: &str = "801^段青";
pub(super) const LABORATORY: &str = "551^罗小满";

/// One OBX: set id, type, item, value and, where given, unit, range, flag.
pub(super) fn obx(n: usize, kind: &str, item: &str, value: &str, rest: [&str; 3], status: &str) -> String {
    let [unit, range, flag] = rest;
    segment(
        "OBX",
        &[(1, &n.to_string()), (2, kind), (3, item), (5, value), (6, unit), (7, range), (8, flag), (11, status), (14, &at(9, 10))],
    )
}

/// The OBR of an order: number, item, when it is wanted, what kind of examination it is.
fn ordered(number: &str, item: &str, section: &str) -> String {
    segment("OBR", &[(1, "1"), (2, number), (4, item), (6, &at(8, 50)), (16, DOCTOR), (24, section)])
}

/// The OBR of a result: order and report number, item, when observed and reported, section, status; `more` is what a careful
/// system says beyond that.
fn reported(number: &str, report: &str, item: &str, section: &str, status: &str, more: &[(usize, &str)]) -> String {
    let filler = format!("{report}{number}");
    let (observed, reported) = (at(8, 50), at(9, 30));
    let mut fields = vec![(1, "1"), (2, number), (3, &filler), (4, item), (7, &observed), (16, DOCTOR)];
    fields.extend([(22, reported.as_str()), (24, section), (25, status)]);
    fields.extend_from_slice(more);
    segment("OBR", &fields)
}

/// Admission or registration: `event` A01 (inpatient) or A04 (outpatient).
pub(crate) fn admission(from: &Institution, p: &Person, event: &str, visit: &str) -> Message {
    let class = if event == "A01" { "I" } else { "O" };
    let ward = if event == "A01" { "内科一病区^03^12^内科" } else { "^^^门诊" };
    build(
        from,
        "HIS",
        &format!("ADT^{event}"),
        &format!("ADT-{visit}"),
        &at(8, 5),
        &[format!("EVN|{event}|{}", at(8, 0)), pid(from, p), pv1(class, visit, ward)],
    )
}

/// An order for a laboratory panel or an examination.
pub(crate) fn order(from: &Institution, p: &Person, visit: &str, number: &str, item: &str, section: &str) -> Message {
    build(
        from,
        "HIS",
        "ORM^O01",
        &format!("ORM-{number}"),
        &at(8, 20),
        &[
            pid(from, p),
            pv1("O", visit, "^^^门诊"),
            segment("ORC", &[(1, "NW"), (2, number), (9, &at(8, 20)), (12, DOCTOR), (17, "内科")]),
            ordered(number, item, section),
        ],
    )
}

/// A prescription of one drug.
pub(crate) fn prescription(from: &Institution, p: &Person, visit: &str, number: &str) -> Message {
    build(
        from,
        "HIS",
        "OMP^O09^OMP_O09",
        &format!("OMP-{number}"),
        &at(9, 40),
        &[
            pid(from, p),
            pv1("O", visit, "^^^门诊"),
            segment("ORC", &[(1, "NW"), (2, number), (4, &format!("{number}-CF")), (9, &at(9, 40)), (12, DOCTOR)]),
            segment("TQ1", &[(1, "1"), (2, "1^片"), (3, "bid"), (7, "20260918"), (8, "20260924")]),
            segment("RXO", &[(1, "A10BA02^盐酸二甲双胍片^L"), (2, "0.5"), (4, "g^克"), (5, "片剂"), (11, "14"), (12, "盒")]),
            segment("RXR", &[(1, "1^口服")]),
        ],
    )
}

/// One analyte of a laboratory result: code, name, value, unit, reference range, flag.
pub(crate) type Analyte = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

/// 生化十项 of the demo.
pub(crate) const CHEMISTRY: [Analyte; 10] = [
    ("GLU", "葡萄糖", "7.82", "mmol/L", "3.90-6.10", "H"),
    ("ALT", "丙氨酸氨基转移酶", "23", "U/L", "9-50", "N"),
    ("AST", "天门冬氨酸氨基转移酶", "21", "U/L", "15-40", "N"),
    ("TP", "总蛋白", "71.3", "g/L", "65.0-85.0", "N"),
    ("ALB", "白蛋白", "43.10", "g/L", "40.0-55.0", "N"),
    ("CREA", "肌酐", "68", "umol/L", "57-97", "N"),
    ("UREA", "尿素", "5.4", "mmol/L", "3.1-8.0", "N"),
    ("K", "钾", "4.05", "mmol/L", "3.50-5.30", "N"),
    ("NA", "钠", "140.2", "mmol/L", "137.0-147.0", "N"),
    ("TG", "甘油三酯", "2.31", "mmol/L", "0.00-1.70", "H"),
];

/// A laboratory result of `items`; `status` F final, P preliminary, C correction.
pub(crate) fn laboratory(from: &Institution, p: &Person, visit: &str, number: &str, status: &str, items: &[Analyte], nth: u32) -> Message {
    let requested = at(8, 20);
    panel(from, p, visit, number, status, items, nth, &[(6, &requested), (15, "血清"), (32, LABORATORY)])
}

/// The same from a system that names neither the specimen nor who released it.
pub(crate) fn terse_laboratory(from: &Institution, p: &Person, visit: &str, number: &str, items: &[Analyte]) -> Message {
    panel(from, p, visit, number, "F", items, 1, &[])
}

#[allow(clippy::too_many_arguments)] // the fields of one message
fn panel(
    from: &Institution,
    p: &Person,
    visit: &str,
    number: &str,
    status: &str,
    items: &[Analyte],
    nth: u32,
    more: &[(usize, &str)],
) -> Message {
    let report = format!("L{number}");
    let mut segments = vec![
        pid(from, p),
        pv1("O", visit, "^^^门诊"),
        segment("ORC", &[(1, "RE"), (2, number), (3, &report)]),
        reported(number, "L", "SH10^生化十项^L", "LAB", status, more),
    ];
    for (i, (code, name, value, unit, range, flag)) in items.iter().enumerate() {
        segments.push(obx(i + 1, "NM", &format!("{code}^{name}^L"), value, [unit, range, flag], status));
    }
    build(from, "LIS", "ORU^R01", &format!("ORU-{number}-{nth}"), &at(9, 30), &segments)
}

/// An imaging report: findings, impression, positive or negative.
pub(crate) fn imaging(from: &Institution, p: &Person, visit: &str, number: &str) -> Message {
    build(
        from,
        "PACS",
        "ORU^R01",
        &format!("ORU-{number}-1"),
        &at(10, 5),
        &[
            pid(from, p),
            pv1("O", visit, "^^^门诊"),
            reported(number, "R", "BB04^胸部正侧位^L", "DR", "F", &[(6, &at(8, 20)), (32, READER)]),
            obx(1, "TX", "GDT^诊断所见", "双肺纹理清晰\\.br\\心影大小形态正常", ["", "", ""], "F"),
            obx(2, "TX", "IMP^诊断印象", "心肺膈未见明显异常", ["", "", "N"], "F"),
        ],
    )
}

/// An ECG with its report as a PDF.
pub(crate) fn ecg(from: &Institution, p: &Person, visit: &str, number: &str) -> Message {
    build(
        from,
        "ECG",
        "ORU^R01",
        &format!("ORU-{number}-1"),
        &at(10, 20),
        &[
            pid(from, p),
            pv1("O", visit, "^^^门诊"),
            reported(number, "E", "XD001^常规十二导联心电图^L", "EC", "F", &[(6, &at(8, 20)), (32, READER)]),
            obx(1, "NM", "HR^心率^L", "72", ["/min", "60-100", "N"], "F"),
            obx(2, "TX", "IMP^诊断印象", "窦性心律，正常心电图", ["", "", "N"], "F"),
            obx(3, "ED", "ZRF^报告文件", "^application^pdf^Base64^JVBERi0xLjQKJeLjz9MKJSVFT0YK", ["", "", ""], "F"),
        ],
    )
}

/// Two records of one person become one: `loser` is replaced by `survivor`.
pub(crate) fn merge(from: &Institution, survivor: &Person, loser_mrn: &str) -> Message {
    build(
        from,
        "HIS",
        "ADT^A40^ADT_A39",
        &format!("ADT-M{loser_mrn}"),
        &at(11, 0),
        &[format!("EVN|A40|{}", at(11, 0)), pid(from, survivor), format!("MRG|{loser_mrn}^^^{}^MR", from.code)],
    )
}

/// A registration that is taken back.
pub(crate) fn cancel_admission(from: &Institution, p: &Person, visit: &str) -> Message {
    build(
        from,
        "HIS",
        "ADT^A11",
        &format!("ADT-X{visit}"),
        &at(11, 20),
        &[format!("EVN|A11|{}", at(11, 20)), pid(from, p), pv1("I", visit, "内科一病区^03^12^内科")],
    )
}
