//! What waits for a person: pairs that may be one case, and parts without their other half, with their age.

use hutong_commit::store::Store;
use hutong_count::cases::Lack;
use hutong_count::period::{Period, day_of};
use hutong_paper::{Block, Column, Document, Kind, Meta, Table, Text, Value as Cell};

use crate::community::{Community, Pair};
use crate::indicators::names;
use crate::ingest::now_us;

/// Rows of one table.
const SHOWN: usize = 200;
const DAY_US: i64 = 86_400_000_000;

/// What a part lacks, for people.
pub(crate) fn lack(of: Lack) -> Text {
    match of {
        Lack::OrderOnly => Text::new("有申请无报告", "order without report"),
        Lack::ExaminedOnly => Text::new("已检查（采样）无报告", "examined without report"),
        Lack::ReportOnly => Text::new("有报告无申请、标本、检查", "report without order, specimen or study"),
        Lack::NotFinal => Text::new("报告未终审", "report not final"),
        Lack::StatusOnly => Text::new("只有状态，没有申请、检查和报告", "a state of nothing else"),
    }
}

/// Of the last `days`; `only`: what this institution examined or ordered.
pub(crate) fn work_document(community: &Community, store: &Store, days: i64, only: Option<&str>) -> Document {
    let now = now_us();
    let today = day_of(now);
    let period = Period { first: today - days, last: today };
    let mut blocks = Vec::new();
    if only.is_none() {
        blocks.push(Block::Table(doubts(community, store, now - days * DAY_US, now)));
    }
    blocks.push(Block::Table(orphans(community, store, (now - days * DAY_US, now), period, only)));
    Document {
        title: Text::new("待办：归并与缺失", "Work items: joins and missing parts"),
        subtitle: Text::new(
            "没有共同号码的申请与报告由人确认：hutong cases join、apart；缺的部分请向发送机构查询",
            "order and report without a common number are for a person to decide: hutong cases join, apart; ask the sender for what is missing",
        ),
        meta: Meta {
            definitions: vec![super::indicators::rule()],
            scope: Text::default(),
            period: Text::new(format!("最近 {days} 天"), format!("last {days} days")),
            journal_position: community.applied(),
            made_at_us: now,
        },
        blocks,
    }
}

fn receipt(store: &Store, seq: u64) -> Cell {
    Cell::Text(store.entry(seq).map(|e| e.receipt().to_owned()).unwrap_or_default())
}

fn case(number: u32) -> Cell {
    Cell::Integer(i64::from(number))
}

fn doubts(community: &Community, store: &Store, from: i64, now: i64) -> Table {
    let found = community.cases.doubts(from, now, SHOWN);
    let row = |d: &hutong_count::cases::Doubt| {
        let item = community.work.of(Pair { order: d.order_case, report: d.report_case });
        vec![
            Cell::Integer(i64::from(d.confidence)),
            case(d.order_case),
            case(d.report_case),
            because(&d.because).into(),
            item.map_or(Cell::Empty, |(_, since)| Cell::Duration((now - since) / 1_000_000)),
            receipt(store, d.order_seq),
            receipt(store, d.report_seq),
        ]
    };
    Table {
        key: "doubts".to_owned(),
        title: Text::new("疑似同一例", "May be one case"),
        columns: vec![
            Column::new("confidence", "可能性", "confidence", Kind::Integer),
            Column::new("orderCase", "申请例号", "order's case", Kind::Integer),
            Column::new("reportCase", "报告例号", "report's case", Kind::Integer),
            Column::new("because", "依据", "because", Kind::Text),
            Column::new("age", "已等待", "waiting", Kind::Duration),
            Column::new("orderReceipt", "申请回执", "order's receipt", Kind::Text),
            Column::new("reportReceipt", "报告回执", "report's receipt", Kind::Text),
        ],
        rows: found.iter().map(row).collect(),
        totals: None,
        footnotes: Vec::new(),
    }
}

fn because(words: &[&str]) -> Text {
    let zh = |word: &str| match word {
        "person" => "同一人",
        "time" => "时间",
        "item" => "项目",
        "modality" => "类别",
        "institution" => "机构",
        "day" => "同日",
        _ => "",
    };
    Text::new(words.iter().map(|w| zh(w)).collect::<Vec<_>>().join("、"), words.join(", "))
}

fn orphans(community: &Community, store: &Store, (from, now): (i64, i64), period: Period, only: Option<&str>) -> Table {
    let mut found = community.cases.orphans(from, now, usize::MAX);
    found.retain(|o| only.is_none_or(|i| i == o.exam));
    found.sort_by_key(|o| o.since_us);
    let all = found.len();
    let row = |o: &hutong_count::cases::Orphan| {
        vec![
            Cell::Duration((now - o.since_us) / 1_000_000),
            case(o.case),
            lack(o.lack).into(),
            names::institution(&community.registry, &o.exam, period).into(),
            names::modality(o.modality).into(),
            Cell::Moment(o.since_us),
            receipt(store, o.seq),
        ]
    };
    let more = Text::new(format!("共 {all} 条，最早的 {SHOWN} 条在此"), format!("{all} in all, the oldest {SHOWN} are here"));
    Table {
        key: "orphans".to_owned(),
        title: Text::new("缺另一半的", "Without the other half"),
        columns: vec![
            Column::new("age", "已等待", "waiting", Kind::Duration),
            Column::new("case", "例号", "case", Kind::Integer),
            Column::new("lack", "缺什么", "what there is", Kind::Text),
            Column::new("institution", "检查机构", "institution", Kind::Text),
            Column::new("modality", "类别", "modality", Kind::Text),
            Column::new("since", "自", "since", Kind::Moment),
            Column::new("receipt", "回执", "receipt", Kind::Text),
        ],
        rows: found.iter().take(SHOWN).map(row).collect(),
        totals: None,
        footnotes: if all > SHOWN { vec![more] } else { Vec::new() },
    }
}
