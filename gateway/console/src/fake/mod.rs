//! An invented county (清江县) for tests and for looking at the pages: nobody in it exists.

mod bulletin;

use std::sync::atomic::{AtomicU64, Ordering};

use hutong_paper::{Definition, Document, Text};

pub use bulletin::bulletin;
use bulletin::waiting;

use crate::context::Viewer;
use crate::mask::{Masked, mask_message};
use crate::site::{Console, Unanswered};
use crate::view::{
    Basis, Case, CaseList, CaseRow, CasesAsk, Counted, Dashboard, DashboardAsk, Excluded, Freshness, Message, Month, Progress, Scope,
    ScopeFigures, Source, Step, Target,
};

/// 2026-11-22 15:04 in China.
pub const NOW_US: i64 = 1_795_331_040_000_000;
const MINUTE_US: i64 = 60_000_000;

/// The figures of one afternoon; each message that arrives makes one case more.
#[derive(Default)]
pub struct County {
    arrived: AtomicU64,
}

impl County {
    /// A report arrives.
    pub fn arrive(&self) {
        self.arrived.fetch_add(1, Ordering::Relaxed);
    }

    fn arrived(&self) -> i64 {
        i64::try_from(self.arrived.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }

    fn basis(&self) -> Basis {
        let definition = Definition { id: "hutong-remote-diagnosis".to_owned(), version: "1.0.0".to_owned() };
        Basis { definition, journal_position: self.position(), made_at_us: NOW_US }
    }
}

/// Examining institutions: id, names, cases of IMG5 and of the rest, target, minutes since the last message.
const INSTITUTIONS: [(&str, &str, &str, i64, i64, i64, i64); 5] = [
    ("LXZXWSY", "柳溪中心卫生院", "Liuxi Central Township Health Centre", 8_412, 6_105, 9_000, 2),
    ("SQWSY", "石桥镇卫生院", "Shiqiao Township Health Centre", 4_377, 3_350, 5_200, 6),
    ("CNSQ", "城南社区卫生服务中心", "Chengnan Community Health Service Centre", 4_120, 5_284, 4_000, 1),
    ("BHWSY", "白鹤乡卫生院", "Baihe Township Health Centre", 1_964, 1_207, 3_000, 96),
    ("QPCWS", "青坪村卫生室", "Qingping Village Clinic", 388, 0, 400, 1_460),
];

/// Centres: id, names, cases, target; the last two are of ALL4 only.
const CENTRES: [(&str, &str, &str, i64, i64); 4] = [
    ("imaging", "医学影像诊断中心", "Imaging centre", 12_836, 14_500),
    ("ecg", "心电诊断中心", "ECG centre", 6_425, 7_100),
    ("laboratory", "医学检验中心", "Laboratory centre", 15_102, 16_000),
    ("pathology", "病理诊断中心", "Pathology centre", 844, 1_200),
];

const MONTHS: [(i64, i64, i64); 11] = [
    (1_610, 1_322, 1_204),
    (1_188, 978, 1_010),
    (1_745, 1_430, 1_377),
    (1_802, 1_466, 1_425),
    (1_733, 1_401, 1_390),
    (1_841, 1_520, 1_466),
    (1_920, 1_588, 1_502),
    (1_877, 1_540, 1_538),
    (1_955, 1_612, 1_549),
    (2_014, 1_673, 1_580),
    (1_576, 1_416, 1_611),
];

impl Console for County {
    fn position(&self) -> u64 {
        1_284_077 + self.arrived.load(Ordering::Relaxed)
    }

