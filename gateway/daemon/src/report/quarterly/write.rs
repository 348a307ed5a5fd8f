//! A quarterly report as a document: overview, institutions, centres, what was not counted, indicators, notes.

use hutong_count::cases::{Outcome, Scope};
use hutong_count::indicators;
use hutong_count::period::{Period, date_of};
use hutong_paper::{Block, Chart, Column, Document, Figure, Goal, Kind, Meta, Series, Shape, Table, Text, Value};

use super::facts::{Centre, Facts, Row};
use super::{named, notes, or};
use crate::indicators::names;
use crate::ingest::now_us;
use crate::report::indicators::{cell, met, of_target, provenance, rule, target};
use crate::report::{int, percent, share};

pub(super) fn write(f: &Facts) -> Document {
    let mut blocks = vec![
        Block::Paragraph(opening(f)),
        Block::Heading(1, Text::new("一、总体情况", "1. Overview")),
        Block::Figures(figures(f)),
        Block::Paragraph(overview(f)),
        Block::Chart(trend(f)),
        Block::Heading(1, Text::new("二、各机构完成情况", "2. By institution")),
    ];
    if f.institutions.iter().any(|r| r.cases > 0 || r.target.is_some()) {
        blocks.push(Block::Chart(progress(f)));
    }
    blocks.push(Block::Table(institutions(f)));
    if !f.readers.is_empty() {
        blocks.push(Block::Table(readers(f)));
    }
    let mut number = 3;
    let mut heading = |zh: &str, en: &str| {
        let chinese = ["三", "四", "五", "六", "七"].get(number - 3).copied().unwrap_or("");
        number += 1;
        Block::Heading(1, Text::new(format!("{chinese}、{zh}"), format!("{}. {en}", number - 1)))
    };
    if !f.centres.is_empty() {
        blocks.push(heading("诊断中心时效与质量", "Turnaround and quality of the centres"));
        blocks.push(Block::Paragraph(timeliness(f)));
        if f.centres.iter().any(|c| c.quality.exam_to_report.count > 0) {
            blocks.push(Block::Chart(turnaround(f)));
        }
        blocks.push(Block::Table(centres(f)));
        blocks.push(Block::Table(quality(f)));
    }
    blocks.push(heading("未计入情况", "What was not counted"));
    blocks.extend(excluded(f));
    blocks.push(heading("指标对照", "Indicators"));
    blocks.push(Block::Table(indicator_table(f)));
    blocks.push(heading("统计方法与数据质量说明", "Method and quality of the data"));
    blocks.extend(notes::notes(f));
    let kind = if f.institution.is_some() { ("运行情况通报", "report") } else { ("运行情况季度通报", "quarterly report") };
    let quarterly = f.period.last - f.period.first > 80 && f.period.last - f.period.first < 93;
    let kind = if quarterly { kind } else { ("运行情况通报", "report") };
    Document {
        title: Text::new(format!("{}{}", or(&f.name, "县域医共体"), kind.0), format!("{}: {}", f.name.of(hutong_paper::Lang::En), kind.1)),
        subtitle: named(f.period),
        meta: meta(f),
        blocks,
    }
}

fn meta(f: &Facts) -> Meta {
    let mut definitions = vec![rule()];
    for figure in &f.indicators {
        let id = figure.document.clone();
        if !definitions.iter().any(|d| d.id == id) {
            definitions.push(hutong_paper::Definition { id, version: figure.definition_version.clone() });
        }
    }
    let (first, last) = (date_of(f.period.first), date_of(f.period.last));
    Meta {
        definitions,
        scope: Text::new(
            format!("{}（表图）；IMG5 影像、心电、超声、核医学、肌电、脑电，ALL4 另含检验、病理", f.scope.code()),
            format!(
                "{} in tables and charts; IMG5: imaging, ECG, ultrasound, nuclear, EMG, EEG; ALL4: with laboratory and pathology",
                f.scope.code()
            ),
        ),
        period: Text::new(format!("{}（{first} 至 {last}）", named(f.period).zh), format!("{} ({first} to {last})", named(f.period).en)),
        journal_position: f.position,
        made_at_us: now_us(),
    }
}

