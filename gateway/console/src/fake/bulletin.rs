//! The invented county's reports: every kind of block, as a county's health commission would send them round.

use hutong_paper::{Block, Chart, Column, Definition, Document, Figure, Goal, Kind, Meta, Series, Shape, Table, Text, Value};

use super::{CENTRES, INSTITUTIONS, NOW_US};

fn meta(period: &str) -> Meta {
    Meta {
        definitions: vec![
            Definition { id: "hutong-remote-diagnosis".to_owned(), version: "1.0.0".to_owned() },
            Definition { id: "fengjie-core-2025".to_owned(), version: "2025.1".to_owned() },
        ],
        scope: Text::new(
            "IMG5（影像、心电、超声、核医学、肌电、脑电）与 ALL4（另含检验、病理）",
            "IMG5 (imaging, ECG, ultrasound, nuclear, EMG, EEG) and ALL4 (with laboratory and pathology)",
        ),
        period: Text::new(format!("{} 年第 {} 季度", &period[..4], &period[5..]), period.to_owned()),
        journal_position: 1_284_077,
        made_at_us: NOW_US,
    }
}

fn text(zh: &'static str, en: &'static str) -> Text {
    Text::new(zh, en)
}

/// A value in tenths.
fn tenths(n: i64) -> rust_decimal::Decimal {
    rust_decimal::Decimal::new(n, 1)
}

/// The quarterly report of a period: `2026Q3`.
pub fn bulletin(period: &str) -> Document {
    let mut blocks = vec![
        Block::Paragraph(text(
            "各乡镇卫生院、社区卫生服务中心，县级各医疗卫生单位：按照《紧密型县域医共体建设实施方案》关于“按季度通报”的要求，现将本季度“基层检查、上级诊断”及互认工作情况通报如下。全部数字由医共体互操作网关依据机构上传的原始消息自动统计，可逐例追溯。",
            "To all township health centres, community health service centres and county institutions: as the plan for the county's medical community asks, this bulletin reports the quarter's cases that were examined at the grass roots and diagnosed above. All figures are counted by the gateway from the messages that institutions sent, and each can be traced to its cases.",
        )),
        Block::Heading(1, text("一、总体情况", "1. Overview")),
        Block::Figures(figures()),
        Block::Paragraph(text(
            "截至季末，全县完成年度目标的 88.1%，较时序进度（75.0%）快 13.1 个百分点；环比增长 6.4%，同比增长 21.3%。",
            "By the end of the quarter the county had reached 88.1% of the year's target, 13.1 points ahead of the calendar (75.0%); 6.4% more than in the quarter before and 21.3% more than a year ago.",
        )),
        Block::Chart(trend()),
        Block::Heading(1, text("二、各机构完成情况", "2. By institution")),
        Block::Chart(progress()),
        Block::Table(institutions()),
        Block::Heading(1, text("三、诊断中心时效", "3. Turnaround of the centres")),
        Block::Chart(turnaround()),
        Block::Table(centres()),
    ];
    blocks.extend([
        Block::Heading(1, text("四、质量与安全", "4. Quality and safety")),
        Block::Heading(2, text("（一）标本与危急值", "4.1 Specimens and critical values")),
        Block::Chart(stacked()),
        Block::Heading(2, text("（二）核心指标对照", "4.2 Core indicators")),
        Block::Table(indicators()),
        Block::Heading(1, text("五、方法与数据质量说明", "5. Method and quality of data")),
        Block::Notes(vec![
            text("病例以首份终版报告计入，检查机构须为基层医疗卫生机构，诊断机构须为其上级机构；同一检查机构、同一检查号、同一设备类型只计一次。", "A case counts at its first final report, when it was examined at a grass-roots institution and read by one above it; once per examining institution, accession number and modality."),
            text("人次为病例数；人数为本期内按医共体主索引去重后的患者数。两者口径不同，不可相互推算。", "Cases are counted per examination; persons are distinct by the community's index within the period. Neither can be computed from the other."),
            text("本期收到消息 214,806 条，其中 1,206 条因检查与诊断在同级机构未计入，77 条为重复上传，23 条为测试患者；退回未能理解的消息 41 条，已通知厂商更正。", "214,806 messages arrived; 1,206 cases were read at the same tier, 77 were sent twice, 23 were of test patients; 41 messages could not be understood and were returned."),
            text("身份证号、姓名中的生僻字（如 㐱、䶮、𬭎、𫖯）按 GB 18030-2022 处理。", "Rare characters of names (such as 㐱, 䶮, 𬭎, 𫖯) follow GB 18030-2022."),
        ]),
    ]);
    Document {
        title: Text::new("清江县紧密型县域医共体季度通报", "Quarterly bulletin of Qingjiang County's medical community"),
        subtitle: Text::new(
            format!("清江医共体办〔2026〕{} 号", &period[5..]),
            format!("Office of the community, 2026 no. {}", &period[5..]),
        ),
        meta: meta(period),
        blocks,
    }
}

