//! The dashboard's tables: progress to targets by centre and institution, what is not counted, how fresh the data is. Each
//! figure leads to its cases.

use hutong_paper::{Html, Lang, Value};

use crate::context::{Context, address};
use crate::layout::badge;
use crate::view::{Dashboard, Freshness, Progress, Source};

/// By what progress is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Against {
    Centre,
    Institution,
}

/// A bar, full at 100, with a mark that stands out of it where the calendar is. An SVG, because a strict policy of content allows no style
/// attributes; hidden from those who hear the page: the number stands beside it.
pub(crate) fn meter(html: &mut Html, share: f64, calendar: Option<f64>) {
    let share = if share.is_finite() { share.clamp(0.0, 100.0) } else { 0.0 };
    // a little is not nothing
    let width = if share > 0.0 { share.max(0.8) } else { 0.0 };
    let size = [("class", "meter"), ("viewBox", "0 0 100 10"), ("preserveAspectRatio", "none"), ("aria-hidden", "true")];
    // where something is to be reached, what has reached it looks different
    let ink = if share >= 100.0 && calendar.is_some() { "s2" } else { "s0" };
    html.node("svg", &size, |svg| {
        svg.leaf("rect", &[("class", "track"), ("y", "2"), ("width", "100"), ("height", "6")], "");
        svg.leaf("rect", &[("class", ink), ("y", "2"), ("width", &format!("{width:.2}")), ("height", "6")], "");
        if let Some(at) = calendar {
            let at = format!("{:.2}", at.clamp(0.0, 99.4));
            svg.leaf("rect", &[("class", "ink"), ("x", &at), ("width", "0.600"), ("height", "10")], "");
        }
    });
}

/// The cases behind a figure of this page.
fn cases(view: &Dashboard, key: &str, value: &str) -> String {
    address("/console/cases", [("scope", view.scope.code()), ("period", view.year.to_string().as_str()), (key, value)])
}

fn shown(n: i64, context: &Context) -> String {
    Value::Integer(n).shown(context.lang)
}

fn share(row: &Progress) -> Option<f64> {
    row.target.filter(|t| *t > 0).map(|t| row.cases as f64 / t as f64 * 100.0)
}

pub(crate) fn progress(column: &mut Html, view: &Dashboard, against: Against, context: &Context) {
    let (id, key, title, rows) = match against {
        Against::Centre => ("centres", "centre", context.t("各中心进度", "Progress by centre"), &view.centres),
        Against::Institution => {
            ("institutions", "institution", context.t("各检查机构进度", "Progress by examining institution"), &view.institutions)
        }
    };
    column.node("section", &[("class", "card"), ("aria-labelledby", id)], |card| {
        card.node("h2", &[("id", id), ("class", "card-title")], |h| {
            h.text(title);
            h.leaf("span", &[("class", "code")], view.scope.code());
        });
        if rows.is_empty() {
            card.leaf("p", &[("class", "empty")], context.t("本年度没有计入的病例。", "No case counts in this year."));
            return;
        }
        let measured = rows.iter().any(|r| share(r).is_some());
        let largest = rows.iter().map(|r| r.cases).max().unwrap_or(0).max(1) as f64;
        let mut heads = vec![
            context.t(if against == Against::Centre { "中心" } else { "检查机构" }, "Name"),
            context.t("人次", "Cases"),
            context.t("人数", "Persons"),
        ];
        if measured {
            heads.extend([context.t("目标人次", "Target"), context.t("完成率", "Done")]);
        }
        table(card, title, &heads, |body| {
            for row in rows {
                let part = share(row);
                let mut cells = vec![shown(row.cases, context), shown(row.persons, context)];
                if measured {
                    cells.push(row.target.map_or(Value::Empty, Value::Integer).shown(context.lang));
                    cells.push(part.map_or_else(|| "—".to_owned(), |p| format!("{p:.1}%")));
                }
                let name = |th: &mut Html| {
                    th.leaf("a", &[("href", &cases(view, key, &row.id))], row.name.of(context.lang));
                    match part {
                        Some(p) if p >= 100.0 => badge(th, "good", context.t("已完成", "reached")),
                        Some(p) if p < view.elapsed_percent => badge(th, "warn", context.t("慢于时序", "behind")),
                        _ => {}
                    }
                    match (measured, part) {
                        (true, Some(p)) => meter(th, p, Some(view.elapsed_percent)),
                        (true, None) => {}
                        (false, _) => meter(th, row.cases as f64 / largest * 100.0, None),
                    }
                };
                line(body, name, &heads, &cells);
            }
        });
        card.leaf("p", &[("class", "footnote")], &verdict(view, rows, context));
    });
}