    fn dashboard(&self, _: &Viewer, ask: &DashboardAsk) -> Result<Dashboard, Unanswered> {
        let year = ask.year.unwrap_or(2026);
        if !(2025..=2026).contains(&year) {
            return Err(Unanswered::NotFound);
        }
        let all = ask.scope == Scope::All4;
        let new = self.arrived();
        let institutions = INSTITUTIONS.iter().map(|(id, zh, en, img, other, target, _)| {
            let cases = img + if all { *other } else { 0 };
            let target = if all { target * 9 / 5 } else { *target };
            Progress { id: (*id).into(), name: Text::new(*zh, *en), cases, persons: cases * 7 / 10, target: Some(target) }
        });
        let centres = CENTRES.iter().take(if all { 4 } else { 2 }).map(|(id, zh, en, cases, target)| {
            let new = if *id == "imaging" { new } else { 0 };
            Progress { id: (*id).into(), name: Text::new(*zh, *en), cases: cases + new, persons: cases * 7 / 10, target: Some(*target) }
        });
        let month = |(i, (img, other, last)): (usize, &(i64, i64, i64))| {
            let last_year = Some(if all { last * 9 / 5 } else { *last });
            Month { month: i as u8 + 1, img5: *img, all4: img + other, last_year }
        };
        let excluded = [
            ("same-tier", "检查与诊断在同级机构", "read at the same tier", 1_206),
            ("same-institution", "检查与诊断在同一机构", "read where examined", 931),
            ("not-final", "尚无终版报告", "no final report yet", 208),
            ("sent-twice", "重复上传", "sent twice", 77),
            ("test-patient", "测试患者", "test patient", 23),
            ("withdrawn", "报告已作废", "report withdrawn", 14),
        ];
        let sources = INSTITUTIONS.iter().map(|(_, zh, en, img, _, _, age)| Source {
            institution: Text::new(*zh, *en),
            last_message_us: Some(NOW_US - age * MINUTE_US),
            messages_today: img / 20,
            rejected_today: i64::from(*age > 60) * 3,
            state: match age {
                0..=60 => Freshness::Fresh,
                61..=1_440 => Freshness::Late,
                _ => Freshness::Silent,
            },
        });
        let unheard = Source {
            institution: Text::new("县妇幼保健院", "Maternal and Child Health Hospital"),
            last_message_us: None,
            messages_today: 0,
            rejected_today: 0,
            state: Freshness::Never,
        };
        Ok(Dashboard {
            community: Text::new("清江县紧密型县域医共体", "Medical community of Qingjiang County"),
            year,
            years: vec![2025, 2026],
            scope: ask.scope,
            figures: vec![
                ScopeFigures { scope: Scope::Img5, cases: 19_261 + new, persons: 14_088 + new, cases_today: 61 + new },
                ScopeFigures { scope: Scope::All4, cases: 35_207 + new, persons: 20_419 + new, cases_today: 118 + new },
            ],
            target: Some(Target {
                scope: ask.scope,
                value: if all { 24_000 } else { 16_000 },
                of_persons: true,
                from: Text::new("清江医共体〔2026〕3号 附件2-6", "Qingjiang community, 2026 no. 3, annex 2-6"),
            }),
            elapsed_percent: 89.3,
            centres: centres.collect(),
            institutions: institutions.collect(),
            months: MONTHS.iter().enumerate().map(month).collect(),
            excluded: excluded.iter().map(|(c, zh, en, n)| Excluded { code: (*c).into(), name: Text::new(*zh, *en), cases: *n }).collect(),
            sources: sources.chain([unheard]).collect(),
            basis: self.basis(),
        })
    }

    fn cases(&self, _: &Viewer, ask: &CasesAsk) -> Result<CaseList, Unanswered> {
        let pair = |value: &str, zh: &'static str, en: &'static str| (value.to_owned(), Text::new(zh, en));
        let counted = ask.excluded.is_none();
        Ok(CaseList {
            rows: (0..ROWS.len()).filter_map(row).filter(|r| matches!(r.counted, Counted::In { .. }) == counted).collect(),
            total: if counted { 19_261 } else { 1_206 },
            next: ask.after.is_none().then(|| "1795331040-c8".to_owned()),
            periods: vec![
                pair("", "近 24 个月", "last 24 months"),
                pair("2026", "2026 年", "2026"),
                pair("2026Q3", "2026 年第三季度", "2026 Q3"),
                pair("2026-11", "2026 年 11 月", "Nov 2026"),
            ],
            institutions: INSTITUTIONS.iter().map(|(id, zh, en, ..)| pair(id, zh, en)).collect(),
            centres: CENTRES.iter().map(|(id, zh, en, ..)| pair(id, zh, en)).collect(),
            reasons: vec![pair("same-tier", "检查与诊断在同级机构", "read at the same tier"), pair("sent-twice", "重复上传", "sent twice")],
            basis: self.basis(),
        })
    }

    fn case(&self, _: &Viewer, id: &str) -> Result<Case, Unanswered> {
        let row = (0..ROWS.len()).filter_map(row).find(|r| r.id == id).ok_or(Unanswered::NotFound)?;
        let entry = 1_284_011;
        let step = |minutes: i64, zh: &'static str, en: &'static str, who: Text, at: u64| Step {
            at_us: NOW_US - (300 - minutes) * MINUTE_US,
            what: Text::new(zh, en),
            who,
            entry: entry + at,
        };
        let (township, county) = (row.examined_at.clone(), row.read_at.clone());
        let message = |kind: &str, at: u64, minutes: i64, text: &str| Message {
            entry: entry + at,
            at_us: NOW_US - (300 - minutes) * MINUTE_US,
            kind: kind.to_owned(),
            source: Text::same("石桥镇卫生院"),
            control_id: format!("SQ2026112200{at}"),
            sha256: "9f2c5a17d0b6e4838f11c70a5d2e96b43c08f7aa61be2d94077c5e13fb60a8d2".to_owned(),
            text: mask_message(text),
        };
        let ordered = "MSH|^~\\&|HIS|SQWSY|GW|QJ|20261122100400||ORM^O01|SQ20261122000|P|2.4\rPID|1||20031^^^SQWSY||田景福||19680412|M|||石桥镇青坪村2组||13800000011||||||522228196804121234\rORC|NW|O88121\rOBR|1|O88121||DR-CHEST^胸部正位^L";
        let reported = "MSH|^~\\&|RIS|QJRMYY|GW|QJ|20261122112300||ORU^R01|QJ20261122417|P|2.4\rPID|1||20031^^^SQWSY||田景福||19680412|M\rOBR|1|O88121|DR2026112207|DR-CHEST^胸部正位^L|||20261122101800|||||||||||||||20261122112300||DX|F\rOBX|1|FT|GDT^诊断所见||两肺纹理增多，未见实变。||||||F\rOBX|2|FT|IMP^诊断印象||两肺纹理增多。||||||F";
        Ok(Case {
            facts: vec![
                (Text::new("申请单号", "Order number"), "O88121".into()),
                (Text::new("影像号", "Accession number"), "DR2026112207".into()),
                (Text::new("诊断医师", "Reader"), "副主任医师 · QJ0417".into()),
                (Text::new("关联依据", "Joined by"), "申请单号 + 影像号（1.00）".into()),
            ],
            decided_by: Text::new("remote-diagnosis 1.0.0 · 第 4 条：首份终版报告，基层检查、上级诊断", "remote-diagnosis 1.0.0, rule 4"),
            steps: vec![
                step(0, "开单", "ordered", township.clone(), 0),
                step(14, "检查完成", "examined", township, 1),
                step(79, "终版报告", "final report", county.clone(), 2),
                step(131, "报告更正", "corrected", county, 3),
            ],
            messages: vec![
                message("ORM^O01", 0, 0, ordered),
                message("ORM^O01", 1, 14, ordered),
                message("ORU^R01", 2, 79, reported),
                message("ORU^R01", 3, 131, reported),
            ],
            adjustments: vec![(20_779, Text::new("报告更正，计数不变", "the report was corrected; the count stands"))],
            basis: self.basis(),
            row,
        })
    }