fn figures() -> Vec<Figure> {
    let figure = |label: Text, value: Value, unit: Text, note: Text| Figure { label, value, unit, note };
    vec![
        figure(text("IMG5 人次", "IMG5 cases"), 5_752.into(), text("人次", "cases"), text("环比 +6.4%", "+6.4% on the quarter")),
        figure(text("IMG5 人数", "IMG5 persons"), 4_631.into(), text("人", "persons"), text("同比 +21.3%", "+21.3% on the year")),
        figure(text("ALL4 人次", "ALL4 cases"), 10_492.into(), text("人次", "cases"), text("环比 +5.1%", "+5.1% on the quarter")),
        figure(
            text("完成年度目标", "Of the year's target"),
            Value::Percent(tenths(881)),
            text("", ""),
            text("时序 75.0%", "calendar 75.0%"),
        ),
        figure(
            text("互认节约费用", "Saved by recognition"),
            Value::Money(41_283_050),
            text("元", "yuan"),
            text("2,317 例次", "2,317 results"),
        ),
        figure(text("报告及时率", "Reports in time"), Value::Percent(tenths(962)), text("", ""), text("目标 ≥95%", "target ≥95%")),
    ]
}

fn names(zh: &[&'static str], en: &[&'static str]) -> Vec<Text> {
    zh.iter().zip(en).map(|(zh, en)| Text::new(*zh, *en)).collect()
}

fn series(zh: &'static str, en: &'static str, values: &[f64]) -> Series {
    Series { name: Text::new(zh, en), values: values.iter().map(|v| Some(*v)).collect() }
}

fn trend() -> Chart {
    Chart {
        title: text("图1 近六个月 IMG5 人次", "Figure 1. IMG5 cases in the last six months"),
        summary: text("9 月 1,955 人次，为近六个月最高。", "September had the most cases: 1,955."),
        unit: text("人次", "cases"),
        shape: Shape::Line {
            categories: names(&["4月", "5月", "6月", "7月", "8月", "9月"], &["Apr", "May", "Jun", "Jul", "Aug", "Sep"]),
            series: vec![
                series("2026 年", "2026", &[1_802.0, 1_733.0, 1_841.0, 1_920.0, 1_877.0, 1_955.0]),
                series("2025 年", "2025", &[1_425.0, 1_390.0, 1_466.0, 1_502.0, 1_538.0, 1_549.0]),
            ],
        },
    }
}

fn progress() -> Chart {
    let goal = |(_, zh, en, img, _, target, _): &(&str, &'static str, &'static str, i64, i64, i64, i64)| Goal {
        label: Text::new(*zh, *en),
        value: *img as f64,
        target: Some(*target as f64),
    };
    Chart {
        title: text("图2 各检查机构年度目标完成情况（IMG5 人次）", "Figure 2. Progress of institutions to the year's target (IMG5 cases)"),
        summary: text("城南社区已超额完成；白鹤乡卫生院 65.5%，需加快。", "Chengnan is past its target; Baihe stands at 65.5%."),
        unit: text("人次", "cases"),
        shape: Shape::Progress(INSTITUTIONS.iter().map(goal).collect()),
    }
}

