//! What is told → cards. One card an order and earlier report: its items, a link to the page, the suggestion to recognise,
//! and the reasons against. An order that may be repeated has no card: who is warned of nothing too often reads no warning.
//!
//! A card's `uuid` is the GUID of its first reminder, the `uuid` of its suggestion follows from that, so that feedback finds
//! its reminder without anything being kept in between.

use hutong_enforce::recognition::Verdict;
use hutong_enforce::recognition::desk::{Degraded, ItemTold, Mode, Shown, Told};
use hutong_fhir::id::from_identity;
use serde_json::{Value, json};

use crate::recognition::check::{degraded_text, link};

/// `summary` is "one sentence, <140 characters".
const SUMMARY_MAX: usize = 139;
/// Cards of one answer; the rest is left to the page of the visit.
const CARDS_MAX: usize = 20;

/// Code system of the reasons that a card offers.
pub(super) const REASONS: &str = "http://fhir.med-community.cn/gw/CodeSystem/recognition-reason-platform";
const TASK_CODES: &str = "http://fhir.med-community.cn/gw/CodeSystem/task-code";

/// `uuid` of the suggestion to recognise what a reminder shows.
pub(super) fn suggestion(reminder: &str) -> String {
    from_identity("cds-hooks", "suggestion", ["recognise", reminder])
}

/// Items of one order that one earlier report answers.
struct Group<'t> {
    order: &'t str,
    items: Vec<(&'t ItemTold, &'t Shown)>,
}

pub(super) fn cards(told: &Told, visit: bool, reasons: &[(String, String, String, bool)], root: &str) -> Vec<Value> {
    let mut cards: Vec<Value> = told.degraded.map(|why| degraded(told, why)).into_iter().collect();
    let groups = groups(told);
    cards.extend(groups.iter().take(CARDS_MAX).map(|group| card(told, group, visit, reasons, root)));
    cards
}

fn groups(told: &Told) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for item in told.items.iter().filter(|i| i.ruling.verdict == Verdict::Recognise) {
        // the newest; older ones are on its page
        let Some(shown) = item.reminders.first() else { continue };
        let same = |g: &Group<'_>| g.order == item.order && g.items.first().is_some_and(|(_, s)| same_report(s, shown));
        match groups.iter_mut().find(|g| same(g)) {
            Some(group) => group.items.push((item, shown)),
            None => groups.push(Group { order: &item.order, items: vec![(item, shown)] }),
        }
    }
    groups
}

fn same_report(a: &Shown, b: &Shown) -> bool {
    !a.reminder.report.is_empty() && a.reminder.report == b.reminder.report
}

fn source() -> Value {
    json!({
        "label": "检查检验结果互认 · hutong 互通",
        "topic": {"system": TASK_CODES, "code": "mutual-recognition-decision", "display": "检查检验结果互认"}
    })
}

fn degraded(told: &Told, why: Degraded) -> Value {
    let (zh, en) = degraded_text(why);
    json!({"uuid": told.id, "summary": cut(&format!("{zh} / {en}")), "indicator": "info", "source": source()})
}

fn card(told: &Told, group: &Group<'_>, visit: bool, reasons: &[(String, String, String, bool)], root: &str) -> Value {
    let Some((_, first)) = group.items.first() else { return Value::Null };
    // nothing is held or refused on half an answer
    let mode = group.items.iter().map(|(i, _)| i.mode).max().filter(|_| told.degraded.is_none()).unwrap_or_default();
    // what another report answers is another card: accepting this one says nothing of it
    let whole = told.items.iter().filter(|i| i.order == group.order).count() == group.items.len();
    let indicator = match (visit, mode) {
        (true, _) => "info",
        (false, Mode::Remind) => "warning",
        (false, Mode::Hold | Mode::Refuse) => "critical",
    };
    let mut card = json!({
        "uuid": first.reminder.id,
        "summary": cut(&summary(group)),
        "indicator": indicator,
        "detail": detail(group, mode, visit),
        "source": source(),
        "links": [{"label": "查看已有结果 / Open the earlier result", "url": link(root, &first.link), "type": "absolute"}]
    });
    if !visit {
        card["suggestions"] = json!([suggest(group, first, whole)]);
        card["selectionBehavior"] = json!("at-most-one");
        if !reasons.is_empty() {
            card["overrideReasons"] = json!(reasons.iter().map(reason).collect::<Vec<_>>());
        }
    }
    card
}