/// What one should see in it.
fn verdict(view: &Dashboard, rows: &[Progress], context: &Context) -> String {
    let measured: Vec<f64> = rows.iter().filter_map(share).collect();
    if measured.is_empty() {
        return context.t("尚未设定目标，条长按人次比较。", "No targets are set; bars compare cases.").to_owned();
    }
    let (count, behind) = (measured.len(), measured.iter().filter(|p| **p < view.elapsed_percent).count());
    let calendar = view.elapsed_percent;
    match (context.lang, behind) {
        (Lang::Zh, 0) => format!("竖线为时序进度 {calendar:.1}%，均不慢于时序。"),
        (Lang::Zh, _) => format!("竖线为时序进度 {calendar:.1}%，{count} 个中有 {behind} 个慢于时序。"),
        (Lang::En, 0) => format!("The mark is the calendar ({calendar:.1}%); none is behind it."),
        (Lang::En, _) => format!("The mark is the calendar ({calendar:.1}%); {behind} of {count} are behind it."),
    }
}

/// A table whose first column is wide, the others numbers.
fn table(card: &mut Html, caption: &str, heads: &[&str], body: impl FnOnce(&mut Html)) {
    card.node("table", &[("class", if heads.len() > 2 { "plain bars" } else { "plain bars pairs" })], |table| {
        table.leaf("caption", &[("class", "unseen")], caption);
        table.node("thead", &[], |head| {
            head.node("tr", &[], |tr| {
                for (i, name) in heads.iter().enumerate() {
                    tr.leaf("th", &[("scope", "col"), ("class", if i == 0 { "name" } else { "right" })], name);
                }
            });
        });
        table.node("tbody", &[], body);
    });
}

fn line(body: &mut Html, name: impl FnOnce(&mut Html), heads: &[&str], cells: &[String]) {
    body.node("tr", &[], |tr| {
        tr.node("th", &[("scope", "row")], name);
        for (head, cell) in heads.iter().skip(1).zip(cells) {
            tr.leaf("td", &[("class", "right"), ("data-label", head)], cell);
        }
    });
}

pub(crate) fn excluded(column: &mut Html, view: &Dashboard, context: &Context) {
    column.node("section", &[("class", "card"), ("aria-labelledby", "excluded")], |card| {
        let title = context.t("未计入的病例及原因", "Cases not counted, and why");
        card.node("h2", &[("id", "excluded"), ("class", "card-title")], |h| {
            h.text(title);
            h.leaf("span", &[("class", "code")], view.scope.code());
        });
        if view.excluded.is_empty() {
            card.leaf("p", &[("class", "empty")], context.t("没有未计入的病例。", "Every case counts."));
            return;
        }
        let largest = view.excluded.iter().map(|e| e.cases).max().unwrap_or(0).max(1) as f64;
        let heads = [context.t("原因", "Reason"), context.t("例数", "Cases")];
        table(card, title, &heads, |body| {
            for reason in &view.excluded {
                let name = |th: &mut Html| {
                    th.leaf("a", &[("href", &cases(view, "excluded", &reason.code))], reason.name.of(context.lang));
                    meter(th, reason.cases as f64 / largest * 100.0, None);
                };
                line(body, name, &heads, &[shown(reason.cases, context)]);
            }
        });
        let total = shown(view.excluded.iter().map(|e| e.cases).fold(0, i64::saturating_add), context);
        let text = if context.lang == Lang::Zh { format!("共 {total} 例未计入。") } else { format!("{total} in all.") };
        card.leaf("p", &[("class", "footnote")], &text);
    });
}