#[allow(clippy::type_complexity)] // rows of a table
fn institutions() -> Table {
    let row = |(i, (_, zh, en, img, other, target, _)): (usize, &(&str, &'static str, &'static str, i64, i64, i64, i64))| {
        let share = tenths(img * 1000 / target);
        let change = tenths([64, -31, 212, -145, 8][i % 5]);
        vec![
            Text::new(*zh, *en).into(),
            (*img).into(),
            (img * 7 / 10).into(),
            (img + other).into(),
            (*target).into(),
            Value::Percent(share),
            Value::Percent(change),
        ]
    };
    Table {
        key: "institutions".to_owned(),
        title: text("表1 各检查机构完成情况", "Table 1. Cases by examining institution"),
        columns: vec![
            Column::new("institution", "检查机构", "Institution", Kind::Text),
            Column::new("cases", "IMG5 人次", "IMG5 cases", Kind::Integer),
            Column::new("persons", "IMG5 人数", "IMG5 persons", Kind::Integer),
            Column::new("all4", "ALL4 人次", "ALL4 cases", Kind::Integer),
            Column::new("target", "年度目标", "Target", Kind::Integer),
            Column::new("share", "完成率", "Done", Kind::Percent),
            Column::new("change", "环比", "Change", Kind::Percent),
        ],
        rows: INSTITUTIONS.iter().enumerate().map(row).collect(),
        totals: Some(vec![
            text("全县", "County").into(),
            19_261.into(),
            13_482.into(),
            35_207.into(),
            21_600.into(),
            Value::Percent(tenths(892)),
            Value::Percent(tenths(64)),
        ]),
        footnotes: vec![text(
            "注：年度目标为 IMG5 人次。人数不可相加：同一人可在多家机构检查。",
            "Targets are of IMG5 cases. Persons do not add up: one person may be examined in several places.",
        )],
    }
}

fn turnaround() -> Chart {
    Chart {
        title: text("图3 检查至报告用时（中位数，分钟）", "Figure 3. From examination to report (median, minutes)"),
        summary: text("心电中位 11 分钟，病理以天计，未列。", "ECG takes 11 minutes; pathology takes days and is not shown."),
        unit: text("分钟", "minutes"),
        shape: Shape::Bars {
            categories: names(&["DR", "CT", "超声", "心电", "检验"], &["DR", "CT", "Ultrasound", "ECG", "Laboratory"]),
            series: vec![
                series("上季度", "Last quarter", &[48.0, 71.0, 35.0, 14.0, 128.0]),
                series("本季度", "This quarter", &[41.0, 63.0, 33.0, 11.0, 117.0]),
            ],
        },
    }
}

fn centres() -> Table {
    let row = |(i, (_, zh, en, cases, _)): (usize, &(&str, &'static str, &'static str, i64, i64))| {
        let seconds = [2_530, 660, 7_020, 262_800][i % 4];
        vec![
            Text::new(*zh, *en).into(),
            (cases / 4).into(),
            Value::Duration(seconds * 3 / 2),
            Value::Duration(seconds),
            Value::Percent(tenths([962, 991, 947, 903][i % 4])),
            Value::Counts(if i == 2 {
                vec![("haemolysed".into(), text("溶血", "haemolysed"), 31), ("label".into(), text("标签不符", "wrong label"), 7)]
            } else {
                vec![]
            }),
        ]
    };
    Table {
        key: "centres".to_owned(),
        title: text("表2 诊断中心时效与不合格标本", "Table 2. Turnaround and rejected specimens"),
        columns: vec![
            Column::new("centre", "中心", "Centre", Kind::Text),
            Column::new("cases", "报告数", "Reports", Kind::Integer),
            Column::new("orderToReport", "开单至报告", "Order to report", Kind::Duration),
            Column::new("examToReport", "检查至报告", "Examination to report", Kind::Duration),
            Column::new("inTime", "及时率", "In time", Kind::Percent),
            Column::new("rejected", "不合格标本", "Rejected specimens", Kind::Text),
        ],
        rows: CENTRES.iter().enumerate().map(row).collect(),
        totals: None,
        footnotes: vec![],
    }
}

