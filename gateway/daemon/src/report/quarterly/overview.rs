//! The overview: both scopes, persons and cases, against the period before, a year ago and the year's target.

use hutong_count::period::date_of;
use hutong_paper::{Block, Chart, Column, Figure, Kind, Series, Shape, Table, Text, Value};

use super::centres::in_time;
use super::facts::{Facts, OfScope};
use super::or;
use super::write::{against, change, comparison};
use crate::report::{int, percent, share};

pub(super) fn blocks(f: &Facts) -> Vec<Block> {
    let mut out = vec![Block::Figures(figures(f)), Block::Paragraph(overview(f)), Block::Table(table(f)), Block::Chart(trend(f))];
    if f.months.iter().any(|(_, now, past)| now.is_some_and(|n| n > 0) || *past > 0) {
        out.push(Block::Table(months(f)));
    }
    out
}

fn figures(f: &Facts) -> Vec<Figure> {
    let mut out = Vec::new();
    for s in &f.scopes {
        let code = s.scope.code();
        out.push(Figure {
            label: Text::new(format!("{code} 人次"), format!("{code} cases")),
            value: Value::Integer(int(s.now.cases)),
            unit: Text::new("人次", ""),
            note: against(f, s.now.cases, s.before.cases, s.year_ago.cases),
        });
        out.push(Figure {
            label: Text::new(format!("{code} 人数"), format!("{code} persons")),
            value: Value::Integer(int(s.now.persons)),
            unit: Text::new("人", ""),
            note: against(f, s.now.persons, s.before.persons, s.year_ago.persons),
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
            let until = f.running.map_or_else(|| "截至期末".to_owned(), |day| format!("截至 {}", date_of(day)));
            let unit = if t.of_persons { ("人", "persons") } else { ("人次", "cases") };
            let (done, calendar) = (share(t.done, t.value).unwrap_or_default(), share(passed, of).unwrap_or_default());
            let ahead = done - calendar;
            let pace = if ahead.is_sign_negative() { ("慢", "behind") } else { ("快", "ahead of") };
            zh.push_str(&format!(
                "{until}，全年累计 {} {}（{} 口径），完成年度目标 {} {}的 {done}%，较时序进度（{calendar}%）{} {} 个百分点。目标依据：{}。",
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

fn name(month: u32) -> Text {
    let en = MONTHS.get(month.saturating_sub(1) as usize).copied().unwrap_or("");
    Text::new(format!("{month}月"), en)
}

fn trend(f: &Facts) -> Chart {
    let best = f.months.iter().filter_map(|(m, now, _)| Some((*m, (*now)?))).max_by_key(|(_, n)| *n).filter(|(_, n)| *n > 0);
    let summary = best.map_or_else(
        || Text::new("各月均无。", "None in any month."),
        |(m, n)| Text::new(format!("{m} 月最多，{n} 人次。"), format!("{} had the most cases: {n}.", name(m).en)),
    );
    let mut series = vec![Series { name: year_name(f.year), values: f.months.iter().map(|(_, now, _)| now.map(|n| n as f64)).collect() }];
    if f.months.iter().any(|(.., past)| *past > 0) {
        let values = f.months.iter().map(|(.., past)| Some(*past as f64)).collect();
        series.push(Series { name: year_name(f.year - 1), values });
    }
    Chart {
        title: Text::new(format!("各月 {} 人次", f.scope.code()), format!("{} cases by month", f.scope.code())),
        summary,
        unit: Text::new("人次", "cases"),
        shape: Shape::Line { categories: f.months.iter().map(|(m, ..)| name(*m)).collect(), series },
    }
}

fn year_name(year: i64) -> Text {
    Text::new(format!("{year} 年"), year.to_string())
}

/// Persons and cases of either scope.
fn table(f: &Facts) -> Table {
    let row = |s: &OfScope, of_persons: bool| {
        let of = |figure: &hutong_count::cases::Figure| int(if of_persons { figure.persons } else { figure.cases });
        let (zh, en, unit) = if of_persons { ("人数", "persons", "persons") } else { ("人次", "cases", "cases") };
        let goal = f.target.as_ref().filter(|t| t.scope == s.scope && t.of_persons == of_persons);
        vec![
            Text::new(format!("{} {zh}", s.scope.code()), format!("{} {en}", s.scope.code())).into(),
            s.scope.code().into(),
            unit.into(),
            Value::Integer(of(&s.now)),
            Value::Integer(of(&s.before)),
            change(f, of(&s.now), of(&s.before)),
            Value::Integer(of(&s.year_ago)),
            change(f, of(&s.now), of(&s.year_ago)),
            Value::Integer(of(&s.to_date)),
            goal.map_or(Value::Empty, |t| Value::Integer(t.value)),
            goal.map_or(Value::Empty, |t| percent(t.done, t.value)),
        ]
    };
    Table {
        key: "overview".to_owned(),
        title: Text::new("总体情况", "Overview"),
        columns: vec![
            Column::new("measure", "计数", "Count", Kind::Text),
            Column::data("scope", "口径", "Scope", Kind::Text),
            Column::data("unit", "单位", "Unit", Kind::Text),
            Column::new("now", "本期", "Now", Kind::Integer),
            Column::new("before", "上期", "Before", Kind::Integer),
            Column::new("change", "环比", "Change", Kind::Percent),
            Column::new("yearAgo", "去年同期", "A year ago", Kind::Integer),
            Column::new("changeOnYear", "同比", "On the year", Kind::Percent),
            Column::new("yearToDate", "全年累计", "Year to date", Kind::Integer),
            Column::new("target", "年度目标", "Target", Kind::Integer),
            Column::new("progress", "完成率", "Of target", Kind::Percent),
        ],
        rows: f.scopes.iter().flat_map(|s| [row(s, false), row(s, true)]).collect(),
        totals: None,
        footnotes: vec![comparison(f)],
    }
}

/// What the chart draws.
fn months(f: &Facts) -> Table {
    let row = |(month, now, past): &(u32, Option<i64>, i64)| {
        // a month that is not over is not compared
        let by = now.filter(|_| f.running.is_none()).and_then(|n| share(n - past, *past));
        vec![name(*month).into(), now.map_or(Value::Empty, Value::Integer), Value::Integer(*past), by.map_or(Value::Empty, Value::Change)]
    };
    let column = |key: &str, year: i64| Column { title: year_name(year), ..Column::new(key, "", "", Kind::Integer) };
    Table {
        key: "months".to_owned(),
        title: Text::new(format!("各月 {} 人次", f.scope.code()), format!("{} cases by month", f.scope.code())),
        columns: vec![
            Column::new("month", "月份", "Month", Kind::Text),
            column("cases", f.year),
            column("casesYearBefore", f.year - 1),
            Column::new("changeOnYear", "同比", "On the year", Kind::Percent),
        ],
        rows: f.months.iter().map(row).collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}
