//! Notes on method and on the quality of data: what makes the figures trustworthy, and where they are not.

use std::collections::BTreeMap;

use hutong_count::cases::{Cause, DEFINITION, DEFINITION_VERSION, Lack, Outcome};
use hutong_count::period::date_of;
use hutong_paper::{Align, Block, Column, Kind, Table, Text, Value};

use super::facts::Facts;
use super::write::span;
use crate::report::indicators::{gaps_by_reason, given};
use crate::report::int;

pub(super) fn notes(f: &Facts) -> Vec<Block> {
    let mut all = vec![method(), identity(f), scopes()];
    all.extend(messages(f));
    all.extend(running(f));
    all.push(orphans(f));
    all.push(closing(f));
    let mut blocks = vec![Block::Notes(all)];
    if !f.senders.is_empty() {
        blocks.push(Block::Table(senders(f)));
    }
    if !f.adjustments.is_empty() {
        blocks.push(Block::Table(adjustments(f)));
    }
    let missing = gaps_by_reason(&f.indicators);
    if !missing.is_empty() {
        blocks.push(Block::Heading(2, Text::new("无法计算的指标及原因", "What cannot be computed, and why")));
        blocks.push(Block::Notes(missing));
    }
    let given = given(&f.indicators);
    if !given.is_empty() {
        blocks.push(Block::Heading(2, Text::new("所用的填报和配置数", "Reported and configured numbers")));
        blocks.push(Block::Notes(given));
    }
    blocks
}

fn method() -> Text {
    Text::new(
        format!(
            "计数规则 {DEFINITION}，第 {DEFINITION_VERSION} 版：一例以首份终审报告计入，检查机构须为基层医疗卫生机构，诊断机构须为同一医共体或上级的县级、市级机构，须见到基层的申请、标本或检查消息，报告须有签发医师；同一检查机构、检查号、类别只计一次，更正不另计，撤销即扣除。"
        ),
        format!(
            "Rule {DEFINITION}, version {DEFINITION_VERSION}: a case counts at its first final report, examined at a primary institution, read by a county or city one of the same community or above it, with an order, specimen or study of the lower one and a signature; once per examining institution, accession and modality. A correction adds nothing, a cancellation takes it away."
        ),
    )
}

fn identity(f: &Facts) -> Text {
    let unidentified: u64 = f.scopes.iter().map(|s| s.now.unidentified).max().unwrap_or(0);
    Text::new(
        format!(
            "人次为例数；人数为本期内按医共体主索引去重的患者数，二者不互相推算。患者身份不明的 {unidentified} 例计入人次、不计入人数。"
        ),
        format!(
            "Cases and persons are counted apart; persons are distinct by the community's index within the period. {unidentified} cases of unknown patients are among the cases and not among the persons."
        ),
    )
}

fn scopes() -> Text {
    Text::new(
        "目标为文件所在区划全域的目标；只与本区划的全域数对照。全年累计与年度目标对照，不作年化推算。",
        "Targets are of the whole area of their document. The year to date is compared with the year's target; nothing is annualised.",
    )
}

fn messages(f: &Facts) -> Option<Text> {
    if f.senders.is_empty() {
        return Some(Text::new(
            format!(
                "{} 没有收到{}消息；本期如有数字，来自期后到达的消息。",
                span(f.period),
                if f.institution.is_some() { "本机构来源的" } else { "" }
            ),
            "No messages arrived in the period; its figures, if any, are of messages that came later.",
        ));
    }
    let sum = |at: usize| f.senders.iter().filter_map(|(_, o)| o.get(at)).sum::<u64>();
    let (stored, rejected, held, again) = (sum(0), sum(1), sum(2), sum(3));
    let excluded: u64 = f.excluded.iter().filter(|(o, _)| **o != Outcome::Counted).map(|(_, n)| n).sum();
    Some(Text::new(
        format!(
            "{} 共收到 {} 个{}来源的消息 {} 条：入库 {stored}，挂起待查 {held}，拒绝 {rejected}，重发 {again}（见下表）。挂起和拒绝的消息在更正重发前不进入统计。未计入的报告 {excluded} 份，原因见“未计入情况”。",
            span(f.period),
            f.senders.len(),
            if f.institution.is_some() { "本机构" } else { "" },
            stored + rejected + held + again,
        ),
        format!(
            "{} messages came from {} sources: {stored} stored, {held} held, {rejected} refused, {again} sent again (table below). Those held or refused are in no figure until they are sent anew. {excluded} reports were not counted; the chapter above says why.",
            stored + rejected + held + again,
            f.senders.len(),
        ),
    ))
}

fn running(f: &Facts) -> Option<Text> {
    let day = date_of(f.running?);
    Some(Text::new(
        format!("本期尚未结束，数字截至 {day}；与上期、去年同期的整期不可比，未计环比、同比。"),
        format!("The period is not over: figures are up to {day} and are not compared with whole periods before."),
    ))
}

fn lack(lack: Lack) -> (&'static str, &'static str) {
    match lack {
        Lack::OrderOnly => ("有申请无报告", "orders without report"),
        Lack::ExaminedOnly => ("已检查（采样）无报告", "examined without report"),
        Lack::ReportOnly => ("有报告无申请、标本、检查", "reports without order, specimen or study"),
        Lack::NotFinal => ("报告未终审", "reports not final"),
        Lack::StatusOnly => ("只有状态，没有申请、检查和报告", "states of nothing else"),
    }
}