fn opening(f: &Facts) -> Text {
    let period = named(f.period);
    Text::new(
        format!(
            "现将{}“基层检查、上级诊断”及共享诊断中心运行情况通报如下。人次、人数由医共体互操作网关依据各机构上传的原始消息自动计数，逐例可追溯到消息；填报的数单独注明来源。",
            period.zh
        ),
        format!(
            "This report tells of cases that were examined at the grass roots and diagnosed above in {}, and of the shared centres. Cases and persons are counted by the gateway from the messages that institutions sent, and each can be traced to them; what was reported by hand is marked as such.",
            period.en
        ),
    )
}

/// `+6.4%`; nothing where there is nothing to compare with.
fn change(now: i64, before: i64) -> Option<String> {
    let by = share(now - before, before)?;
    Some(if by.is_sign_negative() { format!("{by}%") } else { format!("+{by}%") })
}

fn against(now: u64, before: u64, year_ago: u64) -> Text {
    let (quarter, year) = (change(int(now), int(before)), change(int(now), int(year_ago)));
    let mut zh = Vec::new();
    let mut en = Vec::new();
    if let Some(c) = quarter {
        zh.push(format!("环比 {c}"));
        en.push(format!("{c} on the period before"));
    }
    if let Some(c) = year {
        zh.push(format!("同比 {c}"));
        en.push(format!("{c} on the year"));
    }
    if zh.is_empty() {
        Text::new("上期、去年同期均无数", "nothing before to compare with")
    } else {
        Text::new(zh.join("，"), en.join(", "))
    }
}

fn figures(f: &Facts) -> Vec<Figure> {
    let mut out = Vec::new();
    for s in &f.scopes {
        let code = s.scope.code();
        out.push(Figure {
            label: Text::new(format!("{code} 人次"), format!("{code} cases")),
            value: Value::Integer(int(s.now.cases)),
            unit: Text::new("人次", ""),
            note: against(s.now.cases, s.before.cases, s.year_ago.cases),
        });
        out.push(Figure {
            label: Text::new(format!("{code} 人数"), format!("{code} persons")),
            value: Value::Integer(int(s.now.persons)),
            unit: Text::new("人", ""),
            note: against(s.now.persons, s.before.persons, s.year_ago.persons),
        });
    }
    let (passed, of) = f.elapsed;
    if let Some(t) = &f.target {
        out.push(Figure {
            label: Text::new(format!("{}年度目标完成", f.year), format!("of the target of {}", f.year)),
            value: percent(t.done, t.value),
            unit: Text::default(),
            note: Text::new(
                format!("时序进度 {}", percent(passed, of).shown(hutong_paper::Lang::Zh)),
                format!("calendar {}", percent(passed, of).shown(hutong_paper::Lang::En)),
            ),
        });
    }
    let (in_time, all) = in_time(f);
    if all > 0 {
        let note = f.in_time_percent.map_or_else(Text::default, |p| Text::new(format!("目标 ≥{p}%"), format!("target ≥{p}%")));
        out.push(Figure {
            label: Text::new("报告及时率", "Reports in time"), value: percent(in_time, all), unit: Text::default(), note
        });
    }
    out
}

fn in_time(f: &Facts) -> (i64, i64) {
    let sum = |of: fn(&Centre) -> u64| int(f.centres.iter().map(of).sum());
    (sum(|c| c.quality.exam_to_report.in_time), sum(|c| c.quality.exam_to_report.count))
}