/// A state's rank (what needs somebody comes first), colour and words.
fn state(of: Freshness) -> (u8, &'static str, (&'static str, &'static str)) {
    match of {
        Freshness::Silent => (0, "bad", ("中断", "silent")),
        Freshness::Late => (1, "warn", ("延迟", "late")),
        Freshness::Never => (2, "plain", ("尚无消息", "nothing yet")),
        Freshness::Fresh => (3, "good", ("正常", "fresh")),
    }
}

pub(crate) fn sources(column: &mut Html, view: &Dashboard, context: &Context) {
    column.node("section", &[("class", "card"), ("aria-labelledby", "sources")], |card| {
        let title = context.t("各机构数据时效", "Freshness of data");
        card.leaf("h2", &[("id", "sources"), ("class", "card-title")], title);
        if view.sources.is_empty() {
            card.leaf("p", &[("class", "empty")], context.t("尚无机构接入。", "No institution is connected."));
            return;
        }
        let mut all: Vec<&Source> = view.sources.iter().collect();
        all.sort_by_key(|s| state(s.state).0);
        let heads = [
            context.t("机构", "Institution"),
            context.t("最近一条消息", "Last message"),
            context.t("今日消息", "Today"),
            context.t("今日退回", "Rejected today"),
        ];
        card.node("table", &[("class", "plain fresh")], |table| {
            table.leaf("caption", &[("class", "unseen")], title);
            table.node("thead", &[], |head| {
                head.node("tr", &[], |tr| {
                    for (i, name) in heads.iter().enumerate() {
                        tr.leaf("th", &[("scope", "col"), ("class", if i < 2 { "left" } else { "right" })], name);
                    }
                });
            });
            table.node("tbody", &[], |body| all.iter().for_each(|s| source(body, s, &heads, view, context)));
        });
        card.leaf("p", &[("class", "footnote")], &counted(&all, context));
    });
}

/// `中断 1，延迟 2，正常 5`.
fn counted(all: &[&Source], context: &Context) -> String {
    let parts = [Freshness::Silent, Freshness::Late, Freshness::Never, Freshness::Fresh].map(|one| {
        let count = all.iter().filter(|s| s.state == one).count();
        let (zh, en) = state(one).2;
        (count > 0).then(|| format!("{} {count}", context.t(zh, en)))
    });
    parts.into_iter().flatten().collect::<Vec<_>>().join(context.t("，", ", "))
}

/// In the one unit that says enough.
pub(crate) fn ago(seconds: i64, context: &Context) -> String {
    let units = [(86_400, " 天前", " d ago"), (3_600, " 小时前", " h ago"), (60, " 分钟前", " min ago")];
    let unit = units.into_iter().find(|(length, ..)| seconds >= *length);
    unit.map_or_else(|| context.t("刚刚", "just now").to_owned(), |(length, zh, en)| format!("{}{}", seconds / length, context.t(zh, en)))
}

fn source(body: &mut Html, source: &Source, heads: &[&str; 4], view: &Dashboard, context: &Context) {
    body.node("tr", &[], |tr| {
        tr.leaf("th", &[("scope", "row")], source.institution.of(context.lang));
        tr.node("td", &[("data-label", heads[1])], |td| {
            let (_, kind, (zh, en)) = state(source.state);
            badge(td, kind, context.t(zh, en));
            let Some(at) = source.last_message_us else { return };
            let seconds = view.basis.made_at_us.saturating_sub(at) / 1_000_000;
            td.leaf("span", &[("class", "age")], &ago(seconds, context));
        });
        for (head, n) in heads.iter().skip(2).zip([source.messages_today, source.rejected_today]) {
            tr.leaf("td", &[("class", "right"), ("data-label", head)], &shown(n, context));
        }
    });
}