    fn recognition(&self, _: &Viewer, period: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered> {
        self.quarter(period, bulletin::recognition)
    }

    fn work(&self, _: &Viewer, _: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered> {
        let spans = [30, 7].map(|days| (days.to_string(), Text::new(format!("最近 {days} 天"), format!("last {days} days"))));
        Ok((waiting(), spans.into()))
    }

    fn quarterly(&self, _: &Viewer, period: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered> {
        self.quarter(period, bulletin)
    }
}

impl County {
    fn quarter(&self, period: Option<&str>, of: fn(&str) -> Document) -> Result<(Document, Vec<(String, Text)>), Unanswered> {
        let known = ["2026Q3", "2026Q2", "2026Q1"];
        let period = period.unwrap_or("2026Q3");
        if !known.contains(&period) {
            return Err(Unanswered::Wrong(Text::same("period=2026Q3")));
        }
        let name =
            |q: &str| Text::new(format!("{} 年第{}季度", &q[..4], ["一", "二", "三"][usize::from(q.as_bytes()[5] - b'1')]), q.to_owned());
        Ok((of(period), known.iter().map(|q| ((*q).to_owned(), name(q))).collect()))
    }
}

/// Patient, sex, age, centre, item, examined at, whether it counts.
#[allow(clippy::type_complexity)] // a table
const ROWS: [(&str, &str, u16, usize, &str, &str, usize, u8); 9] = [
    ("田景福", "M", 58, 0, "胸部正位 DR", "Chest DR", 1, 0),
    ("邵云起", "M", 71, 0, "颅脑 CT 平扫", "Head CT", 0, 0),
    ("秦望舒", "F", 58, 1, "十二导联心电图", "12-lead ECG", 4, 0),
    ("𬭎喜", "F", 34, 2, "血常规", "Blood count", 2, 1),
    ("欧阳昞", "M", 44, 0, "腹部彩超", "Abdominal ultrasound", 0, 0),
    ("温如许", "F", 79, 1, "十二导联心电图", "12-lead ECG", 3, 0),
    ("㐱明", "M", 63, 3, "胃黏膜活检", "Gastric biopsy", 0, 1),
    ("燕镕", "M", 53, 0, "胸部 CT 平扫", "Chest CT", 2, 0),
    ("喻采薇", "F", 24, 0, "膝关节 DR", "Knee DR", 1, 2),
];

fn row(i: usize) -> Option<CaseRow> {
    let (name, sex, age, centre, zh, en, at, counts) = ROWS.get(i)?;
    let (institution, centre) = (INSTITUTIONS.get(*at)?, CENTRES.get(*centre)?);
    let at = i64::try_from(i).unwrap_or_default();
    Some(CaseRow {
        id: format!("c{}", i + 1),
        number: format!("{}20261122{:02}", if centre.0 == "ecg" { "XD" } else { "DR" }, 7 + at),
        patient: Masked::name(name),
        sex: if *sex == "M" { Text::new("男", "M") } else { Text::new("女", "F") },
        age: Some(*age),
        centre: Text::new(centre.1, centre.2),
        item: Text::new(*zh, *en),
        examined_at: Text::new(institution.1, institution.2),
        read_at: Text::new("清江县人民医院", "Qingjiang People's Hospital"),
        reported_us: Some(NOW_US - (221 - at) * MINUTE_US),
        counted: match counts {
            0 => Counted::In { img5: true },
            1 => Counted::In { img5: false },
            _ => Counted::Out { reason: Text::new("检查与诊断在同级机构", "read at the same tier") },
        },
    })
}