/// To recognise; where this report answers the whole order, the draft goes.
fn suggest(group: &Group<'_>, first: &Shown, whole: bool) -> Value {
    let label =
        if whole { "互认已有结果，撤销本申请 / Recognise, withdraw the order" } else { "互认已有结果 / Recognise" };
    let mut it = json!({"label": label, "uuid": suggestion(&first.reminder.id), "isRecommended": true});
    if whole && group.order.starts_with("ServiceRequest/") {
        let description = "删除重复的申请草稿 / Delete the draft order, which would repeat the examination";
        it["actions"] = json!([{"type": "delete", "description": description, "resourceId": group.order}]);
    }
    it
}

fn reason((code, zh, en, wants_diagnosis): &(String, String, String, bool)) -> Value {
    let ask = if *wants_diagnosis { "（请在备注中填写诊断） (name the diagnosis in the comment)" } else { "" };
    json!({"system": REASONS, "code": code, "display": format!("{zh} / {en}{ask}")})
}

fn summary(group: &Group<'_>) -> String {
    let names: Vec<&str> = group.items.iter().map(|(_, s)| s.item_name.as_str()).collect();
    let (shown, more) = names.split_at(names.len().min(3));
    let more = if more.is_empty() { String::new() } else { format!("等 {} 项", names.len()) };
    let first = group.items.first().map(|(_, s)| *s);
    let (place, day) = first.map_or(("", ""), |s| (s.institution_name.as_str(), s.reported.get(..10).unwrap_or(&s.reported)));
    format!("可互认：{}{more}，{place} {day} 已有结果 / An earlier result can be recognised", shown.join("、"))
}

fn detail(group: &Group<'_>, mode: Mode, visit: bool) -> String {
    let mut out = String::with_capacity(512);
    out.push_str(
        "| 项目 Item | 结果 Result | 报告时间 Reported | 机构 Institution | 有效至 Valid until | 规则 Rule |\n|---|---|---|---|---|---|\n",
    );
    for (_, shown) in &group.items {
        let rule = shown.reminder.rule.as_ref().map(|r| format!("{} {} 第 {} 行", r.set, r.version, r.line)).unwrap_or_default();
        let until = shown.until_us.map(hutong_paper::moment).unwrap_or_default();
        for cell in [&shown.item_name, &shown.value, &shown.reported, &shown.institution_name, &until, &rule] {
            out.push_str("| ");
            escape(cell, &mut out);
            out.push(' ');
        }
        out.push_str("|\n");
    }
    out.push_str(match (visit, mode) {
        (true, _) => "\n本次诊疗如需上述项目，请先查看已有结果。 / Should these items be needed, look at the earlier results first.\n",
        (false, Mode::Remind) => {
            "\n满足诊疗需要的，不得重复检查检验；不互认请选择原因。 / Do not repeat what serves the need; to override, choose a reason.\n"
        }
        (false, Mode::Hold) => "\n申请将暂缓，直至选择互认或说明不互认原因。 / The order waits until it is answered.\n",
        (false, Mode::Refuse) => "\n未说明原因的重复申请将不被接收。 / Without a reason the order is not taken.\n",
    });
    out
}

/// Text in a cell of GitHub Flavored Markdown: what came from elsewhere writes neither markup nor links.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SUMMARY_MAX {
        return text.to_owned();
    }
    text.chars().take(SUMMARY_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_elsewhere_writes_no_markup() {
        let mut out = String::new();
        escape("a|b\n[x](http://y) <img> `c` & *d* ↑", &mut out);
        assert_eq!(out, "a\\|b \\[x\\](http://y) &lt;img&gt; \\`c\\` &amp; \\*d\\* ↑");
    }

    #[test]
    fn a_summary_is_short_and_whole_characters() {
        assert_eq!(cut("血常规"), "血常规");
        let long = cut(&"血".repeat(500));
        assert_eq!(long.chars().count(), 139);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn the_time_is_chinas() {
        assert_eq!(hutong_paper::moment(1_795_017_600_000_000), "2026-11-19 00:00");
    }
}
