//! Institution by institution: where was examined, against target and period before; where was read; how fast and how well.

use hutong_count::cases::Scope;
use hutong_paper::{Block, Chart, Column, Goal, Kind, Shape, Table, Text, Value};

use super::centres::spread;
use super::facts::{Facts, Row};
use super::write::{change, comparison};
use crate::report::{int, percent};

pub(super) fn blocks(f: &Facts) -> Vec<Block> {
    let mut out = Vec::new();
    if f.institutions.iter().any(|r| r.cases > 0 || r.goal.is_some()) {
        out.push(Block::Chart(progress(f)));
    }
    out.push(Block::Table(institutions(f)));
    if !f.readers.is_empty() {
        out.push(Block::Table(readers(f)));
    }
    // of one institution alone the centres say it
    if f.institution.is_none() && f.institutions.iter().any(has_quality) {
        out.push(Block::Table(quality(f)));
    }
    out
}

/// Bars of one chart: more cannot be read.
const BARS: usize = 20;

fn progress(f: &Facts) -> Chart {
    let has_targets = f.institutions.iter().any(|r| r.goal.is_some());
    let bar = |r: &Row| Goal {
        label: r.name.clone(),
        value: r.goal.map_or(if has_targets { r.to_date } else { r.cases }, |g| g.done) as f64,
        target: r.goal.map(|g| g.target as f64),
    };
    let (zh, en) = if has_targets {
        ("年度目标完成情况（全年累计）", "progress to the year's target")
    } else {
        ("本期人次", "cases")
    };
    let (mut zh_said, mut en_said) = if has_targets {
        ("竖线为年度目标。".to_owned(), "The mark is the year's target.".to_owned())
    } else {
        (String::new(), String::new())
    };
    if f.institutions.len() > BARS {
        zh_said.push_str(&format!("列前 {BARS} 家，其余见表。"));
        en_said.push_str(&format!(" The first {BARS}; the others stand in the table."));
    }
    Chart {
        title: Text::new(format!("各检查机构{zh}，{}", f.scope.code()), format!("Examining institutions, {en}, {}", f.scope.code())),
        summary: Text::new(zh_said, en_said),
        unit: Text::new("人次", "cases"),
        shape: Shape::Progress(f.institutions.iter().take(BARS).map(bar).collect()),
    }
}

fn institutions(f: &Facts) -> Table {
    let other = if f.scope == Scope::Img5 { Scope::All4 } else { Scope::Img5 };
    let code = f.scope.code();
    let row = |r: &Row| {
        vec![
            r.name.clone().into(),
            Value::Text(r.code.clone()),
            Value::Integer(r.cases),
            Value::Integer(r.persons),
            Value::Integer(r.other),
            Value::Integer(r.before),
            change(f, r.cases, r.before),
            Value::Integer(r.year_ago),
            change(f, r.cases, r.year_ago),
            Value::Integer(r.to_date),
            r.goal.map_or(Value::Empty, |g| Value::Integer(g.target)),
            r.goal.map_or(Value::Empty, |g| percent(g.done, g.target)),
            Value::Integer(r.excluded),
        ]
    };
    let column = |key: &str, zh: String, en: String| Column { title: Text::new(zh, en), ..Column::new(key, "", "", Kind::Integer) };
    Table {
        key: "institutions".to_owned(),
        title: Text::new("各检查机构完成情况", "Examining institutions"),
        columns: vec![
            Column::new("institution", "检查机构", "Institution", Kind::Text),
            Column::data("code", "机构代码", "Code", Kind::Text),
            column("cases", format!("{code} 人次"), format!("{code} cases")),
            column("persons", format!("{code} 人数"), format!("{code} persons")),
            column("otherScopeCases", format!("{} 人次", other.code()), format!("{} cases", other.code())),
            Column::new("before", "上期", "Before", Kind::Integer),
            Column::new("change", "环比", "Change", Kind::Percent),
            Column::data("yearAgo", "去年同期", "A year ago", Kind::Integer),
            Column::data("changeOnYear", "同比", "On the year", Kind::Percent),
            Column::new("yearToDate", "全年累计", "Year to date", Kind::Integer),
            Column::new("target", "年度目标", "Target", Kind::Integer),
            Column::new("progress", "完成率", "Of target", Kind::Percent),
            Column::new("excluded", "未计入", "Not counted", Kind::Integer),
        ],
        rows: f.institutions.iter().map(row).collect(),
        totals: totals(f, other),
        footnotes: footnotes(f),
    }
}