fn stacked() -> Chart {
    Chart {
        title: text("图4 危急值处理（例）", "Figure 4. Critical values"),
        summary: text("三个月共 61 例，其中 58 例在 30 分钟内确认。", "61 in three months; 58 were acknowledged within 30 minutes."),
        unit: text("例", "cases"),
        shape: Shape::Stacked {
            categories: names(&["7月", "8月", "9月"], &["Jul", "Aug", "Sep"]),
            series: vec![
                series("10 分钟内确认", "within 10 min", &[14.0, 17.0, 18.0]),
                series("30 分钟内确认", "within 30 min", &[3.0, 4.0, 2.0]),
                series("超时", "late", &[2.0, 1.0, 0.0]),
            ],
        },
    }
}

/// The annex's rows, enough of them to need a second page.
fn indicators() -> Table {
    const ROWS: [(&str, &str, &str, i64, i64, &str, &str); 14] = [
        ("紧密型区县域医共体建设区县覆盖率", "Coverage of districts by medical communities", "%", 1000, 1000, "报告", "reported"),
        ("下派“县聘乡用”人员累计数量", "Staff hired by the county, working in townships", "人", 810, 810, "报告", "reported"),
        ("下派“乡聘村用”人员累计数量", "Staff hired by townships, working in villages", "人", 110, 120, "报告", "reported"),
        ("“七大智能平台”建设覆盖率", "Coverage of the seven platforms", "%", 857, 1000, "部分统计", "partly counted"),
        ("“六大共享中心”建设覆盖率", "Coverage of the six shared centres", "%", 833, 1000, "部分统计", "partly counted"),
        ("“基层检查、上级诊断”患者数", "Patients examined here, diagnosed there", "万人", 14, 16, "统计", "counted"),
        ("乡镇卫生院（社区）医务人员与县级医院医务人员收入比值", "Ratio of incomes, township to county", "—", 8, 9, "报告", "reported"),
        ("县域内基层医疗卫生机构诊疗人次占比", "Share of visits at the grass roots", "%", 613, 620, "部分统计", "partly counted"),
        ("“优质服务基层行”达到国家基本标准及以上机构占比", "Institutions at the national standard", "%", 882, 900, "报告", "reported"),
        ("家庭医生全人群签约服务人数", "Persons with a family doctor", "万人", 304, 310, "报告", "reported"),
        ("65岁及以上老年人城乡社区规范健康管理服务率", "Elderly under standard health management", "%", 652, 650, "报告", "reported"),
        ("基本公共卫生服务知晓率", "Awareness of public health services", "%", 719, 720, "报告", "reported"),
        (
            "每万常住人口影像、心电中心开展远程影像诊断数量",
            "Remote imaging diagnoses per 10,000 residents",
            "人次/万人",
            4_017,
            4_000,
            "统计",
            "counted",
        ),
        ("心电设备村级配备率", "Villages with an ECG device", "%", 624, 700, "部分统计", "partly counted"),
    ];
    let row = |(zh, en, unit, value, target, class_zh, class_en): &(
        &'static str,
        &'static str,
        &'static str,
        i64,
        i64,
        &'static str,
        &'static str,
    )| {
        vec![
            Text::new(*zh, *en).into(),
            Text::same(*unit).into(),
            Value::Decimal(tenths(*value)),
            Value::Decimal(tenths(*target)),
            if value >= target { text("达标", "reached").into() } else { text("未达标", "not reached").into() },
            Text::new(*class_zh, *class_en).into(),
        ]
    };
    Table {
        key: "indicators".to_owned(),
        title: text("表3 主要核心绩效指标对照", "Table 3. Core indicators"),
        columns: vec![
            Column::new("indicator", "指标", "Indicator", Kind::Text),
            Column::new("unit", "单位", "Unit", Kind::Text),
            Column::new("value", "本期", "Value", Kind::Decimal),
            Column::new("target", "目标", "Target", Kind::Decimal),
            Column::new("state", "结论", "State", Kind::Text),
            Column::new("class", "来源", "From", Kind::Text),
        ],
        rows: ROWS.iter().map(row).collect(),
        totals: None,
        footnotes: vec![text(
            "注：“报告”为机构填报并经审核，网关不作统计；“部分统计”为分子由网关统计、分母由人工配置。",
            "“Reported” figures were handed in and approved, not counted; of “partly counted” ones the denominator is configured.",
        )],
    }
}