fn orphans(f: &Facts) -> Text {
    let part = |(l, ages): (&Lack, &Vec<i64>)| {
        let (old, oldest) = (ages.iter().filter(|a| **a > 7).count(), ages.iter().max().copied().unwrap_or(0).max(0));
        let (zh, en) = lack(*l);
        (
            format!("{zh} {} 例（超过 7 天 {old} 例，最久 {oldest} 天）", ages.len()),
            format!("{} {en} ({old} older than 7 days, the oldest {oldest} days)", ages.len()),
        )
    };
    let (zh, en): (Vec<String>, Vec<String>) = f.orphans.iter().map(part).unzip();
    if zh.is_empty() && f.doubts == 0 {
        return Text::new("没有缺少另一半的申请、检查或报告。", "No order, examination or report lacks its other half.");
    }
    let none = |parts: Vec<String>, sep: &str, none: &str| if parts.is_empty() { none.to_owned() } else { parts.join(sep) };
    Text::new(
        format!("缺另一半的：{}。疑似同一例、待人工确认的 {} 对，未合并计数。", none(zh, "；", "无"), f.doubts),
        format!(
            "Without their other half: {}. {} pairs may be one case and wait for a person; they are not joined.",
            none(en, "; ", "none"),
            f.doubts
        ),
    )
}

fn closing(f: &Facts) -> Text {
    let s = f.scopes.iter().find(|s| s.scope == f.scope);
    let position = f.position;
    let (zh, en) = match s.and_then(|s| s.published.map(|p| (s.now, p))) {
        Some((now, published)) => (
            format!(
                "本期已结账：{} 公布 {} 人次、{} 人；其后调整 {} 笔，现为 {} 人次、{} 人。",
                f.scope.code(),
                published.cases,
                published.persons,
                f.adjustments.len(),
                now.cases,
                now.persons
            ),
            format!(
                "The period is closed: {} was published as {} cases and {} persons; {} adjustments since, now {} and {}.",
                f.scope.code(),
                published.cases,
                published.persons,
                f.adjustments.len(),
                now.cases,
                now.persons
            ),
        ),
        None if f.closed => (String::new(), String::new()),
        None => (
            "本期尚未结账，数字随迟到、更正的消息变动；结账后的变动逐笔列为调整。".to_owned(),
            "The period is still open and its figures change with late and corrected messages; once it is closed each change is listed as an adjustment.".to_owned(),
        ),
    };
    let left_out = f.size.left_out;
    let (more, more_en) = if left_out == 0 {
        (String::new(), String::new())
    } else {
        (format!("因号码过度共用而略去 {left_out} 条记录。"), format!(" {left_out} records were left out because too many share a number."))
    };
    Text::new(
        format!("{zh}{more}以上数字截至日志第 {position} 条，用 hutong report indicators --recount 可由日志逐条重算核对。"),
        format!(
            "{en}{more_en} Figures are as of journal entry {position}; hutong report indicators --recount counts them anew from the journal."
        ),
    )
}

fn senders(f: &Facts) -> Table {
    let row = |(name, o): &(Text, [u64; 4])| {
        let mut cells = vec![name.clone().into(), Value::Integer(int(o.iter().sum()))];
        cells.extend([0, 2, 1, 3].iter().filter_map(|at: &usize| o.get(*at)).map(|n| Value::Integer(int(*n))));
        cells
    };
    Table {
        key: "senders".to_owned(),
        title: Text::new("消息来源", "Where messages came from"),
        columns: vec![
            Column::new("source", "来源", "Source", Kind::Text),
            Column::new("messages", "消息", "Messages", Kind::Integer),
            Column::new("stored", "入库", "Stored", Kind::Integer),
            Column::new("held", "挂起", "Held", Kind::Integer),
            Column::new("rejected", "拒绝", "Refused", Kind::Integer),
            Column::new("again", "重发", "Sent again", Kind::Integer),
        ],
        rows: f.senders.iter().map(row).collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}

fn cause(cause: Cause) -> Text {
    match cause {
        Cause::Message => Text::new("迟到、更正或撤销的消息", "a late, corrected or cancelled message"),
        Cause::Identity => Text::new("患者主索引合并或拆分", "persons joined or parted"),
        Cause::Institutions => Text::new("机构目录变动", "a change of the registry of institutions"),
        Cause::Decision => Text::new("人工确认", "a person's decision"),
    }
}

/// By day, month and cause: what the adjustments of a closed period come to.
fn adjustments(f: &Facts) -> Table {
    let mut sums: BTreeMap<(i64, String, Cause), (i64, i64)> = BTreeMap::new();
    for a in f.adjustments.iter().filter(|a| f.scope.holds(a.modality)) {
        let sum = sums.entry((hutong_count::period::day_of(a.at_us), a.month.clone(), a.cause)).or_default();
        let by = i64::from(a.change);
        if a.outcome == Outcome::Counted { sum.0 += by } else { sum.1 += by }
    }
    Table {
        key: "adjustments".to_owned(),
        title: Text::new("结账后的调整", "Adjustments since the period closed"),
        columns: vec![
            Column { align: Some(Align::Left), ..Column::new("date", "日期", "Date", Kind::Date) },
            Column::new("month", "月份", "Month", Kind::Text),
            Column::new("cause", "原因", "Cause", Kind::Text),
            Column::new("cases", "计入人次增减", "Cases", Kind::Integer),
            Column::new("excluded", "未计入增减", "Not counted", Kind::Integer),
        ],
        rows: sums
            .into_iter()
            .map(|((day, month, c), (cases, excluded))| {
                vec![Value::Date(day), Value::Text(month), cause(c).into(), Value::Integer(cases), Value::Integer(excluded)]
            })
            .collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}
