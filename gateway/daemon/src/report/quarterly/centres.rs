//! The centres: what they read against their targets, how long it took, how much was in time, rejected specimens, critical
//! values; of one institution the same of what it sent up or read.

use hutong_count::cases::Spread;
use hutong_paper::{Block, Chart, Column, Kind, Series, Shape, Table, Text, Value};

use super::facts::{Centre, Facts};
use super::write::{change, comparison};
use crate::indicators::names;
use crate::report::{int, percent, share};

pub(super) fn blocks(f: &Facts) -> Vec<Block> {
    let mut out = vec![Block::Paragraph(timeliness(f)), Block::Table(cases(f))];
    if f.centres.iter().any(|c| c.quality.exam_to_report.count > 0) {
        out.push(Block::Chart(turnaround(f)));
    }
    out.extend([times(f), quality(f)].map(Block::Table));
    out
}

/// Reports within the limit, and those whose messages say when was examined.
pub(super) fn in_time(f: &Facts) -> (i64, i64) {
    let sum = |of: fn(&Centre) -> u64| int(f.centres.iter().map(of).sum());
    (sum(|c| c.quality.exam_to_report.in_time), sum(|c| c.quality.exam_to_report.count))
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

/// Minutes here and days there on one scale: as parts of their limits.
fn turnaround(f: &Facts) -> Chart {
    let part = |c: &Centre, s: &Spread, minutes: u32| {
        (s.count > 0 && c.limit > 0).then(|| (f64::from(minutes) / f64::from(c.limit) * 1000.0).round() / 10.0)
    };
    let values = |of: fn(&Centre) -> (&Spread, u32)| {
        f.centres.iter().map(|c| (c, of(c))).map(|(c, (spread, minutes))| part(c, spread, minutes)).collect()
    };
    let series = |zh: &'static str, en: &'static str, values: Vec<Option<f64>>| Series { name: Text::new(zh, en), values };
    Chart {
        title: Text::new("检查至报告用时占时限的比例", "From examination to report, as a part of the limit"),
        summary: Text::new(
            "100% 即时限，超过的为不及时；没有可计时报告的中心为空。",
            "100 % is the limit, what is above was late; none where no report could be timed.",
        ),
        unit: Text::new("%", "%"),
        shape: Shape::Bars {
            categories: f.centres.iter().map(|c| names::centre(c.code)).collect(),
            series: vec![
                series("上期中位", "median before", values(|c| (&c.quality_before.exam_to_report, c.quality_before.exam_to_report.median))),
                series("本期中位", "median", values(|c| (&c.quality.exam_to_report, c.quality.exam_to_report.median))),
                series("本期 P90", "P90", values(|c| (&c.quality.exam_to_report, c.quality.exam_to_report.p90))),
            ],
        },
    }
}

/// A time of a spread; empty where it is of none.
pub(super) fn spread(of: Spread, pick: u32) -> Value {
    if of.count == 0 { Value::Empty } else { Value::Duration(i64::from(pick) * 60) }
}

fn cases(f: &Facts) -> Table {
    let row = |c: &Centre| {
        vec![
            names::centre(c.code).into(),
            c.code.into(),
            Value::Integer(c.cases),
            Value::Integer(c.before),
            change(f, c.cases, c.before),
            Value::Integer(c.to_date),
            c.goal.map_or(Value::Empty, |g| Value::Integer(g.target)),
            c.goal.map_or(Value::Empty, |g| percent(g.done, g.target)),
        ]
    };
    Table {
        key: "centres".to_owned(),
        title: Text::new(format!("各诊断中心报告数（{} 人次）", f.scope.code()), format!("Cases of the centres ({})", f.scope.code())),
        columns: vec![
            Column::new("centre", "中心", "Centre", Kind::Text),
            Column::data("code", "代码", "Code", Kind::Text),
            Column::new("cases", "本期", "Now", Kind::Integer),
            Column::new("before", "上期", "Before", Kind::Integer),
            Column::new("change", "环比", "Change", Kind::Percent),
            Column::new("yearToDate", "全年累计", "Year to date", Kind::Integer),
            Column::new("target", "年度目标", "Target", Kind::Integer),
            Column::new("progress", "完成率", "Of target", Kind::Percent),
        ],
        rows: f.centres.iter().map(row).collect(),
        totals: None,
        footnotes: vec![comparison(f)],
    }
}

fn times(f: &Facts) -> Table {
    let row = |c: &Centre| {
        let (order, exam) = (c.quality.order_to_report, c.quality.exam_to_report);
        let (order_before, exam_before) = (c.quality_before.order_to_report, c.quality_before.exam_to_report);
        vec![
            names::centre(c.code).into(),
            c.code.into(),
            Value::Integer(int(order.count)),
            spread(order, order.median),
            spread(order, order.p90),
            spread(order_before, order_before.median),
            Value::Integer(int(exam.count)),
            spread(exam, exam.median),
            spread(exam, exam.p90),
            spread(exam_before, exam_before.median),
        ]
    };
    Table {
        key: "turnaround".to_owned(),
        title: Text::new("诊断中心用时", "Turnaround of the centres"),
        columns: vec![
            Column::new("centre", "中心", "Centre", Kind::Text),
            Column::data("code", "代码", "Code", Kind::Text),
            Column::data("orderTimed", "申请起 可计时", "Order to report, timed", Kind::Integer),
            Column::new("orderMedian", "申请至报告 中位", "Order to report, median", Kind::Duration),
            Column::new("orderP90", "申请至报告 P90", "Order to report, P90", Kind::Duration),
            Column::new("orderMedianBefore", "上期 中位", "Before, median", Kind::Duration),
            Column::data("examTimed", "检查起 可计时", "Examination to report, timed", Kind::Integer),
            Column::new("examMedian", "检查至报告 中位", "Examination to report, median", Kind::Duration),
            Column::new("examP90", "检查至报告 P90", "Examination to report, P90", Kind::Duration),
            Column::new("examMedianBefore", "上期 中位", "Before, median", Kind::Duration),
        ],
        rows: f.centres.iter().map(row).collect(),
        totals: None,
        footnotes: vec![Text::new(
            "自申请、检查（采样）时间至首份终审报告；只算消息中有这些时间的报告。中位数为居中的一例，例数为偶数时取居中两例的均值；P90 为第 90 百分位（最近秩法）：不少于 90% 的报告不超过的最短用时。",
            "From the times of order and examination (or collection) to the first final report, of reports whose messages say them. The median of an even number is the mean of the two in the middle; P90 is the shortest time that at least 90 % do not exceed (nearest rank).",
        )],
    }
}

fn quality(f: &Facts) -> Table {
    let row = |c: &Centre| {
        let (exam, before) = (c.quality.exam_to_report, c.quality_before.exam_to_report);
        vec![
            names::centre(c.code).into(),
            c.code.into(),
            Value::Duration(i64::from(c.limit) * 60),
            Value::Integer(int(exam.count)),
            Value::Integer(int(exam.in_time)),
            percent(int(exam.in_time), int(exam.count)),
            percent(int(before.in_time), int(before.count)),
            Value::Integer(int(c.quality.rejected)),
            Value::Integer(int(c.quality_before.rejected)),
            Value::Integer(int(c.quality.critical)),
            Value::Integer(int(c.quality_before.critical)),
        ]
    };
    let sum = |of: fn(&Centre) -> u64| int(f.centres.iter().map(of).sum());
    let (in_time, timed) = in_time(f);
    let (in_time_before, timed_before) = (sum(|c| c.quality_before.exam_to_report.in_time), sum(|c| c.quality_before.exam_to_report.count));
    let totals = vec![
        Text::new("合计", "Total").into(),
        Value::Empty,
        Value::Empty,
        Value::Integer(timed),
        Value::Integer(in_time),
        percent(in_time, timed),
        percent(in_time_before, timed_before),
        Value::Integer(sum(|c| c.quality.rejected)),
        Value::Integer(sum(|c| c.quality_before.rejected)),
        Value::Integer(sum(|c| c.quality.critical)),
        Value::Integer(sum(|c| c.quality_before.critical)),
    ];
    Table {
        key: "quality".to_owned(),
        title: Text::new("及时率、不合格标本与危急值", "Timeliness, rejected specimens, critical values"),
        columns: vec![
            Column::new("centre", "中心", "Centre", Kind::Text),
            Column::data("code", "代码", "Code", Kind::Text),
            Column::new("limit", "时限", "Limit", Kind::Duration),
            Column::new("timed", "可计时", "Timed", Kind::Integer),
            Column::new("inTime", "及时", "In time", Kind::Integer),
            Column::new("inTimePercent", "及时率", "Of them", Kind::Percent),
            Column::new("inTimePercentBefore", "上期", "Before", Kind::Percent),
            Column::new("rejected", "不合格标本", "Rejected specimens", Kind::Integer),
            Column::new("rejectedBefore", "上期", "Before", Kind::Integer),
            Column::new("critical", "危急值", "Critical values", Kind::Integer),
            Column::new("criticalBefore", "上期", "Before", Kind::Integer),
        ],
        rows: f.centres.iter().map(row).collect(),
        totals: Some(totals),
        footnotes: vec![Text::new(
            "及时：检查（采样）至首份终审报告不超过时限。不合格标本：被拒收的标本，每份一次，不论其后是否重送。危急值：计入的报告中带危急值标志的份数。",
            "In time: from examination (or collection) to the first final report within the limit. Rejected specimens: each once, whether or not sent again. Critical values: counted reports that bear such a flag.",
        )],
    }
}