/// The figures of mutual recognition.
pub(super) fn recognition(period: &str) -> Document {
    let figure = |label: Text, value: Value, note: Text| Figure { label, value, unit: Text::default(), note };
    Document {
        title: text("检查检验结果互认统计", "Mutual recognition of results"),
        subtitle: text("清江县紧密型县域医共体", "Medical community of Qingjiang County"),
        meta: meta(period),
        blocks: vec![
            Block::Figures(vec![
                figure(text("提醒率", "Reminded"), Value::Percent(tenths(993)), text("6,120 / 6,163", "6,120 / 6,163")),
                figure(text("查阅率", "Viewed"), Value::Percent(tenths(714)), text("4,370 / 6,120", "4,370 / 6,120")),
                figure(text("互认率", "Recognised"), Value::Percent(tenths(530)), text("2,317 / 4,370", "2,317 / 4,370")),
                figure(text("节约费用（元）", "Saved (yuan)"), Value::Money(41_283_050), text("按 2026 年价格表", "by the prices of 2026")),
            ]),
            Block::Chart(Chart {
                title: text("不互认原因", "Reasons for not recognising"),
                summary: text("病情变化占 41%。", "A changed condition makes 41%."),
                unit: text("例", "cases"),
                shape: Shape::Progress(
                    [
                        ("病情变化，需重新评估", "condition changed", 842.0),
                        ("超过有效期", "expired", 511.0),
                        ("结果与临床不符", "does not fit the picture", 402.0),
                        ("急诊抢救", "emergency", 298.0),
                    ]
                    .iter()
                    .map(|(zh, en, n)| Goal { label: Text::new(*zh, *en), value: *n, target: None })
                    .collect(),
                ),
            }),
            Block::Table(institutions()),
        ],
    }
}

/// What waits for a person.
pub(super) fn waiting() -> Document {
    let pair = vec![Value::Integer(95), Value::Integer(1_204), text("同一人、时间、项目、同日", "person, time, item, day").into()];
    let orphan = |hours: i64, zh, en| vec![Value::Duration(hours * 3_600), text(zh, en).into(), text("石桥镇卫生院", "Shiqiao").into()];
    let table = |key: &str, title, columns, rows| {
        Block::Table(Table { key: key.to_owned(), title, columns, rows, totals: None, footnotes: Vec::new() })
    };
    let doubts = vec![
        Column::new("confidence", "可能性", "confidence", Kind::Integer),
        Column::new("case", "例号", "case", Kind::Integer),
        Column::new("because", "依据", "because", Kind::Text),
    ];
    let orphans = vec![
        Column::new("age", "已等待", "waiting", Kind::Duration),
        Column::new("lack", "缺什么", "what there is", Kind::Text),
        Column::new("institution", "检查机构", "institution", Kind::Text),
    ];
    Document {
        title: text("待办：归并与缺失", "Work items: joins and missing parts"),
        subtitle: Text::default(),
        meta: meta("2026Q4"),
        blocks: vec![
            table("doubts", text("疑似同一例", "May be one case"), doubts, vec![pair]),
            table(
                "orphans",
                text("缺另一半的", "Without the other half"),
                orphans,
                vec![orphan(170, "有申请无报告", "order without report"), orphan(5, "报告未终审", "report not final")],
            ),
        ],
    }
}
