//! A quarterly report as a document: overview, institutions, centres, what was not counted, indicators, notes.

use hutong_count::period::{Period, date_of};
use hutong_paper::{Block, Document, Lang, Meta, Text, Value};

use super::facts::Facts;
use super::{centres, left_out, named, notes, or, overview, places};
use crate::ingest::now_us;
use crate::report::indicators::rule;
use crate::report::{int, share};

pub(super) fn write(f: &Facts) -> Document {
    let mut number = 0;
    let mut heading = |zh: &str, en: &str| {
        let chinese = ["一", "二", "三", "四", "五", "六"].get(number).copied().unwrap_or("");
        number += 1;
        Block::Heading(1, Text::new(format!("{chinese}、{zh}"), format!("{number}. {en}")))
    };
    let mut blocks = vec![Block::Paragraph(opening(f)), heading("总体情况", "Overview")];
    blocks.extend(overview::blocks(f));
    blocks.push(heading("各机构完成情况", "By institution"));
    blocks.extend(places::blocks(f));
    blocks.push(match f.institution {
        None => heading("诊断中心时效与质量", "Turnaround and quality of the centres"),
        Some(_) => heading("时效与质量", "Turnaround and quality"),
    });
    blocks.extend(centres::blocks(f));
    blocks.push(heading("未计入情况", "What was not counted"));
    blocks.extend(left_out::excluded(f));
    blocks.push(heading("指标对照", "Indicators"));
    blocks.push(Block::Table(left_out::indicators(f)));
    blocks.push(heading("统计方法与数据质量说明", "Method and quality of the data"));
    blocks.extend(notes::notes(f));
    numbered(&mut blocks);
    let quarterly = f.period.last - f.period.first > 80 && f.period.last - f.period.first < 93;
    let kind = if quarterly { ("运行情况季度通报", "quarterly report") } else { ("运行情况通报", "report") };
    Document {
        title: Text::new(format!("{}{}", or(&f.name, "县域医共体"), kind.0), format!("{}: {}", f.name.of(Lang::En), kind.1)),
        subtitle: named(f.period),
        meta: meta(f),
        blocks,
    }
}

/// Tables and charts get their numbers when it is known which there are.
fn numbered(blocks: &mut [Block]) {
    let (mut tables, mut charts) = (0, 0);
    for block in blocks {
        let (title, zh, en, number) = match block {
            Block::Table(table) => (&mut table.title, "表", "Table", &mut tables),
            Block::Chart(chart) => (&mut chart.title, "图", "Figure", &mut charts),
            _ => continue,
        };
        *number += 1;
        *title = Text::new(format!("{zh}{number} {}", title.zh), format!("{en} {number}. {}", title.en));
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
    let (so_far, so_far_en) =
        f.running.map(date_of).map_or_else(Default::default, |day| (format!("，未结束，截至 {day}"), format!(", still open, up to {day}")));
    Meta {
        definitions,
        scope: Text::new(
            format!("{}（表图）；IMG5 影像、心电、超声、核医学、肌电、脑电，ALL4 另含检验、病理", f.scope.code()),
            format!(
                "{} in tables and charts; IMG5: imaging, ECG, ultrasound, nuclear, EMG, EEG; ALL4: with laboratory and pathology",
                f.scope.code()
            ),
        ),
        period: Text::new(
            format!("{}（{first} 至 {last}{so_far}）", named(f.period).zh),
            format!("{} ({first} to {last}{so_far_en})", named(f.period).en),
        ),
        journal_position: f.position,
        made_at_us: now_us(),
    }
}

fn opening(f: &Facts) -> Text {
    let period = named(f.period);
    let (whose, whose_en) = match (&f.institution, or(&f.community, "县域医共体")) {
        (Some(_), community) => {
            (format!("{community}{}", f.name.zh), format!(" at {} ({})", f.name.of(Lang::En), f.community.of(Lang::En)))
        }
        (None, community) => (community, String::new()),
    };
    Text::new(
        format!(
            "现将{whose}{}“基层检查、上级诊断”及共享诊断中心运行情况通报如下。人次、人数由医共体互操作网关依据各机构上传的原始消息自动计数，逐例可追溯到消息；填报的数单独注明来源。",
            period.zh
        ),
        format!(
            "This report tells of cases that were examined at the grass roots and diagnosed above in {}{whose_en}, and of the shared centres. Cases and persons are counted by the gateway from the messages that institutions sent, and each can be traced to them; what was reported by hand is marked as such.",
            period.en
        ),
    )
}

/// How much more than before, of whole periods: one that is not over is compared with none.
pub(super) fn change(f: &Facts, now: i64, before: i64) -> Value {
    if f.running.is_some() {
        return Value::Empty;
    }
    share(now - before, before).map_or(Value::Empty, Value::Change)
}

/// Against the period before and a year ago, in words.
pub(super) fn against(f: &Facts, now: u64, before: u64, year_ago: u64) -> Text {
    let (now, before, year_ago) = (int(now), int(before), int(year_ago));
    if f.running.is_some() {
        return Text::new(format!("本期未结束；上期全期 {before}"), format!("still open; {before} in all of the period before"));
    }
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    for (past, name, name_en) in [(before, "环比", "on the period before"), (year_ago, "同比", "on the year")] {
        let by = change(f, now, past);
        if by != Value::Empty {
            zh.push(format!("{name} {}", by.shown(Lang::Zh)));
            en.push(format!("{} {name_en}", by.shown(Lang::En)));
        }
    }
    if zh.is_empty() {
        return Text::new("上期、去年同期均无数", "nothing before to compare with");
    }
    Text::new(zh.join("，"), en.join(", "))
}

/// What stands below tables that compare.
pub(super) fn comparison(f: &Facts) -> Text {
    match f.running {
        Some(_) => Text::new(
            "本期尚未结束，不与上期、去年同期比较，环比、同比从缺。",
            "The period is not over: nothing is compared with whole periods before.",
        ),
        None => Text::new(
            "上期、去年同期为同样月数的整期；基数为 0 的不计环比、同比。",
            "Before: as many whole months; no change is given where there was nothing before.",
        ),
    }
}

/// For notes: first and last day.
pub(super) fn span(period: Period) -> String {
    format!("{} 至 {}", date_of(period.first), date_of(period.last))
}