/// The community's own figures, not sums: a person is one, wherever examined.
fn totals(f: &Facts, other: Scope) -> Option<Vec<Value>> {
    let of = |scope: Scope| f.scopes.iter().find(|s| s.scope == scope);
    let s = of(f.scope)?;
    let goal = f.target.as_ref().filter(|t| !t.of_persons && t.scope == f.scope);
    Some(vec![
        Text::new("合计", "Total").into(),
        Value::Empty,
        Value::Integer(int(s.now.cases)),
        Value::Integer(int(s.now.persons)),
        of(other).map_or(Value::Empty, |o| Value::Integer(int(o.now.cases))),
        Value::Integer(int(s.before.cases)),
        change(f, int(s.now.cases), int(s.before.cases)),
        Value::Integer(int(s.year_ago.cases)),
        change(f, int(s.now.cases), int(s.year_ago.cases)),
        Value::Integer(int(s.to_date.cases)),
        goal.map_or(Value::Empty, |t| Value::Integer(t.value)),
        goal.map_or(Value::Empty, |t| percent(t.done, t.value)),
        Value::Integer(int(f.excluded.values().sum())),
    ])
}

fn footnotes(f: &Facts) -> Vec<Text> {
    let mut out = vec![
        comparison(f),
        Text::new(
            "人数不能相加：同一人可在多家机构检查，合计为去重后的人数。合计的未计入另含在县级医院检查等不属于上列机构的报告。",
            "Persons do not add up: one person may be examined in several places; the total counts each once. The total of what was not counted also holds reports of no institution above, such as those of hospitals.",
        ),
    ];
    if f.silent_villages > 0 {
        out.push(Text::new(
            format!("另有 {} 家村级机构两年内无病例，未列出。", f.silent_villages),
            format!("{} village institutions had no case in two years and are not listed.", f.silent_villages),
        ));
    }
    out
}

fn readers(f: &Facts) -> Table {
    let all: i64 = f.readers.iter().map(|r| r.cases).sum();
    Table {
        key: "readers".to_owned(),
        title: Text::new("各诊断机构报告数", "Reading institutions"),
        columns: vec![
            Column::new("institution", "诊断机构", "Institution", Kind::Text),
            Column::data("code", "机构代码", "Code", Kind::Text),
            Column::new("cases", "人次", "Cases", Kind::Integer),
            Column::new("share", "占比", "Share", Kind::Percent),
            Column::new("before", "上期", "Before", Kind::Integer),
            Column::new("change", "环比", "Change", Kind::Percent),
        ],
        rows: f
            .readers
            .iter()
            .map(|r| {
                vec![
                    r.name.clone().into(),
                    Value::Text(r.code.clone()),
                    Value::Integer(r.cases),
                    percent(r.cases, all),
                    Value::Integer(r.before),
                    change(f, r.cases, r.before),
                ]
            })
            .collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}

fn has_quality(r: &Row) -> bool {
    let q = &r.quality;
    q.exam_to_report.count + q.order_to_report.count + q.rejected + q.critical > 0
}

/// What was sent up by each: how long it took, how much was in time, what came back.
fn quality(f: &Facts) -> Table {
    let row = |r: &Row| {
        let (q, exam) = (&r.quality, r.quality.exam_to_report);
        vec![
            r.name.clone().into(),
            Value::Text(r.code.clone()),
            spread(exam, exam.median),
            spread(exam, exam.p90),
            Value::Integer(int(exam.count)),
            Value::Integer(int(exam.in_time)),
            percent(int(exam.in_time), int(exam.count)),
            Value::Integer(int(q.rejected)),
            Value::Integer(int(q.critical)),
        ]
    };
    Table {
        key: "institutionQuality".to_owned(),
        title: Text::new("各检查机构送检的时效与质量", "Turnaround and quality by examining institution"),
        columns: vec![
            Column::new("institution", "检查机构", "Institution", Kind::Text),
            Column::data("code", "机构代码", "Code", Kind::Text),
            Column::new("examMedian", "检查至报告 中位", "To report, median", Kind::Duration),
            Column::new("examP90", "检查至报告 P90", "To report, P90", Kind::Duration),
            Column::new("timed", "可计时", "Timed", Kind::Integer),
            Column::new("inTime", "及时", "In time", Kind::Integer),
            Column::new("inTimePercent", "及时率", "Of them", Kind::Percent),
            Column::new("rejected", "不合格标本", "Rejected specimens", Kind::Integer),
            Column::new("critical", "危急值", "Critical values", Kind::Integer),
        ],
        rows: f.institutions.iter().filter(|r| has_quality(r)).map(row).collect(),
        totals: None,
        footnotes: vec![Text::new(
            "时限按各例所属中心；含检验、病理，与表图口径无关。",
            "Limits are those of each case's centre; laboratory and pathology are among them whatever the scope.",
        )],
    }
}