fn overview(f: &Facts) -> Text {
    let (passed, of) = f.elapsed;
    let mut zh = String::new();
    let mut en = String::new();
    for s in &f.scopes {
        let (cases, persons, checkup) = (s.now.cases, s.now.persons, s.now.checkup);
        zh.push_str(&format!("{} 口径 {cases} 人次、{persons} 人，其中体检 {checkup} 人次。", s.scope.code()));
        en.push_str(&format!("{}: {cases} cases, {persons} persons, {checkup} of the cases at health check-ups. ", s.scope.code()));
    }
    match &f.target {
        Some(t) => {
            let unit = if t.of_persons { ("人", "persons") } else { ("人次", "cases") };
            let (done, calendar) = (share(t.done, t.value).unwrap_or_default(), share(passed, of).unwrap_or_default());
            let ahead = done - calendar;
            let pace = if ahead.is_sign_negative() { ("慢", "behind") } else { ("快", "ahead of") };
            zh.push_str(&format!(
                "截至期末，全年累计 {} {}（{} 口径），完成年度目标 {} {}的 {done}%，较时序进度（{calendar}%）{} {} 个百分点。目标依据：{}。",
                t.done,
                unit.0,
                t.scope.code(),
                t.value,
                unit.0,
                pace.0,
                ahead.abs(),
                or(&t.from, "本地配置"),
            ));
            en.push_str(&format!(
                "The year to date ({}) stands at {} {}, {done}% of the target of {}, {} points {} the calendar ({calendar}%).",
                t.scope.code(),
                t.done,
                unit.1,
                t.value,
                ahead.abs(),
                pace.1,
            ));
        }
        None => {
            zh.push_str("本年度没有适用的目标。");
            en.push_str("There is no target for this year.");
        }
    }
    Text::new(zh, en)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn trend(f: &Facts) -> Chart {
    let name = |month: u32| {
        let en = MONTHS.get(month.saturating_sub(1) as usize).copied().unwrap_or("");
        Text::new(format!("{month}月"), en)
    };
    let best = f.months.iter().filter_map(|(m, now, _)| Some((*m, (*now)?))).max_by_key(|(_, n)| *n);
    let summary = best.map_or_else(Text::default, |(m, n)| {
        Text::new(format!("{m} 月最多，{n} 人次。"), format!("{} had the most cases: {n}.", name(m).en))
    });
    let mut series = vec![Series { name: year_name(f.year), values: f.months.iter().map(|(_, now, _)| now.map(|n| n as f64)).collect() }];
    if f.months.iter().any(|(.., past)| *past > 0) {
        let values = f.months.iter().map(|(.., past)| Some(*past as f64)).collect();
        series.push(Series { name: year_name(f.year - 1), values });
    }
    Chart {
        title: Text::new(format!("图1 各月 {} 人次", f.scope.code()), format!("Figure 1. {} cases by month", f.scope.code())),
        summary,
        unit: Text::new("人次", "cases"),
        shape: Shape::Line { categories: f.months.iter().map(|(m, ..)| name(*m)).collect(), series },
    }
}

fn year_name(year: i64) -> Text {
    Text::new(format!("{year} 年"), year.to_string())
}

/// Bars of one chart: more cannot be read.
const BARS: usize = 20;

fn progress(f: &Facts) -> Chart {
    let has_targets = f.institutions.iter().any(|r| r.target.is_some());
    let bar = |r: &Row| Goal {
        label: r.name.clone(),
        value: (if has_targets { r.to_date } else { r.cases }) as f64,
        target: r.target.map(|t| t as f64),
    };
    let (zh, en) = if has_targets {
        ("年度目标完成情况（全年累计）", "progress to the year's target")
    } else {
        ("本期人次", "cases")
    };
    Chart {
        title: Text::new(
            format!("图2 各检查机构{zh}，{}", f.scope.code()),
            format!("Figure 2. Examining institutions, {en}, {}", f.scope.code()),
        ),
        summary: Text::new("竖线为年度目标。", "The mark is the year's target."),
        unit: Text::new("人次", "cases"),
        shape: Shape::Progress(f.institutions.iter().take(BARS).map(bar).collect()),
    }
}

fn institutions(f: &Facts) -> Table {
    let other = if f.scope == Scope::Img5 { Scope::All4 } else { Scope::Img5 };
    let code = f.scope.code();
    let change = |r: &Row| share(r.cases - r.before, r.before).map_or(Value::Empty, Value::Percent);
    let row = |r: &Row| {
        let mut cells = vec![
            r.name.clone().into(),
            Value::Integer(r.cases),
            Value::Integer(r.persons),
            Value::Integer(r.other),
            Value::Integer(r.before),
            change(r),
            Value::Integer(r.to_date),
            r.target.map_or(Value::Empty, Value::Integer),
            of_target(r.to_date, r.target),
            Value::Integer(r.excluded),
        ];
        cells.truncate(10);
        cells
    };
    let of = |scope: Scope| f.scopes.iter().find(|s| s.scope == scope);
    let totals = of(f.scope).map(|s| {
        vec![
            Text::new("合计", "Total").into(),
            Value::Integer(int(s.now.cases)),
            Value::Integer(int(s.now.persons)),
            of(other).map_or(Value::Empty, |o| Value::Integer(int(o.now.cases))),
            Value::Integer(int(s.before.cases)),
            share(int(s.now.cases) - int(s.before.cases), int(s.before.cases)).map_or(Value::Empty, Value::Percent),
            Value::Integer(int(s.to_date.cases)),
            Value::Empty,
            Value::Empty,
            Value::Integer(int(f.excluded.values().sum())),
        ]
    });
    let column =
        |key: &str, zh: String, en: String, kind: Kind| Column { key: key.to_owned(), title: Text::new(zh, en), kind, align: None };
    Table {
        key: "institutions".to_owned(),
        title: Text::new("表1 各检查机构完成情况", "Table 1. Examining institutions"),
        columns: vec![
            Column::new("institution", "检查机构", "Institution", Kind::Text),
            column("cases", format!("{code} 人次"), format!("{code} cases"), Kind::Integer),
            column("persons", format!("{code} 人数"), format!("{code} persons"), Kind::Integer),
            column("otherScopeCases", format!("{} 人次", other.code()), format!("{} cases", other.code()), Kind::Integer),
            Column::new("before", "上期", "Before", Kind::Integer),
            Column::new("change", "环比", "Change", Kind::Percent),
            Column::new("yearToDate", "全年累计", "Year to date", Kind::Integer),
            Column::new("target", "年度目标", "Target", Kind::Integer),
            Column::new("progress", "完成率", "Of target", Kind::Percent),
            Column::new("excluded", "未计入", "Not counted", Kind::Integer),
        ],
        rows: f.institutions.iter().map(row).collect(),
        totals,
        footnotes: vec![Text::new(
            "人数不能相加：同一人可在多家机构检查，合计为全县去重后的人数。",
            "Persons do not add up: one person may be examined in several places; the total counts each once.",
        )],
    }
}

fn readers(f: &Facts) -> Table {
    let all: i64 = f.readers.iter().map(|(_, n)| n).sum();
    Table {
        key: "readers".to_owned(),
        title: Text::new("表2 各诊断机构报告数", "Table 2. Reading institutions"),
        columns: vec![
            Column::new("institution", "诊断机构", "Institution", Kind::Text),
            Column::new("cases", "人次", "Cases", Kind::Integer),
            Column::new("share", "占比", "Share", Kind::Percent),
        ],
        rows: f.readers.iter().map(|(name, n)| vec![name.clone().into(), Value::Integer(*n), percent(*n, all)]).collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}

fn timeliness(f: &Facts) -> Text {
    let (in_time, all) = in_time(f);
    let Some(of) = share(in_time, all) else {
        return Text::new(
            "本期没有可计算时效的报告：消息中没有检查时间。",
            "No report of the period has a time of examination to count from.",
        );
    };
    let (zh, en) = match f.in_time_percent {
        Some(p) if of >= rust_decimal::Decimal::from(p) => (format!("，达到 {p}% 的目标"), format!(", which meets the target of {p}%")),
        Some(p) => (format!("，未达到 {p}% 的目标"), format!(", short of the target of {p}%")),
        None => (String::new(), String::new()),
    };
    Text::new(
        format!("有检查时间的报告 {all} 份，在时限内发出 {in_time} 份，及时率 {of}%{zh}。"),
        format!("Of {all} reports with a time of examination, {in_time} came within the limit: {of}%{en}."),
    )
}

fn turnaround(f: &Facts) -> Chart {
    let hours = |minutes: u32| Some((f64::from(minutes) / 6.0).round() / 10.0);
    let values = |of: fn(&Centre) -> u32| f.centres.iter().map(|c| hours(of(c))).collect();
    let series = |zh: &'static str, en: &'static str, values: Vec<Option<f64>>| Series { name: Text::new(zh, en), values };
    Chart {
        title: Text::new("图3 检查至报告用时", "Figure 3. From examination to report"),
        summary: Text::new("中位数与第 90 百分位。", "Median and 90th percentile."),
        unit: Text::new("小时", "hours"),
        shape: Shape::Bars {
            categories: f.centres.iter().map(|c| names::centre(c.code)).collect(),
            series: vec![
                series("上期中位", "median before", values(|c| c.quality_before.exam_to_report.median)),
                series("本期中位", "median", values(|c| c.quality.exam_to_report.median)),
                series("本期 P90", "P90", values(|c| c.quality.exam_to_report.p90)),
            ],
        },
    }
}

fn minutes(of: hutong_count::cases::Spread, pick: u32) -> Value {
    if of.count == 0 { Value::Empty } else { Value::Duration(i64::from(pick) * 60) }
}

fn centres(f: &Facts) -> Table {
    let row = |c: &Centre| {
        let (order, exam) = (c.quality.order_to_report, c.quality.exam_to_report);
        vec![
            names::centre(c.code).into(),
            Value::Integer(c.cases),
            share(c.cases - c.before, c.before).map_or(Value::Empty, Value::Percent),
            minutes(order, order.median),
            minutes(order, order.p90),
            minutes(exam, exam.median),
            minutes(exam, exam.p90),
            minutes(c.quality_before.exam_to_report, c.quality_before.exam_to_report.median),
        ]
    };
    Table {
        key: "centres".to_owned(),
        title: Text::new("表3 诊断中心用时", "Table 3. Turnaround of the centres"),
        columns: vec![
            Column::new("centre", "中心", "Centre", Kind::Text),
            Column::new("cases", "报告数", "Reports", Kind::Integer),
            Column::new("change", "环比", "Change", Kind::Percent),
            Column::new("orderMedian", "申请起 中位", "Order to report, median", Kind::Duration),
            Column::new("orderP90", "申请起 P90", "Order to report, P90", Kind::Duration),
            Column::new("examMedian", "检查起 中位", "Examination to report, median", Kind::Duration),
            Column::new("examP90", "检查起 P90", "Examination to report, P90", Kind::Duration),
            Column::new("examMedianBefore", "上期 检查起", "Before, examination", Kind::Duration),
        ],
        rows: f.centres.iter().map(row).collect(),
        totals: None,
        footnotes: vec![Text::new(
            "申请起、检查起：自申请、检查（采样）时间至首份终审报告；只算消息中有这些时间的报告。P90 为第 90 百分位。",
            "Times are of reports whose messages say when it was ordered and examined, up to the first final report.",
        )],
    }
}

fn quality(f: &Facts) -> Table {
    let row = |c: &Centre| {
        let exam = c.quality.exam_to_report;
        vec![
            names::centre(c.code).into(),
            Value::Duration(i64::from(c.limit) * 60),
            Value::Integer(int(exam.count)),
            Value::Integer(int(exam.in_time)),
            percent(int(exam.in_time), int(exam.count)),
            Value::Integer(int(c.quality.rejected)),
            Value::Integer(int(c.quality.critical)),
        ]
    };
    Table {
        key: "quality".to_owned(),
        title: Text::new("表4 及时率、不合格标本与危急值", "Table 4. Timeliness, rejected specimens, critical values"),
        columns: vec![
            Column::new("centre", "中心", "Centre", Kind::Text),
            Column::new("limit", "时限", "Limit", Kind::Duration),
            Column::new("timed", "可计时报告", "Timed", Kind::Integer),
            Column::new("inTime", "及时", "In time", Kind::Integer),
            Column::new("inTimePercent", "及时率", "Of them", Kind::Percent),
            Column::new("rejected", "不合格标本", "Rejected specimens", Kind::Integer),
            Column::new("critical", "危急值", "Critical values", Kind::Integer),
        ],
        rows: f.centres.iter().map(row).collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}

fn excluded(f: &Facts) -> Vec<Block> {
    let mut all: Vec<(&Outcome, &u64)> = f.excluded.iter().filter(|(_, n)| **n > 0).collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    if all.is_empty() {
        return vec![Block::Paragraph(Text::new("本期没有未计入的报告。", "Nothing was left out in this period."))];
    }
    let sum = int(all.iter().map(|(_, n)| **n).sum());
    let name = |o: &Outcome| Text::new(o.zh(), o.en());
    let chart = Chart {
        title: Text::new(
            format!("图4 未计入的报告（{} 口径，份）", f.scope.code()),
            format!("Figure 4. Reports not counted ({})", f.scope.code()),
        ),
        summary: all
            .first()
            .map_or_else(Text::default, |(o, n)| Text::new(format!("最多的是“{}”，{n} 份。", o.zh()), format!("Most: {}, {n}.", o.en()))),
        unit: Text::new("份", "reports"),
        shape: Shape::Progress(all.iter().map(|(o, n)| Goal { label: name(o), value: **n as f64, target: None }).collect()),
    };
    let table = Table {
        key: "excluded".to_owned(),
        title: Text::new("表5 未计入的报告及原因", "Table 5. Reports not counted, and why"),
        columns: vec![
            Column::new("reason", "原因", "Reason", Kind::Text),
            Column::new("code", "代码", "Code", Kind::Text),
            Column::new("reports", "份数", "Reports", Kind::Integer),
            Column::new("share", "占比", "Share", Kind::Percent),
        ],
        rows: all
            .iter()
            .map(|(o, n)| vec![name(o).into(), Value::Text(o.code().to_owned()), Value::Integer(int(**n)), percent(int(**n), sum)])
            .collect(),
        totals: Some(vec![Text::new("合计", "Total").into(), Value::Empty, Value::Integer(sum), Value::Empty]),
        footnotes: Vec::new(),
    };
    vec![Block::Chart(chart), Block::Table(table)]
}

fn indicator_table(f: &Facts) -> Table {
    let row = |i: &indicators::Figure| {
        vec![
            Value::Text(i.indicator.clone()),
            Text::new(i.title.clone(), i.title_en.clone()).into(),
            cell(i),
            Value::Text(i.unit.clone()),
            target(i),
            met(i),
            provenance(i).into(),
        ]
    };
    let is_missing = |i: &&indicators::Figure| matches!(i.outcome, indicators::Outcome::Missing(_));
    let missing = f.indicators.iter().filter(is_missing).count();
    Table {
        key: "indicators".to_owned(),
        title: Text::new("表6 绩效与监测指标", "Table 6. Indicators"),
        columns: vec![
            Column::new("indicator", "标识", "Id", Kind::Text),
            Column::new("title", "指标", "Indicator", Kind::Text),
            Column::new("value", "本期", "Value", Kind::Decimal),
            Column::new("unit", "单位", "Unit", Kind::Text),
            Column::new("target", "目标（年）", "Target (year)", Kind::Text),
            Column::new("met", "结论", "State", Kind::Text),
            Column::new("provenance", "来源", "From", Kind::Text),
        ],
        rows: f.indicators.iter().filter(|i| !is_missing(i)).map(row).collect(),
        totals: None,
        footnotes: vec![Text::new(
            format!(
                "来源：计数为网关由消息得出；计算为计数与填报、配置的数合成；填报为机构填报并经第二人审核。另有 {missing} 项无法计算，所缺见说明。"
            ),
            format!(
                "From: counted by the gateway from messages; computed with reported or configured numbers; reported by institutions and approved by a second person. {missing} more cannot be computed: the notes say what is missing."
            ),
        )],
    }
}

/// For notes: first and last day.
pub(super) fn span(period: Period) -> String {
    format!("{} 至 {}", date_of(period.first), date_of(period.last))
}
