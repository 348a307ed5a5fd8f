//! What was not counted and why, and the indicators that could be computed.

use hutong_count::cases::Outcome;
use hutong_count::indicators;
use hutong_paper::{Block, Chart, Column, Goal, Kind, Shape, Table, Text, Value};

use super::facts::Facts;
use crate::report::indicators::{cell, met, provenance, target};
use crate::report::{int, percent};

pub(super) fn excluded(f: &Facts) -> Vec<Block> {
    let mut all: Vec<(&Outcome, &u64)> = f.excluded.iter().filter(|(_, n)| **n > 0).collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    if all.is_empty() {
        return vec![Block::Paragraph(Text::new("本期没有未计入的报告。", "Nothing was left out in this period."))];
    }
    let sum = int(all.iter().map(|(_, n)| **n).sum());
    let name = |o: &Outcome| Text::new(o.zh(), o.en());
    let chart = Chart {
        title: Text::new(format!("未计入的报告（{} 口径，份）", f.scope.code()), format!("Reports not counted ({})", f.scope.code())),
        summary: all
            .first()
            .map_or_else(Text::default, |(o, n)| Text::new(format!("最多的是“{}”，{n} 份。", o.zh()), format!("Most: {}, {n}.", o.en()))),
        unit: Text::new("份", "reports"),
        shape: Shape::Progress(all.iter().map(|(o, n)| Goal { label: name(o), value: **n as f64, target: None }).collect()),
    };
    let table = Table {
        key: "excluded".to_owned(),
        title: Text::new("未计入的报告及原因", "Reports not counted, and why"),
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

pub(super) fn indicators(f: &Facts) -> Table {
    let row = |i: &indicators::Figure| {
        vec![
            Value::Text(i.indicator.clone()),
            Text::new(i.title.clone(), i.title_en.clone()).into(),
            cell(i),
            Value::Text(i.unit.clone()),
            target(i),
            met(i),
            provenance(i).into(),
            i.progress.map_or(Value::Empty, |p| Value::Percent(p.round_dp(1))),
            Value::Text(i.class.code().to_owned()),
            Value::Text(i.document.clone()),
            Value::Text(i.definition_version.clone()),
        ]
    };
    let is_missing = |i: &&indicators::Figure| matches!(i.outcome, indicators::Outcome::Missing(_));
    let missing = f.indicators.iter().filter(is_missing).count();
    Table {
        key: "indicators".to_owned(),
        title: Text::new("绩效与监测指标", "Indicators"),
        columns: vec![
            Column::new("indicator", "标识", "Id", Kind::Text),
            Column::new("title", "指标", "Indicator", Kind::Text),
            Column::new("value", "本期", "Value", Kind::Decimal),
            Column::new("unit", "单位", "Unit", Kind::Text),
            Column::new("target", "目标（年）", "Target (year)", Kind::Text),
            Column::new("met", "结论", "State", Kind::Text),
            Column::new("provenance", "来源", "From", Kind::Text),
            Column::data("progress", "完成", "Of target", Kind::Percent),
            Column::data("class", "类别", "Class", Kind::Text),
            Column::data("document", "文件", "Document", Kind::Text),
            Column::data("definitionVersion", "定义版本", "Definition", Kind::Text),
        ],
        rows: f.indicators.iter().filter(|i| !is_missing(i)).map(row).collect(),
        totals: None,
        footnotes: footnotes(f, missing),
    }
}

fn footnotes(f: &Facts, missing: usize) -> Vec<Text> {
    let mut out = vec![Text::new(
        "来源：计数为网关由消息得出；计算为计数与填报、配置的数合成；填报为机构填报并经第二人审核。",
        "From: counted by the gateway from messages; computed with reported or configured numbers; reported by institutions and approved by a second person.",
    )];
    if missing > 0 {
        out.push(Text::new(
            format!("另有 {missing} 项无法计算，所缺见说明。"),
            format!("{missing} more cannot be computed: the notes say what is missing."),
        ));
    }
    if f.of_area_only > 0 {
        out.push(Text::new(
            format!("另有 {} 项没有本机构的数，见全域通报。", f.of_area_only),
            format!("{} more have no figure of this institution: see the report of the whole area.", f.of_area_only),
        ));
    }
    out
}
